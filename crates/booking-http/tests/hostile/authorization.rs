//! Who may do what: every route, called by every kind of caller, allowed and not, once there are organizers.

use crate::common::http::{self, Answer};
use crate::common::sse::Watch;
use crate::common::{App, Data, ask, make_token, make_token_with, start_on};
use crate::on_both_stores;
use booking_core::CapacityMax;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to see a token that was made or revoked; it looks every second.
const HEARD_WITHIN: Duration = Duration::from_secs(60);

/// The callers that a route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    /// The organizer of the event, or of the webhook, in the path.
    EventOrganizer,
    /// Any organizer.
    AnyOrganizer,
    /// Any organizer, and a caller without a token.
    NoTokenOrOrganizer,
    /// The holder of the registration's token, and its event's organizer.
    Registration,
    /// Its event's organizer alone, whom the holder of the token has to ask.
    OrganizerForRegistration,
    /// Every caller, but an organizer sees its own events alone.
    Public,
    /// Every caller, whatever token they show.
    Everybody,
}

/// The roles that an organizer's token may have, the least first.
const ROLES: [&str; 4] = ["reader", "door", "manager", "owner"];
const READER: Least = Some(0);
const DOOR: Least = Some(1);
const MANAGER: Least = Some(2);
const OWNER: Least = Some(3);
/// No token means anything.
const NO_ROLE: Least = None;

/// The least role of an organizer who may call it.
type Least = Option<usize>;

/// A route, its callers, the least role of an organizer, a valid body, and the answer to it.
struct Row {
    method: &'static str,
    path: &'static str,
    of: For,
    least: Least,
    body: fn(&Scene) -> Value,
    status: u16,
}

const fn row(
    method: &'static str,
    path: &'static str,
    of: For,
    least: Least,
    status: u16,
    body: fn(&Scene) -> Value,
) -> Row {
    Row { method, path, of, least, body, status }
}

/// The import of a table, whose body is not JSON.
const IMPORT: &str = "/events/{id}/registrations/import";

/// A valid body of its route, and its type.
fn sent(row: &Row, body: &Value) -> (String, &'static str) {
    match body {
        Value::Null => (String::new(), "application/json"),
        Value::String(table) if row.path == IMPORT => (table.clone(), "text/csv"),
        body => (body.to_string(), "application/json"),
    }
}

/// Where no webhook arrives.
const NOWHERE: &str = "https://127.0.0.1:1/";

const NOTHING: fn(&Scene) -> Value = |_| Value::Null;

/// A person who is not registered yet.
const A_PERSON: fn(&Scene) -> Value = |_| {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    json!({"user_email": format!("new-{number}@example.org")})
};

