//! Finding people of an event by a part of their name or address, or by what became of their registration.
//!
//! Neither store has an index for that, since each seat that is sold would have to write to it. Instead the people of
//! the events that somebody looks through are kept in memory, packed, for as long as somebody does: they are read once, in
//! the order in which they came, and afterwards what has happened since, which the facts tell. What is found is read
//! from the store before it is shown, so that nothing is told that is not so.

mod index;

use crate::problem::ApiError;
use crate::util::locks::lock;
use booking_core::{
    BookingStore, EventId, EventStatus, Page, PageLimit, Registration, RegistrationCursor,
    RegistrationFilter, RegistrationId, StoreError, Version,
};
use chrono::Utc;
use index::{Index, Seen, Wanted};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, Weak};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

/// How much memory the people of all events take that are looked through: of about a million and a half.
const BYTES_MAX: usize = 256 * 1_024 * 1_024;
/// How many events those are.
const EVENTS_MAX: usize = 256;
/// For how long they are kept while nobody looks.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// How long one may take to read them. What was read until then is kept for who asks again.
const READ_WITHIN: Duration = Duration::from_secs(20);
/// How many are counted that are found. Where there are more, it is told that there are.
const COUNT_MAX: usize = 10_000;
/// How long those of an event are looked through one by one that are too many to be kept. Then a page ends.
const SCAN_WITHIN: Duration = Duration::from_secs(2);
/// How many blocks are looked through before others have a turn: some thirty thousand registrations, if nothing tells
/// that they need not be.
const BLOCKS_AT_ONCE: usize = 128;

/// The people of the events that somebody looks through.
pub(crate) struct Search {
    store: Arc<dyn BookingStore>,
    kept: Arc<SyncMutex<HashMap<EventId, Arc<Kept>>>>,
    bytes_max: usize,
}

/// What is known of one event.
struct Kept {
    known: Mutex<Known>,
    bytes: AtomicUsize,
    used_at: SyncMutex<Instant>,
}

#[derive(Default)]
struct Known {
    index: Index,
    /// Every fact up to this one was looked at; `None`: nothing was read yet.
    facts_to: Option<Version>,
    /// Whether they are too many to be kept.
    are_too_many: bool,
}

/// A page of what was found.
pub(crate) struct Found {
    pub(crate) page: Page<Registration, RegistrationCursor>,
    pub(crate) total: Option<Total>,
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Total {
    /// So many.
    All(u64),
    /// More than so many.
    MoreThan(u64),
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(count) => write!(f, "{count}"),
            Self::MoreThan(count) => write!(f, "{count}+"),
        }
    }
}

impl Search {
    pub(crate) fn new(store: Arc<dyn BookingStore>) -> Self {
        Self { store, kept: Arc::default(), bytes_max: BYTES_MAX }
    }

