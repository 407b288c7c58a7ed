//! Query strings, parsed in one place and strictly: unknown and repeated parameters are refused, as in bodies, so
//! that a misspelt name does not list something else.

use crate::extract::fields::ERRORS_MAX;
use crate::problem::{ApiError, FieldError};
use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::web::Query;
use std::collections::HashMap;

/// The longest query, in bytes. The longest useful one has a few parameters and a cursor.
pub(crate) const QUERY_BYTES_MAX: usize = 2_048;

/// The parameters that an address takes when it is read. The route table declares them for a resource; where it
/// does not, and for all writes, there are none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueryNames(pub(crate) &'static [&'static str]);

/// The parameters that an address takes in its query when it is written to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WriteQueryNames(pub(crate) QueryNames);

/// The longest query of an address that takes more than [`QUERY_BYTES_MAX`], as the route table declares it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueryBytesMax(pub(crate) usize);

/// The parameters of a query that have not been taken yet, each there once, and its errors.
#[derive(Default)]
pub(crate) struct Parameters {
    found: Vec<(&'static str, String)>,
    errors: Vec<FieldError>,
}

impl Parameters {
    /// The parameters of a request, whose route knows their names.
    ///
    /// # Errors
    /// [`ApiError::QueryTooLong`].
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let names = match *request.method() {
            Method::GET | Method::HEAD => request.app_data::<QueryNames>().copied(),
            _ => request.app_data::<WriteQueryNames>().map(|names| names.0),
        };
        let names = names.unwrap_or(QueryNames(&[]));
        let max = request.app_data::<QueryBytesMax>().map_or(QUERY_BYTES_MAX, |max| max.0);
        Self::read_within(request.query_string(), names, max)
    }

    /// Parses a query, in time proportional to its length.
    ///
    /// # Errors
    /// [`ApiError::QueryTooLong`].
    #[cfg(any(test, feature = "fuzz"))]
    pub(crate) fn read(query: &str, names: QueryNames) -> Result<Self, ApiError> {
        Self::read_within(query, names, QUERY_BYTES_MAX)
    }

    fn read_within(query: &str, names: QueryNames, bytes_max: usize) -> Result<Self, ApiError> {
        check_within(query, bytes_max)?;
        let mut parameters = Self::default();
        if query.is_empty() {
            return Ok(parameters);
        }
        let pairs = Query::<Vec<(String, String)>>::from_query(query).map(Query::into_inner);
        let mut times: HashMap<String, u32> = HashMap::new();
        for (name, value) in pairs.unwrap_or_default() {
            let known = names.0.iter().find(|known| **known == name);
            let times = times.entry(name.clone()).or_default();
            *times += 1;
            match (known, *times) {
                (Some(known), 1) => parameters.found.push((*known, value)),
                (Some(_), 2) => parameters.refuse(&name, "is there more than once"),
                (None, 1) => parameters.refuse(&name, "is not a parameter of this address"),
                // Reported already.
                _ => {}
            }
        }
        Ok(parameters)
    }

    /// Takes a parameter, if it is there.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let position = self.found.iter().position(|(found, _)| *found == name)?;
        let (_, value) = self.found.swap_remove(position);
        parse(&value).map_err(|reason| self.refuse(name, &reason)).ok()
    }

    /// Takes a required parameter: `absent` is the error, and the value in place of a missing one.
    pub(crate) fn take_or<T>(
        &mut self,
        name: &str,
        absent: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.found.iter().any(|(found, _)| *found == name) {
            return self.take(name, parse);
        }
        parse(absent).map_err(|reason| self.refuse(name, &reason)).ok()
    }

    /// The value that was made of the parameters, if there are no errors.
    ///
    /// # Errors
    /// [`ApiError::Validation`] with everything that is, up to [`ERRORS_MAX`].
    pub(crate) fn finish<T>(mut self, value: T) -> Result<T, ApiError> {
        if self.errors.is_empty() {
            return Ok(value);
        }
        self.errors.truncate(ERRORS_MAX);
        Err(ApiError::Validation(self.errors))
    }

    fn refuse(&mut self, name: &str, reason: &str) {
        // As in a JSON pointer (RFC 6901, section 3).
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        self.errors.push(FieldError { pointer, detail: reason.to_owned() });
    }
}

/// Reads a boolean parameter.
pub(crate) fn truth(value: &str) -> Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// A value, percent-encoded for a query (RFC 3986, section 2.1).
pub(crate) fn encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Refuses a query that is longer than any of ours.
///
/// # Errors
/// [`ApiError::QueryTooLong`].
pub(crate) fn check_length(query: &str) -> Result<(), ApiError> {
    check_within(query, QUERY_BYTES_MAX)
}

fn check_within(query: &str, max: usize) -> Result<(), ApiError> {
    if query.len() > max { Err(ApiError::QueryTooLong { max }) } else { Ok(()) }
}

/// Refuses a query with unknown or repeated names.
///
/// # Errors
/// [`ApiError::QueryTooLong`], [`ApiError::Validation`].
pub(crate) fn check_names(request: &HttpRequest) -> Result<(), ApiError> {
    Parameters::of(request)?.finish(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: QueryNames = QueryNames(&["limit", "status"]);

    /// The pointers of the errors of a query.
    fn wrong(query: &str) -> Vec<String> {
        let parameters = Parameters::read(query, NAMES).expect("it is short enough");
        match parameters.finish(()) {
            Ok(()) => Vec::new(),
            Err(ApiError::Validation(errors)) => {
                errors.into_iter().map(|error| error.pointer).collect()
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_unknown_or_repeated_parameter_is_reported_once() {
        assert_eq!(wrong(""), [""; 0]);
        assert_eq!(wrong("&&"), [""; 0]);
        assert_eq!(wrong("limit=1&status="), [""; 0]);
        assert_eq!(wrong("utm_source=mail&limit=1"), ["/utm_source"]);
        assert_eq!(wrong("limit=1&limit=1&limit=2"), ["/limit"]);
        assert_eq!(wrong("x&x&x=1"), ["/x"]);
        assert_eq!(wrong("=&a/b~c&Limit=1"), ["/", "/a~1b~0c", "/Limit"]);
        let mut parameters = Parameters::read("%6cimit=7", NAMES).expect("short enough");
        let number = |value: &str| value.parse::<u8>().map_err(|error| error.to_string());
        let limit = parameters.take("limit", number);
        assert_eq!(limit, Some(7));
        assert_eq!(parameters.take("status", |_| Ok(())), None);
    }

    #[test]
    fn the_longest_query_is_answered_shortly() {
        let one_letter = |count: usize| {
            let names = (b'a'..=b'z').cycle().take(count).map(|b| format!("{}&", char::from(b)));
            names.collect::<String>()
        };
        // As many names as there can be, each of them again and again.
        assert_eq!(wrong(&one_letter(QUERY_BYTES_MAX / 2)).len(), 26);
        let names: String = (0..500).map(|number| format!("{number:x}&")).collect();
        assert!(names.len() <= QUERY_BYTES_MAX);
        assert_eq!(wrong(&names).len(), ERRORS_MAX);
        let too_long = "a".repeat(QUERY_BYTES_MAX + 1);
        let refused = Parameters::read(&too_long, NAMES);
        assert!(matches!(refused, Err(ApiError::QueryTooLong { .. })));
        assert!(Parameters::read(&too_long[1..], NAMES).is_ok());
    }
}
