//! The file that says in which databases the data is.

use booking_cells::{CellMap, CellSpec};
use booking_core::{CellName, ErrorChain};
use booking_pg::PgOptions;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The longest file.
const BYTES_MAX: usize = 1 << 20;
/// What the URL of a node begins with whose cells are files.
const SQLITE: &str = "sqlite://";
/// What the name of a file ends with that is a node of one cell.
const FILE_ENDING: &str = ".db";

/// Cells, and where each is.
#[derive(Debug)]
pub struct CellsConfig {
    /// Which cell has which events.
    pub map: CellMap,
    /// The place of each cell, in the map's order.
    pub places: Vec<CellPlace>,
}

/// Where a cell is.
#[derive(Debug)]
pub enum CellPlace {
    /// In a schema of a PostgreSQL database.
    Postgres(Box<PgOptions>),
    /// In a file.
    Sqlite(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u64,
    nodes: BTreeMap<String, Node>,
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Node {
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    /// Its schema's, if it is left out.
    name: Option<String>,
    node: String,
    schema: String,
    first: String,
    last: String,
}

impl CellsConfig {
    /// Reads such a file. Each PostgreSQL cell gets a pool of `pool_size`.
    ///
    /// # Errors
    /// What is wrong with it. Nothing of the file's own is repeated that could be a secret.
    pub(crate) fn parse(text: &str, pool_size: usize) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("names a file of more than {BYTES_MAX} bytes"));
        }
        let file: File = toml::from_str(text).map_err(|error| explained(&error, text))?;
        let nodes: Vec<String> = file.nodes.keys().cloned().collect();
        let cells = file.cells.iter().map(spec).collect::<Result<Vec<_>, _>>()?;
        let map = CellMap::new(file.version, nodes, cells);
        let map = map.map_err(|error| format!("names cells that are no map: {error}"))?;
        let place = |cell: &CellSpec| {
            let url = file.nodes[&cell.node].url.trim();
            place_of(cell, url, pool_size).map_err(|why| format!("names node {}: {why}", cell.node))
        };
        let places = map.cells().iter().map(place).collect::<Result<Vec<_>, _>>()?;
        for (at, place) in places.iter().enumerate() {
            let CellPlace::Sqlite(path) = place else { continue };
            let is_it =
                |other: &CellPlace| matches!(other, CellPlace::Sqlite(file) if file == path);
            if places[..at].iter().any(is_it) {
                return Err(format!("puts two cells into the file {}", path.display()));
            }
        }
        Ok(Self { map, places })
    }

    /// How many connections a cell has: the fewest that one may have in PostgreSQL, if there is one there.
    pub(crate) fn pool_size(&self) -> usize {
        let pools = self.places.iter().filter_map(|place| match place {
            CellPlace::Postgres(options) => Some(options.pool_size),
            CellPlace::Sqlite(_) => None,
        });
        pools.min().unwrap_or(PgOptions::POOL_SIZE_DEFAULT)
    }

    /// How many files the stores may have open.
    pub(crate) fn store_files(&self) -> u64 {
        self.places.iter().map(CellPlace::store_files).sum()
    }
}

impl CellPlace {
    fn store_files(&self) -> u64 {
        match self {
            Self::Postgres(options) => options.pool_size as u64,
            // Each reader has the database, its log and the log's index open.
            Self::Sqlite(_) => 3 * u64::from(booking_sqlite::READERS_DEFAULT.get()),
        }
    }
}

fn spec(cell: &Cell) -> Result<CellSpec, String> {
    let name = cell.name.as_ref().unwrap_or(&cell.schema);
    let is_wrong = |what: &str| format!("names a cell whose {what}");
    Ok(CellSpec {
        name: CellName::parse(name).map_err(|why| is_wrong(&format!("name {why}")))?,
        node: cell.node.clone(),
        schema: match CellName::parse(&cell.schema) {
            Ok(schema) => schema.to_string(),
            Err(why) => return Err(is_wrong(&format!("schema {why}"))),
        },
        first: byte(&cell.first).ok_or_else(|| is_wrong("first byte is not 00 to ff"))?,
        last: byte(&cell.last).ok_or_else(|| is_wrong("last byte is not 00 to ff"))?,
    })
}

/// Two hexadecimal digits.
fn byte(text: &str) -> Option<u8> {
    let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_plain.then(|| u8::from_str_radix(text, 16).ok())?
}

