//! Pages that have addresses, over real HTTP, on both stores: their HTML before any script runs, and what their
//! forms do where none does.

mod common;

use common::acts::{done, id, token};
use common::http::{Answer, send, try_send};
use common::{App, Data, VISIT_BYTES_MAX, make_token, make_token_with};
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::{Duration, Instant};

on_both_stores! {
    an_event_is_readable_without_a_script
    typed_html_is_escaped_in_every_place
    upcoming_events_are_listed_by_date
    a_draft_is_not_found_and_a_past_event_is_not_indexed
    a_form_takes_a_seat_and_reloading_its_answer_takes_no_other
    a_refused_form_shows_the_reason_and_its_input
    a_form_joins_the_line
    a_form_of_an_event_that_confirms_addresses_conceals_registrations
    a_form_has_the_event_s_questions
}

const HOSTILE: &str = "<img src=x onerror=alert(1)></title></script><script>ran=1</script>\"'&lt;";

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("pages are UTF-8")
}

fn page(app: &App, path: &str) -> String {
    let answer = app.get(path);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy").expect("there is one");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    text(&answer)
}

/// The part between two texts, of which the first occurs once.
#[track_caller]
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = page.split_once(from).unwrap_or_else(|| panic!("no {from} in {page}"));
    assert!(!rest.contains(from), "{from} is there twice in {page}");
    rest.split_once(to).unwrap_or_else(|| panic!("no {to} in {page}")).0
}

/// As forms are written (WHATWG URL, section 5.2), with every byte escaped that could be.
fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let escape = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(escape).collect()
    };
    let pairs: Vec<_> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn post(app: &App, event: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = [&[FORM], headers].concat();
    send(app.url(), "POST", &format!("/e/{event}"), &headers, body.as_bytes())
}

/// Fills in the form of a freshly loaded page.
fn submit(app: &App, event: &str, fields: &[(&str, &str)]) -> Answer {
    let key = key_of(&page(app, &format!("/e/{event}"))).to_owned();
    let fields = [&[("key", key.as_str())], fields].concat();
    post(app, event, &encoded(&fields), &[])
}

fn key_of(page: &str) -> &str {
    between(page, "name=\"key\" value=\"", "\"")
}

