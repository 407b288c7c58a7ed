//! An organizer at their desk: the state of an event, its people, tables, copies, and webhooks.

use crate::axe::assert_no_faults;
use crate::check_in::register;
use crate::common::acts::{done, event, give_up, id, path, private};
use crate::common::{App, Data};
use crate::harness::{Browser, Page};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fantoccini::key::Key;
use serde_json::{Value, json};
use std::fs;

/// Waits until a number of the desk has this value.
async fn number(page: &Browser, name: &str, count: u32) {
    page.wait(&format!("@{name}[data-count='{count}']")).await;
}

/// Waits until so many people are in the table, and the first of them is this one.
async fn people(page: &Browser, count: usize, first: &str) {
    let script = format!(
        "const rows = [...document.querySelectorAll('[data-testid=registration]')];
         return rows.length === {count}
             && rows[0].querySelector('[data-testid=person-email]').textContent === '{first}'"
    );
    page.until(&script).await;
}

#[tokio::test]
async fn a_guest_is_found_among_many_and_admitted_with_the_keyboard_alone() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    let app = &page.app;
    let concert = app.create(40);
    for number in 0..30 {
        register(app, &concert, &format!("guest{number}@example.org"), &format!("Guest {number}"));
    }
    let ada = register(app, &concert, "ada@example.org", "Ada Löve");
    page.open(&format!("/e/{concert}")).await;
    page.click("@desk-link").await;
    number(&page, "desk-confirmed", 31).await;
    number(&page, "desk-available", 9).await;
    number(&page, "desk-checked_in", 0).await;
    people(&page, 31, "guest0@example.org").await;
    assert_no_faults(&page, "a desk").await;

    page.tab_to("#field-people_q").await;
    page.press("LOVE").await;
    people(&page, 1, "ada@example.org").await;
    assert_eq!(page.text("@people-status").await, "1 of 1 person");
    page.tab_to("@let-in").await;
    page.press(&Key::Enter).await;
    number(&page, "desk-checked_in", 1).await;
    assert!(done(&app.get(&path(&ada)), 200)["checked_in_at"].is_string());
    page.wait("@registration:not(:has(button[data-testid=let-in]:not([hidden])))").await;
    assert_no_faults(&page, "a desk with somebody who was let in").await;

    page.choose("people_q", "").await;
    page.choose("people_in", "true").await;
    people(&page, 1, "ada@example.org").await;
    page.choose("people_in", "").await;
    page.choose("people_order", "name").await;
    people(&page, 31, "ada@example.org").await;
    page.choose("people_order", "last").await;
    people(&page, 31, "ada@example.org").await;
    page.choose("people_order", "first").await;
    people(&page, 31, "guest0@example.org").await;
    page.end().await;
}

