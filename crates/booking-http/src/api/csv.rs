//! Comma-separated values (RFC 4180), written for spreadsheets and read from them.
//!
//! A spreadsheet runs what looks like a formula. So a cell that would be one gets an apostrophe before it, which is
//! dropped again on import. A cell also begins, for a program that takes another separator than ours, behind every
//! character that could be one: those that import dialogs name, the bar, and the colon. Spaces and colons are in
//! what people write, so that behind them a sign that stands for itself is left alone.

use std::borrow::Cow;

/// The content type of such a file.
pub(crate) const CONTENT_TYPE: &str = "text/csv; charset=utf-8";
/// The byte order mark by which some spreadsheets recognize UTF-8.
pub(crate) const BOM: &str = "\u{feff}";
/// The most cells that a row may have.
pub(crate) const CELLS_MAX: usize = 128;

/// The character that keeps a cell from being run.
const GUARD: char = '\'';

/// Whether a cell that begins with `c` may be run: also in full width and the like, which some programs treat
/// alike.
fn is_live(c: char) -> bool {
    matches!(
        c,
        '=' | '+'
            | '-'
            | '@'
            | '\t'
            | '\r'
            | '\n'
            | '\u{2212}'
            | '\u{fe62}'
            | '\u{fe63}'
            | '\u{fe66}'
            | '\u{fe6b}'
            | '\u{ff0b}'
            | '\u{ff0d}'
            | '\u{ff1d}'
            | '\u{ff20}'
    )
}

/// What some program takes for the end of a cell, and people hardly ever write before a sign.
fn is_separator(c: char) -> bool {
    matches!(c, ',' | ';' | '|' | '\t' | '\r' | '\n')
}

/// What some program ignores at the start of a cell.
fn is_nothing(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// What may end the cell before the one that begins here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The text's own beginning, or anything but a part of a word.
    Plain,
    /// A space: where it ends a cell, the next one ends this.
    Space,
    /// A colon.
    Colon,
}

impl End {
    /// What may have ended a cell once `c` was read, where `before` could until then.
    fn after(before: Option<Self>, c: char) -> Option<Self> {
        match (before, c) {
            (_, c) if is_separator(c) => Some(Self::Plain),
            (Some(Self::Plain), c) if is_nothing(c) => Some(Self::Plain),
            (_, ' ') => Some(Self::Space),
            (_, ':') => Some(Self::Colon),
            (Some(end), c) if is_nothing(c) => Some(end),
            _ => None,
        }
    }
}

/// Whether a cell that begins at `at`, behind `end`, would be run, or would be without guards that it has. Behind what may
/// be the end of another cell, a second such end is nothing to run: the two that end a line stay together.
fn is_to_be_guarded(text: &str, at: usize, end: End) -> bool {
    let cell = text[at..].trim_start_matches(GUARD);
    if end == End::Plain {
        return cell.starts_with(is_live) && (at == 0 || !cell.starts_with(is_separator));
    }
    let is_sign = |c: char| is_live(c) && !is_separator(c);
    // Signs alone are a dash, or a face: `a - b`, `:-)`. LibreOffice takes `=)` for a formula, if a wrong one.
    let is_face = |c: char| c == ')' && !cell.starts_with(['=', '\u{fe66}', '\u{ff1d}']);
    let operand = cell.trim_start_matches(is_sign).chars().next();
    let is_run = operand.is_some_and(|c| {
        !is_face(c) && !is_separator(c) && (end == End::Colon || !c.is_whitespace())
    });
    cell.starts_with(is_sign) && is_run
}

/// `text` with a guard before every formula.
fn guarded(text: &str) -> Cow<'_, str> {
    if !text.contains(is_live) {
        return Cow::Borrowed(text);
    }
    let mut guarded = String::with_capacity(text.len() + 1);
    let mut end = Some(End::Plain);
    for (at, c) in text.char_indices() {
        if end.is_some_and(|end| is_to_be_guarded(text, at, end)) {
            guarded.push(GUARD);
        }
        guarded.push(c);
        end = End::after(end, c);
    }
    Cow::Owned(guarded)
}

