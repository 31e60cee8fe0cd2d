//! The gateway's state and its round: reports and events out, requests in.
//!
//! The state lives outside the loop that may panic. Each step leaves it such that [`GatewayState::recover`] can tell
//! what was done: a command is noted before it is sent, and a report leaves its ring after it was dealt with (dealing
//! with it twice changes nothing).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam::channel::Receiver;
use tokio::sync::{oneshot, watch};

use crate::exchange::GatewayEnds;
use crate::exchange::command::{Command, Request};
use crate::exchange::event::{Event, EventKind, Report, Subject, Verdict};
use crate::exchange::histogram::Recorder;
use crate::exchange::pool::SlotAddress;
use crate::exchange::stop::StopBoard;
use crate::ids::Handle;
use crate::limits::{
    CYCLE_PATIENCE_NS, EVENT_LOG, EVENT_RING, GATEWAY_POLL_NS, GATEWAY_QUEUE, GATEWAY_QUICK_POLL_NS,
    MAX_OUTSTANDING_COMMANDS, REPORT_RING,
};
use crate::motion::Reason;
use crate::service::{Beat, Place, Sabotage};

use super::client::{Claim, Message};
use super::counts::{Counts, Depths, Outcome};
use super::event_log::EventLog;
use super::in_force::{InForce, ParameterChange};
use super::jog_order::JogOrder;
use super::lease::{LeaseRequest, LeaseToken, Leases, Loss, LossPolicy};
use super::ledger::{Ledger, Pool, Record, Stage};
use super::machine::MachineDescription;
use super::presence::Presence;
use super::refusal::{Refusal, Rejected};
use super::replay::Admission;
use super::status::{CommandState, CommandStatus};
use super::submission::{self, Accepted, GroupMove, Method, Order, Submission};

/// Everything that the gateway knows. One thread at a time runs it; after a panic the next finds all of it.
pub struct GatewayState {
    pub(super) machine: Arc<MachineDescription>,
    pub(super) ends: GatewayEnds,
    pub(super) inbox: Receiver<Message>,
    pub(super) ledger: Ledger,
    pub(super) leases: Leases,
    pub(super) jogs: JogOrder,
    pub(super) events: EventLog,
    pub(super) last_event: watch::Sender<u64>,
    pub(super) in_force: watch::Sender<Vec<InForce>>,
    pub(super) counts: Counts,
    pub(super) answer_latency: Recorder,
    pub(super) sabotage: Sabotage,
    /// The newest handle given out.
    pub(super) handle: Handle,
    /// A request that came while the gateway slept; nothing was done about it yet.
    pub(super) in_hand: Option<Message>,
}

impl GatewayState {
    /// Serves until `stop`, a round at least every [`GATEWAY_POLL_NS`]; `now_ns` reads CLOCK_MONOTONIC.
    pub fn run(&mut self, beat: &Beat, stop: &AtomicBool, now_ns: impl Fn() -> u64) {
        self.recover();
        while !stop.load(Ordering::Relaxed) {
            beat.tick();
            // The cycle signals nobody, so its answers are looked for.
            let wait_ns = if self.ledger.is_waiting() { GATEWAY_QUICK_POLL_NS } else { GATEWAY_POLL_NS };
            if self.in_hand.is_none() {
                self.in_hand = self.inbox.recv_timeout(Duration::from_nanos(wait_ns)).ok();
            }
            self.poll_once(now_ns());
        }
    }

    /// One round. Bounded: what the rings and the inbox hold at most.
    pub fn poll_once(&mut self, now_ns: u64) {
        self.sabotage.pass(Place::Loop);
        self.take_reports(now_ns);
        self.take_events();
        if let Some(message) = self.in_hand.take() {
            self.answer(message, now_ns);
        }
        for _ in 0..GATEWAY_QUEUE {
            let Ok(message) = self.inbox.try_recv() else { break };
            self.answer(message, now_ns);
        }
        self.end_silence(now_ns);
        self.lose_leases(now_ns);
        self.counts.set_depths(Depths {
            outstanding: self.ledger.depth(),
            command_ring: self.ends.commands.depth(),
            report_ring: self.ends.reports.depth(),
            event_ring: self.ends.events.depth(),
            targets: self.ends.targets.claimed(),
            inbox: self.inbox.len(),
        });
        let _dropped = self.sabotage.dropped();
    }

