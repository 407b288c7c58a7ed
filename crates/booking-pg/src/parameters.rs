//! The parameters of a connection URL: which are supported, and what to use instead of others.

use crate::options::OptionsError;

/// Parameters that the driver reads as libpq does.
const OF_THE_DRIVER: &[&str] = &[
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "sslnegotiation",
    "tcp_user_timeout",
    "user",
];
/// Those that are read here: the driver does not know them, or not all of their values.
const READ_HERE: &[&str] = &["host", "port", "sslmode", "sslrootcert", "target_session_attrs"];
/// Those of other programs that may be ignored, with some values.
const OF_OTHERS: &[&str] =
    &["gssencmode", "pgbouncer", "schema", "sslcompression", "uselibpqcompat"];
/// Those that must not be empty.
const NEVER_EMPTY: &[&str] = &["host", "sslmode", "sslrootcert", "target_session_attrs"];
/// The longest name that an error shows. No program's is longer.
const NAME_CHARS_MAX: usize = 32;

/// The parameters of a URL, decoded.
#[derive(Default)]
pub(crate) struct Parameters {
    /// Separated by commas.
    pub(crate) hosts: Option<String>,
    /// Separated by commas.
    pub(crate) ports: Option<String>,
    pub(crate) sslmode: Option<String>,
    pub(crate) sslrootcert: Option<String>,
    pub(crate) session_attrs: Option<String>,
    /// Those that the driver reads, as they are written.
    pub(crate) others: Vec<String>,
    /// The names of those without effect.
    pub(crate) ignored: Vec<String>,
}

impl Parameters {
    /// Reads what follows a `?`, all of which may be the end of a password if `is_doubtful`. Then errors show no
    /// unknown name, and nothing that follows a password or precedes an `@`: it may be a piece of one.
    pub(crate) fn read(query: &str, is_doubtful: bool) -> Result<Self, OptionsError> {
        let mut read = Self::default();
        let mut is_doubtful = is_doubtful || query.contains('@');
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = pair.split_once('=') else {
                let is_parameter = is_known(pair) || libpq_name(pair).is_some();
                return Err(match is_parameter && !is_doubtful {
                    true => OptionsError::NoValue { name: pair.to_owned() },
                    false => OptionsError::NoParameter,
                });
            };
            let name = decoded(name).filter(|name| is_name(name));
            let name = name.ok_or(OptionsError::NoParameter)?;
            if !is_known(&name) && is_doubtful {
                return Err(OptionsError::NoParameter);
            }
            if !is_known(&name) {
                let hint = instead_of(&name);
                return Err(OptionsError::Parameter { name, hint });
            }
            let encoding = || OptionsError::Encoding { part: format!("parameter \"{name}\"") };
            let value = decoded(value).ok_or_else(encoding)?;
            if value.is_empty() && NEVER_EMPTY.contains(&name.as_str()) {
                return Err(OptionsError::NoValue { name });
            }
            is_doubtful |= name == "password";
            read.take(name, value, pair)?;
        }
        Ok(read)
    }

    fn take(&mut self, name: String, value: String, pair: &str) -> Result<(), OptionsError> {
        match name.as_str() {
            "host" => self.hosts = Some(value),
            "port" => self.ports = Some(value),
            "sslmode" => self.sslmode = Some(value),
            "sslrootcert" => self.sslrootcert = Some(value),
            "target_session_attrs" => self.session_attrs = Some(value),
            known if OF_THE_DRIVER.contains(&known) => self.others.push(pair.replace('@', "%40")),
            other if is_so_anyway(other, &value) => self.ignored.push(name),
            other => {
                let hint = instead_of(other);
                return Err(OptionsError::Parameter { name, hint });
            }
        }
        Ok(())
    }
}

fn is_known(name: &str) -> bool {
    [OF_THE_DRIVER, READ_HERE, OF_OTHERS].iter().any(|names| names.contains(&name))
}

/// Whether it looks like a name: other programs' have capitals, digits and hyphens.
fn is_name(text: &str) -> bool {
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_of_names)
}

/// Whether a parameter of another program may be ignored with that value, because it asks for what is the
/// case anyway.
fn is_so_anyway(name: &str, value: &str) -> bool {
    match name {
        // No statement outlives its transaction where it must not: the store works through PgBouncer as
        // it is.
        "pgbouncer" => ["true", "false"].contains(&value),
        "schema" => value == "public",
        // There is no encryption by GSSAPI, and no compression.
        "gssencmode" => ["disable", "prefer"].contains(&value),
        "sslcompression" => value == "0",
        // It asks to read the others as libpq does.
        "uselibpqcompat" => value == "true",
        _ => false,
    }
}

/// What to do instead of setting a parameter, after a colon.
fn instead_of(name: &str) -> String {
    let advice = match plain(name).as_str() {
        "schema" | "currentschema" | "searchpath" => {
            ": the tables are where search_path leads; say options=-csearch_path%3DNAME instead"
        }
        "connectionlimit" | "poolsize" | "poolmaxsize" | "maxconnections" | "maxpoolsize"
        | "maximumpoolsize" => ": set DB_POOL_SIZE instead",
        "ssl" | "usessl" => ": say sslmode=require instead",
        "sslcert" | "sslkey" | "sslpassword" => ": there are no certificates of clients",
        "statementcachesize"
        | "preparedstatements"
        | "preparedstatementcachequeries"
        | "preparethreshold"
        | "pooltimeout"
        | "sockettimeout"
        | "rewritebatchedinserts"
        | "stringtype" => ": leave it out",
        _ => match libpq_name(name) {
            Some(known) if known != name => return format!(": it is called {known}"),
            _ => "",
        },
    };
    advice.to_owned()
}

/// libpq's name for a parameter that other programs spell or name differently.
fn libpq_name(name: &str) -> Option<&'static str> {
    let name = plain(name);
    let known = [OF_THE_DRIVER, READ_HERE, OF_OTHERS].concat();
    let known = known.into_iter().find(|known| plain(known) == name);
    known.or(match name.as_str() {
        "database" | "databasename" | "db" => Some("dbname"),
        "logintimeout" | "timeout" => Some("connect_timeout"),
        "rootcertificate" | "sslca" => Some("sslrootcert"),
        "server" | "servername" => Some("host"),
        "targetservertype" => Some("target_session_attrs"),
        "tcpkeepalive" => Some("keepalives"),
        "username" => Some("user"),
        _ => None,
    })
}

/// A name without what programs spell differently.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// A text with its `%` escapes decoded.
pub(crate) fn decoded(text: &str) -> Option<String> {
    String::from_utf8(decoded_bytes(text)?).ok()
}

/// The same for what need not be text. PostgreSQL cannot be sent a zero byte.
pub(crate) fn decoded_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(match byte {
            b'%' => (digit()? << 4 | digit()?) as u8,
            byte => byte,
        });
    }
    (!bytes.contains(&0)).then_some(bytes)
}
