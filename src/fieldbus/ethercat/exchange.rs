//! The cyclic exchange: prepared frames, filled, sent and read once a cycle.
//!
//! ```text
//! frame 0: reference clock to all (FRMW) │ state of all (BRD) │ mailbox of one (FPRD) │ device 0 │ device 1 │ …
//! frame 1: device n │ …
//! and where it is needed:  the state of each device │ one errand (a device that is brought back, or a mailbox)
//! ```
//!
//! Each device has a datagram of its own, so that its working counter tells whose inputs are fresh, and a device that is gone
//! takes nothing away from the others. Cost: one send and one receive a frame, and every loop is bounded by
//! `limits::MAX_BUS_DEVICES`, or by the deadline.

use std::ops::Range;

use super::datagram::{Answer, Command, Frame, Slot, Target, index_of};
use super::errand::ErrandFrame;
use super::errands::{Errands, Situation};
use super::mailbox::exchange::{SEND_FULL, SEND_STATUS};
use super::register::{AL_CONTROL, AL_STATUS, AlState, AlStatus, SYSTEM_TIME};
use super::ring_watch::RingWatch;
use super::setup::Exchanged;
use super::states::States;
use super::wire::{RingState, Wire};
use crate::fieldbus::news::BusNews;
use crate::fieldbus::{CycleReport, CyclicBus};
use crate::limits::{ETHERCAT_FRAME_BYTES, MAX_BUS_DEVICES};

/// Periods from the computation of a setpoint to the sampling of the feedback that is compared with it: it is sent one
/// period later, latched by the device and reached after another one, and what is sampled then is fetched by the next frame.
const FEEDBACK_DELAY_PERIODS: f64 = 3.0;

/// Frames that are looked at in a cycle, at most: several times as many as are sent.
const MOST_RECEIVED: usize = 64;

/// A station address that no device has.
const NOBODY: u16 = 0xFFFF;

/// One device in the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberParameters {
    /// Station address.
    pub station: u16,
    /// Its place on the wire, from 0.
    pub position: u16,
    /// What it exchanges.
    pub exchanged: Exchanged,
    /// First byte of its outputs in the bus's image.
    pub output_offset: usize,
    /// First byte of its inputs in the bus's image.
    pub input_offset: usize,
    /// It has a mailbox, into which is looked in turn.
    pub has_mailbox: bool,
}

/// One device and its place in the frames.
#[derive(Debug)]
struct Member {
    station: u16,
    frame: usize,
    slot: Slot,
    outputs: Range<usize>,
    inputs: Range<usize>,
    working_counter: u16,
    has_mailbox: bool,
}

/// A frame of process data and whether it is back.
#[derive(Debug)]
struct Flight {
    frame: Frame,
    members: Range<usize>,
    way: Way,
}

/// A frame on its way.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    index: u8,
    awaited: bool,
}

impl Way {
    fn send(&mut self, frame: &mut Frame, next_index: &mut u8, wire: &mut dyn Wire, now_ns: u64) {
        *self = Way { index: *next_index, awaited: true };
        *next_index = next_index.wrapping_add(1);
        frame.set_index(self.index);
        // What is not sent does not come back, and is counted then.
        wire.send(frame.as_bytes(), now_ns);
    }

    fn is(self, index: u8) -> bool {
        self.awaited && self.index == index
    }
}

/// Why an exchange could not be prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeError {
    /// More devices than there are bits in a report.
    TooManyDevices,
    /// A device exchanges more than a frame holds.
    TooLong {
        /// Station address.
        station: u16,
    },
}

impl std::fmt::Display for ExchangeError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ExchangeError::TooManyDevices => write!(out, "more than {MAX_BUS_DEVICES} devices on one bus"),
            ExchangeError::TooLong { .. } => out.write_str("it exchanges more than a frame holds"),
        }
    }
}

/// What the devices told of the last exchange, besides their inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockReading {
    /// System time of the reference clock when the frame passed it, nanoseconds.
    pub system_time_ns: u64,
    /// When that frame was sent, in the wire's time.
    pub sent_ns: u64,
}

