//! What holds for elements until something else is said: how fast, and how corners are passed.

use crate::limits::{FEED_RANGE, MIN_CAPS};
use crate::planner::program::{Caps, Corner, Feed};

use super::problem::ProblemKind;
use super::words::{Words, at_least, ranged};

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
    pub caps: Caps,
    pub corner: Corner,
}

impl Settings {
    /// Takes what stands behind `word` where that is a setting; else false. `most_speed` is what the path's limits permit, in `unit`: a
    /// greater feed is one all the same, which the machine does not reach.
    pub fn take(
        &mut self,
        word: &str,
        words: &mut Words<'_>,
        most_speed: f64,
        unit: &'static str,
    ) -> Result<bool, ProblemKind> {
        match word {
            "feed" => self.feed = Feed::Speed(at_least("feed", words, most_speed / FEED_RANGE, unit)?),
            "duration" => self.feed = Feed::Duration(ranged("duration", words, DURATIONS, "s")?),
            "inverse-time" => {
                let rates = (1.0 / DURATIONS.1, 1.0 / DURATIONS.0);
                self.feed = Feed::Duration(1.0 / ranged("inverse-time", words, rates, "1/s")?);
            }
            "tolerance" => self.corner = tolerance(words)?,
            "corner" => self.corner = corner(words)?,
            "cap" => self.caps = caps(words, unit)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What each of them is capped at; 0 is no cap, and so is what is not named.
fn caps(words: &mut Words<'_>, unit: &'static str) -> Result<Caps, ProblemKind> {
    const KINDS: &str = "none, or some of speed, acceleration, jerk, each with a number";
    let mut caps = Caps::NONE;
    if words.next_if_eq(&"none").is_some() {
        return Ok(caps);
    }
    let units = if unit == "deg/s" { [unit, "deg/s²", "deg/s³"] } else { [unit, "mm/s²", "mm/s³"] };
    let of = [
        ("speed", "speed cap", &mut caps.velocity),
        ("acceleration", "acceleration cap", &mut caps.acceleration),
        ("jerk", "jerk cap", &mut caps.jerk),
    ];
    let mut any = false;
    for (order, (word, what, cap)) in of.into_iter().enumerate() {
        if words.next_if_eq(&word).is_some() {
            any = true;
            let value = at_least(what, words, 0.0, units[order])?;
            if value > 0.0 && value < MIN_CAPS[order] {
                return Err(ProblemKind::Least(what, value, MIN_CAPS[order], units[order]));
            }
            *cap = (value > 0.0).then_some(value);
        }
    }
    match (any, words.peek()) {
        (true, _) => Ok(caps),
        (false, Some(other)) => Err(ProblemKind::Word(other.to_string(), KINDS)),
        (false, None) => Err(ProblemKind::Missing("cap", KINDS)),
    }
}

/// What a line about corners says, and nothing else: `corner distance 5`, or `tolerance 0.02 rotary 0.1`.
///
/// # Errors
/// Says what is wrong with it.
pub fn corner_line(line: &str) -> Result<Corner, ProblemKind> {
    const LINES: &str = "corner exact, corner stop, corner distance and a number (mm), or tolerance and a number (mm)";
    let mut words = line.split_ascii_whitespace().peekable();
    let corner = match words.next() {
        Some("corner") => corner(&mut words)?,
        Some("tolerance") => tolerance(&mut words)?,
        Some(other) => return Err(ProblemKind::Word(other.to_string(), LINES)),
        None => return Err(ProblemKind::Missing("corner", LINES)),
    };
    match words.next() {
        Some(more) => Err(ProblemKind::Word(more.to_string(), "nothing behind that")),
        None => Ok(corner),
    }
}

fn tolerance(words: &mut Words<'_>) -> Result<Corner, ProblemKind> {
    let linear = ranged("tolerance", words, TOLERANCES, "mm")?;
    let rotary = match words.next_if_eq(&"rotary") {
        Some(_) => ranged("rotary tolerance", words, TOLERANCES, "deg")?,
        None => linear,
    };
    Ok(Corner::Tolerance { linear, rotary })
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
