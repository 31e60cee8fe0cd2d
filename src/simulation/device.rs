//! One device as any bus sees it: objects by SDO, process data by bytes, a network state and a watchdog.

use crate::fieldbus::mapping::axis_object;
use crate::limits::MAX_DEVICE_AXES;
use crate::simulation::control::PlantState;
use crate::simulation::drive::{DriveDisturbance, SimulatedDrive};
use crate::simulation::drive_objects::{AXIS_SLOTS, DriveObject, add_drive_objects, check_value};
use crate::simulation::object_dictionary::{Access, DataType, Entry, Mapping, ObjectDictionary, Values};
use crate::simulation::parameters::{
    ObjectValue, SimulatedDeviceKind, SimulatedDeviceParameters, SimulatedDriveParameters,
};
use crate::simulation::process_data::ProcessData;
use crate::simulation::sdo_abort::SdoAbort;
use crate::simulation::terminal::DigitalTerminal;

/// What the device takes part in (EtherCAT AL states; CANopen NMT knows no Safe-Operational).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkState {
    /// SDO only; the mapping can be changed.
    PreOperational,
    /// Inputs are valid, outputs are ignored.
    SafeOperational,
    /// Inputs and outputs are valid.
    Operational,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Its axes.
    Drive(Box<[SimulatedDrive]>),
    Terminal(DigitalTerminal),
}

/// One simulated device.
#[derive(Clone, Debug)]
pub struct SimulatedDevice {
    dictionary: ObjectDictionary,
    process_data: ProcessData,
    kind: Kind,
    network_state: NetworkState,
    watchdog_ns: u64,
    watchdog_expired: bool,
    /// Since the last outputs; `None` before the first ones in Operational.
    since_outputs_ns: Option<u64>,
    /// Operational was left with outputs active, so the device acts as its watchdog would.
    silent: bool,
}

impl SimulatedDevice {
    /// A device at power-on, in Pre-Operational; the text of an error says what to change. `interpolation_ns` is
    /// the bus's period, for 60C2h.
    pub fn new(parameters: &SimulatedDeviceParameters, interpolation_ns: u64) -> Result<SimulatedDevice, String> {
        let mut dictionary = ObjectDictionary::default();
        let drives = match &parameters.kind {
            SimulatedDeviceKind::Drive(drives) if (1..=MAX_DEVICE_AXES).contains(&drives.len()) => &drives[..],
            SimulatedDeviceKind::Drive(drives) => {
                return Err(format!("{} axes, 1 to {MAX_DEVICE_AXES}", drives.len()));
            }
            SimulatedDeviceKind::Terminal(_) => &[],
        };
        drives.iter().try_for_each(SimulatedDriveParameters::check)?;
        add_drive_objects(&mut dictionary, drives.len());
        for axis in 0..drives.len() {
            let (value, exponent) = interpolation_time(interpolation_ns);
            let mut objects = objects_of(&mut dictionary, axis);
            objects.set_raw(DriveObject::InterpolationPeriod as usize, u64::from(value));
            objects.set_raw(DriveObject::InterpolationExponent as usize, u64::from(exponent as u8));
        }
        add_communication_objects(&mut dictionary, parameters, !drives.is_empty());
        let layout = &parameters.layout;
        let process_data = ProcessData::new(&mut dictionary, drives.len(), &layout.outputs, &layout.inputs)?;
        let kind = match &parameters.kind {
            SimulatedDeviceKind::Drive(_) => {
                let numbered = drives.iter().enumerate();
                let drive = |(axis, drive)| SimulatedDrive::new(drive, &mut objects_of(&mut dictionary, axis));
                Kind::Drive(numbered.map(drive).collect())
            }
            SimulatedDeviceKind::Terminal(terminal) => {
                Kind::Terminal(DigitalTerminal::new(terminal, &process_data, &mut dictionary))
            }
        };
        let mut device = SimulatedDevice {
            dictionary,
            process_data,
            kind,
            network_state: NetworkState::PreOperational,
            watchdog_ns: parameters.watchdog_ns,
            watchdog_expired: false,
            since_outputs_ns: None,
            silent: false,
        };
        device.mapping_changed();
        parameters.objects.iter().try_for_each(|object| device.preset(object))?;
        Ok(device)
    }

