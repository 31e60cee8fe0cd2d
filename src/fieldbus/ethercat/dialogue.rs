//! One register after the other, before the cycle runs: ask, wait for the answer, ask again where there is none.

use std::fmt;

use super::datagram::{Answer, Command, Frame, Target};
use super::register::{AL_CONTROL, AL_STATUS, AlState, AlStatus};
use super::wire::Wire;
use crate::limits::ETHERCAT_FRAME_BYTES;

/// How long an answer is waited for, nanoseconds.
const PATIENCE_NS: u64 = 20_000_000;
/// How often a frame without an answer is sent.
const ATTEMPTS: u32 = 4;
/// Between two looks at a device that changes its state, nanoseconds.
const LOOK_NS: u64 = 500_000;

/// Why a device could not be talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogueError {
    /// Nothing came back.
    Silent,
    /// The frame came back, and nobody had taken it.
    NotTaken {
        /// Station address.
        station: u16,
        /// Register.
        register: u16,
    },
    /// The device did not go into a state.
    State {
        /// Station address.
        station: u16,
        /// Where it was asked to go.
        wanted: AlState,
        /// Where it is.
        status: AlStatus,
    },
}

impl fmt::Display for DialogueError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DialogueError::Silent => out.write_str("no frame comes back: look at the cable and the first device"),
            DialogueError::NotTaken { register, .. } => {
                write!(out, "it does not answer (register {register:04X}h): look at its supply and at its cable")
            }
            DialogueError::State { wanted, status, .. } => {
                let state = status.state.map_or("no known state", AlState::name);
                write!(out, "it stays in {state} and does not go to {}: AL status code {}", wanted.name(), status.code)
            }
        }
    }
}

impl std::error::Error for DialogueError {}

/// The master's side of it.
pub struct Dialogue<'w> {
    wire: &'w mut dyn Wire,
    frame: Frame,
    buffer: [u8; ETHERCAT_FRAME_BYTES],
    index: u8,
}

impl<'w> Dialogue<'w> {
    /// Over this wire.
    pub fn over(wire: &'w mut dyn Wire) -> Dialogue<'w> {
        Dialogue { wire, frame: Frame::new(), buffer: [0; ETHERCAT_FRAME_BYTES], index: 0 }
    }

    /// The time of the wire, nanoseconds.
    pub fn now_ns(&self) -> u64 {
        self.wire.now_ns()
    }

    /// Waits without asking anything.
    pub fn pause(&mut self, duration_ns: u64) {
        let end_ns = self.wire.now_ns() + duration_ns;
        // What arrives now answers nothing any more.
        while self.wire.receive(&mut self.buffer, end_ns).is_some() {}
    }

    /// Sends one datagram; its data as it came back and its working counter.
    ///
    /// # Errors
    /// Where no frame comes back.
    pub fn ask(&mut self, command: Command, target: Target, data: &mut [u8]) -> Result<u16, DialogueError> {
        self.frame = Frame::new();
        let Some(slot) = self.frame.push(command, target, data.len()) else { return Err(DialogueError::Silent) };
        self.frame.data_mut(slot).copy_from_slice(data);
        for _ in 0..ATTEMPTS {
            self.index = self.index.wrapping_add(1);
            self.frame.set_index(self.index);
            let now_ns = self.wire.now_ns();
            self.wire.send(self.frame.as_bytes(), now_ns);
            // Bounded by the time: what is no answer is passed over.
            while let Some(length) = self.wire.receive(&mut self.buffer, now_ns + PATIENCE_NS) {
                if let Some(answer) = Answer::to(&self.frame, &self.buffer[..length]) {
                    data.copy_from_slice(answer.data(slot));
                    return Ok(answer.working_counter(slot));
                }
            }
        }
        Err(DialogueError::Silent)
    }

    /// Reads registers of a device.
    ///
    /// # Errors
    /// Where the device does not answer.
    pub fn read<const BYTES: usize>(&mut self, station: u16, register: u16) -> Result<[u8; BYTES], DialogueError> {
        let mut bytes = [0; BYTES];
        self.taken(Command::Fprd, station, register, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes registers of a device.
    ///
    /// # Errors
    /// Where the device does not take them.
    pub fn write(&mut self, station: u16, register: u16, bytes: &[u8]) -> Result<(), DialogueError> {
        let mut copy = [0; 64];
        let copy = copy.get_mut(..bytes.len()).ok_or(DialogueError::NotTaken { station, register })?;
        copy.copy_from_slice(bytes);
        self.taken(Command::Fpwr, station, register, copy)
    }

    fn taken(&mut self, command: Command, station: u16, register: u16, data: &mut [u8]) -> Result<(), DialogueError> {
        // A device that is busy lets a frame pass now and then.
        for _ in 0..ATTEMPTS {
            if self.ask(command, Target::Station(station, register), data)? == 1 {
                return Ok(());
            }
        }
        Err(DialogueError::NotTaken { station, register })
    }

    /// How a device's application layer is.
    ///
    /// # Errors
    /// Where the device does not answer.
    pub fn al_status(&mut self, station: u16) -> Result<AlStatus, DialogueError> {
        let bytes = self.read::<{ AlStatus::BYTES }>(station, AL_STATUS)?;
        AlStatus::of(&bytes).ok_or(DialogueError::Silent)
    }

    /// Asks a device to change its state, and returns at once. An error that it holds is acknowledged.
    ///
    /// # Errors
    /// Where the device does not answer.
    pub fn request_state(&mut self, station: u16, state: AlState) -> Result<(), DialogueError> {
        let acknowledge = if self.al_status(station)?.error { AlStatus::ACKNOWLEDGE } else { 0 };
        self.write(station, AL_CONTROL, &[state as u8 | acknowledge, 0])
    }

    /// Takes a device into a state.
    ///
    /// # Errors
    /// Where it does not answer, refuses, or is not there within `patience_ns`.
    pub fn change_state(&mut self, station: u16, state: AlState, patience_ns: u64) -> Result<(), DialogueError> {
        self.request_state(station, state)?;
        let end_ns = self.now_ns() + patience_ns;
        loop {
            let status = self.al_status(station)?;
            if status.state == Some(state) && !status.error {
                return Ok(());
            }
            if status.error || self.now_ns() >= end_ns {
                return Err(DialogueError::State { station, wanted: state, status });
            }
            self.pause(LOOK_NS);
        }
    }
}
