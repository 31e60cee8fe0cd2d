//! A bus whose outputs wait, so that its axes move at the same time as those of a slower bus.
//!
//! What an axis is told reaches its shaft later over CAN than over EtherCAT. Axes of one group on both would leave the group's
//! path by that time times their velocity; so the faster bus sends what was computed some cycles ago. Everything waits, the
//! controlword with the setpoint: to the cycle it is a bus with a longer delay. What is left of a cycle is a place between two
//! targets, which differs from the path by at most an eighth of the acceleration times the period's square.
//!
//! Cost: two copies of the output image a cycle, and a few operations a target.

use super::mapping::PdoEntry;
use super::news::BusNews;
use super::{CycleReport, CyclicBus};
use crate::fieldbus::mapping::DeviceLayout;

/// Targets of a drive and their offsets, by their place among the objects of its axes: those that may stand between two values.
const TARGETS: [u16; 6] = [0x6071, 0x607A, 0x60B1, 0x60B2, 0x60C1, 0x60FF];

/// A bus and the outputs that wait for their turn.
pub struct AlignedBus {
    bus: Box<dyn CyclicBus>,
    /// The newest at `newest`, those before it behind.
    images: Box<[Box<[u8]>]>,
    newest: usize,
    /// Whole cycles that they wait, and the rest of one.
    cycles: usize,
    rest: f64,
    /// First byte and bytes of each target.
    targets: Box<[(usize, usize)]>,
    sent: Box<[u8]>,
}

impl std::fmt::Debug for AlignedBus {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("AlignedBus").field("cycles", &self.delay()).finish_non_exhaustive()
    }
}

impl AlignedBus {
    /// The outputs of `bus`, whose devices have these layouts, wait for so many cycles.
    pub fn new<'a>(
        bus: Box<dyn CyclicBus>,
        layouts: impl Iterator<Item = &'a DeviceLayout>,
        output_bytes: usize,
        cycles: f64,
    ) -> AlignedBus {
        let whole = cycles.max(0.0).floor();
        let mut targets = Vec::new();
        for layout in layouts {
            let mut first = layout.output_offset;
            for entry in &layout.outputs {
                let bytes = usize::from(entry.bits / 8);
                if is_target(entry) {
                    targets.push((first, bytes));
                }
                first += bytes;
            }
        }
        let image = || vec![0; output_bytes].into_boxed_slice();
        AlignedBus {
            bus,
            images: (0..whole as usize + 2).map(|_| image()).collect(),
            newest: 0,
            cycles: whole as usize,
            rest: cycles.max(0.0) - whole,
            targets: targets.into(),
            sent: image(),
        }
    }

    fn delay(&self) -> f64 {
        self.cycles as f64 + self.rest
    }

    /// The image of so many cycles ago.
    fn image(&self, ago: usize) -> &[u8] {
        &self.images[(self.newest + self.images.len() - ago) % self.images.len()]
    }

    fn lay_out(&mut self) {
        let mut sent = std::mem::take(&mut self.sent);
        let (newer, older) = (self.image(self.cycles), self.image(self.cycles + 1));
        sent.copy_from_slice(newer);
        if self.rest > 0.0 {
            for &(first, bytes) in &self.targets {
                let place = first..first + bytes;
                between(&older[place.clone()], &newer[place.clone()], self.rest, &mut sent[place]);
            }
        }
        self.sent = sent;
    }
}

fn is_target(entry: &PdoEntry) -> bool {
    entry
        .axis()
        .is_some_and(|axis| TARGETS.iter().any(|index| super::mapping::axis_object(*index, axis) == entry.index))
        && matches!(entry.bits, 16 | 32)
}

