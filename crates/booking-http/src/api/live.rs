//! The query and the messages of an event stream (HTML Standard, section 9.2): which events, since which version.

use crate::api::openapi::operation::{query, required_query};
use crate::api::openapi::schemas::{string, words};
use crate::extract::path::PathId;
use crate::extract::query::{Parameters, QueryNames};
use crate::problem::ApiError;
use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::web::{Bytes, Query};
use actix_web::{FromRequest, HttpRequest};
use booking_core::{Availability, EventId, EventStatus, Version};
use serde::Serialize;
use std::fmt::Display;
use std::future::{Ready, ready};
use std::time::Duration;
use utoipa::ToSchema;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::{ObjectBuilder, Type};
use uuid::Uuid;

/// The content type of the answer.
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

/// The most events on one connection.
pub(crate) const EVENTS_MAX: usize = 100;

/// The longest query of a stream: so many ids, each with a comma written as `%2C`, and as many versions.
pub(crate) const QUERY_BYTES_MAX: usize = 8 * 1_024;
const _: () = assert!(EVENTS_MAX * (36 + 3 + 20 + 3) < QUERY_BYTES_MAX);

/// What is sent when nothing has changed for a while, so that proxies do not take the connection for dead.
pub(crate) const COMMENT: &[u8] = b":\n\n";

/// The last message that a reconnecting browser has seen.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// An event to be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) event_id: EventId,
    /// The version that the watcher has.
    pub(crate) since: Option<Version>,
}

/// The watched event of a path.
pub(crate) struct WatchOne(pub(crate) Watched);

impl WatchOne {
    pub(crate) const NAMES: QueryNames = QueryNames(&["since"]);

    /// The query of a stream, for the description.
    pub(crate) fn described() -> Vec<Parameter> {
        let version = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0_u32));
        vec![query("since", "The version that is known already: only another one is told", version)]
    }

    fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let PathId(event_id) = PathId::<EventId>::of(request)?;
        let mut parameters = Parameters::of(request)?;
        let since = parameters.take("since", version);
        // A client that reconnects repeats its first query, and names in this header what it has seen since.
        let since = last_seen(request.headers()).or(since);
        parameters.finish(Self(Watched { event_id, since }))
    }
}

impl FromRequest for WatchOne {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).map_err(Into::into))
    }
}

/// The watched events of a query.
pub(crate) struct WatchSeveral(pub(crate) Vec<Watched>);

impl WatchSeveral {
    pub(crate) const NAMES: QueryNames = QueryNames(&["events", "since"]);

    /// The query of such a stream, for the description.
    pub(crate) fn described() -> Vec<Parameter> {
        let since = "The versions that are known already, by comma, in the order of the ids; nothing for none";
        vec![
            required_query("events", "The ids of up to 100 events, by comma", string()),
            query("since", since, string()),
        ]
    }

    fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        watch_several(Parameters::of(request)?, last_seen(request.headers()))
    }
}

impl FromRequest for WatchSeveral {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).map_err(Into::into))
    }
}

fn watch_several(
    mut parameters: Parameters,
    last_seen: Option<Version>,
) -> Result<WatchSeveral, ApiError> {
    // A missing parameter is as wrong as an empty one.
    let ids = parameters.take_or("events", "", ids);
    let versions = parameters.take("since", versions);
    let (ids, versions) = parameters.finish((ids, versions))?;
    let (ids, versions) = (ids.unwrap_or_default(), versions.unwrap_or_default());
    let watched = ids.iter().enumerate().map(|(place, event_id)| Watched {
        event_id: *event_id,
        since: versions.get(place).copied().flatten(),
    });
    let mut watched: Vec<_> = watched.collect();
    // With several events the last id that was seen is of one of them, and does not apply to the others.
    if let ([one], Some(_)) = (watched.as_mut_slice(), last_seen) {
        one.since = last_seen;
    }
    Ok(WatchSeveral(watched))
}

