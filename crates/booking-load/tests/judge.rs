//! The judge accepts a correct history, and rejects it once anything in it is wrong: a negative control for every
//! rule.

#[path = "judge/hours.rs"]
mod hours;

use booking_load::judge::{
    Actor, Answer, EndEvent, EndRegistration, Entry, EventView, FinalResponse, History, Hours,
    Kind, Operation, RegistrationView, Request, Status, Timing, TokenMark, judge,
};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

const EVENT: Uuid = Uuid::from_u128(0xE);
const ADA: Uuid = Uuid::from_u128(1);
const GRACE: Uuid = Uuid::from_u128(2);
const EDSGER: Uuid = Uuid::from_u128(3);
const BARBARA: Uuid = Uuid::from_u128(4);
const KATHERINE: Uuid = Uuid::from_u128(5);
const DONALD: Uuid = Uuid::from_u128(6);

/// The store's time, so many seconds after the beginning.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn shown(id: Uuid, user_email: &str, status: Status, event_version: u64) -> RegistrationView {
    RegistrationView {
        id,
        user_email: user_email.to_owned(),
        name: None,
        status,
        expires_at: None,
        position: None,
        checked_in_at: None,
        timing: None,
        event_version,
        token: None,
    }
}

fn entry(version: u64, kind: Kind, actor: Actor, seconds: i64) -> Entry {
    Entry { version, recorded_at: at(seconds), kind, actor }
}

/// Builds a history in which one request is sent each millisecond and answered half a millisecond later.
#[derive(Default)]
struct Writer(History);

impl Writer {
    fn ask(&mut self, request: Request, decided: FinalResponse) {
        let number = self.0.operations.len() as u64;
        self.0.operations.push(Operation {
            client: 1,
            invoked_at: number * 1_000,
            answered_at: number * 1_000 + 500,
            event_id: EVENT,
            key: (!matches!(request, Request::Read | Request::Visit { .. }))
                .then(|| format!("key-{number}")),
            request,
            answer: Answer::Decided(decided),
        });
    }

    fn answered(&mut self, request: Request, status: u16, registration: RegistrationView) {
        let registration = Some(registration);
        self.ask(request, FinalResponse { status, registration, ..FinalResponse::default() });
    }

    fn answered_event(&mut self, request: Request, status: u16, event: EventView) {
        self.ask(request, FinalResponse { status, event: Some(event), ..FinalResponse::default() });
    }

    fn refused(&mut self, request: Request, code: &str) {
        let code = Some(code.to_owned());
        self.ask(request, FinalResponse { status: 409, code, ..FinalResponse::default() });
    }

    fn row(&mut self, shown: RegistrationView, history: Option<Vec<Entry>>) {
        add_row(&mut self.0, shown, history);
    }
}

fn register(user_email: &str, waits: bool) -> Request {
    Request::Register { user_email: user_email.to_owned(), waits }
}

fn event(capacity: u32, booked_count: u32, waitlist_count: u32, version: u64) -> EventView {
    let hours = Hours::default();
    EventView { capacity, booked_count, waitlist_count, version, hours, is_settled: true }
}

