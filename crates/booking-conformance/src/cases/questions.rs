//! The questions of an event, and their answers.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    Answer, AnswerFault, AnswerText, Answers, AnswersChange, AskedQuestions, BookingStore, Caller,
    CheckIn, Command, Correct, Event, EventCommand, EventId, FormerWording, Hold, HoldTtl, Listed,
    OptionLabel, Outcome, PageLimit, Person, Question, QuestionKey, QuestionKind, QuestionOption,
    Questions, Refusal, Registration, RegistrationId, SetQuestions, Transfer, Wording,
};
use uuid::Uuid;

fn key(text: &str) -> QuestionKey {
    QuestionKey::parse(text).expect("a valid key")
}

fn question(name: &str, kind: QuestionKind, wording: &str, is_required: bool) -> Question {
    let option = |name| QuestionOption::new(key(name), OptionLabel::parse(name).expect("valid"));
    let mut question = Question::new(key(name), kind, Wording::parse(wording).expect("valid"));
    question.is_required = is_required;
    if kind.has_options() {
        question.options = vec![option("a"), option("b")];
    }
    question
}

/// One question of each kind, of which one is required.
fn all_kinds() -> Vec<Question> {
    vec![
        question("name", QuestionKind::Text, "What is on your badge?\n\tIn one line.", true),
        question("diet", QuestionKind::Choice, "What do you eat?", false),
        question("days", QuestionKind::Several, "When do you come?", false),
        question("car", QuestionKind::YesNo, "Do you come by car?", false),
        question("terms", QuestionKind::Consent, "I agree to be filmed.", false),
    ]
}

fn text(text: &str) -> Answer {
    Answer::Text(AnswerText::parse(text).expect("valid"))
}

fn answers<const N: usize>(given: [(&str, Answer); N]) -> Answers {
    Answers::parse(given.into_iter().map(|(name, answer)| (key(name), answer)).collect())
        .expect("they are short")
}

/// An answer to each of them.
fn all_answers() -> Answers {
    answers([
        ("name", text("Ada \u{1f680}, \"Countess\"")),
        ("diet", text("b")),
        ("days", Answer::Several([key("a"), key("b")].into())),
        ("car", Answer::YesNo(false)),
        ("terms", Answer::Consent(1)),
    ])
}

fn set(event_id: EventId, questions: Vec<Question>) -> EventCommand {
    let asked = AskedQuestions::parse(questions).expect("they are questions");
    let set = Box::new(SetQuestions { if_match: None, asked });
    EventCommand::new(event_id, Caller::Operator, Command::SetQuestions(set))
}

async fn asking(store: &dyn BookingStore, capacity: u32, questions: Vec<Question>) -> Event {
    let event = create(store, capacity).await;
    changed(execute_one(store, set(event.id, questions)).await)
}

#[track_caller]
fn changed(outcome: Outcome) -> Event {
    match outcome {
        Outcome::EventChanged(event) => *event,
        other => panic!("not changed: {other:?}"),
    }
}

/// A visitor who gives these answers.
fn register_with(event_id: EventId, who: &str, answers: Answers) -> EventCommand {
    let mut claim = claim(event_id, who);
    claim.person.answers = answers;
    claim.token_hash = Some(token_hash(7));
    EventCommand::new(event_id, Caller::Anyone, Command::Register(claim.into()))
}

fn correct(of: &Registration, change: AnswersChange) -> EventCommand {
    let correct = Correct { answers: Some(change), ..Correct::new(of.id) };
    let holder = Caller::Attendee(token_hash(7));
    EventCommand::new(of.event_id, holder, Command::Correct(correct))
}

fn change<const N: usize>(changed: [(&str, Option<Answer>); N]) -> AnswersChange {
    let change = changed.into_iter().map(|(name, answer)| (key(name), answer));
    AnswersChange::parse(change.collect()).expect("they are short")
}

fn refused(name: &str, why: AnswerFault) -> Outcome {
    Outcome::Refused(Refusal::AnswerRefused { key: key(name), why })
}

