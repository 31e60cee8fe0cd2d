//! EtherCAT datagrams and the frames that carry them (ETG.1000.4), in buffers of a fixed size.
//!
//! ```text
//! Ethernet header 14 │ EtherCAT header 2 │ datagram: command, index, address 4, length, IRQ, data, working counter 2 │ …
//! ```
//!
//! A frame is laid out once and sent many times: a [`Slot`] says where the data of one of its datagrams stands, and an
//! answer is taken only where it is the same frame by structure, so that the same slots hold in it.

use std::ops::Range;

use crate::limits::ETHERCAT_FRAME_BYTES;

/// Ethernet's type for EtherCAT.
pub const ETHERTYPE: u16 = 0x88A4;
/// The source of our frames. A controller sets bit 1 of the first byte in what it passes on (ETG.1000.4), which tells an
/// answer from an echo.
const SOURCE: [u8; 6] = [0x10; 6];
const ETHERNET_BYTES: usize = 14;
/// Ethernet's header and EtherCAT's; the first datagram stands behind them.
pub const HEADER_BYTES: usize = ETHERNET_BYTES + 2;
const DATAGRAM_BYTES: usize = 10;
/// What a datagram takes besides its data.
pub const OVERHEAD_BYTES: usize = DATAGRAM_BYTES + 2;
/// Shorter frames are padded (IEEE 802.3, without check sequence).
const SHORTEST: usize = 60;
/// More datagrams follow this one.
const MORE: u16 = 0x8000;
/// Bits of a length.
const LENGTH: u16 = 0x07FF;

/// What a datagram does at each controller that it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Command {
    /// Nothing.
    Nop = 0,
    /// Read by position.
    Aprd = 1,
    /// Write by position.
    Apwr = 2,
    /// Read by station address.
    Fprd = 4,
    /// Write by station address.
    Fpwr = 5,
    /// Read from all, answers OR-ed.
    Brd = 7,
    /// Write to all.
    Bwr = 8,
    /// Logical read and write.
    Lrw = 12,
    /// Read at a station address, write at all others.
    Frmw = 14,
}

impl Command {
    /// Whether a datagram with this command is for a place on the wire: APRD, APWR, APRW, ARMW.
    pub fn is_by_position(command: u8) -> bool {
        matches!(command, 1 | 2 | 3 | 13)
    }
}

/// Whom a datagram addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The device at this place on the wire, from 0, and one of its registers.
    Position(u16, u16),
    /// The device with this station address, and one of its registers.
    Station(u16, u16),
    /// A register of each device.
    All(u16),
    /// A logical address.
    Logical(u32),
}

impl Target {
    fn bytes(self) -> [u8; 4] {
        let pair = |low: u16, high: u16| {
            let ([a, b], [c, d]) = (low.to_le_bytes(), high.to_le_bytes());
            [a, b, c, d]
        };
        match self {
            // Each device adds one, and the one that finds zero is meant.
            Target::Position(position, register) => pair(0_u16.wrapping_sub(position), register),
            Target::Station(address, register) => pair(address, register),
            Target::All(register) => pair(0, register),
            Target::Logical(address) => address.to_le_bytes(),
        }
    }
}

/// Where one datagram of a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Of its header.
    start: usize,
    /// Of its data.
    length: usize,
}

/// A frame with at least one datagram, or one that is being filled.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: [u8; ETHERCAT_FRAME_BYTES],
    /// Up to here it is filled.
    length: usize,
    /// The datagram that was added last.
    last: Option<usize>,
}

impl Default for Frame {
    fn default() -> Frame {
        Frame::new()
    }
}

impl Frame {
    /// A frame without datagrams.
    pub fn new() -> Frame {
        let mut bytes = [0; ETHERCAT_FRAME_BYTES];
        bytes[..6].fill(0xFF);
        bytes[6..12].copy_from_slice(&SOURCE);
        bytes[12..14].copy_from_slice(&ETHERTYPE.to_be_bytes());
        Frame { bytes, length: HEADER_BYTES, last: None }
    }

    /// Adds a datagram with so many bytes of data, all zero; `None` where there is no room for it.
    pub fn push(&mut self, command: Command, target: Target, length: usize) -> Option<Slot> {
        let start = self.length;
        let end = start.checked_add(OVERHEAD_BYTES)?.checked_add(length)?;
        if end > self.bytes.len() || length > usize::from(LENGTH) {
            return None;
        }
        if let Some(last) = self.last {
            self.bytes[last + 7] |= MORE.to_le_bytes()[1];
        }
        let header = &mut self.bytes[start..end];
        header.fill(0);
        header[0] = command as u8;
        header[2..6].copy_from_slice(&target.bytes());
        header[6..8].copy_from_slice(&(length as u16).to_le_bytes());
        (self.length, self.last) = (end, Some(start));
        let payload = (end - HEADER_BYTES) as u16;
        // Type 1: datagrams.
        self.bytes[ETHERNET_BYTES..HEADER_BYTES].copy_from_slice(&(payload | 0x1000).to_le_bytes());
        Some(Slot { start, length })
    }

