//! `motionctl` as a person or a script meets it: what it asks, what it prints, how it exits. The daemon is played by
//! a script of replies.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod process;

/// The token of every lease that it gives.
const TOKEN: &str = "1-0000000000000001";

/// A daemon that answers each method with the replies given for it, in turn, the last one for ever.
struct Daemon {
    directory: tempfile::TempDir,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Daemon {
    fn new(script: &[(&'static str, Vec<Value>)]) -> Daemon {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("socket")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, mut script) = (Arc::clone(&asked), script.to_vec());
        script.extend([
            ("Lease.Acquire", vec![json!({ "parameters": { "lease": TOKEN, "epoch": 1, "expires_in_ms": 3000 } })]),
            ("Lease.Release", vec![json!({ "parameters": {} })]),
            ("Machine.Describe", vec![json!({ "parameters": { "axes": ["x", "y"], "groups": ["gantry"] } })]),
        ]);
        let script = Arc::new(Mutex::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (noted, script) = (Arc::clone(&noted), Arc::clone(&script));
                std::thread::spawn(move || serve(stream.unwrap(), &script, &noted));
            }
        });
        Daemon { directory, asked }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        motionctl(&self.socket(), arguments)
    }

    /// The parameters of the requests for this method.
    fn asked(&self, method: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        let method = format!("io.motiond.v1.{method}");
        asked
            .iter()
            .filter(|request| request["method"] == method)
            .map(|request| {
                let mut parameters = request["parameters"].clone();
                let lease = parameters.as_object_mut().unwrap().remove("lease");
                // Whatever takes a lease got the one that was acquired.
                assert!(lease.is_none_or(|lease| lease == TOKEN), "{request}");
                parameters
            })
            .collect()
    }
}

fn serve(stream: UnixStream, script: &Mutex<Vec<(&'static str, Vec<Value>)>>, noted: &Mutex<Vec<Value>>) {
    let mut stream = BufReader::new(stream);
    let mut message = Vec::new();
    while stream.read_until(0, &mut message).is_ok_and(|length| length > 0) {
        message.pop();
        let request: Value = serde_json::from_slice(&message).unwrap();
        message.clear();
        let replies = answer(&mut script.lock().unwrap(), &request);
        noted.lock().unwrap().push(request);
        for reply in replies {
            let mut bytes = reply.to_string().into_bytes();
            bytes.push(0);
            if stream.get_mut().write_all(&bytes).is_err() {
                return;
            }
        }
    }
}

fn answer(script: &mut [(&'static str, Vec<Value>)], request: &Value) -> Vec<Value> {
    let method = request["method"].as_str().unwrap().trim_start_matches("io.motiond.v1.");
    let Some((_, replies)) = script.iter_mut().find(|(known, _)| *known == method) else {
        return vec![json!({ "error": "org.varlink.service.MethodNotFound", "parameters": { "method": method } })];
    };
    if request["more"] == true {
        // A stream of a single reply is there for everybody who waits.
        return if replies.len() > 1 { std::mem::take(replies) } else { replies.clone() };
    }
    vec![if replies.len() > 1 { replies.remove(0) } else { replies[0].clone() }]
}

fn motionctl(socket: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
    command.arg("--socket").arg(socket).args(arguments).output().unwrap()
}

fn accepted(handle: u64) -> Value {
    json!({ "parameters": { "boot_id": "b", "handle": handle, "cycle": 5 } })
}

fn progress(state: &str, continues: bool) -> Value {
    let fault = (state == "error")
        .then(|| json!({ "code": 4001, "name": "following-error", "cause": "it lagged", "remedy": "look" }));
    let progress = json!({ "handle": 7, "state": state, "cycle": 9, "fault": fault });
    json!({ "parameters": { "boot_id": "b", "progress": progress }, "continues": continues })
}

fn refused(fields: Value) -> Value {
    json!({ "error": "io.motiond.v1.Axis.Refused", "parameters": fields })
}

fn exit(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn without_a_daemon_it_says_where_it_looked_and_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("nothing");
    let output = motionctl(&socket, &["status"]);
    assert_eq!(exit(&output), 3);
    let complaint = text(&output.stderr);
    assert!(
        complaint.contains(socket.to_str().unwrap()) && complaint.contains("is the daemon running?"),
        "{complaint}"
    );
    // A socket without a listener: a daemon that died.
    drop(UnixListener::bind(&socket).unwrap());
    let output = motionctl(&socket, &["stop"]);
    assert_eq!(exit(&output), 3);
    assert!(text(&output.stderr).contains("is gone"), "{output:?}");
}

#[test]
fn wrong_usage_exits_with_2_and_asks_for_nothing() {
    let daemon = Daemon::new(&[]);
    for arguments in [
        &["fly"][..],
        &["move", "x"],
        &["move", "x", "far"],
        &["power", "maybe"],
        &["group", "linear", "g", "x:1"],
        &["record", "--quantities", "colour"],
        &["record", "--duration", "-1"],
        &["record", "--samples", "5", "--duration", "1"],
        &[],
    ] {
        assert_eq!(exit(&daemon.run(arguments)), 2, "{arguments:?}");
    }
    assert!(daemon.asked.lock().unwrap().is_empty());
}

#[test]
fn a_move_that_is_waited_for_exits_by_its_end() {
    for (end, code) in [("done", 0), ("aborted", 5), ("error", 6)] {
        let daemon = Daemon::new(&[
            ("Axis.MoveAbsolute", vec![accepted(7)]),
            ("Command.Wait", vec![progress("accepted", true), progress("active", true), progress(end, false)]),
        ]);
        let output = daemon.run(&["move", "x", "-12.5", "--velocity", "3", "--wait"]);
        assert_eq!(exit(&output), code, "{output:?}");
        assert!(
            text(&output.stdout).contains(if end == "error" { "fault 4001: it lagged" } else { end }),
            "{output:?}"
        );
        assert_eq!(daemon.asked("Axis.MoveAbsolute"), [json!({ "axis": "x", "position": -12.5, "velocity": 3.0 })]);
        let acquired = &daemon.asked("Lease.Acquire")[0];
        assert_eq!((&acquired["axis"], &acquired["on_loss"]), (&json!("x"), &json!("stop")));
        assert!(acquired["holder"].as_str().unwrap().starts_with("motionctl@"), "{acquired}");
        assert_eq!(daemon.asked("Lease.Release").len(), 1);
    }
}

#[test]
fn a_refusal_exits_with_4_and_tells_figures_and_remedy() {
    let fields = json!({
        "reason": "SoftLimit", "axis": "x", "requested": 900.0, "limit": 500.0, "unit": "mm", "hint": "stay inside",
        "retryable": false, "boot_id": "b"
    });
    let daemon = Daemon::new(&[("Axis.MoveAbsolute", vec![refused(fields)])]);
    let output = daemon.run(&["move", "x", "900"]);
    assert_eq!(exit(&output), 4);
    let complaint = text(&output.stderr);
    assert!(complaint.contains("900 mm asked, limit 500 mm") && complaint.contains("stay inside"), "{complaint}");
    let output = daemon.run(&["--json", "move", "x", "900"]);
    let complaint: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(complaint["parameters"]["reason"], "SoftLimit");
}

#[test]
fn stop_sends_one_request_and_falls_back_to_a_group_of_that_name() {
    let stopped = json!({ "parameters": { "boot_id": "b", "generation": 3 } });
    let unknown = refused(json!({ "reason": "NoSuchAxis", "axis": "gantry", "hint": "?", "retryable": false }));
    let daemon = Daemon::new(&[
        ("Machine.Stop", vec![stopped.clone()]),
        ("Axis.Stop", vec![unknown]),
        ("Group.Stop", vec![stopped]),
    ]);
    assert_eq!(exit(&daemon.run(&["stop"])), 0);
    assert_eq!(daemon.asked.lock().unwrap().len(), 1);
    assert_eq!(exit(&daemon.run(&["stop", "gantry"])), 0);
    assert_eq!(daemon.asked("Group.Stop"), [json!({ "group": "gantry" })]);
}

#[test]
fn release_names_the_generation_that_is_in_force() {
    let daemon = Daemon::new(&[
        ("Machine.Status", vec![json!({ "parameters": { "stop_generation": 41 } })]),
        ("Machine.Release", vec![accepted(2)]),
    ]);
    assert_eq!(exit(&daemon.run(&["release"])), 0);
    assert_eq!(daemon.asked("Machine.Release"), [json!({ "generation": 41 })]);
}

#[test]
fn a_jog_is_refreshed_with_its_time_of_sending_and_ends_in_a_halt() {
    let daemon = Daemon::new(&[("Axis.Jog", vec![accepted(1)]), ("Axis.Halt", vec![accepted(2)])]);
    assert_eq!(exit(&daemon.run(&["jog", "x", "-5", "--for", "0.1"])), 0);
    let jogs = daemon.asked("Axis.Jog");
    assert!(!jogs.is_empty() && jogs.iter().all(|jog| jog["valid_ms"].as_u64().unwrap() <= 200), "{jogs:?}");
    let sent: Vec<u64> = jogs.iter().map(|jog| jog["sent_at_ns"].as_u64().unwrap()).collect();
    assert!(sent.is_sorted() && sent[0] > 0, "{sent:?}");
    assert_eq!(daemon.asked("Axis.Halt").len(), 1);
}

#[test]
fn group_targets_are_given_by_name() {
    let daemon = Daemon::new(&[("Group.MoveLinear", vec![accepted(1)])]);
    assert_eq!(exit(&daemon.run(&["group", "linear", "gantry", "x=1.5", "z=-2", "--relative", "--buffered"])), 0);
    let targets = json!([{ "axis": "x", "value": 1.5 }, { "axis": "z", "value": -2.0 }]);
    let expected = json!({ "group": "gantry", "targets": targets, "relative": true, "buffer": "buffered" });
    assert_eq!(daemon.asked("Group.MoveLinear"), [expected]);
}

#[test]
fn power_without_names_is_for_every_axis() {
    let daemon = Daemon::new(&[
        ("Machine.Describe", vec![json!({ "parameters": { "axes": ["x", "y"] } })]),
        ("Axis.Power", vec![accepted(1), accepted(2)]),
    ]);
    assert_eq!(exit(&daemon.run(&["power", "on"])), 0);
    assert_eq!(daemon.asked("Axis.Power"), [json!({ "axis": "x", "on": true }), json!({ "axis": "y", "on": true })]);
}

#[test]
fn watch_prints_a_table_a_sample_and_ends_after_its_count() {
    let sample = |cycle: u64| {
        let axis = json!({ "name": "x", "state": "Standstill", "setpoint": 1.0, "actual": 1.0004 });
        json!({ "parameters": { "cycle": cycle, "axes": [axis] }, "continues": true })
    };
    let daemon = Daemon::new(&[("Telemetry.Subscribe", vec![sample(100), sample(200), sample(300)])]);
    let output = daemon.run(&["watch", "x", "--count", "2"]);
    assert_eq!(exit(&output), 0);
    let shown = text(&output.stdout);
    assert!(shown.contains("cycle 100") && shown.contains("cycle 200") && !shown.contains("cycle 300"), "{shown}");
    assert!(shown.contains("Standstill") && shown.contains("1.000"), "{shown}");
}

/// The replies of a recording of `x.actual_mm` and `belt.velocity_mm_per_s`: its columns, then these.
fn recording(more: impl IntoIterator<Item = Value>) -> (&'static str, Vec<Value>) {
    let columns = json!([
        { "axis": "x", "quantity": "actual", "unit": "mm" },
        { "axis": "belt", "quantity": "velocity", "unit": "mm/s" }
    ]);
    let first = json!({ "parameters": { "dropped": 0, "columns": columns, "samples": [] }, "continues": true });
    ("Telemetry.Record", std::iter::once(first).chain(more).collect())
}

fn samples(dropped: u64, cycles: std::ops::Range<u64>) -> Value {
    let sample = |cycle: u64| json!({ "cycle": cycle, "time_ns": cycle * 1_000_000, "values": [0.1 + 0.2, -1e-7] });
    let samples: Vec<Value> = cycles.map(sample).collect();
    json!({ "parameters": { "dropped": dropped, "samples": samples }, "continues": true })
}

const HEADING: &str = "cycle,time_ns,dropped,x.actual_mm,belt.velocity_mm_per_s\n";

#[test]
fn a_recording_is_a_table_with_every_digit_and_ends_after_its_count_or_its_time() {
    for end in [["--samples", "3"], ["--duration", "0.003"]] {
        let daemon = Daemon::new(&[recording([samples(0, 7..9), samples(0, 9..12)])]);
        let output =
            daemon.run(&[&["record", "--axes", "x,belt", "--quantities", "actual,velocity"][..], &end].concat());
        assert_eq!(exit(&output), 0, "{output:?}");
        let rows: String =
            (7..10).map(|cycle| format!("{cycle},{cycle}000000,0,0.30000000000000004,-1e-7\n")).collect();
        assert_eq!(text(&output.stdout), format!("{HEADING}{rows}"));
        let asked = json!({ "axes": ["x", "belt"], "quantities": ["actual", "velocity"], "delivery": "lossless" });
        assert_eq!(daemon.asked("Telemetry.Record"), [asked]);
    }
}

#[test]
fn a_recording_that_lost_samples_says_so_keeps_what_it_has_and_exits_with_7() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.csv");
    let path = file.to_str().unwrap();
    let gap = json!({ "reason": "ClientLate", "cycle": 9, "hint": "read faster", "retryable": true });
    let gap = json!({ "error": "io.motiond.v1.Telemetry.Gap", "parameters": gap });
    let daemon = Daemon::new(&[recording([samples(0, 7..9), gap])]);
    let output = daemon.run(&["record", path]);
    assert_eq!(exit(&output), 7, "{output:?}");
    let complaint = text(&output.stderr);
    assert!(complaint.contains("from cycle 9 on") && complaint.contains("read faster"), "{complaint}");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 3);

    let daemon = Daemon::new(&[recording([samples(0, 7..9), samples(41, 50..52)])]);
    let output = daemon.run(&["record", path, "--latest", "--samples", "4", "--decimation", "2"]);
    assert_eq!(exit(&output), 7, "{output:?}");
    assert!(text(&output.stderr).contains("41 samples were lost, 4 written"), "{output:?}");
    let table = std::fs::read_to_string(&file).unwrap();
    let dropped: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    assert_eq!(dropped, ["0", "0", "41", "0"], "each sample tells what is missing before it");
    assert_eq!(daemon.asked("Telemetry.Record"), [json!({ "decimation": 2, "delivery": "latest" })]);
}

#[test]
fn a_refused_recording_leaves_the_file_as_it_was_and_one_that_cannot_be_written_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.csv");
    std::fs::write(&file, "precious").unwrap();
    let unknown = refused(json!({ "reason": "NoSuchAxis", "axis": "w", "hint": "?", "retryable": false }));
    let daemon = Daemon::new(&[("Telemetry.Record", vec![unknown])]);
    assert_eq!(exit(&daemon.run(&["record", "--axes", "w", file.to_str().unwrap()])), 4);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");

    let daemon = Daemon::new(&[recording([samples(0, 7..9)])]);
    let nowhere = directory.path().join("missing/run.csv");
    let output = daemon.run(&["record", nowhere.to_str().unwrap()]);
    assert_eq!(exit(&output), 1, "{output:?}");
    assert!(text(&output.stderr).contains("cannot write"), "{output:?}");
}

#[test]
fn ctrl_c_ends_a_recording_with_a_whole_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.csv");
    for (count, code) in [(None, 0), (Some("100"), 130)] {
        let daemon = Daemon::new(&[recording([samples(0, 7..9)])]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
        command.arg("--socket").arg(daemon.socket()).args(["--json", "record"]).arg(&file);
        let mut child =
            process::Killed(command.args(count.map(|count| ["-n", count]).iter().flatten()).spawn().unwrap());
        process::until("two samples are written", || {
            let text = std::fs::read_to_string(&file).ok()?;
            (text.lines().count() == 3).then_some(())
        });
        let id = nix::unistd::Pid::from_raw(child.0.id().try_into().unwrap());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGINT).unwrap();
        assert_eq!(child.ended("the end of the recording").code(), Some(code));
        let table = std::fs::read_to_string(&file).unwrap();
        assert!(table.ends_with("}\n"), "{table}");
        table.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap()));
        std::fs::remove_file(&file).unwrap();
    }
}

