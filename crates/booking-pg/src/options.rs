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
    /// What the URL said that means nothing here, to be told when a store is opened.
    pub ignored: Vec<String>,
}

/// How a connection is protected, named as in libpq's `sslmode`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsMode {
    /// Not at all.
    Disable,
    /// Encrypted if the server offers it, as [`Require`](Self::Require), and else not at all: safe from nobody
    /// who can stand between.
    Prefer,
    /// Encrypted, to whoever answers: safe from those who listen, not from those who stand between.
    Require,
    /// Encrypted, to a server whose certificate an authority has signed, whatever name is in it.
    VerifyCa {
        /// The authorities to trust, a PEM file; the system's if there is none.
        root_certificates: Option<PathBuf>,
    },
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
    /// An `sslmode` that is not one of libpq's.
    #[error("sslmode must be disable, allow, prefer, require, verify-ca or verify-full")]
    SslMode,
    /// `sslrootcert` makes no sense with this `sslmode`.
    #[error("sslrootcert needs sslmode=verify-ca or verify-full")]
    RootCertificates,
    /// A parameter that is nothing to us, and that must not be passed over.
    #[error("parameter \"{name}\" is not supported{hint}")]
    Parameter {
        /// What it is called.
        name: String,
        /// What to do instead, if anything, after a colon.
        hint: &'static str,
    },
    /// Something after the question mark that is no parameter. It is not shown: it may be a part of a password
    /// in which `?`, `&`, `@` or `#` are not written as `%3F`, `%26`, `%40` and `%23`.
    #[error(
        "has something behind its ? that is no parameter; in a password write ? as %3F, & as %26, @ as %40"
    )]
    NoParameter,
}

/// Parameters that the driver reads as libpq does.
const OF_THE_DRIVER: &[&str] = &[
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslnegotiation",
    "tcp_user_timeout",
    "user",
];

/// Whether a parameter of somebody else's may be passed over with that value, because what it asks for is so
/// anyway.
fn is_so_anyway(name: &str, value: &str) -> bool {
    match name {
        // No statement outlives its transaction where it must not: it works through PgBouncer as it is.
        "pgbouncer" => ["true", "false"].contains(&value),
        "schema" => value == "public",
        // There is no encryption by GSSAPI, and no compression.
        "gssencmode" => ["disable", "prefer"].contains(&value),
        "sslcompression" => value == "0",
        // To read the others as libpq does.
        "uselibpqcompat" => value == "true",
        _ => false,
    }
}

/// What to do instead of setting a parameter, after a colon.
fn instead_of(name: &str) -> &'static str {
    match name {
        "schema" => {
            ": the tables are where search_path leads; say options=-csearch_path%3DNAME instead"
        }
        "connection_limit" | "pool_size" | "max_connections" => ": set DB_POOL_SIZE instead",
        "ssl" => ": say sslmode=require instead",
        "sslcert" | "sslkey" | "sslpassword" => ": there are no certificates of clients",
        "statement_cache_size" | "prepared_statements" | "pool_timeout" | "socket_timeout" => {
            ": leave it out"
        }
        _ => "",
    }
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
            ignored: Vec::new(),
        }
    }

    /// Reads a connection URL, `postgresql://user:password@host:port,host:port/database?sslmode=…`, with
    /// `sslmode` as in [`TlsMode::parse`] (`disable` if left out) and `sslrootcert` for those that verify.
    /// Of several hosts the one that takes writes is used. A single one is used for reading when it takes
    /// none, unless there is `target_session_attrs=read-write`.
    ///
    /// # Errors
    /// [`OptionsError`], without the URL.
    pub fn parse(url: &str) -> Result<Self, OptionsError> {
        if !["postgresql://", "postgres://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(OptionsError::Scheme);
        }
        let (base, query) = split_query(url);
        let mut sslmode = None;
        let mut sslrootcert = None;
        let mut others = Vec::new();
        let mut session_attrs = None;
        let mut ignored = Vec::new();
        // The driver knows not all of libpq's, and would refuse the URL.
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = parameter(pair).ok_or(OptionsError::NoParameter)?;
            match name {
                "sslmode" => sslmode = Some(value),
                "sslrootcert" => {
                    sslrootcert = Some(decoded(value).ok_or(OptionsError::NoParameter)?);
                }
                "target_session_attrs" => session_attrs = Some(value),
                name if OF_THE_DRIVER.contains(&name) => others.push(pair),
                name if is_so_anyway(name, value) => ignored.push(name.to_owned()),
                // What looks like a name may be a part of a password, if there is another end of that.
                _ if query.contains('@') => return Err(OptionsError::NoParameter),
                name => {
                    let (name, hint) = (name.to_owned(), instead_of(name));
                    return Err(OptionsError::Parameter { name, hint });
                }
            }
        }
        let url = match others.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", others.join("&")),
        };
        // The system's authorities are those that are taken if none are named.
        let sslrootcert = sslrootcert.filter(|path| path != "system").map(PathBuf::from);
        let tls = TlsMode::parse(sslmode.unwrap_or("disable"), sslrootcert)?;
        let mut options = Self::new(url.parse().map_err(OptionsError::Url)?).with_tls(tls);
        options.ignored = ignored;
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
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa { .. } | TlsMode::VerifyFull { .. } => {
                SslMode::Require
            }
        });
        self.tls = tls;
        self
    }

    /// Whether every host is a folder with a socket, where there is nothing to encrypt.
    pub(crate) fn has_sockets_alone(&self) -> bool {
        let hosts = self.config.get_hosts();
        !hosts.is_empty() && hosts.iter().all(|host| !matches!(host, Host::Tcp(_)))
    }

    /// Where the data is, for people: hosts, ports and database, without user and password.
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
        format!("{hosts}/{}", shown(database))
    }
}

