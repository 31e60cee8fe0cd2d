//! What is asked of devices from outside the cycle: one request at a time, its buffers made and freed by who asks.

/// One request.
#[derive(Debug)]
pub struct Request<J, E> {
    /// The device, by its place in the bus's configuration.
    pub device: u8,
    /// What is asked of it.
    pub job: J,
    /// What became of it; `None` where it was not carried out, because the device has no objects, or is being brought back.
    pub result: Option<Result<(), E>>,
}

/// The end on the real-time thread. It neither makes nor frees a request.
#[derive(Debug)]
pub struct Requests<J, E> {
    requests: rtrb::Consumer<Box<Request<J, E>>>,
    answers: rtrb::Producer<Box<Request<J, E>>>,
}

/// The end of who asks.
#[derive(Debug)]
pub struct RequestEnds<J, E> {
    /// Takes requests.
    pub requests: rtrb::Producer<Box<Request<J, E>>>,
    /// Gives them back, answered.
    pub answers: rtrb::Consumer<Box<Request<J, E>>>,
}

/// Requests under way at once, at most.
const PLACES: usize = 4;

impl<J, E> Requests<J, E> {
    /// Both ends.
    pub fn open() -> (Requests<J, E>, RequestEnds<J, E>) {
        let (to, requests) = rtrb::RingBuffer::new(PLACES);
        let (answers, from) = rtrb::RingBuffer::new(PLACES);
        (Requests { requests, answers }, RequestEnds { requests: to, answers: from })
    }

    /// The next request.
    pub fn receive(&mut self) -> Option<Box<Request<J, E>>> {
        self.requests.pop().ok()
    }

    /// Gives a request back.
    pub fn answer(&mut self, request: Box<Request<J, E>>) {
        if let Err(rtrb::PushError::Full(request)) = self.answers.push(request) {
            // Whoever asks takes an answer before the next request; memory is not freed here.
            std::mem::forget(request);
        }
    }
}
