//! Creating an event with every field, editing it, and cancelling it.

use crate::axe::assert_no_faults;
use crate::common::acts::{done, edit, event, id, path, private, wait_for};
use crate::common::{App, Data};
use crate::harness::{Browser, Page};
use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

fn only_event(app: &App) -> Value {
    let events = app.get("/events").json();
    let [event] = events.as_array().expect("an array").as_slice() else { panic!("{events}") };
    event.clone()
}

async fn in_new_york(page: &Browser) {
    page.cdp("Emulation.setTimezoneOverride", json!({"timezoneId": "America/New_York"})).await;
}

#[tokio::test]
async fn an_event_is_created_with_every_field() {
    let page = Page::start().await;
    in_new_york(&page).await;
    page.open("/#/new").await;
    page.reload().await;
    assert!(page.text("#field-description-hint").await.contains("CommonMark"));
    page.fill("name", "Evening of jazz").await;
    page.fill("capacity", "40").await;
    page.click("@more-fields summary").await;
    assert_eq!(page.value("timezone").await, "America/New_York");
    page.choose("timezone", "Europe/Berlin").await;
    // An hour that the clocks are set over.
    page.choose("starts_at", "2027-03-28T02:30").await;
    page.assert_refused(
        "starts_at",
        "There is no 02:30 that day in Europe/Berlin: the clocks are set forward over it. Perhaps \
         you mean 03:30.",
    )
    .await;
    page.click("@create-form > button").await;
    page.outcome("invalid").await;
    assert_eq!(page.app.get("/events").json(), json!([]), "nothing was sent");
    // It is there in another zone.
    page.choose("timezone", "Europe/London").await;
    page.wait("#field-starts_at:not([aria-invalid])").await;
    page.choose("timezone", "Europe/Berlin").await;
    page.wait("#field-starts_at[aria-invalid]").await;

    // An hour that comes twice.
    page.choose("starts_at", "2027-10-31T02:30").await;
    page.wait("@twice-starts_at:not([hidden])").await;
    let asked = page.text("@twice-starts_at").await;
    assert!(asked.contains("02:30 twice") && asked.contains("UTC+2") && asked.contains("UTC+1"));
    page.click("@twice-starts_at-1").await;
    page.choose("ends_at", "2027-10-31T05:00").await;
    assert!(!page.is_shown("@twice-ends_at").await);
    page.choose("opens_at", "2026-01-01T09:00").await;
    page.choose("closes_at", "2027-10-30T18:00").await;
    page.fill("venue", "The cellar").await;
    page.click("#field-waitlist_enabled").await;
    page.choose("offer_ttl_seconds", "3600").await;
    page.click("#field-conceal_registered").await;
    page.choose("language", "de").await;
    page.fill("remind_hours", "a day").await;
    page.fill("retention_days", "a month").await;
    page.click("@create-form > button").await;
    page.wait("#field-retention_days[aria-invalid]").await;
    page.wait("#field-remind_hours[aria-invalid]").await;
    page.fill("remind_hours", "24").await;
    page.fill("retention_days", "30").await;
    page.click("#field-draft").await;
    page.click("@create-form > button").await;

    page.wait("@event-status[data-status=draft]").await;
    page.wait("@registration-window[data-state=draft]").await;
    assert!(!page.is_shown("@register-form").await);
    let made = only_event(&page.app);
    for (name, value) in [
        ("starts_at", json!("2027-10-31T01:30:00Z")),
        ("ends_at", json!("2027-10-31T04:00:00Z")),
        ("opens_at", json!("2026-01-01T08:00:00Z")),
        ("closes_at", json!("2027-10-30T16:00:00Z")),
        ("timezone", json!("Europe/Berlin")),
        ("venue", json!("The cellar")),
        ("waitlist_enabled", json!(true)),
        ("offer_ttl_seconds", json!(3_600)),
        ("conceal_registered", json!(true)),
        ("retention_days", json!(30)),
        ("language", json!("de")),
        ("remind_hours", json!(24)),
        ("confirm_address", json!(false)),
        ("status", json!("draft")),
        ("capacity", json!(40)),
    ] {
        assert_eq!(made[name], value, "{name}");
    }
    assert_eq!(page.text("@event-venue").await, "The cellar");
    assert_eq!(page.text("@event-retention").await, "Erased 30 days after the event");
    let when = page.text("@event-when").await;
    assert!(when.contains("2:30") && when.contains("Europe/Berlin"), "{when}");
    // The evening before, over there.
    let local = page.text("@event-when-local").await;
    assert!(local.contains("9:30") && local.contains("30"), "{local}");
    let calendar = page.attribute("@add-to-calendar", "href").await;
    let calendar = page.app.get(&calendar);
    assert_eq!(calendar.status, 200);
    assert!(calendar.header("content-type").expect("one").starts_with("text/calendar"));
    page.end().await;
}

