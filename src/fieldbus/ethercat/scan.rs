//! The segment as it was found: ethercrab counts the devices, gives them their addresses, reads their identities, measures
//! the delays between them and brings them to PREOP. It runs on one thread: its futures are polled between sending and
//! receiving, and its timers only look at the time.
//!
//! Everything later is ours: what a device is configured to is then known register by register, and can be done again to
//! one device while the others go on.
#![allow(unsafe_code)] // the time driver is a symbol that the linker finds

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ethercrab::{
    MainDevice, MainDeviceConfig, PduRx, PduStorage, PduTx, RetryBehaviour, SubDeviceGroup, Timeouts, error::Error,
};

use super::datagram::{Command, Target};
use super::dialogue::Dialogue;
use super::register::TYPE;
use super::sii::{self, Sii, SiiError};
use super::wire::Wire;
use crate::limits::{ETHERCAT_FRAME_BYTES, MAX_BUS_DEVICES};

/// Frames under way at once, at most.
const FRAMES: usize = 16;
const FRAME_BYTES: usize = PduStorage::element_size(1400);
/// How long ethercrab looks at nothing but its own timers, nanoseconds.
const TURN_NS: u64 = 100_000;
/// How long a scan may take altogether, nanoseconds: 64 devices, whose SII takes some milliseconds a word, and the drift of
/// their clocks.
const PATIENCE_NS: u64 = 120_000_000_000;
/// Rounds in which the clocks are brought together before the first cycle; the cycle goes on with it.
const DRIFT_ROUNDS: u32 = 2000;

thread_local! {
    /// The time of the wire that is scanned by this thread, nanoseconds.
    static NOW_NS: Cell<u64> = const { Cell::new(0) };
}

fn now_ns() -> u64 {
    NOW_NS.get()
}

/// The clock of ethercrab's timers, microseconds: it is polled, so nobody has to be woken.
struct WireTime;

impl embassy_time_driver::Driver for WireTime {
    fn now(&self) -> u64 {
        now_ns() / 1000
    }

    fn schedule_wake(&self, _at: u64, _waker: &Waker) {}
}

embassy_time_driver::time_driver_impl!(static WIRE_TIME: WireTime = WireTime);

/// One device as it was found, in PREOP.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundDevice {
    /// Its place on the wire, from 0.
    pub position: u16,
    /// The address that it was given.
    pub station: u16,
    /// Its alias; 0 for none.
    pub alias: u16,
    /// Its name in the SII.
    pub name: String,
    /// Vendor ID.
    pub vendor: u32,
    /// Product code.
    pub product: u32,
    /// Revision number.
    pub revision: u32,
    /// Serial number.
    pub serial: u32,
    /// It has a clock of its own.
    pub has_clock: bool,
    /// From the first device with a clock to this one, nanoseconds.
    pub delay_ns: u32,
    /// What else stands in the SII.
    pub sii: Sii,
}

/// Why a segment could not be scanned.
#[derive(Clone, Debug, PartialEq)]
pub enum ScanError {
    /// Nothing answers.
    NoDevices,
    /// More than can be served.
    TooMany,
    /// It did not come to an end.
    TimedOut,
    /// A device's SII is not as it must be.
    Sii {
        /// Its place on the wire, from 0.
        position: u16,
        /// What is wrong.
        error: SiiError,
    },
    /// What ethercrab says.
    Master(Error),
    /// ethercrab failed an internal check: a device did what it does not expect.
    Panicked(String),
}

impl fmt::Display for ScanError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScanError::NoDevices => out
                .write_str("no device answers: look at cable, link and supply of the first one, and at the interface"),
            ScanError::TooMany => write!(out, "more than {MAX_BUS_DEVICES} devices answer"),
            ScanError::TimedOut => write!(out, "no end after {} s", PATIENCE_NS / 1_000_000_000),
            ScanError::Sii { position, error } => write!(out, "the device at position {position}: {error}"),
            ScanError::Master(error) => write!(out, "{error}"),
            ScanError::Panicked(what) => write!(out, "a device answered what was not expected ({what})"),
        }
    }
}

impl std::error::Error for ScanError {}

