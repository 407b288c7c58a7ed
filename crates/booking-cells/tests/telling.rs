//! Cells are assigned to their map, and another database, whose tables look the same, is not taken for one of them.

mod common;

use booking_cells::{
    CellMap, ChangeState, MapChange, NotTheCell, Resharder, adopt_home, assign_cells,
    assignment_of, change_state, check_cell, check_none_is_assigned,
};
use booking_core::prelude::*;
use booking_core::{CellBytes, MapId, StoredBytes, StoredMap};
use common::{Backend, Unwatched, kinds, map, named, new_cell, new_mover};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

fn new_map() -> MapId {
    Uuid::now_v7().into()
}

/// So many unassigned stores.
struct Stores {
    stores: Vec<Arc<dyn MoveStore>>,
    _backends: Vec<Backend>,
}

impl Stores {
    async fn of(kind: fn() -> Backend, count: usize) -> Self {
        let backends: Vec<Backend> = (0..count).map(|_| kind()).collect();
        let mut stores = Vec::new();
        for backend in &backends {
            stores.push(backend.open_to_move(None).await);
        }
        Self { stores, _backends: backends }
    }

    fn home(&self) -> &dyn MoveStore {
        &*self.stores[0]
    }

    /// Moves a cell from the second store to the third.
    fn resharder(&self) -> Resharder<'_> {
        Resharder {
            home: self.home(),
            from: &*self.stores[1],
            to: &*self.stores[2],
            seen_within: Duration::ZERO,
            new_id: &new_mover,
            observer: &Unwatched,
        }
    }

    /// The map that the home stores, from now on that of two cells if it stores none.
    async fn map(&self) -> CellMap {
        match change_state(self.home(), &map(2)).await.expect("the home answers") {
            ChangeState::Settled(map) | ChangeState::Changing(map) => map,
            ChangeState::Publishing { before, .. } => before,
        }
    }

    async fn assign(&self) -> Result<CellMap, NotTheCell> {
        assign_cells(&self.map().await, &self.stores[..2], &new_map).await
    }

    async fn assignment(&self, at: usize) -> Option<StoredBytes> {
        self.stores[at].stored_bytes().await.expect("it answers")
    }

    /// Whether a store is the cell that the map calls so.
    async fn is(&self, map: &CellMap, name: &str, at: usize) -> Result<(), NotTheCell> {
        check_cell(map, &named(name), &*self.stores[at], self.home()).await
    }

    /// Deletes a store's assignment.
    async fn delete_assignment(&self, at: usize) {
        match &self._backends[at] {
            Backend::Postgres(database) => {
                database.sql("DELETE FROM cell_bytes");
            }
            Backend::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.file()).expect("opened");
                connection.execute("DELETE FROM cell_bytes", []).expect("written");
            }
            Backend::Memory(_) | Backend::Citus(_) => panic!("it was told nothing"),
        }
    }
}

async fn cells_are_assigned_once_and_together(kind: fn() -> Backend) {
    let stores = Stores::of(kind, 3).await;
    let before = stores.map().await;
    assert_eq!((before.id(), assignment_of(&before, &named("c1"))), (None, None));
    for (name, at) in [("c0", 0), ("c1", 1), ("c1", 2)] {
        stores.is(&before, name, at).await.expect("nobody knows better yet");
    }
    let after = stores.assign().await.expect("they answer");
    let id = after.id().expect("all were told");
    assert_eq!((after.version(), after.cells()), (before.version(), before.cells()));
    assert_eq!(stores.map().await, after);
    for (at, spec) in after.cells().iter().enumerate() {
        let assigned = StoredBytes { version: 1, bytes: Some(spec.bytes()), map: Some(id) };
        assert_eq!(stores.assignment(at).await, Some(assigned));
        assert_eq!(assignment_of(&after, &spec.name), Some(assigned));
        stores.is(&after, spec.name.as_str(), at).await.expect("it is");
    }
    assert_eq!(stores.assign().await.expect("they answer"), after, "done again it does nothing");
    // Assigning a cell differently is no different from using an old map.
    let other = StoredBytes { version: 9, bytes: None, map: Some(new_map()) };
    assert!(!stores.stores[1].keep_to(other).await.expect("it answers"));
    assert!(stores.stores[1].keep_to_bytes(1, Some(after.cells()[1].bytes())).await.expect("yes"));
    stores.is(&after, "c1", 1).await.expect("it still is");
}

