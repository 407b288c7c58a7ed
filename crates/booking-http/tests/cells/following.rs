//! Servers that follow a map which commands change, and a file that is changed while they run.

use crate::common::{App, Data, PROGRAM, run};
use crate::nodes::{Nodes, TWO, byte_of, get, post, put_up, put_up_from, soon, text, version_of};
use booking_cells::{CellMap, MapChange, NewCell};
use booking_core::CellName;
use booking_testkit::{ServerProcess, free_port, run_sql};
use serde_json::json;
use std::fs;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

fn cells_of(server: &ServerProcess) -> String {
    let ready = get(server, "/readyz");
    assert_eq!(ready.status, 200, "it serves all the same: {ready:?}");
    ready.json()["checks"]["cells"].as_str().unwrap_or("ok").to_owned()
}

/// An event whose byte is less.
fn put_up_below(server: &ServerProcess, byte: u8) -> String {
    loop {
        let id = put_up(server);
        if byte_of(&id) < byte {
            return id;
        }
    }
}

fn is_logged(server: &ServerProcess, what: &str) -> bool {
    server.stderr().contains(what)
}

#[test]
fn a_server_whose_file_lacks_a_node_continues_and_reloads_it() {
    let nodes = Nodes::files();
    let one = [("low", "a", "00", "ff")];
    nodes.write("server.toml", &["a"], 1, &one);
    nodes.write("cells.toml", &["a", "b"], 1, &one);
    nodes.done("cells.toml", "cells create");
    let server = nodes.serve("server.toml");
    let high = put_up_from(&server, 0x80);
    let low = put_up_below(&server, 0x80);
    nodes.done("cells.toml", "cells split low --at 80 --to high --node b");
    soon("it is told that the map is outdated", || cells_of(&server) == "outdated");
    let metrics = text(&get(&server, "/metrics").body);
    for line in ["booking_cells_map_version 1\n", "booking_cells_map_outdated 1\n"] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    soon("it is logged", || is_logged(&server, "no node b, which cell high is on"));
    assert_eq!(get(&server, &format!("/events/{high}")).problem(), "event_moving");
    assert_eq!(get(&server, &format!("/events/{low}")).status, 200);
    // An event that has left its cell cannot be created there again.
    let refused = (0..40).any(|_| {
        let body = json!({"name": "An event", "capacity": 9});
        let made = post(&server, "/events", &[], &body);
        match made.status {
            201 => {
                let id = made.json()["id"].as_str().expect("it has an id").to_owned();
                assert!(byte_of(&id) < 0x80, "{id}");
                false
            }
            status => {
                assert_eq!(status, 503, "{made:?}");
                true
            }
        }
    });
    assert!(refused, "half of all events are not its to put up");
    // An event that another server created where this one does not look may be anywhere.
    let other = nodes.serve("cells.toml");
    let elsewhere = put_up_from(&other, 0x80);
    assert_eq!(get(&server, &format!("/events/{elsewhere}")).problem(), "event_moving");
    assert_eq!(get(&other, &format!("/events/00000000{}", &elsewhere[8..])).status, 404);

    nodes.write("server.toml", &["a", "b"], 1, &one);
    soon("it goes by the new map", || version_of(&server) == "3");
    assert_eq!(cells_of(&server), "ok");
    assert_eq!(get(&server, &format!("/events/{high}")).status, 200);
    put_up_from(&server, 0x80);
}