async fn questions(store: &dyn BookingStore, id: EventId) -> Questions {
    store.questions(id).await.expect("the store answers").expect("it exists")
}

async fn answers_of(store: &dyn BookingStore, id: RegistrationId) -> Answers {
    let found = store.registration(id).await.expect("the store answers").expect("it exists");
    found.person.answers
}

/// The questions of an event are stored in order, and the event says whether it has any. Setting them makes a version;
/// repeating it changes nothing.
pub async fn the_questions_of_an_event_are_stored(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = create(&*store, 9).await;
    let beside = create_beside(&*store, &event, 9).await;
    assert!(!event.asks);
    assert_eq!(questions(&*store, event.id).await, Questions::NONE);
    let nowhere = store.questions(Uuid::now_v7().into()).await.expect("the store answers");
    assert_eq!(nowhere, None);

    let asked = changed(execute_one(&*store, set(event.id, all_kinds())).await);
    assert!(asked.asks);
    assert_eq!(asked.version, event.version.next());
    let elsewhere = fixture.open(None).await;
    assert_eq!(elsewhere.event(event.id).await.expect("it answers"), Some(asked.clone()));
    let kept = questions(&*elsewhere, event.id).await;
    assert_eq!(
        kept.all().iter().map(|kept| kept.question.clone()).collect::<Vec<_>>(),
        all_kinds(),
        "what it asks is kept"
    );
    assert_eq!(changed(execute_one(&*store, set(event.id, all_kinds())).await), asked);
    assert_eq!(questions(&*elsewhere, beside.id).await, Questions::NONE, "that is another's");
    let listed = elsewhere.events(Caller::Operator, None, PageLimit::MAX).await;
    let listed = listed.expect("the store answers").items;
    let says = |id| listed.iter().find(|event| event.id == id).map(|event| event.asks);
    assert_eq!((says(event.id), says(beside.id)), (Some(true), Some(false)));

    // Only by a caller that manages it, only in a state that the precondition names, and not once it is cancelled.
    let by_anyone = set(event.id, Vec::new()).by(Caller::Anyone);
    assert_eq!(execute_one(&*store, by_anyone).await, EVENT_NOT_FOUND);
    let old = SetQuestions { if_match: Some(event.version.into()), ..SetQuestions::default() };
    let old = EventCommand::new(event.id, Caller::Operator, Command::SetQuestions(Box::new(old)));
    let mismatch = Refusal::VersionMismatch { current: asked.version };
    assert_eq!(execute_one(&*store, old).await, Outcome::Refused(mismatch));
    let none = changed(execute_one(&*store, set(event.id, Vec::new())).await);
    assert!(!none.asks);
    assert_eq!(questions(&*store, event.id).await, Questions::NONE, "nobody has answered");
    let cancel = EventCommand::new(event.id, Caller::Operator, Command::CancelEvent);
    changed(execute_one(&*store, cancel).await);
    let late = execute_one(&*store, set(event.id, all_kinds())).await;
    assert_eq!(late, Outcome::Refused(Refusal::Closed));
    assert_audit_is_clean(&*store).await;
}

/// A visitor must answer the required questions to get a seat; an organizer who registers them need not.
pub async fn a_visitor_must_answer_required_questions(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = asking(&*store, 2, all_kinds()).await;
    let nothing = execute_one(&*store, register_with(event.id, "ada", Answers::default())).await;
    assert_eq!(nothing, refused("name", AnswerFault::Missing));
    let wrong = answers([("name", text("Ada")), ("diet", text("c"))]);
    let wrong = execute_one(&*store, register_with(event.id, "ada", wrong)).await;
    assert_eq!(wrong, refused("diet", AnswerFault::NotAnOption));
    let unasked = answers([("name", text("Ada")), ("age", text("7"))]);
    let unasked = execute_one(&*store, register_with(event.id, "ada", unasked)).await;
    assert_eq!(unasked, refused("age", AnswerFault::NoQuestion));
    assert_eq!(read(&*store, event.id).await.booked_count, 0);

    let command = register_with(event.id, "ada", all_answers());
    let ada = confirmed(execute_one(&*store, command.clone()).await);
    assert_eq!(ada.person.answers, all_answers());
    assert_eq!(confirmed(execute_one(&*store, command).await), ada, "executed again");
    let elsewhere = fixture.open(None).await;
    assert_eq!(answers_of(&*elsewhere, ada.id).await, all_answers());
    let listed = read_listed(&*elsewhere, event.id, Listed::Seated, PageLimit::MAX).await;
    assert_eq!(listed, [ada]);
    let by_organizer = confirmed(execute_one(&*store, register(event.id, "grace")).await);
    assert!(by_organizer.person.answers.is_empty());

    // An event without questions takes no answers.
    let silent = create(&*store, 2).await;
    let answered = execute_one(&*store, register_with(silent.id, "ada", all_answers())).await;
    assert!(matches!(answered, Outcome::Refused(Refusal::AnswerRefused { .. })), "{answered:?}");
    confirmed(execute_one(&*store, register_with(silent.id, "ada", Answers::default())).await);
    assert_audit_is_clean(&*store).await;
}

