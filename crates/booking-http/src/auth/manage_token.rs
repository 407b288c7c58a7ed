//! Manage tokens, by which attendees change their registrations.
//!
//! A token is 256 unpredictable bits, and the store has only its hash. Yet an answer that is replayed under the
//! same idempotency key must show the same token. So it is not drawn but derived, with HMAC-SHA256 (RFC 2104) under
//! a secret of the server, from what the request and its replay have in common:
//!
//! - for a new registration, its id, which the stored answer has;
//! - for a replacement token (a transfer, another address, a new link), the registration's id and the idempotency
//!   key with the fingerprint of the body: the id has had tokens before, and another request must get another one.
//!   Without a key there is no replay, and random bytes take its place.
//!
//! Tokens are not stored, so none can be mailed. A mailed link has a token of its own, derived from the
//! registration's id and the hash of its manage token: its bearer counts as the holder of that manage token, as
//! long as the registration has it.

use crate::auth::callers::{MAIL_PREFIX, token_hash};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use booking_core::{IdempotencyKey, RegistrationId, SigningSeed, TokenHash};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const TOKEN_BYTES: usize = 32;
/// The characters of a token: base64url has 6 bits in each, and here no padding.
const TOKEN_CHARACTERS: usize = (TOKEN_BYTES * 8).div_ceil(6);

/// Separates what is derived from a seed here from the tickets that it signs.
const SECRET_LABEL: &[u8] = b"booking manage token, version 1";

/// A token. It is shown only to its owner: it has no `Debug`.
#[derive(Clone, Copy)]
pub(crate) struct ManageToken([u8; TOKEN_CHARACTERS]);

impl ManageToken {
    /// The token as a string.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64url is ASCII")
    }

    /// Its hash, which is stored.
    pub(crate) fn hash(&self) -> TokenHash {
        token_hash(self.as_str())
    }
}

/// The input that a token is derived from.
#[derive(Clone, Copy)]
pub(crate) enum Origin {
    /// The making of a registration.
    Made(RegistrationId),
    /// The replacement of a registration's token, identified by the second part.
    Replaced(RegistrationId, [u8; 64]),
}

impl Origin {
    /// The replacement of a token, requested under `key`.
    pub(crate) fn replaced(id: RegistrationId, key: Option<IdempotencyKey>) -> Self {
        let mut name = [0; 64];
        match key {
            Some(key) => {
                name[..32].copy_from_slice(key.hash.as_bytes());
                name[32..].copy_from_slice(key.fingerprint.as_bytes());
            }
            None => getrandom::fill(&mut name).expect("the system has random numbers"),
        }
        Self::Replaced(id, name)
    }

    /// The same for the registration of a replayed answer: the one that this request would have made has another
    /// id.
    pub(crate) fn replayed_for(self, id: RegistrationId) -> Self {
        match self {
            Self::Made(_) => Self::Made(id),
            Self::Replaced(_, name) => Self::Replaced(id, name),
        }
    }
}

/// The secret that tokens are derived with.
pub(crate) struct TokenSecret(Hmac<Sha256>);

impl TokenSecret {
    /// The secret that belongs to a seed.
    pub(crate) fn of(seed: &SigningSeed) -> Self {
        let secret = keyed(seed.as_bytes()).chain_update(SECRET_LABEL).finalize().into_bytes();
        Self(keyed(&secret))
    }

    /// The token of `origin`, which is deterministic.
    pub(crate) fn derive(&self, origin: Origin) -> ManageToken {
        // Keying is half of the work, and is done once.
        let mac = self.0.clone();
        // The first byte separates the forms, and each has one length.
        let mac = match origin {
            Origin::Made(id) => mac.chain_update([1]).chain_update(id.as_uuid().as_bytes()),
            Origin::Replaced(id, name) => {
                mac.chain_update([2]).chain_update(id.as_uuid().as_bytes()).chain_update(name)
            }
        };
        let bytes: [u8; TOKEN_BYTES] = mac.finalize().into_bytes().into();
        let mut text = [0; TOKEN_CHARACTERS];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        assert_eq!(written, Ok(TOKEN_CHARACTERS));
        ManageToken(text)
    }
}

