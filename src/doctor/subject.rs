//! What the host is judged for: the cycle as it is configured.

use crate::config::MachineConfig;
use crate::config::machine::BusConfig;
use crate::limits::DOCTOR_SHARP_PERIOD_NS;

/// The cycle that this host shall run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Time from one cycle to the next, nanoseconds.
    pub period_ns: u64,
    /// SCHED_FIFO priority, 1 to 98.
    pub priority: u8,
    /// The CPU that it is pinned to.
    pub cpu: Option<usize>,
    /// Keep all memory in RAM.
    pub lock_memory: bool,
    /// Keep the CPUs out of deep sleep.
    pub hold_cpu_latency: bool,
    /// Heap that is touched and kept, bytes.
    pub heap_reserve_bytes: usize,
    /// Busy waiting before each cycle, nanoseconds.
    pub spin_ns: u64,
    /// Network interfaces of its buses.
    pub interfaces: Vec<String>,
}

impl Subject {
    /// What a configuration asks for.
    pub fn of(config: &MachineConfig) -> Subject {
        let realtime = &config.realtime;
        let of = |bus: &BusConfig| [bus.interface.clone(), bus.redundant_interface.clone()];
        let mut interfaces: Vec<String> = config.buses.iter().flat_map(of).flatten().collect();
        interfaces.sort();
        interfaces.dedup();
        Subject {
            period_ns: config.period_ns,
            priority: realtime.priority,
            cpu: realtime.cpu,
            lock_memory: realtime.lock_memory,
            hold_cpu_latency: realtime.hold_cpu_latency,
            heap_reserve_bytes: realtime.heap_reserve_bytes,
            spin_ns: realtime.spin_ns,
            interfaces,
        }
    }

    /// Whether the period is so short that an ordinary kernel does not hold it.
    pub fn is_sharp(&self) -> bool {
        self.period_ns < DOCTOR_SHARP_PERIOD_NS
    }
}

/// The defaults of a configuration: 1 ms, SCHED_FIFO 80, not pinned.
impl Default for Subject {
    fn default() -> Subject {
        Subject {
            period_ns: 1_000_000,
            priority: 80,
            cpu: None,
            lock_memory: true,
            hold_cpu_latency: true,
            heap_reserve_bytes: 16 << 20,
            spin_ns: 0,
            interfaces: Vec::new(),
        }
    }
}
