//! Webhooks over real HTTP, on both stores: from an action to the message at its receiver, whatever happens in
//! between.

#[path = "../common/mod.rs"]
mod common;
mod failing;
mod life;
mod links;
mod receiver;
mod sending;

use common::acts::{done, id};
use common::{App, Data};
use receiver::Receiver;
use serde_json::{Value, json};

/// Receivers are on this machine.
const ALLOW: (&str, &str) = ("WEBHOOK_ALLOW_PRIVATE", "true");

fn start(data: Data) -> App {
    App::start_with(data, &[ALLOW])
}

/// Makes a webhook that leads to `receiver`, with the fields of `more`.
#[track_caller]
fn subscribe(app: &App, receiver: &Receiver, more: Value) -> Value {
    let mut body = more;
    body["url"] = json!(receiver.url);
    done(&app.post("/webhooks", &body), 201)
}

fn secret(webhook: &Value) -> &str {
    webhook["secret"].as_str().expect("it is shown this once")
}

fn webhook_path(webhook: &Value) -> String {
    format!("/webhooks/{}", id(webhook))
}

/// The log of a webhook, latest attempt first.
#[track_caller]
fn log(app: &App, webhook: &Value) -> Vec<Value> {
    let log = done(&app.get(&format!("{}/deliveries", webhook_path(webhook))), 200);
    log.as_array().expect("an array").clone()
}
