//! The path prefix of this server, if it is a part of another site.

use crate::settings::Reader;
use actix_web::http::header::{HeaderMap, HeaderValue, LINK, LOCATION};

const COMPLAINT: &str =
    "is not the path of a folder, such as /tickets, of letters, digits, - . _ and ~";

/// The prefix of every request's path: empty, or such as `/tickets`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasePath(
    /// Without a slash at its end.
    String,
);

impl BasePath {
    /// The longest, in bytes.
    const BYTES_MAX: usize = 200;

    /// Reads `BASE_PATH`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let Some(text) = reader.given("BASE_PATH") else { return Self::default() };
        Self::parse(text.trim()).unwrap_or_else(|| {
            reader.fail("BASE_PATH", COMPLAINT);
            Self::default()
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let path = text.strip_suffix('/').unwrap_or(text);
        if path.is_empty() {
            return Some(Self::default());
        }
        let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        // Browsers resolve these parts.
        let is_folder = |part: &str| !["", ".", ".."].contains(&part) && part.bytes().all(is_taken);
        let is_good = path.len() <= Self::BYTES_MAX
            && path.strip_prefix('/').is_some_and(|path| path.split('/').all(is_folder));
        is_good.then(|| Self(path.to_owned()))
    }

    /// The prefix, without a slash at its end: empty, if this server is the whole site.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this server is all of its site.
    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path without the prefix, as routes match it; `None` for a path outside of it.
    pub(crate) fn without<'p>(&self, path: &'p str) -> Option<&'p str> {
        match path.strip_prefix(self.as_str())? {
            "" => Some("/"),
            rest => rest.starts_with('/').then_some(rest),
        }
    }

    /// Adds the prefix to the headers of an answer that hold paths of this server.
    pub(crate) fn complete(&self, headers: &mut HeaderMap) {
        if self.is_root() {
            return;
        }
        for (name, before) in [(LOCATION, ""), (LINK, "<")] {
            let value = headers.get(&name).and_then(|value| value.to_str().ok());
            let path = value.and_then(|value| value.strip_prefix(before));
            let Some(path) = path.filter(|path| path.starts_with('/')) else { continue };
            if let Ok(value) = HeaderValue::try_from(format!("{before}{}{path}", self.0)) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_path_of_plain_folders() {
        for (text, base) in [
            ("/tickets", "/tickets"),
            ("/tickets/", "/tickets"),
            ("/a/b-c_d.e~f", "/a/b-c_d.e~f"),
            ("/", ""),
            ("", ""),
        ] {
            assert_eq!(BasePath::parse(text), Some(BasePath(base.to_owned())), "{text}");
        }
        let long = format!("/{}", "a".repeat(BasePath::BYTES_MAX));
        for text in [
            "tickets",
            "//",
            "//evil.example",
            "/a//b",
            "/a/../b",
            "/.",
            "/a b",
            "/a\"b",
            "/a%2fb",
            "/a?b",
            "/a#b",
            "/ü",
            "https://a.example/tickets",
            long.as_str(),
        ] {
            assert_eq!(BasePath::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_paths_below_the_base_are_ours() {
        let base = BasePath::parse("/tickets").expect("it is one");
        for (path, ours) in [
            ("/tickets", Some("/")),
            ("/tickets/", Some("/")),
            ("/tickets/events", Some("/events")),
            ("/tickets//events", Some("//events")),
            ("/ticketsevents", None),
            ("/events", None),
            ("/", None),
        ] {
            assert_eq!(base.without(path), ours, "{path}");
        }
        assert_eq!(BasePath::default().without("/events"), Some("/events"));
    }

    #[test]
    fn links_in_answers_have_the_base_path() {
        let base = BasePath::parse("/tickets").expect("it is one");
        for (name, value, led) in [
            (LOCATION, "/events/1", "/tickets/events/1"),
            (LOCATION, "https://a.example/b", "https://a.example/b"),
            (LINK, "</events?cursor=a>; rel=\"next\"", "</tickets/events?cursor=a>; rel=\"next\""),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name.clone(), HeaderValue::from_static(value));
            BasePath::default().complete(&mut headers);
            assert_eq!(headers.get(&name), Some(&HeaderValue::from_static(value)));
            base.complete(&mut headers);
            assert_eq!(headers.get(&name), Some(&HeaderValue::from_static(led)));
        }
    }
}
