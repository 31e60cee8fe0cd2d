//! A circle or helix through space, with coordinates that go along.

use crate::limits::MAX_GROUP_AXES;
use crate::units::Figure;

/// A part of a circle in any plane of the first three coordinates, of any number of turns; all coordinates, those three too, may go along
/// in a straight line meanwhile (a helix; a turning tool).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arc {
    count: usize,
    /// Where the turning coordinates are at an angle of 0, from the centre, and at a quarter turn.
    cosine: [f64; 3],
    sine: [f64; 3],
    start: [f64; MAX_GROUP_AXES],
    /// What goes along, over the whole arc.
    along: [f64; MAX_GROUP_AXES],
    /// Radians over the whole arc; above 0.
    sweep: f64,
    length: f64,
}

/// Why there is no such arc.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArcError {
    /// Fewer than two coordinates, or more than a group has.
    Coordinates,
    /// The plane's normal has no direction.
    Normal,
    /// The centre is where the arc begins, or nearly.
    Radius,
    /// Beginning and end are not equally far from the centre.
    Radii {
        /// At the beginning.
        start: f64,
        /// At the end.
        end: f64,
        /// By how much they may differ.
        allowed: f64,
    },
    /// The three points of an arc lie on a line, or on one another.
    Straight,
    /// A chord that no circle of this radius has.
    Chord {
        /// Between beginning and end.
        chord: f64,
        /// The radius.
        radius: f64,
    },
}

impl std::fmt::Display for ArcError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ArcError::Coordinates => write!(out, "an arc needs two linear axes at least"),
            ArcError::Normal => write!(out, "the normal of the arc's plane has no direction"),
            ArcError::Radius => write!(out, "the arc has no radius: its centre is where it begins"),
            ArcError::Radii { start, end, allowed } => {
                let [start, end, allowed] = [start, end, allowed].map(|value| Figure::rounded(*value));
                write!(
                    out,
                    "the arc begins {start} mm from its centre and ends {end} mm from it, allowed: {allowed} mm more or less"
                )
            }
            ArcError::Straight => write!(out, "the three points of the arc lie on a line"),
            ArcError::Chord { chord, radius } => {
                let [chord, radius] = [chord, radius].map(|value| Figure::rounded(*value));
                write!(out, "the arc's ends are {chord} mm apart, further than twice its radius of {radius} mm")
            }
        }
    }
}

impl std::error::Error for ArcError {}

type Vector = [f64; 3];

