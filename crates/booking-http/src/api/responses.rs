//! The JSON that is sent: what clients see of the domain.

mod questions;
mod webhooks;

pub(crate) use questions::QuestionBody;
pub(crate) use webhooks::{DeliveryBody, TriedBody, WebhookBody};

use crate::api::openapi::schemas::{self, words};
use actix_web::web::Bytes;
use booking_core::{
    Actor, Answers, Contact, EmailAddress, Event, EventId, EventStatus, HistoryEntry, Language,
    Listed, OfferTtl, OrganizerName, PersonName, Registration, RegistrationCounts, RegistrationId,
    RemindHours, Retention, Status, TimeZone, Timing, Venue, Version,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::ObjectBuilder;

/// A body as it is sent. One that borrows is never more than texts, numbers and times, which JSON holds.
pub(crate) fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).map(Bytes::from).unwrap_or_default()
}

/// An event as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventBody<'a> {
    #[schema(value_type = Uuid)]
    id: EventId,
    name: &'a str,
    description: &'a str,
    capacity: u32,
    /// Seats that are taken: confirmed, held or offered.
    booked_count: u32,
    /// Seats that are free.
    available: u32,
    /// How many people wait.
    waitlist_count: u32,
    #[schema(schema_with = event_statuses)]
    status: &'static str,
    #[schema(required = true)]
    starts_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    ends_at: Option<DateTime<Utc>>,
    /// When it is over: at its end, else a day after it begins, else never.
    #[schema(required = true)]
    over_at: Option<DateTime<Utc>>,
    /// A name of the IANA database, in which times are shown.
    #[schema(required = true)]
    timezone: Option<&'a str>,
    #[schema(required = true)]
    venue: Option<&'a str>,
    /// Before this instant nobody may register.
    #[schema(required = true)]
    opens_at: Option<DateTime<Utc>>,
    /// From this instant on nobody new may register.
    #[schema(required = true)]
    closes_at: Option<DateTime<Utc>>,
    waitlist_enabled: bool,
    /// How long an offer is good for; null confirms those who wait at once.
    #[schema(required = true)]
    offer_ttl_seconds: Option<u32>,
    /// Whether who comes when there is no seat hears only that, who is registered too.
    conceal_registered: bool,
    /// For how many days after its end personal data is kept; null for ever.
    #[schema(required = true)]
    retention_days: Option<u32>,
    /// In which language mails are.
    #[schema(schema_with = languages)]
    language: &'static str,
    /// How many hours before it begins a mail reminds of it; null: none does.
    #[schema(required = true)]
    remind_hours: Option<u32>,
    /// Whether a visitor's seat is held until a link in a mail confirms it.
    confirm_address: bool,
    /// Whether it asks something: `GET /events/{id}/questions` says what.
    has_questions: bool,
    /// Who puts it up, as people are to know them.
    #[schema(required = true)]
    organizer_name: Option<&'a str>,
    /// Where people ask about it: an e-mail address, or a URL with https or http.
    #[schema(required = true)]
    contact: Option<&'a str>,
    /// Whether listings leave it out for those who do not manage it.
    unlisted: bool,
    /// Raised by one with every change.
    #[schema(value_type = u64)]
    version: Version,
    created_at: DateTime<Utc>,
}

fn event_statuses() -> ObjectBuilder {
    words(EventStatus::ALL.map(EventStatus::as_str))
}

fn languages() -> ObjectBuilder {
    words(Language::ALL.map(Language::as_str))
}

impl<'a> From<&'a Event> for EventBody<'a> {
    fn from(event: &'a Event) -> Self {
        let (details, rules) = (&event.details, &event.rules);
        Self {
            id: event.id,
            name: details.name.as_str(),
            description: details.description.as_str(),
            capacity: event.capacity.get(),
            booked_count: event.booked_count,
            available: event.capacity.get().saturating_sub(event.booked_count),
            waitlist_count: event.waitlist_count,
            status: rules.status.as_str(),
            starts_at: details.starts_at,
            ends_at: details.ends_at,
            over_at: details.times().over_at(),
            timezone: details.timezone.as_ref().map(TimeZone::as_str),
            venue: details.venue.as_ref().map(Venue::as_str),
            opens_at: rules.opens_at,
            closes_at: rules.closes_at,
            waitlist_enabled: rules.waitlist_enabled,
            offer_ttl_seconds: rules.offer_ttl.map(OfferTtl::seconds),
            conceal_registered: rules.conceals_registered,
            retention_days: details.retention.map(Retention::days),
            language: details.language.as_str(),
            remind_hours: details.remind_hours.map(RemindHours::hours),
            confirm_address: rules.confirms_address,
            has_questions: event.asks,
            organizer_name: details.organizer_name.as_ref().map(OrganizerName::as_str),
            contact: details.contact.as_ref().map(Contact::as_str),
            unlisted: details.is_unlisted,
            version: event.version,
            created_at: event.created_at,
        }
    }
}

