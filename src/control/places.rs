//! Bounded numbers of clients and streams, of which the observe door gets only a part.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::door::Door;

/// A counter of what is taken, and how much may be.
type Bounded<'a> = (&'a AtomicUsize, usize);

/// A place among all, and where it came by the observe door, one among those; free again when this is dropped.
#[derive(Debug)]
pub struct Places<'a> {
    _among_all: Place<'a>,
    _among_observers: Option<Place<'a>>,
}

#[derive(Debug)]
struct Place<'a>(&'a AtomicUsize);

impl<'a> Places<'a> {
    /// Takes them, or tells the limit that has been reached.
    pub fn take(door: Door, all: Bounded<'a>, observers: Bounded<'a>) -> Result<Places<'a>, usize> {
        let among_observers = match door {
            Door::Observe => Some(Place::take(observers)?),
            Door::Control => None,
        };
        Ok(Places { _among_all: Place::take(all)?, _among_observers: among_observers })
    }
}

impl<'a> Place<'a> {
    fn take((taken, limit): Bounded<'a>) -> Result<Place<'a>, usize> {
        let place = Place(taken);
        if taken.fetch_add(1, Ordering::Relaxed) < limit { Ok(place) } else { Err(limit) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observers_never_take_the_last_places() {
        let (all, observers) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let take = |door| Places::take(door, (&all, 3), (&observers, 2));
        let observing = [take(Door::Observe).unwrap(), take(Door::Observe).unwrap()];
        assert_eq!(take(Door::Observe).unwrap_err(), 2);
        let last = take(Door::Control).unwrap();
        assert_eq!(take(Door::Control).unwrap_err(), 3);
        drop(observing);
        let commanding = [take(Door::Control).unwrap(), take(Door::Control).unwrap()];
        assert_eq!(take(Door::Observe).unwrap_err(), 3);
        drop((last, commanding));
        assert_eq!((all.into_inner(), observers.into_inner()), (0, 0));
    }
}
