//! The next step of a history: any command or read, of few events and few people, so that they meet often.

use crate::optional::OptionalFields;
use crate::tools::{DAY, ManualClock, SECOND, capacity, new_event, organizer_id, token_hash};
use booking_core::{
    Answer, AnswerText, Answers, AnswersChange, AskedQuestions, Caller, CheckIn, Claim, Command,
    Contact, Correct, CorrectedAddress, Description, Edit, EmailAddress, EventCommand, EventCursor,
    EventId, EventName, EventRules, EventStatus, EventTag, Execution, Fingerprint, Hold, HoldTtl,
    IdempotencyKey, KeyHash, Language, Listed, NewEvent, OfferTtl, OnFull, OptionLabel,
    OrganizerId, OrganizerName, Outcome, PageLimit, Person, PersonName, Precondition, Question,
    QuestionKey, QuestionKind, QuestionOption, Register, Registration, RegistrationCursor,
    RegistrationId, RemindHours, RenewLink, RequestId, Retention, SetQuestions, TimeZone, Transfer,
    Venue, Version, Wording,
};
use fastrand::Rng;
use std::collections::BTreeMap;
use uuid::Uuid;

const EVENTS_MAX: usize = 6;
const CAPACITY_MAX: u32 = 5;
/// How many organizers may own events.
pub(crate) const ORGANIZERS: u8 = 2;
const ADDRESSES: u32 = 12;
const BATCH_MAX: usize = 9;
/// How often a command repeats an earlier one, as after a lost answer.
const REPEATED: f64 = 0.12;
/// How often a command names an unknown event or registration.
const UNKNOWN: f64 = 0.04;
/// How often a command has an idempotency key.
const KEYED: f64 = 0.15;

/// One step of a history.
#[derive(Debug)]
pub(crate) enum Op {
    Create(NewEvent),
    CreateOnce(NewEvent, IdempotencyKey),
    Execute(Vec<EventCommand>),
    Advance {
        micros: i64,
    },
    ReadEvent(EventId),
    ReadEvents {
        caller: Caller,
        after: Option<EventCursor>,
        limit: PageLimit,
    },
    ReadRegistrations {
        event_id: EventId,
        listed: Listed,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    },
    ReadRegistration(RegistrationId),
    ReadHistory {
        id: RegistrationId,
        limit: PageLimit,
    },
    ReadDue(PageLimit),
    ReadErasable(PageLimit),
    FindRegistrationsOf(EmailAddress),
    PurgeRecordsOf(EmailAddress),
    PurgeRecords(PageLimit),
    AssignEvents(OrganizerId),
    Audit,
}

/// The history so far, from which the next steps are made.
pub(crate) struct Past {
    clock: ManualClock,
    pub(crate) operations: usize,
    pub(crate) events: Vec<EventId>,
    commands: Vec<EventCommand>,
    /// As they were last returned.
    registrations: Vec<Registration>,
    pub(crate) event_cursors: Vec<EventCursor>,
    pub(crate) registration_cursors: Vec<RegistrationCursor>,
    /// States that events were reported in.
    tags: Vec<EventTag>,
    /// How often each kind of outcome was returned.
    pub(crate) reached: BTreeMap<String, usize>,
    pub(crate) optional: OptionalFields,
}

impl Past {
    pub(crate) fn new(clock: &ManualClock) -> Self {
        Self {
            clock: clock.clone(),
            operations: 0,
            events: Vec::new(),
            commands: Vec::new(),
            registrations: Vec::new(),
            event_cursors: Vec::new(),
            registration_cursors: Vec::new(),
            tags: Vec::new(),
            reached: BTreeMap::new(),
            optional: OptionalFields::default(),
        }
    }

    pub(crate) fn learn(&mut self, batch: Vec<EventCommand>, executions: Vec<Execution>) {
        for item in &batch {
            self.optional.note_command(item);
        }
        self.commands.extend(batch);
        for execution in executions {
            let Execution::Decided(outcome) = execution else { continue };
            *self.reached.entry(kind(&outcome)).or_default() += 1;
            if let Outcome::EventChanged(event) = &outcome {
                self.tags.push(EventTag::from(&**event));
            }
            if let Some(registration) = outcome.registration() {
                match self.registrations.iter_mut().find(|known| known.id == registration.id) {
                    Some(known) => *known = registration.clone(),
                    None => self.registrations.push(registration.clone()),
                }
            }
        }
    }

