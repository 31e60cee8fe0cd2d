//! A service that panics or hangs in motion comes back, and every setpoint of the machine is the same to the last bit as
//! in a run in which nothing happened.

use std::sync::OnceLock;

use motiond::client::{Ended, Error};
use motiond::service::Phase;
use serde_json::{Value, json};

use crate::held::{Frame, Held, assert_identical, until};

/// What happens to a service.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    /// It panics at this place.
    Panic(&'static str),
    Hang,
}

/// Longer than anything takes: a hang is ended by the test.
const HANG_MS: u64 = 60_000;
/// Cycles from the trouble to the next command, whenever the service is back.
const MEANWHILE: u64 = 500;

fn line(x: f64, y: f64, z: f64, buffer: &str) -> Value {
    let targets = [("x", x), ("y", y), ("z", z)].map(|(axis, value)| json!({ "axis": axis, "value": value }));
    json!({ "group": "gantry", "targets": targets, "velocity": 500.0, "buffer": buffer })
}

fn turn(tilt: f64, spin: f64) -> Value {
    let targets = [("tilt", tilt), ("spin", spin)].map(|(axis, value)| json!({ "axis": axis, "value": value }));
    json!({ "group": "table", "targets": targets, "velocity": 0.4 })
}

/// A request that brings the gateway to a place, and does not touch the motion: the line never gets to the cycle.
fn trigger(place: &str) -> (&'static str, &'static str, Value) {
    match place {
        "claimed" => ("Group", "MoveLinear", line(600.0, 600.0, -100.0, "aborting")),
        _ => ("Machine", "SetOutput", json!({ "output": "vacuum", "on": true })),
    }
}

/// Lets an abandoned life go on, by a service that is there to be told.
pub fn end_hang(held: &Held, service: &str) {
    if let Ok(mut machine) = held.try_connect() {
        let _ = machine.call("Test", "Hang", json!({ "service": service, "milliseconds": 0 }));
    }
}

/// The trouble in motion, for exactly [`MEANWHILE`] cycles; returns with the service at work.
fn suffer(held: &mut Held, service: &str, trouble: Trouble) {
    let mut bystander = held.connect();
    let boot = bystander.call("Machine", "Status", json!({})).unwrap()["boot_id"].clone();
    // The control service takes its connections with it, maybe before it has answered this one.
    let mut saboteur = held.connect();
    let mut asking = None;
    let lease = held.lease();
    match trouble {
        Trouble::Hang => {
            let _ = saboteur.call("Test", "Hang", json!({ "service": service, "milliseconds": HANG_MS }));
        }
        Trouble::Panic(place) => {
            let _ = saboteur.call("Test", "Panic", json!({ "service": service, "place": place }));
            match (service, place) {
                ("control", "task") => {
                    let lost = held.connect().call("Machine", "Status", json!({}));
                    assert!(matches!(lost, Err(Error::Lost(_))), "{lost:?}");
                    bystander.call("Machine", "Status", json!({})).unwrap();
                }
                ("metrics", "task") => drop(held.scrape().unwrap_err()),
                ("gateway", "taken" | "passed" | "claimed" | "reporting" | "reported") => {
                    let mut machine = held.connect();
                    let (interface, method, mut parameters) = trigger(place);
                    parameters["lease"] = lease;
                    asking = Some(std::thread::spawn(move || machine.call(interface, method, parameters)));
                }
                _ => {}
            }
        }
    }
    let dies = trouble != Trouble::Panic("task");
    let hangs = u64::from(trouble == Trouble::Hang);
    let mut left = MEANWHILE;
    until(&format!("{service} is back"), || {
        // Some are kept for a command that comes late.
        if left > 100 || left > 0 && held.depth("commands") > 0 {
            left -= 1;
            held.step();
        }
        let (restarts, hung, phase) = held.service(service);
        if hung == hangs && dies {
            end_hang(held, service);
        }
        let back = restarts >= u64::from(dies) && hung == hangs && phase == Phase::Running;
        (back && asking.as_ref().is_none_or(|asking| asking.is_finished())).then_some(())
    });
    assert!(left < MEANWHILE);
    held.run(left);
    if let (Some(asking), Trouble::Panic(place)) = (asking, trouble) {
        let answer = asking.join().unwrap();
        match place {
            "taken" | "claimed" => assert_eq!(answer.unwrap_err().short_name(), "Unavailable"),
            _ => drop(answer.unwrap()),
        }
    }
    // At work: it answers, and so does everybody else.
    let status = until("an answer", || {
        let mut machine = held.try_connect().ok()?;
        machine.call("Events", "Read", json!({})).ok()?;
        held.scrape().ok()?;
        machine.call("Machine", "Status", json!({})).ok()
    });
    assert_eq!(status["boot_id"], boot);
    assert!(dies || held.service(service).0 == 0, "a task took its service with it");
}

