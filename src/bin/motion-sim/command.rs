//! Commands that a person or a test gives while the devices run, one a line.

use motiond::simulation::ethercat::{Manners, Segment, SegmentCommand};

use super::mishap::Mishaps;

/// What there is.
pub const HELP: &str = "\
While it runs it takes commands from standard input, one a line; DEVICE is a name or a place from 0:
  cut DEVICE                     the cable in front of it breaks
  cut end                        in a ring, the one behind the last device
  mend                           every cable is whole again
  off DEVICE | on DEVICE         its supply
  input DEVICE BIT on|off        a digital input
  number DEVICE INDEX:SUB VALUE  what stands at an analogue input: its object (hexadecimal) and the number there
  drift DEVICE PPM               its clock runs so much faster
  al-error DEVICE CODE           it falls to SAFEOP with this AL status code
  sync-lost DEVICE               its SYNC0 stops
  deaf DEVICE N                  it takes no part in the next N exchanges
  fault DEVICE CODE [AXIS]       its drive, or one axis of it, has this fault; 0 takes the cause away
  emergency DEVICE CODE          it sends an emergency with this error code
  mailbox DEVICE good|silent|garbage
  lose N | duplicate N | corrupt N | delay N MICROSECONDS
                                 what happens to the next N frames on their way back
  state DEVICE                   tells in which state it is
  quit
On a CANopen bus there are off, on, input, fault, emergency, lose, state and quit, and these:
  restart DEVICE                 it begins anew by itself
  mute DEVICE on|off             it sends no heartbeats
  swallow DEVICE N               it does not send its next N PDOs
  babble DEVICE on|off           it fills the wire with emergencies
  twin DEVICE on|off             another one has its node id: seen when it starts
  forget-id DEVICE               it has no node id until it is given one (LSS)
  exchange DEVICE PRODUCT        another device is in its place, without supply
  sdo DEVICE good|silent|garbage|abort
  cut | mend                     the cable to the master";

/// One command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// Something befalls the segment.
    Segment(SegmentCommand),
    /// A digital input of a device.
    Input { device: usize, bit: u8, on: bool },
    /// What stands at an analogue input.
    Number { device: usize, index: u16, subindex: u8, value: i64 },
    /// So many frames are lost.
    Lose(u32),
    /// So many come twice.
    Duplicate(u32),
    /// So many come with a bit changed.
    Corrupt(u32),
    /// So many come later.
    Delay { frames: u32, delay_us: u64 },
    /// In which state is this device?
    State(usize),
    /// The end.
    Quit,
}

