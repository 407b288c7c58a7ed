//! The program on several databases at once, and what still works when one of them is away.

mod changing;
#[path = "../common/mod.rs"]
mod common;
mod following;
mod nodes;

use booking_testkit::{Cluster, ClusterOptions, ServerProcess};
use common::{PROGRAM, ask, key, run};
use nodes::{End, Nodes, byte_of, get, post, put_up, soon, text};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const FILE: &str = "cells.toml";
const NAMES: [&str; 3] = ["low", "middle", "high"];

/// Three cells, each in a file in a folder of its own.
fn three_files() -> Nodes {
    let nodes = Nodes::folders(&NAMES);
    let three = [
        (NAMES[0], NAMES[0], "00", "3f"),
        (NAMES[1], NAMES[1], "40", "7f"),
        (NAMES[2], NAMES[2], "80", "ff"),
    ];
    nodes.write(FILE, &NAMES, 1, &three);
    nodes
}

/// The name of the cell that holds `id`.
fn cell_of(id: &str) -> &'static str {
    match byte_of(id) {
        0..0x40 => NAMES[0],
        0x40..0x80 => NAMES[1],
        _ => NAMES[2],
    }
}

/// Creates events until each cell has one; returns one of each.
fn one_of_each(server: &ServerProcess) -> [String; 3] {
    let mut events: [Option<String>; 3] = [None, None, None];
    while events.iter().any(Option::is_none) {
        let id = put_up(server);
        let at = NAMES.iter().position(|name| *name == cell_of(&id)).expect("it is one of them");
        events[at] = Some(id);
    }
    events.map(|id| id.expect("each has one"))
}

#[test]
fn a_cell_that_is_away_makes_only_its_own_events_unavailable() {
    let cells = three_files();
    assert!(cells.run(FILE, "cells create").status.success());
    let server = cells.serve(FILE);
    let events = one_of_each(&server);
    let register = |event: &str, who: &str| {
        let body = json!({"user_email": format!("{who}@example.org")});
        post(&server, &format!("/events/{event}/register"), &[], &body)
    };
    let seats = events.each_ref().map(|event| {
        let seat = register(event, "ada");
        assert_eq!(seat.status, 201, "{seat:?}");
        seat.json()["id"].as_str().expect("it has an id").to_owned()
    });
    let all = get(&server, "/events");
    assert_eq!(all.header("booking-missing-cells"), None);
    let count = all.json().as_array().expect("a list").len();

    cells.take_away("middle");
    assert_eq!(get(&server, &format!("/events/{}", events[1])).problem(), "unavailable");
    assert_eq!(register(&events[1], "grace").status, 503);
    assert_eq!(get(&server, &format!("/registrations/{}", seats[1])).status, 503);
    for at in [0, 2] {
        assert_eq!(get(&server, &format!("/events/{}", events[at])).status, 200);
        assert_eq!(register(&events[at], "grace").status, 201);
        assert_eq!(get(&server, &format!("/registrations/{}", seats[at])).status, 200);
    }
    let some = get(&server, "/events");
    assert_eq!((some.status, some.header("booking-missing-cells")), (200, Some("middle")));
    let listed = some.json();
    let listed: BTreeSet<_> =
        listed.as_array().expect("a list").iter().map(|event| event["id"].to_string()).collect();
    assert!(listed.len() < count && !listed.contains(&format!("\"{}\"", events[1])));
    soon("readiness is degraded", || {
        let ready = get(&server, "/readyz");
        assert_eq!(ready.status, 200, "it serves all the same: {ready:?}");
        ready.json()["checks"]["cells"] == "degraded"
    });
    let metrics = text(&get(&server, "/metrics").body);
    for line in ["booking_cells_up{cell=\"middle\"} 0", "booking_cells_up{cell=\"low\"} 1"] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    let audit = cells.run(FILE, "audit");
    assert!(!audit.status.success(), "who has not seen all does not say that all is well");

    cells.restore("middle");
    soon("all is well", || {
        get(&server, "/readyz").json()["checks"].get("cells").is_none()
            && get(&server, "/events").header("booking-missing-cells").is_none()
    });
    assert_eq!(register(&events[1], "grace").status, 201);
    let audit = cells.run(FILE, "audit");
    assert!(audit.status.success(), "{}", text(&audit.stdout));
}

