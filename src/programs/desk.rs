//! Where programs are handed in.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam::channel::{Sender, TrySendError};

use super::draft::Ground;
use super::plan::{Batch, Plan};
use super::runner::Message;
use super::stream::{StreamGround, StreamStart};
use super::{Counts, Lateness};
use crate::gateway;
use crate::ids::{AxisId, GroupId, Handle};
use crate::limits::{MAX_PROGRAM_BATCHES, MAX_PROGRAM_ELEMENTS, MAX_STREAM_POINTS};
use crate::planner::points::Node;
use crate::planner::program::Element;
use crate::planner::reserve::Reserve;
use crate::planner::{PathAxes, PathOrder, Planner};

/// Where and with which axes a program begins.
#[derive(Clone, Debug)]
pub struct ProgramStart {
    /// One value an axis of the group, in its order, axis coordinates.
    pub place: Vec<f64>,
    /// The group's axes as the planner has them.
    pub axes: PathAxes,
    /// Which is which.
    pub order: PathOrder,
}

/// A program of either kind that begins.
pub(super) enum Start {
    Path(Box<ProgramStart>),
    Stream(Box<StreamStart>),
}

impl Start {
    pub fn plan(self, epoch: u32) -> Plan {
        match self {
            Start::Path(start) => {
                let ProgramStart { place, axes, order } = *start;
                let planner = Box::new(Planner::new(axes, order.to_planner(&place), epoch));
                Plan::Path { planner, order, waiting: VecDeque::new() }
            }
            Start::Stream(start) => start.plan(epoch),
        }
    }
}

/// Why elements are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramError {
    /// The program has ended, or never was.
    Ended,
    /// Fewer elements would fit.
    Full {
        /// As many elements as were given.
        given: usize,
        /// As many fit now.
        room: usize,
    },
    /// Too many batches wait.
    Busy,
    /// The planner is not there.
    Unavailable,
}

impl fmt::Display for ProgramError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProgramError::Ended => write!(out, "this program has ended: its command says why"),
            ProgramError::Full { given, room } => {
                write!(out, "{given} elements were given and {room} fit now: give fewer, or wait")
            }
            ProgramError::Busy => write!(out, "{MAX_PROGRAM_BATCHES} batches wait for the planner: give larger ones"),
            ProgramError::Unavailable => write!(out, "the planner is being restarted: halt the group and begin anew"),
        }
    }
}

impl std::error::Error for ProgramError {}

/// The clients' end.
#[derive(Clone)]
pub struct Desk {
    client: gateway::Client,
    sender: Sender<Message>,
    /// Of the newest program of each group; locked for as long as one is taken or put there.
    newest: Arc<[Mutex<Arc<Counts>>]>,
    /// Of the points of each group's streams.
    lateness: Arc<[Lateness]>,
}

impl Desk {
    pub(super) fn new(client: gateway::Client, sender: Sender<Message>, groups: usize) -> Desk {
        let none = |_| Mutex::new(Arc::new(Counts::of(Handle::NONE)));
        let lateness = (0..groups).map(|_| Lateness::default()).collect();
        Desk { client, sender, newest: (0..groups).map(none).collect(), lateness }
    }

