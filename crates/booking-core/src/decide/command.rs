use crate::{
    Answers, AnswersChange, AskedQuestions, Capacity, Contact, Description, EmailAddress, Event,
    EventId, EventName, EventStatus, Execution, Fingerprint, HoldTtl, KeyHash, Language, OfferTtl,
    OrganizerId, OrganizerName, Outcome, Person, PersonName, Precondition, Refusal, RegistrationId,
    RemindHours, RequestId, Retention, TimeZone, TokenHash, Venue,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Something that is asked of one event. A new feature is a new command here and a new case in
/// [`decide`](crate::decide()), never a second way to write.
///
/// Commands, and the fields of a [`Registration`](crate::Registration), are taken apart in full by the guards of
/// `booking-conformance`, which have to hear of another one. So they are not `#[non_exhaustive]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Take a seat, or wait for one.
    Register(Register),
    /// Keep a seat for a while.
    Hold(Hold),
    /// Turn a hold or an offer into a seat.
    Confirm {
        /// The registration.
        registration_id: RegistrationId,
        /// What is answered by then, beside what was before.
        answers: Answers,
    },
    /// Give up a seat, a hold, an offer or a place in the queue.
    Cancel {
        /// The registration.
        registration_id: RegistrationId,
    },
    /// Give a seat to another attendee.
    Transfer(Transfer),
    /// Put the attendee's name or address right. Its seat and its ticket stay.
    Correct(Correct),
    /// Give the attendee another token to manage a registration with.
    RenewLink(RenewLink),
    /// Let an attendee in.
    CheckIn(CheckIn),
    /// Take that back.
    UndoCheckIn {
        /// The registration.
        registration_id: RegistrationId,
    },
    /// Change the event itself.
    Edit(Box<Edit>),
    /// Say what the event asks of those who come.
    SetQuestions(Box<SetQuestions>),
    /// Cancel the event, and with it all that is registered.
    CancelEvent,
    /// Erase whose a registration is or was. Before the event is over, what is live is given up first.
    /// The operator of the servers asks for it, for any organizer's event.
    Erase {
        /// The registration.
        registration_id: RegistrationId,
    },
    /// Erase whose the event's registrations were, as many as one decision may, if they were to be kept
    /// for no longer ([`EventDetails::erase_at`](crate::EventDetails::erase_at)). Servers ask for it by
    /// themselves.
    EraseDue,
    /// Tidy what time alone has changed: end holds and offers that have run out, and serve the queue.
    /// Whatever else is asked of an event does so first.
    Settle,
    /// Find what was answered under the same idempotency key, and do nothing if nothing was: it is
    /// then answered as [`Settle`](Self::Settle) is, and leaves no record.
    Replay,
}

/// Who claims a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The id of the registration to be made. It also names this request: executed again under the
    /// same id, a registration that was made is answered as the success that it was.
    pub registration_id: RegistrationId,
    /// Whose seat it will be.
    pub person: Person,
    /// What they will manage it with.
    pub token_hash: Option<TokenHash>,
}

impl Claim {
    /// A claim by an address alone, which only the organizer can manage.
    pub fn new(registration_id: RegistrationId, user_email: EmailAddress) -> Self {
        Self { registration_id, person: user_email.into(), token_hash: None }
    }
}

/// Asks for one seat for one e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// Who asks.
    pub claim: Claim,
    /// What to do if there is none.
    pub on_full: OnFull,
    /// Whether it is asked in the name of whoever manages the event: then also outside the hours, of a draft, and
    /// without a mail that has to confirm the address. Who does not manage it is refused.
    pub as_organizer: bool,
}

impl From<Claim> for Register {
    /// Asks for a seat now or not at all, as anybody may.
    fn from(claim: Claim) -> Self {
        Self { claim, on_full: OnFull::Refuse, as_organizer: false }
    }
}

/// What to do for an attendee who comes when there is no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFull {
    /// Say so.
    Refuse,
    /// Let them wait for one, if the event allows that.
    Waitlist,
}

/// Asks for a seat to be kept for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who asks.
    pub claim: Claim,
    /// For how long.
    pub ttl: HoldTtl,
}

