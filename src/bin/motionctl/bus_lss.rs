//! `motionctl bus lss`: node ids and bit rates of CANopen devices.

use motiond::fieldbus::canopen::lss::{Lss, LssAddress, LssError};
use motiond::fieldbus::canopen::socket::SocketCan;
use serde_json::json;

use crate::shell::print_line;

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Find a device that has no node id
    Scan {
        /// The CAN interface
        #[arg(long, short)]
        interface: String,
    },
    /// Give a device a node id
    SetNodeId {
        #[command(flatten)]
        device: Device,
        /// 1 to 127
        node: u8,
    },
    /// Give a device a bit rate, which it takes at its next power-on
    SetBitRate {
        #[command(flatten)]
        device: Device,
        /// kbit/s
        rate: u32,
    },
}

#[derive(clap::Args)]
pub struct Device {
    /// The CAN interface
    #[arg(long, short)]
    interface: String,
    /// Vendor id, product code, revision and serial number of the device [default: the one that has no node id]
    #[arg(long, num_args = 4, value_names = ["VENDOR", "PRODUCT", "REVISION", "SERIAL"], value_parser = crate::bus::number)]
    device: Option<Vec<u32>>,
}

/// Does what it says; else says why not.
pub fn run(verb: &Verb, as_json: bool) -> Result<(), String> {
    let (Verb::Scan { interface }
    | Verb::SetNodeId { device: Device { interface, .. }, .. }
    | Verb::SetBitRate { device: Device { interface, .. }, .. }) = verb;
    let failed = |error: &dyn std::fmt::Display| format!("CAN interface {interface}: {error}");
    let mut wire = SocketCan::open(interface).map_err(|error| failed(&error))?;
    let said = carry_out(verb, &mut wire).map_err(|error| failed(&error))?;
    let Some((address, done)) = said else { return Err(failed(&"every device that knows LSS has a node id")) };
    if as_json {
        let [vendor, product, revision, serial] = address.0;
        let address = json!({ "vendor": vendor, "product": product, "revision": revision, "serial": serial });
        print_line(&address.to_string());
    } else {
        print_line(&format!("{address}{done}"));
    }
    Ok(())
}

/// Which device it was, and what was done with it; `None` where none is without a node id.
fn carry_out(verb: &Verb, wire: &mut SocketCan) -> Result<Option<(LssAddress, String)>, LssError> {
    let mut lss = Lss::new(wire)?;
    let device = match verb {
        Verb::Scan { .. } => None,
        Verb::SetNodeId { device, .. } | Verb::SetBitRate { device, .. } => device.device.as_deref(),
    };
    let address = match device {
        Some([vendor, product, revision, serial]) => {
            let address = LssAddress([*vendor, *product, *revision, *serial]);
            lss.select(&address)?;
            address
        }
        _ => match lss.fast_scan()? {
            Some(address) => address,
            None => return Ok(None),
        },
    };
    let done = match verb {
        Verb::Scan { .. } => String::new(),
        Verb::SetNodeId { node, .. } => {
            lss.set_node_id(*node)?;
            kept(&mut lss, format!(": node id {node}"))?
        }
        Verb::SetBitRate { rate, .. } => {
            lss.set_bit_rate(*rate)?;
            kept(&mut lss, format!(": {rate} kbit/s from its next power-on"))?
        }
    };
    lss.release()?;
    Ok(Some((address, done)))
}

/// Has it kept, where the device can.
fn kept(lss: &mut Lss<'_>, done: String) -> Result<String, LssError> {
    match lss.store() {
        Ok(()) => Ok(done),
        Err(LssError::Refused { .. }) => Ok(format!("{done}; it does not keep that beyond its power")),
        Err(error) => Err(error),
    }
}
