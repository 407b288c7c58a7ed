//! Titles and details of problems. Their English is at each error, as its `Display`, which is logged, too; the
//! catalogues have a key for each and its translations.

use crate::words::template::Template;
use booking_core::Language;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The prefix of the server's own keys; pages have all others.
const TITLE: &str = "problem.title.";
const DETAIL: &str = "problem.detail.";

type Catalogue = HashMap<String, String>;

/// A whole catalogue, plural forms and all.
type Whole = Map<String, Value>;

static WHOLE: LazyLock<[Whole; 2]> = LazyLock::new(|| {
    [EN, DE].map(|json| serde_json::from_str::<Whole>(json).expect("a test reads each"))
});

const EN: &str = include_str!("../../static/i18n/en.json");
const DE: &str = include_str!("../../static/i18n/de.json");

static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| read(EN));
static GERMAN: LazyLock<Catalogue> = LazyLock::new(|| read(DE));

/// Every detail in English, by its key; the most specific come first, so that none is taken for a more general one.
static DETAILS: LazyLock<Vec<(&'static str, Template<'static>)>> = LazyLock::new(|| {
    let details = ENGLISH.iter().filter(|(key, _)| key.starts_with(DETAIL));
    let mut details: Vec<_> =
        details.map(|(key, text)| (key.as_str(), Template::parse(text))).collect();
    details.sort_by_key(|(key, template)| (Reverse(template.said_bytes()), *key));
    details
});

fn catalogue(language: Language) -> &'static Catalogue {
    match language {
        Language::En => &ENGLISH,
        Language::De => &GERMAN,
    }
}

/// The server's part of a catalogue: none of its texts has plural forms.
fn read(json: &str) -> Catalogue {
    let all: Map<String, Value> = serde_json::from_str(json).expect("a test reads each");
    let own = all.into_iter().filter_map(|(key, text)| match text {
        Value::String(text) if key.starts_with(TITLE) || key.starts_with(DETAIL) => {
            Some((key, text))
        }
        _ => None,
    });
    own.collect()
}

/// A text of the pages, with `values` inserted by their names. They are inserted as they are: a caller that makes
/// HTML of the text escapes it. An unknown key stands for itself, as in the modules: tests find it.
pub(crate) fn text(language: Language, key: &str, values: &[(&str, &str)]) -> String {
    filled(WHOLE[language as usize].get(key).and_then(Value::as_str).unwrap_or(key), values)
}

/// The same for a text that has one form for 1 and another for all other numbers, as in all languages here.
pub(crate) fn counted(
    language: Language,
    key: &str,
    count: u32,
    values: &[(&str, &str)],
) -> String {
    let form = if count == 1 { "one" } else { "other" };
    let forms = WHOLE[language as usize].get(key);
    let text = forms.and_then(|forms| forms.get(form)).and_then(Value::as_str).unwrap_or(key);
    let number = grouped(language, count);
    filled(text, &[values, &[("count", number.as_str())]].concat())
}

fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let value_of = |name: &str| {
        let found = values.iter().find(|(known, _)| *known == name);
        found.map_or_else(String::new, |(_, value)| (*value).to_owned())
    };
    Template::parse(text).fill(value_of)
}

/// A number with its thousands apart.
pub(crate) fn grouped(language: Language, number: u32) -> String {
    let mark = match language {
        Language::En => ',',
        Language::De => '.',
    };
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}

/// The title of the problem with this code, which is `english` in English.
pub(crate) fn title(code: &str, english: &'static str, language: Language) -> &'static str {
    match language {
        Language::En => english,
        Language::De => {
            catalogue(language).get(&format!("{TITLE}{code}")).map_or(english, String::as_str)
        }
    }
}

/// A detail in another language; in English, if it is not translated.
pub(crate) fn detail(english: &str, language: Language) -> Cow<'_, str> {
    if language == Language::En {
        return english.into();
    }
    let said = DETAILS.iter().find_map(|(key, template)| {
        let values = template.values(english)?;
        let text = catalogue(language).get(*key)?;
        let value_of = |name: &str| {
            let found = values.iter().find(|(known, _)| *known == name);
            found.map_or_else(String::new, |(_, value)| value_in(name, value, language))
        };
        Some(Template::parse(text).fill(value_of))
    });
    said.map_or(Cow::Borrowed(english), Cow::Owned)
}

