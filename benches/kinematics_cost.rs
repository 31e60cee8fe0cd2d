//! What the transformations cost, in instructions, counted by `valgrind --tool=callgrind` as the difference of two run
//! lengths of this program.
//!
//! ```text
//! cargo bench --bench kinematics_cost       the table
//! ```

use std::hint::black_box;
use std::process::Command;

use motiond::kinematics::{
    Arm, ArmParameters, CoreXy, Gantry, Identity, Jet, Kinematics, LinearDelta, Scalar, Scara, Transformation,
};
use motiond::limits::MAX_GROUP_AXES;

#[path = "../tests/support/random.rs"]
mod support;

use support::Random;

const SEED: u64 = 20308;
/// Places of which a mean is taken.
const SAMPLE: usize = 2000;
/// What is done with each place.
const WORK: [&str; 5] = ["forward", "inverse", "derivatives", "jacobian", "conditioning"];

/// A machine and joints around which its places are.
struct Subject {
    name: &'static str,
    kinematics: Kinematics,
    middle: Vec<f64>,
    span: f64,
}

fn subjects() -> Vec<Subject> {
    let subject = |name, kinematics, middle: &[f64], span| Subject { name, kinematics, middle: middle.to_vec(), span };
    let arm = Arm::new(ArmParameters {
        a1: 25.0,
        a2: -35.0,
        b: 0.0,
        c1: 400.0,
        c2: 315.0,
        c3: 365.0,
        c4: 80.0,
        offsets: [0.0, -90.0, 0.0, 0.0, 0.0, 0.0],
        reversed: [true, false, false, true, false, true],
    });
    vec![
        subject("identity", Kinematics::new(Identity::new(3).unwrap(), 0).unwrap(), &[0.0; 3], 100.0),
        subject("gantry", Kinematics::new(Gantry::new(3, 0, 1, 0.5, 0.1).unwrap(), 0).unwrap(), &[0.0; 4], 100.0),
        subject("CoreXY", Kinematics::new(CoreXy::new(3, 0, 1).unwrap(), 0).unwrap(), &[0.0; 3], 100.0),
        subject("SCARA", Kinematics::new(Scara::new(300.0, 200.0).unwrap(), 0).unwrap(), &[0.0, 80.0, 0.0, 0.0], 60.0),
        subject(
            "linear delta",
            Kinematics::new(LinearDelta::regular(150.0, 300.0).unwrap(), 0).unwrap(),
            &[250.0; 3],
            40.0,
        ),
        subject("arm", Kinematics::new(arm.unwrap(), 0).unwrap(), &[0.0, -60.0, 90.0, 0.0, 50.0, 0.0], 30.0),
    ]
}

/// Runs inside valgrind: `rounds` times the work at each place.
fn measured(name: &str, work: &str, rounds: usize) {
    let subject = subjects().into_iter().find(|subject| subject.name == name).expect("a known machine");
    let kinematics = subject.kinematics;
    let (joints, coordinates) = (kinematics.joints(), kinematics.coordinates());
    let mut random = Random::new(SEED);
    let cases: Vec<(Vec<f64>, Vec<f64>)> = (0..SAMPLE)
        .map(|_| {
            let posture: Vec<f64> =
                subject.middle.iter().map(|middle| middle + subject.span * random.within(-1.0, 1.0)).collect();
            let mut tool = vec![0.0; coordinates];
            kinematics.forward(&posture, &mut tool).expect("a posture has a place");
            (posture, tool)
        })
        .collect();
    let (mut values, mut jets) = ([0.0; MAX_GROUP_AXES], [Jet::constant(0.0); MAX_GROUP_AXES]);
    for (posture, tool) in cases.iter().cycle().take(rounds * SAMPLE) {
        let (posture, tool) = (black_box(&posture[..]), black_box(&tool[..]));
        let done = match work {
            "forward" => kinematics.forward(posture, &mut values[..coordinates]),
            "inverse" => kinematics.inverse(tool, posture, &mut values[..joints]),
            "derivatives" => {
                let mut along = [Jet::constant(0.0); MAX_GROUP_AXES];
                for (number, value) in along.iter_mut().zip(tool) {
                    *number = Jet::new([*value, 1.0, 0.5, 0.25]);
                }
                kinematics.inverse(&along[..coordinates], posture, &mut jets[..joints])
            }
            "jacobian" => kinematics.jacobian(tool, posture).map(|jacobian| {
                black_box(jacobian);
            }),
            _ => kinematics.conditioning(posture).map(|conditioning| {
                black_box(conditioning);
            }),
        };
        done.expect("a place in reach");
        black_box((&values, &jets));
    }
}

/// Instructions of a whole run under callgrind.
fn instructions(name: &str, work: &str, rounds: usize) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["measured", name, work, &rounds.to_string()])
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let count = text.lines().find_map(|line| line.split_once("Collected :"));
    count.unwrap_or_else(|| panic!("no count from callgrind:\n{text}")).1.trim().parse().expect("a count")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [mode, name, work, rounds] = &arguments[..] {
        assert_eq!(mode, "measured");
        return measured(name, work, rounds.parse().expect("a number of rounds"));
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind is not installed (apt-get install valgrind)");
        return;
    }
    println!("seed {SEED}, instructions by callgrind, mean of {SAMPLE} places\n");
    println!("| machine | {} |", WORK.join(" | "));
    println!("|---|{}", "---:|".repeat(WORK.len()));
    for subject in subjects() {
        let costs = WORK.map(|work| {
            let more = instructions(subject.name, work, 3) - instructions(subject.name, work, 1);
            format!("{:.0}", more as f64 / (2 * SAMPLE) as f64)
        });
        println!("| {} | {} |", subject.name, costs.join(" | "));
    }
}
