//! The socket itself on a virtual CAN interface: frames come with the time of their arrival, and nothing is allocated for them. It
//! runs where there is such an interface: `tests/can/lane` is such a place.
#![allow(unsafe_code, reason = "an allocator of its own")]

#[path = "rt_discipline/allocator.rs"]
mod allocator;

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/can.rs"]
mod can;

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

#[path = "support/undisturbed.rs"]
mod undisturbed;

use can::Interface;
use motiond::fieldbus::canopen::frame::CanFrame;
use motiond::fieldbus::canopen::socket::SocketCan;
use motiond::fieldbus::canopen::wire::{CanWire, Received};

#[global_allocator]
static ALLOCATOR: allocator::Guarded = allocator::Guarded;

const ROUNDS: u64 = 200;
/// From the sending of a frame to the look for it, nanoseconds.
const LOOK_NS: u64 = 2_000_000;

#[test]
fn a_frame_comes_with_the_time_of_its_arrival_whenever_it_is_looked_for() {
    undisturbed::undisturbed(frames_of_an_interface);
}

fn frames_of_an_interface() {
    let _interface = match Interface::make("vsocket") {
        Ok(interface) => interface,
        Err(why) => {
            println!("skipped: can_socket: {why}");
            return;
        }
    };
    let mut node = SocketCan::open("vsocket").unwrap();
    let mut master = SocketCan::open("vsocket").unwrap();
    let mut soon = 0;
    for round in 0..ROUNDS {
        allocator::arm(true);
        let now_ns = master.now_ns();
        let nothing = master.receive(now_ns);
        let before_ns = node.now_ns();
        let sent = node.send(&CanFrame::data(0x181, &round.to_le_bytes()), before_ns);
        while master.now_ns() < before_ns + LOOK_NS {
            std::hint::spin_loop();
        }
        let mut received = None;
        // Bound: the interface delivers.
        while received.is_none() {
            let now_ns = master.now_ns();
            received = master.receive(now_ns);
        }
        let looked_ns = master.now_ns();
        allocator::arm(false);
        assert_eq!((nothing, sent), (None, Ok(())));
        let Some(Received::Frame { frame, arrived_ns: Some(arrived_ns) }) = received else {
            panic!("round {round}: {received:?}")
        };
        assert_eq!((frame.identifier(), frame.bytes()), (0x181, &round.to_le_bytes()[..]));
        // Whatever came between the readings of two clocks, it lies between the two looks.
        assert!(now_ns <= arrived_ns && arrived_ns <= looked_ns, "round {round}: {now_ns} {arrived_ns} {looked_ns}");
        soon += u64::from((before_ns..before_ns + LOOK_NS / 2).contains(&arrived_ns));
    }
    // Where nobody takes the processor away in between, a frame is there long before it is looked for.
    println!(
        "{soon} of {ROUNDS} frames had arrived within {} µs, and were taken after {}",
        LOOK_NS / 2000,
        LOOK_NS / 1000
    );
    assert!(soon > ROUNDS / 2, "{soon} of {ROUNDS}");
}
