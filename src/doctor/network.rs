//! Network interfaces of the buses.

use super::examination::{Check, Examination};
use super::finding::{Examined, Judgement, Verdict};
use super::host::{Unread, if_there};
use nix::errno::Errno;

pub(super) const CHECKS: &[Check] = &[
    Check { name: "nic", wanted: "every bus's interface there", examine: presence },
    Check { name: "nic-numa", wanted: "interface and cycle on one NUMA node", examine: numa },
    Check { name: "nic-irq-thread", wanted: "the interface's interrupt thread above the cycle", examine: irq_thread },
    Check { name: "nic-coalescing", wanted: "an interrupt with each frame", examine: coalescing },
    Check { name: "nic-eee", wanted: "a link that does not sleep", examine: eee },
    Check { name: "nic-can-queue", wanted: "a queue that holds a cycle's CAN frames", examine: can_queue },
    Check { name: "nic-gro", wanted: "frames handed over one by one", examine: gro },
];

fn judged(verdict: Verdict, found: String, hint: Option<String>) -> Judgement {
    Judgement { verdict, found, hint }
}

/// An interface that would not say. One that has no such setting, or is not there, is not judged for it.
fn refused(interface: &str, error: Errno) -> Option<Judgement> {
    if [Errno::EOPNOTSUPP, Errno::ENODEV].contains(&error) {
        return None;
    }
    let found = format!("{interface} does not say: {}", error.desc().to_lowercase());
    Some(judged(Verdict::Unknown, found, Some("run it as root".into())))
}

fn presence(examination: &Examination<'_>) -> Examined {
    let judge = |interface: &String| {
        if examination.host.has(&format!("/sys/class/net/{interface}")) {
            judged(Verdict::Good, format!("{interface} is there"), None)
        } else {
            let hint = format!("correct interface in the configuration (ip link lists them), or plug {interface} in");
            judged(Verdict::Bad, format!("{interface} is not there"), Some(hint))
        }
    };
    Ok(examination.subject.interfaces.iter().map(judge).collect())
}

fn numa(examination: &Examination<'_>) -> Examined {
    let Some(cpu) = examination.subject.cpu else { return super::finding::nothing() };
    let host = examination.host;
    let mut judgements = Vec::new();
    for interface in &examination.subject.interfaces {
        // -1 and an absent file: a machine of one node.
        let node = host.number_if_there(&format!("/sys/class/net/{interface}/device/numa_node"))?;
        let Some(node) = node.filter(|node| *node >= 0) else { continue };
        let Some(cpus) = host.cpus_if_there(&format!("/sys/devices/system/node/node{node}/cpulist"))? else { continue };
        judgements.push(if cpus.has(cpu) {
            judged(Verdict::Good, format!("{interface} and CPU {cpu} on node {node}"), None)
        } else {
            let hint = format!("set cpu in [realtime] to one of {cpus}");
            judged(Verdict::Warn, format!("{interface} is on node {node}, CPU {cpu} is not"), Some(hint))
        });
    }
    Ok(judgements)
}

/// A thread that serves an interrupt.
struct IrqThread {
    process: String,
    irq: u32,
    priority: u8,
}

fn irq_threads(examination: &Examination<'_>) -> Result<Vec<IrqThread>, Unread> {
    let host = examination.host;
    let processes = host.names("/proc")?;
    let processes = processes.into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    Ok(processes.filter_map(|process| irq_thread_of(examination, process)).collect())
}

fn irq_thread_of(examination: &Examination<'_>, process: String) -> Option<IrqThread> {
    let host = examination.host;
    let name = host.text(&format!("/proc/{process}/comm")).ok()?;
    let irq = name.strip_prefix("irq/")?.split('-').next()?.parse().ok()?;
    let stat = host.text(&format!("/proc/{process}/stat")).ok()?;
    // Field 40 by proc(5) is rt_priority; the first one after the name is field 3.
    let after_name = &stat[stat.rfind(')')? + 1..];
    let priority = after_name.split_ascii_whitespace().nth(40 - 3)?.parse().ok()?;
    Some(IrqThread { process, irq, priority })
}

