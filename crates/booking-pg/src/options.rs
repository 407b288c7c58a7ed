use booking_core::{Clock, Observer, Unobserved};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// Where the database is and how to talk to it.
#[derive(Clone)]
pub struct PgOptions {
    /// Hosts, user, password, database.
    pub config: Config,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// The most connections that this store opens. At least 2: one may be waiting for a row.
    pub pool_size: usize,
    /// The time to use instead of the database's, in tests.
    pub clock: Option<Clock>,
    /// Who is told how the work goes.
    pub observer: Arc<dyn Observer>,
}

/// How a connection is protected, named as in libpq's `sslmode`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsMode {
    /// Not at all.
    Disable,
    /// Encrypted, to whoever answers: safe from those who listen, not from those who stand between.
    Require,
    /// Encrypted, to a server whose certificate is valid for the host's name.
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
    /// Not a URL at all. The driver would read libpq's key-value strings too, where `sslmode` would be
    /// passed over here.
    #[error("must begin with postgresql:// or postgres://")]
    Scheme,
    /// `target_session_attrs` asks for a server that takes no writes, or that need not.
    #[error("target_session_attrs must be read-write, or any with a single host")]
    SessionAttrs,
    /// An `sslmode` that is not one of ours.
    #[error("sslmode must be disable, require or verify-full")]
    SslMode,
    /// `sslrootcert` makes no sense with this `sslmode`.
    #[error("sslrootcert needs sslmode=verify-full")]
    RootCertificates,
}

impl PgOptions {
    /// How many connections a store opens unless told otherwise.
    pub const POOL_SIZE_DEFAULT: usize = 10;
    /// The fewest connections that a store works with.
    pub const POOL_SIZE_MIN: usize = 2;
    /// The longest wait for a connection to be made.
    pub const CONNECT_WITHIN: Duration = Duration::from_secs(3);
    /// How long sent data may stay unacknowledged by the other side before the connection is given up.
    pub const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
    /// How long a connection may be silent before the other side is asked whether it is still there.
    pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);

    /// Options for a database, with no protection, the default pool and the database's clock. Of several
    /// hosts the one that takes writes is used, whatever `config` says of that.
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
            clock: None,
            observer: Arc::new(Unobserved),
        }
    }

    /// Reads a connection URL, `postgresql://user:password@host:port,host:port/database?sslmode=…`, with
    /// `sslmode` as in [`TlsMode`] (`disable` if left out) and `sslrootcert` for `verify-full`.
    /// Of several hosts the one that takes writes is used. A single one is used for reading when it takes
    /// none, unless there is `target_session_attrs=read-write`.
    ///
    /// # Errors
    /// [`OptionsError`], without the URL.
    pub fn parse(url: &str) -> Result<Self, OptionsError> {
        if !["postgresql://", "postgres://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(OptionsError::Scheme);
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut sslmode = None;
        let mut sslrootcert = None;
        let mut others = Vec::new();
        let mut session_attrs = None;
        // The driver knows neither verify-full nor sslrootcert, and would refuse the URL.
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => sslmode = Some(value),
                Some(("sslrootcert", value)) => sslrootcert = Some(PathBuf::from(value)),
                Some(("target_session_attrs", value)) => session_attrs = Some(value),
                _ => others.push(pair),
            }
        }
        let url = match others.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", others.join("&")),
        };
        let tls = TlsMode::parse(sslmode.unwrap_or("disable"), sslrootcert)?;
        let mut options = Self::new(url.parse().map_err(OptionsError::Url)?).with_tls(tls);
        match (session_attrs, options.config.get_hosts().len()) {
            (None, _) | (Some("any"), 0 | 1) => {}
            (Some("read-write"), _) => {
                options.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            }
            _ => return Err(OptionsError::SessionAttrs),
        }
        Ok(options)
    }

    /// The same, protected by `tls`.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsMode) -> Self {
        self.config.ssl_mode(match tls {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Require | TlsMode::VerifyFull { .. } => SslMode::Require,
        });
        self.tls = tls;
        self
    }

    /// Where the data is, for people: hosts, ports and database, without user and password.
    pub fn location(&self) -> String {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate().map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(path) => format!("{}:{port}", path.display()),
            }
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or("?");
        format!("{hosts}/{database}")
    }
}

impl TlsMode {
    /// Reads libpq's name of a mode, and for `verify-full` the authorities to trust.
    ///
    /// # Errors
    /// [`OptionsError::SslMode`] or [`OptionsError::RootCertificates`].
    pub fn parse(mode: &str, root_certificates: Option<PathBuf>) -> Result<Self, OptionsError> {
        match (mode, root_certificates) {
            ("verify-full", root_certificates) => Ok(Self::VerifyFull { root_certificates }),
            ("disable", None) => Ok(Self::Disable),
            ("require", None) => Ok(Self::Require),
            ("disable" | "require", Some(_)) => Err(OptionsError::RootCertificates),
            _ => Err(OptionsError::SslMode),
        }
    }
}

impl fmt::Debug for PgOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgOptions")
            .field("location", &self.location())
            .field("tls", &self.tls)
            .field("pool_size", &self.pool_size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_how() {
        let options = PgOptions::parse("postgresql://ada:secret@db.example.org:5433/booking");
        let options = options.expect("valid");
        assert_eq!(options.location(), "db.example.org:5433/booking");
        assert_eq!(options.tls, TlsMode::Disable);
        assert!(!format!("{options:?}").contains("secret"));
        let any = PgOptions::parse("postgres://a@db/x?target_session_attrs=any").expect("valid");
        for any in [&options, &any] {
            assert_eq!(any.config.get_target_session_attrs(), TargetSessionAttrs::Any);
        }

        let url = "postgres://a@one:1,two:2/d?target_session_attrs=read-write&sslmode=verify-full\
                   &sslrootcert=/etc/ca.pem";
        let options = PgOptions::parse(url).expect("valid");
        assert_eq!(options.location(), "one:1,two:2/d");
        assert_eq!(options.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        let root_certificates = Some(PathBuf::from("/etc/ca.pem"));
        assert_eq!(options.tls, TlsMode::VerifyFull { root_certificates });
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_showing_the_password() {
        for url in [
            "postgres://a:secret@db/x?sslmode=verify",
            "postgres://a:secret@db/x?sslmode=require&sslrootcert=/ca.pem",
            "postgres://a:secret@db:port/x",
            "postgres://a:secret@db/x?target_session_attrs=read-only",
            "postgres://a:secret@db,standby/x?target_session_attrs=any",
            "host=db password=secret sslmode=require",
            "https://a:secret@db",
        ] {
            let error = PgOptions::parse(url).expect_err(url);
            let texts = format!("{error} {error:?}");
            assert!(!texts.contains("secret"), "{texts}");
        }
    }
}
