//! Terminals that exchange more than bits: their process data byte for byte, and each number of it by name.

use std::fmt::Write;

use super::survey::{Nature, SurveyedDevice};
use super::wording::{BUS, MARK, name};
use crate::fieldbus::ethercat::sii::SiiPdo;
use crate::fieldbus::mapping::PdoEntry;
use crate::limits::{MAX_ANALOG_INPUTS, MAX_ANALOG_OUTPUTS};

/// Most entries, and bytes, of one direction that a skeleton takes from a device.
const MOST: usize = 64;
/// First index that a configuration names.
const FIRST_INDEX: u16 = 0x1000;

/// What a device exchanges, by its SII, in parts that a configuration has, where there are numbers among it and it comes to
/// `bits`. Parts of a byte are put together, under the first of them.
pub fn with_numbers(pdos: &[SiiPdo], bits: u32) -> Option<Vec<PdoEntry>> {
    let entries = || pdos.iter().filter(|pdo| pdo.sync_manager.is_some()).flat_map(|pdo| &pdo.entries).copied();
    let all: u32 = entries().map(|(.., bits)| u32::from(bits)).sum();
    if all != bits || all as usize > 8 * MOST || !entries().any(|(.., bits)| matches!(bits, 16 | 32)) {
        return None;
    }
    let mut whole = Vec::new();
    // The first of the parts that make no whole bytes yet, and the bits of all of them.
    let mut open: Option<(u16, u8, u32)> = None;
    for (index, subindex, bits) in entries() {
        match open {
            None if matches!(bits, 8 | 16 | 32 | 64) => whole.push(PdoEntry { index, subindex, bits }),
            _ => {
                let (index, subindex, before) = open.unwrap_or((index, subindex, 0));
                let together = before + u32::from(bits);
                open = Some((index, subindex, together));
                if together.is_multiple_of(8) {
                    let byte = PdoEntry { index, subindex, bits: 8 };
                    whole.extend((0..together / 8).map(|_| byte));
                    open = None;
                }
            }
        }
    }
    (open.is_none() && whole.len() <= MOST).then_some(whole)
}

/// The entries as a configuration lists them.
pub fn written(entries: &[PdoEntry]) -> String {
    let entry = |entry: &PdoEntry| format!("\"{:04X}:{:02X}:{}\"", entry.index, entry.subindex, entry.bits);
    entries.iter().map(entry).collect::<Vec<_>>().join(", ")
}

/// Every number of every terminal, counts for values.
pub fn write_analogs(out: &mut String, devices: &[SurveyedDevice]) -> std::fmt::Result {
    let terminals = || devices.iter().filter(|device| device.nature() == Nature::Terminal);
    let inputs = terminals().flat_map(|device| numbers(device, &device.found.sii.tx_pdos, device.input_bits()));
    let outputs = terminals().flat_map(|device| numbers(device, &device.found.sii.rx_pdos, device.output_bits()));
    for (table, most, numbers) in [
        ("analog-input", MAX_ANALOG_INPUTS, inputs.collect::<Vec<_>>()),
        ("analog-output", MAX_ANALOG_OUTPUTS, outputs.collect()),
    ] {
        for (device, PdoEntry { index, subindex, bits }) in numbers.into_iter().take(most) {
            writeln!(out)?;
            writeln!(out, "[[{table}]]")?;
            writeln!(out, "name = \"{}-{index:04x}-{subindex:02x}\" {MARK} its name", name(device))?;
            writeln!(out, "bus = \"{BUS}\"")?;
            writeln!(out, "device = \"{}\"", name(device))?;
            writeln!(out, "index = {index:#06x}")?;
            writeln!(out, "subindex = {subindex:#04x}")?;
            let full = if bits == 32 { 1_000_000 } else { i64::from(i16::MAX) };
            if bits == 32 {
                writeln!(out, "type = \"i32\"")?;
                writeln!(out, "raw-full-scale = {full}")?;
            }
            writeln!(
                out,
                "full-scale = {full} {MARK} what that number means, and its unit; as it stands, values are counts"
            )?;
        }
    }
    Ok(())
}

fn numbers<'a>(
    device: &'a SurveyedDevice,
    pdos: &[SiiPdo],
    bits: u32,
) -> impl Iterator<Item = (&'a SurveyedDevice, PdoEntry)> {
    let entries = with_numbers(pdos, bits).unwrap_or_default();
    let same = |a: &PdoEntry, b: &PdoEntry| (a.index, a.subindex) == (b.index, b.subindex);
    let number = |(place, entry): (usize, &PdoEntry)| {
        let first = !entries[..place].iter().any(|before| same(before, entry));
        (first && matches!(entry.bits, 16 | 32) && entry.index >= FIRST_INDEX).then_some((device, *entry))
    };
    entries.iter().enumerate().filter_map(number).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pdo(entries: &[(u16, u8, u8)]) -> Vec<SiiPdo> {
        vec![SiiPdo { index: 0x1A00, sync_manager: Some(3), entries: entries.to_vec() }]
    }

    #[test]
    fn parts_of_bytes_are_put_together() {
        // A status of single bits and gaps in front of a number.
        let status = [1, 1, 2, 2, 1, 1, 5, 1, 1, 1].map(|bits| (0x6000, 1, bits));
        let mut entries = status.to_vec();
        entries.push((0x6000, 0x11, 16));
        let found = with_numbers(&pdo(&entries), 32).unwrap();
        assert_eq!(written(&found), r#""6000:01:8", "6000:01:8", "6000:11:16""#);
        assert_eq!(with_numbers(&pdo(&entries), 31), None, "something else is mapped");
    }

    #[test]
    fn what_is_bits_only_or_ends_within_a_byte_is_left_alone() {
        assert_eq!(with_numbers(&pdo(&[(0x6000, 1, 1), (0x6010, 1, 1)]), 2), None);
        assert_eq!(with_numbers(&pdo(&[(0x6000, 1, 16), (0x6010, 1, 1)]), 17), None);
        assert_eq!(with_numbers(&pdo(&[(0x6000, 1, 8)]), 8), None);
    }
}
