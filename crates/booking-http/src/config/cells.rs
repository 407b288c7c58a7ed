//! CELLS_FILE, which names the databases of the data.

use booking_cells::{CellMap, CellSpec, MapError};
use booking_core::{CellName, ErrorChain};
use booking_pg::{PgOptions, PlanCacheMode};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

/// The longest file.
const BYTES_MAX: usize = 1 << 20;
/// The scheme of a node's URL whose cells are SQLite files.
const SQLITE: &str = "sqlite://";
/// The suffix of a node that is a single SQLite file.
const FILE_ENDING: &str = ".db";

/// The nodes, their places, and the cells on them unless the home stores a map.
#[derive(Debug, Clone)]
pub struct CellsConfig {
    /// Which cell has which events, as the file says. Once the home stores a map, that counts.
    pub map: CellMap,
    nodes: BTreeMap<String, NodeConfig>,
    /// The file.
    path: PathBuf,
    pool_size: usize,
    /// The plan cache mode of the nodes that do not set one.
    plan_cache_mode: PlanCacheMode,
}

/// The place of a node. Its URL is a secret.
#[derive(Clone, PartialEq, Eq)]
struct NodeConfig {
    url: String,
    plan_cache_mode: Option<PlanCacheMode>,
}

/// Where a cell is.
#[derive(Debug)]
pub enum CellPlace {
    /// In a schema of a PostgreSQL database.
    Postgres(Box<PgOptions>),
    /// In a file.
    Sqlite(PathBuf),
}

/// What a store was opened with: another value of any field is another store.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PlaceKey {
    node: String,
    schema: String,
    config: NodeConfig,
}

