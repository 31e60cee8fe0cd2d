//! The power state machine on the drive's side (CiA 402-2 §6.3, IEC 61800-7-201).
//!
//! It takes the controlword and what the drive knows about itself, and says what the power stage shall do. This is the
//! device's view, written from the standard alone: `drive::cia402` is the master's view and shares nothing with it.

/// States of the power drive system.
///
/// ```text
///  power-on ─0► NotReadyToSwitchOn ─1► SwitchOnDisabled ◄─15─ Fault
///                                        2│ ▲7   ▲10 ▲9 ▲12     ▲14
///                                         ▼ │    │   │  │       │
///                        ReadyToSwitchOn ───┘    │   │  │  FaultReactionActive
///                             3│ ▲6   ▲8         │   │  │       ▲13
///                              ▼ │    │          │   │  │       │ (any state)
///                           SwitchedOn ──────────┘   │  │
///                             4│ ▲5   │              │  │
///                              ▼ │    │              │  │
///                        OperationEnabled ───────────┘  │
///                            11│ ▲16                    │
///                              ▼ │                      │
///                        QuickStopActive ───────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerState {
    /// Starting up.
    NotReadyToSwitchOn,
    /// Ready to take commands, nothing powered.
    SwitchOnDisabled,
    /// Mains may be switched on.
    ReadyToSwitchOn,
    /// Mains are on, no torque yet.
    SwitchedOn,
    /// Torque is on, setpoints are followed.
    OperationEnabled,
    /// Stopping, or stopped and holding, after a quick stop.
    QuickStopActive,
    /// Stopping because of a fault.
    FaultReactionActive,
    /// Faulted, no torque, waits for a reset.
    Fault,
}

impl PowerState {
    /// Its bits of the statusword (bits 0–3, 5, 6).
    pub fn status_bits(self) -> u16 {
        match self {
            PowerState::NotReadyToSwitchOn => 0x00,
            PowerState::SwitchOnDisabled => 0x40,
            PowerState::ReadyToSwitchOn => 0x21,
            PowerState::SwitchedOn => 0x23,
            PowerState::OperationEnabled => 0x27,
            PowerState::QuickStopActive => 0x07,
            PowerState::FaultReactionActive => 0x0F,
            PowerState::Fault => 0x08,
        }
    }
}

/// A command in the controlword's bits 0–3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Shutdown,
    SwitchOn,
    EnableOperation,
    DisableVoltage,
    QuickStop,
}

impl Command {
    fn decode(controlword: u16) -> Command {
        match controlword & 0b1111 {
            bits if bits & 0b0010 == 0 => Command::DisableVoltage,
            bits if bits & 0b0100 == 0 => Command::QuickStop,
            bits if bits & 0b0001 == 0 => Command::Shutdown,
            bits if bits & 0b1000 == 0 => Command::SwitchOn,
            _ => Command::EnableOperation,
        }
    }
}

/// How a drive comes to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// No torque at once.
    Coast,
    /// On the slow-down ramp (6084h).
    SlowDown,
    /// On the quick-stop ramp (6085h).
    QuickStop,
    /// As hard as current and voltage allow.
    Limit,
}

impl Stop {
    /// By the number that the option codes share: 1 slow-down, 2 quick stop, 3 current limit, 4 voltage limit.
    fn by_option(option: i16) -> Stop {
        match option {
            1 => Stop::SlowDown,
            2 => Stop::QuickStop,
            3 | 4 => Stop::Limit,
            _ => Stop::Coast,
        }
    }
}

/// What the power stage shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerDemand {
    /// No torque; a brake of the drive is engaged.
    Off,
    /// Power up and hold the present position; a brake of the drive opens.
    Hold,
    /// Follow the setpoints.
    Follow,
    /// Come to rest; then hold, or let a brake of the drive close when the power is to go.
    Stop {
        /// How.
        stop: Stop,
        /// The power goes when it is at rest and the brake holds.
        then_off: bool,
    },
}

