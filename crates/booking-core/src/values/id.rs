use crate::{Invalid, KeyHash};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Reads the two text forms of a UUID, with and without hyphens.
pub(crate) fn parse_uuid(text: &str) -> Option<Uuid> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_plain.then(|| Uuid::try_parse(text).ok())?
}

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id as a plain UUID, for drivers and wire formats.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            /// Reads the hyphenated text form of RFC 9562 or the same without hyphens, and no other.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_uuid(text).map(Self).ok_or(Invalid::NotAnId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_newtype!(
    /// Identifies an event. A UUIDv7 (RFC 9562, section 5.7) by convention, so that rows made together are stored
    /// together.
    EventId
);

uuid_newtype!(
    /// Identifies an organizer.
    OrganizerId
);

uuid_newtype!(
    /// Identifies one attempt to move an event to another store, and so the process that makes it.
    MoveId
);

uuid_newtype!(
    /// Identifies the map of a set of cells, whatever its version, and so the set.
    MapId
);

uuid_newtype!(
    /// Identifies an endpoint of an organizer's webhooks.
    EndpointId
);

uuid_newtype!(
    /// Identifies an organizer's token. With it the token can be revoked, but not used.
    TokenId
);

uuid_newtype!(
    /// Identifies a registration, and with it the command that made it: a command repeated with the same id returns its
    /// earlier success. Chosen by the caller with [`beside`](RegistrationId::beside); any other UUID is valid too.
    RegistrationId
);

impl EventId {
    /// The id of an event to be created under the idempotency key with this hash: `fresh`, an unused UUIDv7, with its
    /// last byte replaced by that of the hash.
    ///
    /// So the key alone leads to the event. Where that byte decides in which database an event lies, a repeated
    /// request, which brings another fresh id, finds the first one's answer there.
    ///
    /// ```
    /// # use booking_core::{EventId, KeyHash};
    /// let fresh = "0190f1c5-01b3-7d20-8c4f-5e1122334455".parse::<EventId>()?.as_uuid();
    /// let id = EventId::beside(&KeyHash::new([0xe7; 32]), fresh);
    /// assert_eq!(id.to_string(), "0190f1c5-01b3-7d20-8c4f-5e11223344e7");
    /// # Ok::<(), booking_core::Invalid>(())
    /// ```
    #[must_use]
    pub const fn beside(key: &KeyHash, fresh: Uuid) -> Self {
        let [.., home] = *key.as_bytes();
        Self(ending_in(fresh, home))
    }
}

/// `fresh` with another last byte.
const fn ending_in(fresh: Uuid, home: u8) -> Uuid {
    let mut bytes = fresh.into_bytes();
    bytes[bytes.len() - 1] = home;
    Uuid::from_bytes(bytes)
}

impl RegistrationId {
    /// The id of a registration to be made for `event_id`: `fresh`, an unused UUIDv7, with its last byte replaced by
    /// that of the event's id.
    ///
    /// So a registration's id leads to its event's place. Where that byte decides in which database an event lies, a
    /// request that names only a registration's id reads one of them, while any other id has to be looked up in all.
    /// Nothing is lost: the last byte of a UUIDv7 is random, behind the time and the bits that distinguish ids of one
    /// instant.
    ///
    /// ```
    /// # use booking_core::{EventId, RegistrationId};
    /// let event_id: EventId = "0190f1c4-6f2a-7c11-9a53-0242ac12a0e7".parse()?;
    /// let fresh = "0190f1c5-01b3-7d20-8c4f-5e1122334455".parse::<RegistrationId>()?.as_uuid();
    /// let id = RegistrationId::beside(event_id, fresh);
    /// assert_eq!(id.to_string(), "0190f1c5-01b3-7d20-8c4f-5e11223344e7");
    /// # Ok::<(), booking_core::Invalid>(())
    /// ```
    #[must_use]
    pub const fn beside(event_id: EventId, fresh: Uuid) -> Self {
        let [.., home] = event_id.as_uuid().into_bytes();
        Self(ending_in(fresh, home))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_id_shares_its_events_last_byte() {
        let fresh = Uuid::from_u128(0x0190_f1c5_01b3_7d20_8c4f_5e11_2233_4455);
        for last in [0x00, 0x01, 0x55, 0x80, 0xff] {
            let event_id = EventId::from(Uuid::from_u128((0x0190_f1c4 << 96) | last));
            let id = RegistrationId::beside(event_id, fresh).as_uuid();
            assert_eq!(id.as_u128(), (fresh.as_u128() & !0xff) | last);
            assert_eq!(id.get_version(), fresh.get_version());
        }
    }

    #[test]
    fn the_id_of_an_event_created_under_a_key_shares_the_last_byte_of_its_hash() {
        let fresh = Uuid::from_u128(0x0190_f1c5_01b3_7d20_8c4f_5e11_2233_4455);
        for last in [0x00, 0x01, 0x55, 0x80, 0xff] {
            let mut hash = [7; 32];
            hash[31] = last;
            let id = EventId::beside(&KeyHash::new(hash), fresh).as_uuid();
            assert_eq!(id.as_u128(), (fresh.as_u128() & !0xff) | u128::from(last));
            assert_eq!(id.get_version(), fresh.get_version());
        }
    }

    #[test]
    fn ids_of_one_instant_stay_distinct_and_ordered() {
        let event_id = EventId::from(Uuid::now_v7());
        let ids: Vec<_> =
            (0..10_000).map(|_| RegistrationId::beside(event_id, Uuid::now_v7())).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "their last byte came after what tells them apart");
    }

    #[test]
    fn an_id_with_any_last_byte_is_read() {
        for last in ["00", "55", "ff"] {
            let text = format!("0190f1c5-01b3-7d20-8c4f-5e11223344{last}");
            assert_eq!(text.parse().map(|id: RegistrationId| id.to_string()), Ok(text));
        }
    }
}
