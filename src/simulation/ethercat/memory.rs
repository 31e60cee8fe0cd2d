//! The 64 KiB address space of a controller as far as it has one: registers below 1000h, process memory above.

/// End of the memory.
const BYTES: usize = 0x2000;

/// Registers and process memory.
#[derive(Clone, Debug)]
pub struct Memory(Box<[u8; BYTES]>);

impl Memory {
    /// All zero.
    pub fn new() -> Memory {
        Memory(Box::new([0; BYTES]))
    }

    /// Bytes from an address on; `None` beyond the end.
    pub fn get(&self, address: u16, length: usize) -> Option<&[u8]> {
        self.0.get(usize::from(address)..usize::from(address) + length)
    }

    /// The same, to be written.
    pub fn get_mut(&mut self, address: u16, length: usize) -> Option<&mut [u8]> {
        self.0.get_mut(usize::from(address)..usize::from(address) + length)
    }

    /// A byte; 0 beyond the end.
    pub fn u8(&self, address: u16) -> u8 {
        self.get(address, 1).map_or(0, |bytes| bytes[0])
    }

    /// A little-endian word; 0 beyond the end.
    pub fn u16(&self, address: u16) -> u16 {
        u16::from_le_bytes([self.u8(address), self.u8(address.wrapping_add(1))])
    }

    /// A little-endian double word.
    pub fn u32(&self, address: u16) -> u32 {
        u32::from(self.u16(address)) | u32::from(self.u16(address.wrapping_add(2))) << 16
    }

    /// A little-endian quadruple word.
    pub fn u64(&self, address: u16) -> u64 {
        u64::from(self.u32(address)) | u64::from(self.u32(address.wrapping_add(4))) << 32
    }

    /// Writes bytes; beyond the end nothing.
    pub fn set(&mut self, address: u16, bytes: &[u8]) {
        if let Some(place) = self.get_mut(address, bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}
