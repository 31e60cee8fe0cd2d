//! The curve between two nodes, over time: cubics that follow the quintic through both, with its derivatives at both ends.
//!
//! The second derivative is that of the quintic at equally spaced times and straight between them, moved a little so that velocity
//! and place at the end are exact. So the curve goes through each node with exactly its velocity and acceleration, and is twice
//! continuously differentiable everywhere.

use crate::geometry::Cubic;
use crate::limits::{MAX_GROUP_AXES, MAX_SEGMENT_PARTS, MIN_SEGMENT_PARTS, PERIODS_PER_PART};

use super::points::Node;

/// A stretch of a stream.
#[derive(Clone, Debug)]
pub struct Segment {
    /// When it begins, s since the stream began.
    pub begin_s: f64,
    /// How long each part is, s.
    pub part_s: f64,
    /// The number of the node that it leads to.
    pub number: u32,
    /// Its parts, each counted from its own beginning.
    pub parts: Vec<[Cubic; MAX_GROUP_AXES]>,
}

impl Segment {
    /// From one node to the next, of so many axes. How many parts it has depends on its length alone.
    pub fn between(from: &Node, to: &Node, axes: usize, period_s: f64) -> Segment {
        let length = to.time_s - from.time_s;
        let wanted = (length / (PERIODS_PER_PART * period_s)).round();
        let count = wanted.clamp(MIN_SEGMENT_PARTS as f64, MAX_SEGMENT_PARTS as f64) as usize;
        let mut parts = vec![[Cubic::default(); MAX_GROUP_AXES]; count];
        for axis in 0..axes.min(MAX_GROUP_AXES) {
            let ends = [from, to].map(|node| [node.position[axis], node.velocity[axis], node.acceleration[axis]]);
            follow(ends, length, &mut parts, axis);
        }
        Segment { begin_s: from.time_s, part_s: length / count as f64, number: to.number, parts }
    }
}

/// One axis of all parts.
fn follow([from, to]: [[f64; 3]; 2], length: f64, parts: &mut [[Cubic; MAX_GROUP_AXES]], axis: usize) {
    let [origin, velocity, acceleration] = from;
    let count = parts.len();
    let step = length / count as f64;
    // The quintic over u = x / length, less what its beginning says.
    let place = to[0] - origin - length * (velocity + 0.5 * length * acceleration);
    let slope = length * (to[1] - velocity - length * acceleration);
    let bend = length * length * (to[2] - acceleration);
    let third = 10.0 * place - 4.0 * slope + 0.5 * bend;
    let fourth = -15.0 * place + 7.0 * slope - bend;
    let fifth = 6.0 * place - 3.0 * slope + 0.5 * bend;
    let mut bends = [0.0; MAX_SEGMENT_PARTS + 1];
    (bends[0], bends[count]) = (acceleration, to[2]);
    for (knot, value) in bends.iter_mut().enumerate().take(count).skip(1) {
        let u = knot as f64 / count as f64;
        *value = acceleration + u * (6.0 * third + u * (12.0 * fourth + u * 20.0 * fifth)) / (length * length);
    }
    // What is still missing at the end, and the straight line over the inner knots that adds it: a knot's change by c makes the
    // velocity greater by c·step, and the place by that times the way from the knot to the end.
    let reached = (0..count).fold([0.0, velocity], |state, part| {
        let [_, at, speed] = advanced(state, &bends[part..], step);
        [at, speed]
    });
    let missing = [to[0] - origin - reached[0], to[1] - reached[1]].map(|missing| missing / step);
    let inner = (count - 1) as f64;
    let from_middle = |knot: usize| 0.5 * length - step * knot as f64;
    let squares: f64 = (1..count).map(|knot| from_middle(knot).powi(2)).sum();
    let (mean, tilt) = (missing[1] / inner, (missing[0] - 0.5 * length * missing[1]) / squares);
    for (knot, value) in bends.iter_mut().enumerate().take(count).skip(1) {
        *value += mean + tilt * from_middle(knot);
    }
    let mut state = [0.0, velocity];
    for (part, cubics) in parts.iter_mut().enumerate() {
        let [rise, at, speed] = advanced(state, &bends[part..], step);
        cubics[axis] = Cubic([origin + state[0], state[1], bends[part] / 2.0, rise / 6.0]);
        state = [at, speed];
    }
}

/// The third derivative of a part, and place and velocity at its end.
fn advanced([place, velocity]: [f64; 2], bends: &[f64], step: f64) -> [f64; 3] {
    let rise = (bends[1] - bends[0]) / step;
    let speed = velocity + step * 0.5 * (bends[0] + bends[1]);
    [rise, place + step * (velocity + step * (bends[0] / 2.0 + step * rise / 6.0)), speed]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(time_s: f64, [position, velocity, acceleration]: [f64; 3]) -> Node {
        let of = |value: f64| [value; MAX_GROUP_AXES];
        Node { time_s, position: of(position), velocity: of(velocity), acceleration: of(acceleration), number: 1 }
    }

    #[test]
    fn it_passes_both_nodes_exactly_and_is_smooth_between() {
        let (from, to) = ([1000.0, -3.0, 50.0], [1001.5, 20.0, -400.0]);
        for length in [0.001, 0.004, 0.02, 0.1, 3.0] {
            let segment = Segment::between(&node(5.0, from), &node(5.0 + length, to), 1, 0.001);
            let first = segment.parts[0][0].derivatives(0.0);
            assert_eq!(first[..3], from);
            let last = segment.parts.last().unwrap()[0].derivatives(segment.part_s);
            for ((found, wanted), scale) in last.iter().zip(to).zip([1.0, 1.0 / length, length.powi(-2)]) {
                assert!((found - wanted).abs() < 1e-11 * (1.0 + wanted.abs() + scale * 1000.0), "{length}: {last:?}");
            }
            for pair in segment.parts.windows(2) {
                let (end, begin) = (pair[0][0].derivatives(segment.part_s), pair[1][0].derivatives(0.0));
                for order in 0..3 {
                    let scale = 1.0 + begin[order].abs() + 1000.0 * length.powi(-(order as i32));
                    assert!((end[order] - begin[order]).abs() < 1e-11 * scale, "{length}: {end:?} {begin:?}");
                }
            }
        }
    }

    #[test]
    fn it_is_near_the_quintic() {
        // From rest to rest over 1 in 1 s: 10u³ − 15u⁴ + 6u⁵.
        let segment = Segment::between(&node(0.0, [0.0; 3]), &node(1.0, [1.0, 0.0, 0.0]), 1, 0.001);
        let mut peak = 0.0_f64;
        for i in 0..1000 {
            let t = f64::from(i) / 1000.0;
            let part = (t / segment.part_s) as usize;
            let [at, _, bend, _] = segment.parts[part][0].derivatives(t - part as f64 * segment.part_s);
            assert!((at - t * t * t * (10.0 + t * (6.0 * t - 15.0))).abs() < 5e-4, "{t}: {at}");
            peak = peak.max(bend.abs());
        }
        assert!((5.7..5.95).contains(&peak), "{peak}");
    }
}
