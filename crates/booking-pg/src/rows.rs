//! From rows to domain types. Columns are read by their position in the statement; those of an event and of a
//! registration by their names, since many statements have them.

use crate::error::PgError;
use crate::sql::{EVENT, REGISTRATION, STATE};
use booking_core::{
    Answers, Availability, Capacity, CapacityMax, CheckedIn, Contact, Description, EmailAddress,
    Event, EventDetails, EventId, EventName, EventRules, EventState, EventStatus, EventTimes, Fact,
    Fingerprint, HistoryEntry, IdempotencyRecord, Invalid, KeyHash, Language, OfferTtl, Organizer,
    OrganizerId, OrganizerName, OrganizerToken, Outcome, Person, PersonName, Questions,
    RecordedFact, Registration, RegistrationCounts, RegistrationId, RemindHours, Retention, Role,
    RuleColumns, SeatCounts, SigningSeed, Status, Stored, StoredDetails, TicketKey, TimeZone,
    TokenHash, Venue, Version,
};
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// The position of a column in a list, found when this is compiled.
macro_rules! at {
    ($columns:ident, $column:literal) => {
        const { $columns.at($column) }
    };
}

/// A row of `event/lock`. What else belongs to the event comes later.
pub(crate) fn event_state(row: &Row) -> Result<EventState, PgError> {
    let counts = SeatCounts {
        booked: count("booked_count", row.get(at!(STATE, "booked_count")))?,
        held: count("held_count", row.get(at!(STATE, "held_count")))?,
        waiting: count("waitlist_count", row.get(at!(STATE, "waitlist_count")))?,
    };
    let times = EventTimes {
        starts_at: row.get(at!(STATE, "starts_at")),
        ends_at: row.get(at!(STATE, "ends_at")),
    };
    let state = EventState::new(
        event_id(row, at!(STATE, "id")),
        organizer_id(row, at!(STATE, "organizer_id")),
        capacity(row.get(at!(STATE, "capacity")))?,
        counts,
        version_at(row, at!(STATE, "version"))?,
        rules(row, const { &RuleColumns::of(STATE) })?,
        times,
        row.get(at!(STATE, "due_at")),
    );
    Ok(EventState { asks: row.get(at!(STATE, "asks")), ..state })
}

/// Until when the event of a row of `event/lock` is frozen.
pub(crate) fn frozen_until(row: &Row) -> Option<DateTime<Utc>> {
    row.get(at!(STATE, "frozen_until"))
}

/// The version in a column.
pub(crate) fn version_at(row: &Row, at: usize) -> Result<Version, PgError> {
    version("version", row.get(at))
}

/// A row of `question/find`, and its event.
pub(crate) fn questions(row: &Row) -> Result<(EventId, Questions), PgError> {
    let body = row.get::<_, Option<&str>>(1).map(serde_json::from_str);
    let questions = body.transpose().map_err(unreadable("body"))?;
    Ok((event_id(row, 0), questions.unwrap_or_default()))
}

/// The index after the columns of an event.
const AFTER_EVENT: usize = EVENT.count();

/// A row of `event/details`.
pub(crate) fn stored_details(row: &Row) -> Result<StoredDetails, PgError> {
    Ok(StoredDetails {
        details: details(row)?,
        created_at: row.get(at!(EVENT, "created_at")),
        changed_at: changed_at(row, at!(EVENT, "changed_at")),
        details_changed_at: changed_at(row, at!(EVENT, "details_changed_at")),
        sequence: count("sequence", row.get(at!(EVENT, "sequence")))?,
        erase_at: row.get(AFTER_EVENT),
        remind_at: row.get(AFTER_EVENT + 1),
    })
}

