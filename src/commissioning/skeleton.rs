//! A configuration to start from: everything that the devices tell, and for the rest what is slow and does no harm, marked
//! for whoever fills it in.

use std::fmt::Write;

use super::esi::{EsiDevice, describe};
use super::profile::mapping;
use super::survey::{DriveFacts, Nature, SurveyedDevice};
use super::terminal::{with_numbers, write_analogs, written};
use super::wording::{BUS, MARK, name, plain};
use crate::fieldbus::ethercat::scan::FoundDevice;
use crate::fieldbus::mapping::axis_object;
use crate::limits::{MAX_AXES, MAX_BUS_DEVICES, MAX_DEVICE_AXES};

/// Most bits of one direction of a terminal that a configuration has.
const TERMINAL_BITS: u32 = 64;
/// Increments of an encoder that tells nothing: few, so that the axis moves less than it is told, never more.
const UNKNOWN_INCREMENTS: u64 = 1000;
/// Fewest increments with which a tenth of a turn a second is at least one.
const LEAST_PROFILED: u64 = 10;
/// Bits of 6502h.
const PP: u32 = 1;
const IP: u32 = 1 << 6;
const CSP: u32 = 1 << 7;
const CSV: u32 = 1 << 8;
const CST: u32 = 1 << 9;

/// The text of a configuration for these devices on this interface, and on the redundant one of a ring; `known` is what their
/// vendors say of them.
pub fn skeleton(devices: &[SurveyedDevice], interface: &str, redundant: Option<&str>, known: &[EsiDevice]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, devices, interface, redundant, known);
    text
}

fn write(
    out: &mut String,
    devices: &[SurveyedDevice],
    interface: &str,
    redundant: Option<&str>,
    known: &[EsiDevice],
) -> std::fmt::Result {
    let drives = || devices.iter().take(MAX_BUS_DEVICES).filter(|device| device.nature() == Nature::Drive);
    let of = |device: &FoundDevice| describe(known, device.vendor, device.product, device.revision);
    write_head(out, interface, 1000)?;
    writeln!(out, "kind = \"ethercat\"")?;
    writeln!(out, "interface = {interface:?}")?;
    if let Some(redundant) = redundant {
        writeln!(out, "redundant-interface = {redundant:?}")?;
    }
    for device in devices.iter().take(MAX_BUS_DEVICES) {
        write_device(out, device, of(&device.found))?;
    }
    let axes = drives().flat_map(|device| axes(device, of(&device.found)).map(move |axis| (device, axis)));
    for (device, axis) in axes.take(MAX_AXES) {
        let axes = device.mailbox.as_ref().map(|mailbox| mailbox.axes.as_slice()).unwrap_or_default();
        let name = name(device);
        let place = AxisPlace { number: device.found.position.into(), device: &name, axis, axes: axes.len() };
        write_axis(out, &place, &axes.get(usize::from(axis)).copied().unwrap_or_default())?;
    }
    write_analogs(out, &devices[..devices.len().min(MAX_BUS_DEVICES)])?;
    if drives().next().is_none() {
        write_end(out)?;
    }
    Ok(())
}

/// What stands before the keys of the bus that are of its kind.
pub(super) fn write_head(out: &mut String, interface: &str, period_us: u32) -> std::fmt::Result {
    writeln!(
        out,
        "# A machine as it was found on {interface}. It is a start and no machine yet: nothing here knows what hangs on a"
    )?;
    writeln!(
        out,
        "# shaft. Axes count degrees of the motor and are slow. Go through the lines with \"{MARK}\" before you enable a drive,"
    )?;
    writeln!(
        out,
        "# then delete the marks. Every key is explained in reference.toml; motiond check-config FILE tells what is wrong."
    )?;
    writeln!(out)?;
    writeln!(out, "[machine]")?;
    writeln!(out, "name = {:?} {MARK} its name", format!("as found on {interface}"))?;
    writeln!(out, "period-us = {period_us}")?;
    writeln!(out)?;
    writeln!(out, "[[bus]]")?;
    writeln!(out, "name = \"{BUS}\"")?;
    Ok(())
}

/// What stands where there is no axis.
pub(super) fn write_end(out: &mut String) -> std::fmt::Result {
    writeln!(out)?;
    writeln!(
        out,
        "{MARK} no CiA 402 drive was found, and a machine needs an axis: this file is refused until it has one."
    )
}

