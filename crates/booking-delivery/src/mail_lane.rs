//! Turns an event's facts into mails, which the postman renders and sends.

use crate::limits::{FACTS_AT_ONCE, STEPS_BACK_MAX, TURN};
use crate::postman::is_unconfirmed;
use crate::steps::Steps;
use booking_core::{
    Actor, BookingStore, EventId, Fact, FactKind, Lane, LaneNext, LaneStep, LeaseId, MailKind,
    NewMail, PageLimit, RecordedFact, RegistrationCursor, RegistrationId, StoreError, Version,
};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use uuid::{Builder, Uuid};

/// Creates mails of new facts, until the lane has none left or is lost. Returns whether it created any.
///
/// # Errors
/// The store's.
pub(crate) async fn walk(
    store: &dyn BookingStore,
    steps: &Steps<LaneStep>,
    reads: &Semaphore,
    mut lane: Lane,
    lease: LeaseId,
) -> Result<bool, StoreError> {
    let limit = PageLimit::parse(FACTS_AT_ONCE).expect("it is a page's");
    let (began, mut has_made) = (Instant::now(), false);
    loop {
        let turn = reads.acquire().await;
        let mut facts = store.facts_after(lane.event_id, lane.version, limit).await?;
        drop(turn);
        // Facts that came after it was claimed are routed to it.
        facts.retain(|recorded| recorded.version <= lane.target);
        // Other events have their turn, too.
        let is_last = facts.len() < limit.get() || began.elapsed() >= TURN;
        let mut mails = Vec::new();
        for recorded in facts {
            if let Some(kind) = mail_to_all_attendees(recorded.fact.kind) {
                // Mails created until here are written first: a mail to all attendees is created in steps.
                let made = std::mem::take(&mut mails);
                has_made |= !made.is_empty();
                if !steps.write(step(&lane, lease, made, LaneNext::GoOn)).await? {
                    return Ok(has_made);
                }
                match notify_all_attendees(store, steps, &mut lane, lease, &recorded, kind).await? {
                    Some(any) => has_made |= any,
                    None => return Ok(has_made),
                }
            } else {
                mails.extend(mails_of(store, lane.event_id, &recorded).await?);
            }
            (lane.version, lane.position) = (recorded.version, None);
        }
        has_made |= !mails.is_empty();
        let next = if is_last { LaneNext::Release } else { LaneNext::GoOn };
        let is_ours = steps.write(step(&lane, lease, mails, next)).await?;
        if is_last || !is_ours {
            return Ok(has_made);
        }
    }
}

fn step(lane: &Lane, lease: LeaseId, mails: Vec<NewMail>, next: LaneNext) -> LaneStep {
    LaneStep { attempts: 0, mails, ..LaneStep::new(lane, lease, next) }
}

/// The mail that every registered attendee gets.
fn mail_to_all_attendees(kind: FactKind) -> Option<MailKind> {
    match kind {
        FactKind::EventMoved => Some(MailKind::EventMoved),
        FactKind::EventCancelled => Some(MailKind::EventCancelled),
        _ => None,
    }
}

/// Creates a mail for each registered attendee, from where the lane is on, except for unconfirmed addresses.
/// Returns whether it created any; `None` if the lane was lost.
async fn notify_all_attendees(
    store: &dyn BookingStore,
    steps: &Steps<LaneStep>,
    lane: &mut Lane,
    lease: LeaseId,
    recorded: &RecordedFact,
    kind: MailKind,
) -> Result<Option<bool>, StoreError> {
    let Some(event) = store.event(lane.event_id).await? else { return Ok(Some(false)) };
    let mut has_made = false;
    loop {
        let after = lane.position.map(RegistrationCursor::at);
        let page = store.live_registrations(lane.event_id, after, PageLimit::MAX).await?;
        let Some(page) = page.filter(|page| !page.items.is_empty()) else {
            return Ok(Some(has_made));
        };
        let recipients = page.items.iter().filter(|of| !is_unconfirmed(&event, of));
        let mails: Vec<_> =
            recipients.map(|of| new_mail(lane.event_id, of.id, recorded.version, kind)).collect();
        lane.position = page.items.last().map(|of| of.created_version);
        has_made |= !mails.is_empty();
        if !steps.write(step(lane, lease, mails, LaneNext::GoOn)).await? {
            return Ok(None);
        }
    }
}

