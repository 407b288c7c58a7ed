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

/// The number of cells, and of the PostgreSQL that hold them.
const CELLS: usize = 8;
const NODES: usize = 2;
/// The number of values of an id's last byte.
const BYTES: usize = 256;

/// The number of events for sales beside a PostgreSQL that is away. About half of them are in it.
const EVENTS: usize = 128;
/// The connections that request unavailable seats during a sale.
pub(crate) const WANTING: usize = 8;
/// How long those clients wait before they retry, whatever the answer was.
const RETRY_EVERY: Duration = Duration::from_millis(100);
/// How long recovery may take.
const BACK_WITHIN: Duration = Duration::from_secs(60);

/// The fault of the second PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Second {
    /// None.
    Serves,
    /// Its connections stay open, and nothing answers.
    Hangs,
    /// All of its processes are killed.
    Ends,
}

/// Both sides, with the events that every load uses.
pub(crate) struct Shared {
    pub(crate) one: Side,
    pub(crate) cells: Side,
    /// The path of the file that names the cells.
    _folder: TempDir,
    // After the servers, so that they are stopped after them.
    nodes: [Arc<Cluster>; NODES],
}

impl Shared {
    /// Sets both sides up, the single one on the first of the two PostgreSQL.
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

    /// Sells events of the first PostgreSQL while the second, whose events other clients want, has a fault from the
    /// start of the measurement.
    ///
    /// # Errors
    ///
    /// If an answer or a store is wrong, or the second does not recover.
    pub(crate) async fn sell_beside(
        &mut self,
        second: Second,
        connections: usize,
        window: Duration,
    ) -> anyhow::Result<Outcome> {
        let side = &mut self.cells;
        let ground = Ground { new_events: Some(EVENTS), ..HOT.ground };
        let (ours, theirs): (Vec<_>, Vec<_>) =
            side.prepare_events(ground).await?.events.into_iter().partition(|id| is_on_first(id));
        let field = Field { events: ours, ..Field::default() };
        let load = side.load(Servers::One, connections, EVEN, Pace::Closed, window)?;
        let address = side.addresses(Servers::One)?[0];
        let begins = Instant::now() + WARM_UP;
        let mut wanting = JoinSet::new();
        for event in theirs.iter().take(WANTING) {
            let times = (begins + window / 2, begins + window);
            wanting.spawn_local(request_seats(address, event.clone(), 0, times));
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
        self.wait_for_recovery(theirs.first().context("the second has events")?).await?;
        let outcome = outcome?;
        self.cells.settle(&outcome, &field)?;
        Ok(outcome)
    }

    /// Waits until the second gives seats again.
    async fn wait_for_recovery(&mut self, event: &str) -> anyhow::Result<()> {
        let address = self.cells.addresses(Servers::One)?[0];
        let until = Instant::now() + BACK_WITHIN;
        for n in 1.. {
            let now = Instant::now();
            ensure!(now < until, "the second does not come back");
            // Each try uses a new address: an earlier one may have been registered.
            if request_seats(address, event.to_owned(), n << 32, (now, now + 2 * RETRY_EVERY)).await
                > 0
            {
                break;
            }
        }
        self.cells.set_postmasters(self.nodes.iter().map(|node| node.pid()).collect());
        Ok(())
    }
}

/// Requests seats on an event until the end, one after the other, and returns how many it got since an instant.
async fn request_seats(
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
                // Few seats, or the sale would have more of the machine once there are none.
                sleep(RETRY_EVERY).await;
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

/// Neighbours are on the same PostgreSQL.
fn node_of(cell: usize) -> usize {
    cell * NODES / CELLS
}

fn schema_of(cell: usize) -> String {
    format!("c{cell}")
}

/// The file that names the cells, each with the same number of last bytes.
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
