//! Modes of operation as a drive lists them (6502h), and what they need of the bus (CiA 402-2).

use std::fmt;

/// Profile position.
pub const PROFILE_POSITION: i8 = 1;
/// Interpolated position.
pub const INTERPOLATED_POSITION: i8 = 7;
/// Supported drive modes.
pub const SUPPORTED_MODES: u16 = 0x6502;

/// The modes that have a bit and a number (6060h) one higher; the others are reserved.
const NAMES: [(u32, &str); 9] =
    [(0, "pp"), (1, "vl"), (2, "pv"), (3, "tq"), (5, "hm"), (6, "ip"), (7, "csp"), (8, "csv"), (9, "cst")];

/// The mode that one axis of a drive is used in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisMode {
    /// Which axis of its drive.
    pub axis: u8,
    /// Its number in 6060h.
    pub mode: i8,
}

impl AxisMode {
    /// Its bit of 6502h.
    pub fn bit(self) -> u32 {
        u32::try_from(self.mode - 1).ok().and_then(|bit| 1_u32.checked_shl(bit)).unwrap_or(0)
    }
}

/// A mode that a drive does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownMode {
    /// What is wanted.
    pub wanted: AxisMode,
    /// 6502h.
    pub supported: u32,
}

impl fmt::Display for UnknownMode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AxisMode { axis, mode } = self.wanted;
        let index = super::mapping::axis_object(SUPPORTED_MODES, axis);
        let names = |bits: u32| NAMES.iter().filter(move |(bit, _)| bits >> bit & 1 != 0).map(|(_, name)| *name);
        let wanted = names(self.wanted.bit()).next().unwrap_or("another");
        write!(out, "it has no mode {wanted} (6060h = {mode}): ")?;
        if names(self.supported).next().is_none() {
            return write!(out, "it lists none that is known ({index:04X}h = {:08X}h)", self.supported);
        }
        for (place, name) in names(self.supported).enumerate() {
            out.write_str(if place == 0 { "it has " } else { ", " })?;
            out.write_str(name)?;
        }
        write!(out, " ({index:04X}h = {:08X}h)", self.supported)
    }
}

/// 60C2h for a period: a value and a power of ten of seconds, exactly where there are such numbers.
pub fn interpolation_time(period_ns: u64) -> (u8, i8) {
    for (exponent, unit_ns) in [(-3, 1_000_000), (-4, 100_000), (-5, 10_000), (-6, 1000)] {
        let value = period_ns / unit_ns;
        if period_ns.is_multiple_of(unit_ns) && (1..=255).contains(&value) {
            return (value as u8, exponent);
        }
    }
    ((period_ns / 1_000_000).clamp(1, 255) as u8, -3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_that_is_not_there_is_told_with_those_that_are() {
        let said = |axis, mode, supported| UnknownMode { wanted: AxisMode { axis, mode }, supported }.to_string();
        assert_eq!(said(0, 7, 0x81), "it has no mode ip (6060h = 7): it has pp, csp (6502h = 00000081h)");
        assert_eq!(
            said(1, 1, 0x1_0000),
            "it has no mode pp (6060h = 1): it lists none that is known (6D02h = 00010000h)"
        );
    }

    #[test]
    fn the_interpolation_time_is_the_time_between_two_syncs() {
        assert_eq!(interpolation_time(1_000_000), (1, -3));
        assert_eq!(interpolation_time(4_000_000), (4, -3));
        assert_eq!(interpolation_time(500_000), (5, -4));
        assert_eq!(interpolation_time(250_000), (25, -5));
    }

    #[test]
    fn each_mode_has_the_bit_below_its_number() {
        let bits = [1, 7, 8, 9, 10].map(|mode| AxisMode { axis: 0, mode }.bit());
        assert_eq!(bits, [1, 1 << 6, 1 << 7, 1 << 8, 1 << 9]);
        assert_eq!(AxisMode { axis: 0, mode: -3 }.bit(), 0);
    }
}
