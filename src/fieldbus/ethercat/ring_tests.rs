//! The two images of a frame, in whatever order, and however few of them come.

use super::*;
use crate::fieldbus::ethercat::datagram::{Answer, Frame, Slot, Target};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// What a port has sent, and what will come in at it.
#[derive(Default)]
struct Ends {
    sent: [Vec<Vec<u8>>; 2],
    coming: [VecDeque<Vec<u8>>; 2],
    /// Waits up to a deadline.
    waits: u32,
}

struct Port(Arc<Mutex<Ends>>, usize);

impl Wire for Port {
    fn send(&mut self, frame: &[u8], _now_ns: u64) -> bool {
        self.0.lock().unwrap().sent[self.1].push(frame.to_vec());
        true
    }

    fn receive(&mut self, buffer: &mut [u8], deadline_ns: u64) -> Option<usize> {
        let mut ends = self.0.lock().unwrap();
        match ends.coming[self.1].pop_front() {
            Some(frame) => {
                buffer[..frame.len()].copy_from_slice(&frame);
                Some(frame.len())
            }
            None => {
                ends.waits += u32::from(deadline_ns > 0);
                None
            }
        }
    }

    fn now_ns(&self) -> u64 {
        0
    }
}

/// A ring, its ends, and a frame with each kind of datagram that is merged in a way of its own.
struct Bench {
    ring: Ring,
    ends: Arc<Mutex<Ends>>,
    frame: Frame,
    clock: Slot,
    everyone: Slot,
    device: Slot,
    place: Slot,
    buffer: Bytes,
}

/// What the frame's sender makes of what it is given: clock, states, inputs, and the working counters of these.
type Told = ([u8; 8], u8, [u8; 2], [u16; 3]);

/// What the devices of one part of the ring do to a frame.
struct Part {
    devices: u16,
    /// The reference clock is among them, and shows this.
    clock: Option<[u8; 8]>,
    states: u8,
    /// The device of the frame is among them, with these inputs.
    inputs: Option<[u8; 2]>,
}

impl Bench {
    fn new() -> Bench {
        let ends = Arc::new(Mutex::new(Ends::default()));
        let port = |place| Box::new(Port(Arc::clone(&ends), place));
        let ring = Ring::between(port(0), port(1));
        let mut frame = Frame::new();
        let clock = frame.push(Command::Frmw, Target::Station(0x1000, 0x0910), 8).unwrap();
        let everyone = frame.push(Command::Brd, Target::All(0x0130), 2).unwrap();
        let device = frame.push(Command::Lrw, Target::Logical(0), 4).unwrap();
        let place = frame.push(Command::Aprd, Target::Position(3, 0x0010), 2).unwrap();
        frame.data_mut(clock).copy_from_slice(&[0x11; 8]);
        frame.data_mut(device).copy_from_slice(&[1, 2, 0, 0]);
        Bench { ring, ends, frame, clock, everyone, device, place, buffer: [0; ETHERCAT_FRAME_BYTES] }
    }

    fn send(&mut self, index: u8) {
        self.frame.set_index(index);
        assert!(self.ring.send(self.frame.as_bytes(), 0));
    }

    /// The frame that was sent last at a port, after it went through a part of the ring.
    fn image(&self, sent_at: usize, part: &Part) -> Vec<u8> {
        let mut image = self.ends.lock().unwrap().sent[sent_at].last().unwrap().clone();
        if part.devices == 0 {
            return image;
        }
        image[PROCESSED_BYTE] |= PROCESSED;
        let places: Vec<_> = datagram::places(&image).collect();
        let [clock, everyone, device, _] = places[..] else { panic!("{places:?}") };
        let mut set = |place: datagram::Place, from: usize, data: &[u8], counter: u16| {
            image[place.data()][from..from + data.len()].copy_from_slice(data);
            image[place.counter()..place.counter() + 2].copy_from_slice(&counter.to_le_bytes());
        };
        set(clock, 0, &part.clock.unwrap_or([0x11; 8]), part.devices);
        set(everyone, 0, &[part.states], part.devices);
        if let Some(inputs) = part.inputs {
            set(device, 2, &inputs, 3);
        }
        image
    }

    fn arrives(&self, port: usize, image: Vec<u8>) {
        self.ends.lock().unwrap().coming[port].push_back(image);
    }