/// The events that a query names, however invalid the rest of it is: a caller without access is refused before it
/// is validated.
pub(crate) fn named_events(query: &str) -> Vec<EventId> {
    let pairs = Query::<Vec<(String, String)>>::from_query(query).map(Query::into_inner);
    let pairs = pairs.unwrap_or_default().into_iter().filter(|(name, _)| name == "events");
    let ids = pairs
        .map(|(_, value)| value.split(',').map(str::trim).flat_map(str::parse).collect::<Vec<_>>());
    ids.flatten().take(EVENTS_MAX).collect()
}

fn ids(text: &str) -> Result<Vec<EventId>, String> {
    let mut ids = Vec::new();
    for part in text.split(',').map(str::trim) {
        let id: EventId = part.parse().map_err(|_| "must be ids of events, by comma".to_owned())?;
        if ids.len() == EVENTS_MAX {
            return Err(format!("must name at most {EVENTS_MAX} events"));
        }
        if ids.contains(&id) {
            return Err("names an event more than once".to_owned());
        }
        ids.push(id);
    }
    Ok(ids)
}

fn versions(text: &str) -> Result<Vec<Option<Version>>, String> {
    let parts = text.split(',').map(str::trim).take(EVENTS_MAX + 1);
    parts.map(|part| if part.is_empty() { Ok(None) } else { version(part).map(Some) }).collect()
}

fn version(text: &str) -> Result<Version, String> {
    number(text).ok_or_else(|| "must be the number of a version".to_owned())
}

/// A number without a sign.
fn number(text: &str) -> Option<Version> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?.map(Version::new)
}

/// The last version that a client has seen. An invalid one is ignored, and the client gets everything.
fn last_seen(headers: &HeaderMap) -> Option<Version> {
    number(headers.get(LAST_EVENT_ID)?.to_str().ok()?.trim())
}

/// How full an event is, as its watchers are told.
#[derive(Serialize, ToSchema)]
#[schema(as = Seats)]
pub(crate) struct SeatsBody {
    #[schema(value_type = Uuid)]
    event_id: EventId,
    capacity: u32,
    /// Seats that are taken: confirmed, held or offered.
    booked_count: u32,
    /// Seats that are free.
    available: u32,
    /// How many people wait.
    waitlist_count: u32,
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// That of the event.
    #[schema(value_type = u64)]
    version: Version,
}

fn statuses() -> ObjectBuilder {
    words(EventStatus::ALL.map(EventStatus::as_str))
}

/// The message with an event's availability.
pub(crate) fn seats_message(availability: &Availability) -> Bytes {
    let (capacity, booked_count) = (availability.capacity.get(), availability.booked_count);
    written(&SeatsBody {
        event_id: availability.event_id,
        capacity,
        booked_count,
        available: capacity.saturating_sub(booked_count),
        waitlist_count: availability.waitlist_count,
        status: availability.status.as_str(),
        version: availability.version,
    })
}

fn written(seats: &SeatsBody) -> Bytes {
    // Numbers, a word and an id are JSON without an end of line.
    let data = serde_json::to_string(seats).unwrap_or_default();
    message("seats", seats.version, &data)
}

