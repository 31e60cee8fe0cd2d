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
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| machine.call(interface, method, parameters.clone()));
            until("the command waits for the cycle", || {
                (self.depth("commands") == 1 || asked.is_finished()).then_some(())
            });
            self.step();
            asked.join().unwrap().unwrap_err()
        })
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
