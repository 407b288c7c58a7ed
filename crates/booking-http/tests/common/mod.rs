//! The server program, run as users run it, on either store, and a client that sees every byte.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "each test file uses a part"
)]

pub mod acts;
pub mod described;
pub mod http;
pub mod mails;
pub mod sse;

use booking_testkit::{Database, ServerProcess, Template};
use http::Answer;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_booking-http");

/// The largest page with everything that is loaded before it is complete, compressed, in bytes. People come with
/// phones, by slow networks.
pub const VISIT_BYTES_MAX: usize = 80_000;

/// Where a server stores its data.
pub enum Data {
    Sqlite(TempDir),
    Postgres(Database),
}

impl Data {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a directory can be made"))
    }

    /// A database of its own, with the tables that the program itself made.
    pub fn postgres() -> Self {
        static TEMPLATE: OnceLock<Template> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            booking_testkit::shared().template("migrated", |database| {
                let settings = [("DATABASE_URL", database.url().to_owned())];
                let output = run("migrate", &settings);
                assert!(output.status.success(), "{output:?}");
            })
        });
        Self::Postgres(booking_testkit::shared().database(Some(template)))
    }

    /// What `booking-http move` calls it.
    pub fn place(&self) -> String {
        match self {
            Self::Sqlite(folder) => folder.path().join("booking.db").display().to_string(),
            Self::Postgres(database) => database.url().to_owned(),
        }
    }

    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let setting = match self {
            Self::Sqlite(_) => "BOOKING_DB",
            Self::Postgres(_) => "DATABASE_URL",
        };
        vec![(setting, self.place())]
    }

    pub fn database(&self) -> &Database {
        match self {
            Self::Postgres(database) => database,
            Self::Sqlite(_) => panic!("this test is for PostgreSQL"),
        }
    }
}

/// Writes to a database around the program.
pub fn spoil(data: &Data, sql: &str) {
    match data {
        Data::Postgres(database) => drop(database.sql(sql)),
        Data::Sqlite(folder) => {
            let path = folder.path().join("booking.db");
            let connection = rusqlite::Connection::open(path).expect("it can be opened");
            connection.execute_batch(sql).expect("it can be written");
        }
    }
}

/// A running server and its data.
pub struct App {
    pub server: ServerProcess,
    pub data: Data,
}

impl App {
    pub fn start(data: Data) -> Self {
        Self::start_with(data, &[])
    }

    pub fn start_with(data: Data, more: &[(&'static str, &str)]) -> Self {
        Self { server: start_on(&data, more), data }
    }

    pub fn url(&self) -> &str {
        self.server.url()
    }

    pub fn get(&self, path: &str) -> Answer {
        http::send(self.url(), "GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_bytes(path, body.to_string().as_bytes())
    }

    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Answer {
        http::send(self.url(), "POST", path, &[("Content-Type", "application/json")], body)
    }

    /// Any request, with a body unless it is `null`.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        ask(self.url(), method, path, headers, body)
    }

    pub fn create(&self, capacity: u32) -> String {
        let answer = self.post("/events", &json!({"name": "An event", "capacity": capacity}));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().expect("it has an id").to_owned()
    }

    pub fn register(&self, event: &str, email: &str) -> Answer {
        self.post(&format!("/events/{event}/register"), &json!({"user_email": email}))
    }

    /// Any request that shows a token.
    pub fn ask_as(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        self.ask(method, path, &[("Authorization", &format!("Bearer {token}"))], body)
    }

    /// Runs a subcommand on the same data.
    pub fn run(&self, arguments: &str) -> Output {
        run(arguments, &self.data.settings())
    }

    pub fn assert_audit_is_clean(&self) {
        let output = self.run("audit");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// A key for a client without a token: too long to guess.
pub fn key(name: &str) -> String {
    format!("{name} in a key that nobody guesses")
}

/// Any request to a server, from any thread.
pub fn ask(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut headers = headers.to_vec();
    let mut bytes = Vec::new();
    if !body.is_null() {
        headers.push(("Content-Type", "application/json"));
        bytes = body.to_string().into_bytes();
    }
    http::send(url, method, path, &headers, &bytes)
}

/// Starts a server on data that other servers may be using too.
pub fn start_on(data: &Data, more: &[(&'static str, &str)]) -> ServerProcess {
    let mut settings = data.settings();
    settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    ServerProcess::start(Path::new(PROGRAM), &settings)
}

/// Makes a token for the organizer called `name`.
pub fn make_token(data: &Data, name: &str) -> String {
    make_token_with(data, name, &[]).secret
}

/// An organizer's token, as the program makes it.
pub struct Token {
    pub secret: String,
    pub id: String,
    /// The messages about it.
    pub message: String,
}

/// The same with more arguments.
pub fn make_token_with(data: &Data, name: &str, more: &[&str]) -> Token {
    let arguments = [&["token", "create", "--name", name], more].concat();
    let output = run_program(&arguments, &data.settings());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let secret = String::from_utf8(output.stdout).expect("a token is ASCII");
    let secret = secret.strip_suffix('\n').expect("a line").to_owned();
    let message = String::from_utf8(output.stderr).expect("it is text");
    assert_eq!(booking_testkit::leak(&message), None);
    let id = message.lines().find_map(|line| line.strip_prefix("token ")?.split(' ').next());
    let id = id.expect("its id").to_owned();
    Token { secret, id, message }
}

/// Runs the program to its end, with these settings and no others. Its output must have no address and no secret.
pub fn run(arguments: &str, settings: &[(&str, String)]) -> Output {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let output = run_program(&arguments, settings);
    for printed in [&output.stdout, &output.stderr] {
        assert_eq!(booking_testkit::leak(&String::from_utf8_lossy(printed)), None);
    }
    output
}

fn run_program(arguments: &[&str], settings: &[(&str, String)]) -> Output {
    Command::new(PROGRAM)
        .args(arguments)
        .env_clear()
        .envs(settings.iter().map(|(name, value)| (*name, value.as_str())))
        .output()
        .expect("the program can be run")
}

/// Makes one test for each store of each named function, which takes [`Data`].
#[macro_export]
macro_rules! on_both_stores {
    ($($case:ident)*) => {
        mod sqlite {
            $(#[test] fn $case() { super::$case($crate::common::Data::sqlite()) })*
        }
        mod postgres {
            $(#[test] fn $case() { super::$case($crate::common::Data::postgres()) })*
        }
    };
}
