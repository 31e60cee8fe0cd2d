//! What a network interface says of itself when it is asked, as ethtool asks it.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// Settings of an interface; each may be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NicFacts {
    /// Its name.
    pub interface: String,
    /// How long received frames are gathered before an interrupt, µs (ETHTOOL_GCOALESCE).
    pub rx_coalesce_us: Result<u32, Errno>,
    /// Whether the interface adapts that by itself.
    pub adaptive_rx: Result<bool, Errno>,
    /// Whether Energy-Efficient Ethernet is on (ETHTOOL_GEEE).
    pub eee: Result<bool, Errno>,
    /// Whether received frames are joined (ETHTOOL_GGRO).
    pub gro: Result<bool, Errno>,
}

// Commands and layouts of linux/ethtool.h: each structure is a row of 32-bit words, the command first.
const GCOALESCE: u32 = 0x0e;
const COALESCE_WORDS: usize = 23;
const RX_COALESCE_USECS: usize = 1;
const USE_ADAPTIVE_RX: usize = 10;
const GEEE: u32 = 0x44;
const EEE_WORDS: usize = 10;
const EEE_ENABLED: usize = 5;
const GGRO: u32 = 0x2b;
const VALUE_WORDS: usize = 2;

/// Asks an interface.
pub fn nic_facts(interface: &str) -> NicFacts {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None);
    // Without the Internet family (a unit may forbid it) any other socket does as well.
    let socket = socket.or_else(|_| socket_of_any_kind());
    let coalesce = ask::<COALESCE_WORDS>(&socket, interface, GCOALESCE);
    NicFacts {
        interface: interface.to_string(),
        rx_coalesce_us: coalesce.map(|words| words[RX_COALESCE_USECS]),
        adaptive_rx: coalesce.map(|words| words[USE_ADAPTIVE_RX] != 0),
        eee: ask::<EEE_WORDS>(&socket, interface, GEEE).map(|words| words[EEE_ENABLED] != 0),
        gro: ask::<VALUE_WORDS>(&socket, interface, GGRO).map(|words| words[1] != 0),
    }
}

fn socket_of_any_kind() -> Result<OwnedFd, Errno> {
    socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
}

fn ask<const WORDS: usize>(
    socket: &Result<OwnedFd, Errno>,
    interface: &str,
    command: u32,
) -> Result<[u32; WORDS], Errno> {
    let socket = socket.as_ref().map_err(|error| *error)?;
    if interface.len() >= libc::IFNAMSIZ {
        return Err(Errno::ENAMETOOLONG);
    }
    let mut words = [0u32; WORDS];
    words[0] = command;
    let mut name = [0; libc::IFNAMSIZ];
    for (to, from) in name.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    let data = words.as_mut_ptr().cast::<libc::c_char>();
    let mut request = libc::ifreq { ifr_name: name, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: data } };
    // Safety: the name ends in a zero, `data` points to `words`, which outlives the call and is as long as the
    // structure of each command above; these commands write no further.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) };
    Errno::result(result).map(|_| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_is_not_there_is_an_error_and_so_is_a_name_too_long() {
        for interface in ["motion-none", "", "a-name-that-is-longer-than-any"] {
            let facts = nic_facts(interface);
            assert!(facts.gro.is_err() && facts.eee.is_err() && facts.rx_coalesce_us.is_err(), "{facts:?}");
        }
    }
}
