use crate::values::unseen::is_blank;
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Why a text or a number is not a valid value. Its text may be shown to the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Invalid {
    /// No visible character is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// More Unicode scalar values than allowed.
    #[error("must have at most {max} characters")]
    TooManyCharacters {
        /// The limit.
        max: usize,
    },
    /// More bytes of UTF-8 than allowed.
    #[error("must have at most {max} bytes")]
    TooManyBytes {
        /// The limit.
        max: usize,
    },
    /// A control character (Unicode category Cc) where none is allowed.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// An invisible character, or one that reorders its neighbours.
    #[error("must not contain invisible or direction-changing characters")]
    InvisibleCharacter,
    /// Not an address by RFC 5322, or one without a dot in its domain.
    #[error("must be an e-mail address such as name@example.org")]
    NotAnEmailAddress,
    /// Not a [`Contact`](crate::Contact).
    #[error("must be an e-mail address, or a URL such as https://example.org/contact")]
    NotAContact,
    /// A number outside its range.
    #[error("must be a whole number from {min} to {max}")]
    OutOfRange {
        /// The least allowed.
        min: u32,
        /// The most allowed.
        max: u32,
    },
    /// Not an instant as RFC 3339 writes it.
    #[error("must be a time such as 2026-05-01T19:00:00Z (RFC 3339)")]
    NotAnInstant,
    /// Not a name of the IANA time zone database.
    #[error("must be a time zone such as Europe/Berlin")]
    NotATimeZone,
    /// Not a UUID as RFC 9562 writes it.
    #[error("must be a UUID")]
    NotAnId,
    /// Not a [`RequestId`](crate::RequestId).
    #[error("must be 1 to 128 of A-Z a-z 0-9 - _ . :")]
    NotARequestId,
    /// A cursor that no listing returned.
    #[error("must be a cursor taken from a Link header")]
    NotACursor,
    /// Not an [`EndpointUrl`](crate::EndpointUrl).
    #[error(
        "must be a URL such as https://example.org/hooks, with https, and without user name, password and fragment"
    )]
    NotAnEndpointUrl,
    /// Not a [`CellName`](crate::CellName).
    #[error("must be 1 to 63 of a-z 0-9 _, and not begin with a digit")]
    NotACellName,
    /// Not a [`QuestionKey`](crate::QuestionKey).
    #[error("must be 1 to 32 of a-z 0-9 _ -")]
    NotAKey,
    /// Options for a kind without any, or none for one that needs them, or two with one key.
    #[error(
        "must be 1 to 20, each with another key, for choice and several, and none for other kinds"
    )]
    NoSuchOptions,
    /// Too many questions, or two with one key.
    #[error("must be at most {max}, each with another key")]
    NotQuestions {
        /// The most allowed.
        max: usize,
    },
    /// Not a [`Role`](crate::Role).
    #[error("must be owner, manager, door or reader")]
    NotARole,
    /// An event that ends before it starts, or closes before it opens.
    #[error("must not end before it begins, nor close before it opens")]
    OutOfOrder,
}

/// An event's description: up to [`Description::CHARACTERS_MAX`] characters, possibly none. Newline and tab are the
/// only control characters in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Description(String);

impl Description {
    /// The longest description, in Unicode scalar values.
    pub const CHARACTERS_MAX: usize = 10_000;

    /// Checks `raw`, and changes only its line ends to newlines.
    ///
    /// # Errors
    /// [`Invalid::TooManyCharacters`] or [`Invalid::ControlCharacter`].
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let text = with_newlines(raw);
        check_text(&text, Self::CHARACTERS_MAX, |c| matches!(c, '\n' | '\t'))?;
        Ok(Self(text.into_owned()))
    }

    /// The description as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The same lines, each ending in a newline: forms and the clipboards of some systems end them in CRLF.
fn with_newlines(raw: &str) -> Cow<'_, str> {
    match raw.contains('\r') {
        true => raw.replace("\r\n", "\n").replace('\r', "\n").into(),
        false => raw.into(),
    }
}

