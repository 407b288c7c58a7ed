//! The pages that are rendered here: an event's, and the result of its form where no script runs.

use super::Answer;
use crate::auth::callers::OptionalAuth;
use crate::auth::token_cache::TokenCache;
use crate::edge::cross_site::{is_from_a_page_of_ours, is_from_another_site};
use crate::extract::form::Form;
use crate::extract::path::PathId;
use crate::extract::query;
use crate::limits::Peer;
use crate::pages::description::summary;
use crate::pages::event::{EventPage, EventWords, RegisterForm, is_hidden, questions_data};
use crate::pages::frame::{Frame, Pages, Shell, Viewer, fresh};
use crate::pages::list::{ListPage, READ_MAX, Search, found, upcoming};
use crate::pages::outcome::{OutcomeContent, OutcomePage, refused, sentence};
use crate::pages::questions::{answers_in, empty, filled};
use crate::problem::{self, ApiError, FieldError, REPLAYED};
use crate::routes::authorization::check_grant;
use crate::routes::claims::{ClaimContext, Claimed, claim_seat};
use crate::service::{Service, agenda};
use crate::words::{self, language_of_page};
use actix_web::dev::ResourceDef;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use booking_core::{
    Caller, EmailAddress, Event, EventId, Invalid, Language, OnFull, OrganizerName, PageLimit,
    Person, PersonName, Questions, Refusal,
};
use chrono::{DateTime, Utc};
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

/// Pages that scripts fill in: a registration's, whose token no server sees, and the organizers'. They are those of
/// `static/js/address.js`: a test compares them.
pub(super) const SHELLS: [&str; 12] = [
    "/r/{id}",
    "/find",
    "/mine",
    "/o",
    "/o/",
    "/o/new",
    "/o/webhooks",
    "/o/e/{id}/edit",
    "/o/e/{id}/door",
    "/o/e/{id}/desk",
    "/o/e/{id}/questions",
    "/o/e/{id}/import",
];

/// The path under which it is cached for offline use.
pub(super) const CACHED_SHELL: &str = "/o";

/// The page of an event.
pub(super) const EVENT: &str = "/e/{id}";

/// The target without the slash at the end of its path, if that is a page: people and messengers write addresses either way.
pub(super) fn without_slash(request: &HttpRequest) -> Option<String> {
    static PAGES: LazyLock<ResourceDef> =
        LazyLock::new(|| ResourceDef::new([&[EVENT, "/docs", "/problems"], &SHELLS[..]].concat()));
    let path = request.path().strip_suffix('/')?;
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let target = match request.query_string() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    };
    (is_read && PAGES.is_match(path)).then_some(target)
}

/// Any of [`SHELLS`]: they differ in what they load ahead.
pub(super) async fn shell(
    request: HttpRequest,
    pages: Data<Pages>,
    tokens: Data<TokenCache>,
) -> Answer {
    query::check_length(request.query_string())?;
    let viewer = viewer(&request, &tokens);
    let title = words::text(viewer.language, "list.loading", &[]);
    let is_organizers = request.path().starts_with(CACHED_SHELL);
    let script_ahead = (!is_organizers).then(Pages::script_of_registration);
    let page = Frame { is_hidden: true, script_ahead, ..pages.frame(&title, viewer) };
    let shell = pages.respond_shared(&request, viewer.language, "shell.html", &Shell { page });
    shell.map(|shell| remember_language(&request, &pages, shell))
}

