use crate::{Capacity, Command, EventCommand, EventState};
use chrono::{DateTime, Utc};

/// What a batch needs to read of an event beyond its row, its commands' registrations and their records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadPlan {
    /// How many expired holds and offers; 0 reads none.
    pub overdue_max: u32,
    /// How many of the waitlist.
    pub waiting_max: u32,
    /// How many registrations that are not erased yet.
    pub unerased_max: u32,
    /// Whether the event's details.
    pub details: bool,
    /// Whether its current and retired questions.
    pub questions: bool,
}

/// The most that one decision settles beyond one for each of its commands; the next one goes on. It bounds a
/// transaction after many holds have expired together.
pub const SETTLED_MAX: u32 = 1_000;

/// The most registrations that one decision erases after the retention period; the next one goes on.
pub const ERASED_MAX: u32 = 500;

impl EventState {
    /// What else to read for `commands`, this event's part of a batch.
    pub fn load_plan<'a>(
        &self,
        commands: impl IntoIterator<Item = &'a EventCommand>,
        now: DateTime<Utc>,
    ) -> LoadPlan {
        let (mut count, mut cancels, mut raised, mut details) = (0_u32, 0_u32, 0_u32, false);
        let (mut unerased_max, mut questions) = (0, false);
        for item in commands {
            count += 1;
            match &item.command {
                Command::Edit(edit) => {
                    details = true;
                    let capacity = edit.capacity.map_or(0, Capacity::get);
                    raised = raised.max(capacity.saturating_sub(self.capacity.get()));
                }
                Command::CancelEvent => details = true,
                Command::SetQuestions(_) => (details, questions) = (true, true),
                // A sale reads nothing more unless the event has questions.
                Command::Register(_)
                | Command::Hold(_)
                | Command::Confirm { .. }
                | Command::Transfer(_) => questions |= self.asks,
                // An answer to a retired question may be removed.
                Command::Correct(correct) => questions |= correct.answers.is_some(),
                Command::Cancel { .. } => cancels += 1,
                Command::Erase { .. } => {
                    details = true;
                    cancels += 1;
                }
                Command::EraseDue => {
                    details = true;
                    unerased_max = ERASED_MAX;
                }
                Command::RenewLink(_)
                | Command::CheckIn(_)
                | Command::UndoCheckIn { .. }
                | Command::Settle
                | Command::Replay => {}
            }
        }
        let is_due = self.is_due(now);
        let free = self.capacity.get().saturating_sub(self.counts.booked);
        // Expired holds free at least as many seats as the waitlist takes and the commands may want, so that no command
        // is refused because of unsettled rows.
        let freed = if is_due { SETTLED_MAX } else { free.min(SETTLED_MAX) };
        let freed = freed + raised.min(SETTLED_MAX) + cancels;
        LoadPlan {
            overdue_max: if is_due { SETTLED_MAX + count } else { 0 },
            waiting_max: freed.min(self.counts.waiting),
            unerased_max,
            details,
            questions,
        }
    }
}

impl LoadPlan {
    /// Whether there is nothing to read.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
