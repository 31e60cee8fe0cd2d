use super::*;
use crate::fieldbus::mapping::{DeviceLayout, PdoEntry};
use crate::simulation::{
    BrakeControl, BrakeParameters, Interpolation, SimulatedDeviceKind, SimulatedDriveParameters, SimulatedIdentity,
    SimulatedTerminalParameters,
};

pub(super) const PERIOD_NS: u64 = 1_000_000;

fn entry(index: u16, subindex: u8, bits: u8) -> PdoEntry {
    PdoEntry { index, subindex, bits }
}

/// One axis of the bench: outputs 6040, 6060, 607A, 60FF, 6071, 60FE:1; inputs 6041, 6061, 6064, 606C, 6077, 60FD, 603F, 60F4.
pub(super) fn drive_device(place: usize, drive: SimulatedDriveParameters) -> SimulatedDeviceParameters {
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
        kind: SimulatedDeviceKind::Drive(vec![drive]),
    }
}

pub(super) const OUT: usize = 17;
pub(super) const IN: usize = 23;

pub(super) fn terminal_device(output_offset: usize, input_offset: usize) -> SimulatedDeviceParameters {
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
        kind: SimulatedDeviceKind::Terminal(SimulatedTerminalParameters { inputs: 0x0801, ..Default::default() }),
    }
}

/// A master that knows bytes and nothing of `drive`.
pub(super) struct Bench {
    pub(super) bus: SimulatedBus,
    pub(super) outputs: Vec<u8>,
    pub(super) inputs: Vec<u8>,
    pub(super) now_ns: u64,
    pub(super) report: CycleReport,
}

