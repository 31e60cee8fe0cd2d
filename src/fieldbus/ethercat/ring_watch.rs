//! What is told of a ring: between which devices it is broken, and that it is whole again.

use super::wire::RingState;
use crate::fieldbus::news::BusNews;

/// The ring as it was told last.
#[derive(Debug)]
pub struct RingWatch {
    told: RingState,
    /// By place on the wire, the device in the order of the configuration.
    devices: Box<[u8]>,
}

impl RingWatch {
    /// Of a ring that is whole; each device's place on the wire, in the order of the configuration.
    pub fn of(positions: &[u16]) -> RingWatch {
        let mut devices: Vec<u8> = (0..positions.len() as u8).collect();
        devices.sort_by_key(|device| positions[usize::from(*device)]);
        RingWatch { told: RingState::Whole, devices: devices.into() }
    }

    /// What is new, told once.
    pub fn news(&mut self, state: RingState) -> Option<BusNews> {
        if state == self.told || state == RingState::Unknown {
            return None;
        }
        self.told = state;
        let RingState::Broken { before, behind } = state else { return Some(BusNews::RingWhole) };
        let at = |place: Option<usize>| place.and_then(|place| self.devices.get(place)).copied();
        Some(BusNews::RingBroken {
            before: at(usize::from(before).checked_sub(1)),
            behind: at(self.devices.len().checked_sub(usize::from(behind))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_is_told_by_the_devices_on_both_sides_of_it() {
        // Configured in another order than they are wired in.
        let mut watch = RingWatch::of(&[2, 0, 1]);
        let broken = |before, behind| Some(BusNews::RingBroken { before, behind });
        assert_eq!(watch.news(RingState::Whole), None);
        assert_eq!(watch.news(RingState::Broken { before: 1, behind: 2 }), broken(Some(1), Some(2)));
        assert_eq!(watch.news(RingState::Broken { before: 1, behind: 2 }), None);
        // The device in the middle has no supply.
        assert_eq!(watch.news(RingState::Broken { before: 1, behind: 1 }), broken(Some(1), Some(0)));
        assert_eq!(watch.news(RingState::Broken { before: 0, behind: 3 }), broken(None, Some(1)));
        assert_eq!(watch.news(RingState::Broken { before: 3, behind: 0 }), broken(Some(0), None));
        assert_eq!(watch.news(RingState::Whole), Some(BusNews::RingWhole));
    }
}
