//! The control socket: Varlink over a Unix stream socket, for people and programs that command the machine.
//!
//! ```text
//! listener ─► session (one task a client) ─► dispatch ─► machine, axis, group, lease, parameters ─► gateway
//!                 │  ▲                             └───► command, events, telemetry (streams)
//!                 │  └─ replies (bounded, in order)
//!                 └─ stop: from the reading half straight to the stop generations
//! ```
//!
//! The `.varlink` files in `interface/` say what there is; [`schema`] checks every request against them, so that
//! a handler only sees parameters of the right names and types. [`permission`] says which role a method needs, and
//! [`access`] who has it: of who connected and who sent the message, the lesser counts. [`audit`] logs each
//! call that may change something, with who made it.
//!
//! zlink reads requests and parses the descriptions. Its server is not used: it would let one client that does
//! not read its replies hold up all the others.

pub mod access;
pub mod audit;
mod axis;
mod begun;
pub mod call;
mod command;
mod commands;
pub mod context;
mod device;
mod device_objects;
mod dispatch;
pub mod door;
pub mod dry_run;
mod events;
pub mod failure;
mod group;
mod lease;
pub mod listener;
mod machine;
pub mod open_paths;
pub mod parameter_book;
mod parameters;
pub mod path;
mod path_acts;
mod path_begin;
pub mod peer;
pub mod permission;
mod places;
mod replies;
pub mod role;
pub mod schema;
mod service;
pub mod session;
pub mod socket;
pub mod stream;
mod telemetry;
pub mod test_commands;
#[cfg(test)]
mod tests;
mod tool;
mod view;

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::socket::{self as unix, AddressFamily, Backlog, SockFlag, SockType, UnixAddr, setsockopt, sockopt};
use nix::unistd::Group;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

pub use access::Access;
pub use context::{CallCounter, Context};
pub use device_objects::{DeviceEntry, DeviceObjects, EntryView, NoObject, ObjectEntry, ObjectPlace};
pub use door::{Door, Entrance};
pub use dry_run::DryRuns;
pub use open_paths::Paths;
pub use parameter_book::{Misfit, NotPersisted, Parameter, ParameterBook};
pub use role::Role;
pub use stream::Streams;
pub use test_commands::{InjectedFault, TestCommands};

use crate::limits::{CONTROL_HELPERS, CONTROL_STACK_BYTES};
use crate::service::{Beat, Place};

/// How often the service shows that it is alive, and looks whether it shall stop.
const BEAT: Duration = Duration::from_millis(20);

/// Who may connect to a socket that the daemon opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted<'a> {
    /// Its owner and a user group; `None`: that of this process.
    Group(Option<&'a str>),
    /// Everybody.
    Everybody,
}

/// Opens a socket at `path`. One that a dead daemon left is replaced; that of a living one is an error.
pub fn bind(path: &Path, admitted: Admitted<'_>) -> io::Result<UnixListener> {
    let invalid = |problem: String| io::Error::new(io::ErrorKind::InvalidInput, problem);
    if UnixStream::connect(path).is_ok() {
        let problem = format!("{}: another daemon serves this socket", path.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, problem));
    }
    let (group, mode) = match admitted {
        Admitted::Group(group) => (group, 0o660),
        Admitted::Everybody => (None, 0o666),
    };
    let group = match group {
        Some(name) => Some(Group::from_name(name)?.ok_or_else(|| invalid(format!("there is no user group {name:?}")))?),
        None => None,
    };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = listen(path)?;
    std::os::unix::fs::chown(path, None, group.map(|group| group.gid.as_raw()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// A listening socket whose clients' messages tell their senders from the first one on: what is accepted inherits that when
/// its client connects, so it must be said before anybody can.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let listener = unix::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&listener, sockopt::PassCred, &true)?;
    unix::bind(listener.as_raw_fd(), &UnixAddr::new(path)?)?;
    unix::listen(&listener, Backlog::MAXALLOWABLE)?;
    Ok(UnixListener::from(listener))
}

/// Serves clients on this thread until `stop`, with `beat` as proof of progress. The listeners stay open, so that a
/// restarted service finds the clients that connected in between; every session ends with the service.
pub fn serve(context: &Arc<Context>, entrances: &[Entrance], beat: &Beat, stop: &AtomicBool) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(CONTROL_HELPERS)
        .thread_stack_size(CONTROL_STACK_BYTES)
        .enable_io()
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let mut accepting = JoinSet::new();
        for Entrance { door, listener } in entrances {
            let listener = listener.try_clone()?;
            listener.set_nonblocking(true)?;
            // For one that somebody else has opened.
            setsockopt(&listener, sockopt::PassCred, &true)?;
            let listener = tokio::net::UnixListener::from_std(listener)?;
            accepting.spawn(listener::accept_clients(listener, *door, Arc::clone(context)));
        }
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.load(Ordering::Relaxed) {
            beat.tick();
            context.sabotage.pass(Place::Loop);
            let _dropped = context.sabotage.dropped();
            tokio::select! {
                _ = beats.tick() => {}
                Some(Err(error)) = accepting.join_next() => return Err(io::Error::other(error)),
            }
        }
        Ok(())
    })
}
