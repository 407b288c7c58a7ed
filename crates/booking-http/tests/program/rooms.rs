//! The modules of a crate are rooms in a row, and each uses only those before it. So a reader of one need not know
//! those after it, and there are no cycles. It is read from the sources: the compiler does not mind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of each crate, or its modules where these are few, in their order; and those within a room that has some of
/// its own, whose root comes after them: `booking-core/decide` has the order within `decide`.
const HOUSE: &[(&str, &str)] = &[
    (
        "booking-http",
        "util < words < problem < settings < net < extract < api < auth < limits < telemetry < \
         service < pages < background < edge < routes < config < server < cli < fuzz",
    ),
    ("booking-http/net", "forwarded < client < connections < transport"),
    (
        "booking-http/extract",
        "json < fields < idempotency_key < body < conditional < form < path < query < upload",
    ),
    ("booking-http/auth", "grant < token_cache < callers < manage_token"),
    (
        "booking-http/service",
        "batch_loader < single_flight < reads < agenda < bulkhead < link_recovery < known_addresses < live < \
         search < signing_keys < tickets < webhooks",
    ),
    ("booking-http/edge", "cors < cross_site < host_header < slow_clients < middleware"),
    ("booking-core", "values < decide < store"),
    (
        "booking-core/decide",
        "outcome < command < asked_by < stored < idempotency < state < load_plan < change < rule < rows < \
         seats < transitions",
    ),
    (
        "booking-pg",
        "columns < hosts < options < session < sql < error < parameters < tls < \
         connection < rollback < rows < delivery_rows < url < load < spellings < store < audit < \
         script < migrate < read < transaction < moving < keeping < assignment < create < erasure < health < \
         keys < organizers < read_registrations < records < endpoints < former_holders < lanes < mails < \
         delivery < write < execute",
    ),
    (
        "booking-sqlite",
        "paths < errors < ownership < sql < connection < wal < files < transaction < rows < schema < \
         spellings < migrate < readers < erasure < writer < queries < history < audit < backup < keys < \
         organizers < keeping < records < former_holders < write < create < ways < leftovers < load < \
         execute < health < store < delivery_rows < endpoints < mails < lanes < delivery < moved_rows < \
         moving < plans",
    ),
    (
        "booking-cells",
        "map < telling < merge < found < cell < store < fan_out < copies < moving < resharding < lookup < \
         keys < organizers < reading < upkeep < delivery < seats",
    ),
    (
        "booking-load",
        "chaos < connection < cpu < judge < link < backoff < token < client < api < \
         receivers < verify < workload < options < storm < report < flash < watch < webhooks < chaos_args < \
         judge_args < watch_args < webhooks_args",
    ),
    (
        "booking-load/judge",
        "status < receipts < history < breach < coverage < exchanges < facts < known < times < replay < \
         deliveries < end < window < refusals < responses",
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
        "booking-delivery/mail",
        "clean < answer < schedule < breaker < config < error < header < letter < templates < ticket < times < \
         render < compose < smtp < mailer < preview",
    ),
    ("booking-delivery/webhook", "addresses < signature < client < payload < schedule"),
    (
        "booking-conformance",
        "fixture < optional < tables < tools < deliveries < generator < memory < delivery < history < \
         cases",
    ),
    ("booking-ticket", "claims < key_id < layout < key < jwk < keyring"),
    (
        "booking-testkit",
        "binaries < port < output < guard < process < leak < chrome < devtools < chromium < browsers < \
         installation < cluster < database < citus < proxy < server",
    ),
    (
        "booking-bench",
        "machine < stream < latency < cpu < far < ledger < pgbench < workload < request < connection < generator < \
         side < shared < arena < cells < plan < results < report < chart < overload < growth < desk < import",
    ),
    // One file.
    ("booking-fuzz", ""),
];

fn rooms(order: &str) -> Vec<&str> {
    order.split(" < ").filter(|room| !room.is_empty()).collect()
}

