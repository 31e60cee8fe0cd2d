//! The nodes of a CANopen bus on a SocketCAN interface, paced as its wire would be: an interface without a wire (vcan) has no
//! speed and no priorities of its own.

use std::os::fd::AsFd;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use motiond::config::machine::{Address, BusConfig};
use motiond::fieldbus::canopen::socket::SocketCan;
use motiond::fieldbus::canopen::wire::{CanWire, Received};
use motiond::simulation::canopen::{Manners, Network, NetworkCommand, NetworkParameters, SimulatedNodeParameters};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::command::{number, place_of};

/// How long nothing need arrive before heartbeats and commands are looked for, nanoseconds.
const LOOK_NS: u64 = 1_000_000;

/// The nodes of a bus.
pub fn network(bus: &BusConfig, period_ns: u64) -> Result<Network, String> {
    let nodes = bus.devices.iter().zip(&bus.simulation.devices).map(|(device, simulated)| SimulatedNodeParameters {
        node: if let Address::Node(node) = device.address { node } else { 0 },
        device: simulated.clone(),
        has_heartbeat: true,
        blocks: true,
    });
    Network::new(&NetworkParameters {
        nodes: nodes.collect(),
        bit_rate: bus.bit_rate.unwrap_or(1_000_000),
        period_ns: period_ns * u64::from(bus.divisor),
    })
}

/// A line from standard input.
enum Line {
    Network(NetworkCommand),
    Input { node: usize, bit: u8, on: bool },
    State(usize),
    Quit,
}

fn parse(line: &str, names: &[String]) -> Result<Line, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let node = |word: &str| place_of(word, names);
    let switch = |word: &str| match word {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(format!("{other:?} is none of on, off")),
    };
    Ok(Line::Network(match words[..] {
        ["quit"] => return Ok(Line::Quit),
        ["state", place] => return Ok(Line::State(node(place)?)),
        ["input", place, bit, state] => {
            return Ok(Line::Input { node: node(place)?, bit: number(bit)? as u8, on: switch(state)? });
        }
        ["off", place] => NetworkCommand::PowerOff(node(place)?),
        ["on", place] => NetworkCommand::PowerOn(node(place)?),
        ["restart", place] => NetworkCommand::Restart(node(place)?),
        ["mute", place, state] => NetworkCommand::Mute(node(place)?, switch(state)?),
        ["swallow", place, pdos] => NetworkCommand::Swallow(node(place)?, number(pdos)?.into()),
        ["babble", place, state] => NetworkCommand::Babble(node(place)?, switch(state)?),
        ["twin", place, state] => NetworkCommand::Twin(node(place)?, switch(state)?),
        ["forget-id", place] => NetworkCommand::ForgetId(node(place)?),
        ["emergency", place, code] => NetworkCommand::Emergency(node(place)?, number(code)?, 1),
        ["fault", place, code] => NetworkCommand::DriveFault(node(place)?, number(code)?),
        ["exchange", place, product] => NetworkCommand::Exchange(node(place)?, number(product)?.into()),
        ["sdo", place, "good"] => NetworkCommand::Manners(node(place)?, Manners::Good),
        ["sdo", place, "silent"] => NetworkCommand::Manners(node(place)?, Manners::Silent),
        ["sdo", place, "garbage"] => NetworkCommand::Manners(node(place)?, Manners::Garbage),
        ["sdo", place, "abort"] => NetworkCommand::Manners(node(place)?, Manners::Abort(0x0800_0000)),
        ["lose", frames] => NetworkCommand::Lose(number(frames)?.into()),
        ["cut"] => NetworkCommand::Cut(true),
        ["mend"] => NetworkCommand::Cut(false),
        _ => return Err("not understood; see motion-sim --help".to_string()),
    }))
}

/// Passes frames until it is told to end.
pub fn serve(mut network: Network, mut socket: SocketCan, names: &[String], lines: &Receiver<String>) {
    loop {
        for line in lines.try_iter() {
            match parse(&line, names) {
                Ok(Line::Quit) => return,
                Ok(Line::State(node)) => println!("{} is in {}", names[node], network.state_name(node)),
                Ok(Line::Network(command)) => {
                    network.command(command);
                    println!("ok: {line}");
                }
                Ok(Line::Input { node, bit, on }) => {
                    if let Some(device) = network.device_mut(node) {
                        device.set_input(bit, on);
                    }
                    println!("ok: {line}");
                }
                Err(why) => println!("error: {line}: {why}"),
            }
        }
        let now_ns = socket.now_ns();
        // A frame is on the wire from when it was handed over, whenever this program is given the processor.
        while let Some(received) = socket.receive(now_ns) {
            if let Received::Frame { frame, arrived_ns } = received {
                network.send(frame, arrived_ns.unwrap_or(now_ns));
            }
        }
        while let Some((frame, _)) = network.receive(now_ns) {
            // What the interface does not take is lost, as on a wire.
            let _ = socket.send(&frame, now_ns);
        }
        let until_ns = network.busy_until_ns().unwrap_or(now_ns + LOOK_NS).min(now_ns + LOOK_NS);
        let left = Duration::from_nanos(until_ns.saturating_sub(socket.now_ns()));
        let mut waited = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        let _ = ppoll(&mut waited, Some(TimeSpec::from_duration(left)), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_or_say_what_is_wrong() {
        let names = vec!["x-drive".to_string(), "io".to_string()];
        assert!(matches!(parse("off io", &names), Ok(Line::Network(NetworkCommand::PowerOff(1)))));
        assert!(matches!(parse("swallow 0 4", &names), Ok(Line::Network(NetworkCommand::Swallow(0, 4)))));
        assert!(matches!(parse("input io 3 on", &names), Ok(Line::Input { node: 1, bit: 3, on: true })));
        assert!(parse("mute x-drive perhaps", &names).is_err_and(|why| why.contains("on, off")));
        assert!(parse("off lift", &names).is_err_and(|why| why.contains("x-drive, io")));
    }
}
