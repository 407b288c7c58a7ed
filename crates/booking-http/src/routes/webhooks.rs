//! Webhooks: create, list, show, edit, delete, try, their secrets and keys, and the log of their messages.

use super::Answer;
use crate::api::pagination::{PageBody, PageQuery};
use crate::api::requests::{CreateWebhook, EditWebhook};
use crate::api::responses::{DeliveryBody, TriedBody, WebhookBody};
use crate::auth::callers::OrganizerAuth;
use crate::extract::body::{Nothing, Write};
use crate::extract::conditional::REVALIDATE;
use crate::extract::path::{DeliveryId, PathId};
use crate::problem::{ApiError, FieldError, REPLAYED};
use crate::service::Service;
use crate::service::webhooks::organizer_of;
use actix_web::http::header::{ContentType, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use booking_core::{
    Caller, Delivery, DeliveryCursor, DeliveryState, ENDPOINTS_MAX, Endpoint, EndpointChange,
    EndpointId, EndpointSecret, EndpointUrl, EventId, Fingerprint, IdempotencyKey, NewEndpoint,
    Refusal, WhyDisabled,
};
use booking_delivery::webhook::client::Outcome;
use booking_delivery::{failure, status};
use uuid::{Builder, Uuid};

/// Where all webhooks are.
pub(super) const PATH: &str = "/webhooks";

/// `POST /webhooks`
pub(super) async fn create(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    write: Write<CreateWebhook>,
) -> Answer {
    let key = write.key_of(caller)?;
    let CreateWebhook { url, types, event_id, includes_person } = write.body;
    check_url(&service, &url)?;
    if let Some(event_id) = event_id {
        check_event(&service, caller, event_id).await?;
    }
    let names = Names::of(&service, key);
    if key.is_some() {
        for (id, secret) in &names.0 {
            if let Some(first) = service.webhooks.find(caller, *id).await? {
                return made(&first, *secret, true);
            }
        }
    }
    let (id, secret) = names.first();
    let organizer_id = organizer_of(caller);
    let new = NewEndpoint { id, organizer_id, event_id, url, types, includes_person, secret };
    let created = service.write_limited(service.store.create_endpoint(new)).await?;
    made(&created.ok_or_else(too_many)?, secret, false)
}

/// Ids and secrets that a webhook may have: those derived from its request's key, by each secret of the server; a
/// new one gets the first.
struct Names(Vec<(EndpointId, EndpointSecret)>);

impl Names {
    fn of(service: &Service, key: Option<IdempotencyKey>) -> Self {
        let Some(key) = key else {
            return Self(vec![(Uuid::now_v7().into(), random_secret())]);
        };
        let ids = service.tickets.of_key(b"webhook", without_body(key));
        let ids = ids.into_iter().map(|bytes| {
            let first: [u8; 16] = *bytes.first_chunk().expect("it is longer");
            // RFC 9562, section 5.8.
            EndpointId::from(Builder::from_custom_bytes(first).into_uuid())
        });
        let secrets = service.tickets.of_key(b"webhook secret", key);
        Self(ids.zip(secrets.into_iter().map(EndpointSecret::new)).collect())
    }

    fn first(&self) -> (EndpointId, EndpointSecret) {
        *self.0.first().expect("the server has a secret")
    }
}

/// 201 with the secret that the same request got, even if the webhook has changed since; but a secret that the
/// webhook does not have came from another body.
fn made(endpoint: &Endpoint, secret: EndpointSecret, is_replay: bool) -> Answer {
    if !has_secret(endpoint, secret) {
        return Err(Refusal::KeyReused.into());
    }
    let mut response = HttpResponse::Created();
    if is_replay {
        response.insert_header(REPLAYED);
    }
    let body = WebhookBody::from(endpoint).with_secret(secret.to_text());
    Ok(response.insert_header((LOCATION, format!("{PATH}/{}", endpoint.id))).json(body))
}

/// Whether messages are signed with `secret`, or were a while ago.
fn has_secret(endpoint: &Endpoint, secret: EndpointSecret) -> bool {
    let former = endpoint.former_secret.map(|(former, _)| former);
    endpoint.secret == secret || former == Some(secret)
}

fn random_secret() -> EndpointSecret {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    EndpointSecret::new(bytes)
}

/// The key, for any body.
fn without_body(key: IdempotencyKey) -> IdempotencyKey {
    IdempotencyKey::new(key.hash, Fingerprint::new([0; 32]))
}

fn check_url(service: &Service, url: &EndpointUrl) -> Result<(), ApiError> {
    match service.webhooks.allows(url) {
        true => Ok(()),
        false => Err(invalid("/url", "must be https, and lead to a public address")),
    }
}

/// Another organizer's event is 404, as a missing one.
async fn check_event(service: &Service, caller: Caller, id: EventId) -> Result<(), ApiError> {
    match service.reads.check_manages(caller, id).await {
        Err(ApiError::NotFound) => Err(invalid("/event_id", "must be an event of yours")),
        checked => checked,
    }
}

fn too_many() -> ApiError {
    invalid("", &format!("you have {ENDPOINTS_MAX} webhooks already; delete one first"))
}

fn invalid(pointer: &str, detail: &str) -> ApiError {
    ApiError::Validation(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
}

/// `GET /webhooks`
pub(super) async fn list(service: Data<Service>, OrganizerAuth(caller): OrganizerAuth) -> Answer {
    let endpoints = service.webhooks.of(caller).await?;
    let bodies: Vec<_> = endpoints.iter().map(WebhookBody::from).collect();
    Ok(HttpResponse::Ok().json(bodies))
}

/// `GET /webhooks/{id}`
pub(super) async fn show(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EndpointId>,
) -> Answer {
    let endpoint = service.webhooks.get(caller, id).await?;
    Ok(HttpResponse::Ok().json(WebhookBody::from(&endpoint)))
}

/// `PATCH /webhooks/{id}`
pub(super) async fn edit(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EndpointId>,
    write: Write<EditWebhook>,
) -> Answer {
    service.webhooks.get(caller, id).await?;
    write.key_of(caller)?;
    let EditWebhook { url, types, includes_person, is_enabled } = write.body;
    if let Some(url) = &url {
        check_url(&service, url)?;
    }
    let enabled = is_enabled.map(|is_enabled| match is_enabled {
        true => Ok(()),
        false => Err(WhyDisabled::ByOrganizer),
    });
    let change = EndpointChange { url, types, includes_person, secret: None, enabled };
    let changed = change_endpoint(&service, id, change).await?;
    Ok(HttpResponse::Ok().json(WebhookBody::from(&changed)))
}

async fn change_endpoint(
    service: &Service,
    id: EndpointId,
    change: EndpointChange,
) -> Result<Endpoint, ApiError> {
    let changed = service.write_limited(service.store.change_endpoint(id, change)).await?;
    changed.ok_or(ApiError::NotFound)
}

/// `DELETE /webhooks/{id}`
pub(super) async fn delete(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EndpointId>,
    write: Write<Nothing>,
) -> Answer {
    service.webhooks.get(caller, id).await?;
    write.key_of(caller)?;
    match service.write_limited(service.store.delete_endpoint(id)).await? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(ApiError::NotFound),
    }
}

/// `POST /webhooks/{id}/secret`
pub(super) async fn renew_secret(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EndpointId>,
    write: Write<Nothing>,
) -> Answer {
    let endpoint = service.webhooks.get(caller, id).await?;
    let secrets: Vec<EndpointSecret> = match write.key_of(caller)? {
        Some(key) => {
            let secrets = service.tickets.of_key(b"new webhook secret", without_body(key));
            secrets.into_iter().map(EndpointSecret::new).collect()
        }
        None => vec![random_secret()],
    };
    if let Some(secret) = secrets.iter().find(|secret| has_secret(&endpoint, **secret)) {
        let body = WebhookBody::from(&endpoint).with_secret(secret.to_text());
        return Ok(HttpResponse::Ok().insert_header(REPLAYED).json(body));
    }
    let secret = *secrets.first().expect("the server has a secret");
    let change = EndpointChange { secret: Some(secret), ..EndpointChange::default() };
    let changed = change_endpoint(&service, id, change).await?;
    Ok(HttpResponse::Ok().json(WebhookBody::from(&changed).with_secret(secret.to_text())))
}

/// `GET /webhooks/keys`
pub(super) async fn keys(service: Data<Service>) -> Answer {
    let mut response = HttpResponse::Ok();
    response.insert_header(REVALIDATE).content_type(ContentType::json());
    Ok(response.body(service.tickets.webhook_keys()))
}

/// `POST /webhooks/{id}/test`: sends something now that never happened.
pub(super) async fn try_out(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EndpointId>,
    write: Write<Nothing>,
) -> Answer {
    let endpoint = service.webhooks.get(caller, id).await?;
    write.key_of(caller)?;
    let (_turn, sender) = service.webhooks.turn().await?;
    let Some(sender) = sender else { return Ok(HttpResponse::Ok().json(TriedBody::unsent())) };
    let message_id = format!("msg_test_{}", Uuid::now_v7().simple());
    let outcome = sender.send_test(&endpoint, &message_id).await;
    Ok(HttpResponse::Ok().json(TriedBody::from(outcome)))
}

/// `GET /webhooks/{id}/deliveries`
pub(super) async fn deliveries(
    request: HttpRequest,
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EndpointId>,
    query: PageQuery<DeliveryCursor>,
) -> Answer {
    service.webhooks.get(caller, id).await?;
    let PageQuery { after, limit, .. } = query;
    let page = service.store.deliveries(id, after, limit).await?;
    let page = PageBody::of::<_, DeliveryBody<'_>, _>(request.path(), &page, limit, "");
    Ok(page.into_response())
}

/// `POST /webhooks/{id}/deliveries/{delivery_id}/redeliver`: sends it now, whatever the state of its lane.
pub(super) async fn redeliver(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EndpointId>,
    PathId(DeliveryId { event_id, version }): PathId<DeliveryId>,
    write: Write<Nothing>,
) -> Answer {
    let endpoint = service.webhooks.get(caller, id).await?;
    write.key_of(caller)?;
    let store = &*service.store;
    let logged = store.delivery(id, event_id, version).await?.ok_or(ApiError::NotFound)?;
    let recorded = store.fact(event_id, version).await?.ok_or(ApiError::NotFound)?;
    let (_turn, sender) = service.webhooks.turn().await?;
    let Some(sender) = sender else { return Ok(HttpResponse::Ok().json(TriedBody::unsent())) };
    let tried = sender.send(store, &endpoint, event_id, &recorded).await?;
    let outcome = tried.ok_or(ApiError::NotFound)?.outcome;
    store.note_delivery(after(&logged, outcome)).await?;
    if matches!(outcome, Outcome::Gone) {
        let enabled = Some(Err(WhyDisabled::Gone));
        let change = EndpointChange { enabled, ..EndpointChange::default() };
        change_endpoint(&service, id, change).await?;
    }
    Ok(HttpResponse::Ok().json(TriedBody::from(outcome)))
}

/// The log's entry after one more try. A delivered message stays delivered, and one that its lane will try again
/// stays pending.
fn after(logged: &Delivery, outcome: Outcome) -> Delivery {
    let state = match outcome {
        Outcome::Done(_) => DeliveryState::Delivered,
        Outcome::Gone | Outcome::Failed { .. } => logged.state,
    };
    Delivery {
        state,
        attempts: logged.attempts.saturating_add(1),
        status: status(outcome),
        failure: failure(outcome),
        ..logged.clone()
    }
}
