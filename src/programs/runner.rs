//! Plans what was handed in, and keeps the cycle supplied.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam::channel::Receiver;
use tokio::sync::watch;

use super::Counts;
use super::desk::Start;
use super::member::{Member, Members};
use super::plan::{Batch, Plan, Planned};
use crate::gateway::{self, CommandStatus, GroupSnapshot, PieceSender};
use crate::geometry::Piece;
use crate::ids::{GroupId, Handle};
use crate::limits::{PROGRAM_ELEMENTS_PER_ROUND, PROGRAM_FLUSH_S, PROGRAM_INBOX, PROGRAM_PATIENCE_NS, PROGRAM_POLL_NS};
use crate::planner::program::Corner;
use crate::service::{Beat, Place, Sabotage};

/// What the desk hands in.
pub(super) enum Message {
    Begin {
        group: GroupId,
        counts: Arc<Counts>,
        start: Start,
        /// Where it waits behind others.
        command: Option<watch::Receiver<CommandStatus>>,
    },
    /// Goes on from program `before` without a rest, which ends with what it has. The cycle has taken it as that: where the planner has lost what it
    /// would go on from, it takes nothing, and ends with it.
    Join {
        group: GroupId,
        before: Handle,
        counts: Arc<Counts>,
        /// How what is before it ends.
        corner: Option<Corner>,
        command: Option<watch::Receiver<CommandStatus>>,
    },
    Append {
        group: GroupId,
        handle: Handle,
        batch: Batch,
    },
    End {
        group: GroupId,
        handle: Handle,
    },
}

/// A program under way, with those that are joined to it.
struct Program {
    members: Members,
    plan: Plan,
    /// A piece that found no room in the ring.
    in_hand: Option<Piece>,
    /// Nothing more is to come.
    ended: bool,
    /// The planner was told so.
    finished: bool,
    /// Something was planned since the last rest that was put in for want of more.
    open: bool,
    /// When something was handed in last, CLOCK_MONOTONIC.
    heard_ns: u64,
}

impl Program {
    fn new(member: Member, plan: Plan, now_ns: u64) -> Program {
        let (members, in_hand) = (Members::new(member), None);
        Program { members, plan, in_hand, ended: false, finished: false, open: false, heard_ns: now_ns }
    }

    /// All that it has is on its way to the cycle, and nothing more is to come.
    fn handed_over(&self) -> bool {
        self.finished && self.in_hand.is_none() && self.plan.ready() == 0 && !self.plan.is_busy()
    }
}

/// The planner's service. Its state outlives a panic, but for programs under way.
pub struct Runner {
    client: gateway::Client,
    inbox: Receiver<Message>,
    rings: Box<[PieceSender]>,
    /// Of each group, in their order: all but the first wait behind others.
    programs: Vec<VecDeque<Program>>,
    sabotage: Sabotage,
}

impl Runner {
    pub(super) fn new(client: gateway::Client, inbox: Receiver<Message>, rings: Box<[PieceSender]>) -> Runner {
        let programs = rings.iter().map(|_| VecDeque::new()).collect();
        Runner { client, inbox, rings, programs, sabotage: Sabotage::new() }
    }

    /// Whom tests ask to make it fail.
    pub fn sabotage(&self) -> &Sabotage {
        &self.sabotage
    }

    /// Serves until `stop`; `now_ns` reads CLOCK_MONOTONIC.
    pub fn run(&mut self, beat: &Beat, stop: &AtomicBool, now_ns: impl Fn() -> u64) {
        self.recover();
        while !stop.load(Ordering::Relaxed) {
            beat.tick();
            let busy = self.programs.iter().any(|programs| !programs.is_empty());
            let wait = if busy { PROGRAM_POLL_NS } else { 20 * PROGRAM_POLL_NS };
            if let Ok(message) = self.inbox.recv_timeout(Duration::from_nanos(wait)) {
                self.take(message, now_ns());
            }
            self.poll_once(now_ns());
        }
    }