impl Hold {
    /// A hold of the seat that `claim` asks for.
    pub fn new(claim: Claim, ttl: HoldTtl) -> Self {
        Self { claim, ttl }
    }
}

/// Asks for a seat to be given to another attendee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The registration.
    pub registration_id: RegistrationId,
    /// Whose it will be.
    pub person: Person,
    /// What they will manage it with; the old token is worthless from then on. New for each transfer:
    /// it also names this request.
    pub token_hash: Option<TokenHash>,
}

impl Transfer {
    /// A transfer to a person, after which only the organizer can manage the registration.
    pub fn new(registration_id: RegistrationId, person: impl Into<Person>) -> Self {
        Self { registration_id, person: person.into(), token_hash: None }
    }
}

/// Asks for a mistake to be put right: it is the same person, whose ticket stays good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correct {
    /// The registration.
    pub registration_id: RegistrationId,
    /// What they are called; `None` leaves that as it is.
    pub name: Option<Option<PersonName>>,
    /// Their address, which only the organizer can put right: the owner of the wrong one may have the
    /// link, too.
    pub address: Option<CorrectedAddress>,
    /// Which of their answers are others; `None` leaves all as they are.
    pub answers: Option<AnswersChange>,
}

impl Correct {
    /// A correction that leaves everything as it is, until its fields say what is right.
    pub fn new(registration_id: RegistrationId) -> Self {
        Self { registration_id, name: None, address: None, answers: None }
    }
}

/// An address that is put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectedAddress {
    /// The right one.
    pub user_email: EmailAddress,
    /// What they will manage it with if it is another address; the old token is worthless from then on.
    /// New for each correction: it also names this request.
    pub token_hash: Option<TokenHash>,
}

impl CorrectedAddress {
    /// An address after whose correction only the organizer can manage the registration.
    pub fn new(user_email: EmailAddress) -> Self {
        Self { user_email, token_hash: None }
    }
}

/// Asks for another token to manage a registration with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenewLink {
    /// The registration.
    pub registration_id: RegistrationId,
    /// The new one; the old token is worthless from then on. New for each time: it also names this
    /// request.
    pub token_hash: TokenHash,
}

impl RenewLink {
    /// A new token for a registration.
    pub fn new(registration_id: RegistrationId, token_hash: TokenHash) -> Self {
        Self { registration_id, token_hash }
    }
}

/// Asks for an attendee to be let in on a ticket whose signature has been verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckIn {
    /// The registration that the ticket is for.
    pub registration_id: RegistrationId,
    /// The generation that the ticket is of.
    pub generation: u32,
    /// Names this scan: told again, it is answered as the success that it was.
    pub scan_id: Uuid,
    /// When it was scanned, if that was earlier than now: without a network, say. Before the registration
    /// was made it cannot have been.
    pub scanned_at: Option<DateTime<Utc>>,
}

impl CheckIn {
    /// A scan made now, of the ticket of that generation.
    pub fn new(registration_id: RegistrationId, generation: u32, scan_id: Uuid) -> Self {
        Self { registration_id, generation, scan_id, scanned_at: None }
    }
}

