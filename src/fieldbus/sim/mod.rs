//! A bus inside the process, over simulated devices: what EtherCAT does, without wires.
//!
//! Exchange `k` happens at `cycle_start_ns` of `begin`: the plant first goes on to that instant, following the
//! targets received at exchange `k - 1`; then the devices sample their inputs, then they latch the outputs. A drive
//! reaches a target one interpolation period (60C2h, the bus's period unless configured) after it got it. So a setpoint
//! that is computed after exchange `k - 2` is sent at `k - 1`, reached at `k`, and its feedback sampled at `k`:
//! [`CyclicBus::feedback_delay_periods`] is 2.
//!
//! The plant's time is that of `cycle_start_ns`: after skipped periods it has run on under the old targets, and a device
//! that got no outputs for its watchdog time has stopped by itself and left its operational state.

use crate::fieldbus::{CycleReport, CyclicBus};
use crate::limits::{MAX_PERIOD_NS, MAX_PROCESS_IMAGE_BYTES};
use crate::simulation::control::{
    CONTROL_COMMANDS, ControlCommand, ControlPort, PlantState, SimulationControl, control,
};
use crate::simulation::fault_plan::{FaultEngine, FrameFate};
use crate::simulation::{FaultPlan, NetworkState, SimulatedDevice, SimulatedDeviceParameters};

/// Devices on one bus: their bits in a [`CycleReport`] are one word.
pub const MAX_SIMULATED_DEVICES: usize = 64;

/// One simulated bus.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedBusParameters {
    /// Its devices in the order of the configuration: bit `n` of `CycleReport::fresh` is `devices[n]`.
    pub devices: Vec<SimulatedDeviceParameters>,
    /// Nominal time between two exchanges, nanoseconds; also the interpolation period (60C2h) of the drives.
    pub period_ns: u64,
    /// Seed of everything that is random.
    pub seed: u64,
    /// What goes wrong.
    pub fault_plan: FaultPlan,
    /// From a request for recovery until devices that left their operational state are back, nanoseconds.
    pub recovery_time_ns: u64,
}

/// Why a bus could not be built; the text says which device and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedBusError(pub String);

impl std::fmt::Display for SimulatedBusError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SimulatedBusError {}

/// A device and its place in the process images.
#[derive(Debug)]
struct Place {
    device: SimulatedDevice,
    output_offset: usize,
    output_bytes: usize,
    input_offset: usize,
    /// The inputs of the last exchange in which they were sampled.
    sampled: Vec<u8>,
}

/// A bus inside the process.
#[derive(Debug)]
pub struct SimulatedBus {
    places: Vec<Place>,
    faults: FaultEngine,
    port: ControlPort,
    outer: SimulationControl,
    working_counter_expected: u16,
    recovery_time_ns: u64,
    recovery_requested: bool,
    recovery_at_ns: Option<u64>,
    last_ns: Option<u64>,
    /// Of the present exchange.
    fate: FrameFate,
    working_counter: u16,
    fresh: u64,
    /// What the master knows, from the last answer that came back.
    not_operational: u64,
    late_answer: bool,
}

impl SimulatedBus {
    /// Builds the bus; its devices are operational from the first exchange.
    pub fn new(parameters: &SimulatedBusParameters) -> Result<SimulatedBus, SimulatedBusError> {
        let count = parameters.devices.len();
        if count > MAX_SIMULATED_DEVICES {
            return Err(SimulatedBusError(format!("{count} devices on one bus, at most {MAX_SIMULATED_DEVICES}")));
        }
        if parameters.period_ns == 0 || parameters.period_ns > 100 * MAX_PERIOD_NS {
            return Err(SimulatedBusError(format!("a bus period of {} ns", parameters.period_ns)));
        }
        for scheduled in &parameters.fault_plan.scheduled {
            let device = usize::from(scheduled.fault.device);
            if device >= count.max(1) {
                let text = format!("fault plan: device {device} of {count} devices (0-based): {scheduled:?}");
                return Err(SimulatedBusError(text));
            }
        }
        let places = parameters.devices.iter().map(|device| Place::new(device, parameters.period_ns));
        let places = places.collect::<Result<Vec<Place>, SimulatedBusError>>()?;
        let (outer, port) = control(count);
        Ok(SimulatedBus {
            working_counter_expected: places.iter().map(|place| place.share(NetworkState::Operational)).sum(),
            places,
            faults: FaultEngine::new(&parameters.fault_plan, count, parameters.period_ns, parameters.seed),
            port,
            outer,
            recovery_time_ns: parameters.recovery_time_ns,
            recovery_requested: false,
            recovery_at_ns: None,
            last_ns: None,
            fate: FrameFate::LostOut,
            working_counter: 0,
            fresh: 0,
            not_operational: 0,
            late_answer: false,
        })
    }

    /// A handle for ordinary threads: faults, inputs, the plant.
    pub fn control(&self) -> SimulationControl {
        self.outer.clone()
    }

    /// What really happens at device `device`; `None` for a terminal.
    pub fn plant(&self, device: usize) -> Option<PlantState> {
        self.places.get(device)?.device.plant()
    }

    /// A device, for a look at its objects.
    pub fn device(&self, device: usize) -> Option<&SimulatedDevice> {
        self.places.get(device).map(|place| &place.device)
    }

    /// A device, to write its objects by SDO; not from the real-time thread.
    pub fn device_mut(&mut self, device: usize) -> Option<&mut SimulatedDevice> {
        self.places.get_mut(device).map(|place| &mut place.device)
    }

