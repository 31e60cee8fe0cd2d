//! The CANopen side of a mailbox: SDO services and SDO information over the device's objects (ETG.1000.6, CiA 301).

use crate::simulation::SimulatedDevice;
use crate::simulation::object_dictionary::{Access, Mapping};
use crate::simulation::sdo_abort::SdoAbort;

const SDO_REQUEST: u8 = 2;
const SDO_RESPONSE: u8 = 3;
const SDO_INFORMATION: u8 = 8;
/// CoE header and header of SDO information.
const INFORMATION_HEADERS: usize = 2 + 4;
/// CoE header and SDO header.
const HEADERS: usize = 2 + 8;
const TOGGLE: u32 = 0x0503_0000;
const COMMAND: u32 = 0x0504_0001;
const TOO_LONG: u32 = 0x0607_0012;
const NO_COMPLETE_ACCESS: u32 = 0x0601_0004;
/// Longest value of an object, bytes.
const LONGEST: usize = 4096;

/// A transfer in segments.
#[derive(Clone, Debug)]
struct Segmented {
    bytes: Vec<u8>,
    done: usize,
    toggle: u8,
    /// Where a download goes.
    target: Option<(u16, u8, bool)>,
}

/// What is under way between two mailboxes.
#[derive(Clone, Debug, Default)]
pub struct Coe {
    segmented: Option<Segmented>,
}

impl Coe {
    /// What the device answers to the content of a mailbox, in messages of at most `most` bytes.
    pub fn answer(&mut self, request: &[u8], device: &mut SimulatedDevice, most: usize) -> Vec<Vec<u8>> {
        let Some((header, rest)) = request.split_first_chunk::<2>() else { return Vec::new() };
        match header[1] >> 4 {
            SDO_REQUEST => {
                let (command, index, subindex) = match *rest {
                    [command, low, high, subindex, ..] => (command, u16::from_le_bytes([low, high]), subindex),
                    _ => return Vec::new(),
                };
                let answer = match command >> 5 {
                    0 => self.download_segment(command, rest, device),
                    1 => self.download(command, index, subindex, &rest[4..], device),
                    2 => self.upload(command, index, subindex, device, most),
                    3 => self.upload_segment(command, most),
                    // An abort of the master's needs no answer.
                    4 => {
                        self.segmented = None;
                        return Vec::new();
                    }
                    _ => Err(COMMAND),
                };
                match answer {
                    Ok(answer) => vec![with_header(SDO_RESPONSE, answer)],
                    Err(code) => {
                        self.segmented = None;
                        vec![abort(index, subindex, code)]
                    }
                }
            }
            SDO_INFORMATION => information(rest, device, most),
            _ => Vec::new(),
        }
    }

    fn upload(
        &mut self,
        command: u8,
        index: u16,
        subindex: u8,
        device: &SimulatedDevice,
        most: usize,
    ) -> Result<Vec<u8>, u32> {
        let complete = command & 0x10 != 0;
        let value = if complete { complete_upload(index, subindex, device)? } else { one(index, subindex, device)? };
        let [low, high] = index.to_le_bytes();
        let access = command & 0x10;
        if !complete && (1..=4).contains(&value.len()) {
            let mut answer = vec![0x43 | ((4 - value.len()) as u8) << 2, low, high, subindex];
            answer.extend(&value);
            answer.resize(8, 0);
            return Ok(answer);
        }
        let mut answer = vec![0x41 | access, low, high, subindex];
        answer.extend((value.len() as u32).to_le_bytes());
        let first = value.len().min(most - HEADERS);
        answer.extend(&value[..first]);
        if first < value.len() {
            self.segmented = Some(Segmented { bytes: value, done: first, toggle: 0, target: None });
        }
        Ok(answer)
    }

    fn upload_segment(&mut self, command: u8, most: usize) -> Result<Vec<u8>, u32> {
        let transfer = self.segmented.as_mut().filter(|transfer| transfer.target.is_none()).ok_or(COMMAND)?;
        if command >> 4 & 1 != transfer.toggle {
            return Err(TOGGLE);
        }
        let rest = &transfer.bytes[transfer.done..];
        let part = &rest[..rest.len().min(most - 3)];
        let last = part.len() == rest.len();
        let missing = 7_usize.saturating_sub(part.len()) as u8;
        let mut answer = vec![transfer.toggle << 4 | missing << 1 | u8::from(last)];
        answer.extend(part);
        answer.resize(answer.len().max(8), 0);
        transfer.done += part.len();
        transfer.toggle ^= 1;
        if last {
            self.segmented = None;
        }
        Ok(answer)
    }

