use crate::{
    Answers, AnswersChange, AskedQuestions, Capacity, Contact, Description, EmailAddress, Event,
    EventId, EventName, EventStatus, Execution, Fingerprint, HoldTtl, KeyHash, Language, OfferTtl,
    OrganizerId, OrganizerName, Outcome, Person, PersonName, Precondition, Refusal, RegistrationId,
    RemindHours, RequestId, Retention, TimeZone, TokenHash, Venue,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A command to one event. A new feature is a new command here and a new case in [`decide`](crate::decide()), never a
/// second way to write.
///
/// The guards of `booking-conformance` destructure commands, and the fields of a [`Registration`](crate::Registration),
/// in full, so that a new one is not missed. So they are not `#[non_exhaustive]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Take a seat, or wait for one.
    Register(Register),
    /// Hold a seat for a while.
    Hold(Hold),
    /// Turn a hold or an offer into a seat.
    Confirm {
        /// The registration.
        registration_id: RegistrationId,
        /// The answers given now, added to those given before.
        answers: Answers,
    },
    /// Give up a seat, a hold, an offer or a place on the waitlist.
    Cancel {
        /// The registration.
        registration_id: RegistrationId,
    },
    /// Transfer a seat to another attendee.
    Transfer(Transfer),
    /// Correct the attendee's name or address. The seat and the ticket stay.
    Correct(Correct),
    /// Give the attendee a new token to manage a registration with.
    RenewLink(RenewLink),
    /// Check an attendee in.
    CheckIn(CheckIn),
    /// Undo a check-in.
    UndoCheckIn {
        /// The registration.
        registration_id: RegistrationId,
    },
    /// Change the event itself.
    Edit(Box<Edit>),
    /// Set the questions that the event asks.
    SetQuestions(Box<SetQuestions>),
    /// Cancel the event, and with it all registrations.
    CancelEvent,
    /// Erase the personal data of a registration. Before the event is over, a live one is cancelled first. Only the
    /// operator of the servers may send it, for any organizer's event.
    Erase {
        /// The registration.
        registration_id: RegistrationId,
    },
    /// Erase the personal data of the event's registrations, as many as one decision may, once they are to be kept no
    /// longer ([`EventDetails::erase_at`](crate::EventDetails::erase_at)). Servers send it by themselves.
    EraseDue,
    /// Apply what time alone has changed: end expired holds and offers, and serve the waitlist. Every other command
    /// does so first.
    Settle,
    /// Look up the outcome stored under the same idempotency key. If there is none, do nothing: the outcome is then
    /// that of [`Settle`](Self::Settle), and no record is made.
    Replay,
}

/// A claim on a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The id of the registration to be made. It also identifies this request: if a registration with this id was made
    /// before, the outcome is that earlier success.
    pub registration_id: RegistrationId,
    /// The attendee.
    pub person: Person,
    /// The hash of the token to manage it with.
    pub token_hash: Option<TokenHash>,
}

impl Claim {
    /// A claim by an address alone; only the organizer can manage the registration.
    pub fn new(registration_id: RegistrationId, user_email: EmailAddress) -> Self {
        Self { registration_id, person: user_email.into(), token_hash: None }
    }
}

/// Registers one e-mail address for a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// Who asks.
    pub claim: Claim,
    /// What to do if there is no free seat.
    pub on_full: OnFull,
    /// Whether it is sent in the name of the event's manager: then also outside the hours, for a draft, and without a
    /// mail that confirms the address. A caller that does not manage the event is refused.
    pub as_organizer: bool,
}

impl From<Claim> for Register {
    /// Asks for a seat now or not at all, as any visitor may.
    fn from(claim: Claim) -> Self {
        Self { claim, on_full: OnFull::Refuse, as_organizer: false }
    }
}

/// What to do when there is no free seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFull {
    /// Refuse.
    Refuse,
    /// Put the attendee on the waitlist, if the event allows that.
    Waitlist,
}

/// Holds a seat for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who asks.
    pub claim: Claim,
    /// How long.
    pub ttl: HoldTtl,
}

impl Hold {
    /// A hold of the seat that `claim` asks for.
    pub fn new(claim: Claim, ttl: HoldTtl) -> Self {
        Self { claim, ttl }
    }
}

/// Transfers a seat to another attendee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The registration.
    pub registration_id: RegistrationId,
    /// The new attendee.
    pub person: Person,
    /// The hash of their token to manage it with; the old token is invalid from then on. New for each transfer: it also
    /// identifies this request.
    pub token_hash: Option<TokenHash>,
}

