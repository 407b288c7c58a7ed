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
//! Killed anywhere in this, an event is served in one place or, between the last two transactions, in none, until it is
//! moved again: that begins by looking where it is. What was copied of an event that had not left is copied anew.

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
/// How often what changed meanwhile is copied before an event is frozen all the same.
pub const ROUNDS_MAX: usize = 5;
/// How often an event is copied from its beginning, if what arrived is not what left.
pub const COPIES_MAX: usize = 3;
/// How many rows of a table are cleared away in one transaction.
pub const CLEAR_ROWS: usize = 1_000;
/// For how long after a freeze records must still count for them to be counted: what runs out sooner may be deleted at
/// any moment.
const COUNTED_FOR: TimeDelta = TimeDelta::seconds(120);

/// What a mover has done, for whoever watches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It has taken the event for itself in the store that it leaves.
    Begun,
    /// The other store has made room for it.
    MadeRoom,
    /// So many rows were copied while it is sold.
    Copied(u64),
    /// Nobody changes it from now on.
    Frozen,
    /// So many rows were copied that had changed.
    CaughtUp(u64),
    /// Both stores have the same of it.
    Compared,
    /// It has left, and is served nowhere.
    HandedOver,
    /// It is served where it was to go. For so long nobody could change it, if this mover froze it.
    Activated(Option<Duration>),
    /// So many of its rows were deleted where it was.
    Cleared(u64),
    /// Nothing of it is where it was.
    Moved,
}

/// Watches a mover.
pub trait MoveObserver: Send + Sync {
    /// Is told of what was done for an event. `false` has the mover stop there, as if it had been killed.
    fn reached(&self, event: EventId, step: Step) -> bool;

    /// Is told of an event that was not moved while others are.
    fn failed(&self, _event: EventId, _error: &MoveError) {}
}

/// Why an event was not moved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MoveError {
    /// A store did not do what it was asked for.
    #[error("the store that it {0} failed")]
    Store(Side, #[source] StoreError),
    /// It is in neither store.
    #[error("there is no such event in either store")]
    NotFound,
    /// It is served in both stores, as after a backup was restored. Which of them is right only people can tell.
    #[error("it is served in both stores")]
    Twice,
    /// It has left for another store than the one that it was to be moved to.
    #[error("it has left for {0}, and not arrived there; move it there first")]
    Elsewhere(String),
    /// Another mover has it, or had it a moment ago.
    #[error("somebody else is moving it, or was in the last seconds")]
    Taken,
    /// Both names are of one store.
    #[error("it is to be moved from a store to itself: both are {0}")]
    OneStore(String),
    /// So many of its mails are due or stuck that they cannot leave with it.
    #[error(
        "more than {LEAVING_MAILS_MAX} of its mails are due or stuck, and cannot leave with it; let them be sent, or drop them, \
         and move it then: it is sold as before"
    )]
    MailBacklog,
    /// It has left, or arrived: a move of it is not to be given up.
    #[error("it has left, so that its move cannot be given up; move it, and back if need be")]
    HasLeft,
    /// Its freeze ran out, or somebody else has begun to move it.
    #[error("it took too long; it is sold as before, and can be moved again")]
    TooSlow,
    /// What arrived is not what left, after several copies.
    #[error("what arrived of it is not what left: {left:?} and {arrived:?}")]
    Differs {
        /// What there was of it where it is served.
        left: Box<MovedCounts>,
        /// What there was of it where it was to go.
        arrived: Box<MovedCounts>,
    },
    /// It has left, is not all where it went, and was deleted in part where it was: the other store has forgotten that it came.
    #[error(
        "it is not where it went, and a part of it is deleted where it was; restore a backup of where it went"
    )]
    Cleared,
    /// The observer had it stop.
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

/// What rows are copied of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// An event that is served: whoever moves it has to say now and then that they are still there.
    Served,
    /// One that has left: nothing of it changes, and it is whose state it is.
    Left,
}

/// From when on records count where none do.
fn no_records() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_300_799, 0).expect("the last second of the year 9999")
}

/// Two stores, of whatever kinds, and the way between them.
pub struct Mover<'a> {
    /// The store that events leave.
    pub from: &'a dyn MoveStore,
    /// The store that they go to.
    pub to: &'a dyn MoveStore,
    /// What people call the first, which the second is told.
    pub from_name: &'a str,
    /// What people call the second, which the first is told.
    pub to_name: &'a str,
    /// Makes a name that nobody has, for each attempt.
    pub new_id: &'a (dyn Fn() -> MoveId + Sync),
    /// Who watches.
    pub observer: &'a dyn MoveObserver,
}

