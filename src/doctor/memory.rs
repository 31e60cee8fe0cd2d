//! Memory that moves under a running cycle.

use super::examination::{Check, Examination};
use super::finding::{Examined, bad, good, warn};
use super::host::{garbled, shown};
use crate::cycle::preparation::Provision;

pub(super) const CHECKS: &[Check] = &[
    Check { name: "transparent-huge-pages", wanted: "madvise or never", examine: huge_pages },
    Check { name: "swap", wanted: "no swap", examine: swap },
    Check { name: "overcommit", wanted: "memory is promised freely", examine: overcommit },
];

fn huge_pages(examination: &Examination<'_>) -> Examined {
    const FILE: &str = "/sys/kernel/mm/transparent_hugepage/enabled";
    let Some(text) = examination.host.text_if_there(FILE)? else { return good("this kernel has none") };
    let chosen = text.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'));
    match chosen {
        Some("always") => warn("always", format!("echo madvise > {FILE} (transparent_hugepage=madvise at boot)")),
        Some(word @ ("madvise" | "never")) => good(word),
        _ => Err(garbled(FILE, &text)),
    }
}

fn swap(examination: &Examination<'_>) -> Examined {
    let Some(text) = examination.host.text_if_there("/proc/swaps")? else { return good("this kernel has none") };
    let mut areas = text.lines();
    if !areas.next().is_some_and(|heading| heading.starts_with("Filename")) {
        return Err(garbled("/proc/swaps", &text));
    }
    let names: Vec<String> = areas.filter_map(|area| area.split_whitespace().next()).map(shown).collect();
    if names.is_empty() {
        return good("none");
    }
    let found = format!("swaps to {}", shown(&names.join(", ")));
    let hint = "swapoff -a, and take the swap lines out of /etc/fstab";
    if examination.trial.lack(Provision::MemoryLock).is_some() {
        return bad(format!("{found}, and memory is not locked"), hint);
    }
    warn(found, hint)
}

fn overcommit(examination: &Examination<'_>) -> Examined {
    const FILE: &str = "/proc/sys/vm/overcommit_memory";
    match examination.host.number(FILE)? {
        mode @ (0 | 1) => good(format!("mode {mode}")),
        2 => warn("mode 2: an allocation may fail with memory left", "sysctl -w vm.overcommit_memory=0"),
        other => Err(garbled(FILE, &other.to_string())),
    }
}
