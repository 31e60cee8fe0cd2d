//! The client against a device that is made from the standards, over a wire that loses frames.

mod bench;
mod device;
mod failures;
mod files;
mod garbage;
mod information;
mod lost;
mod messages;
mod values;
