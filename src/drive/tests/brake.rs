//! The brake's order, as tables of what the drive is told and shows.

use super::bench::*;
use crate::drive::*;
use crate::units::Setpoint;

const BIT: u8 = 16;
const RELEASE: usize = 20;
const ENGAGE: usize = 30;

fn braked(set_opens: bool) -> DriveParameters {
    let brake = Brake::Output { bit: BIT, set_opens, release_time_s: 0.02, engage_time_s: 0.03 };
    DriveParameters { brake, ..parameters(Mode::Csp) }
}

/// One row: cycles in a row with the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    state: State,
    controlword: u16,
    open_command: bool,
    operational: bool,
}

fn row(state: State, controlword: u16, open_command: bool, operational: bool) -> Row {
    Row { state, controlword, open_command, operational }
}

fn record(bench: &mut Bench, cycles: usize, mut step: impl FnMut(&mut Bench) -> Feedback) -> Vec<(Row, usize)> {
    let mut rows: Vec<(Row, usize)> = vec![];
    for _ in 0..cycles {
        let feedback = step(bench);
        let told = bench.told();
        let now = row(feedback.state, told.controlword, told.digital >> BIT & 1 != 0, feedback.operational);
        match rows.last_mut() {
            Some((last, count)) if *last == now => *count += 1,
            _ => rows.push((now, 1)),
        }
    }
    rows
}

fn only_rows(rows: &[(Row, usize)]) -> Vec<Row> {
    rows.iter().map(|(row, _)| *row).collect()
}

#[test]
fn enable_release_wait_operational() {
    let mut bench = Bench::new(&braked(true), Script::default());
    bench.off();
    bench.off();
    let rows = record(&mut bench, 60, Bench::powered);
    let expected = [
        row(State::SwitchOnDisabled, 0x06, false, false),
        row(State::ReadyToSwitchOn, 0x07, false, false),
        row(State::SwitchedOn, 0x0F, false, false),
        row(State::OperationEnabled, 0x0F, true, false),
        row(State::OperationEnabled, 0x0F, true, true),
    ];
    assert_eq!(only_rows(&rows), expected);
    assert_eq!(rows[3].1, RELEASE, "cycles of brake release");
    assert!(bench.feedback.brake_open);
}

#[test]
fn power_off_engages_and_holds_torque_for_the_engage_time_before_leaving() {
    let mut bench = Bench::operational(&braked(true), Script::default());
    let place = bench.told().position;
    let rows = record(&mut bench, 80, |bench| {
        let feedback = bench.off();
        assert_eq!(bench.told().position, place);
        feedback
    });
    let expected = [
        row(State::OperationEnabled, 0x0F, false, true), // the decode came before the demand
        row(State::OperationEnabled, 0x0F, false, false),
        row(State::OperationEnabled, 0x07, false, false),
        row(State::SwitchedOn, 0x00, false, false),
        row(State::SwitchOnDisabled, 0x00, false, false),
    ];
    assert_eq!(only_rows(&rows), expected);
    assert_eq!(rows[0].1 + rows[1].1, ENGAGE + 1, "cycles of brake engagement");
}

#[test]
fn quick_stop_engages_at_standstill_and_holds_torque_where_the_drive_stays() {
    let mut bench = Bench::operational(&braked(true), Script { quick_stop_option: 6, ..Script::default() });
    for step in 0..100u64 {
        let setpoint = Setpoint { turns: 0, position: step as f64 * 0.2, velocity: 200.0, acceleration: 0.0 };
        bench.cycle(|_| Wish { power: true, setpoint, ..Wish::default() });
    }
    let mut closed_at = None;
    let rows = record(&mut bench, 400, |bench| {
        let feedback = bench.cycle(|f| Wish { quick_stop: true, setpoint: f.held, ..Wish::default() });
        let open = bench.told().digital >> BIT & 1 != 0;
        assert!(open || bench.script.motor.velocity == 0.0, "the brake closes in motion");
        if !open && closed_at.is_none() {
            closed_at = Some(bench.cycle);
        }
        if bench.told().controlword == 0 && bench.script.state == QUICK_STOP {
            let held = bench.cycle - closed_at.unwrap();
            assert!(held >= ENGAGE as u64, "{held} cycles of torque with the brake closing");
        }
        feedback
    });
    let expected = [
        row(State::OperationEnabled, 0x02, true, true),
        row(State::OperationEnabled, 0x02, true, false), // the exchange that tells it
        row(State::QuickStopActive, 0x02, true, false),
        row(State::QuickStopActive, 0x02, false, false),
        row(State::QuickStopActive, 0x00, false, false),
        row(State::SwitchOnDisabled, 0x00, false, false),
    ];
    let found: Vec<Row> = only_rows(&rows).into_iter().filter(|row| *row != expected[1]).collect();
    let wanted: Vec<Row> = expected.into_iter().filter(|row| *row != expected[1]).collect();
    assert_eq!(found, wanted);
}

