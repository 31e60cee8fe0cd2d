//! The programs that share one planner, as they are planned one after the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use super::Counts;
use crate::gateway::{CommandStatus, GroupSnapshot};
use crate::ids::Handle;
use crate::limits::PROGRAM_PATIENCE_NS;
use crate::planner::Planner;

/// A program, and whether its command has ended.
pub(super) struct Member {
    counts: Arc<Counts>,
    /// The cycle has shown it.
    seen: bool,
    begun_ns: u64,
    /// Where it waits behind others.
    command: Option<watch::Receiver<CommandStatus>>,
}

impl Member {
    pub fn new(counts: Arc<Counts>, command: Option<watch::Receiver<CommandStatus>>, now_ns: u64) -> Member {
        Member { counts, seen: false, begun_ns: now_ns, command }
    }

    /// Its command has ended; or it was never begun, which the desk makes sure of, but for a daemon that stops.
    fn is_over(&mut self, state: &GroupSnapshot, now_ns: u64) -> bool {
        let shown = state.on_path && state.active == self.counts.handle.0;
        self.seen |= shown;
        let ended = match &self.command {
            Some(command) => command.borrow().state.is_end(),
            None => !self.seen && now_ns > self.begun_ns + PROGRAM_PATIENCE_NS,
        };
        ended || (self.seen && !shown)
    }

    /// It takes nothing any more.
    pub fn close(&self) {
        self.counts.ended.store(true, Ordering::Relaxed);
        self.counts.waiting.store(0, Ordering::Relaxed);
    }
}

/// Programs that are one motion, the oldest first.
pub(super) struct Members {
    list: VecDeque<Member>,
    /// The one of which elements are planned now.
    planned: usize,
}

impl Members {
    /// Of a program alone.
    pub fn new(member: Member) -> Members {
        Members { list: VecDeque::from([member]), planned: 0 }
    }

    /// One more behind them.
    pub fn join(&mut self, member: Member) {
        self.list.push_back(member);
    }

    /// Whose elements may still come.
    pub fn newest(&self) -> Handle {
        self.list.back().map_or(Handle::NONE, |member| member.counts.handle)
    }

    /// None of them goes on; those that do not are closed.
    pub fn are_over(&mut self, state: &GroupSnapshot, now_ns: u64) -> bool {
        let mut number = 0;
        let planned = &mut self.planned;
        self.list.retain_mut(|member| {
            let over = member.is_over(state, now_ns);
            if over {
                member.close();
                *planned -= usize::from(number < *planned);
            } else {
                number += 1;
            }
            !over
        });
        self.list.is_empty()
    }

    pub fn close(&self) {
        self.list.iter().for_each(Member::close);
    }

    fn counts(&self) -> Option<&Counts> {
        self.list.get(self.planned).map(|member| &*member.counts)
    }

    /// An element was planned.
    pub fn count_element(&self) {
        if let Some(counts) = self.counts() {
            counts.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// A program was planned to where the next one goes on.
    pub fn count_program(&mut self) {
        self.set_planned(true);
        self.planned += 1;
    }

    /// Whether that of which elements are planned now is planned to its end.
    pub fn set_planned(&self, planned: bool) {
        if let Some(counts) = self.counts() {
            counts.planned.store(planned, Ordering::Relaxed);
        }
    }

    /// What the planner came to: how near each of them comes to a singularity, and for those that are not planned to their end where it goes no
    /// further.
    pub fn tell(&self, planner: &Planner) {
        self.list.iter().for_each(|member| member.counts.tell_nearest(planner));
        self.list.iter().skip(self.planned).for_each(|member| member.counts.tell_obstacle(planner));
    }
}
