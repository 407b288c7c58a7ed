//! What an event asks of those who come.

use crate::values::answers::{Answer, AnswerFault, Answers, AnswersChange};
use crate::{Invalid, OptionLabel, Wording};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The most questions that an event asks.
pub const QUESTIONS_MAX: usize = 20;

/// The most that are kept of an event: those that it asks, and those that it asked and that were answered.
pub const QUESTIONS_KEPT_MAX: usize = 60;

/// The most options of a question.
pub const OPTIONS_MAX: usize = 20;

/// The most wordings that are kept of one consent, the one that counts included.
pub const WORDINGS_MAX: usize = 20;

/// Names a question of an event, or an option of one, for programs: 1 to [`QuestionKey::BYTES_MAX`] of `a-z 0-9 _ -`.
/// The organizer chooses it, and it stays the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionKey {
    /// The rest is zeros, so that keys are in the order of their texts.
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

/// What an answer is.
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
    /// That an attendee agrees to the wording, as it was when they did.
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

    /// Whether its answer is of options.
    pub const fn has_options(self) -> bool {
        matches!(self, Self::Choice | Self::Several)
    }
}

/// One of the answers to a question that has some to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuestionOption {
    /// Its name for programs, unlike those of the question's other options.
    pub key: QuestionKey,
    /// Its name for people.
    pub label: OptionLabel,
}

impl QuestionOption {
    /// The option called `label`.
    pub fn new(key: QuestionKey, label: OptionLabel) -> Self {
        Self { key, label }
    }
}

/// What is asked of each attendee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Question {
    /// Its name for programs, unlike those of the event's other questions.
    pub key: QuestionKey,
    /// What an answer is.
    pub kind: QuestionKind,
    /// What people read; of a consent, what they agree to.
    pub wording: Wording,
    /// Whether a visitor has to answer it.
    #[serde(default)]
    pub is_required: bool,
    /// What there is to choose from, if the answer is of that kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<QuestionOption>,
}

impl Question {
    /// A question that need not be answered, without options.
    pub fn new(key: QuestionKey, kind: QuestionKind, wording: Wording) -> Self {
        Self { key, kind, wording, is_required: false, options: Vec::new() }
    }

    /// Whether it has options if its answer is one, each under a key of its own, and none if not.
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

    /// Whether an answer to `self` would still be one to `other`, and mean the same.
    fn means_the_same_as(&self, other: &Self) -> bool {
        let is_worded_alike = self.kind == QuestionKind::Consent || self.wording == other.wording;
        is_worded_alike && self.kind == other.kind && self.options == other.options
    }

    /// What is wrong with an answer to it, if something is. Of a consent `version` is the one that counts.
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

/// The questions that an event is to ask, in their order: at most [`QUESTIONS_MAX`], each under a key of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedQuestions(Vec<Question>);

impl AskedQuestions {
    /// Checks `questions`.
    ///
    /// # Errors
    /// [`Invalid::NotQuestions`], or what is wrong with the options of one.
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

/// A question that an event asks, or asked while it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventQuestion {
    /// What is asked.
    #[serde(flatten)]
    pub question: Question,
    /// The number of its wording, from 1: a consent's is raised with every other wording.
    pub version: u32,
    /// Whether an attendee has answered it: from then on it stays as it is, and is only retired.
    #[serde(default)]
    pub is_answered: bool,
    /// Whether it is asked no more.
    #[serde(default)]
    pub is_retired: bool,
    /// The wordings that attendees may have agreed to before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_wordings: Vec<FormerWording>,
}

/// A wording of a consent that counts no more for those who come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FormerWording {
    /// Its number.
    pub version: u32,
    /// The text.
    pub wording: Wording,
    /// The store's time when another took its place.
    pub replaced_at: DateTime<Utc>,
}

/// Why an event's questions cannot be these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuestionsFault {
    /// This one was answered, and would be another.
    Answered(QuestionKey),
    /// More would have to be kept than may.
    TooMany,
}

/// All that an event asks and has asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Questions(Vec<EventQuestion>);

impl Questions {
    /// What an event asks that asks nothing.
    pub const NONE: Self = Self(Vec::new());

    /// All of them: those that are asked in their order, and then those that were.
    pub fn all(&self) -> &[EventQuestion] {
        &self.0
    }

