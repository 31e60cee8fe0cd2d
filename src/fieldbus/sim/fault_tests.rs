//! Each kind of fault as the master sees it.

use super::tests::*;
use super::*;
use crate::simulation::{
    FaultTime, ObjectValue, PowerLossReaction, RandomFault, ScheduledFault, SimulatedDriveParameters, SimulatedFault,
    SimulatedFaultKind,
};

fn fault(kind: SimulatedFaultKind, device: u8, exchanges: u32) -> SimulatedFault {
    SimulatedFault { kind, device, exchanges }
}

/// Two drives and a terminal, all running.
fn running() -> Bench {
    let mut bench = Bench::new(
        vec![drive_device(0, ideal()), drive_device(1, ideal()), terminal_device(2 * OUT, 2 * IN)],
        FaultPlan::default(),
    );
    bench.enable(0);
    bench.enable(1);
    assert!(bench.report.complete());
    assert_eq!((bench.report.working_counter, bench.report.fresh), (9, 0b111));
    bench
}

fn inject(bench: &Bench, kind: SimulatedFaultKind, device: u8, exchanges: u32) {
    bench.bus.control().inject(fault(kind, device, exchanges)).unwrap();
}

/// Moves drive 0 by one exchange's worth and tells whether its bytes changed.
fn step(bench: &mut Bench, target: &mut i32) -> bool {
    let before = bench.position(0);
    *target += 5000;
    bench.target(0, *target);
    bench.exchange();
    bench.position(0) != before
}

#[test]
fn a_lost_frame_reaches_nobody() {
    let mut bench = running();
    let target = run_at(&mut bench, 5.0, 300);
    inject(&bench, SimulatedFaultKind::LostFrame, 0, 2);
    let before = bench.inputs.clone();
    for _ in 0..2 {
        bench.target(0, target + TURN);
        bench.exchange();
        assert!(bench.report.lost && !bench.report.late && bench.report.fresh == 0);
        assert_eq!((bench.report.working_counter, bench.report.not_operational), (0, 0));
        assert_eq!(bench.inputs, before);
    }
    bench.target(0, target);
    bench.exchange();
    assert!(bench.report.complete() && !bench.report.late);
    bench.exchanges(200);
    assert!((bench.position(0) - target).abs() < 2, "the far target was never seen");
}

#[test]
fn a_lost_reply_delivered_its_outputs() {
    let mut bench = running();
    let target = bench.position(0) + 5000;
    inject(&bench, SimulatedFaultKind::LostReply, 0, 1);
    bench.target(0, target);
    let before = bench.inputs.clone();
    bench.exchange();
    assert!(bench.report.lost && bench.inputs == before);
    inject(&bench, SimulatedFaultKind::LostFrame, 0, 60);
    bench.exchanges(60);
    let turns = bench.bus.plant(0).unwrap().position_turns * f64::from(TURN);
    assert!((turns - f64::from(target)).abs() < 50.0, "{turns} of {target}");
}

#[test]
fn a_late_frame_is_lost_now_and_late_next() {
    let mut bench = running();
    let mut target = bench.position(0);
    inject(&bench, SimulatedFaultKind::LateFrame, 0, 2);
    let reports: Vec<_> = (0..4)
        .map(|_| {
            let changed = step(&mut bench, &mut target);
            (bench.report.lost, bench.report.late, bench.report.fresh != 0, changed)
        })
        .collect();
    assert_eq!(
        reports,
        [
            (true, false, false, false),
            (true, true, false, false),
            (false, true, true, true),
            (false, false, true, true)
        ]
    );
}

