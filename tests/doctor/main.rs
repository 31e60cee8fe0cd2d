//! `motiond doctor` over planted hosts (good, spoilt one thing at a time, unreadable, garbage), and the built program
//! on the machine that runs this.

mod binary;
mod cases;
mod plant;

use cases::{DROP_IN, drop_in};
use motiond::cycle::preparation::Provision;
use motiond::doctor::Verdict::{self, Bad, Unknown};
use plant::{GOOD, Plant, trouble};

#[test]
fn a_good_host_has_nothing_but_good_findings() {
    let findings = Plant::good().examine();
    assert!(findings.len() >= 28, "{}", findings.len());
    assert_eq!(trouble(&findings), [""; 0]);
}

#[test]
fn each_planted_misconfiguration_is_found_with_its_hint() {
    let mut wrong = Vec::new();
    for (number, (check, spoil, verdict, hint)) in cases::ALL.iter().copied().flatten().enumerate() {
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
    ("nic-can-queue", "sys/class/net/eth1/type"),
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
    let without =
        ["scheduling", "memory-lock", "affinity", "cpu-latency", "timer-resolution", "irqbalance", "nic", "smi"];
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
