//! Organizers' tokens in the pages: who needs one, where it is stored, and what happens when it expires.

use crate::axe::assert_no_faults;
use crate::check_in::scan;
use crate::common::acts::{done, event, id, path, private, ticket_as_attendee};
use crate::common::{App, Data, Token, make_token, make_token_with};
use crate::harness::{Browser, Page, WITHIN};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const NOT_A_TOKEN: &str =
    "This server does not know that token. It may be mistyped, or have been revoked.";

/// Waits until the server answers a caller with `token` so.
async fn until_taken(app: &App, token: &str, status: u16) {
    let began = Instant::now();
    while app.ask_as(token, "GET", "/organizer", &Value::Null).status != status {
        assert!(began.elapsed() < WITHIN, "it never was {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn revoke(app: &App, token: &Token) {
    assert!(app.run(&format!("token revoke {}", token.id)).status.success());
    until_taken(app, &token.secret, 401).await;
}

pub(crate) async fn sign_in(page: &Browser, token: &str) {
    page.fill("organizer_token", token).await;
    page.click("@sign-in button").await;
}

/// It is stored only where it may be, and nowhere else that outlives the tab or leaves the browser.
async fn assert_stored(page: &Browser, token: &str, is_stored: bool) {
    let places = page
        .js("const texts = (storage) => JSON.stringify({...storage});
            const asked = performance.getEntriesByType('resource').map(({name}) => name);
            return [texts(sessionStorage), texts(localStorage), document.cookie, location.href,
                document.documentElement.outerHTML, ...asked]")
        .await;
    let places = places.as_array().expect("an array");
    let has = |place: &Value| place.as_str().expect("a text").contains(token);
    assert_eq!(has(&places[0]), is_stored);
    assert!(places.len() > 6 && !places[1..].iter().any(has), "it is where it should not be");
}

fn put_up(app: &App, token: &str, name: &str, more: &Value) -> String {
    let mut body = json!({"name": name, "capacity": 3});
    body.as_object_mut().expect("it is one").extend(more.as_object().expect("one too").clone());
    id(&done(&app.ask_as(token, "POST", "/events", &body), 201)).to_owned()
}

async fn no_event(page: &Browser, event: &str) {
    page.open(&format!("/#/events/{event}")).await;
    assert!(page.text("@not-found").await.contains("only its organizer sees"));
}

#[tokio::test]
async fn an_open_server_needs_no_token_and_says_so_until_it_is_closed() {
    let page = Page::start().await;
    page.wait("@open-server").await;
    assert!(!page.is_shown("@open-server").await, "whoever only visits reads no command");
    assert!(!page.is_shown("nav [data-route=organizer]").await);
    page.open("/#/new").await;
    let said = page.text("@open-server").await;
    assert!(said.contains("whoever reaches it is the organizer") && said.contains("token create"));
    page.create("Jazz", "", "3").await;
    page.wait("@edit-link").await;
    assert!(!page.is_shown("@open-server").await, "visitors see this page, too");
    page.click("@registrations summary").await;
    page.until("return document.body.innerText.includes('Nobody is registered yet')").await;

    page.open("/#/new").await;
    page.wait("@create-form").await;
    let token = make_token(&page.app.data, "Jazz club");
    until_taken(&page.app, "org_none", 401).await;
    page.create("Blues", "Bring a friend.", "7").await;
    // An organizer who waits for an answer is taken to the sign-in form.
    page.wait("#field-organizer_token:focus").await;
    page.outcome("signed_out").await;
    page.wait_until_gone("@open-server").await;
    sign_in(&page, &token).await;
    page.wait("@create-form button:focus").await;
    page.wait_until_gone("@sign-in").await;
    for (field, input) in [("name", "Blues"), ("description", "Bring a friend."), ("capacity", "7")]
    {
        assert_eq!(page.value(field).await, input);
    }
    page.click("@create-form > button").await;
    assert_eq!(page.text("h1@event-name").await, "Blues");
    page.wait("@edit-link").await;
    page.end().await;
}

/// Actions that a token does not permit are not offered, and an organizer who opens them all the same sees why.
#[tokio::test]
async fn a_lesser_token_is_offered_fewer_actions() {
    let data = Data::sqlite();
    let owner = make_token(&data, "Jazz club");
    let [reader, door] = ["reader", "door"]
        .map(|role| make_token_with(&data, "Jazz club", &["--role", role]).secret);
    let page = Page::start_with(data, json!({})).await;
    let event = put_up(&page.app, &owner, "Jazz", &json!({}));
    assert_eq!(page.app.register(&event, "ada@example.org").status, 201);
    for (token, role, may_let_in) in [(reader, "reader", false), (door, "door", true)] {
        page.open("/#/organizer").await;
        sign_in(&page, &token).await;
        let said = page.text("@signed-in").await;
        assert!(said.starts_with(&format!("Signed in as Jazz club ({role})")), "{said}");
        page.open(&format!("/#/events/{event}")).await;
        page.click("@registrations summary").await;
        page.wait("@registration").await;
        assert_eq!(page.is_shown("@door-link").await, may_let_in);
        for hidden in ["@edit-link", "@correct", "nav [data-route=create]"] {
            assert!(!page.is_shown(hidden).await, "{role}: {hidden}");
        }
        for place in ["/#/new".to_owned(), format!("/#/events/{event}/edit")] {
            page.open(&place).await;
            assert!(page.text("@not-found").await.contains("Not with this token"), "{place}");
        }
        assert_no_faults(&page, "what a token may not do").await;
        page.click("@sign-out").await;
        page.wait_until_gone("@signed-in").await;
    }
    page.end().await;
}

#[tokio::test]
async fn a_token_is_requested_in_place_and_stored_in_its_tab_alone() {
    let data = Data::sqlite();
    let token = make_token(&data, "Jazz club");
    let page = Page::start_with(data, json!({})).await;
    page.open("/#/new").await;
    page.click("@sign-in button").await;
    page.assert_refused("organizer_token", "Paste the token in here.").await;
    assert!(!page.is_shown("@create-form").await && !page.is_shown("@open-server").await);
    sign_in(&page, "org_no").await;
    page.assert_refused("organizer_token", NOT_A_TOKEN).await;
    sign_in(&page, "zażółć").await;
    page.assert_refused("organizer_token", NOT_A_TOKEN).await;
    assert_no_faults(&page, "a token that is refused").await;
    assert_stored(&page, &token, false).await;
    page.wait("#field-organizer_token:focus").await;
    page.fill("organizer_token", "").await;
    page.enter(&token).await;
    page.wait("h1#create-title:focus").await;
    assert!(page.text("@signed-in").await.starts_with("Signed in as Jazz club"));
    page.click("#field-draft").await;
    page.create("Evening of jazz", "", "3").await;
    page.wait("@event-status[data-status=draft]").await;
    page.wait("@edit-link").await;
    assert_stored(&page, &token, true).await;
    page.reload().await;
    page.wait("@event-status[data-status=draft]").await;
    page.wait("@signed-in").await;
    let address = page.js("return location.pathname").await;
    let draft = address.as_str().expect("a path").strip_prefix("/e/").expect("of an event");

    let here = page.client.window().await.expect("it has one");
    page.open_window().await;
    no_event(&page, draft).await;
    assert_eq!(page.text("nav [data-route=organizer]:not([hidden])").await, "Sign in");
    assert_stored(&page, &token, false).await;
    page.client.close_window().await.expect("it was there");
    page.client.switch_to_window(here).await.expect("it still is there");

    page.click("nav [data-route=list]").await;
    page.wait("@empty").await;
    page.click("nav [data-route=organizer]").await;
    page.wait(&format!("@event-card[data-event-id='{draft}']")).await;
    assert_no_faults(&page, "an organizer's own events").await;
    page.click("@sign-out").await;
    page.wait("@empty").await;
    page.wait_until_gone("@signed-in").await;
    assert_stored(&page, &token, false).await;
    no_event(&page, draft).await;
    page.end().await;
}

#[tokio::test]
async fn an_expired_token_loses_no_input() {
    let data = Data::sqlite();
    let [first, second, third, fourth] = [(); 4].map(|()| make_token_with(&data, "Jazz club", &[]));
    let page = Page::start_with(data, json!({})).await;
    let app = &page.app;
    let concert = put_up(app, &first.secret, "Jazz", &json!({}));
    let [ada, grace] = ["ada@example.org", "grace@example.org"]
        .map(|email| done(&app.register(&concert, email), 201));
    page.open(&format!("/#/events/{concert}/edit")).await;
    sign_in(&page, &first.secret).await;
    page.wait("@edit-form").await;
    page.fill("name", "Blues").await;
    revoke(app, &first).await;
    page.click("@edit-save").await;
    page.wait("#field-organizer_token:focus").await;
    page.wait("@signed-out").await;
    assert_stored(&page, &first.secret, false).await;
    assert_no_faults(&page, "a form whose token has ended").await;
    assert_eq!(event(app, &concert)["name"], "Jazz");
    sign_in(&page, &second.secret).await;
    page.wait("@edit-save:focus").await;
    assert_eq!(page.value("name").await, "Blues");
    page.click("@edit-save").await;
    page.outcome("saved").await;
    assert_eq!(event(app, &concert)["name"], "Blues");

    // A door continues as if offline, and leaves the focus in its field.
    page.open(&format!("/#/events/{concert}/door")).await;
    page.wait("@door-keys[data-keys=ready]").await;
    page.wait("@door-seats[data-count='2']").await;
    revoke(app, &second).await;
    scan(&page, &ticket_as_attendee(app, &ada), 1, "queued").await;
    page.wait("@signed-out").await;
    page.wait("@door-input:focus").await;
    page.wait("@door-pending[data-count='1']").await;
    sign_in(&page, &third.secret).await;
    page.wait("@door-pending[data-count='0']").await;
    page.wait("@door-count[data-count='1']").await;
    // Nor is a scan lost if the door is closed before the organizer signs in.
    revoke(app, &third).await;
    page.wait("@door-result[data-result=checked_in]").await;
    scan(&page, &ticket_as_attendee(app, &grace), 3, "queued").await;
    page.wait("@signed-out").await;
    page.reload().await;
    page.wait("@sign-in").await;
    assert!(!page.is_shown("@door-form").await);
    sign_in(&page, &fourth.secret).await;
    page.wait("@door-pending[data-count='0']").await;
    page.wait("@door-count[data-count='2']").await;
    for one in [&ada, &grace] {
        let one = app.ask_as(&fourth.secret, "GET", &path(one), &Value::Null);
        assert!(done(&one, 200)["checked_in_at"].is_string());
    }

    // On the page of an event the form is where it is needed, and the list of people is hidden.
    page.open(&format!("/#/events/{concert}")).await;
    page.click("@registrations summary").await;
    page.wait("@registration").await;
    revoke(app, &fourth).await;
    page.wait("@for-organizer").await;
    page.wait_until_gone("@registration").await;
    page.meter(2, 3).await;
    page.click("@for-organizer summary").await;
    let last = make_token(&app.data, "Jazz club");
    until_taken(app, &last, 200).await;
    sign_in(&page, &last).await;
    page.wait("@registrations summary:focus").await;
    page.end().await;
}

#[tokio::test]
async fn visitors_need_no_token_and_organizers_manage_their_own_events() {
    let data = Data::sqlite();
    let [club, choir] = ["Jazz club", "Choir"].map(|name| make_token(&data, name));
    let page = Page::start_with(data, json!({})).await;
    let app = &page.app;
    let concert = put_up(app, &club, "Jazz", &json!({}));
    let recital = put_up(app, &choir, "Songs", &json!({}));
    put_up(app, &club, "Not yet", &json!({"status": "draft"}));
    page.reload().await;
    page.wait(&format!("[data-event-id='{recital}'] + [data-event-id='{concert}']:last-child"))
        .await;
    page.open(&format!("/#/events/{concert}")).await;
    page.register("ada@example.org", "registered").await;
    page.register_another().await;
    page.fill("user_email", "grace@example.org").await;
    page.click("@hold-start").await;
    page.click("@hold-confirm").await;
    page.outcome("registered").await;
    page.meter(2, 3).await;
    let late = done(&app.register(&concert, "late@example.org"), 201);
    page.open(&private(&late)).await;
    page.wait("@ticket-qr:not([hidden])").await;
    page.click("@cancel-registration").await;
    page.click("@cancel-registration-yes").await;
    page.wait("@registration-status[data-status=cancelled]").await;

    page.open(&format!("/#/events/{concert}")).await;
    page.click("@for-organizer summary").await;
    assert!(!page.is_shown("@edit-link").await && !page.is_shown("@registrations").await);
    sign_in(&page, &choir).await;
    page.wait("@others-event:focus").await;
    assert!(!page.is_shown("@edit-link").await && !page.is_shown("@registrations").await);
    page.register("late@example.org", "registered").await;
    assert_no_faults(&page, "another organizer's event").await;
    page.open(&format!("/#/events/{concert}/edit")).await;
    assert!(page.text("@not-found").await.contains("another organizer’s"));
    page.open(&format!("/#/events/{concert}/door")).await;
    page.until("return document.querySelector('[data-testid=door-event]')?.textContent.includes('not exist')")
        .await;
    page.open("/#/organizer").await;
    page.wait(&format!("@event-card[data-event-id='{recital}']:only-child")).await;
    page.open(&format!("/#/events/{recital}")).await;
    page.click("@edit-link").await;
    page.click("@cancel-event").await;
    page.click("@cancel-event-yes").await;
    page.wait("@event-status[data-status=cancelled]").await;
    app.assert_audit_is_clean();
    page.end().await;
}
