//! Registrations: list, show, confirm, correct, transfer, cancel, and their history.

use super::Answer;
use crate::api::pagination::{PageBody, PageQuery, query_of};
use crate::api::requests::{Confirm, Correct, Transfer};
use crate::api::responses::{CountsBody, HistoryBody, RegistrationBody};
use crate::auth::callers::{OrganizerAuth, RegistrationAuth};
use crate::auth::manage_token::Origin;
use crate::extract::body::{Nothing, Write};
use crate::extract::path::PathId;
use crate::problem::ApiError;
use crate::routes::responses::CommandResult;
use crate::service::Service;
use crate::service::search::{Found, Total};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use booking_core::{Command, CorrectedAddress, EventId, PageLimit, RegistrationCursor};

/// `GET /events/{id}/registrations`
pub(super) async fn list(
    request: HttpRequest,
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EventId>,
    query: PageQuery<RegistrationCursor>,
) -> Answer {
    let PageQuery { after, limit, filter } = query;
    service.reads.check_manages(caller, id).await?;
    let found = if filter.is_plain() {
        let page = service.store.registrations(id, filter.listed, after, limit).await?;
        let page = page.ok_or(ApiError::NotFound)?;
        // Only the first page has the counts.
        let counts = match after {
            None => service.store.registration_counts(id).await?,
            Some(_) => None,
        };
        let total = counts.map(|counts| Total::All(counts.listed(filter.listed)));
        Found { page, total }
    } else {
        service.search.find(id, &filter, after, limit).await?
    };
    let (path, asked) = (request.path(), query_of(&filter));
    let page = PageBody::of::<_, RegistrationBody<'_>, _>(path, &found.page, limit, &asked);
    Ok(page.with_total(found.total.map(|total| total.to_string())).into_response())
}

/// `GET /events/{id}/counts`
pub(super) async fn counts(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EventId>,
) -> Answer {
    service.reads.check_manages(caller, id).await?;
    let counts = service.store.registration_counts(id).await?.ok_or(ApiError::NotFound)?;
    Ok(HttpResponse::Ok().json(CountsBody::from(counts)))
}

/// `GET /registrations/{id}`
pub(super) async fn show(service: Data<Service>, holder: RegistrationAuth) -> Answer {
    let registration = service.registration(holder).await?;
    Ok(HttpResponse::Ok().json(RegistrationBody::from(&registration)))
}

/// `GET /registrations/{id}/history`
pub(super) async fn history(service: Data<Service>, holder: RegistrationAuth) -> Answer {
    let registration = service.registration(holder).await?;
    let entries = service.store.history(registration.id, PageLimit::MAX).await?;
    let entries = entries.ok_or(ApiError::NotFound)?;
    Ok(HttpResponse::Ok().json(entries.iter().map(HistoryBody::from).collect::<Vec<_>>()))
}

/// `POST /registrations/{id}/confirm`
pub(super) async fn confirm(
    service: Data<Service>,
    holder: RegistrationAuth,
    write: Write<Confirm>,
) -> Answer {
    let key = write.key_of(holder.caller)?;
    let command = Command::Confirm { registration_id: holder.id, answers: write.body.answers };
    let outcome = service.submit_for(holder, command, key).await?;
    let confirmed = CommandResult::registration(outcome)?;
    service.holds.free(holder.id);
    Ok(confirmed.changed(None))
}

/// `DELETE /registrations/{id}`
pub(super) async fn cancel(
    service: Data<Service>,
    holder: RegistrationAuth,
    write: Write<Nothing>,
) -> Answer {
    let command = Command::Cancel { registration_id: holder.id };
    let outcome = service.submit_for(holder, command, write.key_of(holder.caller)?).await?;
    let ended = CommandResult::registration(outcome)?;
    service.holds.free(holder.id);
    Ok(ended.changed(None))
}

/// `PATCH /registrations/{id}`
pub(super) async fn correct(
    service: Data<Service>,
    holder: RegistrationAuth,
    write: Write<Correct>,
) -> Answer {
    let (registration_id, key) = (holder.id, write.key_of(holder.caller)?);
    let Correct { name, user_email, answers } = write.body;
    let token = service.tickets.issue(Origin::replaced(registration_id, key));
    let is_of_address = user_email.is_some();
    let token_hash = Some(token.hash);
    let address = user_email.map(|user_email| CorrectedAddress { user_email, token_hash });
    let correct = booking_core::Correct { registration_id, name, address, answers };
    let outcome = service.submit_for(holder, Command::Correct(correct), key).await?;
    let corrected = CommandResult::registration(outcome)?;
    let token = match is_of_address {
        true => corrected.token(&service.tickets, &token).await,
        // The token stays the same, and is not sent.
        false => None,
    };
    Ok(corrected.changed(token.as_ref()))
}

/// `POST /registrations/{id}/link`
pub(super) async fn renew_link(
    service: Data<Service>,
    holder: RegistrationAuth,
    write: Write<Nothing>,
) -> Answer {
    let (registration_id, key) = (holder.id, write.key_of(holder.caller)?);
    let token = service.tickets.issue(Origin::replaced(registration_id, key));
    let renew = booking_core::RenewLink { registration_id, token_hash: token.hash };
    let outcome = service.submit_for(holder, Command::RenewLink(renew), key).await?;
    let renewed = CommandResult::registration(outcome)?;
    let token = renewed.token(&service.tickets, &token).await;
    Ok(renewed.changed(token.as_ref()))
}

/// `POST /registrations/{id}/transfer`
pub(super) async fn transfer(
    service: Data<Service>,
    holder: RegistrationAuth,
    write: Write<Transfer>,
) -> Answer {
    let (registration_id, key) = (holder.id, write.key_of(holder.caller)?);
    let token = service.tickets.issue(Origin::replaced(registration_id, key));
    let Transfer(person) = write.body;
    let token_hash = Some(token.hash);
    let transfer = booking_core::Transfer { registration_id, person, token_hash };
    let outcome = service.submit_for(holder, Command::Transfer(transfer), key).await?;
    let transferred = CommandResult::registration(outcome)?;
    let token = transferred.token(&service.tickets, &token).await;
    Ok(transferred.changed(token.as_ref()))
}
