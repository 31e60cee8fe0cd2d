//! What a program of either kind is planned from: elements of a path, or nodes of a stream. Of a path that several programs share, elements of one
//! after the other.

use std::collections::VecDeque;

use super::member::Members;
use crate::geometry::Piece;
use crate::planner::points::Node;
use crate::planner::program::{Corner, Element};
use crate::planner::{PathOrder, Planner, StreamPlanner};

/// What was handed in at a time.
pub(super) enum Batch {
    Elements(Vec<Element>),
    Nodes(Vec<Node>),
}

/// What waits for the planner of a path.
#[allow(clippy::large_enum_variant, reason = "nearly all of them are elements")]
pub(super) enum Waiting {
    Element(Element),
    /// Elements from here on are of this program, and what is before them ends so.
    Border {
        epoch: u32,
        corner: Option<Corner>,
    },
}

/// What was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planned {
    /// Something that was handed in.
    Part,
    /// All of a program: what comes is of the next.
    Program,
}

/// A program's planner, and what waits for it.
pub(super) enum Plan {
    /// With the order of its axes, or `None` where its pieces are in the group's order.
    Path {
        planner: Box<Planner>,
        order: Option<PathOrder>,
        waiting: VecDeque<Waiting>,
    },
    Stream {
        planner: Box<StreamPlanner>,
        waiting: VecDeque<Node>,
    },
}

impl Plan {
    /// Behind what waits; nothing where it is of the other kind.
    pub fn extend(&mut self, batch: Batch) {
        match (self, batch) {
            (Plan::Path { waiting, .. }, Batch::Elements(elements)) => {
                waiting.extend(elements.into_iter().map(Waiting::Element));
            }
            (Plan::Stream { waiting, .. }, Batch::Nodes(nodes)) => waiting.extend(nodes),
            _ => {}
        }
    }

    /// What comes is of program `epoch`, on the same path. Returns false where this is none that could be shared.
    pub fn join(&mut self, epoch: u32, corner: Option<Corner>) -> bool {
        let Plan::Path { waiting, .. } = self else { return false };
        waiting.push_back(Waiting::Border { epoch, corner });
        true
    }

    /// Nothing waits.
    pub fn is_idle(&self) -> bool {
        match self {
            Plan::Path { waiting, .. } => waiting.is_empty(),
            Plan::Stream { waiting, .. } => waiting.is_empty(),
        }
    }

    /// An element is being planned still, as its pieces are taken.
    pub fn is_busy(&self) -> bool {
        matches!(self, Plan::Path { planner, .. } if planner.is_busy())
    }

    /// Plans one of what waits, if there is one.
    pub fn advance(&mut self) -> Option<Planned> {
        match self {
            Plan::Path { planner, waiting, .. } => match waiting.pop_front()? {
                Waiting::Element(element) => planner.push(&element),
                Waiting::Border { epoch, corner } => {
                    planner.join(epoch, corner);
                    return Some(Planned::Program);
                }
            },
            Plan::Stream { planner, waiting } => planner.push(&waiting.pop_front()?),
        }
        Some(Planned::Part)
    }

    /// Plans what is known to its end.
    pub fn finish(&mut self, last: bool) {
        match self {
            Plan::Path { planner, .. } => planner.finish(last),
            Plan::Stream { planner, .. } => planner.finish(last),
        }
    }

    /// Pieces that are ready.
    pub fn ready(&self) -> usize {
        match self {
            Plan::Path { planner, .. } => planner.ready(),
            Plan::Stream { planner, .. } => planner.ready(),
        }
    }

    /// The next of them, as the group has it.
    pub fn take(&mut self) -> Option<Piece> {
        match self {
            Plan::Path { planner, order, .. } => {
                planner.take().map(|piece| order.as_ref().map_or(piece, |order| order.piece(piece)))
            }
            Plan::Stream { planner, .. } => planner.take(),
        }
    }

    /// What it came to.
    pub fn tell(&self, members: &Members) {
        if let Plan::Path { planner, .. } = self {
            members.tell(planner);
        }
    }

    /// What is known is of no use to a machine that moves until it is given out: it is planned to its end before the machine is there.
    /// Pieces of a stream are out as soon as they are known, and a rest between points is for a machine that has come to rest.
    pub fn holds_back(&self) -> bool {
        matches!(self, Plan::Path { .. })
    }
}
