//! The daemon behind sockets that somebody else opened: what systemd passes it by name, what is refused, and what clients
//! and a real Prometheus see of a restart.

#[path = "support/activated.rs"]
mod activated;
#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use activated::Activated;
use daemon::{Killed, drained, get, until};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

const NAMES: &str = "control:observe:metrics";

/// Says why a test does not run here, for those who count.
fn skipped(test: &str, why: Option<String>) -> bool {
    if let Some(why) = &why {
        println!("skipped: {test}: {why}");
    }
    why.is_some()
}

#[test]
fn passed_sockets_serve_by_their_names_and_outlive_the_daemon() {
    if skipped("passed_sockets_serve_by_their_names_and_outlive_the_daemon", activated::missing()) {
        return;
    }
    let activated = Activated::open(NAMES);
    // The connection that starts the daemon is answered, too.
    let status = activated.motionctl("status");
    assert_eq!(status.status.code(), Some(0), "{status:?}");
    assert!(String::from_utf8(status.stdout).unwrap().contains("gantry"));
    let text = get(&activated.metrics, "/metrics").unwrap();
    assert!(text.contains("motion_cycles_total "), "{text}");
    let mut observer = motiond::client::Machine::open(&activated.socket("observe")).unwrap();
    observer.connection().set_patience(Some(daemon::HANG)).unwrap();
    observer.call("Machine", "Status", json!({})).unwrap();
    assert_eq!(observer.call("Machine", "Stop", json!({})).unwrap_err().short_name(), "PermissionDenied");

    activated.end_and_hold();
    for name in ["control", "observe"] {
        assert!(activated.socket(name).exists(), "{name}");
    }
}

#[test]
fn who_connects_during_a_restart_waits_and_is_answered_by_the_next_daemon() {
    if skipped("who_connects_during_a_restart_waits_and_is_answered_by_the_next_daemon", activated::missing()) {
        return;
    }
    let activated = Activated::open(NAMES);
    let boot = |status: Value| status["boot_id"].as_str().unwrap().to_string();
    let first = boot(activated.connect().call("Machine", "Status", json!({})).unwrap());
    activated.end_and_hold();
    // No daemon is there, and yet both can connect.
    let mut waiting = activated.connect();
    let metrics = activated.metrics.clone();
    let scrape = std::thread::spawn(move || get(&metrics, "/metrics").unwrap());
    activated.go_on();
    assert_ne!(boot(waiting.call("Machine", "Status", json!({})).unwrap()), first);
    assert!(scrape.join().unwrap().contains("motion_cycles_total "));
}

#[test]
fn a_wrong_name_is_refused_in_words() {
    if skipped("a_wrong_name_is_refused_in_words", activated::missing()) {
        return;
    }
    for (names, words) in [
        ("control:watch:metrics", "passed by the name \"watch\"; allowed are control, observe and metrics"),
        ("control:control:metrics", "two sockets were passed by the name \"control\""),
        ("control:metrics:observe", "the socket passed by the name \"metrics\" is a Unix Stream socket"),
    ] {
        let activated = Activated::open(names);
        let _connection = std::os::unix::net::UnixStream::connect(activated.socket("control")).unwrap();
        let line = activated.line_with("motiond: ");
        assert!(line.contains(words), "{names}: {line}");
        assert_eq!(activated.line_with("ended with").trim(), "ended with 1");
    }
}

/// A Prometheus of its own that scrapes one address each second.
struct Prometheus {
    _process: Killed,
    _log: std::sync::mpsc::Receiver<String>,
    api: String,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    fn missing() -> Option<String> {
        let tried = Command::new("prometheus").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        tried.err().map(|error| format!("prometheus (Debian package prometheus) does not run here: {error}"))
    }