#[test]
fn sighup_reloads_a_changed_file_and_an_invalid_one_changes_nothing() {
    let mut nodes = Nodes::files();
    nodes.write_two("cells.toml");
    nodes.done("cells.toml", "cells create");
    let mut server = nodes.serve("cells.toml");
    let high = put_up_from(&server, 0x80);
    let is_there = |server: &ServerProcess| get(server, &format!("/events/{high}")).status == 200;
    let edited = [("low", "a", "00", "3f"), ("high", "b", "40", "ff")];
    // Neither a file that is not TOML, nor other cells, nor a missing node, nor a missing cell, nor another home.
    let mut wrong = |why: &str| {
        assert!(!is_logged(&server, why), "{why} was told before");
        server.signal("HUP");
        soon(why, || is_logged(&server, why));
        assert!(is_logged(&server, "CELLS_FILE was read again, and changes nothing"));
        assert_eq!((version_of(&server).as_str(), cells_of(&server)), ("1", "ok".to_owned()));
        assert!(is_there(&server));
    };
    nodes.write_text("cells.toml", &["a", "b"], "version = 1\n[[cells]\n");
    wrong("names a file that cannot be read");
    nodes.write("cells.toml", &["a", "b"], 2, &edited);
    wrong("has other cells, as version 2");
    nodes.write("cells.toml", &["a"], 1, &[("low", "a", "00", "ff")]);
    wrong("has no node b");
    nodes.set_folder("b", "nowhere");
    nodes.write_two("cells.toml");
    wrong("there is no file");
    nodes.set_folder("b", "b");
    nodes.set_folder("a", "other");
    fs::create_dir(nodes.folder("other")).expect("it can be made");
    let other = [("BOOKING_DB", nodes.folder("other").join("low.db").display().to_string())];
    assert!(run("migrate", &other).status.success());
    nodes.write_two("cells.toml");
    wrong("no map is kept");

    // A cell that has moved is found where the file names it by now.
    nodes.set_folder("a", "a");
    nodes.set_folder("b", "c");
    fs::rename(nodes.folder("b"), nodes.folder("c")).expect("it can be moved");
    assert_eq!(get(&server, &format!("/events/{high}")).status, 503, "the file is gone");
    nodes.write_two("cells.toml");
    server.signal("HUP");
    soon("it is there again", || is_there(&server));
    soon("it says so", || cells_of(&server) == "ok");
    put_up_from(&server, 0x80);
    nodes.done("cells.toml", "audit");
}

/// How long a change has been pending without being followed, by the server's metrics.
fn publishing_seconds(server: &ServerProcess) -> f64 {
    let metrics = text(&get(server, "/metrics").body);
    let name = "booking_cells_map_publishing_seconds ";
    let shown = metrics.lines().find_map(|line| line.strip_prefix(name));
    shown.expect("it is shown").parse().expect("it is a number")
}

/// The command is stopped once the next map is stored.
#[test]
fn a_pending_change_that_no_server_follows_is_logged_once() {
    let nodes = Nodes::files();
    nodes.write("cells.toml", &["a", "b"], 1, &[("low", "a", "00", "ff")]);
    nodes.done("cells.toml", "cells create");
    let server = nodes.serve("cells.toml");
    soon("it goes by the map", || version_of(&server) == "1");
    let home = rusqlite::Connection::open(nodes.folder("a").join("low.db")).expect("it is there");
    let stored: String = home
        .query_row("SELECT map FROM cell_map", [], |row| row.get(0))
        .expect("the home keeps a map");
    let name = |name| CellName::parse(name).expect("a valid name");
    let to = NewCell { name: name("high"), node: "b".to_owned(), schema: "high".to_owned() };
    let split = MapChange::Split { cell: name("low"), at: 0x80, to };
    let map = CellMap::from_text(&stored, vec!["a".to_owned(), "b".to_owned()]);
    let next = map.expect("it is one").changed(&split).expect("it can be").to_text();
    assert!(publishing_seconds(&server).abs() < f64::EPSILON, "the control: nothing was begun");
    home.execute("UPDATE cell_map SET next = ?1", [next]).expect("it can be written");
    drop(home);

    soon("it is shown", || publishing_seconds(&server) > 0.0);
    let warned = "`booking-http cells resume` goes on, new events";
    assert!(!is_logged(&server, warned), "it may be somebody who is about it");
    soon("it is told", || is_logged(&server, warned));
    let since = publishing_seconds(&server);
    assert!(since >= 20.0, "{since} s");
    // Looked at a few times more.
    soon("it goes on", || publishing_seconds(&server) > since + 5.0);
    assert_eq!(server.stderr().matches(warned).count(), 1);
    assert_eq!(version_of(&server), "1");

    nodes.done("cells.toml", "cells resume");
    soon("it goes by the next", || version_of(&server) == "3");
    assert!(publishing_seconds(&server).abs() < f64::EPSILON);
    assert_eq!(cells_of(&server), "ok");
}