    /// The outcomes that were never returned, and the optional fields that were never set or never left out.
    pub(crate) fn unreached(&self) -> Vec<String> {
        let all = "already_checked_in all_held already_registered answer_refused cancelled capacity_below_booked \
            check_in_undone checked_in closed confirmed erased event_changed event_not_found forbidden held \
            hold_expired key_reused not_cancellable not_offered not_transferable out_of_order \
            known_address registration_not_found replayed settled sold_out ticket_void to_confirm \
            transferred version_mismatch waitlisted";
        let missing = all.split_whitespace().filter(|kind| !self.reached.contains_key(*kind));
        missing.map(str::to_owned).chain(self.optional.unseen()).collect()
    }
}

/// The name of an outcome, as in its JSON.
fn kind(outcome: &Outcome) -> String {
    let name = |value: &serde_json::Value| match value {
        serde_json::Value::String(name) => name.clone(),
        value => value.as_object().and_then(|o| o.keys().next().cloned()).unwrap_or_default(),
    };
    match outcome {
        Outcome::Refused(refusal) => name(&serde_json::json!(refusal)),
        outcome => name(&serde_json::json!(outcome)),
    }
}

pub(crate) fn next_op(rng: &mut Rng, past: &Past) -> Op {
    let limit = PageLimit::parse(rng.u32(1..=4)).expect("a valid limit");
    match rng.u32(0..100) {
        _ if past.events.is_empty() => Op::Create(next_event(rng, past)),
        // Cancelled events make room for others.
        0..3 if past.events.len() < EVENTS_MAX || rng.u8(..) < 40 => {
            Op::Create(next_event(rng, past))
        }
        3 => {
            let (new, key) = (next_event(rng, past), next_key(rng));
            let id = EventId::beside(&key.hash, new.id.as_uuid());
            Op::CreateOnce(new.with(|new| new.id = id).expect("in order"), key)
        }
        0..58 => {
            let commands = rng.usize(1..=BATCH_MAX);
            Op::Execute((0..commands).map(|_| next_command(rng, past)).collect())
        }
        58..70 => Op::Advance {
            micros: match rng.u32(0..12) {
                0..5 => rng.i64(0..3 * SECOND),
                // As long as holds and offers last, to the microsecond.
                5..8 => 60 * SECOND,
                8 => 60 * SECOND - 1,
                9..11 => rng.i64(0..200 * SECOND),
                _ => rng.i64(0..DAY / 2),
            },
        },
        70..76 => Op::ReadEvent(next_event_id(rng, past)),
        76 => Op::ReadErasable(PageLimit::MAX),
        77..80 => Op::ReadEvents {
            caller: next_caller(rng),
            after: rng.choice(&past.event_cursors).filter(|_| rng.bool()).copied(),
            limit,
        },
        80 => Op::FindRegistrationsOf(next_address(rng)),
        81 => Op::PurgeRecordsOf(next_address(rng)),
        82..86 => Op::ReadRegistrations {
            event_id: next_event_id(rng, past),
            listed: if rng.bool() { Listed::All } else { Listed::Seated },
            after: rng.choice(&past.registration_cursors).filter(|_| rng.bool()).copied(),
            limit,
        },
        86..92 => Op::ReadRegistration(next_registration(rng, past).0),
        92..96 => Op::ReadHistory { id: next_registration(rng, past).0, limit },
        96 => Op::ReadDue(PageLimit::MAX),
        97 => Op::PurgeRecords(PageLimit::MAX),
        98 if rng.u8(..) < 30 => Op::AssignEvents(next_organizer(rng)),
        _ => Op::Audit,
    }
}

