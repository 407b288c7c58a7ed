//! Organizers' tokens.

use crate::connection::Lease;
use crate::error::PgError;
use crate::rows;
use crate::sql;
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, change_alone, run};
use booking_core::{NewToken, OrganizerToken, Role, StoreError, TOKENS_MAX, TokenId};
use futures_util::future::join;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Among concurrent transactions that create tokens, each sees those of the others, and none creates a
/// second organizer of one name. Readers do not wait.
const LOCK: &str = "LOCK TABLE organizer_tokens IN SHARE ROW EXCLUSIVE MODE";

/// Older programs than this migration would take every token for its organizer's own.
const KNOWS_ROLES: i32 = 17;

impl PgStore {
    pub(crate) async fn list_tokens(&self) -> Result<Vec<OrganizerToken>, StoreError> {
        self.read(|connection| {
            Box::pin(async move {
                let rows = connection.fetch(sql::TOKEN_LIST, &[]).await?;
                rows.iter().map(rows::organizer_token).collect()
            })
        })
        .await
    }

    pub(crate) async fn insert_token(
        &self,
        new: &NewToken,
    ) -> Result<Option<OrganizerToken>, StoreError> {
        run(self, &Name::of("create_token"), |attempt| {
            Box::pin(async move { self.attempt_insert_token(new, &attempt).await })
        })
        .await
    }

    /// The token is then read as it is, whichever attempt created it.
    async fn attempt_insert_token(
        &self,
        new: &NewToken,
        attempt: &Attempt,
    ) -> Result<Option<OrganizerToken>, PgError> {
        let connection = Lease::from(&self.pool).await?;
        let insert = connection.prepare(sql::TOKEN_INSERT).await?;
        let find = connection.prepare(sql::TOKEN_FIND).await?;
        if new.role != Role::Owner {
            // By itself, and before such a token exists: if that is not created after all, this does no
            // harm.
            let raise = connection.prepare(sql::SCHEMA_RAISE).await?;
            connection.committing(connection.change(&raise, &[&KNOWS_ROLES])).await?;
        }
        let (id, organizer_id) = (new.id.as_uuid(), new.organizer.id.as_uuid());
        let (name, hash) = (new.organizer.name.as_str(), new.hash.as_bytes().as_slice());
        let (at_most, now) = (TOKENS_MAX as i64, self.clock_time());
        let (role, events) = (new.role.as_str(), new.events.as_ref());
        let events: Option<Vec<Uuid>> =
            events.map(|ids| ids.iter().map(|id| id.as_uuid()).collect());
        let parameters: &[&(dyn ToSql + Sync)] =
            &[&id, &organizer_id, &name, &hash, &at_most, &now, &role, &events];
        change_alone(&connection, LOCK, &insert, parameters, attempt).await?;
        let found = connection.rows(&find, &[&id]).await?;
        connection.give_back();
        found.first().map(rows::organizer_token).transpose()
    }

    pub(crate) async fn mark_revoked(
        &self,
        id: TokenId,
    ) -> Result<Option<OrganizerToken>, StoreError> {
        run(self, &Name::of("revoke_token"), |attempt| {
            Box::pin(async move { self.attempt_revoke(id, &attempt).await })
        })
        .await
    }

    /// The update commits by itself, and changes nothing if it was committed before.
    async fn attempt_revoke(
        &self,
        id: TokenId,
        attempt: &Attempt,
    ) -> Result<Option<OrganizerToken>, PgError> {
        let connection = Lease::from(&self.pool).await?;
        let revoke = connection.prepare(sql::TOKEN_REVOKE).await?;
        let find = connection.prepare(sql::TOKEN_FIND).await?;
        let (id, now) = (id.as_uuid(), self.clock_time());
        attempt.commit_is_sent();
        let (revoked, found) = join(
            connection.committing(connection.change(&revoke, &[&id, &now])),
            connection.rows(&find, &[&id]),
        )
        .await;
        attempt.look_at(&revoked);
        revoked?;
        if attempt.must_find_out() {
            connection.confirm_what_is_seen().await?;
        }
        let found = found?;
        connection.give_back();
        found.first().map(rows::organizer_token).transpose()
    }
}
