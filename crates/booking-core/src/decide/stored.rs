//! How a store serializes values with token hashes. The API's JSON leaves the hashes out; a store must not, or
//! attendees who manage a registration by its link would be locked out.

use crate::{
    Admitted, CheckedIn, Event, EventId, Outcome, Person, Refusal, Registration, RegistrationId,
    Status, Timing, TokenHash, Version,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A [`Registration`] or an [`Outcome`] in the form in which a store serializes it: with the hash of the manage token,
/// which is left out otherwise.
///
/// The JSON is the same as in every earlier version. Everywhere but in stores, serialize the plain value.
///
/// ```
/// use booking_core::{Registration, Stored, TokenHash};
///
/// # let json = r#"{"id":"0190f1c5-01b3-7d20-8c4f-5e11223344e7","event_id":"0190f1c4-6f2a-7c11-9a53-0242ac12a0e7",
/// #   "user_email":"ada@example.org","name":null,"status":"confirmed","expires_at":null,"position":null,
/// #   "check_in":null,"generation":1,"created_version":2,"event_version":2,"created_at":"2026-05-01T19:00:00Z"}"#;
/// # let mut registration: Registration = serde_json::from_str(json)?;
/// registration.token_hash = Some(TokenHash::new([7; 32]));
/// assert!(!serde_json::to_string(&registration)?.contains("0707"));
///
/// let kept = serde_json::to_string(&Stored(&registration))?;
/// let read: Stored<Registration> = serde_json::from_str(&kept)?;
/// assert_eq!(read.0, registration);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T>(pub T);

impl Serialize for Stored<&Registration> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        RegistrationForm::serialize(self.0, to)
    }
}

impl Serialize for Stored<Registration> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        RegistrationForm::serialize(&self.0, to)
    }
}

impl<'de> Deserialize<'de> for Stored<Registration> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        RegistrationForm::deserialize(from).map(Self)
    }
}

impl Serialize for Stored<&Outcome> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        OutcomeForm::serialize(self.0, to)
    }
}

impl Serialize for Stored<Outcome> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        OutcomeForm::serialize(&self.0, to)
    }
}

impl<'de> Deserialize<'de> for Stored<Outcome> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        OutcomeForm::deserialize(from).map(Self)
    }
}

