use booking_core::{CellName, Clock, Observer, StoredBytes, Unobserved};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// Where the database is and how to talk to it.
///
/// It is not `#[non_exhaustive]`, which would forbid `..PgOptions::new(config)`: with that, a new field
/// breaks nothing.
#[derive(Clone)]
pub struct PgOptions {
    /// Hosts, user, password, database.
    pub config: Config,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// The most connections that this store opens. At least 2: one may be waiting for a row.
    pub pool_size: usize,
    /// The values for which statements are planned.
    pub plan_cache_mode: PlanCacheMode,
    /// The clock to use instead of the database's, in tests.
    pub clock: Option<Clock>,
    /// Observes the store's work.
    pub observer: Arc<dyn Observer>,
    /// The schema with all tables, which must exist; `None` for the database's default.
    pub schema: Option<CellName>,
    /// The assignment that the tables must have, by a map of this version or a later one; a connection that leads
    /// elsewhere is closed. `None` for any tables.
    pub is_cell: Option<StoredBytes>,
    /// Parameters of the URL that have no effect here, to be logged when a store is opened.
    pub ignored: Vec<String>,
}

/// The values for which PostgreSQL plans a statement, named as in its setting `plan_cache_mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlanCacheMode {
    /// For any values, once on a connection: the fastest for a lone client and small batches.
    #[default]
    ForceGenericPlan,
    /// For those of each run, as long as PostgreSQL estimates that this is cheaper. Citus needs it: it plans no
    /// `INSERT … SELECT` without values.
    Auto,
}

impl PlanCacheMode {
    /// PostgreSQL's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForceGenericPlan => "force_generic_plan",
            Self::Auto => "auto",
        }
    }
}

impl FromStr for PlanCacheMode {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Self, OptionsError> {
        let modes = [Self::ForceGenericPlan, Self::Auto];
        modes.into_iter().find(|mode| mode.as_str() == text).ok_or(OptionsError::PlanCacheMode)
    }
}

/// How a connection is protected, named as in libpq's `sslmode`. Over a socket it is not, as in
/// libpq.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsMode {
    /// Not at all.
    Disable,
    /// Encrypted if the server offers it, as [`Require`](Self::Require), and else not at all: no protection
    /// against a man in the middle.
    Prefer,
    /// Encrypted, with any server: safe from eavesdroppers, but not from a man in the middle.
    Require,
    /// Encrypted, with a server whose certificate an authority has signed, whatever name is in it.
    VerifyCa {
        /// The authorities to trust, a PEM file; the system's if there is none.
        root_certificates: Option<PathBuf>,
    },
    /// Encrypted, with a server whose certificate is valid for the host's name.
    VerifyFull {
        /// The authorities to trust, a PEM file; the system's if there is none.
        root_certificates: Option<PathBuf>,
    },
}

/// Why a connection URL or `sslmode` cannot be used. Never shows the URL, which holds a password.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// Not a URL as libpq knows them.
    #[error("is not a PostgreSQL connection URL")]
    Url(#[source] tokio_postgres::Error),
    /// Not a URL at all. The driver would read libpq's key-value strings too, in which `sslmode` would
    /// be ignored here.
    #[error("must begin with postgresql:// or postgres://")]
    Scheme,
    /// `target_session_attrs` asks for a server that takes no writes, or that need not.
    #[error("target_session_attrs must be read-write, or any with a single host")]
    SessionAttrs,
    /// An `sslmode` that is not one of libpq's.
    #[error("sslmode must be disable, allow, prefer, require, verify-ca or verify-full")]
    SslMode,
    /// A `plan_cache_mode` that the statements are not made for.
    #[error("plan_cache_mode must be force_generic_plan or auto")]
    PlanCacheMode,
    /// `sslrootcert` makes no sense with this `sslmode`.
    #[error("sslrootcert needs sslmode=verify-ca or verify-full")]
    RootCertificates,
    /// A parameter that is not supported, and must not be ignored.
    #[error("parameter \"{name}\" is not supported{hint}")]
    Parameter {
        /// Its name.
        name: String,
        /// What to do instead, if anything, after a colon.
        hint: String,
    },
    /// A parameter without a value.
    #[error("parameter \"{name}\" has no value")]
    NoValue {
        /// Its name.
        name: String,
    },
    /// A `%` that two hexadecimal digits do not follow, or that encodes no text.
    #[error("has a % in its {part} that stands for no character; write % itself as %25")]
    Encoding {
        /// The part of the URL.
        part: String,
    },
    /// An `@` after the one that ends the user's name and password, which then is not their end.
    #[error("has more than one @; in a user name, a password or a database write @ as %40")]
    At,
    /// A host with a character that no host's name has, or an empty one beside a comma.
    #[error(
        "names a host that cannot be one; in a user name or a password write : as %3A, / as %2F, ? as %3F, # as \
         %23 and @ as %40, and put an IPv6 address into brackets"
    )]
    Host,
    /// An invalid port. What looks like one may be a part of a password.
    #[error(
        "has a port that is not a number from 1 to 65535; in a password write / as %2F and @ as %40"
    )]
    Port,
    /// No host: libpq would look for a socket in a folder that differs from system to system.
    #[error(
        "names no host; one whose server is reached through a socket is its folder, as in ?host=/run/postgresql"
    )]
    NoHost,
    /// Lists that belong together and differ in length.
    #[error(
        "does not name as many of host, hostaddr and port; one port alone is that of all hosts"
    )]
    Numbers,
    /// Something after the question mark that is no parameter. It is not shown: it may be a part of a password
    /// in which `?`, `&`, `@` or `#` are not written as `%3F`, `%26`, `%40` and `%23`.
    #[error(
        "has something behind its ? that is no parameter; in a password write ? as %3F, & as %26, @ as %40"
    )]
    NoParameter,
}

