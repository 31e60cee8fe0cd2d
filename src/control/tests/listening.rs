//! The accept loop, and the service as a whole on a real socket.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream as BlockingStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::fixture::{Client, Machine, context, message, pair};
use crate::control::listener::{Accept, accept_clients};
use crate::control::{Admitted, Door, Entrance, bind, serve};
use crate::limits::{MAX_CLIENTS, STOP_RESERVE, STOP_RESERVE_PATIENCE};
use crate::service::Beat;

/// A listening socket that gives what the test puts in.
struct Script(mpsc::UnboundedReceiver<io::Result<UnixStream>>);

impl Accept for Script {
    async fn accept(&mut self) -> io::Result<UnixStream> {
        match self.0.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_accept_loop_outlives_every_error() {
    let machine = Machine::new();
    let (clients, script) = mpsc::unbounded_channel();
    tokio::spawn(accept_clients(Script(script), Door::Control, context(&machine)));
    for errno in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::ECONNABORTED, libc::EPERM, libc::EBADF]
    {
        for _ in 0..20 {
            clients.send(Err(io::Error::from_raw_os_error(errno))).unwrap();
        }
        let (stream, served) = pair();
        clients.send(Ok(served)).unwrap();
        let mut client = Client { stream, session: tokio::spawn(std::future::pending()), lease: None };
        client.call("io.motiond.v1.Machine.Status", json!({})).await;
    }
}

#[tokio::test]
async fn a_panic_in_one_session_is_counted_and_stays_there() {
    let machine = Machine::new();
    let context = context(&machine);
    let (clients, script) = mpsc::unbounded_channel();
    tokio::spawn(accept_clients(Script(script), Door::Control, Arc::clone(&context)));
    let connect = || {
        let (stream, served) = pair();
        clients.send(Ok(served)).unwrap();
        Client { stream, session: tokio::spawn(std::future::pending()), lease: None }
    };
    let (mut one, mut two) = (connect(), connect());
    two.call("io.motiond.v1.Machine.Status", json!({})).await;
    one.ask("io.motiond.v1.Test.Panic", json!({ "service": "session" })).await;
    assert!(one.is_closed().await);
    two.call("io.motiond.v1.Machine.Status", json!({})).await;
    while context.session_panics.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(context.clients.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn clients_beyond_the_limit_may_only_stop_and_the_others_are_served() {
    let machine = Machine::new();
    let context = context(&machine);
    context.clients.store(MAX_CLIENTS - 1, Ordering::Relaxed);
    let (clients, script) = mpsc::unbounded_channel();
    tokio::spawn(accept_clients(Script(script), Door::Control, Arc::clone(&context)));
    let connect = || {
        let (stream, served) = pair();
        clients.send(Ok(served)).unwrap();
        Client { stream, session: tokio::spawn(std::future::pending()), lease: None }
    };
    let (mut last, mut excess) = (connect(), connect());
    last.call("io.motiond.v1.Machine.Status", json!({})).await;
    let (error, fields) = excess.fail("io.motiond.v1.Machine.Status", json!({})).await;
    assert_eq!((error.as_str(), &fields["limit"]), ("io.motiond.v1.Machine.TooManyClients", &json!(MAX_CLIENTS)));
    excess.call("io.motiond.v1.Axis.Stop", json!({ "axis": "x" })).await;
    excess.call("io.motiond.v1.Machine.Stop", json!({})).await;
    assert_eq!(machine.stops(), 2);
    // It has a moment for that, and one who holds all of these places keeps nobody out for longer.
    let mut idle: Vec<Client> = (1..STOP_RESERVE).map(|_| connect()).collect();
    idle[0].call("io.motiond.v1.Machine.Stop", json!({})).await;
    assert!(connect().is_closed().await);
    tokio::time::sleep(STOP_RESERVE_PATIENCE).await;
    for mut client in idle {
        assert!(client.is_closed().await);
    }
    connect().call("io.motiond.v1.Machine.Stop", json!({})).await;
    last.call("io.motiond.v1.Machine.Status", json!({})).await;
    assert_eq!(context.clients.load(Ordering::Relaxed), MAX_CLIENTS);
}

#[test]
fn the_service_serves_a_real_socket_until_it_is_told_to_stop() {
    let machine = Machine::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("control");
    let bind = || bind(&path, Admitted::Group(None));
    let entrance = Entrance { door: Door::Control, listener: bind().unwrap() };
    assert_eq!(bind().unwrap_err().kind(), io::ErrorKind::AddrInUse);
    let context = context(&machine);
    let beat = Beat::new();
    // A restarted service goes on with the same listener.
    for _ in 0..2 {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let service = scope.spawn(|| serve(&context, std::slice::from_ref(&entrance), &beat, &stop));
            let mut client = BlockingStream::connect(&path).unwrap();
            client.write_all(&message(json!({ "method": "org.varlink.service.GetInfo" }))).unwrap();
            let mut byte = [1];
            while byte != [0] {
                client.read_exact(&mut byte).unwrap();
            }
            stop.store(true, Ordering::Relaxed);
            service.join().unwrap().unwrap();
        });
    }
    assert!(beat.count() > 0);
    drop(entrance);
    // What a dead daemon leaves is replaced.
    bind().unwrap();
}

#[tokio::test]
async fn who_asks_before_its_session_begins_is_known_by_the_first_message() {
    let machine = Machine::new();
    let context = context(&machine);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("control.sock");
    let listener = bind(&path, Admitted::Group(None)).unwrap();
    let mut client = BlockingStream::connect(&path).unwrap();
    let (served, _) = listener.accept().unwrap();
    // Accepted, and no session has begun: whatever it does comes too late for this message.
    client.write_all(&message(json!({ "method": "io.motiond.v1.Machine.Stop" }))).unwrap();
    served.set_nonblocking(true).unwrap();
    let served = UnixStream::from_std(served).unwrap();
    tokio::spawn(crate::control::session::serve(served, Door::Control, Arc::clone(&context)));
    client.set_nonblocking(true).unwrap();
    let stream = UnixStream::from_std(client).unwrap();
    let mut client = Client { stream, session: tokio::spawn(std::future::pending()), lease: None };
    let reply = client.receive_for("io.motiond.v1.Machine.Stop").await;
    assert_eq!(reply.get("error"), None, "{reply}");
}
