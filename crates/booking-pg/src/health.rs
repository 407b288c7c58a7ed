//! The store's health.

use crate::connection::Lease;
use crate::error::PgError;
use crate::migrate;
use crate::sql::{self, BEGIN};
use crate::store::PgStore;
use booking_core::{ErrorChain, Lately, StoreError, StoreHealth, Totals, WriteTrouble};
use tokio_postgres::Row;

impl PgStore {
    pub(crate) async fn ask_health(&self) -> Result<StoreHealth, StoreError> {
        let health = self
            .read(|connection| {
                Box::pin(async move {
                    let rows = connection.fetch(sql::SESSION_HEALTH, &[]).await?;
                    let applied: Vec<i32> = rows[0].get("versions");
                    let ours = migrate::ours().iter().map(|migration| migration.version);
                    let missing = ours.filter(|version| !applied.contains(version));
                    Ok(StoreHealth {
                        takes_writes: rows[0].get("takes_writes"),
                        migrations_missing: missing.count(),
                        trouble: None,
                    })
                })
            })
            .await?;
        if !health.takes_writes {
            // Another server may take writes, and new connections will find it.
            self.pool.doubt();
        }
        if !health.takes_writes || health.migrations_missing > 0 {
            return Ok(health);
        }
        Ok(StoreHealth { trouble: self.trouble().await, ..health })
    }

    /// Whether writing works. It does if something was committed since the last check. Else what a sale
    /// writes is tried, without a row; and if the last write failed, with rows that are rolled back.
    async fn trouble(&self) -> Option<WriteTrouble> {
        let is_in_doubt = match self.writes.lately() {
            Lately::Committed => return None,
            Lately::Quiet => false,
            Lately::Failed => true,
        };
        match self.try_to_write(is_in_doubt).await {
            Ok(()) => {
                if self.writes.is_news_of_recovery() {
                    log::info!("what is written is committed again");
                }
                None
            }
            Err(error) => {
                if error.casts_doubt() {
                    self.pool.doubt();
                }
                if self.writes.is_news_of_trouble() {
                    log::error!("nothing can be written: {}", ErrorChain(&error));
                }
                Some(WriteTrouble::Failing)
            }
        }
    }

    async fn try_to_write(&self, is_in_doubt: bool) -> Result<(), PgError> {
        let connection = Lease::from(&self.pool).await?;
        let (all, rows) = (sql::SESSION_TRY_WRITES, sql::SESSION_TRY_ROWS);
        let more = if is_in_doubt { rows.text } else { "" };
        let script = format!("{BEGIN};\n{};\n{more};\nROLLBACK", all.text);
        connection.script(all.name, &script).await?;
        connection.give_back();
        Ok(())
    }

    pub(crate) async fn sum_up(&self) -> Result<Totals, StoreError> {
        self.read(|connection| {
            Box::pin(async move {
                let rows = connection.fetch(sql::EVENT_TOTALS, &[]).await?;
                Ok(totals(&rows[0]))
            })
        })
        .await
    }
}

fn totals(row: &Row) -> Totals {
    // Each is a sum of columns that CHECKs keep from being negative.
    let sum = |column| row.get::<_, i64>(column).unsigned_abs();
    Totals {
        events: sum("events"),
        capacity: sum("capacity"),
        booked: sum("booked"),
        held: sum("held"),
        waiting: sum("waiting"),
    }
}
