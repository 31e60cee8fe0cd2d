//! What the limits of the axes leave at one place of a curve.

use crate::geometry::Cubic;
use crate::limits::MAX_GROUP_AXES;
use crate::motion::Limits;

/// Of the velocity limit: what is planned with.
const VELOCITY: f64 = 0.9985;
/// Of the acceleration limit: what is planned with. The rest covers what lies between the places that are looked at.
const ACCELERATION: f64 = 0.99;
/// Of the jerk limit, likewise.
const JERK: f64 = 0.94;
/// Of each of the limits: what is used at most where what was planned is looked at again.
const USED: f64 = 0.999;
/// Of each of the limits: what may be used more between two places that are a quarter of a stretch apart.
const UNSEEN: f64 = 0.0005;
/// Of the acceleration: what bends leave for braking at least.
const BRAKING: f64 = 0.1;
/// Of the jerk: what q″va may take.
const TURNING: f64 = 0.25;
/// Of the jerk: what q‴v³ may take.
const BENDING: f64 = 0.5;

/// What limits are for: each axis, and, behind them, the tool as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// How many axes.
    pub axes: usize,
    /// How many coordinates of the tool, from the first on, make up its velocity.
    pub tool: usize,
}

/// One more than a group has axes: that of the tool.
const ROWS: usize = MAX_GROUP_AXES + 1;

/// |q′|, |q″| and |q‴| of each axis at one place, and behind them of the tool: of its velocity, its acceleration and its jerk as vectors.
#[derive(Clone, Debug, Default)]
pub struct Spot {
    /// What the tool may do there, where something limits it: the last row's limits, besides those of the axes.
    pub tool: Option<Limits>,
    pub first: [f64; ROWS],
    pub second: [f64; ROWS],
    pub third: [f64; ROWS],
}

impl Spot {
    /// At `x`.
    pub fn of(
        axes: &[Cubic; MAX_GROUP_AXES],
        tool: &[Cubic; MAX_GROUP_AXES],
        x: f64,
        rows: Rows,
        limits: Option<Limits>,
    ) -> Spot {
        let mut spot = Spot { tool: limits, ..Spot::default() };
        for (axis, cubic) in axes.iter().enumerate().take(rows.axes) {
            let [_, first, second, third] = cubic.derivatives(x).map(f64::abs);
            (spot.first[axis], spot.second[axis], spot.third[axis]) = (first, second, third);
        }
        if rows.tool > 0 {
            let mut squares = [0.0; 3];
            for cubic in tool.iter().take(rows.tool) {
                let [_, derivatives @ ..] = cubic.derivatives(x);
                squares.iter_mut().zip(derivatives).for_each(|(square, derivative)| *square += derivative * derivative);
            }
            let [first, second, third] = squares.map(f64::sqrt);
            (spot.first[rows.axes], spot.second[rows.axes], spot.third[rows.axes]) = (first, second, third);
        }
        spot
    }

