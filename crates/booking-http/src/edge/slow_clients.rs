//! Bodies that are not read to their end: clients that drip, and responses that are sent before the body has
//! arrived.

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The reader of a chunked body. As long as an unfinished one exists, the server closes the connection after the
/// response. Without a reader it would read such a body to its end, if it drips for ever, before it takes the next
/// request; bodies with a length it never reads so.
pub(crate) struct BodyReader(Option<Rc<RefCell<Payload>>>);

impl BodyReader {
    /// Holds the reader of the request's body until its response is sent, even if the handler drops it before.
    pub(crate) fn hold(request: &mut ServiceRequest) -> Self {
        if !request.headers().contains_key(TRANSFER_ENCODING) {
            return Self(None);
        }
        let payload = Rc::new(RefCell::new(request.take_payload()));
        let shared: Pin<Box<dyn Stream<Item = _>>> = Box::pin(Shared(Rc::clone(&payload)));
        request.set_payload(shared.into());
        Self(Some(payload))
    }

    /// Sends it along with the answer.
    pub(crate) fn until_sent(self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        match self.0 {
            None => response,
            Some(_reader) => response.map_body(|_, body| WithReader { body, _reader }.boxed()),
        }
    }
}

/// A body whose reader is shared with the guard.
struct Shared(Rc<RefCell<Payload>>);

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next_unpin(context)
    }
}

/// A response, with the reader of its request's body.
struct WithReader {
    body: BoxBody,
    _reader: Rc<RefCell<Payload>>,
}

impl MessageBody for WithReader {
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
