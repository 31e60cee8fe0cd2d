//! What one device is configured to, register by register: known once, written at bring-up and again when it comes back.

use super::register::{FMMU, FMMU_BYTES, SYNC_MANAGER, SYNC_MANAGER_BYTES, WATCHDOG_DIVIDER, WATCHDOG_PROCESS_DATA};
use super::sii::{Area, MailboxAreas, Sii, SyncManagerUse};

/// Longest content of one write.
const WRITE_BYTES: usize = 16;
/// Ticks of 100 µs: (2498 + 2) × 40 ns.
const WATCHDOG_TICK: u16 = 2498;
/// Ticks of the watchdog in a millisecond.
const TICKS_PER_MS: u32 = 10;
/// Inputs that the controller writes: read by the master, buffered.
const INPUT_CONTROL: u8 = 0x20;
/// Outputs: written by the master, buffered, with the watchdog.
const OUTPUT_CONTROL: u8 = 0x64;
/// A mailbox that the master writes.
const MAILBOX_RECEIVE: u8 = 0x26;
/// A mailbox that the master reads.
const MAILBOX_SEND: u8 = 0x22;

/// One write to consecutive registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterWrite {
    /// The first of them.
    pub register: u16,
    bytes: [u8; WRITE_BYTES],
    length: u8,
}

impl RegisterWrite {
    /// Of at most 16 bytes; what is more is left out.
    pub fn new(register: u16, content: &[u8]) -> RegisterWrite {
        let mut bytes = [0; WRITE_BYTES];
        let length = content.len().min(WRITE_BYTES);
        bytes[..length].copy_from_slice(&content[..length]);
        RegisterWrite { register, bytes, length: length as u8 }
    }

    /// What is written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// What a device exchanges in each cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchanged {
    /// Logical address of its outputs and of its inputs, which share it.
    pub logical: u32,
    /// Bytes from the master.
    pub output_bytes: u16,
    /// Bytes to the master.
    pub input_bytes: u16,
    /// How long it goes on without outputs, milliseconds; 0 is for ever.
    pub watchdog_ms: u32,
}

impl Exchanged {
    /// Bytes of its datagram.
    pub fn bytes(&self) -> u16 {
        self.output_bytes.max(self.input_bytes)
    }

    /// What a complete exchange adds to the working counter of its datagram.
    pub fn working_counter(&self) -> u16 {
        u16::from(self.input_bytes > 0) + 2 * u16::from(self.output_bytes > 0)
    }
}

/// Why a device cannot be configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupError {
    /// It has no sync manager for outputs, or for inputs.
    NoSyncManager(SyncManagerUse),
}

impl std::fmt::Display for SetupError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let SetupError::NoSyncManager(usage) = self;
        let what = if *usage == SyncManagerUse::Outputs { "outputs" } else { "inputs" };
        write!(out, "it has no sync manager for {what}: it exchanges none, the configuration maps some")
    }
}

/// The writes that take a device from PREOP to SAFEOP: sync managers, FMMUs, watchdog.
///
/// # Errors
/// Where the device has no sync manager for what it shall exchange.
pub fn process_data(sii: &Sii, exchanged: &Exchanged) -> Result<Vec<RegisterWrite>, SetupError> {
    let mut writes = Vec::new();
    let ways = [
        (SyncManagerUse::Outputs, exchanged.output_bytes, OUTPUT_CONTROL, 2),
        (SyncManagerUse::Inputs, exchanged.input_bytes, INPUT_CONTROL, 1),
    ];
    for (number, (usage, length, usual_control, direction)) in ways.into_iter().enumerate() {
        let Some((place, described)) = sii.sync_manager(usage) else {
            if length > 0 {
                return Err(SetupError::NoSyncManager(usage));
            }
            continue;
        };
        let control = if described.control == 0 { usual_control } else { described.control };
        let area = Area { start: described.area.start, length };
        writes.push(sync_manager(place, area, control));
        writes.push(fmmu(number as u16, exchanged.logical, area, direction));
    }
    if exchanged.output_bytes > 0 {
        let ticks = exchanged.watchdog_ms.saturating_mul(TICKS_PER_MS).min(u32::from(u16::MAX)) as u16;
        writes.push(RegisterWrite::new(WATCHDOG_DIVIDER, &WATCHDOG_TICK.to_le_bytes()));
        writes.push(RegisterWrite::new(WATCHDOG_PROCESS_DATA, &ticks.to_le_bytes()));
    }
    Ok(writes)
}

