//! The configuration: one typed struct, read from the environment once, with all its errors at once.

pub(crate) mod cell_stores;
pub(crate) mod cells;
pub(crate) mod live_cells;
pub(crate) mod store;

pub use self::cells::{CellPlace, CellsConfig};
pub use crate::api::base_path::BasePath;
pub use crate::api::base_url::BaseUrl;
pub use crate::edge::cors::Cors;
pub use crate::edge::cross_site::AllowedHosts;
pub use crate::limits::{ClientLimits, Rate};
pub use crate::net::client::TrustedProxies;
use crate::service::signing_keys::parse_seeds;
pub use crate::settings::ConfigError;
use crate::settings::{Reader, SETTINGS, Setting, garbled};
pub use crate::telemetry::MetricsAt;
use crate::telemetry::log_filter;
pub use crate::telemetry::log_format::LogFormat;
use booking_admission::Limits;
use booking_core::{CapacityMax, ErrorChain, Retention, SigningSeed};
use booking_delivery::mail::{MailConfig, MailUrl, Mailbox};
use booking_pg::{PgOptions, PlanCacheMode, TlsMode};
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf, is_separator};
use std::thread;
use std::time::Duration;

/// Everything that can be set.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub address: SocketAddr,
    /// Whether other machines may connect while every caller is the organizer.
    pub allow_open: bool,
    /// Where the data is.
    pub store: StoreConfig,
    /// Whether this runs inside a container, so that hints have to lead out of it.
    pub in_container: bool,
    /// How long to wait at start for a database that is starting itself.
    pub store_wait: Duration,
    /// The most seats that an event may have.
    pub capacity_max: CapacityMax,
    /// How much the queue takes.
    pub limits: Limits,
    /// How often the sweeper runs; `None` leaves expiry to requests.
    pub sweep_every: Option<Duration>,
    /// The default retention of personal data of new events; `None` for ever.
    pub retention: Option<Retention>,
    /// The seeds of the keys for tickets, the one that signs first; none if the store has them.
    pub ticket_seeds: Vec<SigningSeed>,
    /// Threads that serve connections; `None` for one per core.
    pub workers: Option<usize>,
    /// The longest time for the head of a connection's first request.
    pub head_within: Duration,
    /// The longest that a connection may be idle after an answer.
    pub idle_max: Duration,
    /// The longest time for the body of a request.
    pub body_within: Duration,
    /// How long to continue as before once asked to stop.
    pub drain_for: Duration,
    /// How long to finish requests in flight once asked to stop.
    pub shutdown_within: Duration,
    /// Which other origins' pages may call the API.
    pub cors: Cors,
    /// The host names that are allowed while every caller is the organizer.
    pub allowed_hosts: AllowedHosts,
    /// The prefix of links that are followed later; `None` if there are to be none.
    pub base_url: Option<BaseUrl>,
    /// The path under which everything is.
    pub base_path: BasePath,
    /// Which other origins' pages may show an event's page in a frame.
    pub embed_origins: Vec<String>,
    /// The settings of mail; `None` if none is sent.
    pub mail: Option<MailConfig>,
    /// Whether webhooks may lead into private networks and to this machine.
    pub webhook_allow_private: bool,
    /// The authorities that webhooks trust beside those of the system: a PEM file.
    pub webhook_tls_ca: Option<PathBuf>,
    /// Whether this server delivers by webhooks and mail.
    pub delivers: bool,
    /// The most connections that watch events.
    pub live_max: usize,
    /// The limits of one client.
    pub client_limits: ClientLimits,
    /// Where metrics are.
    pub metrics_at: MetricsAt,
    /// How often every event is recounted; `None` for never.
    pub audit_every: Option<Duration>,
    /// How lines of the log are written.
    pub log_format: LogFormat,
    /// The log filter, as `env_logger` reads it.
    pub log_filter: String,
}

/// Where the data is.
#[derive(Debug)]
pub enum StoreConfig {
    /// In a PostgreSQL database.
    Postgres(Box<PgOptions>),
    /// In a file.
    Sqlite(PathBuf),
    /// Several stores, with each event in one of them.
    Cells(Box<CellsConfig>),
}

impl Config {
    /// How many files the store may have open, beyond the few that it always has.
    pub(crate) fn store_files(&self) -> u64 {
        match &self.store {
            StoreConfig::Postgres(options) => options.pool_size as u64,
            // Each reader has the database, its log and the log's index open.
            StoreConfig::Sqlite(_) => 3 * u64::from(booking_sqlite::READERS_DEFAULT.get()),
            StoreConfig::Cells(cells) => cells.store_files(&cells.map),
        }
    }

