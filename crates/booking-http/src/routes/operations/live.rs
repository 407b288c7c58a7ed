//! Watching events.

use crate::api::live::{self, EVENT_STREAM, SeatsBody, WatchOne, WatchSeveral};
use crate::api::openapi::document::EVENTS;
use crate::api::openapi::operation::{Answer, Operation};
use crate::problem::shape;
use actix_web::http::StatusCode;

pub(in crate::routes) fn watch_one() -> Operation {
    watch("watch_event", "How full an event is, as it changes").queries(WatchOne::described())
}

pub(in crate::routes) fn watch_several() -> Operation {
    watch("watch_events", "How full several events are, as it changes")
        .queries(WatchSeveral::described())
        .refuses(&[shape::NOT_FOUND])
}

fn watch(id: &'static str, summary: &'static str) -> Operation {
    let stream = "A stream without an end: messages `seats`, whose data is a `Seats` in JSON and whose id is its version";
    Operation::new(id, EVENTS, summary)
        .described(
            "An event stream (HTML Standard, section 9.2). Each message tells the newest state; who is slow hears \
             of no other. Where nothing changes a comment comes every 15 seconds, and `retry` says when to come again \
             once the stream has ended, as it does when the server stops.",
        )
        .header("Last-Event-ID", "The version that was seen last, as browsers send it; it counts more than `since`")
        .answers(Answer::stream::<SeatsBody>(StatusCode::OK, stream, EVENT_STREAM, &live::example()))
        .refuses(&[shape::RATE_LIMITED, shape::OVERLOADED])
}
