//! Properties of the scaling, against whole-number arithmetic.

use super::*;
use proptest::prelude::*;

fn ratio(numerator: i64, denominator: i64) -> Ratio {
    Ratio::new(numerator, denominator).unwrap()
}

fn rotary(increments: i64, gear: (i64, i64), inverted: bool) -> ScalingParameters {
    ScalingParameters {
        increments_per_motor_turn: ratio(increments, 1),
        gear: ratio(gear.0, gear.1),
        feed: ratio(360, 1),
        inverted,
        modulo: Some(ratio(360, 1)),
        velocity_factor: ratio(1, 1),
    }
}

fn linear(increments: i64, gear: (i64, i64), feed: (i64, i64), inverted: bool) -> ScalingParameters {
    ScalingParameters { feed: ratio(feed.0, feed.1), modulo: None, ..rotary(increments, gear, inverted) }
}

/// Turns and remainder of a number of increments, by whole numbers.
fn exact_place(increments: i128, parts: i128, per_increment: i128) -> (i64, f64) {
    let all = increments * per_increment;
    (all.div_euclid(parts) as i64, all.rem_euclid(parts) as f64 / parts as f64 * 360.0)
}

#[test]
fn a_gear_of_101_to_3_is_exact_over_a_thousand_million_turns_both_ways() {
    // 2^20 · 101/3 increments a turn: not a whole number.
    let (parts, per_increment) = ((1i128 << 20) * 101, 3);
    for inverted in [false, true] {
        for sign in [1i64, -1] {
            let mut scaling = Scaling::new(&rotary(1 << 20, (101, 3), inverted)).unwrap();
            let mut place = scaling.first(12_345);
            let step = sign * i64::from(i32::MAX - 7);
            let mut steps = 0u64;
            while place.turns.abs() < 1_000_000_000 {
                let raw = scaling.raw(place.increments.wrapping_add(step));
                assert_eq!(scaling.advance(&mut place, raw), step);
                steps += 1;
            }
            let start = if inverted { -12_345 } else { 12_345 };
            let increments = start + i128::from(step) * i128::from(steps);
            assert_eq!(i128::from(place.increments), increments);
            let (turns, position) = exact_place(increments, parts, per_increment);
            assert_eq!(place.turns, turns);
            assert!((scaling.position(&place) - position).abs() < 1e-12 * 360.0, "{place:?} {position}");
            // And back, to the increment.
            assert_eq!(scaling.increments(turns, scaling.position(&place)), Some(place.increments));
        }
    }
}

#[test]
fn crossing_two_to_the_31_is_a_small_step_in_either_direction_and_either_sense() {
    for inverted in [false, true] {
        for (first, second) in [(0x7FFF_FFFEu32, 0x8000_0003u32), (0xFFFF_FFFE, 0x0000_0003)] {
            let scaling = Scaling::new(&linear(4096, (1, 1), (10, 1), inverted)).unwrap();
            for (from, to, moved) in [(first, second, 5), (second, first, -5)] {
                let mut place = scaling.first(from);
                let before = scaling.position(&place);
                let moved = if inverted { -moved } else { moved };
                assert_eq!(scaling.advance(&mut place, to), moved, "{from:08X} to {to:08X} inverted {inverted}");
                let distance = scaling.position(&place) - before;
                assert!((distance - moved as f64 * 10.0 / 4096.0).abs() < 1e-6, "{distance}");
                assert_eq!(scaling.raw(place.increments), to);
            }
        }
    }
}

#[test]
fn inversion_turns_position_velocity_and_torque_alike() {
    let mut plain = Scaling::new(&linear(1000, (5, 2), (4, 1), false)).unwrap();
    let mut inverted = Scaling::new(&linear(1000, (5, 2), (4, 1), true)).unwrap();
    let one = |scaling: &mut Scaling| {
        let increments = scaling.increments(0, 8.0).unwrap();
        (scaling.raw(increments) as i32, scaling.raw_velocity(2.0), scaling.raw_torque(0.5))
    };
    assert_eq!(one(&mut plain), (5000, 1250, 500));
    assert_eq!(one(&mut inverted), (-5000, -1250, -500));
    let back = |scaling: &Scaling, raw: i32| (scaling.position(&scaling.first(raw as u32)), scaling.velocity(1250));
    assert_eq!(back(&plain, 5000), (8.0, 2.0));
    assert_eq!(back(&inverted, -5000), (8.0, -2.0));
    assert_eq!((plain.torque_ratio(500), inverted.torque_ratio(500)), (0.5, -0.5));
}

