//! The state that the lines add up to: maps in memory, one per store over the file.

use crate::flaw::Flaw;
use crate::line::Line;
use booking_conformance::DeliveryTables;
use booking_core::{
    EmailAddress, Event, EventChange, EventCommand, EventCount, EventId, EventState, EventStated,
    Fact, HistoryEntry, IdempotencyRecord, KeyHash, OrganizerToken, PageLimit, Questions,
    RecordedFact, Registration, RegistrationId, SeatCounts, SigningSeed, Status, Stored,
    StoredDetails, TicketKey, Version,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

pub(crate) type Records = BTreeMap<KeyHash, IdempotencyRecord>;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) events: BTreeMap<EventId, Table>,
    /// The answers to requests that created events.
    pub(crate) created: Records,
    /// Oldest first.
    pub(crate) seeds: Vec<SigningSeed>,
    /// When each was last shown.
    pub(crate) ticket_keys: BTreeMap<TicketKey, DateTime<Utc>>,
    /// Oldest first.
    pub(crate) tokens: Vec<OrganizerToken>,
    /// The suite's own: most of delivery needs no more.
    pub(crate) delivery: DeliveryTables,
}

/// An event with all that belongs to it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) event: Event,
    counts: SeatCounts,
    pub(crate) due_at: Option<DateTime<Utc>>,
    cancelled_version: Option<Version>,
    pub(crate) erase_at: Option<DateTime<Utc>>,
    pub(crate) remind_at: Option<DateTime<Utc>>,
    erased_to: Version,
    pub(crate) questions: Questions,
    /// By the versions that made them.
    pub(crate) rows: BTreeMap<Version, Stored<Registration>>,
    pub(crate) facts: BTreeMap<Version, (DateTime<Utc>, Fact)>,
    pub(crate) records: Records,
}

impl State {
    pub(crate) fn apply(&mut self, line: Line, flaw: &Flaw) {
        match line {
            Line::All(state) => *self = state,
            Line::Created(event, record) => {
                if let Some(event) = &event {
                    self.delivery.add_facts(event.id, event.version, event.version);
                }
                self.events.extend(event.map(|event| {
                    let mut table = Table::new(*event);
                    (flaw.at_creation)(&mut table);
                    (table.event.id, table)
                }));
                self.created.extend(record.map(|record| (record.hash, *record)));
            }
            Line::Batch { at, changes } => {
                for mut change in changes {
                    flaw.spoil(self, &mut change);
                    if let Some(facts) = change.facts.len().checked_sub(1) {
                        let first = Version::new(change.version.get() - facts as u64);
                        self.delivery.add_facts(change.event_id, first, change.version);
                    }
                    if flaw.keeps_former_holders {
                        let kept = EventChange { facts: Vec::new(), ..change.clone() };
                        self.delivery.keep_former_holders(&kept, at);
                    } else {
                        self.delivery.keep_former_holders(&change, at);
                    }
                    if let Some(table) = self.events.get_mut(&change.event_id) {
                        table.apply(change, at);
                    }
                }
            }
            Line::Purged(records) => {
                for (event, hash) in records {
                    match event.and_then(|event| self.events.get_mut(&event)) {
                        Some(table) => table.records.remove(&hash),
                        None => self.created.remove(&hash),
                    };
                }
            }
            Line::Assigned(organizer, events) => {
                for event in events {
                    if let Some(table) = self.events.get_mut(&event) {
                        table.event.organizer_id = Some(organizer);
                    }
                }
            }
            Line::Seed(seed) => self.seeds.push(seed),
            Line::Shown(at, keys) => {
                for key in keys {
                    let shown_at = self.ticket_keys.entry(key).or_insert(at);
                    *shown_at = at.max(*shown_at);
                }
            }
            Line::Token(token) => self.tokens.push(token),
            Line::Revoked(id, at) => {
                if let Some(token) = self.tokens.iter_mut().find(|token| token.id == id) {
                    token.revoked_at = Some(at);
                }
            }
            Line::Delivered(delivery) | Line::FormerHoldersPurged(delivery) => {
                self.delivery = *delivery;
            }
            Line::Reminded(event) => {
                if let Some(table) = self.events.get_mut(&event) {
                    table.remind_at = None;
                }
            }
        }
    }

