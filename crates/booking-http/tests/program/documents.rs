//! Links in documents lead to existing files and headings, and named files exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A name in backquotes with one of these endings is a file of the repository.
const ENDINGS: [&str; 10] =
    [".rs", ".sql", ".sh", ".js", ".mjs", ".css", ".md", ".yaml", ".toml", ".png"];

/// A name in backquotes with one of these beginnings is a file or a folder of the repository.
const BEGINNINGS: [&str; 7] =
    ["booking-", "crates/", "docker/", "migrations/", "scripts/", "static/", ".github/"];

/// Our folders that begin with a dot.
const DOTTED: [&str; 3] = [".cargo", ".ci", ".github"];

#[test]
fn links_in_documents_lead_to_existing_files_and_headings() {
    let house = House::of(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    let documents = house.paths.iter().filter(|path| path.ends_with(".md"));
    let documents: Vec<_> = documents.map(|path| (path, house.text(path))).collect();
    assert!(documents.len() > 10, "{} documents", documents.len());
    let faults: Vec<String> =
        documents.iter().flat_map(|(path, text)| house.faults(path, text)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_broken_link_in_a_document_is_found() {
    let house = House::of(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    let faults = |text: &str| house.faults("docker/OPERATING.md", text);
    for good in [
        "[the map](../DESIGN.md#the-map), [here](#up--down), [a folder](ha), [out](https://example.org/x)\n# Up & down",
        "`crates/booking-http/src/lib.rs`, `booking-http/src/lib.rs`, `lib.rs`, `docker/ha/`, `docker/booking.env`",
        "```\n[nowhere](nowhere.md)\n```\n`[nowhere](nowhere.md)`, `booking-http --help`, `/static/no.js`",
    ] {
        assert_eq!(faults(good), Vec::<String>::new(), "{good}");
    }
    for bad in [
        "[the map](DESIGN.md)",
        "[the map](../DESIGN.md#the-atlas)",
        "[here](#up-down)\n# Up & down",
        "```\n# Down\n```\n[here](#down)",
        "[outside](../../../../../../etc/passwd)",
        "`nowhere.rs`",
        "`booking-http/nowhere`",
        "`booking-http/lib.rs`",
        "`ib.rs`",
    ] {
        assert_eq!(faults(bad).len(), 1, "{bad}: {:?}", faults(bad));
    }
}

/// The files and folders of the repository.
struct House {
    root: PathBuf,
    /// From the root on, with `/` between folders.
    paths: BTreeSet<String>,
}

impl House {
    fn of(root: PathBuf) -> Self {
        let mut paths = BTreeSet::new();
        gather(&root, "", &mut paths);
        Self { root, paths }
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).expect("documents are text")
    }

    /// The faults of the document at `path`.
    fn faults(&self, path: &str, text: &str) -> Vec<String> {
        let prose = prose(text);
        let (words, code) = words_and_code(&prose);
        let links = words.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        let links = links.filter(|link| !link.contains("://")).filter_map(|link| {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { Some(path.to_owned()) } else { beside(path, file) };
            let Some(file) = file else {
                return Some(format!("{path}: {link} leads out of the repository"));
            };
            if !self.paths.contains(&file) {
                return Some(format!("{path}: {link} leads to no file"));
            }
            if heading.is_empty() {
                return None;
            }
            let headings = if file == path { headings(text) } else { headings(&self.text(&file)) };
            let known = headings.contains(heading);
            (!known).then(|| format!("{path}: {link} leads to no heading"))
        });
        let files = code.iter().filter(|name| is_path(name) && !self.knows(name));
        links.chain(files.map(|name| format!("{path}: there is no {name}"))).collect()
    }

    /// Whether there is such a file or folder, or a sample of which users make it.
    fn knows(&self, name: &str) -> bool {
        let name = name.trim_end_matches('/');
        self.has(name) || self.has(&format!("{name}.sample"))
    }

    /// Whether a file or folder has this path, from the root or from some folder on.
    fn has(&self, name: &str) -> bool {
        let mut found = self.paths.iter().filter_map(|path| path.strip_suffix(name));
        found.any(|before| before.is_empty() || before.ends_with('/'))
    }
}

/// Everything below `folder` that is not built, fetched or Git's.
fn gather(folder: &Path, before: &str, paths: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let entry = entry.expect("it can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{before}{name}");
        if !entry.file_type().expect("it has one").is_dir() {
            paths.insert(path);
        } else if (!name.starts_with('.') || DOTTED.contains(&name.as_str()))
            && !["target", "node_modules"].contains(&name.as_str())
            && !entry.path().join("CACHEDIR.TAG").exists()
        {
            gather(&entry.path(), &format!("{path}/"), paths);
            paths.insert(path);
        }
    }
}

/// The lines of a document that are no blocks of code.
fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The text without the parts in backquotes, and those.
fn words_and_code(prose: &str) -> (String, Vec<&str>) {
    let (mut words, mut code) = (String::new(), Vec::new());
    for line in prose.lines() {
        for (at, part) in line.split('`').enumerate() {
            if at % 2 == 0 {
                words.push_str(part);
            } else {
                code.push(part);
            }
        }
        words.push('\n');
    }
    (words, code)
}

/// The anchor of a heading, as code hosts make it.
fn headings(text: &str) -> BTreeSet<String> {
    let prose = prose(text);
    let titles = prose.lines().filter(|line| line.starts_with('#')).filter_map(|line| {
        let title = line.trim_start_matches('#');
        title.strip_prefix(' ')
    });
    titles
        .map(|title| {
            let remaining =
                title.trim().chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
            remaining.collect::<String>().to_lowercase().replace(' ', "-")
        })
        .collect()
}

/// The path from the root that `relative` means in a document at `path`, unless that is outside.
fn beside(path: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in relative.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether a name in backquotes has the form of a path in the repository.
fn is_path(code: &str) -> bool {
    let characters = code.chars().all(|c| c.is_ascii_alphanumeric() || "_.-/".contains(c));
    characters
        && !code.starts_with('/')
        && (ENDINGS.iter().any(|ending| code.ends_with(ending))
            || code.contains('/') && BEGINNINGS.iter().any(|begin| code.starts_with(begin)))
}
