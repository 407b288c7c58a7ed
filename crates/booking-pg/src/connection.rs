//! Connections: the pool, the settings of each, and which ones may go back into the pool.

use crate::error::PgError;
use crate::hosts::{self, Connector};
use crate::options::PgOptions;
use crate::sql::Sql;
use crate::tls;
use booking_core::StoredBytes;
use deadpool_postgres::{
    BuildError, Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
    Status,
};
use std::fmt::Write;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row, Statement};

/// The longest wait for a connection from the pool.
const POOL_WAIT: Duration = Duration::from_secs(3);

/// The first statements on every connection. PostgreSQL's own log must not quote the parameters of a statement that
/// fails: they are personal. The last five lines, and `plan_cache_mode`, keep plans from depending on how much the
/// tables held when they were made: every query of ours has an index to use, and a sequential scan that was right
/// for an empty table is a disaster an hour later. A bitmap loses the index's order, and sorting a few rows again
/// took a quarter of a short read.
const SESSION: &str = "
    SET lock_timeout = '2s';
    SET statement_timeout = '5s';
    SET idle_in_transaction_session_timeout = '5s';
    SET client_min_messages = warning;
    SET log_parameter_max_length_on_error = 0;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET jit = off;
";

/// The settings of a connection, with the plan mode of the options, and with their schema if there is one. The schema
/// is requested when the connection is made, which no pooler passes on; here it is checked: another schema's tables
/// look the same, and so do another database's.
fn session(options: &PgOptions) -> String {
    let mode = options.plan_cache_mode.as_str();
    let mut session = format!("{SESSION}SET plan_cache_mode = {mode};");
    if let Some(schema) = &options.schema {
        let _ = write!(
            session,
            "DO $$ BEGIN
                 IF current_schema() IS DISTINCT FROM '{schema}' THEN
                     RAISE invalid_schema_name
                         USING MESSAGE = 'there is no schema {schema}, or a pooler leads past it';
                 END IF;
             END $$;"
        );
    }
    if let Some(StoredBytes { version, bytes, map: Some(map) }) = options.is_cell {
        let byte = |byte: Option<u8>| byte.map_or("NULL".to_owned(), |byte| byte.to_string());
        let first = byte(bytes.map(|bytes| bytes.first));
        let last = byte(bytes.map(|bytes| bytes.last));
        let _ = write!(
            session,
            "DO $$ BEGIN
                 IF NOT EXISTS (
                     SELECT FROM cell_bytes
                     WHERE map_id = '{map}' AND (
                         version > {version}
                         OR first_byte IS NOT DISTINCT FROM {first} AND last_byte IS NOT DISTINCT FROM {last}
                     )
                 ) THEN
                     RAISE invalid_schema_name USING MESSAGE = 'what is there is not the cell that it is to be';
                 END IF;
             END $$;"
        );
    }
    session
}

/// The connections that a store shares.
#[derive(Clone)]
pub(crate) struct PgPool {
    pool: Pool,
    doubts: Arc<AtomicU64>,
    unreplicated: Arc<AtomicU64>,
}

impl PgPool {
    /// How many connections there are, and may be.
    pub(crate) fn status(&self) -> Status {
        self.pool.status()
    }

    /// Closes idle connections, and the others when they come back, after one of them has failed: when a
    /// server is gone, or another one is the leader, they all lead to the same server, and each would
    /// cost a caller its time.
    pub(crate) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::SeqCst);
        self.pool.retain(|_, _| false);
    }
}

pub(crate) fn pool(
    options: &PgOptions,
) -> Result<PgPool, Box<dyn std::error::Error + Send + Sync>> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let mut config = options.config.clone();
    if let Some(schema) = &options.schema {
        let before = config.get_options().map(|before| format!("{before} "));
        config.options(format!("{}-c search_path=\"{schema}\"", before.unwrap_or_default()));
    }
    let unreplicated = Arc::<AtomicU64>::default();
    let counted = Arc::clone(&unreplicated);
    let plain = hosts::is_by_socket_alone(&config);
    let tls = if plain { None } else { tls::connector(&options.tls)? };
    let home = Handle::try_current().ok();
    let manager = match tls {
        None => {
            let connector = Connector { tls: NoTls, home, unreplicated: counted };
            Manager::from_connect(config, connector, recycling)
        }
        Some(tls) => {
            let connector = Connector { tls, home, unreplicated: counted };
            Manager::from_connect(config, connector, recycling)
        }
    };
    let session: Arc<str> = session(options).into();
    let pool: Result<Pool, BuildError> = Pool::builder(manager)
        .max_size(options.pool_size.max(PgOptions::POOL_SIZE_MIN))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(POOL_WAIT))
        .create_timeout(Some(2 * PgOptions::CONNECT_WITHIN))
        .recycle_timeout(Some(PgOptions::CONNECT_WITHIN))
        .post_create(Hook::async_fn(move |client, _| {
            let session = Arc::clone(&session);
            Box::pin(
                async move { client.batch_execute(&session).await.map_err(HookError::Backend) },
            )
        }))
        .build();
    Ok(PgPool { pool: pool?, doubts: Arc::default(), unreplicated })
}

const ON_LOAN: &str = "a connection is taken back only on drop";

/// A connection on loan. It goes back into the pool only when its borrower has reported that no
/// answer and no transaction is left on it; otherwise it is closed, which ends both.
pub(crate) struct Lease {
    connection: Option<Object>,
    doubts: Arc<AtomicU64>,
    doubts_before: u64,
    unreplicated: Arc<AtomicU64>,
    clean: bool,
}

