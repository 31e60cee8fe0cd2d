//! The shipped units are ones that systemd accepts, they expose little, and they leave the cycle what it needs. What
//! systemd thinks is asked of its own tools, on copies in a directory that goes away.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const PROGRAM: &str = "/usr/bin/motiond";
const SOCKETS: [&str; 3] = ["motiond-control.socket", "motiond-observe.socket", "motiond-metrics.socket"];
const DROP_INS: [&str; 2] = ["can-restart.conf", "cpu-isolation.conf"];

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn value<'a>(unit: &'a str, directive: &str) -> Option<&'a str> {
    unit.lines().find_map(|line| line.strip_prefix(directive)?.strip_prefix('='))
}

/// Runs one of systemd's tools to its end. `None`, with the reason for those who count, where there is none.
fn run(test: &str, tool: &str, change: impl FnOnce(&mut Command) -> &mut Command) -> Option<Output> {
    let mut command = Command::new(tool);
    command.env("LC_ALL", "C").env("SYSTEMD_COLORS", "0").stdin(Stdio::null());
    match change(&mut command).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: {test}: {tool} (Debian package systemd) does not run here: {error}");
            None
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The units as they would be installed, with these drop-ins, and the program replaced by the one that was built:
/// `verify` wants it to exist.
struct Composed(TempDir);

impl Composed {
    fn with(drop_ins: &[&str], change: impl Fn(String) -> String) -> Composed {
        let directory = tempfile::tempdir().unwrap();
        let unit = change(shipped("motiond.service")).replace(PROGRAM, env!("CARGO_BIN_EXE_motiond"));
        fs::write(directory.path().join("motiond.service"), unit).unwrap();
        for socket in SOCKETS {
            fs::write(directory.path().join(socket), change(shipped(socket))).unwrap();
        }
        let folder = directory.path().join("motiond.service.d");
        fs::create_dir(&folder).unwrap();
        for name in drop_ins {
            fs::write(folder.join(name), change(shipped(&format!("motiond.service.d/{name}")))).unwrap();
        }
        Composed(directory)
    }

    /// What `systemd-analyze verify` says of all of them.
    fn verified(&self, test: &str) -> Option<(bool, String)> {
        let units = ["motiond.service"].iter().chain(&SOCKETS).map(|unit| self.0.path().join(unit));
        let output = run(test, "systemd-analyze", |command| command.args(["verify", "--man=no"]).args(units))?;
        Some((output.status.success(), text(&output.stderr)))
    }

    /// The exposure that `systemd-analyze security` gives the service, and all that it says.
    fn exposure(&self, test: &str) -> Option<(f64, String)> {
        let unit = self.0.path().join("motiond.service");
        let arguments = ["security", "--offline=true", "--no-pager"];
        let output = run(test, "systemd-analyze", |command| command.args(arguments).arg(unit))?;
        let said = text(&output.stdout);
        let verdict = said.split_once("Overall exposure level for motiond.service: ").map(|(_, verdict)| verdict);
        let level = verdict.and_then(|verdict| verdict.split_whitespace().next()?.parse().ok());
        Some((level.unwrap_or_else(|| panic!("no exposure level in:\n{said}\n{}", text(&output.stderr))), said))
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_and_any_drop_ins() {
    for drop_ins in [&[][..], &DROP_INS[..1], &DROP_INS[1..], &DROP_INS[..]] {
        let composed = Composed::with(drop_ins, |unit| unit);
        let Some((good, found)) = composed.verified("systemd_finds_nothing_wrong_with_the_units_and_any_drop_ins")
        else {
            return;
        };
        assert!(good && found.is_empty(), "{drop_ins:?}: {found}");
    }
}

#[test]
fn systemd_would_find_a_directive_that_does_not_exist_in_any_of_them() {
    for (real, invented) in [
        ("LimitRTPRIO=", "LimitRealtime="),
        ("FileDescriptorName=observe", "DescriptorName=observe"),
        ("AmbientCapabilities=CAP_NET_ADMIN", "AmbientCapability=CAP_NET_ADMIN"),
        ("CPUAffinity=", "CPUAttraction="),
    ] {
        let composed = Composed::with(&DROP_INS, |unit| unit.replace(real, invented));
        let Some((_, found)) = composed.verified("systemd_would_find_a_directive_that_does_not_exist_in_any_of_them")
        else {
            return;
        };
        let key = invented.split('=').next().unwrap();
        assert!(found.contains(&format!("'{key}'")), "{invented}: {found}");
    }
}

#[test]
fn the_service_exposes_little_and_the_drop_ins_no_more_than_they_say() {
    const TEST: &str = "the_service_exposes_little_and_the_drop_ins_no_more_than_they_say";
    for (drop_ins, bound) in
        [(&[][..], 2.1), (&["cpu-isolation.conf"][..], 2.1), (&["can-restart.conf"][..], 2.3), (&DROP_INS[..], 2.3)]
    {
        let Some((level, said)) = Composed::with(drop_ins, |unit| unit).exposure(TEST) else { return };
        println!("exposure with {drop_ins:?}: {level}");
        assert!(level <= bound, "{drop_ins:?}: {level} > {bound}\n{said}");
    }
    // The judge would see it.
    let (level, _) = Composed::with(&[], |unit| unit.replace("NoNewPrivileges=yes", "").replace("User=", "#"))
        .exposure(TEST)
        .unwrap();
    assert!(level > 2.1, "{level}");
}

#[test]
fn the_unit_leaves_the_cycle_what_it_needs() {
    let unit = shipped("motiond.service");
    for (directive, forbidden) in
        [("RestrictRealtime", "yes"), ("PrivateDevices", "yes"), ("ProcSubset", "pid"), ("PrivateUsers", "yes")]
    {
        assert_ne!(value(&unit, directive), Some(forbidden), "{directive}");
    }
    assert_eq!(value(&unit, "CPUSchedulingPolicy"), None);
    assert!(!unit.contains("~@resources") && !unit.contains("~@memlock"));
    assert_eq!(value(&unit, "LimitMEMLOCK"), Some("infinity"));
    assert_eq!(value(&unit, "Type"), Some("notify"));
    assert_eq!(value(&unit, "Restart"), Some("on-failure"));
    assert_eq!(value(&unit, "DeviceAllow"), Some("/dev/cpu_dma_latency rw"));
    assert_eq!(value(&unit, "CapabilityBoundingSet"), Some("CAP_NET_RAW"));
    assert_eq!(value(&unit, "AmbientCapabilities"), Some("CAP_NET_RAW"));
    let families: Vec<&str> = value(&unit, "RestrictAddressFamilies").unwrap().split(' ').collect();
    for family in ["AF_UNIX", "AF_PACKET", "AF_CAN"] {
        assert!(families.contains(&family), "{family}");
    }
    let number = |directive: &str| value(&unit, directive).unwrap_or("").parse::<u64>().unwrap_or(0);
    let default_priority = motiond::cycle::thread::ThreadPlan::with_period(1_000_000).priority;
    assert!(number("LimitRTPRIO") >= u64::from(default_priority));
    assert!(number("TimeoutStopSec") > motiond::limits::RT_SHUTDOWN_S, "the daemon gives up before systemd does");
    assert!(number("LimitNOFILE") as usize >= 2 * motiond::limits::MAX_CLIENTS);
}

#[test]
fn each_socket_has_the_name_the_place_and_the_rights_that_the_daemon_and_its_clients_expect() {
    let reference = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/reference.toml")).unwrap();
    for (socket, name, mode, place) in [
        (SOCKETS[0], "control", Some("0660"), motiond::client::SYSTEM_SOCKET),
        (SOCKETS[1], "observe", Some("0666"), "/run/motiond/observe.sock"),
        (SOCKETS[2], "metrics", None, "127.0.0.1:9464"),
    ] {
        let unit = shipped(socket);
        assert_eq!(value(&unit, "FileDescriptorName"), Some(name));
        assert_eq!(value(&unit, "Service"), Some("motiond.service"), "{socket}");
        assert_eq!(value(&unit, "SocketMode"), mode, "{socket}");
        assert_eq!(value(&unit, "ListenStream"), Some(place), "{socket}");
        if name != "observe" {
            assert!(
                reference.contains(&format!("default \"{place}\"")),
                "{place} is not the default of the configuration"
            );
        }
    }
    let service = shipped("motiond.service");
    assert_eq!(value(&service, "Sockets"), Some(SOCKETS.join(" ").as_str()));
    assert_eq!(value(&service, "Also"), Some(SOCKETS.join(" ").as_str()));
    // Otherwise `systemctl stop motiond` would take the files of sockets that are still open.
    assert_eq!(value(&service, "RuntimeDirectoryPreserve"), Some("yes"));
}

/// A root with the shipped sysusers and tmpfiles entries, and a file in the place of the device.
fn root_with_entries() -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    for folder in ["etc", "dev", "usr/lib/sysusers.d", "usr/lib/tmpfiles.d"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    for kind in ["sysusers", "tmpfiles"] {
        let place = root.path().join(format!("usr/lib/{kind}.d/motiond.conf"));
        fs::write(place, shipped(&format!("motiond.{kind}.conf"))).unwrap();
    }
    let device = root.path().join("dev/cpu_dma_latency");
    fs::write(&device, "").unwrap();
    fs::set_permissions(&device, fs::Permissions::from_mode(0o600)).unwrap();
    (root, device)
}

fn with_root<'a>(command: &'a mut Command, root: &Path, argument: Option<&str>) -> &'a mut Command {
    command.arg(format!("--root={}", root.display())).args(argument)
}

#[test]
fn sysusers_would_create_the_daemons_user_and_group() {
    let (root, _) = root_with_entries();
    const TEST: &str = "sysusers_would_create_the_daemons_user_and_group";
    let Some(output) = run(TEST, "systemd-sysusers", |command| with_root(command, root.path(), Some("--dry-run")))
    else {
        return;
    };
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Creating group 'motiond'") && said.contains("Creating user 'motiond'"), "{said}");
    assert!(!root.path().join("etc/passwd").exists(), "a dry run writes nothing");
    let unit = shipped("motiond.service");
    assert_eq!((value(&unit, "User"), value(&unit, "Group")), (Some("motiond"), Some("motiond")));
}

#[test]
fn tmpfiles_gives_the_daemon_its_directory_and_the_latency_device() {
    const TEST: &str = "tmpfiles_gives_the_daemon_its_directory_and_the_latency_device";
    if !nix::unistd::Uid::effective().is_root() {
        println!("skipped: {TEST}: only root may give files to another user");
        return;
    }
    let (root, device) = root_with_entries();
    let Some(users) = run(TEST, "systemd-sysusers", |command| with_root(command, root.path(), None)) else { return };
    assert!(users.status.success(), "{}", text(&users.stderr));
    let passwd = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    let entry: Vec<&str> = passwd.lines().find(|line| line.starts_with("motiond:")).unwrap().split(':').collect();
    let (user, group): (u32, u32) = (entry[2].parse().unwrap(), entry[3].parse().unwrap());
    assert!(user > 0 && entry[6].ends_with("/nologin"), "{passwd}");

    let output = run(TEST, "systemd-tmpfiles", |command| with_root(command, root.path(), Some("--create"))).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    let rights = |path: &Path| {
        let found = fs::metadata(path).unwrap();
        (found.mode() & 0o7777, found.uid(), found.gid())
    };
    assert_eq!(rights(&root.path().join("run/motiond")), (0o755, user, group));
    assert_eq!(rights(&device), (0o660, 0, group));
}
