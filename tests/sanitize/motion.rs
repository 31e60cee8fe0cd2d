//! What commands are made of.

#[path = "../../src/motion/types.rs"]
pub mod types;
pub use types::*;
