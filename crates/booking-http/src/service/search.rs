//! Finding people of an event by a part of their name or address, or by the status of their registration.
//!
//! Neither store has an index for that, since each sale would have to write to it. Instead the people of the events
//! that are searched are cached in memory, packed, for as long as they are searched: they are read once, in the
//! order of their registration, and afterwards only what has changed since, by the facts. Those who registered
//! through this server meanwhile are not read again, as far as nothing else has happened in between: that is what a
//! sale is. Matches are read from the store before they are shown, so that stale ones are not.

mod index;

use crate::problem::ApiError;
use crate::util::locks::lock;
use booking_core::{
    BookingStore, EventId, EventStatus, Outcome, Page, PageLimit, Registration, RegistrationCursor,
    RegistrationFilter, RegistrationId, StoreError, Version,
};
use booking_delivery::work_apart;
use chrono::Utc;
use index::{Entry, Index, Seen, Wanted};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, Weak};
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

/// The memory for the people of all searched events: about a million and a half.
const BYTES_MAX: usize = 256 * 1_024 * 1_024;
/// How many events those are.
const EVENTS_MAX: usize = 256;
/// How many new registrations are cached for an event until the next search. Later ones are read.
const ARRIVALS_MAX: usize = 16_384;
/// For how long after a search.
const ARRIVALS_FOR: Duration = Duration::from_secs(10);
/// For how long they are cached without a search.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// How long one search may take to read them. What was read until then is cached for the next one.
const READ_WITHIN: Duration = Duration::from_secs(20);
/// How many matches are counted. Where there are more, the total says so.
const COUNT_MAX: usize = 10_000;
/// How long an event that is too large for the cache is scanned. Then a page ends.
const SCAN_WITHIN: Duration = Duration::from_secs(2);
/// How many threads of their own searches have at once. The others wait.
const THREADS_MAX: usize = 4;

/// The cached people of the events that are searched.
pub(crate) struct Search {
    store: Arc<dyn BookingStore>,
    events: Arc<SyncMutex<HashMap<EventId, Arc<CachedEvent>>>>,
    bytes_max: usize,
}

/// The cache of one event.
struct CachedEvent {
    people: Arc<Mutex<People>>,
    /// Those who registered through this server since the last search.
    arrivals: SyncMutex<Vec<Entry>>,
    bytes: AtomicUsize,
    used_at: SyncMutex<Instant>,
}

#[derive(Default)]
struct People {
    index: Index,
    /// All registrations up to this version are in the index; `None`: they were not read yet. Never before
    /// `facts_to`, then.
    listed_to: Option<Version>,
    /// Every fact up to this one was read; `None`: nothing was read yet.
    facts_to: Option<Version>,
    /// Whether they are too many for the cache.
    are_too_many: bool,
}