/// How a stream begins, for its description.
pub(crate) fn example() -> String {
    let seats = SeatsBody {
        event_id: Uuid::from_u128(0x0196_06a8_6f2a_7c11_9a53_0242_ac12_a0e7).into(),
        capacity: 80,
        booked_count: 79,
        available: 1,
        waitlist_count: 0,
        status: EventStatus::Published.as_str(),
        version: Version::new(80),
    };
    let text = [opening(Duration::from_millis(2_500)), written(&seats)].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn message(event: &str, id: impl Display, data: &str) -> Bytes {
    Bytes::from(format!("id: {id}\nevent: {event}\ndata: {data}\n\n"))
}

/// The start of a stream: how long to wait before reconnecting once it has ended.
pub(crate) fn opening(retry: Duration) -> Bytes {
    Bytes::from(format!("retry: {}\n\n", retry.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{Capacity, CapacityMax};

    fn several(query: &str, last_seen: Option<u64>) -> Result<Vec<Watched>, Vec<String>> {
        let parameters = Parameters::read(query, WatchSeveral::NAMES).expect("it is short enough");
        match watch_several(parameters, last_seen.map(Version::new)) {
            Ok(WatchSeveral(watched)) => Ok(watched),
            Err(ApiError::Validation(errors)) => {
                Err(errors.into_iter().map(|error| error.pointer).collect())
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    fn id(number: u128) -> EventId {
        Uuid::from_u128(number).into()
    }

    fn watched(number: u128, since: Option<u64>) -> Watched {
        Watched { event_id: id(number), since: since.map(Version::new) }
    }

    #[test]
    fn each_event_has_the_version_in_its_place() {
        let (one, two) = (id(1), id(2));
        let both = |a, b| Ok(vec![watched(1, a), watched(2, b)]);
        assert_eq!(several(&format!("events={one},{two}"), None), both(None, None));
        assert_eq!(several(&format!("events={one}%2C+{two}&since=,7"), None), both(None, Some(7)));
        assert_eq!(several(&format!("events={one},{two}&since=3"), None), both(Some(3), None));
        // The last id is of any one of them.
        assert_eq!(several(&format!("events={one},{two}&since=3"), Some(9)), both(Some(3), None));
        let alone = several(&format!("events={one}&since=3"), Some(9));
        assert_eq!(alone, Ok(vec![watched(1, Some(9))]));
    }

    #[test]
    fn a_query_without_events_is_refused() {
        let one = id(1);
        let many: Vec<String> = (0..=EVENTS_MAX as u128)
            .map(|number| id(number).as_uuid().simple().to_string())
            .collect();
        for (query, pointers) in [
            (String::new(), vec!["/events"]),
            ("events=".to_owned(), vec!["/events"]),
            ("events=x".to_owned(), vec!["/events"]),
            (format!("events={one},"), vec!["/events"]),
            (format!("events={one},{one}"), vec!["/events"]),
            (format!("events={one}&since=x"), vec!["/since"]),
            (format!("events={one}&since=-1"), vec!["/since"]),
            ("events=x&since=1,+2".to_owned(), vec!["/events"]),
        ] {
            let pointers: Vec<String> = pointers.into_iter().map(str::to_owned).collect();
            assert_eq!(several(&query, None), Err(pointers), "{query}");
        }
        assert!(ids(&many.join(",")).is_err_and(|reason| reason.contains("100")));
        assert_eq!(ids(&many[1..].join(",")).map(|ids| ids.len()), Ok(EVENTS_MAX));
    }

    #[test]
    fn a_message_is_the_whole_state_under_its_version() {
        let availability = Availability {
            event_id: id(1),
            organizer_id: Some(Uuid::from_u128(2).into()),
            status: EventStatus::Published,
            capacity: Capacity::parse(5, CapacityMax::default()).expect("valid"),
            booked_count: 3,
            waitlist_count: 0,
            version: Version::new(8),
            is_settled: true,
        };
        let text = seats_message(&availability);
        assert_eq!(
            str::from_utf8(&text),
            Ok(
                "id: 8\nevent: seats\ndata: {\"event_id\":\"00000000-0000-0000-0000-000000000001\",\
                \"capacity\":5,\"booked_count\":3,\"available\":2,\"waitlist_count\":0,\
                \"status\":\"published\",\"version\":8}\n\n"
            )
        );
        assert_eq!(opening(Duration::from_millis(2_500)), "retry: 2500\n\n");
    }

    #[test]
    fn events_are_found_in_a_query_that_is_otherwise_invalid() {
        let (one, two) = (id(1), id(2));
        assert_eq!(named_events(&format!("x=1&events={one},y,{two}&events=z")), [one, two]);
        assert_eq!(named_events("events"), []);
        assert_eq!(named_events(""), []);
    }

    #[test]
    fn an_invalid_last_event_id_is_ignored() {
        for (text, version) in
            [("7", Some(7)), (" 7 ", Some(7)), ("", None), ("x", None), ("-7", None)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(LAST_EVENT_ID, text.parse().expect("a header's value"));
            assert_eq!(last_seen(&headers), version.map(Version::new), "{text:?}");
        }
    }
}
