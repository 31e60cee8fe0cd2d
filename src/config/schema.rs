//! The configuration as it is written: every table and key, its unit, range, default, and when a change takes effect.

use std::net::SocketAddr;

use super::analog::{AnalogInput, AnalogOutput};
use super::key::Kind::*;
use super::key::Presence::{Default, Optional, Required};
use super::kinematics::GroupKinematics;
use super::reader::Checked;
use super::section::{sections, words};
use crate::fieldbus::mapping::PdoEntry;
use crate::limits::{MAX_AXES, MAX_DEVICE_AXES, MAX_GROUP_AXES, MAX_ROLE_GROUPS};
use crate::units::Ratio;

/// Highest whole number that a TOML key takes here for 32-bit quantities.
pub(super) const U32: i64 = u32::MAX as i64;
/// Positions, axis units: far beyond any machine, far inside what a 64-bit float counts exactly.
const FAR: f64 = 1e6;
/// Velocities, accelerations and jerks, axis units.
pub(super) const FAST: f64 = 1e9;

words! {
    /// How a bus reaches its devices.
    BusKind {
        /// Inside the daemon.
        Simulated = "simulated",
        /// EtherCAT on a network interface.
        Ethercat = "ethercat",
        /// CANopen on a SocketCAN interface.
        Canopen = "canopen",
    }
    /// Who looks after an EtherCAT bus.
    BusMaster {
        /// The daemon itself.
        BuiltIn = "built-in",
        /// The IgH master in the kernel.
        Igh = "igh",
    }
    /// What a device is.
    DeviceKind {
        /// A CiA 402 servo drive.
        Drive = "drive",
        /// Digital inputs and outputs.
        Terminal = "terminal",
        /// No process data: couplers, junctions.
        Coupler = "coupler",
    }
    /// How near a device's revision must be to the configured one.
    RevisionWord {
        /// The same.
        Exact = "exact",
        /// The same or a later one.
        AtLeast = "at-least",
        /// Any: it is not looked at.
        Any = "any",
    }
    /// What stands for feedback that did not come.
    StaleFeedback {
        /// What was measured last.
        Held = "held",
        /// What was measured last, gone on at the velocity that was measured with it.
        Extrapolated = "extrapolated",
    }
    /// Whether what a device exchanges can be chosen.
    MappingWord {
        /// It is mapped to what the configuration says.
        Free = "free",
        /// It has what the configuration says, and nothing is mapped.
        Fixed = "fixed",
    }
    /// What a value is on the wire.
    ObjectType {
        /// UNSIGNED8.
        U8 = "u8",
        /// UNSIGNED16.
        U16 = "u16",
        /// UNSIGNED32.
        U32 = "u32",
        /// UNSIGNED64.
        U64 = "u64",
        /// INTEGER8.
        I8 = "i8",
        /// INTEGER16.
        I16 = "i16",
        /// INTEGER32.
        I32 = "i32",
        /// INTEGER64.
        I64 = "i64",
    }
    /// What an axis counts in.
    AxisKind {
        /// Millimetres.
        Linear = "linear",
        /// Degrees.
        Rotary = "rotary",
    }
    /// CiA 402 modes of operation.
    ModeWord {
        /// Cyclic synchronous position.
        Csp = "csp",
        /// Cyclic synchronous velocity.
        Csv = "csv",
        /// Cyclic synchronous torque.
        Cst = "cst",
        /// Interpolated position.
        Ip = "ip",
        /// Profile position.
        Pp = "pp",
    }
    /// Whether the drive knows where it is when it starts.
    ReferenceKind {
        /// It does not: the axis needs its position set.
        None = "none",
        /// An absolute encoder.
        Absolute = "absolute",
    }
    /// Who works the holding brake.
    BrakeKind {
        /// The drive, by itself.
        Drive = "drive",
        /// The daemon, by an output of the drive (60FEh).
        Output = "output",
    }
    /// What an input is for.
    RoleWord {
        /// Shown to clients; with a reaction, a fault while it is active.
        General = "general",
        /// Active is safe; all axes stop when it opens.
        EmergencyStop = "emergency-stop",
        /// Active is held; nothing moves without it.
        EnablingDevice = "enabling-device",
        /// Active is an axis on its positive limit switch.
        PositiveLimit = "positive-limit",
        /// Active is an axis on its negative limit switch.
        NegativeLimit = "negative-limit",
    }
    /// Who stops.
    ScopeWord {
        /// The axis.
        Axis = "axis",
        /// Its group.
        Group = "group",
        /// The machine.
        All = "all",
    }
    /// How it stops.
    StopWord {
        /// Within the axis limits.
        Ramp = "ramp",
        /// By the drive's own quick stop.
        QuickStop = "quick-stop",
    }
    /// What can go wrong on a simulated bus.
    FaultWord {
        /// A drive has a fault of its own.
        DriveFault = "drive-fault",
        /// A drive's safe torque off opens.
        SafeTorqueOff = "safe-torque-off",
        /// A drive loses its mains.
        VoltageLoss = "voltage-loss",
        /// An encoder stands still.
        StuckEncoder = "stuck-encoder",
        /// A device repeats old inputs.
        StaleFeedback = "stale-feedback",
        /// A device takes no part.
        WrongWorkingCounter = "wrong-working-counter",
        /// A frame never reaches the devices.
        LostFrame = "lost-frame",
        /// A frame is lost on its way back.
        LostReply = "lost-reply",
        /// A frame comes back too late.
        LateFrame = "late-frame",
    }
    /// How the machine stops while an input is active.
    InputReaction {
        /// Not at all.
        None = "none",
        /// Within the axis limits.
        Ramp = "ramp",
        /// By the drives' own quick stop.
        QuickStop = "quick-stop",
    }
    /// What an output does on a fault.
    OutputWord {
        /// Nothing.
        Keep = "keep",
        /// Off.
        Off = "off",
        /// On.
        On = "on",
    }
}

