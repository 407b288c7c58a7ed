//! What attendees send about seats.

use crate::extract::body::FromBody;
use crate::extract::fields::{Fields, number, text, word};
use booking_core::{
    CapacityMax, Claim, EmailAddress, HoldTtl, OnFull, PersonName, RegistrationId, TokenHash,
};

/// Whose seat it is to be.
pub(crate) struct Who {
    pub(crate) user_email: EmailAddress,
    pub(crate) name: Option<PersonName>,
}

impl Who {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let user_email = fields.required("user_email", text(EmailAddress::parse));
        let name = fields.optional("name", text(PersonName::parse));
        Some(Self { user_email: user_email?, name })
    }

    /// Their claim, to be managed with the token that has this hash.
    pub(crate) fn claim(self, registration_id: RegistrationId, token_hash: TokenHash) -> Claim {
        let Self { user_email, name } = self;
        Claim { registration_id, user_email, name, token_hash: Some(token_hash) }
    }
}

/// The body of `POST /events/{id}/register`.
pub(crate) struct Register {
    pub(crate) who: Who,
    pub(crate) on_full: OnFull,
}

impl FromBody for Register {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let who = Who::from_fields(fields);
        let words = [("refuse", OnFull::Refuse), ("waitlist", OnFull::Waitlist)];
        let on_full = fields.optional("on_full", word(&words)).unwrap_or(OnFull::Refuse);
        Some(Self { who: who?, on_full })
    }
}

/// The body of `POST /events/{id}/holds`.
pub(crate) struct Hold {
    pub(crate) who: Who,
    pub(crate) ttl: HoldTtl,
}

impl FromBody for Hold {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let who = Who::from_fields(fields);
        let ttl = fields.optional("ttl_seconds", number(HoldTtl::parse)).unwrap_or_default();
        Some(Self { who: who?, ttl })
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
pub(crate) struct Transfer(pub(crate) Who);

impl FromBody for Transfer {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        Who::from_fields(fields).map(Self)
    }
}
