//! The actions of clients, each in one call, and checks of their answers.

use super::App;
use super::http::Answer;
use serde_json::{Value, json};

pub fn id(registration: &Value) -> &str {
    registration["id"].as_str().expect("it has an id")
}

pub fn path(registration: &Value) -> String {
    format!("/registrations/{}", id(registration))
}

pub fn token(registration: &Value) -> &str {
    registration["manage_token"].as_str().expect("it has a token")
}

pub fn event(app: &App, event: &str) -> Value {
    app.get(&format!("/events/{event}")).json()
}

/// The answer's body, if it is not a refusal.
#[track_caller]
pub fn done(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

#[track_caller]
pub fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.problem().as_str()), (status, code));
}

pub fn act(app: &App, registration: &Value, what: &str) -> Answer {
    app.ask("POST", &format!("{}/{what}", path(registration)), &[], &Value::Null)
}

pub fn give_up(app: &App, registration: &Value) -> Answer {
    app.ask("DELETE", &path(registration), &[], &Value::Null)
}

pub fn transfer(app: &App, registration: &Value, email: &str) -> Answer {
    app.post(&format!("{}/transfer", path(registration)), &json!({"user_email": email}))
}

pub fn hold(app: &App, event: &str, email: &str) -> Answer {
    app.post(&format!("/events/{event}/holds"), &json!({"user_email": email}))
}

pub fn wait_for(app: &App, event: &str, email: &str) -> Answer {
    let body = json!({"user_email": email, "on_full": "waitlist"});
    app.post(&format!("/events/{event}/register"), &body)
}

/// The text of a confirmed registration's ticket.
pub fn ticket(app: &App, registration: &Value) -> String {
    let ticket = done(&app.get(&format!("{}/ticket", path(registration))), 200);
    ticket["ticket"].as_str().expect("a ticket").to_owned()
}

/// The same, requested by the attendee.
pub fn ticket_as_attendee(app: &App, registration: &Value) -> String {
    let path = format!("{}/ticket", path(registration));
    let ticket = done(&app.ask_as(token(registration), "GET", &path, &Value::Null), 200);
    ticket["ticket"].as_str().expect("a ticket").to_owned()
}

/// The part of a private link that only a browser sees.
pub fn private(registration: &Value) -> String {
    format!("/#{}/{}", path(registration), token(registration))
}

pub fn edit(app: &App, event: &str, body: &Value) -> Answer {
    app.ask("PATCH", &format!("/events/{event}"), &[], body)
}
