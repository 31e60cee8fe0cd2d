//! The exchange with each atomic read-modify-write torn into a load and a store.

pub(crate) mod sync {
    pub type SharedCell<T> = loom::cell::UnsafeCell<T>;
    pub use loom::sync::Arc;
    pub use loom::sync::atomic::{AtomicUsize, Ordering, fence};

    macro_rules! torn {
        ($name:ident, $value:ty) => {
            pub struct $name(loom::sync::atomic::$name);

            #[allow(dead_code)]
            impl $name {
                pub fn new(value: $value) -> $name {
                    $name(loom::sync::atomic::$name::new(value))
                }

                pub fn load(&self, order: Ordering) -> $value {
                    self.0.load(order)
                }

                pub fn store(&self, value: $value, order: Ordering) {
                    self.0.store(value, order);
                }

                pub fn fetch_add(&self, value: $value, _order: Ordering) -> $value {
                    let found = self.0.load(Ordering::Acquire);
                    self.0.store(found + value, Ordering::Release);
                    found
                }

                pub fn compare_exchange(
                    &self,
                    expected: $value,
                    value: $value,
                    _success: Ordering,
                    _failure: Ordering,
                ) -> Result<$value, $value> {
                    let found = self.0.load(Ordering::Acquire);
                    if found != expected {
                        return Err(found);
                    }
                    self.0.store(value, Ordering::Release);
                    Ok(found)
                }
            }
        };
    }
    torn!(AtomicU32, u32);
    torn!(AtomicU64, u64);
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
