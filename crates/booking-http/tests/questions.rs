//! An event's questions and the answers to them, over real HTTP, on both stores.

mod common;

use common::acts::{act, done, event, give_up, hold, path, refused, token};
use common::http::Answer;
use common::{App, Data, make_token};
use serde_json::{Value, json};

on_both_stores! {
    an_event_asks_its_questions
    a_visitor_answers_or_has_no_seat
    answers_are_changed_by_the_seat_s_holder
    an_answered_question_is_retired_and_not_changed
    consents_record_their_wording
    an_invalid_question_is_refused
    only_the_organizer_sees_whether_questions_were_answered
}

fn questions() -> Value {
    json!([
        {"key": "name", "kind": "text", "wording": " Your badge?\r\nOne line. ", "required": true},
        {"key": "diet", "kind": "choice", "wording": "What do you eat?", "options": [
            {"key": "all", "label": " Everything "}, {"key": "vegan", "label": "Plants"},
        ]},
        {"key": "days", "kind": "several", "wording": "When?", "required": null, "options": [
            {"key": "fri", "label": "Friday"}, {"key": "sat", "label": "Saturday"},
        ]},
        {"key": "car", "kind": "yes_no", "wording": "By car?"},
        {"key": "terms", "kind": "consent", "wording": "I agree.", "required": true},
    ])
}

fn set(app: &App, event: &str, questions: &Value) -> Answer {
    app.post(&format!("/events/{event}/questions"), &json!({"questions": questions}))
}

/// An event that asks all of that.
fn asking(app: &App, capacity: u32) -> String {
    let event = app.create(capacity);
    done(&set(app, &event, &questions()), 200);
    event
}

fn come(app: &App, event: &str, email: &str, answers: &Value) -> Answer {
    let body = json!({"user_email": email, "answers": answers});
    app.post(&format!("/events/{event}/register"), &body)
}

/// 400, about these fields.
#[track_caller]
fn invalid(answer: &Answer, pointers: &[&str]) {
    refused(answer, 400, "validation");
    let errors = answer.json();
    let errors = errors["errors"].as_array().expect("it says what").iter();
    let reported: Vec<_> =
        errors.map(|error| error["pointer"].as_str().expect("a pointer")).collect();
    assert_eq!(reported, pointers);
}

fn as_holder(app: &App, of: &Value, method: &str, path: &str, body: &Value) -> Answer {
    app.ask_as(token(of), method, path, body)
}

fn an_event_asks_its_questions(data: Data) {
    let app = App::start(data);
    let concert = app.create(9);
    assert_eq!(event(&app, &concert)["has_questions"], false);
    let path = format!("/events/{concert}/questions");
    assert_eq!(app.get(&path).json(), json!([]));
    let asked = done(&set(&app, &concert, &questions()), 200);
    assert_eq!((&asked["has_questions"], &asked["version"]), (&json!(true), &json!(2)));
    assert_eq!(event(&app, &concert), asked);
    let shown = app.get(&path).json();
    let shown = shown.as_array().expect("an array");
    let keys: Vec<_> = shown.iter().map(|one| one["key"].as_str().expect("a key")).collect();
    assert_eq!(keys, ["name", "diet", "days", "car", "terms"]);
    let first = (&shown[0]["wording"], &shown[0]["required"], &shown[0]["version"]);
    assert_eq!(first, (&json!("Your badge?\nOne line."), &json!(true), &json!(1)));
    assert_eq!(shown[1]["options"][0], json!({"key": "all", "label": "Everything"}));
    assert_eq!((&shown[3]["options"], &shown[3]["required"]), (&json!([]), &json!(false)));

    // Done twice, and for a state that is over.
    assert_eq!(done(&set(&app, &concert, &questions()), 200), asked);
    let none = json!({"questions": []});
    let stale = app.ask("POST", &path, &[("If-Match", "\"1\"")], &none);
    refused(&stale, 412, "version_mismatch");
    assert_eq!(done(&app.post(&path, &none), 200)["has_questions"], false);
    assert_eq!(app.get(&path).json(), json!([]));
    let nowhere = "00000000-0000-7000-8000-000000000000";
    refused(&set(&app, nowhere, &questions()), 404, "not_found");
    refused(&app.get(&format!("/events/{nowhere}/questions")), 404, "not_found");
    app.assert_audit_is_clean();
}

