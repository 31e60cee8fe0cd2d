//! The machine under the kernel: its clock, and whether it is one.

use super::examination::{Check, Examination};
use super::finding::{Examined, bad, good, warn};
use super::host::shown;
use super::smi;

pub(super) const CHECKS: &[Check] = &[
    Check { name: "clocksource", wanted: "the CPU's own counter", examine: clocksource },
    Check { name: "virtual-machine", wanted: "real hardware", examine: virtual_machine },
    Check { name: "smi", wanted: "no system management interrupts", examine: smi::examine },
];

fn clocksource(examination: &Examination<'_>) -> Examined {
    let host = examination.host;
    const FOLDER: &str = "/sys/devices/system/clocksource/clocksource0";
    let current = host.text(&format!("{FOLDER}/current_clocksource"))?;
    let name = shown(&current);
    match current.as_str() {
        "tsc" | "arch_sys_counter" | "kvm-clock" | "hyperv_clocksource_tsc_page" | "riscv_clocksource" | "timebase" => {
            good(name)
        }
        "hpet" | "acpi_pm" | "jiffies" | "refined-jiffies" | "pit" => {
            let available = host.text(&format!("{FOLDER}/available_clocksource")).unwrap_or_default();
            let hint = if available.split_whitespace().any(|other| other == "tsc") {
                format!("echo tsc > {FOLDER}/current_clocksource; look in dmesg for why it was left")
            } else {
                "look in dmesg for why tsc was marked unstable; where the board is trusted, boot with tsc=reliable"
                    .into()
            };
            bad(format!("{name}: reading it leaves the CPU"), hint)
        }
        _ => warn(name, "look whether this clock is read without a system call (vDSO)"),
    }
}

fn virtual_machine(examination: &Examination<'_>) -> Examined {
    let host = examination.host;
    let cpu_info = host.text("/proc/cpuinfo")?;
    let flagged = cpu_info
        .lines()
        .any(|line| line.starts_with("flags") && line.split_whitespace().any(|flag| flag == "hypervisor"));
    let product = host.text("/sys/class/dmi/id/product_name").unwrap_or_default();
    let maker = host.text("/sys/class/dmi/id/sys_vendor").unwrap_or_default();
    let known = ["QEMU", "KVM", "VMware", "VirtualBox", "Virtual Machine", "Xen", "Bochs"];
    let named = known.iter().any(|name| product.contains(name) || maker.contains(name));
    if !flagged && !named && !host.has("/sys/hypervisor/type") {
        return good("no sign of a hypervisor");
    }
    let name = [maker, product].into_iter().find(|name| !name.is_empty());
    let name = name.map_or(String::new(), |name| format!(" ({})", shown(&name)));
    let hint = "run on real hardware, or pin each virtual CPU to a host CPU of its own under a real-time policy";
    warn(format!("a virtual machine{name}{}", stolen(examination).unwrap_or_default()), hint)
}

/// The share of its time that the hypervisor kept, from the first line of /proc/stat.
fn stolen(examination: &Examination<'_>) -> Option<String> {
    let stat = examination.host.text("/proc/stat").ok()?;
    let times: Vec<u64> =
        stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().map_while(|time| time.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal: the rest is part of the first two.
    let total = times.iter().take(8).fold(0u64, |sum, time| sum.saturating_add(*time));
    let steal = *times.get(7)?;
    (total > 0).then(|| format!(", {:.1} % of its time stolen since boot", steal as f64 * 100.0 / total as f64))
}
