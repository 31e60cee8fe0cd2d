use super::Random;
use crate::exchange::snapshot::*;
use crate::motion::{AxisState, GroupState, PathState};

fn float(random: &mut Random) -> f64 {
    // Any bits but those of a NaN, which equals nothing.
    loop {
        let value = f64::from_bits(random.word());
        if !value.is_nan() {
            return value;
        }
    }
}

fn random_snapshot(shape: Shape, random: &mut Random) -> Snapshot {
    let machine = MachineSnapshot {
        cycle: random.word(),
        time_ns: random.word(),
        inputs: random.word(),
        outputs: random.word(),
        skipped: random.word(),
        events_dropped: random.word(),
        stop_generation: random.word(),
        stopped: random.below(2) == 1,
        permitted: random.below(2) == 1,
        fault: random.word() as u16,
    };
    let axis = |random: &mut Random| AxisSnapshot {
        state: AxisState::ALL[random.below(AxisState::ALL.len() as u64) as usize],
        drive_state: random.word() as u8,
        flags: AxisFlags(random.word() as u32),
        fault: random.word() as u16,
        drive_error: random.word() as u16,
        setpoint: float(random),
        velocity: float(random),
        acceleration: float(random),
        actual: float(random),
        actual_velocity: float(random),
        following_error: float(random),
        following_ratio: float(random),
        torque: float(random),
        override_ratio: float(random),
        active: random.word(),
        stop_generation: random.word(),
        turns: random.word() as i64,
    };
    let group = |random: &mut Random| GroupSnapshot {
        state: GroupState::ALL[random.below(GroupState::ALL.len() as u64) as usize],
        interrupted: random.below(2) == 1,
        stopped: random.below(2) == 1,
        active: random.word(),
        progress: float(random),
        override_ratio: float(random),
        path_velocity: float(random),
        on_path: random.below(2) == 1,
        path_state: PathState::ALL[random.below(PathState::ALL.len() as u64) as usize],
        path_back: random.below(2) == 1,
        path_steps: random.below(2) == 1,
        path_left: (random.below(2) == 1).then(|| PathLeft { distance: float(random), seconds: float(random) }),
        path_behind: float(random),
        starved: random.below(2) == 1,
        path_line: random.word() as u32,
        path_distance: float(random),
        path_supply_s: float(random),
        stream_behind_s: float(random),
        stream_held_s: float(random),
        stop_generation: random.word(),
    };
    let bus = |random: &mut Random| BusSnapshot {
        up: random.below(2) == 1,
        ring_whole: [None, Some(false), Some(true)][random.below(3) as usize],
        frames_lost: random.word(),
        frames_late: random.word(),
        working_counter_errors: random.word(),
        not_operational: random.word(),
        dropped: random.word(),
        late_by_clock_ns: random.word() as i64,
    };
    Snapshot {
        machine,
        axes: (0..shape.axes).map(|_| axis(random)).collect(),
        groups: (0..shape.groups).map(|_| group(random)).collect(),
        buses: (0..shape.buses).map(|_| bus(random)).collect(),
        analogs: (0..shape.analogs).map(|_| random.word() as f64).collect(),
    }
}

/// Few under miri, for each shape has a history of its own.
const SEEDS: u64 = if cfg!(miri) { 3 } else { 50 };

#[test]
fn whatever_is_published_is_read() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let shape = Shape {
            axes: random.below(65) as usize,
            groups: random.below(17) as usize,
            buses: random.below(9) as usize,
            analogs: random.below(20) as usize,
        };
        let (mut writer, reader) = snapshots(shape);
        for version in 1..=3 {
            let snapshot = random_snapshot(shape, &mut random);
            let Snapshot { machine, axes, groups, buses, analogs } = &snapshot;
            writer.publish(machine, axes.iter().copied(), groups.iter().copied(), buses.iter().copied(), analogs);
            assert_eq!(reader.read(), Some((version, snapshot)), "seed {seed} {shape:?}");
        }
    }
}

#[test]
fn nothing_published_reads_as_defaults_of_the_right_shape() {
    let shape = Shape { axes: 3, groups: 1, buses: 2, analogs: 4 };
    let (_writer, reader) = snapshots(shape);
    let expected = Snapshot {
        machine: MachineSnapshot::default(),
        axes: vec![AxisSnapshot::default(); 3],
        groups: vec![GroupSnapshot::default()],
        buses: vec![BusSnapshot::default(); 2],
        analogs: vec![0.0; 4],
    };
    assert_eq!(reader.read(), Some((0, expected)));
}