    /// Puts in order what a panic left: a command that was noted but not sent is refused, one that was sent is waited
    /// for, and slots that no command holds are free again. Changes nothing after an orderly end.
    pub fn recover(&mut self) {
        let sent = self.ends.commands.last_sent();
        let noted: Vec<Handle> =
            self.ledger.records().filter(|r| r.stage == Stage::Sending).map(|r| r.handle).collect();
        for handle in noted {
            match self.ledger.get(handle) {
                Some(record) if handle <= sent => record.stage = Stage::Sent,
                _ => self.give_up(handle, Refusal::Interrupted),
            }
        }
        let held = self.ledger.slots();
        self.ends.targets.reclaim(|slot| held.contains(&(Pool::Targets, slot)));
        self.ends.figures.reclaim(|slot| held.contains(&(Pool::Figures, slot)));
        let Self { leases, ledger, .. } = self;
        leases.interrupt(|token, id| ledger.records().any(|record| record.numbered == Some((token, id))));
    }

    /// Goes on after the events of the daemon's life before; to be called before it runs. The first event tells of this
    /// start: `known` is the last of those that are still known.
    pub fn continue_events(&mut self, after: u64, known: u64, clean: bool, now_ns: u64) {
        self.events = EventLog::after(after, EVENT_LOG);
        self.events.append(Event { cycle: 0, time_ns: now_ns, kind: EventKind::Started { clean, known } });
        self.last_event.send_replace(self.events.last());
    }

    /// Whom tests ask to make it fail.
    pub fn sabotage(&self) -> &Sabotage {
        &self.sabotage
    }

    fn take_reports(&mut self, now_ns: u64) {
        for _ in 0..REPORT_RING {
            let Some(report) = self.ends.reports.peek() else { return };
            self.sabotage.pass(Place::Reporting);
            self.take_report(report, now_ns);
            self.sabotage.pass(Place::Reported);
            self.ends.reports.advance();
        }
    }

    /// Twice the same report changes nothing more. Reports of unknown handles are of commands that ended.
    fn take_report(&mut self, report: Report, now_ns: u64) {
        let Report { handle, cycle, verdict } = report;
        match verdict {
            Verdict::Accepted => self.accept(handle, cycle, now_ns),
            Verdict::Rejected(rejection) => {
                let Some(record) = self.ledger.get(handle) else { return };
                self.answer_latency.record(now_ns.saturating_sub(record.sent_ns));
                let rejected = Rejected::new(rejection, cycle, &record.order, record.concern, &self.machine);
                self.give_up(handle, Refusal::Rejected(Box::new(rejected)));
            }
            Verdict::Progress(progress) => {
                self.accept(handle, cycle, now_ns);
                let status = CommandStatus { state: progress.into(), cycle };
                let Some(record) = self.ledger.get(handle) else { return };
                if record.status == Some(status) {
                    return;
                }
                record.status = Some(status);
                if let Some(watch) = &record.watch {
                    watch.send_replace(status);
                }
                if status.state.is_end() {
                    self.counts.add(record.method, outcome_of_end(status.state));
                    self.ledger.end(handle, status);
                }
            }
        }
    }

    fn accept(&mut self, handle: Handle, cycle: u64, now_ns: u64) {
        let Some(record) = self.ledger.get(handle) else { return };
        if record.stage == Stage::Accepted {
            return;
        }
        if let Order::Parameters(change) = &record.order {
            self.in_force.send_modify(|axes| {
                if let Some(axis) = axes.get_mut(change.axis.index()) {
                    axis.accept(handle, change);
                }
            });
        }
        record.stage = Stage::Accepted;
        record.status = Some(CommandStatus { state: CommandState::Accepted, cycle });
        self.answer_latency.record(now_ns.saturating_sub(record.sent_ns));
        self.counts.add(record.method, Outcome::Accepted);
        let answer = Ok(Accepted { handle, cycle });
        if let Some((token, request_id)) = record.numbered {
            self.leases.answered(token, request_id, &answer);
        }
        if let Some(requester) = record.requester.take() {
            // A requester that is gone misses nothing that it could still read.
            let _ = requester.send(answer);
        }
        if let Some(slot) = record.slot.take() {
            // The cycle has freed it; a slot that it left claimed would be lost.
            withdraw(&mut self.ends, slot);
        }
    }

