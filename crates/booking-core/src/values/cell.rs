use crate::Invalid;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of a cell: a part of a store that is a database of its own. It is valid in a header, in a metric's label,
/// and as a schema's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellName(Arc<str>);

impl CellName {
    /// The longest name, in bytes: PostgreSQL's limit.
    pub const BYTES_MAX: usize = 63;

    /// Checks `name`.
    ///
    /// # Errors
    /// [`Invalid::NotACellName`].
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins_well = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        match begins_well && name.len() <= Self::BYTES_MAX && name.bytes().all(is_good) {
            true => Ok(Self(name.into())),
            false => Err(Invalid::NotACellName),
        }
    }

    /// The name as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CellName {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        Self::parse(name)
    }
}

impl fmt::Display for CellName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_name_is_valid_in_a_header_a_label_and_a_schema() {
        for name in ["public", "c00", "_x", &"a".repeat(63)] {
            assert_eq!(CellName::parse(name).map(|read| read.to_string()), Ok(name.to_owned()));
        }
        for name in ["", "0c", "C0", "a-b", "a,b", "a\"b", "a b", "ä", "a\n", &"a".repeat(64)] {
            assert_eq!(CellName::parse(name), Err(Invalid::NotACellName), "{name:?}");
        }
    }
}
