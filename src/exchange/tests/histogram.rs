use super::{ROUNDS, Random};
use crate::exchange::histogram::{CLASSIC_BOUNDS_NS, SUB_BUCKETS, histogram};

/// Values of every magnitude, with both sides of each bound.
fn values(seed: u64) -> Vec<u64> {
    let mut random = Random(seed);
    let mut values: Vec<u64> = CLASSIC_BOUNDS_NS.iter().flat_map(|bound| [bound - 1, *bound, bound + 1]).collect();
    values.extend([0, 1, 2, 31, 32, 63, 64, 65, 127, 128]);
    values.extend((0..ROUNDS / 10).map(|_| {
        let bits = random.below(34);
        random.below(1 << bits)
    }));
    values
}

#[test]
fn classic_buckets_count_values_up_to_their_bound() {
    let (mut recorder, histogram) = histogram();
    let values = values(1);
    values.iter().for_each(|value| recorder.record(*value));
    recorder.record(u64::MAX);
    let cumulative = histogram.cumulative();
    for (bound, count) in CLASSIC_BOUNDS_NS.iter().zip(cumulative) {
        assert_eq!(count, values.iter().filter(|value| *value <= bound).count() as u64, "le {bound} ns");
    }
    assert_eq!(cumulative.last(), Some(&(values.len() as u64 + 1)));
}

#[test]
fn quantiles_are_at_most_one_sub_bucket_high() {
    let (mut recorder, histogram) = histogram();
    let mut values = values(2);
    values.iter().for_each(|value| recorder.record(*value));
    values.sort_unstable();
    let distribution = histogram.distribution();
    for q in [0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0] {
        let exact = values[((q * values.len() as f64).ceil() as usize).max(1) - 1];
        let found = distribution.quantile(q).unwrap();
        assert!(found >= exact && found <= exact + exact / SUB_BUCKETS as u64, "q {q}: exact {exact}, found {found}");
    }
    assert_eq!(distribution.min_ns(), values.first().copied());
    assert_eq!(distribution.max_ns(), values.last().copied());
    assert_eq!(distribution.count(), values.len() as u64);
    assert_eq!(histogram.sum_ns(), values.iter().sum::<u64>());
}

#[test]
fn empty_histogram_has_no_quantiles() {
    let (_recorder, histogram) = histogram();
    let distribution = histogram.distribution();
    assert_eq!((distribution.quantile(0.5), distribution.min_ns(), distribution.max_ns()), (None, None, None));
    assert_eq!((distribution.mean_ns(), distribution.count()), (None, 0));
    assert_eq!(histogram.cumulative(), [0; CLASSIC_BOUNDS_NS.len() + 1]);
}

#[test]
fn values_longer_than_the_range_are_kept_as_the_largest() {
    let (mut recorder, histogram) = histogram();
    recorder.record(1 << 40);
    let distribution = histogram.distribution();
    assert_eq!(distribution.quantile(1.0), Some(1 << 40));
    assert_eq!(distribution.max_ns(), Some(1 << 40));
}

#[test]
fn what_was_recorded_since_leaves_out_what_was_before() {
    let (mut recorder, histogram) = histogram();
    recorder.record(5);
    recorder.record(1_000_000);
    let before = histogram.distribution();
    assert_eq!(before.since(&before).quantile(0.5), None);
    recorder.record(100);
    recorder.record(200);
    let since = histogram.distribution().since(&before);
    assert_eq!((since.count(), since.mean_ns()), (2, Some(150.0)));
    assert!(since.min_ns().unwrap() <= 100 && since.min_ns().unwrap() > 95, "{since:?}");
    assert!((200..=206).contains(&since.max_ns().unwrap()), "{since:?}");
}
