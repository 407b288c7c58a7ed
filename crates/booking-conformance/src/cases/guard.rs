//! The guard for erasure: no personal data of an erased person is left anywhere in a store.

use crate::Fixture;
use crate::deliveries;
use crate::tools::*;
use booking_core::{
    Answer, AnswerText, Answers, AnswersChange, AskedQuestions, BookingStore, Caller, CheckIn,
    Claim, Command, Correct, CorrectedAddress, EventCommand, EventId, FactKind, Fingerprint, Hold,
    HoldTtl, IdempotencyKey, KeyHash, LaneNext, Listed, MailKind, NewEndpoint, NewMail, OnFull,
    Outcome, PageLimit, Person, PersonName, Question, QuestionKey, QuestionKind, Register,
    Registration, RenewLink, Retention, SetQuestions, SinkId, TokenHash, Transfer, Wording,
};
use chrono::TimeDelta;
use uuid::Uuid;

/// A value that identifies the attendee of a registration.
#[derive(PartialEq)]
struct Personal {
    field: &'static str,
    /// How the value may be stored: any of these.
    spellings: Vec<Vec<u8>>,
}

impl Personal {
    fn text(field: &'static str, text: &str) -> Self {
        Self { field, spellings: vec![text.as_bytes().to_vec()] }
    }

    fn hash(field: &'static str, hash: &TokenHash) -> Self {
        let digits: String = hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { field, spellings: vec![hash.as_bytes().to_vec(), digits.into_bytes()] }
    }

    fn is_in(&self, dump: &[u8]) -> bool {
        let holds = |part: &Vec<u8>| dump.windows(part.len()).any(|window| window == part);
        self.spellings.iter().any(holds)
    }
}

/// The personal data of a registration: its person and its manage token. Both structs are destructured in full: the
/// author of a new field has to decide here whether it is personal, and this case fails if it is and
/// `Registration::erase` or a store leaves it.
fn personal(registration: &Registration) -> Vec<Personal> {
    let Registration {
        // Chosen by programs, and all that is left afterwards.
        id: _,
        event_id: _,
        person: Person { user_email, name, answers },
        // The state of the seat, not of the person.
        status: _,
        expires_at: _,
        position: _,
        check_in: _,
        generation: _,
        // Opens the registration: empty after erasure.
        token_hash,
        created_version: _,
        event_version: _,
        created_at: _,
    } = registration;
    let mut personal = vec![Personal::text("user_email", user_email.as_str())];
    personal.extend(name.as_ref().map(|name| Personal::text("name", name.as_str())));
    personal.extend(answers.iter().filter_map(|(_, answer)| match answer {
        Answer::Text(text) => Some(Personal::text("answers", text.as_str())),
        // Values that many attendees share.
        Answer::Several(_) | Answer::YesNo(_) | Answer::Consent(_) => None,
    }));
    personal.extend(token_hash.as_ref().map(|hash| Personal::hash("token_hash", hash)));
    personal
}

fn question_key() -> QuestionKey {
    QuestionKey::parse("diet").expect("a valid key")
}

/// Makes the event ask the questions that are answered here.
async fn ask_something(store: &dyn BookingStore, event_id: EventId) {
    let (key, kind) = (question_key(), QuestionKind::Text);
    let wording = Wording::parse("What do you eat?").expect("valid");
    let mut question = Question::new(key, kind, wording);
    question.is_required = true;
    let asked = AskedQuestions::parse(vec![question]).expect("it is one");
    let set = Box::new(SetQuestions { if_match: None, asked });
    let set = EventCommand::new(event_id, Caller::Operator, Command::SetQuestions(set));
    let outcome = execute_one(store, set).await;
    assert!(matches!(outcome, Outcome::EventChanged(_)), "{outcome:?}");
}

