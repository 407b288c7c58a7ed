//! Waiting for a seat, and getting it.

use crate::common::acts::{done, event, give_up, id, private, wait_for};
use crate::common::{App, Data};
use crate::harness::Browser;
use serde_json::json;

#[tokio::test]
async fn a_waiter_is_offered_a_cancelled_seat() {
    let app = App::start(Data::postgres());
    let body = json!({
        "name": "Jazz", "capacity": 1, "waitlist_enabled": true, "offer_ttl_seconds": 900,
    });
    let concert = id(&done(&app.post("/events", &body), 201)).to_owned();
    let (ada, grace) = Browser::start_two(app.url()).await;
    let address = format!("/#/events/{concert}");
    ada.open(&address).await;
    ada.register("ada@example.org", "registered").await;
    ada.click("@private-link").await;
    ada.wait("@registration-status[data-status=confirmed]").await;
    ada.wait("@ticket-qr:not([hidden])").await;

    grace.open(&address).await;
    grace.meter(1, 1).await;
    grace.wait("@waitlist-join").await;
    assert!(!grace.is_shown("@hold-start").await, "there is nothing to hold");
    grace.register("grace@example.org", "waitlisted").await;
    grace.wait("@outcome @waitlist-position[data-position='1']").await;
    grace.wait("@waitlist-count[data-count='1']").await;
    done(&wait_for(&app, &concert, "late@example.org"), 202);
    grace.wait("@waitlist-count[data-count='2']").await;
    grace.click("@private-link").await;
    grace.wait("@registration-status[data-status=waitlisted]").await;
    grace.wait("@waitlist-position[data-position='1']").await;
    assert!(!grace.is_shown("@ticket").await && !grace.is_shown("@offer").await);

    // Not by accident: the focus is on the harmless answer.
    ada.click("@cancel-registration").await;
    ada.wait("@cancel-registration-no:focus").await;
    ada.enter("").await;
    ada.wait("@cancel-registration:focus").await;
    assert!(ada.is_shown("@ticket-qr").await);
    ada.click("@cancel-registration").await;
    ada.click("@cancel-registration-yes").await;
    ada.wait("@registration-status[data-status=cancelled]").await;
    ada.until("return document.querySelector('[data-testid=ticket]').hidden").await;
    assert_eq!(ada.js("return document.body.innerText.includes('QR')").await, false);

    // By itself: this page was not touched.
    grace.wait("@registration-status[data-status=offered]").await;
    let seconds = grace.seconds("@offer @offer-countdown").await;
    assert!((870..=900).contains(&seconds), "{seconds}");
    grace.until_below("@offer-countdown", seconds).await;
    assert!(!grace.is_shown("@ticket").await && !grace.is_shown("@waitlist-position").await);
    assert_eq!(event(&app, &concert)["available"], 0, "it is nobody else's");
    grace.click("@offer-confirm").await;
    grace.wait("@registration-status[data-status=confirmed]").await;
    grace.wait("@ticket-qr:not([hidden])").await;
    grace.wait_until_gone("@offer").await;
    grace.click("@history summary").await;
    for (place, kind) in ["waitlisted", "offered", "confirmed"].iter().enumerate() {
        let nth = format!("@history-entry[data-kind={kind}]:nth-child({})", place + 1);
        grace.wait(&nth).await;
    }
    app.assert_audit_is_clean();
    ada.end().await;
    grace.end().await;
}

#[tokio::test]
async fn an_offer_that_is_declined_goes_to_the_next() {
    let app = App::start(Data::sqlite());
    let concert = app.create(1);
    let seated = done(&app.register(&concert, "ada@example.org"), 201);
    let first = done(&wait_for(&app, &concert, "grace@example.org"), 202);
    let next = done(&wait_for(&app, &concert, "late@example.org"), 202);
    let browser = Browser::start(app.url()).await;
    browser.open(&private(&next)).await;
    browser.wait("@waitlist-position[data-position='2']").await;
    done(&give_up(&app, &seated), 200);
    browser.wait("@waitlist-position[data-position='1']").await;
    browser.open(&private(&first)).await;
    browser.click("@offer-release").await;
    browser.wait("@registration-status[data-status=cancelled]").await;
    browser.open(&private(&next)).await;
    browser.wait("@registration-status[data-status=offered]").await;
    // The default of the server: a day.
    browser.until_below("@offer-countdown", 86_400).await;
    assert!(browser.text("@offer-countdown").await.starts_with("23:59:"));
    browser.end().await;
}