    /// The rows with their limits.
    fn rows<'a>(&'a self, limits: &'a [Limits]) -> impl Iterator<Item = (usize, &'a Limits)> {
        limits.iter().chain(&self.tool).enumerate()
    }

    /// The greatest acceleration along the path where nothing bends.
    pub fn straight(&self, limits: &[Limits]) -> f64 {
        let moves = self.rows(limits).filter(|(row, _)| self.first[*row] > 0.0);
        moves.fold(f64::INFINITY, |least, (row, limits)| least.min(limits.acceleration / self.first[row]))
    }

    /// The greatest energy with no acceleration along the path.
    pub fn cap(&self, limits: &[Limits]) -> f64 {
        self.fast(limits).min(self.bent(limits))
    }

    /// What velocities permit.
    pub fn fast(&self, limits: &[Limits]) -> f64 {
        let mut energy = f64::INFINITY;
        for (row, limits) in self.rows(limits) {
            let first = self.first[row];
            if first > 0.0 {
                energy = energy.min(0.5 * (VELOCITY * limits.velocity / first).powi(2));
            }
        }
        energy
    }

    /// What bends permit.
    pub fn bent(&self, limits: &[Limits]) -> f64 {
        let mut energy = f64::INFINITY;
        for (axis, limits) in self.rows(limits) {
            if self.second[axis] > 0.0 {
                energy = energy.min((1.0 - BRAKING) * ACCELERATION * limits.acceleration / (2.0 * self.second[axis]));
            }
            if self.third[axis] > 0.0 {
                energy = energy.min(0.5 * (BENDING * JERK * limits.jerk / self.third[axis]).powf(2.0 / 3.0));
            }
        }
        energy
    }

    /// The velocity that axes permit, as a share of what the tool's limits and a program that wants `feed` do.
    pub fn left_by_axes(&self, limits: &[Limits], rows: Rows, feed: f64) -> f64 {
        let mut tool = self.clone();
        for of in [&mut tool.first, &mut tool.second, &mut tool.third] {
            of[..rows.axes].fill(0.0);
        }
        let wanted = tool.cap(limits).min(0.5 * feed * feed);
        let axes = Spot { tool: None, ..self.clone() };
        (axes.cap(limits) / wanted).sqrt()
    }

    /// The acceleration along the path that is left at this energy.
    pub fn acceleration(&self, limits: &[Limits], energy: f64) -> f64 {
        let velocity = (2.0 * energy).sqrt();
        let mut left = f64::INFINITY;
        for (axis, limits) in self.rows(limits) {
            let (first, second) = (self.first[axis], self.second[axis]);
            if first > 0.0 {
                left = left.min((ACCELERATION * limits.acceleration - 2.0 * second * energy) / first);
            }
            if second > 0.0 {
                left = left.min(TURNING * JERK * limits.jerk / (3.0 * second * velocity.max(1e-12)));
            }
        }
        left.max(0.0)
    }

    /// The same, of what is used at most between the places that are looked at.
    pub fn most_acceleration(&self, limits: &[Limits], energy: f64) -> f64 {
        let mut left = f64::INFINITY;
        for (axis, limits) in self.rows(limits).filter(|(axis, _)| self.first[*axis] > 0.0) {
            left = left.min((USED * limits.acceleration - 2.0 * self.second[axis] * energy) / self.first[axis]);
        }
        left.max(0.0)
    }

    /// The jerk along the path that is left at this energy and acceleration.
    pub fn jerk(&self, limits: &[Limits], energy: f64, acceleration: f64) -> f64 {
        let velocity = (2.0 * energy).sqrt();
        let mut left = f64::INFINITY;
        for (axis, limits) in self.rows(limits) {
            let (first, second, third) = (self.first[axis], self.second[axis], self.third[axis]);
            if first > 0.0 {
                let bends = velocity * (3.0 * second * acceleration + third * velocity * velocity);
                left = left.min((JERK * limits.jerk - bends) / first);
            }
        }
        left
    }

    /// The limits hold at this energy, acceleration and jerk along the path.
    pub fn holds(&self, limits: &[Limits], energy: f64, acceleration: f64, jerk: f64) -> bool {
        let velocity = (2.0 * energy).sqrt();
        self.rows(limits).all(|(axis, limits)| {
            let (first, second, third) = (self.first[axis], self.second[axis], self.third[axis]);
            let turning = 3.0 * second * velocity * acceleration + third * velocity.powi(3);
            first * velocity <= USED * limits.velocity
                && first * acceleration + 2.0 * second * energy <= USED * limits.acceleration
                && first * jerk + turning <= USED * limits.jerk
        })
    }

    /// Much changes on a stretch of this length, with this acceleration along it at most: what is used of a limit between two places a quarter of it
    /// apart may exceed by some what is used at both. With h that way, that is h²/8 times the second derivative at most: q‴v of the velocity, and of
    /// the acceleration q‴a + (q″v²)″, of which the second is 4q‴a at most, where q″ is not the same.
    pub fn uneven(&self, limits: &[Limits], length: f64, acceleration: f64) -> bool {
        let half = length * length / 128.0;
        self.rows(limits).any(|(axis, limits)| {
            let bent = half * self.third[axis];
            bent > UNSEEN * self.first[axis] || 5.0 * bent * acceleration > UNSEEN * limits.acceleration
        })
    }
}
