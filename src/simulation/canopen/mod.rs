//! Simulated CANopen nodes on a wire with a speed and priorities (CiA 301). It shares no code with `fieldbus::canopen` but
//! the frame itself.
//!
//! | module | what it is |
//! |---|---|
//! | [`network`] | the wire: who sends when, and what may befall it |
//! | [`node`] | one node: states, PDOs, heartbeats, emergencies |
//! | [`lss`] | how it gets a node id |
//! | [`objects`] | its communication objects |
//! | [`sdo_server`] | the other end of an SDO |

pub mod lss;
pub mod network;
pub mod node;
pub mod objects;
pub mod sdo_server;

pub use network::{Network, NetworkCommand, NetworkParameters, SimulatedNodeParameters};
pub use node::Manners;
