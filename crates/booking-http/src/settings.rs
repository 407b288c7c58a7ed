//! The settings one by one: their names, and how each is read from the environment.

use actix_web::http::Uri;
use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;
use thiserror::Error;

/// A setting as `--help` and `docker/OPERATING.md` describe it.
pub(crate) struct Setting {
    /// The environment variable.
    pub(crate) name: &'static str,
    /// The default; empty if there is none.
    pub(crate) default: &'static str,
    /// Its meaning, in one line.
    pub(crate) meaning: &'static str,
}

macro_rules! settings {
    ($($name:literal [$default:literal] $meaning:literal)*) => {
        /// Every setting there is.
        pub(crate) const SETTINGS: &[Setting] =
            &[$(Setting { name: $name, default: $default, meaning: $meaning }),*];
    };
}

settings! {
    "PORT" ["8080"] "the port to listen on; 0 takes a free one"
    "BIND" ["127.0.0.1"] "the address to listen on"
    "ALLOW_OPEN" ["false"] "true serves a store without organizers' tokens, where anybody is the organizer, at other addresses than this machine's own, too"
    "DATABASE_URL" [""] "postgresql://user:password@host:port/database?sslmode=…; several host:port by comma"
    "DATABASE_URL_FILE" [""] "a file that holds it"
    "DB_HOST" ["localhost"] "PostgreSQL's host; several by comma: the one that takes writes is used"
    "DB_PORT" ["5432"] "its port, or theirs"
    "DB_USER" ["postgres"] "the user to connect as"
    "DB_PASSWORD" [""] "the user's password"
    "DB_PASSWORD_FILE" [""] "a file that holds it"
    "DB_NAME" ["eventbooking"] "the database"
    "DB_SSLMODE" ["disable"] "disable, prefer, require, verify-ca or verify-full; says nothing about a socket, which is never encrypted"
    "DB_SSLROOTCERT" [""] "the authorities to trust with verify-ca and verify-full, a PEM file; else, or with system, the system's"
    "DB_POOL_SIZE" ["10"] "the most connections to PostgreSQL, 2 to 1000"
    "DB_PLAN_CACHE_MODE" ["force_generic_plan"] "for which values PostgreSQL plans statements: force_generic_plan, for any, or auto, for those that it has, which Citus wants; a node in CELLS_FILE may say its own"
    "DB_WAIT_SECONDS" ["30"] "how long to wait at start for a database that is starting itself"
    "BOOKING_DB" ["booking.db"] "the SQLite file, where PostgreSQL is not used"
    "CELLS_FILE" [""] "a TOML file that names several databases, PostgreSQL or SQLite, and says in which each event is, in place of all of these; DB_POOL_SIZE is then for each of them"
    "CAPACITY_MAX" ["100000"] "the most seats that an event may have"
    "QUEUE_MAX" ["16384"] "the most commands that wait; one more is refused with 503"
    "QUEUE_FULL_SECONDS" ["3"] "when the first has waited for so long, the queue counts as full; of several databases for the one that it waits for"
    "QUEUE_SECONDS" ["10"] "the longest that a command waits for its turn; then 503"
    "BATCH_MAX" ["512"] "the most commands in one transaction"
    "BATCHES_PER_NODE" ["0"] "the most transactions of the queue side by side on one database, up to 64; another begins only if it is full enough; 0 takes 1 on up to 2 cores, else one for each core up to 4; never more than half of DB_POOL_SIZE, and 1 on SQLite"
    "SWEEP_SECONDS" ["1"] "how often seats that time has freed go to those who wait, and what is kept no longer is erased; 0 leaves the one to requests and the other to other servers"
    "RETENTION_DAYS" [""] "days after its end for which a new event keeps personal data unless it says otherwise, 0 to 3650; for ever if not set"
    "TICKET_KEY" [""] "32 secret bytes that sign tickets, in hex or base64url; several by comma, the first signs; else the store keeps one. What the store's signed stays good"
    "TICKET_KEY_FILE" [""] "a file that holds it"
    "WORKERS" ["0"] "threads that serve connections; 0 takes one for each core"
    "HEAD_SECONDS" ["5"] "the longest that the head of a connection's first request may take; then 408"
    "IDLE_SECONDS" ["75"] "the longest that a connection may do nothing after an answer"
    "BODY_SECONDS" ["10"] "the longest that a request's body may take; then 408"
    "DRAIN_SECONDS" ["0"] "how long to go on as before when told to stop, but for /readyz, so that balancers notice first"
    "SHUTDOWN_SECONDS" ["20"] "how long to finish what is under way when told to stop"
    "TRUSTED_PROXIES" [""] "proxies that are believed on where a request comes from: addresses and networks by comma"
    "CLIENT_ADDRESS_HEADER" ["X-Forwarded-For"] "the one header in which they are believed: X-Forwarded-For, Forwarded, or any that holds one address, such as X-Real-IP or CF-Connecting-IP; all others mean nothing. A proxy has to replace what clients send in it, or to add to it"
    "CLIENT_RATE" ["20"] "writes a second of one network address, in the long run; then 429; 0 for any number. This machine itself is not limited"
    "CLIENT_BURST" ["400"] "writes of one network address at once, after a pause"
    "TOKEN_RATE" ["20"] "the same with one bearer token; 0 for any number"
    "TOKEN_BURST" ["400"] "the same at once"
    "CLIENT_CONNECTIONS_MAX" ["512"] "the most connections of one network address; with one more the longest idle of them ends; 0 for any number"
    "LIVE_MAX" ["24000"] "the most connections on which events are watched, and never more than half of the files that the server may open; one more is refused with 503; 0 for none at all"
    "CLIENT_LIVE_MAX" ["256"] "the most of them of one network address; one more is refused with 429; 0 for any number"
    "CLIENT_HOLDS_MAX" ["100"] "the most seats that one network address may hold at once; 0 for any number"
    "EMAIL_HOLDS_MAX" ["20"] "the most seats that may be held for one e-mail address at once; 0 for any number"
    "CLIENT_SEATS_MAX" ["100"] "the most seats of an event that one network address may take within an hour, by registering, holding and waiting; 0 for any number"
    "CORS_ORIGINS" [""] "other origins whose pages may call the API, by comma; * for all, but not while the server is open"
    "ALLOWED_HOSTS" [""] "names by which the server may be asked while it is open, by comma, besides localhost and addresses in figures; after that any will do"
    "BASE_URL" [""] "what links begin with that are followed later, as that to the event in a calendar file, such as https://booking.example.org; without it there are none"
    "BASE_PATH" [""] "the path under which everything is, where this server is a part of another site, such as /tickets: a proxy passes it on as it is; /health, /livez, /readyz and /metrics are at the root, too"
    "EMBED_ORIGINS" [""] "other origins whose pages may show an event's page in a frame, by comma; its organizer is shown what to paste"
    "MAIL_URL" [""] "where mail leaves: smtps://user:password@host, smtp://user:password@host (STARTTLS), smtp://host?tls=none, or file:///folder for trying; without it none is sent. It needs MAIL_FROM and BASE_URL"
    "MAIL_URL_FILE" [""] "a file that holds it"
    "MAIL_FROM" [""] "whose mail it is: tickets@example.org, or Jazz club <tickets@example.org>"
    "MAIL_REPLY_TO" [""] "where answers to it go, if not there"
    "MAIL_TLS_CA" [""] "authorities to trust for mail beside the system's, a PEM file"
    "WEBHOOK_ALLOW_PRIVATE" ["false"] "true lets webhooks lead into private networks and to this machine, there by http, too: for tests, and where all organizers are your own"
    "WEBHOOK_TLS_CA" [""] "authorities to trust for webhooks beside the system's, a PEM file"
    "DELIVERY" ["true"] "false leaves sending what was decided, by webhooks and mail, to other servers on the same store"
    "METRICS_BIND" [""] "address and port where /metrics is served instead of beside everything else; off for nowhere"
    "AUDIT_SECONDS" ["0"] "how often this server recounts every event against its rows, which reads everything; 0 for never"
    "LOG_FORMAT" ["text"] "how to log: text, or json for an object on each line"
    "RUST_LOG" ["info"] "what to log: error, warn, info or debug; info,access=off leaves out requests, of which probes that go well are told at debug alone"
    "BOOKING_CONTAINER" ["false"] "true inside a container, as its image says itself: hints then name what can be done from outside"
}

