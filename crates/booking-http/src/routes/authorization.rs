//! Authorization before validation: only authorized callers see what is wrong with a query or a body.
//!
//! An extractor authenticates the caller. But whether they may access this event or that registration is decided
//! where those are: by the handler as it reads, or under the row's lock. An invalid request never gets there, so it
//! is checked here.
//!
//! What an organizer's token may be used for, by its role and its events, is checked here alone, before anything
//! else: no handler and no read does it.

use crate::api::live::named_events;
use crate::auth::callers::{self, RegistrationAuth};
use crate::extract::path::{PathId, id};
use crate::extract::query;
use crate::problem::ApiError;
use crate::service::Service;
use crate::telemetry::metrics::Route;
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use booking_core::{Caller, EndpointId, EventId, Role};
use futures_util::future::LocalBoxFuture;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// The least role of an organizer's token that each method of an address needs, as the route table declares it, and
/// `None` where no token means anything.
pub(crate) struct Roles(pub(crate) Vec<(&'static str, Option<Role>)>);

impl Roles {
    /// The role that a request needs. Where none is declared it is the highest.
    fn of(request: &HttpRequest) -> Option<Role> {
        let asked = request.method().as_str();
        let roles = request.app_data::<Self>().map_or(&[][..], |roles| roles.0.as_slice());
        let of_method =
            roles.iter().find(|(methods, _)| methods.split(", ").any(|one| one == asked));
        of_method.map_or(Some(Role::Owner), |(_, role)| *role)
    }
}

/// The arguments of a handler, from a request whose query is valid.
pub(crate) struct Authorized<Args>(pub(crate) Args);

impl<Args: FromRequest + 'static> FromRequest for Authorized<Args> {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let known = query::check_names(request);
        let args = Args::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let mut args = pin!(args);
            check_grant(&request).await?;
            let wrong: actix_web::Error = match known {
                Ok(()) => match args.await {
                    Ok(args) => return Ok(Self(args)),
                    // An invalid body reveals nothing about the resource.
                    Err(error) if !request.method().is_safe() => return Err(error.into()),
                    Err(error) => error.into(),
                },
                // Authentication is ready at once. A body that is still to arrive is not waited for.
                Err(of_query) => match poll_fn(|cx| Poll::Ready(args.as_mut().poll(cx))).await {
                    Poll::Ready(Err(error)) => error.into(),
                    Poll::Ready(Ok(_)) | Poll::Pending => of_query.into(),
                },
            };
            if wrong.as_error::<ApiError>().is_some_and(is_about_input) {
                check(&request).await?;
            }
            Err(wrong)
        })
    }
}

/// Checks that the organizer's token of a request, if it has one, may be used for this operation and these events.
/// Other tokens are checked by the extractors of their routes.
///
/// # Errors
/// [`ApiError::RoleForbids`], [`ApiError::LimitedToken`], [`ApiError::NotFound`]; the store's.
pub(super) async fn check_grant(request: &HttpRequest) -> Result<(), ApiError> {
    let Some(grant) = callers::shown_grant(request) else { return Ok(()) };
    let Some(role) = Roles::of(request) else { return Ok(()) };
    grant.check_role(role)?;
    if grant.events.is_none() {
        return Ok(());
    }
    let service = request.app_data::<Data<Service>>().expect("every route has the service");
    let template = Route::template(request.app_data());
    let about = if template.starts_with("/registrations/{id}") {
        vec![service.reads.event_of(id(request, "id")?).await?]
    } else if template.starts_with("/events/{id}") || template == "/e/{id}" {
        vec![PathId::<EventId>::of(request)?.0]
    } else if template == "/live" {
        named_events(request.query_string())
    } else if request.method().is_safe() {
        // It is about no event, or a listing, which omits other organizers' events.
        Vec::new()
    } else {
        return Err(ApiError::LimitedToken);
    };
    grant.check_events(&about)?;
    // A copy is another event.
    if template == "/events/{id}/copy" { Err(ApiError::LimitedToken) } else { Ok(()) }
}

/// Whether an error is about the input, and not about the caller or the resource.
fn is_about_input(error: &ApiError) -> bool {
    matches!(
        error,
        ApiError::Validation(_)
            | ApiError::MalformedJson(_)
            | ApiError::InvalidHeader { .. }
            | ApiError::QueryTooLong { .. }
            | ApiError::UnsupportedMediaType
            | ApiError::TooLarge { .. }
            | ApiError::BodyBroken
    )
}

/// Checks that the caller may access what the path names, by the same reads as the handlers. Its extractors have
/// accepted it by now.
///
/// # Errors
/// [`ApiError::Unauthenticated`], [`ApiError::Forbidden`], [`ApiError::NotFound`]; the store's.
async fn check(request: &HttpRequest) -> Result<(), ApiError> {
    let service = request.app_data::<Data<Service>>().expect("every route has the service");
    let template = Route::template(request.app_data());
    if template.starts_with("/registrations/{id}") {
        let holder = RegistrationAuth::of(request)?;
        service.registration(holder).await?;
        if template.ends_with("/link") && matches!(holder.caller, Caller::Attendee(_)) {
            // These are for the event's organizer alone.
            return Err(ApiError::Forbidden);
        }
    } else if template.starts_with("/events/{id}") {
        // Organizers see those events that they manage, and other callers are refused before this on their routes.
        let caller = callers::optional_caller(request)?;
        service.reads.event(caller, PathId::<EventId>::of(request)?.0).await?;
    } else if template.starts_with("/webhooks/{id}") {
        // A caller who is no organizer was refused before this.
        let caller = callers::optional_caller(request)?;
        service.webhooks.get(caller, PathId::<EndpointId>::of(request)?.0).await?;
    } else if template == "/live" {
        let caller = callers::optional_caller(request)?;
        service.reads.availability(caller, &named_events(request.query_string())).await?;
    }
    Ok(())
}