async fn a_store_that_is_not_the_cell_is_refused(kind: fn() -> Backend) {
    let (stores, others) = (Stores::of(kind, 3).await, Stores::of(kind, 2).await);
    let ours = stores.assign().await.expect("they answer");
    others.assign().await.expect("they answer");
    assert_ne!(
        stores.assignment(1).await.map(|assigned| assigned.map),
        others.assignment(1).await.map(|assigned| assigned.map)
    );
    let unassigned = stores.is(&ours, "c1", 2).await;
    assert!(matches!(unassigned, Err(NotTheCell::NotTold(_))), "{unassigned:?}");
    let swapped = stores.is(&ours, "c1", 0).await;
    assert!(matches!(swapped, Err(NotTheCell::OtherBytes { .. })), "{swapped:?}");
    let of_others = check_cell(&ours, &named("c1"), &*others.stores[1], stores.home()).await;
    assert!(matches!(of_others, Err(NotTheCell::OfOthers(_))), "{of_others:?}");
    // It has the same bytes as ours: nothing else differs.
    let (theirs, our) = (others.assignment(1).await, stores.assignment(1).await);
    assert_eq!(theirs.map(|assigned| assigned.bytes), our.map(|assigned| assigned.bytes));
    // A store that was restored from before it was assigned.
    stores.delete_assignment(1).await;
    let restored = stores.is(&ours, "c1", 1).await;
    assert!(matches!(restored, Err(NotTheCell::NotTold(_))), "{restored:?}");
    // A change assigned its bytes, and no map's id.
    assert!(
        stores.stores[1]
            .keep_to_bytes(1, our.and_then(|assigned| assigned.bytes))
            .await
            .expect("yes")
    );
    let restored = stores.is(&ours, "c1", 1).await;
    assert!(matches!(restored, Err(NotTheCell::NotTold(_))), "{restored:?}");
}

async fn nothing_is_assigned_if_one_store_is_of_another_map(kind: fn() -> Backend) {
    let (stores, others) = (Stores::of(kind, 2).await, Stores::of(kind, 2).await);
    others.assign().await.expect("they answer");
    let home = Arc::clone(&stores.stores[0]);
    let map = stores.map().await;
    let mixed = [Arc::clone(&home), Arc::clone(&others.stores[1])];
    let refused = assign_cells(&map, &mixed, &new_map).await;
    assert!(matches!(refused, Err(NotTheCell::OfOthers(_))), "{refused:?}");
    // A home that is not assigned yet.
    let another = Stores::of(kind, 1).await;
    change_state(another.home(), &map).await.expect("it answers");
    let mixed = [Arc::clone(&home), Arc::clone(&another.stores[0])];
    let refused = assign_cells(&map, &mixed, &new_map).await;
    assert!(matches!(refused, Err(NotTheCell::Home(_))), "{refused:?}");
    // A cell that a change has assigned other bytes.
    assert!(stores.stores[1].keep_to_bytes(1, Some(CellBytes::ALL)).await.expect("it answers"));
    let refused = stores.assign().await;
    assert!(matches!(refused, Err(NotTheCell::OtherBytes { .. })), "{refused:?}");
    assert_eq!((stores.assignment(0).await, stores.map().await.id()), (None, None));
    // Its home stores no map yet: it is not theirs.
    let fresh = Stores::of(kind, 1).await;
    let mixed = [Arc::clone(&fresh.stores[0]), Arc::clone(&others.stores[1])];
    let refused = check_none_is_assigned(&map, &mixed).await;
    assert!(matches!(refused, Err(NotTheCell::OfOthers(_))), "{refused:?}");
    // The home of other cells, which are not assigned yet.
    let mixed = [Arc::clone(&fresh.stores[0]), Arc::clone(&another.stores[0])];
    let refused = check_none_is_assigned(&map, &mixed).await;
    assert!(matches!(refused, Err(NotTheCell::Home(_))), "{refused:?}");
    let unlike = [Arc::clone(&fresh.stores[0]), Arc::clone(&stores.stores[1])];
    let refused = check_none_is_assigned(&map, &unlike).await;
    assert!(matches!(refused, Err(NotTheCell::OtherBytes { .. })), "{refused:?}");
    let unassigned = Stores::of(kind, 2).await;
    check_none_is_assigned(&map, &unassigned.stores).await.expect("none was");
}

