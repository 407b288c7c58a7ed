//! The queries of the event listing: newest first, or, as soon as dates or a name are asked for, in the order of
//! their start.

use crate::api::openapi::operation::query;
use crate::api::openapi::schemas::{instant, integer, string, words};
use crate::api::pagination::{after, limit};
use crate::extract::query::{Parameters, QueryNames, encoded};
use crate::problem::ApiError;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use booking_core::{Agenda, EventCursor, PageLimit, SearchText, StartCursor, When, parse_instant};
use chrono::{DateTime, SecondsFormat, Utc};
use std::future::{Ready, ready};
use utoipa::openapi::path::Parameter;

/// Which listing of events the query asks for.
pub(crate) enum EventsQuery {
    /// The newest first.
    Newest { after: Option<EventCursor>, limit: PageLimit },
    /// In the order of their beginnings.
    ByStart(AgendaQuery),
}

/// The query for events in the order of their start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgendaQuery {
    pub(crate) agenda: Agenda,
    /// Those that are found by it.
    pub(crate) text: Option<SearchText>,
    pub(crate) after: Option<StartCursor>,
    pub(crate) limit: PageLimit,
}

const WHEN: [(&str, When); 2] = [("upcoming", When::Upcoming), ("past", When::Past)];
/// The only order that a query can name.
const STARTS_AT: &str = "starts_at";

impl EventsQuery {
    pub(crate) const NAMES: QueryNames =
        QueryNames(&["limit", "cursor", "q", "from", "to", "when", "sort"]);

    /// The parameters, as the description has them.
    pub(crate) fn described() -> Vec<Parameter> {
        let max = u32::try_from(PageLimit::MAX.get()).unwrap_or(u32::MAX);
        let limit = "How many items a page has at most; all that it may if left out";
        let text = "A part of a name or a venue; neither case nor accents count";
        let sort = "In the order of their beginnings, as with any of the four before: the soonest first, and of what \
            is past the latest; those without a beginning are last";
        vec![
            query("limit", limit, integer(1..=max)),
            query("cursor", "Where the page begins, as the link to it says", string()),
            query("q", text, string().max_length(Some(SearchText::CHARACTERS_MAX))),
            query("from", "Those that begin then or later", instant()),
            query("to", "Those that begin before", instant()),
            query(
                "when",
                "Those that are not over, or those that are",
                words(WHEN.map(|(word, _)| word)),
            ),
            query("sort", sort, words([STARTS_AT])),
        ]
    }

    fn read(mut parameters: Parameters) -> Result<Self, ApiError> {
        let time = |value: &str| parse_instant(value).map_err(|invalid| invalid.to_string());
        let (from, to) = (parameters.take("from", time), parameters.take("to", time));
        let when = parameters.take("when", |value| {
            let found = WHEN.iter().find(|(word, _)| *word == value);
            found.map(|(_, when)| *when).ok_or_else(|| "must be upcoming or past".to_owned())
        });
        let text = parameters.take("q", |value| match value.trim() {
            "" => Ok(None),
            text => SearchText::parse(text).map(Some).map_err(|invalid| invalid.to_string()),
        });
        let sort = parameters.take("sort", |value| match value {
            STARTS_AT => Ok(()),
            _ => Err("must be starts_at".to_owned()),
        });
        let text = text.flatten();
        let is_plain =
            from.is_none() && to.is_none() && when.is_none() && text.is_none() && sort.is_none();
        let limit = limit(&mut parameters);
        if is_plain {
            let after = after(&mut parameters);
            return parameters.finish(Self::Newest { after, limit });
        }
        let after = after(&mut parameters);
        let agenda = Agenda { from, to, when };
        parameters.finish(Self::ByStart(AgendaQuery { agenda, text, after, limit }))
    }
}

impl FromRequest for EventsQuery {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Parameters::of(request).and_then(Self::read).map_err(Into::into))
    }
}

impl AgendaQuery {
    /// The same in the link to the next page.
    pub(crate) fn to_query(&self) -> String {
        let mut query_text = format!("&sort={STARTS_AT}");
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        for (name, bound) in [("from", self.agenda.from), ("to", self.agenda.to)] {
            if let Some(bound) = bound {
                query_text.push_str(&format!("&{name}={}", encoded(&time(bound))));
            }
        }
        if let Some((word, _)) = WHEN.iter().find(|(_, when)| Some(*when) == self.agenda.when) {
            query_text.push_str(&format!("&when={word}"));
        }
        if let Some(text) = &self.text {
            query_text.push_str(&format!("&q={}", encoded(text.as_str())));
        }
        query_text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<EventsQuery, ApiError> {
        EventsQuery::read(Parameters::read(query, EventsQuery::NAMES)?)
    }

    fn by_start(query: &str) -> AgendaQuery {
        match read(query) {
            Ok(EventsQuery::ByStart(asked)) => asked,
            Ok(EventsQuery::Newest { .. }) => panic!("{query} asks for the newest"),
            Err(error) => panic!("{query}: {error}"),
        }
    }

    #[test]
    fn a_query_without_parameters_lists_the_newest_events() {
        for query in
            ["", "limit=5", "q=", "q=%20&limit=1", "cursor=1_00000000000000000000000000000007"]
        {
            assert!(matches!(read(query), Ok(EventsQuery::Newest { .. })), "{query}");
        }
        // Each order has its own cursors.
        let of_start = "cursor=s1_00000000000000000000000000000007";
        assert!(read(of_start).is_err());
        assert!(by_start(&format!("{of_start}&when=past")).after.is_some());
        assert!(read("sort=starts_at&cursor=1_00000000000000000000000000000007").is_err());
    }

    #[test]
    fn the_next_page_is_of_the_same_events() {
        for query in [
            "sort=starts_at",
            "when=upcoming",
            "when=past&q=Jazz%20%26%20So",
            "from=2026-05-01T00:00:00%2B02:00&to=2026-06-01T00:00:00.5Z",
        ] {
            let asked = by_start(query);
            let again = by_start(asked.to_query().trim_start_matches('&'));
            assert_eq!(again, asked, "{query}");
        }
    }

    #[test]
    fn every_invalid_parameter_is_reported() {
        let Err(ApiError::Validation(errors)) =
            read("from=now&to=x&when=soon&q=%01&sort=name&limit=0&cursor=x")
        else {
            panic!("it was taken");
        };
        let mut pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/cursor", "/from", "/limit", "/q", "/sort", "/to", "/when"]);
    }
}
