//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Command a motiond from a terminal
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 2 wrong usage, 3 no connection to the daemon, 4 the daemon refused, \
                  5 the command ended aborted, 6 a fault ended the command, 7 a recording lost samples, \
                  130 ended by Ctrl-C, 1 anything else.\n\
                  Positions are mm or degrees as the axis counts; velocities those per second, and so on."
)]
pub struct Arguments {
    /// Socket of the daemon [default: $MOTIOND_SOCKET, else /run/motiond/control.sock, else the user's own]
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Print replies as JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Show the machine, its axes and groups
    Status(crate::status::Arguments),
    /// Show what the machine is: limits, groups, interfaces
    Describe,
    /// Enable drives, or groups with their drives, and wait until they are
    Enable(crate::enable::Arguments),
    /// Disable drives, or groups with their drives, and wait until they are
    Disable(crate::enable::Arguments),
    /// Switch drives on or off
    Power(crate::power::Arguments),
    /// Leave the error state of axes and of the machine
    Reset(crate::reset::Arguments),
    /// Move an axis to a position, or by a distance
    Move(crate::moves::Arguments),
    /// Move an axis at a velocity until something else is asked for
    Velocity(crate::moves::VelocityArguments),
    /// Move an axis for as long as this command runs
    Jog(crate::jog::Arguments),
    /// Bring axes to rest
    Halt(crate::halt::Arguments),
    /// Stop the machine, an axis or a group at once, and lock it
    Stop(crate::stop::Arguments),
    /// End the lock of a stop
    Release(crate::release::Arguments),
    /// Scale the velocity of an axis or a group
    Override(crate::overrides::Arguments),
    /// Call the present place of an axis this position
    SetPosition(crate::position::Arguments),
    /// Show parameters, change them while the machine runs, keep them, take them back
    #[command(subcommand)]
    Params(crate::params::Verb),
    /// Command a group of axes
    #[command(subcommand)]
    Group(crate::group::Verb),
    /// Follow a path file, or try it out: how long it takes, how near it comes to the limits, a picture
    Path(crate::path::Arguments),
    /// Follow timed points of a file or of another program, each at its time
    Stream(crate::stream::Arguments),
    /// Wait for the end of a command
    Wait(crate::wait::Arguments),
    /// Show the axes as they move
    Watch(crate::watch::Arguments),
    /// Record the axes cycle for cycle, as CSV
    Record(crate::record::Arguments),
    /// Show what happened
    Events(crate::events::Arguments),
    /// Switch a digital output, or set an analogue one
    SetOutput(crate::output::Arguments),
    /// Bring a lost bus back
    Recover(crate::recover::Arguments),
    /// Read and write the objects of a device, save and restore them
    #[command(subcommand)]
    Sdo(crate::sdo::Verb),
    /// Print the interfaces of the socket
    Interfaces(crate::interfaces::Arguments),
    /// Show who holds what, or take it over
    #[command(subcommand)]
    Lease(crate::lease::Verb),
    /// Look at the devices of a bus without a daemon
    #[command(subcommand)]
    Bus(crate::bus::Verb),
    /// Print completions for a shell
    Completions(crate::manual::Completions),
    /// Print manual pages
    Man(crate::manual::Man),
}

/// How fast, and when.
#[derive(Args)]
pub struct Dynamics {
    /// Velocity [default: the limit]
    #[arg(long, short, value_name = "PER_S")]
    pub velocity: Option<f64>,
    /// Acceleration and deceleration [default: the limit]
    #[arg(long, short, value_name = "PER_S2")]
    pub acceleration: Option<f64>,
    /// Jerk [default: the limit]
    #[arg(long, short, value_name = "PER_S3")]
    pub jerk: Option<f64>,
    /// Start when everything asked before is done
    #[arg(long)]
    pub buffered: bool,
}

impl Dynamics {
    /// As the client library has it.
    pub fn to_move(&self) -> motiond::client::Move {
        motiond::client::Move {
            velocity: self.velocity,
            acceleration: self.acceleration,
            jerk: self.jerk,
            buffered: self.buffered,
        }
    }
}

/// Whether to stay until the end.
#[derive(Args, Clone, Copy)]
pub struct Waiting {
    /// Stay until the command has ended, and tell how; Ctrl-C then stops what moves
    #[arg(long, short)]
    pub wait: bool,
}

/// On or off.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}
