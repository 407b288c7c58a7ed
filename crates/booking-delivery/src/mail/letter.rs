//! What somebody is to be told.

use booking_core::{
    EmailAddress, Event, Language, MailKind, OrganizerName, PersonName, Registration, Status,
};
use chrono::{DateTime, Utc};
use std::fmt;
use uuid::Uuid;

/// What somebody is to be told, as it is when the letter is written. What is not known is left out of it.
///
/// It holds a link that is as good as a password, and so its `Debug` shows next to nothing.
#[derive(Clone)]
pub struct Letter {
    /// Its name, and `Message-ID`: the same however often it is tried.
    pub id: Uuid,
    /// What it tells.
    pub kind: MailKind,
    /// In which language.
    pub language: Language,
    /// Whom.
    pub to: EmailAddress,
    /// What they are called.
    pub name: Option<PersonName>,
    /// When that was to be told: `Date`.
    pub at: DateTime<Utc>,
    /// The event that it is about: all are about one, but [`MailKind::Found`].
    pub event: Option<Event>,
    /// Their registration, as it is now.
    pub registration: Option<Registration>,
    /// Where they manage it. [`MailKind::ConfirmAddress`] makes no sense without.
    pub link: Option<String>,
    /// The event's page.
    pub event_link: Option<String>,
    /// Their ticket, which is shown as a QR code, too.
    pub ticket: Option<String>,
    /// Whose the event is.
    pub organizer: Option<OrganizerName>,
    /// All that is registered for the address, for [`MailKind::Found`].
    pub found: Vec<FoundSeat>,
}

/// A registration among all those of an address.
#[derive(Clone)]
pub struct FoundSeat {
    /// What its event is called.
    pub event_name: String,
    /// Where it stands.
    pub status: Status,
    /// Where it is managed.
    pub link: String,
}

impl Letter {
    /// A letter of which nothing is known but whom it is for, and what it is to tell.
    pub fn new(
        id: Uuid,
        kind: MailKind,
        language: Language,
        to: EmailAddress,
        at: DateTime<Utc>,
    ) -> Self {
        let (name, event, registration, link, event_link, ticket, organizer, found) =
            Default::default();
        Self {
            id,
            kind,
            language,
            to,
            name,
            at,
            event,
            registration,
            link,
            event_link,
            ticket,
            organizer,
            found,
        }
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({} {} {})", self.id, self.language.as_str(), self.kind.as_str())
    }
}

impl fmt::Debug for FoundSeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FoundSeat({})", self.status.as_str())
    }
}
