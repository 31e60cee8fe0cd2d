//! What is wrong on purpose must be found: in the images, in the states and in the answers.

use crate::machine::{self, Machine, Tamper};
use crate::support::Random;
use crate::table::{Cell, Kind};
use crate::wire;
use motiond::exchange::command::Request;
use motiond::exchange::event::Verdict;
use motiond::exchange::snapshot::AxisFlags;
use motiond::fieldbus::mapping::place;
use motiond::ids::AxisId;
use motiond::motion::{AxisState, Dynamics, GroupState, Progress};

const X: AxisId = AxisId(0);
const Z: AxisId = AxisId(1);

fn cell(kind: Kind) -> Cell {
    Cell { kind, state: 0, trouble: None, renames: None }
}

fn steps(machine: &mut Machine, cycles: u32) -> Result<(), String> {
    for _ in 0..cycles {
        machine.step(0)?;
    }
    Ok(())
}

/// X moves at 300 mm/s, z waits enabled.
fn moving() -> Machine {
    let mut machine = Machine::new(&machine::configuration());
    let sound = |steps: Result<(), String>| steps.unwrap_or_else(|what| panic!("nothing is planted yet: {what}"));
    sound(steps(&mut machine, 50));
    for axis in [X, Z] {
        machine.send(Request::Power { axis, on: true }, cell(Kind::PowerOn));
    }
    sound(steps(&mut machine, 500));
    let velocity = Request::Velocity { axis: X, velocity: 300.0, dynamics: Dynamics::default() };
    machine.send(velocity, cell(Kind::Velocity));
    sound(steps(&mut machine, 300));
    assert_eq!(machine.snapshot.axes[0].velocity, 300.0);
    machine
}

fn finds(mut machine: Machine, expected: &str) {
    let found = steps(&mut machine, 600).and_then(|()| machine.book.closed());
    let found = found.expect_err(expected);
    assert!(found.contains(expected), "found {found:?} instead of {expected:?}");
}

#[test]
fn a_wrong_state_is_found() {
    let plants: [(Tamper, &str); 13] = [
        (|_, state| state.axes[0].setpoint += 0.001, "the setpoint jumps"),
        (|_, state| state.axes[1].setpoint += 0.001, "the setpoint jumps"),
        (|_, state| state.axes[0].setpoint = f64::NAN, "no number"),
        (|_, state| state.axes[0].velocity = 801.0, "velocity 801"),
        (|_, state| state.axes[0].velocity += 1.0, "the velocity jumps"),
        (|_, state| state.axes[0].acceleration = 6001.0, "acceleration 6001"),
        (|_, state| state.axes[0].acceleration += 151.0, "jerk"),
        (|_, state| state.axes[0].state = AxisState::SynchronizedMotion, "a command without motion"),
        (|_, state| state.axes[0].fault = 3001, "a fault without ErrorStop"),
        (|_, state| state.axes[0].flags.0 |= AxisFlags::STOPPED, "goes on although it is stopped"),
        (|_, state| state.axes[0].flags.0 &= !AxisFlags::OPERATIONAL, "without a drive that follows"),
        (|_, state| state.machine.fault = 1101, "moves although the machine has a fault"),
        (|_, state| state.groups[0].state = GroupState::GroupMoving, "moves without a command"),
    ];
    for (tamper, expected) in plants {
        let mut machine = moving();
        machine.tamper = Some(tamper);
        finds(machine, expected);
    }
}

#[test]
fn a_state_that_no_arrow_leads_to_is_found() {
    let plants: [(Tamper, Tamper, &str); 3] = [
        (
            |_, state| (state.axes[1].state, state.axes[1].fault) = (AxisState::ErrorStop, 4001),
            |_, state| (state.axes[1].state, state.axes[1].active) = (AxisState::DiscreteMotion, 7),
            "ErrorStop to DiscreteMotion is no arrow",
        ),
        (
            |_, state| state.axes[1].state = AxisState::Disabled,
            |_, state| (state.axes[1].state, state.axes[1].active) = (AxisState::ContinuousMotion, 7),
            "Disabled to ContinuousMotion is no arrow",
        ),
        (
            |_, _| {},
            |_, state| (state.groups[0].state, state.groups[0].active) = (GroupState::GroupMoving, 7),
            "GroupDisabled to GroupMoving is no arrow",
        ),
    ];
    for (first, then, expected) in plants {
        let mut machine = moving();
        machine.tamper = Some(first);
        steps(&mut machine, 1).unwrap();
        machine.tamper = Some(then);
        finds(machine, expected);
    }
}

