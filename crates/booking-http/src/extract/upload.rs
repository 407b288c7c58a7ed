//! Uploads of files: longer than any other body, and so few at a time.

use crate::extract::body::{self, BodyLimits};
use crate::extract::idempotency_key::KeyHeader;
use crate::net::connections;
use crate::problem::{ApiError, FieldError};
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use booking_admission::SubmitError;
use futures_util::future::LocalBoxFuture;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The longest file, in bytes.
pub(crate) const UPLOAD_BYTES_MAX: usize = 10 * 1_024 * 1_024;
/// How many are in memory at once, with everything that is parsed from them. Further ones are refused.
const UPLOADS_MAX: usize = 2;
/// How long one may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(60);
/// The content type of an upload.
pub(crate) const CSV: &str = "text/csv";

static TURNS: Semaphore = Semaphore::const_new(UPLOADS_MAX);

/// A table of comma-separated values, as a text.
pub(crate) struct Upload {
    pub(crate) text: String,
    /// The hash of its content.
    pub(crate) digest: [u8; 32],
    pub(crate) turn: UploadTurn,
}

/// The turn of an upload, held for as long as a part of it is in memory.
pub(crate) struct UploadTurn {
    _permit: SemaphorePermit<'static>,
}

impl FromRequest for Upload {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let headers = request.headers();
            if body::has_no_end(headers) {
                let detail = "cannot be asked for with a body";
                return Err(ApiError::InvalidHeader { name: "Upgrade", detail }.into());
            }
            if !body::is_plain(headers, CSV) {
                return Err(ApiError::UnsupportedMediaType.into());
            }
            // The key has to be valid, though the file alone makes it the same request.
            KeyHeader::of(&request)?;
            let _permit =
                TURNS.try_acquire().map_err(|_| ApiError::Submit(SubmitError::Overloaded))?;
            let limits =
                request.app_data::<Data<BodyLimits>>().expect("every route has the limits");
            let reading = body::read(&mut payload, UPLOAD_BYTES_MAX, limits);
            let read = timeout(ARRIVES_WITHIN, reading).await;
            let (bytes, _place) = read.unwrap_or(Err(ApiError::BodyTimeout))?;
            connections::end_body(&request);
            let text = String::from_utf8(bytes.into()).map_err(|_| {
                let detail = "must be a text in UTF-8".into();
                ApiError::Validation(vec![FieldError { pointer: String::new(), detail }])
            })?;
            let digest = Sha256::digest(&text).into();
            Ok(Self { text, digest, turn: UploadTurn { _permit } })
        })
    }
}
