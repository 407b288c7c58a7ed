//! The list of the events to come, or of those that match a search.

use crate::api::agenda::AgendaQuery;
use crate::pages::description::summary;
use crate::pages::event::{DateBlock, Seats, is_hidden};
use crate::pages::frame::Frame;
use actix_web::web::Query;
use booking_core::{
    Agenda, Event, EventId, EventStatus, Language, PageLimit, SearchText, Venue, When,
};
use booking_delivery::mail::span;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Serialize;

/// How many upcoming events are read: some of them are cancelled.
pub(crate) const READ_MAX: u32 = 200;

/// How many of those are listed.
const LISTED_MAX: usize = 50;

/// The values of `list.html`.
#[derive(Serialize)]
pub(crate) struct ListPage<'a> {
    pub(crate) page: Frame<'a>,
    pub(crate) events: Vec<Card<'a>>,
    pub(crate) search: Search,
}

/// The search in the form of the list: the same as in `static/js/event_query.js`, but for the clock of days, which
/// is UTC's here.
#[derive(Default, Serialize)]
pub(crate) struct Search {
    q: String,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    is_past: bool,
    #[serde(skip)]
    text: Option<SearchText>,
}

impl Search {
    /// The search in a query. Invalid parameters are ignored, as pages ignore unknown ones.
    pub(crate) fn of(query: &str) -> Self {
        let fields = Query::<Vec<(String, String)>>::from_query(query).map(Query::into_inner);
        let fields = fields.unwrap_or_default();
        let value = |name: &str| {
            let field = fields.iter().find(|(field, _)| field == name);
            field.map_or("", |(_, value)| value.as_str())
        };
        let date = |name: &str| NaiveDate::parse_from_str(value(name), "%Y-%m-%d").ok();
        let text = SearchText::parse(value("q")).ok();
        let q = if text.is_some() { value("q").trim().to_owned() } else { String::new() };
        let (from, to) = (date("from"), date("to"));
        Self { q, from, to, is_past: value("when") == "past", text }
    }

    /// Whether it is more than the default list.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.text.is_some() || self.from.is_some() || self.to.is_some() || self.is_past
    }

    /// The same as a query of events.
    pub(crate) fn asked(&self) -> AgendaQuery {
        let begin = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
        let to = self.to.and_then(|date| date.succ_opt());
        let when = if self.is_past { When::Past } else { When::Upcoming };
        let agenda = Agenda { from: self.from.map(begin), to: to.map(begin), when: Some(when) };
        let limit = u32::try_from(LISTED_MAX).ok().and_then(|max| PageLimit::parse(max).ok());
        let limit = limit.unwrap_or_default();
        AgendaQuery { agenda, text: self.text.clone(), after: None, limit }
    }
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

/// The events that are upcoming or running, and not cancelled: the next first, and those without a time last.
pub(crate) fn upcoming(language: Language, events: &[Event], now: DateTime<Utc>) -> Vec<Card<'_>> {
    let mut upcoming: Vec<&Event> = events.iter().filter(|event| !is_hidden(event, now)).collect();
    upcoming.sort_by_key(|event| {
        let starts_at = event.details.starts_at;
        (starts_at.is_none(), starts_at)
    });
    upcoming.truncate(LISTED_MAX);
    upcoming.into_iter().map(|event| card(language, event, now)).collect()
}

/// All matches, in their order, but for drafts.
pub(crate) fn found(language: Language, events: &[Event], now: DateTime<Utc>) -> Vec<Card<'_>> {
    let found = events.iter().filter(|event| event.rules.status != EventStatus::Draft);
    found.map(|event| card(language, event, now)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_parameters_are_read_and_invalid_ones_ignored() {
        let search = Search::of("q=+Caf%C3%A9+&from=2026-12-01&to=2026-12-31&when=past&x=y");
        assert_eq!((search.q.as_str(), search.is_past), ("Café", true));
        let agenda = search.asked().agenda;
        let day = |day: &str| format!("{day}T00:00:00Z").parse::<DateTime<Utc>>().ok();
        let expected =
            Agenda { from: day("2026-12-01"), to: day("2027-01-01"), when: Some(When::Past) };
        assert_eq!(agenda, expected);
        for none in ["", "q=", "q=%00", "from=tomorrow&to=2026-02-30", "when=never", "%zz", "utm=1"]
        {
            assert!(!Search::of(none).is_narrowed(), "{none}");
        }
    }
}
