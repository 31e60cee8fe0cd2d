//! A master that records what is asked of it, in order, and fails the call that it is told to fail.

use std::sync::{Arc, Mutex};

use super::super::layer::{
    Answer, ConfigIndex, DeviceState, DomainIndex, DomainState, LayerError, Mapping, MasterLayer, ObjectLayer,
    SegmentState, SyncManagerFacts, Wanted,
};
use crate::fieldbus::ethercat::bring_up::{
    DeviceParameters, ExpectedIdentity, Place, RevisionPolicy, SegmentParameters,
};
use crate::fieldbus::ethercat::mailbox::Address;
use crate::fieldbus::ethercat::objects::ObjectWrite;
use crate::fieldbus::ethercat::synchronisation::Synchronisation;
use crate::fieldbus::mapping::{DeviceLayout, PdoEntry};

/// Time between two exchanges, nanoseconds.
pub const PERIOD_NS: u64 = 1_000_000;
/// What the machine's clock shows first: not at a period's beginning.
const BOOT_NS: u64 = 7_300_000;

/// What both handles share with the test.
#[derive(Debug, Default)]
pub struct Record {
    /// Every call, with what it was about.
    pub calls: Vec<String>,
    /// The call (up to its first space) that fails, and how.
    pub fails: Option<(&'static str, LayerError)>,
    /// Devices on the wire.
    pub on_wire: u32,
    /// Process data are exchanged.
    pub active: bool,
    /// The cycling handle is closed.
    pub closed: bool,
    pub now_ns: u64,
    /// What each domain brings next, and how.
    pub brings: Vec<(Vec<u8>, DomainState)>,
    /// What each domain was last sent with.
    pub sent: Vec<Vec<u8>>,
    pub segment: SegmentState,
    pub devices: Vec<DeviceState>,
    /// So many frames more are sent until all are in OP; then `segment` holds.
    pub slow: usize,
    /// Bytes of each domain that are registered.
    pub bytes: Vec<usize>,
    /// Configurations without a device.
    pub missing: Vec<ConfigIndex>,
    /// Object 1018h of every device, revision and serial number.
    pub identity: [u32; 2],
}

impl Record {
    fn call(&mut self, call: String) -> Answer<()> {
        let name = call.split(' ').next().unwrap_or_default();
        let failed = self.fails.filter(|(fails, _)| *fails == name);
        self.calls.push(call);
        failed.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// The calls since the last look.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.calls)
    }
}

pub type Shared = Arc<Mutex<Record>>;

/// The cycling handle.
pub struct Recorder {
    shared: Shared,
    data: Vec<Vec<u8>>,
    mapped: Vec<Vec<Vec<u16>>>,
}

/// The other handle.
pub struct RecordedObjects(pub Shared);

/// Both handles of a segment where everything is as configured and in OP at once.
pub fn recorder() -> (Shared, Box<Recorder>, Box<RecordedObjects>) {
    let complete = |working_counter, length| (vec![0; length], DomainState { working_counter, complete: true });
    let operational = DeviceState { online: true, operational: true, al_state: 8 };
    let shared = Arc::new(Mutex::new(Record {
        on_wire: 2,
        now_ns: BOOT_NS,
        brings: vec![complete(3, 13), complete(3, 3)],
        sent: vec![Vec::new(); 2],
        segment: SegmentState { responding: 2, al_states: 8 },
        devices: vec![operational; 2],
        identity: [3, 4711],
        ..Record::default()
    }));
    let layer = Recorder { shared: shared.clone(), data: Vec::new(), mapped: Vec::new() };
    (shared.clone(), Box::new(layer), Box::new(RecordedObjects(shared)))
}

/// A drive, whose process data are mapped, and a terminal with what it has. The drive's images are not the domain's order.
pub fn segment() -> SegmentParameters {
    let entry = |index, subindex, bits| PdoEntry { index, subindex, bits };
    let identity = |product| ExpectedIdentity {
        vendor: Some(0x0A5A),
        product: Some(product),
        revision: Some(3),
        revision_policy: RevisionPolicy::Exact,
        serial: None,
    };
    SegmentParameters {
        devices: vec![
            DeviceParameters {
                name: "lift".into(),
                place: Place::Position(0),
                modes: Vec::new(),
                identity: identity(0x10002),
                layout: DeviceLayout {
                    output_offset: 0,
                    outputs: vec![entry(0x6040, 0, 16), entry(0x607A, 0, 32)],
                    input_offset: 0,
                    inputs: vec![entry(0x6041, 0, 16), entry(0x6061, 0, 8), entry(0x6064, 0, 32)],
                },
                mapped: true,
                watchdog_ms: 100,
                synchronisation: Synchronisation::default(),
                startup: vec![ObjectWrite { address: Address::entry(0x60C2, 1), value: [1].into() }],
            },
            DeviceParameters {
                name: "io".into(),
                place: Place::Alias(12),
                modes: Vec::new(),
                identity: ExpectedIdentity { revision: None, ..identity(0x20) },
                layout: DeviceLayout {
                    output_offset: 6,
                    outputs: vec![entry(0x7000, 1, 8)],
                    input_offset: 7,
                    inputs: vec![entry(0x6000, 1, 8), entry(0x6000, 2, 8)],
                },
                mapped: false,
                watchdog_ms: 50,
                synchronisation: Synchronisation::default(),
                startup: Vec::new(),
            },
        ],
        period_ns: PERIOD_NS,
    }
}

impl Recorder {
    fn call(&self, call: String) -> Answer<()> {
        self.shared.lock().unwrap().call(call)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let mut record = self.shared.lock().unwrap();
        record.closed = true;
        record.active = false;
    }
}

impl MasterLayer for Recorder {
    fn reserve(&mut self) -> Answer<()> {
        self.call("reserve".into())
    }

