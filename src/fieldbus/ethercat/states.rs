//! Who is not in OP: asked of each device in one frame, in the cycles in which the read of all says that somebody is not.

use super::datagram::{Answer, Command, Frame, Slot, Target};
use super::register::{AL_STATUS, AlStatus};
use crate::limits::MAX_BUS_DEVICES;

// All of them are asked by one frame.
const _: () = assert!(
    16 + MAX_BUS_DEVICES * (super::datagram::OVERHEAD_BYTES + AlStatus::BYTES) <= crate::limits::ETHERCAT_FRAME_BYTES
);

/// The frame that asks, and what was last answered.
#[derive(Debug)]
pub struct States {
    frame: Frame,
    slots: Box<[Slot]>,
    seen: Box<[Option<AlStatus>]>,
}

impl States {
    /// Of the devices with these station addresses, at most `MAX_BUS_DEVICES`.
    pub fn of(stations: &[u16]) -> States {
        let mut frame = Frame::new();
        let ask = |station: &u16| frame.push(Command::Fprd, Target::Station(*station, AL_STATUS), AlStatus::BYTES);
        let slots: Box<[Slot]> = stations.iter().filter_map(ask).collect();
        States { frame, seen: vec![None; slots.len()].into(), slots }
    }

    /// The frame that asks.
    pub fn frame(&mut self) -> &mut Frame {
        &mut self.frame
    }

    /// What a device last said; `None` where it did not answer.
    pub fn of_device(&self, device: usize) -> Option<AlStatus> {
        self.seen.get(device).copied().flatten()
    }

    /// Takes an answer: one bit a device that is in OP without an error. `None` for another frame's answer.
    pub fn take(&mut self, bytes: &[u8]) -> Option<u64> {
        let answer = Answer::to(&self.frame, bytes)?;
        let mut operational = 0;
        for (device, (slot, seen)) in self.slots.iter().zip(&mut self.seen).enumerate() {
            let answered = answer.working_counter(*slot) == 1;
            *seen = answered.then(|| AlStatus::of(answer.data(*slot))).flatten();
            operational |= u64::from(seen.is_some_and(|status| status.is_operational())) << device;
        }
        Some(operational)
    }
}
