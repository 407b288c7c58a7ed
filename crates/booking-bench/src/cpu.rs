//! CPU time by process.

use booking_load::cpu::stat;
use std::fs;
use std::io;
use std::ops::{Div, Sub};
use std::time::Duration;

/// CPU time of the three that share the machine. A difference is the time in a window; divided by a count of
/// requests it is the time per request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Split {
    /// All server processes.
    pub(crate) server: Duration,
    /// All processes of PostgreSQL.
    pub(crate) database: Duration,
    /// The load generator.
    pub(crate) generator: Duration,
}

impl Split {
    /// All but the load generator's: the time that the product takes.
    pub(crate) fn of_the_product(&self) -> Duration {
        self.server + self.database
    }
}

impl Sub for Split {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            database: self.database.saturating_sub(before.database),
            generator: self.generator.saturating_sub(before.generator),
        }
    }
}

impl Div<u64> for Split {
    type Output = Self;

    fn div(self, requests: u64) -> Self {
        let each = |time: Duration| time.div_f64(requests.max(1) as f64);
        Self {
            server: each(self.server),
            database: each(self.database),
            generator: each(self.generator),
        }
    }
}

/// The processes to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    /// The server processes.
    pub(crate) servers: Vec<u32>,
    /// The postmaster of each PostgreSQL that takes part.
    pub(crate) postmasters: Vec<u32>,
}

impl Meter {
    /// Their CPU time so far, with this process as the generator.
    pub(crate) fn read(&self) -> Split {
        Split {
            server: self.servers.iter().map(|pid| own_time(&pid.to_string())).sum(),
            database: self.postmasters.iter().map(|pid| family_time(*pid)).sum(),
            generator: own_time("self"),
        }
    }
}

/// The most memory that a process has had in use since it began, or since [`reset_memory_peak`] (`VmHWM` in proc(5)).
pub(crate) fn memory_peak_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
}

/// Resets a process' peak of memory to its present use.
///
/// # Errors
///
/// If the kernel refuses.
pub(crate) fn reset_memory_peak(pid: u32) -> io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

fn own_time(process: &str) -> Duration {
    stat(process).map_or(Duration::ZERO, |stat| stat.own)
}

/// Of a process, its children, and its finished children.
fn family_time(pid: u32) -> Duration {
    let Some(parent) = stat(&pid.to_string()) else { return Duration::ZERO };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = processes
        .filter_map(|process| stat(process.file_name().to_str()?))
        .filter(|stat| stat.parent == pid)
        .map(|stat| stat.own);
    parent.own + parent.children + children.sum::<Duration>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_shared_among_requests() {
        let used = Split { server: Duration::from_millis(30), ..Split::default() };
        assert_eq!((used / 1_000).server, Duration::from_micros(30));
        assert_eq!((used / 0).server, Duration::from_millis(30));
    }
}
