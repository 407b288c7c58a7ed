//! With `fsync` off a kill of every process loses nothing, as the kernel has the writes. Only a power cut
//! shows what was promised too early, and there is none to be had here: it is modelled. What PostgreSQL
//! has not asked the disk to keep is taken out of its log before it starts again. Whether it has asked
//! it counts itself (`wal_sync`, the calls of fsync for the log).

use crate::common::PROGRAM;
use crate::{QUIET, assert_caught, assert_clean, blocking, judged, load, turn};
use booking_load::judge::Verdict;
use booking_testkit::{Cluster, ClusterOptions, ServerProcess, run_sql};
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// At least so many changes are between the recorded moment and the cut.
const CHANGES_LEAST: u64 = 200;
/// How long the load may take for that.
const UNDER_WAY_WITHIN: Duration = Duration::from_secs(60);

/// The log as it was when everything was on the disk.
struct Flushed {
    folder: PathBuf,
    file: String,
    offset: u64,
    syncs: u64,
    changes: u64,
}

impl Flushed {
    fn now(cluster: &Cluster) -> Self {
        let url = cluster.socket_url("postgres");
        let rows = |sql: &str| run_sql(&url, sql).expect("the database answers");
        rows("CHECKPOINT");
        let place = "SELECT file_name, file_offset::text, current_setting('data_directory') \
                     FROM pg_walfile_name_offset(pg_current_wal_flush_lsn())";
        let mut row = rows(place).remove(0).into_iter().map(|text| text.expect("never null"));
        let mut next = || row.next().expect("three columns");
        let (file, offset) = (next(), next().parse().expect("a number"));
        let folder = Path::new(&next()).join("pg_wal");
        let (syncs, changes) = (syncs(cluster), changes(cluster));
        Self { folder, file, offset, syncs, changes }
    }

    /// The effect of a power cut now on the log of a server that was killed.
    fn cut_power(&self, syncs_until_now: u64) {
        if syncs_until_now > self.syncs {
            // It asked the disk at each commit: every acknowledged write is there.
            return;
        }
        for entry in fs::read_dir(&self.folder).expect("it is there").flatten() {
            let name = entry.file_name().into_string().expect("hexadecimal");
            let from = match name.as_str().cmp(&self.file) {
                std::cmp::Ordering::Less => continue,
                std::cmp::Ordering::Equal => self.offset,
                std::cmp::Ordering::Greater => 0,
            };
            if entry.file_type().is_ok_and(|kind| kind.is_file()) && name.len() == 24 {
                let mut file =
                    OpenOptions::new().write(true).open(entry.path()).expect("it is ours");
                let length = file.metadata().expect("it is open").len();
                file.seek(SeekFrom::Start(from)).expect("within the file");
                let zeros = vec![0; usize::try_from(length - from).expect("16 MiB at most")];
                file.write_all(&zeros).expect("there is room");
            }
        }
    }
}

/// How often an event was changed.
fn changes(cluster: &Cluster) -> u64 {
    let sql = "SELECT coalesce(sum(version), 0)::bigint::text FROM events";
    let rows = run_sql(&cluster.socket_url("postgres"), sql).expect("the database answers");
    rows[0][0].as_ref().map_or(0, |sum| sum.parse().expect("a number"))
}

/// How often the disk was asked to flush the log. Until PostgreSQL 17 it is in `pg_stat_wal`.
fn syncs(cluster: &Cluster) -> u64 {
    let url = cluster.socket_url("postgres");
    let count = |sql: &str| {
        let rows = run_sql(&url, sql).expect("the database answers");
        rows[0][0].as_ref().map(|count| count.parse::<u64>().expect("a number"))
    };
    count("SELECT to_jsonb(w) ->> 'wal_sync' FROM pg_stat_wal AS w").unwrap_or_else(|| {
        let sql = "SELECT sum((to_jsonb(s) ->> 'fsyncs')::bigint)::text FROM pg_stat_io AS s \
                   WHERE to_jsonb(s) ->> 'object' = 'wal'";
        count(sql).unwrap_or_default()
    })
}

async fn after_a_power_cut(durable: bool) -> Verdict {
    let settings = ["checkpoint_timeout = 1h", "max_wal_size = 8GB", "bgwriter_lru_maxpages = 0"];
    let settings = settings.map(str::to_owned).to_vec();
    let cluster = Cluster::start(ClusterOptions { settings, durable, ..ClusterOptions::default() });
    let variables = [("DATABASE_URL", cluster.url("postgres")), (QUIET.0, QUIET.1.to_owned())];
    let server = ServerProcess::start(Path::new(PROGRAM), &variables);
    let (verdict, _, cluster) = judged(load(&[server.url()]), async {
        // The events were created before, and survive.
        blocking(move || {
            let flushed = Flushed::now(&cluster);
            std::thread::sleep(Duration::from_millis(2_500));
            // A busy machine may not have sold anything until then.
            let (before, began) = (flushed.changes, Instant::now());
            while changes(&cluster) < before + CHANGES_LEAST {
                assert!(began.elapsed() < UNDER_WAY_WITHIN, "the load is under way");
                std::thread::sleep(Duration::from_millis(20));
            }
            let syncs = syncs(&cluster);
            cluster.kill9();
            flushed.cut_power(syncs);
            cluster.restart();
            cluster
        })
        .await
    })
    .await;
    drop((server, cluster));
    verdict
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_fsync_a_power_cut_is_caught() {
    let _turn = turn().await;
    assert_caught(&["lost"], async || after_a_power_cut(false).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_fsync_a_power_cut_loses_nothing() {
    let _turn = turn().await;
    assert_clean(&after_a_power_cut(true).await, &["Registered", "Confirmed -> Cancelled"]);
}
