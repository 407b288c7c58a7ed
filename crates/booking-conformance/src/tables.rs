//! The oracle's data: a store's rows, in maps.

mod delivery;

pub use delivery::DeliveryTables;

use booking_core::{
    EditedEvent, Event, EventChange, EventCommand, EventCount, EventId, EventState, EventStated,
    Fact, HistoryEntry, IdempotencyRecord, KeyHash, NewEvent, NewToken, Organizer, OrganizerId,
    OrganizerToken, PageLimit, Questions, RecordedFact, Registration, RegistrationId, SeatCounts,
    SigningSeed, Status, Stored, StoredDetails, TicketKey, Version,
};
use chrono::{DateTime, Utc};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};

#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) events: BTreeMap<EventId, EventTable>,
    /// The records of requests that created events.
    pub(crate) created: BTreeMap<KeyHash, IdempotencyRecord>,
    /// Oldest first.
    pub(crate) seeds: Vec<SigningSeed>,
    /// When each was last shown.
    pub(crate) ticket_keys: BTreeMap<TicketKey, DateTime<Utc>>,
    /// Oldest first.
    pub(crate) tokens: Vec<OrganizerToken>,
    pub(crate) delivery: DeliveryTables,
}

/// One event with all that belongs to it. Public for tests of `decide` itself, which need a store's part of a
/// transaction without a store.
#[derive(Debug, Clone)]
pub struct EventTable {
    /// Its counts of seats are in `counts`.
    pub(crate) event: Event,
    counts: SeatCounts,
    pub(crate) due_at: Option<DateTime<Utc>>,
    cancelled_version: Option<Version>,
    pub(crate) erase_at: Option<DateTime<Utc>>,
    pub(crate) remind_at: Option<DateTime<Utc>>,
    /// The version up to which everything is erased.
    erased_to: Version,
    /// Its current and retired questions.
    pub(crate) questions: Questions,
    /// By the version that made them.
    pub(crate) rows: BTreeMap<Version, Registration>,
    facts: BTreeMap<Version, (DateTime<Utc>, Fact)>,
    pub(crate) records: BTreeMap<KeyHash, IdempotencyRecord>,
}

impl Tables {
    /// Creates an event, unless it exists.
    pub(crate) fn create_event(&mut self, new: NewEvent, now: DateTime<Utc>) -> &EventTable {
        let Self { events, delivery, .. } = self;
        events.entry(new.id).or_insert_with(|| {
            delivery.add_facts(new.id, Version::FIRST, Version::FIRST);
            EventTable::new(new, now)
        })
    }

    pub(crate) fn write(&mut self, change: EventChange, now: DateTime<Utc>) {
        self.note_facts(&change);
        self.write_alone(change, now);
    }

    /// Marks the facts of a change as new, to be routed.
    pub(crate) fn note_facts(&mut self, change: &EventChange) {
        let sequence = self.delivery.draw();
        self.note_drawn(change, sequence);
    }

    pub(crate) fn note_drawn(&mut self, change: &EventChange, sequence: u64) {
        if !change.facts.is_empty() {
            let (first, last) = (change.first_version(), change.version);
            self.delivery.add_drawn(change.event_id, first, last, sequence);
        }
    }

    pub(crate) fn write_alone(&mut self, change: EventChange, now: DateTime<Utc>) {
        self.delivery.keep_former_holders(&change, now);
        if let Some(table) = self.events.get_mut(&change.event_id) {
            table.write(change, now);
        }
    }

    /// See [`MemoryStore::dump`](crate::MemoryStore::dump). Destructured in full, so that a new table is not left out.
    pub(crate) fn dump(&self) -> String {
        let Self { events, created, seeds: _, ticket_keys: _, tokens, delivery } = self;
        let mut dump = Vec::new();
        for table in events.values() {
            let EventTable {
                event,
                counts: _,
                due_at: _,
                cancelled_version: _,
                erase_at: _,
                remind_at: _,
                erased_to: _,
                questions,
                rows,
                facts,
                records,
            } = table;
            dump.push(json!(event));
            dump.push(json!(questions));
            dump.extend(rows.values().map(|row| json!(Stored(row))));
            dump.extend(facts.values().map(|fact| json!(fact)));
            dump.extend(records.values().map(|record| json!(Stored(&record.outcome))));
        }
        dump.extend(created.values().map(|record| json!(Stored(&record.outcome))));
        dump.extend(tokens.iter().map(|token| json!(token.organizer.name)));
        dump.push(json!(delivery));
        json!(dump).to_string()
    }

    /// Stores a token, unless one with its id exists.
    pub(crate) fn add_token(&mut self, new: NewToken, now: DateTime<Utc>) -> &OrganizerToken {
        let known = self.tokens.iter().position(|token| token.id == new.id);
        let at = known.unwrap_or_else(|| {
            let mut organizers = self.tokens.iter().map(|token| &token.organizer);
            let of_that_name = organizers.find(|known| known.name == new.organizer.name).cloned();
            let organizer: Organizer = of_that_name.unwrap_or_else(|| new.organizer.clone());
            self.tokens.push(new.made(organizer, now));
            self.tokens.len() - 1
        });
        &self.tokens[at]
    }

