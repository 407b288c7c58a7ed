//! The modules of a crate are rooms in a row, and each uses only those before it. So whoever reads one need not
//! know those after it, and nothing goes in circles. It is read from the sources: the compiler does not mind.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The rooms of each crate that has some, or its modules where these are few, in their order.
const HOUSE: &[(&str, &str)] = &[
    (
        "booking-http",
        "util < words < problem < settings < net < extract < api < auth < limits < telemetry < \
         service < pages < background < edge < routes < config < server < cli < fuzz",
    ),
    ("booking-core", "values < decide < store"),
    (
        "booking-pg",
        "columns < hosts < options < session < sql < error < parameters < tls < \
         connection < rollback < rows < delivery_rows < url < load < spellings < store < audit < \
         script < migrate < read < transaction < moving < keeping < assignment < create < erasure < health < \
         keys < organizers < read_registrations < records < endpoints < former_holders < lanes < mails < \
         delivery < write < execute",
    ),
    (
        "booking-cells",
        "map < telling < merge < found < cell < store < gather < copies < moving < resharding < lookup < \
         keys < organizers < reading < upkeep < delivery < seats",
    ),
    (
        "booking-load",
        "chaos < connection < cpu < judge < link < backoff < token < client < api < \
         receivers < verify < workload < options < storm < report < flash < watch < webhooks < chaos_args < \
         judge_args < watch_args < webhooks_args",
    ),
    (
        "booking-admission",
        "error < failure_log < limits < queue_age < batch < bell < held_events < lanes < nodes < driver < \
         admission < sweeper",
    ),
    (
        "booking-delivery",
        "limits < supervisor < apart < steps < calendar < mail < webhook < postman < mail_lane < webhook_lane < \
         reminders < dispatcher",
    ),
    (
        "booking-conformance",
        "fixture < optional < tables < tools < deliveries < generator < memory < delivery < history < \
         cases",
    ),
];