/// The public details of an event, from a row with the columns of one.
fn details(row: &Row) -> Result<EventDetails, PgError> {
    let days = row.get::<_, Option<i32>>(at!(EVENT, "retention_days"));
    let retention = days.map(|days| Retention::parse(days.into())).transpose();
    let hours = row.get::<_, Option<i32>>(at!(EVENT, "remind_hours"));
    let remind_hours = hours.map(|hours| RemindHours::parse(hours.into())).transpose();
    let text = |at: usize| row.get::<_, Option<&str>>(at);
    let timezone = text(at!(EVENT, "timezone")).map(TimeZone::parse).transpose();
    let venue = text(at!(EVENT, "venue")).map(Venue::parse_stored).transpose();
    let organizer_name = text(at!(EVENT, "organizer_name")).map(OrganizerName::parse_stored);
    let contact = text(at!(EVENT, "contact")).map(Contact::parse_stored).transpose();
    let name = EventName::parse_stored(row.get(at!(EVENT, "name")));
    let description = Description::parse(row.get(at!(EVENT, "description")));
    let language = Language::from_name(row.get(at!(EVENT, "language")));
    Ok(EventDetails {
        name: name.map_err(in_column("name"))?,
        description: description.map_err(in_column("description"))?,
        starts_at: row.get(at!(EVENT, "starts_at")),
        ends_at: row.get(at!(EVENT, "ends_at")),
        timezone: timezone.map_err(in_column("timezone"))?,
        venue: venue.map_err(in_column("venue"))?,
        retention: retention.map_err(in_column("retention_days"))?,
        language: language.ok_or(PgError::Unreadable { column: "language" })?,
        remind_hours: remind_hours.map_err(in_column("remind_hours"))?,
        organizer_name: organizer_name.transpose().map_err(in_column("organizer_name"))?,
        contact: contact.map_err(in_column("contact"))?,
        is_unlisted: row.get(at!(EVENT, "unlisted")),
    })
}

/// When the event of a row changed, which is when it was created unless it has changed since.
fn changed_at(row: &Row, at: usize) -> DateTime<Utc> {
    row.get::<_, Option<_>>(at).unwrap_or_else(|| row.get(at!(EVENT, "created_at")))
}

/// A row with the columns of an event, and after them how many seats are taken now and whether that number is
/// final.
pub(crate) fn event(row: &Row) -> Result<Event, PgError> {
    Ok(Event {
        id: event_id(row, at!(EVENT, "id")),
        organizer_id: organizer_id(row, at!(EVENT, "organizer_id")),
        details: details(row)?,
        capacity: capacity(row.get(at!(EVENT, "capacity")))?,
        rules: rules(row, const { &RuleColumns::of(EVENT) })?,
        booked_count: count("booked_count", row.get(AFTER_EVENT))?,
        waitlist_count: count("waitlist_count", row.get(at!(EVENT, "waitlist_count")))?,
        version: version_at(row, at!(EVENT, "version"))?,
        created_at: row.get(at!(EVENT, "created_at")),
        changed_at: changed_at(row, at!(EVENT, "changed_at")),
        details_changed_at: changed_at(row, at!(EVENT, "details_changed_at")),
        sequence: count("sequence", row.get(at!(EVENT, "sequence")))?,
        asks: row.get(at!(EVENT, "asks")),
        is_settled: row.get(AFTER_EVENT + 1),
    })
}

/// A row of `event/availability`.
pub(crate) fn availability(row: &Row) -> Result<Availability, PgError> {
    Ok(Availability {
        event_id: event_id(row, 0),
        organizer_id: organizer_id(row, 1),
        status: event_status(row, 2)?,
        capacity: capacity(row.get(3))?,
        version: version("version", row.get(4))?,
        booked_count: count("booked_count", row.get(5))?,
        waitlist_count: count("waitlist_count", row.get(6))?,
        is_settled: row.get(7),
    })
}

fn rules(row: &Row, at: &RuleColumns) -> Result<EventRules, PgError> {
    let seconds = row.get::<_, Option<i32>>(at.offer_ttl_seconds);
    let offer_ttl = seconds.map(|seconds| OfferTtl::parse(seconds.into())).transpose();
    Ok(EventRules {
        status: event_status(row, at.status)?,
        opens_at: row.get(at.opens_at),
        closes_at: row.get(at.closes_at),
        waitlist_enabled: row.get(at.waitlist_enabled),
        offer_ttl: offer_ttl.map_err(in_column("offer_ttl_seconds"))?,
        conceals_registered: row.get(at.conceal_registered),
        confirms_address: row.get(at.confirm_address),
    })
}