/// Asks for an event to be changed. What is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// What state the event must be in.
    pub if_match: Option<Precondition>,
    /// See [`EventDetails::name`](crate::EventDetails::name).
    pub name: Option<EventName>,
    /// See [`EventDetails::description`](crate::EventDetails::description).
    pub description: Option<Description>,
    /// See [`Event::capacity`](crate::Event::capacity).
    pub capacity: Option<Capacity>,
    /// Whether to publish a draft.
    pub publish: bool,
    /// See [`EventDetails::starts_at`](crate::EventDetails::starts_at).
    pub starts_at: Option<Option<DateTime<Utc>>>,
    /// See [`EventDetails::ends_at`](crate::EventDetails::ends_at).
    pub ends_at: Option<Option<DateTime<Utc>>>,
    /// See [`EventDetails::timezone`](crate::EventDetails::timezone).
    pub timezone: Option<Option<TimeZone>>,
    /// See [`EventDetails::venue`](crate::EventDetails::venue).
    pub venue: Option<Option<Venue>>,
    /// See [`EventDetails::retention`](crate::EventDetails::retention).
    pub retention: Option<Option<Retention>>,
    /// See [`EventDetails::language`](crate::EventDetails::language).
    pub language: Option<Language>,
    /// See [`EventDetails::remind_hours`](crate::EventDetails::remind_hours).
    pub remind_hours: Option<Option<RemindHours>>,
    /// See [`EventDetails::organizer_name`](crate::EventDetails::organizer_name).
    pub organizer_name: Option<Option<OrganizerName>>,
    /// See [`EventDetails::contact`](crate::EventDetails::contact).
    pub contact: Option<Option<Contact>>,
    /// See [`EventDetails::is_unlisted`](crate::EventDetails::is_unlisted).
    pub is_unlisted: Option<bool>,
    /// See [`EventRules::opens_at`](crate::EventRules::opens_at).
    pub opens_at: Option<Option<DateTime<Utc>>>,
    /// See [`EventRules::closes_at`](crate::EventRules::closes_at).
    pub closes_at: Option<Option<DateTime<Utc>>>,
    /// See [`EventRules::waitlist_enabled`](crate::EventRules::waitlist_enabled).
    pub waitlist_enabled: Option<bool>,
    /// See [`EventRules::offer_ttl`](crate::EventRules::offer_ttl).
    pub offer_ttl: Option<Option<OfferTtl>>,
    /// See [`EventRules::conceals_registered`](crate::EventRules::conceals_registered).
    pub conceals_registered: Option<bool>,
    /// See [`EventRules::confirms_address`](crate::EventRules::confirms_address).
    pub confirms_address: Option<bool>,
}

/// Asks for an event to ask these questions, and no others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetQuestions {
    /// What state the event must be in.
    pub if_match: Option<Precondition>,
    /// What it is to ask.
    pub asked: AskedQuestions,
}

/// A command, the event that it is for, and who asks: what batches are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCommand {
    /// The event that is asked.
    pub event_id: EventId,
    /// What is asked of it.
    pub command: Command,
    /// Who asks.
    pub caller: Caller,
    /// Under which key, if the same request may come again.
    pub key: Option<IdempotencyKey>,
    /// The request that it is a part of, for logs. The same request sent again has another.
    pub request_id: Option<RequestId>,
}

impl EventCommand {
    /// A command that `caller` asks of an event. It is decided whether they may: so a visitor's is asked by
    /// [`Caller::Anyone`], and only what the program does by itself by [`Caller::Operator`], who may do
    /// everything.
    pub fn new(event_id: EventId, caller: Caller, command: Command) -> Self {
        Self { event_id, command, caller, key: None, request_id: None }
    }

