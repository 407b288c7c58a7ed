//! The store over the file. It locks, loads the state that `decide` needs, and writes its decision.

use crate::file::Journal;
use crate::flaw::Flaw;
use crate::line::Line;
use crate::state::{State, Table};
use async_trait::async_trait;
use booking_core::{
    Agenda, AuditReport, Availability, Caller, Clock, Connections, EmailAddress, Event,
    EventCommand, EventCursor, EventId, EventStatus, Execution, HistoryEntry, IdempotencyKey,
    IdempotencyRecord, KeyStore, Listed, NewEvent, NewToken, OrganizerId, OrganizerStore,
    OrganizerToken, Outcome, Page, PageLimit, Questions, ReadStore, Registration,
    RegistrationCounts, RegistrationCursor, RegistrationId, SeatStore, SigningSeed, StartCursor,
    StoreError, StoreHealth, TOKENS_MAX, TicketKey, TokenId, Totals, UpkeepStore, WhenBusy,
    decide_batch,
};
use chrono::{DateTime, SubsecRound, Utc};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store over one file of lines. Any number of them may have it open, in any number of processes.
pub(crate) struct JournalStore {
    journal: Mutex<Journal>,
    clock: Clock,
}

impl JournalStore {
    pub(crate) fn open(directory: &Path, clock: Option<Clock>, flaw: Flaw) -> io::Result<Self> {
        let clock = clock.unwrap_or_else(|| Arc::new(Utc::now));
        Ok(Self { journal: Mutex::new(Journal::open(directory, flaw)?), clock })
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> DateTime<Utc> {
        (self.clock)().trunc_subsecs(6)
    }

    /// Answers from the state.
    pub(crate) fn read<T>(
        &self,
        ask: impl FnOnce(&State, DateTime<Utc>) -> T,
    ) -> Result<T, StoreError> {
        let read = self.journal().locked(|journal| ask(&journal.state, self.now()));
        read.map_err(StoreError::unavailable)
    }

    /// Decides on the state, and writes the decision before it is answered.
    pub(crate) fn write<T>(
        &self,
        decide: impl FnOnce(&State, DateTime<Utc>) -> (T, Option<Line>),
    ) -> Result<T, StoreError> {
        let written = self.journal().locked(|journal| {
            let (answer, line) = decide(&journal.state, self.now());
            let committed = line.map_or(Ok(()), |line| journal.commit(line));
            committed.map(|()| answer).map_err(StoreError::commit_unknown)
        });
        written.map_err(StoreError::unavailable)?
    }

    /// Deletes up to `limit` records that are `unwanted`.
    fn purge(
        &self,
        limit: PageLimit,
        unwanted: impl Fn(&IdempotencyRecord, DateTime<Utc>) -> bool,
    ) -> Result<u64, StoreError> {
        self.write(|state, now| {
            let found = state.records().filter(|&(_, record)| unwanted(record, now));
            let found: Vec<_> =
                found.take(limit.get()).map(|(event, record)| (event, record.hash)).collect();
            let count = found.len() as u64;
            (count, (count > 0).then_some(Line::Purged(found)))
        })
    }
}

impl fmt::Debug for JournalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalStore").finish_non_exhaustive()
    }
}

/// Up to `limit` events that are due by then, longest overdue first.
fn due(
    state: &State,
    limit: PageLimit,
    now: DateTime<Utc>,
    since: fn(&Table) -> Option<DateTime<Utc>>,
) -> Vec<EventId> {
    let due = state.events.values().filter(|table| since(table).is_some_and(|due| due <= now));
    let mut due: Vec<_> = due.map(|table| (since(table), table.event.id)).collect();
    due.sort_unstable();
    due.into_iter().take(limit.get()).map(|(_, id)| id).collect()
}

#[async_trait]
impl SeatStore for JournalStore {
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError> {
        self.write(|state, now| match state.events.get(&new.id) {
            Some(table) => (table.read(now), None),
            None => {
                let event = new.created_at(now);
                (event.clone(), Some(Line::Created(Some(Box::new(event)), None)))
            }
        })
    }

