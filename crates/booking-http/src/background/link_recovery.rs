//! Sends mail to attendees who have lost their link, and to those whose address was registered again, one after the
//! other, in the background.

use crate::service::Service;
use crate::service::known_addresses::Known;
use crate::util::failure_log::FailureLog;
use booking_core::{
    EmailAddress, MailId, MailKind, NewMail, PageLimit, Registration, RegistrationId, Status,
    StoreError,
};
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

/// The queue of the task; after a panic the restarted task does the rest.
pub(crate) type Shared<T> = Arc<Mutex<Receiver<T>>>;

/// The most registrations that are read to find a live one.
const FOUND_MAX: u32 = 50;

/// Looks attendees up until the server stops. An address without registrations gets no mail, and nobody is notified
/// of that.
pub(crate) async fn run(service: Arc<Service>, to_be_found: Shared<EmailAddress>) {
    let mut to_be_found = to_be_found.lock().await;
    let mut failures = FailureLog::default();
    while let Some(user_email) = to_be_found.recv().await {
        let found = find(&service, &user_email).await;
        failures.record("find the registrations of an address", found);
    }
}

/// Notifies attendees whose address was registered again, until the server stops.
pub(crate) async fn notify_known(service: Arc<Service>, known: Shared<Known>) {
    let mut known = known.lock().await;
    let mut failures = FailureLog::default();
    while let Some((_, id)) = known.recv().await {
        let notified = notify(&service, id).await;
        failures.record("tell of a registration that was asked for again", notified);
    }
}

/// Sends one mail to an address that has live registrations. It is about the newest, and lists all that there are
/// when it is sent.
async fn find(service: &Service, user_email: &EmailAddress) -> Result<(), StoreError> {
    // More than one, since holds among them may have expired.
    let some = PageLimit::parse(FOUND_MAX).expect("it is a page's");
    let found = service.store.live_registrations_of(&user_email.canonical(), some).await?;
    match found.first() {
        Some(newest) => service.store.add_mails(&[mail(newest, MailKind::Found)]).await,
        None => Ok(()),
    }
}

/// The same for a registration that is known to exist, within the limit of mails to an address.
async fn notify(service: &Service, id: RegistrationId) -> Result<(), StoreError> {
    let Some(registration) = service.store.registration(id).await? else { return Ok(()) };
    let may_be_notified = service
        .link_recovery
        .as_ref()
        .is_some_and(|link_recovery| link_recovery.may_mail(&registration.person.user_email));
    let kind = match registration.status {
        // An attendee who has not confirmed the address yet can do so by the link in this mail.
        Status::Held => MailKind::ConfirmAddress,
        status if status.is_live() => MailKind::Found,
        _ => return Ok(()),
    };
    if !may_be_notified || registration.is_erased() {
        return Ok(());
    }
    service.store.add_mails(&[mail(&registration, kind)]).await
}

/// A mail that no fact makes.
fn mail(registration: &Registration, kind: MailKind) -> NewMail {
    NewMail {
        id: MailId::from(Uuid::now_v7()),
        event_id: registration.event_id,
        registration_id: registration.id,
        kind,
        version: registration.event_version,
    }
}
