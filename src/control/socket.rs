//! The stream socket of one client under zlink's connection, with what zlink does not have: a request takes at most
//! [`MAX_REQUEST_BYTES`], each message tells who sent it, and descriptors that a client passes along never arrive.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt, sockopt};
use nix::unistd::{Gid, Uid};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use zlink::connection::socket::{ReadHalf, ReadResult, Socket, UnixSocket, WriteHalf};

use crate::limits::MAX_REQUEST_BYTES;

/// Who sent a message, as the kernel knows it (`SCM_CREDENTIALS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its real user.
    pub uid: Uid,
    /// Its real group.
    pub gid: Gid,
    /// Its process id.
    pub pid: i32,
}

/// A client's socket with bounded requests.
#[derive(Debug)]
pub struct BoundedSocket(UnixStream);

/// Its reading half.
#[derive(Debug)]
pub struct BoundedReader {
    inner: OwnedReadHalf,
    /// Room for credentials alone, so that the kernel closes passed descriptors instead of opening them here.
    control: Vec<u8>,
    /// Bytes since the last NUL: how much of a request is here already.
    unfinished: usize,
    senders: Senders,
}

/// Who sent the messages that were completed by the last reading, and the one that has begun. A reading takes bytes of
/// one sender only, and the next one comes when every complete message has been taken, so two senders describe them all.
#[derive(Debug, Default)]
struct Senders {
    /// Readings that completed a message.
    completing: u64,
    /// Who sent the first message that was completed: all of it, or else `None`.
    first: Option<Origin>,
    /// Who sent every other one.
    others: Option<Origin>,
    /// Who sent what has begun.
    begun: Option<Origin>,
}

/// Its writing half.
#[derive(Debug)]
pub struct BoundedWriter(OwnedWriteHalf);

/// Writes encoded messages.
#[derive(Debug)]
pub struct Writer {
    inner: BoundedWriter,
    patience: Duration,
}

impl BoundedSocket {
    /// Wraps an accepted socket; from now on each message tells who sent it (`SO_PASSCRED`).
    pub fn new(stream: UnixStream) -> io::Result<BoundedSocket> {
        setsockopt(&stream, sockopt::PassCred, &true)?;
        Ok(BoundedSocket(stream))
    }
}

impl Socket for BoundedSocket {
    type ReadHalf = BoundedReader;
    type WriteHalf = BoundedWriter;

    fn split(self) -> (BoundedReader, BoundedWriter) {
        let (inner, write) = self.0.into_split();
        let control = nix::cmsg_space!(UnixCredentials);
        (BoundedReader { inner, control, unfinished: 0, senders: Senders::default() }, BoundedWriter(write))
    }
}

impl BoundedReader {
    /// Who sent the message that was just taken; `None` where that is not known, or where more than one had a part in it.
    /// `seen` is the caller's, 0 at first, and this is asked exactly once a message.
    pub fn origin(&self, seen: &mut u64) -> Option<Origin> {
        if std::mem::replace(seen, self.senders.completing) == self.senders.completing {
            self.senders.others
        } else {
            self.senders.first
        }
    }
}

impl ReadHalf for BoundedReader {
    async fn read(&mut self, buffer: &mut [u8]) -> zlink::Result<ReadResult> {
        let (bytes, origin) = loop {
            self.inner.readable().await?;
            let stream: &UnixStream = self.inner.as_ref();
            match stream.try_io(Interest::READABLE, || receive(stream, buffer, &mut self.control)) {
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                received => break received?,
            }
        };
        let received = &buffer[..bytes];
        let complete = received.iter().rposition(|byte| *byte == 0);
        self.senders.note(self.unfinished > 0, complete.is_some(), origin);
        self.unfinished = match complete {
            Some(last) => bytes - last - 1,
            None => self.unfinished + bytes,
        };
        let result = ReadResult::new(bytes);
        if self.unfinished > MAX_REQUEST_BYTES { Err(zlink::Error::BufferOverflow) } else { Ok(result) }
    }
}

