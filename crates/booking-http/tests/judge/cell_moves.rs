//! Eight cells on two databases, of which one moves to the other database and back in the middle of a sale, while
//! the command that moves it is killed again and again, and a database too.

use crate::common::{PROGRAM, run};
use crate::{QUIET, assert_clean, blocking, judged_beside_moves, load, turn};
use booking_load::workload::WorkloadOptions;
use booking_testkit::{Cluster, ClusterOptions, Database, ServerProcess};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The faults that hit the command, and after how long: it makes the cell, begins, waits for servers for 4 s, and
/// moves.
const HAPPENS: [(Duration, Fault); 5] = [
    (Duration::from_millis(100), Fault::Killed),
    (Duration::from_millis(600), Fault::Killed),
    (Duration::from_millis(4_100), Fault::Killed),
    (Duration::from_millis(3_900), Fault::DatabaseKilled),
    (Duration::from_millis(4_300), Fault::Killed),
];
const ENDS_WITHIN: Duration = Duration::from_secs(120);
/// So many that a cell has some.
const EVENTS: u32 = 40;

/// Two databases, and a file that names them.
struct House {
    nodes: [(Cluster, Database); 2],
    folder: TempDir,
}

impl House {
    fn new() -> Self {
        let node = || {
            let cluster =
                Cluster::start(ClusterOptions { durable: false, ..ClusterOptions::default() });
            let database = cluster.database(None);
            (cluster, database)
        };
        let house = Self {
            nodes: [node(), node()],
            folder: tempfile::tempdir().expect("a directory can be made"),
        };
        let mut file = String::from("version = 1\n");
        for cell in 0..8_u8 {
            let (first, last) = (cell * 0x20, cell * 0x20 + 0x1f);
            file.push_str(&format!(
                "[[cells]]\nschema = \"c{first:02x}\"\nnode = \"db{}\"\nfirst = \"{first:02x}\"\nlast = \"{last:02x}\"\n",
                cell / 4
            ));
        }
        for (number, (_, database)) in house.nodes.iter().enumerate() {
            file.push_str(&format!("[nodes.db{number}]\nurl = \"{}\"\n", database.url()));
        }
        fs::write(house.folder.path().join("cells.toml"), file).expect("it can be written");
        house
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let file = self.folder.path().join("cells.toml").display().to_string();
        vec![("CELLS_FILE", file), (QUIET.0, QUIET.1.to_owned())]
    }

    fn run(&self, arguments: &str) -> (bool, String) {
        let output = run(arguments, &self.settings());
        let message = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&message).into_owned())
    }

    fn begin(&self, arguments: &str) -> std::process::Child {
        Command::new(PROGRAM)
            .args(arguments.split(' '))
            .env_clear()
            .envs(self.settings())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program is there")
    }

    /// How many events a cell has.
    fn events(&self, node: usize, schema: &str) -> usize {
        self.nodes[node].1.sql(&format!("SELECT id FROM {schema}.events")).len()
    }

    /// A cell with events that is not the home, and its node.
    fn fullest(&self) -> (usize, String) {
        let since = Instant::now();
        loop {
            let cells = (1..8_usize).map(|cell| (cell / 4, format!("c{:02x}", cell * 0x20)));
            let fullest = cells.max_by_key(|(node, schema)| self.events(*node, schema));
            let (node, schema) = fullest.expect("there are cells");
            if self.events(node, &schema) > 0 {
                return (node, schema);
            }
            assert!(since.elapsed() < ENDS_WITHIN, "no cell has events");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// The next command that completes the change: the same, or `resume`; `None` if it is complete.
    fn next(&self, change: &str, to: &str) -> Option<String> {
        let (_, message) = self.run("cells status");
        let is_under_way = message.contains("under way:") || message.contains("begun, and not");
        let is_there = message.lines().any(|line| line.split("  ").nth(1) == Some(to));
        match (is_under_way, is_there) {
            (true, _) => Some("cells resume".to_owned()),
            (false, false) => Some(change.to_owned()),
            (false, true) => None,
        }
    }

    /// Moves a cell to a node, through all faults of the command. Returns how often each occurred.
    fn move_cell(&self, cell: &str, to: &str, node: usize) -> Happened {
        let change = format!("cells move {cell} --to {to} --node db{node}");
        let mut happened = Happened::default();
        for (after, fault) in HAPPENS {
            let Some(next) = self.next(&change, to) else { break };
            let mut child = self.begin(&next);
            thread::sleep(after);
            let is_under_way = child.try_wait().expect("it is a child").is_none();
            match fault {
                Fault::Killed => {
                    happened.kills += usize::from(is_under_way);
                    // It may have ended.
                    let _ = child.kill();
                }
                Fault::DatabaseKilled => {
                    happened.deaths += usize::from(is_under_way);
                    let (cluster, _) = &self.nodes[node];
                    cluster.kill9();
                    thread::sleep(Duration::from_millis(500));
                    cluster.restart();
                }
            }
            child.wait().expect("it ends");
        }
        let since = Instant::now();
        while let Some(next) = self.next(&change, to) {
            assert!(since.elapsed() < ENDS_WITHIN, "it is never moved");
            self.run(&next);
        }
        happened
    }
}

#[derive(Clone, Copy)]
enum Fault {
    Killed,
    /// That which events go to.
    DatabaseKilled,
}

/// How often the command was killed, and how often a database was under it.
#[derive(Default)]
struct Happened {
    kills: usize,
    deaths: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cell_that_moves_between_databases_in_a_sale_loses_nothing() {
    let _turn = turn().await;
    let house = Arc::new(blocking(House::new).await);
    let (is_made, message) = house.run("cells create");
    assert!(is_made, "{message}");
    let servers: Vec<_> =
        (0..2).map(|_| ServerProcess::start(Path::new(PROGRAM), &house.settings())).collect();
    let urls: Vec<&str> = servers.iter().map(ServerProcess::url).collect();
    let options = WorkloadOptions { events: EVENTS, ..load(&urls) };
    let moved = Arc::clone(&house);
    let (verdict, pace, (happened, rounds)) = judged_beside_moves(options, move |is_over| {
        let house = moved;
        thread::sleep(Duration::from_secs(1));
        let (mut node, mut cell) = house.fullest();
        let (mut all, mut rounds) = (Happened::default(), 0);
        loop {
            let (from, old) = (node, cell.clone());
            rounds += 1;
            (node, cell) = (1 - node, format!("m{rounds}"));
            let happened = house.move_cell(&old, &cell, node);
            all.kills += happened.kills;
            all.deaths += happened.deaths;
            assert_eq!(house.events(from, &old), 0, "all of {old} are gone");
            assert!(house.events(node, &cell) > 0, "they are in {cell}");
            if is_over.load(Ordering::Relaxed) {
                return (all, rounds);
            }
        }
    })
    .await;
    assert_clean(&verdict, &["Registered", "Confirmed -> Cancelled"]);
    let Happened { kills, deaths } = happened;
    println!(
        "{rounds} moves of a cell, {kills} of whoever moved it were killed, {deaths} databases: slowest decision {:?}\n{verdict}",
        pace.slowest_decision
    );
    assert!(kills > 0 && deaths > 0, "nothing happened: {kills}, {deaths}");
    let (is_clean, message) = house.run("audit");
    assert!(is_clean, "{message}");
    drop(servers);
}