#[test]
fn a_repeated_request_finds_the_event_that_it_created() {
    let cells = three_files();
    assert!(cells.run(FILE, "cells create").status.success());
    let server = cells.serve(FILE);
    let mut seen = BTreeSet::new();
    for number in 0..12 {
        let key = key(&format!("put up {number}"));
        let headers = [("Idempotency-Key", key.as_str())];
        let body = json!({"name": "An event", "capacity": 9});
        let first = post(&server, "/events", &headers, &body);
        assert_eq!((first.status, first.header("idempotency-replayed")), (201, None), "{first:?}");
        let again = post(&server, "/events", &headers, &body);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{again:?}");
        let id = first.json()["id"].as_str().expect("it has an id").to_owned();
        assert_eq!(again.json()["id"], id.as_str());
        assert_eq!(get(&server, &format!("/events/{id}")).status, 200);
        seen.insert(cell_of(&id));
    }
    assert_eq!(get(&server, "/events").json().as_array().expect("a list").len(), 12);
    assert!(seen.len() > 1, "they lie in several: {seen:?}");
}

#[test]
fn cells_are_created_once_and_only_on_request() {
    let cells = three_files();
    for arguments in ["serve", "migrate", "audit", "token list", "cells status"] {
        let output = cells.run(FILE, arguments);
        assert!(!output.status.success(), "{arguments}");
        let message = text(&output.stderr) + &text(&output.stdout);
        assert!(message.contains("cells create"), "{arguments}: {message}");
        assert!(!cells.folder("low").exists(), "{arguments} has made a file");
    }
    let made = cells.run(FILE, "cells create");
    assert!(text(&made.stdout).contains("middle  applied: V1__"), "{made:?}");
    let again = cells.run(FILE, "cells create");
    assert_eq!(text(&again.stdout), "low  is there\nmiddle  is there\nhigh  is there\n");
    let status = cells.run(FILE, "cells status");
    let message = text(&status.stdout);
    assert!(
        status.status.success() && message.contains("40-7f  middle  middle/middle  up"),
        "{message}"
    );

    let mut settings = cells.settings(FILE);
    settings.push(("BOOKING_DB", "booking.db".to_owned()));
    let both = run("cells status", &settings);
    assert!(text(&both.stderr).contains("BOOKING_DB: cannot be combined with CELLS_FILE"));
    let none = run("cells status", &[]);
    assert!(!none.status.success() && text(&none.stderr).contains("CELLS_FILE"), "{none:?}");
}

/// One that does not answer is named, and the others are migrated.
#[test]
fn all_reachable_cells_are_migrated() {
    let cells = three_files();
    assert!(cells.run(FILE, "cells create").status.success());
    let high = cells.folder("high").join("high.db");
    for entry in fs::read_dir(cells.folder("high")).expect("it is there") {
        fs::remove_file(entry.expect("it can be read").path()).expect("it can be deleted");
    }
    fs::write(&high, b"").expect("it can be written");
    cells.take_away("low");
    let migrated = cells.run(FILE, "migrate");
    let message = text(&migrated.stderr);
    assert!(
        !migrated.status.success() && message.contains("low") && message.contains("high V1__"),
        "{message}"
    );
    cells.restore("low");
    let again = cells.run(FILE, "migrate");
    assert!(again.status.success() && !text(&again.stdout).contains("V1__"), "{again:?}");
}

#[test]
fn cells_may_be_schemas_of_one_postgresql_beside_a_file() {
    let (database, folder) = (
        booking_testkit::shared().database(None),
        tempfile::tempdir().expect("a directory can be made"),
    );
    let file = format!(
        "version = 3\n[nodes.db]\nurl = \"{}\"\n[nodes.files]\nurl = \"sqlite://{}\"\n\
         [[cells]]\nschema = \"public\"\nnode = \"db\"\nfirst = \"00\"\nlast = \"3f\"\n\
         [[cells]]\nname = \"middle\"\nschema = \"c40\"\nnode = \"db\"\nfirst = \"40\"\nlast = \"7f\"\n\
         [[cells]]\nname = \"high\"\nschema = \"c80\"\nnode = \"files\"\nfirst = \"80\"\nlast = \"ff\"\n",
        database.url(),
        folder.path().display()
    );
    let path = folder.path().join("cells.toml");
    fs::write(&path, file).expect("it can be written");
    let settings = [("CELLS_FILE", path.display().to_string())];
    let made = run("cells create", &settings);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let server = ServerProcess::start(Path::new(PROGRAM), &settings);
    for event in &one_of_each(&server) {
        let body = json!({"user_email": "ada@example.org"});
        let seat = post(&server, &format!("/events/{event}/register"), &[], &body);
        assert_eq!(seat.status, 201, "{seat:?}");
        assert_eq!(get(&server, &format!("/events/{event}")).json()["booked_count"], 1);
    }
    for schema in ["public", "c40"] {
        let sql = format!("SELECT count(*) FROM {schema}.registrations");
        assert_eq!(database.sql(&sql)[0][0].as_deref(), Some("1"), "{schema}");
    }
    let outside = "SELECT count(*) FROM public.events \
                   WHERE get_byte(uuid_send(id), 15) NOT BETWEEN 0 AND 63";
    assert_eq!(database.sql(outside)[0][0].as_deref(), Some("0"));
    let audit = run("audit", &settings);
    assert!(audit.status.success(), "{}", text(&audit.stdout));
}

