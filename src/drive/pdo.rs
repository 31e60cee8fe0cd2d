//! Bytes ↔ values: where each object stands among the drive's bytes, found once at start.

use super::parameters::{Mode, ParameterError};
use crate::fieldbus::mapping::{PdoEntry, place};
use crate::limits::MAX_PROCESS_IMAGE_BYTES;

const CONTROLWORD: u16 = 0x6040;
const STATUSWORD: u16 = 0x6041;
const ERROR_CODE: u16 = 0x603F;
const MODE_OF_OPERATION: u16 = 0x6060;
const MODE_DISPLAY: u16 = 0x6061;
const ACTUAL_POSITION: u16 = 0x6064;
const ACTUAL_VELOCITY: u16 = 0x606C;
const TARGET_TORQUE: u16 = 0x6071;
const MAX_TORQUE: u16 = 0x6072;
const ACTUAL_TORQUE: u16 = 0x6077;
const TARGET_POSITION: u16 = 0x607A;
const VELOCITY_OFFSET: u16 = 0x60B1;
const TORQUE_OFFSET: u16 = 0x60B2;
const INTERPOLATION_DATA: u16 = 0x60C1;
const POSITIVE_TORQUE_LIMIT: u16 = 0x60E0;
const NEGATIVE_TORQUE_LIMIT: u16 = 0x60E1;
const DIGITAL_INPUTS: u16 = 0x60FD;
const DIGITAL_OUTPUTS: u16 = 0x60FE;
const TARGET_VELOCITY: u16 = 0x60FF;

/// Byte offset of an object of `bits` bits, if it is mapped. 16 bits: the end of an object can then not overflow, which
/// saves a check at every access.
fn find(entries: &[PdoEntry], index: u16, subindex: u8, bits: u8) -> Result<Option<u16>, ParameterError> {
    let Some((offset, length)) = place(entries, index, subindex) else { return Ok(None) };
    if length != usize::from(bits / 8) {
        let found = u8::try_from(length * 8).unwrap_or(u8::MAX);
        return Err(ParameterError::Length { index, subindex, found, expected: bits });
    }
    match u16::try_from(offset) {
        Ok(offset) if usize::from(offset) < MAX_PROCESS_IMAGE_BYTES => Ok(Some(offset)),
        _ => Err(ParameterError::Range {
            what: "offset of an object in the process data",
            found: offset as f64,
            lowest: 0.0,
            highest: (MAX_PROCESS_IMAGE_BYTES - 1) as f64,
        }),
    }
}

/// The offset of an object that is not mapped: beyond every image, so that one comparison tells both.
const NOWHERE: u16 = u16::MAX;
const _: () = assert!(MAX_PROCESS_IMAGE_BYTES <= NOWHERE as usize);

/// As [`find`], of an object that may be there.
fn find_or_nowhere(entries: &[PdoEntry], index: u16, bits: u8) -> Result<u16, ParameterError> {
    Ok(find(entries, index, 0, bits)?.unwrap_or(NOWHERE))
}

/// What a drive told in one cycle, as it stands in its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// 6041h.
    pub statusword: u16,
    /// 6061h.
    pub mode: i8,
    /// 6064h, as bits.
    pub position: u32,
    /// 606Ch.
    pub velocity: Option<i32>,
    /// 6077h.
    pub torque: i16,
    /// 603Fh.
    pub error_code: u16,
    /// 60FDh.
    pub digital_inputs: u32,
}

/// Where the inputs stand.
#[derive(Clone, Copy, Debug)]
pub struct InputMap {
    length: usize,
    statusword: u16,
    mode: u16,
    position: u16,
    velocity: u16,
    torque: u16,
    error_code: u16,
    digital_inputs: u16,
}

impl InputMap {
    /// Finds the objects that `mode` needs and those that may be there.
    pub fn new(entries: &[PdoEntry], length: usize, mode: Mode) -> Result<InputMap, ParameterError> {
        let needed = |index, bits| {
            find(entries, index, 0, bits)?.ok_or(ParameterError::MissingInput { index, subindex: 0, mode })
        };
        Ok(InputMap {
            length,
            statusword: needed(STATUSWORD, 16)?,
            mode: needed(MODE_DISPLAY, 8)?,
            position: needed(ACTUAL_POSITION, 32)?,
            velocity: find_or_nowhere(entries, ACTUAL_VELOCITY, 32)?,
            torque: find_or_nowhere(entries, ACTUAL_TORQUE, 16)?,
            error_code: find_or_nowhere(entries, ERROR_CODE, 16)?,
            digital_inputs: find_or_nowhere(entries, DIGITAL_INPUTS, 32)?,
        })
    }

