//! Where programs are handed in.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam::channel::{Sender, TrySendError};
use tokio::sync::watch;

use super::draft::Ground;
use super::plan::{Batch, Plan};
use super::runner::Message;
use super::stream::{StreamGround, StreamStart};
use super::{Counts, Lateness, Near};
use crate::gateway::{self, CommandStatus};
use crate::ids::{AxisId, GroupId, Handle};
use crate::kinematics::Unreachable;
use crate::limits::{MAX_PROGRAM_BATCHES, MAX_PROGRAM_ELEMENTS, MAX_STREAM_POINTS};
use crate::planner::points::Node;
use crate::planner::program::{Corner, Element, Point};
use crate::planner::reserve::Reserve;
use crate::planner::{Mechanism, PathAxes, PathOrder, Planner, Walk};

/// Where and with which axes a program begins.
#[derive(Clone, Debug)]
pub struct ProgramStart {
    /// One value an axis of the group, in its order, axis coordinates.
    pub place: Vec<f64>,
    /// The same in the order and coordinates of programs: of the axes, or of the tool.
    pub programmed: Vec<f64>,
    /// The group's axes as the planner has them.
    pub axes: PathAxes,
    /// Which coordinate is which.
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
                let ProgramStart { place, axes, order, .. } = *start;
                let order = axes.mechanism.is_none().then_some(order);
                let mut at = Point::default();
                at.iter_mut().zip(&place).for_each(|(to, from)| *to = *from);
                let at = order.as_ref().map_or(at, |order| order.to_planner(&place));
                let planner = Box::new(Planner::new(axes, at, epoch));
                Plan::Path { planner, order, waiting: VecDeque::new() }
            }
            Start::Stream(start) => start.plan(epoch),
        }
    }
}

/// Why elements are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramError {
    /// The program was given to its end, has ended, or never was.
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
    /// The machine cannot follow what it has: the path rests on the way.
    Obstacle {
        /// The line of the program.
        line: u64,
    },
}

