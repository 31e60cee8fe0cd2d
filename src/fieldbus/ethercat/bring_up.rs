//! From a wire to a segment that exchanges: scan, compare with what is configured, set up, and take every device to OP.
//! Off the real-time thread.

use std::fmt;
use std::sync::Arc;

use super::dialogue::{Dialogue, DialogueError};
use super::errands::Errands;
use super::exchange::{ClockReading, EthercatBus, ExchangeError, MemberParameters};
use super::letterbox::Letterbox;
use super::links::LinkTable;
use super::objects::{ObjectError, ObjectWrite, Objects, mapping};
use super::plan::{ClockParameters, Plan, PlanParameters};
use super::register::{AL_CONTROL, AlState, SYNC_START_TIME, SYSTEM_TIME};
use super::requests::{RequestEnds, Requests};
use super::ring_end::{self, RingError};
use super::scan::{FoundDevice, ScanError, scan};
use super::setup::{Exchanged, RegisterWrite, SetupError, mailbox, process_data};
use super::sii::MailboxAreas;
use super::synchronisation::Synchronisation;
use super::wire::Wire;
use crate::fieldbus::CyclicBus;
pub use crate::fieldbus::identity::{ExpectedIdentity, RevisionPolicy};
use crate::fieldbus::mapping::{DeviceLayout, axis_object};
use crate::fieldbus::modes::{AxisMode, SUPPORTED_MODES, UnknownMode};
use crate::fieldbus::sdo::Address;
use crate::limits::MAX_PROCESS_IMAGE_BYTES;

/// How long a device may take to SAFEOP, nanoseconds (ETG.1020: 10 s).
const SAFE_OPERATIONAL_NS: u64 = 10_000_000_000;
/// How long all of them may take to OP, nanoseconds.
const OPERATIONAL_NS: u64 = 10_000_000_000;
// Words of the SII (ETG.1000.6).
const SII_VENDOR: u16 = 0x08;
const SII_PRODUCT: u16 = 0x0A;
const SII_REVISION: u16 = 0x0C;
const SII_SERIAL: u16 = 0x0E;

/// Where a device is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this place on the wire, from 0.
    Position(u16),
    /// Wherever this alias is.
    Alias(u16),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Position(position) => write!(out, "position {position}"),
            Place::Alias(alias) => write!(out, "alias {alias}"),
        }
    }
}

/// One device as it is configured.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceParameters {
    /// Its name.
    pub name: String,
    /// Where it is expected.
    pub place: Place,
    /// The modes of its axes that are used, where it is a drive.
    pub modes: Vec<AxisMode>,
    /// What it must be.
    pub identity: ExpectedIdentity,
    /// Its part of the process images.
    pub layout: DeviceLayout,
    /// Its process data can be mapped, and are: where not, the layout is what it has anyway.
    pub mapped: bool,
    /// How long it goes on without outputs, milliseconds.
    pub watchdog_ms: u32,
    /// How it is synchronised, if it has a clock.
    pub synchronisation: Synchronisation,
    /// Objects that it is given behind its mapping, whenever it starts.
    pub startup: Vec<ObjectWrite>,
}

/// A segment as it is configured.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentParameters {
    /// Its devices, in the order of the configuration: bit `n` of a report is `devices[n]`.
    pub devices: Vec<DeviceParameters>,
    /// Time between two exchanges, nanoseconds.
    pub period_ns: u64,
}

