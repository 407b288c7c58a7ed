//! What the event asks of those who come, and what they answer.

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
        // As with an edit: what has been done already is a success, whatever its condition says.
        if asked != *self.questions() {
            self.check_condition(set.if_match.as_ref())?;
            self.set_questions_to(asked);
            self.edit(FactKind::EventEdited, Actor::Organizer);
        }
        Ok(self.changed_event())
    }

    /// Whether `given` are answers to what is asked, and, if `all_required`, whether with `before` nothing is missing
    /// that has to be answered.
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

    /// What the answers of a registration become. A visitor takes none back that has to be there.
    pub(super) fn changed_answers(
        &self,
        row: usize,
        change: &AnswersChange,
        caller: Caller,
    ) -> Result<Answers, Refusal> {
        let before = &self.row(row).person.answers;
        self.questions().change(before, change, self.is_visitor(caller)).map_err(refused)
    }

    /// Whether they have to answer what is required. Who manages the event may not know, and comes to no harm.
    pub(super) fn is_visitor(&self, caller: Caller) -> bool {
        caller.is_visitor(self.state.organizer_id)
    }
}

fn refused((key, why): (QuestionKey, AnswerFault)) -> Refusal {
    Refusal::AnswerRefused { key, why }
}
