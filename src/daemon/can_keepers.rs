//! Restarts CAN interfaces that went off their bus, on a thread of its own: netlink may take its time.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::fieldbus::canopen::restart::{Keeper, Told};

/// How often they are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Looks after them until their buses are gone.
///
/// # Errors
/// Where there is no thread to be had.
pub fn spawn(mut keepers: Vec<(String, String, Keeper)>) -> std::io::Result<()> {
    if keepers.is_empty() {
        return Ok(());
    }
    let look = move || {
        while !keepers.is_empty() {
            keepers.retain(|(.., keeper)| !keeper.is_done());
            let now_ns = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| Duration::from(now).as_nanos() as u64);
            for (bus, interface, keeper) in &mut keepers {
                match keeper.look(now_ns) {
                    Some(told @ Told::Failed(_)) => tracing::error!(bus, interface, "CAN interface {told}"),
                    Some(told) => tracing::warn!(bus, interface, "CAN interface {told}"),
                    None => {}
                }
            }
            std::thread::sleep(LOOK);
        }
    };
    let stack = crate::limits::SERVICE_STACK_BYTES;
    std::thread::Builder::new().name("can-keeper".into()).stack_size(stack).spawn(look).map(drop)
}
