//! Other limits, soft limits and windows for an axis: when they are taken over, and that they then hold.

use crate::bench::*;
use motiond::motion::*;

const SLOW: Limits = Limits { velocity: 20.0, acceleration: 100.0, jerk: 1000.0 };

fn figures(bench: &Bench) -> MotionFigures {
    bench.motion.axes()[X.index()].parameters().figures()
}

fn slow(bench: &Bench) -> MotionFigures {
    MotionFigures { limits: SLOW, ..figures(bench) }
}

/// Refused with this reason, and nothing is different.
fn refused(bench: &mut Bench, wanted: MotionFigures, reason: Reason) {
    let before = figures(bench);
    let refusal = bench.refused(|motion, handle| motion.set_figures(handle, X, &wanted));
    assert_eq!((refusal.reason, figures(bench)), (reason, before));
}

fn taken(bench: &mut Bench, wanted: MotionFigures) {
    let handle = bench.accepted(|motion, handle| motion.set_figures(handle, X, &wanted));
    bench.step();
    assert_eq!((bench.end_of(handle), figures(bench)), (Some(Progress::Done), wanted));
}

fn fastest(bench: &mut Bench, cycles: usize) -> f64 {
    let mut fastest: f64 = 0.0;
    for _ in 0..cycles {
        bench.step();
        fastest = fastest.max(bench.velocity(X).abs());
    }
    fastest
}

#[test]
fn limits_change_at_rest_and_hold_from_the_next_command_on() {
    let mut bench = Bench::powered();
    let wanted = slow(&bench);
    taken(&mut bench, wanted);
    let reason = bench.refused(|motion, handle| motion.velocity(handle, X, 20.1, Dynamics::default())).reason;
    assert_eq!(reason, Reason::VelocityLimit);
    bench.accepted(|motion, handle| motion.move_axis(handle, X, absolute(100.0)));
    let peak = fastest(&mut bench, 3000);
    assert!((19.99..=20.0 + 1e-9).contains(&peak), "{peak}");
}

#[test]
fn limits_are_refused_while_anything_moves_or_waits() {
    let mut bench = Bench::powered();
    let wanted = slow(&bench);
    let first = bench.accepted(|motion, handle| motion.move_axis(handle, X, absolute(100.0)));
    refused(&mut bench, wanted, Reason::NotAtRest);
    bench.steps(100);
    refused(&mut bench, wanted, Reason::NotAtRest);
    // Held by an override of 0 it rests, but the move goes on later.
    bench.accepted(|motion, handle| motion.set_override(handle, X, 0.0));
    bench.steps(2000);
    assert_eq!(bench.velocity(X), 0.0);
    refused(&mut bench, wanted, Reason::NotAtRest);
    bench.accepted(|motion, handle| motion.set_override(handle, X, 1.0));
    bench.until_end(first);
    taken(&mut bench, wanted);
}

#[test]
fn limits_of_a_member_are_refused_while_its_group_moves_or_keeps_a_move() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    let wanted = slow(&bench);
    let line =
        bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[80.0, 60.0])));
    bench.steps(200);
    refused(&mut bench, wanted, Reason::NotAtRest);
    bench.accepted(|motion, handle| motion.group_interrupt(handle, XY));
    bench.steps(2000);
    assert!(bench.group(XY).interrupted() && bench.velocity(X) == 0.0);
    refused(&mut bench, wanted, Reason::NotAtRest);
    bench.accepted(|motion, handle| motion.group_continue(handle, XY));
    bench.until_end(line);
    taken(&mut bench, wanted);
    // The caps of the next line are reckoned with the new limits: 0.8 of it is x's.
    let back =
        bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[0.0, 0.0])));
    let peak = fastest(&mut bench, 1000);
    assert!((19.99..=20.0 + 1e-9).contains(&peak), "{peak}");
    bench.until_end(back);
    let direct =
        bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Direct, &[50.0, 1.0])));
    let peak = fastest(&mut bench, 1000);
    assert!((19.99..=20.0 + 1e-9).contains(&peak), "{peak}");
    bench.until_end(direct);
}

#[test]
fn soft_limits_must_hold_the_present_place() {
    let mut bench = Bench::powered();
    let handle = bench.accepted(|motion, handle| motion.move_axis(handle, X, absolute(100.0)));
    bench.until_end(handle);
    let around = |low, high, bench: &Bench| MotionFigures { soft_limits: Some((low, high)), ..figures(bench) };
    for (low, high) in [(0.0, 99.9), (100.1, 500.0)] {
        let wanted = around(low, high, &bench);
        refused(&mut bench, wanted, Reason::OutsideSoftLimits);
    }
    let wanted = around(50.0, 100.0, &bench);
    taken(&mut bench, wanted);
    for target in [49.9, 100.1] {
        let refusal = bench.refused(|motion, handle| motion.move_axis(handle, X, absolute(target)));
        assert_eq!(refusal.reason, Reason::SoftLimit, "{target}");
    }
    // In axis coordinates, wherever those are put.
    bench.accepted(|motion, handle| motion.set_position(handle, X, 0.0));
    let wanted = around(50.0, 200.0, &bench);
    refused(&mut bench, wanted, Reason::OutsideSoftLimits);
    let wanted = around(-10.0, 10.0, &bench);
    taken(&mut bench, wanted);
    let handle = bench.accepted(|motion, handle| motion.velocity(handle, X, -50.0, Dynamics::default()));
    assert_eq!(bench.until_end(handle).0, Progress::Aborted);
    assert_eq!(bench.position(X), -10.0);
}

#[test]
fn windows_change_in_motion() {
    let mut bench = Bench::powered();
    bench.accepted(|motion, handle| motion.move_axis(handle, X, absolute(100.0)));
    bench.steps(50);
    let velocity = bench.velocity(X);
    let wanted = MotionFigures { in_position_window: 0.5, in_position_time_s: 0.2, ..figures(&bench) };
    taken(&mut bench, wanted);
    assert!(bench.velocity(X) >= velocity, "the move goes on");
}

#[test]
fn a_disabled_axis_takes_every_figure_and_an_unknown_one_none() {
    let mut bench = Bench::new();
    bench.step();
    let wanted = MotionFigures { soft_limits: Some((-1.0, 1.0)), in_position_window: 3.0, ..slow(&bench) };
    taken(&mut bench, wanted);
    let nobody = motiond::ids::AxisId(9);
    let reason = bench.refused(|motion, handle| motion.set_figures(handle, nobody, &wanted)).reason;
    assert_eq!(reason, Reason::NoSuchAxis);
}
