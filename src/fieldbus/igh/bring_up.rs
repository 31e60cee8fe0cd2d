//! From a free master of the kernel to a segment that exchanges: the same configuration, told to another master. Off the
//! real-time thread.

use super::desk::IghDesk;
use super::error::IghError;
use super::exchange::{IghBus, IghMember, Run};
use super::layer::{
    Answer, ConfigIndex, Direction, DomainIndex, LayerError, Mapping, MasterLayer, ObjectLayer, Wanted,
};
use crate::fieldbus::CyclicBus;
use crate::fieldbus::ethercat::bring_up::{DeviceParameters, ExpectedIdentity, RevisionPolicy, SegmentParameters};
use crate::fieldbus::ethercat::objects::ObjectWrite;
use crate::fieldbus::mapping::{PdoEntry, drive_pdos};
use crate::limits::{MAX_BUS_DEVICES, MAX_PROCESS_IMAGE_BYTES};

/// How long all devices may take to OP, nanoseconds: the kernel waits for their clocks first.
const OPERATIONAL_NS: u64 = 30_000_000_000;
/// Ticks of 100 µs: (2498 + 2) × 40 ns.
const WATCHDOG_TICK: u16 = 2498;
/// Ticks of the watchdog in a millisecond.
const TICKS_PER_MS: u32 = 10;
/// Sync managers of a device with a mailbox (ETG.1000.6), and the PDOs that are mapped.
const OUTPUT_MANAGER: u8 = 2;
const INPUT_MANAGER: u8 = 3;
const OUTPUT_PDO: u16 = 0x1600;
const INPUT_PDO: u16 = 0x1A00;
/// Sync managers that a device has at most.
const SYNC_MANAGERS: u8 = 16;
/// The identity object, and its parts that the kernel does not look at.
const IDENTITY: u16 = 0x1018;
const REVISION: u8 = 3;
const SERIAL: u8 = 4;

/// Both handles and whom a failed call was about.
struct Builder<'a> {
    layer: &'a mut dyn MasterLayer,
    objects: &'a mut dyn ObjectLayer,
}

/// A device that was configured.
struct Placed {
    member: IghMember,
    position: u16,
}

/// Brings a segment up; from then on it wants to be exchanged with in every period, or its watchdogs expire.
///
/// # Errors
/// Where the segment is not the one that is configured, or the master does not do what it is asked; it is then given back
/// with nothing activated.
pub fn bring_up(
    mut layer: Box<dyn MasterLayer>,
    mut objects: Box<dyn ObjectLayer>,
    parameters: &SegmentParameters,
) -> Result<(IghBus, IghDesk), IghError> {
    let mut builder = Builder { layer: &mut *layer, objects: &mut *objects };
    let placed = builder.configure(parameters)?;
    let (members, positions): (Vec<IghMember>, Vec<u16>) =
        placed.into_iter().map(|placed| (placed.member, placed.position)).unzip();
    let clocks = parameters.devices.iter().any(|device| device.mapped);
    let mut bus = IghBus::new(layer, members.clone(), clocks, parameters.period_ns);
    let operational = activate(&mut bus, &members, clocks, parameters);
    if let Err(error) = operational {
        // Also where it fails: what is dropped next gives the master back.
        let _ = bus.layer().deactivate();
        return Err(error);
    }
    Ok((bus, IghDesk::new(objects, positions)))
}

fn general(call: &'static str) -> impl Fn(LayerError) -> IghError {
    move |error| IghError::Call { call, device: None, error }
}

fn of<'a>(device: &'a DeviceParameters, call: &'static str) -> impl Fn(LayerError) -> IghError + 'a {
    move |error| IghError::Call { call, device: Some(device.name.clone()), error }
}

