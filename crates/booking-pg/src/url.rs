//! A connection URL in libpq's form, split into its parts. An error names the part that is wrong, and never shows
//! its content: any of that may be a piece of a password.

use crate::options::{OptionsError, PgOptions, TlsMode};
use crate::parameters::{Parameters, decoded, decoded_bytes};
use std::net::Ipv6Addr;
use std::path::PathBuf;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, TargetSessionAttrs};

impl PgOptions {
    /// Reads a connection URL, `postgresql://user:password@host:port,host:port/database?sslmode=…`, with
    /// `sslmode` and `sslrootcert` as in [`TlsMode::of`]. Hosts and ports may be parameters, too, and then take
    /// precedence. Of several hosts the one that takes writes is used. A single one is used for reading when it
    /// takes none, unless there is `target_session_attrs=read-write`.
    ///
    /// # Errors
    /// [`OptionsError`], without the URL.
    pub fn parse(url: &str) -> Result<Self, OptionsError> {
        let url = Url::split(url)?;
        let parameters = Parameters::read(url.query, url.may_be_user_and_password())?;
        let roots = parameters.sslrootcert.clone().map(PathBuf::from);
        let tls = TlsMode::of(parameters.sslmode.as_deref(), roots)?;
        let config: Config = url.for_driver(&parameters).parse().map_err(OptionsError::Url)?;
        let is_good = |host: &Host| match host {
            Host::Tcp(name) => Self::is_host(name),
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        if !config.get_hosts().iter().all(is_good) {
            return Err(OptionsError::Host);
        }
        check_numbers(&config)?;
        let mut options = Self::new(config).with_tls(tls);
        options.ignored = parameters.ignored;
        match (parameters.session_attrs.as_deref(), options.config.get_hosts().len()) {
            (None, _) | (Some("any"), 0 | 1) => {}
            (Some("read-write"), _) => {
                options.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            }
            _ => return Err(OptionsError::SessionAttrs),
        }
        Ok(options)
    }

    /// Whether a text can be a host: a name, an address without brackets, or a folder with a socket. A URL
    /// cannot, nor can a part of one.
    pub fn is_host(text: &str) -> bool {
        let of_urls = ['@', '?', '&', '/', ':', '#', '=', '\\', '[', ']'];
        let is_bad = |c: char| of_urls.contains(&c) || c.is_whitespace() || c.is_control();
        match text.strip_prefix('/') {
            Some(folder) => !folder.starts_with('/'),
            None => {
                let address = text.split('%').next().unwrap_or_default();
                let is_name = !text.is_empty() && !text.contains(is_bad);
                is_name || address.parse::<Ipv6Addr>().is_ok()
            }
        }
    }
}

/// Refuses now what the driver would refuse at every connection.
fn check_numbers(config: &Config) -> Result<(), OptionsError> {
    let (hosts, addresses) = (config.get_hosts().len(), config.get_hostaddrs().len());
    let (several, ports) = (hosts.max(addresses), config.get_ports());
    if several == 0 {
        return Err(OptionsError::NoHost);
    }
    if ports.contains(&0) {
        return Err(OptionsError::Port);
    }
    let are_equal = [hosts, addresses].iter().all(|&number| number == 0 || number == several);
    match are_equal && (ports.len() <= 1 || ports.len() == several) {
        true => Ok(()),
        false => Err(OptionsError::Numbers),
    }
}

/// The parts of a URL, as they are written.
struct Url<'a> {
    scheme: &'a str,
    /// User and password with their `@`, or nothing.
    user: &'a str,
    hosts: &'a str,
    /// The database with its `/`, or nothing.
    path: &'a str,
    query: &'a str,
}

impl<'a> Url<'a> {
    fn split(url: &'a str) -> Result<Self, OptionsError> {
        let schemes = ["postgresql://", "postgres://"];
        let rest = schemes.iter().find_map(|scheme| url.strip_prefix(*scheme));
        let rest = rest.ok_or(OptionsError::Scheme)?;
        let scheme = &url[..url.len() - rest.len()];
        let user = user_of(rest);
        let rest = &rest[user.len()..];
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let url = Self { scheme, user, hosts, path, query };
        url.check()?;
        Ok(url)
    }

