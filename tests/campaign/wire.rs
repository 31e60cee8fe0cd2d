//! The wire between the cycle and the simulated bus: it outlives the daemon, and judges every image that is sent.

use motiond::config::MachineConfig;
use motiond::drive::Mode;
use motiond::fieldbus::mapping::place;
use motiond::fieldbus::sim::SimulatedBus;
use motiond::fieldbus::{CycleReport, CyclicBus};
use std::sync::{Arc, Mutex, MutexGuard};

/// Increments that rounding may add to a first, second and third difference of targets.
const ROUNDING: [f64; 3] = [1.0, 2.0, 4.0];
/// Share of a motor turn by which the target may follow an encoder that trembles, until the drive holds it.
const TREMBLE_TURNS: f64 = 0.002;
/// Share of the velocity limit by which a drive may be faster than a new daemon found it.
const FASTER: f64 = 0.02;

/// What is known of one drive's bytes.
struct DriveWatch {
    name: String,
    device: usize,
    mode: Mode,
    controlword: usize,
    target: usize,
    velocity: usize,
    torque: usize,
    actual: usize,
    /// Highest first, second and third difference of 607Ah, increments.
    steps: [f64; 3],
    /// Change of 60FFh that the acceleration takes, and for one increment of change in position.
    velocity_step: f64,
    velocity_per_increment: f64,
    increments_per_turn: f64,
    turns_per_unit: f64,
    velocity_limit: f64,
    /// Somebody asked this daemon to power it on.
    asked: bool,
    /// Differences of the targets before: [none (the target), first, second].
    followed: Option<(i32, f64, f64)>,
    last_velocity: i32,
    last_actual: i32,
    /// Increments that the target has moved since the drive was heard.
    uncorrected: f64,
    /// Fastest that the shaft may be until somebody asks for power, turns/s: as fast as the former daemon left it, or as
    /// the new one found it.
    speed_found: Option<f64>,
    /// A new daemon has not sent anything yet.
    orphaned: bool,
    /// That one's first image meets it enabled.
    found_enabled: bool,
}

pub type Tamper = Box<dyn Fn(&mut [u8]) + Send>;

/// The bus and what was seen on its wire.
pub struct Line {
    pub bus: SimulatedBus,
    drives: Vec<DriveWatch>,
    inputs: Vec<u8>,
    /// Devices that were heard in the last exchange, one bit each.
    fresh: u64,
    problem: Option<String>,
    /// Makes images wrong, to see whether that is found.
    pub tamper: Option<Tamper>,
    /// Moments at which a drive was enabled and held exactly its place.
    pub enablings: u64,
    /// Drives that a new daemon found enabled, and those of them that moved.
    pub found_enabled: u64,
    pub found_moving: u64,
}

impl DriveWatch {
    fn new(config: &MachineConfig, axis: usize) -> DriveWatch {
        let axis = &config.axes[axis];
        let drive = &axis.wiring.drive;
        let layout = &drive.layout;
        let output = |index: u16| layout.output_offset + place(&layout.outputs, index, 0).expect("it is mapped").0;
        let input = |index: u16| layout.input_offset + place(&layout.inputs, index, 0).expect("it is mapped").0;
        let scaling = &drive.scaling;
        let turns_per_unit = scaling.gear.as_f64() / scaling.feed.as_f64();
        let increments_per_turn = scaling.increments_per_motor_turn.as_f64();
        let per_unit = turns_per_unit * increments_per_turn;
        let period_s = config.period_ns as f64 * 1e-9;
        let limits = axis.motion.limits;
        let velocity_unit = scaling.velocity_factor.as_f64() * per_unit;
        DriveWatch {
            name: axis.name.clone(),
            device: usize::from(axis.wiring.device),
            mode: drive.mode,
            controlword: output(0x6040),
            target: output(0x607A),
            velocity: output(0x60FF),
            torque: output(0x6071),
            actual: input(0x6064),
            steps: [limits.velocity * period_s, limits.acceleration * period_s.powi(2), limits.jerk * period_s.powi(3)]
                .map(|step| step * per_unit),
            velocity_step: limits.acceleration * period_s * velocity_unit,
            velocity_per_increment: drive.gains.position_gain * scaling.velocity_factor.as_f64(),
            increments_per_turn,
            turns_per_unit,
            velocity_limit: limits.velocity,
            asked: false,
            followed: None,
            last_velocity: 0,
            last_actual: 0,
            uncorrected: 0.0,
            speed_found: None,
            orphaned: false,
            found_enabled: false,
        }
    }

