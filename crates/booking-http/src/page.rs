//! Paging: the `limit` and `cursor` of a listing, and the link to its next page (RFC 8288).

use crate::problem::{ApiError, FieldError};
use crate::wire::json;
use actix_web::dev::Payload;
use actix_web::http::header::{ContentType, LINK};
use actix_web::web::{Bytes, Query};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use booking_core::{Page, PageLimit};
use serde::Serialize;
use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;

/// Which page of a listing is asked for.
pub(crate) struct PageQuery<C> {
    pub(crate) after: Option<C>,
    pub(crate) limit: PageLimit,
}

impl<C: FromStr<Err = booking_core::Invalid>> FromRequest for PageQuery<C> {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map_err(Into::into))
    }
}

fn parse<C: FromStr<Err = booking_core::Invalid>>(query: &str) -> Result<PageQuery<C>, ApiError> {
    let mut page = PageQuery { after: None, limit: PageLimit::default() };
    let mut errors = Vec::new();
    let mut refuse = |name: &str, invalid: booking_core::Invalid| {
        errors.push(FieldError { pointer: format!("/{name}"), detail: invalid.to_string() });
    };
    let pairs = Query::<Vec<(String, String)>>::from_query(query).map(Query::into_inner);
    for (name, value) in pairs.unwrap_or_default() {
        match name.as_str() {
            // What is no number is out of range like any other.
            "limit" => match PageLimit::parse(value.parse().unwrap_or(u32::MAX)) {
                Ok(limit) => page.limit = limit,
                Err(invalid) => refuse("limit", invalid),
            },
            "cursor" => match value.parse() {
                Ok(cursor) => page.after = Some(cursor),
                Err(invalid) => refuse("cursor", invalid),
            },
            // Others are not for us: a proxy's, a campaign's.
            _ => {}
        }
    }
    if errors.is_empty() { Ok(page) } else { Err(ApiError::Validation(errors)) }
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
    ) -> Self {
        let bodies: Vec<B> = page.items.iter().map(B::from).collect();
        let limit = limit.get();
        let link = |cursor| format!("<{path}?limit={limit}&cursor={cursor}>; rel=\"next\"");
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
    use booking_core::RegistrationCursor;

    #[test]
    fn what_is_asked_for_is_read_and_the_rest_left() {
        let page = parse::<RegistrationCursor>("limit=5&cursor=7&utm_source=mail").expect("valid");
        assert_eq!(page.limit.get(), 5);
        assert_eq!(page.after.map(|cursor| cursor.to_string()), Some("7".into()));
        assert_eq!(parse::<RegistrationCursor>("").expect("valid").limit, PageLimit::MAX);
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let Err(ApiError::Validation(errors)) = parse::<RegistrationCursor>("limit=0&cursor=x")
        else {
            panic!("it was taken");
        };
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/limit", "/cursor"]);
        for limit in ["1001", "-1", "x", "", "99999999999999999999"] {
            assert!(parse::<RegistrationCursor>(&format!("limit={limit}")).is_err(), "{limit}");
        }
    }
}
