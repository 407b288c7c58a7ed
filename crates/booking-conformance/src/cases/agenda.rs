//! Events in the order of their start times.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    Agenda, BookingStore, Caller, EventId, EventStatus, EventTimes, PageLimit, StartCursor, When,
};
use chrono::TimeDelta;

/// All pages of an agenda.
async fn listed(
    store: &dyn BookingStore,
    caller: Caller,
    agenda: Agenda,
    limit: u32,
) -> Vec<EventId> {
    let limit = PageLimit::parse(limit).expect("a valid limit");
    let (mut all, mut after): (Vec<EventId>, Option<StartCursor>) = (Vec::new(), None);
    loop {
        let page = store.events_by_start(caller, agenda, after, limit).await;
        let page = page.expect("the store answers");
        assert!(page.items.len() <= limit.get());
        all.extend(page.items.iter().map(|event| event.id));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// Upcoming events come soonest first, past ones latest first; events without a start are last, and never past. Each
/// caller gets only the events it may see, and pages have neither gaps nor duplicates.
pub async fn events_are_listed_by_start_time(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    store.create_token(new_token(organizer(1), 1)).await.expect("the store answers");
    let hours = |hours| clock.now() + TimeDelta::hours(hours);
    let add_event = async |times: EventTimes, owner, status| {
        let new = new_event("An event", 1).with(|new| {
            (new.details.starts_at, new.details.ends_at) = (times.starts_at, times.ends_at);
            new.organizer_id = owner;
            new.rules.status = status;
        });
        store.create_event(new.expect("in order")).await.expect("the store answers").id
    };
    let at = |starts: i64, ends: Option<i64>| EventTimes {
        starts_at: Some(hours(starts)),
        ends_at: ends.map(hours),
    };
    let public = EventStatus::Published;
    let never = add_event(EventTimes::default(), None, public).await;
    let next_week = add_event(at(168, None), None, public).await;
    let gone = add_event(at(-48, Some(-40)), None, public).await;
    let tomorrow = add_event(at(24, Some(26)), None, public).await;
    // It has no end, so it lasts a day.
    let yesterday = add_event(at(-25, None), None, public).await;
    let now = add_event(at(-23, None), None, public).await;
    let for_days = add_event(at(-72, Some(72)), None, public).await;
    let mut together =
        [add_event(at(30, None), None, public).await, add_event(at(30, None), None, public).await];
    together.sort_unstable();
    let draft = add_event(at(25, None), None, EventStatus::Draft).await;
    let own = add_event(at(10, None), Some(organizer_id(1)), EventStatus::Draft).await;
    // Between two that are listed, so that pages stay full without them.
    let unlisted = async |times: EventTimes, owner| {
        let new = new_event("Not for everybody", 1).with(|new| {
            (new.details.starts_at, new.details.ends_at) = (times.starts_at, times.ends_at);
            (new.details.is_unlisted, new.organizer_id) = (true, owner);
        });
        store.create_event(new.expect("in order")).await.expect("the store answers").id
    };
    let hidden = unlisted(at(26, None), None).await;
    let own_hidden = unlisted(at(12, None), Some(organizer_id(1))).await;
    unlisted(at(-30, None), None).await;

    let everything = Agenda::default();
    let upcoming = Agenda { when: Some(When::Upcoming), ..everything };
    let past = Agenda { when: Some(When::Past), ..everything };
    let within = Agenda { from: Some(hours(24)), to: Some(hours(30)), ..everything };
    let since = Agenda { from: Some(hours(-25)), ..past };
    let [one, other] = together;
    let cases = [
        (everything, vec![for_days, gone, yesterday, now, tomorrow, one, other, next_week, never]),
        (upcoming, vec![for_days, now, tomorrow, one, other, next_week, never]),
        (past, vec![yesterday, gone]),
        (within, vec![tomorrow]),
        (since, vec![yesterday]),
        (Agenda { to: Some(hours(-100)), ..everything }, vec![]),
    ];
    for (agenda, expected) in &cases {
        for limit in [1, 2, 3, 100] {
            let found = listed(&*store, Caller::Anyone, *agenda, limit).await;
            assert_eq!(found, *expected, "{agenda:?}, {limit}");
        }
    }
    let mut with_draft = cases[1].1.clone();
    // A caller that manages them finds them beside the drafts.
    with_draft.splice(3..3, [draft, hidden]);
    assert_eq!(listed(&*store, Caller::OpenOrganizer, upcoming, 2).await, with_draft);
    with_draft.splice(2..2, [own, own_hidden]);
    assert_eq!(listed(&*store, Caller::Operator, upcoming, 2).await, with_draft);
    let owner = Caller::Organizer(organizer_id(1));
    assert_eq!(listed(&*store, owner, everything, 2).await, [own, own_hidden]);

    // Whether an event is over is decided by the store's time.
    clock.advance_micros(2 * 3_600 * SECOND);
    assert_eq!(listed(&*store, Caller::Anyone, past, 2).await, [now, yesterday, gone]);
    // Events are read as they are.
    let page = store.events_by_start(Caller::Anyone, within, None, PageLimit::MAX).await;
    let page = page.expect("the store answers");
    assert_eq!(page.items, [read(&*store, tomorrow).await]);
}