/// `text` without the guards that [`guarded`] has given it.
fn unguarded(text: &str) -> Cow<'_, str> {
    if !text.contains(GUARD) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut end = Some(End::Plain);
    for (at, c) in text.char_indices() {
        let is_guard = c == GUARD && end.is_some_and(|end| is_to_be_guarded(text, at, end));
        if !is_guard {
            plain.push(c);
        }
        end = End::after(end, c);
    }
    Cow::Owned(plain)
}

/// Adds a row and its line end.
pub(crate) fn push_row<'a>(csv: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            csv.push(',');
        }
        let cell = guarded(cell);
        let is_plain = !cell.contains(|c: char| is_separator(c) || c == '"' || c == GUARD)
            && !cell.starts_with(' ')
            && !cell.ends_with(' ');
        if is_plain {
            csv.push_str(&cell);
        } else {
            csv.push('"');
            csv.push_str(&cell.replace('"', "\"\""));
            csv.push('"');
        }
    }
    csv.push_str("\r\n");
}

/// A row that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// The line in which it begins, from 1 on.
    pub(crate) line: usize,
    /// The cells without their guards; or why the row cannot be read.
    pub(crate) cells: Result<Vec<Cow<'a, str>>, &'static str>,
}

/// The rows of a text. Lines may end in any way; empty ones are skipped.
pub(crate) struct Reader<'a> {
    rest: &'a str,
    separator: char,
    line: usize,
}

impl<'a> Reader<'a> {
    /// Reads `text`, whose first line decides the separator: commas, or the one that is there if there are none.
    pub(crate) fn new(text: &'a str) -> Self {
        let rest = text.strip_prefix(BOM).unwrap_or(text);
        let first = rest.lines().next().unwrap_or_default();
        let separators = [',', ';', '\t'];
        let separator = separators.into_iter().find(|separator| first.contains(*separator));
        Self { rest, separator: separator.unwrap_or(','), line: 1 }
    }

    /// Skips the end of a line, if one is next.
    fn end_line(&mut self) -> bool {
        let rest = self.rest;
        let after = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n']));
        let Some(after) = after else { return false };
        self.rest = after;
        self.line += 1;
        true
    }

    fn cell(&mut self) -> Result<Cow<'a, str>, &'static str> {
        let separator = self.separator;
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let is_end = |c: char| c == separator || c == '\r' || c == '\n';
            let end = self.rest.find(is_end).unwrap_or(self.rest.len());
            let (cell, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Ok(Cow::Borrowed(cell));
        };
        // Up to the first quote that is not doubled.
        let mut at = 0;
        let end = loop {
            match quoted[at..].find('"').map(|found| at + found) {
                Some(quote) if quoted[quote + 1..].starts_with('"') => at = quote + 2,
                found => break found,
            }
        };
        let Some(end) = end else {
            self.rest = "";
            return Err("a quote is opened and never closed");
        };
        let cell = &quoted[..end];
        self.rest = &quoted[end + 1..];
        self.line += lines_in(cell);
        if !(self.rest.is_empty() || self.rest.starts_with([separator, '\r', '\n'])) {
            return Err("something follows a quote that closes a cell");
        }
        Ok(if cell.contains('"') { cell.replace("\"\"", "\"").into() } else { cell.into() })
    }

    fn cells(&mut self) -> Result<Vec<Cow<'a, str>>, &'static str> {
        let mut cells = Vec::new();
        loop {
            let cell = self.cell()?;
            if cells.len() == CELLS_MAX {
                return Err("there are too many cells");
            }
            let plain = match unguarded(&cell) {
                Cow::Owned(plain) => Some(plain),
                Cow::Borrowed(_) => None,
            };
            cells.push(plain.map_or(cell, Cow::Owned));
            match self.rest.strip_prefix(self.separator) {
                Some(rest) => self.rest = rest,
                None => return Ok(cells),
            }
        }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        while self.end_line() {}
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let cells = self.cells();
        if cells.is_err() {
            // The rest of the line is part of it.
            let end = self.rest.find(['\r', '\n']).unwrap_or(self.rest.len());
            self.rest = &self.rest[end..];
        }
        self.end_line();
        Some(Record { line, cells })
    }
}