impl Lease {
    pub(crate) async fn from(pool: &PgPool) -> Result<Self, PgError> {
        let doubts_before = pool.doubts.load(Ordering::SeqCst);
        let connection = pool.pool.get().await.map_err(PgError::Pool)?;
        Ok(Self {
            connection: Some(connection),
            doubts: Arc::clone(&pool.doubts),
            doubts_before,
            unreplicated: Arc::clone(&pool.unreplicated),
            clean: false,
        })
    }

    /// Returns the connection, unless all were doubted meanwhile.
    pub(crate) fn give_back(mut self) {
        self.clean = !self.is_doubted();
    }

    /// Whether it can still be used, as far as is known.
    pub(crate) fn is_good(&self) -> bool {
        !self.is_doubted() && !self.is_closed()
    }

    fn is_doubted(&self) -> bool {
        self.doubts.load(Ordering::SeqCst) != self.doubts_before
    }

    /// The driver's own client, for calls that need all of it.
    pub(crate) fn client_mut(&mut self) -> &mut tokio_postgres::Client {
        self.connection.as_mut().expect(ON_LOAN)
    }

    /// Prepares a statement, which takes a round trip the first time on each connection.
    pub(crate) async fn prepare(&self, sql: Sql) -> Result<Prepared, PgError> {
        let statement = self.prepare_cached(sql.text).await.map_err(named(sql.name))?;
        Ok(Prepared { statement, name: sql.name })
    }

    /// The same if it is `needed`.
    pub(crate) async fn prepare_if(
        &self,
        needed: bool,
        sql: Sql,
    ) -> Result<Option<Prepared>, PgError> {
        match needed {
            true => self.prepare(sql).await.map(Some),
            false => Ok(None),
        }
    }

    /// The rows that a statement returns. It is sent when this is first polled.
    pub(crate) async fn rows(
        &self,
        prepared: &Prepared,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, PgError> {
        self.query(&prepared.statement, parameters).await.map_err(named(prepared.name))
    }

    /// The same for a statement that may not be needed: then none.
    pub(crate) async fn rows_if(
        &self,
        prepared: &Option<Prepared>,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, PgError> {
        match prepared {
            Some(prepared) => self.rows(prepared, parameters).await,
            None => Ok(Vec::new()),
        }
    }

    /// How many rows a statement changes. It is sent when this is first polled.
    pub(crate) async fn change(
        &self,
        prepared: &Prepared,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, PgError> {
        self.execute(&prepared.statement, parameters).await.map_err(named(prepared.name))
    }

    /// The same for a statement that may not be needed: then none.
    pub(crate) async fn change_if(
        &self,
        prepared: &Option<Prepared>,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, PgError> {
        match prepared {
            Some(prepared) => self.change(prepared, parameters).await,
            None => Ok(0),
        }
    }

    /// Runs a statement without parameters and without an answer. It is sent when this is first
    /// polled.
    pub(crate) async fn command(&self, sql: &'static str) -> Result<(), PgError> {
        self.script(sql, sql).await
    }

    /// The same for a text made at run time; errors name it `name`.
    pub(crate) async fn script(&self, name: &'static str, sql: &str) -> Result<(), PgError> {
        self.batch_execute(sql).await.map_err(named(name))
    }

    /// COMMIT, sent when this is first polled.
    pub(crate) async fn commit(&self) -> Result<(), PgError> {
        self.committing(self.command("COMMIT")).await
    }

    /// Runs `work`, which commits. With a synchronous standby COMMIT waits for it; PostgreSQL reports a
    /// wait that was cancelled (`pg_cancel_backend`) as a success, with a warning that no standby has it.
    /// Such a commit must not be acknowledged, so it is an error here. The count is of all connections,
    /// so that it may be another's commit: finding out what happened to this one does no harm.
    pub(crate) async fn committing<T>(
        &self,
        work: impl Future<Output = Result<T, PgError>>,
    ) -> Result<T, PgError> {
        let before = self.unreplicated.load(Ordering::SeqCst);
        let done = work.await?;
        match self.unreplicated.load(Ordering::SeqCst) == before {
            true => Ok(done),
            false => Err(PgError::Unreplicated),
        }
    }

    /// Waits until everything that can be read is as safe as a commit of one's own: after a crash, or a
    /// commit whose wait was cancelled, rows can be read that no standby has. Call it outside of a
    /// transaction, before answering a caller that its request had been carried out already.
    pub(crate) async fn confirm_what_is_seen(&self) -> Result<(), PgError> {
        const MARK: &str = "SELECT pg_logical_emit_message(true, 'booking', '')";
        self.committing(self.command(MARK)).await
    }

    /// Prepares a statement and runs it.
    pub(crate) async fn fetch(
        &self,
        sql: Sql,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, PgError> {
        let prepared = self.prepare(sql).await?;
        self.rows(&prepared, parameters).await
    }
}

/// A prepared statement and its name, for errors.
pub(crate) struct Prepared {
    statement: Statement,
    name: &'static str,
}

impl Deref for Lease {
    type Target = Object;

    fn deref(&self) -> &Object {
        self.connection.as_ref().expect(ON_LOAN)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.clean
        {
            drop(Object::take(connection));
        }
    }
}

/// Adds a statement's name to its error.
fn named(statement: &'static str) -> impl Fn(tokio_postgres::Error) -> PgError {
    move |source| PgError::new(statement, source)
}
