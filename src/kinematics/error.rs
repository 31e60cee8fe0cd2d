//! Why a machine cannot be built from its parameters, and why a place has no joint positions.

use std::fmt;

use super::conditioning::Singularity;

/// A place that a transformation has no answer for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unreachable {
    /// Not as many values as the machine has.
    Count {
        /// What one of them is.
        what: &'static str,
        /// How many were given.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A value is not finite, or beyond every machine.
    Range {
        /// What it is.
        what: &'static str,
        /// Which of them, from 0.
        index: usize,
        /// The value.
        found: f64,
        /// The largest magnitude.
        highest: f64,
    },
    /// The machine is too long or too short for the place.
    Reach {
        /// What has to get there.
        what: &'static str,
        /// Where that would be, mm.
        at: [f64; 3],
        /// What the distance is measured from.
        from: Origin,
        /// The distance, mm.
        found: f64,
        /// Shortest distance that is reached, mm.
        lowest: f64,
        /// Longest distance that is reached, mm.
        highest: f64,
    },
    /// Carriages so far apart that their rods cannot meet.
    RodsApart {
        /// Their heights, mm.
        heights: [f64; 3],
    },
    /// A place that three rods reach only from the other side of their carriages' plane.
    RodsCrossed {
        /// The place of the tool, mm.
        at: [f64; 3],
        /// The carriages' heights that would be, mm.
        heights: [f64; 3],
    },
    /// A place at which derivatives do not exist.
    Singular {
        /// Which singularity.
        singularity: Singularity,
        /// How far from it (see [`Conditioning`](super::Conditioning)).
        distance: f64,
        /// How far is enough.
        lowest: f64,
    },
}

/// What the reach of a machine is measured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The first axis of a SCARA arm.
    Shoulder,
    /// The tower of a linear delta with this index, horizontally.
    Tower(u8),
    /// Axis 1 of an arm, horizontally.
    Axis1,
    /// Axis 2 of an arm, with the shoulder on the side that the arm has it on.
    Axis2,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Shoulder => write!(f, "the shoulder"),
            Origin::Tower(index) => write!(f, "tower {}", index + 1),
            Origin::Axis1 => write!(f, "axis 1"),
            Origin::Axis2 => write!(f, "axis 2"),
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Unreachable::Count { what, found, expected } => {
                write!(f, "{found} {what}s are given; the machine has {expected}")
            }
            Unreachable::Range { what, index, found, highest } => {
                write!(f, "{what} {} is {found}; allowed is -{highest} to {highest}", index + 1)
            }
            Unreachable::Reach { what, at: [x, y, z], from, found, lowest, highest } => write!(
                f,
                "{what} at ({x:.3}, {y:.3}, {z:.3}) is {found:.3} mm from {from}; the machine reaches {lowest:.3} to \
                 {highest:.3} mm"
            ),
            Unreachable::RodsApart { heights: [a, b, c] } => write!(
                f,
                "the rods of carriages at {a:.3}, {b:.3} and {c:.3} mm do not meet: bring the carriages closer together"
            ),
            Unreachable::RodsCrossed { at: [x, y, z], heights: [a, b, c] } => write!(
                f,
                "the tool at ({x:.3}, {y:.3}, {z:.3}) is not under the plane of its carriages at {a:.3}, {b:.3} and \
                 {c:.3} mm: the rods would have to pass through that plane"
            ),
            Unreachable::Singular { singularity, distance, lowest } => write!(
                f,
                "{singularity}: {distance:.1e} of the way to the best posture is left, at least {lowest:.0e} is needed \
                 to know how fast the joints must move"
            ),
        }
    }
}

impl std::error::Error for Unreachable {}

/// Why a machine cannot be built from its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterError {
    /// A figure is not finite or out of range.
    Range {
        /// Which one.
        what: &'static str,
        /// What was given.
        found: f64,
        /// Lowest permitted.
        lowest: f64,
        /// Highest permitted.
        highest: f64,
    },
    /// Two coordinates that must differ are the same.
    SameCoordinate {
        /// What the two are.
        what: &'static str,
        /// Which coordinate both are, from 0.
        index: usize,
    },
    /// The three towers of a linear delta stand on a line, or two on one place.
    TowersInLine,
    /// The rods of two towers do not meet anywhere.
    RodsTooShort {
        /// Indices of the towers.
        towers: (u8, u8),
        /// Both rods' lengths together, mm.
        found: f64,
        /// The distance between the towers, mm.
        lowest: f64,
    },
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ParameterError::Range { what, found, lowest, highest } => {
                write!(f, "{what} is {found}; allowed is {lowest} to {highest}")
            }
            ParameterError::SameCoordinate { what, index } => {
                write!(f, "{what} are both coordinate {}: name two", index + 1)
            }
            ParameterError::TowersInLine => write!(f, "the three towers stand on a line: they must form a triangle"),
            ParameterError::RodsTooShort { towers: (a, b), found, lowest } => write!(
                f,
                "the rods of towers {} and {} are {found} mm long together; the towers are {lowest} mm apart",
                a + 1,
                b + 1
            ),
        }
    }
}

impl std::error::Error for ParameterError {}

/// `found` if it is finite and from `lowest` to `highest`.
pub(super) fn within(what: &'static str, found: f64, lowest: f64, highest: f64) -> Result<f64, ParameterError> {
    if (lowest..=highest).contains(&found) {
        Ok(found)
    } else {
        Err(ParameterError::Range { what, found, lowest, highest })
    }
}

/// `found` if it is a coordinate of a machine with `count` of them.
pub(super) fn coordinate(what: &'static str, found: usize, count: usize) -> Result<usize, ParameterError> {
    within(what, found as f64, 0.0, count as f64 - 1.0).map(|_| found)
}

/// `found` if it is the number of a machine's coordinates, at least `lowest`.
pub(super) fn count(found: usize, lowest: usize, highest: usize) -> Result<usize, ParameterError> {
    within("the number of coordinates", found as f64, lowest as f64, highest as f64).map(|_| found)
}

/// The slice has the wrong length.
pub(super) fn wrong_count(what: &'static str, found: usize, expected: usize) -> Unreachable {
    Unreachable::Count { what, found, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_where_found_and_allowed() {
        let reach = Unreachable::Reach {
            what: "the tool",
            at: [512.0, 0.0, 3.0],
            from: Origin::Shoulder,
            found: 512.0,
            lowest: 100.0,
            highest: 500.0,
        };
        assert_eq!(
            reach.to_string(),
            "the tool at (512.000, 0.000, 3.000) is 512.000 mm from the shoulder; the machine reaches 100.000 to \
             500.000 mm"
        );
        let range = Unreachable::Range { what: "tool coordinate", index: 2, found: f64::NAN, highest: 1e9 };
        assert_eq!(range.to_string(), "tool coordinate 3 is NaN; allowed is -1000000000 to 1000000000");
        assert_eq!(
            within("the upper arm", -3.0, 1.0, 100_000.0).unwrap_err().to_string(),
            "the upper arm is -3; allowed is 1 to 100000"
        );
        assert!(within("the upper arm", f64::NAN, 1.0, 100_000.0).is_err());
    }
}
