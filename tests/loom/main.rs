//! The exchange under loom: every interleaving of small models, with every outcome that the memory model allows.
//!
//! `sound` compiles the sources of `src/exchange` over loom's atomics; the other modules compile the same sources
//! over atomics with one thing taken away, and there loom has to find a failure: that shows that the model would
//! notice a dropped fence or ordering. An ordinary build, no cfg: `cargo test --test loom`.

#![allow(clippy::duplicate_mod)] // the same sources over other atomics are the point

mod no_acquire_fence;
mod no_release_fence;
mod relaxed;
mod sound;
mod torn;

/// What the exchange's sources name of the rest of the crate.
mod ids {
    pub use motiond::ids::*;
}

/// The same maxima, small enough for a model.
mod limits {
    pub const MAX_AXES: usize = 1;
    pub const MAX_GROUPS: usize = 1;
    pub const LATEST_READ_ATTEMPTS: usize = 2;
}

fn check(model: fn()) {
    loom::model(model);
}

/// Fails unless loom finds an execution of `model` that goes wrong.
fn check_finds_a_failure(model: fn()) {
    assert!(std::panic::catch_unwind(|| loom::model(model)).is_err(), "loom found nothing wrong");
}

macro_rules! hold {
    ($($model:ident),*) => { $( #[test] fn $model() { check(sound::models::$model); } )* };
}

macro_rules! fail {
    ($($name:ident: $weakness:ident $model:ident;)*) => {
        $( #[test] fn $name() { check_finds_a_failure($weakness::models::$model); } )*
    };
}

hold! {
    ring_passes_every_item_once_and_in_order,
    ring_reuses_a_place_only_after_it_was_read,
    latest_is_never_torn,
    latest_keeps_earlier_versions_whole,
    latest_never_goes_back,
    pool_hands_over_whole_targets,
    pool_slot_is_taken_or_withdrawn_never_both,
    command_is_taken_or_withdrawn_never_both,
    stops_at_once_are_both_counted,
    release_never_swallows_a_newer_stop
}

fail! {
    ring_without_release_and_acquire_is_a_data_race: relaxed ring_passes_every_item_once_and_in_order;
    ring_without_release_and_acquire_overwrites_unread_places: relaxed ring_reuses_a_place_only_after_it_was_read;
    latest_without_the_fence_of_its_writer_is_torn: no_release_fence latest_is_never_torn;
    latest_without_the_fence_of_its_reader_is_torn: no_acquire_fence latest_is_never_torn;
    latest_without_release_and_acquire_is_torn: relaxed latest_is_never_torn;
    latest_without_the_fence_of_its_writer_mixes_versions: no_release_fence latest_keeps_earlier_versions_whole;
    latest_without_the_fence_of_its_reader_mixes_versions: no_acquire_fence latest_keeps_earlier_versions_whole;
    pool_without_release_and_acquire_hands_over_halves: relaxed pool_hands_over_whole_targets;
    pool_without_an_atomic_exchange_gives_a_slot_twice: torn pool_slot_is_taken_or_withdrawn_never_both;
    command_without_an_atomic_exchange_is_taken_and_withdrawn: torn command_is_taken_or_withdrawn_never_both;
    stop_without_an_atomic_addition_is_lost: torn stops_at_once_are_both_counted;
    stop_without_release_and_acquire_is_never_found: relaxed stops_at_once_are_both_counted;
}
