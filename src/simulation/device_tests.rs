use super::*;
use crate::fieldbus::mapping::{DeviceLayout, PdoEntry};
use crate::simulation::parameters::{SimulatedDriveParameters, SimulatedIdentity, SimulatedTerminalParameters};

fn entry(index: u16, subindex: u8, bits: u8) -> PdoEntry {
    PdoEntry { index, subindex, bits }
}

fn parameters(outputs: Vec<PdoEntry>, inputs: Vec<PdoEntry>) -> SimulatedDeviceParameters {
    SimulatedDeviceParameters {
        name: "lift".to_owned(),
        layout: DeviceLayout { output_offset: 0, outputs, input_offset: 0, inputs },
        identity: SimulatedIdentity { vendor: 0xAB, product: 0xCD, revision: 3, serial: 4 },
        watchdog_ns: 100_000_000,
        objects: Vec::new(),
        kind: SimulatedDeviceKind::Drive(vec![Default::default()]),
    }
}

fn drive() -> SimulatedDevice {
    let outputs = vec![entry(0x6040, 0, 16), entry(0, 0, 8), entry(0x607A, 0, 32)];
    let inputs = vec![entry(0x6041, 0, 16), entry(0x6064, 0, 32)];
    SimulatedDevice::new(&parameters(outputs, inputs), 1_000_000).unwrap()
}

fn read(device: &SimulatedDevice, index: u16, subindex: u8) -> u64 {
    let mut buffer = [0; 8];
    device.upload(index, subindex, &mut buffer).unwrap_or_else(|abort| panic!("{index:04X}:{subindex}: {abort:?}"));
    u64::from_le_bytes(buffer)
}

#[test]
fn a_device_says_what_it_is() {
    let device = drive();
    assert_eq!(read(&device, 0x1000, 0), 0x0002_0192);
    assert_eq!([1, 2, 3, 4].map(|subindex| read(&device, 0x1018, subindex)), [0xAB, 0xCD, 3, 4]);
    let mut name = [0; 32];
    let length = device.upload(0x1008, 0, &mut name).unwrap();
    assert_eq!(&name[..length], b"lift");
    let increments = u64::from(SimulatedDriveParameters::default().encoder.increments_per_turn);
    assert_eq!((read(&device, 0x608F, 1), read(&device, 0x6076, 0)), (increments, 2400));
    assert_eq!((read(&device, 0x60C2, 1), read(&device, 0x60C2, 2)), (1, 0xFD), "1 × 10⁻³ s");
    assert_eq!([1, 2, 3, 4].map(|subindex| read(&device, 0x1C00, subindex)), [1, 2, 3, 4]);
}

#[test]
fn the_layout_is_in_the_mapping_objects() {
    let device = drive();
    assert_eq!(device.process_data_bytes(), (7, 6));
    assert_eq!((read(&device, 0x1C12, 0), read(&device, 0x1C12, 1)), (1, 0x1600));
    assert_eq!((read(&device, 0x1C13, 0), read(&device, 0x1C13, 1)), (1, 0x1A00));
    assert_eq!(
        [0, 1, 2, 3].map(|subindex| read(&device, 0x1600, subindex)),
        [3, 0x6040_0010, 0x0000_0008, 0x607A_0020]
    );
    assert_eq!([0, 1, 2].map(|subindex| read(&device, 0x1A00, subindex)), [2, 0x6041_0010, 0x6064_0020]);
}

#[test]
fn the_mapping_changes_by_sdo_in_pre_operational_only() {
    let mut device = drive();
    let remap = |device: &mut SimulatedDevice| -> Result<(), SdoAbort> {
        device.download(0x1C12, 0, &[0])?;
        device.download(0x1600, 0, &[0])?;
        device.download(0x1600, 1, &0x607A_0020u32.to_le_bytes())?;
        device.download(0x1600, 2, &0x6040_0010u32.to_le_bytes())?;
        device.download(0x1600, 0, &[2])?;
        device.download(0x1C12, 1, &0x1600u16.to_le_bytes())?;
        device.download(0x1C12, 0, &[1])
    };
    device.set_network_state(NetworkState::SafeOperational);
    assert_eq!(remap(&mut device), Err(SdoAbort::DeviceState));
    device.set_network_state(NetworkState::PreOperational);
    assert_eq!(remap(&mut device), Ok(()));
    assert_eq!(device.process_data_bytes(), (6, 6));
    device.set_network_state(NetworkState::Operational);
    device.write_process_data(&[0x78, 0x56, 0x34, 0x12, 0x06, 0x00]);
    assert_eq!((read(&device, 0x607A, 0), read(&device, 0x6040, 0)), (0x1234_5678, 6));
}

#[test]
fn a_mapping_that_cannot_be_is_refused_by_its_code() {
    let mut device = drive();
    let mut write = |index, subindex, bytes: &[u8]| device.download(index, subindex, bytes);
    assert_eq!(write(0x1600, 1, &0x607A_0020u32.to_le_bytes()), Err(SdoAbort::CountNotZero));
    assert_eq!(write(0x1600, 0, &[17]), Err(SdoAbort::PdoLength));
    assert_eq!(write(0x1600, 0, &[0]), Ok(()));
    assert_eq!(write(0x1600, 1, &0x6041_0010u32.to_le_bytes()), Err(SdoAbort::CannotMap));
    assert_eq!(write(0x1600, 1, &0x607A_0010u32.to_le_bytes()), Err(SdoAbort::Length));
    assert_eq!(write(0x1600, 1, &0x5FFF_0010u32.to_le_bytes()), Err(SdoAbort::NoObject));
    assert_eq!(write(0x1C12, 1, &0x1600u16.to_le_bytes()), Err(SdoAbort::CountNotZero));
    assert_eq!(write(0x1C12, 0, &[0]), Ok(()));
    assert_eq!(write(0x1C12, 1, &0x1A00u16.to_le_bytes()), Err(SdoAbort::Range));
    assert_eq!(write(0x1C12, 0, &[5]), Err(SdoAbort::TooHigh));
}

