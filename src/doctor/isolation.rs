//! The cycle's CPU: that it exists, and that nothing else runs on it.

use super::examination::{Check, Examination};
use super::finding::{Examined, bad, good, nothing, warn};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "cpu", wanted: "a configured CPU that is online", examine: cpu },
    Check { name: "isolcpus", wanted: "the cycle's CPU isolated", examine: isolcpus },
    Check { name: "nohz-full", wanted: "no tick on the cycle's CPU", examine: nohz_full },
    Check { name: "rcu-nocbs", wanted: "no RCU callbacks on the cycle's CPU", examine: rcu_nocbs },
    Check { name: "smt", wanted: "the cycle's core to itself", examine: smt },
];

const ONLINE: &str = "/sys/devices/system/cpu/online";

/// How to change the kernel's command line on Debian.
pub(super) fn at_boot(words: &str) -> String {
    format!("add {words} to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, reboot")
}

fn cpu(examination: &Examination<'_>) -> Examined {
    let online = examination.host.cpus(ONLINE)?;
    match examination.subject.cpu {
        Some(cpu) if online.has(cpu) => good(format!("CPU {cpu} of {online}")),
        Some(cpu) => bad(
            format!("CPU {cpu} is not among those online, {online}"),
            format!("set cpu in [realtime] to one of {online}, or echo 1 > /sys/devices/system/cpu/cpu{cpu}/online"),
        ),
        None => match online.last() {
            Some(last) if last > 0 => warn(
                "not pinned to any",
                format!("set cpu = {last} in [realtime] of the configuration, and isolate it"),
            ),
            _ => warn("only one", "use a machine with two CPUs or more, so that the cycle has one for itself"),
        },
    }
}

fn isolcpus(examination: &Examination<'_>) -> Examined {
    let Some(cpu) = examination.subject.cpu else { return nothing() };
    let mut isolated = examination.host.cpus("/sys/devices/system/cpu/isolated")?;
    if !isolated.has(cpu) {
        // A partition of the cpuset controller isolates without the command line.
        if let Some(partition) = examination.host.cpus_if_there("/sys/fs/cgroup/cpuset.cpus.isolated")? {
            isolated = partition;
        }
    }
    if isolated.has(cpu) {
        return good(format!("{isolated} isolated"));
    }
    warn(format!("{isolated} isolated"), at_boot(&format!("isolcpus=managed_irq,domain,{cpu}")))
}

fn nohz_full(examination: &Examination<'_>) -> Examined {
    let Some(cpu) = examination.subject.cpu else { return nothing() };
    match examination.host.cpus_if_there("/sys/devices/system/cpu/nohz_full")? {
        Some(cpus) if cpus.has(cpu) => good(format!("nohz_full {cpus}")),
        Some(cpus) => warn(format!("nohz_full {cpus}"), at_boot(&format!("nohz_full={cpu}"))),
        None => {
            let hint = format!("use a kernel with CONFIG_NO_HZ_FULL=y, and {}", at_boot(&format!("nohz_full={cpu}")));
            warn("this kernel cannot", hint)
        }
    }
}

fn rcu_nocbs(examination: &Examination<'_>) -> Examined {
    let Some(cpu) = examination.subject.cpu else { return nothing() };
    let host = examination.host;
    let command_line = host.text("/proc/cmdline")?;
    let nohz_full = host.cpus_if_there("/sys/devices/system/cpu/nohz_full")?;
    if nohz_full.is_some_and(|cpus| cpus.has(cpu)) {
        return good("nohz_full has it, which includes this");
    }
    let list = command_line.split_whitespace().find_map(|word| word.strip_prefix("rcu_nocbs="));
    match list.map(|list| (list, super::cpu_list::CpuList::parse(list))) {
        Some(("all", _)) => good("rcu_nocbs=all"),
        Some((_, Some(cpus))) if cpus.has(cpu) => good(format!("rcu_nocbs={cpus}")),
        Some((list, _)) => {
            warn(format!("rcu_nocbs={}", super::host::shown(list)), at_boot(&format!("rcu_nocbs={cpu}")))
        }
        None => warn("no rcu_nocbs=", at_boot(&format!("rcu_nocbs={cpu}"))),
    }
}

fn smt(examination: &Examination<'_>) -> Examined {
    let host = examination.host;
    const OFF: &str = "echo off > /sys/devices/system/cpu/smt/control, or nosmt on the kernel's command line";
    let Some(cpu) = examination.subject.cpu else {
        return match host.number_if_there("/sys/devices/system/cpu/smt/active")? {
            Some(1) => warn("simultaneous multithreading is on", OFF),
            _ => good("no simultaneous multithreading"),
        };
    };
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
    let Some(siblings) = host.cpus_if_there(&path)? else { return nothing() };
    let others = siblings.without(cpu);
    if others.is_empty() { good("no sibling") } else { warn(format!("shares its core with CPU {others}"), OFF) }
}
