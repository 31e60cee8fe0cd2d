//! The node's end of an SDO: expedited, in segments, in blocks with a checksum (CiA 301, 7.2.4).

/// Reads and writes of the node's objects.
pub trait Objects {
    /// The value of an object, or an abort code.
    fn read(&mut self, index: u16, subindex: u8) -> Result<Vec<u8>, u32>;
    /// Takes a value, or gives an abort code.
    fn write(&mut self, index: u16, subindex: u8, value: &[u8]) -> Result<(), u32>;
}

const TOGGLE: u32 = 0x0503_0000;
const COMMAND: u32 = 0x0504_0001;
const BLOCK_SIZE: u32 = 0x0504_0002;
const CHECKSUM: u32 = 0x0504_0004;
const MEMORY: u32 = 0x0504_0005;
const TOO_LONG: u32 = 0x0607_0012;
const TOO_SHORT: u32 = 0x0607_0013;
/// Longest value.
const LONGEST: usize = 4096;
/// Segments of a block that the node takes.
const BLOCK: u8 = 20;

#[derive(Clone, Debug, Default)]
enum Under {
    #[default]
    Nothing,
    Upload {
        value: Vec<u8>,
        done: usize,
        toggle: u8,
    },
    Download {
        target: (u16, u8),
        value: Vec<u8>,
        announced: usize,
        toggle: u8,
    },
    BlockUpload {
        value: Vec<u8>,
        done: usize,
        block: u8,
    },
    BlockUploadEnd,
    BlockDownload {
        target: (u16, u8),
        value: Vec<u8>,
        announced: usize,
        sequence: u8,
        last: bool,
    },
}

/// One server. A node that knows no blocks aborts them.
#[derive(Clone, Debug)]
pub struct SdoServer {
    under: Under,
    about: (u16, u8),
    /// It knows block transfers.
    pub blocks: bool,
}

impl SdoServer {
    /// A server at rest.
    pub fn new(blocks: bool) -> SdoServer {
        SdoServer { under: Under::Nothing, about: (0, 0), blocks }
    }

    /// The answers to one frame.
    pub fn answer(&mut self, request: [u8; 8], objects: &mut dyn Objects) -> Vec<[u8; 8]> {
        match self.try_answer(request, objects) {
            Ok(answers) => answers,
            Err(code) => {
                self.under = Under::Nothing;
                let ([low, high], [a, b, c, d]) = (self.about.0.to_le_bytes(), code.to_le_bytes());
                vec![[0x80, low, high, self.about.1, a, b, c, d]]
            }
        }
    }

    fn try_answer(&mut self, request: [u8; 8], objects: &mut dyn Objects) -> Result<Vec<[u8; 8]>, u32> {
        let [command, low, high, subindex, ..] = request;
        let number = u32::from_le_bytes([request[4], request[5], request[6], request[7]]) as usize;
        if let Under::BlockDownload { last: false, .. } = self.under {
            // The first byte is a number, unless it is an abort.
            if command != 0x80 {
                return self.block_segment(request);
            }
        }
        if matches!(command >> 5, 1 | 2) || matches!(command & 0xE3, 0xC0 | 0xC2) || matches!(command & 0xE3, 0xA0) {
            self.about = (u16::from_le_bytes([low, high]), subindex);
        }
        let (index, subindex) = self.about;
        let [low, high] = index.to_le_bytes();
        match command >> 5 {
            0 => self.download_segment(request, objects),
            1 if command & 2 != 0 => {
                let unused = if command & 1 != 0 { usize::from(command >> 2 & 3) } else { 0 };
                objects.write(index, subindex, &request[4..8 - unused])?;
                Ok(vec![[0x60, low, high, subindex, 0, 0, 0, 0]])
            }
            1 => {
                let announced = if command & 1 != 0 { number } else { LONGEST };
                if announced > LONGEST {
                    return Err(MEMORY);
                }
                self.under = Under::Download { target: self.about, value: Vec::new(), announced, toggle: 0 };
                Ok(vec![[0x60, low, high, subindex, 0, 0, 0, 0]])
            }
            2 => {
                let value = objects.read(index, subindex)?;
                Ok(vec![self.begin_upload(value)])
            }
            3 => self.upload_segment(command),
            4 => {
                self.under = Under::Nothing;
                Ok(Vec::new())
            }
            5 if self.blocks => self.block_upload(request, objects),
            6 if self.blocks => self.block_download(request, objects),
            _ => Err(COMMAND),
        }
    }

