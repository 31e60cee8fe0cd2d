//! The interfaces at which frames come in: one, or the two ends of a ring.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::{fs, io};

use motiond::fieldbus::ethercat::packet_socket::{PacketSocket, SocketOptions};
use motiond::fieldbus::ethercat::wire::Wire;
use motiond::limits::ETHERCAT_FRAME_BYTES;
use motiond::simulation::ethercat::End;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

/// How often links are looked at, nanoseconds.
const LINK_LOOK_NS: u64 = 20_000_000;

struct Port {
    end: End,
    socket: PacketSocket,
    /// Says "1" where it has a link.
    carrier: PathBuf,
}

/// The interface at each end of the wire; the second one where the wire is a ring.
pub struct Ports {
    ports: Vec<Port>,
    looked_ns: u64,
}

impl Ports {
    /// Opens them. Where one cannot be opened, its name comes with the reason.
    pub fn open(first: &str, last: Option<&str>) -> Result<Ports, (String, io::Error)> {
        let ends = [(End::First, Some(first)), (End::Last, last)];
        let ends = ends.into_iter().filter_map(|(end, interface)| Some((end, interface?)));
        let open = |(end, interface): (End, &str)| {
            let socket = PacketSocket::open(interface, SocketOptions::default());
            let carrier = Path::new("/sys/class/net").join(interface).join("carrier");
            socket.map(|socket| Port { end, socket, carrier }).map_err(|error| (interface.to_string(), error))
        };
        Ok(Ports { ports: ends.map(open).collect::<Result<_, _>>()?, looked_ns: 0 })
    }

    /// Which ends have a link, where it is time to look.
    pub fn links(&mut self) -> Option<Vec<(End, bool)>> {
        let now_ns = self.now_ns();
        if now_ns < self.looked_ns + LINK_LOOK_NS {
            return None;
        }
        self.looked_ns = now_ns;
        // An interface that is down does not say.
        let has = |port: &Port| fs::read(&port.carrier).is_ok_and(|carrier| carrier.starts_with(b"1"));
        Some(self.ports.iter().map(|port| (port.end, has(port))).collect())
    }

    /// The time, nanoseconds.
    pub fn now_ns(&self) -> u64 {
        self.ports[0].socket.now_ns()
    }

    /// Sends a frame at an end.
    pub fn send(&mut self, end: End, frame: &[u8]) {
        if let Some(port) = self.ports.iter_mut().find(|port| port.end == end) {
            let now_ns = port.socket.now_ns();
            port.socket.send(frame, now_ns);
        }
    }

    /// The next frame, waiting no longer than `deadline_ns` for it: where it came in, and its length.
    pub fn receive(&mut self, buffer: &mut [u8; ETHERCAT_FRAME_BYTES], deadline_ns: u64) -> Option<(End, usize)> {
        loop {
            // The one that gave last comes last.
            for place in 0..self.ports.len() {
                let Port { end, socket, .. } = &mut self.ports[place];
                if let Some(length) = socket.receive(buffer, 0) {
                    let given = (*end, length);
                    self.ports.rotate_left(place + 1);
                    return Some(given);
                }
            }
            let left_ns = deadline_ns.checked_sub(self.now_ns()).filter(|left_ns| *left_ns > 0)?;
            let left = TimeSpec::from_duration(std::time::Duration::from_nanos(left_ns));
            let mut waited: Vec<_> =
                self.ports.iter().map(|port| PollFd::new(port.socket.as_fd(), PollFlags::POLLIN)).collect();
            if ppoll(&mut waited, Some(left), None) == Ok(0) {
                return None;
            }
        }
    }
}
