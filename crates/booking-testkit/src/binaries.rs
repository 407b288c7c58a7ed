//! Where a machine keeps its programs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The programs of one PostgreSQL installation that a cluster needs.
#[derive(Clone, Debug)]
pub struct PgBinaries {
    /// `initdb`
    pub initdb: PathBuf,
    /// `postgres`
    pub postgres: PathBuf,
}

impl PgBinaries {
    /// Finds an installation: the folder `PG_BIN`, else `PATH`, else the newest of the folders that
    /// Debian and Homebrew use (which are not on the `PATH`).
    ///
    /// # Panics
    ///
    /// If there is none, naming the folders that were searched.
    #[must_use]
    pub fn find() -> Self {
        let folders = candidate_folders();
        folders.iter().find_map(|folder| Self::within(folder)).unwrap_or_else(|| {
            panic!(
                "no PostgreSQL found: `initdb` and `postgres` are together in none of {folders:?}. \
                 Install PostgreSQL, or name its folder in PG_BIN; scripts/test.sh installs it \
                 where it may."
            )
        })
    }

    fn within(folder: &Path) -> Option<Self> {
        // Debian puts wrappers for some clients on the PATH, as links out of their real folder.
        let initdb = fs::canonicalize(folder.join("initdb")).ok()?;
        let postgres = initdb.with_file_name("postgres");
        postgres.is_file().then_some(Self { initdb, postgres })
    }
}

/// A program by the variable that names it, else by its names on the `PATH`.
pub(crate) fn find_program(variable: &str, names: &[&str]) -> Option<PathBuf> {
    if let Some(named) = env::var_os(variable).filter(|value| !value.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let folders: Vec<PathBuf> = path_folders().collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

fn candidate_folders() -> Vec<PathBuf> {
    // A folder that was set on purpose and is wrong must not be ignored silently.
    if let Some(named) = env::var_os("PG_BIN").filter(|value| !value.is_empty()) {
        return vec![PathBuf::from(named)];
    }
    let mut folders: Vec<PathBuf> = path_folders().collect();
    let roots = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt", "/usr"];
    for root in roots {
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(root)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((version(entry.file_name().to_str()?)?, entry.path())))
            .collect();
        versions.sort();
        folders.extend(versions.into_iter().rev().map(|(_, folder)| folder.join("bin")));
    }
    folders
}

/// The major version in a folder's name: `17`, `postgresql@17`, `pgsql-17`, `postgresql` (the
/// newest, in Homebrew).
fn version(folder: &str) -> Option<u32> {
    if folder == "postgresql" {
        return Some(u32::MAX);
    }
    let digits = ["postgresql@", "pgsql-", ""].iter().find_map(|p| folder.strip_prefix(p))?;
    digits.parse().ok()
}

fn path_folders() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_folder_names_in_use() {
        assert_eq!(version("17"), Some(17));
        assert_eq!(version("postgresql@16"), Some(16));
        assert_eq!(version("pgsql-15"), Some(15));
        assert_eq!(version("postgresql"), Some(u32::MAX));
        assert_eq!(version("redis"), None);
    }

    #[test]
    fn this_machine_has_the_database_programs() {
        let found = PgBinaries::find();
        assert!(found.initdb.is_file() && found.postgres.is_file(), "{found:?}");
    }

    #[test]
    fn a_program_is_found_only_on_the_path() {
        assert!(
            find_program("BOOKING_TESTKIT_UNSET", &["booking-no-such-program", "sh"]).is_some()
        );
        assert_eq!(find_program("BOOKING_TESTKIT_UNSET", &["booking-no-such-program"]), None);
    }
}