    fn begin_upload(&mut self, value: Vec<u8>) -> [u8; 8] {
        let ([low, high], subindex) = (self.about.0.to_le_bytes(), self.about.1);
        if (1..=4).contains(&value.len()) {
            let mut answer = [0x43 | ((4 - value.len()) as u8) << 2, low, high, subindex, 0, 0, 0, 0];
            answer[4..4 + value.len()].copy_from_slice(&value);
            return answer;
        }
        let [a, b, c, d] = (value.len() as u32).to_le_bytes();
        self.under = Under::Upload { value, done: 0, toggle: 0 };
        [0x41, low, high, subindex, a, b, c, d]
    }

    fn upload_segment(&mut self, command: u8) -> Result<Vec<[u8; 8]>, u32> {
        let Under::Upload { value, done, toggle } = &mut self.under else { return Err(COMMAND) };
        if command >> 4 & 1 != *toggle {
            return Err(TOGGLE);
        }
        let part = &value[*done..(*done + 7).min(value.len())];
        let mut answer = [0; 8];
        answer[1..1 + part.len()].copy_from_slice(part);
        *done += part.len();
        let last = *done == value.len();
        answer[0] = *toggle << 4 | ((7 - part.len()) as u8) << 1 | u8::from(last);
        *toggle ^= 1;
        if last {
            self.under = Under::Nothing;
        }
        Ok(vec![answer])
    }

    fn download_segment(&mut self, request: [u8; 8], objects: &mut dyn Objects) -> Result<Vec<[u8; 8]>, u32> {
        let Under::Download { target, value, announced, toggle } = &mut self.under else { return Err(COMMAND) };
        if request[0] >> 4 & 1 != *toggle {
            return Err(TOGGLE);
        }
        let unused = usize::from(request[0] >> 1 & 7);
        value.extend_from_slice(&request[1..8 - unused]);
        if value.len() > *announced {
            return Err(TOO_LONG);
        }
        let answer = [0x20 | *toggle << 4, 0, 0, 0, 0, 0, 0, 0];
        *toggle ^= 1;
        if request[0] & 1 != 0 {
            if *announced != LONGEST && value.len() < *announced {
                return Err(TOO_SHORT);
            }
            let (target, value) = (*target, std::mem::take(value));
            self.under = Under::Nothing;
            objects.write(target.0, target.1, &value)?;
        }
        Ok(vec![answer])
    }

    fn block_upload(&mut self, request: [u8; 8], objects: &mut dyn Objects) -> Result<Vec<[u8; 8]>, u32> {
        match (request[0] & 3, &mut self.under) {
            (0, _) => {
                let (index, subindex) = self.about;
                let value = objects.read(index, subindex)?;
                let (block, switch) = (request[4], usize::from(request[5]));
                if block == 0 || block > 127 {
                    return Err(BLOCK_SIZE);
                }
                if switch > 0 && value.len() <= switch {
                    return Ok(vec![self.begin_upload(value)]);
                }
                let ([low, high], [a, b, c, d]) = (index.to_le_bytes(), (value.len() as u32).to_le_bytes());
                self.under = Under::BlockUpload { value, done: 0, block };
                Ok(vec![[0xC6, low, high, subindex, a, b, c, d]])
            }
            (3, Under::BlockUpload { value, done, block }) => Ok(block_of(value, *done, *block)),
            (2, Under::BlockUpload { value, done, block }) => {
                let taken = request[1];
                if taken > *block || request[2] == 0 || request[2] > 127 {
                    return Err(BLOCK_SIZE);
                }
                *done = (*done + 7 * usize::from(taken)).min(value.len());
                *block = request[2];
                if *done < value.len() {
                    return Ok(block_of(value, *done, *block));
                }
                let [low, high] = crc16(value).to_le_bytes();
                let unused = ((7 - value.len() % 7) % 7) as u8;
                self.under = Under::BlockUploadEnd;
                Ok(vec![[0xC1 | unused << 2, low, high, 0, 0, 0, 0, 0]])
            }
            (1, Under::BlockUploadEnd) => {
                self.under = Under::Nothing;
                Ok(Vec::new())
            }
            _ => Err(COMMAND),
        }
    }

