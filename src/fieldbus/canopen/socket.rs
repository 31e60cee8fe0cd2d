//! A SocketCAN interface. The socket never waits, takes classic frames (from a CAN FD interface too), and only those that a
//! CANopen master has a use for.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use socketcan::{CanDataFrame, CanRemoteFrame, CanSocket, Frame, Socket, SocketOptions};

use super::arrival::{Arrivals, Reading};
use super::frame::{CanFrame, IDENTIFIERS, MAX_FRAME_BYTES, WireError};
use super::wire::{CanWire, NotSent, Received};

/// Frames with a 29-bit identifier, and those with any of the flags, are told apart by these (linux/can.h).
const EXTENDED: u32 = libc::CAN_EFF_FLAG;
const REMOTE: u32 = libc::CAN_RTR_FLAG;
const ERROR: u32 = libc::CAN_ERR_FLAG;

/// One interface.
#[derive(Debug)]
pub struct SocketCan {
    socket: CanSocket,
    arrivals: Arrivals,
}

impl SocketCan {
    /// Opens it. Set-up: filters are made here, and memory with them.
    ///
    /// # Errors
    /// Where there is no such interface, or the kernel has no CAN.
    pub fn open(interface: &str) -> io::Result<SocketCan> {
        let socket = CanSocket::open(interface)?;
        socket.set_nonblocking(true)?;
        // Only 11-bit identifiers; the flag of an error frame passes by the error filter alone.
        socket.set_filters(&[(0_u32, EXTENDED)])?;
        socket.set_error_filter_accept_all()?;
        // Where the kernel has no stamps, the time at which a frame is taken has to do.
        let _ = socket.set_recv_timestamp(true);
        Ok(SocketCan { socket, arrivals: Arrivals::default() })
    }
}

impl AsFd for SocketCan {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn read(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |now| Duration::from(now).as_nanos() as u64)
}

/// CLOCK_MONOTONIC, as the cycle has it.
fn now_ns() -> u64 {
    read(ClockId::CLOCK_MONOTONIC)
}

impl CanWire for SocketCan {
    fn send(&mut self, frame: &CanFrame, _now_ns: u64) -> Result<(), NotSent> {
        let identifier = u32::from(frame.identifier());
        let sent = if frame.is_remote() {
            CanRemoteFrame::remote_from_raw_id(identifier, usize::from(frame.length()))
                .map(|frame| self.socket.write_frame(&frame))
        } else {
            CanDataFrame::from_raw_id(identifier, frame.bytes()).map(|frame| self.socket.write_frame(&frame))
        };
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => Err(NotSent::QueueFull),
            Some(Err(error)) if error.raw_os_error() == Some(libc::ENOBUFS) => Err(NotSent::QueueFull),
            _ => Err(NotSent::Down),
        }
    }

    fn receive(&mut self, now_ns: u64) -> Option<Received> {
        // Bound: MAX_SKIPPED frames that are none for us.
        const MAX_SKIPPED: usize = 8;
        for _ in 0..MAX_SKIPPED {
            // By recvmsg, with memory of the stack.
            let (frame, stamps) = match self.socket.read_frame_with_timestamps() {
                Ok(read) => read,
                // An interface that went down says so once; what is behind it is then read.
                Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => continue,
                // One that is no classic frame.
                Err(error) if error.kind() == ErrorKind::InvalidData => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.arrivals.found_nothing(now_ns);
                    return None;
                }
                Err(_) => return None,
            };
            let raw: &libc::can_frame = frame.as_ref();
            if raw.can_id & ERROR != 0 {
                return Some(Received::Error(WireError::decode(raw.can_id & libc::CAN_ERR_MASK, &raw.data)));
            }
            if raw.can_id & EXTENDED != 0 || raw.can_id & !REMOTE >= u32::from(IDENTIFIERS) {
                continue;
            }
            let identifier = raw.can_id as u16;
            let length = raw.can_dlc.min(MAX_FRAME_BYTES as u8);
            let frame = if raw.can_id & REMOTE != 0 {
                CanFrame::remote(identifier, length)
            } else {
                CanFrame::data(identifier, &raw.data[..usize::from(length)])
            };
            let stamp = stamps.socket.and_then(|stamp| stamp.duration_since(UNIX_EPOCH).ok());
            let both = || Reading::take(self::now_ns, || read(ClockId::CLOCK_REALTIME));
            let arrived_ns = stamp.map(|stamp| self.arrivals.found(stamp.as_nanos() as u64, both));
            return Some(Received::Frame { frame, arrived_ns });
        }
        None
    }

    fn now_ns(&self) -> u64 {
        now_ns()
    }

    fn wait(&mut self, until_ns: u64) {
        std::thread::sleep(Duration::from_nanos(until_ns.saturating_sub(now_ns())));
    }
}
