//! The registrations that a decision works on: as they were read, and as it has changed them.

use crate::{EmailAddress, Registration, RegistrationId};
use std::collections::HashMap;

/// Registrations by index, by id and, while they are live, by address.
pub(crate) struct Rows<'a> {
    rows: Vec<Row<'a>>,
    by_id: HashMap<RegistrationId, usize>,
    by_email: HashMap<&'a EmailAddress, usize>,
}

enum Row<'a> {
    /// As it was read.
    Loaded(&'a Registration),
    /// As it was changed; whether it was read before.
    Changed(Box<Registration>, bool),
}

impl<'a> Rows<'a> {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            rows: Vec::with_capacity(rows),
            by_id: HashMap::with_capacity(rows),
            by_email: HashMap::with_capacity(rows),
        }
    }

    /// Adds a registration that was read; adding it again returns the same index.
    pub(crate) fn load(&mut self, registration: &'a Registration) -> usize {
        if let Some(row) = self.by_id.get(&registration.id) {
            return *row;
        }
        let row = self.rows.len();
        self.rows.push(Row::Loaded(registration));
        self.by_id.insert(registration.id, row);
        if registration.status.is_live() {
            self.by_email.insert(&registration.person.user_email, row);
        }
        row
    }

    /// Adds a new one, whose address is `email`.
    pub(crate) fn add(&mut self, made: Registration, email: &'a EmailAddress) -> usize {
        let row = self.rows.len();
        self.by_id.insert(made.id, row);
        self.by_email.insert(email, row);
        self.rows.push(Row::Changed(Box::new(made), false));
        row
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn by_id(&self, id: RegistrationId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// The registration that was live with this address when last changed.
    pub(crate) fn by_email(&self, email: &EmailAddress) -> Option<usize> {
        self.by_email.get(email).copied()
    }

    pub(crate) fn get(&self, row: usize) -> &Registration {
        match &self.rows[row] {
            Row::Loaded(registration) => registration,
            Row::Changed(registration, _) => registration,
        }
    }

    /// A row that will be written.
    pub(crate) fn get_mut(&mut self, row: usize) -> &mut Registration {
        if let Row::Loaded(loaded) = self.rows[row] {
            self.rows[row] = Row::Changed(Box::new(loaded.clone()), true);
        }
        match &mut self.rows[row] {
            Row::Changed(registration, _) => registration,
            Row::Loaded(_) => unreachable!("it was replaced above"),
        }
    }

    /// Frees its address: it has ended.
    pub(crate) fn release_email(&mut self, row: usize) {
        let Self { rows, by_email, .. } = self;
        let email = match &rows[row] {
            Row::Loaded(registration) => &registration.person.user_email,
            Row::Changed(registration, _) => &registration.person.user_email,
        };
        by_email.remove(email);
    }

    /// Indexes it under another address. The caller changes the row's own field.
    pub(crate) fn rename(&mut self, row: usize, email: &'a EmailAddress) {
        self.release_email(row);
        self.by_email.insert(email, row);
    }

    /// The new and changed rows, and the ids of those that were read.
    pub(crate) fn into_changed(self) -> (Vec<Registration>, Vec<RegistrationId>) {
        let (mut changed, mut replaced) = (Vec::new(), Vec::new());
        for row in self.rows {
            if let Row::Changed(registration, was_loaded) = row {
                if was_loaded {
                    replaced.push(registration.id);
                }
                changed.push(*registration);
            }
        }
        (changed, replaced)
    }
}
