//! Keys while a group moves and this program waits on a terminal: hold and go on, the override.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use motiond::client::{Connection, Error};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, pipe, read, tcgetpgrp};
use serde_json::{Value, json};

use crate::shell::{Shell, print_over};

/// What they do.
const HELP: &str = "keys: space holds and goes on, + and - change the override by 10 %, Ctrl-C stops";
/// Of the override, a key.
const STEP: f64 = 0.1;
/// Greatest override.
const MOST: f64 = 2.0;

/// How the terminal was.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Listens for as long as it lives.
pub struct Keys {
    /// Dropped to end the thread.
    end: Option<OwnedFd>,
    listener: Option<JoinHandle<()>>,
}

/// What a key asks for is asked under this.
struct Hand {
    connection: Connection,
    group: String,
    lease: Value,
}

impl Keys {
    /// For a group that `shell` holds. `None` where nobody sits at a terminal in front of this program.
    pub fn listen(shell: &Shell, group: &str) -> Result<Option<Keys>, Error> {
        let terminal = std::io::stdin();
        let Ok(modes) = tcgetattr(&terminal) else { return Ok(None) };
        if tcgetpgrp(&terminal) != Ok(getpgrp()) || !shell.draws() {
            return Ok(None);
        }
        let lease = shell.machine.leases().first().map_or(Value::Null, |lease| json!(lease.token()));
        let hand = Hand { connection: Connection::open(shell.machine.path())?, group: group.to_string(), lease };
        let (ended, end) = pipe().map_err(|errno| Error::Lost(errno.into()))?;
        let mut single = modes.clone();
        single.local_flags &= !(LocalFlags::ICANON | LocalFlags::ECHO);
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(modes);
        let _ = tcsetattr(&terminal, SetArg::TCSANOW, &single);
        let listener = std::thread::Builder::new().name("keys".to_string()).spawn(move || hand.listen(&ended));
        let listener = listener.map_err(Error::Lost)?;
        eprintln!("{HELP}");
        Ok(Some(Keys { end: Some(end), listener: Some(listener) }))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.end = None;
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        restore();
    }
}

/// The terminal as it was, before this program ends.
pub fn restore() {
    if let Some(modes) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, &modes);
    }
}

impl Hand {
    fn listen(mut self, ended: &impl AsFd) {
        // In the background of a shell a read fails, and does not stop a program that keeps a machine moving.
        let mut background = SigSet::empty();
        background.add(Signal::SIGTTIN);
        let _ = background.thread_block();
        let terminal = std::io::stdin();
        loop {
            let key = PollFd::new(terminal.as_fd(), PollFlags::POLLIN);
            let mut both = [key, PollFd::new(ended.as_fd(), PollFlags::POLLIN)];
            let ready = poll(&mut both, PollTimeout::NONE);
            let over = both[1].revents().is_some_and(|events| !events.is_empty());
            let mut key = [0];
            if over || ready.is_err() || read(&terminal, &mut key) != Ok(1) {
                return;
            }
            if let Err(error) = self.press(key[0]) {
                print_over("");
                eprintln!("motionctl: {error}");
            }
        }
    }

    fn press(&mut self, key: u8) -> Result<(), Error> {
        match key {
            b' ' => {
                let held = self.status()?["interrupted"] == true;
                self.command(if held { "Continue" } else { "Interrupt" }, json!({}))
            }
            b'+' | b'=' => self.faster(STEP),
            b'-' => self.faster(-STEP),
            _ => Ok(()),
        }
    }

    fn faster(&mut self, by: f64) -> Result<(), Error> {
        let ratio = self.status()?["override"].as_f64().unwrap_or(1.0);
        // Whole steps, whatever it was.
        let ratio = ((ratio + by) / STEP).round() * STEP;
        self.command("SetOverride", json!({ "ratio": ratio.clamp(0.0, MOST) }))
    }

    fn status(&mut self) -> Result<Value, Error> {
        let mut reply = self.connection.call("io.motiond.v1.Group.Status", json!({ "group": self.group }))?;
        Ok(reply["status"].take())
    }

    fn command(&mut self, method: &str, mut parameters: Value) -> Result<(), Error> {
        parameters["group"] = json!(self.group);
        parameters["lease"] = self.lease.clone();
        self.connection.call(&format!("io.motiond.v1.Group.{method}"), parameters).map(|_| ())
    }
}