/// Answers stay with their registration, except in a transfer.
pub async fn answers_stay_with_their_registration(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let event = asking(&*store, 9, all_kinds()).await;
    let mut of_ada = claim(event.id, "ada");
    of_ada.token_hash = Some(token_hash(7));
    of_ada.person.answers = answers([("diet", text("a"))]);
    let ttl = HoldTtl::parse(600).expect("valid");
    let held = Command::Hold(Hold { claim: of_ada, ttl });
    let held = execute_one(&*store, EventCommand::new(event.id, Caller::Anyone, held)).await;
    let Outcome::Held(held) = held else { panic!("what has to be answered can wait: {held:?}") };
    let registration_id = held.id;
    let holder = Caller::Attendee(token_hash(7));
    let confirm = |answers| {
        let confirm = Command::Confirm { registration_id, answers };
        EventCommand::new(event.id, holder, confirm)
    };
    let early = execute_one(&*store, confirm(Answers::default())).await;
    assert_eq!(early, refused("name", AnswerFault::Missing));
    let named = answers([("name", text("Ada"))]);
    let ada = confirmed(execute_one(&*store, confirm(named)).await);
    let both = answers([("name", text("Ada")), ("diet", text("a"))]);
    assert_eq!(ada.person.answers, both);
    assert_eq!(answers_of(&*store, ada.id).await, both);

    // The attendee may change an answer, but not remove a required one.
    let back = execute_one(&*store, correct(&ada, change([("name", None)]))).await;
    assert_eq!(back, refused("name", AnswerFault::Missing));
    let other = change([("diet", None), ("car", Some(Answer::YesNo(true)))]);
    let Outcome::Corrected(corrected) = execute_one(&*store, correct(&ada, other.clone())).await
    else {
        panic!("not corrected")
    };
    let now = answers([("name", text("Ada")), ("car", Answer::YesNo(true))]);
    assert_eq!(corrected.person.answers, now);
    assert_eq!(corrected.event_version, read(&*store, event.id).await.version);
    let again = execute_one(&*store, correct(&ada, other)).await;
    assert_eq!(again, Outcome::Corrected(corrected), "it is so already, and makes no version");

    let scan_id = Uuid::now_v7();
    let (generation, scanned_at) = (ada.generation, None);
    let scan = CheckIn { registration_id, generation, scan_id, scanned_at };
    let scan = EventCommand::new(event.id, Caller::Operator, Command::CheckIn(scan));
    let Outcome::CheckedIn(admitted) = execute_one(&*store, scan).await else { panic!("not in") };
    assert_eq!(admitted.registration.person.answers, now);
    let undo = Command::UndoCheckIn { registration_id };
    execute_one(&*store, EventCommand::new(event.id, Caller::Operator, undo)).await;

    let person = Person { answers: answers([("diet", text("b"))]), ..address("grace").into() };
    let pass_on = Command::Transfer(Transfer { registration_id, person, token_hash: None });
    let given = execute_one(&*store, EventCommand::new(event.id, holder, pass_on)).await;
    let Outcome::Transferred(given) = given else { panic!("not transferred: {given:?}") };
    assert_eq!(given.person.answers, answers([("diet", text("b"))]), "of whoever has it now");
    let Outcome::Cancelled(gone) = execute_one(&*store, cancel(&given)).await else {
        panic!("not cancelled")
    };
    assert_eq!(gone.person.answers, answers([("diet", text("b"))]));
    assert_eq!(answers_of(&*fixture.open(None).await, given.id).await, gone.person.answers);
    assert_audit_is_clean(&*store).await;
}

