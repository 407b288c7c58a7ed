use std::time::Duration;

/// CPU time that this process has used so far, to 10 ms; `None` where there is no procfs.
pub(crate) fn process_time() -> Option<Duration> {
    parse(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// The kernel counts in USER_HZ, which is 100 on every architecture that Rust's std runs on.
const TICK: Duration = Duration::from_millis(10);

/// See proc(5): `utime` and `stime` are the fields 14 and 15, and the second, the name of the
/// program, may hold blanks and parentheses.
fn parse(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * user.checked_add(system)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_two_fields_after_a_strange_name() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194560 1 2 3 4 120 35 9 9 20 0 1 0 5";
        assert_eq!(parse(stat), Some(Duration::from_millis(1550)));
        assert_eq!(parse("nonsense"), None);
    }
}