#[test]
fn a_wrong_working_counter_misses_the_share_of_its_device() {
    let mut bench = running();
    let mut target = bench.position(0);
    inject(&bench, SimulatedFaultKind::WrongWorkingCounter, 0, 3);
    for _ in 0..3 {
        assert!(!step(&mut bench, &mut target), "its bytes stay");
        assert_eq!((bench.report.working_counter, bench.report.working_counter_expected), (6, 9));
        assert_eq!((bench.report.fresh, bench.report.lost), (0b110, false));
    }
    assert!(bench.bus.plant(0).unwrap().velocity_turns_s.abs() < 0.01, "its outputs did not arrive");
    inject(&bench, SimulatedFaultKind::WrongWorkingCounter, 2, 1);
    bench.exchange();
    assert_eq!((bench.report.working_counter, bench.report.fresh), (6, 0b011));
}

#[test]
fn stale_feedback_has_a_right_working_counter_but_is_not_fresh() {
    let mut bench = running();
    let mut target = bench.position(0);
    step(&mut bench, &mut target);
    inject(&bench, SimulatedFaultKind::StaleFeedback, 0, 5);
    for _ in 0..5 {
        assert!(!step(&mut bench, &mut target));
        assert_eq!((bench.report.working_counter, bench.report.fresh), (9, 0b110));
    }
    assert!(bench.bus.plant(0).unwrap().velocity_turns_s > 1.0, "it follows its targets all the while");
    assert!(step(&mut bench, &mut target));
}

#[test]
fn a_drive_fault_stops_the_drive_and_refuses_a_reset_while_its_cause_lasts() {
    let mut bench = running();
    run_at(&mut bench, 5.0, 300);
    inject(&bench, SimulatedFaultKind::DriveFault { code: 0x2310 }, 0, 100);
    bench.exchanges(2);
    assert_eq!(bench.status(0) & 0x4F, 0x0F, "fault reaction active");
    bench.exchanges(60);
    assert_eq!((bench.state(0), bench.error_code(0)), (FAULT, 0x2310));
    assert_eq!((bench.state(1), bench.error_code(1)), (OPERATION_ENABLED, 0));
    let reset = |bench: &mut Bench| {
        bench.controlword(0, 0x00);
        bench.exchange();
        bench.controlword(0, 0x80);
        bench.exchanges(3);
        bench.controlword(0, 0x00);
    };
    reset(&mut bench);
    assert_eq!(bench.state(0), FAULT);
    bench.exchanges(60);
    reset(&mut bench);
    assert_eq!((bench.state(0), bench.error_code(0)), (SWITCH_ON_DISABLED, 0));
}

#[test]
fn loss_of_voltage_drops_bit_4_and_the_drive_coasts() {
    for (reaction, state, code) in
        [(PowerLossReaction::SwitchOnDisabled, SWITCH_ON_DISABLED, 0), (PowerLossReaction::Fault, FAULT, 0x3220)]
    {
        let mut drive = ideal();
        drive.on_voltage_loss = reaction;
        let mut bench = Bench::one(drive);
        bench.enable(0);
        assert_ne!(bench.status(0) & 0x10, 0);
        run_at(&mut bench, 5.0, 300);
        inject(&bench, SimulatedFaultKind::VoltageLoss, 0, u32::MAX);
        bench.exchanges(3);
        assert_eq!((bench.state(0), bench.status(0) & 0x10, bench.error_code(0)), (state, 0, code));
        bench.exchanges(50);
        let plant = bench.bus.plant(0).unwrap();
        assert!(plant.torque_nm == 0.0 && plant.velocity_turns_s > 4.9, "{plant:?}");
        bench.bus.control().clear_faults().unwrap();
        bench.exchanges(2);
        assert_ne!(bench.status(0) & 0x10, 0);
    }
}

#[test]
fn safe_torque_off_leaves_operation_and_keeps_it_off() {
    let mut bench = running();
    inject(&bench, SimulatedFaultKind::SafeTorqueOff, 0, 100);
    bench.exchanges(2);
    assert_eq!(bench.state(0), SWITCH_ON_DISABLED);
    assert_ne!(bench.status(0) & 0x10, 0, "mains are still there");
    assert_ne!(bench.digital_inputs() & 0b1000, 0, "interlock");
    bench.controlword(0, 0x06);
    bench.exchanges(50);
    assert_eq!(bench.state(0), SWITCH_ON_DISABLED);
    bench.exchanges(60);
    assert_eq!(bench.state(0), 0x21);
}

