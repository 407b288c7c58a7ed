//! Compressed responses for clients that accept them (gzip, RFC 9110, section 8.4.1.3), sent in slices, so that a
//! client that does not read holds a reference to a shared body and not a copy of it.
//!
//! Not actix-web's own `Compress`: that compresses a shared body again for each client, sends it without its
//! length, however short it is, and keeps the tag of the uncompressed form. Only responses to reads are compressed.
//! Those to writes have secrets in them (`manage_token`) next to what the client sent, and their length would leak
//! both (BREACH).

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;

/// Shorter answers are sent uncompressed.
const COMPRESSED_BYTES_MIN: usize = 1_024;
/// Longer ones are compressed on another thread than the one that serves connections.
const COMPRESSED_HERE_BYTES_MAX: usize = 64 * 1_024;
/// How many of those are compressed at once; the others wait, each of them for a connection.
const COMPRESSIONS_MAX: usize = 2;
/// How much of an answer a connection is given at a time. It copies that, and takes more when it is sent.
pub(crate) const SLICE_BYTES: usize = 64 * 1_024;

/// The suffix of a compressed response's tag. Another representation needs a tag of its own (RFC 9110, section
/// 8.8.3.3); no code behind this file sees it.
const TAG_END: &str = "-gzip\"";

static COMPRESSIONS: Semaphore = Semaphore::const_new(COMPRESSIONS_MAX);

/// The compressed form of a body, made at most once for all responses that share it. It travels as an extension of
/// the response.
#[derive(Clone, Default)]
pub(crate) struct Gzipped(Arc<OnceCell<Bytes>>);

impl Gzipped {
    /// One that is made already.
    pub(crate) fn ready(bytes: &'static [u8]) -> Self {
        Self(Arc::new(OnceCell::from(Bytes::from_static(bytes))))
    }

    async fn of(&self, plain: &Bytes) -> Bytes {
        let make = || async {
            if plain.len() <= COMPRESSED_HERE_BYTES_MAX {
                return gzip(plain);
            }
            let _turn = COMPRESSIONS.acquire().await;
            let shared = plain.clone();
            // What could not be compressed is sent uncompressed: it is not shorter.
            spawn_blocking(move || gzip(&shared)).await.unwrap_or_else(|_| plain.clone())
        };
        self.0.get_or_init(make).await.clone()
    }
}

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to a `Vec` cannot fail.
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.map_or_else(|_| Bytes::copy_from_slice(plain), Bytes::from)
}

/// Compresses the response to a read, if it is long and the client accepts gzip.
pub(crate) async fn compress(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let held = strip_suffix_of_tags(&mut request);
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let takes_gzip = takes_gzip(request.headers());
    let mut response = next.call(request).await?.map_into_boxed_body();
    match response.status() {
        StatusCode::OK => {
            let (request, response) = response.into_parts();
            Ok(ServiceResponse::new(request, in_form(response, takes_gzip).await))
        }
        StatusCode::NOT_MODIFIED => {
            // The tag of what the client has, by which a cache finds it again (RFC 9111, section 4.3.4).
            let headers = response.headers_mut();
            let tag = compressed_tag(headers);
            if let Some(tag) = tag.filter(|tag| held.iter().any(|held| contains(held, tag))) {
                headers.insert(ETAG, tag);
            }
            vary_by(headers, "Accept-Encoding");
            Ok(response)
        }
        _ => Ok(response),
    }
}

async fn in_form(response: HttpResponse, takes_gzip: bool) -> HttpResponse {
    let gzipped = response.extensions().get::<Gzipped>().cloned();
    let (mut response, body) = response.into_parts();
    let plain = match body.try_into_bytes() {
        Ok(plain) => plain,
        // A stream, which has no end yet.
        Err(body) => return response.set_body(body),
    };
    let is_long = plain.len() > COMPRESSED_BYTES_MIN;
    if !is_long || response.headers().contains_key(CONTENT_ENCODING) {
        return response.set_body(sliced(plain));
    }
    vary_by(response.headers_mut(), "Accept-Encoding");
    if takes_gzip {
        let compressed = gzipped.unwrap_or_default().of(&plain).await;
        if compressed.len() < plain.len() {
            let headers = response.headers_mut();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            if let Some(tag) = compressed_tag(headers) {
                headers.insert(ETAG, tag);
            }
            return response.set_body(sliced(compressed));
        }
    }
    response.set_body(sliced(plain))
}

