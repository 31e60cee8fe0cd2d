//! Every maximum of the daemon, and how they relate.
//!
//! Nothing grows after start: each queue, table and loop takes its size from here.

/// Axes in one machine. Bounds every per-axis loop of a cycle.
pub const MAX_AXES: usize = 64;
/// Groups in one machine.
pub const MAX_GROUPS: usize = 16;
/// Axes in one group.
pub const MAX_GROUP_AXES: usize = 16;
/// Buses in one machine.
pub const MAX_BUSES: usize = 8;
/// Devices on one bus (one bit each in its reports).
pub const MAX_BUS_DEVICES: usize = 64;
/// Axes of one drive (CiA 402-2: 800h objects each from 6000h).
pub const MAX_DEVICE_AXES: usize = 8;
/// Named digital inputs (one bit each in a snapshot word).
pub const MAX_DIGITAL_INPUTS: usize = 64;
/// Named digital outputs (one bit each in a snapshot word).
pub const MAX_DIGITAL_OUTPUTS: usize = 64;
/// Named analogue inputs.
pub const MAX_ANALOG_INPUTS: usize = 64;
/// Named analogue outputs.
pub const MAX_ANALOG_OUTPUTS: usize = 64;
/// Bytes of one direction of one bus's process image.
pub const MAX_PROCESS_IMAGE_BYTES: usize = 8192;
/// Longest Ethernet frame, bytes, without its check sequence (IEEE 802.3).
pub const ETHERCAT_FRAME_BYTES: usize = 1514;
/// Longest electronic data sheet that is read (EDS, DCF), bytes.
pub const MAX_EDS_BYTES: u64 = 8 << 20;
/// Longest device description that is read (ESI), bytes: the large vendors' files have tens of millions.
pub const MAX_ESI_BYTES: u64 = 128 << 20;
/// Elements, attributes and texts of one.
pub const MAX_ESI_NODES: u32 = 8_000_000;
/// Device descriptions that are read of one directory.
pub const MAX_ESI_FILES: usize = 2000;
/// Objects that one device is given at start.
pub const MAX_STARTUP_OBJECTS: usize = 64;
/// Categories that are looked at in a device's SII.
pub const MAX_SII_CATEGORIES: usize = 64;
/// Longest category that is read of it, bytes.
pub const MAX_SII_CATEGORY_BYTES: usize = 4096;

/// Bytes of one mailbox of an EtherCAT device: what one datagram in one frame holds (1500 less 2 of the EtherCAT header,
/// 10 of the datagram's header and 2 of its working counter).
pub const MAX_MAILBOX_BYTES: usize = 1486;
/// Bytes of the smallest: mailbox header, CoE header and the 8 of an SDO.
pub const MIN_MAILBOX_BYTES: usize = 16;
/// Bytes of one object's value, kept by each transfer of one: twice what an array or record of 255 parts of 64 bits takes
/// with complete access, and longer than any text.
pub const MAX_SDO_BYTES: usize = 4096;
/// Objects in the list of a device's objects: large drives have some 3000.
pub const MAX_LISTED_OBJECTS: usize = 8192;
/// Bytes of the description of an object or of one of its parts, with its name; one mailbox always fits.
pub const MAX_DESCRIPTION_BYTES: usize = MAX_MAILBOX_BYTES;
/// Bytes of the name of a file in a device.
pub const MAX_FILE_NAME_BYTES: usize = 128;
/// Bytes of a file in a device: firmware has some megabytes.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Times in a row that a device may say that it has no time for a packet of a file: with the pause between them five
/// minutes, longer than any erasure of a flash memory.
pub const MAX_BUSY_ANSWERS: u32 = 3000;
/// Pause before such a device is asked again, nanoseconds.
pub const MAILBOX_BUSY_PAUSE_NS: u64 = 100_000_000;
/// Older messages that are read from a device before it is sent one: more than devices queue. A device that never runs out
/// of them does not keep it from being sent.
pub const MAX_OLD_MESSAGES: u32 = 16;
/// How long a device may take to take a message, unless configured, nanoseconds.
pub const MAILBOX_ROOM_PATIENCE_NS: u64 = 100_000_000;
/// How long it may take to answer, unless configured, nanoseconds.
pub const MAILBOX_ANSWER_PATIENCE_NS: u64 = 2_000_000_000;