    /// Looks at one image; true where it begins to enable.
    fn look(&mut self, outputs: &[u8], inputs: &[u8], heard: bool, bus: &SimulatedBus) -> Result<bool, String> {
        let word = |at: usize| i16::from_le_bytes([outputs[at], outputs[at + 1]]);
        let long = |bytes: &[u8], at: usize| i32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let (target, velocity, torque) = (long(outputs, self.target), long(outputs, self.velocity), word(self.torque));
        let actual = long(inputs, self.actual);
        let actual_step = f64::from(actual.wrapping_sub(self.last_actual));
        self.last_actual = actual;
        if word(self.controlword) & 0x0F != 0x0F {
            self.followed = None;
            return Ok(false);
        }
        if !self.asked {
            return Err("is told to enable operation, and nobody asked for it".into());
        }
        let last_velocity = std::mem::replace(&mut self.last_velocity, velocity);
        let Some((last, last_first, last_second)) = self.followed else {
            self.followed = Some((target, 0.0, 0.0));
            if target != actual {
                return Err(format!("is enabled with 607Ah = {target} at 6064h = {actual}"));
            }
            let (velocity, torque) = if self.mode == Mode::Csv { (velocity, 0) } else { (0, torque) };
            if velocity != 0 || self.mode == Mode::Cst && torque != 0 {
                return Err(format!("is enabled with 60FFh = {velocity}, 6071h = {torque}"));
            }
            return Ok(true);
        };
        let first = f64::from(target.wrapping_sub(last));
        let (second, third) = (first - last_first, first - last_first - last_second);
        self.followed = Some((target, first, second));
        let mut steps = [first, second, third].into_iter().zip(self.steps).zip(ROUNDING);
        let wrong = steps.find(|((step, limit), rounding)| step.abs() > limit * (1.0 + 1e-6) + rounding);
        if let Some(((step, limit), _)) = wrong {
            // Not operational yet: the target is the feedback, which may be anywhere until the drive follows.
            let trembles = first.abs() <= TREMBLE_TURNS * self.increments_per_turn;
            if target != actual || !trembles && enabled(bus, self.device) {
                return Err(format!("607Ah jumps by {first} after {last_first}: {step}, {limit} allowed"));
            }
            self.followed = Some((target, 0.0, 0.0));
        }
        if self.mode == Mode::Csv {
            let step = f64::from(velocity.wrapping_sub(last_velocity)).abs();
            // What was not corrected while the drive was silent is corrected at once.
            self.uncorrected += first.abs();
            let allowed = self.velocity_step + self.velocity_per_increment * (self.uncorrected + actual_step.abs());
            if heard {
                self.uncorrected = 0.0;
            }
            if step > allowed + 2.0 {
                return Err(format!("60FFh jumps from {last_velocity} to {velocity}, {allowed} allowed"));
            }
        }
        Ok(false)
    }
}

/// The drive itself is in Operation Enabled, whatever the daemon knows.
fn enabled(bus: &SimulatedBus, device: usize) -> bool {
    let mut statusword = [0; 2];
    let read = bus.device(device).expect("a drive").upload(0x6041, 0, &mut statusword);
    read == Ok(2) && u16::from_le_bytes(statusword) & 0x6F == 0x27
}

