//! What the built daemon writes into the journal, seen by a journald of the test's own: a datagram socket in the place of
//! the system's, in a mount namespace.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use daemon::{HANG, Killed, drained, output, patient_demo, until};
use motiond::client::{Machine, OnLoss, Scope};
use motiond::log::message_id;
use serde_json::json;
use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use tempfile::TempDir;

/// Puts a link to the test's socket where journald has its own, tells the daemon that its stderr is the journal, and becomes
/// the daemon.
const IN_NAMESPACE: &str = r#"
    mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && ln -s "$1" /run/systemd/journal/socket || exit 99
    export JOURNAL_STREAM=${STREAM:-$(stat -L -c %d:%i /proc/self/fd/2)}
    shift
    exec "$@"
"#;

type Entry = BTreeMap<String, String>;

struct Journalled {
    _daemon: Killed,
    stderr: Receiver<String>,
    journald: UnixDatagram,
    seen: Vec<Entry>,
    directory: TempDir,
}

/// Says why there can be no such daemon here, for those who count.
fn skipped(test: &str) -> bool {
    let tried = Command::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "tmpfs", "/run"]).output();
    let why = match tried {
        Ok(output) if output.status.success() => return false,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_string(),
        Err(error) => error.to_string(),
    };
    println!("skipped: {test}: no mount namespace of its own: {why}");
    true
}

impl Journalled {
    /// `stream` is what JOURNAL_STREAM says, the truth unless given.
    fn start(stream: Option<&str>) -> Journalled {
        let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
        std::fs::write(directory.path().join("machine.toml"), patient_demo()).unwrap();
        let socket = directory.path().join("journald");
        let journald = UnixDatagram::bind(&socket).unwrap();
        journald.set_read_timeout(Some(HANG)).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", IN_NAMESPACE, "sh"]).arg(&socket).arg(env!("CARGO_BIN_EXE_motiond"));
        command.arg("run").arg(directory.path().join("machine.toml")).args(["--simulate", "--test-commands"]);
        command.args(["--metrics", "127.0.0.1:0", "--socket"]).arg(directory.path().join("control.sock"));
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "RUST_LOG"] {
            command.env_remove(name);
        }
        command.envs(stream.map(|stream| ("STREAM", stream))).env("NO_COLOR", "1");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut daemon = Killed(child);
        let stderr = drained(daemon.0.stderr.take().unwrap());
        Journalled { _daemon: daemon, stderr, journald, seen: Vec::new(), directory }
    }

    /// Reads entries up to one of this kind for which `judge` holds.
    fn entry(&mut self, kind: &str, judge: impl Fn(&Entry) -> bool) -> Entry {
        let id = message_id::of(kind).map(|id| format!("{id:032x}"));
        loop {
            let mut bytes = [0; 16384];
            let read = self.journald.recv(&mut bytes);
            let read = read.unwrap_or_else(|error| panic!("no {kind} ({error}) after {:#?}", self.seen));
            let text = std::str::from_utf8(&bytes[..read]).unwrap();
            let fields = text.lines().map(|line| line.split_once('=').unwrap_or_else(|| panic!("{text}")));
            let entry: Entry = fields.map(|(name, value)| (name.to_string(), value.to_string())).collect();
            self.seen.push(entry.clone());
            if entry.get("MESSAGE_ID") == id.as_ref() && judge(&entry) {
                return entry;
            }
        }
    }

    fn connect(&self) -> Machine {
        let mut machine = Machine::open(&self.directory.path().join("control.sock")).unwrap();
        machine.connection().set_patience(Some(HANG)).unwrap();
        machine
    }
}

