//! What attendees send about seats.

use crate::extract::body::FromBody;
use crate::extract::fields::{Fields, number, text, word};
use booking_core::{CapacityMax, EmailAddress, HoldTtl, OnFull, Person, PersonName};

/// Whose seat it is to be.
fn person(fields: &mut Fields<'_>) -> Option<Person> {
    let user_email = fields.required("user_email", text(EmailAddress::parse));
    let name = fields.optional("name", text(PersonName::parse));
    Some(Person { user_email: user_email?, name })
}

/// The body of `POST /events/{id}/register`.
pub(crate) struct Register {
    pub(crate) person: Person,
    pub(crate) on_full: OnFull,
}

impl FromBody for Register {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let person = person(fields);
        let words = [("refuse", OnFull::Refuse), ("waitlist", OnFull::Waitlist)];
        let on_full = fields.optional("on_full", word(&words)).unwrap_or(OnFull::Refuse);
        Some(Self { person: person?, on_full })
    }
}

/// The body of `POST /events/{id}/holds`.
pub(crate) struct Hold {
    pub(crate) person: Person,
    pub(crate) ttl: HoldTtl,
}

impl FromBody for Hold {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let person = person(fields);
        let ttl = fields.optional("ttl_seconds", number(HoldTtl::parse)).unwrap_or_default();
        Some(Self { person: person?, ttl })
    }
}

/// The body of `PATCH /registrations/{id}`. What is left out stays as it is; `null` clears a name.
pub(crate) struct Correct {
    pub(crate) name: Option<Option<PersonName>>,
    pub(crate) user_email: Option<EmailAddress>,
}

impl FromBody for Correct {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let name = fields.clearable("name", text(PersonName::parse));
        let user_email = fields.given("user_email", text(EmailAddress::parse));
        Some(Self { name, user_email })
    }
}

/// The body of `POST /registrations/{id}/transfer`.
pub(crate) struct Transfer(pub(crate) Person);

impl FromBody for Transfer {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        person(fields).map(Self)
    }
}
