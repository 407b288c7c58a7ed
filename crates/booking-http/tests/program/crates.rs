//! What each crate may depend on, so that a program that embeds one knows its dependencies.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate, those of ours that it may depend on, and the others, or `ANY`.
type Allowed = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Any foreign crate: for programs, which are not embedded.
const ANY: &[&str] = &["*"];

const ALLOWED: &[Allowed] = &[
    (
        "booking-core",
        &[],
        &[
            "async-trait",
            "base64",
            "chrono",
            "chrono-tz",
            "email_address",
            "idna",
            "serde",
            "thiserror",
            "unicode-normalization",
            "url",
            "uuid",
        ],
    ),
    ("booking-ticket", &[], &["base64", "ed25519-dalek", "serde", "sha2", "thiserror", "uuid"]),
    ("booking-admission", &["booking-core"], &["futures-util", "log", "thiserror", "tokio"]),
    (
        "booking-conformance",
        &["booking-core"],
        &["async-trait", "chrono", "fastrand", "serde", "serde_json", "tokio", "uuid"],
    ),
    (
        "booking-pg",
        &["booking-core"],
        &[
            "async-trait",
            "chrono",
            "deadpool-postgres",
            "futures-util",
            "log",
            "refinery",
            "refinery-core",
            "rustls",
            "rustls-native-certs",
            "serde_json",
            "thiserror",
            "tokio",
            "tokio-postgres",
            "tokio-postgres-rustls",
            "uuid",
        ],
    ),
    (
        "booking-sqlite",
        &["booking-core"],
        &[
            "async-trait",
            "chrono",
            "log",
            "refinery",
            "refinery-core",
            "rusqlite",
            "serde_json",
            "thiserror",
            "tokio",
            "uuid",
        ],
    ),
    (
        "booking-cells",
        &["booking-core"],
        &["async-trait", "chrono", "log", "serde", "serde_json", "thiserror", "tokio", "uuid"],
    ),
    (
        "booking-delivery",
        &["booking-core"],
        &[
            "async-trait",
            "base64",
            "chrono",
            "chrono-tz",
            "ed25519-dalek",
            "fastrand",
            "futures-util",
            "hmac",
            "http-body-util",
            "hyper",
            "hyper-util",
            "lettre",
            "log",
            "minijinja",
            "png",
            "qrcode",
            "rustix",
            "rustls",
            "rustls-native-certs",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "tokio",
            "tokio-rustls",
            "url",
            "uuid",
        ],
    ),
    ("booking-testkit", &[], &["serde_json", "tokio", "tokio-postgres"]),
    ("booking-load", &[], ANY),
    (
        "booking-http",
        &[
            "booking-admission",
            "booking-cells",
            "booking-core",
            "booking-delivery",
            "booking-pg",
            "booking-sqlite",
            "booking-ticket",
        ],
        ANY,
    ),
    ("booking-bench", &["booking-load", "booking-testkit"], ANY),
    ("booking-fuzz", &["booking-http"], ANY),
];

/// Crates that only compute, as their front pages promise, and the exceptions in their trees: on some processors
/// `cpufeatures`, by which SHA-256 chooses its instructions, asks libc which there are.
const PURE: [(&str, &[&str]); 2] = [("booking-core", &[]), ("booking-ticket", &["libc"])];

/// Nothing of this is in the tree of those, however far down: randomness, clocks, runtimes, the system.
const NOT_IN_PURE: &[&str] = &[
    "async-io",
    "fastrand",
    "getrandom",
    "iana-time-zone",
    "libc",
    "mio",
    "rand",
    "rand_core",
    "rustix",
    "socket2",
    "tokio",
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The dependencies of a manifest, without those for its build or its tests alone.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_in_them = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            // Of all targets and of one: `[target.'cfg(…)'.dependencies]`.
            is_in_them = header == "dependencies" || header.ends_with(".dependencies");
            // One in a table of its own.
            let own = header.strip_prefix("dependencies.");
            let own = own.or_else(|| header.split_once(".dependencies.").map(|(_, name)| name));
            found.extend(own.map(str::to_owned));
        } else if is_in_them
            && !line.starts_with('#')
            && let Some((key, _)) = line.split_once('=')
        {
            // `name = …` and `name.workspace = true`.
            let name = key.split('.').next().unwrap_or(key);
            found.push(name.trim().trim_matches('"').to_owned());
        }
    }
    found
}

