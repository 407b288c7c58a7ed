//! Two PostgreSQL that share the events in eight cells, and one that has all of them.

use crate::connection::Connection;
use crate::generator::{self, Outcome, Pace};
use crate::ledger::Books;
use crate::request::Requests;
use crate::side::{Servers, Side, WARM_UP};
use crate::workload::{Action, EVEN, Field, Ground, HOT, scramble};
use anyhow::{Context, ensure};
use booking_testkit::{Cluster, ClusterOptions, Database};
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, timeout_at};

/// How many cells there are, and on how many PostgreSQL they are.
const CELLS: usize = 8;
const NODES: usize = 2;
/// How many values a last byte of an id has.
const BYTES: usize = 256;

/// How many events there are for those who sell beside a PostgreSQL that is away. About half of them are its own.
const EVENTS: usize = 128;
/// How many connections want what is not to be had, while others sell.
pub(crate) const WANTING: usize = 8;
/// How long those who want what is there wait before they ask again, whatever they were answered.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// How long it may take until all is as before.
const BACK_WITHIN: Duration = Duration::from_secs(60);

/// What becomes of the second of the two PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Second {
    /// It goes on.
    Serves,
    /// Its connections stay open, and nothing answers.
    Hangs,
    /// All of its processes are killed.
    Ends,
}

/// Both of them, with what every load finds there.
pub(crate) struct Shared {
    pub(crate) one: Side,
    pub(crate) cells: Side,
    /// Where the file is that names the cells.
    _folder: TempDir,
    // After the servers, so that they are stopped after them.
    nodes: [Arc<Cluster>; NODES],
}

impl Shared {
    /// Sets both up, what is one on the first PostgreSQL of the two.
    ///
    /// # Errors
    ///
    /// If a server does not answer as it should.
    pub(crate) async fn set_up(program: &Path, on: &Path) -> anyhow::Result<Self> {
        let nodes: [Arc<Cluster>; NODES] =
            std::array::from_fn(|_| Arc::new(Cluster::start(ClusterOptions::default())));
        let database = nodes[0].database(None);
        let url = [("DATABASE_URL", database.url().to_owned())];
        let books = Books::Postgres(database.clone());
        let mut one = Side::start("PostgreSQL, one database", program, &url, books);
        one.set_postmasters(vec![nodes[0].pid()]);
        one.fill().await.context("cannot prepare one database")?;
        database.sql("VACUUM ANALYZE");

        let databases: Vec<Database> = nodes.iter().map(|node| node.database(None)).collect();
        let folder = tempfile::tempdir_in(on)?;
        let file = folder.path().join("cells.toml");
        fs::write(&file, cells_file(&databases))?;
        let file = [("CELLS_FILE", file.display().to_string())];
        let made = Command::new(program)
            .args(["cells", "create"])
            .env_clear()
            .envs(file.clone())
            .output()?;
        ensure!(made.status.success(), "no cells: {}", String::from_utf8_lossy(&made.stderr));
        let schemas = (0..CELLS).map(|cell| (databases[node_of(cell)].clone(), schema_of(cell)));
        let books = Books::Cells(schemas.collect());
        let mut cells = Side::start("two PostgreSQL, 8 cells", program, &file, books);
        cells.set_postmasters(nodes.iter().map(|node| node.pid()).collect());
        cells.fill().await.context("cannot prepare cells")?;
        for database in &databases {
            database.sql("VACUUM ANALYZE");
        }
        Ok(Self { one, cells, _folder: folder, nodes })
    }