/// The stored assignments of cells, changed by hand as an operator may who restores backups.
fn write(nodes: &Nodes, node: &str, schema: &str, sql: &str) {
    let file = nodes.folder(node).join(format!("{schema}.db"));
    let connection = rusqlite::Connection::open(file).expect("it is there");
    connection.execute_batch(sql).expect("it can be written");
}

/// An operator mistypes where a node is, and all tables are there.
#[test]
fn another_database_is_not_taken_for_a_cell_whatever_tables_it_has() {
    let mut nodes = Nodes::files();
    nodes.write_two("cells.toml");
    nodes.done("cells.toml", "cells create");
    let mut server = nodes.serve("cells.toml");
    let high = put_up_from(&server, 0x80);
    // Another map's cell with the same bytes, a single database, and the other of these two cells.
    nodes.set_folder("a", "other_a");
    nodes.set_folder("b", "other_b");
    nodes.write_two("other.toml");
    nodes.done("other.toml", "cells create");
    nodes.set_folder("a", "a");
    fs::create_dir(nodes.folder("alone")).expect("it can be made");
    let alone = [("BOOKING_DB", nodes.folder("alone").join("high.db").display().to_string())];
    assert!(run("migrate", &alone).status.success());
    for (folder, why) in [
        ("other_b", "one of other cells than cell high, of another map"),
        ("alone", "was never told that it is cell high"),
    ] {
        nodes.set_folder("b", folder);
        nodes.write_two("cells.toml");
        server.signal("HUP");
        soon(why, || is_logged(&server, why));
        assert!(is_logged(&server, "CELLS_FILE was read again, and changes nothing"));
        assert_eq!(get(&server, &format!("/events/{high}")).status, 200, "it goes on as before");
        for arguments in ["serve", "audit", "token list", "cells create", "cells drop high"] {
            nodes.refused("cells.toml", arguments, why);
        }
        let status = nodes.run("cells.toml", "cells status");
        let message = text(&status.stdout);
        assert!(!status.status.success() && message.contains("low  a/low  up"), "{message}");
        assert!(message.contains("high  b/high  down: ") && message.contains(why), "{message}");
    }
    // Both files are cells of this map, each in the other's place.
    for (node, from, to) in [("a", "high", "b"), ("b", "low", "a")] {
        let copied = nodes.folder("swapped").join(node);
        fs::create_dir_all(&copied).expect("it can be made");
        write(&nodes, to, from, "PRAGMA wal_checkpoint(TRUNCATE)");
        let as_the_other = if from == "high" { "low" } else { "high" };
        let file = nodes.folder(to).join(format!("{from}.db"));
        fs::copy(file, copied.join(format!("{as_the_other}.db"))).expect("it can be copied");
    }
    nodes.set_folder("b", "swapped/b");
    nodes.write_two("cells.toml");
    let why = "was told to have events whose ids end in 00-7f, and cell high has 80-ff";
    server.signal("HUP");
    soon(why, || is_logged(&server, why));
    nodes.refused("cells.toml", "audit", why);
    // The home is another's, and stores a map of the same cells.
    nodes.set_folder("a", "other_a");
    nodes.set_folder("b", "b");
    nodes.write_two("cells.toml");
    server.signal("HUP");
    let why = "where CELLS_FILE has the home by now version 1 of a map is kept";
    soon(why, || is_logged(&server, why));
    nodes.refused("cells.toml", "audit", "one of other cells than cell high");
    assert_eq!(get(&server, &format!("/events/{high}")).status, 200);
    assert_eq!((version_of(&server).as_str(), cells_of(&server)), ("1", "ok".to_owned()));

    nodes.set_folder("a", "a");
    nodes.write_two("cells.toml");
    nodes.done("cells.toml", "audit");
    let server = nodes.serve("cells.toml");
    assert_eq!(get(&server, &format!("/events/{high}")).status, 200);
}

