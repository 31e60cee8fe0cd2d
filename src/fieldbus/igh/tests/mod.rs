//! Our side of the kernel's master, against a recorder of its calls.

mod bring_up;
mod cycle;
mod errors;
mod objects;
mod recorder;
