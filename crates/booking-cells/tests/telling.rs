//! Cells are told that they are these, and another database, whose tables look the same, is not taken for one of them.

mod common;

use booking_cells::{
    CellMap, ChangeState, MapChange, NotTheCell, Resharder, adopt_home, change_state, check_cell,
    check_none_is_told, tell_cells, told_of,
};
use booking_core::prelude::*;
use booking_core::{CellBytes, MapId, StoredBytes, StoredMap};
use common::{Kept, Unwatched, kinds, map, named, new_cell, new_mover};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

fn new_map() -> MapId {
    Uuid::now_v7().into()
}

/// So many stores that nobody has told anything.
struct Stores {
    stores: Vec<Arc<dyn MoveStore>>,
    _kept: Vec<Kept>,
}

impl Stores {
    async fn of(kind: fn() -> Kept, count: usize) -> Self {
        let kept: Vec<Kept> = (0..count).map(|_| kind()).collect();
        let mut stores = Vec::new();
        for kept in &kept {
            stores.push(kept.open_to_move(None).await);
        }
        Self { stores, _kept: kept }
    }

    fn home(&self) -> &dyn MoveStore {
        &*self.stores[0]
    }

    /// Whoever moves a cell from the second store to the third.
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

    /// The map that the home keeps, from now on that of two cells if it keeps none.
    async fn map(&self) -> CellMap {
        match change_state(self.home(), &map(2)).await.expect("the home answers") {
            ChangeState::Settled(map) | ChangeState::Changing(map) => map,
            ChangeState::Publishing { before, .. } => before,
        }
    }

    async fn tell(&self) -> Result<CellMap, NotTheCell> {
        tell_cells(&self.map().await, &self.stores[..2], &new_map).await
    }

    async fn told(&self, at: usize) -> Option<StoredBytes> {
        self.stores[at].stored_bytes().await.expect("it answers")
    }

    /// Whether a store is the cell that the map calls so.
    async fn is(&self, map: &CellMap, name: &str, at: usize) -> Result<(), NotTheCell> {
        check_cell(map, &named(name), &*self.stores[at], self.home()).await
    }

    /// Deletes what a store was told.
    async fn forget(&self, at: usize) {
        match &self._kept[at] {
            Kept::Postgres(database) => {
                database.sql("DELETE FROM cell_bytes");
            }
            Kept::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.file()).expect("opened");
                connection.execute("DELETE FROM cell_bytes", []).expect("written");
            }
            Kept::Memory(_) => panic!("it was told nothing"),
        }
    }
}

async fn cells_are_told_once_all_of_them(kind: fn() -> Kept) {
    let stores = Stores::of(kind, 3).await;
    let before = stores.map().await;
    assert_eq!((before.id(), told_of(&before, &named("c1"))), (None, None));
    for (name, at) in [("c0", 0), ("c1", 1), ("c1", 2)] {
        stores.is(&before, name, at).await.expect("nobody knows better yet");
    }
    let after = stores.tell().await.expect("they answer");
    let id = after.id().expect("all were told");
    assert_eq!((after.version(), after.cells()), (before.version(), before.cells()));
    assert_eq!(stores.map().await, after);
    for (at, spec) in after.cells().iter().enumerate() {
        let told = StoredBytes { version: 1, bytes: Some(spec.bytes()), map: Some(id) };
        assert_eq!(stores.told(at).await, Some(told));
        assert_eq!(told_of(&after, &spec.name), Some(told));
        stores.is(&after, spec.name.as_str(), at).await.expect("it is");
    }
    assert_eq!(stores.tell().await.expect("they answer"), after, "done again it does nothing");
    // Those who tell a cell otherwise are no more than those who have an old map.
    let other = StoredBytes { version: 9, bytes: None, map: Some(new_map()) };
    assert!(!stores.stores[1].keep_to(other).await.expect("it answers"));
    assert!(stores.stores[1].keep_to_bytes(1, Some(after.cells()[1].bytes())).await.expect("yes"));
    stores.is(&after, "c1", 1).await.expect("it still is");
}

