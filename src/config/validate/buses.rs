//! Buses and devices: addresses, watchdogs, and the layout of the process images.

use super::super::machine::{Address, BusConfig, DeviceConfig, Identity};
use super::super::profile::Profiles;
use super::super::reader::{Place, Reader};
use super::super::schema::{
    BrakeKind, Bus, BusKind, BusMaster, Device, DeviceKind, FaultWord, File, MappingWord, ModeWord, RevisionWord,
    SimulatedFault,
};
use super::common::Common;
use super::find;
use super::inputs::AXIS_BITS;
use super::startup::startup;
use crate::cycle::bus_watch::BusWatchParameters;
use crate::fieldbus::canopen::connection::PDOS;
use crate::fieldbus::canopen::load::{load, spare_bits};
use crate::fieldbus::canopen::plan::{NetworkParameters, pdos};
use crate::fieldbus::ethercat::packet_socket::SocketOptions;
use crate::fieldbus::ethercat::synchronisation::Synchronisation;
use crate::fieldbus::mapping::{DeviceLayout, PdoEntry};
use crate::fieldbus::modes::AxisMode;
use crate::fieldbus::sim::SimulatedBusParameters;
use crate::limits::{MAX_BUS_DEVICES, MAX_PROCESS_IMAGE_BYTES};
use crate::simulation::{
    FaultPlan, FaultTime, RandomFault, ScheduledFault, SimulatedFault as PlannedFault, SimulatedFaultKind,
};

const fn entry(index: u16, subindex: u8, bits: u8) -> PdoEntry {
    PdoEntry { index, subindex, bits }
}

/// Controlword, mode, target position, velocity and torque (CiA 402-2): every mode has what it needs.
const DRIVE_OUTPUTS: [PdoEntry; 5] =
    [entry(0x6040, 0, 16), entry(0x6060, 0, 8), entry(0x607A, 0, 32), entry(0x60FF, 0, 32), entry(0x6071, 0, 16)];
/// Digital outputs.
pub const DIGITAL_OUTPUTS: PdoEntry = entry(0x60FE, 1, 32);
/// Digital inputs.
pub const DIGITAL_INPUTS: PdoEntry = entry(0x60FD, 0, 32);
/// Statusword, mode, position, velocity and torque, digital inputs, error code.
const DRIVE_INPUTS: [PdoEntry; 7] = [
    entry(0x6041, 0, 16),
    entry(0x6061, 0, 8),
    entry(0x6064, 0, 32),
    entry(0x606C, 0, 32),
    entry(0x6077, 0, 16),
    DIGITAL_INPUTS,
    entry(0x603F, 0, 16),
];
/// What a drive gets on a CAN bus, besides the target of its mode: each way is one PDO.
const CAN_DRIVE_OUTPUTS: [PdoEntry; 2] = [entry(0x6040, 0, 16), entry(0x6060, 0, 8)];
/// What it gives there.
const CAN_DRIVE_INPUTS: [PdoEntry; 3] = [entry(0x6041, 0, 16), entry(0x6061, 0, 8), entry(0x6064, 0, 32)];
/// First object of a CANopen terminal's outputs, one byte each (CiA 401).
const CAN_TERMINAL_OUTPUTS: u16 = 0x6200;
/// First object of a terminal's inputs and outputs, one byte each (ETG.5001 modular device profile).
const TERMINAL_INPUTS: u16 = 0x6000;
const TERMINAL_OUTPUTS: u16 = 0x7000;
/// The same in a terminal that says what else it exchanges: nothing is mapped by it, so that it need not be there.
const OTHER_DIGITAL: u16 = 0x2F00;

/// The bit rates of CiA 301 Table 1, kbit/s.
const BIT_RATES: [u32; 8] = [10, 20, 50, 125, 250, 500, 800, 1000];

/// How long simulated devices need to come back after a lost bus is recovered.
const RECOVERY_TIME_NS: u64 = 50_000_000;