/// Two seats, and everything that can happen to them.
fn good() -> History {
    use Actor::{Attendee, Organizer, System};
    let mut run = Writer::default();
    let create =
        Request::Create { capacity: 2, waitlist_enabled: true, offer_ttl_seconds: Some(60) };
    run.answered_event(create, 201, event(2, 0, 0, 1));
    run.answered(register("ada", false), 201, shown(ADA, "ada", Status::Confirmed, 2));
    let held =
        RegistrationView { expires_at: Some(at(60)), ..shown(GRACE, "grace", Status::Held, 3) };
    run.answered(Request::Hold { user_email: "grace".into(), ttl_seconds: 60 }, 201, held);
    run.refused(register("katherine", false), "all_held");
    let first =
        RegistrationView { position: Some(1), ..shown(EDSGER, "edsger", Status::Waitlisted, 4) };
    run.answered(register("edsger", true), 202, first);
    let second =
        RegistrationView { position: Some(2), ..shown(BARBARA, "barbara", Status::Waitlisted, 5) };
    run.answered(register("barbara", true), 202, second);
    run.refused(register("ada", false), "already_registered");
    run.refused(Request::Confirm { id: BARBARA }, "not_offered");
    // Ada gives her seat up; it is offered to Edsger, who takes it.
    let cancelled = shown(ADA, "ada", Status::Cancelled, 6);
    run.answered(Request::Cancel { id: ADA }, 200, cancelled.clone());
    run.answered(Request::Cancel { id: ADA }, 200, cancelled);
    let taken = shown(EDSGER, "edsger", Status::Confirmed, 8);
    run.answered(Request::Confirm { id: EDSGER }, 200, taken);
    // Grace's hold expires, so Barbara gets the seat.
    run.refused(Request::Confirm { id: GRACE }, "hold_expired");
    run.answered(
        Request::Confirm { id: BARBARA },
        200,
        shown(BARBARA, "barbara", Status::Confirmed, 11),
    );
    let transfer = Request::Transfer { id: EDSGER, user_email: "alan".into(), name: None };
    run.answered(transfer, 200, shown(EDSGER, "alan", Status::Confirmed, 12));
    let inside = RegistrationView {
        checked_in_at: Some(at(80)),
        timing: Some(Timing::OnTime),
        ..shown(EDSGER, "alan", Status::Confirmed, 13)
    };
    run.answered(Request::CheckIn { id: EDSGER }, 201, inside);
    run.refused(Request::Cancel { id: EDSGER }, "not_cancellable");
    run.refused(Request::CheckIn { id: EDSGER }, "already_checked_in");
    let outside = shown(EDSGER, "alan", Status::Confirmed, 14);
    run.answered(Request::UndoCheckIn { id: EDSGER }, 200, outside.clone());
    let edit = |capacity, if_version| Request::Edit {
        name: format!("for {capacity}"),
        capacity,
        if_version,
        hours: None,
    };
    run.refused(edit(1, None), "capacity_below_booked");
    run.refused(edit(9, Some(3)), "version_mismatch");
    // Donald waits, and the edit that adds seats gives him one in the same transaction.
    let waits =
        RegistrationView { position: Some(1), ..shown(DONALD, "donald", Status::Waitlisted, 15) };
    run.answered(register("donald", true), 202, waits);
    run.answered_event(edit(4, None), 200, event(4, 3, 0, 17));
    let katherine = shown(KATHERINE, "katherine", Status::Confirmed, 18);
    run.answered(register("katherine", false), 201, katherine.clone());
    run.answered_event(Request::Read, 200, event(4, 4, 0, 18));
    let donald = shown(DONALD, "donald", Status::Confirmed, 19);
    run.answered(Request::Confirm { id: DONALD }, 200, donald.clone());
    let last = RegistrationView {
        position: Some(1),
        ..shown(Uuid::from_u128(7), "tony", Status::Waitlisted, 20)
    };
    run.answered(register("tony", true), 202, last.clone());

    run.0.events.push(EndEvent { id: EVENT, shown: event(4, 4, 1, 20) });
    run.row(shown(ADA, "ada", Status::Cancelled, 6), None);
    run.row(
        shown(GRACE, "grace", Status::Expired, 9),
        Some(vec![entry(3, Kind::Held, Attendee, 0), entry(9, Kind::Expired, System, 61)]),
    );
    run.row(
        outside,
        Some(vec![
            entry(4, Kind::Waitlisted, Attendee, 1),
            entry(7, Kind::Offered, System, 2),
            entry(8, Kind::Confirmed, Organizer, 3),
            entry(12, Kind::Transferred, Organizer, 70),
            entry(13, Kind::CheckedIn, Organizer, 80),
            entry(14, Kind::CheckInUndone, Organizer, 81),
        ]),
    );
    run.row(
        shown(BARBARA, "barbara", Status::Confirmed, 11),
        Some(vec![
            entry(5, Kind::Waitlisted, Attendee, 1),
            entry(10, Kind::Offered, System, 61),
            entry(11, Kind::Confirmed, Organizer, 62),
        ]),
    );
    run.row(
        donald,
        Some(vec![
            entry(15, Kind::Waitlisted, Attendee, 82),
            entry(17, Kind::Offered, System, 83),
            entry(19, Kind::Confirmed, Organizer, 84),
        ]),
    );
    run.row(katherine, None);
    run.row(last, Some(vec![entry(20, Kind::Waitlisted, Attendee, 85)]));
    run.0
}

