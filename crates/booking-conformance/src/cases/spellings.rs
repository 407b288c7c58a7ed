//! Other spellings of the same value, and spellings that earlier versions stored.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    BookingStore, Caller, Claim, Command, EmailAddress, EventCommand, EventId, EventName,
    Fingerprint, IdempotencyKey, KeyHash, NewEvent, Outcome, PageLimit, Person, PersonName,
    Registration, RegistrationId,
};
use uuid::Uuid;

/// Addresses of one person, as this version and as earlier ones have stored them.
const CANONICAL: &str = "ada@xn--bcher-kva.example";
const OTHERS: [&str; 3] =
    ["ada@bücher.example", "\"ada\"@xn--bcher-kva.example", "\"a\\da\"@bücher.example"];

fn stored(text: &str) -> EmailAddress {
    let address = EmailAddress::parse_stored(text).expect("it was taken once");
    assert_eq!(address.as_str(), text);
    address
}

/// A registration as an earlier version would have written it.
fn register_stored(event_id: EventId, text: &str) -> EventCommand {
    let claim = Claim::new(Uuid::now_v7().into(), stored(text));
    EventCommand::new(event_id, Caller::Operator, Command::Register(claim.into()))
}

async fn of_address(store: &dyn BookingStore, limit: PageLimit) -> Vec<RegistrationId> {
    let address = EmailAddress::parse(CANONICAL).expect("valid");
    let found = store.registrations_of(&address, limit).await.expect("the store answers");
    let mut ids: Vec<_> = found.into_iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    ids
}

/// Another spelling of an address is the same attendee.
pub async fn an_address_has_one_seat_in_every_spelling(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 3).await;
    let register = |text: &str| {
        let address = EmailAddress::parse(text).expect("valid");
        register_as(event.id, new_registration_id(event.id), address)
    };
    let seat = confirmed(execute_one(&*store, register(OTHERS[0])).await);
    assert_eq!(seat.person.user_email.as_str(), CANONICAL);
    for text in OTHERS.into_iter().chain([CANONICAL, "ADA@BU\u{308}CHER.example"]) {
        let again = execute_one(&*store, register(text)).await;
        assert_eq!(again, ALREADY_REGISTERED, "{text}");
    }
    assert_eq!(read(&*store, event.id).await.booked_count, 1);

    // With a joiner, which is invisible and part of a letter there.
    let event = create(&*store, 3).await;
    let [joined, in_dns] = ["ada@نامه\u{200c}ای.example", "ada@xn--mgba3gch31f060k.example"]
        .map(|text| EmailAddress::parse(text).expect("valid"));
    let register = |address| register_as(event.id, new_registration_id(event.id), address);
    confirmed(execute_one(&*store, register(joined)).await);
    let again = execute_one(&*store, register(in_dns)).await;
    assert_eq!(again, ALREADY_REGISTERED);
}

/// Rows and records in another spelling are found under the canonical one, up to the limit, and no other address's with
/// them.
pub async fn other_spellings_of_an_address_are_found_and_erased(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 9).await;
    let mut made: Vec<Registration> = Vec::new();
    for (text, hash) in OTHERS.into_iter().chain([CANONICAL]).zip(1..) {
        let (hash, fingerprint) = (KeyHash::new([hash; 32]), Fingerprint::new([0; 32]));
        let command =
            register_stored(event.id, text).with_key(Some(IdempotencyKey::new(hash, fingerprint)));
        made.push(confirmed(execute_one(&*store, command).await));
        assert_eq!(made.last().map(|made| made.person.user_email.as_str()), Some(text));
    }
    let neighbours =
        ["ada@example.org", "ada@bücher.example.org", "\"a@da\"@x.org", "東京@bücher.example"];
    for text in neighbours {
        confirmed(execute_one(&*store, register_stored(event.id, text)).await);
    }
    let mut ids: Vec<_> = made.iter().map(|made| made.id).collect();
    ids.sort_unstable();
    assert_eq!(of_address(&*store, PageLimit::MAX).await, ids);
    let two = PageLimit::parse(2).expect("valid");
    assert_eq!(of_address(&*store, two).await.len(), 2);

    for registration_id in ids {
        let erase =
            EventCommand::new(event.id, Caller::Operator, Command::Erase { registration_id });
        let outcome = execute_one(&*store, erase).await;
        assert!(matches!(outcome, Outcome::Erased(_)), "{outcome:?}");
    }
    assert_eq!(of_address(&*store, PageLimit::MAX).await, []);
    let address = EmailAddress::parse(CANONICAL).expect("valid");
    let purge = async |limit| store.purge_records_of(&address, limit).await.expect("it answers");
    assert_eq!(purge(two).await, 2);
    assert_eq!(purge(PageLimit::MAX).await, 2);
    assert_eq!(purge(PageLimit::MAX).await, 0);
    assert_eq!(read(&*store, event.id).await.booked_count, neighbours.len() as u32);
    assert_audit_is_clean(&*store).await;
}

/// An earlier version accepted invisible names. They are read, and the events can be edited.
pub async fn invisible_names_are_still_read(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let name = EventName::parse_stored("\u{200b}").expect("it was taken once");
    let new = NewEvent::new(Uuid::now_v7().into(), name, capacity(2));
    let event = store.create_event(new).await.expect("the store answers");
    assert_eq!(read(&*store, event.id).await, event);
    let listed = read_events(&*store, booking_core::Caller::Operator, PageLimit::MAX).await;
    assert_eq!(listed, std::slice::from_ref(&event));
    let name = Some(PersonName::parse_stored("\u{3164}").expect("it was taken once"));
    let person = Person { name, ..Person::from(address("ada")) };
    let command = Command::Register(Claim { person, ..claim(event.id, "ada") }.into());
    let key = IdempotencyKey::new(KeyHash::new([1; 32]), Fingerprint::new([0; 32]));
    let command = EventCommand::new(event.id, Caller::Operator, command).with_key(Some(key));
    let seat = confirmed(execute_one(&*store, command.clone()).await);
    assert_eq!(look(&*store, seat.id).await, seat);
    let again = execute_one(&*store, command).await;
    assert_eq!(again, Outcome::Replayed(Box::new(Outcome::Confirmed(seat))));
}
