//! The organizer whose token a request shows.

use super::Answer;
use crate::auth::callers::OptionalOrganizer;
use crate::auth::token_cache::TokenCache;
use actix_web::HttpResponse;
use actix_web::web::Data;
use booking_core::{Organizer, OrganizerId, OrganizerName};
use serde::Serialize;
use utoipa::ToSchema;

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
}

/// `GET /organizer`: whether anybody is the organizer, and if not, whose token the request shows.
pub(super) async fn show(
    tokens: Data<TokenCache>,
    OptionalOrganizer(organizer): OptionalOrganizer,
) -> Answer {
    let organizer = organizer.map(|Organizer { id, name }| OrganizerBody { id, name });
    Ok(HttpResponse::Ok().json(WhoBody { open: tokens.is_open(), organizer }))
}
