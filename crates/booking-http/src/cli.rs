//! The command line: what `booking-http` is asked to do, one subcommand each.

mod cells;
mod change_cells;
mod deliveries;
mod erase;
mod healthcheck;
mod move_events;
mod progress;
mod tokens;

use crate::cli::cells::CellsCommand;
use crate::cli::deliveries::DeliveriesCommand;
use crate::cli::move_events::MoveArguments;
use crate::config::{Config, StoreConfig, store};
use crate::server;
use crate::service::signing_keys;
use crate::settings::SETTINGS;
use anyhow::{Context, bail};
use booking_core::{AuditReport, EventId, OrganizerName, Role, TokenId};
use booking_ticket::SigningKey;
use clap::Parser;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Event registration that never overbooks.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "booking-http", version, after_help = settings_help())]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The subcommands of the program.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
enum Command {
    /// Answer requests (if none is given)
    Serve,
    /// Bring the database's tables up to date; serve does so too
    Migrate,
    /// Ask the server on this machine whether it is up
    Healthcheck,
    /// Recount every event against its rows; fails if anything differs
    Audit,
    /// Copy the SQLite database, which may be in use, to a new file, and recount the copy
    Backup {
        /// The file to make
        file: PathBuf,
    },
    /// Erase whose registrations are or were: all that is stored of an e-mail address
    Erase {
        /// The address; if it is left out, standard input has one on each line
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// Move events from one store to another, while both are served; safe to run again
    Move(MoveArguments),
    /// Give the store a new key to sign tickets with; the old ones stay valid
    RotateKeys,
    /// Make, list and revoke organizers' tokens; the first closes an open server
    #[command(subcommand)]
    Token(TokenCommand),
    /// Try out mail
    #[command(subcommand)]
    Mail(MailCommand),
    /// Look after what webhooks and mail still have to deliver
    #[command(subcommand)]
    Deliveries(DeliveriesCommand),
    /// Make the cells that CELLS_FILE names, look how they are, and split, move and drop them while they are served
    #[command(subcommand)]
    Cells(CellsCommand),
}

/// The subcommands for mail.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
enum MailCommand {
    /// Write every mail in every language, with made-up data, as files to look at; nothing is sent
    Preview {
        /// The folder to write them into
        folder: PathBuf,
    },
}

/// The subcommands for organizers' tokens.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
enum TokenCommand {
    /// Make a token and print it, this once
    Create {
        /// Whose it is; the same name is the same organizer
        #[arg(long)]
        name: OrganizerName,
        /// What may be done with it: owner, manager, door or reader, each of which may do what those after it may
        #[arg(long, default_value_t = Role::Owner)]
        role: Role,
        /// The id of an event that it is for, and for no other than those named so; not for an owner's
        #[arg(long = "event", value_name = "ID")]
        events: Vec<EventId>,
        /// Also give them the events that are nobody's: those from before there were tokens
        #[arg(long)]
        adopt_events: bool,
    },
    /// List all tokens there ever were, by their ids
    List,
    /// Make a token worthless
    Revoke {
        /// Its id, as list shows it
        id: TokenId,
    },
}

impl TokenCommand {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::Create { name, role, events, adopt_events } => {
                let wanted = tokens::Wanted { name, role, events, adopts_events: adopt_events };
                tokens::create(config, wanted).await
            }
            Self::List => tokens::list(config).await,
            Self::Revoke { id } => tokens::revoke(config, id).await,
        }
    }
}

impl Arguments {
    /// Whether this command logs what migrations do.
    #[must_use]
    pub fn logs_migrations(&self) -> bool {
        matches!(self.command, None | Some(Command::Serve | Command::Migrate))
    }

    /// Runs the command, and returns the program's exit code.
    ///
    /// # Errors
    /// Whatever made the command fail.
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => server::serve(config).await.map(|()| ExitCode::SUCCESS),
            Command::Migrate => migrate(config).await,
            Command::Healthcheck => healthcheck::run(config).map(|()| ExitCode::SUCCESS),
            Command::Audit => audit(config).await,
            Command::Backup { file } => backup(config, &file).await,
            Command::Erase { email } => erase::run(config, email).await.map(|()| ExitCode::SUCCESS),
            Command::Move(arguments) => {
                move_events::run(config, arguments).await.map(|()| ExitCode::SUCCESS)
            }
            Command::RotateKeys => rotate_keys(config).await,
            Command::Token(token) => token.run(config).await.map(|()| ExitCode::SUCCESS),
            Command::Mail(MailCommand::Preview { folder }) => preview(&folder),
            Command::Deliveries(command) => command.run(config).await.map(|()| ExitCode::SUCCESS),
            Command::Cells(command) => command.run(config).await,
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
    Ok(print_report(&store::audit(config).await?))
}

