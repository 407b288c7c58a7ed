//! Checks that the write-ahead log holds what its index says.
//!
//! SQLite counts the log's frames in the index, and relies on that: it does not check whether they are still in the
//! file. If the log is truncated, what was committed is gone and SQLite goes on as before. The index is mapped into
//! memory: if it is truncated, the next access to it ends the process (SIGBUS). So this checks both: their lengths,
//! whether the log's header is that of the index, and whether the last frames exist of what was committed at the
//! previous check and of what is committed now. All others in between are assumed to exist if those do.
//!
//! Other processes that have the database open may copy the log into it, begin the log anew and truncate it at
//! any time, and update the index first. A difference is an error only if the index is the same before and after.
//! The formats: <https://sqlite.org/walformat.html>.

use crate::paths::{FileId, Moved, id_of, look, look_failed};
use std::cmp::Ordering as CmpOrdering;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const HEADER_BYTES: usize = 48;
/// The index begins with its header, twice, and how many frames were copied into the database. After the readers'
/// marks and locks comes how many frames a checkpoint has attempted to copy.
const INDEX_BYTES: usize = ATTEMPTED_AT + 4;
const COPIED_AT: usize = 2 * HEADER_BYTES;
const ATTEMPTED_AT: usize = 128;
const INDEX_VERSION: u32 = 3_007_000;
/// The index grows by parts of this.
const INDEX_PART_BYTES: u64 = 32 << 10;
/// How many frames each part covers, and how many fewer the first, which has everything else in it.
const PART_FRAMES: u64 = 4_096;
const FIRST_PART_FEWER: u64 = 34;

const LOG_HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: u64 = 24;
/// The magic number of a log; its last bit says how its checksums are made.
const LOG_MAGIC: u32 = 0x377f_0682;

/// The log and its index, as they were when the database was opened.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    id: FileId,
    /// SQLite locks nothing in this file, so it may be closed.
    file: File,
    index_path: PathBuf,
    index_id: FileId,
    index: Arc<File>,
    index_bytes: AtomicU64,
    /// For good: the next process to open the database restores the index's length, but not its content.
    is_index_cut: AtomicBool,
    seen: Mutex<Option<Seen>>,
}

/// The end of what was committed, and the beginning of the log.
#[derive(Debug, Clone, Copy)]
struct Seen {
    frames: u32,
    stamp: Stamp,
    header: [u8; LOG_HEADER_BYTES as usize],
}

/// The salts of a log and the running checksum of a frame, as in the frame's header.
type Stamp = [u8; 16];

/// The beginning of the index at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Index {
    header: [u8; HEADER_BYTES],
    copied: u32,
    attempted: u32,
}

/// Changes whenever a checkpoint begins or ends, or the log begins anew: its salts, how many frames were copied,
/// and how many a checkpoint attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Copying {
    salts: [u8; 8],
    copied: u32,
    attempted: u32,
}

impl Log {
    /// Records the files, which a connection of this process has open and keeps open.
    pub(crate) fn opened(path: PathBuf, index_path: PathBuf) -> Result<Self, Moved> {
        let file = File::open(&path).map_err(|error| look_failed(&path, error))?;
        let found = file.metadata().map_err(|error| look_failed(&path, error))?;
        let (index_id, index) = keep_open(&index_path)?;
        let index_bytes = AtomicU64::new(look(&index_path)?.1);
        Ok(Self {
            path,
            id: id_of(&found),
            file,
            index_path,
            index_id,
            index,
            index_bytes,
            is_index_cut: AtomicBool::new(false),
            seen: Mutex::default(),
        })
    }

    /// The index's header; `None` while it is being written, and if it is invalid: SQLite rebuilds it from
    /// the log then.
    pub(crate) fn index(&self) -> Option<Index> {
        let mut bytes = [0; INDEX_BYTES];
        read_at(&self.index, &mut bytes, 0).ok()?;
        Index::parse(&bytes)
    }

    /// Makes sure that the paths name the open files, and that the index was not truncated: no process may
    /// do that while it is open.
    pub(crate) fn check_files(&self) -> Result<(), Moved> {
        if look(&self.path)?.0 != self.id {
            return Err(Moved::Replaced(self.path.clone()));
        }
        let bytes_min = self.index_bytes.load(Ordering::Acquire);
        let (id, bytes) = look(&self.index_path)?;
        if id != self.index_id {
            return Err(Moved::Replaced(self.index_path.clone()));
        }
        self.check_index(bytes >= bytes_min)?;
        self.index_bytes.fetch_max(bytes, Ordering::AcqRel);
        Ok(())
    }

