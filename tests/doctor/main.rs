//! `motiond doctor` over planted hosts (good, spoilt one thing at a time, unreadable, garbage), and the built program
//! on the machine that runs this.

mod binary;
mod plant;

use motiond::cycle::preparation::Provision;
use motiond::doctor::Verdict::{self, Bad, Unknown, Warn};
use nix::errno::Errno;
use plant::{GOOD, Plant, trouble};

#[test]
fn a_good_host_has_nothing_but_good_findings() {
    let findings = Plant::good().examine();
    assert!(findings.len() >= 28, "{}", findings.len());
    assert_eq!(trouble(&findings), [""; 0]);
}

/// How a host is spoilt, which check tells, how bad it is, and what the hint must hold.
type Case = (&'static str, fn(&mut Plant), Verdict, &'static str);

const DROP_IN: &str = "etc/systemd/system/motiond.service.d/own.conf";

fn drop_in(plant: &Plant, directive: &str) {
    plant.set(DROP_IN, &format!("[Service]\n{directive}\n"));
}

const KERNEL: &[Case] = &[
    ("preempt-rt", ordinary_kernel, Warn, "linux-image-rt-"),
    (
        "preempt-rt",
        |plant| {
            ordinary_kernel(plant);
            plant.subject.period_ns = 250_000;
        },
        Bad,
        "linux-image-rt-",
    ),
    (
        "rt-throttling",
        |plant| plant.set("proc/sys/kernel/sched_rt_runtime_us", "0"),
        Bad,
        "sysctl -w kernel.sched_rt_runtime_us=950000",
    ),
    ("rt-throttling", |plant| plant.set("proc/sys/kernel/sched_rt_runtime_us", "500000"), Warn, "=950000"),
    ("timer-resolution", |plant| plant.trial.clock_resolution_ns = Some(4_000_000), Bad, "CONFIG_HIGH_RES_TIMERS"),
    (
        "timer-resolution",
        |plant| {
            plant.trial.clock_resolution_ns = Some(4_000_000);
            plant.set("proc/cmdline", "highres=off");
        },
        Bad,
        "remove highres=off",
    ),
    ("clock-tick", |plant| plant.set("proc/cmdline", "nohz=off rcu_nocbs=3"), Warn, "remove nohz=off"),
    (
        "timer-migration",
        |plant| plant.set("sys/devices/system/cpu/nohz_full", "(null)"),
        Warn,
        "sysctl -w kernel.timer_migration=0",
    ),
    (
        "clocksource",
        |plant| plant.set("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet"),
        Bad,
        "echo tsc > /sys/devices/system/clocksource",
    ),
    (
        "clocksource",
        |plant| {
            plant.set("sys/devices/system/clocksource/clocksource0/current_clocksource", "acpi_pm");
            plant.set("sys/devices/system/clocksource/clocksource0/available_clocksource", "hpet acpi_pm");
        },
        Bad,
        "tsc=reliable",
    ),
    ("virtual-machine", |plant| plant.set("proc/cpuinfo", "flags\t: fpu hypervisor tsc"), Warn, "real hardware"),
    ("virtual-machine", |plant| plant.set("sys/class/dmi/id/sys_vendor", "QEMU"), Warn, "virtual CPU"),
];

fn ordinary_kernel(plant: &mut Plant) {
    plant.remove("sys/kernel/realtime");
    plant.set("proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Debian 6.12");
}

