//! What a device has from its profile and what from the configuration, which counts first.

use super::super::machine::Identity;
use super::super::profile::{Profiles, or_profile};
use super::super::reader::Reader;
use super::super::schema::{Device, MappingWord, RevisionWord, Startup};
use crate::fieldbus::ethercat::synchronisation::Synchronisation;
use crate::fieldbus::mapping::PdoEntry;

/// How long a drive waits for the daemon where nobody says, milliseconds.
const WATCHDOG_MS: u32 = 100;

/// Both together.
pub struct Common {
    /// What the device must say it is.
    pub identity: Identity,
    /// How long it waits for the daemon, milliseconds.
    pub watchdog_ms: u32,
    /// Whether its process data can be mapped.
    pub mapping: MappingWord,
    /// To the device.
    pub pdo_outputs: Option<Vec<PdoEntry>>,
    /// From the device.
    pub pdo_inputs: Option<Vec<PdoEntry>>,
    /// How it is synchronised.
    pub synchronisation: Synchronisation,
    /// Emergencies that stop nothing.
    pub tolerated_emergencies: Vec<u16>,
    /// The profile's objects at start.
    pub startup: Vec<Startup>,
}

impl Common {
    /// Of a device; a profile that is wrong is reported.
    pub fn of(reader: &mut Reader<'_>, profiles: &Profiles, device: &Device) -> Common {
        let profile = device.profile.as_deref().map(|name| profiles.get(name)).transpose().unwrap_or_else(|error| {
            reader.report(&device.profile.place, format!("a profile that can be taken ({error})"));
            None
        });
        let (of, startup) = match profile {
            Some(profile) => (Some(profile.device), profile.startup),
            None => (None, Vec::new()),
        };
        let of = of.as_ref();
        let assign_activate = or_profile(&device.dc_assign_activate, of.map(|of| &of.dc_assign_activate));
        let shift_us = or_profile(&device.sync0_shift_us, of.map(|of| &of.sync0_shift_us)).unwrap_or(0.0);
        let sync1_us = or_profile(&device.sync1_us, of.map(|of| &of.sync1_us)).unwrap_or(0.0);
        let policy = or_profile(&device.revision_policy, of.map(|of| &of.revision_policy));
        Common {
            identity: Identity {
                vendor_id: or_profile(&device.vendor_id, of.map(|of| &of.vendor_id)),
                product_code: or_profile(&device.product_code, of.map(|of| &of.product_code)),
                revision: or_profile(&device.revision, of.map(|of| &of.revision)),
                revision_policy: policy.unwrap_or(RevisionWord::Exact),
                serial_number: *device.serial_number,
            },
            watchdog_ms: or_profile(&device.watchdog_ms, of.map(|of| &of.watchdog_ms)).unwrap_or(WATCHDOG_MS),
            mapping: or_profile(&device.mapping, of.map(|of| &of.mapping)).unwrap_or(MappingWord::Free),
            pdo_outputs: or_profile(&device.pdo_outputs, of.map(|of| &of.pdo_outputs)),
            pdo_inputs: or_profile(&device.pdo_inputs, of.map(|of| &of.pdo_inputs)),
            synchronisation: Synchronisation {
                assign_activate: assign_activate.unwrap_or(Synchronisation::default().assign_activate),
                shift_ns: (shift_us * 1000.0).round() as i64,
                sync1_ns: (sync1_us * 1000.0).round() as u32,
            },
            tolerated_emergencies: or_profile(&device.tolerated_emergencies, of.map(|of| &of.tolerated_emergencies))
                .unwrap_or_default(),
            startup,
        }
    }
}
