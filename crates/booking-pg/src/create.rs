//! Putting up an event.

use crate::connection::{Lease, named};
use crate::error::PgError;
use crate::rows;
use crate::sql;
use crate::store::PgStore;
use crate::transaction::{Attempt, run};
use booking_core::{Event, Fact, NewEvent, StoreError, Version};
use chrono::SubsecRound;
use futures_util::future::join;

impl PgStore {
    pub(crate) async fn insert_event(&self, new: &NewEvent) -> Result<Event, StoreError> {
        run("create_event", |attempt| {
            Box::pin(async move { self.attempt_insert(new, &attempt).await })
        })
        .await
    }

    /// The insert commits by itself; the event is then read as it is, whoever made it.
    async fn attempt_insert(&self, new: &NewEvent, attempt: &Attempt) -> Result<Event, PgError> {
        let connection = Lease::from(&self.pool).await?;
        let insert = connection.prepare(sql::EVENT_INSERT).await?;
        let find = connection.prepare(sql::EVENT_FIND).await?;
        let id = new.id.as_uuid();
        let (name, description) = (new.name.as_str(), new.description.as_str());
        let capacity = rows::stored_count(new.capacity.get());
        let version = rows::stored_version(Version::FIRST);
        let now = self.clock.as_ref().map(|clock| clock().trunc_subsecs(6));
        let facts = rows::stored_facts(&[Fact::EventCreated]);
        attempt.commit_is_sent();
        let (inserted, found) = join(
            connection
                .execute(&insert, &[&id, &name, &description, &capacity, &version, &now, &facts]),
            connection.query_one(&find, &[&id]),
        )
        .await;
        attempt.look_at(&inserted);
        inserted.map_err(named(sql::EVENT_INSERT.name))?;
        let event = rows::event(&found.map_err(named(sql::EVENT_FIND.name))?)?;
        connection.give_back();
        Ok(event)
    }
}
