//! The mailboxes of a controller: sync manager 0 takes what the master writes, sync manager 1 holds what it reads
//! (ETG.1000.4, ETG.1000.6).

use std::collections::VecDeque;

use super::al_state::AlState;
use super::coe::Coe;
use super::foe::Foe;
use super::memory::Memory;
use crate::simulation::SimulatedDevice;

const RECEIVE: u16 = 0x0800;
const SEND: u16 = 0x0808;
const STATUS: u16 = 5;
const ACTIVATE: u16 = 6;
const PDI_CONTROL: u16 = 7;
/// Status: the mailbox is full.
const FULL: u8 = 0x08;
/// Activate and PDI control: repeat request and its acknowledgement.
const REPEAT: u8 = 0x02;
/// Header of a mailbox.
const HEADER: usize = 6;
const COE: u8 = 3;
const FOE: u8 = 4;
/// Mailboxes that wait to be fetched, at most; more are an emergency too many.
const WAITING: usize = 32;

/// What the device does to those who ask it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manners {
    /// It answers.
    #[default]
    Good,
    /// It does not answer.
    Silent,
    /// It answers with bytes that mean nothing.
    Garbage,
}

/// The state behind both mailboxes.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    coe: Coe,
    foe: Foe,
    waiting: VecDeque<Vec<u8>>,
    /// What was fetched last, should it get lost.
    fetched: Option<Vec<u8>>,
    last_counter: u8,
    own_counter: u8,
    /// What the device does to those who ask it.
    pub manners: Manners,
}

impl Mailbox {
    /// The master reads from an address: `None` where that is no mailbox, else whether it got one.
    pub fn read(&mut self, memory: &mut Memory, offset: u16, into: &mut [u8]) -> Option<bool> {
        let (start, length) = area(memory, SEND)?;
        if !touches(start, length, offset, into.len()) {
            return None;
        }
        if memory.u8(SEND + STATUS) & FULL == 0 || offset < start {
            return Some(false);
        }
        into.copy_from_slice(memory.get(offset, into.len())?);
        if usize::from(offset) + into.len() >= usize::from(start) + usize::from(length) {
            self.fetched = memory.get(start, usize::from(length)).map(<[u8]>::to_vec);
            memory.set(SEND + STATUS, &[memory.u8(SEND + STATUS) & !FULL]);
            self.load(memory);
        }
        Some(true)
    }

    /// The master writes to an address: `None` where that is no mailbox, else whether it was taken.
    pub fn write(
        &mut self,
        memory: &mut Memory,
        device: &mut SimulatedDevice,
        al: AlState,
        offset: u16,
        data: &[u8],
    ) -> Option<bool> {
        let (start, length) = area(memory, RECEIVE)?;
        if !touches(start, length, offset, data.len()) {
            return None;
        }
        if offset < start || al == AlState::Init {
            return Some(false);
        }
        memory.get_mut(offset, data.len())?.copy_from_slice(data);
        if usize::from(offset) + data.len() >= usize::from(start) + usize::from(length) {
            let request = memory.get(start, usize::from(length))?.to_vec();
            self.take(&request, device, al);
            self.load(memory);
        }
        Some(true)
    }

    /// The master wrote to the activation of sync manager 1: it may ask for what was fetched last.
    pub fn activation_written(&mut self, memory: &mut Memory) {
        let (asked, done) = (memory.u8(SEND + ACTIVATE) & REPEAT, memory.u8(SEND + PDI_CONTROL) & REPEAT);
        if asked == done {
            return;
        }
        if let Some(fetched) = self.fetched.take()
            && let Some((start, _)) = area(memory, SEND)
        {
            if memory.u8(SEND + STATUS) & FULL != 0
                && let Some(next) = memory.get(start, fetched.len())
            {
                self.waiting.push_front(next.to_vec());
            }
            memory.set(start, &fetched);
            memory.set(SEND + STATUS, &[memory.u8(SEND + STATUS) | FULL]);
        }
        memory.set(SEND + PDI_CONTROL, &[memory.u8(SEND + PDI_CONTROL) & !REPEAT | asked]);
    }

    /// The device sends an emergency by itself.
    pub fn emergency(&mut self, memory: &mut Memory, code: u16, register: u8) {
        let [low, high] = code.to_le_bytes();
        self.post(&[0, 0x10, low, high, register, 0, 0, 0, 0, 0]);
        self.load(memory);
    }

    /// It is switched off, and on again later: files stay.
    pub fn reset(&mut self) {
        *self = Mailbox { foe: std::mem::take(&mut self.foe), ..Mailbox::default() };
    }

    fn take(&mut self, request: &[u8], device: &mut SimulatedDevice, al: AlState) {
        let Some((header, content)) = request.split_first_chunk::<HEADER>() else { return };
        let length = usize::from(u16::from_le_bytes([header[0], header[1]]));
        let (kind, counter) = (header[5] & 0x0F, header[5] >> 4);
        // The same counter again: the master has not seen the answer, and asks for it by a repeat request.
        if counter != 0 && std::mem::replace(&mut self.last_counter, counter) == counter {
            return;
        }
        match self.manners {
            Manners::Good => {}
            Manners::Silent => return,
            Manners::Garbage => return self.post(&[0xA5; 24]),
        }
        let most = request.len() - HEADER;
        match content.get(..length) {
            Some(content) if kind == FOE => {
                let answer = self.foe.answer(content, al == AlState::Bootstrap, most);
                answer.into_iter().for_each(|answer| self.post_as(FOE, &answer));
            }
            Some(content) if kind == COE && al != AlState::Bootstrap => {
                for answer in self.coe.answer(content, device, most) {
                    self.post(&answer);
                }
            }
            // Mailbox error: unsupported protocol, or invalid size.
            Some(_) => self.post_as(0, &[1, 0, 2, 0]),
            None => self.post_as(0, &[1, 0, 8, 0]),
        }
    }

    fn post(&mut self, content: &[u8]) {
        self.post_as(COE, content);
    }

    fn post_as(&mut self, kind: u8, content: &[u8]) {
        if self.waiting.len() >= WAITING {
            return;
        }
        self.own_counter = self.own_counter % 7 + 1;
        let [low, high] = (content.len() as u16).to_le_bytes();
        let mut mail = vec![low, high, 0, 0, 0, kind | self.own_counter << 4];
        mail.extend_from_slice(content);
        self.waiting.push_back(mail);
    }

    /// Puts the next one where the master can fetch it.
    fn load(&mut self, memory: &mut Memory) {
        let Some((start, length)) = area(memory, SEND) else { return };
        if memory.u8(SEND + STATUS) & FULL != 0 {
            return;
        }
        if let Some(mut mail) = self.waiting.pop_front() {
            mail.resize(usize::from(length), 0);
            memory.set(start, &mail);
            memory.set(SEND + STATUS, &[memory.u8(SEND + STATUS) | FULL]);
        }
    }
}

/// Start and length of the memory of a sync manager that is on.
fn area(memory: &Memory, manager: u16) -> Option<(u16, u16)> {
    let (start, length) = (memory.u16(manager), memory.u16(manager + 2));
    (memory.u8(manager + ACTIVATE) & 1 != 0 && length > 0).then_some((start, length))
}

fn touches(start: u16, length: u16, offset: u16, bytes: usize) -> bool {
    usize::from(offset) < usize::from(start) + usize::from(length) && usize::from(start) < usize::from(offset) + bytes
}
