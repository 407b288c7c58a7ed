//! The statements, one in each file, named entity/verb.

pub(crate) const EVENT_EXISTS: &str = include_str!("../sql/event/exists.sql");
pub(crate) const EVENT_INSERT: &str = include_str!("../sql/event/insert.sql");
pub(crate) const EVENT_LIST: &str = include_str!("../sql/event/list.sql");
pub(crate) const EVENT_LOAD: &str = include_str!("../sql/event/load.sql");
pub(crate) const EVENT_READ: &str = include_str!("../sql/event/read.sql");
pub(crate) const EVENT_UPDATE: &str = include_str!("../sql/event/update.sql");
pub(crate) const FACT_INSERT: &str = include_str!("../sql/fact/insert.sql");
pub(crate) const REGISTRATION_INSERT: &str = include_str!("../sql/registration/insert.sql");
pub(crate) const REGISTRATION_LIST: &str = include_str!("../sql/registration/list.sql");
pub(crate) const REGISTRATION_LOAD: &str = include_str!("../sql/registration/load.sql");

pub(crate) const AUDIT_COUNT: &str = include_str!("../sql/audit/count.sql");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{connection, migrate};

    /// How SQLite would execute `statement` on an empty database: no plan may depend on what the
    /// tables hold.
    fn plan(statement: &str) -> Vec<String> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("plans.db");
        migrate::migrate_blocking(&path).expect("migrated");
        let connection = connection::open_reader(&path).expect("opened");
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let mut explain = connection.prepare(&explain).expect("valid SQL");
        let parameters = vec![rusqlite::types::Null; explain.parameter_count()];
        let steps = explain
            .query_map(rusqlite::params_from_iter(parameters), |row| row.get("detail"))
            .expect("explained");
        steps.collect::<Result<_, _>>().expect("explained")
    }

    #[test]
    fn what_is_hot_uses_an_index() {
        let by_primary_key = "SEARCH events USING INDEX sqlite_autoindex_events_1 (id=?)";
        for statement in [EVENT_READ, EVENT_LOAD, EVENT_UPDATE] {
            assert_eq!(plan(statement), [by_primary_key], "{statement}");
        }
        assert_eq!(
            plan(EVENT_LIST),
            ["SEARCH events USING INDEX events_newest_first ((created_at,id)<(?,?))"]
        );
        assert_eq!(
            plan(REGISTRATION_LOAD),
            [
                "COMPOUND QUERY",
                "LEFT-MOST SUBQUERY",
                "SEARCH registrations USING INDEX registrations_id (event_id=? AND id=?)",
                "UNION ALL",
                "SEARCH registrations USING INDEX registrations_live_email (event_id=? AND user_email=?)",
            ]
        );
        assert_eq!(
            plan(REGISTRATION_LIST),
            ["SEARCH registrations USING PRIMARY KEY (event_id=? AND event_version>?)"]
        );
    }

    #[test]
    fn each_statement_says_its_name() {
        for (statement, name) in [
            (EVENT_EXISTS, "event/exists"),
            (EVENT_INSERT, "event/insert"),
            (EVENT_LIST, "event/list"),
            (EVENT_LOAD, "event/load"),
            (EVENT_READ, "event/read"),
            (EVENT_UPDATE, "event/update"),
            (FACT_INSERT, "fact/insert"),
            (REGISTRATION_INSERT, "registration/insert"),
            (REGISTRATION_LIST, "registration/list"),
            (REGISTRATION_LOAD, "registration/load"),
            (AUDIT_COUNT, "audit/count"),
        ] {
            let first = statement.lines().next().unwrap_or_default();
            let stated = first.strip_prefix("-- ").and_then(|line| line.split(':').next());
            assert_eq!(stated, Some(name));
        }
    }
}
