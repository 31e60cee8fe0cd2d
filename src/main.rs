//! The daemon's entry: arguments, configuration, daemon, exit code.

use clap::{Parser, Subcommand};
use motiond::config::{self, ConfigError, MachineConfig};
use motiond::daemon::activation::Passed;
use motiond::daemon::{Daemon, End, Options, StartError};
use motiond::demo;
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
        /// Serve io.motiond.v1.Test: faults on purpose, on a simulated machine only
        #[arg(long, hide = true)]
        test_commands: bool,
    },
    /// Look for mistakes in a configuration
    CheckConfig {
        /// The file
        config: PathBuf,
    },
    /// Run the built-in machine through some moves and show how the cycle kept time
    Demo {
        /// Leave after the moves
        #[arg(long)]
        once: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.verb {
        Verb::CheckConfig { config } => match config::check(&config) {
            Ok(summary) => {
                println!("{summary}");
                ExitCode::SUCCESS
            }
            Err(error) => refuse(&error),
        },
        Verb::Run { config, simulate, socket, metrics, test_commands } => {
            log::init();
            let loaded = config::load(&config).map(|loaded| if simulate { loaded.simulated() } else { loaded });
            match loaded {
                Ok(config) => run(&config, Options { socket, metrics, test_commands, ..Options::default() }),
                Err(error) => refuse(&error),
            }
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
