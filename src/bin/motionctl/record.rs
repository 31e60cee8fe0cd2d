//! `motionctl record`: the axes cycle for cycle, as CSV (with `--json` an object a line).

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::builder::PossibleValuesParser;
use motiond::client::{Column, Error, Sample, Selection};
use serde_json::json;

use crate::interrupt;
use crate::shell::{Outcome, Shell, complain};

/// What the interface `io.motiond.v1.Telemetry` calls them.
const QUANTITIES: [&str; 11] = [
    "state",
    "setpoint",
    "turns",
    "velocity",
    "acceleration",
    "actual",
    "actual_velocity",
    "following_error",
    "torque_ratio",
    "override_ratio",
    "fresh",
];

#[derive(clap::Args)]
#[command(
    after_help = "A line a sample: cycle, time_ns, dropped (samples missing before this one), then a column for \
                        each quantity of each axis, as x.setpoint_mm. Numbers are exact. state: 0 Disabled, \
                        1 Standstill, 2 Homing, 3 DiscreteMotion, 4 ContinuousMotion, 5 SynchronizedMotion, \
                        6 Stopping, 7 ErrorStop. fresh: 1 where the drive was heard in this cycle.\n\
                        Ctrl-C ends the file after a whole line. Exit code 7: samples were lost; what was written \
                        before has no gap, with --latest the column dropped tells of each."
)]
pub struct Arguments {
    /// File, written anew; - for the standard output
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Axes, in the order of columns [default: all]
    #[arg(long, value_name = "AXES", value_delimiter = ',')]
    axes: Vec<String>,
    /// Quantities of each axis [default: all]
    #[arg(long, value_name = "QUANTITIES", value_delimiter = ',', value_parser = PossibleValuesParser::new(QUANTITIES))]
    quantities: Vec<String>,
    /// Cycles from sample to sample [default: 1, every cycle]
    #[arg(long, value_name = "CYCLES", value_parser = clap::value_parser!(u64).range(1..))]
    decimation: Option<u64>,
    /// End after so many seconds of the machine's time [default: at Ctrl-C]
    #[arg(long, value_name = "SECONDS", value_parser = seconds_in_ns)]
    duration: Option<u64>,
    /// End after so many samples
    #[arg(long, short = 'n', value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(conflicts_with = "duration")]
    samples: Option<u64>,
    /// Go on with a gap where this program does not keep up, instead of ending
    #[arg(long)]
    latest: bool,
}

/// When enough was recorded.
struct Extent {
    samples: u64,
    duration_ns: u64,
    first_ns: Option<u64>,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let (json, path) = (shell.json, &arguments.file);
    let interrupted = interrupt::hang_up_on_signals(shell.machine.connection().socket()?)?;
    let selection = Selection {
        axes: arguments.axes.clone(),
        quantities: arguments.quantities.clone(),
        decimation: arguments.decimation,
        latest: arguments.latest,
    };
    let mut recording = shell.machine.record(&selection)?;
    // Only now: a refusal must not cost the file that is there.
    let mut file = match begin(path, recording.columns(), json) {
        Ok(file) => file,
        Err(error) => return Ok(not_written(path, &error)),
    };
    let endless = arguments.samples.is_none() && arguments.duration.is_none();
    let mut extent = Extent {
        samples: arguments.samples.unwrap_or(u64::MAX),
        duration_ns: arguments.duration.unwrap_or(u64::MAX),
        first_ns: None,
    };
    let (mut written, mut dropped) = (0, 0);
    let outcome = loop {
        let samples = match recording.next() {
            Some(Ok(samples)) => samples,
            _ if interrupted.load(Ordering::Acquire) => {
                break if endless { Outcome::Done } else { Outcome::Interrupted };
            }
            Some(Err(error)) if error.short_name() == "Gap" => {
                complain(&error, json);
                break Outcome::Gap;
            }
            Some(Err(error)) => return Err(error),
            None => break Outcome::Gap,
        };
        let due = samples.iter().take_while(|sample| extent.takes(sample)).collect::<Vec<&Sample>>();
        dropped += due.iter().map(|sample| sample.dropped).sum::<u64>();
        written += due.len() as u64;
        // Flushed with each few cycles: who reads along sees them, and a file is whole whatever ends this program.
        let lines = due.iter().try_for_each(|sample| write_sample(&mut file, sample, json));
        if let Err(error) = lines.and_then(|()| file.flush()) {
            return Ok(not_written(path, &error));
        }
        if due.len() < samples.len() || extent.samples == 0 {
            break Outcome::Done;
        }
    };
    if dropped > 0 {
        eprintln!("motionctl: {dropped} samples were lost, {written} written: choose less, or fewer by --decimation");
    }
    Ok(if dropped > 0 { Outcome::Gap } else { outcome })
}