/// Option codes 605Ah–605Eh and 6007h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// 605Ah quick stop: 0 coast, 1–4 stop, then Switch On Disabled, 5–8 stop and stay.
    pub quick_stop: i16,
    /// 605Bh shutdown: 0 coast, 1 slow-down ramp.
    pub shutdown: i16,
    /// 605Ch disable operation: 0 coast, 1 slow-down ramp.
    pub disable_operation: i16,
    /// 605Dh halt: 1–4.
    pub halt: i16,
    /// 605Eh fault reaction: 0 coast, 1–4.
    pub fault_reaction: i16,
    /// 6007h abort connection: 0 nothing, 1 fault, 2 disable voltage, 3 quick stop.
    pub abort_connection: i16,
}

/// What the drive knows about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// The controlword.
    pub controlword: u16,
    /// Start-up is over.
    pub started: bool,
    /// Mains are there.
    pub mains: bool,
    /// Safe torque off is active.
    pub safe_torque_off: bool,
    /// A fault whose cause is still there, with its code.
    pub fault: Option<u16>,
    /// While switched on, loss of mains or torque is a fault with this code, else back to Switch On Disabled.
    pub power_loss_fault: Option<u16>,
    /// The power stage is up and a brake of the drive is open.
    pub ready: bool,
    /// The demanded stop has come to its end.
    pub stopped: bool,
    /// The master is silent for longer than the watchdog allows.
    pub link_lost: bool,
}

impl Conditions {
    fn torque_possible(&self) -> bool {
        self.mains && !self.safe_torque_off
    }
}

/// Error code of a silent master (603Fh).
pub const ERROR_LINK_LOST: u16 = 0x8130;

/// The state machine.
#[derive(Clone, Copy, Debug)]
pub struct StateMachine {
    state: PowerState,
    error_code: u16,
    /// Torque went with the fault, so the reaction is to coast.
    powerless: bool,
    reset_bit: bool,
    link_was_lost: bool,
}

impl Default for StateMachine {
    fn default() -> StateMachine {
        StateMachine {
            state: PowerState::NotReadyToSwitchOn,
            error_code: 0,
            powerless: false,
            reset_bit: false,
            link_was_lost: false,
        }
    }
}

impl StateMachine {
    /// The present state.
    pub fn state(&self) -> PowerState {
        self.state
    }

    /// 603Fh: the code of the last fault, 0 after its reset.
    pub fn error_code(&self) -> u16 {
        self.error_code
    }

    /// Takes at most one transition, then says what the power stage shall do.
    pub fn step(&mut self, conditions: &Conditions, options: &Options) -> PowerDemand {
        use PowerState::*;
        let reset_edge = conditions.controlword & 0x80 != 0 && !self.reset_bit;
        self.reset_bit = conditions.controlword & 0x80 != 0;
        let link_fell = conditions.link_lost && !self.link_was_lost;
        self.link_was_lost = conditions.link_lost;

        // A silent master's last controlword no longer counts.
        let command = match options.abort_connection {
            2 if conditions.link_lost => Command::DisableVoltage,
            3 if conditions.link_lost => Command::QuickStop,
            _ => Command::decode(conditions.controlword),
        };
        let powered = matches!(self.state, SwitchedOn | OperationEnabled | QuickStopActive);
        let faulted = matches!(self.state, FaultReactionActive | Fault);
        match conditions.fault {
            Some(code) if !faulted => self.raise(code, conditions),
            _ if link_fell && options.abort_connection == 1 && powered => self.raise(ERROR_LINK_LOST, conditions),
            _ if powered && !conditions.torque_possible() => match conditions.power_loss_fault {
                Some(code) => self.raise(code, conditions),
                None => self.state = SwitchOnDisabled,
            },
            _ => {
                self.powerless |= !conditions.torque_possible();
                self.state = self.next(command, reset_edge, conditions, options);
            }
        }
        self.demand(command, conditions, options)
    }

