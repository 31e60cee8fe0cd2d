use super::{ROUNDS, Random};
use crate::exchange::command::{Command, Request};
use crate::exchange::ring::Full;
use crate::exchange::ticket::commands;
use crate::ids::Handle;
use std::thread;

fn command(handle: u64) -> Command {
    Command { handle: Handle(handle), request: Request::ResetMachine }
}

#[test]
fn withdrawn_command_is_passed_over() {
    let (mut sender, mut receiver) = commands(4);
    for handle in 1..=3 {
        sender.send(command(handle)).unwrap();
    }
    assert!(sender.withdraw(Handle(2)));
    assert!(!sender.withdraw(Handle(2)), "twice");
    assert_eq!(receiver.receive(), Some(command(1)));
    assert!(!sender.withdraw(Handle(1)), "taken");
    assert_eq!(receiver.receive(), Some(command(3)));
    assert_eq!(receiver.receive(), None);
    assert!(!sender.withdraw(Handle(4)), "never sent");
    assert!(!sender.withdraw(Handle::NONE));
}

#[test]
fn refused_command_leaves_no_ticket() {
    let (mut sender, mut receiver) = commands(2);
    sender.send(command(1)).unwrap();
    sender.send(command(2)).unwrap();
    assert_eq!(sender.send(command(3)), Err(Full { depth: 2, capacity: 2 }));
    assert!(!sender.withdraw(Handle(3)));
    assert_eq!(receiver.receive(), Some(command(1)));
    sender.send(command(3)).unwrap();
    assert_eq!([receiver.receive(), receiver.receive()], [Some(command(2)), Some(command(3))]);
}

#[test]
fn cycle_that_stands_still_finds_a_ring_of_withdrawn_commands_empty() {
    let (mut sender, mut receiver) = commands(4);
    for handle in 1..=4 {
        sender.send(command(handle)).unwrap();
        assert!(sender.withdraw(Handle(handle)));
    }
    assert_eq!(sender.send(command(5)), Err(Full { depth: 4, capacity: 4 }));
    assert_eq!(receiver.receive(), None);
    assert_eq!(receiver.depth(), 0);
    sender.send(command(5)).unwrap();
    assert_eq!(receiver.receive(), Some(command(5)));
}

#[test]
fn each_command_is_taken_or_withdrawn() {
    let seed = 11;
    let mut random = Random(seed);
    let (mut sender, mut receiver) = commands(16);
    let rounds = ROUNDS / 4;
    let taking = thread::spawn(move || {
        let mut taken = Vec::new();
        while taken.last() != Some(&(rounds + 1)) {
            match receiver.receive() {
                Some(command) => taken.push(command.handle.0),
                None => thread::yield_now(),
            }
        }
        taken
    });
    let mut withdrawn = Vec::new();
    for handle in 1..=rounds + 1 {
        while sender.send(command(handle)).is_err() {
            thread::yield_now();
        }
        if handle <= rounds && random.below(2) == 0 && sender.withdraw(Handle(handle)) {
            withdrawn.push(handle);
        }
    }
    let taken = taking.join().unwrap();
    assert!(taken.is_sorted());
    let mut all = [taken, withdrawn].concat();
    all.sort_unstable();
    assert!(all.iter().copied().eq(1..=rounds + 1), "seed {seed}");
}