async fn what_is_not_the_cell_is_told_from_it(kind: fn() -> Kept) {
    let (stores, others) = (Stores::of(kind, 3).await, Stores::of(kind, 2).await);
    let ours = stores.tell().await.expect("they answer");
    others.tell().await.expect("they answer");
    assert_ne!(
        stores.told(1).await.map(|told| told.map),
        others.told(1).await.map(|told| told.map)
    );
    let untold = stores.is(&ours, "c1", 2).await;
    assert!(matches!(untold, Err(NotTheCell::NotTold(_))), "{untold:?}");
    let swapped = stores.is(&ours, "c1", 0).await;
    assert!(matches!(swapped, Err(NotTheCell::OtherBytes { .. })), "{swapped:?}");
    let of_others = check_cell(&ours, &named("c1"), &*others.stores[1], stores.home()).await;
    assert!(matches!(of_others, Err(NotTheCell::OfOthers(_))), "{of_others:?}");
    // It has the same bytes as ours: nothing else tells it from that.
    let (theirs, our) = (others.told(1).await, stores.told(1).await);
    assert_eq!(theirs.map(|told| told.bytes), our.map(|told| told.bytes));
    // What was restored from before it was told.
    stores.forget(1).await;
    let restored = stores.is(&ours, "c1", 1).await;
    assert!(matches!(restored, Err(NotTheCell::NotTold(_))), "{restored:?}");
    // It was told its bytes by a change, and not of which cells it is one.
    assert!(stores.stores[1].keep_to_bytes(1, our.and_then(|told| told.bytes)).await.expect("yes"));
    let restored = stores.is(&ours, "c1", 1).await;
    assert!(matches!(restored, Err(NotTheCell::NotTold(_))), "{restored:?}");
}

async fn nothing_is_told_where_one_of_them_is_another(kind: fn() -> Kept) {
    let (stores, others) = (Stores::of(kind, 2).await, Stores::of(kind, 2).await);
    others.tell().await.expect("they answer");
    let home = Arc::clone(&stores.stores[0]);
    let map = stores.map().await;
    let mixed = [Arc::clone(&home), Arc::clone(&others.stores[1])];
    let refused = tell_cells(&map, &mixed, &new_map).await;
    assert!(matches!(refused, Err(NotTheCell::OfOthers(_))), "{refused:?}");
    // A home that was told nothing yet.
    let another = Stores::of(kind, 1).await;
    change_state(another.home(), &map).await.expect("it answers");
    let mixed = [Arc::clone(&home), Arc::clone(&another.stores[0])];
    let refused = tell_cells(&map, &mixed, &new_map).await;
    assert!(matches!(refused, Err(NotTheCell::Home(_))), "{refused:?}");
    // One that a change has told otherwise.
    assert!(stores.stores[1].keep_to_bytes(1, Some(CellBytes::ALL)).await.expect("it answers"));
    let refused = stores.tell().await;
    assert!(matches!(refused, Err(NotTheCell::OtherBytes { .. })), "{refused:?}");
    assert_eq!((stores.told(0).await, stores.map().await.id()), (None, None));
    // Whose home keeps no map yet: it is not theirs.
    let fresh = Stores::of(kind, 1).await;
    let mixed = [Arc::clone(&fresh.stores[0]), Arc::clone(&others.stores[1])];
    let refused = check_none_is_told(&map, &mixed).await;
    assert!(matches!(refused, Err(NotTheCell::OfOthers(_))), "{refused:?}");
    // The home of others, which were not told yet.
    let mixed = [Arc::clone(&fresh.stores[0]), Arc::clone(&another.stores[0])];
    let refused = check_none_is_told(&map, &mixed).await;
    assert!(matches!(refused, Err(NotTheCell::Home(_))), "{refused:?}");
    let unlike = [Arc::clone(&fresh.stores[0]), Arc::clone(&stores.stores[1])];
    let refused = check_none_is_told(&map, &unlike).await;
    assert!(matches!(refused, Err(NotTheCell::OtherBytes { .. })), "{refused:?}");
    let untold = Stores::of(kind, 2).await;
    check_none_is_told(&map, &untold.stores).await.expect("none was");
}