/// The dependencies of a manifest that are not allowed.
fn forbidden(manifest: &str, (_, ours, others): Allowed) -> Vec<String> {
    let mut found = dependencies(manifest);
    found.retain(|name| {
        let is_ours = name.starts_with("booking-");
        let is_any = !is_ours && others == ANY;
        let list = if is_ours { ours } else { others };
        !is_any && !list.contains(&name.as_str())
    });
    found
}

/// Every package that Cargo compiles into `package`, on this machine and as it asks for them.
fn tree(package: &str) -> Vec<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let output = Command::new(cargo)
        .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none"])
        .args(["--format", "{p}", "--offline", "--locked"])
        .current_dir(workspace())
        .output()
        .expect("Cargo runs the tests, and so is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn not_in_pure(tree: &[String]) -> Vec<&str> {
    tree.iter().map(String::as_str).filter(|name| NOT_IN_PURE.contains(name)).collect()
}

#[test]
fn each_crate_depends_only_on_allowed_ones() {
    let mut crates: Vec<_> = fs::read_dir(workspace().join("crates"))
        .expect("they are there")
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    crates.sort_unstable();
    let mut known: Vec<_> = ALLOWED.iter().map(|(name, ..)| *name).collect();
    known.sort_unstable();
    assert_eq!(crates, known, "each crate has its line");
    for allowed in ALLOWED {
        let name = allowed.0;
        let manifest = workspace().join("crates").join(name).join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).expect("each crate has one");
        let forbidden = forbidden(&manifest, *allowed);
        assert!(forbidden.is_empty(), "{name} may not depend on {forbidden:?}");
    }
}

/// What the test above would find.
#[test]
fn a_forbidden_dependency_is_found_however_it_is_written() {
    let core = ALLOWED[0];
    for line in [
        "[dependencies]\nrand.workspace = true",
        "[dependencies]\nserde.workspace = true\n# With a runtime.\nrand = { version = \"1\" }",
        "[dependencies]\nserde = \"1\"\n\n[dependencies.rand]\nversion = \"1\"",
        "[target.'cfg(unix)'.dependencies]\nrand = \"1\"",
        "[target.'cfg(unix)'.dependencies.rand]\nversion = \"1\"",
    ] {
        assert_eq!(forbidden(line, core), ["rand"], "{line}");
    }
    assert_eq!(forbidden("[dependencies]\nbooking-pg.workspace = true", core), ["booking-pg"]);
    let http = ALLOWED.iter().find(|allowed| allowed.0 == "booking-http").expect("it is there");
    assert_eq!(forbidden("[dependencies]\nbooking-load.workspace = true", *http), ["booking-load"]);
    assert_eq!(forbidden("[dev-dependencies]\nrand = \"1\"\n[features]\nx = []", core), [""; 0]);
}

#[test]
fn the_domain_and_tickets_have_no_randomness_no_clock_and_no_i_o() {
    for (name, allowed) in PURE {
        let tree = tree(name);
        assert!(tree.iter().any(|name| name == "uuid"), "that is what it looks like: {tree:?}");
        let mut found = not_in_pure(&tree);
        found.retain(|name| !allowed.contains(name));
        assert_eq!(found, [""; 0], "see `cargo tree --package {name} --invert NAME`");
    }
    // The negative control: the program has all that.
    let program = tree("booking-http");
    let found = not_in_pure(&program);
    for name in ["getrandom", "libc", "tokio"] {
        assert!(found.contains(&name), "{name} is not found where it is: {found:?}");
    }
}
