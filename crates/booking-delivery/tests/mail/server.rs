//! A mail server in Python, whose behaviour depends on the recipients' names.

use crate::reader::{program, python, read};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};
use tempfile::TempDir;

/// The longest that a test waits for anything.
const WITHIN: Duration = Duration::from_secs(120);

/// A self-signed certificate for localhost, and its key.
pub(crate) struct Certificate {
    folder: TempDir,
}

impl Certificate {
    pub(crate) fn make() -> Self {
        let made =
            rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("it is made");
        let folder = tempfile::tempdir().expect("there is room");
        let write = |name: &str, text: String| {
            fs::write(folder.path().join(name), text).expect("it is written");
        };
        write("certificate.pem", made.cert.pem());
        write("key.pem", made.signing_key.serialize_pem());
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// The arguments that make the server encrypt with it.
    pub(crate) fn arguments(&self, tls: &str) -> Vec<String> {
        let folder = self.folder.path().display();
        vec![
            format!("--tls={tls}"),
            format!("--certificate={folder}/certificate.pem"),
            format!("--key={folder}/key.pem"),
        ]
    }
}

/// A server that is stopped when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start<S: AsRef<str>>(arguments: &[S]) -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        let mut child = Command::new(python())
            .arg(program("server.py"))
            .arg(folder.path())
            .args(arguments.iter().map(AsRef::as_ref))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python is started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it is text");
        let port = line.trim().parse().expect("the server says on which port it listens");
        Self { child, port, folder }
    }

    /// How each accepted mail arrived, in order, once there are `count`, and any extra ones.
    pub(crate) fn received(&self, count: usize) -> Vec<Received> {
        let began = Instant::now();
        while self.mails().len() < count {
            assert!(began.elapsed() < WITHIN, "{} of {count} came", self.mails().len());
            thread::sleep(Duration::from_millis(20));
        }
        let mails = self.mails();
        mails.into_iter().map(|path| Received { path }).collect()
    }

    /// How many were refused until now.
    pub(crate) fn refused(&self) -> u64 {
        let refused = fs::read_to_string(self.folder.path().join("refused"));
        refused.map_or(0, |text| text.parse().expect("it is a number"))
    }

    fn mails(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path()).expect("it can be read");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        let is_mail = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "eml");
        let mut mails: Vec<_> = paths.filter(is_mail).collect();
        let number = |path: &Path| -> Option<u32> { path.file_stem()?.to_str()?.parse().ok() };
        mails.sort_by_key(|path| number(path));
        mails
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An accepted mail.
pub(crate) struct Received {
    path: PathBuf,
}

impl Received {
    /// Its content.
    pub(crate) fn mail(&self) -> Value {
        read(&self.path)
    }

    /// How it arrived.
    pub(crate) fn about(&self) -> Value {
        let text = fs::read(self.path.with_extension("json")).expect("it is beside it");
        serde_json::from_slice(&text).expect("it is JSON")
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(&self.path).expect("it can be read")
    }
}