/// A value within a detail, some of which are translated as well.
fn value_in(name: &str, value: &str, language: Language) -> String {
    match name {
        "reason" => detail(value, language).into_owned(),
        "words" => {
            let or = catalogue(language).get("problem.detail.or").map_or("or", String::as_str);
            value.replace("\" or \"", &format!("\" {or} \""))
        }
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Errors that clients do not see: they get a general detail instead.
    const FOR_THE_LOG: [&str; 3] =
        ["the command was not executed", "the store could not answer", "the server made a mistake"];

    /// The beginnings of details that are written beside their checks.
    const BEGINNINGS: [&str; 10] = [
        "must ",
        "is missing",
        "is there",
        "is not ",
        "names an",
        "needs ",
        "cannot be",
        "was to be",
        "you have ",
        "item ",
    ];

    #[test]
    fn every_title_is_in_every_catalogue_and_none_is_left_over() {
        let shapes = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/problem/shape.rs");
        // Every text there is a code or its title.
        let texts = literals_after(&code_of(&shapes), "");
        let titles: BTreeMap<String, &String> =
            texts.chunks_exact(2).map(|pair| (format!("{TITLE}{}", pair[0]), &pair[1])).collect();
        assert!(titles.len() > 30, "{titles:?}");
        for language in Language::ALL {
            let known = catalogue(language).keys().filter(|key| key.starts_with(TITLE));
            assert_eq!(known.collect::<BTreeSet<_>>(), titles.keys().collect(), "{language:?}");
        }
        for (key, english) in titles {
            assert_eq!(ENGLISH.get(&key), Some(english), "{key}");
            let code = key.strip_prefix(TITLE).expect("it begins so");
            assert_ne!(title(code, "", Language::De), english, "{key} is left in English");
        }
    }

    #[test]
    fn every_detail_of_the_sources_is_in_every_catalogue_and_none_is_left_over() {
        let mut used = BTreeSet::from(["problem.detail.or"]);
        for text in details_in_sources() {
            let sample = sample_of(&text);
            let found = DETAILS.iter().find(|(_, template)| template.values(&sample).is_some());
            let (key, _) = found.unwrap_or_else(|| panic!("no catalogue has: {text}"));
            used.insert(*key);
            for language in Language::ALL {
                assert!(catalogue(language).contains_key(*key), "{language:?} has no {key}");
            }
            assert_ne!(detail(&sample, Language::De), sample, "{key} is left in English");
            assert_eq!(detail(&sample, Language::En), sample);
        }
        for language in Language::ALL {
            let details = catalogue(language).keys().filter(|key| key.starts_with(DETAIL));
            let left: Vec<_> = details.filter(|key| !used.contains(key.as_str())).collect();
            assert!(left.is_empty(), "{language:?}: {left:?}");
        }
    }

    #[test]
    fn texts_of_pages_are_filled_in_and_have_the_form_of_their_number() {
        for (language, closed, taken) in [
            (Language::En, "Registration closed at {x}.", "1,000 of 1,234 seats taken"),
            (Language::De, "Die Anmeldung wurde geschlossen: {x}.", "1.000 von 1.234 vergeben"),
        ] {
            assert_eq!(text(language, "window.closed", &[("time", "{x}")]), closed);
            let booked = grouped(language, 1_000);
            let said = counted(language, "seats.taken", 1_234, &[("booked", &booked)]);
            assert_eq!(said, taken);
            let one = counted(language, "seats.taken", 1, &[("booked", "0")]);
            assert_ne!(one, counted(language, "seats.taken", 2, &[("booked", "0")]));
        }
        assert_eq!(text(Language::En, "nothing.like_that", &[]), "nothing.like_that");
        for (number, english) in [(0, "0"), (999, "999"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(Language::En, number), english);
        }
    }

    #[test]
    fn values_are_carried_over_and_untranslated_details_stay_english() {
        for (english, german) in [
            (
                "must be a whole number from 1 to 100000",
                "muss eine ganze Zahl von 1 bis 100000 sein",
            ),
            ("must be \"draft\" or \"published\"", "muss \"draft\" oder \"published\" sein"),
            (
                "this ticket is not valid: the registration was cancelled",
                "dieses Ticket gilt nicht: die Anmeldung wurde storniert",
            ),
            (
                "the header If-Match must name at most 16 entity tags",
                "der Header If-Match darf höchstens 16 Entity-Tags nennen",
            ),
            ("item 3 must be \"a\"", "Eintrag 3 muss \"a\" sein"),
            (
                "3 seats are taken, so there cannot be fewer",
                "vergeben sind schon 3, weniger Plätze können es daher nicht sein",
            ),
            ("something new", "something new"),
        ] {
            assert_eq!(detail(english, Language::De), german);
        }
    }

    /// Every text that may be a detail of a problem, with `{…}` where values go.
    fn details_in_sources() -> BTreeSet<String> {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let http = crates.join("booking-http/src");
        let core = crates.join("booking-core/src");
        let mut errors = sources(&http.join("problem"));
        errors.extend([
            http.join("problem.rs"),
            core.join("decide/outcome.rs"),
            core.join("values/answers.rs"),
            core.join("values/text.rs"),
        ]);
        let mut found: BTreeSet<String> =
            errors.iter().flat_map(|path| literals_after(&code_of(path), "#[error(")).collect();
        found.extend(literals_after(&code_of(&http.join("problem.rs")), "=>"));
        let rooms = ["extract", "api", "routes", "edge"].map(|room| sources(&http.join(room)));
        for path in rooms.into_iter().flatten() {
            // The errors of settings are for operators, and the description is for programmers.
            if path.ends_with("api/base_url.rs")
                || path.ends_with("api/base_path.rs")
                || path.components().any(|part| part.as_os_str() == "openapi")
            {
                continue;
            }
            let literals = literals_after(&code_of(&path), "");
            found.extend(
                literals
                    .into_iter()
                    .filter(|text| BEGINNINGS.iter().any(|begin| text.starts_with(begin))),
            );
        }
        assert!(found.len() > 80, "{found:?}");
        let has_words = |text: &String| sample_of(text).chars().any(char::is_lowercase);
        found
            .into_iter()
            .filter(|text| has_words(text) && !FOR_THE_LOG.contains(&text.as_str()))
            .collect()
    }

    /// With values, as a user may read it.
    fn sample_of(text: &str) -> String {
        let template = Template::parse(text);
        match text {
            "must be {}" => "must be \"a\" or \"b\"".to_owned(),
            _ => template.fill(|_| "7".to_owned()),
        }
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                found.extend(sources(&path));
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
        found
    }

    /// The code of a source without tests and comments.
    fn code_of(path: &Path) -> String {
        let source = fs::read_to_string(path).expect("it is text");
        let code = source.lines().take_while(|line| !line.ends_with("mod tests {"));
        let code = code.filter(|line| !line.trim_start().starts_with("//"));
        code.collect::<Vec<_>>().join("\n")
    }

    /// The string literals in a source that come right after `before`, but for white space and an opening brace.
    fn literals_after(code: &str, before: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut rest = code;
        let mut seen = String::new();
        while let Some((ahead, behind)) = rest.split_once('"') {
            seen.push_str(ahead);
            let is_character = ahead.ends_with('\'') && behind.starts_with('\'');
            if is_character {
                rest = behind;
                continue;
            }
            let end = end_of(behind);
            let place = seen.trim_end_matches(|c: char| c.is_whitespace() || c == '{');
            if place.ends_with(before) {
                found.push(unescaped(&behind[..end]));
            }
            rest = behind.get(end + 1..).unwrap_or_default();
        }
        found
    }

    /// The end of a literal that has begun.
    fn end_of(text: &str) -> usize {
        let mut is_escaped = false;
        for (place, sign) in text.char_indices() {
            match (is_escaped, sign) {
                (false, '"') => return place,
                (false, '\\') => is_escaped = true,
                _ => is_escaped = false,
            }
        }
        text.len()
    }

    fn unescaped(literal: &str) -> String {
        let mut parts = literal.split("\\\n");
        let first = parts.next().unwrap_or_default().to_owned();
        let joined = parts.fold(first, |text, part| text + part.trim_start());
        joined.replace("\\\"", "\"")
    }
}
