//! Paths along the end of what the axes may reach.

use motiond::client::Ended;
use motiond::gateway::GroupState;
use serde_json::{Value, json};

use crate::held::Held;
use crate::path_acts::run_until;
use crate::paths::{Program, assert_within_limits};

/// y ends at 0.
const LOWEST: f64 = 0.0;
/// What is no violation in motion, mm.
const SLACK: f64 = 1e-3;

fn append(program: &mut Program, method: &str, corner: &Value, mut parameters: Value) {
    (parameters["feed"], parameters["corner"]) = (json!(400.0), corner.clone());
    let parameters = program.with(parameters);
    program.machine.call("Path", method, parameters).unwrap();
}

#[test]
fn a_path_along_a_soft_limit_is_followed_to_its_end_however_its_corners_are_rounded() {
    let mut held = Held::start();
    held.power_up();
    for corner in [
        json!({ "mode": "exact" }),
        json!({ "mode": "tolerance", "linear": 0.02 }),
        json!({ "mode": "tolerance", "linear": 20.0 }),
        json!({ "mode": "distance", "distance": 6.0 }),
    ] {
        let mut program = Program::begin(&mut held);
        for (x, y) in [(400.0, 100.0), (100.0, 100.0)] {
            append(&mut program, "Lines", &corner, json!({ "points": [x, y, 0.0] }));
        }
        append(&mut program, "Arc", &corner, json!({ "end": [200.0, LOWEST, 0.0], "centre": [200.0, 100.0, 0.0] }));
        append(&mut program, "Lines", &corner, json!({ "points": [300.0, LOWEST, 0.0] }));
        append(&mut program, "Arc", &corner, json!({ "end": [320.0, 20.0, 0.0], "centre": [300.0, 20.0, 0.0] }));
        program.end();
        program.planned();
        let frames = run_until(&mut held, "it has ended", |now| now.groups[0].state != GroupState::GroupMoving);
        assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Done, "{corner}");
        assert_within_limits(&held, &frames);
        let lowest = frames.iter().map(|frame| frame.axes[1].setpoint).fold(f64::INFINITY, f64::min);
        assert!((LOWEST - SLACK..LOWEST + SLACK).contains(&lowest), "{corner}: {lowest}");
    }
    held.end();
}
