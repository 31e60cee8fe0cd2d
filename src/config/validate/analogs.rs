//! Named analogue inputs and outputs: where their numbers stand in the process images, and what they mean.

use super::super::analog::{AnalogInput, AnalogOutput, AnalogWord};
use super::super::machine::{AnalogInputConfig, AnalogOutputConfig, BusConfig};
use super::super::reader::{At, Place, Reader};
use super::super::schema::{DeviceKind, File, ObjectType};
use super::inputs::find_device;
use crate::cycle::machine_analogs::{AnalogFormat, AnalogOutputParameters, AnalogPlace, AnalogScale};
use crate::fieldbus::mapping::{PdoEntry, place};

/// Every input that has a place.
pub fn analog_inputs(reader: &mut Reader<'_>, file: &File, buses: &[BusConfig]) -> Vec<AnalogInputConfig> {
    let mut inputs: Vec<AnalogInputConfig> = Vec::new();
    for input in &file.analog_inputs {
        let AnalogInput { name, bus, device, index, subindex, kind, unit, zero, full_scale, raw_full_scale, .. } =
            input;
        let scale = Scaling { zero, full_scale, raw_full_scale };
        let number = Number { bus, device, index, subindex, kind, scale };
        let Some(parameters) = number.place(reader, file, buses, true) else { continue };
        inputs.push(AnalogInputConfig {
            name: name.value.clone(),
            unit: unit.value.clone().unwrap_or_default(),
            parameters,
        });
    }
    inputs
}

/// Every output that has a place.
pub fn analog_outputs(reader: &mut Reader<'_>, file: &File, buses: &[BusConfig]) -> Vec<AnalogOutputConfig> {
    let mut outputs: Vec<AnalogOutputConfig> = Vec::new();
    for output in &file.analog_outputs {
        let AnalogOutput { name, bus, device, index, subindex, kind, unit, zero, full_scale, raw_full_scale, .. } =
            output;
        let scale = Scaling { zero, full_scale, raw_full_scale };
        let number = Number { bus, device, index, subindex, kind, scale };
        let Some(place) = number.place(reader, file, buses, false) else { continue };
        let same = |other: &&AnalogOutputConfig| {
            let other = other.parameters.place;
            (other.bus, other.byte) == (place.bus, place.byte)
        };
        if let Some(other) = outputs.iter().find(same) {
            let allowed = format!("an object of its own (analog-output \"{}\" has this one)", other.name);
            reader.report(&output.index.place, allowed);
        }
        let Some(range) = range(reader, output, &place) else { continue };
        let parameters = AnalogOutputParameters {
            place,
            range,
            safe: *output.safe,
            safe_on_fault: *output.on_fault == AnalogWord::SafeValue,
        };
        outputs.push(AnalogOutputConfig {
            name: name.value.clone(),
            unit: unit.value.clone().unwrap_or_default(),
            parameters,
        });
    }
    outputs
}

/// What an output may be set to: all that its type can represent, or less.
fn range(reader: &mut Reader<'_>, output: &AnalogOutput, place: &AnalogPlace) -> Option<(f64, f64)> {
    let (low, high) = place.format.range();
    let ends = [low, high].map(|raw| place.scale.zero + raw as f64 * place.scale.per_count);
    let (least, most) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    // Full scale is meant exactly, however its counts round.
    let slack = place.scale.per_count.abs() / 2.0;
    let mut fits = true;
    for end in [&output.lowest, &output.highest] {
        if end.is_some_and(|end| end < least - slack || end > most + slack) {
            reader.report(&end.place, format!("from {least} to {most}, which is what the type can represent"));
            fits = false;
        }
    }
    let (lowest, highest) = (output.lowest.unwrap_or(least), output.highest.unwrap_or(most));
    if lowest > highest {
        reader.report(&output.highest.place, format!("at least lowest ({lowest})"));
        return None;
    }
    if fits && !(lowest..=highest).contains(&*output.safe) {
        reader.report(&output.safe.place, format!("from {lowest} to {highest}: what it may be set to"));
        return None;
    }
    fits.then_some((lowest, highest))
}