/// A registration as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Registration)]
pub(crate) struct RegistrationBody<'a> {
    #[schema(value_type = Uuid)]
    id: RegistrationId,
    #[schema(value_type = Uuid)]
    event_id: EventId,
    /// As it compares: the domain as in DNS, everything in lower case.
    #[schema(value_type = String)]
    user_email: &'a EmailAddress,
    #[schema(value_type = Option<String>, required = true)]
    name: Option<&'a PersonName>,
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// When a hold or an offer runs out.
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
    /// The place in the queue, 1 for who is next.
    #[schema(required = true)]
    position: Option<u32>,
    #[schema(required = true)]
    checked_in_at: Option<DateTime<Utc>>,
    /// The version of the event that its last change made.
    #[schema(value_type = u64)]
    event_version: Version,
    created_at: DateTime<Utc>,
    /// What its owner answered, if that is anything.
    #[serde(skip_serializing_if = "Answers::is_empty")]
    #[schema(schema_with = answers_given, required = false)]
    answers: &'a Answers,
    /// Only in the answer that gives it to its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    manage_token: Option<&'a str>,
    /// Only in the answer to a check-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = timings)]
    timing: Option<Timing>,
}

fn answers_given() -> ObjectBuilder {
    schemas::answers(false)
}

fn statuses() -> ObjectBuilder {
    words(Status::ALL.map(Status::as_str))
}

/// How a check-in was in time.
pub(crate) fn timings() -> ObjectBuilder {
    words(["early", "on_time", "late"])
        .description(Some("Whether it was more than a day early, in time, or late: it is over"))
}

impl<'a> RegistrationBody<'a> {
    /// The same with the token that its owner manages it with.
    pub(crate) fn with_token(self, manage_token: Option<&'a str>) -> Self {
        Self { manage_token, ..self }
    }

    /// The same with how its owner is in time.
    pub(crate) fn with_timing(self, timing: Option<Timing>) -> Self {
        Self { timing, ..self }
    }
}

impl<'a> From<&'a Registration> for RegistrationBody<'a> {
    fn from(registration: &'a Registration) -> Self {
        Self {
            id: registration.id,
            event_id: registration.event_id,
            user_email: &registration.person.user_email,
            name: registration.person.name.as_ref(),
            status: registration.status.as_str(),
            expires_at: registration.expires_at,
            position: registration.position,
            checked_in_at: registration.check_in.map(|check_in| check_in.at),
            event_version: registration.event_version,
            created_at: registration.created_at,
            answers: &registration.person.answers,
            manage_token: None,
            timing: None,
        }
    }
}

/// How many registrations of an event are in which status.
#[derive(Serialize, ToSchema)]
#[schema(as = Counts)]
pub(crate) struct CountsBody {
    confirmed: u64,
    held: u64,
    waitlisted: u64,
    offered: u64,
    cancelled: u64,
    expired: u64,
    /// Those that were let in: confirmed ones, unless the event was cancelled since.
    checked_in: u64,
    /// All that ever were.
    total: u64,
}

impl From<RegistrationCounts> for CountsBody {
    fn from(counts: RegistrationCounts) -> Self {
        let total = counts.listed(Listed::All);
        let RegistrationCounts {
            confirmed,
            held,
            waitlisted,
            offered,
            cancelled,
            expired,
            checked_in,
        } = counts;
        Self { confirmed, held, waitlisted, offered, cancelled, expired, checked_in, total }
    }
}

/// What is told of a seat that whoever has the address is asked about by mail: the same whatever became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = ConfirmationSent)]
pub(crate) struct ToConfirmBody {
    #[schema(schema_with = sent)]
    status: &'static str,
}

fn sent() -> ObjectBuilder {
    words([ToConfirmBody::SENT.status])
}

impl ToConfirmBody {
    /// The only one that there is.
    pub(crate) const SENT: Self = Self { status: "confirmation_sent" };
}

/// What is told of an address whose links are asked for: the same whether or not there are any.
#[derive(Serialize, ToSchema)]
#[schema(as = FindAccepted)]
pub(crate) struct FindBody {
    #[schema(schema_with = accepted)]
    status: &'static str,
}

fn accepted() -> ObjectBuilder {
    words([FindBody::ACCEPTED.status])
}

impl FindBody {
    /// The only one that there is.
    pub(crate) const ACCEPTED: Self = Self { status: "accepted" };
}

/// Something that happened to a registration, as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
pub(crate) struct HistoryBody {
    /// The version of the event that it made.
    #[schema(value_type = u64)]
    version: Version,
    recorded_at: DateTime<Utc>,
    /// What happened, such as `registered` or `checked_in`. There may be others later.
    kind: &'static str,
    #[schema(schema_with = actors)]
    actor: &'static str,
}

fn actors() -> ObjectBuilder {
    words([Actor::Attendee, Actor::Organizer, Actor::System].map(Actor::as_str))
}

impl From<&HistoryEntry> for HistoryBody {
    fn from(entry: &HistoryEntry) -> Self {
        Self {
            version: entry.version,
            recorded_at: entry.recorded_at,
            kind: entry.kind.as_str(),
            actor: entry.actor.as_str(),
        }
    }
}

/// A ticket as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
pub(crate) struct TicketBody {
    #[schema(value_type = Uuid)]
    pub(crate) registration_id: RegistrationId,
    #[schema(value_type = Uuid)]
    pub(crate) event_id: EventId,
    pub(crate) ticket: String,
    /// Of the key that signed it, as `GET /tickets/keys` calls it.
    pub(crate) key_id: String,
}
