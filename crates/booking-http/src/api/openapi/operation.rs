//! One method of one address: its access, its parameters and body, its answers.

use crate::api::openapi::schemas::{string, text, uuid};
use crate::extract::body::FromBody;
use crate::extract::idempotency_key::KEY_BYTES_MAX;
use crate::problem::Problem;
use crate::problem::shape::{self, Shape};
use actix_web::http::StatusCode;
use booking_core::Role;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::{
    AllOfBuilder, ArrayBuilder, Content, ContentBuilder, HttpMethod, ObjectBuilder, OneOfBuilder,
    Ref, RefOr, Required, Response, ResponseBuilder, Schema, SecurityRequirement,
};

/// Schemas by their names.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// The security scheme of an organizer's token.
pub(crate) const ORGANIZER: &str = "organizer";
/// That of a registration's.
pub(crate) const MANAGE_TOKEN: &str = "manage_token";

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// How a request authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    /// No token: one is ignored.
    None,
    /// No token, or an organizer's, who sees more.
    Optional,
    /// The organizer's.
    Organizer,
    /// The registration's, or its event's organizer's.
    Registration,
}

/// One method of one address, as it is described.
pub(crate) struct Operation {
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: &'static str,
    auth: Auth,
    role: Option<Role>,
    is_probe: bool,
    needs_store: bool,
    stores_answers: bool,
    body: Option<Body>,
    parameters: Vec<Parameter>,
    answers: Vec<Answer>,
    problems: Vec<&'static Shape>,
    schemas: Schemas,
}

/// The body of a request.
struct Body {
    content_type: &'static str,
    schema: RefOr<Schema>,
    example: Value,
    is_required: bool,
    /// Of one that has fields.
    #[cfg(test)]
    sample: Option<Sample>,
}

/// The parser of a body, with the schema and the example that have to agree with it.
#[cfg(test)]
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) schema: RefOr<Schema>,
    pub(crate) example: Value,
    pub(crate) read: fn(&[u8]) -> Result<(), crate::problem::ApiError>,
}

/// An answer that is no problem.
pub(crate) struct Answer {
    status: StatusCode,
    description: &'static str,
    content: Option<(&'static str, RefOr<Schema>)>,
    headers: Vec<&'static str>,
    schemas: Schemas,
}

impl Answer {
    /// One without a body.
    pub(crate) fn empty(status: StatusCode, description: &'static str) -> Self {
        let (headers, schemas) = (Vec::new(), Vec::new());
        Self { status, description, content: None, headers, schemas }
    }

    /// One whose body is a `T`.
    pub(crate) fn json<T: ToSchema>(status: StatusCode, description: &'static str) -> Self {
        let content = Some((JSON, reference::<T>()));
        Self { content, schemas: schemas_of::<T>(), ..Self::empty(status, description) }
    }

    /// One whose body is an array of `T`.
    pub(crate) fn list<T: ToSchema>(status: StatusCode, description: &'static str) -> Self {
        let array = ArrayBuilder::new().items(reference::<T>()).build();
        let content = Some((JSON, RefOr::T(Schema::Array(array))));
        Self { content, schemas: schemas_of::<T>(), ..Self::empty(status, description) }
    }

    /// One whose body is a text of this type.
    pub(crate) fn text(
        status: StatusCode,
        description: &'static str,
        content_type: &'static str,
    ) -> Self {
        let content = Some((content_type, string().into()));
        Self { content, ..Self::empty(status, description) }
    }

    /// A stream of `T`s. No schema can express that for a text, so the schema of `T` is named in words, and
    /// `example` shows how they come.
    pub(crate) fn stream<T: ToSchema>(
        status: StatusCode,
        description: &'static str,
        content_type: &'static str,
        example: &str,
    ) -> Self {
        let text = string().examples([example]);
        let content = Some((content_type, text.into()));
        Self { content, schemas: schemas_of::<T>(), ..Self::empty(status, description) }
    }

    /// The same with a header that is described in [`HEADERS`](super::document::HEADERS).
    #[must_use]
    pub(crate) fn with(mut self, header: &'static str) -> Self {
        self.headers.push(header);
        self
    }
}

impl Operation {
    /// A public operation. Its `id` is its name in generated clients.
    pub(crate) fn new(id: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            description: "",
            auth: Auth::Optional,
            role: None,
            is_probe: false,
            needs_store: true,
            stores_answers: true,
            body: None,
            parameters: Vec::new(),
            answers: Vec::new(),
            problems: Vec::new(),
            schemas: schemas_of::<Problem<'_>>(),
        }
    }

