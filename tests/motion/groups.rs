//! What a group does with its axes.

use crate::bench::*;
use motiond::fault::{Fault, Reaction, Scope, StopKind};
use motiond::motion::*;

#[test]
fn a_line_is_straight_and_its_members_are_refused_single_motion() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    let targets = [300.0, 100.0];
    let handle = bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &targets)));
    bench.step();
    assert_eq!(bench.states()[..2], [AxisState::SynchronizedMotion; 2]);
    assert_eq!(bench.refused(|motion, handle| motion.halt(handle, X)).reason, Reason::InGroup);
    while bench.end_of(handle).is_none() {
        bench.step();
        assert!((bench.position(X) - 3.0 * bench.position(Y)).abs() < 1e-9);
        assert!(bench.velocity(X) <= 100.0 + 1e-9, "the cap of the faster axis holds");
    }
    assert_eq!((bench.position(X), bench.position(Y)), (300.0, 100.0));
    assert_eq!((bench.group(XY).state(), bench.states()[0]), (GroupState::GroupStandby, AxisState::Standstill));
}

#[test]
fn direct_moves_arrive_together_even_when_they_take_over_in_motion() {
    let mut bench = Bench::powered();
    bench.enable(ALL);
    let first = bench
        .accepted(|motion, handle| motion.group_move(handle, ALL, group_to(GroupShape::Direct, &[200.0, -20.0, 90.0])));
    bench.steps(500);
    let second = bench
        .accepted(|motion, handle| motion.group_move(handle, ALL, group_to(GroupShape::Direct, &[-50.0, 60.0, 10.0])));
    let mut arrivals = [0; 3];
    let mut cycle = 0;
    while bench.end_of(second).is_none() {
        bench.step();
        cycle += 1;
        for (arrival, output) in arrivals.iter_mut().zip(&bench.outputs) {
            if output.setpoint.velocity != 0.0 {
                *arrival = cycle;
            }
        }
    }
    assert_eq!(bench.end_of(first), Some(Progress::Aborted));
    assert!(arrivals.iter().max().unwrap() - arrivals.iter().min().unwrap() <= 1, "{arrivals:?}");
    assert_eq!((bench.position(X), bench.position(Y), bench.position(TABLE)), (-50.0, 60.0, 10.0));
}

#[test]
fn an_interrupted_line_is_continued_on_the_same_line() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    let handle =
        bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[300.0, 150.0])));
    bench.steps(1000);
    let interrupt = bench.accepted(|motion, handle| motion.group_interrupt(handle, XY));
    assert_eq!(bench.until_end(interrupt).0, Progress::Done);
    assert!(bench.group(XY).interrupted() && bench.velocity(X) == 0.0 && bench.end_of(handle).is_none());
    bench.accepted(|motion, handle| motion.group_continue(handle, XY));
    while bench.end_of(handle).is_none() {
        bench.step();
        assert!((bench.position(X) - 2.0 * bench.position(Y)).abs() < 1e-9 && bench.velocity(X) >= 0.0);
    }
    assert_eq!(bench.end_of(handle), Some(Progress::Done));
    let refused = bench.refused(|motion, handle| motion.group_continue(handle, XY));
    assert_eq!(refused.reason, Reason::NothingToContinue);
}

#[test]
fn a_members_fault_stops_the_others_on_the_line() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    let handle =
        bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[300.0, 150.0])));
    bench.steps(1000);
    bench.motion.fault(X, Fault::FollowingError, Reaction { scope: Scope::Group, stop: StopKind::Ramp });
    while bench.velocity(Y) != 0.0 {
        bench.step();
        assert!((bench.position(X) - 2.0 * bench.position(Y)).abs() < 1e-9);
    }
    bench.step();
    assert_eq!(bench.end_of(handle), Some(Progress::Failed(Fault::MemberFault)));
    assert_eq!(bench.states()[..2], [AxisState::ErrorStop, AxisState::Standstill]);
    assert_eq!(bench.group(XY).state(), GroupState::GroupErrorStop);
    bench.accepted(|motion, handle| motion.group_reset(handle, XY));
    bench.step();
    assert_eq!(bench.states()[..2], [AxisState::Standstill; 2]);
    assert_eq!(bench.group(XY).state(), GroupState::GroupStandby);
}