    /// Reads the process's environment.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub fn from_env() -> Result<Self, Vec<ConfigError>> {
        Self::read_os(&|name| std::env::var_os(name))
    }

    fn read_os(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Vec<ConfigError>> {
        let mut errors = garbled(lookup);
        match Self::read(&|name| lookup(name)?.into_string().ok()) {
            Ok(config) if errors.is_empty() => Ok(config),
            Ok(_) => Err(errors),
            Err(others) => {
                errors.extend(others);
                Err(errors)
            }
        }
    }

    /// Reads settings from `lookup`. An empty setting counts as unset.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigError>> {
        let mut reader = Reader::new(lookup);
        let store = read_store(&mut reader);
        let base_path = BasePath::read(&mut reader);
        let pool_size = match &store {
            StoreConfig::Postgres(options) => options.pool_size,
            StoreConfig::Sqlite(_) => PgOptions::POOL_SIZE_DEFAULT,
            // Those of one cell: which others have is nothing to it.
            StoreConfig::Cells(cells) => cells.pool_size(),
        };
        let config = Self {
            address: SocketAddr::new(
                reader.parse::<IpAddr>("BIND", "is not an IP address"),
                reader.within("PORT", 0, u16::MAX.into()) as u16,
            ),
            allow_open: reader.parse("ALLOW_OPEN", "is neither true nor false"),
            store,
            in_container: reader.parse("BOOKING_CONTAINER", "is neither true nor false"),
            store_wait: reader.seconds("DB_WAIT_SECONDS", 0, 3_600),
            capacity_max: {
                let seats = reader.within("CAPACITY_MAX", 1, i32::MAX as u64);
                CapacityMax::parse(seats as u32).unwrap_or_default()
            },
            limits: Limits {
                queue_commands_max: reader.within("QUEUE_MAX", 1, 1_000_000) as usize,
                queue_full_age: reader.seconds("QUEUE_FULL_SECONDS", 1, 600),
                queue_age_max: reader.seconds("QUEUE_SECONDS", 1, 600),
                batch_commands_max: reader.within("BATCH_MAX", 1, 10_000) as usize,
                batches_per_node: read_batches_per_node(&mut reader),
                busy_events_max: busy_events_max(pool_size),
            },
            sweep_every: Some(reader.seconds("SWEEP_SECONDS", 0, 3_600)).filter(|d| !d.is_zero()),
            retention: read_retention(&mut reader),
            ticket_seeds: read_ticket_seeds(&mut reader),
            workers: Some(reader.within("WORKERS", 0, 1_024) as usize).filter(|n| *n > 0),
            head_within: reader.seconds("HEAD_SECONDS", 1, 600),
            idle_max: reader.seconds("IDLE_SECONDS", 1, 3_600),
            body_within: reader.seconds("BODY_SECONDS", 1, 600),
            drain_for: reader.seconds("DRAIN_SECONDS", 0, 600),
            shutdown_within: reader.seconds("SHUTDOWN_SECONDS", 1, 600),
            cors: Cors::read(&mut reader),
            allowed_hosts: AllowedHosts::read(&mut reader),
            base_url: BaseUrl::read(&mut reader).map(|url| url.with_path(&base_path)),
            base_path,
            embed_origins: read_embed_origins(&mut reader),
            mail: read_mail(&mut reader),
            webhook_allow_private: reader
                .parse("WEBHOOK_ALLOW_PRIVATE", "is neither true nor false"),
            webhook_tls_ca: reader.given("WEBHOOK_TLS_CA").map(|path| PathBuf::from(path.trim())),
            delivers: reader.parse("DELIVERY", "is neither true nor false"),
            live_max: reader.within("LIVE_MAX", 0, 1_000_000) as usize,
            client_limits: ClientLimits::read(&mut reader),
            metrics_at: read_metrics_at(&mut reader),
            audit_every: Some(reader.seconds("AUDIT_SECONDS", 0, 2_678_400))
                .filter(|d| !d.is_zero()),
            log_format: reader.parse("LOG_FORMAT", "is neither text nor json"),
            log_filter: read_log_filter(&mut reader),
        };
        let errors = reader.into_errors();
        if errors.is_empty() { Ok(config) } else { Err(errors) }
    }
}

/// The most parallel batches that may be set.
const BATCHES_PER_NODE_MAX: u64 = 64;
/// The most parallel batches by default.
const BATCHES_BY_ITSELF_MAX: usize = 4;

/// The part of a pool that stays free for reads and for the other writes, while all batches are under way and all
/// events are waited for that may be: one in so many connections, at least one if there are three.
const POOL_PART_RESERVED: usize = 8;