#[test]
fn a_wrong_answer_is_found() {
    let plants: [(Tamper, &str); 5] = [
        (|reports, _| reports.clear(), "was not answered"),
        (|reports, _| reports.retain(|report| report.verdict != Verdict::Accepted), "is Sent and told"),
        (|reports, _| reports.extend(reports.clone()), "and told Accepted"),
        (
            |reports, _| {
                let ends: Vec<_> = reports.iter().filter(|report| ended(report.verdict)).copied().collect();
                reports.extend(ends);
            },
            "was never sent, or has ended",
        ),
        (|reports, _| reports.retain(|report| !ended(report.verdict)), "these commands have no end"),
    ];
    for (tamper, expected) in plants {
        let mut machine = moving();
        machine.tamper = Some(tamper);
        machine.send(Request::Halt { axis: X }, cell(Kind::Halt));
        finds(machine, expected);
    }
}

fn ended(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Progress(Progress::Done | Progress::Aborted))
}

/// Where an object stands in the output image.
fn at(machine: &Machine, axis: usize, index: u16) -> usize {
    let layout = &machine.config.axes[axis].wiring.drive.layout;
    layout.output_offset + place(&layout.outputs, index, 0).expect("it is mapped").0
}

fn add_i32(at: usize, increments: i32) -> wire::Tamper {
    Box::new(move |image| {
        let bytes: &mut [u8; 4] = (&mut image[at..at + 4]).try_into().expect("4 bytes");
        *bytes = i32::from_le_bytes(*bytes).wrapping_add(increments).to_le_bytes();
    })
}

#[test]
fn a_wrong_image_is_found() {
    for (axis, index, increments, expected) in
        [(0, 0x607A, 300, "607Ah jumps"), (1, 0x607A, -20, "607Ah jumps"), (1, 0x60FF, 400_000, "60FFh jumps")]
    {
        let machine = moving();
        let at = at(&machine, axis, index);
        machine.line().tamper = Some(add_i32(at, increments));
        finds(machine, expected);
    }
}

#[test]
fn a_wrong_place_at_enabling_is_found() {
    for (axis, index, expected) in [
        (0, 0x607A, "is enabled with 607Ah"),
        (1, 0x60FF, "is enabled with 60FFh"),
        (2, 0x607A, "is enabled with 607Ah"),
    ] {
        let mut machine = Machine::new(&machine::configuration());
        steps(&mut machine, 50).unwrap();
        let at = at(&machine, axis, index);
        machine.line().tamper = Some(add_i32(at, 1));
        machine.send(Request::Power { axis: AxisId(axis as u8), on: true }, cell(Kind::PowerOn));
        finds(machine, expected);
    }
}

#[test]
fn a_drive_that_is_enabled_again_after_a_restart_is_found() {
    let mut machine = moving();
    machine.restart(machine::Death::Killed, 3).unwrap();
    let at = at(&machine, 0, 0x6040);
    machine.line().tamper = Some(Box::new(move |image| image[at] = 0x0F));
    finds(machine, "nobody asked for it");
}

/// The client never commands what the table has no row for, and its kinds are those of the requests.
#[test]
fn every_kind_can_be_sent() {
    let mut machine = moving();
    let mut random = Random::new(1);
    let mut client = crate::client::Client::new(&mut random);
    for kind in Kind::ALL {
        assert_eq!(client.send(&mut machine, *kind, 0, &mut random).kind, *kind);
        steps(&mut machine, 1).unwrap();
    }
}