    /// Every record with its event.
    pub(crate) fn records(&self) -> impl Iterator<Item = (Option<EventId>, &IdempotencyRecord)> {
        let of_events = self
            .events
            .iter()
            .flat_map(|(id, table)| table.records.values().map(move |record| (Some(*id), record)));
        of_events.chain(self.created.values().map(|record| (None, record)))
    }

    /// The registration with that id, in the first event that has it.
    pub(crate) fn find(&self, id: RegistrationId) -> Option<(&Table, Registration)> {
        let row = |table: &Table| table.rows().find(|row| row.id == id).cloned();
        self.events.values().find_map(|table| Some((table, row(table)?)))
    }
}

impl Table {
    fn new(event: Event) -> Self {
        let fact = Fact::of_creation(event.rules.status);
        Self {
            erase_at: event.details.erase_at(&event.rules),
            remind_at: event.details.remind_at(&event.rules),
            facts: BTreeMap::from([(event.version, (event.created_at, fact))]),
            event,
            counts: SeatCounts::default(),
            due_at: None,
            cancelled_version: None,
            erased_to: Version::FIRST,
            questions: Questions::NONE,
            rows: BTreeMap::new(),
            records: Records::new(),
        }
    }

    fn apply(&mut self, change: EventChange, at: DateTime<Utc>) {
        (self.counts, self.due_at) = (change.counts, change.due_at);
        self.event.version = change.version;
        if !change.facts.is_empty() {
            self.event.changed_at = at;
        }
        if let Some(edited) = change.edited {
            self.event.details = edited.details;
            self.event.capacity = edited.capacity;
            self.event.rules = edited.rules;
            self.event.details_changed_at = edited.details_changed_at;
            self.event.sequence = edited.sequence;
            self.cancelled_version = edited.cancelled_version.or(self.cancelled_version);
            self.erase_at = edited.erase_at;
            self.remind_at = edited.remind_at;
            self.erased_to = edited.erased_to.unwrap_or(self.erased_to);
            self.event.asks = edited.asks;
            let rows = self.rows.values_mut().map(|row| &mut row.0);
            for offer in rows.filter(|row| row.status == Status::Offered) {
                offer.expires_at = offer.expires_at.into_iter().chain(edited.offers_end_by).min();
            }
        }
        if let Some(questions) = change.questions {
            self.questions = *questions;
        }
        for row in change.registrations {
            // The waitlist place is counted when it is read.
            let row = Registration { position: None, ..row };
            self.rows.insert(row.created_version, Stored(row));
        }
        let first = change.version.get() + 1 - change.facts.len() as u64;
        let versions = (first..).map(Version::new);
        self.facts.extend(versions.zip(change.facts.into_iter().map(|fact| (at, fact))));
        if change.purges_records {
            self.records.clear();
        }
        self.records.extend(change.records.into_iter().map(|record| (record.hash, record)));
    }

