//! A drive profile made from a vendor's description: what all devices of a type have in common, for the key `profile`.

use std::fmt::Write;

use crate::fieldbus::ethercat::synchronisation::Synchronisation;

use super::esi::{EsiCommand, EsiDevice, EsiPdo};
use super::wording::{MARK, plain};

/// The text of a profile; `source` is where the description was read.
pub fn profile(device: &EsiDevice, vendor_name: &str, source: &str) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, device, vendor_name, source);
    text
}

fn write(out: &mut String, device: &EsiDevice, vendor_name: &str, source: &str) -> std::fmt::Result {
    writeln!(
        out,
        "# {} ({}) by {}, as {} describes it.",
        plain(&device.name),
        plain(&device.kind),
        plain(vendor_name),
        plain(source)
    )?;
    writeln!(
        out,
        "# Mailbox: {}.",
        if device.protocols.is_empty() { "none".to_string() } else { device.protocols.join(", ") }
    )?;
    for manager in &device.sync_managers {
        writeln!(out, "# Sync manager {}: {:04X}h, {} bytes.", plain(&manager.usage), manager.start, manager.bytes)?;
    }
    for mode in &device.modes {
        let clock = if mode.assign_activate == 0 {
            "without distributed clocks".to_string()
        } else {
            format!("0980h = {:#06x}, SYNC0 shifted by {} ns", mode.assign_activate, mode.shift_ns)
        };
        writeln!(out, "# Synchronisation {:?}: {clock}.", plain(&mode.name))?;
    }
    writeln!(out)?;
    writeln!(out, "[device]")?;
    writeln!(out, "vendor-id = {:#010x}", device.vendor)?;
    writeln!(out, "product-code = {:#010x}", device.product)?;
    writeln!(out, "revision = {:#010x}", device.revision)?;
    writeln!(out, "revision-policy = \"at-least\"")?;
    synchronisation(out, device)?;
    let (outputs, inputs) = (mapping(&device.rx_pdos), mapping(&device.tx_pdos));
    if device.can_map {
        writeln!(out, "mapping = \"free\"")?;
    } else if let (Some(outputs), Some(inputs)) = (&outputs, &inputs) {
        writeln!(out, "mapping = \"fixed\" # the device has these process data and no others")?;
        writeln!(out, "pdo-outputs = [{outputs}]")?;
        writeln!(out, "pdo-inputs = [{inputs}]")?;
    } else {
        writeln!(
            out,
            "{MARK} its entries cannot be mapped, and its own process data have parts of no whole bytes or are none"
        )?;
    }
    for pdo in device.rx_pdos.iter().chain(&device.tx_pdos) {
        let entries =
            |entry: &super::esi::EsiEntry| format!("{:04X}:{:02X}:{}", entry.index, entry.subindex, entry.bits);
        let entries: Vec<String> = pdo.entries.iter().map(entries).collect();
        let name = if pdo.name.is_empty() { String::new() } else { format!(" {}", plain(&pdo.name)) };
        let usual = if pdo.sync_manager.is_some() { ", by default" } else { "" };
        let fixed = if pdo.fixed { ", fixed" } else { "" };
        writeln!(out, "# {:04X}h{name}{usual}{fixed}: {}", pdo.index, entries.join(" "))?;
    }
    for command in device.startup() {
        write_command(out, command)?;
    }
    Ok(())
}

/// The first way to be synchronised, which is the vendor's choice; others are remarks above.
fn synchronisation(out: &mut String, device: &EsiDevice) -> std::fmt::Result {
    let Some(mode) = device.modes.first() else { return Ok(()) };
    if mode.assign_activate != 0
        && !(Synchronisation { assign_activate: mode.assign_activate, ..Default::default() }).is_on()
    {
        let (name, value) = (plain(&mode.name), mode.assign_activate);
        return writeln!(out, "{MARK} {name:?} wants 0980h = {value:#06x}, which is without SYNC0, and is not taken");
    }
    writeln!(out, "dc-assign-activate = {:#06x} # {}", mode.assign_activate, plain(&mode.name))?;
    for (key, value_ns) in [("sync0-shift-us", mode.shift_ns), ("sync1-us", mode.sync1_ns)] {
        if value_ns != 0 {
            writeln!(out, "{key} = {}", value_ns as f64 / 1000.0)?;
        }
    }
    Ok(())
}

/// The PDOs that are assigned by default as a list of entries; `None` where they have none, or some that fill no bytes.
pub(super) fn mapping(pdos: &[EsiPdo]) -> Option<String> {
    let assigned = pdos.iter().filter(|pdo| pdo.sync_manager.is_some());
    let entries: Vec<_> = assigned.flat_map(|pdo| &pdo.entries).collect();
    let whole = !entries.is_empty() && entries.iter().all(|entry| matches!(entry.bits, 8 | 16 | 32 | 64));
    let written = entries.iter().map(|entry| format!("\"{:04X}:{:02X}:{}\"", entry.index, entry.subindex, entry.bits));
    whole.then(|| written.collect::<Vec<_>>().join(", "))
}

fn write_command(out: &mut String, command: &EsiCommand) -> std::fmt::Result {
    let EsiCommand { index, subindex, data, comment, .. } = command;
    writeln!(out)?;
    if !comment.is_empty() {
        writeln!(out, "# {}", plain(comment))?;
    }
    let number = data.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let kind = match data.len() {
        1 => "u8",
        2 => "u16",
        4 => "u32",
        8 if i64::try_from(number).is_ok() => "u64",
        _ => {
            let bytes: Vec<String> = data.iter().map(|byte| format!("{byte:02x}")).collect();
            return writeln!(
                out,
                "{MARK} {index:04X}h:{subindex:02X} = {}: no number, and not written",
                bytes.join(" ")
            );
        }
    };
    if *index < 0x1000 {
        return writeln!(
            out,
            "{MARK} {index:04X}h:{subindex:02X} = {number:#x}: no object of the device, and not written"
        );
    }
    writeln!(out, "[[startup]]")?;
    writeln!(out, "index = {index:#06x}")?;
    writeln!(out, "subindex = {subindex}")?;
    writeln!(out, "type = \"{kind}\"")?;
    writeln!(out, "value = {number:#x}")
}