#[test]
fn the_stop_of_one_member_stops_its_group_on_the_line() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[300.0, 150.0])));
    bench.steps(1000);
    bench.motion.stop_axis(Y);
    bench.step();
    while bench.velocity(X) != 0.0 {
        assert!((bench.position(X) - 2.0 * bench.position(Y)).abs() < 1e-9);
        bench.step();
    }
    bench.steps(2);
    assert_eq!(bench.states()[..2], [AxisState::Standstill, AxisState::Stopping]);
    assert_eq!(bench.group(XY).state(), GroupState::GroupStopping);
    bench.motion.release_axis(Y).unwrap();
    bench.steps(2);
    assert_eq!(bench.group(XY).state(), GroupState::GroupStandby);
    assert_eq!(bench.states()[1], AxisState::Standstill);
}

#[test]
fn a_stop_of_its_group_locks_a_member_that_was_reset_by_itself_too() {
    let mut bench = Bench::powered();
    bench.accepted(|motion, handle| motion.group_enable(handle, XY));
    bench.step();
    bench.motion.fault(X, Fault::FollowingError, Reaction { scope: Scope::Group, stop: StopKind::Ramp });
    bench.steps(3);
    bench.accepted(|motion, handle| motion.reset(handle, X));
    bench.step();
    assert_eq!(bench.motion.groups()[0].state(), GroupState::GroupErrorStop);
    assert_eq!(bench.motion.axes()[0].state(), AxisState::Standstill);
    bench.motion.stop_group(XY);
    bench.step();
    assert_eq!(bench.motion.axes()[0].state(), AxisState::Stopping);
    bench.motion.release_group(XY).unwrap();
    bench.step();
    assert_eq!(bench.motion.axes()[0].state(), AxisState::Standstill);
}

#[test]
fn an_axis_belongs_to_one_enabled_group_at_a_time() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    let refused = bench.refused(|motion, handle| motion.group_enable(handle, ALL));
    assert_eq!((refused.reason, refused.axis), (Reason::AxisInUse, Some(0)));
    bench.accepted(|motion, handle| motion.group_disable(handle, XY));
    bench.enable(ALL);
}

#[test]
fn a_direct_move_that_would_overshoot_a_soft_limit_is_refused() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Direct, &[1000.0, 1.0])));
    while bench.position(X) < 985.0 {
        bench.step();
    }
    let dynamics = Dynamics { acceleration: Some(0.05), ..Dynamics::default() };
    let gentle = GroupMoveRequest { dynamics, ..group_to(GroupShape::Direct, &[900.0, 0.0]) };
    let refused = bench.refused(|motion, handle| motion.group_move(handle, XY, gentle));
    assert_eq!((refused.reason, refused.axis, refused.allowed), (Reason::SoftLimit, Some(0), 1000.0));
    assert!(refused.found > 1000.0);
    let sharp = group_to(GroupShape::Direct, &[900.0, 0.0]);
    let handle = bench.accepted(|motion, handle| motion.group_move(handle, XY, sharp));
    while bench.end_of(handle).is_none() {
        bench.step();
        assert!(bench.position(X) <= 1000.0);
    }
}

#[test]
fn a_line_that_takes_over_in_motion_starts_when_the_group_rests_on_its_path() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[300.0, 150.0])));
    bench.steps(1000);
    let second =
        bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[0.0, 200.0])));
    while bench.velocity(X) > 0.0 {
        bench.step();
        assert!((bench.position(X) - 2.0 * bench.position(Y)).abs() < 1e-9);
    }
    let (x, y) = (bench.position(X), bench.position(Y));
    while bench.end_of(second).is_none() {
        bench.step();
        let (dx, dy) = (bench.position(X) - x, bench.position(Y) - y);
        assert!((dx * (200.0 - y) - dy * (0.0 - x)).abs() < 1e-6, "off the line from the place of rest");
    }
    assert_eq!((bench.position(X), bench.position(Y)), (0.0, 200.0));
}

#[test]
fn buffered_group_moves_pass_through_every_target() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    let mut handles = Vec::new();
    for (shape, targets) in [
        (GroupShape::Linear, [10.0, 20.0]),
        (GroupShape::Direct, [-5.0, 3.0]),
        (GroupShape::Linear, [-5.0, 3.0]),
        (GroupShape::Linear, [7.0, 3.0]),
    ] {
        let request = GroupMoveRequest { buffer: BufferMode::Buffered, ..group_to(shape, &targets) };
        handles.push((bench.accepted(|motion, handle| motion.group_move(handle, XY, request)), targets));
    }
    for (handle, [x, y]) in handles {
        assert_eq!(bench.until_end(handle).0, Progress::Done);
        assert_eq!((bench.position(X), bench.position(Y)), (x, y));
    }
}
