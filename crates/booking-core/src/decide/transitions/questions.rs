//! An event's questions, and attendees' answers.

use crate::decide::seats::Seats;
use crate::values::answers::AnswerFault;
use crate::values::question::QuestionsFault;
use crate::{
    Actor, Answers, AnswersChange, Caller, EventStatus, FactKind, Outcome, QuestionKey, Refusal,
    SetQuestions,
};

impl Seats<'_> {
    pub(super) fn set_questions(&mut self, set: &SetQuestions) -> Result<Outcome, Refusal> {
        if self.rules.status == EventStatus::Cancelled {
            return Err(Refusal::Closed);
        }
        let asked = self.questions().replaced_by(&set.asked, self.now);
        let asked = asked.map_err(|fault| match fault {
            QuestionsFault::Answered(key) => Refusal::QuestionAnswered { key },
            QuestionsFault::TooMany => Refusal::TooManyQuestions,
        })?;
        // As with an edit: a change that has been made already is a success, whatever its condition.
        if asked != *self.questions() {
            self.check_condition(set.if_match.as_ref())?;
            self.set_questions_to(asked);
            self.edit(FactKind::EventEdited, Actor::Organizer);
        }
        Ok(self.changed_event())
    }

    /// Checks that `given` answer the event's questions, and, if `all_required`, that with `before` no required answer
    /// is missing.
    pub(super) fn check_answers(
        &self,
        given: &Answers,
        before: Option<&Answers>,
        all_required: bool,
    ) -> Result<(), Refusal> {
        let all = before.map(|before| before.with(given));
        let checked = self.questions().check(given, all.as_ref().unwrap_or(given), all_required);
        checked.map_err(refused)
    }

    /// The answers of a registration after a change. A visitor cannot remove a required one.
    pub(super) fn changed_answers(
        &self,
        row: usize,
        change: &AnswersChange,
        caller: Caller,
    ) -> Result<Answers, Refusal> {
        let before = &self.row(row).person.answers;
        self.questions().change(before, change, self.is_visitor(caller)).map_err(refused)
    }

    /// Whether required answers are demanded. A manager of the event may not know them.
    pub(super) fn is_visitor(&self, caller: Caller) -> bool {
        caller.is_visitor(self.state.organizer_id)
    }
}

fn refused((key, why): (QuestionKey, AnswerFault)) -> Refusal {
    Refusal::AnswerRefused { key, why }
}
