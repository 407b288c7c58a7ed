//! Searching attendees by a part of their name or address.

use crate::values::text::Invalid;
use crate::values::unseen::is_invisible;
use crate::{Listed, Person, Registration, Status};
use std::fmt;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A part of a name or of an address, in the form in which it is compared: without case and accents, and with one space
/// for each run of white space.
///
/// ```
/// # use booking_core::{EmailAddress, Person, PersonName, SearchText};
/// let zoe = Person {
///     name: Some(PersonName::parse("Zoë Straßer")?),
///     ..EmailAddress::parse("zoe@bücher.example")?.into()
/// };
/// for part in ["zoe", "STRASSER", "Ë str", "zoe@", "BÜCHER", "xn--bcher"] {
///     assert!(SearchText::parse(part)?.is_in(&zoe.search_text()), "{part}");
/// }
/// assert!(!SearchText::parse("zoestr")?.is_in(&zoe.search_text()));
/// # Ok::<(), booking_core::Invalid>(())
/// ```
///
/// It may be a person's name, and its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SearchText(String);

impl SearchText {
    /// The longest, in Unicode scalar values: as long as a name may be.
    pub const CHARACTERS_MAX: usize = 200;

    /// Checks `raw` and folds it.
    ///
    /// # Errors
    /// [`Invalid::Empty`], [`Invalid::TooManyCharacters`], [`Invalid::ControlCharacter`].
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let trimmed = raw.trim();
        if trimmed.chars().count() > Self::CHARACTERS_MAX {
            return Err(Invalid::TooManyCharacters { max: Self::CHARACTERS_MAX });
        }
        if trimmed.chars().any(char::is_control) {
            return Err(Invalid::ControlCharacter);
        }
        let folded = folded(trimmed);
        if folded.is_empty() { Err(Invalid::Empty) } else { Ok(Self(folded)) }
    }

    /// The folded text. Folding it again does not change it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a part of `folded`, which is folded already.
    pub fn is_in(&self, folded: &str) -> bool {
        folded.contains(&self.0)
    }
}

impl fmt::Debug for SearchText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SearchText(..)")
    }
}

/// `text` in its searchable form: compatible forms are one (NFKD), marks are dropped, everything is lower case, and
/// white space is one space. Letters that do not decompose are replaced as people type them without accents.
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_onto(&mut folded, text);
    folded
}

/// Appends the searchable form of `text`.
fn fold_onto(folded: &mut String, text: &str) {
    let start = folded.len();
    if text.is_ascii() {
        // It decomposes to itself.
        text.chars().for_each(|c| push_folded(folded, start, c));
    } else {
        let seen = text.nfkd().filter(|c| !is_combining_mark(*c) && !is_invisible(*c));
        seen.for_each(|c| push_folded(folded, start, c));
    }
    if folded.len() > start && folded.ends_with(' ') {
        folded.pop();
    }
}

/// Appends one character of a text whose form begins at `start`. It is decomposed, seen, and no mark.
fn push_folded(folded: &mut String, start: usize, c: char) {
    if c.is_whitespace() {
        if folded.len() > start && !folded.ends_with(' ') {
            folded.push(' ');
        }
        return;
    }
    if c.is_ascii() {
        folded.push(c.to_ascii_lowercase());
        return;
    }
    for c in c.to_lowercase().filter(|c| !is_combining_mark(*c)) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            c => folded.push(c),
        }
    }
}

impl Person {
    /// The text by which a person is found, folded: the name, the address, and the address with its domain in readable
    /// form where that differs, each on its own line. Empty for an erased person.
    pub fn search_text(&self) -> String {
        if self.is_erased() {
            return String::new();
        }
        let address = self.user_email.as_str();
        let name = self.name.as_ref().map_or("", |name| name.as_str());
        let mut text = String::with_capacity(name.len() + 1 + address.len());
        fold_onto(&mut text, name);
        text.push('\n');
        fold_onto(&mut text, address);
        if let Some((local, domain)) = address.rsplit_once('@')
            && domain.split('.').any(|label| label.starts_with("xn--"))
        {
            let (domain, _) = idna::domain_to_unicode(domain);
            text.push('\n');
            fold_onto(&mut text, &format!("{local}@{domain}"));
        }
        text
    }
}

