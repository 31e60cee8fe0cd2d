//! Streams of timed points on the virtual clock, from points to every instant between two cycles.

mod claims;
mod random;
mod run;
