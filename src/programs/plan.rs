//! What a program of either kind is planned from: elements of a path, or nodes of a stream.

use std::collections::VecDeque;

use super::Counts;
use crate::geometry::Piece;
use crate::planner::points::Node;
use crate::planner::program::Element;
use crate::planner::{PathOrder, Planner, StreamPlanner};

/// What was handed in at a time.
pub(super) enum Batch {
    Elements(Vec<Element>),
    Nodes(Vec<Node>),
}

/// A program's planner, and what waits for it.
pub(super) enum Plan {
    /// With the order of its axes, or `None` where its pieces are in the group's order.
    Path {
        planner: Box<Planner>,
        order: Option<PathOrder>,
        waiting: VecDeque<Element>,
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
            (Plan::Path { waiting, .. }, Batch::Elements(elements)) => waiting.extend(elements),
            (Plan::Stream { waiting, .. }, Batch::Nodes(nodes)) => waiting.extend(nodes),
            _ => {}
        }
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

    /// Plans one of what waits; returns whether there was one.
    pub fn advance(&mut self) -> bool {
        match self {
            Plan::Path { planner, waiting, .. } => waiting.pop_front().map(|element| planner.push(&element)).is_some(),
            Plan::Stream { planner, waiting } => waiting.pop_front().map(|node| planner.push(&node)).is_some(),
        }
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
    pub fn tell(&self, counts: &Counts) {
        if let Plan::Path { planner, .. } = self {
            counts.tell(planner);
        }
    }

    /// What is known is of no use to a machine that moves until it is given out: it is planned to its end before the machine is there.
    /// Pieces of a stream are out as soon as they are known, and a rest between points is for a machine that has come to rest.
    pub fn holds_back(&self) -> bool {
        matches!(self, Plan::Path { .. })
    }
}