/// Both groups and the conveyor in motion; then the trouble, if any; then new targets in motion, to the end.
fn run(trouble: Option<(&str, Trouble)>) -> Vec<Frame> {
    // The service that keeps events is there only where they are kept.
    let state = tempfile::tempdir().unwrap();
    let mut held = Held::start_with(trouble.filter(|(service, _)| *service == "events").map(|_| state.path()));
    held.power_up();
    let first = held.command("Group", "MoveLinear", line(800.0, 500.0, -150.0, "aborting"));
    held.command("Group", "MoveDirect", turn(60.0, 200.0));
    held.command("Axis", "MoveVelocity", json!({ "axis": "belt", "velocity": 300.0 }));
    held.run(100);
    assert!(held.snapshot.axes.iter().all(|axis| axis.velocity != 0.0), "{:?}", held.snapshot.axes);
    match trouble {
        None => held.run(MEANWHILE),
        Some((service, trouble)) => suffer(&mut held, service, trouble),
    }
    let second = held.command("Group", "MoveLinear", line(300.0, 200.0, -50.0, "buffered"));
    held.command("Group", "MoveDirect", turn(-20.0, 10.0));
    held.command("Axis", "MoveVelocity", json!({ "axis": "belt", "velocity": -300.0 }));
    held.run(4000);
    let frames = std::mem::take(&mut held.frames);
    // The handles from before are known to the service that came back.
    let mut machine = held.connect();
    assert_eq!([first, second].map(|handle| machine.wait(handle).unwrap()), [Ended::Done, Ended::Done]);
    held.end();
    frames
}

/// The run in which nothing happened.
fn undisturbed() -> &'static [Frame] {
    static FRAMES: OnceLock<Vec<Frame>> = OnceLock::new();
    FRAMES.get_or_init(|| run(None))
}

fn assert_comes_back_and_moves_as_if_nothing_had_happened(service: &str, trouble: Trouble) {
    assert_identical(undisturbed(), &run(Some((service, trouble))));
}

macro_rules! troubles {
    ($( $test:ident: $service:literal, $trouble:expr; )*) => {
        $(
            #[test]
            fn $test() {
                assert_comes_back_and_moves_as_if_nothing_had_happened($service, $trouble);
            }
        )*
    };
}

troubles! {
    panic_in_the_loop_of_the_gateway_leaves_every_setpoint_as_it_is: "gateway", Trouble::Panic("loop");
    panic_in_a_drop_of_the_gateway_leaves_every_setpoint_as_it_is: "gateway", Trouble::Panic("drop");
    panic_with_a_request_taken_leaves_every_setpoint_as_it_is: "gateway", Trouble::Panic("taken");
    panic_with_a_request_passed_on_leaves_every_setpoint_as_it_is: "gateway", Trouble::Panic("passed");
    panic_with_a_slot_claimed_leaves_every_setpoint_as_it_is: "gateway", Trouble::Panic("claimed");
    panic_with_a_report_seen_leaves_every_setpoint_as_it_is: "gateway", Trouble::Panic("reporting");
    panic_with_a_report_dealt_with_leaves_every_setpoint_as_it_is: "gateway", Trouble::Panic("reported");
    hanging_gateway_leaves_every_setpoint_as_it_is: "gateway", Trouble::Hang;
    panic_in_the_runtime_of_control_leaves_every_setpoint_as_it_is: "control", Trouble::Panic("loop");
    panic_in_a_drop_of_control_leaves_every_setpoint_as_it_is: "control", Trouble::Panic("drop");
    panic_in_a_session_leaves_every_setpoint_as_it_is: "control", Trouble::Panic("task");
    hanging_control_leaves_every_setpoint_as_it_is: "control", Trouble::Hang;
    panic_in_the_runtime_of_metrics_leaves_every_setpoint_as_it_is: "metrics", Trouble::Panic("loop");
    panic_in_a_drop_of_metrics_leaves_every_setpoint_as_it_is: "metrics", Trouble::Panic("drop");
    panic_in_a_scrape_leaves_every_setpoint_as_it_is: "metrics", Trouble::Panic("task");
    hanging_metrics_leave_every_setpoint_as_they_are: "metrics", Trouble::Hang;
    panic_in_the_runtime_of_the_journal_leaves_every_setpoint_as_it_is: "journal", Trouble::Panic("loop");
    panic_in_a_drop_of_the_journal_leaves_every_setpoint_as_it_is: "journal", Trouble::Panic("drop");
    hanging_journal_leaves_every_setpoint_as_it_is: "journal", Trouble::Hang;
    panic_in_the_loop_of_telemetry_leaves_every_setpoint_as_it_is: "telemetry", Trouble::Panic("loop");
    panic_in_a_drop_of_telemetry_leaves_every_setpoint_as_it_is: "telemetry", Trouble::Panic("drop");
    panic_in_the_runtime_of_the_event_keeper_leaves_every_setpoint_as_it_is: "events", Trouble::Panic("loop");
    panic_in_a_drop_of_the_event_keeper_leaves_every_setpoint_as_it_is: "events", Trouble::Panic("drop");
    hanging_event_keeper_leaves_every_setpoint_as_it_is: "events", Trouble::Hang;
    hanging_telemetry_leaves_every_setpoint_as_it_is: "telemetry", Trouble::Hang;
}

#[test]
fn two_undisturbed_runs_are_the_same_and_one_other_bit_is_seen() {
    assert_identical(undisturbed(), &run(None));
    let mut other = undisturbed().to_vec();
    let middle = other.len() / 2;
    other[middle].words[0] ^= 1;
    assert!(std::panic::catch_unwind(|| assert_identical(undisturbed(), &other)).is_err());
}
