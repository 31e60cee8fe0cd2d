//! Machines of many drives on one bus, in groups.

use motiond::limits::MAX_GROUP_AXES;

/// A configuration of so many drives as x of `config/ethercat-terminals.toml` has, each group of as many of them as it may
/// have. `machine`, `bus` and `device` are further lines of those tables.
pub fn many_drives(count: usize, machine: &str, bus: &str, device: &str) -> String {
    let shipped = include_str!("../../config/ethercat-terminals.toml");
    let (_, axis) = shipped.split_once("[[axis]]").expect("an axis");
    let (axis, _) = axis.split_once("[[axis]]").expect("a second axis");
    let mut text = format!("[machine]\nname = \"{count} drives\"\nperiod-us = 1000\n{machine}\n");
    text += &format!("[[bus]]\nname = \"field\"\nkind = \"ethercat\"\ninterface = \"fieldbus\"\n{bus}\n");
    for place in 0..count {
        text += &format!("[[bus.device]]\nname = \"drive-{place}\"\nposition = {place}\n{device}\n");
    }
    for place in 0..count {
        let named = axis.replace("\"x-drive\"", &format!("\"drive-{place}\""));
        text += &format!("[[axis]]{}", named.replace("name = \"x\"", &format!("name = \"a{place}\"")));
    }
    for (number, first) in (0..count).step_by(MAX_GROUP_AXES).enumerate() {
        let axes: Vec<String> =
            (first..count.min(first + MAX_GROUP_AXES)).map(|place| format!("\"a{place}\"")).collect();
        text += &format!("[[group]]\nname = \"g{number}\"\naxes = [{}]\n", axes.join(", "));
        text += "path-velocity-mm-per-s = 500\npath-acceleration-mm-per-s2 = 3000\npath-jerk-mm-per-s3 = 80_000\n";
    }
    text
}
