use crate::tables::{EventTable, Tables};
use async_trait::async_trait;
use booking_core::{
    Agenda, AuditReport, Availability, Caller, Clock, Connections, EmailAddress, Event,
    EventCommand, EventCursor, EventId, EventStatus, Execution, HistoryEntry, IdempotencyKey,
    IdempotencyRecord, KeyStore, Listed, NewEvent, NewToken, OrganizerId, OrganizerStore,
    OrganizerToken, Outcome, Page, PageLimit, Questions, ReadStore, Registration,
    RegistrationCounts, RegistrationCursor, RegistrationId, Rule, SeatStore, SigningSeed,
    StartCursor, StoreError, StoreHealth, TOKENS_MAX, TicketKey, TokenId, Totals, UpkeepStore,
    WhenBusy, decide_batch_by, decide_without,
};
use chrono::{DateTime, SubsecRound, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A mistake in how facts are delivered, for the negative controls.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryFlaw {
    /// Facts are new before they are committed.
    BeforeCommit,
    /// Facts are routed in the order of sequence numbers, which is not the order of commits.
    BySequence,
}

/// A store in memory: the oracle that real stores are compared with. Clones share their data.
#[derive(Clone)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    clock: Clock,
    locks: bool,
    left_out: Option<Rule>,
    pub(crate) delivery_flaw: Option<DeliveryFlaw>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        let clock: Clock = Arc::new(Utc::now);
        Self { tables: Arc::default(), clock, locks: true, left_out: None, delivery_flaw: None }
    }
}

impl MemoryStore {
    /// The same data, seen through a store that takes its time from `clock`.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// A negative control: decides on what it read without holding the lock until it has written. The suite must catch
    /// it.
    #[doc(hidden)]
    #[must_use]
    pub fn without_lock(self) -> Self {
        Self { locks: false, ..self }
    }

    /// A negative control: decides without one of the rules. The suite must catch it.
    #[doc(hidden)]
    #[must_use]
    pub fn without_rule(self, rule: Rule) -> Self {
        Self { left_out: Some(rule), ..self }
    }

    /// A negative control: delivers facts wrongly. The suite must catch it.
    #[doc(hidden)]
    #[must_use]
    pub fn with_delivery_flaw(self, flaw: DeliveryFlaw) -> Self {
        Self { delivery_flaw: Some(flaw), ..self }
    }

    /// All stored data of events, people and organizers, as JSON: to be searched for erased data.
    #[must_use]
    pub fn dump(&self) -> String {
        self.tables().dump()
    }

