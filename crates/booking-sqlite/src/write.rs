//! Writing a decision.

use crate::errors::Failure;
use crate::rows::{stored, stored_time};
use crate::transaction::one_row;
use crate::{former_holders, records, sql};
use booking_core::{
    Answers, Contact, EventChange, EventDetails, EventId, Fact, OfferTtl, OrganizerName,
    PersonName, Questions, Registration, RegistrationId, RemindHours, Retention, TimeZone,
    TokenHash, Venue, Version,
};
use chrono::{DateTime, Utc};
use rusqlite::{CachedStatement, Connection, params};
use std::collections::HashSet;

/// Older programs than this migration would sell without asking an event's questions.
const KNOWS_QUESTIONS: i32 = 18;
/// Older programs than this migration would list unlisted events.
const KNOWS_UNLISTED: i32 = 20;

/// Writes what was decided for one event at `now`.
pub(crate) fn write(
    connection: &Connection,
    change: &EventChange,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    write_event(connection, change, now)?;
    if let Some(questions) = &change.questions {
        write_questions(connection, change.event_id, questions)?;
    }
    write_registrations(connection, change)?;
    let (id, first, facts) = (change.event_id, change.first_version(), change.facts_to_store());
    if !facts.is_empty() {
        write_facts(connection, id, first, change.version, facts, now)?;
    } else if !change.facts.is_empty() {
        let mut note = connection.prepare_cached(sql::FACT_NOTE_NEW)?;
        note.execute(params![id.as_uuid().as_bytes(), stored(first)])?;
    }
    if change.purges_records {
        let id = change.event_id.as_uuid();
        connection.prepare_cached(sql::RECORD_DELETE_ALL)?.execute([id.as_bytes()])?;
    }
    former_holders::write(connection, change, now)?;
    records::write(connection, change.event_id.as_uuid(), &change.records)
}

fn write_event(
    connection: &Connection,
    change: &EventChange,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let id = change.event_id.as_uuid();
    let decided_upon = stored(change.decided_upon());
    let (counts, version) = (change.counts, stored(change.version));
    let due_at = stored_time(change.due_at);
    let Some(edited) = &change.edited else {
        let rows = connection.prepare_cached(sql::EVENT_UPDATE)?.execute(params![
            id.as_bytes(),
            decided_upon,
            counts.booked,
            counts.held,
            counts.waiting,
            version,
            due_at,
            now.timestamp_micros(),
        ])?;
        return one_row("event/update", rows);
    };
    let (details, rules) = (&edited.details, edited.rules);
    let rows = connection.prepare_cached(sql::EVENT_EDIT)?.execute(params![
        id.as_bytes(),
        decided_upon,
        counts.booked,
        counts.held,
        counts.waiting,
        version,
        due_at,
        edited.capacity.get(),
        rules.status.as_str(),
        stored_time(rules.opens_at),
        stored_time(rules.closes_at),
        rules.waitlist_enabled,
        rules.offer_ttl.map(OfferTtl::seconds),
        stored_time(details.starts_at),
        stored_time(details.ends_at),
        details.timezone.as_ref().map(TimeZone::as_str),
        details.venue.as_ref().map(Venue::as_str),
        details.name.as_str(),
        details.description.as_str(),
        edited.cancelled_version.map(stored),
        details.retention.map(Retention::days),
        stored_time(edited.erase_at),
        edited.erased_to.map(stored),
        rules.conceals_registered,
        stored_time((!change.facts.is_empty()).then_some(now)),
        edited.details_changed_at.timestamp_micros(),
        edited.sequence,
        details.language.as_str(),
        details.remind_hours.map(RemindHours::hours),
        stored_time(edited.remind_at),
        rules.confirms_address,
        edited.asks,
        details.organizer_name.as_ref().map(OrganizerName::as_str),
        details.contact.as_ref().map(Contact::as_str),
        details.is_unlisted,
    ])?;
    one_row("event/edit", rows)?;
    require_unlisted_support(connection, details)?;
    if let Some(end) = edited.offers_end_by {
        let mut end_offers = connection.prepare_cached(sql::REGISTRATION_END_OFFERS)?;
        end_offers.execute(params![id.as_bytes(), end.timestamp_micros()])?;
    }
    Ok(())
}

