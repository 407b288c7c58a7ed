//! The JSON that is sent: what clients see of the domain.

mod webhooks;

pub(crate) use webhooks::{DeliveryBody, TriedBody, WebhookBody};

use actix_web::web::Bytes;
use booking_core::{
    Event, EventId, HistoryEntry, OfferTtl, Person, Registration, RegistrationId, RemindHours,
    Retention, TimeZone, Timing, Venue, Version,
};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A body as it is sent. One that borrows is never more than texts, numbers and times, which JSON holds.
pub(crate) fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).map(Bytes::from).unwrap_or_default()
}

/// An event as clients see it.
#[derive(Serialize)]
pub(crate) struct EventBody<'a> {
    id: EventId,
    name: &'a str,
    description: &'a str,
    capacity: u32,
    booked_count: u32,
    available: u32,
    waitlist_count: u32,
    status: &'static str,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    over_at: Option<DateTime<Utc>>,
    timezone: Option<&'a str>,
    venue: Option<&'a str>,
    opens_at: Option<DateTime<Utc>>,
    closes_at: Option<DateTime<Utc>>,
    waitlist_enabled: bool,
    offer_ttl_seconds: Option<u32>,
    conceal_registered: bool,
    retention_days: Option<u32>,
    language: &'static str,
    remind_hours: Option<u32>,
    confirm_address: bool,
    version: Version,
    created_at: DateTime<Utc>,
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
            version: event.version,
            created_at: event.created_at,
        }
    }
}

/// A registration as clients see it.
#[derive(Serialize)]
pub(crate) struct RegistrationBody<'a> {
    id: RegistrationId,
    event_id: EventId,
    #[serde(flatten)]
    person: &'a Person,
    status: &'static str,
    expires_at: Option<DateTime<Utc>>,
    position: Option<u32>,
    checked_in_at: Option<DateTime<Utc>>,
    event_version: Version,
    created_at: DateTime<Utc>,
    /// Only in the answer that gives it to its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    manage_token: Option<&'a str>,
    /// Only in the answer to a check-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    timing: Option<Timing>,
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
            person: &registration.person,
            status: registration.status.as_str(),
            expires_at: registration.expires_at,
            position: registration.position,
            checked_in_at: registration.check_in.map(|check_in| check_in.at),
            event_version: registration.event_version,
            created_at: registration.created_at,
            manage_token: None,
            timing: None,
        }
    }
}

/// What is told of a seat that whoever has the address is asked about by mail: the same whatever became of it.
#[derive(Serialize)]
pub(crate) struct ToConfirmBody {
    status: &'static str,
}

impl ToConfirmBody {
    /// The only one that there is.
    pub(crate) const SENT: Self = Self { status: "confirmation_sent" };
}

/// Something that happened to a registration, as clients see it.
#[derive(Serialize)]
pub(crate) struct HistoryBody {
    version: Version,
    recorded_at: DateTime<Utc>,
    kind: &'static str,
    actor: &'static str,
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
#[derive(Serialize)]
pub(crate) struct TicketBody {
    pub(crate) registration_id: RegistrationId,
    pub(crate) event_id: EventId,
    pub(crate) ticket: String,
    pub(crate) key_id: String,
}