const ROWS: &[Row] = &[
    row("GET", "/events", For::Everybody, READER, 200, NOTHING),
    row(
        "POST",
        "/events",
        For::AnyOrganizer,
        MANAGER,
        201,
        |_| json!({"name": "Another", "capacity": 2}),
    ),
    row("GET", "/events/{id}", For::Public, READER, 200, NOTHING),
    row("PATCH", "/events/{id}", For::EventOrganizer, MANAGER, 200, |_| json!({"capacity": 30})),
    row("POST", "/events/{id}/register", For::Public, MANAGER, 201, A_PERSON),
    row("POST", "/events/{id}/holds", For::Public, MANAGER, 201, A_PERSON),
    row("POST", "/registrations/{id}/confirm", For::Registration, MANAGER, 200, NOTHING),
    row(
        "POST",
        "/events/{id}/check-ins",
        For::EventOrganizer,
        DOOR,
        201,
        |scene| json!({"ticket": scene.ticket}),
    ),
    row("GET", "/registrations/{id}", For::Registration, READER, 200, NOTHING),
    row(
        "PATCH",
        "/registrations/{id}",
        For::Registration,
        MANAGER,
        200,
        |_| json!({"name": "Ada Lovelace"}),
    ),
    row("DELETE", "/registrations/{id}", For::Registration, MANAGER, 200, NOTHING),
    row("POST", "/registrations/{id}/link", For::OrganizerForRegistration, MANAGER, 200, NOTHING),
    row("GET", "/events/{id}/registrations", For::EventOrganizer, READER, 200, NOTHING),
    row("GET", "/events/{id}/registrations.csv", For::EventOrganizer, READER, 200, NOTHING),
    row("POST", IMPORT, For::EventOrganizer, MANAGER, 200, |_| {
        json!("user_email\nnew@example.org\n")
    }),
    row("GET", "/events/{id}/counts", For::EventOrganizer, READER, 200, NOTHING),
    row("GET", "/registrations/{id}/ticket", For::Registration, DOOR, 200, NOTHING),
    row("GET", "/registrations/{id}/ticket.svg", For::Registration, DOOR, 200, NOTHING),
    row("GET", "/registrations/{id}/history", For::Registration, READER, 200, NOTHING),
    row("POST", "/registrations/{id}/transfer", For::Registration, MANAGER, 200, A_PERSON),
    row("POST", "/events/{id}/check-ins/batch", For::EventOrganizer, DOOR, 200, |_| {
        let id = "00000000-0000-7000-8000-000000000001";
        json!({"scans": [{"id": id, "ticket": "forged", "scanned_at": "2026-05-01T19:00:00Z"}]})
    }),
    row(
        "DELETE",
        "/events/{id}/check-ins/{registration_id}",
        For::EventOrganizer,
        DOOR,
        200,
        NOTHING,
    ),
    row("POST", "/events/{id}/cancel", For::EventOrganizer, MANAGER, 200, NOTHING),
    row(
        "POST",
        "/events/{id}/copy",
        For::EventOrganizer,
        MANAGER,
        201,
        |_| json!({"name": "Secret party II"}),
    ),
    row("GET", "/events.ics", For::Everybody, READER, 200, NOTHING),
    row("GET", "/events/{id}/calendar.ics", For::Public, READER, 200, NOTHING),
    row("GET", "/events/{id}/questions", For::Public, READER, 200, NOTHING),
    row(
        "POST",
        "/events/{id}/questions",
        For::EventOrganizer,
        MANAGER,
        200,
        |_| json!({"questions": [{"key": "diet", "kind": "text", "wording": "What do you eat?"}]}),
    ),
    row("GET", "/events/{id}/live", For::Public, READER, 200, NOTHING),
    row("GET", "/live", For::Public, READER, 200, NOTHING),
    row("GET", "/tickets/keys", For::Everybody, NO_ROLE, 200, NOTHING),
    row("POST", "/registrations/find", For::Everybody, NO_ROLE, 202, A_PERSON),
    row("GET", "/webhooks", For::AnyOrganizer, OWNER, 200, NOTHING),
    row("POST", "/webhooks", For::AnyOrganizer, OWNER, 201, |_| json!({"url": NOWHERE})),
    row("GET", "/webhooks/keys", For::Everybody, NO_ROLE, 200, NOTHING),
    row("GET", "/webhooks/{id}", For::EventOrganizer, OWNER, 200, NOTHING),
    row("PATCH", "/webhooks/{id}", For::EventOrganizer, OWNER, 200, |_| json!({"include": []})),
    row("DELETE", "/webhooks/{id}", For::EventOrganizer, OWNER, 204, NOTHING),
    row("POST", "/webhooks/{id}/test", For::EventOrganizer, OWNER, 200, NOTHING),
    row("POST", "/webhooks/{id}/secret", For::EventOrganizer, OWNER, 200, NOTHING),
    row("GET", "/webhooks/{id}/deliveries", For::EventOrganizer, OWNER, 200, NOTHING),
    row(
        "POST",
        "/webhooks/{id}/deliveries/{delivery_id}/redeliver",
        For::EventOrganizer,
        OWNER,
        200,
        NOTHING,
    ),
    row("GET", "/organizer", For::NoTokenOrOrganizer, READER, 200, NOTHING),
    row("GET", "/health", For::Everybody, NO_ROLE, 200, NOTHING),
    row("GET", "/livez", For::Everybody, NO_ROLE, 200, NOTHING),
    row("GET", "/readyz", For::Everybody, NO_ROLE, 200, NOTHING),
    row("GET", "/metrics", For::Everybody, NO_ROLE, 200, NOTHING),
    row("GET", "/openapi.json", For::Everybody, NO_ROLE, 200, NOTHING),
];

/// An invalid query, and the answer to an authorized caller.
#[derive(Debug)]
struct Wrong {
    query: String,
    status: u16,
}