impl fmt::Display for ProgramError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProgramError::Ended => {
                write!(
                    out,
                    "this program takes nothing more: it was given to its End, has ended, as its command says, or another one goes on from it"
                )
            }
            ProgramError::Full { given, room } => {
                write!(out, "{given} elements were given and {room} fit now: give fewer, or wait")
            }
            ProgramError::Busy => write!(out, "{MAX_PROGRAM_BATCHES} batches wait for the planner: give larger ones"),
            ProgramError::Obstacle { line } => {
                write!(out, "the machine cannot follow line {line}, and rests before it: halt the group and begin anew")
            }
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
        let at = start.order.to_planner(&start.programmed);
        let order = start.order.clone();
        let fastest = self.client.description().groups[group.index()].path_limits.velocity;
        if let Some(mechanism) = &start.axes.mechanism {
            let mut joints = Point::default();
            joints.iter_mut().zip(&start.place).for_each(|(to, from)| *to = *from);
            let walk = Some(Walk::new(mechanism.clone(), joints));
            return Ground { fastest, soft_limits: vec![None; order.count()], at, order, walk };
        }
        let in_force = self.client.in_force();
        let axes = &self.client.description().groups[group.index()].axes;
        let of = |axis: &AxisId| &in_force[axis.index()].figures.motion;
        Ground { fastest, soft_limits: axes.iter().map(|axis| of(axis).soft_limits).collect(), at, order, walk: None }
    }

    /// How a program of a group would begin now: where its axes are, with the limits that are in force.
    ///
    /// # Errors
    /// Where its tool has no place that could be told.
    pub fn start(&self, group: GroupId) -> Result<ProgramStart, Unreachable> {
        let snapshot = self.client.snapshot();
        let axes = &self.client.description().groups[group.index()].axes;
        self.start_at(group, axes.iter().map(|axis| snapshot.axes[axis.index()].setpoint).collect())
    }

    /// The same where its axes are at `place`: one value an axis, in the group's order.
    ///
    /// # Errors
    /// Likewise.
    pub fn start_at(&self, group: GroupId, place: Vec<f64>) -> Result<ProgramStart, Unreachable> {
        let machine = self.client.description();
        let in_force = self.client.in_force();
        let description = &machine.groups[group.index()];
        let figures = |axis: &AxisId| &in_force[axis.index()].figures.motion;
        let period_s = machine.period_ns as f64 * 1e-9;
        let limits: Vec<_> = description.axes.iter().map(|axis| figures(axis).limits).collect();
        let soft_limits: Vec<_> = description.axes.iter().map(|axis| figures(axis).soft_limits).collect();
        let tool = Some(description.path_limits);
        let Some(of_tool) = &description.tool else {
            let units: Vec<_> = description.axes.iter().map(|axis| machine.axes[axis.index()].unit).collect();
            let order = PathOrder::new(&units);
            let axes = PathAxes { tool, ..order.axes(&limits, &soft_limits, period_s) };
            return Ok(ProgramStart { programmed: place.clone(), place, axes, order });
        };
        let mechanism = Mechanism::new(of_tool, soft_limits);
        let order = mechanism.order.clone();
        let programmed = mechanism.tool(&place)?[..order.count()].to_vec();
        let axes = PathAxes { tool, mechanism: Some(mechanism), ..PathAxes::new(limits, order.linear, period_s) };
        Ok(ProgramStart { place, programmed, axes, order })
    }

    /// The command `handle` was accepted: its program begins.
    ///
    /// # Errors
    /// Where the planner is not there.
    pub fn begin(&self, group: GroupId, handle: Handle, start: ProgramStart) -> Result<(), ProgramError> {
        self.begin_behind(group, handle, start, None)
    }

    /// The same behind other moves of the group: `command` tells when it has ended, should it never have its turn.
    ///
    /// # Errors
    /// Where the planner is not there.
    pub fn begin_behind(
        &self,
        group: GroupId,
        handle: Handle,
        start: ProgramStart,
        command: Option<watch::Receiver<CommandStatus>>,
    ) -> Result<(), ProgramError> {
        self.begin_with(group, handle, Start::Path(Box::new(start)), command)
    }

    /// The same on the path of program `before`, which takes nothing more: it goes on from there without a rest, where `corner` is how that ends, if not as it says.
    ///
    /// # Errors
    /// Where the planner is not there.
    pub fn join(
        &self,
        (group, before): (GroupId, Handle),
        handle: Handle,
        corner: Option<Corner>,
        command: Option<watch::Receiver<CommandStatus>>,
    ) -> Result<(), ProgramError> {
        let counts = Arc::new(Counts::of(handle));
        self.post(Message::Join { group, before, counts: Arc::clone(&counts), corner, command })?;
        *self.newest[group.index()].lock().unwrap_or_else(PoisonError::into_inner) = counts;
        Ok(())
    }

    /// The same of a stream.
    ///
    /// # Errors
    /// Where the planner is not there.
    pub fn begin_stream(&self, group: GroupId, handle: Handle, start: StreamStart) -> Result<(), ProgramError> {
        self.lateness(group).begin();
        self.begin_with(group, handle, Start::Stream(Box::new(start)), None)
    }

    fn begin_with(
        &self,
        group: GroupId,
        handle: Handle,
        start: Start,
        command: Option<watch::Receiver<CommandStatus>>,
    ) -> Result<(), ProgramError> {
        let counts = Arc::new(Counts::of(handle));
        *self.newest[group.index()].lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&counts);
        self.post(Message::Begin { group, counts, start, command })
    }

    /// The program of this command is the group's newest, and has not ended.
    pub fn runs(&self, group: GroupId, handle: Handle) -> bool {
        self.running(group, handle).is_ok()
    }

    /// That program takes elements.
    ///
    /// # Errors
    /// Where it does not.
    pub fn check_open(&self, group: GroupId, handle: Handle) -> Result<(), ProgramError> {
        self.open(group, handle).map(|_| ())
    }

    /// How a stream of a group would begin now, and what its points are checked against: its axes, also where they are joints.
    pub fn stream(&self, group: GroupId, reserve: Reserve) -> (StreamStart, StreamGround) {
        let machine = self.client.description();
        let (snapshot, in_force) = (self.client.snapshot(), self.client.in_force());
        let axes = &machine.groups[group.index()].axes;
        let figures = |axis: &AxisId| &in_force[axis.index()].figures.motion;
        let place = axes.iter().map(|axis| snapshot.axes[axis.index()].setpoint).collect();
        let start = StreamStart { place, period_s: machine.period_ns as f64 * 1e-9, reserve };
        let limits = axes.iter().map(|axis| figures(axis).limits).collect();
        let soft_limits = axes.iter().map(|axis| figures(axis).soft_limits).collect();
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

    /// The command of the group's newest program, which what is told of programs here is of.
    pub fn newest_program(&self, group: GroupId) -> Option<Handle> {
        Some(self.newest(group).handle).filter(|handle| *handle != Handle::NONE)
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

    /// The singularity that the planned part of the program comes nearest to.
    pub fn nearest(&self, group: GroupId) -> Option<Near> {
        self.newest(group).near()
    }

    /// The line from which on the machine cannot follow the program.
    pub fn obstacle(&self, group: GroupId) -> Option<u64> {
        self.newest(group).obstacle.load(Ordering::Relaxed).checked_sub(1)
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
        let counts = self.open(group, handle)?;
        let room = room(&counts, most);
        if given > room {
            return Err(ProgramError::Full { given, room });
        }
        counts.waiting.fetch_add(given as u64, Ordering::Relaxed);
        match self.check_room().and_then(|()| self.post(Message::Append { group, handle, batch })) {
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

    /// Nothing follows: the program ends with what it has, and takes nothing more, whenever the planner hears of it.
    ///
    /// # Errors
    /// Where the program has ended, or was given to its end, before.
    pub fn end(&self, group: GroupId, handle: Handle) -> Result<(), ProgramError> {
        let counts = self.open(group, handle)?;
        self.check_room()?;
        self.post(Message::End { group, handle })?;
        counts.given.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// What waits for the planner leaves room for more: who finds some before the cycle is asked to begin a program finds it afterwards, too.
    ///
    /// # Errors
    /// Where it does not.
    pub fn check_room(&self) -> Result<(), ProgramError> {
        if self.sender.len() < MAX_PROGRAM_BATCHES { Ok(()) } else { Err(ProgramError::Busy) }
    }

    /// What is known of the group's newest program, if that is of this command and has not ended.
    fn known(&self, group: GroupId, handle: Handle) -> Result<Arc<Counts>, ProgramError> {
        let counts = self.newest(group);
        let over = counts.handle != handle || counts.ended.load(Ordering::Relaxed);
        if over { Err(ProgramError::Ended) } else { Ok(counts) }
    }

    /// The same where the machine can follow it.
    fn running(&self, group: GroupId, handle: Handle) -> Result<Arc<Counts>, ProgramError> {
        let counts = self.known(group, handle)?;
        match self.obstacle(group) {
            Some(line) => Err(ProgramError::Obstacle { line }),
            None => Ok(counts),
        }
    }

    /// The same where it was not given to its end.
    fn open(&self, group: GroupId, handle: Handle) -> Result<Arc<Counts>, ProgramError> {
        if self.known(group, handle)?.given.load(Ordering::Relaxed) {
            return Err(ProgramError::Ended);
        }
        self.running(group, handle)
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
