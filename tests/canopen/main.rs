//! A CANopen bus on the virtual clock: the production master over simulated nodes on a wire with a speed and priorities.

mod arrivals;
mod faults;
mod mixed;
mod modes;
mod motion;
mod settings;
mod skeleton;
#[path = "../support/mod.rs"]
mod support;
mod two_axes;
mod wire;
