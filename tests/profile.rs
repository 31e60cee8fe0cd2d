//! The scalar profile over random cases (`MOTIOND_CASES`, `MOTIOND_SEED`): limits between any two instants, the target,
//! continuity, durations against closed forms.

#[path = "profile/case.rs"]
mod case;
#[path = "profile/claims.rs"]
mod claims;
#[path = "profile/judge.rs"]
mod judge;
#[path = "support/random.rs"]
mod support;

/// What is looked at. `tests/profile_mutants.rs` puts variants with wrong formulas in this place.
mod subject {
    pub use motiond::motion::Limits;
    pub use motiond::motion::profile::*;
}

use claims::CLAIMS;
use support::{cases, seed};

fn holds(name: &str, default: usize) {
    let claim = CLAIMS.iter().find(|claim| claim.0 == name).expect("a claim of this name");
    let (seed, count) = (seed(20261), cases(default));
    println!("{name}: seed {seed}, {count} cases");
    if let Err((_, what)) = claims::campaign(claim, seed, count) {
        panic!("{what}");
    }
}

macro_rules! claims {
    ($($name:ident: $count:literal,)*) => { $(
        #[test]
        fn $name() {
            holds(stringify!($name), $count);
        }
    )* };
}

claims! {
    any_start_reaches_any_target_within_its_limits: 1_000_000,
    any_start_reaches_any_velocity_within_its_limits: 1_000_000,
    a_profile_is_what_its_phases_say_at_every_time: 200_000,
    a_move_from_rest_takes_the_closed_form: 1_000_000,
    a_change_of_velocity_takes_the_closed_form: 200_000,
    a_stop_takes_no_longer_than_the_closed_form: 200_000,
    the_rest_of_the_way_takes_the_rest_of_the_time: 200_000,
    a_higher_limit_makes_no_move_longer: 200_000,
    results_scale_with_units_and_mirror: 200_000,
    a_move_takes_the_time_that_it_is_given: 200_000,
    a_move_stays_within_its_extent: 200_000,
}
