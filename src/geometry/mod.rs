//! The shapes that paths are made of. Pure: no I/O, no clock, no allocation in what a cycle calls.
//!
//! | file | what it is |
//! |---|---|
//! | [`cubic`] | a cubic of one coordinate, from the control points of a spline |
//! | [`arc`] | a circle or helix through space, with coordinates that go along |
//! | [`piece`] | a stretch of a path as it crosses to the cycle: cubics and how fast they may be passed |

pub mod arc;
pub mod cubic;
pub mod piece;

pub use arc::{Arc, ArcError};
pub use cubic::Cubic;
pub use piece::{Ceiling, Envelope, Piece};

pub use crate::kinematics::Singularity;
