//! Motor, load, friction: the plant of one axis.

use std::f64::consts::TAU;

/// Motor and load; torques and friction at the motor shaft.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotorParameters {
    /// Rated torque (6076h), newton metres.
    pub rated_torque_nm: f64,
    /// Peak torque as a multiple of rated torque.
    pub peak_torque_ratio: f64,
    /// Speed that the drive never commands beyond, motor turns per second.
    pub max_velocity_turns_s: f64,
    /// Inertia of the rotor, kg·m².
    pub rotor_inertia_kg_m2: f64,
    /// Inertia of the load on its own shaft, kg·m².
    pub load_inertia_kg_m2: f64,
    /// Motor turns per load turn.
    pub gear_ratio: f64,
    /// Viscous friction, newton metres per rad/s.
    pub viscous_friction_nm_s: f64,
    /// Coulomb friction while moving, newton metres.
    pub coulomb_friction_nm: f64,
    /// Friction that must be overcome to start, newton metres; at least the Coulomb friction.
    pub static_friction_nm: f64,
    /// Constant torque of gravity on the shaft, newton metres; negative pulls in the negative direction.
    pub gravity_torque_nm: f64,
    /// Position at power-on, motor turns.
    pub start_turns: f64,
}

impl MotorParameters {
    /// A motor that needs half of its rated torque to accelerate its inertia at `max_acceleration_turns_s2`.
    pub fn sized_for(
        rated_torque_nm: f64,
        max_velocity_turns_s: f64,
        max_acceleration_turns_s2: f64,
    ) -> MotorParameters {
        let inertia = 0.5 * rated_torque_nm / (max_acceleration_turns_s2 * TAU);
        MotorParameters {
            rated_torque_nm,
            peak_torque_ratio: 3.0,
            max_velocity_turns_s: 1.2 * max_velocity_turns_s,
            rotor_inertia_kg_m2: 0.4 * inertia,
            load_inertia_kg_m2: 0.6 * inertia,
            gear_ratio: 1.0,
            viscous_friction_nm_s: 0.05 * rated_torque_nm / (max_velocity_turns_s * TAU),
            coulomb_friction_nm: 0.04 * rated_torque_nm,
            static_friction_nm: 0.05 * rated_torque_nm,
            gravity_torque_nm: 0.0,
            start_turns: 0.0,
        }
    }

    /// Rotor and load inertia at the motor shaft, kg·m².
    pub fn inertia_kg_m2(&self) -> f64 {
        self.rotor_inertia_kg_m2 + self.load_inertia_kg_m2 / (self.gear_ratio * self.gear_ratio)
    }
}
