//! Mails to be sent, the recipients of an event, and purging.

use crate::Fixture;
use crate::deliveries::*;
use crate::tools::*;
use booking_core::{
    Backlog, BookingStore, Caller, Command, DELIVERIES_KEPT, Delivery, DeliveryState, Edit,
    EventCommand, EventId, EventStatus, LEASE, LaneNext, LaneStep, Mail, MailKind, MailStep,
    NewMail, RemindHours, SettledMail, SinkBacklog, SinkId,
};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

async fn backlog(store: &dyn BookingStore) -> Backlog {
    store.backlog().await.expect("the store answers")
}

/// A mail is made once, and belongs to one worker until it is settled or the lease ends.
pub async fn a_mail_is_claimed_by_one_worker_at_a_time(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 9).await.id;
    let (ada, grace) = (new_lease(), new_lease());
    let mails =
        [MailKind::Found, MailKind::Confirmed, MailKind::Offered].map(|kind| new_mail(event, kind));
    let made_at = clock.now();
    store.add_mails(&mails[..2]).await.expect("the store answers");
    store.add_mails(&[]).await.expect("the store answers");
    clock.advance_micros(1);
    // An existing mail is not changed.
    let otherwise = NewMail { kind: MailKind::Reminder, ..mails[0] };
    store.add_mails(&[otherwise, mails[2]]).await.expect("the store answers");
    let first = store.claim_mails(2, ada).await.expect("the store answers");
    assert_eq!(first.len(), 2);
    for claimed in &first {
        assert!(mails[..2].contains(&claimed.mail), "longest due first: {claimed:?}");
        assert_eq!((claimed.attempts, claimed.made_at), (0, made_at));
    }
    let left = claim_mails(&*store, grace).await;
    assert_eq!(left.iter().map(|left| left.mail).collect::<Vec<_>>(), [mails[2]]);
    assert_eq!(store.claim_mails(0, grace).await.expect("the store answers"), []);
    assert_eq!(backlog(&*store).await.mails_due, 3);

    assert!(!settle(&*store, mails[0], grace, MailStep::Sent).await, "it is another's");
    assert!(settle(&*store, mails[0], ada, MailStep::Sent).await);
    assert!(!settle(&*store, mails[0], ada, MailStep::Sent).await, "it was sent before");
    assert!(settle(&*store, mails[2], grace, MailStep::Dropped).await);
    // A worker that does not renew its lease loses it.
    wait(LEASE, &clock);
    let taken = claim_mails(&*store, grace).await;
    assert_eq!(taken.iter().map(|taken| taken.mail).collect::<Vec<_>>(), [mails[1]]);
    assert!(!settle(&*store, mails[1], ada, MailStep::Sent).await);
    let later = MailStep::RetryAfter(TimeDelta::minutes(5), "421 come back later".to_owned());
    assert!(settle(&*store, mails[1], grace, later).await);
    assert_eq!(claim_mails(&*store, ada).await, []);
    wait(TimeDelta::minutes(5), &clock);
    let again = claim_mails(&*store, ada).await;
    assert_eq!(again, [Mail { mail: mails[1], attempts: 1, made_at }]);
    assert!(settle(&*store, mails[1], ada, MailStep::Sent).await);
    wait(TimeDelta::days(1), &clock);
    assert_eq!(claim_mails(&*store, ada).await, []);
    assert_eq!(
        backlog(&*store).await,
        Backlog { oldest_unrouted: Some(made_at), ..Backlog::default() }
    );
}

/// The results of several mails are written together, each as if it were alone; one that was put back counts no
/// attempt.
pub async fn mail_results_are_written_together(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let (event, other) = (create(&*store, 9).await.id, create(&*store, 9).await.id);
    let (ada, grace) = (new_lease(), new_lease());
    let mails = [event, other, event, other, event, other]
        .map(|event| new_mail(event, MailKind::Confirmed));
    store.add_mails(&mails).await.expect("the store answers");
    let made_at = clock.now();
    assert_eq!(claim_mails(&*store, ada).await.len(), 6);
    let later = || MailStep::RetryAfter(TimeDelta::minutes(5), "450 come back later".to_owned());
    let settle = async |steps: Vec<SettledMail>| {
        store.settle_mails(&steps).await.expect("the store answers")
    };
    let steps = vec![
        settled(mails[0], ada, MailStep::Sent),
        settled(mails[1], grace, MailStep::Sent),
        settled(mails[2], ada, later()),
        settled(mails[3], ada, MailStep::PutBack),
        settled(mails[4], ada, MailStep::Stuck("550 nobody".to_owned())),
        settled(mails[5], ada, MailStep::GoOn),
    ];
    assert_eq!(settle(steps.clone()).await, [true, false, true, true, true, true]);
    assert_eq!(settle(steps).await, [false, false, false, false, false, true]);
    assert_eq!(settle(Vec::new()).await, <[bool; 0]>::default());
    let found = backlog(&*store).await;
    assert_eq!((found.mails_due, found.mails_stuck), (4, 1));

    // A worker that can send it gets it at once.
    let claimed = claim_mails(&*store, grace).await;
    assert_eq!(claimed, [Mail { mail: mails[3], attempts: 0, made_at }]);
    assert_eq!(settle(vec![settled(mails[3], ada, MailStep::Sent)]).await, [false]);
    assert_eq!(settle(vec![settled(mails[3], grace, later())]).await, [true]);
    wait(TimeDelta::minutes(5), &clock);
    let again = async || {
        let mut claimed = claim_mails(&*store, grace).await;
        claimed.retain(|claimed| claimed.mail == mails[3]);
        claimed
    };
    let tried_once = [Mail { mail: mails[3], attempts: 1, made_at }];
    assert_eq!(again().await, tried_once);
    // However often it is put back.
    for _ in 0..20 {
        assert_eq!(settle(vec![settled(mails[3], grace, MailStep::PutBack)]).await, [true]);
        assert_eq!(again().await, tried_once);
    }
}