    /// Reads a drive's bytes, the first of `bytes`; `None` if they are fewer than mapped.
    #[inline]
    pub fn read(&self, bytes: &[u8]) -> Option<Inputs> {
        let bytes = bytes.get(..self.length)?;
        Some(Inputs {
            statusword: u16::from_le_bytes(take(bytes, self.statusword)?),
            mode: i8::from_le_bytes(take(bytes, self.mode)?),
            position: u32::from_le_bytes(take(bytes, self.position)?),
            velocity: take(bytes, self.velocity).map(i32::from_le_bytes),
            torque: take(bytes, self.torque).map_or(0, i16::from_le_bytes),
            error_code: take(bytes, self.error_code).map_or(0, u16::from_le_bytes),
            digital_inputs: take(bytes, self.digital_inputs).map_or(0, u32::from_le_bytes),
        })
    }
}

/// What a drive is told in one cycle, as it stands in its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// 6040h.
    pub controlword: u16,
    /// 607Ah and 60C1h:01, as bits.
    pub position: u32,
    /// 60FFh.
    pub velocity: i32,
    /// 6071h.
    pub torque: i16,
    /// 60B1h.
    pub velocity_offset: i32,
    /// 60B2h.
    pub torque_offset: i16,
    /// The bit of 60FEh:01 that switches the brake.
    pub brake_bit: bool,
}

/// Where the outputs stand, and what of them is not written in each cycle.
#[derive(Clone, Copy, Debug)]
pub struct OutputMap {
    length: usize,
    mode_code: i8,
    torque_limit: u16,
    controlword: u16,
    mode: u16,
    /// 60C1h:01 in interpolated position, else 607Ah.
    position: u16,
    /// Targets of the modes that are not used; they stay 0.
    unused_targets: [Option<u16>; 2],
    torque_limits: [Option<u16>; 3],
    digital_outputs_mask: Option<u16>,
    others: Option<OtherOutputs>,
}

/// What changes beside controlword and position, where anything does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct OtherOutputs {
    velocity: Option<u16>,
    torque: Option<u16>,
    velocity_offset: Option<u16>,
    torque_offset: Option<u16>,
    /// The position that the mode does not look at: 607Ah in interpolated position, else 60C1h:01.
    other_position: Option<u16>,
    brake: Option<(u16, u8)>,
}

impl OutputMap {
    /// Finds the objects that `mode` and a brake at bit `brake_bit` of 60FEh:01 need, and those that may be there.
    pub fn new(
        entries: &[PdoEntry],
        length: usize,
        mode: Mode,
        brake_bit: Option<u8>,
        torque_limit: f64,
    ) -> Result<OutputMap, ParameterError> {
        let missing = |index, subindex| ParameterError::MissingOutput { index, subindex, mode };
        let needed = |index, bits| find(entries, index, 0, bits)?.ok_or(missing(index, 0));
        let wanted =
            |index, bits, by| if mode == by { needed(index, bits).map(Some) } else { find(entries, index, 0, bits) };
        let digital_outputs = find(entries, DIGITAL_OUTPUTS, 1, 32)?;
        let brake = match brake_bit {
            None => None,
            Some(bit) => {
                let start = digital_outputs.ok_or(missing(DIGITAL_OUTPUTS, 1))?;
                Some((start + u16::from(bit / 8), 1 << (bit % 8)))
            }
        };
        let velocity = wanted(TARGET_VELOCITY, 32, Mode::Csv)?;
        let torque = wanted(TARGET_TORQUE, 16, Mode::Cst)?;
        let mut position = find(entries, TARGET_POSITION, 0, 32)?;
        let mut other_position = find(entries, INTERPOLATION_DATA, 1, 32)?;
        match mode {
            Mode::Csv | Mode::Cst => {}
            Mode::Csp | Mode::Pp => position = Some(position.ok_or(missing(TARGET_POSITION, 0))?),
            Mode::Ip => {
                let record = other_position.ok_or(missing(INTERPOLATION_DATA, 1))?;
                (position, other_position) = (Some(record), position);
            }
        }
        let others = OtherOutputs {
            brake,
            other_position,
            velocity: velocity.filter(|_| mode == Mode::Csv),
            torque: torque.filter(|_| mode == Mode::Cst),
            velocity_offset: find(entries, VELOCITY_OFFSET, 0, 32)?,
            torque_offset: find(entries, TORQUE_OFFSET, 0, 16)?,
        };
        Ok(OutputMap {
            length,
            mode_code: mode.code(),
            torque_limit: per_mille(torque_limit),
            controlword: needed(CONTROLWORD, 16)?,
            mode: needed(MODE_OF_OPERATION, 8)?,
            position: position.unwrap_or(NOWHERE),
            unused_targets: [velocity.filter(|_| mode != Mode::Csv), torque.filter(|_| mode != Mode::Cst)],
            torque_limits: [
                find(entries, MAX_TORQUE, 0, 16)?,
                find(entries, POSITIVE_TORQUE_LIMIT, 0, 16)?,
                find(entries, NEGATIVE_TORQUE_LIMIT, 0, 16)?,
            ],
            digital_outputs_mask: find(entries, DIGITAL_OUTPUTS, 2, 32)?,
            others: (others != OtherOutputs::default()).then_some(others),
        })
    }

