//! Workers go on during a move: mails and webhooks need no decision, and are written while an event is frozen.

use crate::common::{Backend, Meanwhile, now};
use crate::{
    Frozen, Pair, Steps, ask, command, everything, mover, new_mover, plain_event, register, seat,
};
use booking_cells::{MoveError, Step};
use booking_core::prelude::*;
use booking_core::{
    Command, Delivery, DeliveryState, EndpointId, EventId, LEAVING_MAILS_MAX, LaneNext, LaneStep,
    LeaseId, MOVED_MAILS, MailKind, MailStep, NewMail, Outcome, PageLimit, Person, Place,
    Registration, SettledMail, StoreError, Transfer, Version, WebhookType,
};
use chrono::{DateTime, TimeDelta};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

fn mail_to(registration: &Registration, kind: MailKind) -> NewMail {
    NewMail {
        id: Uuid::now_v7().into(),
        event_id: registration.event_id,
        registration_id: registration.id,
        kind,
        version: registration.event_version,
    }
}

/// The mails in the state that an event left with: of each its state, and how often it was tried.
async fn left_with(store: &dyn MoveStore, event: EventId) -> BTreeMap<String, (String, i64)> {
    let Place::Left { state: Some(left), .. } = store.place_of(event).await.expect("it answers")
    else {
        panic!("it has not left")
    };
    let state: Value = serde_json::from_str(&left.state).expect("it is JSON");
    let mails = state["mails"].as_array().expect("there are some").iter().map(|mail| {
        let text = |name: &str| mail[name].as_str().expect("a text").to_owned();
        (text("id"), (text("state"), mail["attempts"].as_i64().expect("a number")))
    });
    mails.collect()
}

/// The outcomes of the mails that are done.
async fn done(store: &dyn MoveStore, event: EventId) -> BTreeMap<String, String> {
    let rows = store.moved_rows(event, &MOVED_MAILS, None, None, 99).await.expect("it answers");
    let mails = rows.iter().map(|row| {
        let mail: Value = serde_json::from_str(row).expect("it is JSON");
        let text = |name: &str| mail[name].as_str().expect("a text").to_owned();
        (text("id"), text("state"))
    });
    mails.collect()
}