    /// Ends a command that is not carried out.
    fn give_up(&mut self, handle: Handle, refusal: Refusal) {
        let Some(record) = self.ledger.remove(handle) else { return };
        self.counts.add(record.method, outcome_of_refusal(&refusal));
        if let Some(slot) = record.slot {
            withdraw(&mut self.ends, slot);
        }
        let answer = Err(refusal);
        if let Some((token, request_id)) = record.numbered {
            self.leases.answered(token, request_id, &answer);
        }
        if let Some(requester) = record.requester {
            let _ = requester.send(answer);
        }
    }

    fn take_events(&mut self) {
        for _ in 0..EVENT_RING {
            let Some(event) = self.ends.events.receive() else { break };
            self.events.append(event);
            if let EventKind::FaultRaised { fault, subject: Subject::Axis(axis), .. } = event.kind {
                self.counts.add_fault(axis, fault);
            }
        }
        if *self.last_event.borrow() != self.events.last() {
            self.last_event.send_replace(self.events.last());
        }
    }

    fn answer(&mut self, message: Message, now_ns: u64) {
        match message {
            Message::Submit { submission, claim, reply } => self.submit(submission, &claim, reply, now_ns),
            Message::Watch { handle, reply } => tell(reply, self.ledger.watch(handle)),
            Message::Events { after, max, reply } => tell(reply, self.events.read(after, max)),
            Message::Acquire { request, presence, take_over, reply } => {
                // A client that waits no longer would not know its token.
                if !reply.is_closed() {
                    let given = self.give_lease(request, presence.as_ref(), take_over, now_ns);
                    if let Err(Ok(token)) = reply.send(given) {
                        let _ = self.leases.release(token);
                    }
                }
            }
            Message::Renew { token, presence, reply } => {
                tell(reply, self.leases.renew(token, presence.as_ref(), now_ns));
            }
            Message::Release { token, reply } => tell(reply, self.leases.release(token)),
            Message::Leases { reply } => tell(reply, self.leases.list(now_ns)),
        }
    }

    fn give_lease(
        &mut self,
        request: LeaseRequest,
        presence: Option<&Presence>,
        take_over: bool,
        now_ns: u64,
    ) -> Result<LeaseToken, Refusal> {
        // What has ended by now is in nobody's way.
        self.lose_leases(now_ns);
        if !take_over {
            return self.leases.acquire(request, presence, &self.machine, now_ns);
        }
        let stops = &self.ends.stops;
        self.leases.take_over(request, presence, &self.machine, now_ns, |loss| deal_with(loss, stops))
    }

    fn submit(
        &mut self,
        submission: Submission,
        claim: &Claim,
        reply: oneshot::Sender<Result<Accepted, Refusal>>,
        now_ns: u64,
    ) {
        let Submission { order, lease, request_id, presence, sent_at_ns } = submission;
        let (method, concern) = submission::describe(&order);
        if !claim.take() {
            self.counts.add(method, Outcome::Abandoned);
            return;
        }
        // A hold is for everyone, as a stop is; to go on is not.
        let holds = lease.is_none() && matches!(order, Order::Request(Request::GroupInterrupt { .. }));
        let mut permitted = || self.leases.permit(concern, lease, presence.as_ref(), &self.machine, now_ns);
        if !holds && let Err(refusal) = permitted() {
            return self.refuse(method, refusal, reply);
        }
        let numbered = lease.zip(request_id);
        if let Some((token, request_id)) = numbered {
            match self.leases.admit(token, request_id, &order) {
                Admission::New => {}
                Admission::Replay(answer) => return tell(reply, answer),
                Admission::Refused(refusal) => return self.refuse(method, refusal, reply),
            }
        }
        let handle = Handle(self.handle.0 + 1);
        let record = Record {
            handle,
            order,
            method,
            concern,
            slot: None,
            stage: Stage::Sending,
            sent_ns: now_ns,
            deadline_ns: now_ns + CYCLE_PATIENCE_NS,
            requester: Some(reply),
            numbered,
            jog_sent_ns: sent_at_ns,
            status: None,
            watch: None,
        };
        self.handle = handle;
        let full = self.ledger.is_full();
        // From here on the command is answered for, whatever happens.
        self.ledger.insert(record);
        let sent = if full { Err(outstanding_full()) } else { self.send(handle) };
        match sent {
            Ok(()) => self.sabotage.pass(Place::Passed),
            Err(refusal) => return self.give_up(handle, refusal),
        }
        if let Some(record) = self.ledger.get(handle) {
            record.stage = Stage::Sent;
        }
    }

