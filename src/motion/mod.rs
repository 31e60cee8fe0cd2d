//! Motion of axes and groups: states, moves, stops and the profiles behind them. Pure: no I/O, no
//! clock, no allocation after construction.
//!
//! Positions inside are drive coordinates (see [`crate::units::Setpoint`]); commands and what people
//! read are axis coordinates: drive coordinates plus the axis's offset.
//!
//! | file | what it is |
//! |---|---|
//! | `kernel` | [`Motion`], which the cycle owns: commands in, one period a step, outcomes out |
//! | `axis` | one [`Axis`] |
//! | `group` | one [`Group`] of axes |

mod axis;
mod group;
mod kernel;
mod parameters;
pub mod profile;
pub mod types;

pub use axis::Axis;
pub use group::Group;
pub use kernel::{GroupMoveRequest, Motion, MoveRequest};
pub use parameters::{AxisParameters, GroupParameters};
pub use types::*;