    /// The same, asked by another caller.
    #[must_use]
    pub fn by(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    /// The same, asked under `key`.
    #[must_use]
    pub fn with_key(self, key: Option<IdempotencyKey>) -> Self {
        Self { key, ..self }
    }

    /// The same, as a part of the request `request_id`.
    #[must_use]
    pub fn with_request_id(self, request_id: Option<RequestId>) -> Self {
        Self { request_id, ..self }
    }

    /// The registration whose id the command names, to be made or to be there.
    pub fn registration_id(&self) -> Option<RegistrationId> {
        match &self.command {
            Command::Register(Register { claim, .. }) | Command::Hold(Hold { claim, .. }) => {
                Some(claim.registration_id)
            }
            Command::Confirm { registration_id, .. }
            | Command::Cancel { registration_id }
            | Command::UndoCheckIn { registration_id }
            | Command::Erase { registration_id }
            | Command::Transfer(Transfer { registration_id, .. })
            | Command::Correct(Correct { registration_id, .. })
            | Command::RenewLink(RenewLink { registration_id, .. })
            | Command::CheckIn(CheckIn { registration_id, .. }) => Some(*registration_id),
            Command::Edit(_)
            | Command::SetQuestions(_)
            | Command::CancelEvent
            | Command::EraseDue
            | Command::Settle
            | Command::Replay => None,
        }
    }

    /// Whether the command makes a registration of that id, so that it is there already only if the
    /// command was executed before.
    pub fn makes_registration(&self) -> bool {
        matches!(self.command, Command::Register(_) | Command::Hold(_))
    }

    /// Whether `execution`, decided without a look for the id of the registration that the command makes,
    /// stands only if no registration has that id: it is a refusal, or told as one would be, and a command that
    /// was executed before is answered as the success that it was.
    pub fn must_know_its_id(&self, execution: &Execution) -> bool {
        match execution {
            Execution::Decided(Outcome::Refused(refusal)) => {
                self.makes_registration()
                    && !matches!(
                        refusal,
                        Refusal::EventNotFound | Refusal::EventMoving | Refusal::KeyReused
                    )
            }
            Execution::Decided(Outcome::KnownAddress(_)) => true,
            Execution::Decided(_) | Execution::Busy => false,
        }
    }

    /// The address whose live registration the command must know of.
    pub fn user_email(&self) -> Option<&EmailAddress> {
        match &self.command {
            Command::Register(Register { claim, .. }) | Command::Hold(Hold { claim, .. }) => {
                Some(&claim.person.user_email)
            }
            Command::Transfer(transfer) => Some(&transfer.person.user_email),
            Command::Correct(correct) => {
                correct.address.as_ref().map(|address| &address.user_email)
            }
            Command::Confirm { .. }
            | Command::Cancel { .. }
            | Command::RenewLink(_)
            | Command::CheckIn(_)
            | Command::UndoCheckIn { .. }
            | Command::Edit(_)
            | Command::SetQuestions(_)
            | Command::CancelEvent
            | Command::Erase { .. }
            | Command::EraseDue
            | Command::Settle
            | Command::Replay => None,
        }
    }
}

/// Who asks. Whether they are who they say was found out before; what they may do is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The operator of the program that asks: may do everything.
    Operator,
    /// An organizer: knows of its own events alone, and manages them.
    Organizer(OrganizerId),
    /// Any caller, where there are no organizers: manages the events that have none.
    OpenOrganizer,
    /// Any caller: may come to an event that is no draft.
    Anyone,
    /// The attendee, who has the token with this hash: may do to its registration what its owner may.
    Attendee(TokenHash),
}

impl Caller {
    /// Whether they may do whatever can be done to an event of `organizer`, and to what is registered for
    /// it.
    pub fn manages(self, organizer: Option<OrganizerId>) -> bool {
        match self {
            Self::Operator => true,
            Self::Organizer(id) => organizer == Some(id),
            Self::OpenOrganizer => organizer.is_none(),
            Self::Anyone | Self::Attendee(_) => false,
        }
    }

    /// Whether they come to an event of `organizer` as anybody may, and not in its organizer's name. Where there
    /// are no organizers, everybody who comes is a visitor.
    pub(crate) fn is_visitor(self, organizer: Option<OrganizerId>) -> bool {
        self == Self::OpenOrganizer || !self.manages(organizer)
    }

    /// Whether listings show them `event`: they [see](Self::sees) it, and it is listed or theirs to manage.
    pub fn finds(self, event: &Event) -> bool {
        self.sees(event.organizer_id, event.rules.status)
            && (!event.details.is_unlisted || self.manages(event.organizer_id))
    }

    /// Whether they may know of an event of `organizer`.
    pub fn sees(self, organizer: Option<OrganizerId>, status: EventStatus) -> bool {
        match self {
            Self::Operator | Self::Organizer(_) => self.manages(organizer),
            Self::OpenOrganizer | Self::Anyone | Self::Attendee(_) => {
                status != EventStatus::Draft || self.manages(organizer)
            }
        }
    }
}

/// Makes a request that is sent again the same request: it is answered with the first one's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdempotencyKey {
    /// What it is looked up by.
    pub hash: KeyHash,
    /// What was asked under it.
    pub fingerprint: Fingerprint,
}

impl IdempotencyKey {
    /// The key that is looked up by `hash`, under which a request with this fingerprint was made.
    pub const fn new(hash: KeyHash, fingerprint: Fingerprint) -> Self {
        Self { hash, fingerprint }
    }
}
