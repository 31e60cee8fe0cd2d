//! Which user groups have which role, from their names in the configuration.

use super::StartError;
use crate::config::machine::ControlConfig;
use crate::control::Access;
use nix::unistd::{Gid, Group};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Who has which role, where the control socket belongs to `owning`.
///
/// # Errors
/// Where a group does not exist.
pub fn access(config: &ControlConfig, owning: Gid) -> Result<Access, StartError> {
    let operate = match &config.operate_groups {
        Some(names) => groups("operate-groups", names)?,
        None => vec![owning],
    };
    let commission = match &config.commission_groups {
        Some(names) => groups("commission-groups", names)?,
        None => operate.clone(),
    };
    Ok(Access::of_groups(operate, commission))
}

/// The group that owns this socket; where it has no file, that of the daemon.
pub fn owning_group(socket: &Path) -> Gid {
    std::fs::metadata(socket).map_or_else(|_| Gid::effective(), |file| Gid::from_raw(file.gid()))
}

fn groups(key: &'static str, names: &[String]) -> Result<Vec<Gid>, StartError> {
    let found = names.iter().map(|name| match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid),
        Ok(None) => Err(StartError::Group { key, name: name.clone() }),
        Err(error) => Err(StartError::System(error.into())),
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Role;
    use nix::unistd::Uid;

    const OWNING: Gid = Gid::from_raw(60_100);
    const SOMEBODY: Uid = Uid::from_raw(60_001);

    fn role(config: &ControlConfig, group: Gid) -> Role {
        access(config, OWNING).unwrap().role(SOMEBODY, [group].into_iter())
    }

    #[test]
    fn unless_configured_the_group_of_the_socket_may_do_everything() {
        let config = crate::config::demo().unwrap().control;
        assert_eq!(role(&config, OWNING), Role::Commission);
        assert_eq!(role(&config, Gid::from_raw(60_101)), Role::Observe);
    }

    #[test]
    fn the_groups_of_the_configuration_take_its_place() {
        let names = |names: &[&str]| Some(names.iter().map(|name| name.to_string()).collect());
        let root = Gid::from_raw(0);
        let config = crate::config::demo().unwrap().control;
        let operate = ControlConfig { operate_groups: names(&["root"]), ..config.clone() };
        assert_eq!((role(&operate, root), role(&operate, OWNING)), (Role::Commission, Role::Observe));
        let commission = ControlConfig { commission_groups: names(&["root"]), ..config.clone() };
        assert_eq!((role(&commission, root), role(&commission, OWNING)), (Role::Commission, Role::Operate));
        let unknown = ControlConfig { commission_groups: names(&["no-such-group"]), ..config };
        let words = access(&unknown, OWNING).unwrap_err().to_string();
        assert!(words.contains("[control] commission-groups") && words.contains("\"no-such-group\""), "{words}");
    }
}
