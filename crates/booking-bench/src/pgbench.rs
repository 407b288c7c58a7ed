//! The first yardstick: one transaction per request on a row lock, as a simple service would run it, without the
//! service. PostgreSQL's own `pgbench` runs that transaction.

use anyhow::{Context, ensure};
use booking_testkit::{Database, PgBinaries};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The events of the spread load, and the rows that exist before it.
const EVENTS: u32 = 1_000;
const ROWS: u32 = 50_000;

/// The tables of such a service.
const TABLES: &str = "
    CREATE TABLE events (
        id integer PRIMARY KEY,
        capacity integer NOT NULL,
        booked_count integer NOT NULL DEFAULT 0
    );
    CREATE TABLE registrations (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        event_id integer NOT NULL REFERENCES events (id),
        user_email text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (event_id, user_email)
    );";

/// A database with those tables, and the scripts.
#[derive(Debug)]
pub(crate) struct Pgbench {
    program: PathBuf,
    database: Database,
    folder: tempfile::TempDir,
}

/// The result of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transactions {
    /// Committed transactions a second.
    pub(crate) per_second: f64,
    /// The median latency.
    pub(crate) p50: Duration,
}

/// Which rows are locked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows {
    /// Always the same.
    Hot,
    /// One of 1,000, each equally likely.
    Spread,
}

impl Pgbench {
    /// Creates the tables in an empty database.
    ///
    /// # Errors
    ///
    /// If there is no `pgbench` beside the server's programs.
    pub(crate) fn set_up(database: Database) -> anyhow::Result<Self> {
        let program = PgBinaries::find().postgres.with_file_name("pgbench");
        ensure!(program.is_file(), "there is no pgbench at {}", program.display());
        database.sql(TABLES);
        database.sql(&format!(
            "INSERT INTO events (id, capacity)
                 SELECT n, 1000000000 FROM generate_series(1, {EVENTS}) AS n;
             INSERT INTO registrations (event_id, user_email)
                 SELECT 1 + n % {EVENTS}, 'before' || n || '@bench.example'
                 FROM generate_series(1, {ROWS}) AS n;"
        ));
        database.sql("VACUUM ANALYZE");
        let folder = tempfile::tempdir()?;
        for (rows, event) in
            [(Rows::Hot, "1".to_owned()), (Rows::Spread, format!("random(1, {EVENTS})"))]
        {
            fs::write(folder.path().join(rows.script()), script(&event))?;
        }
        Ok(Self { program, database, folder })
    }

    /// Runs the transaction with so many clients.
    ///
    /// # Errors
    ///
    /// If `pgbench` fails.
    pub(crate) fn run(
        &self,
        rows: Rows,
        clients: u32,
        length: Duration,
    ) -> anyhow::Result<Transactions> {
        let log = self.folder.path().join("log");
        let output = Command::new(&self.program)
            .current_dir(self.folder.path())
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=1", "--log"])
            .arg(format!("--log-prefix={}", log.display()))
            .arg(format!("--client={clients}"))
            .arg(format!("--time={}", length.as_secs().max(1)))
            .arg(format!("--file={}", rows.script()))
            .arg(self.database.url())
            .output()?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench failed: {stderr}");
        let per_second = parse_rate(&stdout).with_context(|| format!("pgbench said {stdout}"))?;
        let p50 = median_in_logs(self.folder.path())?;
        Ok(Transactions { per_second, p50 })
    }
}

impl Rows {
    fn script(self) -> &'static str {
        match self {
            Self::Hot => "hot.sql",
            Self::Spread => "spread.sql",
        }
    }
}

fn script(event: &str) -> String {
    format!(
        "\\set event {event}
\\set who random(1, 9000000000000)
BEGIN;
SELECT capacity, booked_count FROM events WHERE id = :event FOR UPDATE;
SELECT count(*) FROM registrations WHERE event_id = :event AND user_email = 'u' || :who || '@bench.example';
UPDATE events SET booked_count = booked_count + 1 WHERE id = :event;
INSERT INTO registrations (event_id, user_email) VALUES (:event, 'u' || :who || '@bench.example');
COMMIT;
"
    )
}

/// `tps = 1234.5 (without initial connection time)`
fn parse_rate(stdout: &str) -> Option<f64> {
    let line = stdout.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The third column of a log is a transaction's latency in microseconds. Reads the logs and removes
/// them.
fn median_in_logs(folder: &Path) -> anyhow::Result<Duration> {
    let mut latencies = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("log.")) {
            latencies.extend(fs::read_to_string(&path)?.lines().filter_map(latency));
            fs::remove_file(path)?;
        }
    }
    latencies.sort_unstable();
    let median = latencies.get(latencies.len() / 2).context("pgbench logged nothing")?;
    Ok(Duration::from_micros(*median))
}

fn latency(line: &str) -> Option<u64> {
    line.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbenchs_output_is_parsed() {
        let stdout = "scaling factor: 1\nlatency average = 0.7 ms\n\
                      tps = 1364.564360 (without initial connection time)\n";
        assert_eq!(parse_rate(stdout), Some(1364.56436));
        assert_eq!(parse_rate("nothing"), None);
        assert_eq!(latency("0 199 2241 0 1175850568 995598"), Some(2_241));
    }
}