fn next_event(rng: &mut Rng, past: &Past) -> NewEvent {
    let mut new = new_event("A generated event", rng.u32(1..=CAPACITY_MAX)).into_fields();
    new.id = Uuid::from_u128(rng.u128(..)).into();
    new.organizer_id = rng.bool().then(|| next_organizer(rng));
    let details = &mut new.details;
    if rng.bool() {
        details.description = next_description(rng);
    }
    let ends_at = next_instant(rng, past, 0);
    details.ends_at = ends_at;
    details.starts_at = next_instant(rng, past, 0)
        .filter(|starts_at| ends_at.is_none_or(|ends_at| *starts_at <= ends_at));
    (details.timezone, details.venue) = (next_timezone(rng), next_venue(rng));
    new.details.retention = next_retention(rng);
    (new.details.language, new.details.remind_hours) = (next_language(rng), next_remind_hours(rng));
    (new.details.organizer_name, new.details.contact) =
        (next_organizer_name(rng), next_contact(rng));
    new.details.is_unlisted = rng.u8(..) < 40;
    new.rules = EventRules {
        status: if rng.u8(..) < 12 { EventStatus::Draft } else { EventStatus::Published },
        opens_at: next_instant(rng, past, -1),
        closes_at: next_instant(rng, past, 3),
        waitlist_enabled: rng.u8(..) < 230,
        offer_ttl: next_offer_ttl(rng),
        conceals_registered: rng.u8(..) < 60,
        confirms_address: rng.u8(..) < 60,
    };
    new.check().expect("in order")
}

/// Mostly none; else some time around `days` days from now.
fn next_instant(rng: &mut Rng, past: &Past, days: i64) -> Option<chrono::DateTime<chrono::Utc>> {
    let micros = days * DAY + rng.i64(-DAY..DAY);
    (rng.u8(..) < 60).then(|| past.clock.now() + chrono::TimeDelta::microseconds(micros))
}

fn next_offer_ttl(rng: &mut Rng) -> Option<OfferTtl> {
    let seconds = *rng.choice(&[60, 60, 120, 86_400]).expect("it is not empty");
    (rng.u8(..) < 200).then(|| OfferTtl::parse(seconds).expect("a valid time"))
}

fn next_retention(rng: &mut Rng) -> Option<Retention> {
    (rng.u8(..) < 60).then(|| Retention::parse(rng.i64(0..2)).expect("a valid time"))
}

fn next_language(rng: &mut Rng) -> Language {
    *rng.choice(&Language::ALL).expect("it is not empty")
}

fn next_remind_hours(rng: &mut Rng) -> Option<RemindHours> {
    (rng.u8(..) < 60).then(|| RemindHours::parse(rng.i64(1..48)).expect("valid"))
}

fn next_organizer_name(rng: &mut Rng) -> Option<OrganizerName> {
    rng.bool().then(|| OrganizerName::parse(&format!("Club {}", rng.u8(0..3))).expect("valid"))
}

fn next_contact(rng: &mut Rng) -> Option<Contact> {
    let contacts = ["club@jazz.example", "https://jazz.example/contact?of=an%20event#form"];
    let contact = *rng.choice(&contacts).expect("it is not empty");
    rng.bool().then(|| Contact::parse(contact).expect("valid"))
}

fn next_description(rng: &mut Rng) -> Description {
    Description::parse(&format!("About {}\nand more", rng.u8(0..3))).expect("valid")
}

fn next_timezone(rng: &mut Rng) -> Option<TimeZone> {
    let name = *rng.choice(&["Europe/Berlin", "Asia/Tokyo"]).expect("it is not empty");
    rng.bool().then(|| TimeZone::parse(name).expect("a zone"))
}

fn next_venue(rng: &mut Rng) -> Option<Venue> {
    rng.bool().then(|| Venue::parse(&format!("Hall {}", rng.u8(0..3))).expect("valid"))
}

/// A possible version, or a state that some event was in.
fn next_precondition(rng: &mut Rng, past: &Past) -> Precondition {
    let version = Version::new(rng.u64(1..30));
    match rng.choice(&past.tags).filter(|_| rng.bool()) {
        Some(tag) => Precondition::any_of(vec![*tag]).expect("it is one"),
        None => version.into(),
    }
}