/// For longer than the queue lets a request wait (`QUEUE_FULL_SECONDS`), many clients ask a database that accepts
/// their requests and answers nothing, and others continue.
#[test]
fn a_hanging_database_delays_only_its_own_events() {
    let cluster = Cluster::start(ClusterOptions { durable: false, ..ClusterOptions::default() });
    let (database, folder) =
        (cluster.database(None), tempfile::tempdir().expect("a directory can be made"));
    let file = format!(
        "version = 1\n[nodes.db]\nurl = \"{}\"\n[nodes.files]\nurl = \"sqlite://{}\"\n\
         [[cells]]\nschema = \"low\"\nnode = \"files\"\nfirst = \"00\"\nlast = \"3f\"\n\
         [[cells]]\nschema = \"middle\"\nnode = \"db\"\nfirst = \"40\"\nlast = \"7f\"\n\
         [[cells]]\nschema = \"high\"\nnode = \"files\"\nfirst = \"80\"\nlast = \"ff\"\n",
        database.url(),
        folder.path().display()
    );
    let path = folder.path().join("cells.toml");
    fs::write(&path, file).expect("it can be written");
    let settings = [("CELLS_FILE", path.display().to_string())];
    let made = run("cells create", &settings);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let server = ServerProcess::start(Path::new(PROGRAM), &settings);
    let [there, hangs] = ["high", "middle"].map(|cell| event_in(&server, cell));
    let url = server.url();
    let register = |event: &str, who: &str| {
        let body = json!({"user_email": format!("{who}@example.org")});
        ask(url, "POST", &format!("/events/{event}/register"), &[], &body)
    };
    let confirm = |seat: &str| {
        ask(url, "POST", &format!("/registrations/{seat}/confirm"), &[], &json!({})).status
    };
    let seat = register(&there, "ada").json()["id"].as_str().expect("it has an id").to_owned();
    let answer = confirm(&seat);
    assert_eq!(answer, 200);
    // A missing one, whose id leads to where that one is.
    let nobody = format!("00000000{}", &seat[8..]);
    cluster.pause();

    let is_over = AtomicBool::new(false);
    let (began, mut waits) = (Instant::now(), Vec::new());
    thread::scope(|scope| {
        let (_resumed, _end) = (Resumed(&cluster), End(&is_over));
        for asking in 0..8 {
            let (is_over, register, hangs) = (&is_over, &register, &hangs);
            scope.spawn(move || {
                for number in (0..).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    register(hangs, &format!("who-{asking}-{number}"));
                }
            });
        }
        for _ in 0..2 {
            let (is_over, confirm, nobody) = (&is_over, &confirm, &nobody);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    confirm(nobody);
                }
            });
        }
        for number in 0.. {
            if began.elapsed() > Duration::from_secs(8) {
                break;
            }
            let asked = Instant::now();
            let sold = register(&there, &format!("grace-{number}"));
            assert_eq!(sold.status, 201, "{sold:?}");
            assert_eq!(confirm(&seat), answer);
            waits.push(asked.elapsed());
            let ready = get(&server, "/readyz");
            assert_eq!(ready.status, 200, "{ready:?}");
            thread::sleep(Duration::from_millis(50));
        }
    });
    // A busy machine may delay some of them.
    waits.sort_unstable();
    assert!(waits[waits.len() * 9 / 10] < Duration::from_secs(1), "{waits:?}");
}

/// An event with many seats in one of the cells.
fn event_in(server: &ServerProcess, cell: &str) -> String {
    loop {
        let id = put_up(server);
        if cell_of(&id) == cell {
            return id;
        }
    }
}

/// However a test ends: requests that wait for a frozen database must not delay it.
struct Resumed<'a>(&'a Cluster);

impl Drop for Resumed<'_> {
    fn drop(&mut self) {
        self.0.resume();
    }
}