/// A backup from before it was assigned as a cell, or from before the cells were changed.
#[test]
fn a_restored_cell_is_used_again_after_adopt() {
    let nodes = Nodes::files();
    nodes.write("cells.toml", &["a", "b"], 3, &TWO);
    nodes.done("cells.toml", "cells create");
    let serve = || nodes.serve("cells.toml");
    let high = put_up_from(&serve(), 0x80);
    let status = nodes.done("cells.toml", "cells status");
    assert!(!status.contains("not all cells were told"), "{status}");
    for sql in [
        "DELETE FROM cell_bytes",
        "UPDATE cell_bytes SET version = 2, first_byte = 127, map_id = NULL",
        "UPDATE cell_bytes SET version = 2, last_byte = 200",
    ] {
        write(&nodes, "b", "high", sql);
        nodes.refused("cells.toml", "serve", "cell high");
        let message = nodes.done("cells.toml", "cells adopt high");
        assert!(
            message.contains("is a cell of these, for events whose ids end in 80-ff"),
            "{message}"
        );
        assert_eq!(get(&serve(), &format!("/events/{high}")).status, 200, "{sql}");
    }
    nodes.refused("cells.toml", "cells adopt middle", "there is no cell middle");
    // The home is older than its assignment.
    write(&nodes, "b", "high", "UPDATE cell_bytes SET version = 4, first_byte = 200");
    nodes.refused("cells.toml", "serve", "ids end in c8-ff, and cell high has 80-ff");
    nodes.refused("cells.toml", "cells adopt high", "by a later map than version 3");
    write(&nodes, "b", "high", "UPDATE cell_bytes SET map_id = randomblob(16)");
    nodes.refused("cells.toml", "cells adopt high", "one of other cells, of another map");
}

/// Two servers at once begin to assign unassigned cells; one that does not answer is assigned later.
#[test]
fn unassigned_cells_are_assigned_by_the_first_servers_that_reach_all_of_them() {
    let nodes = Nodes::files();
    nodes.write_two("cells.toml");
    nodes.done("cells.toml", "cells create");
    let home = rusqlite::Connection::open(nodes.folder("a").join("low.db")).expect("it is there");
    let id_of_map = || -> Option<String> {
        let id = "SELECT json_extract(map, '$.id') FROM cell_map";
        home.query_row(id, [], |row| row.get(0)).expect("it keeps one")
    };
    assert!(id_of_map().is_some());
    // As a version before left them.
    home.execute_batch(
        "DELETE FROM cell_bytes; UPDATE cell_map SET map = json_remove(map, '$.id')",
    )
    .expect("it can be written");
    write(&nodes, "b", "high", "DELETE FROM cell_bytes");
    let status = nodes.done("cells.toml", "cells status");
    assert!(status.contains("not all cells were told yet that they are these"), "{status}");
    nodes.done("cells.toml", "audit");
    assert_eq!(id_of_map(), None, "who only looks tells nobody");
    let servers = thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| nodes.serve("cells.toml")));
        both.map(|one| one.join().expect("it starts"))
    });
    let id = id_of_map().expect("all were told");
    for server in &servers {
        let event = put_up_from(server, 0x80);
        assert_eq!(get(server, &format!("/events/{event}")).status, 200);
    }
    let other = rusqlite::Connection::open(nodes.folder("b").join("high.db")).expect("there");
    let message: String = other
        .query_row("SELECT lower(hex(map_id)) FROM cell_bytes", [], |row| row.get(0))
        .expect("it was told");
    assert_eq!(message, id.replace('-', ""));
    let status = nodes.done("cells.toml", "cells status");
    assert!(!status.contains("not all cells were told"), "{status}");
}

/// As when an operator's disk is full.
const REFUSES_ASSIGNMENT: &str = "CREATE TRIGGER takes_no_telling BEFORE INSERT ON cell_bytes \
                                BEGIN SELECT raise(ABORT, 'it takes nothing'); END";

/// Two cells as an earlier version left them, unassigned.
fn unassign_cells(nodes: &Nodes) {
    let map = "UPDATE cell_map SET map = json_remove(map, '$.id')";
    write(nodes, "a", "low", &format!("DELETE FROM cell_bytes; {map}"));
    write(nodes, "b", "high", "DELETE FROM cell_bytes");
}

