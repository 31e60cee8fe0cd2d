//! One request as it stands on the wire, and its parameters once they are checked.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::audit::Audit;
use super::door::Door;
use super::failure::Failure;
use super::role::Role;
use crate::gateway::Presence;

/// The part of a request that zlink leaves to its user.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    /// `interface.Method`.
    #[serde(borrow)]
    pub method: Cow<'a, str>,
    /// The parameters as text.
    #[serde(borrow, default)]
    pub parameters: Option<&'a RawValue>,
}

/// A request that waits for its turn.
#[derive(Debug, Default)]
pub struct Request {
    /// `interface.Method`.
    pub method: String,
    /// The parameters as text.
    pub parameters: Option<Box<RawValue>>,
    /// The client takes several replies.
    pub more: bool,
    /// The client takes no reply.
    pub oneway: bool,
    /// Who sent it.
    pub sender: Sender,
    /// Where it is logged, if it may change something.
    pub audit: Arc<Audit>,
    /// The connection that it came by.
    pub presence: Presence,
}

/// Whose request it is: the process that opened the connection, and the one that sent this message, which differ
/// when a socket was passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// The door that it came by.
    pub door: Door,
    /// What both may do.
    pub role: Role,
    /// It is known who sent the message.
    pub known: bool,
    /// User of the process that connected.
    pub peer_uid: u32,
    /// Process that connected.
    pub peer_pid: i32,
    /// User of the process that sent the message.
    pub uid: u32,
    /// Process that sent the message.
    pub pid: i32,
}

/// Parameters whose names and types have been checked against the interface description, and the connection that they
/// came by.
#[derive(Debug, Default)]
pub struct Parameters {
    checked: Map<String, Value>,
    presence: Presence,
}

impl Parameters {
    /// Takes what [`super::schema::Method::check`] let pass.
    pub fn new(checked: Map<String, Value>, presence: Presence) -> Parameters {
        Parameters { checked, presence }
    }

    /// The connection that they came by.
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.checked.get(name).filter(|value| !value.is_null())
    }

    /// A string that the description demands.
    pub fn text(&self, name: &str) -> Result<&str, Failure> {
        self.optional_text(name).ok_or_else(|| Failure::parameter(name))
    }

    /// A string, where it is given.
    pub fn optional_text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A finite number that the description demands.
    pub fn float(&self, name: &str) -> Result<f64, Failure> {
        self.optional_float(name).ok_or_else(|| Failure::parameter(name))
    }

    /// A finite number, where it is given.
    pub fn optional_float(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(Value::as_f64)
    }

    /// A whole number, not negative, that the description demands.
    pub fn whole(&self, name: &str) -> Result<u64, Failure> {
        self.optional_whole(name)?.ok_or_else(|| Failure::parameter(name))
    }

    /// A whole number, not negative, where it is given.
    pub fn optional_whole(&self, name: &str) -> Result<Option<u64>, Failure> {
        let whole = |value: &Value| value.as_u64().ok_or_else(|| Failure::parameter(name));
        self.get(name).map(whole).transpose()
    }

    /// Yes or no, which the description demands.
    pub fn flag(&self, name: &str) -> Result<bool, Failure> {
        self.get(name).and_then(Value::as_bool).ok_or_else(|| Failure::parameter(name))
    }

    /// Yes or no, where it is given.
    pub fn optional_flag(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Value::as_bool)
    }

    /// Named fields, where they are given.
    pub fn optional_object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.get(name).and_then(Value::as_object)
    }

    /// A list, where it is given.
    pub fn optional_list(&self, name: &str) -> Option<&[Value]> {
        self.get(name).and_then(Value::as_array).map(Vec::as_slice)
    }
}
