//! The same for an event whose doors close and that ends, for corrections and for new links.

use super::*;

/// The tokens that were issued.
const ADAS: TokenMark = TokenMark(1);
const ADAS_SECOND: TokenMark = TokenMark(2);
const EDSGERS: TokenMark = TokenMark(3);
const EDSGERS_SECOND: TokenMark = TokenMark(4);

/// It closes 20 seconds after the beginning, and is over after 40.
fn hours() -> Hours {
    Hours { closes_at: Some(at(20)), ends_at: Some(at(40)), starts_at: None }
}

fn named(name: &str, shown: RegistrationView) -> RegistrationView {
    RegistrationView { name: Some(name.to_owned()), ..shown }
}

fn with(token: TokenMark, shown: RegistrationView) -> RegistrationView {
    RegistrationView { token: Some(token), ..shown }
}

fn correct(id: Uuid, name: &str, user_email: Option<&str>) -> Request {
    let user_email = user_email.map(str::to_owned);
    Request::Correct { id, name: name.to_owned(), user_email, token: None }
}

fn visit(id: Uuid, token: TokenMark) -> Request {
    Request::Visit { id, token }
}

/// Edsger, whose address was mistyped at first.
fn edsger(status: Status, event_version: u64) -> RegistrationView {
    named("Edsger", shown(EDSGER, "dijkstra", status, event_version))
}

/// Two seats, four people, and what happens to them until long after the end.
fn ended() -> History {
    use Actor::{Attendee, Organizer, System};
    let mut run = Writer::default();
    let create =
        Request::Create { capacity: 2, waitlist_enabled: true, offer_ttl_seconds: Some(60) };
    run.answered_event(create, 201, event(2, 0, 0, 1));
    run.answered(register("ada", false), 201, with(ADAS, shown(ADA, "ada", Status::Confirmed, 2)));
    let held =
        RegistrationView { expires_at: Some(at(62)), ..shown(GRACE, "grace", Status::Held, 3) };
    run.answered(Request::Hold { user_email: "grace".into(), ttl_seconds: 60 }, 201, held);
    let first =
        RegistrationView { position: Some(1), ..shown(EDSGER, "edsger", Status::Waitlisted, 4) };
    run.answered(register("edsger", true), 202, with(EDSGERS, first));
    let second =
        RegistrationView { position: Some(2), ..shown(BARBARA, "barbara", Status::Waitlisted, 5) };
    run.answered(register("barbara", true), 202, second);
    // 5: corrections, and a lost link.
    let ada = |name: &str, version| named(name, shown(ADA, "ada", Status::Confirmed, version));
    run.answered(correct(ADA, "Ada", None), 200, ada("Ada", 6));
    let waits = RegistrationView { position: Some(1), ..edsger(Status::Waitlisted, 7) };
    let right = correct(EDSGER, "Edsger", Some("dijkstra"));
    run.answered(right, 200, with(EDSGERS_SECOND, waits.clone()));
    let forbidden =
        FinalResponse { status: 403, code: Some("forbidden".into()), ..FinalResponse::default() };
    run.ask(visit(EDSGER, EDSGERS), forbidden);
    run.answered(visit(EDSGER, EDSGERS_SECOND), 200, waits);
    run.answered(Request::RenewLink { id: ADA }, 200, with(ADAS_SECOND, ada("Ada", 8)));
    // 10: a transfer to herself, which changes her name.
    let name = Some("Ada Lovelace".to_owned());
    let transfer = Request::Transfer { id: ADA, user_email: "ada".into(), name };
    run.answered(transfer, 200, ada("Ada Lovelace", 9));
    let edit = Request::Edit {
        name: "with hours".into(),
        capacity: 2,
        if_version: None,
        hours: Some(hours()),
    };
    run.answered_event(edit, 200, EventView { hours: hours(), ..event(2, 2, 2, 10) });
    run.refused(register("katherine", false), "closed");
    // 13: the doors have closed, and those who wait are served until the event is over.
    let cancelled = named("Ada Lovelace", shown(ADA, "ada", Status::Cancelled, 11));
    run.answered(Request::Cancel { id: ADA }, 200, cancelled.clone());
    let offered = RegistrationView { expires_at: Some(at(40)), ..edsger(Status::Offered, 12) };
    run.answered(visit(EDSGER, EDSGERS_SECOND), 200, offered);
    run.answered(Request::Confirm { id: EDSGER }, 200, edsger(Status::Confirmed, 13));
    let inside = |seconds, timing, version| RegistrationView {
        checked_in_at: Some(at(seconds)),
        timing: Some(timing),
        ..edsger(Status::Confirmed, version)
    };
    run.answered(Request::CheckIn { id: EDSGER }, 201, inside(35, Timing::OnTime, 14));
    // 17: it is over. Existing registrations can be cancelled, corrected and checked in.
    run.answered(Request::UndoCheckIn { id: EDSGER }, 200, edsger(Status::Confirmed, 15));
    run.refused(Request::Confirm { id: GRACE }, "closed");
    let transfer = Request::Transfer { id: EDSGER, user_email: "alan".into(), name: None };
    run.refused(transfer, "closed");
    let gone = shown(GRACE, "grace", Status::Cancelled, 16);
    run.answered(Request::Cancel { id: GRACE }, 200, gone.clone());
    let still =
        RegistrationView { position: Some(1), ..shown(BARBARA, "barbara", Status::Waitlisted, 17) };
    let still = named("Barbara", still);
    run.answered(correct(BARBARA, "Barbara", None), 200, still.clone());
    run.answered(Request::CheckIn { id: EDSGER }, 201, inside(60, Timing::Late, 18));
    run.refused(correct(GRACE, "Grace", None), "not_correctable");
    let end = EventView { hours: hours(), ..event(2, 1, 1, 18) };
    run.answered_event(Request::Read, 200, end.clone());

    run.0.events.push(EndEvent { id: EVENT, shown: end });
    run.row(
        cancelled,
        Some(vec![
            entry(2, Kind::Registered, Attendee, 1),
            entry(6, Kind::Corrected, Organizer, 5),
            entry(8, Kind::LinkRenewed, Organizer, 7),
            entry(9, Kind::Corrected, Organizer, 8),
            entry(11, Kind::Cancelled, Organizer, 25),
        ]),
    );
    let held = vec![entry(3, Kind::Held, Attendee, 2), entry(16, Kind::Cancelled, Organizer, 50)];
    run.row(gone, Some(held));
    run.row(
        RegistrationView { timing: None, ..inside(60, Timing::Late, 18) },
        Some(vec![
            entry(4, Kind::Waitlisted, Attendee, 3),
            entry(7, Kind::Corrected, Organizer, 6),
            entry(12, Kind::Offered, System, 25),
            entry(13, Kind::Confirmed, Organizer, 30),
            entry(14, Kind::CheckedIn, Organizer, 35),
            entry(15, Kind::CheckInUndone, Organizer, 45),
            entry(18, Kind::CheckedIn, Organizer, 60),
        ]),
    );
    run.row(
        still,
        Some(vec![
            entry(5, Kind::Waitlisted, Attendee, 4),
            entry(17, Kind::Corrected, Organizer, 52),
        ]),
    );
    run.0
}

