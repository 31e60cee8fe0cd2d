//! The daemon's entry: arguments, configuration, daemon, exit code.

use clap::{Parser, Subcommand};
use motiond::config::{self, ConfigError, MachineConfig};
use motiond::daemon::activation::Passed;
use motiond::daemon::state_directory::StateDirectory;
use motiond::daemon::{Daemon, End, Options, StartError, parameter_file};
use motiond::demo;
use motiond::doctor;
use motiond::limits::{DOCTOR_MAX_SECONDS, MAX_PERIOD_NS, MIN_PERIOD_NS};
use motiond::log;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Real-time motion controller daemon.
///
/// Exit codes: 0 ended as asked, with every drive ramped down and disabled; 1 did not start, or the machine failed; 2 wrong
/// arguments or configuration; 3 ended as asked, but a drive did not let go.
#[derive(Parser)]
#[command(version, about, verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run a machine
    Run {
        /// Its configuration
        config: PathBuf,
        /// Replace every bus by a simulated one
        #[arg(long)]
        simulate: bool,
        /// Another place for the control socket
        #[arg(long, value_name = "PATH")]
        socket: Option<PathBuf>,
        /// Another address for the metrics
        #[arg(long, value_name = "ADDRESS:PORT")]
        metrics: Option<SocketAddr>,
        /// Where to keep what outlives the daemon [default: $STATE_DIRECTORY, which systemd sets; else nothing is kept]
        #[arg(long, value_name = "DIR")]
        state_directory: Option<PathBuf>,
        /// Serve io.motiond.v1.Test: faults on purpose, on a simulated machine only
        #[arg(long, hide = true)]
        test_commands: bool,
    },
    /// Look for mistakes in a configuration
    CheckConfig {
        /// The file
        config: PathBuf,
        /// Together with what the daemon has persisted here
        #[arg(long, value_name = "DIR")]
        state_directory: Option<PathBuf>,
    },
    /// Tell whether this host can run the cycle, and what to do about it; changes nothing
    ///
    /// It reads what the kernel says of itself, tries the rights that the cycle needs as whoever runs it, and measures
    /// the wake-ups of a real-time thread that does nothing else. A machine on the same CPU is disturbed by that.
    #[command(after_help = DOCTOR_EXIT_CODES)]
    Doctor {
        /// The configuration to judge for; without one the defaults: 1000 µs, SCHED_FIFO 80, not pinned
        config: Option<PathBuf>,
        /// Another period, µs
        #[arg(long, value_name = "US", value_parser = clap::value_parser!(u64).range(MIN_PERIOD_NS / 1000..=MAX_PERIOD_NS / 1000))]
        period: Option<u64>,
        /// Another CPU for the cycle
        #[arg(long, value_parser = clap::value_parser!(u16).range(0..=1023))]
        cpu: Option<u16>,
        /// How long to measure; 0 leaves that out
        #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=DOCTOR_MAX_SECONDS))]
        seconds: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the built-in machine through some moves and show how the cycle kept time
    Demo {
        /// Leave after the moves
        #[arg(long)]
        once: bool,
    },
}

const DOCTOR_EXIT_CODES: &str = "\
Exit codes:
  0  all is good
  1  something is bad: the cycle cannot run here as configured
  2  wrong arguments or configuration
  3  nothing is bad, but something could be better or could not be read";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.verb {
        Verb::CheckConfig { config, state_directory } => {
            let persisted = state_directory.as_deref().map(|state| parameter_file::place(&StateDirectory::at(state)));
            match config::check(&config, persisted.as_deref()) {
                Ok(summary) => {
                    println!("{summary}");
                    ExitCode::SUCCESS
                }
                Err(error) => refuse(&error),
            }
        }
        Verb::Run { config, simulate, socket, metrics, state_directory, test_commands } => {
            log::init();
            let state = match StateDirectory::open(state_directory.as_deref()) {
                Ok(state) => state,
                Err(error) => {
                    eprintln!("motiond: {error}");
                    return ExitCode::FAILURE;
                }
            };
            let loaded = match &state {
                Some(state) => config::load_with(&config, &parameter_file::place(state)),
                None => config::load(&config),
            };
            match loaded.map(|loaded| if simulate { loaded.simulated() } else { loaded }) {
                Ok(config) => run(&config, Options { socket, metrics, state, test_commands, ..Options::default() }),
                Err(error) => refuse(&error),
            }
        }
        Verb::Doctor { config, period, cpu, seconds, json } => {
            let mut subject = match config.map(|config| config::load(&config)).transpose() {
                Ok(config) => config.as_ref().map_or_else(doctor::Subject::default, doctor::Subject::of),
                Err(error) => return refuse(&error),
            };
            subject.period_ns = period.map_or(subject.period_ns, |period_us| period_us * 1000);
            subject.cpu = cpu.map(usize::from).or(subject.cpu);
            doctor::run(&subject, doctor::Options { seconds, json })
        }
        Verb::Demo { once } => demo::run(once),
    }
}

fn run(config: &MachineConfig, options: Options) -> ExitCode {
    let started = Passed::take().map_err(StartError::Passed).and_then(|passed| {
        let options = Options { passed: Arc::new(passed), ..options };
        Daemon::start(config, &options)
    });
    match started {
        Ok(daemon) => match daemon.run(|| false) {
            End::Orderly => ExitCode::SUCCESS,
            End::NotDisabled => ExitCode::from(3),
            End::Failed => ExitCode::FAILURE,
        },
        Err(error) => {
            eprintln!("motiond: {error}");
            ExitCode::FAILURE
        }
    }
}

fn refuse(error: &ConfigError) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(2)
}
