//! What a bus does for its nodes beside the exchange: it configures those that have started, starts them, and carries out
//! what is asked from outside. One SDO at a time on the bus, one frame of it a cycle.
//!
//! ```text
//! Rest ─► Settle ─► Tasks ─► Starting ─► Rest     a node that nobody counts on, and that has started
//! Rest ─► Serving ─► Rest                          a request
//! ```

use super::connection::{SDO_REQUEST, identifier};
use super::frame::CanFrame;
use super::nmt::{Command, NmtState};
use super::node::{Node, Presence};
use super::plan::{Need, Plan, Task};
use super::requests::{Request, Requests};
use super::sdo::{Bytes, Download, Step, Transfer, TransferError, Upload};
use crate::fieldbus::modes::UnknownMode;
use crate::fieldbus::news::{BusNews, Obstacle};
use crate::fieldbus::sdo::Address;
use crate::limits::MAX_BUS_DEVICES;

/// How long a node may take for one answer, nanoseconds.
const ANSWER_NS: u64 = 500_000_000;
/// How long a request may take as a whole, nanoseconds.
const REQUEST_NS: u64 = 30_000_000_000;
/// How often an object is tried.
const ATTEMPTS: u32 = 3;
/// How long after its start a node is let be, nanoseconds: another one with its id will have started too by then.
const SETTLE_NS: u64 = 50_000_000;
/// How long a node may take to Operational, nanoseconds.
const START_NS: u64 = 2_000_000_000;
/// How long a node that failed is let be, nanoseconds.
const REST_NS: u64 = 2_000_000_000;
/// How often a node that is away is told to start, nanoseconds.
const CALL_NS: u64 = 1_000_000_000;

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Rest,
    Settle { since_ns: u64 },
    Task { number: usize, begun: bool },
    Starting { since_ns: u64, told: bool },
    Serving { since_ns: u64 },
}

/// Which of the two transfers of its own is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    Read,
    Write,
}

/// The attendant of one bus. What it does in a cycle is bounded by one look at each node and one frame.
pub struct Attendant {
    plans: Box<[Plan]>,
    requests: Requests,
    request: Option<Box<Request>>,
    doing: Doing,
    /// Whose turn it is.
    device: usize,
    own: Own,
    upload: Box<Upload>,
    download: Box<Download>,
    attempts: u32,
    /// What a transfer still has to say after its end.
    last_word: Option<CanFrame>,
    /// When the last frame was sent or taken.
    moved_ns: u64,
    /// Not before this, for each node.
    not_before_ns: [u64; MAX_BUS_DEVICES],
    called_ns: [u64; MAX_BUS_DEVICES],
    obstacles: [Option<Obstacle>; MAX_BUS_DEVICES],
    news: Option<BusNews>,
}

impl std::fmt::Debug for Attendant {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Attendant").field("doing", &self.doing).field("device", &self.device).finish_non_exhaustive()
    }
}

impl Attendant {
    /// For nodes with these plans; requests from outside come by `requests`.
    pub fn new(plans: Vec<Plan>, requests: Requests) -> Attendant {
        Attendant {
            plans: plans.into(),
            requests,
            request: None,
            doing: Doing::Rest,
            device: 0,
            own: Own::Write,
            upload: Box::new(Upload::new(Address::entry(0, 0), false)),
            download: Box::new(Download::nothing()),
            attempts: 0,
            last_word: None,
            moved_ns: 0,
            not_before_ns: [0; MAX_BUS_DEVICES],
            called_ns: [0; MAX_BUS_DEVICES],
            obstacles: [None; MAX_BUS_DEVICES],
            news: None,
        }
    }

    /// Tries what has failed again at once.
    pub fn hurry(&mut self) {
        self.not_before_ns = [0; MAX_BUS_DEVICES];
        self.called_ns = [0; MAX_BUS_DEVICES];
    }

    /// What is to be told.
    pub fn take_news(&mut self) -> Option<BusNews> {
        self.news.take()
    }

    /// What is in the way of a node.
    pub fn obstacle(&self, device: usize) -> Option<Obstacle> {
        self.obstacles.get(device).copied().flatten()
    }

