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

/// No motor turns faster, rad/s: absurd parameters make an absurd machine, but no infinite numbers.
const MAX_RAD_S: f64 = 1e6;

/// Motor, load and friction in motion.
///
/// Friction is decided, not smoothed: below the static friction a resting motor rests exactly, and a moving one that
/// passes zero within a step either sticks there or goes on. So nothing creeps and nothing jitters at rest.
#[derive(Clone, Copy, Debug)]
pub struct Motor {
    inverse_inertia: f64,
    viscous_friction_nm_s: f64,
    coulomb_friction_nm: f64,
    static_friction_nm: f64,
    gravity_torque_nm: f64,
    stops_turns: (Option<f64>, Option<f64>),
    /// Whole turns and the rest in [0, 1), so that the resolution stays for years.
    turns: i64,
    fraction: f64,
    velocity_rad_s: f64,
}

impl Motor {
    /// A motor at rest at its start, between rigid stops (motor turns) if there are any.
    pub fn new(parameters: &MotorParameters, stops_turns: (Option<f64>, Option<f64>)) -> Motor {
        let whole = parameters.start_turns.floor();
        Motor {
            inverse_inertia: 1.0 / parameters.inertia_kg_m2(),
            viscous_friction_nm_s: parameters.viscous_friction_nm_s,
            coulomb_friction_nm: parameters.coulomb_friction_nm,
            static_friction_nm: parameters.static_friction_nm.max(parameters.coulomb_friction_nm),
            gravity_torque_nm: parameters.gravity_torque_nm,
            stops_turns,
            turns: whole as i64,
            fraction: parameters.start_turns - whole,
            velocity_rad_s: 0.0,
        }
    }

    /// Goes on by `dt_s` under the motor's torque and the friction of the brake.
    pub fn step(&mut self, torque_nm: f64, brake_nm: f64, dt_s: f64) {
        let drive = torque_nm + self.gravity_torque_nm;
        let start = self.velocity_rad_s;
        let stick = self.static_friction_nm + brake_nm;
        if start == 0.0 && drive.abs() <= stick {
            return;
        }
        let direction = if start != 0.0 { start.signum() } else { drive.signum() };
        let net = drive - direction * (self.coulomb_friction_nm + brake_nm);
        // Viscous friction implicitly: stable for any step.
        let damping = 1.0 + dt_s * self.viscous_friction_nm_s * self.inverse_inertia;
        let end = ((start + dt_s * net * self.inverse_inertia) / damping).clamp(-MAX_RAD_S, MAX_RAD_S);
        if end * direction > 0.0 {
            self.velocity_rad_s = end;
            self.travel(0.5 * (start + end) * dt_s);
        } else {
            // It comes to rest within the step, after the part `rest_s`; then it sticks or turns round.
            let rest_s = if start == end { 0.0 } else { dt_s * start / (start - end) };
            self.velocity_rad_s = 0.0;
            self.travel(0.5 * start * rest_s);
            if drive.abs() > stick {
                let net = drive - drive.signum() * (self.coulomb_friction_nm + brake_nm);
                let left_s = dt_s - rest_s;
                let turned = (left_s * net * self.inverse_inertia / damping).clamp(-MAX_RAD_S, MAX_RAD_S);
                self.velocity_rad_s = turned;
                self.travel(0.5 * turned * left_s);
            }
        }
        self.hit_stops();
    }

    fn travel(&mut self, radians: f64) {
        let fraction = self.fraction + radians * (1.0 / TAU);
        let whole = fraction.floor();
        self.turns += whole as i64;
        self.fraction = fraction - whole;
    }

    /// A rigid stop takes all the energy.
    fn hit_stops(&mut self) {
        let position = self.position_turns();
        let (negative, positive) = self.stops_turns;
        let stop = match (negative, positive) {
            (Some(stop), _) if position < stop => stop,
            (_, Some(stop)) if position > stop => stop,
            _ => return,
        };
        let whole = stop.floor();
        (self.turns, self.fraction) = (whole as i64, stop - whole);
        self.velocity_rad_s = 0.0;
    }

    /// Position, motor turns.
    pub fn position_turns(&self) -> f64 {
        self.turns as f64 + self.fraction
    }

    /// Position as whole turns and the rest in [0, 1).
    pub fn position(&self) -> (i64, f64) {
        (self.turns, self.fraction)
    }