#[test]
fn events_are_read_to_the_end() {
    let fault = json!({ "code": 3001, "name": "drive-fault", "cause": "broken", "remedy": "repair it" });
    let event = json!({ "sequence": 1, "cycle": 9, "kind": "fault_raised", "axis": "x", "fault": fault });
    let batch = |events: Value, next: u64| json!({ "parameters": { "events": events, "next": next, "lost": 0 } });
    let daemon = Daemon::new(&[("Events.Read", vec![batch(json!([event]), 1), batch(json!([]), 1)])]);
    let output = daemon.run(&["events"]);
    assert_eq!(exit(&output), 0);
    let shown = text(&output.stdout);
    assert!(
        shown.contains("axis x") && shown.contains("3001 drive-fault: broken") && shown.contains("repair it"),
        "{shown}"
    );
}

#[test]
fn status_shows_the_machine_its_axes_and_groups() {
    let axis = json!({
        "name": "x", "state": "ErrorStop", "drive_state": "Fault", "actual": 12.0, "actual_velocity": 0.0, "unit": "mm",
        "override": 1.0, "referenced": false, "fresh": true,
        "fault": { "code": 3001, "name": "drive-fault", "cause": "", "remedy": "" }
    });
    let machine =
        json!({ "cycle": 5, "permitted": true, "stopped": true, "degraded": ["no SCHED_FIFO"], "skipped_periods": 0 });
    let group = json!({ "name": "gantry", "state": "GroupErrorStop" });
    let daemon = Daemon::new(&[
        ("Machine.Status", vec![json!({ "parameters": machine })]),
        (
            "Axis.List",
            vec![json!({ "parameters": { "axes": [axis], "next": 1 } }), json!({ "parameters": { "axes": [axis] } })],
        ),
        ("Group.List", vec![json!({ "parameters": { "groups": [group] } })]),
    ]);
    let output = daemon.run(&["status"]);
    assert_eq!(exit(&output), 0);
    let shown = text(&output.stdout);
    for part in
        ["stopped (motionctl release)", "no SCHED_FIFO", "drive-fault, no reference", "12.000", "GroupErrorStop"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(daemon.asked("Axis.List"), [json!({ "first": 0 }), json!({ "first": 1 })]);
}

#[test]
fn a_lease_that_somebody_else_holds_is_told_with_the_holder() {
    let held = json!({ "holder": "hmi@bob 7", "expires_in_ms": 2500, "hint": "wait", "retryable": true });
    let daemon = Daemon::new(&[(
        "Lease.Acquire",
        vec![json!({ "error": "io.motiond.v1.Lease.LeaseHeld", "parameters": held })],
    )]);
    let output = daemon.run(&["move", "x", "1"]);
    assert_eq!(exit(&output), 4);
    assert!(text(&output.stderr).contains("hmi@bob 7 holds it, for 2.5 s more"), "{output:?}");
    assert!(daemon.asked("Axis.MoveAbsolute").is_empty());
}

#[test]
fn who_holds_what_is_a_table() {
    let lease = json!({
        "epoch": 4, "axis": null, "group": "gantry", "holder": "hmi@bob 7", "uid": 1001, "pid": 7, "on_loss": "stop",
        "ttl_ms": 3000, "expires_in_ms": 2940, "connections": 1
    });
    let daemon = Daemon::new(&[("Lease.List", vec![json!({ "parameters": { "leases": [lease] } })])]);
    let output = daemon.run(&["lease", "list"]);
    let row = text(&output.stdout).lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(row, ["group", "gantry", "hmi@bob", "7", "1001", "7", "stop", "2.9", "s"], "{output:?}");
}

#[test]
fn enabling_a_group_powers_its_axes_first_and_disabling_it_last() {
    let state = |name: &str| json!({ "parameters": { "status": { "state": name } } });
    let gantry = json!({ "parameters": { "groups": [{ "name": "gantry", "axes": ["x", "y"] }] } });
    for (verb, before, order) in [
        ("enable", "GroupDisabled", ["Axis.Power", "Axis.Power", "Group.Enable"]),
        ("disable", "GroupStandby", ["Group.Disable", "Axis.Power", "Axis.Power"]),
    ] {
        let daemon = Daemon::new(&[
            ("Group.Describe", vec![gantry.clone()]),
            ("Group.Status", vec![state(before)]),
            ("Axis.Power", vec![accepted(1)]),
            ("Group.Enable", vec![accepted(2)]),
            ("Group.Disable", vec![accepted(3)]),
            ("Command.Wait", vec![progress("done", false)]),
        ]);
        let output = daemon.run(&[verb, "gantry"]);
        assert_eq!(exit(&output), 0, "{output:?}");
        let asked = daemon.asked.lock().unwrap();
        let methods =
            asked.iter().map(|request| request["method"].as_str().unwrap().trim_start_matches("io.motiond.v1."));
        let changes: Vec<&str> = methods.filter(|method| order.contains(method)).collect();
        assert_eq!(changes, order);
    }
}

#[test]
fn completions_and_manual_pages_need_no_daemon_and_know_every_verb() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().join("nothing");
    for shell in ["bash", "zsh", "fish"] {
        let output = motionctl(&nowhere, &["completions", shell]);
        assert!(exit(&output) == 0 && text(&output.stdout).contains("take-over"), "{shell}: {output:?}");
    }
    let output = motionctl(&nowhere, &["man"]);
    assert!(text(&output.stdout).starts_with(".ie") || text(&output.stdout).contains(".TH motionctl"), "{output:?}");
    let pages = directory.path().join("man");
    assert_eq!(exit(&motionctl(&nowhere, &["man", "--out", pages.to_str().unwrap()])), 0);
    for page in ["motionctl.1", "motionctl-move.1", "motionctl-lease.1", "motionctl-lease-take-over.1"] {
        assert!(pages.join(page).exists(), "{page}");
    }
}

