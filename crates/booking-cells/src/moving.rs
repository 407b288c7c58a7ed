//! Moving events from one store to another while both are served.
//!
//! ```text
//! source                                     target
//! begin_leaving (a lease)                    begin_arriving, clear
//! pages of all rows           ─────────────► take_in                 it is sold meanwhile
//! what changed, until little did ──────────► take_in
//! freeze                                                             asked of it: event_moving
//! what changed                ─────────────► take_in
//! counts                      ═══════════    counts
//! hand_over: its row goes, its state stays                           it is served nowhere
//! what workers wrote          ─────────────► take_in
//!                                            activate: its row comes it is served there
//! clear, forget_left
//! ```
//!
//! If the mover is killed anywhere in this, the event is served in one place or, between the last two transactions, in
//! none, until it is moved again: a move begins by looking up where the event is. What was copied of an event that had
//! not left is copied anew.

use crate::copies::{change_to, is_copy};
use booking_core::{
    Endpoint, EndpointId, EventId, IdempotencyRecord, LEAVING_MAILS_MAX, LeftEvent, MOVED_KEYS,
    MOVED_ORGANIZERS, MOVED_TABLES, Mark, MoveId, MoveStore, MovedCounts, MovedSince, MovedTable,
    Place, StoreError,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;
use thiserror::Error;
use tokio::time::Instant;

/// How many rows may have changed while others were copied for an event to be frozen.
pub const FREEZE_ROWS_MAX: u64 = 500;
/// How many rounds of changes are copied before an event is frozen all the same.
pub const ROUNDS_MAX: usize = 5;
/// How often an event is copied from its beginning, if the copy is not the same as the original.
pub const COPIES_MAX: usize = 3;
/// How many rows of a table are deleted in one transaction.
pub const CLEAR_ROWS: usize = 1_000;
/// How long after a freeze a record must still be valid to be counted: one that expires sooner may be deleted at any
/// moment.
const COUNTED_FOR: TimeDelta = TimeDelta::seconds(120);

/// A step that a mover has completed, for its observer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The mover holds the event's lease in the source.
    Begun,
    /// The target has made room for it.
    MadeRoom,
    /// So many rows were copied while it sells.
    Copied(u64),
    /// It cannot be changed from now on.
    Frozen,
    /// So many rows were copied that had changed.
    CaughtUp(u64),
    /// Both stores have the same of it.
    Compared,
    /// It has left the source, and is served nowhere.
    HandedOver,
    /// It is served in the target. It could not be changed for so long, if this mover froze it.
    Activated(Option<Duration>),
    /// So many of its rows were deleted in the source.
    Cleared(u64),
    /// Nothing of it is left in the source.
    Moved,
}

/// Observes a mover.
pub trait MoveObserver: Send + Sync {
    /// Called after each step of an event. `false` stops the mover there, as if it had been killed.
    fn reached(&self, event: EventId, step: Step) -> bool;

    /// Called for an event that was not moved while others are.
    fn failed(&self, _event: EventId, _error: &MoveError) {}
}

/// Why an event was not moved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MoveError {
    /// A store failed.
    #[error("the store that it {0} failed")]
    Store(Side, #[source] StoreError),
    /// It is in neither store.
    #[error("there is no such event in either store")]
    NotFound,
    /// It is served in both stores, as after a backup was restored. Only an operator can decide which is right.
    #[error("it is served in both stores")]
    Twice,
    /// It has left for another store than the one that it was to be moved to.
    #[error("it has left for {0}, and not arrived there; move it there first")]
    Elsewhere(String),
    /// Another mover has it, or had it a moment ago.
    #[error("somebody else is moving it, or was in the last seconds")]
    Taken,
    /// It has room in a cell that is to have no more of its byte, and may still arrive there.
    #[error("another move has begun to bring it into the cell; let that end, or abandon it")]
    Arriving,
    /// Both names are of one store.
    #[error("it is to be moved from a store to itself: both are {0}")]
    OneStore(String),
    /// Too many of its mails are due or stuck to leave with it.
    #[error(
        "more than {LEAVING_MAILS_MAX} of its mails are due or stuck, and cannot leave with it; let them be sent, or drop them, \
         and move it then: it is sold as before"
    )]
    MailBacklog,
    /// It has left, or arrived: its move cannot be abandoned any more.
    #[error("it has left, so that its move cannot be given up; move it, and back if need be")]
    HasLeft,
    /// Its freeze expired, or another mover has begun to move it.
    #[error("it took too long; it is sold as before, and can be moved again")]
    TooSlow,
    /// The copy is not the same as the original, after several copies.
    #[error("what arrived of it is not what left: {left:?} and {arrived:?}")]
    Differs {
        /// The counts where it is served.
        left: Box<MovedCounts>,
        /// The counts in the target.
        arrived: Box<MovedCounts>,
    },
    /// It has left, is incomplete in the target, and was partly deleted in the source: the target has lost what it had
    /// committed.
    #[error(
        "it is not where it went, and a part of it is deleted where it was; restore a backup of where it went"
    )]
    Cleared,
    /// The observer stopped it.
    #[error("it was stopped")]
    Stopped,
}

