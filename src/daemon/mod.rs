//! The composition root: builds every part from the configuration and joins them.

pub mod assembly;
pub mod systemd;
