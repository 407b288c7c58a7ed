//! The rules, each named by its breach.

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
    /// How it was broken.
    #[serde(flatten)]
    pub breach: Breach,
}

/// All ways to break a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each rule is described, and its fields say where it is broken")]
pub enum Breach {
    /// A request whose answer was lost was never answered, however often it was resent.
    UnknownLeftOpen { key: String },
    /// A request got temporary refusals until its client gave up.
    NeverDecided { key: String },
    /// The same request got two different answers.
    AnsweredTwice { key: String },
    /// A refused request was decided anew under the same key. Correct once the refusal's record has expired, which
    /// takes longer than any load, except with a clock that jumps or runs fast.
    RefusalForgotten { key: String },
    /// An answer that is not in the contract.
    Unexpected { request: &'static str, status: u16, code: Option<String> },
    /// A registration that was acknowledged is not among the rows.
    Lost { id: Uuid },
    /// A row that no answer acknowledged.
    Phantom { id: Uuid },
    /// An event or registration is listed twice.
    ListedTwice { id: Uuid },
    /// The event itself could not be read at the end.
    EventMissing,
    /// Two changes have the same version.
    VersionTwice { version: u64 },
    /// No change is known that made this version, although versions have no gaps.
    VersionMissing { version: u64 },
    /// An acknowledged edit or cancellation of the event made no version.
    EditLost { version: u64 },
    /// More seats were taken than there are.
    Oversold { version: u64, taken: u32, capacity: u32 },
    /// An address has two live registrations.
    EmailTwice { version: u64, id: Uuid },
    /// A seat was given past the head of the waitlist.
    QueueJumped { version: u64, id: Uuid, ahead: Uuid },
    /// A registration was waitlisted although a seat was free.
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
    /// A new token equals an earlier one.
    TokenKept { version: u64, id: Uuid },
    /// A request was answered to a token that was no longer valid.
    DeadToken { version: u64, id: Uuid },
    /// A change that answers report is missing from the registration's history.
    ChangeMissing { version: u64, id: Uuid },
    /// An answer shows another state than there was at its version.
    AnswerDiffers { version: u64, id: Uuid, what: &'static str },
    /// A change has a lower version than one that was answered before it was sent, or a higher one than one that
    /// was sent after its answer.
    OutOfOrder { version: u64, after: u64, before: u64 },
    /// A refusal without a reason while the request was in progress.
    Unjustified { request: &'static str, code: String, after: u64, before: u64 },
    /// A read shows another state than there was at its version.
    ReadDiffers { version: u64, booked_count: u32, taken: u32 },
    /// An answer, or the final state, shows other hours than the event had at its version.
    HoursDiffer { version: u64 },
    /// A row at the end differs from the result of its changes.
    RowDiffers { id: Uuid, what: &'static str },
    /// The event at the end differs from the result of its changes.
    EventDiffers { what: &'static str, shown: u64, replayed: u64 },
    /// An endpoint was never notified of a change.
    MessageLost { endpoint: Uuid, version: u64 },
    /// An endpoint got a change before it had acknowledged the previous one.
    MessageOutOfOrder { endpoint: Uuid, version: u64 },
    /// An endpoint was notified of a change that was never made.
    MessageOfNothing { endpoint: Uuid, version: u64 },
    /// An endpoint was notified of a change before it was requested, or before it could be read.
    MessageBeforeCommit { endpoint: Uuid, version: u64 },
    /// An endpoint got a message that differs from what happened.
    MessageDiffers { endpoint: Uuid, version: u64, what: &'static str },
    /// A change was sent under two ids, or two changes under one.
    MessageUnderAnotherId { endpoint: Uuid, version: u64, message_id: String },
    /// A message is not signed with its endpoint's secret, or not at the present time.
    MessageUnsigned { endpoint: Uuid, version: u64 },
    /// An endpoint got something that is no message.
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

    /// The endpoint, if the breach is about a message.
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
