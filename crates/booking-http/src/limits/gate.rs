//! The rate limit on writes, before any part of a request is read.

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

/// Counts writes, by their origin and by their token.
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

    /// The client that a request is counted for. One whose origin is unknown does not count as this machine.
    fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<Client> {
        match peer {
            Some(peer) => self.proxies.client(peer.ip(), headers),
            None => Some(Client::UNKNOWN),
        }
    }

    /// Counts a request of `client`, and returns the state of its quotas; and the refusal, if there is one.
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

/// The client that a request is counted for: none if it comes from this machine. Computed again by the few routes
/// that need it, since to store it costs every request a map of its own.
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

/// Refuses a write beyond the rate, and adds the state of the quotas to all other answers. The body of a refused
/// one is not read: if it has not arrived by the time of the answer, the connection is closed.
pub(crate) async fn gate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // Safe methods change nothing (RFC 9110, section 9.2.1).
    let is_counted = !request.method().is_safe();
    let gate = request.app_data::<Data<Gate>>().expect("every route has the gate");
    let client = is_counted.then(|| gate.client(request.peer_addr(), request.headers())).flatten();
    let Some(client) = client else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let (quotas, limited) = gate.count(client, request.headers());
    let mut response = match limited {
        None => next.call(request).await?.map_into_left_body(),
        Some(limited) => {
            // For clients that retry at once, as with a full queue.
            sleep(REFUSAL_PAUSE).await;
            request.error_response(ApiError::RateLimited(limited)).map_into_right_body()
        }
    };
    quotas.write_headers(response.headers_mut());
    Ok(response)
}

/// The state of each limit that a request was counted for.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_of_unknown_origin_is_not_this_machine() {
        for proxies in ["", "127.0.0.1", "0.0.0.0/0"] {
            let lookup = |name: &str| (name == "TRUSTED_PROXIES").then(|| proxies.to_owned());
            let gate = Gate::new(&ClientLimits::of(&lookup));
            let mut headers = HeaderMap::new();
            assert_eq!(gate.client(None, &headers), Some(Client::UNKNOWN));
            let name = HeaderName::from_static("x-forwarded-for");
            headers.insert(name, HeaderValue::from_static("198.51.100.1"));
            assert_eq!(gate.client(None, &headers), Some(Client::UNKNOWN), "nobody is believed");
        }
        let this_machine = SocketAddr::from(([127, 0, 0, 1], 50_000));
        let gate = Gate::new(&ClientLimits::of(&|_| None));
        assert_eq!(gate.client(Some(this_machine), &HeaderMap::new()), None);
    }
}