    fn check_index(&self, is_long_enough: bool) -> Result<(), Moved> {
        if !is_long_enough {
            self.is_index_cut.store(true, Ordering::Release);
        }
        match self.is_index_cut.load(Ordering::Acquire) {
            true => Err(Moved::IndexCut(self.index_path.clone())),
            false => Ok(()),
        }
    }

    /// Makes sure that what `index` counts is in the log, and that what was there before still is. The files
    /// were checked since it was read.
    pub(crate) fn check(&self, index: &Index) -> Result<(), Moved> {
        self.check_index(self.index_bytes.load(Ordering::Acquire) >= index.bytes_min())?;
        let spoilt = || Moved::LogSpoilt(self.path.clone());
        let before = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if index.frames() == 0 {
            // A log that begins anew gets other salts; an index that was lost and rebuilt from a log without a
            // single frame has the same, or none.
            let stamp = index.stamp();
            let salts = &stamp[..8];
            let is_lost = |before: Seen| before.stamp[..8] == *salts || *salts == [0; 8];
            if before.is_some_and(is_lost) {
                return Err(spoilt());
            }
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return Ok(());
        }
        let bytes = self.file.metadata().map_err(|error| look_failed(&self.path, error))?.len();
        if bytes < index.log_bytes_min() {
            return Err(spoilt());
        }
        let mut header = [0; LOG_HEADER_BYTES as usize];
        self.read(&mut header, 0)?;
        let now = Seen { frames: index.frames(), stamp: index.stamp(), header };
        let is_of_index = is_magic(&header) && header[16..24] == now.stamp[..8];
        if !is_of_index || self.stamp_at(index, now.frames)? != now.stamp {
            return Err(spoilt());
        }
        // Otherwise the log began anew meanwhile.
        if let Some(before) = before.filter(|before| before.stamp[..8] == now.stamp[..8]) {
            let ends_as_before = match before.frames.cmp(&now.frames) {
                CmpOrdering::Less => self.stamp_at(index, before.frames)? == before.stamp,
                CmpOrdering::Equal => now.stamp == before.stamp,
                // Fewer frames than before.
                CmpOrdering::Greater => false,
            };
            if before.header != header || !ends_as_before {
                return Err(spoilt());
            }
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }

    /// The least length of a database of `bytes` for as long as [`copying`](Index::copying) is the same.
    pub(crate) fn database_bytes_left(&self, index: &Index, bytes: u64) -> Result<u64, Moved> {
        index.database_bytes_left(bytes, |frame| self.pages_after(index, frame))
    }

    /// How many pages the database had after a frame that ended a transaction.
    fn pages_after(&self, index: &Index, frame: u32) -> Result<u32, Moved> {
        /// A frame's header begins with the page's number.
        const BEFORE_PAGES: u64 = 4;
        let mut pages = [0; 4];
        self.read(&mut pages, index.log_bytes(frame - 1) + BEFORE_PAGES)?;
        Ok(u32::from_be_bytes(pages))
    }

    fn stamp_at(&self, index: &Index, frame: u32) -> Result<Stamp, Moved> {
        /// A frame's header begins with the page's number and how many pages there are.
        const BEFORE_STAMP: u64 = 8;
        let mut stamp = Stamp::default();
        self.read(&mut stamp, index.log_bytes(frame - 1) + BEFORE_STAMP)?;
        Ok(stamp)
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), Moved> {
        read_at(&self.file, bytes, at).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Moved::LogSpoilt(self.path.clone()),
            _ => look_failed(&self.path, error),
        })
    }
}

impl Index {
    fn parse(bytes: &[u8; INDEX_BYTES]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (second, _) = rest.split_first_chunk::<HEADER_BYTES>()?;
        let number = |at: usize| bytes[at..].first_chunk().copied().map(u32::from_ne_bytes);
        let (copied, attempted) = (number(COPIED_AT)?, number(ATTEMPTED_AT)?);
        let index = Self { header: *first, copied, attempted };
        let is_whole = first == second && index.number(0) == INDEX_VERSION && first[12] == 1;
        is_whole.then_some(index)
    }