/// A worker has mails, and writes their outcomes before the event is frozen, at the last moment while it is, and after
/// it has left. In the target each is as the source reported it to the worker.
async fn a_worker_that_settles_mails_goes_on_through_a_move(
    from: fn() -> Backend,
    to: fn() -> Backend,
) {
    let pair = Pair::of(from, to).await;
    let (from, to) = (&*pair.from, &*pair.to);
    from.show_mail().await.expect("it answers");
    let event = from.create_event(plain_event(99)).await.expect("it answers").id;
    let dora = seat(from, register(event, "dora")).await;
    let to_erin = Transfer::new(dora.id, Person::from(crate::address("erin")));
    let erin = seat(from, command(event, Command::Transfer(to_erin))).await;
    let version = from.event(event).await.expect("it answers").expect("it is there").version;
    let former = async |store: &dyn MoveStore| {
        store.former_holder(event, dora.id, version).await.expect("it answers")
    };
    assert!(former(from).await.is_some(), "she is to be told");

    // Named by their outcome: first before it is frozen, then meanwhile, then too late.
    let names =
        ["sent", "stuck", "sent while frozen", "stuck while frozen", "dropped while frozen"];
    let names = names.iter().chain(&["tried while frozen", "handed over while frozen", "too late"]);
    let mails: BTreeMap<&str, NewMail> = names
        .map(|name| match *name {
            "handed over while frozen" => {
                (*name, NewMail { version, ..mail_to(&dora, MailKind::HandedOver) })
            }
            _ => (*name, mail_to(&erin, MailKind::Confirmed)),
        })
        .collect();
    let all: Vec<_> = mails.values().copied().collect();
    from.add_mails(&all).await.expect("it answers");
    let lease = LeaseId::from(Uuid::now_v7());
    assert_eq!(from.claim_mails(99, lease).await.expect("it answers").len(), all.len());
    let settle = async |name: &str, step: MailStep| {
        let settled = SettledMail { event_id: event, id: mails[name].id, lease, step };
        from.settle_mails(&[settled]).await.expect("it answers")[0]
    };
    let why = || "550 no".to_owned();
    let id = |name: &str| mails[name].id.as_uuid().to_string();

    let worker = Meanwhile(|step| {
        match step {
            Step::MadeRoom => now(async {
                assert!(settle("sent", MailStep::Sent).await);
                assert!(settle("stuck", MailStep::Stuck(why())).await);
            }),
            Step::Compared => now(async {
                assert!(settle("sent while frozen", MailStep::Sent).await);
                assert!(settle("stuck while frozen", MailStep::Stuck(why())).await);
                assert!(settle("dropped while frozen", MailStep::Dropped).await);
                assert!(settle("handed over while frozen", MailStep::Sent).await);
                let later = MailStep::RetryAfter(TimeDelta::minutes(5), why());
                assert!(settle("tried while frozen", later).await);
            }),
            Step::HandedOver => now(async {
                for step in [MailStep::Sent, MailStep::Stuck(why()), MailStep::GoOn] {
                    assert!(!settle("too late", step).await, "it is the other store's by now");
                }
                let due = |attempts| ("due".to_owned(), attempts);
                let stuck = || ("stuck".to_owned(), 1);
                let expected = BTreeMap::from([
                    (id("stuck"), stuck()),
                    (id("stuck while frozen"), stuck()),
                    (id("tried while frozen"), due(1)),
                    (id("too late"), due(0)),
                ]);
                assert_eq!(left_with(from, event).await, expected);
            }),
            _ => {}
        }
        true
    });
    mover(from, to, &worker).move_event(event).await.expect("nothing is in its way");
    let backlog = to.backlog().await.expect("it answers");
    assert_eq!((backlog.mails_due, backlog.mails_stuck), (2, 2));
    let became = [
        ("sent", "sent"),
        ("sent while frozen", "sent"),
        ("dropped while frozen", "dropped"),
        ("handed over while frozen", "sent"),
    ];
    let became = became.into_iter().map(|(name, state)| (id(name), state.to_owned()));
    assert_eq!(done(to, event).await, became.collect());
    assert_eq!(former(to).await, None, "she was told, and is not kept for it");
    let backlog = from.backlog().await.expect("it answers");
    assert_eq!((backlog.mails_due, backlog.mails_stuck), (0, 0));
    assert!(done(from, event).await.is_empty());
    // The target's worker claims what was too late, once the lease has ended.
    pair.clock.advance_micros(600_000_000);
    let claimed = to.claim_mails(9, LeaseId::from(Uuid::now_v7())).await.expect("it answers");
    let mut claimed: Vec<_> =
        claimed.iter().map(|mail| mail.mail.id.as_uuid().to_string()).collect();
    claimed.sort();
    let mut expected = vec![id("tried while frozen"), id("too late")];
    expected.sort();
    assert_eq!(claimed, expected);
}

/// The mover is killed once the event has left, before it has copied what was written at the last moment: the next one
/// does.
async fn a_late_write_survives_the_mover(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let (from, to) = (&*pair.from, &*pair.to);
    let event = from.create_event(plain_event(99)).await.expect("it answers").id;
    let ada = seat(from, register(event, "ada")).await;
    let mail = mail_to(&ada, MailKind::Confirmed);
    from.add_mails(std::slice::from_ref(&mail)).await.expect("it answers");
    let lease = LeaseId::from(Uuid::now_v7());
    from.claim_mails(9, lease).await.expect("it answers");
    let settled = SettledMail { event_id: event, id: mail.id, lease, step: MailStep::Sent };
    let killed = Meanwhile(|step| {
        if step == Step::Compared {
            let settled = std::slice::from_ref(&settled);
            assert_eq!(now(from.settle_mails(settled)).expect("it answers"), [true]);
        }
        step != Step::HandedOver
    });
    let stopped = mover(from, to, &killed).move_event(event).await;
    assert!(matches!(stopped, Err(MoveError::Stopped)), "{stopped:?}");
    assert!(done(to, event).await.is_empty(), "it was not copied yet");
    mover(from, to, &Steps::all()).move_event(event).await.expect("it goes on");
    let sent = BTreeMap::from([(mail.id.as_uuid().to_string(), "sent".to_owned())]);
    assert_eq!(done(to, event).await, sent);
}

