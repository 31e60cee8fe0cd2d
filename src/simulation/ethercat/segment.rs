//! The devices in a row on their cable, and what may befall them.

use std::ops::Range;

use super::al_state::AlState;
use super::clock::Clock;
use super::controller::{Controller, HOP_NS};
use super::datagram;
use super::mailbox::Manners;
use crate::simulation::drive::DriveDisturbance;
use crate::simulation::{SimulatedDevice, SimulatedDeviceParameters};

/// Devices in a segment, at most.
pub const MAX_SEGMENT_DEVICES: usize = 64;
/// Pulses of SYNC0 that a device lives through one by one after a gap.
const MOST_PULSES: u32 = 64;
/// Between the switching-on of two devices, nanoseconds: no two clocks show the same.
const STAGGER_NS: u64 = 7_654_321;

/// A segment at power-on.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentParameters {
    /// Its devices, in the order of the wire.
    pub devices: Vec<SimulatedDeviceParameters>,
    /// Station alias of each; 0 or missing is none.
    pub aliases: Vec<u16>,
    /// How fast the clock of each runs, ppb; missing is not off at all.
    pub drift_ppb: Vec<f64>,
    /// The cycle that the devices are made for, nanoseconds.
    pub period_ns: u64,
}

/// Why a segment could not be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentError(pub String);

impl std::fmt::Display for SegmentError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for SegmentError {}

/// What may befall a segment. Devices count from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SegmentCommand {
    /// The cable in front of this device breaks, in a ring also the one behind the last; the others hang together as before.
    Cut(usize),
    /// Every cable is whole again.
    Mend,
    /// A device loses its supply: it is gone, and whoever is behind it too.
    PowerOff(usize),
    /// It is taken out, and a new one with this product code put in its place.
    Exchange(usize, u32),
    /// It has its supply back, and is as at power-on.
    PowerOn(usize),
    /// Its clock drifts by so many ppb from now on.
    Drift(usize, f64),
    /// Its application falls to SAFEOP with this AL status code.
    AlError(usize, u16),
    /// Its SYNC0 stops, and its application falls to SAFEOP over that.
    SyncLost(usize),
    /// It takes no part in the process data of so many frames.
    Deaf(usize, u32),
    /// Its drive has a fault with this code (603Fh), on all its axes; 0 takes the cause away.
    DriveFault(usize, u16),
    /// The same of one axis of a drive of several.
    AxisFault(usize, u8, u16),
    /// It sends an emergency: error code and error register.
    Emergency(usize, u16, u8),
    /// What it does to those who ask by mailbox.
    Manners(usize, Manners),
}

/// An end of the wire, where a master may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In front of the first device.
    First,
    /// Behind the last one.
    Last,
}

/// The way of a frame through the devices.
#[derive(Debug)]
struct Passage {
    /// Those that process it, one after the other.
    processed: Range<usize>,
    /// So many it has passed before.
    before: usize,
    out: End,
}

#[derive(Debug)]
struct Member {
    controller: Controller,
    /// As at power-on.
    fresh: Controller,
    powered: bool,
    /// The cable in front of it is whole.
    cabled: bool,
}

/// The devices in a row.
#[derive(Debug)]
pub struct Segment {
    members: Vec<Member>,
    /// The cable from the last device back to the master, where there is one: it is whole.
    closing: Option<bool>,
    /// The master's interface has a link, at each end.
    masters: [bool; 2],
    now_ns: u64,
}

impl Segment {
    /// A segment at power-on.
    ///
    /// # Errors
    /// Where a device cannot be built from its parameters.
    pub fn new(parameters: &SegmentParameters) -> Result<Segment, SegmentError> {
        if parameters.devices.len() > MAX_SEGMENT_DEVICES {
            return Err(SegmentError(format!("{} devices, at most {MAX_SEGMENT_DEVICES}", parameters.devices.len())));
        }
        let mut members = Vec::new();
        for (position, device) in parameters.devices.iter().enumerate() {
            let drift_ppb = parameters.drift_ppb.get(position).copied().unwrap_or(0.0);
            let clock = Clock::new(STAGGER_NS * (position as u64 + 1), drift_ppb);
            let alias = parameters.aliases.get(position).copied().unwrap_or(0);
            let controller = Controller::new(device, parameters.period_ns, alias, Some(clock));
            let controller =
                controller.map_err(|error| SegmentError(format!("device \"{}\": {error}", device.name)))?;
            members.push(Member { fresh: controller.clone(), controller, powered: true, cabled: true });
        }
        let mut segment = Segment { members, closing: None, masters: [true; 2], now_ns: 0 };
        segment.connect();
        Ok(segment)
    }

