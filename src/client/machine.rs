//! What one wants of axes and groups, one call each.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{Connection, Error, Lease, OnLoss, Scope};

/// A machine at the other end of a socket. Commands need a lease ([`Machine::hold`]); what one observes and a stop do not.
pub struct Machine {
    connection: Connection,
    path: PathBuf,
    leases: Vec<Lease>,
}

/// How fast and when a move goes. What is left out takes the limits of the axis or path, and starts at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Move {
    /// Velocity; of a direct group move a share of the limits.
    pub velocity: Option<f64>,
    /// Acceleration, likewise.
    pub acceleration: Option<f64>,
    /// Jerk, likewise.
    pub jerk: Option<f64>,
    /// Start when everything asked before is done.
    pub buffered: bool,
}

impl Move {
    /// Adds the parameters that are given to those of a request.
    pub fn add_to(&self, mut parameters: Value) -> Value {
        let given = [("velocity", self.velocity), ("acceleration", self.acceleration), ("jerk", self.jerk)];
        if let Value::Object(fields) = &mut parameters {
            let given = given.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
            fields.extend(given.map(|(name, value)| (name.to_string(), json!(value))));
            if self.buffered {
                fields.insert("buffer".to_string(), json!("buffered"));
            }
        }
        parameters
    }
}

/// How far a command has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It waits.
    Accepted,
    /// It is being carried out.
    Active,
    /// It has ended.
    Ended(Ended),
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It reached what it was for.
    Done,
    /// Another command or a stop took its place.
    Aborted,
    /// A fault ended it.
    Failed {
        /// The fault's number.
        code: u64,
        /// What happened.
        cause: String,
        /// What to do about it.
        remedy: String,
    },
}

impl Machine {
    /// Connects to the machine at `path`.
    pub fn open(path: &Path) -> Result<Machine, Error> {
        Ok(Machine { connection: Connection::open(path)?, path: path.to_path_buf(), leases: Vec::new() })
    }

    /// Takes a lease besides those that are held, and keeps it until [`Machine::let_go`] or the end of this machine.
    /// Commands for just what a lease covers go under that one, all others under the first.
    pub fn hold(&mut self, scope: Scope, on_loss: OnLoss) -> Result<(), Error> {
        self.hold_by("Acquire", scope, on_loss)
    }

    /// The same of what others hold, who lose it.
    pub fn take_over(&mut self, scope: Scope, on_loss: OnLoss) -> Result<(), Error> {
        self.hold_by("TakeOver", scope, on_loss)
    }

    fn hold_by(&mut self, method: &str, scope: Scope, on_loss: OnLoss) -> Result<(), Error> {
        self.leases.push(Lease::take(&mut self.connection, &self.path, method, scope, on_loss)?);
        Ok(())
    }

    /// Ends every lease; motion goes on.
    pub fn let_go(&mut self) {
        self.leases.clear();
    }

    /// The leases that are held.
    pub fn leases(&self) -> &[Lease] {
        &self.leases
    }

    /// Where its socket is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The connection, for what is not here.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Calls a method of an interface of motiond, e.g. `("Axis", "Status")`; where it takes a lease, under the one that is
    /// held.
    pub fn call(&mut self, interface: &str, method: &str, mut parameters: Value) -> Result<Value, Error> {
        if let Value::Object(fields) = &mut parameters
            && takes_lease(interface, method)
            && let Some(lease) = self.leases.iter().find(|lease| lease.is_of(fields)).or(self.leases.first())
        {
            fields.insert("lease".to_string(), json!(lease.token()));
        }
        self.connection.call(&format!("io.motiond.v1.{interface}.{method}"), parameters)
    }

    /// Asks for something that is accepted with a handle.
    pub fn command(&mut self, interface: &str, method: &str, parameters: Value) -> Result<u64, Error> {
        let reply = self.call(interface, method, parameters)?;
        number(&reply, "handle")
    }

    /// Every entry of a list, over all its pages. With `interface` Axis or Group, `method` Describe or List.
    pub fn all(&mut self, interface: &str, method: &str) -> Result<Vec<Value>, Error> {
        let list = if interface == "Group" { "groups" } else { "axes" };
        let mut all = Vec::new();
        let mut first = 0;
        loop {
            let mut page = self.call(interface, method, json!({ "first": first }))?;
            if let Some(Value::Array(items)) = page.get_mut(list).map(Value::take) {
                all.extend(items);
            }
            match page.get("next").and_then(Value::as_u64) {
                Some(next) if next > first => first = next,
                _ => return Ok(all),
            }
        }
    }

    /// Names of all axes.
    pub fn axes(&mut self) -> Result<Vec<String>, Error> {
        self.names("axes")
    }

    /// Names of all groups.
    pub fn groups(&mut self) -> Result<Vec<String>, Error> {
        self.names("groups")
    }

    fn names(&mut self, list: &str) -> Result<Vec<String>, Error> {
        let machine = self.call("Machine", "Describe", json!({}))?;
        let names = machine.get(list).and_then(Value::as_array).ok_or_else(|| missing(list))?;
        Ok(names.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect())
    }