    fn take_commands(&mut self) {
        for _ in 0..CONTROL_COMMANDS {
            match self.port.take() {
                None => break,
                Some(ControlCommand::Inject(fault)) => self.faults.begin(fault),
                Some(ControlCommand::ClearFaults) => self.faults.clear(),
                Some(ControlCommand::SetInput { device, bit, value }) => {
                    if let Some(place) = self.places.get_mut(usize::from(device)) {
                        place.device.set_input(bit, value);
                    }
                }
            }
        }
    }

    /// Brings devices back once the time for it has come and a frame reaches them.
    fn recover(&mut self, now_ns: u64) {
        if std::mem::take(&mut self.recovery_requested) && self.recovery_at_ns.is_none() {
            self.recovery_at_ns = Some(now_ns.saturating_add(self.recovery_time_ns));
        }
        if self.recovery_at_ns.is_some_and(|at_ns| now_ns >= at_ns) && self.fate == FrameFate::Arrives {
            self.recovery_at_ns = None;
            for (n, place) in self.places.iter_mut().enumerate() {
                if !self.faults.absent(n) {
                    place.device.set_network_state(NetworkState::Operational);
                }
            }
        }
    }
}

impl Place {
    fn new(parameters: &SimulatedDeviceParameters, period_ns: u64) -> Result<Place, SimulatedBusError> {
        let named = |text: String| SimulatedBusError(format!("device \"{}\": {text}", parameters.name));
        let layout = &parameters.layout;
        let mut device = SimulatedDevice::new(parameters, period_ns).map_err(named)?;
        let (output_bytes, input_bytes) = device.process_data_bytes();
        if (output_bytes, input_bytes) != (layout.output_bytes(), layout.input_bytes()) {
            return Err(named(format!("its objects map {output_bytes} and {input_bytes} bytes, unlike its layout")));
        }
        let end =
            (layout.output_offset.saturating_add(output_bytes)).max(layout.input_offset.saturating_add(input_bytes));
        if end > MAX_PROCESS_IMAGE_BYTES {
            return Err(named(format!("ends at byte {end} of the process image, at most {MAX_PROCESS_IMAGE_BYTES}")));
        }
        device.set_network_state(NetworkState::Operational);
        Ok(Place {
            device,
            output_offset: layout.output_offset,
            output_bytes,
            input_offset: layout.input_offset,
            sampled: vec![0; input_bytes],
        })
    }

    /// Its share of the working counter: 1 for inputs, 2 for outputs that it takes.
    fn share(&self, state: NetworkState) -> u16 {
        let inputs = state != NetworkState::PreOperational && !self.sampled.is_empty();
        let outputs = state == NetworkState::Operational && self.output_bytes > 0;
        u16::from(inputs) + 2 * u16::from(outputs)
    }
}

impl CyclicBus for SimulatedBus {
    fn begin(&mut self, outputs: &[u8], cycle_start_ns: u64) {
        self.faults.next_exchange();
        self.take_commands();
        let elapsed_ns = self.last_ns.map_or(0, |last_ns| cycle_start_ns.saturating_sub(last_ns));
        self.last_ns = Some(cycle_start_ns);
        self.fate = self.faults.frame();
        (self.working_counter, self.fresh) = (0, 0);
        let mut not_operational = 0;
        for (n, place) in self.places.iter_mut().enumerate() {
            place.device.set_disturbance(self.faults.disturbance(n));
            place.device.advance(elapsed_ns);
        }
        self.recover(cycle_start_ns);
        // Bound of both loops: MAX_SIMULATED_DEVICES.
        for (n, place) in self.places.iter_mut().enumerate() {
            let state = place.device.network_state();
            not_operational |= u64::from(state != NetworkState::Operational) << n;
            if self.fate != FrameFate::LostOut && !self.faults.absent(n) {
                if !self.faults.stale(n) {
                    place.device.read_process_data(&mut place.sampled);
                    self.fresh |= 1 << n;
                }
                self.working_counter += place.share(state);
                if let Some(own) = outputs.get(place.output_offset..place.output_offset + place.output_bytes) {
                    place.device.write_process_data(own);
                }
            }
            let plant = place.device.plant().unwrap_or_default();
            self.port.publish(n, &plant, place.device.outputs());
        }
        if self.fate == FrameFate::Arrives {
            self.not_operational = not_operational;
        }
    }

    fn finish(&mut self, inputs: &mut [u8], _deadline_ns: u64) -> CycleReport {
        let late = std::mem::replace(&mut self.late_answer, self.fate == FrameFate::Late);
        let mut report = CycleReport {
            working_counter: 0,
            working_counter_expected: self.working_counter_expected,
            lost: true,
            late,
            devices: 1_u64.checked_shl(self.places.len() as u32).unwrap_or(0).wrapping_sub(1),
            fresh: 0,
            not_operational: self.not_operational,
            round_trip_ns: None,
            ring_whole: None,
            late_by_bus_clock_ns: None,
        };
        if self.fate == FrameFate::Arrives {
            (report.lost, report.working_counter, report.fresh) = (false, self.working_counter, self.fresh);
            for (n, place) in self.places.iter().enumerate() {
                let own = inputs.get_mut(place.input_offset..place.input_offset + place.sampled.len());
                if let (true, Some(own)) = (self.fresh & (1 << n) != 0, own) {
                    own.copy_from_slice(&place.sampled);
                }
            }
        }
        report
    }

    fn request_recovery(&mut self) {
        self.recovery_requested = true;
    }

    fn feedback_delay_periods(&self) -> f64 {
        2.0
    }
}

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod mode_tests;
#[cfg(test)]
mod tests;
