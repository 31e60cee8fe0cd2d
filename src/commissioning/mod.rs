//! From unknown devices on a cable to a configuration: what is there, and a file to start from.
//!
//! ```text
//! interface ─► survey (scan, objects) ─► skeleton ─► a file that the daemon takes
//! CAN       ─► nodes, node_facts      ─► can_skeleton ─►
//! ```

pub mod can_skeleton;
pub mod eds;
pub mod esi;
pub mod file;
pub mod interface;
pub mod node_facts;
pub mod nodes;
pub mod object;
pub mod profile;
pub mod skeleton;
pub mod survey;
mod terminal;
pub mod wording;
