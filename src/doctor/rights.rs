//! Rights of the cyclic thread, found by trying, and for each refusal the limit, directive or control group behind it.

use std::os::unix::fs::MetadataExt;

use super::examination::{Check, Examination};
use super::finding::{Examined, bad, good, nothing, warn};
use super::host::Host;
use super::place::{Place, group_folders};
use super::unit::Unit;
use super::unit_check::{LOCK_CALLS, SCHEDULER_CALLS, hides_cpu_latency};
use crate::cycle::preparation::Provision;
use crate::cycle::rights::{CAP_SYS_NICE, CPU_DMA_LATENCY, effective, in_initial_user_namespace, rtprio_limit};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "scheduling", wanted: "SCHED_FIFO at the configured priority", examine: scheduling },
    Check { name: "memory-lock", wanted: "all memory locked in RAM", examine: memory_lock },
    Check { name: "affinity", wanted: "pinned to the configured CPU", examine: affinity },
    Check { name: "cpu-latency", wanted: "CPUs held out of deep sleep", examine: cpu_latency },
    Check { name: "preparation", wanted: "every other preparation done", examine: preparation },
    Check { name: "rt-group", wanted: "real-time budget in the own cgroup", examine: rt_group },
];

fn scheduling(examination: &Examination<'_>) -> Examined {
    match examination.trial.lack(Provision::Scheduling) {
        Some(lack) => bad(&lack.why, refused_scheduling(examination).unwrap_or_else(|| lack.remedy.clone())),
        None => got(examination, Provision::Scheduling),
    }
}

fn got(examination: &Examination<'_>, provision: Provision) -> Examined {
    examination.trial.got(provision).map_or_else(nothing, good)
}

/// What stands behind a refused SCHED_FIFO, in the order in which the kernel asks.
fn refused_scheduling(examination: &Examination<'_>) -> Option<String> {
    let (host, priority) = (examination.host, examination.subject.priority);
    let place = Place::of(host);
    let limits = host.text("/proc/self/limits").ok();
    let status = host.text("/proc/self/status").unwrap_or_default();
    let uid_map = host.text("/proc/self/uid_map").unwrap_or_default();
    let capable = in_initial_user_namespace(&uid_map) && effective(&status, CAP_SYS_NICE);
    if let Some(denied) = filtered(host, &status, &place, &SCHEDULER_CALLS, "@resources") {
        return Some(denied);
    }
    if !capable && limits.is_some_and(|limits| rtprio_limit(&limits) < u64::from(priority)) {
        let granted = granted_elsewhere(host, "rtprio", u64::from(priority));
        let grant = place.grant(&format!("LimitRTPRIO={priority}"), &format!("rtprio {priority}"));
        return Some(match granted {
            Some(granted) if place == Place::Session => granted,
            _ => grant,
        });
    }
    if let Some((file, 0)) = group_budget(host) {
        return Some(give_group_budget(&file));
    }
    if in_filled_group(host) {
        return Some(
            "the kernel has CONFIG_RT_GROUP_SCHED, which gives no real-time time to groups of cgroup version 2: boot \
             with rt_group_sched=0 (Linux 6.15), or use a kernel without it"
                .into(),
        );
    }
    None
}

/// The system-call filter that stands behind a refusal, where there is one.
fn filtered(host: &Host, status: &str, place: &Place, calls: &[&str], group: &str) -> Option<String> {
    let seccomp = status.lines().find_map(|line| line.strip_prefix("Seccomp:")).map(str::trim);
    if seccomp != Some("2") {
        return None;
    }
    let Place::Unit(name) = place else {
        // A container's usual filter lets both calls pass; its limits decide.
        return None;
    };
    let unit = Unit::load(host, name).ok().flatten()?;
    let restricts = unit.last("RestrictRealtime").filter(|found| found.is_on() && group == "@resources");
    let found = restricts.or_else(|| unit.denies(calls))?;
    Some(format!("{} forbids it: remove RestrictRealtime=, and let SystemCallFilter= have {group}", found.text()))
}