    /// Writes an object before the start. An object of the vendor's range that does not exist becomes storage.
    fn preset(&mut self, object: &ObjectValue) -> Result<(), String> {
        let ObjectValue { index, subindex, value } = *object;
        let name = format!("object {index:04X}h:{subindex:02X}");
        if (0x2000..0x6000).contains(&index) && self.dictionary.find(index, subindex).is_err() {
            let (data_type, access, mapping) = (DataType::U64, Access::ReadWrite, Mapping::No);
            let entry = Entry { index, subindex, data_type, access, mapping, name: "Vendor object" };
            self.dictionary.add(entry, value as u64);
            return Ok(());
        }
        let refused = |abort: SdoAbort| format!("{name} = {value}: refused with {:08X}h ({abort:?})", abort.code());
        let data_type = self.dictionary.entry(self.dictionary.find(index, subindex).map_err(refused)?).data_type;
        let raw = data_type.raw(value).ok_or_else(|| format!("{name} = {value}: does not fit {data_type:?}"))?;
        self.download(index, subindex, &raw.to_le_bytes()[..data_type.bytes()]).map_err(refused)
    }

    /// Sets an object of a terminal as the world does: what stands at an analogue input. False where there is none.
    pub fn set_number(&mut self, index: u16, subindex: u8, value: i64) -> bool {
        let Ok(slot) = self.dictionary.find(index, subindex) else { return false };
        let bits = 8 * self.dictionary.entry(slot).data_type.bytes();
        let is_number = bits > 0 && matches!(self.kind, Kind::Terminal(_));
        if is_number {
            self.dictionary.set_raw(slot, value as u64 & (u64::MAX >> (64 - bits)));
        }
        is_number
    }

    /// Reads an object; the number of bytes, or why not.
    pub fn upload(&self, index: u16, subindex: u8, buffer: &mut [u8]) -> Result<usize, SdoAbort> {
        self.dictionary.upload(index, subindex, buffer)
    }

    /// Writes an object.
    pub fn download(&mut self, index: u16, subindex: u8, bytes: &[u8]) -> Result<(), SdoAbort> {
        if let Some(done) = self.dictionary.take_text(index, subindex, bytes) {
            return done;
        }
        let pre_operational = self.network_state == NetworkState::PreOperational;
        let checked = self.dictionary.check(index, subindex, bytes, pre_operational)?;
        let mapping = self.process_data.check(&self.dictionary, checked).transpose()?.is_some();
        if let Kind::Drive(drives) = &self.kind {
            let value = self.dictionary.entry(checked.slot).data_type.value(checked.raw);
            let axis = checked.slot / AXIS_SLOTS;
            let of_first = if axis < drives.len() { index - axis_object(0, axis as u8) } else { index };
            let modes = DriveObject::SupportedModes as usize + AXIS_SLOTS * axis.min(drives.len() - 1);
            check_value(of_first, value, self.dictionary.raw(modes) as u32)?;
        }
        let before = self.dictionary.raw(checked.slot);
        self.dictionary.set_raw(checked.slot, checked.raw);
        if mapping {
            if let Err(abort) = self.process_data.rebuild(&self.dictionary) {
                self.dictionary.set_raw(checked.slot, before);
                return Err(abort);
            }
            self.mapping_changed();
        }
        Ok(())
    }

    fn mapping_changed(&mut self) {
        match &mut self.kind {
            Kind::Drive(drives) => {
                for (axis, drive) in drives.iter_mut().enumerate() {
                    let slot = AXIS_SLOTS * axis + DriveObject::VelocityOffset as usize;
                    drive.set_velocity_offset_mapped(self.process_data.receives(slot));
                }
            }
            Kind::Terminal(terminal) => terminal.map(&self.process_data),
        }
    }

    /// Every object, for object descriptions and complete access.
    pub fn dictionary(&self) -> &ObjectDictionary {
        &self.dictionary
    }

    /// Bytes of the outputs and of the inputs by the present mapping.
    pub fn process_data_bytes(&self) -> (usize, usize) {
        (self.process_data.output_bytes(), self.process_data.input_bytes())
    }

    /// The state of the network that it is in.
    pub fn network_state(&self) -> NetworkState {
        self.network_state
    }

    /// Its watchdog took it out of Operational, and nobody brought it back since.
    pub fn watchdog_expired(&self) -> bool {
        self.watchdog_expired
    }

    /// How long it goes on without outputs from now on, nanoseconds; 0 is for ever.
    pub fn set_watchdog_ns(&mut self, watchdog_ns: u64) {
        self.watchdog_ns = watchdog_ns;
    }