/// How many events may be waited for at once, each on a connection: as many as are left beside batches, which may
/// have half of the pool, and the part that stays free.
fn busy_events_max(pool_size: usize) -> usize {
    let (batches, reserved) = ((pool_size / 2).max(1), (pool_size / POOL_PART_RESERVED).max(1));
    pool_size.saturating_sub(batches + reserved).max(1)
}

/// The settings that do not say where the data is.
const NOT_OF_A_PLACE: [&str; 3] = ["DB_POOL_SIZE", "DB_PLAN_CACHE_MODE", "DB_WAIT_SECONDS"];

fn read_store(reader: &mut Reader<'_>) -> StoreConfig {
    // Whatever store it is: a value out of range is reported.
    let pool_size = reader.within("DB_POOL_SIZE", PgOptions::POOL_SIZE_MIN as u64, 1_000) as usize;
    let plan_cache_mode = reader
        .parse::<PlanCacheMode>("DB_PLAN_CACHE_MODE", "is neither force_generic_plan nor auto");
    let cells = read_cells(reader, pool_size, plan_cache_mode);
    let url = reader.secret("DATABASE_URL", "DATABASE_URL_FILE");
    let parts: Vec<&Setting> = SETTINGS
        .iter()
        .filter(|s| s.name.starts_with("DB_") && !NOT_OF_A_PLACE.contains(&s.name))
        .filter(|setting| reader.given(setting.name).is_some())
        .collect();
    if reader.given("CELLS_FILE").is_some() {
        let others = ["DATABASE_URL", "DATABASE_URL_FILE", "BOOKING_DB"].into_iter();
        let others = others.filter(|name| reader.given(name).is_some());
        let others: Vec<_> = others.chain(parts.iter().map(|part| part.name)).collect();
        for name in others {
            reader.fail(name, "cannot be combined with CELLS_FILE");
        }
        let nothing = || StoreConfig::Sqlite(PathBuf::new());
        return cells.map_or_else(nothing, |cells| StoreConfig::Cells(Box::new(cells)));
    }
    let mut options = match (url, parts.first()) {
        (None, None) => return StoreConfig::Sqlite(read_database_file(reader)),
        (Some(_), Some(part)) => {
            reader.fail(part.name, "cannot be combined with DATABASE_URL");
            return StoreConfig::Sqlite(PathBuf::new());
        }
        (Some(url), None) => match PgOptions::parse(url.trim()) {
            Ok(options) => options,
            Err(error) => {
                reader.fail("DATABASE_URL", ErrorChain(&error).to_string());
                return StoreConfig::Sqlite(PathBuf::new());
            }
        },
        (None, Some(_)) => read_database_parts(reader),
    };
    options.pool_size = pool_size;
    options.plan_cache_mode = plan_cache_mode;
    StoreConfig::Postgres(Box::new(options))
}

fn read_cells(
    reader: &mut Reader<'_>,
    pool_size: usize,
    plan_cache_mode: PlanCacheMode,
) -> Option<CellsConfig> {
    let path = reader.given("CELLS_FILE")?;
    match CellsConfig::read(Path::new(path.trim()), pool_size, plan_cache_mode) {
        Ok(cells) => Some(cells),
        Err(why) => {
            reader.fail("CELLS_FILE", why);
            None
        }
    }
}

/// A folder is no database, and SQLite only reports that it cannot be opened.
fn read_database_file(reader: &mut Reader<'_>) -> PathBuf {
    let given = reader.text("BOOKING_DB");
    let is_folder = Path::new(&given).is_dir();
    if is_folder || given.ends_with(is_separator) {
        let file = match is_folder {
            true => Path::new(&given).join("booking.db"),
            false => PathBuf::from(given.trim_end_matches(is_separator)),
        };
        let complaint = format!("names a folder, and not a file such as {}", file.display());
        reader.fail("BOOKING_DB", complaint);
    }
    PathBuf::from(given)
}

