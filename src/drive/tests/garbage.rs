//! Anything on the bus: no panic, and the rules hold all the same.

use proptest::prelude::*;

use super::bench::*;
use crate::drive::*;
use crate::fault::Fault;
use crate::units::Setpoint;

/// A drive driven to each phase that a scripted one can show, with the name of the phase.
fn phases() -> Vec<(&'static str, Bench)> {
    let brake = Brake::Output { bit: 0, set_opens: true, release_time_s: 0.005, engage_time_s: 0.005 };
    let parameters = DriveParameters { brake, ..parameters(Mode::Csp) };
    let script = || Script { quick_stop_option: 6, ..Script::default() };
    let running = || Bench::operational(&parameters, script());
    let mut disabled = Bench::new(&parameters, script());
    disabled.off();
    let mut enabling = Bench::new(&parameters, Script { stuck_at: Some(READY), ..script() });
    enabling.off();
    enabling.until(3, Bench::powered, |bench| bench.told().controlword == 0x07);
    let mut releasing = Bench::new(&parameters, script());
    releasing.off();
    releasing.until(20, Bench::powered, |bench| bench.feedback.state == State::OperationEnabled);
    let mut engaging = running();
    engaging.off();
    let mut stopping = running();
    stopping.cycle(|_| Wish { power: true, quick_stop: true, ..Wish::default() });
    let mut leaving = Bench::operational(&parameters, Script { slowness: 10, ..script() });
    leaving.until(30, Bench::off, |bench| bench.told().controlword == 0x07);
    let mut faulted = running();
    faulted.script.fail(1);
    faulted.until(20, Bench::powered, |bench| bench.script.state == FAULT);
    let mut resetting = Bench::new(&parameters, Script { state: FAULT, refuses_reset: true, ..script() });
    resetting.off();
    resetting.cycle(|_| Wish { reset: true, ..Wish::default() });
    vec![
        ("unheard", Bench::new(&parameters, script())),
        ("disabled", disabled),
        ("enabling", enabling),
        ("releasing", releasing),
        ("operational", running()),
        ("engaging", engaging),
        ("stopping", stopping),
        ("leaving", leaving),
        ("faulted", faulted),
        ("resetting", resetting),
    ]
}

fn answer(statusword: u16, mode: i8, position: i32) -> [u8; 15] {
    let mut bytes = [0; 15];
    bytes[0..2].copy_from_slice(&statusword.to_le_bytes());
    bytes[2] = mode as u8;
    bytes[3..7].copy_from_slice(&position.to_le_bytes());
    bytes
}

/// What must hold after any answer and any demand.
fn check(drive_state: State, feedback: &Feedback, demand: &Wish, told: &Told, place: i32) -> Result<(), String> {
    let word = told.controlword;
    let claim = |holds: bool, claim: &str| if holds { Ok(()) } else { Err(claim.to_string()) };
    claim([0x00, 0x02, 0x06, 0x07, 0x0F, 0x80].contains(&word), "an unknown controlword")?;
    claim(word != 0x80 || drive_state == State::Fault, "fault reset outside of Fault")?;
    claim(told.mode == 8, "mode not written")?;
    claim(word != 0x0F || matches!(drive_state, State::SwitchedOn | State::OperationEnabled), "0F too early")?;
    claim(!feedback.operational || drive_state == State::OperationEnabled, "operational outside of operation")?;
    claim(!feedback.operational || feedback.fault.is_none(), "operational with a fault")?;
    claim(!feedback.operational || feedback.brake_open, "operational with a closed brake")?;
    claim(drive_state == State::OperationEnabled || told.position == place, "607A is not 6064 outside of operation")?;
    claim(!demand.quick_stop || word != 0x0F || told.digital & 1 == 0, "0F in spite of a quick stop")?;
    claim(drive_state.has_torque() || told.digital & 1 == 0, "brake open without torque")
}

#[test]
fn every_statusword_meets_every_demand_in_every_phase() {
    let demands: Vec<Wish> = (0..8u8)
        .map(|bits| Wish { power: bits & 1 != 0, quick_stop: bits & 2 != 0, reset: bits & 4 != 0, ..Wish::default() })
        .collect();
    for (name, bench) in phases() {
        // All 2^16 statuswords: the bits outside of state, voltage and remote must not matter, so all are tried once.
        for word in 0..=u16::MAX {
            let demand = demands[usize::from(word.wrapping_mul(40_503) >> 13)];
            let all: &[Wish] = if word & !0x27F == 0 { &demands } else { std::slice::from_ref(&demand) };
            for demand in all {
                for mode in [8, 0] {
                    let (mut drive, mut outputs) = (bench.drive.clone(), bench.outputs);
                    let place = bench.script.actual();
                    let feedback = *drive.decode(&answer(word, mode, place), true);
                    let demand = Wish { setpoint: feedback.held, ..*demand };
                    encode(&mut drive, &demand, &mut outputs);
                    let told = Told::read(&outputs);
                    let state = State::from_statusword(word);
                    if let Err(claim) = check(state, &feedback, &demand, &told, place) {
                        panic!(
                            "{name}, statusword {word:04X}, mode {mode}, {demand:?}: {claim}: {feedback:?} {told:?}"
                        );
                    }
                    if state.is_fault() && name != "resetting" {
                        assert_eq!(feedback.fault, Some(Fault::DriveFault), "{name}, {word:04X}");
                    }
                }
            }
        }
    }
}

