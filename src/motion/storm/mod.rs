//! Random storms of commands, faults, stops, limit switches and failing drives over axes and groups.
//!
//! A storm follows from its seed alone. `MOTIOND_CASES` and `MOTIOND_SEED` set how many are run and the first seed;
//! a failure prints the seed and the cycle.

mod commands;
mod drive;
mod oracle;

use super::*;
use crate::ids::{AxisId, GroupId};
use crate::limits::MAX_POSITION;
use crate::units::AxisUnit;
use drive::StandIn;
use oracle::{Hits, Ledger, Oracle};

/// SplitMix64.
pub(super) struct Random(u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Spread evenly over magnitudes.
    pub fn magnitude(&mut self, low: f64, high: f64) -> f64 {
        (self.between(low.ln(), high.ln())).exp()
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.word() % count as u64) as usize
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

const AXES: usize = 6;
const GROUPS: [&[u8]; 4] = [&[0, 1, 2], &[2, 3], &[0, 1, 2, 3, 4], &[5]];

fn limits(random: &mut Random) -> Limits {
    let velocity = random.magnitude(20.0, 2000.0);
    // From triangles of jerk to long phases of acceleration and of velocity.
    let acceleration = velocity / random.magnitude(0.02, 1.0);
    Limits { velocity, acceleration, jerk: acceleration / random.magnitude(0.005, 0.3) }
}

fn axis_parameters(random: &mut Random, index: usize) -> AxisParameters {
    let rotary = index == 3 || index == 4;
    let mut parameters =
        AxisParameters::plain(if rotary { AxisUnit::Degree } else { AxisUnit::Millimetre }, limits(random));
    if rotary {
        parameters.modulo = Some(360.0);
    } else if index < 2 {
        parameters.soft_limits = Some((-random.between(1.0, 500.0), random.between(1.0, 500.0)));
    }
    parameters.referenced = index != 5;
    parameters.offset = if random.once_in(2) { 0.0 } else { random.between(-300.0, 300.0) };
    parameters.in_position_window = if random.once_in(2) { 0.0 } else { 0.5 };
    parameters.in_position_time_s = random.between(0.0, 0.05);
    parameters
}

/// One storm; returns a checksum of all setpoints and adds to what was hit.
fn storm(seed: u64, seconds: f64, ideal: bool, hits: &mut Hits) -> u64 {
    let mut random = Random(seed);
    // Draws of its own: the commands of a seed stay what they were.
    let mut of_figures = Random(!seed);
    let period_s = [0.000_25, 0.001, 0.001, 0.004][random.below(4)];
    let period_ns = (period_s * 1e9) as u64;
    let parameters: Vec<AxisParameters> = (0..AXES).map(|index| axis_parameters(&mut random, index)).collect();
    let groups = GROUPS
        .iter()
        .map(|axes| GroupParameters {
            axes: axes.iter().map(|axis| AxisId(*axis)).collect(),
            path_limits: limits(&mut random),
        })
        .collect();
    let mut drives: Vec<StandIn> = parameters.iter().map(|axis| StandIn::new(axis, ideal, &mut random)).collect();
    let mut motion = Motion::new(parameters, groups, period_s);
    let mut ledger = Ledger::default();
    let mood = commands::Mood::new(&mut random);
    let mut oracle = Oracle::new(AXES, period_s);
    let mut inputs = [AxisInputs::default(); AXES];
    let mut outputs = [AxisOutputs::default(); AXES];
    let mut permitted = true;
    let mut now_ns = 1_000_000_000;
    let mut states = [0; AxisState::ALL.len()];
    let mut group_states = [0; GroupState::ALL.len()];
    let mut checksum = seed;
    let cycles = (seconds / period_s) as u64;
    let calm_after = cycles;
    let all = cycles + (60.0 / period_s) as u64;
    for cycle in 0..all {
        let calm = cycle >= calm_after;
        let at = || format!("seed {seed} cycle {cycle} period {period_s}");
        if calm {
            permitted = true;
            if cycle == calm_after {
                commands::calm_down(&mut motion, &mut ledger);
                drives.iter_mut().for_each(StandIn::calm);
            }
            if ledger.open() == 0 {
                break;
            }
        } else {
            commands::random_commands(&mut random, mood, &mut motion, &mut ledger, (now_ns, period_s), &at);
            commands::random_figures(&mut of_figures, &mut motion, &mut ledger, period_s, &at);
            if random.once_in((20.0 / period_s) as usize) {
                permitted = !permitted;
                if !permitted {
                    let fault = crate::fault::Fault::EmergencyStop;
                    motion.fault_all(fault, fault.reaction());
                }
            } else if !permitted && random.once_in((0.2 / period_s) as usize) {
                permitted = true;
            }
        }
        for (input, drive) in inputs.iter_mut().zip(&mut drives) {
            *input = drive.feedback(&mut random);
            input.permitted = permitted;
        }
        motion.step(now_ns, &inputs, &mut outputs, &mut ledger);
        for (output, drive) in outputs.iter().zip(&mut drives) {
            drive.follow(output, period_s, &mut random);
            checksum = (checksum ^ output.setpoint.position.to_bits()).wrapping_mul(0x100_0000_01b3).rotate_left(7);
        }
        oracle.check(&motion, &inputs, &outputs, &at);
        for axis in motion.axes() {
            states[axis.state() as usize] += 1;
        }
        for group in motion.groups() {
            group_states[group.state() as usize] += 1;
        }
        now_ns += period_ns;
    }
    assert_eq!(ledger.open(), 0, "seed {seed}: these never ended: {}", ledger.describe());
    assert!(ledger.accepted > 10, "seed {seed}: a storm of refusals");
    for (name, count) in ledger.hits.into_iter().chain(oracle.hits) {
        *hits.entry(name).or_default() += count;
    }
    for (state, count) in AxisState::ALL.iter().zip(states) {
        *hits.entry(format!("cycles of axes in {}", state.name())).or_default() += count;
    }
    for (state, count) in GroupState::ALL.iter().zip(group_states) {
        *hits.entry(format!("cycles of groups in {}", state.name())).or_default() += count;
    }
    checksum
}

fn cases() -> std::ops::Range<u64> {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let first = number("MOTIOND_SEED", 1);
    first..first + number("MOTIOND_CASES", 40)
}

#[test]
fn storms_over_ideal_drives_keep_every_limit_and_end_every_command_once() {
    let mut hits = Hits::new();
    for seed in cases() {
        storm(seed, 20.0, true, &mut hits);
    }
    for (name, count) in hits {
        println!("{count:>9} {name}");
    }
}

#[test]
fn storms_over_failing_drives_keep_every_limit_and_end_every_command_once() {
    let mut hits = Hits::new();
    for seed in cases() {
        storm(seed, 20.0, false, &mut hits);
    }
    for (name, count) in hits {
        println!("{count:>9} {name}");
    }
}

#[test]
fn a_seed_replays_bit_identically() {
    let run = || storm(7, 5.0, false, &mut Hits::new());
    assert_eq!(run(), run());
}

#[test]
fn positions_beyond_the_range_are_refused() {
    let limits = Limits { velocity: 1.0, acceleration: 1.0, jerk: 1.0 };
    let mut motion = Motion::new(vec![AxisParameters::plain(AxisUnit::Millimetre, limits)], vec![], 0.001);
    let refused = motion.set_position(crate::ids::Handle(1), AxisId(0), MAX_POSITION * 2.0).unwrap_err();
    assert_eq!((refused.reason, refused.allowed), (Reason::PositionRange, MAX_POSITION));
    assert_eq!(motion.set_position(crate::ids::Handle(1), AxisId(9), 0.0).unwrap_err().reason, Reason::NoSuchAxis);
    assert_eq!(motion.group_enable(crate::ids::Handle(1), GroupId(0)).unwrap_err().reason, Reason::NoSuchGroup);
}
