//! Correcting the holder of a registration, and a new link for a lost one.

use crate::axe::assert_no_faults;
use crate::common::Data;
use crate::common::acts::{done, event, hold, id, path, private, ticket, token};
use crate::harness::{Browser, Page};
use serde_json::{Value, json};

async fn until_text(browser: &Browser, testid: &str, text: &str) {
    let script = format!(
        "return document.querySelector('[data-testid={testid}]')?.textContent === '{text}'"
    );
    browser.until(&script).await;
}

#[tokio::test]
async fn a_name_is_corrected_by_the_link_s_holder_and_the_ticket_stays_valid() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    let app = &page.app;
    let concert = app.create(2);
    let body = json!({"user_email": "ada@example.org", "name": "Ada Lovelase"});
    let ada = done(&app.post(&format!("/events/{concert}/register"), &body), 201);
    let name = || done(&app.get(&path(&ada)), 200)["name"].clone();
    let before = ticket(app, &ada);
    page.open(&private(&ada)).await;
    page.wait("@ticket-qr:not([hidden])").await;
    page.click("@correct-name summary").await;
    page.wait("#field-correct-name:focus").await;
    assert_eq!(page.value("correct-name").await, "Ada Lovelase");
    page.click("@correct-name-save").await;
    page.outcome("saved").await;
    assert!(page.text("@outcome").await.contains("Nothing to save"));
    page.fill("correct-name", "Ada Lovelace").await;
    page.click("@correct-name-save").await;
    until_text(&page, "registration-name", "Ada Lovelace").await;
    assert!(page.text("@outcome").await.contains("Your ticket and your link are the same"));
    assert_eq!(name(), "Ada Lovelace");
    page.click("@ticket-code summary").await;
    assert_eq!(page.text("@ticket-text").await, before);
    assert_eq!(ticket(app, &ada), before);
    assert_no_faults(&page, "a name that was corrected").await;

    page.choose("correct-name", "\u{200b}").await;
    page.click("@correct-name-save").await;
    let error = "Nothing in this text is visible. Write something, or leave it empty.";
    page.assert_refused("correct-name", error).await;
    page.choose("correct-name", &"é".repeat(201)).await;
    assert_eq!(page.text("@count-correct-name").await, "1 character too many: at most 200");
    page.click("@correct-name-save").await;
    let error = "Must have at most 200 characters, and has 201.";
    page.assert_refused("correct-name", error).await;
    assert_no_faults(&page, "a name that is too long").await;
    assert_eq!(name(), "Ada Lovelace");
    page.fill("correct-name", "").await;
    page.click("@correct-name-save").await;
    until_text(&page, "registration-name", "").await;
    assert_eq!(name(), Value::Null);

    // By the same link as before, and also for a seat that is only held.
    page.reload().await;
    page.click("@history summary").await;
    page.wait("@history-entry[data-kind=corrected]").await;
    let held = done(&hold(app, &concert, "grace@example.org"), 201);
    page.open(&private(&held)).await;
    page.click("@correct-name summary").await;
    page.fill("correct-name", "Grace").await;
    page.click("@correct-name-save").await;
    until_text(&page, "registration-name", "Grace").await;
    page.wait("@registration-status[data-status=held]").await;
    app.assert_audit_is_clean();
    page.end().await;
}

#[tokio::test]
async fn a_transfer_to_the_own_address_is_a_correction() {
    let page = Page::start().await;
    let app = &page.app;
    let ada = done(&app.register(&app.create(1), "ada@example.org"), 201);
    let before = ticket(app, &ada);
    page.open(&private(&ada)).await;
    page.click("@transfer summary").await;
    page.fill("user_email", "ADA@example.org").await;
    page.fill("name", "Ada").await;
    page.click("@transfer-submit").await;
    page.outcome("saved").await;
    assert!(page.text("@outcome").await.contains("still yours"));
    until_text(&page, "registration-name", "Ada").await;
    assert!(page.is_shown("@ticket-qr").await && !page.is_shown("@transfer-done").await);
    assert_eq!(ticket(app, &ada), before);
    page.reload().await;
    page.wait("@registration-status[data-status=confirmed]").await;
    page.end().await;
}