/// An invalid setting, and why. Never shows its value, which may be a secret.
#[derive(Debug, Error)]
#[error("{name}: {reason}")]
pub struct ConfigError {
    name: &'static str,
    reason: String,
}

/// Reads settings and collects their errors.
pub(crate) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    errors: Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, errors: Vec::new() }
    }

    pub(crate) fn into_errors(self) -> Vec<ConfigError> {
        self.errors
    }

    pub(crate) fn fail(&mut self, name: &'static str, reason: impl Into<String>) {
        self.errors.push(ConfigError { name, reason: reason.into() });
    }

    pub(crate) fn given(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    /// The setting as given, or its default.
    pub(crate) fn text(&self, name: &'static str) -> String {
        self.given(name)
            .map_or_else(|| default_of(name).to_owned(), |value| value.trim().to_owned())
    }

    /// The default replaces an invalid value, so that reading can continue.
    pub(crate) fn parse<T: FromStr>(&mut self, name: &'static str, complaint: &str) -> T
    where
        T::Err: fmt::Debug,
    {
        self.text(name).parse().unwrap_or_else(|_| {
            self.fail(name, complaint);
            default_of(name).parse().expect("the default is valid")
        })
    }

    /// Origins, separated by commas, as browsers write them: a scheme and an authority, without even a slash after
    /// it.
    pub(crate) fn origins(&mut self, name: &'static str) -> Vec<String> {
        let text = self.text(name);
        let origins: Vec<String> =
            text.split(',').map(str::trim).filter(|o| !o.is_empty()).map(str::to_owned).collect();
        for origin in &origins {
            let is_origin = origin.parse::<Uri>().is_ok_and(|uri| {
                uri.scheme().is_some()
                    && uri.authority().is_some_and(|host| is_host_and_port(host.as_str()))
                    && !origin.ends_with('/')
                    && uri.path() == "/"
                    && uri.query().is_none()
            });
            if !is_origin {
                self.fail(name, format!("{origin:?} is not an origin such as https://example.org"));
            }
        }
        origins
    }

    pub(crate) fn within(&mut self, name: &'static str, min: u64, max: u64) -> u64 {
        let complaint = format!("is not a whole number from {min} to {max}");
        let number = self.parse(name, &complaint);
        if !(min..=max).contains(&number) {
            self.fail(name, complaint);
        }
        number
    }

    pub(crate) fn seconds(&mut self, name: &'static str, min: u64, max: u64) -> Duration {
        Duration::from_secs(self.within(name, min, max))
    }

    /// A secret, given itself or as the name of a file that holds it. A final line end is removed.
    pub(crate) fn secret(&mut self, name: &'static str, file_name: &'static str) -> Option<String> {
        let path = self.given(file_name).map(|path| path.trim().to_owned());
        let without_end = |text: String| text.trim_end_matches(['\r', '\n']).to_owned();
        match (self.given(name), path) {
            (Some(_), Some(_)) => {
                self.fail(file_name, format!("cannot be combined with {name}"));
                None
            }
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(without_end(text)),
                Err(error) => {
                    self.fail(file_name, format!("cannot read {path}: {error}"));
                    None
                }
            },
            (secret, None) => secret.map(without_end),
        }
    }
}