/// Commands that wait for the cycle.
pub const COMMAND_RING: usize = 256;
/// Commands that one cycle takes from the ring: enough to retarget every axis at once.
pub const COMMANDS_PER_CYCLE: usize = 64;
/// Accepted commands without an end; further ones are refused until one ends.
pub const MAX_OUTSTANDING_COMMANDS: usize = 1024;
/// Reports that one command can cause: accepted, active, and one end.
pub const REPORTS_PER_COMMAND: usize = 3;
/// Command reports on their way out; it can never overflow (see the assertion below).
pub const REPORT_RING: usize = 4096;
/// Events on their way out; when it is full the newest is dropped and counted.
pub const EVENT_RING: usize = 1024;
/// Slots for the targets of group moves on their way in.
pub const TARGET_SLOTS: usize = 512;
/// Slots for the new figures of axes on their way in; one that finds none is refused.
pub const FIGURE_SLOTS: usize = 64;
/// Attempts of one reading of a newest-value cell; each fails only where a whole version was published during it.
pub const LATEST_READ_ATTEMPTS: usize = 64;

/// Moves that wait behind the active one of an axis.
pub const AXIS_QUEUE: usize = 8;
/// Moves that wait behind the active one of a group.
pub const GROUP_QUEUE: usize = 8;

