//! From domain types to columns: rows that are written together go out as one array for each column.

use booking_core::{
    Answers, EventChange, Fact, FormerHolder, IdempotencyRecord, OfferTtl, Outcome, PersonName,
    Questions, Registration, RemindHours, Retention, Status, Stored, TokenHash, Version,
};
use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// A number of seats as `integer`. A [`Capacity`](booking_core::Capacity) never exceeds it, nor does
/// what is taken of one.
pub(crate) fn stored_count(count: u32) -> i32 {
    i32::try_from(count).expect("no more seats than a capacity can have")
}

/// A time to accept an offer as `integer`.
pub(crate) fn stored_offer_ttl(ttl: OfferTtl) -> i32 {
    i32::try_from(ttl.seconds()).expect("an offer lasts a week at most")
}

/// A time to keep personal data as `integer`.
pub(crate) fn stored_retention(retention: Retention) -> i32 {
    i32::try_from(retention.days()).expect("ten years at most")
}

/// Older programs than this migration would list unlisted events.
pub(crate) const KNOWS_UNLISTED: i32 = 20;

/// How long before an event its reminders are sent, as `integer`.
pub(crate) fn stored_remind_hours(hours: RemindHours) -> i32 {
    i32::try_from(hours.hours()).expect("thirty days at most")
}

/// A number of tries as `integer`.
pub(crate) fn stored_attempts(attempts: u32) -> i32 {
    i32::try_from(attempts).unwrap_or(i32::MAX)
}

/// A span of time as `double precision`, in seconds.
pub(crate) fn stored_seconds(span: TimeDelta) -> f64 {
    span.as_seconds_f64()
}

fn stored_generation(generation: u32) -> i32 {
    i32::try_from(generation).expect("a registration does not change hands 2^31 times")
}

/// A version as `bigint`.
pub(crate) fn stored_version(version: Version) -> i64 {
    i64::try_from(version.get()).expect("an event does not change 2^63 times")
}

/// Facts as they are stored: a JSON array.
pub(crate) fn stored_facts(facts: &[Fact]) -> String {
    serde_json::to_string(facts).expect("facts are plain data, which JSON can hold")
}

/// An outcome as it is stored: JSON.
pub(crate) fn stored_outcome(outcome: &Outcome) -> String {
    serde_json::to_string(&Stored(outcome)).expect("an outcome is plain data, which JSON can hold")
}

fn stored_token_hash(registration: &Registration) -> Option<&[u8]> {
    registration.token_hash.as_ref().map(|hash| TokenHash::as_bytes(hash).as_slice())
}

fn stored_name(registration: &Registration) -> Option<&str> {
    registration.person.name.as_ref().map(PersonName::as_str)
}

/// An attendee's answers as they are stored: JSON, and NULL if there are none.
fn stored_answers(answers: &Answers) -> Option<String> {
    let json =
        || serde_json::to_string(answers).expect("answers are plain data, which JSON can hold");
    (!answers.is_empty()).then(json)
}

/// An event's questions as they are stored: JSON.
pub(crate) fn stored_questions(questions: &Questions) -> String {
    serde_json::to_string(questions).expect("questions are plain data, which JSON can hold")
}

/// The events of which nothing changed but counts, version and `due_at`.
#[derive(Default)]
pub(crate) struct EventRows {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) booked: Vec<i32>,
    pub(crate) held: Vec<i32>,
    pub(crate) waiting: Vec<i32>,
    pub(crate) decided_upon: Vec<i64>,
    pub(crate) versions: Vec<i64>,
    pub(crate) due_at: Vec<Option<DateTime<Utc>>>,
}

impl EventRows {
    pub(crate) fn of(changes: &[EventChange]) -> Self {
        let mut rows = Self::default();
        for change in changes.iter().filter(|change| change.edited.is_none()) {
            rows.ids.push(change.event_id.as_uuid());
            rows.booked.push(stored_count(change.counts.booked));
            rows.held.push(stored_count(change.counts.held));
            rows.waiting.push(stored_count(change.counts.waiting));
            rows.decided_upon.push(stored_version(change.decided_upon()));
            rows.versions.push(stored_version(change.version));
            rows.due_at.push(change.due_at);
        }
        rows
    }
}

/// The versions that a batch makes, a row for each event.
#[derive(Default)]
pub(crate) struct VersionRows {
    pub(crate) event_ids: Vec<Uuid>,
    pub(crate) first: Vec<i64>,
    pub(crate) last: Vec<i64>,
}

