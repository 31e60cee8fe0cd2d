//! The counters of both directions: a message is told from its repetition by its number alone.

/// Numbers of our messages: 1…7, and 1 again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    last: u8,
}

impl Counter {
    /// Goes on after the number that the device saw last (0: none since its mailbox was started).
    pub fn after(last: u8) -> Counter {
        Counter { last: last.min(7) }
    }

    /// The number of the message on its way.
    pub fn current(self) -> u8 {
        self.last
    }

    /// The number of a new message.
    pub fn advance(&mut self) -> u8 {
        self.last = self.last % 7 + 1;
        self.last
    }
}

/// What a received number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A new message.
    New {
        /// Messages between this one and the one before that never arrived, 0…5.
        missed: u8,
    },
    /// The same message again.
    Duplicate,
}

/// Numbers of the device's messages.
///
/// Some devices send every message under the same number although the standard has them count. So an equal number means a
/// duplicate only where the device was asked to repeat, or has been seen to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    last: u8,
    counts: bool,
    repeat_asked: bool,
}

impl Received {
    /// The device was asked for its last message again.
    pub fn ask_repeat(&mut self) {
        self.repeat_asked = true;
    }

    /// Judges the number of a message that was read.
    pub fn take(&mut self, counter: u8) -> Order {
        if counter == 0 {
            self.repeat_asked = false;
            return Order::New { missed: 0 };
        }
        if counter == self.last {
            let duplicate = self.counts || self.repeat_asked;
            self.repeat_asked = false;
            return if duplicate { Order::Duplicate } else { Order::New { missed: 0 } };
        }
        let missed = if self.last == 0 { 0 } else { (counter + 7 - self.last) % 7 - 1 };
        self.counts |= self.last != 0;
        self.last = counter;
        self.repeat_asked = false;
        Order::New { missed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_run_from_one_to_seven_and_never_give_zero() {
        let mut counter = Counter::after(0);
        let numbers: Vec<u8> = (0..9).map(|_| counter.advance()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 1, 2]);
        assert_eq!(Counter::after(3).advance(), 4);
        assert_eq!(Counter::after(200).advance(), 1);
    }

    #[test]
    fn a_number_that_comes_twice_is_a_duplicate_once_the_device_has_counted() {
        let mut received = Received::default();
        assert_eq!(received.take(5), Order::New { missed: 0 });
        assert_eq!(received.take(6), Order::New { missed: 0 });
        assert_eq!(received.take(6), Order::Duplicate);
        assert_eq!(received.take(7), Order::New { missed: 0 });
        assert_eq!(received.take(1), Order::New { missed: 0 });
    }

    #[test]
    fn a_device_that_does_not_count_is_believed_until_it_is_asked_to_repeat() {
        for constant in [0, 1] {
            let mut received = Received::default();
            for _ in 0..20 {
                assert_eq!(received.take(constant), Order::New { missed: 0 });
            }
        }
        let mut received = Received::default();
        received.take(1);
        received.ask_repeat();
        assert_eq!(received.take(1), Order::Duplicate);
        assert_eq!(received.take(1), Order::New { missed: 0 });
    }

    #[test]
    fn numbers_left_out_are_messages_missed() {
        let mut received = Received::default();
        for (counter, missed) in [(3, 0), (5, 1), (7, 1), (6, 5), (1, 1)] {
            assert_eq!(received.take(counter), Order::New { missed }, "{counter}");
        }
    }
}
