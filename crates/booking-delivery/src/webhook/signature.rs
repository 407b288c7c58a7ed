//! Signatures by which receivers recognize our messages.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use booking_core::{EndpointSecret, SigningSeed};
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// Separates the key derived here from the seed's other uses, for tickets and attendees' tokens.
const KEY_LABEL: &[u8] = b"booking webhook key, version 1";

/// The prefix of every public key in text.
const PUBLIC_KEY_PREFIX: &str = "whpk_";

/// The secrets that sign an endpoint's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secrets {
    /// The current secret.
    pub present: EndpointSecret,
    /// The previous one, and until when it signs, too.
    pub former: Option<(EndpointSecret, DateTime<Utc>)>,
}

impl Secrets {
    /// The secrets that are valid at `now`: receivers accept a message that one of them has signed.
    pub fn good_at(&self, now: DateTime<Utc>) -> impl Iterator<Item = &EndpointSecret> {
        let former = self.former.as_ref().filter(|(_, until)| now < *until);
        std::iter::once(&self.present).chain(former.map(|(secret, _)| secret))
    }
}

/// The headers of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `webhook-id`: the same at every try.
    pub id: String,
    /// `webhook-timestamp`: the time of this try, in seconds since 1970. Receivers refuse old ones.
    pub timestamp: i64,
    /// `webhook-signature`: the signatures by each secret and by the server's key, separated by spaces.
    pub signature: String,
}

/// Signs a try at `now` to send `body` under `id`: by HMAC-SHA256 with each secret that is valid then (`v1`), and
/// by Ed25519 with the server's key (`v1a`).
pub fn sign(
    id: &str,
    now: DateTime<Utc>,
    body: &[u8],
    secrets: &Secrets,
    key: &ServerKey,
) -> SignedHeaders {
    let timestamp = now.timestamp();
    let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    let by_secret = secrets.good_at(now).map(|secret| {
        let mac = keyed(secret.as_bytes()).chain_update(&signed).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(mac))
    });
    let by_key = format!("v1a,{}", STANDARD.encode(key.secret.sign(&signed).to_bytes()));
    let signatures: Vec<_> = by_secret.chain([by_key]).collect();
    SignedHeaders { id: id.to_owned(), timestamp, signature: signatures.join(" ") }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes keys of any length")
}

/// The server's key, by which receivers verify its messages without a shared secret.
pub struct ServerKey {
    secret: SigningKey,
}

impl ServerKey {
    /// The key that is derived from a seed, always the same one.
    pub fn of(seed: &SigningSeed) -> Self {
        let derived = keyed(seed.as_bytes()).chain_update(KEY_LABEL).finalize().into_bytes();
        Self { secret: SigningKey::from_bytes(&derived.into()) }
    }

    /// Its public half, as Standard Webhooks writes it.
    pub fn public_text(&self) -> String {
        format!("{PUBLIC_KEY_PREFIX}{}", STANDARD.encode(self.public()))
    }

    /// Its public half as a JSON Web Key.
    pub fn jwk(&self) -> WebhookJwk {
        let hash = Sha256::digest(self.public());
        WebhookJwk {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            use_for: "sig",
            kid: hash[..8].iter().map(|byte| format!("{byte:02x}")).collect(),
            x: URL_SAFE_NO_PAD.encode(self.public()),
        }
    }

    fn public(&self) -> [u8; 32] {
        self.secret.verifying_key().to_bytes()
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKey({})", self.public_text())
    }
}

/// The server's present key. Clones share it: replacing it in one replaces it in all.
#[derive(Debug, Clone)]
pub struct PresentKey(Arc<RwLock<Arc<ServerKey>>>);

impl PresentKey {
    /// Starts with this key.
    pub fn new(key: ServerKey) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(key))))
    }

    /// The present key.
    pub fn get(&self) -> Arc<ServerKey> {
        // It is consistent between any two calls.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Signs with another key from now on. Publish its public half first.
    pub fn replace(&self, key: ServerKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }
}

