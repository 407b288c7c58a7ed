//! The file that says in which databases the data is.

use booking_cells::{CellMap, CellSpec};
use booking_core::{CellName, ErrorChain};
use booking_pg::{PgOptions, PlanCacheMode};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

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
    /// For which values statements are planned on the nodes that say so.
    plan_cache_modes: BTreeMap<String, PlanCacheMode>,
    /// Whether rows are let go early on the nodes that say so.
    early_releases: BTreeMap<String, bool>,
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
    plan_cache_mode: Option<String>,
    early_release: Option<bool>,
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
        let mut seen = HashSet::new();
        for place in &places {
            let location = place.location();
            if seen.contains(&location) {
                return Err(format!("puts two cells into {location}"));
            }
            seen.insert(location);
        }
        let modes =
            file.nodes.iter().filter_map(|(node, of)| Some((node, of.plan_cache_mode.as_ref()?)));
        let modes = modes.map(|(node, mode)| match mode.parse::<PlanCacheMode>() {
            Ok(mode) => Ok((node.clone(), mode)),
            Err(why) => Err(format!("names node {node}, whose {why}")),
        });
        let plan_cache_modes = modes.collect::<Result<_, _>>()?;
        let releases =
            file.nodes.iter().filter_map(|(node, of)| Some((node.clone(), of.early_release?)));
        let early_releases = releases.collect();
        Ok(Self { map, places, plan_cache_modes, early_releases })
    }

    /// The same, where statements are planned so: for what a node says, or else for `unless_said`.
    #[must_use]
    pub(crate) fn planned_for(mut self, unless_said: PlanCacheMode) -> Self {
        for (cell, place) in self.map.cells().iter().zip(&mut self.places) {
            if let CellPlace::Postgres(options) = place {
                let said = self.plan_cache_modes.get(&cell.node).copied();
                options.plan_cache_mode = said.unwrap_or(unless_said);
            }
        }
        self
    }

    /// The same, where rows are let go early: as a node says, or else as `unless_said`.
    #[must_use]
    pub(crate) fn released(mut self, unless_said: bool) -> Self {
        for (cell, place) in self.map.cells().iter().zip(&mut self.places) {
            if let CellPlace::Postgres(options) = place {
                let said = self.early_releases.get(&cell.node).copied();
                options.early_release = said.unwrap_or(unless_said);
            }
        }
        self
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
    /// What is the same of two cells only if they are in one place, however that is written.
    fn location(&self) -> String {
        match self {
            Self::Postgres(options) => options.location(),
            Self::Sqlite(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = std::fs::canonicalize(folder.unwrap_or(Path::new(".")));
                let there =
                    folder.ok().zip(path.file_name()).map(|(folder, name)| folder.join(name));
                let file = there.or_else(|| std::path::absolute(path).ok());
                format!("the file {}", file.as_ref().unwrap_or(path).display())
            }
        }
    }

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
        // Nobody quotes what is wrong as such.
        let planned =
            good.replace("url = \"postgres", "plan_cache_mode = \"hunter2\"\nurl = \"postgres");
        let error = CellsConfig::parse(&planned, 4).expect_err("it is none");
        assert!(error.contains("node db1, whose plan_cache_mode must be"), "{error}");
    }

    #[test]
    fn two_cells_in_one_place_are_told_however_it_is_written() {
        for url in ["sqlite:///var/lib/booking/c80.db", "sqlite:///var//lib/./booking/c80.db"] {
            let error = CellsConfig::parse(&two(url, ""), 4).expect_err("they are one file");
            assert!(error.contains("two cells into the file"), "{error}");
        }
        // A node that was copied with its URL.
        let copied = two("postgresql://a:b@db1/booking", "")
            .replace("sqlite:///var/lib/booking", "postgresql://c:d@db1:5432/booking");
        CellsConfig::parse(&copied, 4).expect("they are two schemas");
        let copied = copied.replace("\"c80\"", "\"public\"").replace("\"high\"", "\"other\"");
        let error = CellsConfig::parse(&copied, 4).expect_err("they are one schema");
        assert!(error.contains("two cells into db1:5432/booking"), "{error}");
    }

    #[test]
    fn statements_are_planned_as_the_node_says_or_else_as_is_set_for_all() {
        let text = two("postgresql://a:b@db1/booking", "");
        let of = |text: &str, unless_said| {
            let read = CellsConfig::parse(text, 4).expect("valid").planned_for(unless_said);
            let CellPlace::Postgres(options) = &read.places[0] else { panic!("{read:?}") };
            options.plan_cache_mode
        };
        let [plain, auto] = [PlanCacheMode::ForceGenericPlan, PlanCacheMode::Auto];
        assert_eq!((of(&text, plain), of(&text, auto)), (plain, auto));
        let said = text.replace("url = \"postgres", "plan_cache_mode = \"auto\"\nurl = \"postgres");
        assert_eq!(of(&said, plain), auto);
    }

    #[test]
    fn rows_are_let_go_early_as_the_node_says_or_else_as_is_set_for_all() {
        let text = two("postgresql://a:b@db1/booking", "");
        let of = |text: &str, unless_said| {
            let read = CellsConfig::parse(text, 4).expect("valid").released(unless_said);
            let CellPlace::Postgres(options) = &read.places[0] else { panic!("{read:?}") };
            options.early_release
        };
        assert!(of(&text, true) && !of(&text, false));
        for (said, early) in [("true", true), ("false", false)] {
            let with = format!("early_release = {said}\nurl = \"postgres");
            assert_eq!(of(&text.replace("url = \"postgres", &with), !early), early);
        }
    }
}
