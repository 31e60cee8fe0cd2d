//! From a free master to OP.

use super::super::bring_up::bring_up;
use super::super::error::IghError;
use super::super::layer::{DeviceState, DomainState, LayerError, SegmentState};
use super::recorder::{recorder, segment};
use crate::fieldbus::ethercat::bring_up::{Place, RevisionPolicy};

#[test]
fn a_segment_is_configured_before_it_is_activated_and_then_exchanged_with() {
    let (record, layer, objects) = recorder();
    let _running = bring_up(layer, objects, &segment()).unwrap();
    let calls = record.lock().unwrap().take();
    let expected = [
        "reserve",
        "devices_on_wire",
        "create_domain",
        "configure position 0: a5a 10002",
        "attached_position 10",
        "upload 0 1018:3",
        "map 10 SM2 Outputs 1600: 6040:16 607a:32",
        "register 10 SM2 0 in 0",
        "register 10 SM2 1 in 0",
        "map 10 SM3 Inputs 1a00: 6041:16 6061:8 6064:32",
        "register 10 SM3 0 in 0",
        "register 10 SM3 1 in 0",
        "register 10 SM3 2 in 0",
        "domain_bytes 0",
        "watchdog 10: 2498 1000",
        "startup 10 60C2h:01: [1]",
        "distributed_clock 10: 1000000, 0x0300 0 0",
        "create_domain",
        "configure alias 12: a5a 20",
        "attached_position 11",
        "sync_manager 1 0",
        "register 11 SM0 0 in 1",
        "sync_manager 1 0",
        "sync_manager 1 1",
        "register 11 SM1 0 in 1",
        "domain_bytes 1",
        "watchdog 11: 2498 500",
        "application_time 8000000",
        "activate",
        "domain_data 0",
        "domain_data 1",
        "wait_until 8000000",
    ];
    assert_eq!(calls[..expected.len()], expected);
}

#[test]
fn each_axis_of_a_drive_has_a_pdo_of_its_own() {
    let (record, layer, objects) = recorder();
    let mut segment = segment();
    let layout = &mut segment.devices[0].layout;
    for entries in [&mut layout.outputs, &mut layout.inputs] {
        let second: Vec<_> = entries.iter().map(|entry| entry.of_axis(1)).collect();
        entries.extend(second);
    }
    // That is all that is of interest here.
    record.lock().unwrap().fails = Some(("watchdog", LayerError::Other("told to")));
    assert!(bring_up(layer, objects, &segment).is_err());
    let calls = record.lock().unwrap().take();
    let of_drive: Vec<&str> = calls.iter().map(String::as_str).filter(|call| call.contains(" 10 SM2")).collect();
    let expected = [
        "map 10 SM2 Outputs 1600: 6040:16 607a:32; 1610: 6840:16 687a:32",
        "register 10 SM2 0 in 0",
        "register 10 SM2 1 in 0",
        "register 10 SM2 1.0 in 0",
        "register 10 SM2 1.1 in 0",
    ];
    assert_eq!(of_drive, expected);
}

#[test]
fn zeros_are_exchanged_in_step_until_every_device_is_in_op() {
    let (record, layer, objects) = recorder();
    record.lock().unwrap().slow = 3;
    let _running = bring_up(layer, objects, &segment()).unwrap();
    let record = record.lock().unwrap();
    assert!(record.active);
    assert_eq!(record.sent, [vec![0; 13], vec![0; 3]]);
    let times = record.calls.iter().filter_map(|call| call.strip_prefix("application_time "));
    let times: Vec<u64> = times.map(|time| time.parse().unwrap()).collect();
    // The first is before activation.
    assert_eq!(times, [8_000_000, 8_000_000, 9_000_000, 10_000_000]);
}

#[test]
fn each_failing_call_is_named_and_leaves_nothing_activated() {
    let calls = [
        ("reserve", "the IgH master does not let itself be reserved: "),
        ("devices_on_wire", "the IgH master does not tell its devices: "),
        ("create_domain", "device \"lift\": the IgH master does not make a domain: "),
        ("configure", "device \"lift\": the IgH master does not configure it: "),
        ("attached_position", "device \"lift\": the IgH master does not tell its place: "),
        ("upload", "device \"lift\": the IgH master does not read its identity: "),
        ("map", "device \"lift\": the IgH master does not map its process data: "),
        ("register", "device \"lift\": the IgH master does not take its process data into a domain: "),
        ("domain_bytes", "device \"lift\": the IgH master does not tell the length of its process data: "),
        ("watchdog", "device \"lift\": the IgH master does not set its watchdog: "),
        ("startup", "device \"lift\": the IgH master does not take its startup objects: "),
        ("distributed_clock", "device \"lift\": the IgH master does not set its SYNC0: "),
        ("sync_manager", "device \"io\": the IgH master does not tell its sync managers: "),
        ("application_time", "the IgH master does not take the time: "),
        ("activate", "the IgH master does not let itself be activated: "),
        ("domain_data", "the IgH master does not hand out the process data: "),
    ];
    for (call, text) in calls {
        let (record, layer, objects) = recorder();
        record.lock().unwrap().fails = Some((call, LayerError::Os(libc::EIO)));
        let error = bring_up(layer, objects, &segment()).unwrap_err();
        let io = std::io::Error::from_raw_os_error(libc::EIO);
        assert_eq!(error.to_string(), format!("{text}{io}"));
        let record = record.lock().unwrap();
        assert!(!record.active && record.closed, "{call}");
        let activated = record.calls.iter().any(|call| call == "activate");
        assert_eq!(
            record.calls.iter().any(|call| call == "deactivate"),
            activated || call == "application_time",
            "{call}"
        );
    }
}

