//! Receivers that fail, servers that end, and what operators do about it.

use crate::common::acts::{done, id};
use crate::common::{App, Data, start_on};
use crate::on_both_stores;
use crate::receiver::{Receiver, until};
use crate::{ALLOW, log, start, subscribe, webhook_path};
use booking_delivery::limits::ENDPOINTS_EVERY;
use serde_json::{Value, json};
use std::process::Output;
use std::time::{Duration, Instant};

on_both_stores! {
    a_failed_message_is_retried_under_the_same_id
    a_receiver_that_is_gone_is_left_alone_until_it_is_enabled
    operators_see_stuck_deliveries_and_retry_or_drop_them
    operators_are_warned_of_unknown_and_disabled_webhooks
    a_server_continues_where_the_previous_one_stopped
    a_killed_servers_work_is_taken_over
    a_server_may_leave_it_to_others
}

/// By then a killed server's work continues: its lease, and the polling of another.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(15);

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn a_failed_message_is_retried_under_the_same_id(data: Data) {
    let app = start(data);
    let (receiver, well) = (Receiver::start(), Receiver::start());
    let types = json!({"types": ["registration.confirmed"]});
    let webhook = subscribe(&app, &receiver, types.clone());
    subscribe(&app, &well, types);
    receiver.answer(500);
    receiver.hold(true);
    let event = app.create(5);
    for email in ["ada@example.org", "grace@example.org"] {
        assert_eq!(app.register(&event, email).status, 201);
    }
    // One that is slow, and then fails, delays no other.
    well.wait_for_versions(&event, 2, 3);
    receiver.hold(false);
    receiver.wait_for("the first try", |received| received.first().cloned());
    let logged = until("it is in the log", || log(&app, &webhook).pop());
    let of_log = (&logged["state"], &logged["status"], &logged["failure"], &logged["attempts"]);
    assert_eq!(of_log, (&json!("retrying"), &json!(500), &json!("status"), &json!(1)));
    let shown = until("it is known to fail", || {
        Some(done(&app.get(&webhook_path(&webhook)), 200))
            .filter(|webhook| webhook["failing_since"] != Value::Null)
    });
    assert_eq!(shown["enabled"], true);
    receiver.answer(200);
    receiver.wait_for_versions(&event, 2, 3);
    let received = receiver.received();
    let tries: Vec<_> = received.iter().map(|one| (one.version(), one.status)).collect();
    assert_eq!(tries, [(2, 500), (2, 200), (3, 200)], "nothing passes what is stuck");
    assert_eq!(received[0].id(), received[1].id());
    assert_eq!(received[0].body, received[1].body);
    until("it is well again", || {
        let webhook = done(&app.get(&webhook_path(&webhook)), 200);
        (webhook["failing_since"] == Value::Null).then_some(())
    });
    let logged = until("both arrived", || Some(log(&app, &webhook)).filter(|log| log.len() == 2));
    for (version, attempts) in [(2, 2), (3, 1)] {
        let sent = logged.iter().find(|sent| sent["version"] == version).expect("logged");
        assert_eq!((&sent["attempts"], &sent["state"]), (&json!(attempts), &json!("delivered")));
    }
}

fn a_receiver_that_is_gone_is_left_alone_until_it_is_enabled(data: Data) {
    let app = start(data);
    let receiver = Receiver::start();
    let webhook = subscribe(&app, &receiver, json!({"types": ["registration.confirmed"]}));
    receiver.answer(410);
    let event = app.create(5);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    let shown = until("it is disabled", || {
        let webhook = done(&app.get(&webhook_path(&webhook)), 200);
        (webhook["enabled"] == false).then_some(webhook)
    });
    assert_eq!(shown["disabled_reason"], "gone");
    receiver.answer(200);
    assert_eq!(app.register(&event, "grace@example.org").status, 201);
    // As long as the server takes to see it, and then some.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(receiver.received().len(), 1, "{:?}", receiver.received());
    let enable = json!({"enabled": true});
    let enabled = done(&app.ask("PATCH", &webhook_path(&webhook), &[], &enable), 200);
    assert_eq!((&enabled["enabled"], &enabled["disabled_reason"]), (&json!(true), &Value::Null));
    receiver.wait_for_versions(&event, 2, 3);
}

fn operators_see_stuck_deliveries_and_retry_or_drop_them(data: Data) {
    let app = start(data);
    assert!(text(&app.run("deliveries list")).contains("everything is delivered"));
    let receiver = Receiver::start();
    let webhook = subscribe(&app, &receiver, json!({"types": ["registration.confirmed"]}));
    receiver.answer(500);
    let event = app.create(9);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    // After its second failure it is left alone for five minutes.
    receiver.wait_for("the second try", |received| received.get(1).cloned());
    let name = format!("webhook {}: 1 events wait", id(&webhook));
    let report = until("it is told", || {
        Some(text(&app.run("deliveries list"))).filter(|report| report.contains("; 1 failed"))
    });
    assert!(report.contains(&name), "{report}");
    let checks = until("/readyz tells", || {
        let ready = app.get("/readyz");
        assert_eq!(ready.status, 200, "that is no reason not to send it requests");
        Some(ready.json()["checks"]["delivery"].clone()).filter(|report| !report.is_null())
    });
    assert_eq!(checks["webhooks_failing"], 1, "{checks}");
    let metrics = String::from_utf8(app.get("/metrics").body).expect("text");
    let failing = "booking_delivery_lanes{sink=\"webhook\",state=\"failing\"} 1\n";
    assert!(metrics.contains(failing), "{metrics}");
    assert!(!metrics.contains(id(&webhook)), "there may be any number of them");

    receiver.answer(200);
    let retried = app.run(&format!("deliveries retry --webhook {}", id(&webhook)));
    assert!(text(&retried).contains(": 1 events"), "{retried:?}");
    receiver.wait_for_versions(&event, 2, 2);
    until("it is told no more", || {
        text(&app.run("deliveries list")).contains("everything is delivered").then_some(())
    });

    receiver.answer(500);
    assert_eq!(app.register(&event, "grace@example.org").status, 201);
    until("it is in the log", || {
        log(&app, &webhook).into_iter().find(|sent| sent["state"] == "retrying")
    });
    let drop = format!("deliveries drop --webhook {}", id(&webhook));
    let refused = app.run(&drop);
    assert!(!refused.status.success(), "nobody said yes");
    let dropped = app.run(&format!("{drop} --yes"));
    assert!(dropped.status.success() && text(&dropped).contains("for 1 events"), "{dropped:?}");
    receiver.answer(200);
    assert_eq!(app.register(&event, "hedy@example.org").status, 201);
    receiver.wait_for("the one after", |received| {
        received.iter().find(|message| message.version() == 4).cloned()
    });
    let taken = receiver.received().into_iter().filter(|message| message.status == 200);
    let taken: Vec<_> = taken.map(|message| message.version()).collect();
    assert_eq!(taken, [2, 4], "what was dropped nobody gets");
}

