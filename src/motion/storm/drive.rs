//! A stand-in for a drive: enables and disables after a while, fails now and then, runs onto limit switches.

use super::super::target::wrapped;
use super::super::{AxisInputs, AxisOutputs, AxisParameters};
use super::Random;
use crate::units::Setpoint;

pub(super) struct StandIn {
    ideal: bool,
    modulo: Option<f64>,
    velocity_limit: f64,
    held: Setpoint,
    operational: bool,
    /// Cycles until it follows a change of power.
    delay: u32,
    power: bool,
    quick_stop: bool,
    noise: f64,
    switches: (bool, bool),
    velocity: f64,
}

impl StandIn {
    pub fn new(axis: &AxisParameters, ideal: bool, random: &mut Random) -> StandIn {
        let (turns, position) = match axis.modulo {
            Some(modulo) => wrapped(random.between(-2000.0, 2000.0), modulo),
            None => (0, axis.soft_limits.map_or(0.0, |(low, high)| random.between(low, high)) - axis.offset),
        };
        StandIn {
            ideal,
            modulo: axis.modulo,
            velocity_limit: axis.limits.velocity,
            held: Setpoint { turns, position, ..Setpoint::default() },
            operational: false,
            delay: 0,
            power: false,
            quick_stop: false,
            noise: if ideal { 0.0 } else { random.magnitude(1e-6, 0.3) },
            switches: (false, false),
            velocity: 0.0,
        }
    }

    /// No more failures.
    pub fn calm(&mut self) {
        self.ideal = true;
        self.noise = 0.0;
        self.switches = (false, false);
    }

    pub fn feedback(&mut self, random: &mut Random) -> AxisInputs {
        if !self.ideal {
            if self.operational && random.once_in(40_000) {
                self.operational = false;
            }
            if random.once_in(15_000) {
                self.switches.0 = !self.switches.0;
            }
            if random.once_in(15_000) {
                self.switches.1 = !self.switches.1;
            }
            if (self.switches.0 || self.switches.1) && random.once_in(800) {
                self.switches = (false, false);
            }
        }
        AxisInputs {
            operational: self.operational,
            held: self.held,
            actual_velocity: self.velocity,
            following_error: random.between(-self.noise, self.noise),
            positive_limit: self.switches.0,
            negative_limit: self.switches.1,
            permitted: true,
        }
    }

    pub fn follow(&mut self, output: &AxisOutputs, period_s: f64, random: &mut Random) {
        if self.operational {
            self.held = output.setpoint;
            self.velocity = output.setpoint.velocity;
        } else {
            // It coasts, brakes by itself, is pushed around.
            self.velocity -= self.velocity * (period_s * 20.0).min(1.0);
            if self.velocity.abs() < self.velocity_limit * 1e-3 {
                self.velocity = 0.0;
            }
            let position = self.held.position + self.velocity * period_s;
            let (turns, position) = self.modulo.map_or((0, position), |modulo| wrapped(position, modulo));
            self.held = Setpoint { turns: self.held.turns + turns, position, velocity: 0.0, acceleration: 0.0 };
        }
        if output.quick_stop {
            self.quick_stop = true;
            self.operational = false;
        }
        if output.power != self.power {
            self.power = output.power;
            self.quick_stop &= !output.power;
            self.delay = 1 + random.below(if self.ideal { 5 } else { 200 }) as u32;
        }
        if self.delay > 0 {
            self.delay -= 1;
            if self.delay == 0 {
                self.operational = self.power && !self.quick_stop;
            }
        }
    }
}