/// One of the two stores of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that an event leaves.
    From,
    /// The one that it goes to.
    To,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::From { "leaves" } else { "goes to" })
    }
}

/// The state of the event whose rows are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// It is served: the mover has to renew its lease now and then.
    Served,
    /// It has left: nothing of it changes, and it belongs to the move that has its state.
    Left,
}

/// The time from which records count if none do.
fn no_records() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_300_799, 0).expect("the last second of the year 9999")
}

/// Two stores, of any kind, between which events are moved.
pub struct Mover<'a> {
    /// The store that events leave.
    pub from: &'a dyn MoveStore,
    /// The store that they go to.
    pub to: &'a dyn MoveStore,
    /// The operator's name for the first, which the second stores.
    pub from_name: &'a str,
    /// The operator's name for the second, which the first stores.
    pub to_name: &'a str,
    /// Makes a unique id for each attempt.
    pub new_id: &'a (dyn Fn() -> MoveId + Sync),
    /// Is notified of each step.
    pub observer: &'a dyn MoveObserver,
}

impl fmt::Debug for Mover<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mover from {} to {}", self.from_name, self.to_name)
    }
}

/// The name of each store, as the other stores it for an event that went there or comes from there: the operator's
/// name, and after it the store's [identity](MoveStore::identity), which matches even if the name changes.
struct Names {
    from: String,
    to: String,
}

/// Whether both names denote one store: by name or by identity.
fn is_same(one: &str, other: &str) -> bool {
    one == other
        || match (one.rsplit_once(" ("), other.rsplit_once(" (")) {
            (Some((name, identity)), Some((other_name, other_identity))) => {
                name == other_name || identity == other_identity
            }
            // One was stored without its identity.
            (None, Some((name, _))) => one == name,
            _ => false,
        }
}

/// The copied rows that belong to no event, by which later changes in the source are found.
#[derive(Debug, Default)]
pub struct SharedCopy {
    endpoints: Option<HashMap<EndpointId, Endpoint>>,
}

fn of<T>(side: Side, answer: Result<T, StoreError>) -> Result<T, MoveError> {
    answer.map_err(|error| MoveError::Store(side, error))
}

