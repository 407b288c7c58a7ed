//! Attendees who transferred their seats: stored for the mail that notifies them, and no longer.

use crate::Fixture;
use crate::deliveries::*;
use crate::tools::*;
use booking_core::{
    BookingStore, Caller, Claim, Command, Correct, CorrectedAddress, DELIVERIES_KEPT, EmailAddress,
    EventCommand, EventId, LEASE, MAIL_SEEN_KEPT, MailKind, MailStep, NewMail, Outcome, PageLimit,
    Person, PersonName, Registration, Retention, SinkId, Transfer, Version,
};
use chrono::TimeDelta;

/// Transfers a seat, and returns its registration.
async fn pass_on(store: &dyn BookingStore, seat: &Registration, to: &str) -> Registration {
    match execute_one(store, transfer(seat, to, None)).await {
        Outcome::Transferred(registration) => registration,
        other => panic!("not transferred: {other:?}"),
    }
}

/// The holder before the transfer that made this version of a seat.
async fn former(store: &dyn BookingStore, seat: &Registration) -> Option<Person> {
    former_at(store, seat, seat.event_version).await
}

async fn former_at(
    store: &dyn BookingStore,
    seat: &Registration,
    version: Version,
) -> Option<Person> {
    let found = store.former_holder(seat.event_id, seat.id, version).await;
    found.expect("the store answers")
}

async fn show_mail(store: &dyn BookingStore) {
    store.show_mail().await.expect("the store answers");
}

/// The mail about this version of a seat.
fn mail_of(seat: &Registration, kind: MailKind) -> NewMail {
    let (registration_id, version) = (seat.id, seat.event_version);
    NewMail { registration_id, version, ..new_mail(seat.event_id, kind) }
}

async fn purge_of(store: &dyn BookingStore, email: &EmailAddress, limit: PageLimit) -> u64 {
    store.purge_former_holders_of(email, limit).await.expect("the store answers")
}

fn erase(seat: &Registration) -> EventCommand {
    let erase = Command::Erase { registration_id: seat.id };
    EventCommand::new(seat.event_id, Caller::Operator, erase)
}

/// Each transfer stores the former holder until their mail is done; a correction is no transfer.
pub async fn a_former_holder_is_stored_until_notified(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 9).await.id;
    show_mail(&*store).await;
    let name = PersonName::parse("Ada Lovelace").ok();
    let ada = Person { name: name.clone(), ..Person::from(address("ada")) };
    let claim = Claim { person: ada.clone(), ..claim(event, "ada") };
    let claim = EventCommand::new(event, Caller::Operator, Command::Register(claim.into()));
    let seat = confirmed(execute_one(&*store, claim).await);
    let other = confirmed(execute_one(&*store, register(event, "other")).await);
    assert_eq!(former(&*store, &seat).await, None, "it is hers");

    // A corrected address has no former holder.
    let registration_id = seat.id;
    let address_of = |who: &str| Some(CorrectedAddress::new(address(who)));
    for who in ["adda", "ada"] {
        let address = address_of(who);
        let correct = Correct { address, ..Correct::new(registration_id) };
        let correct = EventCommand::new(event, Caller::Operator, Command::Correct(correct));
        let Outcome::Corrected(corrected) = execute_one(&*store, correct).await else {
            panic!("not corrected")
        };
        assert_eq!(former(&*store, &corrected).await, None, "{who}");
    }
    let renamed = Person { name: PersonName::parse("A. Lovelace").ok(), ..ada.clone() };
    for person in [renamed, ada.clone()] {
        let transfer = Command::Transfer(Transfer::new(seat.id, person));
        let transfer = EventCommand::new(event, Caller::Operator, transfer);
        let Outcome::Transferred(renamed) = execute_one(&*store, transfer).await else {
            panic!("not transferred")
        };
        assert_eq!(former(&*store, &renamed).await, None, "to whoever has it");
    }

    let graces = pass_on(&*store, &seat, "grace").await;
    assert_eq!(former(&*store, &graces).await, Some(ada.clone()), "who gave it away is kept");
    assert_eq!(former_at(&*store, &graces, graces.event_version.next()).await, None);
    assert_eq!(former_at(&*store, &other, graces.event_version).await, None, "of another seat");
    // Two transfers in one batch.
    let batch = ["kay", "lin"].map(|who| transfer(&seat, who, None));
    let passed_on = execute(&*store, &batch).await;
    let [kays, lins] = [0, 1].map(|at| passed_on[at].registration().expect("it was transferred"));
    assert_eq!(former(&*store, kays).await, Some(address("grace").into()));
    assert_eq!(former(&*store, lins).await, Some(address("kay").into()));

    // It is stored until the mail is done.
    let (notice, lease) = (mail_of(&graces, MailKind::HandedOver), new_lease());
    let others = [
        mail_of(&graces, MailKind::Transferred),
        mail_of(kays, MailKind::HandedOver),
        mail_of(lins, MailKind::HandedOver),
    ];
    store.add_mails(&[notice]).await.expect("the store answers");
    store.add_mails(&others).await.expect("the store answers");
    assert_eq!(claim_mails(&*store, lease).await.len(), 4);
    assert!(settle(&*store, others[0], lease, MailStep::Sent).await);
    assert!(settle(&*store, notice, lease, MailStep::GoOn).await);
    assert!(!settle(&*store, notice, new_lease(), MailStep::Sent).await, "it is another's");
    assert_eq!(former(&*store, &graces).await, Some(ada.clone()));
    let later = MailStep::RetryAfter(TimeDelta::minutes(5), "421 later".to_owned());
    assert!(settle(&*store, notice, lease, later).await);
    wait(TimeDelta::minutes(5), &clock);
    assert!(claim_mails(&*store, lease).await.iter().any(|mail| mail.mail == notice));
    assert!(settle(&*store, notice, lease, MailStep::Stuck("550 no".to_owned())).await);
    assert_eq!(former(&*store, &graces).await, Some(ada), "it may be tried again");
    wait(LEASE, &clock);
    store.retry_deliveries(Some(SinkId::MAIL)).await.expect("the store answers");
    assert_eq!(claim_mails(&*store, lease).await.len(), 3);
    assert!(settle(&*store, notice, lease, MailStep::Sent).await);
    assert_eq!(former(&*store, &graces).await, None, "she was told");
    assert!(settle(&*store, others[1], lease, MailStep::Dropped).await);
    assert_eq!(former(&*store, kays).await, None, "nobody will tell them");
    assert_eq!(former(&*store, lins).await, Some(address("kay").into()), "and of this nobody has");
    assert_audit_is_clean(&*store).await;
}

