//! Cable redundancy: sixteen drives in a ring, in motion, and the ring cut at every place.

use crate::bring_up::segment;
use crate::many_drives::many_drives;
use crate::motion::rig_over;
use crate::support::rig::Rig;
use crate::wire::SegmentWire;
use motiond::commissioning::object::exchange;
use motiond::commissioning::skeleton::skeleton;
use motiond::commissioning::survey::survey;
use motiond::config;
use motiond::exchange::command::Request;
use motiond::exchange::event::{BusNews, EventKind};
use motiond::fieldbus::ethercat::bring_up::bring_up;
use motiond::fieldbus::ethercat::mailbox::Address;
use motiond::fieldbus::ethercat::ring::Ring;
use motiond::fieldbus::ethercat::ring_end;
use motiond::fieldbus::ethercat::scan::{ScanError, scan};
use motiond::ids::{AxisId, BusId};
use motiond::motion::{AxisState, Dynamics};
use motiond::simulation::ethercat::{End, Segment, SegmentCommand};

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

fn axis_states(rig: &Rig) -> Vec<AxisState> {
    rig.snapshot.axes.iter().map(|axis| axis.state).collect()
}

/// How far apart the clocks of a part of the ring are, nanoseconds.
fn spread_ns(wire: &SegmentWire, places: std::ops::Range<usize>) -> u64 {
    let end = wire.end();
    let times: Vec<u64> = places.map(|place| end.segment.system_ns(place).unwrap()).collect();
    times.iter().max().unwrap() - times.iter().min().unwrap()
}

#[test]
fn a_break_costs_no_more_than_the_frames_on_their_way() {
    let (mut rig, wire) = ring_of(DRIVES);
    rig.power_all();
    run_all(&mut rig);
    for place in [0, 3, 9, DRIVES] {
        let lost = |rig: &Rig| rig.snapshot.buses[0].frames_lost + rig.snapshot.buses[0].working_counter_errors;
        let before = lost(&rig);
        wire.end().segment.command(SegmentCommand::Cut(place));
        // Both images of what is sent in this cycle end at the break.
        wire.end().mishap.lose = 2;
        rig.run(200);
        assert_eq!(lost(&rig) - before, 1, "cut {place}");
        wire.end().segment.command(SegmentCommand::Mend);
        rig.run(200);
        assert_eq!(lost(&rig) - before, 1, "mended {place}");
    }
    assert!(axis_states(&rig).iter().all(|state| *state == AxisState::ContinuousMotion), "{:?}", rig.events);
}

#[test]
fn clocks_beyond_the_break_stay_with_those_before_it() {
    let (mut rig, wire) = ring_of(DRIVES);
    rig.power_all();
    rig.run(3000);
    let whole = spread_ns(&wire, 0..DRIVES);
    // From each clock's own point of view: they drift by 40 ppm more from device to device.
    for place in [0, 1, 8, DRIVES] {
        wire.end().segment.command(SegmentCommand::Cut(place));
        let mut worst = 0;
        for _ in 0..10_000 {
            rig.step();
            worst = worst.max(spread_ns(&wire, 0..DRIVES));
        }
        println!("cut {place}: {whole} ns apart in the whole ring, at most {worst} ns with the break");
        // A quarter of a period is where a frame would come too near to a pulse.
        assert!(worst < 20_000, "cut {place}: {worst} ns apart");
        assert!(rig.snapshot.buses[0].late_by_clock_ns.abs() < 20_000, "{:?}", rig.snapshot.buses[0]);
        wire.end().segment.command(SegmentCommand::Mend);
        rig.run(3000);
        assert!(spread_ns(&wire, 0..DRIVES) < 2 * whole.max(100), "mended {place}");
    }
    assert!(axis_states(&rig).iter().all(|state| *state == AxisState::Standstill), "{:?}", rig.events);
}

