//! The objects of a simulated CiA 402 drive (CiA 402-2, CiA 402-3, CiA 301, ETG.6010).

use crate::fieldbus::mapping::{PdoEntry, axis_object};
use crate::simulation::object_dictionary::{Access, DataType, Entry, Mapping, ObjectDictionary};
use crate::simulation::sdo_abort::SdoAbort;

macro_rules! objects {
    ($( $variant:ident = $index:literal, $subindex:literal, $type:ident, $access:ident, $mapping:ident, $raw:literal, $name:literal; )*) => {
        /// The objects by their slots in the drive's dictionary.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum DriveObject { $( #[doc = $name] $variant, )* }

        const OBJECTS: &[(Entry, u64)] = &[ $( (
            Entry {
                index: $index,
                subindex: $subindex,
                data_type: DataType::$type,
                access: Access::$access,
                mapping: Mapping::$mapping,
                name: $name,
            },
            $raw,
        ), )* ];
    };
}

objects! {
    ErrorRegister = 0x1001, 0, U8, ReadOnly, Transmit, 0, "Error register";
    AbortConnection = 0x6007, 0, I16, ReadWrite, No, 1, "Abort connection option code";
    ErrorCode = 0x603F, 0, U16, ReadOnly, Transmit, 0, "Error code";
    Controlword = 0x6040, 0, U16, ReadWrite, Receive, 0, "Controlword";
    Statusword = 0x6041, 0, U16, ReadOnly, Transmit, 0, "Statusword";
    QuickStopOption = 0x605A, 0, I16, ReadWrite, No, 2, "Quick stop option code";
    ShutdownOption = 0x605B, 0, I16, ReadWrite, No, 0, "Shutdown option code";
    DisableOption = 0x605C, 0, I16, ReadWrite, No, 1, "Disable operation option code";
    HaltOption = 0x605D, 0, I16, ReadWrite, No, 1, "Halt option code";
    FaultOption = 0x605E, 0, I16, ReadWrite, No, 2, "Fault reaction option code";
    Mode = 0x6060, 0, I8, ReadWrite, Receive, 8, "Modes of operation";
    ModeDisplay = 0x6061, 0, I8, ReadOnly, Transmit, 0, "Modes of operation display";
    PositionDemand = 0x6062, 0, I32, ReadOnly, Transmit, 0, "Position demand value";
    PositionActual = 0x6064, 0, I32, ReadOnly, Transmit, 0, "Position actual value";
    FollowingWindow = 0x6065, 0, U32, ReadWrite, Receive, 0xFFFF_FFFF, "Following error window";
    FollowingTime = 0x6066, 0, U16, ReadWrite, Receive, 0, "Following error time out";
    PositionWindow = 0x6067, 0, U32, ReadWrite, Receive, 0, "Position window";
    VelocityDemand = 0x606B, 0, I32, ReadOnly, Transmit, 0, "Velocity demand value";
    VelocityActual = 0x606C, 0, I32, ReadOnly, Transmit, 0, "Velocity actual value";
    TargetTorque = 0x6071, 0, I16, ReadWrite, Receive, 0, "Target torque";
    MaxTorque = 0x6072, 0, U16, ReadWrite, Receive, 3000, "Max torque";
    TorqueDemand = 0x6074, 0, I16, ReadOnly, Transmit, 0, "Torque demand";
    RatedCurrent = 0x6075, 0, U32, ReadOnly, No, 1000, "Motor rated current";
    RatedTorque = 0x6076, 0, U32, ReadOnly, No, 1000, "Motor rated torque";
    TorqueActual = 0x6077, 0, I16, ReadOnly, Transmit, 0, "Torque actual value";
    CurrentActual = 0x6078, 0, I16, ReadOnly, Transmit, 0, "Current actual value";
    LinkVoltage = 0x6079, 0, U32, ReadOnly, Transmit, 0, "DC link circuit voltage";
    TargetPosition = 0x607A, 0, I32, ReadWrite, Receive, 0, "Target position";
    Polarity = 0x607E, 0, U8, ReadWrite, No, 0, "Polarity";
    MaxMotorSpeed = 0x6080, 0, U32, ReadWrite, Receive, 6000, "Max motor speed";
    ProfileVelocity = 0x6081, 0, U32, ReadWrite, Receive, 0, "Profile velocity";
    ProfileAcceleration = 0x6083, 0, U32, ReadWrite, Receive, 0, "Profile acceleration";
    SlowDownDeceleration = 0x6084, 0, U32, ReadWrite, Receive, 0, "Profile deceleration";
    QuickStopDeceleration = 0x6085, 0, U32, ReadWrite, Receive, 0, "Quick stop deceleration";
    EncoderResolutionCount = 0x608F, 0, U8, Constant, No, 2, "Position encoder resolution";
    EncoderIncrements = 0x608F, 1, U32, ReadOnly, No, 0, "Encoder increments";
    EncoderRevolutions = 0x608F, 2, U32, ReadOnly, No, 1, "Motor revolutions";
    GearRatioCount = 0x6091, 0, U8, Constant, No, 2, "Gear ratio";
    GearMotor = 0x6091, 1, U32, ReadOnly, No, 1, "Motor revolutions";
    GearShaft = 0x6091, 2, U32, ReadOnly, No, 1, "Shaft revolutions";
    FeedCount = 0x6092, 0, U8, Constant, No, 2, "Feed constant";
    Feed = 0x6092, 1, U32, ReadOnly, No, 0, "Feed";
    FeedShaft = 0x6092, 2, U32, ReadOnly, No, 1, "Shaft revolutions";
    PositionOffset = 0x60B0, 0, I32, ReadWrite, Receive, 0, "Position offset";
    VelocityOffset = 0x60B1, 0, I32, ReadWrite, Receive, 0, "Velocity offset";
    TorqueOffset = 0x60B2, 0, I16, ReadWrite, Receive, 0, "Torque offset";
    InterpolationMode = 0x60C0, 0, I16, ReadWrite, No, 0, "Interpolation sub mode select";
    InterpolationDataCount = 0x60C1, 0, U8, Constant, No, 1, "Interpolation data record";
    InterpolationData = 0x60C1, 1, I32, ReadWrite, Receive, 0, "Interpolation data record 1";
    InterpolationCount = 0x60C2, 0, U8, Constant, No, 2, "Interpolation time period";
    InterpolationPeriod = 0x60C2, 1, U8, ReadWrite, Receive, 1, "Interpolation time period value";
    InterpolationExponent = 0x60C2, 2, I8, ReadWrite, Receive, 0xFD, "Interpolation time index";
    PositiveTorqueLimit = 0x60E0, 0, U16, ReadWrite, Receive, 3000, "Positive torque limit value";
    NegativeTorqueLimit = 0x60E1, 0, U16, ReadWrite, Receive, 3000, "Negative torque limit value";
    FollowingErrorActual = 0x60F4, 0, I32, ReadOnly, Transmit, 0, "Following error actual value";
    DigitalInputs = 0x60FD, 0, U32, ReadOnly, Transmit, 0, "Digital inputs";
    DigitalOutputsCount = 0x60FE, 0, U8, Constant, No, 2, "Digital outputs";
    DigitalOutputs = 0x60FE, 1, U32, ReadWrite, Receive, 0, "Physical outputs";
    DigitalOutputsMask = 0x60FE, 2, U32, ReadWrite, Receive, 0xFFFF_FFFF, "Bit mask";
    TargetVelocity = 0x60FF, 0, I32, ReadWrite, Receive, 0, "Target velocity";
    SupportedModes = 0x6502, 0, U32, ReadOnly, Transmit, 0, "Supported drive modes";
}

