//! Connections that are cut around COMMIT, and backends that are terminated.

use crate::common::{App, Data, run};
use crate::{QUIET, assert_clean, blocking, judged, load, turn};
use booking_load::chaos::{Chaos, Counts, Plan};
use booking_testkit::{Database, ServerProcess};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long it may take until every fault has occurred.
const SEEN_WITHIN: Duration = Duration::from_secs(60);
/// How long a decision may take: less than the clients' timeout, on a busy machine.
const DECIDED_WITHIN: Duration = Duration::from_secs(45);

/// A server whose connections to its database go through a faulty proxy.
pub(crate) async fn server_behind_chaos(data: &Data) -> (ServerProcess, Chaos) {
    let url = data.database().url();
    let (_, rest) = url.split_once("127.0.0.1:").expect("a URL of the test cluster");
    let (port, name) = rest.split_once('/').expect("a database");
    let upstream = SocketAddr::from(([127, 0, 0, 1], port.parse().expect("a port")));
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    let chaos = Chaos::start(here, upstream, Plan::default(), 7).await.expect("a free port");
    let url = format!("postgresql://postgres@{}/{name}", chaos.address());
    let variables = [("DATABASE_URL", url), (QUIET.0, QUIET.1.to_owned())];
    let server =
        blocking(move || ServerProcess::start(Path::new(crate::common::PROGRAM), &variables)).await;
    (server, chaos)
}

pub(crate) fn assert_audit_is_clean(data: &Data) {
    let audit = run("audit", &data.settings());
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenth_of_all_commits_is_cut_and_everything_is_decided() {
    let _turn = turn().await;
    let data = Data::postgres();
    let (server, chaos) = server_behind_chaos(&data).await;
    let (verdict, pace, counts) = judged(load(&[server.url()]), async {
        chaos.set(Plan {
            cut_before_commit: 0.05,
            cut_after_commit: 0.05,
            delay_commit: 0.1,
            delay: Duration::from_millis(20),
            ..Plan::default()
        });
        tokio::time::sleep(Duration::from_secs(4)).await;
        // A busy machine may not have reached all of them.
        let began = Instant::now();
        let is_seen =
            |counts: Counts| counts.cut_before > 0 && counts.cut_after > 0 && counts.delayed > 0;
        while !is_seen(chaos.counts()) && began.elapsed() < SEEN_WITHIN {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        chaos.cut_all();
        tokio::time::sleep(Duration::from_secs(1)).await;
        chaos.set(Plan::default());
        chaos.counts()
    })
    .await;
    assert_clean(&verdict, &["Registered", "Confirmed -> Cancelled"]);
    assert!(counts.cut_before > 0 && counts.cut_after > 0 && counts.delayed > 0, "{counts:?}");
    assert!(pace.slowest_decision < DECIDED_WITHIN, "{pace:?}");
    assert_audit_is_clean(&data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backends_terminated_in_a_storm_lose_nothing() {
    let _turn = turn().await;
    let app = App::start_with(Data::postgres(), &[QUIET]);
    let database = app.data.database().clone();
    let (verdict, _, terminated) = judged(load(&[app.url()]), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        blocking(move || (0..40).map(|_| terminate_all(&database)).sum::<usize>()).await
    })
    .await;
    assert!(terminated > 20, "{terminated} backends were terminated");
    assert_clean(&verdict, &["Registered", "Confirmed -> Cancelled"]);
    app.assert_audit_is_clean();
}

fn terminate_all(database: &Database) -> usize {
    std::thread::sleep(Duration::from_millis(50));
    let terminated = database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name LIKE 'booking%' AND datname = current_database()",
    );
    terminated.len()
}