/// A page of matches.
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
        Self { store, events: Arc::default(), bytes_max: BYTES_MAX }
    }

    /// A page of the registrations that match `filter`, oldest first.
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
        let cached = self.cached(event_id);
        let read = timeout(READ_WITHIN, self.read(event_id, &cached, event.version));
        if !read.await.unwrap_or_else(|_| Err(too_slow()))? {
            let page = self.scan(event_id, filter, after, limit).await?;
            return Ok(Found { page, total: None });
        }
        self.make_room(&cached);
        let wanted = (filter.clone(), event.rules.status);
        let mut from = after.map_or(0, |after| after.version().get());
        let (mut items, mut total) = (Vec::new(), None);
        loop {
            let ids_max = limit.get() + 1 - items.len();
            // They are counted in full the first time.
            let count_max = if total.is_none() { COUNT_MAX + 1 } else { 0 };
            let seen = cached.look(wanted.clone(), from, (ids_max, count_max)).await?;
            total.get_or_insert(match seen.count {
                count if count > COUNT_MAX => Total::MoreThan(COUNT_MAX as u64),
                count => Total::All(count as u64),
            });
            let rows = self.store.registrations_by_id(event_id, &seen.ids).await?;
            let rows = rows.ok_or(ApiError::NotFound)?;
            if rows.iter().any(Option::is_none) {
                // No store deletes one. The next search reads everything anew.
                cached.clear().await;
            }
            items.extend(rows.into_iter().flatten().filter(|row| filter.takes(row)));
            match seen.last {
                // Some of them have changed in this instant.
                Some(last) if items.len() <= limit.get() && seen.ids.len() == ids_max => {
                    from = last;
                }
                Some(_) | None => break,
            }
        }
        Ok(Found { page: Page::new(items, limit), total })
    }

    /// Records the outcome of a command, if its event is being searched.
    pub(crate) fn note(&self, outcome: &Outcome) {
        let Some(registration) = outcome.registration() else { return };
        let cached = lock(&self.events).get(&registration.event_id).map(Arc::clone);
        let Some(cached) = cached else { return };
        let is_late = lock(&cached.used_at).elapsed() > ARRIVALS_FOR;
        // Of those who are not read yet, or are too many for the cache, none are recorded.
        let is_read = cached.bytes.load(Ordering::Relaxed) > 0;
        if is_late || !is_read || matches!(outcome, Outcome::Erased(_)) {
            *lock(&cached.arrivals) = Vec::new();
            return;
        }
        let entry = Entry::of(registration);
        let mut arrivals = lock(&cached.arrivals);
        if arrivals.len() < ARRIVALS_MAX {
            arrivals.push(entry);
        }
    }

    /// Reads changes until the cache is at `version` at least, and returns whether the event fits into it.
    async fn read(
        &self,
        event_id: EventId,
        event: &CachedEvent,
        version: Version,
    ) -> Result<bool, StoreError> {
        let mut people = Arc::clone(&event.people).lock_owned().await;
        let arrivals = event.take_arrivals();
        if people.facts_to > Some(version) && self.is_behind(event_id, people.facts_to).await? {
            *people = People::default();
        } else {
            people = apart(move || {
                people.take_in(arrivals);
                people
            })
            .await?;
        }
        if !self.has_room(&mut people, event) {
            return Ok(false);
        }
        if people.listed_to.is_some() && people.facts_to >= Some(version) {
            return Ok(true);
        }
        // Everything that is read from here on is as it is now, or newer.
        let mut facts_to = *people.facts_to.get_or_insert(version);
        let mut after = people.index.last().map(|last| RegistrationCursor::at(Version::new(last)));
        let mut made = Vec::new();
        loop {
            let listed = booking_core::Listed::All;
            let page = self.store.registrations(event_id, listed, after, PageLimit::MAX).await?;
            let Some(page) = page else { return Ok(true) };
            for registration in &page.items {
                people.index.put(&Entry::of(registration));
                made.extend(Some(registration.created_version).filter(|made| *made > facts_to));
            }
            if !self.has_room(&mut people, event) {
                return Ok(false);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let newest = people.index.last().map_or(version, |last| version.max(Version::new(last)));
        people.listed_to = Some(newest);
        let mut made = made.into_iter().peekable();
        loop {
            // Each version has one fact. The fact of a registration that was just read adds nothing: during a sale
            // that is all of them.
            while let Some(version) = made.next_if(|version| version.get() <= facts_to.get() + 1) {
                facts_to = version.max(facts_to);
            }
            people.facts_to = Some(facts_to);
            if facts_to >= newest {
                break;
            }
            let mut facts = self.store.facts_after(event_id, facts_to, PageLimit::MAX).await?;
            // Facts about later registrations are skipped, and the next read continues there.
            facts.retain(|fact| fact.version <= newest);
            let Some(last) = facts.last().map(|fact| fact.version) else { break };
            // The first fact about a registration is its creation, and it was read in its current state.
            let changed = facts.iter().filter(|fact| fact.fact.previous.is_some());
            let mut ids: Vec<RegistrationId> =
                changed.filter_map(|fact| fact.fact.registration_id).collect();
            ids.sort_unstable();
            ids.dedup();
            if !ids.is_empty() {
                let rows = self.store.registrations_by_id(event_id, &ids).await?;
                let rows = rows.into_iter().flatten().flatten();
                people = apart(move || {
                    rows.for_each(|row| people.index.put(&Entry::of(&row)));
                    people
                })
                .await?;
            }
            facts_to = last;
            event.bytes.store(people.index.bytes(), Ordering::Relaxed);
        }
        Ok(true)
    }

    /// Whether an event is behind its cache: a database that took over may have lost commits, and have assigned
    /// their versions to others.
    async fn is_behind(
        &self,
        event_id: EventId,
        facts_to: Option<Version>,
    ) -> Result<bool, StoreError> {
        let event = self.store.event(event_id).await?;
        Ok(event.is_some_and(|event| Some(event.version) < facts_to))
    }

    /// Whether the people of an event fit into the cache. If they are too many, none of them are cached.
    fn has_room(&self, people: &mut People, event: &CachedEvent) -> bool {
        if people.index.bytes() > self.bytes_max {
            *people = People { are_too_many: true, ..People::default() };
        }
        event.bytes.store(people.index.bytes(), Ordering::Relaxed);
        !people.are_too_many
    }

    /// Scans the registrations one after the other, for so long, without caching anything.
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

    /// The cache of an event, which counts as used from now on.
    fn cached(&self, event_id: EventId) -> Arc<CachedEvent> {
        let now = Instant::now();
        let mut all = lock(&self.events);
        let is_new = !all.contains_key(&event_id);
        let new = || Arc::new(CachedEvent::new(now));
        let cached = Arc::clone(all.entry(event_id).or_insert_with(new));
        drop(all);
        *lock(&cached.used_at) = now;
        if is_new {
            tokio::spawn(drop_idle(Arc::downgrade(&self.events), event_id));
        }
        cached
    }

    /// Drops the events that were not searched for longest, until the others fit; never the one in use now.
    fn make_room(&self, in_use: &Arc<CachedEvent>) {
        let mut all = lock(&self.events);
        loop {
            let bytes: usize = all.values().map(|event| event.bytes.load(Ordering::Relaxed)).sum();
            if bytes <= self.bytes_max && all.len() <= EVENTS_MAX {
                return;
            }
            let others = all.iter().filter(|(_, event)| !Arc::ptr_eq(event, in_use));
            let oldest = others.min_by_key(|(_, event)| *lock(&event.used_at)).map(|(id, _)| *id);
            let Some(oldest) = oldest else { return };
            all.remove(&oldest);
        }
    }
}

impl CachedEvent {
    fn new(now: Instant) -> Self {
        Self {
            people: Arc::default(),
            arrivals: SyncMutex::default(),
            bytes: AtomicUsize::new(0),
            used_at: SyncMutex::new(now),
        }
    }

    /// Searches the cache.
    async fn look(
        &self,
        (filter, event): (RegistrationFilter, EventStatus),
        after: u64,
        max: (usize, usize),
    ) -> Result<Seen, StoreError> {
        let people = Arc::clone(&self.people).lock_owned().await;
        apart(move || people.index.look(&Wanted::new(&filter, event, Utc::now()), after, max)).await
    }

    /// Those who registered since the last search. About as many are expected until the next one.
    fn take_arrivals(&self) -> Vec<Entry> {
        let mut arrivals = lock(&self.arrivals);
        let next = Vec::with_capacity(arrivals.len());
        std::mem::replace(&mut *arrivals, next)
    }

    /// Drops all cached people.
    async fn clear(&self) {
        *self.people.lock().await = People::default();
        self.bytes.store(0, Ordering::Relaxed);
    }
}

impl People {
    /// Adds the arrivals that follow the cached version without a gap, one version after another: nothing else has
    /// happened there.
    fn take_in(&mut self, mut arrivals: Vec<Entry>) {
        let (Some(_), Some(facts_to)) = (self.listed_to, self.facts_to) else { return };
        let mut known = facts_to.get();
        arrivals.sort_unstable_by_key(Entry::version);
        for entry in arrivals {
            match entry.version() {
                version if version <= known => {}
                version if version == known + 1 => {
                    self.index.put(&entry);
                    known = version;
                }
                _ => break,
            }
        }
        self.facts_to = Some(Version::new(known));
        self.listed_to = self.listed_to.max(self.facts_to);
    }
}

/// Runs what takes milliseconds of a processor beside the requests, and after them where both want it.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    static THREADS: Semaphore = Semaphore::const_new(THREADS_MAX);
    let permit = THREADS.acquire().await.map_err(StoreError::unavailable)?;
    let work = move || {
        // Until it ends, whether anybody waits for it or not.
        let _permit = permit;
        work()
    };
    work_apart("search", work).await.map_err(StoreError::unavailable)
}

/// Drops the people of an event once it was not searched for long enough.
async fn drop_idle(all: Weak<SyncMutex<HashMap<EventId, Arc<CachedEvent>>>>, event_id: EventId) {
    let mut until = Instant::now() + IDLE_MAX;
    loop {
        sleep_until(until).await;
        let Some(all) = all.upgrade() else { return };
        let mut all = lock(&all);
        let Some(used_at) = all.get(&event_id).map(|event| *lock(&event.used_at)) else { return };
        until = used_at + IDLE_MAX;
        if until <= Instant::now() {
            all.remove(&event_id);
            return;
        }
    }
}

fn too_slow() -> StoreError {
    let error = io::Error::new(io::ErrorKind::TimedOut, "its people were not read in time");
    StoreError::unavailable(error)
}

#[cfg(test)]
mod tests;