    /// The same with a cable from the last device back to the master. [`SegmentCommand::Cut`] breaks that one too: it is in
    /// front of the device that there is not.
    #[must_use]
    pub fn closed_to_a_ring(mut self) -> Segment {
        self.closing = Some(true);
        self.connect();
        self
    }

    /// The master's interface at an end has a link, or none.
    pub fn set_link(&mut self, end: End, link: bool) {
        if std::mem::replace(&mut self.masters[end as usize], link) != link {
            self.connect();
        }
    }

    /// Whether the cable in front of a device, or behind the last one, is there, whole, and between two that have supply.
    fn is_linked(&self, cable: usize) -> bool {
        let whole = self.members.get(cable).map_or(self.closing == Some(true), |member| member.cabled);
        let powered =
            |place: Option<usize>| place.and_then(|place| self.members.get(place)).is_none_or(|one| one.powered);
        let master = (cable > 0 || self.masters[0]) && (cable < self.members.len() || self.masters[1]);
        whole && master && powered(Some(cable)) && powered(cable.checked_sub(1))
    }

    fn connect(&mut self) {
        for place in 0..self.members.len() {
            let links = [self.is_linked(place), self.is_linked(place + 1)];
            self.members[place].controller.set_links(links);
        }
    }

    /// Passes a raw Ethernet frame through every device that it reaches and back, at `now_ns`. False where it does not come
    /// back: it is not EtherCAT, or nobody is there.
    pub fn pass(&mut self, frame: &mut [u8], now_ns: u64) -> bool {
        self.pass_from(End::First, frame, now_ns) == Some(End::First)
    }

    /// The same in a ring: passes a frame that comes in at one end, and says at which end it comes out.
    pub fn pass_from(&mut self, end: End, frame: &mut [u8], now_ns: u64) -> Option<End> {
        self.advance(now_ns);
        if !datagram::is_ethercat(frame) {
            return None;
        }
        let Passage { processed, before, out } = self.passage(end)?;
        if processed.is_empty() {
            // From the last device to the first a controller only forwards.
            return Some(out);
        }
        let (first, last) = (processed.start, processed.end - 1);
        datagram::for_each(frame, |mut datagram| {
            for (place, member) in (first..).zip(&mut self.members[processed.clone()]) {
                let behind = (out == End::First).then_some((last - place) as u64);
                let passes_ns = now_ns + (before + place - first) as u64 * HOP_NS;
                member.controller.pass(&mut datagram, passes_ns, behind);
            }
        });
        // What every controller does to the source.
        frame[6] |= 0x02;
        Some(out)
    }

    /// The way of a frame; `None` where it is lost. A device whose port is closed turns it.
    fn passage(&self, end: End) -> Option<Passage> {
        let devices = self.members.len();
        let open = |place: usize, port: usize| self.members[place].controller.is_open(port);
        let (first, before) = match end {
            End::First => (0, 0),
            End::Last => {
                // What comes in at a closed port is dropped.
                let last = devices.checked_sub(1).filter(|last| open(*last, 1))?;
                let mut place = last;
                while open(place, 0) {
                    match place.checked_sub(1) {
                        None => return Some(Passage { processed: 0..0, before: 0, out: End::First }),
                        Some(next) if open(next, 1) => place = next,
                        Some(_) => return None,
                    }
                }
                (place, last - place)
            }
        };
        if devices == 0 || end == End::First && !open(0, 0) {
            return None;
        }
        let mut place = first;
        while open(place, 1) {
            match place + 1 {
                next if next == devices => return Some(Passage { processed: first..devices, before, out: End::Last }),
                next if open(next, 0) => place = next,
                _ => return None,
            }
        }
        Some(Passage { processed: first..place + 1, before, out: End::First })
    }

    /// Lets the devices go on to `now_ns`; frames do that as well.
    pub fn advance(&mut self, now_ns: u64) {
        self.now_ns = self.now_ns.max(now_ns);
        for member in &mut self.members {
            if member.powered {
                member.controller.advance(self.now_ns, MOST_PULSES);
            } else {
                member.controller.coast(self.now_ns);
            }
        }
    }

