//! Varlink over a Unix socket: one JSON object a message, each ended by a NUL byte.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Error;

/// No reply is longer than this; the daemon's own bound is far below.
const LONGEST_REPLY: u64 = 1024 * 1024;

/// A connection to the daemon.
pub struct Connection {
    stream: BufReader<UnixStream>,
}

impl Connection {
    /// Connects to the daemon at `path`.
    pub fn open(path: &Path) -> Result<Connection, Error> {
        let stream = UnixStream::connect(path);
        let stream = stream.map_err(|error| Error::CannotConnect { path: path.to_owned(), error })?;
        Ok(Connection::over(stream))
    }

    /// Talks over a connected socket.
    pub fn over(stream: UnixStream) -> Connection {
        Connection { stream: BufReader::new(stream) }
    }

    /// Gives up waiting for a reply after `patience`; `None` waits for ever.
    pub fn set_patience(&self, patience: Option<Duration>) -> Result<(), Error> {
        self.stream.get_ref().set_read_timeout(patience).map_err(Error::Lost)
    }

    /// Its socket, for another thread: whoever shuts that down ends what waits for a reply.
    pub fn socket(&self) -> Result<UnixStream, Error> {
        self.stream.get_ref().try_clone().map_err(Error::Lost)
    }

    /// Calls a method that answers once.
    pub fn call(&mut self, method: &str, parameters: Value) -> Result<Value, Error> {
        self.send(&json!({ "method": method, "parameters": parameters }))?;
        self.receive().map(|(parameters, _)| parameters)
    }

    /// Calls a method that answers until it is done, or for ever.
    pub fn stream(&mut self, method: &str, parameters: Value) -> Result<Stream<'_>, Error> {
        self.send(&json!({ "method": method, "parameters": parameters, "more": true }))?;
        Ok(Stream { connection: self, ended: false })
    }

    fn send(&mut self, request: &Value) -> Result<(), Error> {
        let mut message = request.to_string().into_bytes();
        message.push(0);
        self.stream.get_mut().write_all(&message).map_err(Error::Lost)
    }

    /// The parameters of the next reply, and whether others follow.
    fn receive(&mut self) -> Result<(Value, bool), Error> {
        let mut message = Vec::new();
        (&mut self.stream).take(LONGEST_REPLY).read_until(0, &mut message).map_err(Error::Lost)?;
        if message.pop() != Some(0) {
            return Err(Error::Lost(io::ErrorKind::UnexpectedEof.into()));
        }
        let reply: Value = serde_json::from_slice(&message).map_err(|error| Error::NotUnderstood(error.to_string()))?;
        let Value::Object(mut reply) = reply else { return Err(Error::NotUnderstood(reply.to_string())) };
        let parameters = reply.remove("parameters").unwrap_or_else(|| Value::Object(Map::new()));
        match (reply.get("error").and_then(Value::as_str), parameters) {
            (Some(name), Value::Object(fields)) => Err(Error::Refused { name: name.to_string(), fields }),
            (Some(name), _) => Err(Error::Refused { name: name.to_string(), fields: Map::new() }),
            (None, parameters) => Ok((parameters, reply.get("continues") == Some(&Value::Bool(true)))),
        }
    }
}

/// The replies of one call.
pub struct Stream<'a> {
    connection: &'a mut Connection,
    ended: bool,
}

impl Iterator for Stream<'_> {
    type Item = Result<Value, Error>;

    fn next(&mut self) -> Option<Result<Value, Error>> {
        if self.ended {
            return None;
        }
        let reply = self.connection.receive();
        self.ended = !matches!(reply, Ok((_, true)));
        Some(reply.map(|(parameters, _)| parameters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(bytes: &[u8]) -> Connection {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(bytes).unwrap();
        std::mem::forget(theirs.try_clone().unwrap());
        Connection::over(ours)
    }

    #[test]
    fn a_stream_ends_with_the_reply_that_does_not_continue() {
        let mut connection = answered(
            b"{\"parameters\":{\"n\":1},\"continues\":true}\0{\"parameters\":{\"n\":2},\"continues\":false}\0{\"parameters\":{\"n\":3}}\0",
        );
        let replies: Vec<Value> = connection.stream("a.B", json!({})).unwrap().map(Result::unwrap).collect();
        assert_eq!(replies, [json!({ "n": 1 }), json!({ "n": 2 })]);
        assert_eq!(connection.call("a.B", json!({})).unwrap(), json!({ "n": 3 }));
    }

    #[test]
    fn an_error_reply_is_a_refusal_with_its_fields() {
        let error = answered(b"{\"error\":\"a.b.Wrong\",\"parameters\":{\"axis\":\"x\"}}\0").call("a.B", json!({}));
        let error = error.unwrap_err();
        assert_eq!((error.short_name(), error.field("axis")), ("Wrong", Some(&json!("x"))));
    }

    #[test]
    fn replies_that_are_none_are_errors() {
        for bytes in [&b"{}"[..], b"nonsense\0", b"[1]\0", b"\0"] {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            theirs.write_all(bytes).unwrap();
            theirs.shutdown(std::net::Shutdown::Write).unwrap();
            let error = Connection::over(ours).call("a.B", json!({})).unwrap_err();
            assert!(matches!(error, Error::Lost(_) | Error::NotUnderstood(_)), "{bytes:?}: {error:?}");
        }
    }
}
