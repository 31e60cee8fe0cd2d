//! Places that are passed slowly because joints are near a singularity there.

use crate::kinematics::Singularity;

/// What is passed with less than this share of the programmed velocity is slow.
const SLOW: f64 = 0.9;

/// Where a singularity slows a path the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowed {
    /// Which.
    pub singularity: Singularity,
    /// The velocity that is left there, as a share of the programmed one.
    pub share: f64,
    /// The line of the program.
    pub line: u32,
}

/// What was found so far, for each singularity.
#[derive(Clone, Debug, Default)]
pub struct SlowPlaces([Option<Slowed>; Singularity::ALL.len()]);

impl SlowPlaces {
    /// A stretch of this line near `singularity`, of whose velocity joints leave a share. Returns what slows it, if anything does.
    pub fn look(&mut self, singularity: Singularity, share: f64, line: u32) -> Option<Singularity> {
        if share >= SLOW {
            return None;
        }
        let place = &mut self.0[singularity as usize];
        if place.is_none_or(|known| share < known.share) {
            *place = Some(Slowed { singularity, share, line });
        }
        Some(singularity)
    }

    /// In the order of their numbers.
    pub fn found(&self) -> impl Iterator<Item = Slowed> {
        self.0.iter().flatten().copied()
    }
}