async fn a_restored_home_adopts_its_cells_again(kind: fn() -> Backend) {
    let stores = Stores::of(kind, 2).await;
    let before = stores.map().await;
    let stored =
        async || stores.home().stored_map().await.expect("it answers").expect("one is kept");
    let before_assigning = stored().await;
    let unassigned = adopt_home(&before, &stores.stores).await;
    assert!(matches!(unassigned, Err(NotTheCell::NotTold(_))), "{unassigned:?}");
    let assigned = stores.assign().await.expect("they answer");
    let again = adopt_home(&assigned, &stores.stores).await;
    assert!(matches!(again, Err(NotTheCell::Changed)), "it knows that it is: {again:?}");
    stores.delete_assignment(0).await;
    let after_assigning = stored().await;
    assert!(
        stores
            .home()
            .replace_map(Some(&after_assigning), &before_assigning)
            .await
            .expect("it answers")
    );
    let refused = stores.assign().await;
    assert!(matches!(refused, Err(NotTheCell::OfOthers(_))), "the control: {refused:?}");
    assert_eq!(adopt_home(&before, &stores.stores).await.expect("they agree"), assigned);
    assert_eq!(stored().await, after_assigning);
    for (at, spec) in assigned.cells().iter().enumerate() {
        assert_eq!(stores.assignment(at).await, assignment_of(&assigned, &spec.name));
    }
}

async fn a_home_adopts_no_cells_that_disagree(kind: fn() -> Backend) {
    let (stores, three, id) = (Stores::of(kind, 3).await, map(3), new_map());
    change_state(stores.home(), &three).await.expect("it answers");
    let tell = async |at: usize, version, bytes, map| {
        let assigned = StoredBytes { version, bytes: Some(bytes), map: Some(map) };
        assert!(stores.stores[at].keep_to(assigned).await.expect("it answers"));
    };
    let [_, first, second] = [0, 1, 2].map(|at: usize| three.cells()[at].bytes());
    tell(1, 1, first, id).await;
    tell(2, 1, second, new_map()).await;
    let refused = adopt_home(&three, &stores.stores).await;
    assert!(matches!(refused, Err(NotTheCell::OfOthers(_))), "{refused:?}");
    stores.delete_assignment(2).await;
    tell(2, 1, CellBytes::ALL, id).await;
    let refused = adopt_home(&three, &stores.stores).await;
    assert!(matches!(refused, Err(NotTheCell::OtherBytes { .. })), "{refused:?}");
    tell(2, 2, second, id).await;
    let refused = adopt_home(&three, &stores.stores).await;
    assert!(matches!(refused, Err(NotTheCell::Later(_))), "{refused:?}");
    assert_eq!(stores.assignment(0).await, None);
    // An unassigned one contradicts nothing, and is assigned by itself.
    stores.delete_assignment(2).await;
    let known = adopt_home(&three, &stores.stores).await.expect("they agree");
    assert_eq!(known.id(), Some(id));
    let unassigned = stores.is(&known, "c2", 2).await;
    assert!(matches!(unassigned, Err(NotTheCell::NotTold(_))), "{unassigned:?}");
}

/// The process that assigns them may be killed, and another continues.
async fn partly_assigned_cells_are_completed(kind: fn() -> Backend) {
    let stores = Stores::of(kind, 2).await;
    let map = stores.map().await;
    let id = new_map();
    let assigned = StoredBytes { version: 1, bytes: Some(map.cells()[0].bytes()), map: Some(id) };
    assert!(stores.stores[0].keep_to(assigned).await.expect("it answers"));
    let after = stores.assign().await.expect("they answer");
    assert_eq!(after.id(), Some(id), "what was begun is ended");
    assert_eq!(stores.assignment(1).await.and_then(|assigned| assigned.map), Some(id));
}

