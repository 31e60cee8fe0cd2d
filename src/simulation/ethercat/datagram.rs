//! The datagrams of a frame, one after the other (ETG.1000.4).

/// Ethernet header and EtherCAT header.
const HEADERS: usize = 16;
const DATAGRAM: usize = 10;

/// What a datagram does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// By place: the device at which the address is zero.
    Position,
    /// By station address.
    Station,
    /// All devices.
    Broadcast,
    /// By FMMU.
    Logical,
    /// By place: that device reads, all others write.
    PositionMultiple,
    /// By station address, likewise.
    StationMultiple,
}

/// A datagram's command: how it addresses, whether it reads, whether it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// How it addresses.
    pub addressing: Addressing,
    /// It reads.
    pub read: bool,
    /// It writes.
    pub write: bool,
}

impl Command {
    fn of(byte: u8) -> Option<Command> {
        let (addressing, read, write) = match byte {
            1 => (Addressing::Position, true, false),
            2 => (Addressing::Position, false, true),
            3 => (Addressing::Position, true, true),
            4 => (Addressing::Station, true, false),
            5 => (Addressing::Station, false, true),
            6 => (Addressing::Station, true, true),
            7 => (Addressing::Broadcast, true, false),
            8 => (Addressing::Broadcast, false, true),
            9 => (Addressing::Broadcast, true, true),
            10 => (Addressing::Logical, true, false),
            11 => (Addressing::Logical, false, true),
            12 => (Addressing::Logical, true, true),
            13 => (Addressing::PositionMultiple, true, true),
            14 => (Addressing::StationMultiple, true, true),
            _ => return None,
        };
        Some(Command { addressing, read, write })
    }
}

/// One datagram, as it passes a controller.
#[derive(Debug)]
pub struct Datagram<'a> {
    /// What it does; `None` does nothing.
    pub command: Option<Command>,
    address: &'a mut [u8],
    /// Its data.
    pub data: &'a mut [u8],
    counter: &'a mut [u8],
}

impl Datagram<'_> {
    /// The first half of its address: place or station.
    pub fn device(&self) -> u16 {
        u16::from_le_bytes([self.address[0], self.address[1]])
    }

    /// The second half of its address: register or memory.
    pub fn offset(&self) -> u16 {
        u16::from_le_bytes([self.address[2], self.address[3]])
    }

    /// Its logical address.
    pub fn logical(&self) -> u32 {
        u32::from(self.device()) | u32::from(self.offset()) << 16
    }

    /// Each device that it passes counts.
    pub fn count_device(&mut self) {
        let next = self.device().wrapping_add(1).to_le_bytes();
        self.address[..2].copy_from_slice(&next);
    }

    /// What a device did with it.
    pub fn count_work(&mut self, work: u16) {
        let next = u16::from_le_bytes([self.counter[0], self.counter[1]]).wrapping_add(work);
        self.counter.copy_from_slice(&next.to_le_bytes());
    }
}

/// Whether a frame is EtherCAT with datagrams.
pub fn is_ethercat(frame: &[u8]) -> bool {
    frame.len() > HEADERS + DATAGRAM && frame[12..14] == [0x88, 0xA4] && frame[15] & 0xF0 == 0x10
}

/// Hands each datagram of a frame to `each`, in order. A datagram that is longer than its frame ends it.
pub fn for_each(frame: &mut [u8], mut each: impl FnMut(Datagram<'_>)) {
    let Some(mut rest) = frame.get_mut(HEADERS..) else { return };
    loop {
        let Some((header, after)) = rest.split_first_chunk_mut::<DATAGRAM>() else { return };
        let length_word = u16::from_le_bytes([header[6], header[7]]);
        let length = usize::from(length_word & 0x07FF);
        let Some((data, after)) = after.split_at_mut_checked(length) else { return };
        let Some((counter, after)) = after.split_at_mut_checked(2) else { return };
        let command = Command::of(header[0]);
        each(Datagram { command, address: &mut header[2..6], data, counter });
        if length_word & 0x8000 == 0 {
            return;
        }
        rest = after;
    }
}
