//! The machine that the axes of a group make.

use super::axes;
use crate::config::kinematics::{GroupKinematics, KinematicsWord};
use crate::config::reader::{At, Place, Reader};
use crate::config::schema::Axis;
use crate::kinematics::{
    Arm, ArmParameters, Coordinate, CoreXy, Gantry, GroupTool, Identity, Kinematics, LinearDelta, Machine,
    ParameterError, Scara,
};
use crate::units::AxisUnit::{self, Degree, Millimetre};

/// A machine, what its joints and its coordinates count in, and what these are called.
struct Made {
    machine: Machine,
    joints: Vec<AxisUnit>,
    coordinates: Vec<Coordinate>,
}

/// The tool of a group with these axes, if nothing is wrong with it; the reader knows what is.
pub fn tool(reader: &mut Reader<'_>, group: &GroupKinematics, axes: &Place, joints: &[&Axis]) -> Option<GroupTool> {
    only_own(reader, group);
    let made = made(reader, group, axes, joints)?;
    let own = made.joints.len();
    if joints.len() < own {
        let found = format!("{} axes", joints.len());
        reader.report_found(axes, found, format!("{own} axes at least, for type \"{}\"", group.machine.word()));
        return None;
    }
    let mut fits = true;
    for (place, (axis, unit)) in joints.iter().zip(&made.joints).enumerate() {
        let found = axes::unit(axis);
        if found != *unit {
            let (found, allowed) = (kind(found), kind(*unit));
            let found = format!("axis \"{}\", which is {found}", *axis.name);
            let allowed = format!("a {allowed} axis as joint {} of type \"{}\"", place + 1, group.machine.word());
            reader.report_found(axes, found, allowed);
            fits = false;
        }
    }
    let further = joints.len() - own;
    let mut coordinates = made.coordinates;
    coordinates.extend(joints.iter().skip(own).map(|axis| of_axis(axis)));
    if let Some(names) = group.coordinates.as_ref() {
        if names.len() != coordinates.len() {
            let found = format!("{} names", names.len());
            let allowed = format!("{}: one for each coordinate of the tool", coordinates.len());
            reader.report_found(&group.coordinates.place, found, allowed);
            return None;
        }
        coordinates.iter_mut().zip(names).for_each(|(coordinate, name)| coordinate.name = name.clone());
    }
    for (place, coordinate) in coordinates.iter().enumerate() {
        if coordinates[..place].iter().any(|before| before.name == coordinate.name) {
            let found = format!("two coordinates \"{}\"", coordinate.name);
            reader.report_found(&group.coordinates.place, found, "a name of its own for each coordinate");
            fits = false;
        }
    }
    match Kinematics::new(made.machine, further) {
        Ok(kinematics) => fits.then_some(GroupTool { kinematics, coordinates }),
        Err(error) => refused(reader, &group.place, &error),
    }
}

fn kind(unit: AxisUnit) -> &'static str {
    if unit == Millimetre { "linear" } else { "rotary" }
}

fn of_axis(axis: &Axis) -> Coordinate {
    Coordinate { name: axis.name.value.clone(), unit: axes::unit(axis) }
}

fn named(names: &[&str], units: &[AxisUnit]) -> Vec<Coordinate> {
    names.iter().zip(units).map(|(name, unit)| Coordinate { name: (*name).to_string(), unit: *unit }).collect()
}

fn refused<T>(reader: &mut Reader<'_>, place: &Place, error: &ParameterError) -> Option<T> {
    reader.report_found(place, format!("a machine that cannot be: {error}"), "dimensions of one that can be built");
    None
}

/// Tables of another machine than the one that is named.
fn only_own(reader: &mut Reader<'_>, group: &GroupKinematics) {
    use KinematicsWord::{Arm, CoreXy, Gantry, LinearDelta, Scara};
    let written = [
        (Gantry, group.gantry.as_ref().map(|section| &section.place)),
        (CoreXy, group.corexy.as_ref().map(|section| &section.place)),
        (Scara, group.scara.as_ref().map(|section| &section.place)),
        (LinearDelta, group.delta.as_ref().map(|section| &section.place)),
        (Arm, group.arm.as_ref().map(|section| &section.place)),
    ];
    for (word, place) in written {
        let Some(place) = place.filter(|_| word != *group.machine) else { continue };
        let found = format!("dimensions of type \"{}\"", word.word());
        reader.report_found(place, found, format!("none but those of type \"{}\"", group.machine.word()));
    }
}

/// The table of the machine that is named.
fn wanted<'s, T>(reader: &mut Reader<'_>, group: &GroupKinematics, section: &'s Option<T>) -> Option<&'s T> {
    if section.is_none() {
        let word = group.machine.word();
        reader.report_found(&group.place, "no dimensions", format!("a table [group.kinematics.{word}]"));
    }
    section.as_ref()
}

