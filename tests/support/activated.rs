//! Daemons behind sockets that outlive them: `systemd-socket-activate` opens the three sockets, and a shell that it
//! starts on the first connection does what systemd does with `Restart=`: it starts the daemon again when it has ended.

use super::daemon::{HANG, Killed, drained, output, patient_demo, until};
use motiond::client::Machine;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::Receiver;
use tempfile::TempDir;

/// The shell's own process id differs from that of its child, which is the daemon's: exec keeps it. The daemon dies with
/// the shell, so that no failed test leaves one behind.
const RESTARTS: &str = r#"
    trap 'kill -KILL $daemon; exit' TERM
    while :; do
        while [ -e hold ]; do sleep 0.02; done
        ( export LISTEN_PID=$BASHPID; echo $BASHPID >pid; exec setpriv --pdeathsig KILL "$@" ) &
        daemon=$!
        wait $daemon
        echo "ended with $?" >&2
    done
"#;

/// Sockets with a daemon behind them, once somebody has connected.
pub struct Activated {
    manager: Killed,
    lines: Receiver<String>,
    /// Where Prometheus scrapes.
    pub metrics: String,
    directory: TempDir,
}

/// Why these tests cannot run here; `None` where they can.
pub fn missing() -> Option<String> {
    let tried = Command::new("systemd-socket-activate").arg("--version").stdout(Stdio::null()).status();
    tried.err().map(|error| format!("systemd-socket-activate (Debian package systemd) does not run here: {error}"))
}

impl Activated {
    /// Opens the sockets by these names, in this order: control, observe, metrics.
    pub fn open(names: &str) -> Activated {
        let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
        std::fs::write(directory.path().join("machine.toml"), patient_demo()).unwrap();
        // A file, for systemd-socket-activate shows the words of its command in the log.
        std::fs::write(directory.path().join("restarts"), RESTARTS).unwrap();
        // systemd-socket-activate takes no port 0.
        let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut command = Command::new("systemd-socket-activate");
        command.arg(format!("--fdname={names}"));
        for socket in ["control.sock", "observe.sock"] {
            command.arg("--listen").arg(directory.path().join(socket));
        }
        command.arg("--listen").arg(&metrics);
        command.args(["bash", "restarts", env!("CARGO_BIN_EXE_motiond"), "run", "machine.toml"]);
        command.args(["--simulate", "--test-commands"]).current_dir(directory.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut manager = Killed(child);
        let lines = drained(manager.0.stderr.take().unwrap());
        let activated = Activated { manager, lines, metrics, directory };
        for _ in 0..3 {
            activated.line_with("Listening on");
        }
        activated
    }

    /// Reads the log up to a line with `text`; returns that line.
    pub fn line_with(&self, text: &str) -> String {
        let mut log = String::new();
        loop {
            let line = self.lines.recv_timeout(HANG);
            let line = line.unwrap_or_else(|error| panic!("no line with {text:?} ({error}) in:\n{log}"));
            if line.contains(text) {
                return line;
            }
            log += &line;
        }
    }

    /// A socket's place.
    pub fn socket(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.sock"))
    }

    /// A new connection to the control socket; waits for the daemon as any client would.
    pub fn connect(&self) -> Machine {
        let mut machine = Machine::open(&self.socket("control")).unwrap_or_else(|error| panic!("{error}"));
        machine.connection().set_patience(Some(HANG)).unwrap();
        machine
    }

    /// Runs `motionctl` with these words.
    pub fn motionctl(&self, words: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
        output(command.arg("--socket").arg(self.socket("control")).args(words.split_whitespace()))
    }

    fn pid(&self) -> Pid {
        let pid = self.directory.path().join("pid");
        let pid = until("the daemon's pid", || std::fs::read_to_string(&pid).ok()?.trim().parse().ok());
        Pid::from_raw(pid)
    }

    /// Ends the daemon in an orderly way, and holds back the next one until `go_on`.
    pub fn end_and_hold(&self) {
        std::fs::write(self.directory.path().join("hold"), "").unwrap();
        kill(self.pid(), Signal::SIGTERM).unwrap();
        assert_eq!(self.line_with("ended with").trim(), "ended with 0");
    }

    /// Lets the next daemon start.
    pub fn go_on(&self) {
        std::fs::remove_file(self.directory.path().join("hold")).unwrap();
    }
}

impl Drop for Activated {
    fn drop(&mut self) {
        // The shell takes the daemon with it; a kill would leave that to the kernel.
        let _ = kill(Pid::from_raw(self.manager.0.id().try_into().unwrap()), Signal::SIGTERM);
        let _ = self.manager.0.wait();
    }
}
