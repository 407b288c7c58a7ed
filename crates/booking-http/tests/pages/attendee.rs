//! The attendee's pages: the list by date, the main action, the ticket on paper and offline, and the registrations
//! that are saved on their device.

use crate::axe::assert_no_faults;
use crate::common::acts::{done, give_up, id, private, ticket};
use crate::common::{App, Data, VISIT_BYTES_MAX};
use crate::harness::{Browser, Page};
use crate::over::from_now;
use chrono::TimeDelta;
use serde_json::{Value, json};

fn put_up(app: &App, name: &str, starts_at: Option<TimeDelta>, more: &Value) -> String {
    let mut body = json!({"name": name, "capacity": 10, "timezone": "UTC"});
    if let Some(delta) = starts_at {
        body["starts_at"] = json!(from_now(delta));
    }
    body.as_object_mut().expect("it is one").extend(more.as_object().expect("one too").clone());
    id(&done(&app.post("/events", &body), 201)).to_owned()
}

/// The headings of the list, each with the names below it.
async fn listed(page: &Browser) -> Value {
    page.js("return [...document.querySelectorAll('.group')].map((group) => [
        group.querySelector('h2').checkVisibility() ? group.querySelector('h2').textContent : null,
        ...[...group.querySelectorAll('[data-testid=event-name]')].map((name) => name.textContent),
    ])")
        .await
}

async fn resize(page: &Browser, width: u32, height: u32) {
    let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
    page.cdp("Emulation.setDeviceMetricsOverride", size).await;
    page.until(&format!("return innerWidth === {width} && innerHeight === {height}")).await;
}

#[tokio::test]
async fn events_are_listed_by_date_and_past_ones_apart() {
    let page = Page::start().await;
    let app = &page.app;
    for name in ["Older", "Newer"] {
        put_up(app, name, None, &json!({}));
    }
    page.wait("@event-card + @event-card").await;
    // A heading over all there is would say nothing.
    assert_eq!(listed(&page).await, json!([[null, "Newer", "Older"]]));

    put_up(app, "In a year", Some(TimeDelta::days(400)), &json!({}));
    put_up(app, "Tomorrow", Some(TimeDelta::hours(25)), &json!({}));
    put_up(app, "Begun", Some(-TimeDelta::hours(2)), &json!({}));
    put_up(app, "Over", Some(-TimeDelta::days(3)), &json!({}));
    put_up(app, "Long over", Some(-TimeDelta::days(30)), &json!({}));
    page.reload().await;
    page.wait("@event-card @event-status[data-status=over]").await;
    page.until("return document.querySelectorAll('[data-testid=event-card]').length === 7").await;
    let mut listed = listed(&page).await;
    // Which month that is depends on the day of the test.
    assert_eq!(listed[2].take()[1], "In a year");
    assert_eq!(
        listed,
        json!([
            ["Today", "Begun"],
            ["In the next 7 days", "Tomorrow"],
            null,
            ["Without a date", "Newer", "Older"],
            ["Past events", "Over", "Long over"],
        ])
    );
    assert_no_faults(&page, "a list by date").await;
    page.end().await;
}

#[tokio::test]
async fn the_accent_marks_events_that_sell_out_and_rows_are_low_on_a_phone() {
    let page = Page::start().await;
    let app = &page.app;
    let words = json!({"description": "Bring a friend. ".repeat(40), "venue": "The cellar"});
    let calm = put_up(app, "Evening of jazz", Some(TimeDelta::days(9)), &words);
    let roomy = put_up(app, "Night of jazz", Some(TimeDelta::days(9)), &json!({"capacity": 1_000}));
    let few = put_up(app, "Jazz", Some(TimeDelta::days(9)), &json!({"capacity": 6}));
    for number in 0..5 {
        done(&app.register(&few, &format!("{number}@example.org")), 201);
    }
    page.reload().await;
    let card = |event: &str| format!("[data-event-id='{event}'] .ticket--few");
    page.wait(&card(&few)).await;
    assert!(!page.is_shown(&card(&calm)).await && !page.is_shown(&card(&roomy)).await);
    resize(&page, 390, 844).await;
    let height = page
        .js("return Math.max(...[...document.querySelectorAll('[data-testid=event-card]')]
            .map((card) => card.getBoundingClientRect().height))")
        .await;
    assert!(height.as_f64().is_some_and(|height| height <= 180.0), "{height}");
    page.end().await;
}

