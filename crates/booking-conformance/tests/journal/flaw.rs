//! Mistakes that a store may have. The suite must find each.

use crate::line::Line;
use crate::state::{State, Table};
use booking_core::{EditedEvent, EventChange};

#[derive(Clone, Copy)]
pub(crate) struct Flaw {
    /// A registration that is written again is looked for by its id alone.
    pub(crate) finds_by_id_alone: bool,
    /// What was erased stays in the lines that said it.
    pub(crate) keeps_lines: bool,
    /// An erased row keeps the name that it had.
    pub(crate) keeps_names: bool,
    /// Whoever had an erased registration before is kept.
    pub(crate) keeps_former_holders: bool,
    /// What is written otherwise than it was decided.
    pub(crate) distort: fn(&mut Line),
    /// What is written otherwise of an event that is put up.
    pub(crate) put_up: fn(&mut Table),
    /// What stays of an event's row although an edit says otherwise.
    pub(crate) keep: fn(&Table, &mut EditedEvent),
    /// What is not there when a store is opened.
    pub(crate) forget: fn(&mut State),
}

impl Flaw {
    pub(crate) const NONE: Self = Self {
        finds_by_id_alone: false,
        keeps_lines: false,
        keeps_names: false,
        keeps_former_holders: false,
        distort: |_| {},
        put_up: |_| {},
        keep: |_, _| {},
        forget: |_| {},
    };

    /// Does to what is there what a flawed store does before it makes a change.
    pub(crate) fn spoil(&self, state: &mut State, change: &mut EventChange) {
        if self.finds_by_id_alone {
            for table in state.events.values_mut() {
                table.rows.retain(|_, row| !change.replaced.contains(&row.0.id));
            }
        }
        let table = state.events.get(&change.event_id);
        if let (Some(table), Some(edited)) = (table, &mut change.edited) {
            (self.keep)(table, edited);
        }
        let table = table.filter(|_| self.keeps_names);
        for row in change.registrations.iter_mut().filter(|row| row.is_erased()) {
            let before = table.and_then(|table| table.rows.get(&row.created_version));
            row.person.name = before.and_then(|before| before.0.person.name.clone());
        }
    }
}
