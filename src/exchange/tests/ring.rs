use super::{ROUNDS, Random};
use crate::exchange::ring::{Full, channel};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

#[test]
fn behaves_as_a_bounded_queue() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let (mut sender, mut receiver) = channel::<u64>(8);
        let mut model = VecDeque::new();
        for step in 0..ROUNDS / 100 {
            match random.below(4) {
                0 | 1 => {
                    let sent = sender.send(step);
                    if model.len() < 8 {
                        assert_eq!(sent, Ok(()), "seed {seed} step {step}");
                        model.push_back(step);
                    } else {
                        assert_eq!(sent, Err(Full { depth: 8, capacity: 8 }), "seed {seed} step {step}");
                    }
                }
                2 => assert_eq!(receiver.receive(), model.pop_front(), "seed {seed} step {step}"),
                _ => assert_eq!(receiver.peek(), model.front().copied(), "seed {seed} step {step}"),
            }
            assert_eq!((sender.depth(), receiver.depth()), (model.len(), model.len()), "seed {seed} step {step}");
        }
    }
}

#[test]
fn full_ring_names_depth_and_capacity() {
    let (mut sender, mut receiver) = channel(2);
    assert_eq!((sender.capacity(), receiver.capacity()), (2, 2));
    sender.send('a').unwrap();
    sender.send('b').unwrap();
    assert_eq!(sender.send('c').unwrap_err().to_string(), "queue is full: 2 of 2 places taken");
    assert_eq!(receiver.receive(), Some('a'));
    assert_eq!(sender.send('c'), Ok(()));
}

#[test]
fn advance_on_an_empty_ring_does_nothing() {
    let (mut sender, mut receiver) = channel(2);
    receiver.advance();
    sender.send(1).unwrap();
    // Not shown by a peek yet, so nothing to advance over.
    receiver.advance();
    assert_eq!(receiver.receive(), Some(1));
}

#[test]
fn ends_survive_the_panic_of_the_thread_that_used_them() {
    let (mut sender, mut receiver) = channel(4);
    let (mut sender, mut receiver) = thread::spawn(move || {
        let _ = catch_unwind(AssertUnwindSafe(|| {
            sender.send(1).unwrap();
            sender.send(2).unwrap();
            assert_eq!(receiver.peek(), Some(1));
            panic!("planted between peek and advance");
        }));
        (sender, receiver)
    })
    .join()
    .unwrap();
    sender.send(3).unwrap();
    assert_eq!([receiver.receive(), receiver.receive(), receiver.receive()], [Some(1), Some(2), Some(3)]);
}

#[test]
fn every_item_crosses_threads_once_and_in_order() {
    let (mut sender, mut receiver) = channel::<[u64; 5]>(16);
    let sending = thread::spawn(move || {
        for item in 0..ROUNDS {
            while sender.send([item; 5]).is_err() {
                thread::yield_now();
            }
        }
    });
    for expected in 0..ROUNDS {
        let item = loop {
            match receiver.receive() {
                Some(item) => break item,
                None => thread::yield_now(),
            }
        };
        assert_eq!(item, [expected; 5]);
    }
    sending.join().unwrap();
    assert_eq!(receiver.receive(), None);
}
