//! The people of one event, packed so that a part of a name is found among a million in milliseconds.
//!
//! Registrations are in the order of their versions, 4 in a chunk and 64 chunks in a block. The texts of a chunk
//! are one text, to be searched at once. A block has a row of bits for each of [`GRAMS`] classes of three bytes,
//! which records in which of its chunks such three bytes are: a chunk that cannot match is not searched. Names of
//! few syllables have most of them in any 64 people, and so chunks are small.

use booking_core::{EventStatus, Registration, RegistrationFilter, RegistrationId, Status};
use chrono::{DateTime, Utc};
use memchr::memmem::Finder;
use std::collections::BTreeMap;
use std::mem::size_of;

/// The number of classes of three bytes in a row.
const GRAMS: usize = 2_048;
/// How many registrations are in a chunk.
const CHUNK: usize = 4;
/// How many chunks are in a block: as many as a word has bits.
const BLOCK: usize = 64;
/// The separator of two registrations' texts. No search text contains it.
const BETWEEN: char = '\n';

/// The people of one event.
#[derive(Default)]
pub(super) struct Index {
    blocks: Vec<Block>,
    /// When those run out that do.
    ends: BTreeMap<u64, DateTime<Utc>>,
    bytes: usize,
}

struct Block {
    /// A word for each class: bit n is of the nth chunk.
    grams: Box<[u64]>,
    chunks: Vec<Chunk>,
}

#[derive(Default)]
struct Chunk {
    rows: Vec<Row>,
    text: String,
}

/// The row of a registration. Its text is in that of its chunk, from `start` on.
#[derive(Clone, Copy)]
struct Row {
    version: u64,
    id: RegistrationId,
    start: u32,
    status: Status,
    is_inside: bool,
}

/// A registration for the index.
pub(super) struct Entry {
    row: Row,
    /// When it runs out, if it does.
    end: Option<DateTime<Utc>>,
    text: String,
}

/// What is searched for.
pub(super) struct Wanted<'a> {
    pub(super) filter: &'a RegistrationFilter,
    /// The state that their event is in.
    pub(super) event: EventStatus,
    /// The current time, as far as a server knows: it decides only how many are counted.
    pub(super) now: DateTime<Utc>,
    finder: Option<Finder<'a>>,
    grams: Vec<usize>,
}

/// The result: the first possible matches after some version, to be checked against the store, and how many there
/// are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) ids: Vec<RegistrationId>,
    /// Where looking for more begins.
    pub(super) last: Option<u64>,
    pub(super) count: usize,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(
        filter: &'a RegistrationFilter,
        event: EventStatus,
        now: DateTime<Utc>,
    ) -> Self {
        let text = filter.text.as_ref().map(booking_core::SearchText::as_str);
        let finder = text.map(|text| Finder::new(text.as_bytes()));
        let mut grams: Vec<usize> = text.map(grams_of).into_iter().flatten().collect();
        grams.sort_unstable();
        grams.dedup();
        Self { filter, event, now, finder, grams }
    }

    /// Whether a registration may match, whatever time has changed.
    fn may_be(&self, row: &Row) -> bool {
        let shown = shown(row.status, self.event);
        self.filter.takes_check_in(row.is_inside)
            && (self.filter.takes_status(shown)
                || row.status.runs_out() && self.filter.takes_status(Status::Expired))
    }
}

/// The status that a registration is shown with while it has not expired.
fn shown(status: Status, event: EventStatus) -> Status {
    if event == EventStatus::Cancelled && status.is_live() { Status::Cancelled } else { status }
}

impl Index {
    /// How much memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The version that made the last one.
    pub(super) fn last(&self) -> Option<u64> {
        self.blocks.last()?.chunks.last()?.rows.last().map(|row| row.version)
    }

    /// Adds a registration: a new one at the end, or the current state of one that is there.
    pub(super) fn put(&mut self, entry: &Entry) {
        self.ends.remove(&entry.row.version);
        if let Some(end) = entry.end {
            self.ends.insert(entry.row.version, end);
        }
        if self.last().is_none_or(|last| last < entry.row.version) {
            self.append(entry);
        } else {
            self.replace(entry);
        }
    }

    fn append(&mut self, Entry { row, text, .. }: &Entry) {
        if self.blocks.last().is_none_or(Block::is_full) {
            self.blocks.push(Block::new());
            self.bytes += GRAMS * size_of::<u64>();
        }
        let Some(block) = self.blocks.last_mut() else { return };
        if block.chunks.last().is_none_or(|chunk| chunk.rows.len() == CHUNK) {
            let rows = Vec::with_capacity(CHUNK);
            block.chunks.push(Chunk { rows, text: String::new() });
            self.bytes += size_of::<Chunk>() + CHUNK * size_of::<Row>();
        }
        let at = block.chunks.len() - 1;
        block.note(at, text);
        let Some(chunk) = block.chunks.last_mut() else { return };
        let before = chunk.text.capacity();
        chunk.push(*row, text);
        self.bytes = self.bytes + chunk.text.capacity() - before;
    }

    fn replace(&mut self, Entry { row, text, .. }: &Entry) {
        let version = row.version;
        let at = self.blocks.partition_point(|block| block.first() <= version);
        let Some(block) = at.checked_sub(1).and_then(|at| self.blocks.get_mut(at)) else { return };
        let at = block.chunks.partition_point(|chunk| chunk.first() <= version);
        let Some(at) = at.checked_sub(1) else { return };
        block.note(at, text);
        let chunk = &mut block.chunks[at];
        let before = chunk.text.capacity();
        chunk.replace(*row, text);
        self.bytes = self.bytes + chunk.text.capacity() - before;
    }