    /// The master's order to change state. Leaving Operational after outputs were active counts as silence.
    pub fn set_network_state(&mut self, state: NetworkState) {
        if state == NetworkState::Operational {
            if self.network_state != NetworkState::Operational {
                self.since_outputs_ns = None;
                self.silent = false;
            }
            self.watchdog_expired = false;
        } else if self.since_outputs_ns.take().is_some() {
            self.silent = true;
        }
        self.network_state = state;
    }

    /// Takes outputs; only in Operational.
    pub fn write_process_data(&mut self, outputs: &[u8]) {
        if self.network_state == NetworkState::Operational && self.process_data.output_bytes() > 0 {
            self.process_data.write(&mut self.dictionary, outputs);
            self.since_outputs_ns = Some(0);
            if let Kind::Drive(drives) = &mut self.kind {
                for (axis, drive) in drives.iter_mut().enumerate() {
                    drive.take_outputs(&objects_of(&mut self.dictionary, axis));
                }
            }
        }
    }

    /// Gives inputs.
    pub fn read_process_data(&self, inputs: &mut [u8]) {
        self.process_data.read(&self.dictionary, inputs);
    }

    /// Goes on by `duration_ns` (see `drive::MAX_STEPS` for how long a gap is stepped).
    pub fn advance(&mut self, duration_ns: u64) {
        let mut silent_after_ns = self.silent.then_some(0);
        if let Some(since_ns) = self.since_outputs_ns {
            let total_ns = since_ns.saturating_add(duration_ns);
            if self.watchdog_ns > 0 && total_ns > self.watchdog_ns {
                silent_after_ns = Some(self.watchdog_ns.saturating_sub(since_ns));
                self.set_network_state(NetworkState::SafeOperational);
                self.watchdog_expired = true;
            } else {
                self.since_outputs_ns = Some(total_ns);
            }
        }
        match &mut self.kind {
            Kind::Drive(drives) => {
                // Bound: MAX_DEVICE_AXES.
                for (axis, drive) in drives.iter_mut().enumerate() {
                    drive.advance(&mut objects_of(&mut self.dictionary, axis), duration_ns, silent_after_ns);
                }
                show_errors_of_all(&mut self.dictionary, drives.len());
            }
            Kind::Terminal(terminal) if silent_after_ns.is_some() => terminal.clear_outputs(&mut self.dictionary),
            Kind::Terminal(_) => {}
        }
    }

    /// What is wrong with a drive, all its axes, from now on; a terminal has nothing of the kind.
    pub fn set_disturbance(&mut self, disturbance: DriveDisturbance) {
        if let Kind::Drive(drives) = &mut self.kind {
            drives.iter_mut().for_each(|drive| drive.set_disturbance(disturbance));
        }
    }

    /// What is wrong with one axis of a drive from now on.
    pub fn set_axis_disturbance(&mut self, axis: u8, disturbance: DriveDisturbance) {
        if let Kind::Drive(drives) = &mut self.kind
            && let Some(drive) = drives.get_mut(usize::from(axis))
        {
            drive.set_disturbance(disturbance);
        }
    }

    /// At power-on, with what the world has done to `before`: where a shaft is, how it moves, which inputs are on.
    pub fn keep_surroundings_of(&mut self, before: &SimulatedDevice) {
        match (&mut self.kind, &before.kind) {
            (Kind::Drive(drives), Kind::Drive(before)) => {
                for (axis, (drive, before)) in drives.iter_mut().zip(before).enumerate() {
                    drive.keep_shaft_of(before);
                    drive.refresh(&mut objects_of(&mut self.dictionary, axis));
                }
            }
            (Kind::Terminal(terminal), Kind::Terminal(before)) => {
                for bit in 0..64 {
                    terminal.set_input(&mut self.dictionary, bit, before.input(bit));
                }
            }
            _ => {}
        }
    }

    /// Without supply nothing holds a shaft but its brake and friction.
    pub fn lose_supply(&mut self) {
        self.set_network_state(NetworkState::PreOperational);
        self.set_disturbance(DriveDisturbance { voltage_loss: true, ..DriveDisturbance::default() });
    }

    /// Sets a digital input: a bit of a terminal, or a bit of a drive's 60FDh, of which each axis has 32.
    pub fn set_input(&mut self, bit: u8, value: bool) {
        match &mut self.kind {
            Kind::Drive(drives) => {
                if let Some(drive) = drives.get_mut(usize::from(bit / 32)) {
                    drive.set_input(bit % 32, value);
                }
            }
            Kind::Terminal(terminal) => terminal.set_input(&mut self.dictionary, bit, value),
        }
    }

