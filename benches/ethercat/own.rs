//! The product's side: the segment is brought up as the daemon does it, and then exchanged with.

use std::process::ExitCode;
use std::time::Duration;

use motiond::config::{self, MachineConfig};
use motiond::fieldbus::CyclicBus;
use motiond::fieldbus::ethercat::bring_up::bring_up;
use motiond::fieldbus::ethercat::packet_socket::{PacketSocket, SocketOptions};
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

/// The first argument that asks for it; interface, configuration, cycles before those that count and those follow.
pub const WORD: &str = "--exchange";

fn now_ns(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |now| Duration::from(now).as_nanos() as u64)
}

fn sleep_until(at_ns: u64) {
    let at = TimeSpec::from(Duration::from_nanos(at_ns));
    while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &at).is_err() {}
}

/// Prints devices, exchanges that were not complete, mean and median CPU time of an exchange in nanoseconds.
pub fn run(words: &[String]) -> ExitCode {
    match measure(words) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn measure(words: &[String]) -> Result<String, String> {
    let [interface, file, warm_up, cycles] = words else { return Err("four words are wanted".to_string()) };
    let number = |word: &str| word.parse::<usize>().map_err(|error| error.to_string());
    let (warm_up, cycles) = (number(warm_up)?, number(cycles)?);
    let config: MachineConfig = config::load(file.as_ref()).map_err(|error| error.to_string())?;
    let (bus, period_ns) = (&config.buses[0], config.period_ns);
    let socket = PacketSocket::open(interface, SocketOptions::default()).map_err(|error| error.to_string())?;
    let mut segment = bus.segment(period_ns);
    // Neither side is stopped by a host that is busy.
    segment.devices.iter_mut().for_each(|device| device.watchdog_ms = 1000);
    let mut exchange = bring_up(Box::new(socket), &segment).map_err(|error| error.to_string())?.bus;
    let (outputs, mut inputs) = (vec![0; bus.output_bytes], vec![0; bus.input_bytes]);
    let _ = mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE);
    let (mut took, mut incomplete) = (Vec::with_capacity(cycles), 0);
    let mut start_ns = now_ns(ClockId::CLOCK_MONOTONIC);
    for cycle in 0..warm_up + cycles {
        start_ns += period_ns;
        sleep_until(start_ns);
        let before = now_ns(ClockId::CLOCK_THREAD_CPUTIME_ID);
        exchange.begin(&outputs, start_ns);
        let mut cpu_ns = now_ns(ClockId::CLOCK_THREAD_CPUTIME_ID) - before;
        // The answers are back by then: nobody waits for them.
        let back_ns = start_ns + period_ns / 4 * 3;
        sleep_until(back_ns);
        let before = now_ns(ClockId::CLOCK_THREAD_CPUTIME_ID);
        let report = exchange.finish(&mut inputs, back_ns);
        cpu_ns += now_ns(ClockId::CLOCK_THREAD_CPUTIME_ID) - before;
        if cycle >= warm_up {
            took.push(cpu_ns);
            incomplete += u64::from(!report.complete());
        }
    }
    let mean_ns = took.iter().sum::<u64>() / cycles as u64;
    took.sort_unstable();
    Ok(format!("{} {incomplete} {mean_ns} {}", segment.devices.len(), took[cycles / 2]))
}