/// Every bus with its devices laid out; simulated devices are added later, when the axes are known.
pub fn buses(reader: &mut Reader<'_>, file: &File, profiles: &Profiles, period_ns: u64) -> Vec<BusConfig> {
    file.buses.iter().filter_map(|bus| self::bus(reader, bus, file, profiles, period_ns)).collect()
}

fn bus(reader: &mut Reader<'_>, bus: &Bus, file: &File, profiles: &Profiles, period_ns: u64) -> Option<BusConfig> {
    wire(reader, bus);
    if bus.devices.len() > MAX_BUS_DEVICES {
        let place = &bus.devices[MAX_BUS_DEVICES].place;
        reader.report_found(
            place,
            format!("{} devices", bus.devices.len()),
            format!("at most {MAX_BUS_DEVICES} on one bus"),
        );
        return None;
    }
    let (mut output_bytes, mut input_bytes) = (0, 0);
    let mut devices: Vec<DeviceConfig> = Vec::new();
    for device in &bus.devices {
        if devices.iter().any(|other| other.name == *device.name) {
            reader.report(&device.name.place, "a name of its own on this bus");
        }
        let address = address(reader, *bus.kind, device);
        if address != Address::Listed && devices.iter().any(|other| other.address == address) {
            let place = [&device.position.place, &device.alias.place, &device.node_id.place];
            let place = place.into_iter().find(|place| place.written.is_some()).unwrap_or(&device.place);
            reader.report(place, "an address of its own on this bus");
        }
        let common = Common::of(reader, profiles, device);
        kind(reader, bus, device, &common, period_ns);
        synchronisation(reader, *bus.kind, device, &common.synchronisation, period_ns);
        if common.identity.revision_policy == RevisionWord::AtLeast && common.identity.revision.is_none() {
            reader.report(&device.revision.place, "a value: revision-policy \"at-least\" needs it");
        }
        let (outputs, inputs) = mapping(device, &common, file, bus);
        let layout = DeviceLayout { output_offset: output_bytes, outputs, input_offset: input_bytes, inputs };
        output_bytes += layout.output_bytes();
        input_bytes += layout.input_bytes();
        devices.push(DeviceConfig {
            name: device.name.value.clone(),
            kind: *device.kind,
            address,
            modes: modes(file, bus, device),
            identity: common.identity,
            mapped: common.mapping == MappingWord::Free
                && (*device.kind == DeviceKind::Drive || *bus.kind == BusKind::Canopen),
            watchdog_ms: common.watchdog_ms,
            heartbeat_ms: *device.heartbeat_ms,
            synchronisation: common.synchronisation,
            tolerated_emergencies: common.tolerated_emergencies.clone(),
            startup: startup(reader, *bus.kind, device, &common),
            digital_bits: [&device.digital_inputs, &device.digital_outputs].map(|bits| u32::from(bits.value)),
            layout,
        });
    }
    for (what, bytes) in [("outputs", output_bytes), ("inputs", input_bytes)] {
        if bytes > MAX_PROCESS_IMAGE_BYTES {
            let found = format!("{bytes} bytes of {what}");
            reader.report_found(&bus.place, found, format!("at most {MAX_PROCESS_IMAGE_BYTES} bytes on one bus"));
        }
    }
    if *bus.master == BusMaster::Igh {
        igh(reader, bus, &devices);
    }
    let fault_plan = fault_plan(reader, bus);
    let divisor = *bus.cycles_per_sync;
    let built = BusConfig {
        name: bus.name.value.clone(),
        kind: *bus.kind,
        master: *bus.master,
        igh_master_index: *bus.igh_master_index,
        interface: bus.interface.value.clone(),
        redundant_interface: bus.redundant_interface.value.clone(),
        socket: SocketOptions {
            busy_poll_us: Some(*bus.busy_poll_us).filter(|us| *us > 0),
            bypass_qdisc: *bus.bypass_qdisc,
        },
        bit_rate: bus.bit_rate.map(|kbit_per_s| kbit_per_s * 1000),
        master_node: *bus.master_node_id,
        divisor,
        extra_delay: *bus.extra_delay_cycles,
        watch: BusWatchParameters {
            lost_frames_tolerated: *bus.lost_frames_tolerated * divisor,
            working_counter_errors_tolerated: *bus.working_counter_tolerated * divisor,
        },
        devices,
        output_bytes,
        input_bytes,
        simulation: SimulatedBusParameters {
            devices: Vec::new(),
            period_ns,
            seed: *bus.simulation.seed,
            fault_plan,
            recovery_time_ns: RECOVERY_TIME_NS,
        },
    };
    if *bus.kind == BusKind::Canopen {
        can(reader, bus, &built, period_ns);
    }
    Some(built)
}

