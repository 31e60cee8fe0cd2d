//! Interpolated position and profile position of the simulated drive, by bytes.

use super::tests::*;
use super::*;
use crate::fieldbus::mapping::PdoEntry;

/// A drive in this mode, enabled where it stands; what it is given at byte 3 is a record (60C1h:01) in interpolated position.
fn enabled(mode: u8) -> Bench {
    let mut device = drive_device(0, ideal());
    if mode == 7 {
        device.layout.outputs[2] = PdoEntry { index: 0x60C1, subindex: 1, bits: 32 };
    }
    let mut bench = Bench::new(vec![device], FaultPlan::default());
    bench.mode(mode);
    bench.enable(0);
    assert_eq!(bench.inputs[2], mode, "6061h");
    bench
}

fn answer(bench: &Bench) -> bool {
    bench.status(0) & 1 << 12 != 0
}

fn reached(bench: &Bench) -> bool {
    bench.status(0) & 1 << 10 != 0
}

/// Turns/s and turns/s².
fn profile(bench: &mut Bench, velocity: i32, acceleration: i32, deceleration: i32) {
    for (index, value) in [(0x6081, velocity), (0x6083, acceleration), (0x6084, deceleration)] {
        bench.set(index, 0, &(value * TURN).to_le_bytes());
    }
}

/// Hands a target over with these bits beside bit 4, and takes the bit back when it is answered.
fn hand_over(bench: &mut Bench, target: i32, bits: u16) {
    assert!(!answer(bench));
    bench.target(0, target);
    bench.controlword(0, 0x1F | bits);
    let taken = (0..10).any(|_| {
        bench.exchange();
        answer(bench)
    });
    assert!(taken, "{:#06x}", bench.status(0));
    bench.controlword(0, 0x0F | bits);
}

#[test]
fn records_count_between_the_edge_of_bit_4_and_its_end() {
    let mut bench = enabled(7);
    let start = bench.position(0);
    assert!(!answer(&bench));
    bench.target(0, start + TURN / 10);
    bench.exchanges(50);
    assert_eq!(bench.position(0), start, "without bit 4 a record is nothing");
    bench.target(0, start);
    bench.controlword(0, 0x1F);
    bench.exchanges(3);
    assert!(answer(&bench));
    // Ten turns a second, record by record: as in cyclic synchronous position.
    let step = TURN / 100;
    for number in 1..=200 {
        bench.target(0, start + number * step);
        bench.exchange();
        // Behind the jump of the velocity at the beginning.
        if number > 100 {
            let expected = start + (number - 1) * step;
            assert!((bench.position(0) - expected).abs() < 200, "{number}: {} of {expected}", bench.position(0));
        }
    }
    // Without the bit it comes to rest on its ramp, and further records are nothing.
    bench.controlword(0, 0x0F);
    bench.target(0, start + 1000 * step);
    bench.exchanges(2);
    assert!(!answer(&bench));
    bench.exchanges(300);
    let rest = bench.position(0);
    assert!((start + 200 * step..start + 260 * step).contains(&rest), "{}", rest - start);
    bench.exchanges(100);
    assert!((bench.position(0) - rest).abs() < 50);
    // A record that is far away when the bit comes is gone to within one period, as it was told.
    bench.target(0, rest);
    bench.controlword(0, 0x1F);
    bench.exchanges(20);
    assert!(answer(&bench) && (bench.position(0) - rest).abs() < 50);
}

#[test]
fn a_target_is_taken_at_the_edge_and_gone_to_by_the_drives_own_profile() {
    let mut bench = enabled(1);
    profile(&mut bench, 10, 100, 50);
    let start = bench.position(0);
    bench.target(0, start + 2 * TURN);
    bench.exchanges(50);
    assert_eq!(bench.position(0), start, "without bit 4 a target is nothing");
    hand_over(&mut bench, start + 2 * TURN, 0x20);
    // 607Ah is looked at only at the edge.
    bench.target(0, start - TURN);
    let (mut cycles, mut fastest) = (0, 0);
    while !reached(&bench) {
        bench.exchange();
        cycles += 1;
        fastest = fastest.max(bench.velocity());
        assert!(cycles < 1000);
    }
    assert!(!answer(&bench));
    assert!((bench.position(0) - start - 2 * TURN).abs() < TURN / 720);
    // 0.1 s up over 0.5 turns, 0.2 s down over 1 turn, half a turn at 10 turns/s.
    assert!((340..365).contains(&cycles), "{cycles} ms");
    assert!((i64::from(fastest) - 10 * i64::from(TURN)).abs() < i64::from(TURN) / 4, "{fastest}");
}

#[test]
fn a_target_replaces_the_one_before_or_waits_for_it_by_bit_5() {
    for (bits, way) in [(0x20, 1), (0x00, 3)] {
        let mut bench = enabled(1);
        profile(&mut bench, 10, 100, 100);
        let start = bench.position(0);
        hand_over(&mut bench, start + 3 * TURN, 0x20);
        bench.exchanges(3);
        hand_over(&mut bench, start + TURN, bits);
        bench.exchanges(5);
        // One that waits fills what there is room for.
        assert_eq!(answer(&bench), bits == 0, "{bits:#x}");
        let mut farthest = 0;
        for _ in 0..1000 {
            bench.exchange();
            farthest = farthest.max(bench.position(0) - start);
        }
        assert!((farthest - way * TURN).abs() < TURN / 20, "{bits:#x}: {} turns", farthest / TURN);
        assert!((bench.position(0) - start - TURN).abs() < TURN / 720 && !answer(&bench) && reached(&bench));
    }
}

#[test]
fn a_halt_keeps_the_target_and_a_quick_stop_does_not() {
    for (word, goes_on) in [(0x10F, true), (0x02, false)] {
        let mut bench = enabled(1);
        profile(&mut bench, 10, 100, 100);
        bench.set(0x605A, 0, &6_i16.to_le_bytes());
        let start = bench.position(0);
        hand_over(&mut bench, start + 5 * TURN, 0x20);
        bench.exchanges(100);
        bench.controlword(0, word);
        bench.exchanges(300);
        let rest = bench.position(0);
        assert!((start..start + 4 * TURN).contains(&rest) && bench.velocity().abs() < TURN / 100, "{word:#x}");
        bench.controlword(0, 0x0F);
        bench.exchanges(1000);
        let went = bench.position(0) - rest;
        assert_eq!(went > TURN / 2, goes_on, "{word:#x}: {went}");
    }
}

#[test]
fn relative_targets_are_counted_from_the_last_one() {
    let mut bench = enabled(1);
    profile(&mut bench, 10, 100, 100);
    let start = bench.position(0);
    for _ in 0..3 {
        hand_over(&mut bench, TURN, 0x60);
        bench.exchanges(3);
    }
    bench.exchanges(1500);
    assert!((bench.position(0) - start - 3 * TURN).abs() < TURN / 720, "{}", bench.position(0) - start);
}