/// Elements of a path that are gathered into one leg at most.
pub const MAX_GATHERED: usize = 256;
/// Stretches of a path after which the planner looks at its speeds again.
pub const PATH_BLOCK: usize = 64;
/// Stretches of a path whose speeds wait for what follows: a stop that takes longer than they do is planned for their end.
pub const MAX_PATH_WINDOW: usize = 4096;
/// How far a path that is exact at its corners may be off where only its curvature changes, mm or deg.
pub const EXACT_PATH_MM: f64 = 1e-3;
/// Elements that are exact at their corners are gathered into a leg of this length at most, mm or deg: what is shorter is passed in a cycle or two.
pub const MAX_EXACT_GATHERED_MM: f64 = 0.5;
/// An axis in motion has left its soft limits where it is outside by more than this, mm or deg: a path that touches one is followed as exactly.
pub const SOFT_LIMIT_SLACK: f64 = 1e-3;
/// How far a planned circle may be off the programmed one, mm.
pub const ARC_ACCURACY: f64 = 1e-5;
/// No path comes nearer to a singularity than this, as [`crate::kinematics::Conditioning`] counts it.
pub const LEAST_CONDITIONING: f64 = 0.01;
/// A path that joints pass more slowly than it is programmed is slow because of a singularity where they are nearer to it than this.
pub const NEAR_CONDITIONING: f64 = 0.2;
/// A singularity that slows a path is told of again after so long without it, ns.
pub const SLOWED_AGAIN_NS: u64 = 1_000_000_000;
/// Of the tolerance of a path: what joints that are not the tool's coordinates may add to its deviation.
pub const JOINT_SHARE: f64 = 0.1;
/// Pieces that a planner has ready before it goes on with a long element; an interval of the curve more, and what was held back before it.
pub const PIECES_PLANNED: usize = 1024;
/// Pieces of a path that wait on their way to the cycle.
pub const PIECE_RING: usize = 512;
/// Pieces of a path that the cycle has of each group: those ahead of it and those behind.
pub const PATH_PIECES: usize = 2048;
/// Those behind: as far as it can go back.
pub const PATH_HISTORY: usize = 1024;
/// Pieces of the way back that the cycle has turned round, and those of them behind its place.
pub const MIRRORED_PIECES: usize = 256;
/// See [`MIRRORED_PIECES`].
pub const MIRRORED_BEHIND: usize = 8;
/// Pieces that one cycle turns round: more than it can pass.
pub const MIRRORED_PER_CYCLE: usize = 8;
/// Pieces that one cycle looks along for the end of a line of the program.
pub const LINE_SEARCH: usize = 10;
/// Elements of a group's program that wait for the planner.
pub const MAX_PROGRAM_ELEMENTS: usize = 65_536;
/// Batches of elements that wait for it, of all groups.
pub const MAX_PROGRAM_BATCHES: usize = 1024;
/// What waits for the planner at all: batches, and programs that the cycle has accepted, which find room whatever was given meanwhile: a client
/// begins one at a time.
pub const PROGRAM_INBOX: usize = MAX_PROGRAM_BATCHES + MAX_CLIENTS;
/// Elements of one program that are planned before the next group's.
pub const PROGRAM_ELEMENTS_PER_ROUND: usize = 4096;
/// A greater feed counts as this, units of path/s.
pub const MAX_FEED: f64 = 1e9;
/// Least caps of an element's velocity, acceleration and jerk; mm or deg, and seconds.
pub const MIN_CAPS: [f64; 3] = [1e-3, 0.1, 1.0];
/// The velocity limit of a group's path is so many times its lowest feed.
pub const FEED_RANGE: f64 = 1e6;
/// Shortest duration of an element, s.
pub const SHORTEST_DURATION_S: f64 = 1e-6;
/// How often the planner looks after programs under way, nanoseconds.
pub const PROGRAM_POLL_NS: u64 = 1_000_000;
/// How long a program may be silent twice before what is known of it is planned to its end, nanoseconds.
pub const PROGRAM_PATIENCE_NS: u64 = 400_000_000;
/// And when so much of it is left to the cycle, s.
pub const PROGRAM_FLUSH_S: f64 = 0.25;
/// A path begins to move when so much of it is there at the programmed velocities, or all of it, or as much as there is room for; s.
pub const PATH_START_S: f64 = 0.5;
/// Pieces that one cycle takes from the ring for one group.
pub const PIECES_PER_CYCLE: usize = 8;
/// Pieces that a path's motion passes in one cycle at most: they take longer than half a period each.
pub const PIECES_PASSED: usize = 8;
/// Parts that the curve between two points of a stream has, at least: two inner knots, for place and velocity at its end.
pub const MIN_SEGMENT_PARTS: usize = 3;
/// And at most.
pub const MAX_SEGMENT_PARTS: usize = 16;
/// Periods that one of them takes, where that is between both.
pub const PERIODS_PER_PART: f64 = 4.0;
/// Points of a group's stream that wait for the planner.
pub const MAX_STREAM_POINTS: usize = 16_384;
/// Two points of a stream are no closer than so many periods.
pub const MIN_POINT_PERIODS: f64 = 1.0;
/// Nor than this share of twice the way of a stop, which the cycle must have of the stream.
pub const MAX_POINTS_PER_STOP: f64 = 400.0;
/// And no further apart than this, s.
pub const MAX_POINT_SPACING_S: f64 = 60.0;
/// How long a stop of a stream takes at least, in periods: what is kept for it changes little in one of them.
pub const MIN_STREAM_STOP_PERIODS: f64 = 50.0;
/// And at most, s.
pub const MAX_STREAM_STOP_S: f64 = 10.0;
/// Unless the client says how long, or the least is longer.
pub const DEFAULT_STREAM_STOP_S: f64 = 0.4;
/// How much of a stream may be asked to be there before it begins, s.
pub const MAX_STREAM_LEAD_S: f64 = 10.0;
/// How much faster than its points a stream may be asked to go where it catches up.
pub const MAX_STREAM_CATCH_UP: f64 = 0.5;
/// What a stream is behind is caught up with all of that where it is more than this, s; with less of it, less.
pub const CATCH_UP_S: f64 = 0.2;
/// Pieces that a cycle looks ahead at most for how fast acceleration may change.
pub const PIECES_AHEAD: usize = 64;

