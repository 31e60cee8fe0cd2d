//! What a simulated device is made of: physical quantities in SI units, motor positions in turns.

use crate::fieldbus::mapping::DeviceLayout;
use crate::simulation::encoder::EncoderParameters;
use crate::simulation::motor::MotorParameters;
use crate::simulation::servo::ServoParameters;

/// What a device says it is (object 1018h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SimulatedIdentity {
    /// 1018h:01.
    pub vendor: u32,
    /// 1018h:02.
    pub product: u32,
    /// 1018h:03.
    pub revision: u32,
    /// 1018h:04.
    pub serial: u32,
}

/// The value that one object gets before the device starts, as if written by SDO in Pre-Operational.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectValue {
    /// Object index.
    pub index: u16,
    /// Object sub-index.
    pub subindex: u8,
    /// The value; it must fit the object's type.
    pub value: i64,
}

/// One simulated device on any bus.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedDeviceParameters {
    /// Its name in messages and its device name (1008h).
    pub name: String,
    /// What its process data hold, and where.
    pub layout: DeviceLayout,
    /// What it says it is.
    pub identity: SimulatedIdentity,
    /// Time without outputs after which it reacts by itself (6007h for a drive, outputs off for a terminal),
    /// nanoseconds; 0 switches the watchdog off.
    pub watchdog_ns: u64,
    /// Objects to set before it starts, for example the option codes 605Ah–605Eh and 6007h.
    pub objects: Vec<ObjectValue>,
    /// Drive or terminal, with the quantities of that kind.
    pub kind: SimulatedDeviceKind,
}

/// The kind of a simulated device.
#[derive(Clone, Debug, PartialEq)]
pub enum SimulatedDeviceKind {
    /// A CiA 402 servo drive: motor, brake, encoder and load of each of its axes.
    Drive(Vec<SimulatedDriveParameters>),
    /// Digital inputs and outputs, and numbers.
    Terminal(SimulatedTerminalParameters),
}

/// Digital inputs and outputs; bit `n` is bit `n % 8` of byte `n / 8` of the device's inputs or outputs. What is behind them
/// is numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulatedTerminalParameters {
    /// The inputs at power-on, for example 1 for each closed contact of an emergency stop.
    pub inputs: u64,
    /// How many bits of its inputs are digital inputs; objects that begin behind them are numbers.
    pub digital_input_bits: u32,
    /// The same of its outputs.
    pub digital_output_bits: u32,
}

impl Default for SimulatedTerminalParameters {
    fn default() -> SimulatedTerminalParameters {
        SimulatedTerminalParameters { inputs: 0, digital_input_bits: 64, digital_output_bits: 64 }
    }
}

/// What a drive does when its mains or its safe torque off goes while it is switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PowerLossReaction {
    /// Back to Switch On Disabled, without a fault.
    #[default]
    SwitchOnDisabled,
    /// A fault of its own (603Fh = 3220h for mains, FF01h for safe torque off).
    Fault,
}

/// Who moves the holding brake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrakeControl {
    /// The drive, in order with its power stage: Operation Enabled is reached after the brake has been released,
    /// and left after it has been engaged.
    Drive,
    /// The master, by a bit of the digital outputs (60FEh:01, under the mask 60FEh:02).
    Output60Fe {
        /// Bit of 60FEh:01.
        bit: u8,
        /// The value of the bit that releases the brake.
        released: bool,
    },
}

/// A holding brake on the motor shaft.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrakeParameters {
    /// Who moves it.
    pub control: BrakeControl,
    /// Friction torque while engaged, newton metres.
    pub holding_torque_nm: f64,
    /// From the signal until it is open, seconds.
    pub release_time_s: f64,
    /// From the signal until it holds, seconds.
    pub engage_time_s: f64,
}

/// Switches and hard stops along the travel, in motor turns of the plant. `None` means there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MachineGeometry {
    /// The negative limit switch is active at and below this position (60FDh bit 0).
    pub negative_switch_turns: Option<f64>,
    /// The positive limit switch is active at and above this position (60FDh bit 1).
    pub positive_switch_turns: Option<f64>,
    /// The home switch is active from the first to the second position (60FDh bit 2).
    pub home_switch_turns: Option<(f64, f64)>,
    /// The load hits a rigid stop here, in the negative direction.
    pub negative_stop_turns: Option<f64>,
    /// The load hits a rigid stop here, in the positive direction.
    pub positive_stop_turns: Option<f64>,
}

/// A servo drive, its motor and what hangs on it.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedDriveParameters {
    /// Motor, load and friction.
    pub motor: MotorParameters,
    /// Encoder on the motor shaft.
    pub encoder: EncoderParameters,
    /// The drive's own loops.
    pub servo: ServoParameters,
    /// Holding brake, if there is one.
    pub brake: Option<BrakeParameters>,
    /// Switches and stops.
    pub geometry: MachineGeometry,
    /// Units of 606Ch and 60FFh in one motor turn per second: increments per turn for increments/s, 60 for rpm.
    pub velocity_units_per_turn_s: f64,
    /// Modes that it supports, as 6502h (bit 0 PP, bit 6 IP, bit 7 CSP, bit 8 CSV, bit 9 CST).
    pub supported_modes: u32,
    /// From the command Enable Operation until the power stage holds the motor, seconds.
    pub power_on_time_s: f64,
    /// From power-on until Switch On Disabled, seconds.
    pub start_time_s: f64,
    /// 6085h at power-on: turns/s² of the quick-stop ramp.
    pub quick_stop_deceleration_turns_s2: f64,
    /// 6081h at power-on: turns/s of its own profile.
    pub profile_velocity_turns_s: f64,
    /// 6083h and 6084h at power-on: turns/s² of its own profile, and of the slow-down ramp.
    pub slow_down_deceleration_turns_s2: f64,
    /// 6065h at power-on, increments; `u32::MAX` is off.
    pub following_error_window: u32,
    /// 6066h at power-on, milliseconds.
    pub following_error_time_ms: u16,
    /// On loss of mains while switched on.
    pub on_voltage_loss: PowerLossReaction,
    /// On safe torque off while switched on.
    pub on_safe_torque_off: PowerLossReaction,
}

