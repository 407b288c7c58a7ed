//! Loading what a batch needs before it can be decided, beyond the rows of its events.

use crate::columns::stored_version;
use crate::connection::Lease;
use crate::error::PgError;
use crate::rows;
use crate::sql;
use booking_core::{
    Command, EventCommand, EventId, EventState, LoadPlan, RegistrationId, SoughtIds, Status,
};
use chrono::{DateTime, Utc};
use futures_util::future::{join, join5};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use tokio_postgres::Row;
use uuid::Uuid;

/// The keys that a batch looks up, as columns.
#[derive(Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) addresses: (Vec<Uuid>, Vec<&'a str>),
    pub(crate) ids: (Vec<Uuid>, Vec<Uuid>),
    pub(crate) keys: (Vec<Uuid>, Vec<&'a [u8]>),
}

impl<'a> Wanted<'a> {
    /// The look-ups of `batch`; `sought` says whether with the ids of the registrations that it makes. Those are half of
    /// the work, and a new registration is not there: its address is looked up, and an id that is taken is refused by
    /// the primary key, after which all of it is attempted again with the ids. Only a refusal needs them.
    pub(crate) fn of(batch: &'a [EventCommand], sought: SoughtIds) -> Self {
        let mut wanted = Self::default();
        for item in batch {
            let event_id = item.event_id.as_uuid();
            if let Some(email) = item.user_email() {
                wanted.addresses.0.push(event_id);
                wanted.addresses.1.push(email.as_str());
            }
            if let Some(id) = item.registration_id()
                && item.looks_up_its_id(sought)
            {
                wanted.ids.0.push(event_id);
                wanted.ids.1.push(id.as_uuid());
            }
            if let Some(key) = &item.key {
                wanted.keys.0.push(event_id);
                wanted.keys.1.push(key.hash.as_bytes());
            }
        }
        wanted
    }
}

/// The loaded events of a batch, once their rows are locked.
pub(crate) struct LoadedBatch {
    pub(crate) states: BTreeMap<EventId, EventState>,
    pub(crate) busy: BTreeSet<EventId>,
    /// Those that are moving to another store, or have left, so that they cannot be changed here.
    pub(crate) moving: BTreeSet<EventId>,
    pub(crate) now: DateTime<Utc>,
}

impl LoadedBatch {
    /// Adds registrations that commands named.
    pub(crate) fn add_registrations(&mut self, found: &[Row]) -> Result<(), PgError> {
        for row in found {
            if let Some(state) = self.states.get_mut(&rows::event_of_registration(row)) {
                state.registrations.push(rows::registration(row)?);
            }
        }
        Ok(())
    }

    /// Adds the answers under the keys of commands.
    pub(crate) fn add_records(&mut self, found: &[Row]) -> Result<(), PgError> {
        for row in found {
            let (event_id, record) = rows::record(row)?;
            if let Some(state) = self.states.get_mut(&event_id) {
                state.records.push(record);
            }
        }
        Ok(())
    }

    /// Looks up the ids of the registrations that `batch` makes, which were not looked up at first.
    pub(crate) async fn load_claims_by_id(
        &mut self,
        connection: &Lease,
        batch: &[EventCommand],
    ) -> Result<(), PgError> {
        let (event_ids, ids) = Wanted::of(batch, SoughtIds::SentAgain).ids;
        let found = connection.fetch(sql::REGISTRATION_BY_ID, &[&event_ids, &ids]).await?;
        self.add_registrations(&found)?;
        self.load_positions(connection, batch).await
    }

    /// Loads what else `commands` need of their events: mostly nothing.
    pub(crate) async fn load_planned(
        &mut self,
        connection: &Lease,
        commands: &BTreeMap<EventId, Vec<&EventCommand>>,
    ) -> Result<(), PgError> {
        let mut more = More::default();
        for (event_id, state) in &self.states {
            more.add(*event_id, state.load_plan(commands[event_id].iter().copied(), self.now));
        }
        if more.is_nothing() {
            return Ok(());
        }
        let prepare =
            async |events: &[Uuid], sql| connection.prepare_if(!events.is_empty(), sql).await;
        let overdue = prepare(&more.overdue.0, sql::REGISTRATION_OVERDUE).await?;
        let next = prepare(&more.overdue.0, sql::REGISTRATION_NEXT_END).await?;
        let waiting = prepare(&more.waiting.0, sql::REGISTRATION_WAITING).await?;
        let unerased = prepare(&more.unerased.0, sql::REGISTRATION_UNERASED).await?;
        let details = prepare(&more.details, sql::EVENT_DETAILS).await?;
        let questions = prepare(&more.questions, sql::QUESTION_FIND).await?;
        let ((overdue, next, waiting, unerased, details), questions) = join(
            join5(
                connection.rows_if(&overdue, &[&more.overdue.0, &more.overdue.1, &self.now]),
                connection.rows_if(&next, &[&more.overdue.0, &self.now]),
                connection.rows_if(&waiting, &[&more.waiting.0, &more.waiting.1]),
                connection.rows_if(&unerased, &[&more.unerased.0, &more.unerased.1]),
                connection.rows_if(&details, &[&more.details]),
            ),
            connection.rows_if(&questions, &[&more.questions]),
        )
        .await;
        for row in &overdue? {
            let registration = rows::registration(row)?;
            self.state_of(registration.event_id).overdue.push(registration);
        }
        for row in &next? {
            self.state_of(rows::event_id(row, 0)).due_next = Some(row.get(1));
        }
        for row in &waiting? {
            let mut registration = rows::registration(row)?;
            let queue = &mut self.state_of(registration.event_id).waiting;
            registration.position = Some(1 + queue.len() as u32);
            queue.push(registration);
        }
        for row in &unerased? {
            let registration = rows::registration(row)?;
            self.state_of(registration.event_id).unerased.push(registration);
        }
        for row in &details? {
            self.state_of(rows::event_id(row, 0)).details = Some(rows::stored_details(row)?);
        }
        for row in &questions? {
            let (event_id, questions) = rows::questions(row)?;
            self.state_of(event_id).questions = Some(questions);
        }
        Ok(())
    }

