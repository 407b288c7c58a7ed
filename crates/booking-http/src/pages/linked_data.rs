//! An event for search engines: schema.org's `Event` in JSON-LD.

use crate::pages::description::summary;
use booking_core::{Contact, Event, EventStatus, Venue};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// <https://schema.org/Event>
#[derive(Serialize)]
pub(crate) struct LinkedData<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@type")]
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(rename = "inLanguage")]
    language: &'static str,
    #[serde(rename = "startDate", skip_serializing_if = "Option::is_none")]
    starts_at: Option<DateTime<Utc>>,
    #[serde(rename = "endDate", skip_serializing_if = "Option::is_none")]
    ends_at: Option<DateTime<Utc>>,
    #[serde(rename = "eventStatus")]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Place<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organizer: Option<Organization<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(rename = "maximumAttendeeCapacity")]
    capacity: u32,
    #[serde(rename = "remainingAttendeeCapacity")]
    available: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    offers: Option<Offer<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    name: &'a str,
    address: &'a str,
}

#[derive(Serialize)]
struct Organization<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct Offer<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    availability: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(rename = "validFrom", skip_serializing_if = "Option::is_none")]
    opens_at: Option<DateTime<Utc>>,
    #[serde(rename = "validThrough", skip_serializing_if = "Option::is_none")]
    closes_at: Option<DateTime<Utc>>,
}

impl<'a> LinkedData<'a> {
    /// The data of an event whose page is at `url`, with `organizer`, as far as that is known and the event does
    /// not name its own.
    pub(crate) fn of(event: &'a Event, url: Option<&'a str>, organizer: Option<&'a str>) -> Self {
        let (details, rules) = (&event.details, &event.rules);
        let (is_on, capacity) = (rules.status == EventStatus::Published, event.capacity.get());
        let available = capacity.saturating_sub(event.booked_count);
        let name = details.organizer_name.as_ref().map_or(organizer, |name| Some(name.as_str()));
        let contact = details.contact.as_ref();
        let place = |venue: &'a Venue| Place {
            kind: "Place",
            name: venue.as_str(),
            // It is the only text about its place.
            address: venue.as_str(),
        };
        Self {
            context: "https://schema.org",
            kind: "Event",
            name: details.name.as_str(),
            description: summary(details.description.as_str()),
            language: details.language.as_str(),
            starts_at: details.starts_at,
            ends_at: details.ends_at,
            status: match rules.status {
                EventStatus::Cancelled => "https://schema.org/EventCancelled",
                EventStatus::Draft | EventStatus::Published => "https://schema.org/EventScheduled",
            },
            location: details.venue.as_ref().map(place),
            organizer: (name.is_some() || contact.is_some()).then(|| Organization {
                kind: "Organization",
                name,
                email: contact.and_then(Contact::as_address),
                url: contact.and_then(Contact::as_url),
            }),
            url,
            capacity,
            available,
            offers: is_on.then_some(Offer {
                kind: "Offer",
                availability: match available {
                    0 => "https://schema.org/SoldOut",
                    _ => "https://schema.org/InStock",
                },
                url,
                opens_at: rules.opens_at,
                closes_at: rules.closes_at,
            }),
        }
    }
}
