//! Paging: the `limit` and `cursor` of a listing, and the link to its next page (RFC 8288).
//! Registrations can be narrowed by `status`, `checked_in` and a part of a name or address, too.

use crate::api::compression::Gzipped;
use crate::api::openapi::operation::query;
use crate::api::openapi::schemas::{boolean, integer, string, words};
use crate::api::responses::json;
use crate::extract::query::{Parameters, QueryNames, encoded, truth};
use crate::problem::ApiError;
use actix_web::dev::Payload;
use actix_web::http::header::{ContentType, HeaderName, LINK};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use booking_core::{
    CellName, DeliveryCursor, EventCursor, Listed, PAGE_BYTES_MAX, Page, PageLimit,
    RegistrationCursor, RegistrationFilter, SearchText, Status,
};
use serde::Serialize;
use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;
use utoipa::openapi::path::Parameter;

/// The names of the cells whose items are missing, separated by commas.
pub(crate) const MISSING_CELLS: HeaderName = HeaderName::from_static("booking-missing-cells");

/// The number of items of a listing on all its pages.
pub(crate) const TOTAL: HeaderName = HeaderName::from_static("booking-total");

/// Which page of a listing the client asks for.
pub(crate) struct PageQuery<C> {
    pub(crate) after: Option<C>,
    pub(crate) limit: PageLimit,
    pub(crate) filter: RegistrationFilter,
}

/// Where a page of a listing starts.
pub(crate) trait Cursor: FromStr<Err = booking_core::Invalid> {
    /// The parameters of the listing.
    const NAMES: QueryNames;
}

impl Cursor for EventCursor {
    const NAMES: QueryNames = QueryNames(&["limit", "cursor"]);
}

impl Cursor for RegistrationCursor {
    const NAMES: QueryNames = QueryNames(&["limit", "cursor", "status", "checked_in", "q"]);
}

impl Cursor for DeliveryCursor {
    const NAMES: QueryNames = QueryNames(&["limit", "cursor"]);
}

impl<C: Cursor> FromRequest for PageQuery<C> {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Parameters::of(request).and_then(page).map_err(Into::into))
    }
}

/// Reads a query.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn parse<C: Cursor>(query: &str) -> Result<PageQuery<C>, ApiError> {
    page(Parameters::read(query, C::NAMES)?)
}

fn page<C: Cursor>(mut parameters: Parameters) -> Result<PageQuery<C>, ApiError> {
    let (limit, after) = (limit(&mut parameters), after(&mut parameters));
    let filter = filter(&mut parameters);
    parameters.finish(PageQuery { after, limit, filter })
}

/// How many items a page may have.
pub(crate) fn limit(parameters: &mut Parameters) -> PageLimit {
    // A value that is no number is out of range like any other.
    let limit = parameters.take("limit", |value| {
        PageLimit::parse(digits(value).unwrap_or(u32::MAX)).map_err(|invalid| invalid.to_string())
    });
    limit.unwrap_or_default()
}

/// Where a page begins.
pub(crate) fn after<C: FromStr<Err = booking_core::Invalid>>(
    parameters: &mut Parameters,
) -> Option<C> {
    parameters.take("cursor", |value| C::from_str(value).map_err(|invalid| invalid.to_string()))
}

/// The values of `listed` in a query.
const LISTED: [(&str, Listed); 2] = [("seated", Listed::Seated), ("all", Listed::All)];

/// The filter of registrations in a query.
fn filter(parameters: &mut Parameters) -> RegistrationFilter {
    let mut filter = RegistrationFilter::default();
    parameters.take("status", |value| {
        match LISTED.iter().find(|(word, _)| *word == value) {
            Some((_, listed)) => filter.listed = *listed,
            None => {
                let status = Status::from_name(value);
                let words: Vec<&str> = statuses().collect();
                filter.status =
                    Some(status.ok_or_else(|| format!("must be one of {}", words.join(", ")))?);
            }
        }
        Ok(())
    });
    filter.checked_in = parameters.take("checked_in", truth);
    // An empty search, as a form sends it, matches everything.
    filter.text = parameters
        .take("q", |value| match value.trim() {
            "" => Ok(None),
            text => SearchText::parse(text).map(Some).map_err(|invalid| invalid.to_string()),
        })
        .flatten();
    filter
}

fn statuses() -> impl Iterator<Item = &'static str> {
    LISTED.into_iter().map(|(word, _)| word).chain(Status::ALL.into_iter().map(Status::as_str))
}