    /// Those that are asked, in their order.
    pub fn asked(&self) -> impl Iterator<Item = &EventQuestion> {
        self.0.iter().filter(|kept| !kept.is_retired)
    }

    /// Whether anything is asked.
    pub fn asks(&self) -> bool {
        self.asked().next().is_some()
    }

    /// The same to be asked by another event.
    pub fn to_ask(&self) -> AskedQuestions {
        AskedQuestions(self.asked().map(|kept| kept.question.clone()).collect())
    }

    fn find(&self, key: QuestionKey) -> Option<&EventQuestion> {
        self.0.iter().find(|kept| kept.question.key == key)
    }

    /// What they are once `asked` is asked, from `now` on: what was answered and is asked no more is retired, and what
    /// was not is gone.
    pub(crate) fn replaced_by(
        &self,
        asked: &AskedQuestions,
        now: DateTime<Utc>,
    ) -> Result<Self, QuestionsFault> {
        let mut kept = Vec::with_capacity(asked.0.len());
        for question in &asked.0 {
            kept.push(match self.find(question.key) {
                Some(before) => before.replaced_by(question, now)?,
                None => EventQuestion::new(question.clone()),
            });
        }
        let is_asked = |before: &&EventQuestion| {
            asked.0.iter().any(|question| question.key == before.question.key)
        };
        let gone = self.0.iter().filter(|before| before.is_answered && !is_asked(before));
        kept.extend(gone.map(|before| EventQuestion { is_retired: true, ..before.clone() }));
        if kept.len() > QUESTIONS_KEPT_MAX { Err(QuestionsFault::TooMany) } else { Ok(Self(kept)) }
    }

    /// Whether `given` are answers to what is asked, and, if `all_required`, whether nothing that has to be answered is
    /// missing in `all`.
    ///
    /// # Errors
    /// What is wrong with the answer to which question.
    pub fn check(
        &self,
        given: &Answers,
        all: &Answers,
        all_required: bool,
    ) -> Result<(), (QuestionKey, AnswerFault)> {
        for (key, answer) in given.iter() {
            self.check_one(key, answer)?;
        }
        let missing = self.asked().map(|kept| &kept.question).find(|question| {
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
            Some(kept) if kept.is_retired => Some(AnswerFault::Retired),
            Some(kept) => kept.question.fault(answer, kept.version),
        };
        fault.map_or(Ok(()), |fault| Err((key, fault)))
    }

    /// What becomes of `before` by `change`. With `keeps_required` nothing that has to be answered is taken back.
    pub(crate) fn change(
        &self,
        before: &Answers,
        change: &AnswersChange,
        keeps_required: bool,
    ) -> Result<Answers, (QuestionKey, AnswerFault)> {
        for (key, answer) in change.iter() {
            match answer {
                // What is said again is as good as it was.
                Some(answer) if before.get(key) == Some(answer) => {}
                Some(answer) => self.check_one(key, answer)?,
                None => {
                    let is_required = self
                        .find(key)
                        .is_some_and(|kept| !kept.is_retired && kept.question.is_required);
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

    /// Keeps in mind what was answered; tells whether that is news.
    pub(crate) fn note_answered(&mut self, answers: &Answers) -> bool {
        let mut is_news = false;
        for kept in &mut self.0 {
            if !kept.is_answered && answers.get(kept.question.key).is_some() {
                kept.is_answered = true;
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

    /// The same under the same key, asked (again) as `question` has it.
    fn replaced_by(&self, question: &Question, now: DateTime<Utc>) -> Result<Self, QuestionsFault> {
        if self.is_answered && !question.means_the_same_as(&self.question) {
            return Err(QuestionsFault::Answered(question.key));
        }
        let is_consent = question.kind == QuestionKind::Consent;
        // Somebody may be reading the wording that there was, and must not agree to another by it.
        let is_other = is_consent && self.question.wording != question.wording;
        let mut kept = Self {
            question: question.clone(),
            version: self.version + u32::from(is_other),
            is_retired: false,
            ..self.clone()
        };
        if is_other && self.is_answered {
            let (version, wording) = (self.version, self.question.wording.clone());
            kept.former_wordings.push(FormerWording { version, wording, replaced_at: now });
        }
        let fits = kept.former_wordings.len() < WORDINGS_MAX;
        if fits { Ok(kept) } else { Err(QuestionsFault::TooMany) }
    }
}

#[cfg(test)]
mod tests;
