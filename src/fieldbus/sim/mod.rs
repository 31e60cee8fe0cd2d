//! A bus inside the process, over simulated devices.

use crate::fieldbus::{CycleReport, CyclicBus};
use crate::simulation::control::{ControlPort, PlantState, SimulationControl, control};
use crate::simulation::{FaultPlan, SimulatedDeviceParameters};

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

/// A bus inside the process.
#[derive(Debug)]
pub struct SimulatedBus {
    port: ControlPort,
    outer: SimulationControl,
    devices: usize,
}

impl SimulatedBus {
    /// Builds the bus; its devices are operational from the first exchange.
    pub fn new(parameters: &SimulatedBusParameters) -> Result<SimulatedBus, SimulatedBusError> {
        let (outer, port) = control(parameters.devices.len());
        Ok(SimulatedBus { port, outer, devices: parameters.devices.len() })
    }

    /// A handle for ordinary threads: faults, inputs, the plant.
    pub fn control(&self) -> SimulationControl {
        self.outer.clone()
    }

    /// What really happens at device `device`; `None` for a terminal.
    pub fn plant(&self, device: usize) -> Option<PlantState> {
        self.outer.plant(device)
    }
}

impl CyclicBus for SimulatedBus {
    fn begin(&mut self, _outputs: &[u8], _cycle_start_ns: u64) {
        while self.port.take().is_some() {}
    }

    fn finish(&mut self, _inputs: &mut [u8], _deadline_ns: u64) -> CycleReport {
        CycleReport { fresh: (1 << self.devices) - 1, ..Default::default() }
    }

    fn request_recovery(&mut self) {}

    fn feedback_delay_periods(&self) -> f64 {
        2.0
    }
}
