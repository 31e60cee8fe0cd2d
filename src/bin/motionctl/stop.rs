//! `motionctl stop`: one request, sent first, that nothing refuses.

use motiond::client::Error;
use serde_json::{Value, json};

use crate::shell::{Outcome, Shell, has_reason};

#[derive(clap::Args)]
pub struct Arguments {
    /// Axis or group [default: the whole machine]
    name: Option<String>,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let (what, reply) = match &arguments.name {
        None => ("machine", shell.machine.call("Machine", "Stop", json!({}))?),
        Some(name) => (name.as_str(), stop_named(shell, name)?),
    };
    let release = arguments.name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
    shell.say(&reply, || format!("{what}: stopped and locked; end the lock with: motionctl release{release}"));
    Ok(Outcome::Done)
}

fn stop_named(shell: &mut Shell, name: &str) -> Result<Value, Error> {
    match shell.machine.call("Axis", "Stop", json!({ "axis": name })) {
        Err(error) if has_reason(&error, "NoSuchAxis") => shell.machine.call("Group", "Stop", json!({ "group": name })),
        other => other,
    }
}