impl Command {
    /// Of a line; else what is wrong with it.
    pub fn parse(line: &str, names: &[String]) -> Result<Command, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let device = |word: &str| place_of(word, names);
        Ok(match words[..] {
            ["quit"] => Command::Quit,
            ["state", place] => Command::State(device(place)?),
            ["mend"] => Command::Segment(SegmentCommand::Mend),
            // In a ring there is one behind the last device.
            ["cut", "end"] => Command::Segment(SegmentCommand::Cut(names.len())),
            ["cut", place] => Command::Segment(SegmentCommand::Cut(device(place)?)),
            ["off", place] => Command::Segment(SegmentCommand::PowerOff(device(place)?)),
            ["on", place] => Command::Segment(SegmentCommand::PowerOn(device(place)?)),
            ["drift", place, ppm] => {
                let ppm: f64 = ppm.parse().map_err(|_| format!("{ppm:?} is no number of ppm"))?;
                Command::Segment(SegmentCommand::Drift(device(place)?, ppm * 1000.0))
            }
            ["al-error", place, code] => Command::Segment(SegmentCommand::AlError(device(place)?, number(code)?)),
            ["sync-lost", place] => Command::Segment(SegmentCommand::SyncLost(device(place)?)),
            ["deaf", place, frames] => Command::Segment(SegmentCommand::Deaf(device(place)?, number(frames)?.into())),
            ["fault", place, code] => Command::Segment(SegmentCommand::DriveFault(device(place)?, number(code)?)),
            ["fault", place, code, axis] => {
                let (axis, code) = (number(axis)?.min(255) as u8, number(code)?);
                Command::Segment(SegmentCommand::AxisFault(device(place)?, axis, code))
            }
            ["emergency", place, code] => Command::Segment(SegmentCommand::Emergency(device(place)?, number(code)?, 1)),
            ["mailbox", place, manners] => {
                let manners = match manners {
                    "good" => Manners::Good,
                    "silent" => Manners::Silent,
                    "garbage" => Manners::Garbage,
                    other => return Err(format!("{other:?} is none of good, silent, garbage")),
                };
                Command::Segment(SegmentCommand::Manners(device(place)?, manners))
            }
            ["input", place, bit, state @ ("on" | "off")] => {
                Command::Input { device: device(place)?, bit: number(bit)? as u8, on: state == "on" }
            }
            ["number", place, object, value] => {
                let parts = object.split_once(':');
                let address = parts.and_then(|(index, subindex)| {
                    Some((u16::from_str_radix(index, 16).ok()?, u8::from_str_radix(subindex, 16).ok()?))
                });
                let (index, subindex) = address.ok_or_else(|| format!("{object:?} is no INDEX:SUB, as in 6000:11"))?;
                let value = value.parse().map_err(|_| format!("{value:?} is no whole number"))?;
                Command::Number { device: device(place)?, index, subindex, value }
            }
            ["lose", frames] => Command::Lose(number(frames)?.into()),
            ["duplicate", frames] => Command::Duplicate(number(frames)?.into()),
            ["corrupt", frames] => Command::Corrupt(number(frames)?.into()),
            ["delay", frames, delay_us] => {
                let delay_us = delay_us.parse().map_err(|_| format!("{delay_us:?} is no number of microseconds"))?;
                Command::Delay { frames: number(frames)?.into(), delay_us }
            }
            _ => return Err("not understood; see motion-sim --help".to_string()),
        })
    }

    /// Does what it says.
    pub fn carry_out(self, segment: &mut Segment, mishaps: &mut Mishaps) {
        match self {
            Command::Segment(command) => segment.command(command),
            Command::Input { device, bit, on } => {
                if let Some(device) = segment.device_mut(device) {
                    device.set_input(bit, on);
                }
            }
            Command::Number { device, index, subindex, value } => {
                if !segment.device_mut(device).is_some_and(|device| device.set_number(index, subindex, value)) {
                    eprintln!("motion-sim: the device has no number at {index:04X}:{subindex:02X}");
                }
            }
            Command::Lose(frames) => mishaps.lose = frames,
            Command::Duplicate(frames) => mishaps.duplicate = frames,
            Command::Corrupt(frames) => mishaps.corrupt = frames,
            Command::Delay { frames, delay_us } => {
                (mishaps.delay, mishaps.delay_ns) = (frames, delay_us.saturating_mul(1000));
            }
            Command::State(_) | Command::Quit => {}
        }
    }
}

/// The place of a device, by its name or by that.
pub fn place_of(word: &str, names: &[String]) -> Result<usize, String> {
    let place = names.iter().position(|name| name == word).or_else(|| word.parse().ok());
    place.filter(|place| *place < names.len()).ok_or_else(|| format!("no device {word:?} in {}", names.join(", ")))
}

/// A number, decimal or hexadecimal with 0x.
pub fn number(word: &str) -> Result<u16, String> {
    let parsed = match word.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16),
        None => word.parse(),
    };
    parsed.map_err(|_| format!("{word:?} is no number from 0 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_or_say_what_is_wrong() {
        let names = vec!["x-drive".to_string(), "io".to_string()];
        let parse = |line| Command::parse(line, &names);
        assert_eq!(parse("cut io"), Ok(Command::Segment(SegmentCommand::Cut(1))));
        assert_eq!(parse("cut end"), Ok(Command::Segment(SegmentCommand::Cut(2))));
        assert_eq!(parse("drift 0 -200"), Ok(Command::Segment(SegmentCommand::Drift(0, -200_000.0))));
        assert_eq!(parse("al-error x-drive 0x1b"), Ok(Command::Segment(SegmentCommand::AlError(0, 0x1B))));
        assert_eq!(parse("input io 3 on"), Ok(Command::Input { device: 1, bit: 3, on: true }));
        let number = Command::Number { device: 1, index: 0x6000, subindex: 0x11, value: -500 };
        assert_eq!(parse("number io 6000:11 -500"), Ok(number));
        assert_eq!(parse("delay 2 1500"), Ok(Command::Delay { frames: 2, delay_us: 1500 }));
        assert_eq!(parse("fault 0 0x7305 1"), Ok(Command::Segment(SegmentCommand::AxisFault(0, 1, 0x7305))));
        assert!(parse("off lift").unwrap_err().contains("x-drive, io"));
        assert!(parse("lose many").unwrap_err().contains("no number"));
        assert!(parse("").is_err());
    }
}
