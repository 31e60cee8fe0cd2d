//! What may come back over the wire: no bytes in a frame, at any time, make the exchange panic, take inputs that are not a
//! device's own, or wait beyond its deadline; the same for a dialogue with a device, and for what stands in its SII.
//!
//! The first byte chooses; an exchange may be over a ring, cut somewhere. SII: the rest is its content. Dialogue and exchange: each frame that comes back takes a byte that
//! says what becomes of it, and what that needs of what follows; once the input has ended, frames come back as they are.
#![no_main]

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use motiond::config::{self, MachineConfig};
use motiond::fieldbus::CyclicBus;
use motiond::fieldbus::ethercat::bring_up::bring_up;
use motiond::fieldbus::ethercat::datagram::{Command, Target};
use motiond::fieldbus::ethercat::dialogue::Dialogue;
use motiond::fieldbus::ethercat::register::AlState;
use motiond::fieldbus::ethercat::ring::Ring;
use motiond::fieldbus::ethercat::sii;
use motiond::fieldbus::ethercat::wire::Wire;
use motiond::simulation::ethercat::{End, Segment, SegmentCommand, SegmentParameters};

const ROUND_TRIP_NS: u64 = 30_000;
/// An exchange is looked at for so many cycles, and for some more that nothing disturbs.
const CYCLES: usize = 400;
const STATION: u16 = 0x1000;

struct FarEnd {
    segment: Segment,
    input: VecDeque<u8>,
    now_ns: u64,
    /// By the end of the wire at which it arrives.
    back: [VecDeque<(u64, Vec<u8>)>; 2],
}

#[derive(Clone)]
struct Disturbed(Arc<Mutex<FarEnd>>, End);

impl Disturbed {
    fn end(&self) -> MutexGuard<'_, FarEnd> {
        self.0.lock().unwrap()
    }
}

impl FarEnd {
    fn byte(&mut self) -> u8 {
        self.input.pop_front().unwrap_or(0)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let count = count.min(self.input.len());
        self.input.drain(..count).collect()
    }

    fn comes_back(&mut self, mut frame: Vec<u8>, at: End) {
        let at = at as usize;
        let mut arrives_ns = self.now_ns + ROUND_TRIP_NS;
        match self.byte() % 8 {
            1 => return,
            2 => self.back[at].push_back((arrives_ns, frame.clone())),
            3 => arrives_ns += u64::from(self.byte()) * 50_000,
            4 | 5 => {
                let place = usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % frame.len();
                let count = usize::from(self.byte() % 32);
                let changed = self.bytes(count);
                frame[place..].iter_mut().zip(changed).for_each(|(byte, change)| *byte ^= change);
            }
            6 => {
                let length = usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % (frame.len() + 1);
                frame.truncate(length);
            }
            7 => {
                let count = usize::from(self.byte());
                let other = self.bytes(count);
                self.back[at].push_back((arrives_ns, other));
            }
            _ => {}
        }
        self.back[at].push_back((arrives_ns, frame));
        self.back[at].make_contiguous().sort_by_key(|(arrives_ns, _)| *arrives_ns);
    }
}

impl Wire for Disturbed {
    fn send(&mut self, frame: &[u8], now_ns: u64) -> bool {
        let mut end = self.end();
        end.now_ns = end.now_ns.max(now_ns);
        let (mut frame, now_ns) = (frame.to_vec(), end.now_ns);
        if let Some(out) = end.segment.pass_from(self.1, &mut frame, now_ns) {
            end.comes_back(frame, out);
        }
        true
    }

    fn receive(&mut self, buffer: &mut [u8], deadline_ns: u64) -> Option<usize> {
        let mut end = self.end();
        let due = end.back[self.1 as usize].front().is_some_and(|(arrives_ns, _)| *arrives_ns <= deadline_ns.max(end.now_ns));
        let Some((arrives_ns, frame)) = due.then(|| end.back[self.1 as usize].pop_front()).flatten() else {
            end.now_ns = end.now_ns.max(deadline_ns);
            return None;
        };
        end.now_ns = end.now_ns.max(arrives_ns);
        let length = frame.len().min(buffer.len());
        buffer[..length].copy_from_slice(&frame[..length]);
        Some(length)
    }

    fn now_ns(&self) -> u64 {
        self.end().now_ns
    }
}

fn machine() -> &'static MachineConfig {
    static MACHINE: OnceLock<MachineConfig> = OnceLock::new();
    let file = include_str!("../../config/ethercat-terminals.toml");
    MACHINE.get_or_init(|| config::parse(file, "ethercat-terminals.toml").unwrap_or_else(|error| panic!("{error}")))
}

