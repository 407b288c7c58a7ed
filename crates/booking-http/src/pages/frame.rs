//! The common parts of all pages: their head, their addresses, and their security policy.

use crate::api::base_path::BasePath;
use crate::api::base_url::BaseUrl;
use crate::api::compression::vary_by;
use crate::extract::conditional::{REVALIDATE, etag_of, has_already};
use crate::pages::bundles::{REGISTRATION, SCRIPT, STYLE};
use crate::pages::engine::render;
use crate::pages::outcome::{OutcomeContent, OutcomePage};
use crate::problem::{ApiError, begin};
use crate::words::weight_of;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
    HeaderValue, REFERRER_POLICY,
};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder};
use booking_core::{EventId, Language};
use serde::Serialize;

/// The content type of pages.
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// The policy of pages: nothing but load and call resources of this server. No script is inline but for data, so an
/// injected script never runs.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// Marks an address as a page: errors there are shown to people. A resource has it as its data, and a request for
/// which there is no resource as its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rendered {
    /// An event's, which may be none.
    Event,
    /// Any other, also an address without a page.
    Page,
}

impl Rendered {
    /// The mark of a request, if it is one for a page.
    fn of(request: &HttpRequest) -> Option<Self> {
        let of_resource = request.app_data::<Self>().copied();
        of_resource.or_else(|| request.extensions().get::<Self>().copied())
    }

    /// The keys of the title and the text of the page for an unknown address.
    const fn not_found(self) -> [&'static str; 2] {
        match self {
            Self::Event => ["event.not_found", "event.not_found_why"],
            Self::Page => ["missing.title", "missing.text"],
        }
    }
}

/// The viewer of a page, as far as the page depends on them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer {
    /// The language of the page.
    pub(crate) language: Language,
    /// Whether organizers need not sign in here.
    pub(crate) is_open: bool,
}

/// Whose pages they are.
pub(crate) struct Pages {
    base_url: Option<BaseUrl>,
    base_path: BasePath,
    may_be_embedded: bool,
    /// The policy of an event's page, with the sites that may embed it.
    event_policy: String,
}

impl Pages {
    pub(crate) fn new(
        base_url: Option<BaseUrl>,
        base_path: BasePath,
        embed_origins: &[String],
    ) -> Self {
        let may_be_embedded = !embed_origins.is_empty();
        let event_policy = match may_be_embedded {
            false => POLICY.to_owned(),
            true => {
                let ancestors = format!("frame-ancestors 'self' {}", embed_origins.join(" "));
                POLICY.replace("frame-ancestors 'none'", &ancestors)
            }
        };
        Self { base_url, base_path, may_be_embedded, event_policy }
    }

    /// The prefix of this server's addresses.
    pub(crate) fn base(&self) -> &str {
        self.base_path.as_str()
    }

    /// The frame of a page.
    pub(crate) fn frame<'a>(&'a self, title: &'a str, viewer: Viewer) -> Frame<'a> {
        let Viewer { language, is_open } = viewer;
        Frame {
            title,
            language: language.as_str(),
            languages: Language::ALL.map(Language::as_str),
            base: self.base(),
            summary: None,
            canonical: None,
            url: None,
            is_hidden: false,
            is_open,
            may_be_embedded: self.may_be_embedded,
            is_embedded: false,
            is_answer: false,
            style: STYLE.path,
            script: SCRIPT.path,
            script_ahead: None,
        }
    }

    /// The script that a page of a registration preloads, so that it need not wait for the first to request it.
    pub(crate) const fn script_of_registration() -> &'static str {
        REGISTRATION.path
    }

    /// The path of an event's page.
    pub(crate) fn path_of_event(&self, id: EventId) -> String {
        format!("/e/{id}")
    }

    /// The absolute URL of a path, if this server's URL is known.
    pub(crate) fn url(&self, path: &str) -> Option<String> {
        Some(format!("{}{path}", self.base_url.as_ref()?.as_str()))
    }

    /// The address of a path for a link: absolute, if this server's URL is known.
    pub(crate) fn link(&self, path: &str) -> String {
        self.url(path).unwrap_or_else(|| format!("{}{path}", self.base()))
    }

    /// An error as a page, if the client is a browser: programs get a problem document. The request's id leads to
    /// the log.
    pub(crate) fn problem(
        &self,
        error: &ApiError,
        request: &HttpRequest,
        request_id: &str,
        viewer: Viewer,
    ) -> Option<HttpResponse> {
        let rendered = Rendered::of(request)?;
        if !prefers_html(request.headers()) || matches!(error, ApiError::CrossSite) {
            return None;
        }
        let not_found = rendered.not_found();
        let outcome = OutcomeContent::problem(viewer.language, error, not_found, request_id);
        let title = outcome.title.clone();
        let page = Frame { is_hidden: true, ..self.frame(&title, viewer) };
        let context = OutcomePage { page, outcome };
        self.respond(begin(error), viewer.language, "outcome.html", &context).ok()
    }

    /// Renders a page.
    ///
    /// # Errors
    /// [`ApiError::Panic`] for a template that uses a missing value.
    pub(crate) fn respond(
        &self,
        mut response: HttpResponseBuilder,
        language: Language,
        template: &str,
        context: &impl Serialize,
    ) -> Result<HttpResponse, ApiError> {
        let html = rendered(template, context)?;
        response
            .insert_header((CONTENT_TYPE, HTML))
            .insert_header((CONTENT_LANGUAGE, language.as_str()))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            // A form sent from a page without a referrer seems to come from another site (Fetch, section 3.2).
            .insert_header((REFERRER_POLICY, "same-origin"));
        let mut response = response.body(html);
        vary_by_language(response.headers_mut());
        Ok(response)
    }

    /// Renders a page of an event, which other sites may embed if that is allowed.
    ///
    /// # Errors
    /// [`ApiError::Panic`], as [`respond`](Self::respond).
    pub(crate) fn respond_for_event(
        &self,
        response: HttpResponseBuilder,
        language: Language,
        template: &str,
        context: &impl Serialize,
    ) -> Result<HttpResponse, ApiError> {
        let mut response = self.respond(response, language, template, context)?;
        if let Ok(policy) = HeaderValue::try_from(self.event_policy.as_str()) {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        }
        Ok(response)
    }

    /// Renders a page that is the same for all viewers of the language, unless the client has it already.
    ///
    /// # Errors
    /// [`ApiError::Panic`], as [`respond`](Self::respond).
    pub(crate) fn respond_shared(
        &self,
        request: &HttpRequest,
        language: Language,
        template: &str,
        context: &impl Serialize,
    ) -> Result<HttpResponse, ApiError> {
        let html = rendered(template, context)?;
        let tag = etag_of(html.as_bytes());
        let is_known = has_already(request, &tag.0);
        let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header(tag)
            .insert_header(REVALIDATE)
            .insert_header((CONTENT_LANGUAGE, language.as_str()))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY));
        let mut response = match is_known {
            true => response.finish(),
            false => response.insert_header((CONTENT_TYPE, HTML)).body(html),
        };
        vary_by_language(response.headers_mut());
        Ok(response)
    }
}

