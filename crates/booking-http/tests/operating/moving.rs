//! Moves that are abandoned, and stores that are named twice.

use crate::common::{App, Data, run};
use crate::stderr;
use std::process::Output;

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_move_can_be_abandoned_until_the_event_has_left() {
    let app = App::start(Data::sqlite());
    let event = app.create(9);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    let Data::Sqlite(folder) = &app.data else { panic!("it is SQLite") };
    let from = folder.path().join("booking.db");
    let folder = tempfile::tempdir().expect("a directory");
    let to = folder.path().join("new.db");
    let settings = [("BOOKING_DB", to.display().to_string())];
    assert!(run("migrate", &settings).status.success());
    let both = format!("move --from {} --to {}", from.display(), to.display());

    // As a mover leaves it that is killed early.
    let there = rusqlite::Connection::open(&to).expect("opened");
    let id = event.replace('-', "");
    there
        .execute_batch(&format!(
            "INSERT INTO moving_events (event_id, direction, move_id, place, since) \
             VALUES (x'{id}', 'arriving', randomblob(16), 'there', 0)"
        ))
        .expect("written");
    let rooms = || {
        let count = "SELECT count(*) FROM moving_events WHERE direction = 'arriving'";
        there.query_row(count, [], |row| row.get::<_, i64>(0)).expect("it is a number")
    };
    assert_eq!(rooms(), 1);
    let abandoned = run(&format!("{both} --abandon"), &[]);
    assert!(abandoned.status.success(), "{}", stderr(&abandoned));
    let message = stdout(&abandoned);
    assert!(
        message.contains(&event) && message.contains("1 moves are given up, 0 are not"),
        "{message}"
    );
    assert_eq!(rooms(), 0);
    let again = run(&format!("{both} --abandon"), &[]);
    assert!(stdout(&again).contains("0 moves are given up, 0 are not"), "{again:?}");
    assert_eq!(app.register(&event, "bob@example.org").status, 201, "it is sold as before");

    let moved = run(&both, &[]);
    assert!(moved.status.success(), "{}", stderr(&moved));
    let refused = run(&format!("{both} --abandon --event {event}"), &[]);
    assert!(!refused.status.success());
    assert!(stderr(&refused).contains("it has left"), "{}", stderr(&refused));
    assert_eq!(app.register(&event, "carl@example.org").status, 503);
}

/// More than one page of them, of which the first cannot be abandoned at all.
#[test]
fn all_moves_are_abandoned_however_many_there_are() {
    let app = App::start(Data::sqlite());
    let event = app.create(9);
    let Data::Sqlite(folder) = &app.data else { panic!("it is SQLite") };
    let from = folder.path().join("booking.db");
    let folder = tempfile::tempdir().expect("a directory");
    let to = folder.path().join("new.db");
    let settings = [("BOOKING_DB", to.display().to_string())];
    assert!(run("migrate", &settings).status.success());
    let there = rusqlite::Connection::open(&to).expect("opened");
    let id = event.replace('-', "");
    // Of unknown events, before that one in whatever order.
    there
        .execute_batch(&format!(
            "WITH RECURSIVE many(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM many WHERE number < 600)
             INSERT INTO moving_events (event_id, direction, move_id, place, since)
             SELECT unhex(printf('%032x', number)), 'arriving', randomblob(16), 'there', number FROM many;
             INSERT INTO moving_events (event_id, direction, move_id, place, since)
             VALUES (x'{id}', 'arriving', randomblob(16), 'there', 601)"
        ))
        .expect("written");
    let all = format!("move --from {} --to {} --abandon", from.display(), to.display());
    let abandoned = run(&all, &[]);
    let message = stdout(&abandoned);
    assert!(message.contains("1 moves are given up, 600 are not"), "{message}");
    assert!(message.contains(&format!("event {event}: it stays at")), "{message}");
    assert!(!abandoned.status.success() && stderr(&abandoned).contains("safe to run this again"));
    let count = "SELECT count(*) FROM moving_events";
    assert_eq!(there.query_row(count, [], |row| row.get::<_, i64>(0)).expect("a number"), 600);
}

#[test]
fn a_store_that_is_named_twice_is_not_moved_to_itself() {
    let app = App::start(Data::sqlite());
    let event = app.create(9);
    let Data::Sqlite(folder) = &app.data else { panic!("it is SQLite") };
    let (file, link) = (folder.path().join("booking.db"), folder.path().join("linked.db"));
    std::os::unix::fs::symlink(&file, &link).expect("linked");
    for abandon in ["", " --abandon"] {
        let both = format!("move --from {} --to {}{abandon}", file.display(), link.display());
        let refused = run(&both, &[]);
        assert!(!refused.status.success());
        assert!(stderr(&refused).contains("from a store to itself"), "{}", stderr(&refused));
    }
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
}
