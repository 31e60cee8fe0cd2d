//! Configuration: TOML with units in its key names, checked whole before anything starts.
//!
//! [`schema`] describes every key once: structure, range, default, unit, live or not. [`reader`] reads a file by that
//! description and gathers everything that is wrong; `validate` checks what one key alone cannot tell, and makes
//! each module's parameters, gathered in a [`MachineConfig`]. What was changed while the machine ran, and kept, is laid over
//! the file ([`overlay`]) before that, so that it is checked like the file itself.

pub mod analog;
pub mod error;
pub mod key;
pub mod kinematics;
mod load;
pub mod machine;
pub mod overlay;
pub mod parameter;
mod profile;
pub mod reader;
pub mod schema;
pub(crate) mod section;
mod validate;

pub use error::{ConfigError, NotBuilt, Problem};
pub use load::{check, demo, load, load_with, overlay_with, parse};
pub use machine::{AnalogInputConfig, AnalogOutputConfig, MachineConfig};
pub use overlay::{Override, Overrides};
pub use parameter::Parameter;
