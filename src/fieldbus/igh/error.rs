//! What can be wrong with the kernel's master, and what to do about it.

use std::fmt;

use super::layer::LayerError;
use crate::fieldbus::ethercat::bring_up::Place;

/// Why a bus could not be brought up by the kernel's master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IghError {
    /// This program was built without it.
    NotBuilt,
    /// Its device file cannot be used.
    Open {
        /// Number of the master.
        master: u32,
        /// Why.
        error: LayerError,
    },
    /// It refused a call.
    Call {
        /// What was asked.
        call: &'static str,
        /// The device that it was about; none where it was about all of them.
        device: Option<String>,
        /// Why.
        error: LayerError,
    },
    /// There is another number of devices.
    Count {
        /// So many are configured.
        configured: usize,
        /// So many answer.
        found: u32,
    },
    /// More devices than there are bits in a report.
    TooManyDevices,
    /// Without these the kernel finds no device.
    IdentityUnknown {
        /// The device's name.
        device: String,
    },
    /// The device that is configured is not there.
    Missing {
        /// Its name.
        device: String,
        /// Where it is expected.
        place: Place,
        /// Its vendor ID.
        vendor: u32,
        /// Its product code.
        product: u32,
    },
    /// A device is another one.
    Identity {
        /// Its name.
        device: String,
        /// What differs.
        what: &'static str,
        /// What is configured.
        configured: u32,
        /// What it says.
        found: u32,
    },
    /// A device has no sync manager for what it shall exchange.
    NoSyncManager {
        /// Its name.
        device: String,
        /// "outputs" or "inputs".
        what: &'static str,
    },
    /// A device exchanges something else than is configured.
    Length {
        /// Its name.
        device: String,
        /// Bytes that are configured.
        configured: usize,
        /// Bytes that it exchanges.
        found: usize,
    },
    /// Devices did not become operational.
    NotOperational {
        /// Their names, with what each says.
        devices: Vec<String>,
    },
}

impl fmt::Display for IghError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IghError::NotBuilt => out.write_str(
                "this motiond was built without the IgH master: build it with `cargo build --release --features igh`, or \
                 say master = \"built-in\"",
            ),
            IghError::Open { master, error } => open(out, *master, *error),
            IghError::Call { call, device: Some(device), error } => {
                write!(out, "device {device:?}: the IgH master does not {call}: {error}")
            }
            IghError::Call { call, device: None, error } => {
                write!(out, "the IgH master does not {call}: {error}")?;
                if *error == LayerError::Os(libc::EBUSY) {
                    out.write_str("; another program has reserved it: end that, or take another igh-master-index")?;
                }
                Ok(())
            }
            IghError::Count { configured, found } => {
                write!(out, "{found} devices answer, {configured} are configured")
            }
            IghError::TooManyDevices => {
                write!(out, "more than {} devices on one bus", crate::limits::MAX_BUS_DEVICES)
            }
            IghError::IdentityUnknown { device } => {
                write!(out, "device {device:?} needs a vendor-id and a product-code: the IgH master finds it by them")
            }
            IghError::Missing { device, place, vendor, product } => write!(
                out,
                "there is no device of vendor {vendor:#010x} and product code {product:#010x} at {place}, where {device:?} \
                 is expected; `ethercat slaves -v` lists what there is"
            ),
            IghError::Identity { device, what, configured, found } => {
                write!(out, "device {device:?}: its {what} is {found:#010x}, configured is {configured:#010x}")
            }
            IghError::NoSyncManager { device, what } => {
                write!(out, "device {device:?} has no sync manager for {what}, the configuration maps some")
            }
            IghError::Length { device, configured, found } => {
                write!(out, "device {device:?} exchanges {found} bytes, configured are {configured}")
            }
            IghError::NotOperational { devices } => {
                write!(out, "not operational: {}; the kernel log says why", devices.join("; "))
            }
        }
    }
}

impl std::error::Error for IghError {}

/// The device file: who has no master, no right or another version must do something about it.
fn open(out: &mut fmt::Formatter<'_>, master: u32, error: LayerError) -> fmt::Result {
    write!(out, "/dev/EtherCAT{master}: ")?;
    match error {
        LayerError::Os(libc::ENOENT | libc::ENXIO | libc::ENODEV) => out.write_str(
            "there is no such master: load the modules of the IgH EtherCAT master (`ethercatctl start`, or `systemctl start \
             ethercat`), or correct igh-master-index",
        ),
        LayerError::Os(libc::EACCES | libc::EPERM) => out.write_str(
            "no right to read and write it: give it to the daemon's group by a udev rule, such as \
             KERNEL==\"EtherCAT[0-9]*\", GROUP=\"motiond\", MODE=\"0660\"; the unit must let the daemon have the device \
             (DeviceAllow=char-EtherCAT rw)",
        ),
        LayerError::Version { expected, found } => write!(
            out,
            "the kernel module speaks version {found} of the interface (ioctl magic), this motiond was built for {expected}: \
             build it with the sources of that module, after their `configure`: \
             `ETHERCAT_PATH=/path/to/sources cargo build --release --features igh-from-source`"
        ),
        error => write!(out, "{error}"),
    }
}
