//! What a mail is to tell an attendee.

use booking_core::{
    EmailAddress, Event, Language, MailKind, OrganizerName, PersonName, Registration, Status,
};
use chrono::{DateTime, Utc};
use std::fmt;
use uuid::Uuid;

/// What a mail is to tell an attendee, as it is when the letter is written. What is unknown is left out.
///
/// It holds a link that is as good as a password, and so its `Debug` shows next to nothing.
#[derive(Clone)]
pub struct Letter {
    /// Its id, and `Message-ID`: the same at every try.
    pub id: Uuid,
    /// The kind of mail.
    pub kind: MailKind,
    /// The language.
    pub language: Language,
    /// The recipient's address.
    pub to: EmailAddress,
    /// The recipient's name.
    pub name: Option<PersonName>,
    /// When the mail became due: `Date`.
    pub at: DateTime<Utc>,
    /// The event that it is about: all kinds are about one, except [`MailKind::Found`].
    pub event: Option<Event>,
    /// The recipient's registration, as it is now.
    pub registration: Option<Registration>,
    /// The recipient's private link. [`MailKind::ConfirmAddress`] makes no sense without.
    pub link: Option<String>,
    /// The event's page.
    pub event_link: Option<String>,
    /// The recipient's ticket, which is shown as a QR code, too.
    pub ticket: Option<String>,
    /// The organizer's name.
    pub organizer: Option<OrganizerName>,
    /// All registrations of the address, for [`MailKind::Found`].
    pub found: Vec<FoundSeat>,
}

/// One of the registrations of an address.
#[derive(Clone)]
pub struct FoundSeat {
    /// The event's name.
    pub event_name: String,
    /// Its status.
    pub status: Status,
    /// Its private link.
    pub link: String,
}

impl Letter {
    /// A letter with nothing but a recipient and a kind.
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