#[test]
fn an_ended_event_is_clean_and_its_coverage_is_reported() {
    let verdict = judge(&ended());
    assert!(verdict.is_clean(), "{verdict}");
    let wanted = [
        "EventEdited: hours",
        "Confirmed -> Corrected",
        "Waitlisted -> Corrected",
        "Confirmed -> LinkRenewed",
        "register: closed by its hours",
        "confirm: closed by its hours",
        "transfer: closed by its hours",
        "correct: 409 not_correctable",
        "visit: 403 forbidden",
        "an offer as long as the event",
        "a seat that nobody gets, as the event is over",
        "check_in: OnTime",
        "check_in: Late",
    ];
    assert_eq!(verdict.coverage.missing(&wanted), [""; 0]);
}

/// An end that is moved earlier ends the present offers, and earlier answers about them were true.
#[test]
fn an_end_that_is_moved_earlier_ends_offers() {
    let mut history = ended();
    edited(&mut history).ends_at = Some(at(100));
    // Edsger's offer is answered, and then the end is moved earlier once more.
    registration_in(&mut history, 14).expires_at = Some(at(85));
    let mut later = history.operations[11].clone();
    (later.invoked_at, later.answered_at) = (14_600, 14_900);
    later.key = Some("brought forward".to_owned());
    set_hours(&mut later, hours());
    for row in &mut history.registrations {
        move_on(&mut row.shown);
        for entry in row.history.iter_mut().flatten().filter(|entry| entry.version > 12) {
            entry.version += 1;
        }
    }
    for operation in &mut history.operations {
        let Answer::Decided(decided) = &mut operation.answer else { continue };
        decided.registration.iter_mut().for_each(move_on);
        for event in decided.event.iter_mut().filter(|event| event.version > 12) {
            event.version += 1;
        }
    }
    history.events[0].shown.version += 1;
    let Answer::Decided(decided) = &mut later.answer else { panic!("it was decided") };
    let shown = decided.event.as_mut().expect("it tells of the event");
    (shown.version, shown.waitlist_count) = (13, 1);
    history.operations.push(later);
    // What was answered to the first edit.
    decided_hours(&mut history, 11).ends_at = Some(at(100));
    let verdict = judge(&history);
    assert!(verdict.is_clean(), "{verdict}");
    // The same, except that the offer lives on.
    entries(&mut history, EDSGER)[3].recorded_at = at(41);
    assert!(judge(&history).count("confirmed_late") > 0);
}

fn move_on(shown: &mut RegistrationView) {
    if shown.event_version > 12 {
        shown.event_version += 1;
    }
}

fn set_hours(operation: &mut Operation, to: Hours) {
    let Request::Edit { hours, .. } = &mut operation.request else { panic!("it is the edit") };
    *hours = Some(to);
    let Answer::Decided(decided) = &mut operation.answer else { panic!("it was decided") };
    decided.event.as_mut().expect("it tells of the event").hours = to;
}

