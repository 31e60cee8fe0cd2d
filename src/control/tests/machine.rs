//! The real gateway over a cycle that the test plays: it accepts every command but moves beyond 500 mm, and nothing
//! moves unless the test says so.

use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::control::{Paths, Streams};
use crate::exchange::event::{Event, EventKind, Report, Subject, Verdict};
use crate::exchange::snapshot::{AxisSnapshot, BusSnapshot, GroupSnapshot, MachineSnapshot, Shape};
use crate::exchange::{self, CycleEnds};
use crate::fault::Fault;
use crate::gateway::{
    AnalogDescription, AxisDescription, AxisFigures, Client, GatewayState, GroupDescription, InForce,
    MachineDescription, Request, StopScope, gateway,
};
use crate::ids::{AxisId, GroupId, Handle};
use crate::motion::{Limits, MotionFigures, Progress, Reason, Rejection};
use crate::programs::{Desk, Runner, programs};
use crate::telemetry::{Follower, Following, Telemetry, telemetry};
use crate::units::AxisUnit;

/// Cycles a millisecond.
const PERIOD_NS: u64 = 1_000_000;

pub struct Machine {
    client: Client,
    desk: Desk,
    telemetry: Telemetry,
    parts: Arc<Mutex<Parts>>,
}

struct Parts {
    gateway: GatewayState,
    runner: Runner,
    cycle: CycleEnds,
    follower: Follower,
    following: Following,
    requests: Vec<Request>,
    targets: Vec<f64>,
    figures: Option<AxisFigures>,
}

impl Machine {
    /// A machine whose gateway hangs until [`Machine::run`].
    pub fn new() -> Machine {
        let limits = Limits { velocity: 100.0, acceleration: 1000.0, jerk: 1e4 };
        let axis = |name: &str, unit| AxisDescription {
            name: name.to_string(),
            unit,
            at_start: InForce {
                figures: AxisFigures {
                    motion: MotionFigures {
                        soft_limits: (unit == AxisUnit::Millimetre).then_some((-500.0, 500.0)),
                        ..AxisFigures::plain(limits).motion
                    },
                    ..AxisFigures::plain(limits)
                },
                overrides: Arc::default(),
                latest: None,
            },
            modulo: (unit == AxisUnit::Degree).then_some(360.0),
        };
        let description = MachineDescription {
            name: "test".to_string(),
            boot_id: "boot-1".to_string(),
            period_ns: PERIOD_NS,
            simulated: true,
            axes: vec![axis("x", AxisUnit::Millimetre), axis("y", AxisUnit::Millimetre), axis("a", AxisUnit::Degree)],
            groups: vec![GroupDescription {
                name: "xy".to_string(),
                unit: AxisUnit::Millimetre,
                axes: vec![AxisId(0), AxisId(1)],
                path_limits: limits,
                tool: None,
            }],
            buses: vec!["main".to_string()],
            devices: vec![],
            inputs: vec!["e-stop".to_string()],
            outputs: vec!["coolant".to_string()],
            analog_inputs: vec![],
            analog_outputs: vec![AnalogDescription { name: "dispenser".into(), unit: "V".into(), range: (0.0, 10.0) }],
        };
        let (cycle, mut ends) = exchange::open(Shape { axes: 3, groups: 1, buses: 1, analogs: 1 });
        let rings = std::mem::take(&mut ends.pieces);
        let (client, gateway) = gateway(description, ends);
        let (desk, runner) = programs(client.clone(), rings);
        let (telemetry, follower) = telemetry(client.clone());
        let following = follower.begin();
        let parts = Parts {
            gateway,
            runner,
            cycle,
            follower,
            following,
            requests: Vec::new(),
            targets: Vec::new(),
            figures: None,
        };
        Machine { client, desk, telemetry, parts: Arc::new(Mutex::new(parts)) }
    }

    pub fn client(&self) -> Client {
        self.client.clone()
    }

    pub fn paths(&self) -> Paths {
        Paths::new(self.desk.clone(), 1)
    }

    pub fn streams(&self) -> Streams {
        Streams::new(self.desk.clone(), 1)
    }