impl PlaceKey {
    /// Whether both are the same cell, wherever its node is by now.
    pub(crate) fn is_of_the_cell_of(&self, other: &Self) -> bool {
        (&self.node, &self.schema) == (&other.node, &other.schema)
    }
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
    /// Reads such a file. Each PostgreSQL cell gets a pool of `pool_size`, and its statements are planned as its
    /// node says, or else for `plan_cache_mode`.
    ///
    /// # Errors
    /// The fault of the file. It never quotes a part of the file that could be a secret.
    pub(crate) fn read(
        path: &Path,
        pool_size: usize,
        plan_cache_mode: PlanCacheMode,
    ) -> Result<Self, String> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let read = Self::parse(&text, pool_size)?;
        Ok(Self { path: path.to_path_buf(), plan_cache_mode, ..read })
    }

    /// Reads the same file as it is now.
    ///
    /// # Errors
    /// The fault of the file as it is now.
    pub(crate) fn read_again(&self) -> Result<Self, String> {
        Self::read(&self.path, self.pool_size, self.plan_cache_mode)
    }

    /// Reads such a text.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn parse(text: &str, pool_size: usize) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("names a file of more than {BYTES_MAX} bytes"));
        }
        let file: File = toml::from_str(text).map_err(|error| explained(&error, text))?;
        let names: Vec<String> = file.nodes.keys().cloned().collect();
        let cells = file.cells.iter().map(spec).collect::<Result<Vec<_>, _>>()?;
        let map = CellMap::new(file.version, names, cells);
        let map = map.map_err(|error| format!("names cells that are no map: {error}"))?;
        let nodes = file.nodes.into_iter().map(|(name, node)| {
            let mode = node.plan_cache_mode.map(|mode| mode.parse::<PlanCacheMode>()).transpose();
            let mode = mode.map_err(|why| format!("names node {name}, whose {why}"))?;
            let url = node.url.trim().to_owned();
            Ok((name, NodeConfig { url, plan_cache_mode: mode }))
        });
        let nodes = nodes.collect::<Result<_, String>>()?;
        let (path, plan_cache_mode) = (PathBuf::new(), PlanCacheMode::default());
        let read = Self { map, nodes, path, pool_size, plan_cache_mode };
        read.places(&read.map)?;
        // Also for nodes without cells.
        for name in read.nodes.keys() {
            read.place(name, "public")?;
        }
        Ok(read)
    }

    /// A map of cells on this file's nodes, parsed from the text that the home stores.
    ///
    /// # Errors
    /// If it names a node that the file does not name, or is invalid.
    pub(crate) fn map_of(&self, stored: &str) -> Result<CellMap, String> {
        CellMap::from_text(stored, self.map.nodes().to_vec()).map_err(|error| match error {
            MapError::NoNode { cell, node } => format!(
                "has no node {node}, which cell {cell} is on by the map that the home keeps"
            ),
            error => {
                format!("leads to a home that keeps a map that is none: {}", ErrorChain(&error))
            }
        })
    }

    /// Whether the file is consistent with `map`, which the home stores.
    ///
    /// # Errors
    /// The fault: other cells were written into it, or its home is not the map's.
    pub(crate) fn check(&self, map: &CellMap) -> Result<(), String> {
        let (of_file, stored) = (self.map.version(), map.version());
        if of_file > stored && self.map.cells() != map.cells() {
            return Err(format!(
                "has other cells, as version {of_file}, than version {stored} of the map, which the home \
                 keeps and which counts. Cells are changed by `booking-http cells split`, `move` and `drop` alone; \
                 `booking-http cells status` shows those that there are"
            ));
        }
        let (home, stored_home) = (&self.map.cells()[0], &map.cells()[0]);
        if self.place_of(home)?.location() != self.place_of(stored_home)?.location() {
            return Err(format!(
                "has the byte 00 in {}/{}, and the map that is kept there has it in {}/{}",
                home.node, home.schema, stored_home.node, stored_home.schema
            ));
        }
        Ok(())
    }

    /// Whether the file has other cells than the current `map`.
    pub(crate) fn differs(&self, map: &CellMap) -> bool {
        self.map.version() != map.version() || self.map.cells() != map.cells()
    }

    /// The place of each cell of `map`, in the order of [`CellMap::all`].
    ///
    /// # Errors
    /// If one is on a node that the file does not name, or two are in one place.
    pub(crate) fn places(&self, map: &CellMap) -> Result<Vec<CellPlace>, String> {
        let places = map.all().map(|cell| self.place_of(cell));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let mut seen = HashSet::new();
        for place in &places {
            let location = place.location();
            if seen.contains(&location) {
                return Err(format!("puts two cells into {location}"));
            }
            seen.insert(location);
        }
        Ok(places)
    }

    /// The place of the home, the cell of the byte 00, as the file says.
    ///
    /// # Errors
    /// None after it was read.
    pub(crate) fn home(&self) -> Result<CellPlace, String> {
        self.place_of(&self.map.cells()[0])
    }

    /// Where a cell is.
    ///
    /// # Errors
    /// If it is on a node that the file does not name.
    pub(crate) fn place_of(&self, cell: &CellSpec) -> Result<CellPlace, String> {
        self.place(&cell.node, &cell.schema)
    }

    /// Where a schema of a node is.
    fn place(&self, node: &str, schema: &str) -> Result<CellPlace, String> {
        let no_node = || format!("names no node {node}");
        let config = self.nodes.get(node).ok_or_else(no_node)?;
        let place = place_at(schema, &config.url, self.pool_size);
        let mut place = place.map_err(|why| format!("names node {node}: {why}"))?;
        if let CellPlace::Postgres(options) = &mut place {
            options.plan_cache_mode = config.plan_cache_mode.unwrap_or(self.plan_cache_mode);
        }
        Ok(place)
    }

    /// The key by which the store of a cell is opened; `None` if the file does not name its node.
    pub(crate) fn key_of(&self, cell: &CellSpec) -> Option<PlaceKey> {
        let (node, schema) = (cell.node.clone(), cell.schema.clone());
        Some(PlaceKey { config: self.nodes.get(&node)?.clone(), node, schema })
    }

    /// The size of a cell's pool: that of one in PostgreSQL, if there is one there or may come to be.
    pub(crate) fn pool_size(&self) -> usize {
        let is_file = |node: &NodeConfig| node.url.starts_with(SQLITE);
        let all_are_files = self.nodes.values().all(is_file);
        if all_are_files { PgOptions::POOL_SIZE_DEFAULT } else { self.pool_size }
    }

    /// How many files the stores of a map's cells may have open.
    pub(crate) fn store_files(&self, map: &CellMap) -> u64 {
        // It was looked at before.
        let places = self.places(map).unwrap_or_default();
        places.iter().map(CellPlace::store_files).sum()
    }
}

