//! The layer over the kernel's master: crate `ethercat`, which makes one system call of each.
//!
//! It borrows a master for as long as a device's configuration is held, so none is held: before activation it is asked for
//! again, which the kernel answers with the one that it has, and in the cycle the state of a device is asked for by the same
//! file directly.
#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::RawFd;
use std::path::Path;

use ethercat::{
    Error, Idx, Master, MasterAccess, PdoCfg, PdoEntryIdx, PdoEntryInfo, PdoEntryPos, SdoIdx, SlaveAddr, SlaveConfig,
    SlaveId, SlavePos, SmCfg, SmIdx, SubIdx, WatchdogMode, WcState,
};
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

use super::error::IghError;
use super::layer::{
    Answer, ConfigIndex, DeviceState, Direction, DomainIndex, DomainState, LayerError, Mapping, MasterLayer,
    ObjectLayer, SegmentState, SyncManagerFacts, Wanted,
};
use crate::fieldbus::ethercat::bring_up::Place;
use crate::fieldbus::ethercat::mailbox::Address;
use crate::fieldbus::ethercat::synchronisation::Synchronisation;
use crate::fieldbus::mapping::PdoEntry;

impl From<Error> for LayerError {
    fn from(error: Error) -> LayerError {
        match error {
            Error::KernelModule(expected, found) => LayerError::Version { expected, found },
            Error::Io(error) => match error.raw_os_error() {
                Some(number) => LayerError::Os(number),
                None => LayerError::Other("the process data cannot be mapped into memory"),
            },
            Error::NoDevices => LayerError::Other("the master has no network card"),
            Error::SmIdxTooLarge => LayerError::Other("there is no such sync manager"),
            Error::DomainIdx(_) | Error::NoDomain => LayerError::Other("there is no such domain"),
            Error::NotActivated => LayerError::Other("the master is not activated"),
            Error::InvalidAlState(_) => LayerError::Other("a device is in no known state"),
            Error::RequestFailed => LayerError::Other("the request failed"),
        }
    }
}

/// The handle that cycles.
pub struct KernelMaster {
    master: Master,
    /// Of `master`'s file, which is open as long as that lives.
    file: RawFd,
    devices: Vec<(ConfigIndex, SlaveAddr, SlaveId)>,
}

/// The handle for what sleeps.
pub struct KernelObjects {
    master: Master,
}

/// Both handles of a master.
///
/// # Errors
/// Where there is no such master, no right to it, or it speaks another version of the interface.
pub fn open(master: u32) -> Result<(KernelMaster, KernelObjects), IghError> {
    let failed = |error| IghError::Open { master, error };
    let before = files_of(master);
    let cyclic = Master::open(master, MasterAccess::ReadWrite).map_err(|error| failed(error.into()))?;
    let file = the_new_one(&before, &files_of(master)).ok_or(LayerError::Other("its file is not found again"));
    let file = file.map_err(failed)?;
    let objects = Master::open(master, MasterAccess::ReadWrite).map_err(|error| failed(error.into()))?;
    Ok((KernelMaster { master: cyclic, file, devices: Vec::new() }, KernelObjects { master: objects }))
}

/// This process's open files of the master.
fn files_of(master: u32) -> BTreeSet<RawFd> {
    let device = format!("/dev/EtherCAT{master}");
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let own = entries.filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == Path::new(&device)));
    own.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The one file that there was not before; none where it is not one.
fn the_new_one(before: &BTreeSet<RawFd>, after: &BTreeSet<RawFd>) -> Option<RawFd> {
    let mut new = after.difference(before);
    new.next().copied().filter(|_| new.next().is_none())
}

impl KernelMaster {
    fn config(&mut self, config: ConfigIndex) -> Answer<SlaveConfig<'_>> {
        let known = self.devices.iter().find(|(index, ..)| *index == config);
        let (_, address, identity) = *known.ok_or(LayerError::Other("there is no such configuration"))?;
        Ok(self.master.configure_slave(address, identity)?)
    }
}

