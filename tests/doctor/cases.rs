//! Each way in which a host can be spoilt.

use motiond::cycle::preparation::Provision;
use motiond::doctor::Unread;
use motiond::doctor::Verdict::{self, Bad, Unknown, Warn};
use nix::errno::Errno;

use crate::plant::Plant;

pub const ALL: &[&[Case]] = &[KERNEL, ISOLATION, POWER_AND_MEMORY, NETWORK, RIGHTS, UNIT];

/// How a host is spoilt, which check tells, how bad it is, and what the hint must hold.
pub type Case = (&'static str, fn(&mut Plant), Verdict, &'static str);

pub const DROP_IN: &str = "etc/systemd/system/motiond.service.d/own.conf";

pub fn drop_in(plant: &Plant, directive: &str) {
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
    ("smi", |plant| plant.trial.smis = Some(Ok(2)), Warn, "legacy USB"),
    ("smi", |plant| plant.trial.smis = Some(Err(Unread::Absent("/dev/cpu/3/msr".into()))), Unknown, "modprobe msr"),
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
    (
        "nic-can-queue",
        |plant| {
            plant.set("sys/class/net/eth1/type", "280");
            plant.set("sys/class/net/eth1/tx_queue_len", "10");
        },
        Warn,
        "ip link set eth1 txqueuelen 128",
    ),
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
