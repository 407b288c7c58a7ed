//! Every page in every state, looked at by axe-core.

use crate::axe::{assert_no_faults, faults};
use crate::check_in::{register, scan};
use crate::common::acts::{done, edit, give_up, hold, id, private, ticket, wait_for};
use crate::common::{App, Data};
use crate::harness::{Browser, Page};
use serde_json::{Value, json};

fn concert(app: &App, more: &Value) -> String {
    let mut body = json!({
        "name": "Evening of jazz", "description": "Doors open at 7.", "capacity": 2,
        "venue": "The cellar", "starts_at": "2027-05-01T18:00:00Z",
        "ends_at": "2027-05-01T21:00:00Z", "timezone": "Europe/Berlin",
    });
    let more = more.as_object().expect("an object").clone();
    body.as_object_mut().expect("it is one").extend(more);
    id(&done(&app.post("/events", &body), 201)).to_owned()
}

async fn check(browser: &Browser, path: &str, there: &str, state: &str) {
    browser.open(path).await;
    browser.wait(there).await;
    assert_no_faults(browser, state).await;
}

/// The negative control: a faulty page is reported.
#[tokio::test]
async fn a_fault_is_found() {
    let page = Page::start().await;
    page.wait("@empty").await;
    assert_eq!(faults(&page).await, Vec::<Value>::new());
    page.js("const text = document.createElement('p');
        text.textContent = 'Who can read this?';
        text.style.color = '#ccc';
        text.style.backgroundColor = '#fff';
        document.querySelector('main').append(document.createElement('input'), text);")
        .await;
    let found: Vec<_> = faults(&page).await.iter().map(|fault| fault["id"].clone()).collect();
    assert_eq!(found, ["color-contrast", "label"]);
    page.end().await;
}

#[tokio::test]
async fn the_list_and_the_forms_have_no_faults() {
    let page = Page::start().await;
    check(&page, "/#/", "@empty", "no events").await;
    let open = concert(&page.app, &json!({}));
    let draft = concert(&page.app, &json!({"status": "draft"}));
    let cancelled = concert(&page.app, &json!({}));
    done(&page.app.post(&format!("/events/{cancelled}/cancel"), &json!({})), 200);
    page.reload().await;
    check(&page, "/#/", "@event-card", "the list").await;
    check(&page, "/problems", "h1", "the problems").await;
    check(&page, "/#/nowhere", "@not-found", "no such page").await;

    page.open("/#/new").await;
    page.click("@more-fields summary").await;
    page.choose("timezone", "Europe/Berlin").await;
    page.choose("starts_at", "2027-03-28T02:30").await;
    page.choose("ends_at", "2027-10-31T02:30").await;
    page.wait("@twice-ends_at:not([hidden])").await;
    assert_no_faults(&page, "the form for an event").await;
    page.click("@create-form > button").await;
    page.outcome("invalid").await;
    assert_no_faults(&page, "the form with errors").await;

    check(&page, &format!("/#/events/{draft}/edit"), "@publish-event", "editing a draft").await;
    page.click("@cancel-event").await;
    page.wait("@cancel-event-no:focus").await;
    assert_no_faults(&page, "whether to call it off").await;
    page.open(&format!("/#/events/{open}/edit")).await;
    page.wait("@edit-form").await;
    done(&edit(&page.app, &open, &json!({"name": "Blues"})), 200);
    page.fill("capacity", "7").await;
    page.click("@edit-save").await;
    page.outcome("changed").await;
    assert_no_faults(&page, "an edit that came too late").await;
    page.end().await;
}

#[tokio::test]
async fn an_event_has_no_faults_in_any_state() {
    let page = Page::start().await;
    let app = &page.app;
    let open = concert(app, &json!({"waitlist_enabled": false}));
    let address = |event: &str| format!("/#/events/{event}");
    check(&page, &address(&open), "@register-form", "an open event").await;
    page.register("ada@example.org", "registered").await;
    page.click("@registrations summary").await;
    page.wait("@registration").await;
    assert_no_faults(&page, "an event right after registering").await;
    page.register_another().await;
    page.fill("user_email", "grace@example.org").await;
    page.click("@hold-start").await;
    page.wait("@hold-countdown[data-seconds]").await;
    assert_no_faults(&page, "an event with a hold").await;
    page.click("@hold-release").await;
    page.wait("@hold-ended").await;
    assert_no_faults(&page, "an event whose hold was given back").await;
    done(&hold(app, &open, "late@example.org"), 201);
    page.click("@hold-again").await;
    page.register("grace@example.org", "all_held").await;
    page.wait("@retry-countdown[data-seconds]").await;
    assert_no_faults(&page, "an event whose seats are all held").await;

    let full = concert(app, &json!({"capacity": 1}));
    done(&app.register(&full, "ada@example.org"), 201);
    check(&page, &address(&full), "@waitlist-join", "a full event").await;
    page.register("grace@example.org", "waitlisted").await;
    assert_no_faults(&page, "an event with a place in line").await;
    let draft = concert(app, &json!({"status": "draft"}));
    check(&page, &address(&draft), "@registration-window[data-state=draft]", "a draft").await;
    let upcoming = concert(app, &json!({"opens_at": "2127-01-01T00:00:00Z"}));
    check(
        &page,
        &address(&upcoming),
        "@registration-window[data-state=upcoming]",
        "an event to come",
    )
    .await;
    done(&app.post(&format!("/events/{full}/cancel"), &json!({})), 200);
    check(&page, &address(&full), "@event-status[data-status=cancelled]", "an event called off")
        .await;
    page.end().await;
}

#[tokio::test]
async fn a_registration_has_no_faults_in_any_state() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    let app = &page.app;
    let event = concert(app, &json!({"capacity": 1}));
    let ada = register(app, &event, "ada@example.org", "Ada");
    let grace = done(&wait_for(app, &event, "grace@example.org"), 202);
    let late = done(&wait_for(app, &event, "late@example.org"), 202);
    page.open(&private(&ada)).await;
    page.click("@history summary").await;
    page.wait("@history-entry").await;
    page.click("@transfer summary").await;
    page.click("@transfer-submit").await;
    page.outcome("invalid").await;
    page.click("@cancel-registration").await;
    page.wait("@ticket-qr:not([hidden])").await;
    assert_no_faults(&page, "a confirmed registration").await;
    check(&page, &private(&grace), "@waitlist-position", "a place in line").await;
    done(&give_up(app, &ada), 200);
    check(&page, &private(&grace), "@offer-countdown", "an offer").await;
    let status = "@registration-status[data-status=cancelled]";
    check(&page, &private(&ada), status, "a cancelled registration").await;
    done(&give_up(app, &grace), 200);
    page.open(&private(&late)).await;
    page.click("@offer-confirm").await;
    page.click("@transfer summary").await;
    page.fill("user_email", "new@example.org").await;
    page.click("@transfer-submit").await;
    page.click("@transfer-confirm-yes").await;
    page.wait("@transfer-done").await;
    assert_no_faults(&page, "a registration that was passed on").await;
    page.reload().await;
    page.wait("@registration-forbidden").await;
    assert_no_faults(&page, "a dead link").await;
    page.click("@registration-forbidden p a").await;
    page.fill("user_email", "ada@example.org").await;
    page.click("@find-form button").await;
    page.outcome("error").await;
    assert_no_faults(&page, "links that a server without mail does not send").await;
    page.end().await;
}

#[tokio::test]
async fn the_door_has_no_faults() {
    let page = Page::start().await;
    let event = concert(&page.app, &json!({}));
    let ada = register(&page.app, &event, "ada@example.org", "Ada");
    let ticket = ticket(&page.app, &ada);
    check(&page, &format!("/#/events/{event}/door"), "@door-keys[data-keys=ready]", "a door").await;
    scan(&page, &ticket, 1, "checked_in").await;
    page.wait("@door-undo:not([hidden])").await;
    assert_no_faults(&page, "a door that let somebody in").await;
    scan(&page, &ticket, 2, "already_checked_in").await;
    assert_no_faults(&page, "a door with a second scan").await;
    scan(&page, "not a ticket", 3, "refused").await;
    assert_no_faults(&page, "a door with a refusal").await;
    page.end().await;
}
