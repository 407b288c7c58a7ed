//! Webhooks.

use super::key_set;
use crate::api::openapi::document::WEBHOOKS;
use crate::api::openapi::operation::{Answer, Auth, Operation};
use crate::api::pagination;
use crate::api::requests::{CreateWebhook, EditWebhook};
use crate::api::responses::{DeliveryBody, TriedBody, WebhookBody};
use actix_web::http::StatusCode;
use booking_core::{DeliveryCursor, Role};
use serde_json::json;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

pub(in crate::routes) fn create() -> Operation {
    let meaning = "The webhook, with the `secret` that its messages are signed with, this once";
    let made = Answer::json::<WebhookBody<'_>>(StatusCode::CREATED, meaning).with("Location");
    Operation::new("create_webhook", WEBHOOKS, "Has a URL be told of what happens")
        .described(
            "Messages are signed as Standard Webhooks has it, and sent until they arrive, in the order of each \
             event. An organizer may have 100 webhooks.",
        )
        .auth(Auth::Organizer)
        .takes_role(Role::Owner)
        .takes::<CreateWebhook>(json!({
            "url": "https://hooks.example/booking",
            "types": ["registration.confirmed", "registration.cancelled"],
            "include": ["person"],
        }))
        .answers(made)
}

pub(in crate::routes) fn list() -> Operation {
    Operation::new("list_webhooks", WEBHOOKS, "Lists the organizer's webhooks, oldest first")
        .auth(Auth::Organizer)
        .takes_role(Role::Owner)
        .answers(Answer::list::<WebhookBody<'_>>(StatusCode::OK, "All of them"))
}

pub(in crate::routes) fn show() -> Operation {
    Operation::new("show_webhook", WEBHOOKS, "Shows a webhook")
        .auth(Auth::Organizer)
        .takes_role(Role::Owner)
        .answers(webhook("The webhook, without its `secret`"))
}

pub(in crate::routes) fn edit() -> Operation {
    Operation::new("edit_webhook", WEBHOOKS, "Edits a webhook")
        .described(
            "What is left out stays as it is. What happened while it was disabled is sent once it is enabled.",
        )
        .auth(Auth::Organizer)
        .takes_role(Role::Owner)
        .stores_no_answer()
        .takes::<EditWebhook>(json!({"types": null, "enabled": true}))
        .answers(webhook("The webhook as it is now"))
}

pub(in crate::routes) fn delete() -> Operation {
    let deleted = "It is gone, and so is what was known of its deliveries";
    Operation::new("delete_webhook", WEBHOOKS, "Deletes a webhook")
        .described("Asked again, it is 404: there is nothing left that would know of it.")
        .auth(Auth::Organizer)
        .takes_role(Role::Owner)
        .stores_no_answer()
        .answers(Answer::empty(StatusCode::NO_CONTENT, deleted))
}

pub(in crate::routes) fn try_out() -> Operation {
    Operation::new("test_webhook", WEBHOOKS, "Sends a webhook something now that never happened")
        .auth(Auth::Organizer)
        .takes_role(Role::Owner)
        .stores_no_answer()
        .answers(tried())
}

pub(in crate::routes) fn renew_secret() -> Operation {
    Operation::new("renew_webhook_secret", WEBHOOKS, "Makes a new secret")
        .described("Messages are signed with the one before, too, for 24 hours.")
        .auth(Auth::Organizer)
        .takes_role(Role::Owner)
        .answers(webhook("The webhook, with its new `secret`, this once"))
}

pub(in crate::routes) fn keys() -> Operation {
    let set = "A JWK set (RFC 7517, RFC 8037), and each key as Standard Webhooks has it (`whpk`)";
    Operation::new("list_webhook_keys", WEBHOOKS, "The public keys that messages are verified with")
        .auth(Auth::None)
        .without_store()
        .answers(Answer::json::<WebhookKeys>(StatusCode::OK, set))
}

pub(in crate::routes) fn deliveries() -> Operation {
    let page = Answer::list::<DeliveryBody<'_>>(StatusCode::OK, "A page of what was sent");
    Operation::new("list_deliveries", WEBHOOKS, "What was sent to a webhook, latest try first")
        .auth(Auth::Organizer)
        .takes_role(Role::Owner)
        .queries(pagination::described::<DeliveryCursor>())
        .answers(page.with("Link").with("Booking-Missing-Cells"))
}

pub(in crate::routes) fn redeliver() -> Operation {
    Operation::new("redeliver", WEBHOOKS, "Sends a message again now, under the same id")
        .auth(Auth::Organizer)
        .takes_role(Role::Owner)
        .stores_no_answer()
        .answers(tried())
}

/// 200 and the webhook.
fn webhook(description: &'static str) -> Answer {
    Answer::json::<WebhookBody<'_>>(StatusCode::OK, description)
}

/// 200, whatever the receiver answered.
fn tried() -> Answer {
    Answer::json::<TriedBody>(StatusCode::OK, "What came of it")
}

/// Keys as `booking-delivery` writes them.
struct WebhookKeys;

impl PartialSchema for WebhookKeys {
    fn schema() -> RefOr<Schema> {
        key_set(&["kty", "crv", "alg", "use", "kid", "x", "whpk"])
    }
}

impl ToSchema for WebhookKeys {}
