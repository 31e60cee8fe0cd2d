//! Violations of the discipline, done on purpose on the real-time thread of a whole daemon, before one of its cycles.

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};

use nix::libc;

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Plant {
    Nothing,
    Allocation,
    Free,
    Reallocation,
    PageFault,
    SystemCall,
    /// The cycle panics.
    Panic,
    /// The thread never sleeps again.
    Spin,
    /// A drive has a fault: the run is not what it should be, whatever the guards say.
    DriveFault,
    /// A client's session panics, likewise.
    SessionPanic,
    /// Nothing, with the drives on a cable.
    Cable,
    /// The same, with the drives in a ring that is cut.
    Ring,
    /// The same, with nodes on a CAN bus that agree to everything.
    Can,
}

impl Plant {
    pub const ALL: [Plant; 13] = [
        Plant::Nothing,
        Plant::Allocation,
        Plant::Free,
        Plant::Reallocation,
        Plant::PageFault,
        Plant::SystemCall,
        Plant::Panic,
        Plant::Spin,
        Plant::DriveFault,
        Plant::SessionPanic,
        Plant::Cable,
        Plant::Ring,
        Plant::Can,
    ];
}

/// What is lying ready to be freed or to grow.
struct Kept(UnsafeCell<Option<Vec<u64>>>);

// Safety: `prepare` fills it before the real-time thread exists, and from then on that thread alone touches it.
unsafe impl Sync for Kept {}

static PLANT: AtomicU8 = AtomicU8::new(0);
static NOW: AtomicBool = AtomicBool::new(false);
static KEPT: Kept = Kept(UnsafeCell::new(None));
static PAGE: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());

/// Lays out what the violation needs. Before the daemon starts.
pub fn prepare(plant: Plant) {
    // Safety: the only thread that will ever touch it besides this one does not exist yet.
    unsafe { *KEPT.0.get() = Some(vec![1; 16]) };
    PLANT.store(plant as u8, Ordering::Release);
}

/// The violation happens before the next cycle, once.
pub fn strike() {
    PAGE.store(absent_page(), Ordering::Release);
    NOW.store(true, Ordering::Release);
}

/// To be called by the real-time thread before each cycle.
pub fn before_step(_cycle: u64) {
    if NOW.swap(false, Ordering::Acquire) {
        misbehave(Plant::ALL[usize::from(PLANT.load(Ordering::Relaxed))]);
    }
}

/// Does it.
pub fn misbehave(plant: Plant) {
    match plant {
        Plant::Nothing | Plant::DriveFault | Plant::SessionPanic | Plant::Cable | Plant::Ring | Plant::Can => {}
        Plant::Allocation => drop(black_box(Box::new(1u64))),
        // Safety: only the real-time thread comes here, and `prepare` has long returned.
        Plant::Free => drop(black_box(unsafe { (*KEPT.0.get()).take() })),
        Plant::Reallocation => {
            // Safety: as above.
            let kept = unsafe { &mut *KEPT.0.get() };
            kept.as_mut().unwrap().reserve_exact(1 << 16);
            black_box(kept);
        }
        // Safety: the page is mapped for reading and writing, and nobody else knows it.
        Plant::PageFault => unsafe { PAGE.load(Ordering::Acquire).write_volatile(1) },
        // Safety: it takes nothing and cannot fail.
        Plant::SystemCall => drop(black_box(unsafe { libc::syscall(libc::SYS_getppid) })),
        Plant::Panic => panic!("planted"),
        Plant::Spin => loop {
            std::hint::spin_loop();
        },
    }
}

/// A page that is mapped but not present: the next touch faults, whether memory is locked or not.
fn absent_page() -> *mut u8 {
    const BYTES: usize = 4096;
    // Safety: a fresh private mapping, which nobody else knows.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let page = libc::mmap(std::ptr::null_mut(), BYTES, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        assert_ne!(page, libc::MAP_FAILED);
        libc::munlock(page, BYTES);
        libc::madvise(page, BYTES, libc::MADV_DONTNEED);
        page.cast()
    }
}
