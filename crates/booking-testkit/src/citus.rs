//! Schemas that a Citus has distributed as a whole.

use crate::Rows;
use crate::database::{block_on, dump_of, run_sql, tables_where};
use std::fmt::Write;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// A schema that is distributed as a whole, in the database that `DATABASE_URL` names. It is dropped with this.
#[derive(Debug)]
pub struct CitusSchema {
    name: String,
    coordinator: String,
    url: String,
}

impl CitusSchema {
    /// Makes a schema, with the tables that `prepare` makes, which gets its URL; one of this name is dropped first. The
    /// name has to be usable in SQL without quotes.
    ///
    /// # Panics
    ///
    /// If there is no `DATABASE_URL`, `prepare` does, or Citus refuses.
    #[must_use]
    pub fn create<F>(name: &str, prepare: F) -> Self
    where
        F: AsyncFnOnce(String) + Send,
    {
        let coordinator = Self::coordinator();
        let sql = |text: &str| sql_at(&coordinator, text);
        sql(&format!("DROP SCHEMA IF EXISTS {name} CASCADE"));
        sql(&format!("CREATE SCHEMA {name}"));
        let url = url_of(&coordinator, name, None);
        block_on(async move || prepare(url).await);
        sql(&format!("SELECT citus_schema_distribute('{name}')"));
        let nodes = sql(&format!(
            "SELECT nodename, nodeport FROM citus_shards WHERE table_name::text LIKE '{name}.%' GROUP BY 1, 2"
        ));
        let node = match &nodes[..] {
            [node] => node.iter().flatten().map(String::as_str).collect::<Vec<_>>(),
            other => panic!("a schema that is distributed lies on one machine: {other:?}"),
        };
        let [host, port] = node[..] else { panic!("a machine has a name and a port: {node:?}") };
        let url = url_of(&coordinator, name, Some((host, port)));
        Self { name: name.to_owned(), coordinator, url }
    }

    /// The URL of the database on the coordinator.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn coordinator() -> String {
        std::env::var("DATABASE_URL")
            .expect("DATABASE_URL names the database of a Citus coordinator")
    }

    /// The URL of the schema, on the machine that it lies on: servers connect to that one.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its tables, each with its schema.
    #[must_use]
    pub fn tables(&self) -> Vec<String> {
        tables_where(&format!("schemaname = '{}'", self.name), |sql| self.sql(sql))
    }

    /// Every row of its tables, as text.
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        dump_of(&self.tables(), |sql| self.sql(sql))
    }

    /// Runs SQL on the coordinator.
    ///
    /// # Panics
    ///
    /// If it fails.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> Rows {
        sql_at(&self.coordinator, sql)
    }
}

impl Drop for CitusSchema {
    fn drop(&mut self) {
        // Whatever failed before has said so.
        let _ = run_sql(&self.coordinator, &format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

#[track_caller]
fn sql_at(url: &str, sql: &str) -> Rows {
    run_sql(url, sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

/// The URL of a schema, on another machine than the one in `url` if there is a `node`.
fn url_of(url: &str, schema: &str, node: Option<(&str, &str)>) -> String {
    let config: Config = url.parse().expect("DATABASE_URL is a URL of PostgreSQL");
    let (host, port) = match (node, config.get_hosts().first()) {
        (Some((host, port)), _) => (host.to_owned(), port.to_owned()),
        (None, Some(Host::Tcp(host))) => {
            (host.clone(), config.get_ports().first().unwrap_or(&5432).to_string())
        }
        (None, other) => panic!("DATABASE_URL has to name a host: {other:?}"),
    };
    let user = encoded(config.get_user().expect("DATABASE_URL has to name a user").as_bytes());
    let password = config.get_password().map(|password| format!(":{}", encoded(password)));
    let database =
        encoded(config.get_dbname().expect("DATABASE_URL has to name a database").as_bytes());
    let options = format!("{} -csearch_path={schema}", config.get_options().unwrap_or_default());
    let options = encoded(options.trim().as_bytes());
    let password = password.unwrap_or_default();
    format!("postgresql://{user}{password}@{host}:{port}/{database}?options={options}")
}

/// Percent-encoded, as in a URL (RFC 3986, 2.1).
fn encoded(text: &[u8]) -> String {
    text.iter().fold(String::new(), |mut encoded, &byte| {
        match byte.is_ascii_alphanumeric() {
            true => encoded.push(byte.into()),
            false => write!(encoded, "%{byte:02X}").expect("a text can be written to"),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_has_a_url_on_its_own_machine() {
        let given = "postgresql://me:s%40c%2Fret@coordinator:6000/my%20data?options=-cjit%3Doff";
        let own = url_of(given, "cell", Some(("node-1", "5433")));
        let config: Config = own.parse().expect("it is a URL");
        assert_eq!(config.get_hosts(), [Host::Tcp("node-1".to_owned())]);
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!(config.get_user(), Some("me"));
        assert_eq!(config.get_password(), Some("s@c/ret".as_bytes()));
        assert_eq!(config.get_dbname(), Some("my data"));
        assert_eq!(config.get_options(), Some("-cjit=off -csearch_path=cell"));
        assert!(url_of(given, "cell", None).contains("@coordinator:6000/"));
        assert!(url_of("postgresql://me@db/x", "cell", None).contains("me@db:5432/x"));
    }
}
