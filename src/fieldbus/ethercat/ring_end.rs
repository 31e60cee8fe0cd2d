//! The end of a ring: while devices are looked for and their distances are measured, the ring is opened there, so that it
//! is a line, and closed behind that. Off the real-time thread.
//!
//! A ring must be whole at the start. A machine that is switched on with a broken cable has no second one to lose.

use std::fmt;

use super::datagram::{Command, Target};
use super::dialogue::{Dialogue, DialogueError};
use super::register::{AL_STATUS, DL_STATUS, LOOP_AUTOMATIC, LOOP_CLOSED, LOOP_CONTROL};
use super::wire::{RingState, Wire};

/// Looks at a ring until it has settled, at most.
const LOOKS: usize = 12;
/// Ports in the order in which a frame leaves a controller that it entered at port 0 (ETG.1000.4).
const LEAVING: [u8; 3] = [3, 1, 2];

/// Why a ring cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingError {
    /// It is open somewhere.
    Broken {
        /// So many devices answer at the first port.
        before: u16,
        /// So many at the second.
        behind: u16,
    },
    /// No device leads to the second port.
    NoEnd,
    /// It does not open or close where it is told to.
    Stays(RingState),
    /// It cannot be talked to.
    Dialogue(DialogueError),
}

impl fmt::Display for RingError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RingError::Broken { before, behind: 0 } => write!(
                out,
                "the ring is not closed: {before} devices answer at the first interface, none at the redundant one: look \
                 at the cable from the last device to it"
            ),
            RingError::Broken { before: 0, behind } => write!(
                out,
                "the ring is not closed: {behind} devices answer at the redundant interface, none at the first one: look \
                 at the cable from it to the first device"
            ),
            RingError::Broken { before, behind } => write!(
                out,
                "the ring is not closed: {before} devices answer at the first interface, {behind} at the redundant one: \
                 look at the cable behind device {}, and at the supply of the one after it",
                before - 1
            ),
            RingError::NoEnd => out.write_str("the ring is not closed: no device has a link that leads back"),
            RingError::Stays(RingState::Whole) => out.write_str("the last device does not open the ring"),
            RingError::Stays(_) => out.write_str("the last device does not close the ring again"),
            RingError::Dialogue(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for RingError {}

impl From<DialogueError> for RingError {
    fn from(error: DialogueError) -> RingError {
        RingError::Dialogue(error)
    }
}

/// Makes a line of a ring: no frame comes in at its second port any more.
///
/// # Errors
/// Where it is not whole, or does not do so.
pub fn open(wire: &mut dyn Wire) -> Result<(), RingError> {
    let devices = close(wire)?;
    let mut dialogue = Dialogue::over(wire);
    let mut links = Vec::with_capacity(usize::from(devices));
    for place in 0..devices {
        let mut status = [0; 2];
        dialogue.ask(Command::Aprd, Target::Position(place, DL_STATUS), &mut status)?;
        links.push(status[0] >> 4);
    }
    let (place, port) = end(&links).ok_or(RingError::NoEnd)?;
    let mut control = [LOOP_CLOSED << (2 * port)];
    // The frame that closes it may not find its way.
    let _ = dialogue.ask(Command::Apwr, Target::Position(place, LOOP_CONTROL), &mut control);
    match settled(wire)? {
        (RingState::Broken { before, behind: 0 }, _) if before == devices => Ok(()),
        (state, _) => Err(RingError::Stays(state)),
    }
}

/// Makes a ring of the line again: how many devices are in it.
///
/// # Errors
/// Where it is not whole.
pub fn close(wire: &mut dyn Wire) -> Result<u16, RingError> {
    let mut dialogue = Dialogue::over(wire);
    dialogue.ask(Command::Bwr, Target::All(LOOP_CONTROL), &mut [LOOP_AUTOMATIC])?;
    match settled(wire)? {
        (RingState::Whole, devices) => Ok(devices),
        (RingState::Broken { before, behind }, _) => Err(RingError::Broken { before, behind }),
        (RingState::Unknown, _) => Err(RingError::Stays(RingState::Unknown)),
    }
}

/// Leaves a wire as it was found: a ring that was opened is closed again, and one that cannot be is somebody else's matter.
pub fn leave(wire: &mut dyn Wire) {
    if wire.ring().is_some() {
        let _ = close(wire);
    }
}

/// How the ring is, after as many looks as it takes to be sure, and how many devices there are.
fn settled(wire: &mut dyn Wire) -> Result<(RingState, u16), RingError> {
    let mut devices = 0;
    for _ in 0..LOOKS {
        devices = Dialogue::over(wire).ask(Command::Brd, Target::All(AL_STATUS), &mut [0; 2])?;
    }
    Ok((wire.ring().unwrap_or_default(), devices))
}

/// The device and the port from which the cable leads back, by the links of each device, one bit a port.
///
/// A frame goes through the devices in their order, at a junction into each branch in turn; the first port for which no
/// device is left is the end.
fn end(links: &[u8]) -> Option<(u16, u8)> {
    /// Follows what leads on from `place`. `next` is the first device that has no place yet.
    fn follow(links: &[u8], place: usize, next: &mut usize) -> Option<(u16, u8)> {
        for port in LEAVING {
            if links[place] >> port & 1 == 0 {
                continue;
            }
            if *next == links.len() {
                return Some((place as u16, port));
            }
            let child = *next;
            *next += 1;
            if let Some(end) = follow(links, child, next) {
                return Some(end);
            }
        }
        None
    }
    (!links.is_empty()).then(|| follow(links, 0, &mut 1)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IN: u8 = 0b0001;
    const THROUGH: u8 = 0b0011;

    #[test]
    fn the_end_is_the_first_port_for_which_no_device_is_left() {
        assert_eq!(end(&[THROUGH; 4]), Some((3, 1)));
        assert_eq!(end(&[THROUGH]), Some((0, 1)));
        // A coupler with two terminals at port 1, and the cable back at port 2.
        assert_eq!(end(&[THROUGH, 0b0111, THROUGH, IN]), Some((1, 2)));
        // The same in the middle.
        assert_eq!(end(&[0b0111, THROUGH, IN, THROUGH]), Some((3, 1)));
        assert_eq!(end(&[THROUGH, THROUGH, IN]), None);
        assert_eq!(end(&[]), None);
    }
}
