//! Quantiles of a window, and the median of many ratios with its interval.

use super::random::Random;

/// Resamples of a bootstrap.
const RESAMPLES: usize = 10_000;
const SEED: u64 = 20_261;

/// How late one window's wake-ups were, nanoseconds.
pub struct Quantiles {
    /// In the order of [`Quantiles::LABELS`].
    pub ns: [f64; 4],
}

impl Quantiles {
    /// Their names.
    pub const LABELS: [&'static str; 4] = ["p50", "p99", "p99.9", "max"];

    /// Of a window's latencies, nanoseconds.
    pub fn of(mut latencies_ns: Vec<u64>) -> Quantiles {
        latencies_ns.sort_unstable();
        let count = latencies_ns.len();
        let at = |share: f64| latencies_ns[((share * count as f64).ceil() as usize).clamp(1, count) - 1] as f64;
        Quantiles { ns: [at(0.5), at(0.99), at(0.999), at(1.0)] }
    }
}

/// A median and where 95 % of the medians of resamples lie.
pub struct Interval {
    /// The median.
    pub median: f64,
    /// 2.5 % of the resamples lie below.
    pub low: f64,
    /// 2.5 % of the resamples lie above.
    pub high: f64,
}

impl Interval {
    /// Of these values; at least one.
    pub fn of(values: &[f64]) -> Interval {
        let mut random = Random::new(SEED);
        let mut resample = || (0..values.len()).map(|_| values[random.below(values.len())]).collect::<Vec<f64>>();
        let mut medians: Vec<f64> = (0..RESAMPLES).map(|_| median(&resample())).collect();
        medians.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| medians[(share * (RESAMPLES - 1) as f64) as usize];
        Interval { median: median(values), low: at(0.025), high: at(0.975) }
    }
}

/// The middle value, or the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}