    /// The number of blocks to be searched.
    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Searches one block: adds to `seen` the matches after version `after`, until it has `ids_max` of them, and
    /// counts until `count_max`. Returns whether the search is complete.
    pub(super) fn look(
        &self,
        at: usize,
        wanted: &Wanted<'_>,
        after: u64,
        (ids_max, count_max): (usize, usize),
        seen: &mut Seen,
    ) -> bool {
        let block = &self.blocks[at];
        let mut chunks = block.with_all(&wanted.grams);
        while chunks != 0 {
            let chunk = &block.chunks[chunks.trailing_zeros() as usize];
            chunks &= chunks - 1;
            for row in chunk.matches(wanted.finder.as_ref()).filter(|row| wanted.may_be(row)) {
                let is_counted = seen.count < count_max && self.counts(row, wanted);
                seen.count += usize::from(is_counted);
                if row.version > after && seen.ids.len() < ids_max {
                    seen.ids.push(row.id);
                    seen.last = Some(row.version);
                }
                if seen.ids.len() == ids_max && seen.count == count_max {
                    return true;
                }
            }
        }
        false
    }

    /// Whether a possible match is one at the current time.
    fn counts(&self, row: &Row, wanted: &Wanted<'_>) -> bool {
        let has_run_out = || self.ends.get(&row.version).is_none_or(|end| *end <= wanted.now);
        let status = match row.status.runs_out() && has_run_out() {
            true => Status::Expired,
            false => shown(row.status, wanted.event),
        };
        wanted.filter.takes_status(status)
    }
}

impl Block {
    fn new() -> Self {
        Self { grams: vec![0; GRAMS].into(), chunks: Vec::new() }
    }

    fn is_full(&self) -> bool {
        self.chunks.len() == BLOCK
            && self.chunks.last().is_some_and(|last| last.rows.len() == CHUNK)
    }

    fn first(&self) -> u64 {
        self.chunks.first().map_or(0, Chunk::first)
    }

    /// Records the three-byte classes of a text in a chunk. Those of an older text stay recorded, and cost a search
    /// in vain.
    fn note(&mut self, at: usize, text: &str) {
        for gram in text.split(BETWEEN).flat_map(grams_of) {
            self.grams[gram] |= 1 << at;
        }
    }

    /// The chunks that may contain all of them: a bit for each.
    fn with_all(&self, grams: &[usize]) -> u64 {
        let there = u64::MAX >> (BLOCK - self.chunks.len().clamp(1, BLOCK));
        grams.iter().fold(there, |chunks, gram| chunks & self.grams[*gram])
    }
}

impl Chunk {
    fn first(&self) -> u64 {
        self.rows.first().map_or(0, |row| row.version)
    }

    fn push(&mut self, row: Row, text: &str) {
        // So many names and addresses do not fill four gibibytes.
        let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.rows.push(Row { start, ..row });
        self.text.push_str(text);
        self.text.push(BETWEEN);
        if self.rows.len() == CHUNK {
            self.text.shrink_to_fit();
        }
    }

    /// Writes the chunk anew: nothing is left of the old text.
    fn replace(&mut self, row: Row, text: &str) {
        let before = std::mem::take(self);
        self.rows = Vec::with_capacity(CHUNK);
        for (at, known) in before.rows.iter().enumerate() {
            if known.version == row.version {
                self.push(row, text);
            } else {
                let end =
                    before.rows.get(at + 1).map_or(before.text.len(), |next| next.start as usize);
                let known_text = before.text.get(known.start as usize..end).unwrap_or_default();
                self.push(*known, known_text.strip_suffix(BETWEEN).unwrap_or(known_text));
            }
        }
    }

    /// The rows whose texts match, in their order; all of them without a search text.
    fn matches(&self, finder: Option<&Finder<'_>>) -> impl Iterator<Item = &Row> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let row = self.rows.get(next)?;
            let Some(finder) = finder else {
                next += 1;
                return Some(row);
            };
            let rest = self.text.as_bytes().get(row.start as usize..)?;
            let at = row.start as usize + finder.find(rest)?;
            next = self.rows.partition_point(|row| row.start as usize <= at);
            next.checked_sub(1).and_then(|found| self.rows.get(found))
        })
    }
}

impl Entry {
    pub(super) fn of(registration: &Registration) -> Self {
        let row = Row {
            version: registration.created_version.get(),
            id: registration.id,
            start: 0,
            status: registration.status,
            is_inside: registration.check_in.is_some(),
        };
        let end = registration.expires_at.filter(|_| registration.status.runs_out());
        Self { row, end, text: registration.person.search_text() }
    }

    /// The version that made it.
    pub(super) fn version(&self) -> u64 {
        self.row.version
    }
}

/// The classes of all three bytes in a row of a text.
fn grams_of(text: &str) -> impl Iterator<Item = usize> {
    text.as_bytes().windows(3).map(|gram| {
        let number = gram.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte));
        // The upper bits of a product with the golden ratio: as many as index the classes.
        (number.wrapping_mul(0x9e37_79b1) >> (u32::BITS - GRAMS.trailing_zeros())) as usize
    })
}
