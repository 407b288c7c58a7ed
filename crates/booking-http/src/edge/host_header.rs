//! The `Host` header. Its value matters only to `cross_site`; here it only has to be valid.

use crate::problem::ApiError;
use actix_web::http::header::{HOST, HeaderMap};

/// Whether the `Host` of a request is a valid host; the server has checked by now that there is exactly one. An
/// invalid one is refused (RFC 9112, section 3.2): a proxy may have read another host in it.
///
/// # Errors
/// [`ApiError::InvalidHeader`].
pub(crate) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get(HOST) {
        Some(host) if !is_host(host.as_bytes()) => {
            let detail = "must be a host, and a port if there is one (RFC 9110, section 7.2)";
            Err(ApiError::InvalidHeader { name: "Host", detail })
        }
        _ => Ok(()),
    }
}

/// `uri-host [ ":" port ]` of RFC 3986, section 3.2, in which a host may be empty.
fn is_host(host: &[u8]) -> bool {
    let (name, port) = if host.starts_with(b"[") {
        let Some(end) = host.iter().position(|byte| *byte == b']') else { return false };
        let is_literal = host[1..end].iter().all(|b| is_name_byte(*b) || *b == b':');
        (if is_literal && end > 1 { &b""[..] } else { return false }, &host[end + 1..])
    } else {
        host.split_at(host.iter().position(|byte| *byte == b':').unwrap_or(host.len()))
    };
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_port && name.iter().all(|byte| is_name_byte(*byte))
}

/// The bytes of a name, with the `%` of an escape.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte)
}
