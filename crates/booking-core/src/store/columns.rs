//! A row's columns in one list, for stores that keep their statements in files: a statement says where the columns
//! belong, and a row is read by their names. Both are resolved at compile time.

/// The columns that a row is read from, in the order in which every statement selects them, each in SQL: a name,
/// possibly with a cast.
///
/// In a statement `{row}`, with the row's name, expands to all of its columns; `{row of r}` to those of the alias `r`;
/// `{row names}` to their names without casts, for writing; and `{row places}` to as many numbered parameters, `?1, ?2,
/// …`, for writing.
///
/// ```
/// use booking_core::{Columns, StatementText};
///
/// const SEAT: Columns = Columns::new("seat", &["id", "status::text", "name"]);
/// const FILE: &str = "SELECT {seat of s}, 7 FROM seats AS s";
/// const STATEMENT: &StatementText<{ SEAT.text_bytes(FILE) }> = &SEAT.fill_in(FILE);
///
/// assert_eq!(STATEMENT.as_str(), "SELECT s.id, s.status::text, s.name, 7 FROM seats AS s");
/// assert_eq!((SEAT.at("status"), SEAT.count()), (1, 3));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    row: &'static str,
    columns: &'static [&'static str],
}

/// The text of a statement with its columns filled in.
#[derive(Debug, Clone, Copy)]
pub struct StatementText<const BYTES: usize>([u8; BYTES]);

impl<const BYTES: usize> StatementText<BYTES> {
    /// The text, for a driver.
    pub const fn as_str(&self) -> &str {
        match std::str::from_utf8(&self.0) {
            Ok(text) => text,
            Err(_) => panic!("texts were put between texts"),
        }
    }
}

impl Columns {
    /// The columns of the row that statements call `row`.
    pub const fn new(row: &'static str, columns: &'static [&'static str]) -> Self {
        Self { row, columns }
    }

    /// How many columns there are: a statement's further columns start at this index.
    pub const fn count(self) -> usize {
        self.columns.len()
    }

    /// The names of the columns, in order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|column| column.split("::").next().unwrap_or(column))
    }

    /// The index of the column called `name`.
    ///
    /// # Panics
    /// If there is none. In a `const` that is a compile error.
    pub const fn at(self, name: &str) -> usize {
        let mut at = 0;
        while at < self.columns.len() {
            let column = self.columns[at].as_bytes();
            let ends = name.len() == column.len() || begins_at(column, name.len(), b"::");
            if ends && begins_at(column, 0, name.as_bytes()) {
                return at;
            }
            at += 1;
        }
        panic!("there is no column of that name")
    }

    /// `template` with its columns filled in.
    ///
    /// # Panics
    /// If `BYTES` is not [`text_bytes`](Self::text_bytes) of it, or its braces have anything else after the name of the
    /// row.
    pub const fn fill_in<const BYTES: usize>(self, template: &str) -> StatementText<BYTES> {
        let mut text = Text { bytes: [0; BYTES], length: 0 };
        self.write(template.as_bytes(), &mut text);
        assert!(text.length == BYTES, "it is as long as it was counted to be");
        StatementText(text.bytes)
    }

    /// The length of `template` with its columns filled in.
    pub const fn text_bytes(self, template: &str) -> usize {
        let mut text = Text { bytes: [], length: 0 };
        self.write(template.as_bytes(), &mut text);
        text.length
    }

    const fn write<const BYTES: usize>(self, template: &[u8], text: &mut Text<BYTES>) {
        let mut at = 0;
        while at < template.len() {
            if template[at] != b'{' || !begins_at(template, at + 1, self.row.as_bytes()) {
                text.push(template[at]);
                at += 1;
                continue;
            }
            at += 1 + self.row.len();
            let form = if begins_at(template, at, NAMES) {
                at += NAMES.len();
                Form::Names
            } else if begins_at(template, at, PLACES) {
                at += PLACES.len();
                Form::Places
            } else if begins_at(template, at, OF) {
                at += OF.len();
                Form::Of
            } else {
                Form::Columns
            };
            assert!(
                matches!(form, Form::Of) || begins_at(template, at, b"}"),
                "a row is named, or a row of something"
            );
            let mut end = at;
            while template[end] != b'}' {
                end += 1;
            }
            self.write_all(template, (at, end), form, text);
            at = end + 1;
        }
    }

    /// Writes all columns in a form; those of the alias that `template` names from `of` to `end`.
    const fn write_all<const BYTES: usize>(
        self,
        template: &[u8],
        (of, end): (usize, usize),
        form: Form,
        text: &mut Text<BYTES>,
    ) {
        let mut column = 0;
        while column < self.columns.len() {
            if column > 0 {
                text.push_all(b", ", 0, 2);
            }
            if of < end {
                text.push_all(template, of, end);
                text.push(b'.');
            }
            let name = self.columns[column].as_bytes();
            column += 1;
            if matches!(form, Form::Places) {
                text.push(b'?');
                text.push_number(column);
                continue;
            }
            let are_names = matches!(form, Form::Names);
            let mut length = 0;
            while length < name.len() && !(are_names && begins_at(name, length, b"::")) {
                length += 1;
            }
            text.push_all(name, 0, length);
        }
    }
}