impl Wrong {
    /// Every error in the query of a route.
    fn all_of(row: &Row) -> Vec<Self> {
        let query = |query: &str, status| Self { query: format!("?{query}"), status };
        let too_long = if row.path == "/live" { 8_193 } else { 2_049 };
        let mut all = vec![query("x", 400), query(&"x".repeat(too_long), 414)];
        if ["/events/{id}/registrations", "/webhooks/{id}/deliveries"].contains(&row.path) {
            all.push(query("limit=0", 400));
        }
        all
    }
}

/// The callers, by the token that they show.
struct Tokens {
    owner: String,
    another: String,
    revoked: String,
    /// Where mails go meanwhile.
    _mails: TempDir,
}

/// An event of the owner's with two registrations, of which one is asked about.
struct Scene<'a> {
    app: &'a App,
    event: String,
    id: String,
    /// The manage token of that one, and that of the other.
    own: String,
    others: String,
    ticket: String,
    /// A webhook of the owner's, and a message to it, where the route is about one.
    webhook: String,
    delivery: String,
}

impl<'a> Scene<'a> {
    fn new(app: &'a App, owner: &str, row: &Row) -> Self {
        let webhook = match row.path.contains("/webhooks/{id}") {
            true => {
                let body = json!({"url": NOWHERE});
                text(&done(&app.ask_as(owner, "POST", "/webhooks", &body), 201), "id")
            }
            false => String::new(),
        };
        let body =
            json!({"name": "Secret party", "capacity": 9, "starts_at": "2031-05-01T19:00:00Z"});
        let event = done(&app.ask_as(owner, "POST", "/events", &body), 201);
        let event = text(&event, "id");
        let register = |email| done(&app.register(&event, email), 201);
        let (ada, grace) = (register("ada@example.org"), register("grace@example.org"));
        let path = format!("/registrations/{}/ticket", text(&ada, "id"));
        let ticket = done(&app.ask_as(owner, "GET", &path, &Value::Null), 200);
        let mut delivery = String::new();
        if row.path.contains("{delivery_id}") {
            let path = format!("/webhooks/{webhook}/deliveries");
            until(|| {
                let log = done(&app.ask_as(owner, "GET", &path, &Value::Null), 200);
                let of_event = |sent: &&Value| text(sent, "event_id") == event;
                let sent = log.as_array().expect("an array").iter().find(of_event);
                delivery = sent.map(|sent| text(sent, "id")).unwrap_or_default();
                !delivery.is_empty()
            });
        }
        Self {
            app,
            webhook,
            delivery,
            id: text(&ada, "id"),
            own: text(&ada, "manage_token"),
            others: text(&grace, "manage_token"),
            ticket: text(&ticket, "ticket"),
            event,
        }
    }

    fn path(&self, row: &Row) -> String {
        let id = match row.path.split('/').nth(1) {
            Some("registrations") => &self.id,
            Some("webhooks") => &self.webhook,
            _ => &self.event,
        };
        let path = row.path.replace("{id}", id).replace("{registration_id}", &self.id);
        let path = path.replace("{delivery_id}", &self.delivery);
        if row.path == "/live" { format!("{path}?events={}", self.event) } else { path }
    }

    /// Sends a request with this `Authorization` header, if there is one.
    fn ask(&self, row: &Row, authorization: Option<&str>) -> Answer {
        let headers: Vec<_> =
            authorization.map(|value| ("Authorization", value)).into_iter().collect();
        if row.path.ends_with("/live") {
            // It has no end.
            return match Watch::open(self.app.url(), &self.path(row), &headers) {
                Ok(watch) => Answer { status: 200, headers: watch.headers, body: Vec::new() },
                Err(answer) => answer,
            };
        }
        let body = (row.body)(self);
        if row.path == IMPORT {
            let (body, kind) = sent(row, &body);
            let headers = [headers, vec![("Content-Type", kind)]].concat();
            let (url, path) = (self.app.url(), self.path(row));
            return http::send(url, row.method, &path, &headers, body.as_bytes());
        }
        self.app.ask(row.method, &self.path(row), &headers, &body)
    }

