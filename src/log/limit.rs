//! Lines of one kind that come too often are left out and counted.
//!
//! A kind is one place in the sources, and for a logged request also its method and the user who made it: nobody can hide
//! another user's commands, or other commands of the same user, behind a flood.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Lines of one kind that may come at once: every axis of a machine may have the same to say.
const BURST: f64 = 100.0;
/// Lines of one kind that may come in the long run, 1/s.
const PER_S: f64 = 10.0;
/// Kinds that are told apart; what comes on top of them shares one allowance.
const MAX_KINDS: usize = 1024;
const _: () = assert!(crate::limits::MAX_AXES as f64 <= BURST);

/// Counts lines by kind. Copies are of one.
#[derive(Clone)]
pub struct Limit {
    kinds: Arc<Mutex<HashMap<u64, Allowance>>>,
    now_s: fn() -> f64,
}

struct Allowance {
    /// The line's name, or where it is in the sources.
    of: &'static str,
    left: f64,
    at_s: f64,
    suppressed: u64,
}

impl Allowance {
    fn refill(&mut self, now_s: f64) {
        self.left = BURST.min(self.left + (now_s - self.at_s).max(0.0) * PER_S);
        self.at_s = now_s;
    }
}

impl Default for Limit {
    fn default() -> Limit {
        Limit::new()
    }
}

impl Limit {
    /// Nothing has been logged yet.
    pub fn new() -> Limit {
        Limit::on_clock(monotonic_s)
    }

    /// The same on a clock that gives seconds.
    fn on_clock(now_s: fn() -> f64) -> Limit {
        Limit { kinds: Arc::default(), now_s }
    }

    /// What was left out since the last call: the line's name or place, and how often.
    pub fn drain(&self) -> Vec<(&'static str, u64)> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let left_out = kinds.values_mut().filter(|kind| kind.suppressed > 0);
        left_out.map(|kind| (kind.of, std::mem::take(&mut kind.suppressed))).collect()
    }

    fn allows(&self, kind: u64, of: &'static str) -> bool {
        let now_s = (self.now_s)();
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut kind, mut of) = (kind, of);
        if !kinds.contains_key(&kind) && kinds.len() >= MAX_KINDS {
            kinds.retain(|_, known| {
                known.refill(now_s);
                known.left < BURST || known.suppressed > 0
            });
            if kinds.len() >= MAX_KINDS {
                (kind, of) = (0, "lines of many kinds");
            }
        }
        let known = kinds.entry(kind).or_insert(Allowance { of, left: BURST, at_s: now_s, suppressed: 0 });
        known.refill(now_s);
        if known.left >= 1.0 {
            known.left -= 1.0;
            return true;
        }
        known.suppressed += 1;
        false
    }
}

impl<S: Subscriber> Layer<S> for Limit {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        let mut kind = Kind(DefaultHasher::new());
        metadata.callsite().hash(&mut kind.0);
        event.record(&mut kind);
        self.allows(kind.0.finish(), metadata.name())
    }
}

/// Hashes what tells kinds apart.
struct Kind(DefaultHasher);

impl Visit for Kind {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "method" {
            value.hash(&mut self.0);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "uid" {
            value.hash(&mut self.0);
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}

fn monotonic_s() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tracing_subscriber::layer::SubscriberExt;

    thread_local! {
        static NOW_S: Cell<f64> = const { Cell::new(0.0) };
        static SEEN: Cell<u64> = const { Cell::new(0) };
    }

    struct Count;

    impl<S: Subscriber> Layer<S> for Count {
        fn on_event(&self, _event: &Event<'_>, _context: Context<'_, S>) {
            SEEN.set(SEEN.get() + 1);
        }
    }

    /// Lines that pass while `log` runs on a clock that it moves.
    fn passed(limit: &Limit, log: impl FnOnce()) -> u64 {
        SEEN.set(0);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Count).with(limit.clone()), log);
        SEEN.get()
    }

    fn limit() -> Limit {
        NOW_S.set(0.0);
        Limit::on_clock(|| NOW_S.get())
    }

    #[test]
    fn a_flood_is_cut_counted_and_flows_again_slowly() {
        let limit = limit();
        let flood = |lines: u64| (0..lines).for_each(|_| tracing::warn!(name: "flood", "again"));
        assert_eq!(passed(&limit, || flood(250)), 100);
        assert_eq!(limit.drain(), [("flood", 150)]);
        assert_eq!(limit.drain(), [], "told once");
        let slow = passed(&limit, || {
            for _ in 0..20 {
                NOW_S.set(NOW_S.get() + 0.1);
                flood(5);
            }
        });
        assert!((19..=20).contains(&slow), "{slow} in 2 s");
        NOW_S.set(1e6);
        assert_eq!(passed(&limit, || flood(250)), 100, "a long rest makes no longer burst");
    }

    #[test]
    fn a_flood_hides_no_other_line_method_or_user() {
        let limit = limit();
        let command = |method: &str, uid: u32| tracing::info!(name: "command", method, uid, pid = 7, "command");
        assert_eq!(passed(&limit, || (0..1000).for_each(|_| command("Jog", 1000))), 100);
        assert_eq!(passed(&limit, || command("Stop", 1000)), 1);
        assert_eq!(passed(&limit, || command("Jog", 1001)), 1);
        assert_eq!(passed(&limit, || tracing::error!("another line")), 1);
        assert_eq!(passed(&limit, || command("Jog", 1000)), 0);
        assert_eq!(limit.drain(), [("command", 901)]);
    }

    #[test]
    fn kinds_without_end_take_bounded_memory_and_share_what_is_left() {
        let limit = limit();
        let users = 0..10_000u32;
        let passed = passed(&limit, || users.for_each(|uid| tracing::info!(name: "command", uid, "command")));
        assert_eq!(passed, MAX_KINDS as u64 + 100);
        assert!(limit.kinds.lock().unwrap().len() <= MAX_KINDS + 1);
        // Whoever has been quiet for long is forgotten.
        NOW_S.set(100.0);
        limit.drain();
        assert!(limit.allows(99, "new"));
        assert!(limit.kinds.lock().unwrap().len() <= 2);
    }
}
