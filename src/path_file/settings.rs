//! What holds for elements until something else is said: how fast, and how corners are passed.

use crate::planner::program::{Corner, Feed};

use super::problem::ProblemKind;
use super::words::{Words, ranged};

/// Slowest feed, mm/s or deg/s.
const LEAST_FEED: f64 = 0.001;
/// Shortest and longest duration of an element, s; inverse times are one over these.
const DURATIONS: (f64, f64) = (1e-6, 1e6);
/// Tolerances, mm or deg.
const TOLERANCES: (f64, f64) = (1e-4, 1e3);
/// Distances of corners, units of path.
const DISTANCES: (f64, f64) = (1e-3, 1e3);

/// What holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    pub feed: Feed,
    pub corner: Corner,
}

impl Settings {
    /// Takes what stands behind `word` where that is a setting; else false. `most_speed` is in `unit`.
    pub fn take(
        &mut self,
        word: &str,
        words: &mut Words<'_>,
        most_speed: f64,
        unit: &'static str,
    ) -> Result<bool, ProblemKind> {
        match word {
            "feed" => self.feed = Feed::Speed(ranged("feed", words, (LEAST_FEED, most_speed), unit)?),
            "duration" => self.feed = Feed::Duration(ranged("duration", words, DURATIONS, "s")?),
            "inverse-time" => {
                let rates = (1.0 / DURATIONS.1, 1.0 / DURATIONS.0);
                self.feed = Feed::Duration(1.0 / ranged("inverse-time", words, rates, "1/s")?);
            }
            "tolerance" => {
                let linear = ranged("tolerance", words, TOLERANCES, "mm")?;
                let rotary = match words.next_if_eq(&"rotary") {
                    Some(_) => ranged("rotary tolerance", words, TOLERANCES, "deg")?,
                    None => linear,
                };
                self.corner = Corner::Tolerance { linear, rotary };
            }
            "corner" => self.corner = corner(words)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn corner(words: &mut Words<'_>) -> Result<Corner, ProblemKind> {
    const KINDS: &str = "exact, stop, distance and a number (mm), or a line \"tolerance\"";
    match words.next() {
        Some("exact") => Ok(Corner::Exact),
        Some("stop") => Ok(Corner::Stop),
        Some("distance") => Ok(Corner::Distance(ranged("distance", words, DISTANCES, "mm")?)),
        Some(other) => Err(ProblemKind::Word(other.to_string(), KINDS)),
        None => Err(ProblemKind::Missing("kind of corner", KINDS)),
    }
}
