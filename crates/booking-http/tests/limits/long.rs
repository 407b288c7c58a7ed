//! Long answers: pages of listings are bounded, bodies are compressed for clients that accept it, and a client that
//! does not read uses little memory.

use crate::common::acts::{done, edit, id};
use crate::common::http::{Answer, connect, has_arrived, send};
use crate::common::{App, Data, ask};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::io::{Read, Write};

/// About how long a page is.
const PAGE_BYTES_MAX: usize = 1_024 * 1_024;
/// Events of 10 KB each, of which a page has about a hundred.
const EVENTS: usize = 130;
const GZIP: (&str, &str) = ("Accept-Encoding", "br, gzip");

fn create_long(app: &App, number: usize) -> String {
    let description = format!("{number} {}", "and so on ".repeat(990));
    let body = json!({"name": "Long", "description": description, "capacity": 5});
    id(&done(&app.post("/events", &body), 201)).to_owned()
}

fn unpack(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.header("content-encoding"), Some("gzip"), "{:?}", answer.headers);
    let mut bytes = Vec::new();
    GzDecoder::new(&answer.body[..]).read_to_end(&mut bytes).expect("it is gzip");
    bytes
}

/// Whether the answer differs for clients that accept other encodings.
fn varies(answer: &Answer) -> bool {
    answer.header("vary").is_some_and(|vary| vary.contains("Accept-Encoding"))
}

on_both_stores! { a_page_of_a_listing_is_bounded_in_bytes each_form_of_an_event_has_its_tag }

fn a_page_of_a_listing_is_bounded_in_bytes(data: Data) {
    let app = App::start(data);
    let mut newest_first: Vec<String> = (0..EVENTS).map(|n| create_long(&app, n)).collect();
    newest_first.reverse();
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut next = Some("/events".to_owned());
    while let Some(path) = next {
        let answer = app.get(&path);
        assert!(answer.body.len() < PAGE_BYTES_MAX + 1_024, "{}", answer.body.len());
        let link = answer.header("link").map(str::to_owned);
        next = link.map(|link| link[1..link.find('>').expect("a link")].to_owned());
        let listed = answer.json();
        let listed = listed.as_array().expect("an array");
        assert!(!listed.is_empty() && listed.len() < EVENTS);
        found.extend(listed.iter().map(|event| id(event).to_owned()));
        pages += 1;
    }
    assert_eq!((found, pages), (newest_first, 2), "all of them, each once");
    // A client that accepts it gets the same in far fewer bytes, and HEAD shows that.
    let packed = ask(app.url(), "GET", "/events", &[GZIP], &Value::Null);
    assert!(packed.body.len() < PAGE_BYTES_MAX / 5, "{}", packed.body.len());
    assert_eq!(unpack(&packed), app.get("/events").body);
    assert!(varies(&packed) && packed.header("link").is_some());
    let head = ask(app.url(), "HEAD", "/events", &[GZIP], &Value::Null);
    assert_eq!(head.header("content-length"), packed.header("content-length"));
    assert_eq!((head.header("content-encoding"), head.body.len()), (Some("gzip"), 0));
}

/// A hundred that ask for more than the kernel holds, and read nothing: each of them would keep a copy.
#[test]
fn a_client_that_reads_nothing_uses_little_memory() {
    const READERS: usize = 100;
    let app = App::start(Data::sqlite());
    (0..EVENTS).for_each(|number| drop(create_long(&app, number)));
    assert_eq!(app.get("/events").status, 200);
    let resident = || {
        let text = String::from_utf8(app.get("/metrics").body).expect("text");
        let line = text.lines().find_map(|l| l.strip_prefix("process_resident_memory_bytes "));
        line.and_then(|bytes| bytes.parse::<f64>().ok()).expect("it is measured") as u64
    };
    let before = resident();
    let asked = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(16);
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let mut reader = connect(app.url());
            reader.write_all(asked.as_bytes()).expect("the server reads");
            // It has begun to answer.
            assert!(has_arrived(&reader).expect("it answers"), "it closed");
            reader
        })
        .collect();
    // The others are served meanwhile.
    assert_eq!(app.get("/health").status, 200);
    let grown = resident().saturating_sub(before) / (1_024 * 1_024);
    assert!(grown < 64, "{READERS} readers hold {grown} MiB");
    drop(readers);
}

fn each_form_of_an_event_has_its_tag(data: Data) {
    let app = App::start(data);
    let path = format!("/events/{}", create_long(&app, 0));
    let get = |headers: &[(&str, &str)]| send(app.url(), "GET", &path, headers, b"");
    let (plain, packed) = (get(&[]), get(&[GZIP]));
    assert_eq!(unpack(&packed), plain.body);
    let tag = |answer: &Answer| answer.header("etag").expect("it has one").to_owned();
    let (plain_tag, packed_tag) = (tag(&plain), tag(&packed));
    assert_ne!(plain_tag, packed_tag);
    for answer in [&plain, &packed] {
        assert!(varies(answer), "{:?}", answer.headers);
        let known = get(&[("If-None-Match", &tag(answer)), GZIP]);
        assert_eq!((known.status, tag(&known)), (304, tag(answer)));
        assert!(varies(&known), "{:?}", known.headers);
    }
    // Either names the version that is to be changed, once.
    let rename = |tag: &str, name: &str| {
        app.ask("PATCH", &path, &[("If-Match", tag), GZIP], &json!({"name": name}))
    };
    let renamed = rename(&packed_tag, "Renamed");
    assert_eq!(renamed.header("content-encoding"), None, "answers to writes are not compressed");
    done(&renamed, 200);
    assert_eq!(rename(&packed_tag, "Again").status, 412);
    done(&rename(&tag(&get(&[])), "Again"), 200);
    // Short answers stay uncompressed.
    done(&edit(&app, path.trim_start_matches("/events/"), &json!({"description": ""})), 200);
    let short = get(&[GZIP]);
    assert_eq!((short.header("content-encoding"), varies(&short)), (None, false));
}

#[test]
fn pages_are_compressed_and_registrations_keep_their_secrets() {
    let app = App::start_with(Data::sqlite(), &[("CORS_ORIGINS", "https://shop.example")]);
    for path in ["/", "/static/js/api.js", "/static/css/app.css", "/sw.js", "/metrics"] {
        let get = |headers: &[(&str, &str)]| send(app.url(), "GET", path, headers, b"");
        let packed = get(&[GZIP]);
        let bytes = unpack(&packed);
        assert!(packed.body.len() < bytes.len(), "{path}");
        if path == "/metrics" {
            continue;
        }
        let plain = get(&[]);
        assert_eq!(plain.body, bytes, "{path}");
        assert_ne!(plain.header("etag"), packed.header("etag"), "{path}");
        // One header, whatever else adds to it.
        assert!(varies(&plain) && varies(&packed), "{path}");
        let tag = packed.header("etag").expect("it has one");
        let known = get(&[("If-None-Match", tag), GZIP]);
        assert_eq!((known.status, known.header("etag")), (304, Some(tag)), "{path}");
        assert_eq!(get(&[("Accept-Encoding", "gzip;q=0")]).header("content-encoding"), None);
    }
    // An answer with a token is no longer or shorter for the text beside it.
    let event = app.create(3);
    let body = json!({"user_email": "ada@example.org", "name": "\u{1f3ab}".repeat(200)});
    let made = app.ask("POST", &format!("/events/{event}/register"), &[GZIP], &body);
    assert!(made.body.len() > 1_024, "it is long enough");
    assert_eq!(made.header("content-encoding"), None);
    assert_eq!(done(&made, 201)["manage_token"].as_str().map(str::len), Some(43));
}
