//! People of an event as a table: export and import.

mod import;

pub(super) use import::import;

use super::Answer;
use crate::api::csv;
use crate::api::people::{self, Export};
use crate::auth::callers::OrganizerAuth;
use crate::extract::conditional::{has_already, weak_etag};
use crate::extract::path::PathId;
use crate::problem::ApiError;
use crate::service::Service;
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, HeaderValue,
};
use actix_web::rt::time::sleep;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use booking_admission::SubmitError;
use booking_core::{EventId, Listed, PageLimit, Questions, RegistrationCursor, StoreError};
use futures_util::stream::{self, try_unfold};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How many exports run at once. Further ones are refused.
const EXPORTS_MAX: usize = 4;
/// While seats are sold, how many times the duration of a page's read the next one waits.
const REST: u32 = 9;

static EXPORTS: Semaphore = Semaphore::const_new(EXPORTS_MAX);

/// For the caller alone, who revalidates it before using it.
const PRIVATE: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));

/// `GET /events/{id}/registrations.csv`
pub(super) async fn export(
    request: HttpRequest,
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(event_id): PathId<EventId>,
    export: Export,
) -> Answer {
    service.reads.check_manages(caller, event_id).await?;
    let event = service.reads.event(caller, event_id).await?;
    let mut response = HttpResponse::Ok();
    if let Some(tag) = event.tag.map(weak_etag) {
        if has_already(&request, &tag.0) {
            let mut response = HttpResponse::NotModified();
            return Ok(response.insert_header(tag).insert_header(PRIVATE).finish());
        }
        response.insert_header(tag);
    }
    let name = format!("attachment; filename=\"registrations-{event_id}.csv\"");
    response
        .insert_header(PRIVATE)
        .insert_header((CONTENT_TYPE, csv::CONTENT_TYPE))
        .insert_header((CONTENT_DISPOSITION, name));
    if request.method() == Method::HEAD {
        return Ok(response.streaming(stream::empty::<Result<Bytes, StoreError>>()));
    }
    let turn = EXPORTS.try_acquire().map_err(|_| ApiError::Submit(SubmitError::Overloaded))?;
    let questions = service.store.questions(event_id).await?.ok_or(ApiError::NotFound)?;
    let head = Some(export.head(&questions));
    let table = Table { service, event_id, questions, head, next: Some(None), _turn: turn };
    Ok(response.streaming(try_unfold(table, Table::page)))
}

/// A table that is being written.
struct Table {
    service: Data<Service>,
    event_id: EventId,
    questions: Questions,
    /// The header row of the table.
    head: Option<String>,
    /// The cursor of the next page, if there is one.
    next: Option<Option<RegistrationCursor>>,
    _turn: SemaphorePermit<'static>,
}

impl Table {
    /// The next page of it. One that cannot be read closes the connection, so that a client does not take a part
    /// for the whole.
    async fn page(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        let Some(after) = self.next.take() else { return Ok(None) };
        let began = Instant::now();
        let (store, listed) = (&self.service.store, Listed::All);
        let page = store.registrations(self.event_id, listed, after, PageLimit::MAX).await?;
        let mut text = self.head.take().unwrap_or_default();
        if let Some(page) = page {
            for registration in &page.items {
                people::push_registration(&mut text, registration, &self.questions);
            }
            self.next = page.next.map(Some);
        }
        if self.next.is_some() && self.service.admission.depth() > 0 {
            sleep(began.elapsed() * REST).await;
        }
        Ok(Some((Bytes::from(text), self)))
    }
}
