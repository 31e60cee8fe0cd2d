//! One axis as the cycle holds it: its drive, its watch, and where its bytes stand.

use super::supervision::{Finding, Supervision, SupervisionParameters};
use crate::drive::{Drive, DriveParameters, ParameterError};
use crate::fault::Fault;
use crate::fieldbus::news::{ErrorCode, NO_ERROR};
use crate::ids::{AxisId, BusId};

/// The bits of the drive's digital inputs (60FDh) that are the axis's limit switches; 1 is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriveLimitSwitches {
    /// The negative limit switch; 0 in CiA 402, 1 where the axis counts against its drive.
    pub negative_bit: u8,
    /// The positive limit switch.
    pub positive_bit: u8,
}

/// How one axis hangs together.
#[derive(Clone, Debug)]
pub struct AxisWiring {
    /// Its bus.
    pub bus: BusId,
    /// Its device on that bus, as the bus counts (bit in `CycleReport::fresh`).
    pub device: u8,
    /// Its drive; the layout gives its bytes of the bus's images.
    pub drive: DriveParameters,
    /// How it is watched.
    pub supervision: SupervisionParameters,
    /// Limit switches that are wired to the drive.
    pub limit_switches: Option<DriveLimitSwitches>,
}

/// One axis in the cycle.
pub(super) struct AxisSlot {
    pub id: AxisId,
    pub drive: Drive,
    pub supervision: Supervision,
    pub bus: usize,
    pub device: u8,
    /// Its bit among the axes, and that of its device on its bus.
    pub bit: u64,
    pub device_bit: u64,
    pub limit_switches: Option<DriveLimitSwitches>,
    pub fresh: bool,
    /// Its device takes part in the exchange.
    pub reached: bool,
    /// Its device dropped out of an exchange that goes on.
    pub lost: bool,
    pub finding: Finding,
    /// What its device said of itself since the last reset.
    pub emergency: ErrorCode,
    pub was_operational: bool,
    pub was_referenced: bool,
    pub told_fault: Option<Fault>,
    pub fault_detail: f64,
}

impl AxisSlot {
    /// Builds the drive and its watch; `delay_periods` is what the bus says of its feedback.
    pub fn new(
        id: AxisId,
        mut wiring: AxisWiring,
        delay_periods: f64,
        period_s: f64,
    ) -> Result<AxisSlot, ParameterError> {
        wiring.drive.feedback_delay_periods = delay_periods;
        let delay_periods = wiring.drive.following_delay_periods();
        Ok(AxisSlot {
            id,
            drive: Drive::new(&wiring.drive, period_s)?,
            supervision: Supervision::new(wiring.supervision, delay_periods, period_s),
            bus: wiring.bus.index(),
            device: wiring.device,
            bit: 1 << id.0,
            device_bit: 1 << wiring.device,
            limit_switches: wiring.limit_switches,
            fresh: false,
            reached: false,
            lost: false,
            finding: Finding::default(),
            emergency: NO_ERROR,
            was_operational: false,
            was_referenced: false,
            told_fault: None,
            fault_detail: 0.0,
        })
    }

    /// Its drive is enabled, as far as anybody knows: not where its device dropped out.
    #[inline]
    pub fn operational(&self) -> bool {
        self.drive.feedback().operational && !self.lost
    }

    /// What is wrong with it, and the drive's error code or the following error. A drive that is lost says nothing any more.
    /// What the drive says of itself explains more than what is seen from outside; but while a reset is under way it still
    /// shows what is being reset, which ends in a fault of its own, if in one.
    #[inline]
    pub fn fault(&self) -> Option<(Fault, f64)> {
        let feedback = self.drive.feedback();
        if self.lost {
            return Some((Fault::DeviceLost, 0.0));
        }
        match feedback.fault {
            Some(fault) if !feedback.resetting => Some((fault, f64::from(feedback.error_code))),
            _ if self.emergency != NO_ERROR => Some((Fault::DriveEmergency, f64::from(self.emergency.0))),
            _ => self.finding.fault.map(|fault| (fault, self.finding.following_error)),
        }
    }

    /// A limit switch as the drive reports it, where it does.
    #[inline]
    pub fn limit_in_drive(&self, bit: u8) -> bool {
        self.drive.feedback().digital_inputs.checked_shr(u32::from(bit)).unwrap_or(0) & 1 != 0
    }
}