    async fn create_event_once(
        &self,
        new: NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError> {
        self.write(|state, now| {
            if let Some(record) = state.created.get(&key.hash)
                && record.holds(now)
            {
                return (record.answer(key.fingerprint), None);
            }
            let known = state.events.get(&new.id).map(|table| table.read(now));
            let made = if known.is_none() { Some(Box::new(new.created_at(now))) } else { None };
            let event = known.or(made.as_deref().cloned()).expect("it was there, or is made");
            let outcome = Outcome::EventChanged(Box::new(event));
            let record = IdempotencyRecord::new(key, outcome.clone(), now);
            (outcome, Some(Line::Created(made, Some(Box::new(record)))))
        })
    }

    async fn execute(
        &self,
        batch: &[EventCommand],
        // There is one lock for all events.
        _: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError> {
        self.write(|state, at| {
            let mut of_events: BTreeMap<EventId, Vec<&EventCommand>> = BTreeMap::new();
            for command in batch {
                of_events.entry(command.event_id).or_default().push(command);
            }
            let states = of_events.into_iter().filter_map(|(id, commands)| {
                Some((id, state.events.get(&id)?.state(&commands, at)))
            });
            let (executions, changes) =
                decide_batch(batch, &states.collect(), &BTreeSet::new(), at);
            let line = (!changes.is_empty()).then_some(Line::Batch { at, changes });
            (executions, line)
        })
    }
}

#[async_trait]
impl ReadStore for JournalStore {
    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.read(|state, now| state.events.get(&id).map(|table| table.read(now)))
    }

    async fn availability(&self, ids: &[EventId]) -> Result<Vec<Option<Availability>>, StoreError> {
        self.read(|state, now| {
            let of = |id: &EventId| {
                state.events.get(id).map(|table| Availability::from(&table.read(now)))
            };
            ids.iter().map(of).collect()
        })
    }

    async fn events(
        &self,
        caller: Caller,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError> {
        let key = |cursor: EventCursor| (cursor.created_at, cursor.id);
        self.read(|state, now| {
            let mut events: Vec<_> = state.events.values().map(|table| table.read(now)).collect();
            events.retain(|event| caller.finds(event));
            events.retain(|event| after.is_none_or(|after| key(event.into()) < key(after)));
            events.sort_by_key(|event| Reverse(key(event.into())));
            Page::new(events, limit)
        })
    }

    async fn events_by_start(
        &self,
        caller: Caller,
        agenda: Agenda,
        after: Option<StartCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, StartCursor>, StoreError> {
        self.read(|state, now| {
            let mut events: Vec<_> = state.events.values().map(|table| table.read(now)).collect();
            events.retain(|event| caller.finds(event));
            events.retain(|event| agenda.takes(event, now));
            events.sort_by_key(|event| StartCursor::from(event).key());
            if agenda.is_latest_first() {
                events.reverse();
            }
            if let Some(after) = after.map(StartCursor::key) {
                events.retain(|event| match agenda.is_latest_first() {
                    true => StartCursor::from(event).key() < after,
                    false => StartCursor::from(event).key() > after,
                });
            }
            Page::new(events, limit)
        })
    }

    async fn questions(&self, id: EventId) -> Result<Option<Questions>, StoreError> {
        self.read(|state, _| state.events.get(&id).map(|table| table.questions.clone()))
    }

    async fn registrations(
        &self,
        event_id: EventId,
        listed: Listed,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        self.read(|state, now| {
            let table = state.events.get(&event_id)?;
            let rows = table
                .rows
                .iter()
                .filter(|(version, _)| after.is_none_or(|after| **version > after.version()));
            let rows = rows.map(|(_, row)| row.0.clone().as_of(now, table.event.rules.status));
            let rows = rows.filter(|row| listed == Listed::All || row.status.takes_a_seat());
            Some(Page::new(rows.take(limit.get() + 1).collect(), limit))
        })
    }

    async fn registrations_by_id(
        &self,
        event_id: EventId,
        ids: &[RegistrationId],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        self.read(|state, now| {
            let table = state.events.get(&event_id)?;
            let of = |id: &RegistrationId| {
                let row = table.rows().find(|row| row.id == *id)?;
                Some(row.clone().as_of(now, table.event.rules.status))
            };
            Some(ids.iter().map(of).collect())
        })
    }

    async fn registrations_by_address(
        &self,
        event_id: EventId,
        addresses: &[EmailAddress],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        self.read(|state, now| {
            let table = state.events.get(&event_id)?;
            let of = |address: &EmailAddress| {
                let rows = table.rows().filter(|row| row.person.user_email == *address);
                let mut rows = rows.map(|row| row.clone().as_of(now, table.event.rules.status));
                rows.find(|row| row.status.is_live())
            };
            Some(addresses.iter().map(of).collect())
        })
    }

    async fn registration_counts(
        &self,
        event_id: EventId,
    ) -> Result<Option<RegistrationCounts>, StoreError> {
        self.read(|state, now| {
            let table = state.events.get(&event_id)?;
            let mut counts = RegistrationCounts::default();
            for row in table.rows() {
                counts.add(&row.clone().as_of(now, table.event.rules.status));
            }
            Some(counts)
        })
    }

    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
        self.read(|state, now| {
            let (table, row) = state.find(id)?;
            Some(table.placed(row).as_of(now, table.event.rules.status))
        })
    }

    async fn events_by_registration(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        self.read(|state, _| {
            ids.iter().map(|id| state.find(*id).map(|(table, _)| table.event.id)).collect()
        })
    }

    async fn history(
        &self,
        id: RegistrationId,
        limit: PageLimit,
    ) -> Result<Option<Vec<HistoryEntry>>, StoreError> {
        self.read(|state, _| state.find(id).map(|(table, row)| table.history(&row, limit)))
    }
}

#[async_trait]
impl OrganizerStore for JournalStore {
    async fn create_token(&self, new: NewToken) -> Result<Option<OrganizerToken>, StoreError> {
        self.write(|state, now| {
            let tokens = || state.tokens.iter();
            if let Some(known) = tokens().find(|token| token.id == new.id) {
                return (Some(known.clone()), None);
            }
            if state.tokens.len() >= TOKENS_MAX {
                return (None, None);
            }
            let of_that_name = tokens().find(|token| token.organizer.name == new.organizer.name);
            let organizer = of_that_name.map(|token| token.organizer.clone());
            let organizer = organizer.unwrap_or_else(|| new.organizer.clone());
            let token = new.made(organizer, now);
            (Some(token.clone()), Some(Line::Token(token)))
        })
    }

    async fn tokens(&self) -> Result<Vec<OrganizerToken>, StoreError> {
        self.read(|state, _| state.tokens.iter().rev().cloned().collect())
    }

    async fn revoke_token(&self, id: TokenId) -> Result<Option<OrganizerToken>, StoreError> {
        self.write(|state, now| {
            let mut tokens = state.tokens.iter();
            let Some(token) = tokens.find(|token| token.id == id) else { return (None, None) };
            let is_news = token.revoked_at.is_none();
            let revoked_at = token.revoked_at.or(Some(now));
            let revoked = OrganizerToken { revoked_at, ..token.clone() };
            (Some(revoked), is_news.then_some(Line::Revoked(id, now)))
        })
    }

    async fn assign_events(
        &self,
        organizer_id: OrganizerId,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        self.write(|state, _| {
            let events = state.events.values().map(|table| &table.event);
            let orphans = events.filter(|event| event.organizer_id.is_none());
            let orphans: Vec<_> = orphans.take(limit.get()).map(|event| event.id).collect();
            let count = orphans.len() as u64;
            (count, (count > 0).then_some(Line::Assigned(organizer_id, orphans)))
        })
    }
}

#[async_trait]
impl KeyStore for JournalStore {
    async fn signing_seeds(&self) -> Result<Vec<SigningSeed>, StoreError> {
        self.read(|state, _| state.seeds.iter().rev().copied().collect())
    }

    async fn add_signing_seed(
        &self,
        seed: SigningSeed,
        only_first: bool,
    ) -> Result<(), StoreError> {
        self.write(|state, _| {
            let is_wanted = state.seeds.is_empty() || !only_first;
            ((), is_wanted.then_some(Line::Seed(seed)))
        })
    }

    async fn show_ticket_keys(&self, keys: &[TicketKey]) -> Result<(), StoreError> {
        self.write(|_, now| ((), Some(Line::Shown(now, keys.to_vec()))))
    }

    async fn ticket_keys(&self) -> Result<Vec<TicketKey>, StoreError> {
        self.read(|state, now| {
            let since = now - TicketKey::KEPT;
            let lately = state.ticket_keys.iter().filter(|(_, shown_at)| **shown_at > since);
            lately.map(|(key, _)| *key).collect()
        })
    }
}

#[async_trait]
impl UpkeepStore for JournalStore {
    async fn due_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        self.read(|state, now| due(state, limit, now, |table| table.due_at))
    }

    async fn erasable_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        self.read(|state, now| due(state, limit, now, |table| table.erase_at))
    }

