//! The power drive state machine of CiA 402 (CiA 402-2 §7, IEC 61800-7-201): statusword → state, and the controlword
//! that takes the next step.
//!
//! ```text
//!             NotReadyToSwitchOn
//!                     │ by itself
//!            ┌► SwitchOnDisabled ◄───────────────────┬──────────────┐
//!            │        │ 06 ▲ 00                      │ 80 (edge)    │ 00, or by itself (605Ah 1 to 4)
//!            │  ReadyToSwitchOn                    Fault            │
//!            │        │ 07 ▲ 06                      ▲ by itself    │
//!            │    SwitchedOn                  FaultReactionActive   │
//!            │        │ 0F ▲ 07                      ▲ any fault    │
//!            └─── OperationEnabled ── 02 ────► QuickStopActive ─────┘
//!              00
//! ```

/// State of a drive, as its statusword (6041h) shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// No answer yet, or a bit pattern that CiA 402 does not define.
    #[default]
    Unknown = 0,
    /// Starting up or testing itself.
    NotReadyToSwitchOn = 1,
    /// Ready for parameters; no torque.
    SwitchOnDisabled = 2,
    /// Mains may be switched on; no torque.
    ReadyToSwitchOn = 3,
    /// Power stage ready; no torque.
    SwitchedOn = 4,
    /// Follows setpoints.
    OperationEnabled = 5,
    /// Stopping by its own ramp, or stopped and holding.
    QuickStopActive = 6,
    /// A fault came up and the drive stops by its own means.
    FaultReactionActive = 7,
    /// Faulted; no torque.
    Fault = 8,
}

impl State {
    /// Every state, in the order of its number.
    pub const ALL: &'static [State] = &[
        State::Unknown,
        State::NotReadyToSwitchOn,
        State::SwitchOnDisabled,
        State::ReadyToSwitchOn,
        State::SwitchedOn,
        State::OperationEnabled,
        State::QuickStopActive,
        State::FaultReactionActive,
        State::Fault,
    ];

    /// The state with this number, as it crosses the exchange.
    pub fn from_u8(value: u8) -> Option<State> {
        State::ALL.iter().copied().find(|state| *state as u8 == value)
    }

    /// The state that a statusword shows (CiA 402-2 table 30: masks 4Fh and 6Fh).
    pub fn from_statusword(statusword: u16) -> State {
        match statusword & 0x4F {
            0x00 => State::NotReadyToSwitchOn,
            0x40 => State::SwitchOnDisabled,
            0x0F => State::FaultReactionActive,
            0x08 => State::Fault,
            _ => match statusword & 0x6F {
                0x21 => State::ReadyToSwitchOn,
                0x23 => State::SwitchedOn,
                0x27 => State::OperationEnabled,
                0x07 => State::QuickStopActive,
                _ => State::Unknown,
            },
        }
    }

    /// Its name in CiA 402's words, as one word.
    pub fn name(self) -> &'static str {
        match self {
            State::Unknown => "Unknown",
            State::NotReadyToSwitchOn => "NotReadyToSwitchOn",
            State::SwitchOnDisabled => "SwitchOnDisabled",
            State::ReadyToSwitchOn => "ReadyToSwitchOn",
            State::SwitchedOn => "SwitchedOn",
            State::OperationEnabled => "OperationEnabled",
            State::QuickStopActive => "QuickStopActive",
            State::FaultReactionActive => "FaultReactionActive",
            State::Fault => "Fault",
        }
    }

    /// The drive has a fault.
    pub fn is_fault(self) -> bool {
        matches!(self, State::FaultReactionActive | State::Fault)
    }

    /// The power stage may still hold or brake the motor.
    pub fn has_torque(self) -> bool {
        matches!(self, State::OperationEnabled | State::QuickStopActive | State::FaultReactionActive)
    }

    /// The controlword for the next step towards Operation Enabled, as long as `may_operate` (else no farther than
    /// Switched On). Faults and a quick stop are left by none of these steps.
    pub fn controlword_towards_operation(self, may_operate: bool) -> u16 {
        match self {
            State::SwitchOnDisabled => controlword::SHUTDOWN,
            State::ReadyToSwitchOn => controlword::SWITCH_ON,
            State::SwitchedOn | State::OperationEnabled if may_operate => controlword::ENABLE_OPERATION,
            State::SwitchedOn => controlword::SWITCH_ON,
            _ => controlword::DISABLE_VOLTAGE,
        }
    }
}

