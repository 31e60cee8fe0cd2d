//! Motion of axes and groups: states, moves, stops and the profiles behind them. Pure: no I/O, no
//! clock, no allocation after construction.
//!
//! Positions inside are drive coordinates (see [`crate::units::Setpoint`]); commands and what people
//! read are axis coordinates: drive coordinates plus the axis's offset.
//!
//! | file | what it is |
//! |---|---|
//! | `kernel` | [`Motion`], which the cycle owns: commands in, one period a step, outcomes out |
//! | `axis`, `axis_move`, `axis_power`, [`axis_state`] | one [`Axis`]: a period of it; its commands; power, faults and stops; its states |
//! | `axis_figures` | other limits and windows for an axis |
//! | `group`, `group_move`, [`group_state`] | one [`Group`] of axes: a period of it; its commands; its states |
//! | `direct`, `line` | the shapes of group moves: all arrive together; a straight line |
//! | `group_path`, [`path`] | a group on a path; motion along the pieces of one |
//! | `stream_clock` | when a stream of timed points is where, and what it is behind |
//! | [`profile`] | jerk-limited motion of one coordinate |
//! | `trajectory`, `target` | a profile on its way; a place over any number of turns |
//! | `soft_limits`, `dynamics`, `in_position`, `queue`, `reports` | ranges and the stop inside them; what a command may ask; arrival; waiting moves; outcomes |
//!
//! Invariants: a rejected command changed nothing; an accepted one ends exactly once; at every instant the axis limits permit a stop inside
//! the soft limits; nothing allocates after [`Motion::new`]; a step looks at each axis a bounded number of times.

mod axis;
mod axis_figures;
mod axis_move;
mod axis_power;
pub mod axis_state;
mod direct;
mod dynamics;
mod group;
mod group_blend;
mod group_move;
mod group_path;
pub mod group_state;
mod in_position;
mod kernel;
mod line;
mod parameters;
pub mod path;
pub mod profile;
mod queue;
mod reports;
mod soft_limits;
#[cfg(test)]
mod storm;
mod stream_clock;
mod target;
mod trajectory;
pub mod types;

pub use axis::Axis;
pub use group::Group;
pub use group_path::{PathRequest, PieceFate};
pub use kernel::{GroupMoveRequest, Motion, MoveRequest};
pub use parameters::{AxisParameters, GroupParameters, MotionFigures};
pub use stream_clock::StreamClock;
pub use types::*;
