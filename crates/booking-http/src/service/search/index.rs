//! The people of one event, packed so that a part of a name is found among a million in milliseconds.
//!
//! Registrations are in the order of their versions, 4 in a chunk and 512 chunks in a block. A block has a row of bits
//! for each of [`GRAMS`] classes of three bytes, which records in which of its chunks such three bytes are: a chunk
//! that cannot match is not searched. Such a row is a cache line, since a search waits for little else than memory.
//! Names of few syllables have most of them in any 64 people, and so chunks are small.

use booking_core::{EventStatus, Registration, RegistrationFilter, RegistrationId, Status};
use chrono::{DateTime, Utc};
use memchr::memmem::Finder;
use std::collections::BTreeMap;
use std::mem::{size_of, size_of_val};

/// The number of classes of three bytes in a row.
const GRAMS: usize = 2_048;
/// How many registrations are in a chunk.
const CHUNK: usize = 4;
/// How many words a row of bits has: as many as a cache line.
const WORDS: usize = 8;
/// How many registrations are in a block: a chunk for each bit.
const BLOCK: usize = WORDS * u64::BITS as usize * CHUNK;
/// The separator of two registrations' texts. No search text contains it.
const BETWEEN: &str = "\n";

/// The people of one event.
#[derive(Default)]
pub(super) struct Index {
    blocks: Vec<Block>,
    /// When those run out that do.
    ends: BTreeMap<u64, DateTime<Utc>>,
    bytes: usize,
}

struct Block {
    /// For each class: bit n is of the nth chunk.
    grams: Box<[Bits]>,
    rows: Vec<Row>,
    /// Those of the rows, one after the other.
    text: String,
}

/// A bit for each chunk of a block.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Bits([u64; WORDS]);

/// The row of a registration. Its text is in that of its block, from `start` on.
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
        self.blocks.last()?.rows.last().map(|row| row.version)
    }

    /// Adds a registration: a new one at the end, or the current state of one that is there.
    pub(super) fn put(&mut self, entry: &Entry) {
        match entry.end {
            Some(end) => self.ends.insert(entry.row.version, end),
            None => self.ends.remove(&entry.row.version),
        };
        let is_new = self.last().is_none_or(|last| last < entry.row.version);
        if is_new && self.blocks.last().is_none_or(|last| last.rows.len() == BLOCK) {
            let block = Block::new();
            self.bytes += block.bytes();
            self.blocks.push(block);
        }
        let at = match is_new {
            true => self.blocks.len(),
            false => self.blocks.partition_point(|block| block.first() <= entry.row.version),
        };
        let Some(block) = at.checked_sub(1).and_then(|at| self.blocks.get_mut(at)) else { return };
        let before = block.bytes();
        if is_new {
            block.append(entry);
        } else {
            block.replace(entry);
        }
        self.bytes = self.bytes + block.bytes() - before;
    }

    /// Searches it: the matches after version `after`, of which it returns `ids_max` at most, and counts `count_max` of
    /// all.
    pub(super) fn look(
        &self,
        wanted: &Wanted<'_>,
        after: u64,
        (ids_max, count_max): (usize, usize),
    ) -> Seen {
        let mut seen = Seen::default();
        let possible = self.blocks.iter().flat_map(|block| block.possible(wanted));
        for row in possible.filter(|row| wanted.may_be(row)) {
            let is_counted = seen.count < count_max && self.counts(row, wanted);
            seen.count += usize::from(is_counted);
            if row.version > after && seen.ids.len() < ids_max {
                seen.ids.push(row.id);
                seen.last = Some(row.version);
            }
            if seen.ids.len() == ids_max && seen.count == count_max {
                break;
            }
        }
        seen
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
        let grams = vec![Bits([0; WORDS]); GRAMS].into();
        Self { grams, rows: Vec::with_capacity(BLOCK), text: String::new() }
    }

    /// How much memory it takes.
    fn bytes(&self) -> usize {
        size_of_val(&*self.grams) + self.rows.capacity() * size_of::<Row>() + self.text.capacity()
    }

    /// Where its registrations begin. An empty one takes any.
    fn first(&self) -> u64 {
        self.rows.first().map_or(0, |row| row.version)
    }

    fn append(&mut self, Entry { row, text, .. }: &Entry) {
        self.note(self.rows.len(), text);
        self.rows.push(Row { start: offset(self.text.len()), ..*row });
        self.text.push_str(text);
        self.text.push_str(BETWEEN);
        if self.rows.len() == BLOCK {
            self.text.shrink_to_fit();
        }
    }

    fn replace(&mut self, Entry { row, text, .. }: &Entry) {
        let Ok(at) = self.rows.binary_search_by_key(&row.version, |row| row.version) else {
            return;
        };
        let (start, end) = (self.start(at), self.start(at + 1));
        self.rows[at] = Row { start: offset(start), ..*row };
        // Most changes leave the name and the address as they are.
        if self.text[start..end].strip_suffix(BETWEEN) == Some(text.as_str()) {
            return;
        }
        self.note(at, text);
        // Written anew: nothing is left of the old text.
        let (before, after) = (&self.text[..start], &self.text[end..]);
        let written = [before, text, BETWEEN, after].concat();
        let moved_to = start + text.len() + 1;
        for row in &mut self.rows[at + 1..] {
            row.start = offset(row.start as usize - end + moved_to);
        }
        self.text = written;
    }

    /// Where the text of a row begins; that of the row after the last one: where the texts end.
    fn start(&self, at: usize) -> usize {
        self.rows.get(at).map_or(self.text.len(), |row| row.start as usize)
    }

    /// Records the three-byte classes of a row's text in its chunk. Those of an older text stay recorded, and cost a
    /// search in vain.
    fn note(&mut self, at: usize, text: &str) {
        let chunk = at / CHUNK;
        let (word, bit) = (chunk / u64::BITS as usize, chunk % u64::BITS as usize);
        for gram in text.split(BETWEEN).flat_map(grams_of) {
            self.grams[gram].0[word] |= 1 << bit;
        }
    }

    /// The chunks that may contain all of them; without any, all that a block may have.
    fn with_all(&self, grams: &[usize]) -> Bits {
        let all = Bits([u64::MAX; WORDS]);
        grams.iter().fold(all, |chunks, gram| chunks.and(&self.grams[*gram]))
    }

    /// The rows whose texts match, in their order; all of them without a search text.
    fn possible(&self, wanted: &Wanted<'_>) -> impl Iterator<Item = &Row> {
        let chunks = self.with_all(&wanted.grams).chunks();
        chunks.flat_map(move |chunk| self.matches(chunk, wanted.finder.as_ref()))
    }

    /// Those of a chunk, none if there is no such chunk.
    fn matches(&self, chunk: usize, finder: Option<&Finder<'_>>) -> impl Iterator<Item = &Row> {
        let mut next = chunk * CHUNK;
        let rows = &self.rows[..self.rows.len().min(next + CHUNK)];
        let texts = &self.text.as_bytes()[..self.start(rows.len())];
        std::iter::from_fn(move || {
            let row = rows.get(next)?;
            let Some(finder) = finder else {
                next += 1;
                return Some(row);
            };
            let start = row.start as usize;
            let at = start + finder.find(texts.get(start..)?)?;
            while rows.get(next).is_some_and(|row| row.start as usize <= at) {
                next += 1;
            }
            rows.get(next - 1)
        })
    }
}

/// A place in the text of a block: so many names and addresses do not fill four gibibytes.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Bits {
    fn and(self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    /// The numbers of those that are set, in their order.
    fn chunks(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(word, mut bits)| {
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(word * u64::BITS as usize + bit)
            })
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