    /// Puts a noted command into the ring.
    fn send(&mut self, handle: Handle) -> Result<(), Refusal> {
        if let Some(refusal) = self.overtaken(handle) {
            return Err(refusal);
        }
        let Some(record) = self.ledger.get(handle) else { return Err(Refusal::Interrupted) };
        let request = match &record.order {
            Order::Request(request) => {
                if let (Request::Jog { axis, .. }, Some(sent_at_ns)) = (request, record.jog_sent_ns) {
                    self.jogs.check(*axis, sent_at_ns, &self.machine)?;
                }
                *request
            }
            Order::GroupMove(order) => {
                check_targets(order, &self.machine)?;
                let slot = self.ends.targets.claim(&order.targets);
                let Some(slot) = slot else {
                    let capacity = self.ends.targets.capacity();
                    return Err(Refusal::QueueFull { queue: "targets", depth: capacity, capacity });
                };
                self.sabotage.pass(Place::Claimed);
                record.slot = Some((Pool::Targets, slot));
                group_request(order, slot)
            }
            Order::Path(begin) => {
                let slot = self.ends.targets.claim(&begin.start);
                let Some(slot) = slot else {
                    let capacity = self.ends.targets.capacity();
                    return Err(Refusal::QueueFull { queue: "targets", depth: capacity, capacity });
                };
                self.sabotage.pass(Place::Claimed);
                record.slot = Some((Pool::Targets, slot));
                Request::GroupPath {
                    group: begin.group,
                    buffer: begin.buffer,
                    epoch: handle.0 as u32,
                    slot: slot.index,
                    slot_generation: slot.generation,
                    joins: begin.joins.map(|before| before.0 as u32),
                    stream: begin.stream,
                }
            }
            Order::Parameters(change) => {
                let slot = self.ends.figures.claim(&change.figures.to_values());
                let Some(slot) = slot else {
                    let capacity = self.ends.figures.capacity();
                    return Err(Refusal::QueueFull { queue: "figures", depth: capacity, capacity });
                };
                self.sabotage.pass(Place::Claimed);
                record.slot = Some((Pool::Figures, slot));
                Request::SetFigures { axis: change.axis, slot: slot.index, slot_generation: slot.generation }
            }
        };
        self.sabotage.pass(Place::Taken);
        let full = |full: crate::exchange::ring::Full| Refusal::QueueFull {
            queue: "commands",
            depth: full.depth,
            capacity: full.capacity,
        };
        self.ends.commands.send(Command { handle, request }).map_err(full)?;
        self.jogs.note(&record.order, record.concern, record.jog_sent_ns, record.sent_ns, &self.machine);
        Ok(())
    }

    /// Why a change of parameters was made from others than will be in force, if so: changes of one axis follow each other.
    fn overtaken(&mut self, handle: Handle) -> Option<Refusal> {
        let Order::Parameters(change) = &self.ledger.get(handle)?.order else { return None };
        let ParameterChange { axis, base, .. } = &**change;
        let (axis, base) = (*axis, base.clone());
        let of_axis = |record: &Record| matches!(&record.order, Order::Parameters(change) if change.axis == axis);
        let others = |record: &&mut Record| record.handle != handle && record.stage != Stage::Accepted;
        let under_way = self.ledger.records().filter(others).any(|record| of_axis(record));
        let stale = self.in_force.borrow().get(axis.index()).is_some_and(|in_force| in_force.overrides != base);
        if !under_way && !stale {
            return None;
        }
        let axis = self.machine.axes.get(axis.index()).map(|axis| axis.name.clone()).unwrap_or_default();
        Some(Refusal::ParametersOvertaken { axis })
    }

    fn refuse(&mut self, method: Method, refusal: Refusal, reply: oneshot::Sender<Result<Accepted, Refusal>>) {
        self.counts.add(method, outcome_of_refusal(&refusal));
        tell(reply, Err(refusal));
    }