#[test]
fn outputs_count_in_operational_only() {
    let mut device = drive();
    let outputs = [0x06, 0, 0, 1, 0, 0, 0];
    for (state, controlword) in
        [(NetworkState::PreOperational, 0), (NetworkState::SafeOperational, 0), (NetworkState::Operational, 6)]
    {
        device.set_network_state(state);
        device.write_process_data(&outputs);
        assert_eq!(read(&device, 0x6040, 0), controlword, "{state:?}");
    }
}

#[test]
fn leaving_operational_stops_an_enabled_drive() {
    let mut device = drive();
    device.set_network_state(NetworkState::Operational);
    for controlword in [0u8, 0x06, 0x07, 0x0F] {
        for _ in 0..20 {
            device.write_process_data(&[controlword, 0, 0, 0, 0, 0, 0]);
            device.advance(1_000_000);
        }
    }
    assert_eq!(read(&device, 0x6041, 0) & 0x6F, 0x27);
    device.set_network_state(NetworkState::SafeOperational);
    device.advance(1_000_000);
    device.advance(1_000_000);
    assert_eq!((read(&device, 0x6041, 0) & 0x4F, read(&device, 0x603F, 0)), (0x08, 0x8130));
    assert!(!device.watchdog_expired(), "an order, not the watchdog");
}

#[test]
fn an_object_of_a_vendor_in_the_layout_is_storage() {
    let outputs = vec![entry(0x6040, 0, 16), entry(0x60B8, 0, 16), entry(0x2345, 6, 32)];
    let inputs = vec![entry(0x6041, 0, 16), entry(0x2345, 6, 32)];
    let mut device = SimulatedDevice::new(&parameters(outputs, inputs), 1_000_000).unwrap();
    device.set_network_state(NetworkState::Operational);
    device.write_process_data(&[0, 0, 0x11, 0, 1, 2, 3, 4]);
    let mut inputs = [0; 6];
    device.read_process_data(&mut inputs);
    assert_eq!((&inputs[2..], read(&device, 0x60B8, 0)), (&[1, 2, 3, 4][..], 0x11));
}

#[test]
fn more_than_sixteen_objects_spread_over_several_pdos() {
    let outputs: Vec<_> = (0..40).map(|n| entry(0x2000, n + 1, 8)).collect();
    let mut device = SimulatedDevice::new(&parameters(outputs, Vec::new()), 1_000_000).unwrap();
    assert_eq!(device.process_data_bytes(), (40, 0));
    assert_eq!([0, 1, 2, 3].map(|subindex| read(&device, 0x1C12, subindex)), [3, 0x1600, 0x1601, 0x1602]);
    assert_eq!(read(&device, 0x1602, 0), 8);
    device.set_network_state(NetworkState::Operational);
    device.write_process_data(&std::array::from_fn::<u8, 40, _>(|n| n as u8));
    assert_eq!((read(&device, 0x2000, 1), read(&device, 0x2000, 40)), (0, 39));
}

#[test]
fn a_terminal_is_bits() {
    let mut parameters = parameters(vec![entry(0x6200, 1, 16)], vec![entry(0x6000, 1, 8), entry(0x6000, 2, 16)]);
    parameters.kind =
        SimulatedDeviceKind::Terminal(SimulatedTerminalParameters { inputs: 0x12_3456, ..Default::default() });
    let mut device = SimulatedDevice::new(&parameters, 1_000_000).unwrap();
    device.set_network_state(NetworkState::Operational);
    let mut inputs = [0; 3];
    device.read_process_data(&mut inputs);
    assert_eq!(inputs, [0x56, 0x34, 0x12]);
    device.set_input(23, true);
    device.read_process_data(&mut inputs);
    assert_eq!(inputs, [0x56, 0x34, 0x92]);
    device.write_process_data(&[0x01, 0x80]);
    assert_eq!(device.outputs(), 0x8001);
    device.advance(100_000_001);
    assert_eq!((device.outputs(), device.network_state()), (0, NetworkState::SafeOperational));
    assert!(device.watchdog_expired() && device.plant().is_none());
    assert_eq!(read(&device, 0x1000, 0), 0x0003_0191);
}

#[test]
fn interpolation_times_are_exact_where_they_can_be() {
    for (period_ns, value) in [
        (250_000, (250, -6)),
        (500_000, (5, -4)),
        (1_000_000, (1, -3)),
        (1_250_000, (125, -5)),
        (2_000_000, (2, -3)),
        (10_000_000, (10, -3)),
        (333_333, (33, -5)),
    ] {
        let (number, exponent) = interpolation_time(period_ns);
        let seconds = f64::from(number) * 10f64.powi(i32::from(exponent));
        assert!((seconds - period_ns as f64 * 1e-9).abs() < 0.02 * seconds, "{period_ns}: {number} {exponent}");
        if period_ns != 250_000 {
            assert_eq!((number, exponent), value, "{period_ns} ns");
        }
    }
}
