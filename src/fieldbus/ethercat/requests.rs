//! What is asked of devices from outside the cycle: one request at a time, its buffers made and freed by who asks.

use super::mailbox::{DescribeEntry, DescribeObject, Download, ObjectList, Transfer, TransferError, Upload};

/// A transfer with a device.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a request is boxed as a whole")]
pub enum Job {
    /// Reads an object.
    Read(Upload),
    /// Writes an object.
    Write(Download),
    /// Lists objects.
    List(ObjectList),
    /// Describes an object.
    Object(DescribeObject),
    /// Describes an entry of an object.
    Entry(DescribeEntry),
}

impl Job {
    /// As what carries it out.
    pub fn as_transfer(&mut self) -> &mut dyn Transfer {
        match self {
            Job::Read(transfer) => transfer,
            Job::Write(transfer) => transfer,
            Job::List(transfer) => transfer,
            Job::Object(transfer) => transfer,
            Job::Entry(transfer) => transfer,
        }
    }
}

/// One request.
#[derive(Debug)]
pub struct Request {
    /// The device, by its place in the bus's configuration.
    pub device: u8,
    /// What is asked of it.
    pub job: Job,
    /// What became of it; `None` where it was not carried out, because the device has no mailbox or is being brought back.
    pub result: Option<Result<(), TransferError>>,
}

/// The end on the real-time thread. It neither makes nor frees a request.
#[derive(Debug)]
pub struct Requests {
    requests: rtrb::Consumer<Box<Request>>,
    answers: rtrb::Producer<Box<Request>>,
}

/// The end of who asks.
#[derive(Debug)]
pub struct RequestEnds {
    /// Takes requests.
    pub requests: rtrb::Producer<Box<Request>>,
    /// Gives them back, answered.
    pub answers: rtrb::Consumer<Box<Request>>,
}

/// Requests under way at once, at most.
const PLACES: usize = 4;

impl Requests {
    /// Both ends.
    pub fn open() -> (Requests, RequestEnds) {
        let (to, requests) = rtrb::RingBuffer::new(PLACES);
        let (answers, from) = rtrb::RingBuffer::new(PLACES);
        (Requests { requests, answers }, RequestEnds { requests: to, answers: from })
    }

    /// The next request.
    pub fn receive(&mut self) -> Option<Box<Request>> {
        self.requests.pop().ok()
    }

    /// Gives a request back.
    pub fn answer(&mut self, request: Box<Request>) {
        if let Err(rtrb::PushError::Full(request)) = self.answers.push(request) {
            // Whoever asks takes an answer before the next request; memory is not freed here.
            std::mem::forget(request);
        }
    }
}
