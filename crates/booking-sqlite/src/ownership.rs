//! The owner of a file that cannot be opened. SQLite reports only "unable to open database file (error
//! 14)", and not who may not do what.

use crate::errors::OpenError;
use std::path::{Path, PathBuf};

/// What this process may not write, and its owner.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    path: PathBuf,
    user: u32,
    owner: u32,
    mode: u32,
}

impl Foreign {
    /// The error about it, for the database file `path`.
    pub(crate) fn into_error(self, path: PathBuf, source: rusqlite::Error) -> OpenError {
        let Self { path: foreign, user, owner, mode } = self;
        let source = Box::new(source);
        OpenError::NotOurs { path, foreign, user, owner, mode, source }
    }
}

/// What keeps this process from writing the database file `path`, if the reason is the owner of the file
/// or its folder. Access by the group is assumed to work: the process's groups are not checked.
#[cfg(unix)]
pub(crate) fn foreign(path: &Path) -> Option<Foreign> {
    use std::os::unix::fs::MetadataExt;
    // The owner of this is the process's user. Without it there is no hint.
    let user = std::fs::metadata("/proc/self").ok()?.uid();
    let first_foreign = |path: &Path| {
        let found = std::fs::metadata(path).ok()?;
        let (owner, mode) = (found.uid(), found.mode() & 0o7777);
        let is_foreign = !may_write(user, owner, mode);
        is_foreign.then(|| Foreign { path: path.to_path_buf(), user, owner, mode })
    };
    first_foreign(path).or_else(|| first_foreign(path.parent()?))
}

#[cfg(not(unix))]
pub(crate) fn foreign(_: &Path) -> Option<Foreign> {
    None
}

/// Whether `user` may write what `owner` owns, by its mode; root always may.
#[cfg(unix)]
fn may_write(user: u32, owner: u32, mode: u32) -> bool {
    const BY_GROUP_OR_OTHERS: u32 = 0o022;
    user == 0 || user == owner || mode & BY_GROUP_OR_OTHERS != 0
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_users_are_recognized() {
        assert!(!may_write(65_532, 0, 0o755));
        assert!(!may_write(65_532, 1_000, 0o600));
        for (user, owner, mode) in
            [(65_532, 65_532, 0o700), (0, 1_000, 0o700), (1, 0, 0o1777), (1, 0, 0o775)]
        {
            assert!(may_write(user, owner, mode), "{user} {owner} {mode:o}");
        }
        // Files that this process has created are its own.
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(foreign(&directory.path().join("x.db")), None);
        let error = Foreign { path: "/data".into(), user: 65_532, owner: 0, mode: 0o755 };
        let source = rusqlite::Error::InvalidQuery;
        let text = error.into_error("/data/booking.db".into(), source).to_string();
        for part in ["/data/booking.db", "user 65532", "user 0's", "755", "chown 65532 /data"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
