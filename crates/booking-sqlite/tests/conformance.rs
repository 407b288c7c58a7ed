//! The store passes the suite, and the suite catches the store without its transactions.

use async_trait::async_trait;
use booking_conformance::Fixture;
use booking_core::{BookingStore, Clock};
use booking_sqlite::{Options, SqliteStore};
use std::sync::Arc;
use tempfile::TempDir;

struct Sqlite {
    directory: TempDir,
    #[cfg(feature = "negative-control")]
    transactions: bool,
}

impl Sqlite {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
            #[cfg(feature = "negative-control")]
            transactions: true,
        }
    }
}

#[async_trait]
impl Fixture for Sqlite {
    async fn open(&self, clock: Option<Clock>) -> Arc<dyn BookingStore> {
        let path = self.directory.path().join("booking.db");
        let options = Options { clock, ..Options::default() };
        #[cfg(feature = "negative-control")]
        if !self.transactions {
            let store = SqliteStore::open_without_transactions(path, options).await;
            return Arc::new(store.expect("opened"));
        }
        Arc::new(SqliteStore::open(path, options).await.expect("opened"))
    }
}

booking_conformance::suite!(Sqlite::new());

#[cfg(feature = "negative-control")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_transactions_the_races_fail() {
    let races = tokio::spawn(async {
        let unprotected = Sqlite { transactions: false, ..Sqlite::new() };
        booking_conformance::cases::a_race_of_two_instances_gives_out_exactly_the_seats(
            &unprotected,
        )
        .await;
    });
    let failure = races.await.expect_err("the suite did not notice that the transactions are gone");
    let panic = failure.into_panic();
    let reason = panic.downcast_ref::<String>().expect("a panic with a message");
    // Two writers decided upon the same state, which the second notices as it writes.
    assert!(reason.contains("Broken"), "it failed for another reason: {reason}");
}