fn write_device(out: &mut String, device: &SurveyedDevice, known: Option<&EsiDevice>) -> std::fmt::Result {
    let found = &device.found;
    writeln!(out)?;
    writeln!(out, "# {}, serial number {}", plain(device.name()), found.serial)?;
    if let Some(known) = known {
        writeln!(
            out,
            "# Its vendor's description: {} ({}), revision {:#010x}",
            plain(&known.name),
            plain(&known.kind),
            known.revision
        )?;
    }
    if found.alias != 0 {
        writeln!(out, "# Its alias is {0}: alias = {0} instead of position finds it at any place.", found.alias)?;
    }
    if let Some(why) = device.mailbox.as_ref().and_then(|mailbox| mailbox.failed.as_ref()) {
        writeln!(out, "{MARK} its mailbox did not tell everything: {}", plain(&why.to_string()))?;
    }
    writeln!(out, "[[bus.device]]")?;
    writeln!(out, "name = \"{}\"", name(device))?;
    let nature = device.nature();
    if nature != Nature::Drive {
        writeln!(out, "kind = \"{nature}\"")?;
    }
    writeln!(out, "position = {}", found.position)?;
    writeln!(out, "vendor-id = {:#010x}", found.vendor)?;
    writeln!(out, "product-code = {:#010x}", found.product)?;
    writeln!(out, "revision = {:#010x}", found.revision)?;
    let fixed = known.filter(|known| nature == Nature::Drive && !known.can_map);
    let own = fixed.and_then(|known| Some((mapping(&known.rx_pdos)?, mapping(&known.tx_pdos)?)));
    if let Some((outputs, inputs)) = own {
        writeln!(out, "mapping = \"fixed\" {MARK} its vendor says that it has these process data and no others")?;
        writeln!(out, "pdo-outputs = [{outputs}]")?;
        writeln!(out, "pdo-inputs = [{inputs}]")?;
    }
    if nature == Nature::Terminal {
        let sii = &found.sii;
        for (key, list, pdos, bits) in [
            ("digital-inputs", "pdo-inputs", &sii.tx_pdos, device.input_bits()),
            ("digital-outputs", "pdo-outputs", &sii.rx_pdos, device.output_bits()),
        ] {
            if let Some(entries) = with_numbers(pdos, bits) {
                writeln!(out, "{list} = [{}]", written(&entries))?;
            } else if bits > TERMINAL_BITS {
                writeln!(out, "{key} = {TERMINAL_BITS} {MARK} it has {bits} bits, more than a terminal may have here")?;
            } else if bits > 0 {
                writeln!(out, "{key} = {bits}")?;
            }
        }
    }
    Ok(())
}

/// Increments of the drive's positions in one motor turn, and where that comes from.
fn increments(facts: &DriveFacts) -> Option<(u64, String)> {
    let whole = |numerator: u64, denominator: u64| {
        let exact = denominator > 0 && numerator > 0 && numerator.is_multiple_of(denominator);
        exact.then(|| numerator / denominator).filter(|increments| u32::try_from(*increments).is_ok())
    };
    let wide = |(a, b): (u32, u32)| (u64::from(a), u64::from(b));
    let encoder = facts.encoder.map(wide);
    let from_encoder = encoder.and_then(|(increments, turns)| whole(increments, turns));
    // Where the drive scales its positions, its units are not those of the encoder.
    if let (Some((feed, shaft)), Some((motor, gear_shaft))) = (facts.feed.map(wide), facts.gear.map(wide))
        && feed > 0
        && let Some(increments) =
            shaft.checked_mul(motor).and_then(|divisor| whole(feed.checked_mul(gear_shaft)?, divisor))
    {
        return Some((increments, "the drive says so (6092h by 6091h)".to_string()));
    }
    from_encoder.map(|increments| (increments, "the drive says so (608Fh)".to_string()))
}

/// The axes of a drive that exchange something; the first always does.
fn axes(device: &SurveyedDevice, known: Option<&EsiDevice>) -> impl Iterator<Item = u8> {
    let count = device.mailbox.as_ref().map_or(1, |mailbox| mailbox.axes.len().clamp(1, MAX_DEVICE_AXES)) as u8;
    let own = known.filter(|known| !known.can_map).and_then(|known| mapping(&known.rx_pdos));
    (0..count).filter(move |axis| {
        let controlword = format!("{:04X}:", axis_object(0x6040, *axis));
        *axis == 0 || own.as_ref().is_none_or(|own| own.contains(&controlword))
    })
}