/// Mails that wait for another attempt or are stuck can be retried at once, or dropped.
pub async fn mails_are_retried_or_dropped(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 9).await.id;
    let lease = new_lease();
    let mails = [MailKind::Confirmed, MailKind::Cancelled, MailKind::Reminder]
        .map(|kind| new_mail(event, kind));
    store.add_mails(&mails).await.expect("the store answers");
    let fail = async || {
        assert_eq!(claim_mails(&*store, lease).await.len(), 3);
        let why = || "550 there is nobody here".to_owned();
        let later = MailStep::RetryAfter(TimeDelta::hours(1), why());
        assert!(settle(&*store, mails[0], lease, later).await);
        assert!(settle(&*store, mails[1], lease, MailStep::Stuck(why())).await);
    };
    fail().await;
    let found = backlog(&*store).await;
    let expected = (2, Some(clock.now()), 1);
    assert_eq!((found.mails_due, found.oldest_mail, found.mails_stuck), expected);
    let retry = async |sink| store.retry_deliveries(sink).await.expect("the store answers");
    assert_eq!(retry(Some(Uuid::now_v7().into())).await, 0);
    assert_eq!(retry(Some(SinkId::MAIL)).await, 2, "and the third is somebody's");
    let mut claimed = claim_mails(&*store, new_lease()).await;
    claimed.sort_by_key(|claimed| claimed.attempts);
    let claimed: Vec<_> = claimed.iter().map(|mail| (mail.mail, mail.attempts)).collect();
    assert_eq!(claimed, [(mails[1], 0), (mails[0], 1)], "what was stuck begins anew");
    wait(LEASE, &clock);
    fail().await;
    assert_eq!(retry(None).await, 2);
    wait(LEASE, &clock);
    fail().await;

    let give_up = async |sink| store.drop_deliveries(sink).await.expect("the store answers");
    assert_eq!(give_up(Uuid::now_v7().into()).await, 0);
    assert_eq!(give_up(SinkId::MAIL).await, 3);
    assert_eq!(give_up(SinkId::MAIL).await, 0);
    assert!(!settle(&*store, mails[2], lease, MailStep::Sent).await, "it was given up");
    let found = backlog(&*store).await;
    assert_eq!((found.mails_due, found.oldest_mail, found.mails_stuck), (0, None, 0));
    assert_eq!(retry(None).await, 0);
    wait(TimeDelta::hours(1), &clock);
    assert_eq!(claim_mails(&*store, lease).await, []);
}

