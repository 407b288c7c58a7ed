//! Replies of a mail server, made fit for a log: such replies often repeat the recipient's address.

use super::clean::one_line;

/// The most that is kept of a reply, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 200;

/// Replaces what could reveal an address.
const BLANK: &str = "…";

/// A shorter part of an address may occur in any word, and is removed only where it stands alone.
const TELLING_BYTES_MIN: usize = 4;

/// The text in one line, without words that contain an address, or either half of `address`.
pub(super) fn without_addresses(text: &str, address: &str) -> String {
    let address = address.to_lowercase();
    let (local, domain) = address.rsplit_once('@').unwrap_or((address.as_str(), ""));
    let local = local.trim_matches('"');
    let tells = |word: &str| {
        let word = word.to_lowercase();
        let alone = word.trim_matches(|c: char| !c.is_alphanumeric());
        let holds =
            |part: &str| alone == part || part.len() >= TELLING_BYTES_MIN && word.contains(part);
        word.contains('@')
            || word.contains("%40")
            || !local.is_empty() && holds(local)
            || !domain.is_empty() && holds(domain)
    };
    let text = one_line(text);
    let words: Vec<_> =
        text.split(' ').map(|word| if tells(word) { BLANK } else { word }).collect();
    let mut text = words.join(" ");
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logged_reply_contains_no_address() {
        for (answer, shown) in [
            ("5.1.1 <ada@example.org>: user unknown", "5.1.1 … user unknown"),
            ("5.1.1 User Ada.L unknown at EXAMPLE.org", "5.1.1 User … unknown at …"),
            ("see https://x.example/?to=ada.l%40example.org", "see …"),
            ("no such user: 'ada.l'", "no such user: …"),
            ("mailbox full\r\n<eve@example.com>", "mailbox full …"),
            ("ada.l=example.org is not here", "… is not here"),
        ] {
            assert_eq!(without_addresses(answer, "ada.l@example.org"), shown);
        }
        // A short name is not found inside a word.
        let shown = without_addresses("jo, your job is done", "jo@example.org");
        assert_eq!(shown, "… your job is done");
    }

    #[test]
    fn a_mail_servers_answer_is_cut_between_characters() {
        let shown = without_addresses(&"ü€ ".repeat(500), "ada@example.org");
        assert!(shown.len() <= TEXT_BYTES_MAX && shown.starts_with("ü€ ü€"));
        assert_eq!(without_addresses("", "ada@example.org"), "");
    }
}