fn check_text(
    text: &str,
    characters_max: usize,
    allowed_control: fn(char) -> bool,
) -> Result<(), Invalid> {
    if text.chars().any(|c| c.is_control() && !allowed_control(c)) {
        return Err(Invalid::ControlCharacter);
    }
    // Counting stops one past the limit, so that a huge text costs no more than a long one.
    if text.chars().take(characters_max + 1).count() > characters_max {
        return Err(Invalid::TooManyCharacters { max: characters_max });
    }
    Ok(())
}

/// Conversions from and to text. Deserialized values come from a store, and are read by `$read`.
macro_rules! string_conversions {
    ($name:ident, $read:ident) => {
        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(raw: String) -> Result<Self, Invalid> {
                Self::$read(&raw)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::values::text::serialized_as_text!($name);
    };
}
pub(crate) use string_conversions;

/// Serialized as its text, without a copy.
macro_rules! serialized_as_text {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }
    };
}
pub(crate) use serialized_as_text;

string_conversions!(Description, parse);

/// A text of several lines: trimmed, 1 to `CHARACTERS_MAX` characters, some of them visible, and no control characters
/// but newline and tab.
macro_rules! lines_newtype {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The longest one, in Unicode scalar values.
            pub const CHARACTERS_MAX: usize = $max;

            /// Trims and checks `raw`; its line ends become newlines.
            ///
            /// # Errors
            /// [`Invalid::Empty`], [`Invalid::TooManyCharacters`] or [`Invalid::ControlCharacter`].
            pub fn parse(raw: &str) -> Result<Self, Invalid> {
                let text = with_newlines(raw);
                let text = text.trim();
                if is_blank(text) {
                    return Err(Invalid::Empty);
                }
                check_text(text, Self::CHARACTERS_MAX, |c| matches!(c, '\n' | '\t'))?;
                Ok(Self(text.to_owned()))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        string_conversions!($name, parse);
    };
}

lines_newtype!(
    /// The text of a question, or of a consent: 1 to [`Wording::CHARACTERS_MAX`] characters.
    Wording,
    2_000
);

lines_newtype!(
    /// An attendee's answer as text: 1 to [`AnswerText::CHARACTERS_MAX`] characters.
    AnswerText,
    1_000
);

/// It is personal data: see [`EmailAddress`](crate::EmailAddress).
impl fmt::Debug for AnswerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerText(…)")
    }
}

/// A line of text: trimmed, 1 to `CHARACTERS_MAX` characters, some of them visible, no control characters.
macro_rules! line_newtype {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The longest one, in Unicode scalar values.
            pub const CHARACTERS_MAX: usize = $max;

            /// Trims and checks `raw`.
            ///
            /// # Errors
            /// [`Invalid::Empty`], [`Invalid::TooManyCharacters`] or [`Invalid::ControlCharacter`].
            pub fn parse(raw: &str) -> Result<Self, Invalid> {
                let line = Self::parse_stored(raw)?;
                if is_blank(&line.0) { Err(Invalid::Empty) } else { Ok(line) }
            }

            /// The same for a stored value: earlier versions accepted invisible lines.
            ///
            /// # Errors
            /// As [`parse`](Self::parse), but not for those.
            pub fn parse_stored(raw: &str) -> Result<Self, Invalid> {
                let line = raw.trim();
                if line.is_empty() {
                    return Err(Invalid::Empty);
                }
                check_text(line, Self::CHARACTERS_MAX, |_| false)?;
                Ok(Self(line.to_owned()))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        string_conversions!($name, parse_stored);
    };
}

line_newtype!(
    /// An event's name: trimmed, 1 to [`EventName::CHARACTERS_MAX`] characters, no control characters.
    EventName,
    200
);

line_newtype!(
    /// An attendee's name: trimmed, 1 to [`PersonName::CHARACTERS_MAX`] characters, no control characters.
    PersonName,
    200
);

