//! Indices and handles by which the parts of the machine name each other.
//!
//! Names in the configuration become dense indices once, at start; behind the real-time border
//! nothing is looked up by name.

/// One axis, as its place in the configuration's list of axes (0-based).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AxisId(pub u8);

/// One group of axes, as its place in the configuration's list of groups (0-based).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u8);

/// One bus, as its place in the configuration's list of buses (0-based).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BusId(pub u8);

/// One accepted command; rises by one a command, never reused within a run of the daemon. 0 is nobody's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(pub u64);

impl Handle {
    /// The handle of motion that no client asked for.
    pub const NONE: Handle = Handle(0);
}

impl AxisId {
    /// The index into arrays of axes.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl GroupId {
    /// The index into arrays of groups.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl BusId {
    /// The index into arrays of buses.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}
