//! A ticket has one text, and any other text is refused.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use booking_ticket::{
    KEY_ID_BYTES, Keyring, PublicKey, SIGNED_BYTES, SigningKey, TEXT_CHARACTERS, TICKET_BYTES,
    TicketClaims, TicketError,
};
use proptest::prelude::*;
use uuid::{Uuid, uuid};

/// The ticket of `golden_claims`, signed with the key of the seed `[7; 32]`. The scanner in the
/// browser is tested with it too: never change it, or issued tickets become void.
const GOLDEN: &str = "Af6BLBLzq0zmAZMsB6WxfD2eTxorPE1ebwGTLAgAAHq8je8BI0VniasAAAACeLig5spv4knHNIShTIiRJqmT-LNdLEPooCJgf_PoVEup05a9thx5IG85jiSOfai7eCxXy5IYqhTPs91yxzzDAQ";

fn golden_key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

fn golden_claims() -> TicketClaims {
    TicketClaims {
        event_id: uuid!("01932c07-a5b1-7c3d-9e4f-1a2b3c4d5e6f"),
        registration_id: uuid!("01932c08-0000-7abc-8def-0123456789ab"),
        generation: 2,
    }
}

fn keyring(keys: &[&SigningKey]) -> Keyring {
    keys.iter().map(|key| key.public()).collect()
}

fn golden_keyring() -> Keyring {
    keyring(&[&golden_key()])
}

fn bytes_of(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// Verifies the golden ticket with its bytes changed.
fn verify_changed(change: impl FnOnce(&mut [u8])) -> Result<TicketClaims, TicketError> {
    let mut bytes = bytes_of(GOLDEN);
    change(&mut bytes);
    golden_keyring().verify(&URL_SAFE_NO_PAD.encode(bytes))
}

#[test]
fn the_golden_ticket_stays_as_it_is() {
    assert_eq!(golden_key().sign(&golden_claims()), GOLDEN);
    assert_eq!(golden_keyring().verify(GOLDEN), Ok(golden_claims()));
}

#[test]
fn the_layout_is_as_documented() {
    let bytes = bytes_of(GOLDEN);
    assert_eq!((bytes.len(), GOLDEN.len()), (TICKET_BYTES, TEXT_CHARACTERS));
    let signed: Vec<u8> = [
        &[1][..],
        golden_key().key_id().as_bytes(),
        golden_claims().event_id.as_bytes(),
        golden_claims().registration_id.as_bytes(),
        &[0, 0, 0, 2],
    ]
    .concat();
    assert_eq!(bytes[..SIGNED_BYTES], signed);
}

#[test]
fn a_keyring_accepts_tickets_of_any_of_its_keys() {
    let (old, new) = (golden_key(), SigningKey::from_seed(&[8; 32]));
    let mut keyring = golden_keyring();
    assert_eq!(
        keyring.verify(&new.sign(&golden_claims())),
        Err(TicketError::UnknownKey(new.key_id()))
    );
    keyring.insert(new.public());
    keyring.insert(new.public());
    for key in [&old, &new] {
        assert_eq!(keyring.verify(&key.sign(&golden_claims())), Ok(golden_claims()));
    }
    let mut ids = vec![old.key_id(), new.key_id()];
    ids.sort();
    assert_eq!(keyring.iter().map(PublicKey::key_id).collect::<Vec<_>>(), ids);
}

#[test]
fn a_ticket_with_another_key_id_is_refused() {
    let stranger = SigningKey::from_seed(&[8; 32]);
    let mut bytes = bytes_of(&stranger.sign(&golden_claims()));
    bytes[1..1 + KEY_ID_BYTES].copy_from_slice(golden_key().key_id().as_bytes());
    let text = URL_SAFE_NO_PAD.encode(bytes);
    let keyring = keyring(&[&golden_key(), &stranger]);
    assert_eq!(keyring.verify(&text), Err(TicketError::BadSignature));
}

#[test]
fn other_claims_need_another_signature() {
    for index in 1 + KEY_ID_BYTES..TICKET_BYTES {
        let outcome = verify_changed(|bytes| bytes[index] ^= 0x10);
        assert_eq!(outcome, Err(TicketError::BadSignature), "byte {index}");
    }
    for index in 1..=KEY_ID_BYTES {
        let outcome = verify_changed(|bytes| bytes[index] ^= 0x10);
        assert!(matches!(outcome, Err(TicketError::UnknownKey(_))), "byte {index}: {outcome:?}");
    }
}

#[test]
fn another_format_is_not_a_ticket() {
    for format in [0, 2, 255] {
        let outcome = verify_changed(|bytes| bytes[0] = format);
        assert_eq!(outcome, Err(TicketError::NotATicket), "{format}");
    }
}

/// RFC 8032, section 5.1.7: S must be less than the group's order, or every signature has several
/// forms.
#[test]
fn a_signature_with_the_order_added_is_refused() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let outcome = verify_changed(|bytes| {
        let mut carry = 0;
        for (digit, order) in bytes[TICKET_BYTES - ORDER.len()..].iter_mut().zip(ORDER) {
            let sum = u16::from(*digit) + u16::from(order) + carry;
            (*digit, carry) = (sum as u8, sum >> 8);
        }
        assert_eq!(carry, 0);
    });
    assert_eq!(outcome, Err(TicketError::BadSignature));
}

