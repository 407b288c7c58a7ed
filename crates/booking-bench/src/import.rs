//! The import of a table of attendees while its server is killed.

use crate::arena::Arena;
use crate::desk::{Desk, lines_of};
use crate::generator::Outcome;
use crate::report::thousands;
use crate::request::name_of;
use crate::side::Side;
use crate::stream::stream;
use crate::workload::{NAMED, holds, scramble};
use anyhow::{bail, ensure};
use std::cell::Cell;
use std::fmt::Write;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How many rows of an import are answered together.
const ROWS_AT_ONCE: u64 = 64;

/// One row is imported for so many attendees.
const PEOPLE_PER_ROW: u64 = 10;

/// Imports a table into both stores, each with so many `people` on one event, and returns the report.
///
/// # Errors
///
/// If an answer or a store is wrong.
pub(crate) async fn run(arena: &mut Arena, people: u64) -> anyhow::Result<String> {
    let mut text = String::new();
    for (name, side) in [("PostgreSQL", &mut arena.postgres), ("SQLite", &mut arena.sqlite)] {
        text.push_str(&import(name, side, people / PEOPLE_PER_ROW).await?);
    }
    Ok(text)
}

/// Imports a table while its server is killed in the middle, then once more, and again; returns the result.
///
/// # Errors
///
/// If a row is missing, or has changed since.
async fn import(name: &str, side: &mut Side, people: u64) -> anyhow::Result<String> {
    eprintln!("desk, {name}: {people} people are brought in");
    let field = side.prepare_events(NAMED.ground).await?;
    let mut table = String::from("email,name\n");
    for person in (0..people).map(scramble) {
        let _ = writeln!(table, "i{person:016x}@bench.example,{}", name_of(person));
    }
    let desk = Desk::of(side, &field)?;
    let parts = Cell::new(0);
    let half = async {
        while parts.get() * ROWS_AT_ONCE < people / 2 {
            sleep(Duration::from_millis(1)).await;
        }
        side.kill9();
    };
    tokio::select! {
        ended = desk.import(&table, |_| parts.set(parts.get() + 1)) => {
            bail!("nothing was killed, and it ended: {ended:?}");
        }
        () = half => {}
    }
    side.restart_with(&[]);

    let desk = Desk::of(side, &field)?;
    let before = desk.table().await?;
    let there = lines_of(&before) - 1;
    ensure!(0 < there && there < people, "{there} of {people} are there after the kill");
    let began = Instant::now();
    desk.import_rest(&table, people - there, there).await?;
    let second = began.elapsed().as_secs_f64();
    let whole = desk.table().await?;
    // The first to register are listed first.
    ensure!(whole.starts_with(&before), "the second time has changed what the first one did");
    let began = Instant::now();
    desk.import_rest(&table, 0, people).await?;
    let third = began.elapsed().as_secs_f64();
    ensure!(desk.table().await? == whole, "the third time has changed something");
    side.settle(&Outcome::of(people, side.next_number()), &field)?;
    Ok(format!(
        "{name}: {} people brought in, the server killed when {} were there. Once more: {} registered in {second:.1} s, \
         and nothing changed of those. Again: nobody registered, nothing changed, {third:.1} s.\n\n",
        thousands(people as f64),
        thousands(there as f64),
        thousands((people - there) as f64),
    ))
}

impl Desk {
    /// Imports a table, and passes on each part of the answer.
    async fn import(&self, table: &str, each: impl FnMut(&[u8])) -> anyhow::Result<()> {
        let request = format!(
            "POST /events/{}/registrations/import?apply=true HTTP/1.1\r\nhost: {}\r\n\
             content-type: text/csv\r\ncontent-length: {}\r\n\r\n{table}",
            self.event,
            self.address,
            table.len()
        );
        stream(self.address, request.as_bytes(), each).await
    }

    /// The same, with so many new rows and so many existing ones.
    async fn import_rest(&self, table: &str, new: u64, there: u64) -> anyhow::Result<()> {
        let mut last = Vec::new();
        self.import(table, |part| last = part.to_vec()).await?;
        let counts = format!(r#""registered":{new},"already_registered":{there},"#);
        let end = String::from_utf8_lossy(&last[last.len().saturating_sub(200)..]).into_owned();
        ensure!(holds(&last, counts.as_bytes()), "{new} are new, {there} are there, but {end}");
        Ok(())
    }
}
