//! The slave information interface: what stands in a device's EEPROM (ETG.1000.6, ETG.2010), as far as it is needed to
//! configure the device.

use std::fmt;

use crate::limits::{MAX_SII_CATEGORIES, MAX_SII_CATEGORY_BYTES};

// Words of the fixed part.
const BOOTSTRAP_MAILBOX: u16 = 0x14;
const STANDARD_MAILBOX: u16 = 0x18;
const MAILBOX_PROTOCOLS: u16 = 0x1C;
const CATEGORIES: u16 = 0x40;
// Categories.
const SYNC_MANAGERS: u16 = 41;
const TX_PDOS: u16 = 50;
const RX_PDOS: u16 = 51;
const END: u16 = 0xFFFF;
/// Protocol bit of CoE.
const COE: u16 = 0x0004;
/// Protocol bit of FoE.
const FOE: u16 = 0x0008;

/// A part of a device's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// Physical start address.
    pub start: u16,
    /// Bytes.
    pub length: u16,
}

/// The mailboxes of a device, and what it understands in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailboxAreas {
    /// Where the master writes.
    pub receive: Area,
    /// Where the master reads.
    pub send: Area,
    /// CANopen over EtherCAT.
    pub coe: bool,
    /// File access over EtherCAT.
    pub foe: bool,
}

/// What a sync manager is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncManagerUse {
    /// The master writes a mailbox.
    MailboxReceive,
    /// The master reads a mailbox.
    MailboxSend,
    /// Process data from the master.
    Outputs,
    /// Process data to the master.
    Inputs,
    /// Nothing.
    Unused,
}

/// A sync manager as the SII describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiiSyncManager {
    /// Its memory; the length is that of the default mapping.
    pub area: Area,
    /// Control register.
    pub control: u8,
    /// It is to be enabled.
    pub enable: bool,
    /// What for.
    pub usage: SyncManagerUse,
}

/// A process data object as the SII describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiiPdo {
    /// Its index, 1600h or 1A00h and following.
    pub index: u16,
    /// The sync manager that it goes by; `None` where it is not assigned.
    pub sync_manager: Option<u8>,
    /// Index, subindex and bits of each entry.
    pub entries: Vec<(u16, u8, u8)>,
}

/// What is needed of a device's SII.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sii {
    /// Its mailboxes, where it has any.
    pub mailbox: Option<MailboxAreas>,
    /// Its mailboxes in the bootstrap state, where it has that.
    pub bootstrap: Option<MailboxAreas>,
    /// The protocols of its mailbox, a bit each: AoE, EoE, CoE, FoE, SoE, VoE.
    pub protocols: u16,
    /// Its sync managers, in their order.
    pub sync_managers: Vec<SiiSyncManager>,
    /// From the device.
    pub tx_pdos: Vec<SiiPdo>,
    /// To the device.
    pub rx_pdos: Vec<SiiPdo>,
}

impl Sii {
    /// The number of the first sync manager for this use.
    pub fn sync_manager(&self, usage: SyncManagerUse) -> Option<(u8, &SiiSyncManager)> {
        let place = self.sync_managers.iter().position(|found| found.usage == usage)?;
        Some((place as u8, &self.sync_managers[place]))
    }
}

/// Why an SII is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiiError {
    /// It cannot be read.
    Unreadable(String),
    /// It is longer than any can be.
    NoEnd,
}

impl fmt::Display for SiiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SiiError::Unreadable(why) => write!(out, "its SII cannot be read: {why}"),
            SiiError::NoEnd => out.write_str("its SII has no end: write it anew with the vendor's tool"),
        }
    }
}

