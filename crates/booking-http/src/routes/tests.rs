//! The route table and the description of the API are one.

use super::*;
use crate::extract::fields::tests::taken_by;
use crate::problem::shape;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::openapi::{RefOr, Schema};

fn described() -> Value {
    serde_json::from_str(&openapi(CapacityMax::default())).expect("JSON")
}

/// Every value of this key, at any depth.
fn all<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(name));
            fields.values().for_each(|field| all(field, name, found));
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, name, found)),
        _ => {}
    }
}

/// The operations by their methods and paths.
fn operations(document: &Value) -> BTreeMap<(&str, &str), &Value> {
    let paths = document["paths"].as_object().expect("there are paths");
    let each = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("it has methods").iter();
        methods.map(move |(method, operation)| ((method.as_str(), path.as_str()), operation))
    });
    each.collect()
}

#[test]
fn the_document_is_openapi_3_1_and_leads_nowhere_else() {
    let document = described();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut references = Vec::new();
    all(&document, "$ref", &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
        let pointer = pointer.expect("it leads into the document");
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn every_method_of_every_address_is_described() {
    let document = described();
    let documented = operations(&document);
    let mut served = 0;
    for endpoint in table() {
        assert!(!endpoint.operations.is_empty(), "{} has no method", endpoint.path);
        for (method, _) in &endpoint.operations {
            let method = name(method).split(',').next().expect("there is one").to_lowercase();
            let operation = documented.get(&(method.as_str(), endpoint.path));
            let operation = operation.expect("it is in the document");
            for text in ["operationId", "summary"] {
                assert!(operation[text].as_str().is_some_and(|text| !text.is_empty()));
            }
            served += 1;
        }
    }
    assert_eq!(served, documented.len());
    let ids: BTreeSet<_> =
        documented.values().map(|documented| documented["operationId"].as_str()).collect();
    assert_eq!(ids.len(), documented.len(), "two have one name");
}

#[test]
fn no_operation_is_without_a_route() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/routes/operations");
    let files = std::fs::read_dir(folder).expect("the folder is there");
    let sources = files.map(|file| {
        std::fs::read_to_string(file.expect("it can be read").path()).expect("it is text")
    });
    let written: usize = sources.map(|text| text.matches("pub(in crate::routes) fn").count()).sum();
    let served: usize = table().iter().map(|endpoint| endpoint.operations.len()).sum();
    assert_eq!(written, served);
}

#[test]
fn queries_are_described_as_they_are_read() {
    let document = described();
    let documented = operations(&document);
    for endpoint in table() {
        let Some(read) = documented.get(&("get", endpoint.path)) else {
            assert!(endpoint.queries.0.is_empty(), "{} is never read", endpoint.path);
            continue;
        };
        let parameters = read["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let queries = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let names: BTreeSet<_> = queries.filter_map(|query| query["name"].as_str()).collect();
        let known: BTreeSet<_> = endpoint.queries.0.iter().copied().collect();
        assert_eq!(names, known, "{}", endpoint.path);
    }
}

#[test]
fn every_code_of_a_problem_is_named_by_an_operation() {
    let known: BTreeSet<_> = shape::ALL.iter().map(|shape| shape.code).collect();
    assert_eq!(known.len(), shape::ALL.len());
    // Every text there is a code or a title, and titles begin with a capital.
    let source = include_str!("../problem/shape.rs").split('"').skip(1).step_by(2);
    let is_code = |text: &&str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let written: BTreeSet<_> = source.filter(is_code).collect();
    assert_eq!(known, written, "shape::ALL, and what there is");
    let document = described();
    let mut named = BTreeSet::new();
    for operation in operations(&document).values() {
        let mut codes = Vec::new();
        all(&operation["responses"], "enum", &mut codes);
        let codes = codes.into_iter().filter_map(Value::as_array).flatten();
        named.extend(codes.filter_map(Value::as_str));
    }
    // A method that an address does not have belongs to no operation.
    named.insert("method_not_allowed");
    assert_eq!(named, known);
}

#[test]
fn bodies_are_described_as_they_are_read() {
    let operations = table().into_iter().flat_map(Endpoint::describe);
    let samples: Vec<_> = operations.filter_map(|(_, _, documented)| documented.sample()).collect();
    assert!(samples.len() >= 8);
    for sample in samples {
        let RefOr::T(Schema::Object(schema)) = &sample.schema else {
            panic!("a body is an object");
        };
        let mut refused = Ok(());
        let taken = taken_by(|| refused = (sample.read)(b"{}"));
        let taken: BTreeSet<_> = taken.iter().map(String::as_str).collect();
        let described: Vec<_> = schema.properties.keys().map(|name| format!("/{name}")).collect();
        let described: BTreeSet<_> = described.iter().map(String::as_str).collect();
        assert_eq!(taken, described);
        let missing = match refused {
            Ok(()) => Vec::new(),
            Err(ApiError::Validation(errors)) => errors,
            Err(other) => panic!("{other}"),
        };
        let missing: BTreeSet<_> = missing.into_iter().map(|error| error.pointer).collect();
        let required: BTreeSet<_> = schema.required.iter().map(|name| format!("/{name}")).collect();
        assert_eq!(missing, required);
        let read = (sample.read)(sample.example.to_string().as_bytes());
        assert!(read.is_ok(), "{}: {read:?}", sample.example);
    }
}

/// The part between two texts.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to}")).0
}

#[test]
fn pages_that_scripts_fill_are_where_scripts_look_for_them() {
    let source = include_str!("../../static/js/address.js");
    let quoted = |text: &'static str| text.split('"').skip(1).step_by(2);
    // The list has a page of its own.
    let single = between(source, "const SINGLE = {", "}");
    let mut known: BTreeSet<_> =
        quoted(single).filter(|path| *path != "/").map(str::to_owned).collect();
    let parts = between(source, "const PARTS = {", "}").split(',');
    let names: Vec<_> = parts.map(|part| part.split(':').next().unwrap_or(part).trim()).collect();
    assert!(known.len() > 3 && names.contains(&"desk"), "{known:?}, {names:?}");
    known.extend(names.iter().map(|name| format!("/o/e/{{id}}/{name}")));
    // Scripts strip a trailing slash.
    known.extend(["/o/", "/r/{id}"].map(str::to_owned));
    assert_eq!(pages::SHELLS.map(str::to_owned).into_iter().collect::<BTreeSet<_>>(), known);
}

#[test]
fn an_address_below_the_api_s_paths_is_the_api_s() {
    for path in
        ["/events", "/events/1/2/3", "/live/", "/webhooks/1/2/3", "//events", "/openapi.json"]
    {
        assert!(is_of_api(path), "{path}");
    }
    for path in
        ["", "/", "/nowhere", "/event", "/eventsx/1", "/e/1/2", "/static/js/x.js", "/o/none"]
    {
        assert!(!is_of_api(path), "{path}");
    }
}

#[test]
fn capacities_end_where_the_setting_says() {
    let max = CapacityMax::parse(7_000_000).expect("it is possible");
    let document: Value = serde_json::from_str(&openapi(max)).expect("JSON");
    for body in ["CreateEvent", "EditEvent"] {
        let capacity = &document["components"]["schemas"][body]["properties"]["capacity"];
        assert_eq!(capacity["maximum"], 7_000_000, "{body}");
        assert_eq!(capacity["minimum"], 1, "{body}");
    }
}