impl VersionRows {
    pub(crate) fn of(changes: &[EventChange]) -> Self {
        let mut rows = Self::default();
        for change in changes.iter().filter(|change| !change.facts.is_empty()) {
            rows.push(change);
        }
        rows
    }

    fn push(&mut self, change: &EventChange) {
        self.event_ids.push(change.event_id.as_uuid());
        self.first.push(stored_version(change.first_version()));
        self.last.push(stored_version(change.version));
    }
}

/// The facts of a batch that are stored, a row for each event.
#[derive(Default)]
pub(crate) struct FactRows {
    pub(crate) made: VersionRows,
    pub(crate) facts: Vec<String>,
}

impl FactRows {
    pub(crate) fn of(changes: &[EventChange]) -> Self {
        let mut rows = Self::default();
        for change in changes.iter().filter(|change| !change.facts_to_store().is_empty()) {
            rows.made.push(change);
            rows.facts.push(stored_facts(change.facts_to_store()));
        }
        rows
    }
}

/// The rows that are deleted and inserted again.
#[derive(Default)]
pub(crate) struct ReplacedRows {
    pub(crate) event_ids: Vec<Uuid>,
    pub(crate) ids: Vec<Uuid>,
}

impl ReplacedRows {
    pub(crate) fn of(changes: &[EventChange]) -> Self {
        let mut rows = Self::default();
        for change in changes {
            for id in &change.replaced {
                rows.event_ids.push(change.event_id.as_uuid());
                rows.ids.push(id.as_uuid());
            }
        }
        rows
    }
}

/// The seats that were confirmed at once.
#[derive(Default)]
pub(crate) struct SeatRows<'a> {
    pub(crate) event_ids: Vec<Uuid>,
    pub(crate) ids: Vec<Uuid>,
    pub(crate) emails: Vec<&'a str>,
    pub(crate) versions: Vec<i64>,
    pub(crate) token_hashes: Vec<Option<&'a [u8]>>,
    pub(crate) names: Vec<Option<&'a str>>,
}

impl<'a> SeatRows<'a> {
    fn push(&mut self, registration: &'a Registration) {
        self.event_ids.push(registration.event_id.as_uuid());
        self.ids.push(registration.id.as_uuid());
        self.emails.push(registration.person.user_email.as_str());
        self.versions.push(stored_version(registration.created_version));
        self.token_hashes.push(stored_token_hash(registration));
        self.names.push(stored_name(registration));
    }

    /// The parameters of `registration/insert`, for seats confirmed at `now`.
    pub(crate) fn parameters<'r>(&'r self, now: &'r DateTime<Utc>) -> [&'r (dyn ToSql + Sync); 7] {
        let Self { event_ids, ids, emails, versions, token_hashes, names } = self;
        [event_ids, ids, emails, versions, now, token_hashes, names]
    }
}

/// All other registrations that are new or changed.
#[derive(Default)]
pub(crate) struct RegistrationRows<'a> {
    pub(crate) event_ids: Vec<Uuid>,
    pub(crate) ids: Vec<Uuid>,
    pub(crate) emails: Vec<&'a str>,
    pub(crate) names: Vec<Option<&'a str>>,
    pub(crate) statuses: Vec<&'static str>,
    pub(crate) expires_at: Vec<Option<DateTime<Utc>>>,
    pub(crate) checked_in_at: Vec<Option<DateTime<Utc>>>,
    pub(crate) scan_ids: Vec<Option<Uuid>>,
    pub(crate) generations: Vec<i32>,
    pub(crate) token_hashes: Vec<Option<&'a [u8]>>,
    pub(crate) versions: Vec<i64>,
    pub(crate) changed_versions: Vec<Option<i64>>,
    pub(crate) created_at: Vec<DateTime<Utc>>,
    pub(crate) answers: Vec<Option<String>>,
}

impl<'a> RegistrationRows<'a> {
    fn push(&mut self, registration: &'a Registration) {
        let (created, changed) = (registration.created_version, registration.event_version);
        self.event_ids.push(registration.event_id.as_uuid());
        self.ids.push(registration.id.as_uuid());
        self.emails.push(registration.person.user_email.as_str());
        self.names.push(stored_name(registration));
        self.statuses.push(registration.status.as_str());
        self.expires_at.push(registration.expires_at);
        self.checked_in_at.push(registration.check_in.map(|check_in| check_in.at));
        self.scan_ids.push(registration.check_in.map(|check_in| check_in.scan_id));
        self.generations.push(stored_generation(registration.generation));
        self.token_hashes.push(stored_token_hash(registration));
        self.versions.push(stored_version(created));
        self.changed_versions.push((changed != created).then(|| stored_version(changed)));
        self.created_at.push(registration.created_at);
        self.answers.push(stored_answers(&registration.person.answers));
    }

