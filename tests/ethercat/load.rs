//! As many drives as a bus may have: in OP, enabled, in motion together, and nothing lost.

use crate::bring_up::segment;
use crate::many_drives::many_drives;
use crate::motion::rig_over;
use motiond::config;
use motiond::exchange::command::Request;
use motiond::ids::GroupId;
use motiond::motion::{BufferMode, Dynamics, GroupShape};
use motiond::simulation::ethercat::Segment;

fn move_together(count: usize, frames_a_cycle: u64) {
    let text = many_drives(count, "", "", "");
    let config = config::parse(&text, "drives.toml").unwrap_or_else(|error| panic!("{error}"));
    let segment = Segment::new(&segment(&config)).unwrap();
    let (mut rig, wire) = rig_over(config, segment);
    for place in 0..count {
        assert!(wire.end().segment.is_operational(place), "{count} drives: drive {place} is not in OP");
    }
    rig.power_all();
    let groups = rig.config.groups.len();
    for group in 0..groups {
        rig.send(Request::GroupEnable { group: GroupId(group as u8) });
    }
    rig.run(5);
    let sent = || {
        let end = wire.end();
        (end.sent, end.bytes)
    };
    let (before, begun) = (sent(), rig.cycles);
    let start: Vec<f64> = rig.snapshot.axes.iter().map(|axis| axis.setpoint).collect();
    let (whole, targets) = (Dynamics::default(), vec![100.0; count]);
    let moves: Vec<_> = (0..groups)
        .map(|group| {
            let axes = rig.config.groups[group].motion.axes.len();
            let (group, targets) = (GroupId(group as u8), &targets[..axes]);
            rig.send_group_move(group, GroupShape::Linear, targets, true, whole, BufferMode::Aborting)
        })
        .collect();
    rig.run_until(5000, "every line is done", |rig| moves.iter().all(|line| rig.end_of(*line).is_some()));
    let cycles = rig.cycles - begun;
    let after = sent();
    rig.run(200);
    for (place, (axis, start)) in rig.snapshot.axes.iter().zip(&start).enumerate() {
        assert!((axis.setpoint - start - 100.0).abs() < 1e-6, "{count} drives: axis {place}: {axis:?}");
        let turns = wire.end().segment.device(place).unwrap().plant().unwrap().position_turns;
        assert!((turns * 20.0 - axis.setpoint).abs() < 0.05, "{count} drives: axis {place} is at {turns} turns");
    }
    assert!(moves.iter().all(|line| rig.is_done(*line)), "{:?} {:?}", rig.verdicts, rig.events);
    let bus = rig.snapshot.buses[0];
    assert_eq!(
        (bus.frames_lost, bus.frames_late, bus.working_counter_errors, bus.not_operational),
        (0, 0, 0, 0),
        "{count} drives: {bus:?}"
    );
    // And now and then a look at the ports of a device: two frames in 200 cycles.
    let others = after.0 - before.0 - cycles * frames_a_cycle;
    assert!(others <= cycles / 90, "{count} drives: {others} other frames in {cycles} cycles");
    println!("{count} drives: {frames_a_cycle} frames and {} bytes a cycle", (after.1 - before.1) / cycles);
}

#[test]
fn sixteen_drives_move_together_in_one_frame_a_cycle() {
    move_together(16, 1);
}

#[test]
fn sixty_four_drives_move_together_in_two_frames_a_cycle() {
    move_together(64, 2);
}