#[test]
fn a_stuck_encoder_reads_on_while_the_motor_moves() {
    let mut bench = running();
    run_at(&mut bench, 2.0, 300);
    inject(&bench, SimulatedFaultKind::StuckEncoder, 0, u32::MAX);
    bench.exchanges(2);
    let (reading, plant) = (bench.position(0), bench.bus.plant(0).unwrap().position_turns);
    run_at(&mut bench, 2.0, 20);
    assert_eq!(bench.position(0), reading);
    assert!(bench.bus.plant(0).unwrap().position_turns > plant + 0.03);
}

#[test]
fn a_silent_master_is_a_fault_and_recovery_brings_the_device_back() {
    for (option, state, code) in [(1, FAULT, 0x8130), (2, SWITCH_ON_DISABLED, 0), (3, SWITCH_ON_DISABLED, 0)] {
        let mut device = drive_device(0, SimulatedDriveParameters::default());
        device.objects.push(ObjectValue { index: 0x6007, subindex: 0, value: option });
        let mut bench = Bench::new(vec![device, terminal_device(OUT, IN)], FaultPlan::default());
        bench.enable(0);
        bench.outputs[OUT] = 0b101;
        run_at(&mut bench, 5.0, 300);
        assert_eq!(bench.bus.control().outputs(1), Some(0b101));
        // The process dies and comes back half a second later.
        bench.now_ns += 500_000_000;
        bench.exchange();
        assert_eq!((bench.state(0), bench.error_code(0)), (state, code), "6007h = {option}");
        assert_eq!(bench.report.not_operational, 0b11);
        assert_eq!((bench.report.working_counter, bench.report.fresh), (2, 0b11), "inputs only");
        let plant = bench.bus.plant(0).unwrap();
        assert!(!plant.powered && plant.velocity_turns_s.abs() < 0.01, "{plant:?}");
        assert_eq!(bench.bus.control().outputs(1), Some(0), "the terminal's outputs fell");
        bench.exchanges(100);
        assert_eq!(bench.report.not_operational, 0b11, "nothing comes back by itself");
        bench.controlword(0, 0);
        bench.bus.request_recovery();
        bench.exchanges(12);
        assert!(bench.report.complete(), "{:?}", bench.report);
    }
}

#[test]
fn the_watchdog_bites_within_the_gap_at_its_own_time() {
    let way = |watchdog_ns: u64| {
        let mut device = drive_device(0, ideal());
        device.watchdog_ns = watchdog_ns;
        let mut bench = Bench::new(vec![device], FaultPlan::default());
        bench.enable(0);
        bench.mode(9);
        bench.target_velocity(10 * TURN);
        bench.exchanges(500);
        let start = bench.bus.plant(0).unwrap().position_turns;
        bench.now_ns += 400_000_000;
        bench.exchange();
        bench.bus.plant(0).unwrap().position_turns - start
    };
    // 10 turns/s for the watchdog time, then the quick stop at 1000 turns/s² adds 0.05 turns.
    for (watchdog_ms, turns) in [(20, 0.25), (50, 0.55), (200, 2.05), (0, 4.01)] {
        let real = way(watchdog_ms * 1_000_000);
        assert!((real - turns).abs() < 0.05, "watchdog {watchdog_ms} ms: {real} turns");
    }
}