/// No former holder is stored where no mail is sent.
pub async fn no_former_holder_is_stored_where_no_mail_is_sent(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 9).await.id;
    let seat = confirmed(execute_one(&*store, register(event, "ada")).await);
    let seat = pass_on(&*store, &seat, "grace").await;
    assert_eq!(former(&*store, &seat).await, None);
    show_mail(&*store).await;
    assert_eq!(former(&*store, &seat).await, None);
    wait(MAIL_SEEN_KEPT - TimeDelta::microseconds(1), &clock);
    let seat = pass_on(&*store, &seat, "kay").await;
    assert_eq!(former(&*store, &seat).await, Some(address("grace").into()), "the control");
    clock.advance_micros(1);
    let seat = pass_on(&*store, &seat, "lin").await;
    assert_eq!(former(&*store, &seat).await, None);
    assert_audit_is_clean(&*store).await;
}

/// Whether or not a mail was queued: after thirty days, or when mails are dropped.
pub async fn former_holders_are_purged_in_time(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 9).await.id;
    let purge =
        async |at_most| store.purge_deliveries(limit(at_most)).await.expect("the store answers");
    show_mail(&*store).await;
    let seat = confirmed(execute_one(&*store, register(event, "ada")).await);
    let graces = pass_on(&*store, &seat, "grace").await;
    clock.advance_micros(1);
    let kays = pass_on(&*store, &seat, "kay").await;
    wait(DELIVERIES_KEPT - TimeDelta::microseconds(2), &clock);
    assert_eq!(purge(9).await, 0);
    clock.advance_micros(1);
    assert_eq!(purge(9).await, 1);
    assert_eq!(former(&*store, &graces).await, None);
    assert_eq!(former(&*store, &kays).await, Some(address("grace").into()), "not yet");
    show_mail(&*store).await;
    let lins = pass_on(&*store, &seat, "lin").await;
    wait(DELIVERIES_KEPT, &clock);
    assert_eq!([purge(1).await, purge(1).await, purge(1).await], [1, 1, 0]);
    assert_eq!([former(&*store, &kays).await, former(&*store, &lins).await], [None, None]);

    show_mail(&*store).await;
    let adas = pass_on(&*store, &seat, "ada").await;
    let mail = mail_of(&adas, MailKind::HandedOver);
    store.add_mails(&[mail]).await.expect("the store answers");
    let drop_all = async |sink| store.drop_deliveries(sink).await.expect("the store answers");
    assert_eq!(drop_all(add_sink(&*store).await).await, 0);
    assert_eq!(former(&*store, &adas).await, Some(address("lin").into()), "mail goes on");
    assert_eq!(drop_all(SinkId::MAIL).await, 1);
    assert_eq!(former(&*store, &adas).await, None);
    assert_audit_is_clean(&*store).await;
}