fn minus(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn plus(a: Vector, b: Vector, share: f64) -> Vector {
    [a[0] + share * b[0], a[1] + share * b[1], a[2] + share * b[2]]
}

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn norm(a: Vector) -> f64 {
    dot(a, a).sqrt()
}

/// The first three coordinates; a point of two has a third of 0.
fn space(point: &[f64]) -> Vector {
    [point[0], point[1], point.get(2).copied().unwrap_or(0.0)]
}

/// Radii at both ends may differ by this share: coordinates are written with few digits. The end is met exactly all the same.
const RADII_AGREE: f64 = 1e-3;
/// And by so much of them, mm.
const RADII_AGREE_MM: f64 = 0.01;

impl Arc {
    /// About `centre` with `normal`: turning to the left, seen against it, for a positive number of `turns` (whole turns beyond
    /// the part of one that leads to `end`; an end at the beginning is one turn more), to the right for `left` = false. What the end is out of the
    /// plane is a helix.
    ///
    /// # Errors
    /// Where there is none.
    pub fn about(
        start: &[f64],
        end: &[f64],
        centre: Vector,
        normal: Vector,
        left: bool,
        turns: u32,
    ) -> Result<Arc, ArcError> {
        if start.len() < 2 || start.len() > MAX_GROUP_AXES || start.len() != end.len() {
            return Err(ArcError::Coordinates);
        }
        let length = norm(normal);
        if !(length > 0.0 && length.is_finite()) {
            return Err(ArcError::Normal);
        }
        let normal = normal.map(|part| if left { part / length } else { -part / length });
        let in_plane = |point: &[f64]| {
            let from_centre = minus(space(point), centre);
            plus(from_centre, normal, -dot(from_centre, normal))
        };
        let (first, last) = (in_plane(start), in_plane(end));
        let (radius, end_radius) = (norm(first), norm(last));
        if radius.is_nan() || radius <= 1e-9 {
            return Err(ArcError::Radius);
        }
        let apart = (radius - end_radius).abs();
        let allowed = RADII_AGREE_MM.max(RADII_AGREE * radius);
        if apart.is_nan() || apart > allowed {
            return Err(ArcError::Radii { start: radius, end: end_radius, allowed });
        }
        let quarter = cross(normal, first);
        let mut sweep = dot(last, quarter).atan2(dot(last, first));
        if sweep <= 1e-9 {
            sweep += std::f64::consts::TAU;
        }
        sweep += f64::from(turns) * std::f64::consts::TAU;
        Ok(Arc::assemble(start, end, first, quarter, sweep))
    }

    /// Through a point on the way to `end`, one turn at most.
    ///
    /// # Errors
    /// Where the three lie on a line.
    pub fn through(start: &[f64], via: Vector, end: &[f64]) -> Result<Arc, ArcError> {
        if start.len() < 2 || start.len() > MAX_GROUP_AXES || start.len() != end.len() {
            return Err(ArcError::Coordinates);
        }
        let (a, c) = (space(start), space(end));
        let (ab, ac) = (minus(via, a), minus(c, a));
        let normal = cross(ab, ac);
        let square = dot(normal, normal);
        if square.is_nan() || square <= 1e-18 * dot(ab, ab) * dot(ac, ac) {
            return Err(ArcError::Straight);
        }
        let towards = plus(cross(normal, ab).map(|x| x * dot(ac, ac)), cross(ac, normal), dot(ab, ab));
        let centre = plus(a, towards, 1.0 / (2.0 * square));
        Arc::about(start, end, centre, normal, true, 0)
    }

    /// With a radius: the shorter way for a positive one, the longer for a negative one.
    ///
    /// # Errors
    /// Where no circle of this radius has that chord.
    pub fn with_radius(start: &[f64], end: &[f64], radius: f64, normal: Vector, left: bool) -> Result<Arc, ArcError> {
        if start.len() < 2 || start.len() != end.len() {
            return Err(ArcError::Coordinates);
        }
        let length = norm(normal);
        if !(length > 0.0 && length.is_finite()) {
            return Err(ArcError::Normal);
        }
        let unit = normal.map(|part| part / length);
        let mut chord = minus(space(end), space(start));
        chord = plus(chord, unit, -dot(chord, unit));
        let size = norm(chord);
        if size.is_nan() || size <= 1e-9 {
            return Err(ArcError::Radius);
        }
        let height = radius * radius - size * size / 4.0;
        if height.is_nan() || height < -1e-6 * radius * radius {
            return Err(ArcError::Chord { chord: size, radius: radius.abs() });
        }
        let side = if left == (radius > 0.0) { 1.0 } else { -1.0 };
        let to_side = cross(unit, chord).map(|part| part / size);
        let centre = plus(plus(space(start), chord, 0.5), to_side, side * height.max(0.0).sqrt());
        Arc::about(start, end, centre, normal, left, 0)
    }

    fn assemble(start: &[f64], end: &[f64], first: Vector, quarter: Vector, sweep: f64) -> Arc {
        let mut arc = Arc {
            count: start.len(),
            cosine: first,
            sine: quarter,
            start: [0.0; MAX_GROUP_AXES],
            along: [0.0; MAX_GROUP_AXES],
            sweep,
            length: 0.0,
        };
        let (sin, cos) = sweep.sin_cos();
        for i in 0..start.len() {
            arc.start[i] = start[i];
            let turned = if i < 3 { first[i] * (cos - 1.0) + quarter[i] * sin } else { 0.0 };
            // What is left to the end: the rise of a helix, what a rotary axis does, and the digits that the end lacks.
            arc.along[i] = end[i] - start[i] - turned;
        }
        let turned = norm(first) * sweep;
        arc.length = (turned * turned + arc.along.iter().map(|part| part * part).sum::<f64>()).sqrt();
        arc
    }

    /// Units of path: of all coordinates together.
    pub fn length(&self) -> f64 {
        self.length
    }

    /// The same, of the first `linear` coordinates alone.
    pub fn linear_length(&self, linear: usize) -> f64 {
        let turned = norm(self.cosine) * self.sweep;
        (turned * turned + self.along[..linear.min(self.count)].iter().map(|part| part * part).sum::<f64>()).sqrt()
    }

    /// Millimetres.
    pub fn radius(&self) -> f64 {
        norm(self.cosine)
    }

    /// 1 / radius of curvature, over units of path.
    pub fn curvature(&self) -> f64 {
        self.radius() * (self.sweep / self.length).powi(2)
    }

    /// The point at `s` from its beginning, coordinate by coordinate; `derivative` 0 to 2 over s.
    pub fn at(&self, s: f64, derivative: u32, coordinate: usize) -> f64 {
        let share = s / self.length;
        let (sin, cos) = (share * self.sweep).sin_cos();
        let pace = self.sweep / self.length;
        let i = coordinate;
        let (c, q) = if i < 3 { (self.cosine[i], self.sine[i]) } else { (0.0, 0.0) };
        match derivative {
            0 => self.start[i] + self.along[i] * share + c * (cos - 1.0) + q * sin,
            1 => self.along[i] / self.length + pace * (q * cos - c * sin),
            _ => -pace * pace * (c * cos + q * sin),
        }
    }

    /// The lowest and the highest value of a coordinate on it.
    pub fn range(&self, coordinate: usize) -> (f64, f64) {
        let i = coordinate;
        let ends = (self.at(0.0, 0, i), self.at(self.length, 0, i));
        let mut range = (ends.0.min(ends.1), ends.0.max(ends.1));
        if i < 3 {
            let (c, q) = (self.cosine[i], self.sine[i]);
            let size = c.hypot(q);
            let rise = self.along[i] / self.sweep;
            // Where rise + q·cos − c·sin is 0: within one turn, and a whole number of turns later.
            if size > 0.0 && rise.abs() <= size {
                let (middle, apart) = ((-c).atan2(q), (-rise / size).acos());
                for first in [middle - apart, middle + apart] {
                    let first = first.rem_euclid(std::f64::consts::TAU);
                    let turns = ((self.sweep - first) / std::f64::consts::TAU).floor();
                    for turn in [0.0, turns] {
                        let angle = first + turn.max(0.0) * std::f64::consts::TAU;
                        if angle < self.sweep {
                            let value = self.at(angle / self.sweep * self.length, 0, i);
                            range = (range.0.min(value), range.1.max(value));
                        }
                    }
                }
            }
        }
        range
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }

    #[test]
    fn a_quarter_to_the_left_and_three_to_the_right() {
        let (start, end) = ([10.0, 0.0, 5.0], [0.0, 10.0, 5.0]);
        let left = Arc::about(&start, &end, [0.0, 0.0, 5.0], [0.0, 0.0, 1.0], true, 0).unwrap();
        near(left.length(), 5.0 * std::f64::consts::PI);
        near(left.at(left.length() / 2.0, 0, 0), 10.0 * 0.5_f64.sqrt());
        let right = Arc::about(&start, &end, [0.0, 0.0, 5.0], [0.0, 0.0, 1.0], false, 0).unwrap();
        near(right.length(), 15.0 * std::f64::consts::PI);
        assert!((right.range(0).0 + 10.0).abs() < 1e-9 && (right.range(1).0 + 10.0).abs() < 1e-9);
        near(right.at(right.length(), 0, 1), 10.0);
    }

    #[test]
    fn a_helix_of_several_turns_with_a_rotary_axis() {
        let (start, end) = ([1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 6.0, 90.0]);
        let arc = Arc::about(&start, &end, [0.0; 3], [0.0, 0.0, 1.0], true, 2).unwrap();
        let turned = 3.0 * std::f64::consts::TAU;
        near(arc.linear_length(3), (turned * turned + 36.0).sqrt());
        near(arc.at(arc.length() / 3.0, 0, 0), 1.0);
        near(arc.at(arc.length() / 3.0, 0, 2), 2.0);
        near(arc.at(arc.length() / 3.0, 0, 3), 30.0);
        near(arc.range(0).0, -1.0);
        near(arc.range(2).1, 6.0);
    }

    #[test]
    fn through_a_point_and_with_a_radius_are_the_same_circle() {
        let (start, end) = ([10.0, 0.0, 0.0], [0.0, 10.0, 0.0]);
        let half = 10.0 * 0.5_f64.sqrt();
        let via = Arc::through(&start, [half, half, 0.0], &end).unwrap();
        let radius = Arc::with_radius(&start, &end, 10.0, [0.0, 0.0, 1.0], true).unwrap();
        let long = Arc::with_radius(&start, &end, -10.0, [0.0, 0.0, 1.0], true).unwrap();
        near(via.length(), 5.0 * std::f64::consts::PI);
        near(radius.length(), via.length());
        near(long.length(), 15.0 * std::f64::consts::PI);
        near(via.at(2.0, 0, 0), radius.at(2.0, 0, 0));
    }

    #[test]
    fn derivatives_are_those_of_the_curve() {
        let arc =
            Arc::about(&[3.0, 1.0, 0.0, 7.0], &[1.0, -3.0, 4.0, 9.0], [0.0; 3], [0.0, 0.0, 1.0], false, 1).unwrap();
        let (s, h) = (arc.length() * 0.37, 1e-4);
        for i in 0..4 {
            let first = (arc.at(s + h, 0, i) - arc.at(s - h, 0, i)) / (2.0 * h);
            let second = (arc.at(s + h, 1, i) - arc.at(s - h, 1, i)) / (2.0 * h);
            assert!((first - arc.at(s, 1, i)).abs() < 1e-6 && (second - arc.at(s, 2, i)).abs() < 1e-6);
        }
        let speed: f64 = (0..4).map(|i| arc.at(s, 1, i).powi(2)).sum();
        assert!((speed - 1.0).abs() < 1e-3);
        for i in 0..3 {
            let (low, high) = arc.range(i);
            let sampled = (0..=20_000).map(|k| arc.at(arc.length() * f64::from(k) / 20_000.0, 0, i));
            let (l, h) = sampled.fold((f64::MAX, f64::MIN), |(l, h), y| (l.min(y), h.max(y)));
            assert!(
                low <= l + 1e-12 && l - low < 1e-5 && high >= h - 1e-12 && high - h < 1e-5,
                "{i}: {low} {l} {h} {high}"
            );
        }
    }

    #[test]
    fn what_is_no_arc_is_refused_in_words() {
        let (start, end) = ([10.0, 0.0, 0.0], [0.0, 20.0, 0.0]);
        let about = |centre| Arc::about(&start, &end, centre, [0.0, 0.0, 1.0], true, 0).unwrap_err().to_string();
        let radii = "the arc begins 10 mm from its centre and ends 20 mm from it, allowed: 0.01 mm more or less";
        assert_eq!(about([0.0; 3]), radii);
        assert_eq!(about([10.0, 0.0, 0.0]), "the arc has no radius: its centre is where it begins");
        assert_eq!(Arc::through(&start, [5.0, 10.0, 0.0], &end), Err(ArcError::Straight));
        let short = Arc::with_radius(&start, &end, 2.0, [0.0, 0.0, 1.0], true).unwrap_err().to_string();
        assert!(short.ends_with("further than twice its radius of 2 mm"), "{short}");
        assert_eq!(Arc::about(&[1.0], &[2.0], [0.0; 3], [0.0, 0.0, 1.0], true, 0), Err(ArcError::Coordinates));
    }

    #[test]
    fn radii_that_are_said_to_be_allowed_are() {
        for radius in [1.0, 9.9, 10.1, 500.0] {
            let about = |apart: f64| {
                Arc::about(&[radius, 0.0], &[0.0, radius + apart], [0.0; 3], [0.0, 0.0, 1.0], true, 0).map(|_| ())
            };
            let refused = about(radius).unwrap_err();
            let ArcError::Radii { allowed, .. } = refused else { panic!("{refused:?}") };
            assert!(about(0.999 * allowed).is_ok() && about(1.001 * allowed).is_err());
            let said = refused.to_string();
            assert!(said.ends_with(&format!("allowed: {} mm more or less", Figure::rounded(allowed))), "{said}");
        }
    }
}
