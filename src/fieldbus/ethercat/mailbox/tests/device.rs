//! A device with mailboxes as ETG.1000.4 and ETG.1000.6 describe it, byte by byte and without the client's code, with
//! tricks that a test can ask of it.

use std::collections::{BTreeMap, VecDeque};

/// What a device does instead of, or beside, the answer that it should give.
#[derive(Clone, Debug)]
pub enum Trick {
    Abort(u32),
    /// The abort names another object.
    ForeignAbort(u32),
    Refuse(u16),
    WrongToggle,
    WrongObject,
    /// This command byte.
    Command(u8),
    Garbage(Vec<u8>),
    CutOff(usize),
    Silence,
    EmergencyBefore(u16),
    EmergencyInstead(u16),
    /// The answer comes a second time under the same number.
    Twice,
    /// Something of another protocol before the answer.
    ProtocolBefore(u8),
    /// Only after so many ticks.
    Late(u32),
    /// FoE: no time.
    Busy,
}

pub struct Device {
    pub values: BTreeMap<(u16, u8), Vec<u8>>,
    pub whole: BTreeMap<(u16, u8), Vec<u8>>,
    pub names: BTreeMap<u16, &'static str>,
    pub files: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Tricks by the number of the answer, from 0.
    pub tricks: BTreeMap<usize, Trick>,
    /// Ticks from a message to its processing.
    pub latency: u32,
    /// Data in the answer to the request of a long upload, at most.
    pub first_room: usize,
    /// Data in a segment of an upload, at most.
    pub segment_room: usize,
    /// Answers short values in the long form.
    pub never_expedites: bool,
    pub counts: bool,
    pub repeats: bool,
    pub answers: usize,
    /// Emergencies told so far.
    pub emergencies: usize,
    /// Requests that were executed, by their bytes behind the mailbox header.
    pub executed: Vec<Vec<u8>>,
    pub ignored: usize,
    sizes: (usize, usize),
    received: Option<(Vec<u8>, u32)>,
    sent: Option<Vec<u8>>,
    stored: Option<Vec<u8>>,
    last_read: Option<Vec<u8>>,
    queue: VecDeque<(Vec<u8>, u32)>,
    activate: u8,
    acknowledged: u8,
    counter_in: u8,
    counter_out: u8,
    upload: Option<(Vec<u8>, bool)>,
    download: Option<Download>,
    file_out: Option<(Vec<u8>, usize, u32)>,
    file_in: Option<(Vec<u8>, Vec<u8>, u32)>,
}

/// A download that is under way: the object (index, subindex, complete access), what has come, how much is to come, the toggle.
type Download = ((u16, u8, bool), Vec<u8>, usize, bool);

impl Device {
    /// `receive` bytes of the mailbox that the master writes, `send` bytes of the one that it reads.
    pub fn new(receive: usize, send: usize) -> Device {
        Device {
            values: BTreeMap::new(),
            whole: BTreeMap::new(),
            names: BTreeMap::new(),
            files: BTreeMap::new(),
            tricks: BTreeMap::new(),
            latency: 1,
            first_room: usize::MAX,
            segment_room: usize::MAX,
            never_expedites: false,
            counts: true,
            repeats: true,
            answers: 0,
            emergencies: 0,
            executed: Vec::new(),
            ignored: 0,
            sizes: (receive, send),
            received: None,
            sent: None,
            stored: None,
            last_read: None,
            queue: VecDeque::new(),
            activate: 1,
            acknowledged: 0,
            counter_in: 0,
            counter_out: 0,
            upload: None,
            download: None,
            file_out: None,
            file_in: None,
        }
    }

    /// The number of the last message that it takes itself to have got.
    pub fn set_counter_in(&mut self, counter: u8) {
        self.counter_in = counter;
    }

    /// Writing the whole receive mailbox; false where the working counter would be 0.
    pub fn write_mailbox(&mut self, bytes: &[u8]) -> bool {
        assert_eq!(bytes.len(), self.sizes.0, "the last byte hands the mailbox over");
        if self.received.is_some() {
            return false;
        }
        self.received = Some((bytes.to_vec(), self.latency));
        true
    }

    pub fn status(&self) -> u8 {
        if self.sent.is_some() { 0x0A } else { 0x02 }
    }

    /// Reading the whole send mailbox; nothing where the working counter would be 0.
    pub fn read_mailbox(&mut self, length: usize) -> Option<Vec<u8>> {
        assert_eq!(length, self.sizes.1, "the last byte frees the mailbox");
        let mut message = self.sent.take()?;
        self.last_read = Some(message.clone());
        self.sent = self.stored.take();
        message.resize(self.sizes.1, 0xEE);
        Some(message)
    }