impl Transfer {
    /// A transfer to a person, after which only the organizer can manage the registration.
    pub fn new(registration_id: RegistrationId, person: impl Into<Person>) -> Self {
        Self { registration_id, person: person.into(), token_hash: None }
    }
}

/// Corrects a registration: it stays the same person's, whose ticket stays valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correct {
    /// The registration.
    pub registration_id: RegistrationId,
    /// The name; `None` leaves it as it is.
    pub name: Option<Option<PersonName>>,
    /// The address, which only the organizer can correct: the owner of the wrong one may have the link, too.
    pub address: Option<CorrectedAddress>,
    /// Changed answers; `None` leaves all as they are.
    pub answers: Option<AnswersChange>,
}

impl Correct {
    /// A correction that changes nothing until its fields are set.
    pub fn new(registration_id: RegistrationId) -> Self {
        Self { registration_id, name: None, address: None, answers: None }
    }
}

/// A corrected address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectedAddress {
    /// The right one.
    pub user_email: EmailAddress,
    /// The hash of the token to manage it with if the address changes; the old token is invalid from then on. New for
    /// each correction: it also identifies this request.
    pub token_hash: Option<TokenHash>,
}

impl CorrectedAddress {
    /// A corrected address, after which only the organizer can manage the registration.
    pub fn new(user_email: EmailAddress) -> Self {
        Self { user_email, token_hash: None }
    }
}

/// Replaces the token to manage a registration with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenewLink {
    /// The registration.
    pub registration_id: RegistrationId,
    /// The hash of the new token; the old one is invalid from then on. New for each time: it also identifies this
    /// request.
    pub token_hash: TokenHash,
}

impl RenewLink {
    /// A new token for a registration.
    pub fn new(registration_id: RegistrationId, token_hash: TokenHash) -> Self {
        Self { registration_id, token_hash }
    }
}

/// Checks an attendee in with a ticket whose signature has been verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckIn {
    /// The registration that the ticket is for.
    pub registration_id: RegistrationId,
    /// The generation of the ticket.
    pub generation: u32,
    /// Identifies this scan: sent again, the outcome is that earlier success.
    pub scan_id: Uuid,
    /// When it was scanned, if earlier than now, for example offline. A time before the registration was made counts as
    /// when it was made.
    pub scanned_at: Option<DateTime<Utc>>,
}

impl CheckIn {
    /// A scan made now, of the ticket of that generation.
    pub fn new(registration_id: RegistrationId, generation: u32, scan_id: Uuid) -> Self {
        Self { registration_id, generation, scan_id, scanned_at: None }
    }
}

/// Changes an event. `None` fields stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// The state that the event must be in.
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

/// Replaces the questions that an event asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetQuestions {
    /// The state that the event must be in.
    pub if_match: Option<Precondition>,
    /// The new questions.
    pub asked: AskedQuestions,
}

/// Of which commands that make a registration a store looks that up by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoughtIds {
    /// Of none: at first. Their addresses are looked up, and an id that is taken is refused by the primary key.
    None,
    /// Of those that may have been executed before: once one of them is refused.
    SentAgain,
    /// Of all: if the transaction may have been committed already.
    All,
}

impl SoughtIds {
    /// Which a transaction seeks before it decides. Where a batch was just refused something, the next one will be.
    pub fn by(is_repeated: bool, was_refused: bool) -> Self {
        match (is_repeated, was_refused) {
            (true, _) => Self::All,
            (false, true) => Self::SentAgain,
            (false, false) => Self::None,
        }
    }
}

/// A command, its event and its caller: batches are made of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCommand {
    /// The event that it is for.
    pub event_id: EventId,
    /// The command.
    pub command: Command,
    /// The caller.
    pub caller: Caller,
    /// The idempotency key, if the same request may come again.
    pub key: Option<IdempotencyKey>,
    /// The request that it is a part of, for logs. A repeated request has another one.
    pub request_id: Option<RequestId>,
    /// Whether it cannot have been executed before, because the id of its registration was made for it just now: then
    /// stores need not look that id up before they refuse it.
    pub is_first: bool,
}

impl EventCommand {
    /// A command to an event by `caller`. The decision checks what they may do: send a visitor's command with
    /// [`Caller::Anyone`], and only what the program does by itself with [`Caller::Operator`], who may do everything.
    pub fn new(event_id: EventId, caller: Caller, command: Command) -> Self {
        Self { event_id, command, caller, key: None, request_id: None, is_first: false }
    }

