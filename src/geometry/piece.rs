//! A stretch of a path as it crosses to the cycle.
//!
//! How fast it may be passed is said in two quantities of the speed v along the path: the energy E = v²/2 and the potential w, the
//! integral of the greatest acceleration over the path. In these any motion is a curve E(w) of a slope u between −1 and 1, the share
//! of the acceleration that is used, whatever that acceleration is from place to place.

use crate::kinematics::Singularity;
use crate::limits::MAX_GROUP_AXES;

use super::cubic::Cubic;

/// What acceleration along the path may be: `share · acceleration(x)`, the share between −1 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Envelope {
    /// The greatest at the beginning, path units/s².
    pub acceleration: f64,
    /// How that changes along the piece, 1/s².
    pub slope: f64,
    /// How fast the share may change, 1/s.
    pub rate: f64,
    /// acceleration / rate at its worst, from here on for as long as a change of the share may take; path units/s.
    pub lag: f64,
}

impl Envelope {
    /// The greatest acceleration at `x`.
    #[inline]
    pub fn at(&self, x: f64) -> f64 {
        self.acceleration + self.slope * x
    }

    /// The potential from the beginning of the piece to `x`, path units²/s².
    #[inline]
    pub fn potential(&self, x: f64) -> f64 {
        x * (self.acceleration + 0.5 * self.slope * x)
    }
}

/// A bound of the energy: a parabola over the potential.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ceiling {
    /// At the beginning of the piece, path units²/s².
    pub energy: f64,
    /// Its slope there, a share of the acceleration.
    pub slope: f64,
    /// How that changes with the potential.
    pub bend: f64,
}

impl Ceiling {
    /// Energy and slope `w` of potential behind the beginning of the piece.
    #[inline]
    pub fn at(&self, w: f64) -> (f64, f64) {
        (self.energy + w * (self.slope + 0.5 * self.bend * w), self.slope + self.bend * w)
    }

    /// The same, counted back from `w`.
    #[inline]
    pub fn back_from(&self, w: f64) -> Ceiling {
        let (energy, slope) = self.at(w);
        Ceiling { energy, slope: -slope, bend: self.bend }
    }

    /// The least energy from the beginning of the piece to `w`.
    #[inline]
    pub fn least(&self, w: f64) -> f64 {
        let least = self.energy.min(self.at(w).0);
        let lowest = -self.slope / self.bend;
        // Also false where nothing bends.
        if self.bend > 0.0 && lowest > 0.0 && lowest < w { least.min(self.at(lowest).0) } else { least }
    }
}

/// A stretch of a path of some axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Path units. A unit of path is a unit of all axes together (Euclidean), a little more where corners are rounded.
    pub length: f64,
    /// Drive coordinates of the axes of the group, in its order.
    pub axes: [Cubic; MAX_GROUP_AXES],
    /// Acceleration along it.
    pub envelope: Envelope,
    /// What axes permit, at twice the programmed velocity at most.
    pub ceiling: Ceiling,
    /// What the program wants, at an override of 1.
    pub feed: Ceiling,
    /// What axes permit who goes back along the path: it falls towards the beginning as the ceiling does towards the end.
    pub back_ceiling: Ceiling,
    /// And what the program wants there.
    pub back_feed: Ceiling,
    /// No more energy than this is permitted anywhere on it, path units²/s².
    pub cap: f64,
    /// Of its beginning since the path last rested, path units²/s².
    pub potential: f64,
    /// The path comes to rest this far behind the beginning of the piece, and from there on acceleration, rate and cap are the same
    /// up to the rest; path units.
    pub landing: Option<f64>,
    /// Envelope, ceiling and cap are the same all along the path, wherever it may rest: it comes to a rest on a profile from this far
    /// before it on; path units.
    pub uniform: Option<f64>,
    /// Where it begins, path units since the path began.
    pub distance: f64,
    /// When it begins, as planned, s since the path began, at an override of 1.
    pub time: f64,
    /// How long it takes then, s.
    pub duration: f64,
    /// The program that it belongs to.
    pub epoch: u32,
    /// The line of the program that it begins in.
    pub line: u32,
    /// It is passed more slowly than the program and the tool permit, so near is it to this.
    pub slowed_by: Option<Singularity>,
    /// The path rests at its end.
    pub rests: bool,
    /// Nothing moves at its end at whatever speed that is passed: it is a rest that needs no braking.
    pub still: bool,
    /// The program ends at its end.
    pub last: bool,
    /// It is no way at all: with it the program `epoch` begins, on the path of those before it and without a rest, at the end of the piece before.
    pub joins: bool,
}

impl Piece {
    /// A piece that goes nowhere.
    pub const NOTHING: Piece = Piece {
        length: 0.0,
        axes: [Cubic([0.0; 4]); MAX_GROUP_AXES],
        envelope: Envelope { acceleration: 1.0, slope: 0.0, rate: 1.0, lag: 1.0 },
        ceiling: Ceiling { energy: 0.0, slope: 0.0, bend: 0.0 },
        feed: Ceiling { energy: 0.0, slope: 0.0, bend: 0.0 },
        back_ceiling: Ceiling { energy: 0.0, slope: 0.0, bend: 0.0 },
        back_feed: Ceiling { energy: 0.0, slope: 0.0, bend: 0.0 },
        cap: 0.0,
        potential: 0.0,
        landing: None,
        uniform: None,
        distance: 0.0,
        time: 0.0,
        duration: 0.0,
        epoch: 0,
        line: 0,
        slowed_by: None,
        rests: false,
        still: false,
        last: false,
        joins: false,
    };
}