/// Reads an SII by words, with a call that reads so many bytes from a word on and tells how many there were. At most
/// `limits::MAX_SII_CATEGORIES` categories are looked at; a device says anything.
pub async fn read<E: fmt::Display>(
    mut bytes_at: impl AsyncFnMut(u16, &mut [u8]) -> Result<usize, E>,
) -> Result<Sii, SiiError> {
    let mut sii = Sii::default();
    let mut fixed = [0; 18];
    read_all(&mut bytes_at, BOOTSTRAP_MAILBOX, &mut fixed).await?;
    let word = |word: u16| {
        let at = usize::from(word - BOOTSTRAP_MAILBOX) * 2;
        u16::from_le_bytes([fixed[at], fixed[at + 1]])
    };
    let protocols = word(MAILBOX_PROTOCOLS);
    let area = |at| Area { start: word(at), length: word(at + 1) };
    let mailbox = |at, coe| {
        let (receive, send) = (area(at), area(at + 2));
        let there = receive.length > 0 && send.length > 0;
        there.then_some(MailboxAreas { receive, send, coe, foe: protocols & FOE != 0 })
    };
    sii.protocols = protocols;
    sii.mailbox = mailbox(STANDARD_MAILBOX, protocols & COE != 0);
    // There it is for files alone.
    sii.bootstrap = mailbox(BOOTSTRAP_MAILBOX, false).filter(|areas| areas.foe);
    let mut at = CATEGORIES;
    for _ in 0..MAX_SII_CATEGORIES {
        let mut header = [0; 4];
        read_all(&mut bytes_at, at, &mut header).await?;
        let (category, words) =
            (u16::from_le_bytes([header[0], header[1]]), u16::from_le_bytes([header[2], header[3]]));
        if category == END {
            return Ok(sii);
        }
        if matches!(category, SYNC_MANAGERS | TX_PDOS | RX_PDOS) {
            let mut content = vec![0; (usize::from(words) * 2).min(MAX_SII_CATEGORY_BYTES)];
            read_all(&mut bytes_at, at.saturating_add(2), &mut content).await?;
            match category {
                SYNC_MANAGERS => sii.sync_managers = sync_managers(&content),
                TX_PDOS => sii.tx_pdos = pdos(&content),
                _ => sii.rx_pdos = pdos(&content),
            }
        }
        at = at.checked_add(2).and_then(|at| at.checked_add(words)).ok_or(SiiError::NoEnd)?;
    }
    Err(SiiError::NoEnd)
}

async fn read_all<E: fmt::Display>(
    bytes_at: &mut impl AsyncFnMut(u16, &mut [u8]) -> Result<usize, E>,
    word: u16,
    bytes: &mut [u8],
) -> Result<(), SiiError> {
    let wanted = bytes.len();
    match bytes_at(word, bytes).await {
        Ok(read) if read >= wanted => Ok(()),
        Ok(read) => Err(SiiError::Unreadable(format!("{read} of {wanted} bytes at word {word:#06x}"))),
        Err(error) => Err(SiiError::Unreadable(error.to_string())),
    }
}

fn sync_managers(content: &[u8]) -> Vec<SiiSyncManager> {
    let (entries, _) = content.as_chunks::<8>();
    let of = |[a, b, c, d, control, _, enable, usage]: &[u8; 8]| SiiSyncManager {
        area: Area { start: u16::from_le_bytes([*a, *b]), length: u16::from_le_bytes([*c, *d]) },
        control: *control,
        enable: enable & 1 != 0,
        usage: match usage {
            1 => SyncManagerUse::MailboxReceive,
            2 => SyncManagerUse::MailboxSend,
            3 => SyncManagerUse::Outputs,
            4 => SyncManagerUse::Inputs,
            _ => SyncManagerUse::Unused,
        },
    };
    entries.iter().map(of).collect()
}

fn pdos(mut content: &[u8]) -> Vec<SiiPdo> {
    let mut pdos = Vec::new();
    // Each turn takes eight bytes and more.
    while let Some(([low, high, count, sync_manager, ..], rest)) = content.split_first_chunk::<8>() {
        let (entries, _) = rest.as_chunks::<8>();
        let entry =
            |[low, high, subindex, _, _, bits, ..]: &[u8; 8]| (u16::from_le_bytes([*low, *high]), *subindex, *bits);
        let entries: Vec<_> = entries.iter().take(usize::from(*count)).map(entry).collect();
        content = &rest[entries.len() * 8..];
        let sync_manager = (*sync_manager < 16).then_some(*sync_manager);
        pdos.push(SiiPdo { index: u16::from_le_bytes([*low, *high]), sync_manager, entries });
    }
    pdos
}
