//! Why a call came to nothing, for the person at the machine.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::units::Figure;

/// Why a call came to nothing.
#[derive(Debug)]
pub enum Error {
    /// Nobody answers at the socket.
    CannotConnect {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The connection ended before the answer.
    Lost(io::Error),
    /// The daemon refused.
    Refused {
        /// The error's full Varlink name.
        name: String,
        /// Its fields.
        fields: Map<String, Value>,
    },
    /// What came was no answer of a motiond.
    NotUnderstood(String),
}

impl Error {
    /// The error's name without its interface; empty unless the daemon refused.
    pub fn short_name(&self) -> &str {
        match self {
            Error::Refused { name, .. } => name.rsplit('.').next().unwrap_or(name),
            _ => "",
        }
    }

    /// The same of something in a file: that, and the line that the daemon names, stand before what it says.
    #[must_use]
    pub fn of_file(mut self, file: &Path) -> Error {
        if let Error::Refused { fields, .. } = &mut self {
            fields.insert("file".to_string(), Value::String(file.display().to_string()));
        }
        self
    }

    /// A field of the daemon's refusal.
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Error::Refused { fields, .. } => fields.get(name),
            _ => None,
        }
    }

    fn text_field(&self, name: &str) -> Option<&str> {
        self.field(name).and_then(Value::as_str)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::CannotConnect { path, error } => Some(match error.kind() {
                io::ErrorKind::NotFound => {
                    "is the daemon running? Start it (systemctl start motiond, or motiond demo), \
                                            or name its socket with --socket or MOTIOND_SOCKET"
                        .to_string()
                }
                io::ErrorKind::ConnectionRefused => {
                    "the daemon that made this socket is gone: start it again (systemctl start motiond)".to_string()
                }
                io::ErrorKind::PermissionDenied => {
                    format!("you may not use this socket: become a member of the group that owns {}", path.display())
                }
                _ => "look at the daemon's log: journalctl -u motiond".to_string(),
            }),
            Error::Lost(_) => Some("look at the daemon's log: journalctl -u motiond".to_string()),
            Error::Refused { .. } => self.text_field("hint").map(ToOwned::to_owned),
            Error::NotUnderstood(_) => Some("is this the socket of motiond?".to_string()),
        }
    }

    fn describe_refusal(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = self.text_field("file") {
            write!(f, "{file}:")?;
            // A line of 0 stands for none.
            if let Some(line) = self.field("line").and_then(Value::as_u64).filter(|line| *line > 0) {
                write!(f, "{line}:")?;
            }
            write!(f, " ")?;
        }
        if self.short_name() == "Unfit" {
            // Names of parameters have the axis in them.
            return self.describe_problems(f);
        }
        match self.text_field("axis").map(|axis| format!("axis {axis:?}")) {
            Some(axis) => write!(f, "{axis}: ")?,
            None => {
                if let Some(group) = self.text_field("group") {
                    write!(f, "group {group:?}: ")?;
                }
            }
        }
        match self.short_name() {
            "Refused" => write!(f, "{}", self.text_field("reason").unwrap_or("refused"))?,
            "InvalidParameter" | "OutOfRange" => {
                write!(f, "parameter {:?} is not accepted", self.text_field("parameter").unwrap_or("?"))?;
            }
            "MethodNotFound" | "InterfaceNotFound" => write!(f, "this daemon does not know the request")?,
            "PermissionDenied" => {
                let role = |name| self.text_field(name).unwrap_or("?");
                write!(f, "this needs the role {}, and yours is {}", role("needed"), role("role"))?;
            }
            "LeaseHeld" => {
                let seconds = self.field("expires_in_ms").and_then(Value::as_f64).unwrap_or(0.0) / 1000.0;
                let holder = self.text_field("holder").unwrap_or("somebody");
                write!(f, "{holder} holds it, for {seconds:.1} s more unless renewed")?;
            }
            "NotPersisted" | "NoSuchParameter" => write!(f, "{}", self.text_field("problem").unwrap_or("?"))?,
            "LeaseRequired" => write!(f, "this needs a lease that covers it")?,
            "NoSuchLease" => write!(f, "the lease is lost")?,
            "Gap" => {
                let cycle = self.field("cycle").and_then(Value::as_u64).unwrap_or(0);
                let reason = self.text_field("reason").unwrap_or("?");
                write!(f, "samples from cycle {cycle} on were lost ({reason})")?;
            }
            "Aborted" => write!(f, "{}", self.text_field("words").unwrap_or("the device refused it"))?,
            "NoAnswer" => write!(f, "{}", self.text_field("problem").unwrap_or("no answer"))?,
            "Unavailable" => write!(f, "no answer in time ({})", self.text_field("reason").unwrap_or("?"))?,
            other => write!(f, "{other}")?,
        }
        let unit = self.text_field("unit").map(|unit| format!(" {unit}")).unwrap_or_default();
        if let Some(requested) = self.field("requested").and_then(Value::as_f64) {
            write!(f, ": {}{unit} asked", Figure(requested))?;
        }
        let number = |name| self.field(name).and_then(Value::as_f64);
        if let Some(limit) = number("limit") {
            write!(f, ", limit {}{unit}", Figure(limit))?;
        }
        if let Some((minimum, maximum)) = number("minimum").zip(number("maximum")) {
            write!(f, ", {} to {}{unit} allowed", Figure(minimum), Figure(maximum))?;
        }
        if let Some((depth, capacity)) = number("depth").zip(number("capacity")) {
            write!(f, ": {depth} of {capacity} places taken")?;
        }
        Ok(())
    }
}