impl Line {
    pub fn new(config: &MachineConfig, bus: SimulatedBus) -> Line {
        let drives = (0..config.axes.len()).map(|axis| DriveWatch::new(config, axis)).collect();
        Line {
            bus,
            drives,
            inputs: vec![0; config.buses[0].input_bytes],
            fresh: 0,
            problem: None,
            tamper: None,
            enablings: 0,
            found_enabled: 0,
            found_moving: 0,
        }
    }

    /// An axis was asked for power.
    pub fn asked(&mut self, axis: usize) {
        if let Some(drive) = self.drives.get_mut(axis) {
            drive.asked = true;
        }
    }

    /// The daemon is gone; the next image is another one's first.
    pub fn orphaned(&mut self) {
        for drive in &mut self.drives {
            let plant = self.bus.plant(drive.device).unwrap_or_default();
            drive.speed_found = Some(plant.velocity_turns_s.abs());
            drive.orphaned = true;
            drive.asked = false;
            drive.followed = None;
        }
    }

    /// What was wrong first, if anything was.
    pub fn problem(&mut self) -> Option<String> {
        self.problem.take()
    }

    /// Something else moves the drives, or keeps images from them.
    pub fn excuse(&mut self) {
        self.drives.iter_mut().for_each(|drive| drive.speed_found = None);
    }

    fn look(&mut self, outputs: &[u8]) {
        for drive in &mut self.drives {
            if drive.orphaned {
                drive.found_enabled = enabled(&self.bus, drive.device);
                self.found_enabled += u64::from(drive.found_enabled);
            }
            let heard = self.fresh >> drive.device & 1 != 0;
            match drive.look(outputs, &self.inputs, heard, &self.bus) {
                Ok(enables) => self.enablings += u64::from(enables),
                Err(what) => {
                    self.problem.get_or_insert(format!("the image for {} {what}", drive.name));
                }
            }
        }
    }

    /// A daemon that comes onto moving drives only ever makes them slower.
    fn look_at_plants(&mut self) {
        for drive in &mut self.drives {
            let plant = self.bus.plant(drive.device).unwrap_or_default();
            let speed = plant.velocity_turns_s.abs();
            let slack = FASTER * drive.velocity_limit * drive.turns_per_unit;
            if std::mem::take(&mut drive.orphaned) {
                // Under a brake that is on its way the load sags until that is closed again: nobody can help it.
                drive.speed_found = drive.speed_found.filter(|_| plant.brake_released).map(|left| left.max(speed));
                self.found_moving += u64::from(drive.found_enabled && speed > slack);
            }
            if let Some(allowed) = drive.speed_found.filter(|allowed| !drive.asked && speed > allowed + slack) {
                let what = format!("{} turns at {speed}/s after a restart, {allowed}/s allowed", drive.name);
                self.problem.get_or_insert(what);
            }
        }
    }
}

/// The daemon's end of the wire.
pub struct Wire(pub Arc<Mutex<Line>>);

impl Wire {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().expect("nobody panics with the line")
    }
}

impl CyclicBus for Wire {
    fn begin(&mut self, outputs: &[u8], cycle_start_ns: u64) {
        let mut line = self.line();
        let mut tampered = Vec::new();
        if let Some(tamper) = &line.tamper {
            tampered.extend_from_slice(outputs);
            tamper(&mut tampered);
        }
        let outputs = if tampered.is_empty() { outputs } else { &tampered };
        line.look(outputs);
        line.bus.begin(outputs, cycle_start_ns);
        line.look_at_plants();
    }

    fn finish(&mut self, inputs: &mut [u8], deadline_ns: u64) -> CycleReport {
        let mut line = self.line();
        let report = line.bus.finish(inputs, deadline_ns);
        line.inputs.copy_from_slice(inputs);
        line.fresh = report.fresh;
        report
    }

    fn request_recovery(&mut self) {
        self.line().bus.request_recovery();
    }

    fn feedback_delay_periods(&self) -> f64 {
        self.line().bus.feedback_delay_periods()
    }
}