/// A line of limits.conf that would grant enough, were the process of whom it names.
fn granted_elsewhere(host: &Host, item: &str, wanted: u64) -> Option<String> {
    let mut files = vec!["/etc/security/limits.conf".to_string()];
    let names = host.names("/etc/security/limits.d").unwrap_or_default();
    files.extend(
        names.iter().filter(|name| name.ends_with(".conf")).map(|name| format!("/etc/security/limits.d/{name}")),
    );
    files.iter().find_map(|file| {
        let text = host.text(file).ok()?;
        text.lines().enumerate().find_map(|(number, line)| {
            let mut words = line.split('#').next()?.split_whitespace();
            let (whom, _, name, value) = (words.next()?, words.next()?, words.next()?, words.next()?);
            let enough = value == "unlimited" || value.parse::<u64>().is_ok_and(|value| value >= wanted);
            (name == item && enough).then(|| {
                let whom = super::host::shown(whom);
                format!("{file}:{} grants it to {whom}: become of that group or user, then log in again", number + 1)
            })
        })
    })
}

/// The file with the own group's budget, and what is in it.
fn group_budget(host: &Host) -> Option<(String, i64)> {
    group_folders(host, "cpu").ok()?.into_iter().find_map(|folder| {
        let file = format!("{folder}/cpu.rt_runtime_us");
        Some((file.clone(), host.number(&file).ok()?))
    })
}

fn give_group_budget(file: &str) -> String {
    format!("echo 950000 > {file} (its parents first), or move the process to the root cgroup")
}

/// Whether the process is in a group of version 2 on a kernel that schedules real-time threads by group.
fn in_filled_group(host: &Host) -> bool {
    let groups = host.text("/proc/self/cgroup").unwrap_or_default();
    let release = host.text("/proc/sys/kernel/osrelease").unwrap_or_default();
    let config = host.text(&format!("/boot/config-{release}")).unwrap_or_default();
    let command_line = host.text("/proc/cmdline").unwrap_or_default();
    groups.lines().any(|line| line.strip_prefix("0::").is_some_and(|group| group.len() > 1))
        && config.lines().any(|line| line == "CONFIG_RT_GROUP_SCHED=y")
        && !command_line.split_whitespace().any(|word| word == "rt_group_sched=0")
}

fn rt_group(examination: &Examination<'_>) -> Examined {
    let folders = group_folders(examination.host, "cpu")?;
    for folder in folders {
        let file = format!("{folder}/cpu.rt_runtime_us");
        match examination.host.number_if_there(&file)? {
            Some(0) => return bad(format!("{file} is 0"), give_group_budget(&file)),
            Some(budget_us) => return good(format!("{file} is {budget_us}")),
            None => {}
        }
    }
    if in_filled_group(examination.host) {
        let hint = "boot with rt_group_sched=0 (Linux 6.15), or use a kernel without CONFIG_RT_GROUP_SCHED";
        return warn("a kernel with CONFIG_RT_GROUP_SCHED and a group of cgroup version 2", hint);
    }
    good("this kernel asks for none")
}

fn memory_lock(examination: &Examination<'_>) -> Examined {
    if !examination.subject.lock_memory {
        return warn("switched off", "set lock-memory = true in [realtime] of the configuration");
    }
    let Some(lack) = examination.trial.lack(Provision::MemoryLock) else {
        return got(examination, Provision::MemoryLock);
    };
    let host = examination.host;
    let place = Place::of(host);
    let status = host.text("/proc/self/status").unwrap_or_default();
    let hint = match filtered(host, &status, &place, &LOCK_CALLS, "@memlock") {
        Some(denied) => denied,
        None => granted_elsewhere(host, "memlock", u64::MAX)
            .filter(|_| place == Place::Session)
            .unwrap_or_else(|| place.grant("LimitMEMLOCK=infinity", "memlock unlimited")),
    };
    bad(&lack.why, hint)
}

