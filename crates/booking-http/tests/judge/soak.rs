//! The long version, run by `scripts/soak.sh` on the released program.

use crate::common::Data;
use crate::{QUIET, load};
use booking_load::chaos::{Chaos, Plan};
use booking_load::judge::{History, Verdict, judge};
use booking_load::workload::{Pace, WorkloadOptions, run, run_during};
use booking_testkit::{Cluster, ClusterOptions, ServerProcess, free_port};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often server and postmaster are killed.
const KILLS: u32 = 20;
/// The least that each kind of fault runs.
const FAULTS_AT_LEAST: Duration = Duration::from_secs(60);

/// The parameters of `scripts/soak.sh`.
struct Soak {
    began: Instant,
    minutes: u64,
    operations: u64,
    folder: PathBuf,
    server: PathBuf,
    failed: bool,
}

impl Soak {
    fn asked_for() -> Self {
        let variable = |name| {
            std::env::var(name).unwrap_or_else(|_| panic!("{name} is missing: use scripts/soak.sh"))
        };
        Self {
            began: Instant::now(),
            minutes: variable("SOAK_MINUTES").parse().expect("a number of minutes"),
            operations: variable("SOAK_OPERATIONS").parse().expect("a number of requests"),
            folder: variable("SOAK_FOLDER").into(),
            server: variable("SOAK_SERVER").into(),
            failed: false,
        }
    }

    fn start(&self, url: &[(&'static str, String)]) -> ServerProcess {
        let mut variables = url.to_vec();
        variables.push((QUIET.0, QUIET.1.to_owned()));
        ServerProcess::start(&self.server, &variables)
    }

    /// An equal part of the time that is left, if that is enough.
    fn share(&self, parts_left: u32) -> Duration {
        let all = Duration::from_secs(self.minutes * 60);
        (all.saturating_sub(self.began.elapsed()) / parts_left).max(FAULTS_AT_LEAST)
    }

    fn report(&mut self, name: &str, history: &History, pace: Pace, faults: &str) {
        let path = self.folder.join(format!("{name}.jsonl"));
        write(history, &path).expect("the history can be written");
        let judging = Instant::now();
        let verdict: Verdict = judge(history);
        self.failed |= !verdict.is_clean();
        println!(
            "== {name}: {faults}\nload {:.1} s, slowest answer {:.2} s, slowest decision {:.2} s, \
             judged in {:.1} s\n{verdict}",
            pace.load.as_secs_f64(),
            pace.slowest.as_secs_f64(),
            pace.slowest_decision.as_secs_f64(),
            judging.elapsed().as_secs_f64(),
        );
    }
}

fn write(history: &History, path: &PathBuf) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for record in history.records() {
        serde_json::to_writer(&mut file, &record)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

/// Many events and clients, as many seats as make both queues and sales.
fn many(url: &str, seed: u64) -> WorkloadOptions {
    WorkloadOptions { clients: 64, events: 64, seats: 500, seed, ..load(&[url]) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: scripts/soak.sh"]
async fn soak() {
    let mut soak = Soak::asked_for();
    calm(&mut soak).await;
    kills(&mut soak).await;
    cuts(&mut soak).await;
    println!("took {:.0} s", soak.began.elapsed().as_secs_f64());
    assert!(!soak.failed, "rules were broken, see above");
}

async fn calm(soak: &mut Soak) {
    for (name, data) in [("sqlite", Data::sqlite()), ("postgres", Data::postgres())] {
        let server = soak.start(&data.settings());
        let operations = soak.operations;
        let options = WorkloadOptions { operations, ..many(server.url(), 1) };
        let (history, pace) = run(options).await.expect("it can be run");
        soak.report(name, &history, pace, "no faults");
    }
}

async fn kills(soak: &mut Soak) {
    let cluster = Cluster::start(ClusterOptions::default());
    let port = ("PORT", free_port().to_string());
    let variables = [("DATABASE_URL", cluster.url("postgres")), port];
    let mut server = soak.start(&variables);
    let pause = soak.share(2) / (2 * KILLS);
    let options = many(server.url(), 2);
    let faults = async {
        for _ in 0..KILLS {
            tokio::time::sleep(pause).await;
            tokio::task::block_in_place(|| {
                server.kill9();
                server = soak.start(&variables);
            });
            tokio::time::sleep(pause).await;
            tokio::task::block_in_place(|| {
                cluster.kill9();
                cluster.restart();
            });
        }
    };
    let (history, pace, ()) = run_during(options, faults).await.expect("it can be run");
    let text = format!("{KILLS} kills of the server and {KILLS} of the postmaster");
    soak.report("kills", &history, pace, &text);
}

async fn cuts(soak: &mut Soak) {
    let cluster = Cluster::start(ClusterOptions::default());
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let chaos = Chaos::start(at(0), at(cluster.port()), Plan::default(), 3).await.expect("a port");
    let url = format!("postgresql://postgres@{}/postgres", chaos.address());
    let server = tokio::task::block_in_place(|| soak.start(&[("DATABASE_URL", url)]));
    let plan = Plan {
        cut_before_commit: 0.05,
        cut_after_commit: 0.05,
        delay_commit: 0.05,
        delay: Duration::from_millis(50),
        ..Plan::default()
    };
    let time = soak.share(1);
    let options = many(server.url(), 3);
    let faults = async {
        chaos.set(plan);
        tokio::time::sleep(time).await;
        chaos.set(Plan::default());
        chaos.counts()
    };
    let (history, pace, counts) = run_during(options, faults).await.expect("it can be run");
    soak.report("cuts", &history, pace, &format!("{counts:?}"));
}
