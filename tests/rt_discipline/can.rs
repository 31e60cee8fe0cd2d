//! A CAN bus with the allocator guarded: exchanges, an emergency, a node that starts anew and is configured again, requests.

use motiond::fieldbus::CyclicBus;
use motiond::fieldbus::canopen::bring_up::bring_up;
use motiond::fieldbus::canopen::requests::{Job, Request};
use motiond::fieldbus::canopen::sdo::Upload;
use motiond::fieldbus::news::BusNews;
use motiond::fieldbus::sdo::Address;

use crate::agreeable::{Agreeable, network};
use crate::allocator;

const NODES: usize = 8;
const CYCLES: u64 = 5000;

pub fn run() {
    let network = network(NODES);
    let mut wire = Agreeable::new(&network.nodes.iter().map(|node| node.node).collect::<Vec<u8>>());
    wire.restarts_after = 1000;
    let mut brought = bring_up(Box::new(wire), &network).unwrap_or_else(|error| panic!("{error}"));
    let all = (1 << NODES) - 1;
    assert_eq!(brought.bus.operational(), all);
    let job = Job::Read(Upload::new(Address::entry(0x1000, 0), false));
    brought.requests.requests.push(Box::new(Request { device: 3, job, result: None })).unwrap();
    let (outputs, mut inputs) = (vec![0; 7 * NODES], vec![0; 7 * NODES]);
    let start_ns = brought.bus.wire().now_ns();
    let (mut emergencies, mut away, mut fresh) = (0, 0, 0_u64);
    allocator::arm(true);
    for cycle in 1..=CYCLES {
        brought.bus.begin(&outputs, start_ns + cycle * network.period_ns);
        let report = brought.bus.finish(&mut inputs, 0);
        brought.bus.set_dropped(report.not_operational);
        emergencies += u32::from(matches!(brought.bus.take_news(), Some(BusNews::Emergency { .. })));
        away += u32::from(report.not_operational != 0);
        fresh += u64::from(report.fresh.count_ones());
    }
    allocator::arm(false);
    assert_eq!(brought.bus.operational(), all, "the node is back");
    assert!(emergencies == 1 && away > 0, "{emergencies} emergencies, away for {away} cycles");
    assert!(fresh > (CYCLES - 1000) * NODES as u64, "{fresh} answers");
    let answered = brought.requests.answers.pop().expect("the request is answered");
    assert_eq!(answered.result, Some(Ok(())));
    println!("can: {CYCLES} cycles of {NODES} nodes without an allocation");
}
