//! The server program, run as its users run it.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::guard::{Guard, Guarded};
use crate::leak::leak;
use crate::output::Output;
use crate::process;

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// How long to wait for the rest of an ended server's output.
const OUTPUT_LIMIT: Duration = Duration::from_secs(30);

/// The only variables that the program gets of our environment. Others might configure it, which is up to the test,
/// not to the environment of the test runner.
const INHERITED: [&str; 8] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "RUST_BACKTRACE",
    "LLVM_PROFILE_FILE",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
];

/// A running `booking-http`, or any program that prints `listening on http://…` once it accepts connections. It is
/// killed when this is dropped or this process ends, and its output must not contain an e-mail address or a secret.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    exited: Option<ExitStatus>,
    url: String,
    stdout: Output,
    stderr: Output,
    guard: Guard,
}

impl ServerProcess {
    /// Starts the program with these variables, and `PORT=0` for a free port, unless they say otherwise; waits
    /// until it prints its address.
    ///
    /// # Panics
    ///
    /// If it ends, or has not printed it in 60 s; with all its output.
    #[must_use]
    #[track_caller]
    pub fn start(program: &Path, variables: &[(&str, String)]) -> Self {
        Self::start_with_arguments(program, &[], variables)
    }

    /// The same with command line arguments.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start) does.
    #[must_use]
    #[track_caller]
    pub fn start_with_arguments(
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, String)],
    ) -> Self {
        let guard = Guard::start(Guarded::Process, None);
        let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut child = Command::new(program)
            .env_clear()
            .envs(inherited)
            .args(arguments)
            .env("PORT", "0")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()));
        guard.watch(i64::from(child.id()));
        let stdout = Output::collect(child.stdout.take().expect("it is piped"));
        let stderr = Output::collect(child.stderr.take().expect("it is piped"));
        let url = stdout.wait_for(START_LIMIT, listening_url);
        let mut server = Self { child, exited: None, url: String::new(), stdout, stderr, guard };
        match url {
            Some(url) => server.url = url,
            None => panic!("{} did not start{}", program.display(), server.end_and_describe()),
        }
        server
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has logged so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Kills it (SIGKILL), and waits until it has ended.
    pub fn kill9(&mut self) {
        self.signal("KILL");
        let _ = self.wait(STOP_LIMIT);
    }

    /// Asks it to end (SIGTERM), and waits for its exit status.
    ///
    /// # Panics
    ///
    /// If it has not ended after 60 s; with all its output.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        match self.wait(STOP_LIMIT) {
            Some(status) => status,
            None => panic!("SIGTERM did not end the server{}", self.end_and_describe()),
        }
    }

    /// Waits until it ends by itself, and its output is read; `None` if it does not end.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        if self.exited.is_none() {
            self.exited = process::wait_for_exit(&mut self.child, limit);
            if self.exited.is_some() {
                // The id may be another process's from now on.
                self.guard.watch(0);
                self.stdout.wait_for_end(OUTPUT_LIMIT);
                self.stderr.wait_for_end(OUTPUT_LIMIT);
            }
        }
        self.exited
    }

    /// Freezes it, like a machine that is suspended.
    pub fn pause(&mut self) {
        self.signal("STOP");
    }

    /// Resumes it after [`pause`](Self::pause).
    pub fn resume(&mut self) {
        self.signal("CONT");
    }

    /// Sends it a signal, such as `INT`, unless it has ended.
    pub fn signal(&mut self, name: &str) {
        if self.wait(Duration::ZERO).is_none() {
            process::signal(name, &[i64::from(self.child.id())]);
        }
    }

    fn end_and_describe(&mut self) -> String {
        let status = self.wait(Duration::from_millis(500));
        self.kill9();
        let status = status.map_or("it still ran".to_owned(), |status| status.to_string());
        format!(" ({status})\n--- stdout\n{}--- stderr\n{}", self.stdout(), self.stderr())
    }
}

impl Drop for ServerProcess {
    /// # Panics
    ///
    /// If its output contained an address or a secret.
    fn drop(&mut self) {
        self.kill9();
        if !std::thread::panicking() {
            for printed in [self.stdout(), self.stderr()] {
                assert_eq!(leak(&printed), None, "a log holds an address or a secret");
            }
        }
    }
}

fn listening_url(line: &str) -> Option<String> {
    let url = line.split_once("listening on ")?.1.split_whitespace().next()?;
    // A listening address is not always one to connect to.
    let url = url.trim_end_matches('/').replace("//0.0.0.0:", "//127.0.0.1:");
    url.starts_with("http://").then(|| url.replace("//[::]:", "//[::1]:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_line_that_announces_it() {
        let url = |line| listening_url(line);
        assert_eq!(url("listening on http://127.0.0.1:81").as_deref(), Some("http://127.0.0.1:81"));
        let all = url("Booking listening on http://0.0.0.0:3000/ (SQLite)");
        assert_eq!(all.as_deref(), Some("http://127.0.0.1:3000"));
        assert_eq!(url("not listening on anything"), None);
    }
}