#[tokio::test]
async fn badges_of_all_attendees_are_printed_in_the_order_of_their_names() {
    let page = Page::start().await;
    let app = &page.app;
    let body = json!({"name": "Evening of jazz", "capacity": 40});
    let concert = id(&done(&app.post("/events", &body), 201)).to_owned();
    for number in (0..9).rev() {
        register(app, &concert, &format!("guest{number}@example.org"), &format!("Guest {number}"));
    }
    register(app, &concert, "ada@example.org", "Ada <i>Löve</i>");
    done(&app.register(&concert, "nobody@example.org"), 201);
    let gone = register(app, &concert, "gone@example.org", "Gone");
    done(&give_up(app, &gone), 200);
    page.open(&format!("/o/e/{concert}/desk")).await;
    number(&page, "desk-confirmed", 11).await;
    page.js("window.printed = 0; window.print = () => { window.printed += 1; };").await;
    // Past all the buttons of the table.
    page.js("document.querySelector('[data-testid=people-csv]').focus()").await;
    page.tab_to("@badges-open").await;
    page.press(&Key::Enter).await;
    page.until("return window.printed === 1").await;
    page.until("return document.activeElement.id === 'badges-title'").await;
    assert_eq!(page.text("@badges-status").await, "11 badges, on 2 sheets of A4.");
    let badges = "return [...document.querySelectorAll('[data-testid=badge]')].map((one) => one.innerText.split(/\\n+/))";
    let mut expected = vec![json!(["Ada <i>Löve</i>", "Evening of jazz"])];
    expected.extend((0..9).map(|number| json!([format!("Guest {number}"), "Evening of jazz"])));
    expected.push(json!(["No name was given", "Evening of jazz"]));
    assert_eq!(page.js(badges).await, json!(expected));
    let section = page.text("@badges").await;
    assert!(!section.contains('@') && !section.contains("Gone"), "{section}");
    for width in [390, 1280] {
        let size = json!({"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": false});
        page.cdp("Emulation.setDeviceMetricsOverride", size).await;
        let wider =
            "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        assert_eq!(page.js(wider).await, false, "{width}");
    }
    assert_no_faults(&page, "badges to be printed").await;
    // On paper there is nothing else, two by four on each sheet.
    let printed = page.cdp("Page.printToPDF", json!({"preferCSSPageSize": true})).await;
    let pdf = STANDARD.decode(printed["data"].as_str().expect("a PDF")).expect("in Base64");
    let pdf = String::from_utf8_lossy(&pdf);
    assert!(pdf.contains("/Count 2"), "it has two pages");
    page.cdp("Emulation.setEmulatedMedia", json!({"media": "print"})).await;
    for hidden in ["@badges-print", "@people-status", "@desk-confirmed", ".masthead", "h1"] {
        assert!(!page.is_shown(hidden).await, "{hidden}");
    }
    assert!(page.is_shown("@badge").await);
    page.cdp("Emulation.setEmulatedMedia", json!({"media": ""})).await;

    page.tab_to("@badges-print").await;
    page.press(&Key::Enter).await;
    page.until("return window.printed === 2").await;
    page.tab_to("@badges-close").await;
    page.press(&Key::Enter).await;
    page.wait("@badges-open:focus").await;
    assert!(!page.is_shown("@badges").await);
    page.cdp("Emulation.setEmulatedMedia", json!({"media": "print"})).await;
    assert!(page.is_shown("h1").await, "the desk as ever");
    page.cdp("Emulation.setEmulatedMedia", json!({"media": ""})).await;
    page.cdp("Emulation.clearDeviceMetricsOverride", json!({})).await;

    // Closed before they have loaded, they are neither printed nor stored.
    page.js("window.asked = window.fetch; window.held = []; \
         window.fetch = async (path, ...what) => { \
             await new Promise((go) => window.held.push({path: String(path), go})); \
             return window.asked(path, ...what); };")
        .await;
    page.click("@badges-open").await;
    // The page asks for other things beside it.
    page.until("return window.held.some(({path}) => path.includes('status=confirmed'))").await;
    page.click("@badges-close").await;
    page.js("window.fetch = window.asked; window.held.forEach(({go}) => go())").await;
    page.until(
        "return !document.querySelector('[data-testid=badges-open]').hasAttribute('aria-disabled')",
    )
    .await;
    assert_eq!(page.js("return window.printed").await, json!(2));
    assert_eq!(
        page.js("return document.querySelectorAll('[data-testid=badge]').length").await,
        json!(0)
    );
    page.end().await;
}

#[tokio::test]
async fn a_registration_is_cancelled_after_a_confirmation() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = app.create(2);
    let ada = register(app, &concert, "ada@example.org", "Ada");
    page.open(&format!("/o/e/{concert}/desk")).await;
    page.click("@cancel-person").await;
    page.wait("@cancel-person-no:focus").await;
    assert_no_faults(&page, "a question at the desk").await;
    page.press(&Key::Enter).await;
    page.wait("@cancel-person:focus").await;
    assert_eq!(done(&app.get(&path(&ada)), 200)["status"], "confirmed");
    page.click("@cancel-person").await;
    page.click("@cancel-person-yes").await;
    number(&page, "desk-cancelled", 1).await;
    number(&page, "desk-available", 2).await;
    assert_eq!(done(&app.get(&path(&ada)), 200)["status"], "cancelled");
    page.choose("people_status", "cancelled").await;
    people(&page, 1, "ada@example.org").await;
    page.choose("people_status", "seated").await;
    page.until("return document.querySelectorAll('[data-testid=registration]').length === 0").await;

    page.click("@desk-sales summary").await;
    page.wait("@sales-chart[role=img][aria-label] rect").await;
    page.click("@sales-table summary").await;
    assert!(page.text("@sales-table tbody td").await.contains('1'));
    assert_no_faults(&page, "sales over time").await;
    app.assert_audit_is_clean();
    page.end().await;
}

