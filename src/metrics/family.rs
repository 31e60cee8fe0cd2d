//! Small makers of metric families, so that the collector reads as a list of what is measured.

use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

/// One sample of a counter or gauge: label values in the family's order, and the value.
pub type Sample = (Vec<String>, f64);

/// A cumulative histogram over classic buckets.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    /// Upper bound of each bucket in the metric's unit and the count of everything up to it, rising.
    pub cumulative: Vec<(f64, u64)>,
    /// Count of everything.
    pub count: u64,
    /// Sum of everything, in the metric's unit.
    pub sum: f64,
}

fn family(name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_string());
    family.set_help(help.to_string());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn labels(names: &[&str], values: Vec<String>) -> Vec<LabelPair> {
    let pair = |(name, value): (&&str, String)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_string());
        pair.set_value(value);
        pair
    };
    names.iter().zip(values).map(pair).collect()
}

/// A family of counters.
pub fn counters(name: &str, help: &str, names: &[&str], samples: Vec<Sample>) -> MetricFamily {
    let metric = |(values, value)| {
        let mut counter = Counter::default();
        counter.set_value(value);
        let mut metric = Metric::from_label(labels(names, values));
        metric.set_counter(counter);
        metric
    };
    family(name, help, MetricType::COUNTER, samples.into_iter().map(metric).collect())
}

/// A family of gauges.
pub fn gauges(name: &str, help: &str, names: &[&str], samples: Vec<Sample>) -> MetricFamily {
    let metric = |(values, value)| {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        let mut metric = Metric::from_label(labels(names, values));
        metric.set_gauge(gauge);
        metric
    };
    family(name, help, MetricType::GAUGE, samples.into_iter().map(metric).collect())
}

/// A family of histograms.
pub fn histograms(name: &str, help: &str, names: &[&str], samples: Vec<(Vec<String>, Buckets)>) -> MetricFamily {
    let metric = |(values, buckets): (Vec<String>, Buckets)| {
        let bucket = |(bound, count): (f64, u64)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(count);
            bucket
        };
        let mut histogram = Histogram::default();
        histogram.set_sample_count(buckets.count);
        histogram.set_sample_sum(buckets.sum);
        histogram.set_bucket(buckets.cumulative.into_iter().map(bucket).collect());
        let mut metric = Metric::from_label(labels(names, values));
        metric.set_histogram(histogram);
        metric
    };
    family(name, help, MetricType::HISTOGRAM, samples.into_iter().map(metric).collect())
}
