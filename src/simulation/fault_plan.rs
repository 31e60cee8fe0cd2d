//! What goes wrong on the simulated machine, and when.

use crate::simulation::drive::DriveDisturbance;
use crate::simulation::random::Random;

/// What can go wrong. "Exchange" is one pair of `begin` and `finish` of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulatedFaultKind {
    /// The drive detects a fault with this error code (603Fh); a reset is refused until the cause is gone.
    DriveFault {
        /// 603Fh.
        code: u16,
    },
    /// Safe torque off: the power stage is cut at once.
    SafeTorqueOff,
    /// The drive loses its mains: statusword bit 4 falls, no torque.
    VoltageLoss,
    /// The encoder's reading stands still while the motor may move.
    StuckEncoder,
    /// The device takes part in the exchange, but its inputs are those of an earlier one and not fresh.
    StaleFeedback,
    /// The device takes no part in the exchange: the working counter misses its share.
    WrongWorkingCounter,
    /// The frame is lost on its way out: no device sees it.
    LostFrame,
    /// The frame is lost on its way back: the devices got their outputs.
    LostReply,
    /// The frame comes back after the deadline: it counts as lost, and is seen as late in the next exchange.
    LateFrame,
}

/// One fault, where and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulatedFault {
    /// What goes wrong.
    pub kind: SimulatedFaultKind,
    /// The device, by its place on the bus; without meaning for faults of frames.
    pub device: u8,
    /// For how many exchanges, at least 1; `u32::MAX` until cleared.
    pub exchanges: u32,
}

/// When a fault begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultTime {
    /// At this exchange of the bus (0-based).
    Exchange(u64),
    /// At the first exchange at least this many nanoseconds after the first one, by the nominal period.
    TimeNs(u64),
}

/// A fault at a known time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduledFault {
    /// When it begins.
    pub at: FaultTime,
    /// What.
    pub fault: SimulatedFault,
}

/// Faults that come at random, from the seed of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomFault {
    /// What goes wrong; the device is drawn at random.
    pub kind: SimulatedFaultKind,
    /// How often one begins: times in a million exchanges, on average.
    pub per_million_exchanges: u32,
    /// It lasts 1 to this many exchanges, drawn evenly.
    pub max_exchanges: u32,
}

/// Everything that goes wrong on one bus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// Faults at known times.
    pub scheduled: Vec<ScheduledFault>,
    /// Faults at random.
    pub random: Vec<RandomFault>,
}

/// What becomes of the frame of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameFate {
    /// It goes round in time.
    Arrives,
    /// No device sees it.
    LostOut,
    /// The devices see it, the master gets no answer.
    LostBack,
    /// The devices see it, the answer comes after the deadline.
    Late,
}

/// The end of each fault of a device, as the first exchange without it.
#[derive(Clone, Copy, Debug, Default)]
struct DeviceFaults {
    drive_fault: u64,
    code: u16,
    safe_torque_off: u64,
    voltage_loss: u64,
    stuck_encoder: u64,
    stale: u64,
    absent: u64,
}

/// A fault plan at work, exchange by exchange.
#[derive(Clone, Debug)]
pub struct FaultEngine {
    /// By rising exchange.
    scheduled: Vec<(u64, SimulatedFault)>,
    next: usize,
    random: Vec<RandomFault>,
    generator: Random,
    /// The present exchange.
    exchange: u64,
    started: bool,
    devices: Vec<DeviceFaults>,
    lost_out: u64,
    lost_back: u64,
    late: u64,
}

impl FaultEngine {
    /// The plan for a bus with this many devices and nominal period.
    pub fn new(plan: &FaultPlan, devices: usize, period_ns: u64, seed: u64) -> FaultEngine {
        let exchange_of = |at: FaultTime| match at {
            FaultTime::Exchange(exchange) => exchange,
            FaultTime::TimeNs(time_ns) => time_ns.div_ceil(period_ns.max(1)),
        };
        let mut scheduled: Vec<_> = plan.scheduled.iter().map(|one| (exchange_of(one.at), one.fault)).collect();
        scheduled.sort_by_key(|&(exchange, _)| exchange);
        FaultEngine {
            scheduled,
            next: 0,
            random: plan.random.clone(),
            generator: Random::new(seed),
            exchange: 0,
            started: false,
            devices: vec![DeviceFaults::default(); devices],
            lost_out: 0,
            lost_back: 0,
            late: 0,
        }
    }