#[tokio::test]
async fn a_visitor_who_returns_to_the_list_finds_the_same_position() {
    let page = Page::start().await;
    for number in 0..30 {
        put_up(&page.app, &format!("Event {number}"), None, &json!({}));
    }
    page.reload().await;
    page.click("@load-more").await;
    page.until("return document.querySelectorAll('[data-testid=event-card]').length === 30").await;
    page.js("window.isSameDocument = true").await;
    page.click("@event-card:last-child a").await;
    page.wait("h1@event-name").await;
    page.click(".back").await;
    page.wait("@event-card:last-child a:focus").await;
    assert_eq!(page.js("return window.isSameDocument && scrollY > 500").await, true);
    page.end().await;
}

#[tokio::test]
async fn the_form_is_on_the_first_screen_and_the_stub_leads_to_it() {
    let page = Page::start().await;
    let more = json!({"venue": "The cellar", "description": "Bring a friend.\n\n".repeat(20)});
    let concert = put_up(&page.app, "Evening of jazz", Some(TimeDelta::days(9)), &more);
    for (width, height) in [(1280, 800), (390, 844)] {
        resize(&page, width, height).await;
        page.open("/#/").await;
        page.open(&format!("/#/events/{concert}")).await;
        page.wait("#field-user_email").await;
        let top = "return document.querySelector('#field-user_email').getBoundingClientRect().top";
        let top = page.js(top).await.as_f64().expect("a number");
        assert!(top < f64::from(height), "the field is at {top} of {height} px");
    }
    // At the foot only while the form is out of sight.
    page.js("scrollTo(0, document.body.scrollHeight)").await;
    page.until("return !document.querySelector('.event-bar').hidden").await;
    assert_no_faults(&page, "an event whose form is out of sight").await;
    resize(&page, 390, 844).await;
    page.js("scrollTo(0, document.body.scrollHeight)").await;
    page.until("return !document.querySelector('.event-bar').hidden").await;
    page.click("@event-action-bar").await;
    page.wait("#field-user_email:focus").await;
    page.until("return document.querySelector('.event-bar').hidden").await;
    resize(&page, 1280, 800).await;
    assert!(!page.is_shown("@event-action-bar").await);
    page.click("@event-action").await;
    page.wait("#field-user_email:focus").await;
    page.enter("ada@example.org").await;
    page.wait("@outcome h2:focus").await;
    assert!(!page.is_shown("@event-action").await && !page.is_shown("@register-form").await);
    page.end().await;
}

#[tokio::test]
async fn past_events_have_no_buttons_and_upcoming_ones_go_into_calendars() {
    let page = Page::start().await;
    let app = &page.app;
    let concert = put_up(app, "Jazz", Some(TimeDelta::days(9)), &json!({}));
    page.open(&format!("/#/events/{concert}")).await;
    for (link, site) in [
        ("@calendar-google", "https://calendar.google.com/"),
        ("@calendar-outlook", "https://outlook.live.com/"),
    ] {
        let address = page.attribute(link, "href").await;
        assert!(address.starts_with(site) && address.contains("Jazz"), "{address}");
    }
    page.click("@copy-event-link").await;
    page.until("return document.querySelector('[data-testid=share-links] [role=status]').textContent !== ''")
        .await;
    let over = put_up(app, "Over", Some(-TimeDelta::days(3)), &json!({}));
    done(&app.post(&format!("/events/{concert}/cancel"), &json!({})), 200);
    for (event, status) in [(concert, "cancelled"), (over, "over")] {
        page.open("/#/").await;
        page.open(&format!("/#/events/{event}")).await;
        page.wait(&format!("@event @event-status[data-status={status}]")).await;
        let offered = [
            "@event-action",
            "@register-form",
            "@add-to-calendar",
            "@share-links",
            "@register-another",
        ];
        for part in offered {
            assert!(!page.is_shown(part).await, "{status}: {part}");
        }
        assert!(!page.text("@event").await.contains("Take a seat"));
    }
    page.end().await;
}