/// Adds this header to `Vary`, beside those that are there.
pub(crate) fn vary_by(headers: &mut HeaderMap, name: &'static str) {
    let alone = HeaderValue::from_static(name);
    let others = headers.get(VARY).and_then(|others| others.to_str().ok());
    let is_there = |other: &str| other.trim().eq_ignore_ascii_case(name);
    if others.is_some_and(|others| others.split(',').any(is_there)) {
        return;
    }
    let both = others.and_then(|others| format!("{others}, {name}").parse().ok());
    headers.insert(VARY, both.unwrap_or(alone));
}

/// The tag of an answer in its compressed form.
fn compressed_tag(headers: &HeaderMap) -> Option<HeaderValue> {
    let tag = headers.get(ETAG)?.to_str().ok()?.strip_suffix('"')?;
    HeaderValue::try_from(format!("{tag}{TAG_END}")).ok()
}

/// Removes the suffix from the tags that a request names: the question is whether the client has, or means, the
/// same resource. Returns the tags that it has, as the client wrote them.
fn strip_suffix_of_tags(request: &mut ServiceRequest) -> Vec<HeaderValue> {
    let is_ours = |value: &HeaderValue| contains(value, &HeaderValue::from_static(TAG_END));
    let mut held = Vec::new();
    for name in [IF_NONE_MATCH, IF_MATCH] {
        // Few requests have either, so that is checked first.
        let headers = request.headers();
        if !headers.contains_key(&name) || !headers.get_all(&name).any(is_ours) {
            continue;
        }
        let named: Vec<HeaderValue> = request.headers().get_all(&name).cloned().collect();
        let headers = request.headers_mut();
        headers.remove(&name);
        for value in &named {
            headers.append(name.clone(), without_form(value));
        }
        if name == IF_NONE_MATCH {
            held = named;
        }
    }
    held
}

fn without_form(value: &HeaderValue) -> HeaderValue {
    let plain = value.to_str().ok().map(|text| text.replace(TAG_END, "\""));
    plain.and_then(|plain| HeaderValue::try_from(plain).ok()).unwrap_or_else(|| value.clone())
}

fn contains(value: &HeaderValue, part: &HeaderValue) -> bool {
    let texts = (value.to_str(), part.to_str());
    matches!(texts, (Ok(value), Ok(part)) if value.contains(part))
}

/// Whether a client accepts gzip, and does not prefer an uncompressed answer (RFC 9110, section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut others, mut identity) = (None, None, None);
    let values = headers.get_all(ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    for item in values.flat_map(|value| value.split(',')) {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight(parameters);
        match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "*" => others = Some(weight),
            "identity" => identity = Some(weight),
            _ => {}
        }
    }
    let gzip = gzip.or(others).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// The weight of a coding; an invalid weight is not acceptable.
fn weight(parameters: &str) -> f32 {
    let parameter = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    let Some(value) = parameter else { return 1.0 };
    value.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0)
}

/// A body that is sent in slices, if it is longer than one.
fn sliced(bytes: Bytes) -> BoxBody {
    if bytes.len() > SLICE_BYTES { BoxBody::new(Slices(bytes)) } else { BoxBody::new(bytes) }
}

struct Slices(Bytes);

impl MessageBody for Slices {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.0.len().min(SLICE_BYTES);
        Poll::Ready(Some(Ok(self.0.split_to(length))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderName;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, web};
    use flate2::read::GzDecoder;
    use futures_util::future::poll_fn;
    use std::io::Read;

    fn accepts(values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_str(value).expect("a header's value");
            headers.append(ACCEPT_ENCODING, value);
        }
        takes_gzip(&headers)
    }

    #[test]
    fn only_clients_that_accept_gzip_get_it() {
        for taken in [
            "gzip",
            "GZIP",
            "x-gzip",
            "*",
            "br, gzip",
            "gzip, deflate, br, zstd",
            "gzip;q=0.001",
            "gzip ; Q=1.000",
            "identity;q=0.5, gzip;q=0.5",
            "*;q=0, gzip",
        ] {
            assert!(accepts(&[taken]), "{taken}");
        }
        for refused in [
            "",
            "br",
            "identity",
            "gzip;q=0",
            "gzip;q=0.000",
            "*, gzip;q=0",
            "identity, gzip;q=0.5",
            "gzip;q=x",
            "gzip;q=2",
            "gzip;q=-1",
            "gzip;q=NaN",
            "gzipped",
        ] {
            assert!(!accepts(&[refused]), "{refused}");
        }
        assert!(!accepts(&[]) && accepts(&["br", "gzip"]));
        // A long field is read as any other.
        assert!(accepts(&[&"br, ".repeat(10_000), "gzip"]));
    }

