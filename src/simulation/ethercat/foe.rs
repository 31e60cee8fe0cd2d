//! Files behind a mailbox (FoE, ETG.1000.6): what is written can be read again.
//!
//! A file whose name begins with `firmware` is taken in the bootstrap state only, and no other one there; one whose name begins
//! with `locked` needs [`PASSWORD`].

use std::collections::BTreeMap;

/// What opens a locked file.
pub const PASSWORD: u32 = 0x4711;
/// Largest file, bytes.
const MAX_BYTES: usize = 1 << 20;
/// Opcode, a reserved byte, and a number.
const HEAD: usize = 6;
/// A device that writes to its flash memory has no time now and then: before every so many packets, once.
const BUSY_EVERY: u32 = 16;

const READ: u8 = 1;
const WRITE: u8 = 2;
const DATA: u8 = 3;
const ACKNOWLEDGE: u8 = 4;
const ERROR: u8 = 5;
const BUSY: u8 = 6;

const NOT_FOUND: u32 = 0x8001;
const FULL: u32 = 0x8003;
const ILLEGAL: u32 = 0x8004;
const PACKET: u32 = 0x8005;
const BOOT_ONLY: u32 = 0x8008;
const NOT_IN_BOOT: u32 = 0x8009;
const WRONG_PASSWORD: u32 = 0x800A;

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Idle,
    /// Packet `number` of the file is under way, the last one if it is short.
    Reading { content: Vec<u8>, number: u32 },
    /// Packet `number` is awaited.
    Writing { name: String, content: Vec<u8>, number: u32, said_busy: bool },
}

/// The files of one device.
#[derive(Clone, Debug, Default)]
pub struct Foe {
    files: BTreeMap<String, Vec<u8>>,
    state: State,
}

impl Foe {
    /// The answer to a message, if there is one; a message holds at most `most` bytes.
    pub fn answer(&mut self, message: &[u8], boot: bool, most: usize) -> Option<Vec<u8>> {
        let full = most.saturating_sub(HEAD);
        let Some(([opcode, _, a, b, c, d], rest)) = message.split_first_chunk::<HEAD>() else {
            return Some(error(ILLEGAL, "too short"));
        };
        let number = u32::from_le_bytes([*a, *b, *c, *d]);
        match (*opcode, std::mem::take(&mut self.state)) {
            (READ | WRITE, _) => {
                let name = String::from_utf8_lossy(rest).trim_end_matches('\0').to_string();
                Some(self.open(*opcode, name, number, boot, full))
            }
            (ACKNOWLEDGE, State::Reading { content, number: sent }) if sent == number => {
                let last = content.len() < full.saturating_mul(number as usize);
                (!last).then(|| self.send(content, number + 1, full))
            }
            (DATA, State::Writing { name, mut content, number: awaited, said_busy }) if awaited == number => {
                if number.is_multiple_of(BUSY_EVERY) && !said_busy {
                    self.state = State::Writing { name, content, number, said_busy: true };
                    return Some(packet(BUSY, 50 | 100 << 16, b"erasing"));
                }
                content.extend_from_slice(rest);
                if content.len() > MAX_BYTES {
                    return Some(error(FULL, "flash full"));
                }
                if rest.len() < full {
                    self.files.insert(name, content);
                } else {
                    self.state = State::Writing { name, content, number: number + 1, said_busy: false };
                }
                Some(packet(ACKNOWLEDGE, number, &[]))
            }
            (DATA | ACKNOWLEDGE, State::Reading { .. } | State::Writing { .. }) => Some(error(PACKET, "")),
            // The master gives up.
            (ERROR, _) => None,
            _ => Some(error(ILLEGAL, "")),
        }
    }