/// The link that is shown, which can be copied.
async fn new_link(page: &Browser) -> String {
    page.wait("@new-link-made h3:focus").await;
    let link = page.attribute("@new-link-made @private-link", "href").await;
    assert_eq!(link.rsplit('#').next().map(str::len), Some(43));
    page.click("@new-link-made @copy-link").await;
    page.until("return document.querySelector('.copy [role=status]').textContent !== ''").await;
    link
}

async fn assert_replaced(page: &Browser, old: &Value, new: &str) {
    page.open(&private(old)).await;
    page.wait("@registration-forbidden").await;
    page.open(new).await;
    page.wait("@registration-status[data-status=confirmed]").await;
    page.wait("@ticket-qr:not([hidden])").await;
}

#[tokio::test]
async fn the_organizer_corrects_an_address_and_makes_a_new_link() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = app.create(3);
    let ada = done(&app.register(&concert, "ada@exmaple.org"), 201);
    let grace = done(&app.register(&concert, "grace@example.org"), 201);
    let [of_ada, of_grace] = [&ada, &grace].map(|one| ticket(app, one));
    let address = format!("/#/events/{concert}");
    page.open(&address).await;
    page.click("@registrations summary").await;
    page.click("@registration:first-child @correct").await;
    page.wait("#field-correct-user_email:focus").await;
    assert_no_faults(&page, "a registration that is being corrected").await;
    // One at a time: a screen reader could not tell two such forms apart.
    page.click("@registration:last-child @correct").await;
    page.wait_until_gone("@registration:first-child @correct-form").await;
    assert_eq!(page.value("correct-user_email").await, "grace@example.org");
    page.click("@correct-close").await;
    page.wait("@registration:last-child @correct:focus").await;
    page.click("@registration:first-child @correct").await;
    page.fill("correct-user_email", "grace@example.org").await;
    page.click("@correct-save").await;
    page.outcome("already_registered").await;
    page.fill("correct-user_email", "").await;
    page.click("@correct-save").await;
    page.assert_refused("correct-user_email", "Enter their e-mail address.").await;
    page.fill("correct-user_email", "ada@example.org").await;
    page.fill("correct-name", "Ada").await;
    page.click("@correct-save").await;
    let link = new_link(&page).await;
    assert_no_faults(&page, "an address that was corrected").await;
    let now = done(&app.get(&path(&ada)), 200);
    assert_eq!((&now["user_email"], &now["name"]), (&json!("ada@example.org"), &json!("Ada")));
    assert_eq!(page.text("@registration:first-child @person-name").await, "Ada");
    assert_eq!(page.text("@registration:first-child @person-email").await, "ada@example.org");
    // It is shown until the organizer leaves the page, whatever happens meanwhile.
    done(&app.register(&concert, "late@example.org"), 201);
    page.wait("@registration:nth-child(3)").await;
    assert!(page.is_shown("@new-link-made").await);
    assert_replaced(&page, &ada, &link).await;
    assert_eq!(ticket(app, &ada), of_ada, "it stays good");
    page.open(&address).await;
    page.click("@registrations summary").await;
    page.wait("@registration").await;
    assert!(!page.is_shown("@new-link-made").await, "it was shown once");

    // The name alone leaves the link as it is.
    let of_second = "@registration:nth-child(2)";
    page.click(&format!("{of_second} @correct")).await;
    page.fill("correct-name", "Grace").await;
    page.click("@correct-save").await;
    page.wait(&format!("{of_second} @corrected")).await;
    assert!(!page.is_shown("@new-link-made").await);
    // Not by accident: the focus is on the harmless answer.
    page.click(&format!("{of_second} @new-link")).await;
    page.wait("@new-link-no:focus").await;
    assert_no_faults(&page, "whether to make a new link").await;
    page.enter("").await;
    page.wait(&format!("{of_second} @new-link:focus")).await;
    let now = done(&app.ask_as(token(&grace), "GET", &path(&grace), &Value::Null), 200);
    assert_eq!(now["name"], "Grace", "their link is good");
    page.click(&format!("{of_second} @new-link")).await;
    page.click(&format!("{of_second} @new-link-yes")).await;
    let link = new_link(&page).await;
    assert_no_faults(&page, "a new link").await;
    assert_replaced(&page, &grace, &link).await;
    assert_eq!(ticket(app, &grace), of_grace, "it stays good");
    assert_eq!(event(app, &concert)["booked_count"], 3);
    app.assert_audit_is_clean();
    page.end().await;
}

