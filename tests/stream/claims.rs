//! What is claimed of streams.

use motiond::planner::points::{Node, Nodes};

use crate::random::{Case, PERIOD_S, Random, case};
use crate::run::{Event, Found, curve, follow};

/// Seeds of a run: as many as MOTIOND_CASES says, from MOTIOND_SEED on.
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str, otherwise: u64| std::env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let first = number("MOTIOND_SEED", 0);
    first..first + number("MOTIOND_CASES", 60)
}

const LONG: usize = 100_000;

fn all_at_once(case: &Case) -> Found {
    let count = case.points.len();
    follow(case, LONG, |_, _| Event { points: count, ratio: 1.0, flush: false })
}

fn place_of_end(case: &Case) -> f64 {
    case.points.last().unwrap().time_s
}

#[test]
fn an_undisturbed_stream_is_on_time_in_every_cycle() {
    let mut peaks = [0.0_f64; 3];
    for seed in seeds() {
        let case = case(seed);
        let found = all_at_once(&case);
        assert!(found.arrived, "seed {seed}: {:?}", (found.cycles, place_of_end(&case)));
        // From the first instant to the last.
        assert!(found.behind_s < 1.001 * PERIOD_S, "seed {seed}: {}", found.behind_s);
        let cycles = place_of_end(&case) / PERIOD_S;
        assert!((cycles..cycles + 2.0).contains(&(found.cycles as f64)), "seed {seed}: {} of {cycles}", found.cycles);
        assert!(found.fastest <= 1.0 + 1e-9, "seed {seed}: {}", found.fastest);
        for (peak, found) in peaks.iter_mut().zip(found.peaks) {
            *peak = peak.max(found);
        }
    }
    println!("peaks {peaks:?}");
    assert!(peaks[1] > 0.9 || seeds().count() < 60, "the streams use too little of the limits: {peaks:?}");
}

#[test]
fn jitter_starvation_holds_and_overrides_keep_every_limit_on_the_curve() {
    for seed in seeds() {
        let case = case(seed);
        let mut random = Random::new(seed + 7_000);
        let (mut ratio, mut silent_until) = (1.0, 0);
        let mut given = 0;
        let ahead = random.between(0.02, 1.0);
        let found = follow(&case, LONG, |cycle, motion| {
            if random.unit() < 0.004 {
                ratio = [1.0, 0.0, 0.3, 1.7, random.unit()][random.below(5)];
            }
            if random.unit() < 0.02 {
                ratio = 1.0;
            }
            if random.unit() < 0.002 {
                silent_until = cycle + (random.between(10.0, 1500.0) as usize);
            }
            let mut points = 0;
            if cycle >= silent_until {
                // As far ahead as this client is, in bursts.
                let want = motion.distance() + ahead + random.between(0.0, 0.02);
                while given < case.points.len() && (case.points[given].time_s < want || given < 2) {
                    given += 1;
                    points += 1;
                }
                // Whoever is not far enough ahead for the lead gives more.
                if !motion.moving() && points == 0 && given < case.points.len() {
                    given += 1;
                    points = 1;
                }
            }
            Event { points, ratio, flush: random.unit() < 0.05 }
        });
        assert!(found.arrived, "seed {seed}: {:?}", (found.cycles, place_of_end(&case), found.behind_s));
    }
}

#[test]
fn setpoints_are_the_same_to_the_last_bit_however_points_were_cut() {
    for seed in 0..20 {
        let case = case(seed);
        let whole = all_at_once(&case);
        for batch in [1, 7, 64] {
            // All of them in time: before the first cycle of which anything could be missing.
            let enough = case.lead_s.max(case.stop_s * 2.0) + 1.0;
            let at_once = case.points.iter().take_while(|point| point.time_s < enough).count();
            let mut given = 0;
            let found = follow(&case, LONG, |cycle, _| {
                let points = if cycle == 0 { at_once } else { batch };
                let points = points.min(case.points.len() - given);
                given += points;
                Event { points, ratio: 1.0, flush: false }
            });
            let first = whole.bits.iter().zip(&found.bits).position(|(a, b)| a != b);
            assert!(first.is_none() && whole.bits.len() == found.bits.len(), "seed {seed}, {batch}: {first:?}");
        }
    }
}

#[test]
fn what_is_behind_is_caught_up_where_that_was_asked_for_and_is_told_where_not() {
    let mut caught = 0;
    for seed in seeds() {
        let mut case = case(seed);
        // A hold of half a second, early.
        let points = case.points.len();
        case.lead_s = 0.0;
        let mut at_end = 0.0;
        let mut told = 0.0;
        let end = place_of_end(&case);
        let found = follow(&case, LONG, |cycle, motion| {
            if motion.distance() < end - 0.01 {
                at_end = cycle as f64 * PERIOD_S - motion.distance();
            }
            told = at_end;
            Event { points, ratio: if (200..700).contains(&cycle) { 0.0 } else { 1.0 }, flush: false }
        });
        assert!(found.arrived && found.behind_s >= 0.0, "seed {seed}");
        if case.catch_up == 0.0 {
            assert!(told > 0.4, "seed {seed}: {told}");
            assert!(found.held_s > 0.4, "seed {seed}: {found:?}", found = (found.held_s, found.behind_s));
        } else if told < 0.2 {
            caught += 1;
            assert!(found.fastest <= 1.0 + case.catch_up + 1e-6);
        }
    }
    assert!(caught > 3 || seeds().count() < 60, "{caught}");
}

#[test]
fn a_point_beyond_the_limits_is_found_with_how_much() {
    for seed in seeds() {
        let mut case = case(seed);
        let (axis, middle) = (seed as usize % case.limits.len(), case.points.len() / 2);
        for point in &mut case.points {
            (point.velocity, point.acceleration) = (None, None);
        }
        // A step that no limit permits.
        case.points[middle].position[axis] += 10.0 * case.limits[axis].velocity;
        let segments = curve(&case);
        let reserve = case.reserve();
        let excess = segments.iter().find_map(|segment| reserve.excess(segment, &case.limits)).unwrap();
        assert!(excess.needed > excess.allowed && excess.asked <= excess.needed, "{excess:?}");
    }
}

#[test]
fn nodes_do_not_depend_on_how_many_points_came_at_a_time() {
    let case = case(3);
    let collect = |batch: usize| {
        let mut nodes = Nodes::new(case.limits.len(), case.start);
        let mut found: Vec<Node> = Vec::new();
        for points in case.points.chunks(batch) {
            for point in points {
                nodes.push(point, &mut |node| found.push(*node));
            }
        }
        found
    };
    assert_eq!(collect(1), collect(1000));
}
