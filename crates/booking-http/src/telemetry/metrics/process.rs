//! The resources of this process, as Linux reports them.

use super::families::{Families, float_counter, gauge};
use prometheus::{Counter, IntGauge};
use std::fs;

/// Clock ticks a second in `/proc`: `USER_HZ`, which is 100 on every architecture of Linux.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) struct Process {
    cpu: Counter,
    memory: IntGauge,
    threads: IntGauge,
    open_files: IntGauge,
    open_files_max: IntGauge,
}

impl Process {
    /// `None` where there is no `/proc`.
    pub(super) fn register(families: &Families) -> Option<Self> {
        let of = &families.registry;
        cpu_seconds()?;
        Some(Self {
            cpu: float_counter(of, "process_cpu_seconds_total"),
            memory: gauge(of, "process_resident_memory_bytes"),
            threads: gauge(of, "process_threads"),
            open_files: gauge(of, "process_open_fds"),
            open_files_max: gauge(of, "process_max_fds"),
        })
    }

    /// Looks how it is now.
    pub(super) fn look(&self) {
        if let Some(seconds) = cpu_seconds() {
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            value.split_whitespace().next()?.parse::<i64>().ok()
        };
        if let Some(kibibytes) = field("VmRSS:") {
            self.memory.set(kibibytes * 1_024);
        }
        if let Some(threads) = field("Threads:") {
            self.threads.set(threads);
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // One of them is for reading this.
            self.open_files.set(files.count() as i64 - 1);
        }
        if let Ok((soft, _)) = rlimit::Resource::NOFILE.get() {
            self.open_files_max.set(soft.try_into().unwrap_or(i64::MAX));
        }
    }
}

/// The CPU time of all threads, in user mode and in the kernel (proc(5), `/proc/pid/stat`).
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name, and may hold spaces. `utime` is the 14th.
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: Vec<u64> =
        fields.split(' ').skip(11).take(2).map(str::parse).collect::<Result<_, _>>().ok()?;
    Some(ticks.iter().sum::<u64>() as f64 / TICKS_PER_SECOND)
}
