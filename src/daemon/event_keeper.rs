//! Keeps the machine's events in the state directory. A service follows the gateway's event log by its sequence numbers;
//! neither the gateway nor the cycle ever waits for the disk.

use crate::gateway::Client;
use crate::history::{Store, record};
use crate::limits::{EVENTS_PER_REPLY, GATEWAY_POLL_NS};
use crate::service::{Life, Place, Sabotage};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long nothing need happen before the service looks up.
const LOOK: Duration = Duration::from_millis(500);
/// Between two writings: what comes meanwhile goes to the disk at once.
const GATHERING: Duration = Duration::from_millis(50);
/// Before what the disk did not take is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// How long the end of the daemon waits for its last events to be kept, at most.
const CATCH_UP: Duration = Duration::from_millis(500);

/// The store and how far it has come; it outlives failures of the service.
#[derive(Clone)]
pub struct EventKeeper {
    store: Arc<Mutex<Store>>,
    kept: Arc<AtomicU64>,
    failing: Arc<AtomicBool>,
    pub(super) sabotage: Sabotage,
}

impl EventKeeper {
    /// Of a store, which has or need not have the events up to `kept`.
    pub fn new(store: Store, kept: u64) -> EventKeeper {
        EventKeeper {
            store: Arc::new(Mutex::new(store)),
            kept: Arc::new(AtomicU64::new(kept)),
            failing: Arc::default(),
            sabotage: Sabotage::new(),
        }
    }

    /// Whether the disk takes no events.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Keeps events until the service ends.
    ///
    /// # Errors
    /// Where a life before still holds the store.
    pub async fn follow(&self, life: &Life, client: &Client) -> Result<(), String> {
        let mut notice = client.event_notice();
        while !life.stopping() {
            life.beat.tick();
            self.sabotage.pass(Place::Loop);
            let _dropped = self.sabotage.dropped();
            notice.borrow_and_update();
            let pause = match self.keep(client).await? {
                Kept::All => LOOK,
                Kept::Some => {
                    tokio::time::sleep(GATHERING).await;
                    continue;
                }
                Kept::NotNow => {
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            };
            tokio::select! {
                // It fails when the gateway's state is gone, and that is so at the daemon's end alone.
                Ok(()) = notice.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    }

    async fn keep(&self, client: &Client) -> Result<Kept, String> {
        let after = self.kept.load(Ordering::Relaxed);
        // The gateway is being restarted; its events stay.
        let Ok(events) = client.events(after, EVENTS_PER_REPLY).await else { return Ok(Kept::NotNow) };
        let Some(last) = events.last().map(|event| event.sequence) else { return Ok(Kept::All) };
        let records: Vec<_> = events.iter().map(|event| record(client.description(), event)).collect();
        let written = match self.store.try_lock() {
            Ok(mut store) => store.append(&records),
            // A panic in it leaves it whole: it knows how many bytes are sound.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().append(&records),
            Err(TryLockError::WouldBlock) => return Err("the life before still holds the store".to_string()),
        };
        Ok(match written {
            Ok(()) => {
                self.kept.store(last, Ordering::Relaxed);
                self.tell(None);
                Kept::Some
            }
            Err(error) => {
                self.tell(Some(&error));
                Kept::NotNow
            }
        })
    }

    /// Tells once that the disk takes nothing, and once that it does again.
    fn tell(&self, error: Option<&io::Error>) {
        match (self.failing.swap(error.is_some(), Ordering::Relaxed), error) {
            (false, Some(error)) => {
                tracing::error!(name: "events_not_kept", %error,
                    "events cannot be written to the state directory and would not outlive a restart; trying again");
            }
            (true, None) => tracing::info!("events are written to the state directory again"),
            _ => {}
        }
    }

    /// Waits until the events so far are kept, and marks the orderly end; to be called before the services are stopped.
    pub fn close(&self, client: &Client) {
        let deadline = Instant::now() + CATCH_UP;
        // The gateway takes events from the cycle at least this often.
        std::thread::sleep(Duration::from_nanos(2 * GATEWAY_POLL_NS));
        while self.kept.load(Ordering::Relaxed) < client.last_event() {
            if Instant::now() > deadline {
                tracing::warn!("the last events were not written to the state directory in time");
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut store = match self.store.try_lock() {
            Ok(store) => store,
            Err(TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
            Err(TryLockError::WouldBlock) => return,
        };
        if let Err(error) = store.close(client.last_event()) {
            self.tell(Some(&error));
        }
    }
}

/// How far a look has come.
enum Kept {
    /// There is nothing new.
    All,
    /// There may be more.
    Some,
    /// It has to be tried again.
    NotNow,
}
