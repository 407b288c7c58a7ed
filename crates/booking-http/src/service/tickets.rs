//! Tickets and manage tokens: the secrets of this installation, and what is made and checked with them.

use crate::api::responses::{TicketBody, json};
use crate::auth::callers::token_hash;
use crate::auth::manage_token::{ManageToken, Origin, TokenSecret};
use crate::problem::{ApiError, TicketFault};
use crate::service::signing_keys::SigningSeeds;
use actix_web::web::Bytes;
use booking_core::{
    BookingStore, ErrorChain, IdempotencyKey, Registration, RegistrationId, SigningSeed,
    StoreError, TicketKey, TokenHash,
};
use booking_delivery::webhook::signature::{PresentKey, ServerKey, WebhookJwk};
use booking_ticket::{Jwk, Keyring, PublicKey, SigningKey, TicketClaims, TicketError};
use serde::Serialize;
use serde_json::json;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// How long after the store's seeds were read an unknown key may have them read again: a forger must not keep the
/// store busy. As long, a scanner with such a key has to wait, and is not refused for a key that is new.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The keys of this installation. Another server may have added some since they were read, or sign with its own:
/// tickets that it signed are valid here, too.
pub(crate) struct Tickets {
    seeds: SigningSeeds,
    store: Arc<dyn BookingStore>,
    keys: RwLock<Arc<Keys>>,
    /// The key that signs messages to webhooks: it is derived from the first seed.
    webhook_key: PresentKey,
    /// When the seeds were read; locked while they are.
    read_at: Mutex<Instant>,
}

/// The keys that are derived from the seeds.
struct Keys {
    /// The key that signs is the first.
    secrets: Vec<Secret>,
    /// The store's other keys: nothing is signed with them here, but their signatures are valid.
    earlier: Vec<PublicKey>,
    /// The secrets of mailed links that are still valid.
    earlier_tokens: Vec<TokenSecret>,
    /// The keys of other servers that this one does not have.
    others: Vec<TicketKey>,
    keyring: Keyring,
    jwks: Bytes,
    webhook_keys: Bytes,
}

struct Secret {
    seed: SigningSeed,
    signing: SigningKey,
    tokens: TokenSecret,
}

impl Keys {
    /// All that there are now.
    async fn read(seeds: &SigningSeeds, store: &dyn BookingStore) -> Result<Self, StoreError> {
        // In this order: every store key that a server publishes is in the store by then.
        let shown = store.ticket_keys().await?;
        Ok(Self::new(&seeds.read().await?, &seeds.read_earlier(store).await?, &shown))
    }

    /// `earlier` are the keys from before the settings had some, and `shown` those that any server has published
    /// lately.
    fn new(seeds: &[SigningSeed], earlier: &[SigningSeed], shown: &[TicketKey]) -> Self {
        let secret = |seed: &SigningSeed| Secret {
            seed: *seed,
            signing: SigningKey::from_seed(seed.as_bytes()),
            tokens: TokenSecret::of(seed),
        };
        let secrets: Vec<_> = seeds.iter().map(secret).collect();
        assert!(!secrets.is_empty(), "there is a key that signs");
        let own: Vec<PublicKey> = secrets.iter().map(|secret| secret.signing.public()).collect();
        let is_own = |key: &TicketKey| own.iter().any(|own| own.as_bytes() == key.as_bytes());
        let others: Vec<_> = shown.iter().copied().filter(|key| !is_own(key)).collect();
        // Nothing is signed with them any more.
        let earlier_tokens = earlier.iter().map(TokenSecret::of).collect();
        let webhook_keys = webhook_keys(seeds.iter().chain(earlier));
        let public = |seed: &SigningSeed| SigningKey::from_seed(seed.as_bytes()).public();
        let mut earlier: Vec<PublicKey> = earlier.iter().map(public).collect();
        earlier.retain(|key| !own.contains(key));
        // An invalid key verifies nothing.
        let foreign = others.iter().filter_map(|key| PublicKey::from_bytes(key.as_bytes()).ok());
        let keyring: Keyring =
            foreign.chain(earlier.iter().cloned()).chain(own.iter().cloned()).collect();
        let keys: Vec<Jwk> = own.iter().chain(&earlier).map(PublicKey::jwk).collect();
        let jwks = json(&json!({ "keys": keys }));
        Self { secrets, earlier, earlier_tokens, others, keyring, jwks, webhook_keys }
    }

    /// The public halves of the keys that this server signs or has signed with.
    fn own(&self) -> Vec<TicketKey> {
        let public = |secret: &Secret| TicketKey::new(*secret.signing.public().as_bytes());
        self.secrets.iter().map(public).collect()
    }

