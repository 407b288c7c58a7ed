//! The language of a page: the one in its address, else the one that was chosen at the foot of a page, else the
//! browser's. Programs are answered by their header alone ([`wanted_language`]).

use crate::words::wanted_language;
use actix_web::HttpRequest;
use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue};
use booking_core::Language;

/// Names the language in an address: `/?lang=de`.
const QUERY_NAME: &str = "lang";

/// Stores the chosen language: its tag and nothing else. The modules write it, too (`static/js/language.js`).
const COOKIE_NAME: &str = "booking_language";

/// A year.
const COOKIE_SECONDS: u32 = 31_536_000;

/// The language of a page.
pub(crate) fn language_of_page(request: &HttpRequest) -> Language {
    named(request.query_string())
        .or_else(|| chosen(request.headers()))
        .unwrap_or_else(|| wanted_language(request.headers()))
}

/// The language in the address, if there is such a language.
pub(crate) fn named(query: &str) -> Option<Language> {
    value_of(query.split('&'), QUERY_NAME)
}

/// The language that was chosen before.
fn chosen(headers: &HeaderMap) -> Option<Language> {
    // Other cookies of the site may be no ASCII.
    headers.get_all(COOKIE).find_map(|value| {
        let pairs = String::from_utf8_lossy(value.as_bytes());
        value_of(pairs.split(';').map(str::trim), COOKIE_NAME)
    })
}

/// The first of that name that is a language.
fn value_of<'a>(mut pairs: impl Iterator<Item = &'a str>, name: &str) -> Option<Language> {
    pairs.find_map(|pair| {
        let value = pair.strip_prefix(name)?.strip_prefix('=')?;
        Language::from_name(value)
    })
}

/// The cookie that stores a language for `base` and all pages below it.
pub(crate) fn cookie_of(language: Language, base: &str) -> Option<HeaderValue> {
    let language = language.as_str();
    // Without a slash behind it, it is the list's own path, too (RFC 6265, section 5.1.4).
    let path = if base.is_empty() { "/" } else { base };
    let text =
        format!("{COOKIE_NAME}={language}; Path={path}; Max-Age={COOKIE_SECONDS}; SameSite=Lax");
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_address_comes_first_then_the_cookie_then_the_browser() {
        let of = |uri: &str, cookie: &str| {
            let request = TestRequest::with_uri(uri)
                .insert_header(("Accept-Language", "de"))
                .insert_header(("Cookie", cookie));
            language_of_page(&request.to_http_request())
        };
        for (uri, cookie, language) in [
            ("/", "", Language::De),
            ("/", "booking_language=en", Language::En),
            ("/", "a=b; booking_language=en; c=d", Language::En),
            ("/?lang=de", "booking_language=en", Language::De),
            ("/?q=a&lang=en", "", Language::En),
            // An invalid one is ignored.
            ("/?lang=fr", "booking_language=en", Language::En),
            ("/?lang=EN&language=en&xlang=en", "", Language::De),
            ("/", "booking_language=fr; xbooking_language=en; booking_language", Language::De),
            ("/", "booking_language=fr; booking_language=en", Language::En),
        ] {
            assert_eq!(of(uri, cookie), language, "{uri} {cookie}");
        }
    }

    #[test]
    fn the_cookie_is_a_language_for_these_pages_alone() {
        let cookie = cookie_of(Language::De, "/tickets").expect("it is a header");
        let expected = "booking_language=de; Path=/tickets; Max-Age=31536000; SameSite=Lax";
        assert_eq!(cookie, expected);
    }
}