/// A worker that sends an event's facts to an endpoint writes its progress, and what it sent, while the event is
/// frozen.
async fn a_worker_that_sends_goes_on_through_a_move(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let (from, to) = (&*pair.from, &*pair.to);
    let there = everything(from).await;
    let (event, sink) = (there.event, there.endpoint);
    while from.route_facts(PageLimit::MAX).await.expect("it answers") > 0 {}
    let lease = LeaseId::from(Uuid::now_v7());
    let lanes = from.claim_lanes(&[(sink, 9)], lease).await.expect("it answers");
    let next = Version::new(lanes[0].version.get() + 1);
    let endpoint_id: EndpointId = from.endpoints().await.expect("it answers")[0].id;
    let step = |version: Version| LaneStep {
        event_id: event,
        sink,
        lease,
        version,
        position: None,
        attempts: 0,
        deliveries: vec![Delivery {
            endpoint_id,
            event_id: event,
            version,
            kind: WebhookType::ALL[0],
            state: DeliveryState::Delivered,
            attempts: 1,
            tried_at: DateTime::UNIX_EPOCH,
            status: Some(204),
            failure: None,
        }],
        mails: Vec::new(),
        next: LaneNext::GoOn,
    };
    let after_that = Version::new(next.get() + 1);
    let worker = Meanwhile(|when| {
        match when {
            Step::Compared => {
                assert_eq!(now(from.advance(&[step(next)])).expect("it answers"), [true]);
            }
            Step::HandedOver => {
                assert_eq!(now(from.advance(&[step(after_that)])).expect("it answers"), [false]);
            }
            _ => {}
        }
        true
    });
    let mover = mover(from, to, &worker);
    mover.copy_shared().await.expect("the stores answer");
    mover.move_event(event).await.expect("nothing is in its way");
    let logged = async |version| {
        to.delivery(endpoint_id, event, version).await.expect("it answers").is_some()
    };
    assert!(logged(next).await, "it was sent, and written down");
    assert!(!logged(after_that).await, "it will be sent again");
    pair.clock.advance_micros(600_000_000);
    let lanes = to.claim_lanes(&[(sink, 9)], LeaseId::from(Uuid::now_v7())).await;
    assert_eq!(lanes.expect("it answers")[0].version, next);
}

