//! Server and postmaster killed again and again in the middle of a sale.

use crate::common::{PROGRAM, run};
use crate::{QUIET, assert_clean, blocking, judged, load, turn};
use booking_testkit::{Cluster, ClusterOptions, ServerProcess, free_port, run_sql};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often each is killed here; `scripts/soak.sh` does it twenty times.
const KILLS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_and_postmaster_killed_in_a_sale_lose_nothing() {
    let _turn = turn().await;
    let cluster = Cluster::start(ClusterOptions::default());
    let variables = vec![
        ("DATABASE_URL", cluster.url("postgres")),
        (QUIET.0, QUIET.1.to_owned()),
        ("PORT", free_port().to_string()),
    ];
    let settings = variables.clone();
    let mut server = ServerProcess::start(Path::new(PROGRAM), &variables);
    let (verdict, pace, (server, cluster)) = judged(load(&[server.url()]), async {
        for _ in 0..KILLS {
            tokio::time::sleep(Duration::from_millis(500)).await;
            server.kill9();
            let variables = variables.clone();
            server = blocking(move || ServerProcess::start(Path::new(PROGRAM), &variables)).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            cluster.kill9();
            cluster.restart();
        }
        (server, cluster)
    })
    .await;
    let reached = ["Registered", "Confirmed -> Cancelled", "unknown, then decided"];
    assert_clean(&verdict, &reached);
    println!("{KILLS} kills of each: slowest decision {:?}", pace.slowest_decision);
    let audit = run("audit", &settings);
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
    drop((server, cluster));
}

/// How long a standby may take until it is what is waited for.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(60);

/// Whoever was answered is there, and whoever was shown something still sees it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letting_go_early_loses_nothing_when_the_standby_leads() {
    let _turn = turn().await;
    let options = ClusterOptions { durable: false, ..ClusterOptions::default() };
    let primary = Cluster::start(options.clone());
    let standby = primary.start_standby(options);
    let tell = |cluster: &Cluster, sql: &str| {
        let rows = run_sql(&cluster.socket_url("postgres"), sql).expect("it is answered");
        rows.first().and_then(|row| row[0].clone())
    };
    tell(&primary, "ALTER SYSTEM SET synchronous_standby_names = '*'");
    tell(&primary, "SELECT pg_reload_conf()");
    let began = Instant::now();
    let state = "SELECT sync_state FROM pg_stat_replication";
    while tell(&primary, state).as_deref() != Some("sync") {
        assert!(began.elapsed() < FOLLOWS_WITHIN, "the standby is not synchronous");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (first, second) = (primary.port(), standby.port());
    let url = format!("postgresql://postgres@127.0.0.1:{first},127.0.0.1:{second}/postgres");
    let variables = vec![
        ("DATABASE_URL", url),
        ("DB_EARLY_RELEASE", "true".to_owned()),
        (QUIET.0, QUIET.1.to_owned()),
    ];
    let server = ServerProcess::start(Path::new(PROGRAM), &variables);
    let (verdict, _, clusters) = judged(load(&[server.url()]), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        primary.kill9();
        // Whatever it still replays may cancel what it is asked meanwhile.
        let ask = |sql: &str| run_sql(&standby.socket_url("postgres"), sql);
        let leads = || {
            ask("SELECT pg_is_in_recovery()").is_ok_and(|rows| rows[0][0].as_deref() == Some("f"))
        };
        while !leads() {
            let _ = ask("SELECT pg_promote(false)");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        (primary, standby)
    })
    .await;
    assert_clean(&verdict, &["Registered", "Confirmed -> Cancelled"]);
    let audit = run("audit", &variables);
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
    drop((server, clusters));
}