#[test]
fn every_truncation_is_refused() {
    let keyring = golden_keyring();
    for length in 0..TEXT_CHARACTERS {
        assert_eq!(keyring.verify(&GOLDEN[..length]), Err(TicketError::NotATicket), "{length}");
        assert_eq!(keyring.verify(&GOLDEN[length + 1..]), Err(TicketError::NotATicket), "{length}");
    }
}

#[test]
fn a_ticket_text_is_never_trimmed() {
    let keyring = golden_keyring();
    for text in [
        format!("{GOLDEN}="),
        format!("{GOLDEN}=="),
        format!("{GOLDEN}A"),
        format!("{GOLDEN}\n"),
        format!(" {GOLDEN}"),
        format!("{GOLDEN}\0"),
        format!("{GOLDEN}{GOLDEN}"),
        format!("{}=", &GOLDEN[..TEXT_CHARACTERS - 1]),
        format!("{}é", &GOLDEN[..TEXT_CHARACTERS - 2]),
        format!("{} ", &GOLDEN[..TEXT_CHARACTERS - 1]),
        STANDARD_NO_PAD.encode(bytes_of(GOLDEN)),
    ] {
        assert_eq!(keyring.verify(&text), Err(TicketError::NotATicket), "{text:?}");
    }
}

/// The last character encodes two bits of the last byte, and four unused bits.
#[test]
fn unused_bits_must_be_zero() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = GOLDEN.split_at(TEXT_CHARACTERS - 1);
    let keyring = golden_keyring();
    for (value, character) in ALPHABET.chars().enumerate() {
        let expected = match value % 16 {
            0 if last == character.to_string() => Ok(golden_claims()),
            0 => Err(TicketError::BadSignature),
            _ => Err(TicketError::NotATicket),
        };
        assert_eq!(keyring.verify(&format!("{start}{character}")), expected, "{character}");
    }
}

prop_compose! {
    fn claims()(event_id: u128, registration_id: u128, generation: u32) -> TicketClaims {
        TicketClaims {
            event_id: Uuid::from_u128(event_id),
            registration_id: Uuid::from_u128(registration_id),
            generation,
        }
    }
}

proptest! {
    #[test]
    fn signed_claims_are_read_back(seed: [u8; 32], claims in claims()) {
        let key = SigningKey::from_seed(&seed);
        let text = key.sign(&claims);
        prop_assert_eq!(text.len(), TEXT_CHARACTERS);
        prop_assert_eq!(keyring(&[&key]).verify(&text), Ok(claims));
        prop_assert_eq!(SigningKey::from_seed(&key.seed()).sign(&claims), text);
    }

    #[test]
    fn no_bit_can_be_flipped(claims in claims(), bit in 0..TICKET_BYTES * 8) {
        let key = golden_key();
        let mut bytes = bytes_of(&key.sign(&claims));
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(keyring(&[&key]).verify(&URL_SAFE_NO_PAD.encode(bytes)).is_err());
    }

    #[test]
    fn no_character_can_be_replaced(
        claims in claims(),
        index in 0..TEXT_CHARACTERS,
        character in prop_oneof!["[A-Za-z0-9_-]", any::<char>().prop_map(String::from)],
    ) {
        let key = golden_key();
        let mut text = key.sign(&claims);
        prop_assume!(text[index..=index] != character);
        text.replace_range(index..=index, &character);
        prop_assert!(keyring(&[&key]).verify(&text).is_err());
    }

    #[test]
    fn any_other_text_is_refused(text in prop_oneof![".*", "A[Q-T][A-Za-z0-9_-]{143}[AQgw]"]) {
        prop_assert!(golden_keyring().verify(&text).is_err());
    }
}