/// `GET /`
pub(super) async fn list(
    request: HttpRequest,
    service: Data<Service>,
    pages: Data<Pages>,
    tokens: Data<TokenCache>,
) -> Answer {
    query::check_length(request.query_string())?;
    let search = Search::of(request.query_string());
    let limit = PageLimit::parse(READ_MAX).unwrap_or_default();
    let read = match search.is_narrowed() {
        true => {
            let asked = search.asked();
            Arc::new(agenda::list(&*service.store, Caller::Anyone, &asked).await?.items)
        }
        false => service.reads.first_events(limit).await?,
    };
    let viewer = viewer(&request, &tokens);
    let language = viewer.language;
    let [title, summary] =
        ["nav.events", "list.summary"].map(|key| words::text(language, key, &[]));
    let page = Frame {
        summary: Some(summary.as_str()),
        canonical: Some(pages.link("/")),
        url: pages.url("/"),
        is_hidden: search.is_narrowed(),
        ..pages.frame(&title, viewer)
    };
    let now = SystemTime::now().into();
    let events = match search.is_narrowed() {
        true => found(language, &read, now),
        false => upcoming(language, &read, now),
    };
    let context = ListPage { page, events, search };
    let list = pages.respond_shared(&request, language, "list.html", &context);
    list.map(|list| remember_language(&request, &pages, list))
}

fn viewer(request: &HttpRequest, tokens: &TokenCache) -> Viewer {
    Viewer { language: language_of_page(request), is_open: tokens.is_open() }
}

/// Stores the language of a link at the foot of a page in a cookie. Any other link chooses for its page alone: one
/// from another site or a mail, and one whose origin the browser does not send.
fn remember_language(
    request: &HttpRequest,
    pages: &Pages,
    mut response: HttpResponse,
) -> HttpResponse {
    let chosen = words::named(request.query_string());
    let chosen = chosen.filter(|_| is_from_a_page_of_ours(request.headers()));
    if let Some(cookie) = chosen.and_then(|language| words::cookie_of(language, pages.base())) {
        let headers = response.headers_mut();
        headers.insert(SET_COOKIE, cookie);
        // It is this viewer's choice alone.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    response
}

/// `GET /e/{id}`
pub(super) async fn event(
    request: HttpRequest,
    service: Data<Service>,
    pages: Data<Pages>,
    tokens: Data<TokenCache>,
    OptionalAuth(caller): OptionalAuth,
    PathId(id): PathId<EventId>,
) -> Answer {
    check_grant(&request).await?;
    let site = Site::of(&request, &service, &pages, &tokens)?;
    let shown = site.read(caller, id).await?;
    let form = new_form(site.viewer.language, &shown.questions);
    let event = site.respond(fresh(StatusCode::OK), &shown, form, false);
    event.map(|event| remember_language(&request, &pages, event))
}

/// `POST /e/{id}`: its own form, from its own page.
#[expect(clippy::too_many_arguments, reason = "each is an extractor")]
pub(super) async fn register(
    request: HttpRequest,
    service: Data<Service>,
    pages: Data<Pages>,
    tokens: Data<TokenCache>,
    OptionalAuth(caller): OptionalAuth,
    PathId(event_id): PathId<EventId>,
    Peer(client): Peer,
    form: Form,
) -> Answer {
    // Not even one that may call the API: the response to a form is a page, and not for another site.
    if is_from_another_site(request.headers()) {
        return Err(ApiError::CrossSite);
    }
    check_grant(&request).await?;
    let site = Site::of(&request, &service, &pages, &tokens)?;
    let shown = site.read(caller, event_id).await?;
    let key = form.key().map(|key| key.of(caller)).transpose()?;
    let context = ClaimContext { client, caller, event_id, key, as_organizer: false };
    let claimed = match asked_for(&form, &shown.questions) {
        Ok((person, on_full)) => claim_seat(&service, context, person, on_full).await,
        Err(errors) => Err(ApiError::Validation(errors)),
    };
    match claimed {
        Ok(claimed) => site.respond_claimed(&shown, claimed, asks_to_wait(&form)),
        Err(error) => site.refuse(caller, &shown, &form, error).await,
    }
}

/// The person in the form, and what happens when the event is sold out.
fn asked_for(form: &Form, questions: &Questions) -> Result<(Person, OnFull), Vec<FieldError>> {
    let field_error = |field: &str, invalid: Invalid| FieldError {
        pointer: format!("/{field}"),
        detail: invalid.to_string(),
    };
    let mut errors = Vec::new();
    let user_email = EmailAddress::parse(form.value("user_email")).map_err(|invalid| {
        errors.push(match invalid {
            Invalid::Empty => {
                FieldError { pointer: "/user_email".to_owned(), detail: EMAIL_MISSING.to_owned() }
            }
            invalid => field_error("user_email", invalid),
        });
    });
    let name = match form.value("name").trim() {
        "" => Ok(None),
        name => PersonName::parse(name).map(Some).map_err(|invalid| {
            errors.push(field_error("name", invalid));
        }),
    };
    let answers = answers_in(questions, form).map_err(|wrong| errors.extend(wrong));
    let on_full = if asks_to_wait(form) { OnFull::Waitlist } else { OnFull::Refuse };
    match (user_email, name, answers) {
        (Ok(user_email), Ok(name), Ok(answers)) => {
            Ok((Person { name, answers, ..Person::from(user_email) }, on_full))
        }
        _ => Err(errors),
    }
}

/// The key of the text for a missing address.
const EMAIL_MISSING: &str = "person.enter_email";

/// The text of an error beside a field.
fn field_words(language: Language, detail: &str) -> String {
    match detail {
        EMAIL_MISSING => words::text(language, detail, &[]),
        detail => sentence(&words::detail(detail, language)),
    }
}

fn asks_to_wait(form: &Form) -> bool {
    form.value("on_full") == "waitlist"
}

/// The errors of the form's fields, if it is a validation error.
fn errors_of(error: &ApiError) -> Vec<FieldError> {
    match error {
        ApiError::Validation(errors) => errors.clone(),
        ApiError::Refused { refusal: Refusal::AnswerRefused { key, why }, .. } => {
            let pointer = format!("/answers/{}", key.as_str());
            vec![FieldError { pointer, detail: why.to_string() }]
        }
        _ => Vec::new(),
    }
}

/// An empty form with a fresh key.
fn new_form(language: Language, questions: &Questions) -> RegisterForm {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the system has random numbers");
    let key = uuid::Builder::from_random_bytes(random).into_uuid().to_string();
    RegisterForm { key, questions: empty(language, questions), ..RegisterForm::default() }
}

/// The server, as a page needs it.
struct Site<'a> {
    service: &'a Service,
    pages: &'a Pages,
    tokens: &'a TokenCache,
    viewer: Viewer,
    /// Whether another site's page embeds it.
    is_embedded: bool,
}

