//! Problems are in the language that the client accepts.

use crate::common::http::{self, Answer};
use crate::common::{App, Data};
use serde_json::json;

fn ask(app: &App, headers: &[(&str, &str)]) -> Answer {
    http::send(app.url(), "GET", "/nothing", headers, b"")
}

/// The title of a problem, and the language in its header.
fn title_and_language(answer: &Answer) -> (String, Option<&str>) {
    assert_eq!((answer.status, answer.problem().as_str()), (404, "not_found"));
    let title = answer.json()["title"].as_str().expect("it has one").to_owned();
    (title, answer.header("content-language"))
}

#[test]
fn problems_are_in_the_requested_language() {
    let app = App::start(Data::sqlite());
    for (accepted, title, language) in [
        ("de-AT, en;q=0.8", "Nicht gefunden", "de"),
        ("en-GB, de;q=0.8", "Not found", "en"),
        ("fr", "Not found", "en"),
        ("de;q=0", "Not found", "en"),
    ] {
        let answer = ask(&app, &[("Accept-Language", accepted)]);
        assert_eq!(title_and_language(&answer), (title.to_owned(), Some(language)), "{accepted}");
        assert_eq!(answer.header("vary"), Some("Accept-Language"), "{accepted}");
    }
    assert_eq!(title_and_language(&ask(&app, &[])), ("Not found".to_owned(), Some("en")));

    let body = json!({"name": " ", "capacity": 0});
    let german = app.ask("POST", "/events", &[("Accept-Language", "de")], &body);
    assert_eq!((german.status, german.problem().as_str()), (400, "validation"));
    let errors = german.json()["errors"].as_array().expect("there are errors").clone();
    let mut details: Vec<_> = errors.iter().map(|error| error["detail"].as_str()).collect();
    details.sort_unstable();
    let expected = ["darf nicht leer sein", "muss eine ganze Zahl von 1 bis 100000 sein"];
    assert_eq!(details, expected.map(Some));
    // Answers that are no problems are the same in every language.
    let made = app.ask(
        "POST",
        "/events",
        &[("Accept-Language", "de")],
        &json!({"name": "Jazz", "capacity": 1}),
    );
    assert_eq!((made.status, made.header("content-language")), (201, None));
}

#[test]
fn vary_names_the_language_beside_other_headers() {
    let app = App::start_with(Data::sqlite(), &[("CORS_ORIGINS", "https://shop.example")]);
    let answer = ask(&app, &[("Origin", "https://shop.example"), ("Accept-Language", "de")]);
    let vary = answer.header("vary").expect("it depends on both");
    assert!(vary.contains("Origin") && vary.contains("Accept-Language"), "{vary}");
}