    fn devices_on_wire(&mut self) -> Answer<u32> {
        self.call("devices_on_wire".into())?;
        Ok(self.shared.lock().unwrap().on_wire)
    }

    fn create_domain(&mut self) -> Answer<DomainIndex> {
        self.call("create_domain".into())?;
        self.data.push(Vec::new());
        Ok(self.data.len() - 1)
    }

    fn configure(&mut self, device: Wanted) -> Answer<ConfigIndex> {
        self.call(format!("configure {}: {:x} {:x}", device.place, device.vendor, device.product))?;
        self.mapped.push(Vec::new());
        // The kernel's numbers need not be ours.
        Ok(self.mapped.len() as u32 + 9)
    }

    fn attached_position(&mut self, config: ConfigIndex) -> Answer<Option<u16>> {
        self.call(format!("attached_position {config}"))?;
        let missing = self.shared.lock().unwrap().missing.contains(&config);
        Ok((!missing).then_some(config as u16 - 10))
    }

    fn map(&mut self, config: ConfigIndex, mapping: Mapping<'_>) -> Answer<()> {
        let Mapping { sync_manager, direction, pdos } = mapping;
        let pdo = |(pdo, entries): &(u16, &[PdoEntry])| {
            let entries: Vec<String> =
                entries.iter().map(|entry| format!("{:x}:{}", entry.index, entry.bits)).collect();
            format!("{pdo:x}: {}", entries.join(" "))
        };
        let texts: Vec<String> = pdos.iter().map(pdo).collect();
        self.call(format!("map {config} SM{sync_manager} {direction:?} {}", texts.join("; ")))?;
        let lengths = |(_, entries): &(u16, &[PdoEntry])| entries.iter().map(|entry| entry.bits as u16 / 8).collect();
        self.mapped[config as usize - 10] = pdos.iter().map(lengths).collect();
        Ok(())
    }

    fn watchdog(&mut self, config: ConfigIndex, divider: u16, ticks: u16) -> Answer<()> {
        self.call(format!("watchdog {config}: {divider} {ticks}"))
    }

    fn register(
        &mut self,
        config: ConfigIndex,
        sync_manager: u8,
        (pdo, entry): (u32, u32),
        domain: DomainIndex,
    ) -> Answer<usize> {
        let behind = if pdo == 0 { String::new() } else { format!("{pdo}.") };
        self.call(format!("register {config} SM{sync_manager} {behind}{entry} in {domain}"))?;
        // The terminal: one byte of outputs, two of inputs.
        let pdo = self.mapped[config as usize - 10].get(pdo as usize);
        let length = match pdo.and_then(|pdo: &Vec<u16>| pdo.get(entry as usize)) {
            Some(length) => usize::from(*length),
            None => 1 + usize::from(sync_manager),
        };
        let at = self.data[domain].len();
        self.data[domain].resize(at + length, 0xEE);
        Ok(at)
    }

    fn startup(&mut self, config: ConfigIndex, object: Address, value: &[u8]) -> Answer<()> {
        self.call(format!("startup {config} {object}: {value:?}"))
    }

    fn distributed_clock(&mut self, config: ConfigIndex, how: &Synchronisation, period_ns: u32) -> Answer<()> {
        let Synchronisation { assign_activate, shift_ns, sync1_ns } = how;
        self.call(format!("distributed_clock {config}: {period_ns}, {assign_activate:#06x} {shift_ns} {sync1_ns}"))
    }