/// How many lines end in a text.
fn lines_in(text: &str) -> usize {
    text.replace("\r\n", "\n").chars().filter(|c| matches!(c, '\r' | '\n')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that attackers choose to make a spreadsheet run something, and texts that only look like such.
    const CORPUS: [&str; 31] = [
        "=1+1",
        "+1",
        "-Ali",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(A1)",
        "−1",
        "'=1",
        "''=1",
        "'",
        "O'Hara",
        "a;=1+1",
        "a, =1+1",
        "a|'=1",
        "\"=1\"",
        " a ",
        "=cmd|' /C calc'!A0",
        "",
        "+49 30 1234",
        "a - b",
        "a :-) b =)",
        "call +49 30 1234",
        "a:=1+1",
        "a '=1",
        "a '- b:'=1",
        "a \u{200b}=1",
    ];

    fn row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
        let mut csv = String::new();
        push_row(&mut csv, cells);
        csv
    }

    fn read(csv: &str) -> Vec<(usize, Result<Vec<String>, &'static str>)> {
        let owned = |cells: Vec<Cow<'_, str>>| cells.into_iter().map(Cow::into_owned).collect();
        Reader::new(csv).map(|record| (record.line, record.cells.map(owned))).collect()
    }

    /// The same texts, and every sign that may be run behind every character that a program may ignore, or take for
    /// a quote or for the end of another cell.
    fn corpus() -> Vec<String> {
        let before = [
            "",
            " ",
            "  ",
            "'",
            "''",
            "\"",
            "\"\"",
            "\u{a0}",
            "\u{3000}",
            "\u{200b}",
            "\u{feff}",
            "a,",
            "a;",
            "a|",
            "a\t",
            "a\n",
            "a\r\n",
            "a\"",
            ",",
            ";",
            "\n",
            "\t",
            " \t ",
            "a; ",
            "a;'",
            "a ",
            "a  ",
            "a:",
            "a: ",
            "a::",
            ": ",
            "a '",
            "a:'",
            "a \"",
            "a:\u{200b}",
            "a:\u{a0}",
            "a \u{200b}",
        ];
        let live = [
            "=", "+", "-", "@", "\t=", "\r=", "\n=", "\u{2212}", "\u{fe62}", "\u{fe63}",
            "\u{fe66}", "\u{fe6b}", "\u{ff0b}", "\u{ff0d}", "\u{ff1d}", "\u{ff20}", "=-", "+=",
            "-+-", "= ", "- ",
        ];
        let done = [
            "1+1",
            "SUM(1;1)",
            "cmd|' /C calc'!A0",
            "HYPERLINK(\"http://127.0.0.1:9/\",\"here\")",
            "WEBSERVICE(\"http://127.0.0.1:9/\")",
        ];
        let mut corpus: Vec<_> = CORPUS.map(str::to_owned).into();
        for before in before {
            for live in live {
                corpus.extend(done.map(|done| format!("{before}{live}{done}")));
            }
        }
        corpus
    }

    /// A cell without leading characters that a program may ignore. Written anew, as `run` is, to check
    /// `is_nothing` and `is_live`.
    fn shown(part: &str) -> &str {
        part.trim_start_matches(|c: char| c.is_whitespace() || "\u{200b}\u{feff}".contains(c))
    }

    fn run(c: char) -> bool {
        "=+-@\u{2212}\u{fe62}\u{fe63}\u{fe66}\u{fe6b}\u{ff0b}\u{ff0d}\u{ff1d}\u{ff20}".contains(c)
    }

    /// Whether a cell is more than signs.
    fn is_formula(cell: &str) -> bool {
        let operand = cell.trim_start_matches(run);
        let is_face = operand.starts_with(')') && !cell.starts_with('=');
        operand.len() < cell.len() && !operand.trim().is_empty() && !is_face
    }

    #[test]
    fn ordinary_texts_are_not_guarded() {
        for text in [
            "vegetarian - no nuts",
            "me :-) and +) - \u{2212} you",
            "10 - 12",
            "a = b",
            "ada @ home",
            "https://a.example/?b=-1",
            "19:30",
            "x-y",
        ] {
            assert_eq!(guarded(text), text);
        }
        for (text, guarded_text) in [
            ("call +49 30 1234", "call '+49 30 1234"),
            ("a =1", "a '=1"),
            ("a:=1", "a:'=1"),
            ("a:= 1", "a:'= 1"),
            ("a: - b", "a: - b"),
            ("me :-D", "me :'-D"),
            ("me =)", "me '=)"),
        ] {
            assert_eq!(guarded(text), guarded_text);
            assert_eq!(unguarded(guarded_text), text);
        }
    }

    #[test]
    fn no_cell_is_run_and_every_cell_is_read_back() {
        for cell in corpus() {
            let csv = row(["first", cell.as_str(), "last"]);
            let read = read(&csv).remove(0).1.expect("it is readable");
            assert_eq!(read, ["first", cell.as_str(), "last"], "{csv:?}");
            // However a program splits it, no cell begins with a formula.
            let all = [',', ';', '\t', '|', '\r', '\n'];
            for separators in [&[','][..], &[';'], &['\t'], &['|'], &all] {
                for part in guarded(&cell).split(separators) {
                    assert!(!shown(part).starts_with(run), "{cell:?}: {csv:?}");
                }
            }
            // Where spaces end cells, a sign alone is text.
            for separators in
                [&[' '][..], &[' ', ':'], &[' ', ',', ';', '\t', '|', '\r', '\n', ':']]
            {
                for part in guarded(&cell).split(separators) {
                    assert!(!is_formula(shown(part)), "{cell:?}: {csv:?}");
                }
            }
            for part in guarded(&cell).split(':') {
                assert!(!is_formula(part), "{cell:?}: {csv:?}");
            }
            assert!(!guarded(&cell).starts_with(is_live), "{cell:?}");
        }
    }

    /// For `scripts/check-csv.sh`, in which a spreadsheet reads it: as it is sent, and, as the negative control,
    /// without guards.
    #[test]
    #[ignore = "scripts/check-csv.sh says where to"]
    fn a_spreadsheet_gets_the_corpus() {
        let folder = std::env::var_os("CSV_CORPUS").expect("a folder");
        let folder = std::path::Path::new(&folder);
        let (mut sent, mut bare) = (BOM.to_owned(), BOM.to_owned());
        for cell in corpus() {
            push_row(&mut sent, ["first", cell.as_str(), "last"]);
            bare.push_str(&format!("first,\"{}\",last\r\n", cell.replace('"', "\"\"")));
        }
        for (name, text) in [("sent.csv", sent), ("bare.csv", bare)] {
            std::fs::write(folder.join(name), text).expect("it can be written");
        }
    }

    #[test]
    fn rows_are_as_rfc_4180_has_them() {
        assert_eq!(row(["a", "b c", ""]), "a,b c,\r\n");
        assert_eq!(
            row(["a,b", "\"c\"", "d;e", "f\r\ng"]),
            "\"a,b\",\"\"\"c\"\"\",\"d;e\",\"f\r\ng\"\r\n"
        );
        assert_eq!(row(["=1"]), "\"'=1\"\r\n");
    }

    fn ok(line: usize, cells: &[&str]) -> (usize, Result<Vec<String>, &'static str>) {
        (line, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[test]
    fn files_of_other_programs_are_read() {
        assert_eq!(read("\u{feff}a,b\r\n1,2"), [ok(1, &["a", "b"]), ok(2, &["1", "2"])]);
        assert_eq!(read("a;b\n\n1;\"x;y\"\n"), [ok(1, &["a", "b"]), ok(3, &["1", "x;y"])]);
        assert_eq!(read("a\tb\r1\t2\r"), [ok(1, &["a", "b"]), ok(2, &["1", "2"])]);
        assert_eq!(
            read("a\n\"x\r\ny\"\"z\"\nb"),
            [ok(1, &["a"]), ok(2, &["x\r\ny\"z"]), ok(4, &["b"])]
        );
        assert_eq!(read("a,b,\n,"), [ok(1, &["a", "b", ""]), ok(2, &["", ""])]);
        assert!(read("").is_empty());
        assert_eq!(read("\"\""), [ok(1, &[""])]);
    }

    #[test]
    fn an_unreadable_row_does_not_affect_others() {
        let rows = read("a,b\n\"x\"y,1\n2,3\n");
        assert!(rows[1].1.is_err() && rows[1].0 == 2);
        assert_eq!(rows[2], (3, Ok(vec!["2".to_owned(), "3".to_owned()])));
        let rows = read("a,b\n\"x,1\n2,3\n");
        assert!(rows.len() == 2 && rows[1].1.is_err());
        let wide = ",".repeat(CELLS_MAX);
        assert!(read(&wide)[0].1.is_err() && read(&wide[1..])[0].1.is_ok());
    }
}