/// See [`Registration`]. The compiler reports here each field that is added there.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Registration")]
struct RegistrationForm {
    id: RegistrationId,
    event_id: EventId,
    #[serde(flatten)]
    person: Person,
    status: Status,
    expires_at: Option<DateTime<Utc>>,
    position: Option<u32>,
    check_in: Option<CheckedIn>,
    generation: u32,
    token_hash: Option<TokenHash>,
    created_version: Version,
    event_version: Version,
    created_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Admitted")]
struct AdmittedForm {
    #[serde(flatten, with = "RegistrationForm")]
    registration: Registration,
    #[serde(default)]
    timing: Timing,
}

/// See [`Outcome`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Outcome", rename_all = "snake_case")]
pub(crate) enum OutcomeForm {
    Confirmed(#[serde(with = "RegistrationForm")] Registration),
    Held(#[serde(with = "RegistrationForm")] Registration),
    Waitlisted(#[serde(with = "RegistrationForm")] Registration),
    ToConfirm(#[serde(with = "RegistrationForm")] Registration),
    KnownAddress(RegistrationId),
    Cancelled(#[serde(with = "RegistrationForm")] Registration),
    Transferred(#[serde(with = "RegistrationForm")] Registration),
    Corrected(#[serde(with = "RegistrationForm")] Registration),
    LinkRenewed(#[serde(with = "RegistrationForm")] Registration),
    CheckedIn(#[serde(with = "AdmittedForm")] Admitted),
    CheckInUndone(#[serde(with = "RegistrationForm")] Registration),
    Erased(#[serde(with = "RegistrationForm")] Registration),
    EventChanged(Box<Event>),
    Settled,
    Refused(Refusal),
    Replayed(#[serde(with = "boxed")] Box<Outcome>),
}

mod boxed {
    use super::{Deserializer, Outcome, OutcomeForm, Serializer};

    pub(super) fn serialize<S: Serializer>(outcome: &Outcome, to: S) -> Result<S::Ok, S::Error> {
        OutcomeForm::serialize(outcome, to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Box<Outcome>, D::Error> {
        OutcomeForm::deserialize(from).map(Box::new)
    }
}

/// The registrations of a change.
pub(crate) mod registrations {
    use super::{Deserialize, Deserializer, Registration, Serializer, Stored};

    pub(crate) fn serialize<S: Serializer>(
        registrations: &[Registration],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(registrations.iter().map(Stored))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Registration>, D::Error> {
        let stored = Vec::<Stored<Registration>>::deserialize(from)?;
        Ok(stored.into_iter().map(|Stored(registration)| registration).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_str, to_string};

    /// As every earlier version stored an outcome.
    fn stored(outcome: &str, more: &str) -> String {
        let hash = "07".repeat(32);
        format!(
            r#"{{"{outcome}":{{"id":"0190f1c5-01b3-7d20-8c4f-5e11223344e7","event_id":"0190f1c4-6f2a-7c11-9a53-0242ac12a0e7","user_email":"ada@example.org","name":null,"status":"confirmed","expires_at":null,"position":null,"check_in":null,"generation":1,"token_hash":"{hash}","created_version":2,"event_version":2,"created_at":"2026-05-01T19:00:00Z"{more}}}}}"#
        )
    }

    #[test]
    fn outcomes_are_stored_unchanged_and_serialized_without_tokens() {
        for name in [
            "confirmed",
            "held",
            "waitlisted",
            "to_confirm",
            "cancelled",
            "transferred",
            "corrected",
            "link_renewed",
            "checked_in",
            "check_in_undone",
            "erased",
        ] {
            let more = if name == "checked_in" { r#","timing":"on_time""# } else { "" };
            let text = stored(name, more);
            let Stored(outcome) = from_str::<Stored<Outcome>>(&text).expect("it was always read");
            let registration = outcome.registration().expect("it tells of one");
            assert_eq!(registration.token_hash, Some(TokenHash::new([7; 32])), "{name}");
            assert_eq!(to_string(&Stored(&outcome)).ok(), Some(text), "{name}");
            let serialized = to_string(&outcome).expect("plain data");
            assert!(!serialized.contains("token") && !serialized.contains("0707"), "{serialized}");
            let replayed = Outcome::Replayed(Box::new(outcome));
            let text = to_string(&Stored(&replayed)).expect("plain data");
            assert_eq!(from_str::<Stored<Outcome>>(&text).ok(), Some(Stored(replayed.clone())));
            assert!(!to_string(&replayed).expect("plain data").contains("0707"), "{name}");
        }
    }

    #[test]
    fn outcomes_without_a_registration_are_stored_as_serialized() {
        let known = Outcome::KnownAddress(uuid::Uuid::from_u128(7).into());
        for outcome in [Outcome::Settled, Outcome::Refused(Refusal::SoldOut), known] {
            let text = to_string(&outcome).expect("plain data");
            assert_eq!(to_string(&Stored(&outcome)).ok().as_ref(), Some(&text));
            assert_eq!(from_str::<Stored<Outcome>>(&text).ok(), Some(Stored(outcome)));
        }
    }

    #[test]
    fn an_old_outcome_without_a_token_or_a_timing_is_read() {
        let text = stored("checked_in", "")
            .replace(&format!(r#""token_hash":"{}","#, "07".repeat(32)), "");
        let Stored(outcome) = from_str::<Stored<Outcome>>(&text).expect("it was always read");
        assert_eq!(outcome.registration().and_then(|registration| registration.token_hash), None);
    }
}
