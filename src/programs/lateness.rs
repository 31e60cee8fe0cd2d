//! How late points of a group's streams come: written where they are handed in, read by whoever wants to know.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets that late points are counted in, s; one more is above them.
pub const LATENESS_BOUNDS_S: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];

/// Counts over all streams of a group, and what is told of the present one.
#[derive(Debug, Default)]
pub struct Lateness {
    points: AtomicU64,
    buckets: [AtomicU64; LATENESS_BOUNDS_S.len() + 1],
    /// Of all that were late, ns.
    sum_ns: AtomicU64,
    /// Of the present stream.
    late: AtomicU64,
    last_ns: AtomicU64,
    greatest_ns: AtomicU64,
}

/// What is told of the present stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Late {
    /// Points that came late.
    pub points: u64,
    /// The last point was late by this, s; 0 where it was not.
    pub last_s: f64,
    /// The latest of all, s.
    pub greatest_s: f64,
}

impl Lateness {
    /// A stream begins.
    pub fn begin(&self) {
        for value in [&self.late, &self.last_ns, &self.greatest_ns] {
            value.store(0, Ordering::Relaxed);
        }
    }

    /// A point came, late by so much; not late where that is 0 or less.
    pub fn record(&self, late_s: f64) {
        self.points.fetch_add(1, Ordering::Relaxed);
        let late_ns = (late_s.max(0.0) * 1e9) as u64;
        self.last_ns.store(late_ns, Ordering::Relaxed);
        if late_ns > 0 {
            let bucket = LATENESS_BOUNDS_S.partition_point(|bound| *bound < late_s);
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
            self.sum_ns.fetch_add(late_ns, Ordering::Relaxed);
            self.late.fetch_add(1, Ordering::Relaxed);
            self.greatest_ns.fetch_max(late_ns, Ordering::Relaxed);
        }
    }

    /// Of the present stream, or the last.
    pub fn now(&self) -> Late {
        let seconds = |value: &AtomicU64| value.load(Ordering::Relaxed) as f64 * 1e-9;
        Late {
            points: self.late.load(Ordering::Relaxed),
            last_s: seconds(&self.last_ns),
            greatest_s: seconds(&self.greatest_ns),
        }
    }

    /// Points of all streams.
    pub fn points(&self) -> u64 {
        self.points.load(Ordering::Relaxed)
    }

    /// How many points of all streams were late by at most each bound and by anything, and the sum of that, s.
    pub fn histogram(&self) -> ([u64; LATENESS_BOUNDS_S.len() + 1], f64) {
        let mut all = 0;
        let cumulative = std::array::from_fn(|bucket| {
            all += self.buckets[bucket].load(Ordering::Relaxed);
            all
        });
        (cumulative, self.sum_ns.load(Ordering::Relaxed) as f64 * 1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_points_are_counted_where_they_belong() {
        let lateness = Lateness::default();
        for late_s in [-0.5, 0.0, 0.001, 0.0015, 7.0, 0.25] {
            lateness.record(late_s);
        }
        assert_eq!(lateness.points(), 6);
        let (cumulative, sum) = lateness.histogram();
        assert_eq!(cumulative, [1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 4]);
        assert!((sum - 7.2525).abs() < 1e-6);
        assert_eq!(lateness.now(), Late { points: 4, last_s: 0.25, greatest_s: 7.0 });
        lateness.begin();
        assert_eq!((lateness.now().points, lateness.points()), (0, 6));
    }
}