    fn download(
        &mut self,
        command: u8,
        index: u16,
        subindex: u8,
        rest: &[u8],
        device: &mut SimulatedDevice,
    ) -> Result<Vec<u8>, u32> {
        let complete = command & 0x10 != 0;
        let ([low, high], access) = (index.to_le_bytes(), command & 0x10);
        let done = vec![0x60 | access, low, high, subindex, 0, 0, 0, 0];
        if command & 0x02 != 0 {
            let length = if command & 1 != 0 { 4 - usize::from(command >> 2 & 3) } else { 4 };
            let bytes = rest.get(..length).ok_or(COMMAND)?;
            store(index, subindex, complete, bytes, device)?;
            return Ok(done);
        }
        let (length, bytes) = rest.split_first_chunk::<4>().ok_or(COMMAND)?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > LONGEST {
            return Err(TOO_LONG);
        }
        let part = &bytes[..bytes.len().min(length)];
        if part.len() == length {
            store(index, subindex, complete, part, device)?;
        } else {
            let (mut bytes, target) = (part.to_vec(), Some((index, subindex, complete)));
            bytes.reserve(length);
            self.segmented = Some(Segmented { done: length, bytes, toggle: 0, target });
        }
        Ok(done)
    }

    fn download_segment(&mut self, command: u8, request: &[u8], device: &mut SimulatedDevice) -> Result<Vec<u8>, u32> {
        let transfer = self.segmented.as_mut().ok_or(COMMAND)?;
        let (index, subindex, complete) = transfer.target.ok_or(COMMAND)?;
        if command >> 4 & 1 != transfer.toggle {
            return Err(TOGGLE);
        }
        let data = &request[1..];
        let length =
            if data.len() <= 7 { data.len() - usize::from(command >> 1 & 7).min(data.len()) } else { data.len() };
        if transfer.bytes.len() + length > transfer.done {
            return Err(TOO_LONG);
        }
        transfer.bytes.extend_from_slice(&data[..length]);
        let answer = vec![0x20 | transfer.toggle << 4, 0, 0, 0, 0, 0, 0, 0];
        transfer.toggle ^= 1;
        if command & 1 != 0 {
            let bytes = std::mem::take(&mut transfer.bytes);
            self.segmented = None;
            store(index, subindex, complete, &bytes, device)?;
        }
        Ok(answer)
    }
}

fn with_header(service: u8, content: Vec<u8>) -> Vec<u8> {
    [vec![0, service << 4], content].concat()
}

/// An abort is a request, whoever sends it.
fn abort(index: u16, subindex: u8, code: u32) -> Vec<u8> {
    let [low, high] = index.to_le_bytes();
    let [a, b, c, d] = code.to_le_bytes();
    with_header(SDO_REQUEST, vec![0x80, low, high, subindex, a, b, c, d])
}

fn one(index: u16, subindex: u8, device: &SimulatedDevice) -> Result<Vec<u8>, u32> {
    let mut buffer = [0; LONGEST];
    let length = device.upload(index, subindex, &mut buffer).map_err(SdoAbort::code)?;
    Ok(buffer[..length].to_vec())
}

fn complete_upload(index: u16, subindex: u8, device: &SimulatedDevice) -> Result<Vec<u8>, u32> {
    if subindex > 1 {
        return Err(NO_COMPLETE_ACCESS);
    }
    let count = one(index, 0, device)?.first().copied().unwrap_or(0);
    let mut value = if subindex == 0 { vec![count, 0] } else { Vec::new() };
    for subindex in 1..=count {
        value.extend(one(index, subindex, device)?);
    }
    Ok(value)
}

fn store(index: u16, subindex: u8, complete: bool, bytes: &[u8], device: &mut SimulatedDevice) -> Result<(), u32> {
    if !complete {
        return device.download(index, subindex, bytes).map_err(SdoAbort::code);
    }
    if subindex > 1 {
        return Err(NO_COMPLETE_ACCESS);
    }
    let entries: Vec<(u8, usize, bool)> = device
        .dictionary()
        .entries(index)
        .map(|(_, entry)| (entry.subindex, entry.data_type.bytes(), entry.access == Access::Constant))
        .collect();
    let writes_count = entries.iter().any(|(subindex, _, constant)| *subindex == 0 && !constant);
    let (count, mut rest) = match (subindex, bytes) {
        (0, [count, _, rest @ ..]) => (Some(*count), rest),
        (0, _) => return Err(SdoAbort::TooShort.code()),
        (_, rest) => (None, rest),
    };
    let count = count.filter(|_| writes_count);
    if count.is_some() {
        device.download(index, 0, &[0]).map_err(SdoAbort::code)?;
    }
    for (subindex, length, _) in entries.into_iter().filter(|(subindex, ..)| *subindex > 0) {
        if rest.is_empty() || count.is_some_and(|count| subindex > count) {
            break;
        }
        let (bytes, after) = rest.split_at_checked(length).ok_or(SdoAbort::TooShort.code())?;
        device.download(index, subindex, bytes).map_err(SdoAbort::code)?;
        rest = after;
    }
    match count {
        Some(count) => device.download(index, 0, &[count]).map_err(SdoAbort::code),
        None => Ok(()),
    }
}