/// The cells of a map as lines of such a file, with its version.
pub(crate) fn to_toml(map: &CellMap) -> String {
    let mut text = format!("version = {}\n", map.version());
    for CellSpec { name, node, schema, first, last } in map.cells() {
        // A JSON string is a TOML string, too. Writing to a String does not fail.
        let node = serde_json::Value::from(node.as_str());
        let _ = write!(
            text,
            "\n[[cells]]\nname = \"{name}\"\nschema = \"{schema}\"\nnode = {node}\nfirst = \"{first:02x}\"\n\
             last = \"{last:02x}\"\n"
        );
    }
    text
}

impl fmt::Debug for NodeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeConfig").finish_non_exhaustive()
    }
}

impl CellPlace {
    /// Equal for two cells only if they are in one place, however that is written.
    pub(crate) fn location(&self) -> String {
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

    pub(crate) fn store_files(&self) -> u64 {
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
pub(crate) fn byte(text: &str) -> Option<u8> {
    let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_plain.then(|| u8::from_str_radix(text, 16).ok())?
}

fn place_at(schema: &str, url: &str, pool_size: usize) -> Result<CellPlace, String> {
    if let Some(path) = url.strip_prefix(SQLITE) {
        return match path {
            "" => Err("its url names no folder".to_owned()),
            // A file by itself: today's database.
            file if file.ends_with(FILE_ENDING) => Ok(CellPlace::Sqlite(file.into())),
            folder => {
                let file = format!("{schema}{FILE_ENDING}");
                Ok(CellPlace::Sqlite(PathBuf::from(folder).join(file)))
            }
        };
    }
    let mut options =
        PgOptions::parse(url).map_err(|error| format!("its url {}", ErrorChain(&error)))?;
    options.pool_size = pool_size;
    // The schema `public` is not set, as for a store without cells.
    let schema = Some(schema).filter(|schema| *schema != "public");
    options.schema = schema.and_then(|schema| CellName::parse(schema).ok());
    Ok(CellPlace::Postgres(Box::new(options)))
}

/// The fault of the file, and its line. Errors quote the file, which may hold a password; those that do are not
/// repeated.
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
        let places = read.places(&read.map).expect("they were looked at");
        let names: Vec<_> = read.map.cells().iter().map(|cell| cell.name.as_str()).collect();
        assert_eq!(names, ["public", "high"]);
        let [CellPlace::Postgres(options), CellPlace::Sqlite(path)] = &places[..] else {
            panic!("{read:?}")
        };
        assert_eq!((options.pool_size, &options.schema), (4, &None), "as it is today");
        assert_eq!(path, &PathBuf::from("/var/lib/booking/c80.db"));
        let named = two("postgresql://a:b@db1/booking", "").replace("\"public\"", "\"c00\"");
        let read = CellsConfig::parse(&named, 4).expect("valid");
        let home = read.home().expect("it was looked at");
        assert_eq!(home.location(), "db1:5432/booking, schema c00");
        let one = two("sqlite://booking.db", "");
        let read = CellsConfig::parse(&one, 4).expect("valid");
        let CellPlace::Sqlite(path) = read.home().expect("it was looked at") else {
            panic!("{read:?}")
        };
        assert_eq!(path, PathBuf::from("booking.db"));
    }

    #[test]
    fn errors_never_quote_a_password() {
        let url = "postgresql://booking:hunter2@db1/booking";
        let good = two(url, "");
        for (text, reason) in [
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
            assert!(error.contains(reason) && !error.contains("hunter2"), "{error}");
        }
        // An invalid plan mode is not quoted either.
        let planned =
            good.replace("url = \"postgres", "plan_cache_mode = \"hunter2\"\nurl = \"postgres");
        let error = CellsConfig::parse(&planned, 4).expect_err("it is none");
        assert!(error.contains("node db1, whose plan_cache_mode must be"), "{error}");
    }

    #[test]
    fn two_cells_in_one_place_are_refused_however_it_is_written() {
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

    fn written(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        std::fs::write(file.path(), text).expect("it can be written");
        file
    }

    #[test]
    fn a_nodes_plan_cache_mode_overrides_the_setting() {
        let text = two("postgresql://a:b@db1/booking", "");
        let of = |text: &str, unless_said| {
            let file = written(text);
            let read = CellsConfig::read(file.path(), 4, unless_said).expect("valid");
            let CellPlace::Postgres(options) = read.home().expect("it was looked at") else {
                panic!("{read:?}")
            };
            options.plan_cache_mode
        };
        let [plain, auto] = [PlanCacheMode::ForceGenericPlan, PlanCacheMode::Auto];
        assert_eq!((of(&text, plain), of(&text, auto)), (plain, auto));
        let said = text.replace("url = \"postgres", "plan_cache_mode = \"auto\"\nurl = \"postgres");
        assert_eq!(of(&said, plain), auto);
    }

    #[test]
    fn a_file_that_was_changed_is_read_as_it_is_now() {
        let before = two("postgresql://a:hunter2@db1/booking", "");
        let file = written(&before);
        let read = CellsConfig::read(file.path(), 4, PlanCacheMode::Auto).expect("valid");
        let same = read.read_again().expect("valid");
        let [home, other] = read.map.cells() else { panic!("{read:?}") };
        let are_same = |other: &CellsConfig, cell| read.key_of(cell) == other.key_of(cell);
        assert!(are_same(&same, home) && are_same(&same, other));
        std::fs::write(file.path(), before.replace("hunter2", "hunter3")).expect("it is writable");
        let changed = read.read_again().expect("valid");
        assert!(!are_same(&changed, home) && are_same(&changed, other));
        let keys = [read.key_of(home), changed.key_of(home), read.key_of(other)];
        let [Some(before), Some(after), Some(elsewhere)] = keys else { panic!("all have a node") };
        assert!(after.is_of_the_cell_of(&before) && !after.is_of_the_cell_of(&elsewhere));
        assert!(!format!("{changed:?}").contains("hunter"), "{changed:?}");
        std::fs::write(file.path(), "version =").expect("it is writable");
        read.read_again().expect_err("it is none any more");
    }

    #[test]
    fn the_stored_map_counts_and_a_newer_file_is_refused() {
        let text = two("postgresql://a:b@db1/booking", "");
        let read = CellsConfig::parse(&text, 4).expect("valid");
        let split = text.replace("\"ff\"", "\"bf\"")
            + "[[cells]]\nschema = \"cc0\"\nnode = \"db1\"\nfirst = \"c0\"\nlast = \"ff\"\n";
        let stored = |version: u64| {
            let stored = split.replace("version = 7", &format!("version = {version}"));
            let stored = CellsConfig::parse(&stored, 4).expect("valid").map;
            read.map_of(&stored.to_text()).expect("it names nodes of the file")
        };
        for version in [7, 8] {
            assert_eq!(read.check(&stored(version)), Ok(()), "{version}");
            assert!(read.differs(&stored(version)));
        }
        let error = read.check(&stored(6)).expect_err("the file is newer");
        assert!(error.contains("version 7") && error.contains("cells split"), "{error}");
        let raised = CellsConfig::parse(&text.replace("version = 7", "version = 9"), 4);
        let raised = raised.expect("valid");
        assert_eq!(raised.check(&read.map), Ok(()), "a number alone changes nothing");
        assert!(!read.differs(&read.map));

        let elsewhere = text.replace("\"public\"", "\"c00\"");
        let elsewhere = CellsConfig::parse(&elsewhere, 4).expect("valid");
        let error = elsewhere.check(&stored(8)).expect_err("it is another home");
        assert!(error.contains("db1/c00"), "{error}");
        let fewer =
            text.replace("[nodes.files]", "[nodes.other]").replace("\"files\"", "\"other\"");
        let fewer = CellsConfig::parse(&fewer, 4).expect("valid");
        let error = fewer.map_of(&stored(8).to_text()).expect_err("a node is not there");
        assert!(error.contains("no node files"), "{error}");
    }

    #[test]
    fn cells_are_written_as_they_are_read() {
        let text = two("postgresql://a:b@db1/booking", "");
        let map = CellsConfig::parse(&text, 4).expect("valid").map;
        let nodes = "[nodes.db1]\nurl = \"postgresql://a:b@db1/booking\"\n\
                     [nodes.files]\nurl = \"sqlite:///var/lib/booking\"\n";
        let cells = to_toml(&map);
        let (version, cells) = cells.split_once('\n').expect("it has lines");
        let again = CellsConfig::parse(&format!("{version}\n{nodes}{cells}"), 4).expect("valid");
        assert_eq!(again.map, map);
    }
}
