//! Paths and streams on their way from clients to the cycle: one program a group, fed in batches, planned on a thread of its own.
//!
//! ```text
//! control ─ Desk ─► batches ─► Runner: planner ─► ring of pieces ─► cycle
//! ```
//!
//! A program is known by the handle of the command that began it. What a client may give at a time is bounded by the room that is left,
//! which every answer names; the ring bounds what is planned ahead. Where a client gives no more without saying that it was all, what there
//! is is planned to its end before the machine runs out of it, so that it rests on the path at the last place that is known, and goes
//! on from there when more comes. A program ends with its command, whatever ended that. One that is joined to another goes on in its planner, as
//! if both were one (`member`).
//! Of a stream of timed points, each is checked where it is handed in (`stream`), and how late it came is counted (`lateness`).

mod desk;
mod draft;
mod lateness;
mod member;
mod plan;
mod runner;
mod stream;
mod unfit;

pub use desk::{Desk, ProgramError, ProgramStart};
pub use draft::{DraftError, Ground, check_corner};
pub use lateness::{LATENESS_BOUNDS_S, Late, Lateness};
pub use runner::Runner;
pub use stream::{PointError, PointFault, StreamGround, StreamStart};
pub use unfit::Unfit;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::gateway::{self, PieceSender};
use crate::ids::Handle;
use crate::kinematics::Singularity;
use crate::limits::{MAX_PROGRAM_ELEMENTS, PROGRAM_INBOX};
use crate::planner::Planner;

/// What the desk and the runner know of one program: what becomes of it never counts for the next one of its group.
#[derive(Debug)]
struct Counts {
    /// The command that began it; none before the first.
    handle: Handle,
    /// It was given to its end: the desk takes nothing more for it, from the answer to that on.
    given: AtomicBool,
    /// It takes nothing any more.
    ended: AtomicBool,
    /// Elements that wait for the planner.
    waiting: AtomicU64,
    /// Elements that were taken since it began.
    taken: AtomicU64,
    /// It is planned to its end, which was given.
    planned: AtomicBool,
    /// What the planned part comes nearest to: a distance as its bits, a line, and the singularity by its number.
    near_distance: AtomicU64,
    near_line: AtomicU64,
    near_what: AtomicU64,
    /// The line that is not followed any further, and 1; 0 for none.
    obstacle: AtomicU64,
}

/// The singularity that the planned part of a program comes nearest to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Which.
    pub singularity: Singularity,
    /// How near, as [`crate::kinematics::Conditioning`] counts.
    pub distance: f64,
    /// The line of the program.
    pub line: u64,
}

impl Counts {
    fn of(handle: Handle) -> Counts {
        let ended = AtomicBool::new(handle == Handle::NONE);
        let [given, planned] = [false; 2].map(AtomicBool::new);
        let [waiting, taken, near_distance, near_line, near_what, obstacle] = [0; 6].map(AtomicU64::new);
        Counts { handle, given, ended, waiting, taken, planned, near_distance, near_line, near_what, obstacle }
    }

    /// What it came nearest to. The parts may be of two looks: whoever shows them shows them again.
    fn tell_nearest(&self, planner: &Planner) {
        if let Some(nearest) = planner.nearest_of(self.handle.0 as u32)
            && let Some(singularity) = nearest.conditioning.nearest
        {
            self.near_distance.store(nearest.conditioning.distance.to_bits(), Ordering::Relaxed);
            self.near_line.store(u64::from(nearest.line), Ordering::Relaxed);
            self.near_what.store(1 + singularity as u64, Ordering::Relaxed);
        }
    }

    /// Where the planner comes no further.
    fn tell_obstacle(&self, planner: &Planner) {
        let obstacle = planner.obstacle().map_or(0, |obstacle| 1 + u64::from(obstacle.line));
        self.obstacle.store(obstacle, Ordering::Relaxed);
    }

    fn near(&self) -> Option<Near> {
        let what = self.near_what.load(Ordering::Relaxed).checked_sub(1)?;
        Some(Near {
            singularity: *Singularity::ALL.get(what as usize)?,
            distance: f64::from_bits(self.near_distance.load(Ordering::Relaxed)),
            line: self.near_line.load(Ordering::Relaxed),
        })
    }
}

/// Both ends, for the groups that have these rings.
pub fn programs(client: gateway::Client, rings: Box<[PieceSender]>) -> (Desk, Runner) {
    let (sender, inbox) = crossbeam::channel::bounded(PROGRAM_INBOX);
    let desk = Desk::new(client.clone(), sender, rings.len());
    (desk, Runner::new(client, inbox, rings))
}

const _: () = assert!(MAX_PROGRAM_ELEMENTS >= 4096);
