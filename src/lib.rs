//! # motiond, a real-time motion controller
//!
//! One `SCHED_FIFO` thread runs a fixed cycle: it exchanges process images with the drives,
//! supervises them, interpolates the axes and computes the next setpoints. Everything else runs on
//! ordinary threads and reaches the cycle only through [`exchange`].
//!
//! ```text
//! clients ─► control ─► gateway ─► exchange ─► cycle ─► motion ─► drive ─► process image ─► fieldbus
//! clients, metrics  ◄─  gateway ◄─ exchange ◄─ cycle ◄─ motion ◄─ drive ◄─ process image ◄─ fieldbus
//! ```
//!
//! Data flows one way in and one way out. The arrows between modules are held by `tests/tidy.rs`.
//!
//! | module | thread | what it is |
//! |---|---|---|
//! | [`exchange`] | both | the only data that crosses the real-time border |
//! | [`cycle`] | real-time | one cycle from wake-up to wake-up; joins motion, drives and buses |
//! | [`motion`] | real-time (pure) | axes and groups with PLCopen states, jerk-limited profiles |
//! | [`programs`] | its own | paths and streams of timed points on their way from clients through the planner to the cycle |
//! | [`planner`] | ordinary | from the elements of a path to pieces that say how fast they may be passed |
//! | [`path_file`] | ordinary (pure) | paths as text, one element a line, and what is wrong with it |
//! | [`dry_run`] | ordinary (pure) | a whole path on the virtual clock: how long, how near the limits, a picture |
//! | [`rehearsal`] | its own | dry runs for clients, on the daemon's machine |
//! | [`geometry`] | both (pure) | curves, and the pieces of a path as they cross to the cycle |
//! | [`kinematics`] | ordinary (pure) | tool ↔ joints of gantries, CoreXY, SCARA, delta and six-axis arms, with derivatives |
//! | [`drive`] | real-time (pure) | CiA 402: statusword to state to controlword, scaling, servo loops |
//! | [`fieldbus`] | real-time | the bus trait and its buses |
//! | [`simulation`] | real-time (pure) | byte-level drives and terminals with motor, load and faults |
//! | [`control`] | its own | the Varlink socket: sessions, streams, typed errors |
//! | [`gateway`] | its own | the one service that talks to the cycle: handles, leases, events |
//! | [`telemetry`] | its own | every cycle's samples, encoded once for all who chose the same |
//! | [`service`] | ordinary | what every service has: heartbeat, planted failures |
//! | [`history`] | ordinary | events that outlive the daemon, and the store that they are kept in |
//! | [`log`] | ordinary | lines for the terminal, entries with fields for the journal |
//! | [`doctor`] | ordinary | whether this host can run the cycle, and what to do about it |
//! | [`config`] | ordinary | TOML, checked whole, to each module's parameters |
//! | [`commissioning`] | ordinary | what stands on a bus, and a configuration to start from |
//! | [`client`] | ordinary | the client's side of the control socket, for `motionctl` and `motiond demo` |
//! | [`limits`], [`units`], [`ids`], [`fault`] | pure | maxima, quantities, names, numbered faults |

#![forbid(unsafe_op_in_unsafe_fn)]

pub mod client;
pub mod commissioning;
pub mod config;
pub mod control;
pub mod cycle;
pub mod daemon;
pub mod demo;
pub mod doctor;
pub mod drive;
pub mod dry_run;

pub mod exchange;
pub mod fault;
pub mod fieldbus;
pub mod gateway;
pub mod geometry;
pub mod history;
pub mod ids;
pub mod kinematics;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod motion;
pub mod path_file;
pub mod planner;
pub mod programs;
pub mod rehearsal;
pub mod service;
pub mod simulation;
pub mod telemetry;
pub mod units;
