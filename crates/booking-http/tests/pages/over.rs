//! Past events, and those whose registration has closed: no countdown runs for a seat that cannot be had.

use crate::axe::assert_no_faults;
use crate::common::acts::{done, edit, event, give_up, id, private, refused, transfer, wait_for};
use crate::common::{App, Data};
use crate::harness::{Browser, Page};
use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

/// The moment so long from now, as the API has it.
pub(crate) fn from_now(delta: TimeDelta) -> String {
    (Utc::now() + delta).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// An event that has begun, and has no end yet.
fn begun(app: &App, more: &Value) -> String {
    let mut body = json!({
        "name": "Jazz", "capacity": 2, "starts_at": from_now(-TimeDelta::hours(2)),
        "timezone": "Europe/Berlin",
    });
    body.as_object_mut().expect("it is one").extend(more.as_object().expect("one too").clone());
    id(&done(&app.post("/events", &body), 201)).to_owned()
}

fn ends_in(app: &App, event: &str, delta: TimeDelta) {
    done(&edit(app, event, &json!({"ends_at": from_now(delta)})), 200);
}

/// Waits until the countdown has no more left than that, or has ended.
async fn until_at_most(browser: &Browser, countdown: &str, seconds: u32) {
    browser
        .until(&format!(
            "const digits = document.querySelector('[data-testid={countdown}]');
            return Number(digits?.dataset.seconds ?? 0) <= {seconds}"
        ))
        .await;
}

#[tokio::test]
async fn a_past_event_says_so_and_has_no_form() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    let app = &page.app;
    let concert = begun(app, &json!({"waitlist_enabled": false}));
    page.open(&format!("/#/events/{concert}")).await;
    page.wait("@registration-window[data-state=open]").await;
    assert!(!page.is_shown("@event-status").await, "it has a day, as long as it has no end");
    page.fill("user_email", "ada@example.org").await;
    page.click("@hold-start").await;
    let before = page.seconds("@hold-countdown").await;
    assert!(before > 500, "{before} s of ten minutes");
    // Its end is set while the page is open: the hold lasts no longer.
    ends_in(app, &concert, TimeDelta::seconds(8));
    until_at_most(&page, "hold-countdown", 8).await;
    page.wait("@hold-ended[data-end=over] h3:focus").await;
    assert!(!page.is_shown("@hold-again").await, "there is nothing to try again");
    page.wait("@registration-window[data-state=over]").await;
    let shown = page.text("@registration-window").await;
    assert!(shown.starts_with("This event is over: it ended at "), "{shown}");
    assert!(!page.is_shown("@register-form").await && !page.is_shown("@hold").await);
    page.wait("@event @event-status[data-status=over]").await;
    assert!(page.text("@event .seats__number").await.contains("Over"));
    assert_no_faults(&page, "an event that is over").await;
    refused(&app.register(&concert, "grace@example.org"), 409, "closed");

    // One that never had an end is over a day after its start.
    let old = begun(app, &json!({"starts_at": from_now(-TimeDelta::hours(25))}));
    page.open(&format!("/#/events/{old}")).await;
    page.wait("@registration-window[data-state=over]").await;
    assert!(
        page.text("@registration-window").await.starts_with("This event is over: it began at ")
    );
    let open = begun(app, &json!({}));
    page.open("/#/").await;
    for over in [&concert, &old] {
        let card = format!("@event-card[data-event-id='{over}']");
        page.wait(&format!("{card} @event-status[data-status=over]")).await;
        assert!(page.text(&format!("{card} .seats__number")).await.contains("Over"));
    }
    let card = format!("@event-card[data-event-id='{open}']");
    assert!(!page.is_shown(&format!("{card} @event-status")).await);
    assert_no_faults(&page, "a list with events that are over").await;
    app.assert_audit_is_clean();
    page.end().await;
}

#[tokio::test]
async fn a_form_sent_after_the_event_is_refused_in_words() {
    let page = Page::start().await;
    let concert = begun(&page.app, &json!({}));
    page.open(&format!("/#/events/{concert}")).await;
    page.wait("@register-form").await;
    // The page does not know yet: the answer to the form shows it.
    page.js("window.fetch = ((real) => (path, init) => init?.method === 'POST' ? real(path, init)
        : new Promise(() => {}))(window.fetch)")
        .await;
    ends_in(&page.app, &concert, -TimeDelta::hours(1));
    page.register("ada@example.org", "closed").await;
    assert_eq!(event(&page.app, &concert)["booked_count"], 0);
    page.end().await;
}