    pub fn write_activate(&mut self, value: u8) {
        assert_eq!(value & !0x02, 0x01, "the sync manager stays on and nothing else changes");
        self.activate = value;
    }

    pub fn pdi_control(&self) -> u8 {
        self.acknowledged
    }

    /// What happens in the device between two frames.
    pub fn tick(&mut self) {
        if self.repeats && (self.activate ^ self.acknowledged) & 0x02 != 0 {
            if let Some(message) = self.last_read.take() {
                self.stored = self.sent.take();
                self.sent = Some(message);
            }
            self.acknowledged = self.activate & 0x02;
        }
        for (_, wait) in &mut self.queue {
            *wait = wait.saturating_sub(1);
        }
        let ready = self.received.as_mut().is_some_and(|(_, wait)| {
            *wait = wait.saturating_sub(1);
            *wait == 0
        });
        // A device takes no message while an answer of its own waits to be read.
        if ready && self.sent.is_none() {
            let (message, _) = self.received.take().unwrap();
            self.serve(&message);
        }
        if self.sent.is_none() && self.queue.front().is_some_and(|(_, wait)| *wait == 0) {
            self.sent = self.queue.pop_front().map(|(message, _)| message);
        }
    }

    /// The device tells of a fault by itself.
    pub fn emergency(&mut self, code: u16) {
        self.emergencies += 1;
        let [low, high] = code.to_le_bytes();
        self.say(3, &[0x00, 0x10, low, high, 0x81, 1, 2, 3, 4, 5]);
    }

    fn say(&mut self, protocol: u8, body: &[u8]) {
        self.say_after(protocol, body, 0);
    }

    fn say_after(&mut self, protocol: u8, body: &[u8], wait: u32) {
        if self.counts {
            self.counter_out = if self.counter_out == 7 { 1 } else { self.counter_out + 1 };
        }
        let mut message = (body.len() as u16).to_le_bytes().to_vec();
        message.extend([0x00, 0x10, 0x00, protocol | self.counter_out << 4]);
        message.extend(body);
        self.queue.push_back((message, wait));
    }

    fn serve(&mut self, mailbox: &[u8]) {
        let length = usize::from(u16::from_le_bytes([mailbox[0], mailbox[1]]));
        let counter = mailbox[5] >> 4;
        assert!((1..=7).contains(&counter), "counter {counter}");
        assert_eq!(&mailbox[2..5], &[0, 0, 0], "the master's address, channel 0, lowest priority");
        if counter == self.counter_in {
            self.ignored += 1;
            return;
        }
        self.counter_in = counter;
        let body = mailbox[6..6 + length].to_vec();
        self.executed.push(body.clone());
        match mailbox[5] & 0x0F {
            3 => self.can(&body),
            4 => self.file(&body),
            other => panic!("the client asked in protocol {other}"),
        }
    }

    fn can(&mut self, body: &[u8]) {
        assert_eq!(body[0], 0, "number 0");
        match body[1] {
            0x20 => self.sdo(&body[2..]),
            0x80 => self.information(&body[2..]),
            other => panic!("the client sent a CoE service {other:02X}"),
        }
    }

