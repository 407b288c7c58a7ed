//! Moves that are begun and not ended: abandoned by an operator, or by upkeep.

use crate::common::Backend;
use crate::{
    Pair, Steps, Until, ask, clear_all, command, everything, have_it_leave, mover, new_mover,
    plain_event, register, rows_of, seat,
};
use booking_cells::{MoveError, Step};
use booking_core::prelude::*;
use booking_core::{
    Command, EventId, MOVED_LATELY, MOVED_TABLES, Outcome, PageLimit, Place, ROOM_KEPT,
};
use chrono::TimeDelta;
use std::sync::atomic::AtomicUsize;

/// How many rows of an event a store has, without idempotency records, which expire by themselves.
async fn rows_there(store: &dyn MoveStore, event: EventId) -> usize {
    let rows = rows_of(store, event).await;
    let of_event = rows.iter().filter(|(table, _)| *table != "idempotency_records");
    of_event.map(|(_, rows)| rows.len()).sum()
}

fn wait(pair: &Pair, time: TimeDelta) {
    pair.clock.advance_micros(time.num_microseconds().expect("it is short"));
}

/// Deletes what upkeep deletes, in pieces, and returns how much.
async fn purge(store: &dyn MoveStore, limit: u32) -> u64 {
    let (limit, mut purged) = (PageLimit::parse(limit).expect("valid"), 0);
    loop {
        match store.purge_records(limit).await.expect("it answers") {
            0 => return purged,
            some => {
                assert!(some <= limit.get() as u64, "{some} of {limit:?}");
                purged += some;
            }
        }
    }
}

async fn assert_it_is_sold(store: &dyn MoveStore, event: EventId) {
    let late = seat(store, register(event, "late")).await;
    ask(store, command(event, Command::Cancel { registration_id: late.id })).await;
}

/// Wherever a mover was killed before the event left, its move can be abandoned, and nothing of it is left in the
/// target.
async fn an_abandoned_move_leaves_nothing_in_the_target(
    from: fn() -> Backend,
    to: fn() -> Backend,
) {
    let pair = Pair::of(from, to).await;
    let (from, to, all) = (&*pair.from, &*pair.to, Steps::all());
    for stop_after in 0..usize::MAX {
        let event = from.create_event(plain_event(99)).await.expect("it answers").id;
        let ada = seat(from, register(event, "ada")).await;
        let steps = Steps(AtomicUsize::new(stop_after));
        let stopped = mover(from, to, &steps).move_event(event).await;
        if from.place_of(event).await.expect("it answers") != Place::Served {
            // It has left: abandoning the move now would lose it, and nothing is lost by going on.
            let refused = mover(from, to, &all).abandon(event).await;
            assert!(matches!(refused, Err(MoveError::HasLeft)), "{refused:?}");
            mover(from, to, &all).move_event(event).await.expect("it goes on");
            assert!(to.registration(ada.id).await.expect("it answers").is_some());
            assert!(stop_after > 6, "it has more steps before that");
            break;
        }
        assert!(matches!(stopped, Err(MoveError::Stopped)), "{stopped:?}");
        let refused = mover(from, to, &all).abandon(event).await;
        assert!(matches!(refused, Err(MoveError::Taken)), "it may be there yet: {refused:?}");
        pair.wait_for_leases();

        let Place::Arriving(dead) = to.place_of(event).await.expect("it answers") else {
            // Before there was any room.
            assert!(!mover(from, to, &all).abandon(event).await.expect("it is given up"));
            continue;
        };
        assert!(to.events_arriving(None, 9).await.expect("it answers").contains(&event));
        // The process that abandons the move may be killed, too.
        let first = Steps(AtomicUsize::new(0));
        let killed = mover(from, to, &first).abandon(event).await;
        assert!(matches!(killed, Err(MoveError::Stopped)), "{killed:?}");
        pair.wait_for_leases();
        assert!(mover(from, to, &all).abandon(event).await.expect("it is given up"));
        assert!(!mover(from, to, &all).abandon(event).await.expect("it is done"));

        assert_eq!(rows_there(to, event).await, 0, "after {stop_after} steps");
        assert_eq!(to.place_of(event).await.expect("it answers"), Place::Unknown);
        assert!(!to.is_moving(event).await.expect("it answers"));
        assert!(!to.may_be_moving(ada.id).await.expect("it answers"));
        assert_eq!(to.events_arriving(None, 9).await.expect("it answers"), []);
        // The mover that slept writes nothing there any more.
        let table = &MOVED_TABLES[0];
        let rows = from.moved_rows(event, table, None, None, 9).await.expect("it answers");
        assert!(!to.take_in(event, dead, table, &rows).await.expect("it answers"));
        assert!(from.freeze(event, dead).await.expect("it answers").is_none());
        assert_it_is_sold(from, event).await;
        // It can still be moved.
        mover(from, to, &all).move_event(event).await.expect("nothing is in its way");
        assert!(to.registration(ada.id).await.expect("it answers").is_some());
        let refused = mover(from, to, &all).abandon(event).await;
        assert!(matches!(refused, Err(MoveError::HasLeft)), "{refused:?}");
    }
    for store in [from, to] {
        assert_eq!(store.audit().await.expect("it answers").differences, []);
    }
}

