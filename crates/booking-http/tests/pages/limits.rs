//! Errors that the server would report are shown while typing, and are never sent; text is trimmed.

use crate::axe::assert_no_faults;
use crate::common::acts::{done, id, private, ticket_as_attendee};
use crate::common::{Data, make_token};
use crate::harness::{Browser, Page};
use booking_core::{Description, EmailAddress, EventName, PersonName, Venue};
use fantoccini::key::Key;
use serde_json::{Value, json};

/// One character for people and for the server, two for the language of the pages, four bytes.
const FACE: &str = "😀";

async fn counter(page: &Browser, field: &str) -> String {
    page.text(&format!("@count-{field}:not([hidden])")).await
}

async fn assert_too_long(page: &Browser, field: &str, max: usize) {
    page.choose(field, &FACE.repeat(max + 1)).await;
    assert!(counter(page, field).await.starts_with("1 character too many"));
    page.wait(&format!("#field-{field}[aria-describedby~=field-{field}-count]")).await;
}

/// As the pages write it, in English.
fn thousands(number: usize) -> String {
    match number {
        1_000.. => format!("{},{:03}", number / 1_000, number % 1_000),
        _ => number.to_string(),
    }
}

async fn assert_limit_shown(page: &Browser, field: &str, max: usize) {
    let (most, has) = (thousands(max), thousands(max + 1));
    let error = format!("Must have at most {most} characters, and has {has}.");
    page.assert_refused(field, &error).await;
}

#[tokio::test]
async fn limits_of_an_event_s_fields_are_shown_while_typing() {
    let page = Page::start().await;
    let app = &page.app;
    let limits = [
        ("name", EventName::CHARACTERS_MAX),
        ("description", Description::CHARACTERS_MAX),
        ("venue", Venue::CHARACTERS_MAX),
    ];
    page.open("/#/new").await;
    page.fill("capacity", "3").await;
    page.click("@more-fields summary").await;
    for (field, max) in limits {
        let (far, near) = (FACE.repeat(max * 9 / 10 - 1), FACE.repeat(max * 9 / 10));
        page.choose(field, &far).await;
        assert!(!page.is_shown(&format!("@count-{field}")).await, "{field}: there is room");
        page.choose(field, &near).await;
        let words = format!("{} of {} characters", thousands(max * 9 / 10), thousands(max));
        assert_eq!(counter(&page, field).await, words);
        assert_too_long(&page, field, max).await;
    }
    // An error under the fold would not be seen.
    page.click("@more-fields summary").await;
    page.click("@create-form > button").await;
    page.outcome("invalid").await;
    for (field, max) in limits {
        assert_limit_shown(&page, field, max).await;
    }
    page.wait("#field-name:focus").await;
    assert_no_faults(&page, "a form with texts that are too long").await;
    assert_eq!(app.get("/events").json(), json!([]), "nothing was sent");

    // Exactly as much is taken: the server counts the same.
    for (field, max) in limits {
        page.choose(field, &FACE.repeat(max)).await;
        let words = format!("{0} of {0} characters", thousands(max));
        assert_eq!(counter(&page, field).await, words);
    }
    page.click("@create-form > button").await;
    page.wait("h1@event-name").await;
    let made = app.get("/events").json()[0].clone();
    for (field, max) in limits {
        assert_eq!(made[field].as_str().expect("a text").chars().count(), max, "{field}");
    }
    // In the form for existing events, too.
    page.open(&format!("/#/events/{}/edit", id(&made))).await;
    assert_eq!(counter(&page, "name").await, "200 of 200 characters");
    page.choose("name", &FACE.repeat(201)).await;
    page.click("@edit-save").await;
    assert_limit_shown(&page, "name", EventName::CHARACTERS_MAX).await;
    assert_eq!(app.get("/events").json()[0], made);
    page.end().await;
}

#[tokio::test]
async fn limits_of_a_person_s_fields_are_shown_while_typing() {
    let page = Page::start().await;
    let concert = page.app.create(3);
    let registrations = || page.app.get(&format!("/events/{concert}/registrations")).json();
    page.open(&format!("/#/events/{concert}")).await;
    page.wait("@register-form").await;
    // Two bytes each.
    let long = format!("{}@example.org", "é".repeat(EmailAddress::BYTES_MAX / 2));
    page.choose("user_email", &long).await;
    assert_eq!(counter(&page, "user_email").await, "12 bytes too many: at most 254");
    assert_too_long(&page, "name", PersonName::CHARACTERS_MAX).await;
    page.click("@register").await;
    page.outcome("invalid").await;
    page.assert_refused("user_email", "Must have at most 254 bytes, and has 266.").await;
    assert_limit_shown(&page, "name", PersonName::CHARACTERS_MAX).await;
    assert_no_faults(&page, "a registration with texts that are too long").await;
    assert_eq!(registrations(), json!([]), "nothing was sent");
    page.choose("name", &FACE.repeat(PersonName::CHARACTERS_MAX)).await;
    page.register("ada@example.org", "registered").await;
    assert!(!page.is_shown("@count-name").await, "the form is empty again");
    let name = registrations()[0]["name"].clone();
    assert_eq!(name.as_str().expect("a name").chars().count(), PersonName::CHARACTERS_MAX);

    page.click("@private-link").await;
    page.click("@transfer summary").await;
    page.fill("user_email", "grace@example.org").await;
    assert_too_long(&page, "name", PersonName::CHARACTERS_MAX).await;
    page.click("@transfer-submit").await;
    page.outcome("invalid").await;
    assert_limit_shown(&page, "name", PersonName::CHARACTERS_MAX).await;
    page.end().await;
}