/// Lets caches know that a page depends on the browser's languages, and on the one that was chosen in it.
fn vary_by_language(headers: &mut HeaderMap) {
    for name in ["Accept-Language", "Cookie"] {
        vary_by(headers, name);
    }
}

fn rendered(template: &str, context: &impl Serialize) -> Result<String, ApiError> {
    render(template, context).map_err(|error| {
        log::error!("the page {template} cannot be rendered: {error:#}");
        ApiError::Panic
    })
}

/// The longest header that is parsed; browsers send less than two hundred bytes.
const ACCEPT_BYTES_MAX: usize = 1_024;

/// Whether a client names HTML in `Accept`, as browsers do, and no JSON of the same weight (RFC 9110, section
/// 12.5.1): a program that accepts both is answered as programs are.
fn prefers_html(headers: &HeaderMap) -> bool {
    let (mut html, mut json) = (0.0, 0.0);
    let accepted = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let accepted = accepted.filter(|value| value.len() <= ACCEPT_BYTES_MAX);
    for range in accepted.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let best: &mut f32 = match kind.as_str() {
            "text/html" => &mut html,
            "application/json" | "application/problem+json" => &mut json,
            _ => continue,
        };
        let weight = parts.find(|part| part.starts_with(['q', 'Q']));
        *best = best.max(weight.map_or(1.0, weight_of));
    }
    html > json
}

/// The values of `shell.html`.
#[derive(Serialize)]
pub(crate) struct Shell<'a> {
    pub(crate) page: Frame<'a>,
}

/// Begins a page that depends on its viewer, and is requested anew each time.
pub(crate) fn fresh(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    let private = HeaderValue::from_static("private, no-cache");
    response.insert_header((CACHE_CONTROL, private));
    response
}

/// The values of `layout.html`.
#[derive(Serialize)]
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    /// The tag of the page's language.
    pub(crate) language: &'static str,
    /// Those of all that there are.
    pub(crate) languages: [&'static str; Language::ALL.len()],
    /// The prefix of its addresses.
    pub(crate) base: &'a str,
    pub(crate) summary: Option<&'a str>,
    /// Its canonical address.
    pub(crate) canonical: Option<String>,
    /// The same, if it is known whole.
    pub(crate) url: Option<String>,
    /// Whether search engines must not list it.
    pub(crate) is_hidden: bool,
    pub(crate) is_open: bool,
    pub(crate) may_be_embedded: bool,
    pub(crate) is_embedded: bool,
    /// Whether it shows the result of a form: scripts leave it as it is.
    pub(crate) is_answer: bool,
    pub(crate) style: &'static str,
    pub(crate) script: &'static str,
    /// Another script to preload, if it is known.
    pub(crate) script_ahead: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_prefers_html_gets_html() {
        for (accept, is_preferred) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("Text/HTML ; Q=0.5 , */*", true),
            ("application/json;q=0.9, text/html;charset=utf-8", true),
            ("text/html;level=1;q=0.4, application/json;q=0.3", true),
            // HTML is not named in these, as programs and scripts ask.
            ("*/*", false),
            ("", false),
            ("text/*", false),
            ("application/json", false),
            ("application/json, text/html", false),
            ("text/html, application/problem+json", false),
            ("text/html;q=0.5, application/json;q=0.9", false),
            ("text/html;q=0", false),
            ("text/html;q=x", false),
            ("text/html;q=2", false),
            ("application/x-text/html", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(prefers_html(&headers), is_preferred, "{accept}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
        // It may come in several headers.
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, HeaderValue::from_static("image/png"));
        headers.append(ACCEPT, HeaderValue::from_static("text/html"));
        assert!(prefers_html(&headers));
        headers.append(ACCEPT, HeaderValue::from_static("application/json"));
        assert!(!prefers_html(&headers));
    }

    #[test]
    fn a_header_that_is_too_long_is_ignored() {
        for (length, is_preferred) in [(ACCEPT_BYTES_MAX, true), (ACCEPT_BYTES_MAX + 1, false)] {
            let accept = format!("text/html{}", " ".repeat(length - "text/html".len() - 1) + ",");
            assert_eq!(accept.len(), length);
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_str(&accept).expect("it is a header"));
            assert_eq!(prefers_html(&headers), is_preferred, "{length}");
        }
    }
}