#[tokio::test]
async fn an_address_that_looks_mistyped_is_queried_and_never_refused() {
    let page = Page::start().await;
    let concert = page.app.create(5);
    let addresses = || {
        let list = page.app.get(&format!("/events/{concert}/registrations")).json();
        let list = list.as_array().expect("a list").clone();
        list.into_iter().map(|one| one["user_email"].clone()).collect::<Vec<_>>()
    };
    page.open(&format!("/#/events/{concert}")).await;
    page.fill("user_email", "ada@gmial.com").await;
    page.click("@register").await;
    page.wait("@mail-slip-yes:focus").await;
    assert!(page.text("@mail-slip").await.contains("ada@gmail.com"));
    assert_no_faults(&page, "an address that looks like a slip").await;
    assert_eq!(addresses(), Vec::<Value>::new(), "nothing was sent");
    page.enter("").await;
    page.outcome("registered").await;
    page.register_another().await;
    page.fill("user_email", "grace@gmial.com").await;
    page.click("@register").await;
    page.click("@mail-slip-no").await;
    page.outcome("registered").await;
    assert_eq!(addresses(), ["ada@gmail.com", "grace@gmial.com"]);
    page.end().await;
}

#[tokio::test]
async fn a_ticket_is_there_without_a_network_once_it_was_shown() {
    let mut page = Page::start().await;
    let concert = put_up(&page.app, "Evening of jazz", Some(TimeDelta::days(9)), &json!({}));
    let body = json!({"user_email": "ada@example.org", "name": "Ada Lovelace"});
    let ada = done(&page.app.post(&format!("/events/{concert}/register"), &body), 201);
    let unseen = done(&page.app.register(&concert, "grace@example.org"), 201);
    let gone = done(&page.app.register(&concert, "gone@example.org"), 201);
    let code = ticket(&page.app, &ada);
    page.open(&private(&gone)).await;
    page.wait("@ticket-qr:not([hidden])").await;
    done(&give_up(&page.app, &gone), 200);
    page.wait("@registration-status[data-status=cancelled]").await;
    page.open(&private(&ada)).await;
    page.until("return document.querySelector('[data-testid=registration-email]')?.textContent === 'ada@example.org'")
        .await;
    page.wait("@ticket-qr:not([hidden])").await;
    page.js_async("navigator.serviceWorker.ready.then(() => arguments[0](null))").await;
    page.set_offline(true).await;
    page.app.server.kill9();

    page.reload().await;
    page.wait("@kept-ticket @ticket-qr:not([hidden])").await;
    assert_eq!(page.text("@kept-ticket @registration-name").await, "Ada Lovelace");
    assert_eq!(page.text("@kept-ticket @registration-event").await, "Evening of jazz");
    page.click("@ticket-code summary").await;
    assert_eq!(page.text("@ticket-text").await, code);
    assert_no_faults(&page, "a ticket without a network").await;
    for other in [&unseen, &gone] {
        page.open(&private(other)).await;
        page.wait("@load-error").await;
        assert!(!page.is_shown("@kept-ticket").await, "it was not shown, or is worth nothing");
    }
    let complaints = page.complaints().await;
    assert!(complaints.iter().all(|entry| entry["source"] == "network"), "{complaints:?}");
    page.end().await;
}

