//! Error codes of devices: objects 603Fh and 1003h, and emergencies (CiA 301, CiA 402-2, ETG.1000.6).

use crate::fault::Fault;
use std::fmt;

/// What a device says of a fault of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u16);

/// The device has no fault any more.
pub const NO_ERROR: ErrorCode = ErrorCode(0);

impl ErrorCode {
    /// The device's own code behind a fault of its own, whose detail it is; `None` where it gives none.
    pub fn of_fault(fault: Fault, detail: f64) -> Option<ErrorCode> {
        let own = matches!(fault, Fault::DriveFault | Fault::DriveEmergency | Fault::TerminalEmergency);
        (own && detail > 0.0).then_some(ErrorCode(detail as u16))
    }

    /// Whether it is this code, or one of the class that a code with 00 at its end stands for (CiA 301 Table 26).
    pub fn is_of(self, code: u16) -> bool {
        self.0 == code || code & 0xFF == 0 && self.0 >> 8 == code >> 8
    }

    /// What it means: the code itself where CiA 402 or ETG.1000.6 give it, otherwise its class.
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0x2310 => "continuous over-current at the output",
            0x2320 => "short circuit or earth leakage at the output",
            0x2330 => "earth leakage at the output",
            0x2340 => "short circuit between phases at the output",
            0x3110 => "mains over-voltage",
            0x3120 => "mains under-voltage",
            0x3130 => "a mains phase is missing",
            0x3210 => "over-voltage in the DC link",
            0x3220 => "under-voltage in the DC link",
            0x4210 => "the device is too hot",
            0x4220 => "the device is too cold",
            0x4310 => "the motor or its power stage is too hot",
            0x5441 => "a contact for safe stopping is open",
            0x7110 => "the brake chopper",
            0x7121 => "the motor is blocked",
            0x7122 => "the motor or its commutation",
            0x7305 => "the first incremental encoder",
            0x7306 => "the second incremental encoder",
            0x8130 => "a life guarding or heartbeat was missed",
            0x8611 => "the following error is too large",
            0x8612 => "a limit of position was reached",
            0x8700 => "the synchronisation",
            0xA000 => "the device did not pass from pre-operational to safe-operational",
            0xA001 => "the device did not pass from safe-operational to operational",
            code => class(code),
        }
    }
}

/// The class of an error code: its first byte, or half of it (CiA 301, CiA 402-2).
fn class(code: u16) -> &'static str {
    match code >> 8 {
        0x00 => "no fault any more",
        0x20 => "current",
        0x21 => "current at the input",
        0x22 => "current inside the device",
        0x23 => "current at the output",
        0x30 => "voltage",
        0x31 => "mains voltage",
        0x32 => "voltage inside the device",
        0x33 => "voltage at the output",
        0x40 => "temperature",
        0x41 => "temperature of the surroundings",
        0x42 => "temperature of the device",
        0x43 => "temperature of the drive",
        0x44 => "temperature of the supply",
        0x50 => "the device's hardware",
        0x51 => "the supply of the device's electronics",
        0x52 => "the control electronics",
        0x53 => "the operating unit",
        0x54 => "the power stage",
        0x55 => "the memory",
        0x60 => "the device's software",
        0x61 => "the firmware",
        0x62 => "the user's program",
        0x63 => "the parameters",
        0x70 => "an additional module",
        0x71 => "the power side: brake, motor",
        0x72 => "the measuring circuit",
        0x73 => "a sensor: encoder, resolver",
        0x74 => "the computing circuit",
        0x75 => "a communication of the device's own",
        0x76 => "the data store",
        0x80 => "monitoring",
        0x81 => "communication",
        0x82 => "a protocol",
        0x83 => "the torque control",
        0x84 => "the velocity control",
        0x85 => "the position control",
        0x86 => "the positioning",
        0x87 => "the synchronisation",
        0x88 => "the winding control",
        0x89 => "the supervision of process data",
        0x8A => "the control",
        0x90 => "a fault outside of the device",
        0xA0 => "a change of the EtherCAT state",
        0xF0 => "an additional function",
        0xFF => "a fault that the vendor defines",
        high => match high >> 4 {
            0x1 => "a fault without a class",
            0x2 => "current",
            0x3 => "voltage",
            0x4 => "temperature",
            0x5 => "the device's hardware",
            0x6 => "the device's software",
            0x7 => "an additional module",
            0x8 => "monitoring",
            0x9 => "a fault outside of the device",
            0xF => "an additional function, or a fault that the vendor defines",
            _ => "a fault of a class that the standards do not list",
        },
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}h: {}", self.0, self.meaning())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_words_and_a_code_without_its_own_has_those_of_its_class() {
        for code in 0..=u16::MAX {
            assert!(!ErrorCode(code).meaning().is_empty());
        }
        for (code, meaning) in [
            (0x0000, "no fault any more"),
            (0x2099, "current"),
            (0x2999, "current"),
            (0x7380, "a sensor: encoder, resolver"),
            (0xFF07, "a fault that the vendor defines"),
            (0xB000, "a fault of a class that the standards do not list"),
        ] {
            assert_eq!(ErrorCode(code).meaning(), meaning, "{code:04X}h");
        }
    }
}
