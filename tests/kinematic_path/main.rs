//! Random programs for all machines, in coordinates of their tools: the limits of every joint and of the tool at every instant, the
//! tool within its tolerance, through and past singularities (`MOTIOND_CASES`, `MOTIOND_SEED`).

#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "what is no number is wrong, too")]

mod case;
mod follow;
mod known;
#[path = "../support/random.rs"]
mod support;

/// What is looked at.
mod subject {
    pub use motiond::geometry::Arc;
    pub use motiond::kinematics::{
        Arm, ArmParameters, CoreXy, Gantry, Identity, Jet, Kinematics, LinearDelta, Machine, Scalar, Scara,
        Singularity, Transformation,
    };
    pub use motiond::limits::{EXACT_PATH_MM, JOINT_SHARE, LEAST_CONDITIONING, MAX_GROUP_AXES};
    pub use motiond::motion::Limits;
    pub use motiond::motion::path::PathMotion;
    pub use motiond::planner::program::{Caps, Corner, Element, Feed, Point, Shape};
    pub use motiond::planner::{Mechanism, PathAxes, PathFault, PathOrder, Planner, Slowed, Walk};
    pub use motiond::units::AxisUnit;
}

use case::{Case, MACHINES};
use follow::{Followed, follow};
use support::{Random, cases, seed};

#[test]
fn joints_and_tool_keep_their_limits_and_the_tool_its_path() {
    campaign(cases(60), seed(7_301));
}

fn campaign(count: usize, seed: u64) {
    let (mut failed, mut refused, mut cycles) = (Vec::new(), [0; MACHINES.len()], 0);
    let mut peaks = [0.0_f64; 6];
    for index in 0..count {
        let mut random = Random::new(seed ^ (index as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93));
        let which = index % MACHINES.len();
        let case = Case::any(&mut random, which);
        match follow(&case, &mut random) {
            Ok(Followed { cycles: passed, obstacle, peaks: found }) => {
                cycles += passed;
                refused[which] += usize::from(obstacle.is_some());
                peaks.iter_mut().zip(found).for_each(|(peak, found)| *peak = peak.max(found));
            }
            Err(what) => failed.push(format!("seed {seed} case {index}, {}: {what}", MACHINES[which])),
        }
    }
    println!("{count} cases, {cycles} cycles, refused on the way {MACHINES:?} {refused:?}");
    println!("most used of joints' and tool's velocity, acceleration and jerk: {peaks:.4?}");
    assert!(failed.is_empty(), "{} of {count}:\n{}", failed.len(), failed.join("\n"));
}
