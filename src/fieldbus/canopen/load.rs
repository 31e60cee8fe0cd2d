//! How full a bus is: what its configuration sends in a SYNC period, in bits, at worst (ISO 11898-1, 11-bit identifiers).
//!
//! What comes beside that has no time of its own. SDO frames and heartbeats have higher identifiers than SYNC and PDOs: the wire
//! lets those pass first, and one such frame that is on it already is all that can hold them up. An emergency comes before every
//! PDO, once for each fault of a device. So each SYNC period must have room for one frame of eight bytes more than what it carries
//! by the configuration: then every answer comes before the next SYNC while objects are read or a device tells of a fault, and an
//! SDO dialogue gets on by at least a frame in each period. Two devices that tell of faults at the same time may cost an exchange,
//! which is tolerated. What `max-load-percent` leaves is room for that.

use super::frame::MAX_FRAME_BYTES;
use super::plan::{NetworkParameters, NodeParameters, bytes_of, pdos};

/// Bits of a frame without data: arbitration, control, checksum, acknowledgement, end, and the pause behind it.
const FRAME: u64 = 47;
/// Those of them, and of the data, among which stuff bits stand: one behind each four, after the first.
const STUFFED: u64 = 34;

/// Bits of a data frame on the wire, with as many stuff bits as there can be.
pub fn frame_bits(bytes: usize) -> u64 {
    let data = 8 * bytes as u64;
    FRAME + data + (STUFFED + data - 1) / 4
}

/// What a bus carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Bits in a SYNC period: SYNC and PDOs.
    pub cyclic_bits: u64,
    /// Bits that the wire carries in a SYNC period.
    pub period_bits: u64,
    /// The same as a share of what the wire carries, with heartbeats; 1 is full.
    pub share: f64,
}

/// Bits for which there must be room in each SYNC period beside SYNC and PDOs: an SDO, an emergency or a heartbeat.
pub fn spare_bits() -> u64 {
    frame_bits(MAX_FRAME_BYTES)
}

impl Load {
    /// One frame more has room in each SYNC period.
    pub fn has_room(&self) -> bool {
        self.cyclic_bits + spare_bits() <= self.period_bits
    }
}

/// The load of a network at `bit_rate`, bit/s.
pub fn load(network: &NetworkParameters, bit_rate: u32) -> Load {
    let of_node = |node: &NodeParameters| -> u64 {
        let ways = [&node.layout.outputs, &node.layout.inputs];
        ways.into_iter().flat_map(|entries| pdos(entries)).map(|entries| frame_bits(bytes_of(entries))).sum()
    };
    let cyclic_bits = frame_bits(0) + network.nodes.iter().map(of_node).sum::<u64>();
    let cyclic = cyclic_bits as f64 / (network.sync_period_ns() as f64 * 1e-9);
    let per_second = |period_ms: u32| 1000.0 * frame_bits(1) as f64 / f64::from(period_ms.max(1));
    let shortest_ms = network.nodes.iter().map(|node| node.watchdog_ms).filter(|ms| *ms > 0).min();
    // The master sends three heartbeats in the shortest watchdog.
    let heartbeats: f64 = network.nodes.iter().map(|node| per_second(u32::from(node.heartbeat_ms))).sum::<f64>()
        + shortest_ms.map_or(0.0, |ms| 3.0 * per_second(ms));
    let period_bits = network.sync_period_ns() * u64::from(bit_rate) / 1_000_000_000;
    Load { cyclic_bits, period_bits, share: (cyclic + heartbeats) / f64::from(bit_rate.max(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_long_as_with_all_stuff_bits() {
        // CiA 301 has no table of it; Tindell and Burns (1994) count so.
        assert_eq!([0, 4, 6, 8].map(frame_bits), [55, 95, 115, 135]);
    }
}