impl MasterLayer for KernelMaster {
    fn reserve(&mut self) -> Answer<()> {
        Ok(self.master.reserve()?)
    }

    fn devices_on_wire(&mut self) -> Answer<u32> {
        Ok(self.master.get_info()?.slave_count)
    }

    fn create_domain(&mut self) -> Answer<DomainIndex> {
        Ok(self.master.create_domain()?.into())
    }

    fn configure(&mut self, device: Wanted) -> Answer<ConfigIndex> {
        let address = match device.place {
            Place::Position(position) => SlaveAddr::ByPos(position),
            Place::Alias(alias) => SlaveAddr::ByAlias(alias, 0),
        };
        let identity = SlaveId::new(device.vendor, device.product);
        let config = self.master.configure_slave(address, identity)?.index();
        self.devices.push((config, address, identity));
        Ok(config)
    }

    fn attached_position(&mut self, config: ConfigIndex) -> Answer<Option<u16>> {
        Ok(self.master.get_config_info(config)?.slave_position.map(u16::from))
    }

    fn map(&mut self, config: ConfigIndex, mapping: Mapping<'_>) -> Answer<()> {
        let number = SmIdx::from(mapping.sync_manager);
        let manager = match mapping.direction {
            Direction::Outputs => SmCfg { watchdog_mode: WatchdogMode::Enable, ..SmCfg::output(number) },
            Direction::Inputs => SmCfg { watchdog_mode: WatchdogMode::Disable, ..SmCfg::input(number) },
        };
        let info = |(entry, position): (&PdoEntry, u8)| PdoEntryInfo {
            pos: PdoEntryPos::from(position),
            entry_idx: PdoEntryIdx { idx: Idx::from(entry.index), sub_idx: SubIdx::from(entry.subindex) },
            bit_len: entry.bits,
            name: String::new(),
        };
        let pdo = |(pdo, entries): &(u16, &[PdoEntry])| PdoCfg {
            idx: (*pdo).into(),
            entries: entries.iter().zip(0..).map(info).collect(),
        };
        let assigned: Vec<PdoCfg> = mapping.pdos.iter().map(pdo).collect();
        Ok(self.config(config)?.config_sm_pdos(manager, &assigned)?)
    }

    fn watchdog(&mut self, config: ConfigIndex, divider: u16, ticks: u16) -> Answer<()> {
        Ok(self.config(config)?.config_watchdog(divider, ticks)?)
    }

    fn register(
        &mut self,
        config: ConfigIndex,
        sync_manager: u8,
        (pdo, entry): (u32, u32),
        domain: DomainIndex,
    ) -> Answer<usize> {
        let number = SmIdx::from(sync_manager);
        let offset = self.config(config)?.register_pdo_entry_by_position(number, pdo, entry, domain.into())?;
        if offset.bit != 0 {
            return Err(LayerError::Other("it does not begin at a whole byte"));
        }
        Ok(offset.byte)
    }

    fn startup(&mut self, config: ConfigIndex, object: Address, value: &[u8]) -> Answer<()> {
        let place = SdoIdx::new(object.index, object.subindex);
        let mut config = self.config(config)?;
        if object.complete {
            return Ok(config.add_complete_sdo(place, value)?);
        }
        // A slice behind a reference: the crate takes that for the bytes of the slice.
        Ok(config.add_sdo(place, &value)?)
    }

    fn distributed_clock(&mut self, config: ConfigIndex, how: &Synchronisation, period_ns: u32) -> Answer<()> {
        let shift_ns = how.shift_ns as i32;
        Ok(self.config(config)?.config_dc(how.assign_activate, period_ns, shift_ns, how.sync1_ns, 0)?)
    }

    fn domain_bytes(&mut self, domain: DomainIndex) -> Answer<usize> {
        Ok(self.master.domain(domain.into()).size()?)
    }

    fn activate(&mut self) -> Answer<()> {
        Ok(self.master.activate()?)
    }

    fn deactivate(&mut self) -> Answer<()> {
        Ok(self.master.deactivate()?)
    }