    /// Goes on, and gives a frame to send. `unneeded` has a bit for each node that nobody counts on.
    pub fn next(&mut self, nodes: &mut [Node], unneeded: u64, now_ns: u64) -> Option<CanFrame> {
        if let Some(frame) = self.last_word.take() {
            return Some(frame);
        }
        match self.doing {
            Doing::Rest => self.choose(nodes, unneeded, now_ns),
            Doing::Settle { since_ns } => {
                let node = nodes.get(self.device)?;
                if node.boot_ups > 1 {
                    self.fail(nodes, Obstacle::Duplicate, now_ns);
                } else if now_ns >= since_ns + SETTLE_NS {
                    self.attempts = 0;
                    self.doing = Doing::Task { number: 0, begun: false };
                }
                None
            }
            Doing::Task { number, begun } => self.task(nodes, number, begun, now_ns),
            Doing::Starting { since_ns, told } => {
                let node = nodes.get_mut(self.device)?;
                if node.state == Some(NmtState::Operational) && told {
                    (node.presence, node.told) = (Presence::Configured, false);
                    self.obstacles[self.device] = None;
                    self.doing = Doing::Rest;
                    None
                } else if node.presence == Presence::Away || now_ns >= since_ns + START_NS {
                    self.fail(nodes, Obstacle::State { wanted: "Operational", code: 0 }, now_ns);
                    None
                } else if !told {
                    self.doing = Doing::Starting { since_ns, told: true };
                    // What it says before it was told does not count.
                    node.state = None;
                    Some(Command::Start.to(node.id))
                } else if node.guarded && node.state.is_none() && now_ns >= node.guard_ns {
                    node.guard_ns = now_ns + ANSWER_NS / 10;
                    Some(CanFrame::remote(identifier(super::connection::ERROR_CONTROL, node.id), 1))
                } else {
                    None
                }
            }
            Doing::Serving { since_ns } => self.serve(nodes, since_ns, now_ns),
        }
    }

    /// Takes an SDO frame of a node.
    pub fn take(&mut self, nodes: &mut [Node], node: u8, frame: &Bytes, now_ns: u64) {
        if nodes.get(self.device).is_none_or(|served| served.id != node) {
            return;
        }
        let Some(transfer) = self.transfer() else { return };
        let step = transfer.take(frame);
        if matches!(step, Step::Done | Step::Failed(_)) {
            let last = transfer.next();
            self.last_word = last.map(|bytes| CanFrame::data(identifier(SDO_REQUEST, node), &bytes));
        }
        if step != Step::NotForUs {
            self.moved_ns = now_ns;
        }
        match step {
            Step::Continue | Step::NotForUs => {}
            Step::Done => self.end(nodes, Ok(()), now_ns),
            Step::Failed(error) => self.end(nodes, Err(error), now_ns),
        }
    }

    /// The transfer that is under way.
    fn transfer(&mut self) -> Option<&mut dyn Transfer> {
        match self.doing {
            Doing::Serving { .. } => self.request.as_mut().map(|request| request.job.as_transfer()),
            Doing::Task { begun: true, .. } if self.own == Own::Read => Some(&mut *self.upload),
            Doing::Task { begun: true, .. } => Some(&mut *self.download),
            _ => None,
        }
    }

    /// Bounded by the nodes.
    fn choose(&mut self, nodes: &mut [Node], unneeded: u64, now_ns: u64) -> Option<CanFrame> {
        if let Some(request) = self.requests.receive() {
            let device = usize::from(request.device);
            if nodes.get(device).is_some_and(|node| node.presence != Presence::Away) {
                (self.device, self.request, self.moved_ns) = (device, Some(request), now_ns);
                self.doing = Doing::Serving { since_ns: now_ns };
                return self.serve(nodes, now_ns, now_ns);
            }
            self.requests.answer(request);
        }
        let count = nodes.len();
        for step in 1..=count {
            let device = (self.device + step) % count;
            let node = &mut nodes[device];
            if node.is_operational() || unneeded >> device & 1 == 0 || now_ns < self.not_before_ns[device] {
                continue;
            }
            match node.presence {
                Presence::Started if node.told => {
                    self.device = device;
                    self.doing = Doing::Settle { since_ns: now_ns };
                    return None;
                }
                // One that left Operational may have started anew unheard: what it holds is not known.
                Presence::Away | Presence::Started | Presence::Configured => {
                    if now_ns < self.called_ns[device] {
                        continue;
                    }
                    self.called_ns[device] = now_ns + CALL_NS;
                    (node.presence, node.told, node.boot_ups) = (Presence::Away, true, 0);
                    self.device = device;
                    return Some(Command::ResetCommunication.to(node.id));
                }
            }
        }
        None
    }

    fn task(&mut self, nodes: &mut [Node], number: usize, begun: bool, now_ns: u64) -> Option<CanFrame> {
        let node = nodes.get_mut(self.device)?;
        if node.boot_ups > 1 {
            // It started anew in between, or another one did.
            node.boot_ups = 1;
            self.doing = Doing::Settle { since_ns: now_ns };
            return None;
        }
        if node.presence == Presence::Away {
            self.fail(nodes, Obstacle::Silent, now_ns);
            return None;
        }
        let tasks = &self.plans[self.device].tasks;
        if !begun {
            // Bounded by the tasks: those that do not concern this node are passed over.
            let concerned = |task: &Task| match task {
                Task::Write { need: Need::WhereGuarded, .. } => node.guarded,
                Task::Write { need: Need::WhereNotGuarded, .. } => !node.guarded,
                _ => true,
            };
            let next = tasks.iter().enumerate().skip(number).find(|(_, task)| concerned(task));
            let Some((number, task)) = next else {
                self.doing = Doing::Starting { since_ns: now_ns, told: false };
                return None;
            };
            match task {
                Task::Check { .. } | Task::Mode(_) => {
                    self.own = Own::Read;
                    self.upload.ask(task.address());
                }
                Task::Write { write, .. } => {
                    self.own = Own::Write;
                    // A configured object is never longer than what is taken: the configuration was checked.
                    let _ = self.download.set(write.address, &write.value, false);
                }
            }
            (self.doing, self.moved_ns) = (Doing::Task { number, begun: true }, now_ns);
        }
        self.speak(nodes, now_ns)
    }

