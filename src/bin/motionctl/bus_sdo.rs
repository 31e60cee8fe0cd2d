//! `motionctl bus sdo`: an object of a device that no daemon runs.

use motiond::commissioning::nodes;
use motiond::commissioning::object::{DeviceObjectError, exchange};
use motiond::fieldbus::canopen::sdo::TransferError;
use motiond::fieldbus::canopen::wire::CanWire;
use motiond::fieldbus::ethercat::mailbox::Address;
use motiond::fieldbus::ethercat::wire::Wire;

use crate::bus_wire::Interfaces;
use crate::sdo::{self, Object, Type};

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Read an object
    Read {
        #[command(flatten)]
        device: Device,
        /// Index and subindex, in hexadecimal digits: 6065 or 1018:01
        object: Object,
        /// How to read its bytes [default: in hexadecimal digits]
        #[arg(long, value_name = "TYPE")]
        r#as: Option<Type>,
    },
    /// Write an object
    Write {
        #[command(flatten)]
        device: Device,
        /// Index and subindex, in hexadecimal digits: 6065 or 1018:01
        object: Object,
        /// Its new value
        #[arg(allow_negative_numbers = true)]
        value: String,
        /// What the value is
        #[arg(long, value_name = "TYPE")]
        r#as: Type,
    },
}

#[derive(clap::Args)]
pub struct Device {
    #[command(flatten)]
    pub interfaces: Interfaces,
    /// Place of the device on the wire, from 0 (EtherCAT)
    #[arg(long, short, required_unless_present = "node")]
    pub position: Option<u16>,
    /// Its node id (CANopen)
    #[arg(long, short, conflicts_with = "position", value_parser = clap::value_parser!(u8).range(1..=127))]
    pub node: Option<u8>,
}

impl Verb {
    pub fn device(&self) -> &Device {
        match self {
            Verb::Read { device, .. } | Verb::Write { device, .. } => device,
        }
    }

    /// What is written; an error is in words.
    pub fn value(&self) -> Result<Option<Vec<u8>>, String> {
        let Verb::Write { value, r#as, .. } = self else { return Ok(None) };
        let bytes = sdo::encoded(value, *r#as).and_then(|digits| sdo::bytes(&digits));
        bytes.map(Some).ok_or_else(|| format!("{value:?} is no value of this type, or does not fit into it"))
    }

    fn address(&self) -> Address {
        let (Verb::Read { object, .. } | Verb::Write { object, .. }) = self;
        Address::entry(object.index, object.subindex)
    }

    /// What came of it at a place on an EtherCAT wire, in words.
    pub fn carry_out(
        &self,
        wire: &mut dyn Wire,
        position: u16,
        value: Option<&[u8]>,
    ) -> Result<String, DeviceObjectError> {
        exchange(wire, position, self.address(), value).map(|read| self.words(&read))
    }

    /// The same of a CANopen node.
    pub fn ask_node(&self, wire: &mut dyn CanWire, node: u8, value: Option<&[u8]>) -> Result<String, TransferError> {
        let read = match value {
            Some(value) => nodes::write(wire, node, self.address(), value).map(|()| Vec::new()),
            None => nodes::read(wire, node, self.address()),
        };
        read.map(|read| self.words(&read))
    }

    fn words(&self, read: &[u8]) -> String {
        let Address { index, subindex, .. } = self.address();
        match self {
            Verb::Write { .. } => format!("{index:04X}:{subindex:02X} written"),
            Verb::Read { r#as, .. } => {
                let digits: String = read.iter().map(|byte| format!("{byte:02x}")).collect();
                sdo::decoded(&digits, r#as.unwrap_or(Type::Hex))
            }
        }
    }
}