    fn sdo(&mut self, request: &[u8]) {
        assert!(request.len() >= 8, "an SDO is eight bytes or more: {request:02X?}");
        let (index, subindex) = (u16::from_le_bytes([request[1], request[2]]), request[3]);
        let key = (index, subindex);
        let object = [request[1], request[2], request[3]];
        let whole = request[0] & 0x10 != 0;
        match request[0] >> 5 {
            // Abort: no answer.
            4 => (self.upload, self.download) = (None, None),
            2 => {
                let values = if whole { &self.whole } else { &self.values };
                let Some(value) = values.get(&key).cloned() else { return self.abort(object, 0x0602_0000) };
                if value.len() <= 4 && !value.is_empty() && !self.never_expedites {
                    let mut answer = vec![0x43 | ((4 - value.len() as u8) << 2) | (request[0] & 0x10)];
                    answer.extend(object);
                    answer.extend(&value);
                    answer.resize(8, 0);
                    return self.answer(answer, object);
                }
                let room = (self.sizes.1 - 16).min(self.first_room).min(value.len());
                let mut answer = vec![0x41 | (request[0] & 0x10)];
                answer.extend(object);
                answer.extend((value.len() as u32).to_le_bytes());
                answer.extend(&value[..room]);
                self.upload = (room < value.len()).then(|| (value[room..].to_vec(), false));
                self.answer(answer, object);
            }
            3 => {
                let Some((rest, toggle)) = self.upload.take() else { return self.abort(object, 0x0504_0001) };
                if (request[0] & 0x10 != 0) != toggle {
                    return self.abort(object, 0x0503_0000);
                }
                assert_eq!(request[1..], [0; 7]);
                let room = (self.sizes.1 - 9).min(self.segment_room).min(rest.len());
                let mut answer = vec![u8::from(toggle) << 4 | u8::from(room == rest.len())];
                if room < 7 {
                    answer[0] |= ((7 - room) as u8) << 1;
                }
                answer.extend(&rest[..room]);
                answer.resize(answer.len().max(8), 0);
                if room < rest.len() {
                    self.upload = Some((rest[room..].to_vec(), !toggle));
                }
                self.answer(answer, object);
            }
            1 => {
                if request[0] & 0x02 != 0 {
                    assert_eq!(request[0] & 0x01, 1, "the size is given");
                    let length = 4 - usize::from(request[0] >> 2 & 3);
                    assert!(request[4 + length..].iter().all(|byte| *byte == 0));
                    return self.store((index, subindex, whole), request[4..4 + length].to_vec(), object);
                }
                assert_eq!(request[0] & 0x01, 1, "the size is given");
                let size = u32::from_le_bytes(request[4..8].try_into().unwrap()) as usize;
                let data = request[8..].to_vec();
                if data.len() == size {
                    return self.store((index, subindex, whole), data, object);
                }
                assert!(data.len() < size && data.len() == self.sizes.0 - 16, "as much as fits goes with the request");
                self.download = Some(((index, subindex, whole), data, size, false));
                self.confirm(object);
            }
            0 => {
                let Some((key, mut data, size, toggle)) = self.download.take() else {
                    return self.abort(object, 0x0504_0001);
                };
                if (request[0] & 0x10 != 0) != toggle {
                    return self.abort(object, 0x0503_0000);
                }
                let last = request[0] & 1 != 0;
                let unused = usize::from(request[0] >> 1 & 7);
                assert!(unused == 0 || request.len() == 8, "only a shortest segment has unused bytes");
                data.extend(&request[1..request.len() - unused]);
                assert!(data.len() <= size, "no more than was said");
                assert_eq!(last, data.len() == size, "the last segment is marked");
                if last {
                    let values = if key.2 { &mut self.whole } else { &mut self.values };
                    values.insert((key.0, key.1), data);
                } else {
                    assert_eq!(request.len() - 1, self.sizes.0 - 9, "a segment is as long as the mailbox");
                    self.download = Some((key, data, size, !toggle));
                }
                self.answer(vec![0x20 | u8::from(toggle) << 4, 0, 0, 0, 0, 0, 0, 0], object);
            }
            other => panic!("the client sent an SDO command {other}"),
        }
    }

    fn store(&mut self, (index, subindex, whole): (u16, u8, bool), value: Vec<u8>, object: [u8; 3]) {
        let values = if whole { &mut self.whole } else { &mut self.values };
        if !values.contains_key(&(index, subindex)) {
            return self.abort(object, 0x0602_0000);
        }
        values.insert((index, subindex), value);
        self.confirm(object);
    }

    fn confirm(&mut self, object: [u8; 3]) {
        self.answer(vec![0x60, object[0], object[1], object[2], 0, 0, 0, 0], object);
    }

    fn abort(&mut self, object: [u8; 3], code: u32) {
        (self.upload, self.download) = (None, None);
        let mut body = vec![0x00, 0x20, 0x80];
        body.extend(object);
        body.extend(code.to_le_bytes());
        self.say(3, &body);
        self.answers += 1;
    }

    /// An SDO response, unless a trick was asked for.
    fn answer(&mut self, response: Vec<u8>, object: [u8; 3]) {
        let mut body = vec![0x00, 0x30];
        body.extend(response);
        match self.tricks.get(&self.answers).cloned() {
            Some(Trick::Abort(code)) => return self.abort(object, code),
            Some(Trick::ForeignAbort(code)) => self.abort([object[0] ^ 1, object[1], object[2]], code),
            Some(Trick::WrongToggle) => body[2] ^= 0x10,
            Some(Trick::WrongObject) => body[3] ^= 1,
            Some(Trick::Command(command)) => body[2] = command,
            _ => {}
        }
        self.trick(3, body);
    }

    /// A message, with the tricks that any message can have.
    fn trick(&mut self, protocol: u8, mut body: Vec<u8>) {
        let trick = self.tricks.get(&self.answers).cloned();
        self.answers += 1;
        match trick {
            Some(Trick::Refuse(detail)) => return self.say(0, &[1, 0, detail as u8, (detail >> 8) as u8]),
            Some(Trick::Garbage(bytes)) => return self.queue.push_back((bytes, 0)),
            Some(Trick::CutOff(length)) => body.truncate(length),
            Some(Trick::Silence) => return,
            Some(Trick::EmergencyBefore(code)) => self.emergency(code),
            Some(Trick::EmergencyInstead(code)) => return self.emergency(code),
            Some(Trick::ProtocolBefore(other)) => self.say(other, &[1, 2, 3, 4]),
            Some(Trick::Late(wait)) => return self.say_after(protocol, &body, wait),
            _ => {}
        }
        self.say(protocol, &body);
        if matches!(trick, Some(Trick::Twice)) {
            let again = self.queue.back().unwrap().clone();
            self.queue.push_back(again);
        }
    }

