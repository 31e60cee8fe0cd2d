//! A daemon of its own for a test: the built program on the demo's machine, in a directory that goes away with it.

use motiond::client::Machine;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing takes this long, on however busy a machine: who comes here hangs.
pub const HANG: Duration = Duration::from_secs(60);
/// The folder in a daemon's directory in which it keeps what outlives it, where it does.
const STATE: &str = "state";
/// Between two looks at another process.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until there is something to return.
///
/// # Panics
/// After [`HANG`], naming what did not come.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < HANG, "waited in vain: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// A process that does not outlive its test.
pub struct Killed(pub Child);

impl Killed {
    /// Waits for its end.
    pub fn ended(&mut self, what: &str) -> ExitStatus {
        until(what, || self.0.try_wait().unwrap())
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program to its end.
pub fn output(command: &mut Command) -> Output {
    let what = format!("{command:?}");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = Killed(child.unwrap_or_else(|error| panic!("{what}: {error}")));
    let (stdout, stderr) = (drained(child.0.stdout.take().unwrap()), drained(child.0.stderr.take().unwrap()));
    let status = child.ended(&what);
    let all = |lines: Receiver<String>| lines.iter().collect::<String>().into_bytes();
    Output { status, stdout: all(stdout), stderr: all(stderr) }
}

/// The lines of a pipe, read by a thread so that the writer never waits.
pub fn drained(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (lines, received) = channel();
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = String::new();
        while pipe.read_line(&mut line).is_ok_and(|read| read > 0) {
            // Where nobody takes the line it is read all the same: a daemon must not wait for that.
            let _ = lines.send(std::mem::take(&mut line));
        }
    });
    received
}

/// The program `motiond`, without what this test's own surroundings would tell it.
pub fn motiond() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_motiond"));
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1");
    command
}

/// The demo's machine, for a host on which other tests take the processor for longer than a machine would bear.
pub fn patient_demo() -> String {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo.toml");
    let demo = std::fs::read_to_string(demo).unwrap();
    let patient = demo.replace("max-skipped-periods = 100 ", "max-skipped-periods = 1000 ");
    assert_ne!(patient, demo, "the demo has another bound for skipped periods");
    // And so would its drives.
    let devices = patient.replace("[[bus.device]]\nname = ", "[[bus.device]]\nwatchdog-ms = 1000\nname = ");
    assert_ne!(devices, patient, "the demo has other devices");
    devices
}

/// The body of what an HTTP server answers to GET, or why it does not.
pub fn get(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(HANG))?;
    // An answer to HTTP/1.0 is not chunked, and its end is the end of the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let other = |what: &str| std::io::Error::other(format!("{what}: {answer}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| other("no head"))?;
    let ok = head.split(' ').nth(1) == Some("200");
    if ok { Ok(body.to_string()) } else { Err(other("not OK")) }
}

/// A running daemon.
pub struct Daemon {
    child: Killed,
    lines: Receiver<String>,
    log: String,
    metrics: String,
    directory: TempDir,
}

impl Daemon {
    /// Starts one on the demo's machine.
    pub fn start() -> Daemon {
        Daemon::start_with(|demo| demo)
    }

    /// Starts one on the demo's machine as `change` makes it.
    pub fn start_with(change: impl FnOnce(String) -> String) -> Daemon {
        let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
        std::fs::write(directory.path().join("machine.toml"), change(patient_demo())).unwrap();
        Daemon::spawn(directory)
    }

    /// Starts one that keeps its events and parameters, until its directory goes away.
    pub fn keeping() -> Daemon {
        let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
        std::fs::write(directory.path().join("machine.toml"), patient_demo()).unwrap();
        std::fs::create_dir(directory.path().join(STATE)).unwrap();
        Daemon::spawn(directory)
    }

