//! The organizer whose token a request shows.

use super::Answer;
use crate::auth::callers::OptionalOrganizer;
use crate::auth::token_cache::TokenCache;
use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

/// `GET /organizer`: whether anybody is the organizer, and if not, whose token the request shows.
pub(super) async fn show(
    tokens: Data<TokenCache>,
    OptionalOrganizer(organizer): OptionalOrganizer,
) -> Answer {
    let organizer = organizer.map(|organizer| json!({"id": organizer.id, "name": organizer.name}));
    let is_open = tokens.is_open();
    Ok(HttpResponse::Ok().json(json!({"open": is_open, "organizer": organizer})))
}
