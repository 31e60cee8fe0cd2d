//! The coordinates that programs of a group are in, and where its tool is in them.

use serde_json::{Map, Value, json};

use super::context::Context;
use super::failure::{Failure, fields};
use crate::gateway::{GroupDescription, MachineDescription, Snapshot};
use crate::ids::GroupId;
use crate::kinematics::{GroupTool, Unreachable};
use crate::planner::{Astray, PathFault};

/// Name and unit of each coordinate: those of the tool, or the axes.
pub fn coordinates(context: &Context, group: GroupId) -> Vec<(&str, &'static str)> {
    let machine = context.gateway.description();
    let group = &machine.groups[group.index()];
    match &group.tool {
        Some(tool) => tool.coordinates.iter().map(|of| (of.name.as_str(), of.unit.symbol())).collect(),
        None => {
            let axes = group.axes.iter().map(|axis| &machine.axes[axis.index()]);
            axes.map(|axis| (axis.name.as_str(), axis.unit.symbol())).collect()
        }
    }
}

/// Where the tool of a group is, by what is measured and by what is asked for; nothing for a group whose axes are its coordinates, or
/// while its angles are undecided.
pub fn status(group: &GroupDescription, snapshot: &Snapshot) -> Option<Value> {
    let tool = group.tool.as_ref()?;
    let place = |of: fn(&crate::gateway::AxisSnapshot) -> f64| {
        let joints: Vec<f64> = group.axes.iter().map(|axis| of(&snapshot.axes[axis.index()])).collect();
        tool.place(&joints)
    };
    let (actual, setpoint) = (place(|axis| axis.actual)?, place(|axis| axis.setpoint)?);
    let coordinate = |(place, of): (usize, &crate::kinematics::Coordinate)| json!({ "name": of.name, "unit": of.unit.symbol(), "actual": actual[place], "setpoint": setpoint[place] });
    Some(tool.coordinates.iter().enumerate().map(coordinate).collect())
}

/// What a group's tool is.
pub fn description(machine: &MachineDescription, group: &GroupDescription) -> Value {
    let coordinate = |name: &str, unit: &str| json!({ "name": name, "unit": unit });
    match &group.tool {
        Some(tool) => tool.coordinates.iter().map(|of| coordinate(&of.name, of.unit.symbol())).collect(),
        None => {
            let axes = group.axes.iter().map(|axis| &machine.axes[axis.index()]);
            axes.map(|axis| coordinate(&axis.name, axis.unit.symbol())).collect()
        }
    }
}

/// A tool that is nowhere that could be told.
pub fn nowhere(context: &Context, group: GroupId, why: &Unreachable) -> Failure {
    let mut refused = fields(json!({
        "group": context.gateway.description().groups[group.index()].name,
        "hint": format!("where the tool is cannot be told: {why}; move the axes one by one"), "retryable": false
    }));
    unreachable(&mut refused, why);
    Failure::Own("Refused", refused)
}

/// A straight line of axes that are no coordinates of the tool.
pub fn no_straight_line(group: &GroupDescription, tool: &GroupTool) -> Failure {
    let hint = format!(
        "the axes of a group of type \"{}\" are no coordinates of its tool: give a line as a path (io.motiond.v1.Path, motionctl path), \
         or move the axes with MoveDirect",
        tool.word()
    );
    let refused = json!({ "reason": "Kinematics", "group": group.name, "hint": hint, "retryable": false });
    Failure::Own("Refused", fields(refused))
}

/// What an element that the machine cannot follow is refused with.
pub fn astray(context: &Context, group: GroupId, astray: &Astray, refused: &mut Map<String, Value>) {
    let coordinates = coordinates(context, group);
    let at = &astray.at[..coordinates.len()];
    let places: Vec<String> =
        coordinates.iter().zip(at).map(|((name, unit), value)| format!("{name} {value:.3} {unit}")).collect();
    refused.insert("hint".into(), json!(format!("{}; at {}", astray.fault, places.join(", "))));
    refused.insert("at".into(), json!(at));
    match &astray.fault {
        PathFault::Unreachable(why) => unreachable(refused, why),
        PathFault::SoftLimit { joint, found, allowed } => {
            let machine = context.gateway.description();
            let axis = &machine.axes[machine.groups[group.index()].axes[*joint].index()];
            let figures = json!({
                "reason": "SoftLimit", "axis": axis.name, "requested": found, "limit": allowed, "unit": axis.unit.symbol()
            });
            refused.extend(fields(figures));
        }
        PathFault::Bent(_) => drop(refused.insert("reason".into(), json!("Singular"))),
    }
}

fn unreachable(refused: &mut Map<String, Value>, why: &Unreachable) {
    let figures = match why {
        Unreachable::Singular { distance, lowest, .. } => json!({
            "reason": "Singular", "requested": distance, "limit": lowest, "unit": "of the best posture's distance"
        }),
        Unreachable::Reach { found, lowest, highest, .. } => {
            let limit = if found > highest { highest } else { lowest };
            json!({ "reason": "OutOfReach", "requested": found, "limit": limit, "unit": "mm" })
        }
        Unreachable::Range { found, highest, .. } => {
            json!({ "reason": "NotFinite", "requested": found, "limit": highest })
        }
        _ => json!({ "reason": "OutOfReach" }),
    };
    refused.extend(fields(figures));
}