impl SimulatedDriveParameters {
    /// A drive whose motor fits an axis: at `max_acceleration_turns_s2` (motor turns/s²) inertia takes half of the
    /// rated torque, friction about a tenth at `max_velocity_turns_s`, and the loops are tuned for that inertia.
    ///
    /// All arguments must be finite and positive; anything else is replaced by the smallest sensible value, so
    /// that the result is always a machine that can be simulated.
    pub fn sized_for(
        increments_per_turn: u32,
        rated_torque_nm: f64,
        max_velocity_turns_s: f64,
        max_acceleration_turns_s2: f64,
    ) -> SimulatedDriveParameters {
        let positive = |value: f64| if value.is_finite() && value > 1e-6 { value } else { 1e-6 };
        let rated_torque_nm = positive(rated_torque_nm);
        let max_velocity_turns_s = positive(max_velocity_turns_s);
        let max_acceleration_turns_s2 = positive(max_acceleration_turns_s2);
        let motor = MotorParameters::sized_for(rated_torque_nm, max_velocity_turns_s, max_acceleration_turns_s2);
        let encoder = EncoderParameters { increments_per_turn: increments_per_turn.max(1), ..Default::default() };
        SimulatedDriveParameters {
            servo: ServoParameters::tuned_for(motor.inertia_kg_m2()),
            motor,
            encoder,
            brake: None,
            geometry: MachineGeometry::default(),
            velocity_units_per_turn_s: f64::from(increments_per_turn.max(1)),
            supported_modes: 0x0000_03C1,
            power_on_time_s: 0.005,
            start_time_s: 0.002,
            quick_stop_deceleration_turns_s2: 2.0 * max_acceleration_turns_s2,
            profile_velocity_turns_s: max_velocity_turns_s,
            slow_down_deceleration_turns_s2: max_acceleration_turns_s2,
            following_error_window: u32::MAX,
            following_error_time_ms: 100,
            on_voltage_loss: PowerLossReaction::default(),
            on_safe_torque_off: PowerLossReaction::default(),
        }
    }
}

impl SimulatedDriveParameters {
    /// Says what cannot be simulated: a quantity that is not finite, negative, zero where it must not be, or
    /// beyond any machine.
    pub fn check(&self) -> Result<(), String> {
        let motor = &self.motor;
        let servo = &self.servo;
        let brake = self.brake.map_or((0.0, 0.0, 0.0), |b| (b.holding_torque_nm, b.release_time_s, b.engage_time_s));
        let positive = [
            ("inertia", motor.inertia_kg_m2()),
            ("gear ratio", motor.gear_ratio),
            ("rated torque", motor.rated_torque_nm),
            ("peak torque ratio", motor.peak_torque_ratio),
            ("maximum velocity", motor.max_velocity_turns_s),
            ("velocity units", self.velocity_units_per_turn_s),
            ("encoder increments", f64::from(self.encoder.increments_per_turn)),
        ];
        let not_negative = [
            ("rotor inertia", motor.rotor_inertia_kg_m2),
            ("load inertia", motor.load_inertia_kg_m2),
            ("viscous friction", motor.viscous_friction_nm_s),
            ("Coulomb friction", motor.coulomb_friction_nm),
            ("static friction", motor.static_friction_nm),
            ("position gain", servo.position_gain_per_s),
            ("velocity gain", servo.velocity_gain_nm_s),
            ("velocity integral", servo.velocity_integral_nm),
            ("velocity feed-forward", servo.velocity_feed_forward),
            ("torque time constant", servo.torque_time_constant_s),
            ("brake holding torque", brake.0),
            ("brake release time", brake.1),
            ("brake engage time", brake.2),
            ("power-on time", self.power_on_time_s),
            ("start time", self.start_time_s),
            ("quick-stop deceleration", self.quick_stop_deceleration_turns_s2),
            ("profile velocity", self.profile_velocity_turns_s),
            ("slow-down deceleration", self.slow_down_deceleration_turns_s2),
        ];
        let finite = [("gravity torque", motor.gravity_torque_nm), ("start position", motor.start_turns)];
        let wrong = |what: &str, value: f64, allowed: &str| Err(format!("{what} is {value}, must be {allowed}"));
        for (what, value) in positive {
            if !(1e-12..=1e12).contains(&value) {
                return wrong(what, value, "from 10⁻¹² to 10¹²");
            }
        }
        for (what, value) in not_negative {
            if !(0.0..=1e12).contains(&value) {
                return wrong(what, value, "from 0 to 10¹²");
            }
        }
        // Positions in fine counts, at most 2²³ an increment, stay well within an i64.
        let offset = self.encoder.offset_increments;
        if offset.unsigned_abs() > 1 << 38 {
            return Err(format!("encoder offset is {offset} increments, must be within ±2³⁸"));
        }
        for (what, value) in finite {
            if !value.is_finite() || value.abs() > 1e9 {
                return wrong(what, value, "within ±10⁹");
            }
        }
        Ok(())
    }
}

impl Default for SimulatedDriveParameters {
    /// A 750 W servo: 2²⁰ increments a turn, 2.4 N·m, 3000 rpm, 3000 rpm reached in 100 ms.
    fn default() -> SimulatedDriveParameters {
        SimulatedDriveParameters::sized_for(1 << 20, 2.4, 50.0, 500.0)
    }
}
