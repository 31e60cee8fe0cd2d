//! The exchange in two threads at full speed, for thread and address sanitizer (see `run` beside this file).
//!
//! A program of its own, without crates: only what is compiled here is instrumented, and the test harness would bring
//! false alarms of its own. With `--cfg planted_relaxed` every ordering is relaxed, and thread sanitizer must object.
#![allow(dead_code)]

extern crate self as crossbeam;

#[path = "parts.rs"]
mod exchange;
#[path = "../../src/fault.rs"]
mod fault;
#[path = "../../src/ids.rs"]
mod ids;
#[path = "../../src/limits.rs"]
mod limits;
mod motion;
#[path = "../../src/units.rs"]
mod units;

pub mod utils {
    //! Stands in for the one item of crossbeam that the exchange uses.

    #[repr(align(128))]
    pub struct CachePadded<T>(T);

    impl<T> CachePadded<T> {
        pub fn new(value: T) -> CachePadded<T> {
            CachePadded(value)
        }
    }

    impl<T> std::ops::Deref for CachePadded<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }
}

use exchange::command::{Command, Request, StopScope};
use exchange::{latest, pool, ring, stop, ticket};
use ids::Handle;
use std::thread;

const ROUNDS: u64 = 20_000;

fn main() {
    pass_items();
    publish_versions();
    hand_over_targets();
    withdraw_commands();
    count_stops();
    println!("every structure kept its promise");
}

/// More than a word, so that a race would tear it.
fn pass_items() {
    let (mut sender, mut receiver) = ring::channel::<[u64; 6]>(16);
    let sending = thread::spawn(move || {
        for item in 0..ROUNDS {
            while sender.send([item; 6]).is_err() {
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
        assert_eq!(item, [expected; 6]);
    }
    sending.join().unwrap();
}

fn publish_versions() {
    let (mut writer, reader) = latest::cell(12, 2);
    let reading = thread::spawn(move || {
        let (mut words, mut last) = ([0; 12], 0);
        while last < ROUNDS {
            if let Some(version) = reader.read(&mut words) {
                assert!(cfg!(planted_relaxed) || words == [version; 12], "version {version}: {words:?}");
                last = version;
            }
            thread::yield_now();
        }
    });
    for version in 1..=ROUNDS {
        writer.publish(&[version; 12]);
    }
    reading.join().unwrap();
}

fn hand_over_targets() {
    let (mut claimer, mut taker) = pool::pool::<{ limits::MAX_GROUP_AXES }>(4);
    let (mut sender, mut receiver) = ring::channel(4);
    let claiming = thread::spawn(move || {
        for value in 0..ROUNDS {
            let address = loop {
                match claimer.claim(&[value as f64; limits::MAX_GROUP_AXES]) {
                    Some(address) => break address,
                    None => thread::yield_now(),
                }
            };
            while sender.send(address).is_err() {
                thread::yield_now();
            }
        }
    });
    for value in 0..ROUNDS {
        let address = loop {
            match receiver.receive() {
                Some(address) => break address,
                None => thread::yield_now(),
            }
        };
        let target = taker.take(address).expect("a claimed slot");
        assert!(cfg!(planted_relaxed) || target == [value as f64; limits::MAX_GROUP_AXES]);
        assert!(taker.take(address).is_none());
    }
    claiming.join().unwrap();
}

fn withdraw_commands() {
    let (mut sender, mut receiver) = ticket::commands(16);
    let taking = thread::spawn(move || {
        let mut taken = 0;
        loop {
            match receiver.receive() {
                Some(command) if command.handle == Handle(ROUNDS + 1) => return taken,
                Some(_) => taken += 1,
                None => thread::yield_now(),
            }
        }
    });
    let mut withdrawn = 0;
    for handle in 1..=ROUNDS + 1 {
        while sender.send(Command { handle: Handle(handle), request: Request::ResetMachine }).is_err() {
            thread::yield_now();
        }
        if handle <= ROUNDS && handle % 3 == 0 && sender.withdraw(Handle(handle)) {
            withdrawn += 1;
        }
    }
    assert_eq!(taking.join().unwrap() + withdrawn, ROUNDS);
}

fn count_stops() {
    let (board, mut reader) = stop::board(4, 2);
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| (0..ROUNDS).for_each(|_| assert_ne!(board.request(StopScope::Machine), 0)));
        }
        for _ in 0..100 {
            reader.poll(|_, _| {});
            thread::yield_now();
        }
    });
    reader.poll(|_, _| {});
    assert_eq!(reader.seen(StopScope::Machine), 2 * ROUNDS);
}