    #[must_use]
    pub(crate) fn described(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    #[must_use]
    pub(crate) fn auth(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }

    /// The least role of an organizer's token that it needs, where it differs from others of its kind.
    #[must_use]
    pub(crate) fn takes_role(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }

    /// The least role of an organizer's token that it needs; `None` where no token means anything. Writes are for
    /// managers, unless they declare something else.
    pub(crate) fn role(&self, method: &HttpMethod) -> Option<Role> {
        let usual = if *method == HttpMethod::Get { Role::Reader } else { Role::Manager };
        (self.auth != Auth::None).then(|| self.role.unwrap_or(usual))
    }

    /// Monitoring asks it by any host name, and it needs no store.
    #[must_use]
    pub(crate) fn probe(self) -> Self {
        Self { is_probe: true, auth: Auth::None, needs_store: false, ..self }
    }

    /// It is answered from memory, whether or not the store is up.
    #[must_use]
    pub(crate) fn without_store(self) -> Self {
        Self { needs_store: false, ..self }
    }

    /// It is a write that stores nothing under its `Idempotency-Key`: a repetition is executed again.
    #[must_use]
    pub(crate) fn stores_no_answer(self) -> Self {
        Self { stores_answers: false, ..self }
    }

    /// Its body is a JSON `T`, as `example` is.
    #[must_use]
    pub(crate) fn takes<T: FromBody + ToSchema>(mut self, example: Value) -> Self {
        let is_required = !T::MAY_BE_LEFT_OUT;
        self.schemas.extend(schemas_of::<T>());
        #[cfg(test)]
        let sample = Sample {
            schema: T::schema(),
            example: example.clone(),
            read: |bytes| crate::extract::body::parse::<T>(bytes, Default::default()).map(drop),
        };
        self.body = Some(Body {
            content_type: JSON,
            schema: reference::<T>(),
            example,
            is_required,
            #[cfg(test)]
            sample: Some(sample),
        });
        self
    }

    /// Its body is a text of this type, such as `example`.
    #[must_use]
    pub(crate) fn takes_text(mut self, content_type: &'static str, example: &str) -> Self {
        self.body = Some(Body {
            content_type,
            schema: string().into(),
            example: example.into(),
            is_required: true,
            #[cfg(test)]
            sample: None,
        });
        self
    }

    #[cfg(test)]
    pub(crate) fn sample(&self) -> Option<Sample> {
        self.body.as_ref().and_then(|body| body.sample.clone())
    }

    /// It takes these in its query.
    #[must_use]
    pub(crate) fn queries(mut self, parameters: Vec<Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// It looks at this header.
    #[must_use]
    pub(crate) fn header(mut self, name: &str, description: &str) -> Self {
        self.parameters.push(header(name, description, string()));
        self
    }

    #[must_use]
    pub(crate) fn answers(mut self, mut answer: Answer) -> Self {
        self.schemas.append(&mut answer.schemas);
        self.answers.push(answer);
        self
    }

    /// The problems that it may answer, beside those of every operation of its kind.
    #[must_use]
    pub(crate) fn refuses(mut self, problems: &'static [Shape]) -> Self {
        self.problems.extend(problems);
        self
    }

    /// The operation in the document's form, and the schemas that it uses.
    pub(super) fn describe(
        mut self,
        method: &HttpMethod,
        path: &str,
    ) -> (utoipa::openapi::path::Operation, Schemas) {
        let is_write = *method != HttpMethod::Get;
        let is_stored = is_write && self.stores_answers;
        let role = self.role(method);
        let problems = self.all_problems(is_write, path);
        let mut parameters = path_parameters(path);
        parameters.append(&mut self.parameters);
        if is_write {
            let key = text(1..=KEY_BYTES_MAX).pattern(Some("^[!-~]([ -~]*[!-~])?$"));
            parameters.push(header(
                "Idempotency-Key",
                if is_stored { STORED } else { NOT_STORED },
                key,
            ));
        }
        let operation = OperationBuilder::new()
            .operation_id(Some(self.id))
            .tag(self.tag)
            .summary(Some(self.summary))
            .description(described(self.description, role))
            .parameters(Some(parameters))
            .request_body(self.body.map(Body::describe))
            .securities(Some(securities(self.auth, role)));
        let mut responses: BTreeMap<u16, ResponseSpec> = BTreeMap::new();
        for answer in self.answers {
            let response = responses.entry(answer.status.as_u16()).or_default();
            response.answer(answer, is_stored);
        }
        for problem in problems {
            responses.entry(problem.status.as_u16()).or_default().problems.push(problem);
        }
        let operation = responses.into_iter().fold(operation, |operation, (status, response)| {
            operation.response(status.to_string(), response.describe(is_write, is_stored))
        });
        (operation.build(), self.schemas)
    }

    /// Its own problems, and those of every operation of its kind.
    fn all_problems(&self, is_write: bool, path: &str) -> Vec<&'static Shape> {
        let mut all = self.problems.clone();
        // Of its query, its headers, and us.
        all.extend([&shape::VALIDATION, &shape::INVALID_HEADER, &shape::QUERY_TOO_LONG]);
        all.push(&shape::INTERNAL);
        if !self.is_probe {
            all.push(&shape::FORBIDDEN);
        }
        if self.needs_store {
            all.push(&shape::UNAVAILABLE);
        }
        if self.auth != Auth::None {
            all.push(&shape::UNAUTHENTICATED);
        }
        if path.contains('{') {
            all.push(&shape::NOT_FOUND);
            if self.needs_store {
                all.push(&shape::EVENT_MOVING);
            }
        }
        if is_write {
            all.extend([
                &shape::MALFORMED_JSON,
                &shape::CROSS_SITE,
                &shape::TIMEOUT,
                &shape::TOO_LARGE,
                &shape::UNSUPPORTED_MEDIA_TYPE,
                &shape::RATE_LIMITED,
            ]);
        }
        if is_write && self.stores_answers {
            all.push(&shape::KEY_REUSED);
        }
        if is_write && self.needs_store {
            all.extend([&shape::OVERLOADED, &shape::OUTCOME_UNKNOWN]);
        }
        all
    }
}

impl Body {
    fn describe(self) -> RequestBody {
        let content = ContentBuilder::new().schema(Some(self.schema)).example(Some(self.example));
        let required = if self.is_required { Required::True } else { Required::False };
        RequestBodyBuilder::new()
            .content(self.content_type, content)
            .required(Some(required))
            .build()
    }
}

/// The responses with one status, as the document describes them.
#[derive(Default)]
struct ResponseSpec {
    descriptions: Vec<&'static str>,
    contents: Vec<(&'static str, RefOr<Schema>)>,
    headers: Vec<&'static str>,
    problems: Vec<&'static Shape>,
}

impl ResponseSpec {
    fn answer(&mut self, answer: Answer, is_stored: bool) {
        self.descriptions.push(answer.description);
        self.contents.extend(answer.content);
        self.headers.extend(answer.headers);
        if is_stored {
            self.headers.push("Idempotency-Replayed");
        }
    }

