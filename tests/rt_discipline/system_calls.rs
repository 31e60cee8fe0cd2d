//! A white-list of system calls for one thread.
//!
//! A seccomp filter on that thread alone lets the listed calls through and hands every other one to an ordinary thread
//! (SECCOMP_RET_USER_NOTIF), which counts it and lets it go on: the watched thread runs as it would, and may end as
//! any other. Needs no right (PR_SET_NO_NEW_PRIVS) and Linux 5.5.
//!
//! The thread that answers allocates nothing: the watched one may hold the allocator's lock.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use nix::libc;

/// Calls that a cycle makes: its sleep, the bus's exchange, and the clock where the host has no vDSO for it.
pub const OF_A_CYCLE: &[libc::c_long] = &[
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_restart_syscall,
    libc::SYS_ppoll,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
];

const CALLS: usize = 512;
static SEEN: [AtomicU32; CALLS] = [const { AtomicU32::new(0) }; CALLS];
static COUNTING: AtomicBool = AtomicBool::new(false);
static LISTENER: AtomicI32 = AtomicI32::new(-1);

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

fn statement(code: u32, value: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k: value }
}

/// Puts the calling thread under the filter, for good. Counting begins with [`count`].
///
/// # Errors
/// With the kernel's words where it does not know such filters or another filter listens already.
pub fn watch_this_thread(allowed: &[libc::c_long]) -> Result<(), nix::errno::Errno> {
    use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
    let jump = |value: u32, on_equal: u8| libc::sock_filter {
        code: (BPF_JMP | BPF_JEQ | BPF_K) as u16,
        jt: on_equal,
        jf: u8::from(on_equal == 0),
        k: value,
    };
    // struct seccomp_data: nr at byte 0, arch at byte 4.
    let mut program = vec![
        statement(BPF_LD | BPF_W | BPF_ABS, 4),
        libc::sock_filter { code: (BPF_JMP | BPF_JEQ | BPF_K) as u16, jt: 1, jf: 0, k: ARCHITECTURE },
        statement(BPF_RET | BPF_K, libc::SECCOMP_RET_KILL_PROCESS),
        statement(BPF_LD | BPF_W | BPF_ABS, 0),
    ];
    for call in allowed {
        // Equal: the next statement, which allows it; else over it.
        program.push(jump(*call as u32, 0));
        program.push(statement(BPF_RET | BPF_K, libc::SECCOMP_RET_ALLOW));
    }
    program.push(statement(BPF_RET | BPF_K, libc::SECCOMP_RET_USER_NOTIF));
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // Safety: prctl with these numbers changes one flag of the calling thread; seccomp reads the program, which is alive.
    let listener = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const filter,
        )
    };
    if listener < 0 {
        return Err(nix::errno::Errno::last());
    }
    LISTENER.store(listener as i32, Ordering::Release);
    Ok(())
}

/// Answers for the watched thread; to be started on an ordinary thread before it. Ends when `over` says so and no
/// watched thread is left.
pub fn answer(over: &AtomicBool) {
    loop {
        match LISTENER.load(Ordering::Acquire) {
            -1 if over.load(Ordering::Relaxed) => return,
            -1 => std::thread::yield_now(),
            listener => return answer_at(listener),
        }
    }
}

fn answer_at(listener: RawFd) {
    loop {
        let mut poll = libc::pollfd { fd: listener, events: libc::POLLIN, revents: 0 };
        // Safety: one pollfd, which is alive.
        if unsafe { libc::poll(&raw mut poll, 1, -1) } < 0 {
            continue;
        }
        if poll.revents & libc::POLLIN == 0 {
            return;
        }
        // Safety: all-zero is a value of this plain structure, and the kernel demands it.
        let mut asked: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // Safety: the kernel writes one structure of the size that the number tells.
        if unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut asked) } < 0 {
            continue;
        }
        if COUNTING.load(Ordering::Relaxed) {
            SEEN[(asked.data.nr as usize).min(CALLS - 1)].fetch_add(1, Ordering::Relaxed);
        }
        let mut go_on = libc::seccomp_notif_resp {
            id: asked.id,
            val: 0,
            error: 0,
            flags: libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
        };
        // Safety: the kernel reads one structure of the size that the number tells.
        unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut go_on) };
    }
}

/// Whether calls count from now on. The watched thread calls it itself, so that it takes effect between its calls.
pub fn count(counting: bool) {
    COUNTING.store(counting, Ordering::Relaxed);
}

/// The calls that were counted, each with its number.
pub fn seen() -> Vec<(usize, u32)> {
    let counts = SEEN.iter().map(|count| count.load(Ordering::Relaxed)).enumerate();
    counts.filter(|(_, count)| *count > 0).collect()
}
