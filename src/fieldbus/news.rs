//! What a bus tells of its devices by itself, beside the report of each exchange.

pub use super::canopen::frame::WireState;
pub use super::error_code::{ErrorCode, NO_ERROR};
use super::modes::UnknownMode;
use std::fmt;

/// Something that a bus has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusNews {
    /// A device that dropped out is back on the wire, and cannot be made operational. Told once for each obstacle.
    NotRestored {
        /// Its place in the bus's configuration.
        device: u8,
        /// What is in the way.
        obstacle: Obstacle,
    },
    /// A device told of a fault, or that its faults are gone, by an emergency message.
    Emergency {
        /// Its place in the bus's configuration.
        device: u8,
        /// Its code, as in object 603Fh; 0 is "no fault any more".
        code: u16,
        /// Its error register, object 1001h.
        register: u8,
    },
    /// The ring is broken, or has a break at another place than before: everything goes on, and the next one stops devices.
    RingBroken {
        /// The device before the break; `None` where that is the interface.
        before: Option<u8>,
        /// The device behind it; `None` where that is the redundant interface.
        behind: Option<u8>,
    },
    /// The ring is whole again.
    RingWhole,
    /// The bus's controller stands otherwise to its wire than before (CAN).
    Wire(WireState),
    /// The interface's queue is full, so that frames are not sent: told once, until it has room again (CAN).
    QueueFull,
}

/// News that wait to be told, at most.
const WAITING: usize = 32;

/// News in the order in which they came. What waits already is not taken twice, so that a device that repeats itself leaves the
/// others room; what finds no room is dropped. A push costs a look at each that waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewsQueue {
    waiting: [Option<BusNews>; WAITING],
    first: usize,
    count: usize,
}

impl NewsQueue {
    /// Takes something in.
    pub fn push(&mut self, news: BusNews) {
        let known = self.waiting.contains(&Some(news));
        if !known && self.count < WAITING {
            self.waiting[(self.first + self.count) % WAITING] = Some(news);
            self.count += 1;
        }
    }

    /// The oldest.
    pub fn pop(&mut self) -> Option<BusNews> {
        let news = self.waiting[self.first].take()?;
        self.first = (self.first + 1) % WAITING;
        self.count -= 1;
        Some(news)
    }
}

/// Why a device that is back could not be made operational.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It does not take, or not give, what stands in this register.
    Register(u16),
    /// It does not go into a state.
    State {
        /// Where it was asked to go.
        wanted: &'static str,
        /// Its code for the reason; 0 where it gives none.
        code: u16,
    },
    /// It is another device than the one that was there.
    Identity {
        /// What differs.
        what: &'static str,
        /// What was there, or is configured.
        expected: u32,
        /// What it says.
        found: u32,
    },
    /// It lacks the mode that one of its axes is used in.
    Mode(UnknownMode),
    /// It says nothing.
    Silent,
    /// Another device answers to the same address.
    Duplicate,
    /// It refuses an object.
    Object {
        /// Index.
        index: u16,
        /// Subindex.
        subindex: u8,
        /// The code of its abort; `None` where it did not answer as it should.
        abort: Option<u32>,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Register(register) => write!(out, "it does not answer as it should (register {register:04X}h)"),
            Obstacle::Mode(unknown) => write!(out, "{unknown}"),
            Obstacle::Silent => out.write_str("it does not answer"),
            Obstacle::Duplicate => out.write_str("two devices answer to its node id: one of them needs another"),
            Obstacle::State { wanted, code: 0 } => write!(out, "it does not go to {wanted}"),
            Obstacle::State { wanted, code } => write!(out, "it does not go to {wanted}: AL status code {code:04X}h"),
            Obstacle::Identity { what, expected, found } => {
                write!(out, "it is another device: its {what} is {found:#010x}, expected is {expected:#010x}")
            }
            Obstacle::Object { index, subindex, abort: Some(abort) } => {
                write!(out, "it refuses object {index:04X}h:{subindex:02X} with abort code {abort:08X}h")
            }
            Obstacle::Object { index, subindex, abort: None } => {
                write!(out, "it does not answer about object {index:04X}h:{subindex:02X} as it should")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_and_its_end_are_both_told_and_nobody_fills_the_queue_by_repeating_himself() {
        let emergency = |code| BusNews::Emergency { device: 1, code, register: 1 };
        let mut queue = NewsQueue::default();
        for _ in 0..100 {
            queue.push(emergency(0x7500));
        }
        queue.push(emergency(0));
        queue.push(BusNews::QueueFull);
        let told = [queue.pop(), queue.pop(), queue.pop(), queue.pop()];
        assert_eq!(told, [Some(emergency(0x7500)), Some(emergency(0)), Some(BusNews::QueueFull), None]);
        (0..100).for_each(|code| queue.push(emergency(code)));
        assert_eq!((0..100).filter_map(|_| queue.pop()).count(), WAITING);
    }
}