/// How many there are of each axis.
pub const AXIS_SLOTS: usize = OBJECTS.len();

/// Adds the objects of as many axes to an empty dictionary, so that a [`DriveObject`] is its slot, counted from
/// [`AXIS_SLOTS`] times the axis. What the device has once is found at the first axis.
pub fn add_drive_objects(dictionary: &mut ObjectDictionary, axes: usize) {
    for axis in 0..axes as u8 {
        for (entry, raw) in OBJECTS {
            let once = PdoEntry { index: entry.index, subindex: 0, bits: 0 }.axis().is_none();
            if axis > 0 && once {
                dictionary.add_hidden(*entry, *raw);
            } else {
                dictionary.add(Entry { index: axis_object(entry.index, if once { 0 } else { axis }), ..*entry }, *raw);
            }
        }
    }
}

/// Whether the value of a download is in its range; the index is that of the first axis, `supported_modes` is 6502h.
pub fn check_value(index: u16, value: i64, supported_modes: u32) -> Result<(), SdoAbort> {
    let (low, high) = match index {
        0x6007 => (0, 3),
        0x605A => (0, 8),
        0x605B | 0x605C => (0, 1),
        0x605D => (1, 4),
        0x605E => (0, 4),
        // Only the straight line.
        0x60C0 => (0, 0),
        // No inversion in the drive: the direction of an axis is the master's business.
        0x607E => (0, 0),
        0x6060 => {
            return if value == 0 || mode_supported(value, supported_modes) { Ok(()) } else { Err(SdoAbort::Range) };
        }
        _ => return Ok(()),
    };
    if value < low {
        Err(SdoAbort::TooLow)
    } else if value > high {
        Err(SdoAbort::TooHigh)
    } else {
        Ok(())
    }
}