/// An event that cannot be erased while it moves can be once the move is abandoned.
async fn an_erasure_succeeds_after_a_move_is_abandoned(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let (from, to, all) = (&*pair.from, &*pair.to, Steps::all());
    let event = everything(from).await.event;
    let stops = Until(|step| step == Step::Compared);
    let stopped = mover(from, to, &stops).move_event(event).await;
    assert!(matches!(stopped, Err(MoveError::Stopped)), "{stopped:?}");
    pair.wait_for_leases();
    let of_ada = async |store: &dyn MoveStore| {
        let found = store.registrations_of(&crate::address("ada"), PageLimit::MAX).await;
        found.expect("it answers").len()
    };
    assert_eq!((of_ada(from).await, of_ada(to).await), (1, 1));
    assert!(mover(from, to, &all).abandon(event).await.expect("it is given up"));
    assert_eq!((of_ada(from).await, of_ada(to).await), (1, 0));
    assert_eq!(rows_there(to, event).await, 0);
}

/// An event that is in neither store may be anywhere.
async fn a_move_of_an_event_elsewhere_is_not_abandoned(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let (from, to, all) = (&*pair.from, &*pair.to, Steps::all());
    let event = plain_event(9).id;
    assert!(to.begin_arriving(event, new_mover(), "a third").await.expect("it answers"));
    let refused = mover(from, to, &all).abandon(event).await;
    assert!(matches!(refused, Err(MoveError::NotFound)), "{refused:?}");
    assert_eq!(
        to.events_arriving(None, 9).await.expect("it answers"),
        [event],
        "it may be a third's"
    );
}

/// Room in which nothing arrived for a week belongs to no mover any more, and is deleted with all that is in it; an
/// event that left for it arrives all the same.
async fn upkeep_deletes_unused_room_and_loses_nothing(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let (from, to, all) = (&*pair.from, &*pair.to, Steps::all());
    let stays = everything(from).await.event;
    let stops = Until(|step| step == Step::Compared);
    let stopped = mover(from, to, &stops).move_event(stays).await;
    assert!(matches!(stopped, Err(MoveError::Stopped)), "{stopped:?}");
    let leaves = from.create_event(plain_event(9)).await.expect("it answers").id;
    let ada = seat(from, register(leaves, "ada")).await;
    have_it_leave(&pair, leaves).await;
    let left = match from.place_of(leaves).await.expect("it answers") {
        Place::Left { state: Some(left), .. } => left,
        other => panic!("it has not left: {other:?}"),
    };
    let there = rows_there(to, stays).await;
    assert!(there > 5 && rows_there(to, leaves).await > 1);

    wait(&pair, ROOM_KEPT - TimeDelta::minutes(1));
    let of_requests = purge(to, 1_000).await;
    assert_eq!(rows_there(to, stays).await, there, "it is not to be yet");
    assert!(rows_there(to, leaves).await > 1);
    let both = [stays.min(leaves), stays.max(leaves)];
    assert_eq!(to.events_arriving(None, 9).await.expect("it answers"), both);
    // A page at a time.
    assert_eq!(to.events_arriving(None, 1).await.expect("it answers"), both[..1]);
    assert_eq!(to.events_arriving(Some(both[0]), 1).await.expect("it answers"), both[1..]);
    assert_eq!(to.events_arriving(Some(both[1]), 9).await.expect("it answers"), []);
    assert!(of_requests > 0, "some ran out");

    wait(&pair, TimeDelta::minutes(2));
    // In pieces, and the mover that made the room has lost it once that has begun.
    assert_eq!(to.purge_records(PageLimit::parse(1).expect("valid")).await.expect("it answers"), 1);
    assert!(rows_there(to, stays).await > 0);
    let Place::Arriving(nobody) = to.place_of(stays).await.expect("it answers") else {
        panic!("it is not all deleted")
    };
    assert!(nobody.as_uuid().is_nil());
    assert!(purge(to, 2).await > 2);
    for event in [stays, leaves] {
        assert_eq!(rows_there(to, event).await, 0);
        assert_eq!(to.place_of(event).await.expect("it answers"), Place::Unknown);
        assert!(!to.is_moving(event).await.expect("it answers"));
    }
    assert!(!to.activate(leaves, &left).await.expect("it answers"), "nothing of it is there");
    assert_it_is_sold(from, stays).await;
    for event in [stays, leaves] {
        mover(from, to, &all).move_event(event).await.expect("it is brought anew");
        assert_eq!(pair.served(event).await, 1);
        purge(to, 1_000).await;
        assert!(to.is_moving(event).await.expect("it answers"), "it came a moment ago");
    }
    assert!(to.registration(ada.id).await.expect("it answers").is_some());
    for store in [from, to] {
        assert_eq!(store.audit().await.expect("it answers").differences, []);
    }
}