/// A domain counts as it is looked up, which may be shorter than it is typed: nothing is refused here that
/// the server takes.
#[tokio::test]
async fn an_address_is_measured_in_its_stored_form() {
    let page = Page::start().await;
    let concert = page.app.create(3);
    let label = format!("{}.", "書".repeat(40));
    let typed = format!("ada@{}example.org", label.repeat(3));
    assert!(typed.len() > EmailAddress::BYTES_MAX && EmailAddress::parse(&typed).is_ok());
    page.open(&format!("/#/events/{concert}")).await;
    page.wait("@register-form").await;
    page.choose("user_email", &typed).await;
    assert!(!page.is_shown("@count-user_email").await);
    page.click("@register").await;
    page.outcome("registered").await;
    page.end().await;
}

const NOTHING: [&str; 9] = [
    "\u{200b}",
    " \u{3164}\u{ad}",
    "\u{2800}\u{2800}",
    "\u{115f}\u{1160}\u{ffa0}",
    "\u{202e}\u{feff}\u{2066}",
    "\u{e0067}\u{fe0f}",
    "\u{301}",
    "\u{fffc}",
    "\u{85}\u{3000}",
];

#[tokio::test]
async fn an_invisible_name_is_empty() {
    let page = Page::start().await;
    page.open("/#/new").await;
    page.wait("@create-form").await;
    for nothing in NOTHING {
        // Another field is invalid, so that nothing is sent, and the next message is new.
        page.choose("capacity", "").await;
        page.choose("name", "Jazz").await;
        page.click("@create-form > button").await;
        page.wait("#field-name:not([aria-invalid])").await;
        page.choose("capacity", "3").await;
        page.choose("name", nothing).await;
        page.click("@create-form > button").await;
        page.assert_refused("name", "Give the event a name.").await;
    }
    assert_eq!(page.app.get("/events").json(), json!([]), "nothing was sent");

    let concert = page.app.create(3);
    page.open(&format!("/#/events/{concert}")).await;
    page.wait("@register-form").await;
    page.choose("user_email", "\u{200b}").await;
    page.click("@register").await;
    page.assert_refused("user_email", "Enter an e-mail address.").await;
    page.choose("user_email", "ada@example.org").await;
    page.choose("name", "\u{200b}").await;
    page.click("@register").await;
    let error = "Nothing in this text is visible. Write something, or leave it empty.";
    page.assert_refused("name", error).await;
    let registrations = format!("/events/{concert}/registrations");
    assert_eq!(page.app.get(&registrations).json(), json!([]), "nothing was sent");
    // White space alone is how some people leave a field empty.
    page.choose("name", " \u{3000}").await;
    page.click("@register").await;
    page.outcome("registered").await;
    assert_eq!(page.app.get(&registrations).json()[0]["name"], Value::Null);
    page.end().await;
}

/// Earlier versions took such names.
#[tokio::test]
async fn an_event_with_an_invisible_name_can_be_clicked() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    let concert = page.app.create(3);
    page.app.data.database().sql("UPDATE events SET name = U&'\\200B\\3164'");
    page.open("/#/").await;
    page.wait("@event-card").await;
    page.reload().await;
    assert_eq!(page.text("@event-card h3").await, "Event without a name");
    page.click("@event-card h3 a").await;
    assert_eq!(page.text("h1@event-name").await, "Event without a name");
    page.open(&format!("/#/events/{concert}/door")).await;
    page.wait("@door-seats[data-count='0']").await;
    assert_eq!(page.text("@door-event").await, "Event without a name");
    page.end().await;
}

#[tokio::test]
async fn pasted_text_is_trimmed() {
    let data = Data::sqlite();
    let token = make_token(&data, "Jazz club");
    let page = Page::start_with(data, json!({})).await;
    let app = &page.app;
    page.open("/#/new").await;
    page.wait("@sign-in").await;
    page.choose("organizer_token", &format!("\u{feff} {token}\u{a0}\u{200b}")).await;
    page.click("@sign-in button").await;
    page.wait("h1#create-title").await;
    let body = json!({"name": "Jazz", "capacity": 3});
    let concert = done(&app.ask_as(&token, "POST", "/events", &body), 201);
    let ada = done(&app.register(id(&concert), "ada@example.org"), 201);
    page.open(&format!("{}%20%E2%80%8B%0D%0A", private(&ada))).await;
    page.wait("@registration-status[data-status=confirmed]").await;
    page.wait("@ticket-qr:not([hidden])").await;

    page.open(&format!("/#/events/{}/door", id(&concert))).await;
    page.wait("@door-keys[data-keys=ready]").await;
    let pasted = format!("\u{200b}\u{a0}{}\u{2060}\u{3000}", ticket_as_attendee(app, &ada));
    page.choose("code", &pasted).await;
    page.press(&Key::Enter).await;
    page.wait("@door-result[data-scan='1'][data-result=checked_in]").await;
    page.end().await;
}