fn a_visitor_answers_or_has_no_seat(data: Data) {
    let app = App::start(data);
    let concert = asking(&app, 9);
    let ada = "ada@example.org";
    invalid(&app.register(&concert, ada), &["/answers/name"]);
    let good = json!({
        "name": " Ada ", "diet": "vegan", "days": ["sat", "fri", "sat"], "car": false, "terms": 1,
    });
    let with = |name: &str, answer: Value| {
        let mut answers = good.clone();
        answers[name] = answer;
        answers
    };
    for (name, answer) in [
        ("name", json!(true)),
        ("name", Value::Null),
        ("name", json!(" \u{200b} ")),
        ("diet", json!("meat")),
        ("days", json!(["sun"])),
        ("car", json!("no")),
        ("terms", json!(2)),
        ("terms", json!(true)),
        ("age", json!("7")),
        // These no event could ask.
        ("Age", json!("7")),
        ("car", json!(1.5)),
        ("name", json!("a\u{0}b")),
    ] {
        let refused = come(&app, &concert, ada, &with(name, answer.clone()));
        invalid(&refused, &[&format!("/answers/{name}")]);
    }
    invalid(&come(&app, &concert, ada, &json!([])), &["/answers"]);
    assert_eq!(event(&app, &concert)["booked_count"], 0);

    let seat = done(&come(&app, &concert, ada, &good), 201);
    let stored = json!({
        "name": "Ada", "diet": "vegan", "days": ["fri", "sat"], "car": false, "terms": 1,
    });
    assert_eq!(seat["answers"], stored);
    let read = as_holder(&app, &seat, "GET", &path(&seat), &Value::Null).json();
    assert_eq!(read["answers"], stored);
    let listed = app.get(&format!("/events/{concert}/registrations")).json();
    assert_eq!(listed[0]["answers"], stored);

    // A hold can be answered when it is confirmed.
    let held = done(&hold(&app, &concert, "grace@example.org"), 201);
    assert!(held.get("answers").is_none(), "{held}");
    invalid(&act(&app, &held, "confirm"), &["/answers/name"]);
    let confirm = format!("{}/confirm", path(&held));
    let partly = json!({"answers": {"name": "Grace"}});
    invalid(&app.post(&confirm, &partly), &["/answers/terms"]);
    let all = json!({"answers": {"name": "Grace", "terms": 1}});
    let seat = done(&app.post(&confirm, &all), 200);
    assert_eq!((&seat["status"], &seat["answers"]), (&json!("confirmed"), &all["answers"]));
    assert_eq!(done(&act(&app, &held, "confirm"), 200)["answers"], all["answers"]);

    // Without questions everything is as ever.
    let silent = app.create(2);
    let seat = done(&app.register(&silent, ada), 201);
    assert!(seat.get("answers").is_none(), "{seat}");
    invalid(&come(&app, &silent, "grace@example.org", &json!({"diet": "all"})), &["/answers/diet"]);
    app.assert_audit_is_clean();
}

fn answers_are_changed_by_the_seat_s_holder(data: Data) {
    let app = App::start(data);
    let concert = asking(&app, 9);
    let given = json!({"name": "Ada", "terms": 1, "diet": "all"});
    let seat = done(&come(&app, &concert, "ada@example.org", &given), 201);
    let change = |answers: Value| {
        as_holder(&app, &seat, "PATCH", &path(&seat), &json!({"answers": answers}))
    };
    let changed = done(&change(json!({"diet": null, "car": true, "name": "A. L."})), 200);
    assert_eq!(changed["answers"], json!({"name": "A. L.", "terms": 1, "car": true}));
    invalid(&change(json!({"terms": null})), &["/answers/terms"]);
    invalid(&change(json!({"diet": "meat"})), &["/answers/diet"]);
    let again = done(&change(json!({"car": true})), 200);
    assert_eq!(again, changed, "it is so already");
    let named = as_holder(&app, &seat, "PATCH", &path(&seat), &json!({"name": "Ada"}));
    assert_eq!(done(&named, 200)["answers"], changed["answers"], "what is left out stays");

    let transfer = format!("{}/transfer", path(&seat));
    let body = json!({"user_email": "grace@example.org", "answers": {"diet": "vegan"}});
    let given = done(&as_holder(&app, &seat, "POST", &transfer, &body), 200);
    assert_eq!(given["answers"], json!({"diet": "vegan"}), "nobody's but whose it is");
    done(&give_up(&app, &given), 200);
    app.assert_audit_is_clean();
}

fn an_answered_question_is_retired_and_not_changed(data: Data) {
    let app = App::start(data);
    let concert = app.create(9);
    let path = format!("/events/{concert}/questions");
    let asks = |wording: &str| json!([{"key": "diet", "kind": "text", "wording": wording}]);
    done(&set(&app, &concert, &asks("What do you eat?")), 200);
    done(&set(&app, &concert, &asks("What do you like to eat?")), 200);
    let seat = done(&come(&app, &concert, "ada@example.org", &json!({"diet": "Plants"})), 201);
    let answer = set(&app, &concert, &asks("What do you drink?"));
    refused(&answer, 409, "question_answered");
    assert!(answer.json()["detail"].as_str().is_some_and(|detail| detail.contains("diet")));
    let version = event(&app, &concert)["version"].clone();
    let retired = done(&set(&app, &concert, &json!([])), 200);
    assert_eq!(retired["has_questions"], false);
    assert_ne!(retired["version"], version);
    let stored = app.get(&path).json();
    assert_eq!((&stored[0]["retired"], &stored[0]["answered"]), (&json!(true), &json!(true)));
    let read = as_holder(&app, &seat, "GET", &common::acts::path(&seat), &Value::Null).json();
    assert_eq!(read["answers"], json!({"diet": "Plants"}));
    done(&app.register(&concert, "grace@example.org"), 201);
    app.assert_audit_is_clean();
}

