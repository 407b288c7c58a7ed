//! Webhooks, and what was sent to them, as organizers see them.

use booking_core::{Delivery, Endpoint, EndpointId, EndpointUrl, EventId, TypeFilter, Version};
use booking_delivery::webhook::client::Outcome;
use booking_delivery::webhook::payload::message_id;
use booking_delivery::{failure, status};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A webhook as its organizer sees it.
#[derive(Serialize)]
pub(crate) struct WebhookBody<'a> {
    id: EndpointId,
    url: &'a EndpointUrl,
    /// All of them if it is null.
    types: &'a TypeFilter,
    event_id: Option<EventId>,
    include: &'static [&'static str],
    enabled: bool,
    disabled_at: Option<DateTime<Utc>>,
    disabled_reason: Option<&'static str>,
    failing_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    /// Only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
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
#[derive(Serialize)]
pub(crate) struct DeliveryBody<'a> {
    /// The `webhook-id` that it was sent with.
    id: String,
    event_id: EventId,
    version: Version,
    #[serde(rename = "type")]
    kind: &'static str,
    state: &'static str,
    attempts: u32,
    tried_at: DateTime<Utc>,
    status: Option<u16>,
    failure: Option<&'a str>,
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
#[derive(Serialize)]
pub(crate) struct TriedBody {
    delivered: bool,
    status: Option<u16>,
    failure: Option<String>,
}

impl TriedBody {
    /// Of what cannot be sent from here, as the log of the server says.
    pub(crate) fn unsent() -> Self {
        Self { delivered: false, status: None, failure: Some("cannot_send".into()) }
    }
}

impl From<Outcome> for TriedBody {
    fn from(outcome: Outcome) -> Self {
        let delivered = matches!(outcome, Outcome::Done(_));
        Self { delivered, status: status(outcome), failure: failure(outcome) }
    }
}