/// The writes that switch a mailbox on, in INIT: that of the SII for PREOP, or for bootstrap.
pub fn mailbox(sii: &Sii, areas: Option<MailboxAreas>) -> Vec<RegisterWrite> {
    let uses = [(SyncManagerUse::MailboxReceive, MAILBOX_RECEIVE), (SyncManagerUse::MailboxSend, MAILBOX_SEND)];
    let areas = areas.map(|mailbox| [mailbox.receive, mailbox.send]);
    let described = |usage, usual| {
        let control = sii.sync_manager(usage).map_or(0, |(_, described)| described.control);
        if control == 0 { usual } else { control }
    };
    let writes = areas.into_iter().flatten().zip(uses).zip(0..);
    writes.map(|((area, (usage, usual)), number)| sync_manager(number, area, described(usage, usual))).collect()
}

fn sync_manager(number: u8, area: Area, control: u8) -> RegisterWrite {
    let ([a, b], [c, d]) = (area.start.to_le_bytes(), area.length.to_le_bytes());
    let activate = u8::from(area.length > 0);
    RegisterWrite::new(SYNC_MANAGER + SYNC_MANAGER_BYTES * u16::from(number), &[a, b, c, d, control, 0, activate, 0])
}

/// `direction`: 1 reads, 2 writes. An FMMU of no bytes is off.
fn fmmu(number: u16, logical: u32, area: Area, direction: u8) -> RegisterWrite {
    let mut bytes = [0; FMMU_BYTES as usize];
    if area.length > 0 {
        bytes[0..4].copy_from_slice(&logical.to_le_bytes());
        bytes[4..6].copy_from_slice(&area.length.to_le_bytes());
        // From bit 0 to bit 7 of the last byte.
        bytes[7] = 7;
        bytes[8..10].copy_from_slice(&area.start.to_le_bytes());
        bytes[11] = direction;
        bytes[12] = 1;
    }
    RegisterWrite::new(FMMU + FMMU_BYTES * number, &bytes)
}

#[cfg(test)]
mod tests {
    use super::super::sii::SiiSyncManager;
    use super::*;

    fn drive() -> Sii {
        let manager =
            |start, control, usage| SiiSyncManager { area: Area { start, length: 8 }, control, enable: true, usage };
        Sii {
            sync_managers: vec![
                manager(0x1000, 0x26, SyncManagerUse::MailboxReceive),
                manager(0x1080, 0x22, SyncManagerUse::MailboxSend),
                manager(0x1100, 0x64, SyncManagerUse::Outputs),
                manager(0x1180, 0x20, SyncManagerUse::Inputs),
            ],
            ..Sii::default()
        }
    }

    #[test]
    fn registers_are_as_the_standard_lays_them_out() {
        let exchanged = Exchanged { logical: 0x0001_0020, output_bytes: 17, input_bytes: 15, watchdog_ms: 100 };
        let writes = process_data(&drive(), &exchanged).unwrap();
        let found: Vec<(u16, &[u8])> = writes.iter().map(|write| (write.register, write.bytes())).collect();
        let expected: [(u16, &[u8]); 6] = [
            (0x0810, &[0x00, 0x11, 17, 0, 0x64, 0, 1, 0]),
            (0x0600, &[0x20, 0, 1, 0, 17, 0, 0, 7, 0x00, 0x11, 0, 2, 1, 0, 0, 0]),
            (0x0818, &[0x80, 0x11, 15, 0, 0x20, 0, 1, 0]),
            (0x0610, &[0x20, 0, 1, 0, 15, 0, 0, 7, 0x80, 0x11, 0, 1, 1, 0, 0, 0]),
            (0x0400, &[0xC2, 0x09]),
            (0x0420, &[0xE8, 0x03]),
        ];
        assert_eq!(found, expected);
        assert_eq!((exchanged.bytes(), exchanged.working_counter()), (17, 3));
    }

    #[test]
    fn a_way_without_bytes_is_off() {
        let exchanged = Exchanged { logical: 0, output_bytes: 0, input_bytes: 1, watchdog_ms: 100 };
        let writes = process_data(&drive(), &exchanged).unwrap();
        assert_eq!(writes[0].bytes(), [0x00, 0x11, 0, 0, 0x64, 0, 0, 0]);
        assert_eq!(writes[1].bytes(), [0; 16]);
        assert_eq!(exchanged.working_counter(), 1);
        let outputs = Exchanged { output_bytes: 1, ..exchanged };
        let refused = process_data(&Sii::default(), &outputs);
        assert_eq!(refused, Err(SetupError::NoSyncManager(SyncManagerUse::Outputs)));
    }
}