    /// The driver ignores what does not fit, or misreads it.
    fn check(&self) -> Result<(), OptionsError> {
        if self.hosts.contains('@') || self.path.contains('@') {
            return Err(OptionsError::At);
        }
        let user = self.user.trim_end_matches('@');
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let encoding = |part: &str| OptionsError::Encoding { part: part.to_owned() };
        decoded(user).ok_or_else(|| encoding("user name"))?;
        decoded_bytes(password).ok_or_else(|| encoding("password"))?;
        decoded(self.hosts).ok_or_else(|| encoding("host"))?;
        decoded(self.path).ok_or_else(|| encoding("database"))?;
        for (_, port) in self.each_host()? {
            let number = decoded(port).and_then(|port| port.parse::<u16>().ok());
            if !port.is_empty() && number.is_none() {
                return Err(OptionsError::Port);
            }
        }
        Ok(())
    }

    /// Whether what stands in the place of a host and its port may be a user's name and the beginning of a
    /// password, whose host was forgotten.
    fn may_be_user_and_password(&self) -> bool {
        self.user.is_empty() && self.hosts.contains(':')
    }

    /// The hosts with their ports, which may be empty.
    fn each_host(&self) -> Result<Vec<(&'a str, &'a str)>, OptionsError> {
        if self.hosts.is_empty() {
            return Ok(Vec::new());
        }
        self.hosts.split(',').map(|host| host_and_port(host).ok_or(OptionsError::Host)).collect()
    }

    /// The URL as the driver reads it: without parameters that it does not know, each host by itself, and no
    /// `@` in a parameter, which it would take for the end of a password.
    fn for_driver(&self, parameters: &Parameters) -> String {
        let mut pairs = parameters.others.clone();
        let mut hosts = self.hosts;
        if parameters.hosts.is_some() || parameters.ports.is_some() {
            // Each of these takes precedence over what is before the database, independent of the
            // other.
            let before = self.each_host().unwrap_or_default();
            match &parameters.hosts {
                Some(hosts) => pairs.extend(hosts.split(',').map(|host| pair("host", host))),
                None => pairs.extend(before.iter().map(|(host, _)| format!("host={host}"))),
            }
            match &parameters.ports {
                Some(ports) => pairs.push(pair("port", ports)),
                None => pairs.extend(before.iter().map(|(_, port)| format!("port={port}"))),
            }
            hosts = "";
        }
        let Self { scheme, user, path, .. } = self;
        match pairs.is_empty() {
            true => format!("{scheme}{user}{hosts}{path}"),
            false => format!("{scheme}{user}{hosts}{path}?{}", pairs.join("&")),
        }
    }
}

/// A parameter, from a decoded value.
fn pair(name: &str, value: &str) -> String {
    format!("{name}={}", value.replace('%', "%25").replace('&', "%26").replace('@', "%40"))
}

fn host_and_port(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('[') {
        None => Some(text.split_once(':').unwrap_or((text, ""))),
        Some(address) => {
            let (address, rest) = address.split_once(']')?;
            let port = if rest.is_empty() { "" } else { rest.strip_prefix(':')? };
            Some((address, port))
        }
    }
}