/// A segment that is configured and exchanges.
pub struct EthercatBus {
    wire: Box<dyn Wire>,
    flights: Box<[Flight]>,
    members: Box<[Member]>,
    clock: Option<Slot>,
    /// The reference clock: its station and its place among the members.
    reference: Option<(u16, usize)>,
    everyone: Slot,
    letters: Slot,
    /// Into whose mailbox is looked in this cycle.
    looking: usize,
    next_index: u8,
    buffer: Box<[u8; ETHERCAT_FRAME_BYTES]>,
    expected: u16,
    not_operational: u64,
    /// The read of all devices says that one of them is not in OP.
    suspicious: bool,
    states: States,
    states_way: Way,
    errands: Errands,
    errand_frame: ErrandFrame,
    errand_way: Way,
    /// One bit a device with a message in its mailbox.
    letters_waiting: u64,
    /// One bit a device that may be set up anew.
    dropped: u64,
    reading: Option<ClockReading>,
    /// The reading of this cycle has come.
    read: bool,
    cycle_start_ns: u64,
    sent_ns: u64,
    period_ns: u64,
    ring: RingWatch,
}

impl std::fmt::Debug for EthercatBus {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("EthercatBus").field("members", &self.members).finish_non_exhaustive()
    }
}

impl EthercatBus {
    /// Prepares the frames. `reference` is the station whose clock all others follow, and what it showed last. Every device counts as not operational
    /// until it says otherwise.
    ///
    /// # Errors
    /// Where the devices do not fit.
    pub fn new(
        wire: Box<dyn Wire>,
        members: &[MemberParameters],
        reference: Option<(u16, ClockReading)>,
        period_ns: u64,
        errands: Errands,
    ) -> Result<EthercatBus, ExchangeError> {
        if members.len() > MAX_BUS_DEVICES {
            return Err(ExchangeError::TooManyDevices);
        }
        let reading = reference.map(|(_, reading)| reading);
        let reference = reference.map(|(station, _)| station);
        let mut frame = Frame::new();
        let no_room = ExchangeError::TooLong { station: 0 };
        let clock = reference.map(|station| (Command::Frmw, Target::Station(station, SYSTEM_TIME)));
        let clock = clock.map(|(command, target)| frame.push(command, target, 8).ok_or(no_room)).transpose()?;
        let everyone = frame.push(Command::Brd, Target::All(AL_STATUS), 2).ok_or(no_room)?;
        let letters = frame.push(Command::Fprd, Target::Station(0, SEND_STATUS), 1).ok_or(no_room)?;
        let mut flights: Vec<Flight> = Vec::new();
        let mut placed: Vec<Member> = Vec::new();
        let mut first = 0;
        for parameters in members {
            let MemberParameters { station, exchanged, output_offset, input_offset, has_mailbox, .. } = *parameters;
            let (target, length) = (Target::Logical(exchanged.logical), usize::from(exchanged.bytes()));
            let slot = match frame.push(Command::Lrw, target, length) {
                Some(slot) => slot,
                None => {
                    let full = std::mem::take(&mut frame);
                    flights.push(Flight { frame: full, members: first..placed.len(), way: Way::default() });
                    first = placed.len();
                    frame.push(Command::Lrw, target, length).ok_or(ExchangeError::TooLong { station })?
                }
            };
            placed.push(Member {
                station,
                frame: flights.len(),
                slot,
                outputs: output_offset..output_offset + usize::from(exchanged.output_bytes),
                inputs: input_offset..input_offset + usize::from(exchanged.input_bytes),
                working_counter: exchanged.working_counter(),
                has_mailbox,
            });
        }
        flights.push(Flight { frame, members: first..placed.len(), way: Way::default() });
        let positions: Vec<u16> = members.iter().map(|member| member.position).collect();
        let stations: Vec<u16> = placed.iter().map(|member| member.station).collect();
        let place = |station| stations.iter().position(|other| *other == station).unwrap_or(usize::MAX);
        Ok(EthercatBus {
            wire,
            flights: flights.into(),
            expected: placed.iter().map(|member| member.working_counter).sum(),
            not_operational: all(placed.len()),
            states: States::of(&stations),
            states_way: Way::default(),
            members: placed.into(),
            clock,
            reference: reference.map(|station| (station, place(station))),
            everyone,
            letters,
            looking: 0,
            next_index: 0,
            buffer: Box::new([0; ETHERCAT_FRAME_BYTES]),
            suspicious: true,
            errands,
            errand_frame: ErrandFrame::new(reference),
            errand_way: Way::default(),
            letters_waiting: 0,
            dropped: 0,
            reading,
            read: false,
            cycle_start_ns: 0,
            sent_ns: 0,
            period_ns,
            ring: RingWatch::of(&positions),
        })
    }

    /// The wire, for what is done before the first cycle.
    pub fn wire(&mut self) -> &mut dyn Wire {
        &mut *self.wire
    }

    /// What the reference clock showed in the last exchange.
    pub fn clock_reading(&self) -> Option<ClockReading> {
        self.reading
    }

    /// What a device said of its state when it was last asked; `None` where it did not answer.
    pub fn al_status(&self, member: usize) -> Option<AlStatus> {
        self.states.of_device(member)
    }