/// Deletes what was replaced, then inserts all that is new or changed, so that addresses can move from
/// one row to another in any order. Updating the rows whose addresses stay would save 7 % of a batch of
/// confirmations, cancellations or check-ins, which costs no more than one of registrations as it is.
fn write_registrations(connection: &Connection, change: &EventChange) -> Result<(), Failure> {
    let replaced: HashSet<RegistrationId> = change.replaced.iter().copied().collect();
    if !replaced.is_empty() {
        let mut delete = connection.prepare_cached(sql::REGISTRATION_DELETE)?;
        let rows = change.registrations.iter().filter(|row| replaced.contains(&row.id));
        for registration in rows {
            let rows = delete.execute(params![
                change.event_id.as_uuid().as_bytes(),
                stored(registration.created_version),
                registration.id.as_uuid().as_bytes(),
            ])?;
            one_row("registration/delete", rows)?;
        }
    }
    let mut insert = connection.prepare_cached(sql::REGISTRATION_INSERT)?;
    for registration in &change.registrations {
        insert_registration(&mut insert, registration)?;
    }
    Ok(())
}

fn insert_registration(
    insert: &mut CachedStatement<'_>,
    registration: &Registration,
) -> Result<(), Failure> {
    let is_changed = registration.event_version != registration.created_version;
    let rows = insert.execute(params![
        registration.event_id.as_uuid().as_bytes(),
        stored(registration.created_version),
        is_changed.then(|| stored(registration.event_version)),
        registration.id.as_uuid().as_bytes(),
        registration.person.user_email.as_str(),
        registration.person.name.as_ref().map(PersonName::as_str),
        registration.status.as_str(),
        stored_time(registration.expires_at),
        registration.generation,
        registration.token_hash.as_ref().map(TokenHash::as_bytes),
        registration.check_in.map(|check_in| check_in.at.timestamp_micros()),
        registration.check_in.as_ref().map(|check_in| check_in.scan_id.as_bytes()),
        registration.created_at.timestamp_micros(),
        stored_answers(&registration.person.answers),
    ])?;
    one_row("registration/insert", rows)
}

/// As JSON, and NULL if there are none.
fn stored_answers(answers: &Answers) -> Option<String> {
    let json =
        || serde_json::to_string(answers).expect("answers are plain data, which JSON can hold");
    (!answers.is_empty()).then(json)
}

/// The questions that an event asks and has asked: rare, when its organizer changes them, and when one is answered
/// for the first time.
fn write_questions(
    connection: &Connection,
    event_id: EventId,
    questions: &Questions,
) -> Result<(), Failure> {
    let body =
        serde_json::to_string(questions).expect("questions are plain data, which JSON can hold");
    let rows = connection
        .prepare_cached(sql::QUESTION_UPSERT)?
        .execute(params![event_id.as_uuid().as_bytes(), body])?;
    one_row("question/upsert", rows)?;
    if questions.asks() {
        connection.prepare_cached(sql::SCHEMA_RAISE)?.execute([KNOWS_QUESTIONS])?;
    }
    Ok(())
}

/// Keeps programs from opening the file that would list unlisted events.
pub(crate) fn require_unlisted_support(
    connection: &Connection,
    details: &EventDetails,
) -> Result<(), Failure> {
    if details.is_unlisted {
        connection.prepare_cached(sql::SCHEMA_RAISE)?.execute([KNOWS_UNLISTED])?;
    }
    Ok(())
}

pub(crate) fn write_facts(
    connection: &Connection,
    event_id: EventId,
    first: Version,
    last: Version,
    facts: &[Fact],
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let body = serde_json::to_string(facts).expect("facts are plain data, which JSON can hold");
    let rows = connection.prepare_cached(sql::FACT_INSERT)?.execute(params![
        event_id.as_uuid().as_bytes(),
        stored(first),
        stored(last),
        now.timestamp_micros(),
        body,
    ])?;
    one_row("fact/insert", rows)
}
