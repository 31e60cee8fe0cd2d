//! The exchange without the release fence of its writers.

pub(crate) mod sync {
    pub type SharedCell<T> = loom::cell::UnsafeCell<T>;
    pub use loom::sync::Arc;
    pub use loom::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

    pub fn fence(order: Ordering) {
        if order == Ordering::Acquire {
            loom::sync::atomic::fence(order);
        }
    }
}

pub(crate) mod command {
    pub use motiond::exchange::command::*;
}
#[path = "../../src/exchange/latest.rs"]
#[allow(dead_code)]
pub(crate) mod latest;
#[path = "models.rs"]
#[allow(dead_code)]
pub(crate) mod models;
#[path = "../../src/exchange/pool.rs"]
#[allow(dead_code)]
pub(crate) mod pool;
#[path = "../../src/exchange/ring.rs"]
#[allow(dead_code)]
pub(crate) mod ring;
#[path = "../../src/exchange/stop.rs"]
#[allow(dead_code)]
pub(crate) mod stop;
#[path = "../../src/exchange/ticket.rs"]
#[allow(dead_code)]
pub(crate) mod ticket;
