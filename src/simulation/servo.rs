//! The drive's own loops: interpolation, position, velocity, torque.

/// How a drive gets from one cyclic target to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// In a straight line over the interpolation period (60C2h).
    #[default]
    Linear,
    /// On a cubic with continuous velocity over the interpolation period.
    Cubic,
}

/// Gains of the cascade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServoParameters {
    /// Position gain Kv, 1/s.
    pub position_gain_per_s: f64,
    /// Velocity gain, newton metres per rad/s.
    pub velocity_gain_nm_s: f64,
    /// Integral gain of the velocity loop, newton metres per rad.
    pub velocity_integral_nm: f64,
    /// Part of the setpoint's velocity that is fed forward, 0 to 1.
    pub velocity_feed_forward: f64,
    /// Time constant of the torque loop, seconds; 0 is immediate.
    pub torque_time_constant_s: f64,
    /// How it moves between targets.
    pub interpolation: Interpolation,
}

impl ServoParameters {
    /// Loops for this inertia: velocity loop at 400 rad/s, position gain 100 1/s, 98 % velocity feed-forward, so that
    /// the following error is small but grows with speed.
    pub fn tuned_for(inertia_kg_m2: f64) -> ServoParameters {
        let bandwidth = 400.0;
        ServoParameters {
            position_gain_per_s: 100.0,
            velocity_gain_nm_s: bandwidth * inertia_kg_m2,
            velocity_integral_nm: 0.15 * bandwidth * bandwidth * inertia_kg_m2,
            velocity_feed_forward: 0.98,
            torque_time_constant_s: 0.0003,
            interpolation: Interpolation::Linear,
        }
    }
}