fn next_event_id(rng: &mut Rng, past: &Past) -> EventId {
    if rng.f64() < UNKNOWN {
        return Uuid::from_u128(rng.u128(..)).into();
    }
    // Mostly the latest: older ones may be cancelled or closed.
    let recent = past.events.len().saturating_sub(EVENTS_MAX);
    *rng.choice(&past.events[recent..]).expect("there is an event")
}

/// A registration that was made, or an unknown one, and its event.
fn next_registration<'a>(
    rng: &mut Rng,
    past: &'a Past,
) -> (RegistrationId, Option<&'a Registration>) {
    // Mostly a recent one: of the older ones most have ended.
    let recent = past.registrations.len().saturating_sub(40);
    let from = if rng.u8(..) < 200 { recent } else { 0 };
    match rng.choice(&past.registrations[from..]).filter(|_| rng.f64() >= UNKNOWN) {
        Some(known) => (known.id, Some(known)),
        None => (Uuid::from_u128(rng.u128(..)).into(), None),
    }
}

fn next_organizer(rng: &mut Rng) -> OrganizerId {
    organizer_id(rng.u8(0..ORGANIZERS))
}

/// A caller without a token of a registration.
fn next_caller(rng: &mut Rng) -> Caller {
    match rng.u32(0..6) {
        0 => Caller::OpenOrganizer,
        1 => Caller::Anyone,
        2 | 3 => Caller::Organizer(next_organizer(rng)),
        _ => Caller::Operator,
    }
}

fn next_address(rng: &mut Rng) -> EmailAddress {
    let who = format!("person{}@example.org", rng.u32(0..ADDRESSES));
    EmailAddress::parse(&who).expect("a valid address")
}

/// Mostly a random person's; else the one that the registration has.
fn next_address_for(rng: &mut Rng, known: Option<&Registration>) -> EmailAddress {
    match known {
        Some(known) if rng.u8(..) < 40 && !known.is_erased() => known.person.user_email.clone(),
        Some(_) | None => next_address(rng),
    }
}

fn next_person(rng: &mut Rng, known: Option<&Registration>) -> Person {
    let (user_email, name) = (next_address_for(rng, known), next_name(rng));
    Person { user_email, name, answers: next_answers(rng) }
}

fn question_key(text: &str) -> QuestionKey {
    QuestionKey::parse(text).expect("a valid key")
}

/// An answer to one of the questions that an event may ask, valid or not.
fn next_answer(rng: &mut Rng) -> (QuestionKey, Answer) {
    let text = |text: &str| Answer::Text(AnswerText::parse(text).expect("valid"));
    let (key, answer) = match rng.u8(0..6) {
        0 => ("diet", text("a")),
        1 => ("diet", text("none of them")),
        2 => ("days", Answer::Several([question_key("a"), question_key("b")].into())),
        3 => ("car", Answer::YesNo(rng.bool())),
        4 => ("terms", Answer::Consent(rng.u32(1..3))),
        _ => ("name", text(&format!("Zoe {}", rng.u8(..)))),
    };
    (question_key(key), answer)
}

/// Mostly none: most events ask nothing.
fn next_answers(rng: &mut Rng) -> Answers {
    let count = if rng.u8(..) < 24 { rng.usize(1..3) } else { 0 };
    Answers::parse((0..count).map(|_| next_answer(rng)).collect()).expect("they are short")
}

fn next_answers_change(rng: &mut Rng) -> AnswersChange {
    let one = |rng: &mut Rng| {
        let (key, answer) = next_answer(rng);
        (key, rng.bool().then_some(answer))
    };
    AnswersChange::parse((0..rng.usize(0..3)).map(|_| one(rng)).collect()).expect("they are short")
}

