//! Claims about the exchange, by file. (Not in the files themselves: `tests/loom` compiles those over loom.)

mod histogram;
mod latest;
mod pool;
mod ring;
mod snapshot;
mod stop;
mod ticket;

/// A stream of pseudo-random words (splitmix64); a failing test prints its seed.
pub(super) struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.word() % bound
    }
}

/// Rounds of a test with threads: few under miri, which is slow and looks closer.
pub(super) const ROUNDS: u64 = if cfg!(miri) { 200 } else { 100_000 };