    /// Transition 13.
    fn raise(&mut self, code: u16, conditions: &Conditions) {
        let powered = matches!(self.state, PowerState::OperationEnabled | PowerState::QuickStopActive);
        self.powerless = !powered || !conditions.torque_possible();
        self.error_code = code;
        self.state = PowerState::FaultReactionActive;
    }

    fn next(&mut self, command: Command, reset: bool, conditions: &Conditions, options: &Options) -> PowerState {
        use Command::*;
        use PowerState::*;
        let stopped = conditions.stopped;
        match (self.state, command) {
            (NotReadyToSwitchOn, _) => {
                if conditions.started {
                    SwitchOnDisabled
                } else {
                    NotReadyToSwitchOn
                }
            }
            // 2
            (SwitchOnDisabled, Shutdown) if !conditions.safe_torque_off => ReadyToSwitchOn,
            // 7
            (ReadyToSwitchOn, DisableVoltage | QuickStop) => SwitchOnDisabled,
            // 3; a direct Enable Operation takes 4 in the next step
            (ReadyToSwitchOn, SwitchOn | EnableOperation) if conditions.torque_possible() => SwitchedOn,
            // 10, 6, 4
            (SwitchedOn, DisableVoltage | QuickStop) => SwitchOnDisabled,
            (SwitchedOn, Shutdown) => ReadyToSwitchOn,
            (SwitchedOn, EnableOperation) if conditions.ready => OperationEnabled,
            // 9
            (OperationEnabled, DisableVoltage) => SwitchOnDisabled,
            // 11; option 0 leaves no torque, so the quick stop is over at once (12)
            (OperationEnabled, QuickStop) if options.quick_stop == 0 => SwitchOnDisabled,
            (OperationEnabled, QuickStop) => QuickStopActive,
            // 8, 5: at once without torque, or when the ramp has ended
            (OperationEnabled, Shutdown) if options.shutdown == 0 || stopped => ReadyToSwitchOn,
            (OperationEnabled, SwitchOn) if options.disable_operation == 0 || stopped => SwitchedOn,
            // 12
            (QuickStopActive, DisableVoltage) => SwitchOnDisabled,
            (QuickStopActive, _) if (1..=4).contains(&options.quick_stop) && stopped => SwitchOnDisabled,
            // 16
            (QuickStopActive, EnableOperation) if (5..=8).contains(&options.quick_stop) => OperationEnabled,
            // 14
            (FaultReactionActive, _) if self.powerless || options.fault_reaction == 0 || stopped => Fault,
            // 15
            (Fault, _) if reset && conditions.fault.is_none() => {
                self.error_code = 0;
                SwitchOnDisabled
            }
            (state, _) => state,
        }
    }

    fn demand(&self, command: Command, conditions: &Conditions, options: &Options) -> PowerDemand {
        use PowerState::*;
        match self.state {
            NotReadyToSwitchOn | SwitchOnDisabled | ReadyToSwitchOn | Fault => PowerDemand::Off,
            SwitchedOn if command == Command::EnableOperation => PowerDemand::Hold,
            SwitchedOn => PowerDemand::Off,
            OperationEnabled => match command {
                Command::Shutdown | Command::SwitchOn => PowerDemand::Stop { stop: Stop::SlowDown, then_off: true },
                _ if conditions.controlword & 0x100 != 0 => {
                    PowerDemand::Stop { stop: Stop::by_option(options.halt.max(1)), then_off: false }
                }
                _ => PowerDemand::Follow,
            },
            QuickStopActive => {
                let (option, stay) =
                    if options.quick_stop > 4 { (options.quick_stop - 4, true) } else { (options.quick_stop, false) };
                PowerDemand::Stop { stop: Stop::by_option(option), then_off: !stay }
            }
            FaultReactionActive if self.powerless => PowerDemand::Off,
            FaultReactionActive => PowerDemand::Stop { stop: Stop::by_option(options.fault_reaction), then_off: true },
        }
    }
}

#[cfg(test)]
#[path = "cia402_tests.rs"]
mod tests;