fn place_of(cell: &CellSpec, url: &str, pool_size: usize) -> Result<CellPlace, String> {
    if let Some(path) = url.strip_prefix(SQLITE) {
        return match path {
            "" => Err("its url names no folder".to_owned()),
            // A file by itself: today's database.
            file if file.ends_with(FILE_ENDING) => Ok(CellPlace::Sqlite(file.into())),
            folder => {
                let file = format!("{}{FILE_ENDING}", cell.schema);
                Ok(CellPlace::Sqlite(PathBuf::from(folder).join(file)))
            }
        };
    }
    let mut options =
        PgOptions::parse(url).map_err(|error| format!("its url {}", ErrorChain(&error)))?;
    options.pool_size = pool_size;
    // Where a database is by itself, nothing is to be different.
    let schema = Some(cell.schema.as_str()).filter(|schema| *schema != "public");
    options.schema = schema.and_then(|schema| CellName::parse(schema).ok());
    Ok(CellPlace::Postgres(Box::new(options)))
}

/// What is wrong with the file, and in which line. Errors quote what is there, which may be a password; those that do
/// so are not repeated.
fn explained(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| format!(" (line {})", 1 + before.matches('\n').count()));
    let message = Some(error.message()).filter(|message| !message.contains('"'));
    let message = message.unwrap_or("something is not of the kind that it has to be");
    format!("names a file that cannot be read{}: {message}", line.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(url: &str, more: &str) -> String {
        format!(
            r#"
            version = 7
            {more}
            [nodes.db1]
            url = "{url}"
            [nodes.files]
            url = "sqlite:///var/lib/booking"
            [[cells]]
            schema = "public"
            node = "db1"
            first = "00"
            last = "7f"
            [[cells]]
            name = "high"
            schema = "c80"
            node = "files"
            first = "80"
            last = "ff"
            "#
        )
    }

    #[test]
    fn cells_are_read_with_their_places() {
        let read = CellsConfig::parse(&two("postgresql://a:b@db1/booking", ""), 4).expect("valid");
        assert_eq!(read.map.version(), 7);
        let names: Vec<_> = read.map.cells().iter().map(|cell| cell.name.as_str()).collect();
        assert_eq!(names, ["public", "high"]);
        let [CellPlace::Postgres(options), CellPlace::Sqlite(path)] = &read.places[..] else {
            panic!("{read:?}")
        };
        assert_eq!((options.pool_size, &options.schema), (4, &None), "as it is today");
        assert_eq!(path, &PathBuf::from("/var/lib/booking/c80.db"));
        let named = two("postgresql://a:b@db1/booking", "").replace("\"public\"", "\"c00\"");
        let read = CellsConfig::parse(&named, 4).expect("valid");
        let CellPlace::Postgres(options) = &read.places[0] else { panic!("{read:?}") };
        assert_eq!(options.location(), "db1:5432/booking, schema c00");
        let one = two("sqlite://booking.db", "");
        let read = CellsConfig::parse(&one, 4).expect("valid");
        let CellPlace::Sqlite(path) = &read.places[0] else { panic!("{read:?}") };
        assert_eq!(path, &PathBuf::from("booking.db"));
    }

    #[test]
    fn what_is_wrong_is_told_without_a_password() {
        let url = "postgresql://booking:hunter2@db1/booking";
        let good = two(url, "");
        for (text, told) in [
            (two("postgres:hunter2", ""), "must begin with postgresql://"),
            (two("sqlite://", ""), "names no folder"),
            (two(url, "colour = 7"), "colour"),
            (two(url, "}"), "cannot be read"),
            (good.replace("version = 7", "version = \"hunter2\""), "has to be"),
            (good.replace("version = 7", ""), "version"),
            (good.replace("\"7f\"", "\"7e\""), "no cell has the byte 7f"),
            (good.replace("\"7f\"", "\"80\""), "byte 80 is in cell high"),
            (good.replace("\"7f\"", "\"+7\""), "not 00 to ff"),
            (good.replace("\"7f\"", "\"7\""), "not 00 to ff"),
            (good.replace("\"c80\"", "\"c-80\""), "schema must be"),
            (good.replace("\"high\"", "\"public\""), "two cells are called public"),
            (good.replace("node = \"db1\"", "node = \"db2\""), "node db2"),
        ] {
            let error = CellsConfig::parse(&text, 4).expect_err("it is not valid");
            assert!(error.contains(told) && !error.contains("hunter2"), "{error}");
        }
        let both = two("sqlite:///var/lib/booking/c80.db", "");
        let error = CellsConfig::parse(&both, 4).expect_err("they are one file");
        assert!(error.contains("two cells into the file"), "{error}");
    }
}