fn read_database_parts(reader: &mut Reader<'_>) -> PgOptions {
    let mut options = PgOptions::new(Default::default());
    let hosts = reader.text("DB_HOST");
    let hosts: Vec<&str> = hosts.split(',').map(str::trim).collect();
    if hosts.iter().any(|host| host.is_empty()) {
        reader.fail("DB_HOST", "names no host before, after or between its commas");
    } else if !hosts.iter().all(|host| PgOptions::is_host(host)) {
        let complaint = "holds a character that no host's name has; a whole URL belongs into DATABASE_URL, a \
                         port into DB_PORT, and an IPv6 address goes without brackets";
        reader.fail("DB_HOST", complaint);
    }
    for host in hosts {
        options.config.host(host);
    }
    options.config.port(reader.within("DB_PORT", 1, u16::MAX.into()) as u16);
    let (user, database) = (reader.text("DB_USER"), reader.text("DB_NAME"));
    if user.contains("://") {
        reader.fail("DB_USER", "is no user's name; a whole URL belongs into DATABASE_URL");
    }
    if database.contains(['@', '?', '&', '/', ':']) {
        let complaint = "is no database's name: it holds one of @ ? & / :; a whole URL belongs into DATABASE_URL";
        reader.fail("DB_NAME", complaint);
    }
    options.config.user(user);
    options.config.dbname(database);
    if let Some(password) = reader.secret("DB_PASSWORD", "DB_PASSWORD_FILE") {
        options.config.password(password);
    }
    let root_certificates = reader.given("DB_SSLROOTCERT");
    let root_certificates = root_certificates.map(|path| PathBuf::from(path.trim()));
    let mode = reader.given("DB_SSLMODE");
    match TlsMode::of(mode.as_deref().map(str::trim), root_certificates) {
        Ok(tls) => options.with_tls(tls),
        Err(error) => {
            reader.fail("DB_SSLMODE", error.to_string());
            options
        }
    }
}

/// As many as this machine has use for, if it is not set. It is the database's cores that count, and where it is
/// not set that is most often a machine like this one. On two, batches side by side cost more than they give.
fn read_batches_per_node(reader: &mut Reader<'_>) -> usize {
    match reader.within("BATCHES_PER_NODE", 0, BATCHES_PER_NODE_MAX) {
        0 => match thread::available_parallelism().map_or(1, usize::from) {
            0..=2 => 1,
            cores => cores.min(BATCHES_BY_ITSELF_MAX),
        },
        batches => batches as usize,
    }
}

fn read_log_filter(reader: &mut Reader<'_>) -> String {
    let filter = reader.text("RUST_LOG");
    if let Some(fault) = log_filter::fault(&filter) {
        reader.fail("RUST_LOG", fault);
    }
    filter
}

/// Only pages embed, and those come by HTTP.
fn read_embed_origins(reader: &mut Reader<'_>) -> Vec<String> {
    let origins = reader.origins("EMBED_ORIGINS");
    let is_page = |origin: &&String| ["http://", "https://"].iter().any(|s| origin.starts_with(s));
    // What is no origin at all was reported.
    let other = origins.iter().find(|origin| origin.contains("://") && !is_page(origin));
    if let Some(other) = other {
        reader.fail(
            "EMBED_ORIGINS",
            format!("{other:?} is not an origin such as https://example.org"),
        );
    }
    origins
}

fn read_retention(reader: &mut Reader<'_>) -> Option<Retention> {
    let days = reader.given("RETENTION_DAYS")?;
    let retention = days.trim().parse().ok().and_then(|days| Retention::parse(days).ok());
    if retention.is_none() {
        let complaint = format!("is not a whole number from 0 to {}", Retention::DAYS_MAX);
        reader.fail("RETENTION_DAYS", complaint);
    }
    retention
}

fn read_mail(reader: &mut Reader<'_>) -> Option<MailConfig> {
    // Whether mail is enabled or not: an invalid value is reported.
    let url = reader.secret("MAIL_URL", "MAIL_URL_FILE").map(|url| MailUrl::parse(&url));
    let from = read_mailbox(reader, "MAIL_FROM");
    let reply_to = read_mailbox(reader, "MAIL_REPLY_TO");
    let tls_ca = reader.given("MAIL_TLS_CA").map(|path| PathBuf::from(path.trim()));
    let url = match url? {
        Ok(url) => url,
        Err(error) => {
            reader.fail("MAIL_URL", error.to_string());
            return None;
        }
    };
    for name in ["MAIL_FROM", "BASE_URL"] {
        if reader.given(name).is_none() {
            reader.fail(name, "is needed where MAIL_URL is set");
        }
    }
    Some(MailConfig { url, from: from?, reply_to, tls_ca })
}

fn read_mailbox(reader: &mut Reader<'_>, name: &'static str) -> Option<Mailbox> {
    match reader.given(name)?.parse::<Mailbox>() {
        Ok(mailbox) => Some(mailbox),
        Err(error) => {
            reader.fail(name, error.to_string());
            None
        }
    }
}

fn read_metrics_at(reader: &mut Reader<'_>) -> MetricsAt {
    match reader.text("METRICS_BIND").as_str() {
        "" => MetricsAt::Here,
        "off" => MetricsAt::Nowhere,
        address => address.parse().map(MetricsAt::Apart).unwrap_or_else(|_| {
            let complaint = "is neither off nor an IP address and a port, such as 127.0.0.1:9100";
            reader.fail("METRICS_BIND", complaint);
            MetricsAt::Nowhere
        }),
    }
}

