//! Errors planted between the drive layer and the scripted drive: a wrong sign, a wrong scale or a delay of one cycle
//! must show, or the checks used elsewhere would prove nothing.

use super::bench::*;
use crate::drive::*;

/// What is done to the bytes on their way.
type Plant = fn(&mut Vec<Told>, &mut [u8]);

fn set(bytes: &mut [u8], at: usize, change: impl Fn(i32) -> i32) {
    let value = i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    bytes[at..at + 4].copy_from_slice(&change(value).to_le_bytes());
}

/// Moves 90 degrees through the border; an error says which check failed.
fn moves_as_told(on_outputs: Plant, on_inputs: Plant) -> Result<(), String> {
    let mut drive = Drive::new(&parameters(Mode::Csp), PERIOD_S).unwrap();
    let mut script = Script::default();
    script.motor.position = 4000.0; // 2 degrees
    let (mut outputs, mut history, mut input_history) = ([0u8; 17], Vec::new(), Vec::new());
    drive.prepare(&mut outputs);
    let (mut operational, mut step) = (false, 0i64);
    for cycle in 0..600 {
        let mut sent = outputs;
        history.push(Told::read(&outputs));
        on_outputs(&mut history, &mut sent);
        let before = script.actual();
        let mut answer = script.exchange(&sent);
        if script.state == ENABLED && !operational && (script.actual() - before).abs() > 1 {
            return Err(format!("jumps by {} increments while enabling", script.actual() - before));
        }
        on_inputs(&mut input_history, &mut answer);
        let feedback = drive.decode(&answer, true);
        let start = 2.0;
        let plan = |step: i64| start + smooth(90.0, 0.4, step.max(0) as f64 * PERIOD_S).position;
        let mut setpoint = feedback.held;
        if feedback.operational {
            operational = true;
            step += 1;
            setpoint = smooth(90.0, 0.4, step as f64 * PERIOD_S);
            setpoint.position += start;
            // The setpoint of two cycles ago is where the motor is now, to the increment; at its own counting.
            let (truth, planned) = (script.motor.position / PER_DEGREE, plan(step - 2));
            if (truth - planned).abs() > 1.0 / PER_DEGREE {
                return Err(format!("motor at {truth} instead of {planned}"));
            }
            if (feedback.position - planned).abs() > 1.0 / PER_DEGREE {
                return Err(format!("feedback {} instead of {planned}", feedback.position));
            }
        }
        encode(&mut drive, &Wish { power: cycle > 2, setpoint, ..Wish::default() }, &mut outputs);
    }
    let end = script.motor.position / PER_DEGREE;
    if operational && (end - 92.0).abs() < 1e-3 { Ok(()) } else { Err(format!("ends at {end}")) }
}

fn nothing(_: &mut Vec<Told>, _: &mut [u8]) {}

#[test]
fn a_planted_sign_scale_or_delay_is_noticed() {
    assert_eq!(moves_as_told(nothing, nothing), Ok(()));
    let output_plants: [(&str, Plant); 4] = [
        ("sign of 607A", |_, bytes| set(bytes, 3, |v| v.wrapping_neg())),
        ("scale of 607A", |_, bytes| set(bytes, 3, |v| (f64::from(v) * 1.001) as i32)),
        ("607A ten increments off", |_, bytes| set(bytes, 3, |v| v.wrapping_add(10))),
        ("607A one cycle late", |history, bytes| {
            let late = history[history.len().saturating_sub(2)].position;
            set(bytes, 3, |_| late);
        }),
    ];
    for (name, plant) in output_plants {
        let verdict = moves_as_told(plant, nothing);
        assert!(verdict.is_err(), "{name} went unnoticed");
    }
    let input_plants: [(&str, Plant); 3] = [
        ("sign of 6064", |_, bytes| set(bytes, 3, |v| v.wrapping_neg())),
        ("scale of 6064", |_, bytes| set(bytes, 3, |v| (f64::from(v) * 1.001) as i32)),
        ("6064 one cycle late", |history, bytes| {
            // The first Told fields serve as a memory of one word.
            let now = i32::from_le_bytes(bytes[3..7].try_into().unwrap());
            let late = history.last().map_or(now, |told| told.position);
            history.push(Told { controlword: 0, mode: 0, position: now, velocity: 0, torque: 0, digital: 0 });
            set(bytes, 3, |_| late);
        }),
    ];
    for (name, plant) in input_plants {
        let verdict = moves_as_told(nothing, plant);
        assert!(verdict.is_err(), "{name} went unnoticed");
    }
}