/// The hours in the edit's request.
fn edited(history: &mut History) -> &mut Hours {
    let Request::Edit { hours, .. } = &mut history.operations[11].request else {
        panic!("it is the edit")
    };
    hours.as_mut().expect("it is about hours")
}

fn decided_hours(history: &mut History, number: usize) -> &mut Hours {
    &mut decided(history, number).event.as_mut().expect("it tells of the event").hours
}

/// Corruptions of it, and the rule that each breaks.
const CORRUPTIONS: &[Corruption] = &[
    ("an offer accepted after the end", "after_the_end", |history| {
        entries(history, EDSGER)[3].recorded_at = at(41);
    }),
    ("an offer made at the end", "after_the_end", |history| {
        entries(history, EDSGER)[2].recorded_at = at(40);
    }),
    ("a newcomer after the doors have closed", "after_closing", |history| {
        let katherine = shown(KATHERINE, "katherine", Status::Confirmed, 19);
        let answer = Some(katherine.clone());
        *decided(history, 12) =
            FinalResponse { status: 201, registration: answer, ..FinalResponse::default() };
        let entries = vec![entry(19, Kind::Registered, Actor::Attendee, 61)];
        add_row(history, katherine, Some(entries));
    }),
    ("closed before the doors close", "unjustified", |history| {
        edited(history).closes_at = Some(at(26));
    }),
    ("closed before the event is over", "unjustified", |history| {
        edited(history).ends_at = Some(at(51));
    }),
    ("sold out when it is over", "unjustified", |history| {
        let late = another(history, 12, (900_000, 900_500));
        refuse(history, late, 409, "sold_out");
    }),
    ("a seat nobody is offered before the event is over", "waited_in_vain", |history| {
        edited(history).ends_at = Some(at(55));
    }),
    ("an offer that lasts longer than the event", "answer_differs", |history| {
        registration_in(history, 14).expires_at = Some(at(85));
    }),
    ("somebody late who is said to be on time", "answer_differs", |history| {
        registration_in(history, 22).timing = Some(Timing::OnTime);
    }),
    ("a scan that does not say how one is in time", "answer_differs", |history| {
        registration_in(history, 16).timing = None;
    }),
    ("a new link that is the old one", "token_kept", |history| {
        registration_in(history, 9).token = Some(ADAS);
    }),
    ("an address put right whose old link goes on", "token_kept", |history| {
        registration_in(history, 6).token = Some(EDSGERS);
    }),
    ("a new link that is not told", "answer_differs", |history| {
        registration_in(history, 9).token = None;
    }),
    ("a name put right that changes the link", "answer_differs", |history| {
        registration_in(history, 5).token = Some(TokenMark(9));
    }),
    ("a dead link that opens", "dead_token", |history| {
        *decided(history, 7) = decided(history, 8).clone();
    }),
    ("a good link that does not", "unjustified", |history| refuse(history, 8, 403, "forbidden")),
    ("a holder who sees the past", "out_of_order", |history| {
        *decided(history, 8) = decided(history, 3).clone();
    }),
    ("a name that is lost", "row_differs", |history| row(history, ADA).shown.name = None),
    ("an answer that shows the old name", "answer_differs", |history| {
        registration_in(history, 5).name = None;
    }),
    ("a correction that did not happen", "answer_differs", |history| {
        registration_in(history, 21).event_version = 5;
        entries(history, BARBARA).pop();
    }),
    ("a correction that makes the ticket worthless", "unjustified", |history| {
        refuse(history, 16, 409, "ticket_refused");
    }),
    ("a correction that makes it somebody else's", "no_transition", |history| {
        entries(history, ADA)[3].kind = Kind::Transferred;
    }),
    ("an address put right to one that is there", "email_twice", |history| {
        let Request::Correct { user_email, .. } = &mut history.operations[6].request else {
            panic!("it is the correction")
        };
        *user_email = Some("barbara".to_owned());
    }),
    ("a correction refused to who is there", "unjustified", |history| {
        refuse(history, 5, 409, "not_correctable");
    }),
    ("a correction refused for the hour", "unjustified", |history| {
        refuse(history, 21, 409, "closed");
    }),
    ("hours that are not those of the edit", "hours_differ", |history| {
        history.events[0].shown.hours = Hours::default();
    }),
    ("a read of other hours", "hours_differ", |history| {
        decided_hours(history, 24).ends_at = None;
    }),
];

#[test]
fn every_corruption_of_hours_is_caught_by_its_rule() {
    assert_caught(CORRUPTIONS, ended);
}

/// A clock that was set back may have shown anything in between: its times prove nothing.
#[test]
fn a_clock_that_was_set_back_proves_no_breach() {
    let mut history = ended();
    edited(&mut history).closes_at = Some(at(26));
    let other = *edited(&mut history);
    *decided_hours(&mut history, 11) = other;
    *decided_hours(&mut history, 24) = other;
    history.events[0].shown.hours = other;
    assert_eq!(judge(&history).violations.len(), 1, "closed too early");
    entries(&mut history, ADA)[0].recorded_at = at(30);
    let verdict = judge(&history);
    assert!(verdict.is_clean(), "{verdict}");
}