/// A name, an address, an answer and a token that are unique to the `number`th person.
fn who(number: u8) -> (Person, TokenHash) {
    let name = PersonName::parse(&format!("Zerlina Guarded the {number}th")).expect("valid");
    let hash = TokenHash::new(std::array::from_fn(|at| (at as u8).wrapping_mul(37) ^ number));
    let answer = format!("Zerlina's guarded diet, the {number}th");
    let answer = Answer::Text(AnswerText::parse(&answer).expect("valid"));
    let answers = Answers::parse([(question_key(), answer)].into()).expect("it is short");
    let user_email = address(format!("zerlina.guarded.{number}"));
    (Person { user_email, name: Some(name), answers }, hash)
}

fn claim_of(event_id: EventId, number: u8) -> Claim {
    let (person, hash) = who(number);
    let registration_id = new_registration_id(event_id);
    Claim { registration_id, person, token_hash: Some(hash) }
}

/// Takes registrations through every command, each under a key, for people numbered from `first` on, and returns every
/// personal value that was ever stored.
async fn live(store: &dyn BookingStore, event_id: EventId, first: u8) -> Vec<Personal> {
    let mut stored = Vec::new();
    let mut number = first;
    let mut ask = async |command: Command| {
        let id = *Uuid::now_v7().as_bytes();
        let hash = KeyHash::new(std::array::from_fn(|at| id[at % id.len()]));
        let key = IdempotencyKey::new(hash, Fingerprint::new([0; 32]));
        let command = EventCommand::new(event_id, Caller::Operator, command).with_key(Some(key));
        let outcome = execute_one(store, command).await;
        let registration = outcome.registration().cloned();
        let registration = registration.unwrap_or_else(|| panic!("it went badly: {outcome:?}"));
        stored.extend(personal(&registration));
        registration
    };
    let mut next = || {
        number += 1;
        number
    };

    // One that was transferred, corrected and checked in.
    let seat = ask(Command::Register(claim_of(event_id, next()).into())).await;
    let registration_id = seat.id;
    let (person, hash) = who(next());
    ask(Command::Transfer(Transfer { registration_id, person, token_hash: Some(hash) })).await;
    let (Person { user_email, name, answers }, hash) = who(next());
    let address = Some(CorrectedAddress { user_email, token_hash: Some(hash) });
    let answers = Some(AnswersChange::from(&answers));
    ask(Command::Correct(Correct { registration_id, name: Some(name), address, answers })).await;
    let (_, token_hash) = who(next());
    let seat = ask(Command::RenewLink(RenewLink::new(registration_id, token_hash))).await;
    let (generation, scan_id, scanned_at) = (seat.generation, Uuid::now_v7(), None);
    ask(Command::CheckIn(CheckIn { registration_id, generation, scan_id, scanned_at })).await;
    // One cancelled, one held, and one that waits.
    let gone = ask(Command::Register(claim_of(event_id, next()).into())).await;
    ask(Command::Cancel { registration_id: gone.id }).await;
    let hold = Hold { claim: claim_of(event_id, next()), ttl: HoldTtl::default() };
    ask(Command::Hold(hold)).await;
    let wait = Register { on_full: OnFull::Waitlist, ..Register::from(claim_of(event_id, next())) };
    ask(Command::Register(wait)).await;
    stored
}

async fn rows(store: &dyn BookingStore, event: EventId) -> Vec<Registration> {
    read_listed(store, event, Listed::All, PageLimit::MAX).await
}

/// The former holder of the transferred seat, while stored.
async fn former_holder(store: &dyn BookingStore, event_id: EventId) -> Option<Person> {
    let seat = rows(store, event_id).await.remove(0).id;
    let history = store.history(seat, PageLimit::MAX).await.expect("the store answers");
    let mut history = history.expect("it exists").into_iter();
    let transfer = history.find(|entry| entry.kind == FactKind::Transferred).expect("there is one");
    store.former_holder(event_id, seat, transfer.version).await.expect("the store answers")
}

