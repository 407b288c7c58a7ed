//! Makes untrusted texts fit to stand in one line.

/// The text as one line: any white space becomes a single space, and characters that end a line or reorder their
/// neighbours are removed.
///
/// Names have no control characters, but may have some that reorder their neighbours: a page isolates those within
/// the name, plain text and headers cannot.
pub(super) fn one_line(text: &str) -> String {
    let is_kept = |c: &char| !(is_reordering(*c) || c.is_control() && !c.is_whitespace());
    let kept: String = text.chars().filter(is_kept).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A link without characters that no link has.
pub(super) fn link(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !c.is_whitespace() && !is_reordering(*c)).collect()
}

/// Embeddings, overrides and isolates (Unicode Standard Annex 9, section 2), and the byte order mark.
fn is_reordering(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_reordering_characters_are_removed() {
        for (text, line) in [
            ("Ada", "Ada"),
            (" Ada \t  Lovelace ", "Ada Lovelace"),
            ("a\r\nBcc: b@example.org", "a Bcc: b@example.org"),
            ("a\u{2028}b\u{2029}c\u{85}d\u{b}e", "a b c d e"),
            ("a\u{202e}b\u{2066}c\u{feff}", "abc"),
            ("a\0b\u{7f}c\u{1b}[1m", "abc[1m"),
            ("\u{202e}", ""),
            ("חוה", "חוה"),
        ] {
            assert_eq!(one_line(text), line, "{text:?}");
        }
        assert_eq!(link("https://a.example/r/\r\nX: y \u{202e}z"), "https://a.example/r/X:yz");
    }
}