/// Dry runs for clients at a time.
pub const MAX_DRY_RUNS: usize = 4;
/// Bytes of the text of one of them that wait to be read.
pub const DRY_RUN_TEXT_BYTES: usize = 256 * 1024;
/// Parts of the text of all of them that wait.
pub const DRY_RUN_QUEUE: usize = 256;
/// Bytes of text that are read of one of them in its turn.
pub const DRY_RUN_BYTES_PER_TURN: usize = 1024;
/// Cycles of one of them in its turn: milliseconds, so that the others have theirs and a client that goes is noticed.
pub const DRY_RUN_CYCLES_PER_TURN: usize = 500;
/// The longest motion that is run, s: a week.
pub const LONGEST_DRY_RUN_S: f64 = 604_800.0;
/// Bytes of a picture in one reply: where each of them is written as two, they fit.
pub const PICTURE_BYTES_PER_REPLY: usize = 12 * 1024;

/// Bytes of one line of a path file.
pub const MAX_PATH_LINE_BYTES: usize = 4096;
/// Things wrong with a path file that are told at once.
pub const MAX_PATH_PROBLEMS: usize = 20;
/// Coordinates of a path file are from minus to plus this, mm or deg.
pub const MAX_PATH_COORDINATE: f64 = 1e7;
/// Control points of one spline.
pub const MAX_SPLINE_POINTS: usize = 10_000;
/// Degree of one, at most.
pub const MAX_SPLINE_DEGREE: usize = 9;
/// Lines that one is flattened into, at most: as many as wait for the planner, which takes them whole.
pub const MAX_SPLINE_LINES: usize = MAX_PROGRAM_ELEMENTS;
/// Whole turns of an arc beyond the part of one that leads to its end.
pub const MAX_ARC_TURNS: u32 = 1000;
/// Places of a path that its picture keeps: those between are left out, however long it is.
pub const PICTURE_PLACES: usize = 16_384;

/// Constant-jerk phases of one scalar profile.
pub const PROFILE_PHASES: usize = 8;
/// Profiles that are solved in the search for one that takes a given time.
pub const SYNCHRONISED_SOLVES: usize = 64;
/// Evaluations of one guarded root search in a scalar profile.
pub const PROFILE_ITERATIONS: usize = 64;

/// Bytes of one file that the doctor reads; the longest is /proc/interrupts of a large machine.
pub const DOCTOR_FILE_BYTES: u64 = 4 << 20;
/// Entries of one folder that the doctor reads: as many as the kernel has process ids by default.
pub const DOCTOR_FOLDER_ENTRIES: usize = 32768;
/// CPUs that the doctor can tell apart: as many as the kernel can be built for.
pub const DOCTOR_CPUS: usize = 8192;
/// Characters of a foreign text that the doctor shows.
pub const DOCTOR_SHOWN_CHARS: usize = 100;
/// Below this period the doctor calls a kernel without PREEMPT_RT bad, nanoseconds.
pub const DOCTOR_SHARP_PERIOD_NS: u64 = 1_000_000;
/// Longest measurement of the doctor, seconds.
pub const DOCTOR_MAX_SECONDS: u64 = 86_400;