/// An event that is over after an hour and keeps no personal data after that.
async fn create_short(store: &dyn BookingStore, clock: &ManualClock) -> EventId {
    let new = new_event("Kept for no longer", 9).with(|new| {
        new.details.ends_at = Some(clock.now() + TimeDelta::hours(1));
        new.details.retention = Retention::parse(0).ok();
    });
    store.create_event(new.expect("in order")).await.expect("the store answers").id
}

/// By their address, though they have no registration any more; with the registration, also in the same batch; and with
/// an event past its retention.
pub async fn erasing_a_former_holder_leaves_nothing(fixture: &dyn Fixture) {
    const NAME: &str = "Zerlina Given-Away";
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let short = create_short(&*store, &clock).await;
    let events = [create(&*store, 9).await.id, create(&*store, 9).await.id, short];
    show_mail(&*store).await;
    // As an earlier version may have stored it.
    let spelt = EmailAddress::parse_stored("zerlina.given@b\u{fc}cher.example").expect("stored");
    let canonical = spelt.canonical();
    assert_ne!(spelt, canonical);
    let person = Person { name: PersonName::parse(NAME).ok(), ..Person::from(spelt) };
    let stored = Some(Person { user_email: canonical.clone(), ..person.clone() });
    let mut seats = Vec::new();
    for event in events {
        let claim = Claim { person: person.clone(), ..claim(event, "zerlina") };
        let claim = EventCommand::new(event, Caller::Operator, Command::Register(claim.into()));
        let seat = confirmed(execute_one(&*store, claim).await);
        let seat = pass_on(&*store, &seat, "grace").await;
        assert_eq!(former(&*store, &seat).await, stored);
        seats.push(seat);
    }
    let is_anywhere = async |what: &str| {
        let dump = fixture.dump_everything().await;
        dump.windows(what.len()).any(|part| part == what.as_bytes())
    };
    assert!(is_anywhere(NAME).await && is_anywhere(canonical.as_str()).await);

    let one = limit(1);
    assert_eq!(purge_of(&*store, &address("grace"), PageLimit::MAX).await, 0, "it is hers");
    assert_eq!(purge_of(&*store, &canonical, one).await, 1);
    assert_eq!(purge_of(&*store, &canonical, PageLimit::MAX).await, 2);
    assert_eq!(purge_of(&*store, &canonical, PageLimit::MAX).await, 0);
    for seat in &seats {
        assert_eq!(former(&*store, seat).await, None);
        assert_eq!(look(&*store, seat.id).await.person, address("grace").into());
    }
    assert!(!is_anywhere(NAME).await && !is_anywhere("zerlina").await, "something is left");

    // With the registration of its current holder, and with no other.
    let [first, second, last] = [&seats[0], &seats[1], &seats[2]];
    let [firsts, seconds] =
        [pass_on(&*store, first, "kay").await, pass_on(&*store, second, "kay").await];
    let lasts = pass_on(&*store, last, "kay").await;
    let outcome = execute_one(&*store, erase(first)).await;
    assert!(matches!(outcome, Outcome::Erased(_)), "{outcome:?}");
    assert_eq!(former(&*store, &firsts).await, None);
    assert_eq!(former(&*store, &seconds).await, Some(address("grace").into()));
    let outcomes = execute(&*store, &[transfer(second, "lin", None), erase(second)]).await;
    assert!(matches!(outcomes[1], Outcome::Erased(_)), "{outcomes:?}");
    let passed_on = outcomes[0].registration().expect("it was transferred");
    assert_eq!(former(&*store, &seconds).await, None);
    assert_eq!(former(&*store, passed_on).await, None, "in the same batch");
    clock.advance_micros(3_600 * SECOND);
    assert_eq!(former(&*store, &lasts).await, Some(address("grace").into()));
    let due = EventCommand::new(short, Caller::Operator, Command::EraseDue);
    assert_eq!(execute_one(&*store, due).await, Outcome::Settled);
    assert_eq!(former(&*store, &lasts).await, None);
    assert!(!is_anywhere("grace@").await && !is_anywhere("kay@").await, "something is left");
    assert_audit_is_clean(&*store).await;
}
