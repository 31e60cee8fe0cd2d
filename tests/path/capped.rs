//! Caps of single elements: what the tool does on each of them, whatever is asked for.

use crate::case::Case;
use crate::claims::Verdict;
use crate::follow::{Follower, Overrides, Supply};
use crate::subject::{Caps, Limits, PathAxes};
use crate::support::Random;

/// How much of a cap may be used; the rest is rounding.
const FULL: f64 = 1.0 + 1e-9;

/// The same program with caps that change now and then.
pub fn capped(case: &Case, random: &mut Random) -> Case {
    let most = |of: fn(&Limits) -> f64| case.axes.limits.iter().map(of).fold(0.0, f64::max);
    let most = [most(|limits| limits.velocity), most(|limits| limits.acceleration), most(|limits| limits.jerk)];
    let cap = |random: &mut Random, most: f64| random.chance(0.5).then(|| most * random.magnitude(0.03, 1.0));
    let (mut case, mut caps) = (case.clone(), Caps::NONE);
    let often = random.magnitude(0.01, 1.0);
    for element in &mut case.elements {
        if random.chance(often) {
            let [velocity, acceleration, jerk] = most.map(|most| cap(random, most));
            caps = if random.chance(0.2) { Caps::NONE } else { Caps { velocity, acceleration, jerk } };
        }
        element.caps = caps;
    }
    case
}

pub fn storm(random: &mut Random, case: &Case) -> Verdict {
    let case = capped(case, random);
    let (overrides, supply) = (Overrides::any(random), Supply::any(random));
    let mut follower = Follower::new(&case);
    let verdict = follower.run(&overrides, &supply, random);
    verdict.map(|()| follower.cycle).map_err(|what| format!("{what}\n{overrides:?} {supply:?}"))
}

/// The elements of a program along it.
#[derive(Clone, Debug, Default)]
pub struct Elements {
    /// Where each ends, units of path, and its caps.
    ends: Vec<(f64, Caps)>,
    /// The one that was looked at last.
    at: usize,
}

impl Elements {
    /// One more, which ends there.
    pub fn push(&mut self, end: f64, caps: Caps) {
        self.ends.push((end, caps));
    }

    /// The most that any element between two places permits; none of them where one is without.
    fn loosest(&mut self, from: f64, to: f64) -> [Option<f64>; 3] {
        let near = 1e-9 * (1.0 + to);
        while self.at + 1 < self.ends.len() && self.ends[self.at].0 < from - near {
            self.at += 1;
        }
        let mut loosest = [Some(0.0_f64); 3];
        for (end, Caps { velocity, acceleration, jerk }) in &self.ends[self.at..] {
            for (loosest, cap) in loosest.iter_mut().zip([velocity, acceleration, jerk]) {
                *loosest = loosest.zip(*cap).map(|(a, b)| a.max(b));
            }
            if *end > to + near {
                break;
            }
        }
        loosest
    }

    /// The tool moves within the caps of where it is, between two places: as a whole, and so along the path.
    pub fn within(&mut self, states: &[[f64; 4]], axes: &PathAxes, (from, to): (f64, f64)) -> Result<(), String> {
        let loosest = self.loosest(from, to);
        let count = if axes.linear > 0 { axes.linear } else { states.len() };
        let dot = |a: usize, b: usize| states[..count].iter().map(|state| state[a] * state[b]).sum::<f64>();
        let speed = dot(1, 1).sqrt();
        for (order, cap) in loosest.into_iter().enumerate() {
            let Some(cap) = cap else { continue };
            let derivative = order + 1;
            let whole = dot(derivative, derivative).sqrt();
            let along = if speed > 0.0 { dot(1, derivative).abs() / speed } else { 0.0 };
            if !(whole <= cap * FULL && along <= cap * FULL) {
                return Err(format!(
                    "the tool uses {} of the cap of derivative {derivative}, {} along the path, {cap}, between {from} and {to}",
                    whole / cap,
                    along / cap
                ));
            }
        }
        Ok(())
    }
}