/// Events of earlier lives in one file of their store, of which there are two.
pub const EVENTS_PER_SEGMENT: usize = 8192;
/// After a crash, event numbers go on at the next multiple of this.
pub const EVENT_JUMP: u64 = 65536;
/// Events kept for readers.
pub const EVENT_LOG: usize = 16384;
/// Ended commands whose result can still be asked for.
pub const ENDED_COMMANDS: usize = 8192;
/// Connected clients over all sockets.
pub const MAX_CLIENTS: usize = 2048;
/// Clients beyond those on the control socket, who may stop and nothing else.
pub const STOP_RESERVE: usize = 32;
/// How long such a client has for its stop.
pub const STOP_RESERVE_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
/// Those of all clients on the observe socket, which is open to everybody: they leave places for who commands the machine.
pub const MAX_OBSERVERS: usize = 1536;
/// User groups that have one role.
pub const MAX_ROLE_GROUPS: usize = 16;
/// Bytes of one request.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// Bytes of one reply; longer lists are paged.
pub const MAX_REPLY_BYTES: usize = 32 * 1024;
/// Bytes of the items of one page of a list: a reply without its frame.
pub const PAGE_BYTES: usize = MAX_REPLY_BYTES - 1024;
/// Requests of one client that wait for their turn; while there are more its socket is not read, and a stop behind them
/// is not seen.
pub const MAX_PENDING_REQUESTS: usize = 1024;
/// Bytes of those requests, likewise.
pub const MAX_PENDING_BYTES: usize = 256 * 1024;
/// Streams (telemetry, events, waiting for commands) over all clients.
pub const MAX_STREAMS: usize = 512;
/// Those of them that are open on the observe socket, likewise.
pub const MAX_OBSERVED_STREAMS: usize = 384;
/// Events in one reply.
pub const EVENTS_PER_REPLY: usize = 40;
/// Parameters in one reply.
pub const PARAMETERS_PER_REPLY: usize = 200;
/// Objects of a device in one reply: each is asked of the device.
pub const OBJECTS_PER_REPLY: usize = 50;
/// Threads beside the control service's own for what takes long: checking parameters, writing them to a disk.
pub const CONTROL_HELPERS: usize = 2;
/// How long a client may leave a reply unread before its connection is closed.
pub const CLIENT_WRITE_PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
/// Snapshots that are kept for telemetry, less one: a quarter of a second at 1 kHz.
pub const SNAPSHOT_HISTORY: usize = 256;
/// How often telemetry takes what the cycle has published, nanoseconds.
pub const TELEMETRY_ROUND_NS: u64 = 10_000_000;
/// Rounds of samples that a client of a lossless telemetry stream may be behind: 100 ms.
pub const LOSSLESS_ROUNDS: usize = 10;
/// Rounds of samples that wait for a client of a conflated telemetry stream; what comes meanwhile is dropped.
pub const LATEST_ROUNDS: usize = 1;
/// New telemetry streams that wait for the next round.
pub const TELEMETRY_QUEUE: usize = 1024;
/// Shortest interval between two samples of a telemetry stream for displays, nanoseconds.
pub const MIN_LATEST_INTERVAL_NS: u64 = 10_000_000;
/// Requests that wait for the gateway.
pub const GATEWAY_QUEUE: usize = 1024;
/// How long a command may wait for the cycle before it is withdrawn, nanoseconds.
pub const CYCLE_PATIENCE_NS: u64 = 300_000_000;
/// How long a client waits for the gateway before it takes its request back, milliseconds.
pub const GATEWAY_ANSWER_MS: u64 = 800;
/// Longest time between two looks at the outward rings, nanoseconds.
pub const GATEWAY_POLL_NS: u64 = 2_000_000;
/// The same while an answer of the cycle is waited for.
pub const GATEWAY_QUICK_POLL_NS: u64 = 250_000;
/// Leases at a time.
pub const MAX_LEASES: usize = 64;
/// Shortest time to live of a lease, milliseconds.
pub const MIN_LEASE_TTL_MS: u64 = 100;
/// Longest time to live of a lease, milliseconds.
pub const MAX_LEASE_TTL_MS: u64 = 60_000;
/// Bytes of a lease holder's name.
pub const MAX_HOLDER_BYTES: usize = 128;
/// How long a lease outlives the last connection that used it, nanoseconds.
pub const LEASE_GRACE_NS: u64 = 2_000_000_000;
/// Answers to numbered commands that are kept for replay, per lease.
pub const LEASE_ANSWERS: usize = 256;

