//! The exchange with every load and store relaxed.

pub(crate) mod sync {
    pub type SharedCell<T> = loom::cell::UnsafeCell<T>;
    pub use loom::sync::Arc;
    pub use loom::sync::atomic::{Ordering, fence};

    macro_rules! relaxed {
        ($name:ident, $value:ty) => {
            pub struct $name(loom::sync::atomic::$name);

            #[allow(dead_code)]
            impl $name {
                pub fn new(value: $value) -> $name {
                    $name(loom::sync::atomic::$name::new(value))
                }

                pub fn load(&self, _order: Ordering) -> $value {
                    self.0.load(Ordering::Relaxed)
                }

                pub fn store(&self, value: $value, _order: Ordering) {
                    self.0.store(value, Ordering::Relaxed);
                }

                pub fn fetch_add(&self, value: $value, _order: Ordering) -> $value {
                    self.0.fetch_add(value, Ordering::Relaxed)
                }

                pub fn compare_exchange(
                    &self,
                    found: $value,
                    value: $value,
                    _success: Ordering,
                    _failure: Ordering,
                ) -> Result<$value, $value> {
                    self.0.compare_exchange(found, value, Ordering::Relaxed, Ordering::Relaxed)
                }
            }
        };
    }
    relaxed!(AtomicU32, u32);
    relaxed!(AtomicU64, u64);
    relaxed!(AtomicUsize, usize);
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
