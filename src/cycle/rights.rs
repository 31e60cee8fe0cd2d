//! The rights that the real-time thread needs, taken by trial, and what stands behind a refusal.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use thread_priority::{
    Error, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id, thread_schedule_policy_param,
};

use super::preparation::{Degraded, Provision, Step};

/// Number of CAP_IPC_LOCK (linux/capability.h).
pub const CAP_IPC_LOCK: u32 = 14;
/// Number of CAP_SYS_NICE.
pub const CAP_SYS_NICE: u32 = 23;

/// Whether the process has a capability that counts for the host: one inside a user namespace does not.
pub fn has_capability(capability: u32) -> bool {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    in_initial_user_namespace(&read("/proc/self/uid_map")) && effective(&read("/proc/self/status"), capability)
}

pub(crate) fn in_initial_user_namespace(uid_map: &str) -> bool {
    uid_map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

pub(crate) fn effective(status: &str, capability: u32) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .is_some_and(|set| set >> capability & 1 != 0)
}

/// Puts the calling thread under SCHED_FIFO and reads back that it is.
pub fn schedule_fifo(priority: u8) -> Step {
    let fifo = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let degraded = |why: String, remedy: String| Degraded { reason: Provision::Scheduling, why, remedy };
    let value = ThreadPriorityValue::try_from(priority)
        .map_err(|_| degraded(format!("{priority} is no priority"), "use priority = 1 to 98".into()))?;
    let thread = thread_native_id();
    if let Err(error) = set_thread_priority_and_policy(thread, ThreadPriority::Crossplatform(value), fifo) {
        let facts = SchedulingFacts::of_this_process();
        let code = match error {
            Error::OS(code) => code,
            _ => 0,
        };
        let why = format!("SCHED_FIFO {priority} refused: {}", Errno::from_raw(code).desc());
        return Err(degraded(format!("{why} ({})", facts.found()), facts.remedy(priority)));
    }
    // Setting can succeed and still leave another policy in force (a library that maps it): believe what is read.
    match thread_schedule_policy_param(thread) {
        Ok((policy, parameters)) if policy == fifo && parameters.sched_priority == i32::from(priority) => {
            Ok((Provision::Scheduling, format!("SCHED_FIFO {priority}")))
        }
        found => Err(degraded(
            format!("SCHED_FIFO {priority} was set but {found:?} is in force"),
            "report the kernel and C library in use".into(),
        )),
    }
}

/// What decides about SCHED_FIFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SchedulingFacts {
    /// Soft RLIMIT_RTPRIO.
    limit: u64,
    cap_sys_nice: bool,
    /// `cpu.rt_runtime_us` of the own cgroup, where the kernel has it.
    group_runtime_us: Option<i64>,
}

impl SchedulingFacts {
    fn of_this_process() -> SchedulingFacts {
        let limit = rtprio_limit(&std::fs::read_to_string("/proc/self/limits").unwrap_or_default());
        let cgroups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        SchedulingFacts {
            limit,
            cap_sys_nice: has_capability(CAP_SYS_NICE),
            group_runtime_us: group_runtime_us(&cgroups, Path::new("/sys/fs/cgroup")),
        }
    }

    fn found(&self) -> String {
        let group = self.group_runtime_us.map_or(String::new(), |us| format!(", cgroup cpu.rt_runtime_us {us}"));
        let capability = if self.cap_sys_nice { "with" } else { "without" };
        format!("RLIMIT_RTPRIO {}, {capability} CAP_SYS_NICE{group}", self.limit)
    }

    fn remedy(&self, priority: u8) -> String {
        if !self.cap_sys_nice && self.limit < u64::from(priority) {
            return format!(
                "allow the priority: LimitRTPRIO={priority} in the unit, `@motion - rtprio {priority}` in \
                 /etc/security/limits.d, or CAP_SYS_NICE"
            );
        }
        match self.group_runtime_us {
            Some(0) => "give the cgroup real-time time: write e.g. 950000 to its cpu.rt_runtime_us (kernel with \
                        RT_GROUP_SCHED), or move the process to the root cgroup"
                .into(),
            _ => "look for RestrictRealtime=yes or a SystemCallFilter without @resources in the unit, or a container \
                  without CAP_SYS_NICE"
                .into(),
        }
    }
}

/// The soft limit in the text of /proc/self/limits (`Max realtime priority  0  0`); nix does not name this resource on
/// every target.
pub(crate) fn rtprio_limit(limits: &str) -> u64 {
    limits
        .lines()
        .find_map(|line| line.strip_prefix("Max realtime priority"))
        .and_then(|values| values.split_ascii_whitespace().next())
        .map_or(0, |soft| if soft == "unlimited" { u64::MAX } else { soft.parse().unwrap_or(0) })
}

/// `cpu.rt_runtime_us` of the group that /proc/self/cgroup names for the cpu controller (version 1 only: version 2
/// has no such file).
fn group_runtime_us(cgroups: &str, root: &Path) -> Option<i64> {
    let (controllers, group) = cgroups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let controllers = fields.next()?;
        controllers.split(',').any(|name| name == "cpu").then_some((controllers, fields.next()?))
    })?;
    [controllers, "cpu"].into_iter().find_map(|mount| {
        let file = root.join(mount).join(group.trim_start_matches('/')).join("cpu.rt_runtime_us");
        std::fs::read_to_string(file).ok()?.trim().parse().ok()
    })
}

