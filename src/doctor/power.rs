//! What saves power and costs time: clock frequency, turbo, sleep states.

use super::cpu_list::CpuList;
use super::examination::{Check, Examination};
use super::finding::{Examined, good, warn};
use super::host::{Unread, if_there, shown};
use crate::cycle::preparation::Provision;

pub(super) const CHECKS: &[Check] = &[
    Check { name: "governor", wanted: "performance", examine: governor },
    Check { name: "turbo", wanted: "one clock frequency", examine: turbo },
    Check { name: "c-states", wanted: "no sleep longer to wake from than 2 % of the period", examine: c_states },
];

/// The cycle's CPU, or all that are online.
fn concerned(examination: &Examination<'_>) -> Result<CpuList, Unread> {
    match examination.subject.cpu {
        Some(cpu) => Ok(CpuList::parse(&cpu.to_string()).unwrap_or_default()),
        None => examination.host.cpus("/sys/devices/system/cpu/online"),
    }
}

fn governor(examination: &Examination<'_>) -> Examined {
    let mut slow: Option<(usize, String)> = None;
    let mut any = false;
    for cpu in concerned(examination)?.iter() {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
        if let Some(governor) = examination.host.text_if_there(&path)? {
            any = true;
            if governor != "performance" {
                slow.get_or_insert((cpu, governor));
            }
        }
    }
    match slow {
        Some((cpu, governor)) => {
            let which = examination.subject.cpu.map_or("all".into(), |cpu| cpu.to_string());
            let hint = format!("cpupower -c {which} frequency-set -g performance (Debian: linux-cpupower)");
            warn(format!("{} on CPU {cpu}", shown(&governor)), hint)
        }
        None if any => good("performance"),
        None => good("the frequency is not scaled here"),
    }
}

fn turbo(examination: &Examination<'_>) -> Examined {
    const INTEL: &str = "/sys/devices/system/cpu/intel_pstate/no_turbo";
    const OTHERS: &str = "/sys/devices/system/cpu/cpufreq/boost";
    if let Some(no_turbo) = examination.host.number_if_there(INTEL)? {
        return if no_turbo == 1 { good("off") } else { warn("on", format!("echo 1 > {INTEL}")) };
    }
    match examination.host.number_if_there(OTHERS)? {
        Some(0) => good("off"),
        Some(_) => warn("on", format!("echo 0 > {OTHERS}")),
        None => good("none here"),
    }
}

fn c_states(examination: &Examination<'_>) -> Examined {
    let host = examination.host;
    let allowed_us = (examination.subject.period_ns / 50_000) as i64;
    let mut deepest: Option<(i64, String)> = None;
    for cpu in concerned(examination)?.iter() {
        let folder = format!("/sys/devices/system/cpu/cpu{cpu}/cpuidle");
        for state in if_there(host.names(&folder))?.unwrap_or_default() {
            if !state.starts_with("state") || host.number_if_there(&format!("{folder}/{state}/disable"))? == Some(1) {
                continue;
            }
            let latency_us = host.number(&format!("{folder}/{state}/latency"))?;
            if deepest.as_ref().is_none_or(|(deepest_us, _)| latency_us > *deepest_us) {
                deepest = Some((latency_us, shown(&host.text(&format!("{folder}/{state}/name")).unwrap_or(state))));
            }
        }
    }
    let Some((latency_us, name)) = deepest else { return good("no sleep states here") };
    let found = format!("{name}, {latency_us} µs to wake from");
    if latency_us <= allowed_us {
        return good(found);
    }
    if examination.subject.hold_cpu_latency && examination.trial.got(Provision::CpuLatency).is_some() {
        return good(format!("{found}, held off while the daemon runs"));
    }
    let hint = format!(
        "set hold-cpu-latency = true and let the daemon write /dev/cpu_dma_latency, or cpupower idle-set -D {}",
        allowed_us + 1
    );
    warn(found, hint)
}