impl From<Error> for ScanError {
    fn from(error: Error) -> ScanError {
        match error {
            Error::Capacity(_) => ScanError::TooMany,
            error => ScanError::Master(error),
        }
    }
}

/// Brings every device of a segment to PREOP and tells what they are, in the order of the wire. Takes its time: not for
/// the real-time thread.
///
/// # Errors
/// Where nothing answers, or something does that cannot be served.
pub fn scan(wire: &mut dyn Wire) -> Result<Vec<FoundDevice>, ScanError> {
    // Each device counts in a read of all.
    match Dialogue::over(wire).ask(Command::Brd, Target::All(TYPE), &mut [0]) {
        Ok(1..) => {}
        Ok(0) | Err(_) => return Err(ScanError::NoDevices),
    }
    let scanned = catch_unwind(AssertUnwindSafe(|| scan_unguarded(wire)));
    scanned.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(ScanError::Panicked(text.unwrap_or_default()))
    })
}

fn scan_unguarded(wire: &mut dyn Wire) -> Result<Vec<FoundDevice>, ScanError> {
    let storage = Box::new(PduStorage::<FRAMES, FRAME_BYTES>::new());
    let (tx, rx, pdu_loop) = storage.try_split().map_err(|()| ScanError::Master(Error::Internal))?;
    let timeouts = Timeouts {
        pdu: Duration::from_millis(20),
        eeprom: Duration::from_millis(200),
        wait_loop_delay: Duration::from_micros(200),
        ..Timeouts::default()
    };
    let config =
        MainDeviceConfig { dc_static_sync_iterations: DRIFT_ROUNDS, retry_behaviour: RetryBehaviour::Count(3) };
    let main = MainDevice::new(pdu_loop, timeouts, config);
    drive(wire, tx, rx, scanning(&main))
}

async fn scanning(main: &MainDevice<'_>) -> Result<Vec<FoundDevice>, ScanError> {
    NOW_NS.with(|_| ());
    let group: SubDeviceGroup<MAX_BUS_DEVICES, 0> = main.init_single_group::<MAX_BUS_DEVICES, 0>(now_ns).await?;
    if group.is_empty() {
        return Err(ScanError::NoDevices);
    }
    let mut found = Vec::with_capacity(group.len());
    for (position, device) in group.iter(main).enumerate() {
        let position = position as u16;
        let identity = device.identity();
        let sii = sii::read(async |word, bytes: &mut [u8]| device.eeprom_read_raw(main, word, bytes).await).await;
        found.push(FoundDevice {
            position,
            station: device.configured_address(),
            alias: device.alias_address(),
            name: device.name().to_string(),
            vendor: identity.vendor_id,
            product: identity.product_id,
            revision: identity.revision,
            serial: identity.serial,
            has_clock: device.dc_support().any(),
            delay_ns: device.propagation_delay(),
            sii: sii.map_err(|error| ScanError::Sii { position, error })?,
        });
    }
    Ok(found)
}

/// Polls a future of ethercrab to its end, and carries its frames meanwhile.
fn drive<T>(
    wire: &mut dyn Wire,
    mut tx: PduTx<'_>,
    mut rx: PduRx<'_>,
    future: impl Future<Output = Result<T, ScanError>>,
) -> Result<T, ScanError> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let mut buffer = [0; ETHERCAT_FRAME_BYTES];
    let end_ns = wire.now_ns() + PATIENCE_NS;
    loop {
        let mut now = wire.now_ns();
        NOW_NS.set(now);
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
        if now >= end_ns {
            return Err(ScanError::TimedOut);
        }
        while let Some(frame) = tx.next_sendable_frame() {
            // What is not sent is what is lost on the wire: it is sent again.
            let _ = frame.send_blocking(|bytes| {
                wire.send(bytes, now);
                Ok(bytes.len())
            });
        }
        let mut deadline_ns = now + TURN_NS;
        while let Some(length) = wire.receive(&mut buffer, deadline_ns) {
            // Late, or not ours: it answers nothing.
            let _ = rx.receive_frame(&buffer[..length]);
            now = wire.now_ns();
            deadline_ns = now;
        }
    }
}
