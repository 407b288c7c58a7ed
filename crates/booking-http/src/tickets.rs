//! Tickets and manage tokens: the secrets of this installation, and what is made and checked with them.

use crate::problem::{ApiError, TicketFault};
use crate::seeds::Seeds;
use crate::tokens::{ManageToken, Origin, TokenSecret};
use crate::wire::{TicketBody, json};
use actix_web::web::Bytes;
use booking_core::{Registration, SigningSeed, StoreError, TokenHash};
use booking_ticket::{Jwk, Keyring, SigningKey, TicketClaims, TicketError};
use serde_json::json;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// How long after the store's seeds were read an unknown key may have them read again: a forger is not
/// to keep it busy. As long, whoever shows such a key is kept waiting, and not told off for a key that is
/// new.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The keys of this installation. Another server may have added some since they were read.
pub(crate) struct Tickets {
    seeds: Seeds,
    keys: RwLock<Arc<Keys>>,
    /// When the seeds were read; locked while they are.
    read_at: Mutex<Instant>,
}

/// What grows from the seeds.
struct Keys {
    /// The key that signs is the first.
    secrets: Vec<Secret>,
    keyring: Keyring,
    jwks: Bytes,
}

struct Secret {
    signing: SigningKey,
    tokens: TokenSecret,
}

impl Keys {
    fn new(seeds: &[SigningSeed]) -> Self {
        let secret = |seed: &SigningSeed| Secret {
            signing: SigningKey::from_seed(seed.as_bytes()),
            tokens: TokenSecret::of(seed),
        };
        let secrets: Vec<_> = seeds.iter().map(secret).collect();
        assert!(!secrets.is_empty(), "there is a key that signs");
        let keyring: Keyring = secrets.iter().map(|secret| secret.signing.public()).collect();
        let keys: Vec<Jwk> = secrets.iter().map(|secret| secret.signing.public().jwk()).collect();
        let jwks = json(&json!({ "keys": keys }));
        Self { secrets, keyring, jwks }
    }

    fn first(&self) -> &Secret {
        &self.secrets[0]
    }
}

/// A token for whoever is about to get a registration.
pub(crate) struct Issued {
    token: ManageToken,
    origin: Origin,
    pub(crate) hash: TokenHash,
}

impl Tickets {
    /// Reads the seeds.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn open(seeds: Seeds) -> Result<Self, StoreError> {
        let keys = Arc::new(Keys::new(&seeds.read().await?));
        Ok(Self { seeds, keys: RwLock::new(keys), read_at: Mutex::new(Instant::now()) })
    }

    fn keys(&self) -> Arc<Keys> {
        // It is whole between any two of its calls.
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The public keys as a JWK set.
    pub(crate) fn jwks(&self) -> Bytes {
        self.keys().jwks.clone()
    }

    /// The ticket of a confirmed registration. As long as the keys are the same, so is the ticket.
    pub(crate) fn sign(&self, registration: &Registration) -> TicketBody {
        let keys = self.keys();
        let key = &keys.first().signing;
        let ticket = key.sign(&TicketClaims {
            event_id: registration.event_id.as_uuid(),
            registration_id: registration.id.as_uuid(),
            generation: registration.generation,
        });
        TicketBody {
            registration_id: registration.id,
            event_id: registration.event_id,
            ticket,
            key_id: key.key_id().to_string(),
        }
    }

    /// What a ticket says that was shown at `shown_at`, if we signed it.
    ///
    /// # Errors
    /// [`ApiError::TicketRefused`]; the store's if it could not be asked for a key that is new.
    pub(crate) async fn verify(
        &self,
        ticket: &str,
        shown_at: Instant,
    ) -> Result<TicketClaims, ApiError> {
        let mut verified = self.keys().keyring.verify(ticket);
        if let Err(TicketError::UnknownKey(_)) = verified {
            self.read_since(shown_at).await?;
            verified = self.keys().keyring.verify(ticket);
        }
        verified.map_err(|error| {
            ApiError::TicketRefused(match error {
                TicketError::NotATicket => TicketFault::NotATicket,
                TicketError::UnknownKey(_) | TicketError::BadSignature => TicketFault::Forged,
            })
        })
    }

    /// Makes a token.
    pub(crate) fn issue(&self, origin: Origin) -> Issued {
        let token = self.keys().first().tokens.derive(origin);
        Issued { token, origin, hash: token.hash() }
    }

    /// The token to show with the answer that gave somebody `registration`: what was issued for it, or
    /// the same again if the answer is a replay. `None` if the secret that made it is gone.
    pub(crate) async fn token_of(
        &self,
        registration: &Registration,
        issued: &Issued,
    ) -> Option<ManageToken> {
        let hash = registration.token_hash?;
        if hash == issued.hash {
            return Some(issued.token);
        }
        let origin = issued.origin.replayed_for(registration.id);
        if let Some(token) = self.keys().token(origin, hash) {
            return Some(token);
        }
        // Another server may have made it with a seed that is newer than ours. If the store does not say,
        // the answer is whole but for the token, and may be asked for again.
        self.read_since(Instant::now()).await.ok()?;
        self.keys().token(origin, hash)
    }

    /// Sees to it that the seeds were read after `instant`.
    async fn read_since(&self, instant: Instant) -> Result<(), StoreError> {
        if !self.seeds.may_grow() {
            return Ok(());
        }
        // Whoever waits here for the lock shares the read of whoever has it.
        let mut read_at = self.read_at.lock().await;
        if *read_at > instant {
            return Ok(());
        }
        sleep_until(*read_at + READ_AGAIN_AFTER).await;
        // Whether it goes well or not: a store that is down is not to be asked by everybody.
        *read_at = Instant::now();
        self.read_again().await
    }

    /// Reads the seeds: what other servers have added counts from now on.
    pub(crate) async fn read_again(&self) -> Result<(), StoreError> {
        let seeds = self.seeds.read().await?;
        let keys = self.keys();
        let known = keys.secrets.iter().map(|secret| SigningSeed::new(secret.signing.seed()));
        if known.eq(seeds.iter().copied()) {
            return Ok(());
        }
        let keys = Arc::new(Keys::new(&seeds));
        log::info!("tickets are signed with the key {}", keys.first().signing.key_id());
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }
}

impl Keys {
    /// The token of `origin` that has this hash, by whichever secret.
    fn token(&self, origin: Origin, hash: TokenHash) -> Option<ManageToken> {
        let mut tokens = self.secrets.iter().map(|secret| secret.tokens.derive(origin));
        tokens.find(|token| token.hash() == hash)
    }
}
