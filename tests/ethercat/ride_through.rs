//! Frames that are lost in motion: what is shown of an axis meanwhile, and when it stops.

use crate::bring_up::machine;
use crate::motion::{X, rig_of};
use crate::support::rig::Rig;
use crate::wire::SegmentWire;
use motiond::config::{self, MachineConfig};
use motiond::exchange::command::Request;
use motiond::exchange::event::EventKind;
use motiond::fault::Fault;
use motiond::motion::{AxisState, Dynamics};

/// mm/s
const VELOCITY: f64 = 400.0;
/// mm in a cycle
const STEP: f64 = VELOCITY * 1e-3;
/// mm in a turn of the motor of x
const LEAD: f64 = 20.0;

fn extrapolating() -> MachineConfig {
    let file = include_str!("../../config/ethercat-terminals.toml");
    // A window that a single period at this velocity is beyond.
    let file = file.replace("window-mm = 2", "window-mm = 0.3\nstale-feedback = \"extrapolated\"");
    config::parse(&file, "extrapolated.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn in_motion(config: MachineConfig) -> (Rig, SegmentWire) {
    let (mut rig, wire) = rig_of(config);
    rig.power_all();
    let dynamics = Dynamics { velocity: Some(VELOCITY), ..Dynamics::default() };
    rig.send(Request::Velocity { axis: X, velocity: VELOCITY, dynamics });
    rig.run_until(3000, "constant velocity", |rig| rig.snapshot.axes[0].velocity == VELOCITY);
    rig.run(200);
    (rig, wire)
}

/// How far x goes in each cycle by its feedback, from the least to the most, while so many frames are lost one after the other.
fn steps(rig: &mut Rig, wire: &SegmentWire, lost: u32) -> (f64, f64) {
    wire.end().mishap.lose = lost;
    let mut before = rig.snapshot.axes[0].actual;
    let mut seen = (f64::MAX, f64::MIN);
    for _ in 0..lost + 5 {
        rig.step();
        let step = rig.snapshot.axes[0].actual - before;
        before = rig.snapshot.axes[0].actual;
        seen = (seen.0.min(step), seen.1.max(step));
    }
    seen
}

fn faults(rig: &Rig) -> Vec<Fault> {
    let raised = rig.events.iter().filter_map(|event| match event.kind {
        EventKind::FaultRaised { fault, .. } => Some(fault),
        _ => None,
    });
    raised.collect()
}

#[test]
fn feedback_is_held_or_goes_on_while_as_many_frames_are_lost_as_are_ridden_through() {
    let (mut rig, wire) = in_motion(machine());
    let (least, most) = steps(&mut rig, &wire, 3);
    assert!(least == 0.0 && most > 3.5 * STEP, "held: {least} to {most} mm a cycle");
    assert_eq!((faults(&rig), rig.snapshot.axes[0].velocity), (vec![], VELOCITY));
    let (mut rig, wire) = in_motion(extrapolating());
    let (least, most) = steps(&mut rig, &wire, 3);
    println!("{STEP} mm a cycle: {least:.4} to {most:.4} mm while three frames are lost");
    // The drive gets no targets either, and falls back a little: that shows as soon as it is heard again.
    assert!(least > 0.7 * STEP && most < 1.03 * STEP, "extrapolated: {least} to {most} mm a cycle");
    assert_eq!((faults(&rig), rig.snapshot.axes[0].velocity), (vec![], VELOCITY));
}

#[test]
fn one_more_is_a_fault_and_a_stop_either_way() {
    for config in [machine(), extrapolating()] {
        let limits = config.axes[0].motion.limits;
        let (mut rig, wire) = in_motion(config);
        let turns = || wire.end().segment.device(0).unwrap().plant().unwrap().position_turns;
        let begun = turns();
        wire.end().mishap.lose = 4;
        rig.run(1500);
        assert_eq!(faults(&rig).first(), Some(&Fault::BusLost), "{:?}", rig.events);
        let axis = rig.snapshot.axes[0];
        assert!(matches!(axis.state, AxisState::ErrorStop | AxisState::Disabled), "{axis:?}");
        // A ramp with its roundings, and what passes until the fault is seen and the drive has it.
        let ramp =
            VELOCITY * VELOCITY / (2.0 * limits.acceleration) + VELOCITY * limits.acceleration / (2.0 * limits.jerk);
        let went = (turns() - begun) * LEAD;
        assert!(went < ramp + 12.0 * STEP, "it went {went} mm, the ramp takes {ramp} mm");
        let rest = turns();
        rig.run(500);
        assert!((turns() - rest).abs() * LEAD < 0.1);
    }
}
