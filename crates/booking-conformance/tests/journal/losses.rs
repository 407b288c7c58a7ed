//! What a store may leave out of what was decided. Each is missed by a case, for its own reason.

use crate::flaw::Flaw;
use crate::line::Line;
use crate::state::{State, Table};
use crate::{Loss, assert_caught, each};
use booking_conformance::cases;
use booking_core::{EditedEvent, Questions};

/// A store that takes something away from each edit that it writes.
fn edits(distort: fn(&mut Line)) -> Flaw {
    Flaw { distort, ..Flaw::NONE }
}

fn each_edit(line: &mut Line, distort: impl Fn(&mut EditedEvent)) {
    each(line, |change| {
        if let Some(edited) = &mut change.edited {
            distort(edited);
        }
    });
}

#[test]
fn a_store_that_forgets_how_far_an_event_is_erased_is_caught() {
    let flaw = edits(|line| each_edit(line, |edited| edited.erased_to = None));
    let reason = "a step goes on where the one before it ended";
    assert_caught(flaw, cases::a_large_event_is_erased_in_steps, reason);
}

#[test]
fn a_store_that_forgets_what_cancelled_an_event_is_caught() {
    let flaw = edits(|line| each_edit(line, |edited| edited.cancelled_version = None));
    let reason = "its history ends with what cancelled the event";
    assert_caught(flaw, cases::cancelling_an_event_ends_what_is_registered, reason);
}

#[test]
fn a_store_whose_offers_outlive_their_event_is_caught() {
    let flaw = edits(|line| each_edit(line, |edited| edited.offers_end_by = None));
    let reason = "an offer ends with its event";
    assert_caught(flaw, cases::an_offer_ends_with_its_event, reason);
}

#[test]
fn a_store_that_forgets_that_an_event_asks_something_is_caught() {
    let flaw = edits(|line| each_edit(line, |edited| edited.asks = false));
    assert_caught(flaw, cases::a_visitor_answers_what_has_to_be_answered, "why: Missing");
}

#[test]
fn a_store_that_forgets_what_an_event_asks_is_caught() {
    let flaw = edits(|line| each(line, |change| change.questions = None));
    assert_caught(flaw, cases::what_an_event_asks_is_kept, "what it asks is kept");
}

#[test]
fn a_store_that_keeps_the_answers_of_those_who_were_erased_is_caught() {
    let flaw = edits(|line| each(line, |change| change.purges_records = false));
    let reason = "its records went with it";
    assert_caught(flaw, cases::what_was_kept_for_long_enough_is_erased, reason);
}

#[test]
fn a_store_that_forgets_who_gave_a_seat_away_is_caught() {
    let flaw = edits(|line| each(line, |change| change.former_holders.clear()));
    let case = cases::whoever_gave_a_seat_away_is_known_until_they_were_told;
    assert_caught(flaw, case, "who gave it away is kept");
}

#[test]
fn a_store_that_loses_the_times_of_an_edit_is_caught() {
    let reminding = edits(|line| each_edit(line, |edited| edited.remind_at = None));
    let case = cases::people_are_reminded_of_an_event_once_for_each_time;
    assert_caught(reminding, case, "again, since it was moved");
    // A new event's are written when it is put up.
    let reminding = Flaw { put_up: |table| table.remind_at = None, ..Flaw::NONE };
    assert_caught(reminding, case, "of one that is on and says when");
    let erasing = Flaw { put_up: |table| table.erase_at = None, ..Flaw::NONE };
    assert_caught(erasing, cases::what_was_kept_for_long_enough_is_erased, "its time has come");
}

#[test]
fn a_store_that_keeps_a_time_that_an_edit_takes_away_is_caught() {
    let keep = |table: &Table, edited: &mut EditedEvent| {
        edited.remind_at = edited.remind_at.or(table.remind_at);
    };
    let flaw = Flaw { keep, ..Flaw::NONE };
    let case = cases::people_are_reminded_of_an_event_once_for_each_time;
    assert_caught(flaw, case, "of one that is on and says when");
    let keep = |table: &Table, edited: &mut EditedEvent| {
        edited.erase_at = edited.erase_at.or(table.erase_at);
    };
    let flaw = Flaw { keep, ..Flaw::NONE };
    let reason = "nothing is left to be erased";
    assert_caught(flaw, cases::what_was_kept_for_long_enough_is_erased, reason);
}

#[test]
fn a_store_that_forgets_a_part_of_an_event_when_it_is_opened_again_is_caught() {
    let parts: [(Loss<State>, &str); 4] = [
        (|state| state.events.values_mut().for_each(|table| table.due_at = None), " due: []"),
        (|state| state.events.values_mut().for_each(|table| table.erase_at = None), "erasable: []"),
        (
            |state| state.events.values_mut().for_each(|table| table.remind_at = None),
            "reminders: []",
        ),
        (
            |state| {
                state.events.values_mut().for_each(|table| table.questions = Questions::NONE);
            },
            // That of the oldest event, which had some.
            "Some(Questions([]))], seeds",
        ),
    ];
    for (forget, reason) in parts {
        let flaw = Flaw { forget, ..Flaw::NONE };
        assert_caught(flaw, cases::what_was_acknowledged_is_there_after_reopening, reason);
    }
}
