//! Cable redundancy: a wire of two ports, with the devices in a ring between them.
//!
//! ```text
//! whole:   port 0 ═► device 0 ═► device 1 ═► device 2 ═► port 1     processed on this way
//!          port 0 ◄─ device 0 ◄─ device 1 ◄─ device 2 ◄─ port 1     and only forwarded on this one
//! broken:  port 0 ◄═► device 0    ✂    device 1 ◄═► device 2 ◄═► port 1
//! ```
//!
//! Every frame is sent at both ports, and what comes back are two images of it: in a whole ring all devices are in one and
//! none is in the other; in a broken ring each device is in one of them. So an image is added to the other, datagram by
//! datagram, and whoever sent the frame gets one back either way. A break costs the images that are on their way then.
//!
//! A port at which nothing has come in for some exchanges is not waited for, and is used again as soon as something does.
//!
//! Cost: a frame is sent and received twice and its bytes are copied three times; every loop is bounded by the frames under
//! way, by the datagrams of a frame, or by the deadline.

use super::datagram::{self, Command};
use super::wire::{RingState, Wire};
use crate::limits::ETHERCAT_FRAME_BYTES;

/// Frames under way, at most: those of an exchange, and of the one before it.
const FLIGHTS: usize = 32;
/// Frames that are taken for one that is given back, at most: what babbles at a port does not hold the cycle.
const MOST_TURNS: usize = 2 * FLIGHTS;
/// After so many exchanges in which a port owed an image it is not waited for.
const SILENT_EXCHANGES: u32 = 3;
/// So many looks in a row must agree before the ring is believed to be different.
const AGREEING_LOOKS: u32 = 3;
/// Last byte of a frame's source, by the port at which it is sent.
const SENT_AT: [u8; 2] = [0x10, 0x11];
const SENT_AT_BYTE: usize = 11;
/// Its first byte, in which a controller marks what it has processed.
const PROCESSED_BYTE: usize = 6;
const PROCESSED: u8 = 0x02;

type Bytes = [u8; ETHERCAT_FRAME_BYTES];

/// One image of a frame.
#[derive(Clone, Copy, Debug)]
struct Image {
    /// It came in at the port at which it had been sent.
    turned: bool,
    /// Devices that took part in a read of all, where the frame has one.
    devices: Option<u16>,
}

/// A frame under way.
struct Flight {
    index: u8,
    /// Zero: none.
    length: usize,
    sent: Bytes,
    merged: Bytes,
    /// By the port at which it was sent.
    images: [Option<Image>; 2],
    /// A port has given one.
    given: [bool; 2],
    /// The time for it is over.
    overdue: bool,
}

impl Flight {
    const NONE: Flight = Flight {
        index: 0,
        length: 0,
        sent: [0; ETHERCAT_FRAME_BYTES],
        merged: [0; ETHERCAT_FRAME_BYTES],
        images: [None; 2],
        given: [false; 2],
        overdue: false,
    };

    fn is_under_way(&self) -> bool {
        self.length > 0
    }

    fn owes(&self, port: usize) -> bool {
        self.is_under_way() && !self.overdue && !self.given[port]
    }

    /// Whether an image is waited for at a port. Where the other one has come through all of the ring, a port that was silent
    /// gives one again.
    fn waits_for(&self, port: usize, silent: bool) -> bool {
        let crossed = || self.images.iter().flatten().any(|image| !image.turned);
        self.owes(port) && (!silent || crossed())
    }

    /// Adds what came in at a port, if it is an image of it.
    fn add(&mut self, image: &[u8], port: usize) {
        let (sent, Some(image)) = (&self.sent[..self.length], image.get(..self.length)) else { return };
        let Some(sent_at) = SENT_AT.iter().position(|mark| *mark == image[SENT_AT_BYTE]) else { return };
        if self.images[sent_at].is_some() || !is_image(sent, image, sent_at) {
            return;
        }
        let mut devices = None;
        for place in datagram::places(sent) {
            let (command, counter) = (sent[place.start], word(image, place.counter()));
            if command == Command::Brd as u8 {
                devices = Some(counter);
            }
            if counter == 0 {
                // As it was sent: nobody was meant on this way.
                continue;
            }
            let so_far = word(&self.merged, place.counter());
            let (own, other) = (&mut self.merged[place.data()], &image[place.data()]);
            match command {
                _ if so_far == 0 => own.copy_from_slice(other),
                // All that answer are OR-ed.
                command if command == Command::Brd as u8 => {
                    own.iter_mut().zip(other).for_each(|(own, other)| *own |= other);
                }
                // One reads and all others write: the image that has read is the one that differs from what was sent.
                command if command == Command::Frmw as u8 && *other != sent[place.data()] => {
                    own.copy_from_slice(other);
                }
                _ => {}
            }
            let all = so_far.saturating_add(counter).to_le_bytes();
            self.merged[place.counter()..place.counter() + 2].copy_from_slice(&all);
        }
        self.merged[PROCESSED_BYTE] |= image[PROCESSED_BYTE] & PROCESSED;
        self.images[sent_at] = Some(Image { turned: sent_at == port, devices });
        self.given[port] = true;
    }