    pub(crate) fn tables(&self) -> MutexGuard<'_, Tables> {
        // A test that failed while it held the lock must not hide its reason behind the poison.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.clock)().trunc_subsecs(6)
    }

    fn decide(
        &self,
        tables: &Tables,
        batch: &[EventCommand],
        now: DateTime<Utc>,
    ) -> (Vec<Execution>, Vec<booking_core::EventChange>) {
        let ids: BTreeSet<EventId> = batch.iter().map(|item| item.event_id).collect();
        let states: BTreeMap<_, _> = ids
            .into_iter()
            .filter_map(|id| {
                let commands: Vec<_> = batch.iter().filter(|item| item.event_id == id).collect();
                Some((id, tables.events.get(&id)?.state(&commands, now)))
            })
            .collect();
        decide_batch_by(batch, &states, &BTreeSet::new(), |state, commands| {
            decide_without(self.left_out, state, commands, now)
        })
    }

    /// Executes a batch so that its facts are routed too early, or too late. No other caller may change its events
    /// meanwhile.
    async fn execute_with(&self, flaw: DeliveryFlaw, batch: &[EventCommand]) -> Vec<Execution> {
        let sequence = self.tables().delivery.draw();
        let now = self.now();
        let (executions, changes) = self.decide(&self.tables(), batch, now);
        if flaw == DeliveryFlaw::BeforeCommit {
            changes.iter().for_each(|change| self.tables().note_drawn(change, sequence));
        }
        // Some take longer to commit than others.
        for _ in 0..sequence % 3 * 8 {
            tokio::task::yield_now().await;
        }
        let mut tables = self.tables();
        for change in changes {
            if flaw == DeliveryFlaw::BySequence {
                tables.note_drawn(&change, sequence);
            }
            tables.write_alone(change, now);
        }
        executions
    }

    /// Reads from the event of a registration.
    fn read_of<T>(
        &self,
        id: RegistrationId,
        read: impl FnOnce(&EventTable, &Registration) -> T,
    ) -> Option<T> {
        let tables = self.tables();
        tables
            .events
            .values()
            .find_map(|table| Some((table, table.find(id)?)))
            .map(|(table, registration)| read(table, registration))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl SeatStore for MemoryStore {
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError> {
        let now = self.now();
        let mut tables = self.tables();
        Ok(tables.create_event(new, now).event(now))
    }

    async fn create_event_once(
        &self,
        new: NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError> {
        let now = self.now();
        let mut tables = self.tables();
        if let Some(record) = tables.created.get(&key.hash).filter(|record| record.holds(now)) {
            return Ok(record.answer(key.fingerprint));
        }
        let outcome = Outcome::EventChanged(Box::new(tables.create_event(new, now).event(now)));
        let record = IdempotencyRecord::new(key, outcome.clone(), now);
        tables.created.insert(key.hash, record);
        Ok(outcome)
    }

    async fn execute(
        &self,
        batch: &[EventCommand],
        _: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError> {
        if let Some(flaw) = self.delivery_flaw {
            return Ok(self.execute_with(flaw, batch).await);
        }
        let (now, executions, changes) = if self.locks {
            let mut tables = self.tables();
            // One reading of the clock for what is decided and what is written, after the lock.
            let now = self.now();
            let (executions, changes) = self.decide(&tables, batch, now);
            for change in changes {
                tables.write(change, now);
            }
            return Ok(executions);
        } else {
            let now = self.now();
            let (executions, changes) = self.decide(&self.tables(), batch, now);
            (now, executions, changes)
        };
        tokio::task::yield_now().await;
        for change in changes {
            self.tables().write(change, now);
        }
        Ok(executions)
    }
}

#[async_trait]
impl ReadStore for MemoryStore {
    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        Ok(self.tables().events.get(&id).map(|table| table.event(self.now())))
    }

    async fn questions(&self, id: EventId) -> Result<Option<Questions>, StoreError> {
        Ok(self.tables().events.get(&id).map(|table| table.questions.clone()))
    }

    async fn availability(&self, ids: &[EventId]) -> Result<Vec<Option<Availability>>, StoreError> {
        let (now, tables) = (self.now(), self.tables());
        let of =
            |id: &EventId| tables.events.get(id).map(|table| Availability::from(&table.event(now)));
        Ok(ids.iter().map(of).collect())
    }

    async fn events(
        &self,
        caller: Caller,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError> {
        let key = |cursor: EventCursor| (cursor.created_at, cursor.id);
        let now = self.now();
        let mut events: Vec<Event> =
            self.tables().events.values().map(|table| table.event(now)).collect();
        events.retain(|event| {
            caller.finds(event) && after.is_none_or(|after| key(event.into()) < key(after))
        });
        events.sort_by_key(|event| std::cmp::Reverse(key(event.into())));
        Ok(Page::new(events, limit))
    }

    async fn events_by_start(
        &self,
        caller: Caller,
        agenda: Agenda,
        after: Option<StartCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, StartCursor>, StoreError> {
        let now = self.now();
        let mut events: Vec<Event> =
            self.tables().events.values().map(|table| table.event(now)).collect();
        events.retain(|event| caller.finds(event) && agenda.takes(event, now));
        events.sort_by_key(|event| StartCursor::from(event).key());
        let after = after.map(StartCursor::key);
        if agenda.is_latest_first() {
            events.reverse();
            events.retain(|event| after.is_none_or(|after| StartCursor::from(event).key() < after));
        } else {
            events.retain(|event| after.is_none_or(|after| StartCursor::from(event).key() > after));
        }
        Ok(Page::new(events, limit))
    }

    async fn registrations(
        &self,
        event_id: EventId,
        listed: Listed,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        let now = self.now();
        let tables = self.tables();
        let Some(table) = tables.events.get(&event_id) else { return Ok(None) };
        let rows = table
            .rows
            .values()
            .filter(|row| after.is_none_or(|after| row.created_version > after.version()))
            .map(|row| row.clone().as_of(now, table.event.rules.status))
            .filter(|row| listed == Listed::All || row.status.takes_a_seat())
            .collect();
        Ok(Some(Page::new(rows, limit)))
    }

    async fn registrations_by_id(
        &self,
        event_id: EventId,
        ids: &[RegistrationId],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        let now = self.now();
        let tables = self.tables();
        let Some(table) = tables.events.get(&event_id) else { return Ok(None) };
        let by_id: HashMap<_, _> = table.rows().map(|row| (row.id, row)).collect();
        let of = |id: &RegistrationId| {
            by_id.get(id).map(|row| (*row).clone().as_of(now, table.event.rules.status))
        };
        Ok(Some(ids.iter().map(of).collect()))
    }

    async fn registrations_by_address(
        &self,
        event_id: EventId,
        addresses: &[EmailAddress],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        let now = self.now();
        let tables = self.tables();
        let Some(table) = tables.events.get(&event_id) else { return Ok(None) };
        let rows = table.rows().map(|row| row.clone().as_of(now, table.event.rules.status));
        let live = rows.filter(|row| row.status.is_live());
        let by_address: HashMap<_, _> =
            live.map(|row| (row.person.user_email.clone(), row)).collect();
        Ok(Some(addresses.iter().map(|address| by_address.get(address).cloned()).collect()))
    }

    async fn registration_counts(
        &self,
        event_id: EventId,
    ) -> Result<Option<RegistrationCounts>, StoreError> {
        let now = self.now();
        let tables = self.tables();
        let Some(table) = tables.events.get(&event_id) else { return Ok(None) };
        let mut counts = RegistrationCounts::default();
        for row in table.rows() {
            counts.add(&row.clone().as_of(now, table.event.rules.status));
        }
        Ok(Some(counts))
    }

    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
        let now = self.now();
        Ok(self.read_of(id, |table, row| {
            table.with_position(row.clone()).as_of(now, table.event.rules.status)
        }))
    }

    async fn events_by_registration(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        Ok(ids.iter().map(|id| self.read_of(*id, |table, _| table.event.id)).collect())
    }

    async fn history(
        &self,
        id: RegistrationId,
        limit: PageLimit,
    ) -> Result<Option<Vec<HistoryEntry>>, StoreError> {
        Ok(self.read_of(id, |table, row| table.history(row, limit)))
    }
}

#[async_trait]
impl OrganizerStore for MemoryStore {
    async fn create_token(&self, new: NewToken) -> Result<Option<OrganizerToken>, StoreError> {
        let now = self.now();
        let mut tables = self.tables();
        let known = tables.tokens.iter().any(|token| token.id == new.id);
        let fits = known || tables.tokens.len() < TOKENS_MAX;
        Ok(fits.then(|| tables.add_token(new, now).clone()))
    }

    async fn tokens(&self) -> Result<Vec<OrganizerToken>, StoreError> {
        Ok(self.tables().tokens.iter().rev().cloned().collect())
    }

    async fn revoke_token(&self, id: TokenId) -> Result<Option<OrganizerToken>, StoreError> {
        let now = self.now();
        let mut tables = self.tables();
        let token = tables.tokens.iter_mut().find(|token| token.id == id);
        Ok(token.map(|token| {
            token.revoked_at.get_or_insert(now);
            token.clone()
        }))
    }

    async fn assign_events(
        &self,
        organizer_id: OrganizerId,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        Ok(self.tables().assign_events(organizer_id, limit))
    }
}

#[async_trait]
impl KeyStore for MemoryStore {
    async fn signing_seeds(&self) -> Result<Vec<SigningSeed>, StoreError> {
        Ok(self.tables().seeds.iter().rev().copied().collect())
    }

    async fn add_signing_seed(
        &self,
        seed: SigningSeed,
        only_first: bool,
    ) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.seeds.is_empty() || !only_first {
            tables.seeds.push(seed);
        }
        Ok(())
    }

    async fn show_ticket_keys(&self, keys: &[TicketKey]) -> Result<(), StoreError> {
        let now = self.now();
        let mut tables = self.tables();
        for key in keys {
            let seen_at = tables.ticket_keys.entry(*key).or_insert(now);
            *seen_at = now.max(*seen_at);
        }
        Ok(())
    }

    async fn ticket_keys(&self) -> Result<Vec<TicketKey>, StoreError> {
        let since = self.now() - TicketKey::KEPT;
        let tables = self.tables();
        let lately = tables.ticket_keys.iter().filter(|(_, seen_at)| **seen_at > since);
        Ok(lately.map(|(key, _)| *key).collect())
    }
}

#[async_trait]
impl UpkeepStore for MemoryStore {
    async fn due_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        let now = self.now();
        let tables = self.tables();
        let due = |table: &&EventTable| table.due_at.is_some_and(|due| due <= now);
        let mut due: Vec<_> = tables.events.values().filter(due).collect();
        due.sort_by_key(|table| table.due_at);
        Ok(due.into_iter().take(limit.get()).map(|table| table.event.id).collect())
    }

    async fn erasable_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        let now = self.now();
        let tables = self.tables();
        let is_due = |table: &&EventTable| table.erase_at.is_some_and(|erase_at| erase_at <= now);
        let mut due: Vec<_> = tables.events.values().filter(is_due).collect();
        due.sort_by_key(|table| table.erase_at);
        Ok(due.into_iter().take(limit.get()).map(|table| table.event.id).collect())
    }

    async fn registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, RegistrationId)>, StoreError> {
        let tables = self.tables();
        let rows = tables.events.values().flat_map(|table| table.rows.values());
        let of_them = rows.filter(|row| row.person.user_email.canonical() == *user_email);
        Ok(of_them.take(limit.get()).map(|row| (row.event_id, row.id)).collect())
    }

    async fn purge_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        let is_of_them = |record: &IdempotencyRecord| {
            let registration = record.outcome.registration();
            registration.is_some_and(|registration| {
                registration.person.user_email.canonical() == *user_email
            })
        };
        Ok(self.tables().purge_records(limit, is_of_them))
    }

    async fn purge_former_holders_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        Ok(self.tables().delivery.purge_former_holders_of(user_email, limit))
    }

    async fn purge_records(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let now = self.now();
        Ok(self.tables().purge_records(limit, |record| !record.holds(now)))
    }

    async fn audit(&self) -> Result<AuditReport, StoreError> {
        Ok(AuditReport::of(self.tables().events.values().map(EventTable::count)))
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        Ok(StoreHealth::WELL)
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        let tables = self.tables();
        let published = |table: &&EventTable| table.event.rules.status == EventStatus::Published;
        Ok(tables.events.values().filter(published).fold(Totals::default(), |sum, table| {
            let stated = table.count().stated.expect("an event states its counts");
            Totals {
                events: sum.events + 1,
                capacity: sum.capacity + stated.capacity as u64,
                booked: sum.booked + stated.booked as u64,
                held: sum.held + stated.held as u64,
                waiting: sum.waiting + stated.waiting as u64,
            }
        }))
    }

    fn connections(&self) -> Connections {
        Connections::default()
    }
}
