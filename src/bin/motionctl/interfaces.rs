//! `motionctl interfaces`

use motiond::client::Error;
use serde_json::{Value, json};

use crate::shell::{Outcome, Shell};

#[derive(clap::Args)]
pub struct Arguments {
    /// Interface to print [default: list their names]
    name: Option<String>,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let connection = shell.machine.connection();
    let reply = match &arguments.name {
        None => connection.call("org.varlink.service.GetInfo", json!({}))?,
        Some(name) => {
            let full = if name.contains('.') { name.clone() } else { format!("io.motiond.v1.{name}") };
            connection.call("org.varlink.service.GetInterfaceDescription", json!({ "interface": full }))?
        }
    };
    shell.say(&reply, || match reply["description"].as_str() {
        Some(text) => text.trim_end().to_string(),
        None => {
            let names: Vec<&str> =
                reply["interfaces"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            names.join("\n")
        }
    });
    Ok(Outcome::Done)
}