    /// Calls a route with every kind of invalid input: authorized callers see the errors, others get `status`, as
    /// ever.
    fn ask_wrongly(&self, row: &Row, authorization: Option<&str>, status: u16) {
        for wrong in Wrong::all_of(row) {
            let (body, kind) = sent(row, &(row.body)(self));
            let mut headers = vec![("Content-Type", kind)];
            headers.extend(authorization.map(|value| ("Authorization", value)));
            let path = self.path(row);
            let path = match path.contains('?') {
                true => path + &wrong.query.replacen('?', "&", 1),
                false => path + &wrong.query,
            };
            let answer = http::send(self.app.url(), row.method, &path, &headers, body.as_bytes());
            let expected = if status == row.status { wrong.status } else { status };
            let what = format!("{} {} as {authorization:?}", row.method, row.path);
            assert_eq!(answer.status, expected, "{what}, {wrong:?}: {answer:?}");
            let message = String::from_utf8_lossy(&answer.body);
            assert!(!message.contains("Secret party"), "{what}, {wrong:?}");
            if status != row.status && row.method != "GET" {
                self.ask_with_wrong_bodies(row, &path, authorization, status);
            }
        }
    }

    /// Nor does an unauthorized caller see what else is wrong with a body.
    fn ask_with_wrong_bodies(
        &self,
        row: &Row,
        path: &str,
        authorization: Option<&str>,
        status: u16,
    ) {
        let long = " ".repeat(17 * 1_024);
        let bodies = [
            (None, ""),
            (Some("text/plain"), "x"),
            (Some("application/json"), "{"),
            (Some("application/json"), long.as_str()),
        ];
        for (kind, body) in bodies {
            let authorization = authorization.map(|value| ("Authorization", value));
            let kind = kind.map(|kind| ("Content-Type", kind));
            let headers: Vec<_> = authorization.into_iter().chain(kind).collect();
            let answer = http::send(self.app.url(), row.method, path, &headers, body.as_bytes());
            let what = format!("{} {path} as {authorization:?}, {kind:?}", row.method);
            assert_eq!(answer.status, status, "{what}: {answer:?}");
        }
    }

    /// All that there is of the event.
    fn all(&self, owner: &str) -> Vec<Value> {
        let event = format!("/events/{}", self.event);
        let registrations = format!("{event}/registrations?status=all");
        let read = |path: &str| done(&self.app.ask_as(owner, "GET", path, &Value::Null), 200);
        vec![read(&event), read(&registrations)]
    }
}

