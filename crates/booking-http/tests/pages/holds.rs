//! A held seat: confirmed in time, released, and too late.

use crate::common::acts::{done, event, give_up, hold, id, private};
use crate::common::{App, Data};
use crate::harness::{Browser, Page};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use fantoccini::key::Key;
use serde_json::{Value, json};

/// Records, from now on, the values of the countdown and their times.
const WATCH: &str = "window.seen = [];
    const digits = document.querySelector('[data-testid=hold-countdown]');
    const note = () => window.seen.push([Number(digits.dataset.seconds), Date.now()]);
    note();
    new MutationObserver(note).observe(digits, {attributes: true, attributeFilter: ['data-seconds']});";

fn concert(app: &App, capacity: u32) -> String {
    let body = json!({"name": "Jazz", "capacity": capacity, "waitlist_enabled": false});
    id(&done(&app.post("/events", &body), 201)).to_owned()
}

async fn start_hold(browser: &Browser, event: &str, email: &str) {
    browser.open(&format!("/#/events/{event}")).await;
    browser.fill("user_email", email).await;
    browser.click("@hold-start").await;
    assert_eq!(browser.text("@hold @hold-email").await, email);
}

/// The hold that the tab has stored.
async fn remembered(browser: &Browser, event: &str) -> Value {
    browser.js(&format!("return JSON.parse(sessionStorage.getItem('hold:{event}'))")).await
}

#[tokio::test]
async fn a_hold_survives_a_reload_and_is_confirmed_by_keyboard() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    let event = concert(&page.app, 3);
    start_hold(&page, &event, "ada@example.org").await;
    page.wait("@hold h3:focus").await;
    page.meter(1, 3).await;
    assert!(!page.is_shown("@register-form").await, "one thing at a time");
    let before = page.seconds("@hold-countdown").await;
    assert!((540..=600).contains(&before), "{before} s of ten minutes");
    page.until_below("@hold-countdown", before).await;
    assert_eq!(page.text("@hold-countdown-warning").await, "", "there is time");

    page.reload().await;
    assert_eq!(page.text("@hold @hold-email").await, "ada@example.org");
    let after = page.seconds("@hold-countdown").await;
    // The reloaded page has asked for the server's time anew, to a fraction of a second.
    assert!((480..=before).contains(&after), "{after} s of {before}");
    page.tab_to("@hold-confirm").await;
    page.enter("").await;
    page.outcome("registered").await;
    page.wait("@outcome h2:focus").await;
    assert_eq!(page.text("@registered-email").await, "ada@example.org");
    page.meter(1, 3).await;
    assert_eq!(remembered(&page, &event).await, Value::Null, "nothing stays behind");
    page.app.assert_audit_is_clean();
    page.end().await;
}

#[tokio::test]
async fn a_hold_is_released_and_taken_again() {
    let page = Page::start().await;
    let event = concert(&page.app, 1);
    start_hold(&page, &event, "ada@example.org").await;
    page.meter(1, 1).await;
    page.click("@hold-release").await;
    page.wait("@hold-ended[data-end=given_back]").await;
    page.meter(0, 1).await;
    page.wait("@hold-again:focus").await;
    page.press(&Key::Enter).await;
    page.wait("#field-user_email:focus").await;
    assert_eq!(page.value("user_email").await, "ada@example.org");
    page.click("@hold-start").await;
    page.wait("@hold").await;
    // Cancelled by others: the page finds out when it confirms.
    done(&page.app.post(&format!("/events/{event}/cancel"), &json!({})), 200);
    page.wait("@event-status[data-status=cancelled]").await;
    page.click("@hold-confirm").await;
    page.wait("@hold-ended[data-end=cancelled]").await;
    page.end().await;
}

/// The hold's end is moved to some seconds from now, in the database and in the tab's storage; from there on it
/// expires as any other.
#[tokio::test]
async fn a_hold_that_is_not_confirmed_lapses_and_its_seat_is_back() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    let event_id = concert(&page.app, 1);
    start_hold(&page, &event_id, "ada@example.org").await;
    page.meter(1, 1).await;
    let held = remembered(&page, &event_id).await;
    let end = Utc::now() + TimeDelta::seconds(25);
    let iso = end.to_rfc3339_opts(SecondsFormat::Micros, true);
    page.app.data.database().sql(&format!(
        "UPDATE registrations SET expires_at = '{iso}' WHERE id = '{}'; \
         UPDATE events SET due_at = '{iso}'",
        id(&held)
    ));
    page.js(&format!(
        "const held = JSON.parse(sessionStorage.getItem('hold:{event_id}'));
        held.expires_at = '{iso}';
        sessionStorage.setItem('hold:{event_id}', JSON.stringify(held));"
    ))
    .await;
    page.reload().await;
    page.wait("@hold-countdown[data-seconds]").await;
    page.js(WATCH).await;
    page.until(
        "return document.querySelector('[data-testid=hold-countdown-warning]').textContent \
            === 'Less than 15 seconds left to confirm.'",
    )
    .await;
    assert!(!page.is_shown("@hold-ended").await && Utc::now() < end, "it runs");

    page.wait("@hold-ended[data-end=ended]").await;
    // The page knows the server's clock to within a second.
    let late = Utc::now() - end;
    assert!(late > TimeDelta::seconds(-1), "it ended {late} after its end");
    assert_counted_down(&page.js("return window.seen").await, end);
    assert!(page.text("@hold-ended").await.contains("not confirmed in time"));
    page.meter(0, 1).await;
    assert!(!page.is_shown("@hold").await);
    assert_eq!(event(&page.app, &event_id)["booked_count"], 0);

    // The private link, had the attendee saved it, shows the same.
    let token = held["token"].as_str().expect("a token");
    page.open(&format!("/#/registrations/{}/{token}", id(&held))).await;
    page.wait("@registration-status[data-status=expired]").await;
    assert!(!page.is_shown("@ticket").await);
    page.open(&format!("/#/events/{event_id}")).await;
    page.register("ada@example.org", "registered").await;
    page.meter(1, 1).await;
    page.app.assert_audit_is_clean();
    page.end().await;
}