impl TokenSecret {
    /// The token of a mailed link, for the holder of the manage token with this hash.
    pub(crate) fn derive_mailed(&self, id: RegistrationId, hash: &TokenHash) -> String {
        let mac = self.0.clone().chain_update([3]);
        let mac = mac.chain_update(id.as_uuid().as_bytes()).chain_update(hash.as_bytes());
        let bytes: [u8; TOKEN_BYTES] = mac.finalize().into_bytes().into();
        format!("{MAIL_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Bytes derived from an idempotency key: an id and a secret that are the same for a repeated request.
    pub(crate) fn derive_of_key(&self, what: &[u8], key: IdempotencyKey) -> [u8; 32] {
        let mac = self.0.clone().chain_update([4]).chain_update((what.len() as u64).to_be_bytes());
        let mac = mac.chain_update(what).chain_update(key.hash.as_bytes());
        mac.chain_update(key.fingerprint.as_bytes()).finalize().into_bytes().into()
    }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{Fingerprint, KeyHash};
    use std::collections::BTreeSet;
    use uuid::Uuid;

    fn id(number: u128) -> RegistrationId {
        Uuid::from_u128(number).into()
    }

    fn key(hash: u8, fingerprint: u8) -> Option<IdempotencyKey> {
        let (hash, fingerprint) = ([hash; 32], [fingerprint; 32]);
        Some(IdempotencyKey::new(KeyHash::new(hash), Fingerprint::new(fingerprint)))
    }

    #[test]
    fn the_same_origin_has_the_same_token_and_another_has_another() {
        let secret = TokenSecret::of(&SigningSeed::new([7; 32]));
        let other_secret = TokenSecret::of(&SigningSeed::new([8; 32]));
        let again = Origin::replaced(id(1), key(1, 1));
        assert_eq!(secret.derive(again).as_str(), secret.derive(again).as_str());
        let tokens = [
            secret.derive(Origin::Made(id(1))),
            secret.derive(Origin::Made(id(2))),
            other_secret.derive(Origin::Made(id(1))),
            secret.derive(again),
            secret.derive(Origin::replaced(id(2), key(1, 1))),
            secret.derive(Origin::replaced(id(1), key(2, 1))),
            secret.derive(Origin::replaced(id(1), key(1, 2))),
            secret.derive(Origin::replaced(id(1), None)),
            secret.derive(Origin::replaced(id(1), None)),
        ];
        let texts: BTreeSet<_> = tokens.iter().map(ManageToken::as_str).collect();
        assert_eq!(texts.len(), tokens.len());
        let hashes: BTreeSet<_> = tokens.iter().map(ManageToken::hash).collect();
        assert_eq!(hashes.len(), tokens.len());
        assert!(texts.iter().all(|text| text.len() == 43));
    }

    #[test]
    fn a_mailed_link_is_for_one_registration_and_its_manage_token() {
        let secret = TokenSecret::of(&SigningSeed::new([7; 32]));
        let other_secret = TokenSecret::of(&SigningSeed::new([8; 32]));
        let hash = |byte| TokenHash::new([byte; 32]);
        let token = secret.derive_mailed(id(1), &hash(1));
        assert_eq!(token, secret.derive_mailed(id(1), &hash(1)));
        assert!(token.len() == 47 && token.starts_with("mlt_"), "{}", token.len());
        let others = [
            secret.derive_mailed(id(2), &hash(1)),
            secret.derive_mailed(id(1), &hash(2)),
            other_secret.derive_mailed(id(1), &hash(1)),
            format!("mlt_{}", secret.derive(Origin::Made(id(1))).as_str()),
        ];
        assert!(!others.contains(&token));
    }

    #[test]
    fn derived_bytes_depend_on_the_whole_key() {
        let secret = TokenSecret::of(&SigningSeed::new([7; 32]));
        let of = |what: &[u8], hash, fingerprint| {
            secret.derive_of_key(what, key(hash, fingerprint).expect("it is one"))
        };
        assert_eq!(of(b"a", 1, 1), of(b"a", 1, 1));
        let all = [of(b"a", 1, 1), of(b"b", 1, 1), of(b"a", 2, 1), of(b"a", 1, 2)];
        assert_eq!(BTreeSet::from(all).len(), all.len());
    }

    #[test]
    fn a_replay_is_of_the_registration_that_the_first_answer_was_about() {
        let secret = TokenSecret::of(&SigningSeed::new([7; 32]));
        let first = secret.derive(Origin::Made(id(1)));
        let replayed = secret.derive(Origin::Made(id(2)).replayed_for(id(1)));
        assert_eq!(replayed.as_str(), first.as_str());
    }
}
