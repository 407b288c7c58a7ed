//! Checking people in offline.

use crate::check_in::{hold_up, in_three_days, register, scan};
use crate::common::acts::{done, id, path, ticket};
use crate::common::{Data, ask, start_on};
use crate::harness::{Browser, Page};
use booking_testkit::free_port;
use serde_json::{Value, json};

async fn assert_pending(door: &Browser, count: u32) {
    door.wait(&format!("@door-pending[data-count='{count}']")).await;
}

/// The plug is pulled at both ends: the browser is set offline, and no process listens at the server's port.
/// Changes meanwhile are made at another server with the same data.
#[tokio::test]
async fn a_door_works_offline_and_sends_its_scans_later() {
    let port = free_port().to_string();
    let mut page = Page::start_set_on(Data::postgres(), &[("PORT", &port)]).await;
    let concert = page.app.create(5);
    let ada = register(&page.app, &concert, "ada@example.org", "Ada");
    let grace = register(&page.app, &concert, "grace@example.org", "Grace");
    let third = register(&page.app, &concert, "third@example.org", "Third");
    let [of_ada, of_grace, of_third] = [&ada, &grace, &third].map(|one| ticket(&page.app, one));
    let forged = format!("{}AAAAAAAA{}", &of_third[..120], &of_third[128..]);
    page.open(&format!("/#/events/{concert}/door")).await;
    page.wait("@door-keys[data-keys=ready]").await;
    page.js_async("navigator.serviceWorker.ready.then(() => arguments[0](null))").await;

    page.set_offline(true).await;
    page.app.server.kill9();
    page.wait("@offline").await;
    scan(&page, &of_ada, 1, "queued").await;
    assert!(page.text("@door-result").await.contains("genuine"));
    assert_pending(&page, 1).await;
    scan(&page, &of_grace, 2, "queued").await;
    assert_pending(&page, 2).await;
    scan(&page, &of_ada, 3, "already_checked_in").await;
    scan(&page, &forged, 4, "refused").await;
    page.wait("@door-result[data-reason=forged]").await;
    assert_pending(&page, 2).await;

    // From the worker's cache: there is no server to get it from.
    page.reload().await;
    page.wait("@door-keys[data-keys=ready]").await;
    assert_pending(&page, 2).await;
    page.wait("@door-count[data-count='2']").await;
    scan(&page, &of_grace, 1, "already_checked_in").await;
    scan(&page, &of_third, 2, "queued").await;
    assert_pending(&page, 3).await;
    // Nothing has been sent: this one can be taken back here.
    page.click("@door-undo").await;
    page.wait("@door-result[data-result=undone]").await;
    assert_pending(&page, 2).await;

    let elsewhere = start_on(&page.app.data, &[]);
    let body = json!({"ticket": of_ada});
    let check_ins = format!("/events/{concert}/check-ins");
    let answer = ask(elsewhere.url(), "POST", &check_ins, &[], &body);
    done(&answer, 201);
    drop(elsewhere);

    page.app.server = start_on(&page.app.data, &[("PORT", &port)]);
    page.set_offline(false).await;
    // By itself.
    assert_pending(&page, 0).await;
    page.wait("@door-conflict[data-result=already_checked_in]").await;
    let conflict = page.text("@door-conflict").await;
    assert!(conflict.contains(id(&ada)), "{conflict}");
    assert_eq!(page.js("return document.querySelectorAll('.entry').length").await, 1);
    page.wait("@door-count[data-count='1']").await;
    let checked_in = |registration: &Value| {
        let registration = done(&page.app.get(&path(registration)), 200);
        registration["checked_in_at"].is_string()
    };
    assert_eq!([&ada, &grace, &third].map(checked_in), [true, true, false]);
    page.wait_until_gone("@offline").await;
    page.click("@door-conflict button").await;
    page.wait_until_gone("@door-conflict").await;
    scan(&page, &of_third, 3, "checked_in").await;
    page.app.assert_audit_is_clean();
    // The browser has logged each file and answer that it did not get, and nothing else.
    let complaints = page.complaints().await;
    assert!(complaints.iter().all(|entry| entry["source"] == "network"), "{complaints:?}");
    page.end().await;
}

#[tokio::test]
async fn an_offline_door_warns_of_the_wrong_day_too() {
    let mut page = Page::start().await;
    let concert = in_three_days(&page.app);
    let ada = register(&page.app, &concert, "ada@example.org", "Ada");
    let of_ada = ticket(&page.app, &ada);
    page.open(&format!("/#/events/{concert}/door")).await;
    page.wait("@door-keys[data-keys=ready]").await;
    page.wait("@door-hours[data-timing=early]").await;
    page.js_async("navigator.serviceWorker.ready.then(() => arguments[0](null))").await;
    page.set_offline(true).await;
    page.app.server.kill9();
    page.reload().await;
    page.wait("@door-keys[data-keys=ready]").await;
    page.wait("@door-hours[data-timing=early] p").await;
    assert_eq!(page.text("@door-event").await, "Jazz", "whose door it is");
    scan(&page, &of_ada, 1, "queued").await;
    page.wait("@door-result[data-timing=early]").await;
    let shown = page.text("@door-result").await;
    assert!(shown.contains("Too early") && shown.contains("starts only at"), "{shown}");
    let complaints = page.complaints().await;
    assert!(complaints.iter().all(|entry| entry["source"] == "network"), "{complaints:?}");
    page.end().await;
}

#[tokio::test]
async fn the_camera_of_an_offline_door_reads_tickets() {
    let mut page = Page::start().await;
    let concert = page.app.create(3);
    let ada = register(&page.app, &concert, "ada@example.org", "Ada");
    let of_ada = ticket(&page.app, &ada);
    page.open(&format!("/#/events/{concert}/door")).await;
    page.wait("@door-keys[data-keys=ready]").await;
    page.js_async("navigator.serviceWorker.ready.then(() => arguments[0](null))").await;
    page.set_offline(true).await;
    page.app.server.kill9();
    page.reload().await;
    page.wait("@door-keys[data-keys=ready]").await;
    hold_up(&page, &of_ada).await;
    // The module that reads it is loaded only now, and there is no server.
    page.click("@door-camera").await;
    page.wait("@door-result[data-scan='1'][data-result=queued]:not([aria-busy])").await;
    assert_pending(&page, 1).await;
    let complaints = page.complaints().await;
    assert!(complaints.iter().all(|entry| entry["source"] == "network"), "{complaints:?}");
    page.end().await;
}

#[tokio::test]
async fn the_pages_open_without_a_server() {
    let mut page = Page::start().await;
    page.wait("@empty").await;
    page.js_async("navigator.serviceWorker.ready.then(() => arguments[0](null))").await;
    page.app.server.kill9();
    page.reload().await;
    page.wait("@load-error").await;
    page.open("/#/new").await;
    page.wait("#field-name").await;
    page.open("/problems").await;
    page.wait("h1").await;
    let complaints = page.complaints().await;
    assert!(complaints.iter().all(|entry| entry["source"] == "network"), "{complaints:?}");
    page.end().await;
}
