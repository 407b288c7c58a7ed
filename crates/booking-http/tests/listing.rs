//! The organizer and the contact of an event, and unlisted events, over real HTTP, on both stores.

mod common;

use common::acts::{done, edit, event, id};
use common::http::{Answer, send};
use common::{App, Data, make_token, make_token_with};
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::{Duration, Instant};

on_both_stores! {
    the_organizer_is_named_wherever_the_event_is_shown
    a_contact_is_an_address_or_a_page_and_no_longer_than_it_may_be
    an_unlisted_event_is_found_by_its_address_alone
    pages_are_full_whatever_is_filtered_out
}

fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    String::from_utf8(answer.body.clone()).expect("it is UTF-8")
}

fn linked_data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/ld+json\">").expect("it is there");
    let (linked, _) = rest.split_once("</script>").expect("it ends");
    serde_json::from_str(linked).expect("JSON-LD is JSON")
}

fn the_organizer_is_named_wherever_the_event_is_shown(data: Data) {
    let organizer = make_token(&data, "The account");
    let app = App::start(data);
    let body = json!({
        "name": "Jazz", "capacity": 3, "starts_at": "2099-05-01T19:00:00Z",
        "organizer_name": "  Jazz <b>Club</b> ", "contact": " Club@B\u{fc}cher.Example ",
    });
    let made = done(&app.ask_as(&organizer, "POST", "/events", &body), 201);
    let path = format!("/events/{}", id(&made));
    let change = |body: Value| done(&app.ask_as(&organizer, "PATCH", &path, &body), 200);
    let calendar = || text(&app.get(&format!("{path}/calendar.ics"))).replace("\r\n ", "");
    let page = || text(&app.get(&format!("/e/{}", id(&made))));

    let address = "club@xn--bcher-kva.example";
    assert_eq!(made["organizer_name"], "Jazz <b>Club</b>");
    assert_eq!(made["contact"], address);
    assert_eq!(event(&app, id(&made)), made);
    let shown = page();
    let link = format!(
        "<bdi>Jazz &lt;b&gt;Club&lt;/b&gt;</bdi> · <a href=\"mailto:{address}\" rel=\"noopener noreferrer\">{address}</a>"
    );
    assert!(shown.contains(&link), "{shown}");
    assert_eq!(
        linked_data(&shown)["organizer"],
        json!({"@type": "Organization", "name": "Jazz <b>Club</b>", "email": address})
    );
    let said = format!("\r\nORGANIZER;CN=\"Jazz <b>Club</b>\":mailto:{address}\r\n");
    assert!(calendar().contains(&said), "{}", calendar());

    // It is sent as any other change of what people see.
    let before = calendar();
    let changed = change(json!({"contact": "https://Jazz.example/ask?a=b&c='\"><script>"}));
    let url = "https://jazz.example/ask?a=b&c=%27%22%3E%3Cscript%3E";
    assert_eq!((&changed["contact"], &changed["version"]), (&json!(url), &json!(2)));
    let shown = page();
    let (_, after) =
        shown.split_once("</bdi> · <a href=\"https://jazz.example").expect("it is there");
    let (link, _) = after.split_once("</a>").expect("it ends");
    assert!(link.ends_with("\" rel=\"noopener noreferrer\">Contact"), "{link}");
    assert!(!link.contains("<script"), "{link}");
    assert_eq!(linked_data(&shown)["organizer"]["url"], url);
    assert_eq!(linked_data(&shown)["organizer"]["email"], Value::Null);
    let said =
        "\r\nCONTACT:Jazz <b>Club</b>\\, https://jazz.example/ask?a=b&c=%27%22%3E%3Cscript%3E\r\n";
    assert!(calendar().contains(said) && !calendar().contains("ORGANIZER"), "{}", calendar());
    let changed_at = |text: &str| {
        let (_, rest) = text.split_once("LAST-MODIFIED:").expect("it is there");
        rest.split_once("\r\n").expect("it ends").0.to_owned()
    };
    assert!(changed_at(&calendar()) >= changed_at(&before));
    assert!(calendar().contains("\r\nSEQUENCE:0\r\n"), "nobody has to be elsewhere");

    // Null empties it; then search engines get only the account's name.
    let copied = done(&app.ask_as(&organizer, "POST", &format!("{path}/copy"), &json!({})), 201);
    assert_eq!(
        (&copied["organizer_name"], &copied["contact"]),
        (&made["organizer_name"], &json!(url))
    );
    let cleared = change(json!({"organizer_name": null, "contact": null}));
    assert_eq!((&cleared["organizer_name"], &cleared["contact"]), (&Value::Null, &Value::Null));
    let shown = page();
    assert!(!shown.contains("<dt>By</dt>"), "{shown}");
    assert_eq!(
        linked_data(&shown)["organizer"],
        json!({"@type": "Organization", "name": "The account"})
    );
    assert!(!calendar().contains("CONTACT") && !calendar().contains("ORGANIZER"));
    // A field that is left out stays as it is.
    change(json!({"organizer_name": "Jazz Club"}));
    assert_eq!(change(json!({"name": "Blues"}))["organizer_name"], "Jazz Club");
    assert!(calendar().contains("\r\nCONTACT:Jazz Club\r\n"));
}