/// While upkeep deletes room, the mover comes back that had slept for a week: it is refused, or begins anew.
async fn a_mover_that_slept_for_a_week_activates_no_partial_event(
    from: fn() -> Backend,
    to: fn() -> Backend,
) {
    let pair = Pair::of(from, to).await;
    let (from, to, all) = (&*pair.from, &*pair.to, Steps::all());
    let event = everything(from).await.event;
    let before = rows_there(from, event).await;
    let first = have_it_leave(&pair, event).await;
    let left = match from.place_of(event).await.expect("it answers") {
        Place::Left { state: Some(left), .. } => left,
        other => panic!("it has not left: {other:?}"),
    };
    wait(&pair, ROOM_KEPT + TimeDelta::seconds(1));
    let one = PageLimit::parse(1).expect("valid");
    while to.place_of(event).await.expect("it answers") == Place::Arriving(first) {
        to.purge_records(one).await.expect("it answers");
    }
    assert!(rows_there(to, event).await > 0);
    assert!(!to.activate(event, &left).await.expect("it answers"), "a rest is not all of it");
    let rows = from.moved_rows(event, &MOVED_TABLES[0], None, None, 9).await.expect("it answers");
    assert!(!to.take_in(event, first, &MOVED_TABLES[0], &rows).await.expect("it answers"));
    mover(from, to, &all).move_event(event).await.expect("it is brought anew");
    purge(to, 1_000).await;
    assert_eq!(rows_there(to, event).await, before, "nobody has a room of it");
    assert_eq!(pair.served(event).await, 1);
    clear_all(from, event, first).await;
}

/// That a mover had an event, and that one arrived, is of no use after a moment, and is deleted.
async fn upkeep_deletes_outdated_move_notes(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let (from, to) = (&*pair.from, &*pair.to);
    let moves = from.create_event(plain_event(9)).await.expect("it answers").id;
    let ada = seat(from, register(moves, "ada")).await;
    pair.move_all_of(moves).await;
    let stays = from.create_event(plain_event(9)).await.expect("it answers").id;
    from.begin_leaving(stays, new_mover(), "to").await.expect("it answers").expect("its turn");
    assert_eq!((purge(from, 9).await, purge(to, 9).await), (0, 0), "it is said yet");
    assert!(to.may_be_moving(ada.id).await.expect("it answers"));
    wait(&pair, MOVED_LATELY.max(booking_core::MOVE_LEASE));
    assert!(!to.may_be_moving(ada.id).await.expect("it answers"));
    assert_eq!((purge(from, 9).await, purge(to, 9).await), (1, 1));
    assert_eq!((purge(from, 9).await, purge(to, 9).await), (0, 0));
    // That it left is stored for good.
    wait(&pair, ROOM_KEPT * 2);
    assert_eq!(purge(from, 9).await, 0);
    assert!(from.is_moving(moves).await.expect("it answers"));
    assert!(from.may_be_moving(ada.id).await.expect("it answers"));
    let seat = ask(from, register(stays, "bob")).await;
    assert!(matches!(seat, Outcome::Confirmed(_)), "{seat:?}");
}

in_all_pairs! {
    an_abandoned_move_leaves_nothing_in_the_target
    an_erasure_succeeds_after_a_move_is_abandoned
    a_move_of_an_event_elsewhere_is_not_abandoned
    upkeep_deletes_unused_room_and_loses_nothing
    a_mover_that_slept_for_a_week_activates_no_partial_event
    upkeep_deletes_outdated_move_notes
}