line_newtype!(
    /// An organizer's name: trimmed, 1 to [`OrganizerName::CHARACTERS_MAX`] characters, no control characters.
    OrganizerName,
    200
);

impl FromStr for OrganizerName {
    type Err = Invalid;

    /// As [`OrganizerName::parse`] does.
    fn from_str(raw: &str) -> Result<Self, Invalid> {
        Self::parse(raw)
    }
}

/// It is personal data: see [`EmailAddress`](crate::EmailAddress).
impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(…)")
    }
}

macro_rules! debug_shows_text {
    ($($name:ident)*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        })*
    };
}

debug_shows_text!(EventName OptionLabel OrganizerName Venue Wording);

line_newtype!(
    /// The place of an event: trimmed, 1 to [`Venue::CHARACTERS_MAX`] characters, no control characters.
    Venue,
    200
);

line_newtype!(
    /// The label of a question's option: trimmed, 1 to [`OptionLabel::CHARACTERS_MAX`] characters, no control
    /// characters.
    OptionLabel,
    200
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(EventName::parse("  Jazz  ").map(String::from), Ok("Jazz".into()));
        assert_eq!(EventName::parse(" \u{3000} "), Err(Invalid::Empty));
        assert!(EventName::parse(&"é".repeat(200)).is_ok());
        assert_eq!(
            EventName::parse(&"é".repeat(201)),
            Err(Invalid::TooManyCharacters { max: 200 })
        );
        for control in ['\0', '\n', '\t', '\u{7f}', '\u{85}'] {
            let name = format!("a{control}b");
            assert_eq!(EventName::parse(&name), Err(Invalid::ControlCharacter), "{control:?}");
        }
    }

    #[test]
    fn a_description_may_be_empty_or_have_several_lines() {
        assert_eq!(Description::parse(""), Ok(Description::default()));
        assert_eq!(Description::parse(" a\n\tb ").map(String::from), Ok(" a\n\tb ".into()));
        for lines in ["a\r\nb\r\n\r\n", "a\rb\r\r", "a\nb\r\n\n"] {
            assert_eq!(Description::parse(lines).map(String::from), Ok("a\nb\n\n".into()));
        }
        assert!(Description::parse(&"\r\n".repeat(10_000)).is_ok(), "it has 10,000 characters");
        assert_eq!(Description::parse("a\0b"), Err(Invalid::ControlCharacter));
        assert!(Description::parse(&"x".repeat(10_000)).is_ok());
        assert_eq!(
            Description::parse(&"x".repeat(10_001)),
            Err(Invalid::TooManyCharacters { max: 10_000 })
        );
    }

    #[test]
    fn an_invisible_name_is_empty() {
        for blank in [
            "\u{200b}",
            "\u{3164}",
            "\u{ad}",
            " \u{2800} ",
            "\u{feff}\u{301}",
            "\u{fffc}",
            "\u{115f}\u{1160}\u{ffa0}\u{34f}",
            "\u{e0020}\u{fe0f}\u{e0100}",
        ] {
            assert_eq!(EventName::parse(blank), Err(Invalid::Empty), "{blank:?}");
            assert_eq!(PersonName::parse(blank), Err(Invalid::Empty), "{blank:?}");
            assert_eq!(OrganizerName::parse(blank), Err(Invalid::Empty), "{blank:?}");
            assert_eq!(Venue::parse(blank), Err(Invalid::Empty), "{blank:?}");
            assert!(EventName::parse_stored(blank).is_ok(), "it may be there: {blank:?}");
        }
        for kept in ["👩\u{200d}🚀", "می\u{200c}خواهم", "e\u{301}"] {
            assert_eq!(EventName::parse(kept).map(String::from), Ok(kept.into()));
        }
    }

    #[test]
    fn deserializing_parses_too() {
        assert!(serde_json::from_str::<EventName>(r#""  ""#).is_err());
        assert!(serde_json::from_str::<EventName>(r#""a\u0000b""#).is_err());
    }
}
