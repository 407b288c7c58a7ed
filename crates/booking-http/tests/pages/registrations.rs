//! A registration, by its private link: the ticket, the transfer, and who sees the link.

use crate::axe::assert_no_faults;
use crate::common::acts::{done, event, id, path, private, ticket};
use crate::common::{App, Data, http};
use crate::harness::{Browser, Page};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

#[tokio::test]
async fn a_private_link_shows_the_ticket_and_what_happened() {
    let page = Page::start().await;
    let body = json!({
        "name": "Evening of jazz", "capacity": 3, "venue": "The cellar",
        "starts_at": "2027-05-01T18:00:00Z", "timezone": "Europe/Berlin",
    });
    let concert = id(&done(&page.app.post("/events", &body), 201)).to_owned();
    page.open(&format!("/#/events/{concert}")).await;
    page.fill("name", "Ada Lovelace").await;
    page.fill("user_email", "ada@example.org").await;
    page.click("@hold-start").await;
    page.click("@hold-confirm").await;
    page.outcome("registered").await;
    let number = page.text("@registration-id").await;
    page.click("@private-link").await;

    page.wait("@registration-page").await;
    page.wait("@registration-status[data-status=confirmed]").await;
    assert_eq!(page.text("@registration-event").await, "Evening of jazz");
    assert_eq!(page.text("@registration-name").await, "Ada Lovelace");
    assert_eq!(page.text("@registration-email").await, "ada@example.org");
    assert_eq!(page.text("@registration-page @event-venue").await, "The cellar");
    page.wait("@ticket-qr:not([hidden])").await;
    // An image that was not decoded has no size of its own.
    page.until(
        "const image = document.querySelector('[data-testid=ticket-qr]');
        return image.complete && image.naturalWidth > 0 && image.clientWidth >= 200",
    )
    .await;
    let registration = json!({"id": number});
    page.click("@ticket-code summary").await;
    assert_eq!(page.text("@ticket-text").await, ticket(&page.app, &registration));
    page.click("@ticket-copy").await;
    page.until("return document.querySelector('.ticket-code [role=status]').textContent !== ''")
        .await;
    page.click("@history summary").await;
    page.wait("@history-entry[data-kind=held] + @history-entry[data-kind=confirmed]").await;

    // At the door: the page says so, and hides actions that are of no use any more.
    let scan = json!({"ticket": ticket(&page.app, &registration)});
    done(&page.app.post(&format!("/events/{concert}/check-ins"), &scan), 201);
    page.wait("@history-entry[data-kind=checked_in]").await;
    assert!(page.text("h1").await.contains("checked in"));
    assert!(!page.is_shown("@cancel-registration").await && !page.is_shown("@transfer").await);
    page.end().await;
}

#[tokio::test]
async fn a_transferred_registration_has_a_new_link_and_the_old_is_dead() {
    let page = Page::start().await;
    let concert = page.app.create(2);
    let ada = done(&page.app.register(&concert, "ada@example.org"), 201);
    done(&page.app.register(&concert, "taken@example.org"), 201);
    let old = ticket(&page.app, &ada);
    page.open(&private(&ada)).await;
    page.click("@transfer summary").await;
    page.click("@transfer-submit").await;
    page.assert_refused("user_email", "Enter their e-mail address.").await;
    page.fill("user_email", "taken@example.org").await;
    page.click("@transfer-submit").await;
    page.click("@transfer-confirm-yes").await;
    page.outcome("already_registered").await;
    page.fill("user_email", "grace@example.org").await;
    page.fill("name", "Grace").await;
    page.click("@transfer-submit").await;
    // Not by accident: the focus is on the harmless answer.
    page.wait("@transfer-confirm-no:focus").await;
    assert!(page.text("@transfer-confirm").await.contains("grace@example.org"));
    assert_no_faults(&page, "whether to pass a seat on").await;
    page.enter("").await;
    page.wait("@transfer-submit:focus").await;
    assert_eq!(done(&page.app.get(&path(&ada)), 200)["user_email"], "ada@example.org");
    page.click("@transfer-submit").await;
    page.click("@transfer-confirm-yes").await;
    page.wait("@transfer-done h3:focus").await;
    page.wait("@registration-status[data-status=passed_on]").await;
    for part in ["@ticket", "@history", "@registration-email", "@cancel-registration"] {
        page.wait_until_gone(part).await;
    }
    let link = page.attribute("@transfer-done @private-link", "href").await;
    let new_token = link.rsplit('#').next().expect("a token");
    assert_eq!(new_token.len(), 43);

    page.reload().await;
    page.wait("@registration-forbidden h1").await;
    assert!(!page.text("main").await.contains("grace"), "nothing of the new owner is shown");
    page.open(&link).await;
    page.wait("@registration-status[data-status=confirmed]").await;
    assert_eq!(page.text("@registration-email").await, "grace@example.org");
    page.wait("@ticket-qr:not([hidden])").await;
    page.click("@ticket-code summary").await;
    let new = page.text("@ticket-text").await;
    assert!(new.len() == 146 && new != old, "{new}");
    page.click("@history summary").await;
    page.wait("@history-entry[data-kind=transferred]").await;
    page.open(&private(&ada)).await;
    page.wait("@registration-forbidden").await;
    assert_eq!(event(&page.app, &concert)["booked_count"], 2);
    page.end().await;
}

