//! Cells that are split, moved and dropped while they sell, and the command is killed again and again.

use crate::common::http::{Answer, try_send};
use crate::common::{PROGRAM, key};
use crate::nodes::{
    End, Nodes, SOON, byte_of, get, post, put_up, put_up_from, soon, text, version_of,
};
use booking_testkit::ServerProcess;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a command runs before it is killed: while it makes the new cell, begins, waits, and moves.
const KILLED_AFTER: [Duration; 6] = [
    Duration::from_millis(30),
    Duration::from_millis(150),
    Duration::from_millis(600),
    Duration::from_millis(4_150),
    Duration::from_millis(4_400),
    Duration::from_millis(4_900),
];
const EVENTS: usize = 12;

/// Repeats a request until it is decided: while an event is on its way it is not.
fn decided(url: &str, path: &str, key: &str, body: &Value) -> Answer {
    let since = Instant::now();
    loop {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let answer = try_send(url, "POST", path, &headers, body.to_string().as_bytes());
        match answer {
            Ok(answer) if answer.status != 503 => return answer,
            other => assert!(since.elapsed() < SOON, "never decided: {other:?}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A seat that a client was promised.
#[derive(Default)]
struct Sold {
    /// Registrations, by event.
    seats: BTreeMap<String, Vec<String>>,
}

/// Buys seats and creates events until it is over.
fn buy(urls: [&str; 2], who: usize, events: &[String], is_over: &AtomicBool) -> Sold {
    let mut sold = Sold::default();
    for event in events {
        sold.seats.insert(event.clone(), Vec::new());
    }
    let id = |answer: &Answer| answer.json()["id"].as_str().expect("it has an id").to_owned();
    for number in (0..).take_while(|_| !is_over.load(Ordering::Relaxed)) {
        let url = urls[number % 2];
        if number % 25 == 24 {
            let body = json!({"name": "Another event", "capacity": 9_999});
            let made = decided(url, "/events", &key(&format!("event {who} {number}")), &body);
            assert_eq!(made.status, 201, "{made:?}");
            sold.seats.insert(id(&made), Vec::new());
        }
        let at = number % sold.seats.len();
        let (event, seats) = sold.seats.iter_mut().nth(at).expect("there are as many");
        let body = json!({"user_email": format!("who-{who}-{number}@example.org")});
        let path = format!("/events/{event}/register");
        let seat = decided(url, &path, &key(&format!("seat {who} {number}")), &body);
        assert_eq!(seat.status, 201, "{seat:?}");
        seats.push(id(&seat));
    }
    sold
}

/// Whether a change has begun by the output of `cells status`, and whether it has ended.
fn stands(message: &str, to: &str) -> (bool, bool) {
    let is_under_way = message.contains("under way:") || message.contains("begun, and not");
    let is_there = message.lines().any(|line| line.split("  ").nth(1) == Some(to));
    (is_under_way || is_there, is_there && !is_under_way)
}

/// Splits a cell in the middle of a sale by two servers, while the command is killed again and again.
fn split_in_a_sale(nodes: &Nodes, from: &str, to: &str) {
    nodes.write("cells.toml", &["a", "b"], 1, &[("low", from, "00", "ff")]);
    assert!(nodes.done("cells.toml", "cells create").contains("low  applied: V1__"));
    let servers = [nodes.serve("cells.toml"), nodes.serve("cells.toml")];
    let events: Vec<String> = (0..EVENTS).map(|_| put_up(&servers[0])).collect();
    let urls = [servers[0].url(), servers[1].url()];
    let (is_over, kills) = (AtomicBool::new(false), AtomicUsize::new(0));
    let split = format!("cells split low --at 80 --to high --node {to}");
    let sold: Vec<Sold> = thread::scope(|scope| {
        let (is_over, events) = (&is_over, &events);
        let end = End(is_over);
        let buying: Vec<_> =
            (0..3).map(|who| scope.spawn(move || buy(urls, who, events, is_over))).collect();
        for after in KILLED_AFTER {
            let (has_begun, has_ended) = stands(&nodes.done("cells.toml", "cells status"), "high");
            if has_ended {
                break;
            }
            let what = if has_begun { "cells resume" } else { &split };
            nodes.killed("cells.toml", what, after);
            kills.fetch_add(1, Ordering::Relaxed);
        }
        let message = nodes.done("cells.toml", "cells resume");
        assert!(message.contains("first = \"80\"") && message.contains("version = 3"), "{message}");
        // By both maps: right after it is over, and a while later.
        thread::sleep(Duration::from_secs(1));
        drop(end);
        buying.into_iter().map(|buying| buying.join().expect("all is decided")).collect()
    });
    println!("killed {} times", kills.load(Ordering::Relaxed));

    for server in &servers {
        soon("it goes by the map in which all has ended", || version_of(server) == "3");
        assert!(get(server, "/readyz").json()["checks"].get("cells").is_none());
    }
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (event, seats) in sold.into_iter().flat_map(|sold| sold.seats) {
        all.entry(event).or_default().extend(seats);
    }
    assert_eq!(missing(&servers, &all), [""; 0]);
    // A lost seat would be found.
    let (event, seats) = all.iter().find(|(_, seats)| !seats.is_empty()).expect("some are sold");
    let another = format!("00000000{}", &seats[0][8..]);
    let faked = BTreeMap::from([(event.clone(), [&seats[..], slice::from_ref(&another)].concat())]);
    assert_eq!(
        missing(&servers, &faked),
        [another, format!("1 of {event}"), format!("1 of {event}")]
    );
    let (low, high) = (nodes.events_of(from, "low"), nodes.events_of(to, "high"));
    assert!(low.iter().all(|id| byte_of(id) < 0x80) && !low.is_empty(), "{low:?}");
    assert!(high.iter().all(|id| byte_of(id) >= 0x80) && !high.is_empty(), "{high:?}");
    let everywhere: BTreeSet<_> = low.union(&high).map(String::as_str).collect();
    assert_eq!(everywhere, all.keys().map(String::as_str).collect::<BTreeSet<_>>());
    let status = nodes.done("cells.toml", "cells status");
    let stored = "map version 3, home low\nCELLS_FILE has version 1\n00-7f  low";
    assert!(status.starts_with(stored) && !status.contains("under way"), "{status}");
    assert!(status.contains(&format!("80-ff  high  {to}/high  up")), "{status}");
    nodes.done("cells.toml", "audit");
}

/// The seats that clients were promised and do not have; for each event its counts, by each server.
fn missing(servers: &[ServerProcess; 2], sold: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut missing = Vec::new();
    for (event, seats) in sold {
        for (number, seat) in seats.iter().enumerate() {
            let found = get(&servers[number % 2], &format!("/registrations/{seat}"));
            if found.status != 200 || found.json()["status"] != "confirmed" {
                missing.push(seat.clone());
            }
        }
        for server in servers {
            let found = get(server, &format!("/events/{event}")).json();
            let booked = found["booked_count"].as_u64().expect("it is a number");
            let sold = seats.len() as u64;
            if booked != sold {
                missing.push(format!("{} of {event}", sold.abs_diff(booked)));
            }
        }
    }
    missing
}

#[test]
fn a_cell_that_is_split_into_another_file_in_a_sale_loses_nothing() {
    split_in_a_sale(&Nodes::files(), "a", "b");
}

#[test]
fn a_cell_that_is_split_from_a_file_into_postgresql_in_a_sale_loses_nothing() {
    split_in_a_sale(&Nodes::file_and_database("a", "b"), "a", "b");
}

#[test]
fn a_cell_that_is_split_from_postgresql_into_a_file_in_a_sale_loses_nothing() {
    split_in_a_sale(&Nodes::file_and_database("b", "a"), "a", "b");
}

#[test]
fn a_moved_or_dropped_cell_leaves_the_map_and_its_events_remain() {
    let nodes = Nodes::files();
    let three = [("low", "a", "00", "3f"), ("middle", "a", "40", "7f"), ("high", "b", "80", "ff")];
    nodes.write("cells.toml", &["a", "b"], 4, &three);
    nodes.done("cells.toml", "cells create");
    let server = nodes.serve("cells.toml");
    let events: Vec<String> = (0..EVENTS).map(|_| put_up(&server)).collect();
    let [in_middle, in_high] = [0x40..0x80, 0x80..0xff].map(|bytes| {
        loop {
            let id = put_up(&server);
            if bytes.contains(&byte_of(&id)) {
                return id;
            }
        }
    });
    let all = [&events[..], &[in_middle.clone(), in_high.clone()]].concat();
    let are_there = || {
        for event in &all {
            let body = json!({"user_email": "ada@example.org"});
            let path = format!("/events/{event}/register");
            let seat = post(&server, &path, &[], &body);
            assert!([201, 409].contains(&seat.status), "{seat:?}");
            assert_eq!(get(&server, &format!("/events/{event}")).json()["booked_count"], 1);
        }
    };
    let message = nodes.done("cells.toml", "cells drop middle");
    assert!(
        message.contains(&format!("event {in_middle}: ")) && message.contains(" left\n"),
        "{message}"
    );
    assert!(message.contains("cell middle is none any more"), "{message}");
    soon("the server goes by it", || version_of(&server) == "6");
    are_there();
    assert!(nodes.events_of("a", "middle").is_empty());
    assert!(nodes.events_of("a", "low").contains(&in_middle));
    let metrics = text(&get(&server, "/metrics").body);
    assert!(!metrics.contains("cell=\"middle\"") && metrics.contains("cell=\"low\""), "{metrics}");

    let message = nodes.done("cells.toml", "cells move high --to top --node a --schema upper");
    soon("the server goes by it", || version_of(&server) == "8");
    are_there();
    assert!(nodes.events_of("b", "high").is_empty());
    assert!(nodes.events_of("a", "upper").contains(&in_high));
    // It prints what the file may contain from then on.
    let (_, printed) = message.split_once("on every server:\n\n").expect("it says what to do");
    nodes.write_text("new.toml", &["a", "b"], printed);
    let status = nodes.done("new.toml", "cells status");
    assert!(status.starts_with("map version 8, home low\n00-7f  low  a/low  up"), "{status}");
    assert!(status.contains("80-ff  top  a/upper  up"), "{status}");
    // The oldest file leads there, too.
    let other = nodes.serve("cells.toml");
    assert_eq!(version_of(&other), "8");
    assert_eq!(get(&other, &format!("/events/{in_high}")).status, 200);
    assert!(nodes.done("cells.toml", "cells resume").starts_with("nothing is under way"));
    nodes.done("cells.toml", "audit");
}

#[test]
fn a_change_that_would_lose_events_is_refused() {
    let nodes = Nodes::files();
    let two = [("low", "a", "00", "7f"), ("high", "a", "80", "ff")];
    nodes.write("cells.toml", &["a", "b"], 1, &two);
    nodes.done("cells.toml", "cells create");
    for (arguments, why) in [
        ("cells drop low", "is the home"),
        ("cells move low --to next --node b", "is the home"),
        ("cells drop middle", "there is no cell middle"),
        ("cells split low --at 80 --to next --node b", "cannot be split at 80"),
        ("cells split low --at 00 --to next --node b", "cannot be split at 00"),
        ("cells split low --at 40 --to high --node b", "two cells are called high"),
        ("cells split low --at 40 --to next --node c", "node c"),
        ("cells split low --at 40 --to next --node a --schema high", "schema high of node a"),
    ] {
        nodes.refused("cells.toml", arguments, why);
        let status = nodes.done("cells.toml", "cells status");
        assert!(status.starts_with("map version 1, home low\n00-7f  low"), "{arguments}: {status}");
    }
    assert!(!nodes.folder("b").exists(), "nothing was made");

    // Another event has it already.
    fs::create_dir(nodes.folder("b")).expect("it can be made");
    let other = [("BOOKING_DB", nodes.folder("b").join("next.db").display().to_string())];
    let server = ServerProcess::start(Path::new(PROGRAM), &other);
    put_up(&server);
    drop(server);
    nodes.refused("cells.toml", "cells split low --at 40 --to next --node b", "events in");
    // An event is on its way there.
    let room = nodes.folder("b").join("room.db");
    let other_room = [("BOOKING_DB", room.display().to_string())];
    drop(ServerProcess::start(Path::new(PROGRAM), &other_room));
    let arriving = "INSERT INTO moving_events (event_id, direction, move_id, place, since)
         VALUES (randomblob(16), 'arriving', randomblob(16), 'old', unixepoch() * 1000000)";
    let room = rusqlite::Connection::open(room).expect("it can be opened");
    room.execute_batch(arriving).expect("it can be written");
    drop(room);
    nodes.refused("cells.toml", "cells split low --at 40 --to room --node b", "on its way into");
    nodes.write("other.toml", &["a", "b"], 1, &[("home", "b", "00", "ff")]);
    nodes.done("other.toml", "cells create");
    let home = "cells split low --at 40 --to home --node b";
    nodes.refused("cells.toml", home, "the home of other cells");

    // A file with other cells.
    let edited = [("low", "a", "00", "3f"), ("high", "a", "40", "ff")];
    nodes.write("edited.toml", &["a", "b"], 2, &edited);
    for arguments in ["serve", "audit", "migrate", "cells create", "cells drop high"] {
        nodes.refused("edited.toml", arguments, "`booking-http cells split`");
    }
    let status = nodes.run("edited.toml", "cells status");
    let message = text(&status.stdout);
    assert!(!status.status.success() && message.contains("00-7f  low  a/low  up"), "{message}");
    assert!(message.contains("has other cells, as version 2"), "{message}");
    // A file that does not name a node.
    nodes.done("cells.toml", "cells move high --to next --node b --schema upper");
    nodes.write("fewer.toml", &["a"], 1, &two);
    nodes.refused("fewer.toml", "audit", "no node b, which cell next is on");
}

#[test]
fn one_change_at_a_time_is_under_way_and_resume_ends_it() {
    let nodes = Nodes::files();
    nodes.write("cells.toml", &["a", "b"], 1, &[("low", "a", "00", "ff")]);
    nodes.done("cells.toml", "cells create");
    let server = nodes.serve("cells.toml");
    let event = put_up_from(&server, 0x80);
    let split = "cells split low --at 80 --to high --node b";
    // It waits for servers before it moves anything.
    let mut child = Command::new(PROGRAM)
        .args(split.split(' '))
        .env_clear()
        .envs(nodes.settings("cells.toml"))
        .stdout(Stdio::null())
        .spawn()
        .expect("the program is there");
    let is_under_way = || nodes.done("cells.toml", "cells status").contains("\nunder way:");
    soon("it has begun", is_under_way);
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");

    let under_way = "go from low to high, by version 2 of the map: that comes first; `booking-http cells resume`";
    for arguments in ["cells drop high", split, "cells split low --at 40 --to more --node b"] {
        nodes.refused("cells.toml", arguments, under_way);
    }
    let status = nodes.done("cells.toml", "cells status");
    let to_go = status.lines().find_map(|line| line.strip_prefix("under way: "));
    let to_go = to_go.expect("it is told");
    let all = nodes.events_of("a", "low");
    let upper = all.iter().filter(|id| byte_of(id) >= 0x80).count();
    assert!(to_go.contains("80-ff go from low to high"), "{to_go}");
    assert!(to_go.contains(&format!(", {upper} of them still to go")), "{to_go}");
    let erased = nodes.run("cells.toml", "erase --email ada@example.org");
    let message = text(&erased.stderr);
    assert!(!erased.status.success() && message.contains("may have been passed over"), "{message}");
    // No client has to wait for its end.
    soon("the server goes by it", || version_of(&server) == "2");
    assert_eq!(get(&server, &format!("/events/{event}")).status, 200);
    assert!(byte_of(&put_up_from(&server, 0x80)) >= 0x80);

    let message = nodes.done("cells.toml", "cells resume");
    assert!(message.contains(&format!("{upper} events are in high now")), "{message}");
    soon("the server goes by it", || version_of(&server) == "3");
    assert!(nodes.events_of("b", "high").contains(&event));
    nodes.done("cells.toml", "erase --email ada@example.org");
    nodes.done("cells.toml", "cells drop high");
    soon("the server goes by it", || version_of(&server) == "5");
    assert_eq!(get(&server, &format!("/events/{event}")).status, 200);
    assert!(nodes.events_of("a", "low").contains(&event), "it came back");
}

/// An older program would leave behind what it does not know.
#[test]
fn nothing_is_moved_out_of_or_into_tables_of_a_newer_version() {
    let nodes = Nodes::files();
    let two = [("low", "a", "00", "7f"), ("high", "a", "80", "ff")];
    nodes.write("cells.toml", &["a", "b"], 1, &two);
    nodes.done("cells.toml", "cells create");
    let place = |schema: &str| nodes.folder("a").join(format!("{schema}.db"));
    let newer = rusqlite::Connection::open(place("high")).expect("it can be opened");
    newer
        .execute(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
             SELECT 999, 'later', applied_on, '1' FROM refinery_schema_history WHERE version = 1",
            [],
        )
        .expect("it can be written");
    let (low, high) = (place("low"), place("high"));
    for (from, to) in [(&low, &high), (&high, &low)] {
        let arguments = format!("move --from {} --to {}", from.display(), to.display());
        nodes.refused("cells.toml", &arguments, "tables of a newer version (V999__later)");
    }
    nodes.refused("cells.toml", "cells drop high", "tables of a newer version");
    // It goes by the map all the same.
    nodes.done("cells.toml", "audit");
    assert!(nodes.done("cells.toml", "cells status").starts_with("map version 1,"));
}
