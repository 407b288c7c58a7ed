//! Two PostgreSQL that share the events in eight cells, and one that has all of them.

use crate::arena::Side;
use crate::ledger::Books;
use anyhow::{Context, ensure};
use booking_testkit::{Cluster, ClusterOptions, Database};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// How many cells there are, and on how many PostgreSQL they are.
const CELLS: usize = 8;
const NODES: usize = 2;
/// How many values a last byte of an id has.
const BYTES: usize = 256;

/// Both of them, with what every load finds there.
pub(crate) struct Shared {
    pub(crate) one: Side,
    pub(crate) cells: Side,
    /// Where the file is that names the cells.
    _folder: TempDir,
    // After the servers, so that they are stopped after them.
    _nodes: [Cluster; NODES],
}

impl Shared {
    /// Sets both up, what is one on the first PostgreSQL of the two.
    ///
    /// # Errors
    ///
    /// If a server does not answer as it should.
    pub(crate) async fn set_up(program: &Path, on: &Path) -> anyhow::Result<Self> {
        let nodes: [Cluster; NODES] =
            std::array::from_fn(|_| Cluster::start(ClusterOptions::default()));
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
        cells.set_postmasters(nodes.iter().map(Cluster::pid).collect());
        cells.fill().await.context("cannot prepare cells")?;
        for database in &databases {
            database.sql("VACUUM ANALYZE");
        }
        Ok(Self { one, cells, _folder: folder, _nodes: nodes })
    }
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