    fn receive(&mut self) -> Option<usize> {
        self.ring.receive(&mut self.buffer, 1)
    }

    fn answer(&mut self) -> Option<Told> {
        let length = self.receive()?;
        let answer = Answer::to(&self.frame, &self.buffer[..length])?;
        let counters = [self.clock, self.everyone, self.device].map(|slot| answer.working_counter(slot));
        let inputs = answer.data(self.device).last_chunk().copied()?;
        Some((*answer.data(self.clock).first_chunk()?, answer.data(self.everyone)[0], inputs, counters))
    }

    fn waits(&self) -> u32 {
        std::mem::take(&mut self.ends.lock().unwrap().waits)
    }

    /// The ring with a break: three devices at the first port with the reference clock, two at the second.
    fn broken(&mut self, index: u8, order: [usize; 2]) -> Option<Told> {
        self.send(index);
        let images = [self.image(0, &BEFORE), self.image(1, &BEHIND)];
        for port in order {
            self.arrives(port, images[port].clone());
        }
        self.answer()
    }
}

const WHOLE: Part = Part { devices: 5, clock: Some([0x22; 8]), states: 8, inputs: Some([3, 4]) };
const NOBODY: Part = Part { devices: 0, clock: None, states: 0, inputs: None };
const BEFORE: Part = Part { devices: 3, clock: Some([0x22; 8]), states: 8, inputs: None };
const BEHIND: Part = Part { devices: 2, clock: None, states: 2, inputs: Some([3, 4]) };

#[test]
fn in_a_whole_ring_one_image_has_everything() {
    let mut bench = Bench::new();
    for index in 0..10 {
        bench.send(index);
        // Only the forwarded one is there as yet.
        let images = [bench.image(0, &WHOLE), bench.image(1, &NOBODY)];
        bench.arrives(0, images[1].clone());
        bench.arrives(1, images[0].clone());
        assert_eq!(bench.answer(), Some(([0x22; 8], 8, [3, 4], [5, 5, 3])));
        assert_eq!(bench.waits(), 0);
    }
    assert_eq!(bench.ring.ring(), Some(RingState::Whole));
}

#[test]
fn in_a_broken_ring_the_images_add_up_in_either_order() {
    let mut bench = Bench::new();
    for index in 0..10 {
        // States OR-ed, the clock of the image that has read it.
        let order = if index % 2 == 0 { [0, 1] } else { [1, 0] };
        assert_eq!(bench.broken(index, order), Some(([0x22; 8], 10, [3, 4], [5, 5, 3])), "{order:?}");
        assert_eq!(bench.waits(), 0);
    }
    assert_eq!(bench.ring.ring(), Some(RingState::Broken { before: 3, behind: 2 }));
}

#[test]
fn one_look_alone_is_not_believed() {
    let mut bench = Bench::new();
    for index in 0..4 {
        bench.broken(index, [0, 1]);
    }
    bench.send(5);
    bench.arrives(0, bench.image(0, &BEFORE));
    assert_eq!(bench.answer(), Some(([0x22; 8], 8, [0, 0], [3, 3, 0])), "what has come is given at the deadline");
    assert_eq!(bench.ring.ring(), Some(RingState::Broken { before: 3, behind: 2 }));
}

#[test]
fn a_silent_port_is_not_waited_for_and_used_again_when_it_speaks() {
    let mut bench = Bench::new();
    for index in 0..SILENT_EXCHANGES as u8 {
        bench.send(index);
        bench.arrives(1, bench.image(1, &WHOLE));
        assert_eq!(bench.answer(), Some(([0x22; 8], 8, [3, 4], [5, 5, 3])));
        assert!(bench.waits() > 0, "exchange {index}");
    }
    for index in 10..20 {
        bench.send(index);
        bench.arrives(1, bench.image(1, &WHOLE));
        assert!(bench.answer().is_some());
        assert_eq!(bench.waits(), 0, "exchange {index}");
    }
    assert_eq!(bench.ring.ring(), Some(RingState::Broken { before: 0, behind: 5 }));
    // The cable is mended: what comes through all of it shows that the other port gives again.
    bench.send(30);
    let images = [bench.image(0, &WHOLE), bench.image(1, &NOBODY)];
    bench.arrives(1, images[0].clone());
    bench.arrives(0, images[1].clone());
    assert_eq!(bench.answer(), Some(([0x22; 8], 8, [3, 4], [5, 5, 3])));
    assert!(!bench.ring.is_silent(0));
}

