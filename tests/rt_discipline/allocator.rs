//! The system's allocator, but it ends the process when an armed thread calls it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

pub struct Guarded;

thread_local! {
    // Neither lazily made nor dropped, so that looking at it never allocates.
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

/// From now on the calling thread must not call the allocator, or may again.
pub fn arm(armed: bool) {
    ARMED.set(armed);
}

fn check(what: &str) {
    if ARMED.get() {
        ARMED.set(false);
        for text in [what, " on the real-time thread\n"] {
            let _ = nix::unistd::write(std::io::stderr(), text.as_bytes());
        }
        std::process::abort();
    }
}

// Safety: every call is the system allocator's, with the caller's own promises; `check` either returns or ends the
// process.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check("allocation");
        // Safety: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check("allocation");
        // Safety: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        check("free");
        // Safety: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check("reallocation");
        // Safety: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