    /// Takes every datagram from `mark` on away again, which [`Frame::mark`] gave before they were added.
    pub fn cut(&mut self, mark: Mark) {
        (self.length, self.last) = (mark.length, mark.last);
        if let Some(last) = self.last {
            self.bytes[last + 7] &= !MORE.to_le_bytes()[1];
        }
        let payload = (self.length - HEADER_BYTES) as u16;
        self.bytes[ETHERNET_BYTES..HEADER_BYTES].copy_from_slice(&(payload | 0x1000).to_le_bytes());
    }

    /// What has been added so far.
    pub fn mark(&self) -> Mark {
        Mark { length: self.length, last: self.last }
    }

    /// Room for the data of one more datagram, bytes.
    pub fn room(&self) -> usize {
        self.bytes.len().saturating_sub(self.length + OVERHEAD_BYTES)
    }

    /// Whether it has no datagram.
    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// The data of a datagram.
    pub fn data(&self, slot: Slot) -> &[u8] {
        &self.bytes[slot.start + DATAGRAM_BYTES..][..slot.length]
    }

    /// The data of a datagram, to be filled.
    pub fn data_mut(&mut self, slot: Slot) -> &mut [u8] {
        &mut self.bytes[slot.start + DATAGRAM_BYTES..][..slot.length]
    }

    /// Sends a datagram elsewhere from now on.
    pub fn retarget(&mut self, slot: Slot, target: Target) {
        self.bytes[slot.start + 2..slot.start + 6].copy_from_slice(&target.bytes());
    }

    /// Marks every datagram with the index by which its answer is known.
    pub fn set_index(&mut self, index: u8) {
        let mut at = HEADER_BYTES;
        // Bounded by the datagrams of a frame.
        while at < self.length {
            self.bytes[at + 1] = index;
            at += OVERHEAD_BYTES + usize::from(self.field(at + 6) & LENGTH);
        }
    }

    /// As it goes on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length.max(SHORTEST)]
    }

    fn field(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    /// Whether bytes that were received are an answer to this frame: the same datagrams with the same index, passed by at
    /// least one controller.
    pub fn is_answered_by(&self, answer: &[u8]) -> bool {
        let same = |range: std::ops::Range<usize>| answer.get(range.clone()) == Some(&self.bytes[range]);
        if answer.len() < self.length || !same(12..HEADER_BYTES) || !is_passed_on(answer) {
            return false;
        }
        let mut at = HEADER_BYTES;
        // Bounded by the datagrams of a frame.
        while at < self.length {
            // The address is changed on the way.
            if !same(at..at + 2) || !same(at + 6..at + 8) {
                return false;
            }
            at += OVERHEAD_BYTES + usize::from(self.field(at + 6) & LENGTH);
        }
        true
    }
}

/// How far a frame was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    length: usize,
    last: Option<usize>,
}

/// Where a datagram stands in a frame that nobody has laid out here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// First byte of its header: command, index, address.
    pub start: usize,
    length: usize,
}

impl Place {
    /// Its data.
    pub fn data(self) -> Range<usize> {
        self.start + DATAGRAM_BYTES..self.counter()
    }

    /// Its working counter.
    pub fn counter(self) -> usize {
        self.start + DATAGRAM_BYTES + self.length
    }
}

/// The datagrams of a frame, in order, as far as they are whole.
pub fn places(frame: &[u8]) -> impl Iterator<Item = Place> {
    let mut next = Some(HEADER_BYTES);
    std::iter::from_fn(move || {
        let start = next?;
        let length_word = u16::from_le_bytes(*frame.get(start + 6..)?.first_chunk()?);
        let length = usize::from(length_word & LENGTH);
        let end = start + OVERHEAD_BYTES + length;
        next = (length_word & MORE != 0).then_some(end);
        (end <= frame.len()).then_some(Place { start, length })
    })
}

/// Whether it carries EtherCAT.
pub fn is_ethercat(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&ETHERTYPE.to_be_bytes())
}

/// Whether a controller has passed this frame on; else it is an echo of what was sent.
pub fn is_passed_on(frame: &[u8]) -> bool {
    is_ethercat(frame) && frame[6] & 0x02 != SOURCE[0] & 0x02
}

/// The index of the first datagram in a frame that was received, if it is one of ours.
pub fn index_of(frame: &[u8]) -> Option<u8> {
    is_passed_on(frame).then(|| frame.get(HEADER_BYTES + 1).copied()).flatten()
}

