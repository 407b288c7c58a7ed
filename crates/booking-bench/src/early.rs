//! PostgreSQL whose commits take long, to see what it gives to let go of rows before they are safe.

use crate::arena::{Setting, Side};
use crate::far;
use crate::ledger::Books;
use anyhow::{Context, ensure};
use booking_testkit::{Cluster, ClusterOptions, run_sql};
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a standby may take until it is what is waited for.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(60);

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// This machine's disk.
    Disk,
    /// A disk that takes 2 ms longer.
    SlowDisk,
    /// This machine's disk, and a synchronous standby 1 ms away in each direction.
    Standby,
}

/// A PostgreSQL of its own, whose server is started anew for each cell.
pub(crate) struct Early {
    pub(crate) wait: Wait,
    pub(crate) side: Side,
    // After the server, so that they are stopped after it.
    _clusters: Vec<Cluster>,
}

impl Wait {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Disk, Self::SlowDisk, Self::Standby];

    /// As it is called in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Disk => "PostgreSQL of its own",
            Self::SlowDisk => "PostgreSQL, flushes 2 ms longer",
            Self::Standby => "PostgreSQL, synchronous standby 1 ms away",
        }
    }

    fn settings(self) -> Vec<String> {
        let lines: &[&str] = match self {
            Self::Disk | Self::Standby => &[],
            // How long a flush waits for others to join it: as good as a disk that takes so long.
            Self::SlowDisk => &["commit_delay = 2000", "commit_siblings = 0"],
        };
        lines.iter().map(|&line| line.to_owned()).collect()
    }
}

/// What a server is told.
pub(crate) fn setting(early_release: bool) -> Setting {
    ("DB_EARLY_RELEASE", early_release.to_string())
}

impl Early {
    /// Sets it up, with what every load finds there.
    ///
    /// # Errors
    ///
    /// If a server does not answer as it should.
    pub(crate) async fn set_up(program: &Path, wait: Wait) -> anyhow::Result<Self> {
        let options = ClusterOptions { settings: wait.settings(), ..ClusterOptions::default() };
        let primary = Cluster::start(options.clone());
        let database = primary.database(None);
        let url = [("DATABASE_URL", database.url().to_owned())];
        let books = Books::Postgres(database.clone());
        let mut side = Side::start(wait.name(), program, &url, books);
        side.set_postmasters(vec![primary.pid()]);
        side.fill().await.with_context(|| format!("cannot prepare: {}", wait.name()))?;
        database.sql("VACUUM ANALYZE");
        let mut clusters = Vec::new();
        if wait == Wait::Standby {
            let standby = primary.start_standby(options);
            follow(&primary, &standby).await?;
            side.set_postmasters(vec![primary.pid(), standby.pid()]);
            clusters.push(standby);
        }
        clusters.push(primary);
        Ok(Self { wait, side, _clusters: clusters })
    }
}

/// Has every commit wait for a standby, which is far away.
async fn follow(primary: &Cluster, standby: &Cluster) -> anyhow::Result<()> {
    let way = far::way_to(primary.port())?;
    let (host, port) = (way.ip(), way.port());
    let tell = |cluster: &Cluster, sql: &str| run_sql(&cluster.socket_url("postgres"), sql);
    let conninfo = format!("host={host} port={port} user=postgres application_name=far");
    tell(standby, &format!("ALTER SYSTEM SET primary_conninfo = '{conninfo}'"))?;
    tell(standby, "SELECT pg_reload_conf()")?;
    tell(primary, "ALTER SYSTEM SET synchronous_standby_names = 'far'")?;
    tell(primary, "SELECT pg_reload_conf()")?;
    let began = Instant::now();
    let state = "SELECT sync_state FROM pg_stat_replication WHERE application_name = 'far'";
    while tell(primary, state)?.first().and_then(|row| row[0].as_deref()) != Some("sync") {
        ensure!(began.elapsed() < FOLLOWS_WITHIN, "the standby is not waited for");
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
