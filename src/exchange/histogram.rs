//! Times of the cycle as histograms: written by one thread in a few instructions, readable at any moment.
//!
//! Each value is counted twice: in the classic 1-2-5 buckets that Prometheus scrapes, and in log-linear buckets
//! ([`SUB_BUCKETS`] an octave, so 3 % wide) for quantiles. Single-writer counters: plain loads and stores of
//! relaxed atomics, no locked instruction.

use super::sync::{Arc, AtomicU64, Ordering};

/// Upper bounds (inclusive) of the classic buckets, nanoseconds; one more bucket is above them.
pub const CLASSIC_BOUNDS_NS: [u64; 12] =
    [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000];

/// Log-linear buckets an octave.
pub const SUB_BUCKETS: usize = 1 << SUB_BITS;
const SUB_BITS: u32 = 5;
/// Values from 2^MAX_BITS ns (17 s) on are counted as the largest one below.
const MAX_BITS: u32 = 34;
const FINE: usize = (MAX_BITS - SUB_BITS + 1) as usize * SUB_BUCKETS;
const CLASSIC: usize = CLASSIC_BOUNDS_NS.len() + 1;

/// The first classic bucket that a value with this many significant bits can fall into. An octave holds at most
/// one bound, because neighbouring bounds are at least a factor of 2 apart: one comparison decides.
const FIRST_CLASSIC: [u8; 65] = {
    let mut first = [0; 65];
    let mut bits = 1;
    while bits <= 64 {
        let lowest = 1u64 << (bits - 1);
        let mut class = 0;
        while class < CLASSIC_BOUNDS_NS.len() && CLASSIC_BOUNDS_NS[class] < lowest {
            class += 1;
        }
        first[bits] = class as u8;
        bits += 1;
    }
    first
};

struct Counters {
    fine: Box<[AtomicU64]>,
    classic: [AtomicU64; CLASSIC],
    sum_ns: AtomicU64,
    /// `u64::MAX` while empty.
    min_ns: AtomicU64,
    max_ns: AtomicU64,
}

/// The end that records; there is one.
pub struct Recorder {
    counters: Arc<Counters>,
}

/// An end that reads.
#[derive(Clone)]
pub struct Histogram {
    counters: Arc<Counters>,
}

/// An empty histogram.
pub fn histogram() -> (Recorder, Histogram) {
    let counters = Arc::new(Counters {
        fine: (0..FINE).map(|_| AtomicU64::new(0)).collect(),
        classic: std::array::from_fn(|_| AtomicU64::new(0)),
        sum_ns: AtomicU64::new(0),
        min_ns: AtomicU64::new(u64::MAX),
        max_ns: AtomicU64::new(0),
    });
    (Recorder { counters: Arc::clone(&counters) }, Histogram { counters })
}

#[inline]
fn fine_bucket(value: u64) -> usize {
    let value = value.min((1 << MAX_BITS) - 1);
    // The leading bit and the SUB_BITS after it; small values count themselves.
    let octave = (64 - SUB_BITS).saturating_sub((value | 1).leading_zeros()).saturating_sub(1);
    (octave as usize * SUB_BUCKETS) + (value >> octave) as usize
}

/// The largest value of a bucket.
fn fine_upper(bucket: usize) -> u64 {
    if bucket < 2 * SUB_BUCKETS {
        return bucket as u64;
    }
    let octave = bucket / SUB_BUCKETS - 1;
    (((bucket - octave * SUB_BUCKETS) as u64 + 1) << octave) - 1
}

#[inline]
fn classic_bucket(value: u64) -> usize {
    let first = usize::from(FIRST_CLASSIC[64 - value.leading_zeros() as usize]);
    match CLASSIC_BOUNDS_NS.get(first) {
        Some(bound) => first + usize::from(value > *bound),
        None => first,
    }
}

/// Only the recorder writes: a load and a store cannot lose a count.
#[inline]
fn add(counter: &AtomicU64, value: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(value), Ordering::Relaxed);
}

