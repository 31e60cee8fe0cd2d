//! Configuration: TOML with units in its key names, checked whole before anything starts.

pub mod error;
pub mod key;
pub mod machine;
pub mod reader;
pub mod schema;
pub(crate) mod section;
