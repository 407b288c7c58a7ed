//! The messages to receivers, and their order.

use crate::common::acts::{done, give_up, id};
use crate::common::{Data, ask, start_on};
use crate::on_both_stores;
use crate::receiver::{Message, Receiver, until};
use crate::{ALLOW, log, secret, start, subscribe, webhook_path};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_stores! {
    every_fact_is_delivered_in_order_and_signed
    a_webhook_gets_its_types_and_events
    a_message_includes_the_person_on_request_and_not_after_an_erasure
    the_log_is_paged_and_its_messages_are_sent_again
    a_message_of_an_event_that_has_left_is_not_reported_missing
    two_servers_share_the_work
}

fn every_fact_is_delivered_in_order_and_signed(data: Data) {
    let app = start(data);
    let receiver = Receiver::start();
    let webhook = subscribe(&app, &receiver, json!({}));
    let events = [app.create(30), app.create(30)];
    for number in 0..12 {
        for event in &events {
            assert_eq!(app.register(event, &format!("p{number}@example.org")).status, 201);
        }
    }
    for event in &events {
        receiver.wait_for_versions(event, 1, 13);
        for message in receiver.of(event) {
            assert!(message.is_signed_by(secret(&webhook)), "{message:?}");
            assert!(!message.is_signed_by("whsec_AAAA"), "that is anybody's");
            let id = format!("msg_{}_{}", event.replace('-', ""), message.version());
            assert_eq!(message.id(), id);
            let body = message.json();
            let (kind, keys) = match message.version() {
                1 => ("event.published", vec!["actor", "event_id", "status", "version"]),
                _ => (
                    "registration.confirmed",
                    vec!["actor", "event_id", "registration_id", "status", "version"],
                ),
            };
            let data = body["data"].as_object().expect("an object");
            assert_eq!(body["type"], kind);
            assert_eq!(data.keys().map(String::as_str).collect::<Vec<_>>(), keys);
            let text = String::from_utf8_lossy(&message.body).into_owned();
            assert!(!text.contains('@'), "nothing personal: {text}");
        }
    }
    let logged = until("the log", || Some(log(&app, &webhook)).filter(|log| log.len() == 26));
    assert!(logged.iter().all(|sent| sent["state"] == "delivered" && sent["status"] == 200));
    app.assert_audit_is_clean();
}

fn a_webhook_gets_its_types_and_events(data: Data) {
    let app = start(data);
    let (all, some, of_one) = (Receiver::start(), Receiver::start(), Receiver::start());
    let (first, second) = (app.create(9), app.create(9));
    subscribe(&app, &all, json!({}));
    subscribe(&app, &some, json!({"types": ["registration.cancelled", "event.cancelled"]}));
    subscribe(&app, &of_one, json!({"event_id": second}));
    for event in [&first, &second] {
        let seat = done(&app.register(event, "ada@example.org"), 201);
        assert_eq!(give_up(&app, &seat).status, 200);
    }
    let kinds = |receiver: &Receiver, event: &str| {
        let received = receiver.of(event);
        // It may have been there when the event was created.
        let kinds = received.iter().map(Message::kind).filter(|kind| kind != "event.published");
        kinds.collect::<Vec<_>>()
    };
    let both = ["registration.confirmed", "registration.cancelled"];
    for event in [&first, &second] {
        until("all of it", || (kinds(&all, event) == both).then_some(()));
        until("some of it", || (kinds(&some, event) == both[1..]).then_some(()));
    }
    until("all of one", || (kinds(&of_one, &second) == both).then_some(()));
    assert!(of_one.of(&first).is_empty());
}

fn a_message_includes_the_person_on_request_and_not_after_an_erasure(data: Data) {
    let app = start(data);
    let (with, without) = (Receiver::start(), Receiver::start());
    let types = json!(["registration.confirmed", "registration.changed"]);
    let webhook = subscribe(&app, &with, json!({"include": ["person"], "types": types}));
    subscribe(&app, &without, json!({"types": types}));
    let event = app.create(3);
    let body = json!({"user_email": "ada@example.org", "name": "Ada"});
    done(&app.post(&format!("/events/{event}/register"), &body), 201);
    let first = with.wait_for("she is told of", |received| received.first().cloned());
    let person = json!({"user_email": "ada@example.org", "name": "Ada"});
    assert_eq!(first.json()["data"]["person"], person);
    let said =
        without.wait_for("so is that there is somebody", |received| received.first().cloned());
    assert_eq!(said.json()["data"]["person"], Value::Null);
    assert_eq!(said.id(), first.id(), "it is the same message");

    assert!(app.run("erase --email ada@example.org").status.success());
    let erased = with.wait_for("that it is changed", |received| received.get(1).cloned());
    assert_eq!(
        (erased.kind().as_str(), &erased.json()["data"]["person"]),
        ("registration.changed", &Value::Null)
    );
    // Nor is it sent again.
    let path = format!("{}/deliveries/{}/redeliver", webhook_path(&webhook), first.id());
    let again = done(&app.ask("POST", &path, &[], &Value::Null), 200);
    assert_eq!(again, json!({"delivered": true, "status": 200, "failure": null}));
    let again = with.wait_for("it is sent again", |received| received.get(2).cloned());
    assert_eq!((again.id(), &again.json()["data"]["person"]), (first.id(), &Value::Null));
}

