//! Configurations that nobody would write: each is either a machine that can be put together and cycles, or refused
//! with a place, what was found there and what may stand there. Behind a line `# persisted` follows an overlay.
#![no_main]

use libfuzzer_sys::fuzz_target;
use motiond::config::{ConfigError, MachineConfig, overlay_with, parse};
use motiond::daemon::assembly::assemble;

const MARK: &str = "# persisted\n";
/// Cycles that an accepted machine runs.
const CYCLES: u64 = 20;

fuzz_target!(|text: &str| {
    let (file, persisted) = match text.split_once(MARK) {
        Some((file, persisted)) => (file, Some(persisted)),
        None => (text, None),
    };
    match parse(file, "fuzzed.toml") {
        Ok(machine) => {
            if let Some(persisted) = persisted {
                match overlay_with(&machine, persisted, "persisted.toml") {
                    Ok(machine) => run(machine),
                    Err(error) => judge(&error, persisted),
                }
            }
            run(machine);
        }
        Err(error) => judge(&error, file),
    }
});

/// A machine whose file was accepted works, simulated.
fn run(machine: MachineConfig) {
    let machine = machine.simulated();
    let assembly = assemble(&machine);
    let mut assembly = assembly.unwrap_or_else(|error| panic!("accepted, but cannot be put together: {error}"));
    for cycle in 1..=CYCLES {
        assembly.cycle.step(cycle * machine.period_ns, 0);
    }
    let (_, snapshot) = assembly.ends.snapshots.read().expect("a snapshot");
    assert_eq!(snapshot.machine.cycle, CYCLES);
    for (axis, parameters) in snapshot.axes.iter().zip(&machine.axes) {
        let numbers = [axis.setpoint, axis.velocity, axis.acceleration, axis.actual];
        assert!(numbers.iter().all(|number| number.is_finite()), "{}: {numbers:?}", parameters.name);
    }
}

/// A refusal says where, what was found and what is allowed.
fn judge(error: &ConfigError, text: &str) {
    let (ConfigError::Invalid { problems, .. } | ConfigError::Overlay { problems, .. }) = error else {
        panic!("no file was read: {error}");
    };
    assert!(!problems.is_empty());
    for problem in problems {
        assert!(problem.line <= 1 + text.matches('\n').count(), "{problem:?}");
        assert!(!problem.place.is_empty() && !problem.found.is_empty() && !problem.allowed.is_empty(), "{problem:?}");
    }
    assert!(!error.to_string().is_empty());
}