fn a_contact_is_an_address_or_a_page_and_no_longer_than_it_may_be(data: Data) {
    let app = App::start(data);
    let create = |more: Value| {
        let mut body = json!({"name": "Jazz", "capacity": 3});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        app.post("/events", &body)
    };
    let url = |bytes: usize| format!("https://example.org/{}", "x".repeat(bytes - 20));
    for good in
        [json!({"organizer_name": "é".repeat(200), "contact": url(500)}), json!({"unlisted": true})]
    {
        done(&create(good.clone()), 201);
    }
    let concert = app.create(3);
    for (name, value) in [
        ("organizer_name", json!("é".repeat(201))),
        ("organizer_name", json!(" \u{200b}")),
        ("organizer_name", json!("a\nb")),
        ("organizer_name", json!(7)),
        ("contact", json!(url(501))),
        ("contact", json!("é".repeat(260))),
        ("contact", json!(" ")),
        ("contact", json!("example.org")),
        ("contact", json!("javascript:alert(1)")),
        ("contact", json!("JavaScript://example.org/%0aalert(1)")),
        ("contact", json!("data:text/html,x@example.org/")),
        ("contact", json!("tel:+4930123456")),
        ("contact", json!("https://ada:secret@example.org/")),
        ("contact", json!("https://example.org/\u{7}")),
        ("contact", json!(["a@example.org"])),
        ("unlisted", json!("yes")),
    ] {
        let pointer = format!("/{name}");
        for answer in [create(json!({name: value})), edit(&app, &concert, &json!({name: value}))] {
            assert_eq!((answer.status, answer.pointers()), (400, vec![pointer.clone()]), "{value}");
        }
    }
    let answer = edit(&app, &concert, &json!({"unlisted": null}));
    assert_eq!((answer.status, answer.pointers()), (400, vec!["/unlisted".to_owned()]));
    assert_eq!(event(&app, &concert)["version"], 1);
}

/// The names of the events that an answer lists.
fn names(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let events = answer.json();
    let events = events.as_array().expect("an array").iter();
    events.map(|event| event["name"].as_str().expect("a name").to_owned()).collect()
}

