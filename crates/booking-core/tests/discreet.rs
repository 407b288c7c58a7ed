//! Personal data is not shown by `Debug`, which panics and logs use for commands and rows.

use booking_conformance::EventTable;
use booking_core::{
    Caller, Capacity, CapacityMax, Claim, Command, EmailAddress, EventCommand, EventName,
    Fingerprint, Hold, HoldTtl, IdempotencyKey, KeyHash, NewEvent, OnFull, Person, PersonName,
    Register, TokenHash, Transfer, decide,
};
use chrono::DateTime;
use uuid::Uuid;

#[test]
fn debug_shows_no_address_and_no_name() {
    let address = EmailAddress::parse("ada@example.org").expect("valid");
    let name = PersonName::parse("Ada Lovelace").expect("valid");
    let registration_id = Uuid::from_u128(7).into();
    let token_hash = Some(TokenHash::new([0xad; 32]));
    let person = Person { name: Some(name.clone()), ..Person::from(address.clone()) };
    let claim = Claim { registration_id, person: person.clone(), token_hash };
    let event_id = Uuid::from_u128(1).into();
    let capacity = Capacity::parse(1, CapacityMax::default()).expect("valid");
    let event_name = EventName::parse("Jazz night").expect("valid");
    let new = NewEvent::new(event_id, event_name, capacity);
    let mut table = EventTable::new(new.clone(), DateTime::UNIX_EPOCH);
    let commands = [
        Command::Register(Register { on_full: OnFull::Refuse, ..Register::from(claim.clone()) }),
        Command::Hold(Hold { claim, ttl: HoldTtl::default() }),
        Command::Transfer(Transfer { registration_id, person, token_hash }),
        Command::Erase { registration_id },
    ];
    let key = IdempotencyKey::new(KeyHash::new([0xad; 32]), Fingerprint::new([0xad; 32]));
    let mut shown = vec![format!("{address:?} {name:?} {new:?}")];
    for command in commands {
        let command = EventCommand::new(event_id, Caller::Operator, command).with_key(Some(key));
        let state = table.state(&[&command], DateTime::UNIX_EPOCH);
        let decision = decide(&state, &[&command], DateTime::UNIX_EPOCH);
        shown.push(format!("{command:?} {state:#?} {decision:?}"));
        if let Some(change) = decision.change {
            table.write(change, DateTime::UNIX_EPOCH);
        }
        shown.push(format!("{table:?}"));
    }
    let shown = shown.concat();
    for personal in ["ada@", "example.org", "Lovelace", "173, 173", "adad"] {
        assert!(!shown.contains(personal), "{personal}: {shown}");
    }
    assert!(shown.contains("Jazz night") && shown.contains(&registration_id.to_string()));
}
