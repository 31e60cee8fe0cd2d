//! A linear delta: three carriages on vertical towers carry the tool with rods of fixed length (each a pair in
//! parallel, so that the tool does not turn).
//!
//! A tower is where its rod would stand if the tool were a point: the place of the carriage's joint less that of the
//! effector's joint. With the tool at (x, y, z) the carriage of the tower at (X, Y) with a rod of length L is at
//!
//! h = z + √(L² - (x-X)² - (y-Y)²),
//!
//! above the tool always; the other way round the tool is the lower of the two places where three spheres meet. The
//! coordinates are x, y, z in mm, the joints the heights of the three carriages in mm.
//!
//! Singularities: a rod near horizontal (the border of the reach: its carriage runs away; distance: the least sine of a
//! rod's elevation), and the rods in one plane (they do not hold the tool: forces and errors run away; distance: the
//! volume that the three directions span, 1 for rods square to one another). The Jacobian's determinant
//! ∂(x, y, z)/∂(joints) is the product of the sines over that volume. Beyond the second one the tool would be on the
//! other side of its carriages' plane: such places are refused.

use super::Transformation;
use super::conditioning::{Conditioning, Singularity};
use super::error::{self, Origin, ParameterError, Unreachable, within};
use super::scalar::Scalar;
use super::two_links::not_negative;

/// Shortest and longest rod, and farthest tower, mm.
const LENGTHS: (f64, f64) = (1.0, 100_000.0);
/// Least area of the towers' triangle, as a share of the square of its longest side.
const LEAST_AREA: f64 = 1e-3;
/// Share of a rod by which a place may be beyond its reach: rounding errors, and no more.
const SLACK: f64 = 1e-12;

/// Three carriages ↔ x, y, z.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearDelta {
    towers: [[f64; 2]; 3],
    rods: [f64; 3],
    /// Twice the area of the towers' triangle; positive where they stand counter-clockwise.
    area: f64,
}

impl LinearDelta {
    /// With three `towers` (x, y in mm) anywhere but in a line, and the length of each one's rods, 1 to 100 000 mm.
    pub fn new(towers: [[f64; 2]; 3], rods: [f64; 3]) -> Result<LinearDelta, ParameterError> {
        for (tower, rod) in towers.iter().zip(rods) {
            within("the length of a rod", rod, LENGTHS.0, LENGTHS.1)?;
            within("the x of a tower", tower[0], -LENGTHS.1, LENGTHS.1)?;
            within("the y of a tower", tower[1], -LENGTHS.1, LENGTHS.1)?;
        }
        let sides = [(0, 1), (1, 2), (2, 0)].map(|(a, b): (usize, usize)| {
            let side = (towers[b][0] - towers[a][0]).hypot(towers[b][1] - towers[a][1]);
            (a, b, side, rods[a] + rods[b])
        });
        let longest = sides.iter().fold(0.0, |most: f64, (_, _, side, _)| most.max(*side));
        let area = cross(towers[0], towers[1], towers[2]);
        if area.abs() <= LEAST_AREA * longest * longest {
            return Err(ParameterError::TowersInLine);
        }
        if let Some((a, b, side, rods)) = sides.iter().find(|(_, _, side, rods)| rods <= side) {
            return Err(ParameterError::RodsTooShort { towers: (*a as u8, *b as u8), found: *rods, lowest: *side });
        }
        Ok(LinearDelta { towers, rods, area })
    }

    /// The usual one: towers at 210° (front left), 330° (front right) and 90° (back) around the origin. `radius`: from the
    /// joints of the effector out to those of the carriages, horizontally, with the tool at the origin, mm.
    pub fn regular(radius: f64, rod: f64) -> Result<LinearDelta, ParameterError> {
        let radius = within("the radius", radius, LENGTHS.0, rod)?;
        let x = radius * 0.75_f64.sqrt();
        LinearDelta::new([[-x, -0.5 * radius], [x, -0.5 * radius], [0.0, radius]], [rod; 3])
    }

    /// Where the towers are, mm.
    pub fn towers(&self) -> &[[f64; 2]; 3] {
        &self.towers
    }

    /// The lengths of their rods, mm.
    pub fn rods(&self) -> &[f64; 3] {
        &self.rods
    }

    /// How far a rod reaches up from the tool.
    fn rise<S: Scalar>(&self, tower: usize, [x, y, z]: [S; 3]) -> Result<S, Unreachable> {
        let ([tower_x, tower_y], rod) = (self.towers[tower], self.rods[tower]);
        let away = (x - tower_x).squared() + (y - tower_y).squared();
        let found = away.value().sqrt();
        if found > rod * (1.0 + SLACK) {
            let at = [x.value(), y.value(), z.value()];
            let from = Origin::Tower(tower as u8);
            return Err(Unreachable::Reach { what: "the tool", at, from, found, lowest: 0.0, highest: rod });
        }
        Ok(not_negative(-away + rod * rod).sqrt())
    }