#[test]
fn a_device_without_supply_stops_its_own_axis_only_and_comes_back() {
    let (mut rig, wire) = ring_of(4);
    rig.power_all();
    run_all(&mut rig);
    wire.end().segment.command(SegmentCommand::PowerOff(2));
    rig.run(1000);
    let moving = AxisState::ContinuousMotion;
    assert_eq!(axis_states(&rig), [moving, moving, AxisState::ErrorStop, moving], "{:?}", rig.events);
    assert_eq!(told(&rig), [BusNews::RingBroken { before: Some(1), behind: Some(3) }]);
    wire.end().segment.command(SegmentCommand::PowerOn(2));
    rig.run_until(6000, "it is operational again", |rig| {
        rig.events.iter().any(|event| matches!(event.kind, EventKind::Device { device: 2, back: true, .. }))
    });
    assert_eq!(axis_states(&rig), [moving, moving, AxisState::ErrorStop, moving], "{:?}", rig.events);
    assert_eq!(told(&rig).last(), Some(&BusNews::RingWhole));
}

#[test]
fn a_device_beyond_the_break_is_set_up_from_the_other_side() {
    for (cut, device) in [(0, 0), (0, 2), (1, 2), (1, 3), (3, 3)] {
        let (mut rig, wire) = ring_of(4);
        rig.power_all();
        run_all(&mut rig);
        wire.end().segment.command(SegmentCommand::Cut(cut));
        rig.run(100);
        wire.end().segment.command(SegmentCommand::PowerOff(device));
        rig.run(1000);
        let states = axis_states(&rig);
        for (axis, state) in states.iter().enumerate() {
            // Those between the break and the device without supply are not reached from either side.
            let reached = !(cut..=device).contains(&axis);
            let wanted = if reached { AxisState::ContinuousMotion } else { AxisState::ErrorStop };
            assert_eq!(*state, wanted, "cut {cut}, off {device}, axis {axis}: {:?}", rig.events);
        }
        wire.end().segment.command(SegmentCommand::PowerOn(device));
        let back = |rig: &Rig, device: usize| {
            let is = |kind: &EventKind| matches!(kind, EventKind::Device { device: it, back: true, .. } if usize::from(*it) == device);
            rig.events.iter().any(|event| is(&event.kind))
        };
        rig.run_until(9000, &format!("cut {cut}, off {device}: they are operational again"), |rig| {
            (cut..=device).all(|device| back(rig, device))
        });
        assert!((0..4).all(|place| wire.end().segment.is_operational(place)));
    }
}

#[test]
fn a_second_break_stops_what_is_between_the_two_within_its_limits() {
    let (mut rig, wire) = ring_of(6);
    rig.power_all();
    run_all(&mut rig);
    wire.end().segment.command(SegmentCommand::Cut(2));
    rig.run(100);
    wire.end().segment.command(SegmentCommand::Cut(4));
    rig.run(1000);
    let (moving, stopped) = (AxisState::ContinuousMotion, AxisState::ErrorStop);
    assert_eq!(axis_states(&rig), [moving, moving, stopped, stopped, moving, moving], "{:?}", rig.events);
    let broken = |before, behind| BusNews::RingBroken { before: Some(before), behind: Some(behind) };
    assert_eq!(told(&rig), [broken(1, 2), broken(1, 4)]);
    wire.end().segment.command(SegmentCommand::Mend);
    rig.run_until(6000, "all are operational again", |_| (0..6).all(|place| wire.end().segment.is_operational(place)));
    rig.run(10);
    assert_eq!(axis_states(&rig), [moving, moving, stopped, stopped, moving, moving], "nothing is powered on");
}