    fn open(&mut self, opcode: u8, name: String, password: u32, boot: bool, full: usize) -> Vec<u8> {
        if name.starts_with("firmware") != boot {
            return if boot { error(NOT_IN_BOOT, "") } else { error(BOOT_ONLY, "go to BOOT first") };
        }
        if name.starts_with("locked") && password != PASSWORD {
            return error(WRONG_PASSWORD, "");
        }
        if opcode == WRITE {
            self.state = State::Writing { name, content: Vec::new(), number: 1, said_busy: false };
            return packet(ACKNOWLEDGE, 0, &[]);
        }
        match self.files.get(&name).cloned() {
            Some(content) => self.send(content, 1, full),
            None => error(NOT_FOUND, &name),
        }
    }

    fn send(&mut self, content: Vec<u8>, number: u32, full: usize) -> Vec<u8> {
        let start = full.saturating_mul(number as usize - 1).min(content.len());
        let end = content.len().min(start + full);
        let message = packet(DATA, number, &content[start..end]);
        self.state = State::Reading { content, number };
        message
    }
}

fn packet(opcode: u8, number: u32, rest: &[u8]) -> Vec<u8> {
    [&[opcode, 0][..], &number.to_le_bytes(), rest].concat()
}

fn error(code: u32, text: &str) -> Vec<u8> {
    packet(ERROR, code, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a message.
    const MOST: usize = 16;

    fn write(foe: &mut Foe, name: &str, content: &[u8], boot: bool) -> Vec<u8> {
        let mut answer = foe.answer(&packet(WRITE, 0, name.as_bytes()), boot, MOST).unwrap();
        let full = MOST - HEAD;
        let mut number = 1;
        while answer[0] == ACKNOWLEDGE && number as usize <= content.len() / full + 1 {
            let start = full * (number as usize - 1);
            let piece = &content[start..content.len().min(start + full)];
            let data = packet(DATA, number, piece);
            answer = foe.answer(&data, boot, MOST).unwrap();
            if answer[0] == BUSY {
                answer = foe.answer(&data, boot, MOST).unwrap();
            }
            number += 1;
        }
        answer
    }

    fn read(foe: &mut Foe, name: &str) -> Vec<u8> {
        let mut content = Vec::new();
        let mut answer = foe.answer(&packet(READ, 0, name.as_bytes()), false, MOST);
        let mut number = 1;
        while let Some(data) = answer {
            assert_eq!((data[0], data[2]), (DATA, number as u8));
            content.extend_from_slice(&data[HEAD..]);
            answer = foe.answer(&packet(ACKNOWLEDGE, number, &[]), false, MOST);
            number += 1;
        }
        content
    }

    #[test]
    fn what_is_written_is_read_again_whatever_its_length() {
        let mut foe = Foe::default();
        for length in [0, 1, 9, 10, 11, 20, 200, 1234] {
            let content: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
            assert_eq!(write(&mut foe, "notes", &content, false)[0], ACKNOWLEDGE);
            assert_eq!(read(&mut foe, "notes"), content, "{length} bytes");
        }
    }

    #[test]
    fn what_is_not_allowed_is_refused_with_its_code() {
        let mut foe = Foe::default();
        let code = |answer: Vec<u8>| u32::from_le_bytes([answer[2], answer[3], answer[4], answer[5]]);
        assert_eq!(code(write(&mut foe, "firmware.bin", &[1], false)), BOOT_ONLY);
        assert_eq!(code(write(&mut foe, "notes", &[1], true)), NOT_IN_BOOT);
        assert_eq!(code(write(&mut foe, "locked", &[1], false)), WRONG_PASSWORD);
        assert_eq!(code(foe.answer(&packet(READ, 0, b"nothing"), false, MOST).unwrap()), NOT_FOUND);
        foe.answer(&packet(WRITE, 0, b"notes"), false, MOST);
        assert_eq!(code(foe.answer(&packet(DATA, 2, &[1]), false, MOST).unwrap()), PACKET);
        assert_eq!(code(foe.answer(&packet(DATA, 1, &[1]), false, MOST).unwrap()), ILLEGAL);
    }
}
