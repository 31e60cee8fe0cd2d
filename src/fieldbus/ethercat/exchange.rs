//! The cyclic exchange: prepared frames, filled, sent and read once a cycle.
//!
//! ```text
//! frame 0: reference clock to all (FRMW) │ state of all (BRD) │ state of one (FPRD) │ device 0 │ device 1 │ …
//! frame 1: device n │ …
//! ```
//!
//! Each device has a datagram of its own, so that its working counter tells whose inputs are fresh, and a device that is gone
//! takes nothing away from the others. Cost: one send and one receive a frame, and every loop is bounded by
//! `limits::MAX_BUS_DEVICES`, or by the deadline.

use std::ops::Range;

use super::datagram::{Answer, Command, Frame, Slot, Target, index_of};
use super::register::{AL_STATUS, AlState, AlStatus, SYSTEM_TIME};
use super::setup::Exchanged;
use super::wire::Wire;
use crate::fieldbus::{CycleReport, CyclicBus};
use crate::limits::{ETHERCAT_FRAME_BYTES, MAX_BUS_DEVICES};

/// Periods from the computation of a setpoint to the sampling of the feedback that is compared with it: it is sent one
/// period later, latched by the device and reached after another one, and what is sampled then is fetched by the next frame.
const FEEDBACK_DELAY_PERIODS: f64 = 3.0;

/// One device in the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberParameters {
    /// Station address.
    pub station: u16,
    /// What it exchanges.
    pub exchanged: Exchanged,
    /// First byte of its outputs in the bus's image.
    pub output_offset: usize,
    /// First byte of its inputs in the bus's image.
    pub input_offset: usize,
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
    status: AlStatus,
}

/// A frame and whether it is back.
#[derive(Debug)]
struct Flight {
    frame: Frame,
    index: u8,
    members: Range<usize>,
    answered: bool,
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
    everyone: Slot,
    watched: Slot,
    /// Whose state is looked at in this cycle.
    watching: usize,
    next_index: u8,
    buffer: Box<[u8; ETHERCAT_FRAME_BYTES]>,
    expected: u16,
    not_operational: u64,
    /// The read of all devices says that one of them is not in OP.
    suspicious: bool,
    reading: Option<ClockReading>,
    sent_ns: u64,
}

impl std::fmt::Debug for EthercatBus {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("EthercatBus").field("members", &self.members).finish_non_exhaustive()
    }
}

