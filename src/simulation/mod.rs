//! Simulated devices, byte by byte: what a bus sees of a drive or a terminal, and the machine behind it.
//!
//! Everything here is deterministic, makes no I/O and names no bus, so that the same devices stand behind
//! `fieldbus::sim`, an EtherCAT slave controller or a CANopen node. It shares no code with `drive`: a wrong sign
//! there must show here.

pub mod brake;
pub mod canopen;
pub mod cia402;
pub mod control;
pub mod device;
pub mod drive;
pub mod drive_objects;
pub mod encoder;
pub mod ethercat;
pub mod fault_plan;
pub mod mode;
pub mod motor;
pub mod object_dictionary;
pub mod parameters;
pub mod process_data;
pub mod profile;
pub mod random;
pub mod sdo_abort;
pub mod servo;
pub mod terminal;

pub use control::{PlantState, SimulationControl};
pub use device::{NetworkState, SimulatedDevice};
pub use encoder::EncoderParameters;
pub use fault_plan::{FaultPlan, FaultTime, RandomFault, ScheduledFault, SimulatedFault, SimulatedFaultKind};
pub use motor::MotorParameters;
pub use parameters::{
    BrakeControl, BrakeParameters, MachineGeometry, ObjectValue, PowerLossReaction, SimulatedDeviceKind,
    SimulatedDeviceParameters, SimulatedDriveParameters, SimulatedIdentity, SimulatedTerminalParameters,
};
pub use servo::{Interpolation, ServoParameters};
