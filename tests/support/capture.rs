//! What passes an interface: each EtherCAT frame, when it was sent and when it was back, by the kernel's time stamps.

use nix::cmsg_space;
use nix::sys::socket::sockopt::{RcvBufForce, ReceiveTimeout, ReceiveTimestampns};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg, setsockopt, socket,
};
use nix::sys::time::{TimeSpec, TimeVal, TimeValLike};
use nix::time::{ClockId, clock_gettime};
use std::io::IoSliceMut;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A frame, by CLOCK_MONOTONIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passing {
    index: u8,
    pub sent_ns: u64,
    pub back_ns: Option<u64>,
}

/// A look at every interface of a network, until it is ended.
pub struct Capture {
    over: Arc<AtomicBool>,
    looking: JoinHandle<Vec<Passing>>,
}

fn ns(time: TimeSpec) -> i64 {
    time.num_nanoseconds()
}

/// Both clocks are read within this, unless something comes between.
const AT_ONCE_NS: i64 = 5_000;

/// How far the clock of time stamps is ahead of CLOCK_MONOTONIC now; `None` where something came between the readings.
fn ahead_ns() -> Option<i64> {
    let [before, stamps, behind] = [ClockId::CLOCK_MONOTONIC, ClockId::CLOCK_REALTIME, ClockId::CLOCK_MONOTONIC]
        .map(|clock| ns(clock_gettime(clock).unwrap()));
    (behind - before < AT_ONCE_NS).then_some(stamps - before)
}

fn look(over: &AtomicBool) -> Vec<Passing> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let tap = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll).unwrap();
    setsockopt(&tap, ReceiveTimestampns, &true).unwrap();
    setsockopt(&tap, RcvBufForce, &(64 << 20)).unwrap();
    setsockopt(&tap, ReceiveTimeout, &TimeVal::milliseconds(50)).unwrap();
    let mut frames: Vec<Passing> = Vec::new();
    // By index, the frame that was sent last.
    let mut under_way = [None; 256];
    let mut ahead = std::iter::repeat_with(ahead_ns).flatten().next().expect("it repeats");
    while !over.load(Ordering::Relaxed) {
        // Ethernet's header, EtherCAT's, and the command and index of the first datagram.
        let mut head = [0; 18];
        let mut room = cmsg_space!(TimeSpec);
        let mut parts = [IoSliceMut::new(&mut head)];
        let Ok(got) = recvmsg::<()>(tap.as_raw_fd(), &mut parts, Some(&mut room), MsgFlags::empty()) else { continue };
        let stamp = got.cmsgs().unwrap().find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
            _ => None,
        });
        ahead = ahead_ns().unwrap_or(ahead);
        let at_ns = (ns(stamp.unwrap()) - ahead) as u64;
        if head[12..14] != [0x88, 0xA4] {
            continue;
        }
        let index = head[17];
        // A controller sets this bit of the source.
        if head[6] & 0x02 == 0 {
            under_way[usize::from(index)] = Some(frames.len());
            frames.push(Passing { index, sent_ns: at_ns, back_ns: None });
        } else if let Some(place) = under_way[usize::from(index)].take() {
            frames[place].back_ns = Some(at_ns);
        }
    }
    frames
}

impl Capture {
    /// Of the network of this name.
    pub fn of(network: &str) -> Capture {
        let network = std::fs::File::open(format!("/run/netns/{network}")).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&over);
        let looking = std::thread::spawn(move || {
            nix::sched::setns(&network, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            look(&shared)
        });
        Capture { over, looking }
    }

    /// Everything that passed, in the order in which it was sent.
    pub fn end(self) -> Vec<Passing> {
        self.over.store(true, Ordering::Relaxed);
        self.looking.join().unwrap()
    }
}