impl EthercatBus {
    /// Prepares the frames. `reference` is the station whose clock all others follow. Every device counts as not operational
    /// until it says otherwise.
    ///
    /// # Errors
    /// Where the devices do not fit.
    pub fn new(
        wire: Box<dyn Wire>,
        members: &[MemberParameters],
        reference: Option<u16>,
    ) -> Result<EthercatBus, ExchangeError> {
        if members.len() > MAX_BUS_DEVICES {
            return Err(ExchangeError::TooManyDevices);
        }
        let mut frame = Frame::new();
        let no_room = ExchangeError::TooLong { station: 0 };
        let clock = reference.map(|station| (Command::Frmw, Target::Station(station, SYSTEM_TIME)));
        let clock = clock.map(|(command, target)| frame.push(command, target, 8).ok_or(no_room)).transpose()?;
        let everyone = frame.push(Command::Brd, Target::All(AL_STATUS), 2).ok_or(no_room)?;
        let watched = frame.push(Command::Fprd, Target::Station(0, AL_STATUS), AlStatus::BYTES).ok_or(no_room)?;
        let mut flights: Vec<Flight> = Vec::new();
        let mut placed: Vec<Member> = Vec::new();
        let mut first = 0;
        for parameters in members {
            let MemberParameters { station, exchanged, output_offset, input_offset } = *parameters;
            let (target, length) = (Target::Logical(exchanged.logical), usize::from(exchanged.bytes()));
            let slot = match frame.push(Command::Lrw, target, length) {
                Some(slot) => slot,
                None => {
                    let full = std::mem::take(&mut frame);
                    flights.push(Flight { frame: full, index: 0, members: first..placed.len(), answered: true });
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
                status: AlStatus { state: None, error: false, code: Default::default() },
            });
        }
        flights.push(Flight { frame, index: 0, members: first..placed.len(), answered: true });
        Ok(EthercatBus {
            wire,
            flights: flights.into(),
            expected: placed.iter().map(|member| member.working_counter).sum(),
            not_operational: all(placed.len()),
            members: placed.into(),
            clock,
            everyone,
            watched,
            watching: 0,
            next_index: 0,
            buffer: Box::new([0; ETHERCAT_FRAME_BYTES]),
            suspicious: true,
            reading: None,
            sent_ns: 0,
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

    /// What a device last said of its state.
    pub fn al_status(&self, member: usize) -> Option<AlStatus> {
        self.members.get(member).map(|member| member.status)
    }

    /// Takes what came back with one frame.
    fn take(&mut self, flight: usize, length: usize, inputs: &mut [u8], report: &mut CycleReport) {
        let Flight { frame, members, .. } = &self.flights[flight];
        let Some(answer) = Answer::to(frame, &self.buffer[..length]) else { return };
        for number in members.clone() {
            let member = &mut self.members[number];
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
            let (everyone, watched, clock) = (self.everyone, self.watched, self.clock);
            let states = answer.data(everyone)[0];
            let present = usize::from(answer.working_counter(everyone)) == self.members.len();
            self.suspicious = !present || states != AlState::Operational as u8;
            if answer.working_counter(watched) == 1
                && let Some(status) = AlStatus::of(answer.data(watched))
                && let Some(member) = self.members.get_mut(self.watching)
            {
                member.status = status;
                let bit = 1 << self.watching;
                if !status.is_operational() {
                    self.not_operational |= bit;
                } else if report.fresh & bit != 0 {
                    self.not_operational &= !bit;
                }
            }
            if let Some(clock) = clock
                && answer.working_counter(clock) > 0
                && let Some(bytes) = answer.data(clock).first_chunk::<8>()
            {
                let system_time_ns = u64::from_le_bytes(*bytes);
                self.reading = Some(ClockReading { system_time_ns, sent_ns: self.sent_ns });
            }
        }
        self.flights[flight].answered = true;
    }
}

/// One bit for each of so many devices.
fn all(devices: usize) -> u64 {
    if devices >= 64 { u64::MAX } else { (1 << devices) - 1 }
}

impl CyclicBus for EthercatBus {
    fn begin(&mut self, outputs: &[u8], cycle_start_ns: u64) {
        self.watching = if self.watching + 1 < self.members.len() { self.watching + 1 } else { 0 };
        if let Some(member) = self.members.get(self.watching) {
            let target = Target::Station(member.station, AL_STATUS);
            self.flights[0].frame.retarget(self.watched, target);
        }
        for member in &self.members {
            let slot = self.flights[member.frame].frame.data_mut(member.slot);
            if let (Some(to), Some(from)) = (slot.get_mut(..member.outputs.len()), outputs.get(member.outputs.clone()))
            {
                to.copy_from_slice(from);
            }
        }
        self.sent_ns = cycle_start_ns;
        for flight in &mut self.flights {
            flight.index = self.next_index;
            self.next_index = self.next_index.wrapping_add(1);
            flight.frame.set_index(flight.index);
            flight.answered = false;
            // What is not sent does not come back, and is counted then.
            self.wire.send(flight.frame.as_bytes(), cycle_start_ns);
        }
    }

    fn finish(&mut self, inputs: &mut [u8], deadline_ns: u64) -> CycleReport {
        let mut report = CycleReport { working_counter_expected: self.expected, ..CycleReport::default() };
        while self.flights.iter().any(|flight| !flight.answered) {
            let Some(length) = self.wire.receive(&mut self.buffer[..], deadline_ns) else { break };
            let Some(index) = index_of(&self.buffer[..length]) else { continue };
            match self.flights.iter().position(|flight| flight.index == index && !flight.answered) {
                Some(flight) => self.take(flight, length, inputs, &mut report),
                None => report.late = true,
            }
        }
        report.lost = self.flights.iter().any(|flight| !flight.answered);
        if !report.lost && !self.suspicious {
            self.not_operational &= !report.fresh;
        }
        // Until it is known who it is, it may be any of them.
        let unknown = self.suspicious && self.not_operational == 0;
        report.not_operational = if unknown { all(self.members.len()) } else { self.not_operational };
        report
    }

    fn request_recovery(&mut self) {}

    fn feedback_delay_periods(&self) -> f64 {
        FEEDBACK_DELAY_PERIODS
    }
}
