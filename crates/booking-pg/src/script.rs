//! Splitting a script of SQL.

/// Its statements, without the semicolons between them; empty ones are left out. Quotes and comments are those of
/// the standard: there is no `E'…'`, no `$$…$$`, and no nested comment.
pub(crate) fn statements_of(script: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let (mut start, mut says_something) = (0, false);
    for (at, token) in tokens(script) {
        if token == ";" {
            if says_something {
                statements.push(script[start..at].trim());
            }
            (start, says_something) = (at + token.len(), false);
        } else {
            says_something |= !is_comment(token) && !token.trim().is_empty();
        }
    }
    if says_something {
        statements.push(script[start..].trim());
    }
    statements
}

/// A part of a script without comments, and with empty quotes.
#[cfg(test)]
pub(crate) fn without_literals(script: &str) -> String {
    let said = tokens(script).map(|(_, token)| match token.chars().next() {
        _ if is_comment(token) => " ",
        Some('\'') => "''",
        Some('"') => "\"\"",
        _ => token,
    });
    said.collect()
}

/// The parts of a statement between commas outside of brackets.
#[cfg(test)]
pub(crate) fn parts_of(statement: &str) -> Vec<&str> {
    let mut depth = 0;
    let is_between = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    };
    statement.split(is_between).collect()
}

fn is_comment(token: &str) -> bool {
    token.starts_with("--") || token.starts_with("/*")
}

/// Comments, quoted text, and each other character, with their positions.
fn tokens(script: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &script[at..];
        let first = rest.chars().next()?;
        let ends_after = |end: &str, from: usize| {
            rest[from..].find(end).map_or(rest.len(), |found| from + found + end.len())
        };
        let length = match first {
            '\'' => ends_after("'", 1),
            '"' => ends_after("\"", 1),
            '-' if rest.starts_with("--") => ends_after("\n", 2),
            '/' if rest.starts_with("/*") => ends_after("*/", 2),
            other => other.len_utf8(),
        };
        let token = (at, &rest[..length]);
        at += length;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_only_at_their_semicolons() {
        let first = "-- first; this\nCREATE TABLE a (b text DEFAULT ';''x;')";
        let second = "INSERT INTO \"a;\" VALUES ('ä;')";
        let script = format!("{first}; /* ; */\n;\n{second}; -- and nothing; else\n");
        assert_eq!(statements_of(&script), [first, second]);
        assert_eq!(statements_of("SELECT 1"), ["SELECT 1"]);
        assert_eq!(statements_of(" ; -- ;\n;"), <[&str; 0]>::default());
    }

    #[test]
    fn literals_are_emptied_and_parts_split() {
        let said = without_literals("a 'x,''y' -- z\n, \"b,\"");
        assert_eq!(said, "a ''''  , \"\"");
        assert_eq!(parts_of("a (b, c), d"), ["a (b, c)", " d"]);
    }
}
