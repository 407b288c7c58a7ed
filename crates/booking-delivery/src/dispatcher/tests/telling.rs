//! Who is notified of a decision, and who is not.

use super::{claim, create, execute, execute_by, new_event, notified, register, sent, store};
use booking_conformance::MemoryStore;
use booking_core::{
    Answers, Caller, Command, Correct, CorrectedAddress, Edit, EmailAddress, Event, Hold, HoldTtl,
    NewEvent, OfferTtl, OnFull, Outcome, PageLimit, Register, RegistrationId, RenewLink, SeatStore,
    TokenHash, Transfer, UpkeepStore, Venue,
};
use chrono::TimeDelta;

fn address(who: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{who}@example.org")).expect("an address")
}

async fn create_event(store: &MemoryStore, new: NewEvent) -> Event {
    store.create_event(new).await.expect("the store answers")
}

async fn transfer_seat(store: &MemoryStore, event: &Event, seat: RegistrationId, to: &str) {
    let transfer = Command::Transfer(Transfer::new(seat, address(to)));
    let outcome = execute(store, event, transfer).await;
    assert!(matches!(outcome, Outcome::Transferred(_)), "{outcome:?}");
}

/// The organizer corrects an address.
async fn correct(store: &MemoryStore, event: &Event, registration_id: RegistrationId, to: &str) {
    let address = Some(CorrectedAddress::new(address(to)));
    let correct = Correct { address, ..Correct::new(registration_id) };
    let outcome = execute(store, event, Command::Correct(correct)).await;
    assert!(matches!(outcome, Outcome::Corrected(_)), "{outcome:?}");
}

async fn renew_link(store: &MemoryStore, event: &Event, registration_id: RegistrationId) {
    let renew = RenewLink::new(registration_id, TokenHash::new([7; 32]));
    let outcome = execute(store, event, Command::RenewLink(renew)).await;
    assert!(matches!(outcome, Outcome::LinkRenewed(_)), "{outcome:?}");
}

async fn move_to(store: &MemoryStore, event: &Event, venue: &str) {
    let edit = Edit { venue: Some(Venue::parse(venue).ok()), ..Edit::default() };
    let outcome = execute(store, event, Command::Edit(Box::new(edit))).await;
    assert!(matches!(outcome, Outcome::EventChanged(_)), "{outcome:?}");
}

/// A visitor claims a seat, or a place on the waitlist.
async fn register_visitor(
    store: &MemoryStore,
    event: &Event,
    who: &str,
    on_full: OnFull,
) -> RegistrationId {
    let register = Register { on_full, ..Register::from(claim(event, who)) };
    let id = register.claim.registration_id;
    let outcome = execute_by(store, event, Caller::Anyone, Command::Register(register)).await;
    assert!(outcome.registration().is_some(), "{outcome:?}");
    id
}

#[tokio::test]
async fn both_holders_are_notified_of_a_transfer() {
    let (store, clock) = store();
    let event = create(&store, &clock, "Jazz", 1).await;
    let seat = register(&store, &event, "ada").await;
    assert_eq!(notified(&store, 1).await, ["ada@example.org: Your seat: Jazz"]);
    transfer_seat(&store, &event, seat, "grace").await;
    let mails = sent(&store, 1).await;
    assert_eq!(mails.len(), 2, "{mails:?}");
    let of = |who: &str| {
        let to = format!("To: {who}@example.org");
        let mut mails = mails.iter();
        mails.find(|mail| mail.lines().any(|line| line == to)).expect("they have a mail")
    };
    let (adas, graces) = (of("ada"), of("grace"));
    assert!(adas.contains("Subject: You have passed on your seat: Jazz"), "{adas}");
    assert!(graces.contains("Subject: A seat was passed on to you: Jazz"), "{graces}");
    assert!(adas.to_lowercase().contains("method=cancel"), "{adas}");
    // What concerns the new holder is not sent to her.
    for theirs in ["image/png", "#private"] {
        assert!(!adas.contains(theirs) && graces.contains(theirs), "{theirs}: {adas}{graces}");
    }
    assert!(!adas.contains("grace"), "{adas}");
    let again = store.purge_former_holders_of(&address("ada"), PageLimit::MAX).await;
    assert_eq!(again.expect("the store answers"), 0, "nothing is left of her");
    assert_eq!(notified(&store, 1).await, <[String; 0]>::default());
}

#[tokio::test]
async fn an_erased_former_holder_is_not_notified_of_the_transfer() {
    let (store, clock) = store();
    let event = create(&store, &clock, "Jazz", 1).await;
    let seat = register(&store, &event, "ada").await;
    notified(&store, 1).await;
    transfer_seat(&store, &event, seat, "grace").await;
    let erased = store.purge_former_holders_of(&address("ada"), PageLimit::MAX).await;
    assert_eq!(erased.expect("the store answers"), 1);
    assert_eq!(notified(&store, 1).await, ["grace@example.org: A seat was passed on to you: Jazz"]);
}

