//! What is stored of people, what is logged, what others may see; and how it goes away again.

#[path = "../common/mod.rs"]
mod common;
mod erasing;
mod headers;
mod keeping;
mod logs;

/// Writes to a database around the program.
fn spoil(data: &common::Data, sql: &str) {
    match data {
        common::Data::Postgres(database) => drop(database.sql(sql)),
        common::Data::Sqlite(folder) => {
            let path = folder.path().join("booking.db");
            let connection = rusqlite::Connection::open(path).expect("it can be opened");
            connection.execute_batch(sql).expect("it can be written");
        }
    }
}