fn operators_are_warned_of_unknown_and_disabled_webhooks(data: Data) {
    let app = start(data);
    let receiver = Receiver::start();
    let webhook = subscribe(&app, &receiver, json!({"types": ["registration.confirmed"]}));
    // An unknown id; and the internal id of mail, which is no webhook for that.
    for id in ["019606a8-0000-7000-8000-000000000000", "00000000-0000-0000-0000-000000000000"] {
        for command in ["retry", "drop --yes"] {
            let output = app.run(&format!("deliveries {command} --webhook {id}"));
            let report = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && text(&output).is_empty(), "{command}: {output:?}");
            assert!(report.contains(&format!("there is no webhook {id}")), "{command}: {report}");
        }
    }
    let disable = app.ask("PATCH", &webhook_path(&webhook), &[], &json!({"enabled": false}));
    done(&disable, 200);
    // The delivering server sees it within this.
    std::thread::sleep(2 * ENDPOINTS_EVERY);
    let event = app.create(9);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    let line = format!("webhook {}: disabled since ", id(&webhook));
    let report = text(&app.run("deliveries list"));
    assert!(report.contains(&line) && report.contains("(by_organizer)"), "{report}");
    let retried = app.run(&format!("deliveries retry --webhook {}", id(&webhook)));
    assert!(retried.status.success() && text(&retried).contains(&line), "{retried:?}");
    assert!(receiver.received().is_empty(), "nothing is sent to it");
    done(&app.ask("PATCH", &webhook_path(&webhook), &[], &json!({"enabled": true})), 200);
    receiver.wait_for_versions(&event, 2, 2);
    assert!(!text(&app.run("deliveries list")).contains("disabled"));
}

fn a_server_continues_where_the_previous_one_stopped(data: Data) {
    let mut app = start(data);
    let receiver = Receiver::start();
    subscribe(&app, &receiver, json!({}));
    let event = app.create(30);
    for number in 0..5 {
        assert_eq!(app.register(&event, &format!("a{number}@example.org")).status, 201);
    }
    receiver.wait_for_versions(&event, 1, 6);
    receiver.answer(503);
    for number in 0..5 {
        assert_eq!(app.register(&event, &format!("b{number}@example.org")).status, 201);
    }
    assert!(app.server.terminate().success());
    receiver.answer(200);
    let App { data, .. } = app;
    let app = start(data);
    receiver.wait_for_versions(&event, 1, 11);
    app.assert_audit_is_clean();
}

fn a_killed_servers_work_is_taken_over(data: Data) {
    let mut app = start(data);
    let receiver = Receiver::start();
    subscribe(&app, &receiver, json!({}));
    let event = app.create(30);
    receiver.wait_for_versions(&event, 1, 1);
    receiver.hold(true);
    for number in 0..8 {
        assert_eq!(app.register(&event, &format!("p{number}@example.org")).status, 201);
    }
    // It is about to send, or waits for an answer.
    std::thread::sleep(Duration::from_millis(500));
    app.server.kill9();
    let beside = start_on(&app.data, &[ALLOW]);
    let killed_at = Instant::now();
    receiver.hold(false);
    receiver.wait_for_versions(&event, 1, 9);
    let took = killed_at.elapsed();
    assert!(took < TAKEN_OVER_WITHIN + Duration::from_secs(5), "{took:?}");
    // A message that came twice came under the same id.
    let received = receiver.of(&event);
    for message in &received {
        let id = format!("msg_{}_{}", event.replace('-', ""), message.version());
        assert_eq!(message.id(), id);
    }
    assert_eq!(crate::common::http::send(beside.url(), "GET", "/readyz", &[], b"").status, 200);
}

fn a_server_may_leave_it_to_others(data: Data) {
    let app = App::start_with(data, &[ALLOW, ("DELIVERY", "false")]);
    let receiver = Receiver::start();
    let webhook = subscribe(&app, &receiver, json!({}));
    let event = app.create(3);
    std::thread::sleep(Duration::from_secs(2));
    assert!(receiver.received().is_empty());
    // But those that an organizer sends.
    let test = format!("{}/test", webhook_path(&webhook));
    assert_eq!(done(&app.ask("POST", &test, &[], &Value::Null), 200)["delivered"], true);
    let _beside = start_on(&app.data, &[ALLOW]);
    receiver.wait_for("the other one sends", |received| {
        received.iter().any(|message| message.is_of(&event)).then_some(())
    });
}