    /// Something befalls it.
    pub fn command(&mut self, command: SegmentCommand) {
        let (place, now_ns) = match command {
            SegmentCommand::Mend => {
                self.members.iter_mut().for_each(|member| member.cabled = true);
                self.closing = self.closing.map(|_| true);
                return self.connect();
            }
            SegmentCommand::Cut(place) if place == self.members.len() => {
                self.closing = self.closing.map(|_| false);
                return self.connect();
            }
            SegmentCommand::Cut(place)
            | SegmentCommand::PowerOff(place)
            | SegmentCommand::PowerOn(place)
            | SegmentCommand::Exchange(place, _)
            | SegmentCommand::Drift(place, _)
            | SegmentCommand::AlError(place, _)
            | SegmentCommand::SyncLost(place)
            | SegmentCommand::Deaf(place, _)
            | SegmentCommand::DriveFault(place, _)
            | SegmentCommand::AxisFault(place, ..)
            | SegmentCommand::Emergency(place, ..)
            | SegmentCommand::Manners(place, _) => (place, self.now_ns),
        };
        let Some(member) = self.members.get_mut(place) else { return };
        match command {
            SegmentCommand::Cut(_) => member.cabled = false,
            SegmentCommand::PowerOff(_) => {
                member.powered = false;
                member.controller.device.lose_supply();
            }
            SegmentCommand::PowerOn(_) => {
                let before = std::mem::replace(&mut member.controller, member.fresh.clone());
                member.controller.device.keep_surroundings_of(&before.device);
                member.powered = true;
            }
            SegmentCommand::Exchange(_, product) => {
                member.controller = member.fresh.clone();
                member.controller.set_product(product);
                member.powered = true;
            }
            SegmentCommand::Drift(_, drift_ppb) => member.controller.set_drift(drift_ppb, now_ns),
            SegmentCommand::AlError(_, code) => member.controller.fall_to(AlState::SafeOperational, code),
            SegmentCommand::SyncLost(_) => member.controller.lose_sync(),
            SegmentCommand::Deaf(_, frames) => member.controller.set_deaf(frames),
            SegmentCommand::DriveFault(_, code) => {
                let fault = (code != 0).then_some(code);
                member.controller.device.set_disturbance(DriveDisturbance { fault, ..DriveDisturbance::default() });
            }
            SegmentCommand::AxisFault(_, axis, code) => {
                let fault = (code != 0).then_some(code);
                let disturbance = DriveDisturbance { fault, ..DriveDisturbance::default() };
                member.controller.device.set_axis_disturbance(axis, disturbance);
            }
            SegmentCommand::Emergency(_, code, register) => member.controller.emergency(code, register),
            SegmentCommand::Manners(_, manners) => member.controller.set_manners(manners),
            SegmentCommand::Mend => {}
        }
        self.connect();
    }

    /// The device at a place.
    pub fn device(&self, place: usize) -> Option<&SimulatedDevice> {
        self.members.get(place).map(|member| &member.controller.device)
    }

    /// The same, to be disturbed.
    pub fn device_mut(&mut self, place: usize) -> Option<&mut SimulatedDevice> {
        self.members.get_mut(place).map(|member| &mut member.controller.device)
    }

    /// Whether the application of the device at a place is in OP.
    pub fn is_operational(&self, place: usize) -> bool {
        self.members.get(place).is_some_and(|member| member.controller.al_state() == AlState::Operational)
    }

    /// The system time by the clock of the device at a place, nanoseconds.
    pub fn system_ns(&self, place: usize) -> Option<u64> {
        self.members.get(place)?.controller.system_ns(self.now_ns)
    }

    /// Whether the device at a place has its supply.
    pub fn is_powered(&self, place: usize) -> bool {
        self.members.get(place).is_some_and(|member| member.powered)
    }

    /// The state of the device at a place, as the standard abbreviates it.
    pub fn state_name(&self, place: usize) -> &'static str {
        match self.members.get(place).filter(|member| member.powered).map(|member| member.controller.al_state()) {
            None => "no supply",
            Some(AlState::Init) => "INIT",
            Some(AlState::PreOperational) => "PREOP",
            Some(AlState::Bootstrap) => "BOOT",
            Some(AlState::SafeOperational) => "SAFEOP",
            Some(AlState::Operational) => "OP",
        }
    }

    /// How many devices it has.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}
