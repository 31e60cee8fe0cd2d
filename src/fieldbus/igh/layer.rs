//! What is asked of the kernel's master, call by call. Two handles: one that cycles, and one for what sleeps.

use std::fmt;

use crate::fieldbus::ethercat::bring_up::Place;
use crate::fieldbus::ethercat::mailbox::Address;
use crate::fieldbus::ethercat::synchronisation::Synchronisation;
use crate::fieldbus::mapping::PdoEntry;

/// Why a call failed. No error allocates: calls are made in the cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerError {
    /// What the system says.
    Os(i32),
    /// The kernel module speaks another version of the interface.
    Version {
        /// What this program speaks.
        expected: u32,
        /// What the module speaks.
        found: u32,
    },
    /// Something else.
    Other(&'static str),
}

impl fmt::Display for LayerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayerError::Os(number) => write!(out, "{}", std::io::Error::from_raw_os_error(*number)),
            LayerError::Version { expected, found } => {
                write!(out, "the kernel module speaks version {found} of the interface, this program {expected}")
            }
            LayerError::Other(what) => out.write_str(what),
        }
    }
}

impl std::error::Error for LayerError {}

/// What came of a call.
pub type Answer<T> = Result<T, LayerError>;

/// The configuration of a device, as the master counts them.
pub type ConfigIndex = u32;
/// A domain, as the master counts them: process data with a working counter of their own.
pub type DomainIndex = usize;

/// A device that the master shall look after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is.
    pub place: Place,
    /// Its vendor ID.
    pub vendor: u32,
    /// Its product code.
    pub product: u32,
}

/// Whom a sync manager is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the master to the device.
    Outputs,
    /// From the device to the master.
    Inputs,
}

/// What a device exchanges by one sync manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// The sync manager.
    pub sync_manager: u8,
    /// Whose data it holds.
    pub direction: Direction,
    /// The PDOs that are assigned to it, each with what is mapped into it.
    pub pdos: &'a [(u16, &'a [PdoEntry])],
}

/// How the last exchange of a domain went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DomainState {
    /// Its working counter.
    pub working_counter: u16,
    /// That is the expected one.
    pub complete: bool,
}

/// All devices on the wire together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentState {
    /// So many answer.
    pub responding: u32,
    /// The AL states that there are, one bit each: 8 is OP.
    pub al_states: u8,
}

/// One device, as the master last saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceState {
    /// It answers.
    pub online: bool,
    /// It is in OP, configured as it should be.
    pub operational: bool,
    /// Its AL state.
    pub al_state: u8,
}

/// What a sync manager of a device is, by its SII.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncManagerFacts {
    /// Its control register: 1:0 mode (0 is buffered), 3:2 direction (1 is from the master).
    pub control: u8,
    /// PDOs that are assigned to it.
    pub pdos: u8,
}

/// The handle that cycles: it has reserved the master. Dropping it gives the master back, and with it all devices.
pub trait MasterLayer: Send {
    /// Reserves the master; waits for a scan that is under way.
    fn reserve(&mut self) -> Answer<()>;
    /// How many devices are on the wire.
    fn devices_on_wire(&mut self) -> Answer<u32>;
    /// Makes a domain.
    fn create_domain(&mut self) -> Answer<DomainIndex>;
    /// Begins the configuration of a device.
    fn configure(&mut self, device: Wanted) -> Answer<ConfigIndex>;
    /// The place on the wire of the device that this configuration found; `None` where it found none.
    fn attached_position(&mut self, config: ConfigIndex) -> Answer<Option<u16>>;
    /// Assigns PDOs and maps what stands in them.
    fn map(&mut self, config: ConfigIndex, mapping: Mapping<'_>) -> Answer<()>;
    /// How long the device goes on without outputs: ticks of `(divider + 2) * 40 ns`.
    fn watchdog(&mut self, config: ConfigIndex, divider: u16, ticks: u16) -> Answer<()>;
    /// Takes an entry of a sync manager into a domain, by the place of its PDO and its own in that; the byte of the domain
    /// where it begins.
    fn register(
        &mut self,
        config: ConfigIndex,
        sync_manager: u8,
        entry: (u32, u32),
        domain: DomainIndex,
    ) -> Answer<usize>;
    /// An object that the device is given whenever it is configured, little-endian.
    fn startup(&mut self, config: ConfigIndex, object: Address, value: &[u8]) -> Answer<()>;
    /// SYNC0 of the device.
    fn distributed_clock(&mut self, config: ConfigIndex, how: &Synchronisation, period_ns: u32) -> Answer<()>;
    /// Bytes of a domain.
    fn domain_bytes(&mut self, domain: DomainIndex) -> Answer<usize>;
    /// Ends the configuration; from now on is exchanged.
    fn activate(&mut self) -> Answer<()>;
    /// Takes everything that was configured back.
    fn deactivate(&mut self) -> Answer<()>;

    /// The time that the devices' clocks follow, nanoseconds.
    fn application_time(&mut self, time_ns: u64) -> Answer<()>;
    /// Sets the reference clock to the application time with the next frame.
    fn sync_reference_clock(&mut self) -> Answer<()>;
    /// Sets all other clocks to the reference clock with the next frame.
    fn sync_device_clocks(&mut self) -> Answer<()>;
    /// The process data of a domain. The first call for each may allocate.
    fn domain_data(&mut self, domain: DomainIndex) -> Answer<&mut [u8]>;
    /// Puts a domain into the next frames.
    fn queue(&mut self, domain: DomainIndex) -> Answer<()>;
    /// Sends what is queued.
    fn send(&mut self) -> Answer<()>;
    /// Takes the frames that are back.
    fn receive(&mut self) -> Answer<()>;
    /// Looks at what is back of a domain.
    fn process(&mut self, domain: DomainIndex) -> Answer<()>;
    /// How that went.
    fn domain_state(&mut self, domain: DomainIndex) -> Answer<DomainState>;
    /// All devices together.
    fn segment_state(&mut self) -> Answer<SegmentState>;
    /// One device.
    fn device_state(&mut self, config: ConfigIndex) -> Answer<DeviceState>;

    /// The time of the cycle, nanoseconds.
    fn now_ns(&mut self) -> u64;
    /// Waits until then.
    fn wait_until(&mut self, time_ns: u64);
}

/// The handle for what sleeps: never in the cycle.
pub trait ObjectLayer: Send {
    /// Reads an object into a buffer; its length.
    fn upload(&mut self, position: u16, index: u16, subindex: u8, into: &mut [u8]) -> Answer<usize>;
    /// Writes an object, or all of its parts from a subindex on.
    fn download(&mut self, position: u16, index: u16, subindex: u8, complete: bool, value: &[u8]) -> Answer<()>;
    /// A sync manager of a device; `None` where it has no such one.
    fn sync_manager(&mut self, position: u16, number: u8) -> Answer<Option<SyncManagerFacts>>;
}
