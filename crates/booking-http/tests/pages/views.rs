//! The pages of every server: the list, an event, the form for a new one, and no such page.

use crate::axe::assert_no_faults;
use crate::common::{Data, start_on};
use crate::harness::Page;
use booking_testkit::free_port;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use serde_json::{Value, json};

#[tokio::test]
async fn with_a_mouse_an_event_is_created_and_sold_out() {
    let page = Page::start().await;
    assert!(page.text("@empty").await.starts_with("No events yet"));
    page.click("@empty a").await;
    page.create("Evening of jazz", "Doors open at 7.", "2").await;
    assert_eq!(page.text("h1@event-name").await, "Evening of jazz");
    page.meter(0, 2).await;
    page.register("Ada@example.org", "registered").await;
    assert_eq!(page.text("@registered-email").await, "ada@example.org");
    assert_eq!(page.text("@registration-id").await.len(), 36);
    assert_eq!(page.text("@place strong").await, "1");
    page.meter(1, 2).await;

    page.register_another().await;
    page.register("ada@example.org", "already_registered").await;
    page.register("grace@example.org", "registered").await;
    page.meter(2, 2).await;
    page.register_another().await;
    page.register("late@example.org", "sold_out").await;

    page.click("@registrations summary").await;
    assert!(page.text("@registration").await.starts_with("ada@example.org"));
    assert!(page.text("@registration + @registration").await.starts_with("grace@example.org"));
    page.click("nav [data-route=list]").await;
    page.wait("@event-card").await;
    page.meter(2, 2).await;
    page.app.assert_audit_is_clean();
    page.end().await;
}

#[tokio::test]
async fn with_a_keyboard_an_event_is_created_and_sold_out() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    page.wait("@empty").await;
    page.tab_to(".skip-link").await;
    page.enter("").await;
    page.wait("main:focus").await;
    page.tab_to("@empty a").await;
    page.enter("").await;
    // The focus follows into each new view, or a keyboard would start over at the top every time.
    page.wait("h1#create-title:focus").await;
    page.tab_to("#field-name").await;
    page.press("Chess night").await;
    page.tab_to("#field-capacity").await;
    page.press("1").await;
    page.tab_to("@create-form button").await;
    page.press(&Key::Space).await;

    page.wait("h1@event-name:focus").await;
    page.meter(0, 1).await;
    page.tab_to("#field-user_email").await;
    page.enter("ada@example.org").await;
    page.outcome("registered").await;
    page.meter(1, 1).await;
    // The result has replaced the form, and has the focus.
    page.wait("@outcome h2:focus").await;
    assert!(!page.is_shown("@register-form").await);
    page.tab_to("@register-another").await;
    page.enter("").await;
    page.wait("#field-user_email:focus").await;
    page.enter("ada@example.org").await;
    page.outcome("already_registered").await;
    page.press(&Key::Backspace.repeat("ada@example.org".len())).await;
    page.enter("late@example.org").await;
    page.outcome("sold_out").await;
    page.tab_to("@registrations summary").await;
    page.enter("").await;
    assert!(page.text("@registration").await.starts_with("ada@example.org"));
    page.end().await;
}

#[tokio::test]
async fn changes_by_others_are_shown_without_a_reload() {
    let page = Page::start().await;
    let event = page.app.create(30);
    page.open(&format!("/#/events/{event}")).await;
    page.meter(0, 30).await;
    page.js("window.isSameDocument = true").await;
    assert_eq!(page.app.register(&event, "ada@example.org").status, 201);
    page.meter(1, 30).await;

    page.click("nav [data-route=list]").await;
    page.wait("@event-card").await;
    page.meter(1, 30).await;
    assert_eq!(page.app.register(&event, "grace@example.org").status, 201);
    page.meter(2, 30).await;
    let newer = page.app.create(5);
    page.wait(&format!("[data-event-id='{newer}'] + [data-event-id='{event}']")).await;
    assert_eq!(page.js("return window.isSameDocument").await, true);
    page.end().await;
}

#[tokio::test]
async fn errors_are_shown_beside_their_field() {
    let page = Page::start().await;
    page.open("/#/new").await;
    page.click("@create-form button").await;
    page.outcome("invalid").await;
    page.assert_refused("name", "Give the event a name.").await;
    page.assert_refused("capacity", "Give the seats as a whole number, such as 40.").await;
    page.wait("#field-name:focus").await;
    // Errors that only the server finds are shown in the same places.
    page.create("A meeting of nobody", "", "0").await;
    page.wait("#field-name:not([aria-invalid])").await;
    page.wait("#field-capacity:focus").await;
    page.assert_refused("capacity", "Must be a whole number from 1 to 100000.").await;
    assert_eq!(page.app.get("/events").json(), json!([]));

    let event = page.app.create(1);
    page.open(&format!("/#/events/{event}")).await;
    page.register("not an address", "invalid").await;
    page.wait("#field-user_email:focus").await;
    page.assert_refused("user_email", "Must be an e-mail address such as name@example.org.").await;
    let registrations = format!("/events/{event}/registrations");
    assert_eq!(page.app.get(&registrations).json(), json!([]));
    page.register("ada@example.org", "registered").await;
    page.wait("#field-user_email:not([aria-invalid])").await;
    page.end().await;
}

