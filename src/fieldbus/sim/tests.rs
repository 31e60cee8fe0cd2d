use super::*;
use crate::fieldbus::mapping::{DeviceLayout, PdoEntry};
use crate::simulation::{
    BrakeControl, BrakeParameters, FaultTime, Interpolation, ObjectValue, PowerLossReaction, RandomFault,
    ScheduledFault, SimulatedDeviceKind, SimulatedDriveParameters, SimulatedFault, SimulatedFaultKind,
    SimulatedIdentity, SimulatedTerminalParameters,
};

const PERIOD_NS: u64 = 1_000_000;

fn entry(index: u16, subindex: u8, bits: u8) -> PdoEntry {
    PdoEntry { index, subindex, bits }
}

/// One axis of the bench: outputs 6040, 6060, 607A, 60FF, 6071, 60FE:1; inputs 6041, 6061, 6064, 606C, 6077, 60FD, 603F, 60F4.
fn drive_device(place: usize, drive: SimulatedDriveParameters) -> SimulatedDeviceParameters {
    let outputs = vec![
        entry(0x6040, 0, 16),
        entry(0x6060, 0, 8),
        entry(0x607A, 0, 32),
        entry(0x60FF, 0, 32),
        entry(0x6071, 0, 16),
        entry(0x60FE, 1, 32),
    ];
    let inputs = vec![
        entry(0x6041, 0, 16),
        entry(0x6061, 0, 8),
        entry(0x6064, 0, 32),
        entry(0x606C, 0, 32),
        entry(0x6077, 0, 16),
        entry(0x60FD, 0, 32),
        entry(0x603F, 0, 16),
        entry(0x60F4, 0, 32),
    ];
    SimulatedDeviceParameters {
        name: format!("drive {place}"),
        layout: DeviceLayout { output_offset: place * OUT, outputs, input_offset: place * IN, inputs },
        identity: SimulatedIdentity { vendor: 0x1234, product: 7, revision: 1, serial: place as u32 },
        watchdog_ns: 100_000_000,
        objects: Vec::new(),
        kind: SimulatedDeviceKind::Drive(Box::new(drive)),
    }
}

const OUT: usize = 17;
const IN: usize = 23;

fn terminal_device(output_offset: usize, input_offset: usize) -> SimulatedDeviceParameters {
    SimulatedDeviceParameters {
        name: "terminal".to_owned(),
        layout: DeviceLayout {
            output_offset,
            outputs: vec![entry(0x6200, 1, 8)],
            input_offset,
            inputs: vec![entry(0x6000, 1, 8), entry(0x6000, 2, 8)],
        },
        identity: SimulatedIdentity::default(),
        watchdog_ns: 50_000_000,
        objects: Vec::new(),
        kind: SimulatedDeviceKind::Terminal(SimulatedTerminalParameters { inputs: 0x0801 }),
    }
}

/// A master that knows bytes and nothing of `drive`.
struct Bench {
    bus: SimulatedBus,
    outputs: Vec<u8>,
    inputs: Vec<u8>,
    now_ns: u64,
    report: CycleReport,
}

impl Bench {
    fn new(devices: Vec<SimulatedDeviceParameters>, fault_plan: FaultPlan) -> Bench {
        let parameters =
            SimulatedBusParameters { devices, period_ns: PERIOD_NS, seed: 1, fault_plan, recovery_time_ns: 10_000_000 };
        Bench {
            bus: SimulatedBus::new(&parameters).unwrap(),
            outputs: vec![0; 256],
            inputs: vec![0; 256],
            now_ns: 1_000_000_000,
            report: CycleReport::default(),
        }
    }

    fn one(drive: SimulatedDriveParameters) -> Bench {
        Bench::new(vec![drive_device(0, drive)], FaultPlan::default())
    }

    fn exchange(&mut self) {
        self.bus.begin(&self.outputs, self.now_ns);
        self.report = self.bus.finish(&mut self.inputs, self.now_ns + PERIOD_NS / 2);
        self.now_ns += PERIOD_NS;
    }

    fn exchanges(&mut self, count: usize) {
        (0..count).for_each(|_| self.exchange());
    }

    fn write(&mut self, place: usize, offset: usize, bytes: &[u8]) {
        self.outputs[place * OUT + offset..][..bytes.len()].copy_from_slice(bytes);
    }

    fn controlword(&mut self, place: usize, controlword: u16) {
        self.write(place, 0, &controlword.to_le_bytes());
    }

    fn mode(&mut self, mode: u8) {
        self.write(0, 2, &[mode]);
    }

    fn target(&mut self, place: usize, target: i32) {
        self.write(place, 3, &target.to_le_bytes());
    }

    fn target_velocity(&mut self, velocity: i32) {
        self.write(0, 7, &velocity.to_le_bytes());
    }

    fn target_torque(&mut self, torque: i16) {
        self.write(0, 11, &torque.to_le_bytes());
    }

    fn i32_at(&self, place: usize, offset: usize) -> i32 {
        i32::from_le_bytes(self.inputs[place * IN + offset..][..4].try_into().unwrap())
    }

    fn u16_at(&self, place: usize, offset: usize) -> u16 {
        u16::from_le_bytes(self.inputs[place * IN + offset..][..2].try_into().unwrap())
    }

    fn status(&self, place: usize) -> u16 {
        self.u16_at(place, 0)
    }

    /// The state's bits of the statusword.
    fn state(&self, place: usize) -> u16 {
        let status = self.status(place);
        if status & 0x4F == 0x40 || status & 0x48 == 0x08 || status & 0x4F == 0 { status & 0x4F } else { status & 0x6F }
    }