impl fmt::Debug for Mover<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mover from {} to {}", self.from_name, self.to_name)
    }
}

/// What each of two stores is called where the other says of an event where it has gone or comes from: the name that people
/// have for it, and behind that [what it is](MoveStore::identity), by which it is known if they call it otherwise.
struct Names {
    from: String,
    to: String,
}

/// Whether both are names of one store: it is called the same, or is the same.
fn is_same(one: &str, other: &str) -> bool {
    one == other
        || match (one.rsplit_once(" ("), other.rsplit_once(" (")) {
            (Some((name, identity)), Some((other_name, other_identity))) => {
                name == other_name || identity == other_identity
            }
            // What was written down without.
            (None, Some((name, _))) => one == name,
            _ => false,
        }
}

/// What is of no event, and was copied: by that is known what has changed where it is since.
#[derive(Debug, Default)]
pub struct SharedCopy {
    endpoints: Option<HashMap<EndpointId, Endpoint>>,
}

fn of<T>(side: Side, answer: Result<T, StoreError>) -> Result<T, MoveError> {
    answer.map_err(|error| MoveError::Store(side, error))
}

impl Mover<'_> {
    /// Makes sure that these are two stores. Each event's move does that too.
    ///
    /// # Errors
    /// [`MoveError::OneStore`], [`MoveError::Store`].
    pub async fn check_apart(&self) -> Result<(), MoveError> {
        self.names().await.map(drop)
    }

    /// Copies what events refer to, and is of none: organizers, their tokens and endpoints, the keys that tickets were
    /// signed with. To be done before any event is moved.
    ///
    /// # Errors
    /// [`MoveError::Store`].
    pub async fn copy_shared(&self) -> Result<(), MoveError> {
        self.copy_shared_again(&mut SharedCopy::default()).await
    }

    /// The same, and again: what is new is copied, and what has changed since `copied`. A token that is revoked where events
    /// leave is revoked where they go to, whenever that was done. An endpoint that was changed or deleted there between two of
    /// these calls is so in the other store, too; what was done to one before the first call is not told from what was done
    /// to it in the other store, and is left as it is. Nothing is carried the other way.
    ///
    /// # Errors
    /// [`MoveError::Store`].
    pub async fn copy_shared_again(&self, copied: &mut SharedCopy) -> Result<(), MoveError> {
        // Before they are copied: what changes meanwhile is found to have changed the next time.
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

    /// Revokes where events go to what is revoked where they leave. Nothing is ever valid again by that.
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

    /// The same without the keys: for cells, of which the home alone has those.
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

    /// Moves one event, or goes on with what another has begun. Done again it does nothing.
    ///
    /// # Errors
    /// [`MoveError`]. The event is served in one place, or, if it had left, in none until this is done again.
    pub async fn move_event(&self, event: EventId) -> Result<(), MoveError> {
        let names = &self.names().await?;
        let there = of(Side::To, self.to.place_of(event).await)?;
        match (of(Side::From, self.from.place_of(event).await)?, there) {
            (Place::Served, Place::Served) => Err(MoveError::Twice),
            // It came from there, and not all of it was cleared away yet.
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
                    Err(MoveError::Differs { .. }) => self.bring_anew(event, mover, names).await,
                    Err(error) => Err(error),
                }
            }
            // What was copied is gone, or is another mover's that slept.
            (Place::Left { mover, state: Some(_), to }, Place::Arriving(_) | Place::Unknown)
                if is_same(&to, &names.to) =>
            {
                self.bring_anew(event, mover, names).await
            }
            // It was there, and has left from there since.
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

    /// Gives up a move that was begun, and stopped for good: deletes what has arrived of the event where it was to go, and
    /// leaves it to whoever will where it is. Tells whether there was anything. Done again it does nothing, and the event can
    /// be moved as if nobody ever had begun to.
    ///
    /// # Errors
    /// [`MoveError::HasLeft`] if it is not served any more where it was, since all that can be done then is to go on;
    /// [`MoveError::Taken`] as long as somebody is moving it; the others of [`MoveError`]. The event is where it is.
    pub async fn abandon(&self, event: EventId) -> Result<bool, MoveError> {
        let names = &self.names().await?;
        match of(Side::From, self.from.place_of(event).await)? {
            Place::Served => {}
            Place::Left { .. } => return Err(MoveError::HasLeft),
            Place::Arriving(_) | Place::Unknown => return Err(MoveError::NotFound),
        }
        let mover = (self.new_id)();
        // From here on nobody else can have it leave.
        let begun = self.from.begin_leaving(event, mover, &names.to).await;
        of(Side::From, begun)?.ok_or(MoveError::Taken)?;
        let given_up = self.give_up_room(event, mover, names).await;
        let stayed = of(Side::From, self.from.stay(event, mover).await);
        let was_there = given_up?;
        stayed.map(|()| was_there)
    }

    /// Deletes all that is of an event where it was to go. Nobody else has it.
    async fn give_up_room(
        &self,
        event: EventId,
        mover: MoveId,
        names: &Names,
    ) -> Result<bool, MoveError> {
        if !matches!(of(Side::To, self.to.place_of(event).await)?, Place::Arriving(_)) {
            return Ok(false);
        }
        // It is this mover's then, and whoever had it writes nothing there any more.
        self.make_room(event, mover, names).await?;
        self.reached(event, Step::MadeRoom)?;
        loop {
            match of(Side::To, self.to.clear(event, mover, CLEAR_ROWS).await)? {
                0 => break,
                cleared => self.reached(event, Step::Cleared(cleared))?,
            }
            self.go_on(event, mover).await?;
        }
        match of(Side::To, self.to.give_up_room(event, mover).await)? {
            true => Ok(true),
            false => Err(MoveError::Taken),
        }
    }

    /// What the stores are called, which must be two.
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

    /// Copies an event anew that has left, since not all of it is where it went, and puts it up.
    async fn bring_anew(
        &self,
        event: EventId,
        left_by: MoveId,
        names: &Names,
    ) -> Result<(), MoveError> {
        let left = of(Side::From, self.from.count_moved(event, no_records()).await)?;
        // Each version of an event has its fact, and they are cleared from the first on.
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
        // Only now: that it left and arrives by the same move says that all of it is there.
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

    /// Tells that something was done.
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
                // As killed.
                Err(MoveError::Stopped) => return Err(MoveError::Stopped),
                Err(error) => {
                    // If that fails too, its lease ends by itself.
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

    /// Copies all of an event that is sold, and has it leave. Tells since when nobody could change it.
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
        // After it was taken for this mover: nobody else can have what is there now leave.
        self.make_room(event, mover, names).await?;
        while of(Side::To, self.to.clear(event, mover, CLEAR_ROWS).await)? > 0 {
            self.go_on(event, mover).await?;
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

        // They may have become due since. Nobody is kept waiting for that to be found.
        self.check_mails(event).await?;
        let frozen_at = Instant::now();
        let frozen = of(Side::From, self.from.freeze(event, mover).await)?;
        let frozen = frozen.ok_or(MoveError::TooSlow)?;
        self.reached(event, Step::Frozen)?;
        let changed = self.copy(event, mover, Some(mark), Source::Served).await?;
        // If nothing had changed, it was not asked whether what is there is still this mover's.
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

    /// Copies what workers write of an event, and nobody decides: what was sent, and what became of mails. They do so while it
    /// is frozen, and no more once it has left.
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

    /// Says that this mover is still there.
    async fn go_on(&self, event: EventId, mover: MoveId) -> Result<(), MoveError> {
        match of(Side::From, self.from.go_on_leaving(event, mover).await)? {
            true => Ok(()),
            false => Err(MoveError::TooSlow),
        }
    }

    /// Where the event stands now.
    async fn mark(&self, event: EventId, mover: MoveId, names: &Names) -> Result<Mark, MoveError> {
        let mark = self.from.begin_leaving(event, mover, &names.to).await;
        of(Side::From, mark)?.ok_or(MoveError::TooSlow)
    }

    /// Copies rows, or those that changed, and tells how many.
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
                self.go_on(event, mover).await?;
                went_on = Instant::now();
            }
            after = rows.pop();
        }
    }

    /// Holds what arrived against what is there. Records count that were made after `from`.
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
                // Its organizer may have come since what is of no event was copied.
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

    /// Deletes what is left of an event where it was.
    async fn clear_away(&self, event: EventId, mover: MoveId) -> Result<(), MoveError> {
        let reached = |cleared| self.reached(event, Step::Cleared(cleared));
        clear_away(self.from, Side::From, event, mover, reached).await?;
        self.reached(event, Step::Moved)
    }
}

/// Deletes what is left of an event in a store that it left by `mover`.
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
