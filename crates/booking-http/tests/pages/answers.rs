//! Answers that come late, or not at all: their results are found, no write is done twice, and the page never
//! claims an unknown result.

use crate::axe::assert_no_faults;
use crate::common::acts::{done, event, id, path, private};
use crate::common::{Data, make_token};
use crate::harness::{Browser, Page};
use crate::signing_in::sign_in;
use serde_json::{Value, json};

/// Sets the fate of the next answers to writes, one after the other: `"lost"`, or `"unsent"` even before, or that
/// many milliseconds late, or replaced by another. Lasts until the page is reloaded.
async fn on_the_way(page: &Browser, answers: &Value) {
    let script = "
        window.keys ??= [];
        window.refusals = 0;
        const asked = window.fetchAsBefore ??= window.fetch;
        window.fetch = async (path, init) => {
            const isRead = (init?.method ?? 'GET') === 'GET';
            if (!isRead) window.keys.push(init.headers['Idempotency-Key']);
            const what = isRead ? null : window.onTheWay.shift();
            if (what === 'unsent') throw new TypeError('it did not leave');
            if (what?.status) {
                const headers = {'Content-Type': 'application/problem+json', 'Retry-After': what.after};
                return new Response(JSON.stringify(what), {status: what.status, headers});
            }
            const answer = await asked(path, init);
            if (what === 'lost') throw new TypeError('it did not arrive');
            if (what) await new Promise((wake) => setTimeout(wake, what));
            if (isRead && answer.status === 403) window.refusals += 1;
            return answer;
        };";
    page.js(&format!("window.onTheWay = {answers};{script}")).await;
}

/// Opens another page, and returns, without a reload.
async fn leave_and_return(page: &Browser, event: &str) {
    page.js("location.hash = '#/'").await;
    page.wait("@event-card").await;
    page.js(&format!("location.hash = '#/events/{event}'")).await;
    page.wait("@register-form").await;
}

async fn assert_one_key(page: &Browser, sent: u32) {
    let counts = page.js("return [window.keys.length, new Set(window.keys).size]").await;
    assert_eq!(counts, json!([sent, 1]));
}

async fn pass_on(page: &Browser, to: &str) {
    page.click("@transfer summary").await;
    page.fill("user_email", to).await;
    page.click("@transfer-submit").await;
    page.click("@transfer-confirm-yes").await;
}

/// The new link is shown, and is the one that works.
async fn assert_passed_on(page: &Browser, to: &str) {
    page.wait("@transfer-done h3:focus").await;
    let link = page.attribute("@transfer-done @private-link", "href").await;
    page.open(&link).await;
    page.wait("@registration-status[data-status=confirmed]").await;
    assert_eq!(page.text("@registration-email").await, to);
}

#[tokio::test]
async fn a_transfer_shows_the_new_link_however_its_answer_comes() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = app.create(5);
    let open = async |name: &str, answers: Value| {
        let email = format!("{name}@example.org");
        page.open(&private(&done(&app.register(&concert, &email), 201))).await;
        // The page of the one before may still be there.
        page.until(&format!(
            "return document.querySelector('[data-testid=registration-email]')?.textContent === '{email}'"
        ))
        .await;
        on_the_way(&page, &answers).await;
    };
    // The page learns that its own link is dead before it learns why.
    open("late", json!([20_000])).await;
    pass_on(&page, "late-to@example.org").await;
    page.until("return window.refusals > 0").await;
    assert!(page.is_shown("@transfer-form").await && !page.is_shown("@offline").await);
    assert_passed_on(&page, "late-to@example.org").await;

    open("lost", json!(["lost"])).await;
    pass_on(&page, "lost-to@example.org").await;
    page.outcome("unknown").await;
    page.until("return window.refusals > 1").await;
    page.click("@outcome button").await;
    assert_passed_on(&page, "lost-to@example.org").await;

    // The link that is reloaded is dead, and leads on all the same.
    open("anew", json!(["lost"])).await;
    pass_on(&page, "anew-to@example.org").await;
    page.outcome("unknown").await;
    page.reload().await;
    page.wait("@registration-forbidden").await;
    page.outcome("unknown").await;
    assert_no_faults(&page, "a dead link whose new one was not seen").await;
    page.click("@outcome button").await;
    page.wait("@transfer-done h3:focus").await;
    assert_eq!(page.text("h1").await, "You passed it on");
    page.reload().await;
    page.wait("@registration-forbidden").await;
    assert!(!page.is_shown("@outcome").await, "it was shown once");
    assert_eq!(event(app, &concert)["booked_count"], 3);
    app.assert_audit_is_clean();
    page.end().await;
}