    fn domain_bytes(&mut self, domain: DomainIndex) -> Answer<usize> {
        self.call(format!("domain_bytes {domain}"))?;
        let told = self.shared.lock().unwrap().bytes.get(domain).copied();
        Ok(told.unwrap_or(self.data[domain].len()))
    }

    fn activate(&mut self) -> Answer<()> {
        // As the crate's, which activates first and maps the memory then.
        self.shared.lock().unwrap().active = true;
        self.call("activate".into())
    }

    fn deactivate(&mut self) -> Answer<()> {
        self.shared.lock().unwrap().active = false;
        self.call("deactivate".into())
    }

    fn application_time(&mut self, time_ns: u64) -> Answer<()> {
        self.call(format!("application_time {time_ns}"))
    }

    fn sync_reference_clock(&mut self) -> Answer<()> {
        self.call("sync_reference_clock".into())
    }

    fn sync_device_clocks(&mut self) -> Answer<()> {
        self.call("sync_device_clocks".into())
    }

    fn domain_data(&mut self, domain: DomainIndex) -> Answer<&mut [u8]> {
        self.call(format!("domain_data {domain}"))?;
        Ok(&mut self.data[domain])
    }

    fn queue(&mut self, domain: DomainIndex) -> Answer<()> {
        self.call(format!("queue {domain}"))?;
        self.shared.lock().unwrap().sent[domain] = self.data[domain].clone();
        Ok(())
    }

    fn send(&mut self) -> Answer<()> {
        self.call("send".into())?;
        let mut record = self.shared.lock().unwrap();
        record.slow = record.slow.saturating_sub(1);
        Ok(())
    }

    fn receive(&mut self) -> Answer<()> {
        self.call("receive".into())
    }

    fn process(&mut self, domain: DomainIndex) -> Answer<()> {
        self.call(format!("process {domain}"))?;
        let record = self.shared.lock().unwrap();
        let (brings, state) = &record.brings[domain];
        if state.complete {
            self.data[domain].copy_from_slice(brings);
        }
        Ok(())
    }

    fn domain_state(&mut self, domain: DomainIndex) -> Answer<DomainState> {
        self.call(format!("domain_state {domain}"))?;
        Ok(self.shared.lock().unwrap().brings[domain].1)
    }

    fn segment_state(&mut self) -> Answer<SegmentState> {
        self.call("segment_state".into())?;
        let record = self.shared.lock().unwrap();
        let al_states = if record.slow > 0 { 4 } else { record.segment.al_states };
        Ok(SegmentState { al_states, ..record.segment })
    }

    fn device_state(&mut self, config: ConfigIndex) -> Answer<DeviceState> {
        self.call(format!("device_state {config}"))?;
        let record = self.shared.lock().unwrap();
        let state = record.devices[config as usize - 10];
        Ok(DeviceState { operational: state.operational && record.slow == 0, ..state })
    }

    fn now_ns(&mut self) -> u64 {
        self.shared.lock().unwrap().now_ns
    }

    fn wait_until(&mut self, time_ns: u64) {
        let mut record = self.shared.lock().unwrap();
        record.now_ns = record.now_ns.max(time_ns);
        record.calls.push(format!("wait_until {time_ns}"));
    }
}

impl ObjectLayer for RecordedObjects {
    fn upload(&mut self, position: u16, index: u16, subindex: u8, into: &mut [u8]) -> Answer<usize> {
        let mut record = self.0.lock().unwrap();
        record.call(format!("upload {position} {index:x}:{subindex}"))?;
        let value = record.identity[usize::from(subindex == 4)].to_le_bytes();
        into[..4].copy_from_slice(&value);
        Ok(4)
    }

    fn download(&mut self, position: u16, index: u16, subindex: u8, complete: bool, value: &[u8]) -> Answer<()> {
        self.0.lock().unwrap().call(format!("download {position} {index:x}:{subindex} {complete} {value:?}"))
    }

    fn sync_manager(&mut self, position: u16, number: u8) -> Answer<Option<SyncManagerFacts>> {
        self.0.lock().unwrap().call(format!("sync_manager {position} {number}"))?;
        // Outputs, inputs, and no more.
        let facts = [SyncManagerFacts { control: 0x44, pdos: 1 }, SyncManagerFacts { control: 0x20, pdos: 2 }];
        Ok(facts.get(usize::from(number)).copied())
    }
}
