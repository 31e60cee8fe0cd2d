//! Round numbers to mark an axis with.

/// No more marks than these are tried for the sake of a second one.
const FINEST: usize = 16;

/// The marks of a range: multiples of 1, 2 or 5 times a power of ten, so many at most, and how many digits they need.
pub fn marks(low: f64, high: f64, most: usize) -> (Vec<f64>, usize) {
    let span = high - low;
    if span.is_nan() || span <= 0.0 || !span.is_finite() {
        return (vec![low], 3);
    }
    let rough = span / most as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    if last <= first && most < FINEST {
        // One mark tells no scale.
        return marks(low, high, 2 * most);
    }
    let count = (last - first).max(0.0) as usize + 1;
    let digits = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    ((0..count.min(most + 2)).map(|i| (first + i as f64) * step + 0.0).collect(), digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_inside() {
        assert_eq!(marks(0.0, 100.0, 5), (vec![0.0, 20.0, 40.0, 60.0, 80.0, 100.0], 0));
        assert_eq!(marks(-0.013, 0.021, 4), (vec![-0.01, 0.0, 0.01, 0.02], 2));
        assert_eq!(marks(3.0, 3.0, 5).0, [3.0]);
        assert_eq!(marks(-44.0, 44.0, 2).0, [-40.0, -20.0, 0.0, 20.0, 40.0]);
    }
}
