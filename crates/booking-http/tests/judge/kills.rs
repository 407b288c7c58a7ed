//! Server and postmaster killed again and again in the middle of a sale.

use crate::common::{PROGRAM, run};
use crate::{QUIET, assert_clean, blocking, judged, load, turn};
use booking_testkit::{Cluster, ClusterOptions, ServerProcess, free_port};
use std::path::Path;
use std::time::Duration;

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