/// Shortest cycle period, nanoseconds.
pub const MIN_PERIOD_NS: u64 = 250_000;
/// Longest cycle period, nanoseconds.
pub const MAX_PERIOD_NS: u64 = 10_000_000;
/// Period unless configured, nanoseconds.
pub const DEFAULT_PERIOD_NS: u64 = 1_000_000;
/// Skipped periods in a row that the machine runs through, unless configured.
pub const DEFAULT_MAX_SKIPS: u32 = 5;
/// Times that an interrupted sleep of the cycle is taken up again.
pub const SLEEP_RETRIES: usize = 8;
/// Stack of the real-time thread.
pub const RT_STACK_BYTES: usize = 1 << 20;
/// How much of it is touched before the first cycle; more than any cycle takes.
pub const RT_STACK_PREFAULT_BYTES: usize = 768 << 10;
/// How long the quick stop after a panic of the cycle is sent at most, unless drives stand still before.
pub const RT_FALLBACK_S: u64 = 10;
/// How long the machine may take to come to rest and be disabled at the end of the daemon.
pub const RT_SHUTDOWN_S: u64 = 60;
/// Failures of one service that are remembered: that many within a minute, and it is lost.
pub const SERVICE_FAILURES: usize = 9;
/// How long a service may take to end with the daemon.
pub const SERVICE_STOP_MS: u64 = 2_000;
/// How often the supervisor looks for services that hang.
pub const SUPERVISOR_POLL_MS: u64 = 20;
/// Stack of a service's thread.
pub const SERVICE_STACK_BYTES: usize = 512 << 10;
/// Stack of the control service's thread.
pub const CONTROL_STACK_BYTES: usize = 1 << 20;
/// Stack of the supervisor's thread.
pub const SUPERVISOR_STACK_BYTES: usize = 256 << 10;
/// Longest time for which one jog request is valid, nanoseconds.
pub const MAX_JOG_VALIDITY_NS: u64 = 200_000_000;
/// Highest override, as a ratio.
pub const MAX_OVERRIDE: f64 = 2.0;
/// Lowest override other than 0, as a ratio.
pub const MIN_OVERRIDE: f64 = 1e-4;
/// Lowest velocity, acceleration or jerk that a command can ask for, as a share of the limit.
pub const MIN_DYNAMICS_SHARE: f64 = 1e-6;
/// Largest magnitude of a drive position and of a distance, axis units: beyond it a double resolves less than 0.2 µm.
pub const MAX_POSITION: f64 = 1e9;
/// Setpoints kept for comparison with delayed feedback; bounds a bus's feedback delay in periods.
pub const SETPOINT_HISTORY: usize = 16;

/// Past setpoints kept of an axis whose drive gets its targets by hand-over, which takes three such delays.
pub const HANDOVER_HISTORY: usize = 64;