    /// A page of those whom `filter` takes, oldest first.
    ///
    /// # Errors
    /// [`ApiError::NotFound`]; the store's, also where it takes too long to read those that there are.
    pub(crate) async fn find(
        &self,
        event_id: EventId,
        filter: &RegistrationFilter,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Found, ApiError> {
        let event = self.store.event(event_id).await?.ok_or(ApiError::NotFound)?;
        let kept = self.kept(event_id);
        let read = timeout(READ_WITHIN, self.read(event_id, &kept, event.version));
        if !read.await.unwrap_or_else(|_| Err(too_slow()))? {
            let page = self.scan(event_id, filter, after, limit).await?;
            return Ok(Found { page, total: None });
        }
        self.make_room(&kept);
        let wanted = (filter, event.rules.status);
        let mut from = after.map_or(0, |after| after.version().get());
        let (mut items, mut total) = (Vec::new(), None);
        loop {
            let ids_max = limit.get() + 1 - items.len();
            // They are all counted the first time.
            let count_max = if total.is_none() { COUNT_MAX + 1 } else { 0 };
            let seen = look(&kept, wanted, from, (ids_max, count_max)).await;
            total.get_or_insert(match seen.count {
                count if count > COUNT_MAX => Total::MoreThan(COUNT_MAX as u64),
                count => Total::All(count as u64),
            });
            let rows = self.store.registrations_by_id(event_id, &seen.ids).await?;
            let rows = rows.ok_or(ApiError::NotFound)?;
            items.extend(rows.into_iter().flatten().filter(|row| filter.takes(row)));
            match seen.last {
                // Some of them have become something else in this instant.
                Some(last) if items.len() <= limit.get() && seen.ids.len() == ids_max => {
                    from = last;
                }
                Some(_) | None => break,
            }
        }
        Ok(Found { page: Page::new(items, limit), total })
    }

    /// Brings what is known of an event up to what there is, and tells whether it can be kept.
    async fn read(
        &self,
        event_id: EventId,
        kept: &Kept,
        version: Version,
    ) -> Result<bool, StoreError> {
        let mut known = kept.known.lock().await;
        if known.are_too_many {
            return Ok(false);
        }
        let Known { index, facts_to, are_too_many } = &mut *known;
        // Whatever is read from here on is as it is now, or newer.
        let facts_to = facts_to.get_or_insert(version);
        let mut after = index.last().map(|last| RegistrationCursor::at(Version::new(last)));
        let mut made = Vec::new();
        loop {
            let listed = booking_core::Listed::All;
            let page = self.store.registrations(event_id, listed, after, PageLimit::MAX).await?;
            let Some(page) = page else { return Ok(true) };
            for registration in &page.items {
                index.put(registration);
                made.extend(Some(registration.created_version).filter(|made| made > facts_to));
            }
            kept.bytes.store(index.bytes(), Ordering::Relaxed);
            if index.bytes() > self.bytes_max {
                (*index, *are_too_many) = (Index::default(), true);
                kept.bytes.store(0, Ordering::Relaxed);
                return Ok(false);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut made = made.into_iter().peekable();
        loop {
            // Each version has one fact. Of one that made a registration which was just read there is nothing more to know:
            // while seats are sold that is all of them.
            while let Some(version) = made.next_if(|version| version.get() <= facts_to.get() + 1) {
                *facts_to = version.max(*facts_to);
            }
            let facts = self.store.facts_after(event_id, *facts_to, PageLimit::MAX).await?;
            let Some(last) = facts.last().map(|fact| fact.version) else { break };
            // The first fact about a registration is that it was made, and it was read as it is by now.
            let changed = facts.iter().filter(|fact| fact.fact.previous.is_some());
            let mut ids: Vec<RegistrationId> =
                changed.filter_map(|fact| fact.fact.registration_id).collect();
            ids.sort_unstable();
            ids.dedup();
            if !ids.is_empty() {
                let rows = self.store.registrations_by_id(event_id, &ids).await?;
                let newest = index.last().unwrap_or_default();
                let rows = rows.into_iter().flatten().flatten();
                // Those that came since are read in their turn.
                rows.filter(|row| row.created_version.get() <= newest)
                    .for_each(|row| index.put(&row));
            }
            *facts_to = last;
            kept.bytes.store(index.bytes(), Ordering::Relaxed);
        }
        Ok(true)
    }

    /// Looks at one after the other, for so long, without keeping anything.
    async fn scan(
        &self,
        event_id: EventId,
        filter: &RegistrationFilter,
        mut after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Page<Registration, RegistrationCursor>, ApiError> {
        let until = Instant::now() + SCAN_WITHIN;
        let mut items = Vec::new();
        loop {
            let listed = booking_core::Listed::All;
            let page = self.store.registrations(event_id, listed, after, PageLimit::MAX).await?;
            let page = page.ok_or(ApiError::NotFound)?;
            items.extend(page.items.into_iter().filter(|row| filter.takes(row)));
            after = page.next;
            if items.len() > limit.get() || after.is_none() {
                return Ok(Page::new(items, limit));
            }
            if Instant::now() > until {
                return Ok(Page { items, next: after, missing: Vec::new() });
            }
        }
    }

    /// What is known of an event, from now on used by somebody.
    fn kept(&self, event_id: EventId) -> Arc<Kept> {
        let now = Instant::now();
        let mut all = lock(&self.kept);
        let is_new = !all.contains_key(&event_id);
        let kept = Arc::clone(all.entry(event_id).or_insert_with(|| Arc::new(Kept::new(now))));
        drop(all);
        *lock(&kept.used_at) = now;
        if is_new {
            tokio::spawn(forget_idle(Arc::downgrade(&self.kept), event_id));
        }
        kept
    }

    /// Forgets those first that nobody has looked through for longest, until the others have room; never what is in
    /// use now.
    fn make_room(&self, in_use: &Arc<Kept>) {
        let mut all = lock(&self.kept);
        loop {
            let bytes: usize = all.values().map(|kept| kept.bytes.load(Ordering::Relaxed)).sum();
            if bytes <= self.bytes_max && all.len() <= EVENTS_MAX {
                return;
            }
            let others = all.iter().filter(|(_, kept)| !Arc::ptr_eq(kept, in_use));
            let oldest = others.min_by_key(|(_, kept)| *lock(&kept.used_at)).map(|(id, _)| *id);
            let Some(oldest) = oldest else { return };
            all.remove(&oldest);
        }
    }
}

impl Kept {
    fn new(now: Instant) -> Self {
        Self { known: Mutex::default(), bytes: AtomicUsize::new(0), used_at: SyncMutex::new(now) }
    }
}

/// Looks through what is known of an event. Others have a turn now and then.
async fn look(
    kept: &Kept,
    (filter, event): (&RegistrationFilter, EventStatus),
    after: u64,
    max: (usize, usize),
) -> Seen {
    let wanted = Wanted::new(filter, event, Utc::now());
    let known = kept.known.lock().await;
    let mut seen = Seen::default();
    for at in 0..known.index.blocks() {
        if known.index.look(at, &wanted, after, max, &mut seen) {
            break;
        }
        if at % BLOCKS_AT_ONCE == BLOCKS_AT_ONCE - 1 {
            yield_now().await;
        }
    }
    seen
}

/// Forgets the people of an event once nobody has looked for long enough.
async fn forget_idle(all: Weak<SyncMutex<HashMap<EventId, Arc<Kept>>>>, event_id: EventId) {
    loop {
        sleep(IDLE_MAX).await;
        let Some(all) = all.upgrade() else { return };
        let mut all = lock(&all);
        let used_at = all.get(&event_id).map(|kept| *lock(&kept.used_at));
        match used_at {
            Some(used_at) if used_at.elapsed() < IDLE_MAX => {}
            Some(_) => {
                all.remove(&event_id);
                return;
            }
            None => return,
        }
    }
}

fn too_slow() -> StoreError {
    let error = io::Error::new(io::ErrorKind::TimedOut, "its people were not read in time");
    StoreError::unavailable(error)
}

#[cfg(test)]
mod tests;