impl Extent {
    /// Whether this sample still belongs to it.
    fn takes(&mut self, sample: &Sample) -> bool {
        let first_ns = *self.first_ns.get_or_insert(sample.time_ns);
        let takes = self.samples > 0 && sample.time_ns.saturating_sub(first_ns) < self.duration_ns;
        self.samples -= u64::from(takes);
        takes
    }
}

/// The file with its heading.
fn begin(path: &Path, columns: &[Column], json: bool) -> io::Result<Box<dyn Write>> {
    let file: Box<dyn Write> =
        if path.as_os_str() == "-" { Box::new(io::stdout().lock()) } else { Box::new(File::create(path)?) };
    let mut file = Box::new(BufWriter::new(file));
    if json {
        let column = |it: &Column| json!({ "axis": it.axis, "quantity": it.quantity, "unit": it.unit });
        writeln!(file, "{}", json!({ "columns": columns.iter().map(column).collect::<Vec<_>>() }))?;
    } else {
        write!(file, "cycle,time_ns,dropped")?;
        columns.iter().try_for_each(|column| write!(file, ",{}", heading(column)))?;
        writeln!(file)?;
    }
    Ok(file)
}

/// `x.velocity_mm_per_s`: no axis has a dot in its name.
fn heading(column: &Column) -> String {
    let Column { axis, quantity, unit } = column;
    match unit.as_str() {
        "1" => format!("{axis}.{quantity}"),
        unit => format!("{axis}.{quantity}_{}", unit.replace('/', "_per_").replace('²', "2").replace('³', "3")),
    }
}

fn write_sample(file: &mut impl Write, sample: &Sample, json: bool) -> io::Result<()> {
    let Sample { cycle, time_ns, dropped, values } = sample;
    if json {
        let sample = json!({ "cycle": cycle, "time_ns": time_ns, "dropped": dropped, "values": values });
        return writeln!(file, "{sample}");
    }
    write!(file, "{cycle},{time_ns},{dropped}")?;
    values.iter().try_for_each(|value| write!(file, ",{}", number(*value)))?;
    writeln!(file)
}

/// The shortest text that reads as the same number again, to the last bit.
fn number(value: f64) -> String {
    let mut text = format!("{value:?}");
    if text.ends_with(".0") {
        text.truncate(text.len() - 2);
    }
    text
}

fn not_written(path: &Path, error: &io::Error) -> Outcome {
    if error.kind() == io::ErrorKind::BrokenPipe {
        // Whoever read along has enough.
        return Outcome::Done;
    }
    eprintln!("motionctl: cannot write {}: {error}", path.display());
    Outcome::NotWritten
}

fn seconds_in_ns(text: &str) -> Result<u64, String> {
    let seconds: f64 = text.parse().map_err(|_| "seconds, as 2.5".to_string())?;
    let nanoseconds = (seconds * 1e9).round();
    // Up to a year.
    if (1.0..=365.0 * 86_400e9).contains(&nanoseconds) {
        Ok(nanoseconds as u64)
    } else {
        Err("more than 0".to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_the_same_when_read_again() {
        for (value, text) in
            [(3.0, "3"), (-0.0, "-0"), (0.1, "0.1"), (1e-7, "1e-7"), (5e-324, "5e-324"), (1e300, "1e300")]
        {
            assert_eq!(number(value), text);
            assert_eq!(number(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
        assert_eq!(number(f64::NAN), "NaN");
    }

    #[test]
    fn the_quantities_are_those_of_the_interface() {
        let interface = include_str!("../../control/interface/io.motiond.v1.Telemetry.varlink");
        let (_, list) = interface.split_once("quantities: ?[](").unwrap();
        let (list, _) = list.split_once(')').unwrap();
        assert_eq!(list.split(',').map(str::trim).collect::<Vec<_>>(), QUANTITIES);
    }
}
