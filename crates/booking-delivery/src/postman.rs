//! Renders and sends the mails that are due, from the store's state when they are sent.

use crate::limits::{COMPOSED_AT_ONCE, RENEW_EVERY};
use crate::mail::{
    Admits, ComposeError, Composer, FoundSeat, Letter, Mailer, SendError, pause_after, with_jitter,
};
use crate::steps::Steps;
use booking_core::{
    BookingStore, ErrorChain, Event, EventId, EventStatus, FAILURE_BYTES_MAX, LeaseId, Mail,
    MailKind, MailStep, NewMail, OrganizerId, OrganizerName, PageLimit, Person, Registration,
    SettledMail, Status, StoreError,
};
use chrono::Utc;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

/// What only a server can provide for a registration, since it needs its secrets. None of it is stored.
pub trait Links: fmt::Debug + Send + Sync {
    /// The private link of a registration; `None` if nobody manages it by a token.
    fn private_link(&self, registration: &Registration) -> Option<String>;

    /// The URL of an event's page.
    fn event_link(&self, event_id: EventId) -> Option<String>;

    /// The ticket of a confirmed registration.
    fn ticket(&self, registration: &Registration) -> String;

    /// An organizer's name, if known.
    fn organizer(&self, id: OrganizerId) -> Option<OrganizerName>;
}

/// Composes messages of mails that are due, and sends them.
#[derive(Debug)]
pub struct Postman {
    composer: Arc<Composer>,
    composing: Semaphore,
    mailer: Mailer,
    links: Arc<dyn Links>,
}

/// The most registrations in one mail.
const FOUND_MAX: u32 = 50;

impl Postman {
    /// Creates a postman that composes by `composer`, sends by `mailer`, and has `links` from its server.
    pub fn new(composer: Composer, mailer: Mailer, links: Arc<dyn Links>) -> Self {
        let composing = Semaphore::new(COMPOSED_AT_ONCE);
        Self { composer: Arc::new(composer), composing, mailer, links }
    }

    /// How many mails may be sent now.
    pub(crate) fn admits(&self) -> Admits {
        self.mailer.admits()
    }

    /// Sends a claimed mail, if it is still true, and writes its result, together with those of other mails.
    ///
    /// # Errors
    /// The store's. Then the mail is sent again once the lease is over, under the same `Message-ID`.
    pub(crate) async fn deliver(
        &self,
        store: &dyn BookingStore,
        settling: &Steps<SettledMail>,
        reads: &Semaphore,
        mail: Mail,
        lease: LeaseId,
    ) -> Result<(), StoreError> {
        let NewMail { id, event_id, .. } = mail.mail;
        let settle = async |step| settling.write(SettledMail::new(&mail.mail, lease, step)).await;
        let sending = self.send(store, reads, &mail);
        tokio::pin!(sending);
        let mut renewals = interval(RENEW_EVERY);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first renewal is immediate.
        renewals.tick().await;
        let step = loop {
            tokio::select! {
                step = &mut sending => break step?,
                _ = renewals.tick() => {
                    if !settle(MailStep::GoOn).await? {
                        return Ok(());
                    }
                }
            }
        };
        if let MailStep::Stuck(failure) = &step {
            log::warn!("mail {} of event {event_id} was given up: {failure}", id.as_uuid());
        }
        settle(step).await?;
        Ok(())
    }

    /// Sends a mail when it is its turn, and returns its result.
    async fn send(
        &self,
        store: &dyn BookingStore,
        reads: &Semaphore,
        mail: &Mail,
    ) -> Result<MailStep, StoreError> {
        // The state is read only then.
        let Ok(turn) = self.mailer.turn().await else { return Ok(MailStep::PutBack) };
        let read = reads.acquire().await;
        let letter = self.letter(store, mail).await?;
        drop(read);
        let Some(letter) = letter else { return Ok(MailStep::Dropped) };
        // Drawing a ticket takes longer than all else here, and webhook messages must not wait for it.
        let composer = Arc::clone(&self.composer);
        let composing = self.composing.acquire().await;
        let composed = spawn_blocking(move || composer.compose(&letter)).await;
        drop(composing);
        let message = match composed {
            Ok(Ok(message)) => message,
            Ok(Err(ComposeError::Erased)) => return Ok(MailStep::Dropped),
            Ok(Err(error)) => {
                return Ok(MailStep::Stuck(shortened(ErrorChain(&error).to_string())));
            }
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // The runtime is shutting down.
            Err(_) => return Ok(MailStep::PutBack),
        };
        Ok(match turn.send(&message).await {
            Ok(()) => MailStep::Sent,
            Err(SendError::Away(_)) => MailStep::PutBack,
            Err(SendError::Permanent(failure)) => MailStep::Stuck(shortened(failure)),
            Err(SendError::Transient(failure)) => match pause_after(mail.attempts + 1) {
                Some(pause) => {
                    MailStep::RetryAfter(with_jitter(pause, fastrand::f64()), shortened(failure))
                }
                None => MailStep::Stuck(shortened(failure)),
            },
        })
    }

