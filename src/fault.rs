//! Numbered faults: what stopped the machine, why, and what to do about it.
//!
//! A fault is a `Copy` code, so that it can be raised on the real-time thread; its words are looked up
//! by whoever shows it to a person. Numbers are never reused. The first digit tells where a fault was
//! seen: 1 machine, 2 bus, 3 drive, 4 axis, 5 group.

/// Who is stopped by a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The axis that it concerns.
    Axis,
    /// The axis and every axis of its group.
    Group,
    /// The whole machine.
    All,
}

/// How the axes in the scope are stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopKind {
    /// The cycle ramps the setpoint down within the axis limits.
    Ramp,
    /// The drive is told to stop by its own quick-stop ramp (CiA 402 605Ah).
    QuickStop,
}

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Who is stopped.
    pub scope: Scope,
    /// How.
    pub stop: StopKind,
}

macro_rules! faults {
    ($( $variant:ident = $code:literal, $name:literal, $scope:ident, $stop:ident, $cause:literal, $remedy:literal; )*) => {
        /// What stopped an axis, a group or the machine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Fault { $( #[doc = $cause] $variant = $code, )* }

        impl Fault {
            /// Every fault, in the order of its number.
            pub const ALL: &'static [Fault] = &[ $( Fault::$variant, )* ];

            /// The fault with this number.
            pub fn from_code(code: u16) -> Option<Fault> {
                match code { $( $code => Some(Fault::$variant), )* _ => None }
            }

            /// Its name, as in configuration, events and metrics.
            pub fn name(self) -> &'static str {
                match self { $( Fault::$variant => $name, )* }
            }

            /// What happened, for the person at the machine.
            pub fn cause(self) -> &'static str {
                match self { $( Fault::$variant => $cause, )* }
            }

            /// What to do about it.
            pub fn remedy(self) -> &'static str {
                match self { $( Fault::$variant => $remedy, )* }
            }

            /// What it does unless the configuration says more.
            pub fn reaction(self) -> Reaction {
                match self { $( Fault::$variant => Reaction { scope: Scope::$scope, stop: StopKind::$stop }, )* }
            }
        }
    };
}

