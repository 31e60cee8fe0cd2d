//! Tool ↔ joints: where the joints of a machine are when its tool is somewhere, and the other way round. Pure: no I/O, no
//! clock, no allocation, no panic; each call does a bounded number of operations.
//!
//! **Units and frames.** Lengths in millimetres, angles in degrees, positive turns right-handed. The *tool* is given in
//! the machine's frame, which does not move: x, y, z as its file says, then a, b, c. Where a tool has an orientation, it is
//! R = Rz(c)·Ry(b)·Rx(a): turned by a about the fixed x axis, then by b about the fixed y axis, then by c about the fixed
//! z axis; or, the same, by c about z, by b about the new y, by a about the new x (ZYX intrinsic; roll, pitch and yaw as
//! LinuxCNC's serial robots have them; KUKA calls the same angles C, B and A). The *joints* are positions of axes, in
//! drive order of the group.
//!
//! | file | machine | joints |
//! |---|---|---|
//! | `identity` | axes along the coordinates | as many as coordinates |
//! | `gantry` | two motors on one axis, with an offset, beam out of square | one more |
//! | `corexy` | two motors on one belt | as many |
//! | `scara` | shoulder, elbow, z, rotation | 4 |
//! | `linear_delta` | three carriages on vertical towers | 3 |
//! | `arm` | six axes, ortho-parallel basis and spherical wrist | 6 |
//!
//! `scalar` and `series` are the numbers: every transformation is written once and reckons with plain numbers or with
//! exact derivatives along a path. `two_links` is what a SCARA and an arm share, `rotation` an orientation, `angle` the
//! turn that an angle is in. `tool` is the machine of a group with the names of its coordinates. `conditioning` tells how far a machine is from a singularity, `error` why it cannot be
//! somewhere. `tests/kinematics.rs` tries random machines over their workspaces; `cargo bench --bench kinematics_cost`
//! counts instructions.
//!
//! **Branches.** Where several postures reach a place the transformation stays on the branch that the present joint
//! position is on (elbow left or right …), and revolute joints take the turn that is nearest to it. A posture within
//! [`SINGULAR`] of where branches meet is on both; then the nearer one counts. So a path that keeps a distance
//! from singularities has joints without a jump. A path *through* a singularity has not: whoever plans it looks at
//! [`Transformation::conditioning`] and goes there slowly, or not at all.

mod angle;
mod arm;
mod conditioning;
mod corexy;
mod error;
mod gantry;
mod identity;
mod linear_delta;
mod rotation;
mod scalar;
mod scara;
mod series;
mod tool;
mod two_links;

pub use arm::{Arm, ArmParameters, Configuration, Elbow, SOLUTIONS, Shoulder, Wrist};
pub use conditioning::{Conditioning, SINGULAR, Singularity};
pub use corexy::CoreXy;
pub use error::{Origin, ParameterError, Unreachable};
pub use gantry::Gantry;
pub use identity::Identity;
pub use linear_delta::LinearDelta;
pub use scalar::Scalar;
pub use scara::Scara;
pub use series::{Dual, Jet, Series};
pub use tool::{Coordinate, GroupTool};

use crate::limits::{MAX_GROUP_AXES, MAX_POSITION};

/// ∂joint/∂coordinate as `[joint][coordinate]`; what the machine does not have is 0.
pub type Jacobian = [[f64; MAX_GROUP_AXES]; MAX_GROUP_AXES];

/// A machine's way between tool and joints.
///
/// Its numbers are `f64`, or [`Jet`]s, which carry three derivatives with respect to path length: given those of the
/// tool, `inverse` yields those of the joints, and so what velocity, acceleration and jerk along the path ask of each
/// joint. After an error the output holds nothing of use.
pub trait Transformation {
    /// Number of joints.
    fn joints(&self) -> usize;

    /// Number of tool coordinates.
    fn coordinates(&self) -> usize;

    /// [`Transformation::forward`] of checked values.
    fn tool_at<S: Scalar>(&self, joints: &[S], tool: &mut [S]) -> Result<(), Unreachable>;