    fn start(target: &str) -> Prometheus {
        let directory = tempfile::Builder::new().prefix("prometheus-").tempdir().unwrap();
        let file = directory.path().join("prometheus.yml");
        let config = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\n\
             scrape_configs:\n  - job_name: motiond\n    static_configs: [ {{ targets: ['{target}'] }} ]\n"
        );
        std::fs::write(&file, config).unwrap();
        let option = |name: &str, path: &Path| format!("--{name}={}", path.display());
        let mut command = Command::new("prometheus");
        command.arg(option("config.file", &file)).arg(option("storage.tsdb.path", &directory.path().join("data")));
        command.arg("--web.listen-address=127.0.0.1:0").stdin(Stdio::null()).stdout(Stdio::null());
        let mut process = Killed(command.stderr(Stdio::piped()).spawn().unwrap());
        let log = drained(process.0.stderr.take().unwrap());
        let mut said = String::new();
        let api = loop {
            let line = log.recv_timeout(daemon::HANG).unwrap_or_else(|error| panic!("{error}: no address in:\n{said}"));
            let address = line.split_once("msg=\"Listening on\" address=").map(|(_, address)| address);
            if let Some(address) = address.and_then(|address| address.split_whitespace().next()) {
                break address.to_string();
            }
            said += &line;
        };
        Prometheus { _process: process, _log: log, api, _directory: directory }
    }

    /// The value of an expression that gives one sample; `None` while it gives none.
    fn value(&self, expression: &str) -> Option<f64> {
        let escaped: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = get(&self.api, &format!("/api/v1/query?query={escaped}")).ok()?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        let found = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{expression}: {answer}"));
        assert!(found.len() <= 1, "{expression}: {answer}");
        found.first()?["value"][1].as_str()?.parse().ok()
    }

    fn until(&self, expression: &str, mut judge: impl FnMut(f64) -> bool) -> f64 {
        until(expression, || self.value(expression).filter(|value| judge(*value)))
    }
}

#[test]
fn prometheus_sees_counters_survive_a_service_and_begin_anew_with_the_daemon() {
    let missing = activated::missing().or_else(Prometheus::missing);
    if skipped("prometheus_sees_counters_survive_a_service_and_begin_anew_with_the_daemon", missing) {
        return;
    }
    let now_s = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let before_first_s = now_s();
    let activated = Activated::open(NAMES);
    // Its first scrape starts the daemon.
    let prometheus = Prometheus::start(&activated.metrics);
    prometheus.until("up", |up| up == 1.0);
    let cycles = prometheus.until("motion_cycles_total", |cycles| cycles > 0.0);
    prometheus.until("motion_cycles_total", |now| now > cycles);
    let version = format!("motion_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(prometheus.value(&version), Some(1.0));
    let first_s = prometheus.value("motion_start_time_seconds").unwrap();
    assert!(before_first_s <= first_s && first_s <= now_s(), "{before_first_s} {first_s} {}", now_s());

    // The service dies; what it counted lives elsewhere.
    let powered = activated.motionctl("power on x --wait");
    assert_eq!(powered.status.code(), Some(0), "{powered:?}");
    let commands = prometheus.until("sum(motion_commands_total)", |commands| commands > 0.0);
    let cycles = prometheus.value("motion_cycles_total").unwrap();
    activated.connect().call("Test", "Panic", json!({ "service": "metrics" })).unwrap();
    prometheus.until("motion_service_restarts_total{service=\"metrics\"}", |restarts| restarts == 1.0);
    prometheus.until("motion_cycles_total", |now| now > cycles);
    assert_eq!(prometheus.value("resets(motion_cycles_total[1h])"), Some(0.0));
    assert_eq!(prometheus.value("sum(motion_commands_total)"), Some(commands));
    assert_eq!(prometheus.value("motion_start_time_seconds"), Some(first_s));

    // Another daemon begins at 0, and Prometheus takes that for a reset, not for a loss.
    activated.end_and_hold();
    let before_second_s = now_s();
    activated.go_on();
    let second_s = prometheus.until("motion_start_time_seconds", |start_s| start_s > first_s);
    assert!(before_second_s <= second_s && second_s <= now_s(), "{before_second_s} {second_s} {}", now_s());
    prometheus.until("resets(motion_cycles_total[1h])", |resets| resets == 1.0);
    prometheus.until("motion_service_restarts_total{service=\"metrics\"}", |restarts| restarts == 0.0);
    prometheus.until("increase(motion_cycles_total[1h])", |increase| increase > cycles);
    prometheus.until("up", |up| up == 1.0);
}