#[tokio::test]
async fn a_table_of_people_is_imported_after_a_dry_run() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = app.create(2_000);
    register(app, &concert, "ada@example.org", "Ada");
    let folder = tempfile::tempdir().expect("a folder");
    let table = folder.path().join("people.csv");
    let mut text = "user_email,name\nada@example.org,Ada\ngrace@example.org,Grace\nno-at,\ngrace@example.org,Again\n".to_owned();
    for number in 0..999 {
        text.push_str(&format!("p{number}@example.org,Person {number}\n"));
    }
    fs::write(&table, text).expect("it can be written");
    page.open(&format!("/o/e/{concert}/import")).await;
    page.tab_to("@import-try").await;
    page.enter("").await;
    page.assert_refused("table", "Choose a table.").await;
    assert_no_faults(&page, "a form for tables").await;
    let name = table.to_str().expect("it is text");
    page.wait("#field-table").await.send_keys(name).await.expect("a file can be chosen");
    page.tab_to("@import-try").await;
    page.enter("").await;
    page.wait("@import-result[data-dry=true]").await;
    for (verdict, count) in
        [("registered", 1_000), ("already_registered", 1), ("invalid", 1), ("duplicate", 1)]
    {
        number(&page, &format!("import-{verdict}"), count).await;
    }
    assert_eq!(event(app, &concert)["booked_count"], 1, "nobody yet");
    page.wait("@import-apply:focus").await;
    assert_eq!(page.text("@import-apply").await, "Register 1,000 people");
    assert_no_faults(&page, "a table that was tried").await;
    page.press(&Key::Enter).await;
    page.wait("@import-result[data-dry=false]").await;
    page.outcome("saved").await;
    assert_eq!(event(app, &concert)["booked_count"], 1_001);
    assert!(!page.is_shown("@import-apply").await);
    // The same once more changes nothing.
    page.click("@import-try").await;
    number(&page, "import-already_registered", 1_001).await;
    page.outcome("changed").await;
    app.assert_audit_is_clean();
    page.end().await;
}

#[tokio::test]
async fn an_event_s_questions_are_written_answered_and_read() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = app.create(5);
    page.open(&format!("/o/e/{concert}/questions")).await;
    page.wait("@questions-none").await;
    page.click("@question-add").await;
    page.wait("@question textarea:focus").await;
    page.click("@questions-save").await;
    let error = "return document.querySelector('[data-testid=question-error]').textContent";
    assert_eq!(page.js(error).await, "Write what is asked.");
    page.fill("question1-wording", "What do you eat?").await;
    page.choose("question1-kind", "choice").await;
    page.fill("question1-options", "Everything\nPlants").await;
    page.click("@question-add").await;
    page.fill("question2-wording", "I agree to be photographed.").await;
    page.choose("question2-kind", "consent").await;
    page.click("#field-question2-required").await;
    assert_no_faults(&page, "questions that are being written").await;
    // The second moves to the front, and the focus with it.
    page.click("@question:nth-child(2) @question-up").await;
    page.click("@questions-save").await;
    page.outcome("saved").await;
    let asked = app.get(&format!("/events/{concert}/questions")).json();
    let keys: Vec<_> =
        asked.as_array().expect("an array").iter().map(|one| one["key"].clone()).collect();
    assert_eq!(keys, [json!("i_agree_to_be_photographed"), json!("what_do_you_eat")]);
    assert_eq!(asked[0]["required"], true);

    page.open(&format!("/e/{concert}")).await;
    page.wait("@questions:not([hidden]) select").await;
    assert_no_faults(&page, "a form that asks more").await;
    page.fill("user_email", "ada@example.org").await;
    page.click("@register").await;
    page.outcome("invalid").await;
    page.wait("[name='answers/i_agree_to_be_photographed'][aria-invalid=true]:focus").await;
    assert_eq!(event(app, &concert)["booked_count"], 0);
    assert_no_faults(&page, "a form without an answer that it needs").await;
    page.click("[name='answers/i_agree_to_be_photographed']").await;
    let choose = "const select = document.querySelector(\"[name='answers/what_do_you_eat']\");
        select.value = 'plants';
        select.dispatchEvent(new Event('change', {bubbles: true}));
        return select.value";
    assert_eq!(page.js(choose).await, "plants");
    page.click("@register").await;
    page.outcome("registered").await;

    // The link's holder can change their answers.
    let body = json!({"user_email": "grace@example.org", "as_organizer": true});
    let grace = done(&app.post(&format!("/events/{concert}/register"), &body), 201);
    page.open(&private(&grace)).await;
    page.click("@my-answers summary").await;
    page.click("@answers-form [name='answers/i_agree_to_be_photographed']").await;
    page.click("@answers-save").await;
    page.outcome("saved").await;
    assert_eq!(
        done(&app.get(&path(&grace)), 200)["answers"],
        json!({"i_agree_to_be_photographed": 1})
    );
    assert_no_faults(&page, "answers that were changed").await;

    page.open(&format!("/o/e/{concert}/desk")).await;
    page.fill("people_q", "ada").await;
    people(&page, 1, "ada@example.org").await;
    let answers = page.text(".answers").await;
    assert!(answers.contains("What do you eat?") && answers.contains("Plants"), "{answers}");
    assert!(answers.contains("Agreed"), "{answers}");

    // An answered question can be left out, and not be replaced.
    page.open(&format!("/o/e/{concert}/questions")).await;
    page.wait("#field-question1-kind:disabled").await;
    page.click("@question:nth-child(2) @question-remove").await;
    page.click("@questions-save").await;
    page.wait("@questions-retired").await;
    assert_no_faults(&page, "a question that is asked no more").await;
    app.assert_audit_is_clean();
    page.end().await;
}