#[test]
fn cells_that_cannot_be_assigned_are_served_and_assigned_at_the_next_start() {
    let nodes = Nodes::files();
    nodes.write_two("cells.toml");
    nodes.done("cells.toml", "cells create");
    unassign_cells(&nodes);
    write(&nodes, "b", "high", REFUSES_ASSIGNMENT);
    let are_assigned =
        || !nodes.done("cells.toml", "cells status").contains("not all cells were told");
    nodes.refused("cells.toml", "cells create", "cell high failed");
    let high = {
        let server = nodes.serve("cells.toml");
        soon("it says so", || is_logged(&server, "cells could not be told that they are these"));
        put_up_from(&server, 0x80)
    };
    assert!(!are_assigned());
    write(&nodes, "b", "high", "DROP TRIGGER takes_no_telling");
    let server = nodes.serve("cells.toml");
    assert_eq!(get(&server, &format!("/events/{high}")).status, 200);
    assert!(are_assigned() && !is_logged(&server, "could not be told"), "{}", server.stderr());
}

/// It began before cells were assigned, and one of its cells' places was mistyped.
#[test]
fn a_server_with_another_database_reports_it_once_the_cells_are_assigned() {
    let mut nodes = Nodes::files();
    nodes.write_two("cells.toml");
    nodes.done("cells.toml", "cells create");
    unassign_cells(&nodes);
    fs::create_dir(nodes.folder("alone")).expect("it can be made");
    let alone = [("BOOKING_DB", nodes.folder("alone").join("high.db").display().to_string())];
    assert!(run("migrate", &alone).status.success());
    nodes.set_folder("b", "alone");
    nodes.write_two("server.toml");
    nodes.set_folder("b", "b");
    write(&nodes, "a", "low", REFUSES_ASSIGNMENT);
    let server = nodes.serve("server.toml");
    write(&nodes, "a", "low", "DROP TRIGGER takes_no_telling");
    let outdated = || text(&get(&server, "/metrics").body).contains("cells_map_outdated 1\n");
    assert!(cells_of(&server) == "ok" && !outdated(), "the control: nobody knows better yet");

    nodes.done("cells.toml", "cells create");
    soon("it is outdated", || cells_of(&server) == "outdated");
    assert!(outdated() && version_of(&server) == "1");
    soon("it is told", || is_logged(&server, "keeps another map of the same version"));
    soon("it is told", || is_logged(&server, "was never told that it is cell high"));
    nodes.write_two("server.toml");
    soon("it has the right one", || cells_of(&server) == "ok");
    assert!(!outdated());
}

/// One that answers a connection, but not the question which cell it is.
#[test]
fn a_server_starts_without_a_cell_that_fails_once_it_was_opened() {
    let nodes = Nodes::file_and_database("a", "b");
    nodes.write_two("cells.toml");
    nodes.done("cells.toml", "cells create");
    let (low, high) = {
        let server = nodes.serve("cells.toml");
        (put_up_below(&server, 0x80), put_up_from(&server, 0x80))
    };
    let database = nodes.database();
    let held = "BEGIN; LOCK TABLE high.cell_bytes IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(45)";
    thread::scope(|scope| {
        // It is ended below.
        scope.spawn(|| drop(run_sql(database.url(), held)));
        let granted = "SELECT 1 FROM pg_locks WHERE relation = 'high.cell_bytes'::regclass \
                       AND mode = 'AccessExclusiveLock' AND granted";
        soon("it is held", || database.sql(granted).len() == 1);
        let server = nodes.serve("cells.toml");
        soon("it is logged", || is_logged(&server, "cell high does not answer"));
        let status = |id: &str| get(&server, &format!("/events/{id}")).status;
        assert_eq!((status(&low), status(&high)), (200, 503));
        database.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE query LIKE 'BEGIN; LOCK TABLE high%' AND pid <> pg_backend_pid()",
        );
        soon("it is there again", || status(&high) == 200);
    });
}

