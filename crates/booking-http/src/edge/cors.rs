//! Cross-origin requests: which origins may call the API, and with what.

use crate::settings::Reader;
use std::time::Duration;

/// How long a browser may cache the result of a preflight request.
const CORS_MAX_AGE: Duration = Duration::from_secs(3_600);

/// Which other origins' pages may call the API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cors {
    /// None but our own.
    #[default]
    SameOrigin,
    /// These, written as browsers write them.
    Origins(Vec<String>),
    /// All.
    Any,
}

impl Cors {
    /// Reads `CORS_ORIGINS`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let text = reader.text("CORS_ORIGINS");
        if text == "*" {
            return Self::Any;
        }
        let origins = reader.origins("CORS_ORIGINS");
        if origins.is_empty() {
            return Self::SameOrigin;
        }
        Self::Origins(origins)
    }

    /// The middleware that sends the headers.
    pub(crate) fn middleware(&self) -> actix_cors::Cors {
        let base = actix_cors::Cors::default()
            .allowed_methods(["GET", "HEAD", "POST", "PATCH", "DELETE"])
            .allowed_headers([
                "authorization",
                "content-type",
                "idempotency-key",
                "if-match",
                "if-none-match",
                // For clients that read an event stream without the browser's own reader, which sends this header
                // without asking.
                "last-event-id",
                "x-request-id",
            ])
            .expose_headers([
                "booking-missing-cells",
                "booking-total",
                "etag",
                "idempotency-replayed",
                "link",
                "location",
                "ratelimit",
                "ratelimit-policy",
                "retry-after",
                "www-authenticate",
                "x-request-id",
            ])
            .max_age(usize::try_from(CORS_MAX_AGE.as_secs()).ok());
        match self {
            Self::SameOrigin => base,
            Self::Any => base.send_wildcard().allow_any_origin(),
            Self::Origins(origins) => {
                origins.iter().fold(base, |cors, origin| cors.allowed_origin(origin))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parsed origins, and whether they were valid.
    fn read(origins: &str) -> (Cors, bool) {
        let lookup = |name: &str| (name == "CORS_ORIGINS").then(|| origins.to_owned());
        let mut reader = Reader::new(&lookup);
        (Cors::read(&mut reader), reader.into_errors().is_empty())
    }

    #[test]
    fn origins_are_as_browsers_write_them() {
        let both = Cors::Origins(vec!["https://a.org".into(), "http://localhost:8080".into()]);
        assert_eq!(read("https://a.org, http://localhost:8080"), (both, true));
        assert_eq!(read("*"), (Cors::Any, true));
        assert_eq!(read(""), (Cors::SameOrigin, true));
        assert!(read("app://localhost").1, "as apps have that are made of pages");
        for none in
            ["https://a.org/", "https://$HOST", "https://[]", "https://a:+80", "https://a@b"]
        {
            assert!(!read(none).1, "{none}");
        }
    }
}