/// Where the wording of their consent is unknown, they are asked by the form that was sent.
#[tokio::test]
async fn a_consent_to_a_changed_wording_is_requested_again() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = app.create(5);
    let ask = |wording: &str| {
        let question =
            json!({"key": "terms", "kind": "consent", "wording": wording, "required": true});
        let body = json!({"questions": [question]});
        done(&app.post(&format!("/events/{concert}/questions"), &body), 200);
    };
    ask("One.");
    let body = json!({"user_email": "grace@example.org", "answers": {"terms": 1}});
    done(&app.post(&format!("/events/{concert}/register"), &body), 201);
    page.open(&format!("/e/{concert}")).await;
    page.fill("user_email", "ada@example.org").await;
    page.click("[name='answers/terms']").await;
    ask("Two.");
    page.click("@register").await;
    page.outcome("invalid").await;
    page.wait("[name='answers/terms'][value='2']:not(:checked)").await;
    assert_eq!(event(app, &concert)["booked_count"], 1);
    page.click("[name='answers/terms']").await;
    page.click("@register").await;
    page.outcome("registered").await;
    page.end().await;
}

#[tokio::test]
async fn a_copy_is_a_draft_that_can_be_edited() {
    let page = Page::start().await;
    let app = &page.app;
    let body = json!({"name": "Jazz", "venue": "Cellar", "capacity": 7, "timezone": "Europe/Berlin",
        "starts_at": "2027-05-01T18:00:00Z", "ends_at": "2027-05-01T20:00:00Z"});
    let concert = done(&app.post("/events", &body), 201);
    page.open(&format!("/o/e/{}/desk", id(&concert))).await;
    page.click("@desk-copy summary").await;
    page.fill("copy_name", "Jazz again").await;
    page.choose("copy_starts_at", "2027-06-01T20:00").await;
    assert_no_faults(&page, "a form for a copy").await;
    page.click("@copy-event").await;
    page.wait("@edit-form").await;
    assert_eq!(page.value("name").await, "Jazz again");
    let copy = page.js("return location.pathname.split('/')[3]").await;
    let copy = event(app, copy.as_str().expect("an id"));
    assert_eq!((&copy["status"], &copy["venue"]), (&json!("draft"), &json!("Cellar")));
    assert_eq!(
        (&copy["starts_at"], &copy["ends_at"]),
        (&json!("2027-06-01T18:00:00Z"), &json!("2027-06-01T20:00:00Z"))
    );
    page.end().await;
}