#[tokio::test]
async fn concurrent_edits_of_an_event_are_not_lost() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    let body = json!({
        "name": "Jazz", "description": "Loud", "capacity": 3, "status": "draft", "venue": "Here",
        "starts_at": "2027-10-31T01:30:12Z", "timezone": "Europe/Berlin",
        "waitlist_enabled": true, "offer_ttl_seconds": 100, "retention_days": 7,
    });
    let made = done(&page.app.post("/events", &body), 201);
    let concert = id(&made);
    page.open(&format!("/#/events/{concert}")).await;
    page.click("@edit-link").await;
    page.wait("@edit-form").await;
    assert_eq!(page.value("name").await, "Jazz");
    page.click("@more-fields summary").await;
    assert_eq!(page.value("starts_at").await, "2027-10-31T02:30");
    page.wait("@twice-starts_at-1:checked").await;
    assert_eq!(page.value("offer_ttl_seconds").await, "100");
    page.click("@edit-save").await;
    page.outcome("saved").await;
    assert_eq!(event(&page.app, concert), made, "nothing was changed");
    let is_saved =
        "return document.querySelector('[data-testid=outcome] h2')?.textContent === 'Saved'";
    assert_eq!(page.value("retention_days").await, "7");
    page.fill("venue", "The cellar").await;
    page.fill("retention_days", "").await;
    page.click("@edit-save").await;
    page.until(is_saved).await;
    let saved = event(&page.app, concert);
    assert_eq!((&saved["venue"], &saved["version"]), (&json!("The cellar"), &json!(2)));
    assert_eq!(saved["retention_days"], Value::Null);
    assert_eq!(saved["starts_at"], made["starts_at"], "to the second, which no field shows");
    page.fill("venue", "The roof").await;
    page.click("@twice-starts_at-0").await;
    page.click("@edit-save").await;
    page.until(is_saved).await;
    assert_eq!(event(&page.app, concert)["starts_at"], "2027-10-31T00:30:00Z", "the hour before");

    // Another organizer is faster.
    done(&edit(&page.app, concert, &json!({"name": "Blues", "capacity": 4})), 200);
    page.fill("capacity", "5").await;
    page.click("@edit-save").await;
    page.outcome("changed").await;
    assert_eq!(event(&page.app, concert)["capacity"], 4, "theirs is not overwritten unseen");
    assert_eq!(page.value("name").await, "Blues");
    assert_eq!(page.value("capacity").await, "5");
    page.click("@edit-save").await;
    page.outcome("saved").await;
    let saved = event(&page.app, concert);
    assert_eq!((&saved["name"], &saved["capacity"]), (&json!("Blues"), &json!(5)));

    page.fill("capacity", "0").await;
    page.click("@edit-save").await;
    page.assert_refused("capacity", "Must be a whole number from 1 to 100000.").await;
    page.fill("capacity", "2").await;
    page.click("@publish-event").await;
    page.outcome("saved").await;
    page.wait_until_gone("@event-status").await;
    assert!(!page.is_shown("@publish-event").await);
    assert_eq!(event(&page.app, concert)["status"], "published");
    done(&page.app.register(concert, "ada@example.org"), 201);
    done(&page.app.register(concert, "grace@example.org"), 201);
    page.fill("capacity", "1").await;
    page.click("@edit-save").await;
    page.outcome("changed").await;
    page.click("@edit-save").await;
    page.outcome("error").await;
    assert!(page.text("@outcome").await.contains("More seats are taken"));
    assert_eq!(event(&page.app, concert)["capacity"], 2);
    page.app.assert_audit_is_clean();
    page.end().await;
}

#[tokio::test]
async fn the_organizer_is_shown_and_an_unlisted_event_is_marked() {
    let page = Page::start().await;
    page.open("/o/new").await;
    page.fill("name", "Evening of jazz").await;
    page.fill("capacity", "40").await;
    page.click("@more-fields summary").await;
    page.fill("organizer_name", "Jazz <b>Club</b>").await;
    page.fill("contact", "jazz.example").await;
    page.click("#field-unlisted").await;
    page.click("@create-form > button").await;
    let wrong = "Must be an e-mail address, or a URL such as https://example.org/contact.";
    page.assert_refused("contact", wrong).await;
    page.choose("contact", &format!("https://jazz.example/{}", "x".repeat(480))).await;
    page.click("@create-form > button").await;
    page.wait("#field-contact[aria-invalid]").await;
    assert_eq!(page.app.get("/events").json(), json!([]), "nothing was sent");
    page.fill("contact", "Club@Jazz.example").await;
    page.click("@create-form > button").await;

    let said = "Jazz <b>Club</b> · club@jazz.example";
    page.wait("@event-organizer").await;
    assert_eq!(page.text("@event-organizer").await, said);
    assert_eq!(page.attribute("@event-contact", "href").await, "mailto:club@jazz.example");
    assert_no_faults(&page, "an event that says who puts it up").await;
    let made = only_event(&page.app);
    assert_eq!((&made["contact"], &made["unlisted"]), (&json!("club@jazz.example"), &json!(true)));
    // The same from the server.
    page.reload().await;
    page.wait("@event-organizer").await;
    assert_eq!(page.text("@event-organizer").await, said);

    page.open("/").await;
    assert_eq!(page.text("@event-card @event-unlisted").await, "Unlisted");
    assert_no_faults(&page, "a list with an event that is in no other").await;
    page.open(&format!("/o/e/{}/edit", id(&made))).await;
    page.wait("@edit-form").await;
    page.click("@more-fields summary").await;
    page.wait("#field-unlisted:checked").await;
    page.click("#field-unlisted").await;
    page.fill("organizer_name", "").await;
    page.fill("contact", "https://jazz.example/ask").await;
    page.click("@edit-save").await;
    page.outcome("saved").await;
    let saved = only_event(&page.app);
    for (name, value) in [
        ("organizer_name", Value::Null),
        ("contact", json!("https://jazz.example/ask")),
        ("unlisted", json!(false)),
        ("version", json!(2)),
    ] {
        assert_eq!(saved[name], value, "{name}");
    }
    page.open(&format!("/e/{}", id(&made))).await;
    assert_eq!(page.text("@event-contact").await, "Ask about it");
    assert_eq!(page.attribute("@event-contact", "href").await, "https://jazz.example/ask");
    assert!(page.attribute("@event-contact", "rel").await.contains("noopener"));
    page.open("/").await;
    page.wait("@event-card").await;
    assert!(!page.is_shown("@event-unlisted").await);
    page.end().await;
}

