use crate::claims::TicketClaims;
use crate::key_id::{KEY_ID_BYTES, KeyId};
use crate::layout::{self, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use thiserror::Error;

/// The bytes of a [`SigningKey`]'s seed: the private key of RFC 8032, section 5.1.5.
pub const SEED_BYTES: usize = 32;

/// The secret that makes tickets. Its `Debug` shows its id only, and its memory is wiped when it is
/// dropped.
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    key_id: KeyId,
}

impl SigningKey {
    /// Derives the key from `seed`; the same seed gives the same key. It must come from a cryptographically
    /// secure source of randomness.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        let key_id = PublicKey(secret.verifying_key()).key_id();
        Self { secret, key_id }
    }

    /// The secret seed, to be stored where only this server reads it.
    pub fn seed(&self) -> [u8; SEED_BYTES] {
        self.secret.to_bytes()
    }

    /// The id of its public key.
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The key that scanners need to check its tickets.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.secret.verifying_key())
    }

    /// The text of the ticket with these `claims`. The same claims make the same ticket: Ed25519
    /// signatures take no randomness.
    pub fn sign(&self, claims: &TicketClaims) -> String {
        let signed = layout::write_signed(self.key_id, claims);
        let signature = self.sign_bytes(&signed);
        layout::to_text(signed, &signature)
    }

    fn sign_bytes(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.secret.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// The public half of a [`SigningKey`], which checks what that signed.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Takes the encoded point of RFC 8032, section 5.1.5.
    ///
    /// # Errors
    /// [`InvalidPublicKey`], also for a point in a non-canonical encoding, and for one of low
    /// order: almost any signature would be valid under it.
    pub fn from_bytes(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Result<Self, InvalidPublicKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| InvalidPublicKey)?;
        let canonical = key.to_edwards().compress().to_bytes();
        if key.is_weak() || canonical != *bytes {
            return Err(InvalidPublicKey);
        }
        Ok(Self(key))
    }

    /// The encoded point.
    pub fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        self.0.as_bytes()
    }

    /// The id that tickets carry.
    pub fn key_id(&self) -> KeyId {
        let hash: [u8; 32] = Sha256::digest(self.as_bytes()).into();
        let (&id, _) = hash.split_first_chunk::<KEY_ID_BYTES>().expect("32 bytes hold 8");
        KeyId::from(id)
    }

    /// Strictly: the signature's point and scalar must be canonically encoded, else one ticket could have
    /// many texts.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.key_id())
    }
}

/// Bytes that are no public key of Ed25519 (RFC 8032, section 5.1.3), or a useless one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a usable Ed25519 public key")]
pub struct InvalidPublicKey;

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex<const BYTES: usize>(digits: &str) -> [u8; BYTES] {
        assert_eq!(digits.len(), 2 * BYTES);
        std::array::from_fn(|index| {
            u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).expect("hexadecimal")
        })
    }

    #[test]
    fn rfc_8032_section_7_1_test_1() {
        let seed = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let signature = unhex(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e\
             39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        );
        let key = SigningKey::from_seed(&seed);
        assert_eq!(key.seed(), seed);
        assert_eq!(key.public().as_bytes(), &public);
        assert_eq!(key.sign_bytes(b""), signature);
        let checker = PublicKey::from_bytes(&public).expect("a key");
        assert!(checker.has_signed(b"", &signature));
        assert!(!checker.has_signed(b"x", &signature));
    }

    #[test]
    fn the_public_key_has_the_id_of_its_signing_key() {
        let key = SigningKey::from_seed(&[7; SEED_BYTES]);
        assert_eq!(key.key_id().to_string(), "fe812c12f3ab4ce6");
        assert_eq!(key.public().key_id(), key.key_id());
    }

    #[test]
    fn debug_does_not_show_the_secret() {
        let key = SigningKey::from_seed(&[7; SEED_BYTES]);
        assert_eq!(format!("{key:?}"), "SigningKey { key_id: KeyId(fe812c12f3ab4ce6), .. }");
    }

    #[test]
    fn unusable_public_keys_are_refused() {
        let le = |low: u8, middle: u8, high: u8| {
            let mut bytes = [middle; PUBLIC_KEY_BYTES];
            (bytes[0], bytes[PUBLIC_KEY_BYTES - 1]) = (low, high);
            bytes
        };
        for (why, bytes) in [
            ("low order: the neutral point", le(1, 0, 0)),
            ("low order: y = 0", le(0, 0, 0)),
            ("on no point: y = 2", le(2, 0, 0)),
            ("y = p + 3, which is 3 written otherwise", le(0xf0, 0xff, 0x7f)),
        ] {
            assert_eq!(PublicKey::from_bytes(&bytes), Err(InvalidPublicKey), "{why}");
        }
        assert!(PublicKey::from_bytes(&le(3, 0, 0)).is_ok());
    }
}
