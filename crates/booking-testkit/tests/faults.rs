//! A cluster that is killed, frozen, restarted and abandoned.

mod common;

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{env, fs, thread};

use booking_testkit::{Cluster, ClusterOptions, run_sql};

use common::eventually;

#[test]
fn commits_survive_kill_9_and_the_server_restarts_at_the_same_address() {
    let cluster = Cluster::start(ClusterOptions::default());
    let database = cluster.database(None);
    assert_eq!(database.sql("SHOW fsync"), [[Some("on".to_owned())]]);
    database.sql("CREATE TABLE seats (id int); INSERT INTO seats VALUES (1)");
    let (pid, url) = (cluster.pid(), database.url());
    for _ in 0..3 {
        cluster.kill9();
        run_sql(url, "SELECT 1").expect_err("nobody listens");
        cluster.restart();
        assert_eq!(database.sql("SELECT count(*) FROM seats"), [[Some("1".to_owned())]]);
    }
    assert_ne!(cluster.pid(), pid);
    run_sql(url, "SELECT 1").expect("it listens at the same port");
}

#[test]
fn a_running_cluster_restarts_and_a_stopped_one_too() {
    let cluster = Cluster::start(ClusterOptions::default());
    cluster.restart();
    let database = cluster.database(None);
    cluster.stop();
    run_sql(database.url(), "SELECT 1").expect_err("nobody listens");
    cluster.restart();
    run_sql(database.url(), "SELECT 1").expect("it is back");
}

#[test]
fn a_paused_cluster_answers_nothing_until_it_is_resumed() {
    let cluster = Cluster::start(ClusterOptions::default());
    let database = cluster.database(None);
    cluster.pause();
    thread::scope(|scope| {
        let query = scope.spawn(|| run_sql(database.url(), "SELECT 1"));
        thread::sleep(Duration::from_millis(500));
        assert!(!query.is_finished());
        cluster.resume();
        query.join().expect("no panic").expect("it only took a while");
    });
}

#[test]
fn settings_access_rules_and_certificates_are_used() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])
        .expect("a certificate can be made");
    let cluster = Cluster::start(ClusterOptions {
        settings: vec!["max_connections = 17".to_owned()],
        tls: Some((made.cert.pem(), made.signing_key.serialize_pem())),
        access: Some(vec!["hostssl all all 127.0.0.1/32 trust".to_owned()]),
        ..ClusterOptions::default()
    });
    let database = cluster.database(None);
    assert_eq!(database.sql("SHOW max_connections"), [[Some("17".to_owned())]]);
    assert_eq!(database.sql("SHOW ssl"), [[Some("on".to_owned())]]);
    let refused = run_sql(database.url(), "SELECT 1").expect_err("only TLS is allowed by TCP");
    assert!(format!("{refused:?}").contains("pg_hba.conf"), "{refused:?}");
}

#[test]
fn a_dropped_cluster_leaves_nothing() {
    for prepare in [|_: &Cluster| (), Cluster::kill9, Cluster::pause, Cluster::stop] {
        let cluster = Cluster::start(ClusterOptions { durable: false, ..Default::default() });
        let (pid, port, directory) =
            (cluster.pid(), cluster.port(), cluster.directory().to_owned());
        prepare(&cluster);
        drop(cluster);
        assert_nothing_left(pid, port, &directory);
    }
}

#[test]
fn a_cluster_of_a_killed_test_process_leaves_nothing() {
    for state in ["running", "paused", "killed"] {
        let mut child = common::start_child("the_child_that_gets_killed", state);
        let announced = child.wait_for("cluster ");
        child.kill();
        let mut words = announced.splitn(3, ' ');
        let mut word = || words.next().expect("three words");
        let pid = word().parse().expect("a process id");
        let port = word().parse().expect("a port");
        assert_nothing_left(pid, port, Path::new(word()));
    }
}

#[test]
fn a_cluster_in_creation_by_a_killed_test_process_leaves_nothing() {
    for delay_ms in [0, 100, 300, 600, 900] {
        let mut child = common::start_child("the_child_that_gets_killed", "starting");
        let prefix = child.wait_for("makes ");
        assert!(eventually(|| any_file_starts_with(&prefix)));
        thread::sleep(Duration::from_millis(delay_ms));
        child.kill();
        assert!(eventually(|| !any_file_starts_with(&prefix)), "{prefix}* is left");
        assert!(eventually(|| !command_lines().contains(&prefix)), "a process is left");
    }
}

/// Not a test by itself: the process that the test above kills.
#[test]
fn the_child_that_gets_killed() {
    let Some(state) = common::child_role() else { return };
    if state == "starting" {
        println!("makes booking-pg-{}-", std::process::id());
    }
    let cluster = Cluster::start(ClusterOptions::default());
    let pid = cluster.pid();
    match state.as_str() {
        "paused" => cluster.pause(),
        "killed" => cluster.kill9(),
        _ => {}
    }
    println!("cluster {pid} {} {}", cluster.port(), cluster.directory().display());
    thread::sleep(Duration::from_mins(1));
}

fn any_file_starts_with(prefix: &str) -> bool {
    fs::read_dir(env::temp_dir())
        .expect("it can be read")
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
}

/// The command lines of all processes there are.
fn command_lines() -> String {
    let output = Command::new("sh")
        .args(["-c", "cat /proc/[0-9]*/cmdline 2>/dev/null || ps -A -o args=; true"])
        .output()
        .expect("there is a shell");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn assert_nothing_left(postmaster: u32, port: u16, directory: &Path) {
    assert!(eventually(|| !directory.exists()), "{} is left", directory.display());
    assert!(eventually(|| TcpListener::bind(("127.0.0.1", port)).is_ok()), "{port} is in use");
    // The creator of each System V segment is in the fifth column.
    let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let creator = postmaster.to_string();
    let left = segments.lines().find(|line| line.split_whitespace().nth(4) == Some(&*creator));
    assert_eq!(left, None, "shared memory is left");
    let name = directory.file_name().expect("it has a name").to_string_lossy().into_owned();
    // The guard itself has the name among its arguments until it ends.
    assert!(eventually(|| !command_lines().contains(&*name)), "a process of {name} is left");
}
