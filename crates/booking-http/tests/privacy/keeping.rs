//! `retention_days`: how long personal data is stored.

use super::erasing::{everything_stored, holds, refuse_changes};
use crate::common::acts::*;
use crate::common::{App, Data, spoil};
use crate::on_both_stores;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_stores! {
    an_event_shows_its_retention_of_personal_data
    expired_personal_data_is_erased_by_any_server
    an_event_that_cannot_be_written_stops_no_other_erasure
}

fn an_event_shows_its_retention_of_personal_data(data: Data) {
    let app = App::start_with(data, &[("RETENTION_DAYS", "30")]);
    let create = |more: Value| {
        let mut body = json!({"name": "An event", "capacity": 1});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        app.post("/events", &body)
    };
    let plain = done(&create(json!({})), 201);
    assert_eq!(plain["retention_days"], 30);
    assert_eq!(done(&create(json!({"retention_days": null})), 201)["retention_days"], Value::Null);
    assert_eq!(done(&create(json!({"retention_days": 0})), 201)["retention_days"], 0);
    for bad in [json!(-1), json!(3_651), json!("30"), json!(1.5)] {
        let answer = create(json!({"retention_days": bad}));
        refused(&answer, 400, "validation");
        assert_eq!(answer.pointers(), ["/retention_days"]);
    }
    let id = id(&plain);
    for (sent, stored) in [(json!(3_650), json!(3_650)), (Value::Null, Value::Null)] {
        let edited = done(&edit(&app, id, &json!({"retention_days": sent})), 200);
        assert_eq!(edited["retention_days"], stored);
        assert_eq!(event(&app, id)["retention_days"], stored);
    }
    refused(&edit(&app, id, &json!({"retention_days": 3_651})), 400, "validation");
}

fn expired_personal_data_is_erased_by_any_server(data: Data) {
    let app = App::start(data);
    let other = crate::common::start_on(&app.data, &[]);
    let event_id = app.create(2);
    let seats: Vec<_> = ["ada", "grace"]
        .map(|who| done(&app.register(&event_id, &format!("{who}@privacy.example")), 201))
        .into();
    done(&wait_for(&app, &event_id, "kay@privacy.example"), 202);
    let over = json!({"retention_days": 1, "ends_at": "2020-01-02T00:00:00Z"});
    done(&edit(&app, &event_id, &over), 200);
    let is_erased = |row: &Value| {
        app.get(&path(row)).json()["user_email"].as_str().expect("a text").starts_with("erased-")
    };
    wait_until("they are erased", || seats.iter().all(is_erased));
    let after = event(&app, &event_id);
    assert_eq!((&after["booked_count"], &after["waitlist_count"]), (&json!(2), &json!(1)));
    refused(&app.register(&event_id, "late@privacy.example"), 409, "closed");
    app.assert_audit_is_clean();
    drop(other);
    let is_gone = || !holds(&everything_stored(&app.data), "privacy.example");
    wait_until("its traces are gone", is_gone);
}

fn an_event_that_cannot_be_written_stops_no_other_erasure(data: Data) {
    let app = App::start(data);
    let [broken, other] = ["2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"].map(|ends_at| {
        let event = app.create(1);
        let seat = done(&app.register(&event, "ada@privacy.example"), 201);
        (event, seat, json!({"retention_days": 1, "ends_at": ends_at}))
    });
    let mend = refuse_changes(&app.data, &broken.0);
    for (event, _, over) in [&broken, &other] {
        done(&edit(&app, event, over), 200);
    }
    let owner = |seat: &Value| app.get(&path(seat)).json()["user_email"].clone();
    wait_until("the other is erased", || owner(&other.1) != "ada@privacy.example");
    assert_eq!(owner(&broken.1), "ada@privacy.example");
    spoil(&app.data, mend);
    wait_until("it is mended", || owner(&broken.1) != "ada@privacy.example");
    app.assert_audit_is_clean();
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
