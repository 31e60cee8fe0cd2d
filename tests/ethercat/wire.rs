//! A wire on virtual time that ends in a simulated segment.

use motiond::fieldbus::ethercat::wire::Wire;
use motiond::simulation::ethercat::{End, Segment};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// From sending a frame to its return, nanoseconds.
const ROUND_TRIP_NS: u64 = 30_000;

/// What happens to the next frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mishap {
    /// So many are lost.
    pub lose: u32,
    /// So many come this much later, nanoseconds.
    pub delay: (u32, u64),
    /// So many come twice.
    pub duplicate: u32,
    /// So many come with one bit changed, counted from the end.
    pub corrupt: u32,
}

pub struct Ended {
    pub segment: Segment,
    pub mishap: Mishap,
    /// Frames that were sent.
    pub sent: u64,
    /// Bytes of them.
    pub bytes: u64,
    now_ns: u64,
    /// By the end of the wire at which it arrives.
    back: [VecDeque<(u64, Vec<u8>)>; 2],
}

/// The master's end; copies are of one wire.
#[derive(Clone)]
pub struct SegmentWire {
    shared: Arc<Mutex<Ended>>,
    at: End,
}

impl SegmentWire {
    pub fn to(segment: Segment) -> SegmentWire {
        let (mishap, back) = (Mishap::default(), Default::default());
        let ended = Ended { segment, mishap, sent: 0, bytes: 0, now_ns: 1_000_000_000, back };
        SegmentWire { shared: Arc::new(Mutex::new(ended)), at: End::First }
    }

    /// The same wire, where it ends behind the last device.
    pub fn at_last(&self) -> SegmentWire {
        SegmentWire { at: End::Last, ..self.clone() }
    }

    /// The other end.
    pub fn end(&self) -> MutexGuard<'_, Ended> {
        self.shared.lock().unwrap()
    }
}

fn take(count: &mut u32) -> bool {
    let left = *count > 0;
    *count = count.saturating_sub(1);
    left
}

impl Wire for SegmentWire {
    fn send(&mut self, frame: &[u8], now_ns: u64) -> bool {
        let mut end = self.end();
        end.now_ns = end.now_ns.max(now_ns);
        end.sent += 1;
        end.bytes += frame.len() as u64;
        let (mut frame, now_ns) = (frame.to_vec(), end.now_ns);
        if take(&mut end.mishap.lose) {
            return true;
        }
        let Some(out) = end.segment.pass_from(self.at, &mut frame, now_ns) else { return true };
        let late_ns = if take(&mut end.mishap.delay.0) { end.mishap.delay.1 } else { 0 };
        if take(&mut end.mishap.corrupt) {
            // A controller passes a broken frame on with a wrong check sequence, and the interface drops it; one that still
            // arrives is broken in its structure.
            frame[17] ^= 0x10;
        }
        let arrives_ns = now_ns + ROUND_TRIP_NS + late_ns;
        let twice = take(&mut end.mishap.duplicate);
        let back = &mut end.back[out as usize];
        if twice {
            back.push_back((arrives_ns, frame.clone()));
        }
        back.push_back((arrives_ns, frame));
        back.make_contiguous().sort_by_key(|(arrives_ns, _)| *arrives_ns);
        true
    }

    fn receive(&mut self, buffer: &mut [u8], deadline_ns: u64) -> Option<usize> {
        let mut end = self.end();
        match end.back[self.at as usize].front() {
            Some((arrives_ns, _)) if *arrives_ns <= deadline_ns.max(end.now_ns) => {
                let (arrives_ns, frame) = end.back[self.at as usize].pop_front()?;
                end.now_ns = end.now_ns.max(arrives_ns);
                buffer[..frame.len()].copy_from_slice(&frame);
                Some(frame.len())
            }
            _ => {
                end.now_ns = end.now_ns.max(deadline_ns);
                None
            }
        }
    }

    fn now_ns(&self) -> u64 {
        self.end().now_ns
    }
}

/// A wire on which something happens before each frame is sent.
pub struct Tampered<F>(pub SegmentWire, pub F);

impl<F: FnMut(&SegmentWire, &mut [u8]) + Send> Wire for Tampered<F> {
    fn send(&mut self, frame: &[u8], now_ns: u64) -> bool {
        let mut frame = frame.to_vec();
        (self.1)(&self.0, &mut frame);
        self.0.send(&frame, now_ns)
    }

    fn receive(&mut self, buffer: &mut [u8], deadline_ns: u64) -> Option<usize> {
        self.0.receive(buffer, deadline_ns)
    }

    fn now_ns(&self) -> u64 {
        self.0.now_ns()
    }
}
