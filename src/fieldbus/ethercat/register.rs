//! Registers of an EtherCAT slave controller (ETG.1000.4) and what stands in them.

/// Type of the controller.
pub const TYPE: u16 = 0x0000;
/// Configured station address.
pub const STATION_ADDRESS: u16 = 0x0010;
/// Configured station alias.
pub const STATION_ALIAS: u16 = 0x0012;
/// Second byte of the data link's control: two bits a port, [`LOOP_AUTOMATIC`] or [`LOOP_CLOSED`].
pub const LOOP_CONTROL: u16 = 0x0101;
/// A port is open where it has a link.
pub const LOOP_AUTOMATIC: u8 = 0b00;
/// A port is closed, link or not.
pub const LOOP_CLOSED: u8 = 0b11;
/// Data link status: ports.
pub const DL_STATUS: u16 = 0x0110;
/// AL control: the state that is asked for.
pub const AL_CONTROL: u16 = 0x0120;
/// AL status, two bytes; two more that are reserved, and the [`AlStatusCode`].
pub const AL_STATUS: u16 = 0x0130;
/// Receive error counters, two bytes a port.
pub const RECEIVE_ERRORS: u16 = 0x0300;
/// Lost link counters, one byte a port.
pub const LOST_LINKS: u16 = 0x0310;
/// Watchdog divider, 40 ns.
pub const WATCHDOG_DIVIDER: u16 = 0x0400;
/// Process data watchdog, in ticks of the divider.
pub const WATCHDOG_PROCESS_DATA: u16 = 0x0420;
/// Who has the SII (EEPROM): 0 is the EtherCAT side.
pub const SII_CONFIGURATION: u16 = 0x0500;
/// SII control and status, and behind it the address of the first word.
pub const SII_CONTROL: u16 = 0x0502;
/// What was read of the SII.
pub const SII_DATA: u16 = 0x0508;
/// Fieldbus memory management unit 0, 16 bytes each.
pub const FMMU: u16 = 0x0600;
/// Sync manager 0, 8 bytes each.
pub const SYNC_MANAGER: u16 = 0x0800;
/// Receive times of the ports; writing latches them.
pub const RECEIVE_TIMES: u16 = 0x0900;
/// DC system time.
pub const SYSTEM_TIME: u16 = 0x0910;
/// What is added to the local time to make it the system time, 8 bytes, ns.
pub const SYSTEM_TIME_OFFSET: u16 = 0x0920;
/// From the reference clock to the device, 4 bytes, ns.
pub const SYSTEM_TIME_DELAY: u16 = 0x0928;
/// Difference between the local copy of the system time and what was received, sign and magnitude, ns.
pub const SYSTEM_TIME_DIFFERENCE: u16 = 0x092C;
/// Start of the clock's speed counter; a write sets the filters of its loop back.
pub const CLOCK_SPEED_START: u16 = 0x0930;
/// Control of the unit that makes SYNC0 and SYNC1, and behind it their activation.
pub const SYNC_UNIT: u16 = 0x0980;
/// Start time of SYNC0, 8 bytes, ns; once it runs, of its next pulse.
pub const SYNC_START_TIME: u16 = 0x0990;
/// SYNC0 cycle time, 4 bytes, ns, and behind it SYNC1's.
pub const SYNC0_CYCLE_TIME: u16 = 0x09A0;

/// Bytes of an FMMU.
pub const FMMU_BYTES: u16 = 16;
/// Bytes of a sync manager.
pub const SYNC_MANAGER_BYTES: u16 = 8;

/// States of the application layer (ETG.1000.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum AlState {
    /// No communication of the application.
    Init = 1,
    /// Mailbox.
    PreOperational = 2,
    /// Firmware update.
    Bootstrap = 3,
    /// Mailbox and inputs.
    SafeOperational = 4,
    /// Mailbox, inputs and outputs.
    Operational = 8,
}

impl AlState {
    /// Of the low four bits of AL status.
    pub fn of(bits: u8) -> Option<AlState> {
        match bits & 0x0F {
            1 => Some(AlState::Init),
            2 => Some(AlState::PreOperational),
            3 => Some(AlState::Bootstrap),
            4 => Some(AlState::SafeOperational),
            8 => Some(AlState::Operational),
            _ => None,
        }
    }

    /// As the standard abbreviates it.
    pub fn name(self) -> &'static str {
        match self {
            AlState::Init => "INIT",
            AlState::PreOperational => "PREOP",
            AlState::Bootstrap => "BOOT",
            AlState::SafeOperational => "SAFEOP",
            AlState::Operational => "OP",
        }
    }
}

/// What a device says of its application layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlStatus {
    /// Its state; `None` for bits that no state has.
    pub state: Option<AlState>,
    /// It could not go where it was asked to, or left its state by itself; `code` says why.
    pub error: bool,
    /// Why.
    pub code: AlStatusCode,
}

