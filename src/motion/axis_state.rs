//! Which state of an axis may follow which. The diagram stands at [`AxisState`].

use super::types::AxisState::{self, *};

/// From each state, those that may come next. Two transitions may fall into one cycle.
const TRANSITIONS: &[(AxisState, &[AxisState])] = &[
    // Power; an axis that gets its power while it is locked goes on to Stopping at once.
    (Disabled, &[Standstill, ErrorStop]),
    (Standstill, &[Disabled, Homing, DiscreteMotion, ContinuousMotion, SynchronizedMotion, Stopping, ErrorStop]),
    (Homing, &[Standstill, Stopping, ErrorStop]),
    (DiscreteMotion, &[Standstill, ContinuousMotion, Stopping, ErrorStop]),
    (ContinuousMotion, &[Standstill, DiscreteMotion, Stopping, ErrorStop]),
    (SynchronizedMotion, &[Standstill, Stopping, ErrorStop]),
    // Power off in motion ramps down in Stopping.
    (Stopping, &[Standstill, Disabled, ErrorStop]),
    (ErrorStop, &[Standstill, Disabled]),
];

/// Whether `to` may follow `from`. Every state may last.
pub fn may_follow(from: AxisState, to: AxisState) -> bool {
    from == to || TRANSITIONS.iter().any(|(state, next)| *state == from && next.contains(&to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_one_row_and_every_state_but_error_stop_can_fault() {
        for state in AxisState::ALL {
            assert_eq!(TRANSITIONS.iter().filter(|(from, _)| from == state).count(), 1, "{state:?}");
            assert!(may_follow(*state, ErrorStop));
        }
    }

    #[test]
    fn only_a_reset_leaves_error_stop_and_only_power_leaves_disabled() {
        for state in AxisState::ALL {
            assert_eq!(may_follow(ErrorStop, *state), matches!(state, ErrorStop | Disabled | Standstill));
            assert_eq!(may_follow(Disabled, *state), matches!(state, Disabled | Standstill | ErrorStop));
        }
    }
}