    fn block_download(&mut self, request: [u8; 8], objects: &mut dyn Objects) -> Result<Vec<[u8; 8]>, u32> {
        let (index, subindex) = self.about;
        match (request[0] & 1, &mut self.under) {
            (0, _) => {
                let size = u32::from_le_bytes([request[4], request[5], request[6], request[7]]) as usize;
                let announced = if request[0] & 2 != 0 { size } else { LONGEST };
                if announced > LONGEST {
                    return Err(MEMORY);
                }
                let target = (index, subindex);
                self.under = Under::BlockDownload { target, value: Vec::new(), announced, sequence: 0, last: false };
                let [low, high] = index.to_le_bytes();
                Ok(vec![[0xA4, low, high, subindex, BLOCK, 0, 0, 0]])
            }
            (_, Under::BlockDownload { target, value, announced, last: true, .. }) => {
                let unused = usize::from(request[0] >> 2 & 7);
                value.truncate(value.len().saturating_sub(unused));
                if crc16(value) != u16::from_le_bytes([request[1], request[2]]) {
                    return Err(CHECKSUM);
                }
                if *announced != LONGEST && value.len() != *announced {
                    return Err(TOO_SHORT);
                }
                let (target, value) = (*target, std::mem::take(value));
                self.under = Under::Nothing;
                objects.write(target.0, target.1, &value)?;
                Ok(vec![[0xA1, 0, 0, 0, 0, 0, 0, 0]])
            }
            _ => Err(COMMAND),
        }
    }

    fn block_segment(&mut self, request: [u8; 8]) -> Result<Vec<[u8; 8]>, u32> {
        let Under::BlockDownload { value, sequence, last, .. } = &mut self.under else { return Err(COMMAND) };
        let (number, ends) = (request[0] & 0x7F, request[0] & 0x80 != 0);
        let in_turn = number == *sequence + 1;
        if in_turn {
            *sequence = number;
            value.extend_from_slice(&request[1..]);
            if value.len() > LONGEST + 7 {
                return Err(TOO_LONG);
            }
        }
        if !ends && number < BLOCK {
            return Ok(Vec::new());
        }
        let taken = std::mem::take(sequence);
        *last = ends && in_turn;
        Ok(vec![[0xA2, taken, BLOCK, 0, 0, 0, 0, 0]])
    }
}

fn block_of(value: &[u8], done: usize, block: u8) -> Vec<[u8; 8]> {
    let rest = &value[done..];
    let parts: Vec<&[u8]> = rest.chunks(7).take(usize::from(block)).collect();
    let ends = parts.iter().map(|part| part.len()).sum::<usize>() == rest.len();
    let count = parts.len();
    let segment = |(place, part): (usize, &[u8])| {
        let last = if ends && place + 1 == count { 0x80 } else { 0 };
        let mut frame = [last | (place as u8 + 1), 0, 0, 0, 0, 0, 0, 0];
        frame[1..1 + part.len()].copy_from_slice(part);
        frame
    };
    parts.into_iter().enumerate().map(segment).collect()
}

/// CRC-16 with polynomial 1021h, from 0 (CiA 301, 7.2.4.3.16).
fn crc16(value: &[u8]) -> u16 {
    value.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte) << 8, |sum, _| if sum & 0x8000 != 0 { sum << 1 ^ 0x1021 } else { sum << 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // CiA 301, 7.2.4.3.16: the check value of "123456789".
        assert_eq!(crc16(b"123456789"), 0x31C3);
    }
}
