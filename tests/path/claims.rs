//! What is claimed of paths. Each claim looks at one case and says what is wrong, if anything.

use crate::capped;
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
    ("caps_of_elements_hold_whatever_is_asked", Kind::Any, capped::storm),
];

fn storm(random: &mut Random, case: &Case) -> Verdict {
    let (overrides, supply) = (Overrides::any(random), Supply::any(random));
    let mut follower = Follower::new(case);
    let verdict = follower.run(&overrides, &supply, random);
    verdict.map(|()| follower.cycle).map_err(|what| format!("{what}\n{overrides:?} {supply:?}"))
}

/// Looks at the case of one seed; what is wrong, with what is needed to look at it again.
pub fn look(claim: &Claim, seed: u64, cycles: usize) -> Verdict {
    let (mut random, case) = case::of(seed, claim.1, cycles);
    claim.2(&mut random, &case).map_err(|what| {
        let (axes, elements) = (&case.axes, case.elements.len());
        format!("{} MOTIOND_SEED={seed} MOTIOND_CYCLES={cycles}: {what}\n{axes:?}, {elements} elements", claim.0)
    })
}