    /// Loads the queue positions that answers may show. It takes a walk along the queue, so no others are
    /// loaded.
    pub(crate) async fn load_positions(
        &mut self,
        connection: &Lease,
        batch: &[EventCommand],
    ) -> Result<(), PgError> {
        let waits = |status: Status| status == Status::Waitlisted;
        let loaded = || self.states.values().flat_map(|state| &state.registrations);
        if !loaded().any(|registration| waits(registration.status)) {
            return Ok(());
        }
        let telling = batch.iter().filter(|item| may_show_position(&item.command));
        let shown: HashSet<RegistrationId> =
            telling.filter_map(EventCommand::registration_id).collect();
        for state in self.states.values_mut() {
            let asked = state.registrations.iter();
            let asked: Vec<_> =
                asked.filter(|row| waits(row.status) && shown.contains(&row.id)).collect();
            let Some(last) = asked.iter().map(|row| row.created_version).max() else { continue };
            let ids: Vec<Uuid> = asked.iter().map(|row| row.id.as_uuid()).collect();
            let (event_id, last) = (state.id.as_uuid(), stored_version(last));
            let places =
                connection.fetch(sql::REGISTRATION_POSITIONS, &[&event_id, &last, &ids]).await?;
            for place in &places {
                let (id, position) = (rows::registration_id(place, 0), rows::position(place, 1)?);
                for row in state.registrations.iter_mut().filter(|row| row.id == id) {
                    row.position = position;
                }
            }
        }
        Ok(())
    }

    /// The event of a row that was asked for.
    fn state_of(&mut self, id: EventId) -> &mut EventState {
        self.states.get_mut(&id).expect("only locked events were asked about")
    }
}

/// Whether the answer to a command can show a registration that waited before, and still does: a
/// repeated command can, a cancellation that did nothing, and an erasure.
fn may_show_position(command: &Command) -> bool {
    match command {
        Command::Register(_)
        | Command::Hold(_)
        | Command::Transfer(_)
        | Command::Correct(_)
        | Command::RenewLink(_)
        | Command::UndoCheckIn { .. }
        | Command::Erase { .. } => true,
        Command::Confirm { .. }
        | Command::Cancel { .. }
        | Command::CheckIn(_)
        | Command::Edit(_)
        | Command::SetQuestions(_)
        | Command::CancelEvent
        | Command::EraseDue
        | Command::Settle
        | Command::Replay => false,
    }
}

/// What some events still need, as columns: with the limit of rows for each.
#[derive(Default)]
struct More {
    overdue: (Vec<Uuid>, Vec<i64>),
    waiting: (Vec<Uuid>, Vec<i64>),
    unerased: (Vec<Uuid>, Vec<i64>),
    details: Vec<Uuid>,
    questions: Vec<Uuid>,
}

impl More {
    fn add(&mut self, event_id: EventId, plan: LoadPlan) {
        let LoadPlan { overdue_max, waiting_max, unerased_max, details, questions } = plan;
        for (wanted, at_most) in [
            (&mut self.overdue, overdue_max),
            (&mut self.waiting, waiting_max),
            (&mut self.unerased, unerased_max),
        ] {
            if at_most > 0 {
                wanted.0.push(event_id.as_uuid());
                wanted.1.push(at_most.into());
            }
        }
        if details {
            self.details.push(event_id.as_uuid());
        }
        if questions {
            self.questions.push(event_id.as_uuid());
        }
    }

    fn is_nothing(&self) -> bool {
        // An event whose unerased rows are needed needs its details, too.
        self.overdue.0.is_empty()
            && self.waiting.0.is_empty()
            && self.details.is_empty()
            && self.questions.is_empty()
    }
}
