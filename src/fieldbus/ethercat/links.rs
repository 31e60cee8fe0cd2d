//! The ports of each device: link, and errors on the cable, looked at one device at a time between other errands.
//!
//! A controller counts to 255 and stays there (ETG.1000.4). What it counts is added up here, and set back before it is full.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use super::datagram::Target;
use super::errand::{Errand, Outcome};
use super::register::{DL_STATUS, RECEIVE_ERRORS};

/// Ports of a controller.
pub const PORTS: usize = 4;
/// From [`RECEIVE_ERRORS`] to the last counter of lost links.
const COUNTERS: usize = 20;
/// Counters are set back from here on.
const NEARLY_FULL: u8 = 128;
/// Between two looks, cycles: a bus of 64 devices is looked at twice in a minute at 1 kHz.
const EVERY: u32 = 200;

/// What goes wrong at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortError {
    /// A frame whose check sequence is wrong.
    InvalidFrame,
    /// A symbol that does not exist.
    Symbol,
    /// A frame that another controller had found invalid before.
    Forwarded,
    /// The link was lost.
    LostLink,
}

impl PortError {
    /// All of them.
    pub const ALL: [PortError; 4] =
        [PortError::InvalidFrame, PortError::Symbol, PortError::Forwarded, PortError::LostLink];

    /// As a metric label.
    pub fn name(self) -> &'static str {
        match self {
            PortError::InvalidFrame => "invalid-frame",
            PortError::Symbol => "symbol",
            PortError::Forwarded => "forwarded",
            PortError::LostLink => "lost-link",
        }
    }

    /// Its counter of a port, from [`RECEIVE_ERRORS`].
    fn place(self, port: usize) -> usize {
        match self {
            PortError::InvalidFrame => 2 * port,
            PortError::Symbol => 2 * port + 1,
            PortError::Forwarded => 8 + port,
            PortError::LostLink => 16 + port,
        }
    }
}

#[derive(Debug, Default)]
struct DevicePorts {
    /// One bit a port: it has a link.
    link: AtomicU8,
    /// By error, then by port.
    errors: [[AtomicU32; PORTS]; PortError::ALL.len()],
}

/// What is known of the ports of all devices; written by the cycle, read by whoever likes to.
#[derive(Debug)]
pub struct LinkTable {
    devices: Box<[DevicePorts]>,
}

impl LinkTable {
    /// Whether a port of a device has a link; not before it was looked at.
    pub fn has_link(&self, device: usize, port: usize) -> bool {
        self.devices.get(device).is_some_and(|ports| ports.link.load(Ordering::Relaxed) >> port & 1 != 0)
    }

    /// Errors at a port of a device since the daemon started.
    pub fn errors(&self, device: usize, port: usize, error: PortError) -> u32 {
        let count = self.devices.get(device).and_then(|ports| ports.errors[error as usize].get(port));
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// How many devices there are.
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Link,
    Count,
    SetBack,
}

/// The looks of the cycle. Each costs a few operations a port.
#[derive(Debug)]
pub struct Links {
    stations: Box<[u16]>,
    table: Arc<LinkTable>,
    /// What each counter showed last.
    before: Box<[Option<[u8; COUNTERS]>]>,
    device: usize,
    step: Step,
    pause: u32,
}

impl Links {
    /// Of devices with these station addresses.
    pub fn of(stations: &[u16]) -> Links {
        let devices = stations.iter().map(|_| DevicePorts::default()).collect();
        Links {
            stations: stations.into(),
            table: Arc::new(LinkTable { devices }),
            before: vec![None; stations.len()].into(),
            device: 0,
            step: Step::Link,
            pause: 0,
        }
    }

    /// What is known.
    pub fn table(&self) -> Arc<LinkTable> {
        Arc::clone(&self.table)
    }

    /// The next errand, where it is time for one.
    pub fn next(&mut self, out: &mut [u8]) -> Option<Errand> {
        if self.pause > 0 {
            self.pause -= 1;
            return None;
        }
        let station = *self.stations.get(self.device)?;
        let at = |register| Target::Station(station, register);
        match self.step {
            Step::Link => Some(Errand::read(at(DL_STATUS), 2)),
            Step::Count => Some(Errand::read(at(RECEIVE_ERRORS), COUNTERS)),
            Step::SetBack => {
                // A write of any of them sets all of a group back: receive errors, and lost links.
                out.get_mut(..COUNTERS)?.fill(0);
                Some(Errand::write(at(RECEIVE_ERRORS), COUNTERS))
            }
        }
    }

