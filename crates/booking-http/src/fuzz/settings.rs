//! The settings. They are the operator's own, but an error in one must be reported, and never its value.

use super::Target;
use crate::config::Config;
use crate::service::signing_keys::parse_seeds;
use crate::settings::SETTINGS;
use booking_pg::PgOptions;

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "database_url",
        seeds: &[
            "db.example.org:5433/booking?sslmode=require",
            "a,b:1/x?target_session_attrs=read-write&sslmode=verify-full&sslrootcert=/ca.pem",
            "/x?connect_timeout=3&application_name=y&options=-c%20a%3Db",
            "/x?host=a,/run/b&port=1,2&sslMode=require&sslrootcert=system",
        ],
        run: database_url,
    },
    Target {
        name: "ticket_key",
        seeds: &[
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A,nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
        ],
        run: ticket_key,
    },
    Target {
        name: "settings",
        seeds: &[
            "PORT=8080\nBASE_URL=https://a.org:1/b/\nBIND=127.0.0.1\nCORS_ORIGINS=https://a.org, http://b:1\nBATCH_MAX=5",
            "DB_HOST=db\nDB_PORT=1\nDB_SSLMODE=require\nDB_POOL_SIZE=2\nSWEEP_SECONDS=0",
            "TRUSTED_PROXIES=10.0.0.0/8, ::1\nCLIENT_ADDRESS_HEADER=X-Real-IP\nCLIENT_RATE=5\nRUST_LOG=info,access=off",
        ],
        run: settings,
    },
];

/// In each URL that is tried.
const PASSWORD: &str = "hunter2hunter2";

fn database_url(bytes: &[u8]) {
    super::text(bytes, |rest| {
        let url = format!("postgresql://ada:{PASSWORD}@{rest}");
        let shown = match PgOptions::parse(&url) {
            Ok(options) => {
                assert!(options.config.get_connect_timeout().is_some());
                format!("{options:?} {}", options.location())
            }
            Err(error) => format!("{error} {error:?}"),
        };
        // An operator who repeats the password as the name of a host reveals it themselves.
        assert!(rest.contains(PASSWORD) || !shown.contains(PASSWORD), "{shown}");
    });
}

fn ticket_key(bytes: &[u8]) {
    super::text(bytes, |text| {
        let Some(seeds) = parse_seeds(text) else { return };
        let hex =
            |bytes: &[u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let printed: Vec<_> = seeds.iter().map(|seed| hex(seed.as_bytes())).collect();
        assert_eq!(parse_seeds(&printed.join(",")), Some(seeds));
    });
}

fn settings(bytes: &[u8]) {
    super::text(bytes, |text| {
        let pairs: Vec<_> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let lookup = |name: &str| {
            // The content of files is fuzzed elsewhere.
            let pair = pairs.iter().find(|(n, _)| *n == name && !name.ends_with("_FILE"));
            pair.map(|(_, value)| (*value).to_owned())
        };
        let Err(errors) = Config::read(&lookup) else { return };
        assert!(!errors.is_empty());
        for error in errors {
            let error = error.to_string();
            let name = error.split(':').next().unwrap_or_default();
            assert!(SETTINGS.iter().any(|setting| setting.name == name), "{error}");
        }
    });
}
