//! Webhooks, and what was sent to them, as organizers see them.

use crate::api::openapi::schemas::{array_or_null, or_null, some_of, string, words};
use crate::api::requests::include_schema;
use booking_core::{
    Delivery, DeliveryState, Endpoint, EndpointId, EndpointUrl, EventId, TypeFilter, Version,
    WebhookType, WhyDisabled,
};
use booking_delivery::webhook::client::{Outcome, Reason};
use booking_delivery::webhook::payload::message_id;
use booking_delivery::{failure, status};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{ArrayBuilder, Object, ObjectBuilder};

/// A webhook as its organizer sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookBody<'a> {
    #[schema(value_type = Uuid)]
    id: EndpointId,
    #[schema(value_type = String)]
    url: &'a EndpointUrl,
    /// All of them if it is null.
    #[schema(schema_with = types)]
    types: &'a TypeFilter,
    /// The event that it is told of; null: all of its organizer's.
    #[schema(value_type = Option<Uuid>, required = true)]
    event_id: Option<EventId>,
    #[schema(schema_with = include_schema)]
    include: &'static [&'static str],
    /// Whether messages are sent to it.
    enabled: bool,
    #[schema(required = true)]
    disabled_at: Option<DateTime<Utc>>,
    #[schema(schema_with = reasons, required = true)]
    disabled_reason: Option<&'static str>,
    /// Since when nothing has arrived.
    #[schema(required = true)]
    failing_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    /// Only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret: Option<String>,
}

fn types() -> ArrayBuilder {
    array_or_null(some_of(kind_names())).description(Some("What it is told of; null: everything"))
}

fn kinds() -> ObjectBuilder {
    words(kind_names())
}

fn kind_names() -> impl Iterator<Item = &'static str> {
    WebhookType::ALL.into_iter().map(WebhookType::as_str)
}

fn reasons() -> Object {
    let reasons = words(WhyDisabled::ALL.map(WhyDisabled::as_str));
    or_null(reasons.description(Some("Why nothing is sent to it; null where messages are")))
}

impl WebhookBody<'_> {
    /// The same with the secret that its messages are signed with.
    pub(crate) fn with_secret(self, secret: String) -> Self {
        Self { secret: Some(secret), ..self }
    }
}

impl<'a> From<&'a Endpoint> for WebhookBody<'a> {
    fn from(endpoint: &'a Endpoint) -> Self {
        Self {
            id: endpoint.id,
            url: &endpoint.url,
            types: &endpoint.types,
            event_id: endpoint.event_id,
            include: if endpoint.includes_person { &["person"] } else { &[] },
            enabled: endpoint.disabled.is_none(),
            disabled_at: endpoint.disabled.map(|(at, _)| at),
            disabled_reason: endpoint.disabled.map(|(_, why)| why.as_str()),
            failing_since: endpoint.failing_since,
            created_at: endpoint.created_at,
            secret: None,
        }
    }
}

/// A message of a webhook's log.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryBody<'a> {
    /// The `webhook-id` that it was sent with.
    id: String,
    #[schema(value_type = Uuid)]
    event_id: EventId,
    #[schema(value_type = u64)]
    version: Version,
    #[serde(rename = "type")]
    #[schema(schema_with = kinds)]
    kind: &'static str,
    #[schema(schema_with = states)]
    state: &'static str,
    attempts: u32,
    tried_at: DateTime<Utc>,
    /// The HTTP status of the last answer, if there was one.
    #[schema(required = true)]
    status: Option<u16>,
    #[schema(schema_with = failures, required = true)]
    failure: Option<&'a str>,
}

/// Words, of which there may be others later.
fn failures() -> Object {
    let known = Reason::ALL.map(Reason::as_str).join("`, `");
    or_null(string().description(Some(format!(
        "Why the last try failed, for programs: `{known}` (another one than 2xx), `gone` (410) or `{CANNOT_SEND}`; \
         there may be others later"
    ))))
}

/// Why nothing can be sent from a server.
const CANNOT_SEND: &str = "cannot_send";

fn states() -> ObjectBuilder {
    words(DeliveryState::ALL.map(DeliveryState::as_str))
}

impl<'a> From<&'a Delivery> for DeliveryBody<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self {
            id: message_id(delivery.event_id, delivery.version),
            event_id: delivery.event_id,
            version: delivery.version,
            kind: delivery.kind.as_str(),
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            tried_at: delivery.tried_at,
            status: delivery.status,
            failure: delivery.failure.as_deref(),
        }
    }
}

/// What came of a message that was sent because somebody asked for it. Of the receiver's answer it has the status
/// alone: whoever chooses where messages go must not read by them what is there.
#[derive(Serialize, ToSchema)]
#[schema(as = Tried)]
pub(crate) struct TriedBody {
    delivered: bool,
    /// The HTTP status of the answer, if there was one.
    #[schema(required = true)]
    status: Option<u16>,
    #[schema(schema_with = failures, required = true)]
    failure: Option<String>,
}

impl TriedBody {
    /// Of what cannot be sent from here, as the log of the server says.
    pub(crate) fn unsent() -> Self {
        Self { delivered: false, status: None, failure: Some(CANNOT_SEND.into()) }
    }
}

impl From<Outcome> for TriedBody {
    fn from(outcome: Outcome) -> Self {
        let delivered = matches!(outcome, Outcome::Done(_));
        Self { delivered, status: status(outcome), failure: failure(outcome) }
    }
}