#[tokio::test]
async fn webhooks_are_sent_and_their_log_is_shown() {
    let page = Page::start().await;
    page.open("/o/webhooks").await;
    page.wait("@webhook-form").await;
    page.click("@webhook-add").await;
    page.assert_refused("url", "Enter an address.").await;
    page.fill("url", "https://hooks.example.org/booking").await;
    page.click("@webhook-add").await;
    page.wait("@webhook-secret-made h3:focus").await;
    assert!(page.text("@webhook-secret-made code").await.starts_with("whsec_"));
    assert_eq!(page.text("@webhook-url").await, "https://hooks.example.org/booking");
    page.wait("@webhook-state[data-state=on]").await;
    page.click("@webhook-toggle").await;
    page.wait("@webhook-state[data-state=off]").await;
    page.click("@webhook-deliveries summary").await;
    assert_no_faults(&page, "webhooks").await;
    page.reload().await;
    page.wait("@webhook-state[data-state=off]").await;
    page.click("@webhook-remove").await;
    page.click("@webhook-remove-yes").await;
    page.wait_until_gone("@webhook").await;
    assert_eq!(page.app.get("/webhooks").json(), json!([]));
    page.end().await;
}

#[tokio::test]
async fn a_walk_in_is_registered_and_admitted_at_the_door() {
    let page = Page::start().await;
    let app = &page.app;
    let body = json!({"name": "Jazz", "capacity": 1, "closes_at": "2026-01-01T00:00:00Z"});
    let concert = done(&app.post("/events", &body), 201);
    let concert = id(&concert);
    page.open(&format!("/o/e/{concert}/door")).await;
    page.click("@door-walk-in summary").await;
    page.fill("walk-in-user_email", "ada@example.org").await;
    page.fill("walk-in-name", "Ada").await;
    assert_no_faults(&page, "somebody at the door").await;
    page.click("@walk-in-submit").await;
    page.outcome("saved").await;
    let counts = app.get(&format!("/events/{concert}/counts")).json();
    assert_eq!((&counts["confirmed"], &counts["checked_in"]), (&json!(1), &json!(1)));
    page.fill("walk-in-user_email", "grace@example.org").await;
    page.click("@walk-in-submit").await;
    page.outcome("sold_out").await;
    app.assert_audit_is_clean();
    page.end().await;
}

/// 300 events of a year, of which one is of another kind.
fn a_year(app: &App) -> Value {
    for number in 0..299 {
        let (month, day) = (number % 12 + 1, number % 28 + 1);
        let body = json!({"name": format!("Concert {number}"), "venue": "Hall", "capacity": 9,
            "starts_at": format!("2098-{month:02}-{day:02}T18:00:00Z")});
        done(&app.post("/events", &body), 201);
    }
    let body = json!({"name": "Über die Brücke", "venue": "Mühle", "capacity": 9,
        "starts_at": "2099-03-14T18:00:00Z"});
    done(&app.post("/events", &body), 201)
}

#[tokio::test]
async fn an_event_is_found_by_a_part_of_its_name_and_by_its_day() {
    let page = Page::start().await;
    let bridge = a_year(&page.app);
    let body = json!({"name": "Long ago", "capacity": 9, "starts_at": "2020-03-14T18:00:00Z"});
    done(&page.app.post("/events", &body), 201);
    page.open("/").await;
    page.wait("#field-events_q").await;
    page.wait("@event-list").await;
    page.tab_to("#field-events_q").await;
    page.press("bruck").await;
    let found = format!("@events-found [data-event-id='{}']", id(&bridge));
    page.wait(&found).await;
    assert_eq!(page.text("@event-search-status").await, "1 event");
    assert!(!page.is_shown("@event-list").await);
    assert_no_faults(&page, "an event that was found").await;
    // To be transferred, and there again when the page is reloaded.
    page.reload().await;
    page.wait(&found).await;
    assert_eq!(page.value("events_q").await, "bruck");
    page.tab_to(&format!("{found} a")).await;
    page.enter("").await;
    page.wait("h1@event-name:focus").await;
    assert_eq!(page.text("h1").await, "Über die Brücke");
    page.tab_to(".back").await;
    page.enter("").await;
    page.wait(&found).await;

    page.fill("events_q", "nowhere").await;
    page.until("return document.querySelector('[data-testid=event-search-status]').textContent === 'No events found.'").await;
    page.choose("events_q", "").await;
    page.wait("@event-list").await;
    page.until("return location.search === ''").await;
    page.click("@event-filters summary").await;
    page.choose("events_from", "2099-01-01").await;
    page.wait(&found).await;
    page.choose("events_from", "").await;
    page.choose("events_when", "past").await;
    page.until("return document.querySelector('[data-testid=events-found]').textContent.includes('Long ago')").await;
    assert_no_faults(&page, "what is over").await;
    page.end().await;
}
