//! Databases within a cluster.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::thread;

use tokio_postgres::{Error, NoTls, SimpleQueryMessage};

use crate::Cluster;

/// What a statement returned: rows of columns as text, where `None` is NULL.
pub type Rows = Vec<Vec<Option<String>>>;

/// A database that was prepared once, to be cloned for each test.
#[derive(Clone, Debug)]
pub struct Template(String);

/// A database for one test. It goes with its cluster.
#[derive(Clone, Debug)]
pub struct Database {
    name: String,
    url: String,
    socket_url: String,
}

impl Database {
    /// Its name, unique within its cluster.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its TCP URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its unix socket URL.
    #[must_use]
    pub fn socket_url(&self) -> &str {
        &self.socket_url
    }

    /// Runs SQL in it, see [`run_sql`].
    ///
    /// # Panics
    ///
    /// If it fails.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> Rows {
        run_sql(&self.socket_url, sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// Every row of every table of ours, as text.
    ///
    /// # Panics
    ///
    /// If PostgreSQL refuses.
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        let ours = "schemaname NOT IN ('pg_catalog', 'information_schema')";
        dump_of(&tables_where(ours, |sql| self.sql(sql)), |sql| self.sql(sql))
    }

    /// Creates a role that may use the rows of the existing tables, and create nothing, and returns its URL.
    ///
    /// # Panics
    ///
    /// If PostgreSQL refuses, such as for a second call.
    #[must_use]
    pub fn url_of_least_rights(&self) -> String {
        let (name, role) = (&self.name, format!("{}_least", self.name));
        self.sql(&format!(
            "CREATE ROLE {role} LOGIN;
             REVOKE CREATE ON SCHEMA public FROM PUBLIC;
             REVOKE CREATE, TEMPORARY ON DATABASE {name} FROM PUBLIC;
             GRANT USAGE ON SCHEMA public TO {role};
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        ));
        self.url.replace("postgres@", &format!("{role}@"))
    }
}

impl Cluster {
    /// Creates a database: a clone of a template (30 to 40 ms), or an empty one.
    ///
    /// # Panics
    ///
    /// If PostgreSQL refuses, or does not run.
    #[must_use]
    pub fn database(&self, template: Option<&Template>) -> Database {
        let number = self.databases_made.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        // No process connects to template0, so it can always be cloned.
        let template = template.map_or("template0", |template| &template.0);
        self.administer(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Database { url: self.url(&name), socket_url: self.socket_url(&name), name }
    }

    /// Prepares a template once: the first caller with a name makes an empty database and has `prepare` fill it
    /// (run migrations, say); others wait for it, and their `prepare` is not called. The name has to be usable in
    /// SQL without quotes.
    ///
    /// # Panics
    ///
    /// If `prepare` does, or PostgreSQL refuses; the next caller then tries again.
    pub fn template(&self, name: &str, prepare: impl FnOnce(&Database)) -> Template {
        let mut prepared = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        let template = Template(format!("template_{name}"));
        if !prepared.contains(name) {
            let name = &template.0;
            self.administer(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            self.administer(&format!("CREATE DATABASE {name} TEMPLATE template0"));
            prepare(&Database {
                name: name.clone(),
                url: self.url(name),
                socket_url: self.socket_url(name),
            });
            // A template with open connections cannot be cloned.
            self.administer(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
            self.administer(&format!(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                 WHERE datname = '{name}'"
            ));
        }
        prepared.insert(name.to_owned());
        template
    }

    /// The same with an async `prepare`, which gets the URL. It runs on its own runtime, which ends with it,
    /// together with every connection that it has spawned there.
    ///
    /// # Panics
    ///
    /// As [`template`](Self::template) does.
    pub fn template_async<F>(&self, name: &str, prepare: F) -> Template
    where
        F: AsyncFnOnce(String) + Send,
    {
        self.template(name, |database| {
            let url = database.url().to_owned();
            block_on(async move || prepare(url).await);
        })
    }

    fn administer(&self, sql: &str) {
        if let Err(error) = run_sql(&self.socket_url("postgres"), sql) {
            panic!("{sql}: {error:?}\n{}", self.log());
        }
    }
}

/// The tables of which `condition` is true, each with its schema.
pub(crate) fn tables_where(condition: &str, sql: impl Fn(&str) -> Rows) -> Vec<String> {
    let tables =
        format!("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE {condition}");
    sql(&tables).into_iter().flatten().flatten().collect()
}

/// Every row of some tables, as text, a line for each.
pub(crate) fn dump_of(tables: &[String], sql: impl Fn(&str) -> Rows) -> Vec<u8> {
    let rows = |table: &String| sql(&format!("SELECT kept::text FROM {table} AS kept"));
    let rows = tables.iter().flat_map(rows).flatten().flatten().collect::<Vec<_>>();
    rows.join("\n").into_bytes()
}

/// Runs one or more statements, without TLS and outside of any pool, as psql would; the rows of all
/// of them. From sync and async code alike.
///
/// # Errors
///
/// The error of the connection or of PostgreSQL.
pub fn run_sql(url: &str, sql: &str) -> Result<Rows, Error> {
    block_on(async || {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let connection = tokio::spawn(connection);
        let messages = client.simple_query(sql).await?;
        // Wait for the end, since the server may otherwise still count the connection.
        drop(client);
        let _ = connection.await;
        Ok(messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            })
            .map(|row| (0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect())
            .collect())
    })
}

/// Runs a future to its end on its own thread, because a caller's thread may belong to a runtime, which would not
/// let us block.
pub(crate) fn block_on<T: Send>(work: impl AsyncFnOnce() -> T + Send) -> T {
    let on_its_own_runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime of one thread can be made")
            .block_on(work())
    };
    let result = thread::scope(|scope| scope.spawn(on_its_own_runtime).join());
    // So that a panic in there fails the test with its own message.
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
