//! What every service of the daemon has: a supervisor that keeps it alive, a heartbeat by which it proves progress,
//! and places where tests make it fail.

mod beat;
pub mod restart;
mod sabotage;
pub mod supervisor;

pub use beat::Beat;
pub use sabotage::{Place, Sabotage};
pub use supervisor::{Death, Life, Phase, Service, ServiceStatus, Supervisor};