/// The settings that are not UTF-8. None of them may count as unset: that would not be what the operator wanted.
pub(crate) fn garbled(lookup: &dyn Fn(&str) -> Option<OsString>) -> Vec<ConfigError> {
    let is_garbled =
        |setting: &&Setting| lookup(setting.name).is_some_and(|value| value.to_str().is_none());
    let garbled = SETTINGS.iter().filter(is_garbled);
    garbled
        .map(|setting| ConfigError { name: setting.name, reason: "is not UTF-8".into() })
        .collect()
}

/// Whether a text is a host, with an optional port, that a browser could request: a DNS name, or an address, of
/// IPv6 in brackets.
pub(crate) fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.rfind(':').filter(|_| !text.ends_with(']')) {
        Some(colon) => (&text[..colon], Some(&text[colon + 1..])),
        None => (text, None),
    };
    // Parsing takes a sign, too.
    let is_port = |port: &str| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    is_host(host) && port.is_none_or(is_port)
}

fn is_host(host: &str) -> bool {
    /// The longest part of a name between dots (RFC 1035, section 2.3.4).
    const LABEL_BYTES_MAX: usize = 63;
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|text| text.parse::<Ipv6Addr>().is_ok());
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (1..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(is_of_names)
    };
    // A host that ends in digits is an address, and no name (URL Standard, section 3.5).
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_address = last.bytes().all(|byte| byte.is_ascii_digit());
    name.split('.').all(is_label) && (!is_address || name.parse::<Ipv4Addr>().is_ok())
}

fn default_of(name: &str) -> &'static str {
    let setting = SETTINGS.iter().find(|setting| setting.name == name);
    setting.expect("every setting that is read is described").default
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_one_that_a_browser_could_request() {
        let longest = "a".repeat(63);
        for host in [
            "localhost",
            "Booking.example.org",
            "booking.example.org.",
            "xn--bcher-kva.example",
            "my_host-1",
            "192.0.2.1",
            "[::1]",
            "[2001:db8::1]",
            "a.1b",
            longest.as_str(),
        ] {
            assert!(is_host_and_port(host), "{host}");
            for port in ["1", "80", "65535"] {
                assert!(is_host_and_port(&format!("{host}:{port}")), "{host}:{port}");
            }
            for port in ["", "0", "65536", "+80", "-1", " 80", "8o", "80:80"] {
                assert!(!is_host_and_port(&format!("{host}:{port}")), "{host}:{port}");
            }
        }
        let too_long = "a".repeat(64);
        for text in [
            "",
            ".",
            ".example.org",
            "a..example.org",
            "a..",
            "[]",
            "[zz]",
            "[::1",
            "::1",
            "::1]",
            "[::1]x",
            "[::1]x:80",
            "[[::1]]",
            "[192.0.2.1]",
            "256.0.0.1",
            "192.0.2",
            "1",
            "$HOST",
            "{host}",
            "a%20b",
            "ada@example.org",
            "a b",
            "a/b",
            "a,b",
            "bücher.example",
            too_long.as_str(),
        ] {
            assert!(!is_host_and_port(text), "{text}");
        }
    }
}
