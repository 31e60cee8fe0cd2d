//! The process that opened a connection.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Gid, Uid};

/// Most groups of one process (NGROUPS_MAX of Linux).
const MOST_GROUPS: usize = 65_536;
/// Most groups of nearly every process.
const FEW_GROUPS: usize = 32;

/// The process that opened a connection, as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its effective user.
    pub uid: Uid,
    /// Its effective group.
    pub gid: Gid,
    /// Its process id; 0 where it lives in a process namespace that cannot be seen from here.
    pub pid: i32,
    /// Its supplementary groups.
    pub groups: Vec<Gid>,
}

impl Peer {
    /// Who is at the other end of this Unix socket.
    ///
    /// # Errors
    /// Those of `getsockopt`.
    pub fn of(socket: &impl AsFd) -> io::Result<Peer> {
        let credentials = getsockopt(socket, sockopt::PeerCredentials)?;
        Ok(Peer {
            uid: Uid::from_raw(credentials.uid()),
            gid: Gid::from_raw(credentials.gid()),
            pid: credentials.pid(),
            groups: groups(socket)?,
        })
    }
}

/// The supplementary groups (`SO_PEERGROUPS`).
fn groups(socket: &impl AsFd) -> io::Result<Vec<Gid>> {
    for most in [FEW_GROUPS, MOST_GROUPS] {
        let mut groups: Vec<libc::gid_t> = vec![0; most];
        let mut bytes = (most * size_of::<libc::gid_t>()) as libc::socklen_t;
        // Safety: `groups` owns `bytes` writable bytes, of which the kernel fills a multiple of a gid's size, any bit pattern
        // of which is one; it writes nothing beyond `bytes`, and both outlive the call.
        let result = unsafe {
            libc::getsockopt(
                socket.as_fd().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &mut bytes,
            )
        };
        if result == 0 {
            groups.truncate(bytes as usize / size_of::<libc::gid_t>());
            return Ok(groups.into_iter().map(Gid::from_raw).collect());
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::ERANGE) {
            return Err(error);
        }
    }
    Err(io::Error::from_raw_os_error(libc::ERANGE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_other_end_of_a_pair_is_this_process() {
        let (one, _other) = UnixStream::pair().unwrap();
        let peer = Peer::of(&one).unwrap();
        assert_eq!((peer.uid, peer.gid), (Uid::effective(), Gid::effective()));
        assert_eq!(peer.pid, std::process::id() as i32);
        let mut own: Vec<u32> = nix::unistd::getgroups().unwrap().iter().map(|group| group.as_raw()).collect();
        let mut found: Vec<u32> = peer.groups.iter().map(|group| group.as_raw()).collect();
        own.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, own);
    }
}