/// An answered question keeps its meaning: it can be retired, but not changed. That it was answered is known to all
/// callers, and to the next command of the same batch.
pub async fn an_answered_question_can_only_be_retired(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let badge = |wording: &str| vec![question("name", QuestionKind::Text, wording, false)];
    let event = asking(&*store, 9, badge("Your name?")).await;
    changed(execute_one(&*store, set(event.id, badge("Your badge?"))).await);
    let answer = answers([("name", text("Ada"))]);
    let batch = [register_with(event.id, "ada", answer.clone()), set(event.id, badge("Your pet?"))];
    let done = execute(&*store, &batch).await;
    let ada = confirmed(done[0].clone());
    let answered = Outcome::Refused(Refusal::QuestionAnswered { key: key("name") });
    assert_eq!(done[1], answered);
    let elsewhere = fixture.open(None).await;
    assert!(questions(&*elsewhere, event.id).await.all()[0].is_answered);
    assert_eq!(execute_one(&*elsewhere, set(event.id, badge("Your pet?"))).await, answered);

    let retired = changed(execute_one(&*store, set(event.id, Vec::new())).await);
    assert!(!retired.asks);
    let kept = questions(&*elsewhere, event.id).await;
    assert!(kept.all()[0].is_retired && kept.asked().next().is_none());
    assert_eq!(answers_of(&*elsewhere, ada.id).await, answer, "it stays");
    let late = execute_one(&*store, register_with(event.id, "grace", answer)).await;
    assert!(matches!(late, Outcome::Refused(Refusal::AnswerRefused { .. })), "{late:?}");
    confirmed(execute_one(&*store, register_with(event.id, "grace", Answers::default())).await);
    // An answer to a retired question can be removed.
    let Outcome::Corrected(silent) =
        execute_one(&*store, correct(&ada, change([("name", None)]))).await
    else {
        panic!("not corrected")
    };
    assert!(silent.person.answers.is_empty());
    let again = changed(execute_one(&*store, set(event.id, badge("Your badge?"))).await);
    assert!(again.asks);
    assert_audit_is_clean(&*store).await;
}

/// A consent is stored with the wording that was agreed to; later attendees agree to the current one.
pub async fn every_wording_of_a_consent_is_stored(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let worded = |wording: &str| vec![question("terms", QuestionKind::Consent, wording, true)];
    let event = asking(&*store, 9, worded("I agree to be seen.")).await;
    let agrees = |to| answers([("terms", Answer::Consent(to))]);
    let ada = confirmed(execute_one(&*store, register_with(event.id, "ada", agrees(1))).await);
    clock.advance_micros(SECOND);
    changed(execute_one(&*store, set(event.id, worded("I agree to be filmed."))).await);
    let outdated = execute_one(&*store, register_with(event.id, "grace", agrees(1))).await;
    assert_eq!(outdated, refused("terms", AnswerFault::OtherWording { version: 2 }));
    confirmed(execute_one(&*store, register_with(event.id, "grace", agrees(2))).await);
    let kept = questions(&*fixture.open(None).await, event.id).await;
    let wording = Wording::parse("I agree to be seen.").expect("valid");
    let [FormerWording { version: 1, wording: former, replaced_at, .. }] =
        &kept.all()[0].former_wordings[..]
    else {
        panic!("the wording that ada agreed to is kept: {kept:?}")
    };
    assert_eq!((kept.all()[0].version, former, *replaced_at), (2, &wording, clock.now()));
    assert_eq!(answers_of(&*store, ada.id).await, agrees(1));
    assert_audit_is_clean(&*store).await;
}
