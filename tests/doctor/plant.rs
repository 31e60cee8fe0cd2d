//! A host of files: a bare-metal PREEMPT_RT machine of four CPUs where all is well, for tests to spoil.

use motiond::cycle::preparation::{Degraded, Provision};
use motiond::doctor::{Examination, Finding, Host, NicFacts, Subject, Trial, Verdict, examine};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// The files of the good host. The unit is the one that is shipped.
pub const GOOD: &[(&str, &str)] = &[
    ("boot/config-6.12.0-rt", "CONFIG_HZ=250\n# CONFIG_RT_GROUP_SCHED is not set\n"),
    ("dev/cpu_dma_latency", ""),
    ("etc/security/limits.conf", "# nothing\n"),
    ("lib/systemd/system/motiond.service", include_str!("../../systemd/motiond.service")),
    ("proc/1/comm", "systemd\n"),
    ("proc/77/comm", "irq/40-eth1\n"),
    (
        "proc/77/stat",
        "77 (irq/40-eth1) S 2 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 -85 0 1 0 95 0 0 18446744073709551615 0 0 0 0 0 0 0 \
         2147483647 0 0 0 0 17 0 84 1 0 0 0 0 0 0 0 0 0 0 0\n",
    ),
    ("proc/cmdline", "root=/dev/sda1 isolcpus=managed_irq,domain,3 nohz_full=3 rcu_nocbs=3 irqaffinity=0-2\n"),
    ("proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu tsc nonstop_tsc\n"),
    (
        "proc/interrupts",
        "      CPU0  CPU1  CPU2  CPU3\n  0:    30     0     0     0  IO-APIC   timer\n 40:     9     0     0     0  PCI-MSI   eth1\nLOC:     5     5     5     5  Local timer interrupts\n",
    ),
    ("proc/irq/0/smp_affinity_list", "0\n"),
    ("proc/irq/40/effective_affinity_list", "0\n"),
    ("proc/irq/default_smp_affinity", "7\n"),
    ("proc/self/cgroup", "0::/system.slice/motiond.service\n"),
    (
        "proc/self/limits",
        "Limit                     Soft Limit           Hard Limit           Units\nMax locked memory         unlimited            unlimited            bytes\nMax realtime priority     80                   80\n",
    ),
    (
        "proc/self/status",
        "Name:\tmotiond\nUid:\t990\t990\t990\t990\nGid:\t990\t990\t990\t990\nGroups:\t990\nCapEff:\t0000000000002000\nSeccomp:\t2\n",
    ),
    ("proc/self/uid_map", "         0          0 4294967295\n"),
    ("proc/stat", "cpu  100 0 50 1000 3 0 0 0 0 0\n"),
    ("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
    ("proc/sys/kernel/osrelease", "6.12.0-rt\n"),
    ("proc/sys/kernel/sched_rt_period_us", "1000000\n"),
    ("proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
    ("proc/sys/kernel/timer_migration", "1\n"),
    ("proc/sys/kernel/version", "#1 SMP PREEMPT_RT Debian 6.12\n"),
    ("proc/sys/vm/overcommit_memory", "0\n"),
    ("sys/class/net/eth1/device/irq", "0\n"),
    ("sys/class/net/eth1/device/msi_irqs/40", "msix\n"),
    ("sys/class/net/eth1/device/numa_node", "0\n"),
    ("sys/class/net/eth1/gro_flush_timeout", "0\n"),
    ("sys/class/net/eth1/tx_queue_len", "1000\n"),
    ("sys/class/net/eth1/type", "1\n"),
    ("sys/class/net/eth1/napi_defer_hard_irqs", "0\n"),
    ("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm\n"),
    ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
    ("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "performance\n"),
    ("sys/devices/system/cpu/cpu3/cpuidle/state0/disable", "0\n"),
    ("sys/devices/system/cpu/cpu3/cpuidle/state0/latency", "0\n"),
    ("sys/devices/system/cpu/cpu3/cpuidle/state0/name", "POLL\n"),
    ("sys/devices/system/cpu/cpu3/cpuidle/state3/disable", "0\n"),
    ("sys/devices/system/cpu/cpu3/cpuidle/state3/latency", "133\n"),
    ("sys/devices/system/cpu/cpu3/cpuidle/state3/name", "C6\n"),
    ("sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "3\n"),
    ("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n"),
    ("sys/devices/system/cpu/isolated", "3\n"),
    ("sys/devices/system/cpu/nohz_full", "3\n"),
    ("sys/devices/system/cpu/online", "0-3\n"),
    ("sys/devices/system/cpu/smt/active", "0\n"),
    ("sys/devices/system/node/node0/cpulist", "0-3\n"),
    ("sys/fs/cgroup/system.slice/motiond.service/cpuset.cpus.effective", "0-3\n"),
    ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
    ("sys/kernel/realtime", "1\n"),
];

/// A planted host, what it is judged for, and what trying gave.
pub struct Plant {
    root: TempDir,
    pub subject: Subject,
    pub trial: Trial,
}

impl Plant {
    /// The good host.
    pub fn good() -> Plant {
        let plant = Plant::empty();
        for (path, text) in GOOD {
            plant.set(path, text);
        }
        plant
    }

    /// A host of which nothing can be read.
    pub fn empty() -> Plant {
        let mut trial = Trial { clock_resolution_ns: Some(1), ..Trial::default() };
        trial.preparation.done = Provision::ALL.map(|provision| (provision, "done".to_string())).to_vec();
        trial.nics = vec![NicFacts {
            interface: "eth1".into(),
            rx_coalesce_us: Ok(0),
            adaptive_rx: Ok(false),
            eee: Ok(false),
            gro: Ok(false),
        }];
        trial.smis = Some(Ok(0));
        let subject = Subject { cpu: Some(3), interfaces: vec!["eth1".into()], ..Subject::default() };
        Plant { root: tempfile::tempdir().unwrap(), subject, trial }
    }

    fn place(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Writes a file.
    pub fn set(&self, path: &str, text: &str) {
        let place = self.place(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    /// Takes a file away.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.place(path)).unwrap();
    }

    /// Makes reading fail, for root too: a folder is no file.
    pub fn unreadable(&self, path: &str) {
        self.remove(path);
        fs::create_dir(self.place(path)).unwrap();
    }

    /// The trial did not get this.
    pub fn refuse(&mut self, reason: Provision) {
        self.trial.preparation.done.retain(|(done, _)| *done != reason);
        let (why, remedy) = ("refused".to_string(), "the cycle's own remedy".to_string());
        self.trial.preparation.degraded.push(Degraded { reason, why, remedy });
    }

    /// Runs the doctor.
    pub fn examine(&self) -> Vec<Finding> {
        let host = Host::below(self.root.path());
        examine(&Examination { host: &host, subject: &self.subject, trial: &self.trial })
    }

    /// What one check found at its worst.
    pub fn finding(&self, check: &str) -> Finding {
        let findings = self.examine();
        let found = findings.iter().find(|finding| finding.check == check);
        found.unwrap_or_else(|| panic!("no {check} among {findings:#?}")).clone()
    }
}

/// Findings that are not good, a line each.
pub fn trouble(findings: &[Finding]) -> Vec<String> {
    let troubled = findings.iter().filter(|finding| finding.verdict != Verdict::Good);
    troubled.map(|finding| format!("{} {}: {}", finding.verdict, finding.check, finding.found)).collect()
}
