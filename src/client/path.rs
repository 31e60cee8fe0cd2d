//! Where the control socket is.

use std::path::PathBuf;

/// The socket of a daemon that the system started.
pub const SYSTEM_SOCKET: &str = "/run/motiond/control.sock";

/// The socket of a daemon that this user started: in the user's runtime directory, or else in one of the user's own
/// below /tmp.
pub fn user_socket() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let directory = match runtime {
        Some(runtime) => runtime.join("motiond"),
        None => PathBuf::from(format!("/tmp/motiond-{}", nix::unistd::geteuid())),
    };
    directory.join("control.sock")
}

/// The socket to talk to: the one of `MOTIOND_SOCKET`, else the system's, else the user's; the first that exists.
/// Without any, the system's.
pub fn find_socket() -> PathBuf {
    if let Some(path) = std::env::var_os("MOTIOND_SOCKET") {
        return PathBuf::from(path);
    }
    let system = PathBuf::from(SYSTEM_SOCKET);
    let candidates = [system.clone(), user_socket()];
    candidates.into_iter().find(|path| path.exists()).unwrap_or(system)
}
