//! One exchange: the order of the calls, the images, and what is reported.

use super::super::bring_up::bring_up;
use super::super::exchange::IghBus;
use super::super::layer::{DeviceState, DomainState, LayerError, SegmentState};
use super::recorder::{PERIOD_NS, Shared, recorder, segment};
use crate::fieldbus::{CycleReport, CyclicBus};

const START_NS: u64 = 100 * PERIOD_NS + 400_000;

fn running() -> (Shared, IghBus) {
    let (record, layer, objects) = recorder();
    let (bus, _) = bring_up(layer, objects, &segment()).unwrap();
    record.lock().unwrap().take();
    (record, bus)
}

fn exchange(bus: &mut IghBus, inputs: &mut [u8]) -> CycleReport {
    let outputs: Vec<u8> = (1..=7).collect();
    bus.begin(&outputs, START_NS);
    bus.finish(inputs, START_NS + 300_000)
}

const COMPLETE: CycleReport = CycleReport {
    working_counter: 6,
    working_counter_expected: 6,
    lost: false,
    late: false,
    devices: 0b11,
    fresh: 0b11,
    not_operational: 0,
    ring_whole: None,
    late_by_bus_clock_ns: Some(-100_000),
    round_trip_ns: None,
};

#[test]
fn a_cycle_fills_keeps_the_clocks_sends_waits_and_fetches() {
    let (record, mut bus) = running();
    let report = exchange(&mut bus, &mut [0; 9]);
    assert_eq!(report, COMPLETE);
    let expected = [
        "domain_data 0",
        "domain_data 1",
        "application_time 100400000",
        "sync_reference_clock",
        "sync_device_clocks",
        "queue 0",
        "queue 1",
        "send",
        "wait_until 100700000",
        "receive",
        "process 0",
        "domain_state 0",
        "domain_data 0",
        "process 1",
        "domain_state 1",
        "domain_data 1",
        "segment_state",
    ];
    assert_eq!(record.lock().unwrap().take(), expected);
}

#[test]
fn images_go_to_their_places_and_come_from_them() {
    let (record, mut bus) = running();
    {
        let mut record = record.lock().unwrap();
        // The domain: outputs first, then inputs.
        record.brings[0].0 = (100..113).collect();
        record.brings[1].0 = vec![200, 201, 202];
    }
    let mut inputs = [0; 9];
    exchange(&mut bus, &mut inputs);
    assert_eq!(inputs, [106, 107, 108, 109, 110, 111, 112, 201, 202]);
    let sent = record.lock().unwrap().sent.clone();
    assert_eq!((&sent[0][..6], &sent[1][..1]), (&[1, 2, 3, 4, 5, 6][..], &[7][..]));
}

#[test]
fn a_device_with_a_wrong_working_counter_keeps_its_inputs_and_counts_as_not_operational() {
    let (record, mut bus) = running();
    {
        let mut record = record.lock().unwrap();
        record.brings[0].0 = vec![1; 13];
        record.brings[1] = (vec![9; 3], DomainState { working_counter: 1, complete: false });
    }
    let mut inputs = [5; 9];
    let report = exchange(&mut bus, &mut inputs);
    assert_eq!(report, CycleReport { working_counter: 4, fresh: 0b01, not_operational: 0b10, ..COMPLETE });
    assert_eq!(inputs, [1, 1, 1, 1, 1, 1, 1, 5, 5]);
}

#[test]
fn each_device_is_asked_for_its_state_where_not_all_are_in_op() {
    let (record, mut bus) = running();
    record.lock().unwrap().segment = SegmentState { responding: 2, al_states: 8 | 4 };
    record.lock().unwrap().devices[0] = DeviceState { online: true, operational: false, al_state: 4 };
    let report = exchange(&mut bus, &mut [0; 9]);
    assert_eq!(report, CycleReport { not_operational: 0b01, ..COMPLETE });
    let calls = record.lock().unwrap().take();
    assert_eq!(calls[calls.len() - 3..], ["segment_state", "device_state 10", "device_state 11"]);
    // One that is away and still counted as in OP is not.
    record.lock().unwrap().segment = SegmentState { responding: 1, al_states: 8 };
    record.lock().unwrap().devices[0] = DeviceState { online: false, operational: true, al_state: 8 };
    assert_eq!(exchange(&mut bus, &mut [0; 9]).not_operational, 0b01);
    // A state that cannot be asked for is none.
    record.lock().unwrap().fails = Some(("device_state", LayerError::Os(libc::EINTR)));
    assert_eq!(exchange(&mut bus, &mut [0; 9]).not_operational, 0b11);
}

#[test]
fn an_exchange_that_brings_nothing_or_fails_is_lost_and_leaves_the_inputs() {
    let (record, mut bus) = running();
    let brings = record.lock().unwrap().brings.clone();
    record.lock().unwrap().brings.iter_mut().for_each(|(_, state)| *state = DomainState::default());
    let lost = CycleReport { working_counter: 0, lost: true, fresh: 0, ..COMPLETE };
    let mut inputs = [5; 9];
    assert_eq!(exchange(&mut bus, &mut inputs), lost);
    record.lock().unwrap().brings = brings;
    let calls = [
        "domain_data",
        "application_time",
        "sync_reference_clock",
        "sync_device_clocks",
        "queue",
        "send",
        "receive",
        "process",
        "domain_state",
    ];
    for call in calls {
        record.lock().unwrap().fails = Some((call, LayerError::Os(libc::EIO)));
        assert_eq!(exchange(&mut bus, &mut inputs), lost, "{call}");
        assert_eq!(inputs, [5; 9], "{call}");
    }
    record.lock().unwrap().fails = None;
    assert_eq!(exchange(&mut bus, &mut inputs), COMPLETE);
}

#[test]
fn without_a_device_that_has_sync0_no_clock_is_kept() {
    let (record, layer, objects) = recorder();
    let mut parameters = segment();
    parameters.devices.remove(0);
    {
        let mut record = record.lock().unwrap();
        record.on_wire = 1;
        record.segment.responding = 1;
        record.brings.remove(0);
    }
    let (mut bus, _) = bring_up(layer, objects, &parameters).unwrap();
    let report = exchange(&mut bus, &mut [0; 9]);
    assert_eq!((report.late_by_bus_clock_ns, report.complete()), (None, true));
    let calls = record.lock().unwrap().take();
    assert!(!calls.iter().any(|call| call.contains("clock") || call.contains("time ")), "{calls:?}");
}
