//! The organizer whose token a request shows.

use super::Answer;
use crate::api::openapi::schemas::words;
use crate::auth::callers::OptionalOrganizer;
use crate::auth::token_cache::TokenCache;
use actix_web::HttpResponse;
use actix_web::web::Data;
use booking_core::{EventId, Organizer, OrganizerId, OrganizerName, Role};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::ObjectBuilder;

/// Who the organizer is.
#[derive(Serialize, ToSchema)]
#[schema(as = Who)]
pub(super) struct WhoBody {
    /// Whether anybody is.
    open: bool,
    /// Whose token the request shows.
    #[schema(required = true)]
    organizer: Option<OrganizerBody>,
}

/// An organizer.
#[derive(Serialize, ToSchema)]
#[schema(as = Organizer)]
struct OrganizerBody {
    #[schema(value_type = Uuid)]
    id: OrganizerId,
    #[schema(value_type = String)]
    name: OrganizerName,
    #[schema(schema_with = roles)]
    role: Role,
    /// The only events that the token is for; null for all that are the organizer's.
    #[schema(value_type = Option<Vec<Uuid>>, required = true)]
    events: Option<Vec<EventId>>,
}

/// The roles of tokens.
fn roles() -> ObjectBuilder {
    let may = "What the token may do: each of `reader`, `door`, `manager` and `owner` what those before it may";
    words(Role::ALL.map(Role::as_str)).description(Some(may))
}

/// `GET /organizer`: whether the server is open, and if not, whose token the request shows.
pub(super) async fn show(
    tokens: Data<TokenCache>,
    OptionalOrganizer(grant): OptionalOrganizer,
) -> Answer {
    let organizer = grant.map(|grant| {
        let Organizer { id, name, .. } = grant.organizer.clone();
        OrganizerBody { id, name, role: grant.role, events: grant.events.clone() }
    });
    Ok(HttpResponse::Ok().json(WhoBody { open: tokens.is_open(), organizer }))
}
