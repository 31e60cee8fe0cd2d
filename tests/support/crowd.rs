//! A thousand clients at once: most of them idle, some busy, some that misbehave in every way that a socket allows.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Clients that are connected and ask once in a while.
pub const IDLE: usize = 992;
/// Clients that ask without a pause.
pub const BUSY: usize = 8;
/// Clients that ask without a pause and never read, at a time.
pub const DEAF: usize = 40;
/// Bytes of the message that never ends.
pub const HUGE: usize = 200_000_000;
/// Nothing takes this long: who waits for it hangs.
const HANG: Duration = Duration::from_secs(60);

const LIST: &[u8] = b"{\"method\":\"io.motiond.v1.Axis.List\"}\0";
const INFO: &[u8] = b"{\"method\":\"org.varlink.service.GetInfo\"}\0";

/// What no client should send, and the beginning of the error that it gets.
const BAD: &[(&str, &[u8], &str)] = &[
    ("garbage", b"\x01\x02 garbage \xff\xfe\0", "io.motiond.v1.Machine.InvalidRequest"),
    ("nothing", b"\0", "io.motiond.v1.Machine.InvalidRequest"),
    ("truncated", b"{\"method\":\"io.motiond.v1.Machine.Sta\0", "io.motiond.v1.Machine.InvalidRequest"),
    ("no object", b"[1,2]\0", "io.motiond.v1.Machine.InvalidRequest"),
    (
        "wrong types",
        b"{\"method\":\"io.motiond.v1.Axis.Power\",\"parameters\":{\"axis\":7,\"on\":\"yes\"}}\0",
        "org.varlink.service.InvalidParameter",
    ),
    (
        "NaN",
        b"{\"method\":\"io.motiond.v1.Axis.MoveAbsolute\",\"parameters\":{\"axis\":\"x\",\"position\":NaN}}\0",
        "io.motiond.v1.Machine.InvalidRequest",
    ),
    (
        "Infinity",
        b"{\"method\":\"io.motiond.v1.Axis.MoveAbsolute\",\"parameters\":{\"axis\":\"x\",\"position\":-Infinity}}\0",
        "io.motiond.v1.Machine.InvalidRequest",
    ),
    (
        "1e308",
        b"{\"method\":\"io.motiond.v1.Axis.MoveAbsolute\",\"parameters\":{\"axis\":\"x\",\"position\":1e308}}\0",
        "io.motiond.v1.",
    ),
    (
        "1e999",
        b"{\"method\":\"io.motiond.v1.Axis.MoveAbsolute\",\"parameters\":{\"axis\":\"x\",\"position\":1e999}}\0",
        "org.varlink.service.InvalidParameter",
    ),
];

/// Where the crowd goes.
#[derive(Clone)]
pub struct Doors {
    /// The control socket.
    pub control: PathBuf,
    /// The observe socket.
    pub observe: PathBuf,
}

/// The crowd; its busy clients ask until it leaves.
pub struct Crowd {
    doors: Doors,
    idle: Vec<UnixStream>,
    deaf: Vec<UnixStream>,
    stop: Arc<AtomicBool>,
    busy: Vec<JoinHandle<u64>>,
}

impl Doors {
    /// Those of a daemon with its observe socket beside its control socket.
    pub fn of(control: &Path) -> Doors {
        Doors { control: control.to_path_buf(), observe: control.with_file_name("observe.sock") }
    }

    fn door(&self, number: usize) -> &Path {
        if number.is_multiple_of(2) { &self.control } else { &self.observe }
    }
}

impl Crowd {
    /// Connects the idle clients, half of them to each door, and starts the busy ones.
    pub fn gather(doors: &Doors) -> Crowd {
        let mut idle: Vec<UnixStream> = (0..IDLE).map(|number| connect(doors.door(number))).collect();
        ask_each(&mut idle);
        let stop = Arc::new(AtomicBool::new(false));
        let busy = (0..BUSY).map(|_| {
            let (stop, mut stream) = (Arc::clone(&stop), connect(&doors.control));
            std::thread::spawn(move || {
                let mut answers = 0;
                while !stop.load(Ordering::Relaxed) {
                    ask(&mut stream, LIST, "\"axes\"");
                    answers += 1;
                }
                answers
            })
        });
        let busy = busy.collect();
        Crowd { doors: doors.clone(), idle, deaf: Vec::new(), stop, busy }
    }

    /// Asks each idle client's question.
    pub fn ask_idle(&mut self) {
        ask_each(&mut self.idle);
    }

