//! A small machine in motion alone: two linear axes, a turntable, two groups, and drives that do what they are told.

use motiond::fault::Fault;
use motiond::ids::{AxisId, GroupId, Handle};
use motiond::motion::*;
use motiond::units::AxisUnit;

pub const PERIOD_NS: u64 = 1_000_000;
pub const LIMITS: Limits = Limits { velocity: 100.0, acceleration: 1000.0, jerk: 20_000.0 };
pub const X: AxisId = AxisId(0);
pub const Y: AxisId = AxisId(1);
pub const TABLE: AxisId = AxisId(2);
pub const XY: GroupId = GroupId(0);
pub const ALL: GroupId = GroupId(1);

/// X and Y with soft limits of ±1000 mm, a turntable; drives that do in the next cycle what they are told.
pub struct Bench {
    pub motion: Motion,
    pub inputs: Vec<AxisInputs>,
    pub outputs: Vec<AxisOutputs>,
    pub now_ns: u64,
    pub next: u64,
    pub reports: Vec<(Handle, Progress)>,
    pub faults: Vec<(AxisId, Fault)>,
    pub soft_limits: Vec<AxisId>,
}

struct Listener<'a>(&'a mut Vec<(Handle, Progress)>, &'a mut Vec<(AxisId, Fault)>, &'a mut Vec<AxisId>);

impl Outcomes for Listener<'_> {
    fn report(&mut self, handle: Handle, progress: Progress) {
        self.0.push((handle, progress));
    }
    fn fault_raised(&mut self, axis: AxisId, fault: Fault) {
        self.1.push((axis, fault));
    }
    fn soft_limit_reached(&mut self, axis: AxisId) {
        self.2.push(axis);
    }
}

impl Bench {
    pub fn new() -> Bench {
        let linear = AxisParameters {
            soft_limits: Some((-1000.0, 1000.0)),
            referenced: true,
            ..AxisParameters::plain(AxisUnit::Millimetre, LIMITS)
        };
        let table =
            AxisParameters { modulo: Some(360.0), referenced: true, ..AxisParameters::plain(AxisUnit::Degree, LIMITS) };
        let path_limits = Limits { velocity: 150.0, acceleration: 1500.0, jerk: 30_000.0 };
        let groups = vec![
            GroupParameters { axes: vec![X, Y], path_limits },
            GroupParameters { axes: vec![X, Y, TABLE], path_limits },
        ];
        let motion = Motion::new(vec![linear.clone(), linear, table], groups, PERIOD_NS as f64 * 1e-9);
        let input = AxisInputs { permitted: true, ..AxisInputs::default() };
        Bench {
            motion,
            inputs: vec![input; 3],
            outputs: vec![AxisOutputs::default(); 3],
            now_ns: 0,
            next: 0,
            reports: Vec::new(),
            faults: Vec::new(),
            soft_limits: Vec::new(),
        }
    }

    /// All three powered.
    pub fn powered() -> Bench {
        let mut bench = Bench::new();
        bench.step();
        for axis in [X, Y, TABLE] {
            let handle = bench.accepted(|motion, handle| motion.power(handle, axis, true));
            bench.until_end(handle);
        }
        bench
    }

    pub fn step(&mut self) {
        let mut listener = Listener(&mut self.reports, &mut self.faults, &mut self.soft_limits);
        self.motion.step(self.now_ns, &self.inputs, &mut self.outputs, &mut listener);
        for (input, output) in self.inputs.iter_mut().zip(&self.outputs) {
            if input.operational {
                input.held = output.setpoint;
            }
            input.operational = output.power && !output.quick_stop;
            input.actual_velocity = 0.0;
        }
        self.now_ns += PERIOD_NS;
    }

    pub fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    pub fn submit(
        &mut self,
        command: impl FnOnce(&mut Motion, Handle) -> Result<(), Rejection>,
    ) -> (Handle, Result<(), Rejection>) {
        self.next += 1;
        let handle = Handle(self.next);
        (handle, command(&mut self.motion, handle))
    }

    pub fn accepted(&mut self, command: impl FnOnce(&mut Motion, Handle) -> Result<(), Rejection>) -> Handle {
        let (handle, answer) = self.submit(command);
        assert_eq!(answer, Ok(()));
        handle
    }

    pub fn refused(&mut self, command: impl FnOnce(&mut Motion, Handle) -> Result<(), Rejection>) -> Rejection {
        self.submit(command).1.expect_err("it must be refused")
    }

    pub fn end_of(&self, handle: Handle) -> Option<Progress> {
        self.reports.iter().find(|(of, progress)| *of == handle && *progress != Progress::Active).map(|(_, end)| *end)
    }

    pub fn until_end(&mut self, handle: Handle) -> (Progress, usize) {
        for cycles in 0..100_000 {
            if let Some(end) = self.end_of(handle) {
                return (end, cycles);
            }
            self.step();
        }
        panic!("{handle:?} never ends; axes {:?}", self.states());
    }

    pub fn states(&self) -> Vec<AxisState> {
        self.motion.axes().iter().map(Axis::state).collect()
    }

    pub fn position(&self, axis: AxisId) -> f64 {
        self.motion.axes()[axis.index()].position()
    }

    pub fn velocity(&self, axis: AxisId) -> f64 {
        self.outputs[axis.index()].setpoint.velocity
    }

    pub fn group(&self, group: GroupId) -> &Group {
        &self.motion.groups()[group.index()]
    }

    pub fn enable(&mut self, group: GroupId) {
        let handle = self.accepted(|motion, handle| motion.group_enable(handle, group));
        self.step();
        assert_eq!(self.end_of(handle), Some(Progress::Done));
    }
}

pub fn to(kind: MoveKind, target: f64) -> MoveRequest {
    MoveRequest {
        kind,
        target,
        dynamics: Dynamics::default(),
        buffer: BufferMode::Aborting,
        direction: Direction::Shortest,
    }
}

pub fn absolute(target: f64) -> MoveRequest {
    to(MoveKind::Absolute, target)
}

pub fn group_to(shape: GroupShape, targets: &[f64]) -> GroupMoveRequest<'_> {
    GroupMoveRequest { shape, targets, relative: false, dynamics: Dynamics::default(), buffer: BufferMode::Aborting }
}