const ISOLATION: &[Case] = &[
    ("cpu", |plant| plant.subject.cpu = None, Warn, "set cpu = 3 in [realtime]"),
    ("cpu", |plant| plant.subject.cpu = Some(9), Bad, "one of 0-3"),
    (
        "cpu",
        |plant| {
            plant.subject.cpu = None;
            plant.set("sys/devices/system/cpu/online", "0");
        },
        Warn,
        "two CPUs",
    ),
    ("isolcpus", |plant| plant.set("sys/devices/system/cpu/isolated", ""), Warn, "isolcpus=managed_irq,domain,3"),
    ("nohz-full", |plant| plant.set("sys/devices/system/cpu/nohz_full", "1-2"), Warn, "nohz_full=3"),
    ("nohz-full", |plant| plant.remove("sys/devices/system/cpu/nohz_full"), Warn, "CONFIG_NO_HZ_FULL"),
    (
        "rcu-nocbs",
        |plant| {
            plant.set("sys/devices/system/cpu/nohz_full", "");
            plant.set("proc/cmdline", "rcu_nocbs=1-2");
        },
        Warn,
        "rcu_nocbs=3",
    ),
    (
        "smt",
        |plant| plant.set("sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "1,3"),
        Warn,
        "/sys/devices/system/cpu/smt/control",
    ),
    (
        "smt",
        |plant| {
            plant.subject.cpu = None;
            plant.set("sys/devices/system/cpu/smt/active", "1");
        },
        Warn,
        "nosmt",
    ),
    ("irq-affinity", |plant| plant.set("proc/irq/default_smp_affinity", "f"), Warn, "irqaffinity=0-2"),
    (
        "irqs-on-cpu",
        |plant| {
            plant.set("proc/interrupts", "  CPU0 CPU1 CPU2 CPU3\n 41: 0 0 0 17 PCI-MSI nvme0q3\n");
            plant.set("proc/irq/41/effective_affinity_list", "3");
        },
        Warn,
        "echo 0-2 > /proc/irq/41/smp_affinity_list",
    ),
    (
        "irqbalance",
        |plant| {
            plant.set("sys/devices/system/cpu/isolated", "");
            plant.set("proc/80/comm", "irqbalance");
        },
        Warn,
        "IRQBALANCE_BANNED_CPULIST=3",
    ),
];

const POWER_AND_MEMORY: &[Case] = &[
    (
        "governor",
        |plant| plant.set("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave"),
        Warn,
        "cpupower -c 3 frequency-set -g performance",
    ),
    (
        "governor",
        |plant| {
            plant.subject.cpu = None;
            plant.set("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "schedutil");
        },
        Warn,
        "cpupower -c all",
    ),
    ("turbo", |plant| plant.set("sys/devices/system/cpu/intel_pstate/no_turbo", "0"), Warn, "echo 1 > /sys/devices"),
    (
        "turbo",
        |plant| {
            plant.remove("sys/devices/system/cpu/intel_pstate/no_turbo");
            plant.set("sys/devices/system/cpu/cpufreq/boost", "1");
        },
        Warn,
        "echo 0 > /sys/devices/system/cpu/cpufreq/boost",
    ),
    ("c-states", |plant| plant.refuse(Provision::CpuLatency), Warn, "cpupower idle-set -D 21"),
    ("c-states", |plant| plant.subject.hold_cpu_latency = false, Warn, "hold-cpu-latency = true"),
    (
        "transparent-huge-pages",
        |plant| plant.set("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never"),
        Warn,
        "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
    ),
    ("swap", swaps, Warn, "swapoff -a"),
    (
        "swap",
        |plant| {
            swaps(plant);
            plant.refuse(Provision::MemoryLock);
        },
        Bad,
        "swapoff -a",
    ),
    ("overcommit", |plant| plant.set("proc/sys/vm/overcommit_memory", "2"), Warn, "sysctl -w vm.overcommit_memory=0"),
];

fn swaps(plant: &mut Plant) {
    plant.set("proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1000 0 -2\n");
}

const NETWORK: &[Case] = &[
    ("nic", |plant| plant.subject.interfaces = vec!["eth9".into()], Bad, "plug eth9 in"),
    ("nic-numa", |plant| plant.set("sys/devices/system/node/node0/cpulist", "0-1"), Warn, "one of 0-1"),
    ("nic-irq-thread", |plant| plant.subject.priority = 90, Warn, "chrt -f -p 91 77"),
    ("nic-coalescing", |plant| plant.trial.nics[0].rx_coalesce_us = Ok(50), Warn, "ethtool -C eth1"),
    ("nic-coalescing", |plant| plant.trial.nics[0].adaptive_rx = Ok(true), Warn, "adaptive-rx off"),
    ("nic-coalescing", |plant| plant.trial.nics[0].rx_coalesce_us = Err(Errno::EPERM), Unknown, "root"),
    ("nic-eee", |plant| plant.trial.nics[0].eee = Ok(true), Warn, "ethtool --set-eee eth1 eee off"),
    ("nic-gro", |plant| plant.trial.nics[0].gro = Ok(true), Warn, "ethtool -K eth1 gro off"),
    (
        "nic-gro",
        |plant| plant.set("sys/class/net/eth1/gro_flush_timeout", "20000"),
        Warn,
        "echo 0 > /sys/class/net/eth1",
    ),
];

/// A terminal of somebody who logged in, without any right.
fn session(plant: &mut Plant, reason: Provision) {
    plant.set("proc/self/cgroup", "0::/user.slice/user-1000.slice/session-4.scope");
    plant.set("proc/self/limits", "Max locked memory 8388608 8388608 bytes\nMax realtime priority 0 0\n");
    plant.set("proc/self/status", "Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nSeccomp:\t0\n");
    plant.refuse(reason);
}

fn refused(plant: &mut Plant, reason: Provision, directive: &str) {
    drop_in(plant, directive);
    plant.refuse(reason);
}

const RIGHTS: &[Case] = &[
    (
        "scheduling",
        |plant| {
            plant.set("proc/self/limits", "Max realtime priority 0 0\n");
            plant.refuse(Provision::Scheduling);
        },
        Bad,
        "set LimitRTPRIO=80 in motiond.service",
    ),
    (
        "scheduling",
        |plant| session(plant, Provision::Scheduling),
        Bad,
        "`@motion - rtprio 80` in /etc/security/limits.d/motion.conf, then log in again",
    ),
    (
        "scheduling",
        |plant| {
            session(plant, Provision::Scheduling);
            plant.set("etc/security/limits.d/audio.conf", "# audio\n@audio - rtprio 95\n");
        },
        Bad,
        "/etc/security/limits.d/audio.conf:2 grants it to @audio",
    ),
    (
        "scheduling",
        |plant| refused(plant, Provision::Scheduling, "RestrictRealtime=yes"),
        Bad,
        "RestrictRealtime=yes (/etc/systemd/system/motiond.service.d/own.conf:2) forbids it",
    ),
    (
        "scheduling",
        |plant| refused(plant, Provision::Scheduling, "SystemCallFilter=~@resources"),
        Bad,
        "SystemCallFilter=~@resources (/etc/systemd/system/motiond.service.d/own.conf:2)",
    ),
    (
        "scheduling",
        |plant| {
            plant.set("proc/self/cgroup", "3:cpu,cpuacct:/motion\n0::/motion\n");
            plant.set("sys/fs/cgroup/cpu,cpuacct/motion/cpu.rt_runtime_us", "0");
            plant.refuse(Provision::Scheduling);
        },
        Bad,
        "echo 950000 > /sys/fs/cgroup/cpu,cpuacct/motion/cpu.rt_runtime_us",
    ),
    (
        "scheduling",
        |plant| {
            plant.set("boot/config-6.12.0-rt", "CONFIG_RT_GROUP_SCHED=y\n");
            plant.refuse(Provision::Scheduling);
        },
        Bad,
        "rt_group_sched=0",
    ),
    (
        "scheduling",
        |plant| {
            plant.set("proc/self/cgroup", "0::/\n");
            plant.refuse(Provision::Scheduling);
        },
        Bad,
        "the cycle's own remedy",
    ),
    (
        "rt-group",
        |plant| {
            plant.set("proc/self/cgroup", "3:cpu:/motion\n");
            plant.set("sys/fs/cgroup/cpu/motion/cpu.rt_runtime_us", "0");
        },
        Bad,
        "echo 950000 > /sys/fs/cgroup/cpu/motion/cpu.rt_runtime_us",
    ),
    ("rt-group", |plant| plant.set("boot/config-6.12.0-rt", "CONFIG_RT_GROUP_SCHED=y"), Warn, "rt_group_sched=0"),
    ("memory-lock", |plant| plant.refuse(Provision::MemoryLock), Bad, "LimitMEMLOCK=infinity in motiond.service"),
    ("memory-lock", |plant| session(plant, Provision::MemoryLock), Bad, "`@motion - memlock unlimited`"),
    (
        "memory-lock",
        |plant| refused(plant, Provision::MemoryLock, "SystemCallFilter=~@memlock"),
        Bad,
        "SystemCallFilter=~@memlock (/etc/systemd/system/motiond.service.d/own.conf:2) forbids it",
    ),
    ("memory-lock", |plant| plant.subject.lock_memory = false, Warn, "lock-memory = true"),
    (
        "affinity",
        |plant| {
            plant.set("sys/fs/cgroup/system.slice/motiond.service/cpuset.cpus.effective", "0-2");
            plant.refuse(Provision::Affinity);
        },
        Bad,
        "add CPU 3 to AllowedCPUs= of motiond.service",
    ),
    (
        "affinity",
        |plant| {
            plant.subject.cpu = Some(9);
            plant.refuse(Provision::Affinity);
        },
        Bad,
        "set cpu in [realtime] to one of 0-3",
    ),
    (
        "cpu-latency",
        |plant| {
            plant.remove("dev/cpu_dma_latency");
            plant.refuse(Provision::CpuLatency);
        },
        Warn,
        "PrivateDevices=no and DeviceAllow=/dev/cpu_dma_latency rw",
    ),
    (
        "cpu-latency",
        |plant| refused(plant, Provision::CpuLatency, "PrivateDevices=yes"),
        Warn,
        "PrivateDevices=yes (/etc/systemd/system/motiond.service.d/own.conf:2): PrivateDevices=no",
    ),
    (
        "cpu-latency",
        |plant| plant.refuse(Provision::CpuLatency),
        Warn,
        "`z /dev/cpu_dma_latency 0660 root motiond` in /etc/tmpfiles.d/motiond.conf",
    ),
    (
        "cpu-latency",
        |plant| {
            plant.set("proc/self/status", "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n");
            plant.refuse(Provision::CpuLatency);
        },
        Warn,
        "DeviceAllow=/dev/cpu_dma_latency rw in the unit",
    ),
    ("preparation", |plant| plant.refuse(Provision::Allocator), Warn, "the cycle's own remedy"),
];

const UNIT: &[Case] = &[
    ("unit", |plant| drop_in(plant, "RestrictRealtime=true"), Bad, "remove RestrictRealtime="),
    ("unit", |plant| drop_in(plant, "LimitRTPRIO=40"), Bad, "set LimitRTPRIO=80"),
    ("unit", |plant| drop_in(plant, "LimitRTPRIO="), Bad, "set LimitRTPRIO=80"),
    ("unit", |plant| drop_in(plant, "LimitMEMLOCK=8M"), Bad, "set LimitMEMLOCK=infinity"),
    ("unit", |plant| drop_in(plant, "SystemCallFilter=~sched_setscheduler"), Bad, "SystemCallFilter=@resources"),
    ("unit", |plant| drop_in(plant, "SystemCallFilter=~@memlock"), Bad, "SystemCallFilter=@memlock"),
    ("unit", |plant| drop_in(plant, "AllowedCPUs=0-2"), Bad, "add CPU 3 to AllowedCPUs="),
    ("unit", |plant| drop_in(plant, "PrivateDevices=yes"), Warn, "DeviceAllow=/dev/cpu_dma_latency rw"),
    ("unit", |plant| drop_in(plant, "DeviceAllow=\nDeviceAllow=/dev/null r"), Warn, "DeviceAllow=/dev/cpu_dma_latency"),
    ("unit", |plant| drop_in(plant, "ProcSubset=pid"), Warn, "set ProcSubset=all"),
    ("unit", |plant| drop_in(plant, "CPUSchedulingPolicy=fifo"), Warn, "remove CPUSchedulingPolicy="),
];

#[test]
fn each_planted_misconfiguration_is_found_with_its_hint() {
    let mut wrong = Vec::new();
    let tables = [KERNEL, ISOLATION, POWER_AND_MEMORY, NETWORK, RIGHTS, UNIT];
    for (number, (check, spoil, verdict, hint)) in tables.into_iter().flatten().enumerate() {
        let mut plant = Plant::good();
        spoil(&mut plant);
        let finding = plant.finding(check);
        let held = finding.hint.as_ref().is_some_and(|found| found.contains(hint));
        if finding.verdict != *verdict || !held {
            wrong.push(format!("case {number}: {check} shall be {verdict} with {hint:?}: {finding:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_directive_is_named_with_its_file_and_line() {
    let plant = Plant::good();
    drop_in(&plant, "\n# from a hardening guide\nRestrictRealtime=yes");
    let finding = plant.finding("unit");
    assert_eq!(finding.found, format!("RestrictRealtime=yes (/{DROP_IN}:4)"));
}

/// What a check reads first, and which check then cannot tell.
const READ: &[(&str, &str)] = &[
    ("rt-group", "proc/self/cgroup"),
    ("unit", "lib/systemd/system/motiond.service"),
    ("preempt-rt", "sys/kernel/realtime"),
    ("rt-throttling", "proc/sys/kernel/sched_rt_runtime_us"),
    ("clock-tick", "proc/cmdline"),
    ("timer-migration", "proc/sys/kernel/timer_migration"),
    ("cpu", "sys/devices/system/cpu/online"),
    ("isolcpus", "sys/devices/system/cpu/isolated"),
    ("nohz-full", "sys/devices/system/cpu/nohz_full"),
    ("rcu-nocbs", "proc/cmdline"),
    ("smt", "sys/devices/system/cpu/cpu3/topology/thread_siblings_list"),
    ("irq-affinity", "proc/irq/default_smp_affinity"),
    ("irqs-on-cpu", "proc/interrupts"),
    ("governor", "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor"),
    ("turbo", "sys/devices/system/cpu/intel_pstate/no_turbo"),
    ("c-states", "sys/devices/system/cpu/cpu3/cpuidle/state3/latency"),
    ("clocksource", "sys/devices/system/clocksource/clocksource0/current_clocksource"),
    ("virtual-machine", "proc/cpuinfo"),
    ("transparent-huge-pages", "sys/kernel/mm/transparent_hugepage/enabled"),
    ("swap", "proc/swaps"),
    ("overcommit", "proc/sys/vm/overcommit_memory"),
    ("nic-numa", "sys/class/net/eth1/device/numa_node"),
    ("nic-irq-thread", "sys/class/net/eth1/device/irq"),
    ("nic-gro", "sys/class/net/eth1/gro_flush_timeout"),
];

#[test]
fn what_cannot_be_read_is_unknown_and_says_which_file_and_why() {
    for (check, path) in READ {
        let plant = Plant::good();
        plant.unreadable(path);
        let finding = plant.finding(check);
        assert_eq!(finding.verdict, Unknown, "{check}: {finding:?}");
        assert!(finding.found.contains(path) && finding.found.contains("directory"), "{check}: {finding:?}");
        assert!(finding.hint.is_some(), "{check}");
    }
}

#[test]
fn every_check_that_reads_files_is_among_those_made_unreadable() {
    // Those that judge trials, or the presence of something, have no file that could be refused.
    let without = ["scheduling", "memory-lock", "affinity", "cpu-latency", "timer-resolution", "irqbalance", "nic"];
    let of_nics = ["nic-coalescing", "nic-eee"];
    for finding in Plant::good().examine() {
        let listed = READ.iter().any(|(check, _)| *check == finding.check);
        assert!(listed || without.contains(&finding.check) || of_nics.contains(&finding.check), "{}", finding.check);
    }
}

#[test]
fn a_host_without_proc_and_sys_is_unknown_not_an_error() {
    let findings = Plant::empty().examine();
    assert!(findings.iter().any(|finding| finding.verdict == Unknown), "{findings:?}");
    let bad: Vec<_> = findings.iter().filter(|finding| finding.verdict == Bad).map(|finding| finding.check).collect();
    assert_eq!(bad, ["nic"], "only the interface is known to be missing");
}

/// Pieces of which garbage is made: what the parsers look for, and what they do not expect.
const PIECES: &[&str] = &[
    "0",
    "-1",
    "3",
    "18446744073709551616",
    "9223372036854775807",
    "-9223372036854775808",
    "0-8191",
    "0-99999999",
    ",",
    "-",
    ":",
    "::",
    "\n",
    " ",
    "\t",
    "\0",
    "\u{1b}[2J",
    "[",
    "]",
    "=",
    "~",
    "\\\n",
    "(",
    ")",
    "é",
    "CPU3",
    "cpu ",
    "Max realtime priority",
    "CapEff:",
    "Seccomp:\t2",
    "[Service]\n",
    "SystemCallFilter=",
    "LimitRTPRIO=",
    "irq/",
    "rcu_nocbs=",
    "CONFIG_HZ=",
    "@x - rtprio 99",
    "/../../..",
    "Filename",
    "flags",
    "hypervisor",
    "state",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..proptest::prelude::ProptestConfig::with_cases(300) })]

    #[test]
    fn garbage_in_any_file_never_panics_and_never_drives_the_terminal(
        files in proptest::collection::vec((0..GOOD.len(), proptest::collection::vec(0..PIECES.len(), 0..12)), 1..20),
        refused in proptest::bool::ANY,
    ) {
        let mut plant = Plant::good();
        if refused {
            Provision::ALL.into_iter().for_each(|provision| plant.refuse(provision));
        }
        for (file, pieces) in &files {
            let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
            plant.set(GOOD[*file].0, &text);
        }
        for finding in plant.examine() {
            let text = format!("{} {}", finding.found, finding.hint.clone().unwrap_or_default());
            proptest::prop_assert!(!text.contains(char::is_control), "{finding:?}");
            proptest::prop_assert!(finding.verdict == Verdict::Good || finding.hint.is_some(), "{finding:?}");
        }
    }
}
