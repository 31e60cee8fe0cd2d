//! What the campaign has hit: command × state × trouble.

use crate::book::End;
use crate::trouble::Trouble;
use motiond::fault::Fault;
use motiond::ids::AxisId;
use motiond::motion::{AxisState, GroupState};

/// Whose state a command meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Axis,
    Group,
    Machine,
}

macro_rules! kinds {
    ($($kind:ident $subject:ident $name:literal,)*) => {
        /// A row of the table: every variant of `Request`, power and release in two, and the stops.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($kind),* }
        impl Kind {
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name),* }
            }

            pub fn subject(self) -> Subject {
                match self { $(Kind::$kind => Subject::$subject),* }
            }
        }
    };
}

kinds! {
    PowerOn Axis "power on",
    PowerOff Axis "power off",
    Reset Axis "reset",
    Absolute Axis "move absolute",
    Relative Axis "move relative",
    Additive Axis "move additive",
    Velocity Axis "velocity",
    Jog Axis "jog",
    Halt Axis "halt",
    SetPosition Axis "set position",
    Override Axis "override",
    StopAxis Axis "stop axis",
    ReleaseAxis Axis "release axis",
    GroupEnable Group "group enable",
    GroupDisable Group "group disable",
    GroupReset Group "group reset",
    GroupDirect Group "group move direct",
    GroupLinear Group "group move linear",
    GroupHalt Group "group halt",
    GroupInterrupt Group "group interrupt",
    GroupContinue Group "group continue",
    GroupOverride Group "group override",
    StopGroup Group "stop group",
    ReleaseGroup Group "release group",
    StopMachine Machine "stop machine",
    ReleaseMachine Machine "release machine",
    SetOutput Machine "set output",
    RecoverBus Machine "recover bus",
    ResetMachine Machine "reset machine",
    // The last one: it has draws of its own.
    SetFigures Axis "set parameters",
}

/// What the machine as a whole can be in.
pub const MACHINE_STATES: [&str; 4] = ["running", "stopped", "fault", "bus down"];

/// What cannot be hit, and why.
const OUT_OF_REACH: &[(&str, &str)] = &[
    ("Homing", "no command leads to it in this version"),
    ("GroupHoming", "no command leads to it in this version"),
    ("cycle-panic", "nothing that is alive could tell it"),
    ("terminal-emergency", "simulated buses have no mailbox"),
    ("drive-emergency", "simulated buses have no mailbox"),
    ("bus-not-up", "the simulated buses are always up at the start"),
    ("service-lost", "there are no services here"),
    ("mode-refused", "the simulated drives support every mode that is configured"),
    ("target-not-taken", "its machine's drives have cyclic modes, in which nothing is handed over"),
    ("soft-limit", "no motion of ours leaves them: the judge would say so"),
    ("setpoint-range", "the soft limits keep every setpoint far from it"),
    ("member-fault", "it is the reason of a group's state, and no event"),
    ("velocity that is done", "it goes on until something else takes over"),
];

/// The names of a subject's states, by their numbers.
pub fn states(subject: Subject) -> Vec<&'static str> {
    match subject {
        Subject::Axis => AxisState::ALL.iter().map(|state| state.name()).collect(),
        Subject::Group => GroupState::ALL.iter().map(|state| state.name()).collect(),
        Subject::Machine => MACHINE_STATES.to_vec(),
    }
}

fn out_of_reach(state: &str) -> bool {
    OUT_OF_REACH.iter().any(|(name, _)| *name == state)
}

/// Where a command is counted.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub kind: Kind,
    /// Number of the state that it met.
    pub state: usize,
    /// What befell the machine last.
    pub trouble: Option<Trouble>,
    /// The axis whose place it gives another name.
    pub renames: Option<AxisId>,
}

const COLUMNS: usize = Trouble::ALL.len() + 1;
const STATES: usize = 8;

/// Counts of one case, or of all.
#[derive(Clone)]
pub struct Table {
    /// [command][state][last trouble; the first is none]
    sent: Vec<[[u64; COLUMNS]; STATES]>,
    /// [command][end]
    ends: Vec<[u64; 4]>,
    /// [trouble][state of an axis that it befell]
    struck: Vec<[u64; STATES]>,
    /// By [`Fault::index`].
    raised: Vec<u64>,
}

impl Table {
    pub fn new() -> Table {
        Table {
            sent: vec![[[0; COLUMNS]; STATES]; Kind::ALL.len()],
            ends: vec![[0; 4]; Kind::ALL.len()],
            struck: vec![[0; STATES]; Trouble::ALL.len()],
            raised: vec![0; Fault::ALL.len()],
        }
    }

    pub fn sent(&mut self, cell: Cell) {
        let column = cell.trouble.map_or(0, |trouble| 1 + trouble as usize);
        self.sent[cell.kind as usize][cell.state][column] += 1;
    }

    pub fn ended(&mut self, cell: Cell, end: End) {
        self.ends[cell.kind as usize][end as usize] += 1;
    }

    pub fn struck(&mut self, trouble: Trouble, state: AxisState) {
        self.struck[trouble as usize][state as usize] += 1;
    }

    pub fn raised(&mut self, fault: Fault) {
        self.raised[fault.index()] += 1;
    }