    /// Takes what became of it.
    pub fn take(&mut self, outcome: Outcome<'_>) {
        let Outcome::Back { working_counter: 1, data, .. } = outcome else { return self.go_on() };
        match self.step {
            Step::Link => {
                // Bits 4 to 7: a link at port 0 to 3.
                if let (Some(ports), [low, ..]) = (self.table.devices.get(self.device), data) {
                    ports.link.store(low >> 4, Ordering::Relaxed);
                }
                self.step = Step::Count;
            }
            Step::Count => {
                let nearly_full = data.first_chunk().is_some_and(|counters| self.count(counters));
                if nearly_full { self.step = Step::SetBack } else { self.go_on() }
            }
            Step::SetBack => {
                if let Some(before) = self.before.get_mut(self.device) {
                    *before = Some([0; COUNTERS]);
                }
                self.go_on();
            }
        }
    }

    /// Adds up what has come since the last look; whether a counter is nearly full.
    fn count(&mut self, counters: &[u8; COUNTERS]) -> bool {
        let (Some(ports), Some(before)) = (self.table.devices.get(self.device), self.before.get_mut(self.device))
        else {
            return false;
        };
        // What it counted before the daemon came is nobody's.
        let last = before.unwrap_or(*counters);
        for error in PortError::ALL {
            for port in 0..PORTS {
                let (now, then) = (counters[error.place(port)], last[error.place(port)]);
                // One that has less was switched off and on.
                let more = if now >= then { now - then } else { now };
                ports.errors[error as usize][port].fetch_add(u32::from(more), Ordering::Relaxed);
            }
        }
        *before = Some(*counters);
        counters.iter().any(|counter| *counter >= NEARLY_FULL)
    }

    fn go_on(&mut self) {
        self.device = if self.device + 1 < self.stations.len() { self.device + 1 } else { 0 };
        (self.step, self.pause) = (Step::Link, EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(data: &[u8]) -> Outcome<'_> {
        Outcome::Back { working_counter: 1, data, reference_ns: None }
    }

    /// One look at the device whose turn it is, with these counters.
    fn look(links: &mut Links, counters: &[u8; COUNTERS]) -> Vec<Errand> {
        let mut errands = Vec::new();
        let mut out = [0xFF; COUNTERS];
        for _ in 0..=EVERY + 4 {
            let Some(errand) = links.next(&mut out) else { if errands.is_empty() { continue } else { break } };
            match errand.length {
                2 => links.take(back(&[0x33, 0x5A])),
                _ => links.take(back(counters)),
            }
            errands.push(errand);
        }
        errands
    }

    #[test]
    fn errors_add_up_from_the_first_look_on_and_counters_are_set_back_in_time() {
        let mut links = Links::of(&[0x1000]);
        let table = links.table();
        let mut counters = [0; COUNTERS];
        counters[PortError::InvalidFrame.place(1)] = 7;
        assert_eq!(look(&mut links, &counters).len(), 2);
        assert!(table.has_link(0, 0) && table.has_link(0, 1) && !table.has_link(0, 2));
        assert_eq!(table.errors(0, 1, PortError::InvalidFrame), 0, "what was there before");
        counters[PortError::InvalidFrame.place(1)] = 9;
        counters[PortError::LostLink.place(3)] = 130;
        let errands = look(&mut links, &counters);
        assert_eq!(errands.last().map(|errand| errand.command), Some(super::super::datagram::Command::Fpwr));
        assert_eq!(table.errors(0, 1, PortError::InvalidFrame), 2);
        assert_eq!(table.errors(0, 3, PortError::LostLink), 130);
        look(&mut links, &[1; COUNTERS]);
        assert_eq!(table.errors(0, 3, PortError::LostLink), 131);
    }

    #[test]
    fn a_device_that_does_not_answer_is_passed_over() {
        let mut links = Links::of(&[0x1000, 0x1001]);
        let mut out = [0; COUNTERS];
        assert!(links.next(&mut out).is_some());
        links.take(Outcome::Lost);
        assert_eq!(links.device, 1);
    }
}