/// What a CAN bus must not be asked for: more than its wire carries, more PDOs than have identifiers, the master's node id.
fn can(reader: &mut Reader<'_>, bus: &Bus, built: &BusConfig, period_ns: u64) {
    for (written, device) in bus.devices.iter().zip(&built.devices) {
        if device.address == Address::Node(built.master_node) {
            let allowed = format!("another one than that of the daemon (master-node-id {})", built.master_node);
            reader.report(&written.node_id.place, allowed);
        }
        for (place, entries) in
            [(&written.pdo_outputs.place, &device.layout.outputs), (&written.pdo_inputs.place, &device.layout.inputs)]
        {
            let count = pdos(entries).len();
            if count > PDOS {
                let found = format!("{count} PDOs of up to 8 bytes");
                reader.report_found(place, found, format!("at most {PDOS} each way (CiA 301)"));
            }
        }
    }
    let Some(bit_rate) = built.bit_rate.filter(|rate| BIT_RATES.contains(&(rate / 1000))) else { return };
    let network = built.network(period_ns);
    let load = load(&network, bit_rate);
    let most = f64::from(*bus.max_load_percent) / 100.0;
    if load.share > most || !load.has_room() {
        // As many cycles as it would take, with the same devices.
        let enough = (built.divisor + 1..=4).find(|divisor| {
            let slower = NetworkParameters { divisor: *divisor, ..network.clone() };
            let slower = self::load(&slower, bit_rate);
            slower.share <= most && slower.has_room()
        });
        let (period_us, kbit_per_s) = (network.sync_period_ns() / 1000, bit_rate / 1000);
        let found = format!(
            "{} bits of SYNC and PDOs each {} µs, with heartbeats {:.0} % of {} kbit/s",
            load.cyclic_bits,
            period_us,
            100.0 * load.share,
            kbit_per_s
        );
        let advice = match enough {
            Some(divisor) => format!("cycles-per-sync = {divisor} would do"),
            None => "map less, or divide the devices among two buses".to_string(),
        };
        let allowed = if load.share > most {
            format!("at most {} % (max-load-percent): {advice}", *bus.max_load_percent)
        } else {
            let (carried, spare) = (load.period_bits, spare_bits());
            format!("room for a frame more, {spare} of {carried} bits (SDO, emergency, heartbeat): {advice}")
        };
        reader.report_found(&bus.bit_rate.place, found, allowed);
    }
}

/// What a key that must, or must not, be there with this kind has to say.
fn wanted(reader: &mut Reader<'_>, place: &Place, is: bool, wants: bool, kind: &str) {
    match (is, wants) {
        (false, true) => reader.report(place, format!("a value: kind \"{kind}\" needs it")),
        (true, false) => reader.report(place, format!("nothing: kind \"{kind}\" has no such thing")),
        _ => {}
    }
}

