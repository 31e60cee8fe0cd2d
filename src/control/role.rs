//! What a client may do.

/// A role; a higher one includes the lower.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// See everything and change nothing.
    #[default]
    Observe,
    /// Move the machine.
    Operate,
    /// Change what the machine believes of itself: references, parameters, faults on purpose.
    Commission,
}

impl Role {
    /// As on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Role::Observe => "observe",
            Role::Operate => "operate",
            Role::Commission => "commission",
        }
    }
}
