//! The devices of the machine by their names, and the way to their objects.

use crate::config::MachineConfig;
use crate::config::schema::DeviceKind;
use crate::control::{DeviceEntry, DeviceObjects, EntryView, NoObject, ObjectEntry, ObjectPlace};
use crate::fieldbus::canopen::sdo;
use crate::fieldbus::ethercat::mailbox::information::ListKind;
use crate::fieldbus::ethercat::mailbox::{
    Address, DescribeEntry, DescribeObject, Download, ObjectList, TransferError, Upload,
};
use crate::fieldbus::ethercat::object_desk::DeskError;
use crate::fieldbus::ethercat::requests::Job;
use crate::fieldbus::igh::desk::IghDesk;
use crate::fieldbus::sdo::AbortCode;
use crate::fieldbus::{canopen, ethercat};
use std::fmt::Display;

/// Values of CANopen devices up to this go in segments.
const IN_SEGMENTS: usize = 28;

/// The way to the objects of the devices of one bus.
#[derive(Debug)]
pub enum Desk {
    /// Of an EtherCAT bus: mailboxes.
    Mailboxes(ethercat::object_desk::ObjectDesk),
    /// Of a CANopen bus: SDO.
    Nodes(canopen::requests::ObjectDesk),
    /// Of an EtherCAT bus of the kernel's master.
    Kernel(IghDesk),
    /// There is none: the bus is simulated in the daemon.
    Nothing,
}

/// The devices of a machine.
pub struct DeviceDesk {
    devices: Vec<DeviceEntry>,
    /// Name of each bus, and its desk.
    buses: Vec<(String, Desk)>,
}

impl DeviceDesk {
    /// Of a machine whose buses have these desks.
    pub fn new(config: &MachineConfig, desks: Vec<Desk>) -> DeviceDesk {
        let devices = config.buses.iter().flat_map(|bus| {
            bus.devices.iter().zip(0..).map(|(device, place)| DeviceEntry {
                bus: bus.name.clone(),
                place,
                name: device.name.clone(),
                drive: device.kind == DeviceKind::Drive,
            })
        });
        let names = config.buses.iter().map(|bus| bus.name.clone());
        DeviceDesk { devices: devices.collect(), buses: names.zip(desks).collect() }
    }

    /// The desk of a device, and its place on its bus.
    fn desk(&self, bus: &str, device: &str) -> Result<(&Desk, u8), NoObject> {
        let (_, desk) = self.buses.iter().find(|(name, _)| name == bus).ok_or(NoObject::NoSuchBus)?;
        let known = self.devices.iter().find(|known| known.bus == bus && known.name == device);
        Ok((desk, known.ok_or(NoObject::NoSuchDevice)?.place))
    }

    /// Asks a mailbox for something that only one has: what objects there are.
    fn carry_out(&self, bus: &str, device: &str, job: Job) -> Result<Job, NoObject> {
        match self.desk(bus, device)? {
            (Desk::Mailboxes(desk), place) => mailbox(desk, place, job),
            (Desk::Nodes(_), _) => Err(NoObject::NoAnswer(
                "a CANopen device lists no objects: they stand in its EDS file, and can be read by their numbers"
                    .into(),
            )),
            (Desk::Kernel(_), _) => {
                Err(NoObject::NoAnswer("the IgH master lists no objects here: `ethercat sdos` does".into()))
            }
            (Desk::Nothing, _) => Err(NoObject::NoObjects),
        }
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

fn silent(error: &dyn Display) -> NoObject {
    NoObject::NoAnswer(error.to_string())
}

fn aborted(code: AbortCode) -> NoObject {
    NoObject::Aborted { code: code.0, words: code.to_string() }
}

fn mailbox(desk: &ethercat::object_desk::ObjectDesk, place: u8, job: Job) -> Result<Job, NoObject> {
    desk.carry_out(place, job).map_err(|error| match error {
        DeskError::Transfer(TransferError::Aborted { code }) => aborted(code),
        error => silent(&error),
    })
}

/// In blocks first: a device that knows none is asked in segments.
fn node_read(desk: &canopen::requests::ObjectDesk, place: u8, address: Address) -> Result<Vec<u8>, NoObject> {
    let ask = |in_blocks| {
        let upload = sdo::Upload::new(one_part(address)?, in_blocks);
        match node(desk, place, canopen::requests::Job::Read(upload))? {
            canopen::requests::Job::Read(upload) => Ok(upload.data().to_vec()),
            canopen::requests::Job::Write(_) => Err(garbled()),
        }
    };
    match ask(true) {
        Err(NoObject::Aborted { code, .. }) if AbortCode(code) == AbortCode::COMMAND => ask(false),
        read => read,
    }
}

/// Long values in blocks first: a device that knows none gets segments.
fn node_write(desk: &canopen::requests::ObjectDesk, place: u8, address: Address, value: &[u8]) -> Result<(), NoObject> {
    let give = |in_blocks| {
        let download = sdo::Download::new(one_part(address)?, value, in_blocks).map_err(|error| silent(&error))?;
        node(desk, place, canopen::requests::Job::Write(download)).map(drop)
    };
    match give(value.len() > IN_SEGMENTS) {
        Err(NoObject::Aborted { code, .. }) if AbortCode(code) == AbortCode::COMMAND => give(false),
        written => written,
    }
}

fn one_part(address: Address) -> Result<Address, NoObject> {
    if address.complete {
        return Err(NoObject::NoAnswer("CANopen has no complete access: read or write one subindex at a time".into()));
    }
    Ok(address)
}

fn node(
    desk: &canopen::requests::ObjectDesk,
    place: u8,
    job: canopen::requests::Job,
) -> Result<canopen::requests::Job, NoObject> {
    desk.carry_out(place, job).map_err(|error| match error {
        canopen::requests::DeskError::Transfer(sdo::TransferError::Aborted { code }) => aborted(code),
        error => silent(&error),
    })
}

impl DeviceObjects for DeviceDesk {
    fn devices(&self) -> &[DeviceEntry] {
        &self.devices
    }

    fn read(&self, bus: &str, device: &str, place: ObjectPlace) -> Result<Vec<u8>, NoObject> {
        let address = address(place);
        match self.desk(bus, device)? {
            (Desk::Mailboxes(desk), place) => match mailbox(desk, place, Job::Read(Upload::new(address)))? {
                Job::Read(upload) => Ok(upload.data().to_vec()),
                _ => Err(garbled()),
            },
            (Desk::Nodes(desk), place) => node_read(desk, place, address),
            (Desk::Kernel(desk), place) => desk.read(place, address).map_err(|error| silent(&error)),
            (Desk::Nothing, _) => Err(NoObject::NoObjects),
        }
    }

    fn write(&self, bus: &str, device: &str, place: ObjectPlace, value: &[u8]) -> Result<(), NoObject> {
        let address = address(place);
        match self.desk(bus, device)? {
            (Desk::Mailboxes(desk), place) => {
                let download = Download::new(address, value).map_err(|error| silent(&error))?;
                mailbox(desk, place, Job::Write(download)).map(drop)
            }
            (Desk::Nodes(desk), place) => node_write(desk, place, address, value),
            (Desk::Kernel(desk), place) => desk.write(place, address, value).map_err(|error| silent(&error)),
            (Desk::Nothing, _) => Err(NoObject::NoObjects),
        }
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