/// A column with the state of an event.
pub(crate) fn event_status(row: &Row, at: usize) -> Result<EventStatus, PgError> {
    EventStatus::from_name(row.get(at)).ok_or(PgError::Unreadable { column: "status" })
}

/// A person's address and name.
pub(crate) fn person(user_email: &str, name: Option<&str>) -> Result<Person, PgError> {
    let name = name.map(PersonName::parse_stored).transpose();
    Ok(Person {
        user_email: EmailAddress::parse_stored(user_email).map_err(in_column("user_email"))?,
        name: name.map_err(in_column("name"))?,
        answers: Answers::default(),
    })
}

/// A row with the columns of a registration, or the beginning of one. Positions in the queue are added later.
pub(crate) fn registration(row: &Row) -> Result<Registration, PgError> {
    let status = Status::from_name(row.get(at!(REGISTRATION, "status")));
    let check_in = Option::zip(
        row.get(at!(REGISTRATION, "checked_in_at")),
        row.get(at!(REGISTRATION, "scan_id")),
    );
    let token_hash = row.get::<_, Option<&[u8]>>(at!(REGISTRATION, "token_hash"));
    let token_hash = token_hash.map(|bytes| bytes32("token_hash", bytes));
    let created_version = version("event_version", row.get(at!(REGISTRATION, "event_version")))?;
    let changed_version = row.get::<_, Option<i64>>(at!(REGISTRATION, "changed_version"));
    let changed_version = changed_version.map(|stored| version("changed_version", stored));
    let mut person =
        person(row.get(at!(REGISTRATION, "user_email")), row.get(at!(REGISTRATION, "name")))?;
    if let Some(answers) = row.get::<_, Option<&str>>(at!(REGISTRATION, "answers")) {
        person.answers = serde_json::from_str(answers).map_err(unreadable("answers"))?;
    }
    Ok(Registration {
        event_id: event_of_registration(row),
        id: registration_id(row, at!(REGISTRATION, "id")),
        person,
        status: status.ok_or(PgError::Unreadable { column: "status" })?,
        expires_at: row.get(at!(REGISTRATION, "expires_at")),
        position: None,
        check_in: check_in.map(|(at, scan_id)| CheckedIn { at, scan_id }),
        generation: count("generation", row.get(at!(REGISTRATION, "generation")))?,
        token_hash: token_hash.transpose()?.map(TokenHash::new),
        created_version,
        event_version: changed_version.transpose()?.unwrap_or(created_version),
        created_at: row.get(at!(REGISTRATION, "created_at")),
    })
}

/// A row of `registration/counts`.
pub(crate) fn registration_counts(row: &Row) -> Result<RegistrationCounts, PgError> {
    let count = |column: &'static str, at: usize| {
        u64::try_from(row.get::<_, i64>(at)).map_err(unreadable(column))
    };
    // Held or offered, and past their end: they are expired, swept or not.
    let run_out = count("run_out", 5)?;
    let counts = RegistrationCounts {
        confirmed: count("confirmed", 1)?,
        waitlisted: count("waitlist_count", 2)?,
        held: count("held", 3)?,
        offered: count("offered", 4)?,
        cancelled: count("cancelled", 6)?,
        expired: count("expired", 7)? + run_out,
        checked_in: count("checked_in", 8)?,
    };
    Ok(counts.in_event(event_status(row, 0)?))
}

/// The event of a row with the columns of a registration, whatever else is in it.
pub(crate) fn event_of_registration(row: &Row) -> EventId {
    event_id(row, at!(REGISTRATION, "event_id"))
}

/// A column with the position of a waiting registration.
pub(crate) fn position(row: &Row, at: usize) -> Result<Option<u32>, PgError> {
    let position = row.get::<_, Option<i64>>(at).map(u32::try_from);
    position.transpose().map_err(unreadable("position"))
}