fn affinity(examination: &Examination<'_>) -> Examined {
    let (Some(lack), Some(cpu)) = (examination.trial.lack(Provision::Affinity), examination.subject.cpu) else {
        return got(examination, Provision::Affinity);
    };
    let host = examination.host;
    if let Ok(online) = host.cpus("/sys/devices/system/cpu/online")
        && !online.has(cpu)
    {
        return bad(&lack.why, format!("set cpu in [realtime] to one of {online}, or put CPU {cpu} online"));
    }
    for folder in group_folders(host, "cpuset").unwrap_or_default() {
        for name in ["cpuset.cpus.effective", "cpuset.effective_cpus"] {
            let file = format!("{folder}/{name}");
            if let Ok(cpus) = host.cpus(&file)
                && !cpus.has(cpu)
            {
                let unit = match Place::of(host) {
                    Place::Unit(unit) => unit,
                    _ => "the unit or its slice".into(),
                };
                return bad(
                    format!("{}; {file} is {cpus}", lack.why),
                    format!("add CPU {cpu} to AllowedCPUs= of {unit}, or to the container's cpuset"),
                );
            }
        }
    }
    bad(&lack.why, &lack.remedy)
}

fn cpu_latency(examination: &Examination<'_>) -> Examined {
    if !examination.subject.hold_cpu_latency {
        return nothing();
    }
    let Some(lack) = examination.trial.lack(Provision::CpuLatency) else {
        return got(examination, Provision::CpuLatency);
    };
    let host = examination.host;
    let place = Place::of(host);
    let hider = match &place {
        Place::Unit(name) => Unit::load(host, name).ok().flatten(),
        _ => None,
    };
    if let Some(hidden) = hider.as_ref().and_then(hides_cpu_latency) {
        return warn(&lack.why, format!("{}: PrivateDevices=no, DeviceAllow={CPU_DMA_LATENCY} rw", hidden.text()));
    }
    let Ok(file) = host.access(CPU_DMA_LATENCY) else {
        return warn(
            &lack.why,
            format!(
                "the file is hidden or the kernel has none: PrivateDevices=no and DeviceAllow={CPU_DMA_LATENCY} rw in \
                 the unit, --device {CPU_DMA_LATENCY} for a container"
            ),
        );
    };
    let ids = |key: &str| -> Vec<u32> {
        let line = host.field("/proc/self/status", key).unwrap_or_default();
        line.split_whitespace().filter_map(|id| id.parse().ok()).collect()
    };
    // The second of the four is the effective one.
    let (uid, gid) = (ids("Uid:").get(1).copied(), ids("Gid:").get(1).copied());
    let of_group = gid == Some(file.gid()) || ids("Groups:").contains(&file.gid());
    let mode = file.mode();
    let writable = uid == Some(0)
        || if uid == Some(file.uid()) {
            mode & 0o200 != 0
        } else if of_group {
            mode & 0o020 != 0
        } else {
            mode & 0o002 != 0
        };
    if writable {
        return warn(
            &lack.why,
            format!("the cgroup's device list forbids it: DeviceAllow={CPU_DMA_LATENCY} rw in the unit"),
        );
    }
    let hint = format!(
        "`z {CPU_DMA_LATENCY} 0660 root motiond` in /etc/tmpfiles.d/motiond.conf, systemd-tmpfiles --create, and the \
         user in group motiond"
    );
    warn(&lack.why, hint)
}

/// Whatever else the cycle did not get.
fn preparation(examination: &Examination<'_>) -> Examined {
    let others = [Provision::Allocator, Provision::Prefault];
    match others.into_iter().find_map(|provision| examination.trial.lack(provision)) {
        Some(lack) => warn(format!("{}: {}", lack.reason.name(), lack.why), &lack.remedy),
        None => nothing(),
    }
}
