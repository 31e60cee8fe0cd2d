//! Atomics that forget every ordering.

pub(super) use std::sync::Arc;
pub(super) use std::sync::atomic::Ordering;

pub(super) fn fence(_order: Ordering) {}

macro_rules! relaxed {
    ($name:ident, $value:ty) => {
        pub(super) struct $name(std::sync::atomic::$name);

        impl $name {
            pub fn new(value: $value) -> $name {
                $name(std::sync::atomic::$name::new(value))
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

pub(super) struct SharedCell<T>(std::cell::UnsafeCell<T>);

impl<T> SharedCell<T> {
    pub(super) fn new(value: T) -> SharedCell<T> {
        SharedCell(std::cell::UnsafeCell::new(value))
    }

    pub(super) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    pub(super) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
