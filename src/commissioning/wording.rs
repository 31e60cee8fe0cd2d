//! What the files that are written to start from call things, and how they say that something is to be looked at.

use super::survey::SurveyedDevice;

/// The bus of a skeleton.
pub(super) const BUS: &str = "field";

/// What stands at the end of each line that somebody must look at.
pub const MARK: &str = "# CHECK:";

/// The name of a device in the configuration.
pub(super) fn name(device: &SurveyedDevice) -> String {
    format!("{}-{}", device.nature(), device.found.position)
}

/// A device's own words as they can be shown: short, on one line, nothing that a terminal acts upon.
pub fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}
