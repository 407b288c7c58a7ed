//! Events.

use super::{IF_NONE_MATCH, event, not_modified};
use crate::api::agenda::EventsQuery;
use crate::api::openapi::document::EVENTS;
use crate::api::openapi::operation::{Answer, Auth, Operation};
use crate::api::requests::{CopyEvent, CreateEvent, EditEvent};
use crate::api::responses::EventBody;
use crate::problem::shape;
use actix_web::http::StatusCode;
use booking_delivery::calendar;
use serde_json::json;

pub(in crate::routes) fn create() -> Operation {
    let made = Answer::json::<EventBody<'_>>(StatusCode::CREATED, "The event").with("Location");
    Operation::new("create_event", EVENTS, "Puts up an event")
        .auth(Auth::Organizer)
        .takes::<CreateEvent>(json!({
            "name": "Jazz night",
            "description": "Doors at 19:00",
            "capacity": 80,
            "starts_at": "2031-05-01T19:00:00Z",
            "timezone": "Europe/Berlin",
            "venue": "Blue Room",
            "organizer_name": "Jazz Club",
            "contact": "hello@jazz.example",
        }))
        .answers(made)
}

pub(in crate::routes) fn list() -> Operation {
    let page = Answer::list::<EventBody<'_>>(StatusCode::OK, "A page of events");
    let page = page.with("Link").with("Booking-Missing-Cells");
    Operation::new("list_events", EVENTS, "Lists events, newest first or by their beginnings")
        .described(
            "Those that are public and not unlisted, and those of the organizer who asks. A page ends at about 1 MiB, \
             whatever its limit is.",
        )
        .queries(EventsQuery::described())
        .answers(page)
        .refuses(&[shape::OVERLOADED])
}

pub(in crate::routes) fn show() -> Operation {
    Operation::new("show_event", EVENTS, "Shows an event")
        .header(IF_NONE_MATCH.0, IF_NONE_MATCH.1)
        .answers(event(
            "The event. While a hold has run out and nobody has tidied it has no `ETag`",
        ))
        .answers(not_modified())
}

pub(in crate::routes) fn edit() -> Operation {
    Operation::new("edit_event", EVENTS, "Edits an event")
        .described(
            "What is left out stays as it is; null clears what can be absent. More seats serve those who wait \
             in the same transaction. An edit that is in effect already is 200 whatever `If-Match` says.",
        )
        .auth(Auth::Organizer)
        .header("If-Match", "Up to 16 tags of states of which the event must be in one, or `*`")
        .takes::<EditEvent>(json!({"capacity": 100, "venue": null}))
        .answers(event("The event as it is now"))
        .refuses(&[shape::CAPACITY_BELOW_BOOKED, shape::CLOSED, shape::VERSION_MISMATCH])
}

pub(in crate::routes) fn cancel() -> Operation {
    Operation::new("cancel_event", EVENTS, "Calls an event off, and ends every registration")
        .auth(Auth::Organizer)
        .answers(event("The event, which is cancelled; twice is the same"))
}

pub(in crate::routes) fn copy() -> Operation {
    let made = Answer::json::<EventBody<'_>>(StatusCode::CREATED, "The copy").with("Location");
    Operation::new("copy_event", EVENTS, "Makes a draft that is as an event is")
        .described("Nobody is registered for it.")
        .auth(Auth::Organizer)
        .takes::<CopyEvent>(json!({"name": "Jazz night", "starts_at": "2031-05-08T19:00:00Z"}))
        .answers(made)
}

pub(in crate::routes) fn calendar_of_all() -> Operation {
    let description =
        "An iCalendar file (RFC 5545) of up to 1,000 events that are not over and have a time";
    let file = Answer::text(StatusCode::OK, description, calendar::CONTENT_TYPE);
    Operation::new("show_calendar", EVENTS, "One calendar of what is to come")
        .described("Of what is public, and of the organizer who asks; not of drafts.")
        .header(IF_NONE_MATCH.0, IF_NONE_MATCH.1)
        .answers(file.with("ETag"))
        .answers(not_modified())
}

pub(in crate::routes) fn calendar() -> Operation {
    let file = Answer::text(StatusCode::OK, "An iCalendar file (RFC 5545)", calendar::CONTENT_TYPE);
    Operation::new("show_event_calendar", EVENTS, "The calendar file of an event that has a time")
        .header(IF_NONE_MATCH.0, IF_NONE_MATCH.1)
        .answers(file.with("ETag"))
        .answers(not_modified())
}
