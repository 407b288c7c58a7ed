//! Every statement, by the name of its file.

/// A statement and its name, for errors and logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! sql {
    ($name:literal) => {
        Sql { name: $name, text: include_str!(concat!("../sql/", $name, ".sql")) }
    };
}

pub(crate) const EVENT_EXIST: Sql = sql!("event/exist");
pub(crate) const EVENT_FIND: Sql = sql!("event/find");
pub(crate) const EVENT_INSERT: Sql = sql!("event/insert");
pub(crate) const EVENT_LIST: Sql = sql!("event/list");
pub(crate) const EVENT_LOCK: Sql = sql!("event/lock");
#[cfg(feature = "negative-control")]
pub(crate) const EVENT_LOCK_NONE: Sql = sql!("event/lock_none");
pub(crate) const EVENT_LOCK_SKIP: Sql = sql!("event/lock_skip");
pub(crate) const EVENT_UPDATE: Sql = sql!("event/update");
pub(crate) const FACT_INSERT: Sql = sql!("fact/insert");
pub(crate) const REGISTRATION_INSERT: Sql = sql!("registration/insert");
pub(crate) const REGISTRATION_LIST: Sql = sql!("registration/list");
pub(crate) const REGISTRATION_LOAD: Sql = sql!("registration/load");
pub(crate) const AUDIT_COUNT: Sql = sql!("audit/count");
pub(crate) const SESSION_DURABILITY: Sql = sql!("session/durability");
pub(crate) const SESSION_NOW: Sql = sql!("session/now");