/// The indexes of an event's [rules](crate::EventRules) in a column list, by the names that this project's own stores
/// use.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is called as its column is")]
pub struct RuleColumns {
    pub status: usize,
    pub opens_at: usize,
    pub closes_at: usize,
    pub waitlist_enabled: usize,
    pub offer_ttl_seconds: usize,
    pub conceal_registered: usize,
    pub confirm_address: usize,
}

impl RuleColumns {
    /// The indexes in a list.
    ///
    /// # Panics
    /// If a column is not in it. In a `const` that is a compile error.
    pub const fn of(columns: Columns) -> Self {
        Self {
            status: columns.at("status"),
            opens_at: columns.at("opens_at"),
            closes_at: columns.at("closes_at"),
            waitlist_enabled: columns.at("waitlist_enabled"),
            offer_ttl_seconds: columns.at("offer_ttl_seconds"),
            conceal_registered: columns.at("conceal_registered"),
            confirm_address: columns.at("confirm_address"),
        }
    }
}

const OF: &[u8] = b" of ";
const NAMES: &[u8] = b" names";
const PLACES: &[u8] = b" places";

/// The form in which a statement wants the columns.
#[derive(Clone, Copy)]
enum Form {
    Columns,
    Of,
    Names,
    Places,
}

/// Whether `text` continues with `part` at `at`.
const fn begins_at(text: &[u8], at: usize, part: &[u8]) -> bool {
    let mut same = 0;
    while same < part.len() {
        if at + same >= text.len() || text[at + same] != part[same] {
            return false;
        }
        same += 1;
    }
    true
}

/// A text that is being written, or only counted if it has no room at all.
struct Text<const BYTES: usize> {
    bytes: [u8; BYTES],
    length: usize,
}

impl<const BYTES: usize> Text<BYTES> {
    const fn push(&mut self, byte: u8) {
        if BYTES > 0 {
            self.bytes[self.length] = byte;
        }
        self.length += 1;
    }

    const fn push_number(&mut self, number: usize) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push(b'0' + (number % 10) as u8);
    }

    const fn push_all(&mut self, part: &[u8], from: usize, to: usize) {
        let mut at = from;
        while at < to {
            self.push(part[at]);
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Columns = Columns::new("row", &["id", "status::text", "status_id"]);

    /// The filled-in template.
    macro_rules! filled_in {
        ($template:literal) => {{
            const TEXT: &StatementText<{ ROW.text_bytes($template) }> = &ROW.fill_in($template);
            TEXT.as_str()
        }};
    }

    #[test]
    fn columns_are_expanded_wherever_a_statement_names_them() {
        assert_eq!(filled_in!("SELECT {row}"), "SELECT id, status::text, status_id");
        assert_eq!(filled_in!("{row of r}"), "r.id, r.status::text, r.status_id");
        assert_eq!(filled_in!("({row names})"), "(id, status, status_id)");
        assert_eq!(filled_in!("VALUES ({row places})"), "VALUES (?1, ?2, ?3)");
        let twice = filled_in!("{row of a} – ({row of bcd}) é");
        assert_eq!(
            twice,
            "a.id, a.status::text, a.status_id – (bcd.id, bcd.status::text, bcd.status_id) é"
        );
        for plain in
            [filled_in!(""), filled_in!("a { b } '{}' {other} $1::text[]"), filled_in!("{")]
        {
            assert!(["", "a { b } '{}' {other} $1::text[]", "{"].contains(&plain), "{plain}");
        }
    }

    #[test]
    fn placeholders_are_numbered_past_nine() {
        const MANY: Columns = Columns::new("many", &["a"; 11]);
        const TEXT: &StatementText<{ MANY.text_bytes("{many places}") }> =
            &MANY.fill_in("{many places}");
        assert_eq!(TEXT.as_str(), "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11");
    }

    #[test]
    fn a_column_is_found_by_its_whole_name() {
        const STATUS: usize = ROW.at("status");
        assert_eq!(ROW.names().collect::<Vec<_>>(), ["id", "status", "status_id"]);
        assert_eq!([ROW.at("id"), STATUS, ROW.at("status_id"), ROW.count()], [0, 1, 2, 3]);
        for other in ["", "i", "status::", "status_", "ids", "text"] {
            let found = std::panic::catch_unwind(|| ROW.at(other));
            assert!(found.is_err(), "{other:?} is at {found:?}");
        }
    }

    #[test]
    fn a_misspelt_placeholder_panics() {
        for template in [
            "{rows}",
            "{row of r",
            "{row or r}",
            "{row names of r}",
            "{row place}",
            "{row places of r}",
        ] {
            let counted = std::panic::catch_unwind(|| ROW.text_bytes(template));
            assert!(counted.is_err(), "{template} has {counted:?}");
        }
    }
}
