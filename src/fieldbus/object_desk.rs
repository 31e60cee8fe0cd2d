//! Asks devices by way of the cycle, from ordinary threads: one request at a time, and its caller waits.

use std::fmt;
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};

use super::requests::{Request, RequestEnds};

/// How often an answer is looked for.
const LOOK: Duration = Duration::from_millis(1);
/// How long an answer is waited for: longer than the cycle gives a transfer.
const PATIENCE: Duration = Duration::from_secs(35);

/// Why nothing came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeskError<E> {
    /// Another request is under way.
    Occupied,
    /// The cycle does not answer.
    CycleSilent,
    /// The device has no objects, or is being brought back.
    NotServed,
    /// The device refused it, or did not answer as it should.
    Transfer(E),
}

impl<E: fmt::Display> fmt::Display for DeskError<E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeskError::Occupied => out.write_str("another request to the devices of this bus is under way"),
            DeskError::CycleSilent => out.write_str("the cycle does not answer"),
            DeskError::NotServed => out.write_str("the device has no objects, or is just being brought back"),
            DeskError::Transfer(error) => write!(out, "{error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for DeskError<E> {}

/// The way to the objects of one bus's devices.
#[derive(Debug)]
pub struct ObjectDesk<J, E> {
    ends: Mutex<RequestEnds<J, E>>,
}

impl<J, E> ObjectDesk<J, E> {
    /// At these ends.
    pub fn new(ends: RequestEnds<J, E>) -> ObjectDesk<J, E> {
        ObjectDesk { ends: Mutex::new(ends) }
    }

    /// Has a job carried out by a device, and waits for that. What it brought is in the job.
    ///
    /// # Errors
    /// Where nothing came of it; the device may have taken a write whose answer was lost.
    pub fn carry_out(&self, device: u8, job: J) -> Result<J, DeskError<E>> {
        let mut ends = match self.ends.try_lock() {
            Ok(ends) => ends,
            // A caller that panicked has left nothing half-done in a ring.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(DeskError::Occupied),
        };
        // Answers for which nobody waited long enough.
        while ends.answers.pop().is_ok() {}
        let request = Box::new(Request { device, job, result: None });
        ends.requests.push(request).map_err(|_| DeskError::CycleSilent)?;
        let end = Instant::now() + PATIENCE;
        loop {
            if let Ok(answered) = ends.answers.pop() {
                return match answered.result {
                    Some(Ok(())) => Ok(answered.job),
                    Some(Err(error)) => Err(DeskError::Transfer(error)),
                    None => Err(DeskError::NotServed),
                };
            }
            if Instant::now() >= end {
                return Err(DeskError::CycleSilent);
            }
            std::thread::sleep(LOOK);
        }
    }
}
