//! The pages that are rendered here: an event's, and what comes of its form where no script runs.

use super::Answer;
use crate::auth::callers::OptionalAuth;
use crate::auth::token_cache::TokenCache;
use crate::edge::cross_site::is_from_another_site;
use crate::extract::form::Form;
use crate::extract::path::PathId;
use crate::extract::query;
use crate::limits::Peer;
use crate::pages::description::summary;
use crate::pages::event::{EventPage, EventWords, RegisterForm, is_hidden, questions_data};
use crate::pages::frame::{Frame, Pages, Shell, fresh};
use crate::pages::list::{ListPage, READ_MAX, upcoming};
use crate::pages::outcome::{OutcomePage, Told, refused, sentence};
use crate::pages::questions::{answers_in, empty, filled};
use crate::problem::{self, ApiError, FieldError, REPLAYED};
use crate::routes::claims::{Asking, Claimed, claim_seat};
use crate::service::Service;
use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use booking_core::{
    Caller, EmailAddress, Event, EventId, Invalid, OnFull, OrganizerName, PageLimit, Person,
    PersonName, Questions, Refusal,
};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::SystemTime;

/// Where scripts show what they have asked for: a registration, whose token no server sees, and what is the organizers'.
pub(super) const SHELLS: [&str; 5] = ["/r/{id}", "/o", "/o/{path:.*}", "/find", "/mine"];

/// The path under which it is kept for when there is no network.
pub(super) const KEPT_SHELL: &str = "/o";

/// Any of [`SHELLS`]: they are the same.
pub(super) async fn shell(
    request: HttpRequest,
    pages: Data<Pages>,
    tokens: Data<TokenCache>,
) -> Answer {
    query::check_length(request.query_string())?;
    let frame = pages.frame("Loading…", tokens.is_open());
    let page = Frame { is_hidden: true, ..frame };
    pages.respond_shared(&request, "shell.html", &Shell { page })
}

/// `GET /`
pub(super) async fn list(
    request: HttpRequest,
    service: Data<Service>,
    pages: Data<Pages>,
    tokens: Data<TokenCache>,
) -> Answer {
    query::check_length(request.query_string())?;
    let limit = PageLimit::parse(READ_MAX).unwrap_or_default();
    let read = service.reads.first_events(limit).await?;
    let page = Frame {
        summary: Some(SUMMARY),
        canonical: Some(pages.link("/")),
        url: pages.url("/"),
        ..pages.frame("Events", tokens.is_open())
    };
    let events = upcoming(&read, SystemTime::now().into());
    pages.respond_shared(&request, "list.html", &ListPage { page, events })
}

/// What search engines say of the list.
const SUMMARY: &str = "Browse events, see the seats that are left, and register by e-mail.";

/// `GET /e/{id}`
pub(super) async fn event(
    request: HttpRequest,
    service: Data<Service>,
    pages: Data<Pages>,
    tokens: Data<TokenCache>,
    OptionalAuth(caller): OptionalAuth,
    PathId(id): PathId<EventId>,
) -> Answer {
    let site = Site::of(&request, &service, &pages, &tokens)?;
    let shown = site.read(caller, id).await?;
    let form = new_form(&shown.questions);
    site.respond(fresh(StatusCode::OK), &shown, form, false)
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
    // Not even one that may call the API: what comes of a form is a page, and no other site's.
    if is_from_another_site(request.headers()) {
        return Err(ApiError::CrossSite);
    }
    let site = Site::of(&request, &service, &pages, &tokens)?;
    let shown = site.read(caller, event_id).await?;
    let key = form.key().map(|key| key.of(caller)).transpose()?;
    let asking = Asking { client, caller, event_id, key, as_organizer: false };
    let claimed = match asked_for(&form, &shown.questions) {
        Ok((person, on_full)) => claim_seat(&service, asking, person, on_full).await,
        Err(errors) => Err(ApiError::Validation(errors)),
    };
    match claimed {
        Ok(claimed) => site.told(&shown, claimed, asks_to_wait(&form)),
        Err(error) => site.refuse(caller, &shown, &form, error).await,
    }
}

/// Whom the form is for, and what is to become of them where there is no seat.
fn asked_for(form: &Form, questions: &Questions) -> Result<(Person, OnFull), Vec<FieldError>> {
    let told = |field: &str, invalid: Invalid| FieldError {
        pointer: format!("/{field}"),
        detail: sentence(&invalid.to_string()),
    };
    let mut errors = Vec::new();
    let user_email = EmailAddress::parse(form.value("user_email")).map_err(|invalid| {
        errors.push(match invalid {
            Invalid::Empty => FieldError {
                pointer: "/user_email".to_owned(),
                detail: "Enter an e-mail address.".to_owned(),
            },
            invalid => told("user_email", invalid),
        });
    });
    let name = match form.value("name").trim() {
        "" => Ok(None),
        name => PersonName::parse(name).map(Some).map_err(|invalid| {
            errors.push(told("name", invalid));
        }),
    };
    let answers = answers_in(questions, form).map_err(|wrong| errors.extend(wrong));
    let on_full = if asks_to_wait(form) { OnFull::Waitlist } else { OnFull::Refuse };
    match (user_email, name, answers) {
        (Ok(user_email), Ok(name), Ok(answers)) => {
            Ok((Person { user_email, name, answers }, on_full))
        }
        _ => Err(errors),
    }
}