impl Mover<'_> {
    /// Makes sure that these are two stores. Each event's move checks that too.
    ///
    /// # Errors
    /// [`MoveError::OneStore`], [`MoveError::Store`].
    pub async fn check_apart(&self) -> Result<(), MoveError> {
        self.names().await.map(drop)
    }

    /// Copies the rows that events refer to and that belong to none: organizers, their tokens and endpoints, and the
    /// keys that tickets were signed with. Call it before any event is moved.
    ///
    /// # Errors
    /// [`MoveError::Store`].
    pub async fn copy_shared(&self) -> Result<(), MoveError> {
        self.copy_shared_again(&mut SharedCopy::default()).await
    }

    /// The same, repeatedly: copies what is new, and what has changed since `copied`. A token that is revoked in the
    /// source is revoked in the target, no matter when. An endpoint that was changed or deleted in the source between
    /// two of these calls is so in the target, too; a change from before the first call cannot be distinguished from
    /// one made in the target, and is ignored. Nothing is copied back.
    ///
    /// # Errors
    /// [`MoveError::Store`].
    pub async fn copy_shared_again(&self, copied: &mut SharedCopy) -> Result<(), MoveError> {
        // Read before they are copied: the next call finds what changes meanwhile.
        let endpoints = of(Side::From, self.from.endpoints().await)?;
        self.copy_tables(MOVED_KEYS).await?;
        self.copy_organizers().await?;
        self.carry_revocations().await?;
        let now: HashMap<_, _> = endpoints.into_iter().map(|one| (one.id, one)).collect();
        if let Some(before) = &copied.endpoints {
            self.carry_changes(before, &now).await?;
        }
        copied.endpoints = Some(now);
        Ok(())
    }

    /// Revokes in the target what is revoked in the source. This never makes anything valid again.
    async fn carry_revocations(&self) -> Result<(), MoveError> {
        let copies = of(Side::To, self.to.tokens().await)?;
        let valid = copies.into_iter().filter(|copy| copy.revoked_at.is_none()).map(|copy| copy.id);
        let valid: HashSet<_> = valid.collect();
        let tokens = of(Side::From, self.from.tokens().await)?;
        for token in tokens.iter().filter(|token| token.revoked_at.is_some()) {
            if valid.contains(&token.id) {
                of(Side::To, self.to.revoke_token(token.id).await)?;
            }
        }
        Ok(())
    }

    async fn carry_changes(
        &self,
        before: &HashMap<EndpointId, Endpoint>,
        now: &HashMap<EndpointId, Endpoint>,
    ) -> Result<(), MoveError> {
        for deleted in before.keys().filter(|id| !now.contains_key(id)) {
            of(Side::To, self.to.delete_endpoint(*deleted).await)?;
        }
        for (id, endpoint) in now {
            if !before.get(id).is_some_and(|before| is_copy(before, endpoint)) {
                of(Side::To, self.to.change_endpoint(*id, change_to(endpoint)).await)?;
            }
        }
        Ok(())
    }

    /// The same without the keys: for cells, where only the home has those.
    ///
    /// # Errors
    /// [`MoveError::Store`].
    pub async fn copy_organizers(&self) -> Result<(), MoveError> {
        self.copy_tables(MOVED_ORGANIZERS).await
    }

    async fn copy_tables(&self, tables: &'static [MovedTable]) -> Result<(), MoveError> {
        for table in tables {
            let rows = of(Side::From, self.from.shared_rows(table).await)?;
            for rows in rows.chunks(table.rows_max) {
                of(Side::To, self.to.add_shared(table, rows).await)?;
            }
        }
        Ok(())
    }

    /// Moves one event, or continues a move that another mover began. Repeating it does nothing.
    ///
    /// # Errors
    /// [`MoveError`]. The event is served in one place, or, if it had left, in none until this is repeated.
    pub async fn move_event(&self, event: EventId) -> Result<(), MoveError> {
        let names = &self.names().await?;
        let there = of(Side::To, self.to.place_of(event).await)?;
        match (of(Side::From, self.from.place_of(event).await)?, there) {
            (Place::Served, Place::Served) => Err(MoveError::Twice),
            // It came from the target, and was not completely deleted there yet.
            (Place::Served, Place::Left { mover, state: Some(_), to }) => {
                if !is_same(&to, &names.from) {
                    return Err(MoveError::Elsewhere(to));
                }
                clear_away(self.to, Side::To, event, mover, |_| Ok(())).await?;
                self.move_served(event, names).await
            }
            (Place::Served, _) => self.move_served(event, names).await,
            (Place::Left { mover, .. }, Place::Served) => self.clear_away(event, mover).await,
            (Place::Left { mover, state: Some(left), .. }, Place::Arriving(by)) if mover == by => {
                self.copy_written(event, mover, None).await?;
                match self.compare(event, no_records()).await {
                    Ok(()) => self.activate(event, &left, None).await,
                    Err(MoveError::Differs { .. }) => self.copy_again(event, mover, names).await,
                    Err(error) => Err(error),
                }
            }
            // What was copied is gone, or belongs to another mover that slept.
            (Place::Left { mover, state: Some(_), to }, Place::Arriving(_) | Place::Unknown)
                if is_same(&to, &names.to) =>
            {
                self.copy_again(event, mover, names).await
            }
            // It arrived in the target, and has left it since.
            (Place::Left { mover, state: Some(_), to }, Place::Left { .. })
                if is_same(&to, &names.to) =>
            {
                self.clear_away(event, mover).await
            }
            (Place::Left { state: Some(_), to, .. }, _) => Err(MoveError::Elsewhere(to)),
            (_, Place::Served) => Ok(()),
            _ => Err(MoveError::NotFound),
        }
    }

    /// Abandons a move that was begun and has stopped for good: deletes what has arrived in the target, and releases
    /// the event in the source. Returns whether there was anything to delete. Repeating it does nothing, and the event
    /// can be moved as if no move had begun.
    ///
    /// # Errors
    /// [`MoveError::HasLeft`] if the source does not serve it any more, since it can only go on then;
    /// [`MoveError::Taken`] as long as another mover has it; the others of [`MoveError`]. The event stays where it
    /// is.
    pub async fn abandon(&self, event: EventId) -> Result<bool, MoveError> {
        let names = &self.names().await?;
        match of(Side::From, self.from.place_of(event).await)? {
            Place::Served => {}
            Place::Left { .. } => return Err(MoveError::HasLeft),
            Place::Arriving(_) | Place::Unknown => return Err(MoveError::NotFound),
        }
        let mover = (self.new_id)();
        // From here on no other mover can have it leave.
        let begun = self.from.begin_leaving(event, mover, &names.to).await;
        of(Side::From, begun)?.ok_or(MoveError::Taken)?;
        let given_up = self.give_up_room(event, mover, names).await;
        let stayed = of(Side::From, self.from.stay(event, mover).await);
        let was_there = given_up?;
        stayed.map(|()| was_there)
    }

    /// Deletes all of an event in the target. No other mover has it.
    async fn give_up_room(
        &self,
        event: EventId,
        mover: MoveId,
        names: &Names,
    ) -> Result<bool, MoveError> {
        if !matches!(of(Side::To, self.to.place_of(event).await)?, Place::Arriving(_)) {
            return Ok(false);
        }
        // It is this mover's then, and its previous owner writes nothing there any more.
        self.make_room(event, mover, names).await?;
        self.reached(event, Step::MadeRoom)?;
        loop {
            match of(Side::To, self.to.clear(event, mover, CLEAR_ROWS).await)? {
                0 => break,
                cleared => self.reached(event, Step::Cleared(cleared))?,
            }
            self.renew_lease(event, mover).await?;
        }
        match of(Side::To, self.to.give_up_room(event, mover).await)? {
            true => Ok(true),
            false => Err(MoveError::Taken),
        }
    }

    /// The names of the stores, which must be two.
    async fn names(&self) -> Result<Names, MoveError> {
        let from = of(Side::From, self.from.identity().await)?;
        let to = of(Side::To, self.to.identity().await)?;
        if from == to {
            return Err(MoveError::OneStore(from));
        }
        Ok(Names {
            from: format!("{} ({from})", self.from_name),
            to: format!("{} ({to})", self.to_name),
        })
    }

    /// Copies an event again that has left, since it is incomplete in the target, and activates it.
    async fn copy_again(
        &self,
        event: EventId,
        left_by: MoveId,
        names: &Names,
    ) -> Result<(), MoveError> {
        let left = of(Side::From, self.from.count_moved(event, no_records()).await)?;
        // Each version of an event has its fact or is a registration's, and what is cleared first has the fact of the first
        // version, which is no registration's.
        if left.fact_versions == 0 || left.fact_versions != left.fact_version_last {
            return Err(MoveError::Cleared);
        }
        let mover = (self.new_id)();
        self.make_room(event, mover, names).await?;
        while of(Side::To, self.to.clear(event, mover, CLEAR_ROWS).await)? > 0 {}
        self.reached(event, Step::MadeRoom)?;
        let copied = self.copy(event, mover, None, Source::Left).await?;
        self.reached(event, Step::Copied(copied))?;
        self.compare(event, no_records()).await?;
        self.reached(event, Step::Compared)?;
        // Only now: having left and arriving by the same move means that it is complete.
        let left = of(Side::From, self.from.pass_on(event, left_by, mover).await)?;
        self.activate(event, &left.ok_or(MoveError::Taken)?, None).await
    }

    async fn make_room(
        &self,
        event: EventId,
        mover: MoveId,
        names: &Names,
    ) -> Result<(), MoveError> {
        let made_room = self.to.begin_arriving(event, mover, &names.from).await;
        match of(Side::To, made_room)? {
            true => Ok(()),
            // It was not there a moment ago.
            false => Err(MoveError::Taken),
        }
    }

    /// Reports a step to the observer.
    fn reached(&self, event: EventId, step: Step) -> Result<(), MoveError> {
        match self.observer.reached(event, step) {
            true => Ok(()),
            false => Err(MoveError::Stopped),
        }
    }

    async fn move_served(&self, event: EventId, names: &Names) -> Result<(), MoveError> {
        let (mover, mut copies) = ((self.new_id)(), 1);
        loop {
            match self.copy_and_leave(event, mover, names).await {
                Ok((left, frozen)) => return self.activate(event, &left, Some(frozen)).await,
                // As if killed.
                Err(MoveError::Stopped) => return Err(MoveError::Stopped),
                Err(error) => {
                    // If that fails too, its lease expires by itself.
                    let stayed = self.from.stay(event, mover).await;
                    let again = matches!(error, MoveError::Differs { .. } | MoveError::TooSlow);
                    if !again || stayed.is_err() || copies == COPIES_MAX {
                        return Err(error);
                    }
                    copies += 1;
                }
            }
        }
    }

    /// Copies all of an event that sells, and has it leave. Returns since when it could not be
    /// changed.
    async fn copy_and_leave(
        &self,
        event: EventId,
        mover: MoveId,
        names: &Names,
    ) -> Result<(LeftEvent, Instant), MoveError> {
        let begun = self.from.begin_leaving(event, mover, &names.to).await;
        let begun = of(Side::From, begun)?.ok_or(MoveError::Taken)?;
        self.reached(event, Step::Begun)?;
        self.check_mails(event).await?;
        // After this mover took the lease: no other can have it leave now on top of what is there.
        self.make_room(event, mover, names).await?;
        while of(Side::To, self.to.clear(event, mover, CLEAR_ROWS).await)? > 0 {
            self.renew_lease(event, mover).await?;
        }
        self.reached(event, Step::MadeRoom)?;

        let copied = self.copy(event, mover, None, Source::Served).await?;
        self.reached(event, Step::Copied(copied))?;
        let mut mark = begun;
        for _ in 0..ROUNDS_MAX {
            // By the time of the store, before what is copied next is read.
            let next = self.mark(event, mover, names).await?;
            let changed = self.copy(event, mover, Some(mark), Source::Served).await?;
            mark = next;
            self.reached(event, Step::Copied(changed))?;
            if changed <= FREEZE_ROWS_MAX {
                break;
            }
        }

        // They may have become due since. No client waits for this check.
        self.check_mails(event).await?;
        let frozen_at = Instant::now();
        let frozen = of(Side::From, self.from.freeze(event, mover).await)?;
        let frozen = frozen.ok_or(MoveError::TooSlow)?;
        self.reached(event, Step::Frozen)?;
        let changed = self.copy(event, mover, Some(mark), Source::Served).await?;
        // If nothing had changed, the target was not asked whether the room is still this mover's.
        if !of(Side::To, self.to.take_in(event, mover, &MOVED_TABLES[0], &[]).await)? {
            return Err(MoveError::TooSlow);
        }
        self.reached(event, Step::CaughtUp(changed))?;
        self.compare(event, frozen.at - IdempotencyRecord::KEPT + COUNTED_FOR).await?;
        self.reached(event, Step::Compared)?;
        let left = self.from.hand_over(event, mover, frozen.version).await;
        let Some(left) = of(Side::From, left)? else {
            self.check_mails(event).await?;
            return Err(MoveError::TooSlow);
        };
        self.reached(event, Step::HandedOver)?;
        let written = self.copy_written(event, mover, Some(mark)).await?;
        self.reached(event, Step::CaughtUp(written))?;
        Ok((left, frozen_at))
    }

    /// Whether the mails that are due or stuck can leave with the event.
    async fn check_mails(&self, event: EventId) -> Result<(), MoveError> {
        match of(Side::From, self.from.mails_to_leave(event).await)? {
            0..=LEAVING_MAILS_MAX => Ok(()),
            _ => Err(MoveError::MailBacklog),
        }
    }

    /// Copies what workers write of an event without a decision: what was sent, and what became of mails. They do so
    /// while it is frozen, and no more once it has left.
    async fn copy_written(
        &self,
        event: EventId,
        mover: MoveId,
        since: Option<Mark>,
    ) -> Result<u64, MoveError> {
        let mut copied = 0;
        let written = [MovedSince::Mails, MovedSince::Deliveries];
        for table in MOVED_TABLES.iter().filter(|table| written.contains(&table.since)) {
            copied += self.copy_table(event, mover, table, since, Source::Left).await?;
        }
        Ok(copied)
    }

    /// Renews the lease.
    async fn renew_lease(&self, event: EventId, mover: MoveId) -> Result<(), MoveError> {
        match of(Side::From, self.from.go_on_leaving(event, mover).await)? {
            true => Ok(()),
            false => Err(MoveError::TooSlow),
        }
    }

    /// Marks the event's current state.
    async fn mark(&self, event: EventId, mover: MoveId, names: &Names) -> Result<Mark, MoveError> {
        let mark = self.from.begin_leaving(event, mover, &names.to).await;
        of(Side::From, mark)?.ok_or(MoveError::TooSlow)
    }

    /// Copies rows, or those that changed since a mark, and returns how many.
    async fn copy(
        &self,
        event: EventId,
        mover: MoveId,
        since: Option<Mark>,
        source: Source,
    ) -> Result<u64, MoveError> {
        let mut copied = 0;
        for table in MOVED_TABLES {
            copied += self.copy_table(event, mover, table, since, source).await?;
        }
        Ok(copied)
    }

    async fn copy_table(
        &self,
        event: EventId,
        mover: MoveId,
        table: &'static MovedTable,
        since: Option<Mark>,
        source: Source,
    ) -> Result<u64, MoveError> {
        let (mut copied, mut after): (u64, Option<String>) = (0, None);
        let mut went_on = Instant::now();
        loop {
            let page = self.from.moved_rows(event, table, since, after.as_deref(), table.rows_max);
            let mut rows = of(Side::From, page.await)?;
            if rows.is_empty() {
                return Ok(copied);
            }
            if !of(Side::To, self.to.take_in(event, mover, table, &rows).await)? {
                return Err(match source {
                    Source::Served => MoveError::TooSlow,
                    Source::Left => MoveError::Taken,
                });
            }
            copied += rows.len() as u64;
            if rows.len() < table.rows_max {
                return Ok(copied);
            }
            if source == Source::Served && went_on.elapsed() > Duration::from_secs(1) {
                self.renew_lease(event, mover).await?;
                went_on = Instant::now();
            }
            after = rows.pop();
        }
    }

    /// Compares the counts of both stores. Records count that were made after `from`.
    async fn compare(&self, event: EventId, from: DateTime<Utc>) -> Result<(), MoveError> {
        let left = of(Side::From, self.from.count_moved(event, from).await)?;
        let arrived = of(Side::To, self.to.count_moved(event, from).await)?;
        if left == arrived {
            return Ok(());
        }
        Err(MoveError::Differs { left: Box::new(left), arrived: Box::new(arrived) })
    }

    async fn activate(
        &self,
        event: EventId,
        left: &LeftEvent,
        frozen_at: Option<Instant>,
    ) -> Result<(), MoveError> {
        let activated = match self.to.activate(event, left).await {
            Ok(activated) => activated,
            Err(_) => {
                // Its organizer may have been created since the shared rows were copied.
                self.copy_organizers().await?;
                of(Side::To, self.to.activate(event, left).await)?
            }
        };
        if !activated {
            return Err(MoveError::Elsewhere(self.to_name.to_owned()));
        }
        self.reached(event, Step::Activated(frozen_at.map(|at| at.elapsed())))?;
        self.clear_away(event, left.mover).await
    }

    /// Deletes what is left of an event in the source.
    async fn clear_away(&self, event: EventId, mover: MoveId) -> Result<(), MoveError> {
        let reached = |cleared| self.reached(event, Step::Cleared(cleared));
        clear_away(self.from, Side::From, event, mover, reached).await?;
        self.reached(event, Step::Moved)
    }
}

/// Deletes what is left of an event in a store that it left by the move `mover`.
async fn clear_away(
    store: &dyn MoveStore,
    side: Side,
    event: EventId,
    mover: MoveId,
    reached: impl Fn(u64) -> Result<(), MoveError>,
) -> Result<(), MoveError> {
    loop {
        match of(side, store.clear(event, mover, CLEAR_ROWS).await)? {
            0 => return of(side, store.forget_left(event, mover).await),
            cleared => reached(cleared)?,
        }
    }
}
