//! The questions of an event.

use crate::values::answers::{Answer, AnswerFault, Answers, AnswersChange};
use crate::{Invalid, OptionLabel, Wording};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The most questions that an event asks.
pub const QUESTIONS_MAX: usize = 20;

/// The most questions stored for an event: the current ones, and retired ones that were answered.
pub const QUESTIONS_KEPT_MAX: usize = 60;

/// The most options of a question.
pub const OPTIONS_MAX: usize = 20;

/// The most stored wordings of one consent, including the current one.
pub const WORDINGS_MAX: usize = 20;

/// Identifies a question of an event, or an option of one: 1 to [`QuestionKey::BYTES_MAX`] of `a-z 0-9 _ -`. The
/// organizer chooses it, and it never changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionKey {
    /// Padded with zeros, so that keys are ordered as their texts.
    bytes: [u8; Self::BYTES_MAX],
    length: u8,
}

impl QuestionKey {
    /// The longest key, in bytes.
    pub const BYTES_MAX: usize = 32;

    /// Checks `raw`.
    ///
    /// # Errors
    /// [`Invalid::NotAKey`].
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let is_of_keys =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        let fits = (1..=Self::BYTES_MAX).contains(&raw.len());
        if !fits || !raw.bytes().all(is_of_keys) {
            return Err(Invalid::NotAKey);
        }
        let mut bytes = [0; Self::BYTES_MAX];
        bytes[..raw.len()].copy_from_slice(raw.as_bytes());
        let length = u8::try_from(raw.len()).map_err(|_| Invalid::NotAKey)?;
        Ok(Self { bytes, length })
    }

    /// The key as a string.
    pub fn as_str(&self) -> &str {
        let bytes = &self.bytes[..usize::from(self.length)];
        str::from_utf8(bytes).expect("a key is ASCII")
    }
}

impl FromStr for QuestionKey {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        Self::parse(raw)
    }
}

impl fmt::Display for QuestionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for QuestionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QuestionKey").field(&self.as_str()).finish()
    }
}

impl Serialize for QuestionKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for QuestionKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(from)?;
        Self::parse(&raw).map_err(serde::de::Error::custom)
    }
}

/// The kind of a question's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// A text.
    Text,
    /// One of the options.
    Choice,
    /// Some of the options.
    Several,
    /// Yes or no.
    YesNo,
    /// Consent to the wording as it was when it was given.
    Consent,
}

impl QuestionKind {
    /// Every kind there is.
    pub const ALL: [Self; 5] =
        [Self::Text, Self::Choice, Self::Several, Self::YesNo, Self::Consent];

    /// Its name, in JSON and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Choice => "choice",
            Self::Several => "several",
            Self::YesNo => "yes_no",
            Self::Consent => "consent",
        }
    }

    /// Whether its answers are options.
    pub const fn has_options(self) -> bool {
        matches!(self, Self::Choice | Self::Several)
    }
}

/// One of the options of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuestionOption {
    /// Its key, unique within the question.
    pub key: QuestionKey,
    /// Its label.
    pub label: OptionLabel,
}

impl QuestionOption {
    /// The option called `label`.
    pub fn new(key: QuestionKey, label: OptionLabel) -> Self {
        Self { key, label }
    }
}

/// A question to each attendee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Question {
    /// Its key, unique within the event.
    pub key: QuestionKey,
    /// The kind of its answer.
    pub kind: QuestionKind,
    /// The text; of a consent, what attendees agree to.
    pub wording: Wording,
    /// Whether a visitor must answer it.
    #[serde(default)]
    pub is_required: bool,
    /// The options, for kinds that have some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<QuestionOption>,
}

impl Question {
    /// A question that is not required, without options.
    pub fn new(key: QuestionKey, kind: QuestionKind, wording: Wording) -> Self {
        Self { key, kind, wording, is_required: false, options: Vec::new() }
    }

    /// Checks that it has options if its kind needs them, with unique keys, and none if not.
    ///
    /// # Errors
    /// [`Invalid::NoSuchOptions`].
    pub fn check_options(&self) -> Result<(), Invalid> {
        let least = usize::from(self.kind.has_options());
        let most = if self.kind.has_options() { OPTIONS_MAX } else { 0 };
        let keys: BTreeSet<_> = self.options.iter().map(|option| option.key).collect();
        let fits = (least..=most).contains(&self.options.len());
        match fits && keys.len() == self.options.len() {
            true => Ok(()),
            false => Err(Invalid::NoSuchOptions),
        }
    }

