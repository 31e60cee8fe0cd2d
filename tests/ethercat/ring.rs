//! Cable redundancy: sixteen drives in a ring, in motion, and the ring cut at every place.

use crate::bring_up::segment;
use crate::many_drives::many_drives;
use crate::motion::rig_over;
use crate::support::rig::Rig;
use crate::wire::SegmentWire;
use motiond::config;
use motiond::exchange::command::Request;
use motiond::exchange::event::{BusNews, EventKind};
use motiond::ids::{AxisId, BusId};
use motiond::motion::{AxisState, Dynamics};
use motiond::simulation::ethercat::{Segment, SegmentCommand};

const DRIVES: usize = 16;
/// mm/s, for the first axis; each further one is 10 faster.
const VELOCITY: f64 = 100.0;

fn ring_of(drives: usize) -> (Rig, SegmentWire) {
    let text = many_drives(drives, "", "redundant-interface = \"fieldbus2\"", "");
    let config = config::parse(&text, "ring.toml").unwrap_or_else(|error| panic!("{error}"));
    let segment = Segment::new(&segment(&config)).unwrap().closed_to_a_ring();
    rig_over(config, segment)
}

fn told(rig: &Rig) -> Vec<BusNews> {
    let news = rig.events.iter().filter_map(|event| match event.kind {
        EventKind::Bus { bus: BusId(0), news } => Some(news),
        _ => None,
    });
    news.collect()
}

/// All axes at constant velocity, each at its own.
fn run_all(rig: &mut Rig) {
    let velocity = |axis: usize| VELOCITY + 10.0 * axis as f64;
    for axis in 0..rig.snapshot.axes.len() {
        let dynamics = Dynamics { velocity: Some(velocity(axis)), ..Dynamics::default() };
        rig.send(Request::Velocity { axis: AxisId(axis as u8), velocity: velocity(axis), dynamics });
    }
    rig.run_until(2000, "all run", |rig| {
        rig.snapshot.axes.iter().enumerate().all(|(place, axis)| axis.velocity == velocity(place))
    });
}

/// Runs on; the largest share of its following error window that any axis uses.
fn worst_ratio(rig: &mut Rig, cycles: u64) -> f64 {
    let mut worst: f64 = 0.0;
    for _ in 0..cycles {
        rig.step();
        worst = rig.snapshot.axes.iter().fold(worst, |worst, axis| worst.max(axis.following_ratio.abs()));
    }
    worst
}

#[test]
fn a_ring_that_is_cut_at_any_place_goes_on_moving() {
    for place in 0..=DRIVES {
        let (mut rig, wire) = ring_of(DRIVES);
        rig.power_all();
        run_all(&mut rig);
        let before = worst_ratio(&mut rig, 300);
        wire.end().segment.command(SegmentCommand::Cut(place));
        let cut = worst_ratio(&mut rig, 400);
        wire.end().segment.command(SegmentCommand::Mend);
        let mended = worst_ratio(&mut rig, 400);
        let bus = rig.snapshot.buses[0];
        assert!(bus.frames_lost + bus.working_counter_errors <= 1, "cut {place}: {bus:?}");
        for (axis, now) in rig.snapshot.axes.iter().enumerate() {
            assert_eq!(now.state, AxisState::ContinuousMotion, "cut {place}: axis {axis}: {:?}", rig.events);
        }
        assert!(cut < 1.0 && mended < 1.0, "cut {place}: {before} before, {cut} cut, {mended} mended");
        let at = |device: usize| u8::try_from(device).ok();
        let gap = BusNews::RingBroken {
            before: place.checked_sub(1).and_then(at),
            behind: at(place).filter(|device| usize::from(*device) < DRIVES),
        };
        assert_eq!(told(&rig), [gap, BusNews::RingWhole], "cut {place}");
        println!("cut {place}: following error window used: {before:.4} before, {cut:.4} cut, {mended:.4} mended");
    }
}