#[test]
fn commands_events_and_faults_are_entries_with_fields() {
    if skipped("commands_events_and_faults_are_entries_with_fields") {
        return;
    }
    let mut journalled = Journalled::start(None);
    let ready = journalled.entry("ready", |_| true);
    assert_eq!((ready["PRIORITY"].as_str(), ready["SYSLOG_IDENTIFIER"].as_str()), ("6", "motiond"));

    let mut machine = journalled.connect();
    machine.hold(Scope::Axis("x".to_string()), OnLoss::Finish).unwrap();
    machine.call("Axis", "Power", json!({ "axis": "x", "on": true })).unwrap();
    let (uid, pid) = (nix::unistd::getuid().to_string(), std::process::id().to_string());
    let command = journalled.entry("command", |command| !command["MOTION_METHOD"].contains("Lease"));
    assert_eq!((&command["MOTION_UID"], &command["MOTION_PID"]), (&uid, &pid));
    assert_eq!(command["MOTION_METHOD"], "io.motiond.v1.Axis.Power");
    let power = journalled.entry("power", |power| power["MOTION_AXIS"] == "x");
    assert_eq!(power["MOTION_ON"], "true");

    let fault = json!({ "fault": "drive_fault", "axis": "x", "code": 0x7500 });
    machine.call("Test", "Inject", fault).unwrap();
    let raised = journalled.entry("fault_raised", |raised| raised.get("MOTION_AXIS").is_some_and(|axis| axis == "x"));
    assert_eq!((raised["MOTION_FAULT"].as_str(), raised["MOTION_FAULT_CODE"].as_str()), ("drive-fault", "3001"));
    assert_eq!((raised["PRIORITY"].as_str(), raised["MOTION_DETAIL"].as_str()), ("3", "29952.0"));
    assert!(raised["MESSAGE"].contains("look the code up in the drive's manual"), "{raised:?}");
    // The sequence number leads to the same event on the socket.
    let sequence: u64 = raised["MOTION_EVENT_SEQ"].parse().unwrap();
    let read = machine.call("Events", "Read", json!({ "after": sequence - 1, "max": 1 })).unwrap();
    assert_eq!((&read["events"][0]["kind"], &read["events"][0]["axis"]), (&json!("fault_raised"), &json!("x")));
    assert_eq!(read["events"][0]["cycle"].to_string(), raised["MOTION_CYCLE"]);
    // Nothing is told twice.
    assert_eq!(journalled.stderr.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty));
}

#[test]
fn a_flood_of_commands_is_cut_and_the_journal_says_by_how_much() {
    if skipped("a_flood_of_commands_is_cut_and_the_journal_says_by_how_much") {
        return;
    }
    const CALLS: usize = 400;
    let mut journalled = Journalled::start(None);
    journalled.entry("ready", |_| true);
    let mut machine = journalled.connect();
    machine.hold(Scope::Axis("x".to_string()), OnLoss::Finish).unwrap();
    for _ in 0..CALLS {
        machine.call("Axis", "SetOverride", json!({ "axis": "x", "ratio": 1.0 })).unwrap();
    }
    let mut suppressed = 0;
    let logged = |journalled: &Journalled| {
        let id = format!("{:032x}", message_id::of("command").unwrap());
        journalled
            .seen
            .iter()
            .filter(|entry| entry.get("MESSAGE_ID") == Some(&id) && entry["MOTION_METHOD"].ends_with("SetOverride"))
            .count()
    };
    while suppressed + logged(&journalled) < CALLS {
        let told = journalled.entry("lines_suppressed", |_| true);
        assert_eq!(told["MOTION_OF"], "command");
        suppressed += told["MOTION_SUPPRESSED"].parse::<usize>().unwrap();
    }
    assert_eq!(suppressed + logged(&journalled), CALLS);
    assert!(suppressed > 0);
}

#[test]
fn a_daemon_whose_output_was_redirected_writes_text_there() {
    if skipped("a_daemon_whose_output_was_redirected_writes_text_there") {
        return;
    }
    let journalled = Journalled::start(Some("1:1"));
    let ready = until("ready", || journalled.stderr.try_recv().ok().filter(|line| line.contains("ready")));
    assert!(ready.contains("INFO"), "{ready}");
    journalled.journald.set_nonblocking(true).unwrap();
    assert!(journalled.journald.recv(&mut [0; 10]).is_err());
}

#[test]
fn journalctl_takes_the_catalog() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("usr/lib/systemd/catalog");
    std::fs::create_dir_all(&folder).unwrap();
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/motiond.catalog");
    std::fs::copy(shipped, folder.join("motiond.catalog")).unwrap();
    if let Err(error) = Command::new("journalctl").arg("--version").stdout(Stdio::null()).status() {
        println!("skipped: journalctl_takes_the_catalog: journalctl (Debian package systemd): {error}");
        return;
    }
    let journalctl = |verb: &str| {
        let mut command = Command::new("journalctl");
        output(command.arg(format!("--root={}", root.path().display())).args([verb, "--no-pager"]))
    };
    let updated = journalctl("--update-catalog");
    assert!(updated.status.success() && updated.stderr.is_empty(), "{updated:?}");
    let listed = String::from_utf8(journalctl("--list-catalog").stdout).unwrap();
    for (kind, id) in message_id::IDS {
        assert!(listed.contains(&format!("{id:032x} motiond: ")), "{kind} in\n{listed}");
    }
}
