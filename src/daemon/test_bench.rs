//! Faults on purpose: what the test-only interface reaches in the simulated machine and in the services.

use crate::config::MachineConfig;
use crate::control::{InjectedFault, TestCommands};
use crate::service::{Place, Sabotage};
use crate::simulation::control::SimulationControl;
use crate::simulation::{SimulatedFault, SimulatedFaultKind};

/// Everything that a test can break.
pub struct TestBench {
    simulations: Vec<SimulationControl>,
    buses: Vec<String>,
    /// Name, bus and device of each axis.
    axes: Vec<(String, usize, u8)>,
    /// Name, bus, device, bit and polarity of each input.
    inputs: Vec<(String, usize, u8, u8, bool)>,
    sabotages: Vec<(&'static str, Sabotage)>,
}

impl TestBench {
    /// A bench over a machine whose buses are simulated by `simulations`.
    pub fn new(
        config: &MachineConfig,
        simulations: Vec<SimulationControl>,
        sabotages: Vec<(&'static str, Sabotage)>,
    ) -> TestBench {
        let axes = config.axes.iter();
        let inputs = config.inputs.iter().filter_map(|input| {
            let place = input.parameters.place;
            let bus = place.bus.index();
            let devices = config.buses[bus].devices.iter().enumerate();
            // The device whose bytes hold the bit.
            let (device, layout) = devices.map(|(device, found)| (device, &found.layout)).find(|(_, layout)| {
                (layout.input_offset..layout.input_offset + layout.input_bytes()).contains(&place.byte)
            })?;
            let bit = (place.byte - layout.input_offset) as u8 * 8 + place.bit;
            Some((input.name.clone(), bus, device as u8, bit, input.parameters.active_low))
        });
        TestBench {
            buses: config.buses.iter().map(|bus| bus.name.clone()).collect(),
            axes: axes.map(|axis| (axis.name.clone(), axis.wiring.bus.index(), axis.wiring.device)).collect(),
            inputs: inputs.collect(),
            simulations,
            sabotages,
        }
    }

    fn sabotage(&self, service: &str) -> Result<&Sabotage, String> {
        let found = self.sabotages.iter().find(|(name, _)| *name == service);
        let names = || self.sabotages.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        found.map(|(_, sabotage)| sabotage).ok_or_else(|| format!("no service \"{service}\"; there are {}", names()))
    }
}

impl TestCommands for TestBench {
    fn inject(
        &self,
        fault: InjectedFault,
        axis: Option<&str>,
        bus: Option<&str>,
        cycles: u64,
        code: u16,
    ) -> Result<(), String> {
        let (bus, device) = match (axis, bus) {
            (Some(name), _) => {
                let found = self.axes.iter().find(|(axis, _, _)| axis == name);
                let (_, bus, device) = found.ok_or_else(|| format!("no axis \"{name}\""))?;
                (*bus, *device)
            }
            (None, Some(name)) => {
                let found = self.buses.iter().position(|bus| bus == name);
                (found.ok_or_else(|| format!("no bus \"{name}\""))?, 0)
            }
            (None, None) => (0, 0),
        };
        let kind = match fault {
            InjectedFault::DriveFault => SimulatedFaultKind::DriveFault { code },
            InjectedFault::VoltageLoss => SimulatedFaultKind::VoltageLoss,
            InjectedFault::StuckEncoder => SimulatedFaultKind::StuckEncoder,
            InjectedFault::LostFrame => SimulatedFaultKind::LostFrame,
            InjectedFault::WrongWorkingCounter => SimulatedFaultKind::WrongWorkingCounter,
            InjectedFault::LateFrame => SimulatedFaultKind::LateFrame,
            InjectedFault::StaleFeedback => SimulatedFaultKind::StaleFeedback,
        };
        let exchanges = u32::try_from(cycles).unwrap_or(u32::MAX).max(1);
        let simulation = self.simulations.get(bus).ok_or("the bus is not simulated")?;
        simulation.inject(SimulatedFault { kind, device, exchanges }).map_err(|error| format!("{error:?}"))
    }

    fn set_input(&self, input: &str, on: bool) -> Result<(), String> {
        let found = self.inputs.iter().find(|(name, ..)| name == input);
        let (_, bus, device, bit, active_low) = found.ok_or_else(|| format!("no input \"{input}\""))?;
        let simulation = self.simulations.get(*bus).ok_or("the bus is not simulated")?;
        simulation.set_input(*device, *bit, on != *active_low).map_err(|error| format!("{error:?}"))
    }

    fn panic(&self, service: &str, place: Place) -> Result<(), String> {
        self.sabotage(service).map(|sabotage| sabotage.plant_panic(place))
    }

    fn hang(&self, service: &str, milliseconds: u64) -> Result<(), String> {
        self.sabotage(service).map(|sabotage| match milliseconds {
            0 => sabotage.end_hang(),
            _ => sabotage.plant_hang(milliseconds),
        })
    }
}