#[test]
fn the_velocity_factor_gives_the_drives_own_unit() {
    // Drive counts 0.1 rpm of the motor: 600 / 10000 units per increment/s.
    let parameters = ScalingParameters { velocity_factor: ratio(600, 10_000), ..linear(10_000, (1, 1), (5, 1), false) };
    let scaling = Scaling::new(&parameters).unwrap();
    // 100 mm/s are 20 motor turns a second, 1200 rpm.
    assert_eq!(scaling.raw_velocity(100.0), 12_000);
    assert_eq!(scaling.velocity(12_000), 100.0);
}

#[test]
fn a_setpoint_beyond_64_bits_is_refused_and_never_wraps() {
    let mut turning = Scaling::new(&rotary(1 << 24, (100, 1), false)).unwrap();
    let mut straight = Scaling::new(&linear(1 << 20, (1, 1), (5, 1), false)).unwrap();
    for position in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 1e15] {
        assert_eq!(straight.increments(0, position), None, "{position}");
        assert_eq!(turning.increments(0, position.powi(3)), None, "{position}");
    }
    for turns in [i64::MAX, i64::MIN, 1 << 33, -(1 << 33)] {
        assert_eq!(turning.increments(turns, 0.0), None, "{turns}");
    }
    assert_eq!(turning.increments(1 << 32, 0.0), Some((1i64 << 56) * 100));
    assert_eq!(straight.increments(1, 0.0), None, "a linear axis has no turns");
}

#[test]
fn the_fast_way_to_the_nearest_whole_number_is_right_up_to_its_end() {
    for whole in [0i64, 1, 2, 1000, (1 << 40) + 1, (1 << 51) - 2] {
        for (part, rounded) in [(0.0, 0), (0.25, 0), (0.75, 1), (-0.25, 0)] {
            let value = whole as f64 + part;
            if value - whole as f64 == part {
                assert_eq!(nearest_fast(value), whole + rounded, "{value}");
                assert_eq!(nearest_fast(-value), -whole - rounded, "-{value}");
            }
        }
    }
}

#[test]
fn ratios_that_cannot_be_kept_exactly_are_refused() {
    let huge = ScalingParameters {
        feed: ratio(3_141_592_653_589_793, 1_000_000_000_000_000),
        ..rotary(1 << 24, (101, 3), false)
    };
    assert!(matches!(Scaling::new(&huge), Err(ParameterError::Ratio { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn feedback_as_setpoint_is_the_same_increment(
        bits in 10u32..24, gear in (1i64..500, 1i64..60), feed in (1i64..5000, 1i64..100),
        inverted: bool, modulo: bool, steps in prop::collection::vec(any::<i32>(), 1..40),
    ) {
        let base = rotary(1 << bits, gear, inverted);
        let parameters = if modulo { base } else { linear(1 << bits, gear, feed, inverted) };
        let mut scaling = Scaling::new(&parameters).unwrap();
        let mut place = scaling.first(0);
        let mut sum = 0i64;
        for step in steps {
            let raw = scaling.raw(place.increments).wrapping_add(step as u32);
            sum += scaling.advance(&mut place, raw);
            prop_assert_eq!(place.increments, sum);
            prop_assert_eq!(scaling.raw(sum), raw);
            let position = scaling.position(&place);
            if modulo {
                prop_assert!((0.0..360.0).contains(&position), "{}", position);
            }
            prop_assert_eq!(scaling.increments(place.turns, position), Some(sum));
        }
    }

    #[test]
    fn a_setpoint_is_never_half_an_increment_off(
        gear in (1i64..500, 1i64..60), turns in -1_000_000_000i64..1_000_000_000, thousandths in 0i64..720_000,
    ) {
        let mut scaling = Scaling::new(&rotary(1 << 20, gear, false)).unwrap();
        let found = i128::from(scaling.increments(turns, thousandths as f64 / 1000.0).unwrap());
        // increments · 360000 · gear.1 against (turns · 360000 + thousandths) · 2^20 · gear.0, in whole numbers.
        let scale = 360_000 * i128::from(gear.1);
        let wanted = (i128::from(turns) * 360_000 + i128::from(thousandths)) * (1 << 20) * i128::from(gear.0);
        let slack = scale / 1_000_000 + 1; // rounding of the f64 position itself
        prop_assert!((found * scale - wanted).abs() * 2 <= scale + slack, "{} {} {}", found, scale, wanted);
    }
}
