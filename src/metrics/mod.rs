//! What Prometheus is told, and the HTTP listener on which it asks.
//!
//! Nothing here is touched by the real-time thread: a scrape reads the newest snapshot and single-writer counters.

pub mod collector;
pub mod family;
pub mod http;
pub mod reading;

use collector::MachineCollector;
use prometheus::{Encoder, Registry, TextEncoder};
use reading::Reading;

/// The text of one scrape.
pub fn text(read: impl Fn() -> Reading + Send + Sync + 'static) -> String {
    let registry = Registry::new();
    let mut text = Vec::new();
    // A fresh registry takes any collector, and writing to memory does not fail; an empty answer would tell.
    if registry.register(Box::new(MachineCollector::new(read))).is_ok() {
        let _ = TextEncoder::new().encode(&registry.gather(), &mut text);
    }
    String::from_utf8(text).unwrap_or_default()
}