    /// Whether an answer to `self` is still valid for `other`, and means the same.
    fn means_the_same_as(&self, other: &Self) -> bool {
        let is_worded_alike = self.kind == QuestionKind::Consent || self.wording == other.wording;
        is_worded_alike && self.kind == other.kind && self.options == other.options
    }

    /// What is wrong with an answer to it, if anything. `version` is a consent's current wording.
    fn fault(&self, answer: &Answer, version: u32) -> Option<AnswerFault> {
        let has = |text: &str| self.options.iter().any(|option| option.key.as_str() == text);
        let (is_good, fault) = match (self.kind, answer) {
            (QuestionKind::Text, answer) => {
                (matches!(answer, Answer::Text(_)), AnswerFault::NotText)
            }
            (QuestionKind::Choice, Answer::Text(text)) => {
                (has(text.as_str()), AnswerFault::NotAnOption)
            }
            (QuestionKind::Choice, _) => (false, AnswerFault::NotAnOption),
            (QuestionKind::Several, Answer::Several(keys)) => {
                (keys.iter().all(|key| has(key.as_str())), AnswerFault::NotOptions)
            }
            (QuestionKind::Several, _) => (false, AnswerFault::NotOptions),
            (QuestionKind::YesNo, answer) => {
                (matches!(answer, Answer::YesNo(_)), AnswerFault::NotYesNo)
            }
            (QuestionKind::Consent, Answer::Consent(to)) => {
                (*to == version, AnswerFault::OtherWording { version })
            }
            (QuestionKind::Consent, _) => (false, AnswerFault::NotAVersion),
        };
        (!is_good).then_some(fault)
    }
}

/// An event's questions, in order: at most [`QUESTIONS_MAX`], with unique keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedQuestions(Vec<Question>);

impl AskedQuestions {
    /// Checks `questions`.
    ///
    /// # Errors
    /// [`Invalid::NotQuestions`], or those of one question's options.
    pub fn parse(questions: Vec<Question>) -> Result<Self, Invalid> {
        let keys: BTreeSet<_> = questions.iter().map(|question| question.key).collect();
        if questions.len() > QUESTIONS_MAX || keys.len() != questions.len() {
            return Err(Invalid::NotQuestions { max: QUESTIONS_MAX });
        }
        questions.iter().try_for_each(Question::check_options)?;
        Ok(Self(questions))
    }

    /// The questions.
    pub fn as_slice(&self) -> &[Question] {
        &self.0
    }
}

/// A current question of an event, or a retired one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventQuestion {
    /// The question.
    #[serde(flatten)]
    pub question: Question,
    /// The number of its wording, from 1: a consent's is raised with every new wording.
    pub version: u32,
    /// Whether an attendee has answered it: from then on it can only be retired.
    #[serde(default)]
    pub is_answered: bool,
    /// Whether it is retired.
    #[serde(default)]
    pub is_retired: bool,
    /// Former wordings that attendees may have agreed to, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_wordings: Vec<FormerWording>,
}

/// A former wording of a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FormerWording {
    /// Its number.
    pub version: u32,
    /// The text.
    pub wording: Wording,
    /// The store's time when it was replaced.
    pub replaced_at: DateTime<Utc>,
}

/// Why an event's questions cannot be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuestionsFault {
    /// This question was answered, and would change its meaning.
    Answered(QuestionKey),
    /// More would have to be stored than the limit.
    TooMany,
}

/// An event's current and retired questions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Questions(Vec<EventQuestion>);

impl Questions {
    /// The questions of an event without any.
    pub const NONE: Self = Self(Vec::new());

    /// All of them: the current ones in order, then the retired ones.
    pub fn all(&self) -> &[EventQuestion] {
        &self.0
    }

    /// The current ones, in order.
    pub fn asked(&self) -> impl Iterator<Item = &EventQuestion> {
        self.0.iter().filter(|stored| !stored.is_retired)
    }

    /// Whether there are current ones.
    pub fn asks(&self) -> bool {
        self.asked().next().is_some()
    }

    /// The current ones, to be set for another event.
    pub fn to_ask(&self) -> AskedQuestions {
        AskedQuestions(self.asked().map(|stored| stored.question.clone()).collect())
    }

    fn find(&self, key: QuestionKey) -> Option<&EventQuestion> {
        self.0.iter().find(|stored| stored.question.key == key)
    }