    fn position(&self, place: usize) -> i32 {
        self.i32_at(place, 3)
    }

    fn velocity(&self) -> i32 {
        self.i32_at(0, 7)
    }

    fn torque(&self) -> i16 {
        self.u16_at(0, 11) as i16
    }

    fn digital_inputs(&self) -> u32 {
        self.i32_at(0, 13) as u32
    }

    fn error_code(&self, place: usize) -> u16 {
        self.u16_at(place, 17)
    }

    /// Brings a drive to Operation Enabled where it stands.
    fn enable(&mut self, place: usize) {
        for controlword in [0x06, 0x07, 0x0F] {
            self.controlword(place, controlword);
            for _ in 0..300 {
                self.exchange();
                let position = self.position(place);
                self.target(place, position);
            }
        }
        assert_eq!(self.state(place), OPERATION_ENABLED, "statusword {:#06x}", self.status(place));
    }

    fn set(&mut self, index: u16, subindex: u8, bytes: &[u8]) {
        self.bus.device_mut(0).unwrap().download(index, subindex, bytes).unwrap();
    }
}

const SWITCH_ON_DISABLED: u16 = 0x40;
const OPERATION_ENABLED: u16 = 0x27;
const QUICK_STOP_ACTIVE: u16 = 0x07;
const FAULT: u16 = 0x08;
const TURN: i32 = 1 << 20;

/// A motor that follows without error: no friction, full feed-forward, stiff.
fn ideal() -> SimulatedDriveParameters {
    let mut drive = SimulatedDriveParameters { power_on_time_s: 0.0, ..Default::default() };
    drive.motor.coulomb_friction_nm = 0.0;
    drive.motor.static_friction_nm = 0.0;
    drive.motor.viscous_friction_nm_s = 0.0;
    drive.servo.velocity_feed_forward = 1.0;
    drive
}

#[test]
fn feedback_matches_the_setpoint_of_two_periods_before() {
    for interpolation in [Interpolation::Linear, Interpolation::Cubic] {
        let mut drive = ideal();
        drive.servo.interpolation = interpolation;
        let mut bench = Bench::one(drive);
        bench.enable(0);
        let start = bench.position(0);
        // A ramp at 10 turns/s: in the steady state the position of each exchange is one target exactly.
        let step = TURN / 100;
        let mut computed = Vec::new();
        for cycle in 0..1000 {
            // Computed in this cycle, sent by the next exchange.
            let setpoint = start + step * cycle;
            computed.push(setpoint);
            bench.target(0, setpoint);
            bench.exchange();
            if cycle > 900 {
                // The feedback that came with this exchange belongs to cycle + 1, in which it is used.
                let delay = f64::from(setpoint + step - bench.position(0)) / f64::from(step);
                assert!((delay - bench.bus.feedback_delay_periods()).abs() < 0.01, "{interpolation:?}: {delay}");
            }
        }
        // A target that stays: reached two periods after the cycle that computed it first, then held.
        bench.exchanges(500);
        assert!((bench.position(0) - computed[999]).abs() <= 1, "{}", bench.position(0) - computed[999]);
    }
}

#[test]
fn a_step_of_the_setpoint_begins_to_move_the_motor_in_the_second_exchange() {
    let mut bench = Bench::one(ideal());
    bench.enable(0);
    let start = bench.position(0);
    bench.target(0, start + 1000);
    bench.exchange();
    assert_eq!(bench.position(0), start, "sampled before the outputs were latched");
    bench.exchange();
    assert!(bench.position(0) > start, "moved within the period after");
}

/// Moves with constant acceleration to a speed (turns/s), and gives the largest following errors (increments) while
/// accelerating and at the end of the constant speed.
fn following_errors(bench: &mut Bench, speed: f64, acceleration: f64) -> (f64, f64) {
    bench.enable(0);
    let start = bench.position(0);
    let ramp_s = speed / acceleration;
    let (mut accelerating, mut steady) = (0f64, 0f64);
    let mut before = 0.0;
    for cycle in 0..(ramp_s * 1000.0) as usize + 400 {
        let t = cycle as f64 * 1e-3;
        let turns = if t < ramp_s { 0.5 * acceleration * t * t } else { speed * (t - 0.5 * ramp_s) };
        bench.target(0, start.wrapping_add((turns * f64::from(TURN)) as i64 as i32));
        bench.exchange();
        // Sampled now: what the target of the exchange before asked for.
        let error = before - f64::from(bench.position(0).wrapping_sub(start));
        before = turns * f64::from(TURN);
        if t < ramp_s {
            accelerating = accelerating.max(error.abs());
        }
        steady = error.abs();
    }
    (accelerating, steady)
}

#[test]
fn the_following_error_is_small_and_grows_with_speed_and_acceleration() {
    let drive = SimulatedDriveParameters::default;
    let slow = following_errors(&mut Bench::one(drive()), 5.0, 100.0);
    let fast = following_errors(&mut Bench::one(drive()), 40.0, 100.0);
    let hard = following_errors(&mut Bench::one(drive()), 40.0, 500.0);
    println!("following errors in increments (accelerating, steady): {slow:?} {fast:?} {hard:?}");
    assert!(fast.1 > 4.0 * slow.1, "speed: {slow:?} {fast:?}");
    assert!(hard.0 > 1.3 * fast.0, "acceleration: {fast:?} {hard:?}");
    for (name, errors) in [("slow", slow), ("fast", fast), ("hard", hard)] {
        assert!(errors.0 > 50.0 && errors.0 < f64::from(TURN) * 0.05, "{name}: {errors:?} is small but real");
    }
}