    /// Starts one that keeps its events in a directory that is there.
    pub fn keeping_in(state: &Path) -> Daemon {
        let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
        std::fs::write(directory.path().join("machine.toml"), patient_demo()).unwrap();
        std::os::unix::fs::symlink(state, directory.path().join(STATE)).unwrap();
        Daemon::spawn(directory)
    }

    /// Starts another one in the place of one that has ended.
    pub fn again(mut self) -> Daemon {
        self.ended();
        self.replaced()
    }

    /// Kills it without a word, and starts another one in its place.
    pub fn replaced(self) -> Daemon {
        let Daemon { child, directory, .. } = self;
        drop(child);
        Daemon::spawn(directory)
    }

    fn spawn(directory: TempDir) -> Daemon {
        let child = Daemon::command(directory.path()).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut child = Killed(child);
        let lines = drained(child.0.stderr.take().unwrap());
        let mut daemon = Daemon { child, lines, log: String::new(), metrics: String::new(), directory };
        daemon.line_with("ready");
        let address = daemon.log.lines().find_map(|line| line.split_once("metrics on http://"));
        let (_, address) = address.unwrap_or_else(|| panic!("no address of the metrics in:\n{}", daemon.log));
        daemon.metrics = address.trim_end_matches("/metrics").to_string();
        daemon
    }

    fn command(directory: &Path) -> Command {
        let mut command = motiond();
        command.arg("run").arg(directory.join("machine.toml")).args(["--simulate", "--test-commands"]);
        command.args(["--metrics", "127.0.0.1:0", "--socket"]).arg(directory.join("control.sock"));
        if directory.join(STATE).exists() {
            command.arg("--state-directory").arg(directory.join(STATE));
        }
        // There is nobody to be pinged, but the service that would do so runs.
        command.env("WATCHDOG_USEC", "3000000");
        command
    }

    /// The command that started this daemon, for another one.
    pub fn twin(&self) -> Command {
        Daemon::command(self.directory.path())
    }

    /// Reads the log up to a line with `text`.
    pub fn line_with(&mut self, text: &str) {
        while !self.log.lines().last().is_some_and(|line| line.contains(text)) {
            let line = self.lines.recv_timeout(HANG);
            let line = line.unwrap_or_else(|error| panic!("no line with {text:?} ({error}) in:\n{}", self.log));
            self.log.push_str(&line);
        }
    }

    /// Where the control socket is.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("control.sock")
    }

    /// A new connection.
    pub fn connect(&self) -> Machine {
        self.try_connect().unwrap_or_else(|error| panic!("{error}"))
    }

    /// A new connection, where the daemon takes it.
    pub fn try_connect(&self) -> Result<Machine, motiond::client::Error> {
        let mut machine = Machine::open(&self.socket())?;
        machine.connection().set_patience(Some(HANG))?;
        Ok(machine)
    }

    /// Runs `motionctl` with these words.
    pub fn motionctl(&self, words: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
        output(command.arg("--socket").arg(self.socket()).args(words.split_whitespace()))
    }

    /// Runs `motionctl`, which must end with 0; returns what it prints.
    pub fn done(&self, words: &str) -> String {
        let output = self.motionctl(words);
        assert_eq!(output.status.code(), Some(0), "motionctl {words}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What /metrics answers, or why it does not.
    pub fn scrape(&self) -> std::io::Result<String> {
        get(&self.metrics, "/metrics")
    }

    /// The value of a sample, named with its labels as in the text format.
    pub fn metric(&self, sample: &str) -> Option<f64> {
        let text = self.scrape().ok()?;
        text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok())
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Asks the daemon to end.
    pub fn terminate(&self) {
        let id = Pid::from_raw(self.child.0.id().try_into().unwrap());
        kill(id, Signal::SIGTERM).unwrap();
    }

    /// Waits for its end; returns its exit code and its log.
    pub fn ended(&mut self) -> (Option<i32>, String) {
        let status = self.child.ended("the end of the daemon");
        self.log.extend(self.lines.iter());
        (status.code(), self.log.clone())
    }
}
