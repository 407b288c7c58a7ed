//! Whole ways, from the first page to the last, with the keyboard alone.

use crate::axe::assert_no_faults;
use crate::common::acts::{done, event, id, path};
use crate::common::mails::{links_in, mails_in};
use crate::common::{App, http};
use crate::harness::{LOOK_EVERY, Page, WITHIN};
use fantoccini::key::Key;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

/// The links in all mails of this folder, once there are more than so many. They are the same in each mail, as long
/// as no new ones are made.
async fn links_beyond(folder: &Path, count: usize) -> Vec<(String, String)> {
    let began = Instant::now();
    loop {
        let mails = mails_in(folder);
        let links: Vec<_> = mails.iter().flat_map(|mail| links_in(mail)).collect();
        if links.len() > count {
            return links;
        }
        assert!(began.elapsed() < WITHIN, "there is no mail with another link");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// An event that asks two things.
fn put_up(app: &App) -> String {
    let concert = app.create(5);
    let questions = json!({"questions": [
        {"key": "diet", "kind": "choice", "wording": "What do you eat?", "required": true,
            "options": [{"key": "all", "label": "Everything"}, {"key": "plants", "label": "Plants"}]},
        {"key": "terms", "kind": "consent", "wording": "I agree.", "required": true},
    ]});
    done(&app.post(&format!("/events/{concert}/questions"), &questions), 200);
    concert
}

#[tokio::test]
async fn a_seat_is_taken_lost_recovered_printed_transferred_and_cancelled() {
    let folder = tempfile::tempdir().expect("a folder");
    let mail_url = format!("file://{}", folder.path().display());
    let page = Page::start_set(&[
        ("MAIL_URL", mail_url.as_str()),
        ("MAIL_FROM", "desk@booking.example"),
        ("BASE_URL", "https://booking.example"),
    ])
    .await;
    let app = &page.app;
    let concert = put_up(app);
    page.open(&format!("/e/{concert}")).await;
    page.wait("@questions:not([hidden]) select").await;
    page.tab_to("#field-user_email").await;
    page.press("ada@example.org").await;
    page.tab_to("[name='answers/diet']").await;
    // As lists are chosen from: by how it begins.
    page.press("P").await;
    page.tab_to("[name='answers/terms']").await;
    page.press(&Key::Space).await;
    page.tab_to("@register").await;
    page.enter("").await;
    page.outcome("registered").await;
    page.wait("@outcome h2:focus").await;
    let ada = json!({"id": page.text("@registration-id").await});
    let answers = done(&app.get(&path(&ada)), 200)["answers"].clone();
    assert_eq!(answers, json!({"diet": "plants", "terms": 1}));

    // The page is closed, and the mail is lost.
    let lost = links_beyond(folder.path(), 0).await;
    page.open("/find").await;
    page.tab_to("#field-user_email").await;
    page.enter("ada@example.org").await;
    page.outcome("asked").await;
    assert_no_faults(&page, "a link that was asked for").await;
    let mut links = links_beyond(folder.path(), lost.len()).await;
    let (registration, token) = links.pop().expect("there are some");
    assert_eq!(registration, id(&ada));
    page.open(&format!("/r/{registration}#{token}")).await;
    page.wait("@ticket-qr:not([hidden])").await;
    page.js("window.print = () => { window.isPrinted = true; }").await;
    page.tab_to("@ticket-print").await;
    page.enter("").await;
    page.until("return window.isPrinted === true").await;

    page.tab_to("@transfer summary").await;
    page.enter("").await;
    page.tab_to("@transfer-form #field-user_email").await;
    page.enter("grace@example.org").await;
    // One Enter too many gives the harmless answer.
    page.wait("@transfer-confirm-no:focus").await;
    page.tab_back().await;
    page.wait("@transfer-confirm-yes:focus").await;
    page.enter("").await;
    page.wait("@transfer-done h3:focus").await;
    page.tab_to("@transfer-done @private-link").await;
    page.enter("").await;
    page.until("return document.querySelector('[data-testid=registration-email]')?.textContent === 'grace@example.org'")
        .await;
    page.tab_to("@cancel-registration").await;
    page.enter("").await;
    page.wait("@cancel-registration-no:focus").await;
    page.tab_back().await;
    page.wait("@cancel-registration-yes:focus").await;
    page.enter("").await;
    page.wait("@registration-status[data-status=cancelled]").await;
    assert_eq!(event(app, &concert)["booked_count"], 0);
    app.assert_audit_is_clean();
    page.end().await;
}

/// Of 5,000 guests.
#[tokio::test]
async fn one_of_five_thousand_is_found_at_the_desk_and_admitted() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = app.create(5_000);
    let mut people = "user_email,name\n".to_owned();
    for number in 0..5_000 {
        people.push_str(&format!("p{number}@example.org,Person {number}\n"));
    }
    let import = format!("/events/{concert}/registrations/import?apply=true");
    let csv = [("Content-Type", "text/csv")];
    let brought = http::send(app.url(), "POST", &import, &csv, people.as_bytes());
    assert_eq!(done(&brought, 200)["counts"]["registered"], 5_000);
    page.open(&format!("/o/e/{concert}/desk")).await;
    page.wait("@desk-confirmed[data-count='5000']").await;
    page.tab_to("#field-people_q").await;
    page.press("son 4711").await;
    page.until(
        "const rows = [...document.querySelectorAll('[data-testid=registration]')];
        return rows.length === 1 && rows[0].textContent.includes('p4711@example.org')",
    )
    .await;
    page.tab_to("@let-in").await;
    page.enter("").await;
    page.wait("@desk-checked_in[data-count='1']").await;
    page.tab_to("@people-csv").await;
    page.enter("").await;
    page.until(
        "return document.querySelector('[data-testid=people-csv-status]').textContent === 'Downloaded.'",
    )
    .await;
    let inside = app.get(&format!("/events/{concert}/registrations?checked_in=true")).json();
    let inside: Vec<_> =
        inside.as_array().expect("a list").iter().map(|one| &one["name"]).collect();
    assert_eq!(inside, [&Value::from("Person 4711")]);
    page.end().await;
}
