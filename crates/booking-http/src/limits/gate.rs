//! The rate limit on writes, before anything of a request is read.

use super::rate::{Limiter, QuotaState};
use super::{ClientLimits, REFUSAL_PAUSE};
use crate::auth::callers;
use crate::net::client::{Client, TrustedProxies};
use crate::problem::{ApiError, LimitKind, RateLimited};
use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::rt::time::sleep;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest};
use booking_core::TokenHash;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Counts writes, by where they come from and by the token that they show.
pub(crate) struct Gate {
    proxies: TrustedProxies,
    clients: Option<Limiter<Client>>,
    tokens: Option<Limiter<TokenHash>>,
}

impl Gate {
    pub(crate) fn new(limits: &ClientLimits) -> Self {
        Self {
            proxies: limits.trusted_proxies.clone(),
            clients: limits.client_rate.map(|rate| Limiter::new("client", rate)),
            tokens: limits.token_rate.map(|rate| Limiter::new("token", rate)),
        }
    }

    /// Where a request comes from, as far as that is counted.
    fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<Client> {
        self.proxies.client(peer?.ip(), headers)
    }

    /// Counts a request of `client`, and tells how it stands; and what it is refused for, if it is.
    fn count(&self, client: Client, headers: &HeaderMap) -> (QuotaStates, Option<RateLimited>) {
        let mut quotas = QuotaStates::default();
        let of_client = self.clients.as_ref().map(|clients| clients.count(client));
        if let Some(limited) = quotas.add(of_client, LimitKind::ClientWrites) {
            return (quotas, Some(limited));
        }
        let tokens = self.tokens.as_ref();
        let of_token = tokens.and_then(|tokens| Some(tokens.count(callers::bearer_hash(headers)?)));
        let limited = quotas.add(of_token, LimitKind::TokenWrites);
        (quotas, limited)
    }
}

/// Where a request comes from, as far as that is counted: not if it comes from this machine. Found out again by
/// the few routes that ask, since to keep it costs every request a map of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) Option<Client>);

impl FromRequest for Peer {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let gate = request.app_data::<Data<Gate>>().expect("every route has the gate");
        ready(Ok(Self(gate.client(request.peer_addr(), request.headers()))))
    }
}

/// Refuses a write that is one too many, and tells the others how they stand. Its body is not read: what
/// has not arrived by the time of the answer ends the connection.
pub(crate) async fn gate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // What is safe changes nothing (RFC 9110, section 9.2.1).
    let peer = request.peer_addr().filter(|_| !request.method().is_safe());
    let gate = request.app_data::<Data<Gate>>().expect("every route has the gate");
    let Some(client) = gate.client(peer, request.headers()) else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let (quotas, limited) = gate.count(client, request.headers());
    let mut response = match limited {
        None => next.call(request).await?.map_into_left_body(),
        Some(limited) => {
            // For those who ask again at once, as with a full queue.
            sleep(REFUSAL_PAUSE).await;
            request.error_response(ApiError::RateLimited(limited)).map_into_right_body()
        }
    };
    quotas.write_headers(response.headers_mut());
    Ok(response)
}

/// How a request stands with each of the limits that it was counted for.
#[derive(Default)]
struct QuotaStates([Option<QuotaState>; 2]);

impl QuotaStates {
    fn add(&mut self, quota: Option<QuotaState>, what: LimitKind) -> Option<RateLimited> {
        let place = self.0.iter().position(Option::is_none).expect("there are two limits");
        self.0[place] = quota;
        Some(RateLimited { of: what, wait: quota?.wait()? })
    }

    fn write_headers(&self, headers: &mut HeaderMap) {
        for (name, text) in
            [(POLICY, QuotaState::policy as fn(&QuotaState) -> String), (LIMIT, QuotaState::limit)]
        {
            let items: Vec<String> = self.0.iter().flatten().map(text).collect();
            if let Ok(value) = HeaderValue::try_from(items.join(", "))
                && !items.is_empty()
            {
                headers.insert(name, value);
            }
        }
    }
}