#[test]
fn parameters_of_one_axis_are_set_together_under_its_lease() {
    let changed = json!([{ "name": "axis.x.a", "before": 800.0, "value": 400.0 }]);
    let write = json!({ "parameters": { "handle": 1, "cycle": 2, "changed": changed } });
    let daemon = Daemon::new(&[("Parameters.Write", vec![write])]);
    let output = daemon.run(&["params", "set", "axis.x.a=400", "axis.x.b=-0.5"]);
    assert_eq!(exit(&output), 0, "{output:?}");
    let said = text(&output.stdout);
    assert!(said.starts_with("axis.x.a: 400 (was 800)\n") && said.contains("params persist"), "{said}");
    let values = json!([{ "name": "axis.x.a", "value": 400.0 }, { "name": "axis.x.b", "value": -0.5 }]);
    let asked = daemon.asked("Parameters.Write");
    assert_eq!(asked, [json!({ "axis": "x", "values": values })]);
    for wrong in ["axis.x.a", "axis.x.a=fast", "axis.x.a=NaN", "group.g.a=1"] {
        assert_eq!(exit(&daemon.run(&["params", "set", wrong])), 2, "{wrong}");
    }
}

#[test]
fn parameters_that_do_not_fit_are_told_one_a_line() {
    let problems = json!([
        { "name": "axis.x.a", "found": "0", "allowed": "a number above 0" },
        { "name": "axis.x.b", "found": "an unknown name", "allowed": "did you mean axis.x.c?" },
    ]);
    let unfit = json!({ "axis": "x", "problems": problems, "hint": "nothing was changed", "retryable": false });
    let daemon = Daemon::new(&[(
        "Parameters.Write",
        vec![json!({ "error": "io.motiond.v1.Parameters.Unfit", "parameters": unfit })],
    )]);
    let output = daemon.run(&["params", "set", "axis.x.a=0", "axis.x.b=1"]);
    assert_eq!(exit(&output), 4, "{output:?}");
    let expected = "motionctl: axis.x.a: found 0, allowed: a number above 0\n  axis.x.b: found an unknown name, allowed: did \
                    you mean axis.x.c?\n  nothing was changed\n";
    assert_eq!(text(&output.stderr), expected);
}

