//! What the store tells of itself.

use crate::migrate;
use crate::sql;
use crate::store::PgStore;
use booking_core::{StoreError, StoreHealth, Totals};
use tokio_postgres::Row;

impl PgStore {
    pub(crate) async fn ask_health(&self) -> Result<StoreHealth, StoreError> {
        let health = self
            .read(|connection| {
                Box::pin(async move {
                    let rows = connection.fetch(sql::SESSION_HEALTH, &[]).await?;
                    let applied: Vec<i32> = rows[0].get("versions");
                    let missing = migrate::versions().into_iter().filter(|v| !applied.contains(v));
                    Ok(StoreHealth {
                        takes_writes: rows[0].get("takes_writes"),
                        migrations_missing: missing.count(),
                    })
                })
            })
            .await?;
        if !health.takes_writes {
            // Another server may, and new connections will find it.
            self.pool.doubt();
        }
        Ok(health)
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
    // Each is a sum of what CHECKs keep from being negative.
    let sum = |column| row.get::<_, i64>(column).unsigned_abs();
    Totals {
        events: sum("events"),
        capacity: sum("capacity"),
        booked: sum("booked"),
        held: sum("held"),
        waiting: sum("waiting"),
    }
}