    /// The letter of a mail, from the present state; `None` if the mail no longer applies.
    async fn letter(
        &self,
        store: &dyn BookingStore,
        mail: &Mail,
    ) -> Result<Option<Letter>, StoreError> {
        let NewMail { id, event_id, registration_id, kind, .. } = mail.mail;
        let Some(registration) = store.registration(registration_id).await? else {
            return Ok(None);
        };
        let Some(event) = store.event(event_id).await? else { return Ok(None) };
        if registration.person.is_erased() || !still_applies(kind, &event, &registration) {
            return Ok(None);
        }
        let Some(person) = receiver(store, &mail.mail, &registration).await? else {
            return Ok(None);
        };
        let kind = match kind {
            // The holder of a corrected address has not confirmed it yet.
            MailKind::Changed if is_unconfirmed(&event, &registration) => MailKind::ConfirmAddress,
            kind => kind,
        };
        let (language, to) = (event.details.language, person.user_email);
        let mut letter = Letter::new(id.as_uuid(), kind, language, to, mail.made_at);
        letter.name = person.name;
        if kind == MailKind::Found {
            letter.found = self.found(store, &registration).await?;
            return Ok(Some(letter).filter(|letter| !letter.found.is_empty()));
        }
        letter.event_link = self.links.event_link(event_id);
        letter.organizer = event.organizer_id.and_then(|id| self.links.organizer(id));
        letter.event = Some(event);
        // Only the seat's holder gets the link and the ticket.
        if kind != MailKind::HandedOver {
            letter.link = self.links.private_link(&registration);
            if registration.status == Status::Confirmed {
                letter.ticket = Some(self.links.ticket(&registration));
            }
            letter.registration = Some(registration);
        }
        Ok(Some(letter))
    }

    /// All registrations of one registration's address.
    async fn found(
        &self,
        store: &dyn BookingStore,
        of: &Registration,
    ) -> Result<Vec<FoundSeat>, StoreError> {
        let limit = PageLimit::parse(FOUND_MAX).expect("it is a page's");
        let email = of.person.user_email.canonical();
        let mut found = Vec::new();
        for registration in store.live_registrations_of(&email, limit).await? {
            let Some(link) = self.links.private_link(&registration) else { continue };
            let Some(event) = store.event(registration.event_id).await? else { continue };
            let event_name = event.details.name.as_str().to_owned();
            found.push(FoundSeat { event_name, status: registration.status, link });
        }
        Ok(found)
    }
}

/// The recipient; `None` if the former holder of a transferred seat is no longer known, or has it again.
async fn receiver(
    store: &dyn BookingStore,
    mail: &NewMail,
    registration: &Registration,
) -> Result<Option<Person>, StoreError> {
    let holder = &registration.person;
    if mail.kind != MailKind::HandedOver {
        return Ok(Some(holder.clone()));
    }
    let former = store.former_holder(mail.event_id, mail.registration_id, mail.version).await?;
    Ok(former.filter(|former| former.user_email != holder.user_email.canonical()))
}

/// Whether an address is unconfirmed although the event asks for confirmation.
pub(crate) fn is_unconfirmed(event: &Event, registration: &Registration) -> bool {
    event.rules.confirms_address && registration.status == Status::Held
}

/// Whether an event still lies ahead, so that reminders make sense.
pub(crate) fn is_to_begin(event: &Event) -> bool {
    event.details.starts_at.is_some_and(|starts_at| starts_at > Utc::now())
}

/// Whether a mail still applies.
fn still_applies(kind: MailKind, event: &Event, registration: &Registration) -> bool {
    let status = registration.status;
    let is_cancelled = event.rules.status == EventStatus::Cancelled;
    if kind == MailKind::EventCancelled {
        return is_cancelled;
    }
    let is_over = event.details.times().is_over(Utc::now());
    if is_cancelled || is_over {
        return false;
    }
    match kind {
        MailKind::Confirmed | MailKind::Transferred => status == Status::Confirmed,
        MailKind::Reminder => status == Status::Confirmed && is_to_begin(event),
        MailKind::Waitlisted => status == Status::Waitlisted,
        MailKind::Offered => status == Status::Offered,
        MailKind::Lapsed => status == Status::Expired,
        MailKind::Cancelled => status == Status::Cancelled,
        MailKind::ConfirmAddress => status == Status::Held,
        MailKind::HandedOver => true,
        MailKind::EventMoved => status.is_live() && !is_unconfirmed(event, registration),
        // An attendee with the address who asks for the link can confirm the address by it.
        MailKind::Found | MailKind::Changed => status.is_live(),
        MailKind::EventCancelled => unreachable!("it was looked at above"),
    }
}

fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(FAILURE_BYTES_MAX));
    text
}
