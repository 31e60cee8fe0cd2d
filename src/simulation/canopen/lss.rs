//! The device's side of the layer setting services (CiA 305).

/// What a device does after a frame of the master's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Nothing.
    Nothing,
    /// It answers.
    Answer([u8; 8]),
    /// It takes a node id, and begins with it.
    Begin(u8),
}

/// One device.
#[derive(Clone, Copy, Debug)]
pub struct LssDevice {
    /// Vendor, product, revision and serial number.
    address: [u32; 4],
    configures: bool,
    selected: usize,
    scanned: u8,
    given: Option<u8>,
    /// The place in the standard's table of bit rates that it was given.
    pub bit_rate: Option<u8>,
}

impl LssDevice {
    /// A device at power-on.
    pub fn new(address: [u32; 4]) -> LssDevice {
        LssDevice { address, configures: false, selected: 0, scanned: 0, given: None, bit_rate: None }
    }

    /// Takes a frame of the master's; `node` is `None` where it has no node id.
    pub fn take(&mut self, bytes: &[u8; 8], node: Option<u8>) -> Reaction {
        let number = u32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
        let answer = |command: u8, code: u8| Reaction::Answer([command, code, 0, 0, 0, 0, 0, 0]);
        match bytes[0] {
            0x04 => {
                let was = std::mem::replace(&mut self.configures, bytes[1] == 1);
                match self.given.take() {
                    Some(given) if was && !self.configures => Reaction::Begin(given),
                    given => {
                        self.given = given;
                        Reaction::Nothing
                    }
                }
            }
            command @ 0x40..=0x43 => {
                let part = usize::from(command - 0x40);
                let fits = self.address[part] == number && (part == 0 || self.selected == part);
                self.selected = if fits { part + 1 } else { 0 };
                if self.selected < 4 {
                    return Reaction::Nothing;
                }
                (self.selected, self.configures) = (0, true);
                answer(0x44, 0)
            }
            0x51 if node.is_none() && !self.configures => self.scan(number, bytes[5], bytes[6], bytes[7]),
            0x11 if self.configures => {
                let possible = (1..=127).contains(&bytes[1]) || bytes[1] == 255;
                self.given = possible.then_some(bytes[1]).or(self.given);
                answer(0x11, u8::from(!possible))
            }
            0x13 if self.configures => {
                let possible = bytes[1] == 0 && bytes[2] <= 8 && bytes[2] != 5;
                self.bit_rate = possible.then_some(bytes[2]).or(self.bit_rate);
                answer(0x13, u8::from(!possible))
            }
            0x17 if self.configures => answer(0x17, 0),
            0x5E if self.configures => answer(0x5E, node.unwrap_or(255)),
            _ => Reaction::Nothing,
        }
    }

    fn scan(&mut self, number: u32, bit: u8, part: u8, next: u8) -> Reaction {
        let found = Reaction::Answer([0x4F, 0, 0, 0, 0, 0, 0, 0]);
        if bit == 0x80 {
            self.scanned = 0;
            return found;
        }
        if part != self.scanned || part > 3 || bit > 31 {
            return Reaction::Nothing;
        }
        let mine = self.address[usize::from(part)];
        if (mine ^ number) >> bit != 0 {
            return Reaction::Nothing;
        }
        if bit == 0 && (next != part || part == 3) && mine == number {
            self.scanned = next;
            // All four are known: it is the one that is configured.
            self.configures = part == 3 && next == 0;
        }
        found
    }
}