#[tokio::test]
async fn a_ticket_is_printed_black_on_white_on_one_sheet() {
    let page = Page::start().await;
    let concert = put_up(&page.app, "Evening of jazz", Some(TimeDelta::days(9)), &json!({}));
    let body = json!({"user_email": "ada@example.org", "name": "Ada Lovelace"});
    let ada = done(&page.app.post(&format!("/events/{concert}/register"), &body), 201);
    page.open(&private(&ada)).await;
    page.wait("@ticket-qr:not([hidden])").await;
    assert!(page.is_shown("@cancel-registration").await, "the negative control");
    // A4 at 96 dpi, with a margin, from a system that likes it dark.
    resize(&page, 718, 1_046).await;
    let features = json!([{"name": "prefers-color-scheme", "value": "dark"}]);
    page.cdp("Emulation.setEmulatedMedia", json!({"media": "print", "features": features})).await;
    page.until("return matchMedia('print').matches").await;
    for remaining in ["@ticket-qr", "@registration-name", "@registration-event", "@event-when"] {
        assert!(page.is_shown(remaining).await, "{remaining}");
    }
    for gone in [
        ".masthead",
        ".footer",
        "h1",
        "@cancel-registration",
        "@history",
        "@ticket-code",
        "#field-keep_on_device",
    ] {
        assert!(!page.is_shown(gone).await, "{gone}");
    }
    let looks = page
        .js("const look = (selector) => getComputedStyle(document.querySelector(selector));
            return [look('html').backgroundColor, look('.ticket__body').backgroundColor,
                look('.ticket__stub').backgroundColor, look('.ticket__body h2').color,
                document.documentElement.scrollHeight <= 1046]")
        .await;
    let white = "rgb(255, 255, 255)";
    assert_eq!(looks, json!([white, white, white, "rgb(0, 0, 0)", true]));
    page.end().await;
}

#[tokio::test]
async fn a_registration_is_saved_on_the_device_only_on_request() {
    let page = Page::start().await;
    let concert = put_up(&page.app, "Evening of jazz", Some(TimeDelta::days(9)), &json!({}));
    page.open(&format!("/#/events/{concert}")).await;
    page.register("ada@example.org", "registered").await;
    assert!(!page.is_shown("footer [data-route=mine]").await, "nobody asked for it");
    assert_eq!(page.js("return localStorage.getItem('registrations')").await, Value::Null);
    page.click("#field-keep_on_device").await;
    assert_no_faults(&page, "a registration that is kept").await;
    page.reload().await;
    page.click("footer [data-route=mine]").await;
    assert_eq!(page.text("@mine a").await, "Evening of jazz");
    assert_no_faults(&page, "what is kept on this device").await;
    page.click("@mine a").await;
    page.wait("@registration-status[data-status=confirmed]").await;
    page.wait("#field-keep_on_device:checked").await;
    page.click("footer [data-route=mine]").await;
    page.click("@forget-one").await;
    page.wait("@forget-mine-no:focus").await;
    page.click("@forget-mine-yes").await;
    page.wait("@mine-none:not([hidden])").await;
    assert!(!page.is_shown("footer [data-route=mine]").await);
    let remaining =
        "return [localStorage.getItem('registrations'), localStorage.getItem('tickets')]";
    assert_eq!(page.js(remaining).await, json!([null, null]));
    page.end().await;
}

#[tokio::test]
async fn a_draft_is_saved_in_its_tab_and_leaving_it_is_confirmed() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    page.wait("@empty").await;
    page.open("/#/new").await;
    page.fill("name", "Evening of jazz").await;
    page.choose("starts_at", "2027-05-01T20:00").await;
    // Where there is room for it.
    resize(&page, 1280, 800).await;
    assert!(page.is_shown("@ticket-preview").await);
    page.click("nav [data-route=list]").await;
    page.wait("@leave-no:focus").await;
    assert_no_faults(&page, "whether to leave a form").await;
    page.click("@leave-no").await;
    page.wait_until_gone("@leave").await;
    assert_eq!(page.value("name").await, "Evening of jazz");
    page.click("nav [data-route=list]").await;
    page.click("@leave-yes").await;
    page.wait("@empty").await;
    page.click("nav [data-route=create]").await;
    page.wait("@draft-notice").await;
    assert_eq!(page.value("name").await, "Evening of jazz");
    page.reload().await;
    assert_eq!(page.value("starts_at").await, "2027-05-01T20:00");
    assert_no_faults(&page, "a form that was begun before").await;
    page.fill("capacity", "3").await;
    page.click("@create-form > button").await;
    page.wait("h1@event-name").await;
    page.open("/#/new").await;
    page.wait("@create-form").await;
    assert_eq!(page.value("name").await, "", "what was sent is not there again");

    let event = page.app.create(2);
    page.open(&format!("/#/events/{event}")).await;
    page.fill("user_email", "ada@example.org").await;
    page.click("nav [data-route=list]").await;
    page.wait("@event-card").await;
    page.open(&format!("/#/events/{event}")).await;
    page.until("return document.querySelector('#field-user_email')?.value === 'ada@example.org'")
        .await;
    page.end().await;
}