/// Down to nothing, and each number about when it was true. A busy machine may skip one.
fn assert_counted_down(seen: &Value, end: DateTime<Utc>) {
    let seen: Vec<(i64, i64)> = serde_json::from_value(seen.clone()).expect("pairs of numbers");
    let mut seconds: Vec<i64> = seen.iter().map(|(seconds, _)| *seconds).collect();
    seconds.dedup();
    assert!(seconds.len() >= 3 && seconds.is_sorted_by(|a, b| a > b), "{seen:?}");
    assert_eq!(seconds.last(), Some(&0), "{seen:?}");
    // The first was already there when the watch began.
    for (seconds, at) in &seen[1..] {
        let left = end.timestamp_millis() - at;
        assert!((left - seconds * 1_000).abs() < 2_000, "{seconds} with {left} ms left: {seen:?}");
    }
}

#[tokio::test]
async fn the_registration_page_of_a_hold_notices_its_end_by_itself() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    let event = concert(&page.app, 2);
    let held = done(&hold(&page.app, &event, "ada@example.org"), 201);
    page.open(&private(&held)).await;
    page.wait("@registration-status[data-status=held]").await;
    assert!((540..=600).contains(&page.seconds("@hold @hold-countdown").await));
    page.app.data.database().sql(
        "UPDATE registrations SET expires_at = now() - interval '1 hour'; \
         UPDATE events SET due_at = now() - interval '1 hour'",
    );
    page.wait("@registration-status[data-status=expired]").await;
    page.wait_until_gone("@hold").await;
    page.end().await;
}

#[tokio::test]
async fn when_every_seat_is_held_the_page_shows_until_when() {
    let page = Page::start().await;
    let event = concert(&page.app, 1);
    let held = done(&hold(&page.app, &event, "ada@example.org"), 201);
    page.open(&format!("/#/events/{event}")).await;
    page.register("grace@example.org", "all_held").await;
    let seconds = page.seconds("@retry-countdown").await;
    assert!((540..=600).contains(&seconds), "{seconds}");
    page.until_below("@retry-countdown", seconds).await;
    done(&give_up(&page.app, &held), 200);
    page.meter(0, 1).await;
    page.click("@outcome button").await;
    page.outcome("registered").await;
    page.end().await;
}

#[tokio::test]
async fn a_rate_limited_visitor_sees_until_when() {
    let page = Page::start_set(&[
        ("EMAIL_HOLDS_MAX", "1"),
        // As if the browser came through a proxy, so that it is counted.
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
        ("CLIENT_RATE", "1"),
        ("CLIENT_BURST", "6"),
    ])
    .await;
    let (first, second) = (concert(&page.app, 2), concert(&page.app, 2));
    done(&hold(&page.app, &first, "ada@example.org"), 201);
    page.open(&format!("/#/events/{second}")).await;
    page.fill("user_email", "ada@example.org").await;
    page.click("@hold-start").await;
    page.outcome("limited").await;
    let shown = page.text("@outcome").await;
    assert!(
        shown.contains("held for this e-mail address") && shown.contains("in 10 minutes"),
        "{shown}"
    );
    assert!(!shown.contains("Busy"), "nobody waits for that: {shown}");

    // A wait of a second is not shown.
    for number in 0..10 {
        hold(&page.app, &first, &format!("{number}@example.org"));
    }
    page.register("grace@example.org", "registered").await;
    page.end().await;
}

#[tokio::test]
async fn where_addresses_are_confirmed_the_page_points_to_the_mail() {
    let mails = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", mails.path().display());
    let settings = [
        ("MAIL_URL", url.as_str()),
        ("MAIL_FROM", "tickets@example.org"),
        ("BASE_URL", "https://booking.example"),
    ];
    let page = Page::start_set(&settings).await;
    let body = json!({"name": "Jazz", "capacity": 3, "confirm_address": true});
    let concert = id(&done(&page.app.post("/events", &body), 201)).to_owned();
    page.open(&format!("/#/events/{concert}")).await;
    page.meter(0, 3).await;
    assert!(!page.is_shown("@hold-start").await, "a seat is held anyway");
    page.register("ada@example.org", "to_confirm").await;
    page.meter(1, 3).await;
    assert!(!page.is_shown("@registration-id").await, "nothing is told of it");
    // Nor to a visitor who asks once more.
    page.open("/#/").await;
    page.open(&format!("/#/events/{concert}")).await;
    page.register("ada@example.org", "to_confirm").await;
    assert_eq!(event(&page.app, &concert)["booked_count"], 1);
    // A visitor who has lost the mail, too, gets the same answer as everyone.
    page.click(".footer a").await;
    page.wait("@find-form").await;
    for email in ["ada@example.org", "nobody@example.org"] {
        page.fill("user_email", email).await;
        page.click("@find-form button").await;
        page.outcome("asked").await;
        page.until("return document.querySelector('#field-user_email').value === ''").await;
    }
    page.end().await;
}
