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

/// Values that no axis has: motion refuses them before, and should one come through, the cycle goes on.
#[test]
fn nonsense_neither_panics_nor_hangs() {
    use subject::{Limits, Profile, State, stopping_distance};
    let values = [0.0, -0.0, 1.0, -1e300, 1e300, 1e-300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let mut random = support::Random::new(seed(20264));
    for _ in 0..cases(1_000_000) {
        let mut any = || values[random.below(values.len())];
        let start = State { position: any(), velocity: any(), acceleration: any() };
        let limits = Limits { velocity: any(), acceleration: any(), jerk: any() };
        let (target, time_s) = (any(), any());
        for mut profile in [
            Profile::to_position(start, target, &limits),
            Profile::to_velocity(start, target, &limits),
            Profile::to_position_in(start, target, &limits, time_s).0,
        ] {
            assert!(profile.phases().count() <= motiond::limits::PROFILE_PHASES);
            profile.shift(target);
            let _ = (profile.at(time_s), profile.jerk_at(time_s), profile.extent(time_s));
        }
        let _ = stopping_distance(start.velocity, start.acceleration, &limits);
    }
}