/// Some of a few questions, each in one of two wordings.
fn next_questions(rng: &mut Rng, past: &Past) -> SetQuestions {
    let kinds = [
        ("diet", QuestionKind::Choice),
        ("days", QuestionKind::Several),
        ("car", QuestionKind::YesNo),
        ("terms", QuestionKind::Consent),
        ("name", QuestionKind::Text),
    ];
    let option =
        |key: &str| QuestionOption::new(question_key(key), OptionLabel::parse(key).expect("valid"));
    let asks = rng.u8(..) < 190;
    let asked = kinds.into_iter().filter(|_| asks && rng.bool()).collect::<Vec<_>>();
    let asked = asked.into_iter().map(|(key, kind)| {
        let wording = if rng.u8(..) < 200 { key } else { "Otherwise" };
        let wording = Wording::parse(wording).expect("valid");
        let mut question = Question::new(question_key(key), kind, wording);
        question.is_required = rng.u8(..) < 60;
        if kind.has_options() {
            question.options = vec![option("a"), option("b")];
        }
        question
    });
    let asked = AskedQuestions::parse(asked.collect()).expect("they are questions");
    SetQuestions { if_match: (rng.u8(..) < 60).then(|| next_precondition(rng, past)), asked }
}

fn next_name(rng: &mut Rng) -> Option<PersonName> {
    rng.bool().then(|| PersonName::parse(&format!("Name {}", rng.u8(0..3))).expect("valid"))
}

/// Few keys and few requests under them, so that keys are reused, also for other requests.
fn next_key(rng: &mut Rng) -> IdempotencyKey {
    IdempotencyKey::new(KeyHash::new([rng.u8(0..40); 32]), Fingerprint::new([rng.u8(0..2); 32]))
}

fn next_command(rng: &mut Rng, past: &Past) -> EventCommand {
    if rng.f64() < REPEATED
        && let Some(command) = rng.choice(&past.commands)
    {
        return command.clone().sent_again();
    }
    let (registration_id, known) = next_registration(rng, past);
    let event_id = match known {
        Some(known) if rng.f64() >= UNKNOWN => known.event_id,
        _ => next_event_id(rng, past),
    };
    let token = rng.bool().then(|| token_hash(rng.u8(0..6)));
    let of_registration = |command| EventCommand::new(event_id, Caller::Operator, command);
    let of_event = |rng: &mut Rng, command| {
        EventCommand::new(next_event_id(rng, past), Caller::Operator, command)
    };
    let of_new = |rng: &mut Rng, command: fn(Claim, &mut Rng) -> Command| {
        let event_id = next_event_id(rng, past);
        let claim = next_claim(rng, event_id);
        EventCommand::new(event_id, Caller::Operator, command(claim, rng))
    };
    let command = match rng.u32(0..100) {
        0..30 => of_new(rng, |claim, rng| {
            let on_full = if rng.bool() { OnFull::Waitlist } else { OnFull::Refuse };
            Command::Register(Register { claim, on_full, as_organizer: rng.u8(0..8) == 0 })
        }),
        30..48 => of_new(rng, |claim, rng| {
            let ttl = HoldTtl::parse(if rng.bool() { 60 } else { 120 }).expect("valid");
            Command::Hold(Hold { claim, ttl })
        }),
        48..60 => {
            let answers = next_answers(rng);
            of_registration(Command::Confirm { registration_id, answers })
        }
        60..72 => of_registration(Command::Cancel { registration_id }),
        72..77 => of_registration(Command::Transfer(Transfer {
            registration_id,
            person: next_person(rng, known),
            token_hash: token,
        })),
        77 => {
            let name = rng.bool().then(|| next_name(rng));
            let address = rng.bool().then(|| CorrectedAddress {
                user_email: next_address_for(rng, known),
                token_hash: token,
            });
            let answers = rng.bool().then(|| next_answers_change(rng));
            let correct = Correct { registration_id, name, address, answers };
            of_registration(Command::Correct(correct))
        }
        78 => {
            let token_hash = token_hash(rng.u8(0..6));
            of_registration(Command::RenewLink(RenewLink::new(registration_id, token_hash)))
        }
        79..86 => of_registration(Command::CheckIn(CheckIn {
            registration_id,
            generation: known.map_or(0, |known| known.generation) + u32::from(rng.u8(..) < 30),
            scan_id: Uuid::from_u128(rng.u128(..)),
            scanned_at: next_instant(rng, past, 0),
        })),
        86..89 => of_registration(Command::UndoCheckIn { registration_id }),
        89 => {
            let set = Box::new(next_questions(rng, past));
            of_event(rng, Command::SetQuestions(set))
        }
        90..97 => {
            let edit = Box::new(next_edit(rng, past));
            of_event(rng, Command::Edit(edit))
        }
        97 if rng.u8(..) < 50 => of_event(rng, Command::CancelEvent),
        97 if rng.bool() => of_event(rng, Command::Replay),
        98 => of_registration(Command::Erase { registration_id }),
        99 => of_event(rng, Command::EraseDue),
        _ => of_event(rng, Command::Settle),
    };
    let caller = match rng.u8(..) {
        0..60 => Caller::Attendee(token_hash(rng.u8(0..6))),
        60..120 if let Some(hash) = known.and_then(|known| known.token_hash) => {
            Caller::Attendee(hash)
        }
        120..170 => next_caller(rng),
        _ => Caller::Operator,
    };
    let key = (rng.f64() < KEYED).then(|| next_key(rng));
    let request_id = rng.bool().then(|| format!("history.{}", rng.u8(..)));
    let request_id = request_id.map(|id| RequestId::parse(&id).expect("valid"));
    let command = command.by(caller).with_key(key).with_request_id(request_id);
    EventCommand { is_first: rng.bool(), ..command }
}

