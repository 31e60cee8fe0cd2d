//! Interrupts on the cycle's CPU.

use super::cpu_list::CpuList;
use super::examination::{Check, Examination};
use super::finding::{Examined, good, nothing, warn};
use super::host::{garbled, shown};
use super::isolation::at_boot;

pub(super) const CHECKS: &[Check] = &[
    Check { name: "irq-affinity", wanted: "new interrupts kept off the cycle's CPU", examine: irq_affinity },
    Check { name: "irqs-on-cpu", wanted: "no device interrupts on the cycle's CPU", examine: irqs_on_cpu },
    Check { name: "irqbalance", wanted: "nobody moves interrupts to the cycle's CPU", examine: irqbalance },
];

/// Interrupts that are named one by one.
const NAMED: usize = 6;

fn irq_affinity(examination: &Examination<'_>) -> Examined {
    let Some(cpu) = examination.subject.cpu else { return nothing() };
    let path = "/proc/irq/default_smp_affinity";
    let text = examination.host.text(path)?;
    let cpus = CpuList::parse_mask(&text).ok_or_else(|| garbled(path, &text))?;
    if !cpus.has(cpu) {
        return good(format!("go to CPU {cpus}"));
    }
    let others = others(examination, cpu);
    warn(format!("go to CPU {cpus}"), at_boot(&format!("irqaffinity={others}")))
}

/// Every CPU that is online but the cycle's, as a list.
fn others(examination: &Examination<'_>, cpu: usize) -> String {
    let online = examination.host.cpus("/sys/devices/system/cpu/online").unwrap_or_default().without(cpu);
    if online.is_empty() { "OTHER-CPUS".into() } else { online.to_string() }
}

fn irqs_on_cpu(examination: &Examination<'_>) -> Examined {
    let Some(cpu) = examination.subject.cpu else { return nothing() };
    let host = examination.host;
    let interrupts = host.text("/proc/interrupts")?;
    let mut lines = interrupts.lines();
    let header: Vec<&str> = lines.next().unwrap_or("").split_whitespace().collect();
    let here = format!("CPU{cpu}");
    let Some(column) = header.iter().position(|name| *name == here) else {
        return Err(garbled("/proc/interrupts", &format!("no column {here}")));
    };
    let mut busy = Vec::new();
    for line in lines {
        let Some((number, rest)) = line.split_once(':') else { continue };
        let number = number.trim();
        // Those without a number are the CPU's own: timers, calls between CPUs.
        if number.parse::<u32>().is_err() {
            continue;
        }
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let count = fields.get(column).and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
        // Until its first interrupt the effective list of a new one is empty.
        let effective = ["effective_affinity_list", "smp_affinity_list"]
            .into_iter()
            .find_map(|name| host.cpus(&format!("/proc/irq/{number}/{name}")).ok().filter(|cpus| !cpus.is_empty()));
        if count > 0 && effective.is_none_or(|cpus| cpus.has(cpu)) {
            busy.push((number.to_string(), shown(fields.last().unwrap_or(&"?"))));
        }
    }
    let Some((first, _)) = busy.first() else { return good(format!("none comes to CPU {cpu}")) };
    let named: Vec<String> = busy.iter().take(NAMED).map(|(number, who)| format!("{number} ({who})")).collect();
    let more = if busy.len() > NAMED { format!(" and {} more", busy.len() - NAMED) } else { String::new() };
    let hint = format!("echo {} > /proc/irq/{first}/smp_affinity_list, likewise each; {}", others(examination, cpu), {
        "those of managed queues need isolcpus=managed_irq"
    });
    warn(format!("interrupts {}{more} come to CPU {cpu}", named.join(", ")), hint)
}

fn irqbalance(examination: &Examination<'_>) -> Examined {
    let Some(cpu) = examination.subject.cpu else { return nothing() };
    let host = examination.host;
    let processes = host.names("/proc")?;
    let runs = processes
        .iter()
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .any(|process| host.text(&format!("/proc/{process}/comm")).is_ok_and(|name| name == "irqbalance"));
    if !runs {
        return good("irqbalance does not run");
    }
    // It keeps off isolated CPUs by itself.
    if host.cpus("/sys/devices/system/cpu/isolated").is_ok_and(|cpus| cpus.has(cpu)) {
        return good("irqbalance runs, and keeps off isolated CPUs");
    }
    let settings = host.text("/etc/default/irqbalance").unwrap_or_default();
    let banned = settings.lines().find_map(|line| line.trim().strip_prefix("IRQBALANCE_BANNED_CPULIST="));
    let banned = banned.and_then(|list| CpuList::parse(list.trim_matches(['"', '\''])));
    if banned.is_some_and(|cpus| cpus.has(cpu)) {
        return good(format!("irqbalance runs, CPU {cpu} is banned to it"));
    }
    warn(
        "irqbalance runs",
        format!("IRQBALANCE_BANNED_CPULIST={cpu} in /etc/default/irqbalance, or systemctl disable --now irqbalance"),
    )
}