/// Why a segment could not be brought up.
#[derive(Clone, Debug, PartialEq)]
pub enum BringUpError {
    /// Its ring does not close again.
    Ring(RingError),
    /// It could not be scanned.
    Scan(ScanError),
    /// There is another number of devices.
    Count {
        /// So many are configured.
        configured: usize,
        /// So many answer.
        found: usize,
        /// The first that is not configured: its place on the wire and what it is called.
        first: (u16, String),
    },
    /// A device is not where it is expected.
    Missing {
        /// Its name.
        device: String,
        /// Where it is expected.
        place: Place,
    },
    /// A device is another one.
    Identity {
        /// Its name.
        device: String,
        /// Its place on the wire.
        position: u16,
        /// What differs.
        what: &'static str,
        /// What is configured.
        configured: u32,
        /// What it says.
        found: u32,
    },
    /// A device cannot be set up so.
    Setup {
        /// Its name.
        device: String,
        /// Why.
        error: SetupError,
    },
    /// A device has no usable mailbox, and its process data are to be mapped.
    NoMailbox {
        /// Its name.
        device: String,
    },
    /// A device refused an object.
    Object {
        /// Its name.
        device: String,
        /// Which, and why.
        error: ObjectError,
    },
    /// A drive lacks the mode that one of its axes is used in.
    Mode {
        /// Its name.
        device: String,
        /// Which, and what it has.
        unknown: UnknownMode,
    },
    /// A device did not do what it was asked.
    Device {
        /// Its name.
        device: String,
        /// Why.
        error: DialogueError,
    },
    /// What is configured does not fit into frames.
    Exchange {
        /// The device's name; none where it is about all of them.
        device: Option<String>,
        /// Why.
        error: ExchangeError,
    },
    /// A device does not take the shift of its SYNC0.
    OutOfPhase {
        /// Its name.
        device: String,
        /// What it was given, nanoseconds.
        wanted_ns: i64,
        /// What it has, nanoseconds behind a multiple of the period.
        found_ns: u64,
    },
    /// Devices did not become operational.
    NotOperational {
        /// Their names, with what each says.
        devices: Vec<String>,
    },
}

impl fmt::Display for BringUpError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BringUpError::Ring(error) => write!(out, "{error}"),
            BringUpError::Scan(error) => write!(out, "{error}"),
            BringUpError::Count { configured, found, first: (position, name) } => write!(
                out,
                "{found} devices answer, {configured} are configured: nothing is said of the one at position {position} ({name})"
            ),
            BringUpError::Missing { device, place } => {
                write!(out, "there is no device at {place}, where {device:?} is expected")
            }
            BringUpError::Identity { device, position, what, configured, found } => write!(
                out,
                "the device at position {position} is not {device:?}: its {what} is {found:#010x}, configured is {configured:#010x}"
            ),
            BringUpError::Setup { device, error } => write!(out, "device {device:?}: {error}"),
            BringUpError::NoMailbox { device } => {
                write!(out, "device {device:?} has no mailbox for CoE, by which its objects could be written")
            }
            BringUpError::Mode { device, unknown } => write!(out, "device {device:?}: {unknown}"),
            BringUpError::Object { device, error } => write!(out, "device {device:?}: {error}"),
            BringUpError::Device { device, error } => write!(out, "device {device:?}: {error}"),
            BringUpError::Exchange { device: Some(device), error } => write!(out, "device {device:?}: {error}"),
            BringUpError::Exchange { device: None, error } => write!(out, "{error}"),
            BringUpError::OutOfPhase { device, wanted_ns, found_ns } => write!(
                out,
                "device {device:?}: its SYNC0 shall be shifted by {wanted_ns} ns, and it says {found_ns} ns (register 0990h)"
            ),
            BringUpError::NotOperational { devices } => write!(out, "not operational: {}", devices.join("; ")),
        }
    }
}

impl std::error::Error for BringUpError {}

/// A device that was found and what it shall be.
struct Matched<'a> {
    configured: &'a DeviceParameters,
    found: &'a FoundDevice,
    exchanged: Exchanged,
    objects: Vec<ObjectWrite>,
    process_data: Vec<RegisterWrite>,
}

/// A segment that is up.
#[derive(Debug)]
pub struct BroughtUp {
    /// To be handed to the cycle.
    pub bus: EthercatBus,
    /// By these ends its devices are asked.
    pub requests: RequestEnds,
    /// What becomes known of their ports.
    pub links: Arc<LinkTable>,
}