    /// The digital outputs: of a terminal its bits, of a drive 60FEh:01, 32 bits of each of its first two axes.
    pub fn outputs(&self) -> u64 {
        match &self.kind {
            Kind::Drive(drives) => {
                let of = |axis: usize| self.dictionary.raw(AXIS_SLOTS * axis + DriveObject::DigitalOutputs as usize);
                (0..drives.len().min(2)).fold(0, |outputs, axis| outputs | of(axis) << (32 * axis))
            }
            Kind::Terminal(terminal) => terminal.outputs(&self.dictionary),
        }
    }

    /// What really happens on a drive's (first) shaft; `None` for a terminal.
    pub fn plant(&self) -> Option<PlantState> {
        self.plant_of(0)
    }

    /// What really happens on the shaft of one axis of a drive; `None` where there is no such axis.
    pub fn plant_of(&self, axis: u8) -> Option<PlantState> {
        match &self.kind {
            Kind::Drive(drives) => drives.get(usize::from(axis)).map(SimulatedDrive::plant),
            Kind::Terminal(_) => None,
        }
    }
}

/// The objects of one axis of a drive, by their [`DriveObject`].
fn objects_of(dictionary: &mut ObjectDictionary, axis: usize) -> Values<'_> {
    dictionary.window(AXIS_SLOTS * axis, AXIS_SLOTS)
}

/// 1001h is of the whole device. Bound: `MAX_DEVICE_AXES`.
fn show_errors_of_all(dictionary: &mut ObjectDictionary, axes: usize) {
    let slot = |axis| AXIS_SLOTS * axis + DriveObject::ErrorRegister as usize;
    let all = (0..axes).fold(0, |all, axis| all | dictionary.raw(slot(axis)));
    dictionary.set_raw(slot(0), all);
}

/// 60C2h for a period: the value and the power of ten of seconds, to the nearest 1/255 for odd periods.
fn interpolation_time(period_ns: u64) -> (u8, i8) {
    for (exponent, unit_ns) in [(-3, 1_000_000), (-4, 100_000), (-5, 10_000), (-6, 1_000)] {
        if period_ns.is_multiple_of(unit_ns) && (1..=255).contains(&(period_ns / unit_ns)) {
            return ((period_ns / unit_ns) as u8, exponent);
        }
    }
    for (exponent, unit_ns) in [(-6, 1_000), (-5, 10_000), (-4, 100_000), (-3, 1_000_000)] {
        let value = (period_ns + unit_ns / 2) / unit_ns;
        if value <= 255 {
            return (value.max(1) as u8, exponent);
        }
    }
    (255, -3)
}

fn add_communication_objects(
    dictionary: &mut ObjectDictionary,
    parameters: &SimulatedDeviceParameters,
    is_drive: bool,
) {
    let mut constant = |index, subindex, data_type, name, raw| {
        let (access, mapping) = (Access::Constant, Mapping::No);
        dictionary.add(Entry { index, subindex, data_type, access, mapping, name }, raw);
    };
    // CiA 402 servo drive; CiA 401 with digital inputs and outputs.
    constant(0x1000, 0, DataType::U32, "Device type", if is_drive { 0x0002_0192 } else { 0x0003_0191 });
    let identity = &parameters.identity;
    constant(0x1018, 0, DataType::U8, "Identity object", 4);
    constant(0x1018, 1, DataType::U32, "Vendor ID", u64::from(identity.vendor));
    constant(0x1018, 2, DataType::U32, "Product code", u64::from(identity.product));
    constant(0x1018, 3, DataType::U32, "Revision number", u64::from(identity.revision));
    constant(0x1018, 4, DataType::U32, "Serial number", u64::from(identity.serial));
    constant(0x1C00, 0, DataType::U8, "Sync manager type", 4);
    // Mailbox out and in, process data out and in.
    for (subindex, kind) in [(1, 1), (2, 2), (3, 3), (4, 4)] {
        constant(0x1C00, subindex, DataType::U8, "Sync manager type", kind);
    }
    if !is_drive {
        constant(0x1001, 0, DataType::U8, "Error register", 0);
    }
    dictionary.add_text(0x1008, "Manufacturer device name", &parameters.name);
    dictionary.add_text(0x1009, "Manufacturer hardware version", "simulated");
    dictionary.add_text(0x100A, "Manufacturer software version", env!("CARGO_PKG_VERSION"));
    dictionary.add_writable_text(0x2000, "Notes of the user");
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