    /// Goes on to the next exchange; the first call is exchange 0.
    pub fn next_exchange(&mut self) {
        self.exchange += u64::from(self.started);
        self.started = true;
        // Bound: every scheduled fault once in the whole run, as `next` only rises.
        while let Some(&(_, fault)) = self.scheduled.get(self.next).filter(|&&(at, _)| at <= self.exchange) {
            self.begin(fault);
            self.next += 1;
        }
        // Bound: the configured kinds.
        for n in 0..self.random.len() {
            let RandomFault { kind, per_million_exchanges, max_exchanges } = self.random[n];
            if self.generator.below(1_000_000) < u64::from(per_million_exchanges) {
                let device = self.generator.below(self.devices.len() as u64) as u8;
                let exchanges = 1 + self.generator.below(u64::from(max_exchanges.max(1))) as u32;
                self.begin(SimulatedFault { kind, device, exchanges });
            }
        }
    }

    /// Begins a fault with the present exchange.
    pub fn begin(&mut self, fault: SimulatedFault) {
        let end = match fault.exchanges {
            u32::MAX => u64::MAX,
            exchanges => self.exchange + u64::from(exchanges.max(1)),
        };
        let Some(device) = self.devices.get_mut(usize::from(fault.device)) else { return };
        let place = match fault.kind {
            SimulatedFaultKind::DriveFault { code } => {
                device.code = code;
                &mut device.drive_fault
            }
            SimulatedFaultKind::SafeTorqueOff => &mut device.safe_torque_off,
            SimulatedFaultKind::VoltageLoss => &mut device.voltage_loss,
            SimulatedFaultKind::StuckEncoder => &mut device.stuck_encoder,
            SimulatedFaultKind::StaleFeedback => &mut device.stale,
            SimulatedFaultKind::WrongWorkingCounter => &mut device.absent,
            SimulatedFaultKind::LostFrame => &mut self.lost_out,
            SimulatedFaultKind::LostReply => &mut self.lost_back,
            SimulatedFaultKind::LateFrame => &mut self.late,
        };
        *place = end.max(*place);
    }

    /// Ends every active fault.
    pub fn clear(&mut self) {
        self.devices.fill(DeviceFaults::default());
        (self.lost_out, self.lost_back, self.late) = (0, 0, 0);
    }

    /// What becomes of this exchange's frame.
    pub fn frame(&self) -> FrameFate {
        if self.exchange < self.lost_out {
            FrameFate::LostOut
        } else if self.exchange < self.lost_back {
            FrameFate::LostBack
        } else if self.exchange < self.late {
            FrameFate::Late
        } else {
            FrameFate::Arrives
        }
    }

    /// What is wrong inside a drive.
    pub fn disturbance(&self, device: usize) -> DriveDisturbance {
        let faults = &self.devices[device];
        DriveDisturbance {
            fault: (self.exchange < faults.drive_fault).then_some(faults.code),
            safe_torque_off: self.exchange < faults.safe_torque_off,
            voltage_loss: self.exchange < faults.voltage_loss,
            stuck_encoder: self.exchange < faults.stuck_encoder,
        }
    }

    /// The device takes no part in this exchange.
    pub fn absent(&self, device: usize) -> bool {
        self.exchange < self.devices[device].absent
    }

    /// The device's inputs are not renewed in this exchange.
    pub fn stale(&self, device: usize) -> bool {
        self.exchange < self.devices[device].stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(exchanges: u32) -> SimulatedFault {
        SimulatedFault { kind: SimulatedFaultKind::LostFrame, device: 0, exchanges }
    }

    #[test]
    fn scheduled_faults_begin_and_end_at_their_exchange() {
        let plan = FaultPlan {
            scheduled: vec![
                ScheduledFault { at: FaultTime::TimeNs(7_000_000), fault: lost(1) },
                ScheduledFault { at: FaultTime::Exchange(2), fault: lost(3) },
                ScheduledFault { at: FaultTime::Exchange(9), fault: lost(u32::MAX) },
            ],
            random: Vec::new(),
        };
        let mut engine = FaultEngine::new(&plan, 1, 1_000_000, 0);
        let mut fates = String::new();
        for _ in 0..12 {
            engine.next_exchange();
            fates.push(if engine.frame() == FrameFate::LostOut { 'x' } else { '.' });
        }
        assert_eq!(fates, "..xxx..x.xxx");
        engine.clear();
        assert_eq!(engine.frame(), FrameFate::Arrives);
    }

    #[test]
    fn random_faults_come_at_their_rate_and_replay_from_the_seed() {
        let random =
            vec![RandomFault { kind: SimulatedFaultKind::LostFrame, per_million_exchanges: 20_000, max_exchanges: 1 }];
        let plan = FaultPlan { scheduled: Vec::new(), random };
        let run = |seed| {
            let mut engine = FaultEngine::new(&plan, 3, 1_000_000, seed);
            (0..100_000)
                .map(|_| {
                    engine.next_exchange();
                    engine.frame() == FrameFate::LostOut
                })
                .collect::<Vec<bool>>()
        };
        let first = run(5);
        assert_eq!(first, run(5));
        assert_ne!(first, run(6));
        let hits = first.iter().filter(|&&hit| hit).count();
        assert!((1800..2200).contains(&hits), "{hits} of about 2000");
    }
}