/// The negative control: a link that died of something else is dead as soon as that is known.
#[tokio::test]
async fn a_transfer_that_never_left_does_not_keep_a_dead_link_alive() {
    let page = Page::start().await;
    let app = &page.app;
    let ada = done(&app.register(&app.create(1), "ada@example.org"), 201);
    page.open(&private(&ada)).await;
    page.wait("@ticket-qr:not([hidden])").await;
    on_the_way(&page, &json!(["unsent"])).await;
    pass_on(&page, "grace@example.org").await;
    page.outcome("unknown").await;
    done(&app.post(&format!("{}/link", path(&ada)), &json!({})), 200);
    page.until("return window.refusals > 0").await;
    assert!(page.is_shown("@transfer-form").await, "nobody knows yet");
    page.click("@outcome button").await;
    page.wait("@registration-forbidden").await;
    assert!(!page.is_shown("@outcome").await);
    assert_eq!(done(&app.get(&path(&ada)), 200)["user_email"], "ada@example.org");
    page.end().await;
}

#[tokio::test]
async fn an_attendee_who_leaves_during_a_booking_finds_it_again() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = app.create(5);
    page.open(&format!("/#/events/{concert}")).await;
    page.wait("@register-form").await;
    on_the_way(&page, &json!([20_000])).await;
    page.fill("user_email", "ada@example.org").await;
    page.fill("name", "Ada").await;
    page.click("@register").await;
    leave_and_return(&page, &concert).await;
    page.outcome("unknown").await;
    assert_eq!(page.value("user_email").await, "ada@example.org");
    assert_eq!(page.value("name").await, "Ada");
    assert_no_faults(&page, "a booking whose answer was not seen").await;
    page.click("@outcome button").await;
    page.outcome("registered").await;
    page.wait("@private-link").await;
    assert_one_key(&page, 2).await;

    // An attendee who enters the same once more repeats the same request.
    page.js("window.keys = []; window.onTheWay = [20_000]").await;
    page.register_another().await;
    page.fill("user_email", "grace@example.org").await;
    page.click("@register").await;
    leave_and_return(&page, &concert).await;
    page.register("grace@example.org", "registered").await;
    page.wait("@private-link").await;
    assert_one_key(&page, 2).await;

    // A hold, and over a page that is loaded anew.
    page.js("window.onTheWay = ['lost']").await;
    page.register_another().await;
    page.fill("user_email", "third@example.org").await;
    page.click("@hold-start").await;
    page.outcome("unknown").await;
    page.reload().await;
    page.outcome("unknown").await;
    page.click("@outcome button").await;
    assert_eq!(page.text("@hold @hold-email").await, "third@example.org");
    page.click("@hold-confirm").await;
    page.outcome("registered").await;
    page.reload().await;
    page.wait("@register-form").await;
    assert!(!page.is_shown("@outcome").await);
    assert_eq!(page.value("user_email").await, "");
    assert_eq!(event(app, &concert)["booked_count"], 3);
    app.assert_audit_is_clean();
    page.end().await;
}

/// The last seat is gone, by this very booking: the button that retries is still the same.
#[tokio::test]
async fn a_retry_for_the_last_seat_repeats_the_claim_and_does_not_join_the_line() {
    let page = Page::start().await;
    let body = json!({"name": "Jazz", "capacity": 1, "waitlist_enabled": true});
    let concert = id(&done(&page.app.post("/events", &body), 201)).to_owned();
    page.open(&format!("/#/events/{concert}")).await;
    page.wait("@register-form").await;
    on_the_way(&page, &json!(["lost"])).await;
    page.fill("user_email", "ada@example.org").await;
    page.click("@register").await;
    page.outcome("unknown").await;
    page.meter(1, 1).await;
    page.click("@outcome button").await;
    page.outcome("registered").await;
    page.wait("@waitlist-join").await;
    assert_one_key(&page, 2).await;
    page.end().await;
}