#[test]
fn a_correct_history_is_clean_and_its_coverage_is_reported() {
    let verdict = judge(&good());
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!((verdict.events, verdict.changes), (1, 20));
    let wanted = [
        "Registered",
        "Held",
        "Waitlisted",
        "EventEdited",
        "Waitlisted -> Offered",
        "Offered -> Confirmed",
        "Held -> Expired",
        "Confirmed -> Cancelled",
        "Confirmed -> Transferred",
        "Confirmed -> CheckedIn",
        "register: 409 all_held",
        "cancel: 409 not_cancellable",
    ];
    assert_eq!(verdict.coverage.missing(&wanted), [""; 0]);
    assert_eq!(verdict.coverage.missing(&["Held", "Offered -> Expired"]), ["Offered -> Expired"]);
}

#[test]
fn a_history_survives_a_round_trip_through_a_file() {
    let good = good();
    let mut read = History::default();
    for record in good.records() {
        let line = serde_json::to_string(&record).expect("it is plain data");
        read.read_line(&line).expect("it is a record");
    }
    assert_eq!(read, good);
    assert!(read.read_line("{}").is_err());
}

/// The decision on the request of this number.
fn decided(history: &mut History, number: usize) -> &mut FinalResponse {
    match &mut history.operations[number].answer {
        Answer::Decided(decided) => decided,
        other => panic!("{other:?}"),
    }
}

fn registration_in(history: &mut History, number: usize) -> &mut RegistrationView {
    decided(history, number).registration.as_mut().expect("it tells of a registration")
}

fn row(history: &mut History, id: Uuid) -> &mut EndRegistration {
    history.registrations.iter_mut().find(|row| row.shown.id == id).expect("it is there")
}

fn entries(history: &mut History, id: Uuid) -> &mut Vec<Entry> {
    row(history, id).history.as_mut().expect("its history was read")
}

fn add_row(history: &mut History, shown: RegistrationView, entries: Option<Vec<Entry>>) {
    let row = EndRegistration { event_id: EVENT, shown, history: entries };
    history.registrations.push(row);
}

/// The seats that the request of this number asks for.
fn capacity(history: &mut History, number: usize) -> &mut u32 {
    match &mut history.operations[number].request {
        Request::Create { capacity, .. } | Request::Edit { capacity, .. } => capacity,
        other => panic!("{other:?}"),
    }
}

/// Has the request of this number refused.
fn refuse(history: &mut History, number: usize, status: u16, code: &str) {
    let code = Some(code.to_owned());
    *decided(history, number) = FinalResponse { status, code, ..FinalResponse::default() };
}

/// The same request, sent again later.
fn again(history: &mut History, number: usize, answer: Answer) {
    let first = history.operations[number].clone();
    let (invoked_at, answered_at) = (1_000_000, 1_000_500);
    history.operations.push(Operation { invoked_at, answered_at, answer, ..first });
}

