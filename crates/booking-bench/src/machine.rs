//! The machine of a measurement.

use booking_testkit::Database;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

const SYNCS: u32 = 200;

/// A machine and what runs on it.
#[derive(Debug)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    memory_gib: u64,
    kernel: String,
    postgres: String,
    sync: Duration,
}

impl Machine {
    /// Describes this machine. The disk of `folder` is measured.
    ///
    /// # Errors
    ///
    /// If nothing can be written there.
    pub(crate) fn look(database: &Database, folder: &Path) -> anyhow::Result<Self> {
        let cpu = value("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".into());
        let memory_kib: u64 = value("/proc/meminfo", "MemTotal")
            .and_then(|text| text.split_whitespace().next()?.parse().ok())
            .unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let version = database.sql("SHOW server_version");
        Ok(Self {
            cpu,
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: memory_kib.div_ceil(1 << 20),
            kernel: kernel.trim().to_owned(),
            postgres: version.first().and_then(|row| row[0].clone()).unwrap_or_default(),
            sync: sync_cost(folder)?,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, memory_gib, kernel, postgres, sync } = self;
        write!(
            f,
            "{cores} × {cpu}, {memory_gib} GiB, Linux {kernel}, PostgreSQL {postgres} with its default \
             durability; a sync of 8 KiB takes {} µs",
            sync.as_micros()
        )
    }
}

fn value(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, value) = text.lines().find(|line| line.starts_with(name))?.split_once(':')?;
    Some(value.trim().to_owned())
}

/// The median time to sync 8 KiB to the disk, repeatedly at the same place, as a log does.
fn sync_cost(folder: &Path) -> anyhow::Result<Duration> {
    let path = folder.join("sync");
    fs::write(&path, [0; 8_192])?;
    let mut costs = Vec::new();
    for _ in 0..SYNCS {
        let mut file = OpenOptions::new().write(true).open(&path)?;
        let began = Instant::now();
        file.write_all(&[1; 8_192])?;
        file.sync_data()?;
        costs.push(began.elapsed());
    }
    fs::remove_file(path)?;
    costs.sort_unstable();
    Ok(costs[costs.len() / 2])
}