/// It was away when a server started and when the cells were assigned; another database is in its place.
#[test]
fn a_database_in_the_place_of_an_absent_cell_is_checked() {
    let mut nodes = Nodes::file_and_database("a", "b");
    nodes.write_two("cells.toml");
    nodes.done("cells.toml", "cells create");
    let high = put_up_from(&nodes.serve("cells.toml"), 0x80);
    write(
        &nodes,
        "a",
        "low",
        "DELETE FROM cell_bytes; UPDATE cell_map SET map = json_remove(map, '$.id')",
    );
    nodes.database().sql("DELETE FROM high.cell_bytes");
    // Another database with the same tables, which a server reaches by a path that does not exist yet.
    let other = booking_testkit::shared().database(None);
    nodes.set_folder("a", "other_a");
    nodes.set_url("b", other.url());
    nodes.write_two("other.toml");
    nodes.done("other.toml", "cells create");
    let (port, target) = (free_port(), booking_testkit::shared().port());
    let way = other.url().replace(&format!(":{target}/"), &format!(":{port}/"));
    assert_ne!(way, other.url());
    nodes.set_folder("a", "a");
    nodes.set_url("b", &way);
    nodes.write_two("server.toml");
    let mut settings = nodes.settings("server.toml");
    settings.push(("DB_WAIT_SECONDS", "1".to_owned()));
    let mut server = ServerProcess::start(Path::new(PROGRAM), &settings);
    soon("it is logged", || is_logged(&server, "cell high does not answer"));

    nodes.done("cells.toml", "cells create");
    let is_followed = "2 cells, of version 1 of their map, are gone by from now on";
    soon("it knows that they were told", || is_logged(&server, is_followed));
    let came = lead_to(port, target);
    let status = |server: &ServerProcess| get(server, &format!("/events/{high}")).status;
    for _ in 0..20 {
        assert_eq!(status(&server), 503, "it is not known to be nowhere");
        thread::sleep(Duration::from_millis(100));
    }
    assert!(came.load(Ordering::Relaxed) > 0, "the control: it was there to be asked");
    let right = nodes.database().url().to_owned();
    nodes.set_url("b", &right);
    nodes.write_two("server.toml");
    server.signal("HUP");
    soon("it is where the file says", || status(&server) == 200);
}

/// Forwards connections to a port until the tests end; counts them.
fn lead_to(port: u16, target: u16) -> Arc<AtomicU64> {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("it was free");
    let came = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&came);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", target)).expect("it is there");
            count.fetch_add(1, Ordering::Relaxed);
            let both = (client.try_clone().expect("a handle"), server.try_clone().expect("one"));
            thread::spawn(move || carry(&client, &server));
            thread::spawn(move || carry(&both.1, &both.0));
        }
    });
    came
}

