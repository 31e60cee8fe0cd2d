//! Why a request gets an error for an answer, and how that reads on the wire.

use serde_json::{Map, Value, json};

use crate::limits::MAX_CLIENTS;

/// An error reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// One of `org.varlink.service`, with its single field where it has one.
    Service(&'static str, Option<(&'static str, String)>),
    /// One that the method's own interface declares; the boot id is added to its fields.
    Own(&'static str, Map<String, Value>),
    /// One of `io.motiond.v1.Machine`, whatever interface was meant.
    Machine(&'static str, Map<String, Value>),
    /// One of `io.motiond.v1.Lease`, likewise.
    Lease(&'static str, Map<String, Value>),
}

impl Failure {
    /// This parameter is unknown, missing or of a wrong type.
    pub fn parameter(name: impl Into<String>) -> Failure {
        Failure::Service("InvalidParameter", Some(("parameter", name.into())))
    }

    /// There is no such interface.
    pub fn no_interface(name: impl Into<String>) -> Failure {
        Failure::Service("InterfaceNotFound", Some(("interface", name.into())))
    }

    /// The interface has no such method.
    pub fn no_method(name: impl Into<String>) -> Failure {
        Failure::Service("MethodNotFound", Some(("method", name.into())))
    }

    /// The interface has the method, but it is not served.
    pub fn not_implemented(name: impl Into<String>) -> Failure {
        Failure::Service("MethodNotImplemented", Some(("method", name.into())))
    }

    /// The method has to be called with `more`.
    pub fn expected_more() -> Failure {
        Failure::Service("ExpectedMore", None)
    }

    /// All places are taken, and this client came later.
    pub fn too_many_clients() -> Failure {
        let hint = "as many clients are connected as the daemon serves; this connection can only stop: close others, and connect again";
        Failure::Machine("TooManyClients", fields(json!({ "limit": MAX_CLIENTS, "hint": hint, "retryable": true })))
    }

    /// A message that is no call.
    pub fn not_a_call(problem: &str) -> Failure {
        let hint =
            "send one JSON object with `method` and `parameters`, ended by a NUL byte; JSON has no NaN and no Infinity";
        Failure::Machine("InvalidRequest", fields(json!({ "problem": problem, "hint": hint })))
    }

    /// The same, where it is a refusal for this `reason`, with another way to go on.
    pub fn hinted(mut self, reason: &str, hint: &str) -> Failure {
        if let Failure::Own("Refused", found) = &mut self
            && found.get("reason").is_some_and(|found| found == reason)
        {
            found.insert("hint".into(), json!(hint));
        }
        self
    }

    /// A name that the machine does not have.
    pub fn unknown(kind: Unknown, name: &str) -> Failure {
        let (reason, place) = match kind {
            Unknown::Axis => ("NoSuchAxis", "axis"),
            Unknown::Group => ("NoSuchGroup", "group"),
            Unknown::Bus => ("NoSuchBus", "bus"),
            Unknown::Output => ("NoSuchOutput", "output"),
        };
        let mut refused = fields(json!({
            "reason": reason,
            "hint": format!("the machine has no {place} {name:?}: io.motiond.v1.Machine.Describe lists what it has"),
            "retryable": false,
        }));
        if matches!(kind, Unknown::Axis | Unknown::Group) {
            refused.insert(place.to_string(), json!(name));
        }
        Failure::Own("Refused", refused)
    }

    /// A number outside its range.
    pub fn out_of_range(parameter: &str, requested: f64, range: (f64, f64), unit: &str, hint: &str) -> Failure {
        Failure::Own(
            "OutOfRange",
            fields(json!({
                "parameter": parameter,
                "requested": requested,
                "minimum": range.0,
                "maximum": range.1,
                "unit": unit,
                "hint": hint,
                "retryable": false,
            })),
        )
    }

    /// The bare name, as in metrics and log.
    pub fn name(&self) -> &'static str {
        match self {
            Failure::Service(name, _) | Failure::Own(name, _) | Failure::Machine(name, _) | Failure::Lease(name, _) => {
                name
            }
        }
    }

    /// The error's full name and its fields, for a method of `interface`.
    pub fn into_wire(self, interface: &str, boot_id: &str) -> (String, Map<String, Value>) {
        let (interface, name, mut fields) = match self {
            Failure::Service(name, field) => {
                let fields = field.into_iter().map(|(key, value)| (key.to_string(), Value::String(value))).collect();
                return (format!("org.varlink.service.{name}"), fields);
            }
            Failure::Own(name, fields) => (interface, name, fields),
            Failure::Machine(name, fields) => ("io.motiond.v1.Machine", name, fields),
            Failure::Lease(name, fields) => ("io.motiond.v1.Lease", name, fields),
        };
        fields.insert("boot_id".to_string(), Value::String(boot_id.to_string()));
        (format!("{interface}.{name}"), fields)
    }
}

/// What a name was thought to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants say themselves")]
pub enum Unknown {
    Axis,
    Group,
    Bus,
    Output,
}

/// The fields of an object literal.
pub fn fields(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