    /// [`Transformation::inverse`] of checked values.
    fn joints_at<S: Scalar>(&self, tool: &[S], near: &[f64], joints: &mut [S]) -> Result<(), Unreachable>;

    /// [`Transformation::conditioning`] of checked values.
    fn conditioning_at(&self, joints: &[f64]) -> Conditioning;

    /// Where the tool is with these joints. Its angles are -180° to 180° where they follow from a posture.
    fn forward<S: Scalar>(&self, joints: &[S], tool: &mut [S]) -> Result<(), Unreachable> {
        checked("joint position", joints, self.joints())?;
        counted("tool coordinate", tool, self.coordinates())?;
        self.tool_at(joints, tool)
    }

    /// Where the joints are with this tool: on the branch of `near` (the present joint position), and in the turn next to
    /// it. Derivatives are refused within [`SINGULAR`] of a singularity.
    fn inverse<S: Scalar>(&self, tool: &[S], near: &[f64], joints: &mut [S]) -> Result<(), Unreachable> {
        checked("tool coordinate", tool, self.coordinates())?;
        checked("joint position", near, self.joints())?;
        counted("joint position", joints, self.joints())?;
        self.joints_at(tool, near, joints)?;
        if S::ORDER == 0 {
            return Ok(());
        }
        let mut values = [0.0; MAX_GROUP_AXES];
        values.iter_mut().zip(joints.iter()).for_each(|(value, joint)| *value = joint.value());
        let conditioning = self.conditioning_at(values.get(..joints.len()).unwrap_or(&values));
        match conditioning.nearest {
            Some(singularity) if conditioning.distance < SINGULAR || !joints.iter().all(|joint| joint.is_finite()) => {
                Err(Unreachable::Singular { singularity, distance: conditioning.distance, lowest: SINGULAR })
            }
            _ => Ok(()),
        }
    }

    /// How far the posture is from a singularity, and from which.
    fn conditioning(&self, joints: &[f64]) -> Result<Conditioning, Unreachable> {
        checked("joint position", joints, self.joints())?;
        Ok(self.conditioning_at(joints))
    }

    /// How the joints move with each tool coordinate: one `inverse` a coordinate.
    fn jacobian(&self, tool: &[f64], near: &[f64]) -> Result<Jacobian, Unreachable> {
        checked("tool coordinate", tool, self.coordinates())?;
        let mut jacobian = [[0.0; MAX_GROUP_AXES]; MAX_GROUP_AXES];
        let mut along = [Dual::constant(0.0); MAX_GROUP_AXES];
        let mut joints = [Dual::constant(0.0); MAX_GROUP_AXES];
        let (Some(along), Some(joints)) = (along.get_mut(..tool.len()), joints.get_mut(..self.joints())) else {
            return Err(error::wrong_count("tool coordinate", tool.len(), MAX_GROUP_AXES));
        };
        // At most MAX_GROUP_AXES times as many.
        for coordinate in 0..tool.len() {
            for (index, (number, value)) in along.iter_mut().zip(tool).enumerate() {
                *number = Dual::new([*value, if index == coordinate { 1.0 } else { 0.0 }]);
            }
            self.inverse(along, near, joints)?;
            for (row, joint) in jacobian.iter_mut().zip(joints.iter()) {
                let [_, slope] = joint.derivatives();
                row[coordinate] = slope;
            }
        }
        Ok(jacobian)
    }
}

/// As many values as the machine has.
fn counted<S>(what: &'static str, values: &[S], expected: usize) -> Result<(), Unreachable> {
    if values.len() == expected { Ok(()) } else { Err(error::wrong_count(what, values.len(), expected)) }
}

/// As many values as the machine has, all of them in range.
fn checked<S: Scalar>(what: &'static str, values: &[S], expected: usize) -> Result<(), Unreachable> {
    counted(what, values, expected)?;
    match values.iter().position(|value| !value.is_finite() || value.value().abs() > MAX_POSITION) {
        Some(index) => Err(Unreachable::Range { what, index, found: values[index].value(), highest: MAX_POSITION }),
        None => Ok(()),
    }
}