async fn a_home_from_before_it_was_told_is_that_of_its_cells_again(kind: fn() -> Kept) {
    let stores = Stores::of(kind, 2).await;
    let before = stores.map().await;
    let kept = async || stores.home().stored_map().await.expect("it answers").expect("one is kept");
    let of_before = kept().await;
    let untold = adopt_home(&before, &stores.stores).await;
    assert!(matches!(untold, Err(NotTheCell::NotTold(_))), "{untold:?}");
    let told = stores.tell().await.expect("they answer");
    let again = adopt_home(&told, &stores.stores).await;
    assert!(matches!(again, Err(NotTheCell::Changed)), "it knows that it is: {again:?}");
    stores.forget(0).await;
    let of_told = kept().await;
    assert!(stores.home().replace_map(Some(&of_told), &of_before).await.expect("it answers"));
    let refused = stores.tell().await;
    assert!(matches!(refused, Err(NotTheCell::OfOthers(_))), "the control: {refused:?}");
    assert_eq!(adopt_home(&before, &stores.stores).await.expect("they agree"), told);
    assert_eq!(kept().await, of_told);
    for (at, spec) in told.cells().iter().enumerate() {
        assert_eq!(stores.told(at).await, told_of(&told, &spec.name));
    }
}

async fn a_home_is_none_of_those_who_do_not_agree(kind: fn() -> Kept) {
    let (stores, three, id) = (Stores::of(kind, 3).await, map(3), new_map());
    change_state(stores.home(), &three).await.expect("it answers");
    let tell = async |at: usize, version, bytes, map| {
        let told = StoredBytes { version, bytes: Some(bytes), map: Some(map) };
        assert!(stores.stores[at].keep_to(told).await.expect("it answers"));
    };
    let [_, first, second] = [0, 1, 2].map(|at: usize| three.cells()[at].bytes());
    tell(1, 1, first, id).await;
    tell(2, 1, second, new_map()).await;
    let refused = adopt_home(&three, &stores.stores).await;
    assert!(matches!(refused, Err(NotTheCell::OfOthers(_))), "{refused:?}");
    stores.forget(2).await;
    tell(2, 1, CellBytes::ALL, id).await;
    let refused = adopt_home(&three, &stores.stores).await;
    assert!(matches!(refused, Err(NotTheCell::OtherBytes { .. })), "{refused:?}");
    tell(2, 2, second, id).await;
    let refused = adopt_home(&three, &stores.stores).await;
    assert!(matches!(refused, Err(NotTheCell::Later(_))), "{refused:?}");
    assert_eq!(stores.told(0).await, None);
    // One that was told nothing says nothing against it, and is told by itself.
    stores.forget(2).await;
    let known = adopt_home(&three, &stores.stores).await.expect("they agree");
    assert_eq!(known.id(), Some(id));
    let untold = stores.is(&known, "c2", 2).await;
    assert!(matches!(untold, Err(NotTheCell::NotTold(_))), "{untold:?}");
}

/// Whoever tells them may be killed, and another goes on.
async fn cells_that_were_told_in_part_are_told_the_rest(kind: fn() -> Kept) {
    let stores = Stores::of(kind, 2).await;
    let map = stores.map().await;
    let id = new_map();
    let told = StoredBytes { version: 1, bytes: Some(map.cells()[0].bytes()), map: Some(id) };
    assert!(stores.stores[0].keep_to(told).await.expect("it answers"));
    let after = stores.tell().await.expect("they answer");
    assert_eq!(after.id(), Some(id), "what was begun is ended");
    assert_eq!(stores.told(1).await.and_then(|told| told.map), Some(id));
}

