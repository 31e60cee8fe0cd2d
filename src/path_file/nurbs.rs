//! A rational B-spline, and the lines that it is flattened into.
//!
//! Each span between two knots becomes a Bézier curve (its control points by polar values), which is halved (de Casteljau) until its
//! control points are close enough to its chord: the curve is within their hull, so that it is as close. What is close is judged at one and
//! the same place of the chord for all axes, because a rotary axis shall be where it belongs *when* the tool is there.

use crate::limits::MAX_GROUP_AXES;
use crate::planner::program::Point;

/// Coordinates times weight, and the weight.
type Weighted = [f64; MAX_GROUP_AXES + 1];

/// How often a span is halved at most.
const HALVED: u32 = 24;

/// A curve that begins at its first control point and ends at its last.
#[derive(Clone, Debug)]
pub struct Nurbs {
    degree: usize,
    knots: Vec<f64>,
    controls: Vec<Weighted>,
}

/// How far lines may be off the curve.
#[derive(Clone, Copy, Debug)]
pub struct Flatness {
    /// mm.
    pub linear: f64,
    /// deg.
    pub rotary: f64,
}

impl Nurbs {
    /// `knots` are as many as `controls` + `degree` + 1, do not fall, and begin and end with the same value `degree` + 1 times.
    pub fn new(degree: usize, knots: Vec<f64>, controls: &[(Point, f64)]) -> Nurbs {
        let weigh = |(point, weight): &(Point, f64)| {
            let mut weighted = [*weight; MAX_GROUP_AXES + 1];
            weighted.iter_mut().zip(point).for_each(|(value, coordinate)| *value = coordinate * weight);
            weighted
        };
        Nurbs { degree, knots, controls: controls.iter().map(weigh).collect() }
    }

    /// Knots that are equally far apart, for so many control points.
    pub fn uniform(degree: usize, controls: usize) -> Vec<f64> {
        let spans = controls - degree;
        let at = |index: usize| (index.saturating_sub(degree)).min(spans) as f64;
        (0..controls + degree + 1).map(at).collect()
    }

    /// Ends of lines along it, the last one exactly at its end; false where they are more than `most`. `linear` tells which axes, of
    /// `axes`, are linear.
    pub fn flatten(
        &self,
        axes: usize,
        linear: impl Fn(usize) -> bool,
        flatness: Flatness,
        most: usize,
        out: &mut Vec<Point>,
    ) -> bool {
        let mut waiting: Vec<(Vec<Weighted>, u32)> = Vec::new();
        for span in self.degree..self.controls.len() {
            if self.knots[span] >= self.knots[span + 1] {
                continue;
            }
            waiting.push((self.bezier(span, axes), 0));
            while let Some((curve, halved)) = waiting.pop() {
                if halved >= HALVED || flat(&curve, axes, &linear, flatness) {
                    if out.len() >= most {
                        return false;
                    }
                    out.push(place(&curve[self.degree], axes));
                } else {
                    let (first, second) = halves(curve, axes);
                    waiting.push((second, halved + 1));
                    waiting.push((first, halved + 1));
                }
            }
        }
        true
    }

    /// The control points of the span behind knot `span`.
    fn bezier(&self, span: usize, axes: usize) -> Vec<Weighted> {
        let (begin, end) = (self.knots[span], self.knots[span + 1]);
        let p = self.degree;
        let point = |ends: usize| {
            let mut points: Vec<Weighted> = self.controls[span - p..=span].to_vec();
            for round in 1..=p {
                let at = if round <= p - ends { begin } else { end };
                for j in (round..=p).rev() {
                    let low = self.knots[span - p + j];
                    let share = (at - low) / (self.knots[span + j + 1 - round] - low);
                    points[j] = between(&points[j - 1], &points[j], share, axes);
                }
            }
            points[p]
        };
        (0..=p).map(point).collect()
    }
}

fn between(a: &Weighted, b: &Weighted, share: f64, axes: usize) -> Weighted {
    let mut middle = *a;
    for i in (0..axes).chain([MAX_GROUP_AXES]) {
        middle[i] += share * (b[i] - a[i]);
    }
    middle
}

fn place(weighted: &Weighted, axes: usize) -> Point {
    let mut point = [0.0; MAX_GROUP_AXES];
    for (value, of) in point.iter_mut().zip(weighted).take(axes) {
        *value = of / weighted[MAX_GROUP_AXES];
    }
    point
}

fn halves(mut curve: Vec<Weighted>, axes: usize) -> (Vec<Weighted>, Vec<Weighted>) {
    let degree = curve.len() - 1;
    let mut first = vec![curve[0]];
    for round in 1..=degree {
        for j in 0..=degree - round {
            curve[j] = between(&curve[j], &curve[j + 1], 0.5, axes);
        }
        first.push(curve[0]);
    }
    (first, curve)
}