    fn number(&self, at: usize) -> u32 {
        let bytes = self.header[at..].first_chunk().expect("it is within the header");
        u32::from_ne_bytes(*bytes)
    }

    /// A page of 64 KiB is stored as 1.
    fn page_bytes(&self) -> u64 {
        let bits = u16::from_ne_bytes([self.header[14], self.header[15]]);
        u64::from(bits & 0xfe00) + (u64::from(bits & 1) << 16)
    }

    /// How many frames of the log count; none once it was copied and may begin anew.
    fn frames(&self) -> u32 {
        self.number(16)
    }

    fn stamp(&self) -> Stamp {
        let mut stamp = Stamp::default();
        stamp[..8].copy_from_slice(&self.header[32..40]);
        // The index uses the machine's byte order, but the log does not.
        stamp[8..12].copy_from_slice(&self.number(24).to_be_bytes());
        stamp[12..].copy_from_slice(&self.number(28).to_be_bytes());
        stamp
    }

    /// The length of the log after so many frames.
    fn log_bytes(&self, frames: u32) -> u64 {
        LOG_HEADER_BYTES + u64::from(frames) * (FRAME_HEADER_BYTES + self.page_bytes())
    }

    fn log_bytes_min(&self) -> u64 {
        self.log_bytes(self.frames())
    }

    /// The least length of the index: a frame is in it before it counts.
    fn bytes_min(&self) -> u64 {
        let parts = (u64::from(self.frames()) + FIRST_PART_FEWER).div_ceil(PART_FRAMES);
        parts * INDEX_PART_BYTES
    }

    /// The least length of the database, if the whole log was copied into it: SQLite sets exactly this
    /// length then.
    pub(crate) fn database_bytes_min(&self) -> Option<u64> {
        let is_copied = self.copied >= self.frames();
        is_copied.then(|| self.database_bytes())
    }

    /// The length of the database once all of the log is copied into it.
    fn database_bytes(&self) -> u64 {
        u64::from(self.number(20)) * self.page_bytes()
    }

    pub(crate) fn copying(&self) -> Copying {
        let mut salts = [0; 8];
        salts.copy_from_slice(&self.header[32..40]);
        Copying { salts, copied: self.copied, attempted: self.attempted }
    }

    /// The least length of a database of `bytes` for as long as [`copying`](Self::copying) is the same. Only a
    /// checkpoint of the whole log shortens it, to what it was after the log's last frame. It stores that frame's
    /// number first, and may still shorten the file after a later commit, if it checked for one just before.
    fn database_bytes_left<E>(
        &self,
        bytes: u64,
        pages_after: impl FnOnce(u32) -> Result<u32, E>,
    ) -> Result<u64, E> {
        // Also so where it was killed, and where the index was rebuilt from the log.
        let has_begun = self.attempted > self.copied;
        let left = match self.attempted.cmp(&self.frames()) {
            _ if !has_begun => bytes,
            CmpOrdering::Less => u64::from(pages_after(self.attempted)?) * self.page_bytes(),
            CmpOrdering::Equal => self.database_bytes(),
            // The log begins anew, or the index was read while it changed.
            CmpOrdering::Greater => 0,
        };
        Ok(bytes.min(left))
    }
}

fn is_magic(header: &[u8]) -> bool {
    header.first_chunk().is_some_and(|first| u32::from_be_bytes(*first) & !1 == LOG_MAGIC)
}

/// Opens the index of a log to read it, once in the life of this process.
///
/// Closing any handle on the index releases all locks that the process holds in it (POSIX advisory locks),
/// and other processes could do what those prevent. So it stays open and is shared with later opens of the
/// same file, until the file is deleted, which SQLite does when the last connection is closed.
fn keep_open(path: &Path) -> Result<(FileId, Arc<File>), Moved> {
    static OPEN: Mutex<Vec<(FileId, Arc<File>)>> = Mutex::new(Vec::new());
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|(_, file)| !is_deleted(file));
    let (id, _) = look(path)?;
    if let Some(found) = open.iter().find(|(other, _)| *other == id) {
        return Ok(found.clone());
    }
    let file = Arc::new(File::open(path).map_err(|error| look_failed(path, error))?);
    // The path may name another file by now.
    let id = file.metadata().map_or(id, |found| id_of(&found));
    open.push((id, Arc::clone(&file)));
    Ok((id, file))
}

