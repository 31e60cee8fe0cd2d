//! The interface of a bus that no daemon runs, or the two of a ring.

use motiond::commissioning::interface::{self, InterfaceError};
use motiond::fieldbus::ethercat::packet_socket::SocketOptions;
use motiond::fieldbus::ethercat::wire::Wire;

#[derive(clap::Args)]
pub struct Interfaces {
    /// The network interface
    #[arg(long, short)]
    pub interface: String,
    /// Where the devices are in a ring: the interface that the last one leads back to
    #[arg(long, value_name = "INTERFACE")]
    pub redundant_interface: Option<String>,
}

impl Interfaces {
    /// Opens what is named.
    pub fn open(&self) -> Result<Box<dyn Wire>, InterfaceError> {
        interface::wire(&self.interface, self.redundant_interface.as_deref(), SocketOptions::default())
    }
}
