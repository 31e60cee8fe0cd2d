//! `motionctl`: commands the machine from a terminal. One file a verb.
//!
//! Exit codes: 0 done, 2 wrong usage, 3 no connection to the daemon, 4 the daemon refused, 5 the command ended
//! aborted, 6 a fault ended the command, 7 a recording lost samples, 130 Ctrl-C ended the wait, 1 anything else.

mod bus;
mod bus_file;
mod bus_lss;
mod bus_nodes;
mod bus_sdo;
mod bus_wire;
mod cli;
mod describe;
mod enable;
mod events;
mod group;
mod halt;
mod interfaces;
mod interrupt;
mod jog;
mod keys;
mod lease;
mod manual;
mod moves;
mod output;
mod overrides;
mod params;
mod path;
mod path_check;
mod path_ground;
mod path_rehearsal;
mod path_report;
mod path_stream;
mod position;
mod power;
mod record;
mod recover;
mod release;
mod reset;
mod sdo;
mod shell;
mod status;
mod stop;
mod stream;
mod table;
mod wait;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use motiond::client::Error;

use cli::{Arguments, Verb};
use shell::Shell;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match &arguments.verb {
        Verb::Completions(completions) => return manual::completions(completions),
        Verb::Man(man) => return manual::man(man),
        Verb::Bus(verb) => return bus::run(verb, arguments.json),
        Verb::Path(path) if path.config.is_some() => return path::run(path, arguments.json),
        _ => {}
    }
    let socket = arguments.socket.unwrap_or_else(motiond::client::find_socket);
    let result = Shell::open(&socket, arguments.json).and_then(|mut shell| run(arguments.verb, &mut shell));
    match result {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => shell::complain(&error, arguments.json),
    }
}

fn run(verb: Verb, shell: &mut Shell) -> Result<shell::Outcome, Error> {
    match verb {
        Verb::Status(arguments) => status::run(&arguments, shell),
        Verb::Describe => describe::run(shell),
        Verb::Enable(arguments) => enable::run(&arguments, true, shell),
        Verb::Disable(arguments) => enable::run(&arguments, false, shell),
        Verb::Power(arguments) => power::run(&arguments, shell),
        Verb::Reset(arguments) => reset::run(&arguments, shell),
        Verb::Move(arguments) => moves::run(&arguments, shell),
        Verb::Velocity(arguments) => moves::run_velocity(&arguments, shell),
        Verb::Jog(arguments) => jog::run(&arguments, shell),
        Verb::Halt(arguments) => halt::run(&arguments, shell),
        Verb::Stop(arguments) => stop::run(&arguments, shell),
        Verb::Release(arguments) => release::run(&arguments, shell),
        Verb::Params(verb) => params::run(&verb, shell),
        Verb::Override(arguments) => overrides::run(&arguments, shell),
        Verb::SetPosition(arguments) => position::run(&arguments, shell),
        Verb::Group(verb) => group::run(&verb, shell),
        Verb::Wait(arguments) => wait::run(&arguments, shell),
        Verb::Watch(arguments) => watch::run(&arguments, shell),
        Verb::Record(arguments) => record::run(&arguments, shell),
        Verb::Events(arguments) => events::run(&arguments, shell),
        Verb::SetOutput(arguments) => output::run(&arguments, shell),
        Verb::Recover(arguments) => recover::run(&arguments, shell),
        Verb::Sdo(verb) => sdo::run(&verb, shell),
        Verb::Interfaces(arguments) => interfaces::run(&arguments, shell),
        Verb::Lease(verb) => lease::run(&verb, shell),
        Verb::Path(path) if path.dry_run => path_rehearsal::run(&path, shell),
        Verb::Path(path) => path_stream::run(&path, shell),
        Verb::Stream(arguments) => stream::run(&arguments, shell),
        // They need no daemon and were done before.
        Verb::Bus(_) | Verb::Completions(_) | Verb::Man(_) => Ok(shell::Outcome::Done),
    }
}