    /// The event as it is at `now`, whether or not expired holds were settled.
    pub(crate) fn read(&self, now: DateTime<Utc>) -> Event {
        let is_due = self.due_at.is_some_and(|due_at| due_at <= now);
        let has_run_out = |row: &&Registration| is_due && row.has_run_out(now);
        let mut event = self.event.clone();
        event.booked_count = self.counts.booked - self.rows().filter(has_run_out).count() as u32;
        event.waitlist_count = self.counts.waiting;
        event.is_settled = !is_due;
        event
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Registration> {
        self.rows.values().map(|row| &row.0)
    }

    fn waiting(&self) -> impl Iterator<Item = &Registration> {
        self.rows().filter(|row| row.status == Status::Waitlisted)
    }

    /// A row with its place in the waitlist.
    pub(crate) fn placed(&self, mut row: Registration) -> Registration {
        if row.status == Status::Waitlisted {
            let version = row.created_version;
            let before = self.waiting().filter(|row| row.created_version < version);
            row.position = Some(before.count() as u32 + 1);
        }
        row
    }

    /// The state that a decision on `commands` needs.
    pub(crate) fn state(&self, commands: &[&EventCommand], now: DateTime<Utc>) -> EventState {
        let event = &self.event;
        let mut state = EventState::new(
            event.id,
            event.organizer_id,
            event.capacity,
            self.counts,
            event.version,
            event.rules,
            event.details.times(),
            self.due_at,
        );
        state.asks = event.asks;
        let plan = state.load_plan(commands.iter().copied(), now);
        state.questions = plan.questions.then(|| self.questions.clone());
        let ids: HashSet<RegistrationId> =
            commands.iter().filter_map(|command| command.registration_id()).collect();
        let addresses: HashSet<&EmailAddress> =
            commands.iter().filter_map(|command| command.user_email()).collect();
        let is_wanted = |row: &Registration| {
            ids.contains(&row.id)
                || row.status.is_live() && addresses.contains(&row.person.user_email)
        };
        let wanted = self.rows().filter(|row| is_wanted(row));
        state.registrations = wanted.map(|row| self.placed(row.clone())).collect();
        if plan.overdue_max > 0 {
            state.overdue = self.rows().filter(|row| row.has_run_out(now)).cloned().collect();
            state.overdue.sort_by_key(|row| (row.expires_at, row.created_version));
            state.overdue.truncate(plan.overdue_max as usize);
            let over: HashSet<_> = state.overdue.iter().map(|row| row.id).collect();
            let others = self.rows().filter(|row| !over.contains(&row.id));
            state.due_next = others.filter_map(|row| row.expires_at).min();
        }
        let waiting = self.waiting().take(plan.waiting_max as usize);
        let places = waiting.zip(1..);
        state.waiting = places
            .map(|(row, place)| Registration { position: Some(place), ..row.clone() })
            .collect();
        let unerased = self.rows.range(self.erased_to.next()..).map(|(_, row)| row.0.clone());
        state.unerased = unerased.take(plan.unerased_max as usize).collect();
        state.details = plan.details.then(|| StoredDetails {
            details: event.details.clone(),
            created_at: event.created_at,
            changed_at: event.changed_at,
            details_changed_at: event.details_changed_at,
            sequence: event.sequence,
            erase_at: self.erase_at,
            remind_at: self.remind_at,
        });
        let keys: BTreeSet<KeyHash> =
            commands.iter().filter_map(|command| Some(command.key?.hash)).collect();
        let records = keys.iter().filter_map(|hash| self.records.get(hash));
        state.records = records.cloned().collect();
        state
    }

    pub(crate) fn facts_after(&self, version: Version) -> impl Iterator<Item = RecordedFact> {
        let later = self.facts.range(version.next()..);
        later.map(|(version, (recorded_at, fact))| {
            let (version, recorded_at, fact) = (*version, *recorded_at, fact.clone());
            RecordedFact { version, recorded_at, fact }
        })
    }

    pub(crate) fn history(&self, row: &Registration, limit: PageLimit) -> Vec<HistoryEntry> {
        let entry = |(version, (recorded_at, fact)): (&Version, &(DateTime<Utc>, Fact))| {
            let (kind, actor) = (fact.kind, fact.actor);
            HistoryEntry { version: *version, recorded_at: *recorded_at, kind, actor }
        };
        let of_row =
            self.facts.iter().filter(|(_, (_, fact))| fact.registration_id == Some(row.id));
        let mut entries: Vec<_> = of_row.map(entry).collect();
        entries.drain(..entries.len().saturating_sub(limit.get()));
        if let Some(version) = self.cancelled_version.filter(|_| row.status.is_live()) {
            entries.extend(self.facts.get_key_value(&version).map(entry));
        }
        entries.sort_by_key(|entry| entry.version);
        entries
    }

    /// The counts for an audit.
    pub(crate) fn count(&self) -> EventCount {
        let rows = || self.rows();
        let count = |is: fn(Status) -> bool| rows().filter(|row| is(row.status)).count() as i64;
        let live = rows().filter(|row| row.status.is_live());
        let addresses: HashSet<_> = live.map(|row| &row.person.user_email).collect();
        let ends = rows().filter_map(|row| row.expires_at);
        let before_due = ends.filter(|end| self.due_at.is_none_or(|due_at| *end < due_at));
        let in_order = (1..).zip(self.facts.keys()).take_while(|(n, fact)| *n == fact.get());
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
            waiting: self.waiting().count() as i64,
            addresses: addresses.len() as i64,
            before_due: before_due.count() as i64,
            fact_versions: in_order.count() as i64,
            fact_version_last: self.facts.keys().last().map_or(0, |fact| fact.get() as i64),
        }
    }
}
