//! The recount.

use crate::connection::Lease;
use crate::error::PgError;
use crate::sql;
use crate::store::PgStore;
use booking_core::{AuditReport, EventCount, EventStated, StoreError};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Row;
use uuid::Uuid;

/// The longest time for a recount: it reads every row.
const WITHIN: Duration = Duration::from_secs(600);

/// One statement sees one state of everything. It needs the plans that short queries must not have.
const BEGIN: &str = "
    BEGIN READ ONLY;
    SET LOCAL statement_timeout = '600s';
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_bitmapscan = on;
    SET LOCAL enable_hashjoin = on;
    SET LOCAL enable_mergejoin = on;
";

impl PgStore {
    pub(crate) async fn recount(&self) -> Result<AuditReport, StoreError> {
        match timeout(WITHIN, self.attempt_recount()).await {
            Ok(report) => report.map_err(PgError::into_store_error),
            Err(_) => Err(PgError::Timeout(WITHIN).into_store_error()),
        }
    }

    async fn attempt_recount(&self) -> Result<AuditReport, PgError> {
        let connection = Lease::from(&self.pool).await?;
        connection.command(BEGIN).await?;
        let counts = connection.fetch(sql::AUDIT_COUNT, &[]).await?;
        connection.command("COMMIT").await?;
        connection.give_back();
        Ok(AuditReport::of(counts.iter().map(event_count)))
    }
}

fn event_count(row: &Row) -> EventCount {
    let stated = |capacity| EventStated {
        capacity,
        is_cancelled: row.get("is_cancelled"),
        booked: row.get("booked_count"),
        held: row.get("held_count"),
        waiting: row.get("waitlist_count"),
        version: row.get("version"),
    };
    EventCount {
        event_id: row.get::<_, Uuid>("event_id").into(),
        stated: row.get::<_, Option<i64>>("capacity").map(stated),
        seated: row.get("seated"),
        held: row.get("held"),
        waiting: row.get("waiting"),
        addresses: row.get("addresses"),
        before_due: row.get("before_due"),
        fact_versions: row.get("fact_versions"),
        fact_version_last: row.get("fact_version_last"),
    }
}