fn made(reader: &mut Reader<'_>, group: &GroupKinematics, axes: &Place, joints: &[&Axis]) -> Option<Made> {
    let built = match *group.machine {
        KinematicsWord::Cartesian => {
            let coordinates: Vec<Coordinate> = joints.iter().map(|axis| of_axis(axis)).collect();
            let joints = coordinates.iter().map(|coordinate| coordinate.unit).collect();
            Identity::new(coordinates.len()).map(|machine| Made { machine: machine.into(), joints, coordinates })
        }
        KinematicsWord::Gantry => {
            let section = wanted(reader, group, &group.gantry)?;
            let Some((_, own)) = joints.split_last() else {
                reader.report(axes, "3 axes at least");
                return None;
            };
            let coordinates: Vec<Coordinate> = own.iter().map(|axis| of_axis(axis)).collect();
            let driven = coordinate(reader, group, &coordinates, &section.driven.place, &section.driven)?;
            let beam = coordinate(reader, group, &coordinates, &section.beam.place, &section.beam)?;
            let mut units: Vec<AxisUnit> = coordinates.iter().map(|coordinate| coordinate.unit).collect();
            (units[driven], units[beam]) = (Millimetre, Millimetre);
            units.push(Millimetre);
            Gantry::new(coordinates.len(), driven, beam, *section.offset, *section.skew).map(|machine| Made {
                machine: machine.into(),
                joints: units,
                coordinates,
            })
        }
        KinematicsWord::CoreXy => {
            let section = wanted(reader, group, &group.corexy)?;
            let coordinates: Vec<Coordinate> = joints.iter().map(|axis| of_axis(axis)).collect();
            let [first, second] = &section.belt[..] else {
                reader.report(&section.belt.place, "two coordinates");
                return None;
            };
            let first = coordinate(reader, group, &coordinates, &section.belt.place, first)?;
            let second = coordinate(reader, group, &coordinates, &section.belt.place, second)?;
            let mut units: Vec<AxisUnit> = coordinates.iter().map(|coordinate| coordinate.unit).collect();
            (units[first], units[second]) = (Millimetre, Millimetre);
            CoreXy::new(coordinates.len(), first, second).map(|machine| Made {
                machine: machine.into(),
                joints: units,
                coordinates,
            })
        }
        KinematicsWord::Scara => {
            let section = wanted(reader, group, &group.scara)?;
            let coordinates = named(&["x", "y", "z", "c"], &[Millimetre, Millimetre, Millimetre, Degree]);
            Scara::new(*section.upper_arm, *section.forearm).map(|machine| Made {
                machine: machine.into(),
                joints: vec![Degree, Degree, Millimetre, Degree],
                coordinates,
            })
        }
        KinematicsWord::LinearDelta => {
            let section = wanted(reader, group, &group.delta)?;
            let coordinates = named(&["x", "y", "z"], &[Millimetre; 3]);
            LinearDelta::regular(*section.radius, *section.rod).map(|machine| Made {
                machine: machine.into(),
                joints: vec![Millimetre; 3],
                coordinates,
            })
        }
        KinematicsWord::Arm => {
            let section = wanted(reader, group, &group.arm)?;
            let mut offsets = [0.0; 6];
            offsets.iter_mut().zip(section.offsets.iter().flatten()).for_each(|(to, from)| *to = *from);
            let mut reversed = [false; 6];
            for name in section.reversed.iter().flatten() {
                let place = joints.iter().take(6).position(|axis| *axis.name == *name);
                let Some(place) = place else {
                    let found = format!("\"{name}\"");
                    reader.report_found(&section.reversed.place, found, "one of the first six axes of the group");
                    return None;
                };
                reversed[place] = true;
            }
            let (a1, a2, b) = (*section.a1, *section.a2, *section.b);
            let (c1, c2, c3, c4) = (*section.c1, *section.c2, *section.c3, *section.c4);
            let parameters = ArmParameters { a1, a2, b, c1, c2, c3, c4, offsets, reversed };
            let units = [[Millimetre; 3], [Degree; 3]].concat();
            let coordinates = named(&["x", "y", "z", "a", "b", "c"], &units);
            Arm::new(parameters).map(|machine| Made { machine: machine.into(), joints: vec![Degree; 6], coordinates })
        }
    };
    built.map_or_else(|error| refused(reader, &group.place, &error), Some)
}

/// Which coordinate has this name: one of those that are given, or else of the axes'.
fn coordinate(
    reader: &mut Reader<'_>,
    group: &GroupKinematics,
    coordinates: &[Coordinate],
    place: &Place,
    name: &str,
) -> Option<usize> {
    let given: &At<Option<Vec<String>>> = &group.coordinates;
    let names: Vec<&str> = match given.as_ref() {
        Some(names) => names.iter().map(String::as_str).take(coordinates.len()).collect(),
        None => coordinates.iter().map(|coordinate| coordinate.name.as_str()).collect(),
    };
    let found = names.iter().position(|known| *known == name);
    if found.is_none() {
        reader.report_found(place, format!("\"{name}\""), format!("a coordinate of the tool: {}", names.join(", ")));
    }
    found
}
