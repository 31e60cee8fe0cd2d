//! Where this process runs: its control groups, and by them the unit or session whose limits it has.

use super::host::{Host, Unread};

/// What gave the process its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A unit of systemd.
    Unit(String),
    /// Somebody who logged in.
    Session,
    /// A container, or a system without systemd.
    Elsewhere,
}

impl Place {
    /// From /proc/self/cgroup.
    pub fn of(host: &Host) -> Place {
        let text = host.text("/proc/self/cgroup").unwrap_or_default();
        for group in text.lines().filter_map(|line| line.splitn(3, ':').nth(2)) {
            let last = group.rsplit('/').next().unwrap_or("");
            if last.ends_with(".service") {
                return Place::Unit(super::host::shown(last));
            }
            if last.starts_with("session-") || group.contains("user.slice") {
                return Place::Session;
            }
        }
        Place::Elsewhere
    }

    /// How to grant a limit: `directive` of a unit, or `item` of limits.conf with a value each.
    pub fn grant(&self, directive: &str, item: &str) -> String {
        let limits = format!("`@motion - {item}` in /etc/security/limits.d/motion.conf, then log in again");
        match self {
            Place::Unit(unit) => format!("set {directive} in {unit} (systemctl edit {unit}), then restart it"),
            Place::Session => format!("put {limits}; for the service set {directive} in its unit"),
            Place::Elsewhere => format!("set {directive} in the unit, or {limits}"),
        }
    }
}

/// The own group of a controller: its folder below the root, for version 1 (by the controller's name) or 2.
pub fn group_folders(host: &Host, controller: &str) -> Result<Vec<String>, Unread> {
    let text = host.text("/proc/self/cgroup")?;
    let mut folders = Vec::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
        let group = group.trim_end_matches('/');
        if controllers.split(',').any(|name| name == controller) {
            folders.push(format!("/sys/fs/cgroup/{controllers}{group}"));
            folders.push(format!("/sys/fs/cgroup/{controller}{group}"));
        } else if controllers.is_empty() {
            folders.push(format!("/sys/fs/cgroup{group}"));
            folders.push(format!("/sys/fs/cgroup/unified{group}"));
        }
    }
    folders.dedup();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_told_by_the_last_part_of_the_group() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("proc/self")).unwrap();
        let host = Host::below(root.path());
        for (text, place) in [
            ("0::/system.slice/motiond.service\n", Place::Unit("motiond.service".into())),
            ("0::/user.slice/user-1000.slice/session-4.scope\n", Place::Session),
            ("3:cpu:/\n1:name=systemd:/system.slice/x.service\n", Place::Unit("x.service".into())),
            ("0::/\n", Place::Elsewhere),
            ("\u{fffd}::::", Place::Elsewhere),
        ] {
            std::fs::write(root.path().join("proc/self/cgroup"), text).unwrap();
            assert_eq!(Place::of(&host), place, "{text:?}");
        }
    }
}