/// Until one of both ends.
fn carry(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_cell_in_the_place_of_another_is_not_assigned_to_it() {
    let nodes = Nodes::folders(&["a", "b", "c"]);
    let three = [("low", "a", "00", "3f"), ("middle", "b", "40", "7f"), ("high", "c", "80", "ff")];
    nodes.write("cells.toml", &["a", "b", "c"], 1, &three);
    nodes.done("cells.toml", "cells create");
    let assigned_as_high = "UPDATE cell_bytes SET first_byte = 128, last_byte = 255";
    write(&nodes, "b", "middle", assigned_as_high);
    let adopted = nodes.run("cells.toml", "cells adopt middle");
    let (message, why) = (text(&adopted.stdout), text(&adopted.stderr));
    assert!(!adopted.status.success() && why.contains("what is there is cell high"), "{why}");
    assert!(message.contains("told by version 1 of a map to have 80-ff"), "{message}");
    nodes.refused("cells.toml", "audit", "ids end in 80-ff, and cell middle has 40-7f");
    write(&nodes, "b", "middle", "UPDATE cell_bytes SET first_byte = 64, last_byte = 127");
    nodes.done("cells.toml", "audit");
}

/// The home, with the next map of a change whose command was stopped.
fn changed_home(nodes: &Nodes, change: &MapChange) -> (rusqlite::Connection, String) {
    let home = rusqlite::Connection::open(nodes.folder("a").join("low.db")).expect("it is there");
    let stored: String = home
        .query_row("SELECT map FROM cell_map", [], |row| row.get(0))
        .expect("the home keeps a map");
    let map = CellMap::from_text(&stored, vec!["a".to_owned(), "b".to_owned()]).expect("it is one");
    (home, map.changed(change).expect("it can be").to_text())
}

#[test]
fn a_cell_restored_during_a_change_is_adopted_and_the_change_continues() {
    let nodes = Nodes::files();
    nodes.write_two("cells.toml");
    nodes.done("cells.toml", "cells create");
    let event = put_up_from(&nodes.serve("cells.toml"), 0x80);
    let cell = CellName::parse("high").expect("a valid name");
    let (home, after) = changed_home(&nodes, &MapChange::Drop { cell });
    // While no server follows it yet.
    home.execute("UPDATE cell_map SET next = ?1", [&after]).expect("it can be written");
    write(&nodes, "b", "high", "DELETE FROM cell_bytes");
    nodes.refused("cells.toml", "cells resume", "was never told that it is cell high");
    let message = nodes.done("cells.toml", "cells adopt high");
    assert!(message.contains("a cell of these, for events whose ids end in 80-ff"), "{message}");
    // And once all do.
    home.execute("UPDATE cell_map SET version = 2, map = ?1, next = NULL", [&after])
        .expect("it can be written");
    write(&nodes, "a", "low", "UPDATE cell_bytes SET version = 2, last_byte = 255");
    for arguments in ["serve", "cells resume"] {
        nodes.refused("cells.toml", arguments, "ids end in 80-ff, and cell high has no byte");
    }
    let message = nodes.done("cells.toml", "cells adopt high");
    assert!(message.contains("a cell of these, for events whose ids end in no byte"), "{message}");
    nodes.done("cells.toml", "cells resume");
    assert_eq!(get(&nodes.serve("cells.toml"), &format!("/events/{event}")).status, 200);
    assert!(nodes.events_of("a", "low").contains(&event));
}

#[test]
fn a_restored_home_is_used_again_after_adopt() {
    let nodes = Nodes::files();
    nodes.write_two("cells.toml");
    nodes.done("cells.toml", "cells create");
    let event = put_up_from(&nodes.serve("cells.toml"), 0x80);
    let unassign = "DELETE FROM cell_bytes; UPDATE cell_map SET map = json_remove(map, '$.id')";
    write(&nodes, "a", "low", unassign);
    nodes.refused("cells.toml", "serve", "one of other cells than cell high");
    nodes.refused("cells.toml", "cells adopt high", "not all cells were told yet");
    let message = nodes.done("cells.toml", "cells adopt low");
    assert!(message.contains("low  is the home of these cells"), "{message}");
    assert!(message.contains("high  what is there has 1 published events"), "{message}");
    assert_eq!(get(&nodes.serve("cells.toml"), &format!("/events/{event}")).status, 200);
}

/// It failed over to a standby without the last writes.
#[test]
fn a_change_that_the_home_has_lost_continues_when_it_is_repeated() {
    let nodes = Nodes::files();
    nodes.write_two("cells.toml");
    nodes.done("cells.toml", "cells create");
    let event = put_up_from(&nodes.serve("cells.toml"), 0xc0);
    write(&nodes, "b", "high", "UPDATE cell_bytes SET version = 2, last_byte = 191");
    nodes.refused("cells.toml", "serve", "the same change made again goes on");
    let another = "cells split high --at e0 --to top --node a";
    nodes.refused("cells.toml", another, "ids end in 80-bf, and cell high has 80-ff");
    nodes.done("cells.toml", "cells split high --at c0 --to top --node a");
    assert!(nodes.events_of("a", "top").contains(&event));
    assert_eq!(get(&nodes.serve("cells.toml"), &format!("/events/{event}")).status, 200);
}

/// A database from before there were cells is one that has all of them, and continues without them.
#[test]
fn a_single_database_can_become_the_only_cell_and_be_single_again() {
    let nodes = Nodes::files();
    fs::create_dir(nodes.folder("a")).expect("it can be made");
    let alone = [("BOOKING_DB", nodes.folder("a").join("public.db").display().to_string())];
    let serve_alone = || ServerProcess::start(Path::new(PROGRAM), &alone);
    let event = put_up(&serve_alone());
    nodes.write("cells.toml", &["a"], 1, &[("public", "a", "00", "ff")]);
    let is_there = |server: &ServerProcess| get(server, &format!("/events/{event}")).status == 200;
    for _ in 0..2 {
        assert!(is_there(&nodes.serve("cells.toml")));
        let server = serve_alone();
        assert!(is_there(&server));
        put_up(&server);
    }
}

#[test]
fn sighup_ends_no_server_that_has_no_such_file() {
    let mut app = App::start(Data::sqlite());
    app.server.signal("HUP");
    soon("it is told", || is_logged(&app.server, "SIGHUP changes nothing"));
    assert_eq!(app.get("/readyz").status, 200);
    assert!(app.server.terminate().success());
}
