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
/// Some devices send every message under the same number although the standard has them count, and some under the number
/// of our request. So an equal number means a duplicate only where the device has been seen to count and the message is the
/// same to the byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    last: u8,
    digest: u64,
    counts: bool,
}

impl Received {
    /// The device has sent messages under different numbers, so that a duplicate can be told.
    pub fn counts(self) -> bool {
        self.counts
    }

    /// Judges a message that was read by its number and its bytes.
    pub fn take(&mut self, counter: u8, body: &[u8]) -> Order {
        if counter == 0 {
            return Order::New { missed: 0 };
        }
        let digest = digest(body);
        if counter == self.last {
            let same = self.counts && digest == self.digest;
            self.digest = digest;
            return if same { Order::Duplicate } else { Order::New { missed: 0 } };
        }
        let missed = if self.last == 0 { 0 } else { (counter + 7 - self.last) % 7 - 1 };
        self.counts |= self.last != 0;
        (self.last, self.digest) = (counter, digest);
        Order::New { missed }
    }
}

/// FNV-1a.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |digest, byte| (digest ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3))
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
    fn a_message_that_comes_twice_is_a_duplicate_once_the_device_has_counted() {
        let mut received = Received::default();
        assert_eq!(received.take(5, b"a"), Order::New { missed: 0 });
        assert_eq!(received.take(6, b"b"), Order::New { missed: 0 });
        assert_eq!(received.take(6, b"b"), Order::Duplicate);
        assert_eq!(received.take(7, b"b"), Order::New { missed: 0 });
        assert_eq!(received.take(7, b"c"), Order::New { missed: 0 }, "the same number, but not the same message");
        assert_eq!(received.take(1, b"c"), Order::New { missed: 0 });
    }

    #[test]
    fn a_device_that_does_not_count_is_believed() {
        for constant in [0, 1] {
            let mut received = Received::default();
            for _ in 0..20 {
                assert_eq!(received.take(constant, b"a"), Order::New { missed: 0 });
            }
            assert!(!received.counts());
        }
    }

    #[test]
    fn numbers_left_out_are_messages_missed() {
        let mut received = Received::default();
        for (counter, missed) in [(3, 0), (5, 1), (7, 1), (6, 5), (1, 1)] {
            assert_eq!(received.take(counter, b"a"), Order::New { missed }, "{counter}");
        }
    }
}