/// The public half of a [`ServerKey`] as a JSON Web Key (RFC 7517) of the kind that RFC 8037, section 2, defines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookJwk {
    /// The key type: an octet key pair.
    pub kty: &'static str,
    /// The curve.
    pub crv: &'static str,
    /// The algorithm.
    pub alg: &'static str,
    /// The key's use: signatures.
    #[serde(rename = "use")]
    pub use_for: &'static str,
    /// The key's id: the beginning of its SHA-256.
    pub kid: String,
    /// The public key in base64url without padding.
    pub x: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signature, VerifyingKey};

    const ID: &str = "msg_0190f1c46f2a7c119a530242ac12a0e7_42";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 999_999_999).expect("in range")
    }

    fn secrets(former: Option<i64>) -> Secrets {
        let former = former.map(|seconds| (EndpointSecret::new([2; 32]), at(seconds)));
        Secrets { present: EndpointSecret::new([1; 32]), former }
    }

    fn key() -> ServerKey {
        ServerKey::of(&SigningSeed::new([7; 32]))
    }

    /// As Python's `hmac` computes it over `msg_…_42.1777662000.{}`.
    #[test]
    fn the_secret_signs_id_time_and_body() {
        let signed = sign(ID, at(1_777_662_000), b"{}", &secrets(None), &key());
        assert_eq!((signed.id.as_str(), signed.timestamp), (ID, 1_777_662_000));
        let parts: Vec<_> = signed.signature.split(' ').collect();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0], "v1,ojXSzk3rdVKAINprs/8UGxmSRM+mrLrkvjpEdTZ42JE=");
        assert!(parts[1].starts_with("v1a,"));
    }

    #[test]
    fn the_servers_key_signs_the_same_text() {
        let signed = sign(ID, at(1_777_662_000), b"{}", &secrets(None), &key());
        let by_key = signed.signature.split(' ').next_back().expect("it is the last");
        let by_key = STANDARD.decode(by_key.trim_start_matches("v1a,")).expect("base64");
        let signature = Signature::from_slice(&by_key).expect("64 bytes");
        let public = key().public_text();
        let public = STANDARD.decode(public.trim_start_matches(PUBLIC_KEY_PREFIX)).expect("base64");
        let public: [u8; 32] = public.try_into().expect("32 bytes");
        let public = VerifyingKey::from_bytes(&public).expect("a key");
        let message = format!("{ID}.1777662000.{{}}");
        assert!(public.verify_strict(message.as_bytes(), &signature).is_ok());
        assert!(public.verify_strict(b"something else", &signature).is_err());
    }

    #[test]
    fn a_former_secret_signs_until_it_expires() {
        let until = 1_777_662_000;
        for (later, count) in [(-86_400, 3), (-1, 3), (0, 2), (1_000_000, 2)] {
            let secrets = secrets(Some(until));
            let signed = sign(ID, at(until + later), b"{}", &secrets, &key());
            assert_eq!(signed.signature.split(' ').count(), count, "{later} s later");
        }
    }

    #[test]
    fn replacing_a_key_replaces_it_in_every_clone() {
        let present = PresentKey::new(key());
        let of_sender = present.clone();
        let other = ServerKey::of(&SigningSeed::new([8; 32])).public_text();
        assert_eq!(of_sender.get().public_text(), key().public_text());
        present.replace(ServerKey::of(&SigningSeed::new([8; 32])));
        assert_eq!(of_sender.get().public_text(), other);
    }

    #[test]
    fn a_seed_has_one_key_that_differs_from_the_tickets() {
        assert_eq!(key().public_text(), key().public_text());
        let other = ServerKey::of(&SigningSeed::new([8; 32]));
        assert_ne!(key().public_text(), other.public_text());
        let of_tickets = SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes();
        assert_ne!(key().public(), of_tickets);
        let jwk = key().jwk();
        assert_eq!((jwk.kty, jwk.crv, jwk.kid.len()), ("OKP", "Ed25519", 16));
        assert_eq!(URL_SAFE_NO_PAD.decode(&jwk.x).ok(), Some(key().public().to_vec()));
        assert!(format!("{:?}", key()).starts_with("ServerKey(whpk_"));
    }
}
