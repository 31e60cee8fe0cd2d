//! Follows a program cycle by cycle, and says what is wrong with one.

use crate::case::Case;
use crate::subject::*;
use crate::support::Random;

/// How much of a limit may be used; the rest is rounding.
const FULL: f64 = 1.0 + 1e-9;
/// Cycles of one program at most.
const MOST: usize = 30_000;

/// What came of a program.
pub struct Followed {
    pub cycles: usize,
    pub obstacle: Option<PathFault>,
    /// Largest shares of the limits of the joints, then of the tool.
    pub peaks: [f64; 6],
}

pub fn follow(case: &Case, random: &mut Random) -> Result<Followed, String> {
    let mechanism = case.axes.mechanism.as_ref().ok_or("no machine")?;
    let joints = mechanism.joints();
    let mut planner = Planner::new(case.axes.clone(), case.start, 1);
    for element in &case.elements {
        planner.push(element);
    }
    planner.finish(true);
    let mut motion = PathMotion::new(case.axes.period_s);
    let (mut peaks, mut ratio, mut standing) = ([0.0_f64; 6], 1.0, 0);
    let mut before: Option<Vec<[f64; 4]>> = None;
    for cycle in 0..MOST {
        while motion.room() > 0
            && let Some(piece) = planner.take()
        {
            motion.push(&piece);
        }
        if random.chance(0.005) {
            ratio = if random.chance(0.3) { 0.0 } else { random.within(0.2, 2.0) };
        } else if random.chance(0.02) {
            ratio = 1.0;
        }
        motion.step(ratio);
        for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let states: Vec<[f64; 4]> = (0..joints).map(|joint| motion.within(share, joint)).collect();
            for (joint, (state, limits)) in states.iter().zip(&case.axes.limits).enumerate() {
                let used = shares([state[1], state[2], state[3]].map(f64::abs), limits);
                for (order, used) in used.iter().enumerate() {
                    if !(*used <= FULL) {
                        return Err(format!("cycle {cycle}+{share} joint {joint} uses {used} of order {}", order + 1));
                    }
                    peaks[order] = peaks[order].max(*used);
                }
            }
            let jets: Vec<Jet> = states.iter().map(|state| Jet::new(*state)).collect();
            if let Some(limits) = &case.axes.tool {
                let tool = tool_of(mechanism, &jets);
                let size = |order: usize| {
                    tool.iter()
                        .take(case.axes.linear.min(3))
                        .map(|jet| jet.derivatives()[order].powi(2))
                        .sum::<f64>()
                        .sqrt()
                };
                let used = shares([size(1), size(2), size(3)], limits);
                for (order, used) in used.iter().enumerate() {
                    if !(*used <= FULL) {
                        return Err(format!("cycle {cycle}+{share} the tool uses {used} of order {}", order + 1));
                    }
                    peaks[3 + order] = peaks[3 + order].max(*used);
                }
            }
            if share == 0.0
                && let Some(before) = &before
            {
                for (joint, (now, before)) in states.iter().zip(before).enumerate() {
                    if !((now[0] - before[0]).abs() < 1e-7) {
                        return Err(format!("cycle {cycle} joint {joint} jumps from {} to {}", before[0], now[0]));
                    }
                }
            }
            if share == 1.0 && motion.begun() {
                on_path(case, mechanism, &states, motion.distance())
                    .map_err(|what| format!("cycle {cycle}: {what}"))?;
                before = Some(states);
            }
        }
        standing = if motion.moving() || ratio == 0.0 { 0 } else { standing + 1 };
        let obstacle = planner.obstacle();
        let ended = motion.arrived() || (obstacle.is_some() && standing > 100);
        if ended {
            let obstacle = obstacle.map(|obstacle| obstacle.fault);
            return Ok(Followed { cycles: cycle + 1, obstacle, peaks });
        }
        if standing > 2000 {
            return Err(format!("stands at {} of {}, line {}", motion.distance(), planner.distance(), motion.line()));
        }
    }
    // It was on its way all the time: a long program, or one that is slow near a singularity.
    Ok(Followed { cycles: MOST, obstacle: None, peaks })
}

fn shares(found: [f64; 3], limits: &Limits) -> [f64; 3] {
    [found[0] / limits.velocity, found[1] / limits.acceleration, found[2] / limits.jerk]
}

/// The tool's place over time, in the planner's order; the orientation of an arm near its pole is left out.
fn tool_of(mechanism: &Mechanism, joints: &[Jet]) -> Vec<Jet> {
    let mut tool = [Jet::constant(0.0); MAX_GROUP_AXES];
    let count = mechanism.coordinates();
    // Without it there is nothing to be looked at.
    let _ = mechanism.kinematics.forward(joints, &mut tool[..count]);
    mechanism.order.order.iter().map(|coordinate| tool[*coordinate]).collect()
}

fn on_path(case: &Case, mechanism: &Mechanism, states: &[[f64; 4]], sigma: f64) -> Result<(), String> {
    let joints: Vec<f64> = states.iter().map(|state| state[0]).collect();
    let Ok(tool) = mechanism.tool(&joints) else { return Ok(()) };
    let (tool, programmed) = (mechanism.order.to_planner(&tool), case.programmed(sigma));
    let (linear, count) = (case.axes.linear, mechanism.coordinates());
    let gap = |range: std::ops::Range<usize>, turn: bool| {
        let square = |axis: usize| {
            let apart = tool[axis] - programmed[axis];
            let apart = if turn { apart - (apart / 360.0).round() * 360.0 } else { apart };
            apart * apart
        };
        range.map(square).sum::<f64>().sqrt()
    };
    let found = [gap(0..linear, false), gap(linear..count, true)];
    let arm = matches!(mechanism.kinematics.machine(), Machine::Arm(_));
    for (kind, (found, within)) in found.iter().zip(case.within).enumerate() {
        if kind == 1 && arm {
            continue;
        }
        if !(*found <= within * FULL) {
            return Err(format!("the tool is off by {found} at {sigma}, allowed: {within} (kind {kind})"));
        }
    }
    Ok(())
}
