//! The signed ticket of Booking, and nothing else: no I/O, no clock, no randomness.
//!
//! A ticket is a text of [`TEXT_CHARACTERS`] characters that says who has which seat. The server
//! signs it; a scanner that has the server's public keys can check it, without the server and without a
//! network. It is short enough for a QR code, and all its characters may stand in a URL.
//!
//! | to find | look in |
//! | --- | --- |
//! | what a ticket says | [`TicketClaims`] |
//! | making one | [`SigningKey::sign`] |
//! | checking one | [`Keyring::verify`], [`TicketError`] |
//! | handing out public keys | [`PublicKey::jwk`] |
//!
//! # Checking tickets offline
//!
//! A scanner carries the public keys. It needs no secret, so a lost scanner leaks nothing.
//!
//! ```
//! use booking_ticket::{Keyring, PublicKey, SigningKey, TicketClaims, TicketError};
//! use uuid::Uuid;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // On the server. A real seed is 32 random bytes that only this server has.
//! let signing_key = SigningKey::from_seed(&[7; 32]);
//! let claims = TicketClaims {
//!     event_id: Uuid::from_u128(1),
//!     registration_id: Uuid::from_u128(2),
//!     generation: 0,
//! };
//! let ticket = signing_key.sign(&claims);
//! let public_bytes = *signing_key.public().as_bytes();
//!
//! // At the door.
//! let mut keyring = Keyring::default();
//! keyring.insert(PublicKey::from_bytes(&public_bytes)?);
//! assert_eq!(keyring.verify(&ticket), Ok(claims));
//!
//! // Signed with another key, or not a ticket at all.
//! let stranger = SigningKey::from_seed(&[8; 32]);
//! assert_eq!(
//!     keyring.verify(&stranger.sign(&claims)),
//!     Err(TicketError::UnknownKey(stranger.key_id()))
//! );
//! assert_eq!(keyring.verify("https://example.org"), Err(TicketError::NotATicket));
//! # Ok(())
//! # }
//! ```
//!
//! # What a valid ticket does not prove
//!
//! It proves that the server once gave this seat to its holder. Whether it is for this event,
//! whether the registration was cancelled or transferred since, and whether the ticket was used already,
//! only the caller can know: compare [`TicketClaims::event_id`] and [`TicketClaims::generation`], and
//! record each check-in.
//!
//! # The text
//!
//! base64url without padding (RFC 4648, section 5) of [`TICKET_BYTES`] bytes:
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | format, 0x01 |
//! | 8 | [`KeyId`]: the first bytes of SHA-256 (RFC 6234) of the public key |
//! | 16 | event id, a UUID (RFC 9562) |
//! | 16 | registration id, a UUID |
//! | 4 | generation, big-endian |
//! | 64 | Ed25519 signature (RFC 8032) of the [`SIGNED_BYTES`] bytes before it |
//!
//! A ticket has one text only. Another spelling of the same bytes, such as one with padding or
//! white space, is not a ticket, and neither a changed signature nor a changed key id is accepted.
//! A ticket is valid for as long as its key is in the keyring: to change keys, sign with the new one
//! and keep the old one's public key until its events are over.

mod claims;
mod jwk;
mod key;
mod key_id;
mod keyring;
mod layout;

pub use claims::TicketClaims;
pub use jwk::Jwk;
pub use key::{InvalidPublicKey, PublicKey, SEED_BYTES, SigningKey};
pub use key_id::{InvalidKeyId, KEY_ID_BYTES, KeyId};
pub use keyring::{Keyring, TicketError};
pub use layout::{
    FORMAT, PUBLIC_KEY_BYTES, SIGNATURE_BYTES, SIGNED_BYTES, TEXT_CHARACTERS, TICKET_BYTES,
};
