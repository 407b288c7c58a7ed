use async_trait::async_trait;
use booking_core::{
    AuditReport, BookingStore, Clock, Event, EventChange, EventCommand, EventCount, EventCursor,
    EventId, EventState, EventStated, Execution, NewEvent, Page, PageLimit, Registration,
    RegistrationCursor, StoreError, Version, WhenBusy, decide_batch,
};
use chrono::{SubsecRound, Utc};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store in memory: the oracle that the real ones are compared with. Clones share their data.
#[derive(Clone)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    clock: Clock,
    locks: bool,
}

#[derive(Debug, Default)]
struct Tables {
    events: BTreeMap<EventId, Event>,
    /// In the order of their versions.
    registrations: BTreeMap<EventId, Vec<Registration>>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { tables: Arc::default(), clock: Arc::new(Utc::now), locks: true }
    }
}

impl MemoryStore {
    /// The same data, seen through a store that takes its time from `clock`.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The negative control: decides on what it read without keeping the lock until it has written.
    /// The suite must catch it.
    #[doc(hidden)]
    #[must_use]
    pub fn without_lock(self) -> Self {
        Self { locks: false, ..self }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // A test that failed while it held the lock must not hide its reason behind the poison.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide(
        &self,
        tables: &Tables,
        batch: &[EventCommand],
    ) -> (Vec<Execution>, Vec<EventChange>) {
        let ids: BTreeSet<EventId> = batch.iter().map(|item| item.event_id).collect();
        let states = ids.iter().filter_map(|id| Some((*id, tables.state(*id)?))).collect();
        decide_batch(batch, &states, &BTreeSet::new(), (self.clock)())
    }
}

impl Tables {
    fn state(&self, id: EventId) -> Option<EventState> {
        let event = self.events.get(&id)?;
        Some(EventState {
            id,
            capacity: event.capacity,
            booked_count: event.booked_count,
            version: event.version,
            registrations: self.registrations.get(&id).cloned().unwrap_or_default(),
        })
    }

    fn write(&mut self, change: EventChange) {
        if let Some(event) = self.events.get_mut(&change.event_id) {
            event.booked_count = change.booked_count;
            event.version = change.version;
        }
        let rows = self.registrations.entry(change.event_id).or_default();
        rows.extend(change.registrations);
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl BookingStore for MemoryStore {
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError> {
        let event = Event {
            id: new.id,
            name: new.name,
            description: new.description,
            capacity: new.capacity,
            booked_count: 0,
            version: Version::FIRST,
            created_at: (self.clock)().trunc_subsecs(6),
        };
        Ok(self.tables().events.entry(new.id).or_insert(event).clone())
    }

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        Ok(self.tables().events.get(&id).cloned())
    }

    async fn events(
        &self,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError> {
        let key = |cursor: EventCursor| (cursor.created_at, cursor.id);
        let mut events: Vec<Event> = self.tables().events.values().cloned().collect();
        events.retain(|event| after.is_none_or(|after| key(event.into()) < key(after)));
        events.sort_by_key(|event| std::cmp::Reverse(key(event.into())));
        Ok(Page::new(events, limit))
    }

    async fn registrations(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        let tables = self.tables();
        if !tables.events.contains_key(&event_id) {
            return Ok(None);
        }
        let rows = tables.registrations.get(&event_id).cloned().unwrap_or_default();
        let rows = rows
            .into_iter()
            .filter(|row| after.is_none_or(|after| row.event_version > after.version()))
            .collect();
        Ok(Some(Page::new(rows, limit)))
    }

    async fn execute(
        &self,
        batch: &[EventCommand],
        _: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError> {
        let (executions, changes) = if self.locks {
            let mut tables = self.tables();
            let (executions, changes) = self.decide(&tables, batch);
            for change in changes {
                tables.write(change);
            }
            return Ok(executions);
        } else {
            self.decide(&self.tables(), batch)
        };
        tokio::task::yield_now().await;
        for change in changes {
            self.tables().write(change);
        }
        Ok(executions)
    }

    async fn audit(&self) -> Result<AuditReport, StoreError> {
        let tables = self.tables();
        Ok(AuditReport::of(tables.events.values().map(|event| {
            let rows = tables.registrations.get(&event.id).map_or(&[][..], Vec::as_slice);
            let addresses: HashSet<_> = rows.iter().map(|row| &row.user_email).collect();
            let version = event.version.get() as i64;
            EventCount {
                event_id: event.id,
                stated: Some(EventStated {
                    capacity: event.capacity.get().into(),
                    booked_count: event.booked_count.into(),
                    version,
                }),
                registrations: rows.len() as i64,
                addresses: addresses.len() as i64,
                // The oracle keeps no facts.
                fact_versions: version,
                fact_version_last: version,
            }
        })))
    }
}
