//! Words of a line, and the numbers and places among them.

use std::iter::Peekable;
use std::str::SplitAsciiWhitespace;

use crate::limits::{MAX_GROUP_AXES, MAX_PATH_COORDINATE};
use crate::planner::program::Point;

use super::group::PathGroup;
use super::problem::ProblemKind;

/// The words of a line that were not looked at yet.
pub type Words<'a> = Peekable<SplitAsciiWhitespace<'a>>;

/// It is meant as a number.
pub fn is_number(word: &str) -> bool {
    word.as_bytes().first().is_some_and(|first| first.is_ascii_digit() || b"+-.".contains(first))
}

/// A finite number.
pub fn number(word: &str) -> Result<f64, ProblemKind> {
    match word.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(ProblemKind::number(word)),
    }
}

/// The next word, which is a number from `least` to `most`.
pub fn ranged(
    what: &'static str,
    words: &mut Words<'_>,
    (least, most): (f64, f64),
    unit: &'static str,
) -> Result<f64, ProblemKind> {
    let value = number(words.next().ok_or(ProblemKind::Missing("number", "one behind this word"))?)?;
    if (least..=most).contains(&value) { Ok(value) } else { Err(ProblemKind::Range(what, value, least, most, unit)) }
}

/// The next word, which is a number of at least `least`, and above 0 where that is.
pub fn at_least(what: &'static str, words: &mut Words<'_>, least: f64, unit: &'static str) -> Result<f64, ProblemKind> {
    let value = number(words.next().ok_or(ProblemKind::Missing("number", "one behind this word"))?)?;
    if value >= least { Ok(value) } else { Err(ProblemKind::Least(what, value, least, unit)) }
}

/// The next word, which is a whole number from `least` to `most`.
pub fn whole(what: &'static str, words: &mut Words<'_>, (least, most): (u32, u32)) -> Result<u32, ProblemKind> {
    let value = ranged(what, words, (f64::from(least), f64::from(most)), "")?;
    if value.fract() != 0.0 {
        return Err(ProblemKind::Number(format!("{value} (not whole)")));
    }
    Ok(value as u32)
}

/// The coordinates that a place was given, each either by its axis's name or all as bare numbers in the group's order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given {
    values: Point,
    named: u32,
    bare: usize,
}

impl Given {
    /// Whether there is any.
    pub fn any(&self) -> bool {
        self.named != 0 || self.bare > 0
    }

    /// The value that an axis was given.
    pub fn of(&self, axis: usize) -> Option<f64> {
        (self.bare > 0 || self.named >> axis & 1 != 0).then(|| self.values[axis])
    }

    /// Takes a word that belongs to a place; false, and nothing is taken, where it does not. `among` are the axes that may be named.
    pub fn take(&mut self, word: &str, group: &PathGroup, among: Option<&[usize]>) -> Result<bool, ProblemKind> {
        if let Some((name, value)) = word.split_once('=') {
            let axis = group.find(name).filter(|axis| among.is_none_or(|among| among.contains(axis)));
            let Some(axis) = axis else {
                let all: Vec<usize> = (0..group.count()).collect();
                return Err(ProblemKind::Axis(name.to_string(), group.names(among.unwrap_or(&all))));
            };
            if self.named >> axis & 1 != 0 {
                return Err(ProblemKind::AxisTwice(name.to_string()));
            }
            self.values[axis] = coordinate(value)?;
            self.named |= 1 << axis;
            return Ok(true);
        }
        if among.is_some() || !is_number(word) {
            return Ok(false);
        }
        let value = coordinate(word)?;
        if let Some(place) = self.values.get_mut(self.bare) {
            *place = value;
        }
        self.bare += 1;
        Ok(true)
    }

    /// Bare numbers are as many as the group has axes, and none of them has a name besides.
    pub fn check(&self, group: &PathGroup) -> Result<(), ProblemKind> {
        if self.bare > 0 && (self.bare != group.count() || self.named != 0) {
            return Err(ProblemKind::Coordinates(self.bare, group.count()));
        }
        Ok(())
    }

    /// Every axis of the group has a value.
    pub fn whole(&self, group: &PathGroup) -> bool {
        self.lacking(group).is_empty()
    }

    /// Axes without one.
    pub fn lacking(&self, group: &PathGroup) -> Vec<usize> {
        (0..group.count()).filter(|axis| self.of(*axis).is_none()).collect()
    }

    /// The place: what was not given stays as it is in `from`.
    pub fn place(&self, from: &Point, relative: bool, axes: usize) -> Result<Point, ProblemKind> {
        let mut place = *from;
        for (axis, value) in place.iter_mut().enumerate().take(axes.min(MAX_GROUP_AXES)) {
            if let Some(given) = self.of(axis) {
                *value = if relative { *value + given } else { given };
                in_range(*value)?;
            }
        }
        Ok(place)
    }
}

fn in_range(value: f64) -> Result<f64, ProblemKind> {
    let most = MAX_PATH_COORDINATE;
    if value.abs() <= most { Ok(value) } else { Err(ProblemKind::Range("coordinate", value, -most, most, "")) }
}

fn coordinate(word: &str) -> Result<f64, ProblemKind> {
    in_range(number(word)?)
}