/// Commands in the controlword (6040h; CiA 402-2 table 28).
pub mod controlword {
    /// → Switch On Disabled; the motor coasts.
    pub const DISABLE_VOLTAGE: u16 = 0x00;
    /// → Quick Stop Active from Operation Enabled, Switch On Disabled from states below.
    pub const QUICK_STOP: u16 = 0x02;
    /// → Ready To Switch On.
    pub const SHUTDOWN: u16 = 0x06;
    /// → Switched On; from Operation Enabled: disable operation.
    pub const SWITCH_ON: u16 = 0x07;
    /// → Operation Enabled.
    pub const ENABLE_OPERATION: u16 = 0x0F;
    /// Its rising edge resets a fault.
    pub const FAULT_RESET: u16 = 0x80;
    /// In interpolated position: go from record to record.
    pub const ENABLE_INTERPOLATION: u16 = 1 << 4;
    /// In profile position: its rising edge gives a target.
    pub const NEW_SETPOINT: u16 = 1 << 4;
    /// In profile position: the target replaces the one before.
    pub const CHANGE_IMMEDIATELY: u16 = 1 << 5;
}

/// Bits of the statusword beside the state.
pub mod statusword {
    /// The power stage has its voltage.
    pub const VOLTAGE_ENABLED: u16 = 1 << 4;
    /// The drive warns.
    pub const WARNING: u16 = 1 << 7;
    /// The drive obeys the controlword.
    pub const REMOTE: u16 = 1 << 9;
    /// An internal limit is active.
    pub const INTERNAL_LIMIT: u16 = 1 << 11;
    /// By the mode: interpolation is active (interpolated position), the target is taken (profile position).
    pub const MODE_ANSWER: u16 = 1 << 12;
    /// All that changes what the sequence does: those before, and the bits of the state.
    pub const OBSERVED: u16 = 0x6F | VOLTAGE_ENABLED | WARNING | REMOTE | INTERNAL_LIMIT;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_patterns_of_the_standard_and_no_other_decide_the_state() {
        // Written as patterns (x: any), from the table of the standard rather than from its masks.
        let table = [
            ("x0xx0000", State::NotReadyToSwitchOn),
            ("x1xx0000", State::SwitchOnDisabled),
            ("x01x0001", State::ReadyToSwitchOn),
            ("x01x0011", State::SwitchedOn),
            ("x01x0111", State::OperationEnabled),
            ("x00x0111", State::QuickStopActive),
            ("x0xx1111", State::FaultReactionActive),
            ("x0xx1000", State::Fault),
        ];
        for word in 0..=u16::MAX {
            let bits = format!("{:08b}", word & 0xFF);
            let fits = |pattern: &str| pattern.chars().zip(bits.chars()).all(|(p, b)| p == 'x' || p == b);
            let expected = table.iter().find(|(pattern, _)| fits(pattern)).map_or(State::Unknown, |(_, state)| *state);
            assert_eq!(State::from_statusword(word), expected, "{word:04X}");
        }
    }

    #[test]
    fn numbers_of_states_are_found_again() {
        for (number, state) in State::ALL.iter().enumerate() {
            assert_eq!(*state as usize, number);
            assert_eq!(State::from_u8(number as u8), Some(*state));
        }
        assert_eq!(State::from_u8(State::ALL.len() as u8), None);
    }

    #[test]
    fn the_walk_to_operation_is_06_07_0f_and_waits_at_switched_on() {
        assert_eq!(State::SwitchOnDisabled.controlword_towards_operation(true), 0x06);
        assert_eq!(State::ReadyToSwitchOn.controlword_towards_operation(true), 0x07);
        assert_eq!(State::SwitchedOn.controlword_towards_operation(true), 0x0F);
        assert_eq!(State::SwitchedOn.controlword_towards_operation(false), 0x07);
        assert_eq!(State::OperationEnabled.controlword_towards_operation(true), 0x0F);
        for state in [State::Fault, State::FaultReactionActive, State::QuickStopActive, State::Unknown] {
            assert_eq!(state.controlword_towards_operation(true), 0x00, "{state:?}");
        }
    }
}
