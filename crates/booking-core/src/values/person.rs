use crate::{Answers, EmailAddress, PersonName, RegistrationId};
use serde::{Deserialize, Serialize};

/// All personal data of an attendee.
///
/// More of it belongs here, and nowhere else: [`Registration::erase`](crate::Registration::erase) empties this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The address. No two live registrations of one event have the same.
    pub user_email: EmailAddress,
    /// The name, if given.
    pub name: Option<PersonName>,
    /// The answers to the event's questions.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub answers: Answers,
}

impl Person {
    /// What is left of the attendee of an erased registration: no data, under an address that is unique to the
    /// registration.
    pub fn erased(registration_id: RegistrationId) -> Self {
        Self::from(EmailAddress::erased(registration_id))
    }

    /// Whether the personal data is erased.
    pub fn is_erased(&self) -> bool {
        self.user_email.is_erased()
    }
}

impl From<EmailAddress> for Person {
    /// A person without a name.
    fn from(user_email: EmailAddress) -> Self {
        Self { user_email, name: None, answers: Answers::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registration;
    use serde_json::{from_str, to_string};

    const ID: &str = "0190f1c5-01b3-7d20-8c4f-5e11223344e7";

    /// A registration in an idempotency record, as stored by this and by every earlier version.
    fn stored(whose: &str) -> String {
        format!(
            r#"{{"id":"{ID}","event_id":"0190f1c4-6f2a-7c11-9a53-0242ac12a0e7",{whose},"status":"cancelled","expires_at":null,"position":null,"check_in":null,"generation":1,"token_hash":null,"created_version":2,"event_version":3,"created_at":"2026-05-01T19:00:00Z"}}"#
        )
    }

    #[test]
    fn the_fields_of_a_person_are_flattened_into_the_registration() {
        let erased = format!(r#""user_email":"erased-{ID}@erased.invalid","name":null"#);
        for whose in [
            r#""user_email":"ada@example.org","name":"Ada \"L.\"""#,
            r#""user_email":"ada@example.org","name":null"#,
            &erased,
        ] {
            let text = stored(whose);
            let read: Registration = from_str(&text).expect("it was always read");
            assert_eq!(to_string(&read.person).ok(), Some(format!("{{{whose}}}")));
            assert!(to_string(&read).is_ok_and(|written| written.contains(&format!(",{whose},"))));
        }
    }

    #[test]
    fn a_stored_person_is_read_back_unchanged() {
        let text = stored(r#""user_email":"ada@example.org""#);
        let read: Registration = from_str(&text).expect("a name may be left out");
        assert_eq!(read.person.name, None);
        assert_eq!(read.person.user_email.as_str(), "ada@example.org");
        for whose in [r#""user_email":"ada""#, r#""name":"Ada""#, r#""user_email":null"#] {
            assert!(from_str::<Registration>(&stored(whose)).is_err(), "{whose}");
        }
    }

    #[test]
    fn erasing_empties_the_person_and_ends_its_token() {
        let mut read: Registration =
            from_str(&stored(r#""user_email":"ada@example.org","name":"Ada""#)).expect("stored");
        read.token_hash = Some(crate::TokenHash::new([7; 32]));
        let before = read.clone();
        read.erase();
        assert!(read.is_erased() && !before.is_erased());
        assert_eq!(read.person, Person::erased(read.id));
        let (person, token_hash) = (before.person.clone(), before.token_hash);
        assert_eq!(Registration { person, token_hash, ..read.clone() }, before);
        assert_eq!(read.token_hash, None);
    }
}
