//! An attendee's answers to an event's questions. They are personal data, of whatever kind: nothing here shows them in
//! logs.

use crate::{AnswerText, Invalid, QuestionKey};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use thiserror::Error;

/// An answer to one question, whose kind decides which form it must have.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// A text, or the key of the chosen option.
    Text(AnswerText),
    /// The keys of the chosen options.
    Several(BTreeSet<QuestionKey>),
    /// Yes or no.
    YesNo(bool),
    /// Consent to the wording of that number.
    Consent(u32),
}

impl Answer {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.as_str().len(),
            Self::Several(keys) => keys.iter().map(|key| key.as_str().len()).sum(),
            Self::YesNo(_) | Self::Consent(_) => size_of::<u32>(),
        }
    }
}

/// It is personal data: see [`EmailAddress`](crate::EmailAddress).
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(…)")
    }
}

/// An attendee's answers, each under the key of its question.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers(BTreeMap<QuestionKey, Answer>);

impl Answers {
    /// The most bytes that all answers of one attendee have together, including their keys.
    pub const BYTES_MAX: usize = 8 * 1_024;

    /// Checks the total length of `answers`. Whether they fit an event's questions is decided where the questions are
    /// loaded.
    ///
    /// # Errors
    /// [`Invalid::TooManyBytes`].
    pub fn parse(answers: BTreeMap<QuestionKey, Answer>) -> Result<Self, Invalid> {
        let answers = Self(answers);
        match answers.bytes() <= Self::BYTES_MAX {
            true => Ok(answers),
            false => Err(Invalid::TooManyBytes { max: Self::BYTES_MAX }),
        }
    }

    /// Whether there are no answers.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The answer to one question.
    pub fn get(&self, key: QuestionKey) -> Option<&Answer> {
        self.0.get(&key)
    }

    /// All of them, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (QuestionKey, &Answer)> {
        self.0.iter().map(|(key, answer)| (*key, answer))
    }

    /// These, overridden by `others`.
    #[must_use]
    pub fn with(&self, others: &Self) -> Self {
        let mut all = self.0.clone();
        all.extend(others.0.iter().map(|(key, answer)| (*key, answer.clone())));
        Self(all)
    }

    pub(crate) fn changed_by(&self, change: &AnswersChange) -> Self {
        let mut after = self.0.clone();
        for (key, answer) in change.iter() {
            match answer {
                Some(answer) => drop(after.insert(key, answer.clone())),
                None => drop(after.remove(&key)),
            }
        }
        Self(after)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|(key, answer)| key.as_str().len() + answer.bytes()).sum()
    }
}

/// Shows how many there are, and nothing of them.
impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answers({})", self.0.len())
    }
}

/// Changes to answers: `None` removes one. Answers that it does not name stay.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AnswersChange(BTreeMap<QuestionKey, Option<Answer>>);

impl AnswersChange {
    /// Checks the total length of the given answers.
    ///
    /// # Errors
    /// [`Invalid::TooManyBytes`].
    pub fn parse(change: BTreeMap<QuestionKey, Option<Answer>>) -> Result<Self, Invalid> {
        let given = change.iter().filter_map(|(key, answer)| Some((*key, answer.clone()?)));
        Answers::parse(given.collect())?;
        Ok(Self(change))
    }

    /// The given answers: where none were stored, a removal has no effect.
    pub fn given(self) -> Answers {
        let given = self.0.into_iter().filter_map(|(key, answer)| Some((key, answer?)));
        Answers(given.collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (QuestionKey, Option<&Answer>)> {
        self.0.iter().map(|(key, answer)| (*key, answer.as_ref()))
    }
}

impl From<&Answers> for AnswersChange {
    fn from(answers: &Answers) -> Self {
        Self(answers.iter().map(|(key, answer)| (key, Some(answer.clone()))).collect())
    }
}

impl fmt::Debug for AnswersChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnswersChange({})", self.0.len())
    }
}

/// What is wrong with an answer. Its text may be shown to the person who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFault {
    /// It is required.
    #[error("has to be answered")]
    Missing,
    /// The event never asked that.
    #[error("is not a question of this event")]
    NoQuestion,
    /// The event does not ask that any more.
    #[error("is not asked any more")]
    Retired,
    /// See [`QuestionKind::Text`](crate::QuestionKind::Text).
    #[error("must be a text")]
    NotText,
    /// See [`QuestionKind::Choice`](crate::QuestionKind::Choice).
    #[error("must be the key of one of its options")]
    NotAnOption,
    /// See [`QuestionKind::Several`](crate::QuestionKind::Several).
    #[error("must be an array of keys of its options")]
    NotOptions,
    /// See [`QuestionKind::YesNo`](crate::QuestionKind::YesNo).
    #[error("must be true or false")]
    NotYesNo,
    /// See [`QuestionKind::Consent`](crate::QuestionKind::Consent).
    #[error("must be the version of the wording that is agreed to")]
    NotAVersion,
    /// Consent to an outdated wording.
    #[error("the wording is another one by now: it is at version {version}")]
    OtherWording {
        /// The current wording's number.
        version: u32,
    },
    /// All answers together are too long.
    #[error("is too long: all answers have {} bytes together at most", Answers::BYTES_MAX)]
    TooLong,
}
