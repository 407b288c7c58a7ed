//! The second round trip of a batch: all changes, and COMMIT.

use crate::columns::{
    EventRows, FactRows, KNOWS_UNLISTED, RecordRows, ReplacedRows, VersionRows, inserted,
    stored_count, stored_offer_ttl, stored_questions, stored_remind_hours, stored_retention,
    stored_version,
};
use crate::connection::Lease;
use crate::error::PgError;
use crate::former_holders;
use crate::sql::{self, Sql};
use crate::store::Locking;
use crate::transaction::Attempt;
use booking_core::{
    Contact, Description, EditedEvent, EventChange, EventName, OrganizerName, Questions, TimeZone,
    Venue,
};
use chrono::{DateTime, Utc};
use futures_util::future::{join, join4};
use uuid::Uuid;

/// Older programs than this migration would sell without asking an event's questions.
const KNOWS_QUESTIONS: i32 = 18;

/// Writes what was decided at `now`, and commits it.
pub(crate) async fn write_and_commit(
    connection: &Lease,
    locking: Locking,
    changes: &[EventChange],
    now: DateTime<Utc>,
    attempt: &Attempt,
) -> Result<(), PgError> {
    let (events, made) = (EventRows::of(changes), VersionRows::of(changes));
    let facts = FactRows::of(changes);
    let (replaced, records) = (ReplacedRows::of(changes), RecordRows::of(changes));
    let (seats, others) = inserted(changes, now);

    let prepare = async |needed: bool, sql| connection.prepare_if(needed, sql).await;
    let update_events = prepare(!events.ids.is_empty(), locking.update).await?;
    let delete_replaced = prepare(!replaced.ids.is_empty(), sql::REGISTRATION_DELETE).await?;
    let insert_seats = prepare(!seats.ids.is_empty(), sql::REGISTRATION_INSERT).await?;
    let insert_others = prepare(!others.ids.is_empty(), sql::REGISTRATION_INSERT_ANY).await?;
    let insert_facts = prepare(!facts.facts.is_empty(), sql::FACT_INSERT).await?;
    let note_new = prepare(!made.event_ids.is_empty(), sql::FACT_NOTE_NEW).await?;
    let upsert_records = prepare(!records.event_ids.is_empty(), sql::RECORD_UPSERT).await?;
    for change in changes {
        if let Some(edited) = &change.edited {
            write_edited(connection, locking.edit, change, edited, now).await?;
        }
        if let Some(questions) = &change.questions {
            write_questions(connection, change, questions).await?;
        }
    }
    let purging = changes.iter().filter(|change| change.purges_records);
    let purging: Vec<Uuid> = purging.map(|change| change.event_id.as_uuid()).collect();
    if !purging.is_empty() {
        let purge = connection.prepare(sql::RECORD_DELETE_ALL).await?;
        connection.change(&purge, &[&purging]).await?;
    }
    former_holders::write(connection, changes, now).await?;

    attempt.commit_is_sent();
    // Sent in this order without waiting in between. Replaced rows are deleted before any is
    // inserted, since an address may move from one row to another.
    let ((updated, deleted, seated, added), (recorded, noted, remembered, committed)) = join(
        join4(
            connection.change_if(
                &update_events,
                &[
                    &events.ids,
                    &events.booked,
                    &events.held,
                    &events.waiting,
                    &events.decided_upon,
                    &events.versions,
                    &events.due_at,
                    &now,
                ],
            ),
            connection.change_if(&delete_replaced, &[&replaced.event_ids, &replaced.ids]),
            connection.change_if(&insert_seats, &seats.parameters(&now)),
            connection.change_if(&insert_others, &others.parameters()),
        ),
        join4(
            connection.change_if(
                &insert_facts,
                &[&facts.made.event_ids, &facts.made.first, &facts.made.last, &now, &facts.facts],
            ),
            connection.change_if(&note_new, &[&made.event_ids, &made.first, &made.last, &now]),
            connection.change_if(
                &upsert_records,
                &[
                    &records.event_ids,
                    &records.key_hashes,
                    &records.fingerprints,
                    &records.recorded_at,
                    &records.outcomes,
                ],
            ),
            connection.commit(),
        ),
    )
    .await;
    // The driver reports COMMIT as done even when the server answered it with ROLLBACK, so the
    // statements before it are checked first: if they succeeded there was nothing to roll back.
    let answers = [updated, deleted, seated, added, recorded, noted, remembered];
    for answer in &answers {
        attempt.look_at(answer);
    }
    let mut written = [0; 7];
    for (written, answer) in written.iter_mut().zip(answers) {
        *written = answer?;
    }
    committed?;
    let expected = [
        events.ids.len(),
        replaced.ids.len(),
        seats.ids.len(),
        others.ids.len(),
        facts.facts.len(),
        made.event_ids.len(),
        records.event_ids.len(),
    ]
    .map(|rows| rows as u64);
    assert_eq!(
        written, expected,
        "events updated, registrations deleted, seats and others inserted, facts and records stored, versions noted as new"
    );
    Ok(())
}

