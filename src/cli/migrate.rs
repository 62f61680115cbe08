//! `samvad migrate`: the schema of the database, up, down and as it is.

use super::output::{note, say};
use crate::config::{Settings, process_environment};
use crate::store::{DatabaseUrl, MigrationStep, SqlStore, migrate_down, migrate_up, schema_status};
use anyhow::bail;
use clap::{Args, Subcommand};
use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

pub(super) const EXAMPLES: &str = "\
Examples:
  samvad migrate status          which versions the database has
  samvad migrate up              to this samvad's version; nothing is lost
  samvad migrate down --to 1     back to version 1; what later versions keep is lost

The database is the one of DATABASE_URL, or samvad.db in SAMVAD_DATA_DIR. Make a backup first.";

/// What to do with the schema.
#[derive(Args, Debug)]
pub(super) struct MigrateArgs {
    #[command(subcommand)]
    command: MigrateCommand,
}

#[derive(Subcommand, Debug)]
enum MigrateCommand {
    /// Brings the schema up to this samvad's version, or to the one named. What is there stays.
    ///
    /// Safe while servers run, and on several machines at once: one does it, the others wait.
    Up {
        /// Stop at this version.
        #[arg(long, value_name = "VERSION")]
        to: Option<i64>,
    },
    /// Takes the schema back to an older version. What the versions above it keep is lost.
    ///
    /// Stop every server first. Asks for confirmation; without a terminal, --yes is needed.
    Down {
        /// The version to go back to; 0 removes everything.
        #[arg(long, value_name = "VERSION")]
        to: i64,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Shows which versions the database has, and which this samvad knows.
    ///
    /// Exit status 0: the schema is this samvad's. 1: it is older, newer or missing.
    Status,
}

pub(super) fn run(args: &MigrateArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_env(&process_environment())?;
    let url = DatabaseUrl::parse(&settings.database_url)?;
    let runtime = super::runtime()?;
    match args.command {
        MigrateCommand::Up { to } => {
            let step = runtime.block_on(migrate_up(&url, to))?;
            report(&url, step)?;
        }
        MigrateCommand::Down { to, yes } => {
            must_exist(&url)?;
            let found = runtime.block_on(schema_status(&url))?.found;
            if to < found && !yes && !confirmed(&url, found, to)? {
                bail!("nothing was changed");
            }
            let step = runtime.block_on(migrate_down(&url, to))?;
            report(&url, step)?;
        }
        MigrateCommand::Status => {
            must_exist(&url)?;
            let status = runtime.block_on(schema_status(&url))?;
            say!("database  {url}")?;
            for version in &status.versions {
                let state = if version.applied { "applied" } else { "missing" };
                say!("{state}   {}", version.name)?;
            }
            let known = SqlStore::schema_version();
            if status.found != known {
                say!("{}", remedy(status.found, known))?;
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn remedy(found: i64, known: i64) -> String {
    if found > known {
        format!("the database has version {found}, which a newer samvad wrote: use that one")
    } else {
        "run `samvad migrate up`".to_owned()
    }
}

/// Looking at a file that is missing would make it.
fn must_exist(url: &DatabaseUrl) -> anyhow::Result<()> {
    if url.sqlite_file().is_some_and(|file| !file.exists()) {
        bail!("there is no database {url}; set SAMVAD_DATA_DIR or DATABASE_URL, or run `samvad migrate up`");
    }
    Ok(())
}

fn report(url: &DatabaseUrl, step: MigrationStep) -> anyhow::Result<()> {
    if step.from == step.to {
        say!("{url} has schema version {}: nothing to do", step.to)?;
    } else {
        say!("{url}: schema version {} -> {}", step.from, step.to)?;
    }
    Ok(())
}

fn confirmed(url: &DatabaseUrl, found: i64, to: i64) -> anyhow::Result<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        bail!("taking the schema of {url} from version {found} back to {to} loses data; add --yes to do it");
    }
    note(format_args!(
        "Taking the schema of {url} from version {found} back to {to} loses what later versions keep.\n\
         Type yes to go on: "
    ));
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
