//! Random streams: sums of sines from a rest to a rest, as fast as limits and reserve permit.

use motiond::limits::MAX_GROUP_AXES;
use motiond::motion::Limits;
use motiond::planner::points::{Nodes, TimedPoint};
use motiond::planner::program::Point;
use motiond::planner::reserve::Reserve;
use motiond::planner::segment::Segment;

use crate::support::Random;

pub const PERIOD_S: f64 = 0.001;

/// What a stream says of its points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said {
    Positions,
    Velocities,
    Everything,
}

/// A stream, and how it is followed.
#[derive(Clone, Debug)]
pub struct Case {
    pub seed: u64,
    pub limits: Vec<Limits>,
    pub stop_s: f64,
    pub catch_up: f64,
    pub lead_s: f64,
    pub start: Point,
    pub points: Vec<TimedPoint>,
}

impl Case {
    pub fn reserve(&self) -> Reserve {
        Reserve::new(self.stop_s, self.catch_up)
    }
}

struct Wave {
    frequency: f64,
    phase: f64,
    size: f64,
}

/// Place, velocity and acceleration of an axis at a time: waves under a window that begins and ends at rest.
fn waves(waves: &[Wave], time: f64, length: f64) -> [f64; 3] {
    let u = (time / length).clamp(0.0, 1.0);
    // (4u(1−u))³, so that the second derivative is 0 at both ends.
    let base = 4.0 * u * (1.0 - u);
    let slope = 4.0 * (1.0 - 2.0 * u) / length;
    let bend = -8.0 / (length * length);
    let window = [base.powi(3), 3.0 * base.powi(2) * slope, 6.0 * base * slope * slope + 3.0 * base.powi(2) * bend];
    waves.iter().fold([0.0; 3], |sum, wave| {
        let angle = wave.frequency * time + wave.phase;
        let (sine, cosine) = angle.sin_cos();
        let wave = [wave.size * sine, wave.size * wave.frequency * cosine, -wave.size * wave.frequency.powi(2) * sine];
        [
            sum[0] + window[0] * wave[0],
            sum[1] + window[1] * wave[0] + window[0] * wave[1],
            sum[2] + window[2] * wave[0] + 2.0 * window[1] * wave[1] + window[0] * wave[2],
        ]
    })
}

/// The greatest use of a limit, of the whole stream.
fn used(case: &Case) -> bool {
    let mut nodes = Nodes::new(case.limits.len(), case.start);
    let mut before = *nodes.last();
    let mut fits = true;
    let mut look = |node: &motiond::planner::points::Node| {
        let segment = Segment::between(&before, node, case.limits.len(), PERIOD_S);
        fits &= case.reserve().excess(&segment, &case.limits).is_none();
        before = *node;
    };
    for point in &case.points {
        nodes.push(point, &mut look);
    }
    nodes.end(&mut look);
    fits
}

/// The stream of this seed; as large as the limits permit, to a hundredth.
pub fn case(seed: u64) -> Case {
    let mut random = Random::new(seed);
    let axes = 2 + random.below(8);
    let limits: Vec<Limits> = (0..axes)
        .map(|_| {
            let velocity = 10.0_f64.powf(random.within(1.5, 3.0));
            let acceleration = velocity * random.within(3.0, 30.0);
            Limits { velocity, acceleration, jerk: acceleration * random.within(10.0, 300.0) }
        })
        .collect();
    let stop_s = random.within(0.05, 1.2);
    let catch_up = if random.unit() < 0.5 { 0.0 } else { random.within(0.02, 0.3) };
    let said = [Said::Positions, Said::Velocities, Said::Everything][random.below(3)];
    let length = random.within(1.0, 4.0);
    let spacing = [0.001, 0.002, 0.004, 0.01, 0.05][random.below(5)];
    let spacing = f64::max(spacing, Reserve::new(stop_s, catch_up).spacing_s(PERIOD_S));
    let mut times = Vec::new();
    let mut time = 0.0;
    while time < length {
        time = if random.unit() < 0.5 { time + spacing } else { time + spacing * random.within(1.0, 1.6) };
        times.push(time.min(length.max(time)));
    }
    let end = time;
    let shapes: Vec<Vec<Wave>> = limits
        .iter()
        .map(|limits| {
            let count = 1 + random.below(3);
            let wave = |_| {
                let frequency = random.within(1.0, 12.0);
                let size = random.within(0.1, 1.0) * limits.velocity / frequency;
                Wave { frequency, phase: random.within(0.0, 6.0), size }
            };
            (0..count).map(wave).collect()
        })
        .collect();
    let mut start = Point::default();
    for value in start.iter_mut().take(axes) {
        *value = random.within(-500.0, 500.0);
    }
    let lead_s = random.within(0.0, 0.6);
    let made = |size: f64| {
        let point = |time_s: &f64| {
            let mut values = [start, [0.0; MAX_GROUP_AXES], [0.0; MAX_GROUP_AXES]];
            for (axis, shape) in shapes.iter().enumerate() {
                let found = waves(shape, *time_s, end);
                for (values, found) in values.iter_mut().zip(found) {
                    values[axis] += size * found;
                }
            }
            let [position, velocity, acceleration] = values;
            TimedPoint {
                time_s: *time_s,
                position,
                velocity: (said != Said::Positions).then_some(velocity),
                acceleration: (said == Said::Everything).then_some(acceleration),
            }
        };
        let points = times.iter().map(point).collect();
        Case { seed, limits: limits.clone(), stop_s, catch_up, lead_s, start, points }
    };
    let (mut low, mut high) = (0.0, 2.0);
    for _ in 0..12 {
        let middle = 0.5 * (low + high);
        if used(&made(middle)) { low = middle } else { high = middle }
    }
    made(low)
}
