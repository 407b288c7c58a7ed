//! Every answer is checked against the description of the API, as the program itself serves it: an answer with a
//! status, a type or a header that is not described, with a field that is not, or without one that is, fails the
//! test that got it. So are messages of streams and webhooks.
//!
//! Other answers are recognized and skipped: an address that is not described is a page or unknown, and an answer
//! without our request id is from a proxy or from the framework below.

use super::http::Answer;
use booking_core::CapacityMax;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The methods that the description may have.
const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "PATCH", "DELETE"];

/// Checks an answer of the program to a request.
#[track_caller]
pub fn check(method: &str, target: &str, answer: &Answer) {
    if let Some(fault) = fault(method, target, answer) {
        let body = String::from_utf8_lossy(&answer.body);
        let body: String = body.chars().take(2_000).collect();
        panic!(
            "{method} {target} was answered as is not described: {fault}\n{} {body}",
            answer.status
        );
    }
}

/// How an answer differs from its description, if it does.
pub fn fault(method: &str, target: &str, answer: &Answer) -> Option<String> {
    answer.header("x-request-id")?;
    // `OPTIONS` is for CORS, and other methods are 405 at every address.
    if !METHODS.contains(&method) {
        return None;
    }
    let document = Document::get();
    let (template, item) = document.item(target.split(['?', '#']).next().unwrap_or_default())?;
    let is_head = method == "HEAD";
    let described = if is_head { "get".to_owned() } else { method.to_lowercase() };
    let Some(operation) = item.get(&described) else {
        let is_refused = answer.status >= 400;
        return (!is_refused).then(|| "the address does not have the method".to_owned());
    };
    let Some(response) = operation["responses"].get(answer.status.to_string()) else {
        return Some(format!("{template} does not have the status"));
    };
    if let Some(name) = document.unsaid_header(answer, response) {
        return Some(format!("{template} does not have the header {name} under this status"));
    }
    let content_type = answer.header("content-type");
    let contents = response["content"].as_object();
    let content = match (content_type, contents) {
        (None, None) => return None,
        (Some(kind), Some(contents)) => contents.get(kind),
        (_, _) => None,
    };
    let Some(content) = content else {
        return Some(format!("{template} does not answer {content_type:?} under this status"));
    };
    if is_head || !content_type.is_some_and(|kind| kind.ends_with("json")) {
        return None;
    }
    // A compressed body is checked by the test that decompresses it.
    if answer.header("content-encoding").is_some() {
        return None;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return Some("the body is no JSON".to_owned());
    };
    document.fault(&content["schema"], &body)
}

/// How the data of a stream's message differs from its description, if it does.
pub fn fault_of_seats(data: &Value) -> Option<String> {
    Document::get().fault(&json!({"$ref": "#/components/schemas/Seats"}), data)
}

/// The same about a message to a webhook.
pub fn fault_of_message(body: &Value) -> Option<String> {
    let document = Document::get();
    let kind = body["type"].as_str().unwrap_or_default();
    let Some(sent) = document.webhooks[kind]["post"]["requestBody"].as_object() else {
        return Some(format!("nothing of the type {kind} is described"));
    };
    document.fault(&sent["content"]["application/json"]["schema"], body)
}

/// The described address that matches a path.
pub fn template(path: &str) -> Option<&'static str> {
    Document::get().item(path).map(|(template, _)| template)
}

struct Document {
    /// Each address, split into its parts, and its operations. Those with more literal parts come first.
    items: Vec<(String, Value)>,
    /// The bodies of requests, by their type.
    webhooks: Value,
    components: Value,
    /// The validators by their schema: most answers are of a few kinds.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Document {
    fn get() -> &'static Self {
        static DOCUMENT: OnceLock<Document> = OnceLock::new();
        DOCUMENT.get_or_init(|| {
            let text = booking_http::openapi(CapacityMax::default());
            Self::read(serde_json::from_str(&text).expect("it is JSON"))
        })
    }

    fn read(mut document: Value) -> Self {
        let paths = document["paths"].as_object().expect("there are paths");
        let mut items: Vec<_> =
            paths.iter().map(|(path, item)| (path.clone(), item.clone())).collect();
        items.sort_by_key(|(path, _)| path.matches('{').count());
        let mut components = document["components"].take();
        close(&mut components);
        let webhooks = document["webhooks"].take();
        Self { items, webhooks, components, validators: Mutex::default() }
    }

    /// The address that a path is one of.
    fn item(&self, path: &str) -> Option<(&str, &Value)> {
        let is_it = |(template, _): &&(String, Value)| {
            let (parts, of) = (path.split('/'), template.split('/'));
            let is_part =
                |(part, of): (&str, &str)| part == of || of.starts_with('{') && !part.is_empty();
            parts.clone().count() == of.clone().count() && parts.zip(of).all(is_part)
        };
        self.items.iter().find(is_it).map(|(template, item)| (template.as_str(), item))
    }

    /// A header of an answer that is described for others, and not for this one.
    fn unsaid_header(&self, answer: &Answer, response: &Value) -> Option<&str> {
        let known = self.components["headers"].as_object().expect("there are headers").keys();
        let is_there =
            |name: &str| answer.headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
        let mut there = known.map(String::as_str).filter(|name| is_there(name));
        there.find(|name| response["headers"].get(name).is_none())
    }

    /// How `value` differs from `schema`.
    fn fault(&self, schema: &Value, value: &Value) -> Option<String> {
        let validator = self.validator(schema);
        let errors: Vec<_> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        (!errors.is_empty()).then(|| errors.join("\n"))
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let made = validators.entry(schema.to_string()).or_insert_with(|| {
            let mut root = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": self.components,
            });
            root["allOf"] = json!([schema]);
            let options = jsonschema::options().should_validate_formats(true);
            Arc::new(options.build(&root).expect("it is a schema"))
        });
        Arc::clone(made)
    }
}

/// Refuses undescribed fields in every object. Clients must ignore unknown fields; ours must describe each.
fn close(components: &mut Value) {
    let schemas = components["schemas"].as_object_mut().expect("there are schemas");
    for (name, schema) in schemas {
        // It is of another document.
        if name != "Document" {
            close_objects(schema);
        }
    }
}

fn close_objects(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close_objects);
            if fields.contains_key("properties") {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close_objects),
        _ => {}
    }
}
