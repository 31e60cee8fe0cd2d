//! What every service of the daemon has: a heartbeat by which it proves progress, and places where tests make it
//! fail.

mod beat;
mod sabotage;

pub use beat::Beat;
pub use sabotage::{Place, Sabotage};