sections! {
    /// A machine.
    File = "" {
        tables {
            /// The machine as a whole.
            machine: Checked<Machine> = "machine";
            /// The real-time thread.
            realtime: Checked<Realtime> = "realtime";
            /// The control socket.
            control: Checked<Control> = "control";
            /// The metrics endpoint.
            metrics: Checked<Metrics> = "metrics";
            /// Buses.
            buses: Vec<Bus> = "bus";
            /// Axes.
            axes: Vec<Axis> = "axis";
            /// Groups.
            groups: Vec<Group> = "group";
            /// Digital inputs.
            inputs: Vec<Input> = "input";
            /// Digital outputs.
            outputs: Vec<Output> = "output";
            /// Analogue inputs.
            analog_inputs: Vec<AnalogInput> = "analog-input";
            /// Analogue outputs.
            analog_outputs: Vec<AnalogOutput> = "analog-output";
            /// Reactions to faults that differ from the usual.
            reactions: Vec<ReactionTo> = "reaction";
        }
    }

    /// The machine as a whole.
    Machine = "machine" {
        /// Its name, shown to people.
        name: String = "name", Text, Required, Restart;
        /// Time from one cycle to the next.
        period_us: u64 = "period-us", Whole(250, 10_000), Default("1000"), Restart;
        /// Share of the period after which a cycle waits no longer for inputs.
        receive_deadline_percent: u64 = "receive-deadline-percent", Whole(10, 80), Default("50"), Restart;
    }

    /// The real-time thread.
    Realtime = "realtime" {
        /// Refuse to start where real-time scheduling or locked memory cannot be had.
        require_realtime: Option<bool> = "require-realtime", Switch, Optional("true with a real bus, false where all buses are simulated"), Restart;
        /// SCHED_FIFO priority.
        priority: u8 = "priority", Whole(1, 98), Default("80"), Restart;
        /// The CPU that the thread is pinned to.
        cpu: Option<usize> = "cpu", Whole(0, 1023), Optional("not pinned"), Restart;
        /// Periods that may be skipped in a row before the machine is stopped.
        max_skipped: u32 = "max-skipped-periods", Whole(0, 1000), Default("5"), Restart;
        /// Keep all memory of the process in RAM.
        lock_memory: bool = "lock-memory", Switch, Default("true"), Restart;
        /// Keep the CPUs out of deep sleep (/dev/cpu_dma_latency).
        hold_cpu_latency: bool = "hold-cpu-latency", Switch, Default("true"), Restart;
        /// Heap that is touched and kept before the cycle starts.
        heap_reserve_mib: usize = "heap-reserve-mib", Whole(0, 1024), Default("16"), Restart;
        /// Busy waiting before each cycle, against wake-up latency.
        spin_us: u64 = "spin-us", Whole(0, 200), Default("0"), Restart;
    }

    /// The control socket.
    Control = "control" {
        /// Where it is.
        socket: String = "socket", Path, Default("\"/run/motiond/control.sock\""), Restart;
        /// The user group that may use it.
        group: Option<String> = "group", Name, Optional("the group of the daemon's user"), Restart;
        /// User groups whose members move the machine; the others who may use the socket only see it.
        operate_groups: Option<Vec<String>> = "operate-groups", Names(MAX_ROLE_GROUPS), Optional("the group that may use the socket"), Restart;
        /// User groups whose members also set references and parameters; root and the daemon's user always may.
        commission_groups: Option<Vec<String>> = "commission-groups", Names(MAX_ROLE_GROUPS), Optional("those of operate-groups"), Restart;
        /// Show the machine to every local user on a socket of its own.
        observe: bool = "observe", Switch, Default("true"), Restart;
        /// Where that is.
        observe_socket: Option<String> = "observe-socket", Path, Optional("observe.sock beside control.sock; of any other NAME.sock, NAME-observe.sock"), Restart;
    }

    /// The metrics endpoint.
    Metrics = "metrics" {
        /// Answer Prometheus.
        enabled: bool = "enabled", Switch, Default("true"), Restart;
        /// Where to listen.
        listen: SocketAddr = "listen", Address, Default("\"127.0.0.1:9464\""), Restart;
    }

    /// A bus.
    Bus = "bus" {
        /// Its name.
        name: String = "name", Name, Required, Restart;
        /// How it reaches its devices.
        kind: BusKind = "kind", Choice(BusKind::WORDS), Required, Restart;
        /// Who looks after its devices (ethercat): the daemon, or the IgH master in the kernel (built with feature igh).
        master: BusMaster = "master", Choice(BusMaster::WORDS), Default("\"built-in\""), Restart;
        /// Which of the kernel's masters (master igh): N of /dev/EtherCATN.
        igh_master_index: u32 = "igh-master-index", Whole(0, 31), Default("0"), Restart;
        /// The network interface (ethercat, canopen).
        interface: Option<String> = "interface", Interface, Optional("none; required for ethercat with the built-in master, and canopen"), Restart;
        /// The interface to which the last device leads back (ethercat with the built-in master): cable redundancy.
        redundant_interface: Option<String> = "redundant-interface", Interface, Optional("none: the devices are in a line"), Restart;
        /// How long the interface's queue is polled while no frame is there (ethercat; SO_BUSY_POLL): less latency, more load.
        busy_poll_us: u32 = "busy-poll-us", Whole(0, 500), Default("0"), Restart;
        /// Hand frames to the interface past its queueing discipline (ethercat; PACKET_QDISC_BYPASS).
        bypass_qdisc: bool = "bypass-qdisc", Switch, Default("false"), Restart;
        /// The speed of the wire (canopen).
        bit_rate: Option<u32> = "bit-rate-kbit-per-s", Whole(10, 1000), Optional("none; required for canopen"), Restart;
        /// The daemon's own node id, under which it sends its heartbeat (canopen).
        master_node_id: u8 = "master-node-id", Whole(1, 127), Default("127"), Restart;
        /// Cycles from one SYNC to the next (canopen): what does not fit the wire each cycle may fit it every second or fourth.
        cycles_per_sync: u32 = "cycles-per-sync", Whole(1, 4), Default("1"), Restart;
        /// How full the wire may be by its configuration (canopen).
        max_load_percent: u32 = "max-load-percent", Whole(1, 100), Default("80"), Restart;
        /// Cycles that its outputs wait. Left out, they wait until the axes of each group move at the same time on all their buses.
        extra_delay_cycles: Option<u32> = "extra-delay-cycles", Whole(0, 8), Optional("what aligns it with the slowest bus that it shares a group with"), Restart;
        /// Exchanges in a row without an answer that are ridden through.
        lost_frames_tolerated: u32 = "lost-frames-tolerated", Whole(0, 100), Default("3"), Restart;
        /// Exchanges in a row with a wrong working counter that are ridden through.
        working_counter_tolerated: u32 = "working-counter-errors-tolerated", Whole(0, 100), Default("3"), Restart;
        tables {
            /// What it is like where it is simulated.
            simulation: BusSimulation = "simulation";
            /// Its devices, in the order of the process image.
            devices: Vec<Device> = "device";
        }
    }

    /// A device on a bus.
    Device = "bus.device" {
        /// Its name, one of its bus.
        name: String = "name", Name, Required, Restart;
        /// What it is.
        kind: DeviceKind = "kind", Choice(DeviceKind::WORDS), Default("\"drive\""), Restart;
        /// Its place on the wire, from 0 (ethercat; this or alias).
        position: Option<u16> = "position", Whole(0, 65_534), Optional("none; ethercat needs this or alias"), Restart;
        /// Its station alias (ethercat; this or position).
        alias: Option<u16> = "alias", Whole(1, 65_535), Optional("none; ethercat needs this or position"), Restart;
        /// Its address (canopen).
        node_id: Option<u8> = "node-id", Whole(1, 127), Optional("none; required for canopen"), Restart;
        /// How often it sends its heartbeat (canopen; 1017h). It counts as lost when three of them are missing.
        heartbeat_ms: u16 = "heartbeat-ms", Whole(2, 10_000), Default("50"), Restart;
        /// Identity that it must show (1018h:1).
        vendor_id: Option<u32> = "vendor-id", Whole(0, U32), Optional("not checked"), Restart;
        /// Identity that it must show (1018h:2).
        product_code: Option<u32> = "product-code", Whole(0, U32), Optional("not checked"), Restart;
        /// Identity that it must show (1018h:3).
        revision: Option<u32> = "revision", Whole(0, U32), Optional("not checked"), Restart;
        /// How near its revision must be to that one.
        revision_policy: Option<RevisionWord> = "revision-policy", Choice(RevisionWord::WORDS), Optional("\"exact\", if the profile says nothing else"), Restart;
        /// Identity that it must show (1018h:4).
        serial_number: Option<u32> = "serial-number", Whole(0, U32), Optional("not checked"), Restart;
        /// How long a drive waits for the daemon before it stops by itself. A drive without this watchdog is refused.
        watchdog_ms: Option<u32> = "watchdog-ms", Whole(0, 1000), Optional("100, if the profile says nothing else"), Restart;
        /// How it is synchronised by distributed clocks (ethercat): registers 0980h and 0981h, AssignActivate of a device description; 0: not at all.
        dc_assign_activate: Option<u16> = "dc-assign-activate", Whole(0, 0xFFFF), Optional("0x0300 (SYNC0), if the profile says nothing else"), Restart;
        /// When its SYNC0 comes, against multiples of the period in the time of the bus (ethercat); less than a period.
        sync0_shift_us: Option<f64> = "sync0-shift-us", Number(-10_000.0, 10_000.0), Optional("0, if the profile says nothing else"), Restart;
        /// When its SYNC1 comes, behind SYNC0 (ethercat).
        sync1_us: Option<f64> = "sync1-us", Number(0.0, 10_000.0), Optional("0, if the profile says nothing else"), Restart;
        /// Emergencies that it tells of and that stop nothing, by their error codes; one that ends in 00 stands for its class.
        tolerated_emergencies: Option<Vec<u16>> = "tolerated-emergencies", ErrorCodes, Optional("none, if the profile says nothing else"), Restart;
        /// What devices of its type have in common. What stands here counts before it; its objects at start come first.
        profile: Option<String> = "profile", File, Optional("none"), Restart;
        /// Digital inputs (terminal).
        digital_inputs: u16 = "digital-inputs", Whole(0, 64), Default("0"), Restart;
        /// Digital outputs (terminal).
        digital_outputs: u16 = "digital-outputs", Whole(0, 64), Default("0"), Restart;
        /// Whether its process data can be mapped (drive). With fixed, pdo-outputs and pdo-inputs are what it has.
        mapping: Option<MappingWord> = "mapping", Choice(MappingWord::WORDS), Optional("\"free\", if the profile says nothing else"), Restart;
        /// Objects sent to the drive in each cycle; of a terminal, what it takes behind its digital outputs.
        pdo_outputs: Option<Vec<PdoEntry>> = "pdo-outputs", Mapping, Optional("of a terminal nothing, of a drive controlword, mode, target position, velocity and torque; 60FEh:1 for a brake output"), Restart;
        /// Objects received from the drive in each cycle; of a terminal, what it gives behind its digital inputs.
        pdo_inputs: Option<Vec<PdoEntry>> = "pdo-inputs", Mapping, Optional("of a terminal nothing, of a drive statusword, mode, position, velocity, torque, digital inputs, error code"), Restart;
        tables {
            /// Objects that it is given whenever it starts, behind its mapping, in this order.
            startup: Vec<Startup> = "startup";
        }
    }

    /// An object that a device is given whenever it starts (ethercat).
    Startup = "bus.device.startup" {
        /// Its index.
        index: u16 = "index", Whole(0x1000, 0xFFFF), Required, Restart;
        /// Its sub-index.
        subindex: u8 = "subindex", Whole(0, 255), Default("0"), Restart;
        /// What the value is on the wire.
        kind: ObjectType = "type", Choice(ObjectType::WORDS), Required, Restart;
        /// The value.
        value: i64 = "value", Whole(i64::MIN, i64::MAX), Required, Restart;
    }

    /// What devices of a type have in common: a file of its own.
    ProfileFile = "" {
        tables {
            /// The type.
            device: ProfileDevice = "device";
            /// Objects that each is given whenever it starts.
            startup: Vec<Startup> = "startup";
        }
    }

    /// A type of devices.
    ProfileDevice = "device" {
        /// Identity that each must show (1018h:1).
        vendor_id: Option<u32> = "vendor-id", Whole(0, U32), Optional("not checked"), Restart;
        /// Identity that each must show (1018h:2).
        product_code: Option<u32> = "product-code", Whole(0, U32), Optional("not checked"), Restart;
        /// Identity that each must show (1018h:3).
        revision: Option<u32> = "revision", Whole(0, U32), Optional("not checked"), Restart;
        /// How near its revision must be to that one.
        revision_policy: Option<RevisionWord> = "revision-policy", Choice(RevisionWord::WORDS), Optional("\"exact\""), Restart;
        /// How long each waits for the daemon before it stops by itself.
        watchdog_ms: Option<u32> = "watchdog-ms", Whole(0, 1000), Optional("100"), Restart;
        /// How it is synchronised by distributed clocks (ethercat): registers 0980h and 0981h, AssignActivate of a device description; 0: not at all.
        dc_assign_activate: Option<u16> = "dc-assign-activate", Whole(0, 0xFFFF), Optional("0x0300 (SYNC0)"), Restart;
        /// When its SYNC0 comes, against multiples of the period in the time of the bus (ethercat); less than a period.
        sync0_shift_us: Option<f64> = "sync0-shift-us", Number(-10_000.0, 10_000.0), Optional("0"), Restart;
        /// When its SYNC1 comes, behind SYNC0 (ethercat).
        sync1_us: Option<f64> = "sync1-us", Number(0.0, 10_000.0), Optional("0"), Restart;
        /// Emergencies that it tells of and that stop nothing, by their error codes; one that ends in 00 stands for its class.
        tolerated_emergencies: Option<Vec<u16>> = "tolerated-emergencies", ErrorCodes, Optional("none"), Restart;
        /// Whether process data can be mapped.
        mapping: Option<MappingWord> = "mapping", Choice(MappingWord::WORDS), Optional("\"free\""), Restart;
        /// Objects sent to it in each cycle.
        pdo_outputs: Option<Vec<PdoEntry>> = "pdo-outputs", Mapping, Optional("as the configuration says"), Restart;
        /// Objects received from it in each cycle.
        pdo_inputs: Option<Vec<PdoEntry>> = "pdo-inputs", Mapping, Optional("as the configuration says"), Restart;
    }

    /// What a bus is like where it is simulated.
    BusSimulation = "bus.simulation" {
        /// Seed of everything random on it.
        seed: u64 = "seed", Whole(0, i64::MAX), Default("1"), Restart;
        tables {
            /// What goes wrong on it.
            faults: Vec<SimulatedFault> = "fault";
        }
    }

    /// Something that goes wrong on a simulated bus: once, or at random.
    SimulatedFault = "bus.simulation.fault" {
        /// What goes wrong.
        kind: FaultWord = "kind", Choice(FaultWord::WORDS), Required, Live;
        /// The device (not for faults of frames).
        device: Option<String> = "device", Name, Optional("none at at-s, which needs one for faults of devices; a random one with per-million-exchanges"), Live;
        /// When it begins, counted from the first exchange (this or per-million-exchanges).
        at_s: Option<f64> = "at-s", Number(0.0, FAR), Optional("at random"), Live;
        /// How often it begins, on average, in a million exchanges (this or at-s).
        per_million: Option<u32> = "per-million-exchanges", Whole(1, 1_000_000), Optional("once, at at-s"), Live;
        /// How long it lasts at most.
        exchanges: u32 = "exchanges", Whole(1, U32), Default("1"), Live;
        /// What the drive says in 603Fh (drive-fault).
        error_code: u16 = "error-code", Whole(1, 65_535), Default("0x7500"), Live;
    }

    /// An axis.
    Axis = "axis" {
        /// Its name.
        name: String = "name", Name, Required, Restart;
        /// What it counts in: linear millimetres, rotary degrees, of the load.
        kind: AxisKind = "kind", Choice(AxisKind::WORDS), Required, Restart;
        /// The range after which its position starts again at 0, for a turntable or conveyor.
        modulo: Option<Ratio> = "modulo-{unit}", Decimal(1_000_000), Optional("the axis has two ends"), Restart;
        /// The bus of its drive.
        bus: String = "bus", Name, Required, Restart;
        /// Its drive.
        device: String = "device", Name, Required, Restart;
        /// Which axis of that drive, where it has several: its objects begin at 6000h + 800h times this.
        device_axis: u8 = "device-axis", Whole(0, MAX_DEVICE_AXES as i64 - 1), Default("0"), Restart;
        /// The drive's mode of operation: ip where it has no cyclic mode, pp where it has not even that (it lags then, and is in no group).
        mode: ModeWord = "mode", Choice(ModeWord::WORDS), Default("\"csp\""), Restart;
        /// The position rises when the motor turns backwards.
        inverted: bool = "inverted", Switch, Default("false"), Restart;
        /// Whether the drive knows where it is when it starts.
        reference: ReferenceKind = "reference", Choice(ReferenceKind::WORDS), Default("\"none\""), Restart;
        /// The axis position where the drive's position is 0 (reference absolute).
        offset: f64 = "offset-{unit}", Number(-FAR, FAR), Default("0"), Restart;
        tables {
            /// From the encoder to the load.
            mechanics: Mechanics = "mechanics";
            /// How far and fast it may move.
            limits: AxisLimits = "limits";
            /// When a move is done.
            in_position: InPosition = "in-position";
            /// How far it may be from where it shall be.
            following: Following = "following-error";
            /// The drive.
            drive: DriveTimes = "drive";
            /// The position (and velocity) loop closed by the cycle.
            gains: Option<Gains> = "gains";
            /// The holding brake.
            brake: Option<Brake> = "brake";
            /// The simulated motor and load.
            simulation: AxisSimulation = "simulation";
        }
    }

    /// From the encoder to the load.
    Mechanics = "axis.mechanics" {
        /// Encoder increments for one turn of the motor.
        increments: i64 = "encoder-increments-per-motor-turn", Whole(1, U32), Required, Restart;
        /// Motor turns to load turns of the reducer.
        gear: Ratio = "gear", Gear, Default("\"1:1\""), Restart;
        /// Units of the drive's velocities (606Ch, 60FFh) to encoder increments per second.
        velocity_factor: Ratio = "velocity-factor", Gear, Default("\"1:1\""), Restart;
        /// How far the load goes in one turn behind the gear (linear axes).
        lead: Option<Ratio> = "lead-mm-per-turn", Decimal(1_000_000), Optional("none; required for linear axes"), Restart;
    }

    /// How far and fast an axis may move.
    AxisLimits = "axis.limits" {
        /// Highest velocity.
        velocity: f64 = "max-velocity-{unit}-per-s", Above0(FAST), Required, LiveKept;
        /// Highest acceleration and deceleration.
        acceleration: f64 = "max-acceleration-{unit}-per-s2", Above0(FAST), Required, LiveKept;
        /// Highest jerk.
        jerk: f64 = "max-jerk-{unit}-per-s3", Above0(FAST), Required, LiveKept;
        /// Soft limit: lowest position of a referenced axis.
        min_position: Option<f64> = "min-position-{unit}", Number(-FAR, FAR), Optional("no soft limits"), LiveKept;
        /// Soft limit: highest position of a referenced axis.
        max_position: Option<f64> = "max-position-{unit}", Number(-FAR, FAR), Optional("no soft limits"), LiveKept;
        /// The drive's own switch inputs (60FDh bits 0 and 1) are limit switches.
        drive_switches: bool = "drive-limit-switches", Switch, Default("false"), Restart;
    }

    /// When a move is done.
    InPosition = "axis.in-position" {
        /// How near the feedback must be to the target.
        window: f64 = "window-{unit}", Above0(FAR), Default("0.01"), LiveKept;
        /// How long it must stay there.
        time_ms: f64 = "settle-time-ms", Number(0.0, 10_000.0), Default("10"), LiveKept;
    }

    /// How far an axis may be from where it shall be.
    Following = "axis.following-error" {
        /// Following error that is allowed for any time.
        window: f64 = "window-{unit}", Above0(FAR), Required, LiveKept;
        /// How long it may be larger.
        time_ms: f64 = "time-ms", Number(0.0, 10_000.0), Default("10"), LiveKept;
        /// Cycles in a row without fresh feedback that are ridden through.
        stale_cycles: u32 = "stale-cycles-tolerated", Whole(0, 100), Default("5"), LiveKept;
        /// What stands for the feedback in those cycles.
        stale_feedback: StaleFeedback = "stale-feedback", Choice(StaleFeedback::WORDS), Default("\"held\""), Restart;
    }

    /// How an axis deals with its drive.
    DriveTimes = "axis.drive" {
        /// Highest torque, of the rated torque (6076h).
        torque_limit_percent: f64 = "torque-limit-percent", Above0(1000.0), Default("300"), LiveKept;
        /// Statusword bit 9 (remote) counts; false for drives that leave it at 0.
        remote_bit: bool = "remote-bit", Switch, Default("true"), Restart;
        /// From power on to Operation Enabled.
        enable_timeout_ms: f64 = "enable-timeout-ms", Number(10.0, 60_000.0), Default("5000"), Restart;
        /// From power on to the confirmed mode of operation, and for each answer that ip and pp ask of the drive.
        mode_timeout_ms: f64 = "mode-timeout-ms", Number(10.0, 60_000.0), Default("1000"), Restart;
        /// From power off to having left Operation Enabled.
        disable_timeout_ms: f64 = "disable-timeout-ms", Number(10.0, 60_000.0), Default("1000"), Restart;
        /// From fault reset to having left Fault.
        reset_timeout_ms: f64 = "reset-timeout-ms", Number(10.0, 60_000.0), Default("2000"), Restart;
        /// Longest quick stop; after it the brake closes and the voltage goes.
        quick_stop_timeout_ms: f64 = "quick-stop-timeout-ms", Number(10.0, 60_000.0), Default("5000"), Restart;
        /// At or below this velocity the axis stands still for its brake.
        standstill: f64 = "standstill-velocity-{unit}-per-s", Above0(FAST), Default("1"), Restart;
    }

    /// The loops that the cycle closes for a drive in csv (position) or cst (position and velocity).
    Gains = "axis.gains" {
        /// Position loop: velocity for an error in position.
        position: f64 = "position-per-s", Above0(1000.0), Required, LiveKept;
        /// Share of the setpoint's velocity that is fed forward.
        velocity_feed_forward: f64 = "velocity-feed-forward", Number(0.0, 1.0), Default("1"), LiveKept;
        /// Highest velocity that the position loop asks for.
        velocity_limit: Option<f64> = "velocity-limit-{unit}-per-s", Above0(FAST), Optional("1.2 times the highest velocity of the axis"), LiveKept;
        /// Velocity loop: torque, as a ratio of the rated torque, for an error in velocity (cst).
        velocity: Option<f64> = "velocity-s-per-{unit}", Above0(FAST), Optional("none; required for cst"), LiveKept;
        /// Velocity loop: reset time of its integral part (cst).
        integral_time_ms: Option<f64> = "integral-time-ms", Above0(10_000.0), Optional("no integral part"), LiveKept;
        /// Torque, as a ratio of the rated torque, for acceleration: the inertia (cst).
        acceleration: f64 = "acceleration-s2-per-{unit}", Number(0.0, FAST), Default("0"), LiveKept;
    }

    /// The holding brake.
    Brake = "axis.brake" {
        /// Who works it.
        kind: BrakeKind = "kind", Choice(BrakeKind::WORDS), Required, Restart;
        /// The bit of 60FEh:1 that opens it (output).
        output_bit: Option<u8> = "output-bit", Whole(0, 31), Optional("none; required for output"), Restart;
        /// The bit is 1 while the brake shall be open; false where 1 closes it (output).
        set_opens: bool = "set-opens", Switch, Default("true"), Restart;
        /// From the signal to the open brake.
        release_time_ms: f64 = "release-time-ms", Number(0.0, 10_000.0), Default("100"), Restart;
        /// From the signal to the closed brake; so long the drive holds the load.
        engage_time_ms: f64 = "engage-time-ms", Number(0.0, 10_000.0), Default("100"), Restart;
    }

    /// The simulated motor and load of an axis.
    AxisSimulation = "axis.simulation" {
        /// Where the load stands when the simulation starts.
        start: f64 = "start-{unit}", Number(-FAR, FAR), Default("0"), Restart;
        /// Rated torque of the motor (6076h).
        rated_torque: f64 = "rated-torque-nm", Above0(FAST), Default("2.4"), Restart;
        /// Inertia of the rotor.
        rotor_inertia: Option<f64> = "rotor-inertia-kg-m2", Above0(FAST), Optional("so that the highest acceleration takes half of the rated torque"), Restart;
        /// Inertia of the load, at its own shaft behind the gear.
        load_inertia: Option<f64> = "load-inertia-kg-m2", Number(0.0, FAST), Optional("so that the highest acceleration takes half of the rated torque"), Restart;
        /// Friction that grows with speed, at the motor.
        viscous_friction: Option<f64> = "viscous-friction-nm-s-per-rad", Number(0.0, FAST), Optional("a twentieth of the rated torque at the highest velocity"), Restart;
        /// Friction while moving, at the motor.
        coulomb_friction: Option<f64> = "coulomb-friction-nm", Number(0.0, FAST), Optional("a twenty-fifth of the rated torque"), Restart;
        /// Torque of a weight, at the motor; below 0 it pulls towards falling positions.
        gravity: f64 = "gravity-torque-nm", Number(-FAST, FAST), Default("0"), Restart;
        /// The negative limit switch is active from here on down.
        negative_switch: Option<f64> = "negative-switch-{unit}", Number(-FAR, FAR), Optional("no switch"), Restart;
        /// The positive limit switch is active from here on up.
        positive_switch: Option<f64> = "positive-switch-{unit}", Number(-FAR, FAR), Optional("no switch"), Restart;
    }

    /// A group of axes that move together.
    Group = "group" {
        /// Its name.
        name: String = "name", Name, Required, Restart;
        /// Its axes, in the order of a move's targets.
        axes: Vec<String> = "axes", Names(MAX_GROUP_AXES), Required, Restart;
        /// Highest velocity of the tool along a path, and along a straight line.
        velocity: f64 = "path-velocity-{unit}-per-s", Above0(FAST), Required, Restart;
        /// Highest acceleration of the tool, in any direction, and along a straight line.
        acceleration: f64 = "path-acceleration-{unit}-per-s2", Above0(FAST), Required, Restart;
        /// Highest jerk of the tool, likewise.
        jerk: f64 = "path-jerk-{unit}-per-s3", Above0(FAST), Required, Restart;
        tables {
            /// Where the axes are no coordinates of the tool.
            kinematics: Option<GroupKinematics> = "kinematics";
        }
    }

    /// A named digital input.
    Input = "input" {
        /// Its name.
        name: String = "name", Name, Required, Restart;
        /// Its bus.
        bus: String = "bus", Name, Required, Restart;
        /// Its terminal or drive.
        device: String = "device", Name, Required, Restart;
        /// Its bit, from 0 (of a drive: of 60FDh; from 32 on, of that of its second axis).
        bit: u16 = "bit", Whole(0, 63), Required, Restart;
        /// Active while the bit is 0: a contact that opens.
        active_low: bool = "active-low", Switch, Default("false"), Restart;
        /// What it is for.
        role: RoleWord = "role", Choice(RoleWord::WORDS), Default("\"general\""), Restart;
        /// The axis of a limit switch.
        axis: Option<String> = "axis", Name, Optional("none; required for limit switches"), Restart;
        /// How the machine stops while it is active (general).
        reaction: InputReaction = "reaction", Choice(InputReaction::WORDS), Default("\"none\""), Restart;
    }

    /// A named digital output.
    Output = "output" {
        /// Its name.
        name: String = "name", Name, Required, Restart;
        /// Its bus.
        bus: String = "bus", Name, Required, Restart;
        /// Its terminal or drive.
        device: String = "device", Name, Required, Restart;
        /// Its bit, from 0 (of a drive: of 60FEh:1; from 32 on, of that of its second axis).
        bit: u16 = "bit", Whole(0, 63), Required, Restart;
        /// What it does when the machine gets a fault.
        on_fault: OutputWord = "on-fault", Choice(OutputWord::WORDS), Default("\"keep\""), Restart;
    }

    /// A reaction to a fault that differs from the usual.
    ReactionTo = "reaction" {
        /// The fault, by name.
        fault: String = "fault", Name, Required, Restart;
        /// The axes that it holds for.
        axes: Option<Vec<String>> = "axes", Names(MAX_AXES), Optional("all axes"), Restart;
        /// Who stops.
        scope: ScopeWord = "scope", Choice(ScopeWord::WORDS), Required, Restart;
        /// How.
        stop: StopWord = "stop", Choice(StopWord::WORDS), Required, Restart;
    }
}
