//! What may happen to frames on their way back.

use std::collections::VecDeque;

use motiond::simulation::ethercat::End;

/// Frames that are held back, at most.
const HELD_BACK: usize = 256;

/// What happens to the next frames, and those that are still on their way.
#[derive(Debug, Default)]
pub struct Mishaps {
    /// So many are lost.
    pub lose: u32,
    /// So many come twice.
    pub duplicate: u32,
    /// So many come with a bit changed.
    pub corrupt: u32,
    /// So many come later.
    pub delay: u32,
    /// By this, nanoseconds.
    pub delay_ns: u64,
    held_back: VecDeque<(u64, End, Vec<u8>)>,
}

fn take(count: &mut u32) -> bool {
    let left = *count > 0;
    *count = count.saturating_sub(1);
    left
}

impl Mishaps {
    /// A frame comes back at an end, or what is left of it.
    pub fn give_back(&mut self, end: End, frame: &mut [u8], now_ns: u64, mut send: impl FnMut(End, &[u8])) {
        if take(&mut self.lose) {
            return;
        }
        if take(&mut self.corrupt) {
            // The index of the first datagram: the interface would drop a frame whose check sequence is wrong.
            frame[17] ^= 0x10;
        }
        if take(&mut self.delay) {
            if self.held_back.len() < HELD_BACK {
                self.held_back.push_back((now_ns + self.delay_ns, end, frame.to_vec()));
            }
            return;
        }
        if take(&mut self.duplicate) {
            send(end, frame);
        }
        send(end, frame);
    }

    /// Sends what was held back for long enough.
    pub fn send_due(&mut self, now_ns: u64, mut send: impl FnMut(End, &[u8])) {
        while let Some((due_ns, end, frame)) = self.held_back.front()
            && *due_ns <= now_ns
        {
            send(*end, frame);
            self.held_back.pop_front();
        }
    }

    /// When the next one is due.
    pub fn next_due_ns(&self) -> Option<u64> {
        self.held_back.front().map(|(due_ns, ..)| *due_ns)
    }
}