impl Builder<'_> {
    fn configure(&mut self, parameters: &SegmentParameters) -> Result<Vec<Placed>, IghError> {
        let devices = &parameters.devices;
        if devices.len() > MAX_BUS_DEVICES {
            return Err(IghError::TooManyDevices);
        }
        self.layer.reserve().map_err(general("let itself be reserved"))?;
        let found = self.layer.devices_on_wire().map_err(general("tell its devices"))?;
        let placed = devices.iter().map(|device| self.device(device, parameters.period_ns));
        let placed = placed.collect::<Result<_, _>>()?;
        // A device that nobody configured would stay in PREOP: whoever added it must say what it is for.
        if found as usize != devices.len() {
            return Err(IghError::Count { configured: devices.len(), found });
        }
        Ok(placed)
    }

    fn device(&mut self, device: &DeviceParameters, period_ns: u64) -> Result<Placed, IghError> {
        let ExpectedIdentity { vendor: Some(vendor), product: Some(product), revision, revision_policy, serial } =
            device.identity
        else {
            return Err(IghError::IdentityUnknown { device: device.name.clone() });
        };
        let place = device.place;
        let domain = self.layer.create_domain().map_err(of(device, "make a domain"))?;
        let config = self.layer.configure(Wanted { place, vendor, product });
        let config = config.map_err(of(device, "configure it"))?;
        let position = self.layer.attached_position(config).map_err(of(device, "tell its place"))?;
        let position =
            position.ok_or_else(|| IghError::Missing { device: device.name.clone(), place, vendor, product })?;
        let revision = revision.filter(|_| revision_policy != RevisionPolicy::Any);
        for (what, subindex, configured) in [("revision", REVISION, revision), ("serial number", SERIAL, serial)] {
            let Some(configured) = configured else { continue };
            let mut bytes = [0; 4];
            let read = self.objects.upload(position, IDENTITY, subindex, &mut bytes);
            read.map_err(of(device, "read its identity"))?;
            let found = u32::from_le_bytes(bytes);
            let near_enough = subindex == REVISION && revision_policy == RevisionPolicy::AtLeast && found > configured;
            if found != configured && !near_enough {
                return Err(IghError::Identity { device: device.name.clone(), what, configured, found });
            }
        }
        let layout = &device.layout;
        let ways = [
            (Direction::Outputs, layout.output_offset, &layout.outputs),
            (Direction::Inputs, layout.input_offset, &layout.inputs),
        ];
        let mut runs = [Vec::new(), Vec::new()];
        for ((direction, image, entries), runs) in ways.into_iter().zip(&mut runs) {
            *runs = if device.mapped {
                self.mapped(device, config, domain, direction, image, entries)?
            } else {
                self.fixed(device, config, domain, position, direction, image, entries)?
            };
        }
        let [outputs, inputs] = runs;
        let configured = layout.output_bytes() + layout.input_bytes();
        let found = self.layer.domain_bytes(domain).map_err(of(device, "tell the length of its process data"))?;
        if found != configured {
            return Err(IghError::Length { device: device.name.clone(), configured, found });
        }
        if !outputs.is_empty() {
            let ticks = device.watchdog_ms.saturating_mul(TICKS_PER_MS).min(u32::from(u16::MAX)) as u16;
            let set = self.layer.watchdog(config, WATCHDOG_TICK, ticks);
            set.map_err(of(device, "set its watchdog"))?;
        }
        for ObjectWrite { address, value } in &device.startup {
            let taken = self.layer.startup(config, *address, value);
            taken.map_err(of(device, "take its startup objects"))?;
        }
        if device.mapped && device.synchronisation.is_on() {
            let set = self.layer.distributed_clock(config, &device.synchronisation, period_ns as u32);
            set.map_err(of(device, "set its SYNC0"))?;
        }
        // One datagram reads and writes, and counts 1 and 2; one that does only one of them counts 1.
        let working_counter = if outputs.is_empty() || inputs.is_empty() { 1 } else { 3 };
        Ok(Placed { member: IghMember { domain, config, outputs, inputs, working_counter }, position })
    }

    /// A device whose process data are mapped by us.
    fn mapped(
        &mut self,
        device: &DeviceParameters,
        config: ConfigIndex,
        domain: DomainIndex,
        direction: Direction,
        mut image: usize,
        entries: &[PdoEntry],
    ) -> Result<Vec<Run>, IghError> {
        let (sync_manager, pdo) = match direction {
            Direction::Outputs => (OUTPUT_MANAGER, OUTPUT_PDO),
            Direction::Inputs => (INPUT_MANAGER, INPUT_PDO),
        };
        let mut pdos = drive_pdos(entries);
        pdos.iter_mut().for_each(|(number, _)| *number += pdo);
        let mapped = self.layer.map(config, Mapping { sync_manager, direction, pdos: &pdos });
        mapped.map_err(of(device, "map its process data"))?;
        let mut runs: Vec<Run> = Vec::new();
        let places =
            pdos.iter().zip(0..).flat_map(|((_, entries), pdo)| (0..).map(move |number| (pdo, number)).zip(*entries));
        for (at, entry) in places {
            let at = self.layer.register(config, sync_manager, at, domain);
            let at = at.map_err(of(device, "take its process data into a domain"))?;
            let length = usize::from(entry.bits / 8);
            match runs.last_mut().filter(|run| run.domain + run.length == at) {
                Some(run) => run.length += length,
                None => runs.push(Run { image, domain: at, length }),
            }
            image += length;
        }
        Ok(runs)
    }

    /// A device that exchanges what it has: its whole sync manager.
    #[allow(clippy::too_many_arguments)] // what the two ways of one device have in common
    fn fixed(
        &mut self,
        device: &DeviceParameters,
        config: ConfigIndex,
        domain: DomainIndex,
        position: u16,
        direction: Direction,
        image: usize,
        entries: &[PdoEntry],
    ) -> Result<Vec<Run>, IghError> {
        let length = entries.iter().map(|entry| usize::from(entry.bits / 8)).sum();
        if length == 0 {
            return Ok(Vec::new());
        }
        let sync_manager = self.sync_manager(position, direction).map_err(of(device, "tell its sync managers"))?;
        let what = if direction == Direction::Outputs { "outputs" } else { "inputs" };
        let sync_manager = sync_manager.ok_or_else(|| IghError::NoSyncManager { device: device.name.clone(), what })?;
        let at = self.layer.register(config, sync_manager, (0, 0), domain);
        let at = at.map_err(of(device, "take its process data into a domain"))?;
        Ok(vec![Run { image, domain: at, length }])
    }

    /// The first buffered one in this direction that has process data.
    fn sync_manager(&mut self, position: u16, direction: Direction) -> Answer<Option<u8>> {
        let wanted = if direction == Direction::Outputs { 1 } else { 0 };
        for number in 0..SYNC_MANAGERS {
            let Some(facts) = self.objects.sync_manager(position, number)? else { return Ok(None) };
            if facts.pdos > 0 && facts.control & 3 == 0 && facts.control >> 2 & 3 == wanted {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

/// Activates the master and exchanges zeros, under which no drive does anything, until every device is in OP.
fn activate(
    bus: &mut IghBus,
    members: &[IghMember],
    clocks: bool,
    parameters: &SegmentParameters,
) -> Result<(), IghError> {
    let period_ns = parameters.period_ns.max(1);
    let mut start_ns = bus.layer().now_ns().next_multiple_of(period_ns);
    if clocks {
        // Pulses of SYNC0 come at multiples of the period after the first such time.
        bus.layer().application_time(start_ns).map_err(general("take the time"))?;
    }
    bus.layer().activate().map_err(general("let itself be activated"))?;
    for member in members {
        // The first look at each allocates.
        let data = bus.layer().domain_data(member.domain).map_err(general("hand out the process data"))?;
        data.fill(0);
    }
    let outputs = vec![0; MAX_PROCESS_IMAGE_BYTES];
    let mut inputs = vec![0; MAX_PROCESS_IMAGE_BYTES];
    let end_ns = start_ns + OPERATIONAL_NS;
    loop {
        bus.layer().wait_until(start_ns);
        bus.begin(&outputs, start_ns);
        let report = bus.finish(&mut inputs, start_ns + period_ns / 2);
        if report.complete() {
            return Ok(());
        }
        if start_ns >= end_ns {
            break;
        }
        // An ordinary thread may be late: periods that are gone are left out.
        start_ns = (start_ns + period_ns).max(bus.layer().now_ns().next_multiple_of(period_ns));
    }
    let mut not_operational = Vec::new();
    for (device, member) in parameters.devices.iter().zip(members) {
        match bus.layer().device_state(member.config) {
            Ok(state) if state.online && state.operational => continue,
            Ok(state) if !state.online => not_operational.push(format!("{:?} does not answer", device.name)),
            Ok(state) => not_operational.push(format!("{:?} stays in AL state {}", device.name, state.al_state)),
            Err(error) => not_operational.push(format!("{:?}: {error}", device.name)),
        }
    }
    if not_operational.is_empty() {
        not_operational.push("all devices say OP, but their process data do not arrive".into());
    }
    Err(IghError::NotOperational { devices: not_operational })
}