fn next_claim(rng: &mut Rng, event_id: EventId) -> Claim {
    let fresh = Uuid::from_u128(rng.u128(..));
    // Earlier versions, and other programs, made ids with any last byte.
    let is_beside = rng.u8(..) < 200;
    let id = if is_beside { RegistrationId::beside(event_id, fresh) } else { fresh.into() };
    let person = next_person(rng, None);
    let token_hash = rng.bool().then(|| token_hash(rng.u8(0..6)));
    Claim { registration_id: id, person, token_hash }
}

fn next_edit(rng: &mut Rng, past: &Past) -> Edit {
    let mut sometimes = |share: u8| rng.u8(..) < share;
    let [version, name, seats, publish, starts, ends, opens, closes, waitlist, offer, retention] =
        [60, 40, 120, 90, 60, 60, 6, 6, 30, 60, 20].map(&mut sometimes);
    let [conceal, confirm, describe, zone, venue] = [30, 20, 30, 20, 20].map(&mut sometimes);
    let [language, remind] = [20, 40].map(&mut sometimes);
    let [organizer_name, contact, unlisted] = [20, 20, 30].map(sometimes);
    Edit {
        if_match: version.then(|| next_precondition(rng, past)),
        name: name.then(|| EventName::parse(&format!("Name {}", rng.u8(0..4))).expect("valid")),
        description: describe.then(|| next_description(rng)),
        capacity: seats.then(|| capacity(rng.u32(1..=CAPACITY_MAX + 3))),
        publish,
        starts_at: starts.then(|| next_instant(rng, past, 1)),
        ends_at: ends.then(|| next_instant(rng, past, 1)),
        timezone: zone.then(|| next_timezone(rng)),
        venue: venue.then(|| next_venue(rng)),
        opens_at: opens.then(|| next_instant(rng, past, -1)),
        closes_at: closes.then(|| next_instant(rng, past, 2)),
        waitlist_enabled: waitlist.then(|| rng.bool()),
        offer_ttl: offer.then(|| next_offer_ttl(rng)),
        conceals_registered: conceal.then(|| rng.bool()),
        confirms_address: confirm.then(|| rng.bool()),
        language: language.then(|| next_language(rng)),
        remind_hours: remind.then(|| next_remind_hours(rng)),
        retention: retention.then(|| next_retention(rng)),
        organizer_name: organizer_name.then(|| next_organizer_name(rng)),
        contact: contact.then(|| next_contact(rng)),
        is_unlisted: unlisted.then(|| rng.bool()),
    }
}
