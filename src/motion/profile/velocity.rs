//! Profiles to a velocity.

use super::Profile;
use super::assembly::Assembly;
use super::brake::{Brake, Relaxed};
use super::piece::State;
use crate::motion::Limits;

impl Profile {
    /// The fastest way to the constant `velocity`, and then on at it. The velocity limit is not looked at: it is the
    /// caller who chooses the velocity.
    pub fn to_velocity(start: State, velocity: f64, limits: &Limits) -> Profile {
        let relaxed = Relaxed::new(&start, limits);
        let speed = relaxed.velocity - velocity * limits.jerk;
        let (brake, _) = Brake::new(speed, relaxed.acceleration, limits.acceleration);
        let mut assembly = Assembly::new(start, limits.jerk);
        assembly.relax(&relaxed);
        assembly.brake_from_here(&brake, velocity)
    }

    /// The fastest way to rest, wherever that is.
    pub fn stop(start: State, limits: &Limits) -> Profile {
        Profile::to_velocity(start, 0.0, limits)
    }
}
