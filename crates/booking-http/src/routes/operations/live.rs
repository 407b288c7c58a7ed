//! Watching events.

use crate::api::live::{EVENT_STREAM, WatchOne, WatchSeveral};
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
    let stream =
        "A stream without an end: messages `seats`, whose data is JSON and whose id is the version";
    Operation::new(id, EVENTS, summary)
        .described(
            "An event stream (HTML Standard, section 9.2). Each message tells the newest state; who is slow hears \
             of no other.",
        )
        .header("Last-Event-ID", "The version that was seen last, as browsers send it; it counts more than `since`")
        .answers(Answer::text(StatusCode::OK, stream, EVENT_STREAM))
        .refuses(&[shape::RATE_LIMITED, shape::OVERLOADED])
}