fn consents_record_their_wording(data: Data) {
    let app = App::start(data);
    let concert = app.create(9);
    let asks = |wording: &str| {
        let consent =
            json!({"key": "film", "kind": "consent", "wording": wording, "required": true});
        set(&app, &concert, &json!([consent]))
    };
    done(&asks("I may be seen."), 200);
    let first = done(&come(&app, &concert, "ada@example.org", &json!({"film": 1})), 201);
    done(&asks("I may be filmed."), 200);
    let outdated = come(&app, &concert, "grace@example.org", &json!({"film": 1}));
    invalid(&outdated, &["/answers/film"]);
    let detail = outdated.json()["errors"][0]["detail"].clone();
    assert!(detail.as_str().is_some_and(|detail| detail.contains("version 2")), "{detail}");
    done(&come(&app, &concert, "grace@example.org", &json!({"film": 2})), 201);
    let stored = app.get(&format!("/events/{concert}/questions")).json();
    assert_eq!(
        (&stored[0]["version"], &stored[0]["wording"]),
        (&json!(2), &json!("I may be filmed."))
    );
    let former = &stored[0]["former_wordings"][0];
    assert_eq!((&former["version"], &former["wording"]), (&json!(1), &json!("I may be seen.")));
    let read = as_holder(&app, &first, "GET", &path(&first), &Value::Null).json();
    assert_eq!(read["answers"], json!({"film": 1}));
}

fn an_invalid_question_is_refused(data: Data) {
    let app = App::start(data);
    let concert = app.create(9);
    let one = json!({"key": "a", "kind": "text", "wording": "A?"});
    let with = |name: &str, value: Value| {
        let mut question = one.clone();
        question[name] = value;
        question
    };
    let options = json!([{"key": "a", "label": "A"}, {"key": "a", "label": "B"}]);
    for (question, pointer) in [
        (with("key", json!("A b")), "/questions/0/key"),
        (with("kind", json!("date")), "/questions/0/kind"),
        (with("wording", json!(" ")), "/questions/0/wording"),
        (with("wording", json!("x".repeat(2_001))), "/questions/0/wording"),
        (with("required", json!(1)), "/questions/0/required"),
        (with("options", json!([{"key": "a", "label": "A"}])), "/questions/0/options"),
        (with("kind", json!("choice")), "/questions/0/options"),
        (
            json!({"key": "a", "kind": "choice", "wording": "A?", "options": options}),
            "/questions/0/options",
        ),
        (with("more", json!(1)), "/questions/0/more"),
        (json!(7), "/questions/0"),
    ] {
        invalid(&set(&app, &concert, &json!([question])), &[pointer]);
    }
    invalid(&set(&app, &concert, &json!([one, one])), &["/questions"]);
    let many: Vec<_> = (0..21).map(|number| with("key", json!(format!("q{number}")))).collect();
    invalid(&set(&app, &concert, &json!(many)), &["/questions"]);
    done(&set(&app, &concert, &json!(many[..20])), 200);
    let answers: serde_json::Map<String, Value> =
        (0..9).map(|number| (format!("q{number}"), json!("x".repeat(1_000)))).collect();
    let too_long = come(&app, &concert, "ada@example.org", &Value::Object(answers));
    invalid(&too_long, &["/answers"]);
}

fn only_the_organizer_sees_whether_questions_were_answered(data: Data) {
    let organizer = make_token(&data, "Jazz club");
    let app = App::start(data);
    let body = json!({"name": "Jazz", "capacity": 3});
    let concert = done(&app.ask_as(&organizer, "POST", "/events", &body), 201);
    let path = format!("/events/{}/questions", concert["id"].as_str().expect("an id"));
    let one =
        json!({"questions": [{"key": "a", "kind": "text", "wording": "A?", "required": true}]});
    refused(&app.post(&path, &one), 401, "unauthenticated");
    done(&app.ask_as(&organizer, "POST", &path, &one), 200);
    let seen = app.get(&path).json();
    assert!(seen[0].get("answered").is_none() && seen[0].get("former_wordings").is_none());
    let own = app.ask_as(&organizer, "GET", &path, &Value::Null).json();
    assert_eq!((&own[0]["answered"], &own[0]["retired"]), (&json!(false), &json!(false)));
    // An organizer who registers a guest need not know their answers.
    let register = path.replace("questions", "register");
    let seat = json!({"user_email": "ada@example.org"});
    let seat = done(&app.ask_as(&organizer, "POST", &register, &seat), 201);
    assert_eq!(seat["status"], "confirmed");
    invalid(&app.post(&register, &json!({"user_email": "grace@example.org"})), &["/answers/a"]);
}
