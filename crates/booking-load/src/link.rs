//! Links to next pages (RFC 8288).

use hyper::header::{HeaderMap, LINK};

/// The target of `Link: <…>; rel="next"`, if there is one.
pub(crate) fn next(headers: &HeaderMap) -> Option<&str> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_of)
}

/// The target of `rel="next"` in one `Link` header's value.
pub fn next_of(value: &str) -> Option<&str> {
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        // Up to the next link; a parameter that contains a bracket would only be cut short.
        let parameters = after.split('<').next().unwrap_or(after);
        if parameters.split([';', ',']).any(is_rel_next) {
            return Some(target);
        }
        rest = after;
    }
    None
}

fn is_rel_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("rel")
        && value.trim().trim_matches('"').split_whitespace().any(|rel| rel == "next")
}

#[cfg(test)]
mod tests {
    use super::next_of;

    #[test]
    fn finds_the_next_page_among_links() {
        for (value, next) in [
            (r#"</events?cursor=a>; rel="next""#, Some("/events?cursor=a")),
            (r#"<b>;rel=next"#, Some("b")),
            (r#"<a>; rel="prev", <b>; title="x"; rel="last next""#, Some("b")),
            (r#"<a>; rel="prev""#, None),
            (r#"<a>; title="next""#, None),
            ("", None),
            ("<a", None),
        ] {
            assert_eq!(next_of(value), next, "{value}");
        }
    }
}
