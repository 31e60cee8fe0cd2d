//! The installed unit: directives that take real-time operation from the daemon, or do not give it.

use super::cpu_list::CpuList;
use super::examination::{Check, Examination};
use super::finding::{Examined, Judgement, Verdict, good, nothing};
use super::unit::{Directive, Unit};

/// The daemon's unit.
pub(super) const UNIT: &str = "motiond.service";
/// Where sched_setscheduler is.
pub(super) const SCHEDULER_CALLS: [&str; 3] = ["sched_setscheduler", "@resources", "@system-service"];
/// Where mlockall is.
pub(super) const LOCK_CALLS: [&str; 3] = ["mlockall", "@memlock", "@system-service"];

pub(super) const CHECKS: &[Check] =
    &[Check { name: "unit", wanted: "a unit that lets the cycle be real-time", examine: unit }];

fn unit(examination: &Examination<'_>) -> Examined {
    let Some(unit) = Unit::load(examination.host, UNIT)? else { return nothing() };
    let subject = examination.subject;
    let mut problems = Vec::new();
    let mut add = |verdict, found: String, hint: String| {
        let hint = format!("{hint}; then systemctl daemon-reload and restart {UNIT}");
        problems.push(Judgement { verdict, found, hint: Some(hint) });
    };
    let has_capability = |name: &str| unit.all("AmbientCapabilities").iter().any(|all| all.value.contains(name));
    let root = unit.last("User").is_none_or(|user| user.value == "root" || user.value == "0");
    let text = |directive: Option<&Directive>, absent: &str| {
        directive.map_or_else(|| format!("{absent} in {}", unit.file), Directive::text)
    };

    if let Some(found) = unit.last("RestrictRealtime").filter(|found| found.is_on()) {
        add(Verdict::Bad, found.text(), "remove RestrictRealtime=: it forbids SCHED_FIFO".into());
    }
    let rtprio = unit.last("LimitRTPRIO");
    if !root && !has_capability("CAP_SYS_NICE") && !grants(rtprio, u64::from(subject.priority)) {
        let found = text(rtprio, "no LimitRTPRIO=");
        add(Verdict::Bad, found, format!("set LimitRTPRIO={}", subject.priority));
    }
    let memlock = unit.last("LimitMEMLOCK");
    if subject.lock_memory && !root && !has_capability("CAP_IPC_LOCK") && !grants(memlock, u64::MAX) {
        add(Verdict::Bad, text(memlock, "no LimitMEMLOCK="), "set LimitMEMLOCK=infinity".into());
    }
    if let Some(found) = unit.denies(&SCHEDULER_CALLS) {
        add(Verdict::Bad, found.text(), "add SystemCallFilter=@resources, which has sched_setscheduler".into());
    }
    if let Some(found) = unit.denies(&LOCK_CALLS).filter(|_| subject.lock_memory) {
        add(Verdict::Bad, found.text(), "add SystemCallFilter=@memlock, which has mlockall".into());
    }
    if subject.hold_cpu_latency
        && let Some(found) = hides_cpu_latency(&unit)
    {
        let hint = "set PrivateDevices=no and DeviceAllow=/dev/cpu_dma_latency rw";
        add(Verdict::Warn, found.text(), hint.into());
    }
    if let (Some(cpu), Some(found)) = (subject.cpu, unit.last("AllowedCPUs"))
        && CpuList::parse(&found.value).is_some_and(|cpus| !cpus.has(cpu))
    {
        add(Verdict::Bad, found.text(), format!("add CPU {cpu} to AllowedCPUs="));
    }
    if let Some(found) = unit.last("ProcSubset").filter(|found| found.value == "pid") {
        add(Verdict::Warn, found.text(), "set ProcSubset=all: the daemon reads /proc/sys".into());
    }
    if let Some(found) = unit.last("CPUSchedulingPolicy").filter(|found| ["fifo", "rr"].contains(&&*found.value)) {
        let hint = "remove CPUSchedulingPolicy=: it makes every thread real-time, not only the cycle's";
        add(Verdict::Warn, found.text(), hint.into());
    }
    if problems.is_empty() { good(format!("{} takes nothing away", unit.file)) } else { Ok(problems) }
}

/// Whether a `Limit…=` of the form `soft` or `soft:hard` gives at least this much.
fn grants(directive: Option<&Directive>, wanted: u64) -> bool {
    let Some(soft) = directive.and_then(|directive| directive.value.split(':').next()) else { return false };
    soft == "infinity" || soft.parse::<u64>().is_ok_and(|soft| soft >= wanted)
}

/// What keeps /dev/cpu_dma_latency from the daemon.
pub(super) fn hides_cpu_latency(unit: &Unit) -> Option<&Directive> {
    if let Some(private) = unit.last("PrivateDevices").filter(|private| private.is_on()) {
        return Some(private);
    }
    let allowed = unit.all("DeviceAllow").iter().any(|allow| allow.value.starts_with("/dev/cpu_dma_latency"));
    // Any allowed device makes the policy at least "closed".
    let closed = unit.last("DevicePolicy").filter(|policy| policy.value == "closed" || policy.value == "strict");
    if allowed { None } else { closed.or_else(|| unit.last("DeviceAllow")) }
}