#[tokio::test]
async fn typed_html_is_escaped() {
    const HOSTILE: &str = "<img src=x onerror=alert(ran=1)><script>ran=1</script>&lt;";
    let page = Page::start().await;
    page.open("/#/new").await;
    page.create(HOSTILE, HOSTILE, "3").await;
    assert_eq!(page.text("h1@event-name").await, HOSTILE);
    assert_eq!(page.text("@event .description").await, HOSTILE);
    assert_eq!(page.client.title().await.expect("a title"), format!("{HOSTILE} · Booking"));
    page.open("/#/").await;
    assert_eq!(page.text("@event-card @event-name").await, HOSTILE);
    let made = "return [document.querySelectorAll('main :is(img, script)').length, window.ran]";
    assert_eq!(page.js(made).await, json!([0, null]));
    let dialog = page.client.get_alert_text().await;
    assert!(dialog.as_ref().is_err_and(CmdError::is_no_such_alert), "{dialog:?}");
    page.end().await;
}

#[tokio::test]
async fn an_outage_of_the_server_and_its_end_are_shown() {
    let port = free_port().to_string();
    let mut page = Page::start_set(&[("PORT", &port)]).await;
    let event = page.app.create(3);
    page.open(&format!("/#/events/{event}")).await;
    page.meter(0, 3).await;
    page.app.server.kill9();
    let band = page.text("@offline").await;
    assert!(band.starts_with("Offline — last updated "), "{band}");
    // The known state stays in sight, and unknown state is not made up.
    page.meter(0, 3).await;
    page.register("ada@example.org", "unknown").await;

    page.app.server = start_on(&page.app.data, &[("PORT", &port)]);
    page.wait("body:not(:has(@offline))").await;
    page.click("@outcome button").await;
    page.outcome("registered").await;
    page.meter(1, 3).await;
    page.end().await;
}

#[tokio::test]
async fn a_narrow_phone_never_scrolls_sideways() {
    let phone = json!({"deviceMetrics": {"width": 320, "height": 640, "pixelRatio": 2.0}});
    let page = Page::start_with(Data::sqlite(), json!({"mobileEmulation": phone})).await;
    // Not compared to `innerWidth`: a phone zooms out, and grows that, when something is too wide.
    let assert_fits = async |view: &str| {
        assert_eq!(page.js("return document.documentElement.scrollWidth").await, 320, "{view}");
    };
    page.wait("@empty").await;
    assert_fits("no events").await;
    let long = "Donaudampfschifffahrtsgesellschaft".repeat(5);
    let body = json!({"name": long, "description": long.repeat(5), "capacity": 100_000});
    let event = page.app.post("/events", &body).json();
    page.wait("@event-card").await;
    assert_fits("the list").await;
    page.open("/#/new").await;
    page.click("@create-form button").await;
    page.outcome("invalid").await;
    assert_fits("the form").await;
    page.open(&format!("/#/events/{}", event["id"].as_str().expect("an id"))).await;
    page.register(&format!("{}@example.org", "a".repeat(60)), "registered").await;
    page.click("@registrations summary").await;
    page.wait("@registration").await;
    assert_fits("the event").await;
    page.end().await;
}

#[tokio::test]
async fn an_unknown_address_is_explained() {
    let page = Page::start().await;
    for (view, title) in [
        ("events/00000000-0000-7000-8000-000000000000", "Event not found"),
        ("events/%3Cb%3E", "Event not found"),
        ("nowhere", "Page not found"),
    ] {
        page.open(&format!("/#/{view}")).await;
        assert_eq!(page.text("@not-found h1").await, title, "{view}");
        page.click("@not-found a").await;
        page.wait("@empty").await;
    }
    // The same where the address itself is none, by keyboard: the server says it before any script runs.
    for (path, title) in [
        ("/nowhere", "Page not found"),
        ("/o/none", "Page not found"),
        ("/e/00000000-0000-7000-8000-000000000000", "Event not found"),
        ("/r/00000000-0000-7000-8000-000000000000", "Registration not found"),
    ] {
        page.open(path).await;
        assert_eq!(page.text("@not-found h1").await, title, "{path}");
        assert_no_faults(&page, &format!("what is not there, at {path}")).await;
        page.tab_to("@not-found a").await;
        page.enter("").await;
        page.wait("@empty").await;
    }
    page.open("/r/00000000-0000-7000-8000-000000000000").await;
    assert!(page.text("@not-found").await.contains("may have been cut off"));
    page.click("@not-found p a").await;
    page.wait("@find-form").await;
    // Browsers note down by themselves that nothing was there.
    let complaints = page.complaints().await;
    let is_reported = |entry: &Value| {
        let message = entry["message"].as_str().unwrap_or_default();
        ["/nowhere", "/o/none"]
            .iter()
            .any(|path| message.starts_with(&format!("{}{path}", page.url)))
    };
    assert!(complaints.len() == 2 && complaints.iter().all(is_reported), "{complaints:?}");
    page.end().await;
}

#[tokio::test]
async fn the_pages_keep_to_their_policy() {
    let page = Page::start().await;
    let event = page.app.create(2);
    for path in ["/#/new", &format!("/#/events/{event}"), "/problems", "/"] {
        page.open(path).await;
        page.wait("h1").await;
    }
    assert_eq!(page.complaints().await, Vec::<Value>::new());
    // Were a script injected after all, it would not run; and a report would be logged here.
    let smuggle = "const script = document.createElement('script');
        script.text = 'window.ran = 1';
        return (document.body.append(script), window.ran)";
    assert_eq!(page.js(smuggle).await, Value::Null);
    let complaints = page.complaints().await;
    assert!(complaints.iter().any(|entry| entry["source"] == "security"), "{complaints:?}");
    page.end().await;
}