/// Bytes of one sender, and who that is.
fn receive(stream: &UnixStream, buffer: &mut [u8], control: &mut [u8]) -> io::Result<(usize, Option<Origin>)> {
    let mut parts = [IoSliceMut::new(buffer)];
    let message = recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(control), MsgFlags::MSG_CMSG_CLOEXEC)?;
    // With descriptors beside them the credentials cannot be read: then nobody is known to have sent this.
    let origin = message.cmsgs().ok().and_then(|mut messages| {
        messages.find_map(|message| match message {
            ControlMessageOwned::ScmCredentials(sender) => {
                Some(Origin { uid: Uid::from_raw(sender.uid()), gid: Gid::from_raw(sender.gid()), pid: sender.pid() })
            }
            _ => None,
        })
    });
    Ok((message.bytes, origin))
}

impl Senders {
    /// Takes note of a reading: whether it went on with a message, whether it completed one, who sent it.
    fn note(&mut self, goes_on: bool, completes: bool, origin: Option<Origin>) {
        let same = |one: &Origin, other: &Origin| one.uid == other.uid && one.gid == other.gid;
        let whole = match (self.begun, origin) {
            _ if !goes_on => origin,
            (Some(begun), Some(origin)) if same(&begun, &origin) => Some(origin),
            _ => None,
        };
        if completes {
            (self.first, self.others, self.begun) = (whole, origin, origin);
            self.completing += 1;
        } else {
            self.begun = whole;
        }
    }
}

impl AsFd for BoundedReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        let stream: &UnixStream = self.inner.as_ref();
        stream.as_fd()
    }
}

impl UnixSocket for BoundedReader {}

impl WriteHalf for BoundedWriter {
    async fn write(
        &mut self,
        bytes: &[u8],
        _: &[impl AsFd],
        _: Option<&zlink::connection::PassedCredentials>,
    ) -> zlink::Result<()> {
        Ok(self.0.write_all(bytes).await?)
    }
}

impl Writer {
    /// Writes with this half; a client that takes nothing for `patience` is given up.
    pub fn new(inner: BoundedWriter, patience: Duration) -> Writer {
        Writer { inner, patience }
    }

    /// Writes a whole message, its NUL included.
    pub async fn write(&mut self, message: &[u8]) -> Result<(), Gone> {
        match tokio::time::timeout(self.patience, self.inner.0.write_all(message)).await {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uid: u32, pid: i32) -> Option<Origin> {
        Some(Origin { uid: Uid::from_raw(uid), gid: Gid::from_raw(uid), pid })
    }

    /// Plays readings (by whom, goes on, completes) and returns the senders of the first and the other messages.
    fn senders(readings: &[(Option<Origin>, bool, bool)]) -> (Option<Origin>, Option<Origin>) {
        let mut senders = Senders::default();
        for (origin, goes_on, completes) in readings {
            senders.note(*goes_on, *completes, *origin);
        }
        (senders.first, senders.others)
    }

    #[test]
    fn a_message_of_many_parts_has_a_sender_where_all_parts_have_it() {
        let (alice, again, bob) = (of(1, 10), of(1, 11), of(2, 20));
        assert_eq!(senders(&[(alice, false, true)]), (alice, alice));
        assert_eq!(senders(&[(alice, false, false), (again, true, true)]), (again, again));
        assert_eq!(senders(&[(alice, false, false), (bob, true, true)]), (None, bob));
        assert_eq!(senders(&[(alice, false, false), (bob, true, false), (alice, true, true)]), (None, alice));
        assert_eq!(senders(&[(alice, false, true), (bob, true, true)]), (None, bob));
        assert_eq!(senders(&[(alice, false, true), (bob, false, true)]), (bob, bob));
        assert_eq!(senders(&[(None, false, false), (alice, true, true)]), (None, alice));
        assert_eq!(senders(&[(alice, false, false), (None, true, true)]), (None, None));
    }
}