/// An event, and the rest of what its page shows.
struct Shown {
    event: Arc<Event>,
    organizer: Option<OrganizerName>,
    questions: Questions,
    now: DateTime<Utc>,
}

impl<'a> Site<'a> {
    fn of(
        request: &HttpRequest,
        service: &'a Service,
        pages: &'a Pages,
        tokens: &'a TokenCache,
    ) -> Result<Self, ApiError> {
        // Pages ignore parameters that others add to their addresses: a campaign, a messenger.
        query::check_length(request.query_string())?;
        let mut names = request.query_string().split('&').map(|part| part.split('=').next());
        let is_embedded = names.any(|name| name == Some("embed"));
        Ok(Self { service, pages, tokens, viewer: viewer(request, tokens), is_embedded })
    }

    async fn read(&self, caller: Caller, id: EventId) -> Result<Shown, ApiError> {
        let event = self.service.reads.event(caller, id).await?.event;
        let organizer = event.organizer_id.and_then(|id| self.tokens.organizer_name(id));
        let questions = match event.asks {
            true => self.service.store.questions(id).await?.unwrap_or_default(),
            false => Questions::NONE,
        };
        Ok(Shown { event, organizer, questions, now: SystemTime::now().into() })
    }

    fn respond(
        &self,
        response: HttpResponseBuilder,
        shown: &Shown,
        form: RegisterForm,
        is_answer: bool,
    ) -> Answer {
        let Shown { event, organizer, questions, now } = shown;
        let path = self.pages.path_of_event(event.id);
        let url = self.pages.url(&path);
        let organizer = organizer.as_ref().map(OrganizerName::as_str);
        let language = self.viewer.language;
        let words = EventWords::of(language, event, *now, url.as_deref(), organizer);
        let summary = summary(event.details.description.as_str());
        let page = Frame {
            summary: Some(summary.as_str()).filter(|summary| !summary.is_empty()),
            canonical: Some(self.pages.link(&path)),
            is_hidden: is_hidden(event, *now) || event.details.is_unlisted,
            is_embedded: self.is_embedded,
            is_answer,
            url,
            ..self.pages.frame(event.details.name.as_str(), self.viewer)
        };
        self.pages.respond_for_event(
            response,
            language,
            "event.html",
            &EventPage { page, event: words, form, questions: questions_data(questions) },
        )
    }