fn read_ticket_seeds(reader: &mut Reader<'_>) -> Vec<SigningSeed> {
    let Some(text) = reader.secret("TICKET_KEY", "TICKET_KEY_FILE") else { return Vec::new() };
    parse_seeds(&text).unwrap_or_else(|| {
        reader.fail(
            "TICKET_KEY",
            "is not 32 bytes in hex or base64url, or several of them by comma; openssl rand -hex 32 \
             makes one",
        );
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let lookup = |name: &str| {
            settings.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        };
        Config::read(&lookup).map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[cfg(unix)]
    #[test]
    fn a_setting_that_is_not_utf_8_is_named_and_refused() {
        use std::os::unix::ffi::OsStringExt;
        // As in Latin-1.
        let garbled = || OsString::from_vec(b"postgres://a:p\xe4ss@h/x".to_vec());
        for Setting { name, .. } in SETTINGS {
            let read = Config::read_os(&|asked| (asked == *name).then(garbled));
            let errors: Vec<_> = read.expect_err(name).iter().map(ToString::to_string).collect();
            assert_eq!(errors, [format!("{name}: is not UTF-8")]);
        }
        let read = Config::read_os(&|asked| match asked {
            "BASE_URL" => Some(garbled()),
            "PORT" => Some("many".into()),
            _ => None,
        });
        assert_eq!(read.expect_err("both are wrong").len(), 2, "all is told at once");
        let text = |asked: &str| (asked == "BOOKING_DB").then(|| OsString::from("bücher.db"));
        let config = Config::read_os(&text).expect("this is text");
        assert!(matches!(config.store, StoreConfig::Sqlite(path) if path.ends_with("bücher.db")));
    }

    #[test]
    fn nothing_set_is_sqlite_on_loopback() {
        let config = read(&[]).expect("the defaults are valid");
        assert_eq!(config.address.to_string(), "127.0.0.1:8080");
        assert!(
            matches!(config.store, StoreConfig::Sqlite(path) if path.as_os_str() == "booking.db")
        );
        assert_eq!(config.cors, Cors::SameOrigin);
        assert_eq!(config.workers, None);
        assert_eq!(config.sweep_every, Some(Duration::from_secs(1)));
        assert!(config.ticket_seeds.is_empty());
        assert_eq!(config.retention, None);
        assert!(config.delivers && !config.webhook_allow_private);
        assert_eq!(config.webhook_tls_ca, None);
        let limits = Limits::default();
        assert_eq!(config.limits.queue_commands_max, limits.queue_commands_max);
        assert_eq!(config.limits.batch_commands_max, limits.batch_commands_max);
        assert!((1..=4).contains(&config.limits.batches_per_node));
        assert_eq!(config.limits.queue_full_age, limits.queue_full_age);
        assert_eq!(config.limits.queue_age_max, limits.queue_age_max);
        assert_eq!(config.capacity_max, CapacityMax::default());
    }

    #[test]
    fn base_path_and_embed_origins_are_read() {
        let config = read(&[("BASE_PATH", "/tickets/"), ("BASE_URL", "https://example.org")]);
        let config = config.expect("valid");
        assert_eq!(config.base_path.as_str(), "/tickets");
        let url = config.base_url.map(|url| url.as_str().to_owned());
        assert_eq!(url.as_deref(), Some("https://example.org/tickets"));
        let origins = "https://a.example, http://localhost:3000";
        let config = read(&[("EMBED_ORIGINS", origins)]).expect("valid");
        assert_eq!(config.embed_origins, ["https://a.example", "http://localhost:3000"]);
        for (name, bad) in [
            ("BASE_PATH", "tickets"),
            ("EMBED_ORIGINS", "*"),
            ("EMBED_ORIGINS", "https://a.example/"),
            ("EMBED_ORIGINS", "https://a.example; script-src *"),
            ("EMBED_ORIGINS", "app://localhost"),
        ] {
            let errors = read(&[(name, bad)]).expect_err(bad);
            assert!(errors.len() == 1 && errors[0].starts_with(&format!("{name}: ")), "{errors:?}");
        }
    }

    #[test]
    fn any_database_setting_means_postgres() {
        for (name, value) in [
            ("DATABASE_URL", "postgres://a@db/x"),
            ("DB_HOST", "db"),
            ("DB_PORT", "5433"),
            ("DB_USER", "ada"),
            ("DB_PASSWORD", "secret"),
            ("DB_NAME", "x"),
            ("DB_SSLMODE", "require"),
        ] {
            let config = read(&[(name, value)]).expect("valid");
            assert!(matches!(config.store, StoreConfig::Postgres(_)), "{name}");
            assert!(!format!("{config:?}").contains("secret"));
        }
        let StoreConfig::Postgres(options) =
            read(&[("DB_HOST", "db"), ("DB_NAME", "x"), ("DB_POOL_SIZE", "4")])
                .expect("valid")
                .store
        else {
            panic!("not PostgreSQL");
        };
        assert_eq!((options.location().as_str(), options.pool_size), ("db:5432/x", 4));
        for place in [("DB_HOST", "citus"), ("DATABASE_URL", "postgres://a@citus/x")] {
            let planned = read(&[place, ("DB_PLAN_CACHE_MODE", "auto")]).expect("valid").store;
            assert!(
                matches!(planned, StoreConfig::Postgres(o) if o.plan_cache_mode == PlanCacheMode::Auto)
            );
        }
        let StoreConfig::Postgres(defaults) = read(&[("DB_PASSWORD", "x")]).expect("valid").store
        else {
            panic!("not PostgreSQL");
        };
        assert_eq!(defaults.location(), "localhost:5432/eventbooking");
        assert_eq!(defaults.plan_cache_mode, PlanCacheMode::ForceGenericPlan);
        assert_eq!(defaults.config.get_user(), Some("postgres"));
        let StoreConfig::Postgres(several) =
            read(&[("DB_HOST", "one, two"), ("DB_PORT", "7"), ("DB_NAME", "x")])
                .expect("valid")
                .store
        else {
            panic!("not PostgreSQL");
        };
        assert_eq!(several.location(), "one:7,two:7/x");
    }

    #[test]
    fn database_settings_are_checked_for_either_store() {
        for (name, good, bad) in [
            ("DB_POOL_SIZE", "2", "1"),
            ("DB_PLAN_CACHE_MODE", "auto", "force_custom_plan"),
            ("DB_WAIT_SECONDS", "0", "3601"),
        ] {
            let config = read(&[(name, good)]).expect("valid");
            assert!(matches!(config.store, StoreConfig::Sqlite(_)), "{name}");
            for elsewhere in [("BOOKING_DB", "x.db"), ("DATABASE_URL", "postgres://a@db/x")] {
                let errors = read(&[(name, bad), elsewhere]).expect_err("out of range");
                assert!(errors.len() == 1 && errors[0].starts_with(&format!("{name}: ")));
            }
        }
    }

    #[test]
    fn parallel_batches_can_be_set_and_are_at_least_one() {
        for (set, batches) in [("1", 1), ("3", 3), ("64", 64)] {
            let config = read(&[("BATCHES_PER_NODE", set)]).expect("valid");
            assert_eq!(config.limits.batches_per_node, batches);
        }
        for bad in ["65", "-1", "many"] {
            let errors = read(&[("BATCHES_PER_NODE", bad)]).expect_err(bad);
            assert!(errors.len() == 1 && errors[0].starts_with("BATCHES_PER_NODE: "), "{errors:?}");
        }
        let by_itself = read(&[("BATCHES_PER_NODE", "0")]).expect("valid").limits;
        assert!((1..=BATCHES_BY_ITSELF_MAX).contains(&by_itself.batches_per_node));
    }

    #[test]
    fn batches_and_events_that_are_waited_for_leave_connections_for_reads() {
        // With the fewest connections there is one for each, and then reads wait.
        assert_eq!(busy_events_max(PgOptions::POOL_SIZE_MIN), 1);
        for pool_size in 3..=1_000 {
            let (batches, busy_events) = (pool_size / 2, busy_events_max(pool_size));
            assert!(busy_events >= 1 && batches + busy_events < pool_size, "{pool_size}");
        }
        let limits = read(&[("DATABASE_URL", "postgres://a@db/x")]).expect("valid").limits;
        assert_eq!(limits.busy_events_max, 4, "of 10");
    }

    #[test]
    fn a_filter_of_the_log_that_cannot_be_read_is_named() {
        let errors = read(&[("RUST_LOG", "info,access=maybe")]).expect_err("maybe is no level");
        assert!(errors.len() == 1 && errors[0].starts_with("RUST_LOG: "), "{errors:?}");
        assert_eq!(read(&[("RUST_LOG", "warn")]).expect("valid").log_filter, "warn");
        assert_eq!(read(&[]).expect("valid").log_filter, "info");
    }

    #[test]
    fn a_misplaced_setting_is_named_but_its_value_is_hidden() {
        for (name, value) in [
            ("DB_HOST", "postgres://ada:secret@db/x"),
            ("DB_HOST", "ada:secret@db"),
            ("DB_HOST", "one, secret?two"),
            ("DB_HOST", "db/secret"),
            ("DB_HOST", "//secret"),
            ("DB_HOST", "secret:5432"),
            ("DB_HOST", "[::1]"),
            ("DB_HOST", "db&secret"),
            ("DB_NAME", "postgres://ada:secret@db/x"),
            ("DB_NAME", "x?password=secret"),
            ("DB_NAME", "db/secret"),
            ("DB_NAME", "secret@x"),
            ("DB_NAME", "x&secret"),
            ("DB_NAME", "db:secret"),
            ("DB_USER", "postgres://ada:secret@db/x"),
        ] {
            let errors = read(&[(name, value)]).expect_err(value);
            assert!(errors.len() == 1 && errors[0].starts_with(&format!("{name}: ")), "{errors:?}");
            assert!(!errors[0].contains("secret"), "{errors:?}");
        }
        for (name, value) in [
            ("DB_HOST", "::1, 10.0.0.1,db_1.example.org"),
            ("DB_HOST", "/run/postgresql"),
            ("DB_NAME", "my events-1"),
            // As some hosts name users.
            ("DB_USER", "ada@tenant"),
        ] {
            assert!(read(&[(name, value)]).is_ok(), "{name}={value}");
        }
    }

    #[test]
    fn the_system_s_authorities_can_be_trusted() {
        let tls = |settings: &[(&str, &str)]| match read(settings).expect("valid").store {
            StoreConfig::Postgres(options) => options.tls,
            StoreConfig::Sqlite(_) | StoreConfig::Cells(_) => panic!("not PostgreSQL"),
        };
        let system = ("DB_SSLROOTCERT", "system");
        let root_certificates = None;
        let verified = TlsMode::VerifyFull { root_certificates };
        assert_eq!(tls(&[system, ("DB_SSLMODE", "verify-full")]), verified);
        assert_eq!(tls(&[system]), verified, "as for libpq, and not in plain text");
        let in_url = ("DATABASE_URL", "postgres://a@db/x?sslrootcert=system");
        assert_eq!(tls(&[in_url]), verified);
        let weak = read(&[system, ("DB_SSLMODE", "require")]).expect_err("it verifies nothing");
        assert!(weak[0].starts_with("DB_SSLMODE: ") && weak[0].contains("verify-full"), "{weak:?}");
    }

    #[test]
    fn all_errors_are_reported_together_and_without_secrets() {
        let errors = read(&[
            ("PORT", "70000"),
            ("BIND", "localhost"),
            ("DATABASE_URL", "postgres://a:secret@b:c/d"),
            ("CAPACITY_MAX", "0"),
            ("QUEUE_MAX", "many"),
            ("RETENTION_DAYS", "3651"),
            ("TICKET_KEY", "a secret"),
            ("METRICS_BIND", "everywhere"),
            ("AUDIT_SECONDS", "-1"),
            ("WEBHOOK_ALLOW_PRIVATE", "loopback"),
            ("DELIVERY", "off"),
            ("LOG_FORMAT", "xml"),
            ("CORS_ORIGINS", "example.org, https://a.b/c"),
            ("ALLOWED_HOSTS", "*"),
        ])
        .expect_err("nothing of it is valid");
        for name in [
            "PORT",
            "BIND",
            "DATABASE_URL",
            "CAPACITY_MAX",
            "QUEUE_MAX",
            "RETENTION_DAYS",
            "TICKET_KEY",
            "METRICS_BIND",
            "AUDIT_SECONDS",
            "WEBHOOK_ALLOW_PRIVATE",
            "DELIVERY",
            "LOG_FORMAT",
            "CORS_ORIGINS",
            "ALLOWED_HOSTS",
        ] {
            assert!(
                errors.iter().any(|e| e.starts_with(&format!("{name}:"))),
                "{name}: {errors:?}"
            );
        }
        assert_eq!(errors.len(), 15);
        assert!(!errors.join(" ").contains("secret"));
    }

    #[test]
    fn a_database_url_is_trimmed_and_its_invalid_parameters_are_named() {
        let read_url = |url: &str| read(&[("DATABASE_URL", url)]);
        for url in ["postgres://a:b@db/x\n", " postgresql://a:b@db/x\r\n", "postgres://a:b@db/x \n"]
        {
            let config = read_url(url).expect("valid");
            assert!(
                matches!(config.store, StoreConfig::Postgres(o) if o.location() == "db:5432/x")
            );
        }
        for (parameter, reason) in [
            ("schema=tickets", "parameter \"schema\" is not supported"),
            ("connect_timeout=soon", "connect_timeout"),
            ("sslmode=verify", "sslmode must be"),
        ] {
            let errors = read_url(&format!("postgres://a:secret@db/x?{parameter}"));
            let errors = errors.expect_err(parameter).join("\n");
            assert!(errors.starts_with("DATABASE_URL: ") && errors.contains(reason), "{errors}");
            assert!(!errors.contains("secret"), "{errors}");
        }
        assert!(read_url("postgres://a:b@db/x?pgbouncer=true&sslmode=prefer").is_ok());
    }

    #[test]
    fn ticket_keys_are_read_and_not_shown() {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let config = read(&[("TICKET_KEY", &format!("{seed},{seed}"))]).expect("valid");
        assert_eq!(config.ticket_seeds.len(), 2);
        assert!(format!("{config:?}").contains("[SigningSeed(…), SigningSeed(…)]"));
        assert_eq!(read(&[("SWEEP_SECONDS", "0")]).expect("valid").sweep_every, None);
    }

    #[test]
    fn mail_is_sent_only_if_it_is_configured() {
        assert_eq!(read(&[]).expect("valid").mail, None);
        let url = ("MAIL_URL", " smtps://ada:hunter2@mail.example.org\n");
        let base = ("BASE_URL", "https://booking.example.org");
        let from = ("MAIL_FROM", "Jazz club <tickets@example.org>");
        let config = read(&[url, base, from, ("MAIL_REPLY_TO", "club@example.org")]);
        let config = config.expect("valid");
        assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
        let mail = config.mail.expect("it is set");
        assert_eq!(mail.url.to_string(), "smtps://mail.example.org:465");
        assert_eq!(mail.from.name.as_deref(), Some("Jazz club"));
        let file = tempfile::NamedTempFile::new().expect("it is made");
        std::fs::write(file.path(), "file:///var/mail\n").expect("it is written");
        let path = file.path().display().to_string();
        let config = read(&[("MAIL_URL_FILE", &path), base, from]).expect("valid");
        assert!(config.mail.is_some_and(|mail| mail.url.folder().is_some()));
        // Useless by themselves, and harmless.
        assert_eq!(read(&[from, base]).expect("valid").mail, None);
        for (settings, named) in [
            (vec![url], vec!["MAIL_FROM", "BASE_URL"]),
            (vec![url, from], vec!["BASE_URL"]),
            (vec![url, base], vec!["MAIL_FROM"]),
            (vec![url, base, ("MAIL_FROM", "hunter2")], vec!["MAIL_FROM"]),
            (vec![url, base, from, ("MAIL_REPLY_TO", "hunter2")], vec!["MAIL_REPLY_TO"]),
            (vec![("MAIL_REPLY_TO", "hunter2")], vec!["MAIL_REPLY_TO"]),
            (vec![("MAIL_URL", "mail.example.org:hunter2")], vec!["MAIL_URL"]),
            (vec![("MAIL_URL", "smtp://a:hunter2@b.example?tls=none"), base], vec!["MAIL_URL"]),
            (vec![url, ("MAIL_URL_FILE", "/x"), base, from], vec!["MAIL_URL_FILE"]),
        ] {
            let errors = read(&settings).expect_err("it is not valid");
            let names: Vec<_> = errors.iter().filter_map(|e| e.split(':').next()).collect();
            assert_eq!(names, named, "{errors:?}");
            assert!(!errors.join(" ").contains("hunter2"), "{errors:?}");
        }
    }

    #[test]
    fn contradicting_settings_are_refused() {
        for settings in [
            [("DATABASE_URL", "postgres://a@b/c"), ("DB_HOST", "db")],
            [("DB_PASSWORD", "secret"), ("DB_PASSWORD_FILE", "/dev/null")],
            [("DB_SSLMODE", "require"), ("DB_SSLROOTCERT", "/ca.pem")],
            [("DB_HOST", "one,,two"), ("DB_NAME", "x")],
        ] {
            assert!(read(&settings).is_err(), "{settings:?}");
        }
    }

    #[test]
    fn secrets_may_come_from_files() {
        let file = tempfile::NamedTempFile::new().expect("it is made");
        std::fs::write(file.path(), "postgres://a:b@from-file/x\n").expect("it is written");
        let path = file.path().display().to_string();
        let config = read(&[("DATABASE_URL_FILE", &path)]).expect("valid");
        assert!(
            matches!(config.store, StoreConfig::Postgres(o) if o.location() == "from-file:5432/x")
        );
        assert!(read(&[("DB_PASSWORD_FILE", "/no/such/file")]).is_err());
    }
}