impl Bench {
    pub(super) fn new(devices: Vec<SimulatedDeviceParameters>, fault_plan: FaultPlan) -> Bench {
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

    pub(super) fn one(drive: SimulatedDriveParameters) -> Bench {
        Bench::new(vec![drive_device(0, drive)], FaultPlan::default())
    }

    pub(super) fn exchange(&mut self) {
        self.bus.begin(&self.outputs, self.now_ns);
        self.report = self.bus.finish(&mut self.inputs, self.now_ns + PERIOD_NS / 2);
        self.now_ns += PERIOD_NS;
    }

    pub(super) fn exchanges(&mut self, count: usize) {
        (0..count).for_each(|_| self.exchange());
    }

    pub(super) fn write(&mut self, place: usize, offset: usize, bytes: &[u8]) {
        self.outputs[place * OUT + offset..][..bytes.len()].copy_from_slice(bytes);
    }

    pub(super) fn controlword(&mut self, place: usize, controlword: u16) {
        self.write(place, 0, &controlword.to_le_bytes());
    }

    pub(super) fn mode(&mut self, mode: u8) {
        self.write(0, 2, &[mode]);
    }

    pub(super) fn target(&mut self, place: usize, target: i32) {
        self.write(place, 3, &target.to_le_bytes());
    }

    pub(super) fn target_velocity(&mut self, velocity: i32) {
        self.write(0, 7, &velocity.to_le_bytes());
    }

    pub(super) fn target_torque(&mut self, torque: i16) {
        self.write(0, 11, &torque.to_le_bytes());
    }

    pub(super) fn i32_at(&self, place: usize, offset: usize) -> i32 {
        i32::from_le_bytes(self.inputs[place * IN + offset..][..4].try_into().unwrap())
    }

    pub(super) fn u16_at(&self, place: usize, offset: usize) -> u16 {
        u16::from_le_bytes(self.inputs[place * IN + offset..][..2].try_into().unwrap())
    }

    pub(super) fn status(&self, place: usize) -> u16 {
        self.u16_at(place, 0)
    }

    /// The state's bits of the statusword.
    pub(super) fn state(&self, place: usize) -> u16 {
        let status = self.status(place);
        if status & 0x4F == 0x40 || status & 0x48 == 0x08 || status & 0x4F == 0 { status & 0x4F } else { status & 0x6F }
    }

    pub(super) fn position(&self, place: usize) -> i32 {
        self.i32_at(place, 3)
    }

    pub(super) fn velocity(&self) -> i32 {
        self.i32_at(0, 7)
    }

    pub(super) fn torque(&self) -> i16 {
        self.u16_at(0, 11) as i16
    }

    pub(super) fn digital_inputs(&self) -> u32 {
        self.i32_at(0, 13) as u32
    }

    pub(super) fn error_code(&self, place: usize) -> u16 {
        self.u16_at(place, 17)
    }

    /// Brings a drive to Operation Enabled where it stands.
    pub(super) fn enable(&mut self, place: usize) {
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

    pub(super) fn set(&mut self, index: u16, subindex: u8, bytes: &[u8]) {
        self.bus.device_mut(0).unwrap().download(index, subindex, bytes).unwrap();
    }
}

pub(super) const SWITCH_ON_DISABLED: u16 = 0x40;
pub(super) const OPERATION_ENABLED: u16 = 0x27;
pub(super) const QUICK_STOP_ACTIVE: u16 = 0x07;
pub(super) const FAULT: u16 = 0x08;
pub(super) const TURN: i32 = 1 << 20;

/// A motor that follows without error: no friction, full feed-forward, stiff.
pub(super) fn ideal() -> SimulatedDriveParameters {
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
    let hard = following_errors(&mut Bench::one(drive()), 5.0, 500.0);
    println!("following errors in increments (accelerating, steady): {slow:?} {fast:?} {hard:?}");
    assert!(fast.1 > 4.0 * slow.1, "speed: {slow:?} {fast:?}");
    assert!(hard.0 > 1.5 * slow.0, "acceleration: {slow:?} {hard:?}");
    for (name, errors) in [("slow", slow), ("fast", fast), ("hard", hard)] {
        assert!(errors.0 > 50.0 && errors.0 < f64::from(TURN) * 0.05, "{name}: {errors:?} is small but real");
    }
}

/// Jogs at this speed (turns/s) until the motor follows steadily.
pub(super) fn run_at(bench: &mut Bench, speed: f64, exchanges: usize) -> i32 {
    let mut target = bench.position(0);
    let step = (speed * f64::from(TURN) * 1e-3) as i32;
    for _ in 0..exchanges {
        target = target.wrapping_add(step);
        bench.target(0, target);
        bench.exchange();
    }
    target
}

/// Exchanges until the motor rests for good, and the turns that it went.
fn stopping(bench: &mut Bench) -> (usize, f64) {
    let start = bench.bus.plant(0).unwrap().position_turns;
    let mut last_moving = 0;
    for n in 0..1000 {
        bench.exchange();
        if bench.bus.plant(0).unwrap().velocity_turns_s.abs() > 0.1 {
            last_moving = n;
        }
    }
    (last_moving, bench.bus.plant(0).unwrap().position_turns - start)
}

#[test]
fn enabling_moves_nothing_and_the_position_stays_to_the_increment() {
    for start_turns in [0.0, 0.123_456_7, -17.891] {
        let mut drive = SimulatedDriveParameters::default();
        drive.motor.start_turns = start_turns;
        let mut bench = Bench::one(drive);
        bench.exchange();
        let before = bench.bus.plant(0).unwrap().position_turns;
        bench.enable(0);
        for _ in 0..5000 {
            bench.exchange();
            let plant = bench.bus.plant(0).unwrap();
            assert!((plant.position_turns - before).abs() * f64::from(TURN) <= 1.0, "{start_turns}: {plant:?}");
        }
    }
}

#[test]
fn after_a_move_it_comes_to_rest_without_jitter_or_hunting() {
    let mut bench = Bench::one(SimulatedDriveParameters::default());
    bench.enable(0);
    let target = run_at(&mut bench, 10.0, 500);
    bench.exchanges(2000);
    let (mut low, mut high) = (i32::MAX, i32::MIN);
    for _ in 0..10_000 {
        bench.exchange();
        let error = target.wrapping_sub(bench.position(0));
        (low, high) = (low.min(error), high.max(error));
    }
    // 100 increments of 2²⁰ are 0.03 degrees of the motor.
    assert!(high - low <= 2 && low.abs().max(high.abs()) <= 100, "error from {low} to {high} increments at rest");
}

#[test]
fn each_quick_stop_option_stops_its_way() {
    // 10 turns/s; ramps of 100 (slow-down) and 500 turns/s² (quick stop): 0.1 s and 0.5 turns, 0.02 s and 0.1 turns.
    let mut ways = Vec::new();
    for option in 0..=8i16 {
        let mut drive = ideal();
        drive.slow_down_deceleration_turns_s2 = 100.0;
        drive.quick_stop_deceleration_turns_s2 = 500.0;
        let mut bench = Bench::one(drive);
        bench.set(0x605A, 0, &option.to_le_bytes());
        bench.enable(0);
        run_at(&mut bench, 10.0, 400);
        bench.controlword(0, 0x02);
        bench.exchanges(2);
        assert_eq!(bench.state(0), if option == 0 { SWITCH_ON_DISABLED } else { QUICK_STOP_ACTIVE }, "option {option}");
        let (exchanges, turns) = stopping(&mut bench);
        match option {
            0 => assert_eq!(exchanges, 999, "coasts on without friction"),
            1 | 5 => {
                assert!((80..150).contains(&exchanges) && (0.4..0.55).contains(&turns), "{option}: {exchanges} {turns}")
            }
            2 | 6 => {
                assert!((10..60).contains(&exchanges) && (0.05..0.15).contains(&turns), "{option}: {exchanges} {turns}")
            }
            _ => assert!(exchanges < 60 && turns < 0.1, "{option}: {exchanges} {turns}"),
        }
        ways.push((option, exchanges, turns));
        let end = if option < 5 { SWITCH_ON_DISABLED } else { QUICK_STOP_ACTIVE };
        assert_eq!(bench.state(0), end, "option {option}");
        assert_eq!(bench.status(0) & 0x400 != 0, option >= 5, "target reached tells of the standstill");
        assert_eq!(bench.bus.plant(0).unwrap().powered, option >= 5);
    }
    println!("option, exchanges, turns: {ways:?}");
}

#[test]
fn targets_wrap_at_32_bits_without_a_jump() {
    for (start, step) in [(i64::from(i32::MAX) - 20_000, 500), (i64::from(i32::MIN) + 20_000, -500)] {
        let mut drive = ideal();
        drive.encoder.offset_increments = start;
        let mut bench = Bench::one(drive);
        bench.enable(0);
        let mut target = bench.position(0);
        assert!((i64::from(target) - start).abs() <= 1);
        let begin = bench.bus.plant(0).unwrap().position_turns;
        for _ in 0..200 {
            target = target.wrapping_add(step);
            bench.target(0, target);
            bench.exchange();
            let speed = bench.bus.plant(0).unwrap().velocity_turns_s;
            assert!(speed.abs() < 0.75, "{speed} turns/s at {target}");
        }
        bench.exchanges(300);
        assert!(bench.position(0).wrapping_sub(target).abs() <= 1);
        assert!((start as i32 > 0) != (bench.position(0) > 0), "it did wrap");
        let moved = (bench.bus.plant(0).unwrap().position_turns - begin) * f64::from(TURN);
        assert!((moved - f64::from(200 * step)).abs() <= 2.0, "{moved}");
    }
}

#[test]
fn velocity_and_torque_modes_do_what_they_are_told() {
    let mut bench = Bench::one(SimulatedDriveParameters::default());
    bench.mode(9);
    bench.enable(0);
    assert_eq!(bench.inputs[2], 9);
    bench.target_velocity(5 * TURN);
    bench.exchanges(500);
    assert!((f64::from(bench.velocity()) / f64::from(TURN) - 5.0).abs() < 0.01, "{}", bench.velocity());
    bench.target_velocity(0);
    bench.exchanges(500);
    let rest = bench.position(0);
    bench.exchanges(5000);
    assert_eq!(bench.position(0), rest, "no drift at velocity 0");

    // Rated torque on the default machine: half of it accelerates at 500 turns/s², so 1000 without friction.
    let mut bench = Bench::one(ideal());
    bench.mode(10);
    bench.enable(0);
    bench.target_torque(1000);
    bench.exchanges(21);
    let speed = bench.bus.plant(0).unwrap().velocity_turns_s;
    // The torque loop's lag of 0.3 ms costs 0.3 turns/s.
    assert!((speed - 19.7).abs() < 0.3, "{speed} turns/s after 20 ms");
    assert_eq!(bench.torque(), 1000);
    bench.target_torque(3000);
    bench.exchanges(300);
    let limit = SimulatedDriveParameters::default().motor.max_velocity_turns_s;
    assert!(bench.bus.plant(0).unwrap().velocity_turns_s < 1.2 * limit, "the speed limit holds in torque mode");
}

#[test]
fn the_torque_limit_limits_and_shows() {
    let mut bench = Bench::one(SimulatedDriveParameters::default());
    bench.set(0x6072, 0, &200u16.to_le_bytes());
    bench.enable(0);
    assert_eq!(bench.status(0) & 0x800, 0);
    let target = bench.position(0) + TURN;
    bench.target(0, target);
    for _ in 0..10 {
        bench.exchange();
        assert!(bench.torque().abs() <= 200, "{}", bench.torque());
    }
    assert_ne!(bench.status(0) & 0x800, 0, "internal limit active");
}

#[test]
fn a_following_error_beyond_window_and_time_is_a_fault_of_the_drive() {
    let mut drive = SimulatedDriveParameters::default();
    drive.geometry.positive_stop_turns = Some(0.5);
    (drive.following_error_window, drive.following_error_time_ms) = (TURN as u32 / 4, 20);
    let mut bench = Bench::one(drive);
    bench.enable(0);
    run_at(&mut bench, 5.0, 120);
    assert_eq!(bench.state(0), OPERATION_ENABLED);
    run_at(&mut bench, 5.0, 150);
    assert_eq!((bench.state(0), bench.error_code(0)), (FAULT, 0x8611));
    assert!(bench.bus.plant(0).unwrap().position_turns <= 0.5);
    bench.controlword(0, 0x80);
    bench.exchanges(3);
    assert_eq!((bench.state(0), bench.error_code(0)), (SWITCH_ON_DISABLED, 0));
}

#[test]
fn switches_show_at_their_positions() {
    let mut drive = ideal();
    drive.geometry.negative_switch_turns = Some(-1.0);
    drive.geometry.positive_switch_turns = Some(1.0);
    drive.geometry.home_switch_turns = Some((0.25, 0.5));
    let mut bench = Bench::one(drive);
    bench.enable(0);
    let mut seen = Vec::new();
    for speed in [1.0, -1.0] {
        for _ in 0..(if speed > 0.0 { 150 } else { 300 }) {
            run_at(&mut bench, speed, 10);
            let position = bench.bus.plant(0).unwrap().position_turns;
            let expected = u32::from(position <= -1.0)
                | u32::from(position >= 1.0) << 1
                | u32::from((0.25..=0.5).contains(&position)) << 2;
            assert_eq!(bench.digital_inputs(), expected, "at {position} turns");
            seen.push(expected);
        }
    }
    assert!((0..3).all(|bit| seen.contains(&(1 << bit))));
    bench.bus.control().set_input(0, 20, true).unwrap();
    bench.exchanges(2);
    assert_ne!(bench.digital_inputs() & (1 << 20), 0);
}

fn vertical(control: BrakeControl) -> SimulatedDriveParameters {
    let mut drive = SimulatedDriveParameters::default();
    drive.motor.gravity_torque_nm = -0.5 * drive.motor.rated_torque_nm;
    let holding_torque_nm = 2.0 * drive.motor.rated_torque_nm;
    drive.brake = Some(BrakeParameters { control, holding_torque_nm, release_time_s: 0.03, engage_time_s: 0.02 });
    drive
}

#[test]
fn a_brake_of_the_drive_opens_before_operation_and_closes_before_the_power_goes() {
    let mut bench = Bench::one(vertical(BrakeControl::Drive));
    bench.exchanges(100);
    let start = bench.bus.plant(0).unwrap().position_turns;
    assert_eq!(start, 0.0, "the brake holds the load");
    for controlword in [0x06, 0x07, 0x0F] {
        bench.controlword(0, controlword);
        bench.exchanges(10);
    }
    assert_eq!(bench.state(0), 0x23, "still opening");
    assert_eq!(bench.digital_inputs() & 1 << 16, 0);
    bench.exchanges(40);
    assert_eq!(bench.state(0), OPERATION_ENABLED);
    assert_ne!(bench.digital_inputs() & 1 << 16, 0);
    let position = bench.position(0);
    bench.target(0, position);
    bench.exchanges(300);
    let sag = (bench.bus.plant(0).unwrap().position_turns - start).abs();
    assert!(sag < 0.05, "{sag} turns until the loop holds the load");
    // Disable operation: rest, brake, then power off.
    bench.controlword(0, 0x07);
    let mut order = Vec::new();
    for _ in 0..100 {
        bench.exchange();
        let plant = bench.bus.plant(0).unwrap();
        assert!(plant.powered || !plant.brake_released, "power went before the brake closed");
        order.push((plant.brake_released, plant.powered));
    }
    order.dedup();
    assert_eq!(order, [(true, true), (false, true), (false, false)]);
    let held = bench.bus.plant(0).unwrap().position_turns;
    bench.exchanges(1000);
    assert_eq!(bench.bus.plant(0).unwrap().position_turns, held);
}

#[test]
fn a_brake_on_60fe_follows_its_bit_and_mask() {
    for released in [true, false] {
        let mut bench = Bench::one(vertical(BrakeControl::Output60Fe { bit: 0, released }));
        let word = |open: bool| u32::from(open == released).to_le_bytes();
        bench.write(0, 13, &word(false));
        bench.enable(0);
        bench.write(0, 13, &word(true));
        bench.exchanges(20);
        assert!(!bench.bus.plant(0).unwrap().brake_released, "30 ms to open");
        bench.exchanges(20);
        assert!(bench.bus.plant(0).unwrap().brake_released);
        bench.write(0, 13, &word(false));
        bench.exchanges(30);
        // Without power the closed brake holds.
        bench.controlword(0, 0);
        let held = bench.bus.plant(0).unwrap().position_turns;
        bench.exchanges(100);
        assert_eq!(bench.bus.plant(0).unwrap().position_turns, held);
    }
}
