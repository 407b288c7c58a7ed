//! The file: lines are appended and synced before they are acknowledged, and the file is rewritten where something has
//! to be erased.

use crate::flaw::Flaw;
use crate::line::Line;
use crate::state::State;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The file, as far as this process has read it.
pub(crate) struct Journal {
    path: PathBuf,
    /// The process that has locked this file owns the other, under whatever name it is rewritten.
    lock: File,
    file: File,
    read_to: u64,
    pub(crate) state: State,
    flaw: Flaw,
}

fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn to_text(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}

impl Journal {
    pub(crate) fn open(directory: &Path, flaw: Flaw) -> io::Result<Self> {
        let (path, lock) = (directory.join("journal"), open_file(&directory.join("lock"))?);
        let file = open_file(&path)?;
        let mut journal = Self { path, lock, file, read_to: 0, state: State::default(), flaw };
        journal.locked(|_| ())?;
        (flaw.lose)(&mut journal.state);
        Ok(journal)
    }

    /// Lets `work` have the file exclusively, read up to its end.
    pub(crate) fn locked<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> io::Result<T> {
        self.lock.lock()?;
        let done = self.catch_up().map(|()| work(self));
        self.lock.unlock()?;
        done
    }

    /// Reads what others have written.
    fn catch_up(&mut self) -> io::Result<()> {
        if fs::metadata(&self.path)?.ino() != self.file.metadata()?.ino() {
            (self.file, self.read_to) = (open_file(&self.path)?, 0);
            self.state = State::default();
        }
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(self.read_to))?;
        self.file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        for line in text[..whole].split_inclusive(|byte| *byte == b'\n') {
            self.state.apply(serde_json::from_slice(line)?, &self.flaw);
        }
        self.read_to += whole as u64;
        if whole < text.len() {
            // The process that wrote it died before the end of the line, and acknowledged nothing.
            self.file.set_len(self.read_to)?;
        }
        Ok(())
    }

    /// Writes a line. After an error it is unknown whether it is there; the next reader finds out.
    pub(crate) fn commit(&mut self, mut line: Line) -> io::Result<()> {
        (self.flaw.distort)(&mut line);
        if line.erases() && !self.flaw.keeps_lines {
            self.state.apply(line, &self.flaw);
            return self.write_anew();
        }
        let text = to_text(&line)?;
        self.file.seek(SeekFrom::Start(self.read_to))?;
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        self.read_to += text.len() as u64;
        self.state.apply(line, &self.flaw);
        Ok(())
    }

    fn write_anew(&mut self) -> io::Result<()> {
        // The file that then has this name is read from its beginning.
        let all = Line::All(mem::take(&mut self.state));
        self.read_to = 0;
        let anew = self.path.with_extension("anew");
        let mut file = File::create(&anew)?;
        file.write_all(&to_text(&all)?)?;
        file.sync_all()?;
        fs::rename(&anew, &self.path)?;
        File::open(self.path.parent().expect("it is in a directory"))?.sync_all()
    }
}