fn demand() -> impl Strategy<Value = Wish> {
    let figure = prop_oneof![4 => -1e6..1e6f64, 1 => any::<f64>()];
    (
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.05),
        prop::bool::weighted(0.05),
        any::<i64>(),
        figure.clone(),
        figure.clone(),
        figure,
    )
        .prop_map(|(power, quick_stop, reset, turns, position, velocity, acceleration)| Wish {
            power,
            quick_stop,
            reset,
            setpoint: Setpoint { turns: turns % 1000, position, velocity, acceleration },
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn garbage_never_panics_and_feedback_stays_finite(
        mode in prop_oneof![Just(Mode::Csp), Just(Mode::Csv), Just(Mode::Cst), Just(Mode::Ip), Just(Mode::Pp)],
        inverted: bool, modulo: bool, with_brake: bool,
        steps in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..18), any::<bool>(), 0usize..24, demand(), 0usize..18), 1..80),
    ) {
        let mut parameters = parameters(mode);
        parameters.scaling.inverted = inverted;
        parameters.scaling.modulo = modulo.then(|| crate::units::Ratio::new(360, 1).unwrap());
        if with_brake {
            parameters.brake =
                Brake::Output { bit: 31, set_opens: false, release_time_s: 0.003, engage_time_s: 0.002 };
        }
        let mut drive = Drive::new(&parameters, PERIOD_S).unwrap();
        // Mostly plausible words, so that the deep phases are reached.
        let words = [0x40, 0x21, 0x23, 0x27, 0x27, 0x27, 0x27, 0x07, 0x0F, 0x08];
        let mut outputs = [0; 17];
        drive.prepare(&mut outputs);
        for (mut bytes, fresh, word, demand, length) in steps {
            if let (Some(word), 15..) = (words.get(word), bytes.len()) {
                bytes[0..2].copy_from_slice(&(*word | 0x0210u16).to_le_bytes());
                bytes[2] = mode.code() as u8;
            }
            let feedback = *drive.decode(&bytes, fresh);
            prop_assert!(feedback.position.is_finite() && feedback.velocity.is_finite(), "{:?}", feedback);
            prop_assert!(feedback.held.position.is_finite() && feedback.torque_ratio.is_finite(), "{:?}", feedback);
            prop_assert!(!feedback.operational || feedback.state == State::OperationEnabled);
            encode(&mut drive, &demand, &mut outputs[..length.min(17)]);
            encode(&mut drive, &demand, &mut outputs);
            let told = Told::read(&outputs);
            let by_mode = match mode {
                Mode::Ip => 0x10,
                Mode::Pp => 0x30,
                Mode::Csp | Mode::Csv | Mode::Cst => 0,
            };
            prop_assert!([0x00, 0x02, 0x06, 0x07, 0x0F, 0x80].contains(&(told.controlword & !by_mode)));
            prop_assert!(told.controlword & by_mode == 0 || told.controlword & 0x0F == 0x0F);
            prop_assert!(told.torque.abs() <= 1000, "{:?}", told);
        }
    }
}

#[test]
fn parameters_out_of_range_are_refused_with_their_range() {
    let good = parameters(Mode::Cst);
    assert!(Drive::new(&good, PERIOD_S).is_ok());
    type Spoil = fn(&mut DriveParameters);
    let spoils: [(Spoil, &str); 6] = [
        (|p| p.torque_limit = 40.0, "torque limit is 40; allowed is 0 to 32.767"),
        (|p| p.torque_limit = f64::NAN, "torque limit is NaN; allowed is 0 to 32.767"),
        (|p| p.feedback_delay_periods = 15.0, "feedback delay is 15; allowed is 0 to 14"),
        (|p| p.gains.integral_time_s = Some(0.0), "integral time is 0; allowed is 0.001 to 600"),
        (|p| p.timing.enable_timeout_s = -1.0, "enable timeout is -1; allowed is 0 to 600"),
        (
            |p| p.brake = Brake::Output { bit: 32, set_opens: true, release_time_s: 0.0, engage_time_s: 0.0 },
            "brake output bit is 32; allowed is 0 to 31",
        ),
    ];
    for (spoil, message) in spoils {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert_eq!(Drive::new(&bad, PERIOD_S).unwrap_err().to_string(), message);
    }
}