/// Interface and speed of the wire.
fn wire(reader: &mut Reader<'_>, bus: &Bus) {
    let (kind, word) = (*bus.kind, bus.kind.word());
    if *bus.master == BusMaster::BuiltIn {
        wanted(reader, &bus.interface.place, bus.interface.is_some(), kind != BusKind::Simulated, word);
    }
    if let Some(redundant) = &*bus.redundant_interface {
        let place = &bus.redundant_interface.place;
        if kind != BusKind::Ethercat || *bus.master != BusMaster::BuiltIn {
            reader.report(place, "nothing: only kind \"ethercat\" with the built-in master has a ring");
        } else if bus.interface.as_ref() == Some(redundant) {
            reader.report(place, "another interface than the one at the first device");
        }
    }
    wanted(reader, &bus.bit_rate.place, bus.bit_rate.is_some(), kind == BusKind::Canopen, word);
    if kind != BusKind::Canopen {
        let given = [
            (&bus.cycles_per_sync.place, *bus.cycles_per_sync != 1),
            (&bus.master_node_id.place, *bus.master_node_id != 127),
            (&bus.max_load_percent.place, *bus.max_load_percent != 80),
        ];
        for (place, is) in given {
            wanted(reader, place, is, false, word);
        }
    }
    if bus.bit_rate.is_some_and(|rate| !BIT_RATES.contains(&rate)) {
        let rates = BIT_RATES.map(|rate| rate.to_string()).join(", ");
        reader.report(&bus.bit_rate.place, format!("one of {rates} (CiA 301)"));
    }
}

/// How a device is synchronised, where its bus has clocks.
fn synchronisation(reader: &mut Reader<'_>, bus: BusKind, device: &Device, all: &Synchronisation, period_ns: u64) {
    let word = bus.word();
    let (activate, shift, sync1) = (&device.dc_assign_activate, &device.sync0_shift_us, &device.sync1_us);
    if bus == BusKind::Canopen {
        wanted(reader, &activate.place, activate.is_some(), false, word);
        wanted(reader, &shift.place, shift.is_some(), false, word);
        wanted(reader, &sync1.place, sync1.is_some(), false, word);
    }
    if all.assign_activate != 0 && !all.is_on() {
        let found = format!("{:#06x}", all.assign_activate);
        reader.report_found(&activate.place, found, "0, or a value with the bits of SYNC0 (0x0300)");
    }
    if all.shift_ns.unsigned_abs() >= period_ns {
        let found = format!("{} µs", all.shift_ns as f64 / 1000.0);
        reader.report_found(&shift.place, found, format!("less than a period of {} µs", period_ns as f64 / 1000.0));
    }
}

/// What the kernel's master needs, and what it has no use for.
fn igh(reader: &mut Reader<'_>, bus: &Bus, devices: &[DeviceConfig]) {
    if *bus.kind != BusKind::Ethercat {
        reader.report(&bus.master.place, "\"built-in\": only a bus of kind \"ethercat\" has another master");
    }
    if bus.interface.is_some() {
        reader.report(&bus.interface.place, "nothing: with master \"igh\" the kernel modules are told which it is");
    }
    for (written, device) in bus.devices.iter().zip(devices) {
        let Identity { vendor_id, product_code, .. } = device.identity;
        for (place, known) in [(&written.vendor_id.place, vendor_id), (&written.product_code.place, product_code)] {
            if known.is_none() {
                reader.report(place, "a value: master \"igh\" finds the device by it");
            }
        }
    }
}

fn address(reader: &mut Reader<'_>, bus: BusKind, device: &Device) -> Address {
    let word = bus.word();
    if bus != BusKind::Simulated {
        wanted(reader, &device.node_id.place, device.node_id.is_some(), bus == BusKind::Canopen, word);
    }
    match bus {
        BusKind::Simulated => Address::Listed,
        BusKind::Canopen => {
            wanted(reader, &device.position.place, device.position.is_some(), false, word);
            wanted(reader, &device.alias.place, device.alias.is_some(), false, word);
            device.node_id.map_or(Address::Listed, Address::Node)
        }
        BusKind::Ethercat => match (*device.position, *device.alias) {
            (Some(position), None) => Address::Position(position),
            (None, Some(alias)) => Address::Alias(alias),
            (None, None) => {
                reader.report(&device.position.place, "a value, or an alias: kind \"ethercat\" needs one of them");
                Address::Listed
            }
            (Some(_), Some(alias)) => {
                reader.report(&device.alias.place, "either position or alias, not both");
                Address::Alias(alias)
            }
        },
    }
}