/// Brings a segment up; from then on it wants to be exchanged with in every period, or its watchdogs expire.
///
/// # Errors
/// Where the segment is not the one that is configured, or does not do what it is asked; every device is then left where
/// it was, without outputs.
pub fn bring_up(mut wire: Box<dyn Wire>, parameters: &SegmentParameters) -> Result<BroughtUp, BringUpError> {
    let found = scan(&mut *wire).map_err(BringUpError::Scan)?;
    let devices = matched(&parameters.devices, &found)?;
    let reference = found.iter().find(|device| device.has_clock).map(|device| device.station);
    let mut dialogue = Dialogue::over(&mut *wire);
    for device in &devices {
        write_objects(&mut dialogue, device)?;
        for write in &device.process_data {
            let written = dialogue.write(device.found.station, write.register, write.bytes());
            written.map_err(|error| BringUpError::Device { device: device.configured.name.clone(), error })?;
        }
    }
    let reading = match reference {
        Some(reference) => Some(start_sync0(&mut dialogue, &devices, reference, parameters.period_ns)?),
        None => None,
    };
    for device in &devices {
        let changed = dialogue.change_state(device.found.station, AlState::SafeOperational, SAFE_OPERATIONAL_NS);
        changed.map_err(|error| BringUpError::Device { device: device.configured.name.clone(), error })?;
    }
    if wire.ring().is_some() {
        ring_end::close(&mut *wire).map_err(BringUpError::Ring)?;
    }
    let members: Vec<MemberParameters> = devices.iter().map(Matched::member).collect();
    let plan = |device| Matched::plan(device, &found, reference, parameters.period_ns);
    let (requests, ends) = Requests::open();
    let errands = Errands::new(devices.iter().map(plan).collect(), requests);
    let links = errands.link_table();
    let reference = reference.zip(reading);
    let bus = EthercatBus::new(wire, &members, reference, parameters.period_ns, errands).map_err(|error| {
        let of = |station| devices.iter().find(|device| device.found.station == station);
        let device = match error {
            ExchangeError::TooLong { station } => of(station).map(|device| device.configured.name.clone()),
            ExchangeError::TooManyDevices => None,
        };
        BringUpError::Exchange { device, error }
    })?;
    let bus = operational(bus, &devices, parameters.period_ns)?;
    Ok(BroughtUp { bus, requests: ends, links })
}

impl Matched<'_> {
    fn mailbox(&self) -> Option<MailboxAreas> {
        self.found.sii.mailbox.filter(|areas| areas.coe)
    }

    fn member(&self) -> MemberParameters {
        MemberParameters {
            station: self.found.station,
            position: self.found.position,
            exchanged: self.exchanged,
            output_offset: self.configured.layout.output_offset,
            input_offset: self.configured.layout.input_offset,
            has_mailbox: self.mailbox().is_some(),
        }
    }

    /// What makes the device operational again: the same, in the same order, as was done to it here.
    fn plan(&self, found: &[FoundDevice], reference: Option<u16>, period_ns: u64) -> Plan {
        let ExpectedIdentity { revision, revision_policy, serial, .. } = self.configured.identity;
        let wanted_revision = revision.filter(|_| revision_policy != RevisionPolicy::Any);
        let wanted_serial = serial;
        let FoundDevice { position, station, vendor, product, revision, serial, delay_ns, .. } = *self.found;
        // Another one of the same kind may take its place; where the configuration says more, it must hold.
        let mut identity = vec![(SII_VENDOR, "vendor", vendor), (SII_PRODUCT, "product code", product)];
        identity.extend(wanted_revision.map(|_| (SII_REVISION, "revision", revision)));
        identity.extend(wanted_serial.map(|_| (SII_SERIAL, "serial number", serial)));
        let clock = reference.filter(|_| self.found.has_clock);
        let parameters = PlanParameters {
            identity,
            mailbox: mailbox(&self.found.sii, self.found.sii.mailbox),
            objects: self.objects.clone(),
            process_data: self.process_data.clone(),
            clock: clock.map(|reference| ClockParameters {
                delay_ns,
                leads: station == reference,
                synchronisation: self.configured.synchronisation,
                period_ns,
            }),
        };
        Plan {
            station,
            position,
            before: position
                .checked_sub(1)
                .and_then(|before| found.get(usize::from(before)))
                .map(|found| found.station),
            // One that cannot be served has refused its mapping before.
            letterbox: self.mailbox().and_then(|areas| Letterbox::of(station, areas).ok()),
            tasks: parameters.tasks(),
        }
    }
}