impl AlStatus {
    /// Bytes from [`AL_STATUS`] on.
    pub const BYTES: usize = 6;
    /// Acknowledges an error, in [`AL_CONTROL`].
    pub const ACKNOWLEDGE: u8 = 0x10;

    /// Of the bytes that stand there.
    pub fn of(bytes: &[u8]) -> Option<AlStatus> {
        let [status, _, _, _, low, high] = *bytes.first_chunk::<{ AlStatus::BYTES }>()?;
        Some(AlStatus {
            state: AlState::of(status),
            error: status & 0x10 != 0,
            code: AlStatusCode(u16::from_le_bytes([low, high])),
        })
    }

    /// Exchanges inputs and outputs.
    pub fn is_operational(&self) -> bool {
        self.state == Some(AlState::Operational) && !self.error
    }
}

/// Why a device is not in the state that it should be in (ETG.1000.6, ETG.1020).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlStatusCode(pub u16);

impl AlStatusCode {
    /// What it means, and what to look at.
    pub fn words(self) -> &'static str {
        match self.0 {
            0x0000 => "no error",
            0x0001 => "unspecified error of the device",
            0x0002 => "no memory left in the device",
            0x0003 => "invalid setup of the device",
            0x0006 => "the SII does not fit the device's firmware",
            0x0007 => "the firmware update failed",
            0x000E => "licence error of the device",
            0x0011 => "invalid change of state",
            0x0012 => "unknown state",
            0x0013 => "bootstrap is not supported",
            0x0014 => "no valid firmware",
            0x0015 | 0x0016 => "invalid mailbox configuration",
            0x0017 => "invalid sync manager configuration: the mapping differs from what the device has",
            0x0018 => "no valid inputs",
            0x0019 => "no valid outputs: they were not sent in time",
            0x001A => "synchronisation error: frames and SYNC0 do not fit together",
            0x001B => "the process data watchdog expired: no outputs came in time",
            0x001C => "invalid types of sync managers",
            0x001D => "invalid configuration of outputs: the mapping differs from what the device has",
            0x001E => "invalid configuration of inputs: the mapping differs from what the device has",
            0x001F => "invalid configuration of the watchdog",
            0x0020 => "the device needs a cold start: switch it off and on",
            0x0021 => "the device needs INIT",
            0x0022 => "the device needs PREOP",
            0x0023 => "the device needs SAFEOP",
            0x0024 => "invalid mapping of inputs",
            0x0025 => "invalid mapping of outputs",
            0x0026 => "inconsistent settings",
            0x0027 => "free-run is not supported: use distributed clocks",
            0x0028 => "synchronisation is not supported",
            0x0029 => "free-run needs buffered sync managers",
            0x002A => "background watchdog",
            0x002B => "neither inputs nor outputs are valid",
            0x002C => "fatal synchronisation error: SYNC0 stopped",
            0x002D => "no SYNC0 was seen",
            0x002E => "the cycle time is too short for the device",
            0x0030 => "invalid configuration of distributed clocks",
            0x0031 => "invalid latch configuration of distributed clocks",
            0x0032 => "the device's clock could not lock to SYNC0",
            0x0033 => "input/output error of distributed clocks",
            0x0034 => "timeout of distributed clocks",
            0x0035 => "invalid SYNC0 cycle time",
            0x0036 => "SYNC0 cycle time does not fit the device",
            0x0037 => "SYNC1 cycle time does not fit the device",
            0x0041 => "mailbox error: AoE",
            0x0042 => "mailbox error: EoE",
            0x0043 => "mailbox error: CoE",
            0x0044 => "mailbox error: FoE",
            0x0045 => "mailbox error: SoE",
            0x004F => "mailbox error: VoE",
            0x0050 => "no access to the SII",
            0x0051 => "error in the SII",
            0x0060 => "the device restarted by itself",
            0x0061 => "the identity of the device was changed",
            0x00F0 => "the application of the device is not available",
            0x8000.. => "an error of the vendor: see the device's manual",
            _ => "an error that the standard does not name: see the device's manual",
        }
    }
}

impl std::fmt::Display for AlStatusCode {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:04X}h, {}", self.0, self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_state_error_and_code() {
        let status = AlStatus::of(&[0x14, 0, 0, 0, 0x1B, 0]).unwrap();
        assert_eq!(status, AlStatus { state: Some(AlState::SafeOperational), error: true, code: AlStatusCode(0x1B) });
        assert!(!status.is_operational());
        assert!(AlStatus::of(&[8, 0, 0, 0, 0, 0]).unwrap().is_operational());
        assert!(!AlStatus::of(&[0x18, 0, 0, 0, 0, 0]).unwrap().is_operational());
        assert_eq!(AlStatus::of(&[8, 0]), None);
        assert_eq!(AlStatus::of(&[0; 6]).unwrap().state, None);
        assert_eq!(status.code.to_string(), "001Bh, the process data watchdog expired: no outputs came in time");
    }
}