    /// Lets clients misbehave once in every way but the huge one; whatever they are told is as it must be.
    pub fn misbehave(&mut self) {
        for door in 0..2 {
            self.die_in_a_request(door);
            let mut stream = connect(self.doors.door(0));
            for (what, bytes, error) in BAD {
                stream.write_all(bytes).unwrap();
                let reply = receive(&mut stream).unwrap_or_else(|| panic!("{what}: closed"));
                assert!(reply.contains(&format!("\"error\":\"{error}")), "{what}: {reply}");
            }
            ask(&mut stream, INFO, "\"vendor\"");
            let mut stream = connect(self.doors.door(door));
            for byte in LIST {
                stream.write_all(&[*byte]).unwrap();
            }
            assert!(receive(&mut stream).is_some_and(|reply| reply.contains("\"axes\"")));
        }
        self.deafen();
    }

    /// Clients that go while the daemon reads, answers or streams to them.
    fn die_in_a_request(&self, door: usize) {
        for end in [1, LIST.len() / 2, LIST.len() - 1] {
            connect(self.doors.door(door)).write_all(&LIST[..end]).unwrap();
        }
        let mut asking = connect(self.doors.door(door));
        asking.write_all(&LIST.repeat(100)).unwrap();
        let mut streaming = connect(self.doors.door(door));
        streaming.write_all(b"{\"method\":\"io.motiond.v1.Telemetry.Subscribe\",\"more\":true}\0").unwrap();
    }

    /// Keeps the number of clients that never read; each sends until nobody takes anything any more.
    fn deafen(&mut self) {
        let room = DEAF.saturating_sub(self.deaf.len());
        for number in 0..room {
            let mut stream = connect(self.doors.door(number));
            stream.set_nonblocking(true).unwrap();
            let questions = LIST.repeat(100);
            // Until the daemon reads no more for the moment: how much that is by now is of no importance.
            for _ in 0..1000 {
                match stream.write(&questions) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("a client that does not read was closed early: {error}"),
                }
            }
            self.deaf.push(stream);
        }
    }

    /// Sends a message of [`HUGE`] bytes through each door; how many of them the daemon took before it closed.
    pub fn send_huge(&self) -> usize {
        let sent = [0, 1].map(|door| {
            let mut stream = connect(self.doors.door(door));
            stream.set_write_timeout(Some(HANG)).unwrap();
            let block = vec![b' '; 1 << 20];
            let mut sent = 0;
            while sent < HUGE {
                match stream.write(&block) {
                    Ok(taken) => sent += taken,
                    Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => break,
                    Err(error) => panic!("{error} after {sent} bytes"),
                }
            }
            sent
        });
        sent.into_iter().max().unwrap_or(0)
    }

    /// Waits until the daemon has given up each client that never read.
    pub fn bury_the_deaf(&mut self) {
        for stream in self.deaf.drain(..) {
            // To read would make it a client like any other; the end of the other side is seen without.
            let mut ends = [PollFd::new(stream.as_fd(), PollFlags::empty())];
            let ended = poll(&mut ends, PollTimeout::try_from(HANG).expect("a minute")).expect("poll");
            assert_eq!(ended, 1, "a client that does not read is kept");
        }
    }

    /// Ends it; how many answers the busy clients got.
    pub fn leave(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.busy.drain(..).map(|client| client.join().expect("a busy client was answered each time")).sum()
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Lets this process and its children open as many descriptors as a crowd needs; why not, where they may not.
pub fn make_room() -> Result<(), String> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| error.to_string())?;
    let needed = 8192;
    if soft >= needed {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed, hard.max(needed))
        .map_err(|error| format!("{needed} descriptors are needed, {hard} allowed: {error}"))
}

fn connect(place: &Path) -> UnixStream {
    let stream = UnixStream::connect(place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    stream.set_read_timeout(Some(HANG)).unwrap();
    stream
}

fn ask_each(streams: &mut [UnixStream]) {
    for stream in &mut *streams {
        stream.write_all(INFO).unwrap();
    }
    for stream in streams {
        assert!(receive(stream).is_some_and(|reply| reply.contains("\"vendor\"")), "an idle client is not answered");
    }
}

fn ask(stream: &mut UnixStream, question: &[u8], answer: &str) {
    stream.write_all(question).unwrap();
    let reply = receive(stream);
    assert!(reply.as_ref().is_some_and(|reply| reply.contains(answer)), "{reply:?}");
}

/// The next message; `None` at the end.
fn receive(stream: &mut UnixStream) -> Option<String> {
    let (mut message, mut part) = (Vec::new(), [0; 4096]);
    while message.last() != Some(&0) {
        match stream.read(&mut part) {
            Ok(0) => return None,
            Ok(bytes) => message.extend_from_slice(&part[..bytes]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("{error}"),
        }
    }
    message.pop();
    Some(String::from_utf8(message).expect("a reply is text"))
}