/// Whether a mode of operation (6060h) is in 6502h. Of those, profile position, interpolated position, and cyclic synchronous
/// position, velocity and torque exist.
pub fn mode_supported(mode: i64, supported_modes: u32) -> bool {
    matches!(mode, 1 | 7..=10) && supported_modes & (1 << (mode - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_is_found_at_its_slot() {
        let mut dictionary = ObjectDictionary::default();
        add_drive_objects(&mut dictionary, 2);
        assert_eq!(dictionary.find(0x1001, 0), Ok(DriveObject::ErrorRegister as usize));
        assert_eq!(dictionary.find(0x607A, 0), Ok(DriveObject::TargetPosition as usize));
        assert_eq!(dictionary.find(0x60FE, 2), Ok(DriveObject::DigitalOutputsMask as usize));
        assert_eq!(dictionary.find(0x6502, 0), Ok(DriveObject::SupportedModes as usize));
        for (slot, (entry, _)) in OBJECTS.iter().enumerate() {
            assert_eq!(dictionary.find(entry.index, entry.subindex), Ok(slot), "{entry:?}");
            if entry.index >= 0x6000 {
                assert_eq!(dictionary.find(entry.index + 0x800, entry.subindex), Ok(AXIS_SLOTS + slot), "{entry:?}");
            }
        }
        assert_eq!(dictionary.find(0x1001, 0), Ok(0));
    }

    #[test]
    fn modes_follow_6502() {
        assert_eq!(check_value(0x6060, 8, 0x380), Ok(()));
        assert_eq!(check_value(0x6060, 9, 0x080), Err(SdoAbort::Range));
        assert_eq!(check_value(0x6060, 7, 0x380), Err(SdoAbort::Range));
        assert_eq!([1, 7].map(|mode| check_value(0x6060, mode, 0x3C1)), [Ok(()); 2]);
        assert_eq!(check_value(0x6060, 3, 0x3C5), Err(SdoAbort::Range));
        assert_eq!(check_value(0x605A, 9, 0), Err(SdoAbort::TooHigh));
        assert_eq!(check_value(0x605A, -1, 0), Err(SdoAbort::TooLow));
    }
}