#[test]
fn each_room_uses_only_those_before_it() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut faults = Vec::new();
    for (name, order) in HOUSE {
        let src = crates.join(name).join("src");
        let lib = fs::read_to_string(src.join("lib.rs")).expect("each crate has one");
        let order: Vec<&str> = order.split(" < ").collect();
        let shown = shown_at_the_root(&order, &lib);
        let files = sources(&src, "");
        for room in &order {
            let is_there = files.iter().any(|(path, _)| room_of(path) == *room);
            assert!(is_there, "{name} has no {room}: the order is of another house");
        }
        for (path, source) in &files {
            let found = faults_in(&order, &shown, path, source);
            faults.extend(found.into_iter().map(|fault| format!("{name}/src/{path}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The files below `folder`, but for the roots of the crate: by their paths, with what they say.
fn sources(folder: &Path, below: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let entry = entry.expect("it can be read").path();
        let name = entry.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        let path = format!("{below}{name}");
        if entry.is_dir() {
            found.extend(sources(&entry, &format!("{path}/")));
        } else if name.ends_with(".rs") && !["lib.rs", "main.rs"].contains(&path.as_str()) {
            found.push((path, fs::read_to_string(&entry).expect("it is text")));
        }
    }
    found
}

/// The modules that lead to a file, from the root of its crate on.
fn modules(path: &str) -> Vec<&str> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    path.split('/').filter(|module| *module != "mod").collect()
}

fn room_of(path: &str) -> &str {
    modules(path).first().copied().unwrap_or_default()
}

/// What the root of a crate shows as its own, with the room that it comes from.
fn shown_at_the_root(order: &[&'static str], lib: &str) -> BTreeMap<String, &'static str> {
    let words = words(lib);
    let mut shown = BTreeMap::new();
    for (at, _) in words.iter().enumerate().filter(|(_, word)| *word == "use") {
        let Some(from) = words.get(at + 1) else { continue };
        let Some(room) = order.iter().find(|room| *room == from) else { continue };
        for item in words[at + 2..].iter().take_while(|word| *word != ";") {
            shown.entry(item.clone()).or_insert(*room);
        }
    }
    shown
}

/// What the file at `path` uses and may not.
fn faults_in(
    order: &[&str],
    shown: &BTreeMap<String, &'static str>,
    path: &str,
    source: &str,
) -> Vec<String> {
    let place = |room: &str| order.iter().position(|other| *other == room);
    let room = room_of(path);
    let Some(here) = place(room) else {
        return vec![format!("the room {room} is not in the order")];
    };
    let mut faults = Vec::new();
    for (name, is_from_root) in names_at_the_root(&words(source), modules(path).len()) {
        let used = shown.get(&name).copied().unwrap_or(name.as_str());
        match place(&name).or_else(|| place(used)) {
            Some(there) if there > here => faults.push(format!("{room} uses {}", order[there])),
            Some(_) => {}
            // A `super` may lead to an item of a module in the file.
            None if is_from_root => faults.push(format!("crate::{name} is in no room")),
            None => {}
        }
    }
    faults
}

/// The names at the root of the crate that a source names, in a file so many modules below it; and whether it
/// does so from the root on.
fn names_at_the_root(words: &[String], depth: usize) -> Vec<(String, bool)> {
    let mut names = Vec::new();
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let mut at = 0;
    while at < words.len() {
        let is_first = at == 0 || word(at - 1) != "::";
        let (is_from_root, mut next) = (word(at) == "crate", at);
        if is_from_root && is_first {
            next = at + 1;
        } else if word(at) == "super" && is_first {
            while word(next) == "super" && word(next + 1) == "::" && word(next + 2) == "super" {
                next += 2;
            }
            let supers = (next - at) / 2 + 1;
            next = if supers >= depth { next + 1 } else { at };
        }
        if next > at && word(next) == "::" {
            match word(next + 1) {
                "{" => names.extend(heads(&words[next + 1..]).map(|name| (name, is_from_root))),
                name if is_name(name) => names.push((name.to_owned(), is_from_root)),
                _ => {}
            }
        }
        at += 1;
    }
    names
}

/// What each part of a group, which `words` begins with, begins with.
fn heads(words: &[String]) -> impl Iterator<Item = String> {
    let (mut level, mut heads) = (0, Vec::new());
    for (before, word) in words.iter().zip(&words[1..]) {
        match before.as_str() {
            "{" => level += 1,
            "}" => level -= 1,
            _ => {}
        }
        if level == 0 {
            break;
        }
        if level == 1 && ["{", ","].contains(&before.as_str()) && is_name(word) && word != "self" {
            heads.push(word.clone());
        }
    }
    heads.into_iter()
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// The words and signs of a source, without comments and literals.
fn words(source: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if let Some(length) = comment(rest).or_else(|| literal(rest)) {
            length
        } else if is_name(rest) {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            words.push(rest[..end].to_owned());
            end
        } else {
            let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
            if !first.is_whitespace() {
                words.push(rest[..length].to_owned());
            }
            length
        };
        rest = &rest[length..];
    }
    words
}

/// The length of the comment that `text` begins with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut level, mut at) = (1, 2);
    while level > 0 && at < text.len() {
        let rest = &text.as_bytes()[at..];
        match rest {
            [b'/', b'*', ..] => level += 1,
            [b'*', b'/', ..] => level -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    Some(at)
}

/// The length of the literal of text or of one character that `text` begins with.
fn literal(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c"].into_iter().find(|prefix| {
        let rest = text.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
    });
    let prefix = prefix.unwrap_or_default();
    let after = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let begin = prefix.len() + hashes + 1;
        return Some(text[begin..].find(&end).map_or(text.len(), |at| begin + at + end.len()));
    }
    if after.starts_with('"') {
        let mut is_escaped = false;
        let end = after.bytes().enumerate().skip(1).find(|(_, byte)| {
            let is_end = *byte == b'"' && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            is_end
        });
        return Some(prefix.len() + end.map_or(after.len(), |(at, _)| at + 1));
    }
    let mut characters = text.strip_prefix('\'')?.char_indices();
    match characters.next()? {
        // What follows a backslash is none of the end.
        (_, '\\') => {
            let (at, _) = characters.nth(1)?;
            text[at + 1..].find('\'').map(|end| at + end + 2)
        }
        // Else it is a lifetime.
        _ => characters.next().filter(|(_, second)| *second == '\'').map(|(at, _)| at + 2),
    }
}

#[test]
fn an_arrow_back_is_found_however_it_is_written() {
    let order = ["util", "extract", "service", "routes"];
    let lib = "mod extract; pub use service::{Service, state::{State as Snapshot}};";
    let shown = shown_at_the_root(&order, lib);
    let found = |path: &str, source: &str| faults_in(&order, &shown, path, source).join(", ");
    for source in [
        "use crate::service::Service;",
        "use crate::service;",
        "pub(crate) use crate::{\n    util::lock,\n    service::{self, Service},\n};",
        "fn run(service: &crate::service::Service) {}",
        "fn run() { let quote = '\"'; let name: &'static str = r#\"\"\"#; crate::service::run(quote, '\\'') }",
        "use super::super::service::Service;",
        "/* a /* nested */ comment */ use crate::Service;",
        "use crate::{util, Snapshot};",
        "#[cfg(test)] mod tests { use crate::service::Service; }",
    ] {
        assert_eq!(found("extract/body.rs", source), "extract uses service", "{source}");
    }
    assert_eq!(found("extract.rs", "use super::service::Service;"), "extract uses service");
    for source in [
        "use crate::util::{lock, service};",
        "use crate::extract::service;",
        "use super::service;",
        "pub(crate) fn service() {}",
        "// use crate::service::Service;",
        "/// See [`Service`](crate::service::Service).",
        "const TEXT: &str = \"\\\"use crate::service::Service;\"; const BYTES: &[u8] = br#\"crate::service\"#;",
    ] {
        assert_eq!(found("extract/body.rs", source), "", "{source}");
    }
    assert_eq!(found("routes/events.rs", "use crate::{extract, service::Service, util};"), "");
    assert_eq!(found("attic.rs", ""), "the room attic is not in the order");
    assert_eq!(found("util/locks.rs", "use crate::attic::Box;"), "crate::attic is in no room");
}
