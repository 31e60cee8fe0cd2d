//! Memory of the process before the cycle starts: an allocator that gives nothing back, everything locked in RAM, a
//! heap reserve, a touched stack.
//!
//! Locking future memory is only safe without a limit: under the usual 8 MiB of `RLIMIT_MEMLOCK` it succeeds for
//! anybody, and then `malloc` fails a few MiB later. Locking the present alone is only safe while the main stack, which
//! is locked then, keeps room to grow under the limit. Where neither is, nothing is locked and every page that the
//! process has is mapped at once instead ([`populate`]): no page faults as long as the host does not run short.
#![allow(unsafe_code)]

use std::fs;
use std::hint::black_box;

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

use super::preparation::{Degraded, Preparation, Provision, Step};
use super::rights::{CAP_IPC_LOCK, has_capability};

/// What the process shall do about its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Lock it in RAM.
    pub lock: bool,
    /// Heap that is touched and kept, bytes.
    pub heap_reserve_bytes: usize,
}

/// Room under a limited `RLIMIT_MEMLOCK` that the main stack and the allocator keep.
const LOCK_MARGIN_BYTES: u64 = 64 << 20;
/// Smallest page of any supported machine: touching this often touches every page.
const PAGE_BYTES: usize = 4096;

/// Prepares the process. To be called on the main thread before any other thread exists, because the allocator's number
/// of arenas and the size of later stacks are decided here.
pub fn prepare(plan: &MemoryPlan) -> Preparation {
    let mut preparation = Preparation::default();
    preparation.add(tune_allocator());
    preparation.add(reserve_heap(plan.heap_reserve_bytes));
    if plan.lock {
        preparation.add(lock());
    }
    preparation
}

#[cfg(target_env = "gnu")]
fn tune_allocator() -> Step {
    // One arena: each further one would lock 64 MiB of address space a thread. No mmap and no trim: memory that was
    // touched once stays in the heap.
    for (name, parameter, value) in [
        ("M_ARENA_MAX", libc::M_ARENA_MAX, 1),
        ("M_MMAP_MAX", libc::M_MMAP_MAX, 0),
        ("M_TRIM_THRESHOLD", libc::M_TRIM_THRESHOLD, -1),
    ] {
        // Safety: mallopt takes two integers and changes the allocator under its own lock.
        if unsafe { libc::mallopt(parameter, value) } == 0 {
            return Err(Degraded {
                reason: Provision::Allocator,
                why: format!("the C library refuses {name}={value}"),
                remedy: "run on glibc's own malloc, not a preloaded one".into(),
            });
        }
    }
    Ok((Provision::Allocator, "one arena, no mmap, no trim".into()))
}

#[cfg(not(target_env = "gnu"))]
fn tune_allocator() -> Step {
    Err(Degraded {
        reason: Provision::Allocator,
        why: "this C library has no mallopt".into(),
        remedy: "build for a gnu target".into(),
    })
}

