//! What is wrong with a configuration, in words for the person at the machine.

use std::fmt;

use crate::fieldbus::igh::error::IghError;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What stands there comes from the overlay; `line` is one of its lines, 0 where it was not read from a file.
    pub overlaid: bool,
    /// The key, with the names of what it belongs to: `axis "x": limits.max-velocity-mm-per-s`.
    pub place: String,
    /// What stands there.
    pub found: String,
    /// What may stand there, and why.
    pub allowed: String,
}

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable {
        /// Its name as given.
        file: String,
        /// What the system says.
        cause: String,
    },
    /// The file says something that cannot be: everything that is wrong with it, in the order of its lines.
    Invalid {
        /// Its name as given.
        file: String,
        /// At least one.
        problems: Vec<Problem>,
    },
    /// The file is good, but not with what was persisted over it.
    Overlay {
        /// The overlay.
        overlay: String,
        /// The file.
        file: String,
        /// At least one.
        problems: Vec<Problem>,
    },
}

/// A bus that this version cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotBuilt {
    /// This program was built without the kernel's master.
    Igh {
        /// Name of the bus.
        bus: String,
    },
}

impl Problem {
    /// The name of the parameter at its place: `axis "x": limits.a` is `axis.x.limits.a`.
    pub fn parameter(&self) -> String {
        self.place.replace("\": ", ".").replace(" \"", ".")
    }

    /// One line, like a compiler.
    fn write(&self, f: &mut fmt::Formatter<'_>, file: &str) -> fmt::Result {
        let Problem { line, place, found, allowed, .. } = self;
        write!(f, "{file}:")?;
        if *line > 0 {
            write!(f, "{line}:")?;
        }
        write!(f, " {place}: found {found}, allowed: {allowed}")
    }
}

impl fmt::Display for ConfigError {
    /// One line a problem, like a compiler.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Unreadable { file, cause } => write!(f, "{file}: cannot be read: {cause}"),
            ConfigError::Invalid { file, problems } => {
                for (index, problem) in problems.iter().enumerate() {
                    if index > 0 {
                        writeln!(f)?;
                    }
                    problem.write(f, file)?;
                }
                Ok(())
            }
            ConfigError::Overlay { overlay, file, problems } => {
                for problem in problems {
                    problem.write(f, if problem.overlaid { overlay } else { file })?;
                    writeln!(f)?;
                }
                write!(
                    f,
                    "{file} is good by itself; {overlay} holds what was persisted over it: correct the lines above there, or \
                     move that file away to run with the configuration alone"
                )
            }
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for NotBuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotBuilt::Igh { bus } => write!(f, "bus \"{bus}\": {}", IghError::NotBuilt),
        }
    }
}

impl std::error::Error for NotBuilt {}
