//! The doors by which clients come in: sockets that were passed to the daemon, and those that it opens itself.

use super::{Options, StartError};
use crate::config::MachineConfig;
use crate::control;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Listening sockets, before anybody is answered.
pub struct Doors {
    /// The control socket.
    pub control: UnixListener,
    /// Where it is.
    pub socket: PathBuf,
    /// The metrics endpoint, where it is wanted.
    pub metrics: Option<TcpListener>,
    /// Files to be removed at the end: a passed socket belongs to who passed it.
    pub own: Vec<PathBuf>,
}

/// Takes the passed sockets and opens the others.
///
/// # Errors
/// Where one cannot be opened.
pub fn open(config: &MachineConfig, options: &Options) -> Result<Doors, StartError> {
    let mut own = Vec::new();
    let place = options.socket.as_deref().unwrap_or(&config.control.socket);
    let (control, socket) = match &options.passed.control {
        Some(passed) => copy_of_passed(passed, place)?,
        None => {
            own.push(place.to_path_buf());
            (bind(place, config.control.group.as_deref())?, place.to_path_buf())
        }
    };
    if options.passed.observe.is_some() {
        tracing::warn!(
            "an observe socket was passed, but this version serves the control socket alone: nobody answers it"
        );
    }
    let metrics = match (&options.passed.metrics, options.metrics.or(config.metrics)) {
        (Some(passed), Some(_)) => Some(passed.try_clone().map_err(StartError::System)?),
        (None, Some(address)) => Some(bind_metrics(address)?),
        (Some(_), None) => {
            tracing::warn!(
                "a metrics socket was passed, but the configuration has [metrics] enabled = false: nobody answers it"
            );
            None
        }
        (None, None) => None,
    };
    Ok(Doors { control, socket, metrics, own })
}

/// The socket, and where it is; `otherwise` where it has no path.
fn copy_of_passed(passed: &UnixListener, otherwise: &Path) -> Result<(UnixListener, PathBuf), StartError> {
    let address = passed.local_addr().map_err(StartError::System)?;
    let place = address.as_pathname().unwrap_or(otherwise).to_path_buf();
    Ok((passed.try_clone().map_err(StartError::System)?, place))
}

fn bind(socket: &Path, group: Option<&str>) -> Result<UnixListener, StartError> {
    let at = |error| StartError::Socket { place: socket.display().to_string(), error };
    if let Some(folder) = socket.parent() {
        std::fs::create_dir_all(folder).map_err(at)?;
    }
    control::bind(socket, group).map_err(at)
}

fn bind_metrics(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).map_err(|error| {
        let mut place = format!("{address} (metrics)");
        // The unit takes Internet sockets away from the daemon, because it is passed the one that it needs.
        if error.raw_os_error() == Some(libc::EAFNOSUPPORT) {
            place += ": start motiond-metrics.socket, or set [metrics] enabled = false";
        }
        StartError::Socket { place, error }
    })
}