    /// The system time at an instant, by the master's own clock since the last reading.
    fn system_ns(&self, now_ns: u64) -> Option<u64> {
        self.reading.map(|reading| {
            let since_ns = now_ns.wrapping_sub(reading.sent_ns) as i64;
            reading.system_time_ns.saturating_add_signed(since_ns)
        })
    }

    /// How far the cycle's deadline is behind its place, which is half a period before a pulse of SYNC0: as much room for a
    /// frame that is late as for one that is early.
    fn late_by_bus_clock_ns(&self) -> Option<i64> {
        let (period_ns, half_ns) = (self.period_ns.max(1), self.period_ns / 2);
        // Pulses come at multiples of the period.
        let system_ns = self.system_ns(self.cycle_start_ns)?;
        let behind_ns = (system_ns % period_ns) as i64 - half_ns as i64;
        Some(behind_ns)
    }

    /// The datagrams of the first frame that change from cycle to cycle: the time, and whose mailbox is looked into.
    fn address(&mut self, now_ns: u64) {
        let system_ns = self.system_ns(now_ns);
        let frame = &mut self.flights[0].frame;
        if let (Some(slot), Some((station, member))) = (self.clock, self.reference) {
            // Where the reference is away, the others follow the master's clock until it is led back to it.
            let away = self.not_operational.checked_shr(member as u32).unwrap_or(0) & 1 != 0 && system_ns.is_some();
            frame.retarget(slot, Target::Station(if away { NOBODY } else { station }, SYSTEM_TIME));
            frame.data_mut(slot).copy_from_slice(&system_ns.unwrap_or(0).to_le_bytes());
        }
        self.looking = if self.looking + 1 < self.members.len() { self.looking + 1 } else { 0 };
        let station = self.members.get(self.looking).filter(|member| member.has_mailbox);
        let station = station.map_or(NOBODY, |member| member.station);
        frame.retarget(self.letters, Target::Station(station, SEND_STATUS));
    }

    /// Takes what came back with one frame of process data.
    fn take(&mut self, flight: usize, length: usize, inputs: &mut [u8], report: &mut CycleReport) {
        let Flight { frame, members, .. } = &self.flights[flight];
        let Some(answer) = Answer::to(frame, &self.buffer[..length]) else { return };
        for number in members.clone() {
            let member = &self.members[number];
            let counter = answer.working_counter(member.slot);
            report.working_counter = report.working_counter.saturating_add(counter);
            if counter == member.working_counter {
                let data = answer.data(member.slot);
                if let (Some(to), Some(from)) = (inputs.get_mut(member.inputs.clone()), data.get(..member.inputs.len()))
                {
                    to.copy_from_slice(from);
                }
                report.fresh |= 1 << number;
            } else {
                // It is not there, or its buffers are not on.
                self.not_operational |= 1 << number;
            }
        }
        if flight == 0 {
            let (everyone, letters, clock) = (self.everyone, self.letters, self.clock);
            let states = answer.data(everyone)[0];
            let present = usize::from(answer.working_counter(everyone)) == self.members.len();
            self.suspicious = !present || states != AlState::Operational as u8;
            let bit = 1_u64.checked_shl(self.looking as u32).unwrap_or(0);
            self.letters_waiting &= !bit;
            if answer.working_counter(letters) == 1 && answer.data(letters)[0] & SEND_FULL != 0 {
                self.letters_waiting |= bit;
            }
            if let Some(clock) = clock
                && answer.working_counter(clock) > 0
                && let Some((_, member)) = self.reference
                && self.not_operational.checked_shr(member as u32).unwrap_or(0) & 1 == 0
                && let Some(bytes) = answer.data(clock).first_chunk::<8>()
            {
                let reading = ClockReading { system_time_ns: u64::from_le_bytes(*bytes), sent_ns: self.sent_ns };
                // A clock that stands, or runs back, is none.
                if self.reading.is_none_or(|before| before.system_time_ns < reading.system_time_ns) {
                    self.reading = Some(reading);
                    self.read = true;
                }
            }
        }
        self.flights[flight].way.awaited = false;
    }

    /// Takes a frame that is not one of process data; false where it is none of ours either.
    fn take_other(&mut self, index: u8, length: usize, fresh: u64) -> bool {
        let bytes = &self.buffer[..length];
        if self.states_way.is(index) {
            if let Some(operational) = self.states.take(bytes) {
                self.states_way.awaited = false;
                self.not_operational = all(self.members.len()) & !(operational & fresh);
            }
            true
        } else if self.errand_way.is(index) {
            if let Some(outcome) = self.errand_frame.outcome(bytes) {
                self.errand_way.awaited = false;
                self.errands.returned(outcome);
            }
            true
        } else {
            false
        }
    }

