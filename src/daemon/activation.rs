//! Sockets that the service manager opened and passed to this process (`sd_listen_fds(3)`), told apart by their names:
//! `FileDescriptorName=control`, `observe` and `metrics`. They stay open when the daemon ends, so that clients who
//! connect during a restart wait instead of failing.

#![allow(unsafe_code)]

use nix::sys::socket::{AddressFamily, SockType, SockaddrLike, SockaddrStorage, getsockname, getsockopt, sockopt};
use std::fmt;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

/// They are taken once: two owners of one descriptor would close each other's.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The sockets that were passed; the daemon opens the others itself.
#[derive(Debug, Default)]
pub struct Passed {
    /// The control socket.
    pub control: Option<UnixListener>,
    /// The observe socket.
    pub observe: Option<UnixListener>,
    /// The metrics endpoint.
    pub metrics: Option<TcpListener>,
}

/// Why what was passed cannot be used. The text says which unit to look at.
#[derive(Debug)]
pub enum PassedError {
    /// Asked for twice, or beside other threads.
    Late,
    /// The environment does not fit the descriptors.
    Environment(std::io::Error),
    /// A name that the daemon does not know.
    Name {
        /// The descriptor.
        descriptor: i32,
        /// Its name.
        name: String,
    },
    /// Two sockets of one name.
    Twice(&'static str),
    /// Something else than what belongs to the name.
    Kind {
        /// The name.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
}

impl fmt::Display for PassedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PassedError::Late => write!(f, "passed sockets must be taken once, before any thread is started"),
            PassedError::Environment(error) => write!(
                f,
                "the service manager's LISTEN_FDS and LISTEN_FDNAMES do not fit the descriptors that it passed: {error}"
            ),
            PassedError::Name { descriptor, name } => write!(
                f,
                "descriptor {descriptor} was passed by the name \"{name}\"; allowed are control, observe and metrics \
                 (FileDescriptorName= in the socket unit)"
            ),
            PassedError::Twice(name) => {
                write!(
                    f,
                    "two sockets were passed by the name \"{name}\": one ListenStream= in one socket unit is allowed"
                )
            }
            PassedError::Kind { name, expected, found } => write!(
                f,
                "the socket passed by the name \"{name}\" is {found}; it must be {expected} (ListenStream= in its socket unit)"
            ),
        }
    }
}

impl std::error::Error for PassedError {}

impl Passed {
    /// Takes what was passed to this process, if anything was, and unsets the variables that tell of it, so that no child
    /// takes them for its own. To be called once, before any thread is started.
    ///
    /// # Errors
    /// Where a name is unknown or used twice, or belongs to something else than a listening socket of its kind.
    pub fn take() -> Result<Passed, PassedError> {
        let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
        if threads != 1 || TAKEN.swap(true, Ordering::Relaxed) {
            return Err(PassedError::Late);
        }
        // Safety: there is no other thread that could read the environment meanwhile.
        let descriptors = unsafe { sd_notify::listen_fds_with_names_and_unset_env() };
        let mut passed = Passed::default();
        for (descriptor, name) in descriptors.map_err(PassedError::Environment)? {
            // Safety: LISTEN_PID says that this descriptor was opened for this process, it was open just now (it got its
            // close-on-exec flag), and TAKEN lets nobody else own it.
            let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
            passed.add(&name, socket)?;
        }
        Ok(passed)
    }

    fn add(&mut self, name: &str, socket: OwnedFd) -> Result<(), PassedError> {
        match name {
            "control" => put(&mut self.control, "control", unix(socket)),
            "observe" => put(&mut self.observe, "observe", unix(socket)),
            "metrics" => put(&mut self.metrics, "metrics", internet(socket)),
            _ => Err(PassedError::Name { descriptor: socket.as_raw_fd(), name: name.to_string() }),
        }
    }
}

fn put<T>(place: &mut Option<T>, name: &'static str, socket: Result<T, Mismatch>) -> Result<(), PassedError> {
    let socket = socket.map_err(|Mismatch { expected, found }| PassedError::Kind { name, expected, found })?;
    match place.replace(socket) {
        None => Ok(()),
        Some(_) => Err(PassedError::Twice(name)),
    }
}

