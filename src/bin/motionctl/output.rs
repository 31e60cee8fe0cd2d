//! `motionctl set-output`

use motiond::client::{Error, OnLoss, Scope};
use serde_json::json;

use crate::cli::Waiting;
use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
pub struct Arguments {
    /// Output
    output: String,
    /// on or off of a digital output, the value of an analogue one
    #[arg(allow_negative_numbers = true)]
    setting: Setting,
}

/// What an output is set to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Setting {
    Switch(bool),
    Value(f64),
}

impl std::str::FromStr for Setting {
    type Err = String;

    fn from_str(word: &str) -> Result<Setting, String> {
        match word {
            "on" => Ok(Setting::Switch(true)),
            "off" => Ok(Setting::Switch(false)),
            _ => word.parse().map(Setting::Value).map_err(|_| "neither on nor off nor a number".to_string()),
        }
    }
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    shell.hold(Scope::Machine, OnLoss::Finish)?;
    let output = &arguments.output;
    let (method, parameters, label) = match arguments.setting {
        Setting::Switch(on) => (
            "SetOutput",
            json!({ "output": output, "on": on }),
            format!("output {output} {}", if on { "on" } else { "off" }),
        ),
        Setting::Value(value) => {
            ("SetAnalogOutput", json!({ "output": output, "value": value }), format!("output {output} {value}"))
        }
    };
    let handle = shell.machine.command("Machine", method, parameters)?;
    shell.follow(vec![Command { label, handle, moves: None }], Waiting { wait: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_switch_or_a_number() {
        assert_eq!("on".parse(), Ok(Setting::Switch(true)));
        assert_eq!("-2.5".parse(), Ok(Setting::Value(-2.5)));
        assert!("of".parse::<Setting>().is_err());
    }
}
