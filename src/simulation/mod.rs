//! Simulated devices, byte by byte: what a bus sees of a drive or a terminal, and the machine behind it.
//!
//! Everything here is deterministic, makes no I/O and names no bus, so that the same devices stand behind
//! `fieldbus::sim`, an EtherCAT slave controller or a CANopen node. It shares no code with `drive`: a wrong sign
//! there must show here.

pub mod brake;
pub mod control;
pub mod encoder;
pub mod fault_plan;
pub mod motor;
pub mod object_dictionary;
pub mod parameters;
pub mod process_data;
pub mod sdo_abort;
pub mod servo;

pub use control::{PlantState, SimulationControl};
pub use fault_plan::{FaultPlan, FaultTime, RandomFault, ScheduledFault, SimulatedFault, SimulatedFaultKind};
pub use parameters::{
    BrakeControl, BrakeParameters, MachineGeometry, ObjectValue, PowerLossReaction, SimulatedDeviceKind,
    SimulatedDeviceParameters, SimulatedDriveParameters, SimulatedIdentity, SimulatedTerminalParameters,
};
