//! Pages of other websites, by the requests that browsers send for them: forms that need no preflight, and names
//! that were made to resolve here.

use crate::common::acts::{done, hold, path};
use crate::common::http::{Answer, send};
use crate::common::{App, Data, make_token, run};
use serde_json::{Value, json};

const FORM: (&str, &str) = ("Content-Type", "text/plain");
const SHOP: &str = "https://shop.example";

/// An event with one hold, both targets of the attack.
struct Scene {
    app: App,
    event: String,
    held: Value,
}

impl Scene {
    fn start(settings: &[(&'static str, &str)]) -> Self {
        let app = App::start_with(Data::sqlite(), settings);
        let event = app.create(3);
        let held = done(&hold(&app, &event, "ada@example.org"), 201);
        Self { app, event, held }
    }

    /// Requests that need no body, and so no preflight.
    fn writes(&self) -> [(&'static str, String); 4] {
        [
            ("POST", format!("{}/confirm", path(&self.held))),
            ("POST", format!("/events/{}/cancel", self.event)),
            ("POST", format!("/events/{}/register", self.event)),
            ("DELETE", path(&self.held)),
        ]
    }

    fn state(&self) -> [Value; 3] {
        let event = self.app.get(&format!("/events/{}", self.event)).json();
        let held = self.app.get(&path(&self.held)).json();
        [event["status"].clone(), event["version"].clone(), held["status"].clone()]
    }
}

fn is_cross_site(answer: &Answer) -> bool {
    answer.status == 403 && answer.problem() == "cross_site"
}

#[test]
fn a_request_of_another_site_is_refused() {
    let scene = Scene::start(&[]);
    let before = scene.state();
    assert_eq!(before[2], "held");
    let url = scene.app.url();
    let host = url.strip_prefix("http://").expect("a plain URL");
    let port = host.rsplit(':').next().expect("a port");
    let sibling = format!("http://attacker.localhost:{port}");
    for headers in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", &sibling)],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", SHOP)],
        &[("Origin", SHOP)],
        &[("Origin", "null")],
        &[("Origin", "http://localhost:1")],
        &[("Origin", &sibling)],
    ] {
        for (method, path) in scene.writes() {
            // Whether or not there is a body, and whatever its content type.
            for (form, body) in [(None, &b""[..]), (Some(FORM), b"x=y"), (Some(FORM), b"{}")] {
                let mut headers = headers.to_vec();
                headers.extend(form);
                let answer = send(url, method, &path, &headers, body);
                assert!(is_cross_site(&answer), "{method} {path} {headers:?}: {answer:?}");
            }
        }
        // Reads are for CORS to decide.
        let read = send(url, "GET", "/events", headers, b"");
        assert_eq!((read.status, read.header("access-control-allow-origin")), (200, None));
    }
    assert_eq!(scene.state(), before);
    // Our own pages, and clients that are no browsers.
    let origin = "http://localhost".to_owned();
    for headers in [
        &[("Sec-Fetch-Site", "same-origin"), ("Origin", origin.as_str())][..],
        &[("Sec-Fetch-Site", "none")],
        &[("Origin", origin.as_str())],
        &[],
    ] {
        let email = format!("n{}@example.org", headers.len());
        let body = json!({"user_email": email, "on_full": "waitlist"}).to_string();
        let headers = [headers, &[("Content-Type", "application/json")]].concat();
        let path = format!("/events/{}/register", scene.event);
        let answer = send(url, "POST", &path, &headers, body.as_bytes());
        assert!([201, 202, 409].contains(&answer.status), "{headers:?}: {answer:?}");
    }
    scene.app.assert_audit_is_clean();
}