#[test]
fn the_brake_closes_at_once_where_the_drive_has_lost_its_torque() {
    for state in [SWITCH_ON_DISABLED, READY, SWITCHED_ON, FAULT, 0x00, 0x01] {
        let mut bench = Bench::operational(&braked(true), Script::default());
        bench.script.state = state;
        bench.powered();
        assert_eq!(bench.told().digital >> BIT & 1, 0, "{state:02X}");
        assert!(!bench.feedback.brake_open);
    }
}

#[test]
fn in_a_fault_reaction_the_brake_waits_for_the_standstill() {
    let mut bench = Bench::operational(&braked(true), Script::default());
    bench.script.motor.velocity = 100.0 * PER_DEGREE;
    bench.script.fail(0x8400);
    for _ in 0..150 {
        bench.powered();
        let closed = bench.told().digital >> BIT & 1 == 0;
        assert!(!closed || bench.script.motor.velocity == 0.0);
        assert_ne!(bench.feedback.state == State::FaultReactionActive, bench.told().controlword == 0);
    }
    assert_eq!(bench.told().digital >> BIT & 1, 0);
}

#[test]
fn a_quick_stop_without_end_closes_the_brake_after_its_time() {
    let mut bench = Bench::operational(&braked(true), Script { quick_stop_option: 6, ..Script::default() });
    let cycles = bench.until(
        800,
        |bench| {
            bench.script.motor.velocity = 1000.0 * PER_DEGREE;
            bench.cycle(|f| Wish { quick_stop: true, setpoint: f.held, ..Wish::default() })
        },
        |bench| bench.told().digital >> BIT & 1 == 0,
    );
    assert!((500..505).contains(&cycles), "{cycles}");
    bench.until(ENGAGE + 5, Bench::off, |bench| bench.told().controlword == 0);
}

#[test]
fn an_output_that_sets_the_brake_is_the_other_way_round() {
    let mut bench = Bench::new(&braked(false), Script::default());
    assert_eq!(bench.told().digital, 1 << BIT, "closed before anything was heard");
    bench.off();
    assert_eq!(bench.told().digital, 1 << BIT);
    bench.until(100, Bench::powered, |bench| bench.feedback.operational);
    assert_eq!(bench.told().digital, 0);
}

#[test]
fn other_bits_of_the_digital_outputs_are_left_alone() {
    let mut bench = Bench::new(&braked(true), Script::default());
    bench.outputs[13..17].copy_from_slice(&0xFFFE_5A5Au32.to_le_bytes());
    bench.off();
    bench.until(100, Bench::powered, |bench| bench.feedback.operational);
    assert_eq!(bench.told().digital, 0xFFFF_5A5A);
}

#[test]
fn the_drives_own_brake_delays_operation_and_needs_no_waiting_at_the_end() {
    let parameters =
        DriveParameters { brake: Brake::Drive { release_time_s: 0.02, engage_time_s: 0.03 }, ..parameters(Mode::Csp) };
    let mut bench = Bench::new(&parameters, Script::default());
    bench.off();
    bench.off();
    let rows = record(&mut bench, 60, Bench::powered);
    assert_eq!(rows[3].1, RELEASE);
    assert!(bench.feedback.brake_open);
    bench.off();
    assert_eq!(bench.told().controlword, 0x07);
    bench.until(10, Bench::off, |bench| bench.script.state == SWITCH_ON_DISABLED);
    assert!(!bench.off().brake_open);
}

#[test]
fn after_a_quick_stop_the_drives_own_brake_has_its_time_before_the_voltage_goes() {
    let brake = Brake::Drive { release_time_s: 0.02, engage_time_s: 0.03 };
    let parameters = DriveParameters { brake, ..parameters(Mode::Csp) };
    let mut bench = Bench::operational(&parameters, Script { quick_stop_option: 6, ..Script::default() });
    let stop = |bench: &mut Bench| bench.cycle(|f| Wish { quick_stop: true, setpoint: f.held, ..Wish::default() });
    let rows = record(&mut bench, 100, stop);
    let stopping = rows.iter().filter(|(row, _)| row.state == State::QuickStopActive && row.controlword == 0x02);
    let cycles: usize = stopping.map(|(_, cycles)| cycles).sum();
    assert!(cycles >= ENGAGE, "the voltage goes after {cycles} cycles: {rows:?}");
    assert_eq!(bench.script.state, SWITCH_ON_DISABLED);
}

#[test]
fn without_a_brake_it_counts_as_open() {
    let mut bench = Bench::new(&parameters(Mode::Csp), Script::default());
    assert!(bench.off().brake_open);
}

#[test]
fn a_drive_found_enabled_keeps_its_brake_open_until_it_stands() {
    let mut script = Script { state: ENABLED, quick_stop_option: 6, ..Script::default() };
    script.motor.velocity = 100.0 * PER_DEGREE;
    let mut bench = Bench::new(&braked(true), script);
    for _ in 0..300 {
        bench.off();
        assert!(bench.told().digital >> BIT & 1 != 0 || bench.script.motor.velocity == 0.0);
    }
    assert_eq!((bench.script.state, bench.told().digital >> BIT & 1), (SWITCH_ON_DISABLED, 0));
}