    /// Another torque limit, of the rated torque: for the next [`OutputMap::write_fixed`].
    pub fn set_torque_limit(&mut self, torque_limit: f64) {
        self.torque_limit = per_mille(torque_limit);
    }

    /// 60B1h or 60B2h is mapped.
    pub fn has_offsets(&self) -> bool {
        self.others.is_some_and(|others| others.velocity_offset.is_some() || others.torque_offset.is_some())
    }

    /// Writes what is not written in each cycle: mode, torque limits, the mask of 60FEh:02, zeros into the targets of other modes. Does
    /// nothing if the bytes are fewer than mapped.
    pub fn write_fixed(&self, bytes: &mut [u8]) {
        let Some(bytes) = bytes.get_mut(..self.length) else { return };
        put(bytes, self.mode, self.mode_code.to_le_bytes());
        let [velocity, torque] = self.unused_targets;
        if let Some(at) = velocity {
            put(bytes, at, 0i32.to_le_bytes());
        }
        if let Some(at) = torque {
            put(bytes, at, 0i16.to_le_bytes());
        }
        for at in self.torque_limits.into_iter().flatten() {
            put(bytes, at, self.torque_limit.to_le_bytes());
        }
        if let Some(at) = self.digital_outputs_mask {
            put(bytes, at, u32::MAX.to_le_bytes());
        }
    }

    /// Writes what changes. Of 60FEh:01 it writes the brake's bit alone: the others belong to the machine's named outputs,
    /// which its mask (60FEh:02) lets through. Does nothing if the bytes are fewer than mapped.
    #[inline]
    pub fn write(&self, values: &Outputs, bytes: &mut [u8]) {
        let Some(bytes) = bytes.get_mut(..self.length) else { return };
        put(bytes, self.controlword, values.controlword.to_le_bytes());
        put(bytes, self.position, values.position.to_le_bytes());
        if let Some(others) = &self.others {
            others.write(values, bytes);
        }
    }
}

/// 6072h, 60E0h and 60E1h of a torque limit.
fn per_mille(torque_limit: f64) -> u16 {
    (torque_limit * 1000.0) as u16
}

impl OtherOutputs {
    fn write(&self, values: &Outputs, bytes: &mut [u8]) {
        if let Some(at) = self.velocity {
            put(bytes, at, values.velocity.to_le_bytes());
        }
        if let Some(at) = self.torque {
            put(bytes, at, values.torque.to_le_bytes());
        }
        if let Some(at) = self.velocity_offset {
            put(bytes, at, values.velocity_offset.to_le_bytes());
        }
        if let Some(at) = self.torque_offset {
            put(bytes, at, values.torque_offset.to_le_bytes());
        }
        if let Some(at) = self.other_position {
            put(bytes, at, values.position.to_le_bytes());
        }
        if let Some((byte, mask)) = self.brake.and_then(|(at, mask)| Some((bytes.get_mut(usize::from(at))?, mask))) {
            *byte = if values.brake_bit { *byte | mask } else { *byte & !mask };
        }
    }
}

/// `N` bytes at an offset that the map keeps inside; `None` where it is [`NOWHERE`].
#[inline]
fn take<const N: usize>(bytes: &[u8], at: u16) -> Option<[u8; N]> {
    let at = usize::from(at);
    bytes.get(at..at + N)?.try_into().ok()
}