#[test]
fn calls_that_fail_in_the_exchange_leave_nothing_activated_either() {
    let in_exchange =
        ["queue", "send", "receive", "process", "domain_state", "sync_reference_clock", "sync_device_clocks"];
    for call in in_exchange {
        let (record, layer, objects) = recorder();
        record.lock().unwrap().fails = Some((call, LayerError::Os(libc::EIO)));
        let error = bring_up(layer, objects, &segment()).unwrap_err();
        let devices = vec!["all devices say OP, but their process data do not arrive".to_string()];
        assert_eq!(error, IghError::NotOperational { devices }, "{call}");
        let record = record.lock().unwrap();
        assert!(!record.active && record.closed, "{call}");
    }
}

#[test]
fn who_does_not_become_operational_is_named_and_the_master_given_back() {
    let (record, layer, objects) = recorder();
    {
        let mut record = record.lock().unwrap();
        record.segment = SegmentState { responding: 1, al_states: 4 };
        record.devices = vec![DeviceState { online: true, operational: false, al_state: 4 }, DeviceState::default()];
        record.brings[1].1 = DomainState::default();
    }
    let error = bring_up(layer, objects, &segment()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "not operational: \"lift\" stays in AL state 4; \"io\" does not answer; the kernel log says why"
    );
    let record = record.lock().unwrap();
    assert!(!record.active && record.closed);
    assert_eq!(record.calls.last().unwrap(), "deactivate");
}

#[test]
fn another_segment_than_the_configured_one_is_refused_before_activation() {
    let refused = |change: &dyn Fn(&mut super::recorder::Record), parameters| {
        let (record, layer, objects) = recorder();
        change(&mut record.lock().unwrap());
        let error = bring_up(layer, objects, &parameters).unwrap_err();
        let record = record.lock().unwrap();
        assert!(!record.calls.iter().any(|call| call == "activate"), "{error}");
        assert!(record.closed);
        error
    };
    let one_more = refused(&|record| record.on_wire = 3, segment());
    assert_eq!(one_more, IghError::Count { configured: 2, found: 3 });
    let missing = refused(&|record| record.missing = vec![11], segment());
    let place = Place::Alias(12);
    assert_eq!(missing, IghError::Missing { device: "io".into(), place, vendor: 0x0A5A, product: 0x20 });
    let older = refused(&|record| record.identity = [2, 4711], segment());
    assert_eq!(older, IghError::Identity { device: "lift".into(), what: "revision", configured: 3, found: 2 });
    for (policy, found, taken) in [
        (RevisionPolicy::AtLeast, 4, true),
        (RevisionPolicy::AtLeast, 2, false),
        (RevisionPolicy::Any, 2, true),
        (RevisionPolicy::Exact, 4, false),
    ] {
        let (record, layer, objects) = recorder();
        record.lock().unwrap().identity[0] = found;
        let mut parameters = segment();
        parameters.devices[0].identity.revision_policy = policy;
        assert_eq!(bring_up(layer, objects, &parameters).is_ok(), taken, "{policy:?} {found}");
    }
    let longer = refused(&|record| record.bytes = vec![13, 4], segment());
    assert_eq!(longer, IghError::Length { device: "io".into(), configured: 3, found: 4 });
    let mut serial = segment();
    serial.devices[1].identity.serial = Some(4712);
    let other = refused(&|_| {}, serial);
    let what = "serial number";
    assert_eq!(other, IghError::Identity { device: "io".into(), what, configured: 4712, found: 4711 });
    let mut nameless = segment();
    nameless.devices[0].identity.product = None;
    assert_eq!(refused(&|_| {}, nameless), IghError::IdentityUnknown { device: "lift".into() });
    let mut crowd = segment();
    crowd.devices = vec![crowd.devices[0].clone(); 65];
    assert_eq!(refused(&|_| {}, crowd), IghError::TooManyDevices);
}
