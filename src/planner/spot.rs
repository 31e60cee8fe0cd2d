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
/// Of the acceleration: what bends leave for braking at least.
const BRAKING: f64 = 0.1;
/// Of the jerk: what q″va may take.
const TURNING: f64 = 0.25;
/// Of the jerk: what q‴v³ may take.
const BENDING: f64 = 0.5;

/// |q′|, |q″| and |q‴| of each axis at one place.
#[derive(Clone, Debug)]
pub struct Spot {
    pub first: [f64; MAX_GROUP_AXES],
    pub second: [f64; MAX_GROUP_AXES],
    pub third: [f64; MAX_GROUP_AXES],
}

impl Spot {
    /// At `x`.
    pub fn of(axes: &[Cubic; MAX_GROUP_AXES], x: f64, count: usize) -> Spot {
        let mut spot =
            Spot { first: [0.0; MAX_GROUP_AXES], second: [0.0; MAX_GROUP_AXES], third: [0.0; MAX_GROUP_AXES] };
        for (axis, cubic) in axes.iter().enumerate().take(count) {
            let [_, first, second, third] = cubic.derivatives(x).map(f64::abs);
            (spot.first[axis], spot.second[axis], spot.third[axis]) = (first, second, third);
        }
        spot
    }

    /// The greatest energy with no acceleration along the path.
    pub fn cap(&self, limits: &[Limits]) -> f64 {
        self.fast(limits).min(self.bent(limits))
    }

    /// What velocities permit.
    pub fn fast(&self, limits: &[Limits]) -> f64 {
        let mut energy = f64::INFINITY;
        for (first, limits) in self.first.iter().zip(limits) {
            if *first > 0.0 {
                energy = energy.min(0.5 * (VELOCITY * limits.velocity / first).powi(2));
            }
        }
        energy
    }

    /// What bends permit.
    pub fn bent(&self, limits: &[Limits]) -> f64 {
        let mut energy = f64::INFINITY;
        for (axis, limits) in limits.iter().enumerate() {
            if self.second[axis] > 0.0 {
                energy = energy.min((1.0 - BRAKING) * ACCELERATION * limits.acceleration / (2.0 * self.second[axis]));
            }
            if self.third[axis] > 0.0 {
                energy = energy.min(0.5 * (BENDING * JERK * limits.jerk / self.third[axis]).powf(2.0 / 3.0));
            }
        }
        energy
    }

    /// The acceleration along the path that is left at this energy.
    pub fn acceleration(&self, limits: &[Limits], energy: f64) -> f64 {
        let velocity = (2.0 * energy).sqrt();
        let mut left = f64::INFINITY;
        for (axis, limits) in limits.iter().enumerate() {
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

    /// The jerk along the path that is left at this energy and acceleration.
    pub fn jerk(&self, limits: &[Limits], energy: f64, acceleration: f64) -> f64 {
        let velocity = (2.0 * energy).sqrt();
        let mut left = f64::INFINITY;
        for (axis, limits) in limits.iter().enumerate() {
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
        limits.iter().enumerate().all(|(axis, limits)| {
            let (first, second, third) = (self.first[axis], self.second[axis], self.third[axis]);
            let turning = 3.0 * second * velocity * acceleration + third * velocity.powi(3);
            first * velocity <= USED * limits.velocity
                && first * acceleration + 2.0 * second * energy <= USED * limits.acceleration
                && first * jerk + turning <= USED * limits.jerk
        })
    }
}