    fn serve(&mut self, nodes: &mut [Node], since_ns: u64, now_ns: u64) -> Option<CanFrame> {
        let away = nodes.get(self.device).is_none_or(|node| node.presence == Presence::Away);
        if away || now_ns >= since_ns + REQUEST_NS {
            self.end(nodes, Err(TransferError::Silent), now_ns);
            return None;
        }
        self.speak(nodes, now_ns)
    }

    /// The next frame of the transfer under way, or its end where no answer comes.
    fn speak(&mut self, nodes: &mut [Node], now_ns: u64) -> Option<CanFrame> {
        let address = identifier(SDO_REQUEST, nodes.get(self.device)?.id);
        let late = now_ns >= self.moved_ns + ANSWER_NS;
        let transfer = self.transfer()?;
        if let Some(bytes) = transfer.next() {
            self.moved_ns = now_ns;
            return Some(CanFrame::data(address, &bytes));
        }
        if !late {
            return None;
        }
        let error = transfer.abandon();
        let last = transfer.next();
        self.end(nodes, Err(error), now_ns);
        last.map(|bytes| CanFrame::data(address, &bytes))
    }

    /// The transfer under way has come to its end.
    fn end(&mut self, nodes: &mut [Node], result: Result<(), TransferError>, now_ns: u64) {
        match self.doing {
            Doing::Serving { .. } => {
                self.doing = Doing::Rest;
                if let Some(mut request) = self.request.take() {
                    request.result = Some(result);
                    self.requests.answer(request);
                }
            }
            Doing::Task { number, .. } => self.task_end(nodes, number, result, now_ns),
            _ => {}
        }
    }

    fn task_end(&mut self, nodes: &mut [Node], number: usize, result: Result<(), TransferError>, now_ns: u64) {
        let next = Doing::Task { number: number + 1, begun: false };
        let Some(task) = self.plans[self.device].tasks.get(number) else { return };
        let aborted = |error| if let TransferError::Aborted { code } = error { Some(code.0) } else { None };
        let obstacle = match (task, result) {
            (Task::Check { what, expected, allowed, .. }, Ok(())) => {
                let found = little_endian(self.upload.data());
                let fits = allowed.fits(*expected, found);
                (!fits).then_some(Obstacle::Identity { what, expected: *expected, found })
            }
            (Task::Mode(wanted), Ok(())) => {
                let supported = little_endian(self.upload.data());
                let is = supported & wanted.bit() != 0;
                (!is).then_some(Obstacle::Mode(UnknownMode { wanted: *wanted, supported }))
            }
            // A drive that lists no modes is asked by its mode display when it is enabled.
            (Task::Mode(_), Err(TransferError::Aborted { .. })) => None,
            (Task::Write { need, .. }, Ok(())) => {
                if *need == Need::Heartbeat {
                    nodes[self.device].guarded = false;
                }
                None
            }
            (Task::Write { need: Need::Optional, .. }, Err(TransferError::Aborted { .. })) => None,
            (Task::Write { need: Need::Heartbeat, .. }, Err(TransferError::Aborted { .. })) => {
                nodes[self.device].guarded = true;
                None
            }
            (_, Err(error)) if aborted(error).is_none() && self.attempts + 1 < ATTEMPTS => {
                // A frame was lost, or came to the wrong place: the same again.
                self.attempts += 1;
                self.doing = Doing::Task { number, begun: false };
                return;
            }
            (task, Err(error)) => {
                let address = task.address();
                Some(Obstacle::Object { index: address.index, subindex: address.subindex, abort: aborted(error) })
            }
        };
        self.attempts = 0;
        match obstacle {
            None => self.doing = next,
            Some(obstacle) => self.fail(nodes, obstacle, now_ns),
        }
    }

    /// The node cannot be made operational now. It is told once for each obstacle, and tried again from its start.
    fn fail(&mut self, nodes: &mut [Node], obstacle: Obstacle, now_ns: u64) {
        let device = self.device;
        if let Some(node) = nodes.get_mut(device) {
            node.lose();
        }
        (self.not_before_ns[device], self.called_ns[device]) = (now_ns + REST_NS, 0);
        if self.obstacles[device].replace(obstacle) != Some(obstacle) {
            self.news = Some(BusNews::NotRestored { device: device as u8, obstacle });
        }
        self.doing = Doing::Rest;
    }
}

/// A number of one to four bytes.
fn little_endian(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
