//! The bodies of attendees' requests for seats.

use super::answers;
use crate::api::openapi::schemas::{
    answers as answers_schema, boolean as boolean_schema, email, integer, object, or_null,
    text as line, words,
};
use crate::extract::body::FromBody;
use crate::extract::fields::{Fields, boolean, number, text, word};
use booking_core::{AnswersChange, CapacityMax, EmailAddress, HoldTtl, OnFull, Person, PersonName};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Whose seat it is to be.
fn person(fields: &mut Fields<'_>) -> Option<Person> {
    let user_email = fields.required("user_email", text(EmailAddress::parse));
    let name = fields.optional("name", text(PersonName::parse));
    let answers = answers::given(fields);
    Some(Person { user_email: user_email?, name, answers })
}

fn person_schema() -> ObjectBuilder {
    let name = line(1..=PersonName::CHARACTERS_MAX);
    object()
        .property("user_email", email())
        .required("user_email")
        .property("name", or_null(name))
        .property("answers", answers_schema(true))
}

/// What happens to a claim of a sold-out event.
const ON_FULL: [(&str, OnFull); 2] = [("refuse", OnFull::Refuse), ("waitlist", OnFull::Waitlist)];

/// The body of `POST /events/{id}/register`.
pub(crate) struct Register {
    pub(crate) person: Person,
    pub(crate) on_full: OnFull,
    pub(crate) as_organizer: bool,
}

impl FromBody for Register {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let person = person(fields);
        let on_full = fields.optional("on_full", word(&ON_FULL)).unwrap_or(OnFull::Refuse);
        let as_organizer = fields.optional("as_organizer", boolean).unwrap_or_default();
        Some(Self { person: person?, on_full, as_organizer })
    }
}

impl PartialSchema for Register {
    fn schema() -> RefOr<Schema> {
        let on_full = words(ON_FULL.map(|(word, _)| word))
            .description(Some("Whether to wait if there is no seat; `refuse` if left out"));
        let as_organizer = boolean_schema().description(Some(
            "Whether it is asked in the organizer's name: outside the hours, too, of a draft, and without a mail that \
             confirms the address. Others than the organizer are refused",
        ));
        person_schema()
            .property("on_full", or_null(on_full))
            .property("as_organizer", or_null(as_organizer))
            .into()
    }
}

impl ToSchema for Register {}

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

impl PartialSchema for Hold {
    fn schema() -> RefOr<Schema> {
        let ttl = integer(HoldTtl::SECONDS_MIN..=HoldTtl::SECONDS_MAX)
            .description(Some("How long the seat is held; ten minutes if left out"));
        person_schema().property("ttl_seconds", or_null(ttl)).into()
    }
}

impl ToSchema for Hold {}

/// The body of `PATCH /registrations/{id}`. A field that is left out stays as it is; `null` clears a name.
pub(crate) struct Correct {
    pub(crate) name: Option<Option<PersonName>>,
    pub(crate) user_email: Option<EmailAddress>,
    pub(crate) answers: Option<AnswersChange>,
}

impl FromBody for Correct {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let name = fields.clearable("name", text(PersonName::parse));
        let user_email = fields.given("user_email", text(EmailAddress::parse));
        let answers = answers::change(fields);
        Some(Self { name, user_email, answers })
    }
}

impl PartialSchema for Correct {
    fn schema() -> RefOr<Schema> {
        let name = line(1..=PersonName::CHARACTERS_MAX).description(Some("null: none"));
        let user_email = email().description(Some("For the event's organizer alone"));
        let answers = answers_schema(true)
            .description(Some("What is left out stays as it is; null takes an answer back"));
        object()
            .property("name", or_null(name))
            .property("user_email", user_email)
            .property("answers", answers)
            .into()
    }
}

impl ToSchema for Correct {}

/// The body of `POST /registrations/{id}/transfer`.
pub(crate) struct Transfer(pub(crate) Person);

impl FromBody for Transfer {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        person(fields).map(Self)
    }
}

impl PartialSchema for Transfer {
    fn schema() -> RefOr<Schema> {
        person_schema().into()
    }
}

impl ToSchema for Transfer {}