/// A copy of the request of this number, with the same answer; and its own number.
fn another(history: &mut History, number: usize, (invoked_at, answered_at): (u64, u64)) -> usize {
    let like = history.operations[number].clone();
    let key = Some(format!("another-{invoked_at}"));
    history.operations.push(Operation { invoked_at, answered_at, key, ..like });
    history.operations.len() - 1
}

type Corruption = (&'static str, &'static str, fn(&mut History));

/// Corruptions of a correct history, and the rule that each breaks.
const CORRUPTIONS: &[Corruption] = &[
    ("a 201 without a row", "lost", |history| {
        history.registrations.retain(|row| row.shown.id != KATHERINE);
    }),
    ("a row that nobody asked for", "phantom", |history| {
        let stranger = shown(Uuid::from_u128(99), "stranger", Status::Confirmed, 21);
        let entries = vec![entry(21, Kind::Registered, Actor::Attendee, 90)];
        add_row(history, stranger, Some(entries));
    }),
    ("a row listed twice", "listed_twice", |history| {
        let again = row(history, KATHERINE).clone();
        history.registrations.push(again);
    }),
    ("an event that is gone", "event_missing", |history| history.events.clear()),
    ("a version given twice", "version_twice", |history| {
        registration_in(history, 22).event_version = 15;
        row(history, KATHERINE).shown.event_version = 15;
    }),
    ("a version that nobody made", "version_missing", |history| {
        entries(history, EDSGER).pop();
    }),
    ("an edit that made no version", "edit_lost", |history| {
        let edit = decided(history, 21).event.as_mut().expect("it tells of the event");
        edit.version = 14;
    }),
    ("the same edit's version told for two", "version_twice", |history| {
        let Operation { invoked_at, answered_at, .. } = history.operations[21];
        another(history, 21, (invoked_at, answered_at));
    }),
    ("more seats taken than there are", "oversold", |history| *capacity(history, 0) = 1),
    ("capacity below those who have a seat", "oversold", |history| *capacity(history, 21) = 1),
    ("two live registrations of one address", "email_twice", |history| {
        for operation in &mut history.operations {
            if let Request::Register { user_email, .. } = &mut operation.request
                && user_email == "barbara"
            {
                *user_email = "edsger".into();
            }
        }
    }),
    ("a transfer to an address that is there", "email_twice", |history| {
        let Request::Transfer { user_email, .. } = &mut history.operations[13].request else {
            panic!("it is the transfer")
        };
        *user_email = "barbara".into();
    }),
    ("the queue in another order", "queue_jumped", |history| {
        entries(history, EDSGER)[0].version = 5;
        entries(history, BARBARA)[0].version = 4;
    }),
    ("a seat given while somebody waits", "queue_jumped", |history| {
        entries(history, GRACE)[0].version = 5;
        entries(history, BARBARA)[0].version = 3;
    }),
    ("somebody waits while there is a seat", "waited_in_vain", |history| {
        entries(history, GRACE)[0].version = 4;
        entries(history, EDSGER)[0].version = 3;
    }),
    ("a seat nobody is offered", "waited_in_vain", |history| *capacity(history, 21) = 9),
    ("a change that is no transition", "no_transition", |history| {
        entries(history, GRACE)[1].kind = Kind::CheckedIn;
    }),
    ("somebody served who does not wait", "no_transition", |history| {
        entries(history, EDSGER)[2].actor = Actor::System;
    }),
    ("an offer where the event makes none", "no_transition", |history| {
        let Request::Create { offer_ttl_seconds, .. } = &mut history.operations[0].request else {
            panic!("the first request creates the event")
        };
        *offer_ttl_seconds = None;
    }),
    ("an offer taken after its end", "confirmed_late", |history| {
        entries(history, BARBARA)[2].recorded_at = at(61 + 60);
    }),
    ("a hold ended before its end", "expired_early", |history| {
        entries(history, GRACE)[1].recorded_at = at(59);
    }),
    ("a cancellation that did not happen", "change_missing", |history| {
        registration_in(history, 12).event_version = 20;
    }),
    ("an answer with another status", "answer_differs", |history| {
        registration_in(history, 12).status = Status::Held;
    }),
    ("an answer with another address", "answer_differs", |history| {
        registration_in(history, 12).user_email = "somebody".into();
    }),
    ("a check-in that let nobody in", "answer_differs", |history| {
        registration_in(history, 14).checked_in_at = None;
    }),
    ("another place told than was taken", "answer_differs", |history| {
        registration_in(history, 5).position = Some(3);
    }),
    ("an end told that is not an offer's", "row_differs", |history| {
        // Donald's offer is still open.
        entries(history, DONALD).pop();
        row(history, DONALD).shown.status = Status::Offered;
        row(history, DONALD).shown.expires_at = Some(at(0));
    }),
    ("a change older than what was known before", "out_of_order", |history| {
        // Katherine registered long after her answer.
        history.operations[22].invoked_at = 900_000;
        history.operations[22].answered_at = 900_500;
    }),
    ("a read of the past", "out_of_order", |history| {
        decided(history, 23).event = Some(event(4, 3, 0, 17));
    }),
    ("a read of what never was", "read_differs", |history| {
        decided(history, 23).event = Some(event(4, 2, 0, 18));
    }),
    ("a refusal without a reason", "unjustified", |history| {
        refuse(history, 12, 409, "hold_expired");
    }),
    ("sold out while there is a seat", "unjustified", |history| {
        let early = another(history, 1, (700, 900));
        refuse(history, early, 409, "sold_out");
    }),
    ("an answer that the contract does not know", "unexpected", |history| {
        decided(history, 3).code = Some("teapot".into());
    }),
    ("a success that tells nothing", "unexpected", |history| {
        decided(history, 23).event = None;
    }),
    ("an unknown left open", "unknown_left_open", |history| {
        history.operations[22].answer = Answer::Unknown { why: "hung_up".into() };
    }),
    ("a request never decided", "never_decided", |history| {
        history.operations[3].answer = Answer::Undone { status: 503 };
    }),
    ("a replay that says something else", "answered_twice", |history| {
        let other = Some(shown(KATHERINE, "katherine", Status::Confirmed, 19));
        let replayed = FinalResponse {
            status: 201,
            registration: other,
            replayed: true,
            ..FinalResponse::default()
        };
        again(history, 22, Answer::Decided(replayed));
    }),
    ("a refusal that is another when it is asked for again", "refusal_forgotten", |history| {
        let early = another(history, 22, (700, 900));
        refuse(history, early, 409, "sold_out");
        let code = Some("all_held".into());
        again(
            history,
            early,
            Answer::Decided(FinalResponse { status: 409, code, ..FinalResponse::default() }),
        );
    }),
    ("a trace of what was said to be undone", "out_of_order", |history| {
        let Answer::Decided(decided) = history.operations[22].answer.clone() else {
            panic!("it was decided")
        };
        history.operations[22].answer = Answer::Undone { status: 503 };
        again(history, 22, Answer::Decided(FinalResponse { replayed: true, ..decided }));
    }),
    ("a row with another status", "row_differs", |history| {
        row(history, KATHERINE).shown.status = Status::Held;
    }),
    ("a row of somebody else", "row_differs", |history| {
        row(history, EDSGER).shown.user_email = "edsger".into();
    }),
    ("another place in the queue", "row_differs", |history| {
        row(history, Uuid::from_u128(7)).shown.position = Some(2);
    }),
    ("a count that is not the rows'", "event_differs", |history| {
        history.events[0].shown.booked_count = 3;
    }),
    ("a version too many", "event_differs", |history| history.events[0].shown.version = 21),
];