    /// The questions after a change to `asked` at `now`: an answered one that is left out is retired, and an unanswered
    /// one is removed.
    pub(crate) fn replaced_by(
        &self,
        asked: &AskedQuestions,
        now: DateTime<Utc>,
    ) -> Result<Self, QuestionsFault> {
        let mut stored = Vec::with_capacity(asked.0.len());
        for question in &asked.0 {
            stored.push(match self.find(question.key) {
                Some(before) => before.replaced_by(question, now)?,
                None => EventQuestion::new(question.clone()),
            });
        }
        let is_asked = |before: &&EventQuestion| {
            asked.0.iter().any(|question| question.key == before.question.key)
        };
        let gone = self.0.iter().filter(|before| before.is_answered && !is_asked(before));
        stored.extend(gone.map(|before| EventQuestion { is_retired: true, ..before.clone() }));
        if stored.len() > QUESTIONS_KEPT_MAX {
            Err(QuestionsFault::TooMany)
        } else {
            Ok(Self(stored))
        }
    }

    /// Checks that `given` answer the current questions, and, if `all_required`, that no required answer is missing in
    /// `all`.
    ///
    /// # Errors
    /// The question, and what is wrong with its answer.
    pub fn check(
        &self,
        given: &Answers,
        all: &Answers,
        all_required: bool,
    ) -> Result<(), (QuestionKey, AnswerFault)> {
        for (key, answer) in given.iter() {
            self.check_one(key, answer)?;
        }
        let missing = self.asked().map(|stored| &stored.question).find(|question| {
            all_required && question.is_required && all.get(question.key).is_none()
        });
        missing.map_or(Ok(()), |question| Err((question.key, AnswerFault::Missing)))
    }

    fn check_one(
        &self,
        key: QuestionKey,
        answer: &Answer,
    ) -> Result<(), (QuestionKey, AnswerFault)> {
        let fault = match self.find(key) {
            None => Some(AnswerFault::NoQuestion),
            Some(stored) if stored.is_retired => Some(AnswerFault::Retired),
            Some(stored) => stored.question.fault(answer, stored.version),
        };
        fault.map_or(Ok(()), |fault| Err((key, fault)))
    }

    /// Applies `change` to `before`. With `keeps_required` no required answer may be removed.
    pub(crate) fn change(
        &self,
        before: &Answers,
        change: &AnswersChange,
        keeps_required: bool,
    ) -> Result<Answers, (QuestionKey, AnswerFault)> {
        for (key, answer) in change.iter() {
            match answer {
                // A repeated answer is as valid as before.
                Some(answer) if before.get(key) == Some(answer) => {}
                Some(answer) => self.check_one(key, answer)?,
                None => {
                    let is_required = self
                        .find(key)
                        .is_some_and(|stored| !stored.is_retired && stored.question.is_required);
                    if keeps_required && is_required {
                        return Err((key, AnswerFault::Missing));
                    }
                }
            }
        }
        let after = before.changed_by(change);
        match change.iter().next() {
            Some((key, _)) if after.bytes() > Answers::BYTES_MAX => {
                Err((key, AnswerFault::TooLong))
            }
            _ => Ok(after),
        }
    }

    /// Marks answered questions; returns whether any is new.
    pub(crate) fn note_answered(&mut self, answers: &Answers) -> bool {
        let mut is_news = false;
        for stored in &mut self.0 {
            if !stored.is_answered && answers.get(stored.question.key).is_some() {
                stored.is_answered = true;
                is_news = true;
            }
        }
        is_news
    }
}

impl EventQuestion {
    fn new(question: Question) -> Self {
        Self {
            question,
            version: 1,
            is_answered: false,
            is_retired: false,
            former_wordings: Vec::new(),
        }
    }

    /// The question under the same key after a change to `question`.
    fn replaced_by(&self, question: &Question, now: DateTime<Utc>) -> Result<Self, QuestionsFault> {
        if self.is_answered && !question.means_the_same_as(&self.question) {
            return Err(QuestionsFault::Answered(question.key));
        }
        let is_consent = question.kind == QuestionKind::Consent;
        // An attendee may be reading the current wording, and must not agree to another by it.
        let is_other = is_consent && self.question.wording != question.wording;
        let mut stored = Self {
            question: question.clone(),
            version: self.version + u32::from(is_other),
            is_retired: false,
            ..self.clone()
        };
        if is_other && self.is_answered {
            let (version, wording) = (self.version, self.question.wording.clone());
            stored.former_wordings.push(FormerWording { version, wording, replaced_at: now });
        }
        let fits = stored.former_wordings.len() < WORDINGS_MAX;
        if fits { Ok(stored) } else { Err(QuestionsFault::TooMany) }
    }
}

#[cfg(test)]
mod tests;
