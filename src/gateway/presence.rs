//! Whether a client is still connected, seen from where it showed a lease.

use std::sync::{Arc, Weak};

/// A connection, for as long as this or a copy of it lives: however a session ends, nothing has to be told.
#[derive(Clone, Debug, Default)]
pub struct Presence(Arc<()>);

/// Sees when a connection has gone, and keeps it from nothing.
#[derive(Clone, Debug, Default)]
pub struct Absence(Weak<()>);

impl Presence {
    /// For whoever works for this connection alone.
    pub fn absence(&self) -> Absence {
        Absence(Arc::downgrade(&self.0))
    }
}

impl Absence {
    /// The connection has gone.
    pub fn come(&self) -> bool {
        self.0.strong_count() == 0
    }

    /// It is of this connection.
    pub fn is_of(&self, presence: &Presence) -> bool {
        self.0.ptr_eq(&Arc::downgrade(&presence.0))
    }
}

/// The connections that have shown one lease.
#[derive(Debug, Default)]
pub(super) struct Witnesses(Vec<Weak<()>>);

impl PartialEq for Presence {
    fn eq(&self, other: &Presence) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Witnesses {
    /// This connection has shown the lease.
    pub(super) fn add(&mut self, presence: &Presence) {
        let shown = Arc::downgrade(&presence.0);
        if !self.0.iter().any(|known| known.ptr_eq(&shown)) {
            // Those that are gone leave their places: there are never more than clients.
            self.0.retain(|known| known.strong_count() > 0);
            self.0.push(shown);
        }
    }

    /// Connections that are still there.
    pub(super) fn present(&self) -> usize {
        self.0.iter().filter(|known| known.strong_count() > 0).count()
    }

    /// There were connections, and none is left.
    pub(super) fn all_gone(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|known| known.strong_count() == 0)
    }
}