#[test]
fn every_corruption_is_caught_by_its_rule() {
    assert_caught(CORRUPTIONS, good);
}

fn assert_caught(corruptions: &[Corruption], good: fn() -> History) {
    for (what, rule, corrupt) in corruptions {
        let mut history = good();
        corrupt(&mut history);
        let verdict = judge(&history);
        assert!(verdict.count(rule) > 0, "{what}: not caught as {rule}\n{verdict}");
    }
}

/// Impossible versions must not take for ever.
#[test]
fn an_absurd_version_is_rejected_in_bounded_time() {
    let mut history = good();
    entries(&mut history, GRACE)[1].version = u64::MAX;
    assert!(judge(&history).count("version_missing") > 0);
    let mut empty_of_operations = good();
    empty_of_operations.operations.clear();
    assert!(!judge(&empty_of_operations).is_clean());
}

/// A lost answer that is found by resending the request is no breach.
#[test]
fn an_unknown_outcome_that_is_decided_later_is_clean() {
    let mut history = good();
    let first = history.operations[22].clone();
    let lost = Answer::Unknown { why: "hung_up".into() };
    history.operations[22] = Operation { answer: lost, ..first.clone() };
    let Answer::Decided(decided) = first.answer.clone() else { panic!("it was decided") };
    let answer = Answer::Decided(FinalResponse { replayed: true, ..decided });
    history.operations.push(Operation { invoked_at: 22_600, answered_at: 22_900, answer, ..first });
    let verdict = judge(&history);
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!(verdict.coverage.of("unknown, then decided"), 1);
}