    /// The volume that the rods span, per product of their lengths; negative on the wrong side of the carriages' plane.
    fn volume(&self, place: [f64; 2], rises: [f64; 3]) -> f64 {
        let [a, b, c] = self.towers;
        let volume = rises[0] * cross(place, b, c) + rises[1] * cross(place, c, a) + rises[2] * cross(place, a, b);
        volume * self.area.signum() / (self.rods[0] * self.rods[1] * self.rods[2])
    }
}

/// Twice the area of a triangle; positive counter-clockwise.
fn cross(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
}

impl Transformation for LinearDelta {
    fn joints(&self) -> usize {
        3
    }

    fn coordinates(&self) -> usize {
        3
    }

    /// Seen from the first carriage, with the others at (X_i, Y_i, H_i): the differences of the spheres' equations give
    /// X and Y as straight functions of Z, the first sphere then a quadratic equation for Z.
    fn tool_at<S: Scalar>(&self, joints: &[S], tool: &mut [S]) -> Result<(), Unreachable> {
        let [first, second, third] = *joints else {
            return Err(error::wrong_count("joint position", joints.len(), 3));
        };
        let ([origin, b, c], [rod, ..]) = (self.towers, self.rods);
        let (x1, y1, x2, y2) = (b[0] - origin[0], b[1] - origin[1], c[0] - origin[0], c[1] - origin[1]);
        let (h1, h2) = (second - first, third - first);
        let half =
            |x: f64, y: f64, h: S, other: f64| (h.squared() + (x * x + y * y + (rod - other) * (rod + other))) * 0.5;
        let (e1, e2) = (half(x1, y1, h1, self.rods[1]), half(x2, y2, h2, self.rods[2]));
        let scale = self.area.recip();
        // (X, Y) = p + q·Z.
        let (px, py) = ((e1 * y2 - e2 * y1) * scale, (e2 * x1 - e1 * x2) * scale);
        let (qx, qy) = ((h2 * y1 - h1 * y2) * scale, (h1 * x2 - h2 * x1) * scale);
        // α·Z² - 2·β·Z + γ = 0.
        let alpha = qx.squared() + qy.squared() + 1.0;
        let beta = -(px * qx + py * qy);
        let gamma = px.squared() + py.squared() - rod * rod;
        let discriminant = beta.squared() - alpha * gamma;
        if discriminant.value() < -SLACK * rod * rod {
            return Err(Unreachable::RodsApart { heights: [first.value(), second.value(), third.value()] });
        }
        let root = not_negative(discriminant).sqrt();
        // The lower root, without a difference of what is nearly equal.
        let z = if beta.value() > 0.0 { gamma / (beta + root) } else { (beta - root) / alpha };
        super::pass(&[px + qx * z + origin[0], py + qy * z + origin[1], first + z], tool);
        Ok(())
    }

    fn joints_at<S: Scalar>(&self, tool: &[S], _near: &[f64], joints: &mut [S]) -> Result<(), Unreachable> {
        let Ok(tool) = <[S; 3]>::try_from(tool) else {
            return Err(error::wrong_count("tool coordinate", tool.len(), 3));
        };
        let rises = [self.rise(0, tool)?, self.rise(1, tool)?, self.rise(2, tool)?];
        let [x, y, z] = tool;
        let heights = rises.map(|rise| z + rise);
        if self.volume([x.value(), y.value()], rises.map(Scalar::value)) < 0.0 {
            return Err(Unreachable::RodsCrossed { at: tool.map(Scalar::value), heights: heights.map(Scalar::value) });
        }
        super::pass(&heights, joints);
        Ok(())
    }

