//! A network interface, by a packet socket that never makes a thread wait longer than it says.
#![allow(unsafe_code)]

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, sendmsg, socket};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use super::datagram::ETHERTYPE;
use super::wire::Wire;

/// How the socket is set up beyond what every one needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// Busy polling of the interface's queue while nothing has arrived, µs (SO_BUSY_POLL); `None` leaves it as it is.
    pub busy_poll_us: Option<u32>,
    /// Hand frames to the driver past the queueing discipline (PACKET_QDISC_BYPASS).
    pub bypass_qdisc: bool,
}

/// One interface.
#[derive(Debug)]
pub struct PacketSocket {
    socket: OwnedFd,
}

impl PacketSocket {
    /// Opens the interface of this name; needs CAP_NET_RAW.
    ///
    /// # Errors
    /// What the system says: no such interface, not permitted.
    pub fn open(interface: &str, options: SocketOptions) -> io::Result<PacketSocket> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        // Protocol 0: nothing arrives before it is bound to the interface and to EtherCAT.
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
        let index = if_nametoindex(interface)?;
        let option = |name: libc::c_int, level: libc::c_int, value: libc::c_int| {
            // Safety: the value is an integer that lives until the call returns, and its size is told.
            let done = unsafe {
                libc::setsockopt(
                    socket.as_raw_fd(),
                    level,
                    name,
                    (&raw const value).cast(),
                    size_of::<libc::c_int>() as libc::socklen_t,
                )
            };
            Errno::result(done).map(drop)
        };
        option(libc::PACKET_IGNORE_OUTGOING, libc::SOL_PACKET, 1)?;
        if options.bypass_qdisc {
            option(libc::PACKET_QDISC_BYPASS, libc::SOL_PACKET, 1)?;
        }
        if let Some(busy_poll_us) = options.busy_poll_us {
            let busy_poll_us = libc::c_int::try_from(busy_poll_us).unwrap_or(libc::c_int::MAX);
            option(libc::SO_BUSY_POLL, libc::SOL_SOCKET, busy_poll_us)?;
        }
        // Safety: an address of zeros is a valid one, of no interface and no protocol.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as libc::c_ushort;
        address.sll_protocol = ETHERTYPE.to_be();
        address.sll_ifindex = index as libc::c_int;
        // Safety: the address lives until the call returns, and its size is told.
        let bound = unsafe {
            libc::bind(
                socket.as_raw_fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        Errno::result(bound)?;
        Ok(PacketSocket { socket })
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Wire for PacketSocket {
    fn send(&mut self, frame: &[u8], _now_ns: u64) -> bool {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        let sent = sendmsg::<()>(self.socket.as_raw_fd(), &[IoSlice::new(frame)], &[], flags, None);
        sent == Ok(frame.len())
    }

    fn receive(&mut self, buffer: &mut [u8], deadline_ns: u64) -> Option<usize> {
        // Bounded by the deadline: each turn ends with a frame, or waits for one up to it. A signal or a link that goes down
        // (which is told once) shortens a wait.
        loop {
            match recv(self.socket.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => {}
                Ok(length) => return Some(length),
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ENETDOWN) => {}
                Err(_) => return None,
            }
            let left_ns = deadline_ns.checked_sub(self.now_ns()).filter(|left_ns| *left_ns > 0)?;
            let left = TimeSpec::new((left_ns / 1_000_000_000) as i64, (left_ns % 1_000_000_000) as i64);
            let mut descriptors = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            // Not by a timer of the socket: on PREEMPT_RT that one wakes through a thread of low priority.
            if ppoll(&mut descriptors, Some(left), None) == Ok(0) {
                return None;
            }
        }
    }

    fn now_ns(&self) -> u64 {
        clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| std::time::Duration::from(now).as_nanos() as u64)
    }
}