/// Finds each configured device among those on the wire.
fn matched<'a>(configured: &'a [DeviceParameters], found: &'a [FoundDevice]) -> Result<Vec<Matched<'a>>, BringUpError> {
    let mut logical = 0;
    let mut matched = Vec::with_capacity(configured.len());
    for device in configured {
        let here = |other: &&FoundDevice| match device.place {
            Place::Position(position) => other.position == position,
            Place::Alias(alias) => other.alias == alias,
        };
        // One device is not two of the configuration, by its position and by its alias.
        let taken =
            |other: &FoundDevice| matched.iter().any(|matched: &Matched<'_>| std::ptr::eq(matched.found, other));
        let found = found.iter().find(|other| here(other) && !taken(other));
        let found = found.ok_or_else(|| BringUpError::Missing { device: device.name.clone(), place: device.place })?;
        check_identity(device, found)?;
        let exchanged = Exchanged {
            logical,
            output_bytes: device.layout.output_bytes() as u16,
            input_bytes: device.layout.input_bytes() as u16,
            watchdog_ms: device.watchdog_ms,
        };
        logical += u32::from(exchanged.bytes());
        let process_data = process_data(&found.sii, &exchanged);
        let process_data = process_data.map_err(|error| BringUpError::Setup { device: device.name.clone(), error })?;
        let mut objects = if device.mapped { mapping(&device.layout) } else { Vec::new() };
        objects.extend_from_slice(&device.startup);
        matched.push(Matched { configured: device, found, exchanged, objects, process_data });
    }
    // A device that nobody configured would stay in PREOP: whoever added it must say what it is for.
    let is_configured = |other: &&FoundDevice| matched.iter().any(|matched| std::ptr::eq(matched.found, *other));
    if let Some(first) = found.iter().find(|other| !is_configured(other)) {
        let first = (first.position, first.name.clone());
        return Err(BringUpError::Count { configured: configured.len(), found: found.len(), first });
    }
    Ok(matched)
}

fn check_identity(device: &DeviceParameters, found: &FoundDevice) -> Result<(), BringUpError> {
    let ExpectedIdentity { vendor, product, revision, revision_policy, serial } = device.identity;
    let near_enough = |configured| match revision_policy {
        RevisionPolicy::Exact => false,
        RevisionPolicy::AtLeast => found.revision >= configured,
        RevisionPolicy::Any => true,
    };
    let revision = revision.filter(|configured| !near_enough(*configured));
    let facts = [
        ("vendor", vendor, found.vendor),
        ("product code", product, found.product),
        ("revision", revision, found.revision),
        ("serial number", serial, found.serial),
    ];
    let wrong =
        facts.into_iter().find(|(_, configured, found)| configured.is_some_and(|configured| configured != *found));
    match wrong {
        Some((what, Some(configured), says)) => Err(BringUpError::Identity {
            device: device.name.clone(),
            position: found.position,
            what,
            configured,
            found: says,
        }),
        _ => Ok(()),
    }
}

/// Writes what the device's objects must be in PREOP.
fn write_objects(dialogue: &mut Dialogue<'_>, device: &Matched<'_>) -> Result<(), BringUpError> {
    if device.objects.is_empty() {
        return Ok(());
    }
    let name = || device.configured.name.clone();
    let objects = device.mailbox().and_then(|areas| Objects::of(dialogue, device.found.station, areas).ok());
    let mut objects = objects.ok_or_else(|| BringUpError::NoMailbox { device: name() })?;
    for wanted in &device.configured.modes {
        // A drive that lists no modes is asked by its mode display when it is enabled.
        let Ok(list) = objects.read(Address::entry(axis_object(SUPPORTED_MODES, wanted.axis), 0)) else { continue };
        let supported = list.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        if supported & wanted.bit() == 0 {
            let unknown = UnknownMode { wanted: *wanted, supported };
            return Err(BringUpError::Mode { device: name(), unknown });
        }
    }
    for ObjectWrite { address, value } in &device.objects {
        let written = objects.write(*address, value);
        written.map_err(|error| BringUpError::Object { device: name(), error })?;
    }
    Ok(())
}

/// SYNC0 of every device with a clock, at the same instants but for its shift. What the reference clock showed then.
fn start_sync0(
    dialogue: &mut Dialogue<'_>,
    devices: &[Matched<'_>],
    reference: u16,
    period_ns: u64,
) -> Result<ClockReading, BringUpError> {
    let named = |station| devices.iter().find(|device| device.found.station == station);
    let name = |station| named(station).map_or_else(String::new, |device| device.configured.name.clone());
    let failed = |station| move |error| BringUpError::Device { device: name(station), error };
    let time = dialogue.read::<8>(reference, SYSTEM_TIME).map_err(failed(reference))?;
    let sent_ns = dialogue.now_ns();
    let system_time_ns = u64::from_le_bytes(time);
    for device in devices.iter().filter(|device| device.found.has_clock) {
        let (station, synchronisation) = (device.found.station, device.configured.synchronisation);
        if !synchronisation.is_on() {
            continue;
        }
        for write in synchronisation.writes(period_ns, system_time_ns) {
            dialogue.write(station, write.register, write.bytes()).map_err(failed(station))?;
        }
        let start = dialogue.read::<8>(station, SYNC_START_TIME).map_err(failed(station))?;
        if let Some(found_ns) = synchronisation.out_of_phase(u64::from_le_bytes(start), period_ns) {
            return Err(BringUpError::OutOfPhase {
                device: name(station),
                wanted_ns: synchronisation.shift_ns,
                found_ns,
            });
        }
    }
    Ok(ClockReading { system_time_ns, sent_ns })
}

/// Exchanges zeros, under which no drive does anything, until every device is in OP.
fn operational(mut bus: EthercatBus, devices: &[Matched<'_>], period_ns: u64) -> Result<EthercatBus, BringUpError> {
    let outputs = vec![0; MAX_PROCESS_IMAGE_BYTES];
    let mut inputs = vec![0; MAX_PROCESS_IMAGE_BYTES];
    let end_ns = bus.wire().now_ns() + OPERATIONAL_NS;
    let mut asked = false;
    loop {
        let start_ns = bus.wire().now_ns();
        bus.begin(&outputs, start_ns);
        let report = bus.finish(&mut inputs, start_ns + period_ns);
        if report.complete() {
            return Ok(bus);
        }
        if !asked {
            // Once outputs flow, as the standard wants it.
            let mut dialogue = Dialogue::over(bus.wire());
            for device in devices {
                let asked = dialogue.write(device.found.station, AL_CONTROL, &[AlState::Operational as u8, 0]);
                asked.map_err(|error| BringUpError::Device { device: device.configured.name.clone(), error })?;
            }
            asked = true;
        }
        if start_ns >= end_ns {
            break;
        }
        let next_ns = start_ns + period_ns;
        while bus.wire().receive(&mut inputs[..crate::limits::ETHERCAT_FRAME_BYTES], next_ns).is_some() {}
    }
    let mut dialogue = Dialogue::over(bus.wire());
    let mut not_operational = Vec::new();
    for device in devices {
        let said = match dialogue.al_status(device.found.station) {
            Ok(status) if status.is_operational() => continue,
            Ok(status) => format!(
                "{:?} stays in {}, AL status code {}",
                device.configured.name,
                status.state.map_or("no known state", AlState::name),
                status.code
            ),
            Err(error) => format!("{:?}: {error}", device.configured.name),
        };
        not_operational.push(said);
    }
    Err(BringUpError::NotOperational { devices: not_operational })
}