    pub fn telemetry(&self) -> Telemetry {
        self.telemetry.clone()
    }

    /// Runs gateway, cycle and telemetry for the rest of the test. Time then moves only where the test moves it.
    pub fn run(&self) {
        let parts = Arc::clone(&self.parts);
        let start = Instant::now();
        tokio::spawn(async move {
            loop {
                parts.lock().unwrap().turn(start.elapsed().as_nanos() as u64);
                tokio::task::yield_now().await;
            }
        });
    }

    /// What the cycle was asked for.
    pub fn requests(&self) -> Vec<Request> {
        self.parts.lock().unwrap().requests.clone()
    }

    /// The targets of the latest group move.
    pub fn targets(&self) -> Vec<f64> {
        self.parts.lock().unwrap().targets.clone()
    }

    /// The latest figures of an axis.
    pub fn figures(&self) -> Option<AxisFigures> {
        self.parts.lock().unwrap().figures
    }

    /// Stops requested of any scope.
    pub fn stops(&self) -> u64 {
        let axes = (0..3).map(|axis| StopScope::Axis(AxisId(axis)));
        let scopes = axes.chain([StopScope::Group(GroupId(0)), StopScope::Machine]);
        scopes.map(|scope| self.client.stop_generation(scope)).sum()
    }

    pub fn activate(&self, handle: u64) {
        self.report(handle, Progress::Active);
    }

    pub fn finish(&self, handle: u64) {
        self.report(handle, Progress::Done);
    }

    pub fn fail(&self, handle: u64, fault: Fault) {
        self.report(handle, Progress::Failed(fault));
    }

    fn report(&self, handle: u64, progress: Progress) {
        let report = Report { handle: Handle(handle), cycle: 9, verdict: Verdict::Progress(progress) };
        self.parts.lock().unwrap().cycle.reports.send(report).unwrap();
    }

    /// So many drive faults of the axis x.
    pub fn happen(&self, count: usize) {
        let kind =
            EventKind::FaultRaised { fault: Fault::DriveFault, subject: Subject::Axis(AxisId(0)), detail: 29445.0 };
        for _ in 0..count {
            self.parts.lock().unwrap().cycle.events.send(Event { cycle: 3, time_ns: 4, kind }).unwrap();
        }
    }
}

impl Parts {
    fn turn(&mut self, now_ns: u64) {
        self.gateway.poll_once(now_ns);
        self.runner.poll_once(now_ns);
        let cycle = now_ns / PERIOD_NS;
        while let Some(command) = self.cycle.commands.receive() {
            let verdict = match command.request {
                Request::Move { target, .. } if target > 500.0 => {
                    Verdict::Rejected(Rejection::with(Reason::SoftLimit, target, 500.0))
                }
                Request::GroupMove { slot, slot_generation, .. } => {
                    let slot = exchange::pool::SlotAddress { index: slot, generation: slot_generation };
                    self.targets = self.cycle.targets.take(slot).unwrap()[..2].to_vec();
                    Verdict::Accepted
                }
                Request::SetFigures { slot, slot_generation, .. } => {
                    let slot = exchange::pool::SlotAddress { index: slot, generation: slot_generation };
                    let values = self.cycle.figures.take(slot).unwrap();
                    self.figures = Some(AxisFigures::from_values(&values));
                    Verdict::Accepted
                }
                _ => Verdict::Accepted,
            };
            self.requests.push(command.request);
            self.cycle.reports.send(Report { handle: command.handle, cycle, verdict }).unwrap();
        }
        let axis = AxisSnapshot { override_ratio: 1.0, ..AxisSnapshot::default() };
        self.cycle.snapshots.publish(
            &MachineSnapshot { cycle, time_ns: now_ns, ..MachineSnapshot::default() },
            [axis; 3].into_iter(),
            [GroupSnapshot::default()].into_iter(),
            [BusSnapshot::default()].into_iter(),
            &[0.0],
        );
        self.gateway.poll_once(now_ns);
        self.follower.round(&mut self.following);
    }
}
