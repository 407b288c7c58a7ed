//! Shared by several tests here.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

const ROLE: &str = "BOOKING_TESTKIT_CHILD";

/// This test program, run again with one test as a process that can be killed.
pub(crate) struct TestProcess(Child, BufReader<ChildStdout>);

/// Starts this test program again with only that test, to play a role.
pub(crate) fn start_child(test: &str, role: &str) -> TestProcess {
    let mut child = Command::new(env::current_exe().expect("this program has a path"))
        .args(["--exact", test, "--nocapture", "--quiet"])
        .env(ROLE, role)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program runs");
    let stdout = child.stdout.take().expect("it is piped");
    TestProcess(child, BufReader::new(stdout))
}

/// The role that this process was started for, if any.
pub(crate) fn child_role() -> Option<String> {
    env::var(ROLE).ok()
}

impl TestProcess {
    /// The rest of the first line with the prefix.
    pub(crate) fn wait_for(&mut self, prefix: &str) -> String {
        let mut lines = (&mut self.1).lines().map(|line| line.expect("the child prints text"));
        lines
            .find_map(|line| line.split_once(prefix).map(|(_, rest)| rest.to_owned()))
            .expect("the child prints the line before it ends")
    }

    /// Kills it by kill -9; returns its id.
    pub(crate) fn kill(&mut self) -> u32 {
        self.0.kill().expect("it waits for this");
        self.0.wait().expect("it is our child");
        self.0.id()
    }
}

/// Whether a condition comes true, with much patience for a busy machine.
pub(crate) fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}