fn asks_to_wait(form: &Form) -> bool {
    form.value("on_full") == "waitlist"
}

/// What is wrong with the fields of the form, as far as it is that.
fn errors_of(error: &ApiError) -> Vec<FieldError> {
    match error {
        ApiError::Validation(errors) => errors.clone(),
        ApiError::Refused { refusal: Refusal::AnswerRefused { key, why }, .. } => {
            let pointer = format!("/answers/{}", key.as_str());
            vec![FieldError { pointer, detail: sentence(&why.to_string()) }]
        }
        _ => Vec::new(),
    }
}

/// An empty form under a key that nobody else has.
fn new_form(questions: &Questions) -> RegisterForm {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the system has random numbers");
    let key = uuid::Builder::from_random_bytes(random).into_uuid().to_string();
    RegisterForm { key, questions: empty(questions), ..RegisterForm::default() }
}

/// The server, as a page needs it.
struct Site<'a> {
    service: &'a Service,
    pages: &'a Pages,
    tokens: &'a TokenCache,
    /// Whether the page is to be a part of another site's.
    is_embedded: bool,
}

/// An event, and what is known beside it.
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
        // Pages leave what others put into their addresses: a campaign, a messenger.
        query::check_length(request.query_string())?;
        let mut names = request.query_string().split('&').map(|part| part.split('=').next());
        let is_embedded = names.any(|name| name == Some("embed"));
        Ok(Self { service, pages, tokens, is_embedded })
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
        let words = EventWords::of(event, *now, url.as_deref(), organizer);
        let summary = summary(event.details.description.as_str());
        let page = Frame {
            summary: Some(summary.as_str()).filter(|summary| !summary.is_empty()),
            canonical: Some(self.pages.link(&path)),
            is_hidden: is_hidden(event, *now),
            is_embedded: self.is_embedded,
            is_answer,
            url,
            ..self.pages.frame(event.details.name.as_str(), self.tokens.is_open())
        };
        self.pages.respond_for_event(
            response,
            "event.html",
            &EventPage { page, event: words, form, questions: questions_data(questions) },
        )
    }

    /// What came of the form, on a page of its own: to load that anew sends the same form again, which is answered the
    /// same and does nothing.
    fn told(&self, shown: &Shown, claimed: Claimed, waits: bool) -> Answer {
        let (mut response, outcome) = match claimed {
            Claimed::ByMail { is_replay } => {
                (begin(StatusCode::ACCEPTED, is_replay), Told::to_confirm(waits))
            }
            Claimed::Made(made, token) => {
                let registration = &made.what;
                let link = token.map(|token| {
                    let path = format!("/r/{}#{}", registration.id, token.as_str());
                    self.pages.link(&path)
                });
                let status = made.status();
                (begin(status, made.is_replay), Told::registered(registration, link))
            }
        };
        // The link is for whoever sent the form, and is kept nowhere.
        response.insert_header((CACHE_CONTROL, "no-store"));
        let path = self.pages.path_of_event(shown.event.id);
        let words = EventWords::of(&shown.event, shown.now, None, None);
        let back = if self.is_embedded { format!("{path}?embed") } else { path };
        let outcome = outcome.about(&shown.event, &words, back);
        let title = outcome.title.clone();
        let frame = self.pages.frame(&title, self.tokens.is_open());
        let page =
            Frame { is_hidden: true, is_embedded: self.is_embedded, is_answer: true, ..frame };
        self.pages.respond_for_event(response, "outcome.html", &OutcomePage { page, outcome })
    }

    /// The form again, with what stands in the way, or the error if that is of another kind.
    async fn refuse(&self, caller: Caller, shown: &Shown, form: &Form, error: ApiError) -> Answer {
        let Some(notice) = refused(&shown.event, &error) else { return Err(error) };
        self.service.metrics.problem(problem::code(&error));
        // As full as it is by now, and with what it asks by now.
        let shown = self.read(caller, shown.event.id).await?;
        let errors = errors_of(&error);
        let detail_of = |pointer: &str| {
            errors.iter().find(|of| of.pointer == pointer).map(|of| of.detail.clone())
        };
        let mut questions = filled(&shown.questions, form);
        for question in &mut questions {
            question.error = detail_of(&question.pointer()).map(|detail| sentence(&detail));
        }
        let again = RegisterForm {
            user_email: form.value("user_email").to_owned(),
            name: form.value("name").to_owned(),
            email_error: detail_of("/user_email"),
            name_error: detail_of("/name"),
            questions,
            notice: Some(notice),
            // Another try is another request: a refusal is remembered for a while.
            ..new_form(&Questions::NONE)
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
