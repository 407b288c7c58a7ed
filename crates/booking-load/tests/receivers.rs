//! Webhook receivers: what they record, and how they misbehave.

#[expect(dead_code, reason = "the storm's tests use the rest")]
mod fake;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use booking_load::api::Api;
use booking_load::client::{HttpClient, Limits, TransportError};
use booking_load::judge::{History, MessageType};
use booking_load::receivers::{Behaviour, Receiver, Receivers};
use chrono::Utc;
use fake::{Fake, Quirk};
use hmac::{Hmac, KeyInit, Mac};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Uri};
use sha2::Sha256;
use std::time::{Duration, Instant};
use uuid::Uuid;

const EVENT: Uuid = Uuid::from_u128(0xE);

fn body(version: u64) -> String {
    format!(
        r#"{{"type":"event.changed","timestamp":"2026-05-01T19:00:00Z","data":{{"event_id":"{EVENT}","version":{version},"status":"published","actor":"organizer"}}}}"#
    )
}

/// Sends a message as a server would. Returns the status of the answer.
async fn send(receiver: &Receiver, id: &str, body: &str) -> Result<u16, TransportError> {
    let secret = fake::WEBHOOK_SECRET.strip_prefix("whsec_").expect("it is one");
    let key = STANDARD.decode(secret).expect("it is base64");
    let timestamp = Utc::now().timestamp();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any key will do");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", &timestamp.to_string()),
        ("webhook-signature", &signature),
    ] {
        let value = HeaderValue::from_str(value).expect("it is ASCII");
        headers.insert(HeaderName::from_static(name), value);
    }
    let client = HttpClient::new(&receiver.url(), Limits::default()).expect("it is a URL");
    let body = Some(body.as_bytes().to_vec());
    let answer = client.call(Method::POST, Uri::from_static("/"), body, headers).await?;
    Ok(answer.status.as_u16())
}

async fn subscribed(behaviours: &[Behaviour]) -> (Fake, Api, Receivers) {
    let server = Fake::start(Quirk::Honest).await;
    let api = Api::new(&server.url(), Limits::default()).expect("it is a URL");
    let receivers = Receivers::start(behaviours, 0).expect("there are ports");
    receivers.subscribe(&api).await.expect("the server makes endpoints");
    (server, api, receivers)
}

#[tokio::test]
async fn a_received_message_is_recorded() {
    let (_server, api, receivers) = subscribed(&[Behaviour::Good, Behaviour::Dead]).await;
    let began = Instant::now();
    let [good, dead] = receivers.all() else { panic!("there are two") };
    assert_ne!(good.endpoint(), dead.endpoint());
    assert_eq!(send(good, "msg_1", &body(1)).await.expect("it is there"), 204);
    assert_eq!(receivers.arrived(&[(EVENT, 2)], Duration::ZERO).await, None);
    assert_eq!(send(good, "msg_2", &body(2)).await.expect("it is there"), 204);
    assert_eq!(send(good, "msg_2", &body(2)).await.expect("it is there"), 204);
    assert_eq!(send(good, "msg_3", "{}").await.expect("it is there"), 204);
    let error = send(dead, "msg_1", &body(1)).await.expect_err("nobody is there");
    assert_eq!(error.kind(), "cannot_connect");
    // It does not wait for the dead receiver.
    assert!(receivers.arrived(&[(EVENT, 2)], Duration::ZERO).await.is_some());

    let mut history = History::default();
    receivers.finish(&mut history, began, Duration::ZERO).await;
    receivers.unsubscribe(&api).await;
    let ids: Vec<_> = history.receipts.iter().map(|receipt| receipt.id.as_str()).collect();
    assert_eq!(ids, ["msg_1", "msg_2", "msg_2", "msg_3"]);
    assert!(history.receipts.iter().all(|receipt| receipt.is_signed && receipt.is_accepted));
    assert!(history.receipts.is_sorted_by_key(|receipt| receipt.received_at));
    let message = history.receipts[1].message.as_ref().expect("it is one");
    assert_eq!((message.r#type, message.data.version), (MessageType::EventChanged, 2));
    assert_eq!(history.receipts[3].message, None);
    let complete: Vec<_> = history.endpoints.iter().map(|endpoint| endpoint.is_complete).collect();
    assert_eq!(complete, [true, false]);
}

#[tokio::test]
async fn a_signature_by_another_secret_is_detected() {
    let (_server, _api, receivers) = subscribed(&[Behaviour::Good]).await;
    let [good] = receivers.all() else { panic!("there is one") };
    let client = HttpClient::new(&good.url(), Limits::default()).expect("it is a URL");
    let unsigned = Some(body(1).into_bytes());
    let answer = client.call(Method::POST, Uri::from_static("/"), unsigned, HeaderMap::new()).await;
    assert_eq!(answer.expect("it is there").status, 204);
    assert!(!good.received()[0].is_signed);
}

#[tokio::test]
async fn a_flapping_receiver_refuses_and_a_stalling_one_delays() {
    let stall = Duration::from_millis(200);
    let behaviours =
        [Behaviour::Flapping(1.0), Behaviour::Flapping(0.0), Behaviour::Stalling(stall)];
    let (_server, _api, receivers) = subscribed(&behaviours).await;
    let [always, never, stalling] = receivers.all() else { panic!("there are three") };
    assert_eq!(send(always, "msg_1", &body(1)).await.expect("it is there"), 500);
    assert!(!always.received()[0].is_accepted);
    assert_eq!(send(never, "msg_1", &body(1)).await.expect("it is there"), 204);
    let began = Instant::now();
    assert_eq!(send(stalling, "msg_1", &body(1)).await.expect("it is there"), 204);
    assert!(began.elapsed() >= stall, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_killed_receiver_returns_with_its_messages() {
    let (_server, _api, receivers) = subscribed(&[Behaviour::Good]).await;
    let [good] = receivers.all() else { panic!("there is one") };
    send(good, "msg_1", &body(1)).await.expect("it is there");
    good.kill().await;
    let error = send(good, "msg_2", &body(2)).await.expect_err("nobody is there");
    assert_eq!(error.kind(), "cannot_connect");
    good.listen().expect("it has its port");
    send(good, "msg_2", &body(2)).await.expect("it is there again");
    let received = good.received();
    let ids: Vec<_> = received.iter().map(|taken| taken.id.as_str()).collect();
    assert_eq!(ids, ["msg_1", "msg_2"]);
}