    /// What the ring is by this frame; `None` where it does not tell.
    fn ring(&self) -> Option<RingState> {
        let [first, second] = self.images;
        let count = |image: Option<Image>| image.and_then(|image| image.devices);
        if [first, second].into_iter().flatten().any(|image| image.devices.is_some() && !image.turned) {
            return Some(RingState::Whole);
        }
        let (before, behind) = (count(first), count(second));
        before.or(behind).map(|_| RingState::Broken { before: before.unwrap_or(0), behind: behind.unwrap_or(0) })
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Whether bytes are what was sent, changed only by devices. `sent` is whole.
fn is_image(sent: &[u8], image: &[u8], sent_at: usize) -> bool {
    let headers = 12..datagram::HEADER_BYTES;
    if sent[headers.clone()] != image[headers] {
        return false;
    }
    datagram::places(sent).all(|place| {
        let (header, other) = (&sent[place.start..], &image[place.start..]);
        let same_command = other[0] == header[0] || sent_at == 1 && other[0] == Command::Nop as u8;
        // Bit 14 of the length says that the frame has circulated.
        same_command && other[1] == header[1] && other[6] == header[6] && other[7] & 0x87 == header[7] & 0x87
    })
}

/// Two ports and a ring between them.
pub struct Ring {
    ports: [Box<dyn Wire>; 2],
    flights: Box<[Flight; FLIGHTS]>,
    /// The next of them to be used.
    next: usize,
    /// Exchanges in a row in which a port owed an image.
    silence: [u32; 2],
    buffer: Box<Bytes>,
    state: RingState,
    /// What the last looks say it is, and how many of them.
    looks: (RingState, u32),
    /// How many devices there are when it is whole.
    devices: u16,
}

impl Ring {
    /// Between two ports: the first device is at `first`, the last at `second`.
    pub fn between(first: Box<dyn Wire>, second: Box<dyn Wire>) -> Ring {
        Ring {
            ports: [first, second],
            flights: Box::new([const { Flight::NONE }; FLIGHTS]),
            next: 0,
            silence: [0; 2],
            buffer: Box::new([0; ETHERCAT_FRAME_BYTES]),
            state: RingState::Unknown,
            looks: (RingState::Unknown, 0),
            devices: 0,
        }
    }

    fn is_silent(&self, port: usize) -> bool {
        self.silence[port] >= SILENT_EXCHANGES
    }

    /// The frame as it goes out at the second port.
    ///
    /// In a broken ring places count from the break there, and what is meant for one before it must meet nobody.
    fn for_second_port(&mut self, length: usize, flight: usize) {
        // What was last heard, believed or not: of the devices that are there now.
        let (_, behind) = match self.looks.0 {
            RingState::Broken { before, behind } => (before, behind),
            _ => (0, 0),
        };
        let first_behind = self.devices.saturating_sub(behind);
        let sent = &self.flights[flight].sent[..length];
        let copy = &mut self.buffer[..length];
        copy.copy_from_slice(sent);
        copy[SENT_AT_BYTE] = SENT_AT[1];
        for place in datagram::places(sent) {
            if !Command::is_by_position(sent[place.start]) {
                continue;
            }
            let position = 0_u16.wrapping_sub(word(sent, place.start + 2));
            match position.checked_sub(first_behind) {
                Some(position) if behind > 0 && self.devices > 0 => {
                    let address = 0_u16.wrapping_sub(position).to_le_bytes();
                    copy[place.start + 2..place.start + 4].copy_from_slice(&address);
                }
                _ => copy[place.start] = Command::Nop as u8,
            }
        }
    }

    /// Takes a frame that comes in at a port up to `deadline_ns`; false where none does.
    fn take_at(&mut self, port: usize, deadline_ns: u64) -> bool {
        let Some(length) = self.ports[port].receive(&mut self.buffer[..], deadline_ns) else { return false };
        let image = &self.buffer[..length];
        if datagram::is_ethercat(image) {
            self.silence[port] = 0;
            let index = image.get(datagram::HEADER_BYTES + 1).copied();
            let meant = |flight: &&mut Flight| flight.is_under_way() && Some(flight.index) == index;
            // Where there is none, its frame has been given back without it.
            if let Some(flight) = self.flights.iter_mut().find(meant) {
                flight.add(image, port);
            }
        }
        true
    }

    /// A frame that need not be waited for any longer.
    fn complete(&self) -> Option<usize> {
        let silent = [self.is_silent(0), self.is_silent(1)];
        self.flights.iter().position(|flight| {
            let waits = (0..2).any(|port| flight.waits_for(port, silent[port]));
            flight.is_under_way() && flight.given != [false; 2] && !waits
        })
    }

    fn give_back(&mut self, flight: usize, buffer: &mut [u8]) -> Option<usize> {
        let flight = &mut self.flights[flight];
        let length = std::mem::take(&mut flight.length);
        let seen = flight.ring();
        buffer.get_mut(..length)?.copy_from_slice(&flight.merged[..length]);
        if let Some(Image { turned: false, devices: Some(devices) }) = flight.images[0] {
            self.devices = devices;
        }
        if let Some(seen) = seen {
            self.looks = if seen == self.looks.0 { (seen, self.looks.1.saturating_add(1)) } else { (seen, 1) };
            if self.looks.1 >= AGREEING_LOOKS {
                self.state = seen;
            }
        }
        Some(length)
    }

    /// The port to wait at.
    fn awaited(&self) -> usize {
        let waits = |port: usize| self.flights.iter().any(|flight| flight.waits_for(port, self.is_silent(port)));
        (0..2).find(|port| waits(*port)).unwrap_or(0)
    }
}

impl Wire for Ring {
    fn send(&mut self, frame: &[u8], now_ns: u64) -> bool {
        let Some(index) = frame.get(datagram::HEADER_BYTES + 1).copied() else { return false };
        // One that is sent again takes the place of the one before.
        let again = self.flights.iter().position(|flight| flight.is_under_way() && flight.index == index);
        let place = again.unwrap_or(self.next);
        if again.is_none() {
            self.next = (self.next + 1) % FLIGHTS;
        }
        let flight = &mut self.flights[place];
        let (Some(sent), Some(merged)) = (flight.sent.get_mut(..frame.len()), flight.merged.get_mut(..frame.len()))
        else {
            return false;
        };
        sent.copy_from_slice(frame);
        merged.copy_from_slice(frame);
        (flight.index, flight.length, flight.overdue) = (index, frame.len(), false);
        (flight.images, flight.given) = ([None; 2], [false; 2]);
        flight.sent[SENT_AT_BYTE] = SENT_AT[0];
        self.for_second_port(frame.len(), place);
        let second = self.ports[1].send(&self.buffer[..frame.len()], now_ns);
        let first = self.ports[0].send(&self.flights[place].sent[..frame.len()], now_ns);
        first || second
    }

    fn receive(&mut self, buffer: &mut [u8], deadline_ns: u64) -> Option<usize> {
        for port in 0..2 {
            if self.is_silent(port) {
                self.take_at(port, 0);
            }
        }
        // Each turn gives a frame back, or takes one, or ends.
        for _ in 0..MOST_TURNS {
            if let Some(flight) = self.complete() {
                return self.give_back(flight, buffer);
            }
            let port = self.awaited();
            if self.take_at(port, deadline_ns) || self.take_at(1 - port, 0) {
                continue;
            }
            for port in 0..2 {
                if self.flights.iter().any(|flight| flight.owes(port)) {
                    self.silence[port] = self.silence[port].saturating_add(1);
                }
            }
            self.flights.iter_mut().for_each(|flight| flight.overdue = true);
            let flight = self.complete()?;
            return self.give_back(flight, buffer);
        }
        None
    }

    fn now_ns(&self) -> u64 {
        self.ports[0].now_ns()
    }

    fn ring(&self) -> Option<RingState> {
        Some(self.state)
    }
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