    /// The same, by another caller.
    #[must_use]
    pub fn by(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    /// The same, with an idempotency key.
    #[must_use]
    pub fn with_key(self, key: Option<IdempotencyKey>) -> Self {
        Self { key, ..self }
    }

    /// The same, as a part of the request `request_id`.
    #[must_use]
    pub fn with_request_id(self, request_id: Option<RequestId>) -> Self {
        Self { request_id, ..self }
    }

    /// The same, for the first time. Whoever sends it [again](Self::sent_again), whatever became of it, must say so: one
    /// that was executed could otherwise be refused, and not be answered with its earlier success.
    #[must_use]
    pub fn first(self) -> Self {
        Self { is_first: true, ..self }
    }

    /// The same, which may have been executed before.
    #[must_use]
    pub fn sent_again(self) -> Self {
        Self { is_first: false, ..self }
    }

    /// The registration that the command makes or names.
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

    /// Whether the command makes a registration with that id, so that the id exists only if the command was executed
    /// before.
    pub fn makes_registration(&self) -> bool {
        matches!(self.command, Command::Register(_) | Command::Hold(_))
    }

    /// Whether a store looks for the registration that the command names, before it decides. One that the command would
    /// make is there only if it was executed before, so `sought` says which of those are looked for.
    pub fn looks_up_its_id(&self, sought: SoughtIds) -> bool {
        let is_wanted = match sought {
            SoughtIds::None => false,
            SoughtIds::SentAgain => !self.is_first,
            SoughtIds::All => true,
        };
        is_wanted || !self.makes_registration()
    }

    /// Whether `execution`, decided without looking up the id of the registration that the command makes, is final only
    /// if no registration has that id. That is so for a refusal, or an outcome that stands for one: a command that was
    /// executed before is answered with its earlier success.
    pub fn must_know_its_id(&self, execution: &Execution) -> bool {
        match execution {
            _ if self.is_first => false,
            Execution::Decided(Outcome::Refused(refusal)) => {
                self.makes_registration()
                    && !matches!(
                        refusal,
                        Refusal::EventNotFound | Refusal::EventMoving | Refusal::KeyReused
                    )
            }
            Execution::Decided(Outcome::KnownAddress(_)) => true,
            Execution::Decided(_) | Execution::Busy | Execution::Unknown => false,
        }
    }

    /// The address whose live registration the decision needs.
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

/// The caller. Authentication comes before; the decision checks what the caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The operator of the program that asks: may do everything.
    Operator,
    /// An organizer: sees only its own events, and manages them.
    Organizer(OrganizerId),
    /// Any caller, where there are no organizers: manages the events without one.
    OpenOrganizer,
    /// Any caller: may register for an event that is not a draft.
    Anyone,
    /// The attendee who has the token with this hash: may manage its registration.
    Attendee(TokenHash),
}

impl Caller {
    /// Whether the caller may do everything to an event of `organizer` and its registrations.
    pub fn manages(self, organizer: Option<OrganizerId>) -> bool {
        match self {
            Self::Operator => true,
            Self::Organizer(id) => organizer == Some(id),
            Self::OpenOrganizer => organizer.is_none(),
            Self::Anyone | Self::Attendee(_) => false,
        }
    }

    /// Whether the caller registers for an event of `organizer` as a visitor, and not in its organizer's name. Where
    /// there are no organizers, every caller is a visitor.
    pub(crate) fn is_visitor(self, organizer: Option<OrganizerId>) -> bool {
        self == Self::OpenOrganizer || !self.manages(organizer)
    }

    /// Whether listings show `event` to the caller: it [sees](Self::sees) the event, which is listed or the caller's to
    /// manage.
    pub fn finds(self, event: &Event) -> bool {
        self.sees(event.organizer_id, event.rules.status)
            && (!event.details.is_unlisted || self.manages(event.organizer_id))
    }

    /// Whether the caller may see an event of `organizer`.
    pub fn sees(self, organizer: Option<OrganizerId>, status: EventStatus) -> bool {
        match self {
            Self::Operator | Self::Organizer(_) => self.manages(organizer),
            Self::OpenOrganizer | Self::Anyone | Self::Attendee(_) => {
                status != EventStatus::Draft || self.manages(organizer)
            }
        }
    }
}

/// Identifies a request that may be repeated: a repeated one gets the first one's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdempotencyKey {
    /// The key that it is looked up by.
    pub hash: KeyHash,
    /// Distinguishes the request from others under the same key.
    pub fingerprint: Fingerprint,
}

impl IdempotencyKey {
    /// The key looked up by `hash`, of a request with this fingerprint.
    pub const fn new(hash: KeyHash, fingerprint: Fingerprint) -> Self {
        Self { hash, fingerprint }
    }
}
