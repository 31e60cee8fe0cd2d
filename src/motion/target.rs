//! A place to go to, exact over any number of turns.

/// A place in drive coordinates: whole modulo ranges, and axis units beyond them (in `[0, modulo)` for a modulo axis;
/// any value, with 0 turns, for others).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Target {
    pub turns: i64,
    pub position: f64,
}

impl Target {
    /// The place `position` axis units beyond `turns`.
    pub fn new(turns: i64, position: f64, modulo: Option<f64>) -> Target {
        match modulo {
            None => Target { turns, position },
            Some(modulo) => {
                let (whole, rest) = wrapped(position, modulo);
                Target { turns: turns.saturating_add(whole), position: rest }
            }
        }
    }

    /// Axis units from the start of turn `turns`.
    pub fn seen_from(self, turns: i64, modulo: Option<f64>) -> f64 {
        match modulo {
            None => self.position,
            Some(modulo) => self.turns.saturating_sub(turns) as f64 * modulo + self.position,
        }
    }

    /// The place `distance` further on.
    pub fn shifted(self, distance: f64, modulo: Option<f64>) -> Target {
        // Whole ranges first: they are exact, however many.
        let (whole, rest) = modulo.map_or((0, distance), |modulo| wrapped(distance, modulo));
        Target::new(self.turns.saturating_add(whole), self.position + rest, modulo)
    }
}

/// Whole modulo ranges in `position`, and the rest in `[0, modulo)`.
#[inline]
pub(super) fn wrapped(position: f64, modulo: f64) -> (i64, f64) {
    if (0.0..modulo).contains(&position) {
        return (0, position);
    }
    let whole = (position / modulo).floor();
    let rest = position - whole * modulo;
    // The quotient is rounded: the rest may be a rounding step outside.
    if rest >= modulo { (whole as i64 + 1, (rest - modulo).max(0.0)) } else { (whole as i64, rest.max(0.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_the_place_and_stays_in_range() {
        for position in [0.0, -0.0, 359.999, 360.0, -1e-14, -1e-300, 720.0, -360.0, -359.0, 1e6 + 0.25, -1e6] {
            let (turns, rest) = wrapped(position, 360.0);
            assert!((0.0..360.0).contains(&rest), "{position} → {rest}");
            assert!((turns as f64 * 360.0 + rest - position).abs() <= 1e-9, "{position} → {turns} {rest}");
        }
    }

    #[test]
    fn a_million_turns_forth_and_back_end_at_the_same_place() {
        let start = Target::new(0, 123.456, Some(360.0));
        let mut target = start;
        for _ in 0..1_000_000 {
            target = target.shifted(360.0, Some(360.0));
        }
        assert_eq!(target, Target { turns: 1_000_000, position: 123.456 });
        assert_eq!(target.seen_from(1_000_000, Some(360.0)), 123.456);
    }
}