/// Pins the calling thread to one CPU and reads back that it is.
pub fn pin(cpu: usize) -> Step {
    let this = Pid::from_raw(0);
    let set = || {
        let mut set = CpuSet::new();
        set.set(cpu)?;
        sched_setaffinity(this, &set)?;
        Ok(sched_getaffinity(this)? == set)
    };
    let why = match set() {
        Ok(true) => return Ok((Provision::Affinity, format!("pinned to CPU {cpu}"))),
        Ok(false) => format!("CPU {cpu} was set but another affinity is in force"),
        Err(Errno::EINVAL) => format!("CPU {cpu} does not exist, is offline, or is not in the cpuset of the process"),
        Err(error) => format!("CPU {cpu}: {error}"),
    };
    let remedy = "set cpu to one of /sys/devices/system/cpu/online; look at AllowedCPUs= and CPUAffinity= in the unit";
    Err(Degraded { reason: Provision::Affinity, why, remedy: remedy.into() })
}

/// Keeps every CPU out of deep sleep for as long as it lives.
#[derive(Debug)]
pub struct CpuLatencyHold {
    _file: File,
}

/// The kernel's file for requests of CPU wake-up latency (Documentation/power/pm_qos_interface.rst).
pub const CPU_DMA_LATENCY: &str = "/dev/cpu_dma_latency";

/// Asks for a wake-up latency of 0 µs through `path` ([`CPU_DMA_LATENCY`]).
pub fn hold_cpu_latency(path: &Path) -> Result<(CpuLatencyHold, (Provision, String)), Degraded> {
    let open = || {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.write_all(&0i32.to_ne_bytes())?;
        Ok::<File, std::io::Error>(file)
    };
    match open() {
        Ok(file) => Ok((CpuLatencyHold { _file: file }, (Provision::CpuLatency, "deep sleep of CPUs held off".into()))),
        Err(error) => Err(Degraded {
            reason: Provision::CpuLatency,
            why: format!("{}: {error}", path.display()),
            remedy: "let the daemon's group write it (udev or tmpfiles.d, DeviceAllow= and PrivateDevices=no in the \
                     unit), or set hold-cpu-latency = false"
                .into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSING: SchedulingFacts = SchedulingFacts { limit: 0, cap_sys_nice: false, group_runtime_us: None };

    #[test]
    fn the_remedy_names_the_right_that_is_missing() {
        for (facts, part) in [
            (MISSING, "LimitRTPRIO=80"),
            (SchedulingFacts { limit: 79, ..MISSING }, "limits.d"),
            (SchedulingFacts { limit: 80, group_runtime_us: Some(0), ..MISSING }, "cpu.rt_runtime_us"),
            (SchedulingFacts { cap_sys_nice: true, group_runtime_us: Some(0), ..MISSING }, "cpu.rt_runtime_us"),
            (SchedulingFacts { limit: 99, group_runtime_us: Some(950_000), ..MISSING }, "RestrictRealtime"),
            (SchedulingFacts { limit: 99, ..MISSING }, "RestrictRealtime"),
        ] {
            let remedy = facts.remedy(80);
            assert!(remedy.contains(part), "{facts:?}: {remedy:?} lacks {part:?}");
        }
    }

    #[test]
    fn limits_and_capabilities_are_read_from_the_kernels_text() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max nice priority         0                    0                    \n\
                      Max realtime priority     40                   80                   \n";
        assert_eq!(rtprio_limit(limits), 40);
        assert_eq!(rtprio_limit("Max realtime priority     unlimited  unlimited"), u64::MAX);
        assert_eq!(rtprio_limit("nonsense"), 0);
        let status = "Name:\tmotiond\nCapPrm:\tffffffffffffffff\nCapEff:\t0000000000004000\n";
        assert!(effective(status, CAP_IPC_LOCK) && !effective(status, CAP_SYS_NICE));
        assert!(!effective("CapEff:\tzz", CAP_IPC_LOCK));
        assert!(in_initial_user_namespace("         0          0 4294967295\n"));
        assert!(!in_initial_user_namespace("         0       1000          1\n"));
        assert!(!in_initial_user_namespace(""));
    }

    #[test]
    fn the_groups_budget_is_found_where_the_controller_is_mounted() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("cpu,cpuacct/motion");
        std::fs::create_dir_all(&group).unwrap();
        std::fs::write(group.join("cpu.rt_runtime_us"), "0\n").unwrap();
        let cgroups = "9:name=systemd:/\n3:cpuset:/x\n1:cpu,cpuacct:/motion\n0::/\n";
        assert_eq!(group_runtime_us(cgroups, root.path()), Some(0));
        assert_eq!(group_runtime_us("0::/user.slice\n", root.path()), None);
        assert_eq!(group_runtime_us("1:cpu:/elsewhere\n", root.path()), None);
    }

    #[test]
    fn the_request_for_no_latency_is_four_zero_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("cpu_dma_latency");
        assert_eq!(hold_cpu_latency(&file).unwrap_err().reason, Provision::CpuLatency, "it is never created");
        std::fs::write(&file, "").unwrap();
        let _held = hold_cpu_latency(&file).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), [0; 4]);
    }

    #[test]
    fn a_cpu_that_does_not_exist_is_refused_with_a_remedy() {
        let degraded = pin(1023).unwrap_err();
        assert_eq!(degraded.reason, Provision::Affinity);
        assert!(degraded.why.contains("1023"), "{degraded}");
    }
}
