//! `motionctl jog`
//!
//! The request is refreshed while the command runs. When it ends, however it ends, the last request expires and
//! the axis ramps down: nothing has to be sent for that.

use std::time::{Duration, Instant};

use motiond::client::{Error, OnLoss, Scope};
use nix::time::{ClockId, clock_gettime};
use serde_json::json;

use crate::shell::{Outcome, Shell};

/// Each request is refreshed well before it expires.
const REFRESH: Duration = Duration::from_millis(40);
const VALID_MS: u64 = 150;

#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub struct Arguments {
    /// Axis
    axis: String,
    /// Signed velocity
    velocity: f64,
    /// For how many seconds [default: until Ctrl-C]
    #[arg(long = "for", value_name = "SECONDS")]
    duration_s: Option<f64>,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let Arguments { axis, velocity, duration_s } = arguments;
    let duration = duration_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // Without refreshes it ends by itself.
    shell.hold(Scope::Axis(axis.clone()), OnLoss::Finish)?;
    let started = Instant::now();
    loop {
        let sent_at = clock_gettime(ClockId::CLOCK_MONOTONIC).map_err(|errno| Error::Lost(errno.into()))?;
        let sent_at_ns = Duration::from(sent_at).as_nanos() as u64;
        let jog = json!({ "axis": axis, "velocity": velocity, "valid_ms": VALID_MS, "sent_at_ns": sent_at_ns });
        let first = shell.machine.call("Axis", "Jog", jog)?;
        if started.elapsed() < REFRESH {
            let until = if duration.is_some() { "" } else { " until Ctrl-C" };
            shell.say(&first, || format!("jog {axis} at {velocity}{until}"));
        }
        if duration.is_some_and(|duration| started.elapsed() >= duration) {
            break;
        }
        std::thread::sleep(REFRESH);
    }
    shell.machine.halt(axis)?;
    Ok(Outcome::Done)
}