/// Writes an event that was changed in more than its counts. That is rare, and may take a round trip
/// of its own.
async fn write_edited(
    connection: &Lease,
    edit: Sql,
    change: &EventChange,
    edited: &EditedEvent,
    now: DateTime<Utc>,
) -> Result<(), PgError> {
    let edit = connection.prepare(edit).await?;
    let EditedEvent { details, capacity, rules, cancelled_version, erase_at, erased_to, .. } =
        edited;
    let changed_at = (!change.facts.is_empty()).then_some(now);
    let counts = change.counts;
    let updated = connection
        .change(
            &edit,
            &[
                &change.event_id.as_uuid(),
                &stored_count(counts.booked),
                &stored_count(counts.held),
                &stored_count(counts.waiting),
                &stored_version(change.version),
                &change.due_at,
                &EventName::as_str(&details.name),
                &Description::as_str(&details.description),
                &details.starts_at,
                &details.ends_at,
                &details.timezone.as_ref().map(TimeZone::as_str),
                &details.venue.as_ref().map(Venue::as_str),
                &stored_count(capacity.get()),
                &rules.status.as_str(),
                &rules.opens_at,
                &rules.closes_at,
                &rules.waitlist_enabled,
                &rules.offer_ttl.map(stored_offer_ttl),
                &cancelled_version.map(stored_version),
                &details.retention.map(stored_retention),
                erase_at,
                &erased_to.map(stored_version),
                &rules.conceals_registered,
                &changed_at,
                &edited.details_changed_at,
                &stored_count(edited.sequence),
                &details.language.as_str(),
                &details.remind_hours.map(stored_remind_hours),
                &edited.remind_at,
                &rules.confirms_address,
                &edited.asks,
                &details.organizer_name.as_ref().map(OrganizerName::as_str),
                &details.contact.as_ref().map(Contact::as_str),
                &details.is_unlisted,
                &stored_version(change.decided_upon()),
            ],
        )
        .await?;
    assert_eq!(updated, 1, "an event whose row is locked is there");
    if details.is_unlisted {
        let raise = connection.prepare(sql::SCHEMA_RAISE).await?;
        connection.change(&raise, &[&KNOWS_UNLISTED]).await?;
    }
    if let Some(end) = edited.offers_end_by {
        let end_offers = connection.prepare(sql::REGISTRATION_END_OFFERS).await?;
        connection.change(&end_offers, &[&change.event_id.as_uuid(), &end]).await?;
    }
    Ok(())
}

/// Writes the questions that an event asks and has asked. That is rare, too: when its organizer changes them, and
/// when one is answered for the first time.
async fn write_questions(
    connection: &Lease,
    change: &EventChange,
    questions: &Questions,
) -> Result<(), PgError> {
    let upsert = connection.prepare(sql::QUESTION_UPSERT).await?;
    let (event_id, body) = (change.event_id.as_uuid(), stored_questions(questions));
    let written = connection.change(&upsert, &[&event_id, &body]).await?;
    assert_eq!(written, 1, "what an event asks is in one row");
    if questions.asks() {
        let raise = connection.prepare(sql::SCHEMA_RAISE).await?;
        connection.change(&raise, &[&KNOWS_QUESTIONS]).await?;
    }
    Ok(())
}