#[test]
fn a_gap_without_bound_costs_a_bounded_number_of_steps() {
    let mut device = drive_device(0, ideal());
    device.watchdog_ns = 0;
    let mut bench = Bench::new(vec![device], FaultPlan::default());
    bench.enable(0);
    bench.mode(9);
    bench.target_velocity(10 * TURN);
    bench.exchanges(500);
    let start = bench.bus.plant(0).unwrap().position_turns;
    bench.now_ns += u64::MAX / 4;
    bench.exchange();
    let turns = bench.bus.plant(0).unwrap().position_turns - start;
    assert!((turns - 10.0).abs() < 0.2, "one second of it is stepped: {turns} turns");
}

#[test]
fn inputs_of_a_terminal_change_by_bit() {
    let mut bench = running();
    assert_eq!(bench.inputs[2 * IN..][..2], [0x01, 0x08]);
    let control = bench.bus.control();
    control.set_input(2, 0, false).unwrap();
    control.set_input(2, 15, true).unwrap();
    bench.exchange();
    assert_eq!(bench.inputs[2 * IN..][..2], [0x00, 0x88]);
}

#[test]
fn a_seed_replays_bit_for_bit() {
    let kinds = [
        SimulatedFaultKind::LostFrame,
        SimulatedFaultKind::LostReply,
        SimulatedFaultKind::LateFrame,
        SimulatedFaultKind::WrongWorkingCounter,
        SimulatedFaultKind::StaleFeedback,
        SimulatedFaultKind::StuckEncoder,
        SimulatedFaultKind::DriveFault { code: 0x1000 },
    ];
    let random = kinds.map(|kind| RandomFault { kind, per_million_exchanges: 3000, max_exchanges: 4 });
    let scheduled =
        vec![ScheduledFault { at: FaultTime::Exchange(1500), fault: fault(SimulatedFaultKind::SafeTorqueOff, 1, 10) }];
    let run = |seed| {
        let parameters = SimulatedBusParameters {
            devices: vec![drive_device(0, SimulatedDriveParameters::default()), drive_device(1, ideal())],
            period_ns: 1_000_000,
            seed,
            fault_plan: FaultPlan { scheduled: scheduled.clone(), random: random.to_vec() },
            recovery_time_ns: 0,
        };
        let mut bus = SimulatedBus::new(&parameters).unwrap();
        let (mut outputs, mut inputs) = ([0u8; 64], [0u8; 64]);
        let mut trace = Vec::new();
        for n in 0..3000u64 {
            for place in 0..2 {
                let controlword: u16 = [0x06, 0x07, 0x0F, 0x0F][(n / 50 % 4) as usize] | ((n % 400 == 399) as u16) << 7;
                outputs[place * OUT..][..2].copy_from_slice(&controlword.to_le_bytes());
                let target = (200_000.0 * (n as f64 * 0.01).sin()) as i32;
                outputs[place * OUT + 3..][..4].copy_from_slice(&target.to_le_bytes());
            }
            bus.begin(&outputs, n * 1_000_000);
            let report = bus.finish(&mut inputs, 0);
            let plants = [0, 1].map(|n| bus.plant(n).unwrap()).map(|plant| {
                (plant.position_turns.to_bits(), plant.velocity_turns_s.to_bits(), plant.torque_nm.to_bits())
            });
            trace.push((report, inputs, plants));
        }
        trace
    };
    let first = run(42);
    assert!(first == run(42), "seed 42 replays");
    assert!(first != run(43), "another seed is another run");
}