    async fn registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, RegistrationId)>, StoreError> {
        self.read(|state, _| {
            let rows = state.events.values().flat_map(Table::rows);
            let of_them = rows.filter(|row| row.person.user_email.canonical() == *user_email);
            of_them.take(limit.get()).map(|row| (row.event_id, row.id)).collect()
        })
    }

    async fn purge_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        self.purge(limit, |record, _| {
            let registration = record.outcome.registration();
            registration.is_some_and(|registration| {
                registration.person.user_email.canonical() == *user_email
            })
        })
    }

    async fn purge_former_holders_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        self.change(|tables, _, _| tables.purge_former_holders_of(user_email, limit))
    }

    async fn purge_records(&self, limit: PageLimit) -> Result<u64, StoreError> {
        self.purge(limit, |record, now| !record.holds(now))
    }

    async fn audit(&self) -> Result<AuditReport, StoreError> {
        self.read(|state, _| AuditReport::of(state.events.values().map(Table::count)))
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        self.read(|_, _| StoreHealth::WELL)
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        self.read(|state, _| {
            let mut totals = Totals::default();
            for table in state.events.values() {
                let stated = table
                    .count()
                    .stated
                    .filter(|_| table.event.rules.status == EventStatus::Published);
                if let Some(stated) = stated {
                    totals.events += 1;
                    totals.capacity += stated.capacity as u64;
                    totals.booked += stated.booked as u64;
                    totals.held += stated.held as u64;
                    totals.waiting += stated.waiting as u64;
                }
            }
            totals
        })
    }

    fn connections(&self) -> Connections {
        Connections::default()
    }
}
