//! URLs typed by users: an odd one is refused with a reason, and not silently corrected.

use url::Url;

/// A URL as browsers read it, without their silent corrections, with a host and without a user name and password.
pub(crate) fn parse_strictly(raw: &str) -> Option<Url> {
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    let (scheme, rest) = raw.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if raw.contains(is_odd) || !scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let url = Url::parse(raw).ok()?;
    url.host_str().is_some_and(|host| !host.is_empty()).then_some(url)
}