    fn conditioning_at(&self, joints: &[f64]) -> Conditioning {
        let mut tool = [0.0; 3];
        if self.tool_at(joints, &mut tool).is_err() {
            return Conditioning::of(0.0, Singularity::RodsInPlane);
        }
        let mut rises = [0.0; 3];
        rises.iter_mut().zip(joints).for_each(|(rise, height)| *rise = height - tool[2]);
        let sines = rises.iter().zip(self.rods).map(|(rise, rod)| (rise / rod).max(0.0));
        let least = sines.fold(1.0, f64::min);
        Conditioning::of(least, Singularity::RodHorizontal)
            .or(Conditioning::of(self.volume([tool[0], tool[1]], rises).max(0.0), Singularity::RodsInPlane))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta() -> LinearDelta {
        LinearDelta::regular(150.0, 250.0).unwrap()
    }

    #[test]
    fn in_the_middle_all_carriages_are_as_high() {
        let mut joints = [0.0; 3];
        delta().inverse(&[0.0, 0.0, 10.0], &[0.0; 3], &mut joints).unwrap();
        for height in joints {
            assert!((height - 210.0).abs() < 1e-9, "{joints:?}");
        }
        // Under the third tower its rod hangs straight down.
        let long = LinearDelta::regular(150.0, 300.0).unwrap();
        long.inverse(&[0.0, 150.0, 10.0], &[0.0; 3], &mut joints).unwrap();
        assert!((joints[2] - 310.0).abs() < 1e-9, "{joints:?}");
        assert!(joints[0] < joints[2] && joints[0] == joints[1], "{joints:?}");
    }

    #[test]
    fn rods_of_different_lengths_on_towers_anywhere_come_back() {
        let delta = LinearDelta::new([[-120.0, -60.0], [10.0, 140.0], [130.0, -90.0]], [240.0, 265.0, 252.0]).unwrap();
        let (mut joints, mut tool) = ([0.0; 3], [0.0; 3]);
        delta.inverse(&[12.0, -31.0, -200.0], &[0.0; 3], &mut joints).unwrap();
        delta.forward(&joints, &mut tool).unwrap();
        for (found, expected) in tool.iter().zip([12.0, -31.0, -200.0]) {
            assert!((found - expected).abs() < 1e-10, "{tool:?}");
        }
    }

    #[test]
    fn beyond_a_rod_there_is_a_message() {
        let refused = delta().inverse(&[0.0, -120.0, 0.0], &[0.0; 3], &mut [0.0; 3]).unwrap_err();
        let says =
            "the tool at (0.000, -120.000, 0.000) is 270.000 mm from tower 3; the machine reaches 0.000 to 250.000 mm";
        assert_eq!(refused.to_string(), says);
        let apart = delta().forward(&[0.0, 0.0, 900.0], &mut [0.0; 3]).unwrap_err();
        assert!(apart.to_string().starts_with("the rods of carriages at 0.000, 0.000 and 900.000 mm do not meet"));
    }

    #[test]
    fn both_singularities_are_told() {
        let mut joints = [0.0; 3];
        delta().inverse(&[0.0, -99.999_999, 0.0], &[0.0; 3], &mut joints).unwrap();
        let conditioning = delta().conditioning(&joints).unwrap();
        assert!(conditioning.distance < 1e-3 && conditioning.nearest == Some(Singularity::RodHorizontal));
        // Carriages at the same height with short rods to the middle: the rods lie flat.
        let flat = LinearDelta::regular(100.0, 100.000_001).unwrap();
        flat.inverse(&[0.0, 0.0, 0.0], &[0.0; 3], &mut joints).unwrap();
        assert!(flat.conditioning(&joints).unwrap().distance < 1e-3);
        // A flat triangle: with the tool 45 mm before it, the three directions are on one great circle (3-4-5).
        let wide = LinearDelta::new([[-200.0, 0.0], [200.0, 0.0], [0.0, 30.0]], [250.0; 3]).unwrap();
        let mut at = |y: f64| {
            wide.inverse(&[0.0, y, 0.0], &[0.0; 3], &mut joints)?;
            wide.conditioning(&joints)
        };
        let near = at(-44.999).unwrap();
        assert!(near.distance < 1e-4 && near.nearest == Some(Singularity::RodsInPlane), "{near:?}");
        assert!(at(0.0).unwrap().distance > 0.01);
        let refused = at(-45.001).unwrap_err();
        assert!(refused.to_string().contains("is not under the plane of its carriages"), "{refused}");
    }

    #[test]
    fn impossible_deltas_are_refused_in_words() {
        let says = |towers, rods| LinearDelta::new(towers, rods).unwrap_err().to_string();
        let line = [[0.0, 0.0], [100.0, 0.0], [200.0, 0.0]];
        assert_eq!(says(line, [250.0; 3]), "the three towers stand on a line: they must form a triangle");
        let wide = [[0.0, 0.0], [300.0, 0.0], [0.0, 300.0]];
        let short = "the rods of towers 1 and 2 are 250 mm long together; the towers are 300 mm apart";
        assert_eq!(says(wide, [100.0, 150.0, 250.0]), short);
        assert!(LinearDelta::regular(150.0, 140.0).is_err() && LinearDelta::regular(f64::NAN, 140.0).is_err());
    }
}
