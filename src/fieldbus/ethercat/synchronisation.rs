//! When the application of a device samples and acts: pulses of SYNC0, and of SYNC1 behind them, by the system time.
//!
//! Pulses of SYNC0 come at multiples of the period in the system time, shifted by what the device needs between the arrival
//! of its outputs and their use; the cycle keeps its frames half a period before the unshifted ones.

use super::register::{SYNC_START_TIME, SYNC_UNIT, SYNC0_CYCLE_TIME};
use super::setup::RegisterWrite;

/// From now to the first pulse of SYNC0, nanoseconds: later than the last device has been told of it.
const START_NS: u64 = 200_000_000;
/// Cyclic operation and SYNC0, in the upper byte of [`Synchronisation::assign_activate`].
const SYNC0_ON: u16 = 0x0300;

/// How one device is synchronised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synchronisation {
    /// What belongs into register 0980h and 0981h (ETG.2000, AssignActivate); without its SYNC0 bits it is not synchronised.
    pub assign_activate: u16,
    /// SYNC0 behind multiples of the period, nanoseconds; negative before them. Less than a period.
    pub shift_ns: i64,
    /// SYNC1 behind SYNC0, nanoseconds.
    pub sync1_ns: u32,
}

impl Default for Synchronisation {
    fn default() -> Synchronisation {
        Synchronisation { assign_activate: SYNC0_ON, shift_ns: 0, sync1_ns: 0 }
    }
}

impl Synchronisation {
    /// Whether it has pulses at all.
    pub fn is_on(&self) -> bool {
        self.assign_activate & SYNC0_ON == SYNC0_ON
    }

    /// The writes that start its pulses, in this order, at the system time `system_ns`.
    pub fn writes(&self, period_ns: u64, system_ns: u64) -> [RegisterWrite; 4] {
        let first_ns = system_ns.saturating_add(START_NS).next_multiple_of(period_ns.max(1));
        let start_ns = first_ns.saturating_add_signed(self.shift_ns);
        let mut times = [0; 8];
        times[..4].copy_from_slice(&(period_ns as u32).to_le_bytes());
        times[4..].copy_from_slice(&self.sync1_ns.to_le_bytes());
        [
            RegisterWrite::new(SYNC_UNIT, &[0, 0]),
            RegisterWrite::new(SYNC0_CYCLE_TIME, &times),
            RegisterWrite::new(SYNC_START_TIME, &start_ns.to_le_bytes()),
            RegisterWrite::new(SYNC_UNIT, &self.assign_activate.to_le_bytes()),
        ]
    }

    /// By how much its pulses are behind multiples of the period, nanoseconds, by what register 0990h says: the start, and
    /// from then on the next pulse. `None` where that is as it shall be.
    pub fn out_of_phase(&self, start_ns: u64, period_ns: u64) -> Option<u64> {
        let period_ns = period_ns.max(1);
        let found_ns = start_ns % period_ns;
        (found_ns != self.shift_ns.rem_euclid(period_ns as i64) as u64).then_some(found_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulses_start_at_a_multiple_of_the_period_and_its_shift() {
        let shifted = Synchronisation { assign_activate: 0x0700, shift_ns: -125_000, sync1_ns: 20_000 };
        let writes = shifted.writes(1_000_000, 7_000_123);
        let found: Vec<(u16, &[u8])> = writes.iter().map(|write| (write.register, write.bytes())).collect();
        let start = (208_000_000_u64 - 125_000).to_le_bytes();
        let expected: [(u16, &[u8]); 4] = [
            (0x0980, &[0, 0]),
            (0x09A0, &[0x40, 0x42, 0x0F, 0, 0x20, 0x4E, 0, 0]),
            (0x0990, &start),
            (0x0980, &[0, 7]),
        ];
        assert_eq!(found, expected);
        assert_eq!(shifted.out_of_phase(u64::from_le_bytes(start) + 17_000_000, 1_000_000), None);
        assert_eq!(shifted.out_of_phase(9_000_000, 1_000_000), Some(0));
    }

    #[test]
    fn without_its_bits_there_is_no_sync0() {
        let with = |assign_activate| Synchronisation { assign_activate, ..Synchronisation::default() }.is_on();
        assert!(with(0x0300) && with(0x0700) && with(0x0320));
        assert!(!with(0) && !with(0x0100) && !with(0x0020));
    }
}