    /// The result of the form, on a page of its own: reloading it sends the same form again, which gets the same
    /// answer and does nothing.
    fn respond_claimed(&self, shown: &Shown, claimed: Claimed, waits: bool) -> Answer {
        let language = self.viewer.language;
        let (mut response, outcome) = match claimed {
            Claimed::ByMail { is_replay } => (
                begin(StatusCode::ACCEPTED, is_replay),
                OutcomeContent::to_confirm(language, waits),
            ),
            Claimed::Made(made, token) => {
                let registration = &made.what;
                let link = token.map(|token| {
                    let path = format!("/r/{}#{}", registration.id, token.as_str());
                    self.pages.link(&path)
                });
                let status = made.status();
                (
                    begin(status, made.is_replay),
                    OutcomeContent::registered(language, registration, link),
                )
            }
        };
        // The link is for the attendee who sent the form, and is not cached.
        response.insert_header((CACHE_CONTROL, "no-store"));
        let path = self.pages.path_of_event(shown.event.id);
        let words = EventWords::of(language, &shown.event, shown.now, None, None);
        // Embedded in another site's page there is no cookie for it.
        let back = match self.is_embedded {
            true => format!("{path}?embed&lang={}", language.as_str()),
            false => path,
        };
        let outcome = outcome.about(&shown.event, &words, back);
        let title = outcome.title.clone();
        let frame = self.pages.frame(&title, self.viewer);
        let page =
            Frame { is_hidden: true, is_embedded: self.is_embedded, is_answer: true, ..frame };
        let context = OutcomePage { page, outcome };
        self.pages.respond_for_event(response, language, "outcome.html", &context)
    }

    /// The form again, with its errors, or the error if it is of another kind.
    async fn refuse(&self, caller: Caller, shown: &Shown, form: &Form, error: ApiError) -> Answer {
        let language = self.viewer.language;
        let Some(notice) = refused(language, &shown.event, &error) else { return Err(error) };
        self.service.metrics.problem(problem::code(&error));
        // With the availability and the questions of now.
        let shown = self.read(caller, shown.event.id).await?;
        let errors = errors_of(&error);
        let detail_of = |pointer: &str| {
            let error = errors.iter().find(|of| of.pointer == pointer)?;
            Some(field_words(language, &error.detail))
        };
        let mut questions = filled(language, &shown.questions, form);
        for question in &mut questions {
            question.error = detail_of(&question.pointer());
        }
        let again = RegisterForm {
            user_email: form.value("user_email").to_owned(),
            name: form.value("name").to_owned(),
            email_error: detail_of("/user_email"),
            name_error: detail_of("/name"),
            questions,
            notice: Some(notice),
            // Another try is another request: refusals are stored for a while, too.
            ..new_form(language, &Questions::NONE)
        };
        let mut response = problem::begin(&error);
        response.insert_header((CACHE_CONTROL, "no-store"));
        self.respond(response, &shown, again, true)
    }
}

fn begin(status: StatusCode, is_replay: bool) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    if is_replay {
        response.insert_header(REPLAYED);
    }
    response
}