/// An answer, to be read by the slots of the frame that it [answers](Frame::is_answered_by).
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a>(&'a [u8]);

impl<'a> Answer<'a> {
    /// Of bytes that `frame` is answered by.
    pub fn to(frame: &Frame, bytes: &'a [u8]) -> Option<Answer<'a>> {
        frame.is_answered_by(bytes).then_some(Answer(bytes))
    }

    /// The data of a datagram.
    pub fn data(&self, slot: Slot) -> &'a [u8] {
        &self.0[slot.start + DATAGRAM_BYTES..][..slot.length]
    }

    /// The working counter of a datagram.
    pub fn working_counter(&self, slot: Slot) -> u16 {
        let at = slot.start + DATAGRAM_BYTES + slot.length;
        u16::from_le_bytes([self.0[at], self.0[at + 1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_laid_out_byte_by_byte() {
        let mut frame = Frame::new();
        let read = frame.push(Command::Fprd, Target::Station(0x1001, 0x0130), 2).unwrap();
        let image = frame.push(Command::Lrw, Target::Logical(0x0001_0000), 4).unwrap();
        frame.data_mut(image).copy_from_slice(&[1, 2, 3, 4]);
        frame.set_index(7);
        let expected = [
            &[0xFF; 6][..],
            &[0x10; 6],
            &[0x88, 0xA4],
            &[30, 0x10],
            &[4, 7, 0x01, 0x10, 0x30, 0x01, 2, 0x80, 0, 0, 0, 0, 0, 0],
            &[12, 7, 0, 0, 1, 0, 4, 0, 0, 0, 1, 2, 3, 4, 0, 0],
        ]
        .concat();
        assert_eq!(frame.as_bytes()[..expected.len()], expected);
        assert_eq!(frame.as_bytes().len(), SHORTEST);
        assert_eq!(frame.data(read), [0, 0]);
    }

    #[test]
    fn positions_count_up_to_zero() {
        assert_eq!(Target::Position(0, 0x10).bytes(), [0, 0, 0x10, 0]);
        assert_eq!(Target::Position(3, 0x10).bytes(), [0xFD, 0xFF, 0x10, 0]);
    }

    #[test]
    fn only_what_passed_a_controller_with_the_same_structure_and_index_is_an_answer() {
        let mut frame = Frame::new();
        let slot = frame.push(Command::Brd, Target::All(0), 1).unwrap();
        frame.set_index(9);
        let mut answer = frame.as_bytes().to_vec();
        assert!(!frame.is_answered_by(&answer), "an echo");
        answer[6] |= 0x02;
        answer[HEADER_BYTES + 2] = 3;
        answer[HEADER_BYTES + 10] = 0x11;
        answer[HEADER_BYTES + 11] = 3;
        assert_eq!(index_of(&answer), Some(9));
        let answered = Answer::to(&frame, &answer).unwrap();
        assert_eq!((answered.data(slot), answered.working_counter(slot)), (&[0x11][..], 3));
        for (at, what) in [(12, "type"), (14, "length"), (16, "command"), (17, "index"), (22, "length of the datagram")]
        {
            let mut wrong = answer.clone();
            wrong[at] ^= 0x41;
            assert!(Answer::to(&frame, &wrong).is_none(), "another {what}");
        }
        assert!(Answer::to(&frame, &answer[..HEADER_BYTES + 12]).is_none(), "too short");
    }

    #[test]
    fn what_does_not_fit_is_not_added() {
        let mut frame = Frame::new();
        let mark = frame.mark();
        assert!(frame.push(Command::Lrw, Target::Logical(0), ETHERCAT_FRAME_BYTES).is_none());
        let all = frame.room();
        frame.push(Command::Lrw, Target::Logical(0), all).unwrap();
        assert_eq!(frame.as_bytes().len(), ETHERCAT_FRAME_BYTES);
        assert!(frame.push(Command::Brd, Target::All(0), 1).is_none());
        frame.cut(mark);
        assert!(frame.is_empty());
        assert_eq!(frame.room(), all);
    }

    #[test]
    fn what_is_cut_off_leaves_a_whole_frame() {
        let mut frame = Frame::new();
        frame.push(Command::Brd, Target::All(0x130), 2).unwrap();
        let (mark, whole) = (frame.mark(), frame.as_bytes().to_vec());
        frame.push(Command::Fprd, Target::Station(1, 0x130), 6).unwrap();
        frame.cut(mark);
        // What lies behind the datagrams is padding.
        assert_eq!(frame.as_bytes()[..HEADER_BYTES + 14], whole[..HEADER_BYTES + 14]);
    }
}