/// What a number means, as it is written.
struct Scaling<'a> {
    zero: &'a At<f64>,
    full_scale: &'a At<f64>,
    raw_full_scale: &'a At<Option<i64>>,
}

/// Where a number is, as it is written.
struct Number<'a> {
    bus: &'a At<String>,
    device: &'a At<String>,
    index: &'a At<u16>,
    subindex: &'a At<u8>,
    kind: &'a At<ObjectType>,
    scale: Scaling<'a>,
}

impl Number<'_> {
    /// Where it is in the images and what it means; what is wrong with that is reported.
    fn place(&self, reader: &mut Reader<'_>, file: &File, buses: &[BusConfig], input: bool) -> Option<AnalogPlace> {
        let (bus, device) = find_device(reader, self.bus, self.device, file, buses)?;
        if device.kind != DeviceKind::Terminal {
            reader.report(&self.device.place, "a device of kind \"terminal\"");
            return None;
        }
        let written = file.buses.iter().find(|other| other.name.value == **self.bus)?.devices.iter();
        let written = written.into_iter().find(|other| other.name.value == **self.device)?;
        let (entries, offset, bits, key) = match input {
            true => (&device.layout.inputs, device.layout.input_offset, *written.digital_inputs, "pdo-inputs"),
            false => (&device.layout.outputs, device.layout.output_offset, *written.digital_outputs, "pdo-outputs"),
        };
        let digital_bytes = usize::from(bits.div_ceil(8));
        let others: &[PdoEntry] = entries.get(digital_bytes..).unwrap_or_default();
        let (index, subindex) = (**self.index, **self.subindex);
        let Some((byte, bytes)) = place(others, index, subindex) else {
            let name = &device.name;
            reader.report(
                &self.index.place,
                format!("an object among the {key} of \"{name}\"; {index:04X}:{subindex:02X} is none"),
            );
            return None;
        };
        let format = self.format(reader, bytes)?;
        let scale = self.scale(reader, format)?;
        Some(AnalogPlace { bus, byte: offset + digital_bytes + byte, format, scale })
    }

    fn format(&self, reader: &mut Reader<'_>, bytes: usize) -> Option<AnalogFormat> {
        let format = match **self.kind {
            ObjectType::I8 => AnalogFormat::I8,
            ObjectType::U8 => AnalogFormat::U8,
            ObjectType::I16 => AnalogFormat::I16,
            ObjectType::U16 => AnalogFormat::U16,
            ObjectType::I32 => AnalogFormat::I32,
            ObjectType::U32 => AnalogFormat::U32,
            ObjectType::I64 | ObjectType::U64 => {
                reader.report(&self.kind.place, "a type of up to 32 bits");
                return None;
            }
        };
        if format.bytes() == bytes {
            return Some(format);
        }
        let bits = 8 * bytes;
        reader.report(&self.kind.place, format!("a type of {bits} bits, as this object has"));
        None
    }

    fn scale(&self, reader: &mut Reader<'_>, format: AnalogFormat) -> Option<AnalogScale> {
        let Scaling { zero, full_scale, raw_full_scale } = self.scale;
        let most = format.range().1;
        let raw = raw_full_scale.unwrap_or(most);
        let mut wrong = |place: &Place, allowed: String| {
            reader.report(place, allowed);
            None
        };
        if raw > most {
            return wrong(&raw_full_scale.place, format!("up to {most}, the highest number of the type"));
        }
        let per_count = (**full_scale - **zero) / raw as f64;
        if per_count == 0.0 {
            return wrong(&full_scale.place, format!("another value than zero ({})", **zero));
        }
        Some(AnalogScale { zero: **zero, per_count })
    }
}