/// Where a load permits that a refusal's record expires, the later decision counts like any other.
#[test]
fn a_decision_after_an_expired_refusal_is_judged() {
    let mut history = good();
    history.operations[22].key = history.operations[3].key.clone();
    let verdict = judge(&history);
    assert_eq!((verdict.count("refusal_forgotten"), verdict.violations.len()), (1, 1), "{verdict}");
    assert!(verdict.permitting("refusal_forgotten").is_clean());
    history.registrations.retain(|row| row.shown.id != KATHERINE);
    let verdict = judge(&history).permitting("refusal_forgotten");
    assert_eq!(verdict.count("lost"), 1, "{verdict}");
    // The other way round it is no refusal whose record expired.
    let mut history = good();
    let granted = history.operations[3].answer.clone();
    history.operations[3].answer = history.operations[22].answer.clone();
    history.operations[22].answer = granted;
    history.operations[22].key = history.operations[3].key.clone();
    assert_eq!(judge(&history).count("answered_twice"), 1);
}

/// Writes a history to a file of its own in the folder for test files.
fn file(name: &str, history: &History) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let line = |record| serde_json::to_string(&record).expect("it is plain data") + "\n";
    std::fs::write(&path, history.records().map(line).collect::<String>()).expect("it is ours");
    path
}

/// The program's exit status and output.
fn check(path: &std::path::Path, more: &[&str]) -> (Option<i32>, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_booking-load"))
        .args(["judge", "--check"])
        .arg(path)
        .args(more)
        .output()
        .expect("the program can be run");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&printed).into_owned())
}

#[test]
fn the_program_judges_a_recorded_history() {
    let path = file("good.jsonl", &good());
    let (status, text) = check(&path, &["--reach", "Held -> Expired"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("every rule held"), "{text}");
    let (status, text) = check(&path, &["--reach", "Offered -> Expired"]);
    assert_eq!(status, Some(1));
    assert!(text.contains("never occurred: Offered -> Expired"), "{text}");

    let mut bad = good();
    bad.registrations.pop();
    let (status, text) = check(&file("bad.jsonl", &bad), &[]);
    assert_eq!(status, Some(1));
    assert!(text.contains("lost in event"), "{text}");

    let nonsense = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("nonsense.jsonl");
    std::fs::write(&nonsense, "{}\n").expect("it is ours");
    let (status, text) = check(&nonsense, &[]);
    assert_eq!(status, Some(2));
    assert!(text.contains("line 1"), "{text}");
}
