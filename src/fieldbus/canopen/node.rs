//! What is known of one node: whether it is there, what it is in, when it was heard last.

use super::nmt::NmtState;

/// How the node stands to its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing was heard of it since it was reset, or since it fell silent.
    Away,
    /// It has started, and holds nothing of its configuration.
    Started,
    /// It has its configuration.
    Configured,
}

/// One node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its node id.
    pub id: u8,
    /// How it stands to its configuration.
    pub presence: Presence,
    /// What it said it is in.
    pub state: Option<NmtState>,
    /// When it was heard last.
    pub heard_ns: u64,
    /// It was told to start, so that its start is seen, and that of another with its id.
    pub told: bool,
    /// How often it started since then.
    pub boot_ups: u32,
    /// It sends no heartbeat, and is asked for its state instead.
    pub guarded: bool,
    /// When it is asked next.
    pub guard_ns: u64,
    patience_ns: u64,
}

impl Node {
    /// A node of which nothing was heard.
    pub fn new(id: u8, patience_ns: u64) -> Node {
        Node {
            id,
            presence: Presence::Away,
            state: None,
            heard_ns: 0,
            told: false,
            boot_ups: 0,
            guarded: false,
            guard_ns: 0,
            patience_ns,
        }
    }

    /// It exchanges process data, as it was configured to.
    pub fn is_operational(&self) -> bool {
        self.presence == Presence::Configured && self.state == Some(NmtState::Operational)
    }

    /// It said what it is in.
    pub fn take(&mut self, state: NmtState, now_ns: u64) {
        self.heard_ns = now_ns;
        self.state = Some(state);
        if state == NmtState::BootUp {
            // Whatever it was given is gone.
            self.presence = Presence::Started;
            self.boot_ups = self.boot_ups.saturating_add(1);
            self.state = Some(NmtState::PreOperational);
        }
    }

    /// It, or the wire to it, is gone.
    pub fn lose(&mut self) {
        (self.presence, self.state, self.told, self.boot_ups) = (Presence::Away, None, false, 0);
    }

    /// Judges its silence: true where it has just been for too long.
    pub fn judge(&mut self, now_ns: u64) -> bool {
        let silent = self.presence == Presence::Configured && now_ns > self.heard_ns.saturating_add(self.patience_ns);
        if silent {
            self.lose();
        }
        silent
    }

    /// When it is guarded: whether it is to be asked now.
    pub fn ask(&mut self, now_ns: u64) -> bool {
        let due = self.guarded && self.presence == Presence::Configured && now_ns >= self.guard_ns;
        if due {
            self.guard_ns = now_ns + self.patience_ns / 3;
        }
        due
    }
}