#[inline]
fn put<const N: usize>(bytes: &mut [u8], at: u16, value: [u8; N]) {
    let at = usize::from(at);
    if let Some(place) = bytes.get_mut(at..at + N).and_then(|place| <&mut [u8; N]>::try_from(place).ok()) {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u16, subindex: u8, bits: u8) -> PdoEntry {
        PdoEntry { index, subindex, bits }
    }

    fn inputs() -> Vec<PdoEntry> {
        vec![
            entry(0x603F, 0, 16),
            entry(0x6061, 0, 8),
            entry(0x6041, 0, 16),
            entry(0x6064, 0, 32),
            entry(0x60FD, 0, 32),
        ]
    }

    #[test]
    fn values_are_little_endian_at_their_offsets() {
        let map = InputMap::new(&inputs(), 13, Mode::Csp).unwrap();
        let bytes = [0x10, 0x73, 8, 0x37, 0x12, 0xFE, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4];
        let values = map.read(&bytes).unwrap();
        assert_eq!(values.error_code, 0x7310);
        assert_eq!(values.mode, 8);
        assert_eq!(values.statusword, 0x1237);
        assert_eq!(values.position as i32, -2);
        assert_eq!(values.velocity, None);
        assert_eq!(values.digital_inputs, 0x0403_0201);
        assert_eq!(map.read(&bytes[..12]), None);
    }

    #[test]
    fn a_missing_input_is_named() {
        for absent in [0x6041, 0x6061, 0x6064] {
            let entries: Vec<_> = inputs().into_iter().filter(|entry| entry.index != absent).collect();
            let error = InputMap::new(&entries, 16, Mode::Csv).unwrap_err();
            assert_eq!(error, ParameterError::MissingInput { index: absent, subindex: 0, mode: Mode::Csv });
        }
    }

    #[test]
    fn each_mode_needs_its_own_target() {
        let all = [
            entry(0x6040, 0, 16),
            entry(0x6060, 0, 8),
            entry(0x607A, 0, 32),
            entry(0x60FF, 0, 32),
            entry(0x6071, 0, 16),
            entry(0x60C1, 1, 32),
            entry(0x60FE, 1, 32),
        ];
        let needs =
            [(Mode::Csp, 0x607A), (Mode::Csv, 0x60FF), (Mode::Cst, 0x6071), (Mode::Ip, 0x60C1), (Mode::Pp, 0x607A)];
        for (mode, needs) in needs {
            for absent in all.iter().map(|entry| entry.index) {
                let entries: Vec<_> = all.iter().copied().filter(|entry| entry.index != absent).collect();
                let built = OutputMap::new(&entries, 32, mode, Some(3), 1.0);
                let subindex = u8::from([0x60C1, 0x60FE].contains(&absent));
                if [0x6040, 0x6060, 0x60FE, needs].contains(&absent) {
                    let missing = ParameterError::MissingOutput { index: absent, subindex, mode };
                    assert_eq!(built.unwrap_err(), missing, "{mode:?}");
                } else {
                    assert!(built.is_ok(), "{mode:?} without {absent:04X}");
                }
            }
        }
    }

    #[test]
    fn a_wrong_length_is_told_with_both_figures() {
        let mut entries = inputs();
        entries[3].bits = 16;
        let error = InputMap::new(&entries, 11, Mode::Csp).unwrap_err();
        assert_eq!(error.to_string(), "6064h:00 is mapped with 16 bits; the object has 32");
    }

    #[test]
    fn only_owned_bytes_are_written_and_all_of_them() {
        let entries = [
            entry(0x2000, 0, 16),
            entry(0x6040, 0, 16),
            entry(0x6060, 0, 8),
            entry(0x607A, 0, 32),
            entry(0x60FF, 0, 32),
            entry(0x6071, 0, 16),
            entry(0x60B1, 0, 32),
            entry(0x60B2, 0, 16),
            entry(0x6072, 0, 16),
            entry(0x60FE, 1, 32),
            entry(0x60FE, 2, 32),
            entry(0x60B8, 0, 16),
        ];
        let map = OutputMap::new(&entries, 33, Mode::Csp, Some(17), 1.5).unwrap();
        let values = Outputs {
            controlword: 0x0102,
            position: 0x0706_0504,
            velocity: 0x0B0A_0908,
            torque: 0x0D0C,
            velocity_offset: 0x1110_0F0E,
            torque_offset: 0x1312,
            brake_bit: true,
        };
        let mut bytes = [0xA5; 35];
        map.write_fixed(&mut bytes);
        map.write(&values, &mut bytes);
        let limit = 1500u16.to_le_bytes();
        let expected = [
            0xA5, 0xA5, 0x02, 0x01, 8, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 14, 15, 16, 17, 0x12, 0x13, limit[0], limit[1],
            0xA5, 0xA5, 0xA7, 0xA5, 0xFF, 0xFF, 0xFF, 0xFF, 0xA5, 0xA5, 0xA5, 0xA5,
        ];
        assert_eq!(bytes, expected);
        map.write(&Outputs { brake_bit: false, ..values }, &mut bytes);
        assert_eq!(bytes[25], 0xA5);
        let mut short = [0xA5; 32];
        map.write_fixed(&mut short);
        map.write(&values, &mut short);
        assert_eq!(short, [0xA5; 32]);
    }
}