#[tokio::test]
async fn a_truncated_link_is_explained() {
    let page = Page::start().await;
    let concert = page.app.create(1);
    let ada = done(&page.app.register(&concert, "ada@example.org"), 201);
    let link = private(&ada);
    page.open(&link[..link.len() - 1]).await;
    page.wait("@registration-forbidden").await;
    page.open("/#/registrations/00000000-0000-7000-8000-000000000000/x").await;
    page.wait("@not-found, @registration-forbidden").await;
    page.end().await;
}

/// Forwards the bytes of a browser and of the server, and records every byte that left the browser.
struct RecordingProxy {
    url: String,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl RecordingProxy {
    fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (sent, server) = (Arc::default(), server.to_owned());
        let proxy = Self { url, sent: Arc::clone(&sent) };
        // It ends with the tests: it is not waited for.
        thread::spawn(move || {
            for browser in listener.incoming().map_while(Result::ok) {
                let server = http::connect(&server);
                server.set_read_timeout(None).expect("it can be set");
                let (answers, back) = (server.try_clone(), browser.try_clone());
                let sent = Arc::clone(&sent);
                thread::spawn(move || pass(browser, server, Some(&sent)));
                thread::spawn(move || pass(answers.expect("a copy"), back.expect("a copy"), None));
            }
        });
        proxy
    }

    fn sent(&self) -> String {
        String::from_utf8_lossy(&self.sent.lock().expect("nobody panicked")).into_owned()
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, sent: Option<&Mutex<Vec<u8>>>) {
    let mut buffer = [0; 16_384];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if let Some(sent) = sent {
            sent.lock().expect("nobody panicked").extend_from_slice(&buffer[..length]);
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

#[tokio::test]
async fn the_token_of_a_link_is_only_ever_in_one_header() {
    let mut app = App::start(Data::sqlite());
    let concert = app.create(2);
    let ada = done(&app.register(&concert, "ada@example.org"), 201);
    let proxy = RecordingProxy::to(app.url());
    let browser = Browser::start(&proxy.url).await;
    let link = private(&ada);
    browser.open(&link).await;
    browser.wait("@ticket-qr:not([hidden])").await;
    browser.click("@history summary").await;
    browser.wait("@history-entry").await;
    browser.reload().await;
    browser.wait("@ticket-qr:not([hidden])").await;
    // To every page that can be reached from there: which referrer is sent?
    browser.click("@registration-event").await;
    browser.meter(1, 2).await;
    browser.open("/problems").await;
    browser.wait("h1").await;
    browser.open(&link).await;
    browser.click("@transfer summary").await;
    browser.fill("user_email", "grace@example.org").await;
    browser.click("@transfer-submit").await;
    browser.click("@transfer-confirm-yes").await;
    let new = browser.attribute("@transfer-done @private-link", "href").await;
    browser.click("@transfer-done @private-link").await;
    browser.click("@cancel-registration").await;
    browser.click("@cancel-registration-yes").await;
    browser.wait("@registration-status[data-status=cancelled]").await;
    browser.end().await;

    let sent = proxy.sent();
    let tokens = [&link, &new].map(|link| link.rsplit(['/', '#']).next().expect("a token"));
    for token in tokens {
        assert_eq!(token.len(), 43);
        let with_it: Vec<_> = sent.lines().filter(|line| line.contains(token)).collect();
        assert!(with_it.len() > 2, "the page uses it: {with_it:?}");
        let header = format!("authorization: bearer {}", token.to_lowercase());
        assert!(with_it.iter().all(|line| line.to_lowercase() == header), "{with_it:?}");
    }
    let asked = |line: &&str| line.ends_with(" HTTP/1.1");
    for request in sent.lines().filter(asked).filter(|line| line.contains("/registrations/")) {
        assert!(!request.contains(['?', '#']), "{request}");
    }
    app.server.terminate();
    let log = format!("{}{}", app.server.stdout(), app.server.stderr());
    for line in ["method=GET route=/registrations/{id} ", "route=/registrations/{id}/transfer"] {
        assert!(log.contains(line), "{line} is not in\n{log}");
    }
    for token in tokens {
        assert!(!log.contains(token), "{log}");
    }
}