fn an_unlisted_event_is_found_by_its_address_alone(data: Data) {
    let club = make_token(&data, "Jazz club");
    let other = make_token(&data, "Blues club");
    let app = App::start(data);
    let create = |token: &str, name: &str, unlisted: bool| {
        let body = json!({
            "name": name, "capacity": 3, "starts_at": "2099-05-01T19:00:00Z", "unlisted": unlisted,
        });
        let made = done(&app.ask_as(token, "POST", "/events", &body), 201);
        assert_eq!(made["unlisted"], unlisted);
        id(&made).to_owned()
    };
    let open = create(&club, "Open jazz", false);
    let hidden = create(&club, "Hidden jazz", true);
    create(&other, "Hidden blues", true);

    let lists = [
        "/events",
        "/events?sort=starts_at",
        "/events?when=upcoming",
        "/events?q=jazz",
        "/events?from=2099-01-01T00:00:00Z",
    ];
    for list in lists {
        assert_eq!(names(&app.get(list)), ["Open jazz"], "{list}");
        let mut own = names(&app.ask_as(&club, "GET", list, &Value::Null));
        own.sort_unstable();
        assert_eq!(own, ["Hidden jazz", "Open jazz"], "{list}");
        let mut others = names(&app.ask_as(&other, "GET", list, &Value::Null));
        others.retain(|name| name != "Hidden blues");
        assert_eq!(others, [] as [&str; 0], "{list}");
    }
    for path in ["/", "/?q=jazz", "/?when=upcoming&from=2099-01-01", "/events.ics"] {
        let page = text(&app.get(path));
        assert!(page.contains("Open jazz") && !page.contains("Hidden"), "{path}: {page}");
    }

    // A visitor with its address finds it as any other, but search engines do not.
    assert_eq!(done(&app.get(&format!("/events/{hidden}")), 200)["unlisted"], true);
    let noindex = "<meta name=\"robots\" content=\"noindex\" />";
    for (event, is_left_out) in [(&open, false), (&hidden, true)] {
        let page = text(&app.get(&format!("/e/{event}")));
        assert_eq!(page.contains(noindex), is_left_out, "{page}");
        assert!(page.contains("<form"), "{page}");
        text(&app.get(&format!("/events/{event}/calendar.ics")));
        done(&app.register(event, "ada@example.org"), 201);
    }
    // A token that is for it alone finds it, too.
    let few = make_token_with(&app.data, "Jazz club", &["--role", "door", "--event", &hidden]);
    let began = Instant::now();
    while app.ask_as(&few.secret, "GET", "/organizer", &Value::Null).status != 200 {
        assert!(began.elapsed() < Duration::from_secs(60), "the token is never known");
        sleep(Duration::from_millis(100));
    }
    for list in lists {
        let found = names(&app.ask_as(&few.secret, "GET", list, &Value::Null));
        assert_eq!(found, ["Hidden jazz"], "{list}");
    }
    // It is no news for attendees, and can be taken back.
    let path = format!("/events/{hidden}");
    let calendar = || text(&app.get(&format!("{path}/calendar.ics")));
    let before = calendar();
    let listed = done(&app.ask_as(&club, "PATCH", &path, &json!({"unlisted": false})), 200);
    assert_eq!(listed["unlisted"], false);
    assert_eq!(calendar(), before);
    assert_eq!(names(&app.get("/events")), ["Hidden jazz", "Open jazz"]);
    assert!(!text(&app.get(&format!("/e/{hidden}"))).contains(noindex));
    app.assert_audit_is_clean();
}

fn pages_are_full_whatever_is_filtered_out(data: Data) {
    let club = make_token(&data, "Jazz club");
    let app = App::start(data);
    for number in 0..12 {
        // Two of three.
        let body = json!({
            "name": format!("Jazz {number:02}"), "capacity": 3, "unlisted": number % 3 != 0,
            "starts_at": format!("2099-05-{:02}T19:00:00Z", number + 1),
        });
        done(&app.ask_as(&club, "POST", "/events", &body), 201);
    }
    let soonest = ["Jazz 00", "Jazz 03", "Jazz 06", "Jazz 09"];
    let newest: Vec<_> = soonest.into_iter().rev().collect();
    for (list, expected) in [
        ("/events?limit=2", &newest[..]),
        ("/events?limit=2&sort=starts_at", &soonest[..]),
        ("/events?limit=2&q=jazz", &soonest[..]),
    ] {
        let (mut found, mut path) = (Vec::new(), list.to_owned());
        loop {
            let answer = send(app.url(), "GET", &path, &[], b"");
            let page = names(&answer);
            let next = answer
                .header("link")
                .and_then(|link| Some(link.split_once('<')?.1.split_once('>')?.0.to_owned()));
            assert!(page.len() == 2 || next.is_none(), "{path} has a gap: {page:?}");
            found.extend(page);
            match next {
                Some(next) => path = next,
                None => break,
            }
        }
        assert_eq!(found, expected, "{list}");
        let own = app.ask_as(&club, "GET", &list.replace("limit=2", "limit=100"), &Value::Null);
        assert_eq!(names(&own).len(), 12, "{list}");
    }
}
