//! Parameters of axes, changed while the machine runs: what holds from the next move on, what is refused, what outlives
//! the daemon.

use motiond::client::Error;
use motiond::gateway::AxisState;
use serde_json::{Value, json};

use crate::held::{Held, until};

const VELOCITY: &str = "axis.x.limits.max-velocity-mm-per-s";

fn values(values: &[(&str, f64)]) -> Vec<Value> {
    values.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

impl Held {
    /// Gives a command that is refused; with a cycle, where it gets so far.
    fn refused(&mut self, interface: &str, method: &str, mut parameters: Value) -> Error {
        let mut machine = self.connect();
        parameters["lease"] = self.lease();
        let refused = std::thread::scope(|scope| {
            let asked = scope.spawn(|| machine.call(interface, method, parameters.clone()));
            until("the command waits for the cycle", || {
                (self.depth("commands") == 1 || asked.is_finished()).then_some(())
            });
            self.step();
            asked.join().unwrap().unwrap_err()
        });
        until("the gateway has looked", || (self.depth("commands") == 0).then_some(()));
        refused
    }

    fn set(&mut self, axis: &str, changes: &[(&str, f64)]) {
        self.command("Parameters", "Write", json!({ "axis": axis, "values": values(changes) }));
    }

    /// The value that a parameter has now.
    fn value(&self, name: &str) -> f64 {
        let listed = self.connect().call("Parameters", "List", json!({ "prefix": name, "max": 1 })).unwrap();
        listed["parameters"][0]["number"].as_f64().unwrap()
    }

    /// The highest velocity of x on a move to `position`.
    fn peak_of_move(&mut self, position: f64) -> f64 {
        self.command("Axis", "MoveAbsolute", json!({ "axis": "x", "position": position }));
        let mut peak: f64 = 0.0;
        for _ in 0..20_000 {
            self.step();
            peak = peak.max(self.snapshot.axes[0].velocity.abs());
            if self.snapshot.axes[0].state == AxisState::Standstill {
                return peak;
            }
        }
        panic!("the move does not end: {:?}", self.snapshot.axes[0]);
    }

    /// Powers the axis x alone.
    fn power_x(&mut self) {
        self.command("Axis", "Power", json!({ "axis": "x", "on": true }));
        self.run_until(5000, "x stands", |now| now.axes[0].state == AxisState::Standstill);
    }
}

#[test]
fn a_changed_velocity_limit_limits_the_next_move() {
    let mut held = Held::start();
    held.power_x();
    assert_eq!(held.peak_of_move(600.0), 800.0);
    held.set("x", &[("limits.max-velocity-mm-per-s", 150.0)]);
    assert_eq!(held.value(VELOCITY), 150.0);
    let peak = held.peak_of_move(200.0);
    assert!((149.9..=150.0).contains(&peak), "{peak}");
    let described = held.connect().call("Axis", "Describe", json!({})).unwrap();
    assert_eq!(described["axes"][0]["velocity_limit"], 150.0);
    held.set("x", &[(VELOCITY, 400.0)]);
    assert_eq!(held.peak_of_move(900.0), 400.0);
    held.end();
}

#[test]
fn what_is_refused_in_motion_changes_nothing() {
    let mut held = Held::start();
    held.power_x();
    held.command("Axis", "MoveAbsolute", json!({ "axis": "x", "position": 1000.0 }));
    held.run(200);
    // A window with it: all or nothing.
    let both = [("limits.max-velocity-mm-per-s", 150.0), ("in-position.window-mm", 0.5)];
    let error = held.refused("Parameters", "Write", json!({ "axis": "x", "values": values(&both) }));
    assert_eq!((error.short_name(), error.field("reason")), ("Refused", Some(&json!("NotAtRest"))), "{error:?}");
    let told = (error.field("axis"), error.field("state"), error.field("retryable"));
    assert_eq!(told, (Some(&json!("x")), Some(&json!("DiscreteMotion")), Some(&json!(true))));
    assert_eq!((held.value(VELOCITY), held.value("axis.x.in-position.window-mm")), (800.0, 0.02));
    held.set("x", &[("in-position.window-mm", 0.5)]);
    assert_eq!(held.value("axis.x.in-position.window-mm"), 0.5);
    held.run(100);
    assert_eq!(held.snapshot.axes[0].velocity, 800.0, "the move goes on as it was");
    held.run_until(20_000, "x stands", |now| now.axes[0].state == AxisState::Standstill);
    // The gains of y, in csv, only while it is disabled; not those of x, which has none.
    held.command("Axis", "Power", json!({ "axis": "y", "on": true }));
    held.run_until(5000, "y stands", |now| now.axes[1].state == AxisState::Standstill);
    let gain = json!({ "axis": "y", "values": values(&[("gains.position-per-s", 5.0)]) });
    let error = held.refused("Parameters", "Write", gain.clone());
    assert_eq!(error.field("reason"), Some(&json!("StillEnabled")), "{error:?}");
    held.command("Axis", "Power", json!({ "axis": "y", "on": false }));
    held.run(500);
    held.command("Parameters", "Write", gain);
    assert_eq!(held.value("axis.y.gains.position-per-s"), 5.0);
    held.end();
}

#[test]
fn values_that_do_not_fit_are_told_by_name_and_range() {
    let mut held = Held::start();
    let unfit: [(&str, f64, &str); 9] = [
        ("limits.max-velocity-mm-per-s", 0.0, "above 0"),
        ("limits.max-velocity-mm-per-s", 1e300, "1000000000"),
        ("limits.max-jerk-mm-per-s3", 1.0, "30 s"),
        ("limits.min-position-mm", 1200.0, "above min-position-mm"),
        ("in-position.window-mm", 11.0, "following-error window"),
        ("following-error.stale-cycles-tolerated", 2.5, "a whole number from 0 to 100"),
        ("limits.max-velocity", 100.0, "did you mean axis.x.limits.max-velocity-mm-per-s?"),
        ("mode", 8.0, "for the next start"),
        ("gains.position-per-s", 10.0, "the name of a parameter"),
    ];
    for (name, value, allowed) in unfit {
        let error = held.refused("Parameters", "Write", json!({ "axis": "x", "values": values(&[(name, value)]) }));
        let problem = &error.field("problems").unwrap_or(&Value::Null)[0];
        assert_eq!(error.short_name(), "Unfit", "{name} {value}: {error:?}");
        assert!(problem["allowed"].as_str().unwrap().contains(allowed), "{name} {value}: {problem}");
        assert!(problem["name"].as_str().unwrap().starts_with("axis.x."), "{name} {value}: {problem}");
    }
    assert_eq!(held.connect().call("Parameters", "Diff", json!({})).unwrap()["differences"], json!([]));
    held.end();
}

#[test]
fn what_is_persisted_holds_at_the_next_start_and_can_be_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parameters.toml");
    let mut held = Held::start_with(Some(folder.path()));
    held.set("x", &[("limits.max-velocity-mm-per-s", 150.0), ("limits.max-position-mm", 1000.5)]);
    let kept = held.connect().call("Parameters", "Persist", json!({})).unwrap();
    assert_eq!((&kept["file"], &kept["values"]), (&json!(file.display().to_string()), &json!(2)));
    // Set and not kept.
    held.set("x", &[("limits.max-velocity-mm-per-s", 300.0)]);
    held.end();

    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\naxis.x.limits.max-position-mm = 1000.5\n"), "{text}");
    let mut held = Held::start_with(Some(folder.path()));
    held.power_x();
    assert_eq!(held.peak_of_move(800.0), 150.0);
    let error = held.refused("Axis", "MoveAbsolute", json!({ "axis": "x", "position": 1001.0 }));
    assert_eq!((error.field("reason"), error.field("limit")), (Some(&json!("SoftLimit")), Some(&json!(1000.5))));
    held.set("x", &[("limits.max-velocity-mm-per-s", 300.0)]);
    held.command("Parameters", "RollBack", json!({ "axis": "x", "to": "persisted" }));
    assert_eq!(held.value(VELOCITY), 150.0);
    held.command("Parameters", "RollBack", json!({ "axis": "x", "to": "configured" }));
    assert_eq!((held.value(VELOCITY), held.value("axis.x.limits.max-position-mm")), (800.0, 1200.0));
    let differences = held.connect().call("Parameters", "Diff", json!({})).unwrap()["differences"].take();
    assert_eq!(differences.as_array().unwrap().len(), 2, "what is persisted stays so: {differences}");
    assert_eq!(held.peak_of_move(100.0), 800.0);
    held.connect().call("Parameters", "Persist", json!({})).unwrap();
    assert_eq!(held.connect().call("Parameters", "Diff", json!({})).unwrap()["differences"], json!([]));
    held.end();
    let held = Held::start_with(Some(folder.path()));
    assert_eq!(held.value(VELOCITY), 800.0);
    held.end();
}

