//! Whether a program is compatible with the tables that it finds: which of its migrations were applied, and which of a
//! newer program.

use std::fmt;
use thiserror::Error;

/// A migration, as a program defines it and as the tables record it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its number. Migrations are applied in the order of their numbers.
    pub version: i32,
    /// What it is called.
    pub name: String,
    /// A checksum of its content.
    pub checksum: u64,
}

impl Migration {
    /// One of the program's own, as its migration runner reports it.
    pub fn new(version: i32, name: &str, checksum: u64) -> Self {
        Self { version, name: name.to_owned(), checksum }
    }

    /// One that was applied, as the tables record it.
    pub fn applied(version: i32, name: String, checksum: &str) -> Self {
        // A checksum that is not a number is not one of ours.
        Self { version, name, checksum: checksum.parse().unwrap_or_default() }
    }
}

impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "V{}__{}", self.version, self.name)
    }
}

/// Tables that a program can use, once missing migrations are applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// The program's own migrations that are still to be applied.
    pub missing: Vec<String>,
    /// Those of a newer program that were applied. The program is compatible with them.
    pub newer: Vec<String>,
}

/// Why a program cannot use the tables that it finds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// A different migration was applied under one of the program's numbers, or one that it does not have.
    #[error("{applied} was applied, and is none of this program's migrations")]
    Foreign {
        /// What was applied.
        applied: String,
    },
    /// A newer program made the tables incompatible with this one.
    #[error(
        "the tables were migrated to {newest} by a newer version, and programs need to know at least \
         migration {needed} to work with them; the newest that this one knows is {known}"
    )]
    TooNew {
        /// The newest migration that was applied.
        newest: String,
        /// The number that the tables require. `None` if they do not say.
        needed: Needed,
        /// The number of the program's newest migration.
        known: i32,
    },
    /// A migration of the program was skipped, and a newer program's was applied.
    #[error("{missing} was never applied, although {newest} was")]
    LeftOut {
        /// The skipped one.
        missing: String,
        /// The newest migration that was applied.
        newest: String,
    },
}

/// The lowest migration that a program has to know to use the tables, as those record it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed(pub Option<i32>);

impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(version) => version.fmt(f),
            None => f.write_str("(they do not say which)"),
        }
    }
}

impl Schema {
    /// Compares a program's migrations with those that were `applied`. The tables require a program that knows at least
    /// migration `needed`.
    ///
    /// # Errors
    /// [`SchemaError`]; then the program must leave the tables alone.
    pub fn compare(
        ours: &[Migration],
        applied: &[Migration],
        needed: Needed,
    ) -> Result<Self, SchemaError> {
        let known = ours.iter().map(|migration| migration.version).max().unwrap_or(0);
        let foreign = applied.iter().find(|applied| {
            let own = ours.iter().find(|own| own.version == applied.version);
            own.map_or(applied.version < known, |own| own != *applied)
        });
        if let Some(foreign) = foreign {
            return Err(SchemaError::Foreign { applied: foreign.to_string() });
        }
        let is_missing =
            |own: &&Migration| !applied.iter().any(|applied| applied.version == own.version);
        let missing: Vec<_> = ours.iter().filter(is_missing).collect();
        let last = applied.iter().max_by_key(|applied| applied.version);
        // Migrations are applied in order: a skipped one comes too late.
        let left_out = missing.iter().find_map(|missing| {
            Some((missing, last.filter(|last| last.version > missing.version)?))
        });
        if let Some((missing, newest)) = left_out {
            let (missing, newest) = (missing.to_string(), newest.to_string());
            return Err(SchemaError::LeftOut { missing, newest });
        }
        let newer: Vec<_> = applied.iter().filter(|applied| applied.version > known).collect();
        if let Some(newest) = newer.iter().max_by_key(|newer| newer.version)
            && needed.0.is_none_or(|needed| needed > known)
        {
            return Err(SchemaError::TooNew { newest: newest.to_string(), needed, known });
        }
        Ok(Self { missing: texts(&missing), newer: texts(&newer) })
    }
}

fn texts(migrations: &[&Migration]) -> Vec<String> {
    migrations.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrations(versions: &[i32]) -> Vec<Migration> {
        versions.iter().map(|version| Migration::new(*version, "step", 7)).collect()
    }

    fn compare(applied: &[i32], needed: Option<i32>) -> Result<Schema, SchemaError> {
        Schema::compare(&migrations(&[1, 2, 4]), &migrations(applied), Needed(needed))
    }

    #[test]
    fn missing_migrations_are_reported() {
        assert_eq!(compare(&[1, 2, 4], None), Ok(Schema::default()));
        let missing = ["V1__step", "V2__step", "V4__step"].map(str::to_owned);
        for applied in 0..3 {
            let found = compare(&[1, 2, 4][..applied], None).expect("nothing is wrong");
            assert_eq!((&found.missing[..], found.newer.len()), (&missing[applied..], 0));
        }
    }

    #[test]
    fn newer_tables_declare_which_older_programs_are_compatible() {
        for needed in [1, 4] {
            let found = compare(&[1, 2, 4, 5, 9], Some(needed)).expect("they say that it can");
            assert_eq!(found.newer, ["V5__step", "V9__step"]);
            assert!(found.missing.is_empty());
        }
        for needed in [Some(5), Some(9), None] {
            let error = compare(&[1, 2, 4, 5, 9], needed).expect_err("they do not");
            assert!(matches!(error, SchemaError::TooNew { known: 4, .. }), "{error:?}");
            assert!(error.to_string().contains("V9__step"), "{error}");
        }
        // The requirement matters only to older programs.
        assert_eq!(compare(&[1, 2, 4], Some(9)), Ok(Schema::default()));
    }

    #[test]
    fn tables_of_another_program_are_refused() {
        for (applied, expected) in [
            (vec![1, 2, 3, 4], "V3__step was applied"),
            (vec![1, 4], "V2__step was never applied, although V4__step was"),
            (vec![1, 2, 5], "V4__step was never applied, although V5__step was"),
        ] {
            let error = compare(&applied, Some(1)).expect_err("it is not ours");
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        let mut other = migrations(&[1, 2, 4]);
        other[1].checksum = 8;
        let error = Schema::compare(&migrations(&[1, 2, 4]), &other, Needed(None));
        assert_eq!(error, Err(SchemaError::Foreign { applied: "V2__step".into() }));
    }
}
