//! The devices of the machine by their names, and the way to their objects.

use crate::config::MachineConfig;
use crate::config::schema::DeviceKind;
use crate::control::{DeviceEntry, DeviceObjects, EntryView, NoObject, ObjectEntry, ObjectPlace};
use crate::fieldbus::ethercat::mailbox::information::ListKind;
use crate::fieldbus::ethercat::mailbox::{
    Address, DescribeEntry, DescribeObject, Download, ObjectList, TransferError, Upload,
};
use crate::fieldbus::ethercat::object_desk::{DeskError, ObjectDesk};
use crate::fieldbus::ethercat::requests::Job;
use crate::fieldbus::igh::desk::IghDesk;

/// The devices of a machine.
pub struct DeviceDesk {
    devices: Vec<DeviceEntry>,
    /// Name of each bus, and its desk where it is a real one.
    buses: Vec<(String, Option<ObjectDesk>)>,
    /// The desks of those that the kernel's master has, in the same order.
    kernel: Vec<Option<IghDesk>>,
}

impl DeviceDesk {
    /// Of a machine whose buses have these desks.
    pub fn new(config: &MachineConfig, desks: Vec<Option<ObjectDesk>>, kernel: Vec<Option<IghDesk>>) -> DeviceDesk {
        let devices = config.buses.iter().flat_map(|bus| {
            bus.devices.iter().zip(0..).map(|(device, place)| DeviceEntry {
                bus: bus.name.clone(),
                place,
                name: device.name.clone(),
                drive: device.kind == DeviceKind::Drive,
            })
        });
        let names = config.buses.iter().map(|bus| bus.name.clone());
        DeviceDesk { devices: devices.collect(), buses: names.zip(desks).collect(), kernel }
    }

    /// The desk of a bus that the kernel's master has, and the device's place; `None` where that is not so.
    fn kernel(&self, bus: &str, device: &str) -> Option<(&IghDesk, u8)> {
        let bus_place = self.buses.iter().position(|(name, _)| name == bus)?;
        let desk = self.kernel.get(bus_place)?.as_ref()?;
        let known = self.devices.iter().find(|known| known.bus == bus && known.name == device)?;
        Some((desk, known.place))
    }

    fn carry_out(&self, bus: &str, device: &str, job: Job) -> Result<Job, NoObject> {
        let (_, desk) = self.buses.iter().find(|(name, _)| name == bus).ok_or(NoObject::NoSuchBus)?;
        let known = self.devices.iter().find(|known| known.bus == bus && known.name == device);
        let place = known.ok_or(NoObject::NoSuchDevice)?.place;
        if self.kernel(bus, device).is_some() {
            return Err(NoObject::NoAnswer("the IgH master lists no objects here: `ethercat sdos` does".into()));
        }
        let desk = desk.as_ref().ok_or(NoObject::NoObjects)?;
        desk.carry_out(place, job).map_err(|error| match error {
            DeskError::Transfer(TransferError::Aborted { code }) => {
                NoObject::Aborted { code: code.0, words: code.to_string() }
            }
            error => NoObject::NoAnswer(error.to_string()),
        })
    }

    fn described(&self, bus: &str, device: &str, index: u16) -> Result<ObjectEntry, NoObject> {
        let job = self.carry_out(bus, device, Job::Object(DescribeObject::new(index)))?;
        let Job::Object(asked) = job else { return Err(garbled()) };
        let description = asked.description().ok_or_else(garbled)?;
        let name = String::from_utf8_lossy(description.name).into_owned();
        Ok(ObjectEntry { index, name, data_type: description.data_type, max_subindex: description.max_subindex })
    }
}

fn address(place: ObjectPlace) -> Address {
    Address { index: place.index, subindex: place.subindex, complete: place.complete }
}

fn garbled() -> NoObject {
    NoObject::NoAnswer("the device's answer is no description".into())
}

impl DeviceObjects for DeviceDesk {
    fn devices(&self) -> &[DeviceEntry] {
        &self.devices
    }

    fn read(&self, bus: &str, device: &str, place: ObjectPlace) -> Result<Vec<u8>, NoObject> {
        if let Some((desk, place_on_bus)) = self.kernel(bus, device) {
            return desk.read(place_on_bus, address(place)).map_err(|error| NoObject::NoAnswer(error.to_string()));
        }
        match self.carry_out(bus, device, Job::Read(Upload::new(address(place))))? {
            Job::Read(upload) => Ok(upload.data().to_vec()),
            _ => Err(garbled()),
        }
    }

    fn write(&self, bus: &str, device: &str, place: ObjectPlace, value: &[u8]) -> Result<(), NoObject> {
        if let Some((desk, place_on_bus)) = self.kernel(bus, device) {
            let written = desk.write(place_on_bus, address(place), value);
            return written.map_err(|error| NoObject::NoAnswer(error.to_string()));
        }
        let download = Download::new(address(place), value).map_err(|error| NoObject::NoAnswer(error.to_string()))?;
        self.carry_out(bus, device, Job::Write(download)).map(drop)
    }

    fn objects(
        &self,
        bus: &str,
        device: &str,
        after: Option<u16>,
        max: usize,
    ) -> Result<(Vec<ObjectEntry>, bool), NoObject> {
        let Job::List(list) = self.carry_out(bus, device, Job::List(ObjectList::new(ListKind::All)))? else {
            return Err(garbled());
        };
        let mut indices: Vec<u16> = list.indices().filter(|index| after.is_none_or(|after| *index > after)).collect();
        indices.sort_unstable();
        let more = indices.len() > max;
        let objects = indices.iter().take(max).map(|index| self.described(bus, device, *index));
        Ok((objects.collect::<Result<_, _>>()?, more))
    }

    fn entry(&self, bus: &str, device: &str, index: u16, subindex: u8) -> Result<EntryView, NoObject> {
        let job = self.carry_out(bus, device, Job::Entry(DescribeEntry::new(index, subindex)))?;
        let Job::Entry(asked) = job else { return Err(garbled()) };
        let description = asked.description().ok_or_else(garbled)?;
        Ok(EntryView {
            name: String::from_utf8_lossy(description.name).into_owned(),
            data_type: description.data_type,
            bits: description.bits,
            readable: description.access.readable()[2],
            writable: description.access.writable()[2],
            backup: description.access.is_backup(),
        })
    }
}
