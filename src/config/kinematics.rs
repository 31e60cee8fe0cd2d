//! The tables of a group's kinematics: a part of the [`super::schema`].

use super::key::Kind::*;
use super::key::Presence::{Default, Optional, Required};
use super::section::{sections, words};
use crate::limits::MAX_GROUP_AXES;

/// Longest link, mm.
const LONG: f64 = 100_000.0;

words! {
    /// What sort of machine the axes of a group make.
    KinematicsWord {
        /// Each axis is a coordinate.
        Cartesian = "cartesian",
        /// Two motors on one coordinate.
        Gantry = "gantry",
        /// Two motors on one belt.
        CoreXy = "corexy",
        /// Shoulder, elbow, quill, rotation.
        Scara = "scara",
        /// Three carriages on vertical towers.
        LinearDelta = "linear-delta",
        /// Six axes with a spherical wrist.
        Arm = "arm",
    }
}

sections! {
    /// What the tool of a group does when its axes move; left out, the axes are the coordinates of the tool.
    GroupKinematics = "group.kinematics" {
        /// The machine; its joints are the first axes of the group, in their order, and the further ones are coordinates themselves.
        machine: KinematicsWord = "type", Choice(KinematicsWord::WORDS), Required, Restart;
        /// Names of the tool's coordinates, those of the further axes behind them.
        coordinates: Option<Vec<String>> = "coordinates", Names(MAX_GROUP_AXES), Optional("x, y, z (a SCARA c behind them, an arm a, b, c), then the names of further axes; of the other machines the names of the axes"), Restart;
        tables {
            /// Two motors on one coordinate.
            gantry: Option<GantrySection> = "gantry";
            /// Two motors on one belt.
            corexy: Option<CoreXySection> = "corexy";
            /// A SCARA arm.
            scara: Option<ScaraSection> = "scara";
            /// A linear delta.
            delta: Option<DeltaSection> = "linear-delta";
            /// A six-axis arm.
            arm: Option<ArmSection> = "arm";
        }
    }

    /// Two motors on one coordinate; the second motor is the axis behind those of the coordinates.
    GantrySection = "group.kinematics.gantry" {
        /// The coordinate with two motors.
        driven: String = "driven", Name, Required, Restart;
        /// The coordinate along the beam.
        beam: String = "beam", Name, Required, Restart;
        /// By how much the second motor is ahead of the first where the beam stands as it shall.
        offset: f64 = "offset-mm", Number(-1000.0, 1000.0), Default("0"), Restart;
        /// How far the beam leans, from square towards the driven coordinate.
        skew: f64 = "skew-deg", Number(-30.0, 30.0), Default("0"), Restart;
    }

    /// Two motors on one belt: the first pulls along the sum of two coordinates, the second along their difference.
    CoreXySection = "group.kinematics.corexy" {
        /// The two coordinates.
        belt: Vec<String> = "belt", Names(2), Required, Restart;
    }

    /// A SCARA arm: shoulder, elbow, quill, rotation.
    ScaraSection = "group.kinematics.scara" {
        /// From shoulder to elbow.
        upper_arm: f64 = "upper-arm-mm", Number(0.1, LONG), Required, Restart;
        /// From elbow to quill.
        forearm: f64 = "forearm-mm", Number(0.1, LONG), Required, Restart;
    }

    /// A linear delta: carriages on towers at 210, 330 and 90 degrees around the origin.
    DeltaSection = "group.kinematics.linear-delta" {
        /// From the joints of the effector out to those of the carriages, horizontally, with the tool at the origin.
        radius: f64 = "radius-mm", Number(1.0, LONG), Required, Restart;
        /// The rods, from joint to joint.
        rod: f64 = "rod-mm", Number(1.0, LONG), Required, Restart;
    }

    /// A six-axis arm, upright with all its angles at 0.
    ArmSection = "group.kinematics.arm" {
        /// Axis 2 before axis 1.
        a1: f64 = "a1-mm", Number(-LONG, LONG), Default("0"), Restart;
        /// The wrist's centre before axis 3; below 0 on most arms.
        a2: f64 = "a2-mm", Number(-LONG, LONG), Default("0"), Restart;
        /// The wrist's centre beside axis 1.
        b: f64 = "b-mm", Number(-LONG, LONG), Default("0"), Restart;
        /// Axis 2 above the base.
        c1: f64 = "c1-mm", Number(-LONG, LONG), Required, Restart;
        /// Axis 3 above axis 2.
        c2: f64 = "c2-mm", Number(0.1, LONG), Required, Restart;
        /// The wrist's centre above axis 3.
        c3: f64 = "c3-mm", Number(-LONG, LONG), Required, Restart;
        /// The flange above the wrist's centre.
        c4: f64 = "c4-mm", Number(-LONG, LONG), Required, Restart;
        /// What the axes show with the arm upright.
        offsets: Option<Vec<f64>> = "offsets-deg", Numbers(6, -360.0, 360.0), Optional("all 0"), Restart;
        /// Axes that count the other way round.
        reversed: Option<Vec<String>> = "reversed", Names(6), Optional("none"), Restart;
    }
}
