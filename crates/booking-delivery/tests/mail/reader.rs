//! Python, with the mail server and the mail parser of the tests. `scripts/test.sh` installs it.

use serde_json::Value;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python that has `aiosmtpd`.
pub(crate) fn python() -> PathBuf {
    let below = "python/bin/python";
    let this = env::current_exe().expect("a test is a program");
    let found = this.ancestors().map(|folder| folder.join(below)).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("no {below} in the folder of the build: run scripts/test.sh once, which makes it")
    })
}

/// A Python program of the tests.
pub(crate) fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp").join(name)
}

/// A mail as Python parses it, once it is complete and its lines have the required length and ends.
pub(crate) fn read(path: &Path) -> Value {
    let output = Command::new(python()).arg(program("read.py")).arg(path).output();
    let output = output.expect("Python is started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", path.display());
    let mail: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(mail["defects"].as_array().map(Vec::len), Some(0), "{mail}");
    assert_eq!(mail["bare_ends"], 0, "{mail}");
    assert!(mail["longest_line"].as_u64().is_some_and(|bytes| bytes <= 998), "{mail}");
    mail
}
