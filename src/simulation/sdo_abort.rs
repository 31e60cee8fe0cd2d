//! Why a device refused an SDO access (CiA 301 table 22, ETG.1000.6 table 41).

/// Abort codes that devices here send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum SdoAbort {
    /// Unsupported access to an object.
    UnsupportedAccess = 0x0601_0000,
    /// Attempt to write a read-only object.
    ReadOnly = 0x0601_0002,
    /// The entry can be written only while sub-index 0 is 0.
    CountNotZero = 0x0601_0003,
    /// The object does not exist.
    NoObject = 0x0602_0000,
    /// The object cannot be mapped to the PDO.
    CannotMap = 0x0604_0041,
    /// The mapped objects are more or longer than the PDO can hold.
    PdoLength = 0x0604_0042,
    /// Data type does not match: wrong length.
    Length = 0x0607_0010,
    /// Data type does not match: too long.
    TooLong = 0x0607_0012,
    /// Data type does not match: too short.
    TooShort = 0x0607_0013,
    /// The sub-index does not exist.
    NoSubindex = 0x0609_0011,
    /// The value is outside its range.
    Range = 0x0609_0030,
    /// The value is too high.
    TooHigh = 0x0609_0031,
    /// The value is too low.
    TooLow = 0x0609_0032,
    /// The data cannot be stored in the present state of the device.
    DeviceState = 0x0800_0022,
}

impl SdoAbort {
    /// The code as sent.
    pub fn code(self) -> u32 {
        self as u32
    }
}