/// A row of `record/load`, and its event.
pub(crate) fn record(row: &Row) -> Result<(EventId, IdempotencyRecord), PgError> {
    let outcome: Stored<Outcome> =
        serde_json::from_str(row.get(4)).map_err(unreadable("outcome"))?;
    let record = IdempotencyRecord {
        hash: KeyHash::new(bytes32("key_hash", row.get(1))?),
        fingerprint: Fingerprint::new(bytes32("fingerprint", row.get(2))?),
        recorded_at: row.get(3),
        outcome: outcome.0,
    };
    Ok((event_id(row, 0), record))
}

/// A row of `registration/history`, whose facts must be about `id` or about its event.
pub(crate) fn history_entry(row: &Row, id: RegistrationId) -> Result<HistoryEntry, PgError> {
    let stored = row.get::<_, Option<&str>>(2).map(serde_json::from_str);
    let fact = stored.transpose().map_err(unreadable("body"))?;
    let fact = fact.unwrap_or_else(|| Fact::of_seat(id));
    if fact.registration_id.is_some_and(|other| other != id) {
        return Err(PgError::Unreadable { column: "body" });
    }
    let version = version("version", row.get(0))?;
    Ok(RecordedFact { version, recorded_at: row.get(1), fact }.into())
}

/// A row of `signing_key/list`.
pub(crate) fn signing_seed(row: &Row) -> Result<SigningSeed, PgError> {
    Ok(SigningSeed::new(bytes32("seed", row.get(0))?))
}

/// A row of `ticket_key/list`.
pub(crate) fn ticket_key(row: &Row) -> Result<TicketKey, PgError> {
    Ok(TicketKey::new(bytes32("public_key", row.get(0))?))
}

/// A row of `token/find` or `token/list`.
pub(crate) fn organizer_token(row: &Row) -> Result<OrganizerToken, PgError> {
    let name = OrganizerName::parse_stored(row.get(2)).map_err(in_column("name"))?;
    let events: Option<Vec<Uuid>> = row.get(7);
    Ok(OrganizerToken {
        id: row.get::<_, Uuid>(0).into(),
        organizer: Organizer::new(row.get::<_, Uuid>(1).into(), name),
        hash: TokenHash::new(bytes32("token_hash", row.get(3))?),
        role: Role::from_name(row.get(6)).ok_or(PgError::Unreadable { column: "role" })?,
        events: events.map(|ids| ids.into_iter().map(EventId::from).collect()),
        created_at: row.get(4),
        revoked_at: row.get(5),
    })
}

fn organizer_id(row: &Row, at: usize) -> Option<OrganizerId> {
    row.get::<_, Option<Uuid>>(at).map(OrganizerId::from)
}

pub(crate) fn event_id(row: &Row, at: usize) -> EventId {
    row.get::<_, Uuid>(at).into()
}

pub(crate) fn registration_id(row: &Row, at: usize) -> RegistrationId {
    row.get::<_, Uuid>(at).into()
}

fn capacity(stored: i32) -> Result<Capacity, PgError> {
    Capacity::parse(stored.into(), CapacityMax::HIGHEST).map_err(in_column("capacity"))
}

pub(crate) fn count(column: &'static str, stored: i32) -> Result<u32, PgError> {
    u32::try_from(stored).map_err(unreadable(column))
}

pub(crate) fn version(column: &'static str, stored: i64) -> Result<Version, PgError> {
    u64::try_from(stored).map(Version::new).map_err(unreadable(column))
}

pub(crate) fn bytes32(column: &'static str, stored: &[u8]) -> Result<[u8; 32], PgError> {
    stored.try_into().map_err(unreadable(column))
}

pub(crate) fn in_column(column: &'static str) -> impl Fn(Invalid) -> PgError {
    move |source| PgError::Row { column, source }
}

/// Without the source, which may quote what is stored.
pub(crate) fn unreadable<E>(column: &'static str) -> impl Fn(E) -> PgError {
    move |_| PgError::Unreadable { column }
}