fn done(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

/// An app with organizers, and their tokens.
fn closed(data: Data) -> (App, Tokens) {
    let owner = make_token(&data, "Jazz club");
    let another = make_token(&data, "Chess club");
    let revoked = make_token_with(&data, "Jazz club", &[]);
    let mails = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", mails.path().display());
    let settings = [
        ("MAIL_URL", url.as_str()),
        ("MAIL_FROM", "tickets@example.org"),
        ("BASE_URL", "https://booking.example"),
        ("WEBHOOK_ALLOW_PRIVATE", "true"),
        // Every caller calls every route here.
        ("CLIENT_RATE", "0"),
        ("TOKEN_RATE", "0"),
    ];
    let app = App::start_with(data, &settings);
    assert!(app.run(&format!("token revoke {}", revoked.id)).status.success());
    let tokens = Tokens { owner, another, revoked: revoked.secret, _mails: mails };
    // It may have been valid when the server started.
    until(|| app.ask_as(&tokens.revoked, "GET", "/organizer", &Value::Null).status == 401);
    (app, tokens)
}

#[track_caller]
fn until(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < HEARD_WITHIN, "the server did not hear of it");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn every_route_is_listed() {
    // The description is generated from the route table.
    let document = booking_http::openapi(CapacityMax::default());
    let document: Value = serde_json::from_str(&document).expect("it is JSON");
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("there are paths") {
        for method in item.as_object().expect("it has methods").keys() {
            routes.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let rows: BTreeSet<_> = ROWS.iter().map(|row| format!("{} {}", row.method, row.path)).collect();
    assert_eq!(rows.len(), ROWS.len());
    assert_eq!(routes, rows);
}

fn every_route_is_for_those_it_is_for(data: Data) {
    let (app, tokens) = closed(data);
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    let unknown = format!("org_{}", "x".repeat(43));
    for row in ROWS {
        let scene = Scene::new(&app, &tokens.owner, row);
        if row.path.ends_with("/confirm") {
            // A confirmed registration is confirmed again; so no hold is needed to see who may.
            assert_eq!(scene.ask(row, bearer(&scene.own).as_deref()).status, 200);
        }
        let before = scene.all(&tokens.owner);
        let (ok, unauthenticated, not_found, forbidden) = (row.status, 401, 404, 403);
        let [nobody, malformed, bad, others, manage] = match row.of {
            For::EventOrganizer => {
                [unauthenticated, unauthenticated, unauthenticated, not_found, unauthenticated]
            }
            For::AnyOrganizer => {
                [unauthenticated, unauthenticated, unauthenticated, ok, unauthenticated]
            }
            For::NoTokenOrOrganizer => [ok, unauthenticated, unauthenticated, ok, unauthenticated],
            For::Registration | For::OrganizerForRegistration => {
                [unauthenticated, unauthenticated, unauthenticated, not_found, forbidden]
            }
            For::Public => [ok, ok, unauthenticated, not_found, ok],
            For::Everybody if ["/events", "/events.ics"].contains(&row.path) => {
                [ok, ok, unauthenticated, ok, ok]
            }
            For::Everybody => [ok; 5],
        };
        let asked = [
            (None, nobody),
            (Some("Basic YWRhOnNlY3JldA==".to_owned()), malformed),
            (Some(format!("{} and more", bearer(&tokens.owner).expect("a header"))), malformed),
            (bearer(&unknown), bad),
            (bearer(&tokens.revoked), bad),
            (bearer(&tokens.another), others),
            (bearer(&scene.others), manage),
        ];
        let is_free = asked.iter().any(|(_, status)| *status == ok);
        for (authorization, status) in &asked {
            scene.ask_wrongly(row, authorization.as_deref(), *status);
        }
        if matches!(row.of, For::Registration | For::OrganizerForRegistration) {
            let status = if row.of == For::Registration { ok } else { forbidden };
            scene.ask_wrongly(row, bearer(&scene.own).as_deref(), status);
        }
        scene.ask_wrongly(row, bearer(&tokens.owner).as_deref(), ok);
        assert_eq!(scene.all(&tokens.owner), before, "{} {}", row.method, row.path);
        for (authorization, status) in asked {
            let answer = scene.ask(row, authorization.as_deref());
            let what = format!("{} {} as {authorization:?}: {answer:?}", row.method, row.path);
            assert_eq!(answer.status, status, "{what}");
            let body = String::from_utf8_lossy(&answer.body);
            match status {
                401 => {
                    let challenge = answer.header("www-authenticate").expect("a challenge");
                    let is_unknown = authorization.as_deref().is_some_and(|shown| {
                        bearer(&unknown).as_deref() == Some(shown)
                            || bearer(&tokens.revoked).as_deref() == Some(shown)
                    });
                    assert!(challenge.starts_with("Bearer"), "{what}");
                    assert!(!is_unknown || challenge.contains("invalid_token"), "{what}");
                    assert_eq!(answer.problem(), "unauthenticated", "{what}");
                }
                403 => assert_eq!(answer.problem(), "forbidden", "{what}"),
                404 => assert_eq!(answer.problem(), "not_found", "{what}"),
                _ => assert_eq!(answer.status, ok),
            }
            assert!(status == ok || !body.contains("Secret party"), "{what}");
        }
        if !is_free || row.method == "GET" {
            assert_eq!(scene.all(&tokens.owner), before, "{} {}", row.method, row.path);
        }
        if row.of == For::OrganizerForRegistration {
            let answer = scene.ask(row, bearer(&scene.own).as_deref());
            assert_eq!((answer.status, answer.problem()), (403, "forbidden".into()));
            assert_eq!(scene.all(&tokens.owner), before, "{} {}", row.method, row.path);
        }
        if row.of == For::Registration {
            assert_eq!(scene.ask(row, bearer(&scene.own).as_deref()).status, ok, "{}", row.path);
            let fresh = Scene::new(&app, &tokens.owner, row);
            assert_eq!(fresh.ask(row, bearer(&tokens.owner).as_deref()).status, ok, "{}", row.path);
        } else {
            let answer = scene.ask(row, bearer(&tokens.owner).as_deref());
            assert_eq!(answer.status, ok, "{} {}: {answer:?}", row.method, row.path);
        }
    }
    app.assert_audit_is_clean();
}

/// A token of the organizer's for each role.
fn of_each_role(app: &App) -> Vec<String> {
    let make = |role: &str| make_token_with(&app.data, "Jazz club", &["--role", role]).secret;
    let tokens: Vec<_> = ROLES.into_iter().map(make).collect();
    for token in &tokens {
        until(|| app.ask_as(token, "GET", "/organizer", &Value::Null).status == 200);
    }
    tokens
}

fn every_route_is_for_those_roles_it_is_for(data: Data) {
    let (app, tokens) = closed(data);
    let of_roles = of_each_role(&app);
    for row in ROWS {
        for (role, token) in of_roles.iter().enumerate() {
            let scene = Scene::new(&app, &tokens.owner, row);
            let before = scene.all(&tokens.owner);
            let bearer = format!("Bearer {token}");
            let what = format!("{} {} as {}", row.method, row.path, ROLES[role]);
            let least = row.least.unwrap_or_default();
            if role >= least {
                let answer = scene.ask(row, Some(&bearer));
                assert_eq!(answer.status, row.status, "{what}: {answer:?}");
                continue;
            }
            // Whatever else is wrong, and whatever event it is about.
            scene.ask_wrongly(row, Some(&bearer), 403);
            let answer = scene.ask(row, Some(&bearer));
            assert_eq!(answer.status, 403, "{what}: {answer:?}");
            assert_eq!(answer.problem(), "forbidden", "{what}");
            let detail = text(&answer.json(), "detail");
            assert!(detail.contains(ROLES[role]) && detail.contains(ROLES[least]), "{detail}");
            assert_eq!(scene.all(&tokens.owner), before, "{what}");
        }
    }
    app.assert_audit_is_clean();
}

/// The roles in the description are those that are enforced.
#[test]
fn the_description_has_the_role_of_each_route() {
    let document = booking_http::openapi(CapacityMax::default());
    let document: Value = serde_json::from_str(&document).expect("it is JSON");
    for row in ROWS {
        let operation = &document["paths"][row.path][row.method.to_lowercase()];
        let security = operation["security"].as_array().map_or(&[][..], Vec::as_slice);
        let message = security.iter().find_map(|one| one.get("organizer"));
        let wanted = row.least.map(|least| json!([ROLES[least]]));
        assert_eq!(message, wanted.as_ref(), "{} {}", row.method, row.path);
        let description = operation["description"].as_str().unwrap_or_default();
        let says = row.least.is_some_and(|least| description.contains(ROLES[least]));
        assert_eq!(says, row.least > READER, "{} {}: {description}", row.method, row.path);
    }
}

/// To a token of some events, the organizer's other events are as those of others.
fn a_token_of_some_events_is_for_no_others(data: Data) {
    let (app, tokens) = closed(data);
    let put_up = |name: &str| {
        let body = json!({"name": name, "capacity": 9});
        text(&done(&app.ask_as(&tokens.owner, "POST", "/events", &body), 201), "id")
    };
    let (first, second) = (put_up("First"), put_up("Second"));
    let of_two = ["--role", "manager", "--event", &second, "--event", &first, "--event", &first];
    let made = make_token_with(&app.data, "Jazz club", &of_two);
    assert!(made.message.contains(&format!("manager of {first}, {second}")), "{}", made.message);
    let limited = made.secret;
    until(|| app.ask_as(&limited, "GET", "/organizer", &Value::Null).status == 200);
    let who = done(&app.ask_as(&limited, "GET", "/organizer", &Value::Null), 200);
    let organizer = &who["organizer"];
    assert_eq!(organizer["role"], "manager");
    assert_eq!(organizer["events"], json!([first, second]));

    let bearer = format!("Bearer {limited}");
    for row in ROWS {
        let scene = Scene::new(&app, &tokens.owner, row);
        let before = scene.all(&tokens.owner);
        let names_one = ["/events/{id}", "/registrations/{id}", "/live"];
        let names_one = names_one.iter().any(|start| row.path.starts_with(start));
        let status = match row.least {
            None => row.status,
            OWNER => 403,
            Some(_) if names_one => 404,
            Some(_) if row.method == "GET" => row.status,
            Some(_) => 403,
        };
        let what = format!("{} {}", row.method, row.path);
        if status != row.status {
            scene.ask_wrongly(row, Some(&bearer), status);
        }
        let answer = scene.ask(row, Some(&bearer));
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        let message = String::from_utf8_lossy(&answer.body);
        assert!(!message.contains("Secret party") || row.least.is_none(), "{what}: {message}");
        if status != row.status {
            assert_eq!(scene.all(&tokens.owner), before, "{what}");
        }
    }

    // It may do what it is for.
    let names = |path: &str| {
        let listed = done(&app.ask_as(&limited, "GET", path, &Value::Null), 200);
        let listed = listed.as_array().expect("an array").iter();
        listed.map(|event| text(event, "name")).collect::<Vec<_>>()
    };
    assert_eq!(names("/events"), ["Second", "First"]);
    let page = app.ask_as(&limited, "GET", "/events?limit=1", &Value::Null);
    let next = page.header("link").expect("there is more").to_owned();
    let next = next.split(['<', '>']).nth(1).expect("it leads somewhere");
    assert_eq!(names("/events?limit=1"), ["Second"]);
    assert_eq!(names(next), ["First"]);
    assert_eq!(names("/events?sort=starts_at"), ["First", "Second"]);
    assert_eq!(names("/events?q=SEC"), ["Second"]);
    assert_eq!(names("/events?when=past"), [""; 0]);
    let path = format!("/events/{first}");
    // A copy would be another event.
    let copy = app.ask_as(&limited, "POST", &format!("{path}/copy"), &json!({}));
    assert_eq!((copy.status, copy.problem()), (403, "forbidden".into()));
    assert_eq!(app.ask_as(&limited, "PATCH", &path, &json!({"capacity": 8})).status, 200);
    let seat = json!({"user_email": "ada@example.org"});
    let made = app.ask_as(&limited, "POST", &format!("{path}/register"), &seat);
    let made = format!("/registrations/{}", text(&done(&made, 201), "id"));
    assert_eq!(app.ask_as(&limited, "DELETE", &made, &Value::Null).status, 200);
    app.assert_audit_is_clean();
}

fn invalid_token_options_are_refused(data: Data) {
    let (app, tokens) = closed(data);
    // A name that is one word on the command line.
    let owner = make_token(&app.data, "Blues");
    until(|| app.ask_as(&owner, "GET", "/organizer", &Value::Null).status == 200);
    let body = json!({"name": "An event", "capacity": 9});
    let put_up = |token: &str| text(&done(&app.ask_as(token, "POST", "/events", &body), 201), "id");
    let (own, others) = (put_up(&owner), put_up(&tokens.another));
    let nowhere = "00000000-0000-7000-8000-000000000000";
    let count = || String::from_utf8(app.run("token list").stdout).expect("text").lines().count();
    let before = count();
    for wrong in [
        format!("--event {own}"),
        format!("--role owner --event {own}"),
        format!("--role door --event {others}"),
        format!("--role door --event {own} --event {nowhere}"),
        format!("--role door --event {own} --event {others}"),
        "--role steward".to_owned(),
    ] {
        let made = app.run(&format!("token create --name Blues {wrong}"));
        assert!(!made.status.success() && made.stdout.is_empty(), "{wrong}");
    }
    assert_eq!(count(), before);
    make_token_with(&app.data, "Blues", &["--role", "door", "--event", &own]);
    assert_eq!(count(), before + 1);
    let listed = String::from_utf8(app.run("token list").stdout).expect("it is text");
    assert!(listed.contains(&format!("good  door of {own}  Blues")), "{listed}");
    assert!(listed.contains("good  owner  Chess club"), "{listed}");
}

fn an_invalid_id_reveals_nothing_without_a_token(data: Data) {
    let (app, _) = closed(data);
    for path in ["/events/x/registrations", "/registrations/x", "/registrations/x/history"] {
        assert_eq!(app.get(path).status, 401, "{path}");
    }
    assert_eq!(app.post("/events", &json!({"nonsense": true})).status, 401);
    assert_eq!(app.post("/events/x/cancel", &Value::Null).status, 401);
}

fn drafts_are_their_organizer_s(data: Data) {
    let (app, tokens) = closed(data);
    let body = json!({"name": "Not yet", "capacity": 2, "status": "draft"});
    let draft = text(&done(&app.ask_as(&tokens.owner, "POST", "/events", &body), 201), "id");
    let path = format!("/events/{draft}");
    let names = |token: Option<&str>| {
        let answer = match token {
            Some(token) => app.ask_as(token, "GET", "/events", &Value::Null),
            None => app.get("/events"),
        };
        let listed = done(&answer, 200);
        let listed = listed.as_array().expect("an array").iter();
        listed.map(|event| text(event, "name")).collect::<Vec<_>>()
    };
    assert_eq!(app.get(&path).status, 404);
    assert_eq!(app.register(&draft, "ada@example.org").status, 404);
    assert_eq!(app.ask_as(&tokens.another, "GET", &path, &Value::Null).status, 404);
    assert_eq!(app.ask_as(&tokens.owner, "GET", &path, &Value::Null).status, 200);
    // Nor do other errors reveal it.
    assert_eq!(app.get(&format!("{path}?x")).status, 404);
    let asked = app.ask_as(&tokens.owner, "GET", &format!("{path}?x"), &Value::Null);
    assert_eq!(asked.status, 400);
    assert_eq!(names(None), [""; 0]);
    assert_eq!(names(Some(&tokens.another)), [""; 0]);
    assert_eq!(names(Some(&tokens.owner)), ["Not yet"]);

    let publish = json!({"status": "published"});
    assert_eq!(app.ask_as(&tokens.owner, "PATCH", &path, &publish).status, 200);
    assert_eq!(names(None), ["Not yet"]);
    assert_eq!(names(Some(&tokens.another)), [""; 0]);
    assert_eq!(app.register(&draft, "ada@example.org").status, 201);
}

fn a_key_is_its_organizer_s_own(data: Data) {
    let (app, tokens) = closed(data);
    let put_up = |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("Idempotency-Key", "the same")];
        let body = json!({"name": "An event", "capacity": 2});
        text(&done(&app.ask("POST", "/events", &headers, &body), 201), "id")
    };
    let (first, other) = (put_up(&tokens.owner), put_up(&tokens.another));
    assert_ne!(first, other);
    assert_eq!(put_up(&tokens.owner), first);
    assert_eq!(put_up(&tokens.another), other);
    let second = make_token(&app.data, "Jazz club");
    until(|| app.ask_as(&second, "GET", "/organizer", &Value::Null).status == 200);
    assert_eq!(put_up(&second), first, "another token of the same organizer");
}

fn the_first_token_closes_a_server_for_good(data: Data) {
    let app = App::start(data);
    assert!(app.server.stderr().contains("open: anybody"), "{}", app.server.stderr());
    let organizer = |app: &App, token: &str| app.ask_as(token, "GET", "/organizer", &Value::Null);
    assert_eq!(organizer(&app, "x").json(), json!({"open": true, "organizer": null}));
    let orphan = app.create(2);
    let beside = start_on(&app.data, &[]);

    let made = make_token_with(&app.data, "Jazz club", &["--adopt-events"]);
    let (token, id, message) = (made.secret, made.id, made.message);
    assert!(
        token.starts_with("org_") && token.len() == 47 && message.contains("theirs now: 1"),
        "{message}"
    );
    for url in [app.url(), beside.url()] {
        until(|| ask(url, "POST", "/events", &[], &json!({"name": "X"})).status == 401);
    }
    let known = organizer(&app, &token).json();
    assert_eq!((&known["open"], &known["organizer"]["name"]), (&json!(false), &json!("Jazz club")));
    let path = format!("/events/{orphan}");
    assert_eq!(app.ask_as(&token, "PATCH", &path, &json!({"capacity": 3})).status, 200);
    let listed = String::from_utf8(app.run("token list").stdout).expect("it is text");
    assert!(listed.contains(&id) && listed.contains("good") && listed.contains("Jazz club"));

    assert!(app.run(&format!("token revoke {id}")).status.success());
    until(|| organizer(&app, &token).status == 401);
    let listed = String::from_utf8(app.run("token list").stdout).expect("it is text");
    assert!(listed.contains("revoked") && !listed.contains("good"), "{listed}");
    let create = json!({"name": "X", "capacity": 1});
    assert_eq!(
        app.post("/events", &create).status,
        401,
        "no good token is left, and it stays closed"
    );
    let again = start_on(&app.data, &[("BIND", "0.0.0.0")]);
    assert_eq!(ask(again.url(), "POST", "/events", &[], &create).status, 401);
    let nobody = "00000000-0000-7000-8000-000000000000";
    assert!(!app.run(&format!("token revoke {nobody}")).status.success());
    // Public operations stay public.
    assert_eq!(app.register(&orphan, "ada@example.org").status, 201);
}

on_both_stores! {
    every_route_is_for_those_it_is_for
    every_route_is_for_those_roles_it_is_for
    a_token_of_some_events_is_for_no_others
    invalid_token_options_are_refused
    an_invalid_id_reveals_nothing_without_a_token
    drafts_are_their_organizer_s
    a_key_is_its_organizer_s_own
    the_first_token_closes_a_server_for_good
}