fn irq_thread(examination: &Examination<'_>) -> Examined {
    if examination.subject.interfaces.is_empty() {
        return super::finding::nothing();
    }
    let priority = examination.subject.priority;
    let threads = irq_threads(examination)?;
    let mut judgements = Vec::new();
    for interface in &examination.subject.interfaces {
        let folder = format!("/sys/class/net/{interface}/device/msi_irqs");
        let mut irqs: Vec<u32> = if_there(examination.host.names(&folder))?
            .unwrap_or_default()
            .iter()
            .filter_map(|irq| irq.parse().ok())
            .collect();
        let line = examination.host.number_if_there(&format!("/sys/class/net/{interface}/device/irq"))?;
        irqs.extend(line.and_then(|irq| u32::try_from(irq).ok()).filter(|irq| *irq > 0));
        let served: Vec<&IrqThread> = threads.iter().filter(|thread| irqs.contains(&thread.irq)).collect();
        // Without threads (an ordinary kernel) interrupts precede everything.
        let Some(lowest) = served.iter().min_by_key(|thread| thread.priority) else { continue };
        let found = format!("{interface}: irq {} at priority {}, the cycle at {priority}", lowest.irq, lowest.priority);
        judgements.push(if lowest.priority > priority {
            judged(Verdict::Good, found, None)
        } else {
            let above = u32::from(priority) + 1;
            let hint = format!("chrt -f -p {above} {}, likewise each irq thread of {interface}", lowest.process);
            judged(Verdict::Warn, found, Some(hint))
        });
    }
    Ok(judgements)
}

fn coalescing(examination: &Examination<'_>) -> Examined {
    let mut judgements = Vec::new();
    for facts in &examination.trial.nics {
        let interface = &facts.interface;
        let (delay_us, adaptive) = match facts.rx_coalesce_us.and_then(|delay_us| Ok((delay_us, facts.adaptive_rx?))) {
            Ok(facts) => facts,
            Err(error) => {
                judgements.extend(refused(interface, error));
                continue;
            }
        };
        judgements.push(if delay_us == 0 && !adaptive {
            judged(Verdict::Good, format!("{interface}: none"), None)
        } else {
            let adaptive = if adaptive { ", adaptive" } else { "" };
            let hint = format!("ethtool -C {interface} adaptive-rx off rx-usecs 0 tx-usecs 0");
            judged(Verdict::Warn, format!("{interface}: frames gathered for {delay_us} µs{adaptive}"), Some(hint))
        });
    }
    Ok(judgements)
}

fn eee(examination: &Examination<'_>) -> Examined {
    let judge = |interface: &str, on| match on {
        false => judged(Verdict::Good, format!("{interface}: off"), None),
        true => {
            judged(Verdict::Warn, format!("{interface}: on"), Some(format!("ethtool --set-eee {interface} eee off")))
        }
    };
    let nics = examination.trial.nics.iter();
    let judged = nics.filter_map(|facts| match facts.eee {
        Ok(on) => Some(judge(&facts.interface, on)),
        Err(error) => refused(&facts.interface, error),
    });
    Ok(judged.collect())
}

/// A CAN interface whose queue is short refuses frames (ENOBUFS) that a cycle sends at once: SYNC, and a PDO to each node.
fn can_queue(examination: &Examination<'_>) -> Examined {
    /// ARPHRD_CAN (linux/if_arp.h).
    const CAN_HARDWARE: i64 = 280;
    /// What holds a SYNC and the PDOs of the fullest bus, and some.
    const ENOUGH: i64 = 128;
    let host = examination.host;
    let mut judgements = Vec::new();
    for interface in &examination.subject.interfaces {
        let folder = format!("/sys/class/net/{interface}");
        if host.number_if_there(&format!("{folder}/type"))? != Some(CAN_HARDWARE) {
            continue;
        }
        let Some(length) = host.number_if_there(&format!("{folder}/tx_queue_len"))? else { continue };
        let found = format!("{interface}: {length} frames");
        judgements.push(if length >= ENOUGH {
            judged(Verdict::Good, found, None)
        } else {
            judged(Verdict::Warn, found, Some(format!("ip link set {interface} txqueuelen {ENOUGH}")))
        });
    }
    Ok(judgements)
}

fn gro(examination: &Examination<'_>) -> Examined {
    let host = examination.host;
    let mut judgements = Vec::new();
    for interface in &examination.subject.interfaces {
        for name in ["gro_flush_timeout", "napi_defer_hard_irqs"] {
            let file = format!("/sys/class/net/{interface}/{name}");
            if let Some(value) = host.number_if_there(&file)?.filter(|value| *value != 0) {
                let hint = Some(format!("echo 0 > {file}"));
                judgements.push(judged(Verdict::Warn, format!("{interface}: {name} is {value}"), hint));
            }
        }
    }
    for facts in &examination.trial.nics {
        let interface = &facts.interface;
        match facts.gro {
            Ok(true) => {
                let hint = Some(format!("ethtool -K {interface} gro off"));
                judgements.push(judged(Verdict::Warn, format!("{interface}: received frames are joined"), hint));
            }
            Ok(false) => judgements.push(judged(Verdict::Good, format!("{interface}: off"), None)),
            Err(error) => judgements.extend(refused(interface, error)),
        }
    }
    Ok(judgements)
}