/// The mails about a change of one registration.
async fn mails_of(
    store: &dyn BookingStore,
    event_id: EventId,
    recorded: &RecordedFact,
) -> Result<Vec<NewMail>, StoreError> {
    let fact = &recorded.fact;
    let Some(registration_id) = fact.registration_id else { return Ok(Vec::new()) };
    let kinds = kinds_of(store, event_id, fact).await?.iter();
    let mails = kinds.map(|kind| new_mail(event_id, registration_id, recorded.version, *kind));
    Ok(mails.collect())
}

async fn kinds_of(
    store: &dyn BookingStore,
    event_id: EventId,
    fact: &Fact,
) -> Result<&'static [MailKind], StoreError> {
    let kinds: &[MailKind] = match fact.kind {
        FactKind::Registered | FactKind::Confirmed => &[MailKind::Confirmed],
        FactKind::Waitlisted => &[MailKind::Waitlisted],
        FactKind::Offered => &[MailKind::Offered],
        // The address is unconfirmed, so there is no known reader.
        FactKind::Cancelled
            if confirms_address(store, event_id).await?
                && was_made_by(store, event_id, fact, FactKind::Held).await? =>
        {
            &[]
        }
        FactKind::Cancelled => &[MailKind::Cancelled],
        FactKind::Transferred => &[MailKind::Transferred, MailKind::HandedOver],
        FactKind::Corrected | FactKind::LinkRenewed => &[MailKind::Changed],
        FactKind::Held
            if fact.actor == Actor::Attendee && confirms_address(store, event_id).await? =>
        {
            &[MailKind::ConfirmAddress]
        }
        // Its holder let the hold run out.
        FactKind::Expired if was_made_by(store, event_id, fact, FactKind::Offered).await? => {
            &[MailKind::Lapsed]
        }
        FactKind::Held
        | FactKind::Expired
        | FactKind::CheckedIn
        | FactKind::CheckInUndone
        | FactKind::Erased
        | FactKind::EventCreated
        | FactKind::EventDrafted
        | FactKind::EventPublished
        | FactKind::EventEdited
        | FactKind::EventMoved
        | FactKind::EventCancelled => &[],
    };
    Ok(kinds)
}

async fn confirms_address(store: &dyn BookingStore, event_id: EventId) -> Result<bool, StoreError> {
    Ok(store.event(event_id).await?.is_some_and(|event| event.rules.confirms_address))
}

/// Whether a fact of that kind created what a fact ended, whatever corrections came in between.
async fn was_made_by(
    store: &dyn BookingStore,
    event_id: EventId,
    fact: &Fact,
    kind: FactKind,
) -> Result<bool, StoreError> {
    let mut previous = fact.previous;
    for _ in 0..STEPS_BACK_MAX {
        let Some(version) = previous else { return Ok(false) };
        let Some(before) = store.fact(event_id, version).await? else { return Ok(false) };
        match before.fact.kind {
            FactKind::Corrected | FactKind::LinkRenewed => previous = before.fact.previous,
            made_by => return Ok(made_by == kind),
        }
    }
    Ok(false)
}

/// The mail of a kind that a version of an event makes for a registration: always with the same id.
pub(crate) fn new_mail(
    event_id: EventId,
    registration_id: RegistrationId,
    version: Version,
    kind: MailKind,
) -> NewMail {
    let digest = Sha256::new()
        .chain_update(event_id.as_uuid())
        .chain_update(registration_id.as_uuid())
        .chain_update(version.get().to_be_bytes())
        .chain_update(kind.as_str())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // RFC 9562, section 5.8.
    let id: Uuid = Builder::from_custom_bytes(bytes).into_uuid();
    NewMail::new(id.into(), event_id, registration_id, kind, version)
}
