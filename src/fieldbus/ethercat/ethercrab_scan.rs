//! The scan by ethercrab. Its futures are polled between sending and receiving, on the caller's thread.
#![allow(unsafe_code)] // the time driver is a symbol that the linker finds

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ethercrab::{
    MainDevice, MainDeviceConfig, PduRx, PduStorage, PduTx, RetryBehaviour, SubDeviceGroup, Timeouts, error::Error,
};

use super::datagram::{self, Command};
use super::links::PORTS;
use super::register::DL_STATUS;
use super::scan::{FoundDevice, PATIENCE_NS, ScanError};
use super::sii;
use super::wire::Wire;
use crate::limits::{ETHERCAT_FRAME_BYTES, MAX_BUS_DEVICES};

/// Frames under way at once, at most.
const FRAMES: usize = 16;
const FRAME_BYTES: usize = PduStorage::element_size(1400);
/// How long ethercrab looks at nothing but its own timers, nanoseconds.
const TURN_NS: u64 = 100_000;
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

impl From<Error> for ScanError {
    fn from(error: Error) -> ScanError {
        match error {
            Error::Capacity(_) => ScanError::TooMany,
            error => ScanError::Master(error.to_string()),
        }
    }
}

/// As [`super::scan::scan`], for which a panic is contained.
pub fn scan(wire: &mut dyn Wire) -> Result<Vec<FoundDevice>, ScanError> {
    let storage = Box::new(PduStorage::<FRAMES, FRAME_BYTES>::new());
    let (tx, rx, pdu_loop) = storage.try_split().map_err(|()| ScanError::Master(Error::Internal.to_string()))?;
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

/// In the data link status of a device, takes the link of a port away whose loop is closed: ethercrab looks for devices, and
/// for a frame that comes back, wherever there is a link.
fn hide_closed_ports(frame: &mut [u8]) {
    let places: Vec<_> = datagram::places(frame).collect();
    for place in places {
        let header = &frame[place.start..];
        let register = u16::from_le_bytes([header[4], header[5]]);
        if header[0] == Command::Fprd as u8
            && register == DL_STATUS
            && let [links, loops, ..] = &mut frame[place.data()]
        {
            for port in 0..PORTS {
                *links &= !((*loops >> (2 * port) & 1) << (4 + port));
            }
        }
    }
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
            hide_closed_ports(&mut buffer[..length]);
            // Late, or not ours: it answers nothing.
            let _ = rx.receive_frame(&buffer[..length]);
            now = wire.now_ns();
            deadline_ns = now;
        }
    }
}
