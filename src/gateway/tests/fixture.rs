//! A gateway whose rounds, clock and cycle are played by the test.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::task::JoinHandle;

use crate::exchange::command::Command;
use crate::exchange::event::{Report, Verdict};
use crate::exchange::snapshot::Shape;
use crate::exchange::{CycleEnds, open};
use crate::gateway::*;
use crate::ids::{AxisId, GroupId, Handle};
use crate::motion::{Progress, Rejection};
use crate::units::AxisUnit;

pub const MS: u64 = 1_000_000;
pub const X: AxisId = AxisId(0);
pub const Y: AxisId = AxisId(1);
pub const TABLE: AxisId = AxisId(2);
pub const PLANE: GroupId = GroupId(0);

/// Linear axes x and y in the group `plane`, and the rotary axis `table`.
pub fn machine() -> MachineDescription {
    let limits = Limits { velocity: 100.0, acceleration: 1000.0, jerk: 10_000.0 };
    let axis = |name: &str, unit| AxisDescription {
        name: name.to_string(),
        unit,
        at_start: InForce { figures: AxisFigures::plain(limits), overrides: Default::default(), latest: None },
        modulo: (unit == AxisUnit::Degree).then_some(360.0),
    };
    let plane = GroupDescription {
        name: "plane".into(),
        unit: AxisUnit::Millimetre,
        axes: vec![X, Y],
        path_limits: limits,
        tool: None,
    };
    MachineDescription {
        name: "test".into(),
        boot_id: "boot".into(),
        period_ns: MS,
        simulated: true,
        axes: vec![axis("x", AxisUnit::Millimetre), axis("y", AxisUnit::Millimetre), axis("table", AxisUnit::Degree)],
        groups: vec![plane],
        buses: vec!["main".into()],
        devices: vec![],
        inputs: vec![],
        outputs: vec!["coolant".into()],
        analog_inputs: vec![],
        analog_outputs: vec![],
    }
}

/// The three parties: the test asks as client, plays the cycle, and decides when the gateway has its round.
pub struct Bench {
    pub client: Client,
    pub gateway: GatewayState,
    pub cycle: CycleEnds,
    pub now_ns: u64,
    /// Commands that the cycle took and has not answered.
    pub taken: VecDeque<Command>,
    pub cycles: u64,
}

/// Lets every task run until it waits. The paused clock does not go on meanwhile.
pub async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

impl Bench {
    pub fn new() -> Bench {
        let (cycle, ends) = open(Shape { axes: 3, groups: 1, buses: 1, analogs: 0 });
        let (client, gateway) = gateway(machine(), ends);
        Bench { client, gateway, cycle, now_ns: 1_000 * MS, taken: VecDeque::new(), cycles: 0 }
    }

    /// Asks without waiting for the answer.
    pub async fn ask(&self, submission: impl Into<Submission>) -> JoinHandle<Result<Accepted, Refusal>> {
        let (client, submission) = (self.client.clone(), submission.into());
        let asked = tokio::spawn(async move { client.submit(submission).await });
        settle().await;
        asked
    }

    /// Calls the gateway, gives it a round, and waits.
    pub async fn call<F>(&mut self, call: impl FnOnce(Client) -> F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let asked = tokio::spawn(call(self.client.clone()));
        settle().await;
        self.round();
        asked.await.unwrap()
    }

    pub fn round(&mut self) {
        self.gateway.poll_once(self.now_ns);
    }

    /// A round that may panic; then the service is started again. Whether it panicked.
    pub fn round_and_restart(&mut self) -> bool {
        let panicked = catch_unwind(AssertUnwindSafe(|| self.round())).is_err();
        if panicked {
            self.gateway.recover();
        }
        panicked
    }

    /// The cycle takes everything that waits.
    pub fn take(&mut self) -> usize {
        while let Some(command) = self.cycle.commands.receive() {
            self.taken.push_back(command);
        }
        self.taken.len()
    }

    /// The cycle says something about a command.
    pub fn report(&mut self, handle: Handle, verdict: Verdict) {
        self.cycles += 1;
        self.cycle.reports.send(Report { handle, cycle: self.cycles, verdict }).unwrap();
    }

    pub fn accept(&mut self) -> Handle {
        let command = self.taken.pop_front().unwrap();
        self.report(command.handle, Verdict::Accepted);
        command.handle
    }

    pub fn reject(&mut self, rejection: Rejection) {
        let command = self.taken.pop_front().unwrap();
        self.report(command.handle, Verdict::Rejected(rejection));
    }

    pub fn progress(&mut self, handle: Handle, progress: Progress) {
        self.report(handle, Verdict::Progress(progress));
    }

    /// A command from asking to acceptance.
    pub async fn accepted(&mut self, submission: impl Into<Submission>) -> Handle {
        let asked = self.ask(submission).await;
        self.round();
        assert_eq!(self.take(), 1);
        let handle = self.accept();
        self.round();
        assert_eq!(asked.await.unwrap().unwrap().handle, handle);
        handle
    }

    /// The same while another command is on its way.
    pub async fn refused_again(&mut self, submission: impl Into<Submission>) -> Refusal {
        let asked = self.ask(submission).await;
        self.round();
        asked.await.unwrap().unwrap_err()
    }

    /// A command that is refused without the cycle.
    pub async fn refused(&mut self, submission: impl Into<Submission>) -> Refusal {
        let asked = self.ask(submission).await;
        self.round();
        assert_eq!(self.take(), 0, "it was sent");
        asked.await.unwrap().unwrap_err()
    }
}

pub fn reset(axis: AxisId) -> Request {
    Request::Reset { axis }
}

pub fn line(targets: Vec<f64>) -> GroupMove {
    GroupMove {
        group: PLANE,
        shape: GroupShape::Linear,
        targets,
        relative: false,
        dynamics: Dynamics::default(),
        buffer: BufferMode::Buffered,
    }
}