async fn concurrent_assigners_agree_on_one_id(kind: fn() -> Backend) {
    for _ in 0..8 {
        let stores = Stores::of(kind, 2).await;
        let map = stores.map().await;
        let telling: Vec<_> = (0..4)
            .map(|_| {
                let (map, stores) = (map.clone(), stores.stores.clone());
                tokio::spawn(async move { assign_cells(&map, &stores, &new_map).await })
            })
            .collect();
        let mut ids = Vec::new();
        for task in telling {
            ids.push(task.await.expect("no panic").expect("they answer").id());
        }
        assert!(ids[0].is_some() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        for at in 0..2 {
            assert_eq!(stores.assignment(at).await.map(|assigned| assigned.map), Some(ids[0]));
        }
    }
}

/// A server with the map before, or the one after, recognizes each cell at every step of a change.
async fn a_cell_is_recognized_during_a_change(kind: fn() -> Backend) {
    let stores = Stores::of(kind, 3).await;
    let before = stores.assign().await.expect("they answer");
    let split = MapChange::Split { cell: named("c1"), at: 0xa0, to: new_cell("new") };
    let after = before.changed(&split).expect("it can be");
    let stored = stores.home().stored_map().await.expect("it answers").expect("one is kept");
    let begun = StoredMap { next: Some(after.to_text()), ..stored.clone() };
    let are_themselves = async |map: &CellMap| {
        for (spec, at) in map.all().zip(["c0", "c1", "new"].map(|name| match name {
            "c0" => 0,
            "c1" => 1,
            _ => 2,
        })) {
            let is = stores.is(map, spec.name.as_str(), at).await;
            assert!(is.is_ok(), "{}, version {}: {is:?}", spec.name, map.version());
        }
    };
    are_themselves(&before).await;
    assert!(stores.home().replace_map(Some(&stored), &begun).await.expect("it answers"));
    are_themselves(&before).await;
    let of_new = assignment_of(&after, &named("new")).expect("it has an id");
    assert!(stores.stores[2].keep_to(of_new).await.expect("it answers"));
    are_themselves(&before).await;
    let of_c1 = assignment_of(&after, &named("c1")).expect("it has an id");
    assert!(stores.stores[1].keep_to(of_c1).await.expect("it answers"));
    are_themselves(&before).await;
    // The control: without the next map it would be another cell.
    let alone = Stores::of(kind, 1).await;
    let missed = check_cell(&before, &named("c1"), &*stores.stores[1], alone.home()).await;
    assert!(matches!(missed, Err(NotTheCell::OtherBytes { .. })), "{missed:?}");
    assert!(matches!(stores.assign().await, Ok(map) if map == before), "nothing is told meanwhile");

    let resharder = stores.resharder();
    resharder.publish(&before, &after).await.expect("it is gone on with");
    are_themselves(&before).await;
    are_themselves(&after).await;
    resharder.go_on(&after).await.expect("nothing is in its way");
    let settled = stores.map().await;
    assert_eq!((&settled, settled.id()), (&after.settled(), before.id()));
    for map in [&before, &after, &settled] {
        are_themselves(map).await;
    }
    // The new one is assigned its map and its bytes, so no other is taken for it.
    let other = Stores::of(kind, 1).await;
    let other = check_cell(&settled, &named("new"), other.home(), stores.home()).await;
    assert!(matches!(other, Err(NotTheCell::NotTold(_))), "{other:?}");
    // As a backup from before restores it.
    stores.delete_assignment(1).await;
    let assigned = assignment_of(&before, &named("c1")).expect("it has an id");
    assert!(stores.stores[1].keep_to(assigned).await.expect("it answers"));
    let restored = stores.is(&settled, "c1", 1).await;
    assert!(matches!(restored, Err(NotTheCell::OtherBytes { .. })), "{restored:?}");
}

/// Cells of an earlier version, of which a change has assigned some their bytes, and none a map's
/// id.
async fn old_cells_are_assigned_after_a_change(kind: fn() -> Backend) {
    let stores = Stores::of(kind, 3).await;
    let before = stores.map().await;
    let moved = MapChange::Move { cell: named("c1"), to: new_cell("new") };
    let after = before.changed(&moved).expect("it can be");
    let resharder = stores.resharder();
    resharder.publish(&before, &after).await.expect("nothing is in its way");
    let all = [0, 2, 1].map(|at| Arc::clone(&stores.stores[at]));
    let assigned = assign_cells(&after, &all, &new_map).await.expect("they answer");
    assert_eq!(
        (assigned.id(), stores.assignment(0).await),
        (None, None),
        "nothing is told meanwhile"
    );
    resharder.go_on(&after).await.expect("nothing is in its way");
    let settled = stores.map().await;
    let assigned = assign_cells(&settled, &all[..2], &new_map).await.expect("they answer");
    let id = assigned.id().expect("all were told");
    for at in [0, 2] {
        assert_eq!(stores.assignment(at).await.and_then(|assigned| assigned.map), Some(id));
    }
    // It is no longer one of them.
    assert_eq!(
        stores.assignment(1).await,
        Some(StoredBytes { version: 2, bytes: None, map: None })
    );
    let late = stores.is(&assigned, "new", 1).await;
    assert!(matches!(late, Err(NotTheCell::NotTold(_))), "{late:?}");
}

kinds! {
    a_cell_is_recognized_during_a_change
    a_restored_home_adopts_its_cells_again
    a_home_adopts_no_cells_that_disagree
    cells_are_assigned_once_and_together
    old_cells_are_assigned_after_a_change
    partly_assigned_cells_are_completed
    nothing_is_assigned_if_one_store_is_of_another_map
    concurrent_assigners_agree_on_one_id
    a_store_that_is_not_the_cell_is_refused
}