    #[actix_web::test]
    async fn slices_share_the_bytes_and_are_complete() {
        let bytes: Bytes = (0..200_000_u32).map(|number| number as u8).collect::<Vec<_>>().into();
        let mut body = Slices(bytes.clone());
        let mut taken = 0;
        while let Some(slice) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
            let slice = slice.expect("it cannot fail");
            assert!(slice.len() <= SLICE_BYTES && !slice.is_empty());
            assert_eq!(slice.as_ptr(), bytes[taken..].as_ptr(), "it is no copy");
            taken += slice.len();
        }
        assert_eq!(taken, bytes.len());
    }

    #[actix_web::test]
    async fn a_shared_answer_is_compressed_once() {
        for length in [COMPRESSED_HERE_BYTES_MAX, COMPRESSED_HERE_BYTES_MAX + 1] {
            let plain = Bytes::from("ab".repeat(length / 2 + 1)).slice(..length);
            let gzipped = Gzipped::default();
            let (first, second) = tokio::join!(gzipped.of(&plain), gzipped.of(&plain));
            assert_eq!(first.as_ptr(), second.as_ptr());
            let mut back = Vec::new();
            GzDecoder::new(&first[..]).read_to_end(&mut back).expect("it is gzip");
            assert_eq!(back, plain);
        }
        assert_eq!(Gzipped::ready(b"x").of(&Bytes::from_static(b"y")).await, "x");
    }

    /// The status, tag, coding and length of what `/{length}` answers, which has the tag "3".
    async fn ask(length: usize, headers: &[(&str, &str)]) -> (u16, String, String, usize, bool) {
        let show = move || async move {
            let text = "x".repeat(length);
            HttpResponse::Ok().insert_header((ETAG, "\"3\"")).body(text)
        };
        let known = |request: actix_web::HttpRequest| async move {
            let tags = request.headers().get(IF_NONE_MATCH).cloned();
            assert_eq!(tags.as_ref().and_then(|tag| tag.to_str().ok()), Some("\"2\", \"3\""));
            HttpResponse::NotModified().insert_header((ETAG, "\"3\"")).finish()
        };
        let app = App::new()
            .route("/show", web::route().to(show))
            .route("/known", web::get().to(known))
            .wrap(from_fn(compress));
        let app = init_service(app).await;
        let path = if headers.iter().any(|(name, _)| *name == "If-None-Match") {
            "/known"
        } else {
            "/show"
        };
        let method = headers.iter().find(|(name, _)| *name == "Method");
        let method = method.map_or(Method::GET, |(_, name)| name.parse().expect("a method"));
        let mut request = TestRequest::with_uri(path).method(method);
        for header in headers {
            request = request.append_header(*header);
        }
        let response = call_service(&app, request.to_request()).await;
        let text = |name: HeaderName| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (status, tag, coding) =
            (response.status().as_u16(), text(ETAG), text(CONTENT_ENCODING));
        let varies = text(VARY) == "Accept-Encoding";
        (status, tag, coding, read_body(response).await.len(), varies)
    }

    #[actix_web::test]
    async fn each_form_has_its_tag() {
        let gzip = [("Accept-Encoding", "gzip")];
        let plain = |length, varies| (200, "\"3\"".to_owned(), String::new(), length, varies);
        assert_eq!(ask(COMPRESSED_BYTES_MIN, &gzip).await, plain(COMPRESSED_BYTES_MIN, false));
        assert_eq!(ask(100_000, &[]).await, plain(100_000, true));
        let writes = [("Method", "POST"), gzip[0]];
        assert_eq!(ask(100_000, &writes).await, plain(100_000, false), "of writes none is");
        let (status, tag, coding, length, varies) = ask(COMPRESSED_BYTES_MIN + 1, &gzip).await;
        assert_eq!(
            (status, tag.as_str(), coding.as_str(), varies),
            (200, "\"3-gzip\"", "gzip", true)
        );
        assert!(length < 200, "{length}");
        for (has, tag) in [("\"2\", \"3\"", "\"3\""), ("\"2-gzip\", \"3-gzip\"", "\"3-gzip\"")] {
            let answer = ask(0, &[("If-None-Match", has), gzip[0]]).await;
            assert_eq!(answer, (304, tag.to_owned(), String::new(), 0, true), "{has}");
        }
    }
}