/// The number that is `share` of the way back from `newer` to `older`; numbers wrap.
fn between(older: &[u8], newer: &[u8], share: f64, out: &mut [u8]) {
    let back = |way: f64| (way * share).round();
    match (older, newer) {
        ([a, b], [c, d]) => {
            let (older, newer) = (i16::from_le_bytes([*a, *b]), i16::from_le_bytes([*c, *d]));
            let way = back(f64::from(older.wrapping_sub(newer))) as i16;
            out.copy_from_slice(&newer.wrapping_add(way).to_le_bytes());
        }
        ([a, b, c, d], [e, f, g, h]) => {
            let (older, newer) = (i32::from_le_bytes([*a, *b, *c, *d]), i32::from_le_bytes([*e, *f, *g, *h]));
            let way = back(f64::from(older.wrapping_sub(newer))) as i32;
            out.copy_from_slice(&newer.wrapping_add(way).to_le_bytes());
        }
        _ => {}
    }
}

impl CyclicBus for AlignedBus {
    fn begin(&mut self, outputs: &[u8], cycle_start_ns: u64) {
        self.newest = (self.newest + 1) % self.images.len();
        let newest = &mut self.images[self.newest];
        let length = newest.len().min(outputs.len());
        newest[..length].copy_from_slice(&outputs[..length]);
        self.lay_out();
        self.bus.begin(&self.sent, cycle_start_ns);
    }

    fn finish(&mut self, inputs: &mut [u8], deadline_ns: u64) -> CycleReport {
        self.bus.finish(inputs, deadline_ns)
    }

    fn request_recovery(&mut self) {
        self.bus.request_recovery();
    }

    fn set_dropped(&mut self, devices: u64) {
        self.bus.set_dropped(devices);
    }

    fn take_news(&mut self) -> Option<BusNews> {
        self.bus.take_news()
    }

    fn feedback_delay_periods(&self) -> f64 {
        self.bus.feedback_delay_periods() + self.delay()
    }

    fn actuation_delay_periods(&self) -> f64 {
        self.bus.actuation_delay_periods() + self.delay()
    }
}

/// How many cycles the outputs of each bus have to wait: `delays` are those of the buses, `fixed` what was configured for them,
/// `together` the buses of each group of axes that move together.
pub fn waits(delays: &[f64], fixed: &[Option<u32>], together: &[Vec<usize>]) -> Vec<f64> {
    let mut waits: Vec<f64> = fixed.iter().map(|fixed| f64::from(fixed.unwrap_or(0))).collect();
    // A wait in one group may ask for another in the next; each round settles at least one bus.
    for _ in 0..delays.len() {
        for buses in together {
            let slowest = buses.iter().map(|bus| delays[*bus] + waits[*bus]).fold(0.0, f64::max);
            for bus in buses.iter().filter(|bus| fixed[**bus].is_none()) {
                waits[*bus] = slowest - delays[*bus];
            }
        }
    }
    waits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_buses_of_a_group_wait_for_the_slowest() {
        let none = [None; 3];
        assert_eq!(waits(&[2.0, 5.0, 2.0], &none, &[]), [0.0, 0.0, 0.0]);
        assert_eq!(waits(&[2.5, 5.0, 2.0], &none, &[vec![0, 1]]), [2.5, 0.0, 0.0]);
        assert_eq!(waits(&[2.0, 5.0, 2.0], &none, &[vec![0, 2], vec![0, 1]]), [3.0, 0.0, 3.0]);
        assert_eq!(waits(&[2.0, 5.0, 2.0], &[Some(1), None, None], &[vec![0, 1]]), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_target_between_two_wraps_as_they_do() {
        let mut out = [0; 4];
        between(&(i32::MAX - 1).to_le_bytes(), &(i32::MIN + 2).to_le_bytes(), 0.5, &mut out);
        assert_eq!(i32::from_le_bytes(out), i32::MIN);
        between(&100_i32.to_le_bytes(), &200_i32.to_le_bytes(), 0.25, &mut out);
        assert_eq!(i32::from_le_bytes(out), 175);
        let mut out = [0; 2];
        between(&(-10_i16).to_le_bytes(), &10_i16.to_le_bytes(), 0.5, &mut out);
        assert_eq!(i16::from_le_bytes(out), 0);
    }
}