async fn backup(config: &Config, file: &Path) -> anyhow::Result<ExitCode> {
    let path = match &config.store {
        StoreConfig::Sqlite(path) => path,
        StoreConfig::Postgres(_) => bail!(
            "PostgreSQL is backed up by its own tools: pg_dump, or pg_basebackup and its log; \
             docker/OPERATING.md says how"
        ),
        StoreConfig::Cells(_) => bail!(
            "each cell is backed up by itself: name its file in BOOKING_DB in place of CELLS_FILE, or use \
             PostgreSQL's own tools; docker/OPERATING.md says how"
        ),
    };
    let report = booking_sqlite::backup(path, file).await.context("there is no backup")?;
    println!("{} is a copy of {}", file.display(), path.display());
    Ok(print_report(&report))
}

fn preview(folder: &Path) -> anyhow::Result<ExitCode> {
    let written = booking_delivery::mail::preview(folder);
    let written = written.with_context(|| format!("cannot write into {}", folder.display()))?;
    println!("{} files are in {}", written.len(), folder.display());
    Ok(ExitCode::SUCCESS)
}

/// Prints the result of a recount, and fails if there are differences.
fn print_report(report: &AuditReport) -> ExitCode {
    for difference in &report.differences {
        println!("{difference}");
    }
    for cell in &report.missing {
        println!("cell {cell} could not be asked: nothing is said of its events");
    }
    let (events, registrations) = (report.events, report.registrations);
    let differences = report.differences.len();
    println!("{events} events, {registrations} registrations, {differences} differences");
    let is_well = report.differences.is_empty() && report.missing.is_empty();
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn rotate_keys(config: &Config) -> anyhow::Result<ExitCode> {
    if !config.ticket_seeds.is_empty() {
        bail!(
            "the keys for tickets are those in TICKET_KEY; put a new one in front of them there, and \
             restart the servers"
        );
    }
    let store = store::open_existing(config).await?;
    let seed = signing_keys::random_seed();
    store.add_signing_seed(seed, false).await?;
    let key_id = SigningKey::from_seed(seed.as_bytes()).key_id();
    println!(
        "new tickets will be signed with the key {key_id}, within a minute or two; tickets made \
         before stay valid"
    );
    Ok(ExitCode::SUCCESS)
}

/// Every setting, for the end of `--help`.
fn settings_help() -> String {
    let mut text = String::from("Settings, from the environment:\n");
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
        "\nAny of DATABASE_URL and the DB_… settings but DB_POOL_SIZE, DB_PLAN_CACHE_MODE and \
         DB_WAIT_SECONDS means PostgreSQL; CELLS_FILE means what it names; without them the data \
         is in an SQLite file.",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::cells::NewCellArguments;
    use crate::settings::Setting;
    use booking_core::CellName;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    fn parse(arguments: &[&str]) -> Result<Option<Command>, ErrorKind> {
        let arguments = ["booking-http"].iter().chain(arguments);
        Arguments::try_parse_from(arguments).map(|read| read.command).map_err(|error| error.kind())
    }

    #[test]
    fn subcommands_are_read() {
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(parse(&["audit"]), Ok(Some(Command::Audit)));
        assert_eq!(parse(&["erase"]), Ok(Some(Command::Erase { email: None })));
        assert_eq!(parse(&["backup", "x"]), Ok(Some(Command::Backup { file: "x".into() })));
        assert_eq!(parse(&["backup"]), Err(ErrorKind::MissingRequiredArgument));
        assert_eq!(parse(&["rotate-keys"]), Ok(Some(Command::RotateKeys)));
        assert!(parse(&["move", "--from", "a.db", "--to", "postgres://b/c"]).is_ok());
        assert_eq!(parse(&["move", "--from", "a.db"]), Err(ErrorKind::MissingRequiredArgument));
        let of_one = ["move", "--from", "a.db", "--to", "b.db", "--event", "7"];
        assert_eq!(parse(&of_one), Err(ErrorKind::ValueValidation));
        let name = OrganizerName::parse("Jazz club").expect("a valid name");
        let create = |role, events, adopt_events| {
            let name = name.clone();
            Ok(Some(Command::Token(TokenCommand::Create { name, role, events, adopt_events })))
        };
        assert_eq!(
            parse(&["token", "create", "--name", " Jazz club", "--adopt-events"]),
            create(Role::Owner, vec![], true)
        );
        let (one, two) =
            ("019606a8-0000-7000-8000-000000000001", "019606a8-0000-7000-8000-000000000002");
        let door = ["token", "create", "--name", "Jazz club", "--role", "door"];
        assert_eq!(parse(&door), create(Role::Door, vec![], false));
        let events: Vec<EventId> = [one, two].map(|id| id.parse().expect("it is one")).to_vec();
        let of_two = [&door[..], &["--event", one, "--event", two]].concat();
        assert_eq!(parse(&of_two), create(Role::Door, events, false));
        for wrong in [&["--role", "Door"][..], &["--role", ""], &["--event", "7"]] {
            let wrong = [&door[..4], wrong].concat();
            assert_eq!(parse(&wrong), Err(ErrorKind::ValueValidation), "{wrong:?}");
        }
        assert_eq!(parse(&["token", "create"]), Err(ErrorKind::MissingRequiredArgument));
        assert_eq!(parse(&["token", "create", "--name", " "]), Err(ErrorKind::ValueValidation));
        assert_eq!(parse(&["token", "list"]), Ok(Some(Command::Token(TokenCommand::List))));
        assert_eq!(parse(&["token", "revoke", "7"]), Err(ErrorKind::ValueValidation));
        let preview = MailCommand::Preview { folder: "x".into() };
        assert_eq!(parse(&["mail", "preview", "x"]), Ok(Some(Command::Mail(preview))));
        assert_eq!(parse(&["mail", "preview"]), Err(ErrorKind::MissingRequiredArgument));
        let list = Command::Deliveries(DeliveriesCommand::List);
        assert_eq!(parse(&["deliveries", "list"]), Ok(Some(list)));
        let id = "019606a8-0000-7000-8000-000000000000";
        for arguments in [
            &["deliveries", "retry"][..],
            &["deliveries", "retry", "--mail"],
            &["deliveries", "retry", "--webhook", id],
            &["deliveries", "drop", "--mail", "--yes"],
            &["deliveries", "drop", "--webhook", id],
        ] {
            assert!(parse(arguments).is_ok(), "{arguments:?}");
        }
        for (arguments, error) in [
            (&["deliveries"][..], ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            (&["deliveries", "drop", "--yes"], ErrorKind::MissingRequiredArgument),
            (&["deliveries", "drop", "--mail", "--webhook", id], ErrorKind::ArgumentConflict),
            (&["deliveries", "retry", "--mail", "--webhook", id], ErrorKind::ArgumentConflict),
            (&["deliveries", "retry", "--webhook", "7"], ErrorKind::ValueValidation),
        ] {
            assert_eq!(parse(arguments), Err(error), "{arguments:?}");
        }
        let status = Command::Cells(CellsCommand::Status);
        assert_eq!(parse(&["cells", "status"]), Ok(Some(status)));
        assert_eq!(parse(&["cells", "create"]), Ok(Some(Command::Cells(CellsCommand::Create))));
        let name = |name: &str| CellName::parse(name).expect("a valid name");
        let new = |schema: Option<&str>| NewCellArguments {
            to: name("c80"),
            node: "db2".to_owned(),
            schema: schema.map(name),
        };
        let split = ["cells", "split", "low", "--at", "80", "--to", "c80", "--node", "db2"];
        let expected = CellsCommand::Split { cell: name("low"), at: 0x80, to: new(None) };
        assert_eq!(parse(&split), Ok(Some(Command::Cells(expected))));
        let to = ["cells", "move", "low", "--to", "c80", "--node", "db2", "--schema", "public"];
        let expected = CellsCommand::Move { cell: name("low"), to: new(Some("public")) };
        assert_eq!(parse(&to), Ok(Some(Command::Cells(expected))));
        let drop = Command::Cells(CellsCommand::Drop { cell: name("low") });
        assert_eq!(parse(&["cells", "drop", "low"]), Ok(Some(drop)));
        assert_eq!(parse(&["cells", "resume"]), Ok(Some(Command::Cells(CellsCommand::Resume))));
        for byte in ["8", "080", "0x80", "+8", "g0"] {
            let wrong: Vec<_> = split.map(|part| if part == "80" { byte } else { part }).to_vec();
            assert_eq!(parse(&wrong), Err(ErrorKind::ValueValidation), "{byte}");
        }
        assert_eq!(parse(&split[..7]), Err(ErrorKind::MissingRequiredArgument));
        assert_eq!(parse(&["cells", "drop", "C-1"]), Err(ErrorKind::ValueValidation));
        assert_eq!(parse(&["--help"]), Err(ErrorKind::DisplayHelp));
        assert_eq!(parse(&["--version"]), Err(ErrorKind::DisplayVersion));
        assert_eq!(parse(&["--port=1"]), Err(ErrorKind::UnknownArgument));
        assert_eq!(parse(&["bake"]), Err(ErrorKind::InvalidSubcommand));
        assert_eq!(parse(&["serve", "now"]), Err(ErrorKind::UnknownArgument));
    }

    #[test]
    fn help_and_manual_list_every_setting() {
        let help = Arguments::command().render_help().to_string();
        let manual =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docker/OPERATING.md"));
        for Setting { name, default, meaning } in SETTINGS {
            assert!(help.contains(name) && help.contains(meaning), "{name}");
            let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
            let row = format!("| `{name}` | {default} | {meaning} |");
            assert!(manual.contains(&row), "docker/OPERATING.md lacks {row}");
        }
    }
}