    fn describe(mut self, is_write: bool, is_stored: bool) -> Response {
        let mut descriptions: Vec<String> =
            self.descriptions.iter().map(|text| (*text).to_owned()).collect();
        self.headers.push("X-Request-Id");
        if is_write {
            self.headers.extend(["RateLimit-Policy", "RateLimit"]);
        }
        if !self.problems.is_empty() {
            let codes = self.problems.iter().map(|shape| format!("`{}`", shape.code));
            descriptions.push(codes.collect::<Vec<_>>().join(", "));
            self.contents.push((PROBLEM, problem(&self.problems)));
            self.headers
                .extend(self.problems.iter().flat_map(|problem| headers_of(problem, is_stored)));
        }
        let response = ResponseBuilder::new().description(descriptions.join("; "));
        let mut contents: BTreeMap<&str, Vec<RefOr<Schema>>> = BTreeMap::new();
        for (kind, schema) in self.contents {
            contents.entry(kind).or_default().push(schema);
        }
        let response = contents.into_iter().fold(response, |response, (kind, schemas)| {
            response.content(kind, Content::new(Some(one_of(schemas))))
        });
        let headers = self.headers.into_iter();
        let response = headers.fold(response, |response, name| {
            response.header_ref(name, Ref::new(format!("#/components/headers/{name}")))
        });
        response.build()
    }
}

/// One of these schemas; the only one, if there is no other.
fn one_of(schemas: Vec<RefOr<Schema>>) -> RefOr<Schema> {
    match <[RefOr<Schema>; 1]>::try_from(schemas) {
        Ok([only]) => only,
        Err(several) => {
            let one_of = several.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item);
            RefOr::T(Schema::OneOf(one_of.build()))
        }
    }
}

/// The headers that a problem may come with; of an operation that stores its answers, if `is_stored`.
fn headers_of(problem: &Shape, is_stored: bool) -> impl Iterator<Item = &'static str> {
    let waits = [shape::ALL_HELD.code, shape::RATE_LIMITED.code];
    // What is decided about the event is stored under the key: also that times are in no order (400).
    let decided = [StatusCode::CONFLICT, StatusCode::PRECONDITION_FAILED];
    let is_decided = decided.contains(&problem.status) || problem.code == shape::VALIDATION.code;
    let has_retry_after = problem.retry_after.is_some() || waits.contains(&problem.code);
    [
        (problem.status == StatusCode::UNAUTHORIZED).then_some("WWW-Authenticate"),
        has_retry_after.then_some("Retry-After"),
        (is_stored && is_decided).then_some("Idempotency-Replayed"),
    ]
    .into_iter()
    .flatten()
}

