//! Texts of others, made fit to stand in a line of ours.

/// The text as one line: white space of any kind is a single space, and nothing is in it that ends a line, or
/// turns around what stands beside it.
///
/// Names have no control characters, but some that reorder their neighbours are allowed in them: a page keeps
/// those within the name, plain text and headers cannot.
pub(super) fn one_line(text: &str) -> String {
    let is_kept = |c: &char| !(is_reordering(*c) || c.is_control() && !c.is_whitespace());
    let kept: String = text.chars().filter(is_kept).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A link without anything that no link has.
pub(super) fn link(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !c.is_whitespace() && !is_reordering(*c)).collect()
}

/// Embeddings, overrides and isolates (Unicode Standard Annex 9, section 2), and the mark of byte order.
fn is_reordering(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_and_reads_in_its_own_direction() {
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