#[test]
fn rolling_back_without_names_is_for_every_axis_that_differs() {
    let difference = |name: &str, value: f64, persisted: f64| json!({ "name": name, "unit": "mm", "value": value, "configured": 1.0, "persisted": persisted });
    let page = json!({ "differences": [difference("axis.x.a", 2.0, 3.0), difference("axis.y.a", 3.0, 3.0)] });
    let daemon = Daemon::new(&[
        ("Parameters.Diff", vec![json!({ "parameters": page })]),
        ("Parameters.RollBack", vec![json!({ "parameters": { "handle": 1, "cycle": 2, "changed": [] } })]),
    ]);
    let output = daemon.run(&["params", "roll-back", "--to", "persisted"]);
    assert_eq!(exit(&output), 0, "{output:?}");
    let asked = daemon.asked("Parameters.RollBack");
    assert_eq!(asked, [json!({ "axis": "x", "to": "persisted" })]);
    assert_eq!(exit(&daemon.run(&["params", "roll-back"])), 2, "to what?");
}

#[test]
fn files_behind_one_that_did_not_come_to_its_end_are_not_begun() {
    let described = json!({ "name": "gantry", "velocity_limit": 100, "coordinates": [{ "name": "x", "unit": "mm" }] });
    let begun = |handle: u64, buffer: &str| {
        let begun = json!({ "boot_id": "b", "handle": handle, "cycle": 5, "axes": ["x"], "start": [0], "room": 9, "buffer": buffer });
        json!({ "parameters": begun })
    };
    let full = json!({ "error": "io.motiond.v1.Path.QueueFull", "parameters": { "queue": "group", "depth": 8, "capacity": 8 } });
    let nothing = json!({ "parameters": { "boot_id": "b", "room": 9, "taken": 1 } });
    let axes = json!([{ "name": "x", "minimum": null, "maximum": null }]);
    let halted_before = |begins: Vec<Value>, states: &[&str], end: &str, code: i32| {
        let daemon = Daemon::new(&[
            ("Group.Describe", vec![json!({ "parameters": { "groups": [described], "next": null } })]),
            ("Axis.Describe", vec![json!({ "parameters": { "axes": axes, "next": null } })]),
            ("Group.Status", vec![json!({ "parameters": { "status": { "state": "GroupMoving" } } })]),
            ("Path.Begin", begins),
            ("Path.Lines", vec![nothing.clone()]),
            ("Path.End", vec![nothing.clone()]),
            ("Path.Cancel", vec![accepted(8)]),
            ("Command.Status", states.iter().map(|state| progress(state, false)).collect()),
            ("Command.Wait", vec![progress(end, false)]),
        ]);
        let file = |name: &str| daemon.directory.path().join(name).to_str().unwrap().to_string();
        let files = ["a.path", "b.path", "c.path"].map(file);
        files.iter().for_each(|file| std::fs::write(file, "feed 10\nline x=5\n").unwrap());
        let [a, b, c] = &files;
        let output = daemon.run(&["path", a, b, c, "--wait"]);
        assert_eq!(exit(&output), code, "{output:?}");
        let complaint = text(&output.stderr);
        assert!(complaint.contains(&format!("path {a}: ")), "{complaint}");
        assert!(complaint.contains(&format!("not begun: {b}, {c}\n")), "{complaint}");
        assert_eq!(daemon.asked("Path.Lines").len(), 1);
        (daemon.asked("Path.Begin").len(), daemon.asked("Path.Cancel").len())
    };
    let first = || begun(7, "aborting");
    // Between two files, while there is no room, and when the group was seen under way for the last time.
    assert_eq!(halted_before(vec![first()], &["aborted"], "aborted", 5), (1, 0));
    assert_eq!(halted_before(vec![first()], &["error"], "error", 6), (1, 0));
    let states = ["active", "active", "aborted"];
    assert_eq!(halted_before(vec![first(), full.clone(), full], &states, "aborted", 5), (3, 0));
    assert_eq!(halted_before(vec![first(), begun(8, "aborting")], &["active", "aborted"], "aborted", 5), (2, 1));
}
