//! `motionctl bus sdo`: an object of a device that no daemon runs.

use motiond::commissioning::object::{DeviceObjectError, exchange};
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
    /// Place of the device on the wire, from 0
    #[arg(long, short)]
    pub position: u16,
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

    /// What came of it, in words.
    pub fn carry_out(&self, wire: &mut dyn Wire, value: Option<&[u8]>) -> Result<String, DeviceObjectError> {
        let (Verb::Read { object, .. } | Verb::Write { object, .. }) = self;
        let Object { index, subindex } = *object;
        let read = exchange(wire, self.device().position, Address::entry(index, subindex), value)?;
        Ok(match self {
            Verb::Write { .. } => format!("{index:04X}:{subindex:02X} written"),
            Verb::Read { r#as, .. } => {
                let digits: String = read.iter().map(|byte| format!("{byte:02x}")).collect();
                sdo::decoded(&digits, r#as.unwrap_or(Type::Hex))
            }
        })
    }
}