    fn awaits(&self) -> bool {
        let process = self.flights.iter().any(|flight| flight.way.awaited);
        process || self.states_way.awaited || self.errand_way.awaited
    }
}

/// At an orderly end every device is asked to go to PREOP: else its watchdog would expire, and a drive would have a fault at the
/// next start. One frame, whose answer nobody waits for.
impl Drop for EthercatBus {
    fn drop(&mut self) {
        let mut frame = Frame::new();
        if let Some(slot) = frame.push(Command::Bwr, Target::All(AL_CONTROL), 2) {
            frame.data_mut(slot).copy_from_slice(&[AlState::PreOperational as u8, 0]);
            let now_ns = self.wire.now_ns();
            self.wire.send(frame.as_bytes(), now_ns);
        }
    }
}

/// One bit for each of so many devices.
fn all(devices: usize) -> u64 {
    if devices >= 64 { u64::MAX } else { (1 << devices) - 1 }
}

impl CyclicBus for EthercatBus {
    fn begin(&mut self, outputs: &[u8], cycle_start_ns: u64) {
        self.cycle_start_ns = cycle_start_ns;
        self.read = false;
        self.address(cycle_start_ns);
        for member in &self.members {
            let slot = self.flights[member.frame].frame.data_mut(member.slot);
            if let (Some(to), Some(from)) = (slot.get_mut(..member.outputs.len()), outputs.get(member.outputs.clone()))
            {
                to.copy_from_slice(from);
            }
        }
        let situation = Situation {
            now_ns: cycle_start_ns,
            system_ns: self.system_ns(cycle_start_ns),
            missing: self.not_operational,
            dropped: self.dropped,
            letters: self.letters_waiting,
        };
        // A simulation's time comes with the frame.
        self.sent_ns = self.wire.now_ns().max(cycle_start_ns);
        let EthercatBus { wire, next_index, flights, .. } = self;
        for flight in flights {
            flight.way.send(&mut flight.frame, next_index, &mut **wire, cycle_start_ns);
        }
        if self.suspicious {
            self.states_way.send(self.states.frame(), next_index, &mut **wire, cycle_start_ns);
        }
        if let Some(errand) = self.errands.next(&situation)
            && let Some(frame) = self.errand_frame.lay_out(&errand, self.errands.data())
        {
            self.errand_way.send(frame, next_index, &mut **wire, cycle_start_ns);
        }
    }

    fn finish(&mut self, inputs: &mut [u8], deadline_ns: u64) -> CycleReport {
        let mut report = CycleReport {
            working_counter_expected: self.expected,
            devices: all(self.members.len()),
            ..CycleReport::default()
        };
        // Bounded by the deadline and, where something babbles on the wire, by the frames that are looked at.
        for _ in 0..MOST_RECEIVED {
            if !self.awaits() {
                break;
            }
            let Some(length) = self.wire.receive(&mut self.buffer[..], deadline_ns) else { break };
            let Some(index) = index_of(&self.buffer[..length]) else { continue };
            match self.flights.iter().position(|flight| flight.way.is(index)) {
                Some(flight) => self.take(flight, length, inputs, &mut report),
                None => report.late |= !self.take_other(index, length, report.fresh),
            }
        }
        report.lost = self.flights.iter().any(|flight| flight.way.awaited);
        if !report.lost && !self.suspicious {
            self.not_operational &= !report.fresh;
        }
        report.round_trip_ns = (!self.awaits()).then(|| self.wire.now_ns().saturating_sub(self.sent_ns));
        self.states_way.awaited = false;
        self.errand_way.awaited = false;
        report.not_operational = self.not_operational;
        report.ring_whole = self.wire.ring().map(|ring| ring == RingState::Whole);
        report.late_by_bus_clock_ns = self.read.then(|| self.late_by_bus_clock_ns()).flatten();
        report
    }

    fn request_recovery(&mut self) {
        self.errands.hurry();
    }

    fn set_dropped(&mut self, devices: u64) {
        self.dropped = devices;
    }

    fn take_news(&mut self) -> Option<BusNews> {
        let ring = self.wire.ring();
        self.errands.take_news().or_else(|| self.ring.news(ring?))
    }

    fn feedback_delay_periods(&self) -> f64 {
        FEEDBACK_DELAY_PERIODS
    }

    /// A device that is synchronised latches half a period behind the frame.
    fn actuation_delay_periods(&self) -> f64 {
        if self.reference.is_some() { 2.5 } else { 2.0 }
    }
}
