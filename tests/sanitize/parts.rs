//! The exchange, over the atomics that it is built with or over planted ones.

#[path = "../../src/exchange/command.rs"]
pub mod command;
#[path = "../../src/exchange/latest.rs"]
pub mod latest;
#[path = "../../src/exchange/pool.rs"]
pub mod pool;
#[path = "../../src/exchange/ring.rs"]
pub mod ring;
#[path = "../../src/exchange/stop.rs"]
pub mod stop;
#[cfg_attr(not(planted_relaxed), path = "../../src/exchange/sync.rs")]
#[cfg_attr(planted_relaxed, path = "relaxed.rs")]
mod sync;
#[path = "../../src/exchange/ticket.rs"]
pub mod ticket;