/// A name as people are shown it. One with a character that no name has is a part of something else: a
/// password, say, whose `@` was not written as `%40`.
fn shown(name: &str) -> &str {
    let is_name = |c: char| c.is_alphanumeric() || "-_.: ".contains(c);
    if name.chars().all(is_name) { name } else { "…" }
}

impl TlsMode {
    /// Reads libpq's name of a mode, and for those that verify the authorities to trust. `allow` is taken for
    /// `prefer`: it would do without encryption where both can be had.
    ///
    /// # Errors
    /// [`OptionsError::SslMode`] or [`OptionsError::RootCertificates`].
    pub fn parse(mode: &str, root_certificates: Option<PathBuf>) -> Result<Self, OptionsError> {
        match (mode, root_certificates) {
            ("verify-full", root_certificates) => Ok(Self::VerifyFull { root_certificates }),
            ("verify-ca", root_certificates) => Ok(Self::VerifyCa { root_certificates }),
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

/// A URL without its parameters, and those. A password, which ends at the first `@`, may have a `?`.
fn split_query(url: &str) -> (&str, &str) {
    let after = url.find('@').unwrap_or(0);
    match url[after..].find('?') {
        Some(at) => (&url[..after + at], &url[after + at + 1..]),
        None => (url, ""),
    }
}

/// The name of a parameter and its value, if it looks like one.
fn parameter(pair: &str) -> Option<(&str, &str)> {
    let (name, value) = pair.split_once('=')?;
    let is_name = |name: &str| {
        (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    is_name(name).then_some((name, value))
}

/// What `%` and two digits stand for.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(match byte {
            b'%' => (digit()? << 4 | digit()?) as u8,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
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
    fn urls_are_read_as_hosts_hand_them_out() {
        for (parameters, tls) in [
            ("", TlsMode::Disable),
            ("?pgbouncer=true", TlsMode::Disable),
            ("?schema=public&sslmode=allow", TlsMode::Prefer),
            ("?sslmode=prefer&connect_timeout=10", TlsMode::Prefer),
            ("?sslmode=require&channel_binding=require", TlsMode::Require),
            ("?sslmode=require&options=endpoint%3Dep-cool-1", TlsMode::Require),
            ("?options=-csearch_path%3Dtickets", TlsMode::Disable),
            ("?sslmode=verify-ca", TlsMode::VerifyCa { root_certificates: None }),
            (
                "?sslmode=verify-ca&sslrootcert=/etc/my%20ca.pem",
                TlsMode::VerifyCa { root_certificates: Some("/etc/my ca.pem".into()) },
            ),
            (
                "?sslmode=verify-full&sslrootcert=system",
                TlsMode::VerifyFull { root_certificates: None },
            ),
            ("?uselibpqcompat=true&gssencmode=prefer&application_name=a@b", TlsMode::Disable),
        ] {
            for scheme in ["postgres", "postgresql"] {
                let url = format!("{scheme}://ada:s%40c%3Fret@db:6543/booking{parameters}");
                let options = PgOptions::parse(&url).unwrap_or_else(|e| panic!("{url}: {e}"));
                assert_eq!(options.location(), "db:6543/booking");
                assert_eq!(options.config.get_password(), Some(&b"s@c?ret"[..]));
                assert_eq!(options.tls, tls, "{url}");
            }
        }
        let bouncer = PgOptions::parse("postgres://a@b/c?pgbouncer=true&schema=public");
        assert_eq!(bouncer.expect("valid").ignored, ["pgbouncer", "schema"]);
        let raw = PgOptions::parse("postgres://a:what?now=secret@b/c").expect("valid");
        assert_eq!(raw.config.get_password(), Some(&b"what?now=secret"[..]));
    }

    #[test]
    fn a_parameter_that_is_not_known_is_named() {
        for (parameter, told) in [
            ("schema=tickets", "search_path"),
            ("connection_limit=1", "DB_POOL_SIZE"),
            ("pgbouncer=maybe", "is not supported"),
            ("sslcert=/etc/client.pem", "certificates of clients"),
            ("ssl=true", "sslmode=require"),
            ("something=else", "is not supported"),
        ] {
            let url = format!("postgres://a:secret@db/x?connect_timeout=5&{parameter}");
            let error = PgOptions::parse(&url).expect_err(parameter).to_string();
            let name = parameter.split('=').next().expect("a name");
            assert!(error.contains(&format!("parameter \"{name}\"")), "{error}");
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_showing_the_password() {
        for url in [
            "postgres://a:secret@db/x?sslmode=verify",
            "postgres://a:secret@db/x?sslmode=require&sslrootcert=/ca.pem",
            "postgres://a:secret@db:port/x",
            "postgres://a:secret@db/x?target_session_attrs=read-only",
            "postgres://a:secret@db,standby/x?target_session_attrs=any",
            "postgres://a:top@mine?secret=1@db/x",
            "postgres://a:top@mine?secret@db/x",
            "postgres://a:top@mine?SECRET&secret=%zz@db/x",
            "postgres://a:secret@db/x?connect_timeout=soon",
            "postgres://a:secret@db/x?sslrootcert=%zz",
            "host=db password=secret sslmode=require",
            "https://a:secret@db",
        ] {
            let error = PgOptions::parse(url).expect_err(url);
            let texts = format!("{error} {error:?}");
            assert!(!texts.contains("secret"), "{texts}");
        }
    }
}