    /// Velocity, motor turns per second.
    pub fn velocity_turns_s(&self) -> f64 {
        self.velocity_rad_s * (1.0 / TAU)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DT: f64 = 250e-6;

    fn bare() -> MotorParameters {
        MotorParameters {
            rated_torque_nm: 1.0,
            peak_torque_ratio: 3.0,
            max_velocity_turns_s: 100.0,
            rotor_inertia_kg_m2: 1e-3,
            load_inertia_kg_m2: 0.0,
            gear_ratio: 1.0,
            viscous_friction_nm_s: 0.0,
            coulomb_friction_nm: 0.0,
            static_friction_nm: 0.0,
            gravity_torque_nm: 0.0,
            start_turns: 0.0,
        }
    }

    fn free(parameters: MotorParameters) -> Motor {
        Motor::new(&parameters, (None, None))
    }

    fn close(left: f64, right: f64, tolerance: f64) {
        assert!((left - right).abs() <= tolerance, "{left} is not {right} within {tolerance}");
    }

    #[test]
    fn constant_torque_gives_torque_over_inertia() {
        let mut motor = free(MotorParameters { load_inertia_kg_m2: 0.1, gear_ratio: 10.0, ..bare() });
        for _ in 0..4000 {
            motor.step(0.02, 0.0, DT);
        }
        // 0.02 N·m on 2·10⁻³ kg·m² for 1 s: 10 rad/s, 5 rad.
        close(motor.velocity_turns_s() * TAU, 10.0, 1e-9);
        close(motor.position_turns() * TAU, 5.0, 1e-9);
    }

    #[test]
    fn work_of_the_motor_is_kinetic_energy_plus_friction_losses() {
        let (coulomb, viscous) = (0.05, 1e-3);
        let mut motor =
            free(MotorParameters { coulomb_friction_nm: coulomb, viscous_friction_nm_s: viscous, ..bare() });
        let (mut work, mut loss) = (0.0, 0.0);
        for n in 0..8000 {
            let torque = 0.3 * (n as f64 * 0.001).sin();
            let before = motor.velocity_turns_s() * TAU;
            let position = motor.position_turns();
            motor.step(torque, 0.0, DT);
            let way = (motor.position_turns() - position) * TAU;
            work += torque * way;
            loss += coulomb * way.abs() + viscous * 0.5 * (before + motor.velocity_turns_s() * TAU) * way;
        }
        let kinetic = 0.5 * 1e-3 * (motor.velocity_turns_s() * TAU).powi(2);
        close(work, kinetic + loss, 0.005 * work.abs());
    }

    #[test]
    fn friction_holds_at_rest_to_the_last_bit() {
        let parameters = MotorParameters { coulomb_friction_nm: 0.1, static_friction_nm: 0.12, ..bare() };
        let mut motor = free(MotorParameters { start_turns: 0.375, ..parameters });
        for n in 0..100_000 {
            motor.step(0.119 * if n % 2 == 0 { 1.0 } else { -1.0 }, 0.0, DT);
        }
        assert_eq!((motor.position(), motor.velocity_turns_s()), ((0, 0.375), 0.0));
        motor.step(0.121, 0.0, DT);
        assert!(motor.velocity_turns_s() > 0.0, "above static friction it starts");
    }

    #[test]
    fn a_coasting_motor_stops_once_and_stays() {
        let mut motor = free(MotorParameters { coulomb_friction_nm: 0.1, static_friction_nm: 0.1, ..bare() });
        motor.velocity_rad_s = 20.0;
        let mut last = motor.position_turns();
        for _ in 0..2000 {
            motor.step(0.0, 0.0, DT);
            assert!(motor.velocity_turns_s() >= 0.0 && motor.position_turns() >= last);
            last = motor.position_turns();
        }
        // 20 rad/s against 100 rad/s²: 0.2 s, 2 rad.
        assert_eq!(motor.velocity_turns_s(), 0.0);
        close(last * TAU, 2.0, 1e-9);
    }

    #[test]
    fn brake_holds_gravity_and_gravity_pulls_without_it() {
        let mut motor = free(MotorParameters { gravity_torque_nm: -0.5, ..bare() });
        for _ in 0..1000 {
            motor.step(0.0, 2.0, DT);
        }
        assert_eq!(motor.position(), (0, 0.0));
        for _ in 0..1000 {
            motor.step(0.0, 0.0, DT);
        }
        close(motor.velocity_turns_s() * TAU, -125.0, 1e-9);
    }

    #[test]
    fn a_rigid_stop_stops() {
        let mut motor = Motor::new(&bare(), (Some(-1.0), Some(2.5)));
        for _ in 0..10_000 {
            motor.step(0.5, 0.0, DT);
        }
        assert_eq!(motor.position(), (2, 0.5));
        for _ in 0..10_000 {
            motor.step(-0.5, 0.0, DT);
        }
        assert_eq!(motor.position(), (-1, 0.0));
    }
}
