//! Header fields of a message (RFC 5322), from untrusted texts.

use super::clean::one_line;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest line of a field, in bytes: the limit for one with encoded words (RFC 2047, section 2).
const LINE_BYTES_MAX: usize = 76;

/// The longest word that is written unencoded: far below the 998 bytes that a line may have (RFC 5322, section
/// 2.1.1), since a word is not folded.
const WORD_BYTES_MAX: usize = 200;

/// The longest name that is written between quotes, where nothing is folded.
const QUOTED_BYTES_MAX: usize = 60;

/// What surrounds each encoded word.
const BEFORE: &str = "=?utf-8?B?";
const AFTER: &str = "?=";

/// Adds a field of free text, such as a subject.
pub(super) fn text(head: &mut String, name: &str, value: &str) {
    let value = one_line(value);
    head.push_str(name);
    head.push_str(": ");
    let column = name.len() + 2;
    match is_plain(&value) {
        true => fold(head, column, &value),
        false => encode(head, column, &value),
    }
    head.push_str("\r\n");
}

/// Adds a field with an address, and its display name if known. The address is valid, and has at most 254 bytes.
pub(super) fn mailbox(head: &mut String, name: &str, phrase: Option<&str>, address: &str) {
    let phrase = phrase.map(one_line).filter(|phrase| !phrase.is_empty());
    head.push_str(name);
    head.push_str(": ");
    match phrase {
        None => head.push_str(address),
        Some(phrase) => {
            if is_plain(&phrase) && phrase.len() <= QUOTED_BYTES_MAX {
                let escaped = phrase.replace('\\', "\\\\").replace('"', "\\\"");
                head.push_str(&format!("\"{escaped}\""));
            } else {
                encode(head, name.len() + 2, &phrase);
            }
            head.push_str(&format!("\r\n <{address}>"));
        }
    }
    head.push_str("\r\n");
}

/// Whether a text may stand in a field unencoded. Text that looks like an encoded word may not: readers would
/// decode it.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !text.contains("=?")
        && text.split(' ').all(|word| word.len() <= WORD_BYTES_MAX)
}

/// Folds lines between words (RFC 5322, section 2.2.3).
fn fold(head: &mut String, mut column: usize, text: &str) {
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 && column + 1 + word.len() > LINE_BYTES_MAX {
            head.push_str("\r\n ");
            column = 1;
        } else if at > 0 {
            head.push(' ');
            column += 1;
        }
        head.push_str(word);
        column += word.len();
    }
}

/// Writes a text as encoded words, one on each line, none of which ends within a character (RFC 2047, sections 2
/// and 5).
fn encode(head: &mut String, column: usize, text: &str) {
    let mut rest = text;
    let mut room = LINE_BYTES_MAX.saturating_sub(column);
    loop {
        let bytes = room.saturating_sub(BEFORE.len() + AFTER.len()) / 4 * 3;
        // The first line fits any character: field names are short.
        let (word, others) = rest.split_at(rest.floor_char_boundary(bytes.max(4)));
        head.push_str(BEFORE);
        head.push_str(&STANDARD.encode(word));
        head.push_str(AFTER);
        if others.is_empty() {
            return;
        }
        head.push_str("\r\n ");
        (rest, room) = (others, LINE_BYTES_MAX - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn subject(value: &str) -> String {
        let mut head = String::new();
        text(&mut head, "Subject", value);
        head
    }

    fn to(phrase: Option<&str>) -> String {
        let mut head = String::new();
        mailbox(&mut head, "To", phrase, "ada@example.org");
        head
    }

    /// A field's text as a reader decodes it (RFC 2047, section 6).
    fn decoded(field: &str) -> String {
        let value = field.split_once(": ").expect("it has a name").1.trim_end();
        let mut bytes: Vec<u8> = Vec::new();
        for word in value.replace("\r\n ", " ").split(' ') {
            match word.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(AFTER)) {
                Some(word) => bytes.extend(STANDARD.decode(word).expect("it is Base64")),
                None => {
                    bytes.extend(if bytes.is_empty() { &b""[..] } else { b" " });
                    bytes.extend(word.as_bytes());
                }
            }
        }
        String::from_utf8(bytes).expect("no character is split")
    }

    #[test]
    fn plain_text_is_written_unencoded() {
        assert_eq!(subject("Your seat: Jazz"), "Subject: Your seat: Jazz\r\n");
        assert_eq!(to(None), "To: ada@example.org\r\n");
        assert_eq!(to(Some(" \u{202e} ")), "To: ada@example.org\r\n");
        assert_eq!(to(Some("Ada")), "To: \"Ada\"\r\n <ada@example.org>\r\n");
        let hostile = to(Some("a\", b@example.org, \"c\\"));
        assert_eq!(hostile, "To: \"a\\\", b@example.org, \\\"c\\\\\"\r\n <ada@example.org>\r\n");
    }

    #[test]
    fn no_text_starts_another_field() {
        for text in ["a\r\nBcc: eve@example.org", "a\nBcc: eve@example.org\n\nbody", "a\rBcc: x"] {
            for field in [subject(text), to(Some(text))] {
                let lines: Vec<_> = field.split_terminator("\r\n").collect();
                assert!(lines[1..].iter().all(|line| line.starts_with(' ')), "{field:?}");
                assert!(!lines.iter().any(|line| line.contains(['\r', '\n'])), "{field:?}");
            }
        }
    }

    #[test]
    fn text_that_looks_encoded_is_read_as_written() {
        let text = "=?utf-8?Q?Free_money?=";
        assert!(!subject(text).contains("Free"), "{}", subject(text));
        assert_eq!(decoded(&subject(text)), text);
    }

    proptest! {
        #[test]
        fn any_text_survives_encoding_and_no_line_is_too_long(value in any::<String>(), more in 0..8_usize) {
            let value = value.repeat(more);
            let field = subject(&value);
            prop_assert!(field.is_ascii() && field.ends_with("\r\n"));
            for (at, line) in field.split_terminator("\r\n").enumerate() {
                prop_assert!(line.len() <= WORD_BYTES_MAX + LINE_BYTES_MAX, "{line}");
                prop_assert!(at == 0 || line.starts_with(' '), "{field:?}");
                prop_assert!(!line.contains(['\r', '\n']) && (at == 0 || line.trim() != ""));
            }
            if !one_line(&value).is_empty() {
                prop_assert_eq!(decoded(&field), one_line(&value));
            }
        }
    }
}
