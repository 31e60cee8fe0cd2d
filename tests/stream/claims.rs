//! What is claimed of streams.

use motiond::limits::CATCH_UP_S;
use motiond::planner::points::{Node, Nodes};

use crate::random::{Case, PERIOD_S, case};
use crate::run::{Event, Found, curve, follow};
use crate::support::{self, Random};

/// Seeds of a campaign: as many as MOTIOND_CASES says, from MOTIOND_SEED on.
fn seeds() -> std::ops::Range<u64> {
    let first = support::seed(0);
    first..first + support::cases(60) as u64
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
    println!("seeds {:?}: greatest shares of velocity, acceleration and jerk limits {peaks:.4?}", seeds());
    assert!(peaks[1] > 0.9 || seeds().count() < 60, "the streams use too little of the limits: {peaks:?}");
}

#[test]
fn jitter_starvation_holds_and_overrides_keep_every_limit_on_the_curve() {
    for seed in seeds() {
        let case = case(seed);
        let mut random = Random::new(seed + 7_000);
        let (mut ratio, mut silent_until) = (1.0, 0);
        let mut given = 0;
        let ahead = random.within(0.02, 1.0);
        let found = follow(&case, LONG, |cycle, motion| {
            if random.unit() < 0.004 {
                ratio = [1.0, 0.0, 0.3, 1.7, random.unit()][random.below(5)];
            }
            if random.unit() < 0.02 {
                ratio = 1.0;
            }
            if random.unit() < 0.002 {
                silent_until = cycle + (random.within(10.0, 1500.0) as usize);
            }
            let mut points = 0;
            if cycle >= silent_until {
                // As far ahead as this client is, in bursts.
                let want = motion.distance() + ahead + random.within(0.0, 0.02);
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
    for seed in seeds().take(20) {
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
    let mut most = 0.0_f64;
    for seed in seeds() {
        let mut case = case(seed);
        // A hold of half a second, early.
        let points = case.points.len();
        case.lead_s = 0.0;
        let end = place_of_end(&case);
        // What it is behind, and what it would be with no more than the rates that were asked for, once it goes at the points' rate again.
        let (mut behind, mut greatest, mut wanted) = (0.0, 0.0_f64, None);
        let found = follow(&case, LONG, |cycle, motion| {
            if motion.distance() < end - 0.01 {
                behind = cycle as f64 * PERIOD_S - motion.distance();
                greatest = greatest.max(behind);
                if cycle >= 700 && (wanted.is_some() || motion.velocity() >= 1.0) {
                    let left: f64 = wanted.unwrap_or(behind);
                    wanted = Some(left - PERIOD_S * case.catch_up * (left / CATCH_UP_S).min(1.0));
                }
            }
            Event { points, ratio: if (200..700).contains(&cycle) { 0.0 } else { 1.0 }, flush: false }
        });
        assert!(found.arrived && found.behind_s >= 0.0, "seed {seed}");
        assert!(found.fastest <= 1.0 + case.catch_up + 1e-6, "seed {seed}: {}", found.fastest);
        let Some(wanted) = wanted else { continue };
        assert!(greatest > 0.4 && found.held_s <= greatest + 1e-9, "seed {seed}: {greatest}, {}", found.held_s);
        if case.catch_up == 0.0 {
            assert!((found.held_s - greatest).abs() < 2.0 * PERIOD_S, "seed {seed}: {} of {greatest}", found.held_s);
        }
        // To go faster takes its time, too: less than a stop.
        assert!(
            (wanted - 2.0 * PERIOD_S..wanted + 0.01 + case.catch_up * case.stop_s).contains(&behind),
            "seed {seed}: {behind} instead of {wanted}"
        );
        most = most.max(greatest - behind);
    }
    println!("seeds {:?}: at most {most:.3} s were caught up", seeds());
    assert!(most > 0.1 || seeds().count() < 60, "{most}");
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
    let case = case(support::seed(3));
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