/// What only a drive, or only a terminal, has.
fn kind(reader: &mut Reader<'_>, bus: &Bus, device: &Device, common: &Common, period_ns: u64) {
    let bits = [&device.digital_inputs, &device.digital_outputs];
    let mappings = [&device.pdo_outputs, &device.pdo_inputs];
    match *device.kind {
        DeviceKind::Drive => {
            for bits in bits.into_iter().filter(|bits| bits.value > 0) {
                reader.report(&bits.place, "0: a drive's inputs and outputs are bits of 60FDh and 60FEh");
            }
            let given =
                [(&device.pdo_outputs.place, &common.pdo_outputs), (&device.pdo_inputs.place, &common.pdo_inputs)];
            for (place, _) in
                given.into_iter().filter(|(_, given)| common.mapping == MappingWord::Fixed && given.is_none())
            {
                reader.report(place, "what the drive has: with mapping \"fixed\" nothing is mapped");
            }
            // The drive must ride through what the cycle rides through, and one period of grace at each end.
            let least_ns = (u64::from(*bus.lost_frames_tolerated) + 2) * u64::from(*bus.cycles_per_sync) * period_ns;
            let least_ms = least_ns.div_ceil(1_000_000);
            if common.watchdog_ms == 0 {
                let allowed = format!(
                    "from {least_ms} to 1000: a drive without a watchdog would go on when the daemon dies, so it is refused"
                );
                reader.report(&device.watchdog_ms.place, allowed);
            } else if u64::from(common.watchdog_ms) < least_ms {
                let allowed = format!(
                    "from {least_ms} to 1000 (lost-frames-tolerated {} and two more periods must pass before it)",
                    *bus.lost_frames_tolerated
                );
                reader.report(&device.watchdog_ms.place, allowed);
            }
        }
        DeviceKind::Terminal => {
            if bits.iter().all(|bits| bits.value == 0) && common.pdo_inputs.is_none() && common.pdo_outputs.is_none() {
                let allowed = "above 0, or digital-outputs above 0, or pdo-inputs or pdo-outputs, for a terminal";
                reader.report(&device.digital_inputs.place, allowed);
            }
        }
        DeviceKind::Coupler => {
            for bits in bits.into_iter().filter(|bits| bits.value > 0) {
                reader.report(&bits.place, "0: a coupler exchanges nothing");
            }
            for mapping in mappings.into_iter().filter(|mapping| mapping.is_some()) {
                reader.report(&mapping.place, "nothing: a coupler exchanges nothing");
            }
        }
    }
}

/// The axes of this drive that are used, in their order; the first where none is.
fn axes_of(file: &File, bus: &Bus, device: &Device) -> Vec<u8> {
    let here = file.axes.iter().filter(|axis| *axis.bus == *bus.name && *axis.device == *device.name);
    let mut axes: Vec<u8> = here.map(|axis| *axis.device_axis).collect();
    axes.sort_unstable();
    axes.dedup();
    if axes.is_empty() { vec![0] } else { axes }
}

/// Whether something switches 60FEh of this axis of this drive: a brake, or a named output.
fn switches_outputs(file: &File, bus: &Bus, device: &Device, axis_number: u8) -> bool {
    let here = |bus_name: &str, name: &str| bus_name == *bus.name && name == *device.name;
    let brake = file.axes.iter().filter(|axis| axis.brake.as_ref().is_some_and(|b| *b.kind == BrakeKind::Output));
    brake.into_iter().any(|axis| here(&axis.bus, &axis.device) && *axis.device_axis == axis_number)
        || file
            .outputs
            .iter()
            .any(|output| here(&output.bus, &output.device) && *output.bit / AXIS_BITS == u16::from(axis_number))
}