#[cfg(unix)]
fn is_deleted(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|found| found.nlink() == 0)
}

#[cfg(not(unix))]
fn is_deleted(_: &File) -> bool {
    false
}

/// Reads without moving a shared file position.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

/// Where locks keep readers out, the index cannot be read, and nothing is known of the log.
#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header as SQLite writes it, of a log with so many frames.
    fn index(frames: u32, copied: u32, page: u16) -> [u8; INDEX_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&INDEX_VERSION.to_ne_bytes());
        header[12] = 1;
        header[14..16].copy_from_slice(&page.to_ne_bytes());
        header[16..20].copy_from_slice(&frames.to_ne_bytes());
        header[20..24].copy_from_slice(&7_u32.to_ne_bytes());
        let mut bytes = [0; INDEX_BYTES];
        bytes[..HEADER_BYTES].copy_from_slice(&header);
        bytes[HEADER_BYTES..2 * HEADER_BYTES].copy_from_slice(&header);
        bytes[COPIED_AT..][..4].copy_from_slice(&copied.to_ne_bytes());
        bytes
    }

    fn parsed(frames: u32, copied: u32, page: u16) -> Index {
        Index::parse(&index(frames, copied, page)).expect("it is whole")
    }

    #[test]
    fn an_index_gives_the_length_of_the_files() {
        let found = parsed(3, 2, 4_096);
        assert_eq!(found.log_bytes_min(), 32 + 3 * (24 + 4_096));
        assert_eq!(found.database_bytes_min(), None);
        assert_eq!(parsed(3, 3, 4_096).database_bytes_min(), Some(7 * 4_096));
        assert_eq!(parsed(0, 0, 1).database_bytes_min(), Some(7 << 16));
        for (frames, parts) in [(0, 1), (1, 1), (4_062, 1), (4_063, 2), (8_158, 2), (8_159, 3)] {
            assert_eq!(parsed(frames, 0, 4_096).bytes_min(), parts << 15, "{frames}");
        }
    }

    #[test]
    fn only_a_checkpoint_that_has_begun_may_shorten_the_database() {
        /// More than the 7 pages that the log makes of it.
        const BYTES: u64 = 9 * 4_096;
        let attempted = |frames, copied, attempted: u32| {
            let mut bytes = index(frames, copied, 4_096);
            bytes[ATTEMPTED_AT..].copy_from_slice(&attempted.to_ne_bytes());
            Index::parse(&bytes).expect("it is whole")
        };
        for (frames, copied, tried, left) in [
            (0, 0, 0, BYTES),
            (5, 0, 0, BYTES),
            (5, 3, 3, BYTES),
            // A checkpoint copies all of it, or was killed while it did.
            (5, 3, 5, 7 * 4_096),
            (5, 0, 5, 7 * 4_096),
            // It was all when the checkpoint began, and is not any more.
            (6, 0, 5, 8 * 4_096),
            (4, 0, 5, 0),
        ] {
            let index = attempted(frames, copied, tried);
            let left_of = |bytes| {
                index.database_bytes_left(bytes, |frame| {
                    assert_eq!(frame, tried);
                    Ok::<_, Moved>(8)
                })
            };
            assert_eq!(left_of(BYTES).expect("known"), left, "{frames} {copied} {tried}");
            // One that is shorter than that is not made longer.
            assert_eq!(left_of(4_096).expect("known"), left.min(4_096));
        }
        assert_eq!(attempted(5, 3, 3).copying(), attempted(6, 3, 3).copying());
        for other in [attempted(5, 4, 4), attempted(5, 3, 5), attempted(5, 0, 0)] {
            assert_ne!(attempted(5, 3, 3).copying(), other.copying());
        }
    }

    #[test]
    fn an_index_that_is_being_written_is_ignored() {
        for changed in [0, 12, 16, HEADER_BYTES + 16] {
            let mut bytes = index(3, 0, 4_096);
            bytes[changed] ^= 0x5A;
            assert_eq!(Index::parse(&bytes), None, "{changed}");
        }
        assert_eq!(Index::parse(&[0; INDEX_BYTES]), None);
    }
}