#[test]
fn late_images_answer_nothing_and_a_frame_that_is_lost_gives_nothing() {
    let mut bench = Bench::new();
    bench.send(1);
    let late = [bench.image(0, &BEFORE), bench.image(1, &BEHIND)];
    assert_eq!(bench.receive(), None);
    bench.send(2);
    for (port, image) in late.into_iter().enumerate() {
        bench.arrives(port, image);
    }
    let both = [bench.image(0, &BEFORE), bench.image(1, &BEHIND)];
    for (port, image) in both.into_iter().enumerate() {
        bench.arrives(port, image);
    }
    // The late one comes whole, for its sender to count.
    let mut indices = Vec::new();
    while bench.receive().is_some() {
        indices.push(bench.buffer[17]);
    }
    assert_eq!(indices, [1, 2]);
}

#[test]
fn places_count_from_the_break_at_the_second_port() {
    let mut bench = Bench::new();
    let at_second = |bench: &Bench| {
        let frame = bench.ends.lock().unwrap().sent[1].last().unwrap().clone();
        let place = datagram::places(&frame).last().unwrap();
        (frame[place.start], word(&frame, place.start + 2))
    };
    bench.send(1);
    assert_eq!(at_second(&bench).0, Command::Nop as u8, "nothing is known yet");
    let images = [bench.image(0, &WHOLE), bench.image(1, &NOBODY)];
    bench.arrives(1, images[0].clone());
    bench.arrives(0, images[1].clone());
    bench.answer();
    bench.send(2);
    assert_eq!(at_second(&bench).0, Command::Nop as u8, "in a whole ring every place is reached from the first port");
    bench.broken(3, [0, 1]);
    bench.send(4);
    // The fourth of five is the first of two.
    assert_eq!(at_second(&bench), (Command::Aprd as u8, 0));
    bench.frame.retarget(bench.place, Target::Position(4, 0x0010));
    bench.send(5);
    assert_eq!(at_second(&bench), (Command::Aprd as u8, 0xFFFF));
    bench.frame.retarget(bench.place, Target::Position(2, 0x0010));
    bench.send(6);
    assert_eq!(at_second(&bench).0, Command::Nop as u8, "that one is before the break");
}

/// One thing that comes in: at which port the frame was sent and at which it arrives, whether the devices have had it, the
/// bit that is changed, and what is cut off.
type Arrival = (usize, usize, bool, Option<usize>, Option<usize>);

fn arrival() -> impl Strategy<Value = Arrival> {
    let rarely = |below: usize| prop::option::weighted(0.2, 0..below);
    (0..2_usize, 0..2_usize, any::<bool>(), rarely(800), rarely(100))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever arrives, the frame that was sent is given back at most once, and as what it was sent as.
    #[test]
    fn no_images_make_more_of_a_frame_than_there_is(exchanges in prop::collection::vec(prop::collection::vec(arrival(), 0..6), 1..40)) {
        let mut bench = Bench::new();
        for (index, arrivals) in exchanges.into_iter().enumerate() {
            let index = index as u8;
            bench.send(index);
            for (sent_at, port, processed, flipped, cut) in arrivals {
                let mut image = bench.image(sent_at, if processed { &BEFORE } else { &NOBODY });
                if let Some(bit) = flipped.filter(|bit| *bit < 8 * image.len()) {
                    image[bit / 8] ^= 1 << (bit % 8);
                }
                image.truncate(cut.unwrap_or(image.len()));
                bench.arrives(port, image);
            }
            let mut given = 0;
            while let Some(length) = bench.receive() {
                prop_assert_eq!(length, bench.frame.as_bytes().len());
                given += usize::from(bench.buffer[17] == index);
                if Answer::to(&bench.frame, &bench.buffer[..length]).is_some() {
                    let sent: Vec<_> = datagram::places(bench.frame.as_bytes()).collect();
                    let back: Vec<_> = datagram::places(&bench.buffer[..length]).collect();
                    prop_assert_eq!(sent, back);
                }
            }
            prop_assert!(given <= 1, "given {given} times");
            prop_assert!(bench.ends.lock().unwrap().coming.iter().all(VecDeque::is_empty));
        }
    }
}