faults! {
    CycleOverrun = 1001, "cycle-overrun", All, Ramp,
        "the cycle missed more periods in a row than the configuration allows",
        "find what held the real-time thread (motion_cycle_overruns_total by cause), isolate its CPU, or lengthen the period";
    CyclePanic = 1002, "cycle-panic", All, QuickStop,
        "the real-time thread failed an internal check and the fallback stopped the drives",
        "report the log of the daemon; restart it";
    ServiceLost = 1003, "service-lost", All, Ramp,
        "a service of the daemon could not be brought back",
        "read the log for the service's failure; restart the daemon";
    EmergencyStop = 1101, "emergency-stop", All, QuickStop,
        "the emergency-stop input is open",
        "make the machine safe, release the emergency stop, then reset";
    EnablingDevice = 1102, "enabling-device", All, Ramp,
        "the enabling device was let go during motion",
        "hold the enabling device, then reset";
    InputFault = 1103, "input-fault", All, Ramp,
        "a digital input that is configured as a fault became active",
        "clear the condition that the input watches, then reset";
    BusLost = 2001, "bus-lost", All, QuickStop,
        "the bus gave no valid answer for more cycles in a row than allowed",
        "check cables and power of the bus; when its devices are back, reset";
    WorkingCounter = 2002, "working-counter", All, Ramp,
        "a device that carries the machine's inputs or outputs did not take part in the exchange for more cycles in a row than allowed",
        "check supply and cable of the device; when it is back, reset";
    StaleFeedback = 2003, "stale-feedback", Group, QuickStop,
        "the axis got no fresh feedback for more cycles in a row than allowed",
        "check the drive and its cable, then reset";
    DeviceLost = 2004, "device-lost", Group, QuickStop,
        "the axis's device dropped out of the exchange on its bus (supply, cable, or a fault of its own)",
        "check its supply and cable; when the device is back, reset and power on";
    BusNotUp = 2005, "bus-not-up", All, QuickStop,
        "a bus could not be brought up, so the daemon does not start",
        "remove what the message names and start again; under systemd that is tried by itself, five times in a minute";
    TerminalEmergency = 2006, "terminal-emergency", All, Ramp,
        "a device that drives no axis told of a fault of its own by an emergency message",
        "look the code up in the device's manual, remove its cause, then reset; tolerated-emergencies has the codes that stop nothing";
    DriveFault = 3001, "drive-fault", Group, QuickStop,
        "the drive reports a fault of its own (object 603Fh has its code)",
        "look the code up in the drive's manual, remove its cause, then reset";
    DriveLeftOperation = 3002, "drive-left-operation", Group, QuickStop,
        "the drive left Operation Enabled without being told to (safe torque off, mains, local control)",
        "restore what the drive needs to stay enabled, then reset and power on";
    EnableTimeout = 3003, "enable-timeout", Axis, QuickStop,
        "the drive did not reach Operation Enabled in time",
        "check mains, safe torque off and the drive's statusword, then reset and power on";
    ModeRefused = 3004, "mode-refused", Axis, QuickStop,
        "the drive did not confirm its mode of operation (6061h) in time",
        "check that the drive supports the configured mode (6502h), then reset";
    VoltageLost = 3005, "voltage-lost", Group, QuickStop,
        "the drive lost its main voltage while enabled",
        "restore mains, then reset and power on";
    ResetRefused = 3006, "reset-refused", Axis, QuickStop,
        "the drive stayed in Fault after a fault reset",
        "remove the cause of the drive's fault first; some faults need its power cycled";
    DriveEmergency = 3007, "drive-emergency", Group, Ramp,
        "the axis's device told of a fault of its own by an emergency message",
        "look the code up in the device's manual, remove its cause, then reset; tolerated-emergencies has the codes that stop nothing";
    TargetNotTaken = 3008, "target-not-taken", Group, QuickStop,
        "the drive did not take the targets of its mode in time (statusword bit 12 in ip and pp)",
        "look in the drive's manual for what it needs to move in this mode, then reset and power on";
    FollowingError = 4001, "following-error", Group, QuickStop,
        "the axis was farther from its setpoint than its window for longer than allowed",
        "look for a collision, a closed brake, too little torque or too high an acceleration, then reset";
    EncoderStuck = 4002, "encoder-stuck", Group, QuickStop,
        "the setpoint moved but the feedback did not change at all",
        "check encoder, coupling and cable, then reset";
    PositiveLimitSwitch = 4003, "positive-limit-switch", Group, Ramp,
        "the axis ran onto its positive limit switch",
        "reset, then move the axis in the negative direction";
    NegativeLimitSwitch = 4004, "negative-limit-switch", Group, Ramp,
        "the axis ran onto its negative limit switch",
        "reset, then move the axis in the positive direction";
    SoftLimit = 4005, "soft-limit", Group, Ramp,
        "the axis is outside its soft limits or would have left them",
        "reset, then move the axis back inside";
    SetpointRange = 4006, "setpoint-range", Group, QuickStop,
        "the setpoint left the range that the drive can represent",
        "set the position closer to zero; report how it came there";
    MemberFault = 5001, "member-fault", Group, Ramp,
        "another axis of the group has a fault",
        "reset the axis that is at fault, then the group";
}

impl Fault {
    /// Its number.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// It is a fault of the machine or of a bus, not of one axis or group.
    pub fn of_machine(self) -> bool {
        self.code() < 3000 && !matches!(self, Fault::StaleFeedback | Fault::DeviceLost)
    }

    /// Its place in [`Fault::ALL`].
    pub fn index(self) -> usize {
        Fault::ALL.iter().position(|fault| *fault == self).unwrap_or(0)
    }

    /// Where it was seen, as a metric label.
    pub fn class(self) -> &'static str {
        match self.code() / 1000 {
            1 => "machine",
            2 => "bus",
            3 => "drive",
            4 => "axis",
            _ => "group",
        }
    }
}

/// A set of faults, one bit each by [`Fault::index`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultSet(u64);

const _: () = assert!(Fault::ALL.len() <= 64, "a set of faults is one u64 word");

impl FaultSet {
    /// Adds a fault.
    pub fn insert(&mut self, fault: Fault) {
        self.0 |= 1 << fault.index();
    }

    /// Whether it is in the set.
    pub fn contains(self, fault: Fault) -> bool {
        self.0 >> fault.index() & 1 != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its faults in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.iter().copied().filter(move |fault| self.contains(*fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_rising_and_found_again() {
        for pair in Fault::ALL.windows(2) {
            assert!(pair[0].code() < pair[1].code(), "{:?} before {:?}", pair[0], pair[1]);
        }
        for fault in Fault::ALL {
            assert_eq!(Fault::from_code(fault.code()), Some(*fault));
            assert!(!fault.cause().is_empty() && !fault.remedy().is_empty());
        }
    }
}
