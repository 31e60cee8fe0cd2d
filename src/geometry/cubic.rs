//! A cubic of one coordinate over the length of a path.

/// `c[0] + c[1]·x + c[2]·x² + c[3]·x³`, in axis units; x in units of path.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cubic(pub [f64; 4]);

impl Cubic {
    /// The same value everywhere.
    pub fn constant(value: f64) -> Cubic {
        Cubic([value, 0.0, 0.0, 0.0])
    }

    /// The cubic of a B-spline between the third and the fourth of `knots`, from 0 at the third, where `controls` are its four
    /// control points (de Boor; the points between are found by their polar values). Knots rise; the third is below the fourth.
    pub fn of_spline(knots: &[f64; 6], controls: [f64; 4]) -> Cubic {
        let [a, b, c, d, e, f] = *knots;
        let length = d - c;
        // Around one of the control points, so that large coordinates cost no digits of the derivatives.
        let origin = controls[1];
        let [p, q, r, s] = controls.map(|control| control - origin);
        let between =
            |from: f64, to: f64, at: f64, left: f64, right: f64| (left * (to - at) + right * (at - from)) / (to - from);
        // Bézier points of the interval.
        let second = between(b, e, c, q, r);
        let third = between(b, e, d, q, r);
        let first = between(b, d, c, between(a, d, c, p, q), second);
        let fourth = between(c, e, d, third, between(c, f, d, r, s));
        Cubic([
            first + origin,
            3.0 * (second - first) / length,
            3.0 * (third - 2.0 * second + first) / (length * length),
            (fourth - 3.0 * (third - second) - first) / (length * length * length),
        ])
    }

    /// The value at `x`.
    #[inline]
    pub fn at(&self, x: f64) -> f64 {
        let [a, b, c, d] = self.0;
        a + x * (b + x * (c + x * d))
    }

    /// The value and its three derivatives at `x`.
    #[inline]
    pub fn derivatives(&self, x: f64) -> [f64; 4] {
        let [a, b, c, d] = self.0;
        [a + x * (b + x * (c + x * d)), b + x * (2.0 * c + 3.0 * x * d), 2.0 * c + 6.0 * x * d, 6.0 * d]
    }

    /// The same curve, counted from `x`.
    pub fn from(&self, x: f64) -> Cubic {
        let [value, first, second, third] = self.derivatives(x);
        Cubic([value, first, second / 2.0, third / 6.0])
    }

    /// The same curve, counted back from `x`.
    #[inline]
    pub fn back_from(&self, x: f64) -> Cubic {
        let [value, first, second, third] = self.derivatives(x);
        Cubic([value, -first, second / 2.0, -third / 6.0])
    }

    /// The lowest and the highest value for x from 0 to `length`.
    pub fn range(&self, length: f64) -> (f64, f64) {
        let [_, b, c, d] = self.0;
        let ends = (self.at(0.0), self.at(length));
        let mut range = (ends.0.min(ends.1), ends.0.max(ends.1));
        let mut look = |x: f64| {
            // Also false for the NaN of a derivative without this root.
            if x > 0.0 && x < length {
                range = (range.0.min(self.at(x)), range.1.max(self.at(x)));
            }
        };
        // b + 2c·x + 3d·x² = 0, without cancellation.
        let root = (c * c - 3.0 * b * d).sqrt();
        let sum = -(c + root.copysign(c));
        look(sum / (3.0 * d));
        look(b / sum);
        range
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x² as a control value: its polar form.
    fn square(a: f64, b: f64, c: f64) -> f64 {
        (a * b + a * c + b * c) / 3.0
    }

    #[test]
    fn polynomials_up_to_the_third_degree_come_back() {
        let knots = [-1.0, 0.5, 1.0, 3.0, 3.5, 6.0];
        let windows = [0, 1, 2, 3].map(|i| [knots[i], knots[i + 1], knots[i + 2]]);
        let near = |cubic: Cubic, wanted: [f64; 4]| {
            for (found, wanted) in cubic.0.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-12, "{cubic:?}");
            }
        };
        near(Cubic::of_spline(&knots, windows.map(|[a, b, c]| 7.0 + (a + b + c) / 3.0)), [8.0, 1.0, 0.0, 0.0]);
        near(Cubic::of_spline(&knots, windows.map(|[a, b, c]| square(a, b, c))), [1.0, 2.0, 1.0, 0.0]);
        near(Cubic::of_spline(&knots, windows.map(|[a, b, c]| a * b * c)), [1.0, 3.0, 3.0, 1.0]);
    }

    #[test]
    fn the_range_holds_the_turning_points() {
        let cubic = Cubic([0.0, 3.0, -4.5, 1.5]);
        let (low, high) = cubic.range(2.5);
        let sampled = (0..=10_000).map(|i| cubic.at(2.5 * f64::from(i) / 10_000.0));
        let (sampled_low, sampled_high) = sampled.fold((f64::MAX, f64::MIN), |(l, h), y| (l.min(y), h.max(y)));
        assert!(low <= sampled_low && sampled_low - low < 1e-6 && high >= sampled_high && high - sampled_high < 1e-6);
        assert_eq!(Cubic([1.0, 2.0, 0.0, 0.0]).range(3.0), (1.0, 7.0));
    }

    #[test]
    fn counted_from_elsewhere_it_is_the_same() {
        let cubic = Cubic([1.0, -2.0, 0.5, 0.25]);
        for x in [0.0, 0.3, 1.7] {
            assert!((cubic.from(0.7).at(x) - cubic.at(0.7 + x)).abs() < 1e-12);
        }
    }
}