    /// The parameters of `registration/insert_any`.
    pub(crate) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![
            &self.event_ids,
            &self.ids,
            &self.emails,
            &self.names,
            &self.statuses,
            &self.expires_at,
            &self.checked_in_at,
            &self.scan_ids,
            &self.generations,
            &self.token_hashes,
            &self.versions,
            &self.changed_versions,
            &self.created_at,
            &self.answers,
        ]
    }
}

/// Splits the rows to be inserted: seats confirmed at once at `now`, and the rest.
pub(crate) fn inserted(
    changes: &[EventChange],
    now: DateTime<Utc>,
) -> (SeatRows<'_>, RegistrationRows<'_>) {
    let (mut seats, mut others) = (SeatRows::default(), RegistrationRows::default());
    for registration in changes.iter().flat_map(|change| &change.registrations) {
        // Each change has a version of its own: a row with a single version is unchanged since its
        // creation.
        let is_as_made = registration.event_version == registration.created_version;
        let is_seat = registration.status == Status::Confirmed && registration.created_at == now;
        let is_plain = is_as_made && registration.person.answers.is_empty();
        match is_plain && is_seat {
            true => seats.push(registration),
            false => others.push(registration),
        }
    }
    empty_if_null(&mut seats.token_hashes);
    empty_if_null(&mut seats.names);
    empty_if_null(&mut others.names);
    empty_if_null(&mut others.expires_at);
    empty_if_null(&mut others.checked_in_at);
    empty_if_null(&mut others.scan_ids);
    empty_if_null(&mut others.token_hashes);
    empty_if_null(&mut others.changed_versions);
    empty_if_null(&mut others.answers);
    (seats, others)
}

/// Beyond the end of an array is NULL, by subscript as by `unnest`, and costs nothing.
fn empty_if_null<T>(column: &mut Vec<Option<T>>) {
    if column.iter().all(Option::is_none) {
        column.clear();
    }
}

/// The answers under idempotency keys.
#[derive(Default)]
pub(crate) struct RecordRows<'a> {
    pub(crate) event_ids: Vec<Uuid>,
    pub(crate) key_hashes: Vec<&'a [u8]>,
    pub(crate) fingerprints: Vec<&'a [u8]>,
    pub(crate) recorded_at: Vec<DateTime<Utc>>,
    pub(crate) outcomes: Vec<String>,
}

impl<'a> RecordRows<'a> {
    pub(crate) fn of(changes: &'a [EventChange]) -> Self {
        let mut rows = Self::default();
        for change in changes {
            for IdempotencyRecord { hash, fingerprint, outcome, recorded_at } in &change.records {
                rows.event_ids.push(change.event_id.as_uuid());
                rows.key_hashes.push(hash.as_bytes());
                rows.fingerprints.push(fingerprint.as_bytes());
                rows.recorded_at.push(*recorded_at);
                rows.outcomes.push(stored_outcome(outcome));
            }
        }
        rows
    }
}

/// The former holders of transferred seats.
#[derive(Default)]
pub(crate) struct FormerHolderRows<'a> {
    pub(crate) event_ids: Vec<Uuid>,
    pub(crate) registration_ids: Vec<Uuid>,
    pub(crate) versions: Vec<i64>,
    pub(crate) emails: Vec<&'a str>,
    pub(crate) names: Vec<Option<&'a str>>,
}

impl<'a> FormerHolderRows<'a> {
    pub(crate) fn of(changes: &'a [EventChange]) -> Self {
        let mut rows = Self::default();
        for change in changes {
            for FormerHolder { registration_id, version, person } in &change.former_holders {
                rows.event_ids.push(change.event_id.as_uuid());
                rows.registration_ids.push(registration_id.as_uuid());
                rows.versions.push(stored_version(*version));
                rows.emails.push(person.user_email.as_str());
                rows.names.push(person.name.as_ref().map(PersonName::as_str));
            }
        }
        rows
    }
}