/// The mode of this axis of this drive; `None` where no axis uses it.
fn mode_of(file: &File, bus: &Bus, device: &Device, axis_number: u8) -> Option<ModeWord> {
    let here = |axis: &&super::super::schema::Axis| {
        *axis.bus == *bus.name && *axis.device == *device.name && *axis.device_axis == axis_number
    };
    file.axes.iter().find(here).map(|axis| *axis.mode)
}

/// The modes of this drive's axes that are used.
fn modes(file: &File, bus: &Bus, device: &Device) -> Vec<AxisMode> {
    let of = |axis| Some(AxisMode { axis, mode: mode_of(file, bus, device, axis)?.mode().code() });
    axes_of(file, bus, device).into_iter().filter_map(of).collect()
}

/// The target of this axis's mode.
fn target(file: &File, bus: &Bus, device: &Device, axis_number: u8) -> PdoEntry {
    match mode_of(file, bus, device, axis_number) {
        Some(ModeWord::Csv) => entry(0x60FF, 0, 32),
        Some(ModeWord::Cst) => entry(0x6071, 0, 16),
        Some(ModeWord::Ip) => entry(0x60C1, 1, 32),
        Some(ModeWord::Csp | ModeWord::Pp) | None => entry(0x607A, 0, 32),
    }
}

/// What a drive gets on a bus with room: all that the cyclic modes need, or where it has none of them, the target that there is.
fn drive_outputs(file: &File, bus: &Bus, device: &Device, axis_number: u8) -> Vec<PdoEntry> {
    let target = target(file, bus, device, axis_number);
    match mode_of(file, bus, device, axis_number) {
        Some(ModeWord::Ip | ModeWord::Pp) => DRIVE_OUTPUTS[..2].iter().copied().chain([target]).collect(),
        _ => DRIVE_OUTPUTS.to_vec(),
    }
}

/// Whether somebody looks at 60FDh of this axis of this drive: its limit switches, or a named input.
fn reads_inputs(file: &File, bus: &Bus, device: &Device, axis_number: u8) -> bool {
    let here = |bus_name: &str, name: &str| bus_name == *bus.name && name == *device.name;
    let switches = file.axes.iter().filter(|axis| *axis.limits.drive_switches);
    let mut inputs = file.inputs.iter().filter(|input| here(&input.bus, &input.device));
    switches.into_iter().any(|axis| here(&axis.bus, &axis.device) && *axis.device_axis == axis_number)
        || inputs.any(|input| *input.bit / AXIS_BITS == u16::from(axis_number))
}

