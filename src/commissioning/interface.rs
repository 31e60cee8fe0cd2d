//! A network interface for a moment, and why it cannot be had.

use std::collections::BTreeSet;
use std::{fmt, fs, io};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};

use crate::fieldbus::ethercat::datagram::ETHERTYPE;
use crate::fieldbus::ethercat::packet_socket::{PacketSocket, SocketOptions};
use crate::fieldbus::ethercat::ring::Ring;
use crate::fieldbus::ethercat::wire::Wire;

/// The packet sockets of this network: who else is there.
const PACKET_SOCKETS: &str = "/proc/net/packet";

/// Why an interface cannot be used.
#[derive(Debug)]
pub enum InterfaceError {
    /// There is none of this name.
    Unknown {
        /// The name.
        interface: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// It is switched off.
    Down(String),
    /// It has no link.
    NoLink(String),
    /// Another EtherCAT master has it.
    Busy {
        /// The interface.
        interface: String,
        /// The programs, as far as they can be told.
        by: Vec<String>,
    },
    /// This user may not open packet sockets.
    NotPermitted,
    /// What else the system says.
    System {
        /// The interface.
        interface: String,
        /// Its words.
        error: io::Error,
    },
}

impl InterfaceError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            InterfaceError::Unknown { known, .. } if known.is_empty() => "this network has no interfaces".to_string(),
            InterfaceError::Unknown { known, .. } => format!("there are: {}", known.join(", ")),
            InterfaceError::Down(interface) => format!("switch it on: ip link set {interface} up"),
            InterfaceError::NoLink(_) => "look at the cable and at the supply of the first device".to_string(),
            InterfaceError::Busy { .. } => {
                "two masters would drive the same devices: stop the other one first".to_string()
            }
            InterfaceError::NotPermitted => {
                "run it as root, or let the program do it: setcap cap_net_raw+ep FILE".to_string()
            }
            InterfaceError::System { .. } => "motiond doctor looks at interfaces".to_string(),
        }
    }
}

impl fmt::Display for InterfaceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InterfaceError::Unknown { interface, .. } => write!(out, "there is no network interface {interface}"),
            InterfaceError::Down(interface) => write!(out, "interface {interface} is down"),
            InterfaceError::NoLink(interface) => write!(out, "interface {interface} has no link"),
            InterfaceError::Busy { interface, by } if by.is_empty() => {
                write!(out, "interface {interface} is used by another EtherCAT master")
            }
            InterfaceError::Busy { interface, by } => {
                write!(out, "interface {interface} is used by another EtherCAT master: {}", by.join(", "))
            }
            InterfaceError::NotPermitted => out.write_str("raw frames need the capability CAP_NET_RAW"),
            InterfaceError::System { interface, error } => write!(out, "interface {interface}: {error}"),
        }
    }
}

impl std::error::Error for InterfaceError {}

/// Opens one interface, or the two of a ring.
///
/// # Errors
/// As [`open`].
pub fn wire(interface: &str, redundant: Option<&str>, options: SocketOptions) -> Result<Box<dyn Wire>, InterfaceError> {
    let first = Box::new(open(interface, options)?);
    Ok(match redundant {
        Some(redundant) => Box::new(Ring::between(first, Box::new(open(redundant, options)?))),
        None => first,
    })
}

/// Opens an interface that is up and that no other master has.
///
/// # Errors
/// Where there is none, where another program exchanges EtherCAT frames on it, and what the system says.
pub fn open(interface: &str, options: SocketOptions) -> Result<PacketSocket, InterfaceError> {
    let name = || interface.to_string();
    let system = |error: io::Error| InterfaceError::System { interface: name(), error };
    // A service may be forbidden to ask for it (RestrictAddressFamilies without AF_NETLINK); opening tells what is missing then.
    if let Ok(all) = getifaddrs() {
        let (mut known, mut flags) = (BTreeSet::new(), None);
        for found in all {
            if found.interface_name == interface {
                flags = Some(found.flags);
            }
            known.insert(found.interface_name);
        }
        let Some(flags) = flags else {
            return Err(InterfaceError::Unknown { interface: name(), known: known.into_iter().collect() });
        };
        if !flags.contains(InterfaceFlags::IFF_UP) {
            return Err(InterfaceError::Down(name()));
        }
        // IFF_RUNNING follows it by up to a second.
        if !flags.contains(InterfaceFlags::IFF_LOWER_UP) {
            return Err(InterfaceError::NoLink(name()));
        }
    }
    let index = if_nametoindex(interface).map_err(|error| system(error.into()))?;
    // Whoever may not read it cannot be told.
    let sockets = fs::read_to_string(PACKET_SOCKETS).unwrap_or_default();
    let others = masters_on(&sockets, index);
    if !others.is_empty() {
        return Err(InterfaceError::Busy { interface: name(), by: owners(&others) });
    }
    PacketSocket::open(interface, options).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => InterfaceError::NotPermitted,
        _ => system(error),
    })
}

/// The inodes of the EtherCAT sockets on an interface, of the text of `/proc/net/packet`.
fn masters_on(sockets: &str, interface: u32) -> Vec<u64> {
    let protocol = format!("{ETHERTYPE:04x}");
    let of = |line: &str| {
        // sk RefCnt Type Proto Iface R Rmem User Inode
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (found, place, inode) = (*columns.get(3)?, *columns.get(4)?, *columns.get(8)?);
        let here = found.eq_ignore_ascii_case(&protocol) && place.parse() == Ok(interface);
        if here { inode.parse().ok() } else { None }
    };
    sockets.lines().skip(1).filter_map(of).collect()
}

/// Names and process ids of those who hold these sockets, as far as this user may see them.
fn owners(inodes: &[u64]) -> Vec<String> {
    let wanted: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let holds = |process: &fs::DirEntry| {
        let descriptors = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        let mut links = descriptors.filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
        links.any(|link| wanted.iter().any(|wanted| link.as_os_str() == wanted.as_str()))
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = processes.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let named = |process: fs::DirEntry| {
        let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        format!("{} (process {})", name.trim(), process.file_name().to_string_lossy())
    };
    processes.filter(holds).map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_master_is_one_with_the_protocol_on_the_interface() {
        let sockets = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n\
            0000000000000000 3      3    0003   2     1 0      0      11\n\
            0000000000000000 3      3    88a4   2     1 0      0      12\n\
            0000000000000000 3      3    88a4   3     1 0      0      13\n\
            0000000000000000 3      3    88A4   2     1 0      1000   14\n\
            rubbish\n";
        assert_eq!(masters_on(sockets, 2), [12, 14]);
        assert!(masters_on(sockets, 4).is_empty());
        assert!(masters_on("", 2).is_empty());
    }

    #[test]
    fn an_interface_that_is_not_there_is_told_with_those_that_are() {
        let error = open("no-such-one", SocketOptions::default()).unwrap_err();
        assert!(matches!(&error, InterfaceError::Unknown { interface, .. } if interface == "no-such-one"), "{error}");
    }
}