#[test]
fn a_bus_that_cannot_be_is_refused_with_its_reason() {
    let build = |change: &dyn Fn(&mut SimulatedBusParameters)| {
        let mut parameters = SimulatedBusParameters {
            devices: vec![drive_device(0, SimulatedDriveParameters::default())],
            period_ns: 1_000_000,
            seed: 0,
            fault_plan: FaultPlan::default(),
            recovery_time_ns: 0,
        };
        change(&mut parameters);
        SimulatedBus::new(&parameters).map(|_| ()).map_err(|error| error.0)
    };
    assert_eq!(build(&|_| {}), Ok(()));
    let device = |parameters: &mut SimulatedBusParameters| parameters.devices[0].clone();
    let errors = [
        build(&|p| p.period_ns = 0),
        build(&|p| p.devices = vec![device(p); 65]),
        build(&|p| p.devices[0].layout.output_offset = MAX_PROCESS_IMAGE_BYTES),
        build(&|p| p.devices[0].layout.outputs[2].bits = 16),
        build(&|p| p.devices[0].layout.outputs[0].index = 0x6041),
        build(&|p| p.devices[0].objects.push(ObjectValue { index: 0x605A, subindex: 0, value: 9 })),
        build(&|p| p.devices[0].objects.push(ObjectValue { index: 0x6FFF, subindex: 0, value: 9 })),
        build(&|p| {
            let at = FaultTime::Exchange(0);
            let fault = fault(SimulatedFaultKind::StuckEncoder, 1, 1);
            p.fault_plan.scheduled.push(ScheduledFault { at, fault });
        }),
        build(&|p| {
            let mut drive = SimulatedDriveParameters::default();
            drive.motor.gear_ratio = f64::NAN;
            p.devices[0].kind = crate::simulation::SimulatedDeviceKind::Drive(vec![drive]);
        }),
    ];
    for (error, words) in errors.into_iter().zip([
        "period",
        "65 devices",
        "process image",
        "607Ah:00 has 32 bits, mapped are 16",
        "6041h:00 (Statusword) cannot be mapped",
        "605Ah:00 = 9: refused with 06090031h",
        "6FFFh:00 = 9: refused with 06020000h",
        "device 1 of 1",
        "inertia is NaN",
    ]) {
        let text = error.expect_err(words);
        assert!(text.contains(words), "{text:?} says {words:?}");
    }
}

#[test]
fn no_bytes_no_clock_and_no_fault_break_the_simulation() {
    for seed in 0..20 {
        let mut random = crate::simulation::random::Random::new(seed);
        let mut bench = Bench::new(
            (0..3).map(|place| drive_device(place, if place == 0 { ideal() } else { Default::default() })).collect(),
            FaultPlan::default(),
        );
        let control = bench.bus.control();
        for exchange in 0..3000 {
            // Mostly an enabling controlword and a mode that exists, so that the wild targets matter.
            for place in 0..3 {
                for offset in 2..OUT {
                    if random.below(4) == 0 {
                        bench.write(place, offset, &[random.bits() as u8]);
                    }
                }
                if random.below(3) > 0 {
                    bench.write(place, 2, &[8 + random.below(3) as u8]);
                }
                let word = if random.below(40) == 0 {
                    random.bits() as u16
                } else {
                    [0x06, 0x07, 0x0F, 0x0F][exchange / 50 % 4]
                };
                bench.controlword(place, word);
            }
            if random.below(100) == 0 {
                let kinds = [
                    SimulatedFaultKind::DriveFault { code: 1 },
                    SimulatedFaultKind::SafeTorqueOff,
                    SimulatedFaultKind::VoltageLoss,
                    SimulatedFaultKind::StuckEncoder,
                    SimulatedFaultKind::LostFrame,
                ];
                let exchanges = random.below(20) as u32;
                control.inject(fault(kinds[random.below(5) as usize], random.below(3) as u8, exchanges)).unwrap();
            }
            if random.below(200) == 0 {
                let backwards = random.below(2) == 0;
                let jump_ns = random.bits() >> (20 + random.below(30));
                bench.now_ns = if backwards { bench.now_ns.saturating_sub(jump_ns) } else { bench.now_ns + jump_ns };
                bench.bus.request_recovery();
            }
            bench.exchange();
            for place in 0..3 {
                let plant = bench.bus.plant(place).unwrap();
                let sane = plant.position_turns.abs() < 1e6 && plant.velocity_turns_s.abs() < 400.0;
                assert!(sane && plant.torque_nm.is_finite(), "seed {seed}, exchange {exchange}: {plant:?}");
            }
        }
    }
}
