//! Creates the reminders of an event that is about to begin: a mail for each attendee with a seat.

use crate::mail_lane::new_mail;
use crate::postman::is_to_begin;
use booking_core::{BookingStore, EventId, MailKind, PageLimit, Status, StoreError, Version};
use chrono::{DateTime, Utc};

/// Creates the mails of every event whose reminder is due, and returns whether there are some.
///
/// An event's reminder is marked as done only when all its mails are stored. So a process that is killed in between
/// leaves it to be done again, and several servers may work on the same event: they all create the same mails, of
/// which a store keeps each once.
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

/// Stands in for the version in a reminder's mail, since no version makes it: the second at which the reminder is
/// due. It is part of the mail's id, which so is the same for every server and every try, and another one when the
/// event was moved and attendees are reminded again.
fn occasion(remind_at: DateTime<Utc>) -> Version {
    Version::new(remind_at.timestamp().unsigned_abs())
}
