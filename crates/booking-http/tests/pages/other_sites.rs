//! Another website's page, in a real browser: its requests to us are refused.

use crate::common::App;
use crate::common::acts::{done, event, hold, path};
use crate::harness::{Page, WITHIN};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

/// A website of its own, which shows an empty page at any address; the name leads to this machine.
fn website() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // A browser may connect and ask for nothing yet.
            thread::spawn(move || {
                let body = "<!doctype html><title>A prize</title>";
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
                if stream.read(&mut [0; 16_384]).is_ok_and(|length| length > 0) {
                    let length = body.len();
                    let _ = write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}");
                }
            });
        }
    });
    format!("http://attacker.localhost:{port}")
}

/// The requests that a page can have a browser send to another site without a preflight: by script, and by a form.
fn attack(targets: &[String]) -> String {
    let targets = json!(targets);
    format!(
        "const done = arguments[0];
        const targets = {targets};
        const byScript = targets.map((target) => fetch(target, {{ method: 'POST', mode: 'no-cors' }}));
        for (const target of targets) {{
            const sink = document.body.appendChild(document.createElement('iframe'));
            sink.name = target;
            const form = document.body.appendChild(document.createElement('form'));
            Object.assign(form, {{ method: 'POST', enctype: 'text/plain', action: target, target }});
            form.submit();
        }}
        Promise.allSettled(byScript).then(() => done(true));"
    )
}

/// How often the server has refused requests of another site's page.
fn refused(app: &App) -> u64 {
    let metrics = String::from_utf8(app.get("/metrics").body).expect("text");
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("booking_problems_total{code=\"cross_site\"} "));
    line.map_or(0, |count| count.parse().expect("a number"))
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < WITHIN, "it never came true");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// An event with a hold on it, attacked by a page of `site`.
async fn attacked(page: &Page, site: &str) -> (String, Value) {
    let app = &page.app;
    let event = app.create(3);
    let held = done(&hold(app, &event, "ada@example.org"), 201);
    let targets = [format!("{}/confirm", path(&held)), format!("/events/{event}/cancel")];
    let targets = targets.map(|target| format!("{}{target}", app.url()));
    page.client.goto(site).await.expect("the other site is there");
    assert_eq!(page.js_async(&attack(&targets)).await, true);
    (event, held)
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let site = website();
    let page = Page::start().await;
    let (event_id, held) = attacked(&page, &site).await;
    // Each of the two was sent twice.
    until(|| refused(&page.app) == 4).await;
    let shown = event(&page.app, &event_id);
    assert_eq!((&shown["status"], &shown["version"]), (&json!("published"), &json!(2)));
    assert_eq!(page.app.get(&path(&held)).json()["status"], "held");
    // Our own pages do it, with the same browser.
    page.open(&format!("/#/events/{event_id}")).await;
    page.register("grace@example.org", "registered").await;
    page.app.assert_audit_is_clean();
    page.end().await;
}

/// The negative control: a site that is let in does just that.
#[tokio::test]
async fn a_page_of_an_allowed_site_succeeds() {
    let site = website();
    let page = Page::start_set(&[("CORS_ORIGINS", &site)]).await;
    let (event_id, held) = attacked(&page, &site).await;
    until(|| event(&page.app, &event_id)["status"] == "cancelled").await;
    assert_eq!(page.app.get(&path(&held)).json()["status"], "cancelled");
    assert_eq!(refused(&page.app), 0);
    page.end().await;
}