    /// Assigns up to `limit` events without an organizer, and returns how many.
    pub(crate) fn assign_events(&mut self, organizer_id: OrganizerId, limit: PageLimit) -> u64 {
        let events = self.events.values_mut().map(|table| &mut table.event.organizer_id);
        let assigned = events.filter(|owner| owner.is_none()).take(limit.get());
        assigned.map(|owner| *owner = Some(organizer_id)).count() as u64
    }

    /// Deletes up to `limit` records that are `unwanted`, and returns how many.
    pub(crate) fn purge_records(
        &mut self,
        limit: PageLimit,
        unwanted: impl Fn(&IdempotencyRecord) -> bool,
    ) -> u64 {
        let Self { events, created, .. } = self;
        let mut purged = 0;
        for records in events.values_mut().map(|table| &mut table.records).chain([created]) {
            records.retain(|_, record| {
                let keep = !unwanted(record) || purged == limit.get() as u64;
                purged += u64::from(!keep);
                keep
            });
        }
        purged
    }
}

impl EventTable {
    /// An event that was created at `now`, which is to the microsecond.
    pub fn new(new: NewEvent, now: DateTime<Utc>) -> Self {
        let fact = Fact::of_creation(new.rules.status);
        Self {
            erase_at: new.details.erase_at(&new.rules),
            remind_at: new.details.remind_at(&new.rules),
            erased_to: Version::FIRST,
            questions: Questions::NONE,
            event: new.created_at(now),
            counts: SeatCounts::default(),
            due_at: None,
            cancelled_version: None,
            rows: BTreeMap::new(),
            facts: BTreeMap::from([(Version::FIRST, (now, fact))]),
            records: BTreeMap::new(),
        }
    }

    /// The event as it is read at `now`.
    pub fn event(&self, now: DateTime<Utc>) -> Event {
        let overdue = self.rows.values().filter(|row| row.has_run_out(now)).count() as u32;
        let is_due = self.due_at.is_some_and(|due| due <= now);
        Event {
            booked_count: self.counts.booked - if is_due { overdue } else { 0 },
            waitlist_count: self.counts.waiting,
            is_settled: !is_due,
            ..self.event.clone()
        }
    }

    pub(crate) fn find(&self, id: RegistrationId) -> Option<&Registration> {
        self.rows.values().find(|row| row.id == id)
    }

    /// A row with its place in the waitlist.
    pub fn with_position(&self, row: Registration) -> Registration {
        let before = |other: &&Registration| {
            other.status == Status::Waitlisted && other.created_version < row.created_version
        };
        let position = (row.status == Status::Waitlisted)
            .then(|| 1 + self.rows.values().filter(before).count() as u32);
        Registration { position, ..row }
    }

    /// The rows of its registrations, expired or not, in the order in which they were made.
    pub fn rows(&self) -> impl Iterator<Item = &Registration> {
        self.rows.values()
    }

    /// The facts after `version`, in their order.
    pub fn facts_since(&self, version: Version) -> impl Iterator<Item = (Version, &Fact)> {
        let after = self.facts.range(version.next()..);
        after.map(|(version, (_, fact))| (*version, fact))
    }

    /// The state that a decision on `commands` needs.
    pub fn state(&self, commands: &[&EventCommand], now: DateTime<Utc>) -> EventState {
        let Event { id, organizer_id, capacity, rules, version, asks, .. } = self.event;
        let (counts, times, due_at) = (self.counts, self.event.details.times(), self.due_at);
        let mut state =
            EventState::new(id, organizer_id, capacity, counts, version, rules, times, due_at);
        state.asks = asks;
        let plan = state.load_plan(commands.iter().copied(), now);
        let wanted = |row: &&Registration| {
            commands.iter().any(|command| {
                command.registration_id() == Some(row.id)
                    || (command.user_email() == Some(&row.person.user_email)
                        && row.status.is_live())
            })
        };
        let mut overdue: Vec<_> = self.rows.values().filter(|row| row.has_run_out(now)).collect();
        overdue.sort_by_key(|row| (row.expires_at, row.created_version));
        overdue.truncate(plan.overdue_max as usize);
        let is_overdue = |row: &Registration| overdue.iter().any(|other| other.id == row.id);
        let ends =
            self.rows.values().filter(|row| !is_overdue(row)).filter_map(|row| row.expires_at);
        let waiting = self.rows.values().filter(|row| row.status == Status::Waitlisted);
        let keys = commands.iter().filter_map(|command| command.key);
        let kept = || StoredDetails {
            details: self.event.details.clone(),
            created_at: self.event.created_at,
            changed_at: self.event.changed_at,
            details_changed_at: self.event.details_changed_at,
            sequence: self.event.sequence,
            erase_at: self.erase_at,
            remind_at: self.remind_at,
        };
        EventState {
            registrations: self
                .rows
                .values()
                .filter(wanted)
                .map(|row| self.with_position(row.clone()))
                .collect(),
            due_next: ends.min(),
            overdue: overdue.iter().map(|row| (*row).clone()).collect(),
            waiting: waiting
                .take(plan.waiting_max as usize)
                .map(|row| self.with_position(row.clone()))
                .collect(),
            unerased: self
                .rows
                .range(self.erased_to.next()..)
                .map(|(_, row)| row.clone())
                .take(plan.unerased_max as usize)
                .collect(),
            details: plan.details.then(kept),
            questions: plan.questions.then(|| self.questions.clone()),
            records: keys.filter_map(|key| self.records.get(&key.hash)).cloned().collect(),
            ..state
        }
    }