/// Delivers all facts to an endpoint that includes personal data, and by mail. Stored deliveries hold no personal data:
/// messages are rendered from the registration when they are sent.
async fn deliver(store: &dyn BookingStore, sink: SinkId) {
    deliveries::route(store).await;
    let lease = deliveries::new_lease();
    for sink in [sink, SinkId::MAIL] {
        for lane in deliveries::claim_of(store, sink, lease).await {
            let mut step = deliveries::done(&lane, lease, LaneNext::Release);
            for row in rows(store, lane.event_id).await {
                let version = row.event_version;
                if sink == SinkId::MAIL {
                    let mail = deliveries::new_mail(lane.event_id, MailKind::Confirmed);
                    step.mails.push(NewMail { registration_id: row.id, version, ..mail });
                } else {
                    step.deliveries.push(deliveries::arrived(&lane, version.get()));
                }
            }
            assert!(deliveries::advance(store, step).await, "{lane:?}");
        }
    }
}

/// An erased person, erased alone or with an event past its retention, leaves no personal data in any column of any
/// table, nor in any file.
pub async fn erasing_a_person_leaves_nothing_personal(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let one_by_one = create(&*store, 2).await.id;
    let new = new_event("Kept for a day", 2)
        .with(|new| {
            new.details.ends_at = Some(clock.now() + TimeDelta::hours(1));
            new.details.retention = Retention::parse(1).ok();
        })
        .expect("in order");
    let kept_a_day = store.create_event(new).await.expect("the store answers").id;
    store.show_mail().await.expect("the store answers");
    let curious = NewEndpoint { includes_person: true, ..deliveries::new_endpoint(None) };
    let sink = deliveries::add_endpoint(&*store, curious).await.id.into();
    for event in [one_by_one, kept_a_day] {
        ask_something(&*store, event).await;
    }
    let mut stored = live(&*store, one_by_one, 0).await;
    stored.extend(live(&*store, kept_a_day, 100).await);
    deliver(&*store, sink).await;

    // The values are found in the dump before the erasure.
    let dump = fixture.dump_everything().await;
    for (event, first) in [(one_by_one, 1), (kept_a_day, 101)] {
        let former = Person { answers: Answers::default(), ..who(first).0 };
        assert_eq!(former_holder(&*store, event).await, Some(former), "for their mail");
        let rows = rows(&*store, event).await;
        assert_eq!(rows.len(), 4);
        for row in &rows {
            let of_row = personal(row);
            assert_eq!(of_row.len(), 4, "every field is set");
            for personal in &of_row {
                assert!(personal.is_in(&dump), "no {} in all that is dumped", personal.field);
                assert!(stored.contains(personal));
            }
        }
    }

    let people = rows(&*store, one_by_one).await;
    for registration_id in people.iter().map(|row| row.id) {
        let erase =
            EventCommand::new(one_by_one, Caller::Operator, Command::Erase { registration_id });
        let outcome = execute_one(&*store, erase).await;
        assert!(matches!(outcome, Outcome::Erased(_)), "{outcome:?}");
    }
    // Former holders are left only in records.
    for number in 1..=9 {
        let address = who(number).0.user_email;
        store.purge_records_of(&address, PageLimit::MAX).await.expect("the store answers");
    }
    clock.advance_micros(DAY + 3_600 * SECOND);
    let erase = EventCommand::new(kept_a_day, Caller::Operator, Command::EraseDue);
    assert_eq!(execute_one(&*store, erase).await, Outcome::Settled);

    let dump = fixture.dump_everything().await;
    for personal in &stored {
        assert!(!personal.is_in(&dump), "the {} of whoever was erased is there", personal.field);
    }
    let row = rows(&*store, one_by_one).await.remove(0);
    let id = Personal::text("id", row.person.user_email.as_str());
    assert!(id.is_in(&fixture.dump_everything().await), "that somebody was there is known still");
    assert_audit_is_clean(&*store).await;
}