fn wire(ring: bool) -> Disturbed {
    let machine = machine();
    let devices = machine.buses[0].simulation.devices.clone();
    let parameters = SegmentParameters {
        devices,
        aliases: Vec::new(),
        drift_ppb: vec![20_000.0, -30_000.0],
        period_ns: machine.period_ns,
    };
    let segment = Segment::new(&parameters).unwrap();
    let segment = if ring { segment.closed_to_a_ring() } else { segment };
    let end = FarEnd { segment, input: VecDeque::new(), now_ns: 1_000_000_000, back: Default::default() };
    Disturbed(Arc::new(Mutex::new(end)), End::First)
}

/// With a ring, the first byte says where it is cut; beyond its devices it is whole.
fn exchange(bytes: &[u8], ring: bool) {
    let (wire, machine) = (wire(ring), machine());
    let (cut, bytes) = if ring { bytes.split_first().unwrap_or((&0xFF, bytes)) } else { (&0xFF, bytes) };
    let config = &machine.buses[0];
    let segment = config.segment(machine.period_ns);
    let way: Box<dyn Wire> = if ring {
        Box::new(Ring::between(Box::new(wire.clone()), Box::new(Disturbed(Arc::clone(&wire.0), End::Last))))
    } else {
        Box::new(wire.clone())
    };
    let mut bus = bring_up(way, &segment).unwrap_or_else(|error| panic!("{error}")).bus;
    wire.end().input = bytes.iter().copied().collect();
    if ring {
        wire.end().segment.command(SegmentCommand::Cut(usize::from(*cut) % 5));
    }
    let (outputs, mut inputs) = (vec![0; config.output_bytes], vec![0; config.input_bytes]);
    let mut start_ns = wire.now_ns();
    for _ in 0..CYCLES {
        start_ns = start_ns.max(wire.now_ns()) + machine.period_ns;
        let (deadline_ns, before) = (start_ns + machine.period_ns / 2, inputs.clone());
        bus.begin(&outputs, start_ns);
        let report = bus.finish(&mut inputs, deadline_ns);
        assert!(wire.now_ns() <= deadline_ns, "it waited beyond its deadline");
        let devices = (1 << segment.devices.len()) - 1;
        assert_eq!((report.fresh | report.not_operational) & !devices, 0, "{report:?}");
        assert!(!report.complete() || report.fresh == devices, "{report:?}");
        for (place, device) in segment.devices.iter().enumerate() {
            let own = device.layout.input_offset..device.layout.input_offset + device.layout.input_bytes();
            assert!(report.fresh >> place & 1 != 0 || inputs[own.clone()] == before[own], "{report:?}");
        }
        bus.set_dropped(report.not_operational);
        let _ = bus.take_news();
    }
}

fn dialogue(bytes: &[u8]) {
    let mut wire = wire(false);
    // The first device gets its address before anything is disturbed.
    let mut address = STATION.to_le_bytes();
    let given = Dialogue::over(&mut wire).ask(Command::Apwr, Target::Position(0, 0x0010), &mut address);
    assert_eq!(given, Ok(1));
    wire.end().input = bytes.iter().copied().collect();
    let begun_ns = wire.now_ns();
    let mut dialogue = Dialogue::over(&mut wire);
    let _ = dialogue.al_status(STATION);
    let _ = dialogue.read::<8>(STATION, 0x0910);
    let _ = dialogue.write(STATION, 0x0420, &[0xE8, 3]);
    let changed = dialogue.change_state(STATION, AlState::PreOperational, 100_000_000);
    assert!(changed.err().is_none_or(|error| !error.to_string().is_empty()));
    assert!(wire.now_ns() - begun_ns < 60_000_000_000, "a dialogue without an end");
}

fn sii_of(bytes: &[u8]) {
    let mut asked = 0;
    let read = sii::read(async |word: u16, into: &mut [u8]| {
        asked += 1;
        let found = bytes.get(usize::from(word) * 2..).unwrap_or_default();
        let count = found.len().min(into.len());
        into[..count].copy_from_slice(&found[..count]);
        Ok::<usize, String>(count)
    });
    let mut read = pin!(read);
    let Poll::Ready(read) = read.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it waits for nobody")
    };
    match read {
        Ok(sii) => assert!(sii.sync_managers.len() <= bytes.len()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind % 4 {
        0 => exchange(rest, false),
        1 => dialogue(rest),
        2 => sii_of(rest),
        _ => exchange(rest, true),
    }
});
