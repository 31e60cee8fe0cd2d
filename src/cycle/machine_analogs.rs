//! Analogue inputs and outputs of the machine: numbers in the process images, scaled to what they mean.
//!
//! Loops are bounded by `MAX_ANALOG_INPUTS` and `MAX_ANALOG_OUTPUTS`.

use crate::ids::BusId;

/// What a number is on the wire, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they say themselves")]
pub enum AnalogFormat {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
}

impl AnalogFormat {
    /// Bytes of it.
    pub fn bytes(self) -> usize {
        match self {
            AnalogFormat::I8 | AnalogFormat::U8 => 1,
            AnalogFormat::I16 | AnalogFormat::U16 => 2,
            AnalogFormat::I32 | AnalogFormat::U32 => 4,
        }
    }

    /// The lowest and the highest number.
    pub fn range(self) -> (i64, i64) {
        match self {
            AnalogFormat::I8 => (i8::MIN.into(), i8::MAX.into()),
            AnalogFormat::U8 => (0, u8::MAX.into()),
            AnalogFormat::I16 => (i16::MIN.into(), i16::MAX.into()),
            AnalogFormat::U16 => (0, u16::MAX.into()),
            AnalogFormat::I32 => (i32::MIN.into(), i32::MAX.into()),
            AnalogFormat::U32 => (0, u32::MAX.into()),
        }
    }

    /// The number that begins with the first of these bytes; `None` where there are too few.
    fn read(self, bytes: &[u8]) -> Option<i64> {
        Some(match self {
            AnalogFormat::I8 => i64::from(*bytes.first()? as i8),
            AnalogFormat::U8 => i64::from(*bytes.first()?),
            AnalogFormat::I16 => i64::from(i16::from_le_bytes(*bytes.first_chunk()?)),
            AnalogFormat::U16 => i64::from(u16::from_le_bytes(*bytes.first_chunk()?)),
            AnalogFormat::I32 => i64::from(i32::from_le_bytes(*bytes.first_chunk()?)),
            AnalogFormat::U32 => i64::from(u32::from_le_bytes(*bytes.first_chunk()?)),
        })
    }
}

/// From the number on the wire to what it means: `zero + raw · per_count`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnalogScale {
    /// What the number 0 means.
    pub zero: f64,
    /// What one count more means; not 0.
    pub per_count: f64,
}

/// Where one number stands in the process images, and what it means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnalogPlace {
    /// The bus.
    pub bus: BusId,
    /// First byte in that bus's image of the direction.
    pub byte: usize,
    /// What it is on the wire.
    pub format: AnalogFormat,
    /// What it means.
    pub scale: AnalogScale,
}

impl AnalogPlace {
    fn put(&self, value: f64, put: &mut impl FnMut(BusId, usize, &[u8])) {
        let (lowest, highest) = self.format.range();
        // A float becomes the nearest integer that there is, whatever it is.
        let raw = (((value - self.scale.zero) / self.scale.per_count).round() as i64).max(lowest).min(highest);
        put(self.bus, self.byte, raw.to_le_bytes().get(..self.format.bytes()).unwrap_or_default());
    }
}

/// One named analogue output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnalogOutputParameters {
    /// Where it is.
    pub place: AnalogPlace,
    /// The lowest and the highest value that it may be set to.
    pub range: (f64, f64),
    /// What it is set to at start, at the end of the daemon, and where the cycle fails.
    pub safe: f64,
    /// It is set to that while the machine has a fault, too.
    pub safe_on_fault: bool,
}

/// Why an output was not set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AnalogRefusal {
    /// There are so many outputs.
    NoSuchOutput(usize),
    /// This is the nearest value that it may have.
    OutOfRange(f64),
}

/// The machine's analogue inputs and outputs.
pub struct MachineAnalogs {
    inputs: Box<[AnalogPlace]>,
    outputs: Box<[AnalogOutputParameters]>,
    /// What the inputs mean, then what the outputs are set to.
    values: Box<[f64]>,
}

impl MachineAnalogs {
    /// Inputs and outputs as configured; every output at its safe value.
    pub fn new(inputs: Vec<AnalogPlace>, outputs: Vec<AnalogOutputParameters>) -> MachineAnalogs {
        let at_start = inputs.iter().map(|_| 0.0).chain(outputs.iter().map(|output| output.safe));
        MachineAnalogs { values: at_start.collect(), inputs: inputs.into(), outputs: outputs.into() }
    }

