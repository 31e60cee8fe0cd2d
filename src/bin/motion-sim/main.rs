//! `motion-sim`: the devices of a machine on a network interface, for whoever has none: it answers the frames of any EtherCAT
//! or CANopen master as the drives and terminals of a configuration would.

mod command;
mod mishap;
mod nodes;
mod ports;

use std::io::BufRead;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};

use clap::Parser;
use motiond::config::machine::{Address, BusConfig};
use motiond::config::schema::BusKind;
use motiond::config::{self, MachineConfig};
use motiond::fieldbus::canopen::socket::SocketCan;
use motiond::limits::ETHERCAT_FRAME_BYTES;
use motiond::simulation::ethercat::{Segment, SegmentParameters};

use command::Command;
use mishap::Mishaps;
use ports::Ports;

/// How long nothing need arrive before commands are looked for, nanoseconds.
const LOOK_NS: u64 = 5_000_000;

#[derive(Parser)]
#[command(
    name = "motion-sim",
    version,
    about = "Simulated EtherCAT or CANopen drives and terminals on a network interface",
    after_help = command::HELP
)]
struct Arguments {
    /// The network interface that the master's cable ends at
    #[arg(long)]
    interface: String,
    /// Close the devices to a ring: the interface that the master's second cable ends at
    #[arg(long)]
    redundant_interface: Option<String>,
    /// The configuration of the machine, as motiond has it
    #[arg(long)]
    config: PathBuf,
    /// Which of its buses [default: the first EtherCAT or CANopen bus]
    #[arg(long)]
    bus: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let complain = |what: &dyn std::fmt::Display, code: u8| {
        eprintln!("motion-sim: {what}");
        ExitCode::from(code)
    };
    let machine = match config::load(&arguments.config) {
        Ok(machine) => machine,
        Err(error) => return complain(&error, 2),
    };
    let Some(bus) = bus_of(&machine, arguments.bus.as_deref()) else {
        return complain(&"the configuration has no such EtherCAT or CANopen bus", 2);
    };
    let names: Vec<String> = bus.devices.iter().map(|device| device.name.clone()).collect();
    if bus.kind == BusKind::Canopen {
        let network = match nodes::network(bus, machine.period_ns) {
            Ok(network) => network,
            Err(error) => return complain(&error, 2),
        };
        let socket = match SocketCan::open(&arguments.interface) {
            Ok(socket) => socket,
            Err(error) => return complain(&format!("CAN interface {}: {error}", arguments.interface), 1),
        };
        println!("{} devices on {}: {}", names.len(), arguments.interface, names.join(", "));
        nodes::serve(network, socket, &names, &lines());
        return ExitCode::SUCCESS;
    }
    let mut segment = match Segment::new(&parameters(bus, machine.period_ns)) {
        Ok(segment) => segment,
        Err(error) => return complain(&error, 2),
    };
    if arguments.redundant_interface.is_some() {
        segment = segment.closed_to_a_ring();
    }
    let ports = match Ports::open(&arguments.interface, arguments.redundant_interface.as_deref()) {
        Ok(ports) => ports,
        Err((interface, error)) => return complain(&format!("interface {interface}: {error}"), 1),
    };
    let second = arguments.redundant_interface.map_or(String::new(), |second| format!(" and {second}"));
    println!("{} devices on {}{second}: {}", names.len(), arguments.interface, names.join(", "));
    serve(segment, ports, &names, &lines());
    ExitCode::SUCCESS
}

fn bus_of<'a>(machine: &'a MachineConfig, name: Option<&str>) -> Option<&'a BusConfig> {
    let mut buses = machine.buses.iter().filter(|bus| bus.kind != BusKind::Simulated);
    match name {
        Some(name) => buses.find(|bus| bus.name == name),
        None => buses.next(),
    }
}

/// The devices in the order of the wire; one with an alias and no position stands where it is listed.
fn parameters(bus: &BusConfig, period_ns: u64) -> SegmentParameters {
    let mut devices: Vec<_> = bus.devices.iter().zip(&bus.simulation.devices).enumerate().collect();
    devices.sort_by_key(|(listed, (device, _))| match device.address {
        Address::Position(position) => usize::from(position),
        _ => *listed,
    });
    let alias = |address| if let Address::Alias(alias) = address { alias } else { 0 };
    SegmentParameters {
        aliases: devices.iter().map(|(_, (device, _))| alias(device.address)).collect(),
        devices: devices.into_iter().map(|(_, (_, simulated))| simulated.clone()).collect(),
        drift_ppb: Vec::new(),
        period_ns,
    }
}

/// The lines of standard input, read by a thread of its own. At their end the devices stay.
fn lines() -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Passes frames until it is told to end.
fn serve(mut segment: Segment, mut ports: Ports, names: &[String], lines: &Receiver<String>) {
    let mut mishaps = Mishaps::default();
    let mut buffer = [0; ETHERCAT_FRAME_BYTES];
    loop {
        for line in lines.try_iter() {
            match Command::parse(&line, names) {
                Ok(Command::Quit) => return,
                Ok(Command::State(device)) => println!("{} is in {}", names[device], segment.state_name(device)),
                Ok(command) => {
                    command.carry_out(&mut segment, &mut mishaps);
                    println!("ok: {line}");
                }
                Err(why) => println!("error: {line}: {why}"),
            }
        }
        for (end, link) in ports.links().unwrap_or_default() {
            segment.set_link(end, link);
        }
        let now_ns = ports.now_ns();
        mishaps.send_due(now_ns, |end, frame| ports.send(end, frame));
        let deadline_ns = mishaps.next_due_ns().unwrap_or(u64::MAX).min(now_ns + LOOK_NS);
        let Some((end, length)) = ports.receive(&mut buffer, deadline_ns) else {
            segment.advance(ports.now_ns());
            continue;
        };
        let now_ns = ports.now_ns();
        let frame = &mut buffer[..length];
        if let Some(out) = segment.pass_from(end, frame, now_ns) {
            mishaps.give_back(out, frame, now_ns, |end, frame| ports.send(end, frame));
        }
    }
}
