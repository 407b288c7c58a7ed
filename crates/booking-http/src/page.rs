//! Paging: the `limit` and `cursor` of a listing, and the link to its next page (RFC 8288).
//! Registrations can be narrowed by `status`, too.

use crate::problem::{ApiError, FieldError};
use crate::wire::json;
use actix_web::dev::Payload;
use actix_web::http::header::{ContentType, LINK};
use actix_web::web::{Bytes, Query};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use booking_core::{EventCursor, Listed, Page, PageLimit, RegistrationCursor};
use serde::Serialize;
use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;

/// Which page of a listing is asked for.
pub(crate) struct PageQuery<C> {
    pub(crate) after: Option<C>,
    pub(crate) limit: PageLimit,
    pub(crate) listed: Listed,
}

/// Where a page of a listing starts.
pub(crate) trait Cursor: FromStr<Err = booking_core::Invalid> {
    /// Whether the listing can be narrowed by `status`.
    const HAS_STATUS: bool;
}

impl Cursor for EventCursor {
    const HAS_STATUS: bool = false;
}

impl Cursor for RegistrationCursor {
    const HAS_STATUS: bool = true;
}

impl<C: Cursor> FromRequest for PageQuery<C> {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map_err(Into::into))
    }
}

/// Reads a query.
pub(crate) fn parse<C: Cursor>(query: &str) -> Result<PageQuery<C>, ApiError> {
    let mut page =
        PageQuery { after: None, limit: PageLimit::default(), listed: Listed::default() };
    let mut errors = Vec::new();
    let mut refuse = |name: &str, reason: String| {
        errors.push(FieldError { pointer: format!("/{name}"), detail: reason });
    };
    let pairs = Query::<Vec<(String, String)>>::from_query(query).map(Query::into_inner);
    let pairs = pairs.unwrap_or_default();
    for (at, (name, value)) in pairs.iter().enumerate() {
        let is_first = !pairs[..at].iter().any(|(other, _)| other == name);
        match name.as_str() {
            "limit" | "cursor" if !is_first => refuse(name, "is there more than once".into()),
            "status" if C::HAS_STATUS && !is_first => {
                refuse(name, "is there more than once".into());
            }
            // What is no number is out of range like any other.
            "limit" => match PageLimit::parse(digits(value).unwrap_or(u32::MAX)) {
                Ok(limit) => page.limit = limit,
                Err(invalid) => refuse("limit", invalid.to_string()),
            },
            "cursor" => match C::from_str(value) {
                Ok(cursor) => page.after = Some(cursor),
                Err(invalid) => refuse("cursor", invalid.to_string()),
            },
            "status" if C::HAS_STATUS => match value.as_str() {
                "seated" => page.listed = Listed::Seated,
                "all" => page.listed = Listed::All,
                _ => refuse("status", "must be seated or all".into()),
            },
            // Others are not for us: a proxy's, a campaign's.
            _ => {}
        }
    }
    if errors.is_empty() { Ok(page) } else { Err(ApiError::Validation(errors)) }
}

/// A number without a sign.
fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A page as it is sent: a JSON array, and the link to the next page if there is one.
#[derive(Clone)]
pub(crate) struct PageBody {
    json: Bytes,
    next: Option<String>,
}

impl PageBody {
    /// The page of the listing at `path`.
    pub(crate) fn of<'a, T: 'a, B: From<&'a T> + Serialize, C: Display>(
        path: &str,
        page: &'a Page<T, C>,
        limit: PageLimit,
        listed: Listed,
    ) -> Self {
        let bodies: Vec<B> = page.items.iter().map(B::from).collect();
        let limit = limit.get();
        let status = match listed {
            Listed::Seated => "",
            Listed::All => "&status=all",
        };
        let link = |cursor| format!("<{path}?limit={limit}{status}&cursor={cursor}>; rel=\"next\"");
        Self { json: json(&bodies), next: page.next.as_ref().map(link) }
    }

    pub(crate) fn into_response(self) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        if let Some(link) = self.next {
            response.insert_header((LINK, link));
        }
        response.content_type(ContentType::json()).body(self.json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_the_rest_left() {
        let page = parse::<RegistrationCursor>("limit=5&cursor=7&utm_source=mail").expect("valid");
        assert_eq!(page.limit.get(), 5);
        assert_eq!(page.after.map(|cursor| cursor.to_string()), Some("7".into()));
        assert_eq!(page.listed, Listed::Seated);
        assert_eq!(parse::<RegistrationCursor>("").expect("valid").limit, PageLimit::MAX);
        let all = parse::<RegistrationCursor>("status=all").expect("valid");
        assert_eq!(all.listed, Listed::All);
        assert!(parse::<EventCursor>("status=draft").is_ok(), "which is not for us there");
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let Err(ApiError::Validation(errors)) =
            parse::<RegistrationCursor>("limit=0&cursor=x&status=x")
        else {
            panic!("it was taken");
        };
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/limit", "/cursor", "/status"]);
        for limit in ["1001", "-1", "x", "", "99999999999999999999"] {
            assert!(parse::<RegistrationCursor>(&format!("limit={limit}")).is_err(), "{limit}");
        }
    }
}