/// The holder of a mistyped address is not concerned, and a holder who has the seat again did not lose it.
#[tokio::test]
async fn no_transfer_mail_is_sent_to_a_corrected_address_or_a_returned_holder() {
    let (store, clock) = store();
    let event = create(&store, &clock, "Jazz", 1).await;
    let seat = register(&store, &event, "adda").await;
    notified(&store, 1).await;
    correct(&store, &event, seat, "ada").await;
    let changed = ["ada@example.org: Your registration has changed: Jazz"];
    assert_eq!(notified(&store, 1).await, changed);
    transfer_seat(&store, &event, seat, "grace").await;
    transfer_seat(&store, &event, seat, "ada").await;
    let notified = notified(&store, 1).await;
    let gave: Vec<_> = notified.iter().filter(|mail| mail.contains("You have passed on")).collect();
    assert_eq!(gave, ["grace@example.org: You have passed on your seat: Jazz"], "{notified:?}");
}

/// Where an event confirms addresses, an unconfirmed one gets the mail that asks for confirmation, and no
/// other.
#[tokio::test]
async fn an_unconfirmed_address_gets_only_the_confirmation_mail() {
    let (store, clock) = store();
    let starts_at = Some(clock.now() + TimeDelta::days(2));
    let new = new_event("Jazz", 9).with(|new| {
        new.details.starts_at = starts_at;
        new.rules.confirms_address = true;
    });
    let event = create_event(&store, new.expect("in order")).await;
    register(&store, &event, "ada").await;
    let held = register_visitor(&store, &event, "held", OnFull::Refuse).await;
    assert_eq!(
        notified(&store, 1).await,
        ["ada@example.org: Your seat: Jazz", "held@example.org: Please confirm: Jazz"]
    );
    move_to(&store, &event, "Quasimodo").await;
    let moved = "ada@example.org: New time or place: Jazz";
    assert_eq!(notified(&store, 1).await, [moved], "nobody has said that the other is theirs");

    // The holder of the corrected address is asked, too, and by a new link if there is one.
    correct(&store, &event, held, "right").await;
    assert_eq!(notified(&store, 1).await, ["right@example.org: Please confirm: Jazz"]);
    renew_link(&store, &event, held).await;
    assert_eq!(notified(&store, 1).await, ["right@example.org: Please confirm: Jazz"]);
    execute(&store, &event, Command::Cancel { registration_id: held }).await;
    assert_eq!(notified(&store, 1).await, <[String; 0]>::default(), "whatever was put right");

    // The control: a confirmed address gets every mail.
    let confirmed = register_visitor(&store, &event, "kay", OnFull::Refuse).await;
    execute(
        &store,
        &event,
        Command::Confirm { registration_id: confirmed, answers: Answers::default() },
    )
    .await;
    register_visitor(&store, &event, "late", OnFull::Refuse).await;
    notified(&store, 1).await;
    move_to(&store, &event, "A-Trane").await;
    assert_eq!(notified(&store, 1).await, [moved, "kay@example.org: New time or place: Jazz"]);
    execute(&store, &event, Command::Cancel { registration_id: confirmed }).await;
    let cancelled = ["kay@example.org: Cancelled: your registration for Jazz"];
    assert_eq!(notified(&store, 1).await, cancelled);
    execute(&store, &event, Command::CancelEvent).await;
    assert_eq!(notified(&store, 1).await, ["ada@example.org: Called off: Jazz"]);
}

/// Where addresses are not confirmed a hold is notified like any registration.
#[tokio::test]
async fn a_holder_is_notified_where_addresses_are_not_confirmed() {
    let (store, clock) = store();
    let event = create(&store, &clock, "Jazz", 1).await;
    let hold = Hold { claim: claim(&event, "held"), ttl: HoldTtl::MAX };
    let registration_id = hold.claim.registration_id;
    execute_by(&store, &event, Caller::Anyone, Command::Hold(hold)).await;
    assert_eq!(notified(&store, 1).await, <[String; 0]>::default());
    move_to(&store, &event, "Quasimodo").await;
    assert_eq!(notified(&store, 1).await, ["held@example.org: New time or place: Jazz"]);
    execute(&store, &event, Command::Cancel { registration_id }).await;
    let cancelled = ["held@example.org: Cancelled: your registration for Jazz"];
    assert_eq!(notified(&store, 1).await, cancelled);
}

/// A lapsed offer is reported, even if the registration was corrected while it stood.
#[tokio::test]
async fn a_lapsed_offer_is_mailed_even_after_a_correction() {
    let (store, clock) = store();
    let starts_at = Some(clock.now() + TimeDelta::days(2));
    let new = new_event("Jazz", 1).with(|new| {
        new.details.starts_at = starts_at;
        new.rules.offer_ttl = OfferTtl::parse(90).ok();
    });
    let event = create_event(&store, new.expect("in order")).await;
    let seat = register(&store, &event, "ada").await;
    let waiting = register_visitor(&store, &event, "grace", OnFull::Waitlist).await;
    execute(&store, &event, Command::Cancel { registration_id: seat }).await;
    renew_link(&store, &event, waiting).await;
    notified(&store, 1).await;
    clock.advance_micros(90_000_000);
    execute(&store, &event, Command::Settle).await;
    assert_eq!(notified(&store, 1).await, ["grace@example.org: No longer kept for you: Jazz"]);
}