/// The negative control: the very same succeeds for an allowed site.
#[test]
fn a_request_of_an_allowed_site_is_executed() {
    let scene = Scene::start(&[("CORS_ORIGINS", SHOP)]);
    let headers = [("Sec-Fetch-Site", "cross-site"), ("Origin", SHOP)];
    let ask = |(method, path): (&str, String)| send(scene.app.url(), method, &path, &headers, b"");
    let [confirm, cancel, _, _] = scene.writes();
    assert_eq!(done(&ask(confirm), 200)["status"], "confirmed");
    let answer = ask(cancel);
    assert_eq!(answer.header("access-control-allow-origin"), Some(SHOP));
    assert_eq!(done(&answer, 200)["status"], "cancelled");
    let preflight = send(
        scene.app.url(),
        "OPTIONS",
        "/events",
        &[headers[0], headers[1], ("Access-Control-Request-Method", "POST")],
        b"",
    );
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-origin")),
        (200, Some(SHOP))
    );
}

#[test]
fn other_sites_are_refused_where_there_are_organizers_too() {
    let data = Data::sqlite();
    let token = make_token(&data, "Jazz club");
    let app = App::start(data);
    let bearer = format!("Bearer {token}");
    let create = json!({"name": "An event", "capacity": 1}).to_string();
    let ask = |more: &[(&str, &str)]| {
        let own = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        send(app.url(), "POST", "/events", &[&own, more].concat(), create.as_bytes())
    };
    assert!(is_cross_site(&ask(&[("Origin", SHOP)])));
    assert!(is_cross_site(&ask(&[("Sec-Fetch-Site", "cross-site")])));
    assert_eq!(app.get("/events").json(), json!([]));
    done(&ask(&[("Sec-Fetch-Site", "same-origin")]), 201);
}

/// Sends a request on a connection of its own, with this host name.
fn ask_by_name(app: &App, name: &str, path: &str) -> Answer {
    use std::io::Write;
    let mut stream = crate::common::http::connect(app.url());
    let head = format!("GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("the server reads");
    crate::common::http::read_all(stream)
}

/// DNS rebinding: a page whose own name resolves to us has our origin, and could read every answer.
#[test]
fn an_open_server_refuses_foreign_host_names() {
    let allowed = ("ALLOWED_HOSTS", "booking.example.org, other.example");
    let scene = Scene::start(&[allowed]);
    let list = format!("/events/{}/registrations", scene.event);
    for (name, is_answered) in [
        ("localhost", true),
        ("attacker.localhost:1", true),
        ("127.0.0.1", true),
        ("[::1]:3000", true),
        ("booking.example.org", true),
        ("other.example:8080", true),
        ("evil.example", false),
        ("booking.example.org.evil.example", false),
        ("", false),
    ] {
        for path in [list.as_str(), "/", "/static/js/main.js", "/metrics", "/nothing"] {
            let answer = ask_by_name(&scene.app, name, path);
            if is_answered {
                assert_ne!(answer.status, 403, "{name} {path}");
                continue;
            }
            assert_eq!((answer.status, answer.problem().as_str()), (403, "forbidden"), "{name}");
            assert!(!String::from_utf8_lossy(&answer.body).contains("ada@"));
        }
        for probe in ["/health", "/livez", "/readyz"] {
            assert_eq!(ask_by_name(&scene.app, name, probe).status, 200, "{name} {probe}");
        }
    }
    // Once there are organizers, every host name is allowed: reads need a token then.
    let data = Data::sqlite();
    make_token(&data, "Jazz club");
    let closed = App::start(data);
    assert_eq!(ask_by_name(&closed, "evil.example", "/events").status, 200);
    assert_eq!(ask_by_name(&closed, "evil.example", &list).status, 401);
}

#[test]
fn an_open_server_refuses_cors_for_every_origin() {
    let data = Data::sqlite();
    let mut settings = data.settings();
    settings.extend([("PORT", "0".to_owned()), ("CORS_ORIGINS", "*".to_owned())]);
    let output = run("serve", &settings);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{stderr}");
    assert!(stderr.contains("CORS_ORIGINS=*") && stderr.contains("token create"), "{stderr}");
    // With organizers it may.
    make_token(&data, "Jazz club");
    let app = App::start_with(data, &[("CORS_ORIGINS", "*")]);
    let listed = send(app.url(), "GET", "/events", &[("Origin", SHOP)], b"");
    assert_eq!(listed.header("access-control-allow-origin"), Some("*"));
}
