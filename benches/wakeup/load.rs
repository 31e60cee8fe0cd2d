//! What a machine's computer does besides: every CPU busy, and a daemon that clients and Prometheus talk to.

use motiond::client::Machine;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Connections that ask without a pause.
const CLIENTS: usize = 8;

/// The load, until it is dropped.
pub struct Load {
    stress: Child,
    daemon: Child,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
    _directory: tempfile::TempDir,
}

impl Load {
    /// Starts all of it, and waits until the daemon answers.
    pub fn start() -> Load {
        let stress = Command::new("stress-ng").args(["--cpu", "0", "--quiet"]).spawn().expect("stress-ng starts");
        let directory = tempfile::tempdir().expect("a directory");
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo.toml");
        let config = std::fs::read_to_string(config).expect("the demo's configuration");
        // It is load here, so it must not keep the CPU from what is measured.
        let behind = config.replace("priority = 80", "priority = 40");
        assert_ne!(behind, config, "the demo has another priority");
        let (file, socket) = (directory.path().join("machine.toml"), directory.path().join("control.sock"));
        std::fs::write(&file, behind).expect("a file");
        let mut daemon = Command::new(env!("CARGO_BIN_EXE_motiond"))
            .arg("run")
            .arg(&file)
            .args(["--simulate", "--metrics", "127.0.0.1:0", "--socket"])
            .arg(&socket)
            .env("NO_COLOR", "1")
            .stderr(Stdio::piped())
            .spawn()
            .expect("motiond starts");
        let mut log = BufReader::new(daemon.stderr.take().expect("a pipe"));
        let (mut metrics, mut line) = (String::new(), String::new());
        while !line.contains("ready") {
            line.clear();
            assert!(log.read_line(&mut line).expect("a log") > 0, "the daemon ended");
            if let Some((_, address)) = line.split_once("metrics on http://") {
                metrics = address.trim().trim_end_matches("/metrics").to_string();
            }
        }
        std::thread::spawn(move || log.lines().for_each(drop));

        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let (stop, mut machine) = (Arc::clone(&stop), Machine::open(&socket).expect("a connection"));
            clients.push(std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    machine.call("Axis", "List", json!({})).expect("the daemon answers");
                }
            }));
        }
        clients.push(std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                while !stop.load(Ordering::Relaxed) {
                    scrape(&metrics).expect("the daemon is scraped");
                }
            }
        }));
        Load { stress, daemon, stop, clients, _directory: directory }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            let _ = client.join();
        }
        for child in [&mut self.stress, &mut self.daemon] {
            // stress-ng takes its workers with it when it is asked to end.
            let _ = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(child.id() as i32),
                nix::sys::signal::Signal::SIGTERM,
            );
            let _ = child.wait();
        }
    }
}

fn scrape(address: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}