/// The backlog is reported by sink, oldest waiting fact first.
pub async fn the_backlog_reports_the_sinks_that_lag(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let (sink, began) = (add_sink(&*store).await, clock.now());
    assert_eq!(backlog(&*store).await, Backlog::default());
    let event = create(&*store, 9).await.id;
    clock.advance_micros(SECOND);
    let later = clock.now();
    confirmed(execute_one(&*store, register(event, "ada")).await);
    let waits = Backlog { oldest_unrouted: Some(began), ..Backlog::default() };
    assert_eq!(backlog(&*store).await, waits, "nobody has looked");
    route(&*store).await;
    let behind = |sink, oldest| SinkBacklog { sink, lanes: 1, failing: 0, oldest: Some(oldest) };
    let sinks = vec![behind(sink, began)];
    assert_eq!(backlog(&*store).await, Backlog { sinks, ..Backlog::default() });

    let lease = new_lease();
    let lane = claim_one(&*store, sink, lease).await;
    let version = lane.version.next();
    assert!(advance(&*store, LaneStep { version, ..done(&lane, lease, LaneNext::GoOn) }).await);
    // Another sink has yet to deliver the first fact of an event of its own.
    let other = add_sink(&*store).await;
    let young = create(&*store, 9).await.id;
    clock.advance_micros(SECOND);
    route(&*store).await;
    let mut sinks = backlog(&*store).await.sinks;
    let lagging = SinkBacklog { lanes: 2, ..behind(sink, later) };
    sinks.sort_by_key(|sink| sink.lanes);
    assert_eq!(sinks, [behind(other, later), lagging]);

    assert!(advance(&*store, done(&lane, lease, LaneNext::Release)).await);
    let young_lane = claim_one(&*store, sink, lease).await;
    assert_eq!(young_lane.event_id, young);
    let next = LaneNext::RetryAfter(TimeDelta::minutes(1));
    let version = young_lane.version;
    let failed = LaneStep { version, attempts: 1, ..done(&young_lane, lease, next) };
    assert!(advance(&*store, failed).await);
    clock.advance_micros(SECOND);
    confirmed(execute_one(&*store, register(event, "grace")).await);
    route(&*store).await;
    let sinks = backlog(&*store).await.sinks;
    let failing = SinkBacklog { lanes: 2, failing: 1, ..behind(sink, later) };
    let other = SinkBacklog { lanes: 2, ..behind(other, later) };
    assert_eq!(sinks, [failing, other], "the one that fails first");
}

/// Finished mails and tried deliveries are purged after thirty days, in steps; a mail that is to be sent never is.
pub async fn finished_deliveries_are_purged_in_steps(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let sink = add_sink(&*store).await;
    let event = create(&*store, 9).await.id;
    let batch: Vec<_> = (0..5).map(|number| register(event, number)).collect();
    execute(&*store, &batch).await;
    route(&*store).await;
    let lease = new_lease();
    let lane = claim_one(&*store, sink, lease).await;
    let mut step = done(&lane, lease, LaneNext::Release);
    step.deliveries = (1..=4).map(|version| arrived(&lane, version)).collect();
    step.deliveries[1].state = DeliveryState::Dead;
    let retrying = Delivery { state: DeliveryState::Retrying, ..arrived(&lane, 5) };
    step.deliveries.push(retrying);
    assert!(advance(&*store, step).await);
    let mails: Vec<_> = (0..4).map(|_| new_mail(event, MailKind::Confirmed)).collect();
    store.add_mails(&mails).await.expect("the store answers");
    assert_eq!(claim_mails(&*store, lease).await.len(), 4);
    let steps = [MailStep::Sent, MailStep::Dropped, MailStep::Stuck("550 no".to_owned())];
    for (mail, step) in mails.iter().zip(steps) {
        assert!(settle(&*store, *mail, lease, step).await);
    }

    let purge =
        async |at_most| store.purge_deliveries(limit(at_most)).await.expect("the store answers");
    wait(DELIVERIES_KEPT - TimeDelta::microseconds(1), &clock);
    assert_eq!(purge(1_000).await, 0);
    clock.advance_micros(1);
    assert_eq!(purge(1).await, 2, "one of each");
    assert_eq!(purge(2).await, 4);
    assert_eq!(purge(1_000).await, 2);
    assert_eq!(purge(1_000).await, 0);
    let id = sink.endpoint().expect("it is one");
    let log = store.deliveries(id, None, limit(9)).await.expect("the store answers").items;
    assert_eq!(log, []);
    let found = backlog(&*store).await;
    assert_eq!((found.mails_due, found.mails_stuck), (1, 0));
    // The facts themselves are history, and stay.
    assert_eq!(facts_after(&*store, event, lane.version, 99).await.len(), 6);
    let again = NewMail { kind: MailKind::Found, ..mails[0] };
    store.add_mails(&[again]).await.expect("the store answers");
    assert_eq!(backlog(&*store).await.mails_due, 2, "nobody knows that it was there");
}

/// The recipients of an event are its live rows, also after it was cancelled, page by page.
pub async fn the_live_registrations_of_an_event_are_listed(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 3).await.id;
    let ada = confirmed(execute_one(&*store, register(event, "ada")).await);
    let gone = confirmed(execute_one(&*store, register(event, "gone")).await);
    execute_one(&*store, cancel(&gone)).await;
    let grace = held(execute_one(&*store, hold(event, "grace", 60)).await);
    let kay = confirmed(execute_one(&*store, register(event, "kay")).await);
    let lin = waitlisted(execute_one(&*store, queue_up(event, "lin")).await);
    // The hold has expired, and is not settled yet: the settling decides what to send.
    clock.advance_micros(60 * SECOND);
    let live = [ada.id, grace.id, kay.id, lin.id];
    let listed = async |at_most| {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = store.live_registrations(event, after, limit(at_most)).await;
            let page = page.expect("the store answers").expect("the event is there");
            assert!(page.items.len() <= at_most as usize);
            all.extend(page.items.iter().map(|row| row.id));
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    };
    for at_most in [1, 2, 4, 100] {
        assert_eq!(listed(at_most).await, live, "{at_most} on a page");
    }
    execute_one(&*store, EventCommand::new(event, Caller::Operator, Command::CancelEvent)).await;
    let called_off = listed(2).await;
    assert!(called_off.contains(&ada.id) && called_off.contains(&kay.id), "{called_off:?}");
    assert!(called_off.contains(&lin.id) && !called_off.contains(&gone.id), "{called_off:?}");
    let nowhere = store.live_registrations(Uuid::now_v7().into(), None, limit(9)).await;
    assert_eq!(nowhere.expect("the store answers"), None);
}

