//! A first-in first-out queue of fixed capacity.

/// Up to `N` elements, inline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue<T, const N: usize> {
    slots: [Option<T>; N],
    first: usize,
    len: usize,
}

impl<T: Copy, const N: usize> Queue<T, N> {
    pub fn new() -> Queue<T, N> {
        Queue { slots: [None; N], first: 0, len: 0 }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn is_full(&self) -> bool {
        self.len == N
    }

    /// Appends; false (and nothing done) when it is full.
    pub fn push(&mut self, value: T) -> bool {
        if self.is_full() {
            return false;
        }
        self.slots[(self.first + self.len) % N] = Some(value);
        self.len += 1;
        true
    }

    pub fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        let value = self.slots[self.first].take();
        self.first = (self.first + 1) % N;
        self.len -= 1;
        value
    }

    /// The oldest element that fits; the others stay in their order.
    pub fn take(&mut self, fits: impl Fn(&T) -> bool) -> Option<T> {
        let mut found = None;
        // At most N times.
        for _ in 0..self.len {
            let Some(value) = self.pop() else { break };
            if found.is_none() && fits(&value) {
                found = Some(value);
            } else {
                self.push(value);
            }
        }
        found
    }

    /// The elements, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len).filter_map(|place| self.slots[(self.first + place) % N].as_ref())
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let (newer, older) = self.slots.split_at_mut(self.first);
        // Slots that hold nothing are none.
        older.iter_mut().chain(newer).filter_map(Option::as_mut)
    }

    /// The element that was pushed first.
    pub fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    /// The element that was pushed last.
    pub fn last(&self) -> Option<&T> {
        if self.len == 0 { None } else { self.slots[(self.first + self.len - 1) % N].as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_taken_out_and_the_others_stay_in_their_order() {
        let mut queue: Queue<u32, 3> = Queue::new();
        for _ in 0..5 {
            assert!(queue.push(1) && queue.push(2) && queue.push(3));
            assert_eq!((queue.take(|value| *value == 2), queue.take(|value| *value == 2)), (Some(2), None));
            assert_eq!((queue.len(), queue.last()), (2, Some(&3)));
            assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(1), Some(3), None));
        }
    }

    #[test]
    fn elements_leave_in_order_and_a_full_queue_refuses() {
        let mut queue: Queue<u32, 3> = Queue::new();
        for round in 0..5 {
            assert!(queue.push(round) && queue.push(round + 1) && queue.push(round + 2));
            assert!(!queue.push(99));
            assert_eq!(queue.last(), Some(&(round + 2)));
            assert_eq!(
                (queue.pop(), queue.pop(), queue.pop(), queue.pop()),
                (Some(round), Some(round + 1), Some(round + 2), None)
            );
        }
    }
}