impl Recorder {
    /// Counts one value. No loop.
    #[inline]
    pub fn record(&mut self, value_ns: u64) {
        let counters = &*self.counters;
        add(&counters.fine[fine_bucket(value_ns)], 1);
        add(&counters.classic[classic_bucket(value_ns)], 1);
        add(&counters.sum_ns, value_ns);
        if value_ns < counters.min_ns.load(Ordering::Relaxed) {
            counters.min_ns.store(value_ns, Ordering::Relaxed);
        }
        if value_ns > counters.max_ns.load(Ordering::Relaxed) {
            counters.max_ns.store(value_ns, Ordering::Relaxed);
        }
    }
}

impl Histogram {
    /// The classic buckets as Prometheus wants them: how many values were at most the bound, then all of them.
    /// The last is the count; sum and count may differ by a value that is being recorded.
    pub fn cumulative(&self) -> [u64; CLASSIC] {
        let mut sum = 0;
        std::array::from_fn(|bucket| {
            sum += self.counters.classic[bucket].load(Ordering::Relaxed);
            sum
        })
    }

    /// The sum of all values, nanoseconds.
    pub fn sum_ns(&self) -> u64 {
        self.counters.sum_ns.load(Ordering::Relaxed)
    }

    /// All that was recorded, to ask quantiles of. Allocates.
    pub fn distribution(&self) -> Distribution {
        Distribution {
            fine: self.counters.fine.iter().map(|counter| counter.load(Ordering::Relaxed)).collect(),
            sum_ns: self.sum_ns(),
            min_ns: self.counters.min_ns.load(Ordering::Relaxed),
            max_ns: self.counters.max_ns.load(Ordering::Relaxed),
        }
    }
}

/// What a histogram held at one moment.
#[derive(Clone, Debug)]
pub struct Distribution {
    fine: Vec<u64>,
    sum_ns: u64,
    min_ns: u64,
    max_ns: u64,
}

impl Distribution {
    /// Values recorded.
    pub fn count(&self) -> u64 {
        self.fine.iter().sum()
    }

    /// The smallest value, nanoseconds; `None` without values.
    pub fn min_ns(&self) -> Option<u64> {
        (self.min_ns != u64::MAX).then_some(self.min_ns)
    }

    /// The largest value, nanoseconds; `None` without values.
    pub fn max_ns(&self) -> Option<u64> {
        (self.min_ns != u64::MAX).then_some(self.max_ns)
    }

    /// The mean, nanoseconds; `None` without values.
    pub fn mean_ns(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum_ns as f64 / count as f64)
    }

    /// A value that a share `q` (0 to 1) of all values does not exceed, nanoseconds: the upper edge of the bucket
    /// (at most 1/32 too high), never above the largest value. `None` without values.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = ((q.clamp(0.0, 1.0) * count as f64).ceil() as u64).max(1);
        let mut below = 0;
        for (bucket, values) in self.fine.iter().enumerate() {
            below += values;
            if below >= rank {
                // The last bucket holds everything longer than the range, too.
                let upper = if bucket + 1 == FINE { self.max_ns } else { fine_upper(bucket) };
                return Some(upper.min(self.max_ns));
            }
        }
        Some(self.max_ns)
    }

    /// What was recorded since `earlier` of the same histogram. Its extremes are those of the buckets.
    pub fn since(&self, earlier: &Distribution) -> Distribution {
        let fine: Vec<u64> = self.fine.iter().zip(&earlier.fine).map(|(now, then)| now.wrapping_sub(*then)).collect();
        let first = fine.iter().position(|values| *values > 0);
        let last = fine.iter().rposition(|values| *values > 0);
        Distribution {
            sum_ns: self.sum_ns.wrapping_sub(earlier.sum_ns),
            min_ns: first.map_or(u64::MAX, |bucket| if bucket == 0 { 0 } else { fine_upper(bucket - 1) + 1 }),
            max_ns: last.map_or(0, |bucket| fine_upper(bucket).min(self.max_ns)),
            fine,
        }
    }
}