    pub fn add(&mut self, other: &Table) {
        let add = |sum: &mut [u64], more: &[u64]| sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        for (sum, more) in self.sent.iter_mut().zip(&other.sent) {
            sum.iter_mut().zip(more).for_each(|(sum, more)| add(sum, more));
        }
        self.ends.iter_mut().zip(&other.ends).for_each(|(sum, more)| add(sum, more));
        add(&mut self.raised, &other.raised);
        self.struck.iter_mut().zip(&other.struck).for_each(|(sum, more)| add(sum, more));
    }

    /// Every row: its name and its counts.
    fn rows(&self) -> impl Iterator<Item = (Kind, &'static str, &[u64; COLUMNS])> {
        Kind::ALL.iter().zip(&self.sent).flat_map(|(kind, rows)| {
            let states = states(kind.subject()).into_iter().zip(rows).filter(|(state, _)| !out_of_reach(state));
            states.map(|(state, row)| (*kind, state, row))
        })
    }

    /// Commands that were sent in all.
    pub fn commands(&self) -> u64 {
        self.rows().map(|(_, _, row)| row.iter().sum::<u64>()).sum()
    }

    /// Cells of command × state × trouble, and those of them that were hit.
    pub fn cells(&self) -> (usize, usize) {
        let hit = |row: &[u64; COLUMNS]| row.iter().filter(|count| **count > 0).count();
        self.rows().fold((0, 0), |(all, hits), (_, _, row)| (all + COLUMNS, hits + hit(row)))
    }

    /// What could have been hit and was not: rows of command × state, pairs of command × trouble and of trouble ×
    /// state, faults, and ends that a command has.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (kind, state, row) in self.rows() {
            if row.iter().all(|count| *count == 0) {
                missing.push(format!("{} in {state}", kind.name()));
            }
        }
        for (kind, states) in Kind::ALL.iter().zip(&self.sent) {
            for trouble in Trouble::ALL {
                if states.iter().all(|row| row[1 + *trouble as usize] == 0) {
                    missing.push(format!("{} after {}", kind.name(), trouble.name()));
                }
            }
        }
        for (trouble, row) in Trouble::ALL.iter().zip(&self.struck) {
            for (state, count) in states(Subject::Axis).into_iter().zip(row) {
                if *count == 0 && !out_of_reach(state) {
                    missing.push(format!("{} in {state}", trouble.name()));
                }
            }
        }
        for (fault, count) in Fault::ALL.iter().zip(&self.raised) {
            if *count == 0 && !out_of_reach(fault.name()) {
                missing.push(format!("fault {}", fault.name()));
            }
        }
        for (kind, ends) in Kind::ALL.iter().zip(&self.ends) {
            // Stops go past the queue and are not answered.
            let stop = matches!(kind, Kind::StopAxis | Kind::StopGroup | Kind::StopMachine);
            let done = format!("{} that is done", kind.name());
            if ends[End::Done as usize] == 0 && !stop && !out_of_reach(&done) {
                missing.push(done);
            }
        }
        missing
    }

    pub fn print(&self) -> String {
        let all = states(Subject::Axis);
        let in_reach = |state: &str| !out_of_reach(state);
        let numbers = |row: &[u64]| row.iter().map(|count| format!("{count:>8}")).collect::<String>();
        let heads = Trouble::ALL.iter().map(|trouble| format!("{:>8}", trouble.short())).collect::<String>();
        let mut text = "commands by the state that they met and by what had befallen the machine last\n".to_string();
        text += &format!("{:<38}{:>8}{:>8}{heads}\n", "", "sum", "none");
        for (kind, state, row) in self.rows() {
            let sum = row.iter().sum::<u64>();
            text += &format!("{:<18}{state:<20}{sum:>8}{}\n", kind.name(), numbers(row));
        }
        text += "\naxes by the state that trouble met them in\n";
        let heads = all.iter().filter(|state| in_reach(state)).map(|state| format!("{state:>20}")).collect::<String>();
        text += &format!("{:<18}{heads}\n", "");
        for (trouble, row) in Trouble::ALL.iter().zip(&self.struck) {
            let counts = all.iter().zip(row).filter(|(state, _)| in_reach(state));
            let counts = counts.map(|(_, count)| format!("{count:>20}")).collect::<String>();
            text += &format!("{:<18}{counts}\n", trouble.name());
        }
        text += "\nfaults raised\n";
        for (fault, count) in Fault::ALL.iter().zip(&self.raised).filter(|(fault, _)| in_reach(fault.name())) {
            text += &format!("{:<24}{count:>8}\n", fault.name());
        }
        text += &format!("\nends of commands\n{:<18}{:>10}", "", "accepted");
        text += &["rejected", "done", "aborted", "error"].map(|end| format!("{end:>10}")).concat();
        for (kind, ends) in Kind::ALL.iter().zip(&self.ends).filter(|(_, ends)| ends.iter().sum::<u64>() > 0) {
            let sum = ends.iter().sum::<u64>();
            let share = (sum - ends[End::Rejected as usize]) as f64 / sum as f64 * 100.0;
            let counts = ends.map(|count| format!("{count:>10}")).concat();
            text += &format!("\n{:<18}{share:>8.0} %{counts}", kind.name());
        }
        for (what, why) in OUT_OF_REACH {
            text += &format!("\nout of reach: {what}: {why}");
        }
        text + "\n"
    }
}