const _: () = assert!(MAX_AXES <= 64, "axis sets are one u64 word");
const _: () = assert!(MAX_GROUP_AXES <= MAX_AXES);
const _: () = assert!(MAX_DIGITAL_INPUTS <= 64 && MAX_DIGITAL_OUTPUTS <= 64);
const _: () = assert!(
    REPORT_RING >= MAX_OUTSTANDING_COMMANDS * REPORTS_PER_COMMAND,
    "a report of an accepted command always has a place"
);
const _: () = assert!(COMMAND_RING.is_power_of_two() && REPORT_RING.is_power_of_two() && EVENT_RING.is_power_of_two());
const _: () = assert!(COMMAND_RING <= TARGET_SLOTS, "each waiting command may hold a slot");
const _: () = assert!(FIGURE_SLOTS >= MAX_AXES, "all axes may get new figures at once");
const _: () = assert!(COMMANDS_PER_CYCLE <= COMMAND_RING);
const _: () = assert!(MIN_SEGMENT_PARTS >= 3 && MIN_SEGMENT_PARTS <= MAX_SEGMENT_PARTS);
const _: () = assert!(
    (1.0 + MAX_STREAM_CATCH_UP) * MIN_SEGMENT_PARTS as f64 / MIN_POINT_PERIODS < (PIECES_PASSED - 2) as f64,
    "a cycle passes no more pieces of a stream than it looks at"
);
const _: () = assert!(
    (PATH_PIECES - PATH_HISTORY) as f64 > 0.75 * MIN_SEGMENT_PARTS as f64 * MAX_POINTS_PER_STOP,
    "what the cycle has of a stream is longer than a stop"
);
const _: () = assert!(PIECES_PER_CYCLE as f64 > MIN_SEGMENT_PARTS as f64 / MIN_POINT_PERIODS, "a stream keeps up");
const _: () = assert!(2 * PICTURE_BYTES_PER_REPLY < PAGE_BYTES && DRY_RUN_TEXT_BYTES >= 2 * MAX_REQUEST_BYTES);
const _: () =
    assert!(PIECE_RING.is_power_of_two() && PATH_PIECES.is_power_of_two() && MIRRORED_PIECES.is_power_of_two());
const _: () = assert!(PATH_HISTORY < PATH_PIECES && MIRRORED_PER_CYCLE >= PIECES_PASSED && LINE_SEARCH > PIECES_PASSED);
const _: () = assert!(MIRRORED_PIECES > PIECES_AHEAD + MIRRORED_BEHIND + MIRRORED_PER_CYCLE);
const _: () = assert!(MAX_SDO_BYTES >= 2 + 255 * 8, "every array and record fits");
const _: () = assert!(MAX_FILE_NAME_BYTES + 12 <= MAX_MAILBOX_BYTES && MAX_DESCRIPTION_BYTES >= MAX_MAILBOX_BYTES);
const _: () = assert!(MAX_OBSERVERS < MAX_CLIENTS && MAX_OBSERVED_STREAMS < MAX_STREAMS);
const _: () = assert!(EVENT_JUMP > 2 * EVENT_LOG as u64, "no number that a client may have been told is given again");
const _: () = assert!(SNAPSHOT_HISTORY.is_power_of_two());
const _: () = assert!(
    (SNAPSHOT_HISTORY as u64 - 1) * MIN_PERIOD_NS > 5 * TELEMETRY_ROUND_NS,
    "telemetry may come late by several rounds"
);
const _: () = assert!(TELEMETRY_QUEUE >= MAX_STREAMS, "each stream has a place");
const _: () = assert!(MAX_REQUEST_BYTES <= MAX_PENDING_BYTES, "every request has a place");
const _: () = assert!(
    CYCLE_PATIENCE_NS >= 16 * MAX_PERIOD_NS && CYCLE_PATIENCE_NS * 2 <= GATEWAY_ANSWER_MS * 1_000_000,
    "the cycle has time to answer, and the gateway to say that it did not"
);
const _: () =
    assert!(RT_STACK_PREFAULT_BYTES <= RT_STACK_BYTES / 4 * 3, "touching takes a little more than it touches");
const _: () = assert!(RT_SHUTDOWN_S * 1_000_000_000 / MIN_PERIOD_NS <= u32::MAX as u64);
const _: () = assert!(MAX_LEASES >= MAX_AXES, "each axis may have its own holder");
const _: () = assert!(SETPOINT_HISTORY.is_power_of_two());
const _: () = assert!(HANDOVER_HISTORY.is_power_of_two() && HANDOVER_HISTORY - 2 >= 3 * (SETPOINT_HISTORY - 2));
