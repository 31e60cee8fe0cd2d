//! A thousand clients of the running daemon, many of them hostile: it stays up, its memory stays bounded, and each
//! well-formed question is answered.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "../support/crowd.rs"]
mod crowd;
#[allow(dead_code, reason = "each test program uses a part")]
#[path = "../support/daemon.rs"]
mod daemon;

use crowd::{Crowd, DEAF, Doors, HUGE, IDLE};
use daemon::Daemon;
use motiond::client::Connection;
use motiond::limits::{MAX_CLIENTS, MAX_PENDING_BYTES, MAX_REQUEST_BYTES};
use serde_json::json;
use std::process::Command;

/// Rounds of misbehaviour.
const ROUNDS: usize = 20;
/// Most that an idle client, its session's task included, may take of the daemon's memory, bytes.
const IDLE_BYTES: usize = 16 * 1024;
/// Most that one may take who sends without reading: its request, those that wait, and as much again for their upkeep.
const DEAF_BYTES: usize = 2 * (MAX_REQUEST_BYTES + MAX_PENDING_BYTES);

/// The most memory that the daemon ever had, bytes.
fn peak(daemon: &Daemon) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[test]
fn a_hostile_crowd_is_served_in_bounded_memory() {
    if let Err(why) = crowd::make_room() {
        println!("skipped: a_hostile_crowd_is_served_in_bounded_memory: {why}");
        return;
    }
    let mut daemon = Daemon::start();
    let doors = Doors::of(&daemon.socket());
    let before = peak(&daemon);
    let mut crowd = Crowd::gather(&doors);
    for _ in 0..ROUNDS {
        crowd.misbehave();
    }
    let taken = crowd.send_huge();
    crowd.ask_idle();
    crowd.bury_the_deaf();
    crowd.ask_idle();
    let answers = crowd.leave();
    let after = peak(&daemon);
    println!(
        "peak memory (VmHWM): {} kB before, {} kB after {IDLE} idle clients, {DEAF} that never read, a message of {HUGE} \
         bytes of which {taken} were taken, and {answers} answers to busy clients",
        before / 1024,
        after / 1024,
    );
    assert!(answers > 0);
    assert!(taken < HUGE / 100, "{taken} bytes of one message were taken");
    let allowed = IDLE * IDLE_BYTES + DEAF * DEAF_BYTES;
    assert!(after - before < allowed, "{} bytes more, {allowed} allowed", after - before);
    let restarts = daemon.metric("motion_service_restarts_total{service=\"control\"}");
    assert_eq!(restarts, Some(0.0), "the service died");
    daemon.terminate();
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn clients_beyond_the_descriptors_wait_and_are_answered() {
    let tried = Command::new("prlimit").arg("--version").output();
    if let Err(error) = tried {
        println!("skipped: clients_beyond_the_descriptors_wait_and_are_answered: prlimit: {error}");
        return;
    }
    let mut daemon = Daemon::start();
    let open = std::fs::read_dir(format!("/proc/{}/fd", daemon.id())).unwrap().count();
    let limit = format!("--nofile={}", open + 20);
    let limited = Command::new("prlimit").args(["--pid", &daemon.id().to_string(), &limit]).status().unwrap();
    assert!(limited.success());
    let mut clients: Vec<Connection> = (0..100).map(|_| Connection::open(&daemon.socket()).unwrap()).collect();
    for client in &clients {
        client.set_patience(Some(daemon::HANG)).unwrap();
    }
    // Each makes room for the next one.
    for mut client in clients.drain(..) {
        client.call("org.varlink.service.GetInfo", json!({})).unwrap();
    }
    daemon.connect().call("Machine", "Status", json!({})).unwrap();
    daemon.terminate();
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("cannot accept a client"), "there was no lack of descriptors:\n{log}");
}

#[test]
fn a_stop_gets_through_when_every_place_is_taken() {
    if let Err(why) = crowd::make_room() {
        println!("skipped: a_stop_gets_through_when_every_place_is_taken: {why}");
        return;
    }
    let daemon = Daemon::start();
    daemon.done("power on x --wait");
    daemon.done("move x 1100 --velocity 5");
    // Each is answered, so each has its place.
    let taken: Vec<Connection> = (0..MAX_CLIENTS)
        .map(|_| {
            let mut client = Connection::open(&daemon.socket()).unwrap();
            client.set_patience(Some(daemon::HANG)).unwrap();
            client.call("org.varlink.service.GetInfo", json!({})).unwrap();
            client
        })
        .collect();
    let refused = daemon.motionctl("status");
    assert_ne!(refused.status.code(), Some(0), "there was room for more: {refused:?}");
    daemon.done("stop");
    drop(taken);
    daemon::until("a place is free", || (daemon.motionctl("status").status.code() == Some(0)).then_some(()));
    let x = daemon.connect().call("Axis", "Status", json!({ "axis": "x" })).unwrap();
    assert_eq!((&x["status"]["stopped"], &x["status"]["velocity"]), (&json!(true), &json!(0.0)), "{x}");
}