    /// Sells events of the first while something becomes of the second, from the beginning of what counts, whose events
    /// others want too.
    ///
    /// # Errors
    ///
    /// If an answer or a store is not as it must be, or the second does not come back.
    pub(crate) async fn sell_beside(
        &mut self,
        second: Second,
        connections: usize,
        window: Duration,
    ) -> anyhow::Result<Outcome> {
        let side = &mut self.cells;
        let ground = Ground { new_events: Some(EVENTS), ..HOT.ground };
        let (ours, theirs): (Vec<_>, Vec<_>) =
            side.lay_out(ground).await?.events.into_iter().partition(|id| is_on_first(id));
        let field = Field { events: ours, ..Field::default() };
        let load = side.load(Servers::One, connections, EVEN, Pace::Closed, window)?;
        let address = side.addresses(Servers::One)?[0];
        let begins = Instant::now() + WARM_UP;
        let mut wanting = JoinSet::new();
        for event in theirs.iter().take(WANTING) {
            let times = (begins + window / 2, begins + window);
            wanting.spawn_local(want(address, event.clone(), 0, times));
        }
        let node = Arc::clone(&self.nodes[1]);
        let fault = spawn_blocking(move || {
            std::thread::sleep(WARM_UP);
            match second {
                Second::Serves => {}
                Second::Hangs => node.pause(),
                Second::Ends => node.kill9(),
            }
        });
        let outcome = generator::run(load, field.clone(), side.next_number()).await;
        fault.await?;
        let node = Arc::clone(&self.nodes[1]);
        spawn_blocking(move || match second {
            Second::Serves => {}
            Second::Hangs => node.resume(),
            Second::Ends => node.restart(),
        })
        .await?;
        let got: u64 = wanting.join_all().await.into_iter().sum();
        ensure!((got > 0) == (second == Second::Serves), "{second:?}, and {got} got seats there");
        self.come_back(theirs.first().context("the second has events")?).await?;
        let outcome = outcome?;
        self.cells.settle(&outcome, &field)?;
        Ok(outcome)
    }

    /// Waits until the second gives seats again.
    async fn come_back(&mut self, event: &str) -> anyhow::Result<()> {
        let address = self.cells.addresses(Servers::One)?[0];
        let until = Instant::now() + BACK_WITHIN;
        for n in 1.. {
            let now = Instant::now();
            ensure!(now < until, "the second does not come back");
            // Nobody asks twice: the first time may have been heard.
            if want(address, event.to_owned(), n << 32, (now, now + 2 * ASK_AGAIN)).await > 0 {
                break;
            }
        }
        self.cells.set_postmasters(self.nodes.iter().map(|node| node.pid()).collect());
        Ok(())
    }
}

/// Asks for seats on an event until the end, one after the other, and tells how many it was given since some instant.
async fn want(
    address: SocketAddr,
    event: String,
    mut number: u64,
    (since, end): (Instant, Instant),
) -> u64 {
    let field = Field { events: vec![event], ..Field::default() };
    let mut requests = Requests::new(&address.to_string());
    let mut given = 0;
    let asking = async {
        while let Ok(mut connection) = Connection::open(address).await {
            loop {
                let action = Action::Register { event: 0, email: scramble(number) };
                number += 1;
                match connection.exchange(requests.bytes(&field, action)).await {
                    Ok(answer) if answer.status == 201 => {
                        given += u64::from(Instant::now() >= since);
                    }
                    Ok(_) => {}
                    Err(_) => break,
                }
                // Few seats, or those who sell would have more of the machine once there are none.
                sleep(ASK_AGAIN).await;
            }
        }
    };
    // It has no end of its own.
    let _ = timeout_at(end, asking).await;
    given
}

/// Whether an event is in a cell of the first.
fn is_on_first(event: &str) -> bool {
    let last = event.get(event.len() - 2..).and_then(|last| usize::from_str_radix(last, 16).ok());
    last.is_some_and(|last| node_of(last * CELLS / BYTES) == 0)
}

/// Neighbours are on one PostgreSQL.
fn node_of(cell: usize) -> usize {
    cell * NODES / CELLS
}

fn schema_of(cell: usize) -> String {
    format!("c{cell}")
}

/// What names the cells, each of which has as many last bytes as the others.
fn cells_file(databases: &[Database]) -> String {
    let mut file = String::from("version = 1\n");
    for (node, database) in databases.iter().enumerate() {
        let _ = writeln!(file, "[nodes.n{node}]\nurl = \"{}\"", database.url());
    }
    for cell in 0..CELLS {
        let (first, last) = (cell * BYTES / CELLS, (cell + 1) * BYTES / CELLS - 1);
        let (node, schema) = (node_of(cell), schema_of(cell));
        let _ = writeln!(
            file,
            "[[cells]]\nschema = \"{schema}\"\nnode = \"n{node}\"\nfirst = \"{first:02x}\"\nlast = \"{last:02x}\""
        );
    }
    file
}
