//! Mistakes that a store may make. The suite must find each.

use crate::line::Line;
use crate::state::{State, Table};
use booking_core::{EditedEvent, EventChange};

#[derive(Clone, Copy)]
pub(crate) struct Flaw {
    /// A registration that is written again is looked up by its id alone.
    pub(crate) finds_by_id_alone: bool,
    /// Erased data stays in the earlier lines.
    pub(crate) keeps_lines: bool,
    /// An erased row keeps its name.
    pub(crate) keeps_names: bool,
    /// The former holder of an erased registration stays.
    pub(crate) keeps_former_holders: bool,
    /// Changes a line before it is written.
    pub(crate) distort: fn(&mut Line),
    /// Changes a new event before it is written.
    pub(crate) at_creation: fn(&mut Table),
    /// Keeps parts of an event's row that an edit changes.
    pub(crate) keep: fn(&Table, &mut EditedEvent),
    /// Removes parts of the state when a store is opened.
    pub(crate) lose: fn(&mut State),
}

impl Flaw {
    pub(crate) const NONE: Self = Self {
        finds_by_id_alone: false,
        keeps_lines: false,
        keeps_names: false,
        keeps_former_holders: false,
        distort: |_| {},
        at_creation: |_| {},
        keep: |_, _| {},
        lose: |_| {},
    };

    /// Does to the state what a flawed store does before it makes a change.
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
