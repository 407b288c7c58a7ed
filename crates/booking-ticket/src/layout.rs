//! The bytes of a ticket, and how they are encoded as text.

use crate::claims::TicketClaims;
use crate::key_id::{KEY_ID_BYTES, KeyId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// The first byte of a ticket. Another layout will have another one.
pub const FORMAT: u8 = 1;

/// The bytes of a [`PublicKey`](crate::PublicKey) (RFC 8032, section 5.1.5).
pub const PUBLIC_KEY_BYTES: usize = 32;

/// The bytes that are signed: format, key id, event id, registration id and generation.
pub const SIGNED_BYTES: usize =
    size_of_val(&FORMAT) + KEY_ID_BYTES + 2 * size_of::<Uuid>() + size_of::<u32>();

/// The bytes of an Ed25519 signature (RFC 8032, section 5.1.6).
pub const SIGNATURE_BYTES: usize = 64;

/// The bytes of a ticket: what is signed, and the signature.
pub const TICKET_BYTES: usize = SIGNED_BYTES + SIGNATURE_BYTES;

/// The characters of a ticket's text: base64url has 6 bits in each, and here no padding.
pub const TEXT_CHARACTERS: usize = (TICKET_BYTES * 8).div_ceil(6);

// Tickets are printed and read by other programs: these never change within one format.
const _: () = assert!(SIGNED_BYTES == 45 && TICKET_BYTES == 109 && TEXT_CHARACTERS == 146);

/// A text that has the form of a ticket, whose signature is not verified yet.
pub(crate) struct Unverified {
    pub(crate) key_id: KeyId,
    pub(crate) claims: TicketClaims,
    pub(crate) signed: [u8; SIGNED_BYTES],
    pub(crate) signature: [u8; SIGNATURE_BYTES],
}

impl Unverified {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT_CHARACTERS {
            return None;
        }
        // This engine accepts neither padding nor unused bits.
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (signed, signature) = bytes.split_first_chunk()?;
        let (key_id, claims) = read_signed(signed)?;
        Some(Self { key_id, claims, signed: *signed, signature: signature.try_into().ok()? })
    }
}

fn read_signed(signed: &[u8; SIGNED_BYTES]) -> Option<(KeyId, TicketClaims)> {
    let (&[format], rest) = signed.split_first_chunk()?;
    if format != FORMAT {
        return None;
    }
    let (&key_id, rest) = rest.split_first_chunk::<KEY_ID_BYTES>()?;
    let (&event_id, rest) = rest.split_first_chunk()?;
    let (&registration_id, rest) = rest.split_first_chunk()?;
    let claims = TicketClaims {
        event_id: Uuid::from_bytes(event_id),
        registration_id: Uuid::from_bytes(registration_id),
        generation: u32::from_be_bytes(rest.try_into().ok()?),
    };
    Some((KeyId::from(key_id), claims))
}

pub(crate) fn write_signed(key_id: KeyId, claims: &TicketClaims) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TICKET_BYTES);
    bytes.push(FORMAT);
    bytes.extend_from_slice(key_id.as_bytes());
    bytes.extend_from_slice(claims.event_id.as_bytes());
    bytes.extend_from_slice(claims.registration_id.as_bytes());
    bytes.extend_from_slice(&claims.generation.to_be_bytes());
    assert_eq!(bytes.len(), SIGNED_BYTES);
    bytes
}

pub(crate) fn to_text(mut signed: Vec<u8>, signature: &[u8; SIGNATURE_BYTES]) -> String {
    signed.extend_from_slice(signature);
    let text = URL_SAFE_NO_PAD.encode(signed);
    assert_eq!(text.len(), TEXT_CHARACTERS);
    text
}
