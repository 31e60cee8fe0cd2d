//! `motionctl watch`: a table that follows the axes; one line a sample where the output is no terminal.

use std::io::IsTerminal;

use motiond::client::Error;
use serde_json::{Value, json};

use crate::shell::{Outcome, Shell, print_line};
use crate::table::{fixed, table};

#[derive(clap::Args)]
pub struct Arguments {
    /// Axes [default: all]
    axes: Vec<String>,
    /// Samples to show [default: until Ctrl-C]
    #[arg(long, short = 'n', value_name = "COUNT")]
    count: Option<usize>,
    /// Cycles from sample to sample [default: ten samples a second]
    #[arg(long, value_name = "CYCLES")]
    decimation: Option<u64>,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let mut parameters = json!({});
    if !arguments.axes.is_empty() {
        parameters["axes"] = json!(arguments.axes);
    }
    if let Some(decimation) = arguments.decimation {
        parameters["decimation"] = json!(decimation);
    }
    let json = shell.json;
    let redraw = !json && std::io::stdout().is_terminal();
    let samples = shell.machine.connection().stream("io.motiond.v1.Telemetry.Subscribe", parameters)?;
    let mut drawn = 0;
    for sample in samples.take(arguments.count.unwrap_or(usize::MAX)) {
        let sample = sample?;
        if json {
            print_line(&sample.to_string());
            continue;
        }
        let text = in_words(&sample);
        if redraw && drawn > 0 {
            // Up to where the last table began, and clear from there.
            print!("\x1b[{drawn}A\x1b[J");
        }
        drawn = text.lines().count();
        print_line(&text);
    }
    Ok(Outcome::Done)
}

fn in_words(sample: &Value) -> String {
    let number = |axis: &Value, name: &str, digits: usize| fixed(axis[name].as_f64().unwrap_or(0.0), digits);
    let row = |axis: &Value| {
        vec![
            axis["name"].as_str().unwrap_or("").to_string(),
            axis["state"].as_str().unwrap_or("").to_string(),
            number(axis, "setpoint", 3),
            number(axis, "actual", 3),
            number(axis, "actual_velocity", 2),
            number(axis, "following_error", 4),
            format!("{:.0} %", axis["torque_ratio"].as_f64().unwrap_or(0.0) * 100.0),
        ]
    };
    let rows: Vec<Vec<String>> = sample["axes"].as_array().into_iter().flatten().map(row).collect();
    let heading = ["AXIS", "STATE", "SETPOINT", "ACTUAL", "VELOCITY", "FOLLOWING", "TORQUE"];
    format!("cycle {}\n{}", sample["cycle"], table(&heading, &rows, &[2, 3, 4, 5, 6]))
}