#[test]
fn each_room_uses_only_those_before_it() {
    let mut faults = Vec::new();
    for (name, order) in HOUSE {
        let (package, within) = name.split_once('/').unwrap_or((name, ""));
        let src = crates().join(package).join("src");
        let above: Vec<&str> = within.split('/').filter(|module| !module.is_empty()).collect();
        let files = sources(&src, "");
        let root = files.iter().find(|(path, _)| !within.is_empty() && modules(path) == above);
        let house = House::new(&above, order, &root_of(&src), root.map(|(_, source)| &**source));
        for room in &house.order {
            let is_there = files.iter().any(|(path, _)| house.room_of(path) == Some(*room));
            assert!(is_there, "{name} has no {room}: the order is of another house");
        }
        for (path, source) in &files {
            let found = house.faults_in(path, source);
            faults.extend(found.into_iter().map(|fault| format!("{package}/src/{path}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_crate_has_its_rooms_in_an_order() {
    let crates: Vec<_> = fs::read_dir(crates())
        .expect("the folder can be read")
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(without_rooms(&crates), [""; 0], "each crate has its row");
}

/// Those of `crates` that have no row.
fn without_rooms(crates: &[String]) -> Vec<&str> {
    let has_row = |name: &str| HOUSE.iter().any(|(row, _)| *row == name);
    crates.iter().map(String::as_str).filter(|name| !has_row(name)).collect()
}

/// The documented rooms of the server are those that are checked here.
#[test]
fn the_front_page_of_the_server_lists_its_rooms_in_their_order() {
    let page = root_of(&crates().join("booking-http/src"));
    let (_, order) = HOUSE.iter().find(|(name, _)| *name == "booking-http").expect("it is there");
    assert_eq!(listed(&page), rooms(order));
}

/// The rooms in the table of a front page.
fn listed(page: &str) -> Vec<&str> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The source of a crate's root: of its library, if it has one.
fn root_of(src: &Path) -> String {
    let read = |name| fs::read_to_string(src.join(name));
    read("lib.rs").or_else(|_| read("main.rs")).expect("each crate has one of them")
}

/// The files below `folder`, but for the roots of the crate: their content by their paths.
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

/// The rooms of a crate, or those within one of its rooms.
struct House<'a> {
    /// The modules that lead to them.
    above: &'a [&'a str],
    order: Vec<&'a str>,
    /// The re-exports under another name than their room's, each with its room; `None` if it is from the root of
    /// these rooms.
    shown: BTreeMap<String, Option<&'a str>>,
}

impl<'a> House<'a> {
    /// `lib` is the root of the crate, `root` that of the rooms if they are within another.
    fn new(above: &'a [&'a str], order: &'a str, lib: &str, root: Option<&str>) -> Self {
        let mut house = Self { above, order: rooms(order), shown: BTreeMap::new() };
        // A re-export of the root counts for the room that it comes from.
        let of_root = root.map(|root| house.shown_by(&words(root), &[])).unwrap_or_default();
        house.shown = house.shown_by(&words(lib), above);
        house.shown.extend(of_root);
        house
    }

    /// The re-exports of these rooms by a root, to which `above` leads from there.
    fn shown_by(&self, words: &[String], above: &[&str]) -> BTreeMap<String, Option<&'a str>> {
        let mut shown = BTreeMap::new();
        for at in (0..words.len()).filter(|at| words[*at] == "use") {
            let start =
                at + if words.get(at + 1).is_some_and(|word| word == "self") { 3 } else { 1 };
            for path in paths(words, start) {
                let Some(rest) = below(&path, above) else { continue };
                let Some((first, last)) = rest.first().zip(rest.last()) else { continue };
                match self.place(first) {
                    Some(place) => shown.entry(last.clone()).or_insert(Some(self.order[place])),
                    None if above.is_empty() => continue,
                    None => shown.entry(last.clone()).or_insert(None),
                };
            }
        }
        shown
    }

    fn place(&self, room: &str) -> Option<usize> {
        self.order.iter().position(|other| *other == room)
    }

    /// The module that a file is in, of those that are here.
    fn room_of<'p>(&self, path: &'p str) -> Option<&'p str> {
        let modules = modules(path);
        let is_here = modules.starts_with(self.above);
        is_here.then(|| modules.get(self.above.len()).copied()).flatten()
    }

    /// What the file at `path` uses although it may not.
    fn faults_in(&self, path: &str, source: &str) -> Vec<String> {
        let Some(room) = self.room_of(path) else { return Vec::new() };
        let Some(here) = self.place(room) else {
            return vec![format!("the room {room} is not in the order")];
        };
        let mut faults = Vec::new();
        for (path, is_from_root) in uses(&words(source), &modules(path)) {
            let (rest, is_below) = match below(&path, self.above) {
                Some(rest) => (rest, true),
                None => (&path[..], false),
            };
            let Some(name) = rest.first().filter(|name| is_name(name)) else { continue };
            let room_itself = if is_below { self.place(name) } else { None };
            let used = room_itself.map(Some).or_else(|| {
                let shown = self.shown.get(name)?;
                Some(shown.and_then(|room| self.place(room)))
            });
            match used {
                Some(Some(there)) if there > here => {
                    faults.push(format!("{room} uses {}", self.order[there]));
                }
                Some(Some(_)) => {}
                Some(None) => faults.push(format!("{room} uses {name} of the root of its rooms")),
                // A `super` may lead to an item of a module in the file.
                None if !is_from_root || !is_below => {}
                None if self.above.is_empty() => {
                    faults.push(format!("crate::{name} is in no room"));
                }
                None => faults.push(format!("{room} uses {name} of the root of its rooms")),
            }
        }
        // A group may name several things of one room.
        faults.dedup();
        faults
    }
}

