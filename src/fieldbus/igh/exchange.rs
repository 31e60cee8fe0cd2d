//! One exchange a period by the kernel's master.
//!
//! Each device has a domain of its own, so that its working counter tells whose inputs are fresh. The kernel cannot be waited
//! for: its frames are fetched once, at the deadline. Cost: four calls and four more a device; every loop is bounded by
//! `limits::MAX_BUS_DEVICES` and the runs of a device's mapping.

use super::layer::{Answer, ConfigIndex, DomainIndex, MasterLayer};
use crate::fieldbus::{CycleReport, CyclicBus};

/// As with our own master: sent one period after its computation, latched and reached, fetched by the next frame.
const FEEDBACK_DELAY_PERIODS: f64 = 3.0;
/// The bit of OP among the AL states.
pub const AL_OPERATIONAL: u8 = 8;

/// Bytes that stand together in our image and in the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// First byte in our image.
    pub image: usize,
    /// First byte in the domain.
    pub domain: usize,
    /// How many.
    pub length: usize,
}

impl Run {
    fn fill(self, domain: &mut [u8], image: &[u8]) {
        let to = domain.get_mut(self.domain..self.domain + self.length);
        if let (Some(to), Some(from)) = (to, image.get(self.image..self.image + self.length)) {
            to.copy_from_slice(from);
        }
    }

    fn fetch(self, domain: &[u8], image: &mut [u8]) {
        let to = image.get_mut(self.image..self.image + self.length);
        if let (Some(to), Some(from)) = (to, domain.get(self.domain..self.domain + self.length)) {
            to.copy_from_slice(from);
        }
    }
}

/// One device in the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IghMember {
    /// Its domain.
    pub domain: DomainIndex,
    /// Its configuration.
    pub config: ConfigIndex,
    /// Where its outputs stand.
    pub outputs: Vec<Run>,
    /// Where its inputs stand.
    pub inputs: Vec<Run>,
    /// What a complete exchange adds to the working counter.
    pub working_counter: u16,
}

/// A segment that the kernel's master looks after.
pub struct IghBus {
    layer: Box<dyn MasterLayer>,
    members: Box<[IghMember]>,
    expected: u16,
    /// SYNC0 is on somewhere: clocks are kept.
    clocks: bool,
    period_ns: u64,
    cycle_start_ns: u64,
    sent: bool,
}

impl std::fmt::Debug for IghBus {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("IghBus").field("members", &self.members).finish_non_exhaustive()
    }
}

impl IghBus {
    /// Over a master that is configured; at most `MAX_BUS_DEVICES` members.
    pub fn new(layer: Box<dyn MasterLayer>, members: Vec<IghMember>, clocks: bool, period_ns: u64) -> IghBus {
        IghBus {
            layer,
            expected: members.iter().map(|member| member.working_counter).sum(),
            members: members.into(),
            clocks,
            period_ns,
            cycle_start_ns: 0,
            sent: false,
        }
    }

    /// The master, for what is done before the first cycle.
    pub fn layer(&mut self) -> &mut dyn MasterLayer {
        &mut *self.layer
    }

    fn send(&mut self, outputs: &[u8], cycle_start_ns: u64) -> Answer<()> {
        for member in &self.members {
            let data = self.layer.domain_data(member.domain)?;
            for run in &member.outputs {
                run.fill(data, outputs);
            }
        }
        if self.clocks {
            self.layer.application_time(cycle_start_ns)?;
            self.layer.sync_reference_clock()?;
            self.layer.sync_device_clocks()?;
        }
        for member in &self.members {
            self.layer.queue(member.domain)?;
        }
        self.layer.send()
    }

    /// Takes what came back of one device: what it adds to the working counter, and whether its inputs are fresh.
    fn fetch(&mut self, number: usize, inputs: &mut [u8]) -> Answer<(u16, bool)> {
        let member = &self.members[number];
        self.layer.process(member.domain)?;
        let state = self.layer.domain_state(member.domain)?;
        if !state.complete {
            return Ok((state.working_counter.min(member.working_counter.saturating_sub(1)), false));
        }
        let data = self.layer.domain_data(member.domain)?;
        for run in &member.inputs {
            run.fetch(data, inputs);
        }
        Ok((member.working_counter, true))
    }

    /// One bit a device that is not in OP: each is asked only where not all are.
    fn not_operational(&mut self) -> u64 {
        let devices = self.members.len();
        let everyone = self.layer.segment_state();
        if everyone.is_ok_and(|state| state.al_states == AL_OPERATIONAL && state.responding as usize == devices) {
            return 0;
        }
        let mut missing = 0;
        for (number, member) in self.members.iter().enumerate() {
            let operational =
                self.layer.device_state(member.config).is_ok_and(|state| state.online && state.operational);
            missing |= u64::from(!operational) << number;
        }
        missing
    }

    /// How far the cycle's deadline is behind its place, half a period before a pulse of SYNC0. The devices' clocks follow
    /// ours, and pulses come at multiples of the period.
    fn late_by_bus_clock_ns(&self) -> Option<i64> {
        let (period_ns, half_ns) = (self.period_ns.max(1), self.period_ns / 2);
        self.clocks.then(|| (self.cycle_start_ns % period_ns) as i64 - half_ns as i64)
    }
}

impl CyclicBus for IghBus {
    fn begin(&mut self, outputs: &[u8], cycle_start_ns: u64) {
        self.cycle_start_ns = cycle_start_ns;
        // What is not sent does not come back, and is counted then.
        self.sent = self.send(outputs, cycle_start_ns).is_ok();
    }

    fn finish(&mut self, inputs: &mut [u8], deadline_ns: u64) -> CycleReport {
        let devices = (0..self.members.len()).fold(0, |bits, number| bits | 1 << number);
        let mut report = CycleReport { devices, working_counter_expected: self.expected, ..CycleReport::default() };
        self.layer.wait_until(deadline_ns);
        // Also what an earlier exchange left behind is taken.
        let received = self.layer.receive().is_ok();
        if received && self.sent {
            for number in 0..self.members.len() {
                let (counter, fresh) = self.fetch(number, inputs).unwrap_or((0, false));
                report.working_counter = report.working_counter.saturating_add(counter);
                report.fresh |= u64::from(fresh) << number;
            }
        }
        // The kernel does not tell a lost frame from devices that are all gone.
        report.lost = report.working_counter == 0 && self.expected > 0;
        report.not_operational = self.not_operational();
        if !report.lost {
            report.not_operational |= devices & !report.fresh;
        }
        report.late_by_bus_clock_ns = self.late_by_bus_clock_ns();
        report
    }

    fn request_recovery(&mut self) {
        // The kernel brings devices back by itself.
    }

    fn feedback_delay_periods(&self) -> f64 {
        FEEDBACK_DELAY_PERIODS
    }
}
