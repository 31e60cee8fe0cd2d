//! The doors by which clients come in: sockets that were passed to the daemon, and those that it opens itself.

use super::roles::{self, owning_group};
use super::{Options, StartError};
use crate::config::MachineConfig;
use crate::config::machine::ControlConfig;
use crate::control::{self, Access, Admitted, Door, Entrance};
use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Listening sockets, before anybody is answered.
pub struct Doors {
    /// The control socket and, where it is wanted, the observe socket.
    pub entrances: Vec<Entrance>,
    /// Who has which role behind them.
    pub access: Access,
    /// Where the control socket is.
    pub socket: PathBuf,
    /// The metrics endpoint, where it is wanted.
    pub metrics: Option<TcpListener>,
    /// Files to be removed at the end: a passed socket belongs to who passed it.
    pub own: Vec<PathBuf>,
}

/// Takes the passed sockets and opens the others.
///
/// # Errors
/// Where one cannot be opened, or a user group that has a role does not exist.
pub fn open(config: &MachineConfig, options: &Options) -> Result<Doors, StartError> {
    let mut own = Vec::new();
    let place = options.socket.as_deref().unwrap_or(&config.control.socket);
    let (control, socket) = match &options.passed.control {
        Some(passed) => copy_of_passed(passed, place)?,
        None => {
            own.push(place.to_path_buf());
            (bind(place, Admitted::Group(config.control.group.as_deref()))?, place.to_path_buf())
        }
    };
    let access = roles::access(&config.control, owning_group(&socket))?;
    let mut entrances = vec![Entrance { door: Door::Control, listener: control }];
    match (&options.passed.observe, config.control.observe) {
        (Some(passed), true) => {
            let listener = passed.try_clone().map_err(StartError::System)?;
            entrances.push(Entrance { door: Door::Observe, listener });
        }
        (None, true) => {
            let place = observe_place(&config.control, place);
            let listener = bind(&place, Admitted::Everybody)?;
            own.push(place);
            entrances.push(Entrance { door: Door::Observe, listener });
        }
        (Some(_), false) => {
            tracing::warn!(
                "an observe socket was passed, but the configuration has [control] observe = false: nobody answers it"
            );
        }
        (None, false) => {}
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
    Ok(Doors { entrances, access, socket, metrics, own })
}

/// The socket, and where it is; `otherwise` where it has no path.
fn copy_of_passed(passed: &UnixListener, otherwise: &Path) -> Result<(UnixListener, PathBuf), StartError> {
    let address = passed.local_addr().map_err(StartError::System)?;
    let place = address.as_pathname().unwrap_or(otherwise).to_path_buf();
    Ok((passed.try_clone().map_err(StartError::System)?, place))
}

/// Where the observe socket is: as configured, else beside the control socket, under a name that tells two daemons apart.
fn observe_place(config: &ControlConfig, control: &Path) -> PathBuf {
    if let Some(place) = &config.observe_socket {
        return place.clone();
    }
    let name = match control.file_stem().and_then(OsStr::to_str) {
        Some("control") | None => "observe.sock".to_string(),
        Some(stem) => format!("{stem}-observe.sock"),
    };
    control.with_file_name(name)
}

fn bind(socket: &Path, admitted: Admitted<'_>) -> Result<UnixListener, StartError> {
    let at = |error| StartError::Socket { place: socket.display().to_string(), error };
    if let Some(folder) = socket.parent() {
        std::fs::create_dir_all(folder).map_err(at)?;
    }
    control::bind(socket, admitted).map_err(at)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_observe_socket_of_each_daemon_has_a_place_of_its_own() {
        let config = crate::config::demo().unwrap().control;
        let place = |control: &str| observe_place(&config, Path::new(control)).display().to_string();
        assert_eq!(place("/run/motiond/control.sock"), "/run/motiond/observe.sock");
        assert_eq!(place("/tmp/a/mill.sock"), "/tmp/a/mill-observe.sock");
        assert_eq!(place("/tmp/a/observe"), "/tmp/a/observe-observe.sock");
        let fixed = ControlConfig { observe_socket: Some("/tmp/o.sock".into()), ..config.clone() };
        assert_eq!(observe_place(&fixed, Path::new("/run/motiond/control.sock")), Path::new("/tmp/o.sock"));
    }
}