impl PgOptions {
    /// How many connections a store opens by default.
    pub const POOL_SIZE_DEFAULT: usize = 10;
    /// The fewest connections that a store works with.
    pub const POOL_SIZE_MIN: usize = 2;
    /// The longest wait for a connection to be made.
    pub const CONNECT_WITHIN: Duration = Duration::from_secs(3);
    /// How long sent data may stay unacknowledged before the connection is closed.
    pub const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
    /// How long a connection may be silent before it is probed.
    pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);

    /// Options for a database, with no protection, the default pool and the database's clock. Of several
    /// hosts the one that takes writes is used, no matter what `config` says about that.
    pub fn new(mut config: Config) -> Self {
        if config.get_application_name().is_none() {
            config.application_name("booking");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Self::CONNECT_WITHIN);
        }
        config.tcp_user_timeout(Self::TCP_USER_TIMEOUT);
        if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
            config.keepalives_idle(Self::KEEPALIVE_IDLE);
        }
        config.ssl_mode(SslMode::Disable);
        Self {
            config,
            tls: TlsMode::Disable,
            pool_size: Self::POOL_SIZE_DEFAULT,
            plan_cache_mode: PlanCacheMode::default(),
            clock: None,
            observer: Arc::new(Unobserved),
            schema: None,
            is_cell: None,
            ignored: Vec::new(),
        }
    }

    /// The same, protected by `tls`.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsMode) -> Self {
        self.config.ssl_mode(match tls {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa { .. } | TlsMode::VerifyFull { .. } => {
                SslMode::Require
            }
        });
        self.tls = tls;
        self
    }

    /// Where the data is, for operators: hosts, ports and database, without user and password.
    pub fn location(&self) -> String {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate().map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{}:{port}", shown(name)),
                #[cfg(unix)]
                Host::Unix(path) => format!("{}:{port}", path.display()),
            }
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or("?");
        let schema = self.schema.as_ref().map(|schema| format!(", schema {schema}"));
        format!("{hosts}/{}{}", shown(database), schema.unwrap_or_default())
    }
}

/// A name as operators are shown it. One with a character that no name has is a part of something
/// else: a password, say, whose `@` was not written as `%40`.
fn shown(name: &str) -> &str {
    let is_name = |c: char| c.is_alphanumeric() || "-_.: ".contains(c);
    if name.chars().all(is_name) { name } else { "…" }
}

impl TlsMode {
    /// The same for a mode that may not be named: then it is `disable`, but with `system` for the
    /// authorities `verify-full`, as in libpq.
    ///
    /// # Errors
    /// As [`TlsMode::parse`].
    pub fn of(
        mode: Option<&str>,
        root_certificates: Option<PathBuf>,
    ) -> Result<Self, OptionsError> {
        let unless_named = match is_system(root_certificates.as_ref()) {
            true => "verify-full",
            false => "disable",
        };
        Self::parse(mode.unwrap_or(unless_named), root_certificates)
    }

    /// Reads libpq's name of a mode, and for those that verify the authorities to trust. `allow` is read as
    /// `prefer`: it would do without encryption where both are possible. `system` means the system's
    /// authorities, which are the default.
    ///
    /// # Errors
    /// [`OptionsError::SslMode`] or [`OptionsError::RootCertificates`].
    pub fn parse(mode: &str, root_certificates: Option<PathBuf>) -> Result<Self, OptionsError> {
        let is_named = |path: &PathBuf| !is_system(Some(path));
        match (mode, root_certificates) {
            ("verify-full", roots) => {
                Ok(Self::VerifyFull { root_certificates: roots.filter(is_named) })
            }
            ("verify-ca", roots) => {
                Ok(Self::VerifyCa { root_certificates: roots.filter(is_named) })
            }
            ("disable", None) => Ok(Self::Disable),
            ("allow" | "prefer", None) => Ok(Self::Prefer),
            ("require", None) => Ok(Self::Require),
            ("disable" | "allow" | "prefer" | "require", Some(_)) => {
                Err(OptionsError::RootCertificates)
            }
            _ => Err(OptionsError::SslMode),
        }
    }
}

/// libpq's word for the system's authorities. A file of that name is `./system`.
fn is_system(root_certificates: Option<&PathBuf>) -> bool {
    root_certificates.is_some_and(|path| path.as_os_str() == "system")
}

impl fmt::Debug for PgOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgOptions")
            .field("location", &self.location())
            .field("tls", &self.tls)
            .field("pool_size", &self.pool_size)
            .field("plan_cache_mode", &self.plan_cache_mode)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_cache_mode_is_parsed_from_its_name() {
        for mode in [PlanCacheMode::ForceGenericPlan, PlanCacheMode::Auto] {
            assert_eq!(mode.as_str().parse::<PlanCacheMode>().ok(), Some(mode));
        }
        for other in ["", "force_custom_plan", "AUTO"] {
            assert!(other.parse::<PlanCacheMode>().is_err(), "{other}");
        }
    }
}