/// A problem with one of these codes.
fn problem(problems: &[&Shape]) -> RefOr<Schema> {
    let codes = ObjectBuilder::new()
        .schema_type(utoipa::openapi::Type::String)
        .enum_values(Some(problems.iter().map(|shape| shape.code)));
    let one_of_these = ObjectBuilder::new().property("code", codes).required("code");
    let all = AllOfBuilder::new().item(reference::<Problem<'_>>()).item(one_of_these);
    RefOr::T(Schema::AllOf(all.build()))
}

/// What a key is for, where the answer is stored under it.
const STORED: &str = "Makes it safe to send again: the same key, caller and body get the same answer for 24 hours. \
    Without a token it is a secret of at least 16 characters, such as a random UUID.";

/// The same where nothing is.
const NOT_STORED: &str =
    "It has to be one, and no answer is kept under it: what is sent again is done again.";

/// What an id in a path identifies.
fn named_by(name: &str, path: &str) -> &'static str {
    match (name, path.split('/').nth(1)) {
        ("delivery_id", _) => "The `webhook-id` that the message was sent with",
        ("registration_id", _) | (_, Some("registrations")) => "The registration's id",
        (_, Some("webhooks")) => "The webhook's id",
        _ => "The event's id",
    }
}

/// Every parameter of a path is an id.
fn path_parameters(path: &str) -> Vec<Parameter> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| {
            let id = match name {
                // A message is named by its event and a version of it.
                "delivery_id" => string().pattern(Some("^msg_[0-9a-f]{32}_[0-9]+$")),
                _ => uuid(),
            };
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some(named_by(name, path)))
                .schema(Some(id))
                .build()
        })
        .collect()
}

/// An optional parameter of a query.
pub(crate) fn query(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    optional(name, description, schema, ParameterIn::Query)
}

/// The same that has to be there.
pub(crate) fn required_query(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    let mut parameter = query(name, description, schema);
    parameter.required = Required::True;
    parameter
}

fn header(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    optional(name, description, schema, ParameterIn::Header)
}

fn optional(name: &str, description: &str, schema: ObjectBuilder, of: ParameterIn) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(of)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// The description of an operation, with the role that it needs, if that is more than reading.
fn described(description: &str, role: Option<Role>) -> Option<String> {
    let role = role.filter(|role| *role > Role::Reader);
    let role =
        role.map(|role| format!("An organizer's token has to have the role `{role}` at least."));
    let said = Some(description.to_owned()).filter(|text| !text.is_empty());
    match (said, role) {
        (Some(said), Some(role)) => Some(format!("{said} {role}")),
        (said, role) => said.or(role),
    }
}

/// Which tokens are accepted; of an organizer's, from which role on.
fn securities(auth: Auth, role: Option<Role>) -> Vec<SecurityRequirement> {
    let token = |name: &str, roles: Vec<&str>| SecurityRequirement::new(name, roles);
    let organizer = || token(ORGANIZER, role.into_iter().map(Role::as_str).collect());
    match auth {
        Auth::None => Vec::new(),
        Auth::Optional => vec![SecurityRequirement::default(), organizer()],
        Auth::Organizer => vec![organizer()],
        Auth::Registration => vec![token(MANAGE_TOKEN, Vec::new()), organizer()],
    }
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

/// The schema of `T`, and those that it uses.
fn schemas_of<T: ToSchema>() -> Schemas {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    schemas
}