#[test]
fn a_ring_that_is_not_whole_at_the_start_is_refused_with_the_place() {
    for (cut, words) in [
        (0, "4 devices answer at the redundant interface, none at the first one: look at the cable from it"),
        (1, "1 devices answer at the first interface, 3 at the redundant one: look at the cable behind device 0,"),
        (3, "3 devices answer at the first interface, 1 at the redundant one: look at the cable behind device 2,"),
        (4, "4 devices answer at the first interface, none at the redundant one: look at the cable from the last"),
    ] {
        let config = config::parse(&many_drives(4, "", "redundant-interface = \"b\"", ""), "ring.toml").unwrap();
        let mut segment = Segment::new(&segment(&config)).unwrap().closed_to_a_ring();
        segment.command(SegmentCommand::Cut(cut));
        let wire = SegmentWire::to(segment);
        let bring_up = || {
            let ring = Ring::between(Box::new(wire.clone()), Box::new(wire.at_last()));
            bring_up(Box::new(ring), &config.buses[0].segment(config.period_ns))
        };
        let refused = bring_up().unwrap_err().to_string();
        assert!(refused.contains(words), "cut {cut}: {refused}");
        wire.end().segment.command(SegmentCommand::Mend);
        bring_up().unwrap_or_else(|error| panic!("mended {cut}: {error}"));
    }
}

#[test]
fn delays_are_measured_on_the_open_ring() {
    let config = config::parse(&many_drives(5, "", "redundant-interface = \"b\"", ""), "ring.toml").unwrap();
    let wire = SegmentWire::to(Segment::new(&segment(&config)).unwrap().closed_to_a_ring());
    let mut ring = Ring::between(Box::new(wire.clone()), Box::new(wire.at_last()));
    let delays: Vec<u32> = scan(&mut ring).unwrap().iter().map(|device| device.delay_ns).collect();
    let real = [0_u32, 500, 1000, 1500, 2000];
    assert!(delays.iter().zip(real).all(|(delay, real)| delay.abs_diff(real) <= 2), "{delays:?}");
    assert_eq!(ring_end::close(&mut ring), Ok(5));
}

#[test]
fn what_is_found_in_a_ring_is_taken_as_a_configuration_of_one() {
    let text = many_drives(3, "", "redundant-interface = \"b\"", "");
    let config = config::parse(&text, "ring.toml").unwrap();
    let wire = SegmentWire::to(Segment::new(&segment(&config)).unwrap().closed_to_a_ring());
    let ring = || Box::new(Ring::between(Box::new(wire.clone()), Box::new(wire.at_last())));
    let found = survey(&mut *ring()).unwrap();
    assert!(found.iter().all(|device| device.ports == Some([true, true, false, false])), "{found:?}");
    let name = |wire: &mut Ring| exchange(wire, 2, Address::entry(0x1008, 0), None);
    assert_eq!(name(&mut ring()).unwrap(), b"drive-2");
    let text = skeleton(&found, "enp3s0", Some("enp4s0"), &[]);
    let config = config::parse(&text, "found.toml").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.buses[0].redundant_interface.as_deref(), Some("enp4s0"));
    bring_up(ring(), &config.buses[0].segment(config.period_ns)).unwrap_or_else(|error| panic!("{error}"));
    // From one end alone nothing comes back.
    assert_eq!(survey(&mut wire.clone()), Err(ScanError::NoDevices));
}

#[test]
fn a_start_that_was_broken_off_while_the_ring_was_open_does_not_stand_in_the_way() {
    let config = config::parse(&many_drives(3, "", "redundant-interface = \"b\"", ""), "ring.toml").unwrap();
    let wire = SegmentWire::to(Segment::new(&segment(&config)).unwrap().closed_to_a_ring());
    let ring = || Box::new(Ring::between(Box::new(wire.clone()), Box::new(wire.at_last())));
    ring_end::open(&mut *ring()).unwrap();
    assert_eq!(wire.end().segment.pass_from(End::Last, &mut [0; 60], 0), None);
    bring_up(ring(), &config.buses[0].segment(config.period_ns)).unwrap_or_else(|error| panic!("{error}"));
}
