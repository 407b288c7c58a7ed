//! Invisible characters.

use unicode_normalization::char::is_combining_mark;

/// Whether `text` is blank for a reader: it has only invisible characters, white space, marks without a letter, and
/// placeholders of missing objects.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace() || is_invisible(c) || is_combining_mark(c) || c == OBJECT_REPLACEMENT
    })
}

/// The placeholder in a text for an object that is elsewhere. It is drawn as an empty box or not at all.
const OBJECT_REPLACEMENT: char = '\u{fffc}';

/// Format characters (Unicode category Cf), those that programs ignore by default (property
/// Default_Ignorable_Code_Point), and letters and symbols that are drawn as nothing. White space and control characters
/// are not among them.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            // Hangul fillers, here and below.
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            // A Braille cell without dots.
            | '\u{2800}'
            | '\u{3164}'
            // Variation selectors.
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{16fe4}'
            | '\u{1bca0}'..='\u{1bca3}'
            // A note without a head, and the beginnings and ends of beams and slurs.
            | '\u{1d159}'
            | '\u{1d173}'..='\u{1d17a}'
            // Tags, and more variation selectors.
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_text_is_blank() {
        for text in [
            "",
            " \u{3000}\u{a0}",
            "\u{200b}",
            "\u{3164}",
            "\u{ad}",
            "\u{2800}\u{2800}",
            "\u{115f}\u{1160}\u{ffa0}",
            "\u{200d}\u{fe0f}",
            "\u{e0067}\u{e0100}",
            "\u{202e}\u{2066}\u{feff} \u{34f}",
            "\u{301}",
            "\u{1d159}\u{1d173}",
            "\u{fffc}",
            "\u{fe00}\u{fe0f}\u{e0100}\u{e01ef}\u{e0001}\u{e007f}",
            "\u{180b}\u{180e}\u{17b4}\u{2065}\u{fff0}",
        ] {
            assert!(is_blank(text), "{}", text.escape_unicode());
        }
    }

    #[test]
    fn one_visible_character_is_enough() {
        for text in [
            "a",
            "\u{fffd}",
            "\u{fffc}a",
            "\u{200b}.",
            "e\u{301}",
            "👩\u{200d}🚀",
            "क\u{94d}\u{200d}ष",
            "한",
            "⠁",
        ] {
            assert!(!is_blank(text), "{}", text.escape_unicode());
        }
    }
}
