//! Paths and streams on their way from clients to the cycle: one program a group, fed in batches, planned on a thread of its own.
//!
//! ```text
//! control ─ Desk ─► batches ─► Runner: planner ─► ring of pieces ─► cycle
//! ```
//!
//! A program is known by the handle of the command that began it. What a client may give at a time is bounded by the room that is left,
//! which every answer names; the ring bounds what is planned ahead. Where a client gives no more without saying that it was all, what there
//! is is planned to its end before the machine runs out of it, so that it rests on the path at the last place that is known, and goes
//! on from there when more comes. A program ends with its command, whatever ended that.
//! Of a stream of timed points, each is checked where it is handed in (`stream`), and how late it came is counted (`lateness`).

mod desk;
mod draft;
mod lateness;
mod plan;
mod runner;
mod stream;

pub use desk::{Desk, ProgramError, ProgramStart};
pub use draft::{DraftError, Ground};
pub use lateness::{LATENESS_BOUNDS_S, Late, Lateness};
pub use runner::Runner;
pub use stream::{PointError, PointFault, StreamGround, StreamStart};

use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::gateway::{self, PieceSender};
use crate::ids::Handle;
use crate::limits::{MAX_PROGRAM_BATCHES, MAX_PROGRAM_ELEMENTS};

/// What the desk and the runner know of one program: what becomes of it never counts for the next one of its group.
#[derive(Debug)]
struct Counts {
    /// The command that began it; none before the first.
    handle: Handle,
    /// It takes nothing any more.
    ended: AtomicBool,
    /// Elements that wait for the planner.
    waiting: AtomicU64,
    /// Elements that were taken since it began.
    taken: AtomicU64,
    /// It is planned to its end, which was given.
    planned: AtomicBool,
}

impl Counts {
    fn of(handle: Handle) -> Counts {
        let (ended, planned) = (AtomicBool::new(handle == Handle::NONE), AtomicBool::new(false));
        Counts { handle, ended, waiting: AtomicU64::new(0), taken: AtomicU64::new(0), planned }
    }
}

/// Both ends, for the groups that have these rings.
pub fn programs(client: gateway::Client, rings: Box<[PieceSender]>) -> (Desk, Runner) {
    let (sender, inbox) = crossbeam::channel::bounded(MAX_PROGRAM_BATCHES);
    let desk = Desk::new(client.clone(), sender, rings.len());
    (desk, Runner::new(client, inbox, rings))
}

const _: () = assert!(MAX_PROGRAM_ELEMENTS >= 4096);