impl Error {
    /// What does not fit, one line each.
    fn describe_problems(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = self.field("problems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (place, problem) in problems.iter().enumerate() {
            let text = |name: &str| problem[name].as_str().unwrap_or("?");
            let break_line = if place == 0 { "" } else { "\n  " };
            write!(f, "{break_line}{}: found {}, allowed: {}", text("name"), text("found"), text("allowed"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::CannotConnect { path, error } => write!(f, "cannot connect to {}: {error}", path.display()),
            Error::Lost(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                write!(f, "the daemon closed the connection")
            }
            Error::Lost(error) => write!(f, "the connection to the daemon broke: {error}"),
            Error::Refused { .. } => self.describe_refusal(f),
            Error::NotUnderstood(what) => write!(f, "the answer was not understood: {what}"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_reads_as_a_sentence_with_its_figures() {
        let Value::Object(fields) = json!({
            "reason": "SoftLimit", "axis": "x", "requested": 900.5, "limit": 500.0, "unit": "mm", "hint": "stay inside"
        }) else {
            unreachable!()
        };
        let error = Error::Refused { name: "io.motiond.v1.Axis.Refused".to_string(), fields };
        assert_eq!(error.to_string(), "axis \"x\": SoftLimit: 900.5 mm asked, limit 500 mm");
        assert_eq!(error.hint().as_deref(), Some("stay inside"));
    }

    #[test]
    fn a_refusal_of_something_in_a_file_begins_with_its_place_there() {
        let refused = |parameters: Value| {
            let Value::Object(fields) = parameters else { unreachable!() };
            let name = "io.motiond.v1.Path.Refused".to_string();
            Error::Refused { name, fields }.of_file(Path::new("job.path")).to_string()
        };
        let far = json!({ "reason": "SoftLimit", "axis": "x", "requested": 2000.0, "limit": 1200.0, "unit": "mm", "line": 3 });
        assert_eq!(refused(far), "job.path:3: axis \"x\": SoftLimit: 2000 mm asked, limit 1200 mm");
        assert_eq!(refused(json!({ "reason": "ProgramEnded", "line": 0 })), "job.path: ProgramEnded");
        assert_eq!(refused(json!({ "reason": "ProgramEnded" })), "job.path: ProgramEnded");
    }
}