/// Which axis of which device.
pub(super) struct AxisPlace<'a> {
    /// The device's place on its bus.
    pub number: u32,
    /// Its name in the configuration.
    pub device: &'a str,
    /// The axis of it, and how many it has.
    pub axis: u8,
    pub axes: usize,
}

pub(super) fn write_axis(out: &mut String, place: &AxisPlace<'_>, facts: &DriveFacts) -> std::fmt::Result {
    let AxisPlace { number, device, axis, axes } = *place;
    writeln!(out)?;
    writeln!(out, "[[axis]]")?;
    let behind = if axis == 0 { String::new() } else { format!("-{axis}") };
    writeln!(out, "name = \"axis-{number}{behind}\" {MARK} its name")?;
    writeln!(
        out,
        "kind = \"rotary\" {MARK} \"linear\" needs mechanics.lead-mm-per-turn, and keys in mm instead of deg"
    )?;
    writeln!(out, "bus = \"{BUS}\"")?;
    writeln!(out, "device = \"{device}\"")?;
    if axes > 1 {
        writeln!(out, "device-axis = {axis}")?;
    }
    let (increments, source) = increments(facts)
        .unwrap_or_else(|| (UNKNOWN_INCREMENTS, "the drive does not say, and this is surely too few".to_string()));
    let modes = facts.modes.unwrap_or(CSP);
    let mode = match modes {
        modes if modes & CSP != 0 => "csp",
        modes if modes & CSV != 0 => "csv",
        modes if modes & CST != 0 => "cst",
        modes if modes & IP != 0 => "ip",
        // The drive's own profile counts whole increments a second.
        modes if modes & PP != 0 && increments >= LEAST_PROFILED => "pp",
        _ => "csp",
    };
    let doubt = match facts.modes {
        None => format!(" {MARK} the drive does not tell its modes (6502h)"),
        Some(modes) if mode == "csp" && modes & CSP == 0 => {
            format!(" {MARK} the drive has no mode that can be used (6502h = {modes:#x})")
        }
        Some(_) if mode == "pp" => format!(" {MARK} the drive has no cyclic mode: it lags, and can be in no group"),
        Some(_) => String::new(),
    };
    writeln!(out, "mode = \"{mode}\"{doubt}")?;
    writeln!(out, "reference = \"none\" {MARK} \"absolute\" with an absolute encoder")?;
    writeln!(out)?;
    writeln!(out, "[axis.mechanics]")?;
    writeln!(out, "encoder-increments-per-motor-turn = {increments} {MARK} {source}")?;
    writeln!(out, "gear = \"1:1\" {MARK} motor turns to load turns")?;
    writeln!(out)?;
    writeln!(
        out,
        "[axis.limits] {MARK} a tenth of a motor turn a second, for first moves; what the machine can take comes later"
    )?;
    writeln!(out, "max-velocity-deg-per-s = 36")?;
    writeln!(out, "max-acceleration-deg-per-s2 = 180")?;
    writeln!(out, "max-jerk-deg-per-s3 = 1800")?;
    writeln!(out, "# min-position-deg = -90 {MARK} soft limits, once the axis has its reference")?;
    writeln!(out, "# max-position-deg = 90")?;
    writeln!(out)?;
    writeln!(out, "[axis.in-position]")?;
    // No window can be narrower than what the encoder tells apart.
    let increment = 360_u64.div_ceil(increments);
    writeln!(out, "window-deg = {}", increment.max(1))?;
    writeln!(out)?;
    writeln!(out, "[axis.following-error]")?;
    writeln!(
        out,
        "window-deg = {} {MARK} how far the axis may be from where it shall be before it is stopped",
        (2 * increment).max(10)
    )?;
    writeln!(out, "time-ms = 50")?;
    if matches!(mode, "csv" | "cst") {
        writeln!(out)?;
        writeln!(out, "[axis.gains] {MARK} weak; the daemon closes the loop")?;
        writeln!(out, "position-per-s = 1")?;
        if mode == "cst" {
            writeln!(out, "velocity-s-per-deg = 0.0001")?;
        }
    }
    Ok(())
}