    /// Withdraws commands that the cycle does not take, and no longer waits for those that it took without a word.
    fn end_silence(&mut self, now_ns: u64) {
        let late: Vec<(Handle, Stage)> = self
            .ledger
            .records()
            .filter(|record| matches!(record.stage, Stage::Sent | Stage::Taken) && now_ns >= record.deadline_ns)
            .map(|record| (record.handle, record.stage))
            .collect();
        for (handle, stage) in late {
            if self.ends.commands.withdraw(handle) {
                self.give_up(handle, Refusal::CycleSilent { waited_ms: CYCLE_PATIENCE_NS / 1_000_000 });
                continue;
            }
            let Some(record) = self.ledger.get(handle) else { continue };
            if stage == Stage::Sent {
                // Taken a moment ago, perhaps: the answer is on its way.
                record.stage = Stage::Taken;
                record.deadline_ns = now_ns + CYCLE_PATIENCE_NS / 2;
                continue;
            }
            record.stage = Stage::Doubtful;
            self.counts.add(record.method, Outcome::Silent);
            let answer = Err(Refusal::Unknown { handle: Some(handle) });
            if let Some((token, request_id)) = record.numbered {
                self.leases.answered(token, request_id, &answer);
            }
            if let Some(requester) = record.requester.take() {
                let _ = requester.send(answer);
            }
        }
    }

    fn lose_leases(&mut self, now_ns: u64) {
        while let Some(loss) = self.leases.expire(now_ns) {
            deal_with(loss, &self.ends.stops);
        }
    }
}

/// Does what the holder of a lease has chosen for its loss; the stop comes before anything that could fail.
fn deal_with(Loss { cause, epoch, request }: Loss, stops: &StopBoard) {
    let LeaseRequest { scope, policy, holder, uid, pid, .. } = request;
    if policy == LossPolicy::Stop {
        stops.request(scope);
    }
    tracing::warn!(name: "lease_lost", ?cause, holder, uid, pid, epoch, ?scope, ?policy, "a lease was lost");
}

/// A requester that is gone needs no answer.
fn tell<T>(reply: oneshot::Sender<T>, answer: T) {
    let _ = reply.send(answer);
}

fn outstanding_full() -> Refusal {
    let capacity = MAX_OUTSTANDING_COMMANDS;
    Refusal::QueueFull { queue: "outstanding", depth: capacity, capacity }
}

fn withdraw(ends: &mut GatewayEnds, (pool, slot): (Pool, SlotAddress)) {
    match pool {
        Pool::Targets => ends.targets.withdraw(slot),
        Pool::Figures => ends.figures.withdraw(slot),
    };
}

/// The cycle sees slots of a fixed length, so it cannot tell.
fn check_targets(order: &GroupMove, machine: &MachineDescription) -> Result<(), Refusal> {
    let Some(group) = machine.groups.get(order.group.index()) else {
        return Err(Refusal::Rejected(Box::new(Rejected::known(Reason::NoSuchGroup))));
    };
    let (found, allowed) = (order.targets.len(), group.axes.len());
    if found == allowed {
        return Ok(());
    }
    Err(Refusal::TargetCount { group: group.name.clone(), found, allowed })
}

fn group_request(order: &GroupMove, slot: SlotAddress) -> Request {
    Request::GroupMove {
        group: order.group,
        shape: order.shape,
        slot: slot.index,
        slot_generation: slot.generation,
        relative: order.relative,
        dynamics: order.dynamics,
        buffer: order.buffer,
    }
}

fn outcome_of_refusal(refusal: &Refusal) -> Outcome {
    match refusal {
        Refusal::Rejected(_) => Outcome::Rejected,
        Refusal::QueueFull { .. } => Outcome::QueueFull,
        Refusal::CycleSilent { .. } | Refusal::Unknown { .. } => Outcome::Silent,
        Refusal::Interrupted | Refusal::Unavailable => Outcome::Interrupted,
        Refusal::TargetCount { .. }
        | Refusal::LeaseHeld { .. }
        | Refusal::LeaseRequired { .. }
        | Refusal::NoSuchLease
        | Refusal::TooManyLeases { .. }
        | Refusal::LeaseTime { .. }
        | Refusal::HolderLength { .. }
        | Refusal::JogOvertaken { .. }
        | Refusal::ParametersOvertaken { .. }
        | Refusal::RequestPending { .. }
        | Refusal::RequestIdReused { .. }
        | Refusal::RequestIdOld { .. } => Outcome::Refused,
    }
}

fn outcome_of_end(state: CommandState) -> Outcome {
    match state {
        CommandState::Aborted => Outcome::Aborted,
        CommandState::Failed(_) => Outcome::Failed,
        CommandState::Accepted | CommandState::Active | CommandState::Done => Outcome::Done,
    }
}
