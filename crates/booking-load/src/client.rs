//! HTTP/1.1 to one server: a request in, status, headers and body out, over connections that are kept and replaced
//! as needed.

use crate::connection::Connection;
pub use crate::connection::{Answer, Limits, TransportError};
use anyhow::Context;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Uri};
use std::sync::{Mutex, MutexGuard, PoisonError};
use url::Url;

/// Calls one server. As many connections are open as there were concurrent calls; each call takes an idle one or
/// opens another, and nothing is ever resent without the caller's knowledge.
pub struct HttpClient {
    base: Url,
    address: String,
    host: HeaderValue,
    limits: Limits,
    idle: Mutex<Vec<Connection>>,
}

impl HttpClient {
    /// A client of the server at `base`, such as `http://127.0.0.1:8080`. Does not connect yet.
    ///
    /// # Errors
    ///
    /// If `base` is not a plain http URL.
    pub fn new(base: &str, limits: Limits) -> anyhow::Result<Self> {
        let mut base = Url::parse(base).with_context(|| format!("{base:?} is not a URL"))?;
        anyhow::ensure!(base.scheme() == "http", "{base}: only http:// is spoken here");
        let host = base.host_str().with_context(|| format!("{base} names no host"))?;
        let port = base.port_or_known_default().unwrap_or(80);
        let address = format!("{host}:{port}");
        let host = HeaderValue::from_str(&address).context("unfit for a Host header")?;
        // So that the contract's paths are appended to a prefix, and do not replace it.
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { base, address, host, limits, idle: Mutex::new(Vec::new()) })
    }

    /// The base URL. Ends in a slash.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Opens up to `count` connections ahead of the calls that will use them. Stops at the first that fails: its
    /// cause will show in the calls.
    pub async fn warm_up(&self, count: usize) {
        let missing = count.saturating_sub(self.idle().len());
        for _ in 0..missing {
            match Connection::open(&self.address, &self.limits).await {
                Ok(connection) => self.idle().push(connection),
                Err(_) => return,
            }
        }
    }

    /// Sends one request, with a JSON body if there is one, and reads the whole answer.
    ///
    /// # Errors
    ///
    /// If there is no whole answer within the limits.
    pub async fn call(
        &self,
        method: Method,
        uri: Uri,
        json: Option<Vec<u8>>,
        headers: HeaderMap,
    ) -> Result<Answer, TransportError> {
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request.headers_mut().insert(HOST, self.host.clone());
        if let Some(json) = json {
            let json_type = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json_type);
            *request.body_mut() = Full::new(Bytes::from(json));
        }

        let mut connection = self.ready_connection().await?;
        let answer = connection.call(request, &self.limits).await?;
        if connection.is_open() {
            self.idle().push(connection);
        }
        Ok(answer)
    }

    /// An idle connection that the server has not closed, else a new one.
    async fn ready_connection(&self) -> Result<Connection, TransportError> {
        loop {
            // A separate statement: the guard must not live across the await.
            let idle = self.idle().pop();
            let Some(mut connection) = idle else {
                return Connection::open(&self.address, &self.limits).await;
            };
            // Bounded: readiness of an idle connection is known after one poll, but a server may hold one in the
            // middle of its last answer.
            let ready = tokio::time::timeout(self.limits.connect, connection.is_ready()).await;
            if ready == Ok(true) {
                return Ok(connection);
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        // A Vec of connections is consistent at any time, even after a panic.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
