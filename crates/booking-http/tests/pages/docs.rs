//! The page that shows the description of the API.

use crate::axe::assert_no_faults;
use crate::harness::Page;
use serde_json::Value;

#[tokio::test]
async fn the_page_of_the_api_shows_every_operation() {
    let page = Page::start().await;
    page.open("/docs").await;
    page.wait("@register").await;
    let document = page.app.get("/openapi.json").json();
    let items = document["paths"].as_object().expect("there are paths").values();
    let operations: Vec<&Value> =
        items.flat_map(|item| item.as_object().expect("it has methods").values()).collect();
    let shown = page.js("return document.querySelectorAll('[data-testid^=copy-]').length").await;
    assert_eq!(shown, operations.len());
    for operation in operations {
        let id = operation["operationId"].as_str().expect("it has a name");
        page.wait(&format!("@{id}")).await;
    }

    page.click("@register > summary").await;
    let described = page.text("@register").await;
    for part in [
        "POST /events/{id}/register",
        "Idempotency-Key",
        "sold_out",
        "\"user_email\":\"ada@example.org\"",
        "Retry-After",
        "Registration or ConfirmationSent",
    ] {
        assert!(described.contains(part), "{part} is not in\n{described}");
    }
    // Required parameters of a query are in the example, too.
    page.click("@watch_events > summary").await;
    let described = page.text("@watch_events").await;
    for part in ["/live?events=EVENTS", "event: seats", "\"available\":1"] {
        assert!(described.contains(part), "{part} is not in\n{described}");
    }

    let messages = document["webhooks"].as_object().expect("there are messages");
    for name in messages.keys() {
        page.wait(&format!("[id='message-{name}']")).await;
    }
    page.click("[id='message-registration.held'] > summary").await;
    let described = page.text("[id='message-registration.held']").await;
    for part in ["webhook-signature", "RegistrationMessage", "\"status\": \"held\"", "410"] {
        assert!(described.contains(part), "{part} is not in\n{described}");
    }
    page.click("[id='message-registration.held'] a[href='#schema-RegistrationMessage']").await;
    page.wait("@schema-RegistrationMessage[open]").await;
    let fields = page.text("@schema-RegistrationMessage").await;
    assert!(fields.contains("data.person.user_email"), "{fields}");

    page.click("@register a[href='#schema-Register']").await;
    page.wait("@schema-Register[open]").await;
    assert!(page.text("@schema-Register").await.contains("on_full"));
    assert_no_faults(&page, "the page of the API").await;

    // A link from elsewhere opens its target.
    page.open("/problems").await;
    page.open("/docs#operation-transfer").await;
    page.wait("@transfer[open]").await;
    assert_eq!(page.complaints().await, Vec::<Value>::new());
    page.end().await;
}