/// Creates an event with that reminder time, a day before it starts.
async fn create_reminding(
    store: &dyn BookingStore,
    remind_at: DateTime<Utc>,
    status: EventStatus,
) -> EventId {
    let new = new_event("An event", 9).with(|new| {
        new.details.starts_at = Some(remind_at + TimeDelta::days(1));
        new.details.remind_hours = RemindHours::parse(24).ok();
        new.rules.status = status;
    });
    store.create_event(new.expect("in order")).await.expect("the store answers").id
}

async fn due_reminders(store: &dyn BookingStore, at_most: u32) -> Vec<(EventId, DateTime<Utc>)> {
    store.due_reminders(limit(at_most)).await.expect("the store answers")
}

async fn note_reminded(store: &dyn BookingStore, event: EventId, remind_at: DateTime<Utc>) {
    store.note_reminded(event, remind_at).await.expect("the store answers");
}

/// Attendees of a published event are due a reminder from the reminder time on, until it is done, and again if the
/// event is moved. A reminder is no change of the event.
pub async fn attendees_are_reminded_once_for_each_reminder_time(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let (hour, began) = (TimeDelta::hours(1), clock.now());
    let later = create_reminding(&*store, began + hour * 2, EventStatus::Published).await;
    let sooner = create_reminding(&*store, began + hour, EventStatus::Published).await;
    create_reminding(&*store, began + hour, EventStatus::Draft).await;
    let cancelled = create_reminding(&*store, began + hour, EventStatus::Published).await;
    let cancel = EventCommand::new(cancelled, Caller::Operator, Command::CancelEvent);
    execute_one(&*store, cancel).await;
    create(&*store, 9).await;

    wait(hour - TimeDelta::microseconds(1), &clock);
    assert_eq!(due_reminders(&*store, 9).await, [], "it is not the time yet");
    clock.advance_micros(1);
    let due = due_reminders(&*store, 9).await;
    assert_eq!(due, [(sooner, began + hour)], "of one that is on and says when");
    wait(hour, &clock);
    let both = [(sooner, began + hour), (later, began + hour * 2)];
    assert_eq!(due_reminders(&*store, 9).await, both, "longest overdue first");
    assert_eq!(due_reminders(&*store, 1).await, both[..1]);

    // A reminder for another time does not count for this one.
    for other in [TimeDelta::microseconds(-1), TimeDelta::microseconds(1), hour] {
        note_reminded(&*store, sooner, began + hour + other).await;
    }
    note_reminded(&*store, Uuid::now_v7().into(), began + hour).await;
    assert_eq!(due_reminders(&*store, 9).await, both);
    let version = read(&*store, sooner).await.version;
    for _ in 0..2 {
        note_reminded(&*store, sooner, began + hour).await;
        assert_eq!(due_reminders(&*store, 9).await, both[1..]);
    }
    assert_eq!(read(&*store, sooner).await.version, version);
    assert_eq!(facts_after(&*store, sooner, version, 9).await, [], "it is no fact");

    let edit = async |edit| {
        let command = Command::Edit(Box::new(edit));
        execute_one(&*store, EventCommand::new(sooner, Caller::Operator, command)).await
    };
    edit(Edit { waitlist_enabled: Some(false), ..Edit::default() }).await;
    assert_eq!(due_reminders(&*store, 9).await, both[1..], "it is at the same time");
    let starts_at = Some(Some(began + hour * 4 + TimeDelta::days(1)));
    edit(Edit { starts_at, ..Edit::default() }).await;
    assert_eq!(due_reminders(&*store, 9).await, both[1..], "that time is to come");
    note_reminded(&*store, sooner, began + hour).await;
    wait(hour * 2, &clock);
    let moved = (sooner, began + hour * 4);
    assert_eq!(due_reminders(&*store, 9).await, [both[1], moved], "again, since it was moved");
    note_reminded(&*store, later, both[1].1).await;
    note_reminded(&*store, sooner, moved.1).await;
    assert_eq!(due_reminders(&*store, 9).await, []);
}