/// The state that an event leaves with goes in one piece, and has a limit.
async fn an_event_with_too_many_mails_that_are_due_stays(
    from: fn() -> Backend,
    to: fn() -> Backend,
) {
    let pair = Pair::of(from, to).await;
    let (from, to) = (&*pair.from, &*pair.to);
    let event = from.create_event(plain_event(99)).await.expect("it answers").id;
    let ada = seat(from, register(event, "ada")).await;
    let mails: Vec<_> =
        (0..=LEAVING_MAILS_MAX).map(|_| mail_to(&ada, MailKind::EventCancelled)).collect();
    for mails in mails.chunks(1_000) {
        from.add_mails(mails).await.expect("it answers");
    }
    assert_eq!(from.mails_to_leave(event).await.expect("it answers"), LEAVING_MAILS_MAX + 1);
    let frozen = Frozen::default();
    let refused = mover(from, to, &frozen).move_event(event).await;
    assert!(matches!(refused, Err(MoveError::MailBacklog)), "{refused:?}");
    assert_eq!(from.place_of(event).await.expect("it answers"), Place::Served);
    assert_eq!(to.place_of(event).await.expect("it answers"), Place::Unknown, "nothing was copied");
    let bob = ask(from, register(event, "bob")).await;
    assert!(matches!(bob, Outcome::Confirmed(_)), "nobody has it: {bob:?}");

    // Nor does it leave if they have become due only since, and the store is asked itself.
    let mine = new_mover();
    from.begin_leaving(event, mine, "to").await.expect("it answers").expect("its turn");
    let mark = from.freeze(event, mine).await.expect("it answers").expect("it is mine");
    assert!(from.hand_over(event, mine, mark.version).await.expect("it answers").is_none());
    assert_eq!(from.mails_to_leave(event).await.expect("it answers"), LEAVING_MAILS_MAX + 1);
    from.stay(event, mine).await.expect("it answers");

    let lease = LeaseId::from(Uuid::now_v7());
    let claimed = from.claim_mails(1, lease).await.expect("it answers");
    let (id, step) = (claimed[0].mail.id, MailStep::Stuck("550 no".to_owned()));
    let stuck = [SettledMail { event_id: event, id, lease, step }];
    assert_eq!(from.settle_mails(&stuck).await.expect("it answers"), [true]);
    let refused = mover(from, to, &frozen).move_event(event).await;
    assert!(
        matches!(refused, Err(MoveError::MailBacklog)),
        "stuck ones leave with it: {refused:?}"
    );
    let claimed = from.claim_mails(1, lease).await.expect("it answers");
    let sent =
        [SettledMail { event_id: event, id: claimed[0].mail.id, lease, step: MailStep::Sent }];
    assert_eq!(from.settle_mails(&sent).await.expect("it answers"), [true]);
    mover(from, to, &frozen).move_event(event).await.expect("nothing is in its way");
    assert_eq!(to.mails_to_leave(event).await.expect("it answers"), LEAVING_MAILS_MAX);
    let frozen = frozen.0.lock().expect("nobody panics with it").expect("it was");
    // How long that takes is not asserted: other processes use the machine, too.
    println!("{LEAVING_MAILS_MAX} mails left with it: frozen for {frozen:?}");
}

/// What is read of an event's facts are those that follow one another, or none, at every step and in both stores: a
/// worker that was given one behind a hole would go on from there, and never look back.
async fn facts_are_read_without_holes_through_a_move(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let (from, to) = (&*pair.from, &*pair.to);
    let event = from.create_event(plain_event(99)).await.expect("it answers").id;
    let ada = seat(from, register(event, "ada")).await;
    seat(from, register(event, "grace")).await;
    seat(from, command(event, Command::Cancel { registration_id: ada.id })).await;
    seat(from, register(event, "joan")).await;
    let read = async |store: &dyn MoveStore| -> Vec<u64> {
        let facts = store.facts_after(event, Version::new(0), PageLimit::MAX).await;
        facts.expect("it answers").iter().map(|fact| fact.version.get()).collect()
    };
    let all = read(from).await;
    assert_eq!(all, [1, 2, 3, 4, 5]);
    let looks = Meanwhile(|step| {
        if step == Step::HandedOver {
            // Nobody would take it along.
            let late = now(from.add_mails(&[mail_to(&ada, MailKind::Reminder)]));
            assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
            let claimed = now(from.claim_mails(9, LeaseId::from(Uuid::now_v7())));
            assert_eq!(claimed.expect("it answers"), [], "it is stored all the same");
        }
        for store in [from, to] {
            let read = now(read(store));
            assert!(read.is_empty() || read == all, "{step:?}: {read:?}");
        }
        true
    });
    mover(from, to, &looks).move_event(event).await.expect("nothing is in its way");
    assert_eq!((read(from).await, read(to).await), (Vec::new(), all));
}

in_all_pairs! {
    facts_are_read_without_holes_through_a_move
    a_worker_that_settles_mails_goes_on_through_a_move
    a_late_write_survives_the_mover
    a_worker_that_sends_goes_on_through_a_move
    an_event_with_too_many_mails_that_are_due_stays
}