/// The machines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Machine {
    /// Axes along the coordinates.
    Identity(Identity),
    /// Two motors on one axis.
    Gantry(Gantry),
    /// Two motors on one belt.
    CoreXy(CoreXy),
    /// Shoulder, elbow, z, rotation.
    Scara(Scara),
    /// Three carriages on vertical towers.
    LinearDelta(LinearDelta),
    /// Six axes with a spherical wrist.
    Arm(Arm),
}

macro_rules! each {
    ($machine:expr, $inner:ident => $what:expr) => {
        match $machine {
            Machine::Identity($inner) => $what,
            Machine::Gantry($inner) => $what,
            Machine::CoreXy($inner) => $what,
            Machine::Scara($inner) => $what,
            Machine::LinearDelta($inner) => $what,
            Machine::Arm($inner) => $what,
        }
    };
}

macro_rules! from {
    ($($type:ident),*) => { $(
        impl From<$type> for Machine {
            fn from(machine: $type) -> Machine {
                Machine::$type(machine)
            }
        }
    )* };
}
from!(Identity, Gantry, CoreXy, Scara, LinearDelta, Arm);

/// A machine, and further axes behind its joints that are coordinates themselves (the extruder of a printer, the rail
/// or the turntable of a cell).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kinematics {
    machine: Machine,
    further: usize,
}

impl Kinematics {
    /// `machine` with `further` axes behind it.
    ///
    /// # Errors
    /// More joints than [`MAX_GROUP_AXES`].
    pub fn new(machine: impl Into<Machine>, further: usize) -> Result<Kinematics, ParameterError> {
        let machine = machine.into();
        let own = each!(machine, machine => machine.joints());
        error::within("the number of further axes", further as f64, 0.0, (MAX_GROUP_AXES - own) as f64)?;
        Ok(Kinematics { machine, further })
    }

    /// The machine without its further axes.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    fn own(&self) -> (usize, usize) {
        each!(&self.machine, machine => (machine.joints(), machine.coordinates()))
    }
}

/// Both parts of `values`: the machine's `own`, and the further ones.
fn parted<'a, S>(what: &'static str, values: &'a [S], own: usize) -> Result<(&'a [S], &'a [S]), Unreachable> {
    values.split_at_checked(own).ok_or(error::wrong_count(what, values.len(), own))
}

fn parted_mut<'a, S>(
    what: &'static str,
    values: &'a mut [S],
    own: usize,
) -> Result<(&'a mut [S], &'a mut [S]), Unreachable> {
    let found = values.len();
    values.split_at_mut_checked(own).ok_or(error::wrong_count(what, found, own))
}

/// Copies what both have.
fn pass<S: Copy>(from: &[S], to: &mut [S]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

impl Transformation for Kinematics {
    fn joints(&self) -> usize {
        self.own().0 + self.further
    }

    fn coordinates(&self) -> usize {
        self.own().1 + self.further
    }

    fn tool_at<S: Scalar>(&self, joints: &[S], tool: &mut [S]) -> Result<(), Unreachable> {
        let (own_joints, own_coordinates) = self.own();
        let (joints, further) = parted("joint position", joints, own_joints)?;
        let (tool, places) = parted_mut("tool coordinate", tool, own_coordinates)?;
        pass(further, places);
        each!(&self.machine, machine => machine.tool_at(joints, tool))
    }

    fn joints_at<S: Scalar>(&self, tool: &[S], near: &[f64], joints: &mut [S]) -> Result<(), Unreachable> {
        let (own_joints, own_coordinates) = self.own();
        let (tool, further) = parted("tool coordinate", tool, own_coordinates)?;
        let (near, _) = parted("joint position", near, own_joints)?;
        let (joints, places) = parted_mut("joint position", joints, own_joints)?;
        pass(further, places);
        each!(&self.machine, machine => machine.joints_at(tool, near, joints))
    }

    fn conditioning_at(&self, joints: &[f64]) -> Conditioning {
        let (own, _) = self.own();
        let joints = joints.get(..own).unwrap_or(joints);
        each!(&self.machine, machine => machine.conditioning_at(joints))
    }
}

#[cfg(test)]
mod tests;
