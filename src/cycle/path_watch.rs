//! What is told of paths as it happens: a look at each group in each cycle, and what differs from the last one.
//!
//! A path is held, starved or at the end of a line when it rests there: what it is on the way to is in the snapshot. So a path that brakes a little
//! for want of more, again and again, tells nothing. What slows it is told where it comes there in motion, once for as long as it does not get away from it.

use super::outlet::Outlet;
use crate::exchange::event::{EventKind, PathNews};
use crate::geometry::Singularity;
use crate::ids::{GroupId, Handle};
use crate::limits::SLOWED_AGAIN_NS;
use crate::motion::{Group, PathState};

/// A group's path as it was seen last.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PathWatch {
    /// The command that it is of; none where there is no path.
    handle: Handle,
    back: bool,
    /// What it rests in.
    rest: Rest,
    /// When each singularity slowed it last.
    slowed_ns: [Option<u64>; Singularity::ALL.len()],
}

/// Why a path rests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rest {
    /// It does not, or not for long.
    #[default]
    No,
    Held,
    Starved,
    Retreated,
    Waiting,
}

impl PathWatch {
    /// Looks at a group after its step.
    #[inline]
    pub fn look(&mut self, id: GroupId, group: &Group, outlet: &mut Outlet) {
        let handle = group.path_handle();
        let Some(path) = group.path().filter(|_| handle != Handle::NONE) else {
            if self.handle != Handle::NONE {
                tell(id, self.handle, PathNews::Ended, 0, outlet);
                *self = PathWatch::default();
            }
            return;
        };
        let line = path.path().line();
        if handle != self.handle {
            if self.handle != Handle::NONE {
                tell(id, self.handle, PathNews::Ended, 0, outlet);
            }
            *self = PathWatch { handle, ..PathWatch::default() };
            tell(id, handle, PathNews::Begun, line, outlet);
        }
        if let Some(singularity) = path.path().slowed_by() {
            self.slowed(id, singularity, path.moving(), line, outlet);
        }
        let (back, rest) = (path.retreats(), self.rest_of(group.path_state(), path.moving()));
        let (back_before, before) = (std::mem::replace(&mut self.back, back), std::mem::replace(&mut self.rest, rest));
        if rest != before {
            match before {
                Rest::Held => tell(id, handle, PathNews::Resumed, line, outlet),
                Rest::Starved => tell(id, handle, PathNews::Supplied, line, outlet),
                Rest::No | Rest::Retreated | Rest::Waiting => {}
            }
        }
        if back != back_before {
            let news = if back { PathNews::Retreating } else { PathNews::Advancing };
            tell(id, handle, news, line, outlet);
        }
        if rest != before {
            let news = match rest {
                Rest::No => return,
                Rest::Held => PathNews::Held,
                Rest::Starved => PathNews::Starved,
                Rest::Retreated => PathNews::Retreated,
                Rest::Waiting => PathNews::LineEnded,
            };
            tell(id, handle, news, line, outlet);
        }
    }

    /// It is where a singularity slows it.
    fn slowed(&mut self, id: GroupId, singularity: Singularity, moving: bool, line: u32, outlet: &mut Outlet) {
        let (now_ns, last_ns) = (outlet.time_ns(), &mut self.slowed_ns[singularity as usize]);
        let known = last_ns.is_some_and(|last_ns| now_ns <= last_ns + SLOWED_AGAIN_NS);
        if known || moving {
            *last_ns = Some(now_ns);
        }
        if moving && !known {
            tell(id, self.handle, PathNews::Slowed(singularity), line, outlet);
        }
    }

    /// Why it rests; what it rested in is over when it moves, or is something else.
    fn rest_of(&self, state: PathState, moving: bool) -> Rest {
        let rest = match state {
            PathState::Held => Rest::Held,
            PathState::Starved => Rest::Starved,
            PathState::Retreated => Rest::Retreated,
            PathState::Waiting => Rest::Waiting,
            _ => Rest::No,
        };
        if moving && rest != self.rest { Rest::No } else { rest }
    }
}

fn tell(group: GroupId, handle: Handle, news: PathNews, line: u32, outlet: &mut Outlet) {
    outlet.event(EventKind::Path { group, handle, news, line });
}
