//! Which file a path names, and whether it still does.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The most links in a row that are followed to a file that does not exist, as many as Linux
/// follows.
const LINKS_MAX: usize = 40;

/// Identifies a file independent of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

/// What happened to a file.
#[derive(Debug, Error)]
pub(crate) enum Moved {
    #[error("there is no file {} any more", .0.display())]
    Gone(PathBuf),
    #[error("{} is another file than the one that was opened", .0.display())]
    Replaced(PathBuf),
    #[error("{} was cut off or written over, so that it is not the database any more", .0.display())]
    Overwritten(PathBuf),
    #[error("{} was cut off or written over, and what was committed to it is not all there", .0.display())]
    LogSpoilt(PathBuf),
    #[error("{} was cut off: it is shorter than SQLite has made it", .0.display())]
    IndexCut(PathBuf),
    #[error("nobody can tell whether {} is the file that was opened", path.display())]
    Unknown {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl FileId {
    /// Describes the file that `path` names.
    pub(crate) fn identity(&self, path: &Path) -> String {
        match self {
            // On systems without such ids.
            Self { device: 0, inode: 0 } => followed(path).display().to_string(),
            Self { device, inode } => format!("file {inode} of device {device}"),
        }
    }
}

impl Moved {
    /// What the operator has to do.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Gone(_) | Self::Replaced(_) | Self::Unknown { .. } => {
                "until it is back. If there is no copy of it, do not stop this server: what it holds open is the last \
                 one"
            }
            Self::Overwritten(_) | Self::LogSpoilt(_) => {
                "until the server is started again. Stop it, keep the files as they are, and put a backup in their \
                 place, or see with audit what is left"
            }
            Self::IndexCut(_) => {
                "until the server is started again. Nothing is lost: the index is made anew from the log"
            }
        }
    }
}

/// The name of a file beside the database. SQLite resolves links before it creates it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = followed(path).into_os_string();
    name.push(suffix);
    name.into()
}

/// Where links lead, even if nothing is there.
fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS_MAX {
        if let Ok(whole) = fs::canonicalize(&path) {
            return whole;
        }
        let Ok(target) = fs::read_link(&path) else { break };
        path = path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target));
    }
    path
}

/// Which file a path names, and its length. By name, and never by opening it: closing a second handle would
/// release the locks that SQLite holds through its own.
pub(crate) fn look(path: &Path) -> Result<(FileId, u64), Moved> {
    let found = fs::metadata(path).map_err(|error| look_failed(path, error))?;
    Ok((id_of(&found), found.len()))
}

pub(crate) fn look_failed(path: &Path, source: io::Error) -> Moved {
    let path = path.to_path_buf();
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Moved::Gone(path),
        _ => Moved::Unknown { path, source },
    }
}

#[cfg(unix)]
pub(crate) fn id_of(found: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    FileId { device: found.dev(), inode: found.ino() }
}

/// Without such ids only missing files are noticed; such a system does not let open files be replaced.
#[cfg(not(unix))]
pub(crate) fn id_of(_: &Metadata) -> FileId {
    FileId { device: 0, inode: 0 }
}