fn mapping(device: &Device, common: &Common, file: &File, bus: &Bus) -> (Vec<PdoEntry>, Vec<PdoEntry>) {
    if *device.kind == DeviceKind::Coupler {
        return (Vec::new(), Vec::new());
    }
    if *device.kind == DeviceKind::Terminal {
        let whole = |bits: u16, index, own: &Option<Vec<PdoEntry>>, others: &Option<Vec<PdoEntry>>| {
            // What a profile lists is all that there is, its digital inputs or outputs among it.
            let others = if own.is_some() || bits == 0 { others } else { own };
            // What has objects of its own may use the profile's indices for them.
            let index = if others.is_some() { OTHER_DIGITAL } else { index };
            let bytes = (0..bits.div_ceil(8)).map(|byte| entry(index, byte as u8 + 1, 8));
            bytes.chain(others.iter().flatten().copied()).collect()
        };
        let first = if *bus.kind == BusKind::Canopen { CAN_TERMINAL_OUTPUTS } else { TERMINAL_OUTPUTS };
        let outputs = whole(*device.digital_outputs, first, &device.pdo_outputs, &common.pdo_outputs);
        return (outputs, whole(*device.digital_inputs, TERMINAL_INPUTS, &device.pdo_inputs, &common.pdo_inputs));
    }
    let (mut outputs, mut inputs) = (Vec::new(), Vec::new());
    for axis in axes_of(file, bus, device) {
        if *bus.kind == BusKind::Canopen {
            outputs.extend(CAN_DRIVE_OUTPUTS.map(|entry| entry.of_axis(axis)));
            outputs.push(target(file, bus, device, axis).of_axis(axis));
            inputs.extend(CAN_DRIVE_INPUTS.map(|entry| entry.of_axis(axis)));
            if reads_inputs(file, bus, device, axis) {
                inputs.push(DIGITAL_INPUTS.of_axis(axis));
            }
        } else {
            outputs.extend(drive_outputs(file, bus, device, axis).into_iter().map(|entry| entry.of_axis(axis)));
            inputs.extend(DRIVE_INPUTS.map(|entry| entry.of_axis(axis)));
        }
        if switches_outputs(file, bus, device, axis) {
            outputs.push(DIGITAL_OUTPUTS.of_axis(axis));
        }
    }
    (common.pdo_outputs.clone().unwrap_or(outputs), common.pdo_inputs.clone().unwrap_or(inputs))
}

fn fault_plan(reader: &mut Reader<'_>, bus: &Bus) -> FaultPlan {
    let mut plan = FaultPlan::default();
    for fault in &bus.simulation.faults {
        let of_frame = matches!(*fault.kind, FaultWord::LostFrame | FaultWord::LostReply | FaultWord::LateFrame);
        let device = match &fault.device.value {
            Some(_) if of_frame || fault.at_s.is_none() => {
                reader.report(&fault.device.place, "nothing: it concerns a frame, or a device at random");
                continue;
            }
            Some(name) => {
                let written = reader.device_names(&bus.name);
                let names = bus.devices.iter().map(|device| device.name.as_str());
                match find(reader, &fault.device.place, name, names, &written, "a device of this bus") {
                    Some(index) => index as u8,
                    None => continue,
                }
            }
            None if fault.at_s.is_some() && !of_frame => {
                reader.report(&fault.device.place, "the name of a device of this bus");
                continue;
            }
            None => 0,
        };
        let kind = fault_kind(fault);
        match (*fault.at_s, *fault.per_million) {
            (Some(at_s), None) => plan.scheduled.push(ScheduledFault {
                at: FaultTime::TimeNs((at_s * 1e9) as u64),
                fault: PlannedFault { kind, device, exchanges: *fault.exchanges },
            }),
            (None, Some(per_million_exchanges)) => {
                plan.random.push(RandomFault { kind, per_million_exchanges, max_exchanges: *fault.exchanges });
            }
            (Some(_), Some(_)) => reader.report(&fault.per_million.place, "either at-s or this, not both"),
            (None, None) => reader.report(&fault.at_s.place, "a value, or per-million-exchanges"),
        }
    }
    plan
}

fn fault_kind(fault: &SimulatedFault) -> SimulatedFaultKind {
    match *fault.kind {
        FaultWord::DriveFault => SimulatedFaultKind::DriveFault { code: *fault.error_code },
        FaultWord::SafeTorqueOff => SimulatedFaultKind::SafeTorqueOff,
        FaultWord::VoltageLoss => SimulatedFaultKind::VoltageLoss,
        FaultWord::StuckEncoder => SimulatedFaultKind::StuckEncoder,
        FaultWord::StaleFeedback => SimulatedFaultKind::StaleFeedback,
        FaultWord::WrongWorkingCounter => SimulatedFaultKind::WrongWorkingCounter,
        FaultWord::LostFrame => SimulatedFaultKind::LostFrame,
        FaultWord::LostReply => SimulatedFaultKind::LostReply,
        FaultWord::LateFrame => SimulatedFaultKind::LateFrame,
    }
}
