//! `motionctl lease`

use motiond::client::{Error, OnLoss};
use serde_json::{Value, json};

use crate::shell::{Outcome, Shell};
use crate::table::table;

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Show who holds what
    List,
    /// Take what somebody else holds, and let it go: what that one had chosen for its loss happens
    TakeOver(TakeOver),
}

#[derive(clap::Args)]
pub struct TakeOver {
    /// Axis or group [default: the whole machine]
    name: Option<String>,
}

pub fn run(verb: &Verb, shell: &mut Shell) -> Result<Outcome, Error> {
    match verb {
        Verb::List => list(shell),
        Verb::TakeOver(of) => take_over(of.name.as_deref(), shell),
    }
}

fn list(shell: &mut Shell) -> Result<Outcome, Error> {
    let reply = shell.machine.call("Lease", "List", json!({}))?;
    let leases = reply["leases"].as_array().cloned().unwrap_or_default();
    shell.say(&reply, || {
        if leases.is_empty() {
            return "nobody holds anything".to_string();
        }
        let rows: Vec<Vec<String>> = leases.iter().map(row).collect();
        table(&["OF", "HOLDER", "USER", "PROCESS", "IF LOST", "EXPIRES"], &rows, &[2, 3, 5])
    });
    Ok(Outcome::Done)
}

fn row(lease: &Value) -> Vec<String> {
    let text = |name: &str| lease[name].as_str().unwrap_or("").to_string();
    vec![
        of_whom(lease),
        text("holder"),
        lease["uid"].to_string(),
        lease["pid"].to_string(),
        text("on_loss"),
        format!("{:.1} s", lease["expires_in_ms"].as_f64().unwrap_or(0.0) / 1000.0),
    ]
}

fn of_whom(lease: &Value) -> String {
    let named = |kind: &str| lease[kind].as_str().map(|name| format!("{kind} {name}"));
    named("axis").or_else(|| named("group")).unwrap_or_else(|| "machine".to_string())
}

fn take_over(name: Option<&str>, shell: &mut Shell) -> Result<Outcome, Error> {
    let scope = shell.scope(name)?;
    let before = shell.machine.call("Lease", "List", json!({}))?["leases"].take();
    shell.machine.take_over(scope, OnLoss::Finish)?;
    let after = shell.machine.call("Lease", "List", json!({}))?["leases"].take();
    shell.machine.let_go();
    let empty = Vec::new();
    let still = |lease: &Value| after.as_array().unwrap_or(&empty).iter().any(|kept| kept["epoch"] == lease["epoch"]);
    let lost: Vec<&Value> = before.as_array().unwrap_or(&empty).iter().filter(|lease| !still(lease)).collect();
    shell.say(&json!({ "lost": lost }), || {
        let told = |lease: &&Value| {
            let stops = if lease["on_loss"] == "stop" { "it stops, locked until released" } else { "it moves on" };
            format!("{}: no longer held by {}; {stops}", of_whom(lease), lease["holder"].as_str().unwrap_or("?"))
        };
        if lost.is_empty() {
            "nobody held it".to_string()
        } else {
            lost.iter().map(told).collect::<Vec<_>>().join("\n")
        }
    });
    Ok(Outcome::Done)
}