    fn newest(&self, group: GroupId) -> Arc<Counts> {
        Arc::clone(&self.newest[group.index()].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What elements of a program that begins so are checked against.
    pub fn ground(&self, group: GroupId, start: &ProgramStart) -> Ground {
        let in_force = self.client.in_force();
        let axes = &self.client.description().groups[group.index()].axes;
        let of = |axis: &AxisId| &in_force[axis.index()].figures.motion;
        Ground {
            limits: axes.iter().map(|axis| of(axis).limits).collect(),
            soft_limits: axes.iter().map(|axis| of(axis).soft_limits).collect(),
            at: start.order.to_planner(&start.place),
            order: start.order.clone(),
        }
    }

    /// How a program of a group would begin now: where its axes are, with the limits that are in force.
    pub fn start(&self, group: GroupId) -> ProgramStart {
        let machine = self.client.description();
        let snapshot = self.client.snapshot();
        let in_force = self.client.in_force();
        let axes = &machine.groups[group.index()].axes;
        let units: Vec<_> = axes.iter().map(|axis| machine.axes[axis.index()].unit).collect();
        let order = PathOrder::new(&units);
        let limits = order.order.iter().map(|place| in_force[axes[*place].index()].figures.motion.limits);
        ProgramStart {
            place: axes.iter().map(|axis| snapshot.axes[axis.index()].setpoint).collect(),
            axes: PathAxes {
                limits: limits.collect(),
                linear: order.linear,
                period_s: machine.period_ns as f64 * 1e-9,
            },
            order,
        }
    }

    /// The command `handle` was accepted: its program begins.
    ///
    /// # Errors
    /// Where the planner is not there.
    pub fn begin(&self, group: GroupId, handle: Handle, start: ProgramStart) -> Result<(), ProgramError> {
        self.begin_with(group, handle, Start::Path(Box::new(start)))
    }

    /// The same of a stream.
    ///
    /// # Errors
    /// Where the planner is not there.
    pub fn begin_stream(&self, group: GroupId, handle: Handle, start: StreamStart) -> Result<(), ProgramError> {
        self.lateness(group).begin();
        self.begin_with(group, handle, Start::Stream(Box::new(start)))
    }

    fn begin_with(&self, group: GroupId, handle: Handle, start: Start) -> Result<(), ProgramError> {
        let counts = Arc::new(Counts::of(handle));
        *self.newest[group.index()].lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&counts);
        self.post(Message::Begin { group, counts, start })
    }

    /// How a stream of a group would begin now, and what its points are checked against.
    pub fn stream(&self, group: GroupId, reserve: Reserve) -> (StreamStart, StreamGround) {
        let begin = self.start(group);
        let Ground { limits, soft_limits, .. } = self.ground(group, &begin);
        let start = StreamStart { place: begin.place, period_s: begin.axes.period_s, reserve };
        let ground = StreamGround::new(&start, limits, soft_limits);
        (start, ground)
    }

    /// Points of a stream that fit now.
    pub fn stream_room(&self, group: GroupId) -> usize {
        room(&self.newest(group), MAX_STREAM_POINTS)
    }

    /// How late points of a group's streams came.
    pub fn lateness(&self, group: GroupId) -> &Lateness {
        &self.lateness[group.index()]
    }

    /// Elements that fit now.
    pub fn room(&self, group: GroupId) -> usize {
        room(&self.newest(group), MAX_PROGRAM_ELEMENTS)
    }

    /// Elements that the program has got since it began.
    pub fn taken(&self, group: GroupId) -> u64 {
        self.newest(group).taken.load(Ordering::Relaxed)
    }

    /// The program is planned to its end, which was given.
    pub fn planned(&self, group: GroupId) -> bool {
        self.newest(group).planned.load(Ordering::Relaxed)
    }

    /// Elements of a program, all of them or none. Returns how many more fit.
    ///
    /// # Errors
    /// Where they are not taken.
    pub fn append(&self, group: GroupId, handle: Handle, elements: Vec<Element>) -> Result<usize, ProgramError> {
        let given = elements.len();
        self.append_batch(group, handle, (given, MAX_PROGRAM_ELEMENTS), Batch::Elements(elements))
    }

    /// Nodes of a stream, likewise, where no more than `most` wait then.
    ///
    /// # Errors
    /// Where they are not taken.
    pub fn append_nodes(
        &self,
        group: GroupId,
        handle: Handle,
        nodes: Vec<Node>,
        most: usize,
    ) -> Result<usize, ProgramError> {
        let given = nodes.len();
        self.append_batch(group, handle, (given, most), Batch::Nodes(nodes))
    }

    fn append_batch(
        &self,
        group: GroupId,
        handle: Handle,
        (given, most): (usize, usize),
        batch: Batch,
    ) -> Result<usize, ProgramError> {
        let counts = self.running(group, handle)?;
        let room = room(&counts, most);
        if given > room {
            return Err(ProgramError::Full { given, room });
        }
        counts.waiting.fetch_add(given as u64, Ordering::Relaxed);
        match self.post(Message::Append { group, handle, batch }) {
            Ok(()) => {
                counts.taken.fetch_add(given as u64, Ordering::Relaxed);
                Ok(room - given)
            }
            Err(error) => {
                counts.waiting.fetch_sub(given as u64, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Nothing follows: the program ends with what it has.
    ///
    /// # Errors
    /// Where the program has ended before.
    pub fn end(&self, group: GroupId, handle: Handle) -> Result<(), ProgramError> {
        self.running(group, handle)?;
        self.post(Message::End { group, handle })
    }

    fn running(&self, group: GroupId, handle: Handle) -> Result<Arc<Counts>, ProgramError> {
        let counts = self.newest(group);
        let runs = counts.handle == handle && !counts.ended.load(Ordering::Relaxed);
        if runs { Ok(counts) } else { Err(ProgramError::Ended) }
    }

    fn post(&self, message: Message) -> Result<(), ProgramError> {
        self.sender.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => ProgramError::Busy,
            TrySendError::Disconnected(_) => ProgramError::Unavailable,
        })
    }
}

fn room(counts: &Counts, most: usize) -> usize {
    most.saturating_sub(counts.waiting.load(Ordering::Relaxed) as usize)
}
