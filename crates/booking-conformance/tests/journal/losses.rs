//! Parts of a decision that a store may fail to write. Each is caught by a case, for its own reason.

use crate::flaw::Flaw;
use crate::line::Line;
use crate::state::{State, Table};
use crate::{Loss, assert_caught, each};
use booking_conformance::cases;
use booking_core::{EditedEvent, Questions};

/// A store that leaves something out of each edit that it writes.
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
fn a_store_that_loses_how_far_an_event_is_erased_is_caught() {
    let flaw = edits(|line| each_edit(line, |edited| edited.erased_to = None));
    let reason = "a step goes on where the one before it ended";
    assert_caught(flaw, cases::a_large_event_is_erased_in_steps, reason);
}

#[test]
fn a_store_that_loses_the_cancelling_version_is_caught() {
    let flaw = edits(|line| each_edit(line, |edited| edited.cancelled_version = None));
    let reason = "its history ends with what cancelled the event";
    assert_caught(flaw, cases::cancelling_an_event_ends_its_registrations, reason);
}

#[test]
fn a_store_whose_offers_outlive_their_event_is_caught() {
    let flaw = edits(|line| each_edit(line, |edited| edited.offers_end_by = None));
    let reason = "an offer ends with its event";
    assert_caught(flaw, cases::an_offer_ends_with_its_event, reason);
}

#[test]
fn a_store_that_loses_whether_an_event_has_questions_is_caught() {
    let flaw = edits(|line| each_edit(line, |edited| edited.asks = false));
    assert_caught(flaw, cases::a_visitor_must_answer_required_questions, "why: Missing");
}

#[test]
fn a_store_that_loses_the_questions_of_an_event_is_caught() {
    let flaw = edits(|line| each(line, |change| change.questions = None));
    assert_caught(flaw, cases::the_questions_of_an_event_are_stored, "what it asks is kept");
}

#[test]
fn a_store_that_keeps_idempotency_records_after_erasure_is_caught() {
    let flaw = edits(|line| each(line, |change| change.purges_records = false));
    let reason = "its records went with it";
    assert_caught(flaw, cases::registrations_are_erased_after_the_retention_period, reason);
}

#[test]
fn a_store_that_loses_former_holders_is_caught() {
    let flaw = edits(|line| each(line, |change| change.former_holders.clear()));
    let case = cases::a_former_holder_is_stored_until_notified;
    assert_caught(flaw, case, "who gave it away is kept");
}

#[test]
fn a_store_that_loses_edited_times_is_caught() {
    let reminding = edits(|line| each_edit(line, |edited| edited.remind_at = None));
    let case = cases::attendees_are_reminded_once_for_each_reminder_time;
    assert_caught(reminding, case, "again, since it was moved");
    // A new event's times are written when it is created.
    let reminding = Flaw { at_creation: |table| table.remind_at = None, ..Flaw::NONE };
    assert_caught(reminding, case, "of one that is on and says when");
    let erasing = Flaw { at_creation: |table| table.erase_at = None, ..Flaw::NONE };
    assert_caught(
        erasing,
        cases::registrations_are_erased_after_the_retention_period,
        "its time has come",
    );
}

#[test]
fn a_store_that_keeps_a_cleared_time_is_caught() {
    let keep = |table: &Table, edited: &mut EditedEvent| {
        edited.remind_at = edited.remind_at.or(table.remind_at);
    };
    let flaw = Flaw { keep, ..Flaw::NONE };
    let case = cases::attendees_are_reminded_once_for_each_reminder_time;
    assert_caught(flaw, case, "of one that is on and says when");
    let keep = |table: &Table, edited: &mut EditedEvent| {
        edited.erase_at = edited.erase_at.or(table.erase_at);
    };
    let flaw = Flaw { keep, ..Flaw::NONE };
    let reason = "nothing is left to be erased";
    assert_caught(flaw, cases::registrations_are_erased_after_the_retention_period, reason);
}

#[test]
fn a_store_that_loses_part_of_an_event_on_reopening_is_caught() {
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
    for (lose, reason) in parts {
        let flaw = Flaw { lose, ..Flaw::NONE };
        assert_caught(flaw, cases::acknowledged_writes_survive_reopening, reason);
    }
}
