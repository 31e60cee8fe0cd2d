//! A data sheet of a device as anybody may have written it, and the profile that is made of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use motiond::commissioning::eds::{parse, profile};

fuzz_target!(|input: &[u8]| {
    if let Ok(eds) = parse(input, "fuzzed") {
        // A profile is text that the configuration's reader takes apart; it is checked there.
        assert!(!profile(&eds, "fuzzed").contains('\0'));
    }
});
