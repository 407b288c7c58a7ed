//! An event's questions.

use super::event;
use crate::api::openapi::document::EVENTS;
use crate::api::openapi::operation::{Answer, Auth, Operation};
use crate::api::requests::SetQuestions;
use crate::api::responses::QuestionBody;
use crate::problem::shape;
use actix_web::http::StatusCode;
use serde_json::json;

pub(in crate::routes) fn show() -> Operation {
    let description =
        "What it asks, in its order; for its organizer also what it has asked that was answered";
    Operation::new("list_questions", EVENTS, "What an event asks of those who come")
        .answers(Answer::list::<QuestionBody<'_>>(StatusCode::OK, description))
}

pub(in crate::routes) fn set() -> Operation {
    Operation::new("set_questions", EVENTS, "Says what an event asks of those who come")
        .described(
            "All of it, in its order: what is left out is asked no more. A question that somebody has answered can be \
             left out, asked again, and be required or not; it cannot be made another. A consent can have another \
             wording, which has another `version`: whoever agreed to one before has agreed to that.",
        )
        .auth(Auth::Organizer)
        .header("If-Match", "Up to 16 tags of states of which the event must be in one, or `*`")
        .takes::<SetQuestions>(json!({"questions": [
            {"key": "diet", "kind": "choice", "wording": "What do you eat?", "options": [
                {"key": "all", "label": "Everything"},
                {"key": "vegan", "label": "Nothing of animals"},
            ]},
            {"key": "terms", "kind": "consent", "wording": "I agree to be filmed.", "required": true},
        ]}))
        .answers(event("The event as it is now"))
        .refuses(&[shape::QUESTION_ANSWERED, shape::CLOSED, shape::VERSION_MISMATCH])
}
