//! An orientation as a matrix, and as the three angles a, b, c of a tool.

use super::angle::{degrees, radians};
use super::conditioning::{SINGULAR, Singularity};
use super::error::Unreachable;
use super::scalar::Scalar;

/// Cosine of b below which a and c are taken as one angle: they differ by rounding errors only.
const POLE: f64 = 1e-12;

/// A turned frame: its columns are its x, y and z axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation<S>([[S; 3]; 3]);

impl<S: Scalar> Rotation<S> {
    /// Rz(c)·Ry(b)·Rx(a) of angles in degrees.
    pub fn of_angles([a, b, c]: [S; 3]) -> Rotation<S> {
        let (sine_a, cosine_a) = radians(a).sin_cos();
        let (sine_b, cosine_b) = radians(b).sin_cos();
        let (sine_c, cosine_c) = radians(c).sin_cos();
        let (tilted_x, tilted_y) = (cosine_c * sine_b, sine_c * sine_b);
        Rotation([
            [cosine_c * cosine_b, tilted_x * sine_a - sine_c * cosine_a, tilted_x * cosine_a + sine_c * sine_a],
            [sine_c * cosine_b, tilted_y * sine_a + cosine_c * cosine_a, tilted_y * cosine_a - cosine_c * sine_a],
            [-sine_b, cosine_b * sine_a, cosine_b * cosine_a],
        ])
    }

    /// The angles a, b, c in degrees: a and c from -180 to 180, b from -90 to 90. With b at ±90°, where only one sum of a
    /// and c is determined, c is 0; derivatives are refused near it.
    pub fn angles(&self) -> Result<[S; 3], Unreachable> {
        let Rotation([first, second, third]) = *self;
        let cosine_b = first[0].value().hypot(second[0].value());
        if S::ORDER > 0 && cosine_b < SINGULAR {
            let singularity = Singularity::OrientationPole;
            return Err(Unreachable::Singular { singularity, distance: cosine_b, lowest: SINGULAR });
        }
        let c = if cosine_b < POLE { S::constant(0.0) } else { second[0].atan2(first[0]) };
        // With c out of the way there is Ry(b)·Rx(a), and both follow at the pole as well.
        let (sine_c, cosine_c) = c.sin_cos();
        let b = (-third[0]).atan2(cosine_c * first[0] + sine_c * second[0]);
        let a = (sine_c * first[2] - cosine_c * second[2]).atan2(cosine_c * second[1] - sine_c * first[1]);
        Ok([degrees(a), degrees(b), degrees(c)])
    }

    /// About the y axis.
    pub fn about_y((sine, cosine): (S, S)) -> Rotation<S> {
        let (zero, one) = (S::constant(0.0), S::constant(1.0));
        Rotation([[cosine, zero, sine], [zero, one, zero], [-sine, zero, cosine]])
    }

    /// This frame, turned about the fixed y axis.
    pub fn turned_about_y(self, (sine, cosine): (S, S)) -> Rotation<S> {
        let Rotation([first, second, third]) = self;
        Rotation([combined(first, cosine, third, sine), second, combined(third, cosine, first, -sine)])
    }

    /// This frame, turned about the fixed z axis.
    pub fn turned_about_z(self, (sine, cosine): (S, S)) -> Rotation<S> {
        let Rotation([first, second, third]) = self;
        Rotation([combined(first, cosine, second, -sine), combined(second, cosine, first, sine), third])
    }

    /// This frame, first turned about its own z axis.
    pub fn about_own_z(self, (sine, cosine): (S, S)) -> Rotation<S> {
        Rotation(self.0.map(|[x, y, z]| [x * cosine + y * sine, y * cosine - x * sine, z]))
    }

    /// Its z axis.
    pub fn z_axis(&self) -> [S; 3] {
        self.0.map(|[_, _, z]| z)
    }

    /// Its rows: the fixed axes, seen from it.
    pub fn rows(&self) -> &[[S; 3]; 3] {
        &self.0
    }
}

/// `first`·`scale` + `second`·`other`.
fn combined<S: Scalar>(first: [S; 3], scale: S, second: [S; 3], other: S) -> [S; 3] {
    let [a, b, c] = first;
    let [d, e, f] = second;
    [a * scale + d * other, b * scale + e * other, c * scale + f * other]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_same(found: &Rotation<f64>, expected: &Rotation<f64>) {
        for (found, expected) in found.0.iter().flatten().zip(expected.0.iter().flatten()) {
            assert!((found - expected).abs() < 1e-15 * 8.0, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn quarter_turns_take_the_axes_where_they_are_said_to() {
        // c = 90°: the tool's x axis along y.
        let Rotation(rows) = Rotation::of_angles([0.0, 0.0, 90.0]);
        assert!((rows[1][0] - 1.0).abs() < 1e-15);
        // b = 90°: x axis along -z; a = 90°: y axis along z.
        let Rotation(rows) = Rotation::of_angles([0.0, 90.0, 0.0]);
        assert!((rows[2][0] + 1.0).abs() < 1e-15);
        let Rotation(rows) = Rotation::of_angles([90.0, 0.0, 0.0]);
        assert!((rows[2][1] - 1.0).abs() < 1e-15);
        // a first, about the fixed x axis, then c about the fixed z axis: y over z stays there.
        let Rotation(rows) = Rotation::of_angles([90.0, 0.0, 90.0]);
        assert!((rows[2][1] - 1.0).abs() < 1e-15 && (rows[1][0] - 1.0).abs() < 1e-15);
    }

    #[test]
    fn angles_come_back_also_at_the_pole() {
        for angles in [[20.0, -30.0, 170.0], [-179.0, 89.0, 5.0], [10.0, -89.999_999_9, -60.0]] {
            let found = Rotation::of_angles(angles).angles().unwrap();
            assert_same(&Rotation::of_angles(found), &Rotation::of_angles(angles));
        }
        let [a, b, c] = Rotation::of_angles([20.0, 90.0, 50.0]).angles().unwrap();
        assert!((a + 30.0).abs() < 1e-9 && (b - 90.0).abs() < 1e-9 && c == 0.0, "{a} {b} {c}");
    }

    #[test]
    fn turns_are_products() {
        let turned = Rotation::of_angles([20.0, -30.0, 0.0]).turned_about_z(0.5_f64.sin_cos());
        assert_same(&turned, &Rotation::of_angles([20.0, -30.0, 0.5_f64.to_degrees()]));
        let turned = Rotation::of_angles([20.0, 0.0, 0.0]).turned_about_y(0.5_f64.sin_cos());
        assert_same(&turned, &Rotation::of_angles([20.0, 0.5_f64.to_degrees(), 0.0]));
        let own = Rotation::about_y(0.3_f64.sin_cos()).about_own_z(0.5_f64.sin_cos());
        let fixed = Rotation::of_angles([0.0, 0.0, 0.5_f64.to_degrees()]).turned_about_y(0.3_f64.sin_cos());
        assert_same(&own, &fixed);
    }
}