/// Object list, object description and entry description, in as many fragments as it takes.
fn information(request: &[u8], device: &SimulatedDevice, most: usize) -> Vec<Vec<u8>> {
    let dictionary = device.dictionary();
    let word = |at: usize| Some(u16::from_le_bytes([*request.get(at)?, *request.get(at + 1)?]));
    let answer = |opcode: u8, content: Vec<u8>| {
        // Even, so that no number is torn apart.
        let parts: Vec<&[u8]> = content.chunks((most - INFORMATION_HEADERS) & !1).collect();
        let message = |(place, part): (usize, &&[u8])| {
            let left = parts.len() - 1 - place;
            let [low, high] = (left as u16).to_le_bytes();
            let incomplete = if left > 0 { 0x80 } else { 0 };
            with_header(SDO_INFORMATION, [&[opcode | incomplete, 0, low, high], *part].concat())
        };
        parts.iter().enumerate().map(message).collect::<Vec<Vec<u8>>>()
    };
    let refused = |abort: SdoAbort| answer(7, abort.code().to_le_bytes().to_vec());
    match (request.first().map(|opcode| opcode & 0x7F), word(4)) {
        (Some(1), Some(list)) => {
            let mapped = |index: u16, wanted: Mapping| {
                dictionary.entries(index).any(|(_, entry)| entry.mapping == wanted || entry.mapping == Mapping::Both)
            };
            let chosen: Vec<u16> = dictionary
                .indices()
                .filter(|index| match list {
                    2 => mapped(*index, Mapping::Receive),
                    3 => mapped(*index, Mapping::Transmit),
                    4 | 5 => false,
                    _ => true,
                })
                .collect();
            let mut content = list.to_le_bytes().to_vec();
            if list == 0 {
                let lengths = [chosen.len() as u16, 0, 0, 0, 0];
                content.extend(lengths.iter().flat_map(|length| length.to_le_bytes()));
            } else {
                content.extend(chosen.iter().flat_map(|index| index.to_le_bytes()));
            }
            answer(2, content)
        }
        (Some(3), Some(index)) => match dictionary.entries(index).next().map(|(_, entry)| *entry) {
            Some(first) => {
                let last = dictionary.entries(index).map(|(_, entry)| entry.subindex).max().unwrap_or(0);
                let mut content = index.to_le_bytes().to_vec();
                content.extend((first.data_type as u16).to_le_bytes());
                // Variable or record.
                content.extend([last, if last == 0 { 7 } else { 9 }]);
                content.extend(first.name.as_bytes());
                answer(4, content)
            }
            None => refused(SdoAbort::NoObject),
        },
        (Some(5), Some(index)) => {
            let subindex = request.get(6).copied().unwrap_or(0);
            match dictionary.find(index, subindex) {
                Ok(slot) => {
                    let entry = dictionary.entry(slot);
                    let mut content = index.to_le_bytes().to_vec();
                    content.extend([subindex, 0]);
                    content.extend((entry.data_type as u16).to_le_bytes());
                    content.extend((8 * entry.data_type.bytes() as u16).to_le_bytes());
                    // Readable in all states, writable in PREOP or in all, mappable.
                    let access =
                        0x07 | match entry.access {
                            Access::ReadWrite => 0x38,
                            Access::PreOperational => 0x08,
                            _ => 0,
                        } | match entry.mapping {
                            Mapping::Receive => 0x40,
                            Mapping::Transmit => 0x80,
                            Mapping::Both => 0xC0,
                            Mapping::No => 0,
                        };
                    content.extend(u16::to_le_bytes(access));
                    content.extend(entry.name.as_bytes());
                    answer(6, content)
                }
                Err(abort) => refused(abort),
            }
        }
        _ => refused(SdoAbort::UnsupportedAccess),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fieldbus::mapping::{DeviceLayout, PdoEntry};
    use crate::simulation::{
        SimulatedDeviceKind, SimulatedDeviceParameters, SimulatedIdentity, SimulatedTerminalParameters,
    };

    const NAME: &str = "a terminal with a name that takes segments";

    fn terminal() -> SimulatedDevice {
        let entry = |index| vec![PdoEntry { index, subindex: 1, bits: 8 }];
        let layout = DeviceLayout { output_offset: 0, outputs: entry(0x7000), input_offset: 0, inputs: entry(0x6000) };
        let parameters = SimulatedDeviceParameters {
            name: NAME.to_string(),
            layout,
            identity: SimulatedIdentity::default(),
            watchdog_ns: 0,
            objects: Vec::new(),
            kind: SimulatedDeviceKind::Terminal(SimulatedTerminalParameters::default()),
        };
        SimulatedDevice::new(&parameters, 1_000_000).unwrap()
    }

    #[test]
    fn a_long_text_comes_in_segments_whose_toggle_alternates() {
        let (mut coe, mut device) = (Coe::default(), terminal());
        let first = coe.answer(&[0, 0x20, 0x40, 0x08, 0x10, 0, 0, 0, 0, 0], &mut device, 20).remove(0);
        assert_eq!(first[..10], [0, 0x30, 0x41, 0x08, 0x10, 0, NAME.len() as u8, 0, 0, 0]);
        let mut text = first[10..].to_vec();
        for toggle in [0, 1, 0, 1] {
            let request = [0, 0x20, 0x60 | toggle << 4, 0, 0, 0, 0, 0, 0, 0];
            let segment = coe.answer(&request, &mut device, 20).remove(0);
            assert_eq!(segment[2] >> 4 & 1, toggle);
            let length = if segment.len() == 10 { 7 - usize::from(segment[2] >> 1 & 7) } else { segment.len() - 3 };
            text.extend(&segment[3..3 + length]);
            if segment[2] & 1 != 0 {
                break;
            }
        }
        assert_eq!(String::from_utf8(text).unwrap(), NAME);
    }

    #[test]
    fn a_wrong_toggle_ends_a_transfer() {
        let (mut coe, mut device) = (Coe::default(), terminal());
        coe.answer(&[0, 0x20, 0x40, 0x08, 0x10, 0, 0, 0, 0, 0], &mut device, 20);
        let wrong = [0, 0x20, 0x70, 0, 0, 0, 0, 0, 0, 0];
        for code in [TOGGLE, COMMAND] {
            let answer = coe.answer(&wrong, &mut device, 20).remove(0);
            assert_eq!((answer[1], answer[2], &answer[6..10]), (0x20, 0x80, &code.to_le_bytes()[..]));
        }
    }

    #[test]
    fn the_list_of_objects_comes_in_fragments_that_count_down() {
        let (mut coe, mut device) = (Coe::default(), terminal());
        let parts = coe.answer(&[0, 0x80, 1, 0, 0, 0, 1, 0], &mut device, 16);
        assert!(parts.len() > 2);
        let mut content = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            let left = parts.len() - 1 - place;
            assert_eq!((part[2], part[4], part[5]), (if left > 0 { 0x82 } else { 0x02 }, left as u8, 0));
            content.extend_from_slice(&part[6..]);
        }
        let (words, _) = content[2..].as_chunks::<2>();
        let indices: Vec<u16> = words.iter().map(|word| u16::from_le_bytes(*word)).collect();
        assert_eq!(indices, device.dictionary().indices().collect::<Vec<u16>>());
    }

    #[test]
    fn an_assignment_is_written_whole_with_complete_access() {
        let (mut coe, mut device) = (Coe::default(), terminal());
        // 1C13h: no PDO, then 1A00h.
        for value in [&[0, 0][..], &[1, 0, 0x00, 0x1A]] {
            let mut request = vec![0, 0x20, 0x31, 0x13, 0x1C, 0, value.len() as u8, 0, 0, 0];
            request.extend(value);
            let answer = coe.answer(&request, &mut device, 120).remove(0);
            assert_eq!(answer[2..6], [0x70, 0x13, 0x1C, 0], "{answer:x?}");
            assert_eq!(device.process_data_bytes().1, usize::from(value[0]));
        }
        let read = coe.answer(&[0, 0x20, 0x50, 0x13, 0x1C, 0, 0, 0, 0, 0], &mut device, 120).remove(0);
        assert_eq!(read[6..14], [4, 0, 0, 0, 1, 0, 0x00, 0x1A]);
    }
}
