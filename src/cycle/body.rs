//! The machine as the real-time thread runs it: one step a period, an orderly end, and what is left to do when a step
//! has panicked.

use super::Cycle;
use super::clock::Clock;
use super::run::{CycleBody, Fallback, Stepped};
use super::schedule::Wake;
use crate::fault::Fault;
use crate::fieldbus::mapping::{DeviceLayout, place};
use crate::ids::BusId;

/// Cycles with every drive disabled before the last one: a drive that has just left Operation Enabled is still told to go on to
/// Switch On Disabled, where the end of the exchange is no fault.
const LAST_CYCLES: u32 = 10;
/// Controlword "quick stop" (CiA 402-2): bit 1 set, bit 2 cleared.
const QUICK_STOP: [u8; 2] = 0x0002u16.to_le_bytes();
/// Periods for which every position must stay within [`STANDSTILL_INCREMENTS`] before an axis counts as standing.
const STANDSTILL_CYCLES: u32 = 50;
/// Increments that a standing axis may move by: encoder noise, not motion.
const STANDSTILL_INCREMENTS: u32 = 16;

/// Where one drive's bytes stand that the fallback needs; `None` where it does not map the object.
pub(super) struct FallbackDrive {
    bus: usize,
    controlword: Option<usize>,
    position: Option<usize>,
    seen: i32,
}

impl FallbackDrive {
    pub fn new(bus: BusId, layout: &DeviceLayout) -> FallbackDrive {
        let controlword = place(&layout.outputs, 0x6040, 0).map(|(offset, _)| layout.output_offset + offset);
        let position = place(&layout.inputs, 0x6064, 0).map(|(offset, _)| layout.input_offset + offset);
        FallbackDrive { bus: bus.index(), controlword, position, seen: 0 }
    }
}

/// What the fallback has seen so far.
pub(super) struct FallbackState {
    drives: Box<[FallbackDrive]>,
    still_cycles: u32,
}

impl FallbackState {
    pub fn new(drives: Box<[FallbackDrive]>) -> FallbackState {
        FallbackState { drives, still_cycles: 0 }
    }
}

impl CycleBody for Cycle {
    fn step(&mut self, wake: &Wake, clock: &dyn Clock) -> Stepped {
        self.exchange_images(wake.deadline_ns);
        let received_ns = clock.now_ns();
        if wake.too_many_skips {
            self.raise(Fault::CycleOverrun, f64::from(wake.skips_in_a_row));
        }
        if wake.shutdown && !self.shutting_down {
            self.shutting_down = true;
            self.shut_down();
        }
        self.decide(wake.skipped);
        self.off_cycles = if self.all_disabled() { self.off_cycles.saturating_add(1) } else { 0 };
        Stepped {
            leave: wake.shutdown && self.off_cycles >= LAST_CYCLES,
            bus_late_ns: received_ns.saturating_sub(wake.deadline_ns + self.receive_deadline_ns),
            shift_ns: self.shift_ns(),
        }
    }

    /// The last images, with the controlword of every drive made "quick stop" and every analogue output safe. Nothing of the
    /// code that failed runs here: no motion, no drive logic, no exchange with other threads.
    fn fallback_step(&mut self, wake: &Wake) -> Fallback {
        for drive in &self.fallback.drives {
            if let (Some(slot), Some(at)) = (self.buses.get_mut(drive.bus), drive.controlword)
                && let Some(word) = slot.outputs.get_mut(at..at + 2)
            {
                word.copy_from_slice(&QUICK_STOP);
            }
        }
        let buses = &mut self.buses;
        self.analogs.write_safe(|bus, byte, safe| {
            let slot = buses.get_mut(bus.index());
            if let Some(place) = slot.and_then(|slot| slot.outputs.get_mut(byte..byte + safe.len())) {
                place.copy_from_slice(safe);
            }
        });
        let deadline_ns = wake.deadline_ns + self.receive_deadline_ns;
        for slot in &mut self.buses {
            slot.bus.begin(&slot.outputs, wake.deadline_ns);
            slot.report = slot.bus.finish(&mut slot.inputs, deadline_ns);
        }
        let mut still = true;
        for drive in &mut self.fallback.drives {
            let bytes =
                self.buses.get(drive.bus).zip(drive.position).and_then(|(slot, at)| slot.inputs.get(at..at + 4));
            if let Some(&[a, b, c, d]) = bytes {
                let position = i32::from_le_bytes([a, b, c, d]);
                if position.wrapping_sub(drive.seen).unsigned_abs() > STANDSTILL_INCREMENTS {
                    drive.seen = position;
                    still = false;
                }
            }
        }
        self.fallback.still_cycles = if still { self.fallback.still_cycles + 1 } else { 0 };
        if self.fallback.still_cycles >= STANDSTILL_CYCLES { Fallback::Standstill } else { Fallback::Moving }
    }
}
