//! What is settled of how fast a stretch may be passed.

/// A way of constant acceleration, rate and cap up to a rest, from which any stop fits.
#[derive(Clone, Copy, Debug)]
pub struct Landing {
    /// Its first entry.
    pub first: usize,
    pub way: f64,
    pub acceleration: f64,
    pub rate: f64,
    pub cap: f64,
}

/// What is settled of a stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Solved {
    /// Energy of the profile.
    pub energy: f64,
    /// What it was lowered to, so that bends leave enough.
    pub permitted: f64,
    /// At its beginning: what acceleration and rate count on.
    pub begins_with: f64,
    /// Acceleration at its beginning.
    pub acceleration: f64,
    /// At its end.
    pub leaving: f64,
    pub rate: f64,
    /// Control value of the ceiling.
    pub control: f64,
    /// Control value of the feed.
    pub feed: f64,
    /// Control value of the ceiling on the way back.
    pub back: f64,
    /// Control value of the feed on the way back.
    pub back_feed: f64,
    /// The greatest energy on it.
    pub cap: f64,
    /// Potential over it.
    pub width: f64,
    /// By how much the acceleration may fall along it.
    pub steepest: f64,
    /// See [`crate::geometry::Piece::landing`].
    pub landing: Option<f64>,
}
