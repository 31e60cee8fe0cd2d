//! Random numbers and the size of a campaign (`MOTIOND_SEED`, `MOTIOND_CASES`).

/// SplitMix64: a seed, a stream of numbers; the same on every machine.
#[derive(Clone)]
pub struct Random(u64);

#[allow(dead_code, reason = "each test program uses a part")]
impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// In [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// In [low, high).
    pub fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Spread evenly over the orders of magnitude between low and high, both positive.
    pub fn magnitude(&mut self, low: f64, high: f64) -> f64 {
        self.within(low.ln(), high.ln()).exp()
    }

    /// In 0..count.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// 1 or -1.
    pub fn sign(&mut self) -> f64 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }
}

/// The seed of a campaign: MOTIOND_SEED or `default`.
#[allow(dead_code, reason = "each test program uses a part")]
pub fn seed(default: u64) -> u64 {
    std::env::var("MOTIOND_SEED").ok().map_or(default, |seed| seed.parse().expect("MOTIOND_SEED is a whole number"))
}

/// The number of cases of a campaign: MOTIOND_CASES or `default`.
#[allow(dead_code, reason = "each test program uses a part")]
pub fn cases(default: usize) -> usize {
    std::env::var("MOTIOND_CASES").ok().map_or(default, |cases| cases.parse().expect("MOTIOND_CASES is a whole number"))
}
