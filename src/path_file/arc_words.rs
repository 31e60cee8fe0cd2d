//! The words of an arc.

use crate::limits::{MAX_ARC_TURNS, MAX_PATH_COORDINATE};
use crate::planner::program::Point;

use super::group::PathGroup;
use super::problem::ProblemKind;
use super::words::{Given, Words, ranged, whole};
use super::written::ArcForm;

/// What a place-word belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Target,
    Centre,
    Through,
    Normal,
}

/// What has been said of an arc.
#[derive(Clone, Debug)]
pub struct ArcWords {
    part: Part,
    pub target: Given,
    centre: Option<Given>,
    through: Option<Given>,
    radius: Option<f64>,
    left: Option<bool>,
    turns: Option<u32>,
    normal: Option<Given>,
    plane: Option<[f64; 3]>,
}

/// The words that an arc has beside settings.
pub const WORDS: &str = "coordinates such as x=10, centre, through, radius, left, right, turns, normal, feed, duration, inverse-time, cap, \
                         tolerance, corner";
const FORMS: &str = "centre, through or radius";
const SIDES: &str = "left (counter-clockwise, seen against the normal) or right";

fn once<T>(place: &mut Option<T>, value: T, what: &'static str) -> Result<(), ProblemKind> {
    if place.is_some() {
        return Err(ProblemKind::Twice(what));
    }
    *place = Some(value);
    Ok(())
}

/// A normal by the name of its axis; `None` where that is none.
pub fn named_normal(word: &str, group: &PathGroup) -> Result<Option<[f64; 3]>, ProblemKind> {
    if word.contains('=') {
        return Ok(None);
    }
    let space = group.space();
    let found = space.iter().position(|axis| group.axes()[*axis].name == word).filter(|_| space.len() == 3);
    let Some(found) = found else {
        let allowed = if space.len() == 3 { group.names(space) } else { "none: the group has one plane".to_string() };
        return Err(ProblemKind::Axis(word.to_string(), allowed));
    };
    let mut normal = [0.0; 3];
    normal[found] = 1.0;
    Ok(Some(normal))
}

/// The values that axes in space were given; the rest as `others` has them.
fn in_space(given: &Given, group: &PathGroup, others: [f64; 3], relative: bool) -> [f64; 3] {
    let mut vector = others;
    for (value, axis) in vector.iter_mut().zip(group.space()) {
        if let Some(given) = given.of(*axis) {
            *value = if relative { *value + given } else { given };
        }
    }
    vector
}

/// A normal by its coordinates.
pub fn given_normal(given: &Given, group: &PathGroup) -> [f64; 3] {
    in_space(given, group, [0.0; 3], false)
}

impl ArcWords {
    pub fn new() -> ArcWords {
        ArcWords {
            part: Part::Target,
            target: Given::default(),
            centre: None,
            through: None,
            radius: None,
            left: None,
            turns: None,
            normal: None,
            plane: None,
        }
    }

    /// Takes a word that belongs to an arc; else false.
    pub fn take(&mut self, word: &str, words: &mut Words<'_>, group: &PathGroup) -> Result<bool, ProblemKind> {
        match word {
            "centre" | "center" => {
                once(&mut self.centre, Given::default(), "centre")?;
                self.part = Part::Centre;
            }
            "through" => {
                once(&mut self.through, Given::default(), "through")?;
                self.part = Part::Through;
            }
            "radius" => {
                let radius = ranged("radius", words, (-MAX_PATH_COORDINATE, MAX_PATH_COORDINATE), "mm")?;
                once(&mut self.radius, radius, "radius")?;
            }
            "left" | "right" => once(&mut self.left, word == "left", "left or right")?,
            "turns" => once(&mut self.turns, whole("turns", words, (0, MAX_ARC_TURNS))?, "turns")?,
            "normal" => {
                self.part = Part::Normal;
                match words.peek().map(|word| named_normal(word, group)).transpose()? {
                    Some(Some(plane)) => {
                        words.next();
                        once(&mut self.plane, plane, "normal")?;
                    }
                    Some(None) => once(&mut self.normal, Given::default(), "normal")?,
                    None => return Err(ProblemKind::Missing("normal", "an axis, or coordinates such as x=0 y=1 z=1")),
                }
            }
            _ => {
                let space = Some(group.space());
                return match (self.part, &mut self.centre, &mut self.through, &mut self.normal) {
                    (Part::Centre, Some(given), ..)
                    | (Part::Through, _, Some(given), _)
                    | (Part::Normal, _, _, Some(given)) => given.take(word, group, space),
                    _ => self.target.take(word, group, None),
                };
            }
        }
        Ok(true)
    }

    /// The arc from `from` on; `plane` is the normal where it has none of its own.
    pub fn form(
        &self,
        from: &Point,
        relative: bool,
        plane: [f64; 3],
        group: &PathGroup,
    ) -> Result<ArcForm, ProblemKind> {
        let mut here = [0.0; 3];
        for (value, axis) in here.iter_mut().zip(group.space()) {
            *value = from[*axis];
        }
        let own = self.plane.or_else(|| self.normal.map(|given| given_normal(&given, group)));
        let normal = own.unwrap_or(plane);
        let left = || self.left.ok_or(ProblemKind::Missing("direction", SIDES));
        let needless = |what: &'static str, there: bool| {
            const ALLOWED: &str = "with a centre only; one way of giving the arc";
            if there { Err(ProblemKind::Word(what.to_string(), ALLOWED)) } else { Ok(()) }
        };
        match (self.centre, self.through, self.radius) {
            (Some(centre), None, None) => Ok(ArcForm::Centre {
                centre: in_space(&centre, group, here, relative),
                normal,
                left: left()?,
                turns: self.turns.unwrap_or(0),
            }),
            (None, Some(through), None) => {
                needless("turns", self.turns.is_some())?;
                needless("left or right", self.left.is_some())?;
                needless("normal", own.is_some())?;
                Ok(ArcForm::Through(in_space(&through, group, here, relative)))
            }
            (None, None, Some(radius)) => {
                needless("turns", self.turns.is_some())?;
                Ok(ArcForm::Radius { radius, normal, left: left()? })
            }
            (None, None, None) => Err(ProblemKind::Missing("circle", FORMS)),
            _ => Err(ProblemKind::Word("several of centre, through, radius".to_string(), "one of them")),
        }
    }
}
