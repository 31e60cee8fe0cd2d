//! `motionctl events`

use motiond::client::Error;
use serde_json::{Value, json};

use crate::shell::{Outcome, Shell, print_line};

#[derive(clap::Args)]
pub struct Arguments {
    /// Show events after this sequence number [default: all that are kept]
    #[arg(long, value_name = "SEQUENCE")]
    after: Option<u64>,
    /// Go on showing events as they happen
    #[arg(long, short)]
    follow: bool,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let json = shell.json;
    let mut after = arguments.after.unwrap_or(0);
    loop {
        let batch = shell.machine.call("Events", "Read", json!({ "after": after }))?;
        print_batch(&batch, json);
        let next = batch["next"].as_u64().unwrap_or(after);
        if next <= after {
            break;
        }
        after = next;
    }
    if arguments.follow {
        let stream = shell.machine.connection().stream("io.motiond.v1.Events.Subscribe", json!({ "after": after }))?;
        for batch in stream {
            print_batch(&batch?, json);
        }
    }
    Ok(Outcome::Done)
}

fn print_batch(batch: &Value, json: bool) {
    if let Some(lost @ 1..) = batch["lost"].as_u64().filter(|_| !json) {
        print_line(&format!("({lost} events are no longer kept)"));
    }
    for event in batch["events"].as_array().into_iter().flatten() {
        print_line(&if json { event.to_string() } else { in_words(event) });
    }
}

fn in_words(event: &Value) -> String {
    let subject = ["axis", "group", "bus", "input"]
        .iter()
        .find_map(|kind| event[*kind].as_str().map(|name| format!("{kind} {name}")));
    let subject = subject.unwrap_or_else(|| "machine".to_string());
    let mut line = format!(
        "{:>6}  cycle {:<10}  {:<16}  {}",
        event["sequence"],
        event["cycle"].to_string(),
        subject,
        event["kind"].as_str().unwrap_or("").replace('_', " ")
    );
    if let Some(fault) = event["fault"].as_object() {
        let text = |name: &str| fault.get(name).and_then(Value::as_str).unwrap_or("");
        line.push_str(&format!(" {} {}: {}", fault.get("code").unwrap_or(&Value::Null), text("name"), text("cause")));
    }
    if let Some(clean) = event["clean"].as_bool() {
        line.push_str(if clean { " after an orderly end" } else { " after a crash: its last events may be missing" });
    }
    if let Some(on) = event["on"].as_bool() {
        line.push_str(if on { " on" } else { " off" });
    }
    if let Some(path_line) = event["line"].as_u64() {
        line.push_str(&format!(", line {path_line}"));
    }
    if let Some(device) = event["device"].as_str() {
        line.push_str(&format!(": {device}"));
    }
    if let Some(code) = event["code"].as_u64() {
        line.push_str(&format!(", code {code:04X}h"));
    }
    if let Some(words) = event["words"].as_str() {
        line.push_str(if event["device"].is_null() && event["code"].is_null() { ": " } else { ", " });
        line.push_str(words);
    }
    if let Some(skipped) = event["skipped_periods"].as_u64() {
        line.push_str(&format!(": {skipped} periods skipped"));
    }
    if event["kind"] == "fault_raised"
        && let Some(remedy) = event["fault"]["remedy"].as_str()
    {
        line.push_str(&format!("\n        {remedy}"));
    }
    line
}