#[test]
fn without_a_state_directory_nothing_is_kept_and_that_is_said() {
    let mut held = Held::start();
    held.set("x", &[("limits.max-velocity-mm-per-s", 150.0)]);
    let error = held.connect().call("Parameters", "Persist", json!({})).unwrap_err();
    assert_eq!(error.short_name(), "NotPersisted");
    assert_eq!(error.field("reason"), Some(&json!("NoStateDirectory")));
    assert!(error.hint().unwrap().contains("--state-directory"), "{error:?}");
    held.end();
}

#[test]
fn of_two_clients_only_the_holder_changes_anything_and_everybody_hears_of_it() {
    let mut held = Held::start();
    let (mut holder, mut other) = (held.connect(), held.connect());
    let lease = json!({ "axis": "x", "ttl_ms": 60_000, "on_loss": "finish", "holder": "one" });
    holder.call("Lease", "Acquire", lease).unwrap();
    let write = json!({ "axis": "x", "values": values(&[("in-position.window-mm", 0.5)]) });
    let error = other.call("Parameters", "Write", write).unwrap_err();
    assert_eq!((error.short_name(), error.field("holder")), ("LeaseHeld", Some(&json!("one"))));
    held.set("x", &[("in-position.window-mm", 0.5)]);
    let changed = until("the event", || {
        let events = other.call("Events", "Read", json!({})).ok()?;
        events["events"].as_array()?.iter().find(|event| event["kind"] == "parameters_changed").cloned()
    });
    assert_eq!((&changed["axis"], &changed["cycle"]), (&json!("x"), &json!(held.snapshot.machine.cycle)));
    held.end();
}