/// Every control point is close enough to the chord.
fn flat(curve: &[Weighted], axes: usize, linear: &impl Fn(usize) -> bool, flatness: Flatness) -> bool {
    let (first, last) = (place(&curve[0], axes), place(&curve[curve.len() - 1], axes));
    let square: f64 = (0..axes).map(|i| (last[i] - first[i]).powi(2)).sum();
    curve[1..curve.len() - 1].iter().all(|control| {
        let at = place(control, axes);
        let along: f64 = (0..axes).map(|i| (at[i] - first[i]) * (last[i] - first[i])).sum();
        let share = if square > 0.0 { along / square } else { 0.0 };
        let (mut off, mut off_rotary) = (0.0, 0.0);
        for i in 0..axes {
            let gap = (first[i] + share * (last[i] - first[i]) - at[i]).powi(2);
            if linear(i) { off += gap } else { off_rotary += gap }
        }
        // A curve that runs beyond its chord is none of its lines.
        (0.0..=1.0).contains(&share) && off <= flatness.linear.powi(2) && off_rotary <= flatness.rotary.powi(2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(values: &[f64]) -> Point {
        let mut point = [0.0; MAX_GROUP_AXES];
        point[..values.len()].copy_from_slice(values);
        point
    }

    const FINE: Flatness = Flatness { linear: 1e-4, rotary: 1e-4 };

    #[test]
    fn a_quarter_circle_is_round_and_as_finely_chopped_as_it_must_be() {
        let half = 0.5_f64.sqrt();
        let controls = [(point(&[10.0, 0.0]), 1.0), (point(&[10.0, 10.0]), half), (point(&[0.0, 10.0]), 1.0)];
        let curve = Nurbs::new(2, Nurbs::uniform(2, 3), &controls);
        let mut ends = Vec::new();
        assert!(curve.flatten(2, |_| true, FINE, 1000, &mut ends));
        // Chords of a circle of 10 mm within 1e-4 mm: 0.0894 mm long; within the hull, half as far off.
        assert!((176..=512).contains(&ends.len()), "{}", ends.len());
        for end in &ends {
            assert!((end[0].hypot(end[1]) - 10.0).abs() < 1e-12, "{end:?}");
        }
        assert_eq!(ends[ends.len() - 1][..2], [0.0, 10.0]);
        assert!(!curve.flatten(2, |_| true, FINE, 100, &mut Vec::new()), "more than are allowed");
    }

    #[test]
    fn a_cubic_of_several_spans_passes_where_de_boor_says() {
        let controls: Vec<(Point, f64)> = [[0.0, 0.0], [1.0, 3.0], [4.0, 3.0], [6.0, -1.0], [8.0, 2.0], [9.0, 0.0]]
            .iter()
            .map(|at| (point(at), 1.0))
            .collect();
        let knots = vec![0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0];
        let curve = Nurbs::new(3, knots, &controls);
        // At a double knot of a cubic: one of the two control points' line, a share of the way.
        let joint = place(&curve.bezier(3, 2)[3], 2);
        let expected = [4.0 * 2.0 / 3.0 + 1.0 / 3.0, 3.0];
        let next = place(&curve.bezier(5, 2)[0], 2);
        assert!((joint[0] - next[0]).abs() < 1e-12 && (joint[1] - next[1]).abs() < 1e-12);
        assert!(joint[1] <= expected[1] && joint[0] > 1.0 && joint[0] < 6.0, "{joint:?}");
        let mut ends = Vec::new();
        assert!(curve.flatten(2, |_| true, FINE, 10_000, &mut ends));
        assert_eq!(ends[ends.len() - 1][..2], [9.0, 0.0]);
    }

    #[test]
    fn a_rotary_axis_that_turns_unevenly_along_a_straight_line_is_chopped() {
        let controls: Vec<(Point, f64)> =
            [[0.0, 0.0], [0.0, 30.0], [10.0, 60.0]].iter().map(|at| (point(at), 1.0)).collect();
        let curve = Nurbs::new(2, Nurbs::uniform(2, 3), &controls);
        let mut ends = Vec::new();
        assert!(curve.flatten(2, |axis| axis == 0, Flatness { linear: 0.01, rotary: 0.01 }, 1000, &mut ends));
        assert!(ends.len() > 8, "{}", ends.len());
    }

    #[test]
    fn knots_that_nobody_gave_are_clamped_and_even() {
        assert_eq!(Nurbs::uniform(3, 6), [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0]);
        assert_eq!(Nurbs::uniform(1, 2), [0.0, 0.0, 1.0, 1.0]);
    }
}
