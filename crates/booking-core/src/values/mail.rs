use serde::{Deserialize, Serialize};

/// What a mail tells its recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// They have a seat: with the ticket, the calendar file and the private link.
    Confirmed,
    /// They are on the waitlist.
    Waitlisted,
    /// They waited, and are offered a seat for a while.
    Offered,
    /// Their offer expired.
    Lapsed,
    /// Their registration is cancelled.
    Cancelled,
    /// Another attendee transferred a seat to them.
    Transferred,
    /// They transferred their seat to another attendee, and have none any more.
    HandedOver,
    /// Their event takes place elsewhere, or at another time.
    EventMoved,
    /// Their event is cancelled.
    EventCancelled,
    /// Their event is soon.
    Reminder,
    /// The links to all registrations of their address, which a visitor requested who may or may not be them.
    Found,
    /// A seat is held for them until they confirm that the address is theirs.
    ConfirmAddress,
    /// Their name or address was corrected, or they have a new private link.
    Changed,
}

impl MailKind {
    /// Every kind there is.
    pub const ALL: [Self; 13] = [
        Self::Confirmed,
        Self::Waitlisted,
        Self::Offered,
        Self::Lapsed,
        Self::Cancelled,
        Self::Transferred,
        Self::HandedOver,
        Self::EventMoved,
        Self::EventCancelled,
        Self::Reminder,
        Self::Found,
        Self::ConfirmAddress,
        Self::Changed,
    ];

    /// Its name, in stores and in template names.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Waitlisted => "waitlisted",
            Self::Offered => "offered",
            Self::Lapsed => "lapsed",
            Self::Cancelled => "cancelled",
            Self::Transferred => "transferred",
            Self::HandedOver => "handed_over",
            Self::EventMoved => "event_moved",
            Self::EventCancelled => "event_cancelled",
            Self::Reminder => "reminder",
            Self::Found => "found",
            Self::ConfirmAddress => "confirm_address",
            Self::Changed => "changed",
        }
    }

    /// The kind called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The language of an event's mails.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English, the default.
    #[default]
    En,
    /// German.
    De,
}

impl Language {
    /// Every language there is.
    pub const ALL: [Self; 2] = [Self::En, Self::De];

    /// Its tag (BCP 47), in JSON and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// The language with the tag `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_one_name_in_json_and_in_stores() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::from_name(kind.as_str()), Some(kind));
            let json = serde_json::to_string(&kind).expect("it is written");
            assert_eq!(json, format!("\"{}\"", kind.as_str()));
        }
        for language in Language::ALL {
            assert_eq!(Language::from_name(language.as_str()), Some(language));
            let json = serde_json::to_string(&language).expect("it is written");
            assert_eq!(json, format!("\"{}\"", language.as_str()));
        }
        assert_eq!(MailKind::from_name("Confirmed"), None);
        assert_eq!(Language::from_name("fr"), None);
        assert_eq!(Language::default(), Language::En);
    }
}