/// The same filter in the link to the next page.
pub(crate) fn query_of(filter: &RegistrationFilter) -> String {
    let mut query = String::new();
    match (filter.status, filter.listed) {
        (Some(status), _) => query = format!("&status={}", status.as_str()),
        (None, Listed::All) => query.push_str("&status=all"),
        (None, Listed::Seated) => {}
    }
    if let Some(checked_in) = filter.checked_in {
        query.push_str(&format!("&checked_in={checked_in}"));
    }
    if let Some(text) = &filter.text {
        query.push_str(&format!("&q={}", encoded(text.as_str())));
    }
    query
}

/// The parameters of a listing, for the description.
pub(crate) fn described<C: Cursor>() -> Vec<Parameter> {
    let max = u32::try_from(PageLimit::MAX.get()).unwrap_or(u32::MAX);
    let parameters = [
        query(
            "limit",
            "How many items a page has at most; all that it may if left out",
            integer(1..=max),
        ),
        query("cursor", "Where the page begins, as the link to it says", string()),
        query(
            "status",
            "Those that have a seat, as if left out, all that ever were, or those that are just so",
            words(statuses()),
        ),
        query("checked_in", "Those that were let in, or those that were not", boolean()),
        query(
            "q",
            "A part of a name or an address; neither case nor accents count",
            string().max_length(Some(SearchText::CHARACTERS_MAX)),
        ),
    ];
    parameters.into_iter().filter(|known| C::NAMES.0.contains(&known.name.as_str())).collect()
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
    missing: Option<String>,
    total: Option<String>,
    gzipped: Gzipped,
}

impl PageBody {
    /// The page of the listing at `path` with the query `asked`: as much of it as [`PAGE_BYTES_MAX`] bytes hold,
    /// and one item at least.
    pub(crate) fn of<'a, T: 'a, B, C>(
        path: &str,
        page: &'a Page<T, C>,
        limit: PageLimit,
        asked: &str,
    ) -> Self
    where
        B: From<&'a T> + Serialize,
        C: Copy + Display + From<&'a T>,
    {
        let (json, count) = array::<T, B>(&page.items);
        let next = match page.items.get(..count).filter(|first| first.len() < page.items.len()) {
            Some(first) => first.last().map(C::from),
            None => page.next,
        };
        let limit = limit.get();
        let link = |cursor| format!("<{path}?limit={limit}{asked}&cursor={cursor}>; rel=\"next\"");
        let missing: Vec<&str> = page.missing.iter().map(CellName::as_str).collect();
        let missing = (!missing.is_empty()).then(|| missing.join(", "));
        Self { json, next: next.map(link), missing, total: None, gzipped: Gzipped::default() }
    }

    /// The same with the header that counts the items on all pages.
    pub(crate) fn with_total(self, total: Option<String>) -> Self {
        Self { total, ..self }
    }

    /// Whether it is `other`, byte for byte.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.next, &self.missing) == (&other.next, &other.missing) && self.json == other.json
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.json.len()
    }

    pub(crate) fn into_response(self) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        if let Some(link) = self.next {
            response.insert_header((LINK, link));
        }
        if let Some(missing) = self.missing {
            response.insert_header((MISSING_CELLS, missing));
        }
        if let Some(total) = self.total {
            response.insert_header((TOTAL, total));
        }
        response.extensions_mut().insert(self.gzipped);
        response.content_type(ContentType::json()).body(self.json)
    }
}

