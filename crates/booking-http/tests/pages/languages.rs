//! The pages in another language, and right-to-left texts in them.

use crate::axe::assert_no_faults;
use crate::check_in::{register, scan};
use crate::common::acts::{done, ticket};
use crate::harness::Page;
use serde_json::json;

const EMAIL_WRONG: &str = "Muss eine E-Mail-Adresse sein, zum Beispiel name@example.org.";

#[tokio::test]
async fn a_visitor_chooses_another_language_and_it_is_remembered() {
    let page = Page::start().await;
    let concert = page.app.create(2);
    page.wait("html[lang=en]").await;
    page.open(&format!("/#/events/{concert}")).await;
    page.wait("@register-form").await;
    page.click("@language-de").await;
    page.wait("html[lang=de]").await;
    assert_eq!(page.text("@register").await, "Anmelden");
    assert_eq!(page.text("@seats-text").await, "0 von 2 vergeben");
    let loaded = "return performance.getEntriesByType('resource').map(({name}) => name)
        .filter((name) => name.includes('/i18n/')).map((name) => name.split('/').pop())";
    assert_eq!(page.js(loaded).await, json!(["de.json"]), "of one language alone");
    assert_no_faults(&page, "an event in German").await;

    // The server's texts are in the language of the page, though the browser prefers another.
    page.fill("user_email", "no-at").await;
    page.click("@register-form button").await;
    page.assert_refused("user_email", EMAIL_WRONG).await;
    page.register("ada@example.org", "registered").await;
    assert!(page.text("@outcome").await.contains("Sie sind dabei."));

    // The server knows it, so that no word changes once scripts run.
    page.reload().await;
    page.wait("html[lang=de]").await;
    let came = page
        .js_async("fetch(location.pathname).then((answer) => answer.text()).then(arguments[0])")
        .await;
    assert!(came.as_str().is_some_and(|came| came.contains("<html lang=\"de\"")), "{came}");
    page.open(&format!("/e/{concert}?lang=de")).await;
    page.click("@language-en").await;
    page.wait("html[lang=en]").await;
    assert_eq!(page.text("@register").await, "Register");
    page.end().await;
}

#[tokio::test]
async fn right_to_left_text_does_not_affect_its_surroundings() {
    let page = Page::start().await;
    let body = json!({"name": "ערב ג׳אז", "venue": "המרתף", "capacity": 3, "language": "de"});
    let event = done(&page.app.post("/events", &body), 201);
    let concert = event["id"].as_str().expect("an id");
    let noa = register(&page.app, concert, "noa@example.org", "נועה כהן");
    let code = ticket(&page.app, &noa);

    page.open(&format!("/#/events/{concert}")).await;
    page.wait("h1[data-testid=event-name][lang=de]").await;
    let direction = "return getComputedStyle(document.querySelector('h1')).direction";
    assert_eq!(page.js(direction).await, "rtl");
    assert_no_faults(&page, "an event that is written from right to left").await;

    page.open(&format!("/#/events/{concert}/door")).await;
    page.wait("@door-keys[data-keys=ready]").await;
    scan(&page, &code, 1, "checked_in").await;
    page.wait("@door-person bdi").await;
    // The address stands behind the name, as a whole and in its own direction.
    let parts = "return [...document.querySelectorAll('[data-testid=door-person] bdi')].map((one) => one.textContent)";
    assert_eq!(page.js(parts).await, json!(["נועה כהן", "noa@example.org"]));
    page.end().await;
}
