//! Looks for those who have lost their link, one after the other, beside requests.

use crate::service::Service;
use crate::util::failure_log::FailureLog;
use booking_core::{BookingStore, EmailAddress, MailId, MailKind, NewMail, PageLimit, StoreError};
use std::sync::Arc;
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

/// Looks until the server stops. Whoever is not found gets no mail, and nobody hears of it.
pub(crate) async fn run(service: Arc<Service>, mut to_be_found: Receiver<EmailAddress>) {
    let mut failures = FailureLog::default();
    while let Some(user_email) = to_be_found.recv().await {
        let found = find(&*service.store, &user_email).await;
        failures.record("find the registrations of an address", found);
    }
}

/// Has one mail be sent to an address that has live registrations. It is about the newest, and tells of all that
/// there are when it is sent.
async fn find(store: &dyn BookingStore, user_email: &EmailAddress) -> Result<(), StoreError> {
    let one = PageLimit::parse(1).expect("it is a page's");
    let found = store.live_registrations_of(&user_email.canonical(), one).await?;
    let Some(newest) = found.first() else { return Ok(()) };
    let mail = NewMail {
        id: MailId::from(Uuid::now_v7()),
        event_id: newest.event_id,
        registration_id: newest.id,
        kind: MailKind::Found,
        version: newest.event_version,
    };
    store.add_mails(&[mail]).await
}