    /// One round. Bounded by what was handed in and what rings hold.
    pub fn poll_once(&mut self, now_ns: u64) {
        self.sabotage.pass(Place::Loop);
        for _ in 0..PROGRAM_INBOX {
            let Ok(message) = self.inbox.try_recv() else { break };
            self.take(message, now_ns);
        }
        if self.programs.iter().any(|programs| !programs.is_empty()) {
            let groups = self.client.snapshot().groups;
            for (group, state) in groups.iter().enumerate() {
                self.advance(group, state, now_ns);
            }
        }
        let _dropped = self.sabotage.dropped();
    }

    /// What a panic left half-planned is not gone on with: the cycle rests on the path at the end of what it has.
    fn recover(&mut self) {
        for group in 0..self.programs.len() {
            self.forget(group);
        }
    }

    fn forget(&mut self, group: usize) {
        self.programs[group].drain(..).for_each(|program| program.members.close());
    }

    fn take(&mut self, message: Message, now_ns: u64) {
        match message {
            Message::Begin { group, counts, start, command } => {
                if command.is_none() {
                    // One before it ended with its command.
                    self.forget(group.index());
                }
                let plan = start.plan(counts.handle.0 as u32);
                let member = Member::new(counts, command, now_ns);
                self.programs[group.index()].push_back(Program::new(member, plan, now_ns));
            }
            Message::Join { group, before, counts, corner, command } => {
                let epoch = counts.handle.0 as u32;
                let member = Member::new(counts, command, now_ns);
                if let Some(program) = self.running(group, before).filter(|program| !program.ended)
                    && program.plan.join(epoch, corner)
                {
                    program.members.join(member);
                    program.heard_ns = now_ns;
                } else {
                    member.close();
                }
            }
            Message::Append { group, handle, batch } => {
                if let Some(program) = self.running(group, handle) {
                    program.plan.extend(batch);
                    program.heard_ns = now_ns;
                }
            }
            Message::End { group, handle } => {
                if let Some(program) = self.running(group, handle) {
                    program.ended = true;
                }
            }
        }
    }

    fn running(&mut self, group: GroupId, handle: Handle) -> Option<&mut Program> {
        self.programs[group.index()].iter_mut().find(|program| program.members.newest() == handle)
    }

    /// One round of one group's programs.
    fn advance(&mut self, group: usize, state: &GroupSnapshot, now_ns: u64) {
        let (programs, ring) = (&mut self.programs[group], &mut self.rings[group]);
        // One that waits may end before its turn.
        programs.retain_mut(|program| !program.members.are_over(state, now_ns));
        // Pieces come in the order of the programs.
        for program in programs {
            plan(program, ring, state, now_ns);
            if !program.handed_over() {
                break;
            }
        }
    }
}

/// One round of one program's planning.
fn plan(program: &mut Program, ring: &mut PieceSender, state: &GroupSnapshot, now_ns: u64) {
    // Bound: what is planned at a time, so that every group has its turn.
    for _ in 0..PROGRAM_ELEMENTS_PER_ROUND {
        if program.plan.is_busy() || program.plan.ready() > ring.capacity() {
            break;
        }
        match program.plan.advance() {
            None => break,
            Some(Planned::Part) => program.members.count_element(),
            Some(Planned::Program) => program.members.count_program(),
        }
        program.open = true;
    }
    if program.plan.is_idle() && !program.finished && !program.plan.is_busy() {
        // What is planned but held back for what follows is of use only until the cycle needs it.
        let silent = now_ns > program.heard_ns + PROGRAM_PATIENCE_NS / 2;
        let rests = state.path_velocity == 0.0;
        let low = if program.plan.holds_back() {
            rests || state.path_supply_s < PROGRAM_FLUSH_S
        } else {
            rests && state.starved && state.path_distance > 0.0
        };
        let needed = silent && program.open && ring.depth() == 0 && low;
        if program.ended || needed {
            program.plan.finish(program.ended);
            program.finished = program.ended;
            program.open = false;
        }
    }
    // Bound: the ring's capacity.
    while let Some(piece) = program.in_hand.take().or_else(|| program.plan.take()) {
        if ring.send(piece).is_err() {
            program.in_hand = Some(piece);
            break;
        }
    }
    program.members.set_planned(program.finished && !program.plan.is_busy());
    program.plan.tell(&program.members);
}