#[tokio::test]
async fn an_event_is_cancelled_and_attendees_see_it() {
    let app = App::start(Data::sqlite());
    let (organizer, attendee) = Browser::start_two(app.url()).await;
    let concert = app.create(1);
    let ada = done(&app.register(&concert, "ada@example.org"), 201);
    let late = done(&wait_for(&app, &concert, "late@example.org"), 202);
    attendee.open(&private(&ada)).await;
    attendee.wait("@ticket-qr:not([hidden])").await;
    organizer.open(&format!("/#/events/{concert}/edit")).await;
    organizer.click("@cancel-event").await;
    organizer.wait("@cancel-event-no:focus").await;
    organizer.click("@cancel-event-no").await;
    assert_eq!(event(&app, &concert)["status"], "published");
    organizer.click("@cancel-event").await;
    organizer.click("@cancel-event-yes").await;
    organizer.wait("@event-status[data-status=cancelled]").await;
    organizer.wait("@registration-window[data-state=cancelled]").await;
    assert!(!organizer.is_shown("@register-form").await);
    attendee.wait("@registration-status[data-status=cancelled]").await;
    attendee.wait("@event-status[data-status=cancelled]").await;
    attendee.until("return document.querySelector('[data-testid=ticket]').hidden").await;
    for registration in [ada, late] {
        assert_eq!(app.get(&path(&registration)).json()["status"], "cancelled");
    }
    organizer.open("/#/").await;
    organizer.wait("@event-card @event-status[data-status=cancelled]").await;
    organizer.open(&format!("/#/events/{concert}/edit")).await;
    organizer.until("return document.body.innerText.includes('cannot be changed any more')").await;
    assert!(!organizer.is_shown("@edit-form").await);
    organizer.end().await;
    attendee.end().await;
}

#[tokio::test]
async fn doors_open_and_close_by_themselves() {
    let page = Page::start().await;
    let moment = |seconds| {
        let moment = Utc::now() + TimeDelta::seconds(seconds);
        (moment, moment.to_rfc3339_opts(SecondsFormat::Micros, true))
    };
    // The page estimates the server's clock within the delay that the header may have: one that is never late makes
    // the estimate too early.
    page.js(
        "const fetched = window.fetch;
        window.fetch = async (...asked) => {
            const answer = await fetched(...asked);
            const headers = new Headers(answer.headers);
            headers.set('Date', new Date().toISOString());
            const { status, statusText } = answer;
            return new Response(status === 304 ? null : answer.body, { headers, status, statusText });
        };",
    )
    .await;
    let (opens, opens_at) = moment(20);
    let body = json!({"name": "Jazz", "capacity": 2, "opens_at": opens_at});
    let concert = id(&done(&page.app.post("/events", &body), 201)).to_owned();
    page.js(&format!("location.hash = '#/events/{concert}'")).await;
    page.wait("@registration-window[data-state=upcoming]").await;
    let left = page.seconds("@opens-countdown").await;
    assert!((1..=20).contains(&left), "{left}");
    page.until_below("@opens-countdown", left).await;
    assert!(!page.is_shown("@register-form").await && Utc::now() < opens);
    page.js("window.isSameDocument = true").await;

    page.wait("@registration-window[data-state=open]").await;
    // The page knows the server's clock to within a second.
    assert!(Utc::now() > opens - TimeDelta::seconds(1));
    assert!(page.is_shown("@register-form").await);
    page.register("ada@example.org", "registered").await;
    // Set while the page is open, and then only the clock changes.
    let (closes, closes_at) = moment(4);
    done(&edit(&page.app, &concert, &json!({"closes_at": closes_at})), 200);
    page.wait("@registration-window[data-state=closed]").await;
    assert!(Utc::now() > closes - TimeDelta::seconds(1));
    assert!(!page.is_shown("@register-form").await);
    assert_eq!(page.js("return window.isSameDocument").await, true);
    page.end().await;
}
