//! Ctrl-C: what this program moves and waits for is stopped, what it holds is released, and what it records is written,
//! before it ends.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use motiond::client::{Connection, Error, Lease, OnLoss, Scope};
use nix::sys::signal::{SigSet, Signal};
use serde_json::{Value, json};

/// As shells count a program that SIGINT ended.
const EXIT_CODE: i32 = 130;

/// What is to be done at the end.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Mutex<Vec<Held>>>);

struct Held {
    scope: Scope,
    token: String,
    on_loss: OnLoss,
}

impl Interrupt {
    /// Waits for SIGINT and SIGTERM from now on. To be called before any other thread is there: they inherit that these
    /// signals are not theirs.
    pub fn await_signals(socket: &Path) -> Result<Interrupt, Error> {
        let signals = block_signals()?;
        let interrupt = Interrupt::default();
        let (held, socket) = (interrupt.clone(), PathBuf::from(socket));
        let wait = move || {
            if signals.wait().is_ok() {
                held.act(&socket);
                crate::keys::restore();
                std::process::exit(EXIT_CODE);
            }
        };
        std::thread::Builder::new().name("interrupt".to_string()).spawn(wait).map_err(Error::Lost)?;
        Ok(interrupt)
    }

    /// A lease was taken.
    pub fn note(&self, lease: &Lease, on_loss: OnLoss) {
        let held = Held { scope: lease.scope().clone(), token: lease.token().to_string(), on_loss };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(held);
    }

    fn act(&self, socket: &Path) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_empty() {
            return;
        }
        // If this does not succeed, the daemon does the same when it misses this program.
        let Ok(mut connection) = Connection::open(socket) else { return };
        for Held { scope, token, on_loss } in held.iter() {
            if *on_loss == OnLoss::Stop {
                let (interface, name) = scope.named().map_or(("Machine", ""), |(interface, _, name)| (interface, name));
                let stop = format!("io.motiond.v1.{interface}.Stop");
                let what = if name.is_empty() { "machine" } else { name };
                match connection.call(&stop, Value::Object(scope.parameters())) {
                    Ok(_) => eprintln!("\n{what}: stopped and locked; end the lock with: motionctl release {name}"),
                    Err(error) => eprintln!("\nmotionctl: {what} was not stopped: {error}"),
                }
            }
            let _ = connection.call("io.motiond.v1.Lease.Release", json!({ "lease": token }));
        }
    }
}

/// Ends what waits for replies on this socket at the first SIGINT or SIGTERM, and this program at the second. What it
/// returns tells whether there was one. To be called before any other thread is there, likewise.
pub fn hang_up_on_signals(socket: UnixStream) -> Result<Arc<AtomicBool>, Error> {
    let signals = block_signals()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&interrupted);
    let wait = move || {
        if signals.wait().is_ok() {
            noted.store(true, Ordering::Release);
            // A socket whose other end is gone has ended what waited already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        if signals.wait().is_ok() {
            std::process::exit(EXIT_CODE);
        }
    };
    std::thread::Builder::new().name("interrupt".to_string()).spawn(wait).map_err(Error::Lost)?;
    Ok(interrupted)
}

fn block_signals() -> Result<SigSet, Error> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block().map_err(|errno| Error::Lost(errno.into()))?;
    Ok(signals)
}
