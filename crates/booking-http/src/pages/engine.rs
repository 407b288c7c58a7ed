//! The templates, which are in the binary, and the engine that renders them: every value is escaped, unless the
//! template itself marks it as HTML of ours.

use crate::words::text;
use booking_core::Language;
use minijinja::value::Serde;
use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value, escape_formatter,
};
use serde::Serialize;
use std::fmt::{self, Write};
use std::sync::LazyLock;

/// The most that one rendering may use, in steps of the engine: several times what the longest list takes.
const FUEL: u64 = 1_000_000;

macro_rules! templates {
    ($($name:literal)*) => {
        /// All templates, by their names in `templates`.
        const TEMPLATES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../templates/", $name)))),*];
    };
}

templates! {
    "date_block.html"
    "event.html"
    "event_about.html"
    "event_form.html"
    "event_ticket.html"
    "layout.html"
    "list.html"
    "outcome.html"
    "question.html"
    "seats.html"
    "shell.html"
}

/// The content of all templates: any change of it is another release of the pages.
pub(crate) fn sources() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|(_, source)| *source)
}

/// They are parsed once.
fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
        let mut environment = Environment::new();
        // A missing value is an error, and not an empty text.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_formatter(write_value);
        environment.add_function("t", word);
        for &(name, source) in TEMPLATES {
            // Those that end in .html escape their values.
            environment.add_template(name, source).expect("each is parsed by a test");
        }
        environment
    });
    &ENVIRONMENT
}

/// A text of the catalogue in a language, given by its tag.
fn word(language: &str, key: &str) -> String {
    let known = Language::ALL.into_iter().find(|known| known.as_str() == language);
    text(known.unwrap_or_default(), key, &[])
}

/// Fills in a template.
///
/// # Errors
/// For a value that the template uses and `context` does not have.
pub(crate) fn render(name: &str, context: &impl Serialize) -> Result<String, Error> {
    environment().get_template(name)?.render(Serde(context))
}

/// As the engine escapes, but for `/`, which it would write as an entity: addresses are to be readable, too.
fn write_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() && matches!(state.auto_escape(), AutoEscape::Html) => {
            write_escaped(out, text).map_err(Error::from)
        }
        _ => escape_formatter(out, state, value),
    }
}

/// Escapes a text for HTML, also in quotes of either kind.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // Writing to a `String` cannot fail.
    let _ = write_escaped(&mut escaped, text);
    escaped
}

fn write_escaped(out: &mut impl Write, text: &str) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        })?;
        rest = &rest[at + 1..];
    }
    out.write_str(rest)
}

/// A value as JSON for a `script` element of data: nothing in it ends the element, or begins a comment.
pub(crate) fn script_json(value: &impl Serialize) -> String {
    // Texts, numbers, times and maps by names: JSON can hold each.
    let json = serde_json::to_string(value).unwrap_or_default();
    // They occur in texts alone, where the escape means the same.
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn each_template_is_parsed_and_each_file_is_one() {
        assert_eq!(environment().templates().count(), TEMPLATES.len());
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let files = std::fs::read_dir(folder).expect("the folder can be read");
        let files: BTreeSet<_> = files
            .map(|file| file.expect("it can be read").file_name().to_string_lossy().into_owned())
            .collect();
        let known: BTreeSet<_> = TEMPLATES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(files, known);
    }

    /// The values that are not escaped are listed by name here: descriptions, and JSON that is escaped for an
    /// element.
    #[test]
    fn no_template_leaves_anything_else_unescaped_or_runs_anything() {
        let mut let_through = BTreeSet::new();
        for (name, source) in TEMPLATES {
            for put in source.split("{{").skip(1) {
                let put = put.split("}}").next().unwrap_or_default().trim();
                if let Some(value) = put.strip_suffix("|safe") {
                    let_through.insert(value);
                }
                assert_eq!(put.contains("safe"), put.ends_with("|safe"), "{name}: {put}");
            }
            for inline in
                ["<style", " style=", " onclick=", " onload=", "javascript:", "autoescape"]
            {
                assert!(!source.contains(inline), "{name} has {inline}");
            }
            // Data blocks are marked as such; everything else that runs is a file.
            for script in source.split("<script").skip(1) {
                let tag = script.split('>').next().unwrap_or_default();
                let is_data = ["application/json", "application/ld+json"];
                assert!(tag.contains(" src=") || is_data.iter().any(|kind| tag.contains(kind)));
            }
        }
        let expected = ["event.data", "event.description", "event.linked_data", "questions"];
        assert_eq!(let_through, BTreeSet::from(expected));
    }

    #[test]
    fn a_text_stays_a_text() {
        let hostile = "<script>\"'&/</script>";
        assert_eq!(escape(hostile), "&lt;script&gt;&quot;&#39;&amp;/&lt;/script&gt;");
        assert_eq!(escape("https://a.example/é"), "https://a.example/é");
        let json = script_json(&json!({ "name": "</script><!--<script>&" }));
        assert!(!json.contains(['<', '>', '&']), "{json}");
        let back: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
        assert_eq!(back["name"], "</script><!--<script>&");
    }
}
