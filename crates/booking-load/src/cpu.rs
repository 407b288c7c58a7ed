//! CPU time of processes: from `/proc/<pid>/stat`, to 10 ms.

use std::time::Duration;

/// CPU time that this process has used so far; `None` where there is no procfs.
pub(crate) fn process_time() -> Option<Duration> {
    Some(stat("self")?.own)
}

/// The kernel counts in USER_HZ, which is 100 on every architecture that Rust's std runs on.
const TICK: Duration = Duration::from_millis(10);

/// What the kernel reports of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The parent process.
    pub parent: u32,
    /// Its own CPU time.
    pub own: Duration,
    /// CPU time of its finished children.
    pub children: Duration,
}

/// Reads a process, named by its id or as `self`; `None` if there is no such process or no procfs.
pub fn stat(process: &str) -> Option<Stat> {
    parse(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// See proc(5): the name, which may hold blanks and parentheses, then `state`, `ppid`; `utime`,
/// `stime`, `cutime` and `cstime` are the fields 14 to 17.
fn parse(stat: &str) -> Option<Stat> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(1);
    let parent = fields.next()?.parse().ok()?;
    let mut times = fields.skip(9).map_while(|field| field.parse::<u32>().ok());
    let mut both = || Some(TICK * times.next()?.checked_add(times.next()?)?);
    Some(Stat { parent, own: both()?, children: both()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_fields_after_a_strange_name() {
        let line = "7 (a) b) (c) S 42 7 7 0 -1 4194560 1 2 3 4 120 35 9 1 20 0 1 0 5";
        let stat = parse(line).expect("it is well formed");
        let milliseconds = Duration::from_millis;
        let expected = Stat { parent: 42, own: milliseconds(1_550), children: milliseconds(100) };
        assert_eq!(stat, expected);
        assert_eq!(parse("nonsense"), None);
    }
}