/// Touches heap and gives it back to the allocator, which keeps it: later allocations of ordinary threads take memory
/// that is already mapped and locked.
fn reserve_heap(bytes: usize) -> Step {
    let mut reserve: Vec<u8> = Vec::new();
    if reserve.try_reserve_exact(bytes).is_err() {
        return Err(Degraded {
            reason: Provision::Prefault,
            why: format!("{} MiB of heap cannot be had", bytes >> 20),
            remedy: "lower heap-reserve-mib, or give the process more memory".into(),
        });
    }
    reserve.resize(bytes, 1);
    black_box(&mut reserve);
    Ok((Provision::Prefault, format!("{} MiB of heap touched and kept", bytes >> 20)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lockable {
    Everything,
    Present,
    Nothing,
}

/// What may be locked without danger. `limit_bytes`: `RLIMIT_MEMLOCK`, `None` without a limit.
fn lockable(limit_bytes: Option<u64>, privileged: bool, mapped_bytes: u64) -> Lockable {
    match limit_bytes {
        None => Lockable::Everything,
        Some(_) if privileged => Lockable::Everything,
        Some(limit) if limit >= mapped_bytes.saturating_add(LOCK_MARGIN_BYTES) => Lockable::Present,
        Some(_) => Lockable::Nothing,
    }
}

fn lock() -> Step {
    const REMEDY: &str = "give the process unlimited locked memory: LimitMEMLOCK=infinity in the unit, `@motion - memlock \
                          unlimited` in /etc/security/limits.d, or CAP_IPC_LOCK";
    let limit_bytes = match getrlimit(Resource::RLIMIT_MEMLOCK) {
        Ok((RLIM_INFINITY, _)) => None,
        Ok((soft, _)) => Some(soft),
        Err(_) => Some(0),
    };
    let limit_text = limit_bytes.map_or("unlimited".into(), |limit| format!("{} KiB", limit >> 10));
    let degraded = |why: String| Err(Degraded { reason: Provision::MemoryLock, why, remedy: REMEDY.into() });
    let flags = match lockable(limit_bytes, has_capability(CAP_IPC_LOCK), mapped_bytes()) {
        Lockable::Everything => MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE,
        Lockable::Present => MlockAllFlags::MCL_CURRENT,
        Lockable::Nothing => {
            return degraded(format!("RLIMIT_MEMLOCK is {limit_text}, too little to lock the process"));
        }
    };
    match mlockall(flags) {
        Ok(()) if flags.contains(MlockAllFlags::MCL_FUTURE) => {
            Ok((Provision::MemoryLock, "present and future memory locked".into()))
        }
        Ok(()) => degraded(format!("RLIMIT_MEMLOCK is {limit_text}: present memory is locked, future memory is not")),
        Err(error) => degraded(format!("mlockall: {error} (RLIMIT_MEMLOCK {limit_text})")),
    }
}

fn mapped_bytes() -> u64 {
    fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| statm.split(' ').next()?.parse::<u64>().ok())
        .map_or(u64::MAX, |pages| pages.saturating_mul(PAGE_BYTES as u64))
}

/// Touches `bytes` of the calling thread's stack below the present frame. The thread must have been given that much and
/// a little more.
pub fn prefault_stack(bytes: usize) {
    touch_frames(bytes / PAGE_BYTES);
}

/// One page or more a frame; as deep as the stack is large, a number that is fixed at start.
#[inline(never)]
fn touch_frames(frames: usize) -> u8 {
    let mut page = [1u8; PAGE_BYTES];
    black_box(&mut page);
    let below = if frames > 0 { touch_frames(frames - 1) } else { 0 };
    // Read after the call, so that the frame is not given up before it.
    below ^ page[frames % PAGE_BYTES]
}

/// Maps every page of the program, its libraries, its data and its heap now, where memory could not be locked. Needs no
/// right; a kernel before 5.14 does not know how.
pub fn populate() -> Step {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let (mut bytes, mut refused) = (0, None);
    for range in ranges_to_populate(&maps) {
        let advice = if range.write { libc::MADV_POPULATE_WRITE } else { libc::MADV_POPULATE_READ };
        // Safety: these two advices only make present what the mapping already promises: no content changes, and
        // a range that has gone meanwhile is an error, not a fault.
        let result = unsafe { libc::madvise(range.start as *mut libc::c_void, range.length, advice) };
        if result == 0 {
            bytes += range.length;
        } else {
            refused = Some(nix::errno::Errno::last());
        }
    }
    match refused {
        Some(nix::errno::Errno::EINVAL) => Err(Degraded {
            reason: Provision::Prefault,
            why: "the kernel cannot populate mappings (MADV_POPULATE_READ, Linux 5.14)".into(),
            remedy: "use a newer kernel, or allow memory to be locked".into(),
        }),
        // A single mapping that cannot be populated (a file that was cut short) is not needed by the cycle.
        _ => Ok((Provision::Prefault, format!("{} MiB of program and heap mapped", bytes >> 20))),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PopulateRange {
    start: usize,
    length: usize,
    write: bool,
}

/// From the text of /proc/self/maps: files as they may be accessed, the zero-initialised data that follows a file, and
/// the heap. Shared writable mappings, stacks and the kernel's own pages are left alone.
fn ranges_to_populate(maps: &str) -> Vec<PopulateRange> {
    let mut file_end = 0;
    maps.lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let (start, end) = fields.next()?.split_once('-')?;
            let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
            let access = fields.next()?.as_bytes();
            let path = fields.nth(3).unwrap_or("");
            let file = path.starts_with('/') && !path.starts_with("/dev/") && !path.starts_with("/memfd");
            let zeroed = path.is_empty() && start == file_end;
            if file {
                file_end = end;
            }
            let wanted = access.first() == Some(&b'r') && access.get(3) == Some(&b'p');
            (wanted && (file || zeroed || path == "[heap]")).then(|| PopulateRange {
                start,
                length: end.saturating_sub(start),
                write: access.get(1) == Some(&b'w'),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn future_memory_is_locked_only_without_a_limit() {
        const MIB: u64 = 1 << 20;
        for (limit, privileged, mapped, expected) in [
            (None, false, 20 * MIB, Lockable::Everything),
            (Some(8 * MIB), true, 20 * MIB, Lockable::Everything),
            (Some(8 * MIB), false, MIB, Lockable::Nothing),
            (Some(8 * MIB), false, 20 * MIB, Lockable::Nothing),
            (Some(84 * MIB), false, 20 * MIB, Lockable::Present),
            (Some(84 * MIB - 1), false, 20 * MIB, Lockable::Nothing),
            (Some(0), false, u64::MAX, Lockable::Nothing),
        ] {
            assert_eq!(lockable(limit, privileged, mapped), expected, "{limit:?} {privileged} {mapped}");
        }
    }

    #[test]
    fn program_data_and_heap_are_populated_and_nothing_else() {
        let maps = "\
5500-5600 r--p 00000000 fe:01 77                         /usr/bin/motiond
5600-5700 r-xp 00001000 fe:01 77                         /usr/bin/motiond
5700-5800 rw-p 00002000 fe:01 77                         /usr/bin/motiond
5800-5900 rw-p 00000000 00:00 0 
6000-7000 rw-p 00000000 00:00 0                          [heap]
8000-9000 ---p 00000000 00:00 0 
9000-a000 rw-p 00000000 00:00 0 
a000-b000 rw-s 00000000 00:01 9                          /memfd:shared (deleted)
b000-c000 rw-s 00000000 fe:01 8                          /var/lib/file
c000-d000 rw-p 00000000 00:00 0                          [stack]
d000-e000 r-xp 00000000 00:00 0                          [vdso]
not a line
";
        let found: Vec<_> = ranges_to_populate(maps).iter().map(|range| (range.start, range.write)).collect();
        assert_eq!(found, [(0x5500, false), (0x5600, false), (0x5700, true), (0x5800, true), (0x6000, true)]);
        assert!(ranges_to_populate("").is_empty());
    }

    #[test]
    fn preparing_an_ordinary_process_either_does_or_says_why_not() {
        populate().map_or_else(
            |degraded| assert!(!degraded.remedy.is_empty()),
            |(what, _)| {
                assert_eq!(what, Provision::Prefault);
            },
        );
        assert!(reserve_heap(1 << 20).is_ok());
        assert_eq!(reserve_heap(usize::MAX).unwrap_err().reason, Provision::Prefault);
        prefault_stack(64 << 10);
    }
}
