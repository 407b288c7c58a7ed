//! The templates, which are in the binary: nothing is read from files.

use minijinja::{Environment, UndefinedBehavior};
use std::sync::LazyLock;

/// The most steps of the engine that one rendering may use: a hundred times what a long one takes.
const FUEL: u64 = 1_000_000;

macro_rules! shared {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../templates/", $name)))),*]
    };
}

macro_rules! named {
    ($language:literal: $($name:literal)*) => {
        &[$((
            concat!($language, "/", $name),
            include_str!(concat!("../../templates/", $language, "/", $name)),
        )),*]
    };
}

macro_rules! of_language {
    ($language:literal) => {
        named!($language:
            "cancelled.html" "cancelled.txt"
            "changed.html" "changed.txt"
            "confirm_address.html" "confirm_address.txt"
            "confirmed.html" "confirmed.txt"
            "event.html" "event.txt"
            "event_cancelled.html" "event_cancelled.txt"
            "event_moved.html" "event_moved.txt"
            "footer.html" "footer.txt"
            "found.html" "found.txt"
            "greeting.html" "greeting.txt"
            "handed_over.html" "handed_over.txt"
            "lapsed.html" "lapsed.txt"
            "offered.html" "offered.txt"
            "private.html" "private.txt"
            "reminder.html" "reminder.txt"
            "seat.html" "seat.txt"
            "status.txt"
            "ticket.html" "ticket.txt"
            "transferred.html" "transferred.txt"
            "waitlisted.html" "waitlisted.txt"
        )
    };
}

type Templates = &'static [(&'static str, &'static str)];

/// All templates, by their paths below `templates`.
const ALL: [Templates; 3] =
    [shared!("button.html" "layout.html"), of_language!("en"), of_language!("de")];

/// They are parsed once.
pub(super) fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
        let mut environment = Environment::new();
        // A template that uses an undefined variable is a mistake, and does not render an empty text.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        for &(name, source) in ALL.into_iter().flatten() {
            // Templates whose names end in .html escape their variables.
            environment.add_template(name, source).expect("each is parsed by a test");
        }
        environment
    });
    &ENVIRONMENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{Language, MailKind};
    use std::fs;
    use std::path::Path;

    /// The names of all template files.
    fn in_files() -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut found = Vec::new();
        for entry in fs::read_dir(&root).expect("the folder can be read") {
            let entry = entry.expect("it can be read");
            let name = entry.file_name().to_string_lossy().into_owned();
            if !entry.path().is_dir() {
                found.push(name);
                continue;
            }
            for file in fs::read_dir(entry.path()).expect("the folder can be read") {
                let file = file.expect("it can be read").file_name();
                found.push(format!("{name}/{}", file.to_string_lossy()));
            }
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn every_template_exists_and_is_used() {
        let mut known: Vec<_> = ALL.into_iter().flatten().map(|(name, _)| *name).collect();
        known.sort_unstable();
        assert_eq!(in_files(), known, "what is in the folder is what is in the binary");
        let environment = environment();
        assert_eq!(environment.templates().count(), known.len(), "each has a name of its own");
        for name in &known {
            let stem = name.rsplit('/').next().and_then(|file| file.rsplit_once('.'));
            let (stem, _) = stem.expect("it is text or HTML");
            let quoted = format!("\"{name}\"");
            let is_used = ALL.into_iter().flatten().any(|(_, source)| source.contains(&quoted));
            assert!(is_used || MailKind::from_name(stem).is_some(), "{name} is for nothing");
        }
        for language in Language::ALL {
            for kind in MailKind::ALL {
                for ending in ["txt", "html"] {
                    let name = format!("{}/{}.{ending}", language.as_str(), kind.as_str());
                    assert!(environment.get_template(&name).is_ok(), "{name} is missing");
                }
            }
        }
    }

    /// Both languages have the same texts, each in its own words.
    #[test]
    fn every_template_is_translated() {
        let [_, english, german] = ALL;
        for (&(name, source), &(other_name, other)) in english.iter().zip(german) {
            let without = |name: &str| name.split_once('/').map(|(_, rest)| rest.to_owned());
            assert_eq!(without(name), without(other_name));
            for line in source.lines().map(str::trim) {
                let has_words = line.split(['{', '}', '<', '>']).any(|part| {
                    let is_markup = part.starts_with(['%', '/', '{']) || part.contains('=');
                    !is_markup && part.trim().contains(' ')
                });
                let is_same = other.lines().any(|other| other.trim() == line);
                assert!(!has_words || !is_same, "{other_name} says as {name} does: {line}");
            }
        }
    }

    #[test]
    fn no_template_loads_remote_content_or_runs_scripts() {
        for &(name, source) in ALL.into_iter().flatten() {
            for remote in ["http:", "https:", "//", "<script", "<link", "url(", "@import", "onload"]
            {
                assert!(!source.contains(remote), "{name} has {remote}");
            }
            assert!(!source.contains("safe"), "{name} leaves something unescaped");
            assert!(!source.contains("src=\"") || source.contains("src=\"cid:"), "{name}");
        }
    }
}
