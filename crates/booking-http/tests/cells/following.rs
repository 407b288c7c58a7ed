//! Servers that go by a map which others change, and by a file that is changed while they run.

use crate::changing::{Nodes, byte_of, put_up, put_up_from, version_of};
use crate::common::{App, Data, run};
use crate::{get, post, soon, text};
use booking_testkit::ServerProcess;
use serde_json::json;
use std::fs;

fn cells_of(server: &ServerProcess) -> String {
    let ready = get(server, "/readyz");
    assert_eq!(ready.status, 200, "it serves all the same: {ready:?}");
    ready.json()["checks"]["cells"].as_str().unwrap_or("ok").to_owned()
}

fn is_told(server: &ServerProcess, what: &str) -> bool {
    server.stderr().contains(what)
}

#[test]
fn a_server_whose_file_lacks_a_node_goes_on_and_reads_it_again_by_itself() {
    let nodes = Nodes::files();
    let one = [("low", "a", "00", "ff")];
    nodes.write("server.toml", &["a"], 1, &one);
    nodes.write("cells.toml", &["a", "b"], 1, &one);
    nodes.done("cells.toml", "cells create");
    let server = nodes.serve("server.toml");
    let high = put_up_from(&server, 0x80);
    let low = loop {
        let id = put_up(&server);
        if byte_of(&id) < 0x80 {
            break id;
        }
    };
    nodes.done("cells.toml", "cells split low --at 80 --to high --node b");
    soon("it is told that the map is outdated", || cells_of(&server) == "outdated");
    let metrics = text(&get(&server, "/metrics").body);
    for line in ["booking_cells_map_version 1\n", "booking_cells_map_outdated 1\n"] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert!(is_told(&server, "no node b, which cell high is on"), "{}", server.stderr());
    assert_eq!(get(&server, &format!("/events/{high}")).problem(), "event_moving");
    assert_eq!(get(&server, &format!("/events/{low}")).status, 200);
    // What is not its cell's any more is put up nowhere.
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
    // What another has put up where this one does not look may be anywhere.
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
fn a_file_that_has_changed_counts_from_sighup_on_and_a_wrong_one_changes_nothing() {
    let mut nodes = Nodes::files();
    let two = [("low", "a", "00", "7f"), ("high", "b", "80", "ff")];
    nodes.write("cells.toml", &["a", "b"], 1, &two);
    nodes.done("cells.toml", "cells create");
    let mut server = nodes.serve("cells.toml");
    let high = put_up_from(&server, 0x80);
    let is_there = |server: &ServerProcess| get(server, &format!("/events/{high}")).status == 200;
    let edited = [("low", "a", "00", "3f"), ("high", "b", "40", "ff")];
    // Neither what is no file, nor other cells, nor a node that is missing, nor a cell that is not there, nor another home.
    let mut wrong = |why: &str| {
        assert!(!is_told(&server, why), "{why} was told before");
        server.signal("HUP");
        soon(why, || is_told(&server, why));
        assert!(is_told(&server, "CELLS_FILE was read again, and changes nothing"));
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
    nodes.write("cells.toml", &["a", "b"], 1, &two);
    wrong("there is no file");
    nodes.set_folder("b", "b");
    nodes.set_folder("a", "other");
    fs::create_dir(nodes.folder("other")).expect("it can be made");
    let other = [("BOOKING_DB", nodes.folder("other").join("low.db").display().to_string())];
    assert!(run("migrate", &other).status.success());
    nodes.write("cells.toml", &["a", "b"], 1, &two);
    wrong("no map is kept");

    // What has moved is found where the file says by now.
    nodes.set_folder("a", "a");
    nodes.set_folder("b", "c");
    fs::rename(nodes.folder("b"), nodes.folder("c")).expect("it can be moved");
    assert_eq!(get(&server, &format!("/events/{high}")).status, 503, "the file is gone");
    nodes.write("cells.toml", &["a", "b"], 1, &two);
    server.signal("HUP");
    soon("it is there again", || is_there(&server));
    soon("it says so", || cells_of(&server) == "ok");
    put_up_from(&server, 0x80);
    nodes.done("cells.toml", "audit");
}

#[test]
fn sighup_ends_no_server_that_has_no_such_file() {
    let mut app = App::start(Data::sqlite());
    app.server.signal("HUP");
    soon("it is told", || is_told(&app.server, "SIGHUP changes nothing"));
    assert_eq!(app.get("/readyz").status, 200);
    assert!(app.server.terminate().success());
}
