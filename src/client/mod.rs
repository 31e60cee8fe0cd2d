//! The client's side of the control socket, blocking: for `motionctl` and `motiond demo`.
//!
//! [`Connection`] speaks Varlink; [`Machine`] says in one call each what one wants of axes and groups; a [`Recording`] is
//! what they do, cycle for cycle.

mod connection;
mod error;
mod lease;
mod machine;
mod parameters;
mod path;
mod recording;

pub use connection::{Connection, Stream};
pub use error::Error;
pub use lease::{Lease, OnLoss, Scope};
pub use machine::{Ended, Machine, Move, Progress, progress};
pub use path::{SYSTEM_SOCKET, find_socket, user_socket};
pub use recording::{Column, Recording, Sample, Selection};