/// The rooms that a path below `above` uses.
fn below<'p>(path: &'p [String], above: &[&str]) -> Option<&'p [String]> {
    let is_below =
        path.len() > above.len() && path.iter().zip(above).all(|(own, other)| own == other);
    is_below.then(|| &path[above.len()..])
}

/// The paths that a source names, from the root of the crate on, in a file that `modules` lead to; and whether it
/// says so from the root on.
fn uses(words: &[String], modules: &[&str]) -> Vec<(Vec<String>, bool)> {
    let mut found = Vec::new();
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    for at in 0..words.len() {
        if at > 0 && word(at - 1) == "::" {
            continue;
        }
        let (from, start) = match word(at) {
            "crate" => (Some(0), at + 1),
            "super" => {
                let mut last = at;
                while word(last + 1) == "::" && word(last + 2) == "super" {
                    last += 2;
                }
                let supers = (last - at) / 2 + 1;
                // In a module of a file there may be more of them than lead to the root.
                (Some(modules.len().saturating_sub(supers)), last + 1)
            }
            _ => (None, at),
        };
        let Some(from) = from.filter(|_| word(start) == "::") else { continue };
        for path in paths(words, start + 1) {
            let above = modules[..from].iter().map(|module| (*module).to_owned());
            found.push((above.chain(path).collect(), word(at) == "crate"));
        }
    }
    found
}

/// The paths that begin at a place: several where it is a group.
fn paths(words: &[String], at: usize) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    branches(words, at, &[], &mut found);
    found
}

/// Adds the paths that begin at a place, after `stem`, and gives the place after them.
fn branches(
    words: &[String],
    mut at: usize,
    stem: &[String],
    found: &mut Vec<Vec<String>>,
) -> usize {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    if word(at) == "{" {
        at += 1;
        while !["}", ""].contains(&word(at)) {
            at = if word(at) == "," { at + 1 } else { branches(words, at, stem, found) };
        }
        return at + 1;
    }
    let mut path = stem.to_vec();
    // In a group it belongs to the group's path.
    if word(at) != "self" {
        path.extend(words.get(at).cloned());
    }
    if word(at + 1) == "::" && (word(at + 2) == "{" || is_name(word(at + 2))) {
        return branches(words, at + 2, &path, found);
    }
    if word(at + 1) == "as" {
        // It is known by that name from there on.
        path.extend(words.get(at + 2).cloned());
        found.push(path);
        return at + 3;
    }
    found.push(path);
    at + 1
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
        // A character after a backslash does not end it.
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
    let order = "util < extract < service < routes";
    let lib = "mod extract; pub use service::{Service, state::{State as Snapshot}};";
    let house = House::new(&[], order, lib, None);
    let found = |path: &str, source: &str| house.faults_in(path, source).join(", ");
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

#[test]
fn an_arrow_back_is_found_within_a_room_too() {
    let root =
        "mod rows; mod rule; pub use rule::Rule; use self::seats::Seats; pub struct Decision;";
    let lib = "pub use decide::seats::{Place, Seats}; pub use decide::{Decision, Rule};";
    let house = House::new(&["decide"], "rule < rows < seats", lib, Some(root));
    let found = |path: &str, source: &str| house.faults_in(path, source).join(", ");
    for source in [
        "use crate::decide::seats::Seats;",
        "use super::seats::Seats;",
        "use super::{rule, seats as other};",
        "use crate::{decide::{rule::Rule, seats}, values::Event};",
        "use crate::Seats;",
        "use crate::{Event, Place};",
        "fn sit(place: crate::Place) {}",
    ] {
        assert_eq!(found("decide/rows.rs", source), "rows uses seats", "{source}");
    }
    for source in ["use crate::Decision;", "use crate::decide::Decision;"] {
        let fault = "rows uses Decision of the root of its rooms";
        assert_eq!(found("decide/rows.rs", source), fault, "{source}");
    }
    for source in [
        "use crate::Rule;",
        "use super::Rule;",
        "use crate::decide::rule::Rule;",
        "use crate::values::seats::Seats;",
        "use crate::{Event, values};",
        "mod tests { use super::*; use super::Rows; }",
    ] {
        assert_eq!(found("decide/rows.rs", source), "", "{source}");
    }
    assert_eq!(found("decide/seats/queue.rs", "use super::super::rows; use crate::Rule;"), "");
    assert_eq!(found("decide/attic.rs", ""), "the room attic is not in the order");
    // Which is none of these rooms.
    assert_eq!(found("values/rows.rs", "use crate::Seats;"), "");
    assert_eq!(found("decide.rs", "use crate::Seats;"), "");
}

#[test]
fn a_crate_without_rooms_and_a_room_out_of_place_are_found() {
    let crates = ["booking-core", "booking-attic"].map(str::to_owned);
    assert_eq!(without_rooms(&crates), ["booking-attic"]);
    let page = "//! | room | what is in it |\n//! | --- | --- |\n//! | `words` | `util` |\n//! | `util` | |\nmod util;";
    assert_eq!(listed(page), ["words", "util"]);
}
