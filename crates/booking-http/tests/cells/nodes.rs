//! Nodes with cells on them, and helpers for servers and commands that use them.

use crate::common::http::{Answer, send};
use crate::common::{PROGRAM, ask, run};
use booking_testkit::{Database, ServerProcess};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything is waited for.
pub(crate) const SOON: Duration = Duration::from_secs(60);
/// The limits of one client, switched off.
const NO_LIMITS: [(&str, &str); 4] = [
    ("CLIENT_RATE", "0"),
    ("TOKEN_RATE", "0"),
    ("CLIENT_SEATS_MAX", "0"),
    ("CLIENT_HOLDS_MAX", "0"),
];

/// Nodes, and files that name them.
pub(crate) struct Nodes {
    folder: TempDir,
    urls: BTreeMap<&'static str, String>,
    database: Option<Database>,
}

/// A cell in a file: its name, which is its schema, its node, and its bytes.
pub(crate) type Cell<'a> = (&'a str, &'a str, &'a str, &'a str);

/// A cell on each of the nodes `a` and `b`.
pub(crate) const TWO: [Cell<'static>; 2] = [("low", "a", "00", "7f"), ("high", "b", "80", "ff")];

impl Nodes {
    /// Two folders of files.
    pub(crate) fn files() -> Self {
        Self::folders(&["a", "b"])
    }

    /// A folder of files for each, named like its node.
    pub(crate) fn folders(names: &[&'static str]) -> Self {
        let folder = tempfile::tempdir().expect("a directory can be made");
        let url = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
        let urls = names.iter().map(|name| (*name, url(name))).collect();
        Self { folder, urls, database: None }
    }

    /// A folder, and a PostgreSQL database of this name.
    pub(crate) fn file_and_database(file: &'static str, database: &'static str) -> Self {
        let mut nodes = Self::files();
        let of_its_own = booking_testkit::shared().database(None);
        nodes.urls.insert(database, of_its_own.url().to_owned());
        assert!(nodes.urls[file].starts_with("sqlite"));
        Self { database: Some(of_its_own), ..nodes }
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The PostgreSQL database, where there is one.
    pub(crate) fn database(&self) -> &Database {
        self.database.as_ref().expect("there is one")
    }

    pub(crate) fn take_away(&self, name: &str) {
        fs::rename(self.folder(name), self.folder("away")).expect("it can be moved");
    }

    pub(crate) fn restore(&self, name: &str) {
        fs::rename(self.folder("away"), self.folder(name)).expect("it can be moved");
    }

    /// Moves a node to another folder.
    pub(crate) fn set_folder(&mut self, node: &'static str, name: &str) {
        let url = format!("sqlite://{}", self.folder(name).display());
        self.urls.insert(node, url);
    }

    /// A node is elsewhere from now on.
    pub(crate) fn set_url(&mut self, node: &'static str, url: &str) {
        self.urls.insert(node, url.to_owned());
    }

    /// Writes a file with these nodes, and these cells as the version.
    pub(crate) fn write(&self, name: &str, nodes: &[&str], version: u64, cells: &[Cell<'_>]) {
        let mut text = format!("version = {version}\n");
        for (schema, node, first, last) in cells {
            text.push_str(&format!(
                "[[cells]]\nschema = \"{schema}\"\nnode = \"{node}\"\nfirst = \"{first}\"\nlast = \"{last}\"\n"
            ));
        }
        self.write_text(name, nodes, &text);
    }

    /// The same of [`TWO`], as version 1.
    pub(crate) fn write_two(&self, name: &str) {
        self.write(name, &["a", "b"], 1, &TWO);
    }

    /// The same with cells as text.
    pub(crate) fn write_text(&self, name: &str, nodes: &[&str], cells: &str) {
        let mut text = cells.to_owned();
        for node in nodes {
            text.push_str(&format!("[nodes.{node}]\nurl = \"{}\"\n", self.urls[node]));
        }
        fs::write(self.folder.path().join(name), text).expect("it can be written");
    }

    pub(crate) fn settings(&self, file: &str) -> Vec<(&'static str, String)> {
        vec![("CELLS_FILE", self.folder.path().join(file).display().to_string())]
    }

    pub(crate) fn run(&self, file: &str, arguments: &str) -> Output {
        run(arguments, &self.settings(file))
    }

    #[track_caller]
    pub(crate) fn done(&self, file: &str, arguments: &str) -> String {
        let output = self.run(file, arguments);
        let (message, why) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments}: {message}{why}");
        message
    }

    #[track_caller]
    pub(crate) fn refused(&self, file: &str, arguments: &str, why: &str) {
        let output = self.run(file, arguments);
        let message = text(&output.stderr);
        assert!(!output.status.success() && message.contains(why), "{arguments}: {message}");
    }

    pub(crate) fn serve(&self, file: &str) -> ServerProcess {
        let mut settings = self.settings(file);
        settings.extend(NO_LIMITS.map(|(name, value)| (name, value.to_owned())));
        ServerProcess::start(Path::new(PROGRAM), &settings)
    }

    /// Runs a command and kills it after so long, unless it has ended.
    pub(crate) fn killed(&self, file: &str, arguments: &str, after: Duration) {
        let mut child = Command::new(PROGRAM)
            .args(arguments.split(' '))
            .env_clear()
            .envs(self.settings(file))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program is there");
        let until = Instant::now() + after;
        while Instant::now() < until && child.try_wait().expect("it is a child").is_none() {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        child.wait().expect("it ends");
    }

    /// The ids of the events in a cell, except for those that are stubs.
    pub(crate) fn events_of(&self, node: &str, schema: &str) -> BTreeSet<String> {
        if let (Some(database), true) = (&self.database, self.urls[node].starts_with("postgres")) {
            let rows = database.sql(&format!("SELECT id FROM {schema}.events"));
            return rows.into_iter().filter_map(|row| row.into_iter().next()?).collect();
        }
        let file = self.folder(node).join(format!("{schema}.db"));
        let connection = rusqlite::Connection::open(file).expect("it can be opened");
        let mut ids = connection.prepare("SELECT id FROM events").expect("there is a table");
        let read = |row: &rusqlite::Row<'_>| row.get::<_, Vec<u8>>(0);
        let ids = ids.query_map([], read).expect("it can be read");
        let id = |bytes: Vec<u8>| uuid::Uuid::from_slice(&bytes).expect("it is one").to_string();
        ids.map(|bytes| id(bytes.expect("it can be read"))).collect()
    }
}

pub(crate) fn get(server: &ServerProcess, path: &str) -> Answer {
    send(server.url(), "GET", path, &[], b"")
}

pub(crate) fn post(
    server: &ServerProcess,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Answer {
    ask(server.url(), "POST", path, headers, body)
}

pub(crate) fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// The byte that determines the cell of an event.
pub(crate) fn byte_of(id: &str) -> u8 {
    u8::from_str_radix(&id[id.len() - 2..], 16).expect("a UUID ends in digits")
}

pub(crate) fn version_of(server: &ServerProcess) -> String {
    let metrics = text(&get(server, "/metrics").body);
    let version = metrics.lines().find_map(|line| line.strip_prefix("booking_cells_map_version "));
    version.expect("it is shown").to_owned()
}

pub(crate) fn put_up(server: &ServerProcess) -> String {
    let made = post(server, "/events", &[], &json!({"name": "An event", "capacity": 9_999}));
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["id"].as_str().expect("it has an id").to_owned()
}

/// An event whose byte is at least so.
pub(crate) fn put_up_from(server: &ServerProcess, byte: u8) -> String {
    loop {
        let id = put_up(server);
        if byte_of(&id) >= byte {
            return id;
        }
    }
}

#[track_caller]
pub(crate) fn soon(what: &str, look: impl Fn() -> bool) {
    let since = Instant::now();
    while !look() {
        assert!(since.elapsed() < SOON, "not within {SOON:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// However a test ends: threads that run until it is over must not run for ever.
pub(crate) struct End<'a>(pub(crate) &'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