#[tokio::test]
async fn holders_and_waiters_see_that_the_event_is_over() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = begun(app, &json!({"waitlist_enabled": true}));
    let [ada, bob] = ["ada@example.org", "bob@example.org"]
        .map(|email| done(&app.register(&concert, email), 201));
    let [grace, late] = ["grace@example.org", "late@example.org"]
        .map(|email| done(&wait_for(app, &concert, email), 202));
    page.open(&private(&bob)).await;
    page.wait("@ticket-qr:not([hidden])").await;
    assert!(page.text("@ticket-hint").await.starts_with("Let them scan it"), "not over yet");
    assert!(page.is_shown("@cancel-registration").await && page.is_shown("@transfer").await);
    done(&give_up(app, &ada), 200);
    page.open(&private(&grace)).await;
    page.wait("@registration-status[data-status=offered]").await;
    assert!(page.seconds("@offer-countdown").await > 1_000);
    ends_in(app, &concert, TimeDelta::seconds(8));
    // No offer lasts longer than the event.
    until_at_most(&page, "offer-countdown", 8).await;
    page.wait("@registration-status[data-over=true]").await;
    page.wait_until_gone("@offer").await;
    assert!(page.text("@registration-status").await.contains("not confirmed in time"));
    assert_no_faults(&page, "an offer of an event that is over").await;

    page.open(&private(&late)).await;
    page.wait("@registration-status[data-over=true]").await;
    assert!(!page.is_shown("@waitlist-position").await && !page.is_shown("@offer").await);
    assert!(!page.text("main").await.contains("look here for your offer"));
    assert!(!page.is_shown("@cancel-registration").await, "there is no place left to give up");
    assert_no_faults(&page, "a place in line of an event that is over").await;

    page.open(&private(&bob)).await;
    page.wait("@registration-status[data-status=confirmed][data-over=true]").await;
    assert_eq!(page.text("h1").await, "The event is over");
    page.wait("@ticket-qr:not([hidden])").await;
    assert!(page.is_shown("@correct-name").await, "a name may still be put right");
    assert!(!page.is_shown("@transfer").await, "it cannot be passed on any more");
    assert!(!page.is_shown("@cancel-registration").await, "nobody could have the seat");
    let shown = page.text("@ticket-hint").await;
    assert!(shown.starts_with("This event is over"), "{shown}");
    assert!(!page.text("main").await.contains("scan it at the door"));
    for remaining in ["@ticket-print", "@registration-event", "@registration-email", "@event-when"]
    {
        assert!(page.is_shown(remaining).await, "{remaining}");
    }
    refused(&transfer(app, &bob, "new@example.org"), 409, "closed");
    assert_no_faults(&page, "a seat of an event that is over").await;
    app.assert_audit_is_clean();
    page.end().await;
}

#[tokio::test]
async fn waiters_are_still_served_after_registration_closes() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = begun(app, &json!({"capacity": 1, "waitlist_enabled": true}));
    let ada = done(&app.register(&concert, "ada@example.org"), 201);
    let grace = done(&wait_for(app, &concert, "grace@example.org"), 202);
    done(&edit(app, &concert, &json!({"closes_at": from_now(-TimeDelta::minutes(1))})), 200);
    page.open(&format!("/#/events/{concert}")).await;
    page.wait("@registration-window[data-state=closed]").await;
    let shown = page.text("@registration-window").await;
    assert!(shown.contains("Who is in line already may still get a seat"), "{shown}");
    assert!(page.text("@event .seats__number").await.contains("Closed"));
    assert!(!page.is_shown("@register-form").await);
    done(&give_up(app, &ada), 200);
    page.open(&private(&grace)).await;
    page.wait("@registration-status[data-status=offered]").await;
    page.click("@offer-confirm").await;
    page.wait("@registration-status[data-status=confirmed]").await;
    app.assert_audit_is_clean();
    page.end().await;
}