/// A late part moves nothing that is there already.
#[tokio::test]
async fn no_element_moves_while_a_page_loads() {
    const WATCH: &str = "window.moved = 0;
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) window.moved += entry.value;
        }).observe({type: 'layout-shift', buffered: true});";
    let page = Page::start().await;
    let more = json!({"venue": "The cellar", "description": "Bring a friend.\n".repeat(9)});
    let concert = put_up(&page.app, "Evening of jazz", Some(TimeDelta::days(9)), &more);
    resize(&page, 390, 844).await;
    for (path, there) in [
        ("/".to_owned(), "@event-card"),
        (format!("/#/events/{concert}"), "#field-user_email"),
        ("/#/new".to_owned(), "@create-form"),
    ] {
        page.open(&path).await;
        page.reload().await;
        page.js(WATCH).await;
        page.wait(there).await;
        // Every other request has been answered by then.
        page.wait("@open-server").await;
        let moved = page.js("return window.moved").await;
        assert!(moved.as_f64().is_some_and(|moved| moved < 0.05), "{path}: {moved}");
    }
    page.end().await;
}

/// In how many requests a page may be all there: on a slow phone each costs.
const VISIT_REQUESTS_MAX: u64 = 12;

#[tokio::test]
async fn a_first_visit_is_small() {
    let page = Page::start().await;
    let more = json!({"venue": "The cellar", "description": "Bring a friend.\n".repeat(9)});
    let concert = put_up(&page.app, "Evening of jazz", Some(TimeDelta::days(9)), &more);
    // The worker that caches the pages for offline use is not there yet on a first visit.
    page.cdp("Network.enable", json!({})).await;
    page.cdp("Network.setBypassServiceWorker", json!({"bypass": true})).await;
    for (path, there) in
        [("/".to_owned(), "@event-card"), (format!("/e/{concert}"), "@register-form")]
    {
        page.open(&path).await;
        page.wait(there).await;
        page.wait("@open-server").await;
        // Later requests are no part of it. A cached response counts with the size that it had when it arrived.
        let visit = page
            .js("const entries = ['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind));
                const names = entries.map(({name}) => name.replace(location.origin, ''));
                const bytes = entries.reduce((sum, {encodedBodySize}) => sum + encodedBodySize, 0);
                const words = names.filter((name) => name.includes('/i18n/')).length;
                return {bytes, requests: new Set(names).size, words, names}")
            .await;
        let number = |name: &str| visit[name].as_u64().expect("a number");
        assert!((1..VISIT_BYTES_MAX as u64).contains(&number("bytes")), "{path}: {visit}");
        assert!((4..VISIT_REQUESTS_MAX).contains(&number("requests")), "{path}: {visit}");
        assert_eq!(number("words"), 1, "what the page loads ahead is taken: {visit}");
    }
    page.end().await;
}