fn the_log_is_paged_and_its_messages_are_sent_again(data: Data) {
    let app = start(data);
    let receiver = Receiver::start();
    let webhook = subscribe(&app, &receiver, json!({"types": ["registration.confirmed"]}));
    let event = app.create(9);
    for number in 0..3 {
        assert_eq!(app.register(&event, &format!("p{number}@example.org")).status, 201);
    }
    let logged = until("the log", || Some(log(&app, &webhook)).filter(|log| log.len() == 3));
    let mut next = Some(format!("{}/deliveries?limit=2", webhook_path(&webhook)));
    let mut paged = Vec::new();
    while let Some(path) = next {
        let page = app.get(&path);
        paged.extend(done(&page, 200).as_array().expect("an array").clone());
        next = page
            .header("link")
            .map(|link| link.trim_start_matches('<').split('>').next().expect("a link").to_owned());
    }
    assert_eq!(paged, logged);
    for query in ["limit=0", "cursor=x", "status=all"] {
        let answer = app.get(&format!("{}/deliveries?{query}", webhook_path(&webhook)));
        assert_eq!((answer.status, answer.problem().as_str()), (400, "validation"), "{query}");
    }

    let of = |version: u64| logged.iter().find(|sent| sent["version"] == version).expect("logged");
    let path = format!("{}/deliveries/{}/redeliver", webhook_path(&webhook), id(of(3)));
    receiver.answer(503);
    let failed = done(&app.ask("POST", &path, &[], &Value::Null), 200);
    assert_eq!(failed, json!({"delivered": false, "status": 503, "failure": "status"}));
    receiver.answer(204);
    assert_eq!(done(&app.ask("POST", &path, &[], &Value::Null), 200)["status"], 204);
    let now = log(&app, &webhook);
    assert_eq!(
        (id(&now[0]), &now[0]["attempts"], &now[0]["state"]),
        (id(of(3)), &json!(3), &json!("delivered"))
    );
    assert_eq!((&now[0]["status"], now.len()), (&json!(204), 3));
    let ids: Vec<_> = receiver.received().iter().map(|message| message.id().to_owned()).collect();
    assert_eq!(ids[3..], [id(of(3)), id(of(3))]);
    assert!(!format!("{now:?}").contains("own secret"));
}

fn a_message_of_an_event_that_has_left_is_not_reported_missing(data: Data) {
    let app = start(data);
    let receiver = Receiver::start();
    let webhook = subscribe(&app, &receiver, json!({}));
    let [leaves, stays] = [app.create(9), app.create(9)];
    let redeliver = |event: &str| {
        let path = format!(
            "{}/deliveries/msg_{}_1/redeliver",
            webhook_path(&webhook),
            event.replace('-', "")
        );
        app.ask("POST", &path, &[], &Value::Null)
    };
    until("the log", || Some(()).filter(|()| log(&app, &webhook).len() == 2));
    done(&redeliver(&leaves), 200);
    let (from, to) = (app.data.place(), Data::postgres());
    let moved = app.run(&format!("move --from {from} --to {} --event {leaves}", to.place()));
    assert!(moved.status.success(), "{moved:?}");
    let refused = redeliver(&leaves);
    assert_eq!((refused.status, refused.problem().as_str()), (503, "event_moving"), "{refused:?}");
    // The control: another is there as before, and a message that never was is missing.
    done(&redeliver(&stays), 200);
    assert_eq!(redeliver(&uuid::Uuid::now_v7().to_string()).status, 404);
}

fn two_servers_share_the_work(data: Data) {
    let app = start(data);
    let beside = start_on(&app.data, &[ALLOW]);
    let receiver = Receiver::start();
    subscribe(&app, &receiver, json!({}));
    let events: Vec<String> = (0..6).map(|_| app.create(20)).collect();
    for number in 0..10 {
        for event in &events {
            let url = if number % 2 == 0 { app.url() } else { beside.url() };
            let body = json!({"user_email": format!("p{number}@example.org")});
            let answer = ask(url, "POST", &format!("/events/{event}/register"), &[], &body);
            assert_eq!(answer.status, 201, "{answer:?}");
        }
    }
    for event in &events {
        receiver.wait_for_versions(event, 1, 11);
    }
    let ids: BTreeSet<_> = receiver.received().iter().map(|one| one.id().to_owned()).collect();
    assert_eq!(ids.len(), 6 * 11);
    drop(beside);
    done(&app.register(&events[0], "last@example.org"), 201);
    receiver.wait_for_versions(&events[0], 1, 12);
}