#[track_caller]
fn assert_outcome(answer: &Answer, status: u16, kind: &str) -> String {
    let page = text(answer);
    assert_eq!(answer.status, status, "{page}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(page.contains(" data-answer>"), "scripts leave it as it is: {page}");
    assert_eq!(between(&page, "data-outcome=\"", "\""), kind);
    page
}

fn booked(app: &App, event: &str) -> Value {
    app.get(&format!("/events/{event}")).json()["booked_count"].clone()
}

fn an_event_is_readable_without_a_script(data: Data) {
    let app = App::start_with(data, &[("BASE_URL", "https://booking.example")]);
    let body = json!({
        "name": "Evening of jazz",
        "description": "# Programme\n\n*Two* sets.\n\nSee [the band](https://band.example).",
        "capacity": 3,
        "venue": "Blue hall",
        "timezone": "Europe/Berlin",
        "starts_at": "2035-05-01T17:00:00Z",
        "ends_at": "2035-05-01T21:00:00Z",
    });
    let event = done(&app.post("/events", &body), 201);
    let id = id(&event);
    assert_eq!(app.register(id, "ada@example.org").status, 201);
    let page = page(&app, &format!("/e/{id}?utm_source=mail"));

    let url = format!("https://booking.example/e/{id}");
    assert_eq!(between(&page, "<title>", "</title>"), "Evening of jazz · Booking");
    assert_eq!(between(&page, "<link rel=\"canonical\" href=\"", "\""), url);
    assert_eq!(between(&page, "property=\"og:url\" content=\"", "\""), url);
    assert_eq!(between(&page, "property=\"og:title\" content=\"", "\""), "Evening of jazz");
    let summary = "Programme Two sets. See the band.";
    assert_eq!(between(&page, "name=\"description\" content=\"", "\""), summary);
    assert_eq!(between(&page, "property=\"og:description\" content=\"", "\""), summary);
    assert!(!page.contains("noindex"), "{page}");

    let linked = between(&page, "<script type=\"application/ld+json\">", "</script>");
    let linked: Value = serde_json::from_str(linked).expect("JSON-LD is JSON");
    assert_eq!(
        (&linked["@context"], &linked["@type"]),
        (&json!("https://schema.org"), &json!("Event"))
    );
    assert_eq!(linked["name"], "Evening of jazz");
    assert_eq!(linked["startDate"], "2035-05-01T17:00:00Z");
    assert_eq!(linked["endDate"], "2035-05-01T21:00:00Z");
    assert_eq!(linked["location"]["name"], "Blue hall");
    assert_eq!(linked["eventStatus"], "https://schema.org/EventScheduled");
    assert_eq!(linked["offers"]["availability"], "https://schema.org/InStock");
    assert_eq!((&linked["url"], &linked["remainingAttendeeCapacity"]), (&json!(url), &json!(2)));

    // The data for the modules is the same as the API's.
    let (_, data) = page.split_once("id=\"event-data\"").expect("it is there");
    let (_, data) = data.split_once("\">").expect("its tag ends");
    let (data, _) = data.split_once("</script>").expect("and so does it");
    let data: Value = serde_json::from_str(data).expect("it is JSON");
    let answer = app.get(&format!("/events/{id}"));
    assert_eq!(data, answer.json());
    let tag = answer.header("etag").expect("it is settled").replace('"', "&quot;");
    assert_eq!(between(&page, "data-etag=\"", "\""), tag);

    for words in [
        "<h2>Programme</h2>",
        "<em>Two</em>",
        "Tuesday, 1 May 2035, 19:00 to 23:00 (Europe/Berlin, UTC+02:00)",
        "Blue hall",
        "1 of 3 seats taken",
        "calendar.ics",
        "Your e-mail address",
    ] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    // Every asset of the page is served.
    for path in page.split('"').filter(|part| part.starts_with("/static/")) {
        assert_eq!(app.get(path).status, 200, "{path}");
    }
    let head = send(app.url(), "HEAD", &format!("/e/{id}"), &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
}

fn typed_html_is_escaped_in_every_place(data: Data) {
    let app = App::start(data);
    let body = json!({
        "name": HOSTILE, "description": HOSTILE, "venue": HOSTILE, "capacity": 3,
        "starts_at": "2035-05-01T17:00:00Z",
    });
    let event = done(&app.post("/events", &body), 201);
    let shown = page(&app, &format!("/e/{}", id(&event)));
    let typed = submit(&app, id(&event), &[("user_email", HOSTILE), ("name", HOSTILE)]);
    let refused = assert_outcome(&typed, 400, "validation");
    for page in [&shown, &refused] {
        for forbidden in ["<img src=x", "<script>ran", "onerror=alert(1)>\"", "</title></script>"] {
            assert!(!page.contains(forbidden), "{forbidden} is in {page}");
        }
        let scripts: Vec<_> = page.split("<script").skip(1).collect();
        assert_eq!(scripts.len(), 4, "one that runs, and three that are data: {page}");
        assert!(!page.contains(" src=x") || page.contains("&lt;img src=x"), "{page}");
    }
    let linked = between(&shown, "<script type=\"application/ld+json\">", "</script>");
    let linked: Value = serde_json::from_str(linked).expect("JSON-LD is JSON");
    assert_eq!(linked["name"], HOSTILE);
    assert!(refused.contains("value=\"&lt;img src=x"), "what was typed is kept: {refused}");
}

fn upcoming_events_are_listed_by_date(data: Data) {
    let app = App::start_with(data, &[("BASE_URL", "https://booking.example")]);
    assert!(page(&app, "/").contains("No events yet"));
    let create = |name: &str, more: Value| {
        let mut body = json!({"name": name, "capacity": 3});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        id(&done(&app.post("/events", &body), 201)).to_owned()
    };
    create("Someday", json!({}));
    create("Later", json!({"starts_at": "2035-06-01T17:00:00Z"}));
    let sooner =
        create("Sooner <b>", json!({"starts_at": "2035-05-01T17:00:00Z", "venue": HOSTILE}));
    create("Long over", json!({"starts_at": "2020-05-01T17:00:00Z"}));
    create("A draft", json!({"status": "draft"}));
    let cancelled = create("Called off", json!({"starts_at": "2035-05-02T17:00:00Z"}));
    assert_eq!(
        app.ask("POST", &format!("/events/{cancelled}/cancel"), &[], &Value::Null).status,
        200
    );
    for path in ["/", "/templates/index.html", "/?utm_source=mail"] {
        let page = page(&app, path);
        let links: Vec<_> = page.split("<a href=\"/e/").skip(1).collect();
        let names: Vec<_> = links
            .iter()
            .filter_map(|link| link.split_once("\">")?.1.split("</a>").next())
            .collect();
        assert_eq!(names, ["Sooner &lt;b&gt;", "Later", "Someday"], "{path}");
        assert!(links[0].starts_with(&sooner));
        assert!(!page.contains("<img src=x") && !page.contains("noindex"), "{page}");
        let canonical = between(&page, "<link rel=\"canonical\" href=\"", "\"");
        assert_eq!(canonical, "https://booking.example/");
    }
    // Found by a part of a name, by date, or among past events, and not indexed then.
    let searches: [(&str, &[&str]); 5] = [
        ("/?q=SOON", &["Sooner &lt;b&gt;"]),
        ("/?from=2035-05-15", &["Later"]),
        ("/?to=2035-05-15&from=&q=&when=upcoming", &["Sooner &lt;b&gt;", "Called off"]),
        ("/?when=past", &["Long over"]),
        ("/?q=draft", &[]),
    ];
    for (path, names) in searches {
        let page = page(&app, path);
        let links = page.split("<a href=\"/e/").skip(1);
        let found: Vec<_> =
            links.filter_map(|link| link.split_once("\">")?.1.split("</a>").next()).collect();
        assert_eq!(found, names, "{path}");
        assert!(page.contains("noindex"), "{path}");
    }
    for path in ["/o", "/o/new", "/o/e/x/door", "/find", "/mine", "/r/x"] {
        let page = page(&app, path);
        assert!(page.contains("noindex") && page.contains("<noscript>"), "{path}");
    }
}

fn a_draft_is_not_found_and_a_past_event_is_not_indexed(data: Data) {
    let organizer = make_token(&data, "Jazz club");
    let app = App::start(data);
    let create = |body: Value| {
        let event = done(&app.ask_as(&organizer, "POST", "/events", &body), 201);
        id(&event).to_owned()
    };
    let draft = create(json!({"name": "Draft", "capacity": 3, "status": "draft"}));
    let path = format!("/e/{draft}");
    let nothing = app.get(&path);
    assert_eq!((nothing.status, nothing.problem().as_str()), (404, "not_found"));
    let form = encoded(&[("user_email", "ada@example.org")]);
    assert_eq!(post(&app, &draft, &form, &[]).status, 404);
    // The same as for a missing event, for browsers too.
    let html = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let unknown = "/e/00000000-0000-7000-8000-000000000000";
    for path in [path.as_str(), unknown, "/e/none", "/e/%3Cb%3E"] {
        let answer = send(app.url(), "GET", path, &html, b"");
        assert_eq!(answer.status, 404);
        let page = text(&answer);
        assert_eq!(between(&page, "<h1 tabindex=\"-1\">", "</h1>"), "Event not found");
        assert!(page.contains("noindex") && !page.contains("<b>"), "{page}");
    }
    // Its organizer's scripts may show it.
    let shown = app.ask_as(&organizer, "GET", &path, &Value::Null);
    assert_eq!(shown.status, 200);
    assert!(text(&shown).contains("noindex"));

    // A token for some events opens no other; and one whose role may not register does not.
    let other = create(json!({"name": "Other", "capacity": 3, "status": "draft"}));
    let few = make_token_with(&app.data, "Jazz club", &["--role", "reader", "--event", &other]);
    let began = Instant::now();
    while app.ask_as(&few.secret, "GET", "/organizer", &Value::Null).status != 200 {
        assert!(began.elapsed() < Duration::from_secs(60), "the token is never known");
        sleep(Duration::from_millis(100));
    }
    let as_few = |event: &str| app.ask_as(&few.secret, "GET", &format!("/e/{event}"), &Value::Null);
    assert_eq!((as_few(&other).status, as_few(&draft).status), (200, 404));
    let bearer = format!("Bearer {}", few.secret);
    let sent = post(&app, &other, &form, &[("Authorization", &bearer)]);
    assert_eq!((sent.status, sent.problem().as_str()), (403, "forbidden"));

    let over = create(json!({
        "name": "Over", "capacity": 3, "starts_at": "2020-05-01T17:00:00Z",
    }));
    let cancelled = create(json!({"name": "Cancelled", "capacity": 3}));
    let cancel = format!("/events/{cancelled}/cancel");
    assert_eq!(app.ask_as(&organizer, "POST", &cancel, &Value::Null).status, 200);
    for (event, said) in [
        (over, "This event is over: it began at Friday, 1 May 2020, 17:00 (UTC)."),
        (cancelled, "This event was cancelled, and every registration with it."),
    ] {
        let page = page(&app, &format!("/e/{event}"));
        assert!(page.contains("<meta name=\"robots\" content=\"noindex\" />"), "{page}");
        assert!(page.contains(said) && !page.contains("<form"), "{page}");
        let late = post(&app, &event, &form, &[]);
        assert_outcome(&late, 409, "closed");
    }
}

fn a_form_takes_a_seat_and_reloading_its_answer_takes_no_other(data: Data) {
    let app = App::start_with(data, &[("BASE_URL", "https://booking.example")]);
    let event = app.create(3);
    let key = key_of(&page(&app, &format!("/e/{event}"))).to_owned();
    let other_key = key_of(&page(&app, &format!("/e/{event}"))).to_owned();
    assert_ne!(key, other_key, "each page has its own");
    let form = |email: &str| encoded(&[("key", &key), ("user_email", email), ("name", "Ada")]);

    let first = post(&app, &event, &form("Ada@Example.org"), &[]);
    let page = assert_outcome(&first, 201, "registered");
    assert!(page.contains("ada@example.org"), "{page}");
    let (_, link) = page.split_once("href=\"https://booking.example/r/").expect("a private link");
    let (id, rest) = link.split_once('#').expect("with a token that no server sees");
    let token = rest.split('"').next().expect("it ends").to_owned();
    let path = format!("/registrations/{id}");
    let made = done(&app.ask_as(&token, "GET", &path, &Value::Null), 200);
    assert_eq!((&made["status"], &made["name"]), (&json!("confirmed"), &json!("Ada")));

    let again = post(&app, &event, &form("Ada@Example.org"), &[]);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(text(&again), page, "the same answer, link and all");
    assert_eq!(booked(&app, &event), 1);

    // An attendee who goes back and writes another address wants another seat.
    assert_outcome(&post(&app, &event, &form("grace@example.org"), &[]), 201, "registered");
    assert_eq!(booked(&app, &event), 2);
    let known = submit(&app, &event, &[("user_email", "ada@example.org")]);
    assert_outcome(&known, 409, "already_registered");
    assert_eq!(booked(&app, &event), 2);
    app.assert_audit_is_clean();
}

fn a_refused_form_shows_the_reason_and_its_input(data: Data) {
    let app = App::start(data);
    let body = json!({"name": "Small", "capacity": 1, "waitlist_enabled": false});
    let event = done(&app.post("/events", &body), 201);
    let event = id(&event);
    for (address, said) in [
        ("", "Enter an e-mail address."),
        ("not an address", "Must be an e-mail address such as name@example.org."),
    ] {
        let answer = submit(&app, event, &[("user_email", address), ("name", "Ada \"L\"")]);
        let page = assert_outcome(&answer, 400, "validation");
        assert_eq!(between(&page, "id=\"user_email-error\">", "<"), said);
        assert!(page.contains("value=\"Ada &quot;L&quot;\""), "{page}");
        assert!(page.contains("aria-invalid=\"true\""), "{page}");
    }
    let nobody =
        submit(&app, event, &[("user_email", "a@example.org"), ("name", &"x".repeat(201))]);
    let page = assert_outcome(&nobody, 400, "validation");
    assert_eq!(
        between(&page, "id=\"person_name-error\">", "<"),
        "Must have at most 200 characters."
    );
    assert_eq!(booked(&app, event), 0);

    // Without a key, as in a form written by hand, it is accepted all the same.
    let by_hand = post(&app, event, &encoded(&[("user_email", "ada@example.org")]), &[]);
    assert_outcome(&by_hand, 201, "registered");
    let late = submit(&app, event, &[("user_email", "late@example.org")]);
    let page = assert_outcome(&late, 409, "sold_out");
    assert!(page.contains("value=\"late@example.org\""), "{page}");
    assert!(page.contains("1 of 1 seat taken"), "as full as it is by now: {page}");

    let json = app.post(&format!("/e/{event}"), &json!({"user_email": "b@example.org"}));
    assert_eq!((json.status, json.problem().as_str()), (415, "unsupported_media_type"));
    let long = encoded(&[("user_email", &"a".repeat(40_000))]);
    assert_eq!(post(&app, event, &long, &[]).status, 413);
    let deleted = send(app.url(), "DELETE", &format!("/e/{event}"), &[], b"");
    assert_eq!((deleted.status, deleted.header("allow")), (405, Some("GET, HEAD, POST")));
    app.assert_audit_is_clean();
}

fn a_form_joins_the_line(data: Data) {
    let app = App::start(data);
    let event = app.create(1);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    let page = page(&app, &format!("/e/{event}"));
    assert!(page.contains("value=\"waitlist\">Join the waitlist</button>"), "{page}");
    let waiting = [("user_email", "grace@example.org"), ("on_full", "waitlist")];
    let answer = submit(&app, &event, &waiting);
    let page = assert_outcome(&answer, 202, "waitlisted");
    assert!(page.contains("In line, you are") && page.contains("/r/"), "{page}");
    assert_eq!(app.get(&format!("/events/{event}")).json()["waitlist_count"], 1);
}

fn a_form_of_an_event_that_confirms_addresses_conceals_registrations(data: Data) {
    let organizer = make_token(&data, "Desk");
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", folder.path().display());
    let settings = [
        ("MAIL_URL", url.as_str()),
        ("MAIL_FROM", "desk@booking.example"),
        ("BASE_URL", "https://booking.example"),
    ];
    let app = App::start_with(data, &settings);
    let body = json!({"name": "By mail", "capacity": 5, "confirm_address": true});
    let event = done(&app.ask_as(&organizer, "POST", "/events", &body), 201);
    let register = format!("/events/{}/register", id(&event));
    let ada = json!({"user_email": "ada@example.org"});
    let ada = done(&app.ask_as(&organizer, "POST", &register, &ada), 201);
    let pages = ["ada@example.org", "grace@example.org"].map(|email| {
        let answer = submit(&app, id(&event), &[("user_email", email)]);
        assert_outcome(&answer, 202, "to_confirm")
    });
    assert_eq!(pages[0], pages[1]);
    assert!(!pages[0].contains(token(&ada)) && !pages[0].contains("/r/"), "{}", pages[0]);
}

#[test]
fn pages_are_in_the_language_of_the_browser() {
    let app = App::start(Data::sqlite());
    let event = app.create(1_500);
    let german = [("Accept-Language", "de-AT, en;q=0.5")];
    let ask = |path: &str| {
        let answer = send(app.url(), "GET", path, &german, b"");
        assert_eq!((answer.status, answer.header("content-language")), (200, Some("de")));
        let vary = answer.header("vary").expect("it depends on the language");
        assert_eq!(vary.matches("Accept-Language").count(), 1, "{vary}");
        text(&answer)
    };
    for (path, words) in [
        ("/".to_owned(), "Demnächst"),
        (format!("/e/{event}"), "0 von 1.500 vergeben"),
        ("/o".to_owned(), ">Anlegen<"),
    ] {
        let page = ask(&path);
        assert!(page.contains("<html lang=\"de\"") && page.contains(words), "{path}: {page}");
        assert!(text(&app.get(&path)).contains("<html lang=\"en\""));
    }
    let form = encoded(&[("user_email", "no-at")]);
    let headers = [FORM, german[0]];
    let path = format!("/e/{event}");
    let refused = send(app.url(), "POST", &path, &headers, form.as_bytes());
    let page = assert_outcome(&refused, 400, "validation");
    let said = between(&page, "id=\"user_email-error\">", "<");
    assert_eq!(said, "Muss eine E-Mail-Adresse sein, zum Beispiel name@example.org.");
    let form = encoded(&[("user_email", "ada@example.org")]);
    let taken = send(app.url(), "POST", &path, &headers, form.as_bytes());
    assert!(assert_outcome(&taken, 201, "registered").contains("Sie sind dabei."));
    let accept = ("Accept", "text/html");
    let missing = send(app.url(), "GET", "/e/none", &[accept, german[0]], b"");
    assert!(text(&missing).contains("Veranstaltung nicht gefunden"), "{missing:?}");
}

/// What browsers send for an address, and with a form.
const BROWSER: (&str, &str) =
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

/// The page of an error, and its title.
#[track_caller]
fn read_page(answer: &Answer, status: u16) -> (String, String) {
    let page = text(answer);
    assert_eq!(answer.status, status, "{page}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{page}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let policy = answer.header("content-security-policy").expect("there is one");
    assert!(policy.contains("script-src 'self'"), "{policy}");
    assert!(page.contains("<meta name=\"robots\" content=\"noindex\" />"), "{page}");
    let title = between(&page, "<h1 tabindex=\"-1\">", "</h1>").to_owned();
    (page, title)
}

#[test]
fn an_unknown_address_is_a_page_for_browsers_and_a_problem_for_programs() {
    let app = App::start(Data::sqlite());
    let ask = |method: &str, path: &str, headers: &[(&str, &str)]| {
        send(app.url(), method, path, headers, b"")
    };
    for path in [
        "/nowhere",
        "/nowhere/at/all?q=1",
        "/%3Cb%3E",
        "/e",
        "/e/1/2",
        "/o/none",
        "/o/e/1",
        "/o/e/1/none",
        "/static/js/none.js",
    ] {
        let (page, title) = read_page(&ask("GET", path, &[BROWSER]), 404);
        assert_eq!(title, "Page not found", "{path}");
        assert!(page.contains("There is no page at this address."), "{page}");
        let leads_on = "<a class=\"button\" href=\"/\">See all events</a>";
        assert!(page.contains(leads_on) && !page.contains("<b>"), "{page}");
        assert!(!page.contains("class=\"mono\""), "nobody is to ask about it: {page}");
    }
    for (path, header) in [
        ("/nowhere", ("Accept-Language", "de-AT,de;q=0.9")),
        ("/nowhere", ("Cookie", KEPT)),
        ("/nowhere?lang=de", ("Accept-Language", "en")),
    ] {
        let answer = ask("GET", path, &[BROWSER, header]);
        let (page, title) = read_page(&answer, 404);
        assert_eq!(title, "Seite nicht gefunden", "{path} {header:?}");
        assert_eq!(answer.header("content-language"), Some("de"));
        assert!(
            page.contains("<html lang=\"de\"") && page.contains("Alle Veranstaltungen ansehen")
        );
    }
    let head = ask("HEAD", "/nowhere", &[BROWSER]);
    assert_eq!((head.status, head.body.len()), (404, 0));

    // Programs get the same as before, to the byte: they name no HTML, or name JSON as well, or call the API.
    let problem = |path: &str, answer: &Answer| {
        let id = answer.header("x-request-id").expect("it has one");
        let expected = format!(
            "{{\"type\":\"/problems#not_found\",\"title\":\"Not found\",\"status\":404,\
             \"detail\":\"there is nothing here\",\"instance\":\"{path}\",\"code\":\"not_found\",\
             \"error\":\"there is nothing here\",\"request_id\":\"{id}\"}}"
        );
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        assert_eq!((answer.status, text(answer)), (404, expected));
    };
    for accept in [
        &[][..],
        &[("Accept", "*/*")],
        &[("Accept", "application/json")],
        &[("Accept", "application/json, text/html")],
        &[("Accept", "text/html;q=0.5, application/problem+json")],
        &[("Accept", "text/html;q=0")],
    ] {
        for path in ["/nowhere", "/o/none", "/e/none"] {
            problem(path, &ask("GET", path, accept));
        }
    }
    for path in ["/events/none", "/events/1/none", "/webhooks/1/2/3/4"] {
        problem(path, &ask("GET", path, &[BROWSER]));
    }
}

#[test]
fn a_page_s_address_with_a_slash_leads_to_the_one_without() {
    let app = App::start(Data::sqlite());
    let event = app.create(1);
    let pages = ["find", "mine", "docs", "problems", "o/new", "r/1", "o/e/1/desk", "o/e/1/edit"];
    for page in pages.map(str::to_owned).into_iter().chain([format!("e/{event}")]) {
        for (method, query) in [("GET", ""), ("HEAD", ""), ("GET", "?lang=de&utm_source=%2F")] {
            let answer = send(app.url(), method, &format!("/{page}/{query}"), &[BROWSER], b"");
            let location = format!("/{page}{query}");
            assert_eq!((answer.status, answer.header("location")), (308, Some(location.as_str())));
        }
    }
    for path in ["/e/", "/r/", "/nowhere/", "/find//", "//find/", "//example.org/e/", "/e/1/2/"] {
        read_page(&send(app.url(), "GET", path, &[BROWSER], b""), 404);
    }
    for (method, path) in [("POST", "/find/"), ("GET", "/events/"), ("GET", "/static/app.css/")] {
        assert_eq!(send(app.url(), method, path, &[], b"").status, 404, "{method} {path}");
    }
}

#[test]
fn other_errors_at_a_page_s_address_are_pages_for_browsers() {
    let app = App::start(Data::sqlite());
    let event = app.create(1);
    for (method, path, allow) in [
        ("DELETE", "/".to_owned(), "GET, HEAD"),
        ("POST", "/find".to_owned(), "GET, HEAD"),
        ("POST", "/docs".to_owned(), "GET, HEAD"),
        ("DELETE", format!("/e/{event}"), "GET, HEAD, POST"),
    ] {
        let answer = send(app.url(), method, &path, &[BROWSER], b"");
        let (page, title) = read_page(&answer, 405);
        assert_eq!(title, "Method not allowed", "{method} {path}");
        assert!(page.contains("href=\"/\">See all events</a>"), "{page}");
        let id = answer.header("x-request-id").expect("it has one");
        assert_eq!(between(&page, "<span class=\"mono\">", "</span>"), id);
        assert_eq!(answer.header("allow"), Some(allow));
        let program = send(app.url(), method, &path, &[], b"");
        assert_eq!((program.status, program.problem().as_str()), (405, "method_not_allowed"));
        assert_eq!(program.header("allow"), Some(allow));
    }
    let long = format!("?utm_source={}", "a".repeat(3_000));
    for path in ["/", "/find", "/o/new", "/problems", "/docs", &format!("/e/{event}")] {
        let path = format!("{path}{long}");
        let german = ("Accept-Language", "de");
        let (page, title) = read_page(&send(app.url(), "GET", &path, &[BROWSER, german], b""), 414);
        assert_eq!(title, "Zu groß", "{path}");
        assert!(page.contains("href=\"/\">Alle Veranstaltungen ansehen</a>"), "{page}");
        let program = send(app.url(), "GET", &path, &[], b"");
        assert_eq!((program.status, program.problem().as_str()), (414, "too_large"));
    }
    // The negative control: below the API's paths every client gets the API's answer.
    for (method, path, status) in [
        ("GET", format!("/events/{event}/register"), 405),
        ("GET", format!("/events{long}"), 414),
        ("GET", "/events?none=1".to_owned(), 400),
    ] {
        let answer = send(app.url(), method, &path, &[BROWSER], b"");
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    }
}

/// In three zones, over the two nights of 2035 in which their clocks are set: as the page has it before any script runs,
/// and as calendars have it.
#[test]
fn times_over_a_change_of_clocks_are_right_in_every_place() {
    let app = App::start(Data::sqlite());
    for (zone, starts_at, ends_at, displayed) in [
        (
            "Europe/Berlin",
            "2035-03-24T23:30:00Z",
            "2035-03-25T02:00:00Z",
            "Sunday, 25 March 2035, 00:30 (Europe/Berlin, UTC+01:00) to Sunday, 25 March 2035, 04:00 (Europe/Berlin, UTC+02:00)",
        ),
        (
            "Europe/Berlin",
            "2035-10-28T00:30:00Z",
            "2035-10-28T01:45:00Z",
            "Sunday, 28 October 2035, 02:30 (Europe/Berlin, UTC+02:00) to Sunday, 28 October 2035, 02:45 (Europe/Berlin, UTC+01:00)",
        ),
        (
            "America/New_York",
            "2035-03-11T05:30:00Z",
            "2035-03-11T08:00:00Z",
            "Sunday, 11 March 2035, 00:30 (America/New_York, UTC-05:00) to Sunday, 11 March 2035, 04:00 (America/New_York, UTC-04:00)",
        ),
        (
            "America/New_York",
            "2035-11-04T05:30:00Z",
            "2035-11-04T06:45:00Z",
            "Sunday, 4 November 2035, 01:30 (America/New_York, UTC-04:00) to Sunday, 4 November 2035, 01:45 (America/New_York, UTC-05:00)",
        ),
        (
            "Australia/Lord_Howe",
            "2035-03-31T14:45:00Z",
            "2035-03-31T15:30:00Z",
            "Sunday, 1 April 2035, 01:45 (Australia/Lord_Howe, UTC+11:00) to Sunday, 1 April 2035, 02:00 (Australia/Lord_Howe, UTC+10:30)",
        ),
        (
            "Australia/Lord_Howe",
            "2035-10-06T14:00:00Z",
            "2035-10-06T16:00:00Z",
            "Sunday, 7 October 2035, 00:30 (Australia/Lord_Howe, UTC+10:30) to Sunday, 7 October 2035, 03:00 (Australia/Lord_Howe, UTC+11:00)",
        ),
    ] {
        let body = json!({"name": "Jazz", "capacity": 3, "timezone": zone, "starts_at": starts_at,
            "ends_at": ends_at});
        let event = done(&app.post("/events", &body), 201);
        assert_eq!((&event["starts_at"], &event["ends_at"]), (&json!(starts_at), &json!(ends_at)));
        let page = page(&app, &format!("/e/{}", id(&event)));
        let time = format!("<time datetime=\"{starts_at}\">{displayed}</time>");
        assert!(page.contains(&time), "no {time} in {page}");
        let calendar = text(&app.get(&format!("/events/{}/calendar.ics", id(&event))));
        let plain = |time: &str| time.replace(['-', ':'], "");
        for line in [format!("DTSTART:{}", plain(starts_at)), format!("DTEND:{}", plain(ends_at))] {
            assert!(calendar.contains(&format!("\r\n{line}\r\n")), "no {line} in {calendar}");
        }
    }
}

/// A visitor who has chosen a language at the foot of a page finds the next ones in it, with and without scripts.
#[test]
fn pages_are_in_the_language_of_the_cookie() {
    let app = App::start(Data::sqlite());
    let path = format!("/e/{}", app.create(3));
    let ask = |path: &str, headers: &[(&str, &str)]| {
        let headers = [headers, &[("Accept-Language", "en")]].concat();
        let answer = send(app.url(), "GET", path, &headers, b"");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    };
    let language_of = |answer: &Answer| answer.header("content-language").map(str::to_owned);
    let german = Some("de".to_owned());
    for path in ["/", &path, "/o", "/find"] {
        let here = ask(path, &[]);
        let foot = text(&here);
        assert!(foot.contains("<a class=\"link-button\" href=\"?lang=de\" lang=\"de\""), "{foot}");
        assert_eq!(here.header("set-cookie"), None, "{path}");
        let vary = here.header("vary").expect("it depends on the language");
        assert!(vary.contains("Cookie") && vary.contains("Accept-Language"), "{vary}");

        let chosen = ask(&format!("{path}?lang=de"), &[("Sec-Fetch-Site", "same-origin")]);
        assert_eq!(language_of(&chosen), german, "{path}");
        let cookie = chosen.header("set-cookie").expect("it is kept");
        let (pair, attributes) = cookie.split_once("; ").expect("it is for these pages alone");
        assert_eq!((pair, attributes), (KEPT, "Path=/; Max-Age=31536000; SameSite=Lax"));
        let caching = chosen.header("cache-control");
        assert_eq!(caching, Some("private, no-cache"), "it is one visitor's");

        let next = ask(path, &[("Cookie", pair)]);
        assert_eq!((language_of(&next), next.header("set-cookie")), (german.clone(), None));
        assert!(text(&next).contains("href=\"?lang=en\""));
        // A tag is of one language: in the other one it is another page.
        if let Some(tag) = here.header("etag") {
            let other = ask(path, &[("Cookie", pair), ("If-None-Match", tag)]);
            assert_eq!(language_of(&other), german);
        }
        // The negative controls: an unknown language, and a link that another site follows on the visitor's behalf.
        assert_eq!(ask(&format!("{path}?lang=xx"), &[]).header("set-cookie"), None);
        for from in [&[("Sec-Fetch-Site", "cross-site")][..], &[("Sec-Fetch-Site", "none")], &[]] {
            let linked = ask(&format!("{path}?lang=de"), from);
            assert_eq!((language_of(&linked), linked.header("set-cookie")), (german.clone(), None));
        }
    }
    // The result of a form, and its errors.
    let form = encoded(&[("user_email", "ada@example.org")]);
    let headers = [FORM, ("Cookie", KEPT)];
    let taken = send(app.url(), "POST", &path, &headers, form.as_bytes());
    assert!(assert_outcome(&taken, 201, "registered").contains("Sie sind dabei."));
    let headers = [("Accept", "text/html"), ("Cookie", KEPT)];
    let missing = send(app.url(), "GET", "/e/none", &headers, b"");
    assert!(text(&missing).contains("Veranstaltung nicht gefunden"), "{missing:?}");
    // Programs send their language with each request, and need no cookie.
    let problem = send(app.url(), "GET", "/nothing", &[("Cookie", KEPT)], b"");
    assert_eq!(problem.header("content-language"), Some("en"));
    assert_eq!(app.get("/events?lang=de").status, 400);
}

/// The cookie of a visitor who reads German.
const KEPT: &str = "booking_language=de";

/// How many files a page may load by itself: its icon, its styles, its texts and its script, and for a
/// registration's page one script more.
const FILES_MAX: usize = 5;

#[test]
fn assets_are_small_and_cached_for_good() {
    let app = App::start(Data::sqlite());
    let event = app.create(3);
    let gzip = [("Accept-Encoding", "gzip"), ("Accept-Language", "de")];
    let load = |path: &str| {
        let answer = send(app.url(), "GET", path, &gzip, b"");
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.len() < 2_000 || answer.header("content-encoding") == Some("gzip"));
        answer
    };
    for path in ["/", &format!("/e/{event}"), "/o/new", "/find"] {
        let page = page(&app, path);
        let mut files: Vec<_> =
            page.split('"').filter(|part| part.starts_with("/static/")).collect();
        files.sort_unstable();
        files.dedup();
        assert!(files.len() <= FILES_MAX, "{path}: {files:?}");
        let named = files.iter().filter(|file| file.contains("/pages-")).count();
        assert_eq!(named, 2, "a script and the styles: {files:?}");
        let is_of_registrations = files.iter().any(|file| file.contains("/registration-"));
        assert_eq!(is_of_registrations, path == "/find", "{files:?}");
        let mut bytes = load(path).body.len();
        for file in files {
            // In the language of the page.
            let file = file.replace("/en.json", "/de.json");
            let answer = load(&file);
            bytes += answer.body.len();
            let Some((folder, name)) = file.split_once('-') else { continue };
            let cached = "public, max-age=31536000, immutable";
            assert_eq!(answer.header("cache-control"), Some(cached), "{file}");
            // Another release has another name.
            let other = format!("{folder}-0{name}");
            assert_eq!(app.get(&other).status, 404, "{other}");
        }
        assert!(bytes < VISIT_BYTES_MAX, "{path}: {bytes} bytes");
    }
}

#[test]
fn a_form_of_another_site_is_refused() {
    let shop = "https://shop.example";
    let app = App::start_with(Data::sqlite(), &[("CORS_ORIGINS", shop)]);
    let event = app.create(3);
    let form = encoded(&[("user_email", "ada@example.org")]);
    let html = ("Accept", "text/html");
    for headers in [
        &[("Sec-Fetch-Site", "cross-site"), html][..],
        &[("Sec-Fetch-Site", "same-site")],
        // Whose scripts may call the API.
        &[("Origin", shop)],
        &[("Origin", shop), ("Sec-Fetch-Site", "cross-site")],
        &[("Origin", "null")],
        &[("Origin", "https://evil.example"), html],
    ] {
        let answer = post(&app, &event, &form, headers);
        assert_eq!((answer.status, answer.problem().as_str()), (403, "cross_site"), "{headers:?}");
    }
    assert_eq!(booked(&app, &event), 0);
    let own = [("Origin", "http://localhost"), ("Sec-Fetch-Site", "same-origin")];
    assert_outcome(&post(&app, &event, &form, &own), 201, "registered");
    // A page that sends no origin at all would be taken for another site's, over plain HTTP.
    let page = app.get(&format!("/e/{event}"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert_eq!(booked(&app, &event), 1);
}

#[test]
fn everything_is_below_the_base_path() {
    let base_url = ("BASE_URL", "https://example.org");
    let app = App::start_with(Data::sqlite(), &[("BASE_PATH", "/tickets/"), base_url]);
    let body = json!({"name": "Jazz", "capacity": 3, "starts_at": "2035-05-01T17:00:00Z"});
    let made = app.post("/tickets/events", &body);
    let event = done(&made, 201);
    let id = id(&event);
    assert_eq!(made.header("location"), Some(format!("/tickets/events/{id}").as_str()));
    assert_eq!(app.post("/tickets/events", &body).status, 201);
    let listed = app.get("/tickets/events?limit=1");
    let link = listed.header("link").expect("there is another page");
    assert!(link.starts_with("</tickets/events?") && link.contains("limit=1"), "{link}");

    for path in ["/tickets", "/tickets/", &format!("/tickets/e/{id}"), "/tickets/o/new"] {
        let page = page(&app, path);
        assert!(page.contains("data-base=\"/tickets\""), "{page}");
        let attributes = ["href=\"/", "src=\"/", "action=\"/"];
        for rest in attributes.iter().flat_map(|before| page.split(before).skip(1)) {
            assert!(
                rest.starts_with("tickets/"),
                "{path} leads to /{}",
                &rest[..40.min(rest.len())]
            );
            let path = rest.split(['"', '#']).next().expect("it ends");
            assert_ne!(app.get(&format!("/{path}")).status, 404, "/{path}");
        }
    }
    for path in ["/tickets/docs", "/tickets/problems"] {
        let page = page(&app, path);
        assert!(page.contains("data-base=\"/tickets\"") && !page.contains("=\"/static"), "{page}");
        assert!(page.contains("=\"/tickets/static/"), "{page}");
    }
    let canonical = page(&app, &format!("/tickets/e/{id}"));
    let canonical = between(&canonical, "<link rel=\"canonical\" href=\"", "\"");
    assert_eq!(canonical, format!("https://example.org/tickets/e/{id}"));
    let calendar = text(&app.get(&format!("/tickets/events/{id}/calendar.ics")));
    let url = format!("URL:https://example.org/tickets/e/{id}");
    assert!(calendar.replace("\r\n ", "").contains(&url), "{calendar}");
    let described = app.get("/tickets/openapi.json").json();
    assert_eq!(described["servers"][0]["url"], "https://example.org/tickets");
    assert_eq!(app.get("/tickets/sw.js").status, 200);
    // Everything that it links to is below the base path.
    let manifest = app.get("/tickets/manifest.webmanifest");
    assert_eq!(manifest.header("content-type"), Some("application/manifest+json"));
    assert_eq!(manifest.json()["start_url"], "./");
    // It would be resolved against the origin alone, where there is another site.
    assert_eq!(manifest.json().get("id"), None);

    let form = encoded(&[("user_email", "ada@example.org")]);
    let taken = send(app.url(), "POST", &format!("/tickets/e/{id}"), &[FORM], form.as_bytes());
    let page = assert_outcome(&taken, 201, "registered");
    assert!(page.contains("href=\"https://example.org/tickets/r/"), "{page}");

    let nowhere = send(app.url(), "GET", "/tickets/nowhere", &[BROWSER], b"");
    let (page, title) = read_page(&nowhere, 404);
    assert_eq!(title, "Page not found");
    assert!(page.contains("<a class=\"button\" href=\"/tickets/\">"), "{page}");
    let missing = app.get("/tickets/events/none").json();
    assert_eq!(missing["type"], "/tickets/problems#not_found");
    assert_eq!(missing["instance"], "/tickets/events/none");
    let slash = send(app.url(), "GET", "/tickets/o/new/", &[BROWSER], b"");
    assert_eq!((slash.status, slash.header("location")), (308, Some("/tickets/o/new")));
    // Everything outside of it is the other site's, and none of the API's.
    let beside = try_send(app.url(), "GET", "/events", &[BROWSER], b"").expect("it answers");
    assert_eq!(read_page(&beside, 404).1, "Page not found");
    let beside = |method: &str, path: &str| {
        let json = [("Content-Type", "application/json")];
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let answer = try_send(app.url(), method, path, &json, body.as_bytes());
        answer.expect("it answers").status
    };
    for path in ["/", "/events", &format!("/e/{id}"), "/sw.js", "/ticketsevents", "/openapi.json"] {
        assert_eq!(beside("GET", path), 404, "{path}");
    }
    assert_eq!(beside("POST", "/events"), 404);
    assert_eq!(app.get("/tickets/events").json().as_array().map(Vec::len), Some(2));
    // But for the addresses of monitoring.
    for path in ["/health", "/livez", "/readyz", "/metrics", "/tickets/livez"] {
        assert_eq!(app.get(path).status, 200, "{path}");
    }
    let mut settings = app.data.settings();
    settings.push(("BASE_PATH", "/tickets".to_owned()));
    settings.push(("PORT", app.url().rsplit(':').next().expect("a port").to_owned()));
    assert!(common::run("healthcheck", &settings).status.success());
}

#[test]
fn only_an_event_s_page_may_be_embedded_by_allowed_sites() {
    let ancestors = |answer: &Answer| {
        let policy = answer.header("content-security-policy").expect("there is one").to_owned();
        policy.split("frame-ancestors ").nth(1).expect("it says who").to_owned()
    };
    let closed = App::start(Data::sqlite());
    let event = closed.create(3);
    assert_eq!(ancestors(&closed.get(&format!("/e/{event}?embed"))), "'none'");
    assert!(!page(&closed, &format!("/e/{event}")).contains("data-embeddable"));

    let origins = ("EMBED_ORIGINS", "https://club.example, http://localhost:3000");
    let app = App::start_with(Data::sqlite(), &[origins]);
    let event = app.create(3);
    let named = "'self' https://club.example http://localhost:3000";
    for path in [format!("/e/{event}"), format!("/e/{event}?embed")] {
        assert_eq!(ancestors(&app.get(&path)), named, "{path}");
    }
    for path in ["/", "/o", "/o/new", "/find", "/r/x", "/docs", "/problems"] {
        assert_eq!(ancestors(&app.get(path)), "'none'", "{path}");
    }
    let whole = page(&app, &format!("/e/{event}"));
    assert!(whole.contains(" data-embeddable") && whole.contains("<header"), "{whole}");
    let part = page(&app, &format!("/e/{event}?embed"));
    assert!(part.contains(" data-embedded") && !part.contains("<header"), "{part}");
    assert!(
        part.contains("<base target=\"_blank\" />"),
        "what it leads to opens beside it: {part}"
    );
    // Its form stays in the frame, and in the language: no cookie is stored there.
    let action = format!("action=\"/e/{event}?embed&amp;lang=en\" target=\"_self\"");
    assert!(part.contains(&action), "{part}");
    let form = encoded(&[("user_email", "ada@example.org")]);
    let path = format!("/e/{event}?embed&lang=de");
    let taken = send(app.url(), "POST", &path, &[FORM], form.as_bytes());
    assert_eq!(ancestors(&taken), named);
    let answer = assert_outcome(&taken, 201, "registered");
    assert!(
        answer.contains(" data-embedded")
            && answer.contains("?embed&amp;lang=de\" target=\"_self\""),
        "{answer}"
    );
}

fn a_form_has_the_event_s_questions(data: Data) {
    let app = App::start(data);
    let event = app.create(5);
    let questions = json!({"questions": [
        {"key": "note", "kind": "text", "wording": "Anything <b>else</b>?"},
        {"key": "diet", "kind": "choice", "wording": "Diet?", "required": true,
            "options": [{"key": "all", "label": "All & sundry"}, {"key": "veg", "label": "Plants"}]},
        {"key": "days", "kind": "several", "wording": "Days?",
            "options": [{"key": "fri", "label": "Friday"}, {"key": "sat", "label": "Saturday"}]},
        {"key": "car", "kind": "yes_no", "wording": "By car?"},
        {"key": "terms", "kind": "consent", "wording": "I agree.", "required": true},
    ]});
    assert_eq!(app.post(&format!("/events/{event}/questions"), &questions).status, 200);
    let shown = page(&app, &format!("/e/{event}"));
    for part in [
        "Anything &lt;b&gt;else&lt;/b&gt;?",
        "<option value=\"all\">All &amp; sundry</option>",
        "name=\"answers/days\" value=\"sat\"",
        "name=\"answers/car\"",
        "name=\"answers/terms\" value=\"1\" required",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let data = between(&shown, "id=\"questions-data\">", "</script>");
    let data: Value = serde_json::from_str(data).expect("it is JSON");
    assert_eq!(data.as_array().map(Vec::len), Some(5));

    // A missing field is reported beside it, and the input stays.
    let written = [
        ("user_email", "ada@example.org"),
        ("answers/note", "Cello & bow"),
        ("answers/days", "fri"),
        ("answers/days", "sat"),
        ("answers/car", "no"),
        ("answers/terms", "1"),
    ];
    let answer = submit(&app, &event, &written);
    assert_eq!(answer.status, 400);
    let again = text(&answer);
    assert!(again.contains("Has to be answered."), "{again}");
    assert!(again.contains("Cello &amp; bow</textarea>"), "{again}");
    assert!(again.contains("value=\"sat\" checked"), "{again}");
    assert!(again.contains("<option value=\"no\" selected>"), "{again}");
    assert_eq!(booked(&app, &event), 0);

    let wrong = submit(&app, &event, &[&written[..], &[("answers/diet", "meat")]].concat());
    assert_eq!(wrong.status, 400);
    let all = [&written[..], &[("answers/diet", "veg"), ("answers/other", "left")]].concat();
    assert_outcome(&submit(&app, &event, &all), 201, "registered");
    let listed = app.get(&format!("/events/{event}/registrations")).json();
    let expected = json!({"note": "Cello & bow", "diet": "veg", "days": ["fri", "sat"], "car": false, "terms": 1});
    assert_eq!(listed[0]["answers"], expected);
    app.assert_audit_is_clean();
}
