//! The rules, each by what breaks it.

use super::history::Kind;
use super::status::Status;
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// A broken rule, and where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Violation {
    /// The event whose history breaks it.
    pub event_id: Uuid,
    /// What is wrong.
    #[serde(flatten)]
    pub breach: Breach,
}

/// What can be wrong with a history.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each rule is described, and its fields say where it is broken")]
pub enum Breach {
    /// A request whose answer was lost was never answered, however often it was sent again.
    UnknownLeftOpen { key: String },
    /// A request was refused for the moment for as long as anybody cared to ask.
    NeverDecided { key: String },
    /// The same request was answered in two ways.
    AnsweredTwice { key: String },
    /// A request that had been refused was decided anew under the same key. Right once the refusal's
    /// record has run out, which no load takes long enough for, but by a clock that jumps or flies.
    RefusalForgotten { key: String },
    /// An answer that the contract does not know.
    Unexpected { request: &'static str, status: u16, code: Option<String> },
    /// A registration that was acknowledged is not among the rows.
    Lost { id: Uuid },
    /// A row that nobody was told of.
    Phantom { id: Uuid },
    /// An event or registration is listed twice.
    ListedTwice { id: Uuid },
    /// The event itself could not be read in the end.
    EventMissing,
    /// Two changes have the same version.
    VersionTwice { version: u64 },
    /// No change is known that made this version, and versions are given without gaps.
    VersionMissing { version: u64 },
    /// An edit or cancellation of the event that was acknowledged made no version.
    EditLost { version: u64 },
    /// More seats were taken than there are.
    Oversold { version: u64, taken: u32, capacity: u32 },
    /// An address has two live registrations.
    EmailTwice { version: u64, id: Uuid },
    /// A seat was given past the head of the queue.
    QueueJumped { version: u64, id: Uuid, ahead: Uuid },
    /// A registration was waitlisted although there was a seat.
    WaitedInVain { version: u64, id: Uuid },
    /// A change that is no transition.
    NoTransition { version: u64, id: Uuid, from: Option<Status>, kind: Kind },
    /// A hold or an offer was confirmed after its end.
    ConfirmedLate { version: u64, id: Uuid },
    /// A hold or an offer ended before its end.
    ExpiredEarly { version: u64, id: Uuid },
    /// A seat was given or offered when the event was over.
    AfterTheEnd { version: u64, id: Uuid },
    /// A registration was made when registration had closed.
    AfterClosing { version: u64, id: Uuid },
    /// A token that was to be new is one that was good before.
    TokenKept { version: u64, id: Uuid },
    /// A request was answered to a token that was no longer valid.
    DeadToken { version: u64, id: Uuid },
    /// A change that answers tell of is not in what the server tells of the registration.
    ChangeMissing { version: u64, id: Uuid },
    /// An answer shows something else than was so at the version that it names.
    AnswerDiffers { version: u64, id: Uuid, what: &'static str },
    /// A change is older than one that had been answered before it was asked for, or newer than one
    /// that was asked for after it had been answered.
    OutOfOrder { version: u64, after: u64, before: u64 },
    /// A refusal that nothing was the reason for while the request was under way.
    Unjustified { request: &'static str, code: String, after: u64, before: u64 },
    /// A read shows another state than was so at the version that it names.
    ReadDiffers { version: u64, booked_count: u32, taken: u32 },
    /// An answer, or the end, shows other hours than the event had at the version that it names.
    HoursDiffer { version: u64 },
    /// A row in the end is another than the changes make it.
    RowDiffers { id: Uuid, what: &'static str },
    /// The event in the end is another than the changes make it.
    EventDiffers { what: &'static str, shown: u64, replayed: u64 },
    /// An endpoint was never told of a change.
    MessageLost { endpoint: Uuid, version: u64 },
    /// An endpoint was told of a change before it had taken the one before it.
    MessageOutOfOrder { endpoint: Uuid, version: u64 },
    /// An endpoint was told of a change that was never made.
    MessageOfNothing { endpoint: Uuid, version: u64 },
    /// An endpoint was told of a change before anybody had asked for it, or before it was to be read.
    MessageBeforeCommit { endpoint: Uuid, version: u64 },
    /// An endpoint was told something else than happened.
    MessageDiffers { endpoint: Uuid, version: u64, what: &'static str },
    /// A change was told under two ids, or two changes under one.
    MessageUnderAnotherId { endpoint: Uuid, version: u64, message_id: String },
    /// A message is not signed with its endpoint's secret, or not of now.
    MessageUnsigned { endpoint: Uuid, version: u64 },
    /// An endpoint was sent something that is no message.
    MessageUnreadable { endpoint: Uuid, message_id: String },
}

impl Breach {
    /// Its stable name.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::UnknownLeftOpen { .. } => "unknown_left_open",
            Self::NeverDecided { .. } => "never_decided",
            Self::AnsweredTwice { .. } => "answered_twice",
            Self::RefusalForgotten { .. } => "refusal_forgotten",
            Self::Unexpected { .. } => "unexpected",
            Self::Lost { .. } => "lost",
            Self::Phantom { .. } => "phantom",
            Self::ListedTwice { .. } => "listed_twice",
            Self::EventMissing => "event_missing",
            Self::VersionTwice { .. } => "version_twice",
            Self::VersionMissing { .. } => "version_missing",
            Self::EditLost { .. } => "edit_lost",
            Self::Oversold { .. } => "oversold",
            Self::EmailTwice { .. } => "email_twice",
            Self::QueueJumped { .. } => "queue_jumped",
            Self::WaitedInVain { .. } => "waited_in_vain",
            Self::NoTransition { .. } => "no_transition",
            Self::ConfirmedLate { .. } => "confirmed_late",
            Self::ExpiredEarly { .. } => "expired_early",
            Self::AfterTheEnd { .. } => "after_the_end",
            Self::AfterClosing { .. } => "after_closing",
            Self::TokenKept { .. } => "token_kept",
            Self::DeadToken { .. } => "dead_token",
            Self::ChangeMissing { .. } => "change_missing",
            Self::AnswerDiffers { .. } => "answer_differs",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::Unjustified { .. } => "unjustified",
            Self::ReadDiffers { .. } => "read_differs",
            Self::HoursDiffer { .. } => "hours_differ",
            Self::RowDiffers { .. } => "row_differs",
            Self::EventDiffers { .. } => "event_differs",
            Self::MessageLost { .. } => "message_lost",
            Self::MessageOutOfOrder { .. } => "message_out_of_order",
            Self::MessageOfNothing { .. } => "message_of_nothing",
            Self::MessageBeforeCommit { .. } => "message_before_commit",
            Self::MessageDiffers { .. } => "message_differs",
            Self::MessageUnderAnotherId { .. } => "message_under_another_id",
            Self::MessageUnsigned { .. } => "message_unsigned",
            Self::MessageUnreadable { .. } => "message_unreadable",
        }
    }

    /// The endpoint that was told wrongly, or not, if it is that.
    pub fn endpoint(&self) -> Option<Uuid> {
        match self {
            Self::MessageLost { endpoint, .. }
            | Self::MessageOutOfOrder { endpoint, .. }
            | Self::MessageOfNothing { endpoint, .. }
            | Self::MessageBeforeCommit { endpoint, .. }
            | Self::MessageDiffers { endpoint, .. }
            | Self::MessageUnderAnotherId { endpoint, .. }
            | Self::MessageUnsigned { endpoint, .. }
            | Self::MessageUnreadable { endpoint, .. } => Some(*endpoint),
            _ => None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in event {}: {:?}", self.breach.rule(), self.event_id, self.breach)
    }
}