/// User and password with their `@`, which is the first one, as for the driver. A password may contain a `?` or a
/// `/`. A user's name may not: then the `@` is in a parameter, as it is after what looks like a host with its port.
fn user_of(text: &str) -> &str {
    let user = text.find('@').map_or("", |at| &text[..=at]);
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let port = password.split_once('?').and_then(|(path, _)| path.split_once('/'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_port = port.is_some_and(|(port, _)| is_number(port));
    if name.contains(['/', '?']) || is_port { "" } else { user }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_into_options() {
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
    fn urls_of_hosting_providers_are_read() {
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
            (
                "?sslmode=verify-ca&sslrootcert=system",
                TlsMode::VerifyCa { root_certificates: None },
            ),
            // As in libpq: in plain text no server is authenticated.
            ("?sslrootcert=system", TlsMode::VerifyFull { root_certificates: None }),
            (
                "?sslmode=verify%2Dfull&sslrootcert=.%2Fsystem",
                TlsMode::VerifyFull { root_certificates: Some("./system".into()) },
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
    fn an_unknown_parameter_is_named() {
        for (parameter, expected) in [
            ("schema=tickets", "search_path"),
            ("connection_limit=1", "DB_POOL_SIZE"),
            ("pgbouncer=maybe", "is not supported"),
            ("sslcert=/etc/client.pem", "certificates of clients"),
            ("ssl=true", "sslmode=require"),
            ("something=else", "is not supported"),
            // As other programs spell them.
            ("sslMode=require", "it is called sslmode"),
            ("SSLMODE=require", "it is called sslmode"),
            ("ssl-mode=require", "it is called sslmode"),
            ("sslRootCert=/etc/ca.pem", "it is called sslrootcert"),
            ("connectTimeout=5", "it is called connect_timeout"),
            ("loginTimeout=5", "it is called connect_timeout"),
            ("ApplicationName=us", "it is called application_name"),
            ("targetServerType=primary", "it is called target_session_attrs"),
            ("tcpKeepAlive=true", "it is called keepalives"),
            ("pgBouncer=true", "it is called pgbouncer"),
            ("currentSchema=tickets", "search_path"),
            ("prepareThreshold=0", "leave it out"),
            ("connectionLimit=1", "DB_POOL_SIZE"),
            ("Timezone2=UTC", "is not supported"),
        ] {
            let url = format!("postgres://a:secret@db/x?connect_timeout=5&{parameter}");
            let error = PgOptions::parse(&url).expect_err(parameter).to_string();
            let name = parameter.split('=').next().expect("a name");
            assert!(error.contains(&format!("parameter \"{name}\"")), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_parameter_without_a_value_is_named() {
        for parameter in
            ["sslmode", "sslmode=", "sslrootcert=", "host", "host=", "pgbouncer", "sslMode"]
        {
            let url = format!("postgres://a:secret@db/x?connect_timeout=5&{parameter}");
            let error = PgOptions::parse(&url).expect_err(parameter).to_string();
            let name = parameter.trim_end_matches('=');
            assert_eq!(error, format!("parameter \"{name}\" has no value"));
        }
    }

    #[test]
    fn percent_escapes_are_decoded() {
        let url = "postgres://a%40b:p%40ss%2F%25@db/x%20y?options=a%26b";
        let config = PgOptions::parse(url).expect("valid").config;
        assert_eq!((config.get_user(), config.get_dbname()), (Some("a@b"), Some("x y")));
        assert_eq!(config.get_password(), Some(&b"p@ss/%"[..]));
        assert_eq!(config.get_options(), Some("a&b"));
        for (url, part) in [
            ("postgres://a%zz:secret@db/x", "user name"),
            ("postgres://a:secret%@db/x", "password"),
            ("postgres://a:secret%4@db/x", "password"),
            ("postgres://a:secret%00@db/x", "password"),
            ("postgres://a:secret@d%zzb/x", "host"),
            ("postgres://a:secret@db/x%ff", "database"),
            ("postgres://a:secret@db/x?sslmode=%zz", "parameter \"sslmode\""),
            ("postgres://a:secret@db/x?options=%zz", "parameter \"options\""),
        ] {
            let error = PgOptions::parse(url).expect_err(url).to_string();
            assert!(error.contains(&format!("in its {part}")) && error.contains("%25"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        // They need not be text.
        let bytes = PgOptions::parse("postgres://a:%ff@db/x").expect("valid");
        assert_eq!(bytes.config.get_password(), Some(&[0xff][..]));
    }

    #[test]
    fn hosts_and_ports_may_be_parameters() {
        for (url, location) in [
            ("postgres://a:b@/x?host=one,two&port=1,2", "one:1,two:2/x"),
            ("postgres:///x?user=a&host=one,two&port=7", "one:7,two:7/x"),
            ("postgres://a@/x?host=one%2Ctwo", "one:5432,two:5432/x"),
            ("postgres://a@db:6/x?host=one", "one:6/x"),
            ("postgres://a@db:6/x?port=7", "db:7/x"),
            ("postgres://a@[::1]:6/x?port=7", "::1:7/x"),
            ("postgres://a@localhost/x?host=/run/postgresql", "/run/postgresql:5432/x"),
            ("postgres://a@%2Frun%2Fpostgresql:1/x", "/run/postgresql:1/x"),
            ("postgres://db:6/x?application_name=a@b", "db:6/x"),
            ("postgres:///x?host=db&user=a&password=b@c", "db:5432/x"),
        ] {
            let options = PgOptions::parse(url).unwrap_or_else(|e| panic!("{url}: {e}"));
            assert_eq!(options.location(), location, "{url}");
        }
        for url in [
            "postgres://a:secret@one,,two/x",
            "postgres://a:secret@/x?host=one,,two",
            "postgres://a:secret@/x?host=one:5432",
            "postgres://a:secret@/x?host=postgres://db/x",
            "postgres://a:secret@[::1/x",
        ] {
            let error = PgOptions::parse(url).expect_err(url);
            assert!(matches!(error, OptionsError::Host), "{url}: {error:?}");
        }
        for text in ["db", "db_1.example.org", "10.0.0.1", "::1", "fe80::1%eth0", "/run/x"] {
            assert!(PgOptions::is_host(text), "{text}");
        }
        for text in ["", "db:1", "a@db", "//db", "db/x", "d b", "[::1]", "postgres://db", "d?b"] {
            assert!(!PgOptions::is_host(text), "{text}");
        }
    }

    #[test]
    fn no_possible_piece_of_a_password_is_shown() {
        for query in ["password=top&Mine==", "password=top&Mine", "password=top&timeout", "Mine=@"]
        {
            let error = PgOptions::parse(&format!("postgres://a@db/x?{query}")).expect_err(query);
            assert!(matches!(error, OptionsError::NoParameter), "{query}: {error}");
        }
        let before = "postgres://a@db/x?Mine=1&password=top";
        let error = PgOptions::parse(before).expect_err("it is unknown").to_string();
        assert!(error.contains("\"Mine\""), "{error}");
        let known = "postgres://a@db/x?password=top&sslmode=require&application_name=us";
        let options = PgOptions::parse(known).expect("all of it is known");
        assert_eq!(options.config.get_password(), Some(&b"top"[..]));
    }

    /// Waiting for such a database would be in vain.
    #[test]
    fn an_impossible_destination_is_refused() {
        for (url, expected) in [
            ("postgres://", "no host"),
            ("postgres:///x", "no host"),
            ("postgres://a:secret@/x", "no host"),
            ("postgres://a:secret@/x?port=5432", "no host"),
            ("postgres://a:secret@h1,h2/x?port=1,2,3", "as many"),
            ("postgres://a:secret@h1/x?port=1,2", "as many"),
            ("postgres://a:secret@h1,h2,h3/x?hostaddr=10.0.0.1,10.0.0.2", "as many"),
            ("postgres://a:secret@h1/x?hostaddr=10.0.0.1,10.0.0.2", "as many"),
            ("postgres://a:secret@/x?hostaddr=10.0.0.1&port=1,2", "as many"),
            ("postgres://a:secret@h1:0/x", "from 1 to 65535"),
            ("postgres://a:secret@h1/x?port=0", "from 1 to 65535"),
        ] {
            let error = PgOptions::parse(url).expect_err(url).to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{url}: {error}");
        }
        for url in [
            "postgres://a@h1,h2/x?port=7",
            "postgres://a@h1:1,h2/x",
            "postgres://a@/x?hostaddr=10.0.0.1,10.0.0.2&port=1,2",
            "postgres://a@h1,h2/x?hostaddr=10.0.0.1,10.0.0.2",
            "postgres://a@/x?host=/run/postgresql",
        ] {
            PgOptions::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        }
    }

    #[test]
    fn authorities_require_a_verifying_mode() {
        for mode in ["disable", "allow", "prefer", "require"] {
            for roots in ["system", "/ca.pem"] {
                let refused = TlsMode::parse(mode, Some(roots.into()));
                assert!(matches!(refused, Err(OptionsError::RootCertificates)), "{mode} {roots}");
            }
        }
        let named = TlsMode::of(None, Some("/ca.pem".into()));
        assert!(matches!(named, Err(OptionsError::RootCertificates)), "{named:?}");
        assert_eq!(TlsMode::of(None, None).ok(), Some(TlsMode::Disable));
    }

    #[test]
    fn an_unusable_url_is_refused_without_showing_the_password() {
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
            // Passwords whose @ or / or % are not encoded.
            "postgres://a:top@secret@db/x",
            "postgres://a:top@mine/secret@db/x",
            "postgres://a:top@secret:1/mine@db/x",
            "postgres://a:top@mine#secret@db/x",
            "postgres://a:100%secret@db/x",
            "postgres://a:secret@db/x?sslmode=top@secret",
            // The host was forgotten.
            "postgres://a:secret?Secret=1",
            "postgres://a:12?secret=1",
            "postgres://a:12/34?secret",
            // After one that is a parameter.
            "postgres://a@db/x?password=top&secret",
            "postgres://a@db/x?password=top&secret=",
            "postgres://a@db/x?password=top&secret==&sslmode=require",
            "postgres:///x?host=db&password=top&sslmode=require&secret=1",
        ] {
            let error = PgOptions::parse(url).expect_err(url);
            let texts = format!("{error} {error:?}");
            assert!(!texts.contains("secret"), "{texts}");
        }
    }
}