#[tokio::test]
async fn a_claim_of_unknown_outcome_is_never_called_unbooked() {
    let page = Page::start().await;
    let limited =
        json!({"status": 429, "code": "rate_limited", "detail": "slow down", "after": 60});
    page.open(&format!("/#/events/{}", page.app.create(2))).await;
    page.wait("@register-form").await;
    on_the_way(&page, &json!([limited, "lost", limited])).await;
    let shown = async || page.text("@outcome").await;
    // The negative control: by itself it means just that.
    page.register("ada@example.org", "limited").await;
    assert!(shown().await.contains("Nothing was booked"), "{}", shown().await);
    page.register("ada@example.org", "unknown").await;
    page.click("@outcome button").await;
    page.outcome("limited").await;
    let words = shown().await;
    assert!(words.contains("an earlier try has worked is not known yet"), "{words}");
    assert!(!words.contains("Nothing was booked"), "{words}");
    page.fill("user_email", "").await;
    page.click("@register").await;
    page.outcome("invalid").await;
    assert!(!shown().await.contains("Nothing was booked"), "{}", shown().await);
    page.register("ada@example.org", "registered").await;
    assert_one_key(&page, 4).await;
    page.end().await;
}

#[tokio::test]
async fn an_organizer_who_signs_in_again_creates_no_second_event() {
    let data = Data::sqlite();
    let token = make_token(&data, "Jazz club");
    let page = Page::start_with(data, json!({})).await;
    page.open("/#/new").await;
    sign_in(&page, &token).await;
    page.wait("h1#create-title").await;
    let ended = json!({"status": 401, "code": "unauthenticated", "detail": "no"});
    on_the_way(&page, &json!(["lost", ended])).await;
    page.create("Jazz", "", "3").await;
    page.outcome("unknown").await;
    page.click("@outcome button").await;
    page.outcome("signed_out").await;
    let shown = page.text("@outcome").await;
    assert!(!shown.contains("Nothing was created"), "{shown}");
    sign_in(&page, &token).await;
    page.wait_until_gone("@sign-in").await;
    page.click("@create-form > button").await;
    assert_eq!(page.text("h1@event-name").await, "Jazz");
    assert_one_key(&page, 3).await;
    let events = done(&page.app.ask_as(&token, "GET", "/events", &Value::Null), 200);
    assert_eq!(events.as_array().map(Vec::len), Some(1), "{events}");
    page.end().await;
}

#[tokio::test]
async fn a_retry_waits_for_a_busy_server_until_it_is_refused() {
    let page = Page::start().await;
    let app = &page.app;
    let ada = done(&app.register(&app.create(1), "ada@example.org"), 201);
    let busy =
        |after: u32| json!({"status": 503, "code": "overloaded", "detail": "busy", "after": after});
    page.open(&private(&ada)).await;
    page.wait("@ticket-qr:not([hidden])").await;
    // Looking for faults may take longer than one of these.
    on_the_way(&page, &json!([busy(15), busy(15), busy(15), busy(15)])).await;
    page.click("@cancel-registration").await;
    page.click("@cancel-registration-yes").await;
    page.wait("@cancel-registration-wait:not(:empty)").await;
    assert!(page.text("@cancel-registration-wait").await.contains("try 2 of 5"));
    assert_no_faults(&page, "a step that waits for a busy server").await;
    page.click("@cancel-registration-no").await;
    page.wait("@cancel-registration:focus").await;
    page.wait("@cancel-registration-wait:empty").await;
    assert_eq!(done(&app.get(&path(&ada)), 200)["status"], "confirmed");

    let tries: u32 =
        serde_json::from_value(page.js("return window.keys.length").await).expect("a number");
    on_the_way(&page, &json!([busy(1)])).await;
    page.click("@cancel-registration").await;
    page.click("@cancel-registration-yes").await;
    page.wait("@registration-status[data-status=cancelled]").await;
    assert_one_key(&page, tries + 2).await;
    app.assert_audit_is_clean();
    page.end().await;
}

#[tokio::test]
async fn a_new_link_whose_answer_was_lost_is_shown() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = app.create(1);
    let ada = done(&app.register(&concert, "ada@example.org"), 201);
    page.open(&format!("/#/events/{concert}")).await;
    page.wait("@register-form").await;
    on_the_way(&page, &json!(["lost"])).await;
    let renew = async || {
        page.click("@registrations summary").await;
        page.click("@new-link").await;
        page.click("@new-link-yes").await;
    };
    renew().await;
    page.wait("@new-link-error:not(:empty)").await;
    page.reload().await;
    renew().await;
    let link = page.attribute("@new-link-made @private-link", "href").await;
    page.open(&link).await;
    page.wait("@registration-status[data-status=confirmed]").await;
    let history = done(&app.get(&format!("{}/history", path(&ada))), 200);
    let is_new_link = |entry: &&Value| entry["kind"] == "link_renewed";
    let made = history.as_array().expect("a list").iter().filter(is_new_link).count();
    assert_eq!(made, 1, "{history}");
    page.end().await;
}