/// Answers every write with this refusal.
async fn refuse_writes(page: &Browser, status: u16, code: &str) {
    let script = format!(
        "const asked = window.fetchAsBefore ??= window.fetch;
        window.fetch = async (path, init) => {{
            if ((init?.method ?? 'GET') === 'GET') return asked(path, init);
            const body = {{status: {status}, code: '{code}', title: 'No', detail: 'no'}};
            const headers = {{'Content-Type': 'application/problem+json'}};
            return new Response(JSON.stringify(body), {{status: {status}, headers}});
        }};"
    );
    page.js(&script).await;
}

#[tokio::test]
async fn the_pages_have_words_for_refusals_of_their_own_kind() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = app.create(2);
    let ada = done(&app.register(&concert, "ada@example.org"), 201);
    page.open(&format!("/#/events/{concert}")).await;
    page.wait("@register-form").await;
    refuse_writes(&page, 403, "cross_site").await;
    page.register("grace@example.org", "error").await;
    let shown = page.text("@outcome").await;
    assert!(
        shown.contains("Taken for another website") && shown.contains("Nothing was booked"),
        "{shown}"
    );
    assert_eq!(page.attribute("@outcome a", "href").await, "/problems#cross_site");
    page.click("@registrations summary").await;
    page.click("@new-link").await;
    page.click("@new-link-yes").await;
    page.until(
        "const error = document.querySelector('[data-testid=new-link-error]');
        return error.textContent.includes('changes from its own pages alone')",
    )
    .await;

    page.open(&private(&ada)).await;
    page.click("@correct-name summary").await;
    refuse_writes(&page, 409, "not_correctable").await;
    page.fill("correct-name", "Ada").await;
    page.click("@correct-name-save").await;
    page.outcome("error").await;
    assert!(page.text("@outcome").await.contains("too late to correct"));
    refuse_writes(&page, 409, "closed").await;
    page.click("@correct-name-save").await;
    page.outcome("closed").await;
    for code in ["cross_site", "not_correctable"] {
        page.open(&format!("/problems#{code}")).await;
        assert_eq!(page.text(&format!("#{code} h2")).await, code);
    }
    page.end().await;
}

#[tokio::test]
async fn an_event_that_conceals_registrations_says_where_they_are_shown() {
    let page = Page::start().await;
    let app = &page.app;
    let body = json!({
        "name": "Jazz", "capacity": 1, "waitlist_enabled": false, "conceal_registered": true,
    });
    let made = done(&app.post("/events", &body), 201);
    let concert = id(&made);
    done(&app.register(concert, "ada@example.org"), 201);
    page.open(&format!("/#/events/{concert}")).await;
    for email in ["ada@example.org", "grace@example.org"] {
        page.register(email, "sold_out").await;
        let shown = page.text("@outcome").await;
        assert!(
            shown.contains("If you are registered already, your private link shows it"),
            "{shown}"
        );
    }
    page.open(&format!("/#/events/{concert}/edit")).await;
    page.click("@more-fields summary").await;
    page.click("#field-conceal_registered").await;
    page.click("@edit-save").await;
    page.outcome("saved").await;
    assert_eq!(event(app, concert)["conceal_registered"], false);
    page.open(&format!("/#/events/{concert}")).await;
    page.register("ada@example.org", "already_registered").await;
    page.end().await;
}