    /// The key ids of the others.
    fn names_of_others(&self) -> String {
        let keys = self.others.iter().filter_map(|key| PublicKey::from_bytes(key.as_bytes()).ok());
        keys.map(|key| key.key_id().to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Warns that keys are valid here that are in no setting.
    fn warn_of_earlier(&self) {
        if !self.earlier.is_empty() {
            let names = self.earlier.iter().map(|key| key.key_id().to_string());
            log::warn!(
                "this server signs tickets with the key {} of TICKET_KEY, and what was signed earlier with keys \
                 that the store keeps is good here, too: {}. Whoever wants that to end, with all tickets of \
                 theirs, deletes those rows of signing_keys and starts the servers again",
                self.first().signing.key_id(),
                names.collect::<Vec<_>>().join(", ")
            );
        }
    }

    /// Warns that there are others.
    fn warn_of_others(&self) {
        if !self.others.is_empty() {
            log::warn!(
                "this server signs tickets with the key {}, and others on the same store do, or did in the \
                 last 24 hours, with {}: what they sign is good here, too, but each names its own keys alone \
                 to those who verify tickets offline. Give all servers the same TICKET_KEY, or none",
                self.first().signing.key_id(),
                self.names_of_others()
            );
        }
    }

    fn first(&self) -> &Secret {
        &self.secrets[0]
    }
}

/// A token for the owner of a registration that is about to be made.
pub(crate) struct Issued {
    token: ManageToken,
    origin: Origin,
    pub(crate) hash: TokenHash,
}

impl Tickets {
    /// Reads the seeds, and publishes this server's key to the others.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn open(
        seeds: SigningSeeds,
        store: Arc<dyn BookingStore>,
    ) -> Result<Self, StoreError> {
        let keys = Arc::new(Keys::read(&seeds, &*store).await?);
        keys.warn_of_earlier();
        keys.warn_of_others();
        let read_at = Mutex::new(Instant::now());
        let webhook_key = PresentKey::new(ServerKey::of(&keys.first().seed));
        let tickets = Self { seeds, store, keys: RwLock::new(keys), webhook_key, read_at };
        // A store that is read-only now may accept it later.
        if let Err(error) = tickets.show().await {
            log::warn!(
                "could not tell other servers of the key for tickets: {}",
                ErrorChain(&error)
            );
        }
        Ok(tickets)
    }

    /// Publishes this server's key to the others.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn show(&self) -> Result<(), StoreError> {
        self.store.show_ticket_keys(&self.keys().own()).await
    }

    /// Whether other servers sign with keys that this one does not have.
    pub(crate) fn has_others(&self) -> bool {
        !self.keys().others.is_empty()
    }

