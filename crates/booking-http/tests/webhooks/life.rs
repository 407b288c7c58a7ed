//! The life of a webhook: made, changed, tried, deleted; and whose it is.

use crate::common::acts::{done, id, refused};
use crate::common::{App, Data, key, make_token};
use crate::on_both_stores;
use crate::receiver::Receiver;
use crate::{ALLOW, log, secret, start, subscribe, webhook_path};
use booking_ticket::{SigningKey, TicketClaims};
use serde_json::{Value, json};
use uuid::Uuid;

on_both_stores! {
    a_webhook_is_made_changed_and_deleted
    the_same_request_is_answered_with_the_same_secret
    a_webhook_is_tried_with_a_test_message
    a_former_secret_signs_for_a_while
    a_new_key_of_the_server_signs_without_a_restart
    a_webhook_is_its_organizers_own
    a_webhook_never_reaches_a_private_address
}

fn a_webhook_is_made_changed_and_deleted(data: Data) {
    let app = start(data);
    let event = app.create(2);
    assert_eq!(app.get("/webhooks").json(), json!([]));
    let body = json!({"url": "https://Hooks.invalid/in?team=7", "types": ["event.changed"]});
    let created = app.post("/webhooks", &body);
    let mut webhook = done(&created, 201);
    assert_eq!(created.header("location"), Some(webhook_path(&webhook).as_str()));
    assert!(secret(&webhook).starts_with("whsec_") && secret(&webhook).len() == 50);
    let expected = json!({
        "id": webhook["id"], "url": "https://hooks.invalid/in?team=7", "types": ["event.changed"],
        "event_id": null, "include": [], "enabled": true, "disabled_at": null,
        "disabled_reason": null, "failing_since": null, "created_at": webhook["created_at"],
        "secret": webhook["secret"],
    });
    assert_eq!(webhook, expected);
    // It is shown this once.
    webhook.as_object_mut().expect("an object").remove("secret");
    let path = webhook_path(&webhook);
    assert_eq!(done(&app.get(&path), 200), webhook);
    assert_eq!(app.get("/webhooks").json(), json!([webhook]));

    let of_event =
        json!({"url": "https://example.invalid/", "event_id": event, "include": ["person"]});
    let other = done(&app.post("/webhooks", &of_event), 201);
    assert_eq!((&other["event_id"], &other["include"]), (&json!(event), &json!(["person"])));
    assert_eq!(other["types"], Value::Null);
    let ids = |app: &App| {
        let all = app.get("/webhooks").json();
        all.as_array().expect("an array").iter().map(|one| id(one).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&app), [id(&webhook), id(&other)], "oldest first");

    let change = json!({"url": "https://other.invalid/", "types": null, "include": ["person"], "enabled": false});
    let changed = done(&app.ask("PATCH", &path, &[], &change), 200);
    assert_eq!(
        (&changed["url"], &changed["types"]),
        (&json!("https://other.invalid/"), &Value::Null)
    );
    assert_eq!(
        (&changed["enabled"], &changed["disabled_reason"]),
        (&json!(false), &json!("by_organizer"))
    );
    assert_eq!(done(&app.get(&path), 200), changed);
    let same = done(&app.ask("PATCH", &path, &[], &json!({})), 200);
    assert_eq!(same, changed);
    let enabled = done(&app.ask("PATCH", &path, &[], &json!({"enabled": true})), 200);
    assert_eq!((&enabled["enabled"], &enabled["disabled_at"]), (&json!(true), &Value::Null));

    let deleted = app.ask("DELETE", &path, &[], &Value::Null);
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    for (method, path) in [
        ("GET", path.clone()),
        ("PATCH", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/test")),
        ("POST", format!("{path}/secret")),
        ("GET", format!("{path}/deliveries")),
        ("POST", format!("{path}/deliveries/msg_{}_1/redeliver", event.replace('-', ""))),
        ("GET", "/webhooks/x".to_owned()),
        ("POST", format!("{}/deliveries/x/redeliver", webhook_path(&other))),
        ("POST", format!("{}/deliveries/msg_x_1/redeliver", webhook_path(&other))),
    ] {
        let body = if method == "PATCH" { json!({}) } else { Value::Null };
        refused(&app.ask(method, &path, &[], &body), 404, "not_found");
    }
    assert_eq!(ids(&app), [id(&other)]);
}

fn the_same_request_is_answered_with_the_same_secret(data: Data) {
    let app = start(data);
    let with = |name: &str, path: &str, body: &Value| {
        app.ask("POST", path, &[("Idempotency-Key", &key(name))], body)
    };
    let body = json!({"url": "https://example.invalid/"});
    let first = done(&with("a", "/webhooks", &body), 201);
    let again = with("a", "/webhooks", &body);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(done(&again, 201), first);
    let other = with("a", "/webhooks", &json!({"url": "https://other.invalid/"}));
    refused(&other, 422, "idempotency_key_reused");
    let second = done(&with("b", "/webhooks", &body), 201);
    assert!(second["id"] != first["id"] && second["secret"] != first["secret"]);
    // A new key of the server changes nothing of that.
    assert!(app.run("rotate-keys").status.success());
    assert_eq!(done(&with("a", "/webhooks", &body), 201), first);
    assert_eq!(app.get("/webhooks").json().as_array().map(Vec::len), Some(2));

    let path = format!("{}/secret", webhook_path(&first));
    let renewed = done(&with("c", &path, &Value::Null), 200);
    assert_ne!(renewed["secret"], first["secret"]);
    let again = with("c", &path, &Value::Null);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(done(&again, 200)["secret"], renewed["secret"]);
    let newest = done(&with("d", &path, &Value::Null), 200);
    assert_ne!(newest["secret"], renewed["secret"]);
    assert_eq!(done(&with("c", &path, &Value::Null), 200)["secret"], renewed["secret"]);
    refused(
        &app.ask("POST", &path, &[("Idempotency-Key", "short")], &Value::Null),
        400,
        "invalid_header",
    );
}

fn a_webhook_is_tried_with_a_test_message(data: Data) {
    let app = start(data);
    let receiver = Receiver::start();
    let webhook = subscribe(&app, &receiver, json!({"types": ["event.cancelled"]}));
    let path = format!("{}/test", webhook_path(&webhook));
    let tried = done(&app.ask("POST", &path, &[], &Value::Null), 200);
    assert_eq!(tried, json!({"delivered": true, "status": 200, "failure": null}));
    receiver.answer(500);
    let answer = app.ask("POST", &path, &[], &Value::Null);
    assert_eq!(done(&answer, 200), json!({"delivered": false, "status": 500, "failure": "status"}));
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    for message in &received {
        assert_eq!(message.kind(), "webhook.test");
        assert!(message.is_signed_by(secret(&webhook)), "{message:?}");
        assert!(message.id().starts_with("msg_test_"), "{message:?}");
    }
    assert_ne!(received[0].id(), received[1].id());
    assert!(log(&app, &webhook).is_empty(), "it is no message of its log");
    // The organizer does not learn the receiver's answer by it, nor whether there is one.
    assert!(!String::from_utf8_lossy(&answer.body).contains("own secret"));
    let nobody = done(&app.post("/webhooks", &json!({"url": "http://127.0.0.1:1/"})), 201);
    let tried = app.ask("POST", &format!("{}/test", webhook_path(&nobody)), &[], &Value::Null);
    let result = json!({"delivered": false, "status": null, "failure": "cannot_connect"});
    assert_eq!(done(&tried, 200), result);
}

fn a_former_secret_signs_for_a_while(data: Data) {
    let app = start(data);
    let receiver = Receiver::start();
    let webhook = subscribe(&app, &receiver, json!({}));
    let path = webhook_path(&webhook);
    let renewed = done(&app.ask("POST", &format!("{path}/secret"), &[], &Value::Null), 200);
    let again = done(&app.ask("POST", &format!("{path}/secret"), &[], &Value::Null), 200);
    assert_ne!(secret(&renewed), secret(&webhook));
    done(&app.ask("POST", &format!("{path}/test"), &[], &Value::Null), 200);
    let message = receiver.received().remove(0);
    assert!(message.is_signed_by(secret(&again)) && message.is_signed_by(secret(&renewed)));
    assert!(!message.is_signed_by(secret(&webhook)), "there is one before the present one");
    assert_eq!(message.signatures().filter(|one| one.starts_with("v1a,")).count(), 1);
    let keys = done(&app.get("/webhooks/keys"), 200);
    let first = &keys["keys"][0];
    assert_eq!((&first["kty"], &first["crv"]), (&json!("OKP"), &json!("Ed25519")));
    assert!(first["whpk"].as_str().is_some_and(|key| key.starts_with("whpk_")), "{keys}");
}

/// A receiver that has read the keys verifies its messages, also after the server's key was changed beneath it.
fn a_new_key_of_the_server_signs_without_a_restart(data: Data) {
    let app = start(data);
    let receiver = Receiver::start();
    let webhook = subscribe(&app, &receiver, json!({"types": ["event.cancelled"]}));
    let signer = || {
        done(&app.ask("POST", &format!("{}/test", webhook_path(&webhook)), &[], &Value::Null), 200);
        let message = receiver.received().pop().expect("it came");
        let keys = done(&app.get("/webhooks/keys"), 200);
        let keys = keys["keys"].as_array().expect("a set").clone();
        let of_message = keys
            .iter()
            .position(|key| message.is_signed_by_key(key["whpk"].as_str().expect("one")));
        (of_message, keys)
    };
    let (of_message, keys) = signer();
    assert_eq!((of_message, keys.len()), (Some(0), 1));
    assert!(app.run("rotate-keys").status.success());
    // For a ticket of an unknown key the server reads the keys again at once, and not within a minute.
    let event = app.create(1);
    let claims = TicketClaims {
        event_id: event.parse().expect("an id"),
        registration_id: Uuid::now_v7(),
        generation: 0,
    };
    let unknown = SigningKey::from_seed(&[9; 32]).sign(&claims);
    let scanned = app.post(&format!("/events/{event}/check-ins"), &json!({"ticket": unknown}));
    assert_eq!(scanned.json()["reason"], "forged");
    let (of_message, now) = signer();
    assert_eq!((of_message, now.len()), (Some(0), 2), "the new one signs");
    assert_eq!(now[1], keys[0], "and what was signed by the other is still verified");
}

fn a_webhook_is_its_organizers_own(data: Data) {
    let (owner, another) = (make_token(&data, "Jazz club"), make_token(&data, "Chess club"));
    let app = start(data);
    let (of_owner, of_another) = (Receiver::start(), Receiver::start());
    let made = |token: &str, body: &Value| app.ask_as(token, "POST", "/webhooks", body);
    let hook = done(&made(&owner, &json!({"url": of_owner.url})), 201);
    done(&made(&another, &json!({"url": of_another.url})), 201);
    let put_up = |token: &str| {
        let body = json!({"name": "An event", "capacity": 5});
        id(&done(&app.ask_as(token, "POST", "/events", &body), 201)).to_owned()
    };
    let (own, others) = (put_up(&owner), put_up(&another));
    for event in [&own, &others] {
        assert_eq!(app.register(event, "ada@example.org").status, 201);
    }
    of_owner.wait_for_versions(&own, 1, 2);
    of_another.wait_for_versions(&others, 1, 2);
    assert!(of_owner.of(&others).is_empty() && of_another.of(&own).is_empty());

    // Nor does an organizer subscribe to another's event, or see its webhooks.
    let foreign = made(&another, &json!({"url": of_another.url, "event_id": own}));
    assert_eq!((foreign.status, foreign.pointers()), (400, vec!["/event_id".to_owned()]));
    let no_organizers = "019606a8-0000-7000-8000-000000000000";
    let unknown = made(&another, &json!({"url": of_another.url, "event_id": no_organizers}));
    assert_eq!(unknown.json()["errors"], foreign.json()["errors"], "which tells nothing");
    refused(&app.ask_as(&another, "GET", &webhook_path(&hook), &Value::Null), 404, "not_found");
    let listed = done(&app.ask_as(&another, "GET", "/webhooks", &Value::Null), 200);
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    refused(&app.get("/webhooks"), 401, "unauthenticated");
}

fn a_webhook_never_reaches_a_private_address(data: Data) {
    let app = App::start(data);
    for url in [
        "http://example.invalid/",
        "http://localhost/",
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fd00::1]/",
        "https://user@example.org/",
        "file:///etc/passwd",
        "",
    ] {
        let answer = app.post("/webhooks", &json!({"url": url}));
        assert_eq!((answer.status, answer.problem().as_str()), (400, "validation"), "{url}");
        assert_eq!(answer.pointers(), ["/url"], "{url}");
    }
    // The address of a host name is checked where the connection is made.
    let receiver = Receiver::start();
    let port = receiver.url.rsplit(':').next().expect("a port");
    let url = format!("https://localhost:{port}");
    let webhook = done(&app.post("/webhooks", &json!({"url": url})), 201);
    let path = webhook_path(&webhook);
    let tried = done(&app.ask("POST", &format!("{path}/test"), &[], &Value::Null), 200);
    assert_eq!(tried, json!({"delivered": false, "status": null, "failure": "address_refused"}));
    let inside = app.ask("PATCH", &path, &[], &json!({"url": "https://192.168.0.1/"}));
    assert_eq!((inside.status, inside.pointers()), (400, vec!["/url".to_owned()]));
    assert!(receiver.received().is_empty());
    // The control: where it is allowed it leads there.
    let allowed = App::start_with(Data::sqlite(), &[ALLOW]);
    let webhook = subscribe(&allowed, &receiver, json!({}));
    let test = format!("{}/test", webhook_path(&webhook));
    assert_eq!(done(&allowed.ask("POST", &test, &[], &Value::Null), 200)["delivered"], true);
}