    /// Reads every input; `image` gives a bus's input image.
    pub fn read<'a>(&mut self, image: impl Fn(BusId) -> &'a [u8]) {
        for (input, value) in self.inputs.iter().zip(&mut self.values) {
            let raw = image(input.bus).get(input.byte..).and_then(|bytes| input.format.read(bytes));
            if let Some(raw) = raw {
                *value = input.scale.zero + raw as f64 * input.scale.per_count;
            }
        }
    }

    /// Sets an output from now on.
    ///
    /// # Errors
    /// Where there is no such output, or the value is outside its range, or no number.
    pub fn set(&mut self, output: u8, value: f64) -> Result<(), AnalogRefusal> {
        let count = self.outputs.len();
        let place = self.values.get_mut(self.inputs.len() + usize::from(output));
        let (Some(parameters), Some(place)) = (self.outputs.get(usize::from(output)), place) else {
            return Err(AnalogRefusal::NoSuchOutput(count));
        };
        let (lowest, highest) = parameters.range;
        // Written so that NaN is outside.
        if value >= lowest && value <= highest {
            *place = value;
            Ok(())
        } else {
            Err(AnalogRefusal::OutOfRange(if value < lowest { lowest } else { highest }))
        }
    }

    /// Sets every output to its safe value.
    pub fn make_safe(&mut self) {
        for (output, value) in self.outputs.iter().zip(self.values.iter_mut().skip(self.inputs.len())) {
            *value = output.safe;
        }
    }

    /// Writes every output; `faulted` applies the reactions to faults, which stay until the output is set again.
    /// `put` takes bytes to a place in a bus's output image.
    pub fn write(&mut self, faulted: bool, mut put: impl FnMut(BusId, usize, &[u8])) {
        for (output, value) in self.outputs.iter().zip(self.values.iter_mut().skip(self.inputs.len())) {
            if faulted && output.safe_on_fault {
                *value = output.safe;
            }
            output.place.put(*value, &mut put);
        }
    }

    /// Hands every output's safe value to `put`, whatever it is set to.
    pub fn write_safe(&self, mut put: impl FnMut(BusId, usize, &[u8])) {
        for output in &self.outputs {
            output.place.put(output.safe, &mut put);
        }
    }

    /// What the inputs mean, then what the outputs are set to, in the configuration's order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(byte: usize, format: AnalogFormat, scale: AnalogScale) -> AnalogPlace {
        AnalogPlace { bus: BusId(0), byte, format, scale }
    }

    /// 10 at the highest number.
    const VOLTS: AnalogScale = AnalogScale { zero: 0.0, per_count: 10.0 / 32767.0 };
    /// 4 at 0, 20 at the highest number.
    const LOOP: AnalogScale = AnalogScale { zero: 4.0, per_count: 16.0 / 32767.0 };

    #[test]
    fn numbers_are_scaled_to_what_they_mean() {
        let inputs = vec![place(1, AnalogFormat::I16, VOLTS), place(3, AnalogFormat::I16, LOOP)];
        let mut machine = MachineAnalogs::new(inputs, Vec::new());
        machine.read(|_| &[0xFF, 0x01, 0x80, 0xFF, 0x7F]);
        assert_eq!(machine.values(), [-10.0, 20.0]);
        machine.read(|_| &[0xFF, 0, 0, 0]);
        assert_eq!(machine.values(), [0.0, 20.0], "what is not there stays");
    }

    #[test]
    fn every_format_is_little_endian_with_its_sign() {
        let bytes = [0xFE, 0xFF, 0xFF, 0xFF];
        let formats = [
            (AnalogFormat::I8, -2),
            (AnalogFormat::U8, 0xFE),
            (AnalogFormat::I16, -2),
            (AnalogFormat::U16, 0xFFFE),
            (AnalogFormat::I32, -2),
            (AnalogFormat::U32, 0xFFFF_FFFE),
        ];
        for (format, raw) in formats {
            assert_eq!(format.read(&bytes), Some(raw), "{format:?}");
            let output = AnalogOutputParameters {
                place: place(3, format, AnalogScale { zero: 0.0, per_count: 1.0 }),
                range: (-1e10, 1e10),
                safe: raw as f64,
                safe_on_fault: true,
            };
            let mut written = Vec::new();
            MachineAnalogs::new(Vec::new(), vec![output])
                .write(false, |_, byte, own| written.push((byte, own.to_vec())));
            assert_eq!(written, [(3, bytes[..format.bytes()].to_vec())], "{format:?}");
            assert_eq!(format.read(&bytes[..format.bytes() - 1]), None, "{format:?}");
        }
    }

    #[test]
    fn outputs_keep_to_their_range_and_become_safe() {
        let output = |safe_on_fault| AnalogOutputParameters {
            place: place(if safe_on_fault { 0 } else { 2 }, AnalogFormat::I16, VOLTS),
            range: (-5.0, 10.0),
            safe: 1.0,
            safe_on_fault,
        };
        let mut machine = MachineAnalogs::new(Vec::new(), vec![output(true), output(false)]);
        let raw = |machine: &mut MachineAnalogs, faulted| {
            let mut image = [0; 4];
            machine.write(faulted, |_, byte, own| image[byte..byte + 2].copy_from_slice(own));
            [i16::from_le_bytes([image[0], image[1]]), i16::from_le_bytes([image[2], image[3]])]
        };
        assert_eq!(raw(&mut machine, false), [3277, 3277], "at start");
        assert_eq!((machine.set(0, 10.0), machine.set(1, -5.0)), (Ok(()), Ok(())));
        assert_eq!(raw(&mut machine, false), [32767, -16384]);
        for (value, nearest) in [(10.01, 10.0), (-5.01, -5.0), (f64::INFINITY, 10.0)] {
            assert_eq!(machine.set(0, value), Err(AnalogRefusal::OutOfRange(nearest)));
        }
        assert!(machine.set(0, f64::NAN).is_err());
        assert_eq!(machine.set(2, 0.0), Err(AnalogRefusal::NoSuchOutput(2)));
        assert_eq!(raw(&mut machine, true), [3277, -16384]);
        assert_eq!(raw(&mut machine, false), [3277, -16384], "until it is set again");
        machine.make_safe();
        assert_eq!((raw(&mut machine, false), machine.values()), ([3277, 3277], &[1.0, 1.0][..]));
    }
}