    fn keys(&self) -> Arc<Keys> {
        // It is consistent between any two of its calls.
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The public keys as a JWK set.
    pub(crate) fn jwks(&self) -> Bytes {
        self.keys().jwks.clone()
    }

    /// The key that signs messages to webhooks. It changes with the seeds.
    pub(crate) fn webhook_key(&self) -> PresentKey {
        self.webhook_key.clone()
    }

    /// The public keys of webhook messages, as a JWK set and as Standard Webhooks has them.
    pub(crate) fn webhook_keys(&self) -> Bytes {
        self.keys().webhook_keys.clone()
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

    /// The content of a ticket that was shown at `shown_at`, if we signed it.
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

    /// The token in the response that made or changed `registration`: the one that was issued for it, or the same
    /// again if the response is a replay. `None` if the secret that made it is gone.
    pub(crate) async fn token_of(
        &self,
        registration: &Registration,
        is_replay: bool,
        issued: &Issued,
    ) -> Option<ManageToken> {
        let hash = registration.token_hash?;
        if hash == issued.hash {
            return Some(issued.token);
        }
        if !is_replay {
            // Its holder has the token from before: nothing was replaced.
            return None;
        }
        let origin = issued.origin.replayed_for(registration.id);
        if let Some(token) = self.keys().token(origin, hash) {
            return Some(token);
        }
        // Another server may have made it with a seed that is newer than ours. If the store does not answer, the
        // response is complete but for the token, and may be requested again.
        self.read_since(Instant::now()).await.ok()?;
        self.keys().token(origin, hash)
    }

    /// The token of a link that is mailed to the holder of `registration`; `None` if it has no manage token.
    pub(crate) fn mail_token(&self, registration: &Registration) -> Option<String> {
        let hash = registration.token_hash?;
        Some(self.keys().first().tokens.derive_mailed(registration.id, &hash))
    }

    /// The hash of the manage token that a mailed link's token stands for, of which `shown` is the hash; `None` if
    /// it is no such token of `registration`, or has become invalid.
    pub(crate) async fn mailed_to(
        &self,
        registration: &Registration,
        shown: TokenHash,
    ) -> Option<TokenHash> {
        let hash = registration.token_hash?;
        let shown_at = Instant::now();
        if !self.keys().has_mailed(registration.id, hash, shown) {
            // Another server may have sent it with a seed that is newer than ours. A client that guesses waits
            // meanwhile.
            self.read_since(shown_at).await.ok()?;
        }
        self.keys().has_mailed(registration.id, hash, shown).then_some(hash)
    }

    /// The bytes derived from an idempotency key, once for each secret: an older one may have derived them first.
    pub(crate) fn of_key(&self, what: &[u8], key: IdempotencyKey) -> Vec<[u8; 32]> {
        let keys = self.keys();
        keys.secrets.iter().map(|secret| secret.tokens.derive_of_key(what, key)).collect()
    }

    /// Ensures that the seeds were read after `instant`.
    async fn read_since(&self, instant: Instant) -> Result<(), StoreError> {
        // A caller that waits here for the lock shares the read of the lock's owner.
        let mut read_at = self.read_at.lock().await;
        if *read_at > instant {
            return Ok(());
        }
        sleep_until(*read_at + READ_AGAIN_AFTER).await;
        // Whether it succeeds or not: a store that is down must not be asked by every request.
        *read_at = Instant::now();
        self.read_again().await
    }

    /// Reads the seeds: those that other servers have added count from now on.
    pub(crate) async fn read_again(&self) -> Result<(), StoreError> {
        let now = Arc::new(Keys::read(&self.seeds, &*self.store).await?);
        let before = self.keys();
        let is_same = before.own() == now.own();
        if is_same && before.earlier == now.earlier && before.others == now.others {
            return Ok(());
        }
        if !is_same {
            log::info!("tickets are signed with the key {}", now.first().signing.key_id());
        }
        if before.earlier != now.earlier {
            now.warn_of_earlier();
        }
        if before.others != now.others {
            now.warn_of_others();
        }
        let webhook_key = ServerKey::of(&now.first().seed);
        // Under one lock, so that of two concurrent readers one writes both; and in this order, so that the
        // receiver of a message finds its key.
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        *keys = now;
        self.webhook_key.replace(webhook_key);
        Ok(())
    }
}

/// The public halves of the keys of `seeds`, the one that signs first.
fn webhook_keys<'a>(seeds: impl Iterator<Item = &'a SigningSeed>) -> Bytes {
    #[derive(Serialize)]
    struct Key {
        #[serde(flatten)]
        jwk: WebhookJwk,
        whpk: String,
    }
    let mut seen = Vec::new();
    for key in seeds.map(ServerKey::of) {
        let whpk = key.public_text();
        if !seen.iter().any(|seen: &Key| seen.whpk == whpk) {
            seen.push(Key { jwk: key.jwk(), whpk });
        }
    }
    json(&json!({ "keys": seen }))
}

impl Keys {
    /// Whether a token with the hash `shown` was mailed for that registration and that manage token, by any secret.
    fn has_mailed(&self, id: RegistrationId, hash: TokenHash, shown: TokenHash) -> bool {
        let secrets = self.secrets.iter().map(|secret| &secret.tokens).chain(&self.earlier_tokens);
        // Hashes are compared in constant time.
        secrets
            .map(|secret| secret.derive_mailed(id, &hash))
            .any(|token| token_hash(&token) == shown)
    }

    /// The token of `origin` that has this hash, by any secret.
    fn token(&self, origin: Origin, hash: TokenHash) -> Option<ManageToken> {
        let mut tokens = self.secrets.iter().map(|secret| secret.tokens.derive(origin));
        tokens.find(|token| token.hash() == hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_conformance::MemoryStore;
    use serde_json::Value;

    /// The published ones, as Standard Webhooks has them.
    fn shown(tickets: &Tickets) -> Vec<String> {
        let shown: Value = serde_json::from_slice(&tickets.webhook_keys()).expect("it is JSON");
        let keys = shown["keys"].as_array().expect("a set").iter();
        keys.map(|key| key["whpk"].as_str().expect("a text").to_owned()).collect()
    }

    #[actix_web::test]
    async fn messages_are_signed_with_the_newest_seed_and_earlier_keys_are_shown() {
        let store: Arc<dyn BookingStore> = Arc::new(MemoryStore::default());
        let seeds = SigningSeeds::of(&[], &store);
        let tickets = Tickets::open(seeds, Arc::clone(&store)).await.expect("it answers");
        let signer = tickets.webhook_key();
        let first = signer.get().public_text();
        assert_eq!(shown(&tickets), [first.as_str()]);
        let seed = SigningSeed::new([9; 32]);
        store.add_signing_seed(seed, false).await.expect("it answers");
        tickets.read_again().await.expect("it answers");
        let second = ServerKey::of(&seed).public_text();
        assert_eq!(signer.get().public_text(), second, "nobody had to start again");
        assert_eq!(shown(&tickets), [second, first]);
    }
}
