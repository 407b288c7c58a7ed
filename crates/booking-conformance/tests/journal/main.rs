//! A store written from outside, over a file of JSON lines, with the public API of `booking-core`, and for delivery
//! with the suite's own `DeliveryTables`, which it stores as they are. It passes the suite; with any of the common
//! mistakes the suite fails it, and says why.

mod delivery;
mod file;
mod flaw;
mod line;
mod losses;
mod state;
mod store;

use async_trait::async_trait;
use booking_conformance::{DeliveryTables, Fixture, cases};
use booking_core::{BookingStore, Clock, EventChange, Registration};
use flaw::Flaw;
use line::Line;
use state::State;
use std::sync::Arc;
use std::thread;
use store::JournalStore;
use tempfile::TempDir;

/// Removes something from the stored data.
type Loss<T> = fn(&mut T);

struct Journals {
    directory: TempDir,
    flaw: Flaw,
}

impl Journals {
    fn new(flaw: Flaw) -> Self {
        Self { directory: tempfile::tempdir().expect("a directory"), flaw }
    }
}

#[async_trait]
impl Fixture for Journals {
    async fn open(&self, clock: Option<Clock>) -> Arc<dyn BookingStore> {
        let store = JournalStore::open(self.directory.path(), clock, self.flaw);
        Arc::new(store.expect("opened"))
    }

    async fn dump_everything(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.directory.path()).expect("the directory is there");
        let read = |file: std::fs::DirEntry| std::fs::read(file.path()).expect("it can be read");
        files.flat_map(|file| read(file.expect("a file"))).collect()
    }
}

booking_conformance::suite!(Journals::new(Flaw::NONE));

/// Runs a case on stores with a flaw, and returns its panic message, if it panicked.
fn failure(
    flaw: Flaw,
    case: impl AsyncFnOnce(&dyn Fixture) + Send + 'static,
) -> Result<(), String> {
    // In a thread of its own, so that the case's future need not be `Send`.
    let run = thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime");
        let fixture = Journals::new(flaw);
        let fixture: &dyn Fixture = &fixture;
        runtime.block_on(case(fixture));
    });
    run.join().map_err(|panic| match panic.downcast::<String>() {
        Ok(said) => *said,
        Err(other) => (*other.downcast::<&str>().expect("a panic says something")).to_owned(),
    })
}

/// Checks that a case fails with a flaw, for `reason`, and that not every case does.
#[track_caller]
fn assert_caught(flaw: Flaw, case: impl AsyncFnOnce(&dyn Fixture) + Send + 'static, reason: &str) {
    let said = failure(flaw, case).expect_err("the suite did not notice the flaw");
    assert!(said.contains(reason), "it failed, but not for {reason:?}: {said}");
    assert_eq!(failure(flaw, cases::a_registration_takes_a_seat), Ok(()));
}

#[test]
fn a_store_that_finds_registrations_by_id_alone_is_caught() {
    let flaw = Flaw { finds_by_id_alone: true, ..Flaw::NONE };
    assert_caught(flaw, cases::one_id_in_two_events_is_two_registrations, "the other has changed");
    // Making them is not enough to notice.
    assert_eq!(failure(flaw, cases::one_id_may_name_registrations_of_two_events), Ok(()));
    assert_eq!(failure(flaw, cases::one_manage_token_of_two_registrations_manages_each), Ok(()));
}

#[test]
fn a_store_that_loses_data_on_reopening_is_caught() {
    let parts: [(Loss<State>, &str); 8] = [
        (|state| state.events.clear(), "events: []"),
        (|state| state.created.clear(), "Replayed"),
        (|state| state.seeds.clear(), "seeds: []"),
        (|state| state.ticket_keys.clear(), "ticket_keys: []"),
        (|state| state.tokens.clear(), "tokens: []"),
        (|state| state.delivery = DeliveryTables::default(), "endpoints: []"),
        (|state| state.events.values_mut().for_each(|table| table.records.clear()), "Replayed"),
        (|state| state.events.values_mut().for_each(|table| table.facts.clear()), "histories: [[]"),
    ];
    for (lose, reason) in parts {
        let flaw = Flaw { lose, ..Flaw::NONE };
        assert_caught(flaw, cases::acknowledged_writes_survive_reopening, reason);
    }
}

#[test]
fn a_store_that_writes_part_of_a_batch_is_caught() {
    let distort = |line: &mut Line| {
        if let Line::Batch { changes, .. } = line {
            changes.truncate(1);
        }
    };
    let flaw = Flaw { distort, ..Flaw::NONE };
    let reason = "a part of the batch is missing";
    assert_caught(flaw, cases::a_batch_over_many_events_is_atomic, reason);
}

/// Applies `distort` to each change of a line.
fn each(line: &mut Line, distort: impl Fn(&mut EventChange)) {
    if let Line::Batch { changes, .. } = line {
        changes.iter_mut().for_each(distort);
    }
}

fn each_row(line: &mut Line, distort: impl Fn(&mut Registration)) {
    each(line, |change| change.registrations.iter_mut().for_each(&distort));
}

#[test]
fn a_store_that_loses_optional_fields_is_caught() {
    let losses: [(Loss<Line>, &str); 5] = [
        (|line| each_row(line, |row| row.person.name = None), "name: None"),
        (|line| each_row(line, |row| row.token_hash = None), "token_hash: None"),
        (|line| each_row(line, |row| row.check_in = None), "check_in: None"),
        (
            |line| {
                if let Line::Created(Some(event), _) = line {
                    event.details.venue = None;
                }
            },
            "Quasimodo",
        ),
        (
            |line| {
                if let Line::Created(Some(event), _) = line {
                    event.rules.closes_at = None;
                }
            },
            "closes_at: None",
        ),
    ];
    for (distort, reason) in losses {
        let flaw = Flaw { distort, ..Flaw::NONE };
        assert_caught(flaw, cases::every_optional_field_is_stored, reason);
    }
}

#[test]
fn a_store_whose_versions_have_gaps_is_caught() {
    let distort = |line: &mut Line| each(line, |change| change.version = change.version.next());
    let flaw = Flaw { distort, ..Flaw::NONE };
    let said = failure(flaw, cases::versions_follow_one_another_without_gaps);
    let said = said.expect_err("the suite did not notice the flaw");
    assert!(said.contains("Version(5)"), "{said}");
    // An audit counts the versions that facts have made, whatever the outcomes say.
    let said = failure(flaw, cases::an_address_has_one_seat_per_event);
    let said = said.expect_err("the audit did not notice the flaw");
    assert!(said.contains("every version was made by one fact"), "{said}");
}

#[test]
fn a_store_that_keeps_erased_data_is_caught() {
    let kept = Flaw { keeps_names: true, ..Flaw::NONE };
    let reason = "the name of whoever was erased is there";
    assert_caught(kept, cases::erasing_a_person_leaves_nothing_personal, reason);
    let lines = Flaw { keeps_lines: true, ..Flaw::NONE };
    let reason = "of whoever was erased is there";
    assert_caught(lines, cases::erasing_a_person_leaves_nothing_personal, reason);
    let former = Flaw { keeps_former_holders: true, ..Flaw::NONE };
    assert_caught(former, cases::erasing_a_person_leaves_nothing_personal, reason);
}
