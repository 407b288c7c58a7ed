//! Who is to be reminded of an event that is to begin: a mail for each who has a seat.

use crate::mail_lane::new_mail;
use crate::postman::is_to_begin;
use booking_core::{BookingStore, EventId, MailKind, PageLimit, Status, StoreError, Version};
use chrono::{DateTime, Utc};

/// Makes the mails of every event that people are to be reminded of by now, and tells whether there are some.
///
/// An event is only then no longer to be reminded of when all its mails are there. So whoever is killed in between
/// leaves it to be done anew, and several servers may be at the same event: they all make the same mails, of which
/// a store keeps each once.
///
/// # Errors
/// The store's.
pub(crate) async fn make(store: &dyn BookingStore) -> Result<bool, StoreError> {
    let mut has_made = false;
    loop {
        let due = store.due_reminders(PageLimit::MAX).await?;
        if due.is_empty() {
            return Ok(has_made);
        }
        for (event_id, remind_at) in due {
            // Where no mail was sent until now, there are events that are long over.
            if store.event(event_id).await?.as_ref().is_some_and(is_to_begin) {
                has_made |= make_all_of(store, event_id, remind_at).await?;
            }
            store.note_reminded(event_id, remind_at).await?;
        }
    }
}

pub(crate) async fn make_all_of(
    store: &dyn BookingStore,
    event_id: EventId,
    remind_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let occasion = occasion(remind_at);
    let (mut has_made, mut after) = (false, None);
    loop {
        let page = store.live_registrations(event_id, after, PageLimit::MAX).await?;
        let Some(page) = page else { return Ok(has_made) };
        let seated = page.items.iter().filter(|of| of.status == Status::Confirmed);
        let mails: Vec<_> =
            seated.map(|of| new_mail(event_id, of.id, occasion, MailKind::Reminder)).collect();
        has_made |= !mails.is_empty();
        store.add_mails(&mails).await?;
        after = page.next;
        if after.is_none() {
            return Ok(has_made);
        }
    }
}

/// What stands in a reminder's mail for the version that made it, since no version does: the second at which people
/// are to be reminded. It is part of the mail's id, which so is the same whoever makes it and however often, and
/// another one when the event was moved and people are reminded again.
fn occasion(remind_at: DateTime<Utc>) -> Version {
    Version::new(remind_at.timestamp().unsigned_abs())
}
