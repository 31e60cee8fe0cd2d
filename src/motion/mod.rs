//! Motion of axes and groups: states, moves, stops and the profiles behind them. Pure: no I/O, no
//! clock, no allocation after construction.
//!
//! Positions inside are drive coordinates (see [`crate::units::Setpoint`]); commands and what people
//! read are axis coordinates: drive coordinates plus the axis's offset.

pub mod profile;
pub mod types;

pub use types::*;