    fn information(&mut self, request: &[u8]) {
        assert_eq!(request[1..4], [0, 0, 0]);
        let index = u16::from_le_bytes([request[4], request[5]]);
        let (about, answer) = match request[0] {
            1 => {
                // Kind 1 is all; the test's other kinds list every second.
                let step = if index == 1 { 1 } else { 2 };
                (
                    request[4..6].to_vec(),
                    self.names.keys().step_by(step).flat_map(|index| index.to_le_bytes()).collect(),
                )
            }
            3 | 5 if !self.names.contains_key(&index) => {
                return self.trick(3, vec![0x00, 0x80, 7, 0, 0, 0, 0x00, 0x00, 0x02, 0x06]);
            }
            3 => {
                let mut answer = vec![0x07, 0x00, 0x02, 0x09];
                answer.extend(self.names[&index].bytes());
                (request[4..6].to_vec(), answer)
            }
            5 => {
                assert_eq!(request.len(), 8);
                assert_eq!(request[7], 0x78, "unit, default, minimum, maximum");
                let mut answer = vec![0x58, 0x07, 0x00, 0x20, 0x00, 0x3F, 0x01];
                answer.extend([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
                answer.extend(self.names[&index].bytes());
                (request[4..7].to_vec(), answer)
            }
            other => panic!("the client sent an information request {other}"),
        };
        let whole: Vec<u8> = about.into_iter().chain::<Vec<u8>>(answer).collect();
        // Objects of two bytes each are not torn apart.
        let room = (self.sizes.1 - 12) / 2 * 2;
        let fragments: Vec<Vec<u8>> = whole.chunks(room).map(<[u8]>::to_vec).collect();
        for (number, fragment) in fragments.iter().enumerate() {
            let left = (fragments.len() - 1 - number) as u16;
            let mut body = vec![0x00, 0x80, (request[0] + 1) | (u8::from(left > 0) << 7), 0];
            body.extend(left.to_le_bytes());
            body.extend(fragment);
            self.trick(3, body);
        }
    }

    fn file(&mut self, request: &[u8]) {
        let number = u32::from_le_bytes(request[2..6].try_into().unwrap());
        let rest = request[6..].to_vec();
        if matches!(self.tricks.get(&self.answers), Some(Trick::Busy)) {
            self.answers += 1;
            return self.say(4, &[6, 0, 30, 0, 100, 0, b'o', b'n', b'e', 0, b'x']);
        }
        let room = self.sizes.1 - 12;
        match request[0] {
            1 => match self.files.get(&rest) {
                Some(file) if number == 0x1234_5678 => {
                    self.file_out = Some((file.clone(), 0, 0));
                    self.packet(room);
                }
                Some(_) => self.trick(4, vec![5, 0, 0x0A, 0x80, 0, 0]),
                None => self.trick(4, [&[5, 0, 0x01, 0x80, 0, 0][..], b"no such\x1b file"].concat()),
            },
            2 => {
                self.file_in = Some((rest, Vec::new(), 0));
                self.acknowledge(0);
            }
            3 => {
                let Some((name, mut data, last)) = self.file_in.take() else {
                    return self.trick(4, vec![5, 0, 4, 0x80, 0, 0]);
                };
                assert_eq!(number, last + 1, "packets in order");
                let full = rest.len() == self.sizes.0 - 12;
                data.extend(rest);
                if full {
                    self.file_in = Some((name, data, number));
                } else {
                    self.files.insert(name, data);
                }
                self.acknowledge(number);
            }
            4 => {
                // The last packet's acknowledgement has no answer.
                if let Some((file, at, last)) = &mut self.file_out {
                    assert_eq!(number, *last, "the packet that was sent");
                    *at += room;
                    if *at > file.len() {
                        self.file_out = None;
                    } else {
                        self.packet(room);
                    }
                }
            }
            5 => (self.file_in, self.file_out) = (None, None),
            other => panic!("the client sent a FoE message {other}"),
        }
    }

    fn acknowledge(&mut self, number: u32) {
        let number = number.to_le_bytes();
        self.trick(4, [&[4, 0][..], &number].concat());
    }

    fn packet(&mut self, room: usize) {
        let Some((file, at, number)) = &mut self.file_out else { return };
        *number += 1;
        let data = &file[*at..file.len().min(*at + room)];
        let mut body = vec![3, 0];
        body.extend(number.to_le_bytes());
        body.extend(data);
        self.trick(4, body);
    }
}
