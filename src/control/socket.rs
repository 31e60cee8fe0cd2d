//! The stream socket of one client under zlink's connection, with two bounds that zlink does not have: a request
//! takes at most [`MAX_REQUEST_BYTES`], and descriptors that a client passes along are closed at once
//! instead of being kept until the message that they came with is complete.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use tokio::net::UnixStream;
use zlink::connection::socket::{ReadHalf, ReadResult, Socket, UnixSocket, WriteHalf};
use zlink::tokio::unix;

use crate::limits::MAX_REQUEST_BYTES;

/// A client's socket with bounded requests.
#[derive(Debug)]
pub struct BoundedSocket(unix::Stream);

/// Its reading half.
#[derive(Debug)]
pub struct BoundedReader {
    inner: <unix::Stream as Socket>::ReadHalf,
    /// Bytes since the last NUL: how much of a request is here already.
    unfinished: usize,
}

/// Its writing half, which takes encoded messages.
#[derive(Debug)]
pub struct Writer {
    inner: <unix::Stream as Socket>::WriteHalf,
    patience: Duration,
}

impl BoundedSocket {
    /// Wraps an accepted socket; from now on each message tells who sent it (`SO_PASSCRED`).
    pub fn new(stream: UnixStream) -> zlink::Result<BoundedSocket> {
        unix::Stream::try_from(stream).map(BoundedSocket)
    }
}

impl Socket for BoundedSocket {
    type ReadHalf = BoundedReader;
    type WriteHalf = <unix::Stream as Socket>::WriteHalf;

    fn split(self) -> (BoundedReader, Self::WriteHalf) {
        let (inner, write) = self.0.split();
        (BoundedReader { inner, unfinished: 0 }, write)
    }
}

impl ReadHalf for BoundedReader {
    async fn read(&mut self, buffer: &mut [u8]) -> zlink::Result<ReadResult> {
        let mut result = self.inner.read(buffer).await?;
        drop(result.take_fds());
        let received = &buffer[..result.bytes_read()];
        self.unfinished = match received.iter().rposition(|byte| *byte == 0) {
            Some(last) => received.len() - last - 1,
            None => self.unfinished + received.len(),
        };
        if self.unfinished > MAX_REQUEST_BYTES { Err(zlink::Error::BufferOverflow) } else { Ok(result) }
    }
}

impl AsFd for BoundedReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl UnixSocket for BoundedReader {}

impl Writer {
    /// Writes with this half; a client that takes nothing for `patience` is given up.
    pub fn new(inner: <unix::Stream as Socket>::WriteHalf, patience: Duration) -> Writer {
        Writer { inner, patience }
    }

    /// Writes a whole message, its NUL included.
    pub async fn write(&mut self, message: &[u8]) -> Result<(), Gone> {
        match tokio::time::timeout(self.patience, self.inner.write(message, &[] as &[OwnedFd], None)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Gone::Closed),
            Err(_) => Err(Gone::NotReading),
        }
    }
}

/// Why a client cannot be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It closed its side.
    Closed,
    /// It did not read in time.
    NotReading,
}
