//! Brings an interface back that went off its bus: by netlink, where that is permitted and the kernel does not do it by itself. On
//! an ordinary thread; what follows on the bus, the attendant does, and no axis is enabled by it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use socketcan::CanInterface;

/// How long an interface is left to itself first, nanoseconds.
const PATIENCE_NS: u64 = 100_000_000;
/// From one attempt to the next, nanoseconds.
const AGAIN_NS: u64 = 1_000_000_000;

/// An interface as netlink knows it.
pub trait CanLink: Send {
    /// After so many milliseconds off the bus the kernel restarts it; 0 or `None` is never.
    ///
    /// # Errors
    /// Where the kernel does not say.
    fn restart_ms(&self) -> Result<Option<u32>, LinkError>;

    /// Restarts it.
    ///
    /// # Errors
    /// Where that is not permitted, or it is not off its bus.
    fn restart(&self) -> Result<(), LinkError>;
}

/// Why an interface could not be asked or restarted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// It needs CAP_NET_ADMIN.
    NotPermitted,
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for LinkError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::NotPermitted => out.write_str("the daemon may not restart it (CAP_NET_ADMIN)"),
            LinkError::Other(words) => out.write_str(words),
        }
    }
}

/// A real interface.
#[derive(Clone, Debug)]
pub struct Netlink(pub String);

fn error(error: socketcan::Error) -> LinkError {
    match &error {
        socketcan::Error::Nl(refused) if matches!(refused.errno(), Some(libc::EPERM | libc::EACCES)) => {
            LinkError::NotPermitted
        }
        error => LinkError::Other(error.to_string()),
    }
}

impl Netlink {
    /// Its bit rate, bit/s; `None` where it has none (virtual ones), or does not tell.
    pub fn bit_rate(&self) -> Option<u32> {
        self.open().ok()?.bit_rate().ok().flatten().filter(|rate| *rate > 0)
    }

    fn open(&self) -> Result<CanInterface, LinkError> {
        CanInterface::open(&self.0).map_err(error)
    }
}

impl CanLink for Netlink {
    fn restart_ms(&self) -> Result<Option<u32>, LinkError> {
        self.open()?.restart_ms().map_err(error)
    }

    fn restart(&self) -> Result<(), LinkError> {
        self.open()?.restart().map_err(error)
    }
}

/// What became of an interface that is off its bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was restarted.
    Restarted,
    /// The kernel restarts it after so many milliseconds.
    ByItself(u32),
    /// It could not be restarted.
    Failed(LinkError),
}

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Told::Restarted => out.write_str("restarted; its devices are set up anew"),
            Told::ByItself(ms) => write!(out, "restarts by itself after {ms} ms"),
            Told::Failed(error) => write!(
                out,
                "is off its bus and not restarted: {error}; `ip link set INTERFACE type can restart`, RestartSec= of \
                 systemd-networkd, or the drop-in can-restart.conf does it"
            ),
        }
    }
}

/// Looks after one interface.
pub struct Keeper {
    link: Box<dyn CanLink>,
    off: Arc<AtomicBool>,
    since_ns: Option<u64>,
    next_ns: u64,
    told: Option<Told>,
}

impl Keeper {
    /// Of an interface that is off its bus while `off` is set.
    pub fn new(link: Box<dyn CanLink>, off: Arc<AtomicBool>) -> Keeper {
        Keeper { link, off, since_ns: None, next_ns: 0, told: None }
    }

    /// Nobody else looks at the interface any more.
    pub fn is_done(&self) -> bool {
        Arc::strong_count(&self.off) == 1
    }

    /// Looks, and acts where it is time to. Says what it did, each thing once until the bus is there again.
    pub fn look(&mut self, now_ns: u64) -> Option<Told> {
        if !self.off.load(Ordering::Acquire) {
            (self.since_ns, self.told) = (None, None);
            return None;
        }
        let since_ns = *self.since_ns.get_or_insert_with(|| {
            self.next_ns = now_ns.saturating_add(PATIENCE_NS);
            now_ns
        });
        if now_ns < since_ns.saturating_add(PATIENCE_NS).max(self.next_ns) {
            return None;
        }
        self.next_ns = now_ns.saturating_add(AGAIN_NS);
        let told = match self.link.restart_ms() {
            Ok(Some(ms @ 1..)) => Told::ByItself(ms),
            // An interface that does not say may still take the order.
            Ok(_) | Err(_) => match self.link.restart() {
                Ok(()) => Told::Restarted,
                Err(error) => Told::Failed(error),
            },
        };
        (self.told.as_ref() != Some(&told)).then(|| {
            self.told = Some(told.clone());
            told
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Fake {
        restart_ms: Option<u32>,
        permitted: bool,
        restarts: Mutex<u32>,
    }

    impl CanLink for Arc<Fake> {
        fn restart_ms(&self) -> Result<Option<u32>, LinkError> {
            Ok(self.restart_ms)
        }

        fn restart(&self) -> Result<(), LinkError> {
            *self.restarts.lock().unwrap() += 1;
            if self.permitted { Ok(()) } else { Err(LinkError::NotPermitted) }
        }
    }

    const MS: u64 = 1_000_000;

    fn kept(fake: Fake) -> (Arc<Fake>, Arc<AtomicBool>, Keeper) {
        let (fake, off) = (Arc::new(fake), Arc::new(AtomicBool::new(false)));
        (Arc::clone(&fake), Arc::clone(&off), Keeper::new(Box::new(fake), off))
    }

    #[test]
    fn it_is_restarted_once_a_second_until_it_is_back() {
        let (fake, off, mut keeper) = kept(Fake { permitted: true, ..Fake::default() });
        assert_eq!(keeper.look(0), None);
        off.store(true, Ordering::Release);
        assert_eq!(keeper.look(1000 * MS), None);
        assert_eq!(keeper.look(1099 * MS), None);
        assert_eq!(keeper.look(1100 * MS), Some(Told::Restarted));
        assert_eq!(keeper.look(1200 * MS), None);
        assert_eq!(*fake.restarts.lock().unwrap(), 1);
        assert_eq!(keeper.look(2100 * MS), None, "the same is not told twice");
        assert_eq!(*fake.restarts.lock().unwrap(), 2);
        off.store(false, Ordering::Release);
        assert_eq!(keeper.look(3000 * MS), None);
        off.store(true, Ordering::Release);
        assert_eq!(keeper.look(4000 * MS), None);
        assert_eq!(keeper.look(4100 * MS), Some(Told::Restarted));
    }

    #[test]
    fn one_that_restarts_by_itself_is_left_alone_and_one_that_may_not_be_is_told_of() {
        let (fake, off, mut keeper) = kept(Fake { restart_ms: Some(100), ..Fake::default() });
        off.store(true, Ordering::Release);
        keeper.look(0);
        assert_eq!(keeper.look(100 * MS), Some(Told::ByItself(100)));
        assert_eq!(*fake.restarts.lock().unwrap(), 0);
        let (_, off, mut keeper) = kept(Fake::default());
        off.store(true, Ordering::Release);
        keeper.look(0);
        let told = keeper.look(100 * MS).unwrap();
        assert_eq!(told, Told::Failed(LinkError::NotPermitted));
        assert!(told.to_string().contains("CAP_NET_ADMIN"), "{told}");
    }
}
