//! The subcommands.

use crate::config::Config;
use crate::settings::SETTINGS;
use crate::{healthcheck, seeds, server, store};
use anyhow::bail;
use booking_ticket::SigningKey;
use std::fmt::Write;
use std::process::ExitCode;
use thiserror::Error;

/// What the program is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Answer requests.
    Serve,
    /// Bring the database's tables up to date.
    Migrate,
    /// Ask a running server whether it is up.
    Healthcheck,
    /// Recount every event against its rows.
    Audit,
    /// Give the store a new key to sign tickets with.
    RotateKeys,
    /// Say what there is to ask for.
    Help,
}

/// Arguments that make no sense.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum UsageError {
    /// No such subcommand.
    #[error("there is no subcommand {0:?}")]
    Unknown(String),
    /// More than a subcommand.
    #[error("{0:?} is too much: settings are environment variables")]
    TooMany(String),
}

impl Command {
    /// Reads the program's arguments.
    ///
    /// # Errors
    /// [`UsageError`].
    pub fn parse(arguments: &[String]) -> Result<Self, UsageError> {
        if let Some(extra) = arguments.get(1) {
            return Err(UsageError::TooMany(extra.clone()));
        }
        match arguments.first().map(String::as_str) {
            None | Some("serve") => Ok(Self::Serve),
            Some("migrate") => Ok(Self::Migrate),
            Some("healthcheck") => Ok(Self::Healthcheck),
            Some("audit") => Ok(Self::Audit),
            Some("rotate-keys") => Ok(Self::RotateKeys),
            Some("help" | "--help" | "-h") => Ok(Self::Help),
            Some(other) => Err(UsageError::Unknown(other.to_owned())),
        }
    }

    /// Does it, and tells how the program ends.
    ///
    /// # Errors
    /// Whatever kept it from being done.
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve => server::serve(config).await.map(|()| ExitCode::SUCCESS),
            Self::Migrate => migrate(config).await,
            Self::Healthcheck => healthcheck::run(config).map(|()| ExitCode::SUCCESS),
            Self::Audit => audit(config).await,
            Self::RotateKeys => rotate_keys(config).await,
            Self::Help => {
                print!("{}", help());
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

async fn migrate(config: &Config) -> anyhow::Result<ExitCode> {
    let applied = store::migrate(config).await?;
    match applied.is_empty() {
        true => println!("the tables are up to date"),
        false => println!("applied: {}", applied.join(", ")),
    }
    Ok(ExitCode::SUCCESS)
}

async fn audit(config: &Config) -> anyhow::Result<ExitCode> {
    let opened = store::open(config).await?;
    let report = opened.store.audit().await?;
    for difference in &report.differences {
        println!("{difference}");
    }
    let (events, registrations) = (report.events, report.registrations);
    let differences = report.differences.len();
    println!("{events} events, {registrations} registrations, {differences} differences");
    Ok(if report.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn rotate_keys(config: &Config) -> anyhow::Result<ExitCode> {
    if !config.ticket_seeds.is_empty() {
        bail!(
            "the keys for tickets are those in TICKET_KEY; put a new one in front of them there, and \
             restart the servers"
        );
    }
    let opened = store::open(config).await?;
    let seed = seeds::random_seed();
    opened.store.add_signing_seed(seed, false).await?;
    let key_id = SigningKey::from_seed(seed.as_bytes()).key_id();
    println!(
        "new tickets will be signed with the key {key_id}, within a minute or two; tickets made \
         before stay valid"
    );
    Ok(ExitCode::SUCCESS)
}

/// The text of `--help`: every subcommand and every setting.
pub fn help() -> String {
    let mut text = String::from(
        "Event registration that never overbooks.

Usage: booking-http [SUBCOMMAND]

Subcommands:
  serve        answer requests (if none is given)
  migrate      bring the database's tables up to date; serve does so too
  healthcheck  ask the server on this machine whether it is up
  audit        recount every event against its rows; fails if anything differs
  rotate-keys  give the store a new key to sign tickets with; the old ones stay valid
  help         print this

Settings, from the environment:
",
    );
    let width = SETTINGS.iter().map(|setting| setting.name.len()).max().unwrap_or(0);
    for setting in SETTINGS {
        let default = match setting.default {
            "" => String::new(),
            default => format!(" [{default}]"),
        };
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {:width$}  {}{default}", setting.name, setting.meaning);
    }
    text.push_str(
        "\nAny of DATABASE_URL and the DB_… settings means PostgreSQL; without them the data is in \
         an SQLite file.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Setting;

    fn parse(arguments: &[&str]) -> Result<Command, UsageError> {
        Command::parse(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn subcommands_are_read() {
        assert_eq!(parse(&[]), Ok(Command::Serve));
        assert_eq!(parse(&["audit"]), Ok(Command::Audit));
        assert_eq!(parse(&["rotate-keys"]), Ok(Command::RotateKeys));
        assert_eq!(parse(&["--help"]), Ok(Command::Help));
        assert_eq!(parse(&["--port=1"]), Err(UsageError::Unknown("--port=1".into())));
        assert_eq!(parse(&["serve", "now"]), Err(UsageError::TooMany("now".into())));
    }

    #[test]
    fn help_and_readme_tell_every_setting() {
        let help = help();
        let readme = include_str!("../../../README.md");
        for Setting { name, default, meaning } in SETTINGS {
            assert!(help.contains(name) && help.contains(meaning), "{name}");
            let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
            let row = format!("| `{name}` | {default} | {meaning} |");
            assert!(readme.contains(&row), "the README lacks {row}");
        }
    }
}
