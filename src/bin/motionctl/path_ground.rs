//! What can be known of a machine before a path is begun on it: its soft limits, and where the path would begin.

use motiond::client::Error;
use motiond::path_file::PathGroup;
use motiond::planner::program::Point;
use motiond::programs::Ground;
use serde_json::{Value, json};

use crate::shell::Shell;

/// What elements can be checked against, and where the machine is when they begin.
pub struct Known {
    pub ground: Ground,
    /// `None` where that is not known yet, as of a group that moves.
    pub at: Option<Point>,
}

/// What is known of a group; nothing of one whose joints are no coordinates, of which the daemon judges.
///
/// # Errors
/// The daemon does not tell.
pub fn known(shell: &mut Shell, name: &str, group: &PathGroup) -> Result<Option<Known>, Error> {
    let groups = shell.machine.all("Group", "Describe")?;
    let described = groups.iter().find(|described| described["name"] == name);
    if described.is_none_or(|described| !described["kinematics"].is_null()) {
        return Ok(None);
    }
    let axes = shell.machine.all("Axis", "Describe")?;
    let soft_limits = group.axes().iter().map(|member| {
        let axis = axes.iter().find(|axis| axis["name"] == member.name)?;
        axis["minimum"].as_f64().zip(axis["maximum"].as_f64())
    });
    let soft_limits = soft_limits.collect();
    let order = group.order().clone();
    let ground = Ground { order, fastest: group.most_speed(), soft_limits, at: Point::default(), walk: None };
    Ok(Some(Known { ground, at: place(shell, name, group)? }))
}

/// Where the axes of a group stand.
fn place(shell: &mut Shell, name: &str, group: &PathGroup) -> Result<Option<Point>, Error> {
    let of_group = shell.machine.call("Group", "Status", json!({ "group": name }))?;
    if of_group["status"]["state"] != "GroupStandby" {
        return Ok(None);
    }
    let mut place = Point::default();
    for (value, axis) in place.iter_mut().zip(group.axes()) {
        let of_axis = shell.machine.call("Axis", "Status", json!({ "axis": axis.name }))?;
        let Some(setpoint) = of_axis["status"].get("setpoint").and_then(Value::as_f64) else { return Ok(None) };
        *value = setpoint;
    }
    Ok(Some(place))
}
