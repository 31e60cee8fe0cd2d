//! The atomics and cells under the exchange.
//!
//! The structures beside this file name them only through here, so that `tests/loom.rs` compiles the same
//! sources over loom's, and over deliberately weakened ones that loom must find wanting.

pub(super) use std::sync::Arc;
pub(super) use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

/// A cell that is shared without a lock: who may touch it when is proven at its uses.
pub(super) struct SharedCell<T>(std::cell::UnsafeCell<T>);

impl<T> SharedCell<T> {
    pub(super) fn new(value: T) -> SharedCell<T> {
        SharedCell(std::cell::UnsafeCell::new(value))
    }

    /// Hands out the place for reading.
    pub(super) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Hands out the place for writing.
    pub(super) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
