//! Every statement, by the name of its file.

/// A statement and its name, for errors and logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// How each transaction that writes begins: what its statements see was committed before each of them began.
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

macro_rules! sql {
    ($name:literal) => {
        Sql { name: $name, text: include_str!(concat!("../sql/", $name, ".sql")) }
    };
}

pub(crate) const EVENT_ADOPT: Sql = sql!("event/adopt");
pub(crate) const EVENT_DETAILS: Sql = sql!("event/details");
pub(crate) const EVENT_DUE: Sql = sql!("event/due");
pub(crate) const EVENT_EDIT: Sql = sql!("event/edit");
pub(crate) const EVENT_ERASABLE: Sql = sql!("event/erasable");
pub(crate) const EVENT_FIND: Sql = sql!("event/find");
pub(crate) const EVENT_FIND_DUE: Sql = sql!("event/find_due");
pub(crate) const EVENT_INSERT: Sql = sql!("event/insert");
pub(crate) const EVENT_LIST: Sql = sql!("event/list");
pub(crate) const EVENT_LIST_OF: Sql = sql!("event/list_of");
pub(crate) const EVENT_LOCK: Sql = sql!("event/lock");
#[cfg(feature = "negative-control")]
pub(crate) const EVENT_LOCK_NONE: Sql = sql!("event/lock_none");
pub(crate) const EVENT_LOCK_SKIP: Sql = sql!("event/lock_skip");
pub(crate) const EVENT_OF_NOBODY: Sql = sql!("event/of_nobody");
pub(crate) const EVENT_STATUS: Sql = sql!("event/status");
pub(crate) const EVENT_TOTALS: Sql = sql!("event/totals");
pub(crate) const EVENT_UPDATE: Sql = sql!("event/update");
pub(crate) const FACT_INSERT: Sql = sql!("fact/insert");
pub(crate) const RECORD_CLAIM: Sql = sql!("record/claim");
pub(crate) const RECORD_DELETE: Sql = sql!("record/delete");
pub(crate) const RECORD_DELETE_ALL: Sql = sql!("record/delete_all");
pub(crate) const RECORD_FORGET: Sql = sql!("record/forget");
pub(crate) const RECORD_LOAD: Sql = sql!("record/load");
pub(crate) const RECORD_OF_ADDRESS: Sql = sql!("record/of_address");
pub(crate) const RECORD_OTHERWISE_SPELT: Sql = sql!("record/otherwise_spelt");
pub(crate) const RECORD_UPSERT: Sql = sql!("record/upsert");
pub(crate) const REGISTRATION_BY_ADDRESS: Sql = sql!("registration/by_address");
pub(crate) const REGISTRATION_BY_ID: Sql = sql!("registration/by_id");
pub(crate) const REGISTRATION_DELETE: Sql = sql!("registration/delete");
pub(crate) const REGISTRATION_END_OFFERS: Sql = sql!("registration/end_offers");
pub(crate) const REGISTRATION_EVENTS: Sql = sql!("registration/events");
pub(crate) const REGISTRATION_FIND: Sql = sql!("registration/find");
pub(crate) const REGISTRATION_HISTORY: Sql = sql!("registration/history");
pub(crate) const REGISTRATION_INSERT: Sql = sql!("registration/insert");
pub(crate) const REGISTRATION_INSERT_ANY: Sql = sql!("registration/insert_any");
pub(crate) const REGISTRATION_LIST: Sql = sql!("registration/list");
pub(crate) const REGISTRATION_LIST_SEATED: Sql = sql!("registration/list_seated");
pub(crate) const REGISTRATION_NEXT_END: Sql = sql!("registration/next_end");
pub(crate) const REGISTRATION_OF_ADDRESS: Sql = sql!("registration/of_address");
pub(crate) const REGISTRATION_OTHERWISE_SPELT: Sql = sql!("registration/otherwise_spelt");
pub(crate) const REGISTRATION_OVERDUE: Sql = sql!("registration/overdue");
pub(crate) const REGISTRATION_POSITIONS: Sql = sql!("registration/positions");
pub(crate) const REGISTRATION_RESPELL: Sql = sql!("registration/respell");
pub(crate) const REGISTRATION_UNERASED: Sql = sql!("registration/unerased");
pub(crate) const REGISTRATION_WAITING: Sql = sql!("registration/waiting");
pub(crate) const REWRITE_FIND: Sql = sql!("rewrite/find");
pub(crate) const REWRITE_INSERT: Sql = sql!("rewrite/insert");
pub(crate) const AUDIT_COUNT: Sql = sql!("audit/count");
pub(crate) const SCHEMA_APPLIED: Sql = sql!("schema/applied");
pub(crate) const SCHEMA_NEEDED: Sql = sql!("schema/needed");
pub(crate) const SCHEMA_TABLES: Sql = sql!("schema/tables");
pub(crate) const SESSION_DURABILITY: Sql = sql!("session/durability");
pub(crate) const SESSION_HEALTH: Sql = sql!("session/health");
pub(crate) const SESSION_NOW: Sql = sql!("session/now");
pub(crate) const SESSION_TRY_ROWS: Sql = sql!("session/try_rows");
pub(crate) const SESSION_TRY_WRITES: Sql = sql!("session/try_writes");
pub(crate) const SIGNING_KEY_INSERT: Sql = sql!("signing_key/insert");
pub(crate) const SIGNING_KEY_LIST: Sql = sql!("signing_key/list");
pub(crate) const TICKET_KEY_LIST: Sql = sql!("ticket_key/list");
pub(crate) const TICKET_KEY_SHOW: Sql = sql!("ticket_key/show");
pub(crate) const TOKEN_FIND: Sql = sql!("token/find");
pub(crate) const TOKEN_INSERT: Sql = sql!("token/insert");
pub(crate) const TOKEN_LIST: Sql = sql!("token/list");
pub(crate) const TOKEN_REVOKE: Sql = sql!("token/revoke");
