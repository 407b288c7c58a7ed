//! Bodies that were not read to their end.

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::web::Bytes;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The rest of a body that was given up. As long as it is kept, the server takes the connection for one
/// with a reader that has not finished, and closes it after the answer; without a reader it would read
/// to the end of the body, if it takes for ever.
#[expect(dead_code, reason = "it is kept for what keeping it does")]
pub(crate) struct Unread(pub(crate) Payload);

/// An answer, with the rest of the request that it gave up.
struct WithUnread {
    body: BoxBody,
    _unread: Unread,
}

impl MessageBody for WithUnread {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}

/// Sees to it that an answer ends the connection if a part of the request was not read.
pub(crate) fn end_with_unread(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let unread = response.request().extensions_mut().remove::<Unread>();
    match unread {
        None => response,
        Some(unread) => response.map_body(|_, body| WithUnread { body, _unread: unread }.boxed()),
    }
}
