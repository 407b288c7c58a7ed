//! The id of a request: the client's own or one of ours. It is in the response, in every line of the log about the
//! request, and in its facts.

use actix_web::http::header::{HeaderMap, HeaderName};
use booking_core::RequestId;
use tokio::task::futures::TaskLocalFuture;
use uuid::Uuid;

/// The header of the id, in requests and responses.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    /// The id of the request that this task answers. Not an argument, because every call of a handler needs it and
    /// no handler decides anything by it.
    static CURRENT: RequestId;
}

/// The client's id if it is valid, else one of ours.
pub(crate) fn of(headers: &HeaderMap) -> RequestId {
    let asked = headers.get(HEADER).and_then(|id| RequestId::parse(id.to_str().ok()?).ok());
    asked.unwrap_or_else(|| {
        RequestId::parse(&Uuid::now_v7().to_string()).expect("a UUID is 36 of 0-9 a-f -")
    })
}

/// Runs `work` as part of the request with this id.
pub(crate) fn scope<F: Future>(id: RequestId, work: F) -> TaskLocalFuture<RequestId, F> {
    CURRENT.scope(id, work)
}

/// The id of the current request, if there is one.
pub(crate) fn current() -> Option<RequestId> {
    CURRENT.try_with(RequestId::clone).ok()
}