    /// Enables or disables the drive of an axis.
    pub fn power(&mut self, axis: &str, on: bool) -> Result<u64, Error> {
        self.command("Axis", "Power", json!({ "axis": axis, "on": on }))
    }

    /// Gives an axis its reference: its place is called `position`.
    pub fn set_position(&mut self, axis: &str, position: f64) -> Result<u64, Error> {
        self.command("Axis", "SetPosition", json!({ "axis": axis, "position": position }))
    }

    /// Moves an axis to a position.
    pub fn move_to(&mut self, axis: &str, position: f64, how: Move) -> Result<u64, Error> {
        self.command("Axis", "MoveAbsolute", how.add_to(json!({ "axis": axis, "position": position })))
    }

    /// Moves an axis by a distance.
    pub fn move_by(&mut self, axis: &str, distance: f64, how: Move) -> Result<u64, Error> {
        self.command("Axis", "MoveRelative", how.add_to(json!({ "axis": axis, "distance": distance })))
    }

    /// Moves an axis at a velocity until something else is asked for.
    pub fn move_at(&mut self, axis: &str, velocity: f64) -> Result<u64, Error> {
        self.command("Axis", "MoveVelocity", json!({ "axis": axis, "velocity": velocity }))
    }

    /// Brings an axis to rest.
    pub fn halt(&mut self, axis: &str) -> Result<u64, Error> {
        self.command("Axis", "Halt", json!({ "axis": axis }))
    }

    /// Takes a group's axes into it.
    pub fn enable(&mut self, group: &str) -> Result<u64, Error> {
        self.command("Group", "Enable", json!({ "group": group }))
    }

    /// Lets a group's axes go.
    pub fn disable(&mut self, group: &str) -> Result<u64, Error> {
        self.command("Group", "Disable", json!({ "group": group }))
    }

    /// Moves a group, each axis on its own and all arriving together.
    pub fn move_direct(&mut self, group: &str, targets: &[(&str, f64)], how: Move) -> Result<u64, Error> {
        self.command("Group", "MoveDirect", how.add_to(json!({ "group": group, "targets": named(targets) })))
    }

    /// Moves a group along a straight line.
    pub fn move_linear(&mut self, group: &str, targets: &[(&str, f64)], how: Move) -> Result<u64, Error> {
        self.command("Group", "MoveLinear", how.add_to(json!({ "group": group, "targets": named(targets) })))
    }

    /// Waits for the end of a command.
    pub fn wait(&mut self, handle: u64) -> Result<Ended, Error> {
        self.wait_with(handle, |_| ())
    }

    /// Waits for the end of a command, telling what it comes to.
    pub fn wait_with(&mut self, handle: u64, mut told: impl FnMut(&Progress)) -> Result<Ended, Error> {
        let stream = self.connection.stream("io.motiond.v1.Command.Wait", json!({ "handle": handle }))?;
        for reply in stream {
            let progress = progress(&reply?)?;
            told(&progress);
            if let Progress::Ended(ended) = progress {
                return Ok(ended);
            }
        }
        Err(missing("the end of the command"))
    }

    /// Stops every axis and locks it; returns the generation that a release needs.
    pub fn stop(&mut self) -> Result<u64, Error> {
        let reply = self.call("Machine", "Stop", json!({}))?;
        number(&reply, "generation")
    }
}

/// Reads how far a command has come from a reply of `Command.Wait` or `Command.Status`.
pub fn progress(reply: &Value) -> Result<Progress, Error> {
    let progress = reply.get("progress").ok_or_else(|| missing("progress"))?;
    Ok(match progress.get("state").and_then(Value::as_str) {
        Some("accepted") => Progress::Accepted,
        Some("active") => Progress::Active,
        Some("done") => Progress::Ended(Ended::Done),
        Some("aborted") => Progress::Ended(Ended::Aborted),
        Some("error") => {
            let fault = progress.get("fault").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
            let text = |name| fault.get(name).and_then(Value::as_str).unwrap_or("").to_string();
            let code = fault.get("code").and_then(Value::as_u64).unwrap_or(0);
            Progress::Ended(Ended::Failed { code, cause: text("cause"), remedy: text("remedy") })
        }
        _ => return Err(missing("state")),
    })
}

/// Whether a method changes something for which its caller must hold it.
fn takes_lease(interface: &str, method: &str) -> bool {
    match interface {
        "Parameters" => matches!(method, "Write" | "RollBack"),
        _ => {
            matches!(interface, "Axis" | "Group" | "Machine" | "Path" | "Stream")
                && !matches!(method, "Describe" | "List" | "Status" | "Stop")
        }
    }
}

fn named(targets: &[(&str, f64)]) -> Vec<Value> {
    targets.iter().map(|(axis, value)| json!({ "axis": axis, "value": value })).collect()
}

fn number(reply: &Value, name: &str) -> Result<u64, Error> {
    reply.get(name).and_then(Value::as_u64).ok_or_else(|| missing(name))
}

fn missing(what: &str) -> Error {
    Error::NotUnderstood(format!("{what} is missing"))
}