/// A JSON array of the first of `items`, and their number.
fn array<'a, T: 'a, B: From<&'a T> + Serialize>(items: &'a [T]) -> (Bytes, usize) {
    let mut array = vec![b'['];
    let mut count = 0;
    for item in items {
        let item = json(&B::from(item));
        if count > 0 && array.len() + item.len() > PAGE_BYTES_MAX {
            break;
        }
        if count > 0 {
            array.push(b',');
        }
        array.extend_from_slice(&item);
        count += 1;
    }
    array.push(b']');
    array.shrink_to_fit();
    (array.into(), count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn known_parameters_are_read_and_others_refused() {
        let page = parse::<RegistrationCursor>("limit=5&cursor=7").expect("valid");
        assert_eq!(page.limit.get(), 5);
        assert_eq!(page.after.map(|cursor| cursor.to_string()), Some("7".into()));
        assert_eq!(page.filter, RegistrationFilter::default());
        assert_eq!(parse::<RegistrationCursor>("").expect("valid").limit, PageLimit::MAX);
        let all = parse::<RegistrationCursor>("status=all").expect("valid");
        assert_eq!(all.filter.listed, Listed::All);
        assert!(all.filter.is_plain());
        assert!(parse::<RegistrationCursor>("limit=5&utm_source=mail").is_err());
        assert!(parse::<EventCursor>("status=all").is_err(), "which is not for us there");
        assert!(parse::<EventCursor>("q=a").is_err());
    }

    #[test]
    fn the_next_page_is_of_the_same_people() {
        for (query, expected) in [
            ("", ""),
            ("status=seated&q=%20", ""),
            ("status=all", "&status=all"),
            ("status=waitlisted", "&status=waitlisted"),
            ("checked_in=false&q=Zo%C3%AB%20%26%20Co", "&checked_in=false&q=zoe%20%26%20co"),
            ("status=confirmed&q=%E2%98%83%2b", "&status=confirmed&q=%E2%98%83%2B"),
        ] {
            let asked = parse::<RegistrationCursor>(query).expect("valid").filter;
            assert_eq!(query_of(&asked), expected, "{query}");
            let again =
                parse::<RegistrationCursor>(expected.trim_start_matches('&')).expect("valid");
            assert_eq!(again.filter, asked, "{query}");
        }
        for wrong in ["status=gone", "checked_in=yes", "checked_in=", "q=%01", "q=%E2%80%8B"] {
            assert!(parse::<RegistrationCursor>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_invalid_parameter_is_reported() {
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

    /// An item of a listing, as many bytes long as its number.
    struct Item(usize);

    #[derive(Serialize)]
    struct ItemBody(String);

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct ItemCursor(usize);

    impl From<&Item> for ItemBody {
        fn from(item: &Item) -> Self {
            Self("x".repeat(item.0))
        }
    }

    impl From<&Item> for ItemCursor {
        fn from(item: &Item) -> Self {
            Self(item.0)
        }
    }

    impl Display for ItemCursor {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.fmt(f)
        }
    }

    /// How many items a page has, and where the next one starts.
    fn page_of(lengths: &[usize], next: Option<ItemCursor>) -> (usize, Option<String>) {
        let items = lengths.iter().map(|length| Item(*length)).collect();
        let page = Page { items, next, missing: Vec::new() };
        let limit = PageLimit::MAX;
        let body = PageBody::of::<_, ItemBody, _>("/items", &page, limit, "");
        let shown: Vec<String> = serde_json::from_slice(&body.json).expect("an array of texts");
        assert!(body.json.len() <= PAGE_BYTES_MAX + 2 || shown.len() == 1, "{}", body.json.len());
        let cursor = |link: String| {
            let (_, cursor) = link.split_once("&cursor=").expect("there is one");
            cursor.trim_end_matches(">; rel=\"next\"").to_owned()
        };
        (shown.len(), body.next.map(cursor))
    }

    #[test]
    fn a_page_names_the_cells_that_are_missing() {
        let shown = |names: &[&str]| {
            let missing = names.iter().map(|name| CellName::parse(name).expect("a valid name"));
            let page = Page { items: vec![Item(1)], next: None, missing: missing.collect() };
            let body =
                PageBody::of::<Item, ItemBody, ItemCursor>("/items", &page, PageLimit::MAX, "");
            body.into_response().headers().get(MISSING_CELLS).cloned()
        };
        assert_eq!(shown(&[]), None);
        assert_eq!(shown(&["c1", "c3"]).as_ref().map(HeaderValue::as_bytes), Some(&b"c1, c3"[..]));
    }

    #[test]
    fn a_page_is_bounded_in_bytes() {
        let half = PAGE_BYTES_MAX / 2;
        assert_eq!(page_of(&[], None), (0, None));
        assert_eq!(page_of(&[1, 2], None), (2, None));
        assert_eq!(page_of(&[1, 2], Some(ItemCursor(2))), (2, Some("2".into())));
        // In two pages, and the second is what the store knows nothing of.
        assert_eq!(page_of(&[half, half + 1], None), (1, Some(half.to_string())));
        assert_eq!(page_of(&[1, half, half + 1], Some(ItemCursor(9))), (2, Some(half.to_string())));
        // One that is too long by itself is a page by itself.
        assert_eq!(page_of(&[3 * half], None), (1, None));
        assert_eq!(page_of(&[3 * half, 1], None), (1, Some((3 * half).to_string())));
        assert_eq!(page_of(&[1, 3 * half], None), (1, Some("1".into())));
    }
}