async fn of_many_who_tell_them_at_once_all_say_the_same(kind: fn() -> Kept) {
    for _ in 0..8 {
        let stores = Stores::of(kind, 2).await;
        let map = stores.map().await;
        let telling: Vec<_> = (0..4)
            .map(|_| {
                let (map, stores) = (map.clone(), stores.stores.clone());
                tokio::spawn(async move { tell_cells(&map, &stores, &new_map).await })
            })
            .collect();
        let mut ids = Vec::new();
        for task in telling {
            ids.push(task.await.expect("no panic").expect("they answer").id());
        }
        assert!(ids[0].is_some() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        for at in 0..2 {
            assert_eq!(stores.told(at).await.map(|told| told.map), Some(ids[0]));
        }
    }
}

/// Whoever has the map before, or the one after, finds each cell to be what it is, at whatever step of a change.
async fn a_cell_is_itself_while_it_is_changed(kind: fn() -> Kept) {
    let stores = Stores::of(kind, 3).await;
    let before = stores.tell().await.expect("they answer");
    let split = MapChange::Split { cell: named("c1"), at: 0xa0, to: new_cell("new") };
    let after = before.changed(&split).expect("it can be");
    let kept = stores.home().stored_map().await.expect("it answers").expect("one is kept");
    let begun = StoredMap { next: Some(after.to_text()), ..kept.clone() };
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
    assert!(stores.home().replace_map(Some(&kept), &begun).await.expect("it answers"));
    are_themselves(&before).await;
    let of_new = told_of(&after, &named("new")).expect("it has an id");
    assert!(stores.stores[2].keep_to(of_new).await.expect("it answers"));
    are_themselves(&before).await;
    let of_c1 = told_of(&after, &named("c1")).expect("it has an id");
    assert!(stores.stores[1].keep_to(of_c1).await.expect("it answers"));
    are_themselves(&before).await;
    // The control: without what is to come it would be another cell.
    let alone = Stores::of(kind, 1).await;
    let missed = check_cell(&before, &named("c1"), &*stores.stores[1], alone.home()).await;
    assert!(matches!(missed, Err(NotTheCell::OtherBytes { .. })), "{missed:?}");
    assert!(matches!(stores.tell().await, Ok(map) if map == before), "nothing is told meanwhile");

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
    // The new one is told that it is one of them, and what it has; so no other is taken for it.
    let other = Stores::of(kind, 1).await;
    let other = check_cell(&settled, &named("new"), other.home(), stores.home()).await;
    assert!(matches!(other, Err(NotTheCell::NotTold(_))), "{other:?}");
    // What a backup from before brings back.
    stores.forget(1).await;
    let told = told_of(&before, &named("c1")).expect("it has an id");
    assert!(stores.stores[1].keep_to(told).await.expect("it answers"));
    let restored = stores.is(&settled, "c1", 1).await;
    assert!(matches!(restored, Err(NotTheCell::OtherBytes { .. })), "{restored:?}");
}

/// Cells of before, of which a change has told some their bytes and nobody of which cells they are.
async fn cells_from_before_are_told_after_a_change(kind: fn() -> Kept) {
    let stores = Stores::of(kind, 3).await;
    let before = stores.map().await;
    let moved = MapChange::Move { cell: named("c1"), to: new_cell("new") };
    let after = before.changed(&moved).expect("it can be");
    let resharder = stores.resharder();
    resharder.publish(&before, &after).await.expect("nothing is in its way");
    let all = [0, 2, 1].map(|at| Arc::clone(&stores.stores[at]));
    let told = tell_cells(&after, &all, &new_map).await.expect("they answer");
    assert_eq!((told.id(), stores.told(0).await), (None, None), "nothing is told meanwhile");
    resharder.go_on(&after).await.expect("nothing is in its way");
    let settled = stores.map().await;
    let told = tell_cells(&settled, &all[..2], &new_map).await.expect("they answer");
    let id = told.id().expect("all were told");
    for at in [0, 2] {
        assert_eq!(stores.told(at).await.and_then(|told| told.map), Some(id));
    }
    // It is none of them any more.
    assert_eq!(stores.told(1).await, Some(StoredBytes { version: 2, bytes: None, map: None }));
    let late = stores.is(&told, "new", 1).await;
    assert!(matches!(late, Err(NotTheCell::NotTold(_))), "{late:?}");
}

kinds! {
    a_cell_is_itself_while_it_is_changed
    a_home_from_before_it_was_told_is_that_of_its_cells_again
    a_home_is_none_of_those_who_do_not_agree
    cells_are_told_once_all_of_them
    cells_from_before_are_told_after_a_change
    cells_that_were_told_in_part_are_told_the_rest
    nothing_is_told_where_one_of_them_is_another
    of_many_who_tell_them_at_once_all_say_the_same
    what_is_not_the_cell_is_told_from_it
}
