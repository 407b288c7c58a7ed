use crate::layout::Unverified;
use crate::{KeyId, PublicKey, TicketClaims};
use std::collections::BTreeMap;
use thiserror::Error;

/// The public keys whose tickets are accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keyring(BTreeMap<KeyId, PublicKey>);

impl Keyring {
    /// Accepts tickets signed by `key` from now on. Adding a key again changes nothing.
    pub fn insert(&mut self, key: PublicKey) {
        self.0.insert(key.key_id(), key);
    }

    /// Its keys, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.values()
    }

    /// The ticket's claims, if one of these keys signed exactly this text. Nothing is trimmed.
    ///
    /// # Errors
    /// [`TicketError`]: why it is not valid.
    pub fn verify(&self, text: &str) -> Result<TicketClaims, TicketError> {
        let ticket = Unverified::parse(text).ok_or(TicketError::NotATicket)?;
        let key = self.0.get(&ticket.key_id).ok_or(TicketError::UnknownKey(ticket.key_id))?;
        if key.has_signed(&ticket.signed, &ticket.signature) {
            Ok(ticket.claims)
        } else {
            Err(TicketError::BadSignature)
        }
    }
}

impl FromIterator<PublicKey> for Keyring {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.key_id(), key)).collect())
    }
}

/// Why a text is not a valid ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TicketError {
    /// It does not have the form of one: some other QR code, or half a ticket.
    #[error("not a ticket")]
    NotATicket,
    /// It says that it was signed with a key that is not in the keyring: a forgery, another server's,
    /// or made with a key that is newer than this keyring.
    #[error("signed with the key {0}, which is not known here")]
    UnknownKey(KeyId),
    /// The key that it names did not sign it: a forgery.
    #[error("the signature does not match")]
    BadSignature,
}
