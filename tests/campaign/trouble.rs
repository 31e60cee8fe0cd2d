//! What befalls a machine: faults of drives and frames, inputs, a late thread, and the end of its daemon.

use crate::machine::{Death, Machine};
use motiond::simulation::{SimulatedFault, SimulatedFaultKind};

use crate::support::Random;

macro_rules! troubles {
    ($($trouble:ident $name:literal $short:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Trouble { $($trouble),* }
        impl Trouble {
            pub const ALL: &'static [Trouble] = &[$(Trouble::$trouble),*];

            pub fn name(self) -> &'static str {
                match self { $(Trouble::$trouble => $name),* }
            }

            /// The head of its column.
            pub fn short(self) -> &'static str {
                match self { $(Trouble::$trouble => $short),* }
            }
        }
    };
}

troubles! {
    DriveFault "drive fault" "drive",
    SafeTorqueOff "safe torque off" "sto",
    VoltageLoss "voltage loss" "mains",
    StuckEncoder "stuck encoder" "stuck",
    StaleFeedback "stale feedback" "stale",
    WorkingCounter "working counter" "wkc",
    LostFrame "lost frame" "lost",
    LostReply "lost reply" "reply",
    LateFrame "late frame" "late",
    EmergencyStop "emergency stop" "estop",
    EnablingDevice "enabling device" "enabl",
    InputFault "input fault" "input",
    PositiveSwitch "positive switch" "pos-sw",
    NegativeSwitch "negative switch" "neg-sw",
    Overrun "overrun" "overr",
    LongOverrun "long overrun" "long-ov",
    Killed "killed" "killed",
    Orderly "orderly end" "orderly",
    Panicked "panic" "panic",
}

/// Places on the bus of `machine.toml`.
const TERMINAL: u8 = 3;
const EMERGENCY_STOP: u8 = 0;
const ENABLING_DEVICE: u8 = 1;
const AIR_PRESSURE_LOW: u8 = 2;
const Z_TOP: u8 = 3;
const Z_BOTTOM: u8 = 4;

/// The longest disturbance, and what a drive needs to find its rest after it.
pub const DISTURBANCE_CYCLES: u64 = 800;

/// An input that goes back to what it was.
#[derive(Clone, Copy, Debug)]
pub struct Mending {
    device: u8,
    bit: u8,
    value: bool,
}

/// What a trouble leaves to do.
#[derive(Clone, Copy, Debug)]
pub enum Aftermath {
    Nothing,
    /// After so many cycles.
    Mend(Mending, u64),
    /// The thread wakes so many periods late.
    Late(u32),
    Restart(Death, u32),
}

impl Trouble {
    /// Whom it befalls: an axis, or `None` for all.
    pub fn concerns_one(self) -> bool {
        use Trouble::*;
        matches!(
            self,
            DriveFault
                | SafeTorqueOff
                | VoltageLoss
                | StuckEncoder
                | StaleFeedback
                | WorkingCounter
                | PositiveSwitch
                | NegativeSwitch
        )
    }

    /// It moves drives, or keeps images from them, for at most [`DISTURBANCE_CYCLES`].
    pub fn disturbs_drives(self) -> bool {
        (self as usize) < Trouble::EmergencyStop as usize
    }

    /// Whether this axis can have it: the third has no switches.
    pub fn befalls(self, axis: usize) -> bool {
        !matches!(self, Trouble::PositiveSwitch | Trouble::NegativeSwitch) || axis < 2
    }

    pub fn strike(self, machine: &Machine, axis: usize, random: &mut Random) -> Aftermath {
        use Trouble::*;
        let inject = |kind: SimulatedFaultKind, exchanges: f64| {
            let fault = SimulatedFault { kind, device: axis as u8, exchanges: exchanges as u32 };
            machine.simulation.inject(fault).expect("the mailbox has a place");
            Aftermath::Nothing
        };
        let set = |device: u8, bit: u8, value: bool, cycles: f64| {
            machine.simulation.set_input(device, bit, value).expect("the mailbox has a place");
            Aftermath::Mend(Mending { device, bit, value: !value }, cycles as u64)
        };
        match self {
            DriveFault => {
                let code = 0x2310 + random.below(0x6000) as u16;
                inject(SimulatedFaultKind::DriveFault { code }, random.magnitude(1.0, 400.0))
            }
            SafeTorqueOff => inject(SimulatedFaultKind::SafeTorqueOff, random.magnitude(1.0, 400.0)),
            VoltageLoss => inject(SimulatedFaultKind::VoltageLoss, random.magnitude(1.0, 400.0)),
            StuckEncoder => inject(SimulatedFaultKind::StuckEncoder, random.magnitude(2.0, 600.0)),
            StaleFeedback => inject(SimulatedFaultKind::StaleFeedback, random.magnitude(1.0, 60.0)),
            WorkingCounter => inject(SimulatedFaultKind::WrongWorkingCounter, random.magnitude(1.0, 300.0)),
            LostFrame => inject(SimulatedFaultKind::LostFrame, random.magnitude(1.0, 300.0)),
            LostReply => inject(SimulatedFaultKind::LostReply, random.magnitude(1.0, 300.0)),
            LateFrame => inject(SimulatedFaultKind::LateFrame, random.magnitude(1.0, 60.0)),
            EmergencyStop => set(TERMINAL, EMERGENCY_STOP, false, random.magnitude(2.0, 500.0)),
            EnablingDevice => set(TERMINAL, ENABLING_DEVICE, false, random.magnitude(2.0, 500.0)),
            InputFault => set(TERMINAL, AIR_PRESSURE_LOW, true, random.magnitude(2.0, 500.0)),
            // The first axis's switches are wired to its drive, the second one's to the terminal.
            PositiveSwitch if axis == 0 => set(0, 1, true, random.magnitude(2.0, 800.0)),
            PositiveSwitch => set(TERMINAL, Z_TOP, true, random.magnitude(2.0, 800.0)),
            NegativeSwitch if axis == 0 => set(0, 0, true, random.magnitude(2.0, 800.0)),
            NegativeSwitch => set(TERMINAL, Z_BOTTOM, false, random.magnitude(2.0, 800.0)),
            Overrun => Aftermath::Late(1 + random.below(4) as u32),
            LongOverrun => Aftermath::Late(7 + random.below(80) as u32),
            Killed => Aftermath::Restart(Death::Killed, random.magnitude(1.0, 400.0) as u32),
            Orderly => Aftermath::Restart(Death::Orderly, random.magnitude(1.0, 400.0) as u32),
            Panicked => Aftermath::Restart(Death::Panicked, random.magnitude(1.0, 400.0) as u32),
        }
    }
}

impl Mending {
    pub fn mend(self, machine: &Machine) {
        machine.simulation.set_input(self.device, self.bit, self.value).expect("the mailbox has a place");
    }
}

/// Ends whatever is still wrong.
pub fn mend_all(machine: &Machine) {
    let control = &machine.simulation;
    control.clear_faults().expect("the mailbox has a place");
    let inputs = [
        (TERMINAL, EMERGENCY_STOP, true),
        (TERMINAL, ENABLING_DEVICE, true),
        (TERMINAL, AIR_PRESSURE_LOW, false),
        (TERMINAL, Z_TOP, false),
        (TERMINAL, Z_BOTTOM, true),
        (0, 0, false),
        (0, 1, false),
    ];
    for (device, bit, value) in inputs {
        control.set_input(device, bit, value).expect("the mailbox has a place");
    }
}
