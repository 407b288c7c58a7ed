//! Processes: our user, their children, and signals.
//!
//! Signals go out through the shell's own `kill`, always to exact ids, because the standard library
//! cannot send them and this workspace forbids the unsafe code that could.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A user that PostgreSQL may run as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The account to drop to, if we are root: PostgreSQL refuses to run as root.
pub(crate) fn unprivileged_account() -> Option<Account> {
    static FOUND: OnceLock<Option<Account>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        if !is_root() {
            return None;
        }
        let account = ["postgres", "nobody"]
            .iter()
            .find_map(|name| Some(Account { uid: id(&["-u", name])?, gid: id(&["-g", name])? }));
        Some(account.expect("root needs a user `postgres` or `nobody` to run PostgreSQL as"))
    })
}

pub(crate) fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| id(&["-u"]) == Some(0))
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Sends a signal (`KILL`, `STOP`, …) to processes; a negative target is a process group. Processes that have ended
/// are ignored.
pub(crate) fn signal(name: &str, targets: &[i64]) {
    assert!(targets.iter().all(|&target| target.abs() > 1), "never everything: {targets:?}");
    if targets.is_empty() {
        return;
    }
    let status = Command::new("sh")
        .args(["-c", r#"for target in "$@"; do kill -s "$0" -- "$target"; done; true"#, name])
        .args(targets.iter().map(ToString::to_string))
        .stderr(Stdio::null())
        .status();
    assert!(status.is_ok_and(|status| status.success()), "the shell could not send SIG{name}");
}

/// One line of the system's process table.
#[derive(Clone, Copy, Debug)]
struct Entry {
    pid: u32,
    parent: u32,
    state: char,
}

/// A process's children, and theirs, and so on.
pub(crate) fn descendants(pid: u32) -> Vec<u32> {
    let table = process_table();
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(table.iter().filter(|entry| entry.parent == parent).map(|entry| entry.pid));
        next += 1;
    }
    found.split_off(1)
}

/// Whether a process still runs; one that has ended but was not waited for does not.
pub(crate) fn runs(pid: u32) -> bool {
    state(pid).is_some_and(|state| state != 'Z' && state != 'X')
}

/// The one-letter state of a process: `R`, `S`, `T` (stopped), `Z` (ended, not waited for).
pub(crate) fn state(pid: u32) -> Option<char> {
    if fs::exists("/proc/self/stat").unwrap_or(false) {
        return parse_stat(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
            .map(|entry| entry.state);
    }
    process_table().iter().find(|entry| entry.pid == pid).map(|entry| entry.state)
}

/// Waits until `condition` holds; returns whether it did in time.
pub(crate) fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Waits for a child to end, and returns its status.
pub(crate) fn wait_for_exit(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let mut status = None;
    wait_until(limit, || {
        status = child.try_wait().expect("a child of ours can be waited for");
        status.is_some()
    });
    status
}

/// Kills the group of a child that leads one, and all descendants, and waits until they have ended.
pub(crate) fn kill_with_descendants(child: &mut Child, limit: Duration) {
    let descendants = descendants(child.id());
    let mut targets = vec![-i64::from(child.id())];
    targets.extend(descendants.iter().map(|&pid| i64::from(pid)));
    signal("KILL", &targets);
    let _ = wait_for_exit(child, limit);
    wait_until(limit, || !descendants.iter().any(|&pid| runs(pid)));
}

fn process_table() -> Vec<Entry> {
    let Ok(processes) = fs::read_dir("/proc").map(|folder| folder.flatten().collect::<Vec<_>>())
    else {
        return process_table_by_ps();
    };
    processes
        .iter()
        .filter_map(|process| {
            let pid = process.file_name().to_str()?.parse().ok()?;
            parse_stat(pid, &fs::read_to_string(process.path().join("stat")).ok()?)
        })
        .collect()
}

/// For systems without /proc.
fn process_table_by_ps() -> Vec<Entry> {
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid=,stat="])
        .output()
        .expect("without /proc there is ps");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (pid, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            Some(Entry { pid, parent, state: words.next()?.chars().next()? })
        })
        .collect()
}

/// `pid (name) state parent …`, where the name may hold anything, also spaces and parentheses.
fn parse_stat(pid: u32, stat: &str) -> Option<Entry> {
    let mut words = stat.rsplit_once(')')?.1.split_whitespace();
    let state = words.next()?.chars().next()?;
    Some(Entry { pid, parent: words.next()?.parse().ok()?, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_the_process_table_may_hold_anything() {
        let entry = parse_stat(7, "7 (a) b (c) T 42 7 7").expect("it is well formed");
        assert_eq!((entry.pid, entry.parent, entry.state), (7, 42, 'T'));
    }

    #[test]
    fn descendants_are_found_stopped_and_killed_by_their_ids() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & wait"])
            .spawn()
            .expect("there is a shell everywhere");
        let pid = shell.id();
        assert!(wait_until(Duration::from_secs(10), || descendants(pid).len() == 1));
        let child = descendants(pid)[0];

        signal("STOP", &[i64::from(child)]);
        assert!(wait_until(Duration::from_secs(10), || state(child) == Some('T')));
        signal("KILL", &[i64::from(child), i64::from(pid)]);
        assert!(wait_for_exit(&mut shell, Duration::from_secs(10)).is_some());
        assert!(wait_until(Duration::from_secs(10), || !runs(child)));
        assert!(!runs(pid));
    }
}