    fn application_time(&mut self, time_ns: u64) -> Answer<()> {
        Ok(self.master.set_application_time(time_ns)?)
    }

    fn sync_reference_clock(&mut self) -> Answer<()> {
        Ok(self.master.sync_reference_clock()?)
    }

    fn sync_device_clocks(&mut self) -> Answer<()> {
        Ok(self.master.sync_slave_clocks()?)
    }

    fn domain_data(&mut self, domain: DomainIndex) -> Answer<&mut [u8]> {
        Ok(self.master.domain_data(domain.into())?)
    }

    fn queue(&mut self, domain: DomainIndex) -> Answer<()> {
        Ok(self.master.domain(domain.into()).queue()?)
    }

    fn send(&mut self) -> Answer<()> {
        self.master.send()?;
        Ok(())
    }

    fn receive(&mut self) -> Answer<()> {
        Ok(self.master.receive()?)
    }

    fn process(&mut self, domain: DomainIndex) -> Answer<()> {
        Ok(self.master.domain(domain.into()).process()?)
    }

    fn domain_state(&mut self, domain: DomainIndex) -> Answer<DomainState> {
        let state = self.master.domain(domain.into()).state()?;
        Ok(DomainState {
            working_counter: u16::try_from(state.working_counter).unwrap_or(u16::MAX),
            complete: matches!(state.wc_state, WcState::Complete),
        })
    }

    fn segment_state(&mut self) -> Answer<SegmentState> {
        let state = self.master.state()?;
        Ok(SegmentState { responding: state.slaves_responding, al_states: state.al_states })
    }

    fn device_state(&mut self, config: ConfigIndex) -> Answer<DeviceState> {
        let mut state = ethercat_sys::ec_slave_config_state_t::default();
        let mut asked = ethercat_sys::ec_ioctl_sc_state_t { config_index: config, state: &mut state };
        // Safety: the file is open as long as `self.master`; the kernel writes into `state`, which outlives the call.
        let done = unsafe { ethercat_sys::ioctl::SC_STATE(self.file, &mut asked) };
        if done < 0 {
            return Err(LayerError::Os(nix::errno::Errno::last_raw()));
        }
        Ok(DeviceState {
            online: state.online() != 0,
            operational: state.operational() != 0,
            al_state: state.al_state() as u8,
        })
    }

    fn now_ns(&mut self) -> u64 {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC);
        now.map_or(0, |now| now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64)
    }

    fn wait_until(&mut self, time_ns: u64) {
        let until = libc::timespec {
            tv_sec: (time_ns / 1_000_000_000) as libc::time_t,
            tv_nsec: (time_ns % 1_000_000_000) as libc::c_long,
        };
        // Interrupted by a signal it fetches too early, which counts as a lost exchange.
        let _ = clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &until.into());
    }
}

impl ObjectLayer for KernelObjects {
    fn upload(&mut self, position: u16, index: u16, subindex: u8, into: &mut [u8]) -> Answer<usize> {
        let read = self.master.sdo_upload(SlavePos::new(position), SdoIdx::new(index, subindex), false, into)?;
        Ok(read.len())
    }

    fn download(&mut self, position: u16, index: u16, subindex: u8, complete: bool, value: &[u8]) -> Answer<()> {
        let object = SdoIdx::new(index, subindex);
        // A slice behind a reference: the crate takes that for the bytes of the slice.
        Ok(self.master.sdo_download(SlavePos::new(position), object, complete, &value)?)
    }

    fn sync_manager(&mut self, position: u16, number: u8) -> Answer<Option<SyncManagerFacts>> {
        match self.master.get_sync(SlavePos::new(position), SmIdx::from(number)) {
            Ok(facts) => Ok(Some(SyncManagerFacts { control: facts.control_register, pdos: facts.pdo_count })),
            Err(error) => match LayerError::from(error) {
                LayerError::Os(libc::EINVAL) => Ok(None),
                error => Err(error),
            },
        }
    }
}