    /// Writes what was decided at `now`.
    pub fn write(&mut self, change: EventChange, now: DateTime<Utc>) {
        let first = change.first_version().get();
        self.counts = change.counts;
        self.event.version = change.version;
        if !change.facts.is_empty() {
            self.event.changed_at = now;
        }
        self.due_at = change.due_at;
        if let Some(edited) = change.edited {
            let EditedEvent {
                details,
                capacity,
                rules,
                details_changed_at,
                sequence,
                offers_end_by,
                cancelled_version,
                erase_at,
                remind_at,
                erased_to,
                asks,
            } = *edited;
            self.event = Event {
                details,
                capacity,
                rules,
                details_changed_at,
                sequence,
                asks,
                ..self.event.clone()
            };
            self.cancelled_version = cancelled_version.or(self.cancelled_version);
            self.erase_at = erase_at;
            self.remind_at = remind_at;
            self.erased_to = erased_to.unwrap_or(self.erased_to);
            for offer in self.rows.values_mut().filter(|row| row.status == Status::Offered) {
                offer.expires_at = offer.expires_at.into_iter().chain(offers_end_by).min();
            }
        }
        if let Some(questions) = change.questions {
            self.questions = *questions;
        }
        for row in change.registrations {
            self.rows.insert(row.created_version, Registration { position: None, ..row });
        }
        for (version, fact) in (first..).zip(change.facts) {
            self.facts.insert(Version::new(version), (now, fact));
        }
        if change.purges_records {
            self.records.clear();
        }
        self.records.extend(change.records.into_iter().map(|record| (record.hash, record)));
    }

    pub(crate) fn fact(&self, version: Version) -> Option<RecordedFact> {
        let (recorded_at, fact) = self.facts.get(&version)?;
        Some(RecordedFact { version, recorded_at: *recorded_at, fact: fact.clone() })
    }

    pub(crate) fn facts_after(&self, version: Version, limit: PageLimit) -> Vec<RecordedFact> {
        let later = self.facts.range(version.next()..).take(limit.get());
        later.filter_map(|(version, _)| self.fact(*version)).collect()
    }

    pub(crate) fn history(&self, row: &Registration, limit: PageLimit) -> Vec<HistoryEntry> {
        let entry = |version: Version| {
            let (recorded_at, fact) = self.facts.get(&version)?;
            let Fact { kind, actor, .. } = *fact;
            Some(HistoryEntry { version, recorded_at: *recorded_at, kind, actor })
        };
        let cancelled = self.cancelled_version.filter(|_| row.status.is_live());
        let of_row =
            self.facts.iter().filter(|(_, (_, fact))| fact.registration_id == Some(row.id));
        let mut entries: Vec<_> = of_row.filter_map(|(version, _)| entry(*version)).collect();
        entries.drain(..entries.len().saturating_sub(limit.get()));
        entries.extend(cancelled.and_then(entry));
        entries.sort_by_key(|entry| entry.version);
        entries
    }

    /// The counts for an audit.
    pub fn count(&self) -> EventCount {
        let rows = || self.rows.values();
        let count = |is: fn(Status) -> bool| rows().filter(|row| is(row.status)).count() as i64;
        let live = rows().filter(|row| row.status.is_live());
        let addresses: HashSet<_> = live.map(|row| &row.person.user_email).collect();
        let before_due = rows().filter_map(|row| row.expires_at);
        let before_due = before_due.filter(|end| self.due_at.is_none_or(|due| *end < due)).count();
        let versions = (1..).zip(self.facts.keys()).take_while(|(n, version)| *n == version.get());
        EventCount {
            event_id: self.event.id,
            stated: Some(EventStated {
                capacity: self.event.capacity.get().into(),
                is_cancelled: self.cancelled_version.is_some(),
                booked: self.counts.booked.into(),
                held: self.counts.held.into(),
                waiting: self.counts.waiting.into(),
                version: self.event.version.get() as i64,
            }),
            seated: count(Status::takes_a_seat),
            held: count(Status::runs_out),
            waiting: count(|status| status == Status::Waitlisted),
            addresses: addresses.len() as i64,
            before_due: before_due as i64,
            fact_versions: versions.count() as i64,
            fact_version_last: self.facts.keys().last().map_or(0, |version| version.get() as i64),
        }
    }
}
