//! The kernel: preemption, real-time throttling, timers.

use super::examination::{Check, Examination};
use super::finding::{Examined, bad, good, nothing, warn};
use super::host::shown;

pub(super) const CHECKS: &[Check] = &[
    Check { name: "preempt-rt", wanted: "a PREEMPT_RT kernel", examine: preempt_rt },
    Check { name: "rt-throttling", wanted: "at least 90 % for real-time threads", examine: rt_throttling },
    Check { name: "timer-resolution", wanted: "timers of 1 ns, not of a tick", examine: timer_resolution },
    Check { name: "clock-tick", wanted: "no tick, or a known one", examine: clock_tick },
    Check { name: "timer-migration", wanted: "no foreign timers on the cycle's CPU", examine: timer_migration },
];

fn preempt_rt(examination: &Examination<'_>) -> Examined {
    let host = examination.host;
    let realtime = host.number_if_there("/sys/kernel/realtime")?;
    let version = match realtime {
        Some(1) => return good("PREEMPT_RT (/sys/kernel/realtime)"),
        _ => host.text("/proc/sys/kernel/version")?,
    };
    let words: Vec<&str> = version.split_whitespace().collect();
    // Old kernels of the patch call themselves "PREEMPT RT".
    if words.contains(&"PREEMPT_RT") || words.windows(2).any(|pair| pair == ["PREEMPT", "RT"]) {
        return good("PREEMPT_RT");
    }
    let preemption = words.iter().find(|word| word.starts_with("PREEMPT")).unwrap_or(&"no preemption");
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let hint = format!("install a PREEMPT_RT kernel (Debian: apt install linux-image-rt-{architecture}) and boot it");
    let found = shown(preemption);
    if examination.subject.is_sharp() { bad(found, hint) } else { warn(found, hint) }
}

fn rt_throttling(examination: &Examination<'_>) -> Examined {
    let runtime_us = examination.host.number("/proc/sys/kernel/sched_rt_runtime_us")?;
    let period_us = examination.host.number("/proc/sys/kernel/sched_rt_period_us")?;
    let found = format!("{runtime_us} of {period_us} µs");
    let hint = format!("sysctl -w kernel.sched_rt_runtime_us={}", (period_us.max(0) as u64 / 100 * 95).max(1));
    if runtime_us < 0 || period_us <= 0 {
        return good("switched off");
    }
    match runtime_us {
        0 => bad(found, hint),
        _ if i128::from(runtime_us) * 10 < i128::from(period_us) * 9 => warn(found, hint),
        _ => good(found),
    }
}

fn timer_resolution(examination: &Examination<'_>) -> Examined {
    match examination.trial.clock_resolution_ns {
        None => nothing(),
        Some(1) => good("1 ns"),
        Some(resolution_ns) => {
            let found = format!("{resolution_ns} ns");
            let command_line = examination.host.text("/proc/cmdline").unwrap_or_default();
            let off = command_line.split_whitespace().any(|word| word == "highres=off");
            let hint = if off {
                "remove highres=off from the kernel's command line"
            } else {
                "use a kernel with CONFIG_HIGH_RES_TIMERS=y, and look in dmesg for a clocksource marked unstable"
            };
            bad(found, hint)
        }
    }
}

fn clock_tick(examination: &Examination<'_>) -> Examined {
    let host = examination.host;
    let command_line = host.text("/proc/cmdline")?;
    if command_line.split_whitespace().any(|word| word == "nohz=off") {
        return warn("nohz=off: a tick on every CPU", "remove nohz=off from the kernel's command line");
    }
    let release = host.text("/proc/sys/kernel/osrelease").unwrap_or_default();
    let config = host.text(&format!("/boot/config-{release}")).unwrap_or_default();
    match config.lines().find_map(|line| line.strip_prefix("CONFIG_HZ=")) {
        Some(hz) => good(format!("{} Hz on a busy CPU, none on an idle one", shown(hz))),
        None => good("none on an idle CPU"),
    }
}

fn timer_migration(examination: &Examination<'_>) -> Examined {
    let host = examination.host;
    let Some(cpu) = examination.subject.cpu else { return nothing() };
    let Some(migration) = host.number_if_there("/proc/sys/kernel/timer_migration")? else {
        return good("this kernel has none");
    };
    let nohz_full = host.cpus_if_there("/sys/devices/system/cpu/nohz_full")?;
    match migration {
        0 => good("off"),
        _ if nohz_full.is_some_and(|cpus| cpus.has(cpu)) => good(format!("CPU {cpu} is in nohz_full and takes none")),
        _ => warn("on: timers of idle CPUs may come to this one", "sysctl -w kernel.timer_migration=0"),
    }
}
