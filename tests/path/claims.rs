//! What is claimed of paths. Each claim looks at one case and says what is wrong, if anything.

use crate::case::{self, Case, Kind};
use crate::follow::{Follower, Overrides, Supply};
use crate::support::Random;
use crate::there_and_back;

pub type Verdict = Result<usize, String>;

/// A claim and its name, as a test is named; it says how many cycles it looked at.
pub type Claim = (&'static str, Kind, fn(&mut Random, &Case) -> Verdict);

pub const CLAIMS: &[Claim] = &[
    ("every_limit_holds_whatever_is_asked", Kind::Any, storm),
    ("there_and_back_every_limit_holds_on_the_path", Kind::Any, there_and_back::storm),
    ("the_way_back_ends_where_the_path_began_or_is_kept", Kind::Any, there_and_back::to_the_far_end),
    ("each_step_ends_where_another_line_begins", Kind::Any, there_and_back::line_by_line),
];

fn storm(random: &mut Random, case: &Case) -> Verdict {
    let (overrides, supply) = (Overrides::any(random), Supply::any(random));
    let mut follower = Follower::new(case);
    let verdict = follower.run(&overrides, &supply, random);
    verdict.map(|()| follower.cycle).map_err(|what| format!("{what}\n{overrides:?} {supply:?}"))
}

/// Looks at `count` cases; the first that fails, with what is needed to look at it again.
pub fn campaign(claim: &Claim, seed: u64, range: std::ops::Range<usize>) -> Result<usize, (usize, String)> {
    let mut cycles = 0;
    for index in range {
        let (mut random, case) = case::nth(seed, index, claim.1);
        cycles += claim.2(&mut random, &case).map_err(|what| {
            let axes = &case.axes;
            (index, format!("{} seed {seed} case {index}: {what}\n{axes:?}, {} elements", claim.0, case.elements.len()))
        })?;
    }
    Ok(cycles)
}