/// Which registrations of an event to search. By default those that have a seat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RegistrationFilter {
    /// Which of them, unless a status is given.
    pub listed: Listed,
    /// Those with this status.
    pub status: Option<Status>,
    /// Those that were checked in, or those that were not.
    pub checked_in: Option<bool>,
    /// Those whose name or address contains it.
    pub text: Option<SearchText>,
}

impl RegistrationFilter {
    /// Whether it asks for no more than a plain listing.
    pub fn is_plain(&self) -> bool {
        self.status.is_none() && self.checked_in.is_none() && self.text.is_none()
    }

    /// Whether a registration, as it is now, matches.
    pub fn takes(&self, registration: &Registration) -> bool {
        self.takes_status(registration.status)
            && self.takes_check_in(registration.check_in.is_some())
            && self.text.as_ref().is_none_or(|text| text.is_in(&registration.person.search_text()))
    }

    /// Whether registrations with that status can match.
    pub fn takes_status(&self, status: Status) -> bool {
        match self.status {
            Some(wanted) => status == wanted,
            None => self.listed == Listed::All || status.takes_a_seat(),
        }
    }

    /// The same for checked-in registrations, or others.
    pub fn takes_check_in(&self, checked_in: bool) -> bool {
        self.checked_in.is_none_or(|wanted| checked_in == wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EmailAddress, PersonName};

    fn person(name: &str, address: &str) -> Person {
        Person {
            name: Some(PersonName::parse(name).expect("a valid name")),
            ..EmailAddress::parse(address).expect("a valid address").into()
        }
    }

    #[test]
    fn search_ignores_case_accents_and_white_space() {
        for (name, found_by) in [
            ("Łukasz Þórsson", "lukasz th"),
            ("İbrahim Işık", "ibrahim isik"),
            ("Ὀδυσσεύς", "οδυσσευσ"),
            ("ＡＤＡ\u{3000}Ｌ．", "ada l."),
            ("Nguyễn Thị Ánh", "nguyen thi anh"),
            ("Søren  Æbler", "SOREN AEBLER"),
            ("한글", "한"),
        ] {
            let text = person(name, "x@example.org").search_text();
            let part = SearchText::parse(found_by).expect("there is something");
            assert!(part.is_in(&text), "{found_by:?} in {text:?}");
            assert_eq!(folded(part.as_str()), part.as_str(), "once is enough");
        }
    }

    #[test]
    fn ascii_folds_alike_alone_and_beside_other_characters() {
        let ascii: String = (0..128_u8).chain(*b"  AB \t C").map(char::from).collect();
        assert_eq!(folded(&format!("{ascii}Ł")), format!("{}l", folded(&ascii)));
        assert_eq!(folded(" \tAda  LOVELACE \r\n"), "ada lovelace");
    }

    #[test]
    fn a_match_does_not_span_name_and_address() {
        let text = person("Ada", "grace@example.org").search_text();
        assert!(!SearchText::parse("adagrace").expect("valid").is_in(&text));
        assert!(!SearchText::parse("ada grace").expect("valid").is_in(&text));
    }

    #[test]
    fn invalid_search_texts_are_refused() {
        assert_eq!(SearchText::parse(" \u{200b}\u{301} "), Err(Invalid::Empty));
        assert_eq!(SearchText::parse("a\nb"), Err(Invalid::ControlCharacter));
        let max = SearchText::CHARACTERS_MAX;
        assert!(SearchText::parse(&"ä".repeat(max)).is_ok());
        let long = SearchText::parse(&"a".repeat(max + 1));
        assert_eq!(long, Err(Invalid::TooManyCharacters { max }));
    }

    #[test]
    fn an_erased_person_is_not_found() {
        let erased = Person::erased(uuid::Uuid::nil().into());
        assert_eq!(erased.search_text(), "");
    }
}
