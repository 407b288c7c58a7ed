//! The events to come, as a list.

use crate::pages::description::summary;
use crate::pages::event::{DateBlock, Seats, is_hidden};
use crate::pages::frame::Frame;
use booking_core::{Event, EventId, Language, Venue};
use booking_delivery::mail::span;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// How many of the events that were put up last are looked through for those to come.
pub(crate) const READ_MAX: u32 = 200;

/// How many of those are listed.
const LISTED_MAX: usize = 50;

/// What `list.html` puts in.
#[derive(Serialize)]
pub(crate) struct ListPage<'a> {
    pub(crate) page: Frame<'a>,
    pub(crate) events: Vec<Card<'a>>,
}

/// An event of the list.
#[derive(Serialize)]
pub(crate) struct Card<'a> {
    id: EventId,
    name: &'a str,
    language: &'static str,
    date: Option<DateBlock>,
    when: Option<String>,
    starts_at: Option<DateTime<Utc>>,
    venue: Option<&'a str>,
    summary: String,
    seats: Seats,
}

/// Those of the events that are to come, or go on, and take place: the next first, and those without a time last.
pub(crate) fn upcoming(language: Language, events: &[Event], now: DateTime<Utc>) -> Vec<Card<'_>> {
    let mut upcoming: Vec<&Event> = events.iter().filter(|event| !is_hidden(event, now)).collect();
    upcoming.sort_by_key(|event| {
        let starts_at = event.details.starts_at;
        (starts_at.is_none(), starts_at)
    });
    upcoming.truncate(LISTED_MAX);
    upcoming.into_iter().map(|event| card(language, event, now)).collect()
}

fn card(language: Language, event: &Event, now: DateTime<Utc>) -> Card<'_> {
    let details = &event.details;
    Card {
        id: event.id,
        name: details.name.as_str(),
        language: details.language.as_str(),
        date: DateBlock::of(language, details),
        when: span(language, details),
        starts_at: details.starts_at,
        venue: details.venue.as_ref().map(Venue::as_str),
        summary: summary(details.description.as_str()),
        seats: Seats::at(language, event, now),
    }
}
