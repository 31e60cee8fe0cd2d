//! What a configuration says arrives in each module's parameters: exactly, in the right unit, at the right byte.

use motiond::config::key::{Kind, Section};
use motiond::config::reader::Table;
use motiond::config::schema::{BusKind, File};
use motiond::config::{self, MachineConfig};
use motiond::cycle::machine_inputs::{BitPlace, InputRole};
use motiond::drive::{Brake, Mode};
use motiond::fault::{Fault, Reaction, Scope, StopKind};
use motiond::ids::{AxisId, BusId};
use motiond::simulation::{SimulatedDeviceKind, SimulatedDriveParameters, SimulatedTerminalParameters};
use motiond::units::{AxisUnit, Ratio};

const HEAD: &str = "[machine]\nname = \"test\"\n\n[[bus]]\nname = \"field\"\nkind = \"simulated\"\n";

fn parsed(text: &str) -> MachineConfig {
    config::parse(text, "test.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn demo() -> MachineConfig {
    config::demo().unwrap_or_else(|error| panic!("{error}"))
}

fn reference() -> MachineConfig {
    config::load(std::path::Path::new("config/reference.toml")).unwrap_or_else(|error| panic!("{error}"))
}

/// One axis with these lines in `[[axis]]`, `[axis.mechanics]` and at its end.
fn one_axis(axis: &str, mechanics: &str, rest: &str) -> MachineConfig {
    parsed(&format!(
        "{HEAD}[[bus.device]]\nname = \"d\"\n[[axis]]\nname = \"x\"\nbus = \"field\"\ndevice = \"d\"\n{axis}\n\
         [axis.mechanics]\n{mechanics}\n\
         [axis.limits]\nmax-velocity-mm-per-s = 100\nmax-acceleration-mm-per-s2 = 1000\nmax-jerk-mm-per-s3 = 20_000\n\
         [axis.following-error]\nwindow-mm = 1\n{rest}\n"
    ))
}

fn simulated_drive(machine: &MachineConfig, axis: usize) -> &SimulatedDriveParameters {
    let axis = &machine.axes[axis];
    match &machine.buses[axis.wiring.bus.index()].simulation.devices[usize::from(axis.wiring.device)].kind {
        SimulatedDeviceKind::Drive(drives) => &drives[0],
        SimulatedDeviceKind::Terminal(_) => panic!("{} has no drive of its own", axis.name),
    }
}

fn ratio(numerator: i64, denominator: i64) -> Ratio {
    Ratio::new(numerator, denominator).unwrap()
}

#[test]
fn decimals_and_gears_are_taken_exactly() {
    for (written, numerator, denominator) in [
        ("10", 10, 1),
        ("25.4", 127, 5),
        ("5.080", 127, 25),
        ("3_1.4_16", 3927, 125),
        ("1e2", 100, 1),
        ("2500E-3", 5, 2),
        ("0.75", 3, 4),
        ("+7.0", 7, 1),
    ] {
        let mechanics =
            format!("encoder-increments-per-motor-turn = 65_536\nlead-mm-per-turn = {written}\ngear = \"50:3\"");
        let machine = one_axis("kind = \"linear\"", &mechanics, "");
        let scaling = &machine.axes[0].wiring.drive.scaling;
        assert_eq!(scaling.feed, ratio(numerator, denominator), "{written}");
        assert_eq!(scaling.gear, ratio(50, 3));
        assert_eq!(scaling.increments_per_motor_turn, ratio(65_536, 1));
    }
}

#[test]
fn a_rotary_axis_goes_360_degrees_in_one_turn_and_counts_in_degrees() {
    let tilt = &demo().axes[3];
    assert_eq!(tilt.motion.unit, AxisUnit::Degree);
    assert_eq!(tilt.wiring.drive.scaling.feed, ratio(360, 1));
    assert_eq!(tilt.wiring.drive.scaling.gear, ratio(101, 1));
    assert_eq!(tilt.motion.limits.velocity, 120.0);
}

#[test]
fn times_arrive_in_seconds_and_nanoseconds() {
    let machine = reference();
    assert_eq!((machine.period_ns, machine.receive_deadline_ns), (1_000_000, 500_000));
    let z = &machine.axes[0];
    assert_eq!(z.motion.in_position_time_s, 0.010);
    assert_eq!(z.wiring.supervision.following_time_s, 0.010);
    assert_eq!(z.wiring.drive.timing.enable_timeout_s, 5.0);
    assert_eq!(z.wiring.drive.torque_limit, 3.0);
    let brake = Brake::Output { bit: 16, set_opens: true, release_time_s: 0.06, engage_time_s: 0.04 };
    assert_eq!(z.wiring.drive.brake, brake);
    assert_eq!(machine.realtime.heap_reserve_bytes, 16 << 20);
    assert_eq!(machine.buses[1].bit_rate, Some(1_000_000));
}

#[test]
fn limits_are_not_raised_over_what_a_drive_was_given_for_its_own_profile() {
    let text = include_str!("../config/can-two-axis.toml").replacen("\"csp\"", "\"pp\"", 1);
    let machine = config::parse(&text.replace("axes = [\"x\", \"y\"]", "axes = [\"y\"]"), "pp.toml").unwrap();
    let with = |axis: &str, velocity: f64| {
        let name = format!("axis.{axis}.limits.max-velocity-mm-per-s");
        machine.with_overrides(&[(name, config::Override::number(velocity))].into())
    };
    assert!(with("x", 700.0).is_ok() && with("y", 600.0).is_ok());
    let problems = with("x", 801.0).unwrap_err();
    assert_eq!(problems[0].parameter(), "axis.x.limits.max-velocity-mm-per-s");
    assert!(problems[0].allowed.contains("up to 800: so much the drive was given at start"), "{problems:?}");
}

#[test]
fn modes_and_gains_reach_the_drive() {
    let machine = reference();
    let modes: Vec<Mode> = machine.axes.iter().map(|axis| axis.wiring.drive.mode).collect();
    assert_eq!(modes, [Mode::Csp, Mode::Csv, Mode::Csp, Mode::Cst]);
    let spindle = &machine.axes[3].wiring.drive.gains;
    assert_eq!((spindle.position_gain, spindle.velocity_gain), (25.0, 0.0025));
    assert_eq!((spindle.integral_time_s, spindle.acceleration_feed_forward), (Some(0.04), 0.000_025));
    assert_eq!(spindle.velocity_limit, 7200.0, "1.2 times the highest velocity");
}

#[test]
fn devices_lie_one_behind_the_other_without_gap_or_overlap() {
    for machine in [demo(), reference()] {
        for bus in &machine.buses {
            let (mut outputs, mut inputs) = (0, 0);
            for device in &bus.devices {
                let layout = &device.layout;
                assert_eq!((layout.output_offset, layout.input_offset), (outputs, inputs), "{}", device.name);
                outputs += layout.output_bytes();
                inputs += layout.input_bytes();
            }
            assert_eq!((bus.output_bytes, bus.input_bytes), (outputs, inputs), "bus {}", bus.name);
        }
    }
}

#[test]
fn a_brake_on_a_drive_output_maps_60fe() {
    let demo = demo();
    let maps_outputs =
        |axis: usize| demo.axes[axis].wiring.drive.layout.outputs.iter().any(|entry| entry.index == 0x60FE);
    let braked: Vec<usize> = (0..demo.axes.len()).filter(|axis| maps_outputs(*axis)).collect();
    assert_eq!(braked, [3], "only the tilting axis has its brake on an output");
}

#[test]
fn inputs_are_found_at_the_byte_of_their_terminal() {
    let demo = demo();
    let io = &demo.buses[0].devices[6].layout;
    let place = |bit| BitPlace { bus: BusId(0), byte: io.input_offset, bit };
    let stop = &demo.inputs[0].parameters;
    assert_eq!((stop.place, stop.role), (place(0), InputRole::EmergencyStop));
    let air = &demo.inputs[2].parameters;
    let ramp = Reaction { scope: Scope::All, stop: StopKind::Ramp };
    assert_eq!((air.place, air.role, air.active_low), (place(2), InputRole::General(Some(ramp)), true));
    assert_eq!(demo.outputs[1].parameters.place.byte, io.output_offset);
}

#[test]
fn inputs_of_a_drive_are_bits_of_60fd() {
    let machine = parsed(&format!(
        "{HEAD}[[bus.device]]\nname = \"io\"\nkind = \"terminal\"\ndigital-inputs = 12\n[[bus.device]]\nname = \"d\"\n\
         [[axis]]\nname = \"x\"\nkind = \"rotary\"\nbus = \"field\"\ndevice = \"d\"\n\
         [axis.mechanics]\nencoder-increments-per-motor-turn = 4096\n\
         [axis.limits]\nmax-velocity-deg-per-s = 100\nmax-acceleration-deg-per-s2 = 1000\nmax-jerk-deg-per-s3 = 20_000\n\
         [axis.following-error]\nwindow-deg = 1\n[axis.in-position]\nwindow-deg = 0.1\n\
         [[input]]\nname = \"door\"\nbus = \"field\"\ndevice = \"d\"\nbit = 18\n\
         [[input]]\nname = \"last\"\nbus = \"field\"\ndevice = \"io\"\nbit = 11\n"
    ));
    // Two bytes of the terminal, then 6041h, 6061h, 6064h, 606Ch, 6077h (13 bytes), then 60FDh.
    assert_eq!(machine.inputs[0].parameters.place, BitPlace { bus: BusId(0), byte: 2 + 13 + 2, bit: 2 });
    assert_eq!(machine.inputs[1].parameters.place, BitPlace { bus: BusId(0), byte: 1, bit: 3 });
}

#[test]
fn a_simulated_machine_is_ready_to_run() {
    let demo = demo();
    let SimulatedDeviceKind::Terminal(SimulatedTerminalParameters { inputs, .. }) =
        demo.buses[0].simulation.devices[6].kind
    else {
        panic!("io is a terminal");
    };
    assert_eq!(inputs, 0b0111, "emergency stop closed, enabling device held, pressure switch closed");
    for (axis, config) in demo.axes.iter().enumerate() {
        let drive = simulated_drive(&demo, axis);
        let scaling = &config.wiring.drive.scaling;
        let per_unit = scaling.gear.as_f64() / scaling.feed.as_f64();
        let needed = config.motion.limits.velocity * per_unit;
        assert!(drive.motor.max_velocity_turns_s >= needed, "axis {}", config.name);
        let torque = drive.motor.inertia_kg_m2() * config.motion.limits.acceleration * per_unit * std::f64::consts::TAU;
        assert!(torque < 0.9 * drive.motor.rated_torque_nm, "axis {}: {torque} N·m", config.name);
        assert_eq!(f64::from(drive.encoder.increments_per_turn), scaling.increments_per_motor_turn.as_f64());
    }
}

#[test]
fn the_simulated_load_starts_where_the_axis_says() {
    let demo = demo();
    // x: 100 mm at 20 mm a turn. y: the same on a belt with 3:2 and an inch a turn, backwards.
    assert!((simulated_drive(&demo, 0).motor.start_turns - 5.0).abs() < 1e-12);
    assert!((simulated_drive(&demo, 1).motor.start_turns + 100.0 / 25.4 * 1.5).abs() < 1e-12);
    // z: 0 mm with an offset of -50 mm is 50 mm of the drive, at 10 mm a turn.
    assert!((simulated_drive(&demo, 2).motor.start_turns - 5.0).abs() < 1e-12);
}

#[test]
fn an_inverted_axis_has_its_drives_limit_switches_exchanged() {
    let demo = demo();
    let bits = |axis: usize| demo.axes[axis].wiring.limit_switches.map(|bits| (bits.negative_bit, bits.positive_bit));
    assert_eq!((bits(0), bits(1), bits(2)), (Some((0, 1)), Some((1, 0)), None));
    let geometry = &simulated_drive(&demo, 1).geometry;
    let (negative, positive) = (geometry.negative_switch_turns.unwrap(), geometry.positive_switch_turns.unwrap());
    assert!(negative < 0.0 && positive > 0.0 && negative.abs() > positive.abs(), "{negative} {positive}");
}

#[test]
fn a_weight_pulls_along_the_axis_also_where_the_motor_is_inverted() {
    for (inverted, torque) in [(false, -0.3), (true, 0.3)] {
        let axis = format!("kind = \"linear\"\ninverted = {inverted}");
        let mechanics = "encoder-increments-per-motor-turn = 4096\nlead-mm-per-turn = 10";
        let machine = one_axis(&axis, mechanics, "[axis.simulation]\ngravity-torque-nm = -0.3");
        assert_eq!(simulated_drive(&machine, 0).motor.gravity_torque_nm, torque);
    }
}

#[test]
fn simulate_replaces_every_bus_and_asks_for_no_real_time_rights() {
    let text = include_str!("../config/reference.toml").replace("require-realtime = true\n", "");
    let text = text.replace("profile = \"drives/example.toml\"\n", "");
    let machine = parsed(&text);
    assert!(machine.require_realtime());
    let simulated = machine.simulated();
    assert!(!simulated.require_realtime());
    assert!(simulated.buses.iter().all(|bus| bus.kind == BusKind::Simulated));
}

#[test]
fn the_first_reaction_that_fits_counts() {
    let machine = reference();
    let ramp = Reaction { scope: Scope::Axis, stop: StopKind::Ramp };
    assert_eq!(machine.reaction(Fault::FollowingError, Some(AxisId(2))), ramp, "the belt");
    assert_eq!(machine.reaction(Fault::FollowingError, Some(AxisId(0))), Fault::FollowingError.reaction());
    assert_eq!(machine.reaction(Fault::BusLost, None), Fault::BusLost.reaction());
}

#[test]
fn every_number_says_its_unit_unless_it_is_a_plain_count() {
    const COUNTS: [&str; 33] = [
        "extra-delay-cycles",
        "master-node-id",
        "cycles-per-sync",
        "zero",
        "full-scale",
        "raw-full-scale",
        "lowest",
        "highest",
        "safe-value",
        "priority",
        "cpu",
        "position",
        "alias",
        "node-id",
        "igh-master-index",
        "dc-assign-activate",
        "vendor-id",
        "product-code",
        "revision",
        "serial-number",
        "device-axis",
        "digital-inputs",
        "digital-outputs",
        "seed",
        "error-code",
        "velocity-feed-forward",
        "output-bit",
        "bit",
        "gear",
        "velocity-factor",
        "index",
        "subindex",
        "value",
    ];
    fn visit(section: &'static Section) {
        for key in section.keys {
            let number = matches!(
                key.kind,
                Kind::Whole(..)
                    | Kind::Number(..)
                    | Kind::Numbers(..)
                    | Kind::Above0(_)
                    | Kind::Decimal(_)
                    | Kind::Gear
            );
            assert_eq!(
                number,
                key.unit().is_some() || COUNTS.contains(&key.name),
                "{}.{}: {:?}",
                section.title,
                key.name,
                key.unit()
            );
        }
        section.parts.iter().for_each(|part| visit(part.section));
    }
    visit(File::SECTION);
}
