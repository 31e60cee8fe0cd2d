//! Which state of a group may follow which (PLCopen part 4).
//!
//! ```text
//!                enable                   move                  done
//! GroupDisabled ────────► GroupStandby ─────────► GroupMoving ────────► GroupStandby
//!      ▲  disable, at rest     │  ▲
//!      └───────────────────────┘  └── at rest and released ── GroupStopping ◄── stop, disable in motion (from any)
//! any but GroupDisabled ── a member's fault ► GroupErrorStop ── reset ► GroupStandby, or GroupDisabled
//!                                                                where a member has lost its power
//! ```

use super::types::GroupState::{self, *};

const TRANSITIONS: &[(GroupState, &[GroupState])] = &[
    (GroupDisabled, &[GroupStandby]),
    (GroupStandby, &[GroupDisabled, GroupMoving, GroupHoming, GroupStopping, GroupErrorStop]),
    (GroupMoving, &[GroupStandby, GroupStopping, GroupErrorStop]),
    (GroupHoming, &[GroupStandby, GroupStopping, GroupErrorStop]),
    (GroupStopping, &[GroupDisabled, GroupStandby, GroupErrorStop]),
    (GroupErrorStop, &[GroupDisabled, GroupStandby]),
];

/// Whether `to` may follow `from`. Every state may last.
pub fn may_follow(from: GroupState, to: GroupState) -> bool {
    from == to || TRANSITIONS.iter().any(|(state, next)| *state == from && next.contains(&to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_enabled_state_can_fault_and_a_disabled_group_cannot() {
        for state in GroupState::ALL {
            assert_eq!(TRANSITIONS.iter().filter(|(from, _)| from == state).count(), 1, "{state:?}");
            assert_eq!(may_follow(*state, GroupErrorStop), *state != GroupDisabled);
        }
    }
}