struct Mismatch {
    expected: &'static str,
    found: String,
}

fn unix(socket: OwnedFd) -> Result<UnixListener, Mismatch> {
    listening(&socket, &[AddressFamily::Unix])
        .map_err(|found| Mismatch { expected: "a listening Unix stream socket", found })?;
    Ok(UnixListener::from(socket))
}

fn internet(socket: OwnedFd) -> Result<TcpListener, Mismatch> {
    listening(&socket, &[AddressFamily::Inet, AddressFamily::Inet6])
        .map_err(|found| Mismatch { expected: "a listening TCP socket", found })?;
    Ok(TcpListener::from(socket))
}

/// Whether this is a listening stream socket of one of these families; else what it is.
fn listening(socket: &OwnedFd, families: &[AddressFamily]) -> Result<(), String> {
    let no_socket = |error: nix::Error| format!("no socket ({})", error.desc());
    let kind = getsockopt(socket, sockopt::SockType).map_err(no_socket)?;
    let family = getsockname::<SockaddrStorage>(socket.as_raw_fd()).map_err(no_socket)?.family();
    if kind != SockType::Stream || !family.is_some_and(|family| families.contains(&family)) {
        let family = family.map_or("of no known family".to_string(), |family| format!("{family:?}"));
        return Err(format!("a {family} {kind:?} socket"));
    }
    match getsockopt(socket, sockopt::AcceptConn).map_err(no_socket)? {
        true => Ok(()),
        false => Err("not listening".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::unix::net::UnixStream;

    fn unix_listener() -> OwnedFd {
        let directory = tempfile::tempdir().unwrap();
        UnixListener::bind(directory.path().join("socket")).unwrap().into()
    }

    fn refused(sockets: Vec<(&str, OwnedFd)>) -> String {
        let mut passed = Passed::default();
        let results: Vec<_> = sockets.into_iter().map(|(name, socket)| passed.add(name, socket)).collect();
        let (last, before) = results.split_last().unwrap();
        assert!(before.iter().all(Result::is_ok), "{before:?}");
        last.as_ref().unwrap_err().to_string()
    }

    #[test]
    fn each_name_takes_a_listening_socket_of_its_kind() {
        let mut passed = Passed::default();
        passed.add("metrics", TcpListener::bind("127.0.0.1:0").unwrap().into()).unwrap();
        passed.add("observe", unix_listener()).unwrap();
        passed.add("control", unix_listener()).unwrap();
        assert!(passed.control.is_some() && passed.observe.is_some() && passed.metrics.is_some());
    }

    #[test]
    fn an_unknown_or_doubled_name_is_refused_with_its_name() {
        let words = refused(vec![("motiond.socket", unix_listener())]);
        assert!(words.contains("\"motiond.socket\"") && words.contains("FileDescriptorName="), "{words}");
        let words = refused(vec![("control", unix_listener()), ("control", unix_listener())]);
        assert!(words.contains("two sockets") && words.contains("\"control\""), "{words}");
    }

    #[test]
    fn a_socket_of_another_kind_is_refused_with_what_it_is() {
        let words = refused(vec![("control", TcpListener::bind("127.0.0.1:0").unwrap().into())]);
        assert!(words.contains("Inet Stream") && words.contains("listening Unix stream"), "{words}");
        let words = refused(vec![("metrics", unix_listener())]);
        assert!(words.contains("Unix Stream") && words.contains("listening TCP"), "{words}");
        let words = refused(vec![("metrics", UdpSocket::bind("127.0.0.1:0").unwrap().into())]);
        assert!(words.contains("Inet Datagram"), "{words}");
        let words = refused(vec![("observe", UnixStream::pair().unwrap().0.into())]);
        assert!(words.contains("not listening"), "{words}");
        let words = refused(vec![("observe", std::fs::File::open("/dev/null").unwrap().into())]);
        assert!(words.contains("no socket"), "{words}");
    }

    #[test]
    fn beside_other_threads_nothing_is_taken() {
        // The test harness has a thread of its own for each test.
        assert!(matches!(Passed::take(), Err(PassedError::Late)));
    }
}
