//! A child process that cleans up after this process ends, however it ends.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

/// What a guard guards.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Guarded {
    /// A postmaster with its data in `data` under the directory.
    Postgres,
    /// A process, or a process group.
    Process,
}

/// The shell that reads from a pipe of ours until it closes. The system closes it when we end, even by kill -9;
/// dropping a guard closes it too, and waits for the shell.
#[derive(Debug)]
pub(crate) struct Guard(Mutex<Child>);

impl Guard {
    /// Starts a guard that removes `directory`, if there is one, in the end.
    pub(crate) fn start(guarded: Guarded, directory: Option<&Path>) -> Self {
        let kind = match guarded {
            Guarded::Postgres => "postgres",
            Guarded::Process => "process",
        };
        let child = Command::new("sh")
            .args(["-c", include_str!("guard.sh"), "guard", kind])
            .arg(directory.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            // It ends after us, and must not keep open a pipe that the test runner reads.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Otherwise Ctrl-C would end it together with us.
            .process_group(0)
            .current_dir("/")
            .spawn()
            .expect("there is a shell everywhere");
        Self(Mutex::new(child))
    }

    /// Names what to stop in the end: a process id, a process group as a negative number, or 0.
    pub(crate) fn watch(&self, target: i64) {
        let mut child = self.0.lock().expect("nothing panics while it holds this lock");
        let pipe = child.stdin.as_mut().expect("it was started with a pipe");
        writeln!(pipe, "{target}").expect("a guard reads for as long as we live");
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Ok(child) = self.0.get_mut() {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}
