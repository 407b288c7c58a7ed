//! The description of the API, as it is served.

use super::Answer;
use crate::api::base_path::BasePath;
use crate::api::base_url::BaseUrl;
use crate::api::compression::Gzipped;
use crate::extract::conditional::{REVALIDATE, etag_of, has_already};
use actix_web::http::header::{ContentType, ETag, EntityTag};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use booking_core::CapacityMax;

/// The document, made once for a server.
pub(crate) struct Description {
    json: Bytes,
    tag: EntityTag,
    gzipped: Gzipped,
}

impl Description {
    /// The description for a server at `base_url`, or, if that is not known, below `base_path` of where it is read.
    pub(crate) fn new(
        capacity_max: CapacityMax,
        base_url: Option<&BaseUrl>,
        base_path: &BasePath,
    ) -> Self {
        let path = Some(base_path.as_str()).filter(|path| !path.is_empty());
        let server = base_url.map(BaseUrl::as_str).or(path);
        let json = Bytes::from(super::openapi_at(capacity_max, server));
        let ETag(tag) = etag_of(&json);
        Self { json, tag, gzipped: Gzipped::default() }
    }
}

/// `GET /openapi.json`
pub(super) async fn show(request: HttpRequest, description: Data<Description>) -> Answer {
    let is_known = has_already(&request, &description.tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header(ETag(description.tag.clone())).insert_header(REVALIDATE);
    if is_known {
        return Ok(response.finish());
    }
    response.extensions_mut().insert(description.gzipped.clone());
    Ok(response.content_type(ContentType::json()).body(description.json.clone()))
}
